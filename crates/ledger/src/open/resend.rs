//! Streams and keys as a caller of the ledger sees them.

use super::Ledger;
use crate::books::Log;
use crate::caller::Recorded;
use crate::commit::claims::StreamChange;
use crate::queue::Refusal;
use crate::resend::streams::Place;
use crate::resend::tag::stream_id;
use std::sync::Arc;

/// A stream as it is now, what is on its way included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamNow {
    /// The number expected next, in the epoch that is open.
    pub next: Place,
    /// Whose it is now, if it was handed on.
    pub handed_to: Option<String>,
}

/// How much is known of streams and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownSizes {
    /// Streams.
    pub streams: usize,
    /// Keys of unsealed records.
    pub keys_unsealed: usize,
    /// Sealed keys that are known whatever they look like, in tables.
    pub keys_sealed: u64,
    /// Classes by age, each of which names some packs.
    pub key_classes: usize,
    /// What the tables take.
    pub key_bytes: usize,
}

impl Ledger {
    /// What is known of a stream: the number that is expected next, and to whom it was handed on.
    #[must_use]
    pub fn stream(&self, log: &Log, by: &str, src: &str) -> StreamNow {
        let id = stream_id(&log.id(), by, src);
        let known = self.committer.resend.read();
        StreamNow {
            next: known.streams.next(&id),
            handed_to: known.streams.handed_to(&id).map(str::to_owned),
        }
    }

    /// Opens the next epoch of a stream, if it is at `epoch` and its last number there is `last`.
    ///
    /// # Errors
    /// [`Refusal::Expected`] says where it is, if elsewhere.
    pub fn open_epoch(
        &self,
        log: &Arc<Log>,
        by: &str,
        src: &str,
        epoch: u64,
        last: Option<u64>,
    ) -> Result<Recorded, Refusal> {
        let next = StreamChange::Epoch;
        self.committer
            .change_stream(log, (by, src), Place::after(epoch, last), next)
    }

    /// Hands a stream on to another principal, if it is at `epoch` and its last number there is `last`: the other goes on from there.
    ///
    /// # Errors
    /// [`Refusal::Expected`] says where it is, if elsewhere; [`Refusal::StreamTaken`] if the other has a stream of that name.
    pub fn hand_on(
        &self,
        log: &Arc<Log>,
        (by, src): (&str, &str),
        to: &str,
        epoch: u64,
        last: Option<u64>,
    ) -> Result<Recorded, Refusal> {
        let next = StreamChange::Handed(to);
        self.committer
            .change_stream(log, (by, src), Place::after(epoch, last), next)
    }

    /// How much is known of streams and keys, and what it takes.
    #[must_use]
    pub fn known(&self) -> KnownSizes {
        let sealed = self.committer.resend.sealed.now();
        let known = self.committer.resend.read();
        KnownSizes {
            streams: known.streams.count(),
            keys_unsealed: known.keys.count(),
            keys_sealed: sealed.keys(),
            key_classes: sealed.classes(),
            key_bytes: sealed.bytes(),
        }
    }
}
