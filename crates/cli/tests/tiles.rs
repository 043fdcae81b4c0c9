//! `export --tiles` stopped at any moment: what a checkpoint promises is there, and the next run ends with the same directory.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::{self, Hash};
use indelible_proof::note::Note;
use indelible_proof::tile::{self, Level, Tile};
use indelible_proof::tree::Frontier;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

/// Records that are added before each export: some 65 files of them.
const RECORDS: u64 = 8_000;

fn append(bed: &Bed, first: u64) {
    let mut lines = String::new();
    for number in first..first + RECORDS {
        writeln!(lines, "{{\"order\":{number}}}").unwrap();
    }
    bed.write("events", lines);
    bed.ok(["append", "--log", "payments", "events"]);
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![directory.to_owned()]);
    while let Some(at) = left.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_string_lossy();
                found.insert(name.into_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The size of a directory whose checkpoint and files are one log; 0 if it has no checkpoint. Everything comes from its bundles.
fn promised(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    let Some(note) = files.get("checkpoint") else {
        return 0;
    };
    let note = Note::parse(note).unwrap();
    let checkpoint = Checkpoint::parse(note.text).unwrap();
    let mut entries: Vec<Hash> = Vec::new();
    for tile in Tile::since(0, checkpoint.size) {
        if tile.level() == Level::Entries {
            entries.extend(tile::decode_bundle(&files[&tile.path()], tile.width()).unwrap());
        }
    }
    let mut level: Vec<Hash> = entries.iter().map(hash::leaf).collect();
    let mut tree = Frontier::new();
    level.iter().for_each(|leaf| tree.push(*leaf));
    assert_eq!(tree.root(), checkpoint.root);
    for number in 0.. {
        for chunk in level.chunks(256).zip(0..).map(|(chunk, index)| {
            let tile = Tile::in_tree(Level::Hashes(number), index, checkpoint.size).unwrap();
            (tile.path(), tile::encode_hashes(chunk))
        }) {
            assert!(files[&chunk.0] == chunk.1, "{}", chunk.0);
        }
        level = level.chunks(256).map_while(tile::root).collect();
        if level.is_empty() {
            break;
        }
    }
    checkpoint.size
}

/// Kills an export when it has built so many files, or lets it end if it never does.
fn killed(bed: &Bed, built: usize) {
    let mut export = bed.command(["export", "--log", "payments", "--tiles", "site"]);
    let mut child = export.stderr(Stdio::null()).spawn().unwrap();
    let building = bed.path("site/.part");
    while child.try_wait().unwrap().is_none() {
        if std::fs::read_dir(&building).is_ok_and(|names| names.count() >= built) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        std::thread::yield_now();
    }
}

#[test]
fn an_export_killed_at_any_moment_is_finished_by_the_next() {
    let bed = Bed::with_log();
    let mut sizes = vec![0];
    for round in 0..3 {
        append(&bed, round * RECORDS);
        for built in [1, 7, 30, 55, 62] {
            killed(&bed, built);
            let mut there = files(&bed.path("site"));
            there.retain(|name, _| !name.starts_with(".part/"));
            let size = promised(&there);
            assert!(
                sizes.contains(&size) || size == (round + 1) * RECORDS + 1,
                "{size}"
            );
        }
        bed.ok(["export", "--log", "payments", "--tiles", "site"]);
        sizes.push(promised(&files(&bed.path("site"))));
    }
    bed.ok(["export", "--log", "payments", "--tiles", "fresh"]);
    let (site, fresh) = (files(&bed.path("site")), files(&bed.path("fresh")));
    assert_eq!(promised(&site), RECORDS * 3 + 1);
    for (name, bytes) in &fresh {
        assert!(site[name] == *bytes, "{name}");
    }
    // All else are partial tiles of the sizes before.
    for name in site.keys().filter(|name| !fresh.contains_key(*name)) {
        assert!(
            Tile::parse(name).is_some_and(|tile| !tile.is_full()),
            "{name}"
        );
    }
}

/// `verify --tiles` of the directory `site` under a pin.
fn verify(bed: &Bed, pin: &str) -> bed::Ended {
    bed.run(["verify", "--tiles", "site", "--pin", pin])
}

#[test]
fn a_damaged_byte_in_any_file_of_a_directory_is_found() {
    let bed = Bed::with_log();
    let pin = bed.ok(["pin", "--log", "payments"]);
    let pin = pin.trim();
    for records in [5, 300] {
        let events: String = (0..records)
            .map(|number| format!("{{\"n\":{number}}}\n"))
            .collect();
        bed.write("events", events);
        bed.ok(["append", "--log", "payments", "events"]);
        bed.ok(["export", "--log", "payments", "--tiles", "site"]);
    }
    let whole = verify(&bed, pin);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(
        whole.out.contains("\ncompleteness: content withheld\n"),
        "{whole:?}"
    );
    let files = files(&bed.path("site"));
    assert!(
        files.keys().any(|name| name.contains(".p/6")),
        "{:?}",
        files.keys()
    );
    for (name, bytes) in &files {
        let at = bed.path("site").join(name);
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            std::fs::write(&at, damaged).unwrap();
            let ended = verify(&bed, pin);
            assert!([1, 3].contains(&ended.code), "{name} at {place}: {ended:?}");
            assert!(
                !ended.out.starts_with("verified"),
                "{name} at {place}: {ended:?}"
            );
        }
        std::fs::remove_file(&at).unwrap();
        let is_old = name.contains(".p/6");
        let expected = match name.as_str() {
            "checkpoint" => 2,
            _ if is_old => 0,
            _ => 1,
        };
        assert_eq!(verify(&bed, pin).code, expected, "{name}");
        std::fs::write(&at, bytes).unwrap();
    }
    assert_eq!(verify(&bed, pin).code, 0);
}
