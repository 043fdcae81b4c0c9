//! `cargo xtask fuzz`: the decoders against bytes that nobody wrote.
//!
//! The targets are in `fuzz/fuzz_targets`, each asserting what must hold of whatever it accepts. Runs them by cargo-fuzz, which is
//! installed under the target directory if it is nowhere else. Without a sanitizer: our code has no `unsafe` for one to watch, and
//! without it four times as many inputs are tried, by the compiler that everything else is built with.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::program;
use crate::tally::Tally;
use crate::workspace::Workspace;

const CARGO_FUZZ: &str = "0.13.2";

/// Those that begin with what the ledger's and the store's writers write, of which the vectors have nothing.
const STORED: [&str; 5] = ["batch", "frame", "node_event", "pack", "tail"];

/// Vector file, list in it, target, and the member of a case that is its input.
const SEEDS: [(&str, &str, &str, &str); 22] = [
    ("event", "cases", "event", "input"),
    ("head", "cases", "head", "head"),
    ("record", "lines", "head", "line"),
    ("note", "cases", "note", "note"),
    ("keys", "vkeys", "note", "vkey"),
    ("note", "cases", "fork", "note"),
    ("keys", "origins", "node_event", "origin"),
    ("keys", "genesis", "node_event", "event"),
    ("keys", "key_events", "node_event", "event"),
    ("keys", "node_secrets", "secret", "file"),
    ("keys", "recovery_keys", "secret", "file"),
    ("tail", "formats", "tail", "format"),
    ("pack", "registers", "tail", "register"),
    ("walk", "walks", "walk", "walk"),
    ("receipt", "cases", "receipt", "receipt"),
    ("batch_receipt", "cases", "batch_receipt", "batch_receipt"),
    ("prove", "cases", "prove", "proof"),
    ("policy", "cases", "trust", "policy"),
    ("trust", "cases", "trust", "trust"),
    ("export", "cases", "export", "export"),
    ("tile", "paths", "tile", "path"),
    ("tile", "readings", "tile", "bundle"),
];

/// Longer seeds make every run slow and show nothing that shorter ones don't.
const SEED_BYTES_MAX: usize = 16 << 10;

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
        seed(workspace, &target)?;
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

/// Puts into the corpus what the target begins with.
fn seed(workspace: &Workspace, target: &str) -> Result<()> {
    let corpus = workspace.root.join("fuzz/corpus");
    std::fs::create_dir_all(corpus.join(target)).context("the corpus")?;
    if STORED.contains(&target) {
        let mut seeds = workspace.command("cargo");
        seeds.args([
            "run",
            "--quiet",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--example",
            "seeds",
            "--",
        ]);
        ensure!(
            program::passes(seeds.arg(&corpus))?,
            "the seeds can't be written"
        );
    }
    for (file, list, _, member) in SEEDS.into_iter().filter(|(_, _, of, _)| *of == target) {
        let cases: Value = serde_json::from_str(&workspace.read(&format!("vectors/{file}.json"))?)?;
        let inputs = cases[list]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|case| input(case, member));
        for (number, bytes) in inputs
            .enumerate()
            .filter(|(_, bytes)| bytes.len() <= SEED_BYTES_MAX)
        {
            write_seed(
                &corpus.join(target).join(format!("{file}-{list}-{number}")),
                &bytes,
            )?;
        }
    }
    Ok(())
}

fn write_seed(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// A case's input, as text or in base64. Those written in another way (repeated, edited) are left out.
fn input(case: &Value, member: &str) -> Option<Vec<u8>> {
    if let Some(text) = case[member].as_str() {
        return Some(text.as_bytes().to_vec());
    }
    BASE64_STANDARD
        .decode(case[format!("{member}_b64")].as_str()?)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_case_is_a_seed_as_text_or_in_base64() {
        assert_eq!(input(&json!({"note": "a"}), "note"), Some(b"a".to_vec()));
        assert_eq!(
            input(&json!({"note_b64": "/w=="}), "note"),
            Some(vec![0xff])
        );
        assert_eq!(input(&json!({"prefix": "a", "count": 3}), "note"), None);
    }

    #[test]
    fn every_target_begins_with_something() {
        let workspace = Workspace::find().unwrap();
        let known = known_targets(&workspace).unwrap();
        for target in &known {
            let seeded =
                STORED.contains(&target.as_str()) || SEEDS.iter().any(|(_, _, of, _)| of == target);
            assert!(seeded, "{target}");
        }
        assert!(
            STORED
                .iter()
                .all(|target| known.iter().any(|known| known == target))
        );
    }
}
