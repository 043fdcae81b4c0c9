//! `cargo xtask sim`: histories of ledger and store on a simulated disk, each from its seed. What they are: `docs/simulation.md`.
//!
//! Built as tests are, with overflow checks and assertions: a fault that only they see is a fault.

use anyhow::Result;

use crate::program;
use crate::tally::Tally;
use crate::workspace::Workspace;

/// In `cargo xtask test`: about a minute on two cores.
pub const IN_TEST: [&str; 2] = ["--histories", "2000"];

/// Passes everything on to the program, which prints the seed of whatever fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    let mut command = workspace.command("cargo");
    command.args(["run", "--quiet", "-p", "indelible-sim", "--"]);
    program::passes(command.args(arguments)).map(Tally::one)
}
