//! What earlier versions wrote opens, verifies and goes on.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name)
}

/// A copy in which the node secret is readable by its owner alone, as git can't keep it.
fn copied(name: &str) -> Bed {
    let bed = Bed::empty();
    copy(&fixture(name), bed.directory());
    let keys = bed.path("store.keys");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(keys.join("node-secret"), fs::Permissions::from_mode(0o600)).unwrap();
    bed
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_store_of_version_0_opens_verifies_and_goes_on() {
    let bed = copied("v0");
    let pin = bed.read("payments.pin").trim().to_owned();
    let verified = bed.ok(["verify", "--pin", &pin]);
    assert!(
        verified.contains("integrity: ok\nauthenticity: ok\n"),
        "{verified}"
    );
    assert_eq!(
        bed.ok(["get", "--log", "payments", "--seq", "41"]),
        bed.read("41.record")
    );
    assert_eq!(bed.ok(["pin", "--log", "payments"]).trim(), pin);

    let moved = [
        "append",
        "--log",
        "orders",
        "--keys",
        "store.keys",
        "--moved",
        "-",
    ];
    let appended = bed.run_with(moved, b"{\"order\":1}\n");
    assert_eq!(appended.code, 0, "{appended:?}");
    bed.ok(["seal", "--keys", "store.keys"]);
    let verified = bed.ok(["verify", "--pin", &pin]);
    assert!(verified.contains("2 packs"), "{verified}");
    assert!(
        bed.ok(["get", "--log", "orders", "--seq", "21"])
            .contains("{\"order\":1}")
    );
}

#[test]
fn a_copy_is_not_written_to_unless_somebody_says_it_moved() {
    let bed = copied("v0");
    let refused = bed.run_with(
        ["append", "--log", "orders", "--keys", "store.keys", "-"],
        b"{}\n",
    );
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--moved"), "{}", refused.err);
}

#[test]
fn evidence_of_version_0_verifies() {
    let bed = copied("v0");
    let pin = bed.read("payments.pin").trim().to_owned();
    bed.ok(["verify", "--export", "payments.export", "--pin", &pin]);
    bed.ok([
        "verify",
        "--receipt",
        "41.receipt",
        "--record",
        "41.record",
        "--pin",
        &pin,
    ]);
}
