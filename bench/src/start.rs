//! `bench start`: memory and start-up time at 10⁵, 10⁶ and 10⁷ records; they should not grow with the number of records. With
//! `--records N` one store of so many instead, and all that is to be known of it: see `records`.

use crate::Options;
use crate::events;
use crate::load;
use crate::machine;
use crate::records;
use crate::report::{Row, show, show_heading};
use crate::store::{Bed, create_log};
use anyhow::Context as _;
use indelible_ledger::Settings;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const TAIL_BYTES: u64 = 64 << 20;

/// Fills a store to each size and opens it in a process of its own.
pub fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    if let Ok(path) = std::env::var("BENCH_START_STORE") {
        return open_once(Path::new(&path)).map(|()| Vec::new());
    }
    if let Some(records) = options.records {
        return records::run(options, records);
    }
    show_heading(&format!("bench start; {}", machine::describe(&options.dir)));
    let bed = Bed::new(&options.dir, TAIL_BYTES, 2)?;
    let set = events::synthetic();
    let sizes: &[u64] = if options.quick {
        &[1_000, 10_000, 100_000]
    } else {
        &[100_000, 1_000_000, 10_000_000]
    };
    let mut rows = Vec::new();
    let mut first: Option<(f64, f64)> = None;
    for size in sizes {
        let ledger = bed.open(Settings::default())?;
        let log = match ledger.books().log("payments") {
            Some(log) => log,
            None => create_log(&ledger)?,
        };
        load::fill(&ledger, &log, &set, *size)?;
        ledger.close("bench")?;
        let (seconds, rss) = measured_start(&bed.path())?;
        let (first_seconds, first_rss) = *first.get_or_insert((seconds, rss));
        for row in [
            Row::new(
                format!("start, {size} records"),
                "after a clean stop",
                seconds * 1e3,
                "ms",
                Some(first_seconds * 1e3),
            ),
            Row::new(
                format!("start, {size} records"),
                "resident memory",
                rss,
                "MB",
                Some(first_rss),
            ),
        ] {
            show(&row);
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Opens the store a few times, each in a fresh process, and takes the medians.
pub fn measured_start(store: &Path) -> anyhow::Result<(f64, f64)> {
    let mut figures = Vec::new();
    for _ in 0..5 {
        let output = Command::new(std::env::current_exe()?)
            .arg("start")
            .env("BENCH_START_STORE", store)
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout)?;
        let mut fields = text.split_whitespace().map(str::parse::<f64>);
        let (Some(seconds), Some(rss)) = (fields.next().transpose()?, fields.next().transpose()?)
        else {
            anyhow::bail!("no figures: {text}")
        };
        figures.push((seconds, rss));
    }
    let median = |pick: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = figures.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Ok((median(|figures| figures.0), median(|figures| figures.1)))
}

fn open_once(path: &Path) -> anyhow::Result<()> {
    let start = Instant::now();
    let ledger = crate::store::open_at(
        path,
        Settings {
            background_sealing: false,
            ..Settings::default()
        },
    )
    .context("open the store")?;
    let seconds = start.elapsed().as_secs_f64();
    let (rss, _) = machine::memory_mb();
    println!("{seconds} {rss}");
    anyhow::ensure!(!ledger.books().logs().is_empty(), "no log");
    ledger.close("bench")?;
    Ok(())
}
