//! `indelible merge`: killed anywhere, beside readers, and in the way of a writer.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A store with so many packs, and a log with a hundred events in each.
fn packs(count: usize) -> Bed {
    let bed = Bed::with_log();
    for _ in 0..count {
        let appended = bed.run_with(
            ["append", "--log", "payments", "-"],
            &b"{\"order\":1}\n".repeat(100),
        );
        assert_eq!(appended.code, 0, "{appended:?}");
        bed.ok(["seal"]);
    }
    bed
}

fn files(bed: &Bed) -> usize {
    bed.path("store/sealed").read_dir().unwrap().count()
}

#[test]
fn small_packs_become_one_and_evidence_from_before_still_verifies() {
    let bed = packs(6);
    let pin = bed.ok(["pin", "--log", "payments"]).trim().to_owned();
    bed.write(
        "receipt",
        bed.ok(["receipt", "--log", "payments", "--seq", "7"]),
    );
    bed.ok(["export", "--log", "payments", "--out", "export"]);
    let before = bed.ok(["get", "--log", "payments"]);
    let told = bed.ok(["merge"]);
    assert!(
        told.starts_with("merged 5 packs of batches 0 to "),
        "{told}"
    );
    assert_eq!(files(&bed), 4);
    assert_eq!(bed.ok(["get", "--log", "payments"]), before);
    bed.ok(["verify", "--pin", &pin]);
    bed.ok(["verify", "--receipt", "receipt", "--pin", &pin]);
    bed.ok(["verify", "--export", "export", "--pin", &pin]);
    let again = bed.ok(["merge"]);
    assert!(again.starts_with("nothing to merge"), "{again}");
    for entry in bed.path("store/sealed").read_dir().unwrap() {
        bed.ok(["inspect", entry.unwrap().path().to_str().unwrap()]);
    }
}

#[test]
fn whoever_kills_it_finds_a_store_that_verifies_and_lacks_nothing() {
    let whole = packs(8);
    let before = whole.ok(["get", "--log", "payments"]);
    let began = Instant::now();
    let length = {
        let bed = copied(&whole);
        bed.ok(["merge", "--moved"]);
        began.elapsed()
    };
    let mut killed = 0;
    for part in 0..24_u32 {
        let bed = copied(&whole);
        let mut command = bed.command(["merge", "--moved"]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + length * part / 20;
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        assert_eq!(bed.ok(["get", "--log", "payments"]), before, "part {part}");
        let verified = bed.run(["verify"]);
        assert!([0, 3].contains(&verified.code), "part {part}: {verified:?}");
        bed.ok(["merge", "--moved"]);
        assert_eq!(files(&bed), 4, "part {part}");
        assert_eq!(bed.ok(["get", "--log", "payments"]), before, "part {part}");
        bed.ok(["verify"]);
    }
    assert!(killed > 0, "none was killed before its end");
}

/// The same store in another directory, its keys and all.
fn copied(from: &Bed) -> Bed {
    let bed = Bed::empty();
    let source = from.directory().join(".");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([source.as_path(), bed.directory()])
        .status()
        .unwrap();
    assert!(copied.success());
    // `init` wrote down where the keys lie; here they lie beside the copy.
    let keys = bed.path("store.keys");
    assert!(keys.exists());
    bed
}

#[test]
fn readers_beside_it_see_every_record_or_are_told_to_ask_again() {
    let bed = packs(8);
    let before = bed.ok(["get", "--log", "payments"]);
    let mut merging = bed.command(["merge"]);
    let mut child = merging.stdout(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let mut looks = 0;
    while child.try_wait().unwrap().is_none() || looks < 3 {
        assert!(Instant::now() < end, "it does not end");
        let got = bed.run(["get", "--log", "payments"]);
        match got.code {
            0 => assert_eq!(got.out, before),
            code => assert!(
                code == 5
                    && got.err.contains("run the command again")
                    && before.starts_with(&got.out),
                "{got:?}"
            ),
        }
        let verified = bed.run(["verify"]);
        assert_eq!(verified.code, 0, "{verified:?}");
        looks += 1;
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(files(&bed), 4);
}

#[test]
fn it_does_not_run_beside_a_writer() {
    let bed = packs(5);
    let writer = std::fs::File::open(bed.path("store/lock")).unwrap();
    writer.lock().unwrap();
    let refused = bed.run(["merge"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(
        refused.err.contains("another process is writing"),
        "{refused:?}"
    );
    drop(writer);
    bed.ok(["merge"]);
}
