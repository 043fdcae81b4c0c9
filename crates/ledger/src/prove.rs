//! Proofs for any two sizes, from stored entries and level-8 nodes.
//!
//! Knows how to find a subtree's root cheaply: from a pack's stored node, from what was computed before, or from the 256 entries
//! below. What it remembers is bounded (`limits`) and can be thrown away at any time.

use crate::books::{Books, Log, RunPlace};
use crate::limits::{BLOCK_CACHE_MAX, BLOCK_RECORDS, NODE_CACHE_MAX};
use crate::view::{ReadError, hashes};
use indelible_proof::hash::{self, Hash};
use indelible_proof::tree::{Frontier, Nodes, consistency, inclusion, subtree};
use std::collections::HashMap;
use std::sync::Arc;

/// All inner nodes over one aligned block of 256 leaves: level 0 first.
type Block = Arc<Vec<Vec<Hash>>>;

/// What a log remembers for proofs.
#[derive(Debug, Default)]
pub(crate) struct ProofCache {
    blocks: HashMap<u64, Block>,
    /// Roots of perfect subtrees of level 8 and more, by first leaf and width.
    nodes: HashMap<(u64, u64), Hash>,
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

    /// The tree's right edge at a size.
    pub(crate) fn frontier_at(&self, log: &Log, size: u64) -> Result<Frontier, ReadError> {
        let (mut hashes, mut lo) = (Vec::new(), 0);
        let nodes = LogNodes { books: self, log };
        for level in (0..u64::BITS).rev() {
            let width = 1_u64 << level;
            if size & width != 0 {
                hashes.push(nodes.root(lo, lo + width)?);
                lo += width;
            }
        }
        Ok(Frontier::from_parts(size, hashes).expect("one hash for each binary digit of the size"))
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
        if let Some(known) = self.cache(|cache| cache.nodes.get(&(lo, width)).copied()) {
            return Ok(known);
        }
        let root = match self.stored_in(lo) {
            Some(run) if hi <= run.end() => fold(self.stored_nodes(&run, lo, hi)?),
            _ => hash::node(
                &self.root(lo, lo + width / 2)?,
                &self.root(lo + width / 2, hi)?,
            ),
        };
        self.cache(|cache| {
            if cache.nodes.len() >= NODE_CACHE_MAX {
                cache.nodes.clear();
            }
            cache.nodes.insert((lo, width), root);
        });
        Ok(root)
    }
}

impl LogNodes<'_> {
    fn cache<T>(&self, with: impl FnOnce(&mut ProofCache) -> T) -> T {
        with(
            &mut self
                .log
                .proofs
                .lock()
                .expect("no thread panics while it holds a log's proofs"),
        )
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
            .cache(|cache| cache.blocks.get(&number).cloned())
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
        self.cache(|cache| {
            if cache.blocks.len() >= BLOCK_CACHE_MAX {
                cache.blocks.clear();
            }
            cache.blocks.insert(number, Arc::clone(&block));
        });
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
