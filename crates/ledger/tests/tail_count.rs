//! What the tail holds is counted the same by the writer, after each sealing, and by whoever reads the store; and what is asked to be sealed is.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::surgery::tail;
use bed::{BY, Bed, Hands, ORIGIN, append, caller, create, memory, open, settings};
use indelible_ledger::format::batch::BatchView;
use indelible_ledger::recover::{self, Recovered};
use indelible_ledger::{Founding, Ledger, NewLog, Settings};
use indelible_proof::head::{Head, Own};
use indelible_store::Store;
use std::sync::Arc;

fn by_hand() -> Settings {
    Settings {
        threads: false,
        background_sealing: false,
        ..settings()
    }
}

fn read(bed: &Bed) -> Recovered {
    recover::read(bed.reader()).unwrap()
}

/// The writer's count is what a reader finds.
fn is_counted(bed: &Bed, ledger: &Ledger, batches: u64, packs: u64) {
    let found = read(bed);
    assert_eq!(found.tail_bytes(), ledger.tail_bytes());
    assert_eq!((found.tail_batches(), found.packs()), (batches, packs));
    for log in ledger.books().logs() {
        let same = found.books.log(log.name()).unwrap();
        assert_eq!(same.disk_bytes(), log.disk_bytes(), "{}", log.name());
    }
}

#[test]
fn what_is_sealed_no_longer_counts_as_tail_whoever_counts() {
    let bed = Bed::new();
    let ledger = open(bed.store(), &bed.clock, 3, by_hand()).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut writer = caller(&ledger, &log, 5);
    let batches = read(&bed).tail_batches();
    (0..5).for_each(|number| drop(append(&ledger, &log, &mut writer, number..number + 1)));
    is_counted(&bed, &ledger, batches + 5, 0);
    let long = ledger.tail_bytes();
    assert_eq!(ledger.seal().unwrap().len(), 1);
    // The batch that names the pack.
    is_counted(&bed, &ledger, 1, 1);
    assert!((1..long / 3).contains(&ledger.tail_bytes()));
    append(&ledger, &log, &mut writer, 5..6);
    is_counted(&bed, &ledger, 2, 1);
}

#[test]
fn a_single_batch_is_sealed_when_somebody_asks() {
    let bed = Bed::new();
    let ledger = open(bed.store(), &bed.clock, 3, by_hand()).unwrap();
    create(&ledger, "payments", 1);
    for packs in 1..4 {
        let sealed = ledger.seal().unwrap();
        assert_eq!(sealed.len(), 1);
        // From the second on it is the one that names the pack before.
        assert!(packs == 1 || sealed[0].batches.clone().count() == 1);
        let files: u64 = [".ent", ".rec"]
            .map(|kind| bed.path().join(sealed[0].name.replace(".ent", kind)))
            .map(|path| path.metadata().unwrap().len())
            .iter()
            .sum();
        assert_eq!(sealed[0].bytes, files);
        is_counted(&bed, &ledger, 1, packs);
    }
}

#[test]
fn what_is_sealed_is_released_up_to_the_last_batch_of_the_pack() {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let store: Arc<dyn Store> = Arc::new(disk.open());
    let ledger = open(Arc::clone(&store), &clock, 3, by_hand()).unwrap();
    let log = create(&ledger, "payments", 1);
    for round in 0..3 {
        append(
            &ledger,
            &log,
            &mut caller(&ledger, &log, 5 + round),
            round..round + 1,
        );
        let sealed = ledger.seal().unwrap();
        let behind = sealed.last().unwrap().batches.end() + 1;
        assert_eq!(store.first_slot().unwrap(), Some(behind));
    }
}

#[test]
fn a_tail_that_is_longer_than_a_pack_is_sealed_by_the_stop_and_no_other() {
    for seal_bytes in [1_000, 100_000] {
        let bed = Bed::new();
        let sealing = Settings {
            seal_bytes: Some(seal_bytes),
            background_sealing: true,
            ..settings()
        };
        let ledger = open(bed.store(), &bed.clock, 3, sealing).unwrap();
        let log = create(&ledger, "payments", 1);
        let mut writer = caller(&ledger, &log, 5);
        (0..20).for_each(|number| drop(append(&ledger, &log, &mut writer, number..number + 1)));
        ledger.close("test").unwrap();
        let found = read(&bed);
        assert!((1..100_000).contains(&found.tail_bytes()));
        assert_eq!(found.packs() > 0, seal_bytes == 1_000);
    }
}

#[test]
fn events_that_weigh_more_than_a_batch_become_several_batches() {
    let bed = Bed::with_tail(16 << 20);
    let ledger = open(bed.store(), &bed.clock, 3, by_hand()).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut writer = caller(&ledger, &log, 5);
    let before = read(&bed).tail_batches();
    // Sixteen kilobytes each, and together two batches of 4 MiB and a half.
    let event = format!(r#"{{"pad":"{}"}}"#, "y".repeat(16 << 10));
    let tickets: Vec<_> = (0..600)
        .map(|_| {
            let prepared = writer.prepare(&log, &BY, &Own::default(), event.as_bytes());
            ledger.submit(&log, prepared.unwrap()).unwrap()
        })
        .collect();
    ledger.turn();
    for ticket in tickets {
        assert_eq!(ticket.wait().unwrap().len(), 1);
    }
    assert_eq!(read(&bed).tail_batches() - before, 3);
    assert_eq!(log.size(), 601);
}

/// Batches that were made of this many groups in each of these logs, and the records and rows of each.
fn filled(logs: usize, groups: usize, records: u64) -> Vec<(u64, usize)> {
    let bed = Bed::with_tail(8 << 20);
    let ledger = open(bed.store(), &bed.clock, 3, by_hand()).unwrap();
    let names: Vec<String> = (0..logs).map(|number| format!("log-{number}")).collect();
    let names: Vec<NewLog<'_>> = (0_u64..)
        .zip(&names)
        .map(|(number, name)| NewLog {
            name,
            incarnation: number.to_be_bytes(),
        })
        .collect();
    let founding = Founding {
        origin: ORIGIN,
        creator: "unix:1000",
    };
    let logs = ledger.create_logs(&names, &founding).unwrap();
    let before = tail(&bed).len();
    let mut writer = caller(&ledger, &logs[0], 5);
    let mut tickets = Vec::new();
    for log in logs.iter().flat_map(|log| vec![log; groups]) {
        let prepare = |_| writer.prepare(log, &BY, &Own::default(), b"{}").unwrap();
        let events = (0..records).map(prepare).collect();
        tickets.push(ledger.submit_all(log, events).unwrap());
    }
    ledger.turn();
    tickets
        .into_iter()
        .for_each(|ticket| drop(ticket.wait().unwrap()));
    let slots = tail(&bed);
    let parts = slots[before..].iter().map(|slot| {
        let batch = BatchView::parse(&slot.bytes).unwrap();
        let counts: Vec<u64> = batch.parts().map(|part| part.row.count.into()).collect();
        (counts.iter().sum(), counts.len())
    });
    parts.collect()
}

#[test]
fn a_batch_is_full_before_it_has_more_logs_than_a_batch_may_have() {
    let batches = filled(4_100, 1, 1);
    assert_eq!(batches, [(4_095, 4_095), (5, 5)]);
}

#[test]
fn a_batch_of_small_records_is_full_by_what_they_take_beside_their_events() {
    let batches = filled(1, 60, 1_000);
    assert_eq!(batches, [(25_000, 1), (25_000, 1), (10_000, 1)]);
}

#[test]
fn who_reads_a_store_is_told_when_its_last_batch_was_made() {
    let bed = Bed::new();
    assert_eq!(read(&bed).last_time(), None);
    let ledger = open(bed.store(), &bed.clock, 3, by_hand()).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut writer = caller(&ledger, &log, 5);
    for number in 0..3 {
        bed.clock.pass(100);
        let recorded = append(&ledger, &log, &mut writer, number..number + 1);
        let head = Head::parse(&recorded[0].head).unwrap();
        assert_eq!(read(&bed).last_time(), Some(head.time));
        if number == 1 {
            ledger.seal().unwrap();
            assert!(read(&bed).last_time() > Some(head.time));
        }
    }
}
