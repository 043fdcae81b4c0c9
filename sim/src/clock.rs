//! The simulated clocks: a wall clock that somebody sets, and a boot clock that begins again at a power loss.
//!
//! Both move a microsecond with each look, and otherwise only when the history says so.

use indelible_ledger::clock::Clock;
use indelible_proof::time::Time;
use std::sync::{Mutex, MutexGuard};

const SECOND: u64 = 1_000_000_000;
const LOOK: u64 = 1_000;

struct Hands {
    /// Nanoseconds since 1970 on a wall clock that nobody ever set.
    now: u64,
    /// Seconds by which the wall clock was set ahead, or back.
    off: i64,
    booted: u64,
}

pub struct SimClock(Mutex<Hands>);

impl SimClock {
    pub fn at(secs: u64) -> SimClock {
        let now = secs * SECOND;
        SimClock(Mutex::new(Hands {
            now,
            off: 0,
            booted: now.saturating_sub(60 * SECOND),
        }))
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0
            .lock()
            .expect("no thread panics while it holds the clock")
    }

    pub fn pass(&self, nanos: u64) {
        self.hands().now += nanos;
    }

    /// Somebody sets the wall clock.
    pub fn set(&self, by: i64) {
        self.hands().off += by;
    }

    /// How far the wall clock is off.
    pub fn off(&self) -> i64 {
        self.hands().off
    }

    /// Seconds since 1970 on a wall clock that nobody ever set.
    pub fn true_secs(&self) -> u64 {
        self.hands().now / SECOND
    }

    pub fn reboot(&self) {
        let mut hands = self.hands();
        hands.now += 30 * SECOND;
        hands.booted = hands.now;
    }
}

impl Clock for SimClock {
    fn wall(&self) -> Option<Time> {
        let mut hands = self.hands();
        hands.now += LOOK;
        let secs = (hands.now / SECOND).checked_add_signed(hands.off)?;
        Time::new(secs, u32::try_from(hands.now % SECOND).ok()?)
    }

    fn boot_nanos(&self) -> u64 {
        let mut hands = self.hands();
        hands.now += LOOK;
        hands.now - hands.booted
    }
}
