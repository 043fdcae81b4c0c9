//! Reads a prefix of the tail's batches and sorts their records by log.

use super::SealError;
use super::run::{RunBuilder, Zstd};
use crate::batch_keys::BatchKeys;
use crate::books::{Books, Log};
use crate::format::batch::{BatchView, signed_message};
use crate::format::frame::FrameScratch;
use crate::format::pack::{PackNote, REC_HEADER_BYTES, RunData};
use crate::limits::{RUN_RECORDS, SEAL_BYTES};
use crate::view::{ReadError, hashes};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::key::verify_ed25519;
use indelible_proof::note::Note;
use indelible_store::{Found, Slot};
use std::collections::BTreeMap;

/// zstd's level: higher ones gained nothing on audit events.
const ZSTD_LEVEL: i32 = 1;

/// Batches read for a pack.
pub(super) struct Gathered {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) last_digest: Hash,
    pub(super) slot_bytes: u64,
    /// Finished and open runs of each log, by log id; the last one is open.
    runs: BTreeMap<Hash, Vec<RunBuilder>>,
    /// Who signed which batch.
    batch_keys: BatchKeys,
    zstd: Zstd,
}

/// A pack's contents before it is laid out.
pub(super) struct Made {
    pub(super) runs: Vec<RunData>,
    pub(super) frames: Vec<Vec<u8>>,
}

impl Gathered {
    /// Reads batches from `from` until a pack is full or `upto` is in.
    pub(super) fn read(
        books: &Books,
        batch_keys: BatchKeys,
        from: u64,
        upto: u64,
    ) -> Result<Gathered, SealError> {
        let zstd = Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL).expect("zstd takes level 1"));
        let mut gathered = Gathered {
            first: from,
            last: from,
            last_digest: Hash::ZERO,
            slot_bytes: 0,
            runs: BTreeMap::new(),
            batch_keys,
            zstd,
        };
        let mut scratch = FrameScratch::default();
        let mut slots = books.store().slots(from)?;
        for number in from..=upto {
            let Found::Good(slot) = slots.next()? else {
                return Err(SealError::Missing(number));
            };
            gathered.add(books, &slot, &mut scratch)?;
            if gathered.slot_bytes >= SEAL_BYTES && gathered.can_end(books) {
                break;
            }
        }
        Ok(gathered)
    }

    fn add(
        &mut self,
        books: &Books,
        slot: &Slot,
        scratch: &mut FrameScratch,
    ) -> Result<(), SealError> {
        let damaged = |source| SealError::Damaged {
            number: slot.number,
            source,
        };
        let batch = BatchView::parse(&slot.bytes).map_err(damaged)?;
        self.check_committed(books, &batch, slot.number)?;
        for note in batch.notes() {
            self.add_note(books, note, batch.header.time.secs());
        }
        for part in batch.parts() {
            let runs = match self.runs.entry(part.row.log) {
                std::collections::btree_map::Entry::Occupied(runs) => runs.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let log = books
                        .log_by_id(&part.row.log)
                        .ok_or(SealError::Missing(slot.number))?;
                    place.insert(vec![begin_run(books, &log)?])
                }
            };
            let mut entries = hashes(part.entries);
            for frame in part.frames() {
                let (_, frame) = frame.map_err(damaged)?;
                let open = runs.last_mut().expect("a log in the pack has an open run");
                let open = if open.end() > open.first && open.end().is_multiple_of(RUN_RECORDS) {
                    let next = open.next();
                    runs.push(next);
                    runs.last_mut().expect("one was pushed")
                } else {
                    open
                };
                open.add_frame(&frame, scratch, &mut self.zstd)
                    .map_err(damaged)?;
                let count =
                    usize::try_from(frame.records()).expect("a frame has at most 256 records");
                entries
                    .by_ref()
                    .take(count)
                    .for_each(|entry| open.add_entry(entry));
            }
            let open = runs.last_mut().expect("a log in the pack has an open run");
            open.commit_sizes
                .push(part.row.first + u64::from(part.row.count));
        }
        self.last = slot.number;
        self.last_digest = batch.digest();
        self.slot_bytes += u64::try_from(slot.bytes.len()).expect("a batch fits memory");
        Ok(())
    }

    /// Can each log's end in this pack be signed? Not below a hinge, whose old key may be gone.
    fn can_end(&self, books: &Books) -> bool {
        self.runs.iter().all(|(id, runs)| {
            let hinge = books.log_by_id(id).map_or(0, |log| log.read().last_hinge());
            runs.last().is_none_or(|run| run.end() >= hinge)
        })
    }

    /// What is read back must be what was committed: a pack's closing notes are signed over it, and the tail below it goes.
    fn check_committed(
        &self,
        books: &Books,
        batch: &BatchView<'_>,
        number: u64,
    ) -> Result<(), SealError> {
        let header = &batch.header;
        let linked =
            header.number == number && (number == self.first || header.prev == self.last_digest);
        let message = signed_message(batch.header_bytes);
        let key = self.batch_keys.of(number);
        let signed = key.is_some_and(|key| verify_ed25519(&key, &message, batch.signature));
        let held = batch.parts().all(|part| {
            books.log_by_id(&part.row.log).is_some_and(|log| {
                let state = log.read();
                let ours = state.tail_slice(part.row.first, part.row.count);
                ours.is_some_and(|ours| ours.iter().copied().eq(hashes(part.entries)))
            })
        });
        match linked && signed && held {
            true => Ok(()),
            false => Err(SealError::NotAsCommitted(number)),
        }
    }

    /// A published note goes to the run that holds its size.
    fn add_note(&mut self, books: &Books, note: &[u8], seconds: u64) {
        let Ok(parsed) = Note::parse(note) else {
            return;
        };
        let Ok(checkpoint) = Checkpoint::parse(parsed.text) else {
            return;
        };
        let size = checkpoint.size;
        let run =
            self.runs.values_mut().flatten().find(|run| {
                run.origin == checkpoint.origin && run.first < size && size <= run.end()
            });
        if let Some(run) = run {
            let log = books.log_by_id(&run.log);
            let hinge = log.is_some_and(|log| log.read().has_hinge(size));
            let text = note.to_vec();
            run.add_note(size, PackNote { hinge, text }, seconds);
        }
    }

    /// Closes all runs; each log's last one gets the note of exactly its end.
    pub(super) fn finish(
        mut self,
        closing: impl Fn(&Hash, u64, Hash) -> Result<PackNote, SealError>,
    ) -> Result<Made, SealError> {
        let mut made = Made {
            runs: Vec::new(),
            frames: Vec::new(),
        };
        let mut at = u64::try_from(REC_HEADER_BYTES).expect("a header is short");
        for (_, runs) in std::mem::take(&mut self.runs) {
            let last = runs.len() - 1;
            for (place, mut run) in runs.into_iter().enumerate() {
                if place == last && run.notes.last().is_none_or(|(size, _)| *size < run.end()) {
                    let note = closing(&run.log, run.end(), run.frontier.root())?;
                    run.notes.push((run.end(), note));
                }
                let (mut data, bytes) = run.finish(&mut self.zstd);
                data.run.rec_at = at;
                data.frames.iter_mut().for_each(|frame| frame.offset += at);
                at += data.run.rec_len;
                made.runs.push(data);
                made.frames.push(bytes);
            }
        }
        Ok(made)
    }
}

/// The run with which a log continues its sealed records.
fn begin_run(books: &Books, log: &Log) -> Result<RunBuilder, SealError> {
    let first = log.read().tail_first;
    let read = |error: ReadError| SealError::ReadBack(error.to_string());
    let prev_entry = match first.checked_sub(1) {
        Some(before) => books.entries(log, before..first).map_err(read)?[0],
        None => Hash::ZERO,
    };
    let frontier = books.frontier_at(log, first).map_err(read)?;
    Ok(RunBuilder::new(
        log.origin().to_owned(),
        log.id(),
        prev_entry,
        frontier,
    ))
}
