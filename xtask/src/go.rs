//! `cargo xtask go`: programs that others wrote read what we make, and we read what they make.
//!
//! Go's `sumdb/note` and `sumdb/tlog`, torchwood and Tessera's `fsck` are built from `interop/`, where `go.sum` pins every module; none
//! of their code is in the product. They answer one question at a time and know of no expectation: here the answers are compared
//! with the vectors and with `indelible-proof`, and a difference that the table in `interop/README.md` does not explain is a failure.

use anyhow::{Context as _, Result, bail, ensure};

use crate::tally::Tally;
use crate::workspace::Workspace;

mod build;
mod corpus;
mod differences;
mod judge;
mod random;
mod site;
mod vectors;

/// The same every time, so that a change and not chance is what fails. Other seeds are tried by hand.
const SEED: u64 = 1;

/// Notes that Go makes; for every twentieth a tree too.
const COUNT: u64 = 400;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    let (mut seed, mut count) = (SEED, COUNT);
    let (mut corpora, mut all) = (false, false);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let mut number = || {
            let number = rest.next().and_then(|number| number.parse().ok());
            number.with_context(|| format!("{name} takes a number"))
        };
        match name.as_str() {
            "--seed" => seed = number()?,
            "--count" => count = number()?,
            "--corpus" => corpora = true,
            "--all" => all = true,
            _ => bail!("--seed and --count, each with a number, --corpus and --all"),
        }
    }
    ensure!(corpora || !all, "--all is for --corpus");
    let programs = match build::all(workspace)? {
        build::Built::Programs(programs) => programs,
        build::Built::Missing(why) => return Ok(Tally::skipped(why)),
    };
    if corpora {
        return corpus::run(workspace, &programs, all);
    }
    let mut tally = vectors::run(workspace, &programs)?;
    tally.add(random::run(&programs, seed, count)?);
    tally.add(site::run(workspace, &programs)?);
    Ok(tally)
}

/// One check with a line of its own.
fn held(what: &str, held: bool) -> Tally {
    println!("{} {what}", if held { "holds: " } else { "BROKEN:" });
    Tally::one(held)
}
