//! Checks one pack by itself: header, sections, trees, frames, records. What it says of other packs, `mod` compares.

mod claims;
mod frames;
mod notes;

use super::finding::{Damage, Finding, push_seq};
use super::records::{FramePlace, RecordChecker, grow};
use super::sections::{
    BITS, ENTRIES, FRAMES, KEYS, NODES, NOTES, PLACES, RUNS, SECTION_NAMES, STREAMS, Sections,
};
use super::{Checked, LogName, Progress};
use crate::format::FormatError;
use crate::format::frame::FrameScratch;
use crate::format::pack::{
    ENT_HEADER_BYTES, FRAME_ROW_BYTES, FrameRow, KEY_BYTES, PLACE_BYTES, PackHeader,
    REC_HEADER_BYTES, RecHeader, Run, SECTIONS, list_runs, pack_names,
};
use crate::resend::collect::Collector;
use crate::view::hashes;
use frames::Ahead;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::note::Note;
use indelible_store::{Store, StoreError, with_causes};
use notes::SizedNote;

/// Frames read at once.
const CHUNK_BYTES: u64 = 2 << 20;
/// Runs that are checked by one thread even where two may: for fewer a second is not worth its start.
const ALONE_RUNS: usize = 1_024;

/// A note of ours that still needs its log's key.
#[derive(Clone)]
pub(crate) struct NoteSeen {
    pub(crate) origin: String,
    pub(crate) size: u64,
    /// How many records the log had where the note was met; not known in a pack.
    pub(crate) met_at: Option<u64>,
    pub(crate) text: Vec<u8>,
    pub(crate) file: String,
    pub(crate) offset: u64,
}

/// What became of one pack.
#[derive(Default)]
pub(crate) struct PackSeen {
    /// `None`: the header could not be read.
    pub(crate) header: Option<PackHeader>,
    pub(crate) runs: Vec<Run>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) notes: Vec<NoteSeen>,
    /// Log id and event of each genesis met.
    pub(crate) geneses: Vec<(Hash, Vec<u8>)>,
    /// Log id, seq and event of each `key` record.
    pub(crate) keys: Vec<(Hash, u64, Vec<u8>)>,
    /// Seq and event of the node's own records about the store.
    pub(crate) of_node: Vec<(u64, Vec<u8>)>,
    pub(crate) checked: Checked,
}

/// Checks the pack of these batches. `only`: records of that log alone are re-hashed. `shared`: by two threads, if it has many runs.
pub(crate) fn check(
    store: &dyn Store,
    batches: (u64, u64),
    only: Option<&str>,
    shared: bool,
    progress: &Progress<'_>,
) -> PackSeen {
    let (ent, rec) = pack_names(batches.0, batches.1);
    let mut check = PackCheck {
        store,
        ent,
        rec,
        only,
        shared,
        progress,
        has_records: false,
        frames_end: 0,
        ahead: Ahead::default(),
        listing: Vec::new(),
        scratch: FrameScratch::default(),
        seen: PackSeen::default(),
    };
    if let Err(finding) = check.run(batches) {
        let named = named(*finding, &check.listing);
        check.seen.findings.extend(named);
    }
    check.seen
}

/// The damage of a whole pack, said of each log that it lists.
fn named(finding: Finding, listing: &[Run]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for run in listing {
        let name = LogName::new(&run.origin).name;
        match findings.last_mut() {
            Some(last) if last.log.as_ref() == Some(&name) => last.seqs.push(run.first..run.end()),
            _ => findings.push(finding.clone().of_range(&name, run.first..run.end())),
        }
    }
    if findings.is_empty() {
        findings.push(finding);
    }
    findings
}

impl PackSeen {
    /// What was seen of the runs behind.
    fn append(&mut self, mut rest: PackSeen) {
        self.findings.append(&mut rest.findings);
        self.geneses.append(&mut rest.geneses);
        self.keys.append(&mut rest.keys);
        self.of_node.append(&mut rest.of_node);
        self.checked.add(&rest.checked);
    }
}

/// A run, and where what it has begins in each section.
struct Placed<'a> {
    run: &'a Run,
    at: [usize; SECTIONS],
    notes: &'a [SizedNote],
    /// Its log's last one in the pack.
    last: bool,
}

/// Where each run's parts lie: one behind the other's.
fn placed<'a>(runs: &'a [Run], notes: &'a [Vec<SizedNote>]) -> Vec<Placed<'a>> {
    let mut at = [0_usize; SECTIONS];
    let place = |(number, (run, notes)): (usize, (&'a Run, &'a Vec<SizedNote>))| {
        let last = runs.get(number + 1).is_none_or(|next| next.log != run.log);
        let placed = Placed {
            run,
            at,
            notes,
            last,
        };
        at[ENTRIES] += len(u64::from(run.count) * 32);
        at[NODES] += len((run.blocks().end - run.blocks().start) * 32);
        at[BITS] += len(run.commit_bits_len());
        at[FRAMES] += len(u64::from(run.frames)) * FRAME_ROW_BYTES;
        at[KEYS] += len(u64::from(run.keys)) * KEY_BYTES;
        at[STREAMS] += len(u64::from(run.streams_len));
        at[PLACES] += len(u64::from(run.places)) * PLACE_BYTES;
        placed
    };
    runs.iter().zip(notes).enumerate().map(place).collect()
}

struct PackCheck<'a> {
    store: &'a dyn Store,
    ent: String,
    rec: String,
    only: Option<&'a str>,
    shared: bool,
    progress: &'a Progress<'a>,
    /// The file with the frames is there.
    has_records: bool,
    /// Where the last run's frames end.
    frames_end: u64,
    ahead: Ahead,
    /// What the file lists where nothing vouches for it: good for messages alone.
    listing: Vec<Run>,
    /// One for all runs: of quiet logs there are thousands in a pack.
    scratch: FrameScratch,
    seen: PackSeen,
}

impl PackCheck<'_> {
    /// An error ends the check of this pack: nothing more of it can be trusted to be where it should be.
    fn run(&mut self, batches: (u64, u64)) -> Result<(), Box<Finding>> {
        let sections = self.sections(batches)?;
        self.seen.header = Some(sections.header.clone());
        for index in [RUNS, BITS, FRAMES, NOTES, KEYS, STREAMS, PLACES] {
            if !sections.sound[index] {
                let what = format!(
                    "the digest of the section {} is wrong",
                    SECTION_NAMES[index]
                );
                let finding =
                    Finding::new(Damage::Unreadable, &self.ent, sections.offset(index), what);
                if index == RUNS {
                    self.listing = list_runs(sections.section(RUNS));
                    return Err(finding.into());
                }
                self.seen.findings.push(finding);
            }
        }
        let runs = sections
            .header
            .parse_runs(sections.section(RUNS))
            .map_err(|error| self.refused(error))?;
        self.seen.runs = runs.clone();
        self.frames_end = runs.last().map_or(len64(REC_HEADER_BYTES), |run| {
            run.rec_at.saturating_add(run.rec_len)
        });
        self.has_records = self.rec_header(&sections.header)?;
        let before = self.seen.findings.len();
        let notes = self.notes(&sections, &runs);
        self.check_runs(&sections, &placed(&runs, &notes));
        for index in [ENTRIES, NODES] {
            if !sections.sound[index] && self.seen.findings.len() == before {
                let what = format!(
                    "the digest of the section {} is wrong",
                    SECTION_NAMES[index]
                );
                self.seen.findings.push(Finding::new(
                    Damage::Unreadable,
                    &self.ent,
                    sections.offset(index),
                    what,
                ));
            }
        }
        Ok(())
    }

    fn sections(&mut self, batches: (u64, u64)) -> Result<Sections, Box<Finding>> {
        let size = self
            .store
            .size_of(&self.ent)
            .map_err(|error| self.unread(&error))?;
        let bytes = self
            .store
            .read_at(&self.ent, 0, len(size), true)
            .map_err(|error| self.unread(&error))?;
        self.seen.checked.bytes_read += size;
        let header = PackHeader::decode(&bytes).map_err(|error| {
            self.listing = list_runs(bytes.get(ENT_HEADER_BYTES..).unwrap_or_default());
            self.refused(error)
        })?;
        let of_this = header.store == self.store.describe().store_id
            && (header.first, header.last) == batches;
        if !of_this {
            return Err(Finding::new(
                Damage::Unreadable,
                &self.ent,
                32,
                "it belongs to another store or place",
            )
            .into());
        }
        let end = header.sections[SECTIONS - 1]
            .offset
            .checked_add(header.sections[SECTIONS - 1].length);
        if end != Some(size) {
            return Err(Finding::new(
                Damage::Unreadable,
                &self.ent,
                104,
                "the file does not end with its last section",
            )
            .into());
        }
        let sections = Sections::cut(bytes, header);
        self.seen.checked.bytes_hashed += size - len64(ENT_HEADER_BYTES);
        Ok(sections)
    }

    /// Is there a `.rec` file to read frames from? Damage to its header alone does not keep them from being read.
    fn rec_header(&mut self, header: &PackHeader) -> Result<bool, Box<Finding>> {
        let size = match self.store.size_of(&self.rec) {
            Ok(size) => size,
            Err(StoreError::NotFound) => {
                self.all_missing();
                return Ok(false);
            }
            Err(error) => return Err(self.unread(&error).into()),
        };
        let bytes = self
            .store
            .read_at(&self.rec, 0, REC_HEADER_BYTES, true)
            .map_err(|error| self.unread(&error))?;
        let what = match RecHeader::decode(&bytes) {
            Err(FormatError::Unsupported(what)) => {
                return Err(Finding::new(Damage::Unsupported, &self.rec, 8, what).into());
            }
            Err(error) => error.to_string(),
            Ok(rec)
                if (rec.store, rec.first, rec.last)
                    != (header.store, header.first, header.last) =>
            {
                "it belongs to another store or place".to_owned()
            }
            Ok(rec) if rec.ent != header.digest() => "it belongs to another .ent file".to_owned(),
            Ok(rec) if rec.length != size => {
                format!("the file has {size} bytes instead of {}", rec.length)
            }
            Ok(_) if size != self.frames_end => {
                "the file does not end with its last frame".to_owned()
            }
            Ok(_) => return Ok(true),
        };
        let finding = Finding::new(Damage::Unreadable, &self.rec, 0, what);
        self.seen.findings.push(finding);
        Ok(true)
    }

    /// Nothing is left of the records: says so for each log of the pack.
    fn all_missing(&mut self) {
        let mut findings: Vec<Finding> = Vec::new();
        for run in &self.seen.runs {
            let name = LogName::new(&run.origin).name;
            match findings.last_mut() {
                Some(last) if last.log.as_ref() == Some(&name) => {
                    last.seqs.push(run.first..run.end());
                }
                _ if self.only.is_none_or(|only| only == name) => {
                    let what = "the file that held these records is not there";
                    let finding = Finding::new(Damage::Missing, &self.rec, 0, what);
                    findings.push(finding.of_range(&name, run.first..run.end()));
                }
                _ => {}
            }
        }
        self.seen.findings.append(&mut findings);
    }

    fn unread(&self, error: &StoreError) -> Finding {
        Finding::new(Damage::Unreadable, &self.ent, 0, with_causes(error))
    }

    fn refused(&self, error: FormatError) -> Finding {
        match error {
            FormatError::Unsupported(what) => Finding::new(Damage::Unsupported, &self.ent, 8, what),
            FormatError::Damaged { offset, what } => {
                Finding::new(Damage::Unreadable, &self.ent, len64(offset), what)
            }
        }
    }

    /// Of many runs a second thread takes half, if it was asked for.
    fn check_runs(&mut self, sections: &Sections, runs: &[Placed<'_>]) {
        if !self.shared || runs.len() < ALONE_RUNS {
            runs.iter().for_each(|run| self.check_run(sections, run));
            return;
        }
        let (first, rest) = runs.split_at(runs.len() / 2);
        let mut beside = PackCheck {
            ent: self.ent.clone(),
            rec: self.rec.clone(),
            ahead: Ahead::default(),
            listing: Vec::new(),
            scratch: FrameScratch::default(),
            seen: PackSeen::default(),
            ..*self
        };
        std::thread::scope(|scope| {
            scope.spawn(|| rest.iter().for_each(|run| beside.check_run(sections, run)));
            first.iter().for_each(|run| self.check_run(sections, run));
        });
        self.seen.append(beside.seen);
    }

    fn check_run(&mut self, sections: &Sections, placed: &Placed<'_>) {
        let Placed { run, at, notes, .. } = placed;
        let log = &LogName::new(&run.origin);
        let closed = notes.last().is_some_and(|last| last.size == run.end());
        if placed.last && !closed && sections.sound[NOTES] {
            let what = "the note of the log's end in this pack is missing";
            let finding = Finding::new(Damage::Unreadable, &self.ent, sections.offset(NOTES), what);
            self.seen.findings.push(finding.of_log(&log.name));
        }
        if log.is_node() || self.only.is_none_or(|only| only == log.name) {
            self.rehash(sections, run, log, at, notes);
        }
    }

    fn rehash(
        &mut self,
        sections: &Sections,
        run: &Run,
        log: &LogName,
        at: &[usize; SECTIONS],
        notes: &[SizedNote],
    ) {
        let entry_bytes = cut(
            sections.section(ENTRIES),
            at[ENTRIES],
            len(u64::from(run.count) * 32),
        );
        let mut entries: Vec<Hash> = std::iter::once(run.prev_entry)
            .chain(hashes(entry_bytes))
            .collect();
        let mut records = RecordChecker::new(log);
        records.claims = Some((run.first, Collector::new(run.log)));
        records.scratch = std::mem::take(&mut self.scratch);
        let rows = self.rows(sections, run, log, at[FRAMES]);
        let sizes: Vec<u64> = notes.iter().map(|note| note.size).collect();
        let mut grown = grow(run.frontier_first.clone(), &entries[1..], &sizes);
        let mut rehash = self.has_records;
        if grown.frontier != run.frontier_after || grown.frontier.root() != run.root {
            let entries_at = sections.offset(ENTRIES) + len64(at[ENTRIES]);
            let settled = self.settle(run, log, entries, &rows, entries_at, &mut records);
            (entries, rehash) = (settled.0, settled.1 && rehash);
            grown = grow(run.frontier_first.clone(), &entries[1..], &sizes);
        }
        records.checked.bytes_hashed += u64::from(run.count) * (33 + 65);
        let begins = run.first != 0 || entries.get(1) == Some(&run.log);
        let whole = grown.frontier == run.frontier_after;
        if whole && (!begins || entries.last() != Some(&run.last_entry)) {
            let what = "a run's first or last entry is not the one it names";
            let finding = Finding::new(Damage::Unreadable, &self.ent, sections.offset(RUNS), what);
            self.seen
                .findings
                .push(finding.of_range(&log.name, run.first..run.end()));
        }
        self.tiles(sections, run, log, at[NODES], &grown.blocks);
        self.note_roots(sections, log, notes, &grown.roots);
        if rehash {
            let frames_at = sections.offset(FRAMES) + len64(at[FRAMES]);
            self.frames(run, &rows, frames_at, &entries, &mut records);
        }
        self.commit_bits(sections, run, log, at[BITS]);
        self.run_ends(sections, run, log, &records, entries.last());
        self.hinges(sections, log, notes, &records);
        self.claims(sections, run, log, at, &mut records);
        self.scratch = std::mem::take(&mut records.scratch);
        if let Some(genesis) = records.genesis.take() {
            self.seen.geneses.push((run.log, genesis));
        }
        let keys = std::mem::take(&mut records.keys).into_iter();
        let keys = keys.map(|(seq, event)| (run.log, seq, event));
        self.seen.keys.extend(keys);
        self.seen.of_node.append(&mut records.of_node);
        self.seen.findings.append(&mut records.findings);
        self.seen.checked.add(&records.checked);
    }

    /// What the run says of its own ends.
    fn run_ends(
        &mut self,
        sections: &Sections,
        run: &Run,
        log: &LogName,
        records: &RecordChecker<'_>,
        last_entry: Option<&Hash>,
    ) {
        let clean = records.findings.is_empty() && records.checked.records == u64::from(run.count);
        let times = records.times == Some((run.first_time, run.last_time));
        if clean && !(times && last_entry == Some(&run.last_entry)) {
            let what = if times {
                "a run's last entry is not its last record's"
            } else {
                "a run's times are not its records'"
            };
            let finding = Finding::new(Damage::Unreadable, &self.ent, sections.offset(RUNS), what);
            self.seen
                .findings
                .push(finding.of_range(&log.name, run.first..run.end()));
        }
    }

    /// Behind the last record no bit stands for one.
    fn commit_bits(&mut self, sections: &Sections, run: &Run, log: &LogName, at: usize) {
        let bits = cut(sections.section(BITS), at, len(run.commit_bits_len()));
        let used = (run.count - 1) % 8 + 1;
        let beyond = bits
            .last()
            .is_some_and(|last| u32::from(*last) >> used != 0);
        if beyond && sections.sound[BITS] {
            let offset = sections.offset(BITS) + len64(at);
            let what = "a commit bit without a record";
            let finding = Finding::new(Damage::Unreadable, &self.ent, offset, what);
            self.seen.findings.push(finding.of_log(&log.name));
        }
    }

    /// The stored nodes of level 8 against what the entries below give.
    fn tiles(&mut self, sections: &Sections, run: &Run, log: &LogName, at: usize, blocks: &[Hash]) {
        let range = run.blocks();
        let stored = hashes(cut(
            sections.section(NODES),
            at,
            len((range.end - range.start) * 32),
        ));
        for ((number, stored), ours) in range.zip(stored).zip(blocks) {
            if stored != *ours {
                let offset =
                    sections.offset(NODES) + len64(at) + (number - run.blocks().start) * 32;
                let finding = Finding::new(
                    Damage::TileAltered { level: 8, number },
                    &self.ent,
                    offset,
                    "a stored node is not what its entries give",
                );
                self.seen.findings.push(finding.of_log(&log.name));
            }
        }
    }

    /// The entries don't give the root the run names. If the records do, single entries were altered, and the records are the truth.
    fn settle(
        &mut self,
        run: &Run,
        log: &LogName,
        entries: Vec<Hash>,
        rows: &[FrameRow],
        entries_at: u64,
        records: &mut RecordChecker<'_>,
    ) -> (Vec<Hash>, bool) {
        let bytes = self
            .store
            .read_at(&self.rec, run.rec_at, len(run.rec_len), true)
            .unwrap_or_default();
        let places: Vec<FramePlace<'_>> = rows
            .iter()
            .map(|row| self.place(row, run.rec_at, &bytes))
            .collect();
        let chain = records.chain(&places, run.prev_entry);
        let mut differing = Vec::new();
        let pairs = chain.iter().zip(&entries).skip(1).zip(run.first..);
        pairs
            .filter(|((record, entry), _)| record != entry)
            .for_each(|(_, seq)| push_seq(&mut differing, seq));
        let whole = chain.len() == entries.len()
            && grow(run.frontier_first.clone(), &chain[1..], &[]).frontier == run.frontier_after;
        let first = differing.first().map_or(run.first, |range| range.start);
        let offset = entries_at + (first - run.first) * 32;
        let damage = match (whole, differing.is_empty()) {
            (true, false) => Damage::EntryAltered,
            (false, false) => Damage::RecordAltered,
            // Entries and records agree: it is the run's own root that is another.
            (_, true) => Damage::RootMismatch(run.end()),
        };
        let finding = Finding::new(
            damage,
            &self.ent,
            offset,
            "the entries don't give the root of their run",
        );
        self.seen.findings.push(finding.of(&log.name, differing));
        if whole {
            (chain, true)
        } else {
            (entries, false)
        }
    }
}

/// Origin, size and root of a note that has its form.
pub(crate) fn checkpoint_of(text: &[u8]) -> Option<(String, u64, Hash)> {
    let note = Note::parse(text).ok()?;
    let checkpoint = Checkpoint::parse(note.text).ok()?;
    Some((
        checkpoint.origin.to_owned(),
        checkpoint.size,
        checkpoint.root,
    ))
}

/// As much of a range as there is.
fn cut(bytes: &[u8], from: usize, length: usize) -> &[u8] {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.get(..length).unwrap_or(rest)
}

/// A length of something that lies in memory, or is about to.
fn len(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn len64(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory is below 2^64")
}
