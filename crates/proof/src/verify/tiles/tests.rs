use super::*;
use crate::hash::sha256;
use crate::note::Note;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::convert::Infallible;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";

/// Files by path.
#[derive(Clone)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Site for Files {
    type Error = Infallible;
    fn read(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&tile.path()).cloned())
    }
    fn narrower(&mut self, tile: &Tile) -> Result<Vec<Tile>, Infallible> {
        let all = self.0.keys().filter_map(|path| Tile::parse(path));
        let same = |one: &Tile| (one.level(), one.index()) == (tile.level(), tile.index());
        Ok(all
            .filter(|one| same(one) && one.width() < tile.width())
            .collect())
    }
}

fn entry(seq: u64) -> Hash {
    sha256(seq.to_string().as_bytes())
}

/// A log of `size` records, with what was published at `before`, and its root.
fn log(size: u64, before: u64) -> (Files, Hash) {
    let (mut files, mut root) = (BTreeMap::new(), hash::empty_root());
    for size in [before, size] {
        let entries: Vec<Hash> = (0..size).map(entry).collect();
        let mut level: Vec<Hash> = entries.iter().map(hash::leaf).collect();
        let mut tree = Frontier::new();
        level.iter().for_each(|leaf| tree.push(*leaf));
        root = tree.root();
        for (chunk, index) in entries.chunks(256).zip(0..) {
            let tile = Tile::in_tree(Level::Entries, index, size).unwrap();
            files.insert(tile.path(), tile::encode_bundle(chunk));
        }
        for number in 0.. {
            for (chunk, index) in level.chunks(256).zip(0..) {
                let tile = Tile::in_tree(Level::Hashes(number), index, size).unwrap();
                files.insert(tile.path(), tile::encode_hashes(chunk));
            }
            level = level.chunks(256).map_while(tile::root).collect();
            if level.is_empty() {
                break;
            }
        }
    }
    (Files(files), root)
}

fn checkpoint(size: u64, root: &Hash) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let root = BASE64_STANDARD.encode(root.0);
    let line = BASE64_STANDARD.encode([1; 68]);
    let text = format!("{ORIGIN}\n{size}\n{root}\n\n— {ORIGIN} {line}\n");
    assert!(Note::parse(text.as_bytes()).is_ok());
    text
}

fn judge(files: &Files, size: u64, root: &Hash) -> Report {
    let note = checkpoint(size, root);
    let Ok(report) = verify_tiles(note.as_bytes(), &mut files.clone(), None, None);
    report
}

fn found(files: &Files, size: u64, root: &Hash) -> Vec<String> {
    let report = judge(files, size, root);
    let first = report.verdict.integrity;
    let all = core::iter::once(&first).chain(&report.further);
    all.map(ToString::to_string).collect()
}

#[test]
fn a_whole_log_is_in_order_at_every_sort_of_size() {
    for (size, before) in [
        (0, 0),
        (1, 0),
        (3, 1),
        (255, 7),
        (256, 255),
        (257, 3),
        (700, 600),
        (66_000, 65_000),
    ] {
        let (files, root) = log(size, before);
        let report = judge(&files, size, &root);
        assert_eq!(report.verdict.integrity, Integrity::Ok, "{size}");
        assert_eq!(report.verdict.completeness, Completeness::ContentWithheld);
        assert_eq!(report.verdict.authenticity, Authenticity::SelfKeyed);
    }
}

/// What a flipped bit of a file is called.
fn called(tile: &Tile, at: usize, is_current: bool) -> String {
    let first = tile.places().start;
    let at = u64::try_from(at).unwrap();
    match tile.level() {
        _ if !is_current => format!("unreadable({}, ", tile.path()),
        Level::Entries if at % 34 < 2 => format!("unreadable({}, 0)", tile.path()),
        Level::Entries => format!("entry altered({})", first + at / 34),
        level => format!("tile altered({}, {})", level.height() / 8, tile.index()),
    }
}

#[test]
fn any_changed_bit_of_any_file_is_found_and_named() {
    for (size, before, step) in [
        (3, 1, 1),
        (260, 257, 97),
        (600, 300, 1_009),
        (65_800, 65_700, 70_001),
    ] {
        let (files, root) = log(size, before);
        for (path, bytes) in &files.0 {
            let tile = Tile::parse(path).unwrap();
            let is_current = Tile::in_tree(tile.level(), tile.index(), size) == Some(tile);
            if size > 60_000 && tile.index() % 100 != 56 && tile.level() < Level::Hashes(1) {
                continue; // They are all alike, and each takes a walk over the whole log.
            }
            for at in (0..bytes.len()).step_by(step) {
                let mut files = files.clone();
                files.0.get_mut(path).unwrap()[at] ^= 1 << (at % 8);
                let found = found(&files, size, &root);
                assert_eq!(found.len(), 1, "{path} {at}: {found:?}");
                let called = called(&tile, at, is_current);
                assert!(found[0].starts_with(&called), "{path} {at}: {found:?}");
            }
        }
    }
}

#[test]
fn a_file_that_is_gone_short_or_long_is_named() {
    let (size, before) = (600, 300);
    let (files, root) = log(size, before);
    for (path, bytes) in &files.0 {
        let tile = Tile::parse(path).unwrap();
        let is_current = Tile::in_tree(tile.level(), tile.index(), size) == Some(tile);
        for change in [
            None,
            Some(bytes[1..].to_vec()),
            Some([bytes, &[0][..]].concat()),
            Some(Vec::new()),
        ] {
            let mut files = files.clone();
            let is_gone = change.is_none();
            match change {
                None => files.0.remove(path),
                Some(bytes) => files.0.insert(path.clone(), bytes),
            };
            let found = found(&files, size, &root);
            if is_gone && !is_current {
                assert_eq!(found, ["ok"], "{path}");
                continue;
            }
            let called = match is_gone {
                true => String::from("missing("),
                false => format!("unreadable({path}, "),
            };
            assert!(found[0].starts_with(&called), "{path}: {found:?}");
            // The other of the two lowest levels still has the root, so nothing else is in doubt.
            assert_eq!(judge(&files, size, &root).further, [], "{path}");
        }
    }
}

#[test]
fn entries_and_tiles_changed_together_do_not_give_the_root() {
    let (size, mut other) = (600, Vec::new());
    let (mut files, root) = log(size, 0);
    for (path, bytes) in &mut files.0 {
        match Tile::parse(path).unwrap() {
            tile if tile.index() != 1 || tile.level() > Level::Hashes(0) => {}
            tile if tile.level() == Level::Entries => {
                bytes[100] ^= 1;
                let entries = tile::decode_bundle(bytes, tile.width()).unwrap();
                other = entries.iter().map(hash::leaf).collect();
            }
            _ => {}
        }
    }
    files
        .0
        .insert(String::from("tile/0/001"), tile::encode_hashes(&other));
    assert_eq!(found(&files, size, &root), ["root mismatch(600)"]);
    let (files, root) = log(size, 0);
    assert_eq!(found(&files, size, &sha256(b"x")), ["root mismatch(600)"]);
    assert!(found(&files, 599, &root)[0].starts_with("missing("));
    let completeness = judge(&files, size, &sha256(b"x")).verdict.completeness;
    assert_eq!(completeness, Completeness::Unchecked);
}

#[test]
fn a_tree_that_is_not_whole_is_missing_and_no_root_mismatch() {
    let (whole, root) = log(600, 0);
    let without = |paths: &[&str]| {
        let mut files = whole.clone();
        paths.iter().for_each(|path| {
            files.0.remove(*path).unwrap();
        });
        files
    };
    // One of the two trees is whole, and has another root than was signed.
    let files = without(&["tile/entries/000"]);
    let other = found(&files, 600, &sha256(b"x"));
    assert!(other[0].starts_with("missing(0, "), "{other:?}");
    assert_eq!(other[1..], ["root mismatch(600)"]);
    // Neither is.
    let files = without(&["tile/entries/000", "tile/0/001"]);
    let neither = found(&files, 600, &root);
    assert!(neither[0].starts_with("missing(0, "), "{neither:?}");
    assert!(neither[1].starts_with("missing(256, ") && neither.len() == 2);
}

#[test]
fn no_more_tiles_are_named_than_anybody_reads() {
    let size = 70 * 256;
    let (mut files, root) = log(size, 0);
    for index in 0..70 {
        let tile = Tile::in_tree(Level::Hashes(0), index, size).unwrap();
        files.0.get_mut(&tile.path()).unwrap()[0] ^= 1;
    }
    let found = found(&files, size, &root);
    assert_eq!(found.len(), TILES_FINDINGS_MAX);
    assert!(
        found
            .iter()
            .all(|found| found.starts_with("tile altered(0, "))
    );
}

#[test]
fn tiles_signed_by_nobody_who_is_known_are_complete_for_nobody() {
    let (mut files, root) = log(3, 0);
    let key = crate::key::VerifierKey::ed25519(ORIGIN, [7; 32]);
    let pin = crate::pin::Pin::new(sha256(b"id"), key).unwrap();
    let note = checkpoint(3, &root);
    let Ok(report) = verify_tiles(note.as_bytes(), &mut files, Some(&pin), None);
    assert_eq!(report.verdict.integrity, Integrity::Ok);
    assert_eq!(report.verdict.authenticity, Authenticity::UnknownKey);
    assert_eq!(report.verdict.completeness, Completeness::Unchecked);
}

#[test]
fn a_checkpoint_that_promises_what_nobody_has_ends_soon() {
    let size = (1 << 62) + 7;
    let found = found(&Files(BTreeMap::new()), size, &sha256(b"x"));
    assert!(found.len() <= TILES_FINDINGS_MAX + 1, "{}", found.len());
    assert!(found[0].starts_with("missing("), "{}", found[0]);
}

#[test]
fn the_tree_of_an_earlier_size_is_shown_where_the_root_is_right() {
    let (files, root) = log(600, 0);
    let note = checkpoint(600, &root);
    for size in [1, 256, 300, 600] {
        let Ok(report) = verify_tiles(note.as_bytes(), &mut files.clone(), None, Some(size));
        let (_, root) = log(size, 0);
        assert_eq!(report.checked.tree_heads, [TreeHead { size, root }]);
    }
    let Ok(report) = verify_tiles(note.as_bytes(), &mut files.clone(), None, Some(601));
    assert_eq!(report.checked.tree_heads, []);
}

#[test]
fn what_is_no_checkpoint_is_malformed() {
    let (mut files, _) = log(3, 0);
    for note in ["", "x\n", "a\n3\nx\n\n"] {
        let Ok(report) = verify_tiles(note.as_bytes(), &mut files, None, None);
        assert_eq!(
            report.verdict.integrity,
            Integrity::Malformed(Part::Checkpoint)
        );
    }
}
