//! What a node counts. Whole numbers that many threads raise; who reads them gets each by itself.
//!
//! Nothing here has a name of a principal or a log: what is counted goes to anyone who may reach the health listener.

use indelible_api::Code;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, or one that goes up and down.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn up(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// One fewer.
    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters of a node.
#[derive(Debug, Default)]
pub struct Counters {
    /// Events recorded.
    pub events: Count,
    /// Events that were recorded before and sent again.
    pub again: Count,
    /// Requests answered, refusals among them.
    pub requests: Count,
    refusals: [Count; Code::ALL.len()],
    /// Connections accepted and let in.
    pub accepted: Count,
    /// Connections open now.
    pub open: Count,
    /// Turned away before a handshake: from a network that the listener takes nobody from.
    pub outside: Count,
    /// Turned away before a handshake: no place left.
    pub no_place: Count,
    /// Handshakes that failed.
    pub handshakes_failed: Count,
    /// Connections that spoke plain text to a port with TLS.
    pub plaintext: Count,
    /// Let in, and refused every request: no principal.
    pub refused: Count,
    /// Refused: its principal, or its address where nobody is asked who they are, has as many as it may.
    pub crowded: Count,
    /// Cut before a handshake: its address has too many that are not done.
    pub knocking: Count,
    /// Cut: nothing came inside a request.
    pub silent: Count,
    /// Cut: an answer was not taken.
    pub stalled: Count,
    /// Cut: it did not end when it was asked to.
    pub overdue: Count,
    /// Ended: framing that two readers could read differently.
    pub framing: Count,
    /// Ended: a flood of HTTP/2 frames that carry nothing.
    pub flood: Count,
}

impl Counters {
    /// A request was refused so.
    pub fn refusal(&self, code: Code) {
        if let Some(place) = Code::ALL.iter().position(|one| *one == code)
            && let Some(count) = self.refusals.get(place)
        {
            count.up();
        }
    }

    /// Refusals of each kind.
    pub fn refusals(&self) -> impl Iterator<Item = (Code, u64)> {
        let counts = self.refusals.iter().map(Count::now);
        Code::ALL.into_iter().zip(counts)
    }
}
