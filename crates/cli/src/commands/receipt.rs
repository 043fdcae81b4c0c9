//! `indelible receipt`: prints the receipt of a record under the newest published checkpoint. Needs no secret.

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::node::Reading;
use crate::output::Output;
use crate::say::{self, Failure};
use clap::Args;
use indelible_ledger::{Log, SignedNote};
use indelible_proof::receipt::Receipt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Print the receipt of one record
///
/// A C2SP tlog-proof: the head, its place in the tree, and the signed checkpoint. Whoever has the log's pin can verify it offline.
#[derive(Args)]
pub struct ReceiptArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME", required_unless_present = "refresh")]
    pub log: Option<String>,
    /// Which record
    #[arg(long, value_name = "SEQ", required_unless_present = "refresh")]
    pub seq: Option<u64>,
    /// Make this receipt anew: the same record, signed by the key of today
    #[arg(long, value_name = "FILE", conflicts_with_all = ["log", "seq"])]
    pub refresh: Option<PathBuf>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ReceiptArgs) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let (log, seq) = match (&args.refresh, &args.log, args.seq) {
        (Some(path), ..) => of_receipt(&reading, path)?,
        (None, Some(log), Some(seq)) => (reading.log(log)?, seq),
        _ => return Err(Failure::usage("which record?").hint("--log NAME --seq SEQ")),
    };
    let stored = reading
        .books
        .record(&log, seq)
        .map_err(|error| reading.failed(&error))?;
    let note = note_over(&log, seq + 1)?;
    let receipt = reading
        .books
        .receipt(&log, seq, &stored.head, &note)
        .map_err(|error| reading.failed(&error))?;
    let mut out = Output::new();
    out.bytes(receipt.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

/// The record that an older receipt is of, which must be the one stored here.
fn of_receipt(reading: &Reading, path: &Path) -> Result<(Arc<Log>, u64), Failure> {
    let bytes = std::fs::read(path).map_err(|error| say::file(path, &error))?;
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
        let what = format!(
            "record {} of {} is another than the receipt's",
            receipt.index,
            log.name()
        );
        return Err(Failure::new(Exit::Damaged, what)
            .hint("keep the receipt: with its pin it proves what was recorded"));
    }
    Ok((Arc::clone(log), receipt.index))
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
