//! `indelible verify`: judges a store, a receipt, a proof or an export, offline and without a secret.
//!
//! The judging is `indelible_proof`'s and, for stores, `indelible_ledger::verify`'s; here the evidence is read and the answer put
//! into words: what was checked, how much, and what was not.

mod file;
mod progress;
mod report;
mod store;

use crate::args::{StoreArg, from_environment};
use crate::exit::Exit;
use crate::output::Output;
use crate::say::Failure;
use clap::Args;
use indelible_proof::pin::Pin;
use std::path::PathBuf;

/// Verify a store, a receipt, a proof or an export, offline
///
/// Without --receipt, --proof or --export the whole store is read from disk and re-hashed. The answer has five axes, never one word; the
/// exit code is 0 if all that was asked for verified, 1 if something is wrong, 3 if nothing is wrong but not all could be verified,
/// for example because no pin says who should have signed.
#[derive(Args)]
pub struct VerifyArgs {
    /// Re-hash the records of this log only
    #[arg(long, value_name = "NAME", conflicts_with_all = ["receipt", "export", "proof"])]
    pub log: Option<String>,
    /// Verify a receipt, or a batch receipt
    #[arg(long, value_name = "FILE", conflicts_with = "export")]
    pub receipt: Option<PathBuf>,
    /// Verify that the receipt is this record's, a line as `get` prints it; a batch receipt takes all lines of its records
    #[arg(long, value_name = "FILE", requires = "receipt")]
    pub record: Option<PathBuf>,
    /// Verify what `prove` printed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["receipt", "export"])]
    pub proof: Option<PathBuf>,

    /// Verify an export
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// The log and key you trust: the line that `pin` prints, if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pub pin: Option<String>,
    /// Answer as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Does it.
pub fn run(store: &StoreArg, args: &VerifyArgs) -> Result<Exit, Failure> {
    let pin = pin(args)?;
    let report = match (&args.receipt, &args.export, &args.proof) {
        (Some(receipt), ..) => file::receipt(receipt, args.record.as_deref(), pin.as_ref())?,
        (_, Some(export), _) => file::export(export, pin.as_ref())?,
        (.., Some(proof)) => file::proof(proof, pin.as_ref())?,
        (None, None, None) => {
            store::verify(&store.directory()?, args.log.as_deref(), pin.as_ref())?
        }
    };
    let exit = Exit::of_verdict(report.verdict.exit_code());
    let mut out = Output::new();
    let printed = match args.json {
        true => out.line(report.json()),
        false => out.line(report.text(out.style())),
    };
    match printed.and_then(|()| out.flush()) {
        Err(failure) if failure.exit() != Exit::PipeClosed => Err(failure),
        // Whoever reads may have had enough; the verdict stands.
        _ => Ok(exit),
    }
}

/// What was trusted, if anything.
fn pin(args: &VerifyArgs) -> Result<Option<Pin>, Failure> {
    let line = match (&args.pin, from_environment("INDELIBLE_PIN")) {
        (Some(line), _) => line.clone(),
        (None, Some(line)) => line.to_string_lossy().into_owned(),
        (None, None) => return Ok(None),
    };
    let pin = Pin::parse(line.as_bytes());
    pin.map(Some).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("--pin takes the line itself: --pin \"$(cat payments.pin)\"")
    })
}
