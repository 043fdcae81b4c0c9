//! The engine: one writer, many read views, many logs on one node.
//!
//! # An event's life here
//!
//! `caller` judges, salts and digests it on its bringer's thread · `queue` bounds what waits · `sequencer` gives it place, time and
//! link, purely · `commit` writes one batch with one sync and tells the `books` · `answer` signs and proves for whoever takes the
//! receipt · later `seal` moves it into a pack. `view` reads it back, `proved` holds what was read against the tree, `times` finds
//! records by when they were recorded, `prove` proves them, `past` and `walk` write what a log was before, `export` a range with all that
//! proves it, `tiles` cuts the tree into files for others, `scan` re-hashes everything, `recover` begins again after a stop.
//!
//! # Invariants
//!
//! - A batch is true when `Store::wait` said `Durable`, not before; nothing is signed for the world before.
//! - After a write that is not known to be durable this process writes nothing more.
//! - The books only grow; a size read once stays valid.
//! - No sockets, no identities, no async, no clock, no randomness, no file of our own: [`clock::Clock`], [`caller::Random`] and
//!   [`indelible_store::Store`] come in.

pub mod answer;
mod batch_keys;
pub mod books;
pub mod caller;
pub mod clock;
mod commit;
mod cover;
mod export;
pub mod format;
pub mod inspect;
mod keeper;
mod keys;
pub mod limits;
mod merge;
mod node_log;
mod open;
mod past;
mod prove;
mod proved;
mod queue;
pub mod recover;
pub mod resend;
mod rotate;
mod scan;
mod seal;
mod sequencer;
pub mod signer;
mod tiles;
mod times;
pub mod verify;
mod view;
mod walk;

pub use books::{Books, Listening, Log, SignedNote};
pub use caller::{Caller, PrepareError, Prepared, Random, Recorded};
pub use commit::{COMMIT_CLASSES, CommitFigures};
pub use export::{Export, ExportError, ExportOptions};
pub use keys::{HingeProof, LogKeys};
pub use merge::{MergeError, Merged, Retire};
pub use open::{
    Founding, KnownSizes, Ledger, NewLog, OpenError, Recovery, Secrets, Settings, StreamNow,
};
pub use proved::Anchor;
pub use queue::{Lane, Outcome, Refusal, Ticket};
pub use recover::RecoverError;
pub use resend::streams::Place;
pub use rotate::{HingeDue, RecoverySet, RotateError, Rotated, SignRecovery, is_recovery_set};
pub use seal::{SealError, Sealed};
pub use tiles::{Block, Tiles};
pub use times::Side;
pub use view::{ReadError, Stored};

/// 32 hex characters of a 16-byte id.
#[must_use]
pub fn hex16(id: &[u8; 16]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
