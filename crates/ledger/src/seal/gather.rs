//! Reads a prefix of the tail's batches and sorts their records by log.

use super::SealError;
use super::run::{BadFrame, Brought, Press, RunBuilder};
use crate::batch_keys::BatchKeys;
use crate::books::{Books, Log};
use crate::format::batch::{BatchView, Part, signed_message};
use crate::format::frame::FrameView;
use crate::format::pack::{PackNote, REC_HEADER_BYTES, RunData};
use crate::limits::{RUN_RECORDS, SEAL_ALONE_LOGS, SEAL_PIECE_BYTES};
use crate::scan;
use crate::view::hashes;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::key::verify_ed25519;
use indelible_proof::note::Note;
use indelible_store::{Found, Slot};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Batches read for a pack.
pub(super) struct Gathered {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) last_digest: Hash,
    pub(super) slot_bytes: u64,
    /// By log id.
    logs: HashMap<Hash, OfLog>,
    /// Who signed which batch.
    batch_keys: BatchKeys,
    press: Press,
    habits: Habits,
}

/// What each log brought into the last pack it was in, by its index.
#[derive(Default)]
pub(super) struct Habits(Vec<Brought>);

impl Habits {
    fn of(&self, log: &Log) -> Brought {
        self.0.get(log.index()).copied().unwrap_or_default()
    }

    fn learn(&mut self, log: &Log, brought: Brought) {
        let index = log.index();
        if index >= self.0.len() {
            self.0.resize(index + 1, Brought::default());
        }
        self.0[index] = brought;
    }
}

/// What is gathered of one log.
struct OfLog {
    log: Arc<Log>,
    /// Finished and open runs; the last one is open.
    runs: Vec<RunBuilder>,
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
    pub(crate) fn close(&mut self, run: RunBuilder, press: &mut Press) {
        let (mut data, pieces) = run.finish(press);
        let at = u64::try_from(REC_HEADER_BYTES).expect("a header is short") + self.frames_len;
        data.move_by(at);
        self.frames_len += data.run.rec_len;
        self.runs.push(data);
        for piece in pieces {
            match self.frames.last_mut() {
                Some(last) if last.len() + piece.len() <= SEAL_PIECE_BYTES => last.extend(piece),
                _ => self.frames.push(piece),
            }
        }
    }

    /// These runs, and others behind them.
    fn followed_by(mut self, others: Made) -> Made {
        for mut data in others.runs {
            data.move_by(self.frames_len);
            self.runs.push(data);
        }
        self.frames.extend(others.frames);
        self.frames_len += others.frames_len;
        self
    }
}

/// Adds a frame's records to a log's open run, or to the next one where that is full.
pub(crate) fn feed(
    runs: &mut Vec<RunBuilder>,
    frame: &FrameView<'_>,
    entries: &mut impl Iterator<Item = Hash>,
    press: &mut Press,
) -> Result<(), BadFrame> {
    let mut open = runs.last_mut().expect("a log in the pack has an open run");
    if open.end() > open.first && open.end().is_multiple_of(RUN_RECORDS) {
        open.settle(press)?;
        let next = open.next();
        runs.push(next);
        open = runs.last_mut().expect("one was pushed");
    }
    let count = usize::try_from(frame.records()).expect("a frame has at most 256 records");
    open.add_frame(frame, entries.by_ref().take(count), press)
}

impl Gathered {
    /// Reads these batches until there are so many bytes of them, or all are in.
    pub(super) fn read(
        books: &Books,
        batch_keys: BatchKeys,
        batches: RangeInclusive<u64>,
        seal_bytes: u64,
        habits: Habits,
    ) -> Result<Gathered, SealError> {
        let from = *batches.start();
        let mut gathered = Gathered {
            first: from,
            last: from,
            last_digest: Hash::ZERO,
            slot_bytes: 0,
            logs: HashMap::new(),
            batch_keys,
            press: Press::new(),
            habits,
        };
        let mut slots = books.store().slots(from)?;
        for number in batches {
            let Found::Good(slot) = slots.next()? else {
                return Err(SealError::Missing(number));
            };
            gathered.add(books, &slot)?;
            if gathered.slot_bytes >= seal_bytes && gathered.can_end() {
                break;
            }
        }
        Ok(gathered)
    }

    fn add(&mut self, books: &Books, slot: &Slot) -> Result<(), SealError> {
        let damaged = |source| SealError::Damaged {
            number: slot.number,
            source,
        };
        let batch = BatchView::parse(&slot.bytes).map_err(damaged)?;
        self.check_signed(&batch, slot.number)?;
        for note in batch.notes() {
            self.add_note(books, note, batch.header.time.secs());
        }
        for part in batch.parts() {
            let OfLog { log, runs } = match self.logs.entry(part.row.log) {
                Entry::Occupied(of) => of.into_mut(),
                Entry::Vacant(place) => {
                    let log = books.log_by_id(&part.row.log);
                    let log = log.ok_or(SealError::NotAsCommitted(slot.number))?;
                    let mut run = begin_run(&log);
                    run.expect(self.habits.of(&log));
                    let runs = vec![run];
                    place.insert(OfLog { log, runs })
                }
            };
            if !is_held(log, &part) {
                return Err(SealError::NotAsCommitted(slot.number));
            }
            let mut entries = hashes(part.entries);
            for frame in part.frames() {
                let (_, frame) = frame.map_err(damaged)?;
                feed(runs, &frame, &mut entries, &mut self.press).map_err(|bad| bad.of(log))?;
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
    fn can_end(&self) -> bool {
        self.logs.values().all(|OfLog { log, runs }| {
            let hinge = log.read().last_hinge();
            runs.last().is_none_or(|run| run.end() >= hinge)
        })
    }

    /// What is read back must be what was committed: a pack's closing notes are signed over it, and the tail below it goes.
    fn check_signed(&self, batch: &BatchView<'_>, number: u64) -> Result<(), SealError> {
        let header = &batch.header;
        let linked =
            header.number == number && (number == self.first || header.prev == self.last_digest);
        let message = signed_message(batch.header_bytes);
        let key = self.batch_keys.of(number);
        let signed = key.is_some_and(|key| verify_ed25519(&key, &message, batch.signature));
        match linked && signed {
            true => Ok(()),
            false => Err(SealError::NotAsCommitted(number)),
        }
    }

    /// A published note goes to the run that holds its size.
    fn add_note(&mut self, books: &Books, note: &[u8], seconds: u64) {
        let log = scan::note_log(books, note);
        let id = log.as_ref().map(|log| log.id());
        let Some(OfLog { runs, .. }) = id.and_then(|id| self.logs.get_mut(&id)) else {
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

    /// What the next pack may expect of its logs.
    pub(super) fn habits(&mut self) -> Habits {
        let mut habits = std::mem::take(&mut self.habits);
        for OfLog { log, runs } in self.logs.values() {
            let open = runs.last().expect("a log in the pack has an open run");
            habits.learn(log, open.brought());
        }
        habits
    }

    /// Closes all runs; each log's last one gets the note of exactly its end. Of many logs a second thread takes half.
    pub(super) fn finish(
        mut self,
        closing: impl Fn(&Log, u64, Hash) -> Result<PackNote, SealError> + Sync,
    ) -> Result<Made, SealError> {
        let mut logs: Vec<(Hash, OfLog)> = std::mem::take(&mut self.logs).into_iter().collect();
        logs.sort_unstable_by_key(|(id, _)| *id);
        if logs.len() < SEAL_ALONE_LOGS {
            return close_all(logs, self.press, &closing);
        }
        let others = logs.split_off(logs.len() / 2);
        std::thread::scope(|scope| {
            let others = scope.spawn(|| close_all(others, Press::new(), &closing));
            let made = close_all(logs, self.press, &closing);
            let others = others.join().expect("closing a run does not panic");
            Ok(made?.followed_by(others?))
        })
    }
}

fn close_all(
    logs: Vec<(Hash, OfLog)>,
    mut press: Press,
    closing: &impl Fn(&Log, u64, Hash) -> Result<PackNote, SealError>,
) -> Result<Made, SealError> {
    let mut made = Made::default();
    for (_, OfLog { log, runs }) in logs {
        let last = runs.len() - 1;
        for (place, mut run) in runs.into_iter().enumerate() {
            run.settle(&mut press).map_err(|bad| bad.of(&log))?;
            if place == last && run.notes.last().is_none_or(|(size, _)| *size < run.end()) {
                let root = run.root();
                let note = closing(&log, run.end(), root)?;
                run.notes.push((run.end(), note));
            }
            made.close(run, &mut press);
        }
    }
    Ok(made)
}

/// The run with which a log continues its sealed records.
fn begin_run(log: &Log) -> RunBuilder {
    let (prev_entry, frontier) = log.read().sealed.clone();
    RunBuilder::new(log.origin().to_owned(), log.id(), prev_entry, frontier)
}

/// Are a row's entries the ones that this process committed?
fn is_held(log: &Log, part: &Part<'_>) -> bool {
    let state = log.read();
    let ours = state.unsealed.range(part.row.first, part.row.count);
    ours.is_some_and(|ours| ours.eq(hashes(part.entries)))
}

impl BadFrame {
    /// Which batch holds it.
    fn of(self, log: &Log) -> SealError {
        match log.read().segment_of(self.seq) {
            Some(segment) => SealError::Damaged {
                number: segment.slot,
                source: self.error,
            },
            None => SealError::ReadBack(self.error.to_string()),
        }
    }
}
