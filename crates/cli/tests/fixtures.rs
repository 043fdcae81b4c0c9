//! What earlier versions wrote opens, verifies and goes on.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What git can't keep: a secret is readable by its owner alone.
const PRIVATE: [&str; 5] = [
    "ann.recovery",
    "before-rotation.secret",
    "passphrase",
    "sealed.secret",
    "store.keys/node-secret",
];

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/v1")
}

fn copied() -> Bed {
    let bed = Bed::empty();
    copy(&fixture(), bed.directory());
    fs::set_permissions(bed.path("store.keys"), fs::Permissions::from_mode(0o700)).unwrap();
    for name in PRIVATE {
        fs::set_permissions(bed.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
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

fn sha256(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(bytes) {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

fn pin(bed: &Bed) -> String {
    bed.read("payments.pin").trim().to_owned()
}

/// Asserts that a verification of these arguments is asked for with the pin and finds nothing wrong or missing.
fn verifies(bed: &Bed, arguments: &[&str]) {
    let pin = pin(bed);
    let all = [&["verify", "--pin", &pin], arguments].concat();
    let verified = bed.ok(all.iter().copied());
    assert!(
        verified.contains("integrity: ok\nauthenticity: ok\n"),
        "{arguments:?}: {verified}"
    );
}

#[test]
fn no_file_was_changed_since_it_was_made() {
    let sums = fs::read_to_string(fixture().join("SHA256SUMS")).unwrap();
    let mut named = 0;
    for line in sums.lines() {
        let (digest, path) = line.split_once("  ").unwrap();
        let bytes = fs::read(fixture().join(path)).unwrap();
        assert_eq!(sha256(&bytes), digest, "{path}");
        named += 1;
    }
    assert_eq!(named, 42);
}

#[test]
fn a_store_of_version_1_opens_verifies_and_goes_on() {
    let bed = copied();
    verifies(&bed, &[]);
    assert_eq!(
        bed.ok(["get", "--log", "payments", "--seq", "41"]),
        bed.read("41.record")
    );

    // Its horizon, streams and generation of keys are known: what is sent again is not recorded twice.
    let orders: String = (300..=451)
        .map(|order| format!("{{\"order\":{order},\"amount\":\"1.00\"}}\n"))
        .collect();
    let write = |log: &str, options: &[&str], lines: &[u8]| {
        let place = ["append", "--log", log, "--keys", "store.keys", "--moved"];
        let ended = bed.run_with([&place[..], options, &["-"]].concat(), lines);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.out
    };
    let appended = write("payments", &["--key-field", "order"], orders.as_bytes());
    assert!(appended.starts_with("recorded 1 event"), "{appended}");
    let appended = write("orders", &["--stream", "till-7"], b"{\"delivery\":1}\n");
    assert!(appended.starts_with("recorded 1 event"), "{appended}");

    bed.ok(["seal", "--keys", "store.keys"]);
    bed.ok(["merge", "--keys", "store.keys"]);
    bed.ok(["key", "rotate", "--keys", "store.keys"]);
    verifies(&bed, &[]);
}

#[test]
fn a_copy_is_not_written_to_unless_somebody_says_it_moved() {
    let bed = copied();
    let refused = bed.run_with(
        ["append", "--log", "orders", "--keys", "store.keys", "-"],
        b"{}\n",
    );
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--moved"), "{}", refused.err);
}

#[test]
fn evidence_of_version_1_verifies() {
    let bed = copied();
    let walk = ["--walk", "payments.walk"];
    for name in ["payments.export", "before-rotation.export"] {
        verifies(&bed, &["--export", name]);
    }
    let receipt = ["--receipt", "41.receipt", "--record", "41.record"];
    verifies(&bed, &[&receipt[..], &walk].concat());
    // A batch receipt and a proof take the pin of today's key, which names the same log.
    let today = bed.ok(["pin", "--log", "payments"]).trim().to_owned();
    let batch = ["--receipt", "100-140.batch-receipt"];
    for evidence in [
        &[&batch[..], &["--record", "100-140.heads"]].concat()[..],
        &["--proof", "100-450.proof"],
        &["--proof", "41.at"],
    ] {
        let verified = bed.ok([&["verify", "--pin", &today], evidence].concat());
        assert!(verified.contains("authenticity: ok\n"), "{verified}");
    }
    bed.ok([
        "verify",
        "--export",
        "payments.export",
        "--trust",
        "payments.trust",
    ]);
    let seen = bed.ok([
        "verify",
        "--pin",
        &pin(&bed),
        "--remember",
        "payments.memory",
    ]);
    assert!(seen.contains("consistency: ok"), "{seen}");

    let orders = bed.read("orders.pin").trim().to_owned();
    bed.ok([
        "verify",
        "--export",
        "orders-heads.export",
        "--pin",
        &orders,
    ]);
}

#[test]
fn an_old_receipt_of_version_1_is_made_anew() {
    let bed = copied();
    let anew = bed.ok(["receipt", "--refresh", "before-rotation.receipt"]);
    assert!(anew.starts_with("c2sp.org/tlog-proof@v1\n"), "{anew}");
    let walk = ["--walk", "payments.walk", "--receipt"];
    let old = bed.run(
        [
            &["verify", "--pin", &pin(&bed)][..],
            &walk,
            &["before-rotation.receipt"],
        ]
        .concat(),
    );
    assert_eq!(old.code, 3, "{old:?}");
    assert!(old.out.contains("ok up to its hinge"), "{}", old.out);
}

#[test]
fn a_secret_of_version_1_is_read_and_one_that_was_replaced_refused() {
    let bed = copied();
    let store = ["--keys", "store.keys", "--moved"];
    let key_show = bed.ok([&["key", "show"][..], &store[..2]].concat());
    assert!(key_show.contains("generation 1"), "{key_show}");
    fs::copy(
        bed.path("before-rotation.secret"),
        bed.path("store.keys/node-secret"),
    )
    .unwrap();
    let refused = bed.run([&["seal"][..], &store].concat());
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("don't belong to this store"),
        "{}",
        refused.err
    );
}
