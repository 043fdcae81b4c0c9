//! Frames of HTTP/2, written byte by byte (RFC 9113 §4, RFC 7541), so that a test can send what no library would.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "each test file uses a part of it and stops at the first surprise"
)]

use crate::bed::{Bed, PRODUCER};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub const INITIAL_WINDOW_SIZE: u16 = 4;

pub const REFUSED_STREAM: u32 = 7;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut out = length[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// What a client begins with.
pub fn preface(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in settings {
        payload.extend(name.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    out.extend(frame(SETTINGS, 0, 0, &payload));
    out
}

fn integer(out: &mut Vec<u8>, first: u8, prefix: u32, mut value: usize) {
    let most = (1 << prefix) - 1;
    if value < most {
        out.push(first | u8::try_from(value).unwrap());
        return;
    }
    out.push(first | u8::try_from(most).unwrap());
    value -= most;
    while value >= 128 {
        out.push(u8::try_from(value % 128).unwrap() | 128);
        value /= 128;
    }
    out.push(u8::try_from(value).unwrap());
}

fn literal(out: &mut Vec<u8>, first: u8, name: &str, value: &str) {
    out.push(first);
    for text in [name, value] {
        integer(out, 0, 7, text.len());
        out.extend(text.as_bytes());
    }
}

/// A block of fields, each written out.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        literal(&mut out, 0, name, value);
    }
    out
}

/// The same, and its last field goes into the table, from where `[0xbe]` names it again.
pub fn remembered(name: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    literal(&mut out, 0x40, name, value);
    out
}

/// The fields of a request.
pub fn head(method: &str, path: &str) -> Vec<u8> {
    fields(&[
        (":method", method),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
    ])
}

/// A connection whose client writes its own frames.
pub struct Raw {
    read: Reader,
    write: WriteHalf<TlsStream<TcpStream>>,
}

/// Its frames from the node.
struct Reader {
    stream: ReadHalf<TlsStream<TcpStream>>,
    come: Vec<u8>,
}

/// A frame that came.
#[derive(Debug, PartialEq, Eq)]
pub struct Came {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Came {
    /// The code of RST_STREAM and GOAWAY.
    pub fn code(&self) -> u32 {
        let from = self
            .payload
            .len()
            .min(if self.kind == GOAWAY { 4 } else { 0 });
        u32::from_be_bytes(self.payload[from..from + 4].try_into().unwrap())
    }
}

impl Raw {
    /// Connects over TLS as a producer, and says no more than its preface.
    pub async fn connect(bed: &Bed, settings: &[(u16, u32)]) -> Raw {
        let mut config = rustls::ClientConfig::clone(&bed.authority.client(PRODUCER));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = bed.connect(Arc::new(config)).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (stream, write) = tokio::io::split(stream);
        let come = Vec::new();
        let read = Reader { stream, come };
        let mut raw = Raw { read, write };
        assert!(raw.send(&preface(settings)).await);
        raw
    }

    /// Whether it could be sent.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.write.write_all(bytes).await.is_ok() && self.write.flush().await.is_ok()
    }

    /// The next frame; none once the node has ended the connection.
    pub async fn next(&mut self) -> Option<Came> {
        self.read.next().await
    }

    /// Sends, and takes all that comes meanwhile, until the node has ended the connection or there is nothing more to send. Bytes that
    /// were sent, and the frames that came.
    pub async fn flood(self, pieces: impl Iterator<Item = Vec<u8>>) -> (usize, Vec<Came>) {
        let (end, mut ended) = tokio::sync::oneshot::channel::<()>();
        let Raw {
            mut read,
            mut write,
        } = self;
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(came) = read.next().await {
                all.push(came);
            }
            drop(end);
            all
        });
        let mut sent = 0;
        for piece in pieces {
            let writing = async {
                write.write_all(&piece).await?;
                write.flush().await
            };
            tokio::select! {
                _ = &mut ended => break,
                written = writing => match written {
                    Ok(()) => sent += piece.len(),
                    Err(_) => break,
                }
            }
        }
        let all = reading.await.unwrap();
        drop(write);
        (sent, all)
    }
}

impl Reader {
    /// The next frame; none once the node has ended the connection.
    async fn next(&mut self) -> Option<Came> {
        loop {
            if let Some(header) = self.come.get(..9) {
                let length = usize::from(header[0]) << 16
                    | usize::from(header[1]) << 8
                    | usize::from(header[2]);
                if self.come.len() >= 9 + length {
                    let rest = self.come.split_off(9 + length);
                    let whole = std::mem::replace(&mut self.come, rest);
                    return Some(Came {
                        kind: whole[3],
                        flags: whole[4],
                        stream: u32::from_be_bytes(whole[5..9].try_into().unwrap()),
                        payload: whole[9..].to_vec(),
                    });
                }
            }
            let mut piece = [0; 16 << 10];
            match self.stream.read(&mut piece).await {
                Ok(length @ 1..) => self.come.extend(&piece[..length]),
                Ok(0) | Err(_) => return None,
            }
        }
    }
}
