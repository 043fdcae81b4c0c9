//! The records and entries of an export, judged while they pass (`docs/spec/export.md`, step 3).
//!
//! Entries E and the hashes H of the heads are two readings of the same tree, and which one is the truth is known only when the
//! signed root has come. They are one as long as they are equal; from the first difference on each has its own [`Candidate`]. A record
//! counts for the entries' reading only where its head is what the entry says.

use crate::event::EventReader;
use crate::export::{entries_follow, parse_entries};
use crate::hash::Hash;
use crate::head::Kind;
use crate::limits::{EVENT_BYTES_MAX, WALK_HINGES_MAX};
use crate::record::Record;
use crate::time::Time;
use crate::tree::subtree::Span;
use crate::verdict::{Integrity, Seqs};
use crate::verify::judged::{Candidate, Judged};
use alloc::vec::Vec;
use core::mem::take;
use core::ops::Range;

const HASH_BYTES: usize = 32;

/// What was gathered.
#[derive(Debug)]
pub(super) struct Records {
    first: u64,
    end: u64,
    /// The seq that comes next.
    next: u64,
    /// Records since the last entries line, at most 256; `None` for a lost one.
    block: Vec<Option<Judged>>,
    by_entries: Candidate,
    /// Only once a head differs from its entry.
    by_heads: Option<Candidate>,
    /// The size whose tree is wanted too, and the entries up to it.
    watched: Option<u64>,
    watched_span: Option<Span>,
    /// D: the seqs whose head is not what the entry says.
    differing: Seqs,
    lost: Seqs,
    bare: Seqs,
    /// Where heads of kind `key` stand; no more than a walk can have hinges, and one.
    keys: Vec<u64>,
    /// Records that came with salt and event.
    events: u64,
    times: Option<(Time, Time)>,
    reader: EventReader,
    /// Scratch: the bytes of one entries line.
    entries: Vec<u8>,
}

impl Records {
    pub(super) fn new(first: u64, count: u64, watched: Option<u64>) -> Records {
        Records {
            first,
            end: first.saturating_add(count),
            next: first,
            block: Vec::new(),
            by_entries: Candidate::new(first),
            by_heads: None,
            watched,
            watched_span: None,
            differing: Seqs::new(),
            lost: Seqs::new(),
            bare: Seqs::new(),
            keys: Vec::new(),
            events: 0,
            times: None,
            reader: EventReader::new(EVENT_BYTES_MAX),
            entries: Vec::new(),
        }
    }

    /// The seq whose line comes next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn range(&self) -> Range<u64> {
        self.first..self.end
    }

    pub(super) fn first_and_last(&self) -> (u64, u64) {
        (self.first, self.end.saturating_sub(1))
    }

    pub(super) fn take_lost(&mut self) {
        self.lost.add(self.next);
        self.append(None);
    }

    pub(super) fn take_record(&mut self, record: &Record<'_>, origin: &str) {
        match record.content {
            Some(_) => self.events = self.events.saturating_add(1),
            None => self.bare.add(self.next),
        }
        let judged = Judged::new(record, origin, self.next, &mut self.reader);
        if let Ok(head) = judged.head {
            if head.kind == Kind::Key && self.keys.len() <= WALK_HINGES_MAX {
                self.keys.push(self.next);
            }
            let first = self.times.map_or(head.time, |(first, _)| first);
            self.times = Some((first, head.time));
        }
        self.append(Some(judged));
    }

    fn append(&mut self, judged: Option<Judged>) {
        self.block.push(judged);
        self.next = self.next.saturating_add(1);
    }

    /// Does an entries line follow the record that was taken last?
    pub(super) fn entries_are_due(&self) -> bool {
        entries_follow(self.next.saturating_sub(1), self.end.saturating_sub(1))
    }

    /// Did all records come?
    pub(super) fn are_all(&self) -> bool {
        self.next == self.end
    }

    /// `None`: the line has not its form, or another number of entries than there were records.
    pub(super) fn take_entries(&mut self, line: &[u8]) -> Option<()> {
        parse_entries(line, self.block.len(), &mut self.entries).then_some(())?;
        let (bytes, mut block) = (take(&mut self.entries), take(&mut self.block));
        let first = self.next.saturating_sub(count(block.len()));
        let (entries, _) = bytes.as_chunks::<HASH_BYTES>();
        for ((seq, judged), entry) in (first..).zip(block.drain(..)).zip(entries) {
            self.settle(seq, Hash(*entry), judged.as_ref());
        }
        (self.entries, self.block) = (bytes, block);
        Some(())
    }

    /// Compares a record with its entry, and appends both to their readings of the tree.
    fn settle(&mut self, seq: u64, entry: Hash, judged: Option<&Judged>) {
        let hashed = judged.map_or(entry, |judged| judged.entry);
        if hashed != entry {
            self.differing.add(seq);
            self.by_heads.get_or_insert_with(|| self.by_entries.clone());
        }
        if let Some(by_heads) = &mut self.by_heads {
            by_heads.append(seq, hashed, judged);
        }
        self.by_entries
            .append(seq, entry, judged.filter(|_| hashed == entry));
        if self.watched == seq.checked_add(1) {
            self.watched_span = Some(self.by_entries.span.clone());
        }
    }

    /// Step 3: all that is wrong, in the order in which it counts, and whether entries or heads give the root of the tree of `size`
    /// leaves, which `gives_root` knows.
    pub(super) fn findings(
        &self,
        size: u64,
        gives_root: impl Fn(&Span) -> bool,
    ) -> (Vec<Integrity>, bool) {
        let by_heads = self.by_heads.as_ref().unwrap_or(&self.by_entries);
        let entries_hold = gives_root(&self.by_entries.span);
        let heads_hold = self.lost.is_empty() && gives_root(&by_heads.span);
        let (truth, damage) = if heads_hold && !entries_hold {
            (by_heads, Integrity::EntryAltered(self.differing))
        } else {
            (&self.by_entries, Integrity::HeadAltered(self.differing))
        };
        let mut found = Vec::new();
        if !self.differing.is_empty() {
            found.push(damage);
        }
        if !entries_hold && !heads_hold {
            found.push(Integrity::RootMismatch(size));
        }
        found.extend(truth.findings());
        if !self.lost.is_empty() {
            found.push(Integrity::Missing(self.lost));
        }
        (found, entries_hold || heads_hold)
    }

    /// All entries.
    pub(super) fn span(&self) -> &Span {
        &self.by_entries.span
    }

    /// The entries up to the watched size, if it lies in the range.
    pub(super) fn watched_span(&self) -> Option<&Span> {
        self.watched_span.as_ref()
    }

    pub(super) fn lost(&self) -> &Seqs {
        &self.lost
    }

    /// The seqs that have a head alone.
    pub(super) fn bare(&self) -> &Seqs {
        &self.bare
    }

    /// Where heads of kind `key` stand.
    pub(super) fn keys(&self) -> &[u64] {
        &self.keys
    }

    pub(super) fn heads(&self) -> u64 {
        let lines = self.next.saturating_sub(self.first);
        lines.saturating_sub(self.lost.count())
    }

    /// Records that came with salt and event.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn entries(&self) -> u64 {
        let lines = self.next.saturating_sub(self.first);
        lines.saturating_sub(count(self.block.len()))
    }

    /// What the first and the last valid head say.
    pub(super) fn times(&self) -> Option<(Time, Time)> {
        self.times
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
