//! What a command leaves that was stopped in the middle, and that the next one goes on from it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

const INIT: [&str; 5] = [
    "init",
    "--origin",
    "audit.acme.internal",
    "--tail-size",
    "64KiB",
];

fn private(bed: &Bed, name: &str, bytes: impl AsRef<[u8]>) {
    let path = bed.write(name, bytes);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn goes_on(bed: &Bed) {
    bed.ok(["log", "create", "orders"]);
    let ended = bed.run_with(["append", "--log", "orders"], b"{}\n");
    assert_eq!(ended.code, 0, "{ended:?}");
    bed.ok(["verify"]);
}

#[test]
fn init_that_was_stopped_can_be_begun_again() {
    let torn = "indelible-node-secret-v1 0 0001";
    for left in [
        &["store.keys/node-secret.unused"][..],
        &["store.keys/node-secret.unused.new"][..],
        &["store.keys/node-secret.unused", "store/lock"][..],
    ] {
        let bed = Bed::empty();
        for directory in ["store.keys", "store"] {
            let mut builder = std::fs::DirBuilder::new();
            builder.mode(0o700).create(bed.path(directory)).unwrap();
        }
        for name in left {
            let bytes = if name.ends_with("lock") { "" } else { torn };
            private(&bed, name, bytes);
        }
        bed.ok(INIT);
        assert!(!bed.path("store.keys/node-secret.unused").exists());
        goes_on(&bed);
    }
}

#[test]
fn a_secret_in_use_is_never_replaced_by_init() {
    let bed = Bed::with_log();
    let secret = bed.read("store.keys/node-secret");
    let other = bed.run([&INIT[..], &["--store", "other", "--keys", "store.keys"]].concat());
    assert_eq!(other.code, 2, "{other:?}");
    assert!(
        other.err.contains("there is a node secret already"),
        "{other:?}"
    );
    assert_eq!(bed.read("store.keys/node-secret"), secret);
    assert!(!bed.path("other").exists());
}

#[test]
fn a_secret_is_taken_into_use_behind_the_store_that_it_signs_for() {
    let bed = Bed::empty();
    bed.ok(INIT);
    let (unused, named) = (
        bed.path("store.keys/node-secret.unused"),
        bed.path("store.keys/node-secret"),
    );
    std::fs::rename(&named, &unused).unwrap();
    // No writer can open it, so nothing was made durable.
    std::fs::rename(bed.path("store/lock"), bed.path("lock")).unwrap();
    let refused = bed.run(["log", "create", "payments"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(unused.exists() && !named.exists(), "{refused:?}");
    std::fs::rename(bed.path("lock"), bed.path("store/lock")).unwrap();
    goes_on(&bed);
    assert!(!unused.exists() && named.exists());
}

#[test]
fn a_store_whose_init_failed_at_its_end_keeps_the_secret_it_needs() {
    let bed = Bed::empty();
    bed.ok(INIT);
    let (unused, named) = (
        bed.path("store.keys/node-secret.unused"),
        bed.path("store.keys/node-secret"),
    );
    std::fs::rename(&named, &unused).unwrap();
    goes_on(&bed);
    assert!(named.exists() && !unused.exists());
}

#[test]
fn a_rotation_whose_new_secret_was_only_half_written_can_be_begun_again() {
    let bed = Bed::with_log();
    private(&bed, "store.keys/node-secret.next.new", "indelible-node-");
    bed.ok(["key", "rotate"]);
    assert!(!bed.path("store.keys/node-secret.next.new").exists());
    goes_on(&bed);
}

#[test]
fn an_old_secret_that_was_only_half_destroyed_does_not_keep_the_node_from_starting() {
    let bed = Bed::with_log();
    let old = bed.read("store.keys/node-secret");
    bed.ok(["key", "rotate"]);
    let next = bed.read("store.keys/node-secret");
    private(&bed, "store.keys/node-secret.next", &next);
    let half = old.len() / 2;
    private(
        &bed,
        "store.keys/node-secret",
        ["\0".repeat(half).as_str(), &old[half..]].concat(),
    );
    goes_on(&bed);
    assert_eq!(bed.read("store.keys/node-secret"), next);
    assert!(!bed.path("store.keys/node-secret.next").exists());
}

#[test]
fn receipts_that_a_power_loss_took_do_not_stand_in_the_way_of_the_next_ones() {
    let lines = |bed: &Bed| {
        let text = bed.read("receipts");
        let whole = |line: &&str| line.starts_with("{\"seq\":") && line.ends_with('}');
        text.lines().filter(whole).count()
    };
    let append = |bed: &Bed| {
        bed.run_with(
            ["append", "--log", "payments", "--receipts", "receipts"],
            b"{}\n",
        )
    };
    // The length came to the disk and the bytes did not, all of them or from some sector on.
    for kept in [0, 512] {
        let bed = Bed::with_log();
        assert_eq!(append(&bed).code, 0);
        let mut bytes = bed.read("receipts").into_bytes();
        bytes[kept..].fill(0);
        bed.write("receipts", bytes);
        let ended = append(&bed);
        assert_eq!(ended.code, 0, "{kept}: {ended:?}");
        assert_eq!(lines(&bed), 1, "{kept}");
    }
    let bed = Bed::with_log();
    bed.write("receipts", b"{\"seq\":1,");
    assert_eq!(append(&bed).code, 0);
    assert_eq!(lines(&bed), 1);
    let bed = Bed::with_log();
    bed.write("receipts", b"my own notes\n");
    let ended = append(&bed);
    assert_eq!(ended.code, 2, "{ended:?}");
}
