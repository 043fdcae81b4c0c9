//! Tiles and entry bundles: which there are, their paths, their bytes.

use crate::{base64_of, file, hash, hashes, list, number, text, wide};
use indelible_proof::hash::{Hash, leaf, sha256};
use indelible_proof::tile::{self, Level, Tile};
use serde_json::Value;

/// Entry *i* is SHA-256 of the decimal text of *i*.
fn entries(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|number| sha256(number.to_string().as_bytes()))
        .collect()
}

fn level(value: &Value) -> Level {
    match value.as_u64() {
        Some(level) => Level::Hashes(u32::try_from(level).unwrap()),
        None => Level::Entries,
    }
}

/// The part of a level's hashes or entries that a tile holds.
fn part<'h>(of_level: &'h [Hash], tile: &Tile) -> &'h [Hash] {
    let places = tile.places();
    &of_level[usize::try_from(places.start).unwrap()..usize::try_from(places.end).unwrap()]
}

#[test]
fn paths_are_read_and_written_as_the_vectors_say() {
    let file = file("tile");
    for case in list(&file, "paths") {
        let (path, expect) = (text(&case["path"]), &case["expect"]);
        let read = Tile::parse(path);
        if expect == "invalid" {
            assert_eq!(read, None, "{case}");
            continue;
        }
        let read = read.unwrap_or_else(|| panic!("{case}"));
        assert_eq!(read.path(), path);
        assert_eq!(
            (read.level(), read.index(), read.width()),
            (
                level(&expect["level"]),
                wide(&expect["index"]),
                wide(&expect["width"])
            ),
            "{case}"
        );
    }
}

#[test]
fn trees_have_the_tiles_that_the_vectors_say() {
    let file = file("tile");
    for case in list(&file, "trees") {
        let tiles: Vec<Tile> = Tile::since(wide(&case["before"]), wide(&case["size"])).collect();
        let lines: String = tiles.iter().map(|tile| tile.path() + "\n").collect();
        assert_eq!(tiles.len(), number(&case["count"]), "{case}");
        assert_eq!(sha256(lines.as_bytes()), hash(&case["sha256"]), "{case}");
        for path in case["paths"].as_array().into_iter().flatten() {
            assert!(lines.lines().any(|line| line == text(path)), "{case}");
        }
        for tile in tiles {
            assert_eq!(Tile::parse(&tile.path()), Some(tile));
        }
    }
}

#[test]
fn tiles_of_every_level_are_those_of_the_vectors() {
    let file = file("tree");
    let mut levels = vec![entries(70_000).iter().map(leaf).collect::<Vec<Hash>>()];
    while let Some(below) = levels.last().filter(|below| below.len() >= 256) {
        let above = below
            .chunks_exact(256)
            .map(|full| tile::root(full).unwrap());
        levels.push(above.collect());
    }
    for case in list(&file, "tiles") {
        let tile = Tile::parse(text(&case["path"])).unwrap();
        let Level::Hashes(level) = tile.level() else {
            panic!("{case}");
        };
        assert_eq!(
            (u64::from(level), tile.index()),
            (wide(&case["level"]), wide(&case["index"]))
        );
        let bytes = tile::encode_hashes(part(&levels[usize::try_from(level).unwrap()], &tile));
        assert_eq!(sha256(&bytes), hash(&case["sha256"]), "{case}");
        assert_eq!(
            tile::decode_hashes(&bytes, tile.width()).unwrap(),
            part(&levels[usize::try_from(level).unwrap()], &tile)
        );
    }
}

#[test]
fn entry_bundles_are_made_and_read_as_the_vectors_say() {
    let (file, entries) = (file("tile"), entries(70_000));
    for case in list(&file, "bundles") {
        let tile = Tile::parse(text(&case["path"])).unwrap();
        let bytes = tile::encode_bundle(part(&entries, &tile));
        assert_eq!(sha256(&bytes), hash(&case["sha256"]), "{case}");
    }
    for case in list(&file, "readings") {
        let (bytes, width) = (base64_of(&case["bundle_b64"]), wide(&case["width"]));
        let read = tile::decode_bundle(&bytes, width);
        let expected = (case["expect"] != "refused").then(|| hashes(&case["expect"]));
        assert_eq!(read, expected, "{}", case["name"]);
        if let Some(read) = read {
            assert_eq!(tile::encode_bundle(&read), bytes);
        }
    }
}
