//! The export: a range of a log's records as a file of lines, with what it takes to verify it.
//!
//! Owns the form of each line in both directions (`docs/spec/export.md`), given and taken without its LF where it is read, and with it
//! where it is written. A line that was read has its form and nothing more. The order of the lines, and what they prove together,
//! is [`ExportVerifier`](crate::verify::ExportVerifier)'s matter; where the records come from is the exporter's, who hashes the
//! bytes with a [`Hasher`](crate::hash::Hasher) as they go out.

use crate::cursor::{Cursor, Fault, integer, push_integer};
use crate::hash::Hash;
use crate::limits::{EXPORT_BLOCK_RECORDS, INTEGER_MAX, NOTE_BYTES_MAX, PROOF_HASHES_MAX};
use crate::lines::begins_later_version;
use crate::origin::Origin;
use crate::record::{self, Record};
use crate::strict_base64;
use alloc::string::String;
use alloc::vec::Vec;

const HEADER: &[u8] = b"{\"export\":";
const LOST: &[u8] = b"{\"lost\":";
const ENTRIES: &[u8] = b"{\"entries\":\"";
const LEFT: &[u8] = b"{\"left\":[";
const RIGHT: &[u8] = b"{\"right\":[";
const CHECKPOINT: &[u8] = b"{\"checkpoint\":\"";
const END: &[u8] = b"{\"end\":1,\"sha256\":\"";

/// The first line: which records of which log follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The log.
    pub origin: Origin<'a>,
    /// Its log id.
    pub id: Hash,
    /// The first seq.
    pub first: u64,
    /// How many records, at least 1.
    pub count: u64,
    /// The tree they are proven in; below 2^53, and no smaller than the range needs.
    pub size: u64,
    /// What is handed out of each record.
    pub content: Content,
}

/// What is handed out of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// Head, salt and event.
    All,
    /// The head alone.
    Heads,
}

/// Why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It has not its form.
    #[error("the line has not its form")]
    Malformed,
    /// A later version wrote it: use a newer verifier.
    #[error("the line needs a newer version of this software")]
    Unsupported,
}

/// What stands for one seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordLine<'a> {
    /// The record, cut and not judged.
    Record(Record<'a>),
    /// It could not be read when the export was made.
    Lost(u64),
}

impl<'a> Header<'a> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`LineError::Unsupported`] if it begins as an export of a later version, whatever follows.
    pub fn parse(line: &'a [u8]) -> Result<Header<'a>, LineError> {
        if line.strip_prefix(HEADER).is_some_and(begins_later_version) {
            return Err(LineError::Unsupported);
        }
        let header = read_header(&mut Cursor::new(line)).map_err(|_| LineError::Malformed)?;
        let good = header.count > 0
            && header.size <= INTEGER_MAX
            && header.end().is_some_and(|end| end <= header.size);
        if good {
            Ok(header)
        } else {
            Err(LineError::Malformed)
        }
    }

    /// Writes the line. Fields that do not fit each other give a line that [`Header::parse`] refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(HEADER);
        out.extend_from_slice(b"1,\"origin\":\"");
        out.extend_from_slice(self.origin.as_str().as_bytes());
        out.extend_from_slice(b"\",\"id\":\"");
        out.extend_from_slice(&self.id.hex());
        for (opening, value) in [
            (b"\",\"first\":".as_slice(), self.first),
            (b",\"count\":", self.count),
            (b",\"size\":", self.size),
        ] {
            out.extend_from_slice(opening);
            push_integer(value, out);
        }
        out.extend_from_slice(match self.content {
            Content::All => b",\"content\":\"all\"}\n",
            Content::Heads => b",\"content\":\"heads\"}\n",
        });
    }

    /// The seq after the last.
    fn end(&self) -> Option<u64> {
        self.first.checked_add(self.count)
    }
}

fn read_header<'a>(cursor: &mut Cursor<'a>) -> Result<Header<'a>, Fault> {
    let origin = cursor.quoted(b"{\"export\":1,\"origin\":\"", "origin", |text| {
        Origin::parse(core::str::from_utf8(text).ok()?)
    })?;
    let id = cursor.quoted(b",\"id\":\"", "id", Hash::from_hex)?;
    let first = cursor.integer(b",\"first\":", "first")?;
    let count = cursor.integer(b",\"count\":", "count")?;
    let size = cursor.integer(b",\"size\":", "size")?;
    let content = cursor.quoted(b",\"content\":\"", "content", |word| match word {
        b"all" => Some(Content::All),
        b"heads" => Some(Content::Heads),
        _ => None,
    })?;
    cursor.literal(b"}", "the closing brace")?;
    cursor.end()?;
    Ok(Header {
        origin,
        id,
        first,
        count,
        size,
        content,
    })
}

/// Writes a record's line: with salt and event, or the head alone.
pub fn encode_record(head: &[u8], content: Option<(&[u8], &[u8])>, out: &mut Vec<u8>) {
    record::encode_line(head, content, out);
    out.push(b'\n');
}

/// Writes the line of a record that could not be read.
pub fn encode_lost(seq: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(LOST);
    push_integer(seq, out);
    out.extend_from_slice(b"}\n");
}

impl<'a> RecordLine<'a> {
    /// Reads what stands for one seq. `None`: it is malformed.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<RecordLine<'a>> {
        match line.strip_prefix(LOST) {
            Some(rest) => integer(rest.strip_suffix(b"}")?).map(RecordLine::Lost),
            None => Record::cut(line).map(RecordLine::Record),
        }
    }
}

/// Does an entries line stand after this seq, in an export whose last seq is `last`?
#[must_use]
pub fn entries_follow(seq: u64, last: u64) -> bool {
    seq == last || seq % EXPORT_BLOCK_RECORDS == EXPORT_BLOCK_RECORDS - 1
}

/// Writes an entries line.
pub fn encode_entries(entries: &[Hash], out: &mut Vec<u8>) {
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.0).collect();
    out.extend_from_slice(ENTRIES);
    out.extend_from_slice(strict_base64::encode(&bytes).as_bytes());
    out.extend_from_slice(b"\"}\n");
}

/// Reads an entries line that must hold `count` entries, and puts their bytes in place of what `out` held. `false`: it is malformed.
#[must_use]
pub fn parse_entries(line: &[u8], count: usize, out: &mut Vec<u8>) -> bool {
    line.strip_prefix(ENTRIES)
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .is_some_and(|text| strict_base64::decode_exactly(text, count.saturating_mul(32), out))
}

/// Writes the subtree roots before the range.
pub fn encode_left(hashes: &[Hash], out: &mut Vec<u8>) {
    push_hashes(LEFT, hashes, b"]}\n", out);
}

/// Reads the subtree roots before the range; see [`walk::parse_consistency`](crate::walk::parse_consistency) for long lists. `None`: the line is malformed.
#[must_use]
pub fn parse_left(line: &[u8]) -> Option<Vec<Hash>> {
    read_hashes(LEFT, line, b"]}")
}

/// Writes the subtree roots after the range.
pub fn encode_right(hashes: &[Hash], out: &mut Vec<u8>) {
    push_hashes(RIGHT, hashes, b"]}\n", out);
}

/// Reads the subtree roots after the range; see [`walk::parse_consistency`](crate::walk::parse_consistency) for long lists. `None`: the line is malformed.
#[must_use]
pub fn parse_right(line: &[u8]) -> Option<Vec<Hash>> {
    read_hashes(RIGHT, line, b"]}")
}

/// Writes the checkpoint, which is a note.
pub fn encode_checkpoint(note: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(CHECKPOINT);
    push_escaped(note, out);
    out.extend_from_slice(b"\"}\n");
}

/// Reads the note's bytes, which are not judged. `None`: the line is malformed, or the note too large to be one.
#[must_use]
pub fn parse_checkpoint(line: &[u8]) -> Option<Vec<u8>> {
    parse_escaped(line.strip_prefix(CHECKPOINT)?.strip_suffix(b"\"}")?)
}

/// Writes a note's text between quotes.
pub(crate) fn push_escaped(note: &str, out: &mut Vec<u8>) {
    for byte in note.bytes() {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
}

/// The bytes of a note that stands between quotes. `None`: another escape, or too large to be a note.
pub(crate) fn parse_escaped(escaped: &[u8]) -> Option<Vec<u8>> {
    let mut note = Vec::with_capacity(escaped.len().min(NOTE_BYTES_MAX));
    let mut bytes = escaped.iter();
    while let Some(byte) = bytes.next() {
        note.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                escaped @ (b'"' | b'\\') => *escaped,
                _ => return None,
            },
            b'"' => return None,
            byte => *byte,
        });
        if note.len() > NOTE_BYTES_MAX {
            return None;
        }
    }
    Some(note)
}

/// Writes the last line, given the SHA-256 of all bytes before it.
pub fn encode_end(sha256: &Hash, out: &mut Vec<u8>) {
    out.extend_from_slice(END);
    out.extend_from_slice(&sha256.hex());
    out.extend_from_slice(b"\"}\n");
}

/// Reads the last line. `None`: it is malformed.
#[must_use]
pub fn parse_end(line: &[u8]) -> Option<Hash> {
    Hash::from_hex(line.strip_prefix(END)?.strip_suffix(b"\"}")?)
}

pub(crate) fn push_hashes(opening: &[u8], hashes: &[Hash], closing: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(opening);
    push_list(hashes, out);
    out.extend_from_slice(closing);
}

/// Writes hashes in base64, in quotes, joined by commas.
pub(crate) fn push_list(hashes: &[Hash], out: &mut Vec<u8>) {
    let mut text = String::new();
    for (index, hash) in hashes.iter().enumerate() {
        text.push_str(if index == 0 { "\"" } else { ",\"" });
        strict_base64::push(&hash.0, &mut text);
        text.push('"');
    }
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn read_hashes(opening: &[u8], line: &[u8], closing: &[u8]) -> Option<Vec<Hash>> {
    read_list(line.strip_prefix(opening)?.strip_suffix(closing)?)
}

/// Reads what [`push_list`] writes. Of a list that is longer than any proof only so much is kept that no proof has its length.
pub(crate) fn read_list(list: &[u8]) -> Option<Vec<Hash>> {
    let mut hashes = Vec::new();
    if list.is_empty() {
        return Some(hashes);
    }
    for item in list.split(|byte| *byte == b',') {
        let hash = strict_base64::decode_hash(item.strip_prefix(b"\"")?.strip_suffix(b"\"")?)?;
        if hashes.len() <= PROOF_HASHES_MAX {
            hashes.push(hash);
        }
    }
    Some(hashes)
}

#[cfg(test)]
mod tests;
