//! `indelible get`: prints record lines, each checked against the entry that the tree holds.

use crate::args::{RangeArgs, StoreArg};
use crate::exit::Exit;
use crate::node::{Reading, Stopped};
use crate::output::Output;
use crate::remote::{self, QueryArgs};
use crate::say::Failure;
use clap::Args;
use indelible_proof::export::Content;
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
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["from", "to", "after", "before"])]
    pub seq: Option<u64>,
    #[command(flatten)]
    pub range: RangeArgs,
    /// Only the heads: who and when, not what
    #[arg(long)]
    pub heads: bool,
    #[command(flatten)]
    pub query: QueryArgs,
    /// The log's pin, by which what the node answers is verified; if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pub pin: Option<String>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &GetArgs) -> Result<Exit, Failure> {
    if let Some(node) = args.query.node(store)? {
        return remote::block_on(over_network(&node, args));
    }
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    let range = match args.seq {
        Some(seq) => Some(RangeArgs::one(seq)),
        None => args.range.located(&reading, &log)?,
    };
    let Some(range) = range else {
        return Ok(Exit::Done);
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

/// Prints what a node proves, as it comes.
async fn over_network(node: &str, args: &GetArgs) -> Result<Exit, Failure> {
    let client = args.query.client(node, args.pin.as_ref())?;
    let mut out = Output::new();
    if let Some(seq) = args.seq {
        let content = if args.heads {
            Content::Heads
        } else {
            Content::All
        };
        let record = client.get_as(&args.log, seq, content).await;
        let record = record.map_err(|error| remote::unread(&error))?;
        out.evidence(&record.line)?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let Some(range) = args.range.located_at(&client, &args.log).await? else {
        return Ok(Exit::Done);
    };
    let selection = range.selection(args.heads)?;
    let records = client.records(&args.log, selection);
    let mut records = records.map_err(|error| remote::unread(&error))?;
    let ended = loop {
        match records.next().await {
            Ok(Some(record)) => out.evidence(&record.line)?,
            Ok(None) => break Ok(Exit::Done),
            Err(error) => {
                break Err(remote::unread_from(&error, range.from, records.next_seq()));
            }
        }
    };
    out.flush()?;
    ended
}
