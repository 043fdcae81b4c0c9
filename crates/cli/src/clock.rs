//! The machine's two clocks, as the ledger asks for them.

use indelible_ledger::clock::Clock;
use indelible_proof::time::Time;
use rustix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, and the clock since boot that counts sleep too.
pub struct SystemClock;

/// On Linux CLOCK_BOOTTIME. Elsewhere the monotonic clock, which may stand still while the machine sleeps: the rule then takes the
/// time after a sleep for a leap and says so.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

impl Clock for SystemClock {
    fn wall(&self) -> Option<Time> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Time::new(since_1970.as_secs(), since_1970.subsec_nanos())
    }

    fn boot_nanos(&self) -> u64 {
        let since_boot = clock_gettime(SINCE_BOOT);
        let (secs, nanos) = (
            u64::try_from(since_boot.tv_sec),
            u64::try_from(since_boot.tv_nsec),
        );
        secs.unwrap_or(0)
            .saturating_mul(1_000_000_000)
            .saturating_add(nanos.unwrap_or(0))
    }
}
