//! `indelible key rotate`: a new secret, one hinge for each log, and the end of the old secret.

use crate::args::{StoreArg, WriteArgs};
use crate::commands::init::recovery_set;
use crate::exit::Exit;
use crate::keys::Passphrase;
use crate::node::Writing;
use crate::output::Output;
use crate::random;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use std::path::PathBuf;

/// Replace the keys of all logs, and destroy the old secret
///
/// Old and new keys sign the change together, so that whoever has a pin can go on from it: with an export, or with `key walk`. Nothing
/// is recorded meanwhile. When it has come through, the old secret is overwritten: a copy of it that somebody took signs nothing
/// any more. A rotation that was stopped goes on when the store is next written to.
#[derive(Args)]
pub struct RotateArgs {
    #[command(flatten)]
    pub write: WriteArgs,
    /// Seal the new secret under the passphrase in this file's first line [default: as the old one is]
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    /// Someone who may give the node new keys when its secret is lost or stolen, where nobody was named before
    #[arg(long = "recovery", value_name = "VKEY")]
    pub recovery: Vec<String>,
    /// How many of them must agree [default: all]
    #[arg(long, value_name = "N", requires = "recovery")]
    pub recovery_threshold: Option<u64>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &RotateArgs) -> Result<Exit, Failure> {
    let recovery = recovery_set(&args.recovery, args.recovery_threshold)?;
    let new = Passphrase {
        file: args.new_passphrase_file.clone(),
    };
    let new = new.for_sealing().map_err(|error| say::keys(&error))?;
    let writing = Writing::open(store, &args.write)?;
    if writing.finished_rotation {
        writing.close("keys rotated")?;
        return report("the rotation that had stopped is finished: nothing more was done");
    }
    let next = writing.next_secret(random::bytes());
    let sealing = new.as_ref().or(writing.keys.passphrase.as_ref());
    writing
        .keys
        .keep_next(&next, sealing.map(|passphrase| passphrase.as_str()))
        .map_err(|error| say::keys(&error))?;
    let rotated = match writing.ledger.rotate(next, recovery.as_ref()) {
        Ok(rotated) => rotated,
        Err(error) => {
            writing.forget_unused_next(&error)?;
            return Err(say::rotate(&error, &writing.directory));
        }
    };
    writing.destroy_old()?;
    let logs = u64::try_from(rotated.logs).unwrap_or(u64::MAX);
    writing.close("keys rotated")?;
    report(&format!(
        "generation {} signs for {} now; the secret before it is destroyed\n\
         next: indelible key walk --log NAME --out NAME.walk, for those who verify receipts by an older pin",
        rotated.generation,
        show::counted(logs, "log")
    ))
}

fn report(text: &str) -> Result<Exit, Failure> {
    let mut out = Output::new();
    out.line(text)?;
    out.flush()?;
    Ok(Exit::Done)
}
