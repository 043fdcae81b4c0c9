//! `indelible stream`: a stream goes on in a new epoch, or as another principal's. Both are records of the log.

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::node::{self, Writing};
use crate::output::Output;
use crate::say::{self, Failure};
use clap::{Args, Subcommand};
use indelible_ledger::{Recorded, Refusal};
use indelible_proof::head;

/// Streams: producers' own numbering
#[derive(Subcommand)]
pub enum StreamCommand {
    Epoch(EpochArgs),
    HandOn(HandOnArgs),
}

/// Which stream, and where one believes it is.
#[derive(Args)]
pub struct StreamArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    log: String,
    /// Name of the stream
    #[arg(long, value_name = "NAME")]
    stream: String,
    /// Whose stream it is [default: this user]
    #[arg(long, value_name = "PRINCIPAL")]
    by: Option<String>,
    /// The epoch it is in
    #[arg(long, value_name = "N", default_value_t = 0)]
    epoch: u64,
    /// Its last number there; without it, it has none
    #[arg(long, value_name = "N")]
    last: Option<u64>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Begin a stream's next epoch, numbered from 0
///
/// Only who knows its epoch and its last number there gets through: of two who try, one does.
#[derive(Args)]
pub struct EpochArgs {
    #[command(flatten)]
    stream: StreamArgs,
}

/// Hand a stream on to another principal, who goes on with its next number
///
/// It does not come back: its first principal may send again what was recorded, and nothing new.
#[derive(Args)]
pub struct HandOnArgs {
    #[command(flatten)]
    stream: StreamArgs,
    /// Whose stream it is to be: a URI, or dns: and a name
    #[arg(long, value_name = "PRINCIPAL")]
    to: String,
}

/// Does it.
pub fn run(store: &StoreArg, command: &StreamCommand) -> Result<Exit, Failure> {
    match command {
        StreamCommand::Epoch(EpochArgs { stream }) => change(store, stream, None),
        StreamCommand::HandOn(HandOnArgs { stream, to }) => change(store, stream, Some(to)),
    }
}

fn change(store: &StoreArg, args: &StreamArgs, to: Option<&str>) -> Result<Exit, Failure> {
    let by = args.by.clone().unwrap_or_else(node::user);
    for principal in [Some(by.as_str()), to].into_iter().flatten() {
        if !head::is_principal(principal) {
            return Err(Failure::usage(format!("not a principal: {principal:?}"))
                .hint("a URI, or dns: and a name, percent-encoded"));
        }
    }
    let mut src = String::new();
    head::percent_encode(args.stream.as_bytes(), &mut src);
    if !head::is_source(&src) {
        return Err(Failure::usage(format!(
            "not a stream's name: {:?}",
            args.stream
        )));
    }
    let writing = Writing::open(store, &args.write)?;
    let changed = writing.log(&args.log).map(|log| match to {
        None => writing
            .ledger
            .open_epoch(&log, &by, &src, args.epoch, args.last),
        Some(to) => writing
            .ledger
            .hand_on(&log, (&by, &src), to, args.epoch, args.last),
    });
    let closed = writing.close("stream changed");
    let recorded = changed?.map_err(|refusal| refused(&refusal, &args.stream, &by))?;
    closed?;
    said(&recorded, args, to)
}

fn said(recorded: &Recorded, args: &StreamArgs, to: Option<&str>) -> Result<Exit, Failure> {
    let (stream, log, seq) = (&args.stream, &args.log, recorded.seq);
    let next = args.last.map_or(0, |last| last.saturating_add(1));
    let mut out = Output::new();
    match to {
        None => {
            let epoch = args.epoch.saturating_add(1);
            out.line(format!(
                "stream {stream:?} of {log} goes on with number 0 of epoch {epoch}: record {seq}"
            ))?;
        }
        Some(to) => out.line(format!(
            "stream {stream:?} of {log} goes on as {to}'s with number {next} of epoch {}: record {seq}",
            args.epoch
        ))?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn refused(refusal: &Refusal, stream: &str, by: &str) -> Failure {
    match refusal {
        Refusal::Expected { epoch, n } => {
            let last = n.checked_sub(1);
            let hint = match last {
                Some(last) => format!("if that is right: --epoch {epoch} --last {last}"),
                None => format!("if that is right: --epoch {epoch}, and no --last"),
            };
            Failure::usage(format!(
                "stream {stream:?} of {by} is elsewhere: it goes on with number {n} of epoch {epoch}"
            ))
            .hint(hint)
        }
        Refusal::Handed { to } => {
            Failure::usage(format!("stream {stream:?} of {by} was handed on to {to}"))
        }
        Refusal::StreamTaken(to) => Failure::usage(format!("{to} has a stream {stream:?} already")),
        other => say::refused(other),
    }
}
