//! The `indelible` command line: reads what was typed, lets one command do it, and tells the shell how it ended.
//!
//! One file for each command under `commands`; errors become sentences in `say`, exit codes stand in `exit`, what can be typed in
//! `args`, how a node is opened in `node`. Everything that counts as evidence comes from `indelible_proof` and `indelible_ledger`:
//! nothing here hashes, signs or judges.

mod args;
mod authority;
mod clock;
mod commands;
mod evidence;
mod exit;
mod explain;
mod ground;
mod keys;
mod node;
mod output;
mod random;
mod remote;
mod say;
mod show;
mod supervisor;
mod target;

use clap::error::ErrorKind;
use exit::Exit;
use say::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    indelible_hint::settle_heap();
    let ended = match args::parse() {
        Ok(cli) => commands::run(cli),
        Err(error) => not_understood(&error),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit().into()
        }
    }
}

/// Help and version are printed; what can't be understood becomes a failure like any other.
fn not_understood(error: &clap::Error) -> Result<Exit, Failure> {
    let ended = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Exit::Usage,
        _ => return Err(say::usage(error)),
    };
    error
        .print()
        .map(|()| ended)
        .map_err(|error| output::failed(&error))
}
