//! Checks the tail: the chain of batches, their signatures, the trees they grow, and every record in them.
//!
//! Slots are read in order and gone over in groups: what links them one after the other, their records and signatures on all cores.

use super::finding::{Damage, Finding};
use super::logs::Logs;
use super::pack::{NoteSeen, checkpoint_of};
use super::row::{self, Job, Settled};
use super::{Checked, LogName, Progress, in_parallel};
use crate::format::FormatError;
use crate::format::batch::{BatchHeader, BatchView, Part, signed_message};
use crate::format::frame::FrameScratch;
use crate::scan;
use crate::view::hashes;
use indelible_proof::hash::Hash;
use indelible_proof::key::verify_ed25519;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use indelible_store::{Found, Place, Slot, Store, StoreError};
use std::collections::HashMap;
use std::ops::Range;

/// Bytes of slots gone over together.
const GROUP_BYTES: usize = 32 << 20;

/// A batch at the end that is none (any more), with no later trace of it.
#[derive(Clone)]
pub(crate) struct TornEnd {
    pub(crate) number: u64,
    pub(crate) place: Place,
    pub(crate) reason: String,
}

/// What became of the tail.
#[derive(Clone, Default)]
pub(crate) struct TailSeen {
    /// Number of the first slot there is.
    pub(crate) first: Option<u64>,
    /// Header digests by batch number.
    pub(crate) digests: HashMap<u64, Hash>,
    pub(crate) unused: Vec<Place>,
    pub(crate) torn: Option<TornEnd>,
    pub(crate) notes: Vec<NoteSeen>,
    pub(crate) of_node: Vec<(u64, Vec<u8>)>,
    /// Records behind lost ones that could not be tied to anything.
    pub(crate) unchecked: Vec<(String, Range<u64>)>,
    pub(crate) checked: Checked,
    /// Number the next batch would have.
    pub(crate) next: u64,
    /// A newer version wrote tail files: where the tail ends is not known.
    pub(crate) unsupported: bool,
}

impl TailSeen {
    /// These records could not be tied to anything. What follows of a log is told with what went before.
    fn leave(&mut self, log: String, seqs: Range<u64>) {
        let same = self.unchecked.iter_mut().rfind(|(name, _)| *name == log);
        match same.filter(|(_, before)| before.end == seqs.start) {
            Some((_, before)) => before.end = seqs.end,
            None => self.unchecked.push((log, seqs)),
        }
    }
}

/// Where the chain of batches stands.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) next: u64,
    /// `None` behind damage: the next batch is taken as it comes.
    pub(crate) prev: Option<Hash>,
    pub(crate) epoch: u64,
    /// Who wrote that epoch; `None` where no batch before was read.
    pub(crate) writer: Option<[u8; 16]>,
    pub(crate) time: Option<Time>,
}

pub(crate) struct TailCheck<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) logs: &'a mut Logs,
    pub(crate) chain: Chain,
    pub(crate) only: Option<&'a str>,
    pub(crate) progress: &'a Progress<'a>,
    pub(crate) seen: TailSeen,
}

impl TailCheck<'_> {
    pub(crate) fn run(mut self) -> TailSeen {
        let sealed = self.chain.next;
        if let Err(error) = self.walk() {
            self.seen.unsupported = matches!(error, StoreError::Unsupported { .. });
            let finding = store_finding(&error);
            self.logs.lost(finding);
        }
        self.seen.next = self.chain.next;
        self.claimed(sealed);
        self.seen
    }

    /// A store keeps the last batch of its newest pack in the tail, so packs can't claim more batches than the tail reaches.
    fn claimed(&mut self, sealed: u64) {
        let reached = self.seen.digests.keys().max().map_or(0, |last| last + 1);
        if reached > 0
            && reached < sealed
            && !self.logs.is_anything_lost()
            && self.seen.torn.is_none()
        {
            let what = format!(
                "packs hold batches up to {}, and the tail ends before batch {reached}",
                sealed - 1
            );
            self.logs
                .found(Finding::new(Damage::MissingBatch(reached), "tail", 0, what));
        }
    }

    fn walk(&mut self) -> Result<(), StoreError> {
        self.seen.first = self.store.first_slot()?;
        let Some(first) = self.seen.first else {
            return Ok(());
        };
        if first > self.chain.next {
            let what = format!(
                "batches {} to {} are in no pack and not in the tail",
                self.chain.next,
                first - 1
            );
            self.logs.lost(Finding::new(
                Damage::MissingBatch(self.chain.next),
                "",
                0,
                what,
            ));
            self.skip(first);
        }
        let mut slots = self.store.slots(first)?;
        let mut more = true;
        while more {
            let (mut group, mut bytes) = (Vec::new(), 0);
            while bytes < GROUP_BYTES {
                match slots.next()? {
                    Found::Good(slot) => {
                        bytes += slot.bytes.len();
                        group.push(slot);
                    }
                    found => {
                        self.group(std::mem::take(&mut group));
                        bytes = 0;
                        more = self.broken(found) && slots.skip_to_later();
                        if !more {
                            break;
                        }
                    }
                }
            }
            self.group(group);
        }
        Ok(())
    }

    /// What stands where no good slot does. Whether something may follow.
    fn broken(&mut self, found: Found) -> bool {
        match found {
            Found::Good(_) => true,
            Found::End { unused, .. } => {
                self.seen.unused = unused;
                false
            }
            Found::Bad {
                number,
                place,
                reason,
                later: None,
            } => {
                self.chain.next = number;
                self.seen.torn = Some(TornEnd {
                    number,
                    place,
                    reason: reason.to_owned(),
                });
                false
            }
            Found::Bad {
                number,
                place,
                reason,
                later: Some(later),
            } => {
                let what = format!(
                    "batch {number}: {reason}; batch {later} follows it, so it was acknowledged"
                );
                if number >= self.chain.next {
                    self.logs.could_not_read(number);
                }
                self.logs.lost(Finding::new(
                    Damage::Unreadable,
                    &place.file,
                    place.offset,
                    what,
                ));
                self.skip(later);
                true
            }
            Found::Missing {
                number,
                place,
                later,
            } => {
                let what = format!(
                    "batches {number} to {} are missing, batch {later} follows",
                    later - 1
                );
                self.logs.lost(Finding::new(
                    Damage::MissingBatch(number),
                    &place.file,
                    place.offset,
                    what,
                ));
                self.skip(later);
                true
            }
        }
    }

    fn skip(&mut self, later: u64) {
        if later > self.chain.next {
            (self.chain.next, self.chain.prev) = (later, None);
        }
    }

    fn group(&mut self, slots: Vec<Slot>) {
        let mut jobs = Vec::new();
        let mut signed = Vec::new();
        for slot in &slots {
            self.seen.checked.bytes_read +=
                u64::try_from(slot.bytes.len()).expect("a slot is short");
            self.slot(slot, &mut jobs, &mut signed);
        }
        let done = in_parallel(&jobs, |job| {
            let checker = job.run();
            self.progress.add(&checker.checked);
            (
                checker.times,
                checker.findings,
                checker.of_node,
                checker.keys,
                checker.checked,
            )
        });
        let (mut geneses, mut key_records) = (Vec::new(), Vec::new());
        for (job, (times, findings, of_node, keys, checked)) in jobs.iter().zip(done) {
            findings
                .into_iter()
                .for_each(|finding| self.logs.found(finding));
            self.seen.of_node.extend(of_node);
            self.seen.checked.add(&checked);
            key_records.extend(keys.into_iter().map(|(seq, event)| (job.id, seq, event)));
            self.times(job, times);
            if job.part.row.first == 0
                && let Ok(event) = scan::first_event(&job.part, &mut FrameScratch::default())
            {
                geneses.push((job.id, event));
            }
        }
        for (id, event) in geneses {
            self.logs.genesis(&id, &event);
        }
        for (id, seq, event) in key_records {
            self.logs.key(&id, seq, &event);
        }
        self.signatures(&signed);
    }

    fn times(&mut self, job: &Job<'_>, times: Option<(Time, Time)>) {
        let Some(times) = times else { return };
        let log = self
            .logs
            .by_id_mut(&job.id)
            .expect("its records have arrived");
        let not_after = log.go_on_at(times, job.part.row.first, job.file, job.base);
        if job.batch_time.is_some_and(|time| times.1 > time) {
            let what = "the batch's time is before its records'";
            let finding = Finding::new(Damage::Unreadable, job.file, job.base, what);
            self.logs
                .found(finding.of_range(&job.log.name, job.part.row.first..job.part.row.size()));
        }
        if let Some(finding) = not_after {
            self.logs.found(finding);
        }
    }

    fn signatures(&mut self, signed: &[(&Slot, BatchView<'_>)]) {
        let keys = &self.logs.batch_keys;
        if keys.newest().is_none() {
            return;
        }
        let good = in_parallel(signed, |(slot, batch)| {
            let message = signed_message(batch.header_bytes);
            let key = keys.of(slot.number);
            key.is_none_or(|key| verify_ed25519(&key, &message, batch.signature))
        });
        self.seen.checked.signatures += u64::try_from(signed.len()).unwrap_or(0);
        for ((slot, _), _) in signed.iter().zip(good).filter(|(_, good)| !good) {
            let what = format!(
                "batch {} is not signed by this node's batch key",
                slot.number
            );
            self.logs.found(Finding::new(
                Damage::SignatureInvalid,
                &slot.place.file,
                slot.place.offset,
                what,
            ));
        }
    }

    fn slot<'v>(
        &mut self,
        slot: &'v Slot,
        jobs: &mut Vec<Job<'v>>,
        signed: &mut Vec<(&'v Slot, BatchView<'v>)>,
    ) {
        let (file, base) = (slot.place.file.as_str(), slot.place.offset);
        let sealed = slot.number < self.chain.next;
        let batch = match BatchView::parse(&slot.bytes) {
            Ok(batch) => batch,
            Err(error) => {
                let (damage, offset) = match error {
                    FormatError::Unsupported(_) => (Damage::Unsupported, base),
                    FormatError::Damaged { offset, .. } => (
                        Damage::Unreadable,
                        base + u64::try_from(offset).unwrap_or(0),
                    ),
                };
                self.logs.lost(Finding::new(
                    damage,
                    file,
                    offset,
                    format!("batch {}: {error}", slot.number),
                ));
                if !sealed {
                    (self.chain.next, self.chain.prev) = (slot.number + 1, None);
                    if damage == Damage::Unreadable {
                        self.logs.could_not_read(slot.number);
                    }
                }
                return;
            }
        };
        self.seen.digests.insert(slot.number, batch.digest());
        if !self.links(&batch, slot, sealed) {
            let what = format!(
                "batch {} does not continue the batch before, or belongs elsewhere",
                slot.number
            );
            self.logs
                .found(Finding::new(Damage::Unreadable, file, base, what));
        }
        self.node_row(&batch, slot.number);
        if sealed {
            // Its records were checked in their pack. What is signed here must be what the packs hold.
            batch
                .parts()
                .for_each(|part| self.sealed_part(&part, file, base));
            signed.push((slot, batch));
            return;
        }
        self.chain = Chain {
            next: slot.number + 1,
            prev: Some(batch.digest()),
            epoch: batch.header.epoch,
            writer: Some(batch.header.writer),
            time: Some(batch.header.time),
        };
        self.seen.checked.batches += 1;
        for part in batch.parts() {
            self.part(part, file, base, jobs);
        }
        for note in batch.notes() {
            self.note(note, file, base);
        }
        signed.push((slot, batch));
    }

    /// Where records of `_node` stand decides which batch key signs.
    fn node_row(&mut self, batch: &BatchView<'_>, number: u64) {
        for part in batch.parts() {
            if self.name_of(&part).is_some_and(|name| name.is_node()) {
                let (first, end) = (part.row.first, part.row.size());
                self.logs.batch_keys.row(number, first, end);
            }
        }
    }

    /// Does the batch stand where it belongs? A batch that a pack covers is compared only if it is the pack's last.
    fn links(&self, batch: &BatchView<'_>, slot: &Slot, sealed: bool) -> bool {
        let header = &batch.header;
        let ours = header.number == slot.number && header.store == self.store.describe().store_id;
        if sealed {
            let last = slot.number + 1 == self.chain.next;
            return ours && (!last || self.chain.prev.is_none_or(|prev| prev == batch.digest()));
        }
        ours && self.chain.prev.is_none_or(|prev| prev == header.prev)
            && self.is_writer(header)
            && self.chain.time.is_none_or(|time| time <= header.time)
    }

    /// A row of a batch that a pack covers: the packs must reach as far, and give its root where the log ends with it.
    fn sealed_part(&mut self, part: &Part<'_>, file: &str, base: u64) {
        let (row, at) = (part.row, base + part.entries_at);
        if self.logs.is_anything_lost() {
            return;
        }
        let (name, size, root) = match self.logs.by_id(&row.log) {
            Some(log) => {
                let root = log.frontier.as_ref().map(Frontier::root);
                (log.name.name.clone(), log.size, root)
            }
            None => (format!("a log of id {}", row.log), 0, None),
        };
        if row.size() > size {
            let what =
                "a signed batch has these records, and the pack that should hold them has not";
            let finding = Finding::new(Damage::Missing, file, at, what);
            self.logs
                .found(finding.of_range(&name, row.first.max(size)..row.size()));
        } else if row.size() == size && root.is_some_and(|root| root != row.root) {
            let what = "a signed batch gives another root than the pack that holds its records";
            let finding = Finding::new(Damage::RootMismatch(size), file, at, what);
            self.logs.found(finding.of_log(&name));
        }
    }

    /// A later epoch, or the same by the same writer.
    fn is_writer(&self, header: &BatchHeader) -> bool {
        let same = self
            .chain
            .writer
            .is_none_or(|writer| writer == header.writer);
        header.epoch > self.chain.epoch || (header.epoch == self.chain.epoch && same)
    }

    fn part<'v>(&mut self, part: Part<'v>, file: &'v str, base: u64, jobs: &mut Vec<Job<'v>>) {
        let (row, at) = (part.row, base + part.entries_at);
        let Some(name) = self.name_of(&part) else {
            return self.stranger(&part, file, at);
        };
        let before = self.logs.by_id(&row.log).map_or(0, |log| log.size);
        if !self.logs.arrive(row.log, &name.origin, row.first, file, at) {
            let what = "a row over records that were there before";
            let finding = Finding::new(Damage::Unreadable, file, at, what);
            return self
                .logs
                .found(finding.of_range(&name.name, row.first..row.size()));
        }
        let log = self.logs.by_id_mut(&row.log).expect("it has arrived");
        let entries: Vec<Hash> = std::iter::once(log.last_entry)
            .chain(hashes(part.entries))
            .collect();
        let edge = log.frontier.take().filter(|_| row.first == before);
        let behind_gap = row.first > before;
        let settled = match edge {
            Some(edge) => {
                self.seen.checked.bytes_hashed += u64::from(row.count) * (33 + 65);
                let (settled, finding) = row::settle(&part, &name, (file, base), edge, entries);
                finding
                    .into_iter()
                    .for_each(|finding| self.logs.found(finding));
                settled
            }
            // Lost records stand before these: the tree can't be grown over the gap, and the entries are taken as they are.
            None => Settled {
                rehash: !behind_gap,
                edge: None,
                entries,
            },
        };
        if behind_gap {
            // The record right behind the gap has no entry before it to be rebuilt with.
            self.seen
                .unchecked
                .push((name.name.clone(), row.first..row.size()));
        }
        let log = self.logs.by_id_mut(&row.log).expect("it has arrived");
        log.size = row.size();
        log.frontier = settled.edge;
        log.last_entry = *settled.entries.last().expect("a row has records");
        log.roots.push((row.size(), row.root));
        if settled.rehash && (name.is_node() || self.only.is_none_or(|only| only == name.name)) {
            jobs.push(Job {
                log: name,
                id: row.log,
                part,
                file,
                base,
                batch_time: self.chain.time,
                entries: settled.entries,
            });
        }
    }

    /// The log of a row; that of a log which begins here from its genesis.
    fn name_of(&self, part: &Part<'_>) -> Option<LogName> {
        if let Some(log) = self.logs.by_id(&part.row.log) {
            return Some(log.name.clone());
        }
        let first = part.row.first == 0;
        let origin = first.then(|| scan::founding_origin(part, &mut FrameScratch::default()));
        origin?.ok().map(|origin| LogName::new(&origin))
    }

    /// Records of a log whose genesis was not met. Behind lost packs or batches that is their doing.
    fn stranger(&mut self, part: &Part<'_>, file: &str, at: u64) {
        let seqs = part.row.first..part.row.size();
        if self.logs.is_anything_lost() {
            let name = format!("the log of id {}, whose beginning is lost,", part.row.log);
            return self.seen.leave(name, seqs);
        }
        let what = format!(
            "records {} to {} of a log whose genesis is nowhere",
            seqs.start,
            seqs.end - 1
        );
        self.logs
            .found(Finding::new(Damage::Missing, file, at, what));
    }

    fn note(&mut self, text: &[u8], file: &str, base: u64) {
        let Some((origin, size, root)) = checkpoint_of(text) else {
            return self.logs.found(Finding::new(
                Damage::Unreadable,
                file,
                base,
                "a note that has not its form",
            ));
        };
        let lost = self.logs.is_anything_lost();
        let Some(log) = self.logs.by_origin_mut(&origin) else {
            let what = format!("a note of a log that is not here: {origin}");
            if !lost {
                self.logs
                    .found(Finding::new(Damage::Missing, file, base, what));
            }
            return;
        };
        log.noted = log.noted.max(size.min(log.size));
        let known = log
            .roots
            .iter()
            .find(|(known, _)| *known == size)
            .map(|(_, root)| *root);
        let (beyond, name, log_size) = (size > log.size, log.name.name.clone(), log.size);
        if beyond || known.is_some_and(|known| known != root) {
            let what = if beyond {
                "a note beyond its log's end"
            } else {
                "a note has another root"
            };
            let finding = Finding::new(Damage::RootMismatch(size), file, base, what);
            self.logs.found(finding.of_log(&name));
        }
        self.seen.notes.push(NoteSeen {
            origin,
            text: text.to_vec(),
            file: file.to_owned(),
            offset: base,
            size,
            met_at: Some(log_size),
        });
    }
}

pub(crate) fn store_finding(error: &StoreError) -> Finding {
    match error {
        StoreError::Damaged { place, what } => {
            Finding::new(Damage::Unreadable, &place.file, place.offset, *what)
        }
        StoreError::Unsupported { file, what } => Finding::new(Damage::Unsupported, file, 0, *what),
        other => {
            let source = std::error::Error::source(other)
                .map_or(String::new(), |source| format!(": {source}"));
            Finding::new(Damage::Unreadable, "tail", 0, format!("{other}{source}"))
        }
    }
}
