//! Verifies a fork proof: two checkpoints of one log that contradict each other (`docs/spec/memory.md`, *Fork proof*).

use super::signer::signer_of;
use super::{Checked, Known, Report};
use crate::checkpoint::Checkpoint;
use crate::note::Note;
use crate::prove::{self, Proof, TreeHead};
use crate::tree::consistency;
use crate::verdict::{
    Authenticity, Completeness, Consistency, Integrity, Part, Verdict, Witnesses,
};
use alloc::vec::Vec;

/// Judges two signed notes, and a consistency proof that leads from the size of the smaller to the larger where their sizes differ.
/// With a walk file known the two may be by keys of different times.
#[must_use]
pub fn verify_fork<'k>(
    one: &[u8],
    other: &[u8],
    proof: Option<&[u8]>,
    known: impl Into<Known<'k>>,
) -> Report {
    let known = known.into();
    let mut checked = Checked::default();
    let (Some(one), Some(other)) = (Signed::read(one), Signed::read(other)) else {
        let malformed = Integrity::Malformed(Part::Checkpoint);
        return Report::refused(malformed, Some("a signed checkpoint"), checked);
    };
    let (small, large) = match one.checkpoint.size <= other.checkpoint.size {
        true => (one, other),
        false => (other, one),
    };
    checked.origin = Some(large.checkpoint.origin.into());
    checked.checkpoint = Some((large.checkpoint.size, large.checkpoint.root));
    checked.tree_heads = [small.head()].into();
    let by = |one: &Signed<'_>| signer_of(&one.note, &one.checkpoint, &known).authenticity;
    let (by_small, by_large) = (by(&small), by(&large));
    let mut authenticity = worse(by_small, by_large);
    let is_signed = is_by_the_log(by_small) && is_by_the_log(by_large);
    let at_small = small_in_large(&small, &large, proof);
    let (integrity, consistency) = match at_small {
        Err(integrity) => (integrity, Consistency::UncheckedThoughAsked),
        Ok(Some(head)) if is_signed && head == small.head() => (Integrity::Ok, Consistency::Ok),
        Ok(Some(_)) if is_signed => (
            Integrity::Ok,
            Consistency::Fork {
                one: small.text.into(),
                other: large.text.into(),
            },
        ),
        Ok(_) => (Integrity::Ok, Consistency::UncheckedThoughAsked),
    };
    if consistency == Consistency::Ok && by_small == Authenticity::OkUpToItsHinge {
        authenticity = by_large; // The larger begins with the smaller, which so is tied to the keys of today.
    }
    Report {
        verdict: Verdict {
            integrity,
            authenticity,
            consistency,
            witnesses: Witnesses::NoneAsked,
            completeness: Completeness::Selective,
        },
        further: Vec::new(),
        expected: None,
        checked,
    }
}

struct Signed<'a> {
    text: &'a str,
    note: Note<'a>,
    checkpoint: Checkpoint<'a>,
}

impl<'a> Signed<'a> {
    fn read(bytes: &'a [u8]) -> Option<Signed<'a>> {
        let note = Note::parse(bytes).ok()?;
        Some(Signed {
            text: core::str::from_utf8(bytes).ok()?,
            checkpoint: Checkpoint::parse(note.text).ok()?,
            note,
        })
    }

    fn head(&self) -> TreeHead {
        TreeHead {
            size: self.checkpoint.size,
            root: self.checkpoint.root,
        }
    }
}

/// The tree that the larger checkpoint has at the size of the smaller, where that is known.
fn small_in_large(
    small: &Signed<'_>,
    large: &Signed<'_>,
    proof: Option<&[u8]>,
) -> Result<Option<TreeHead>, Integrity> {
    if small.checkpoint.origin != large.checkpoint.origin {
        return Ok(None);
    }
    if small.checkpoint.size == large.checkpoint.size {
        return Ok(Some(large.head()));
    }
    let Some(proof) = proof else { return Ok(None) };
    let line_1 = Integrity::Malformed(Part::Line(1));
    if !proof.starts_with(prove::CONSISTENCY.as_bytes()) {
        return Err(line_1);
    }
    let Proof::Consistency(proof) = Proof::parse(proof)? else {
        return Err(line_1);
    };
    let root_mismatch = Integrity::RootMismatch(large.checkpoint.size);
    // Whoever signed the proof's own checkpoint does not matter: its root must be that of the larger note.
    if (proof.checkpoint.size, proof.checkpoint.root)
        != (large.checkpoint.size, large.checkpoint.root)
    {
        return Err(root_mismatch);
    }
    let leads = |one: &TreeHead, size, root, hashes: &[_]| {
        consistency::verify(one.size, &one.root, size, root, hashes)
    };
    let (size, root) = (proof.checkpoint.size, &proof.checkpoint.root);
    if !leads(&proof.to, size, root, &proof.to_checkpoint)
        || !leads(&proof.from, proof.to.size, &proof.to.root, &proof.between)
    {
        return Err(root_mismatch);
    }
    let heads = [proof.from, proof.to];
    Ok(heads
        .into_iter()
        .find(|head| head.size == small.checkpoint.size))
}

/// Did a key of the log sign, if perhaps when it signed no more for that size?
fn is_by_the_log(value: Authenticity) -> bool {
    value.is_believed() || value == Authenticity::KeyRetired
}

/// Both must be signed.
fn worse(one: Authenticity, other: Authenticity) -> Authenticity {
    let rank = |value: Authenticity| match value.exit_code() {
        1 => 2,
        3 => 1,
        _ => 0,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests;
