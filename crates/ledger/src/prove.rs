//! Proofs for any two sizes, from stored entries and level-8 nodes.
//!
//! Knows how to find a subtree's root cheaply: from a pack's stored node, from what was computed before, or from the 256 entries
//! below. What it remembers is bounded (`limits`) and can be thrown away at any time.

use crate::books::{Books, Log, RunPlace};
use crate::limits::{
    BLOCK_CACHE_MAX, BLOCK_RECORDS, KEPT_WIDTH, NODE_CACHE_MAX, PROOF_CACHE_PARTS,
};
use crate::view::{ReadError, hashes};
use indelible_proof::hash::{self, Hash};
use indelible_proof::tree::subtree::Span;
use indelible_proof::tree::{Nodes, consistency, inclusion, subtree};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash as Key;
use std::ops::Range;
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

/// The tree of one log as a source of nodes, for one proof.
pub(crate) struct LogNodes<'a> {
    pub(crate) books: &'a Books,
    pub(crate) log: &'a Log,
    /// Level-8 nodes of the two runs that were read last: a proof asks for most of a run's nodes, and for those of its neighbour.
    rows: RefCell<VecDeque<Row>>,
}

/// All stored level-8 nodes of a run.
struct Row {
    /// Number of the first block.
    first: u64,
    nodes: Vec<Hash>,
}

impl Row {
    /// The nodes of these blocks, if it has them.
    fn part(&self, blocks: &Range<u64>) -> Option<&[Hash]> {
        let from = usize::try_from(blocks.start.checked_sub(self.first)?).ok()?;
        let to = usize::try_from(blocks.end.checked_sub(self.first)?).ok()?;
        self.nodes.get(from..to)
    }
}

impl Books {
    /// The inclusion proof of `index` in the tree of `size`.
    ///
    /// # Errors
    /// [`ReadError`], also if `index` is not below `size` or `size` not yet reached.
    pub fn inclusion(&self, log: &Log, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.reaches(log, index, size)?;
        inclusion::prove(&LogNodes::new(self, log), index, size)
    }

    /// The consistency proof between two sizes.
    ///
    /// # Errors
    /// [`ReadError`], also if `from` is above `to` or `to` not yet reached.
    pub fn consistency(&self, log: &Log, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        self.reaches(log, from.saturating_sub(1), to)?;
        consistency::prove(&LogNodes::new(self, log), from, to)
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
        subtree::prove(&LogNodes::new(self, log), first, count, size)
    }

    /// The range between the two.
    ///
    /// # Errors
    /// As [`Books::subtree`].
    pub(crate) fn span(&self, log: &Log, first: u64, count: u64) -> Result<Span, ReadError> {
        let end = first + count;
        self.reaches(log, end.saturating_sub(1), end)?;
        let nodes = LogNodes::new(self, log);
        let cover = subtree::cover(first, count).unwrap_or_default();
        let roots = cover
            .into_iter()
            .map(|range| nodes.root(range.start, range.end));
        let roots = roots.collect::<Result<_, _>>()?;
        Span::covering(first, count, roots).ok_or_else(|| ReadError::unproven(log, first))
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
        LogNodes::new(self, log).root(0, size)
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
        if !(width.is_power_of_two() && lo.is_multiple_of(width)) {
            let split = lo + (width.next_power_of_two() / 2).max(1);
            return Ok(hash::node(&self.root(lo, split)?, &self.root(split, hi)?));
        }
        if width < BLOCK_RECORDS {
            return self.in_block(lo, width);
        }
        let run = self.stored_in(lo);
        // Others would drive out what takes long to find anew: large ones, and what begins where no run stores a node.
        let is_kept = width >= KEPT_WIDTH || run.is_none();
        if is_kept && let Some(known) = self.cache(|log, part| part.nodes.get((log, lo, width))) {
            return Ok(known);
        }
        let root = match run.filter(|run| hi <= run.end()) {
            Some(run) => fold(self.stored_nodes(&run, lo, hi)?),
            None if width == BLOCK_RECORDS => self.in_block(lo, width)?,
            None => {
                let middle = lo + width / 2;
                hash::node(&self.root(lo, middle)?, &self.root(middle, hi)?)
            }
        };
        if is_kept {
            self.cache(|log, part| part.nodes.insert((log, lo, width), root));
        }
        Ok(root)
    }
}

impl<'a> LogNodes<'a> {
    pub(crate) fn new(books: &'a Books, log: &'a Log) -> LogNodes<'a> {
        let rows = RefCell::default();
        LogNodes { books, log, rows }
    }

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
        let blocks = lo / BLOCK_RECORDS..hi / BLOCK_RECORDS;
        let mut rows = self.rows.borrow_mut();
        if let Some(part) = rows.iter().find_map(|row| row.part(&blocks)) {
            return Ok(part.to_vec());
        }
        let row = self.row(run)?;
        let part = row.part(&blocks).map(<[Hash]>::to_vec);
        rows.truncate(1);
        rows.push_front(row);
        part.ok_or_else(|| run.damaged(self.log, "its stored nodes end too early"))
    }

    fn row(&self, run: &RunPlace) -> Result<Row, ReadError> {
        let blocks = run.blocks();
        let count = usize::try_from(blocks.end - blocks.start).expect("a run's nodes fit memory");
        let store = self.books.store();
        let bytes = store.read_at(&run.pack.ent, run.nodes_at, count * 32, false)?;
        Ok(Row {
            first: blocks.start,
            nodes: hashes(&bytes).collect(),
        })
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
