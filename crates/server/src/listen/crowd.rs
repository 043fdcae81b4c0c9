//! Who holds how many connections of one listener, so that nobody takes the places of all others.
//!
//! Owns the counts: of each principal, which is known after the handshake; of each address, while it is not, and where nobody is asked who
//! they are; and of those that are let in only to hear why they are refused. It opens and closes nothing.

use crate::limits::{
    ADDRESS_HANDSHAKES_MAX, HEALTH_ADDRESS_CONNECTIONS_MAX, PRINCIPAL_CONNECTIONS_MAX,
    REFUSED_AT_ONCE_MAX,
};
use std::collections::HashMap;

/// How many connections of a listener somebody may have; those of `limits` by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// One principal.
    pub principal: usize,
    /// One address, whose handshakes are not done yet.
    pub handshakes: usize,
    /// One address, where nobody is asked who they are.
    pub health: usize,
    /// All that are let in only to hear why they are refused.
    pub refused: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            principal: PRINCIPAL_CONNECTIONS_MAX,
            handshakes: ADDRESS_HANDSHAKES_MAX,
            health: HEALTH_ADDRESS_CONNECTIONS_MAX,
            refused: REFUSED_AT_ONCE_MAX,
        }
    }
}

/// Somebody has as many as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// Nobody was told since it had few.
    pub(super) is_news: bool,
}

#[derive(Debug, Default)]
struct Held {
    now: usize,
    told: bool,
}

/// Connections by whose they are. Memory is bounded by those that are open.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    of: HashMap<String, Held>,
}

impl Crowd {
    /// One more of this holder, who may have `most`.
    pub(super) fn enter(&mut self, holder: &str, most: usize) -> Result<(), TooMany> {
        let held = match self.of.get_mut(holder) {
            Some(held) => held,
            None => self.of.entry(holder.to_owned()).or_default(),
        };
        if held.now < most {
            held.now += 1;
            return Ok(());
        }
        Err(TooMany {
            is_news: !std::mem::replace(&mut held.told, true),
        })
    }

    /// One of them is gone. Whoever falls to half of what it may have is told anew when it comes back to it.
    pub(super) fn leave(&mut self, holder: &str, most: usize) {
        if let Some(held) = self.of.get_mut(holder) {
            held.now = held.now.saturating_sub(1);
            held.told &= held.now > most / 2;
            if held.now == 0 {
                self.of.remove(holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_its_own_bound_and_is_news_once_until_it_has_few() {
        let mut crowd = Crowd::default();
        let full = |is_news| Err(TooMany { is_news });
        for _ in 0..4 {
            assert_eq!(crowd.enter("a", 4), Ok(()));
        }
        assert_eq!(crowd.enter("a", 4), full(true));
        assert_eq!(crowd.enter("a", 4), full(false));
        assert_eq!(crowd.enter("b", 4), Ok(()));
        crowd.leave("a", 4);
        assert_eq!(crowd.enter("a", 4), Ok(()), "a place that is left is free");
        assert_eq!(crowd.enter("a", 4), full(false));
        for _ in 0..2 {
            crowd.leave("a", 4);
        }
        for _ in 0..2 {
            assert_eq!(crowd.enter("a", 4), Ok(()));
        }
        assert_eq!(crowd.enter("a", 4), full(true));
    }

    #[test]
    fn who_has_no_connection_is_not_remembered() {
        let mut crowd = Crowd::default();
        for n in 0..1_000 {
            let name = n.to_string();
            assert_eq!(crowd.enter(&name, 1), Ok(()));
            crowd.leave(&name, 1);
        }
        crowd.leave("never here", 1);
        assert!(crowd.of.is_empty());
    }
}
