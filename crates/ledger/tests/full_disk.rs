//! A disk that is full: the node goes on with the tail file it has, refuses what finds no place, loses nothing, and records again as
//! soon as there is room.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::hooked::Hooked;
use bed::truth::{Told, is_clean, is_true};
use bed::{BY, Bed, caller, create, event, open, settings};
use indelible_ledger::limits::ROOM_RETRY;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Caller, Ledger, Log, Prepared, Recorded, Refusal, RotateError, Settings};
use indelible_proof::head::Own;
use indelible_store::{FaultInjector, WriteFate, WriteOp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// For whom there is no room: nobody, tail files alone since they are the largest, everything, the second file of a pack.
const ROOM: u8 = 0;
const NO_TAIL: u8 = 1;
const FULL: u8 = 2;
const NO_ENT: u8 = 3;
/// Tail files of more than the usual size.
const NO_LARGE: u8 = 4;

fn filling() -> (FaultInjector, Arc<AtomicU8>) {
    let full = Arc::new(AtomicU8::new(ROOM));
    let inner = Arc::clone(&full);
    let faults = move |op: &WriteOp<'_>| {
        let path = op.path.to_string_lossy();
        let is_meant = match inner.load(Ordering::SeqCst) {
            ROOM => false,
            NO_TAIL => path.contains("/store/build/tail-"),
            NO_LARGE => path.contains("/store/build/tail-") && op.offset + op.length > 80 << 10,
            NO_ENT => path.contains("/store/build/") && path.ends_with(".ent"),
            // The register has a disk of its own.
            _ => path.contains("/store/"),
        };
        match op.needs_room() && is_meant {
            true => WriteFate::NoRoom,
            false => WriteFate::Proceed,
        }
    };
    (Arc::new(faults), full)
}

/// A node whose next tail file is not made yet.
struct Node {
    bed: Bed,
    full: Arc<AtomicU8>,
    hooked: Arc<Hooked>,
    ledger: Ledger,
    log: Arc<Log>,
    caller: Caller,
    told: Vec<Told>,
    next: u64,
}

impl Node {
    fn with(tail_size: u64, settings: Settings) -> Node {
        let bed = Bed::with_tail(tail_size);
        let (faults, full) = filling();
        let hooked = Hooked::new(bed.store_with(Some(faults)).unwrap());
        let ledger = open(hooked.clone(), &bed.clock, 3, settings).unwrap();
        full.store(FULL, Ordering::SeqCst);
        let log = create(&ledger, "payments", 1);
        let caller = caller(&ledger, &log, 5);
        Node {
            bed,
            full,
            hooked,
            ledger,
            log,
            caller,
            told: Vec::new(),
            next: 0,
        }
    }

    /// A node that does everything on this thread.
    fn by_hand(tail_size: u64) -> Node {
        let by_hand = Settings {
            threads: false,
            ..settings()
        };
        Node::with(tail_size, by_hand)
    }

    fn prepared(&mut self, event: &[u8]) -> Prepared {
        let prepared = self.caller.prepare(&self.log, &BY, &Own::default(), event);
        prepared.unwrap()
    }

    fn append(&mut self) -> Result<(), Refusal> {
        let event = event(self.next);
        let prepared = self.prepared(&event);
        let recorded = self.ledger.append(&self.log, prepared)?;
        self.was_told(&recorded, event);
        Ok(())
    }

    /// One that is larger than the smallest tail file.
    fn append_large(&mut self) -> Result<(), Refusal> {
        self.append_padded(100 << 10)
    }

    fn append_padded(&mut self, bytes: usize) -> Result<(), Refusal> {
        let pad = "y".repeat(bytes);
        let large = format!(r#"{{"n":{},"pad":"{pad}"}}"#, self.next).into_bytes();
        let prepared = self.prepared(&large);
        let recorded = self.ledger.append(&self.log, prepared)?;
        self.was_told(&recorded, large);
        Ok(())
    }

    fn was_told(&mut self, recorded: &Recorded, event: Vec<u8>) {
        let told = Told::with_receipt(&self.ledger, &self.log, recorded, event);
        self.told.push(told);
        self.next += 1;
    }

    /// Appends until there is no place. The refusal, and how many were recorded.
    fn fill(&mut self) -> (Refusal, u64) {
        let before = self.next;
        loop {
            if let Err(refusal) = self.append() {
                return (refusal, self.next - before);
            }
            assert!(self.next < 10_000, "a full disk takes no end of events");
        }
    }

    /// The disk has room, and enough time has passed for another try.
    fn make_room(&self) {
        self.full.store(ROOM, Ordering::SeqCst);
        self.bed.clock.pass(ROOM_RETRY.as_secs() + 1);
    }

    /// Stops it, and finds all that was acknowledged in a whole store; then it starts again.
    fn ends_whole(self) {
        let Node {
            bed,
            hooked,
            ledger,
            log,
            told,
            ..
        } = self;
        ledger.close("stop").unwrap();
        drop(hooked); // and with it the right to write
        is_true(&bed.reader(), &told);
        let again = bed.open();
        let found = again.books().log("payments").unwrap();
        bed::append(&again, &found, &mut caller(&again, &log, 9), 900..901);
        again.close("stop").unwrap();
        is_clean(&bed.verify());
    }
}

fn is_no_room(refusal: &Refusal) {
    let Refusal::NoRoom(why) = refusal else {
        panic!("{refusal}");
    };
    assert!(why.contains("No space left"), "{why}");
}

#[test]
fn a_full_disk_stops_nobody_while_the_tail_has_room_and_nothing_when_there_is_room_again() {
    let mut node = Node::by_hand(256 << 10);
    node.ledger.keep(false);
    assert!(node.ledger.room_trouble().unwrap().contains("build/tail-"));
    let (refusal, recorded) = node.fill();
    is_no_room(&refusal);
    // A block each, but for what is kept for the node itself and what a batch may have at most.
    assert!((40..60).contains(&recorded), "{recorded}");
    for _ in 0..3 {
        is_no_room(&node.append().unwrap_err());
        // Not tried again at every beat.
        node.ledger.keep(true);
    }
    node.make_room();
    node.ledger.keep(true);
    assert_eq!(node.ledger.room_trouble(), None);
    for _ in 0..100 {
        node.append().unwrap();
    }
    assert_eq!(node.told.len(), usize::try_from(recorded).unwrap() + 100);
    node.ends_whole();
}

#[test]
fn a_node_on_a_full_disk_stops_cleanly_and_starts_when_there_is_room() {
    let mut node = Node::by_hand(64 << 10);
    node.ledger.keep(false);
    is_no_room(&node.fill().0);
    // What is kept for the node's own records is there for the stop.
    node.ends_whole();
}

#[test]
fn what_is_too_large_for_what_is_left_is_refused_whole_and_the_rest_goes_on() {
    let mut node = Node::by_hand(256 << 10);
    node.ledger.keep(false);
    let events: Vec<Vec<u8>> = (0..300)
        .map(|n| format!(r#"{{"n":{n},"pad":"{}"}}"#, "y".repeat(900)).into_bytes())
        .collect();
    let group: Vec<_> = events.iter().map(|event| node.prepared(event)).collect();
    let ticket = node.ledger.submit_all(&node.log, group).unwrap();
    node.ledger.turn();
    is_no_room(&ticket.wait().unwrap_err());
    let group: Vec<_> = events[..20]
        .iter()
        .map(|event| node.prepared(event))
        .collect();
    let ticket = node.ledger.submit_all(&node.log, group).unwrap();
    node.ledger.turn();
    let recorded = ticket.wait().unwrap();
    for (recorded, event) in recorded.iter().zip(&events) {
        node.was_told(recorded, event.clone());
    }
    node.append().unwrap();
    node.make_room();
    node.ends_whole();
}

#[test]
fn a_disk_that_was_full_before_anybody_looked_stops_nobody_either() {
    for (tail_size, at_least) in [(64 << 10, 1), (256 << 10, 40)] {
        let mut node = Node::by_hand(tail_size);
        let (refusal, recorded) = node.fill();
        is_no_room(&refusal);
        assert!(recorded >= at_least, "{recorded} of {tail_size} bytes");
        is_no_room(&node.append().unwrap_err());
        node.make_room();
        node.ledger.keep(true);
        node.append().unwrap();
        node.ends_whole();
    }
}

#[test]
fn what_is_closed_takes_its_bytes_from_a_room_that_nobody_looked_at_again() {
    let mut node = Node::by_hand(1 << 20);
    let refusal = (0..1_000).find_map(|_| node.append_padded(30 << 10).err());
    is_no_room(&refusal.unwrap());
    let recorded = node.told.len();
    assert!((20..34).contains(&recorded), "{recorded}");
    node.make_room();
    node.ledger.keep(true);
    node.append_padded(30 << 10).unwrap();
    node.ends_whole();
}

#[test]
fn of_what_waits_on_a_full_disk_a_batch_takes_what_has_a_place_and_the_rest_is_refused() {
    let mut node = Node::by_hand(256 << 10);
    node.ledger.keep(false);
    let pad = "y".repeat(900);
    let events: Vec<Vec<u8>> = (0..600)
        .map(|n| format!(r#"{{"n":{n},"pad":"{pad}"}}"#).into_bytes())
        .collect();
    // Each has a place, all together have none.
    let mut tickets = Vec::new();
    for some in events.chunks(20) {
        let group = some.iter().map(|event| node.prepared(event)).collect();
        tickets.push(node.ledger.submit_all(&node.log, group).unwrap());
    }
    node.ledger.turn();
    node.ledger.turn();
    for (ticket, some) in tickets.into_iter().zip(events.chunks(20)) {
        match ticket.wait() {
            Ok(recorded) => {
                for (recorded, event) in recorded.iter().zip(some) {
                    node.was_told(recorded, event.clone());
                }
            }
            Err(refusal) => is_no_room(&refusal),
        }
    }
    assert!((100..240).contains(&node.told.len()), "{}", node.told.len());
    node.make_room();
    node.ledger.keep(true);
    node.append().unwrap();
    node.ends_whole();
}

#[test]
fn a_batch_larger_than_a_tail_file_finds_no_room_on_a_full_disk_and_has_its_file_later() {
    let mut node = Node::by_hand(64 << 10);
    is_no_room(&node.append_large().unwrap_err());
    node.append().unwrap();
    is_no_room(&node.append_large().unwrap_err());
    node.make_room();
    node.ledger.keep(true);
    node.append_large().unwrap();
    node.append().unwrap();
    node.append_large().unwrap();
    node.ends_whole();
}

#[test]
fn where_a_large_batch_has_no_room_small_ones_go_on_in_files_of_the_usual_size() {
    let mut node = Node::by_hand(64 << 10);
    node.full.store(NO_LARGE, Ordering::SeqCst);
    is_no_room(&node.append_large().unwrap_err());
    is_no_room(&node.fill().0);
    for _ in 0..3 {
        node.bed.clock.pass(ROOM_RETRY.as_secs() + 1);
        node.ledger.keep(true);
        // The large one is still waited for, and another tail file is there.
        assert!(node.ledger.room_trouble().is_some());
        node.append().unwrap();
        is_no_room(&node.append_large().unwrap_err());
        node.fill();
    }
    node.make_room();
    node.ledger.keep(true);
    assert_eq!(node.ledger.room_trouble(), None);
    node.append_large().unwrap();
    node.ends_whole();
}

#[test]
fn a_directory_that_cannot_be_read_for_a_while_refuses_and_stops_nothing() {
    let mut node = Node::by_hand(256 << 10);
    node.full.store(ROOM, Ordering::SeqCst);
    node.hooked.unreadable(true);
    let (refusal, _) = node.fill();
    assert!(matches!(refusal, Refusal::NoRoom(_)), "{refusal}");
    assert!(refusal.to_string().contains("list the tail"), "{refusal}");
    assert_eq!(node.ledger.stopped(), None);
    node.hooked.unreadable(false);
    node.bed.clock.pass(ROOM_RETRY.as_secs() + 1);
    node.ledger.keep(true);
    node.append().unwrap();
    node.ends_whole();
}

#[test]
fn a_sealing_without_room_leaves_the_tail_and_comes_through_later() {
    let mut node = Node::by_hand(256 << 10);
    node.append().unwrap();
    for _ in 0..2 {
        let error = node.ledger.seal().unwrap_err();
        assert!(error.to_string().contains("build/"), "{error}");
        node.append().unwrap();
    }
    node.make_room();
    assert_eq!(node.ledger.seal().unwrap().len(), 1);
    node.append().unwrap();
    node.ends_whole();
}

#[test]
fn a_pack_that_has_room_for_one_of_its_files_only_leaves_neither() {
    let mut node = Node::by_hand(256 << 10);
    node.append().unwrap();
    node.full.store(NO_ENT, Ordering::SeqCst);
    for _ in 0..2 {
        let error = node.ledger.seal().unwrap_err();
        assert!(error.to_string().contains(".ent"), "{error}");
        for directory in ["sealed", "build"] {
            let mut there = std::fs::read_dir(node.bed.path().join(directory)).unwrap();
            assert!(there.next().is_none(), "{directory}");
        }
        node.append().unwrap();
    }
    node.make_room();
    assert_eq!(node.ledger.seal().unwrap().len(), 1);
    node.ends_whole();
}

/// What a log's keys are: how many sets it had.
fn generations(node: &Node) -> usize {
    node.ledger.books().key_sets(&node.log).unwrap().len()
}

#[test]
fn a_rotation_on_a_full_disk_is_refused_before_anything_is_written_and_goes_through_later() {
    let mut node = Node::by_hand(64 << 10);
    node.append().unwrap();
    let next = || NodeSecret::of(1, [9; 32]);
    let size = node.log.size();
    for _ in 0..2 {
        // Found out by the rotation itself: nobody looked before.
        let refused = node.ledger.rotate(next(), None).unwrap_err();
        let RotateError::Refused(refusal) = refused else {
            panic!("{refused}");
        };
        is_no_room(&refusal);
        assert_eq!((node.log.size(), generations(&node)), (size, 1));
    }
    node.append().unwrap();
    node.make_room();
    let rotated = node.ledger.rotate(next(), None).unwrap();
    assert_eq!((rotated.generation, rotated.logs), (1, 2));
    node.append().unwrap();
    assert_eq!(generations(&node), 2);
    assert_eq!(node.ledger.generation(), 1);
}

#[test]
fn a_rotation_on_a_full_disk_goes_through_where_it_fits_what_is_left_and_a_stop_behind_it() {
    let mut refused = 0;
    for appended in [0, 20, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50] {
        let mut node = Node::by_hand(256 << 10);
        node.ledger.keep(false);
        for _ in 0..appended {
            if let Err(refusal) = node.append() {
                is_no_room(&refusal);
                break;
            }
        }
        match node.ledger.rotate(NodeSecret::of(1, [9; 32]), None) {
            Ok(rotated) => assert_eq!(rotated.logs, 2),
            Err(RotateError::Refused(refusal)) => {
                is_no_room(&refusal);
                refused += 1;
                assert!(appended > 20);
            }
            Err(error) => panic!("{error}"),
        }
        if node.ledger.generation() == 1 {
            node.ledger.destroyed(0).unwrap();
        }
        node.ledger.close("stop").unwrap();
    }
    assert!((1..13).contains(&refused), "{refused}");
}

#[test]
fn a_sealing_makes_the_room_that_the_disk_has_not() {
    let mut node = Node::by_hand(64 << 10);
    node.full.store(ROOM, Ordering::SeqCst);
    for _ in 0..30 {
        node.append().unwrap();
    }
    node.full.store(NO_TAIL, Ordering::SeqCst);
    // The file that stands ready is used, and no other comes behind it.
    loop {
        node.ledger.keep(false);
        node.bed.clock.pass(ROOM_RETRY.as_secs() + 1);
        match node.append() {
            Ok(()) => {}
            Err(refusal) => break is_no_room(&refusal),
        }
    }
    // The pack's name stands in what is kept for the node.
    assert!(!node.ledger.seal().unwrap().is_empty());
    node.bed.clock.pass(ROOM_RETRY.as_secs() + 1);
    node.ledger.keep(false);
    assert_eq!(node.ledger.room_trouble(), None, "a released file serves");
    node.append().unwrap();
    node.ends_whole();
}

#[test]
fn of_many_callers_on_a_full_disk_each_is_told_the_truth_and_the_node_lives() {
    let impatient = Settings {
        queue_wait: Duration::from_millis(20),
        ..settings()
    };
    let mut node = Node::with(512 << 10, impatient);
    node.append().unwrap();
    node.hooked.wait_quiet();
    assert!(node.ledger.room_trouble().is_some());
    let (ledger, log) = (&node.ledger, &node.log);
    let mut told: Vec<Told> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn(move || {
                    let mut caller = caller(ledger, log, 100 + thread);
                    let mut told = Vec::new();
                    for number in 0..400 {
                        let event = event(1_000_000 * (thread + 1) + number);
                        let prepared = caller.prepare(log, &BY, &Own::default(), &event).unwrap();
                        match ledger.append(log, prepared) {
                            Ok(recorded) => told.push(Told::new(log, &recorded, event)),
                            Err(refusal) => return (told, Some(refusal)),
                        }
                    }
                    (told, None)
                })
            })
            .collect();
        let outcomes = threads.into_iter().map(|thread| thread.join().unwrap());
        outcomes
            .flat_map(|(told, refusal)| {
                is_no_room(&refusal.expect("more was sent than there is room for"));
                told
            })
            .collect()
    });
    assert!(told.len() > 20, "{}", told.len());
    node.told.append(&mut told);
    node.ends_whole();
}
