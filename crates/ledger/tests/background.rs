//! Sealing beside the commits: when the tail is long, not before, and again when what was in its way is gone.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::truth::is_clean;
use bed::{Bed, append, caller, create, open, settings};
use indelible_ledger::{Ledger, Settings, recover};
use indelible_store::{FaultInjector, WriteFate};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const SEAL_BYTES: u64 = 20_000;

#[derive(Default)]
struct Disk {
    /// Packs find no room.
    full: AtomicBool,
    tries: AtomicU64,
}

fn node(bed: &Bed, disk: &Arc<Disk>, seal_bytes: u64) -> Ledger {
    let disk = Arc::clone(disk);
    let faults: FaultInjector = Arc::new(move |op| {
        let pack = op.path.extension().is_some_and(|end| end == "rec");
        if !pack || !op.needs_room() || !disk.full.load(Ordering::SeqCst) {
            return WriteFate::Proceed;
        }
        disk.tries.fetch_add(1, Ordering::SeqCst);
        WriteFate::NoRoom
    });
    let sealing = Settings {
        background_sealing: true,
        seal_bytes: Some(seal_bytes),
        ..settings()
    };
    open(
        bed.store_with(Some(faults)).unwrap(),
        &bed.clock,
        3,
        sealing,
    )
    .unwrap()
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn packs(bed: &Bed) -> u64 {
    recover::read(bed.reader()).unwrap().packs()
}

/// Appends until there is twice what makes a pack.
fn fill(ledger: &Ledger) {
    let log = create(ledger, "payments", 1);
    let mut caller = caller(ledger, &log, 5);
    for number in 0..60 {
        append(ledger, &log, &mut caller, number..number + 1);
    }
}

#[test]
fn a_tail_that_has_grown_long_is_sealed_beside_the_commits() {
    let bed = Bed::new();
    let ledger = node(&bed, &Arc::default(), SEAL_BYTES);
    fill(&ledger);
    wait("nobody seals", || ledger.tail_bytes() < SEAL_BYTES);
    assert!(packs(&bed) > 0);
    assert_eq!(ledger.sealing_trouble(), None);
    ledger.close("test").unwrap();
    is_clean(&bed.verify());
}

#[test]
fn a_tail_that_is_short_is_left_as_it_is() {
    let bed = Bed::new();
    let ledger = node(&bed, &Arc::default(), 10_000_000);
    fill(&ledger);
    // Twice as long as the keeper waits before it looks.
    let (begin, long) = (Instant::now(), 2 * indelible_ledger::limits::MARK_AFTER);
    wait("time stands still", || begin.elapsed() > long);
    ledger.close("test").unwrap();
    assert_eq!(packs(&bed), 0);
}

#[test]
fn a_sealing_that_found_no_room_is_told_and_tried_again_after_a_pause() {
    let (bed, disk, begin) = (Bed::new(), Arc::<Disk>::default(), Instant::now());
    disk.full.store(true, Ordering::SeqCst);
    let ledger = node(&bed, &disk, SEAL_BYTES);
    fill(&ledger);
    wait("no trouble is told", || ledger.sealing_trouble().is_some());
    wait("it is not tried again", || {
        disk.tries.load(Ordering::SeqCst) > 1
    });
    // A second of pause at least lies between two tries.
    let tries = disk.tries.load(Ordering::SeqCst);
    assert!(tries <= begin.elapsed().as_secs() + 1);
    assert_eq!(packs(&bed), 0);
    disk.full.store(false, Ordering::SeqCst);
    wait("it does not come through", || {
        ledger.sealing_trouble().is_none()
    });
    wait("the tail stays long", || ledger.tail_bytes() < SEAL_BYTES);
    assert!(packs(&bed) > 0);
    ledger.close("test").unwrap();
    is_clean(&bed.verify());
}

#[test]
fn a_stop_does_not_wait_for_a_sealing_that_finds_no_room() {
    let (bed, disk) = (Bed::new(), Arc::<Disk>::default());
    disk.full.store(true, Ordering::SeqCst);
    let ledger = node(&bed, &disk, SEAL_BYTES);
    fill(&ledger);
    wait("no trouble is told", || ledger.sealing_trouble().is_some());
    ledger.close("test").unwrap();
    assert_eq!(packs(&bed), 0);
    disk.full.store(false, Ordering::SeqCst);
    bed.open().close("test").unwrap();
    is_clean(&bed.verify());
}
