//! The one error of this crate. A variant says what the caller can do next; what the disk said is kept as the source.

use std::error::Error;
use std::io;

use crate::Place;

/// Why a store didn't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer holds the store: try again when it has stopped.
    #[error("another writer holds this store")]
    Busy,
    /// This handle can't write: open the store for writing.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// The slot was in the tail and has been released: look in the packs.
    #[error("the slot is no longer in the tail")]
    Gone,
    /// There is no such thing.
    #[error("not found")]
    NotFound,
    /// What is stored contradicts the format: nothing here repairs it.
    #[error("damaged: {what}: {place}")]
    Damaged {
        /// Where.
        place: Place,
        /// What is wrong.
        what: &'static str,
    },
    /// A newer version wrote it: use that one, or a newer.
    #[error("{file} was written by a newer version: {what}")]
    Unsupported {
        /// Relative to the store directory; the register's own path where the register is meant.
        file: String,
        /// What this version does not know.
        what: &'static str,
    },
    /// The call breaks the contract, or the store is of a kind that this opening doesn't allow. Nothing was written.
    #[error("refused: {0}")]
    Refused(String),
    /// The directory lies on this file system, which is in memory: accept that, or choose a disk. Nothing was written.
    #[error("{0} loses everything at a reboot")]
    Volatile(&'static str),
    /// The register holds something other than expected: read it again.
    #[error("the register holds something else than expected")]
    Conflict,
    /// Larger than a bound in `limits`. Nothing was written.
    #[error("too large: {length} bytes where {most} are allowed")]
    TooLarge {
        /// Bytes asked for.
        length: u64,
        /// The bound.
        most: u64,
    },
    /// A write failed earlier, this one, so nothing more is written: open the store again.
    #[error("a write failed earlier, nothing more is written until the store is opened again: {0}")]
    Stopped(String),
    /// The disk is full, or what this user may have of it. What was being made was taken back, and nothing that was there is touched:
    /// go on with the room there is, and try again when there is more.
    #[error("{doing}")]
    NoRoom {
        /// What we were doing, with the path.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk, or what stands for it, failed.
    #[error("{doing}")]
    Io {
        /// What we were doing, with the path.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self::Refused(what.into())
    }

    /// Wraps what the system said, `NotFound` becoming [`StoreError::NotFound`].
    pub(crate) fn reading(doing: impl Into<String>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Io {
                doing: doing.into(),
                source,
            },
        }
    }
}

/// An error and what caused it, in one line: where only a text is kept, what the disk said is kept too.
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| {
        let said = cause.to_string();
        match text.ends_with(&said) {
            true => text,
            false => format!("{text}: {said}"),
        }
    })
}
