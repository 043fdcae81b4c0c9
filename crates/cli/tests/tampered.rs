//! What `cargo xtask tamper` found: each a fault that was there once (`docs/incidents.md`).

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn append(bed: &Bed, count: usize) {
    let events: String = (0..count).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let ended = bed.run_with(["append", "--log", "payments"], events.as_bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_memory_goes_on_through_a_rotation_whichever_pin_of_the_log_is_given() {
    let bed = Bed::with_log();
    append(&bed, 3);
    let first = bed.ok(["pin", "--log", "payments"]);
    let export = |name: &str| bed.write(name, bed.ok(["export", "--log", "payments"]));
    bed.ok(["verify", "--remember", "store.memory"]);
    export("one.export");
    let seen = [
        "verify",
        "--remember",
        "export.memory",
        "--pin",
        first.trim(),
    ];
    bed.ok([&seen[..], &["--export", "one.export"]].concat());
    bed.ok(["key", "rotate"]);
    let second = bed.ok(["pin", "--log", "payments"]);
    assert_ne!(first, second);
    for round in 0..2 {
        append(&bed, 2);
        for pin in [first.trim(), second.trim()] {
            let store = bed.run(["verify", "--remember", "store.memory", "--pin", pin]);
            assert_eq!(store.code, 0, "round {round}: {store:?}");
            assert!(store.out.contains("consistency: ok\n"), "{store:?}");
            let name = format!("{round}.export");
            export(&name);
            let seen = [
                "verify",
                "--remember",
                "export.memory",
                "--export",
                &name,
                "--pin",
                pin,
            ];
            let export = bed.run(seen);
            assert_eq!(export.code, 0, "round {round}: {export:?}");
            assert!(export.out.contains("consistency: ok\n"), "{export:?}");
        }
        let unpinned = bed.ok(["verify", "--remember", "store.memory"]);
        assert!(unpinned.contains("consistency: ok\n"), "{unpinned}");
    }
}

/// The line of a memory that is about `payments`, and the origin in it.
fn of_payments(memory: &str) -> (&str, &str) {
    let line = memory.lines().find(|line| line.contains("/payments/"));
    let line = line.unwrap();
    let note = line.split('"').nth(3).unwrap();
    (line, note.split("\\n").next().unwrap())
}

#[test]
fn a_memory_of_another_log_under_the_same_origin_is_not_taken_for_one() {
    let bed = Bed::with_log();
    append(&bed, 3);
    bed.ok(["verify", "--remember", "memory"]);
    let pin = bed.ok(["pin", "--log", "payments"]);
    let memory = bed.read("memory");
    let (own, origin) = of_payments(&memory);
    // A note of the same origin, signed by a key that the log never had.
    let other = Bed::with_log();
    append(&other, 3);
    other.ok(["verify", "--remember", "memory"]);
    let foreign = other.read("memory");
    let (foreign, theirs) = of_payments(&foreign);
    bed.write(
        "memory",
        memory.replace(own, &foreign.replace(theirs, origin)),
    );
    let ended = bed.run(["verify", "--remember", "memory", "--pin", pin.trim()]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.out.contains("consistency: unchecked\n"), "{ended:?}");
}

/// The `.ent` of the only pack, and where a section of it begins.
fn pack(bed: &Bed, section: usize) -> (PathBuf, usize) {
    let names = fs::read_dir(bed.path("store/sealed")).unwrap();
    let mut paths = names.map(|entry| entry.unwrap().path());
    let path = paths
        .find(|path| path.extension().is_some_and(|end| end == "ent"))
        .unwrap();
    let bytes = fs::read(&path).unwrap();
    let row = 104 + 52 * section;
    let start = u64::from_le_bytes(bytes[row..row + 8].try_into().unwrap());
    (path, usize::try_from(start).unwrap())
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn nothing_that_was_proved_from_an_altered_tree_leaves_the_store() {
    let bed = Bed::with_log();
    append(&bed, 300);
    bed.ok(["seal"]);
    bed.ok(["key", "rotate"]);
    append(&bed, 300);
    for what in LEAVING {
        bed.ok(what.split(' '));
    }
    // The only level-8 node that lies wholly in the pack: records 0 to 255.
    let (path, nodes) = pack(&bed, 2);
    flip(&path, nodes);
    for what in LEAVING {
        let ended = bed.run(what.split(' '));
        assert_eq!(ended.code, 1, "{what}: {ended:?}");
        assert!(
            ended.err.contains("to the signed root"),
            "{what}: {ended:?}"
        );
    }
    let verdict = bed.run(["verify"]);
    assert!(
        verdict.out.contains("integrity: tile altered(8, 0)\n"),
        "{verdict:?}"
    );
}

/// What hands out a proof in which that node stands.
const LEAVING: [&str; 5] = [
    "export --log payments --from 256 --to 299",
    "export --log payments --from 400 --as-found",
    "key walk --log payments",
    "prove --log payments --from-size 256 --to-size 500",
    "receipt --log payments --seq 400",
];

#[test]
fn a_copy_from_before_a_change_of_keys_is_called_that() {
    let bed = Bed::empty();
    let init = [
        "init",
        "--origin",
        "audit.acme.internal",
        "--register",
        "register",
    ];
    bed.ok([&init[..], &["--tail-size", "64KiB"]].concat());
    bed.ok(["log", "create", "payments"]);
    let old: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(bed.path("store/tail"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    bed.ok(["key", "rotate"]);
    for (path, bytes) in old {
        fs::write(path, bytes).unwrap();
    }
    for arguments in [["log", "create", "refunds"].as_slice(), &["log", "list"]] {
        let ended = bed.run(arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(
            ended.err.contains("from before a change of keys"),
            "{ended:?}"
        );
    }
    let ended = bed.run(["verify"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.out.contains("from before a change of keys"),
        "{ended:?}"
    );
}
