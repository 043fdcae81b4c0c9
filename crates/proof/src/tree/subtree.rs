//! Subtree proofs (`docs/spec/checkpoint.md`): these leaves, without a gap, are the range [first, first + count) of that tree.
//!
//! The proof is the roots outside the range: *left* before it, which are the frontier of `first`, and *right* after it. A verifier
//! reduces the leaves to a [`Span`] as they come and folds the two sides around it.

use super::{Frontier, Nodes, middle};
use crate::hash::{self, Hash};
use crate::limits::TREE_SIZE_MAX;
use alloc::vec::Vec;
use core::ops::Range;

/// The subtrees before and after the range, both from left to right. `None` if the range is empty or does not lie in the tree.
#[must_use]
#[allow(
    clippy::type_complexity,
    reason = "two equal lists; a name for the pair would say less"
)]
pub fn ranges(first: u64, count: u64, size: u64) -> Option<(Vec<Range<u64>>, Vec<Range<u64>>)> {
    let end = end(first, count, size)?;
    let (mut left, mut at) = (Vec::new(), 0..size);
    while at.start != first {
        let middle = middle(&at);
        if first < middle {
            at.end = middle;
        } else {
            left.push(at.start..middle);
            at.start = middle;
        }
    }
    let (mut right, mut at) = (Vec::new(), 0..size);
    while at.end != end {
        let middle = middle(&at);
        if end <= middle {
            right.push(middle..at.end);
            at.end = middle;
        } else {
            at.start = middle;
        }
    }
    right.reverse();
    Some((left, right))
}

/// The fewest perfect subtrees that cover the range, from left to right. `None` if it is empty or no tree is so large.
#[must_use]
pub fn cover(first: u64, count: u64) -> Option<Vec<Range<u64>>> {
    let end = end(first, count, TREE_SIZE_MAX)?;
    let (mut cover, mut at) = (Vec::new(), first);
    while let Some(level) = (end - at).checked_ilog2() {
        let next = at + (1 << level.min(at.trailing_zeros()));
        cover.push(at..next);
        at = next;
    }
    Some(cover)
}

/// How many hashes the two sides have. `None` if the range is empty or does not lie in the tree.
#[must_use]
pub fn counts(first: u64, count: u64, size: u64) -> Option<(usize, usize)> {
    ranges(first, count, size).map(|(left, right)| (left.len(), right.len()))
}

/// The two sides of the range; both empty if the range is empty or does not lie in the tree.
///
/// # Errors
/// The first that `nodes` gives.
pub fn prove<N: Nodes>(
    nodes: &N,
    first: u64,
    count: u64,
    size: u64,
) -> Result<(Vec<Hash>, Vec<Hash>), N::Error> {
    let (left, right) = ranges(first, count, size).unwrap_or_default();
    let roots = |ranges: Vec<Range<u64>>| {
        ranges
            .into_iter()
            .map(|range| nodes.root(range.start, range.end))
            .collect::<Result<Vec<Hash>, N::Error>>()
    };
    Ok((roots(left)?, roots(right)?))
}

/// The root of the tree of `size` leaves that the range and its two sides give. `None`: they do not fit each other.
#[must_use]
pub fn root(
    first: u64,
    leaves: impl IntoIterator<Item = Hash>,
    size: u64,
    left: &[Hash],
    right: &[Hash],
) -> Option<Hash> {
    let mut span = Span::new(first);
    leaves.into_iter().for_each(|leaf| span.push(leaf));
    span.root(size, left, right)
}

/// Are the leaves the range that begins at `first` in the tree of `size` leaves with that root?
#[must_use]
pub fn verify(
    first: u64,
    leaves: impl IntoIterator<Item = Hash>,
    size: u64,
    left: &[Hash],
    right: &[Hash],
    expected: &Hash,
) -> bool {
    root(first, leaves, size, left, right).is_some_and(|root| root == *expected)
}

/// The leaves of a range that grows to the right, kept as the fewest perfect subtrees that cover it: at most 126 hashes. Needs
/// neither side until the root is asked for, because an export brings them after the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    first: u64,
    /// The leaf after the last.
    end: u64,
    /// From left to right: first growing, then shrinking.
    hashes: Vec<Hash>,
}

impl Span {
    /// An empty range that begins at `first`.
    #[must_use]
    pub fn new(first: u64) -> Span {
        Span {
            first,
            end: first,
            hashes: Vec::new(),
        }
    }

    /// The same range with all that was pushed to it: the roots of the subtrees that [`cover`] it. `None` if they are not as many.
    #[must_use]
    pub fn covering(first: u64, count: u64, roots: Vec<Hash>) -> Option<Span> {
        let due = cover(first, count)?.len();
        (roots.len() == due).then(|| Span {
            first,
            end: first.saturating_add(count),
            hashes: roots,
        })
    }

    /// Appends one leaf.
    pub fn push(&mut self, leaf: Hash) {
        let (mut node, mut level) = (leaf, 0);
        while self.has_left_sibling(level)
            && let Some(left) = self.hashes.pop()
        {
            node = hash::node(&left, &node);
            level += 1;
        }
        self.hashes.push(node);
        self.end = self.end.saturating_add(1);
    }

    /// The root of the tree of `size` leaves, given what lies on both sides. `None`: there are too few or too many hashes, or the
    /// range is empty or does not lie in the tree.
    #[must_use]
    pub fn root(&self, size: u64, left: &[Hash], right: &[Hash]) -> Option<Hash> {
        let count = self.end.checked_sub(self.first)?;
        let (left_due, right_due) = counts(self.first, count, size)?;
        if (left.len(), right.len()) != (left_due, right_due) {
            return None;
        }
        let mut edge = Frontier::from_parts(self.first, left.to_vec())?;
        for hash in &self.hashes {
            let widest = edge.size().trailing_zeros();
            let level = (self.end.checked_sub(edge.size())?).checked_ilog2()?;
            if !edge.push_subtree(level.min(widest), *hash) {
                return None;
            }
        }
        fold_right(&edge, size, right)
    }

    /// Is the node of `level` that ends with the next leaf a right child whose left sibling lies in the range?
    fn has_left_sibling(&self, level: u32) -> bool {
        let place = self.end >> level;
        place & 1 == 1 && (place - 1) << level >= self.first
    }
}

/// The root of the tree of `size` leaves that begins with `edge` and goes on with `right`, of which the number is right.
fn fold_right(edge: &Frontier, size: u64, right: &[Hash]) -> Option<Hash> {
    let (mut turns, mut at) = (Vec::new(), 0..size);
    while at.end != edge.size() {
        let middle = middle(&at);
        let to_left = edge.size() <= middle;
        turns.push(to_left);
        at = if to_left {
            at.start..middle
        } else {
            middle..at.end
        };
    }
    // Upwards again: the last subtree of the edge, its neighbours from the edge on the left and from the proof on the right. Where
    // nothing lies to the right, the whole edge is the tree.
    if turns.is_empty() {
        return right.is_empty().then(|| edge.root());
    }
    let (mut before, mut after) = (edge.hashes().iter().rev(), right.iter());
    let mut node = *before.next()?;
    for to_left in turns.into_iter().rev() {
        node = if to_left {
            hash::node(&node, after.next()?)
        } else {
            hash::node(before.next()?, &node)
        };
    }
    (before.next().is_none() && after.next().is_none()).then_some(node)
}

/// The leaf after the range's last.
fn end(first: u64, count: u64, size: u64) -> Option<u64> {
    first
        .checked_add(count)
        .filter(|end| count > 0 && *end <= size && size <= TREE_SIZE_MAX)
}
