//! Our vectors, judged by others: what they answer is what we expect, or the table of differences says why not.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use indelible_proof::key::VerifierKey;
use indelible_proof::note::Note;
use indelible_proof::pin::Pin;
use serde_json::{Value, json};

use super::build::Programs;
use super::differences::{self, Difference};
use super::judge::{ask, bytes};
use crate::tally::Tally;
use crate::vectors::input;
use crate::workspace::Workspace;

/// A question, its name, and our answer.
struct Question {
    case: String,
    asked: Value,
    here: String,
}

pub fn run(workspace: &Workspace, programs: &Programs) -> Result<Tally> {
    let file = |name: &str| -> Result<Value> {
        let text = workspace.read(&format!("vectors/{name}.json"))?;
        serde_json::from_str(&text).with_context(|| name.to_owned())
    };
    let (note, keys, tree, tile) = (file("note")?, file("keys")?, file("tree")?, file("tile")?);
    let (sumdb, torchwood) = (&programs.sumdb, &programs.torchwood);
    let (mut found, mut subjects) = (Vec::new(), Vec::new());
    let mut tally = Tally::default();
    let mut compare = |what, program: &Path, questions: Vec<Question>| -> Result<()> {
        tally.add(compare(what, program, &questions, &mut found)?);
        subjects.push(what);
        Ok(())
    };
    compare("note", sumdb, notes(&note)?)?;
    compare("checkpoint", torchwood, checkpoints(&note)?)?;
    compare("vkey", sumdb, vkeys(&keys)?)?;
    compare("inclusion", sumdb, inclusions(&tree)?)?;
    compare("consistency", sumdb, consistencies(&tree)?)?;
    compare("path", sumdb, paths(&tile)?)?;
    compare("path", torchwood, paths(&tile)?)?;
    compare("bundle", torchwood, bundles(&tile)?)?;
    compare("receipt", torchwood, receipts(&file("receipt")?)?)?;
    if workspace.has("vectors/policy.json") {
        compare("policy", torchwood, policies(&file("policy")?)?)?;
    }
    tally.add(differences::check(workspace, &subjects, &found)?);
    Ok(tally)
}

/// Asks, and remembers where the answers differ. Nothing asked, or nothing agreed on, is a failure.
fn compare(
    what: &'static str,
    program: &Path,
    questions: &[Question],
    found: &mut Vec<Difference>,
) -> Result<Tally> {
    let asked: Vec<Value> = questions
        .iter()
        .map(|question| question.asked.clone())
        .collect();
    let answers = ask(program, &asked)?;
    let mut different = 0_usize;
    for (question, there) in questions.iter().zip(answers) {
        if question.here != there {
            different = different.saturating_add(1);
            found.push(Difference {
                what,
                case: question.case.clone(),
                here: question.here.clone(),
                there,
            });
        }
    }
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let same = questions.len().saturating_sub(different);
    Ok(super::held(
        &format!("{name} answers as we do on {what}: {same} cases, otherwise on {different}"),
        same > 0,
    ))
}

fn list<'v>(file: &'v Value, name: &str) -> Result<&'v Vec<Value>> {
    let list = file[name].as_array().with_context(|| name.to_owned())?;
    ensure!(!list.is_empty(), "no {name}");
    Ok(list)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn notes(file: &Value) -> Result<Vec<Question>> {
    let cases = list(file, "cases")?;
    let question = |case: &Value| {
        let here = match text(&case["expect"]["parse"]) {
            "ok" => text(&case["expect"]["verify"]),
            _ => "malformed",
        };
        let note = input(cases, case, "note")?;
        Ok(Question {
            case: text(&case["name"]).to_owned(),
            asked: json!({"kind": "note", "note": bytes(&note), "vkey": case["vkey"]}),
            here: here.to_owned(),
        })
    };
    cases.iter().map(question).collect()
}

/// The texts of all notes that have a good form.
fn checkpoints(file: &Value) -> Result<Vec<Question>> {
    let cases = list(file, "cases")?;
    let mut questions = Vec::new();
    for case in cases.iter().filter(|case| case["expect"]["parse"] == "ok") {
        let note = input(cases, case, "note")?;
        let note = Note::parse(&note).with_context(|| case["name"].to_string())?;
        let expect = &case["expect"]["checkpoint"];
        let here = match expect.is_object() {
            true => format!(
                "{} {} {} \"\"",
                text(&expect["origin"]),
                expect["size"],
                text(&expect["root"])
            ),
            false => "malformed".to_owned(),
        };
        questions.push(Question {
            case: text(&case["name"]).to_owned(),
            asked: json!({"kind": "checkpoint", "text": bytes(note.text.as_bytes())}),
            here,
        });
    }
    Ok(questions)
}

fn vkeys(file: &Value) -> Result<Vec<Question>> {
    let question = |case: &Value| Question {
        case: text(&case["name"]).to_owned(),
        asked: json!({"kind": "vkey", "vkey": case["vkey"]}),
        here: word(case["expect"] != "refused"),
    };
    Ok(list(file, "vkeys")?.iter().map(question).collect())
}

fn word(good: bool) -> String {
    if good { "ok" } else { "refused" }.to_owned()
}

fn inclusions(file: &Value) -> Result<Vec<Question>> {
    let root = |size: &Value| root_of(file, size);
    let mut questions = Vec::new();
    for case in list(file, "inclusion")? {
        questions.push(Question {
            case: format!("{} in {}", case["index"], case["size"]),
            asked: json!({"kind": "inclusion", "index": case["index"], "size": case["size"], "leaf": leaf_of(&entry(&case["index"])), "root": root(&case["size"])?, "proof": case["proof"]}),
            here: word(true),
        });
    }
    for case in list(file, "invalid_inclusion")? {
        questions.push(Question {
            case: text(&case["name"]).to_owned(),
            asked: json!({"kind": "inclusion", "index": case["index"], "size": case["size"], "leaf": leaf_of(text(&case["entry"])), "root": case["root"], "proof": case["proof"]}),
            here: word(false),
        });
    }
    Ok(questions)
}

fn consistencies(file: &Value) -> Result<Vec<Question>> {
    let root = |size: &Value| root_of(file, size);
    let mut questions = Vec::new();
    for case in list(file, "consistency")? {
        questions.push(Question {
            case: format!("{} to {}", case["old"], case["new"]),
            asked: json!({"kind": "consistency", "old": case["old"], "size": case["new"], "from": root(&case["old"])?, "root": root(&case["new"])?, "proof": case["proof"]}),
            here: word(true),
        });
    }
    for case in list(file, "invalid_consistency")? {
        questions.push(Question {
            case: text(&case["name"]).to_owned(),
            asked: json!({"kind": "consistency", "old": case["old"], "size": case["new"], "from": case["old_root"], "root": case["new_root"], "proof": case["proof"]}),
            here: word(false),
        });
    }
    Ok(questions)
}

/// Entry *i* of the vectors' tree, in hex.
fn entry(index: &Value) -> String {
    indelible_proof::hash::sha256(index.to_string().as_bytes()).to_string()
}

fn leaf_of(entry: &str) -> String {
    let entry = indelible_proof::hash::Hash::from_hex(entry.as_bytes()).unwrap_or_default();
    indelible_proof::hash::leaf(&entry).to_string()
}

fn root_of<'v>(file: &'v Value, size: &Value) -> Result<&'v str> {
    let case = list(file, "roots")?
        .iter()
        .find(|case| case["size"] == *size);
    Ok(text(
        &case.with_context(|| format!("no root of {size}"))?["root"],
    ))
}

/// Go counts level −1 for entries and gives every path the height 8.
fn paths(file: &Value) -> Result<Vec<Question>> {
    let question = |case: &Value| {
        let expect = &case["expect"];
        let level = expect["level"].as_i64().unwrap_or(-1);
        Question {
            case: text(if case["name"].is_string() {
                &case["name"]
            } else {
                &case["path"]
            })
            .to_owned(),
            asked: json!({"kind": "path", "path": case["path"]}),
            here: match expect.is_object() {
                true => format!("{level} {} {}", expect["index"], expect["width"]),
                false => "invalid".to_owned(),
            },
        }
    };
    Ok(list(file, "paths")?.iter().map(question).collect())
}

fn bundles(file: &Value) -> Result<Vec<Question>> {
    let question = |case: &Value| {
        let entries: Option<Vec<&str>> = case["expect"]
            .as_array()
            .map(|entries| entries.iter().map(text).collect());
        Question {
            case: text(&case["name"]).to_owned(),
            asked: json!({"kind": "bundle", "bundle": case["bundle_b64"]}),
            here: entries.map_or("refused".to_owned(), |entries| entries.join(" ")),
        }
    };
    Ok(list(file, "readings")?.iter().map(question).collect())
}

/// A tlog-proof shows that a log whose key is known committed to the head. What we look at beyond that, the head's own fields and a
/// record beside it, is not theirs to judge.
fn receipts(file: &Value) -> Result<Vec<Question>> {
    let cases = list(file, "cases")?;
    let mut questions = Vec::new();
    for case in cases.iter().filter(|case| case["pin"].is_string()) {
        let pin = Pin::parse(text(&case["pin"]).as_bytes())?;
        let receipt = input(cases, case, "receipt")?;
        let (integrity, authenticity) = (
            text(&case["expect"]["integrity"]),
            text(&case["expect"]["authenticity"]),
        );
        let beyond = [
            "ok",
            "log fault",
            "event altered",
            "head altered",
            "malformed(record)",
        ];
        let proven = beyond.iter().any(|begin| integrity.starts_with(begin));
        questions.push(Question {
            case: text(&case["name"]).to_owned(),
            asked: json!({"kind": "receipt", "receipt": bytes(&receipt), "policy": bytes(policy(pin.key()).as_bytes())}),
            here: word(proven && authenticity.starts_with("ok")),
        });
    }
    Ok(questions)
}

/// Which sets of witnesses meet a policy, the log having signed: `{0} {0+2} {1+2}`, as numbers of their lines.
fn policies(file: &Value) -> Result<Vec<Question>> {
    let cases = list(file, "cases")?;
    let mut questions = Vec::new();
    for case in cases {
        let policy = input(cases, case, "policy")?;
        let text = String::from_utf8_lossy(&policy);
        let vkeys = |keyword: &str, place: usize| -> Vec<String> {
            let words = text
                .lines()
                .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
            let of = words.filter(|words| words.first() == Some(&keyword));
            of.filter_map(|words| words.get(place).map(|vkey| (*vkey).to_owned()))
                .collect()
        };
        let is_good = case["expect"]["refuse"].is_null();
        let (log, witnesses) = match is_good {
            true => (vkeys("log", 1), vkeys("witness", 2)),
            false => (Vec::new(), Vec::new()),
        };
        questions.push(Question {
            case: self::text(&case["name"]).to_owned(),
            asked: json!({"kind": "policy", "policy": bytes(&policy), "log": log.first(), "witnesses": witnesses}),
            here: met(&case["expect"], witnesses.len())?,
        });
    }
    Ok(questions)
}

/// Sets in the order of the binary numbers that their members are the digits of. A quorum of none is met by every set.
fn met(expect: &Value, witnesses: usize) -> Result<String> {
    if !expect["refuse"].is_null() {
        return Ok(word(false));
    }
    let listed: Vec<Vec<usize>> = serde_json::from_value(expect["met"].clone()).context("met")?;
    let all = 0_usize..1 << witnesses;
    let sets = all.map(|set| {
        (0..witnesses)
            .filter(|at| set >> at & 1 == 1)
            .collect::<Vec<usize>>()
    });
    let met = sets.filter(|set| expect["asks"] == false || listed.contains(set));
    let name = |set: Vec<usize>| {
        let members: Vec<String> = set.iter().map(ToString::to_string).collect();
        format!("{{{}}}", members.join("+"))
    };
    let met: Vec<String> = met.map(name).collect();
    Ok(match met.is_empty() {
        true => "never met".to_owned(),
        false => met.join(" "),
    })
}

/// A log and no witnesses, as a C2SP policy.
pub fn policy(key: &VerifierKey) -> String {
    format!("log {key}\nquorum none\n")
}
