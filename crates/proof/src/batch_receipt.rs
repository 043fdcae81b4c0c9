//! The batch receipt: that a log committed to records that stand one after the other, in a few hashes for all of them.
//!
//! Owns its text form in both directions (`docs/spec/batch-receipt.md`), and making each record's own receipt out of it
//! ([`derive()`]). A batch receipt holds nothing of the records themselves: their holder brings the heads. What was read has a good
//! form and nothing more; [`verify`](crate::verify) says what it proves.

use crate::checkpoint::Checkpoint;
use crate::cursor::integer;
use crate::hash::{self, Hash};
use crate::limits::{
    BATCH_RECEIPT_RECORDS_MAX, INTEGER_MAX, PROOF_HASHES_MAX, RECEIPT_BYTES_MAX, TREE_SIZE_MAX,
};
use crate::lines::{Lines, is_later_version, push_hashes};
use crate::note::Note;
use crate::receipt;
use crate::tree::{Frontier, Nodes, inclusion, subtree};
use crate::verdict::{Integrity, Part};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

const NAME: &str = "indelible-batch-receipt";

/// The same as bytes, up to the version: what tells a batch receipt from other files.
pub const TITLE_START: &[u8] = b"indelible-batch-receipt-v";

const TITLE: &str = "indelible-batch-receipt-v1";

/// A batch receipt of good form. Nothing in it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchReceipt<'a> {
    /// The seq of the first record.
    pub first: u64,
    /// How many records, 1 to 65,536. The last seq is below 2^53.
    pub count: u64,
    /// The subtree proof of the range: what lies left of it, then what lies right of it. At most 126; whether they are as many as the
    /// range needs is not judged.
    pub hashes: Vec<Hash>,
    /// The note.
    pub note: Note<'a>,
    /// What the note's text says.
    pub checkpoint: Checkpoint<'a>,
    /// The note as it stands in the file.
    pub note_text: &'a str,
}

impl<'a> BatchReceipt<'a> {
    /// Reads a batch receipt.
    ///
    /// # Errors
    /// *malformed* with the first part that has not its form, or *unsupported version*.
    pub fn parse(bytes: &'a [u8]) -> Result<BatchReceipt<'a>, Integrity> {
        let text = core::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.len() <= RECEIPT_BYTES_MAX)
            .ok_or(Integrity::Malformed(Part::Line(1)))?;
        if is_later_version(text, NAME) {
            return Err(Integrity::UnsupportedVersion);
        }
        read(text).map_err(Integrity::Malformed)
    }

    /// The hashes left and right of the range. `None`: there are fewer than the frontier of `first` has.
    #[must_use]
    pub fn sides(&self) -> Option<(&[Hash], &[Hash])> {
        let left = usize::try_from(self.first.count_ones()).ok()?;
        self.hashes.split_at_checked(left)
    }

    /// Can there be a range with so many hashes beside it in the tree that was signed?
    #[must_use]
    pub fn fits_its_tree(&self) -> bool {
        let due = subtree::counts(self.first, self.count, self.checkpoint.size);
        let has = self.sides().map(|(left, right)| (left.len(), right.len()));
        due.is_some() && due == has
    }
}

fn read(text: &str) -> Result<BatchReceipt<'_>, Part> {
    let mut lines = Lines::new(text);
    lines.read(|line| (line == TITLE).then_some(()))?;
    let first = lines.read(|line| integer(line.strip_prefix("first ")?.as_bytes()))?;
    let count = lines.read(|line| {
        integer(line.strip_prefix("count ")?.as_bytes()).filter(|count| {
            let last = first.checked_add(count.saturating_sub(1));
            (1..=BATCH_RECEIPT_RECORDS_MAX).contains(count)
                && last.is_some_and(|last| last <= INTEGER_MAX)
        })
    })?;
    let hashes = lines.hashes(2 * PROOF_HASHES_MAX)?;
    let note_text = lines.rest();
    let (note, checkpoint) = lines.checkpoint()?;
    Ok(BatchReceipt {
        first,
        count,
        hashes,
        note,
        checkpoint,
        note_text,
    })
}

/// Writes the batch receipt of the `count` records from `first` on: the two sides of their subtree proof in the tree of the note's
/// checkpoint, and the note's text. What has not its form gives a text that [`BatchReceipt::parse`] refuses.
#[must_use]
pub fn encode(first: u64, count: u64, left: &[Hash], right: &[Hash], note: &str) -> String {
    let mut text = String::from(TITLE);
    text.push_str("\nfirst ");
    text.push_str(&first.to_string());
    text.push_str("\ncount ");
    text.push_str(&count.to_string());
    text.push('\n');
    push_hashes(&[left, right].concat(), &mut text);
    text.push_str(note);
    text
}

/// Why a record's own receipt can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The record is none of the batch receipt's.
    #[error("the batch receipt is of other records")]
    NotOfIt,
    /// The heads given, with the hashes beside them, do not give the root that was signed.
    #[error("the heads given do not lead to the signed root")]
    RootMismatch,
}

/// The receipt of the record at `seq`, the same that the log gives for this checkpoint. `entries` are the entries of all records of
/// the batch receipt in order, and `head` is the head of the one at `seq`. The signature is not looked at: it goes into the receipt.
///
/// # Errors
/// [`DeriveError`]. No receipt is made that would not verify.
pub fn derive(
    batch: &BatchReceipt<'_>,
    entries: &[Hash],
    seq: u64,
    head: &[u8],
) -> Result<String, DeriveError> {
    let size = batch.checkpoint.size;
    let place = seq
        .checked_sub(batch.first)
        .filter(|place| *place < batch.count)
        .and_then(|place| usize::try_from(place).ok())
        .ok_or(DeriveError::NotOfIt)?;
    let entry = hash::entry(head);
    let is_all = u64::try_from(entries.len()) == Ok(batch.count);
    if !is_all || entries.get(place) != Some(&entry) || !batch.fits_its_tree() {
        return Err(DeriveError::RootMismatch);
    }
    let nodes = Known::new(batch, entries).ok_or(DeriveError::RootMismatch)?;
    let proof = inclusion::prove(&nodes, seq, size).map_err(|Unknown| DeriveError::RootMismatch)?;
    let leaf = hash::leaf(&entry);
    if !inclusion::verify(&leaf, seq, size, &proof, &batch.checkpoint.root) {
        return Err(DeriveError::RootMismatch);
    }
    Ok(receipt::encode(head, seq, &proof, batch.note_text))
}

/// The nodes that the hashes of a batch receipt and its entries give.
struct Known {
    first: u64,
    leaves: Vec<Hash>,
    /// By where a subtree begins and ends.
    outside: BTreeMap<(u64, u64), Hash>,
}

/// A node that neither lies in the range nor was given.
struct Unknown;

impl Known {
    fn new(batch: &BatchReceipt<'_>, entries: &[Hash]) -> Option<Known> {
        let (left, right) = subtree::ranges(batch.first, batch.count, batch.checkpoint.size)?;
        let ranges = left.into_iter().chain(right);
        Some(Known {
            first: batch.first,
            leaves: entries.iter().map(hash::leaf).collect(),
            outside: ranges
                .map(|range| (range.start, range.end))
                .zip(batch.hashes.iter().copied())
                .collect(),
        })
    }

    fn leaves_of(&self, lo: u64, hi: u64) -> Option<&[Hash]> {
        let place = |at: u64| usize::try_from(at.checked_sub(self.first)?).ok();
        self.leaves.get(place(lo)?..place(hi)?)
    }
}

impl Nodes for Known {
    type Error = Unknown;

    fn root(&self, lo: u64, hi: u64) -> Result<Hash, Unknown> {
        if let Some(hash) = self.outside.get(&(lo, hi)) {
            return Ok(*hash);
        }
        if let Some(leaves) = self.leaves_of(lo, hi) {
            let mut frontier = Frontier::new();
            leaves.iter().for_each(|leaf| frontier.push(*leaf));
            return Ok(frontier.root());
        }
        let width = hi
            .checked_sub(lo)
            .filter(|width| (2..=TREE_SIZE_MAX).contains(width))
            .ok_or(Unknown)?;
        let middle = lo.saturating_add(1 << width.saturating_sub(1).ilog2());
        Ok(hash::node(&self.root(lo, middle)?, &self.root(middle, hi)?))
    }
}

#[cfg(test)]
mod tests;
