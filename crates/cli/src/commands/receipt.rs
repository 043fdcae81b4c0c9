//! `indelible receipt`: prints the receipt of a record under the newest published checkpoint. Needs no secret.

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::node::Reading;
use crate::output::Output;
use crate::say::Failure;
use clap::Args;
use indelible_ledger::{Log, SignedNote};
use std::sync::Arc;

/// Print the receipt of one record
///
/// A C2SP tlog-proof: the head, its place in the tree, and the signed checkpoint. Whoever has the log's pin can verify it offline.
#[derive(Args)]
pub struct ReceiptArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,
    /// Which record
    #[arg(long, value_name = "SEQ")]
    pub seq: u64,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ReceiptArgs) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    let stored = reading
        .books
        .record(&log, args.seq)
        .map_err(|error| reading.failed(&error))?;
    let note = note_over(&log, args.seq + 1)?;
    let receipt = reading
        .books
        .receipt(&log, args.seq, &stored.head, &note)
        .map_err(|error| reading.failed(&error))?;
    let mut out = Output::new();
    out.bytes(receipt.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
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
