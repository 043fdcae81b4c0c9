//! `cargo xtask fuzz`: the decoders against bytes that nobody wrote.
//!
//! The targets are in `fuzz/fuzz_targets`, each asserting what must hold of whatever it accepts. Runs them by cargo-fuzz, which is
//! installed under the target directory if it is nowhere else. Without a sanitizer: our code has no `unsafe` for one to watch, and
//! without it four times as many inputs are tried, by the compiler that everything else is built with.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::program;
use crate::tally::Tally;
use crate::workspace::Workspace;

pub mod seeds;

const CARGO_FUZZ: &str = "0.13.2";

/// Beyond this an input hangs its decoder.
const INPUT_SECONDS_MAX: u32 = 10;

/// How long a run may go on after its time is up.
const GRACE: Duration = Duration::from_secs(120);

const SECONDS: u64 = 60;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    let mut seconds = SECONDS;
    let mut targets: Vec<String> = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            seconds = rest
                .next()
                .and_then(|number| number.parse().ok())
                .context("--seconds takes a number")?;
        } else {
            targets.push(argument.clone());
        }
    }
    let known = known_targets(workspace)?;
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!("no target {unknown}: there are {}", known.join(", "));
    }
    let chosen = if targets.is_empty() { known } else { targets };
    if !is_installed(workspace)? {
        return Ok(Tally::skipped(
            "fuzzing: there is no cargo-fuzz, and cargo can't install it",
        ));
    }
    // All of them, so that those which are not run are at least known to build.
    ensure!(
        program::passes(&mut cargo_fuzz(workspace, "build")?)?,
        "the fuzz targets can't be built"
    );
    let mut tally = Tally::default();
    for target in chosen {
        seeds::write(workspace, &target)?;
        tally.add(for_seconds(workspace, &target, seconds)?);
    }
    Ok(tally)
}

fn for_seconds(workspace: &Workspace, target: &str, seconds: u64) -> Result<Tally> {
    let mut fuzz = cargo_fuzz(workspace, "run")?;
    fuzz.args([
        target,
        "--",
        &format!("-max_total_time={seconds}"),
        &format!("-timeout={INPUT_SECONDS_MAX}"),
    ]);
    let limit = Duration::from_secs(seconds).saturating_add(GRACE);
    let ended = program::within(&mut fuzz, limit)?;
    if ended.well {
        println!(
            "{target}: {}",
            ended
                .printed
                .lines()
                .rfind(|line| line.starts_with("Done "))
                .unwrap_or_default()
        );
    } else {
        println!(
            "{target}: keep this input as a test\n{}",
            findings(&ended.printed).join("\n")
        );
    }
    Ok(Tally::one(ended.well))
}

/// Of all that a fuzzer prints at its end: what was asserted, and where the input is.
fn findings(printed: &str) -> Vec<&str> {
    let lines: Vec<&str> = printed.lines().collect();
    let is_finding = |line: &str| {
        line.contains("panicked at") || line.starts_with("==") || line.contains("cargo fuzz run")
    };
    let begins = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| is_finding(line))
        .map(|(at, _)| at);
    let found: Vec<&str> = begins
        .flat_map(|at| lines.iter().skip(at).take(4).copied())
        .collect();
    // Something else than an input made it fail: all of it may say why.
    if found.is_empty() { lines } else { found }
}

fn known_targets(workspace: &Workspace) -> Result<Vec<String>> {
    let files = workspace.files(".rs")?;
    let names = files
        .iter()
        .filter_map(|path| path.strip_prefix("fuzz/fuzz_targets/")?.strip_suffix(".rs"));
    Ok(names.map(str::to_owned).collect())
}

fn cargo_fuzz(workspace: &Workspace, what: &str) -> Result<Command> {
    let mut command = workspace.command("cargo");
    command.env(
        "PATH",
        program::path_with(&workspace.target()?.join("tools/bin"))?,
    );
    command.args(["fuzz", what, "--sanitizer", "none"]);
    Ok(command)
}

fn is_installed(workspace: &Workspace) -> Result<bool> {
    let tools = workspace.target()?.join("tools");
    let path = program::path_with(&tools.join("bin"))?;
    let is_there = || {
        program::works(
            workspace
                .command("cargo")
                .args(["fuzz", "--version"])
                .env("PATH", &path),
        )
    };
    if is_there() {
        return Ok(true);
    }
    println!("installing cargo-fuzz {CARGO_FUZZ}");
    let mut install = workspace.command("cargo");
    install
        .args([
            "install",
            "--quiet",
            "--locked",
            "cargo-fuzz",
            "--version",
            CARGO_FUZZ,
            "--root",
        ])
        .arg(&tools);
    Ok(program::passes(&mut install)? && is_there())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_begins_with_something() {
        let workspace = Workspace::find().unwrap();
        let known = known_targets(&workspace).unwrap();
        for target in &known {
            assert!(seeds::are_known(target), "{target}");
        }
    }
}
