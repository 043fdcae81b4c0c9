//! What a start makes of a store whose last writer stopped anywhere.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::truth::{Told, count_said, is_clean, is_true, node_events, read};
use bed::{Bed, append, caller, create, event, files, group, open, settings, verify};
use indelible_ledger::{Ledger, Log, SealError};
use indelible_proof::node_event::NodeEvent;
use indelible_store::{FaultInjector, StoreError, WriteFate, WriteKind, WriteOp};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Operations from which on `wanted` ones are counted, the `at`-th of them suffering `fate`.
fn fault(
    wanted: impl Fn(&WriteOp<'_>) -> bool + Send + Sync + 'static,
    at: u64,
    fate: WriteFate,
) -> FaultInjector {
    let seen = AtomicU64::new(0);
    Arc::new(move |op| {
        if wanted(op) && seen.fetch_add(1, Ordering::SeqCst) == at {
            fate
        } else {
            WriteFate::Proceed
        }
    })
}

fn is_in(path: &Path, directory: &str) -> bool {
    path.parent()
        .is_some_and(|parent| parent.ends_with(directory))
}

fn names(bed: &Bed, directory: &str) -> Vec<String> {
    let root = bed.path().join(directory);
    files(&root)
        .iter()
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

fn repairs(bed: &Bed) -> usize {
    count_said(&read(bed.reader()), |event| {
        matches!(
            event,
            NodeEvent::RepairTorn { .. } | NodeEvent::RepairOrphan { .. }
        )
    })
}

#[test]
fn a_store_in_which_nothing_was_ever_recorded_is_not_damaged() {
    let bed = Bed::new();
    is_clean(&verify(&*bed.reader()));
    let store = bed.store();
    store.acquire([9; 16]).unwrap();
    store.open_tail(None).unwrap();
    drop(store);
    is_clean(&verify(&*bed.reader()));
    bed.open().close("test").unwrap();
    is_clean(&verify(&*bed.reader()));
}

#[test]
fn a_torn_batch_0_is_set_aside_and_the_store_is_founded_anew() {
    for sectors in [1, 2] {
        let bed = Bed::new();
        let into_tail = |op: &WriteOp<'_>| op.kind == WriteKind::Write && is_in(op.path, "tail");
        let faults = fault(into_tail, 0, WriteFate::Torn(sectors * 512));
        let store = bed.store_with(Some(faults)).unwrap();
        assert!(open(store, &bed.clock, 1, settings()).is_err());
        let report = verify(&*bed.reader());
        assert_eq!(report.verdict.exit_code(), 3, "{}", report.verdict);
        assert_eq!(
            report.verdict.completeness.to_string(),
            "incomplete(batch 0 torn or damaged, no later trace of it)"
        );
        bed.open().close("test").unwrap();
        is_true(&bed.reader(), &[]);
        let quarantined = names(&bed, "quarantine");
        assert_eq!(quarantined.len(), 1);
        let events = node_events(&read(bed.reader()));
        let said = NodeEvent::parse(&events[1]).unwrap();
        let name = format!("quarantine/{}", quarantined[0]);
        assert_eq!(
            said,
            NodeEvent::RepairTorn {
                batch: 0,
                quarantine: vec![name]
            }
        );
    }
}

/// A log with a few records, at rest in a directory.
fn node(bed: &Bed) -> (Ledger, Arc<Log>, Vec<Told>) {
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    let told = more(&ledger, &log, 0);
    (ledger, log, told)
}

fn more(ledger: &Ledger, log: &Arc<Log>, first: u64) -> Vec<Told> {
    let mut caller = caller(ledger, log, 50 + first);
    let recorded = append(ledger, log, &mut caller, first..first + 2);
    let mut told: Vec<Told> = (first..)
        .zip(&recorded)
        .map(|(number, recorded)| Told::with_receipt(ledger, log, recorded, event(number)))
        .collect();
    let recorded = group(ledger, log, &mut caller, first + 2..first + 40).unwrap();
    told.extend(
        (first + 2..)
            .zip(&recorded)
            .map(|(number, recorded)| Told::with_receipt(ledger, log, recorded, event(number))),
    );
    told
}

/// The operations of one sealing: those on the pack's files and directories, and on the tail it releases.
fn of_sealing(op: &WriteOp<'_>) -> bool {
    let pack = |path: &Path| {
        let name = path.to_string_lossy();
        name.ends_with(".ent") || name.ends_with(".rec")
    };
    pack(op.path) || op.kind == WriteKind::SyncDirectory
}

/// Seals with the `at`-th of its operations failing, then starts again twice. Whether the operation was met.
fn crash_in_sealing(at: u64, fate: WriteFate) -> bool {
    let bed = Bed::new();
    let (ledger, log, mut told) = node(&bed);
    ledger.seal().unwrap();
    told.extend(more(&ledger, &log, 100));
    ledger.close("test").unwrap();

    let armed = Arc::new(Mutex::new(None::<FaultInjector>));
    let faults: FaultInjector = {
        let armed = Arc::clone(&armed);
        Arc::new(move |op| match &*armed.lock().unwrap() {
            Some(faults) => faults(op),
            None => WriteFate::Proceed,
        })
    };
    let store = bed.store_with(Some(faults)).unwrap();
    let ledger = open(store, &bed.clock, 3, settings()).unwrap();
    *armed.lock().unwrap() = Some(fault(of_sealing, at, fate));
    let failed = ledger.seal().is_err();
    drop(ledger);

    let case = format!("operation {at} of a sealing, {fate:?}");
    let before = verify(&*bed.reader());
    is_clean(&before);
    let orphan = {
        let sealed = names(&bed, "sealed");
        let alone = |name: &&String| {
            name.strip_suffix(".rec")
                .is_some_and(|stem| !sealed.contains(&format!("{stem}.ent")))
        };
        let alone: Vec<String> = sealed.iter().filter(alone).cloned().collect();
        assert!(alone.len() <= 1, "{case}");
        alone.first().cloned()
    };
    if let Some(orphan) = &orphan {
        let listed = before
            .notes
            .iter()
            .any(|note| note.contains(orphan.as_str()));
        assert!(listed, "{case}: {orphan} is not listed: {:?}", before.notes);
    }
    let packs = |bed: &Bed| {
        names(bed, "sealed")
            .iter()
            .filter(|name| name.ends_with(".ent"))
            .count()
    };
    for start in 0..2 {
        let ledger = bed.open();
        let log = ledger.books().log("payments").unwrap();
        told.extend(more(&ledger, &log, 1_000 + start * 100));
        ledger.close("test").unwrap();
        is_true(&bed.reader(), &told);
        let named = count_said(&read(bed.reader()), |event| {
            matches!(event, NodeEvent::Pack { .. })
        });
        assert_eq!(named, packs(&bed), "{case}: each pack is named once");
        let repaired = usize::from(orphan.is_some());
        assert_eq!(
            (repairs(&bed), names(&bed, "quarantine").len()),
            (repaired, repaired),
            "{case}"
        );
    }
    // The sealing that was interrupted goes well now, whatever it left behind.
    let ledger = bed.open();
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    is_true(&bed.reader(), &told);
    assert!(packs(&bed) >= 2, "{case}");
    failed
}

#[test]
fn a_sealing_interrupted_anywhere_leaves_the_tail_or_both_and_is_finished_or_set_aside() {
    let mut failures = 0;
    for at in 0..24 {
        for fate in [
            WriteFate::Lost,
            WriteFate::StoredButLost,
            WriteFate::Torn(512),
        ] {
            failures += usize::from(crash_in_sealing(at, fate));
        }
    }
    assert!(failures >= 36, "only {failures} failures were met");
}

#[test]
fn a_start_that_fails_between_setting_aside_and_recording_is_recorded_by_the_next() {
    let bed = Bed::new();
    let (ledger, _, told) = node(&bed);
    ledger.close("test").unwrap();
    // The second write of an opening into the tail is its first batch: torn.
    let into_tail = |op: &WriteOp<'_>| op.kind == WriteKind::Write && is_in(op.path, "tail");
    let torn = |at| fault(into_tail, at, WriteFate::Torn(512));
    let store = bed.store_with(Some(torn(1))).unwrap();
    assert!(open(store, &bed.clock, 4, settings()).is_err());
    // The next start sets it aside: it writes zeros, repeats the last slot, and tears its own first batch too.
    let store = bed.store_with(Some(torn(2))).unwrap();
    assert!(open(store, &bed.clock, 5, settings()).is_err());
    assert_eq!(names(&bed, "quarantine").len(), 1);
    bed.open().close("test").unwrap();
    is_true(&bed.reader(), &told);
    assert_eq!(names(&bed, "quarantine").len(), 2);
    assert_eq!(repairs(&bed), 2);
    bed.open().close("test").unwrap();
    assert_eq!(repairs(&bed), 2, "recorded once");
}

#[test]
fn what_was_set_aside_and_recorded_is_not_recorded_again_by_the_next_starts() {
    let bed = Bed::new();
    let (ledger, _, told) = node(&bed);
    ledger.close("test").unwrap();
    let into_tail = |op: &WriteOp<'_>| op.kind == WriteKind::Write && is_in(op.path, "tail");
    let store = bed.store_with(Some(fault(into_tail, 1, WriteFate::Torn(512))));
    assert!(open(store.unwrap(), &bed.clock, 4, settings()).is_err());
    for _ in 0..3 {
        bed.open().close("test").unwrap();
        assert_eq!((repairs(&bed), names(&bed, "quarantine").len()), (1, 1));
    }
    is_true(&bed.reader(), &told);
}

#[test]
fn a_first_batch_that_was_torn_again_and_again_is_recorded_each_time_it_was_set_aside() {
    for at in 0..4 {
        let bed = Bed::new();
        let into_tail = |op: &WriteOp<'_>| op.kind == WriteKind::Write && is_in(op.path, "tail");
        let torn = |at| fault(into_tail, at, WriteFate::Torn(512));
        let store = bed.store_with(Some(torn(0))).unwrap();
        assert!(open(store, &bed.clock, 1, settings()).is_err());
        // The second start sets it aside, and fails at one of its own writes.
        let store = bed.store_with(Some(torn(at))).unwrap();
        drop(open(store, &bed.clock, 2, settings()));
        bed.open().close("test").unwrap();
        is_true(&bed.reader(), &[]);
        let aside = names(&bed, "quarantine").len();
        assert!(aside >= 1);
        assert_eq!(repairs(&bed), aside, "write {at}");
    }
}

#[test]
fn a_file_of_that_name_with_other_contents_stops_a_sealing_and_nothing_else() {
    let bed = Bed::new();
    let (ledger, log, mut told) = node(&bed);
    ledger.close("test").unwrap();
    let ledger = bed.open();
    let upto = {
        let reader = bed.reader();
        indelible_ledger::recover::read(reader).unwrap().next - 1
    };
    std::fs::write(
        bed.path().join(format!("sealed/{:012}-{upto:012}.rec", 0)),
        b"somebody else's",
    )
    .unwrap();
    let refused = match ledger.seal() {
        Err(SealError::NameTaken(_)) => true,
        // A mark came meanwhile, so the pack had another name; then the foreign file is an orphan like any other.
        other => other.is_ok(),
    };
    assert!(refused);
    let log = ledger.books().log(log.name()).unwrap();
    told.extend(more(&ledger, &log, 500));
    ledger.close("test").unwrap();
    bed.open().close("test").unwrap();
    is_true(&bed.reader(), &told);
    assert_eq!(repairs(&bed), 1);
}

#[test]
fn a_second_writer_is_refused_while_the_first_lives() {
    let bed = Bed::new();
    let ledger = bed.open();
    assert!(matches!(bed.store_with(None), Err(StoreError::Busy)));
    is_clean(&verify(&*bed.reader()));
    ledger.close("test").unwrap();
    bed.open().close("test").unwrap();
}

/// Found by the simulation: a sealing died between the pack's name and the sync of its directory, the next start named the pack in `_node`, and
/// then the power went: the record was there, the pack was not.
#[test]
fn a_start_names_a_pack_in_node_only_when_the_pack_has_a_durable_name() {
    let bed = Bed::new();
    let names_a_pack = |op: &WriteOp<'_>| {
        let there = || {
            files(op.path)
                .iter()
                .any(|(path, _)| path.extension().is_some_and(|end| end == "ent"))
        };
        op.kind == WriteKind::SyncDirectory && op.path.ends_with("sealed") && there()
    };
    let faults = fault(names_a_pack, 0, WriteFate::Lost);
    let ledger = open(
        bed.store_with(Some(faults)).unwrap(),
        &bed.clock,
        1,
        settings(),
    )
    .unwrap();
    let log = create(&ledger, "one", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..3);
    ledger.seal().unwrap_err();
    drop(ledger);
    let sealed = bed.path().join("sealed");
    assert_eq!(files(&sealed).len(), 2);
    let order = Arc::new(Mutex::new(Vec::new()));
    let faults: FaultInjector = {
        let order = Arc::clone(&order);
        Arc::new(move |op| {
            order.lock().unwrap().push((op.kind, op.path.to_owned()));
            WriteFate::Proceed
        })
    };
    drop(
        open(
            bed.store_with(Some(faults)).unwrap(),
            &bed.clock,
            2,
            settings(),
        )
        .unwrap(),
    );
    let order = order.lock().unwrap();
    let synced = order
        .iter()
        .position(|op| *op == (WriteKind::SyncDirectory, sealed.clone()));
    let into_tail = |(kind, path): &(WriteKind, PathBuf)| {
        *kind == WriteKind::Write && path.parent().unwrap().ends_with("tail")
    };
    // The first write repeats the last slot, the second is the batch that names the pack.
    let named = order
        .iter()
        .enumerate()
        .filter(|(_, op)| into_tail(op))
        .nth(1);
    assert!(synced.unwrap() < named.unwrap().0, "{order:?}");
}
