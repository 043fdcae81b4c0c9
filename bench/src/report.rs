//! Rows and how they are shown.

use anyhow::Context as _;
use serde_json::json;
use std::path::Path;

/// One figure.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was done.
    pub case: String,
    /// Under which conditions: *burst*, *sustained*, *warm* …
    pub state: String,
    /// The figure.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What the machine could do at best, measured in the same run, in the same unit.
    pub bound: Option<f64>,
}

impl Row {
    /// A figure beside its bound.
    pub fn new(
        case: impl Into<String>,
        state: impl Into<String>,
        value: f64,
        unit: &'static str,
        bound: Option<f64>,
    ) -> Row {
        Row {
            case: case.into(),
            state: state.into(),
            value,
            unit,
            bound,
        }
    }

    /// Figure by bound.
    pub fn ratio(&self) -> Option<f64> {
        self.bound.map(|bound| self.value / bound)
    }
}

/// Prints a row as it comes, so that a long run can be watched.
pub fn show(row: &Row) {
    let bound = row
        .bound
        .map_or(String::new(), |bound| format!("{:>14}", figure(bound)));
    let ratio = row
        .ratio()
        .map_or(String::new(), |ratio| format!("{ratio:>8.2}"));
    println!(
        "{:<44} {:<34} {:>14} {:<12} {bound:>14} {ratio:>8}",
        row.case,
        row.state,
        figure(row.value),
        row.unit
    );
}

/// Prints what the columns mean.
pub fn show_heading(what: &str) {
    println!("{what}\n");
    println!(
        "{:<44} {:<34} {:>14} {:<12} {:>14} {:>8}",
        "case", "state", "value", "unit", "bound", "ratio"
    );
}

fn figure(value: f64) -> String {
    if value >= 10_000.0 {
        let digits = format!("{value:.0}");
        let mut grouped = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        grouped
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

/// Writes the rows as JSON, if a file was named.
pub fn write_json(rows: &[Row], path: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({"case": row.case, "state": row.state, "value": row.value, "unit": row.unit, "bound": row.bound, "ratio": row.ratio()})
        })
        .collect();
    let text = serde_json::to_string_pretty(&rows).context("rows are plain")?;
    std::fs::write(path, text + "\n").with_context(|| format!("write {}", path.display()))
}
