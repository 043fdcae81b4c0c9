//! `indelible seal`: moves what the tail holds into immutable packs, by hand.

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::node::Writing;
use crate::output::Output;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::Sealed;

/// Move what the tail holds into a sealed, immutable pack
///
/// A running node does it by itself. The pack is read back from disk and re-hashed before the tail lets go of it.
#[derive(Args)]
pub struct SealArgs {
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Does it.
pub fn run(store: &StoreArg, args: &SealArgs) -> Result<Exit, Failure> {
    let writing = Writing::open(store, &args.write)?;
    let sealed = writing
        .ledger
        .seal()
        .map_err(|error| say::seal(&error, &writing.directory));
    writing.close("sealed")?;
    let sealed = sealed?;
    let mut out = Output::new();
    if sealed.is_empty() {
        out.line("nothing to seal")?;
    }
    for pack in &sealed {
        out.line(describe(pack))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn describe(pack: &Sealed) -> String {
    let (first, last) = (pack.batches.start(), pack.batches.end());
    let batches = if first == last {
        format!("batch {first}")
    } else {
        format!("batches {first} to {last}")
    };
    let name = pack.name.strip_suffix(".ent").unwrap_or(&pack.name);
    format!(
        "sealed {batches}: {}, {} in {name}",
        show::counted(pack.records, "record"),
        show::bytes(pack.bytes)
    )
}
