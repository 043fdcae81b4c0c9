//! `indelible completions`: prints a script that a shell completes commands with.

use crate::args;
use crate::exit::Exit;
use crate::output::Output;
use crate::say::Failure;
use clap::Args;
use clap_complete::Shell;

/// Print a completion script for your shell
///
/// For bash: indelible completions bash > ~/.local/share/bash-completion/completions/indelible
#[derive(Args)]
pub struct CompletionsArgs {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Does it.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "indelible", &mut script);
    let mut out = Output::new();
    out.bytes(&script)?;
    out.flush()?;
    Ok(Exit::Done)
}
