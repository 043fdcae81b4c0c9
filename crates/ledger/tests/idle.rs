//! A ledger with nothing to do takes no processor. Alone in its file, because threads are known by their names.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Bed, append, caller, create, open, settings};
use indelible_ledger::Settings;
use std::time::{Duration, Instant};

/// What the threads of this name in this process have taken of a processor, in the kernel's hundredths of a second; and how many they are.
fn taken(by: &str) -> (u64, usize) {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = threads.filter_map(|thread| {
        let path = thread.unwrap().path();
        // A thread may have ended meanwhile.
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        let stat = std::fs::read_to_string(path.join("stat")).ok()?;
        (name.trim_end() == by).then(|| ticks(&stat))
    });
    let ticks: Vec<u64> = stats.collect();
    (ticks.iter().sum(), ticks.len())
}

/// Of a line of `stat`: utime and stime, proc(5).
fn ticks(stat: &str) -> u64 {
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let mut fields = fields.split(' ').skip(11);
    let mut next = || fields.next().unwrap().parse::<u64>().unwrap();
    next() + next()
}

#[test]
fn threads_that_have_nothing_to_do_rest() {
    let bed = Bed::new();
    let sealing = Settings {
        background_sealing: true,
        ..settings()
    };
    let ledger = open(bed.store(), &bed.clock, 3, sealing).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    append(&ledger, &log, &mut caller, 0..1);
    let threads = ["commit-0", "commit-1", "keeper", "sealer"];
    // A thread has its name once it runs.
    let began = Instant::now();
    while threads.map(taken).map(|(_, count)| count) != [1; 4] {
        assert!(began.elapsed() < Duration::from_secs(60), "they don't run");
        std::thread::yield_now();
    }
    let before = threads.map(taken);
    // Half a second of a processor's time is taken here.
    let mine = || ticks(&std::fs::read_to_string("/proc/thread-self/stat").unwrap());
    let begin = mine();
    while mine() < begin + 50 {}
    for (name, (before, _)) in threads.into_iter().zip(before) {
        let (after, _) = taken(name);
        assert!(after - before < 15, "{name}: {before}, then {after}");
    }
    drop(ledger);
}
