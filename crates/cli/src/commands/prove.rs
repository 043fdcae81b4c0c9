//! `indelible prove`: prints what the log was before, as a file that verifies offline (`docs/spec/prove.md`). Needs no secret.

use crate::args::{StoreArg, read_time};
use crate::commands::receipt::note_over;
use crate::exit::Exit;
use crate::node::Reading;
use crate::output::Output;
use crate::say::Failure;
use crate::show;
use clap::Args;
use indelible_ledger::{Log, SignedNote};
use std::sync::Arc;

/// Prove that a log has only grown, or what it held at a time
///
/// With --from-size: that the log of that size is the beginning of the log of --to-size, with both roots. With --at: the size and
/// root of the log at that time by its own clock, with the two records beside that border. Both lead to the newest published
/// checkpoint; `verify --proof` checks them offline.
#[derive(Args)]
pub struct ProveArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,

    /// The smaller size, a number of records
    #[arg(long, value_name = "SIZE", required_unless_present = "at")]
    pub from_size: Option<u64>,

    /// The larger size [default: that of the newest published checkpoint]
    #[arg(long, value_name = "SIZE", requires = "from_size")]
    pub to_size: Option<u64>,

    /// A time, such as 2026-11-23T10:00:00Z or with an offset, with up to nine decimals
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from_size", "to_size"])]
    pub at: Option<String>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ProveArgs) -> Result<Exit, Failure> {
    let at = args.at.as_deref().map(read_time).transpose()?;
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    let (from, to, note) = match args.from_size {
        None => (0, 0, note_over(&log, 1)?),
        Some(from) => sizes(&log, from, args.to_size)?,
    };
    let books = &reading.books;
    let proof = match at {
        Some(time) => books.head_at_text(&log, &time, &note),
        None => books.consistency_text(&log, from, to, &note),
    };
    let text = proof.map_err(|error| reading.failed(&error))?;
    let mut out = Output::new();
    out.bytes(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

/// The sizes that were asked for, and a note over both.
fn sizes(log: &Log, from: u64, to: Option<u64>) -> Result<(u64, u64, Arc<SignedNote>), Failure> {
    if from == 0 {
        return Err(
            Failure::usage("a log of size 0 says nothing of what follows")
                .hint("--from-size is 1 at least"),
        );
    }
    let to = match to {
        Some(to) => to,
        None => note_over(log, from)?.size,
    };
    if to < from {
        return Err(Failure::usage(format!(
            "--from-size {from} is larger than --to-size {to}"
        )));
    }
    if to > log.size() {
        return Err(Failure::usage(format!(
            "{} has {}, not {to}",
            log.name(),
            show::counted(log.size(), "record")
        )));
    }
    Ok((from, to, note_over(log, to)?))
}
