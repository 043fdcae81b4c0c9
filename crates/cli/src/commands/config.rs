//! `indelible config check`, `config show`: what is wrong with a file of settings, and what it comes to.

use crate::exit::Exit;
use crate::output::{Output, one_line};
use crate::say::{self, Failure};
use clap::{Args, Subcommand};
use indelible_server::config::Config;
use std::path::PathBuf;

/// Check and show the settings of a node
#[derive(Subcommand)]
pub enum ConfigCommand {
    Check(CheckArgs),
    Show(ShowArgs),
}

/// Say all that is wrong with a file of settings, certificates included
///
/// Looks at nothing but the file and the certificates, keys and lists that it names; opens no store, and listens nowhere.
#[derive(Args)]
pub struct CheckArgs {
    /// The file
    pub file: PathBuf,
}

/// Show the settings in force, defaults included, and where each comes from
#[derive(Args)]
pub struct ShowArgs {
    /// The file
    pub file: PathBuf,
}

/// Does it.
pub fn run(command: &ConfigCommand) -> Result<Exit, Failure> {
    let mut out = Output::new();
    match command {
        ConfigCommand::Check(args) => {
            let config = Config::load(&args.file).map_err(|faults| say::config(&faults))?;
            let (listeners, grants) = (config.listeners().count(), config.grants().len());
            out.line(format_args!(
                "{} {}: {listeners} listeners, {grants} grants",
                out.style().good("in order:"),
                one_line(args.file.display())
            ))?;
        }
        ConfigCommand::Show(args) => {
            let config = Config::read(&args.file).map_err(|faults| say::config(&faults))?;
            out.bytes(config.show().as_bytes())?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
