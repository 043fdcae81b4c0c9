//! `cargo xtask mutants`: would a test notice if this line did something else?
//!
//! cargo-mutants changes one place at a time and runs the tests. Each change runs against the crate's unit tests first, which is quick
//! and finds most; what they let live runs against all tests of the crate. A change that lives has to stand in `docs/mutants.md` with
//! the reason why it may. No part of `cargo xtask test`: each of some three thousand changes is a build of its own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::program;
use crate::tally::Tally;
use crate::workspace::Workspace;

const CARGO_MUTANTS: &str = "27.1.0";

const REASONS: &str = "docs/mutants.md";

/// Package, and what of its sources is changed if no file is named.
const SCOPE: [(&str, &str, &[&str]); 2] = [
    ("indelible-proof", "crates/proof/src/", &["**"]),
    (
        "indelible-ledger",
        "crates/ledger/src/",
        &[
            "commit.rs",
            "commit/*",
            "recover.rs",
            "recover/*",
            "seal.rs",
            "seal/*",
            "sequencer.rs",
            "scan.rs",
        ],
    ),
];

/// cargo-mutants ends with these when all were caught, when some were missed, and when some ran out of time.
const JUDGED: [i32; 3] = [0, 2, 3];

/// What became of a changed program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Caught,
    Missed,
    Timeout,
    Unviable,
}

/// By the change's name, which begins with its file.
type Fates = BTreeMap<String, Fate>;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    ensure!(
        is_installed(workspace),
        "there is no cargo-mutants {CARGO_MUTANTS}\nhint: cargo install --locked cargo-mutants --version {CARGO_MUTANTS}"
    );
    if let Some(unknown) = arguments.iter().find(|path| package_of(path).is_none()) {
        bail!("not a source file of proof or ledger: {unknown}");
    }
    let mut fates = Fates::new();
    for (package, sources, scope) in SCOPE {
        let files: Vec<String> = if arguments.is_empty() {
            scope
                .iter()
                .map(|glob| format!("{sources}{glob}"))
                .collect()
        } else {
            let own = arguments
                .iter()
                .filter(|path| package_of(path) == Some(package));
            own.cloned().collect()
        };
        if !files.is_empty() {
            fates.append(&mut judge(workspace, package, &files)?);
        }
    }
    print(&fates);
    let listed = listed(&workspace.read(REASONS)?);
    let mut tally = Tally::default();
    for (file, change, lives) in survivors(&fates) {
        let reasons = listed.get(&(file.clone(), change.clone())).copied();
        let held = reasons.unwrap_or(0) >= lives;
        if !held {
            println!("lives without a reason in {REASONS}: {file}: {change} ({lives} times)");
        }
        tally.add(Tally::one(held));
    }
    tally.add(Tally {
        passed: count(&fates, Fate::Caught).saturating_add(count(&fates, Fate::Timeout)),
        ..Tally::default()
    });
    Ok(tally)
}

fn is_installed(workspace: &Workspace) -> bool {
    let version = program::output(workspace.command("cargo").args(["mutants", "--version"]));
    version.is_ok_and(|version| version.trim() == format!("cargo-mutants {CARGO_MUTANTS}"))
}

fn package_of(path: &str) -> Option<&'static str> {
    let of = |(package, sources, _): &(&'static str, &str, &[&str])| {
        (path.starts_with(sources) && path.ends_with(".rs")).then_some(*package)
    };
    SCOPE.iter().find_map(of)
}

/// The unit tests on every change, then all tests of the crate on what lived.
fn judge(workspace: &Workspace, package: &str, files: &[String]) -> Result<Fates> {
    let mutants_of = workspace.target()?.join("mutants-of");
    let place = mutants_of.join(package);
    // What an earlier run caught says nothing about today's sources.
    if place.exists() {
        std::fs::remove_dir_all(&place).with_context(|| place.display().to_string())?;
    }
    std::fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
    let pass = |tests: &[&str]| -> Result<Fates> {
        let mut mutants = workspace.command("cargo");
        mutants
            .args(["mutants", "--package", package, "--output"])
            .arg(&place);
        mutants.args(tests);
        // cargo-mutants works in a copy of the tree. What the crates depend on is built once for all copies.
        mutants.env("CARGO_TARGET_DIR", mutants_of.join("build"));
        for file in files {
            mutants.args(["--file", file]);
        }
        let status = mutants.status().context("cargo mutants")?;
        ensure!(
            status.code().is_some_and(|code| JUDGED.contains(&code)),
            "cargo mutants ended with {status}"
        );
        fates(&outcomes(&place)?)
    };
    let mut fates = pass(&["--cargo-arg=--lib"])?;
    if count(&fates, Fate::Missed) > 0 {
        // `--iterate` leaves out what was caught before.
        fates.append(&mut pass(&["--iterate", "--cargo-arg=--tests"])?);
    }
    Ok(fates)
}

fn outcomes(place: &Path) -> Result<Value> {
    let path = place.join("mutants.out/outcomes.json");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn fates(outcomes: &Value) -> Result<Fates> {
    let mut fates = Fates::new();
    for outcome in outcomes["outcomes"].as_array().context("no outcomes")? {
        // The program as it is has no change and no name.
        let Some(name) = outcome["scenario"]["Mutant"]["name"].as_str() else {
            continue;
        };
        let fate = match outcome["summary"].as_str().unwrap_or_default() {
            "CaughtMutant" => Fate::Caught,
            "MissedMutant" => Fate::Missed,
            "Timeout" => Fate::Timeout,
            "Unviable" => Fate::Unviable,
            other => bail!("{name}: {other:?} is no outcome that we know"),
        };
        fates.insert(name.to_owned(), fate);
    }
    Ok(fates)
}

fn count(fates: &Fates, which: Fate) -> u64 {
    let those = fates.values().filter(|fate| **fate == which).count();
    u64::try_from(those).unwrap_or(u64::MAX)
}

/// File and change of a name such as `a.rs:1:2: replace f with 0`. Lines move, so they are no part of what is compared.
fn parts(name: &str) -> Option<(&str, &str)> {
    let (place, change) = name.split_once(": ")?;
    Some((place.split(':').next()?, change))
}

/// Changes that live, and how many there are of each: one function may have the same change in several places.
fn survivors(fates: &Fates) -> Vec<(String, String, u64)> {
    let mut lives: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let missed = fates.iter().filter(|(_, fate)| **fate == Fate::Missed);
    for parts in missed.filter_map(|(name, _)| parts(name)) {
        let number = lives.entry(parts).or_default();
        *number = number.saturating_add(1);
    }
    let owned = |((file, change), number): ((&str, &str), u64)| {
        (file.to_owned(), change.to_owned(), number)
    };
    lives.into_iter().map(owned).collect()
}

/// The page's rows `| file | change | times | reason |`, the first two as code: how often each change may live.
fn listed(page: &str) -> BTreeMap<(String, String), u64> {
    let mut listed = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        // A change may hold a `|`, which a table needs with a backslash before it.
        let row = row.replace("\\|", "\u{1}");
        let cells: Vec<String> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').replace('\u{1}', "|"))
            .collect();
        if let [_, file, change, times, reason, _] = cells.as_slice()
            && let Ok(times) = times.parse::<u64>()
            && !reason.is_empty()
        {
            listed.insert((file.clone(), change.clone()), times);
        }
    }
    listed
}

fn print(fates: &Fates) {
    let mut files: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for (name, fate) in fates {
        let Some((file, _)) = parts(name) else {
            continue;
        };
        let [caught, missed, timeout, unviable] = files.entry(file).or_default();
        let number = match fate {
            Fate::Caught => caught,
            Fate::Missed => missed,
            Fate::Timeout => timeout,
            Fate::Unviable => unviable,
        };
        *number = number.saturating_add(1);
    }
    println!("{:<48} caught missed timeout unviable", "file");
    for (file, [caught, missed, timeout, unviable]) in files {
        println!("{file:<48} {caught:>6} {missed:>6} {timeout:>7} {unviable:>8}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outcome(name: &str, summary: &str) -> Value {
        json!({"scenario": {"Mutant": {"name": name}}, "summary": summary})
    }

    #[test]
    fn a_change_that_lives_is_known_by_file_and_words_not_by_its_line() {
        let outcomes = json!({"outcomes": [
            {"scenario": "Baseline", "summary": "Success"},
            outcome("a.rs:1:2: replace + with - in f", "MissedMutant"),
            outcome("a.rs:9:2: replace + with - in f", "MissedMutant"),
            outcome("a.rs:3:2: replace f with ()", "CaughtMutant"),
            outcome("b.rs:3:2: replace | with & in g", "Timeout"),
        ]});
        let fates = fates(&outcomes).unwrap();
        let change = "replace + with - in f".to_owned();
        assert_eq!(survivors(&fates), [("a.rs".to_owned(), change, 2)]);
        assert_eq!(count(&fates, Fate::Caught), 1);
        assert_eq!(count(&fates, Fate::Timeout), 1);
    }

    #[test]
    fn an_outcome_that_is_not_known_is_no_success() {
        let outcomes = json!({"outcomes": [outcome("a.rs:1:2: replace f with ()", "Splendid")]});
        assert!(fates(&outcomes).is_err());
        assert!(fates(&json!({})).is_err());
    }

    #[test]
    fn a_row_without_a_reason_excuses_nothing() {
        let page = "| file | change | times | why it lives |\n| --- | --- | --- | --- |\n\
                    | `a.rs` | `replace \\| with ^ in f` | 2 | no bit is in both |\n\
                    | `a.rs` | `replace f with ()` | 1 | |\n";
        let key = ("a.rs".to_owned(), "replace | with ^ in f".to_owned());
        assert_eq!(listed(page), BTreeMap::from([(key, 2)]));
    }
}
