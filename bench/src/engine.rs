//! `bench engine`: durable events a second and commit latency, burst and sustained, verification, disk, memory.

use crate::Options;
use crate::disk::{self, Latency, to_f64};
use crate::events::{self, Events};
use crate::load::{self, Done};
use crate::machine;
use crate::report::{Row, show, show_heading};
use crate::store::{Bed, create_log};
use indelible_ledger::Settings;
use indelible_ledger::verify::{Request, verify_store};
use indelible_store::LocalStore;
use std::path::Path;
use std::time::{Duration, Instant};

/// A tail file as large as the format allows, so that a burst never waits for a new one.
const BURST_TAIL_BYTES: u64 = 1 << 30;
const BURST_FILES: usize = 3;
/// Commits wait for sealing beyond this, so that what is measured for two minutes can go on for ever.
const SUSTAINED_TAIL_BYTES: u64 = 256 << 20;
/// The default of `indelible init`.
const TAIL_BYTES: u64 = 64 << 20;

/// Runs all cases.
pub fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    show_heading(&format!(
        "bench engine; {}",
        machine::describe(&options.dir)
    ));
    let bounds = Bounds::measure(options)?;
    let mut bench = Bench {
        options,
        bounds,
        rows: Vec::new(),
    };
    bench.bounds_rows();
    let mut sets = vec![events::synthetic()];
    sets.extend(events::cloudtrail()?);
    for set in &sets {
        bench.lone_caller(set)?;
        for in_flight in [64, 10_000] {
            bench.burst(set, in_flight)?;
        }
        bench.sustained(set)?;
    }
    if let Some(set) = sets.iter().find(|set| set.name == "CloudTrail") {
        bench.disk_use(set)?;
    }
    Ok(bench.rows)
}

/// What the machine can do at best.
struct Bounds {
    bandwidth: f64,
    sha256: f64,
}

impl Bounds {
    fn measure(options: &Options) -> anyhow::Result<Bounds> {
        let seconds = if options.quick { 1 } else { 5 };
        Ok(Bounds {
            bandwidth: disk::sequential_bandwidth(&options.dir, seconds)?,
            sha256: disk::sha256_rate(2)?,
        })
    }
}

struct Bench<'a> {
    options: &'a Options,
    bounds: Bounds,
    rows: Vec<Row>,
}

impl Bench<'_> {
    fn add(&mut self, row: Row) {
        show(&row);
        self.rows.push(row);
    }

    fn wanted(&self, case: &str) -> bool {
        self.options
            .only
            .as_ref()
            .is_none_or(|only| case.contains(only))
    }

    fn bounds_rows(&mut self) {
        let (bandwidth, sha256) = (self.bounds.bandwidth, self.bounds.sha256);
        self.add(Row::new(
            "sequential 4 MiB writes, fdatasync each",
            "written before",
            bandwidth / 1e6,
            "MB/s",
            None,
        ));
        self.add(Row::new(
            "SHA-256 of 16 KiB, one core",
            "warm",
            sha256 / 1e6,
            "MB/s",
            None,
        ));
    }

    fn length(&self, seconds: u64) -> Duration {
        Duration::from_secs(if self.options.quick {
            seconds.min(2)
        } else {
            seconds
        })
    }

    /// One caller that waits for each event, beside a raw write and sync of as many bytes.
    fn lone_caller(&mut self, set: &Events) -> anyhow::Result<()> {
        let case = format!("append, {}, 1 in flight", set.name);
        if !self.wanted(&case) {
            return Ok(());
        }
        let times = if self.options.quick { 500 } else { 5_000 };
        let bed = Bed::new(&self.options.dir, TAIL_BYTES, 2)?;
        let ledger = bed.open(Settings {
            background_sealing: false,
            ..Settings::default()
        })?;
        let log = create_log(&ledger)?;
        let raw = disk::write_and_sync(&self.options.dir, 4096, times)?;
        let ours = load::count(&ledger, &log, set, times)?;
        let again = disk::write_and_sync(&self.options.dir, 4096, times)?;
        ledger.close("bench")?;
        let state = format!("{times} calls, idle machine");
        let best = |pick: fn(&Latency) -> f64| pick(&raw).min(pick(&again));
        self.add(Row::new(
            &case,
            format!("p50, {state}"),
            ours.p50_us,
            "µs",
            Some(best(|latency| latency.p50_us)),
        ));
        self.add(Row::new(
            &case,
            format!("p99, {state}"),
            ours.p99_us,
            "µs",
            Some(best(|latency| latency.p99_us)),
        ));
        Ok(())
    }

    fn burst(&mut self, set: &Events, in_flight: usize) -> anyhow::Result<()> {
        let case = format!("append, {}, {in_flight} in flight", set.name);
        if !self.wanted(&case) {
            return Ok(());
        }
        let bed = Bed::new(&self.options.dir, BURST_TAIL_BYTES, BURST_FILES)?;
        let cap = BURST_TAIL_BYTES * to_u64(BURST_FILES);
        let settings = Settings {
            background_sealing: false,
            tail_bytes_max: Some(cap),
            ..Settings::default()
        };
        let ledger = bed.open(settings)?;
        let log = create_log(&ledger)?;
        let done = load::run(
            &ledger,
            &log,
            set,
            in_flight,
            threads(in_flight),
            self.length(10),
        )?;
        let tail = bed.bytes_in("tail")?;
        ledger.close("bench")?;
        let state = format!("burst {:.0} s, tail {} GiB", done.seconds, tail >> 30);
        self.load_rows(&case, &state, &done, set);
        Ok(())
    }

    fn sustained(&mut self, set: &Events) -> anyhow::Result<()> {
        let case = format!("append, {}, 10000 in flight, sealing", set.name);
        if !self.wanted(&case) {
            return Ok(());
        }
        let bed = Bed::new(&self.options.dir, TAIL_BYTES, 2)?;
        let settings = Settings {
            tail_bytes_max: Some(SUSTAINED_TAIL_BYTES),
            ..Settings::default()
        };
        let ledger = bed.open(settings)?;
        let log = create_log(&ledger)?;
        let run = |seconds| {
            load::run(
                &ledger,
                &log,
                set,
                10_000,
                threads(10_000),
                self.length(seconds),
            )
        };
        // Until the tail is at its cap, and callers wait for the sealing: from here on nothing is put off.
        run(20)?;
        let cpu = machine::cpu_seconds();
        let before = ledger.tail_bytes();
        let done = run(120)?;
        let tail = ledger.tail_bytes();
        let cpu = (machine::cpu_seconds() - cpu) / to_f64(done.events) * 1e6;
        let start = Instant::now();
        ledger.seal()?;
        let lag = start.elapsed().as_secs_f64();
        let (rss, peak) = machine::memory_mb();
        let records = log.size();
        ledger.close("bench")?;
        let state = format!(
            "sustained {:.0} s, tail {}→{} MB",
            done.seconds,
            before / 1_000_000,
            tail / 1_000_000
        );
        self.load_rows(&case, &state, &done, set);
        self.add(Row::new(
            &case,
            "to seal the rest afterwards",
            lag,
            "s",
            None,
        ));
        self.add(Row::new(
            &case,
            "processor time, all threads",
            cpu,
            "µs/event",
            None,
        ));
        self.add(Row::new(&case, "resident memory, now", rss, "MB", None));
        self.add(Row::new(&case, "resident memory, most", peak, "MB", None));
        self.verification(&case, &bed.path())?;
        let bytes = to_f64(bed.bytes_in("sealed")?) / to_f64(records);
        self.add(Row::new(
            &case,
            "sealed bytes on disk",
            bytes,
            "B/event",
            Some(to_f64(to_u64(set.mean_len()))),
        ));
        Ok(())
    }

    fn load_rows(&mut self, case: &str, state: &str, done: &Done, set: &Events) {
        let rate = to_f64(done.events) / done.seconds;
        let bound = self.bounds.bandwidth / to_f64(to_u64(set.mean_len()));
        self.add(Row::new(case, state, rate, "events/s", Some(bound)));
        self.add(Row::new(case, "p50", done.latency.p50_us / 1e3, "ms", None));
        self.add(Row::new(case, "p99", done.latency.p99_us / 1e3, "ms", None));
    }

    fn verification(&mut self, case: &str, path: &Path) -> anyhow::Result<()> {
        let store = LocalStore::open_read(path)?;
        let start = Instant::now();
        let report = verify_store(
            &store,
            &Request {
                only: None,
                pin: None,
                progress: &|_| {},
            },
        );
        let seconds = start.elapsed().as_secs_f64();
        anyhow::ensure!(
            report.verdict.exit_code() == 0,
            "the store does not verify: {}",
            report.verdict
        );
        let cores = to_f64(to_u64(std::thread::available_parallelism()?.get()));
        let rate = to_f64(report.checked.bytes_hashed) / seconds;
        let state = format!("verify {} records", report.checked.records);
        self.add(Row::new(
            case,
            state,
            rate / 1e6,
            "MB/s hashed",
            Some(self.bounds.sha256 * cores / 1e6),
        ));
        self.add(Row::new(
            case,
            "verify",
            to_f64(report.checked.records) / seconds,
            "records/s",
            None,
        ));
        Ok(())
    }

    /// At least a gigabyte of CloudTrail events, sealed.
    fn disk_use(&mut self, set: &Events) -> anyhow::Result<()> {
        let case = "disk, CloudTrail";
        if !self.wanted(case) {
            return Ok(());
        }
        let wanted = if self.options.quick {
            20_000_000
        } else {
            1_000_000_000
        };
        let bed = Bed::new(&self.options.dir, TAIL_BYTES, 2)?;
        let ledger = bed.open(Settings::default())?;
        let log = create_log(&ledger)?;
        let (mut json, mut events) = (0_u64, 0_u64);
        while json < wanted {
            let done = load::run(
                &ledger,
                &log,
                set,
                10_000,
                threads(10_000),
                Duration::from_secs(1),
            )?;
            events += done.events;
            json += done.events * to_u64(set.mean_len());
        }
        ledger.seal()?;
        ledger.close("bench")?;
        let state = format!("{:.2} GB of JSON, {events} events", to_f64(json) / 1e9);
        let (sealed, tail) = (
            to_f64(bed.bytes_in("sealed")?),
            to_f64(bed.bytes_in("tail")? + bed.bytes_in("build")?),
        );
        self.add(Row::new(
            case,
            format!("sealed, {state}"),
            sealed / 1e6,
            "MB",
            Some(to_f64(json) / 1e6),
        ));
        self.add(Row::new(
            case,
            "sealed",
            sealed / to_f64(events),
            "B/event",
            Some(to_f64(to_u64(set.mean_len()))),
        ));
        self.add(Row::new(
            case,
            "tail files and spares",
            tail / 1e6,
            "MB",
            None,
        ));
        Ok(())
    }
}

/// Callers that stand on threads of their own.
fn threads(in_flight: usize) -> usize {
    if in_flight > 64 { 2 } else { in_flight }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
