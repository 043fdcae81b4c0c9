//! What must hold of a node whatever happened to it: both verifiers find it whole, every receipt is still valid, nothing that was
//! acknowledged is lost, and nothing that was sent is there twice.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use indelible_proof::hash::entry;
use indelible_proof::pin::Pin;
use indelible_proof::record::Record;
use indelible_proof::verify::{Known, WalkFile, verify_receipt};

use super::node::{HUNG, Node};
use super::python::Python;
use super::step::{Given, Step};

/// What a verdict says of a receipt whose key was replaced since, as `docs/spec/walk.md` has it.
const OF_AN_OLD_KEY: &str = "ok up to its hinge, not tied to it";

/// What somebody outside knows of a node.
#[derive(Clone, Default)]
pub struct Outside {
    /// Every receipt that was handed out.
    pub given: Vec<Given>,
    /// Every event that was sent, acknowledged or not.
    pub sent: Vec<String>,
    /// The pin of the log, from before anything happened. `None`: there was no log yet.
    pub pin: Option<String>,
}

/// What was found at a node, or at many.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Acknowledged events that were looked for.
    pub acknowledged: u64,
    pub lost: u64,
    pub doubled: u64,
    /// How often the store, looked at before its next start, ended with a torn batch; else it was whole.
    pub torn: u64,
    /// How often all that was looked at after that start was whole.
    pub whole: u64,
    /// One line for each thing that is not as it must be.
    pub wrong: Vec<String>,
}

impl Found {
    /// Some program did not end in its time.
    pub fn hung(&self) -> bool {
        self.wrong.iter().any(|wrong| wrong.contains(HUNG))
    }

    pub fn add(&mut self, other: Found) {
        self.acknowledged = self.acknowledged.saturating_add(other.acknowledged);
        self.lost = self.lost.saturating_add(other.lost);
        self.doubled = self.doubled.saturating_add(other.doubled);
        self.torn = self.torn.saturating_add(other.torn);
        self.whole = self.whole.saturating_add(other.whole);
        self.wrong.extend(other.wrong);
    }

    pub fn say(&mut self, wrong: String) {
        self.wrong.push(wrong);
    }
}

/// The record as an export has it.
struct Stored {
    line: Vec<u8>,
    entry: String,
    salt: String,
    event: String,
}

/// Before anybody starts it again: a reader finds nothing altered or missing, though the end may be torn.
pub fn is_not_damaged(node: &Node, found: &mut Found) -> Result<()> {
    let verified = node.run(&["verify"])?;
    // 3: a torn last batch.
    if verified.code == Some(3) {
        found.torn = found.torn.saturating_add(1);
    } else if verified.code != Some(0) {
        let what = verified.lines.join(" | ");
        found.say(format!(
            "verify before the next start: {what} | {}",
            verified.text()
        ));
    }
    Ok(())
}

/// After it ran again: everything holds.
pub fn is_whole(
    node: &Node,
    outside: &Outside,
    python: Option<&mut Python>,
    found: &mut Found,
) -> Result<()> {
    let pin = match &outside.pin {
        Some(pin) => pin.clone(),
        None => pin_of(node, "payments")?,
    };
    let verified = node.run(&["verify"])?;
    if verified.code != Some(0) {
        let what = verified.lines.join(" | ");
        found.say(format!("verify: {what} | {}", verified.text()));
    }
    let exported = node.run(&["export", "--log", "payments", "--out", "payments.export"])?;
    if exported.code != Some(0) {
        found.say(format!("export: {}", exported.text()));
        return Ok(());
    }
    if let Some(python) = python {
        second_verifier(node, &pin, python, found)?;
    }
    records_hold(node, outside, &pin, found)
}

/// `verify.py` on the exports of both logs.
fn second_verifier(node: &Node, pin: &str, python: &mut Python, found: &mut Found) -> Result<()> {
    node.must(&["export", "--log", "_node", "--out", "node.export"])?;
    let node_pin = pin_of(node, "_node")?;
    for (pin, name) in [(pin, "payments.export"), (&node_pin, "node.export")] {
        let verdict = python.verdict(pin, &node.root().join(name))?;
        if verdict["exit"] != 0 {
            found.say(format!("verify.py: {name}: {verdict}"));
        }
    }
    Ok(())
}

pub fn pin_of(node: &Node, log: &str) -> Result<String> {
    let lines = node.must(&["pin", "--log", log])?.lines;
    lines.into_iter().next().context("no pin")
}

/// Every receipt against the record in its place, and how often each event is there.
fn records_hold(node: &Node, outside: &Outside, pin: &str, found: &mut Found) -> Result<()> {
    let export = std::fs::read(node.root().join("payments.export"))?;
    let records = stored(&export);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for record in records.values() {
        let count = counts.entry(&record.event).or_default();
        *count = count.saturating_add(1);
    }
    for sent in &outside.sent {
        match counts.get(sent.as_str()) {
            Some(1) => {}
            Some(_) => {
                found.doubled = found.doubled.saturating_add(1);
                found.say(format!("recorded twice: {}", short(sent)));
            }
            // Its sender sent it again and was told that it is recorded.
            None => found.say(format!("sent again and not there: {}", short(sent))),
        }
    }
    node.must(&["key", "walk", "--log", "payments", "--out", "walk"])?;
    let walk = WalkFile::read(&std::fs::read(node.root().join("walk"))?)
        .map_err(|error| anyhow::anyhow!("walk file: {error}"))?;
    let pin = Pin::parse(pin.as_bytes())?;
    let known = Known {
        pin: Some(&pin),
        walk: Some(&walk),
    };
    let mut of_old_keys = Vec::new();
    for given in &outside.given {
        found.acknowledged = found.acknowledged.saturating_add(1);
        match records.get(&given.seq) {
            Some(record) if is_of(record, given) => {
                let verdict =
                    verify_receipt(given.receipt.as_bytes(), known, Some(&record.line)).verdict;
                match verdict.exit_code() {
                    0 => {}
                    3 if verdict.to_string().contains(OF_AN_OLD_KEY) => {
                        of_old_keys.push((given, record))
                    }
                    _ => found.say(format!("receipt of seq {}: {verdict}", given.seq)),
                }
            }
            _ => {
                found.lost = found.lost.saturating_add(1);
                found.say(format!("lost: seq {}: {}", given.seq, short(&given.event)));
            }
        }
    }
    // Each takes a run of the program: the oldest and the newest of them speak for the rest, whose records were compared above.
    let last = of_old_keys.len().saturating_sub(1);
    for (number, (given, record)) in of_old_keys.into_iter().enumerate() {
        if number == 0 || number == last {
            is_made_anew(node, given, record, known, found)?;
        }
    }
    Ok(())
}

/// A receipt that was signed by a key which has been replaced since is made anew, and is valid then.
fn is_made_anew(
    node: &Node,
    given: &Given,
    record: &Stored,
    known: Known<'_>,
    found: &mut Found,
) -> Result<()> {
    std::fs::write(node.root().join("old-receipt"), &given.receipt)?;
    let ended = node.run(&["receipt", "--refresh", "old-receipt"])?;
    let mut text = ended.lines.join("\n");
    text.push('\n');
    let verdict = verify_receipt(text.as_bytes(), known, Some(&record.line)).verdict;
    if ended.code != Some(0) || verdict.exit_code() != 0 {
        found.say(format!(
            "receipt of seq {} made anew: {verdict} {}",
            given.seq,
            ended.text()
        ));
    }
    Ok(())
}

fn is_of(record: &Stored, given: &Given) -> bool {
    (&record.entry, &record.salt, &record.event) == (&given.entry, &given.salt, &given.event)
}

/// The records of an export, by seq.
fn stored(export: &[u8]) -> BTreeMap<u64, Stored> {
    let lines = export.split(|byte| *byte == b'\n');
    let records = lines.filter_map(|line| {
        let record = Record::cut(line)?;
        let content = record.content?;
        let head: serde_json::Value = serde_json::from_slice(record.head).ok()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stored = Stored {
            line: line.to_vec(),
            entry: entry(record.head).to_string(),
            salt: text(content.salt),
            event: text(content.event),
        };
        Some((head["seq"].as_u64()?, stored))
    });
    records.collect()
}

/// What was sent again was answered with the record it had the first time.
pub fn is_answered_alike(before: &[Given], again: &[Given], found: &mut Found) {
    for given in before {
        let answer = again.iter().find(|answer| answer.event == given.event);
        if answer.is_some_and(|answer| !answer.is_same(given)) {
            found.doubled = found.doubled.saturating_add(1);
            found.say(format!(
                "resent and answered with another record: {}",
                short(&given.event)
            ));
        }
    }
}

/// Takes note of what a run of a step sent and was given.
pub fn note(outside: &mut Outside, step: Step, given: Vec<Given>) {
    for event in step.events() {
        if !outside.sent.contains(&event) {
            outside.sent.push(event);
        }
    }
    for given in given {
        if !outside.given.iter().any(|known| known.is_same(&given)) {
            outside.given.push(given);
        }
    }
}

fn short(event: &str) -> &str {
    event.split(",\"amount\"").next().unwrap_or(event)
}
