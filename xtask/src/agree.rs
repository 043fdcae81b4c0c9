//! `cargo xtask agree`: two verifiers that share no code reach the same verdict.
//!
//! `verify.py` was written from `docs/spec` alone, and so was `indelible-proof`. Compared are the exit code and the five texts,
//! which name the place: on every receipt, proof, export and fork proof of the vectors, alone or beside walk files, trust files and
//! memories, whose expectations `verify.py` is held to elsewhere; on thousands of damaged files that `vectors/mutate.py` makes from a seed; for some of these, on what the
//! built program prints; and on the files of the fuzz corpora ([`corpus`]), where single forms are compared too ([`forms`]). Where what stands beside can't be taken both must
//! say so: exit code 2, and no verdict.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use indelible_proof::memory::Memory;
use indelible_proof::pin::Pin;
use indelible_proof::trust::{Freshness, Trust};
use indelible_proof::verdict::AXES;
use indelible_proof::verify::{
    ExportVerifier, Known, Report, WalkFile, verify_batch_receipt, verify_fork, verify_proof,
    verify_receipt,
};
use serde_json::{Value, json};

use crate::program::{self, Scratch};
use crate::tally::Tally;
use crate::vectors::{self, input, named};
use crate::workspace::Workspace;

mod corpus;
mod forms;

/// Each about a millisecond in Python and less here.
const COUNT: u64 = 4_000;

/// The same every time, so that a change and not chance is what fails. Other seeds are tried by hand.
const SEED: u64 = 1;

/// Damaged files that are also given to the built program, which has to be started for each.
const PROGRAM_RUNS: usize = 50;

/// Differences that are printed; the first ones tell.
const PRINTED_MAX: usize = 5;

/// What a file is to be taken for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Receipt,
    BatchReceipt,
    Proof,
    Export,
    /// Two notes; the evidence is the one.
    Fork,
    /// No evidence, but something that is read: one of [`forms`].
    Form(&'static str),
}

impl Kind {
    const ALL: [Kind; 5] = [
        Kind::Receipt,
        Kind::BatchReceipt,
        Kind::Proof,
        Kind::Export,
        Kind::Fork,
    ];

    /// The vector file, and the kind that an index names.
    fn name(self) -> &'static str {
        match self {
            Kind::Receipt => "receipt",
            Kind::BatchReceipt => "batch_receipt",
            Kind::Proof => "prove",
            Kind::Export => "export",
            Kind::Fork => "fork",
            Kind::Form(name) => name,
        }
    }

    /// Of an entry of an index.
    fn of_entry(entry: &Value) -> Result<Kind> {
        let name = entry["kind"].as_str().context("kind")?;
        let mut all = Kind::ALL.into_iter();
        let kind = all.find(|kind| kind.name() == name);
        kind.or_else(|| forms::named(name).map(Kind::Form))
            .with_context(|| format!("no kind {name}"))
    }

    /// Of a case that names its kind as the member that holds the input.
    fn of(case: &Value) -> Result<Kind> {
        let name = case["kind"].as_str().context("kind")?;
        let mut all = Kind::ALL.into_iter();
        all.find(|kind| kind.member() == name).context("kind")
    }

    /// Are there cases of it beside walk files?
    fn has_walks(self) -> bool {
        matches!(self, Kind::Receipt | Kind::Export)
    }

    /// The member of a case that holds the input.
    fn member(self) -> &'static str {
        match self {
            Kind::Proof => "proof",
            Kind::Fork => "one",
            other => other.name(),
        }
    }
}

/// What is given to a verifier.
#[derive(Clone)]
struct Evidence {
    name: String,
    kind: Kind,
    bytes: Vec<u8>,
    pin: Option<String>,
    record: Option<Vec<u8>>,
    walk: Option<Vec<u8>>,
    trust: Option<Vec<u8>>,
    memory: Option<Vec<u8>>,
    /// Of a fork proof.
    other: Option<Vec<u8>>,
    proof: Option<Vec<u8>>,
    freshness: Freshness,
}

/// What is compared.
struct Options {
    seed: u64,
    count: u64,
    /// Only the corpora.
    corpus: bool,
    /// Of these targets, if any are named.
    targets: Vec<String>,
    /// All files of the corpora.
    all: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Options> {
        let mut options = Options {
            seed: SEED,
            count: COUNT,
            corpus: false,
            targets: Vec::new(),
            all: false,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut number = || {
                let number = rest.next().and_then(|number| number.parse().ok());
                number.with_context(|| format!("{name} takes a number"))
            };
            match name.as_str() {
                "--seed" => options.seed = number()?,
                "--count" => options.count = number()?,
                "--corpus" => options.corpus = true,
                "--all" => options.all = true,
                target if options.corpus => options.targets.push(target.to_owned()),
                _ => bail!("--seed and --count, each with a number, or --corpus [--all] [TARGET…]"),
            }
        }
        ensure!(options.corpus || !options.all, "--all is for --corpus");
        Ok(options)
    }
}

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    let options = Options::parse(arguments)?;
    let has_python = program::works(workspace.command("python3").arg("--version"));
    let skipped = || Tally::skipped("agreement on damaged files: there is no python3");
    if options.corpus {
        return match has_python {
            true => corpus::run(workspace, &options.targets, options.all),
            false => Ok(skipped()),
        };
    }
    let mut tally = vectors(workspace)?;
    if !has_python {
        tally.add(skipped());
        return Ok(tally);
    }
    let scratch = Scratch::new()?;
    let mutants = mutants(workspace, scratch.path(), &options)?;
    tally.add(compare(
        &format!("{} damaged files of seed {}", mutants.len(), options.seed),
        &mutants,
        ours,
    )?);
    tally.add(built_program(workspace, scratch.path(), &mutants)?);
    Ok(tally)
}

/// Counts as one check, and prints the first differences.
fn compare(
    what: &str,
    expected: &[(Evidence, Value)],
    judge: impl Fn(&Evidence) -> Result<Value>,
) -> Result<Tally> {
    let mut different = 0_usize;
    for (evidence, expected) in expected {
        let verdict = judge(evidence)?;
        let wrong = ["exit", "form", "raised"]
            .iter()
            .chain(&AXES)
            .filter(|name| verdict[**name] != expected[**name]);
        let wrong: Vec<&&str> = wrong.collect();
        different = different.saturating_add(usize::from(!wrong.is_empty()));
        for name in wrong.into_iter().filter(|_| different <= PRINTED_MAX) {
            println!(
                "    {}: {name}: {} here, {} expected",
                evidence.name, verdict[*name], expected[*name]
            );
        }
    }
    println!(
        "{} {what}: {different} different",
        if different == 0 { "agree: " } else { "DIFFER:" }
    );
    ensure!(!expected.is_empty(), "nothing to compare: {what}");
    Ok(Tally::one(different == 0))
}

/// What both verifiers say where something beside the evidence can't be taken: nothing is judged.
fn usage_error() -> Value {
    json!({"exit": 2})
}

/// The verdict of `indelible-proof`, as `verify.py --json` writes its own.
fn ours(evidence: &Evidence) -> Result<Value> {
    if let Kind::Form(name) = evidence.kind {
        return Ok(json!({"form": forms::read(name, &evidence.bytes)}));
    }
    let Ok(walk) = evidence.walk.as_deref().map(WalkFile::read).transpose() else {
        return Ok(usage_error());
    };
    let Ok(trust) = evidence.trust.as_deref().map(Trust::parse).transpose() else {
        return Ok(usage_error());
    };
    let Ok(memory) = evidence.memory.as_deref().map(Memory::parse).transpose() else {
        return Ok(usage_error());
    };
    let pin = evidence.pin.as_ref().filter(|_| trust.is_none());
    let pin = pin.map(|line| Pin::parse(line.as_bytes())).transpose()?;
    let known = Known {
        pin: trust.as_ref().map(|trust| &trust.pin).or(pin.as_ref()),
        walk: walk.as_ref(),
    };
    let mut report = report(evidence, known, memory.as_ref());
    if let Some(trust) = trust {
        trust.judge(&mut report, evidence.freshness);
    }
    if let Some(memory) = memory {
        memory.judge(&mut report, evidence.kind == Kind::Export);
    }
    let verdict = report.verdict;
    Ok(json!({
        "exit": verdict.exit_code(),
        "integrity": verdict.integrity.to_string(),
        "authenticity": verdict.authenticity.to_string(),
        "consistency": verdict.consistency.to_string(),
        "witnesses": verdict.witnesses.to_string(),
        "completeness": verdict.completeness.to_string(),
    }))
}

fn report(evidence: &Evidence, known: Known<'_>, memory: Option<&Memory>) -> Report {
    let (bytes, record) = (&evidence.bytes[..], evidence.record.as_deref());
    match evidence.kind {
        Kind::Receipt => verify_receipt(bytes, known, record),
        Kind::BatchReceipt => verify_batch_receipt(bytes, known, record),
        // A form never comes here: it has no verdict.
        Kind::Proof | Kind::Form(_) => verify_proof(bytes, known),
        Kind::Fork => {
            let other = evidence.other.as_deref().unwrap_or_default();
            verify_fork(bytes, other, evidence.proof.as_deref(), known)
        }
        Kind::Export => {
            let mut verifier = ExportVerifier::new(known);
            if let Some(head) = memory
                .zip(known.pin)
                .and_then(|(m, pin)| m.head(pin.origin()))
            {
                verifier = verifier.watching(head.size);
            }
            verifier.feed(bytes);
            verifier.finish()
        }
    }
}

fn vectors(workspace: &Workspace) -> Result<Tally> {
    let mut tally = Tally::default();
    let read = |name: &str| vectors::read(workspace, name);
    let walk = read("walk")?;
    for kind in Kind::ALL {
        let name = kind.name();
        let expected = listed(&read(name)?["cases"], kind, &Value::Null)?;
        tally.add(compare(
            &format!("{} {name}s of the vectors", expected.len()),
            &expected,
            ours,
        )?);
        if !kind.has_walks() {
            continue;
        }
        let expected = listed(&walk[format!("{name}s")], kind, &walk["walks"])?;
        tally.add(compare(
            &format!(
                "{} {name}s beside walk files of the vectors",
                expected.len()
            ),
            &expected,
            ours,
        )?);
    }
    for name in ["memory", "trust"] {
        let expected = shown(&read(name)?["cases"])?;
        let what = format!("{} files beside those of {name}.json", expected.len());
        tally.add(compare(&what, &expected, ours)?);
    }
    Ok(tally)
}

/// Cases that name their kind, with what is expected.
fn shown(cases: &Value) -> Result<Vec<(Evidence, Value)>> {
    let all = cases.as_array().context("no cases")?;
    let read = |case: &Value| {
        if !case["refuse"].is_null() {
            let memory_or_trust = ["memory", "trust"].into_iter();
            let given = memory_or_trust.map(|name| (name, input(all, case, name).ok()));
            let mut evidence = Evidence::of(case, Kind::Receipt, Vec::new());
            for (name, bytes) in given {
                match name {
                    "memory" => evidence.memory = bytes,
                    _ => evidence.trust = bytes,
                }
            }
            return Ok((evidence, usage_error()));
        }
        let bytes = case["evidence"].as_str().context("evidence")?;
        let evidence = Evidence::of(case, Kind::of(case)?, bytes.as_bytes().to_vec());
        Ok((evidence, case["expect"].clone()))
    };
    all.iter().map(read).collect()
}

impl Evidence {
    /// A case and what it shows; what stands beside it is there as text.
    fn of(case: &Value, kind: Kind, bytes: Vec<u8>) -> Evidence {
        let beside = |name: &str| case[name].as_str().map(|text| text.as_bytes().to_vec());
        Evidence {
            name: case["name"].as_str().unwrap_or_default().to_owned(),
            kind,
            bytes,
            pin: case["pin"].as_str().map(str::to_owned),
            record: beside("record"),
            walk: beside("walk"),
            trust: beside("trust"),
            memory: beside("memory"),
            other: beside("other"),
            proof: beside("proof"),
            freshness: Freshness {
                now: case["now"].as_u64(),
                age_max: case["max_age"].as_u64(),
            },
        }
    }
}

/// The receipts or exports of a list of cases, with what is expected. `walks` are the cases of the walk files they name.
fn listed(cases: &Value, kind: Kind, walks: &Value) -> Result<Vec<(Evidence, Value)>> {
    let cases = cases.as_array().context("no cases")?;
    let read = |case: &Value| {
        let mut evidence = Evidence::of(case, kind, input(cases, case, kind.member())?);
        if let (Some(walk), Some(walks)) = (case["walk"].as_str(), walks.as_array()) {
            evidence.walk = Some(input(walks, named(walks, walk)?, "walk")?);
        }
        Ok((evidence, case["expect"].clone()))
    };
    cases.iter().map(read).collect()
}

/// Damaged files with the verdict of `verify.py` on each.
fn mutants(
    workspace: &Workspace,
    folder: &Path,
    options: &Options,
) -> Result<Vec<(Evidence, Value)>> {
    let mut python = workspace.command("python3");
    let (seed, count) = (options.seed.to_string(), options.count.to_string());
    python
        .args(["vectors/mutate.py", &seed, &count])
        .arg(folder);
    ensure!(program::passes(&mut python)?, "vectors/mutate.py");
    indexed(workspace, folder)
}

/// The files of an index with what `verify.py` says of each.
fn indexed(workspace: &Workspace, folder: &Path) -> Result<Vec<(Evidence, Value)>> {
    let mut python = workspace.command("python3");
    python.arg("vectors/verdicts.py").arg(folder);
    ensure!(program::passes(&mut python)?, "vectors/verdicts.py");
    let lines = |name: &str| -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(folder.join(name)).with_context(|| name.to_owned())?;
        Ok(text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?)
    };
    let (index, verdicts) = (lines("index.jsonl")?, lines("verdicts.jsonl")?);
    ensure!(
        index.len() == verdicts.len(),
        "{} files, {} verdicts",
        index.len(),
        verdicts.len()
    );
    let file = |entry: &Value, member: &str| {
        entry[member]
            .as_str()
            .map(|name| std::fs::read(folder.join(name)))
            .transpose()
    };
    let mut judged = Vec::new();
    for (entry, verdict) in index.iter().zip(verdicts) {
        let name = entry["file"].as_str().context("a file's name")?;
        let evidence = Evidence {
            name: name.to_owned(),
            kind: Kind::of_entry(entry)?,
            bytes: file(entry, "file")?.context("a file")?,
            pin: entry["pin"].as_str().map(str::to_owned),
            record: file(entry, "record")?,
            walk: file(entry, "walk")?,
            trust: file(entry, "trust")?,
            memory: file(entry, "memory")?,
            other: file(entry, "other")?,
            proof: file(entry, "proof")?,
            freshness: Freshness::default(),
        };
        judged.push((evidence, verdict));
    }
    Ok(judged)
}

/// What `indelible verify` prints for some of them, as a person would ask it.
fn built_program(
    workspace: &Workspace,
    folder: &Path,
    mutants: &[(Evidence, Value)],
) -> Result<Tally> {
    let indelible = workspace.built_program()?.join("indelible");
    if !program::output(program::command(&indelible.to_string_lossy()).arg("--help"))?
        .contains("verify")
    {
        return Ok(Tally::skipped(
            "agreement of the built program: it has no verify command",
        ));
    }
    let step = mutants.len().div_ceil(PROGRAM_RUNS).max(1);
    // What is judged under a trust file depends on the program's clock.
    let timeless = mutants.iter().filter(|(one, _)| one.trust.is_none());
    let chosen: Vec<(Evidence, Value)> = timeless.step_by(step).cloned().collect();
    let what = format!("{} of them, judged by the built program", chosen.len());
    compare(&what, &chosen, |evidence| {
        printed(&indelible, folder, evidence)
    })
}

/// The verdict that the program prints, with the status it ends with.
fn printed(indelible: &Path, folder: &Path, evidence: &Evidence) -> Result<Value> {
    let mut command = program::command(&indelible.to_string_lossy());
    command.current_dir(folder).env_remove("INDELIBLE_PIN");
    command.args(["verify", "--json"]);
    command.args(match evidence.kind {
        Kind::Export => ["--export"].as_slice(),
        Kind::Proof | Kind::Form(_) => &["--proof"],
        Kind::Receipt | Kind::BatchReceipt => &["--receipt"],
        Kind::Fork => &["--fork", "other"],
    });
    command.arg(&evidence.name);
    if let Some(pin) = &evidence.pin {
        command.args(["--pin", pin]);
    }
    for (option, name, bytes) in [
        (Some("--record"), "record", &evidence.record),
        (Some("--walk"), "walk", &evidence.walk),
        (Some("--remember"), "memory", &evidence.memory),
        (Some("--proof"), "proof", &evidence.proof),
        (None, "other", &evidence.other),
    ] {
        let Some(bytes) = bytes else { continue };
        std::fs::write(folder.join(name), bytes)?;
        command.args(option.map(|option| [option, name]).iter().flatten());
    }
    let output = command.output().context("indelible verify")?;
    if output.status.code() == Some(2) {
        return Ok(usage_error());
    }
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "{}: {}",
            evidence.name,
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    ensure!(
        report["exit"] == json!(output.status.code()),
        "{}: ends with another status than it prints",
        evidence.name
    );
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_on_any_axis_is_a_failure() {
        let evidence = Evidence::of(&json!({"name": "x"}), Kind::Receipt, b"no receipt".to_vec());
        let verdict = ours(&evidence).unwrap();
        assert_eq!(
            (&verdict["exit"], &verdict["integrity"]),
            (&json!(1), &json!("malformed(line 1)"))
        );
        for name in ["exit"].iter().chain(&AXES) {
            let mut other = verdict.clone();
            other[*name] = json!("something else");
            let tally = compare("x", &[(evidence.clone(), other)], ours).unwrap();
            assert_eq!((tally.passed, tally.failed), (0, 1), "{name}");
        }
        assert_eq!(
            compare("x", &[(evidence, verdict)], ours).unwrap().passed,
            1
        );
        assert!(
            compare("x", &[], ours).is_err(),
            "nothing compared is no agreement"
        );
    }
}
