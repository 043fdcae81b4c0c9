//! The receipt: that a log committed to one record, as C2SP `tlog-proof@v1`.
//!
//! Owns its text form in both directions (`docs/spec/receipt.md`). A receipt that was read has a good form and nothing more:
//! [`verify`](crate::verify) says what it proves. The salt is not part of it, so that it can be shown to who may not know the event.

use crate::checkpoint::Checkpoint;
use crate::cursor::integer;
use crate::hash::Hash;
use crate::limits::{HEAD_BYTES_MAX, PROOF_HASHES_MAX, RECEIPT_BYTES_MAX};
use crate::lines::{Lines, push_hashes};
use crate::note::Note;
use crate::strict_base64;
use crate::verdict::Part;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// The first line.
const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// A receipt of good form. Nothing in it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The head's bytes, 1 to 4,096.
    pub head: Vec<u8>,
    /// Where the log says the record stands, below 2^53.
    pub index: u64,
    /// The inclusion proof, the leaf's sibling first; at most 63 hashes.
    pub proof: Vec<Hash>,
    /// The note.
    pub note: Note<'a>,
    /// What the note's text says.
    pub checkpoint: Checkpoint<'a>,
    /// The note as it stands in the receipt.
    pub note_text: &'a str,
}

impl<'a> Receipt<'a> {
    /// Reads a receipt. The head is not judged.
    ///
    /// # Errors
    /// The first part that has not its form: a line, or the checkpoint.
    pub fn parse(bytes: &'a [u8]) -> Result<Receipt<'a>, Part> {
        let text = core::str::from_utf8(bytes).map_err(|_| Part::Line(1))?;
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(Part::Line(1));
        }
        let mut lines = Lines::new(text);
        lines.read(|line| (line == TITLE).then_some(()))?;
        let head = lines.read(read_head)?;
        let index = lines.read(|line| integer(line.strip_prefix("index ")?.as_bytes()))?;
        let proof = lines.hashes(PROOF_HASHES_MAX)?;
        let note_text = lines.rest();
        let (note, checkpoint) = lines.checkpoint()?;
        Ok(Receipt {
            head,
            index,
            proof,
            note,
            checkpoint,
            note_text,
        })
    }
}

/// Writes the receipt of the record at `seq`: its head's bytes, its inclusion proof in the tree of the note's checkpoint, and the
/// note's text. What has not its form gives a text that [`Receipt::parse`] refuses.
#[must_use]
pub fn encode(head: &[u8], seq: u64, proof: &[Hash], note: &str) -> String {
    let mut text = String::from(TITLE);
    text.push_str("\nextra ");
    strict_base64::push(head, &mut text);
    push_proof(seq, proof, note, &mut text);
    text
}

/// Writes a `tlog-proof` without extra data: that the tree has some entry at this place. It says nothing of who or when, so whoever may
/// see digests alone may have it; our own verifier asks for a head and refuses it.
#[must_use]
pub fn encode_without_head(seq: u64, proof: &[Hash], note: &str) -> String {
    let mut text = String::from(TITLE);
    push_proof(seq, proof, note, &mut text);
    text
}

/// Hashes as they stand in a receipt: lines of one hash each, and an empty line.
#[must_use]
pub fn hash_lines(hashes: &[Hash]) -> String {
    let mut text = String::new();
    push_hashes(hashes, &mut text);
    text
}

fn push_proof(seq: u64, proof: &[Hash], note: &str, text: &mut String) {
    text.push_str("\nindex ");
    text.push_str(&seq.to_string());
    text.push('\n');
    push_hashes(proof, text);
    text.push_str(note);
}

fn read_head(line: &str) -> Option<Vec<u8>> {
    strict_base64::decode(line.strip_prefix("extra ")?)
        .filter(|head| (1..=HEAD_BYTES_MAX).contains(&head.len()))
}

#[cfg(test)]
mod tests;
