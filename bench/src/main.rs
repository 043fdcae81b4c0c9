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
mod report;
mod resend;
mod start;
mod store;

use anyhow::{Context as _, bail};
use std::path::PathBuf;

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
    /// How many logs, where that is what is measured.
    logs: Option<u64>,
    /// How many events instead of a length of time.
    events: Option<u64>,
}

impl Options {
    fn is_wanted(&self, case: &str) -> bool {
        self.only.as_deref().is_none_or(|only| case.contains(only))
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(command) = arguments.next() else {
        bail!(
            "usage: bench engine|start|resend|logs [--json FILE] [--only TEXT] [--dir DIR] [--quick] [--keys N] [--logs N] [--events N]"
        )
    };
    let mut options = Options {
        json: None,
        only: None,
        dir: PathBuf::from("target"),
        quick: false,
        keys: None,
        logs: None,
        events: None,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--json" => options.json = Some(value()?.into()),
            "--only" => options.only = Some(value()?),
            "--dir" => options.dir = value()?.into(),
            "--quick" => options.quick = true,
            "--keys" => options.keys = Some(value()?.parse().context("a number of keys")?),
            "--logs" => options.logs = Some(value()?.parse().context("--logs takes a number")?),
            "--events" => {
                options.events = Some(value()?.parse().context("--events takes a number")?)
            }
            other => bail!("unknown argument {other}"),
        }
    }
    let rows = match command.as_str() {
        "engine" => engine::run(&options)?,
        "start" => start::run(&options)?,
        "resend" => resend::run(&options)?,
        "logs" => logs::run(&options)?,
        other => bail!("unknown benchmark {other}"),
    };
    report::write_json(&rows, options.json.as_deref())
}
