//! Checkpoints (C2SP tlog-checkpoint): the text in which a log commits to its size and root.
//!
//! Owns the three lines of `docs/spec/checkpoint.md`. A checkpoint that was read is a claim; the note around it says whose.

use crate::hash::{self, Hash};
use crate::limits::TREE_SIZE_MAX;
use crate::origin::Origin;
use crate::strict_base64;
use alloc::string::{String, ToString as _};

/// What a log says of itself at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// Number of records, below 2^63.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
}

/// Why a note's text is not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not exactly three lines.
    #[error("a checkpoint has exactly three lines")]
    Lines,
    /// The first line.
    #[error("the checkpoint's first line is not an origin")]
    Origin,
    /// The second line.
    #[error("the checkpoint's size is not an integer below 2^63")]
    Size,
    /// The third line, or a root that no tree of this size has.
    #[error("the checkpoint's root is not 32 bytes in base64, or not the root of that size")]
    Root,
}

impl<'a> Checkpoint<'a> {
    /// Reads a note's text.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &'a str) -> Result<Checkpoint<'a>, CheckpointError> {
        let mut lines = text
            .strip_suffix('\n')
            .ok_or(CheckpointError::Lines)?
            .split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        Origin::parse(origin).ok_or(CheckpointError::Origin)?;
        let size = parse_size(size).ok_or(CheckpointError::Size)?;
        let root = strict_base64::decode_hash(root)
            .filter(|root| size > 0 || *root == hash::empty_root())
            .ok_or(CheckpointError::Root)?;
        Ok(Checkpoint { origin, size, root })
    }

    /// The text that is signed.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::from(self.origin);
        text.push('\n');
        text.push_str(&self.size.to_string());
        text.push('\n');
        strict_base64::push(&self.root.0, &mut text);
        text.push('\n');
        text
    }
}

/// A canonical integer below 2^63: the only text that this number is written as.
fn parse_size(text: &str) -> Option<u64> {
    let size: u64 = text.parse().ok()?;
    (size <= TREE_SIZE_MAX && size.to_string() == text).then_some(size)
}

#[cfg(test)]
mod tests;
