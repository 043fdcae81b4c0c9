//! `indelible log create`, `log list`, `log show`.

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::node::{Reading, Writing, user};
use crate::output::Output;
use crate::random;
use crate::say::{self, Failure};
use crate::show;
use clap::{Args, Subcommand};
use indelible_ledger::{Founding, Log, NewLog};

/// Create, list and show logs
#[derive(Subcommand)]
pub enum LogCommand {
    Create(CreateArgs),
    List(ListArgs),
    Show(ShowArgs),
}

/// Begin logs, all of them with one commit
#[derive(Args)]
pub struct CreateArgs {
    /// Names, each 1 to 63 of a-z 0-9 _ -
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// List the logs of the store
#[derive(Args)]
pub struct ListArgs {}

/// Show one log: size, head, id, times, disk
#[derive(Args)]
pub struct ShowArgs {
    /// Name of the log
    pub name: String,
}

/// Does it.
pub fn run(store: &StoreArg, command: &LogCommand) -> Result<Exit, Failure> {
    match command {
        LogCommand::Create(args) => create(store, args),
        LogCommand::List(_) => list(store),
        LogCommand::Show(args) => show_one(store, &args.name),
    }
}

fn create(store: &StoreArg, args: &CreateArgs) -> Result<Exit, Failure> {
    let writing = Writing::open(store, &args.write)?;
    let origin = writing.ledger.books().store().describe().origin.clone();
    let founding = Founding {
        origin: &origin,
        creator: &user(),
    };
    let new: Vec<NewLog<'_>> = args
        .names
        .iter()
        .map(|name| NewLog {
            name,
            incarnation: random::bytes(),
        })
        .collect();
    let created = writing.ledger.create_logs(&new, &founding);
    let logs = created.map_err(|error| say::open(&error, &writing.directory));
    writing.close(match new.len() {
        1 => "log created",
        _ => "logs created",
    })?;
    let logs = logs?;
    let mut out = Output::new();
    for log in &logs {
        out.line(format_args!("created log {}", out.style().bold(log.name())))?;
        out.line(format_args!("  id      {}", log.id()))?;
        out.line(format_args!("  origin  {}", log.origin()))?;
    }
    match logs.as_slice() {
        [log] => out.line(format_args!(
            "next: indelible pin --log {} > {}.pin, and keep it away from this machine",
            log.name(),
            log.name()
        ))?,
        _ => out.line(
            "next: indelible pin --log NAME > NAME.pin for each, and keep the pins away from this machine",
        )?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn list(store: &StoreArg) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let mut logs = reading.books.logs();
    logs.sort_by(|one, other| one.name().cmp(other.name()));
    let rows: Vec<[String; 4]> = logs.iter().map(|log| row(log)).collect();
    let heads = ["log", "records", "last record", "disk"].map(str::to_owned);
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = rows
            .iter()
            .chain([&heads])
            .map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let aligned = |[log, records, last, disk]: &[String; 4]| {
        let [a, b, c, d] = widths;
        format!("{log:<a$}  {records:>b$}  {last:<c$}  {disk:>d$}")
    };
    let mut out = Output::new();
    out.line(out.style().dim(aligned(&heads)))?;
    for row in &rows {
        out.line(aligned(row))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn row(log: &Log) -> [String; 4] {
    let last = log
        .times()
        .map_or_else(String::new, |(_, last)| show::to_second(last));
    [
        log.name().to_owned(),
        show::count(log.size()),
        last,
        show::bytes(log.disk_bytes()),
    ]
}

fn show_one(store: &StoreArg, name: &str) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let log = reading.log(name)?;
    let (size, root) = log.head();
    let mut out = Output::new();
    out.line(out.style().bold(log.name()))?;
    out.line(format_args!("  origin  {}", log.origin()))?;
    out.line(format_args!("  id      {}", log.id()))?;
    out.line(format_args!(
        "  size    {}, seq 0 to {}",
        show::counted(size, "record"),
        show::count(size.saturating_sub(1))
    ))?;
    out.line(format_args!("  root    {root}"))?;
    out.line(format_args!("  last    {}", log.last_entry()))?;
    if let Some((first, last)) = log.times() {
        out.line(format_args!("  from    {first}"))?;
        out.line(format_args!("  to      {last}"))?;
    }
    out.line(format_args!("  signed  {}", signed(&log)))?;
    out.line(format_args!("  disk    {}", show::bytes(log.disk_bytes())))?;
    out.flush()?;
    Ok(Exit::Done)
}

/// How far the newest published checkpoint reaches.
fn signed(log: &Log) -> String {
    match log.note() {
        Some(note) if note.size == log.size() => "checkpoint of all records".to_owned(),
        Some(note) => format!(
            "checkpoint of the first {}",
            show::counted(note.size, "record")
        ),
        None => "no checkpoint yet".to_owned(),
    }
}
