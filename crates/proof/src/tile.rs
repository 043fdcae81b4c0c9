//! Tiles and entry bundles (C2SP tlog-tiles): a tree cut into pieces of 256 hashes that any web server can hand out.
//!
//! Owns their coordinates, which of them a tree of some size has, their paths and their bytes (`docs/spec/tiles.md`). Tiles are a
//! public encoding of the tree and prove nothing by themselves: whoever reads one hashes it up to a signed root. Does not know
//! where the hashes come from.

use crate::hash::{self, Hash};
use crate::limits::{TILE_WIDTH, TREE_SIZE_MAX};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// Binary levels of the tree in one tile: 256 hashes are the leaves of a subtree of height 8.
const HEIGHT: u32 = TILE_WIDTH.ilog2();

/// What stands before the path of a bundle, and before the level of a tile.
const ENTRIES_PREFIX: &str = "tile/entries/";
const TILE_PREFIX: &str = "tile/";

/// Bytes of an entry, and what its length looks like in a bundle: u16 big-endian.
const ENTRY_BYTES: usize = 32;
const ENTRY_LENGTH: [u8; 2] = [0, 32];

/// What a piece of the tree is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Entries as they are: an entry bundle. It spans the same leaves as the tile of level 0 with its index.
    Entries,
    /// Roots of perfect subtrees of 256^level leaves; at level 0 the leaves themselves.
    Hashes(u32),
}

impl Level {
    /// Binary level of the hashes: each is a root over 2^this leaves.
    #[must_use]
    pub fn height(self) -> u32 {
        match self {
            Level::Entries => 0,
            Level::Hashes(level) => level.saturating_mul(HEIGHT),
        }
    }

    /// Levels at which a tree of this size has anything, the bundles first.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Level> {
        let hashes = (0..)
            .map(Level::Hashes)
            .take_while(move |level| level.count(size) > 0);
        (size > 0)
            .then_some(Level::Entries)
            .into_iter()
            .chain(hashes)
    }

    /// How many entries or hashes this level has in a tree of this size. What is not perfect yet is at no level.
    fn count(self, size: u64) -> u64 {
        size.checked_shr(self.height()).unwrap_or(0)
    }
}

/// A tile or an entry bundle: 1 to 256 hashes or entries, fewer than 256 in a partial one. A value of this type lies in some tree
/// of fewer than 2^63 leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: Level,
    index: u64,
    width: u64,
}

impl Tile {
    /// The tile of that level and index as it stands in the tree of `size` leaves. `None` where it would be empty: such a tile does
    /// not exist.
    #[must_use]
    pub fn in_tree(level: Level, index: u64, size: u64) -> Option<Tile> {
        let before = index.checked_mul(TILE_WIDTH)?;
        let width = level.count(size).checked_sub(before)?.min(TILE_WIDTH);
        Tile::new(level, index, width)
    }

    fn new(level: Level, index: u64, width: u64) -> Option<Tile> {
        let tile = Tile {
            level,
            index,
            width,
        };
        let exists = (1..=TILE_WIDTH).contains(&width) && tile.end()? <= TREE_SIZE_MAX;
        exists.then_some(tile)
    }

    /// What the tree of `size` leaves has and that of `before` leaves had not, level by level, bundles first. With `before` 0:
    /// everything. For sizes that no tree has, nothing.
    pub fn since(before: u64, size: u64) -> impl Iterator<Item = Tile> {
        let size = if size > TREE_SIZE_MAX { 0 } else { size };
        Level::of_tree(size).flat_map(move |level| {
            let (old, new) = (level.count(before), level.count(size));
            let end = if old < new {
                new.div_ceil(TILE_WIDTH)
            } else {
                0
            };
            (old / TILE_WIDTH..end).filter_map(move |index| Tile::in_tree(level, index, size))
        })
    }

    /// Its level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Its place in the level.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries, 1 to 256.
    #[must_use]
    pub fn width(&self) -> u64 {
        self.width
    }

    /// A partial tile changes with the tree, and no hash above is made of it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Its hashes or entries, counted from the first of the level.
    #[must_use]
    pub fn places(&self) -> Range<u64> {
        let first = self.index.saturating_mul(TILE_WIDTH);
        first..first.saturating_add(self.width)
    }

    /// The leaves below it. A tree has the tile, or a wider one, if it has at least the last of them.
    #[must_use]
    pub fn leaves(&self) -> Range<u64> {
        let (places, height) = (self.places(), self.level.height());
        places.start << height..places.end << height
    }

    /// The leaf after the last, if 64 bits hold it.
    fn end(&self) -> Option<u64> {
        let places = self
            .index
            .checked_mul(TILE_WIDTH)?
            .checked_add(self.width)?;
        1_u64.checked_shl(self.level.height())?.checked_mul(places)
    }

    /// Where a server has it: `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = match self.level {
            Level::Entries => String::from(ENTRIES_PREFIX),
            Level::Hashes(level) => format!("{TILE_PREFIX}{level}/"),
        };
        let groups = groups(self.index);
        for (place, group) in groups.iter().enumerate().rev() {
            path.push_str(&match place {
                0 => format!("{group:03}"),
                _ => format!("x{group:03}/"),
            });
        }
        if !self.is_full() {
            path.push_str(&format!(".p/{}", self.width));
        }
        path
    }

    /// Reads a path. `None` if it is not one, or not written in the one way there is, or of a tile that no tree of fewer than 2^63
    /// leaves has.
    #[must_use]
    pub fn parse(path: &str) -> Option<Tile> {
        let (level, rest) = match path.strip_prefix(ENTRIES_PREFIX) {
            Some(rest) => (Level::Entries, rest),
            None => {
                let (level, rest) = path.strip_prefix(TILE_PREFIX)?.split_once('/')?;
                (Level::Hashes(u32::try_from(number(level)?).ok()?), rest)
            }
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                let width = number(width).filter(|width| *width < TILE_WIDTH)?;
                (index, width)
            }
            None => (rest, TILE_WIDTH),
        };
        Tile::new(level, read_index(index)?, width)
    }
}

/// Base 1,000, lowest first; zero has one group.
fn groups(mut index: u64) -> Vec<u64> {
    let mut groups = Vec::new();
    loop {
        groups.push(index % 1_000);
        index /= 1_000;
        if index == 0 {
            return groups;
        }
    }
}

/// `x001/x234/067`: three digits each, all but the last behind an `x`, the first not zero unless it is the last.
fn read_index(text: &str) -> Option<u64> {
    let (front, last) = match text.rsplit_once('/') {
        Some((front, last)) => (Some(front), last),
        None => (None, text),
    };
    let mut index = 0_u64;
    for part in front.into_iter().flat_map(|front| front.split('/')) {
        let group = group(part.strip_prefix('x')?)?;
        if index == 0 && group == 0 {
            return None;
        }
        index = index.checked_mul(1_000)?.checked_add(group)?;
    }
    index.checked_mul(1_000)?.checked_add(group(last)?)
}

fn group(text: &str) -> Option<u64> {
    (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// A decimal number without leading zeros and signs.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// A tile's bytes: its hashes, one after the other.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// A tile's hashes. `None` if these are not `width` of them.
#[must_use]
pub fn decode_hashes(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    let fits = rest.is_empty() && u64::try_from(hashes.len()).ok()? == width;
    fits.then(|| hashes.iter().copied().map(Hash).collect())
}

/// A bundle's bytes: each entry behind its length.
#[must_use]
pub fn encode_bundle(entries: &[Hash]) -> Vec<u8> {
    let entry = |entry: &Hash| ENTRY_LENGTH.into_iter().chain(entry.0);
    entries.iter().flat_map(entry).collect()
}

/// A bundle's entries. `None` if these are not `width` entries of 32 bytes: our logs have no others.
#[must_use]
pub fn decode_bundle(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let (parts, rest) = bytes.as_chunks::<{ ENTRY_LENGTH.len() + ENTRY_BYTES }>();
    if !rest.is_empty() || u64::try_from(parts.len()).ok()? != width {
        return None;
    }
    let entry = |part: &[u8; ENTRY_LENGTH.len() + ENTRY_BYTES]| {
        let entry = part.strip_prefix(&ENTRY_LENGTH)?;
        entry.try_into().ok().map(Hash)
    };
    parts.iter().map(entry).collect()
}

/// The root over a full tile's hashes, which is the hash that stands for it in the level above. `None` for any other number.
#[must_use]
pub fn root(hashes: &[Hash]) -> Option<Hash> {
    if u64::try_from(hashes.len()).ok()? != TILE_WIDTH {
        return None;
    }
    let mut nodes = hashes.to_vec();
    while nodes.len() > 1 {
        let pairs = nodes.as_chunks::<2>().0;
        nodes = pairs
            .iter()
            .map(|[left, right]| hash::node(left, right))
            .collect();
    }
    nodes.first().copied()
}

#[cfg(test)]
mod tests;
