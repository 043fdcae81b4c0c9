//! When a node on a full disk looks again whether there is room, and what it says until then.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::surgery::tail;
use bed::truth::is_clean;
use bed::{BY, Bed, append, caller, create, event, open, settings};
use indelible_ledger::limits::ROOM_RETRY;
use indelible_ledger::{Ledger, Refusal, SealError, Settings};
use indelible_proof::head::Own;
use indelible_store::{FaultInjector, WriteFate, WriteKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Default)]
struct Disk {
    full: AtomicBool,
    tries: AtomicU64,
}

/// A node by hand whose disk has no room for another tail file while it is said to be full.
fn node(bed: &Bed, disk: &Arc<Disk>) -> Ledger {
    let disk = Arc::clone(disk);
    let faults: FaultInjector = Arc::new(move |op| {
        let tail = op.path.to_string_lossy().contains("/store/build/tail-");
        if !tail || !disk.full.load(Ordering::SeqCst) {
            return WriteFate::Proceed;
        }
        if op.kind == WriteKind::Create {
            disk.tries.fetch_add(1, Ordering::SeqCst);
        }
        match op.needs_room() {
            true => WriteFate::NoRoom,
            false => WriteFate::Proceed,
        }
    });
    let by_hand = Settings {
        threads: false,
        ..settings()
    };
    let store = bed.store_with(Some(faults)).unwrap();
    open(store, &bed.clock, 3, by_hand).unwrap()
}

#[test]
fn a_tail_file_that_found_no_room_is_tried_again_after_five_seconds_and_not_before() {
    let (bed, disk) = (Bed::new(), Arc::<Disk>::default());
    let ledger = node(&bed, &disk);
    let tries = || disk.tries.load(Ordering::SeqCst);
    disk.full.store(true, Ordering::SeqCst);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..1);
    assert_eq!(ledger.room_trouble(), None);
    ledger.keep(false);
    let first = tries();
    assert!(first > 0);
    let trouble = ledger.room_trouble().unwrap();
    assert!(trouble.contains("tail"), "{trouble}");
    for pass in [0, ROOM_RETRY.as_secs() - 1] {
        bed.clock.pass(pass);
        ledger.keep(false);
        assert_eq!(tries(), first);
    }
    bed.clock.pass(1);
    ledger.keep(false);
    let second = tries();
    assert!(second > first);
    // It was tried just now.
    ledger.keep(false);
    assert_eq!(tries(), second);
    assert!(ledger.room_trouble().is_some());
    disk.full.store(false, Ordering::SeqCst);
    ledger.keep(false);
    assert!(ledger.room_trouble().is_some());
    bed.clock.pass(ROOM_RETRY.as_secs());
    ledger.keep(false);
    assert_eq!(ledger.room_trouble(), None);
    append(&ledger, &log, &mut caller, 1..2);
    ledger.close("test").unwrap();
}

#[test]
fn a_record_of_the_nodes_own_without_room_is_refused_and_no_mark_is_written_and_the_node_goes_on() {
    let (bed, disk) = (Bed::new(), Arc::<Disk>::default());
    let ledger = node(&bed, &disk);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    disk.full.store(true, Ordering::SeqCst);
    ledger.keep(false);
    let mut send = |number| {
        let prepared = caller.prepare(&log, &BY, &Own::default(), &event(number));
        ledger.append(&log, prepared.unwrap())
    };
    let refused = (0..100).find_map(|number| send(number).err()).unwrap();
    assert!(matches!(refused, Refusal::NoRoom(_)), "{refused}");
    // Each sealing is followed by the record that names its pack.
    let refused = (0..100).find_map(|_| ledger.seal().err()).unwrap();
    let of_room = matches!(refused, SealError::Refused(Refusal::NoRoom(_)));
    assert!(of_room, "{refused}");
    let batches = tail(&bed).len();
    assert!(!ledger.keep(true));
    assert_eq!(tail(&bed).len(), batches);
    let refused = send(100).unwrap_err();
    assert!(matches!(refused, Refusal::NoRoom(_)), "{refused}");
    disk.full.store(false, Ordering::SeqCst);
    bed.clock.pass(ROOM_RETRY.as_secs());
    assert!(ledger.keep(true));
    send(101).unwrap();
    ledger.seal().unwrap();
    ledger.close("test").unwrap();
    is_clean(&bed.verify());
}
