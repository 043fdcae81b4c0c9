//! What a store may do to a writer, and what the writer must never make of it: an acknowledgement.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::hooked::Hooked;
use bed::truth::{Told, count_said, is_clean, is_true, read, records};
use bed::{
    BY, Hands, ORIGIN, SECRET, append, caller, create, event, memory, open, random, settings,
    verify,
};
use indelible_ledger::clock::Clock;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{
    Caller, Founding, Ledger, Log, OpenError, RecoverError, Refusal, SealError,
};
use indelible_proof::head::Own;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::time::Time;
use indelible_store::Store;
use indelible_store::memory::{Fault, MemoryDisk};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The ways by which something comes to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Append,
    Submit,
    Group,
    CreateLog,
    Seal,
    Close,
}

const WAYS: [Way; 6] = [
    Way::Append,
    Way::Submit,
    Way::Group,
    Way::CreateLog,
    Way::Seal,
    Way::Close,
];

/// A node on a memory disk, three records told, at rest.
struct Node {
    disk: MemoryDisk,
    clock: Arc<Hands>,
    hooked: Arc<Hooked>,
    ledger: Ledger,
    log: Arc<Log>,
    caller: Caller,
    told: Vec<Told>,
}

impl Node {
    fn at_rest() -> Node {
        let (disk, clock) = (memory(), Hands::at(1_790_000_000));
        let hooked = Hooked::new(Arc::new(disk.open()));
        let ledger = open(hooked.clone(), &clock, 1, settings()).unwrap();
        let log = create(&ledger, "payments", 1);
        let mut caller = caller(&ledger, &log, 5);
        let recorded = append(&ledger, &log, &mut caller, 0..3);
        let told = (0..)
            .zip(&recorded)
            .map(|(number, recorded)| Told::with_receipt(&ledger, &log, recorded, event(number)))
            .collect();
        hooked.wait_quiet();
        Node {
            disk,
            clock,
            hooked,
            ledger,
            log,
            caller,
            told,
        }
    }

    /// Tries to get something recorded. Events are numbered from 100.
    fn go(&mut self, way: Way) -> Result<(), Refusal> {
        let (ledger, log) = (&self.ledger, &self.log);
        let mut prepare = |number| {
            self.caller
                .prepare(log, &BY, &Own::default(), &event(number))
                .unwrap()
        };
        match way {
            Way::Append => ledger.append(log, prepare(100)).map(|_| ()),
            Way::Submit => ledger
                .submit(log, prepare(100))
                .and_then(|ticket| ticket.wait())
                .map(|_| ()),
            Way::Group => ledger
                .submit_all(log, (100..105).map(prepare).collect())
                .and_then(|ticket| ticket.wait())
                .map(|_| ()),
            Way::CreateLog => {
                let founding = Founding {
                    origin: ORIGIN,
                    creator: "unix:1000",
                };
                match ledger.create_log("second", &founding, [2; 8]) {
                    Err(OpenError::Refused(refusal)) => Err(refusal),
                    other => other.map(|_| ()).map_err(|error| panic!("{error}")),
                }
            }
            Way::Seal => match ledger.seal() {
                Err(SealError::Refused(refusal)) => Err(refusal),
                Err(error @ SealError::Missing(_)) => Err(Refusal::Stopped(error.to_string())),
                other => other.map(|_| ()).map_err(|error| panic!("{error}")),
            },
            Way::Close => unreachable!("closing takes the ledger"),
        }
    }

    /// The process ends, cleanly if it can.
    fn end(self, way: Way) -> (MemoryDisk, Arc<Hands>, Vec<Told>, Result<(), Refusal>) {
        let Node {
            disk,
            clock,
            ledger,
            told,
            ..
        } = self;
        let closed = match way {
            Way::Close => ledger.close("test").map(drop),
            _ => {
                drop(ledger);
                Ok(())
            }
        };
        (disk, clock, told, closed)
    }
}

/// What a caller must hear.
#[derive(Clone, Copy, Debug)]
enum Heard {
    Unknown,
    Stopped,
}

#[track_caller]
fn is_heard(refusal: &Refusal, heard: Heard, case: &str) {
    let right = matches!(
        (refusal, heard),
        (Refusal::Unknown(_), Heard::Unknown) | (Refusal::Stopped(_), Heard::Stopped)
    );
    assert!(right, "{case}: heard {refusal:?} instead of {heard:?}");
}

/// `lands`: whether what was refused is there after all when the store is opened again.
fn check(fault: &Fault, way: Way, heard: Heard, lands: bool) {
    let case = format!("{fault:?} on the way {way:?}")
        .chars()
        .take(80)
        .collect::<String>();
    let mut node = Node::at_rest();
    node.disk.fault_at(node.disk.submits(), fault.clone());
    if way != Way::Close {
        let refusal = node.go(way).unwrap_err();
        is_heard(&refusal, heard, &case);
        let writes = node.disk.writes();
        for later in [
            Way::Append,
            Way::Submit,
            Way::Group,
            Way::CreateLog,
            Way::Seal,
        ] {
            let refusal = node.go(later).unwrap_err();
            is_heard(&refusal, Heard::Stopped, &case);
        }
        assert_eq!(
            node.log.size(),
            4,
            "{case}: readers see what was not acknowledged"
        );
        assert_eq!(
            node.disk.writes(),
            writes,
            "{case}: something was written afterwards"
        );
    }
    let writes = node.disk.writes();
    let (disk, clock, mut told, closed) = node.end(way);
    match way {
        Way::Close => is_heard(&closed.unwrap_err(), heard, &case),
        _ => assert_eq!(
            disk.writes(),
            writes,
            "{case}: something was written at the end"
        ),
    }

    let ledger = open(Arc::new(disk.open()), &clock, 2, settings()).unwrap();
    let log = ledger.books().log("payments").unwrap();
    let more = match (lands, way) {
        (true, Way::Append | Way::Submit) => 1,
        (true, Way::Group) => 5,
        _ => 0,
    };
    assert_eq!(log.size(), 4 + more, "{case}");
    let second = ledger.books().log("second").is_some();
    assert_eq!(second, lands && way == Way::CreateLog, "{case}");
    let mut caller = caller(&ledger, &log, 6);
    let recorded = append(&ledger, &log, &mut caller, 200..201).remove(0);
    told.push(Told::with_receipt(&ledger, &log, &recorded, event(200)));
    ledger.close("test").unwrap();

    let store: Arc<dyn Store> = Arc::new(disk.open());
    is_true(&store, &told);
    let books = read(store);
    let packs = count_said(&books, |event| matches!(event, NodeEvent::Pack { .. }));
    assert_eq!(packs, usize::from(way == Way::Seal), "{case}");
    let stops = count_said(&books, |event| matches!(event, NodeEvent::Stop { .. }));
    assert_eq!(stops, 1 + usize::from(lands && way == Way::Close), "{case}");
}

#[test]
fn a_batch_of_unknown_fate_is_not_acknowledged_and_is_not_there() {
    for way in WAYS {
        check(&Fault::Unknown, way, Heard::Unknown, false);
    }
}

#[test]
fn a_batch_stored_without_an_answer_is_not_acknowledged_and_is_there_once() {
    for way in WAYS {
        check(&Fault::StoredButUnknown, way, Heard::Unknown, true);
    }
}

#[test]
fn a_batch_that_lands_late_is_not_acknowledged_and_is_there_once() {
    for way in WAYS {
        check(&Fault::LateLanding, way, Heard::Unknown, true);
    }
}

/// The batch that another writer, who opened the same store, puts into the next slot.
fn winner(disk: &MemoryDisk) -> Vec<u8> {
    let (copy, clock) = (disk.copy(), Hands::at(1_790_000_100));
    let next = read(Arc::new(copy.open()));
    drop(next);
    let slot = copy_next(&copy);
    drop(open(Arc::new(copy.open()), &clock, 99, settings()).unwrap());
    copy.open().read_slot(slot, 0, 1 << 20).unwrap()
}

/// Number of the next slot.
fn copy_next(disk: &MemoryDisk) -> u64 {
    indelible_ledger::recover::read(Arc::new(disk.open()))
        .unwrap()
        .next
}

#[test]
fn a_slot_that_another_writer_took_is_not_acknowledged_and_the_other_is_followed() {
    for way in WAYS {
        // Every node at rest writes the same bytes up to here, so one of them can be another's rival.
        let rival = Node::at_rest();
        let taken = winner(&rival.disk);
        drop(rival);
        check(&Fault::Taken(taken), way, Heard::Stopped, false);
    }
}

#[test]
fn a_slot_taken_by_bytes_that_are_no_batch_is_never_built_upon() {
    let mut node = Node::at_rest();
    let slot = copy_next(&node.disk);
    node.disk
        .fault_at(node.disk.submits(), Fault::Taken(b"not a batch".to_vec()));
    is_heard(&node.go(Way::Append).unwrap_err(), Heard::Stopped, "taken");
    let (disk, clock, ..) = node.end(Way::Append);
    let writes = disk.writes();
    let refused = open(Arc::new(disk.open()), &clock, 2, settings())
        .err()
        .unwrap();
    let damaged = matches!(&refused, OpenError::Recover(RecoverError::Damaged { file, .. })
        if file.ends_with(&format!("{slot:012}")));
    assert!(damaged, "{refused}");
    assert_eq!(disk.writes(), writes);
    assert_eq!(verify(&disk.open()).verdict.exit_code(), 1);
}

#[test]
fn a_mark_of_unknown_fate_stops_the_writer() {
    for fault in [Fault::Unknown, Fault::StoredButUnknown, Fault::LateLanding] {
        let mut node = Node::at_rest();
        let (reached, marked) = channel();
        let (disk, once) = (node.disk.clone(), Mutex::new(Some(fault)));
        node.hooked.before_submit(move |header| {
            if header.mark
                && let Some(fault) = once.lock().unwrap().take()
            {
                disk.fault_at(disk.submits(), fault);
                reached.send(()).unwrap();
            }
        });
        let recorded = append(&node.ledger, &node.log, &mut node.caller, 3..4).remove(0);
        node.told.push(Told::with_receipt(
            &node.ledger,
            &node.log,
            &recorded,
            event(3),
        ));
        marked.recv_timeout(Duration::from_secs(60)).unwrap();
        is_heard(&node.go(Way::Append).unwrap_err(), Heard::Stopped, "mark");
        is_heard(&node.go(Way::Submit).unwrap_err(), Heard::Stopped, "mark");
        let (disk, clock, told, _) = node.end(Way::Append);
        let ledger = open(Arc::new(disk.open()), &clock, 2, settings()).unwrap();
        ledger.close("test").unwrap();
        let store: Arc<dyn Store> = Arc::new(disk.open());
        is_true(&store, &told);
    }
}

#[test]
fn a_first_batch_of_unknown_fate_opens_nothing_and_founds_once() {
    for fault in [Fault::Unknown, Fault::StoredButUnknown, Fault::LateLanding] {
        let (disk, clock) = (memory(), Hands::at(1_790_000_000));
        disk.fault_at(0, fault);
        let refused = open(Arc::new(disk.open()), &clock, 1, settings())
            .err()
            .unwrap();
        assert!(
            matches!(refused, OpenError::Refused(Refusal::Unknown(_))),
            "{refused}"
        );
        is_clean(&verify(&disk.open()));
        let ledger = open(Arc::new(disk.open()), &clock, 2, settings()).unwrap();
        ledger.close("test").unwrap();
        let store: Arc<dyn Store> = Arc::new(disk.open());
        is_true(&store, &[]);
        let books = read(store);
        let logs: Vec<_> = books
            .logs()
            .iter()
            .map(|log| log.name().to_owned())
            .collect();
        assert_eq!(logs, ["_node"]);
    }
}

/// The mark at which the node came to rest vanishes as soon as it is durable.
fn with_vanished_end() -> Node {
    let mut node = Node::at_rest();
    let disk = node.disk.clone();
    node.hooked.before_submit(move |header| {
        if header.mark {
            disk.fault_at(disk.submits(), Fault::Vanish(header.number));
        }
    });
    let recorded = append(&node.ledger, &node.log, &mut node.caller, 3..4).remove(0);
    node.told.push(Told::with_receipt(
        &node.ledger,
        &node.log,
        &recorded,
        event(3),
    ));
    node.hooked.wait_quiet();
    node
}

#[test]
fn after_an_hour_of_silence_a_vanished_slot_is_noticed_before_anything_is_acknowledged() {
    for way in WAYS {
        let mut node = with_vanished_end();
        let slot = copy_next_without_register(&node.disk);
        node.clock.pass(3_600);
        if way != Way::Close {
            let refusal = node.go(way).unwrap_err();
            is_heard(&refusal, Heard::Stopped, "vanished");
            assert_eq!(node.log.size(), 5);
        }
        let (disk, clock, told, closed) = node.end(way);
        if way == Way::Close {
            is_heard(&closed.unwrap_err(), Heard::Stopped, "vanished");
        }
        assert_eq!(
            copy_next_without_register(&disk),
            slot,
            "{way:?} wrote a slot"
        );
        assert!(disk.open().list("sealed/", None, 9).unwrap().is_empty());

        // Somebody remembers it, so this is no store to go on with.
        let refused = open(Arc::new(disk.open()), &clock, 2, settings())
            .err()
            .unwrap();
        let rolled_back = matches!(refused, OpenError::Recover(RecoverError::RolledBack { remembered, held })
            if (remembered, held) == (slot, slot));
        assert!(rolled_back, "{refused}");
        let report = verify(&disk.open());
        assert_eq!(
            report.verdict.integrity.to_string(),
            format!("missing(batch {slot})")
        );
        assert_eq!(report.verdict.exit_code(), 1);

        // With nobody who remembers it nobody can know. What was told is there all the same: a mark tells nobody anything.
        disk.tamper_register(None);
        open(Arc::new(disk.open()), &clock, 3, settings())
            .unwrap()
            .close("test")
            .unwrap();
        let store: Arc<dyn Store> = Arc::new(disk.open());
        is_true(&store, &told);
    }
}

fn copy_next_without_register(disk: &MemoryDisk) -> u64 {
    let copy = disk.copy();
    copy.tamper_register(None);
    copy_next(&copy)
}

#[test]
fn after_an_hour_of_silence_a_slot_made_anew_by_another_is_noticed() {
    let mut node = with_vanished_end();
    let slot = copy_next_without_register(&node.disk);
    let copy = node.disk.copy();
    copy.tamper_register(None);
    node.disk.tamper_slot(slot, winner(&copy));
    node.clock.pass(3_600);
    is_heard(
        &node.go(Way::Append).unwrap_err(),
        Heard::Stopped,
        "made anew",
    );
    let (disk, clock, ..) = node.end(Way::Append);
    let refused = open(Arc::new(disk.open()), &clock, 2, settings())
        .err()
        .unwrap();
    let forked =
        matches!(refused, OpenError::Recover(RecoverError::Forked(number)) if number == slot);
    assert!(forked, "{refused}");
    assert_eq!(verify(&disk.open()).verdict.exit_code(), 1);
}

#[test]
fn a_slot_that_vanishes_and_is_built_upon_within_the_hour_is_a_hole_ever_after() {
    let mut node = with_vanished_end();
    let slot = copy_next_without_register(&node.disk);
    node.clock.pass(3_598);
    node.go(Way::Append).unwrap();
    let (disk, clock, ..) = node.end(Way::Append);
    let refused = open(Arc::new(disk.open()), &clock, 2, settings())
        .err()
        .unwrap();
    let hole =
        matches!(refused, OpenError::Recover(RecoverError::Hole { number, .. }) if number == slot);
    assert!(hole, "{refused}");
    let report = verify(&disk.open());
    assert_eq!(
        report.verdict.integrity.to_string(),
        format!("missing(batch {slot})")
    );
    assert_eq!(report.verdict.exit_code(), 1);
}

#[test]
fn an_acknowledged_record_whose_slot_vanished_is_never_read_as_something_else() {
    let mut node = Node::at_rest();
    let slot = copy_next(&node.disk);
    node.disk
        .fault_at(node.disk.submits(), Fault::Vanish(slot - 2));
    node.go(Way::Append).unwrap();
    let books = node.ledger.books();
    let lost = node
        .told
        .iter()
        .filter(|told| books.record(&node.log, told.seq).is_err());
    assert_eq!(lost.count(), 1);
    assert!(records_until_damage(&node) < 5);
    assert_eq!(verify(&node.disk.open()).verdict.exit_code(), 1);
}

fn records_until_damage(node: &Node) -> usize {
    let readable = |seq: &u64| node.ledger.books().record(&node.log, *seq).is_ok();
    (0..node.log.size()).take_while(readable).count()
}

#[test]
fn what_was_resent_after_an_unknown_commit_is_there_once_for_each_time_it_was_acknowledged() {
    let mut node = Node::at_rest();
    node.disk.fault_at(node.disk.submits(), Fault::Unknown);
    is_heard(
        &node.go(Way::Append).unwrap_err(),
        Heard::Unknown,
        "first try",
    );
    let (disk, clock, mut told, _) = node.end(Way::Append);
    let ledger = open(Arc::new(disk.open()), &clock, 2, settings()).unwrap();
    let log = ledger.books().log("payments").unwrap();
    let mut caller = caller(&ledger, &log, 6);
    let recorded = append(&ledger, &log, &mut caller, 100..101).remove(0);
    told.push(Told::with_receipt(&ledger, &log, &recorded, event(100)));
    assert_eq!(records(ledger.books(), &log).len(), 5);
    ledger.close("test").unwrap();
    let store: Arc<dyn Store> = Arc::new(disk.open());
    is_true(&store, &told);
}

/// A clock at which one look is held up.
struct HeldClock {
    hands: Arc<Hands>,
    /// Told when somebody looks, and heard before he goes on.
    hold: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Clock for HeldClock {
    fn wall(&self) -> Option<Time> {
        if let Some((looking, go_on)) = self.hold.lock().unwrap().take() {
            looking.send(()).unwrap();
            go_on.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        self.hands.wall()
    }

    fn boot_nanos(&self) -> u64 {
        self.hands.boot_nanos()
    }
}

#[test]
fn a_batch_that_is_ordered_while_the_one_before_fails_is_not_written() {
    let rival = Node::at_rest();
    let taken = winner(&rival.disk);
    drop(rival);
    let (disk, hands) = (memory(), Hands::at(1_790_000_000));
    let hooked = Hooked::new(Arc::new(disk.open()));
    let clock = Arc::new(HeldClock {
        hands,
        hold: Mutex::new(None),
    });
    let ledger = Ledger::open(
        hooked.clone(),
        NodeSecret::new(SECRET),
        clock.clone(),
        random(1),
        settings(),
        "unix:1000",
    )
    .unwrap();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let mut submit = |number| {
        let prepared = caller.prepare(&log, &BY, &Own::default(), &event(number));
        ledger.submit(&log, prepared.unwrap()).unwrap()
    };
    hooked.wait_quiet();
    hooked.hold();
    disk.fault_at(disk.submits(), Fault::Taken(taken));
    let first = submit(0);
    hooked.wait_held();
    // The second is being ordered when the first turns out to have lost its slot.
    let ((looking, looked), (go_on, going)) = (channel(), channel());
    *clock.hold.lock().unwrap() = Some((looking, going));
    let second = submit(1);
    looked.recv_timeout(Duration::from_secs(60)).unwrap();
    hooked.release_hold();
    is_heard(&first.wait().unwrap_err(), Heard::Stopped, "first");
    let submits = disk.submits();
    go_on.send(()).unwrap();
    is_heard(&second.wait().unwrap_err(), Heard::Stopped, "second");
    assert_eq!(disk.submits(), submits);
    drop(ledger);
    assert_eq!(disk.submits(), submits);
}
