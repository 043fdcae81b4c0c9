//! `bench start --records N`: one log of so many records, filled once, and what it costs then to start, to prove and to merge. With
//! `--logs M` that many quiet logs of two records each stand beside it.
//!
//! Whatever is measured runs in a process of its own, so that its memory is its own. A *cold* start finds none of the store's files in
//! the kernel's memory; a start after a kill finds a tail as a writer leaves it that is killed in the middle of a write.

use crate::Options;
use crate::disk::{Latency, sha256_rate, to_f64};
use crate::events;
use crate::load;
use crate::logs;
use crate::machine;
use crate::report::{Row, show, show_heading};
use crate::store::{Bed, create_log, open_at};
use anyhow::Context as _;
use indelible_ledger::recover;
use indelible_ledger::{Ledger, Log, Settings};
use indelible_store::LocalStore;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TAIL_BYTES: u64 = 64 << 20;
/// Unsealed bytes that a killed writer leaves, if nothing else was asked for: four packs' worth.
const KILLED_TAIL_BYTES: u64 = 256 << 20;
/// Records are filled in portions of this, and each says how far it is.
const PORTION: u64 = 5_000_000;
/// Proofs that are made twice: first to warm what is warm for a node that proves, then for the figures.
const PROOFS: u64 = 20_000;
/// A start takes no longer, plus what a killed writer's tail adds.
const START_SECONDS: f64 = 1.0;
/// What a start and a proving process may hold.
const MEMORY_MB: f64 = 200.0;
/// How long an inclusion proof may take.
const PROOF_US: f64 = 200.0;

/// What the program does when it runs itself, named by this variable; the store's path is in the other one.
const PART: &str = "BENCH_RECORDS_PART";
const STORE: &str = "BENCH_RECORDS_STORE";

/// Fills and measures; or does one part of it for the process that asked.
pub fn run(options: &Options, records: u64) -> anyhow::Result<Vec<Row>> {
    show_heading(&format!("bench start; {}", machine::describe(&options.dir)));
    let mut bench = Bench {
        bed: Bed::new(&options.dir, TAIL_BYTES, 2)?,
        case: match options.logs {
            Some(logs) => format!("{records} records beside {logs} logs"),
            None => format!("{records} records"),
        },
        rows: Vec::new(),
    };
    bench.fill(records, options.logs.unwrap_or(0))?;
    bench.clean("after a clean stop")?;
    bench.proofs()?;
    bench.killed(options.tail.unwrap_or(KILLED_TAIL_BYTES))?;
    bench.merge()?;
    bench.clean("after a clean stop, merged")?;
    bench.proofs()?;
    Ok(bench.rows)
}

/// Does what the environment asks for, if anything: this process was started to be measured.
pub fn part() -> Option<anyhow::Result<()>> {
    let part = std::env::var(PART).ok()?;
    let store = PathBuf::from(std::env::var_os(STORE)?);
    Some(match part.split_once(' ') {
        Some(("write", bytes)) => write(&store, bytes),
        _ if part == "open" => open(&store),
        _ if part == "prove" => prove(&store),
        _ => Err(anyhow::anyhow!("unknown part '{part}'")),
    })
}

struct Bench {
    bed: Bed,
    case: String,
    rows: Vec<Row>,
}

/// What a start reported.
struct Start {
    seconds: f64,
    /// Processor seconds: what others do on the machine does not count.
    busy: f64,
    memory: f64,
    tail: f64,
}

impl Bench {
    fn add(&mut self, state: impl Into<String>, value: f64, unit: &'static str, most: Option<f64>) {
        let row = Row::new(&self.case, state, value, unit, most);
        show(&row);
        self.rows.push(row);
    }

    fn fill(&mut self, records: u64, quiet: u64) -> anyhow::Result<()> {
        let set = events::small();
        let ledger = self.bed.open(Settings::default())?;
        let log = create_log(&ledger)?;
        if quiet > 0 {
            let others = logs::create(&ledger, quiet)?;
            logs::once_each(&ledger, &others, &set)?;
        }
        let began = Instant::now();
        while log.size() < records {
            load::fill(&ledger, &log, &set, records.min(log.size() + PORTION))?;
            eprintln!("{} of {records} records", log.size());
        }
        let seconds = began.elapsed().as_secs_f64();
        let (_, peak) = machine::memory_mb();
        ledger.close("bench")?;
        let size = set.mean_len();
        self.add(
            format!("filled, events of {size} B, sealing"),
            to_f64(records) / seconds,
            "events/s",
            None,
        );
        self.add("filling: resident memory, most", peak, "MB", None);
        let bytes = to_f64(self.bed.bytes_in("sealed")?) / to_f64(records);
        self.add("sealed bytes on disk", bytes, "B/event", None);
        self.files("files in the store")
    }

    fn files(&mut self, state: &str) -> anyhow::Result<()> {
        let sealed = self.bed.files_in("sealed")?;
        let all = u64::try_from(files_below(&self.bed.path())?.len())?;
        self.add(state, to_f64(all), "files", None);
        self.add(format!("{state}: sealed"), to_f64(sealed), "files", None);
        Ok(())
    }

    /// Three starts each, cold and warm: the slowest counts.
    fn clean(&mut self, state: &str) -> anyhow::Result<()> {
        for (how, is_cold) in [("cold", true), ("warm", false)] {
            let mut worst: Option<Start> = None;
            for _ in 0..3 {
                if is_cold {
                    forget(&self.bed.path())?;
                }
                let start = self.start()?;
                let slower = worst.as_ref().is_none_or(|w| w.seconds < start.seconds);
                worst = if slower { Some(start) } else { worst };
            }
            let Some(worst) = worst else { continue };
            self.add_start(format!("start {state}, {how}"), &worst, START_SECONDS);
        }
        Ok(())
    }

    /// A writer is killed, and its store opened.
    fn killed(&mut self, tail: u64) -> anyhow::Result<()> {
        let mut writer = self
            .command(&format!("write {tail}"))
            .stdout(Stdio::piped())
            .spawn()
            .context("start a writer")?;
        let mut said = String::new();
        let output = writer.stdout.take().context("its output is piped")?;
        let heard = BufReader::new(output).read_line(&mut said);
        // It goes on writing until it is killed.
        writer.kill().context("kill the writer")?;
        writer.wait().context("wait for the writer")?;
        heard.context("hear from the writer")?;
        anyhow::ensure!(
            said.trim() == "ready",
            "the writer stopped by itself: {said}"
        );
        forget(&self.bed.path())?;
        let cold = read_rate(&self.bed.path().join("tail"))?;
        let hashing = sha256_rate(2)?;
        forget(&self.bed.path())?;
        let start = self.start()?;
        self.add("reading the tail's files, cold", cold / 1e6, "MB/s", None);
        self.add("SHA-256 of 16 KiB, one core", hashing / 1e6, "MB/s", None);
        let last_file = start.tail.min(to_f64(TAIL_BYTES));
        let most = START_SECONDS + start.tail / cold + last_file / hashing;
        let state = format!(
            "start after a kill, cold, tail of {:.0} MB",
            start.tail / 1e6
        );
        self.add_start(state, &start, most);
        Ok(())
    }

    fn add_start(&mut self, state: String, start: &Start, most: f64) {
        self.add(state, start.seconds * 1e3, "ms", Some(most * 1e3));
        self.add("its processor time", start.busy * 1e3, "ms", None);
        let most = Some(MEMORY_MB);
        self.add("its resident memory, most", start.memory, "MB", most);
    }

    /// What the killed writer left is sealed first, as a node that goes on would.
    fn merge(&mut self) -> anyhow::Result<()> {
        self.bed.open(Settings::default())?.close("bench")?;
        let began = Instant::now();
        let packs = self.bed.merge()?;
        let seconds = began.elapsed().as_secs_f64();
        self.add(format!("merging {packs} packs"), seconds, "s", None);
        self.files("files in the store, merged")
    }

    fn proofs(&mut self) -> anyhow::Result<()> {
        let [p50, p99, busy, memory] = self.figures("prove")?;
        self.add("inclusion proof, warm, p50", p50, "µs", Some(PROOF_US));
        self.add("inclusion proof, warm, p99", p99, "µs", Some(PROOF_US));
        self.add("its processor time, p99", busy, "µs", None);
        self.add(
            "proving: resident memory, most",
            memory,
            "MB",
            Some(MEMORY_MB),
        );
        Ok(())
    }

    fn start(&self) -> anyhow::Result<Start> {
        let [seconds, busy, memory, tail] = self.figures("open")?;
        Ok(Start {
            seconds,
            busy,
            memory,
            tail,
        })
    }

    fn figures(&self, part: &str) -> anyhow::Result<[f64; 4]> {
        let output = self.command(part).output()?;
        anyhow::ensure!(
            output.status.success(),
            "{part}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout)?;
        let figures = text.split_whitespace().map(str::parse::<f64>);
        let figures = figures.collect::<Result<Vec<_>, _>>()?;
        figures
            .try_into()
            .map_err(|_| anyhow::anyhow!("four figures expected: {text}"))
    }

    fn command(&self, part: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap_or_default());
        command.env(PART, part).env(STORE, self.bed.path());
        command
    }
}

fn log_of(ledger: &Ledger) -> anyhow::Result<Arc<Log>> {
    ledger.books().log("payments").context("the log is there")
}

fn open(store: &Path) -> anyhow::Result<()> {
    let settings = Settings {
        background_sealing: false,
        ..Settings::default()
    };
    let began = Instant::now();
    let ledger = open_at(store, settings)?;
    let seconds = began.elapsed().as_secs_f64();
    let busy = machine::process_seconds();
    let (_, peak) = machine::memory_mb();
    println!("{seconds} {busy} {peak} {}", ledger.tail_bytes());
    log_of(&ledger)?;
    ledger.close("bench")?;
    Ok(())
}

/// Appends until the tail has so many bytes, says so, and goes on until it is killed.
fn write(store: &Path, bytes: &str) -> anyhow::Result<()> {
    let bytes: u64 = bytes.parse()?;
    let settings = Settings {
        background_sealing: false,
        tail_bytes_max: Some(u64::MAX),
        ..Settings::default()
    };
    let ledger = open_at(store, settings)?;
    let log = log_of(&ledger)?;
    let set = events::small();
    let mut has_said = false;
    loop {
        load::fill(&ledger, &log, &set, log.size() + 10_000)?;
        if !has_said && ledger.tail_bytes() >= bytes {
            println!("ready");
            has_said = true;
        }
    }
}

/// Proofs of records all over the log, for its newest size, from a process that only reads.
fn prove(store: &Path) -> anyhow::Result<()> {
    let local = LocalStore::open_read(store)?;
    let books = recover::read(Arc::new(local))?.books;
    let log = books.log("payments").context("the log is there")?;
    let size = log.size();
    // Spread over the log, and not in order.
    let places: Vec<u64> = (0..PROOFS)
        .map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size)
        .collect();
    let (mut took, mut busy): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        took.clear();
        busy.clear();
        for &place in &places {
            let (began, used) = (Instant::now(), machine::thread_seconds());
            std::hint::black_box(books.inclusion(&log, place, size)?);
            took.push(began.elapsed());
            busy.push(Duration::from_secs_f64(machine::thread_seconds() - used));
        }
    }
    let Latency { p50_us, p99_us } = Latency::of(took);
    let (_, peak) = machine::memory_mb();
    let busy = Latency::of(busy).p99_us;
    println!("{p50_us} {p99_us} {busy} {peak}");
    Ok(())
}

fn files_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => files.append(&mut files_below(&entry.path())?),
            false => files.push(entry.path()),
        }
    }
    Ok(files)
}

/// Lets the kernel forget what it holds of the store's files.
fn forget(store: &Path) -> anyhow::Result<()> {
    for path in files_below(store)? {
        let file = File::open(&path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

/// Bytes a second of reading these files one after the other.
fn read_rate(directory: &Path) -> anyhow::Result<f64> {
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, began) = (0_u64, Instant::now());
    for path in files_below(directory)? {
        let mut file = File::open(&path)?;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            bytes += u64::try_from(read)?;
        }
    }
    Ok(to_f64(bytes) / began.elapsed().as_secs_f64())
}
