//! The belt between the stages: chunks of input on their way to the ledger, in order, bounded in bytes.
//!
//! Owns three waits: the reader's for room, a worker's for the next chunk, a worker's for its turn to submit. One lock, taken a few
//! times for each chunk and never for each event.

use indelible_ledger::Refusal;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What may be on the way, in memory: enough for the ledger to fill its next batches while one syncs. Well below what the ledger's
/// own queue takes, so that it never refuses us.
const ON_THE_WAY_MAX: usize = 32 << 20;
/// Memory an event takes beside its own bytes while it is prepared: the head, the hash state, its place in lists.
const EVENT_COST: usize = 1 << 10;
/// Bad lines remembered by number and reason, and printed. More are only counted: nobody corrects them by hand.
const BAD_MAX: usize = 50;

/// Part of the input: whole lines.
pub struct Chunk {
    /// Its number, from 0.
    pub order: u64,
    /// Number of its first line, from 1.
    pub first_line: u64,
    /// Events of the input before it.
    pub first_event: u64,
    /// The lines, each with its LF but perhaps the last.
    pub lines: Lines,
    /// Its share of the belt, given back when the last of its events was answered.
    pub permit: Arc<Permit>,
}

/// What a chunk holds.
pub enum Lines {
    /// Lines, ended by LF.
    Several(Vec<u8>),
    /// All of the input, line ends included.
    One(Vec<u8>),
    /// A line longer than any event may be, which was passed over.
    TooLong,
}

impl Lines {
    /// Each line, without its end. None: it is too long to be looked at.
    pub fn each(&self) -> Option<Vec<&[u8]>> {
        match self {
            Lines::Several(bytes) => {
                let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                Some(lines.split(|byte| *byte == b'\n').collect())
            }
            Lines::One(bytes) => Some(vec![bytes]),
            Lines::TooLong => None,
        }
    }

    /// How many lines are no white space alone.
    pub fn events(&self) -> u64 {
        let lines = match self {
            Lines::Several(bytes) => bytes.strip_suffix(b"\n").unwrap_or(bytes),
            Lines::One(_) | Lines::TooLong => return 1,
        };
        let events = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !is_blank(line))
            .count();
        u64::try_from(events).unwrap_or(u64::MAX)
    }

    /// Memory it will take, about.
    fn cost(&self) -> usize {
        match self {
            Lines::Several(bytes) => {
                bytes.len()
                    + bytes
                        .iter()
                        .filter(|byte| **byte == b'\n')
                        .count()
                        .saturating_add(1)
                        * EVENT_COST
            }
            Lines::One(bytes) => bytes.len() + EVENT_COST,
            Lines::TooLong => 0,
        }
    }
}

/// White space alone: no event.
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// A line that was not recorded.
pub struct Bad {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub what: String,
}

/// Why the belt stopped.
pub enum Stop {
    /// A bad line, or several if we kept going; so many `more` than are remembered.
    Bad {
        /// Not remembered.
        more: u64,
    },
    /// The ledger took no more, from this line on.
    Refused {
        /// The first line refused.
        line: u64,
        /// Why.
        refusal: Refusal,
    },
    /// The input could not be read.
    Unreadable {
        /// The line that was being read.
        line: u64,
        /// What the system said.
        error: io::Error,
    },
    /// Receipts could not be written.
    NoReceipts,
}

/// See the module.
pub struct Belt {
    keep_going: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Chunk>,
    /// Order of the chunk whose worker may submit.
    turn: u64,
    on_the_way: usize,
    /// The reader is done.
    ended: bool,
    /// Where and why it was done before the input's end. What it read before is still recorded, so this stops nothing.
    failed: Option<(u64, io::Error)>,
    stop: Option<Stop>,
    bad: Vec<Bad>,
    more_bad: u64,
}

impl Belt {
    /// An empty belt; bad lines stop it unless we keep going.
    pub fn new(keep_going: bool) -> Belt {
        Belt {
            keep_going,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Whether bad lines are passed over.
    pub fn keeps_going(&self) -> bool {
        self.keep_going
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds the belt")
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .expect("no thread panics while it holds the belt")
    }

    /// The reader puts a chunk on, waiting for room. `false`: nobody takes it any more.
    pub fn put(
        self: &Arc<Belt>,
        order: u64,
        (first_line, first_event): (u64, u64),
        lines: Lines,
    ) -> bool {
        let cost = lines.cost();
        let mut state = self.lock();
        while state.stop.is_none()
            && state.on_the_way > 0
            && state.on_the_way + cost > ON_THE_WAY_MAX
        {
            state = self.wait(state);
        }
        if state.stop.is_some() {
            return false;
        }
        state.on_the_way += cost;
        let permit = Arc::new(Permit {
            belt: Arc::clone(self),
            cost,
        });
        state.chunks.push_back(Chunk {
            order,
            first_line,
            first_event,
            lines,
            permit,
        });
        drop(state);
        self.changed.notify_all();
        true
    }

    /// The reader is done; `failed` says where and why, if not by the input's end.
    pub fn end(&self, failed: Option<(u64, io::Error)>) {
        let mut state = self.lock();
        state.ended = true;
        state.failed = failed;
        drop(state);
        self.changed.notify_all();
    }

    /// A worker takes the next chunk. `None`: there are no more.
    pub fn take(&self) -> Option<Chunk> {
        let mut state = self.lock();
        loop {
            if state.stop.is_some() {
                return None;
            }
            if let Some(chunk) = state.chunks.pop_front() {
                return Some(chunk);
            }
            if state.ended {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Waits until all chunks before this one were submitted. `false`: the belt stopped, nothing more is submitted.
    pub fn turn(&self, order: u64) -> bool {
        let mut state = self.lock();
        while state.stop.is_none() && state.turn != order {
            state = self.wait(state);
        }
        state.stop.is_none()
    }

    /// Ends a worker's turn: what was bad in its chunk, in order. Without keeping going the first one stops the belt.
    pub fn pass(&self, bad: Vec<Bad>) {
        let mut state = self.lock();
        for bad in bad {
            if state.bad.len() < BAD_MAX {
                state.bad.push(bad)
            } else {
                state.more_bad += 1
            }
        }
        state.turn += 1;
        if !self.keep_going && !state.bad.is_empty() && state.stop.is_none() {
            state.stop = Some(Stop::Bad { more: 0 });
        }
        drop(state);
        self.changed.notify_all();
    }

    /// A line that was found bad after it was submitted.
    pub fn found(&self, bad: Bad) {
        let mut state = self.lock();
        match state.bad.len() < BAD_MAX {
            true => state.bad.push(bad),
            false => state.more_bad += 1,
        }
    }

    /// Stops everything, for the first reason given.
    pub fn stop(&self, why: Stop) {
        self.lock().stop.get_or_insert(why);
        self.changed.notify_all();
    }

    /// What was bad, and what ended the run early.
    pub fn outcome(&self) -> (Vec<Bad>, Option<Stop>) {
        let mut state = self.lock();
        let mut bad = std::mem::take(&mut state.bad);
        bad.sort_by_key(|bad| bad.line);
        let more = state.more_bad;
        let failed = state
            .failed
            .take()
            .map(|(line, error)| Stop::Unreadable { line, error });
        let kept_going = (!bad.is_empty()).then_some(Stop::Bad { more });
        let left = std::mem::take(&mut state.chunks);
        let stop = state.stop.take().or(failed).or(kept_going);
        drop(state);
        drop(left); // gives its shares back, for which it takes the lock
        (bad, stop)
    }
}

/// A share of the belt's bytes, given back when dropped.
pub struct Permit {
    belt: Arc<Belt>,
    cost: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.belt.lock().on_the_way -= self.cost;
        self.belt.changed.notify_all();
    }
}
