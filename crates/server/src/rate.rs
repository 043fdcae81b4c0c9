//! How many events a principal may send: a token bucket for each, where the operator sets a rate.
//!
//! A bucket holds one second's worth, so that a burst is fine and a flood is not. A principal that sends nothing for a second is
//! forgotten; memory is bounded by those who send.

use crate::limits::{PRINCIPALS_MAX, RETRY_AFTER_SECONDS};
use indelible_api::{Code, Problem};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Buckets of all principals.
#[derive(Default)]
pub struct Rates {
    /// Events a second; none: as many as come.
    per_second: Option<u64>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    /// Events it may send now, in billionths.
    nanos: u128,
    at: Instant,
}

const NANOS: u128 = 1_000_000_000;

impl Rates {
    /// This many events a second for each principal.
    #[must_use]
    pub fn new(per_second: Option<u64>) -> Rates {
        Rates {
            per_second,
            buckets: Mutex::default(),
        }
    }

    /// Takes so many events at once from what a principal may send.
    ///
    /// # Errors
    /// It has sent too much; nothing is taken. A request of more events than a second's worth passes where the bucket is full.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn take(&self, principal: &str, events: usize, now: Instant) -> Result<(), Problem> {
        let Some(per_second) = self.per_second else {
            return Ok(());
        };
        let most = u128::from(per_second) * NANOS;
        let wanted = u128::try_from(events)
            .unwrap_or(u128::MAX)
            .saturating_mul(NANOS)
            .min(most);
        let mut buckets = self
            .buckets
            .lock()
            .expect("no thread panics while it counts events");
        if buckets.len() >= PRINCIPALS_MAX && !buckets.contains_key(principal) {
            buckets.retain(|_, bucket| {
                now.saturating_duration_since(bucket.at) < Duration::from_secs(1)
            });
        }
        let bucket = buckets.entry(principal.to_owned()).or_insert(Bucket {
            nanos: most,
            at: now,
        });
        let passed = now.saturating_duration_since(bucket.at).as_nanos();
        bucket.nanos = bucket
            .nanos
            .saturating_add(passed.saturating_mul(u128::from(per_second)))
            .min(most);
        bucket.at = now;
        match bucket.nanos.checked_sub(wanted) {
            Some(left) => {
                bucket.nanos = left;
                Ok(())
            }
            None => {
                let what =
                    format!("not recorded: {principal} may send {per_second} events a second");
                Err(Problem::new(Code::RateLimited, what).after(RETRY_AFTER_SECONDS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_brings_a_second_s_worth_and_no_more() {
        let rates = Rates::new(Some(100));
        let start = Instant::now();
        let sent = |at: Duration, events| rates.take("a", events, start + at).is_ok();
        assert!(sent(Duration::ZERO, 60));
        assert!(sent(Duration::ZERO, 40));
        assert!(!sent(Duration::ZERO, 1));
        assert!(
            rates.take("b", 100, start).is_ok(),
            "another principal has its own"
        );
        assert!(sent(Duration::from_millis(10), 1));
        assert!(!sent(Duration::from_millis(10), 1));
        assert!(sent(Duration::from_secs(60), 100));
        assert!(
            !sent(Duration::from_secs(60), 1),
            "nothing is saved up beyond a second"
        );
    }

    #[test]
    fn a_request_of_more_than_a_second_s_worth_passes_where_the_bucket_is_full() {
        let rates = Rates::new(Some(100));
        let start = Instant::now();
        assert!(rates.take("a", 5_000, start).is_ok());
        assert!(rates.take("a", 1, start).is_err());
    }

    #[test]
    fn without_a_rate_nobody_is_counted() {
        let rates = Rates::new(None);
        assert!(rates.take("a", usize::MAX, Instant::now()).is_ok());
        assert!(rates.buckets.lock().is_ok_and(|buckets| buckets.is_empty()));
    }

    #[test]
    fn principals_that_come_and_go_are_forgotten() {
        let rates = Rates::new(Some(10));
        let start = Instant::now();
        for n in 0..3 * PRINCIPALS_MAX {
            let at = start + Duration::from_millis(u64::try_from(n).unwrap_or(0));
            assert!(rates.take(&format!("p{n}"), 1, at).is_ok());
        }
        let count = rates
            .buckets
            .lock()
            .map(|buckets| buckets.len())
            .unwrap_or(usize::MAX);
        assert!(count <= PRINCIPALS_MAX + 1, "{count}");
    }
}
