//! The page that a whole run writes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Evidence;
use super::fate::Fate;
use super::faults::{Played, Row};
use super::power::Lost;
use super::writes::Writes;
use crate::tally::Tally;

/// What stands on the page whatever a run finds.
const HEAD: &str = include_str!("page-head.txt");
const TAIL: &str = include_str!("page-tail.txt");

impl Played {
    /// All rows in one.
    fn sum(&self, which: impl Fn(Fate) -> bool) -> Row {
        let mut sum = Row::default();
        for (_, row) in self.rows.iter().filter(|(fate, _)| which(**fate)) {
            sum.add(row);
        }
        sum
    }

    /// A check for each case.
    pub fn tally(&self) -> Tally {
        let all = self.sum(|_| true);
        let wrong = u64::try_from(all.found.wrong.len()).unwrap_or(u64::MAX);
        Tally {
            passed: all.points.saturating_sub(wrong),
            failed: wrong,
            skipped: Vec::new(),
        }
    }

    /// For whoever waits.
    pub fn summary(&self) -> String {
        let all = self.sum(|_| true);
        let kills = self.sum(Fate::is_kill);
        format!(
            "{} calls, {} faults, {} kills, {} acknowledged, {} lost, {} doubled, {} not as they must be",
            self.calls,
            all.points.saturating_sub(kills.points),
            kills.points,
            all.found.acknowledged,
            all.found.lost,
            all.found.doubled,
            all.found.wrong.len()
        )
    }
}

impl Lost {
    /// A check for each loss.
    pub fn tally(&self) -> Tally {
        let wrong = u64::try_from(self.found.wrong.len()).unwrap_or(u64::MAX);
        Tally {
            passed: self.losses.saturating_sub(wrong),
            failed: wrong,
            skipped: Vec::new(),
        }
    }

    /// For whoever waits.
    pub fn summary(&self) -> String {
        format!(
            "{} commands, {} disturbed, {} losses, {} acknowledged, {} lost, {} doubled, {} not as they must be",
            self.commands,
            self.disturbed,
            self.losses,
            self.found.acknowledged,
            self.found.lost,
            self.found.doubled,
            self.found.wrong.len()
        )
    }
}

/// The page.
pub fn text(evidence: &Evidence) -> String {
    let mut text = HEAD.to_owned();
    // Writing to a string can't fail.
    write_all(evidence, &mut text).ok();
    text.push_str(TAIL);
    text
}

fn write_all(evidence: &Evidence, text: &mut String) -> std::fmt::Result {
    let seed = evidence.seed;
    let verifiers = if evidence.python {
        "`indelible verify` and `verify.py`"
    } else {
        "`indelible verify` alone (there was no python3)"
    };
    writeln!(
        text,
        "\n## What a run with seed {seed} did\n\nJudged by {verifiers}.\n"
    )?;
    scenes(evidence, text)?;
    fates(evidence, text)?;
    power(&evidence.lost, text)?;
    writes(evidence, text)
}

fn scenes(evidence: &Evidence, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "| scene: the command in which it happens | calls on files | cases done, of all | faults | kills | acknowledged | lost | doubled | torn end before the next start | whole after it |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    for (name, played) in &evidence.played {
        let all = played.sum(|_| true);
        let kills = played.sum(Fate::is_kill).points;
        writeln!(
            text,
            "| {name} | {} | {} of {} | {} | {kills} | {} | {} | {} | {} | {} of {} |",
            played.calls,
            all.points,
            played.cases,
            all.points.saturating_sub(kills),
            all.found.acknowledged,
            all.found.lost,
            all.found.doubled,
            all.found.torn,
            all.found.whole,
            all.points,
        )?;
    }
    Ok(())
}

fn fates(evidence: &Evidence, text: &mut String) -> std::fmt::Result {
    let mut rows: BTreeMap<Fate, Row> = BTreeMap::new();
    for (_, played) in &evidence.played {
        for (fate, row) in &played.rows {
            rows.entry(*fate).or_default().add(row);
        }
    }
    writeln!(
        text,
        "\n| what happened to the call | times | the program went on | ended with a code of its own | was killed |\n| --- | --- | --- | --- | --- |"
    )?;
    for (fate, row) in &rows {
        let of = |code: Option<i32>| row.exits.get(&code).copied().unwrap_or(0);
        let stopped = row
            .points
            .saturating_sub(of(Some(0)))
            .saturating_sub(of(None));
        writeln!(
            text,
            "| {} | {} | {} | {stopped} | {} |",
            fate.name(),
            row.points,
            of(Some(0)),
            of(None)
        )?;
    }
    Ok(())
}

fn power(lost: &Lost, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "\n| power loss | commands recorded, of which killed or failing | histories up to a loss | acknowledged | lost | doubled | torn end before the next start | whole after it |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    writeln!(
        text,
        "| any subset of what was not synced | {}, {} | {} | {} | {} | {} | {} | {} of {} |",
        lost.commands,
        lost.disturbed,
        lost.losses,
        lost.found.acknowledged,
        lost.found.lost,
        lost.found.doubled,
        lost.found.torn,
        lost.found.whole,
        lost.losses
    )
}

fn writes(evidence: &Evidence, text: &mut String) -> std::fmt::Result {
    let mut all = Writes::default();
    for (_, played) in &evidence.played {
        all.merge(&played.writes);
    }
    writeln!(
        text,
        "\n## Failed writes: what the program may do, and what it did\n\n| writes, syncs, renames of | rule, and why | lost | stored, but reported lost |\n| --- | --- | --- | --- |"
    )?;
    for row in all.rows() {
        writeln!(text, "{row}")?;
    }
    Ok(())
}
