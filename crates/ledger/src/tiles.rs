//! Tiles and entry bundles of one log at one signed size, from the stored entries and level-8 nodes (`docs/spec/tiles.md`).
//!
//! Promises that nothing leaves here that does not lead to the signed root. What makes that cheap: [`Books::tiles`] reads the level-8
//! nodes, 32 bytes for 256 records, and what lies after the last of them, and computes from these everything above. If that gives
//! the signed root, the nodes in memory are as good as signed. From then on a tile above level 0 comes from memory, and 256 entries
//! are checked by themselves: their root must be the node that stands for them.
//!
//! Memory and time of the opening grow with the log: 12.6 MB for 10⁸ records. Knows nothing of files and servers.

use crate::books::{Books, Log, SignedNote};
use crate::limits::BLOCK_RECORDS;
use crate::prove::LogNodes;
use crate::view::ReadError;
use indelible_proof::hash::{self, Hash};
use indelible_proof::tile::{self, Level, Tile};
use indelible_proof::tree::{Frontier, Nodes as _};
use std::ops::Range;

/// Nodes that a stored run gives at once: those of the largest run.
const NODES_AT_ONCE: u64 = 256;

/// A log as tiles. Every hash in it leads to the signed root.
pub struct Tiles<'a> {
    nodes: LogNodes<'a>,
    size: u64,
    /// All perfect roots over 256^n leaves, n from 1 up, as far as there are any.
    levels: Vec<Vec<Hash>>,
    /// The entries after the last full block.
    rest: Vec<Hash>,
}

/// What lies below one hash of level 1, or at the end of the tree: up to 256 entries and their leaves.
pub struct Block {
    /// What a bundle holds.
    pub entries: Vec<Hash>,
    /// What a tile of level 0 holds.
    pub leaves: Vec<Hash>,
}

impl Block {
    fn new(entries: Vec<Hash>) -> Block {
        let leaves = entries.iter().map(hash::leaf).collect();
        Block { entries, leaves }
    }
}

impl Books {
    /// The tiles of a log at the size of a note of ours.
    ///
    /// # Errors
    /// [`ReadError`], also if what is stored does not lead to the note's root.
    pub fn tiles<'a>(&'a self, log: &'a Log, note: &SignedNote) -> Result<Tiles<'a>, ReadError> {
        let size = note.size;
        if size > log.size() {
            return Err(self.beyond(log, size));
        }
        let nodes = LogNodes::new(self, log);
        let full = size / BLOCK_RECORDS;
        let first = nodes.block_roots(full)?;
        let rest = self.entries(log, full * BLOCK_RECORDS..size)?;
        let tiles = Tiles {
            nodes,
            size,
            levels: levels(first),
            rest,
        };
        if tiles.root() != note.root {
            return Err(tiles.damage()?);
        }
        Ok(tiles)
    }

    /// One tile or bundle by itself, under a note of ours: what a server asks for, whose log grows from one request to the next. The
    /// nodes above and beside it come from what proofs have in common, and with them it has to give the note's root.
    ///
    /// # Errors
    /// As [`Tiles::bytes`].
    pub fn tile(&self, log: &Log, tile: &Tile, note: &SignedNote) -> Result<Vec<u8>, ReadError> {
        let leaves = tile.leaves();
        if leaves.end > note.size || note.size > log.size() {
            return Err(self.beyond(log, leaves.end));
        }
        let nodes = LogNodes::new(self, log);
        let (hashes, bytes) = match tile.level() {
            Level::Hashes(level) if level > 0 => {
                let width = 1_u64 << tile.level().height();
                let roots = tile
                    .places()
                    .map(|place| nodes.root(place * width, (place + 1) * width));
                let hashes = roots.collect::<Result<Vec<Hash>, ReadError>>()?;
                let bytes = tile::encode_hashes(&hashes);
                (hashes, bytes)
            }
            level => {
                let block = Block::new(self.entries(log, leaves.clone())?);
                let bytes = match level {
                    Level::Entries => tile::encode_bundle(&block.entries),
                    Level::Hashes(_) => tile::encode_hashes(&block.leaves),
                };
                (block.leaves, bytes)
            }
        };
        match nodes.root_around(tile, &hashes, note.size)? == Some(note.root) {
            true => Ok(bytes),
            false => Err(ReadError::misled(log, leaves)),
        }
    }

    fn beyond(&self, log: &Log, size: u64) -> ReadError {
        ReadError::NoSuchRecord {
            log: log.name().to_owned(),
            seq: size.saturating_sub(1),
            size: log.size(),
        }
    }
}

impl Tiles<'_> {
    /// The signed size.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of a tile or bundle. A partial one may be of an earlier size.
    ///
    /// # Errors
    /// [`ReadError`], also if the signed size has no such tile, or what is stored does not lead to the signed root.
    pub fn bytes(&self, tile: &Tile) -> Result<Vec<u8>, ReadError> {
        if tile.leaves().end > self.size {
            return Err(self.nodes.books.beyond(self.nodes.log, tile.leaves().end));
        }
        let width = usize::try_from(tile.width()).expect("a tile has at most 256 hashes");
        match tile.level() {
            Level::Entries => Ok(tile::encode_bundle(
                &self.block(tile.index())?.entries[..width],
            )),
            Level::Hashes(0) => Ok(tile::encode_hashes(
                &self.block(tile.index())?.leaves[..width],
            )),
            Level::Hashes(level) => {
                let level = usize::try_from(level).expect("a level is below 64");
                let places = places(&tile.places());
                Ok(tile::encode_hashes(&self.levels[level - 1][places]))
            }
        }
    }

    /// What lies in the bundle of that index, and in the tile of level 0, as they are at the signed size.
    ///
    /// # Errors
    /// The same.
    pub fn block(&self, index: u64) -> Result<Block, ReadError> {
        let (full, log) = (self.size / BLOCK_RECORDS, self.nodes.log);
        if index == full && !self.rest.is_empty() {
            return Ok(Block::new(self.rest.clone()));
        }
        if index >= full {
            return Err(self.nodes.books.beyond(log, index * BLOCK_RECORDS + 1));
        }
        let block = Block::new(self.nodes.books.entries(log, seqs(index))?);
        let place = usize::try_from(index).expect("the nodes are in memory");
        if tile::root(&block.leaves) != Some(self.levels[0][place]) {
            return Err(self.damaged(index, false));
        }
        Ok(block)
    }

    fn root(&self) -> Hash {
        let mut tree = Frontier::new();
        for node in &self.levels[0] {
            let fits = tree.push_subtree(BLOCK_RECORDS.ilog2(), *node);
            assert!(fits, "blocks of 256 follow each other");
        }
        self.rest
            .iter()
            .map(hash::leaf)
            .for_each(|leaf| tree.push(leaf));
        tree.root()
    }

    /// What is stored does not give the signed root: the first block whose entries don't give its node, found by hashing them all.
    fn damage(&self) -> Result<ReadError, ReadError> {
        let log = self.nodes.log;
        for (index, node) in (0..).zip(&self.levels[0]) {
            let block = Block::new(self.nodes.books.entries(log, seqs(index))?);
            if tile::root(&block.leaves) != Some(*node) {
                return Ok(self.damaged(index, true));
            }
        }
        Ok(ReadError::Damaged {
            log: log.name().to_owned(),
            file: String::new(),
            offset: 0,
            seqs: 0..self.size,
            what: "the stored tree does not lead to the signed root".to_owned(),
        })
    }

    /// A block and its node differ. Where the node was not compared with the root yet, it may be the one that is wrong.
    fn damaged(&self, index: u64, node: bool) -> ReadError {
        let seqs = seqs(index);
        let state = self.nodes.log.read();
        let (file, offset) = match state.run_of(seqs.start) {
            Some(run) if node && run.blocks().contains(&index) => (
                run.pack.ent.clone(),
                run.nodes_at + (index - run.blocks().start) * 32,
            ),
            Some(run) => (
                run.pack.ent.clone(),
                run.entries_at + (seqs.start - run.first) * 32,
            ),
            None => (String::new(), 0),
        };
        ReadError::Damaged {
            log: self.nodes.log.name().to_owned(),
            file,
            offset,
            seqs,
            what: "the stored entries and the node above them differ".to_owned(),
        }
    }
}

impl LogNodes<'_> {
    /// The roots of the first blocks of 256: read where a run stores them, computed where a block lies in the tail or in two runs.
    fn block_roots(&self, count: u64) -> Result<Vec<Hash>, ReadError> {
        let mut roots = Vec::new();
        let mut next = 0;
        while next < count {
            let stored = self.stored_in(next * BLOCK_RECORDS);
            if let Some(run) = stored {
                let end = run.blocks().end.min(count).min(next + NODES_AT_ONCE);
                roots.extend(self.stored_nodes(&run, next * BLOCK_RECORDS, end * BLOCK_RECORDS)?);
                next = end;
            } else {
                let block = Block::new(self.books.entries(self.log, seqs(next))?);
                let root = tile::root(&block.leaves).ok_or_else(|| self.short(next))?;
                roots.push(root);
                next += 1;
            }
        }
        Ok(roots)
    }

    /// The root of the tree of `size` leaves with these hashes in the place of a tile. `None`: they are not as many as it has.
    fn root_around(
        &self,
        tile: &Tile,
        hashes: &[Hash],
        size: u64,
    ) -> Result<Option<Hash>, ReadError> {
        let leaves = tile.leaves();
        let mut tree = Frontier::new();
        self.grow(&mut tree, leaves.start)?;
        let fits = hashes
            .iter()
            .all(|hash| tree.push_subtree(tile.level().height(), *hash));
        if !fits || tree.size() != leaves.end {
            return Ok(None);
        }
        self.grow(&mut tree, size)?;
        Ok(Some(tree.root()))
    }

    /// Appends what the log holds up to `size`, in the largest perfect subtrees that can stand there.
    fn grow(&self, tree: &mut Frontier, size: u64) -> Result<(), ReadError> {
        while tree.size() < size {
            let at = tree.size();
            let widest = match at {
                0 => 63,
                _ => at.trailing_zeros(),
            };
            let level = (size - at).ilog2().min(widest);
            let root = self.root(at, at + (1 << level))?;
            assert!(
                tree.push_subtree(level, root),
                "a perfect subtree stands at a multiple of its width"
            );
        }
        Ok(())
    }

    /// Fewer entries came than were asked for.
    fn short(&self, index: u64) -> ReadError {
        ReadError::unproven(self.log, index * BLOCK_RECORDS)
    }
}

/// The levels above: each root of 256 hashes is one hash higher up.
fn levels(first: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut levels = vec![first];
    loop {
        let below = &levels[levels.len() - 1];
        let above: Vec<Hash> = below.chunks(256).map_while(tile::root).collect();
        if above.is_empty() {
            return levels;
        }
        levels.push(above);
    }
}

fn seqs(index: u64) -> Range<u64> {
    index * BLOCK_RECORDS..(index + 1) * BLOCK_RECORDS
}

fn places(range: &Range<u64>) -> Range<usize> {
    let place = |place| usize::try_from(place).expect("the nodes are in memory");
    place(range.start)..place(range.end)
}
