//! Shows a record with its neighbours: what is hashed, and what names the hash.

use super::sample::SHOWN_SEQ;
use super::stage::{Stage, is_there};
use crate::exit::Exit;
use crate::say::Failure;
use crate::show;
use indelible_proof::head::Head;
use indelible_proof::record::Record;

/// Characters of a line that is only looked at.
const WIDTH: usize = 64;

/// Programs that hash as typed here; the second is macOS's.
const SUMS: [&str; 2] = ["sha256sum", "shasum -a 256"];

/// The record, and the hashes that tie it to the one before and the one after: by the system's own tools, so that it isn't our word.
pub fn show(stage: &mut Stage) -> Result<(), Failure> {
    let seq = SHOWN_SEQ;
    let get =
        format!("indelible get --log cloudtrail --seq {seq} > {seq}.record && cat {seq}.record");
    let line = stage.run(&get, Exit::Done)?.text;
    let shown = Parts::of(&line)?;
    let head = Head::parse(shown.head.as_bytes()).map_err(|_| not_a_record())?;
    show_record(stage, &head, shown.event)?;
    let name = |sum: &&str| sum.split(' ').next().is_some_and(is_there);
    let Some(sum) = SUMS.into_iter().find(name) else {
        return stage.say("(The chain is not checked by hand: sha256sum is missing.)");
    };
    stage.say(&format!("Check the chain with {sum}:"))?;
    let before = seq - 1;
    let head_before = format!(
        r#"indelible get --log cloudtrail --seq {before} --heads | sed 's/^{{"head"://; s/}}$//' | tr -d '\n' | {sum}"#
    );
    hashed(
        stage,
        &head_before,
        &head.prev.to_string(),
        "this head's prev",
    )?;
    let content = format!(
        r#"sed 's/.*,"salt":"\([0-9a-f]*\)","event":\(.*\)}}$/\1\2/' {seq}.record | tr -d '\n' | {sum}"#
    );
    hashed(
        stage,
        &content,
        &head.digest.to_string(),
        "this head's digest",
    )?;
    let after = seq + 1;
    let prev_after = format!(
        r#"indelible get --log cloudtrail --seq {after} --heads | grep -o '"prev":"[0-9a-f]*"' | cut -d'"' -f4"#
    );
    let prev_after = stage.run(&prev_after, Exit::Done)?.text;
    stage.show(&format!("{}…", prev_after.get(..12).unwrap_or_default()))?;
    let head =
        format!(r#"sed 's/^{{"head":\({{[^}}]*}}\).*/\1/' {seq}.record | tr -d '\n' | {sum}"#);
    hashed(stage, &head, prev_after.trim(), "the next head's prev")
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

/// Runs what hashes something, and says whether the result is what something else names.
fn hashed(stage: &mut Stage, line: &str, named: &str, by: &str) -> Result<(), Failure> {
    let sum = stage.run(line, Exit::Done)?.text;
    let computed = sum.get(..64).unwrap_or_default();
    let same = if computed == named { "=" } else { "IS NOT" };
    let short = |digest: &str| format!("{}…", digest.get(..12).unwrap_or_default());
    stage.show(&format!(
        "{}  {same} {by} {}",
        short(computed),
        short(named)
    ))
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

/// Head and event of a record line.
struct Parts<'a> {
    head: &'a str,
    event: &'a str,
}

impl Parts<'_> {
    fn of(line: &str) -> Result<Parts<'_>, Failure> {
        let cut = || {
            let record = Record::cut(line.trim_end().as_bytes())?;
            let text = |bytes| std::str::from_utf8(bytes).ok();
            Some(Parts {
                head: text(record.head)?,
                event: text(record.content?.event)?,
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
