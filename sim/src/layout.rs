//! Where evidence lies, read from the files as `docs/spec/tail.md` says and with nothing of the store's code: the oracle of what an injury must
//! come to.

use crate::snapshot::{Kept, Snapshot};
use std::ops::Range;
use std::path::Path;

const BLOCK: usize = 4096;
const SLOT_HEADER: usize = 64;
/// A signed batch header, which is what the register keeps.
const SIGNED_HEADER: usize = 248;
/// Bytes before the register's content.
const REGISTER_HEAD: usize = 32;

/// A slot of the tail.
#[derive(Clone, Debug)]
pub struct Slot {
    pub number: u64,
    /// Index of its file among the snapshot's.
    pub file: usize,
    /// With its header, and with the zeros behind it to the next block.
    pub range: Range<usize>,
}

/// A store at rest that verifies.
pub struct Layout {
    /// All slots, by number.
    pub slots: Vec<Slot>,
    /// The last batch that a pack holds.
    pub last_sealed: Option<u64>,
    /// The register holds the header of the last slot.
    pub registered: bool,
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

pub fn is_tail(file: &Kept) -> bool {
    is_in(file, "tail")
}

pub fn is_in(file: &Kept, directory: &str) -> bool {
    file.path
        .parent()
        .is_some_and(|parent| parent.ends_with(Path::new("store").join(directory)))
}

/// First and last batch of a pack's file, by its name.
fn batches(file: &Kept) -> Option<(u64, u64)> {
    let (first, last) = file.path.file_stem()?.to_str()?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Whether a pack's file lies beside one of a pack that holds it, or that it holds: one of the two was left by an interrupted merging
/// and counts for nothing.
pub fn is_beside_merged(files: &Snapshot, file: &Kept) -> bool {
    let Some(own) = batches(file) else {
        return false;
    };
    let sealed = files.files().iter().filter(|other| is_in(other, "sealed"));
    let mut others = sealed.filter_map(batches).filter(|other| *other != own);
    let inside = |inner: (u64, u64), outer: (u64, u64)| outer.0 <= inner.0 && inner.1 <= outer.1;
    others.any(|other| inside(own, other) || inside(other, own))
}

/// The slots in a tail file: those whose header carries the file's generation. What lies between them is unused.
fn slots_in(index: usize, file: &Kept) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut at = BLOCK;
    while let Some(header) = file.bytes.get(at..at + SLOT_HEADER) {
        let ours = header.starts_with(b"INDLSLOT") && header.get(8..40) == file.bytes.get(64..96);
        let (Some(number), Some(length), true) = (number(header, 40), number(header, 48), ours)
        else {
            at += BLOCK;
            continue;
        };
        let end = at + SLOT_HEADER + usize::try_from(length).unwrap_or(0);
        let end = end.next_multiple_of(BLOCK).min(file.bytes.len());
        slots.push(Slot {
            number,
            file: index,
            range: at..end,
        });
        at = end;
    }
    slots
}

impl Layout {
    pub fn read(files: &Snapshot, register: &Path) -> Layout {
        let all = files.files();
        let tails = all.iter().enumerate().filter(|(_, file)| is_tail(file));
        let mut slots: Vec<Slot> = tails
            .flat_map(|(index, file)| slots_in(index, file))
            .collect();
        slots.sort_by_key(|slot| slot.number);
        let last_of_name = |file: &Kept| {
            let name = file.path.file_stem()?.to_str()?;
            name.rsplit('-').next()?.parse::<u64>().ok()
        };
        let sealed = all.iter().filter(|file| is_in(file, "sealed"));
        let held = all.iter().find(|file| file.path == register);
        let registered = slots.last().zip(held).is_some_and(|(slot, held)| {
            let from = slot.range.start + SLOT_HEADER;
            let header = all[slot.file].bytes.get(from..from + SIGNED_HEADER);
            header.is_some()
                && held.bytes.get(REGISTER_HEAD..REGISTER_HEAD + SIGNED_HEADER) == header
        });
        Layout {
            slots,
            last_sealed: sealed.filter_map(last_of_name).max(),
            registered,
        }
    }

    pub fn is_sealed(&self, slot: u64) -> bool {
        self.last_sealed.is_some_and(|last| slot <= last)
    }

    pub fn last(&self) -> Option<u64> {
        self.slots.last().map(|slot| slot.number)
    }

    /// Blocks of a tail file in which nothing stands.
    pub fn unused(&self, index: usize, file: &Kept) -> Vec<Range<usize>> {
        let blocks = (BLOCK..file.bytes.len())
            .step_by(BLOCK)
            .map(|at| at..at + BLOCK);
        let taken = |block: &Range<usize>| {
            self.slots
                .iter()
                .any(|slot| slot.file == index && slot.range.contains(&block.start))
        };
        blocks.filter(|block| !taken(block)).collect()
    }
}
