//! The head: one line of JSON that says who, over what, when and where in the log, and commits to the event.
//!
//! Owns its fields, their order, and every value's form (`docs/spec/record.md`, *Head*). Promises that what [`Head::parse`] accepts
//! encodes to the same bytes. A head is written in four parts, so that the writer can hash what it knows before the record has
//! its place: start, [`Shared`], [`Own`], digest, end. Does not check that a head fits its log; `verify` does.

mod form;
mod percent;

pub use percent::percent_encode;

use crate::cursor::{Cursor, Fault, push_integer};
use crate::hash::Hash;
use crate::limits::HEAD_BYTES_MAX;
use crate::origin::{NODE_LOG, Origin};
use crate::time::Time;
use alloc::vec::Vec;

/// What a record is. The node alone sets it; whatever arrives from outside is [`Kind::Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Record 0 of a log: origin and keys.
    Genesis,
    /// Reserved: a change of keys.
    Key,
    /// Reserved: a change of the log's settings.
    Settings,
    /// Reserved: content that expired.
    Expiry,
    /// Reserved: content that was erased.
    Erasure,
    /// A producer's stream goes on in a new epoch, or is handed on.
    Stream,
    /// Reserved: the log that continues this one.
    Successor,
    /// Something damaged was set aside.
    Repair,
    /// A trouble of the clock.
    Clock,
    /// What the node says of itself.
    Node,
    /// An event from outside.
    Event,
}

impl Kind {
    const ALL: [Kind; 11] = [
        Kind::Genesis,
        Kind::Key,
        Kind::Settings,
        Kind::Expiry,
        Kind::Erasure,
        Kind::Stream,
        Kind::Successor,
        Kind::Repair,
        Kind::Clock,
        Kind::Node,
        Kind::Event,
    ];

    /// The word in the head.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Genesis => "genesis",
            Kind::Key => "key",
            Kind::Settings => "settings",
            Kind::Expiry => "expiry",
            Kind::Erasure => "erasure",
            Kind::Stream => "stream",
            Kind::Successor => "successor",
            Kind::Repair => "repair",
            Kind::Clock => "clock",
            Kind::Node => "node",
            Kind::Event => "event",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str().as_bytes() == word)
    }

    /// No version-1 writer makes this kind, and a version-1 verifier does not know its rules: it reports the record as
    /// *unsupported version*, although the head is valid.
    #[must_use]
    pub fn is_reserved(self) -> bool {
        use Kind::{Erasure, Expiry, Settings, Successor};
        matches!(self, Settings | Expiry | Erasure | Successor)
    }
}

/// A whole head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The log's origin.
    pub log: Origin<'a>,
    /// What was authenticated, and how the record came in.
    pub shared: Shared<'a>,
    /// What was claimed.
    pub own: Own<'a>,
    /// SHA-256 of salt and event.
    pub digest: Hash,
    /// Position in the log, from 0.
    pub seq: u64,
    /// When the node recorded it.
    pub time: Time,
    /// The entry before; zeros in record 0.
    pub prev: Hash,
}

/// The fields that many records of a log have in common: `kind` to `format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shared<'a> {
    /// What the record is.
    pub kind: Kind,
    /// Who was authenticated, percent-encoded: a URI, `dns:<name>`, `unix:<uid>`, `node:<node id>`.
    pub by: &'a str,
    /// `<purpose>/<protocol>`.
    pub via: &'a str,
    /// The peer's address as RFC 5952 writes it.
    pub from: Option<&'a str>,
    /// SHA-256 of the client certificate's DER.
    pub cert: Option<Hash>,
    /// Reserved: seq of the policy record in `_node`.
    pub policy: Option<u64>,
    /// The shape as received, if not our own.
    pub format: Option<&'a str>,
}

/// The fields a record has for itself: `occurred` to `psig`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Own<'a> {
    /// When the sender says it happened.
    pub occurred: Option<Time>,
    /// Place in a producer's stream.
    pub stream: Option<Stream<'a>>,
    /// Idempotency key, percent-encoded.
    pub key: Option<&'a str>,
    /// Reserved: digest of a producer's signature block.
    pub psig: Option<Hash>,
}

/// A place in a producer's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream<'a> {
    /// The producer's name for the stream, percent-encoded.
    pub src: &'a str,
    /// Grows when the producer starts anew.
    pub epoch: u64,
    /// Number within the epoch.
    pub n: u64,
}

/// Why bytes are not a head of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A later version wrote it: use a newer verifier.
    #[error("the head needs a newer version of this software")]
    Unsupported,
    /// It breaks the form.
    #[error("the head has not its form at byte {offset}, where {what} should stand")]
    Invalid {
        /// Byte from the start of the head.
        offset: usize,
        /// What should have stood there.
        what: &'static str,
    },
}

impl<'a> Head<'a> {
    /// Reads a head without copying. Every form is canonical, so that encoding the result gives the same bytes.
    ///
    /// A head of a reserved kind is valid; a verifier that meets one asks [`Kind::is_reserved`] and reports *unsupported version*.
    ///
    /// # Errors
    /// [`HeadError`], by the steps of *Judging a head*.
    pub fn parse(head: &'a [u8]) -> Result<Head<'a>, HeadError> {
        if head.len() > HEAD_BYTES_MAX {
            return Err(HeadError::Invalid {
                offset: HEAD_BYTES_MAX,
                what: "the end",
            });
        }
        match read(head) {
            Ok(head) => Ok(head),
            Err(_) if form::is_of_later_version(head) => Err(HeadError::Unsupported),
            Err(Fault { offset, what }) => Err(HeadError::Invalid { offset, what }),
        }
    }

    /// Writes the head. Fields that have not their form give bytes that [`Head::parse`] refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_start(self.log.as_str(), out);
        self.shared.encode(out);
        self.own.encode(out);
        encode_digest(&self.digest, out);
        encode_end(self.seq, &self.time.text(), &self.prev, out);
    }

    /// Does it break the rules for kinds (`docs/spec/record.md`, *Kinds*) in a log of that name?
    #[must_use]
    pub fn kind_fault(&self, log_name: &str) -> bool {
        let kind = self.shared.kind;
        let first = (self.seq == 0) == (kind == Kind::Genesis);
        let by_node = self.shared.by.starts_with("node:") && self.shared.via == "node/self";
        let of_node_log = matches!(kind, Kind::Repair | Kind::Clock | Kind::Node);
        !(first && (kind == Kind::Event || by_node) && (log_name == NODE_LOG || !of_node_log))
    }
}

impl<'a> Shared<'a> {
    /// Writes `"kind":"…","by":"…","via":"…"` and the fields that are present.
    pub fn encode(&self, out: &mut Vec<u8>) {
        push_quoted(b"\"kind\":\"", self.kind.as_str(), out);
        push_quoted(b",\"by\":\"", self.by, out);
        push_quoted(b",\"via\":\"", self.via, out);
        if let Some(from) = self.from {
            push_quoted(b",\"from\":\"", from, out);
        }
        if let Some(cert) = &self.cert {
            push_hash(b",\"cert\":\"", cert, out);
        }
        if let Some(policy) = self.policy {
            push_number(b",\"policy\":", policy, out);
        }
        if let Some(format) = self.format {
            push_quoted(b",\"format\":\"", format, out);
        }
    }

    /// Reads exactly what [`Shared::encode`] writes.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Shared<'a>> {
        let mut cursor = Cursor::new(bytes);
        let shared = Shared::read(&mut cursor).ok()?;
        cursor.end().ok().map(|()| shared)
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Shared<'a>, Fault> {
        let kind = cursor.quoted(b"\"kind\":\"", "kind", Kind::parse)?;
        let by = cursor.quoted(b",\"by\":\"", "by", form::principal)?;
        let via = cursor.quoted(b",\"via\":\"", "via", form::via)?;
        let from = cursor.quoted_maybe(b",\"from\":\"", "from", form::address)?;
        let cert = cursor.quoted_maybe(b",\"cert\":\"", "cert", Hash::from_hex)?;
        let policy = match cursor.has(b",\"policy\":") {
            true => Some(cursor.integer(b"", "policy")?),
            false => None,
        };
        let format = cursor.quoted_maybe(b",\"format\":\"", "format", form::format)?;
        Ok(Shared {
            kind,
            by,
            via,
            from,
            cert,
            policy,
            format,
        })
    }
}

impl<'a> Own<'a> {
    /// Writes each field that is present, with a comma before it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if let Some(occurred) = &self.occurred {
            out.extend_from_slice(b",\"occurred\":\"");
            out.extend_from_slice(&occurred.text());
            out.push(b'"');
        }
        if let Some(Stream { src, epoch, n }) = self.stream {
            push_quoted(b",\"src\":\"", src, out);
            push_number(b",\"epoch\":", epoch, out);
            push_number(b",\"n\":", n, out);
        }
        if let Some(key) = self.key {
            push_quoted(b",\"key\":\"", key, out);
        }
        if let Some(psig) = &self.psig {
            push_hash(b",\"psig\":\"", psig, out);
        }
    }

    /// Reads exactly what [`Own::encode`] writes; nothing at all is a record that claims nothing.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Own<'a>> {
        let mut cursor = Cursor::new(bytes);
        let own = Own::read(&mut cursor).ok()?;
        cursor.end().ok().map(|()| own)
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Own<'a>, Fault> {
        let occurred = cursor.quoted_maybe(b",\"occurred\":\"", "occurred", Time::parse)?;
        let stream = match cursor.quoted_maybe(b",\"src\":\"", "src", form::source)? {
            Some(src) => {
                let epoch = cursor.integer(b",\"epoch\":", "epoch")?;
                Some(Stream {
                    src,
                    epoch,
                    n: cursor.integer(b",\"n\":", "n")?,
                })
            }
            None => None,
        };
        let key = cursor.quoted_maybe(b",\"key\":\"", "key", form::key)?;
        let psig = cursor.quoted_maybe(b",\"psig\":\"", "psig", Hash::from_hex)?;
        Ok(Own {
            occurred,
            stream,
            key,
            psig,
        })
    }
}

/// Has `by` the form of one in a head?
#[must_use]
pub fn is_principal(by: &str) -> bool {
    form::principal(by.as_bytes()).is_some()
}

/// Has `src` the form of one in a head?
#[must_use]
pub fn is_source(src: &str) -> bool {
    form::source(src.as_bytes()).is_some()
}

/// Has `key` the form of one in a head?
#[must_use]
pub fn is_key(key: &str) -> bool {
    form::key(key.as_bytes()).is_some()
}

/// Writes `{"indelible":1,"log":"ORIGIN",`: what all heads of a log begin with.
pub fn encode_start(origin: &str, out: &mut Vec<u8>) {
    push_quoted(b"{\"indelible\":1,\"log\":\"", origin, out);
    out.push(b',');
}

/// Writes `,"digest":"…",`: the last the writer knows before the record has its place.
pub fn encode_digest(digest: &Hash, out: &mut Vec<u8>) {
    push_hash(b",\"digest\":\"", digest, out);
    out.push(b',');
}

/// Writes `"seq":N,"time":"…","prev":"…"}`.
pub fn encode_end(seq: u64, time: &[u8; 30], prev: &Hash, out: &mut Vec<u8>) {
    push_number(b"\"seq\":", seq, out);
    out.extend_from_slice(b",\"time\":\"");
    out.extend_from_slice(time);
    push_hash(b"\",\"prev\":\"", prev, out);
    out.push(b'}');
}

fn read(head: &[u8]) -> Result<Head<'_>, Fault> {
    let mut cursor = Cursor::new(head);
    cursor.literal(b"{\"indelible\":1", "version 1")?;
    let log = cursor.quoted(b",\"log\":\"", "log", |text| {
        Origin::parse(core::str::from_utf8(text).ok()?)
    })?;
    cursor.literal(b",", "kind")?;
    let shared = Shared::read(&mut cursor)?;
    let own = Own::read(&mut cursor)?;
    let digest = cursor.quoted(b",\"digest\":\"", "digest", Hash::from_hex)?;
    let seq = cursor.integer(b",\"seq\":", "seq")?;
    let time = cursor.quoted(b",\"time\":\"", "time", Time::parse)?;
    let prev = cursor.quoted(b",\"prev\":\"", "prev", Hash::from_hex)?;
    cursor.literal(b"}", "the closing brace")?;
    cursor.end()?;
    Ok(Head {
        log,
        shared,
        own,
        digest,
        seq,
        time,
        prev,
    })
}

fn push_quoted(opening: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(opening);
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

fn push_hash(opening: &[u8], value: &Hash, out: &mut Vec<u8>) {
    out.extend_from_slice(opening);
    out.extend_from_slice(&value.hex());
    out.push(b'"');
}

fn push_number(opening: &[u8], value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(opening);
    push_integer(value, out);
}

#[cfg(test)]
mod tests;
