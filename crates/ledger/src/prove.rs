//! Proofs for any two sizes, from stored entries and level-8 nodes.
//!
//! Knows how to find a subtree's root cheaply: from a pack's stored node, from what was computed before, or from the 256 entries
//! below. What it remembers is bounded (`limits`) and can be thrown away at any time.

use crate::books::{Books, Log, RunPlace};
use crate::limits::{BLOCK_CACHE_MAX, BLOCK_RECORDS, NODE_CACHE_MAX, PROOF_CACHE_PARTS};
use crate::view::{ReadError, hashes};
use indelible_proof::hash::{self, Hash};
use indelible_proof::tree::{Nodes, consistency, inclusion, subtree};
use std::collections::HashMap;
use std::hash::Hash as Key;
use std::sync::{Arc, Mutex};

/// All inner nodes over one aligned block of 256 leaves: level 0 first.
type Block = Arc<Vec<Vec<Hash>>>;

/// What was computed for proofs of all logs, in a bounded memory that forgets what was not asked for lately.
#[derive(Debug, Default)]
pub(crate) struct ProofCache {
    parts: [Mutex<Part>; PROOF_CACHE_PARTS],
}

#[derive(Debug)]
struct Part {
    /// By log and number of the block.
    blocks: Lately<(usize, u64), Block>,
    /// Roots of perfect subtrees of level 8 and more, by log, first leaf and width.
    nodes: Lately<(usize, u64, u64), Hash>,
}

impl Default for Part {
    fn default() -> Part {
        Part {
            blocks: Lately::new(BLOCK_CACHE_MAX),
            nodes: Lately::new(NODE_CACHE_MAX),
        }
    }
}

/// A map that holds at most so many values, in two generations: when the young one is half of that, the old one is forgotten. What is
/// asked for comes back among the young.
#[derive(Debug)]
struct Lately<K, V> {
    most: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Key, V: Clone> Lately<K, V> {
    fn new(most: usize) -> Lately<K, V> {
        Lately {
            most,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    fn get(&mut self, key: K) -> Option<V> {
        if let Some(value) = self.young.get(&key) {
            return Some(value.clone());
        }
        let value = self.old.remove(&key)?;
        self.insert(key, value.clone());
        Some(value)
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.most / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

/// The tree of one log as a source of nodes.
pub(crate) struct LogNodes<'a> {
    pub(crate) books: &'a Books,
    pub(crate) log: &'a Log,
}

impl Books {
    /// The inclusion proof of `index` in the tree of `size`.
    ///
    /// # Errors
    /// [`ReadError`], also if `index` is not below `size` or `size` not yet reached.
    pub fn inclusion(&self, log: &Log, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.reaches(log, index, size)?;
        inclusion::prove(&LogNodes { books: self, log }, index, size)
    }

    /// The consistency proof between two sizes.
    ///
    /// # Errors
    /// [`ReadError`], also if `from` is above `to` or `to` not yet reached.
    pub fn consistency(&self, log: &Log, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        self.reaches(log, from.saturating_sub(1), to)?;
        consistency::prove(&LogNodes { books: self, log }, from, to)
    }

    /// The subtree hashes left and right of a range.
    ///
    /// # Errors
    /// [`ReadError`], also if the range is empty or ends above `size`.
    pub fn subtree(
        &self,
        log: &Log,
        first: u64,
        count: u64,
        size: u64,
    ) -> Result<(Vec<Hash>, Vec<Hash>), ReadError> {
        self.reaches(log, (first + count).saturating_sub(1), size)?;
        subtree::prove(&LogNodes { books: self, log }, first, count, size)
    }

    /// The root at a size.
    ///
    /// # Errors
    /// [`ReadError`], also if `size` is not yet reached.
    pub fn root_at(&self, log: &Log, size: u64) -> Result<Hash, ReadError> {
        if size == 0 {
            return Ok(hash::empty_root());
        }
        self.reaches(log, 0, size)?;
        LogNodes { books: self, log }.root(0, size)
    }

    fn reaches(&self, log: &Log, index: u64, size: u64) -> Result<(), ReadError> {
        let durable = log.size();
        if index < size && size <= durable {
            return Ok(());
        }
        Err(ReadError::NoSuchRecord {
            log: log.name().to_owned(),
            seq: index.max(size.saturating_sub(1)),
            size: durable,
        })
    }
}

impl Nodes for LogNodes<'_> {
    type Error = ReadError;

    fn root(&self, lo: u64, hi: u64) -> Result<Hash, ReadError> {
        let width = hi - lo;
        let perfect = width.is_power_of_two() && lo.is_multiple_of(width);
        if perfect
            && width <= BLOCK_RECORDS
            && (width < BLOCK_RECORDS || self.stored_in(lo).is_none())
        {
            return self.in_block(lo, width);
        }
        if !perfect {
            let split = lo + (width.next_power_of_two() / 2).max(1);
            return Ok(hash::node(&self.root(lo, split)?, &self.root(split, hi)?));
        }
        if let Some(known) = self.cache(|log, part| part.nodes.get((log, lo, width))) {
            return Ok(known);
        }
        let root = match self.stored_in(lo) {
            Some(run) if hi <= run.end() => fold(self.stored_nodes(&run, lo, hi)?),
            _ => hash::node(
                &self.root(lo, lo + width / 2)?,
                &self.root(lo + width / 2, hi)?,
            ),
        };
        self.cache(|log, part| part.nodes.insert((log, lo, width), root));
        Ok(root)
    }
}

impl LogNodes<'_> {
    fn cache<T>(&self, with: impl FnOnce(usize, &mut Part) -> T) -> T {
        let index = self.log.index();
        let part = &self.books.proofs.parts[index % PROOF_CACHE_PARTS];
        let mut part = part
            .lock()
            .expect("no thread panics while it holds what was proved");
        with(index, &mut part)
    }

    /// The run that stores the level-8 node which begins at `lo`.
    pub(crate) fn stored_in(&self, lo: u64) -> Option<RunPlace> {
        self.log
            .read()
            .run_of(lo)
            .filter(|run| run.blocks().contains(&(lo / BLOCK_RECORDS)))
            .cloned()
    }

    /// The stored level-8 nodes over [lo, hi), both multiples of 256 within the run.
    pub(crate) fn stored_nodes(
        &self,
        run: &RunPlace,
        lo: u64,
        hi: u64,
    ) -> Result<Vec<Hash>, ReadError> {
        let offset = run.nodes_at + (lo / BLOCK_RECORDS - run.blocks().start) * 32;
        let length =
            usize::try_from((hi - lo) / BLOCK_RECORDS * 32).expect("a run's nodes fit memory");
        Ok(hashes(
            &self
                .books
                .store()
                .read_at(&run.pack.ent, offset, length, false)?,
        )
        .collect())
    }

    /// A perfect subtree within one block of 256.
    fn in_block(&self, lo: u64, width: u64) -> Result<Hash, ReadError> {
        let (number, level) = (lo / BLOCK_RECORDS, width.trailing_zeros());
        let block = self.block(number, lo + width)?;
        let level = usize::try_from(level).expect("a level is below 64");
        let place =
            usize::try_from((lo % BLOCK_RECORDS) / width).expect("a place in a block is below 256");
        Ok(block[level][place])
    }

    /// The block's nodes, covering at least the leaves below `upto`.
    fn block(&self, number: u64, upto: u64) -> Result<Block, ReadError> {
        let first = number * BLOCK_RECORDS;
        let has = |block: &Block| {
            first + u64::try_from(block[0].len()).expect("a block has at most 256 leaves") >= upto
        };
        if let Some(block) = self
            .cache(|log, part| part.blocks.get((log, number)))
            .filter(has)
        {
            return Ok(block);
        }
        let end = (first + BLOCK_RECORDS).min(self.log.size());
        let leaves: Vec<Hash> = self
            .books
            .entries(self.log, first..end)?
            .iter()
            .map(hash::leaf)
            .collect();
        let block = Arc::new(levels(leaves));
        self.cache(|log, part| part.blocks.insert((log, number), Arc::clone(&block)));
        Ok(block)
    }
}

/// All perfect nodes over up to 256 leaves, level by level.
fn levels(leaves: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut levels = vec![leaves];
    while levels.len() < 9 {
        let below = &levels[levels.len() - 1];
        levels.push(
            below
                .chunks_exact(2)
                .map(|pair| hash::node(&pair[0], &pair[1]))
                .collect(),
        );
    }
    levels
}

/// The root over a power of two of equal subtrees.
fn fold(mut nodes: Vec<Hash>) -> Hash {
    while nodes.len() > 1 {
        nodes = nodes
            .chunks_exact(2)
            .map(|pair| hash::node(&pair[0], &pair[1]))
            .collect();
    }
    nodes.first().copied().unwrap_or_else(hash::empty_root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_stays_within_its_bound_and_what_is_asked_for_stays() {
        let mut lately = Lately::new(8);
        lately.insert(0_u64, 0_u64);
        for key in 1..1_000 {
            lately.insert(key, key);
            assert!(lately.young.len() + lately.old.len() <= 8, "{key}");
            assert_eq!(lately.get(0), Some(0), "{key}");
            assert_eq!(lately.get(key), Some(key));
        }
        assert_eq!(lately.get(1), None);
    }
}
