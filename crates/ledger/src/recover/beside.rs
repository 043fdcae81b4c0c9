//! Re-hashes the records of the tail on threads of their own, beside the walk over its batches.
//!
//! The walk needs batches in their order; that a record gives its entry can be found out in any. What the walk learned counts only
//! once this is over and found nothing.

use super::{RecoverError, damaged};
use crate::books::Log;
use crate::format::batch::BatchView;
use crate::format::frame::FrameScratch;
use crate::limits::{REHASH_THREADS_MAX, SPARE_BUFFER_BYTES_MAX};
use crate::scan;
use indelible_proof::hash::Hash;
use indelible_store::Slot;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// A batch that the walk found in order.
pub(super) struct Walked {
    pub(super) slot: Slot,
    /// For each of its parts the log, and the entry before the part's first.
    pub(super) logs: Vec<(Arc<Log>, Hash)>,
}

/// The threads, as many as can run at once.
pub(super) struct Beside {
    batches: SyncSender<Walked>,
    threads: Vec<JoinHandle<Result<(), Wrong>>>,
    buffers: Arc<Buffers>,
}

/// Bytes of batches that are done with, for the next to be read: new pages for each would cost as much as to read it.
#[derive(Default)]
pub(super) struct Buffers {
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        self.spare().pop()
    }

    /// There are never more than batches under way. One that a large event has stretched is given back.
    pub(super) fn keep(&self, bytes: Vec<u8>) {
        if bytes.capacity() <= SPARE_BUFFER_BYTES_MAX {
            self.spare().push(bytes);
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare
            .lock()
            .expect("no thread panics while it holds the buffers")
    }
}

/// A batch that does not give its entries.
struct Wrong {
    number: u64,
    error: RecoverError,
}

impl Beside {
    pub(super) fn start() -> Beside {
        let count = std::thread::available_parallelism().map_or(1, NonZero::get);
        let count = count.min(REHASH_THREADS_MAX);
        let (batches, waiting) = sync_channel(count);
        let waiting = Arc::new(Mutex::new(waiting));
        let buffers = Arc::<Buffers>::default();
        let threads = (0..count)
            .map(|_| {
                let (waiting, buffers) = (Arc::clone(&waiting), Arc::clone(&buffers));
                std::thread::spawn(move || rehash_all(&waiting, &buffers))
            })
            .collect();
        Beside {
            batches,
            threads,
            buffers,
        }
    }

    pub(super) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// `false`: nobody takes it, since batches before it are wrong.
    pub(super) fn take(&self, walked: Walked) -> bool {
        self.batches.send(walked).is_ok()
    }

    /// Waits until all are re-hashed. Gives the first that is wrong.
    pub(super) fn end(self) -> Result<(), RecoverError> {
        drop(self.batches);
        let ends = self.threads.into_iter().map(JoinHandle::join);
        let wrong = ends.filter_map(|end| end.expect("no thread panics while it re-hashes").err());
        match wrong.min_by_key(|wrong| wrong.number) {
            Some(wrong) => Err(wrong.error),
            None => Ok(()),
        }
    }
}

fn rehash_all(batches: &Mutex<Receiver<Walked>>, buffers: &Buffers) -> Result<(), Wrong> {
    let mut scratch = FrameScratch::default();
    loop {
        let next = batches
            .lock()
            .expect("no thread panics while it waits for a batch")
            .recv();
        let Ok(walked) = next else { return Ok(()) };
        rehash(&walked, &mut scratch).map_err(|what| {
            let Slot { number, place, .. } = &walked.slot;
            let what = format!("batch {number}: {what}");
            let error = damaged(&place.file, place.offset, &what);
            Wrong {
                number: *number,
                error,
            }
        })?;
        buffers.keep(walked.slot.bytes);
    }
}

fn rehash(walked: &Walked, scratch: &mut FrameScratch) -> Result<(), String> {
    let batch = BatchView::parse(&walked.slot.bytes).map_err(|error| error.to_string())?;
    for (part, (log, prev)) in batch.parts().zip(&walked.logs) {
        scan::rehash(log.head_start(), &part, *prev, scratch)?;
    }
    Ok(())
}
