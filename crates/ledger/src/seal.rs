//! Sealing: a prefix of the tail's batches becomes a pack, off the commit path.
//!
//! Order, each step durable before the next: the pair of files is written and renamed into place · read back from disk and
//! re-hashed · named in `_node` · known to the books · the tail below it released. A crash between any two leaves either the tail or
//! both. Runs of busy logs are cut where 65,536 records are full; quiet logs share the pack. See `docs/spec/pack.md`.

mod gather;
mod run;

use crate::books::{Books, Log, PackPlace};
use crate::commit::Committer;
use crate::format::FormatError;
use crate::format::pack::{EntView, PackNote, REC_HEADER_BYTES, RecHeader, encode_ent, pack_names};
use crate::limits::{BURST_PACKS, SEAL_AT_STOP_MAX, SEAL_RETRY};
use crate::queue::Refusal;
use crate::recover;
use crate::verify;
use gather::{Gathered, Habits};
pub(crate) use gather::{Made, feed};
use indelible_proof::hash::Hash;
use indelible_proof::node_event::NodeEvent;
use indelible_store::{Put, Store, StoreError, with_causes};
pub(crate) use run::{BadFrame, Press, RunBuilder};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// Why a sealing stopped. The tail is untouched.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch of the tail is damaged; `verify` says more.
    #[error("batch {number} is damaged: {source}")]
    Damaged {
        /// The batch.
        number: u64,
        /// What is wrong with it.
        source: FormatError,
    },
    /// A batch of the tail was changed since it was committed; `verify` says more.
    #[error("batch {0} of the tail is no longer what was committed")]
    NotAsCommitted(u64),
    /// The tail ends before the last durable batch.
    #[error("batch {0} can't be read back from the tail")]
    Missing(u64),
    /// What was written does not read back as it was meant.
    #[error("the pack read back differs from what was written: {0}")]
    ReadBack(String),
    /// There is another object of that name.
    #[error("{0} exists already with other contents")]
    NameTaken(String),
    /// The node has stopped, or the record that names the pack could not be made durable.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What a sealing made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Name of the `.ent` file.
    pub name: String,
    /// Batches in it.
    pub batches: std::ops::RangeInclusive<u64>,
    /// Records in it.
    pub records: u64,
    /// Bytes of both files.
    pub bytes: u64,
}

/// A pair of files before it is written.
pub(crate) struct Laid {
    pub(crate) batches: (u64, u64),
    pub(crate) ent_name: String,
    rec_name: String,
    pub(crate) ent: Vec<u8>,
    rec_header: [u8; REC_HEADER_BYTES],
    frames: Vec<Vec<u8>>,
    /// Digest of the pack.
    pub(crate) digest: Hash,
    pub(crate) records: u64,
    /// Of both files.
    pub(crate) bytes: u64,
}

impl Laid {
    /// Lays out a pack.
    pub(crate) fn out(
        store: &dyn Store,
        (first, last): (u64, u64),
        last_digest: &Hash,
        made: Made,
    ) -> Laid {
        let store_id = store.describe().store_id;
        let (ent, digest) = encode_ent(&store_id, first, last, last_digest, &made.runs);
        let rec_len: usize = REC_HEADER_BYTES + made.frames.iter().map(Vec::len).sum::<usize>();
        let rec_len = u64::try_from(rec_len).expect("a pack fits memory");
        let rec_header = RecHeader {
            store: store_id,
            first,
            last,
            ent: digest,
            length: rec_len,
        };
        let (ent_name, rec_name) = pack_names(first, last);
        Laid {
            batches: (first, last),
            ent_name,
            rec_name,
            rec_header: rec_header.encode(),
            digest,
            records: made.runs.iter().map(|run| u64::from(run.run.count)).sum(),
            bytes: u64::try_from(ent.len()).expect("a pack fits memory") + rec_len,
            ent,
            frames: made.frames,
        }
    }
}

/// How long the tail is when sealing begins.
#[derive(Clone, Copy)]
struct Due {
    /// Bytes that make a pack.
    pack: u64,
    /// In a burst sealing stands back while the tail is shorter than this.
    burst: u64,
}

impl Due {
    /// `tail_bytes_max`: where commits would wait.
    fn of(seal_bytes: u64, tail_bytes_max: u64) -> Due {
        let packs = seal_bytes.saturating_mul(BURST_PACKS);
        Due {
            pack: seal_bytes,
            burst: packs.min(tail_bytes_max / 2).max(seal_bytes),
        }
    }

    fn is_reached(self, tail_bytes: u64, in_burst: bool) -> bool {
        tail_bytes >= if in_burst { self.burst } else { self.pack }
    }
}

/// Seals, one pack at a time.
pub(crate) struct Sealer {
    committer: Arc<Committer>,
    due: Due,
    in_burst: AtomicBool,
    /// Last batch that is in a pack.
    last_sealed: Mutex<Option<u64>>,
    /// What the logs brought into the packs before. Not known after trouble: it changes how fast a pack is made, and nothing else.
    habits: Mutex<Habits>,
    call: Mutex<Call>,
    called: Condvar,
}

#[derive(Default)]
struct Call {
    wanted: bool,
    stop: bool,
}

impl Sealer {
    pub(crate) fn new(
        committer: Arc<Committer>,
        last_sealed: Option<u64>,
        seal_bytes: u64,
    ) -> Sealer {
        Sealer {
            due: Due::of(seal_bytes, committer.tail_bytes_max()),
            committer,
            in_burst: AtomicBool::new(false),
            last_sealed: Mutex::new(last_sealed),
            habits: Mutex::default(),
            call: Mutex::default(),
            called: Condvar::new(),
        }
    }

    /// Wakes the background thread if the tail is long enough for a pack, as things are now.
    pub(crate) fn wake_if_due(&self, in_burst: bool) {
        self.in_burst.store(in_burst, Ordering::Relaxed);
        if self.is_due() {
            self.call().wanted = true;
            self.called.notify_all();
        }
    }

    fn is_due(&self) -> bool {
        let in_burst = self.in_burst.load(Ordering::Relaxed);
        self.due.is_reached(self.committer.tail_bytes(), in_burst)
    }

    pub(crate) fn stop(&self) {
        self.call().stop = true;
        self.called.notify_all();
    }

    fn call(&self) -> MutexGuard<'_, Call> {
        self.call
            .lock()
            .expect("no thread panics while it holds the call")
    }

    /// The background thread: seals while the tail is long.
    pub(crate) fn run(&self) {
        loop {
            let mut call = self.call();
            while !call.wanted && !call.stop {
                call = self
                    .called
                    .wait(call)
                    .expect("no thread panics while it holds the call");
            }
            call.wanted = false;
            drop(call);
            while self.is_due() && !self.call().stop {
                match self.seal_next() {
                    Ok(Some(_)) => *self.committer.sealing_trouble() = None,
                    Ok(None) => break,
                    // Nothing was lost: the tail holds it. At its cap callers are told, until a sealing comes through again.
                    Err(error) => {
                        *self.committer.sealing_trouble() = Some(with_causes(&error));
                        self.pause();
                    }
                }
                if self.committer.check_running().is_err() {
                    return;
                }
            }
            if self.call().stop {
                return;
            }
        }
    }

    /// Seals while the tail is long, for so long as a stop may take. Trouble leaves it as it is.
    pub(crate) fn catch_up(&self) {
        let began = Instant::now();
        while self.due.is_reached(self.committer.tail_bytes(), false)
            && began.elapsed() < SEAL_AT_STOP_MAX
            && matches!(self.seal_next(), Ok(Some(_)))
        {}
    }

    /// After trouble: no commit may come that would call again, once the tail is full.
    fn pause(&self) {
        let paused = self
            .called
            .wait_timeout_while(self.call(), SEAL_RETRY, |call| !call.stop);
        drop(paused.expect("no thread panics while it holds the call"));
    }

    /// Seals everything that is durable now.
    pub(crate) fn seal_all(&self) -> Result<Vec<Sealed>, SealError> {
        let upto = self.committer.last_batch().number;
        let mut sealed = Vec::new();
        while self.next_batch() <= upto {
            match self.seal_next()? {
                Some(pack) => sealed.push(pack),
                None => break,
            }
        }
        Ok(sealed)
    }

    /// No pack is made while this is held.
    pub(crate) fn hold(&self) -> MutexGuard<'_, Option<u64>> {
        self.last_sealed
            .lock()
            .expect("no thread panics while it seals")
    }

    fn habits(&self) -> MutexGuard<'_, Habits> {
        self.habits
            .lock()
            .expect("no thread panics while it gathers")
    }

    fn next_batch(&self) -> u64 {
        self.last_sealed
            .lock()
            .expect("no thread panics while it seals")
            .map_or(0, |last| last + 1)
    }

    /// Seals the next prefix of the tail.
    fn seal_next(&self) -> Result<Option<Sealed>, SealError> {
        let mut last_sealed = self
            .last_sealed
            .lock()
            .expect("no thread panics while it seals");
        let from = last_sealed.map_or(0, |last| last + 1);
        let upto = self.committer.last_batch().number;
        if from > upto {
            return Ok(None);
        }
        let books = &*self.committer.books;
        let keys = self.committer.batch_keys().clone();
        let mut habits = self.habits();
        let known = std::mem::take(&mut *habits);
        let mut gathered = Gathered::read(books, keys, from..=upto, self.due.pack, known)?;
        *habits = gathered.habits();
        drop(habits);
        let tail_bytes = gathered.slot_bytes;
        let (first, last, last_digest) = (gathered.first, gathered.last, gathered.last_digest);
        let closing = |log: &Log, size, root| self.closing_note(log, size, root);
        let made = gathered.finish(closing)?;
        let store = books.store();
        let laid = Laid::out(store, (first, last), &last_digest, made);
        self.put_pair(&laid)?;
        // Its frames are on disk; reading it back takes as much memory again.
        let Laid {
            ent_name,
            rec_name,
            ent,
            digest,
            records,
            bytes,
            frames,
            ..
        } = laid;
        drop(frames);
        if let Err(what) = verify::read_back(store, (first, last), digest) {
            // Left there, it would be taken for a pack at the next start, or stand in the way of a longer one.
            store.quarantine_object(&ent_name)?;
            store.quarantine_object(&rec_name)?;
            return Err(SealError::ReadBack(what));
        }
        // The pack stands in `_node` before anything below it is released.
        self.record(&NodeEvent::Pack {
            first,
            last,
            ent: digest,
        })?;
        let view = EntView::parse(&ent, false).map_err(|source| SealError::Damaged {
            number: first,
            source,
        })?;
        self.know(&view, bytes)?;
        drop(view);
        *last_sealed = Some(last);
        store.release(last + 1)?;
        self.committer.batch_keys().release(last + 1);
        self.committer.tail_shrank(tail_bytes);
        self.committer.resend.sealed.merge();
        Ok(Some(Sealed {
            name: ent_name,
            batches: first..=last,
            records,
            bytes,
        }))
    }

    /// The note of a log's end in a pack.
    fn closing_note(&self, log: &Log, size: u64, root: Hash) -> Result<PackNote, SealError> {
        let books = &self.committer.books;
        let hinge = log.read().hinge(size).cloned();
        let text = match &hinge {
            Some(hinge) => books
                .hinge_note(log, hinge)
                .map_err(|error| SealError::ReadBack(error.to_string()))?,
            None => self.committer.sign_at(log, size, root),
        };
        Ok(PackNote {
            hinge: hinge.is_some(),
            text: text.into_bytes(),
        })
    }

    /// The books, and whoever finds what is sent twice, know the pack from here on.
    fn know(&self, view: &EntView<'_>, bytes: u64) -> Result<(), SealError> {
        let pack = PackPlace::new(&view.header, bytes);
        take_in(&self.committer.books, Arc::new(pack), view).map_err(SealError::ReadBack)?;
        self.committer.resend.seal(view);
        Ok(())
    }

    /// `.rec` first: alone it is no pack. A disk that has no room for both has neither.
    pub(crate) fn put_pair(&self, laid: &Laid) -> Result<(), SealError> {
        let mut parts: Vec<&[u8]> = vec![&laid.rec_header];
        parts.extend(laid.frames.iter().map(Vec::as_slice));
        let names = [laid.rec_name.as_str(), laid.ent_name.as_str()];
        let pair = [(names[0], parts.as_slice()), (names[1], &[&laid.ent])];
        self.committer.check_running()?;
        let put = self.committer.books.store().put_pair(pair)?;
        match names
            .into_iter()
            .zip(put)
            .find(|(_, put)| *put == Put::Differs)
        {
            Some((name, _)) => Err(SealError::NameTaken(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Makes a record of `_node` durable.
    pub(crate) fn record(&self, event: &NodeEvent<'_>) -> Result<(), SealError> {
        self.committer.say(event)?;
        Ok(())
    }
}

/// Tells the books of a pack whose records they know from the tail.
fn take_in(books: &Books, pack: Arc<PackPlace>, ent: &EntView<'_>) -> Result<(), String> {
    books.packs().push(Arc::clone(&pack));
    for ((run, place), (_, view)) in recover::places(&pack, ent).zip(ent.parts()) {
        let log = books.log_by_id(&run.log).ok_or("a run of an unknown log")?;
        let mut state = log.write();
        if state.tail_first != run.first {
            return Err(format!(
                "run {} of {} does not continue the sealed records",
                run.first,
                log.name()
            ));
        }
        state.seal_run(place, run);
        for note in view.notes.iter().filter(|note| note.hinge) {
            state
                .seal_hinge(&pack, note)
                .ok_or("a hinge that is no checkpoint")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_burst_sealing_waits_for_eight_packs_or_half_the_room_and_else_for_one() {
        for (seal, max, pack, burst) in [
            (64, 1_024, 64, 512),
            (64, 512, 64, 256),
            (64, 100, 64, 64),
            (64, u64::MAX, 64, 512),
            (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
        ] {
            let due = Due::of(seal, max);
            for (least, in_burst) in [(pack, false), (burst, true)] {
                assert!(due.is_reached(least, in_burst), "{seal} of {max}");
                assert!(!due.is_reached(least - 1, in_burst), "{seal} of {max}");
            }
        }
    }
}
