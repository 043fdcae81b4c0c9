//! `indelible inspect` on every kind of file, whole and damaged.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::{Bed, Ended};
use std::fs;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/v1")
}

/// Every file of the fixtures, with how its answer begins.
fn every_kind() -> Vec<(PathBuf, &'static str)> {
    let mut files = vec![
        (fixtures().join("store/FORMAT"), "FORMAT: "),
        (fixtures().join("store/lock"), "lock: "),
        (fixtures().join("store.keys/node-secret"), "node secret: "),
        (fixtures().join("payments.pin"), "pin: "),
        (fixtures().join("payments.export"), "export: "),
        (fixtures().join("41.receipt"), "receipt: "),
        (fixtures().join("41.record"), "record: "),
        (fixtures().join("100-140.heads"), "record: "),
        (fixtures().join("100-140.batch-receipt"), "batch receipt: "),
        (fixtures().join("100-450.proof"), "consistency proof: "),
        (fixtures().join("41.at"), "head at a time: "),
        (fixtures().join("before-rotation.export"), "export: "),
        (fixtures().join("before-rotation.receipt"), "receipt: "),
        (fixtures().join("before-rotation.secret"), "node secret: "),
        (fixtures().join("sealed.secret"), "node secret: "),
        (fixtures().join("ann.recovery"), "recovery key: "),
        (fixtures().join("guarded.register"), "register: "),
        (fixtures().join("orders-heads.export"), "export: "),
        (fixtures().join("orders.pin"), "pin: "),
        (fixtures().join("payments.memory"), "memory: "),
        (fixtures().join("payments.trust"), "trust file: "),
        (fixtures().join("payments.walk"), "walk file: "),
        (fixtures().join("tiles/checkpoint"), "signed note: "),
        (fixtures().join("tiles/tile/0/000"), "tile: "),
        (fixtures().join("tiles/tile/0/001.p/196"), "tile: "),
        (fixtures().join("tiles/tile/1/000.p/1"), "tile: "),
        (fixtures().join("tiles/tile/entries/000"), "entry bundle: "),
        (
            fixtures().join("tiles/tile/entries/001.p/196"),
            "entry bundle: ",
        ),
    ];
    for (directory, ending, kind) in [
        ("store/tail", "", "tail file: "),
        ("store/sealed", ".ent", "pack, entries: "),
        ("store/sealed", ".rec", "pack, records: "),
    ] {
        for entry in fs::read_dir(fixtures().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(ending) {
                files.push((path, kind));
            }
        }
    }
    files
}

/// Where the copy of a fixture goes: a tile is known by its path.
fn place(bed: &Bed, path: &Path) -> PathBuf {
    let path = path.to_str().unwrap();
    let below = path.find("tile/").and_then(|at| path.get(at..));
    let name = below.unwrap_or_else(|| path.rsplit('/').next().unwrap());
    let copy = bed.path(name);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    copy
}

#[test]
fn every_file_of_the_fixtures_is_looked_at_or_none_that_indelible_freezes() {
    let known: Vec<PathBuf> = every_kind().into_iter().map(|(path, _)| path).collect();
    let (mut left, mut others) = (vec![fixtures()], Vec::new());
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false if known.contains(&path) => {}
                false => others.push(path.strip_prefix(fixtures()).unwrap().to_owned()),
            }
        }
    }
    // What is in `derived/` is made anew from the records; what was torn is not in order, and has tests of its own.
    others
        .retain(|path| !path.starts_with("store/derived") && !path.starts_with("store/quarantine"));
    others.sort();
    assert_eq!(others, [Path::new("SHA256SUMS"), Path::new("passphrase")]);
}

#[test]
fn of_a_secret_under_a_passphrase_the_cost_is_shown_and_no_byte_of_the_rest() {
    let bed = Bed::empty();
    let text = fs::read_to_string(fixtures().join("sealed.secret")).unwrap();
    let recovery = fs::read_to_string(fixtures().join("ann.recovery")).unwrap();
    for (name, text) in [("sealed", text), ("recovery", recovery)] {
        let path = bed.write(name, &text);
        let secrets: Vec<&str> = text
            .split_whitespace()
            .filter(|part| part.len() >= 32)
            .collect();
        assert!(!secrets.is_empty());
        for flags in [&[][..], &["--json"], &["--all", "--events"]] {
            let told = bed.run([&["inspect", path.to_str().unwrap()], flags].concat());
            assert!(told.out.contains("not shown"), "{told:?}");
            if name == "sealed" {
                for word in ["argon2id", "65536", "generation"] {
                    assert!(
                        told.out.contains(word) || told.out.contains("65,536"),
                        "{told:?}"
                    );
                }
            } else {
                assert!(told.out.contains("ann"), "{told:?}");
            }
            for secret in &secrets {
                for at in 0..secret.len() - 11 {
                    let part = secret.get(at..at + 12).unwrap();
                    assert!(
                        !told.out.contains(part) && !told.err.contains(part),
                        "{told:?}"
                    );
                }
            }
        }
    }
}

/// Text on a terminal or in a pager may hold nothing that moves the cursor or turns letters around.
fn assert_plain(ended: &Ended) {
    let bad = |letter: char| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
    };
    assert!(!ended.out.contains(bad), "{}", ended.out.escape_debug());
}

fn json(ended: &Ended) -> serde_json::Value {
    assert_eq!(ended.out.lines().count(), 1, "{}", ended.out);
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

#[test]
fn every_kind_of_file_is_known_and_in_order() {
    let bed = Bed::empty();
    for (path, kind) in every_kind() {
        let copy = place(&bed, &path);
        fs::copy(&path, &copy).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
        let name = copy.to_str().unwrap();
        let told = bed.run(["inspect", name]);
        assert!(told.out.starts_with(kind), "{told:?}");
        assert!(told.out.contains("\nform: in order\n"), "{told:?}");
        assert_eq!(told.code, 0, "{told:?}");
        let value = json(&bed.run(["inspect", "--json", "--all", name]));
        assert_eq!(value["form"], "in order");
        assert_eq!(value["exit"], 0);
        assert_eq!(format!("{}: ", value["kind"].as_str().unwrap()), kind);
    }
}

#[test]
fn whatever_the_bytes_are_the_answer_is_text_with_an_exit_code() {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEED={seed}");
    let mut random = seed | 1;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let bed = Bed::empty();
    for (path, _) in every_kind() {
        let whole = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        for _ in 0..12 {
            let mut bytes = whole.clone();
            for _ in 0..=next(4) {
                let at = next(bytes.len());
                match next(6) {
                    0 => bytes.truncate(at),
                    1 => bytes.splice(at..at, [0xff; 9]).for_each(drop),
                    2 => (at..bytes.len().min(at + 64)).for_each(|at| bytes[at] = 0xff),
                    3 => bytes.extend_from_slice(&whole[..at.min(whole.len())]),
                    _ if at < bytes.len() => bytes[at] ^= 1 << next(8),
                    _ => {}
                }
            }
            let copy = place(&bed, &path);
            fs::write(&copy, bytes).unwrap();
            let copy = copy.to_str().unwrap();
            let told = bed.run(["inspect", "--events", copy]);
            assert!([0, 1, 2, 3].contains(&told.code), "{name}: {told:?}");
            assert!(!told.err.contains("panicked"), "{name}: {told:?}");
            assert_plain(&told);
            if told.code != 2 {
                let value = json(&bed.run(["inspect", "--json", "--all", "--events", copy]));
                assert_eq!(value["exit"], told.code, "{name}: {told:?}");
            }
        }
    }
}

#[test]
fn a_secret_and_a_generation_are_never_shown() {
    let bed = Bed::with_log();
    let secret = bed.read("store.keys/node-secret");
    let hex = secret.trim().rsplit(' ').next().unwrap().to_owned();
    for text in [
        secret.clone(),
        secret.trim().to_owned(),
        secret.replace("v1 0", "v9 7"),
        format!("{secret}more"),
        format!("indelible-node-secret-v1 {hex}\n"),
    ] {
        let path = bed.write("node-secret", text);
        for flags in [&[][..], &["--json"], &["--all", "--events"]] {
            let told = bed.run([&["inspect", path.to_str().unwrap()], flags].concat());
            let said = format!("{}{}", told.out, told.err);
            assert!(said.contains("not shown"), "{told:?}");
            for part in 0..hex.len() - 11 {
                assert!(!said.contains(&hex[part..part + 12]), "{told:?}");
            }
        }
    }
    let tail = bed.path("store/tail/000000000000");
    let generation: String = fs::read(&tail).unwrap()[64..96]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for flags in [&[][..], &["--json", "--all"]] {
        let told = bed.run([&["inspect", tail.to_str().unwrap()], flags].concat());
        assert_eq!(told.code, 0);
        assert!(!told.out.contains(&generation[..12]), "{told:?}");
    }
}

#[test]
fn events_are_shown_only_when_asked_for_and_then_escaped() {
    let bed = Bed::with_log();
    let event = "{\"note\":\"xyz\u{202e}uvw\u{7f}\u{9b}31m\"}\n";
    let appended = bed.run_with(["append", "--log", "payments", "-"], event.as_bytes());
    assert_eq!(appended.code, 0, "{appended:?}");
    bed.write("record", bed.ok(["get", "--log", "payments", "--seq", "1"]));
    bed.ok(["seal"]);
    let rec = bed
        .path("store/sealed")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "rec"))
        .unwrap();
    for path in [bed.path("record"), rec, bed.path("store/tail/000000000000")] {
        let path = path.to_str().unwrap();
        let told = bed.ok(["inspect", "--all", path]);
        assert!(!told.contains("xyz"), "{told}");
        let told = bed.run(["inspect", "--all", "--events", path]);
        assert!(
            told.out.contains("xyz\\u202euvw\\u007f\\u009b31m"),
            "{told:?}"
        );
        assert_plain(&told);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let bed = Bed::with_log();
    let appended = bed.run_with(
        ["append", "--log", "payments", "-"],
        &b"{\"a\":1}\n".repeat(300),
    );
    assert_eq!(appended.code, 0, "{appended:?}");
    bed.ok(["seal"]);
    let files = |ending: &str| {
        let mut files: Vec<PathBuf> = bed
            .path("store/sealed")
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect();
        files.sort();
        files.remove(0)
    };
    for (path, at, said) in [
        (files(".rec"), 160, "at 128: a frame's check is wrong"),
        (files(".rec"), 64, "at 0: a header's check is wrong"),
        (files(".ent"), 1_900, "section entries: its digest is wrong"),
        (
            bed.path("store/tail/000000000000"),
            4_096 + 70,
            "at 4096: slot bytes have a wrong checksum",
        ),
        (
            bed.path("store/tail/000000000000"),
            70,
            "at 0: tail file header has a wrong checksum",
        ),
        (
            bed.path("store/FORMAT"),
            30,
            "at 0: not what a store writes",
        ),
    ] {
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        let copy = bed.write(path.file_name().unwrap().to_str().unwrap(), bytes);
        let told = bed.run(["inspect", copy.to_str().unwrap()]);
        assert!(told.out.contains(said), "{said}: {told:?}");
        assert!(told.out.contains("form: broken"), "{told:?}");
        assert_eq!(told.code, 1, "{told:?}");
    }
    let other = bed.path("000000000007-000000000009.ent");
    fs::copy(files(".ent"), &other).unwrap();
    let told = bed.run(["inspect", other.to_str().unwrap()]);
    assert!(
        told.out
            .contains("the file holds other batches than its name says"),
        "{told:?}"
    );
}

#[test]
fn what_is_set_aside_is_held_against_the_digest_in_its_name() {
    let bed = Bed::with_log();
    let tail = fs::read(bed.path("store/tail/000000000000")).unwrap();
    // The first slot, torn in the middle.
    let mut slot = tail[4_096..8_192].to_vec();
    slot[1_000..].fill(0);
    let digest = {
        use sha2::{Digest as _, Sha256};
        let digest = Sha256::digest(&slot);
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let right = bed.write(&format!("000000000000-{digest}"), &slot);
    let told = bed.run(["inspect", right.to_str().unwrap()]);
    assert!(told.out.contains("digest in name: right"), "{told:?}");
    assert!(
        told.out.contains("at 0: slot bytes have a wrong checksum"),
        "{told:?}"
    );
    slot[999] ^= 1;
    let wrong = bed.write(&format!("000000000000-{digest}"), &slot);
    let told = bed.run(["inspect", wrong.to_str().unwrap()]);
    assert!(told.out.contains("digest in name: wrong"), "{told:?}");
}

#[test]
fn long_lists_are_cut_unless_all_is_asked_for() {
    let bed = Bed::with_log();
    for _ in 0..12 {
        bed.run_with(["append", "--log", "payments", "-"], b"{}\n");
    }
    let tail = bed.path("store/tail/000000000000");
    let tail = tail.to_str().unwrap();
    let slots = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("  number "))
            .count()
    };
    let short = bed.ok(["inspect", tail]);
    let all = bed.ok(["inspect", "--all", tail]);
    assert_eq!(slots(&short), 20, "{short}");
    assert!(slots(&all) > 20, "{all}");
    let more = format!("  and {} more (--all shows them)", slots(&all) - 20);
    assert!(short.contains(&more), "{short}");
    let value = json(&bed.run(["inspect", "--json", tail]));
    assert_eq!(value["slots"].as_array().unwrap().len(), 20);
    assert_eq!(value["slot_count"], slots(&all));
}

#[test]
fn what_is_none_of_ours_is_a_usage_error() {
    let bed = Bed::with_log();
    for (name, bytes) in [("picture.png", &b"\x89PNG\r\n"[..]), ("empty", b"")] {
        let path = bed.write(name, bytes);
        let told = bed.run(["inspect", path.to_str().unwrap()]);
        assert_eq!(told.code, 2, "{told:?}");
    }
    let told = bed.run(["inspect", "store"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("indelible verify"), "{told:?}");
    assert_eq!(bed.run(["inspect", "nothing"]).code, 2);
    let piped = bed.run_with(
        ["inspect", "-"],
        &fs::read(bed.path("store/FORMAT")).unwrap(),
    );
    assert_eq!(piped.code, 0, "{piped:?}");
}
