//! Verifies a batch receipt with the records it is of (`docs/spec/batch-receipt.md`, *Verifying*).

use super::judged::{Candidate, Judged};
use super::signer::signer_of;
use super::{Checked, Known, Report, first_finding};
use crate::batch_receipt::BatchReceipt;
use crate::event::EventReader;
use crate::limits::EVENT_BYTES_MAX;
use crate::record::Record;
use crate::verdict::{
    Authenticity, Completeness, Consistency, Integrity, Part, Verdict, Witnesses,
};
use alloc::vec::Vec;

/// Judges a batch receipt while its records come, one line after the other, so that no more than one is held.
#[derive(Debug)]
pub struct BatchReceiptVerifier<'a> {
    stage: Stage<'a>,
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one of it, and it is moved twice"
)]
enum Stage<'a> {
    Judging(Judging<'a>),
    Refused(Report),
}

#[derive(Debug)]
struct Judging<'a> {
    receipt: BatchReceipt<'a>,
    authenticity: Authenticity,
    consistency: Consistency,
    checked: Checked,
    records: Candidate,
    /// Records taken.
    taken: u64,
    /// Of these, how many came as a head alone.
    bare: u64,
    /// A line that is no record line.
    is_malformed: bool,
    reader: EventReader,
}

/// Judges a batch receipt by what is known beforehand; and as the receipt of `records`, record lines that each end in LF (the
/// last may lack it), if they are given.
#[must_use]
pub fn verify_batch_receipt<'k>(
    receipt: &[u8],
    known: impl Into<Known<'k>>,
    records: Option<&[u8]>,
) -> Report {
    let mut verifier = BatchReceiptVerifier::new(receipt, known);
    if let Some(records) = records.filter(|records| !records.is_empty()) {
        let lines = records.strip_suffix(b"\n").unwrap_or(records);
        for line in lines.split(|byte| *byte == b'\n') {
            verifier.take(line);
        }
    }
    verifier.finish(records.is_some())
}

impl<'a> BatchReceiptVerifier<'a> {
    /// Reads the receipt itself.
    #[must_use]
    pub fn new<'k>(receipt: &'a [u8], known: impl Into<Known<'k>>) -> BatchReceiptVerifier<'a> {
        let mut checked = Checked {
            bytes: u64::try_from(receipt.len()).unwrap_or(u64::MAX),
            ..Checked::default()
        };
        let receipt = match BatchReceipt::parse(receipt) {
            Ok(receipt) => receipt,
            Err(integrity) => {
                let what = match integrity {
                    Integrity::Malformed(part) => Some(expected(part)),
                    _ => None,
                };
                let stage = Stage::Refused(Report::refused(integrity, what, checked));
                return BatchReceiptVerifier { stage };
            }
        };
        let (first, checkpoint) = (receipt.first, &receipt.checkpoint);
        let last = first.saturating_add(receipt.count).saturating_sub(1);
        checked.origin = Some(checkpoint.origin.into());
        checked.range = Some((first, last));
        checked.checkpoint = Some((checkpoint.size, checkpoint.root));
        checked.note = Some(receipt.note_text.into());
        checked.ml_dsa_lines = receipt.note.ml_dsa_shaped_lines(checkpoint.origin);
        let signer = signer_of(&receipt.note, checkpoint, &known.into());
        checked.believed = signer.believed;
        let judging = Judging {
            authenticity: signer.authenticity,
            consistency: signer.consistency,
            records: Candidate::new(first),
            checked,
            receipt,
            taken: 0,
            bare: 0,
            is_malformed: false,
            reader: EventReader::new(EVENT_BYTES_MAX),
        };
        BatchReceiptVerifier {
            stage: Stage::Judging(judging),
        }
    }

    /// Is more of no use, because the verdict can't change any more?
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match &self.stage {
            Stage::Refused(_) => true,
            Stage::Judging(judging) => judging.is_malformed,
        }
    }

    /// Takes the next record line, without its LF.
    pub fn take(&mut self, line: &[u8]) {
        if let Stage::Judging(judging) = &mut self.stage {
            judging.take(line);
        }
    }

    /// The answer. Were any records given at all?
    #[must_use]
    pub fn finish(self, has_records: bool) -> Report {
        match self.stage {
            Stage::Refused(report) => report,
            Stage::Judging(judging) => judging.finish(has_records),
        }
    }
}

impl Judging<'_> {
    fn take(&mut self, line: &[u8]) {
        let record = Record::cut(line).filter(|_| self.taken < self.receipt.count);
        let (Some(record), false) = (record, self.is_malformed) else {
            self.is_malformed = true;
            return;
        };
        let seq = self.receipt.first.saturating_add(self.taken);
        let origin = self.receipt.checkpoint.origin;
        let judged = Judged::new(&record, origin, seq, &mut self.reader);
        match record.content {
            Some(_) => self.checked.events = self.checked.events.saturating_add(1),
            None => self.bare = self.bare.saturating_add(1),
        }
        if let Ok(head) = judged.head {
            let first = self.checked.times.map_or(head.time, |(first, _)| first);
            self.checked.times = Some((first, head.time));
        }
        self.records.append(seq, judged.entry, Some(&judged));
        self.taken = self.taken.saturating_add(1);
    }

    fn finish(mut self, has_records: bool) -> Report {
        self.checked.heads = self.taken;
        self.checked.entries = self.taken;
        let root_mismatch = Integrity::RootMismatch(self.receipt.checkpoint.size);
        let is_whole = !self.is_malformed && self.taken == self.receipt.count;
        let mut found = Vec::new();
        let (mut expected, mut is_proven) = (None, false);
        if !self.receipt.fits_its_tree() {
            found.push(root_mismatch);
        } else if !has_records {
            found.push(Integrity::Unchecked);
        } else if !is_whole {
            found.push(Integrity::Malformed(Part::Record));
            expected = Some("as many record lines as the batch receipt says");
        } else {
            is_proven = self.gives_root();
            found.extend((!is_proven).then_some(root_mismatch));
            found.extend(self.records.findings());
        }
        let (integrity, further) = first_finding(found);
        Report {
            verdict: Verdict {
                integrity,
                authenticity: self.authenticity,
                consistency: self.consistency.clone(),
                witnesses: Witnesses::NoneAsked,
                completeness: self.completeness(is_proven),
            },
            further,
            expected,
            checked: self.checked,
        }
    }

    fn gives_root(&self) -> bool {
        let checkpoint = &self.receipt.checkpoint;
        let root = self
            .receipt
            .sides()
            .and_then(|(left, right)| self.records.span.root(checkpoint.size, left, right));
        root == Some(checkpoint.root)
    }

    /// Step 5.
    fn completeness(&self, is_proven: bool) -> Completeness {
        let is_signed = !matches!(
            self.authenticity,
            Authenticity::UnknownKey
                | Authenticity::SignatureInvalid
                | Authenticity::KeyRetired
                | Authenticity::KeyWalkBroken
        );
        if !is_proven || !is_signed {
            Completeness::Unchecked
        } else if self.bare > 0 {
            Completeness::ContentWithheld
        } else {
            Completeness::Population {
                first: self.receipt.first,
                last: self
                    .receipt
                    .first
                    .saturating_add(self.receipt.count)
                    .saturating_sub(1),
            }
        }
    }
}

/// What stands in that part of a batch receipt of good form.
fn expected(part: Part) -> &'static str {
    match part {
        Part::Line(1) => "indelible-batch-receipt-v1, in at most 512 KiB of UTF-8",
        Part::Line(2) => "the first seq",
        Part::Line(3) => "the number of records, 1 to 65,536",
        Part::Line(_) => "a hash beside the range, or the empty line after them",
        Part::Checkpoint => "a signed checkpoint",
        Part::Record => "a record line",
    }
}
