//! `bench resend`: what a stream and an idempotency key cost an append, what is known of them takes in memory, how long it takes to find
//! what was sent before, and to start again.
//!
//! The cost of deciding is measured on the tables themselves, filled as a node's would be; the rest on a store that is filled with
//! `--keys` keys (100 million by default: some 14 GB, and half an hour or more) over 100 simulated days.

mod deciding;

use crate::Options;
use crate::disk::{Latency, to_f64};
use crate::events;
use crate::machine;
use crate::report::{Row, show, show_heading};
use crate::store::{Bed, create_log, open_with_clock, random};
use anyhow::{Context as _, ensure};
use deciding::{decide_keys, decide_streams};
use indelible_ledger::clock::Clock;
use indelible_ledger::limits::HORIZON_KEYS;
use indelible_ledger::{Caller, Ledger, Log, Settings};
use indelible_proof::head::{Kind, Own, Shared, Stream};
use indelible_proof::time::Time;
use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const BY: Shared<'static> = Shared {
    kind: Kind::Event,
    by: "spiffe://acme/payments",
    via: "ingest/http",
    from: None,
    cert: None,
    policy: None,
    format: None,
};
/// 2026-01-01.
const BEGIN_SECS: u64 = 1_767_225_600;
/// All keys are spread over so many simulated days.
const DAYS: u64 = 100;
const TAIL_BYTES: u64 = 64 << 20;
/// Packs a quarter as large as usual, for a node that has 200 MB of memory.
const SEAL_BYTES: u64 = 16 << 20;
/// A pack's worth that is being sealed, and half of the next.
const TAIL_LIMIT: u64 = 24 << 20;
/// Events on their way at any time; each takes some 4 KB until it is answered.
const ON_THEIR_WAY: usize = 1_000;

/// Time that passes with the keys.
struct Simulated(AtomicU64);

impl Clock for Simulated {
    fn wall(&self) -> Option<Time> {
        let nanos = self.0.fetch_add(1, Ordering::Relaxed);
        let part = u32::try_from(nanos % 1_000_000_000).ok()?;
        Time::new(BEGIN_SECS + nanos / 1_000_000_000, part)
    }

    fn boot_nanos(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs all parts.
pub fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    if let Ok(path) = std::env::var("BENCH_RESEND_STORE") {
        return open_once(Path::new(&path)).map(|()| Vec::new());
    }
    show_heading(&format!(
        "bench resend; {}",
        machine::describe(&options.dir)
    ));
    let mut rows = Rows(Vec::new());
    let (streams, keys) = match options.quick {
        true => (10_000, 1_000_000),
        false => (1_000_000, 57_000_000),
    };
    // First, since what others leave in memory would be in its figures.
    if options.is_wanted("store") {
        let keys = match (options.keys, options.quick) {
            (Some(keys), _) => keys,
            (None, true) => 200_000,
            (None, false) => 100_000_000,
        };
        filled_store(&mut rows, options, keys)?;
    }
    if options.is_wanted("deciding") {
        decide_streams(&mut rows, 1_000, 1_000_000, Some(0.1));
        // Most of them are in no cache of the processor.
        decide_streams(&mut rows, streams, 3 * streams, None);
        decide_keys(&mut rows, keys);
    }
    if options.is_wanted("append") {
        whole_appends(&mut rows, options)?;
    }
    Ok(rows.0)
}

struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, case: &str, state: &str, value: f64, unit: &'static str, bound: Option<f64>) {
        let row = Row::new(case, state, value, unit, bound);
        show(&row);
        self.0.push(row);
    }
}

/// A number that looks random and is the same each time.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The `number`-th key: a UUID of version 7, made at that nanosecond of the simulation.
fn uuid7(number: u64, nanos: u64) -> String {
    let milliseconds = BEGIN_SECS * 1_000 + nanos / 1_000_000;
    let (a, b) = (mixed(2 * number), mixed(2 * number + 1));
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        milliseconds >> 16,
        milliseconds & 0xffff,
        a & 0xfff,
        0x8000 | (a >> 16 & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

// ---- whole appends ----

/// Processor time of a whole append without a claim, with a number, with a key.
fn whole_appends(rows: &mut Rows, options: &Options) -> anyhow::Result<()> {
    let events = if options.quick { 50_000 } else { 1_000_000 };
    let bed = Bed::new(&options.dir, TAIL_BYTES, 2)?;
    let clock = Arc::new(Simulated(AtomicU64::new(0)));
    let ledger = open_with_clock(&bed.path(), settings(HORIZON_KEYS), clock.clone())?;
    let log = create_log(&ledger)?;
    let mut plain = None;
    for (what, claims) in [
        ("no claim", Claims::None),
        ("a number of a stream", Claims::Stream),
        ("a key", Claims::Key),
    ] {
        let mut sender = Sender::new(&ledger, &log, &clock, 1_000_000)?;
        let before = machine::cpu_seconds();
        sender.send(0..events, claims)?;
        let taken = (machine::cpu_seconds() - before) * 1e6 / to_f64(events);
        rows.add(
            &format!("append with {what}"),
            "processor time, sealing included",
            taken,
            "µs",
            plain,
        );
        plain = plain.or(Some(taken));
    }
    ledger.close("bench")?;
    Ok(())
}

fn settings(horizon: u64) -> Settings {
    Settings {
        key_horizon: Some(horizon),
        // Sustained: nothing is put off, so that memory holds one pack's records and no more.
        tail_bytes_max: Some(TAIL_LIMIT),
        seal_bytes: Some(SEAL_BYTES),
        ..Settings::default()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Claims {
    None,
    Stream,
    Key,
}

/// Sends events, a thousand on their way at any time.
struct Sender<'a> {
    ledger: &'a Ledger,
    log: &'a Arc<Log>,
    clock: &'a Simulated,
    caller: Caller,
    events: Vec<Vec<u8>>,
    /// Simulated nanoseconds between two events.
    step: u64,
}

impl<'a> Sender<'a> {
    fn new(
        ledger: &'a Ledger,
        log: &'a Arc<Log>,
        clock: &'a Simulated,
        step: u64,
    ) -> anyhow::Result<Sender<'a>> {
        let caller = ledger.caller(log, random())?;
        Ok(Sender {
            ledger,
            log,
            clock,
            caller,
            events: events::synthetic().events,
            step,
        })
    }

    fn send(&mut self, numbers: std::ops::Range<u64>, claims: Claims) -> anyhow::Result<()> {
        let mut waiting = VecDeque::new();
        for number in numbers {
            self.clock
                .0
                .fetch_max(number * self.step, Ordering::Relaxed);
            waiting.push_back(
                self.ledger
                    .submit(self.log, self.prepared(number, claims)?)?,
            );
            if waiting.len() >= ON_THEIR_WAY
                && let Some(oldest) = waiting.pop_front()
            {
                let recorded = oldest.wait()?;
                ensure!(!recorded[0].again, "a new event was taken for an old one");
            }
        }
        waiting
            .into_iter()
            .try_for_each(|ticket| ticket.wait().map(|_| ()))?;
        Ok(())
    }

    fn prepared(
        &mut self,
        number: u64,
        claims: Claims,
    ) -> anyhow::Result<indelible_ledger::Prepared> {
        let key;
        let mut own = Own::default();
        match claims {
            Claims::None => {}
            Claims::Stream => {
                own.stream = Some(Stream {
                    src: "till-7",
                    epoch: 0,
                    n: number,
                });
            }
            Claims::Key => {
                key = uuid7(number, number * self.step);
                own.key = Some(&key);
            }
        }
        let event = &self.events[usize::try_from(number)? % self.events.len()];
        Ok(self.caller.prepare(self.log, &BY, &own, event)?)
    }

    /// Sends an event again, alone, and says how long that took.
    fn again(&mut self, number: u64) -> anyhow::Result<(Duration, bool)> {
        let prepared = self.prepared(number, Claims::Key)?;
        let begin = Instant::now();
        let recorded = self.ledger.append(self.log, prepared)?;
        Ok((begin.elapsed(), recorded.again))
    }
}

// ---- a filled store ----

fn filled_store(rows: &mut Rows, options: &Options, keys: u64) -> anyhow::Result<()> {
    let bed = Bed::new(&options.dir, TAIL_BYTES, 2)?;
    let clock = Arc::new(Simulated(AtomicU64::new(0)));
    // With fewer keys than the horizon nothing would be older than it: then it is as much smaller.
    let horizon = HORIZON_KEYS.min(keys * 57 / 100);
    let ledger = open_with_clock(&bed.path(), settings(horizon), clock.clone())?;
    let log = create_log(&ledger)?;
    let step = DAYS * 86_400_000_000_000 / keys;
    let mut sender = Sender::new(&ledger, &log, &clock, step)?;
    let (begin, before) = (Instant::now(), machine::cpu_seconds());
    sender.send(0..keys, Claims::Key)?;
    ledger.seal()?;
    let seconds = begin.elapsed().as_secs_f64();
    let taken = (machine::cpu_seconds() - before) * 1e6 / to_f64(keys);
    let case = format!("{keys} keys appended");
    rows.add(
        &case,
        "processor time of one, sealing included",
        taken,
        "µs",
        None,
    );
    rows.add(
        &case,
        "sustained, with sealing",
        to_f64(keys) / seconds,
        "events/s",
        None,
    );
    let exact = holds(rows, &case, (&ledger, &bed), (keys, horizon))?;
    let samples = if options.quick { 200 } else { 2_000 };
    find(
        rows,
        &mut sender,
        "a key within the horizon",
        exact..keys,
        samples,
    )?;
    if exact > 0 {
        find(rows, &mut sender, "an older UUIDv7 key", 0..exact, samples)?;
        absent(rows, &mut sender, exact, samples / 4)?;
    }
    ledger.close("bench")?;
    start(rows, &bed, horizon, "after a clean stop", Some(2.0))?;
    for entry in std::fs::read_dir(bed.path().join("derived"))? {
        std::fs::remove_file(entry?.path())?;
    }
    start(rows, &bed, horizon, "nothing derived there", None)?;
    Ok(())
}

/// What memory and disk hold of a filled store. Gives how many keys are older than the horizon.
fn holds(
    rows: &mut Rows,
    case: &str,
    (ledger, bed): (&Ledger, &Bed),
    (keys, horizon): (u64, u64),
) -> anyhow::Result<u64> {
    let (now, most) = machine::memory_mb();
    rows.add(case, "resident memory, the most", most, "MB", Some(200.0));
    rows.add(case, "resident memory, at the end", now, "MB", Some(200.0));
    let known = ledger.known();
    rows.add(
        case,
        "exact in memory",
        to_f64(known.keys_sealed),
        "keys",
        Some(to_f64(horizon)),
    );
    let tables = to_f64(u64::try_from(known.key_bytes)?) / 1e6;
    rows.add(case, "tables in memory", tables, "MB", None);
    rows.add(
        case,
        "classes by age",
        to_f64(u64::try_from(known.key_classes)?),
        "classes",
        None,
    );
    let disk = bed.bytes_in("sealed")?;
    rows.add(
        case,
        "on disk",
        to_f64(disk) / to_f64(keys),
        "B an event",
        None,
    );
    Ok(keys.saturating_sub(known.keys_sealed))
}

/// Sends some keys again and takes the time until the original is there.
fn find(
    rows: &mut Rows,
    sender: &mut Sender<'_>,
    what: &str,
    numbers: std::ops::Range<u64>,
    samples: u64,
) -> anyhow::Result<()> {
    let mut taken = Vec::new();
    for at in 0..samples {
        let number = numbers.start + mixed(at) % (numbers.end - numbers.start);
        let (elapsed, again) = sender.again(number)?;
        taken.push(elapsed);
        ensure!(again, "event {number} was recorded twice");
    }
    latencies(rows, &format!("finding {what}"), "warm", taken);
    Ok(())
}

/// Old keys that were never sent: all packs that could hold them are looked at.
fn absent(
    rows: &mut Rows,
    sender: &mut Sender<'_>,
    exact: u64,
    samples: u64,
) -> anyhow::Result<()> {
    let mut taken = Vec::new();
    for at in 0..samples {
        let number = mixed(at) % exact;
        // Another random part, each time another, so a new key of that time.
        let key = uuid7(at + (1 << 40), number * sender.step);
        let own = Own {
            key: Some(&key),
            ..Own::default()
        };
        let prepared = sender.caller.prepare(sender.log, &BY, &own, b"{}")?;
        let begin = Instant::now();
        let recorded = sender.ledger.append(sender.log, prepared)?;
        taken.push(begin.elapsed());
        ensure!(!recorded.again, "a key that was never sent was found");
    }
    latencies(
        rows,
        "recording an old UUIDv7 key that is new",
        "warm, with its sync",
        taken,
    );
    Ok(())
}

fn latencies(rows: &mut Rows, case: &str, state: &str, taken: Vec<Duration>) {
    let latency = Latency::of(taken);
    rows.add(case, &format!("{state}, p50"), latency.p50_us, "µs", None);
    rows.add(case, &format!("{state}, p99"), latency.p99_us, "µs", None);
}

fn start(
    rows: &mut Rows,
    bed: &Bed,
    horizon: u64,
    state: &str,
    bound: Option<f64>,
) -> anyhow::Result<()> {
    let output = Command::new(std::env::current_exe()?)
        .arg("resend")
        .env("BENCH_RESEND_STORE", bed.path())
        .env("BENCH_RESEND_HORIZON", horizon.to_string())
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let mut fields = text.split_whitespace().map(str::parse::<f64>);
    let (Some(seconds), Some(most)) = (fields.next().transpose()?, fields.next().transpose()?)
    else {
        anyhow::bail!("no figures: {text}")
    };
    let case = format!("start, {horizon} keys in memory");
    rows.add(&case, state, seconds, "s", bound);
    rows.add(&case, &format!("{state}, memory"), most, "MB", Some(200.0));
    Ok(())
}

fn open_once(path: &Path) -> anyhow::Result<()> {
    let begin = Instant::now();
    let clock = Arc::new(Simulated(AtomicU64::new(DAYS * 86_400_000_000_000)));
    let settings = Settings {
        background_sealing: false,
        ..settings(std::env::var("BENCH_RESEND_HORIZON")?.parse()?)
    };
    let ledger = open_with_clock(path, settings, clock).context("open the store")?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{seconds} {}", machine::memory_mb().1);
    ledger.close("bench")?;
    Ok(())
}
