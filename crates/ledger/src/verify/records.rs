//! Checks records of one log against the entries that the tree vouches for, and the rules a head must obey.
//!
//! The same for a run in a pack and for a row in a batch: first the tree decides what is true, then every record is re-hashed.

use super::finding::{Damage, Finding, push_seq};
use super::{Checked, LogName};
use crate::format::FormatError;
use crate::format::frame::{Content, FrameScratch, FrameView, Record};
use crate::limits::BLOCK_RECORDS;
use crate::resend::collect::Collector;
use crate::scan::HeadBuilder;
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::{Kind, Own, Shared};
use indelible_proof::key_event::KeyEvent;
use indelible_proof::node_event::{NodeEvent, is_of_later_version};
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use indelible_proof::verdict::Rule;
use indelible_proof::verify::{Before, HeadFault, check_head};
use std::ops::Range;

/// A frame as bytes, and where it should stand.
pub(crate) struct FramePlace<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) file: &'a str,
    pub(crate) offset: u64,
    pub(crate) seqs: Range<u64>,
}

/// Checks frames of one log, one after the other.
pub(crate) struct RecordChecker<'a> {
    pub(crate) log: &'a LogName,
    head_start: Vec<u8>,
    /// Lent from frame to frame, and by whoever checks many runs from run to run.
    pub(crate) scratch: FrameScratch,
    /// Times of the first and last record seen.
    pub(crate) times: Option<(Time, Time)>,
    /// Time of the first record of the frame that was read last.
    pub(crate) frame_time: Option<Time>,
    pub(crate) findings: Vec<Finding>,
    /// Records of kinds that say something about the store: seq and event.
    pub(crate) of_node: Vec<(u64, Vec<u8>)>,
    pub(crate) genesis: Option<Vec<u8>>,
    /// Seq and event of each `key` record.
    pub(crate) keys: Vec<(u64, Vec<u8>)>,
    pub(crate) checked: Checked,
    /// Seq of the run's first record, and what its records claim; only a pack's are collected.
    pub(crate) claims: Option<(u64, Collector)>,
}

impl<'a> RecordChecker<'a> {
    pub(crate) fn new(log: &'a LogName) -> RecordChecker<'a> {
        let mut head_start = Vec::new();
        indelible_proof::head::encode_start(&log.origin, &mut head_start);
        RecordChecker {
            log,
            head_start,
            scratch: FrameScratch::default(),
            times: None,
            frame_time: None,
            findings: Vec::new(),
            of_node: Vec::new(),
            genesis: None,
            keys: Vec::new(),
            checked: Checked::default(),
            claims: None,
        }
    }

    /// Re-hashes the records of a frame. `entries` are theirs, the one before in front.
    pub(crate) fn frame(&mut self, place: &FramePlace<'_>, entries: &[Hash]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Err(error) = self.try_frame(place, entries, &mut scratch) {
            let damage = match error {
                FormatError::Unsupported(_) => Damage::Unsupported,
                FormatError::Damaged { .. } => Damage::Unreadable,
            };
            let finding = Finding::new(damage, place.file, place.offset, error.to_string());
            self.findings
                .push(finding.of(&self.log.name, vec![place.seqs.clone()]));
        }
        self.scratch = scratch;
    }

    fn try_frame(
        &mut self,
        place: &FramePlace<'_>,
        entries: &[Hash],
        scratch: &mut FrameScratch,
    ) -> Result<(), FormatError> {
        let frame = whole_frame(place)?;
        let columns = frame.columns(scratch)?;
        self.frame_time = columns.records().next().map(|record| record.time);
        let head_start = std::mem::take(&mut self.head_start);
        let mut builder = HeadBuilder::new(&head_start);
        let (mut altered, mut gone) = (Vec::new(), Vec::new());
        let mut good_shared: &[u8] = &[];
        for ((record, pair), seq) in columns
            .records()
            .zip(entries.windows(2))
            .zip(place.seqs.start..)
        {
            builder.head(&record, seq, &pair[0]);
            self.count(&record, builder.built());
            if !builder.gives(record.shared, &pair[1]) {
                push_seq(&mut altered, seq);
                continue;
            }
            if matches!(record.content, Content::Absent { .. }) {
                push_seq(&mut gone, seq);
            }
            if let Some((first, claims)) = &mut self.claims {
                let place = u16::try_from(seq - *first).expect("a run has at most 65,536 records");
                claims.add(place, record.shared, record.own);
            }
            if record.shared != good_shared
                || self.log.is_node()
                || seq == 0
                || !(record.own.is_empty() || Own::parse(record.own).is_some())
            {
                match self.judge(builder.built(), seq, pair[0]) {
                    Ok(kind) => self.keep(kind, seq, &record, place),
                    Err((damage, what)) => {
                        let finding = Finding::new(damage, place.file, place.offset, what);
                        self.findings
                            .push(finding.of_range(&self.log.name, seq..seq + 1));
                    }
                }
                good_shared = if is_plain_event(record.shared) {
                    record.shared
                } else {
                    &[]
                };
            }
            self.time(record.time, seq, place);
        }
        self.head_start = head_start;
        if !gone.is_empty() {
            let what = "the event is gone, and no record says why";
            let finding = Finding::new(Damage::Erased, place.file, place.offset, what);
            self.findings.push(finding.of(&self.log.name, gone));
        }
        if !altered.is_empty() {
            let finding = Finding::new(
                Damage::RecordAltered,
                place.file,
                place.offset,
                "the record does not give its entry",
            );
            self.findings.push(finding.of(&self.log.name, altered));
        }
        Ok(())
    }

    fn count(&mut self, record: &Record<'_>, head: &[u8]) {
        self.checked.records += 1;
        let content = match record.content {
            Content::Present { event, .. } => 32 + event.len(),
            Content::Absent { .. } => 0,
        };
        self.checked.bytes_hashed +=
            u64::try_from(head.len() + content).expect("a record is short");
    }

    /// The rules for heads, which the tree can't vouch for.
    fn judge(&self, head: &[u8], seq: u64, prev: Hash) -> Result<Kind, (Damage, String)> {
        let before = Before {
            entry: Some(prev),
            time: None,
        };
        match check_head(head, &self.log.origin, seq, &before) {
            Ok(head) => Ok(head.shared.kind),
            Err(HeadFault::Unsupported) => Err((
                Damage::Unsupported,
                "the head needs a newer version".to_owned(),
            )),
            Err(HeadFault::Rule(rule)) => Err((
                Damage::LogFault(rule),
                format!(
                    "the log signed a record that breaks the rule {}",
                    rule.as_str()
                ),
            )),
        }
    }

    fn keep(&mut self, kind: Kind, seq: u64, record: &Record<'_>, place: &FramePlace<'_>) {
        let Content::Present { event, .. } = record.content else {
            return;
        };
        match kind {
            Kind::Genesis => self.genesis = Some(event.to_vec()),
            Kind::Node | Kind::Repair | Kind::Clock | Kind::Stream => {
                if let Some((damage, what)) = node_fault(kind, event) {
                    let finding = Finding::new(damage, place.file, place.offset, what);
                    self.findings
                        .push(finding.of_range(&self.log.name, seq..seq + 1));
                }
                if kind != Kind::Stream {
                    self.of_node.push((seq, event.to_vec()));
                }
            }
            Kind::Key => {
                self.keys.push((seq, event.to_vec()));
                if KeyEvent::parse(event, &self.log.origin).is_none() {
                    let what = "a key record that does not name keys as it should";
                    self.key_fault(seq, what, place.file, place.offset);
                }
            }
            _ => {}
        }
    }

    /// A `key` record breaks its rule.
    pub(crate) fn key_fault(&mut self, seq: u64, what: &str, file: &str, offset: u64) {
        let finding = Finding::new(Damage::LogFault(Rule::Key), file, offset, what);
        self.findings
            .push(finding.of_range(&self.log.name, seq..seq + 1));
    }

    fn time(&mut self, time: Time, seq: u64, place: &FramePlace<'_>) {
        if self.times.is_some_and(|(_, last)| time <= last) {
            self.findings.push(Finding::not_after(
                &self.log.name,
                seq,
                place.file,
                place.offset,
            ));
        }
        self.times = Some((self.times.map_or(time, |(first, _)| first), time));
    }

    /// The entries that frames give by themselves, each linked to the one before it; up to the first frame that can't be read.
    pub(crate) fn chain(&mut self, frames: &[FramePlace<'_>], prev: Hash) -> Vec<Hash> {
        let mut builder = HeadBuilder::new(&self.head_start);
        let mut chain = vec![prev];
        for place in frames {
            let Ok(frame) = whole_frame(place) else { break };
            let Ok(columns) = frame.columns(&mut self.scratch) else {
                break;
            };
            for (record, seq) in columns.records().zip(place.seqs.start..) {
                let before = *chain.last().expect("it begins with the entry before");
                chain.push(hash::entry(builder.head(&record, seq, &before)));
            }
        }
        chain
    }
}

fn is_plain_event(shared: &[u8]) -> bool {
    Shared::parse(shared).is_some_and(|shared| shared.kind == Kind::Event)
}

/// The frame that stands exactly here and holds exactly these records.
fn whole_frame<'a>(place: &FramePlace<'a>) -> Result<FrameView<'a>, FormatError> {
    let (frame, rest) = FrameView::parse(place.bytes)?;
    let fits = rest.is_empty()
        && frame.first_seq() == place.seqs.start
        && frame.first_seq() + frame.records() == place.seqs.end;
    if fits {
        Ok(frame)
    } else {
        Err(FormatError::Damaged {
            offset: 0,
            what: "a frame stands in another's place",
        })
    }
}

/// A tree grown over entries, with the stored nodes of level 8 and the roots that were asked for.
pub(crate) struct Grown {
    pub(crate) frontier: Frontier,
    /// Roots of the aligned 256 wholly in the range.
    pub(crate) blocks: Vec<Hash>,
    /// Roots at the sizes asked for.
    pub(crate) roots: Vec<Hash>,
}

/// Grows a tree by entries; `sizes` ascend and lie in the range. A block of 256 grows by itself and joins the edge when it is
/// whole, so that every node is hashed once.
pub(crate) fn grow(mut frontier: Frontier, entries: &[Hash], sizes: &[u64]) -> Grown {
    let (mut blocks, mut roots) = (Vec::new(), Vec::new());
    let mut block = Frontier::new();
    for entry in entries {
        let leaf = hash::leaf(entry);
        if block.size() > 0 || frontier.size().is_multiple_of(BLOCK_RECORDS) {
            block.push(leaf);
        } else {
            frontier.push(leaf);
        }
        if block.size() == BLOCK_RECORDS {
            blocks.push(block.root());
            frontier = joined(&frontier, &block);
            block = Frontier::new();
        }
        while sizes.get(roots.len()) == Some(&(frontier.size() + block.size())) {
            roots.push(joined(&frontier, &block).root());
        }
    }
    Grown {
        frontier: joined(&frontier, &block),
        blocks,
        roots,
    }
}

/// The edge with a block put to its right.
fn joined(frontier: &Frontier, block: &Frontier) -> Frontier {
    let mut whole = frontier.clone();
    let mut left = block.size();
    for hash in block.hashes() {
        let level = left.ilog2();
        assert!(
            whole.push_subtree(level, *hash),
            "a block begins at a multiple of 256"
        );
        left -= 1 << level;
    }
    whole
}

/// What is wrong with an event of a kind that only the node writes.
fn node_fault(kind: Kind, event: &[u8]) -> Option<(Damage, &'static str)> {
    if NodeEvent::parse(event).is_some_and(|event| event.kind() == kind) {
        return None;
    }
    Some(match is_of_later_version(kind, event) {
        true => (
            Damage::Unsupported,
            "the node said something that needs a newer version",
        ),
        false => (
            Damage::LogFault(Rule::Event),
            "not an event that a node writes",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use indelible_proof::verdict::Rule;

    #[test]
    fn what_only_the_node_says_has_its_form_or_is_of_a_later_version() {
        let stop = br#"{"node":"stop","reason":"asked"}"#;
        assert_eq!(node_fault(Kind::Node, stop), None);
        for (kind, event, damage) in [
            (Kind::Repair, &stop[..], Damage::LogFault(Rule::Event)),
            (
                Kind::Node,
                br#"{"node":"stop","reason":1}"#,
                Damage::LogFault(Rule::Event),
            ),
            (
                Kind::Clock,
                br#"{"clock":"ahead"}"#,
                Damage::LogFault(Rule::Event),
            ),
            (
                Kind::Stream,
                br#"{"amount":1}"#,
                Damage::LogFault(Rule::Event),
            ),
            (Kind::Stream, br#"{"stream":"paused"}"#, Damage::Unsupported),
            (
                Kind::Node,
                br#"{"node":"halted","why":1}"#,
                Damage::Unsupported,
            ),
        ] {
            assert_eq!(node_fault(kind, event).map(|fault| fault.0), Some(damage));
        }
    }

    #[test]
    fn a_time_that_is_not_after_the_one_before_is_named() {
        let log = LogName::new("audit.acme.internal/payments");
        let mut checker = RecordChecker::new(&log);
        let place = FramePlace {
            bytes: &[],
            file: "tail/000000000000",
            offset: 4096,
            seqs: 0..4,
        };
        let times = [5, 6, 6, 4].map(|second| Time::new(1_790_000_000 + second, 0).unwrap());
        for (time, seq) in times.into_iter().zip(0..) {
            checker.time(time, seq, &place);
        }
        let named: Vec<_> = checker
            .findings
            .iter()
            .map(|finding| (finding.damage, finding.seqs.first().cloned()))
            .collect();
        let fault = Damage::LogFault(Rule::Time);
        assert_eq!(named, [(fault, Some(2..3)), (fault, Some(3..4))]);
    }
}
