//! Many callers, a sealer and readers at once; a disk that stalls; a stop while much is on its way.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::hooked::Hooked;
use bed::truth::{Told, all_whole, is_clean, is_there, is_true, read, try_records};
use bed::{BY, Bed, Hands, append, caller, create, event, group, memory, open, settings, verify};
use indelible_ledger::limits::{BATCH_BYTES_MAX, QUEUE_BYTES_MAX};
use indelible_ledger::{Caller, Ledger, Log, ReadError, Refusal, Settings, Ticket};
use indelible_proof::hash;
use indelible_proof::head::Own;
use indelible_proof::tree::{consistency, inclusion};
use indelible_store::{Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::scope;
use std::time::Duration;

const THREADS: u64 = 8;
/// Events of each thread.
const EVENTS: u64 = 240;

/// One thread's work: every third event waited for alone, the others submitted in sixes. What it was told, in its order.
fn write(ledger: &Ledger, logs: &[Arc<Log>], thread: u64) -> Vec<Told> {
    let place = usize::try_from(thread).unwrap() % logs.len();
    let log = &logs[place];
    let mut caller = caller(ledger, log, 70 + thread);
    let mut prepare = |number| {
        let prepared = caller
            .prepare(log, &BY, &Own::default(), &event(number))
            .unwrap();
        (number, prepared)
    };
    let mut told = Vec::new();
    let first = thread * 10_000;
    for numbers in (0..EVENTS / 8).map(|round| first + round * 8..first + (round + 1) * 8) {
        for number in numbers.start..numbers.start + 2 {
            let (_, prepared) = prepare(number);
            let recorded = ledger.append(log, prepared).unwrap();
            told.push(Told::with_receipt(ledger, log, &recorded, event(number)));
        }
        let tickets: Vec<_> = (numbers.start + 2..numbers.end)
            .map(&mut prepare)
            .map(|(number, prepared)| (number, ledger.submit(log, prepared).unwrap()))
            .collect();
        for (number, ticket) in tickets {
            let recorded = ticket.wait().unwrap().remove(0);
            told.push(Told::new(log, &recorded, event(number)));
        }
    }
    let seqs: Vec<u64> = told.iter().map(|told| told.seq).collect();
    assert!(
        seqs.is_sorted_by(|left, right| left < right),
        "a thread's own order"
    );
    told
}

/// Proves between sizes that were durable when it looked, and reads the last record, until the writers are done.
fn prove(ledger: &Ledger, logs: &[Arc<Log>], done: &AtomicBool) {
    let books = ledger.books();
    let mut round = 0;
    while !done.load(Ordering::SeqCst) {
        for log in logs {
            let (size, root) = log.head();
            let from = 1 + round % size;
            let old = books.root_at(log, from).unwrap();
            let proof = books.consistency(log, from, size).unwrap();
            assert!(
                consistency::verify(from, &old, size, &root, &proof),
                "{from} {size}"
            );
            let index = (round * 7) % size;
            let leaf = hash::leaf(&hash::entry(&books.record(log, index).unwrap().head));
            let proof = books.inclusion(log, index, size).unwrap();
            assert!(
                inclusion::verify(&leaf, index, size, &proof, &root),
                "{index} {size}"
            );
        }
        round += 1;
    }
}

fn check_crowd(
    store: Arc<dyn Store>,
    clock: &Arc<Hands>,
    beside: impl Fn(&AtomicBool) + Sync,
) -> Vec<Told> {
    let ledger = open(store, clock, 1, settings()).unwrap();
    let logs: Vec<_> = (0..3)
        .map(|number| create(&ledger, &format!("log{number}"), number))
        .collect();
    let done = AtomicBool::new(false);
    let told = scope(|scope| {
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn({
                    let (ledger, logs) = (&ledger, &logs);
                    move || write(ledger, logs, thread)
                })
            })
            .collect();
        let sealer = scope.spawn(|| {
            let mut packs = 0;
            while !done.load(Ordering::SeqCst) {
                packs += ledger.seal().unwrap().len();
            }
            packs
        });
        let prover = scope.spawn(|| prove(&ledger, &logs, &done));
        let watcher = scope.spawn(|| beside(&done));
        let told = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        done.store(true, Ordering::SeqCst);
        assert!(sealer.join().unwrap() > 0);
        prover.join().unwrap();
        watcher.join().unwrap();
        told
    });
    for (log, threads) in logs.iter().zip([3, 3, 2]) {
        assert_eq!(log.size(), 1 + threads * EVENTS, "each event once");
    }
    ledger.close("test").unwrap();
    told
}

#[test]
fn eight_callers_a_sealer_and_a_prover_get_along_in_memory() {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let told = check_crowd(Arc::new(disk.open()), &clock, |_| {});
    let store: Arc<dyn Store> = Arc::new(disk.open());
    is_true(&store, &told);
}

#[test]
fn a_reader_and_a_verifier_beside_a_writer_that_seals_never_see_damage() {
    let bed = Bed::new();
    let (reader, path) = (bed.reader(), bed.path());
    drop(reader);
    let told = check_crowd(bed.store(), &bed.clock, |done| {
        let reader = || -> Arc<dyn Store> {
            Arc::new(indelible_store::LocalStore::open_read(&path).unwrap())
        };
        while !done.load(Ordering::SeqCst) {
            let report = verify(&*reader());
            assert_eq!(
                report.verdict.exit_code(),
                0,
                "{}\n{:#?}",
                report.verdict,
                report.findings
            );
            let books = read(reader());
            for log in books.logs() {
                match try_records(&books, &log) {
                    Ok(all) => all_whole(&all, &log),
                    // Sealed and released since: whoever wants them reads the store again.
                    Err(ReadError::Store(StoreError::Gone)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    is_true(&bed.reader(), &told);
}

/// Each time a reader has looked what packs there are, the writer fills the tail, seals it and lets it go.
#[test]
fn a_sealing_between_a_readers_look_at_the_packs_and_at_the_tail_is_no_damage() {
    let bed = Bed::new();
    let ledger = Arc::new(bed.open());
    let log = create(&ledger, "payments", 1);
    let beside = |round: u64| {
        let hooked = Hooked::new(bed.reader());
        let (ledger, log) = (Arc::clone(&ledger), Arc::clone(&log));
        hooked.after_list(move || {
            let mut caller = caller(&ledger, &log, round);
            for part in 0..3 {
                let numbers = (round * 3 + part) * 300..(round * 3 + part + 1) * 300;
                group(&ledger, &log, &mut caller, numbers).unwrap();
                ledger.seal().unwrap();
            }
        });
        hooked
    };
    for round in 0..4 {
        let report = verify(&*beside(2 * round));
        assert_eq!(
            report.verdict.exit_code(),
            0,
            "{}\n{:#?}",
            report.verdict,
            report.findings
        );
        let books = read(beside(2 * round + 1));
        let read = books.log("payments").unwrap();
        all_whole(&try_records(&books, &read).unwrap(), &read);
    }
    Arc::into_inner(ledger).unwrap().close("test").unwrap();
    is_clean(&bed.verify());
}

/// A node whose disk can be held up.
fn held_node(
    queue_wait: Duration,
) -> (
    indelible_store::memory::MemoryDisk,
    Arc<Hooked>,
    Ledger,
    Arc<Log>,
) {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let hooked = Hooked::new(Arc::new(disk.open()));
    let settings = Settings {
        queue_wait,
        ..settings()
    };
    let ledger = open(hooked.clone(), &clock, 1, settings).unwrap();
    let log = create(&ledger, "payments", 1);
    hooked.wait_quiet();
    (disk, hooked, ledger, log)
}

/// An event of nearly a mebibyte.
fn huge(number: u64) -> Vec<u8> {
    format!(r#"{{"huge":{number},"note":"{}"}}"#, "h".repeat(1_000_000)).into_bytes()
}

/// The writer seals and lets go when the reader has listed the packs for the second time: first it looks how far the store goes, then it reads.
#[test]
fn a_reader_whose_list_of_packs_is_out_of_date_when_it_comes_to_the_tail_reads_again() {
    let bed = Bed::new();
    let ledger = Arc::new(bed.open());
    let log = create(&ledger, "payments", 1);
    let hooked = Hooked::new(bed.reader());
    let (writer, of_writer) = (Arc::clone(&ledger), Arc::clone(&log));
    let again = Arc::downgrade(&hooked);
    let sealed = Arc::new(AtomicBool::new(false));
    let seals = Arc::clone(&sealed);
    hooked.after_list(move || {
        again.upgrade().unwrap().after_list(move || {
            let mut caller = caller(&writer, &of_writer, 7);
            for part in 0..3 {
                group(
                    &writer,
                    &of_writer,
                    &mut caller,
                    part * 300..part * 300 + 300,
                )
                .unwrap();
                writer.seal().unwrap();
            }
            seals.store(true, Ordering::SeqCst);
        });
    });
    let books = read(hooked);
    assert!(sealed.load(Ordering::SeqCst));
    assert_eq!(books.log("payments").unwrap().size(), log.size());
    drop(log);
    Arc::into_inner(ledger).unwrap().close("test").unwrap();
}

#[test]
fn a_stalled_disk_makes_callers_wait_and_then_refuses_them_after_a_bounded_number_of_bytes() {
    let (disk, hooked, ledger, log) = held_node(Duration::from_millis(1));
    hooked.hold();
    let mut caller = caller(&ledger, &log, 5);
    let mut tickets = Vec::new();
    let most = (QUEUE_BYTES_MAX + 3 * BATCH_BYTES_MAX) / 1_000_000;
    let refusal = loop {
        let number = tickets.len();
        assert!(number <= most, "{number} MB were taken");
        let event = huge(number.try_into().unwrap());
        let prepared = caller.prepare(&log, &BY, &Own::default(), &event).unwrap();
        match ledger.submit(&log, prepared) {
            Ok(ticket) => tickets.push((event, ticket)),
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal, Refusal::Full);
    assert!(tickets.len() >= QUEUE_BYTES_MAX / 1_000_100);
    assert!(
        tickets.iter().all(|(_, ticket)| !ticket.is_ready()),
        "nothing is true before the disk says so"
    );
    assert_eq!(log.size(), 1);
    hooked.release_hold();
    let told: Vec<_> = tickets
        .into_iter()
        .map(|(event, ticket)| Told::new(&log, &ticket.wait().unwrap()[0], event))
        .collect();
    assert_eq!(log.size(), 1 + u64::try_from(told.len()).unwrap());
    ledger.close("test").unwrap();
    drop(hooked);
    let books = read(Arc::new(disk.open()));
    told.iter().for_each(|told| is_there(&books, told));
    is_clean(&verify(&disk.open()));
}

/// Everything submitted while the disk is held goes into batches that every reader accepts.
fn check_flood(logs: u64, groups: u64, group: u64) {
    let (disk, hooked, ledger, _) = held_node(Duration::from_secs(10));
    let logs: Vec<_> = (0..logs)
        .map(|log| create(&ledger, &format!("flood{log}"), 9))
        .collect();
    let mut callers: Vec<_> = logs.iter().map(|log| caller(&ledger, log, 5)).collect();
    hooked.hold();
    let mut tickets = Vec::new();
    for number in 0..groups {
        let place = usize::try_from(number).unwrap() % logs.len();
        let (log, caller) = (&logs[place], &mut callers[place]);
        let text = |number: u64| format!(r#"{{"n":{number}}}"#).into_bytes();
        let events = (number * group..(number + 1) * group)
            .map(|number| {
                caller
                    .prepare(log, &BY, &Own::default(), &text(number))
                    .unwrap()
            })
            .collect();
        tickets.push(ledger.submit_all(log, events).unwrap());
    }
    hooked.release_hold();
    let recorded: usize = tickets
        .into_iter()
        .map(|ticket| ticket.wait().unwrap().len())
        .sum();
    assert_eq!(u64::try_from(recorded).unwrap(), groups * group);
    ledger.close("test").unwrap();
    drop(hooked);
    is_clean(&verify(&disk.open()));
    let books = read(Arc::new(disk.open()));
    let sizes: u64 = books
        .logs()
        .iter()
        .filter(|log| log.name().starts_with("flood"))
        .map(|log| log.size() - 1)
        .sum();
    assert_eq!(sizes, groups * group);
}

#[test]
fn more_records_than_a_batch_holds_become_several_batches() {
    check_flood(1, 100, 1_000);
}

#[test]
fn a_group_that_does_not_fit_behind_what_is_drafted_waits_without_stopping_anybody() {
    let (disk, hooked, ledger, log) = held_node(Duration::from_secs(10));
    hooked.hold();
    let (said, heard) = channel();
    let writer = std::thread::spawn({
        let hooked = Arc::clone(&hooked);
        move || {
            let mut caller = caller(&ledger, &log, 5);
            // The first batch waits for the disk; the second holds 15,000 records; 12,000 more fit by their bytes and not with
            // their entries.
            let tickets: Vec<_> = [1, 15_000, 12_000]
                .map(|count| {
                    let prepare = |_| caller.prepare(&log, &BY, &Own::default(), b"{}").unwrap();
                    ledger
                        .submit_all(&log, (0..count).map(prepare).collect())
                        .unwrap()
                })
                .into();
            hooked.release_hold();
            let recorded = tickets
                .into_iter()
                .map(|ticket| ticket.wait().unwrap().len());
            said.send(recorded.sum::<usize>()).unwrap();
            ledger.close("test").unwrap();
        }
    });
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok(27_001));
    writer.join().unwrap();
    is_clean(&verify(&disk.open()));
}

#[test]
fn more_logs_than_a_batch_holds_become_several_batches() {
    check_flood(4_200, 4_200, 1);
}

/// A node whose tail may hold no more than this before commits wait for a sealing.
const SHORT_TAIL: u64 = 40_000;

/// Fills the tail and leaves callers waiting; gives what they submitted.
fn with_full_tail() -> (
    indelible_store::memory::MemoryDisk,
    Ledger,
    Arc<Log>,
    Vec<(u64, Ticket)>,
) {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let settings = Settings {
        tail_bytes_max: Some(SHORT_TAIL),
        ..settings()
    };
    let ledger = open(Arc::new(disk.open()), &clock, 1, settings).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let mut tickets = Vec::new();
    for number in 0..40 {
        let numbers = number * 100..(number + 1) * 100;
        let events = numbers
            .map(|number| {
                caller
                    .prepare(&log, &BY, &Own::default(), &event(number))
                    .unwrap()
            })
            .collect();
        tickets.push((number, ledger.submit_all(&log, events).unwrap()));
    }
    (disk, ledger, log, tickets)
}

#[test]
fn callers_whom_a_full_tail_holds_up_go_on_after_each_sealing() {
    for _ in 0..10 {
        let (disk, ledger, log, tickets) = with_full_tail();
        let (said, heard) = channel();
        let waiting = std::thread::spawn(move || {
            let recorded = tickets
                .into_iter()
                .map(|(_, ticket)| ticket.wait().unwrap().len());
            said.send(recorded.sum::<usize>()).unwrap();
        });
        let recorded = loop {
            ledger.seal().unwrap();
            match heard.recv_timeout(Duration::from_millis(1)) {
                Ok(recorded) => break recorded,
                Err(RecvTimeoutError::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!((recorded, log.size()), (4_000, 4_001));
        waiting.join().unwrap();
        ledger.close("test").unwrap();
        is_clean(&verify(&disk.open()));
    }
}

/// With the tail full nobody drives but the sealing itself: its own record must not stand behind a batch of what callers brought.
#[test]
fn a_sealing_is_recorded_before_what_a_full_tail_holds_up() {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let settings = Settings {
        tail_bytes_max: Some(SHORT_TAIL),
        ..settings()
    };
    let ledger = Arc::new(open(Arc::new(disk.open()), &clock, 1, settings).unwrap());
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let prepare = |caller: &mut Caller| caller.prepare(&log, &BY, &Own::default(), b"{}").unwrap();
    let first: Vec<_> = (0..2_000)
        .map(|_| ledger.submit(&log, prepare(&mut caller)).unwrap())
        .collect();
    first
        .into_iter()
        .for_each(|ticket| drop(ticket.wait_for(Duration::from_millis(1))));
    let more = 70_000;
    let tickets: Vec<_> = (0..more)
        .map(|_| ledger.submit(&log, prepare(&mut caller)).unwrap())
        .collect();
    let (said, heard) = channel();
    let sealing = Arc::clone(&ledger);
    std::thread::spawn(move || {
        while sealing.books().log("payments").unwrap().size() < more {
            sealing.seal().unwrap();
        }
        drop(sealing);
        said.send(()).unwrap();
    });
    heard
        .recv_timeout(Duration::from_secs(60))
        .expect("the sealing waits for itself");
    tickets
        .into_iter()
        .for_each(|ticket| assert_eq!(ticket.wait().unwrap().len(), 1));
    Arc::into_inner(ledger).unwrap().close("test").unwrap();
    is_clean(&verify(&disk.open()));
}

#[test]
fn callers_whom_nobody_makes_room_for_are_told_and_can_resend() {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let settings = Settings {
        tail_bytes_max: Some(1),
        queue_wait: Duration::from_millis(20),
        ..settings()
    };
    let ledger = open(Arc::new(disk.open()), &clock, 1, settings).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let mut bring = |number| {
        let prepared = caller
            .prepare(&log, &BY, &Own::default(), &event(number))
            .unwrap();
        ledger.append(&log, prepared)
    };
    let refused = bring(1);
    assert!(matches!(refused, Err(Refusal::Full)), "{refused:?}");
    assert_eq!(log.size(), 1, "what was refused is not there");
    ledger.close("test").unwrap();
    is_clean(&verify(&disk.open()));
}

#[test]
fn a_clean_stop_commits_what_a_full_tail_holds_up() {
    let (disk, ledger, log, tickets) = with_full_tail();
    let (said, heard) = channel();
    let closing = std::thread::spawn(move || said.send(ledger.close("test")).unwrap());
    let closed = heard.recv_timeout(Duration::from_secs(60));
    assert!(matches!(closed, Ok(Ok(None))), "the stop hangs: {closed:?}");
    closing.join().unwrap();
    let recorded: usize = tickets
        .into_iter()
        .map(|(_, ticket)| ticket.wait().unwrap().len())
        .sum();
    assert_eq!((recorded, log.size()), (4_000, 4_001));
    let report = verify(&disk.open());
    is_clean(&report);
    assert_eq!(
        report.verdict.integrity.to_string(),
        "ok",
        "a stop writes a mark"
    );
}

/// Submits while the disk is held.
fn submit_held(ledger: &Ledger, log: &Arc<Log>, hooked: &Hooked, count: u64) -> Vec<(u64, Ticket)> {
    hooked.hold();
    let mut caller = caller(ledger, log, 5);
    let tickets = (0..count)
        .map(|number| {
            let prepared = caller
                .prepare(log, &BY, &Own::default(), &event(number))
                .unwrap();
            (number, ledger.submit(log, prepared).unwrap())
        })
        .collect();
    hooked.wait_held();
    tickets
}

#[test]
fn a_clean_stop_while_callers_wait_acknowledges_all_of_them() {
    let (disk, hooked, ledger, log) = held_node(Duration::from_secs(10));
    let tickets = submit_held(&ledger, &log, &hooked, 500);
    let told: Vec<_> = scope(|scope| {
        let closing = scope.spawn(|| ledger.close("test"));
        let waiting: Vec<_> = tickets
            .into_iter()
            .map(|(number, ticket)| {
                let log = &log;
                scope.spawn(move || Told::new(log, &ticket.wait().unwrap()[0], event(number)))
            })
            .collect();
        hooked.release_hold();
        closing.join().unwrap().unwrap();
        waiting
            .into_iter()
            .map(|told| told.join().unwrap())
            .collect()
    });
    assert_eq!(told.len(), 500);
    drop(hooked);
    let store: Arc<dyn Store> = Arc::new(disk.open());
    is_true(&store, &told);
}

#[test]
fn a_node_dropped_while_callers_wait_answers_every_one_of_them_truly() {
    let (disk, hooked, ledger, log) = held_node(Duration::from_secs(10));
    let tickets = submit_held(&ledger, &log, &hooked, 500);
    let dropping = std::thread::spawn(move || drop(ledger));
    hooked.release_hold();
    let (mut told, mut refused) = (Vec::new(), Vec::new());
    for (number, ticket) in tickets {
        match ticket.wait() {
            Ok(recorded) => told.push(Told::new(&log, &recorded[0], event(number))),
            Err(Refusal::Stopped(_)) => refused.push(event(number)),
            Err(other) => panic!("{other}"),
        }
    }
    dropping.join().unwrap();
    drop(hooked);
    let clock = Hands::at(1_790_000_100);
    open(Arc::new(disk.open()), &clock, 2, settings())
        .unwrap()
        .close("test")
        .unwrap();
    let store: Arc<dyn Store> = Arc::new(disk.open());
    is_true(&store, &told);
    // Who heard "not recorded" is not recorded.
    let books = read(store);
    let log = books.log("payments").unwrap();
    let stored: Vec<_> = bed::truth::records(&books, &log)
        .into_iter()
        .map(|stored| stored.content.unwrap().1)
        .collect();
    assert!(refused.iter().all(|event| !stored.contains(event)));
    assert_eq!(log.size(), 1 + u64::try_from(told.len()).unwrap());
}

/// The tail is cut where its batches end, a pack each 256 records: who reads on from the one in the other begins within a frame.
#[test]
fn a_range_that_is_sealed_while_it_is_read_is_handed_out_once() {
    for stop in [3, 10, 136, 293] {
        let bed = Bed::new();
        let ledger = bed.open();
        let log = create(&ledger, "payments", 1);
        append(&ledger, &log, &mut caller(&ledger, &log, 1), 0..300);
        let mut seen = Vec::new();
        let read = ledger.books().records(&log, 3..log.size(), &mut |stored| {
            seen.push(stored.seq);
            if stored.seq == stop {
                ledger.seal().unwrap();
            }
            Ok::<(), ReadError>(())
        });
        read.unwrap();
        let all: Vec<u64> = (3..log.size()).collect();
        assert!(seen == all, "sealed at {stop}: {seen:?}");
    }
}
