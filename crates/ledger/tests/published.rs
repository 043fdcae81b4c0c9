//! Notes of growing logs: when a batch carries them, how many, and which of them a pack keeps.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::surgery::{packs, tail};
use bed::{Bed, append, caller, create, open, settings};
use indelible_ledger::format::batch::BatchView;
use indelible_ledger::format::pack::EntView;
use indelible_ledger::{Caller, Ledger, Log, Settings};
use std::sync::Arc;

fn by_hand(bed: &Bed) -> Ledger {
    let settings = Settings {
        threads: false,
        ..settings()
    };
    open(bed.store(), &bed.clock, 3, settings).unwrap()
}

/// How many notes the last batch has.
fn notes(bed: &Bed) -> usize {
    let last = tail(bed).pop().unwrap();
    BatchView::parse(&last.bytes).unwrap().notes().count()
}

#[test]
fn a_growing_log_has_a_note_in_a_batch_once_a_second() {
    let bed = Bed::new();
    let ledger = by_hand(&bed);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    // What grew while the logs were founded.
    bed.clock.pass(2);
    append(&ledger, &log, &mut caller, 0..1);
    let mut seen = Vec::new();
    for number in 1..7 {
        if number % 3 == 0 {
            bed.clock.pass(1);
        }
        append(&ledger, &log, &mut caller, number..number + 1);
        seen.push(notes(&bed));
    }
    assert_eq!(seen, [0, 0, 1, 0, 0, 1]);
}

#[test]
fn a_batch_to_which_nothing_had_grown_does_not_put_the_next_note_off() {
    let bed = Bed::new();
    let ledger = by_hand(&bed);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    assert!(ledger.keep(true));
    bed.clock.pass(2);
    let mut seen = Vec::new();
    for number in 0..3 {
        append(&ledger, &log, &mut caller, number..number + 1);
        seen.push(notes(&bed));
    }
    assert_eq!(seen, [0, 1, 0]);
}

#[test]
fn more_notes_than_an_ordinary_batch_takes_come_with_the_batches_behind_it_and_all_with_a_mark() {
    let bed = Bed::with_tail(1 << 20);
    let ledger = by_hand(&bed);
    let logs: Vec<(Arc<Log>, Caller)> = (0..70)
        .map(|number| {
            let log = create(&ledger, &format!("log{number}"), 1);
            let caller = caller(&ledger, &log, 50 + number);
            (log, caller)
        })
        .collect();
    assert!(ledger.keep(true));
    let mut logs = logs;
    for (log, caller) in &mut logs {
        append(&ledger, log, caller, 0..1);
    }
    bed.clock.pass(1);
    let (log, caller) = &mut logs[0];
    let mut seen = Vec::new();
    for number in 1..5 {
        append(&ledger, log, caller, number..number + 1);
        seen.push(notes(&bed));
    }
    assert_eq!(seen, [32, 32, 6, 0]);
    for (log, caller) in &mut logs {
        append(&ledger, log, caller, 9..10);
    }
    bed.clock.pass(1);
    assert!(ledger.keep(true));
    assert_eq!(notes(&bed), 70);
    assert!(!ledger.keep(true));
}

#[test]
fn a_pack_keeps_a_note_a_minute_and_the_one_of_its_end_and_joins_what_came_one_by_one() {
    let bed = Bed::with_tail(4 << 20);
    let ledger = by_hand(&bed);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    for number in 0..300 {
        append(&ledger, &log, &mut caller, number..number + 1);
        bed.clock.pass(1);
    }
    ledger.seal().unwrap();
    let pack = packs(&bed).pop().unwrap();
    let bytes = std::fs::read(&pack.ent).unwrap();
    let view = EntView::parse(&bytes, true).unwrap();
    let (run, part) = view
        .parts()
        .find(|(run, _)| run.origin.contains("/payments/"))
        .unwrap();
    assert_eq!((run.count, run.frames), (301, 2));
    assert_eq!(part.frames[0].count, 256);
    let sizes: Vec<u64> = part
        .notes
        .iter()
        .map(|note| {
            let text = str::from_utf8(note.text).unwrap();
            text.lines().nth(1).unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(sizes.last(), Some(&301));
    let between: Vec<u64> = sizes[..sizes.len() - 1]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert_eq!(between, [60, 60, 60, 60], "{sizes:?}");
}
