//! Requests that pass are cut where httparse, on which the HTTP library rests, cuts them; however they come in pieces.

#![no_main]

use http1::{Fault, Place, Requests};
use httparse::{Status, parse_chunk_size, parse_headers};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/server/src/listen/http1.rs"]
mod http1;
#[path = "../../crates/server/src/limits.rs"]
#[allow(dead_code, reason = "the bounds of this module are a few of them")]
mod limits;

fuzz_target!(|input: &[u8]| {
    let (said, place) = read(&[input]);
    let at = usize::from(input.first().copied().unwrap_or_default()).min(input.len());
    let (before, after) = input.split_at(at);
    assert_eq!(read(&[before, after]), (said, place), "in two pieces");
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(read(&single), (said, place), "byte by byte");
    match said {
        Err(fault) => {
            assert!(fault.good < input.len());
            let (good, _) = read(&[&input[..fault.good]]);
            assert_eq!(good, Ok(()), "what came before the fault is good");
        }
        Ok(()) => {
            if let Some(cut) = cut(input) {
                assert_eq!(place, cut, "both are at the same place");
            }
        }
    }
    plain(input);
});

/// Reads these pieces, with a fault's place counted over all of them.
fn read(pieces: &[&[u8]]) -> (Result<(), Fault>, Place) {
    let (mut requests, mut before) = (Requests::new(), 0);
    for piece in pieces {
        if let Err(fault) = requests.read(piece) {
            let good = before + fault.good;
            return (Err(Fault { good, ..fault }), fault.place);
        }
        before += piece.len();
    }
    (Ok(()), requests.place())
}

/// Where the other reader is at the end; nothing if it refuses what came, or would be told nothing about its length.
fn cut(mut rest: &[u8]) -> Option<Place> {
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut request = httparse::Request::new(&mut fields);
        let Status::Complete(head) = request.parse(rest).ok()? else {
            return Some(Place::Head);
        };
        rest = &rest[head..];
        let of = |name: &str| {
            let named = request.headers.iter();
            let values = named.filter(|field| field.name.eq_ignore_ascii_case(name));
            values.map(|field| field.value).collect::<Vec<_>>()
        };
        let body = match (&of("transfer-encoding")[..], &of("content-length")[..]) {
            ([], []) => Some(0),
            ([], [length]) => {
                let length = std::str::from_utf8(length).expect("digits that pass");
                let length: u64 = length.trim_ascii().parse().expect("a length that passes");
                usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= rest.len())
            }
            ([encoding], []) => {
                let encoding = encoding.trim_ascii();
                assert!(encoding.eq_ignore_ascii_case(b"chunked"), "{encoding:?}");
                chunks(rest)?
            }
            other => panic!("two readers could cut it differently: {other:?}"),
        };
        let Some(body) = body else {
            return Some(Place::Body);
        };
        rest = &rest[body..];
    }
    Some(Place::Idle)
}

/// Bytes of a body in chunks; the inner one is none if it has not ended.
fn chunks(body: &[u8]) -> Option<Option<usize>> {
    let mut at = 0;
    loop {
        let Status::Complete((line, size)) = parse_chunk_size(&body[at..]).ok()? else {
            return Some(None);
        };
        at += line;
        if size == 0 {
            let mut fields = [httparse::EMPTY_HEADER; 128];
            return match parse_headers(&body[at..], &mut fields).ok()? {
                Status::Complete((trailers, _)) => Some(Some(at + trailers)),
                Status::Partial => Some(None),
            };
        }
        let end = usize::try_from(size)
            .ok()
            .and_then(|size| at.checked_add(size)?.checked_add(2));
        match end.filter(|end| *end <= body.len()) {
            None => return Some(None),
            Some(end) => at = end,
        }
    }
}

/// Whatever a body holds, a request with it is one request, and the next begins behind it.
fn plain(body: &[u8]) {
    const HEAD: &[u8] = b"POST /v1/logs/app/records HTTP/1.1\r\nhost: node\r\n";
    let length = format!("content-length: {}\r\n\r\n", body.len());
    let counted = [HEAD, length.as_bytes(), body].concat();
    let in_chunks = |size: usize| {
        let mut request = [HEAD, b"Transfer-Encoding: chunked\r\n\r\n"].concat();
        for chunk in body.chunks(size) {
            request.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            request.extend(chunk);
            request.extend(b"\r\n");
        }
        request.extend(b"0\r\n\r\n");
        request
    };
    for request in [counted, in_chunks(7), in_chunks(0x1a)] {
        assert_eq!(read(&[&request]), (Ok(()), Place::Idle));
        assert_eq!(read(&[&request, &request]), (Ok(()), Place::Idle));
        let (_, last) = request.split_last().expect("it is not empty");
        let (said, place) = read(&[&request[..last.len()]]);
        assert!(
            said.is_ok() && place != Place::Idle,
            "its last byte is missing"
        );
    }
}
