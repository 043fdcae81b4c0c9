//! `cargo xtask test`: everything a change has to pass.
//!
//! The steps stand in one list, cheap ones first. A step that fails ends the run, because what comes after it is likely to fail
//! for the same reason.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::agree;
use crate::crash;
use crate::fuzz;
use crate::go;
use crate::program;
use crate::promises;
use crate::readme;
use crate::sim;
use crate::tally::Tally;
use crate::tamper;
use crate::tidy;
use crate::wire;
use crate::workspace::Workspace;

/// A name for the command line, what it is for people, and what runs it.
type Step = (&'static str, &'static str, fn(&Workspace) -> Result<Tally>);

const STEPS: [Step; 18] = [
    ("format", "sources are formatted", format),
    ("clippy", "no lint complains", clippy),
    ("tidy", "house rules", |workspace| tidy::run(workspace, &[])),
    ("tests", "cargo test", cargo_test),
    ("python", "vectors and the second verifier", second_verifier),
    (
        "agree",
        "both verifiers reach the same verdicts",
        |workspace| agree::run(workspace, &[]),
    ),
    (
        "tamper",
        "what is done to a store is noticed as the page says",
        |workspace| tamper::run(workspace, &["--check".to_owned()]),
    ),
    ("crash", "a sample of what crashes leave", |workspace| {
        crash::run(workspace, &["--quick".to_owned()])
    }),
    ("go", "programs that others wrote", |workspace| {
        go::run(workspace, &[])
    }),
    ("wire", "a stranger's requests over TLS", |workspace| {
        wire::run(workspace, &[])
    }),
    ("no-std", "proof for a target without std", without_std),
    ("wasm", "proof for the browser", wasm),
    ("fuzz", "decoders against random bytes", |workspace| {
        fuzz::run(workspace, &FUZZED.map(str::to_owned))
    }),
    (
        "corpus",
        "both verifiers and Go on what fuzzing found",
        corpora,
    ),
    ("sim", "histories on a simulated disk", |workspace| {
        sim::run(workspace, &sim::IN_TEST.map(str::to_owned))
    }),
    ("doc", "documentation without warnings", documentation),
    ("readme", "examples in pages", |workspace| {
        readme::run(workspace, &[])
    }),
    ("promises", "what is promised is shown", |workspace| {
        promises::run(workspace, &[promises::BEYOND_TESTS.to_owned()])
    }),
];

/// Of every target, so that each is known to begin with its seeds; the long runs are made by hand.
const FUZZED: [&str; 2] = ["--seconds", "8"];

/// How long a program of tests may say nothing: the longest tests take two minutes.
const SILENCE_MAX: Duration = Duration::from_secs(600);

/// Without a network this is how long it takes to say so, at most.
const DOWNLOAD_MAX: Duration = Duration::from_secs(180);

/// Runs the named steps, or all, up to the first that fails; then says how long each took.
pub fn run(workspace: &Workspace, names: &[String]) -> Result<Tally> {
    let steps = chosen(names)?;
    let mut total = Tally::default();
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for (number, (name, about, step)) in steps.iter().enumerate() {
        println!(
            "\n== {} of {}: {name}: {about} ==",
            number.saturating_add(1),
            steps.len()
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
                "\nThe step {name} failed, {failed} of its checks; the steps after it were not run."
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

/// The steps of these names, in the list's order; all if none is named.
fn chosen(names: &[String]) -> Result<Vec<Step>> {
    let is_known = |name: &&String| STEPS.iter().any(|(known, ..)| known == name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        bail!(
            "no step {unknown}: there are {}",
            STEPS.map(|(name, ..)| name).join(", ")
        );
    }
    let is_named = |name: &str| names.is_empty() || names.iter().any(|named| named == name);
    Ok(STEPS
        .into_iter()
        .filter(|(name, ..)| is_named(name))
        .collect())
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
    let test = ["test", "--workspace", "--no-fail-fast"];
    // Built first: a long build may say nothing for longer than a test may.
    if !program::passes(workspace.command("cargo").args(test).arg("--no-run"))? {
        return Ok(Tally::broken());
    }
    counted(workspace.command("cargo").args(test), SILENCE_MAX)
}

/// Passes a program's output on and adds up the counts that it prints.
///
/// Where it says nothing for so long, something in it hangs: the programs that it has started are ended, or itself if there are none, and
/// that is a failure. So one test that waits for ever is named, by the line that it runs for long, and those of other programs are run.
fn counted(command: &mut Command, silence: Duration) -> Result<Tally> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start {command:?}"))?;
    let output = BufReader::new(child.stdout.take().context("no output")?);
    let (said, heard) = mpsc::channel();
    // Not joined: what a test has left behind may keep the output open.
    std::thread::spawn(move || {
        output
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| said.send(line))
    });
    let mut tally = Tally::default();
    loop {
        let line = match heard.recv_timeout(silence) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                println!("Nothing was said for {} s: ended.", silence.as_secs());
                tally.add(Tally::broken());
                if child.try_wait()?.is_some() {
                    break;
                }
                let parent = child.id().to_string();
                if !program::works(Command::new("pkill").args(["-KILL", "-P", &parent])) {
                    child.kill()?;
                }
                continue;
            }
        };
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
    let mut verify = workspace.command("python3");
    tally.add(counted(
        verify.arg("vectors/run_verify_py.py"),
        SILENCE_MAX,
    )?);
    Ok(tally)
}

/// A bounded share of the corpora that the step before has made.
fn corpora(workspace: &Workspace) -> Result<Tally> {
    let only = ["--corpus".to_owned()];
    let mut tally = agree::run(workspace, &only)?;
    tally.add(go::run(workspace, &only)?);
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
    let built = one(workspace.command("cargo").args([
        "build",
        "--quiet",
        "--package",
        "indelible-proof",
        "--target",
        target,
    ]))?;
    println!(
        "indelible-proof for {target}: {}",
        if built.failed == 0 {
            "builds"
        } else {
            "does not build"
        }
    );
    Ok(built)
}

/// Whether this Rust has the target's libraries; asks rustup for them if not.
fn target_is_there(workspace: &Workspace, target: &str) -> Result<bool> {
    let libraries = program::output(workspace.command("rustc").args([
        "--print=target-libdir",
        "--target",
        target,
    ]))?;
    if Path::new(libraries.trim()).exists() {
        return Ok(true);
    }
    let added = program::within(
        workspace.command("rustup").args(["target", "add", target]),
        DOWNLOAD_MAX,
    );
    Ok(added.is_ok_and(|ended| ended.well))
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
    use super::*;

    #[test]
    fn steps_are_run_in_the_order_of_the_list() {
        let named = |names: &[&str]| {
            chosen(
                &names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        let names = |steps: Vec<Step>| steps.into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        assert_eq!(names(named(&["doc", "tidy"]).unwrap()), ["tidy", "doc"]);
        assert_eq!(named(&[]).unwrap().len(), STEPS.len());
        assert!(named(&["tidy", "bake"]).is_err());
    }

    #[test]
    fn a_program_that_hangs_is_ended_and_the_next_is_run() {
        let counts = |silence, script: &str| {
            let mut shell = program::command("sh");
            let tally = counted(shell.args(["-c", script]), Duration::from_secs(silence)).unwrap();
            (tally.passed, tally.failed)
        };
        let patient = |script| counts(60, script);
        assert_eq!(patient("echo 3 passed, 0 failed"), (3, 0));
        assert_eq!(patient("echo 3 passed, 0 failed; exit 1"), (3, 1));
        // Long enough for a shell to start on a slow machine.
        let begin = Instant::now();
        let short = |script| counts(2, script);
        assert_eq!(short("sleep 600; echo 3 passed, 0 failed"), (3, 1));
        assert_eq!(short("echo 3 passed, 0 failed; exec sleep 600"), (3, 1));
        // It has left something behind that holds its output.
        assert_eq!(short("sleep 40 & echo 3 passed, 0 failed"), (3, 1));
        assert!(begin.elapsed() < Duration::from_secs(40), "waited for it");
    }

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
