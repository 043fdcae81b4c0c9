//! One log's records in one batch: what is true of them, and whether each record gives its entry.

use super::LogName;
use super::finding::{Damage, Finding, push_seq};
use super::records::{FramePlace, RecordChecker, grow};
use crate::format::batch::Part;
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;

/// What a row was found to be.
pub(super) struct Settled {
    /// Its records can be compared with its entries.
    pub(super) rehash: bool,
    /// The tree's edge behind it, where it is known.
    pub(super) edge: Option<Frontier>,
    /// What the tree vouches for, the entry before in front.
    pub(super) entries: Vec<Hash>,
}

/// Records of one row that are still to be re-hashed.
pub(super) struct Job<'v> {
    pub(super) log: LogName,
    pub(super) id: Hash,
    pub(super) part: Part<'v>,
    pub(super) file: &'v str,
    pub(super) base: u64,
    /// Of its batch; no record may be later.
    pub(super) batch_time: Option<Time>,
    /// The entries that the tree vouches for, the one before in front.
    pub(super) entries: Vec<Hash>,
}

/// What is true of a row: its entries if they give its root, else its records if they do.
pub(super) fn settle(
    part: &Part<'_>,
    name: &LogName,
    (file, base): (&str, u64),
    edge: Frontier,
    entries: Vec<Hash>,
) -> (Settled, Option<Finding>) {
    let grown = grow(edge.clone(), &entries[1..], &[]);
    if grown.frontier.root() == part.row.root {
        let settled = Settled {
            rehash: true,
            edge: Some(grown.frontier),
            entries,
        };
        return (settled, None);
    }
    let chain = chain_of(part, name, file, base, entries[0]);
    let by_records = grow(edge, chain.get(1..).unwrap_or_default(), &[]);
    let whole = chain.len() == entries.len() && by_records.frontier.root() == part.row.root;
    let finding = altered(part, name, file, base, &entries, &chain, whole);
    let settled = match whole {
        true => Settled {
            rehash: true,
            edge: Some(by_records.frontier),
            entries: chain,
        },
        false => Settled {
            rehash: false,
            edge: Some(grown.frontier),
            entries,
        },
    };
    (settled, Some(finding))
}

impl Job<'_> {
    pub(super) fn run(&self) -> RecordChecker<'_> {
        let mut checker = RecordChecker::new(&self.log);
        let row = &self.part.row;
        let mut next = row.first;
        for frame in self.part.frames() {
            let Ok((at, frame)) = frame else { break };
            let seqs = next..next + frame.records();
            let from = usize::try_from(next - row.first).expect("a row has at most 65,536 records");
            let count = usize::try_from(frame.records()).expect("a frame has at most 256 records");
            let place = FramePlace {
                bytes: frame.bytes(),
                file: self.file,
                offset: self.base + at,
                seqs: seqs.clone(),
            };
            checker.frame(&place, &self.entries[from..=from + count]);
            next = seqs.end;
        }
        if next < row.size() {
            let finding = Finding::new(
                Damage::Unreadable,
                self.file,
                self.base + self.part.frames_at,
                "a frame's check is wrong",
            );
            checker
                .findings
                .push(finding.of_range(&self.log.name, next..row.size()));
        }
        if row.count > 1
            && let Some((seq, _)) = checker.keys.first()
        {
            let seq = *seq;
            let what = "a key record that is not alone in its batch";
            checker.key_fault(seq, what, self.file, self.base);
        }
        checker
    }
}

/// The entries that a row's records give by themselves.
fn chain_of(part: &Part<'_>, name: &LogName, file: &str, base: u64, prev: Hash) -> Vec<Hash> {
    let mut next = part.row.first;
    let frames: Vec<_> = part.frames().map_while(Result::ok).collect();
    let places: Vec<FramePlace<'_>> = frames
        .iter()
        .map(|(at, frame)| {
            let seqs = next..next + frame.records();
            next = seqs.end;
            FramePlace {
                bytes: frame.bytes(),
                file,
                offset: base + at,
                seqs,
            }
        })
        .collect();
    RecordChecker::new(name).chain(&places, prev)
}

/// The entries don't give the root the row names.
fn altered(
    part: &Part<'_>,
    name: &LogName,
    file: &str,
    base: u64,
    entries: &[Hash],
    chain: &[Hash],
    whole: bool,
) -> Finding {
    let mut differing = Vec::new();
    let pairs = chain.iter().zip(entries).skip(1).zip(part.row.first..);
    pairs
        .filter(|((record, entry), _)| record != entry)
        .for_each(|(_, seq)| push_seq(&mut differing, seq));
    let damage = match (whole, differing.is_empty()) {
        (true, _) => Damage::EntryAltered,
        (false, false) => Damage::RecordAltered,
        (false, true) => Damage::RootMismatch(part.row.size()),
    };
    let first = differing
        .first()
        .map_or(part.row.first, |range| range.start);
    let offset = base + part.entries_at + (first - part.row.first) * 32;
    Finding::new(
        damage,
        file,
        offset,
        "the entries don't give the root of their row",
    )
    .of(&name.name, differing)
}
