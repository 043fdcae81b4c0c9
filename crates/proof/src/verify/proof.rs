//! Verifies proofs between sizes and for a time (`docs/spec/prove.md`, *Verifying*).

use super::head::{Before, HeadFault, check_head, parse};
use super::signer::signer_of;
use super::{Checked, Known, Report, first_finding};
use crate::hash::{self, Hash};
use crate::prove::{ConsistencyProof, HeadAt, Proof, TreeHead};
use crate::tree::subtree::Span;
use crate::tree::{Frontier, consistency, subtree};
use crate::verdict::{Completeness, Integrity, Part, Verdict, Witnesses};
use alloc::vec::Vec;

/// Judges a consistency proof or a head at a time by what is known beforehand.
#[must_use]
pub fn verify_proof<'k>(proof: &[u8], known: impl Into<Known<'k>>) -> Report {
    let mut checked = Checked {
        bytes: u64::try_from(proof.len()).unwrap_or(u64::MAX),
        ..Checked::default()
    };
    let proof = match Proof::parse(proof) {
        Ok(proof) => proof,
        Err(integrity) => {
            let what = expected(&integrity);
            return Report::refused(integrity, what, checked);
        }
    };
    let (note, checkpoint) = proof.signed();
    checked.origin = Some(checkpoint.origin.into());
    checked.checkpoint = Some((checkpoint.size, checkpoint.root));
    checked.note = Some(proof.note_text().into());
    checked.ml_dsa_lines = note.ml_dsa_shaped_lines(checkpoint.origin);
    let found = match &proof {
        Proof::Consistency(proof) => {
            checked.tree_heads = [proof.from, proof.to].into();
            consistency_findings(proof)
        }
        Proof::HeadAt(proof) => {
            if let Err((integrity, what)) = judge_heads(proof) {
                return Report::refused(integrity, what, checked);
            }
            checked.tree_heads = [proof.size].into();
            checked.at = Some(proof.time);
            head_at_findings(proof, &mut checked)
        }
    };
    let signer = signer_of(note, checkpoint, &known.into());
    checked.believed = signer.believed;
    let (integrity, further) = first_finding(found);
    Report {
        verdict: Verdict {
            integrity,
            authenticity: signer.authenticity,
            consistency: signer.consistency,
            witnesses: Witnesses::NoneAsked,
            completeness: Completeness::Selective,
        },
        further,
        expected: None,
        checked,
    }
}

fn consistency_findings(proof: &ConsistencyProof<'_>) -> Vec<Integrity> {
    let (from, to, checkpoint) = (&proof.from, &proof.to, &proof.checkpoint);
    let leads = |one: &TreeHead, size: u64, root: &Hash, hashes: &[Hash]| {
        consistency::verify(one.size, &one.root, size, root, hashes)
    };
    let mut found = Vec::new();
    if !leads(to, checkpoint.size, &checkpoint.root, &proof.to_checkpoint) {
        found.push(Integrity::RootMismatch(checkpoint.size));
    }
    if !leads(from, to.size, &to.root, &proof.between) {
        found.push(Integrity::RootMismatch(to.size));
    }
    found
}

/// The rest of step 1: by version and form alone.
fn judge_heads(proof: &HeadAt<'_>) -> Result<(), (Integrity, Option<&'static str>)> {
    for (head, line) in [(&proof.before, 4), (&proof.after, proof.line_of_after())] {
        let Some(head) = head else { continue };
        match parse(head) {
            Ok(_) => {}
            Err(HeadFault::Unsupported) => return Err((Integrity::UnsupportedVersion, None)),
            Err(HeadFault::Rule(_)) => {
                let malformed = Integrity::Malformed(Part::Line(line));
                return Err((malformed, Some("a valid head")));
            }
        }
    }
    Ok(())
}

fn head_at_findings(proof: &HeadAt<'_>, checked: &mut Checked) -> Vec<Integrity> {
    let (size, checkpoint) = (proof.size.size, &proof.checkpoint);
    let mut found = Vec::new();
    if !is_in_tree(proof) {
        found.push(Integrity::RootMismatch(checkpoint.size));
    }
    if root_of_beginning(proof) != Some(proof.size.root) {
        found.push(Integrity::RootMismatch(size));
    }
    let heads = [
        (&proof.before, size.saturating_sub(1)),
        (&proof.after, size),
    ];
    let (mut before, mut is_as_it_says) = (None, true);
    for (head, seq) in heads {
        let Some(bytes) = head else { continue };
        let known = before.unwrap_or(Before::first(seq));
        match check_head(bytes, checkpoint.origin, seq, &known) {
            Ok(head) => {
                is_as_it_says &= (head.time <= proof.time) == (seq < size);
                let first = checked.times.map_or(head.time, |(first, _)| first);
                checked.times = Some((first, head.time));
                before = Some(Before {
                    entry: Some(hash::entry(bytes)),
                    time: Some(head.time),
                });
            }
            Err(fault) => {
                found.push(fault.integrity(seq));
                break;
            }
        }
        checked.heads = checked.heads.saturating_add(1);
        checked.entries = checked.heads;
    }
    if !is_as_it_says {
        found.push(Integrity::Malformed(Part::Line(2)));
    }
    found
}

/// Step 3 a: the heads stand where they should in the tree that was signed.
fn is_in_tree(proof: &HeadAt<'_>) -> bool {
    let (size, checkpoint) = (proof.size.size, &proof.checkpoint);
    let fits = size <= checkpoint.size && proof.after.is_some() == (size < checkpoint.size);
    let first = size.saturating_sub(1);
    let mut span = Span::new(first);
    let heads = proof.before.iter().chain(&proof.after);
    let count = heads.clone().count();
    heads.for_each(|head| span.push(hash::leaf(&hash::entry(head))));
    let due = subtree::counts(
        first,
        u64::try_from(count).unwrap_or(u64::MAX),
        checkpoint.size,
    );
    let Some((left, _)) = due.filter(|_| fits) else {
        return false;
    };
    let sides = proof.hashes.split_at_checked(left);
    let root = sides.and_then(|(left, right)| span.root(checkpoint.size, left, right));
    root == Some(checkpoint.root)
}

/// Step 3 b: the tree up to the border.
fn root_of_beginning(proof: &HeadAt<'_>) -> Option<Hash> {
    let Some(before) = &proof.before else {
        return Some(hash::empty_root());
    };
    let first = proof.size.size.checked_sub(1)?;
    let left = usize::try_from(first.count_ones()).ok()?;
    let mut edge = Frontier::from_parts(first, proof.hashes.get(..left)?.to_vec())?;
    edge.push(hash::leaf(&hash::entry(before)));
    Some(edge.root())
}

/// What stands in that part of a proof of good form.
fn expected(integrity: &Integrity) -> Option<&'static str> {
    match integrity {
        Integrity::Malformed(Part::Line(1)) => {
            Some("indelible-consistency-v1 or indelible-head-at-v1, in at most 512 KiB of UTF-8")
        }
        Integrity::Malformed(Part::Line(_)) => Some("another line of this form"),
        Integrity::Malformed(Part::Checkpoint) => Some("a signed checkpoint"),
        _ => None,
    }
}
