//! Benchmarks as programs: each prints a table, and with `--json FILE` writes its rows.
//!
//! Never a test: a figure depends on the machine and on what else it does. Every row names its state and stands beside the physical
//! bound that was measured in the same run.

mod disk;
mod engine;
mod events;
mod load;
mod logs;
mod machine;
mod port;
mod records;
mod report;
mod resend;
mod start;
mod store;

use anyhow::{Context as _, bail};
use std::path::PathBuf;
use std::process::ExitCode;

/// What was asked on the command line.
struct Options {
    json: Option<PathBuf>,
    /// Only cases whose name contains this.
    only: Option<String>,
    /// Where stores are made; on the disk that is to be measured.
    dir: PathBuf,
    /// Shorter runs that show whether the program works, and whose figures mean nothing.
    quick: bool,
    /// Idempotency keys to fill a store with.
    keys: Option<u64>,
    /// Records to fill a store with.
    records: Option<u64>,
    /// Bytes that a killed writer leaves in the tail.
    tail: Option<u64>,
    /// How many logs, where that is what is measured.
    logs: Option<u64>,
    /// How many events instead of a length of time.
    events: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            json: None,
            only: None,
            dir: PathBuf::from("target"),
            quick: false,
            keys: None,
            records: None,
            tail: None,
            logs: None,
            events: None,
        }
    }
}

/// A benchmark's program.
type Benchmark = fn(&Options) -> anyhow::Result<Vec<report::Row>>;

const BENCHMARKS: [(&str, Benchmark); 5] = [
    ("engine", engine::run),
    ("start", start::run),
    ("resend", resend::run),
    ("logs", logs::run),
    ("port", port::run),
];

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut options = Options::default();
        while let Some(argument) = arguments.next() {
            if argument == "--quick" {
                options.quick = true;
                continue;
            }
            let place = match argument.as_str() {
                "--json" | "--only" | "--dir" => None,
                "--records" => Some(&mut options.records),
                "--tail" => Some(&mut options.tail),
                "--keys" => Some(&mut options.keys),
                "--logs" => Some(&mut options.logs),
                "--events" => Some(&mut options.events),
                other => bail!("unknown option '{other}'\n{USAGE}"),
            };
            let value = arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))?;
            match (argument.as_str(), place) {
                (_, Some(place)) => {
                    let number = value.parse();
                    *place = Some(number.with_context(|| format!("{argument} takes a number"))?);
                }
                ("--json", None) => options.json = Some(value.into()),
                ("--only", None) => options.only = Some(value),
                (_, None) => options.dir = value.into(),
            }
        }
        Ok(options)
    }

    fn is_wanted(&self, case: &str) -> bool {
        self.only.as_deref().is_none_or(|only| case.contains(only))
    }
}

const USAGE: &str = "\
usage: bench NAME [OPTION]...

  engine   how many events a second, and how long one takes
  start    how long a start takes, and what it holds in memory
  resend   what streams and keys cost
  logs     many logs on one node
  port     events over mutual TLS

  --json FILE    write the rows there too
  --only TEXT    only cases with this in their name
  --dir DIR      where stores are made [default: target]
  --quick        short runs that show whether the program works
  --records N    start: one store of N records: starts, proofs, files, merging
  --tail BYTES   start --records: what a killed writer leaves unsealed
  --keys N       resend: keys to fill a store with
  --logs N       logs: how many; start --records: quiet ones beside
  --events N     logs: so many events instead of a length of time";

/// One line for what went wrong: whoever types a benchmark's name wrongly is not helped by where in this program that was found.
fn main() -> ExitCode {
    indelible_hint::settle_heap();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    if let Some(done) = records::part().or_else(port::part) {
        return done;
    }
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        bail!("no benchmark named\n{USAGE}")
    };
    if name == "--help" || name == "-h" {
        println!("{USAGE}");
        return Ok(());
    }
    let Some((_, benchmark)) = BENCHMARKS.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = BENCHMARKS.iter().map(|(name, _)| *name).collect();
        bail!(
            "unknown benchmark '{name}'; there are: {}",
            names.join(", ")
        )
    };
    let options = Options::parse(arguments)?;
    std::fs::create_dir_all(&options.dir)
        .with_context(|| format!("--dir {}", options.dir.display()))?;
    let rows = benchmark(&options)?;
    report::write_json(&rows, options.json.as_deref())
}
