//! What a caller has of an event that is recorded: where it stands, and the proof.

use indelible_proof::batch_receipt::{self, BatchReceipt};
use indelible_proof::hash::Hash;
use indelible_proof::record::{Salt, encode_line};
use indelible_proof::time::Time;
use std::sync::Arc;

/// An event that is recorded, verified. Keep [`Recorded::receipt`] and [`Recorded::line`]: with the pin they prove it to anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Position in the log.
    pub seq: u64,
    /// When the node recorded it.
    pub time: Time,
    /// SHA-256 of the head.
    pub entry: Hash,
    /// The line that was hashed: who, when, which log.
    pub head: Vec<u8>,
    /// Without it the event can't be tied to the head.
    pub salt: Salt,
    /// It had been recorded before, and this is the original.
    pub again: bool,
    pub(crate) proof: Proof,
}

/// A receipt of its own, or a share of one for many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Own(String),
    Shared(Arc<Batch>),
}

/// A batch receipt with what it needs to become receipts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) receipt: String,
    pub(crate) entries: Vec<Hash>,
}

impl Recorded {
    /// The receipt of this event alone, C2SP `tlog-proof`. Of an event of an array it is derived from what all of them share.
    ///
    /// # Panics
    /// Never: the shared receipt was verified over these entries.
    #[must_use]
    pub fn receipt(&self) -> String {
        match &self.proof {
            Proof::Own(receipt) => receipt.clone(),
            Proof::Shared(batch) => {
                let parsed = BatchReceipt::parse(batch.receipt.as_bytes());
                let derived = parsed.ok().and_then(|parsed| {
                    batch_receipt::derive(&parsed, &batch.entries, self.seq, &self.head).ok()
                });
                derived.expect("the batch receipt was verified over these entries")
            }
        }
    }

    /// The receipt that all events of an array share, if it came so.
    #[must_use]
    pub fn batch_receipt(&self) -> Option<&str> {
        match &self.proof {
            Proof::Own(_) => None,
            Proof::Shared(batch) => Some(&batch.receipt),
        }
    }

    /// The record's line, `{"head":…,"salt":"…","event":…}`. `event`: as it was sent, without white space outside strings.
    #[must_use]
    pub fn line(&self, event: &[u8]) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.head.len() + event.len() + 64);
        encode_line(&self.head, Some((self.salt.text(), event)), &mut line);
        line
    }
}
