//! `indelible get`: prints record lines, each checked against the entry that the tree holds.

use crate::args::{RangeArgs, StoreArg};
use crate::exit::Exit;
use crate::node::{Reading, Stopped};
use crate::output::Output;
use crate::say::Failure;
use clap::Args;
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
    let printed = reading.records(&log, seqs, &mut |stored| {
        line.clear();
        let content = stored.content.as_ref().filter(|_| !args.heads);
        let content = content.map(|(salt, event)| (&salt[..], &event[..]));
        encode_line(&stored.head, content, &mut line);
        out.evidence(&line)
    });
    out.flush()?;
    match printed {
        Ok(()) => Ok(Exit::Done),
        Err(Stopped::Output(failure)) => Err(failure),
        Err(Stopped::Read(error)) => Err(reading.failed(&error)),
    }
}
