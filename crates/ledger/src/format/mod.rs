//! The bytes of batches, frames, packs and the register: pure encoders and decoders.
//!
//! Owns `docs/spec/batch.md` and `docs/spec/pack.md`. Decoders take any bytes, never panic, check every length before they allocate,
//! and accept exactly one form of each value. Knows no file, no log, no key: whether an entry is a head's hash or a signature is
//! right is judged elsewhere.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::unreachable,
    clippy::as_conversions
)]

pub mod batch;
mod builder;
mod claims;
mod columns;
mod cursor;
mod ent;
pub mod frame;
pub mod limits;
pub mod pack;
pub mod register;
mod run;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A later version wrote this; a newer program may read it.
    #[error("unsupported {0}")]
    Unsupported(&'static str),
    /// No version writes this.
    #[error("{what}, at byte {offset}")]
    Damaged {
        /// Bytes from the beginning of what was given to the decoder.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

impl FormatError {
    /// The same in a larger whole in which the decoded part begins at `base`.
    #[must_use]
    pub fn within(self, base: usize) -> FormatError {
        match self {
            FormatError::Damaged { offset, what } => FormatError::Damaged {
                offset: offset.saturating_add(base),
                what,
            },
            unsupported @ FormatError::Unsupported(_) => unsupported,
        }
    }
}

/// The version that every header of ours carries.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests;
