//! Consistency proofs, RFC 6962 §2.1.2: the larger tree begins with all leaves of the smaller one.

use super::{Nodes, middle};
use crate::hash::{self, Hash};
use crate::limits::TREE_SIZE_MAX;
use alloc::vec::Vec;
use core::ops::Range;

/// The subtrees whose roots are the proof, in the RFC's order. None if the sizes are equal, `from` is 0, or larger than `to`.
#[must_use]
pub fn ranges(from: u64, to: u64) -> Vec<Range<u64>> {
    let (mut ranges, mut at) = (Vec::new(), 0..to);
    if from == 0 || from >= to {
        return ranges;
    }
    while at.end != from {
        let middle = middle(&at);
        if from <= middle {
            ranges.push(middle..at.end);
            at.end = middle;
        } else {
            ranges.push(at.start..middle);
            at.start = middle;
        }
    }
    // If `from` is a power of two, its whole tree is a node here, and its root is known to who verifies.
    if at.start != 0 {
        ranges.push(at);
    }
    ranges.reverse();
    ranges
}

/// The proof from the tree of `from` leaves to that of `to`.
///
/// # Errors
/// The first that `nodes` gives.
pub fn prove<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Hash>, N::Error> {
    ranges(from, to)
        .into_iter()
        .map(|range| nodes.root(range.start, range.end))
        .collect()
}

/// Does the proof lead from the one root to the other? By RFC 9162 §2.1.4.2. From a tree without leaves the proof must be empty and
/// says nothing; `from_root` must still be the root of no leaves.
#[must_use]
pub fn verify(from: u64, from_root: &Hash, to: u64, to_root: &Hash, proof: &[Hash]) -> bool {
    if from > to || to > TREE_SIZE_MAX {
        return false;
    }
    if from == to {
        return proof.is_empty() && from_root == to_root;
    }
    if from == 0 {
        return proof.is_empty() && *from_root == hash::empty_root();
    }
    roots(from, from_root, to, proof) == Some((*from_root, *to_root))
}

/// The two roots the proof leads to, for 0 < `from` < `to`. `None`: it has not the right number of hashes.
fn roots(from: u64, from_root: &Hash, to: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    // The path begins at the last subtree of the smaller tree that is whole in the larger one.
    let level = from.trailing_zeros();
    let (mut at, mut last) = ((from >> level) - 1, (to - 1) >> level);
    let (seed, path) = if from.is_power_of_two() {
        (from_root, proof)
    } else {
        proof.split_first()?
    };
    let (mut old, mut new) = (*seed, *seed);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            old = hash::node(sibling, &old);
            new = hash::node(sibling, &new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = hash::node(&new, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old, new))
}
