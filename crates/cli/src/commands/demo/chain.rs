//! Shows a record with its neighbours: what is hashed, and what names the hash.

use super::sample::SHOWN_SEQ;
use super::stage::{Stage, run};
use crate::exit::Exit;
use crate::say::Failure;
use crate::show;
use indelible_proof::hash;
use indelible_proof::head::Head;
use indelible_proof::record::Record;
use std::process::Command;

/// Characters of a line that is only looked at.
const WIDTH: usize = 64;

/// The record, and the hashes that tie it to the one before and the one after.
pub fn show(stage: &mut Stage) -> Result<(), Failure> {
    let seq = SHOWN_SEQ.to_string();
    let line = stage
        .indelible(&["get", "--log", "cloudtrail", "--seq", &seq], Exit::Done)?
        .text;
    let next = stage
        .quietly(
            &[
                "get",
                "--log",
                "cloudtrail",
                "--seq",
                &(SHOWN_SEQ + 1).to_string(),
            ],
            Exit::Done,
        )?
        .text;
    let before = stage
        .quietly(
            &[
                "get",
                "--log",
                "cloudtrail",
                "--seq",
                &(SHOWN_SEQ - 1).to_string(),
            ],
            Exit::Done,
        )?
        .text;
    let (shown, next, before) = (Parts::of(&line)?, Parts::of(&next)?, Parts::of(&before)?);
    let head = Head::parse(shown.head.as_bytes()).map_err(|_| not_a_record())?;
    let next_head = Head::parse(next.head.as_bytes()).map_err(|_| not_a_record())?;
    stage.show(&format!(
        "head   seq {}, {}, by {}",
        head.seq, head.time, head.shared.by
    ))?;
    stage.show(&format!(
        "       prev {}  digest {}",
        show::short(&head.prev),
        show::short(&head.digest)
    ))?;
    stage.show(&format!(
        "event  {} … {}",
        member(shown.event, "userName"),
        member(shown.event, "eventName")
    ))?;
    stage.say("Check the chain with sha256sum:")?;
    for (what, text, named, by) in [
        (
            "\"$HEAD_BEFORE\"",
            before.head.to_owned(),
            head.prev,
            "this head's prev",
        ),
        (
            "\"$SALT$EVENT\"",
            format!("{}{}", shown.salt, shown.event),
            head.digest,
            "this head's digest",
        ),
        (
            "\"$HEAD\"",
            shown.head.to_owned(),
            next_head.prev,
            "the next head's prev",
        ),
    ] {
        stage.typed(&format!("printf %s {what} | sha256sum"))?;
        let computed = sha256sum(&text);
        let same = if computed == named.to_string() {
            "="
        } else {
            "IS NOT"
        };
        stage.show(&format!(
            "{}…  {same} {by} {}",
            computed.get(..12).unwrap_or_default(),
            show::short(&named)
        ))?;
    }
    Ok(())
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
