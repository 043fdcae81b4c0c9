//! `indelible watch`: prints records of a node as they come, each proven.

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::output::Output;
use crate::remote::{self, QueryArgs};
use crate::say::{self, Failure};
use clap::Args;
use indelible_proof::export::Content;

/// Print a node's records as they come
///
/// The same lines as `get` prints, each verified by the pin before it is printed: within a second or so of being recorded, when a
/// checkpoint covers it. What breaks is begun again where it stood, so that no record is missing and none comes twice.
#[derive(Args)]
pub struct WatchArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,
    /// First record [default: what comes next]
    #[arg(long, value_name = "SEQ")]
    pub from: Option<u64>,
    /// End after this record
    #[arg(long, value_name = "SEQ")]
    pub to: Option<u64>,
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
pub fn run(store: &StoreArg, args: &WatchArgs) -> Result<Exit, Failure> {
    let node = args.query.node(store)?;
    let node = node.ok_or_else(|| {
        Failure::usage("which node: --node is missing")
            .hint("a store is read with `get`; name a node with --node URL, or set INDELIBLE_QUERY")
    })?;
    let client = args.query.client(&node, args.pin.as_ref())?;
    let content = if args.heads {
        Content::Heads
    } else {
        Content::All
    };
    remote::block_on(async {
        let watch = client.watch(&args.log, args.from, content).await;
        let watch = watch.map_err(|error| remote::unread(&error))?;
        let mut watch = watch.telling(|why| say::tell(format!("waiting for the node: {why}")));
        let first = Some(watch.next_seq());
        let mut out = Output::new();
        while args.to.is_none_or(|last| watch.next_seq() <= last) {
            match watch.next().await {
                Ok(record) => {
                    out.evidence(&record.line)?;
                    out.flush()?;
                }
                Err(error) => {
                    return Err(remote::unread_from(&error, first, watch.next_seq()));
                }
            }
        }
        Ok(Exit::Done)
    })
}
