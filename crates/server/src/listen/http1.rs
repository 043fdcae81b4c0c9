//! Where in a request an HTTP/1.1 connection is, and whether its framing has one reading only.
//!
//! Stands before the HTTP library and reads every byte once. It knows where heads and bodies begin and end, so that silence inside a
//! request is told from silence between two, and it stops at what two readers could cut differently (RFC 9112 §11.2): a line that ends
//! in a bare LF, a folded field, a space before a colon, two lengths, a length beside an encoding, an encoding other than `chunked`.
//! All else about a head is the library's to judge.

use crate::limits::{CHUNK_LINE_BYTES_MAX, HEADER_BYTES_MAX};

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Between two requests.
    Idle,
    /// A head has begun.
    Head,
    /// A body is under way.
    Body,
}

/// The byte at which a reader must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// How many bytes before it are good.
    pub(super) good: usize,
    /// Where the connection was.
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// In a line of a head.
    Line,
    /// So many bytes of a body with a length.
    Counted(u64),
    /// In the line that gives a chunk's size.
    Size,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// In the empty line after a chunk.
    AfterChunk,
    /// In a line after the last chunk.
    Trailer,
    /// A head so long that it is refused anyway.
    TooLong,
}

/// Follows the requests of one connection.
#[derive(Debug)]
pub(super) struct Requests {
    state: State,
    /// The line so far, without its end.
    line: Vec<u8>,
    /// Bytes of this head, or of the lines after the last chunk.
    head: usize,
    length: Option<u64>,
    chunked: bool,
    /// The request line was read.
    begun: bool,
}

impl Requests {
    pub(super) fn new() -> Requests {
        Requests {
            state: State::Idle,
            line: Vec::new(),
            head: 0,
            length: None,
            chunked: false,
            begun: false,
        }
    }

    pub(super) fn place(&self) -> Place {
        match self.state {
            State::Idle => Place::Idle,
            State::Line | State::TooLong => Place::Head,
            _ => Place::Body,
        }
    }

    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut left = bytes;
        while let Some((byte, after)) = left.split_first() {
            let place = self.place();
            match self.state {
                State::TooLong => return Ok(()),
                State::Counted(more) | State::Chunk(more) => left = self.skip(left, more),
                _ => {
                    if !self.byte(*byte) {
                        let good = bytes.len() - left.len();
                        return Err(Fault { good, place });
                    }
                    left = after;
                }
            }
        }
        Ok(())
    }

    /// Passes over bytes of a body, and gives what is behind them.
    fn skip<'b>(&mut self, left: &'b [u8], more: u64) -> &'b [u8] {
        let here = usize::try_from(more).unwrap_or(usize::MAX).min(left.len());
        let more = more - u64::try_from(here).unwrap_or(more);
        self.state = match (self.state, more) {
            (State::Counted(_), 0) => return self.end(left, here),
            (State::Counted(_), more) => State::Counted(more),
            (_, 0) => State::AfterChunk,
            (_, more) => State::Chunk(more),
        };
        left.get(here..).unwrap_or_default()
    }

    fn end<'b>(&mut self, left: &'b [u8], here: usize) -> &'b [u8] {
        *self = Requests::new();
        left.get(here..).unwrap_or_default()
    }

    /// One byte of a line. Whether it may stand there.
    fn byte(&mut self, byte: u8) -> bool {
        if self.state == State::Idle {
            self.state = State::Line;
        }
        self.head += 1;
        let most = match self.state {
            State::Size => CHUNK_LINE_BYTES_MAX,
            _ => HEADER_BYTES_MAX,
        };
        if self.head > most {
            let in_head = self.state == State::Line;
            self.state = State::TooLong;
            self.line = Vec::new();
            return in_head;
        }
        match (byte, self.line.last()) {
            (b'\n', Some(b'\r')) => {
                self.line.pop();
                let line = std::mem::take(&mut self.line);
                let good = self.line_ends(&line);
                if self.state != State::Idle {
                    self.line = line;
                    self.line.clear();
                }
                good
            }
            (b'\n', _) | (_, Some(b'\r')) => false,
            (other, _) if self.state == State::AfterChunk && other != b'\r' => false,
            _ => {
                self.line.push(byte);
                true
            }
        }
    }

    fn line_ends(&mut self, line: &[u8]) -> bool {
        match self.state {
            State::Line if line.is_empty() => self.begun && self.head_ends(),
            State::Line if !self.begun => {
                self.begun = true;
                true
            }
            State::Line => self.field(line),
            State::Size => self.size(line),
            State::AfterChunk if line.is_empty() => {
                self.state = State::Size;
                self.head = 0;
                true
            }
            State::Trailer if line.is_empty() => {
                *self = Requests::new();
                true
            }
            State::Trailer => well_formed(line).is_some(),
            _ => false,
        }
    }

    fn field(&mut self, line: &[u8]) -> bool {
        let Some((name, value)) = well_formed(line) else {
            return false;
        };
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = number(value, 10);
            let once = self.length.is_none() && length.is_some();
            self.length = length;
            return once;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let once = !self.chunked && value.eq_ignore_ascii_case(b"chunked");
            self.chunked = true;
            return once;
        }
        true
    }

    fn head_ends(&mut self) -> bool {
        self.head = 0;
        self.state = match (self.length, self.chunked) {
            (Some(_), true) => return false,
            (None, true) => State::Size,
            (Some(length), false) if length > 0 => State::Counted(length),
            _ => State::Idle,
        };
        if self.state == State::Idle {
            *self = Requests::new();
        }
        true
    }

    fn size(&mut self, line: &[u8]) -> bool {
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        self.head = 0;
        self.state = match number(digits, 16) {
            None => return false,
            Some(0) => State::Trailer,
            Some(size) => State::Chunk(size),
        };
        true
    }
}

/// Name and value of a field; none if the line is none.
fn well_formed(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let tight = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    tight.then(|| (name, value.get(1..).unwrap_or_default().trim_ascii()))
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = !text.starts_with('+');
    u64::from_str_radix(text, radix).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads it whole and in pieces of every length; both must say the same.
    fn read(text: &str) -> (Result<(), Fault>, Place) {
        let bytes = text.as_bytes();
        let mut whole = Requests::new();
        let said = whole.read(bytes);
        for length in 1..=bytes.len() {
            let (mut cut, mut before) = (Requests::new(), 0);
            for piece in bytes.chunks(length) {
                match (cut.read(piece), said) {
                    (Ok(()), _) => before += piece.len(),
                    (Err(at), Err(of)) => {
                        assert_eq!(
                            (before + at.good, at.place),
                            (of.good, of.place),
                            "{text:?}"
                        );
                        break;
                    }
                    (Err(at), Ok(())) => panic!("in pieces of {length}: {at:?}, {text:?}"),
                }
            }
            assert_eq!(cut.place(), whole.place(), "{text:?}");
        }
        (said, whole.place())
    }

    #[test]
    fn a_request_is_followed_from_its_head_through_its_body_to_its_end() {
        let head = "POST / HTTP/1.1\r\nhost: a\r\n";
        for (rest, place) in [
            ("", Place::Head),
            ("\r", Place::Head),
            ("\r\n", Place::Idle),
            ("content-length: 0\r\n\r\n", Place::Idle),
            ("content-length: 3\r\n\r\n", Place::Body),
            ("Content-Length: 3\r\n\r\nab", Place::Body),
            ("content-length: 3\r\n\r\nabc", Place::Idle),
            ("content-length: 3\r\n\r\nabcG", Place::Head),
            ("transfer-encoding: chunked\r\n\r\n", Place::Body),
            (
                "transfer-encoding: Chunked\r\n\r\n2\r\n\n\n\r\n",
                Place::Body,
            ),
            (
                "transfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\n",
                Place::Body,
            ),
            (
                "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
                Place::Idle,
            ),
            (
                "transfer-encoding: chunked\r\n\r\n0\r\na: b\r\n\r\n",
                Place::Idle,
            ),
        ] {
            assert_eq!(read(&format!("{head}{rest}")), (Ok(()), place), "{rest:?}");
        }
        let twice = format!("{head}content-length: 1\r\n\r\nx{head}\r\n");
        assert_eq!(read(&twice), (Ok(()), Place::Idle));
    }

    #[test]
    fn what_two_readers_could_cut_differently_is_a_fault() {
        for head in [
            "\r\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\r\nhost: a\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\n",
            "GET / HTTP/1.1\r\nhost: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\n host: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1, 1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: +1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: \r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: identity\r\n\r\n",
        ] {
            let (said, _) = read(head);
            let fault = said.expect_err(head);
            assert!(fault.place != Place::Body, "{head:?}");
            assert!(fault.good < head.len(), "{head:?}");
        }
        for body in [
            "x\r\n",
            "+2\r\n",
            "\r\n",
            "2\nab",
            "2\r\nabX",
            "2\r\nab\r\n-\r\n",
            "0\r\nx\r\n",
        ] {
            let text = format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{body}");
            let (said, _) = read(&text);
            assert_eq!(said.expect_err(body).place, Place::Body, "{body:?}");
        }
    }

    #[test]
    fn a_head_without_end_is_left_to_the_library_and_a_size_without_end_is_a_fault() {
        let mut requests = Requests::new();
        let head = "a".repeat(HEADER_BYTES_MAX * 2);
        assert_eq!(requests.read(head.as_bytes()), Ok(()));
        assert_eq!(requests.place(), Place::Head);
        assert!(requests.line.is_empty());
        let size = format!(
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;{}",
            "x".repeat(CHUNK_LINE_BYTES_MAX)
        );
        assert!(Requests::new().read(size.as_bytes()).is_err());
    }
}
