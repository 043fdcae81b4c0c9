//! What goes on beside the commit path: marks after silence, the register, sealing when the tail is long, or longer in a burst.
//!
//! Two threads that sleep while nothing is committed. Nothing here is on the way of an event to its receipt. What one moment asks for
//! is a plain call, [`Committer::look_after`]; the thread decides when, and so does whoever holds a ledger without threads.

use crate::commit::Committer;
use crate::limits::{BURST_BYTES_A_SECOND, MARK_AFTER, REGISTER_EVERY, ROOM_RETRY};
use crate::seal::Sealer;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The beat of commits, by which the keeper knows silence.
#[derive(Default)]
struct Beat {
    commits: u64,
    asleep: bool,
    stop: bool,
}

/// Wakes the keeper. Shared with the commit path.
#[derive(Default)]
pub(crate) struct Pulse {
    beat: Mutex<Beat>,
    felt: Condvar,
}

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, Beat> {
        self.beat
            .lock()
            .expect("no thread panics while it holds the pulse")
    }

    /// A batch became durable. Wakes the keeper only if it sleeps for good.
    pub(crate) fn beat(&self) {
        let mut beat = self.lock();
        beat.commits += 1;
        if beat.asleep {
            beat.asleep = false;
            self.felt.notify_all();
        }
    }

    /// Wakes the keeper to look again how long it may sleep.
    pub(crate) fn nudge(&self) {
        drop(self.lock());
        self.felt.notify_all();
    }

    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.felt.notify_all();
    }
}

/// Runs until the pulse is stopped.
pub(crate) fn keep(committer: &Committer, sealer: &Sealer, background_sealing: bool) {
    let mut registered_at = Instant::now();
    let mut arriving = Arriving::from(Instant::now());
    let mut seen = 0;
    loop {
        let mut beat = committer.pulse.lock();
        while !beat.stop && beat.commits == seen {
            beat.asleep = true;
            // Where the disk is full nobody may commit any more, and yet it must be seen when there is room again.
            let patience = match committer.is_short_of_room() {
                true => ROOM_RETRY,
                false => Duration::MAX,
            };
            let timed;
            (beat, timed) = committer
                .pulse
                .felt
                .wait_timeout(beat, patience)
                .expect("no thread panics while it holds the pulse");
            if timed.timed_out() {
                break;
            }
        }
        if beat.stop {
            return;
        }
        beat.asleep = false;
        seen = beat.commits;
        let (beat, _) = committer
            .pulse
            .felt
            .wait_timeout(beat, MARK_AFTER)
            .expect("no thread panics while it holds the pulse");
        let (silent, stop) = (beat.commits == seen, beat.stop);
        drop(beat);
        if stop {
            return;
        }
        let register_due = registered_at.elapsed() >= REGISTER_EVERY;
        let kept = committer.look_after(silent, register_due);
        if kept.stopped {
            return;
        }
        if silent || register_due {
            registered_at = Instant::now();
        }
        if kept.marked {
            seen += 1; // The mark's own beat; whatever else was committed meanwhile is still to be marked.
        }
        // Without a mark after silence none was possible (somebody is at work) or needed, and the next commit wakes us.
        if background_sealing {
            let burst = arriving.is_burst(committer.arrived(), Instant::now()) && !silent;
            sealer.wake_if_due(burst);
        }
    }
}

/// How fast batches come, from beat to beat.
struct Arriving {
    bytes: u64,
    at: Instant,
}

impl Arriving {
    fn from(at: Instant) -> Arriving {
        Arriving { bytes: 0, at }
    }

    /// Whether what came since the last look is a burst. `bytes`: of all batches so far.
    fn is_burst(&mut self, bytes: u64, now: Instant) -> bool {
        let before = std::mem::replace(self, Arriving { bytes, at: now });
        let came = u128::from(bytes - before.bytes) * 1_000;
        let elapsed = now.duration_since(before.at).as_millis().max(1);
        came >= u128::from(BURST_BYTES_A_SECOND) * elapsed
    }
}

/// What came of one look after the store.
pub(crate) struct Kept {
    /// A mark was written.
    pub(crate) marked: bool,
    /// Nothing more is written by this process.
    pub(crate) stopped: bool,
}

impl Committer {
    /// What is to do beside the commits at one moment: room ahead of need, the register, and after silence the mark.
    pub(crate) fn look_after(&self, silent: bool, register_due: bool) -> Kept {
        let stopped = Kept {
            marked: false,
            stopped: true,
        };
        // A store that only had no room would still take writes.
        if self.check_running().is_err() {
            return stopped;
        }
        // A commit that had to make a file would wait for all its zeros. What keeps it from being made now may be gone at the next beat;
        // a write that failed stopped the writer, which the next commit says.
        if self.prepare_next().is_err() && self.check_running().is_err() {
            return stopped;
        }
        if silent || register_due {
            self.register();
        }
        let marked = silent && self.mark_if_idle().is_ok_and(|written| written);
        if marked {
            self.register();
        }
        Kept {
            marked,
            stopped: false,
        }
    }
}

/// Starts a named thread.
pub(crate) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> std::thread::JoinHandle<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .expect("the system has room for five threads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_as_fast_as_a_burst_is_one_however_long_nobody_looked() {
        let begin = Instant::now();
        let mut arriving = Arriving::from(begin);
        let (mut bytes, mut at) = (0, begin);
        for millis in [50, 400, 50, 1] {
            at += Duration::from_millis(millis);
            bytes += BURST_BYTES_A_SECOND * millis / 1_000 + 1;
            assert!(arriving.is_burst(bytes, at), "after {millis} ms");
        }
        for millis in [50, 400, 50] {
            at += Duration::from_millis(millis);
            bytes += BURST_BYTES_A_SECOND * millis / 1_000 - 1;
            assert!(!arriving.is_burst(bytes, at), "after {millis} ms");
        }
        assert!(!arriving.is_burst(bytes, at));
    }
}
