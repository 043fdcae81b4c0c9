//! The right edge of a tree: the roots of the perfect subtrees of its size's binary digits, largest first.
//!
//! All that is needed to append and to know the root; at most 63 hashes.

use crate::hash::{self, Hash};
use crate::limits::TREE_SIZE_MAX;
use alloc::vec::Vec;

/// A tree that can grow and say its root, without its leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One for each binary digit 1 of `size`, most significant first.
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// The edge of a tree of `size` leaves. `None` if there is not one hash for each digit, or `size` is 2^63 or more.
    #[must_use]
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Option<Frontier> {
        let fits =
            size <= TREE_SIZE_MAX && u32::try_from(hashes.len()).ok() == Some(size.count_ones());
        fits.then_some(Frontier { size, hashes })
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends one leaf, which is SHA-256(0x00 ‖ entry). One node is hashed on average.
    pub fn push(&mut self, leaf: Hash) {
        self.join(leaf, self.size);
        self.size = self.size.saturating_add(1);
    }

    /// Appends the 2^`level` leaves of a perfect subtree by its root. `false`, and nothing is appended, where no such subtree can
    /// stand: the size must be a multiple of 2^`level`, and stay below 2^63.
    #[must_use]
    pub fn push_subtree(&mut self, level: u32, root: Hash) -> bool {
        let size = 1_u64
            .checked_shl(level)
            .filter(|width| self.size.is_multiple_of(*width))
            .and_then(|width| self.size.checked_add(width))
            .filter(|size| *size <= TREE_SIZE_MAX);
        let Some(size) = size else { return false };
        self.join(root, self.size >> level);
        self.size = size;
        true
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.hashes
            .iter()
            .copied()
            .rev()
            .reduce(|right, left| hash::node(&left, &right))
            .unwrap_or_else(hash::empty_root)
    }

    /// Puts a subtree at the edge. `before` counts the subtrees of its width before it; while that is odd, the last of them is its
    /// left sibling.
    fn join(&mut self, mut node: Hash, mut before: u64) {
        while before & 1 == 1
            && let Some(left) = self.hashes.pop()
        {
            node = hash::node(&left, &node);
            before >>= 1;
        }
        self.hashes.push(node);
    }
}
