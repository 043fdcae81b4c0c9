//! `bench logs`: many logs on one node. What they cost while they are quiet, beside a busy neighbour, and when all of them are written to.

use crate::Options;
use crate::disk::to_f64;
use crate::events::{self, Events};
use crate::load::{self, BY};
use crate::machine;
use crate::report::{Row, show, show_heading};
use crate::start::measured_start;
use crate::store::{Bed, random};
use indelible_ledger::{Founding, Ledger, Log, NewLog, Settings, Ticket};
use indelible_proof::head::Own;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const TAIL_BYTES: u64 = 64 << 20;
/// Commits wait for sealing beyond this, so that what is measured can go on for ever.
const SUSTAINED_TAIL_BYTES: u64 = 256 << 20;
const LOGS: u64 = 10_000;
/// Events of the busy neighbour: enough for a dozen packs.
const BUSY_EVENTS: u64 = 2_000_000;
/// How long the round robin lasts once nothing is put off any more.
const SUSTAINED: Duration = Duration::from_secs(120);
/// Until the tail is at its cap.
const WARM_UP: Duration = Duration::from_secs(20);
/// On their way at any time.
const IN_FLIGHT: usize = 10_000;
/// Runs both cases.
pub fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    show_heading(&format!("bench logs; {}", machine::describe(&options.dir)));
    let set = events::synthetic();
    let mut bench = Bench {
        options,
        logs: options.logs.unwrap_or(LOGS),
        rows: Vec::new(),
    };
    if bench.wanted("quiet") {
        bench.quiet(&set)?;
    }
    if bench.wanted("round robin") {
        bench.round_robin(&set)?;
    }
    Ok(bench.rows)
}

struct Bench<'a> {
    options: &'a Options,
    logs: u64,
    rows: Vec<Row>,
}

impl Bench<'_> {
    fn wanted(&self, case: &str) -> bool {
        self.options
            .only
            .as_ref()
            .is_none_or(|only| case.contains(only))
    }

    fn add(&mut self, case: &str, state: impl Into<String>, value: f64, unit: &'static str) {
        let row = Row::new(case, state, value, unit, None);
        show(&row);
        self.rows.push(row);
    }

    /// All logs made, one event each, then one of them written to by itself.
    fn quiet(&mut self, set: &Events) -> anyhow::Result<()> {
        let case = format!("{} quiet logs, one busy", self.logs);
        let events = self.options.events.unwrap_or(BUSY_EVENTS);
        let bed = Bed::new(&self.options.dir, TAIL_BYTES, 2)?;
        let ledger = bed.open(Settings::default())?;
        let logs = self.create(&case, &ledger)?;
        once_each(&ledger, &logs, set)?;
        let (rss, _) = machine::memory_mb();
        self.add(&case, "resident memory, all made", rss, "MB");
        let busy = logs.first().ok_or_else(|| anyhow::anyhow!("no logs"))?;
        let began = Instant::now();
        load::fill(&ledger, busy, set, events)?;
        let rate = to_f64(events) / began.elapsed().as_secs_f64();
        self.add(
            &case,
            format!("the busy one, {events} events"),
            rate,
            "events/s",
        );
        self.at_rest(&case, &bed, ledger, events + 2 * self.logs)
    }

    fn create(&mut self, case: &str, ledger: &Ledger) -> anyhow::Result<Vec<Arc<Log>>> {
        let began = Instant::now();
        let logs = create(ledger, self.logs)?;
        let rate = to_f64(self.logs) / began.elapsed().as_secs_f64();
        self.add(case, "made, a thousand in a batch", rate, "logs/s");
        Ok(logs)
    }

    /// What is on the disk after a clean stop, and what a start costs.
    fn at_rest(
        &mut self,
        case: &str,
        bed: &Bed,
        ledger: Ledger,
        records: u64,
    ) -> anyhow::Result<()> {
        let (rss, peak) = machine::memory_mb();
        let tail = ledger.tail_bytes() / 1_000_000;
        let state = format!("resident memory, tail of {tail} MB");
        self.add(case, state, rss, "MB");
        self.add(case, "resident memory, most", peak, "MB");
        ledger.seal()?;
        ledger.close("bench")?;
        let files = bed.files_in("sealed")?;
        self.add(case, "sealed files", to_f64(files), "files");
        let bytes = to_f64(bed.bytes_in("sealed")?) / to_f64(records);
        self.add(case, "sealed bytes on disk", bytes, "B/event");
        self.start(case, "start after a clean stop", bed)?;
        let began = Instant::now();
        let merged = bed.merge()?;
        self.add(
            case,
            format!("merging {merged} packs"),
            began.elapsed().as_secs_f64(),
            "s",
        );
        let files = bed.files_in("sealed")?;
        self.add(case, "sealed files, merged", to_f64(files), "files");
        self.start(case, "start, merged", bed)
    }

    fn start(&mut self, case: &str, state: &str, bed: &Bed) -> anyhow::Result<()> {
        let (seconds, rss) = measured_start(&bed.path())?;
        self.add(case, state, seconds * 1e3, "ms");
        self.add(case, format!("{state}: resident memory"), rss, "MB");
        Ok(())
    }

    /// All logs in turn, with sealing.
    fn round_robin(&mut self, set: &Events) -> anyhow::Result<()> {
        let case = format!("{} logs round robin, sealing", self.logs);
        let bed = Bed::new(&self.options.dir, TAIL_BYTES, 2)?;
        let settings = Settings {
            tail_bytes_max: Some(SUSTAINED_TAIL_BYTES),
            ..Settings::default()
        };
        let ledger = bed.open(settings)?;
        let logs = self.create(&case, &ledger)?;
        let limit = self.options.events;
        if limit.is_none() && !self.options.quick {
            in_turn(&ledger, &logs, set, WARM_UP, u64::MAX)?;
        }
        let length = if self.options.quick {
            Duration::from_secs(2)
        } else {
            SUSTAINED
        };
        let before = ledger.tail_bytes();
        let cpu = machine::cpu_seconds();
        let began = Instant::now();
        let events = in_turn(&ledger, &logs, set, length, limit.unwrap_or(u64::MAX))?;
        let seconds = began.elapsed().as_secs_f64();
        let cpu = (machine::cpu_seconds() - cpu) / to_f64(events) * 1e6;
        let tail = ledger.tail_bytes();
        let state = format!(
            "sustained {seconds:.0} s, tail {}→{} MB",
            before / 1_000_000,
            tail / 1_000_000
        );
        self.add(&case, state, to_f64(events) / seconds, "events/s");
        self.add(&case, "processor time, all threads", cpu, "µs/event");
        let records = logs.iter().map(|log| log.size()).sum();
        self.at_rest(&case, &bed, ledger, records)
    }
}

/// So many logs, named `log-00000` and so on.
pub fn create(ledger: &Ledger, count: u64) -> anyhow::Result<Vec<Arc<Log>>> {
    let founding = Founding {
        origin: "audit.bench.example",
        creator: "unix:0",
    };
    let names: Vec<String> = (0..count).map(|n| format!("log-{n:05}")).collect();
    let new: Vec<NewLog<'_>> = (0_u64..)
        .zip(&names)
        .map(|(number, name)| NewLog {
            name,
            incarnation: number.to_be_bytes(),
        })
        .collect();
    Ok(ledger.create_logs(&new, &founding)?)
}

/// One event into each log.
pub fn once_each(ledger: &Ledger, logs: &[Arc<Log>], set: &Events) -> anyhow::Result<()> {
    let count = u64::try_from(logs.len())?;
    in_turn(ledger, logs, set, Duration::MAX, count).map(|_| ())
}

/// Appends to one log after the other, from two threads, for so long or until so many are in. Gives how many.
fn in_turn(
    ledger: &Ledger,
    logs: &[Arc<Log>],
    set: &Events,
    length: Duration,
    most: u64,
) -> anyhow::Result<u64> {
    const THREADS: usize = 2;
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    let share = most.div_ceil(u64::try_from(THREADS)?);
    let done: Vec<anyhow::Result<u64>> = std::thread::scope(|scope| {
        let work = |thread: usize| {
            let mut caller = ledger.caller(&logs[0], random())?;
            let mut events = set.events.iter().cycle().skip(thread * 37);
            let mut turn = logs.iter().skip(thread).step_by(THREADS).cycle();
            let mut waiting: VecDeque<Ticket> = VecDeque::new();
            let mut count = 0;
            while count < share && !stop.load(Ordering::Relaxed) {
                let (Some(event), Some(log)) = (events.next(), turn.next()) else {
                    break;
                };
                let prepared = caller.prepare(log, &BY, &Own::default(), event)?;
                waiting.push_back(ledger.submit(log, prepared)?);
                count += 1;
                if waiting.len() >= IN_FLIGHT / THREADS
                    && let Some(oldest) = waiting.pop_front()
                {
                    oldest.wait()?;
                }
                if began.elapsed() >= length {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            for ticket in waiting {
                ticket.wait()?;
            }
            Ok(count)
        };
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a caller panicked")))
            })
            .collect()
    });
    done.into_iter().sum()
}
