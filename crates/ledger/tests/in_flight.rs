//! What is sent again while its first sending is still on its way to the disk.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::hooked::Hooked;
use bed::{BY, Hands, caller, create, event, memory, open, settings};
use indelible_ledger::clock::Clock;
use indelible_proof::head::Own;
use indelible_proof::time::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until somebody else looks at the clock, as whoever orders events does. Whether somebody did.
fn is_ordered(clock: &Hands, mut last: Time) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let now = clock.wall().unwrap();
        if now > last.plus_nanos(1_000).unwrap() {
            return true;
        }
        last = now;
        std::thread::yield_now();
    }
    false
}

#[test]
fn what_is_sent_again_while_the_disk_is_busy_with_it_is_answered_with_its_record() {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let hooked = Hooked::new(Arc::new(disk.open()));
    let ledger = open(hooked.clone(), &clock, 1, settings()).unwrap();
    let log = create(&ledger, "payments", 1);
    let empty = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&empty);
    hooked.before_submit(move |header| {
        let is_empty = header.rows == 0 && header.notes_len == 0;
        counted.fetch_add(is_empty.into(), Ordering::SeqCst);
    });
    let mut caller = caller(&ledger, &log, 5);
    for round in 0..8 {
        hooked.wait_quiet();
        hooked.hold();
        let key = format!("key-{round}");
        let mut send = || {
            let own = Own {
                key: Some(&key),
                ..Own::default()
            };
            let prepared = caller.prepare(&log, &BY, &own, &event(round));
            ledger.submit(&log, prepared.unwrap()).unwrap()
        };
        let first = send();
        hooked.wait_held();
        let before = clock.wall().unwrap();
        let again = send();
        let (ordered, early) = (is_ordered(&clock, before), again.is_ready());
        hooked.release_hold();
        assert!(ordered && !early);
        let first = first.wait().unwrap().remove(0);
        let Ok(again) = again.wait_for(PATIENCE) else {
            panic!("nobody answers");
        };
        let again = again.unwrap().remove(0);
        assert!(again.again && !first.again);
        assert_eq!((again.seq, again.entry), (first.seq, first.entry));
    }
    assert_eq!(log.size(), 9);
    // For what was sent again nothing is written.
    assert_eq!(empty.load(Ordering::SeqCst), 0);
}
