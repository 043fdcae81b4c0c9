//! Inclusion proofs, RFC 6962 §2.1.1: this leaf stands at this index in the tree with that root.

use super::{Nodes, middle};
use crate::hash::{self, Hash};
use crate::limits::TREE_SIZE_MAX;
use alloc::vec::Vec;
use core::ops::Range;

/// The subtrees whose roots are the proof, the leaf's sibling first. For an index that is not in the tree they prove nothing.
#[must_use]
pub fn ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut ranges, mut at) = (Vec::new(), 0..size);
    while at.end.saturating_sub(at.start) > 1 {
        let middle = middle(&at);
        if index < middle {
            ranges.push(middle..at.end);
            at.end = middle;
        } else {
            ranges.push(at.start..middle);
            at.start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The proof of the leaf at `index` in the tree of `size` leaves.
///
/// # Errors
/// The first that `nodes` gives.
pub fn prove<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    ranges(index, size)
        .into_iter()
        .map(|range| nodes.root(range.start, range.end))
        .collect()
}

/// Does the proof lead from the leaf at `index` to the root of the tree of `size` leaves? By RFC 9162 §2.1.3.2.
#[must_use]
pub fn verify(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size || size > TREE_SIZE_MAX {
        return false;
    }
    let (mut at, mut last, mut node) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            node = hash::node(sibling, &node);
            // At the ragged edge a node without a right sibling is its own parent, until it is a right child itself.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            node = hash::node(&node, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && node == *root
}
