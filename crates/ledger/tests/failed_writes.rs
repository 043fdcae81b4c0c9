//! Every write of a history, lost, torn or stored without an answer: nothing acknowledged is lost, nothing is doubled, and a crash
//! never looks like damage.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::truth::{Told, is_true};
use bed::{BY, Bed, Hands, ORIGIN, event, memory, open, settings, verify};
use indelible_ledger::{Founding, Ledger, Log};
use indelible_proof::head::Own;
use indelible_store::{FaultInjector, Store, WriteFate, WriteKind, WriteOp};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A disk's sector: what a torn write tears at.
const SECTOR: u64 = 512;
/// Writes above this prepare tail files.
const LONG_WRITE: u64 = 60_000;
/// Rounds of a history, each one append alone and the rest submitted together.
const ROUNDS: u64 = 6;
/// Events of a round; all rounds together are 300.
const ROUND: u64 = 50;

/// Opens a store for writing, or says that a write failed.
type OpenStore<'a> = dyn Fn() -> Option<Arc<dyn Store>> + 'a;

/// Create, 300 appends, seal in between, stop, open again, one more, stop. Ends at the first failure, as a process does.
fn history(store: &OpenStore<'_>, clock: &Arc<Hands>, told: &mut Vec<Told>) -> Option<()> {
    let founding = Founding {
        origin: ORIGIN,
        creator: "unix:1000",
    };
    let ledger = open(store()?, clock, 1, settings()).ok()?;
    let log = ledger.create_log("payments", &founding, [1; 8]).ok()?;
    for round in 0..ROUNDS {
        round_of(&ledger, &log, round * ROUND, ROUND, told)?;
        if round == 2 || round == 4 {
            ledger.seal().ok()?;
        }
    }
    ledger.close("test").ok()?;
    let ledger = open(store()?, clock, 2, settings()).ok()?;
    let log = ledger.books().log("payments").unwrap();
    round_of(&ledger, &log, ROUNDS * ROUND, 1, told)?;
    ledger.close("test").map(drop).ok()
}

/// One append, and the other events submitted together. Whatever is acknowledged is told, also after a failure.
fn round_of(
    ledger: &Ledger,
    log: &Arc<Log>,
    first: u64,
    count: u64,
    told: &mut Vec<Told>,
) -> Option<()> {
    let mut caller = ledger.caller(log, bed::random(first)).ok()?;
    let mut prepare = |number| {
        caller
            .prepare(log, &BY, &Own::default(), &event(number))
            .unwrap()
    };
    let recorded = ledger.append(log, prepare(first)).ok()?;
    told.push(Told::with_receipt(ledger, log, &recorded, event(first)));
    let tickets: Vec<_> = (first + 1..first + count)
        .map(|number| (number, ledger.submit(log, prepare(number))))
        .collect();
    let mut whole = Some(());
    for (number, ticket) in tickets {
        match ticket.and_then(|ticket| ticket.wait()) {
            Ok(recorded) if number.is_multiple_of(8) => {
                told.push(Told::with_receipt(ledger, log, &recorded[0], event(number)))
            }
            Ok(recorded) => told.push(Told::new(log, &recorded[0], event(number))),
            Err(_) => whole = None,
        }
    }
    whole
}

/// What becomes of the k-th write.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Lost,
    StoredButLost,
    /// Torn at this sector boundary, or the last one of the write.
    Torn(u64),
    /// Torn in the middle, and at its last boundary.
    TornInTheMiddle,
    TornAtTheEnd,
}

impl Fate {
    fn of(self, length: u64) -> WriteFate {
        let last = length.saturating_sub(1) / SECTOR;
        match self {
            Fate::Lost => WriteFate::Lost,
            Fate::StoredButLost => WriteFate::StoredButLost,
            Fate::Torn(sectors) => WriteFate::Torn(sectors.min(last) * SECTOR),
            Fate::TornInTheMiddle => WriteFate::Torn(last.div_ceil(2) * SECTOR),
            Fate::TornAtTheEnd => WriteFate::Torn(last * SECTOR),
        }
    }
}

/// What is announced of an operation, for choosing fates.
#[derive(Clone, Debug)]
struct Seen {
    kind: WriteKind,
    length: u64,
    path: String,
}

fn seen(op: &WriteOp<'_>) -> Seen {
    Seen {
        kind: op.kind,
        length: op.length,
        path: op.path.display().to_string(),
    }
}

/// All that the operations of a history can suffer: each is lost and stored without an answer, and each write is torn at every sector.
/// Writes of nothing but zeros to prepare a tail file are torn at their first, middle and last sector, being 128 times the same.
fn fates(all: &[Seen]) -> Vec<(u64, Fate)> {
    let mut fates = Vec::new();
    for (at, op) in (0..).zip(all) {
        fates.extend([(at, Fate::Lost), (at, Fate::StoredButLost)]);
        if op.kind == WriteKind::Write && op.length <= LONG_WRITE {
            fates.extend((1..op.length.div_ceil(SECTOR)).map(|sectors| (at, Fate::Torn(sectors))));
        } else if op.kind == WriteKind::Write {
            fates.extend([
                (at, Fate::Torn(1)),
                (at, Fate::TornInTheMiddle),
                (at, Fate::TornAtTheEnd),
            ]);
        }
    }
    fates
}

/// Runs the history once with the `at`-th operation failing (none for `None`). Gives what was told and how many operations there were.
fn run_local(bed: &Bed, failing: Option<(u64, Fate)>) -> (Vec<Told>, Vec<Seen>) {
    let all: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let next = Arc::new(AtomicU64::new(0));
    let faults: FaultInjector = {
        let all = Arc::clone(&all);
        Arc::new(move |op| {
            let mut all = all.lock().unwrap();
            all.push(seen(op));
            let at = next.fetch_add(1, Ordering::SeqCst);
            match failing {
                Some((failing, fate)) if failing == at => fate.of(op.length),
                _ => WriteFate::Proceed,
            }
        })
    };
    let mut told = Vec::new();
    let store = || bed.store_with(Some(Arc::clone(&faults))).ok();
    let whole = history(&store, &bed.clock, &mut told);
    assert!(
        failing.is_some() || whole.is_some(),
        "nothing failed and something was refused"
    );
    let all = all.lock().unwrap().clone();
    (told, all)
}

fn check_local(failing: Option<(u64, Fate)>) -> Vec<Seen> {
    let bed = Bed::new();
    let (told, all) = run_local(&bed, failing);
    let case = |what: &str| {
        let op = failing.and_then(|(at, _)| all.get(usize::try_from(at).unwrap()));
        let op = op.map(|op| (op.kind, op.length, &op.path));
        format!("{what}: {failing:?} of {op:?}")
    };
    let before = verify(&*bed.reader());
    assert_ne!(
        before.verdict.exit_code(),
        1,
        "{}\n{}\n{:?}",
        case("a crash looks like damage"),
        before.verdict,
        before.findings
    );
    let ledger = bed
        .try_open()
        .unwrap_or_else(|error| panic!("{}", case(&error.to_string())));
    ledger.close("test").unwrap();
    let caught = std::panic::catch_unwind(AssertUnwindSafe(|| is_true(&bed.reader(), &told)));
    assert!(caught.is_ok(), "{}", case("after the next start"));
    all
}

#[test]
fn after_any_failed_write_in_a_directory_all_that_was_acknowledged_is_there_once() {
    let all = check_local(None);
    let fates = fates(&all);
    println!("{} operations, {} fates", all.len(), fates.len());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(failing) =
                    fates.get(usize::try_from(next.fetch_add(1, Ordering::SeqCst)).unwrap())
                {
                    check_local(Some(*failing));
                }
            });
        }
    });
}

fn check_memory(failing: Option<(u64, WriteFate)>) -> u64 {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    if let Some((at, fate)) = failing {
        disk.fate_of(at, fate);
    }
    let mut told = Vec::new();
    let store = || {
        let store: Arc<dyn Store> = Arc::new(disk.open());
        Some(store)
    };
    let whole = history(&store, &clock, &mut told);
    assert!(
        failing.is_some() || whole.is_some(),
        "nothing failed and something was refused"
    );
    let writes = disk.writes();
    // A copy has no fate left that this run, whose marks come by the clock on the wall, did not meet.
    let disk = disk.copy();
    let before = verify(&disk.open());
    assert_ne!(
        before.verdict.exit_code(),
        1,
        "{failing:?}\n{}\n{:?}",
        before.verdict,
        before.findings
    );
    open(Arc::new(disk.open()), &clock, 3, settings())
        .unwrap_or_else(|error| panic!("{failing:?}: {error}"))
        .close("test")
        .unwrap();
    let store: Arc<dyn Store> = Arc::new(disk.open());
    let caught = std::panic::catch_unwind(AssertUnwindSafe(|| is_true(&store, &told)));
    assert!(caught.is_ok(), "after {failing:?}");
    writes
}

#[test]
fn after_any_failed_write_in_memory_all_that_was_acknowledged_is_there_once() {
    let writes = check_memory(None);
    println!("{writes} writes");
    for at in 0..writes {
        check_memory(Some((at, WriteFate::Lost)));
        check_memory(Some((at, WriteFate::StoredButLost)));
        for sectors in [0, 1, 2, 5, 11, 23] {
            check_memory(Some((at, WriteFate::Torn(sectors * SECTOR))));
        }
    }
}
