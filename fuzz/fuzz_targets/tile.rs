//! A tile has one path and one form of its bytes, and lies in some tree.

#![no_main]

use indelible_proof::limits::TREE_SIZE_MAX;
use indelible_proof::tile::{self, Tile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(path) = str::from_utf8(input)
        && let Some(tile) = Tile::parse(path)
    {
        assert_eq!(tile.path(), path);
        let leaves = tile.leaves();
        assert!(leaves.start < leaves.end && leaves.end <= TREE_SIZE_MAX);
        let there = Tile::in_tree(tile.level(), tile.index(), leaves.end);
        assert_eq!(there, Some(tile), "the smallest tree that has it");
        let before = Tile::in_tree(tile.level(), tile.index(), leaves.end - 1);
        assert!(before.is_none_or(|before| before.width() < tile.width()));
    }
    for width in [1, 2, 255, 256] {
        if let Some(entries) = tile::decode_bundle(input, width) {
            assert_eq!(tile::encode_bundle(&entries), input);
        }
        if let Some(hashes) = tile::decode_hashes(input, width) {
            assert_eq!(tile::encode_hashes(&hashes), input);
            assert_eq!(tile::root(&hashes).is_some(), width == 256);
        }
    }
});
