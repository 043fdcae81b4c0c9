//! `indelible pin`: prints the line a verifier keeps.

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::node::Reading;
use crate::output::Output;
use crate::say::Failure;
use clap::Args;
use indelible_ledger::Log;
use indelible_proof::pin::Pin;

/// Print the line by which others know a log and its key
///
/// Give it, by a way they trust, to whoever will verify. Keep it where whoever can write to this store can't change it.
#[derive(Args)]
pub struct PinArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,
}

/// Does it.
pub fn run(store: &StoreArg, args: &PinArgs) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    let pin = pin_of(&reading, &log)?;
    let mut out = Output::new();
    out.line(&pin)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// The log's id and the key that signs for it today.
pub fn pin_of(reading: &Reading, log: &Log) -> Result<Pin, Failure> {
    let keys = reading
        .books
        .keys(log)
        .map_err(|error| reading.failed(&error))?;
    let mut keys = keys.set.keys.into_iter();
    keys.find_map(|key| Pin::new(log.id(), key)).ok_or_else(|| {
        Failure::new(
            Exit::Damaged,
            format!("no record of {} names a key of it", log.name()),
        )
    })
}
