//! The Merkle tree of RFC 6962 over a log's entries: its right edge, its proofs, and their verification.
//!
//! Owns the shapes of `docs/spec/checkpoint.md`, *Tree*. Proofs are made from nodes that somebody else keeps ([`Nodes`]) and verified
//! from numbers and hashes alone, by other code than made them. Does not know what an entry stands for.

pub mod consistency;
mod frontier;
pub mod inclusion;
pub mod subtree;

pub use frontier::Frontier;

use crate::hash::Hash;
use core::ops::Range;

/// Where proofs find the nodes they are made of.
pub trait Nodes {
    /// Why a node can't be had.
    type Error;

    /// The root over the leaves [`lo`, `hi`), which are a subtree of the tree that is asked about: perfect, or ragged at its right edge.
    ///
    /// # Errors
    /// Whatever keeps the source from reading it.
    fn root(&self, lo: u64, hi: u64) -> Result<Hash, Self::Error>;
}

/// All leaves in memory, for small trees.
#[derive(Clone, Copy, Debug)]
pub struct Leaves<'a>(pub &'a [Hash]);

/// A range that is not within the leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no leaves {lo} to {hi}")]
pub struct NoSuchLeaves {
    /// The first leaf asked for.
    pub lo: u64,
    /// The leaf after the last.
    pub hi: u64,
}

impl Nodes for Leaves<'_> {
    type Error = NoSuchLeaves;

    fn root(&self, lo: u64, hi: u64) -> Result<Hash, NoSuchLeaves> {
        let place = |number: u64| usize::try_from(number).map_err(|_| NoSuchLeaves { lo, hi });
        let leaves = self.0.get(place(lo)?..place(hi)?);
        let mut frontier = Frontier::new();
        leaves
            .ok_or(NoSuchLeaves { lo, hi })?
            .iter()
            .for_each(|leaf| frontier.push(*leaf));
        Ok(frontier.root())
    }
}

/// Where a subtree of more than one leaf is split: after the largest power of two smaller than its width.
fn middle(subtree: &Range<u64>) -> u64 {
    let width = subtree.end.saturating_sub(subtree.start);
    let left = match width {
        0 | 1 => 0,
        _ => 1 << (width - 1).ilog2(),
    };
    subtree.start.saturating_add(left)
}

#[cfg(test)]
mod tests;
