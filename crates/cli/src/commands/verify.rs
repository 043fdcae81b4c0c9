//! `indelible verify`: judges a store, a receipt, a proof, an export or a directory of tiles, offline and without a secret.
//!
//! The judging is `indelible_proof`'s and, for stores, `indelible_ledger::verify`'s; here the evidence is read and the answer put
//! into words: what was checked, how much, and what was not.

mod file;
mod progress;
mod record;
mod remember;
mod remote;
mod report;
mod store;
mod tiles;
mod trust;

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::node::{check_target, describe};
use crate::output::Output;
use crate::remote::QueryArgs;
use crate::say::Failure;
use crate::target;
use clap::Args;
use report::Report;
use std::path::PathBuf;
use trust::Trusted;

/// Verify a store, a receipt, a proof, an export, tiles, or a log at a node
///
/// With --node the node has to prove all records of a log, up to its newest checkpoint. Without --receipt, --proof, --export or --tiles the whole store is read from disk and re-hashed. The answer has five axes, never one word; the
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
    /// Verify what `export --tiles` wrote: every file in the directory, up to the signed root
    #[arg(long, value_name = "DIR", conflicts_with_all = ["receipt", "export", "proof", "log"])]
    pub tiles: Option<PathBuf>,
    /// The log and key you trust: the line that `pin` prints, if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pub pin: Option<String>,
    /// Whom to trust, in a file: a pin, which signatures must be there, and which witnesses must have seen it
    #[arg(long, value_name = "FILE", conflicts_with = "pin")]
    pub trust: Option<PathBuf>,

    /// How old the newest evidence may be, such as 90s, 15m, 24h or 7d
    #[arg(long, value_name = "AGE", value_parser = trust::age)]
    pub max_age: Option<u64>,

    /// Compare with what earlier verifications saw, and remember what this one sees if all is well
    #[arg(long, value_name = "FILE")]
    pub remember: Option<PathBuf>,

    /// Verify that two checkpoints of a log contradict each other; of different sizes, with --proof
    #[arg(long, value_names = ["NOTE", "NOTE"], num_args = 2, conflicts_with_all = ["receipt", "export", "tiles", "log", "remember", "trust", "max_age"])]
    pub fork: Option<Vec<PathBuf>>,

    /// What `key walk` wrote: the keys that the log has had since the pin, since an older receipt, or since what is remembered
    #[arg(long, value_name = "FILE")]
    pub walk: Option<PathBuf>,
    /// Have the verdict on the whole store recorded in _node, where `status` finds it
    #[arg(long, conflicts_with_all = ["log", "receipt", "export", "tiles", "proof", "fork"])]
    pub record_verdict: bool,
    #[command(flatten)]
    pub query: QueryArgs,
    /// With a node: the heads alone, for whoever may not see events
    #[arg(long)]
    pub heads: bool,
    #[command(flatten)]
    pub write: WriteArgs,
    /// Answer as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Does it.
pub fn run(store: &StoreArg, args: &VerifyArgs) -> Result<Exit, Failure> {
    record::check(args)?;
    let node = remote::node(store, args)?;
    if node.is_none() {
        check_memory(store, args)?;
    }
    let mut trusted = Trusted::of(args)?;
    let report = match node {
        Some(node) => remote::verify(&node, args, &mut trusted)?,
        None => judge(store, args, &mut trusted)?,
    };
    let exit = Exit::of_verdict(report.verdict.exit_code());
    if exit == Exit::Done {
        trusted.keep()?;
    }
    let mut out = Output::new();
    let printed = match args.json {
        true => out.line(report.json()),
        false => out.line(report.text(out.style())),
    };
    match printed.and_then(|()| out.flush()) {
        Err(failure) if failure.exit() != Exit::PipeClosed => return Err(failure),
        // Whoever reads may have had enough; the verdict stands.
        _ => {}
    }
    if args.record_verdict {
        record::write(store, args, &report)?;
    }
    Ok(exit)
}

/// Whichever was given; clap sees to it that it is one.
fn judge(store: &StoreArg, args: &VerifyArgs, trusted: &mut Trusted) -> Result<Report, Failure> {
    if let Some([one, other]) = args.fork.as_deref() {
        file::fork(one, other, args.proof.as_deref(), trusted)
    } else if let Some(receipt) = &args.receipt {
        file::receipt(receipt, args.record.as_deref(), trusted)
    } else if let Some(export) = &args.export {
        file::export(export, trusted)
    } else if let Some(directory) = &args.tiles {
        tiles::verify(directory, trusted)
    } else if let Some(proof) = &args.proof {
        file::proof(proof, trusted)
    } else {
        trusted.refuse_walk_of_store()?;
        store::verify(&store.directory()?, args.log.as_deref(), trusted)
    }
}

/// Before anything is made: a memory does not belong into the store that it guards.
fn check_memory(store: &StoreArg, args: &VerifyArgs) -> Result<(), Failure> {
    let files = [&args.receipt, &args.export, &args.proof, &args.tiles];
    let is_of_store = files.iter().all(|file| file.is_none());
    let Some(memory) = args.remember.as_ref().filter(|_| is_of_store) else {
        return Ok(());
    };
    match describe(store) {
        Ok((directory, info)) => check_target(memory, &directory, &args.write, &info),
        // What is wrong with the store is the verdict's to say.
        Err(_) => target::check(memory, &[(&store.directory()?, "the store")]),
    }
}
