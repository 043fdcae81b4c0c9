//! When the register is written: when there is something new to remember, and by nobody who has stopped.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Bed, append, caller, create, open, settings};
use indelible_ledger::{Ledger, Settings};
use indelible_store::{CreateOptions, FaultInjector, LocalStore, WriteFate, WriteKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Writes of the register, and whether the next write into the tail fails.
#[derive(Default)]
struct Seen {
    register: AtomicU64,
    fail: AtomicBool,
}

fn by_hand(bed: &Bed, seen: &Arc<Seen>) -> Ledger {
    let settings = Settings {
        threads: false,
        ..settings()
    };
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
    open(
        bed.store_with(Some(faults)).unwrap(),
        &bed.clock,
        3,
        settings,
    )
    .unwrap()
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
        indelible_store::OpenOptions {
            moved: false,
            random: Box::new(bed::random(9)),
            faults: None,
        },
    )
    .unwrap();
    let settings = Settings {
        threads: false,
        ..settings()
    };
    let ledger = open(Arc::new(store), &bed.clock, 3, settings).unwrap();
    let log = create(&ledger, "payments", 1);
    append(&ledger, &log, &mut caller(&ledger, &log, 5), 0..1);
    assert!(ledger.keep(true));
    assert_eq!(ledger.register_trouble(), None);
    assert_eq!(ledger.close("test").unwrap(), None);
}
