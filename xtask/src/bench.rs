//! `cargo xtask bench`: the benchmark programs of the crate `bench`, built for release.
//!
//! Not part of `test`: a figure depends on what else the machine does, and nobody waits two minutes for a number they didn't ask for.

use anyhow::Result;

use crate::program;
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Passes everything on to the program, which explains itself.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    let mut command = workspace.command("cargo");
    command.args(["run", "--quiet", "--release", "-p", "indelible-bench", "--"]);
    program::passes(command.args(arguments)).map(Tally::one)
}
