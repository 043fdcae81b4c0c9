//! The four parties that look at a tampered store. Each gives what the product printed, or that all is well.
//!
//! Those that only read go first; the next start is last, since it writes.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use indelible_proof::verdict::AXES;
use serde_json::Value;

use super::base::{Base, NEWEST, OLD, Ran, text};
use super::plain::plain;
use super::rows::Row;
use super::table::Cell;

/// Axes' texts that say nothing against the evidence.
const GOOD: [&str; 8] = [
    "ok, by batch key(",
    "ok",
    "self-keyed (own store)",
    "unchecked",
    "none asked",
    "complete as committed",
    "population complete(",
    "content withheld",
];

/// A copy of the base, the row's edits, and what the four say.
pub fn judge(base: &Base, row: &Row) -> Result<[Cell; 4]> {
    let case = base.case(row.name)?;
    base.attacked(row.name, &case)?;
    let shown = case.join("shown.export");
    let seen = if shown.exists() {
        [
            Cell::well("-"),
            of_verdict(&export_judged(base, &shown, &[])?, &case)?,
            of_verdict(&second(base, &shown)?, &case)?,
            held_against_export(base, &case, &shown)?,
        ]
    } else {
        let verified = of_verdict(&store_judged(base, &case, &[])?, &case)?;
        let exported = exported(base, &case)?;
        let held = held_against_store(base, &case)?;
        [start(base, &case)?, verified, exported, held]
    };
    Ok(seen)
}

fn store_judged(base: &Base, case: &Path, more: &[&str]) -> Result<Ran> {
    let store = case.join("store");
    let verify = [
        "verify",
        "--json",
        "--pin",
        &base.pin,
        "--store",
        text(&store)?,
    ];
    base.run(&[&verify[..], more].concat())
}

fn export_judged(base: &Base, export: &Path, more: &[&str]) -> Result<Ran> {
    let verify = [
        "verify",
        "--json",
        "--pin",
        &base.pin,
        "--export",
        text(export)?,
    ];
    base.run(&[&verify[..], more].concat())
}

fn second(base: &Base, export: &Path) -> Result<Ran> {
    base.second(&["--json", "--pin", &base.pin, text(export)?])
}

/// One event more, as any caller would send it.
fn start(base: &Base, case: &Path) -> Result<Cell> {
    let (store, keys, event) = (case.join("store"), case.join("keys"), case.join("event"));
    fs::write(&event, "{\"order\":\"next\"}\n")?;
    let place = ["--store", text(&store)?, "--keys", text(&keys)?];
    let append = ["append", "--log", "payments", text(&event)?];
    let ran = base.run(&[&append[..], &place].concat())?;
    if ran.code != 0 {
        let refused = Cell::seen(format!(
            "refuses: {}, exit {}",
            error_of(&ran, case)?,
            ran.code
        ));
        return Ok(refused);
    }
    let mut said: Vec<String> = Vec::new();
    for warning in ran
        .err
        .lines()
        .filter_map(|line| line.strip_prefix("warning: "))
    {
        said.push(format!("warns: {}", plain(warning, text(case)?)));
    }
    let place = &place[..2];
    let node = base.run(&[&["get", "--log", "_node"][..], place].concat())?;
    for line in String::from_utf8_lossy(&node.out).lines() {
        let record: Value = serde_json::from_str(line).context("a record of _node")?;
        if record["head"]["kind"] == "repair" {
            let repair = record["event"]["repair"].as_str().context("a repair")?;
            said.push(format!("records `repair`: `{repair}`"));
        }
    }
    Ok(match said.is_empty() {
        true => Cell::well("starts"),
        false => Cell::seen(format!("starts, {}", said.join(", "))),
    })
}

/// The first line of what went wrong.
fn error_of(ran: &Ran, case: &Path) -> Result<String> {
    let line = ran
        .err
        .lines()
        .find_map(|line| line.strip_prefix("error: "));
    Ok(plain(line.unwrap_or(&ran.err), text(case)?))
}

/// The axes of a verdict that speak against the evidence.
fn of_verdict(ran: &Ran, case: &Path) -> Result<Cell> {
    let Ok(verdict) = serde_json::from_slice::<Value>(&ran.out) else {
        let what = format!("`{}`, exit {}", error_of(ran, case)?, ran.code);
        return Ok(Cell::seen(what));
    };
    let mut said = Vec::new();
    for axis in AXES {
        let value = verdict[axis].as_str().context(axis)?;
        let is_good = GOOD
            .iter()
            .any(|good| value == *good || (good.ends_with('(') && value.starts_with(good)));
        if !is_good {
            said.push(format!("{axis}: {}", plain(value, text(case)?)));
        }
    }
    if said.is_empty() && ran.code != 0 {
        said.push(format!(
            "consistency: {}",
            verdict["consistency"].as_str().unwrap_or_default()
        ));
    }
    Ok(match said.is_empty() {
        true => Cell::well("ok"),
        false => Cell::seen(format!("{}, exit {}", said.join(" · "), ran.code)),
    })
}

/// An export of all records, and where it is refused one of what is found, given to `verify.py`.
fn exported(base: &Base, case: &Path) -> Result<Cell> {
    let (store, out) = (case.join("store"), case.join("export"));
    let export = [
        "export",
        "--log",
        "payments",
        "--store",
        text(&store)?,
        "--out",
        text(&out)?,
    ];
    let ran = base.run(&export)?;
    if ran.code == 0 {
        return of_verdict(&second(base, &out)?, case);
    }
    let refused = format!("no export: {}, exit {}", error_of(&ran, case)?, ran.code);
    let found = base.run(&[&export[..], &["--as-found"]].concat())?;
    if !out.exists() || found.code == 2 {
        return Ok(Cell::seen(refused));
    }
    let judged = of_verdict(&second(base, &out)?, case)?;
    Ok(Cell::seen(format!("{refused}; as found: {}", judged.text)))
}

/// A memory of the whole store, and two receipts: of a record sealed long ago and of the newest.
fn held_against_store(base: &Base, case: &Path) -> Result<Cell> {
    let memory = case.join("memory");
    let ran = store_judged(base, case, &["--remember", text(&memory)?])?;
    let mut said = consistency(&ran, case)?;
    let old = receipt_against_store(base, case, "old", OLD)?;
    let newest = receipt_against_store(base, case, "newest", NEWEST)?;
    let both = old.is_some() && old == newest;
    for (seq, what) in [(OLD, old), (NEWEST, newest.filter(|_| !both))] {
        let more = if both {
            format!(" and of {NEWEST}")
        } else {
            String::new()
        };
        said.extend(what.map(|what| format!("receipt of {seq}{more}: {what}")));
    }
    Ok(match said.is_empty() {
        true => Cell::well("ok"),
        false => Cell::seen(said.join(" · ")),
    })
}

fn consistency(ran: &Ran, case: &Path) -> Result<Vec<String>> {
    let Ok(verdict) = serde_json::from_slice::<Value>(&ran.out) else {
        return Ok(vec![format!("memory: {}", error_of(ran, case)?)]);
    };
    let value = verdict["consistency"].as_str().context("consistency")?;
    Ok(match value {
        "ok" => Vec::new(),
        other => vec![format!(
            "memory: consistency: {}",
            plain(other, text(case)?)
        )],
    })
}

/// What is wrong with the record that a receipt is of.
fn receipt_against_store(base: &Base, case: &Path, name: &str, seq: u64) -> Result<Option<String>> {
    let (store, record) = (case.join("store"), case.join(format!("{name}.record")));
    let number = seq.to_string();
    let got = base.run(&[
        "get",
        "--log",
        "payments",
        "--seq",
        &number,
        "--store",
        text(&store)?,
    ])?;
    if got.code != 0 {
        return Ok(Some(error_of(&got, case)?));
    }
    fs::write(&record, &got.out)?;
    let held = base.path().join("held");
    let (receipt, walk) = (held.join(format!("{name}.receipt")), held.join("walk"));
    let what = [
        "verify",
        "--json",
        "--pin",
        &base.pin,
        "--receipt",
        text(&receipt)?,
    ];
    let beside = ["--record", text(&record)?, "--walk", text(&walk)?];
    let ran = base.run(&[&what[..], &beside].concat())?;
    let verdict: Value = serde_json::from_slice(&ran.out).context("verify --receipt")?;
    let integrity = verdict["integrity"].as_str().context("integrity")?;
    Ok((integrity != "ok").then(|| format!("integrity: {integrity}")))
}

/// A memory, and a walk that was fetched after the keys had changed.
fn held_against_export(base: &Base, case: &Path, export: &Path) -> Result<Cell> {
    let memory = case.join("memory");
    let remembered = export_judged(base, export, &["--remember", text(&memory)?])?;
    let mut said = consistency(&remembered, case)?;
    let walk = base.path().join("held/walk");
    let walked = of_verdict(
        &export_judged(base, export, &["--walk", text(&walk)?])?,
        case,
    )?;
    if walked.sees {
        said.push(format!("walk: {}", walked.text));
    }
    Ok(match said.is_empty() {
        true => Cell::well("ok"),
        false => Cell::seen(said.join(" · ")),
    })
}
