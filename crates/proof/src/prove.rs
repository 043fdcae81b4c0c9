//! Proofs about a log's past under a checkpoint of today: between two sizes, and for a time (`docs/spec/prove.md`).
//!
//! Owns the text forms of both in both directions. What was read has a good form and nothing more;
//! [`verify_proof`](crate::verify::verify_proof) says what it proves. Where the hashes come from is the prover's matter.

use crate::checkpoint::Checkpoint;
use crate::cursor::integer;
use crate::hash::Hash;
use crate::limits::{HEAD_BYTES_MAX, PROOF_HASHES_MAX, RECEIPT_BYTES_MAX};
use crate::lines::{Lines, is_later_version, push_hashes};
use crate::note::Note;
use crate::strict_base64;
use crate::time::Time;
use crate::verdict::{Integrity, Part};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

pub(crate) const CONSISTENCY: &str = "indelible-consistency";
const CONSISTENCY_TITLE: &str = "indelible-consistency-v1";
const HEAD_AT: &str = "indelible-head-at";
const HEAD_AT_TITLE: &str = "indelible-head-at-v1";

/// A size and the root of the tree of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of records, below 2^53.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

/// Either of the two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof<'a> {
    /// Between two sizes.
    Consistency(ConsistencyProof<'a>),
    /// For a time.
    HeadAt(HeadAt<'a>),
}

/// That one tree begins with another, and a signed one with both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof<'a> {
    /// The smaller tree, of size 1 at least.
    pub from: TreeHead,
    /// The larger, or the same.
    pub to: TreeHead,
    /// Between the two.
    pub between: Vec<Hash>,
    /// From the larger to the checkpoint.
    pub to_checkpoint: Vec<Hash>,
    /// The note.
    pub note: Note<'a>,
    /// What the note's text says.
    pub checkpoint: Checkpoint<'a>,
    /// The note as it stands in the file.
    pub note_text: &'a str,
}

/// Which records had been recorded at a time, by the times they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadAt<'a> {
    /// The time that was asked about.
    pub time: Time,
    /// The tree of all records up to it.
    pub size: TreeHead,
    /// The head of the last of them. There is one unless the size is 0.
    pub before: Option<Vec<u8>>,
    /// The head of the record that follows.
    pub after: Option<Vec<u8>>,
    /// The subtree proof of the two, left before right.
    pub hashes: Vec<Hash>,
    /// The note.
    pub note: Note<'a>,
    /// What the note's text says.
    pub checkpoint: Checkpoint<'a>,
    /// The note as it stands in the file.
    pub note_text: &'a str,
}

impl<'a> Proof<'a> {
    /// Reads a proof of either form.
    ///
    /// # Errors
    /// *malformed* with the first part that has not its form, or *unsupported version*.
    pub fn parse(bytes: &'a [u8]) -> Result<Proof<'a>, Integrity> {
        let text = core::str::from_utf8(bytes)
            .ok()
            .filter(|text| text.len() <= RECEIPT_BYTES_MAX)
            .ok_or(Integrity::Malformed(Part::Line(1)))?;
        if is_later_version(text, CONSISTENCY) || is_later_version(text, HEAD_AT) {
            return Err(Integrity::UnsupportedVersion);
        }
        let mut lines = Lines::new(text);
        let title = lines.read(|line| match line {
            CONSISTENCY_TITLE | HEAD_AT_TITLE => Some(line),
            _ => None,
        });
        let read = match title {
            Ok(CONSISTENCY_TITLE) => read_consistency(lines).map(Proof::Consistency),
            Ok(_) => read_head_at(lines).map(Proof::HeadAt),
            Err(part) => Err(part),
        };
        read.map_err(Integrity::Malformed)
    }

    /// The note, and what it says.
    #[must_use]
    pub fn signed(&self) -> (&Note<'a>, &Checkpoint<'a>) {
        match self {
            Proof::Consistency(proof) => (&proof.note, &proof.checkpoint),
            Proof::HeadAt(proof) => (&proof.note, &proof.checkpoint),
        }
    }

    /// The note as it stands in the file.
    #[must_use]
    pub fn note_text(&self) -> &'a str {
        match self {
            Proof::Consistency(proof) => proof.note_text,
            Proof::HeadAt(proof) => proof.note_text,
        }
    }
}

impl HeadAt<'_> {
    /// The line that a head stands in: `before`, and after it `after`.
    #[must_use]
    pub fn line_of_after(&self) -> u64 {
        if self.before.is_some() { 5 } else { 4 }
    }
}

fn read_consistency(mut lines: Lines<'_>) -> Result<ConsistencyProof<'_>, Part> {
    let from = lines.read(|line| tree_head(line, "from ").filter(|head| head.size > 0))?;
    let to = lines.read(|line| tree_head(line, "to ").filter(|head| head.size >= from.size))?;
    let between = lines.hashes(PROOF_HASHES_MAX)?;
    let to_checkpoint = lines.hashes(PROOF_HASHES_MAX)?;
    let note_text = lines.rest();
    let (note, checkpoint) = lines.checkpoint()?;
    Ok(ConsistencyProof {
        from,
        to,
        between,
        to_checkpoint,
        note,
        checkpoint,
        note_text,
    })
}

fn read_head_at(mut lines: Lines<'_>) -> Result<HeadAt<'_>, Part> {
    let time = lines.read(|line| Time::parse(line.strip_prefix("time ")?.as_bytes()))?;
    let size = lines.read(|line| tree_head(line, "size "))?;
    let before = match size.size {
        0 => None,
        _ => Some(lines.read(|line| head(line, "before "))?),
    };
    let after = match lines.rest().starts_with("after ") {
        true => Some(lines.read(|line| head(line, "after "))?),
        false => None,
    };
    let hashes = lines.hashes(2 * PROOF_HASHES_MAX)?;
    let note_text = lines.rest();
    let (note, checkpoint) = lines.checkpoint()?;
    Ok(HeadAt {
        time,
        size,
        before,
        after,
        hashes,
        note,
        checkpoint,
        note_text,
    })
}

fn tree_head(line: &str, name: &str) -> Option<TreeHead> {
    let (size, root) = line.strip_prefix(name)?.split_once(' ')?;
    Some(TreeHead {
        size: integer(size.as_bytes())?,
        root: strict_base64::decode_hash(root)?,
    })
}

fn head(line: &str, name: &str) -> Option<Vec<u8>> {
    strict_base64::decode(line.strip_prefix(name)?)
        .filter(|head| (1..=HEAD_BYTES_MAX).contains(&head.len()))
}

/// Writes a consistency proof. What has not its form gives a text that [`Proof::parse`] refuses.
#[must_use]
pub fn encode_consistency(
    from: &TreeHead,
    to: &TreeHead,
    between: &[Hash],
    to_checkpoint: &[Hash],
    note: &str,
) -> String {
    let mut text = String::from(CONSISTENCY_TITLE);
    text.push('\n');
    push_tree_head("from ", from, &mut text);
    push_tree_head("to ", to, &mut text);
    push_hashes(between, &mut text);
    push_hashes(to_checkpoint, &mut text);
    text.push_str(note);
    text
}

/// Writes the head at a time, with the heads of the records beside the border. As [`encode_consistency`].
#[must_use]
pub fn encode_head_at(
    time: &Time,
    size: &TreeHead,
    before: Option<&[u8]>,
    after: Option<&[u8]>,
    hashes: &[Hash],
    note: &str,
) -> String {
    let mut text = String::from(HEAD_AT_TITLE);
    text.push_str("\ntime ");
    text.push_str(&time.to_string());
    text.push('\n');
    push_tree_head("size ", size, &mut text);
    for (name, head) in [("before ", before), ("after ", after)] {
        if let Some(head) = head {
            text.push_str(name);
            strict_base64::push(head, &mut text);
            text.push('\n');
        }
    }
    push_hashes(hashes, &mut text);
    text.push_str(note);
    text
}

fn push_tree_head(name: &str, head: &TreeHead, text: &mut String) {
    text.push_str(name);
    text.push_str(&head.size.to_string());
    text.push(' ');
    strict_base64::push(&head.root.0, text);
    text.push('\n');
}

#[cfg(test)]
mod tests;
