//! Reads a prefix of the tail's batches and sorts their records by log.

use super::SealError;
use super::run::{RunBuilder, Zstd};
use crate::batch_keys::BatchKeys;
use crate::books::{Books, Log};
use crate::format::FormatError;
use crate::format::batch::{BatchView, signed_message};
use crate::format::frame::{FrameScratch, FrameView};
use crate::format::pack::{PackNote, REC_HEADER_BYTES, RunData};
use crate::limits::RUN_RECORDS;
use crate::scan;
use crate::view::hashes;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::key::verify_ed25519;
use indelible_proof::note::Note;
use indelible_store::{Found, Slot};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

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
#[derive(Default)]
pub(crate) struct Made {
    pub(super) runs: Vec<RunData>,
    pub(super) frames: Vec<Vec<u8>>,
    /// Bytes of all frames.
    frames_len: u64,
}

impl Made {
    /// Closes a run and gives it its place behind those before.
    pub(crate) fn close(&mut self, run: RunBuilder, zstd: &mut Zstd) {
        let at = u64::try_from(REC_HEADER_BYTES).expect("a header is short") + self.frames_len;
        let (mut data, bytes) = run.finish(zstd);
        data.run.rec_at = at;
        data.frames.iter_mut().for_each(|frame| frame.offset += at);
        self.frames_len += data.run.rec_len;
        self.runs.push(data);
        self.frames.push(bytes);
    }
}

/// Adds a frame's records to a log's open run, or to the next one where that is full.
pub(crate) fn feed(
    runs: &mut Vec<RunBuilder>,
    frame: &FrameView<'_>,
    entries: &mut impl Iterator<Item = Hash>,
    scratch: &mut FrameScratch,
    zstd: &mut Zstd,
) -> Result<(), FormatError> {
    let open = runs.last_mut().expect("a log in the pack has an open run");
    let open = if open.end() > open.first && open.end().is_multiple_of(RUN_RECORDS) {
        let next = open.next();
        runs.push(next);
        runs.last_mut().expect("one was pushed")
    } else {
        open
    };
    open.add_frame(frame, scratch, zstd)?;
    let count = usize::try_from(frame.records()).expect("a frame has at most 256 records");
    entries
        .by_ref()
        .take(count)
        .for_each(|entry| open.add_entry(entry));
    Ok(())
}

impl Gathered {
    /// Reads these batches until there are so many bytes of them, or all are in.
    pub(super) fn read(
        books: &Books,
        batch_keys: BatchKeys,
        batches: RangeInclusive<u64>,
        seal_bytes: u64,
    ) -> Result<Gathered, SealError> {
        let from = *batches.start();
        let zstd = Zstd::new();
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
        for number in batches {
            let Found::Good(slot) = slots.next()? else {
                return Err(SealError::Missing(number));
            };
            gathered.add(books, &slot, &mut scratch)?;
            if gathered.slot_bytes >= seal_bytes && gathered.can_end(books) {
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
                    place.insert(vec![begin_run(&log)])
                }
            };
            let mut entries = hashes(part.entries);
            for frame in part.frames() {
                let (_, frame) = frame.map_err(damaged)?;
                feed(runs, &frame, &mut entries, scratch, &mut self.zstd).map_err(damaged)?;
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
        let log = scan::note_log(books, note);
        let id = log.as_ref().map(|log| log.id());
        let Some(runs) = id.and_then(|id| self.runs.get_mut(&id)) else {
            return;
        };
        let Ok(parsed) = Note::parse(note) else {
            return;
        };
        let Ok(checkpoint) = Checkpoint::parse(parsed.text) else {
            return;
        };
        let size = checkpoint.size;
        let mut runs = runs.iter_mut();
        if let Some(run) = runs.find(|run| run.first < size && size <= run.end()) {
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
        let mut made = Made::default();
        for (_, runs) in std::mem::take(&mut self.runs) {
            let last = runs.len() - 1;
            for (place, mut run) in runs.into_iter().enumerate() {
                if place == last && run.notes.last().is_none_or(|(size, _)| *size < run.end()) {
                    let note = closing(&run.log, run.end(), run.frontier.root())?;
                    run.notes.push((run.end(), note));
                }
                made.close(run, &mut self.zstd);
            }
        }
        Ok(made)
    }
}

/// The run with which a log continues its sealed records.
fn begin_run(log: &Log) -> RunBuilder {
    let (prev_entry, frontier) = log.read().sealed.clone();
    RunBuilder::new(log.origin().to_owned(), log.id(), prev_entry, frontier)
}
