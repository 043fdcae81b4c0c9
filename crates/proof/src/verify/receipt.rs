//! Verifies a receipt (`docs/spec/receipt.md`, *Verifying*).

use super::head::{HeadFault, parse, place_fault};
use super::signer::signer_of;
use super::{Checked, Known, Report, first_finding};
use crate::event::EventReader;
use crate::hash;
use crate::head::Head;
use crate::limits::EVENT_BYTES_MAX;
use crate::receipt::Receipt;
use crate::record::{Record, Salt};
use crate::tree::inclusion;
use crate::verdict::{Completeness, Integrity, Part, Rule, Verdict, Witnesses};
use alloc::vec::Vec;

/// Judges a receipt by what is known beforehand; and as the receipt of `record`, a record line with or without its LF, if that is
/// given.
#[must_use]
pub fn verify_receipt<'k>(
    receipt: &[u8],
    known: impl Into<Known<'k>>,
    record: Option<&[u8]>,
) -> Report {
    let mut checked = Checked {
        bytes: u64::try_from(receipt.len()).unwrap_or(u64::MAX),
        ..Checked::default()
    };
    let receipt = match Receipt::parse(receipt) {
        Ok(receipt) => receipt,
        Err(part) => {
            return Report::refused(Integrity::Malformed(part), Some(expected(part)), checked);
        }
    };
    let head = match parse(&receipt.head) {
        Ok(head) => head,
        Err(HeadFault::Unsupported) => {
            return Report::refused(Integrity::UnsupportedVersion, None, checked);
        }
        Err(HeadFault::Rule(_)) => {
            let malformed = Integrity::Malformed(Part::Line(2));
            return Report::refused(malformed, Some("a valid head"), checked);
        }
    };
    let found = findings(&receipt, &head, record, &mut checked);
    let (integrity, further) = first_finding(found);
    let signer = signer_of(&receipt.note, &receipt.checkpoint, &known.into());
    checked.believed = signer.believed;
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

/// Step 4: all that is wrong, in the order in which it counts.
fn findings(
    receipt: &Receipt<'_>,
    head: &Head<'_>,
    record: Option<&[u8]>,
    checked: &mut Checked,
) -> Vec<Integrity> {
    let (index, checkpoint) = (receipt.index, &receipt.checkpoint);
    checked.origin = Some(checkpoint.origin.into());
    checked.range = Some((index, index));
    checked.heads = 1;
    checked.entries = 1;
    checked.times = Some((head.time, head.time));
    checked.checkpoint = Some((checkpoint.size, checkpoint.root));
    checked.note = Some(receipt.note_text.into());
    checked.ml_dsa_lines = receipt.note.ml_dsa_shaped_lines(checkpoint.origin);

    let leaf = hash::leaf(&hash::entry(&receipt.head));
    let mut found = Vec::new();
    if !inclusion::verify(
        &leaf,
        index,
        checkpoint.size,
        &receipt.proof,
        &checkpoint.root,
    ) {
        found.push(Integrity::RootMismatch(checkpoint.size));
    }
    if let Some(rule) = receipt_fault(head, checkpoint.origin, index) {
        found.push(Integrity::LogFault(index, rule));
    }
    if let Some(record) = record {
        found.extend(record_finding(receipt, head, record, checked));
    }
    found
}

/// Step 4b. Here `seq` counts before `log`: a receipt's index is what its holder was told.
fn receipt_fault(head: &Head<'_>, origin: &str, index: u64) -> Option<Rule> {
    if head.seq == index {
        place_fault(head, origin, index)
    } else {
        Some(Rule::Seq)
    }
}

/// Step 4c.
fn record_finding(
    receipt: &Receipt<'_>,
    head: &Head<'_>,
    record: &[u8],
    checked: &mut Checked,
) -> Option<Integrity> {
    let line = record.strip_suffix(b"\n").unwrap_or(record);
    let index = receipt.index;
    let Some(record) = Record::cut(line) else {
        return Some(Integrity::Malformed(Part::Record));
    };
    if record.head != receipt.head {
        return Some(Integrity::HeadAltered([index].into_iter().collect()));
    }
    let content = record.content?;
    checked.events = 1;
    if Salt::parse(content.salt).is_none()
        || hash::digest(content.salt, content.event) != head.digest
    {
        return Some(Integrity::EventAltered([index].into_iter().collect()));
    }
    let profile = EventReader::new(EVENT_BYTES_MAX).check_stored(content.event);
    profile
        .is_err()
        .then_some(Integrity::LogFault(index, Rule::Event))
}

/// What stands in that part of a receipt of good form.
fn expected(part: Part) -> &'static str {
    match part {
        Part::Line(1) => "c2sp.org/tlog-proof@v1, in at most 512 KiB of UTF-8",
        Part::Line(2) => "the head in base64",
        Part::Line(3) => "the index",
        Part::Line(_) => "a hash of the inclusion proof, or the empty line after it",
        Part::Checkpoint => "a signed checkpoint",
        Part::Record => "a record line",
    }
}
