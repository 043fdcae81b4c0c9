//! Packs are merged: every record stays, whatever fails and wherever it stops, and nobody passes a pack of their own off as merged.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::{BY, Bed, append, caller, create, open, random, settings};
use indelible_ledger::recover;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Ledger, MergeError, Merged};
use indelible_proof::head::Own;
use indelible_proof::verdict::{Completeness, Integrity};
use indelible_store::{FaultInjector, LocalStore, OpenOptions, Retirer, Store, WriteFate};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Logs of a history.
const LOGS: u64 = 3;
/// Packs that it seals.
const PACKS: u64 = 6;

/// A few logs, some events in each between any two sealings.
fn history() -> Bed {
    let bed = Bed::new();
    let ledger = bed.open();
    let logs: Vec<_> = (0..LOGS)
        .map(|number| {
            create(
                &ledger,
                &format!("log-{number}"),
                u8::try_from(number).unwrap(),
            )
        })
        .collect();
    for round in 0..PACKS {
        for (log, number) in logs.iter().zip(0..) {
            // One log is quiet in every second round; one passes a multiple of 256.
            let count = if number == 2 {
                70
            } else {
                round * number % 4 + u64::from(number == 0)
            };
            let mut caller = caller(&ledger, log, round * 10 + number);
            append(&ledger, log, &mut caller, round * 100..round * 100 + count);
        }
        bed.clock.pass(7);
        ledger.seal().unwrap();
    }
    ledger.close("test").unwrap();
    bed
}

/// A store open for writing, and a ledger on it.
fn writer(bed: &Bed, faults: Option<FaultInjector>) -> Option<(Arc<LocalStore>, Ledger)> {
    let mut bytes = random(77);
    let options = OpenOptions {
        moved: false,
        random: Box::new(move |out| bytes(out)),
        faults,
    };
    let store = Arc::new(LocalStore::open_write(&bed.path(), options).ok()?);
    let shared: Arc<dyn Store> = store.clone();
    let ledger = open(shared, &bed.clock, 99, settings()).ok()?;
    Some((store, ledger))
}

fn merge(bed: &Bed, faults: Option<FaultInjector>) -> Option<Result<Vec<Merged>, MergeError>> {
    let (store, ledger) = writer(bed, faults)?;
    let retirer = Retirer::new(&store);
    let merged = ledger.merge(&|name| retirer.retire(name));
    drop(ledger.close("test"));
    Some(merged)
}

/// Every record of every log but `_node`, read and checked, and that proofs of all sizes hold.
fn contents(bed: &Bed) -> BTreeMap<String, Vec<Vec<u8>>> {
    let books = recover::read(bed.reader()).unwrap().books;
    let mut all = BTreeMap::new();
    for log in books.logs() {
        if log.name() == "_node" {
            continue;
        }
        let mut lines = Vec::new();
        for seq in 0..log.size() {
            let stored = books.record(&log, seq).unwrap();
            let (salt, event) = stored.content.unwrap();
            lines.push([&stored.head[..], &salt[..], &event[..]].concat());
            books.inclusion(&log, seq, log.size()).unwrap();
        }
        all.insert(log.name().to_owned(), lines);
    }
    all
}

fn sealed(bed: &Bed) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(bed.path().join("sealed"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Puts `sealed/` back as it was, or beside what is there.
fn put_back(kept: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in kept {
        fs::write(path, bytes).unwrap();
    }
}

fn keep(bed: &Bed) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    };
    sealed(bed).into_iter().map(read).collect()
}

#[test]
fn small_packs_become_one_and_nothing_else_changes() {
    let bed = history();
    let before = contents(&bed);
    let heads = |bed: &Bed| {
        let books = recover::read(bed.reader()).unwrap().books;
        let logs = books.logs();
        let heads = logs.iter().filter(|log| log.name() != "_node");
        heads
            .map(|log| (log.id(), log.head()))
            .collect::<BTreeMap<_, _>>()
    };
    let heads_before = heads(&bed);
    assert_eq!(sealed(&bed).len(), 12);
    let merged = merge(&bed, None).unwrap().unwrap();
    assert_eq!(merged.len(), 1, "{merged:?}");
    assert_eq!(merged[0].packs, 5, "the newest is left as it is");
    assert!(merged[0].runs.1 < merged[0].runs.0 / 3, "{merged:?}");
    assert_eq!(sealed(&bed).len(), 4);
    assert_eq!(contents(&bed), before);
    assert_eq!(heads(&bed), heads_before);
    let report = bed.verify();
    assert_eq!(report.verdict.integrity, Integrity::Ok, "{report:?}");
    assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
    assert_eq!(report.checked.packs, 2);
    assert_eq!(merge(&bed, None).unwrap().unwrap(), []);

    // The writer goes on, seals, and what it seals is merged again.
    let ledger = bed.open();
    let log = ledger.books().log("log-0").unwrap();
    for round in 0..5 {
        let mut caller = caller(&ledger, &log, 500 + round);
        append(&ledger, &log, &mut caller, 1_000 + round..1_002 + round);
        ledger.seal().unwrap();
    }
    ledger.close("test").unwrap();
    let before = contents(&bed);
    let merged = merge(&bed, None).unwrap().unwrap();
    assert_eq!(merged.len(), 1, "{merged:?}");
    assert_eq!(
        *merged[0].batches.start(),
        0,
        "a merged pack is merged again"
    );
    assert_eq!(contents(&bed), before);
    let report = bed.verify();
    assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
}

#[test]
fn wherever_merging_stops_the_store_verifies_and_nothing_is_lost() {
    let bed = history();
    let before = contents(&bed);
    let original = bed::scratch();
    copy(&bed.path(), original.path());
    let register = fs::read(bed.register()).unwrap();
    let restore = || {
        fs::remove_dir_all(bed.path()).unwrap();
        copy(original.path(), &bed.path());
        fs::write(bed.register(), &register).unwrap();
    };
    // A copy has another FORMAT inode; opening it as moved once binds it again.
    let rebind = || {
        let mut bytes = random(5);
        let options = OpenOptions {
            moved: true,
            random: Box::new(move |out| bytes(out)),
            faults: None,
        };
        let store = LocalStore::open_write(&bed.path(), options).unwrap();
        store.acquire([5; 16]).unwrap();
        store.bind().unwrap();
    };
    let counting = |counted: &Arc<AtomicU64>, at: u64, fate: WriteFate| -> FaultInjector {
        let counted = Arc::clone(counted);
        Arc::new(
            move |_| match counted.fetch_add(1, Ordering::SeqCst) == at {
                true => fate,
                false => WriteFate::Proceed,
            },
        )
    };
    restore();
    rebind();
    let counted = Arc::new(AtomicU64::new(0));
    let whole = merge(&bed, Some(counting(&counted, u64::MAX, WriteFate::Proceed)));
    assert_eq!(whole.unwrap().unwrap().len(), 1);
    let operations = counted.load(Ordering::SeqCst);
    assert!(operations > 50, "{operations}");
    let mut stopped_with_left_over = 0;
    for at in 0..operations {
        for fate in [
            WriteFate::Lost,
            WriteFate::StoredButLost,
            WriteFate::Torn(512),
        ] {
            restore();
            rebind();
            let counted = Arc::new(AtomicU64::new(0));
            drop(merge(&bed, Some(counting(&counted, at, fate))));
            let place = format!("operation {at} of {operations}, {fate:?}");
            assert_eq!(contents(&bed), before, "{place}");
            let report = bed.verify();
            let torn = matches!(report.verdict.completeness, Completeness::TornBatch(_));
            assert!(
                report.verdict.exit_code() == 0 || (torn && report.verdict.exit_code() == 3),
                "{place}: {report:?}"
            );
            stopped_with_left_over += u64::from(
                report
                    .notes
                    .iter()
                    .any(|note| note.contains("interrupted merging")),
            );
            // Whoever comes next finishes it.
            let merged = merge(&bed, None).unwrap();
            assert!(merged.is_ok(), "{place}: {merged:?}");
            assert_eq!(sealed(&bed).len(), 4, "{place}");
            assert_eq!(contents(&bed), before, "{place}");
            let report = bed.verify();
            assert_eq!(report.verdict.exit_code(), 0, "{place}: {report:?}");
            let left_over = report.notes.iter().any(|note| note.contains("interrupted"));
            assert!(!left_over, "{place}: {report:?}");
        }
    }
    assert!(stopped_with_left_over > 10, "{stopped_with_left_over}");
}

#[test]
fn a_damaged_pack_is_not_merged_and_stays_where_it_is() {
    let bed = history();
    let rec = sealed(&bed)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rec"))
        .nth(2)
        .unwrap();
    let mut bytes = fs::read(&rec).unwrap();
    bytes[200] ^= 1;
    fs::set_permissions(&rec, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&rec, &bytes).unwrap();
    let before = sealed(&bed);
    let refused = merge(&bed, None).unwrap();
    assert!(
        matches!(
            refused,
            Err(MergeError::Damaged { .. } | MergeError::Read(_))
        ),
        "{refused:?}"
    );
    assert_eq!(sealed(&bed), before);
    assert_eq!(fs::read(&rec).unwrap(), bytes);
    assert_eq!(bed.verify().verdict.exit_code(), 1);
}

#[test]
fn a_merged_pack_that_no_record_names_stands_for_nothing() {
    // Somebody merges a copy of the store with the node's keys, and brings the pack here without its record.
    let bed = history();
    let kept = keep(&bed);
    let copied = bed::scratch();
    copy(&bed.path(), copied.path());
    let register = fs::read(bed.register()).unwrap();
    merge(&bed, None).unwrap().unwrap();
    let merged: Vec<_> = keep(&bed).into_iter().take(2).collect();
    fs::remove_dir_all(bed.path()).unwrap();
    copy(copied.path(), &bed.path());
    fs::write(bed.register(), register).unwrap();
    put_back(&merged);
    // Beside the ones it is made of it is left over.
    let report = bed.verify();
    assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("left by an interrupted merging"))
    );
    // In their place it is an impostor.
    fs::remove_file(&kept[2].0).unwrap();
    let report = bed.verify();
    assert_eq!(report.verdict.exit_code(), 1, "{report:?}");
    let said = report
        .findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    assert!(
        said.iter()
            .any(|text| text.contains("no record of _node names this pack")),
        "{said:?}"
    );
}

#[test]
fn a_merged_pack_is_missed_and_an_altered_one_named() {
    let bed = history();
    merge(&bed, None).unwrap().unwrap();
    let kept = keep(&bed);
    let (ent, rec) = (&kept[0], &kept[1]);
    for (path, bytes) in [ent, rec] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            fs::write(path, &changed).unwrap();
            assert_eq!(
                bed.verify().verdict.exit_code(),
                1,
                "{} at {at}",
                path.display()
            );
        }
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(bed.verify().verdict.exit_code(), 0);
    for (path, _) in [ent, rec] {
        fs::remove_file(path).unwrap();
    }
    let report = bed.verify();
    assert!(
        matches!(report.verdict.integrity, Integrity::MissingBatch(0)),
        "{report:?}"
    );
    assert!(bed.try_open().is_err());
}

#[test]
fn old_packs_that_are_put_back_beside_the_merged_one_change_nothing() {
    let bed = history();
    let kept = keep(&bed);
    let before = contents(&bed);
    merge(&bed, None).unwrap().unwrap();
    // One of them, then all of them.
    for count in [2, 10] {
        put_back(&kept[..count]);
        let report = bed.verify();
        assert_eq!(report.verdict.exit_code(), 0, "{count}: {report:?}");
        assert_eq!(contents(&bed), before);
        merge(&bed, None).unwrap().unwrap();
        assert_eq!(sealed(&bed).len(), 4, "{count}");
        assert_eq!(bed.verify().verdict.exit_code(), 0);
    }
}

#[test]
fn a_secret_of_another_node_merges_nothing() {
    let bed = history();
    let before = sealed(&bed);
    let store = bed.store();
    let opened = Ledger::open(
        store,
        NodeSecret::new([9; 32]),
        bed.clock.clone(),
        random(3),
        settings(),
        "unix:1000",
    );
    assert!(opened.is_err());
    assert_eq!(sealed(&bed), before);
}

#[test]
fn hinges_are_kept_and_found_in_the_merged_pack() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    for generation in 1..=3_u64 {
        append(
            &ledger,
            &log,
            &mut caller,
            generation * 10..generation * 10 + 3,
        );
        ledger.seal().unwrap();
        let secret = [u8::try_from(generation).unwrap(); 32];
        ledger
            .rotate(NodeSecret::of(generation, secret), None)
            .unwrap();
        append(&ledger, &log, &mut caller, 100..103);
        ledger.seal().unwrap();
    }
    ledger.close("test").unwrap();
    let hinges = |books: &indelible_ledger::Books| {
        let log = books.log("payments").unwrap();
        let proofs = books.hinge_proofs(&log, log.size()).unwrap();
        proofs
            .into_iter()
            .map(|proof| proof.line)
            .collect::<Vec<_>>()
    };
    let before = hinges(&recover::read(bed.reader()).unwrap().books);
    assert_eq!(before.len(), 3);
    let mut bytes = random(78);
    let options = OpenOptions {
        moved: false,
        random: Box::new(move |out| bytes(out)),
        faults: None,
    };
    let store = Arc::new(LocalStore::open_write(&bed.path(), options).unwrap());
    let secret = NodeSecret::of(3, [3; 32]);
    let ledger = Ledger::open(
        store.clone(),
        secret,
        bed.clock.clone(),
        random(79),
        settings(),
        "unix:1000",
    )
    .unwrap();
    let retirer = Retirer::new(&store);
    let merged = ledger.merge(&|name| retirer.retire(name)).unwrap();
    assert_eq!(merged[0].packs, 5, "{merged:?}");
    // The books that were open meanwhile, and those of whoever opens the store now.
    assert_eq!(hinges(ledger.books()), before);
    ledger.close("test").unwrap();
    assert_eq!(hinges(&recover::read(bed.reader()).unwrap().books), before);
    let report = bed.verify();
    assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
}

#[test]
fn packs_are_merged_by_the_bytes_of_both_their_files_after_a_start_too() {
    let bed = Bed::with_tail(1 << 20);
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let mut noise = random(6);
    for _ in 0..5 {
        // More in records than in entries, and not to be compressed by much.
        for _ in 0..40 {
            let mut bytes = [0; 1_000];
            noise(&mut bytes);
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let event = format!("{{\"noise\":\"{text}\"}}");
            let prepared = caller.prepare(&log, &BY, &Own::default(), event.as_bytes());
            ledger.append(&log, prepared.unwrap()).unwrap();
        }
        ledger.seal().unwrap();
    }
    ledger.close("test").unwrap();
    let merged = merge(&bed, None).unwrap().unwrap();
    assert_eq!(merged.len(), 1);
}
