//! What the port does: events a second and their latency through mutual TLS, single and in arrays; receipts are verified by whoever sent them.
//!
//! The node is a process of its own, so that what it takes can be told from what its callers take. All of them share the machine.

mod certificates;
mod idle;
mod load;
mod node;
mod postgres;

use crate::Options;
use crate::disk::to_f64;
use crate::events;
use crate::report::{Row, show, show_heading};
use crate::store::Bed;
use anyhow::Context as _;
use certificates::Certificates;
use load::{Batch, Done, Load};
use node::Child;
use postgres::Postgres;
use std::path::Path;
use std::time::Duration;

pub use node::part;

/// What was asked: how many clients at once, and events in a request.
const CASES: [(usize, usize); 10] = [
    (1, 1),
    (64, 1),
    (1_024, 1),
    (1, 100),
    (64, 100),
    (1_024, 100),
    (1, 1_000),
    (8, 1_000),
    (64, 1_000),
    (1_024, 1_000),
];

/// Of these, what is measured for longer too, with commits that wait where sealing does not follow.
const SUSTAINED: [(usize, usize); 2] = [(64, 1), (8, 1_000)];
/// The tail beyond which they wait.
const SUSTAINED_TAIL_BYTES: u64 = 256 << 20;
/// Until the tail is as long as it gets, and then.
const WARM_UP: Duration = Duration::from_secs(20);
const SUSTAINED_LENGTH: Duration = Duration::from_secs(60);

/// Connections that say nothing, and what the node may hold with all of them.
const IDLE: usize = 10_000;
const IDLE_MB_MAX: f64 = 400.0;

/// With a thousand clients a transaction of the peer takes more than a second.
const PEER_MIN: Duration = Duration::from_secs(5);

/// Measures all cases.
pub fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    show_heading(&format!(
        "bench port; {}",
        crate::machine::describe(&options.dir)
    ));
    let mut rows = Vec::new();
    let peer = postgres::programs();
    if peer.is_none() {
        println!(
            "PostgreSQL is left out: its programs are not installed (Debian's package postgresql)"
        );
    }
    for (clients, batch) in CASES {
        let load = Load {
            clients,
            batch: Batch(batch),
        };
        let case = format!("{clients} clients, {batch} events a request");
        if options.is_wanted(&case) {
            let rate = match &peer {
                Some(bin) => Some(beside(options, &case, load, bin, &mut rows)?),
                None => None,
            };
            one(options, &case, load, rate, &mut rows)?;
            if SUSTAINED.contains(&(clients, batch)) && !options.quick {
                sustained(options, &case, load, &mut rows)?;
            }
        }
    }
    let count = if options.quick { IDLE / 10 } else { IDLE };
    let case = format!("{count} idle connections");
    if options.is_wanted(&case) {
        idle(options, &case, count, &mut rows)?;
    }
    Ok(rows)
}

/// The same load on the peer. Gives its events a second.
fn beside(
    options: &Options,
    case: &str,
    load: Load,
    bin: &Path,
    rows: &mut Vec<Row>,
) -> anyhow::Result<f64> {
    let postgres = Postgres::start(bin.to_owned(), &options.dir)?;
    let (rate, latency) =
        postgres.run_load(&events::synthetic(), load, length(options).max(PEER_MIN))?;
    let mut add = |state: &str, value: f64, unit: &'static str| {
        let row = Row::new(case, state, value, unit, None);
        show(&row);
        rows.push(row);
    };
    add("PostgreSQL, chained table, burst", rate, "events/s");
    add(
        "PostgreSQL, a transaction, p50",
        latency.p50_us / 1_000.0,
        "ms",
    );
    add(
        "PostgreSQL, a transaction, p99",
        latency.p99_us / 1_000.0,
        "ms",
    );
    Ok(rate)
}

fn length(options: &Options) -> Duration {
    match options.quick {
        true => Duration::from_secs(1),
        false => Duration::from_secs(10),
    }
}

fn one(
    options: &Options,
    case: &str,
    load: Load,
    peer: Option<f64>,
    rows: &mut Vec<Row>,
) -> anyhow::Result<()> {
    let bed = Bed::new(&options.dir, 64 << 20, 2)?;
    let certificates = Certificates::make(&bed.path())?;
    let child = Child::start(&bed.path(), None).context("start a node")?;
    let length = length(options);
    let before = child.busy_seconds()?;
    let own = crate::machine::process_seconds();
    let done = load::run(&child, &certificates, &events::synthetic(), load, length)?;
    let busy = child.busy_seconds()? - before;
    let own = crate::machine::process_seconds() - own;
    let mut add = |state: &str, value: f64, unit: &'static str, bound: Option<f64>| {
        let row = Row::new(case, state, value, unit, bound);
        show(&row);
        rows.push(row);
    };
    let Done {
        events,
        seconds,
        latency,
    } = done;
    let count = to_f64(events);
    add(
        "burst, receipts verified",
        count / seconds,
        "events/s",
        peer,
    );
    add(
        "burst, a request, p50",
        latency.p50_us / 1_000.0,
        "ms",
        None,
    );
    add(
        "burst, a request, p99",
        latency.p99_us / 1_000.0,
        "ms",
        None,
    );
    add(
        "processor time of the node",
        busy / count * 1e6,
        "µs/event",
        None,
    );
    add(
        "processor time of the clients",
        own / count * 1e6,
        "µs/event",
        None,
    );
    add(
        "resident memory of the node, most",
        child.memory_mb()?,
        "MB",
        None,
    );
    child.stop()
}

/// The same for longer than the tail has room: what is recorded is sealed as fast.
fn sustained(options: &Options, case: &str, load: Load, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let bed = Bed::new(&options.dir, 64 << 20, 2)?;
    let certificates = Certificates::make(&bed.path())?;
    let child = Child::start(&bed.path(), Some(SUSTAINED_TAIL_BYTES)).context("start a node")?;
    let events = events::synthetic();
    load::run(&child, &certificates, &events, load, WARM_UP)?;
    let done = load::run(&child, &certificates, &events, load, SUSTAINED_LENGTH)?;
    let seconds = SUSTAINED_LENGTH.as_secs();
    let mut add = |state: &str, value: f64, unit: &'static str| {
        let row = Row::new(
            case,
            format!("sustained {seconds} s, {state}"),
            value,
            unit,
            None,
        );
        show(&row);
        rows.push(row);
    };
    add(
        "receipts verified",
        to_f64(done.events) / done.seconds,
        "events/s",
    );
    add("a request, p50", done.latency.p50_us / 1_000.0, "ms");
    add("a request, p99", done.latency.p99_us / 1_000.0, "ms");
    add(
        "resident memory of the node, most",
        child.memory_mb()?,
        "MB",
    );
    child.stop()
}

fn idle(options: &Options, case: &str, count: usize, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let bed = Bed::new(&options.dir, 64 << 20, 2)?;
    let certificates = Certificates::make(&bed.path())?;
    let child = Child::start(&bed.path(), None).context("start a node")?;
    let (before, with_all) = idle::measure(&child, &certificates, count)?;
    let mut add = |state: &str, value: f64, unit: &'static str, bound: Option<f64>| {
        let row = Row::new(case, state, value, unit, bound);
        show(&row);
        rows.push(row);
    };
    let each = (with_all - before) * 1e3 / to_f64(u64::try_from(count)?);
    add("resident memory of the node, before", before, "MB", None);
    add("with all of them", with_all, "MB", Some(IDLE_MB_MAX));
    add("each", each, "kB", None);
    child.stop()
}
