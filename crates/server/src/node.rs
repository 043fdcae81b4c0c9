//! What all listeners of a node share.

use crate::grants::Grants;
use crate::intake::{Callers, Room};
use crate::rate::Rates;
use indelible_ledger::{Ledger, Random};
use std::sync::{Arc, RwLock};

/// Gives a source of random bytes for each caller.
pub type Randomness = Box<dyn Fn() -> Random + Send + Sync>;

/// A running node: its ledger, and who may do what.
pub struct Node {
    /// The engine. Closed by whoever opened it.
    pub ledger: Arc<Ledger>,
    /// Replaced as a whole.
    grants: RwLock<Arc<Grants>>,
    /// Scratch space for events, handed from request to request.
    pub(crate) callers: Callers,
    /// Bytes of requests that are held.
    pub(crate) room: Room,
    /// Events that principals may send.
    pub(crate) rates: Rates,
}

impl Node {
    /// A node over an open ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, grants: Grants, random: Randomness) -> Node {
        Node {
            ledger,
            grants: RwLock::new(Arc::new(grants)),
            callers: Callers::new(random),
            room: Room::default(),
            rates: Rates::default(),
        }
    }

    /// With a rate for each principal.
    #[must_use]
    pub fn with_rates(mut self, rates: Rates) -> Node {
        self.rates = rates;
        self
    }

    /// The grants in force.
    ///
    /// # Panics
    /// Never in a running process.
    #[must_use]
    pub fn grants(&self) -> Arc<Grants> {
        let grants = self.grants.read();
        Arc::clone(&grants.expect("no thread panics while it replaces the grants"))
    }

    /// From the next request on these.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn replace_grants(&self, grants: Grants) {
        let now = self.grants.write();
        *now.expect("no thread panics while it replaces the grants") = Arc::new(grants);
    }
}
