//! Tiles and entry bundles: those of the standard, at any size, wherever the records lie; none that does not lead to the signed root.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::surgery::{Pack, edit, packs};
use bed::truth::read;
use bed::{Bed, caller, create, group};
use indelible_ledger::{Books, Log, ReadError, SignedNote};
use indelible_proof::hash::{self, Hash};
use indelible_proof::tile::{Level, Tile};
use std::sync::Arc;

/// Sections of a pack's `.ent`.
const ENTRIES: usize = 1;
const NODES: usize = 2;

/// A log whose records came in groups of these sizes, some of them sealed, and the entries that its callers were told.
struct Written {
    bed: Bed,
    entries: Vec<Hash>,
}

/// Records that are written at once: far below a group's limit in bytes.
const TOGETHER: u64 = 2_000;

/// Each group: how many records, and whether the tail is sealed afterwards.
fn written(groups: &[(u64, bool)]) -> Written {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let mut entries = vec![log.id()];
    let mut next = 0;
    for (count, sealed) in groups {
        let end = next + count;
        while next < end {
            let numbers = next..end.min(next + TOGETHER);
            next = numbers.end;
            let recorded = group(&ledger, &log, &mut caller, numbers).unwrap();
            entries.extend(recorded.iter().map(|recorded| recorded.entry));
        }
        if *sealed {
            ledger.seal().unwrap();
        }
    }
    ledger.close("test").unwrap();
    Written { bed, entries }
}

impl Written {
    fn books(&self) -> (Books, Arc<Log>) {
        let books = read(self.bed.reader());
        let log = books.log("payments").unwrap();
        (books, log)
    }

    fn size(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap()
    }

    /// A note as this log would have signed it; nothing here looks at the signature.
    fn note(&self, size: u64) -> SignedNote {
        let leaves: Vec<Hash> = self.entries[..place(size)].iter().map(hash::leaf).collect();
        SignedNote {
            size,
            root: root(&leaves),
            text: String::new(),
        }
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

/// RFC 6962 §2.1, word for word.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash::sha256(b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            hash::node(&root(left), &root(right))
        }
    }
}

/// The bytes of a tile by the sentence in C2SP tlog-tiles: MTH(D[(n · 256 + i) · 256^l : (n · 256 + i + 1) · 256^l]).
fn expected(leaves: &[Hash], entries: &[Hash], tile: &Tile) -> Vec<u8> {
    let Level::Hashes(level) = tile.level() else {
        let places = tile.places();
        let held = &entries[place(places.start)..place(places.end)];
        return held
            .iter()
            .flat_map(|entry| [&[0, 32], &entry.0[..]].concat())
            .collect();
    };
    let span = 256_u64.pow(level);
    let hash = |at: u64| root(&leaves[place(at * span)..place((at + 1) * span)]).0;
    tile.places().flat_map(hash).collect()
}

/// Every tile of every size is the standard's.
fn check(written: &Written, sizes: &[u64]) {
    let (books, log) = written.books();
    let leaves: Vec<Hash> = written.entries.iter().map(hash::leaf).collect();
    let mut known = std::collections::HashMap::new();
    for size in sizes {
        let tiles = books.tiles(&log, &written.note(*size)).unwrap();
        assert_eq!(tiles.size(), *size);
        for tile in Tile::since(0, *size) {
            let expected = known
                .entry(tile)
                .or_insert_with(|| expected(&leaves, &written.entries, &tile));
            assert!(
                tiles.bytes(&tile).unwrap() == *expected,
                "{} of {size}",
                tile.path()
            );
        }
    }
}

#[test]
fn tiles_of_every_size_around_one_block_are_the_standard_s() {
    // Sealed runs that end inside blocks and at their borders, and a tail.
    let written = written(&[
        (3, true),
        (200, false),
        (52, true),
        (257, true),
        (300, false),
    ]);
    let sizes: Vec<u64> = (0..=8)
        .chain(253..=260)
        .chain(509..=515)
        .chain(766..=770)
        .collect();
    check(&written, &sizes);
    check(&written, &[written.size()]);
}

#[test]
fn tiles_around_a_full_tile_of_level_1_are_the_standard_s() {
    let written = written(&[
        (700, true),
        (30_000, true),
        (29_000, false),
        (5_800, true),
        (35, false),
        (300, false),
    ]);
    check(&written, &[65_535, 65_536, 65_537, written.size()]);
}

#[test]
fn a_partial_tile_of_an_earlier_size_is_still_given() {
    let written = written(&[(600, true), (40, false)]);
    let (books, log) = written.books();
    let tiles = books.tiles(&log, &written.note(641)).unwrap();
    for size in [1, 2, 100, 257, 600, 640] {
        for tile in Tile::since(0, size) {
            let whole = Tile::in_tree(tile.level(), tile.index(), 641).unwrap();
            let bytes = tiles.bytes(&tile).unwrap();
            assert!(
                tiles.bytes(&whole).unwrap().starts_with(&bytes),
                "{}",
                tile.path()
            );
        }
    }
}

#[test]
fn nothing_beyond_the_signed_size_is_given() {
    let written = written(&[(600, true), (40, false)]);
    let (books, log) = written.books();
    let tiles = books.tiles(&log, &written.note(300)).unwrap();
    for tile in Tile::since(300, 641) {
        let refused = tiles.bytes(&tile).unwrap_err();
        assert!(
            matches!(refused, ReadError::NoSuchRecord { .. }),
            "{}",
            tile.path()
        );
    }
    assert!(tiles.block(2).is_err() && tiles.block(u64::MAX >> 9).is_err());
    let beyond = SignedNote {
        size: 642,
        ..written.note(641)
    };
    assert!(matches!(
        books.tiles(&log, &beyond),
        Err(ReadError::NoSuchRecord { .. })
    ));
}

#[test]
fn a_root_that_is_not_the_log_s_has_no_tiles() {
    let written = written(&[(600, true), (40, false)]);
    let (books, log) = written.books();
    for size in [1, 256, 300, 512, 641] {
        let other = SignedNote {
            root: Hash([7; 32]),
            ..written.note(size)
        };
        let refused = books.tiles(&log, &other).err().unwrap();
        assert!(
            matches!(refused, ReadError::Damaged { .. }),
            "{size}: {refused}"
        );
    }
}

/// 1,001 records in one pack, all of its blocks but the last stored as nodes.
fn victim() -> (Written, Pack) {
    let written = written(&[(1_000, true), (40, false)]);
    let pack = packs(&written.bed).remove(0);
    (written, pack)
}

/// Where the log's run has its first entry, in a section that holds other logs' too.
fn find(pack: &Pack, section: usize, hash: &Hash) -> usize {
    let file = std::fs::read(&pack.ent).unwrap();
    let held = &file[pack.section(section)];
    held.chunks_exact(32)
        .position(|chunk| chunk == hash.0)
        .unwrap()
        * 32
}

#[test]
fn a_damaged_entry_takes_its_tile_away_and_no_other() {
    let (written, pack) = victim();
    let at = find(&pack, ENTRIES, &written.entries[300]);
    pack.edit_section(ENTRIES, |section| section[at] ^= 1);
    let (books, log) = written.books();
    let tiles = books.tiles(&log, &written.note(1_041)).unwrap();
    for tile in Tile::since(0, 1_041) {
        let given = tiles.bytes(&tile);
        let low = matches!(tile.level(), Level::Entries | Level::Hashes(0));
        if !(low && tile.index() == 1) {
            given.unwrap();
            continue;
        }
        let error = given.unwrap_err();
        let ReadError::Damaged {
            file, seqs, offset, ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((file, seqs), (pack.ent_name.clone(), 256..512));
        let first = pack.section(ENTRIES).start + find(&pack, ENTRIES, &written.entries[256]);
        assert_eq!(place(offset), first);
    }
}

#[test]
fn a_damaged_node_is_named_before_anything_leaves() {
    let (written, pack) = victim();
    let leaves: Vec<Hash> = written.entries[512..768].iter().map(hash::leaf).collect();
    let at = find(&pack, NODES, &root(&leaves));
    pack.edit_section(NODES, |section| section[at + 31] ^= 0x80);
    let (books, log) = written.books();
    let error = books.tiles(&log, &written.note(1_041)).err().unwrap();
    let ReadError::Damaged {
        file, seqs, offset, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((file, seqs), (pack.ent_name.clone(), 512..768));
    assert_eq!(place(offset), pack.section(NODES).start + at);
    // A size that does not need this node is served as before.
    let tiles = books.tiles(&log, &written.note(512)).unwrap();
    for tile in Tile::since(0, 512) {
        tiles.bytes(&tile).unwrap();
    }
}

#[test]
fn an_entry_whose_node_was_made_right_again_does_not_pass() {
    let (written, pack) = victim();
    let at = find(&pack, ENTRIES, &written.entries[300]);
    let other = Hash([9; 32]);
    let block = |entries: &[Hash]| root(&entries.iter().map(hash::leaf).collect::<Vec<Hash>>());
    let mut forged = written.entries[256..512].to_vec();
    forged[300 - 256] = other;
    let node = find(&pack, NODES, &block(&written.entries[256..512]));
    pack.edit_section(ENTRIES, |section| {
        section[at..at + 32].copy_from_slice(&other.0)
    });
    let pack = packs(&written.bed).remove(0);
    pack.edit_section(NODES, |section| {
        section[node..node + 32].copy_from_slice(&block(&forged).0)
    });
    let (books, log) = written.books();
    let error = books.tiles(&log, &written.note(1_041)).err().unwrap();
    assert!(matches!(error, ReadError::Damaged { .. }), "{error}");
}

#[test]
fn a_damaged_entry_of_the_last_block_is_refused_at_once() {
    let written = written(&[(1_000, true)]);
    let pack = packs(&written.bed).remove(0);
    let at = find(&pack, ENTRIES, &written.entries[1_000]);
    edit(&pack.ent, |file| {
        file[pack.section(ENTRIES).start + at + 5] ^= 4
    });
    let (books, log) = written.books();
    let error = books.tiles(&log, &written.note(1_001)).err().unwrap();
    assert!(matches!(error, ReadError::Damaged { .. }), "{error}");
}
