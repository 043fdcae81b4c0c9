//! Records for others: read back, and held against the root of a tree before they are handed on.
//!
//! `view` compares a record with the entry that is stored for it. Whoever can write to the disk can change both. Here the entries
//! of a range, as the heads give them, have to lead to a root that is known apart from the disk: the one that the log signed, or, above
//! its newest note, the one that this process committed or found at its start.

use crate::books::{Books, Log, SignedNote};
use crate::view::{ReadError, Stored};
use indelible_proof::hash::{self, Hash};
use indelible_proof::tree::subtree;
use std::ops::Range;

/// A tree to hold records against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl From<&SignedNote> for Anchor {
    fn from(note: &SignedNote) -> Anchor {
        Anchor {
            size: note.size,
            root: note.root,
        }
    }
}

/// Why reading a range stopped.
enum Stop {
    /// Enough bytes.
    Full,
    Read(ReadError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Stop {
        Stop::Read(error)
    }
}

impl Log {
    /// The tree that records below `end` can be held against: the signed one if it covers them.
    #[must_use]
    pub fn anchor(&self, end: u64) -> Anchor {
        match self.note().filter(|note| note.size >= end) {
            Some(note) => Anchor::from(&*note),
            None => {
                let (size, root) = self.head();
                Anchor { size, root }
            }
        }
    }
}

impl Books {
    /// The first records of a range, so many that they have some `bytes_max` bytes, and at least one. Each leads to the anchor's root.
    ///
    /// Where one can't be read, those before it are given, and the next call, which begins with it, says what is wrong.
    ///
    /// # Errors
    /// [`ReadError`], also if what is stored does not lead to the root, or the anchor does not cover the range.
    pub fn proved(
        &self,
        log: &Log,
        seqs: Range<u64>,
        anchor: Anchor,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let records = self.read_some(log, seqs, bytes_max)?;
        let Some(first) = records.first().map(|stored| stored.seq) else {
            return Ok(records);
        };
        let leaves = records
            .iter()
            .map(|stored| hash::leaf(&hash::entry(&stored.head)));
        let count = u64::try_from(records.len()).expect("what was read fits memory");
        let (left, right) = self.subtree(log, first, count, anchor.size)?;
        match subtree::verify(first, leaves, anchor.size, &left, &right, &anchor.root) {
            true => Ok(records),
            false => Err(ReadError::misled(log, first..first + count)),
        }
    }

    /// The same, held against the stored entries alone.
    ///
    /// # Errors
    /// [`ReadError`] if the first can't be read.
    pub(crate) fn read_some(
        &self,
        log: &Log,
        seqs: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        let read = self.records(log, seqs, &mut |stored| {
            bytes +=
                stored.head.len() + stored.content.as_ref().map_or(0, |(_, event)| event.len());
            records.push(stored);
            match bytes < bytes_max {
                true => Ok(()),
                false => Err(Stop::Full),
            }
        });
        match read {
            Err(Stop::Read(error)) if records.is_empty() => Err(error),
            _ => Ok(records),
        }
    }
}
