//! Writes what fuzzing begins with and the vectors don't have: frames, batches and packs of them, a tail file, events of a node, and what
//! comes over the wire.
//!
//!     cargo run --example seeds -- CORPUS

use std::fs;
use std::path::Path;

use indelible_fuzz::certificate::{around, der};
use indelible_ledger::format::batch::{
    BatchHeader, ENTRY_BYTES, HEADER_BYTES, Row, SIGNATURE_BYTES, rows_root,
};
use indelible_ledger::format::frame::{FrameBuilder, FrameView};
use indelible_ledger::format::pack::{
    ClaimsData, FrameRow, PackNote, RecHeader, Run, RunData, StreamData, encode_ent,
};
use indelible_proof::hash::{self, Hash};
use indelible_proof::node_event::access::{Denied, GrantLine, ListenerLine};
use indelible_proof::node_event::{NodeEvent, PackId};
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use zstd::bulk::Compressor;

fn main() {
    let corpus = std::env::args().nth(1).expect("usage: seeds CORPUS");
    for (target, bytes) in seeds() {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(hash::sha256(&bytes).to_string()), bytes).expect("a file");
    }
}

/// Target and bytes of each.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let raw = frame();
    let mut packed = Vec::new();
    let mut compressor = Compressor::new(1).expect("a compressor");
    FrameView::parse(&raw)
        .expect("a frame")
        .0
        .recompress(&mut compressor, &mut packed);
    let (ent, digest) = encode_ent(&[1; 16], 9, 9, &Hash([2; 32]), &[run(&raw)]);
    let rec = RecHeader {
        store: [1; 16],
        first: 9,
        last: 9,
        ent: digest,
        length: 128,
    };
    let mut seeds = vec![
        ("batch", batch(&raw)),
        ("batch", batch(&packed)),
        (
            "batch",
            batch(&raw)[..HEADER_BYTES + SIGNATURE_BYTES].to_vec(),
        ),
        ("frame", raw),
        ("frame", packed),
        ("pack", ent),
        ("pack", encode_ent(&[1; 16], 0, 7, &Hash([2; 32]), &[]).0),
        ("pack", rec.encode().to_vec()),
        ("pack", b"sealed/000000000009-000000000010.rec".to_vec()),
        ("tail", tail()),
    ];
    seeds.extend(node_events().into_iter().map(|event| ("node_event", event)));
    seeds.extend(WIRE.map(|(target, text)| (target, text.as_bytes().to_vec())));
    seeds.push(("http2", http2()));
    seeds.extend(certificates().into_iter().map(|file| ("certificate", file)));
    seeds
}

/// Names of every sort, alone and several, and each in a whole certificate; as the target tells them apart.
fn certificates() -> Vec<Vec<u8>> {
    // GeneralName of RFC 5280 §4.2.1.6.
    const MAIL: u8 = 0x81;
    const HOST: u8 = 0x82;
    const DIRECTORY: u8 = 0xa4;
    const URI: u8 = 0x86;
    const ADDRESS: u8 = 0x87;
    let workload: (u8, &[u8]) = (URI, b"spiffe://example.org/ns/prod/sa/billing");
    let lists: [&[(u8, &[u8])]; 9] = [
        &[workload],
        &[(HOST, b"Billing.example.org")],
        &[workload, (HOST, b"billing.example.org"), (MAIL, b"a@b")],
        &[workload, (URI, b"urn:uuid:9d0a")],
        &[(HOST, b"a.example"), (HOST, b"b.example")],
        &[(URI, b"https://example.org/a%20b")],
        &[(HOST, b"*.example.org"), (ADDRESS, &[127, 0, 0, 1])],
        &[(DIRECTORY, &[0x30, 0x00]), (HOST, b"10.0.0.1")],
        &[(URI, b"unix:0")],
    ];
    let names = lists.map(|list| {
        let list: Vec<Vec<u8>> = list.iter().map(|(tag, name)| der(*tag, &[name])).collect();
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        der(0x30, &list)
    });
    let wholes = names
        .iter()
        .map(|names| [&b"c"[..], &around(names)].concat());
    let alone = names.iter().map(|names| [b"n", &names[..]].concat());
    wholes.chain(alone).collect()
}

/// Requests, answers and parts of them.
const WIRE: [(&str, &str); 22] = [
    ("array", "[]"),
    (
        "array",
        r#" [{"a":1},{"b":[1,{"c":","}]},{"d":"\\\",]}"},{}] "#,
    ),
    (
        "http1",
        "POST /v1/logs/app/records HTTP/1.1\r\nHost: node\r\nContent-Length: 2\r\n\r\n{}",
    ),
    (
        "http1",
        "POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\na: b\r\n\r\n",
    ),
    (
        "http1",
        "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /livez HTTP/1.1\r\n\r\n",
    ),
    // Each of these is refused, and has to be.
    (
        "http1",
        "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx",
    ),
    (
        "http1",
        "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "http1",
        "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    ("http1", "GET / HTTP/1.1\nhost: a\n\nGET / HTTP/1.1\r\n\r\n"),
    ("http1", "POST / HTTP/1.1\r\ncontent-length : 1\r\n\r\nx"),
    (
        "http1",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabXY0\r\n\r\n",
    ),
    (
        "member",
        "id\n{\"id\":\"o-41\",\"occurred\":\"2026-11-27T10:00:00.5+01:00\"}",
    ),
    ("member", "n\n{\"b\":[1,{\"n\":2},\"]\"],\"n\":\"x\"}"),
    ("member", "n\n{\"\\u006e\":-1.5e3,\"b\":[{\"n\":1}]}"),
    (
        "member",
        "2026-11-27 10:00:00Z\n{\"occ\\u0075rred\":\"2026-11-27t10:00:00z\"}",
    ),
    ("query", "from=7&to=9&heads"),
    ("query", "fr%6fm=0&&after=2026-11-23T10:00:00%2B01:00"),
    ("query", "heads=true&from=9007199254740991"),
    ("watch", ":\n\nid: 7\ndata: {\"seq\":7}\n\n"),
    ("watch", "id: 0\ndata: {}\n\nid: 1\ndata: {}\n\n:\n\n"),
    (
        "watch",
        "event: problem\ndata: {\"type\":\"about:blank\",\"title\":\"t\",\"status\":403,\"code\":\"denied\",\"detail\":\"d\",\"resend\":\"no\"}\n\n",
    ),
    ("watch", "data: x\nid: 1\nevent: record\n\n"),
];

/// A preface, settings, a request with its fields in two frames, and its body.
fn http2() -> Vec<u8> {
    let frame = |kind: u8, flags: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    };
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, &[]),
        frame(1, 0, b"abc"),
        frame(9, 4, b"def"),
        frame(0, 1, b"{}"),
    ]
    .concat()
}

fn time(nanos: u32) -> Time {
    Time::new(1_795_428_000, nanos).expect("a time")
}

/// Four records from seq 4 on, of two senders, one without its event.
fn frame() -> Vec<u8> {
    let shared = |uid: u32| format!(r#""kind":"event","by":"unix:{uid}","via":"cli/file""#);
    let event = format!(r#"{{"text":"{}"}}"#, "x".repeat(200));
    let mut builder = FrameBuilder::new();
    builder.push(
        time(5),
        shared(1000).as_bytes(),
        b"",
        &[1; 16],
        br#"{"a":1}"#,
    );
    builder.push_absent(
        time(6),
        shared(1001).as_bytes(),
        br#","key":"k""#,
        &Hash([7; 32]),
    );
    builder.push(
        time(900),
        shared(1000).as_bytes(),
        b"",
        &[3; 16],
        event.as_bytes(),
    );
    builder.push(time(901), shared(1000).as_bytes(), b"", &[4; 16], b"{}");
    let mut frame = Vec::new();
    builder.finish_raw(4, &mut frame);
    frame
}

/// A batch of that frame and a note.
fn batch(frame: &[u8]) -> Vec<u8> {
    let row = Row {
        log: Hash([10; 32]),
        first: 4,
        count: 4,
        root: Hash([11; 32]),
    };
    let notes = [&7_u32.to_be_bytes()[..], b"a note\n"].concat();
    let header = BatchHeader {
        mark: false,
        store: [1; 16],
        number: 9,
        epoch: 2,
        writer: [3; 16],
        rows: 1,
        notes_len: 11,
        prev: Hash([2; 32]),
        rows_root: rows_root(&[row]),
        notes_sha: hash::sha256(&notes),
        time: time(7),
    };
    [
        &header.encode()[..],
        &[7; SIGNATURE_BYTES],
        &row.encode(),
        &notes,
        &[5; 4 * ENTRY_BYTES],
        frame,
    ]
    .concat()
}

/// A run of that frame.
fn run(frame: &[u8]) -> RunData {
    let length = u32::try_from(frame.len()).expect("a short frame");
    let frontier = |size, hashes: &[u8]| {
        Frontier::from_parts(size, hashes.iter().map(|byte| Hash([*byte; 32])).collect())
            .expect("an edge")
    };
    let run = Run {
        origin: "log.example.org/orders/00112233445566ff".to_owned(),
        log: Hash([10; 32]),
        first: 4,
        count: 4,
        first_time: time(5),
        last_time: time(901),
        prev_entry: Hash([9; 32]),
        frontier_first: frontier(4, &[1]),
        last_entry: Hash([5; 32]),
        frontier_after: frontier(8, &[2]),
        root: Hash([11; 32]),
        frames: 1,
        rec_at: 128,
        rec_len: u64::from(length),
        notes: 1,
        keys: 1,
        streams_len: 34,
        places: 3,
    };
    RunData {
        run,
        entries: vec![Hash([5; 32]); 4],
        nodes: Vec::new(),
        commit_bits: vec![0b1000],
        frames: vec![FrameRow {
            offset: 128,
            length,
            count: 4,
            first: 4,
            time: time(5),
        }],
        notes: vec![PackNote {
            hinge: false,
            text: b"a note\n".to_vec(),
        }],
        claims: ClaimsData {
            keys: vec![([0x11; 16], 2)],
            streams: vec![StreamData {
                by: "unix:1000".to_owned(),
                src: "a".to_owned(),
                epoch: 0,
                first: 7,
                places: vec![0, 2],
            }],
            records: vec![1],
        },
    }
}

/// One of each kind of event that a node writes.
fn node_events() -> Vec<Vec<u8>> {
    let (first, last, ent) = (0, 8, Hash([6; 32]));
    let pack = |first, last| PackId { first, last, ent };
    let log = "log.example.org/orders/00112233445566ff";
    let (by, src, key) = ("unix:1000", "till%207", "k1");
    let quarantine = vec!["000000000009-ab".to_owned()];
    let (wall, last_time, epoch) = (time(9), time(5), 3);
    let events = [
        NodeEvent::Start {
            software: "indelible 0.1.0".into(),
            volatile: false,
            register: true,
            warnings: vec!["a \"warning\"\n".to_owned()],
        },
        NodeEvent::Destroyed { generation: 1 },
        NodeEvent::Stop {
            reason: "asked".into(),
        },
        NodeEvent::Log { log, id: ent },
        NodeEvent::Pack { first, last, ent },
        NodeEvent::Conflict {
            log,
            by,
            key,
            seq: 7,
        },
        NodeEvent::Merge {
            pack: pack(0, 8),
            of: vec![pack(0, 4), pack(5, 8)],
        },
        NodeEvent::Grants {
            by: by.into(),
            grants: vec![GrantLine {
                who: vec!["dns:*.acme".to_owned(), "unix:7".to_owned()],
                role: "auditor".to_owned(),
                logs: vec!["*".to_owned()],
                from: vec!["10.0.0.0/8".to_owned()],
            }],
        },
        NodeEvent::Networks {
            by: by.into(),
            networks: vec!["192.0.2.0/24".to_owned()],
            listeners: vec![ListenerLine {
                purpose: "ingest".to_owned(),
                listen: "internal:7443".to_owned(),
                allow_from: Vec::new(),
            }],
        },
        NodeEvent::Denied(Denied {
            by: Some(by.into()),
            action: Some("read-heads".into()),
            log: None,
            from: Some("10.1.2.3".into()),
            policy: Some(4),
            count: 17,
        }),
        NodeEvent::RepairTorn {
            batch: 9,
            quarantine: quarantine.clone(),
        },
        NodeEvent::RepairOrphan { quarantine },
        NodeEvent::Moved { store: [1; 16] },
        NodeEvent::RegisterLost { by: by.into() },
        NodeEvent::ClockAhead {
            wall,
            by_boot: last_time,
        },
        NodeEvent::ClockBack {
            wall: last_time,
            last: wall,
        },
        NodeEvent::ClockAccept {
            wall,
            last: last_time,
            by: by.into(),
        },
        NodeEvent::StreamEpoch {
            by,
            src,
            epoch,
            last: Some(4),
        },
        NodeEvent::StreamHanded {
            by,
            src,
            to: "unix:1001",
            epoch,
            last: None,
        },
    ];
    let written = |event: &NodeEvent<'_>| {
        let mut out = Vec::new();
        event.encode(&mut out);
        out
    };
    events.iter().map(written).collect()
}

/// A tail file with two slots and a block of zeros; the target makes its checksums right.
fn tail() -> Vec<u8> {
    const BLOCK: usize = 4096;
    let mut file = vec![0; 4 * BLOCK];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"INDLTAIL");
    put(8, &1_u32.to_le_bytes());
    put(12, &4096_u32.to_le_bytes());
    put(32, &[1; 16]);
    put(56, &16_384_u64.to_le_bytes());
    put(64, &[9; 32]);
    for (at, number, length) in [(BLOCK, 4_u64, 100_u64), (2 * BLOCK, 5, 7)] {
        put(at, b"INDLSLOT");
        put(at + 40, &number.to_le_bytes());
        put(at + 48, &length.to_le_bytes());
        put(at + 64, b"a batch");
    }
    file
}
