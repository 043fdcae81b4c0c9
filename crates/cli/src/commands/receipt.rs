//! `indelible receipt`: prints the receipt of a record, or of many at once, under the newest published checkpoint; or derives a
//! record's own receipt from a batch receipt, offline. Needs no secret.

mod derive;
mod remote;

use crate::args::{RangeArgs, StoreArg};
use crate::evidence::read_up_to;
use crate::exit::Exit;
use crate::node::Reading;
use crate::output::Output;
use crate::remote::QueryArgs;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::{Log, SignedNote};
use indelible_proof::limits::{BATCH_RECEIPT_RECORDS_MAX, RECEIPT_BYTES_MAX};
use indelible_proof::receipt::Receipt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Print the receipt of a record, or one for many
///
/// A C2SP tlog-proof: the head, its place in the tree, and the signed checkpoint. Whoever has the log's pin can verify it offline.
///
/// With --from or --to, --after or --before it is a batch receipt, one for all records of a range. Whoever holds their heads verifies
/// all of them with it, and makes each record's own receipt with --from-batch, without the log.
#[derive(Args)]
pub struct ReceiptArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME", required_unless_present_any = ["from_batch", "refresh"])]
    pub log: Option<String>,

    /// Which record
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["from", "to", "after", "before"], required_unless_present_any = ["from", "to", "after", "before", "refresh"])]
    pub seq: Option<u64>,

    #[command(flatten)]
    pub range: RangeArgs,

    /// Derive the receipt of --seq from this batch receipt, without a store
    #[arg(long, value_name = "FILE", conflicts_with_all = ["log", "from", "to", "after", "before"], requires = "records")]
    pub from_batch: Option<PathBuf>,

    /// All records of the batch receipt, lines as `get` prints them, with or without events
    #[arg(long, value_name = "FILE", requires = "from_batch")]
    pub records: Option<PathBuf>,

    /// Make this receipt anew: the same record, signed by the key of today
    #[arg(long, value_name = "FILE", conflicts_with_all = ["log", "seq", "from", "to", "after", "before", "from_batch"])]
    pub refresh: Option<PathBuf>,

    #[command(flatten)]
    pub query: QueryArgs,
    /// The log's pin, by which what the node answers is verified; if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pub pin: Option<String>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ReceiptArgs) -> Result<Exit, Failure> {
    let node = match args.from_batch {
        Some(_) => None,
        None => args.query.node(store)?,
    };
    let text = match node {
        Some(node) => remote::text(&node, args)?,
        None => text(store, args)?,
    };
    let mut out = Output::new();
    out.bytes(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

fn text(store: &StoreArg, args: &ReceiptArgs) -> Result<String, Failure> {
    Ok(
        match (&args.from_batch, &args.records, &args.log, args.seq) {
            (Some(batch), Some(records), _, Some(seq)) => derive::receipt(batch, records, seq)?,
            (_, _, Some(name), Some(seq)) => {
                let reading = Reading::open(store)?;
                one(&reading, &*reading.log(name)?, seq)?
            }
            (_, _, Some(name), None) => many(&Reading::open(store)?, name, &args.range)?,
            _ => match &args.refresh {
                Some(path) => again(store, path)?,
                None => return Err(Failure::usage("which record: --seq is missing".to_owned())),
            },
        },
    )
}

fn one(reading: &Reading, log: &Log, seq: u64) -> Result<String, Failure> {
    let stored = reading
        .books
        .record(log, seq)
        .map_err(|error| reading.failed(&error))?;
    let note = note_over(log, seq + 1)?;
    let receipt = reading.books.receipt(log, seq, &stored.head, &note);
    receipt.map_err(|error| reading.failed(&error))
}

/// The receipt of the record that an older one is of.
fn again(store: &StoreArg, path: &Path) -> Result<String, Failure> {
    let reading = Reading::open(store)?;
    let (log, seq) = of_receipt(&reading, path)?;
    one(&reading, &log, seq)
}

fn many(reading: &Reading, name: &str, range: &RangeArgs) -> Result<String, Failure> {
    let log = reading.log(name)?;
    let range = range.located(reading, &log)?;
    let range = range.ok_or_else(|| say::no_record_then(name))?;
    let seqs = range.within(name, log.size())?;
    let count = seqs.end - seqs.start;
    check_count(count)?;
    let note = note_over(&log, seqs.end)?;
    let receipt = reading.books.batch_receipt(&log, seqs.start, count, &note);
    receipt.map_err(|error| reading.failed(&error))
}

fn check_count(count: u64) -> Result<(), Failure> {
    if count <= BATCH_RECEIPT_RECORDS_MAX {
        return Ok(());
    }
    let (count, most) = (
        show::counted(count, "record"),
        show::count(BATCH_RECEIPT_RECORDS_MAX),
    );
    let what = format!("{count} are too many for one batch receipt: at most {most}");
    Err(Failure::usage(what)
        .hint("`indelible export` proves any number of records, and holds them"))
}

/// The record that an older receipt is of, which must be the one stored here.
fn of_receipt(reading: &Reading, path: &Path) -> Result<(Arc<Log>, u64), Failure> {
    let bytes = read_up_to(path, RECEIPT_BYTES_MAX)?;
    let at = path.display();
    let receipt = Receipt::parse(&bytes)
        .map_err(|part| Failure::usage(format!("not a receipt: {part}: {at}")))?;
    let logs = reading.books.logs();
    let origin = receipt.checkpoint.origin;
    let log = logs.iter().find(|log| log.origin() == origin);
    let log =
        log.ok_or_else(|| Failure::usage(format!("a receipt of another log, {origin}: {at}")))?;
    let stored = reading
        .books
        .record(log, receipt.index)
        .map_err(|error| reading.failed(&error))?;
    if stored.head != receipt.head {
        return Err(another(receipt.index, log.name()));
    }
    Ok((Arc::clone(log), receipt.index))
}

fn another(seq: u64, log: &str) -> Failure {
    let what = format!("record {seq} of {log} is another than the receipt's");
    Failure::new(Exit::Damaged, what)
        .hint("keep the receipt: with its pin it proves what was recorded")
}

/// What to do where no checkpoint covers a record yet.
pub const COVERED_BY: &str =
    "a running writer publishes one within a second; after a crash `indelible seal` does";

/// The newest published checkpoint, if it covers the first `size` records. A reader has no secret and signs nothing.
pub fn note_over(log: &Log, size: u64) -> Result<Arc<SignedNote>, Failure> {
    let note = log.note();
    match note {
        Some(note) if note.size >= size => Ok(note),
        note => {
            let covered = note.map_or(0, |note| note.size);
            Err(Failure::new(
                Exit::Unverified,
                format!(
                    "no published checkpoint covers record {} of {}: it ends at {covered} records",
                    size - 1,
                    log.name()
                ),
            )
            .hint(COVERED_BY))
        }
    }
}
