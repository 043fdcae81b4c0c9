//! Keys that rotate: every log changes hands in one hinge, whatever fails on the way; a recovery needs its recovery keys; and whoever knew
//! the log on its first day can go on from there.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Bed, Hands, SECRET, append, caller, create, memory, random, settings, submit};
use indelible_ledger::signer::{NodeSecret, RecoveryKey};
use indelible_ledger::{
    Books, Ledger, Log, OpenError, Recovery, RecoverySet, RotateError, Secrets, Settings,
};
use indelible_proof::pin::Pin;
use indelible_proof::record::Record;
use indelible_proof::record::encode_line;
use indelible_proof::verify::KeyWalk;
use indelible_proof::walk::Step;
use indelible_store::memory::MemoryDisk;
use indelible_store::{Store, WriteFate};
use std::sync::Arc;

const NEXT: [u8; 32] = [0x77; 32];
/// Events of each writer beside a rotation.
const EACH: u64 = 300;

fn old() -> NodeSecret {
    NodeSecret::new(SECRET)
}

fn next() -> NodeSecret {
    old().next(NEXT)
}

fn rotating() -> Secrets {
    Secrets::Rotating {
        old: old(),
        next: next(),
    }
}

fn open(
    store: Arc<dyn Store>,
    secrets: impl Into<Secrets>,
    clock: &Arc<Hands>,
    settings: Settings,
) -> Result<Ledger, OpenError> {
    Ledger::open(
        store,
        secrets,
        clock.clone(),
        random(3),
        settings,
        "unix:1000",
    )
}

/// The walk that an export of all of the log's records would carry.
fn walk(books: &Books, log: &Log) -> KeyWalk {
    let genesis = books.record(log, 0).unwrap();
    let mut line = Vec::new();
    let (salt, event) = genesis.content.unwrap();
    encode_line(&genesis.head, Some((&salt, &event)), &mut line);
    let mut walk = KeyWalk::begin(&Record::cut(&line).unwrap(), log.origin(), &log.id());
    for hinge in books.hinge_proofs(log, log.size()).unwrap() {
        let line = hinge.line.strip_suffix(b"\n").unwrap();
        match Step::parse(line) {
            Ok(Step::Hinge(hinge)) => walk.go_on(&hinge),
            other => panic!("{other:?}"),
        }
    }
    walk
}

fn pin(log: &Log, secret: &NodeSecret) -> Pin {
    Pin::new(log.id(), secret.log_key(log.origin()).verifier().clone()).unwrap()
}

fn check_verifies(store: &dyn Store) {
    let report = bed::verify(store);
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        (report.verdict.exit_code(), found),
        (0, Vec::new()),
        "{}",
        report.verdict
    );
}

/// Each log has been handed over so often, and a pin of any of its keys still means it.
fn check_walks(books: &Books, hinges: usize, secrets: &[NodeSecret]) {
    for log in books.logs() {
        let walk = walk(books, &log);
        assert!(walk.is_good(), "{}", log.name());
        assert_eq!(walk.sets().len(), hinges + 1, "{}", log.name());
        for secret in secrets {
            assert!(walk.is_of(&pin(&log, secret)), "{}", log.name());
        }
        let stranger = NodeSecret::new([99; 32]);
        assert!(!walk.is_of(&pin(&log, &stranger)));
    }
}

#[test]
fn a_pin_of_the_first_day_leads_to_the_keys_after_three_rotations() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    create(&ledger, "quiet", 2);
    let mut caller = caller(&ledger, &log, 5);
    let mut number = 0;
    for generation in 1..=3_u64 {
        submit(&ledger, &log, &mut caller, number..number + 300);
        if generation != 2 {
            ledger.seal().unwrap();
        }
        let rotated = ledger
            .rotate(
                NodeSecret::of(generation, [u8::try_from(generation).unwrap(); 32]),
                None,
            )
            .unwrap();
        assert_eq!((rotated.generation, rotated.logs), (generation, 3));
        let recorded = append(&ledger, &log, &mut caller, number + 300..number + 305);
        let receipt = ledger.receipt(&log, &recorded[4]).unwrap();
        assert!(receipt.contains(log.origin()));
        number += 305;
    }
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    check_verifies(&*bed.reader());

    let refused = open(bed.store(), old(), &bed.clock, settings())
        .err()
        .unwrap();
    assert!(matches!(refused, OpenError::WrongKeys), "{refused}");
    let last = NodeSecret::of(3, [3; 32]);
    let ledger = open(bed.store(), last, &bed.clock, settings()).unwrap();
    let secrets = [
        old(),
        NodeSecret::of(2, [2; 32]),
        NodeSecret::of(3, [3; 32]),
    ];
    check_walks(ledger.books(), 3, &secrets);
    ledger.close("test").unwrap();
    check_verifies(&*bed.reader());
}

#[test]
fn a_log_made_after_a_rotation_has_the_new_keys_from_its_first_record() {
    let bed = Bed::new();
    let ledger = bed.open();
    ledger.rotate(next(), None).unwrap();
    ledger.destroyed(0).unwrap();
    let log = create(&ledger, "late", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..3);
    assert!(walk(ledger.books(), &log).is_of(&pin(&log, &next())));
    assert_eq!(walk(ledger.books(), &log).sets().len(), 1);
    ledger.close("test").unwrap();
    check_verifies(&*bed.reader());
}

/// A disk with two logs and some records, some of them sealed.
fn disk_with_history(clock: &Arc<Hands>) -> MemoryDisk {
    let disk = memory();
    let ledger = open(Arc::new(disk.open()), old(), clock, settings()).unwrap();
    let log = create(&ledger, "payments", 1);
    create(&ledger, "quiet", 2);
    let mut caller = caller(&ledger, &log, 5);
    submit(&ledger, &log, &mut caller, 0..40);
    ledger.seal().unwrap();
    append(&ledger, &log, &mut caller, 40..43);
    ledger.close("test").unwrap();
    disk
}

#[test]
fn a_rotation_that_was_stopped_by_any_failed_write_goes_on_at_the_next_start() {
    let clock = Hands::at(1_790_000_000);
    let disk = disk_with_history(&clock);
    let rotate = |disk: &MemoryDisk| -> Option<()> {
        let ledger = open(Arc::new(disk.open()), rotating(), &clock, settings()).ok()?;
        ledger.close("test").ok().map(drop)
    };
    let whole = disk.copy();
    let first = whole.writes();
    rotate(&whole).unwrap();
    let fates = [
        WriteFate::Lost,
        WriteFate::StoredButLost,
        WriteFate::Torn(0),
        WriteFate::Torn(512),
        WriteFate::Torn(2_048),
    ];
    let mut stopped = 0;
    for at in first..whole.writes() {
        for fate in fates {
            let failing = disk.copy();
            failing.fate_of(at, fate);
            stopped += u64::from(rotate(&failing).is_none());
            let after = failing.copy();
            let report = bed::verify(&after.open());
            assert_ne!(
                report.verdict.exit_code(),
                1,
                "{at} {fate:?}: {:?}",
                report.findings
            );
            rotate(&after).unwrap_or_else(|| panic!("{at} {fate:?}: it does not go on"));
            check_verifies(&after.open());
            let new = Arc::new(after.open());
            let ledger = open(new, next(), &clock, settings()).unwrap();
            check_walks(ledger.books(), 1, &[old(), next()]);
            assert_eq!(ledger.books().log("payments").unwrap().size(), 45);
        }
    }
    assert!(stopped > 10, "{stopped}");
}

#[test]
fn while_hinges_are_open_no_single_secret_opens_the_store() {
    let clock = Hands::at(1_790_000_000);
    let disk = disk_with_history(&clock);
    let count = |secrets: Secrets, disk: &MemoryDisk| {
        open(Arc::new(disk.open()), secrets, &clock, settings()).err()
    };
    let first = disk.copy().writes();
    let mut open_ends = (first..first + 8).filter_map(|at| {
        let failing = disk.copy();
        failing.fate_of(at, WriteFate::Lost);
        count(rotating(), &failing)?;
        let after = failing.copy();
        let report = bed::verify(&after.open());
        assert_eq!(report.verdict.exit_code(), 0, "{:?}", report.findings);
        let open = report
            .notes
            .iter()
            .any(|note| note.contains("3 logs are being replaced"));
        open.then_some(after)
    });
    let after = open_ends.next().expect("some write holds the hinges");
    let by_old = count(old().into(), &after.copy());
    assert!(matches!(by_old, Some(OpenError::WrongKeys)), "{by_old:?}");
    let by_new = count(next().into(), &after.copy());
    assert!(
        matches!(by_new, Some(OpenError::OpenHinge(3))),
        "{by_new:?}"
    );
    assert!(count(rotating(), &after.copy()).is_none());
}

#[test]
fn a_rotation_between_writers_loses_and_doubles_nothing() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (ledger, log) = (&ledger, &log);
            scope.spawn(move || {
                let mut caller = caller(ledger, log, 10 + writer);
                for number in 0..EACH {
                    let recorded = append(ledger, log, &mut caller, number..number + 1);
                    ledger.receipt(log, &recorded[0]).unwrap();
                }
            });
        }
        for generation in 1..=5_u64 {
            let secret = NodeSecret::of(generation, [u8::try_from(generation).unwrap(); 32]);
            ledger.rotate(secret, None).unwrap();
            ledger.seal().unwrap();
        }
    });
    assert_eq!(log.size(), 1 + 5 + 3 * EACH);
    check_walks(ledger.books(), 5, &[old(), NodeSecret::of(5, [5; 32])]);
    ledger.close("test").unwrap();
    check_verifies(&*bed.reader());
}

/// Three people, two of whom must agree.
fn people() -> (Vec<RecoveryKey>, RecoverySet) {
    let keys: Vec<RecoveryKey> = ["ada", "bob", "eve"]
        .into_iter()
        .zip(1..)
        .map(|(name, seed)| RecoveryKey::new(name, [seed; 32]).unwrap())
        .collect();
    let named = keys.iter().map(|key| key.verifier().to_string()).collect();
    (keys, (2, named))
}

fn recover(
    store: Arc<dyn Store>,
    clock: &Arc<Hands>,
    signers: &[&RecoveryKey],
    recovery: Option<&RecoverySet>,
) -> Result<Recovery, OpenError> {
    let sign = |text: &str, note: &mut String| {
        signers.iter().for_each(|key| key.sign_too(text, note));
    };
    let (next, random) = (next(), random(9));
    Ledger::recover_keys(
        store,
        next,
        &sign,
        recovery,
        clock.clone(),
        random,
        settings(),
        "unix:0",
    )
}

#[test]
fn a_lost_secret_is_replaced_by_enough_recovery_keys_and_by_no_fewer() {
    let bed = Bed::new();
    let (keys, set) = people();
    let settings_with = Settings {
        recovery: Some(set),
        ..settings()
    };
    let ledger = open(bed.store(), old(), &bed.clock, settings_with).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut writer = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut writer, 0..9);
    ledger.close("test").unwrap();

    let waiting = recover(bed.store(), &bed.clock, &[&keys[1]], None).unwrap();
    let Recovery::Waiting(hinges) = waiting else {
        panic!("one of three was enough");
    };
    assert_eq!(
        hinges
            .iter()
            .map(|hinge| hinge.threshold)
            .collect::<Vec<_>>(),
        [2, 2]
    );
    // Nothing can be recorded meanwhile, and what is there is no damage.
    let refused = open(bed.store(), next(), &bed.clock, settings())
        .err()
        .unwrap();
    assert!(matches!(refused, OpenError::OpenHinge(2)), "{refused}");
    assert_eq!(
        bed.verify().verdict.exit_code(),
        0,
        "{:?}",
        bed.verify().findings
    );

    let done = recover(bed.store(), &bed.clock, &[&keys[2], &keys[0]], None).unwrap();
    let Recovery::Done(ledger, rotated) = done else {
        panic!("two of three were not enough");
    };
    assert_eq!((rotated.generation, rotated.logs), (1, 2));
    let log = ledger.books().log("payments").unwrap();
    let mut writer = caller(&ledger, &log, 6);
    append(&ledger, &log, &mut writer, 9..12);
    check_walks(ledger.books(), 1, &[old(), next()]);
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    check_verifies(&*bed.reader());
    let refused = open(bed.store(), old(), &bed.clock, settings())
        .err()
        .unwrap();
    assert!(matches!(refused, OpenError::WrongKeys), "{refused}");
}

/// Found by the simulation: the alarm was recorded before the `key` records, in a batch signed by a key that nothing named yet.
#[test]
fn a_recovery_under_a_clock_that_was_set_back_leaves_a_store_that_verifies_and_says_so() {
    for waits in [false, true] {
        let bed = Bed::new();
        let (keys, set) = people();
        let settings_with = Settings {
            recovery: Some(set),
            ..settings()
        };
        let ledger = open(bed.store(), old(), &bed.clock, settings_with).unwrap();
        create(&ledger, "payments", 1);
        ledger.close("test").unwrap();
        bed.clock.set(1_790_000_000 - 86_400);
        if waits {
            let waiting = recover(bed.store(), &bed.clock, &[&keys[0]], None).unwrap();
            assert!(matches!(waiting, Recovery::Waiting(_)));
            assert_ne!(bed.verify().verdict.exit_code(), 1);
        }
        let done = recover(bed.store(), &bed.clock, &[&keys[0], &keys[1]], None).unwrap();
        let Recovery::Done(ledger, _) = done else {
            panic!("two of three were not enough");
        };
        let node = ledger.books().node_log();
        let is_alarm = |seq| {
            let record = ledger.books().record(&node, seq).unwrap();
            let (_, event) = record.content.unwrap();
            String::from_utf8(event)
                .unwrap()
                .contains(r#""clock":"back""#)
        };
        assert_eq!((0..node.size()).filter(|seq| is_alarm(*seq)).count(), 1);
        ledger.close("test").unwrap();
        check_verifies(&*bed.reader());
        let again = open(bed.store(), next(), &bed.clock, settings()).unwrap();
        again.close("test").unwrap();
    }
}

#[test]
fn whoever_holds_the_secret_alone_can_not_change_the_recovery_keys() {
    let bed = Bed::new();
    let (keys, set) = people();
    let ledger = bed.open();
    create(&ledger, "payments", 1);
    // Where there were none, a rotation may name some; from then on they alone may.
    ledger.rotate(next(), Some(&set)).unwrap();
    let others: RecoverySet = (1, vec![keys[0].verifier().to_string()]);
    let third = NodeSecret::of(2, [2; 32]);
    let refused = ledger.rotate(third, Some(&others)).unwrap_err();
    assert!(matches!(refused, RotateError::RecoveryKept(_)), "{refused}");
    let bad: RecoverySet = (2, others.1.clone());
    let refused = ledger
        .rotate(NodeSecret::of(2, [2; 32]), Some(&bad))
        .unwrap_err();
    assert!(matches!(refused, RotateError::BadRecovery), "{refused}");
    let log = create(&ledger, "late", 2);
    assert_eq!(ledger.books().keys(&log).unwrap().recovery, set);
    ledger.close("test").unwrap();
    check_verifies(&*bed.reader());
}

#[test]
fn without_recovery_keys_nothing_replaces_a_lost_secret_and_nothing_is_written() {
    let bed = Bed::new();
    let ledger = bed.open();
    create(&ledger, "payments", 1);
    ledger.close("test").unwrap();
    let before = bed::files(&bed.path());
    let (keys, _) = people();
    let signers: Vec<&RecoveryKey> = keys.iter().collect();
    let refused = recover(bed.store(), &bed.clock, &signers, None)
        .err()
        .unwrap();
    let none = matches!(&refused, OpenError::Rotate(RotateError::NoRecoveryKeys(_)));
    assert!(none, "{refused}");
    assert_eq!(bed::files(&bed.path()), before);
}

#[test]
fn a_pack_does_not_end_between_a_key_record_and_its_hinge_and_may_end_behind_any_other_batch() {
    let bed = Bed::new();
    let sealing = Settings {
        seal_bytes: Some(1),
        ..settings()
    };
    let ledger = open(bed.store(), old(), &bed.clock, sealing).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..3);
    ledger.rotate(next(), None).unwrap();
    append(&ledger, &log, &mut caller, 3..6);
    let packs = ledger.seal().unwrap();
    ledger.close("test").unwrap();
    check_verifies(&*bed.reader());
    // The three events before the rotation and those behind it are packs of their own.
    let alone = packs
        .iter()
        .filter(|pack| pack.batches.clone().count() == 1);
    assert!(alone.count() >= 4, "{packs:?}");
    let ledger = open(bed.store(), next(), &bed.clock, settings()).unwrap();
    check_walks(ledger.books(), 1, &[old(), next()]);
}
