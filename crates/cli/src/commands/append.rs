//! `indelible append`: records events from a file or standard input.
//!
//! Four stages, each on its own threads: `input` reads, `workers` judge, salt and digest, the ledger commits, `answers` waits for
//! what became durable and writes receipts. `belt` joins them, keeps them in order and bounds what is on the way. A line that is no
//! event ends the run: everything before it is recorded, nothing after it.

mod answers;
mod belt;
mod claims;
mod input;
mod progress;
mod receipts;
mod remote;
mod workers;

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::node::{self, Writing};
use crate::output::Output;
use crate::remote::RemoteArgs;
use crate::say::{self, Failure};
use crate::show;
use answers::Tally;
use belt::{Bad, Belt, Stop};
use claims::Claims;
use clap::Args;
use indelible_ledger::limits::SEAL_BYTES;
use indelible_ledger::{Log, Settings};
use input::Input;
use progress::Progress;
use receipts::Receipts;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Threads that prepare events. More than the machine has cores gains nothing, and the ledger's own threads need some too.
const WORKERS_MAX: usize = 8;

/// Record events, JSON lines, each with a receipt
///
/// Reads JSON lines: one object a line. Lines of white space alone are passed over, a last line without a line end counts. An event
/// is acknowledged when it is on disk. A line that is no event ends the run: all before it is recorded, nothing after it.
#[derive(Args)]
pub struct AppendArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,
    /// File to read; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub input: PathBuf,
    /// Read all of the input as one event
    #[arg(long, conflicts_with = "keep_going")]
    pub one: bool,
    /// Add a JSON line for each event to this file (- is standard output): seq, entry, salt, receipt
    #[arg(long, value_name = "FILE")]
    pub receipts: Option<PathBuf>,
    /// Pass over lines that are no events, and list them at the end
    #[arg(long)]
    pub keep_going: bool,
    /// Take the idempotency key of each event from this member of it: what is sent again is not recorded twice
    #[arg(long, value_name = "NAME", conflicts_with = "stream")]
    pub key_field: Option<String>,
    /// Number the events as this stream, from 0: the same input again goes on where it ended
    #[arg(long, value_name = "NAME", conflicts_with = "keep_going")]
    pub stream: Option<String>,
    /// Number of the first event in the stream
    #[arg(long, value_name = "N", default_value_t = 0, requires = "stream")]
    pub first_number: u64,
    /// Epoch of the stream at a node
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "stream",
        requires = "node"
    )]
    pub epoch: u64,
    #[command(flatten)]
    pub remote: RemoteArgs,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Does it.
pub fn run(store: &StoreArg, args: &AppendArgs) -> Result<Exit, Failure> {
    if let Some(node) = args.remote.node(store, &args.write)? {
        return remote::run(&node, args);
    }
    let input = Input::open(&args.input, args.one)?;
    if let Some(path) = &args.receipts {
        let (directory, info) = node::describe(store)?;
        node::check_target(path, &directory, &args.write, &info)?;
        receipts::check(path, input.identity())?;
    }
    let writing = Writing::open_with(store, &args.write, Settings::default())?;
    let ended = record(&writing, args, input);
    let said = match &ended {
        Ok((log, appended, elapsed)) => {
            let said = report(log, &appended.tally, *elapsed, args);
            seal_if_long(&writing, &appended.tally);
            said
        }
        Err(_) => Ok(()),
    };
    let closed = writing.close("append finished");
    let (_, appended, _) = ended?;
    said?;
    outcome(appended, args)?;
    closed.map(|()| Exit::Done)
}

/// Records the input, from the first byte read to the last event on disk.
fn record(
    writing: &Writing,
    args: &AppendArgs,
    input: Input,
) -> Result<(Arc<Log>, Appended, Duration), Failure> {
    let log = writing.log(&args.log)?;
    let receipts = Receipts::open(args.receipts.as_deref())?;
    let began = Instant::now();
    let claims = Claims::new(
        writing,
        &log,
        args.key_field.as_deref(),
        args.stream.as_deref(),
        args.first_number,
    )?;
    let appended = append(writing, &log, input, receipts, args.keep_going, claims)?;
    Ok((log, appended, began.elapsed()))
}

/// What became of the whole input.
struct Appended {
    tally: Tally,
    bad: Vec<Bad>,
    stop: Option<Stop>,
    /// What is said of a group that was refused for what it claims.
    refused_claim: Option<Failure>,
}

/// Runs the stages until the input ends or something stops them.
fn append(
    writing: &Writing,
    log: &Arc<Log>,
    input: Input,
    receipts: Receipts,
    keep_going: bool,
    claims: Claims,
) -> Result<Appended, Failure> {
    let belt = Arc::new(Belt::new(keep_going));
    let progress = Progress::new(input.length());
    let failed = |error| say::read(&error, &writing.directory);
    let threads = std::thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(WORKERS_MAX);
    let callers = (0..threads)
        .map(|_| writing.ledger.caller(log, crate::random::source()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    input.start(Arc::clone(&belt));
    let tally = std::thread::scope(|scope| {
        let (tickets, answered) = mpsc::channel();
        for caller in callers {
            let (belt, tickets, claims) = (&belt, tickets.clone(), &claims);
            scope
                .spawn(move || workers::work(&writing.ledger, log, caller, belt, &tickets, claims));
        }
        drop(tickets);
        answers::take(
            &writing.ledger,
            log,
            &belt,
            &answered,
            receipts,
            &progress,
            &claims,
        )
    });
    progress.finish();
    let (bad, stop) = belt.outcome();
    let refused = tally.refused.as_ref();
    let refused_claim = refused
        .and_then(|refused| claims.failure(writing, log.name(), refused.line, &refused.refusal));
    Ok(Appended {
        tally,
        bad,
        stop,
        refused_claim,
    })
}

/// After a long run most of it is in the tail still, which whoever opens the store next would have to read through.
fn seal_if_long(writing: &Writing, tally: &Tally) {
    let is_long = tally.recorded.bytes >= SEAL_BYTES && tally.refused.is_none();
    if let Some(Err(error)) = is_long.then(|| writing.ledger.seal()) {
        // All is recorded; only the sealing is left for later.
        say::warn(format_args!(
            "not all is sealed: {}",
            say::with_causes(&error)
        ));
    }
}

/// What was done, whatever else there is to say.
fn report(log: &Log, tally: &Tally, elapsed: Duration, args: &AppendArgs) -> Result<(), Failure> {
    let (size, root) = log.head();
    let head = format!("head: {}, root {root}", show::counted(size, "record"));
    say_recorded(log.name(), &tally.recorded, Some(&head), elapsed, args)
}

fn say_recorded(
    log: &str,
    recorded: &answers::Recorded,
    head: Option<&str>,
    elapsed: Duration,
    args: &AppendArgs,
) -> Result<(), Failure> {
    let mut lines = Vec::new();
    match recorded.events {
        0 => lines.push("nothing recorded".to_owned()),
        events => {
            let place = show::seqs(recorded.first, recorded.last);
            let speed = format!(
                "{} in {}, {} events/s",
                show::bytes(recorded.bytes),
                show::seconds(elapsed),
                show::per_second(events, elapsed)
            );
            lines.push(format!(
                "recorded {} in {log}: {place} ({speed})",
                show::counted(events, "event"),
            ));
        }
    }
    if recorded.before > 0 {
        let events = show::counted(recorded.before, "event");
        let were = if recorded.before == 1 { "was" } else { "were" };
        lines.push(format!("{events} {were} recorded before, and not again"));
    }
    lines.extend(head.map(str::to_owned));
    if args.receipts.as_deref().is_some_and(receipts::is_stdout) {
        lines.iter().for_each(say::tell);
        return Ok(());
    }
    let mut out = Output::new();
    lines.iter().try_for_each(|line| out.line(line))?;
    out.flush()
}

/// What ended the run early, if anything did.
fn outcome(appended: Appended, args: &AppendArgs) -> Result<(), Failure> {
    let Appended {
        tally,
        bad,
        stop,
        refused_claim,
    } = appended;
    let recorded = tally.recorded;
    tally
        .receipts
        .map_err(|error| receipts_failed(&error, &recorded, args))?;
    if let Some(failure) = refused_claim {
        return Err(failure);
    }
    if let Some(answers::Refused { line, refusal }) = tally.refused {
        return Err(say::refused(&refusal).before(format!("from line {line} on: ")));
    }
    unrecorded(bad, stop, &recorded, args)
}

/// What of the input was not handed over.
fn unrecorded(
    bad: Vec<Bad>,
    stop: Option<Stop>,
    recorded: &answers::Recorded,
    args: &AppendArgs,
) -> Result<(), Failure> {
    match stop {
        Some(Stop::Refused { line, refusal }) => {
            Err(say::refused(&refusal).before(format!("from line {line} on: ")))
        }
        Some(Stop::Unreadable { line, error }) => Err(Failure::new(
            Exit::NotAllRecorded,
            format!(
                "line {line} can't be read: {}: {}",
                args.input.display(),
                say::plain(&error)
            ),
        )
        .hint("all lines before it are recorded")),
        Some(Stop::Bad { more }) => Err(not_all(&bad, more, recorded.events, args)),
        Some(Stop::NoReceipts) | None => Ok(()),
    }
}

/// Lines that were no events.
fn not_all(bad: &[Bad], more: u64, events: u64, args: &AppendArgs) -> Failure {
    let place = |bad: &Bad| {
        if args.one {
            "the input".to_owned()
        } else {
            format!("line {}", bad.line)
        }
    };
    if let ([bad], false) = (bad, args.keep_going) {
        let hint = match (args.one, events) {
            (true, _) => "nothing is recorded".to_owned(),
            (false, 0) => format!(
                "nothing is recorded; correct line {} and send all again, or pass over such lines with --keep-going",
                bad.line
            ),
            (false, events) => format!(
                "the {} before it {} recorded, nothing after; correct it and send the rest, from line {} on",
                show::counted(events, "event"),
                if events == 1 { "is" } else { "are" },
                bad.line
            ),
        };
        return Failure::new(
            Exit::NotAllRecorded,
            format!("{}: {}", place(bad), bad.what),
        )
        .hint(hint);
    }
    say::tell("not recorded:");
    bad.iter()
        .for_each(|bad| say::tell(format_args!("  {}: {}", place(bad), bad.what)));
    if more > 0 {
        say::tell(format_args!("  and {}", show::counted(more, "more line")));
    }
    let lines = u64::try_from(bad.len())
        .unwrap_or(u64::MAX)
        .saturating_add(more);
    let (text, hint) = match lines {
        1 => (
            "1 line is not recorded".to_owned(),
            "correct it and send it alone",
        ),
        lines => (
            format!("{} lines are not recorded", show::count(lines)),
            "correct them and send them alone",
        ),
    };
    Failure::new(Exit::NotAllRecorded, text).hint(format!("{hint}: all others are recorded"))
}

fn receipts_failed(
    error: &std::io::Error,
    recorded: &answers::Recorded,
    args: &AppendArgs,
) -> Failure {
    let path = args.receipts.clone().unwrap_or_default();
    let name = &args.log;
    Failure::new(
        Exit::Trouble,
        format!(
            "receipts can't be written: {}: {}",
            path.display(),
            say::plain(error)
        ),
    )
    .hint(format!(
        "{} recorded all the same; for each without one: indelible receipt --log {name} --seq SEQ",
        if recorded.events == 1 {
            "the event is".to_owned()
        } else {
            format!("the {} events are", show::count(recorded.events))
        }
    ))
}
