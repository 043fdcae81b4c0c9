//! `indelible get`: prints record lines, each checked against the entry that the tree holds.

use crate::args::{RangeArgs, StoreArg};
use crate::exit::Exit;
use crate::node::Reading;
use crate::output::Output;
use crate::say::Failure;
use clap::Args;
use indelible_ledger::{ReadError, Stored};
use indelible_proof::record::encode_line;

/// Print records
///
/// One line for each: {"head":…,"salt":…,"event":…}, exactly the bytes that are hashed. On a terminal, characters that would
/// mislead the eye are shown as JSON escapes.
#[derive(Args)]
pub struct GetArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,
    /// One record
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["from", "to"])]
    pub seq: Option<u64>,
    #[command(flatten)]
    pub range: RangeArgs,
    /// Only the heads: who and when, not what
    #[arg(long)]
    pub heads: bool,
}

/// Does it.
pub fn run(store: &StoreArg, args: &GetArgs) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    let range = match args.seq {
        Some(seq) => RangeArgs {
            from: Some(seq),
            to: Some(seq),
        },
        None => args.range.clone(),
    };
    let seqs = range.within(&args.log, log.size())?;
    let mut out = Output::new();
    let mut line = Vec::new();
    let printed = reading.books.records::<Stopped>(&log, seqs, &mut |stored| {
        line.clear();
        record_line(&stored, args.heads, &mut line);
        out.evidence(&line).map_err(Stopped::Output)
    });
    out.flush()?;
    match printed {
        Ok(()) => Ok(Exit::Done),
        Err(Stopped::Output(failure)) => Err(failure),
        Err(Stopped::Read(error)) => Err(reading.failed(&error)),
    }
}

/// The line of a record, its content left out if only heads are wanted.
pub fn record_line(stored: &Stored, heads: bool, line: &mut Vec<u8>) {
    let content = stored.content.as_ref().filter(|_| !heads);
    encode_line(
        &stored.head,
        content.map(|(salt, event)| (&salt[..], &event[..])),
        line,
    );
}

/// Why printing stopped.
enum Stopped {
    Read(ReadError),
    Output(Failure),
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Stopped {
        Stopped::Read(error)
    }
}
