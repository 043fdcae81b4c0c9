//! `indelible clock accept`: an operator's word that the wall clock is right after a long stop.

use crate::args::{StoreArg, WriteArgs};
use crate::clock::SystemClock;
use crate::exit::Exit;
use crate::node::{self, Reading, Writing};
use crate::output::Output;
use crate::say::{self, Failure};
use clap::{Args, Subcommand};
use indelible_ledger::clock::{Clock as _, ClockRule};
use indelible_ledger::{OpenError, Settings};
use indelible_proof::time::Time;

/// Decide about the clock
#[derive(Subcommand)]
pub enum ClockCommand {
    Accept(AcceptArgs),
}

/// Accept the wall clock after a long stop
///
/// A node refuses to start when its clock stands more than 30 days past the last record: a clock that leapt ahead would date
/// everything after it wrongly. If the clock is right, this says so, and the decision is recorded in _node.
#[derive(Args)]
pub struct AcceptArgs {
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Does it.
pub fn run(store: &StoreArg, command: &ClockCommand) -> Result<Exit, Failure> {
    let ClockCommand::Accept(args) = command;
    let wall = SystemClock.wall().ok_or_else(|| no_time(store))?;
    let Some(last) = last_time(store)? else {
        return report("the store has no records yet: nothing to accept");
    };
    if ClockRule::check_start(last, wall).is_ok() {
        return report(&format!(
            "nothing to accept: the wall clock shows {wall}, the last record {last}"
        ));
    }
    let settings = Settings {
        accept_clock: Some(node::user()),
        background_sealing: false,
        ..Settings::default()
    };
    let writing = Writing::open_with(store, &args.write, settings)?;
    writing.close("clock accepted")?;
    report(&format!(
        "accepted {wall}, the last record before it being of {last}; recorded in _node"
    ))
}

fn no_time(store: &StoreArg) -> Failure {
    store.directory().map_or_else(
        |failure| failure,
        |directory| say::open(&OpenError::NoTime, &directory),
    )
}

/// Time of the newest record of any log.
fn last_time(store: &StoreArg) -> Result<Option<Time>, Failure> {
    let reading = Reading::open(store)?;
    Ok(reading
        .books
        .logs()
        .iter()
        .filter_map(|log| log.times())
        .map(|(_, last)| last)
        .max())
}

fn report(text: &str) -> Result<Exit, Failure> {
    let mut out = Output::new();
    out.line(text)?;
    out.flush()?;
    Ok(Exit::Done)
}
