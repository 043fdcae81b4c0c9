//! How long a listener waits for what.

use crate::limits::{
    CONNECTION_AGE_MAX, DRAIN_MAX, HANDSHAKE_MAX, HEAD_MAX, LOOK_EVERY, SILENCE_MAX, STALL_MAX,
    TAKE_MAX,
};
use std::time::Duration;

/// Bounds of time; those of `limits` by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a handshake.
    pub handshake: Duration,
    /// For the next byte inside a request.
    pub silence: Duration,
    /// For a whole head.
    pub head: Duration,
    /// For a client to take what is sent to it.
    pub stall: Duration,
    /// For a client to take one piece of an answer over HTTP/2.
    pub take: Duration,
    /// For a connection to live, and then once more for what is under way on it.
    pub age: Duration,
    /// For what is under way once the node stops.
    pub drain: Duration,
    /// Between two looks at the machine's addresses.
    pub addresses: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            handshake: HANDSHAKE_MAX,
            silence: SILENCE_MAX,
            head: HEAD_MAX,
            stall: STALL_MAX,
            take: TAKE_MAX,
            age: CONNECTION_AGE_MAX,
            drain: DRAIN_MAX,
            addresses: LOOK_EVERY,
        }
    }
}

impl Patience {
    /// Between two looks at all connections: a tenth of the shortest wait that they are for.
    pub(super) fn sweep(&self) -> Duration {
        let waits = [self.head, self.stall, self.take, self.age];
        let shortest = waits.into_iter().fold(self.silence, Duration::min);
        (shortest / 10).max(Duration::from_millis(1))
    }
}
