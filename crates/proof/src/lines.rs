//! Reads a text whose lines all end in LF and whose end is a signed checkpoint: what receipts and proofs have in common.
//!
//! Owns the number of the line that is being read, because that is what a refusal names. Does not know what a line means.

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::Note;
use crate::strict_base64;
use crate::verdict::Part;
use alloc::string::String;
use alloc::vec::Vec;

/// What is left to read, and the number of the line read last.
pub(crate) struct Lines<'a> {
    rest: &'a str,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Lines<'a> {
        Lines {
            rest: text,
            number: 0,
        }
    }

    /// Takes the next line, which must end in LF and be what `judge` accepts.
    pub(crate) fn read<T>(&mut self, judge: impl FnOnce(&'a str) -> Option<T>) -> Result<T, Part> {
        self.number = self.number.saturating_add(1);
        let (line, rest) = self.rest.split_once('\n').ok_or(Part::Line(self.number))?;
        self.rest = rest;
        judge(line).ok_or(Part::Line(self.number))
    }

    /// Takes lines of one hash each, at most so many, and the empty line after them.
    pub(crate) fn hashes(&mut self, most: usize) -> Result<Vec<Hash>, Part> {
        let mut hashes = Vec::new();
        while let Some(hash) = self.read(|line| hash_or_end(line, hashes.len() < most))? {
            hashes.push(hash);
        }
        Ok(hashes)
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Takes all that is left, a signed checkpoint.
    pub(crate) fn checkpoint(self) -> Result<(Note<'a>, Checkpoint<'a>), Part> {
        let note = Note::parse(self.rest.as_bytes()).map_err(|_| Part::Checkpoint)?;
        let checkpoint = Checkpoint::parse(note.text).map_err(|_| Part::Checkpoint)?;
        Ok((note, checkpoint))
    }
}

/// A hash, or nothing in the empty line that ends them.
#[allow(
    clippy::option_option,
    reason = "refused, the end, and a hash are three answers to one line"
)]
fn hash_or_end(line: &str, has_room: bool) -> Option<Option<Hash>> {
    if line.is_empty() {
        return Some(None);
    }
    let hash = strict_base64::decode_hash(line)?;
    has_room.then_some(Some(hash))
}

/// Does a text begin with this title of a later version: `NAME-v2` where we know `NAME-v1`?
pub(crate) fn is_later_version(text: &str, name: &str) -> bool {
    let version = text
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix("-v"));
    version.is_some_and(|version| begins_later_version(version.as_bytes()))
}

/// Does a text begin with a number above 1, the version that this one knows?
pub(crate) fn begins_later_version(text: &[u8]) -> bool {
    matches!(text, [b'2'..=b'9', ..] | [b'1', b'0'..=b'9', ..])
}

/// Appends lines of one hash each and the empty line after them.
pub(crate) fn push_hashes(hashes: &[Hash], text: &mut String) {
    for hash in hashes {
        strict_base64::push(&hash.0, text);
        text.push('\n');
    }
    text.push('\n');
}
