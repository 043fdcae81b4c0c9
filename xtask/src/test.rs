//! `cargo xtask test`: everything a change has to pass.
//!
//! The steps stand in one list, cheap ones first. A step that fails ends the run, because what comes after it is likely to fail
//! for the same reason.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::agree;
use crate::fuzz;
use crate::program;
use crate::promises;
use crate::readme;
use crate::tally::Tally;
use crate::tidy;
use crate::workspace::Workspace;

type Step = (&'static str, fn(&Workspace) -> Result<Tally>);

const STEPS: [Step; 12] = [
    ("format", format),
    ("clippy", clippy),
    ("tidy", |workspace| tidy::run(workspace, &[])),
    ("cargo test", cargo_test),
    ("second verifier", second_verifier),
    ("the verifiers agree", |workspace| {
        agree::run(workspace, &[])
    }),
    ("proof without std", without_std),
    ("proof in the browser", wasm),
    ("fuzz", |workspace| {
        fuzz::run(workspace, &FUZZED.map(str::to_owned))
    }),
    ("documentation", documentation),
    ("examples in pages", |workspace| readme::run(workspace, &[])),
    ("promises", |workspace| promises::run(workspace, &[])),
];

/// Both are read from strangers by everyone who verifies; the others take their turn by hand.
const FUZZED: [&str; 4] = ["--seconds", "30", "event", "export"];

/// Runs the steps up to the first that fails, then says how long each took.
pub fn run(workspace: &Workspace, _arguments: &[String]) -> Result<Tally> {
    let mut total = Tally::default();
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for (number, (name, step)) in STEPS.iter().enumerate() {
        println!(
            "\n== {} of {}: {name} ==",
            number.saturating_add(1),
            STEPS.len()
        );
        let begin = Instant::now();
        let tally = step(workspace).unwrap_or_else(|error| {
            println!("{error:#}");
            Tally::broken()
        });
        times.push((name, begin.elapsed()));
        let failed = tally.failed;
        total.add(tally);
        if failed > 0 {
            println!(
                "\nThe step \"{name}\" failed ({failed} of its checks); the steps after it were not run."
            );
            break;
        }
    }
    println!();
    for (name, time) in times {
        println!("{:7.1} s  {name}", time.as_secs_f64());
    }
    Ok(total)
}

fn format(workspace: &Workspace) -> Result<Tally> {
    let mut tally = one(workspace.command("cargo").args(["fmt", "--all", "--check"]))?;
    // A workspace of its own.
    tally.add(one(workspace.command("cargo").args([
        "fmt",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--check",
    ]))?);
    Ok(tally)
}

fn clippy(workspace: &Workspace) -> Result<Tally> {
    one(workspace.command("cargo").args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn cargo_test(workspace: &Workspace) -> Result<Tally> {
    counted(
        workspace
            .command("cargo")
            .args(["test", "--workspace", "--no-fail-fast"]),
    )
}

/// Passes a program's output on and adds up the counts that it prints.
fn counted(command: &mut Command) -> Result<Tally> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start {command:?}"))?;
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        let line = line?;
        writeln!(std::io::stdout(), "{line}")?;
        if let Some((passed, failed)) = counts(&line) {
            tally.add(Tally {
                passed,
                failed,
                skipped: Vec::new(),
            });
        }
    }
    // What can't be built has no tests that fail.
    if !child.wait()?.success() && tally.failed == 0 {
        tally.add(Tally::broken());
    }
    Ok(tally)
}

/// The counts in a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; …` or `3 passed, 0 failed`.
fn counts(line: &str) -> Option<(u64, u64)> {
    let (passed, failed) = match line.strip_prefix("test result: ") {
        Some(result) => {
            let mut counts = result.split_once(". ")?.1.split("; ");
            (counts.next()?, counts.next()?)
        }
        None => line.split_once(", ")?,
    };
    Some((
        passed.strip_suffix(" passed")?.parse().ok()?,
        failed.strip_suffix(" failed")?.parse().ok()?,
    ))
}

fn second_verifier(workspace: &Workspace) -> Result<Tally> {
    if !program::works(workspace.command("python3").arg("--version")) {
        return Ok(Tally::skipped(
            "verify.py and the vectors: there is no python3",
        ));
    }
    let mut tally = one(workspace
        .command("python3")
        .args(["vectors/generate.py", "--check"]))?;
    tally.add(counted(
        workspace.command("python3").arg("vectors/run_verify_py.py"),
    )?);
    Ok(tally)
}

/// A target that has no `std` at all, so that nothing under `proof` can lean on it.
fn without_std(workspace: &Workspace) -> Result<Tally> {
    proof_for(workspace, "wasm32v1-none")
}

fn wasm(workspace: &Workspace) -> Result<Tally> {
    proof_for(workspace, "wasm32-unknown-unknown")
}

fn proof_for(workspace: &Workspace, target: &str) -> Result<Tally> {
    if !target_is_there(workspace, target)? {
        return Ok(Tally::skipped(format!(
            "proof for {target}: this Rust has no such target, and rustup can't add it"
        )));
    }
    one(workspace.command("cargo").args([
        "build",
        "--quiet",
        "--package",
        "indelible-proof",
        "--target",
        target,
    ]))
}

/// Whether this Rust has the target's libraries; asks rustup for them if not.
fn target_is_there(workspace: &Workspace, target: &str) -> Result<bool> {
    let libraries = program::output(workspace.command("rustc").args([
        "--print=target-libdir",
        "--target",
        target,
    ]))?;
    if std::path::Path::new(libraries.trim()).exists() {
        return Ok(true);
    }
    Ok(program::works(
        workspace.command("rustup").args(["target", "add", target]),
    ))
}

fn documentation(workspace: &Workspace) -> Result<Tally> {
    one(workspace
        .command("cargo")
        .args(["doc", "--quiet", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

fn one(command: &mut Command) -> Result<Tally> {
    program::passes(command).map(Tally::one)
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn the_counts_of_a_test_program_are_read_from_its_result_line() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        assert_eq!(counts(ok), Some((12, 0)));
        assert_eq!(counts(bad), Some((3, 2)));
        assert_eq!(counts("6072 passed, 1 failed"), Some((6072, 1)));
        for line in [
            "test tests::x ... ok",
            "test result: ok. many passed; 0 failed;",
            "3 passed",
            "all passed, 0 failed",
        ] {
            assert_eq!(counts(line), None, "{line}");
        }
    }
}
