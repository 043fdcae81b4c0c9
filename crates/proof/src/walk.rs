//! The walk: lines that lead from a log's id to the keys of today, in an export and in a walk file.
//!
//! Owns their forms in both directions (`docs/spec/walk.md`), taken without LF and written with it. A line that was read has its form and
//! nothing more: what a walk proves is [`KeyWalk`](crate::verify::KeyWalk)'s matter.

use crate::cursor::{Cursor, Fault};
use crate::export::{
    LineError, parse_escaped, push_escaped, push_hashes, push_list, read_hashes, read_list,
};
use crate::hash::Hash;
use crate::limits::INTEGER_MAX;
use crate::lines::begins_later_version;
use crate::origin::Origin;
use crate::record::{self, Record};
use alloc::vec::Vec;

const WALK: &[u8] = b"{\"walk\":";
const CONSISTENCY: &[u8] = b"{\"walk\":{\"consistency\":[";
const HINGE: &[u8] = b"{\"walk\":{\"hinge\":";

/// The first line of a walk file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The log.
    pub origin: Origin<'a>,
    /// Its log id.
    pub id: Hash,
    /// Size of the checkpoint at the end; below 2^53.
    pub size: u64,
}

impl<'a> Header<'a> {
    /// Reads the line.
    ///
    /// # Errors
    /// [`LineError::Unsupported`] if it begins as a walk file of a later version, whatever follows.
    pub fn parse(line: &'a [u8]) -> Result<Header<'a>, LineError> {
        if line.strip_prefix(WALK).is_some_and(begins_later_version) {
            return Err(LineError::Unsupported);
        }
        let header = read_header(&mut Cursor::new(line)).map_err(|_| LineError::Malformed)?;
        Some(header)
            .filter(|header| header.size <= INTEGER_MAX)
            .ok_or(LineError::Malformed)
    }

    /// Writes the line.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"walk\":1,\"origin\":\"");
        out.extend_from_slice(self.origin.as_str().as_bytes());
        out.extend_from_slice(b"\",\"id\":\"");
        out.extend_from_slice(&self.id.hex());
        out.extend_from_slice(b"\",\"size\":");
        crate::cursor::push_integer(self.size, out);
        out.extend_from_slice(b"}\n");
    }
}

fn read_header<'a>(cursor: &mut Cursor<'a>) -> Result<Header<'a>, Fault> {
    let origin = cursor.quoted(b"{\"walk\":1,\"origin\":\"", "origin", |text| {
        Origin::parse(core::str::from_utf8(text).ok()?)
    })?;
    let id = cursor.quoted(b",\"id\":\"", "id", Hash::from_hex)?;
    let size = cursor.integer(b",\"size\":", "size")?;
    cursor.literal(b"}", "the closing brace")?;
    cursor.end()?;
    Ok(Header { origin, id, size })
}

/// One handing over of keys, not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HingeLine<'a> {
    /// The hinge's note.
    pub note: Vec<u8>,
    /// From the hinge before, or size 1.
    pub consistency: Vec<Hash>,
    /// Of the `key` record in the hinge's tree.
    pub inclusion: Vec<Hash>,
    /// The `key` record, cut and not judged.
    pub key: Record<'a>,
}

impl<'a> HingeLine<'a> {
    /// Reads a hinge's line. `None`: it is malformed.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<HingeLine<'a>> {
        let mut cursor = Cursor::new(line);
        cursor.literal(HINGE, "hinge").ok()?;
        cursor.literal(b"\"", "hinge").ok()?;
        let note = parse_escaped(cursor.string_body()?)?;
        cursor.literal(b",\"consistency\":[", "consistency").ok()?;
        let consistency = read_list(cursor.until(b']')?)?;
        cursor.literal(b",\"inclusion\":[", "inclusion").ok()?;
        let inclusion = read_list(cursor.until(b']')?)?;
        cursor.literal(b",\"key\":", "key").ok()?;
        let key = Record::cut(cursor.rest().strip_suffix(b"}}")?)?;
        Some(HingeLine {
            note,
            consistency,
            inclusion,
            key,
        })
    }
}

/// Writes a hinge's line.
pub fn encode_hinge(
    note: &str,
    consistency: &[Hash],
    inclusion: &[Hash],
    key: (&[u8], &[u8], &[u8]),
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(HINGE);
    out.push(b'"');
    push_escaped(note, out);
    out.extend_from_slice(b"\",\"consistency\":[");
    push_list(consistency, out);
    out.extend_from_slice(b"],\"inclusion\":[");
    push_list(inclusion, out);
    out.extend_from_slice(b"],\"key\":");
    let (head, salt, event) = key;
    record::encode_line(head, Some((salt, event)), out);
    out.extend_from_slice(b"}}\n");
}

/// What stands after the genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// One more handing over.
    Hinge(HingeLine<'a>),
    /// The walk's last line: to the checkpoint.
    Last(Vec<Hash>),
}

impl<'a> Step<'a> {
    /// Reads a line of the walk behind its first.
    ///
    /// # Errors
    /// [`LineError::Unsupported`] for a walk line of another form, which a later version may know.
    pub fn parse(line: &'a [u8]) -> Result<Step<'a>, LineError> {
        if line.starts_with(HINGE) {
            return HingeLine::parse(line)
                .map(Step::Hinge)
                .ok_or(LineError::Malformed);
        }
        parse_consistency(line).map(Step::Last)
    }
}

/// Writes the walk's first line: record 0, always with its content.
pub fn encode_genesis(head: &[u8], salt: &[u8], event: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(WALK);
    record::encode_line(head, Some((salt, event)), out);
    out.extend_from_slice(b"}\n");
}

/// Reads the walk's first line; the record has content. `None`: it is malformed.
#[must_use]
pub fn parse_genesis(line: &[u8]) -> Option<Record<'_>> {
    let record = Record::cut(line.strip_prefix(WALK)?.strip_suffix(b"}")?)?;
    record.content.is_some().then_some(record)
}

/// Writes the walk's last line: from the last hinge's size, or 1, to the checkpoint's.
pub fn encode_consistency(proof: &[Hash], out: &mut Vec<u8>) {
    push_hashes(CONSISTENCY, proof, b"]}}\n", out);
}

/// Reads the walk's last line. Of a list that is longer than any proof only so much is kept that no proof has its length.
///
/// # Errors
/// [`LineError::Unsupported`] for a walk line of another form, which a later version may know.
pub fn parse_consistency(line: &[u8]) -> Result<Vec<Hash>, LineError> {
    if line.starts_with(b"{\"walk\":{") && !line.starts_with(b"{\"walk\":{\"consistency\":") {
        return Err(LineError::Unsupported);
    }
    read_hashes(CONSISTENCY, line, b"]}}").ok_or(LineError::Malformed)
}

#[cfg(test)]
mod tests;
