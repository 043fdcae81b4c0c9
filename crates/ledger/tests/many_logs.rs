//! Logs by the hundred: founded together, written to in the same batches, sealed into the same pack.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::truth::{Told, is_true, read};
use bed::{BY, Bed, ORIGIN, caller, event, files, open, settings};
use indelible_ledger::format::batch::BatchView;
use indelible_ledger::{Founding, Ledger, Log, NewLog, OpenError};
use indelible_proof::head::Own;
use indelible_store::{FaultInjector, Found, WriteFate, WriteKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const FOUNDING: Founding<'static> = Founding {
    origin: ORIGIN,
    creator: "unix:1000",
};

fn create(ledger: &Ledger, names: &[String]) -> Result<Vec<Arc<Log>>, OpenError> {
    let new: Vec<NewLog<'_>> = (0_u64..)
        .zip(names)
        .map(|(number, name)| NewLog {
            name,
            incarnation: number.to_be_bytes(),
        })
        .collect();
    ledger.create_logs(&new, &FOUNDING)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("log-{number}")).collect()
}

/// Batches with records. Beside them marks are written whenever nobody is at work for a moment.
fn batches(bed: &Bed) -> usize {
    let store = bed.reader();
    let mut slots = store.slots(0).unwrap();
    let mut count = 0;
    while let Found::Good(slot) = slots.next().unwrap() {
        let batch = BatchView::parse(&slot.bytes).unwrap();
        count += usize::from(batch.parts().next().is_some());
    }
    count
}

#[test]
fn many_logs_are_founded_with_one_commit_and_each_is_whole() {
    let bed = Bed::with_tail(1 << 20);
    let ledger = bed.open();
    let before = batches(&bed);
    let logs = create(&ledger, &names(300)).unwrap();
    assert_eq!(batches(&bed), before + 1);
    let mut told = Vec::new();
    for log in [&logs[0], &logs[299]] {
        let mut caller = caller(&ledger, log, 7);
        let number = told.len().try_into().unwrap();
        let prepared = caller.prepare(log, &BY, &Own::default(), &event(number));
        let recorded = ledger.append(log, prepared.unwrap()).unwrap();
        told.push(Told::with_receipt(&ledger, log, &recorded, event(number)));
    }
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    is_true(&bed.reader(), &told);
    let found = read(bed.reader());
    for log in &logs {
        assert_eq!(found.log(log.name()).unwrap().id(), log.id());
    }
}

#[test]
fn more_logs_than_a_batch_takes_are_founded_with_a_few_commits() {
    let bed = Bed::with_tail(4 << 20);
    let ledger = bed.open();
    let before = batches(&bed);
    let logs = create(&ledger, &names(1_500)).unwrap();
    assert_eq!((logs.len(), batches(&bed)), (1_500, before + 2));
    ledger.close("test").unwrap();
    is_true(&bed.reader(), &[]);
    assert_eq!(bed.open().books().logs().len(), 1_501);
}

/// So many runs are closed and checked by two threads, each half of them.
#[test]
fn a_pack_of_many_logs_is_whole_and_a_changed_byte_of_any_is_found_when_it_is_read_back() {
    for part_changed in [None, Some(1), Some(6)] {
        let bed = Bed::with_tail(4 << 20);
        bed.open().close("test").unwrap();
        // Once the pack is in place nothing more is written: not the record that names it, and no mark of a moment of silence.
        let is_armed = AtomicBool::new(false);
        let faults: FaultInjector = Arc::new(move |op| {
            let is_ent = |to: &Path| to.extension().is_some_and(|kind| kind == "ent");
            if op.to.is_some_and(is_ent) {
                is_armed.store(true, Ordering::SeqCst);
            }
            let in_tail = op.path.parent().is_some_and(|path| path.ends_with("tail"));
            let hit = in_tail && op.kind == WriteKind::Write && is_armed.load(Ordering::SeqCst);
            if hit {
                WriteFate::Lost
            } else {
                WriteFate::Proceed
            }
        });
        let store = bed.store_with(Some(faults)).unwrap();
        let ledger = open(store, &bed.clock, 5, settings()).unwrap();
        let logs = create(&ledger, &names(1_500)).unwrap();
        ledger.seal().unwrap_err();
        drop(ledger);
        let sealed = files(&bed.path().join("sealed"));
        let (path, mut bytes) = sealed
            .into_iter()
            .find(|(path, _)| path.extension().is_some_and(|kind| kind == "rec"))
            .unwrap();
        if let Some(part) = part_changed {
            let at = bytes.len() / 7 * part;
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
        bed.open().close("test").unwrap();
        let set_aside = files(&bed.path().join("quarantine")).len();
        assert_eq!(set_aside, part_changed.map_or(0, |_| 2));
        is_true(&bed.reader(), &[]);
        let found = read(bed.reader());
        for log in &logs {
            let same = found.log(log.name()).unwrap();
            assert_eq!((same.id(), same.size()), (log.id(), 1), "{}", log.name());
        }
    }
}

#[test]
fn one_name_that_is_wrong_and_none_of_the_logs_is_founded() {
    let bed = Bed::new();
    let ledger = bed.open();
    create(&ledger, &names(1)).unwrap();
    let before = batches(&bed);
    for (wrong, expected) in [
        (["a", "Payments"], "'Payments' is not a valid name"),
        (["a", "_mine"], "'_mine' is not a valid name"),
        (["a", "log-0"], "log 'log-0' exists already"),
        (["a", "a"], "log 'a' is named twice"),
    ] {
        let refused = create(&ledger, &wrong.map(str::to_owned)).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    let too_many = create(&ledger, &names(70_000)[1..]).unwrap_err();
    assert!(matches!(too_many, OpenError::TooManyLogs), "{too_many}");
    assert!(create(&ledger, &[]).unwrap().is_empty());
    assert!(ledger.books().log("a").is_none());
    assert_eq!(batches(&bed), before, "nothing was recorded");
    ledger.close("test").unwrap();
    is_true(&bed.reader(), &[]);
}

#[test]
fn a_commit_that_is_lost_leaves_no_log_behind_and_one_only_reported_lost_leaves_all() {
    for (fate, expected) in [
        (WriteFate::Lost, 0),
        (WriteFate::Torn(4_096), 0),
        (WriteFate::StoredButLost, 200),
    ] {
        let bed = Bed::with_tail(1 << 20);
        let is_armed = Arc::new(AtomicBool::new(false));
        let armed = Arc::clone(&is_armed);
        let faults: FaultInjector = Arc::new(move |op| {
            let hit = op.kind == WriteKind::Write && armed.swap(false, Ordering::SeqCst);
            if hit { fate } else { WriteFate::Proceed }
        });
        let store = bed.store_with(Some(faults)).unwrap();
        let ledger = open(store, &bed.clock, 5, settings()).unwrap();
        is_armed.store(true, Ordering::SeqCst);
        create(&ledger, &names(200)).unwrap_err();
        assert!(
            ledger.books().log("log-0").is_none(),
            "not before it is durable"
        );
        drop(ledger);
        let ledger = bed.open();
        let there = names(200)
            .iter()
            .filter(|name| ledger.books().log(name).is_some())
            .count();
        // The write that failed may have been a mark, written in a moment of silence: then nothing was founded either.
        assert!(there == 0 || there == expected, "{there} after {fate:?}");
        ledger.close("test").unwrap();
        is_true(&bed.reader(), &[]);
    }
}

/// Quiet logs, which add one record to a batch, beside some that add several and one that fills frames.
#[test]
fn quiet_and_busy_logs_share_batches_and_packs_over_several_sealings() {
    let bed = Bed::with_tail(4 << 20);
    let ledger = bed.open();
    let logs = create(&ledger, &names(120)).unwrap();
    let mut told = Vec::new();
    let mut number = 0;
    for round in 0..4_usize {
        let mut tickets = Vec::new();
        let mut caller = caller(&ledger, &logs[0], 40 + u64::try_from(round).unwrap());
        for turn in 0..700_usize {
            // Every third event goes to log 0, every tenth to one of five, the rest all round.
            let place = match turn {
                _ if turn % 3 == 0 => 0,
                _ if turn % 10 == 1 => 1 + turn / 10 % 5,
                _ => (turn + round * 31) % logs.len(),
            };
            let log = &logs[place];
            let prepared = caller.prepare(log, &BY, &Own::default(), &event(number));
            tickets.push((log, number, ledger.submit(log, prepared.unwrap()).unwrap()));
            number += 1;
        }
        for (log, number, ticket) in tickets {
            for recorded in ticket.wait().unwrap() {
                told.push(Told::new(log, &recorded, event(number)));
            }
        }
        if round != 2 {
            ledger.seal().unwrap();
        }
        let books = ledger.books();
        for told in told.iter().rev().step_by(97) {
            bed::truth::is_there(books, told);
        }
    }
    drop(ledger);
    bed.open().close("test").unwrap();
    is_true(&bed.reader(), &told);
}
