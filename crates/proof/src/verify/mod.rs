//! What evidence proves: receipts and exports, judged by the steps of their pages in their order.
//!
//! Owns the steps of `docs/spec/receipt.md`, `batch-receipt.md`, `prove.md` and `export.md`, and the rules for a head in its place, which whoever verifies
//! a store shares ([`check_head`]). Promises an answer to any bytes, the same on every machine: nothing here knows a clock, a file or
//! what was verified before. What is needed to read the forms themselves stands in their own modules.

mod batch_receipt;
mod export;
mod fork;
mod head;
mod judged;
mod proof;
mod receipt;
mod signer;
mod tiles;
mod walk;
mod walk_file;

pub use batch_receipt::{BatchReceiptVerifier, verify_batch_receipt};
pub use export::{ExportVerifier, verify_export};
pub use fork::verify_fork;
pub use head::{Before, HeadFault, check_head};
pub use proof::verify_proof;
pub use receipt::verify_receipt;
pub use tiles::{Site, verify_tiles};
pub use walk::{KeyWalk, Standing, Walked};
pub use walk_file::{WalkFile, WalkFileError};

use crate::hash::Hash;
use crate::key::VerifierKey;
use crate::pin::Pin;
use crate::prove::TreeHead;
use crate::time::Time;
use crate::verdict::{Integrity, Verdict};
use alloc::string::String;
use alloc::vec::Vec;

/// What a verifier knows before it reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The log that is meant, and a key it is believed by.
    pub pin: Option<&'a Pin>,
    /// The keys that the log has had since.
    pub walk: Option<&'a WalkFile>,
}

impl Known<'_> {
    /// The pin's key, all that the walk file shows, and all that the evidence's own walk shows; each once.
    fn keys_and(&self, own: Option<&KeyWalk>) -> Vec<VerifierKey> {
        let walks = self.walk.map(WalkFile::walk).into_iter().chain(own);
        let pin = self.pin.iter().map(|pin| pin.key());
        let mut keys: Vec<VerifierKey> = Vec::new();
        for key in pin.chain(walks.flat_map(KeyWalk::keys)) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }
}

impl<'a> From<Option<&'a Pin>> for Known<'a> {
    fn from(pin: Option<&'a Pin>) -> Known<'a> {
        Known { pin, walk: None }
    }
}

/// What was found, and what was looked at for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The five axes.
    pub verdict: Verdict,
    /// Findings on integrity that lost against the verdict's by order; the most important first, at most one of each sort.
    pub further: Vec<Integrity>,
    /// Where the verdict is *malformed*: what should have stood there.
    pub expected: Option<&'static str>,
    /// What was checked, and how much of it.
    pub checked: Checked,
}

/// What was checked. A value is absent if the file ended or was refused before it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Bytes of the receipt or export that were given.
    pub bytes: u64,
    /// The log the file speaks of.
    pub origin: Option<String>,
    /// Its log id. A receipt does not carry it.
    pub log_id: Option<Hash>,
    /// The first and the last seq the file speaks of.
    pub range: Option<(u64, u64)>,
    /// Heads that were hashed and judged.
    pub heads: u64,
    /// Of these, how many came with salt and event, which were hashed and judged too.
    pub events: u64,
    /// Entries that were compared with their heads and put into the tree.
    pub entries: u64,
    /// When the first and the last record with a valid head say they were recorded.
    pub times: Option<(Time, Time)>,
    /// The size and root the log signed.
    pub checkpoint: Option<(u64, Hash)>,
    /// The signed note: what [`Trust::judge`](crate::trust::Trust::judge) looks at.
    pub note: Option<String>,
    /// Tree heads that the file proves beside the one that was signed.
    pub tree_heads: Vec<TreeHead>,
    /// The time that the file is about.
    pub at: Option<Time>,
    /// Keys that this log signs or signed with, where the checkpoint is believed: the pin's, and all that a walk shows.
    pub believed: Vec<VerifierKey>,
    /// How often the log's keys were handed over, as far as the file shows, and since when it has the last ones.
    pub keys: Option<(usize, Time)>,
    /// Signature lines that have the shape of an ML-DSA-44 cosignature by the log. This version does not check them.
    pub ml_dsa_lines: usize,
}

impl Report {
    /// Of a file that was not read to its end.
    fn refused(integrity: Integrity, expected: Option<&'static str>, checked: Checked) -> Report {
        Report {
            verdict: Verdict::only_integrity(integrity),
            further: Vec::new(),
            expected,
            checked,
        }
    }
}

/// The first finding is the verdict's; without any it is *ok*.
fn first_finding(mut found: Vec<Integrity>) -> (Integrity, Vec<Integrity>) {
    if found.is_empty() {
        return (Integrity::Ok, found);
    }
    (found.remove(0), found)
}
