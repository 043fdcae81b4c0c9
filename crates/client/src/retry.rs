//! When something is tried again: only where it can't be recorded twice, later from try to try, and not for ever.

use crate::claim::Claim;
use crate::error::Error;
use crate::limits::{TRIES_MAX, WAIT_FIRST, WAIT_MAX};
use indelible_api::{Problem, Resend};
use std::fmt;
use std::time::{Duration, Instant};

/// Why a try brought no success.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The node refused.
    Refused(Box<Problem>),
    /// Nothing that could be understood came back.
    Broken {
        /// What was in the way.
        why: String,
        /// Whether the node may have taken the request.
        sent: bool,
        /// It will be in the way the next time too: a certificate that is not taken.
        lasting: bool,
    },
}

impl Trouble {
    pub(crate) fn unsent(why: impl Into<String>) -> Trouble {
        Trouble::Broken {
            why: why.into(),
            sent: false,
            lasting: false,
        }
    }

    pub(crate) fn sent(why: impl Into<String>) -> Trouble {
        Trouble::Broken {
            why: why.into(),
            sent: true,
            lasting: false,
        }
    }

    fn resend(&self) -> Resend {
        match self {
            Trouble::Refused(problem) => problem.resend,
            Trouble::Broken { lasting: true, .. } => Resend::No,
            Trouble::Broken { sent: false, .. } => Resend::Safe,
            Trouble::Broken { sent: true, .. } => Resend::WithKey,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Refused(problem) => f.write_str(&problem.detail),
            Trouble::Broken { why, .. } => f.write_str(why),
        }
    }
}

/// The tries of one request.
pub(crate) struct Tries<'a> {
    /// What makes it safe to record again; none: it reads, which is always safe.
    claim: Option<&'a Claim>,
    patience: Duration,
    began: Instant,
    count: u32,
    may_be_recorded: bool,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(claim: &'a Claim, patience: Duration) -> Tries<'a> {
        Tries::of(Some(claim), patience)
    }

    /// Of a request that reads.
    pub(crate) fn reading(patience: Duration) -> Tries<'static> {
        Tries::of(None, patience)
    }

    fn of(claim: Option<&Claim>, patience: Duration) -> Tries<'_> {
        Tries {
            claim,
            patience,
            began: Instant::now(),
            count: 0,
            may_be_recorded: false,
        }
    }

    /// How many have failed.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// How long to wait before the next try.
    ///
    /// # Errors
    /// There is none: what the caller is told.
    pub(crate) fn after(&mut self, trouble: Trouble) -> Result<Duration, Error> {
        self.count += 1;
        let resend = trouble.resend();
        // Before this try, another may have reached the node: its refusal of this one says nothing of that.
        let before = self.may_be_recorded;
        self.may_be_recorded |= self.claim.is_some() && resend == Resend::WithKey;
        let may = match resend {
            Resend::No => false,
            Resend::Safe => true,
            Resend::WithKey => self.claim.is_none_or(Claim::is_some),
        };
        let asked = match &trouble {
            Trouble::Refused(problem) => problem.retry_after.map(Duration::from_secs),
            Trouble::Broken { .. } => None,
        };
        let wait = jittered(wait(self.count)).max(asked.unwrap_or_default());
        let in_time = self.began.elapsed() + wait <= self.patience && self.count < TRIES_MAX;
        if may && in_time {
            return Ok(wait);
        }
        Err(match trouble {
            Trouble::Refused(problem) => Error::Refused {
                problem,
                may_be_recorded: before,
            },
            Trouble::Broken { why, .. } => match self.claim {
                None => Error::NoAnswer {
                    why,
                    tries: self.count,
                },
                Some(claim) => Error::GaveUp {
                    why,
                    tries: self.count,
                    may_be_recorded: self.may_be_recorded,
                    claim: claim.text(),
                },
            },
        })
    }
}

/// Doubles from try to try, up to a bound.
fn wait(tries: u32) -> Duration {
    let doubled = WAIT_FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16));
    doubled.min(WAIT_MAX)
}

/// Half of it, and a random part of the other half: callers that were refused together don't come back together.
fn jittered(wait: Duration) -> Duration {
    let mut bytes = [0; 2];
    random(&mut bytes);
    wait / 2 + wait.mul_f64(f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX) / 2.0)
}

/// Fills the buffer.
///
/// # Panics
/// Where the system has no random numbers to give: a key that is not fresh could hide an event behind another.
pub(crate) fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives random bytes");
}

#[cfg(test)]
mod tests {
    use super::*;
    use indelible_api::Code;

    fn refused(code: Code) -> Trouble {
        Trouble::Refused(Box::new(Problem::new(code, "because")))
    }

    #[test]
    fn what_is_safe_is_tried_again_and_what_is_refused_is_not() {
        let key = Claim::fresh();
        let none = Claim::None;
        for code in Code::ALL {
            let (_, _, resend) = code.meaning();
            let with_key = Tries::new(&key, Duration::MAX / 2).after(refused(code));
            let without = Tries::new(&none, Duration::MAX / 2).after(refused(code));
            assert_eq!(with_key.is_ok(), resend != Resend::No, "{code:?}");
            assert_eq!(without.is_ok(), resend == Resend::Safe, "{code:?}");
        }
        let broken = || Trouble::sent("gone");
        assert!(
            Tries::new(&key, Duration::from_secs(9))
                .after(broken())
                .is_ok()
        );
        let told = Tries::new(&none, Duration::from_secs(9))
            .after(broken())
            .unwrap_err();
        assert!(told.may_be_recorded(), "{told}");
    }

    #[test]
    fn tries_end_with_patience_and_with_their_number() {
        let key = Claim::fresh();
        assert!(
            Tries::new(&key, Duration::ZERO)
                .after(refused(Code::Full))
                .is_err()
        );
        let mut tries = Tries::new(&key, Duration::MAX / 2);
        let told = (0..TRIES_MAX)
            .map(|_| tries.after(Trouble::unsent("no route")))
            .find_map(Result::err);
        let told = told.expect("it gives up");
        assert!(!told.may_be_recorded(), "{told}");
        assert!(
            matches!(
                told,
                Error::GaveUp {
                    tries: TRIES_MAX,
                    ..
                }
            ),
            "{told}"
        );
    }

    #[test]
    fn a_refusal_after_a_try_without_answer_does_not_say_that_nothing_is_recorded() {
        let key = Claim::fresh();
        let mut tries = Tries::new(&key, Duration::from_secs(9));
        tries.after(Trouble::sent("cut")).unwrap();
        let told = tries.after(refused(Code::Denied)).unwrap_err();
        assert!(told.may_be_recorded(), "{told}");
        let told = Tries::new(&key, Duration::from_secs(9))
            .after(refused(Code::Denied))
            .unwrap_err();
        assert!(!told.may_be_recorded(), "{told}");
    }

    #[test]
    fn waits_grow_are_bounded_and_heed_what_the_node_asks_for() {
        let key = Claim::fresh();
        assert!(wait(1) < wait(2) && wait(200) == WAIT_MAX);
        let mut tries = Tries::new(&key, Duration::MAX / 2);
        let first = tries.after(Trouble::unsent("x")).unwrap();
        assert!((WAIT_FIRST / 2..=WAIT_FIRST).contains(&first), "{first:?}");
        let problem = Problem::new(Code::Full, "because").after(7);
        let asked = tries.after(Trouble::Refused(Box::new(problem))).unwrap();
        assert_eq!(asked, Duration::from_secs(7));
    }
}
