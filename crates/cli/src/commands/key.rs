//! `indelible key …`: what signs for the logs, how it is replaced, and what leads from a pin of the first day to today.

mod recover;
mod recovery_key;
mod rotate;
mod secret;
mod show;
mod walk;

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::say::Failure;
use clap::Subcommand;

/// Look at the keys, replace them, prove them
#[derive(Subcommand)]
pub enum KeyCommand {
    Show(show::ShowArgs),
    Rotate(rotate::RotateArgs),
    Recover(recover::RecoverArgs),
    Walk(walk::WalkArgs),
    NewSecret(secret::SecretArgs),
    NewRecovery(recovery_key::NewArgs),
    SignHinges(recovery_key::SignArgs),
}

/// Does it.
pub fn run(store: &StoreArg, command: &KeyCommand) -> Result<Exit, Failure> {
    match command {
        KeyCommand::Show(args) => show::run(store, args),
        KeyCommand::Rotate(args) => rotate::run(store, args),
        KeyCommand::Recover(args) => recover::run(store, args),
        KeyCommand::Walk(args) => walk::run(store, args),
        KeyCommand::NewSecret(args) => secret::run(args),
        KeyCommand::NewRecovery(args) => recovery_key::make(args),
        KeyCommand::SignHinges(args) => recovery_key::sign(args),
    }
}
