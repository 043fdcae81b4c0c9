//! The memory of a verifier: what it learns is durable and whole, and only what was verified is learnt.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::{Bed, Ended};
use std::process::Stdio;

fn append(bed: &Bed, events: &str) {
    let ended = bed.run_with(["append", "--log", "payments"], events.as_bytes());
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn verifications_at_once_take_turns_and_lose_nothing() {
    let bed = Bed::with_log();
    for round in 0..3 {
        append(&bed, "{}\n");
        let children: Vec<_> = (0..4)
            .map(|_| {
                let mut command = bed.command(["verify", "--remember", "memory"]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        let first_sight = children
            .into_iter()
            .map(|child| Ended::from(child.wait_with_output().unwrap()))
            .map(|ended| {
                assert_eq!(ended.code, 0, "{ended:?}");
                ended.out.contains("consistency: unchecked\n")
            })
            .filter(|is_first| *is_first)
            .count();
        assert_eq!(first_sight, usize::from(round == 0), "round {round}");
        let memory = bed.read("memory");
        assert_eq!(memory.lines().count(), 3, "{memory}");
        let size = format!("\\n{}\\n", bed.size("payments"));
        assert!(memory.contains(&size), "{memory}");
    }
    assert!(!bed.path("memory.new").exists());
}

#[test]
fn nothing_is_learnt_from_a_verdict_that_is_not_good() {
    let bed = Bed::with_log();
    append(&bed, "{\"amount\":1}\n");
    let pin = bed.ok(["pin", "--log", "payments"]);
    bed.write("export", bed.ok(["export", "--log", "payments"]));
    let changed = bed.read("export").replace("\"amount\":1", "\"amount\":9");
    bed.write("changed", changed);
    for (arguments, code) in [
        (&["--export", "changed", "--pin", pin.trim()][..], 1),
        (&["--export", "export"], 3),
    ] {
        let ended = bed.run([&["verify", "--remember", "memory"], arguments].concat());
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(!bed.path("memory").exists(), "{ended:?}");
    }
    bed.ok([
        "verify",
        "--remember",
        "memory",
        "--export",
        "export",
        "--pin",
        pin.trim(),
    ]);
    assert_eq!(bed.read("memory").lines().count(), 2);
}

#[test]
fn a_memory_that_was_cut_short_is_refused_and_left_as_it_is() {
    let bed = Bed::with_log();
    append(&bed, "{}\n");
    bed.ok(["verify", "--remember", "memory"]);
    let whole = bed.read("memory");
    bed.write("memory", &whole[..whole.len() - 5]);
    let ended = bed.run(["verify", "--remember", "memory"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(bed.read("memory"), whole[..whole.len() - 5]);
}

#[test]
fn a_store_made_anew_under_the_same_names_is_not_the_one_that_is_remembered() {
    let bed = Bed::with_log();
    append(&bed, "{}\n{}\n");
    bed.ok(["verify", "--remember", "memory"]);
    let memory = bed.read("memory");
    for name in ["store", "store.keys"] {
        std::fs::rename(bed.path(name), bed.path(&format!("{name}.old"))).unwrap();
    }
    bed.ok(["init", "--origin", "audit.acme.internal"]);
    bed.ok(["log", "create", "payments"]);
    append(&bed, "{}\n{}\n{}\n{}\n{}\n");
    for arguments in [
        &["verify", "--remember", "memory"][..],
        &["verify", "--remember", "memory", "--log", "payments"],
    ] {
        let ended = bed.run(arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        for said in [
            "consistency: rollback",
            "is not in this store; 3 records were signed and seen before",
            "the payments that is there is another log, audit.acme.internal/payments/",
            "the _node that is there is another log, audit.acme.internal/_node/",
        ] {
            assert!(ended.out.contains(said), "{said}: {ended:?}");
        }
        assert_eq!(bed.read("memory"), memory, "nothing is learnt from it");
    }
    // Alone it is whole, and a memory of its own goes with it.
    bed.ok(["verify", "--remember", "another"]);
    bed.ok(["verify", "--remember", "another"]);
}

#[test]
fn a_node_whose_origin_only_begins_alike_is_another_one() {
    let bed = Bed::with_log();
    append(&bed, "{}\n");
    bed.ok(["verify", "--remember", "memory"]);
    bed.ok([
        "init",
        "--store",
        "below",
        "--origin",
        "audit.acme.internal/berlin",
    ]);
    bed.ok(["verify", "--store", "below", "--remember", "memory"]);
    // And the one above is not missing what was seen of the one below.
    bed.ok(["verify", "--remember", "memory"]);
}
