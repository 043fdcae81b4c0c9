use super::*;
use crate::tree::Frontier;
use alloc::vec;

fn paths(before: u64, size: u64) -> Vec<String> {
    Tile::since(before, size).map(|tile| tile.path()).collect()
}

fn hashes(count: u8) -> Vec<Hash> {
    (0..count).map(|number| Hash([number; 32])).collect()
}

#[test]
fn an_empty_tree_has_no_tiles_and_no_tile_is_empty() {
    assert_eq!(Tile::since(0, 0).count(), 0);
    assert_eq!(Level::of_tree(0).count(), 0);
    assert_eq!(Level::of_tree(1).count(), 2);
    for size in [1, 255, 256, 257, 65_535, 65_536, 65_537, TREE_SIZE_MAX] {
        for level in [Level::Entries, Level::Hashes(0), Level::Hashes(7)] {
            let first_missing = (size >> level.height()).div_ceil(256);
            assert_eq!(Tile::in_tree(level, first_missing, size), None, "{size}");
        }
    }
}

#[test]
fn tiles_are_cut_as_the_standard_says() {
    assert_eq!(paths(0, 1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
    assert_eq!(
        paths(0, 256),
        ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    );
    let all: Vec<Tile> = Tile::since(0, 70_000).collect();
    let count = |level, full| {
        let of_level = all.iter().filter(|tile| tile.level() == level);
        of_level.filter(|tile| tile.is_full() == full).count()
    };
    for (level, full, partial) in [(Level::Entries, 273, 1), (Level::Hashes(0), 273, 1)] {
        assert_eq!((count(level, true), count(level, false)), (full, partial));
    }
    let last = |level| Tile::in_tree(level, 1, 70_000);
    assert_eq!(count(Level::Hashes(1), true), 1);
    assert_eq!(last(Level::Hashes(1)).unwrap().width(), 17);
    assert_eq!(last(Level::Hashes(2)), None);
    let first = Tile::in_tree(Level::Hashes(1), 0, 70_000).unwrap();
    assert_eq!(first.leaves(), 0..65_536);
    assert_eq!(last(Level::Hashes(1)).unwrap().leaves(), 65_536..69_888);
    assert_eq!(last(Level::Entries).unwrap().leaves(), 256..512);
}

#[test]
fn what_a_growing_tree_gets_is_what_it_had_not() {
    let sizes = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537];
    for before in sizes {
        for size in sizes.into_iter().filter(|size| *size >= before) {
            let had = paths(0, before);
            let mut expected = paths(0, size);
            expected.retain(|path| !had.contains(path));
            assert_eq!(paths(before, size), expected, "{before} to {size}");
        }
    }
}

#[test]
fn a_tile_of_a_full_tree_can_be_named_and_none_beyond() {
    let last = Tile::in_tree(Level::Hashes(7), 0, TREE_SIZE_MAX).unwrap();
    assert_eq!(
        (last.width(), last.path().as_str()),
        (127, "tile/7/000.p/127")
    );
    assert_eq!(Tile::parse(&last.path()), Some(last));
    assert_eq!(Tile::parse("tile/7/000.p/128"), None);
    assert_eq!(Tile::parse("tile/8/000.p/1"), None);
    assert_eq!(Tile::since(0, TREE_SIZE_MAX + 1).count(), 0);
    let first = Tile::since(0, TREE_SIZE_MAX).next();
    assert_eq!(first.unwrap().path(), "tile/entries/000");
    let widest = (TREE_SIZE_MAX - 255) / 256;
    let tile = Tile::in_tree(Level::Entries, widest, TREE_SIZE_MAX).unwrap();
    assert_eq!(tile.leaves().end, TREE_SIZE_MAX);
    assert_eq!(
        tile.path(),
        "tile/entries/x036/x028/x797/x018/x963/967.p/255"
    );
    assert_eq!(Tile::parse(&tile.path()), Some(tile));
    assert_eq!(
        Tile::in_tree(Level::Entries, widest + 1, TREE_SIZE_MAX),
        None
    );
    assert_eq!(Tile::in_tree(Level::Entries, u64::MAX, TREE_SIZE_MAX), None);
}

#[test]
fn every_path_is_read_back_and_no_other_text_is_one() {
    let mut tiles: Vec<Tile> = Tile::since(0, 70_000).collect();
    for index in [999, 1_000, 1_234_067, 1_000_000, 999_999] {
        let size = (index + 1) * 256;
        tiles.push(Tile::in_tree(Level::Hashes(0), index, size).unwrap());
    }
    for tile in &tiles {
        assert_eq!(Tile::parse(&tile.path()), Some(*tile), "{}", tile.path());
    }
    // One byte changed, put in or taken out: whatever is still read has another name and is written so.
    for path in tiles.iter().rev().take(40).map(Tile::path) {
        for place in 0..path.len() {
            let mut shorter = path.clone();
            shorter.remove(place);
            let mut tried = vec![shorter];
            for letter in "0129x./p+ -".chars() {
                let mut longer = path.clone();
                longer.insert(place, letter);
                let mut other = path.clone();
                other.replace_range(place..=place, letter.encode_utf8(&mut [0; 4]));
                tried.extend([longer, other]);
            }
            for text in tried {
                if let Some(tile) = Tile::parse(&text) {
                    assert_eq!(tile.path(), text);
                }
            }
        }
    }
}

#[test]
fn bytes_of_another_length_are_no_tile_and_no_bundle() {
    let three = hashes(3);
    let (tile, bundle) = (encode_hashes(&three), encode_bundle(&three));
    assert_eq!((tile.len(), bundle.len()), (96, 102));
    assert_eq!(decode_hashes(&tile, 3), Some(three.clone()));
    assert_eq!(decode_bundle(&bundle, 3), Some(three));
    for width in [0, 2, 4, 256, u64::MAX] {
        assert_eq!(decode_hashes(&tile, width), None);
        assert_eq!(decode_bundle(&bundle, width), None);
    }
    for length in 0..tile.len() {
        let part = tile.get(..length).unwrap();
        assert_eq!(decode_hashes(part, 3), None);
    }
    for length in 0..bundle.len() {
        let part = bundle.get(..length).unwrap();
        assert_eq!(decode_bundle(part, 3), None);
    }
}

#[test]
fn an_entry_of_another_length_is_refused() {
    for (place, byte) in [(0, 1), (1, 31), (1, 33), (1, 0), (34, 1), (35, 0)] {
        let mut bundle = encode_bundle(&hashes(2));
        *bundle.get_mut(place).unwrap() = byte;
        assert_eq!(decode_bundle(&bundle, 2), None, "{place}");
    }
}

#[test]
fn only_a_full_tile_has_a_root() {
    let full: Vec<Hash> = (0..=255).map(|number| Hash([number; 32])).collect();
    let mut frontier = Frontier::new();
    full.iter().for_each(|hash| frontier.push(*hash));
    assert_eq!(root(&full), Some(frontier.root()));
    assert_eq!(root(full.get(1..).unwrap()), None);
    assert_eq!(root(&[full.clone(), full].concat()), None);
    assert_eq!(root(&[]), None);
}
