//! Tells whoever waits for it that a log has more: records that became durable, or a newer signed note.
//!
//! A call, not a channel: what it wakes is the caller's matter, and nothing here knows of threads or tasks. Without anybody who waits a
//! commit pays one look at a flag for each log.

use super::{Log, Segment};
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What is called. It must be short, and must not ask the log for anything: it runs where commits do.
type Call = Box<dyn Fn() + Send + Sync>;

/// Who waits for more of one log.
#[derive(Default)]
pub(super) struct Growth {
    any: AtomicBool,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    next: u64,
    each: Vec<(u64, Call)>,
}

impl Growth {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls
            .lock()
            .expect("no call that tells of growth panics")
    }
}

impl fmt::Debug for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Growth({})", self.lock().each.len())
    }
}

/// As long as it lives, somebody is told when a log has more.
pub struct Listening {
    log: Arc<Log>,
    number: u64,
}

impl Log {
    /// Calls back each time records of the log became durable or a newer note of it is known. What was there before the call is not
    /// told: look at the log after this, then wait.
    ///
    /// `call` runs on the thread that commits: it wakes somebody and returns.
    #[must_use]
    pub fn when_grown(self: &Arc<Log>, call: impl Fn() + Send + Sync + 'static) -> Listening {
        let mut calls = self.growth.lock();
        let number = calls.next;
        calls.next += 1;
        calls.each.push((number, Box::new(call)));
        self.growth.any.store(true, Ordering::Release);
        Listening {
            log: Arc::clone(self),
            number,
        }
    }

    /// Records of one batch are durable now.
    pub(crate) fn grow(
        &self,
        segment: Segment,
        entries: impl Iterator<Item = Hash>,
        frontier: Frontier,
        times: (Time, Time),
    ) {
        self.write().add_segment(segment, entries, frontier, times);
        self.tell_growth();
    }

    /// There is more. Called after the log's state was written and its lock given back: whoever looks at it then, or began to listen
    /// before it was written, misses nothing.
    pub(crate) fn tell_growth(&self) {
        if self.growth.any.load(Ordering::Acquire) {
            self.growth.lock().each.iter().for_each(|(_, call)| call());
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut calls = self.log.growth.lock();
        calls.each.retain(|(number, _)| *number != self.number);
        self.log
            .growth
            .any
            .store(!calls.each.is_empty(), Ordering::Release);
    }
}
