//! `indelible merge`: makes large packs of small ones, in a process of its own.
//!
//! The only command that holds a [`Retirer`]: whatever else writes to a store can't take a sealed file away.

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::node::Writing;
use crate::output::Output;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::Merged;
use indelible_store::Retirer;

/// Merge small packs into large ones
///
/// Each pack is re-hashed first, and the new one is read back from disk, re-hashed and named in _node before the small ones go. Nothing
/// else may write meanwhile; reading goes on. Interrupted, it leaves a store that verifies; run it again to finish.
#[derive(Args)]
pub struct MergeArgs {
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Does it.
pub fn run(store: &StoreArg, args: &MergeArgs) -> Result<Exit, Failure> {
    let writing = Writing::open(store, &args.write)?;
    let retirer = Retirer::new(&writing.store);
    let merged = writing
        .ledger
        .merge(&|name| retirer.retire(name))
        .map_err(|error| say::merge(&error, &writing.directory));
    writing.close("merged")?;
    let merged = merged?;
    let mut out = Output::new();
    if merged.is_empty() {
        out.line("nothing to merge: fewer than four small packs stand next to each other")?;
    }
    for pack in &merged {
        out.line(describe(pack))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn describe(pack: &Merged) -> String {
    let (first, last) = (pack.batches.start(), pack.batches.end());
    let name = pack.name.strip_suffix(".ent").unwrap_or(&pack.name);
    let count = |number: usize, one| show::counted(u64::try_from(number).unwrap_or(u64::MAX), one);
    format!(
        "merged {} of batches {first} to {last}: {}, {} as {}, {} in {name}",
        count(pack.packs, "pack"),
        show::counted(pack.records, "record"),
        count(pack.runs.0, "run"),
        count(pack.runs.1, "run"),
        show::bytes(pack.bytes)
    )
}
