//! When the register is written: when there is something new to remember, and by nobody who has stopped.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Bed, append, caller, create, open, settings};
use indelible_ledger::{Ledger, Settings};
use indelible_store::{
    CreateOptions, FaultInjector, LocalStore, OpenOptions, WriteFate, WriteKind,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Writes of the register, and whether the next write into the tail fails.
#[derive(Default)]
struct Seen {
    register: AtomicU64,
    fail: AtomicBool,
}

/// Nothing happens by itself: no threads.
fn still() -> Settings {
    Settings {
        threads: false,
        ..settings()
    }
}

fn opened(bed: &Bed, faults: FaultInjector) -> Ledger {
    let store = bed.store_with(Some(faults)).unwrap();
    open(store, &bed.clock, 3, still()).unwrap()
}

fn by_hand(bed: &Bed, seen: &Arc<Seen>) -> Ledger {
    let (seen, register) = (Arc::clone(seen), bed.register());
    let faults: FaultInjector = Arc::new(move |op| {
        if op.path.starts_with(register.parent().unwrap())
            && !op.path.starts_with(register.with_file_name("store"))
        {
            seen.register.fetch_add(1, Ordering::SeqCst);
        }
        let tail = op.kind == WriteKind::Write && op.path.parent().unwrap().ends_with("tail");
        match tail && seen.fail.load(Ordering::SeqCst) {
            true => WriteFate::Lost,
            false => WriteFate::Proceed,
        }
    });
    opened(bed, faults)
}

#[test]
fn a_register_is_written_when_there_is_a_new_batch_to_remember_and_not_before() {
    let (bed, seen) = (Bed::new(), Arc::<Seen>::default());
    let ledger = by_hand(&bed, &seen);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    for number in 0..3 {
        append(&ledger, &log, &mut caller, number..number + 1);
        let before = seen.register.load(Ordering::SeqCst);
        assert!(ledger.keep(true));
        let after = seen.register.load(Ordering::SeqCst);
        assert!(after > before);
        assert!(!ledger.keep(true));
        assert_eq!(seen.register.load(Ordering::SeqCst), after);
        assert_eq!(ledger.register_trouble(), None);
    }
    ledger.close("test").unwrap();
}

#[test]
fn who_has_stopped_writes_no_register() {
    let (bed, seen) = (Bed::new(), Arc::<Seen>::default());
    let ledger = by_hand(&bed, &seen);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..1);
    seen.fail.store(true, Ordering::SeqCst);
    // The mark fails, and the batch before it is not in the register yet.
    assert!(!ledger.keep(true));
    assert!(ledger.stopped().is_some());
    let failed = seen.register.load(Ordering::SeqCst);
    assert!(!ledger.keep(true));
    assert_eq!(seen.register.load(Ordering::SeqCst), failed);
}

#[test]
fn a_store_without_a_register_has_no_trouble_with_it() {
    let bed = Bed::new();
    let path = bed.path().with_file_name("without");
    let options = CreateOptions {
        register: None,
        ..bed.create_options()
    };
    LocalStore::create(&path, options).unwrap();
    let store = LocalStore::open_write(
        &path,
        OpenOptions {
            moved: false,
            random: Box::new(bed::random(9)),
            faults: None,
        },
    )
    .unwrap();
    let ledger = open(Arc::new(store), &bed.clock, 3, still()).unwrap();
    let log = create(&ledger, "payments", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..1);
    assert!(ledger.keep(true));
    assert_eq!(ledger.register_trouble(), None);
    assert_eq!(ledger.close("test").unwrap(), None);
}

/// A store whose setting of the register is reported lost, or is interfered with, whenever this says so.
fn with_register_fault(bed: &Bed, lie: &Arc<AtomicBool>) -> Ledger {
    let (register, lie) = (bed.register(), Arc::clone(lie));
    let faults: FaultInjector = Arc::new(move |op| {
        let sets = op.kind == WriteKind::Rename && op.to == Some(&register);
        match sets && lie.swap(false, Ordering::SeqCst) {
            true => WriteFate::StoredButLost,
            false => WriteFate::Proceed,
        }
    });
    opened(bed, faults)
}

#[test]
fn a_register_that_was_set_and_reported_lost_is_set_again_with_the_next_batch() {
    let (bed, lie) = (Bed::new(), Arc::<AtomicBool>::default());
    let ledger = with_register_fault(&bed, &lie);
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..1);
    assert!(ledger.keep(true));
    append(&ledger, &log, &mut caller, 1..2);
    lie.store(true, Ordering::SeqCst);
    ledger.keep(false);
    assert!(!lie.load(Ordering::SeqCst));
    assert!(ledger.register_trouble().is_some());
    append(&ledger, &log, &mut caller, 2..3);
    ledger.keep(false);
    assert_eq!(ledger.register_trouble(), None);
    assert_eq!(ledger.stopped(), None);
    assert_eq!(ledger.close("test").unwrap(), None);
    bed.open().close("test").unwrap();
}

#[test]
fn the_register_of_another_store_is_left_as_it_is_and_stops_nobody() {
    let (bed, other) = (Bed::new(), Bed::new());
    let options = CreateOptions {
        store_id: [0xcc; 16],
        register: Some(other.register().with_file_name("of-another")),
        ..other.create_options()
    };
    let path = other.path().with_file_name("another");
    LocalStore::create(&path, options).unwrap();
    let store = LocalStore::open_write(
        &path,
        OpenOptions {
            moved: false,
            random: Box::new(bed::random(9)),
            faults: None,
        },
    );
    open(Arc::new(store.unwrap()), &other.clock, 3, settings())
        .unwrap()
        .close("test")
        .unwrap();
    let foreign = std::fs::read(other.register().with_file_name("of-another")).unwrap();

    let ledger = with_register_fault(&bed, &Arc::default());
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..1);
    assert!(ledger.keep(true));
    std::fs::write(bed.register(), &foreign).unwrap();
    append(&ledger, &log, &mut caller, 1..2);
    ledger.keep(true);
    assert!(ledger.register_trouble().is_some());
    assert_eq!(ledger.stopped(), None);
    append(&ledger, &log, &mut caller, 2..3);
    assert!(ledger.close("test").unwrap().is_some());
    assert_eq!(std::fs::read(bed.register()).unwrap(), foreign);
}
