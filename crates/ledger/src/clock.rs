//! The clock rule: what time a record gets when the wall clock can't be trusted.
//!
//! Owns the decision, not the clocks: both readings come in through [`Clock`]. Promises that time never goes back, that a wall
//! clock which runs away is not followed, and that either trouble is reported once per episode (`docs/spec/record.md`, *Clock*).

use crate::limits::START_JUMP_DAYS;
use indelible_proof::time::Time;

const SECOND: u128 = 1_000_000_000;
/// Leeway of the wall clock before the last record that is not called *set back*: a large batch takes up to 65,536 ns of its own.
const BACK_LEEWAY: u128 = SECOND / 10;
/// Leeway ahead of the boot clock: one second for leap seconds and steps of NTP, and the drift of a poor quartz.
const AHEAD_LEEWAY: u128 = SECOND;
const DRIFT_PPM: u128 = 500;

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock. `None` if it shows a year outside 2000–9999.
    fn wall(&self) -> Option<Time>;
    /// Nanoseconds since the machine started, sleep included; never goes back, nobody sets it.
    fn boot_nanos(&self) -> u64;
}

/// What the rule found wrong; each becomes a `clock` record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The wall clock ran ahead of the boot clock; time goes on by the boot clock.
    Ahead {
        /// What the wall clock shows.
        wall: Time,
        /// What the boot clock says.
        by_boot: Time,
    },
    /// The wall clock stands before the last record; time creeps.
    Back {
        /// What the wall clock shows.
        wall: Time,
        /// The newest time given out.
        last: Time,
    },
}

/// One decision: the time to use, and the trouble that began with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Not before the last reading's.
    pub time: Time,
    /// Set on the first reading of an episode.
    pub alarm: Option<Alarm>,
}

/// The wall clock jumped too far while the node was off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the wall clock is more than {START_JUMP_DAYS} days past the last record; wall {wall}, last record {last}"
)]
pub struct StartJump {
    /// What the wall clock shows.
    pub wall: Time,
    /// Time of the newest record.
    pub last: Time,
}

/// The rule's memory. Owned by the sequencer.
#[derive(Debug)]
pub struct ClockRule {
    /// The newest time given out.
    last: Time,
    /// A moment at which time was believed, and the boot clock at it. `None` until the first reading after a start.
    anchor: Option<(Time, u64)>,
    ahead: bool,
    back: bool,
}

impl ClockRule {
    /// A rule that continues after `last`, the newest time in the store (or the year 2000 for a new one).
    #[must_use]
    pub fn after(last: Time) -> ClockRule {
        ClockRule {
            last,
            anchor: None,
            ahead: false,
            back: false,
        }
    }

    /// Refuses a start at which the wall clock stands far past the last record.
    ///
    /// # Errors
    /// [`StartJump`] when more than 30 days lie between.
    pub fn check_start(last: Time, wall: Time) -> Result<(), StartJump> {
        match wall.nanos_since(&last) {
            Some(jump) if jump > u128::from(START_JUMP_DAYS) * 86_400 * SECOND => {
                Err(StartJump { wall, last })
            }
            _ => Ok(()),
        }
    }

    /// Decides the time of the next batch.
    pub fn read(&mut self, clock: &dyn Clock) -> Reading {
        let boot = clock.boot_nanos();
        let wall = clock.wall().unwrap_or(self.last);
        let (believed, ahead) = self.believe(wall, boot);
        self.anchor = Some((believed, boot));
        let set_back = self
            .last
            .nanos_since(&wall)
            .is_some_and(|lag| lag > BACK_LEEWAY);
        let alarm = if ahead && !self.ahead {
            Some(Alarm::Ahead {
                wall,
                by_boot: believed,
            })
        } else if set_back && !self.back && !ahead {
            Some(Alarm::Back {
                wall,
                last: self.last,
            })
        } else {
            None
        };
        (self.ahead, self.back) = (ahead, set_back);
        self.last = self.last.max(believed);
        Reading {
            time: self.last,
            alarm,
        }
    }

    /// The wall clock if it is not too far ahead of the boot clock, else the boot clock's word; and whether it was.
    fn believe(&self, wall: Time, boot: u64) -> (Time, bool) {
        let Some((anchor, anchor_boot)) = self.anchor else {
            return (wall, false);
        };
        let elapsed = u128::from(boot.saturating_sub(anchor_boot));
        let allowed = elapsed + elapsed * DRIFT_PPM / 1_000_000 + AHEAD_LEEWAY;
        match wall.nanos_since(&anchor) {
            Some(advance) if advance > allowed => {
                (anchor.plus_nanos(elapsed).unwrap_or(anchor), true)
            }
            _ => (wall, false),
        }
    }

    /// Records that a record took `time`, which lies at or after the last reading.
    pub fn used(&mut self, time: Time) {
        self.last = self.last.max(time);
    }

    /// What the last reading found could not be recorded: the next one says it again.
    pub fn unsaid(&mut self) {
        (self.ahead, self.back) = (false, false);
    }

    /// The newest time given out.
    #[must_use]
    pub fn last(&self) -> Time {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Hands(Mutex<(Time, u64)>);

    impl Clock for Hands {
        fn wall(&self) -> Option<Time> {
            Some(self.0.lock().unwrap().0)
        }
        fn boot_nanos(&self) -> u64 {
            self.0.lock().unwrap().1
        }
    }

    fn at(seconds: u64) -> Time {
        Time::new(1_790_000_000 + seconds, 0).unwrap()
    }

    fn run(steps: &[(u64, u64)]) -> Vec<(Time, bool)> {
        let hands = Hands(Mutex::new((at(0), 0)));
        let mut rule = ClockRule::after(at(0));
        let mut read = |wall: u64, boot: u64| {
            *hands.0.lock().unwrap() = (at(wall), boot * 1_000_000_000);
            let reading = rule.read(&hands);
            (reading.time, reading.alarm.is_some())
        };
        steps.iter().map(|&(wall, boot)| read(wall, boot)).collect()
    }

    #[test]
    fn a_wall_clock_that_agrees_with_the_boot_clock_is_followed() {
        assert_eq!(
            run(&[(10, 0), (20, 10), (21, 11)]),
            [(at(10), false), (at(20), false), (at(21), false)]
        );
    }

    #[test]
    fn a_leap_ahead_is_not_followed_and_alarms_once() {
        let year = 31_536_000;
        assert_eq!(
            run(&[(10, 0), (10 + year, 5), (11 + year, 6), (17, 7)]),
            [
                (at(10), false),
                (at(15), true),
                (at(16), false),
                (at(17), false)
            ]
        );
    }

    #[test]
    fn a_clock_set_back_creeps_and_alarms_once() {
        assert_eq!(
            run(&[(100, 0), (50, 1), (51, 2), (101, 52)]),
            [
                (at(100), false),
                (at(100), true),
                (at(100), false),
                (at(101), false)
            ]
        );
    }

    #[test]
    fn a_month_off_is_accepted_and_a_longer_jump_is_not() {
        assert!(ClockRule::check_start(at(0), at(30 * 86_400)).is_ok());
        assert!(ClockRule::check_start(at(0), at(30 * 86_400 + 1)).is_err());
        assert!(ClockRule::check_start(at(50), at(0)).is_ok());
    }
}
