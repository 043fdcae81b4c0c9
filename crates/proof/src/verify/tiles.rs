//! Verifies a log that is handed out as tiles (`docs/spec/tiles.md`, *Verifying a directory*): every file up to the signed root.
//!
//! Two trees grow side by side, one of the entries in the bundles and one of the tiles of level 0; the signed root says which of them is
//! the log's, and so each damaged file can be named. Holds at most 256 hashes a level, whatever the size. Does not know where files lie.

use super::signer::signer_of;
use super::{Checked, Known, Report, first_finding};
use crate::checkpoint::Checkpoint;
use crate::hash::{self, Hash};
use crate::limits::{TILE_WIDTH, TILES_FINDINGS_MAX};
use crate::note::Note;
use crate::prove::TreeHead;
use crate::tile::{self, Level, Tile};
use crate::tree::Frontier;
use crate::verdict::{Authenticity, Completeness, Integrity, Part, Seqs, Verdict, Witnesses};
use alloc::vec::Vec;

/// Where the files of a log are.
pub trait Site {
    /// Why one could not be read, other than that it isn't there.
    type Error;
    /// The file of a tile or bundle, or as much of it as shows that it is too long; `None` if there is none.
    ///
    /// # Errors
    /// The site's own.
    fn read(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Partial tiles that were published when the tree was smaller, and are still there.
    ///
    /// # Errors
    /// The site's own.
    fn narrower(&mut self, tile: &Tile) -> Result<Vec<Tile>, Self::Error>;
}

/// Judges a checkpoint and all that it promises. `watched`: a size at which the caller wants to know the tree.
///
/// # Errors
/// Those of the site.
pub fn verify_tiles<'k, S: Site>(
    note: &[u8],
    site: &mut S,
    known: impl Into<Known<'k>>,
    watched: Option<u64>,
) -> Result<Report, S::Error> {
    let known = known.into();
    let mut checked = Checked {
        bytes: u64::try_from(note.len()).unwrap_or(u64::MAX),
        ..Checked::default()
    };
    let parsed = Note::parse(note).ok();
    let parsed = parsed.and_then(|note| Some((Checkpoint::parse(note.text).ok()?, note)));
    let Some((checkpoint, note)) = parsed else {
        let integrity = Integrity::Malformed(Part::Checkpoint);
        return Ok(Report::refused(integrity, None, checked));
    };
    checked.origin = Some(checkpoint.origin.into());
    checked.checkpoint = Some((checkpoint.size, checkpoint.root));
    checked.note = Some(note.encode());
    checked.ml_dsa_lines = note.ml_dsa_shaped_lines(checkpoint.origin);
    let signer = signer_of(&note, &checkpoint, &known);
    checked.believed = signer.believed;
    let mut judging = Judging::new(&checkpoint, watched);
    let mut site = Counted { site, bytes: 0 };
    judging.bottom(&mut site)?;
    let findings = judging.findings(&mut site)?;
    checked.bytes = checked.bytes.saturating_add(site.bytes);
    checked.entries = judging.entries;
    checked.tree_heads = findings.head.into_iter().collect();
    let (integrity, further) = first_finding(findings.found);
    let is_signed = !matches!(
        signer.authenticity,
        Authenticity::UnknownKey
            | Authenticity::SignatureInvalid
            | Authenticity::KeyRetired
            | Authenticity::KeyWalkBroken
    );
    Ok(Report {
        verdict: Verdict {
            integrity,
            authenticity: signer.authenticity,
            consistency: signer.consistency,
            witnesses: Witnesses::NoneAsked,
            completeness: match findings.is_proven && is_signed {
                true => Completeness::ContentWithheld,
                false => Completeness::Unchecked,
            },
        },
        further,
        expected: None,
        checked,
    })
}

/// How a file's bytes give so many leaves.
type Leaves = fn(&[u8], u64) -> Option<Vec<Hash>>;

/// A site, and how much was read of it.
struct Counted<'s, S> {
    site: &'s mut S,
    bytes: u64,
}

impl<S: Site> Site for Counted<'_, S> {
    type Error = S::Error;

    fn read(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, S::Error> {
        let bytes = self.site.read(tile)?;
        let length = bytes.as_ref().map_or(0, Vec::len);
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(length);
        Ok(bytes)
    }

    fn narrower(&mut self, tile: &Tile) -> Result<Vec<Tile>, S::Error> {
        self.site.narrower(tile)
    }
}

struct Findings {
    found: Vec<Integrity>,
    /// One of the two trees has the signed root.
    is_proven: bool,
    /// The tree of the watched size.
    head: Option<TreeHead>,
}

/// A tree as one of the two lowest levels gives it.
struct Tree {
    /// `None` behind a file that is missing or unreadable.
    frontier: Option<Frontier>,
    /// Hashes of each level above 0 that are in no full tile yet, the lowest level first.
    levels: Vec<Vec<Hash>>,
    /// Tiles above level 0 that this tree would have otherwise.
    differ: Vec<Integrity>,
    head: Option<TreeHead>,
}

struct Judging {
    size: u64,
    root: Hash,
    watched: Option<u64>,
    by_entry: Tree,
    by_tile: Tree,
    /// Missing and unreadable files, whichever tree is the log's.
    found: Vec<Integrity>,
    /// Entries whose leaf is not the one in level 0.
    entries_differ: Seqs,
    /// Tiles of level 0 in which such a leaf stands.
    tiles_differ: Vec<Integrity>,
    /// Entries read.
    entries: u64,
}

impl Judging {
    fn new(checkpoint: &Checkpoint<'_>, watched: Option<u64>) -> Judging {
        let tree = || Tree {
            frontier: Some(Frontier::new()),
            levels: Vec::new(),
            differ: Vec::new(),
            head: None,
        };
        Judging {
            size: checkpoint.size,
            root: checkpoint.root,
            watched: watched.filter(|size| *size <= checkpoint.size),
            by_entry: tree(),
            by_tile: tree(),
            found: Vec::new(),
            entries_differ: Seqs::new(),
            tiles_differ: Vec::new(),
            entries: 0,
        }
    }

    /// Bundles and the tiles over them, in order. Ends early where so much is wrong that more would say nothing new.
    fn bottom<S: Site>(&mut self, site: &mut S) -> Result<(), S::Error> {
        for index in 0..self.size.div_ceil(TILE_WIDTH) {
            let (Some(bundle), Some(over)) = (
                Tile::in_tree(Level::Entries, index, self.size),
                Tile::in_tree(Level::Hashes(0), index, self.size),
            ) else {
                break;
            };
            let own = self.file(site, &bundle, leaves_of_bundle)?;
            let leaves = self.file(site, &over, tile::decode_hashes)?;
            self.entries = self
                .entries
                .saturating_add(own.as_ref().map_or(0, |_| bundle.width()));
            let due = [own.as_deref(), leaves.as_deref()];
            self.older(site, &bundle, leaves_of_bundle, due)?;
            self.older(site, &over, tile::decode_hashes, due)?;
            if let (Some(own), Some(leaves)) = (&own, &leaves) {
                self.compare(&over, own, leaves);
            }
            self.by_entry.block(site, own, self.size, self.watched)?;
            self.by_tile.block(site, leaves, self.size, self.watched)?;
            if self.found.len() >= TILES_FINDINGS_MAX {
                (self.by_entry.frontier, self.by_tile.frontier) = (None, None);
                return Ok(());
            }
        }
        Ok(())
    }

    /// The leaves that a file gives.
    fn file<S: Site>(
        &mut self,
        site: &mut S,
        tile: &Tile,
        leaves: Leaves,
    ) -> Result<Option<Vec<Hash>>, S::Error> {
        let Some(bytes) = site.read(tile)? else {
            self.found.push(missing(tile));
            return Ok(None);
        };
        let leaves = leaves(&bytes, tile.width());
        if leaves.is_none() {
            self.found.push(unreadable(tile));
        }
        Ok(leaves)
    }

    /// What a file was when the tree was smaller must be the beginning of what it is now, by the bundle or by the tile over it.
    fn older<S: Site>(
        &mut self,
        site: &mut S,
        tile: &Tile,
        leaves: Leaves,
        due: [Option<&[Hash]>; 2],
    ) -> Result<(), S::Error> {
        for narrower in site.narrower(tile)? {
            let bytes = site.read(&narrower)?.unwrap_or_default();
            let own = leaves(&bytes, narrower.width());
            let begins = |due: &[Hash]| own.as_ref().is_some_and(|own| due.starts_with(own));
            let is_checked = due.iter().any(Option::is_some);
            if is_checked && !due.into_iter().flatten().any(begins) {
                self.found.push(unreadable(&narrower));
            }
        }
        Ok(())
    }

    fn compare(&mut self, tile: &Tile, own: &[Hash], leaves: &[Hash]) {
        let places = tile.places().zip(own.iter().zip(leaves));
        let before = self.entries_differ.count();
        for (seq, _) in places.filter(|(_, (own, leaf))| own != leaf) {
            self.entries_differ.add(seq);
        }
        if self.entries_differ.count() > before && self.tiles_differ.len() < TILES_FINDINGS_MAX {
            self.tiles_differ.push(altered(tile));
        }
    }

    /// What is wrong, by the tree that the root was signed of.
    fn findings<S: Site>(&mut self, site: &mut S) -> Result<Findings, S::Error> {
        self.by_entry.finish(site, self.size)?;
        self.by_tile.finish(site, self.size)?;
        let mut found = core::mem::take(&mut self.found);
        let root = self.root;
        let gives_root = |tree: &Tree| tree.root().is_some_and(|own| own == root);
        let mut head = None;
        let is_proven = if gives_root(&self.by_entry) {
            found.append(&mut self.tiles_differ);
            found.append(&mut self.by_entry.differ);
            head = self.by_entry.head;
            true
        } else if gives_root(&self.by_tile) {
            if !self.entries_differ.is_empty() {
                found.push(Integrity::EntryAltered(self.entries_differ));
            }
            found.append(&mut self.by_tile.differ);
            head = self.by_tile.head;
            true
        } else {
            let is_whole = self.by_entry.frontier.is_some() || self.by_tile.frontier.is_some();
            if is_whole {
                found.push(Integrity::RootMismatch(self.size));
            }
            false
        };
        Ok(Findings {
            found,
            is_proven,
            head,
        })
    }
}

impl Tree {
    /// The leaves under the next tile of level 0.
    fn block<S: Site>(
        &mut self,
        site: &mut S,
        leaves: Option<Vec<Hash>>,
        size: u64,
        watched: Option<u64>,
    ) -> Result<(), S::Error> {
        let Some(leaves) = leaves else {
            self.frontier = None;
            return Ok(());
        };
        let Some(frontier) = &mut self.frontier else {
            return Ok(());
        };
        for leaf in &leaves {
            frontier.push(*leaf);
            if watched == Some(frontier.size()) {
                self.head = Some(TreeHead {
                    size: frontier.size(),
                    root: frontier.root(),
                });
            }
        }
        match tile::root(&leaves) {
            Some(root) => self.above(site, 1, root, size),
            None => Ok(()),
        }
    }

    /// One more hash of a level; a tile that it fills is compared, and gives one to the level above.
    fn above<S: Site>(
        &mut self,
        site: &mut S,
        mut level: u32,
        mut hash: Hash,
        size: u64,
    ) -> Result<(), S::Error> {
        loop {
            let at = usize::try_from(level.saturating_sub(1)).unwrap_or(usize::MAX);
            if self.levels.len() <= at {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(at) else {
                return Ok(());
            };
            hashes.push(hash);
            let Some(root) = tile::root(hashes) else {
                return Ok(());
            };
            let hashes = core::mem::take(hashes);
            let frontier = self.frontier.as_ref().map_or(0, Frontier::size);
            let span = frontier.checked_shr(Level::Hashes(level).height());
            let index = span.unwrap_or(0).div_ceil(TILE_WIDTH).saturating_sub(1);
            self.compare(
                site,
                Tile::in_tree(Level::Hashes(level), index, size),
                &hashes,
            )?;
            (level, hash) = (level.saturating_add(1), root);
        }
    }

    /// The partial tiles at the right edge.
    fn finish<S: Site>(&mut self, site: &mut S, size: u64) -> Result<(), S::Error> {
        if self.frontier.is_none() {
            return Ok(());
        }
        for (hashes, level) in core::mem::take(&mut self.levels).into_iter().zip(1..) {
            let level = Level::Hashes(level);
            let count = size.checked_shr(level.height()).unwrap_or(0);
            if !hashes.is_empty() {
                let tile = Tile::in_tree(level, count / TILE_WIDTH, size);
                self.compare(site, tile, &hashes)?;
            }
        }
        Ok(())
    }

    /// The file of a tile above level 0 against the hashes that are due there; and those of the smaller trees.
    fn compare<S: Site>(
        &mut self,
        site: &mut S,
        tile: Option<Tile>,
        hashes: &[Hash],
    ) -> Result<(), S::Error> {
        let Some(tile) = tile.filter(|_| self.differ.len() < TILES_FINDINGS_MAX) else {
            return Ok(());
        };
        let due = tile::encode_hashes(hashes);
        match site.read(&tile)? {
            None => self.differ.push(missing(&tile)),
            Some(bytes) if bytes.len() != due.len() => self.differ.push(unreadable(&tile)),
            Some(bytes) if bytes != due => self.differ.push(altered(&tile)),
            Some(_) => {}
        }
        for narrower in site.narrower(&tile)? {
            let width = usize::try_from(narrower.width()).unwrap_or(usize::MAX);
            let begins = hashes.get(..width).map(tile::encode_hashes);
            if site.read(&narrower)? != begins {
                self.differ.push(unreadable(&narrower));
            }
        }
        Ok(())
    }

    fn root(&self) -> Option<Hash> {
        self.frontier.as_ref().map(Frontier::root)
    }
}

fn altered(tile: &Tile) -> Integrity {
    let level = tile.level();
    Integrity::TileAltered {
        level: level.height() / TILE_WIDTH.ilog2(),
        n: tile.index(),
    }
}

fn missing(tile: &Tile) -> Integrity {
    let mut seqs = Seqs::new();
    seqs.add_range(tile.leaves());
    Integrity::Missing(seqs)
}

fn unreadable(tile: &Tile) -> Integrity {
    Integrity::Unreadable {
        file: tile.path(),
        offset: 0,
        seqs: Seqs::new(),
    }
}

fn leaves_of_bundle(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let entries = tile::decode_bundle(bytes, width)?;
    Some(entries.iter().map(hash::leaf).collect())
}

#[cfg(test)]
mod tests;
