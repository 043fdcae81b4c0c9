//! The order of an export's lines (`docs/spec/export.md`, step 1), and what they prove together (steps 2 to 5).

use super::records::Records;
use crate::checkpoint::Checkpoint;
use crate::export::{
    Content, Header, LineError, RecordLine, parse_checkpoint, parse_end, parse_left, parse_right,
};
use crate::hash::{Hash, Hasher};
use crate::key::VerifierKey;
use crate::limits::WALK_HINGES_MAX;
use crate::note::Note;
use crate::prove::TreeHead;
use crate::tree::Frontier;
use crate::tree::subtree::{self, Span};
use crate::verdict::{
    Authenticity, Completeness, Consistency, Integrity, Part, Verdict, Witnesses,
};
use crate::verify::signer::{fork, with_post_quantum};
use crate::verify::walk::{KeyWalk, Standing};
use crate::verify::{Checked, Known, Report, first_finding};
use crate::walk::{Step, parse_genesis};
use alloc::string::String;
use alloc::vec::Vec;

/// The line that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Genesis,
    Walk,
    Record,
    Entries,
    Left,
    Right,
    Checkpoint,
    End,
    Nothing,
}

impl Due {
    fn what(self) -> &'static str {
        match self {
            Due::Genesis => "the genesis record of the walk",
            Due::Walk => "a hinge or the consistency proof of the walk",
            Due::Record => "the line of the next record",
            Due::Entries => "the entries of the records since the last such line",
            Due::Left => "the subtree hashes left of the range",
            Due::Right => "the subtree hashes right of the range",
            Due::Checkpoint => "the checkpoint of the size that the header names",
            Due::End => "the last line",
            Due::Nothing => "the end of the file",
        }
    }
}

/// What was read since the header. Fields are filled in the order of the lines.
#[derive(Debug)]
pub(super) struct Reading {
    due: Due,
    origin: String,
    id: Hash,
    size: u64,
    content: Content,
    /// Absent until the genesis has come.
    walk: Option<KeyWalk>,
    /// From the last hinge to the checkpoint.
    proof: Vec<Hash>,
    records: Records,
    watched: Option<u64>,
    left: Vec<Hash>,
    right: Vec<Hash>,
    signed: Option<SignedRoot>,
    /// Is the SHA-256 in the last line right?
    digest_fits: bool,
}

/// What the checkpoint line says.
#[derive(Debug)]
struct SignedRoot {
    root: Hash,
    authenticity: Authenticity,
    consistency: Consistency,
    /// Keys that the log has or had, by the walk and what was known beside it.
    believed: Vec<VerifierKey>,
    ml_dsa_lines: usize,
    note: String,
}

impl Reading {
    pub(super) fn new(header: &Header<'_>, watched: Option<u64>) -> Reading {
        Reading {
            due: Due::Genesis,
            origin: header.origin.as_str().into(),
            id: header.id,
            size: header.size,
            content: header.content,
            walk: None,
            proof: Vec::new(),
            records: Records::new(header.first, header.count, watched),
            watched,
            left: Vec::new(),
            right: Vec::new(),
            signed: None,
            digest_fits: false,
        }
    }

    /// Step 1: what line is due, and has it its form? `before` is of all lines before.
    pub(super) fn take_line(
        &mut self,
        line: &[u8],
        known: &Known<'_>,
        before: &Hasher,
    ) -> Result<(), LineError> {
        self.due = match self.due {
            Due::Genesis => {
                let record = parse_genesis(line).ok_or(LineError::Malformed)?;
                self.walk = Some(KeyWalk::begin(&record, &self.origin, &self.id));
                Due::Walk
            }
            Due::Walk => self.take_walk(line)?,
            Due::Record => {
                self.take_record(line).ok_or(LineError::Malformed)?;
                if self.records.entries_are_due() {
                    Due::Entries
                } else {
                    Due::Record
                }
            }
            Due::Entries => {
                self.records
                    .take_entries(line)
                    .ok_or(LineError::Malformed)?;
                if self.records.are_all() {
                    Due::Left
                } else {
                    Due::Record
                }
            }
            Due::Left => {
                self.left = parse_left(line).ok_or(LineError::Malformed)?;
                need(self.sides().0 == self.left.len())?;
                Due::Right
            }
            Due::Right => {
                self.right = parse_right(line).ok_or(LineError::Malformed)?;
                need(self.sides().1 == self.right.len())?;
                Due::Checkpoint
            }
            Due::Checkpoint => {
                let note = parse_checkpoint(line).ok_or(LineError::Malformed)?;
                self.signed = Some(self.read_note(&note, known).ok_or(LineError::Malformed)?);
                Due::End
            }
            Due::End => {
                let digest = parse_end(line).ok_or(LineError::Malformed)?;
                self.digest_fits = before.clone().finish() == digest;
                Due::Nothing
            }
            Due::Nothing => return Err(LineError::Malformed),
        };
        Ok(())
    }

    /// What stands next in an export of good form.
    pub(super) fn expected(&self) -> &'static str {
        self.due.what()
    }

    /// Did all lines come?
    pub(super) fn is_done(&self) -> bool {
        self.due == Due::Nothing
    }

    fn take_walk(&mut self, line: &[u8]) -> Result<Due, LineError> {
        let walk = self.walk.as_mut().ok_or(LineError::Malformed)?;
        match Step::parse(line)? {
            Step::Hinge(hinge) => {
                need(walk.hinges() < WALK_HINGES_MAX)?;
                walk.go_on(&hinge);
                Ok(Due::Walk)
            }
            Step::Last(proof) => {
                self.proof = proof;
                Ok(Due::Record)
            }
        }
    }

    fn take_record(&mut self, line: &[u8]) -> Option<()> {
        match RecordLine::parse(line)? {
            RecordLine::Lost(seq) => (seq == self.records.next()).then(|| self.records.take_lost()),
            RecordLine::Record(record) => {
                let fits = record.content.is_none() || self.content == Content::All;
                fits.then(|| self.records.take_record(&record, &self.origin))
            }
        }
    }

    /// How many hashes the walk takes left and right of the range.
    fn sides(&self) -> (usize, usize) {
        let range = self.records.range();
        subtree::counts(
            range.start,
            range.end.saturating_sub(range.start),
            self.size,
        )
        .unwrap_or((0, 0))
    }

    fn read_note(&self, text: &[u8], known: &Known<'_>) -> Option<SignedRoot> {
        let note = Note::parse(text).ok()?;
        let checkpoint = Checkpoint::parse(note.text).ok()?;
        let walk = self
            .walk
            .as_ref()
            .filter(|_| checkpoint.size == self.size)?;
        let (authenticity, consistency) = self.judge(walk, &note, &checkpoint, known);
        Some(SignedRoot {
            root: checkpoint.root,
            authenticity,
            consistency,
            believed: match authenticity.is_believed() {
                true => known.keys_and(Some(walk)),
                false => Vec::new(),
            },
            note: core::str::from_utf8(text).ok()?.into(),
            ml_dsa_lines: note.ml_dsa_shaped_lines(checkpoint.origin),
        })
    }

    /// Step 2, from its first rule to its last; and whether the log signed two histories.
    fn judge(
        &self,
        walk: &KeyWalk,
        note: &Note<'_>,
        checkpoint: &Checkpoint<'_>,
        known: &Known<'_>,
    ) -> (Authenticity, Consistency) {
        let says = |authenticity| (authenticity, Consistency::Unchecked);
        if !walk.is_good() {
            return says(Authenticity::KeyWalkBroken);
        }
        if known.pin.is_some_and(|pin| !walk.is_of(pin)) {
            return says(Authenticity::UnknownKey);
        }
        match walk.last_standing(note, checkpoint.size) {
            Standing::Ok => {}
            Standing::Retired => return says(Authenticity::KeyRetired),
            Standing::Invalid => return says(Authenticity::SignatureInvalid),
            _ => return says(Authenticity::UnknownKey),
        }
        if checkpoint.origin != self.origin {
            return says(Authenticity::UnknownKey);
        }
        let unwalked = |seq: &u64| {
            seq.checked_add(1)
                .is_none_or(|size| walk.at_hinge(size).is_none())
        };
        if !walk.leads_to(checkpoint, &self.proof) || self.records.keys().iter().any(unwalked) {
            return says(Authenticity::KeyWalkBroken);
        }
        let by_walk = self.beside_walk(walk, checkpoint, note, known);
        let (found, consistency) = by_walk.unwrap_or((None, Consistency::Unchecked));
        let ok = match known.pin {
            None => Authenticity::SelfKeyed,
            Some(_) => with_post_quantum(note, &self.origin),
        };
        (found.unwrap_or(ok), consistency)
    }

    /// Step 2h (`docs/spec/walk.md`, *An export beside a walk file*): what takes something away.
    fn beside_walk(
        &self,
        walk: &KeyWalk,
        checkpoint: &Checkpoint<'_>,
        note: &Note<'_>,
        known: &Known<'_>,
    ) -> Option<(Option<Authenticity>, Consistency)> {
        let file = known.walk?;
        let says = |authenticity| Some((Some(authenticity), Consistency::Unchecked));
        if !file.is_good() {
            return says(Authenticity::KeyWalkBroken);
        }
        let is_of_pin = known.pin.is_none_or(|pin| file.walk().is_of(pin));
        if file.walk().log() != walk.log() || !is_of_pin {
            return says(Authenticity::UnknownKey);
        }
        match walk.compared_with(file.walk(), checkpoint.size, &checkpoint.root) {
            None => says(Authenticity::KeyWalkBroken),
            Some(Standing::Retired) => says(Authenticity::KeyRetired),
            Some(Standing::UpToItsHinge) if known.pin.is_some() => {
                says(Authenticity::OkUpToItsHinge)
            }
            Some(Standing::Fork) => Some((None, fork(note, file.walk(), checkpoint.size))),
            Some(_) => None,
        }
    }

    /// Steps 2 to 5, after so many lines.
    pub(super) fn report(&self, lines: u64) -> Report {
        let mut checked = self.checked();
        let Some(signed) = &self.signed else {
            return Report::refused(Integrity::Unchecked, None, checked);
        };
        if self.walk.as_ref().is_some_and(KeyWalk::is_unsupported) {
            return Report::refused(Integrity::UnsupportedVersion, None, checked);
        }
        let gives_root =
            |span: &Span| span.root(self.size, &self.left, &self.right) == Some(signed.root);
        let (mut found, is_proven) = self.records.findings(self.size, gives_root);
        let is_given = gives_root(self.records.span());
        checked.tree_heads = self.watched_head(is_given).into_iter().collect();
        if !self.digest_fits {
            found.push(Integrity::Malformed(Part::Line(lines)));
        }
        let expected =
            (!self.digest_fits).then_some("the SHA-256 of all bytes before the last line");
        let (integrity, further) = first_finding(found);
        Report {
            verdict: Verdict {
                integrity,
                authenticity: signed.authenticity,
                consistency: signed.consistency.clone(),
                witnesses: Witnesses::NoneAsked,
                completeness: self.completeness(signed.authenticity, is_proven),
            },
            further,
            expected,
            checked,
        }
    }

    /// The tree of the watched size, as far as the walk shows it, or, where they give the root, the entries and what lies left of them.
    fn watched_head(&self, is_given: bool) -> Option<TreeHead> {
        let size = self.watched?;
        let is_believed = !self.signed.as_ref()?.believed.is_empty();
        let walk = self.walk.as_ref().filter(|_| is_believed);
        let hinge = walk.and_then(|walk| walk.head_at_hinge(size));
        let root = match self.records.watched_span() {
            _ if !is_given => return hinge,
            Some(span) => span.root(size, &self.left, &[])?,
            None if size == self.records.first_and_last().0 => {
                Frontier::from_parts(size, self.left.clone())?.root()
            }
            None => return hinge,
        };
        Some(TreeHead { size, root })
    }

    /// Step 5. A damaged head or event takes nothing away: the entries prove that the record is there.
    fn completeness(&self, authenticity: Authenticity, is_proven: bool) -> Completeness {
        use Authenticity::{KeyRetired, KeyWalkBroken, SignatureInvalid, UnknownKey};
        let records = &self.records;
        let is_vouched_for = !matches!(
            authenticity,
            SignatureInvalid | UnknownKey | KeyRetired | KeyWalkBroken
        );
        if !is_vouched_for || !is_proven {
            Completeness::Unchecked
        } else if !records.lost().is_empty() {
            Completeness::Lost(records.lost().count())
        } else if self.content == Content::Heads {
            Completeness::ContentWithheld
        } else if !records.bare().is_empty() {
            Completeness::ErasedWithoutRecord(*records.bare())
        } else {
            let (first, last) = records.first_and_last();
            Completeness::Population { first, last }
        }
    }

    pub(super) fn checked(&self) -> Checked {
        let signed = self.signed.as_ref();
        Checked {
            bytes: 0,
            origin: Some(self.origin.clone()),
            log_id: Some(self.id),
            range: Some(self.records.first_and_last()),
            heads: self.records.heads(),
            events: self.records.events(),
            entries: self.records.entries(),
            times: self.records.times(),
            checkpoint: signed.map(|signed| (self.size, signed.root)),
            note: signed.map(|signed| signed.note.clone()),
            tree_heads: Vec::new(),
            at: None,
            believed: signed.map_or(Vec::new(), |signed| signed.believed.clone()),
            keys: self.walk.as_ref().and_then(|walk| {
                let last = walk.sets().last()?;
                Some((walk.sets().len().saturating_sub(1), last.since))
            }),
            ml_dsa_lines: signed.map_or(0, |signed| signed.ml_dsa_lines),
        }
    }
}

fn need(condition: bool) -> Result<(), LineError> {
    if condition {
        Ok(())
    } else {
        Err(LineError::Malformed)
    }
}
