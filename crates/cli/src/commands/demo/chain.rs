//! Shows a record with its neighbours: what is hashed, and what names the hash.

use super::sample::SHOWN_SEQ;
use super::stage::{Stage, run};
use crate::exit::Exit;
use crate::say::Failure;
use crate::show;
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::Head;
use indelible_proof::record::Record;
use std::process::Command;

/// Characters of a line that is only looked at.
const WIDTH: usize = 64;

/// The record, and the hashes that tie it to the one before and the one after.
pub fn show(stage: &mut Stage) -> Result<(), Failure> {
    let get =
        |seq: &u64| ["get", "--log", "cloudtrail", "--seq", &seq.to_string()].map(str::to_owned);
    let line = stage
        .indelible(&borrowed(&get(&SHOWN_SEQ)), Exit::Done)?
        .text;
    let next = stage
        .quietly(&borrowed(&get(&(SHOWN_SEQ + 1))), Exit::Done)?
        .text;
    let before = stage
        .quietly(&borrowed(&get(&(SHOWN_SEQ - 1))), Exit::Done)?
        .text;
    let (shown, next, before) = (Parts::of(&line)?, Parts::of(&next)?, Parts::of(&before)?);
    let head = Head::parse(shown.head.as_bytes()).map_err(|_| not_a_record())?;
    let next_head = Head::parse(next.head.as_bytes()).map_err(|_| not_a_record())?;
    show_record(stage, &head, shown.event)?;
    stage.say("Check the chain with sha256sum:")?;
    let content = format!("{}{}", shown.salt, shown.event);
    hashed(
        stage,
        "\"$HEAD_BEFORE\"",
        before.head,
        &head.prev,
        "this head's prev",
    )?;
    hashed(
        stage,
        "\"$SALT$EVENT\"",
        &content,
        &head.digest,
        "this head's digest",
    )?;
    hashed(
        stage,
        "\"$HEAD\"",
        shown.head,
        &next_head.prev,
        "the next head's prev",
    )
}

fn borrowed(words: &[String; 5]) -> [&str; 5] {
    words.each_ref().map(String::as_str)
}

fn show_record(stage: &mut Stage, head: &Head<'_>, event: &str) -> Result<(), Failure> {
    stage.show(&format!(
        "head   seq {}, {}, by {}",
        head.seq, head.time, head.shared.by
    ))?;
    let (prev, digest) = (show::short(&head.prev), show::short(&head.digest));
    stage.show(&format!("       prev {prev}  digest {digest}"))?;
    let (who, what) = (member(event, "userName"), member(event, "eventName"));
    stage.show(&format!("event  {who} … {what}"))
}

/// What is typed to hash a text, and whether the result is what something else names.
fn hashed(
    stage: &mut Stage,
    what: &str,
    text: &str,
    named: &Hash,
    by: &str,
) -> Result<(), Failure> {
    stage.typed(&format!("printf %s {what} | sha256sum"))?;
    let computed = sha256sum(text);
    let same = if computed == named.to_string() {
        "="
    } else {
        "IS NOT"
    };
    let (computed, named) = (computed.get(..12).unwrap_or_default(), show::short(named));
    stage.show(&format!("{computed}…  {same} {by} {named}"))
}

/// A receipt, its long lines cut and the proof counted.
pub fn receipt_lines(receipt: &str) -> Vec<String> {
    let (proof, note) = receipt.split_once("\n\n").unwrap_or((receipt, ""));
    let mut lines: Vec<String> = proof.lines().take(3).map(cut).collect();
    lines.push(format!(
        "({} hashes: the way to the root)",
        proof.lines().count().saturating_sub(3)
    ));
    lines.extend(note.lines().filter(|line| !line.is_empty()).map(cut));
    lines
}

struct Parts<'a> {
    head: &'a str,
    salt: &'a str,
    event: &'a str,
}

impl Parts<'_> {
    fn of(line: &str) -> Result<Parts<'_>, Failure> {
        let cut = || {
            let record = Record::cut(line.trim_end().as_bytes())?;
            let content = record.content?;
            let text = |bytes| std::str::from_utf8(bytes).ok();
            Some(Parts {
                head: text(record.head)?,
                salt: text(content.salt)?,
                event: text(content.event)?,
            })
        };
        cut().ok_or_else(not_a_record)
    }
}

fn not_a_record() -> Failure {
    Failure::new(
        Exit::Trouble,
        "the demo went wrong: `get` printed no record",
    )
}

/// By the system's own tool where there is one, so that it isn't our word.
fn sha256sum(text: &str) -> String {
    let by_tool = run(Command::new("sh")
        .args(["-c", "printf %s \"$TEXT\" | sha256sum"])
        .env("TEXT", text));
    let computed = by_tool
        .ok()
        .filter(|(ended, _)| ended.code == 0)
        .and_then(|(ended, _)| Some(ended.text.get(..64)?.to_owned()));
    computed.unwrap_or_else(|| hash::sha256(text.as_bytes()).to_string())
}

/// A member of an event as it stands there, its value being a plain string.
fn member<'a>(event: &'a str, name: &str) -> &'a str {
    let beginning = format!("\"{name}\":\"");
    let found = event.find(&beginning).and_then(|at| {
        let end = event.get(at + beginning.len()..)?.find('"')? + 1;
        event.get(at..at + beginning.len() + end)
    });
    found.unwrap_or("…")
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}
