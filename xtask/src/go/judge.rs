//! Asks a program: cases go into one file, answers come out of another, one for each.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::program::{self, Scratch};

/// The answer to each case, in order.
pub fn ask(program: &Path, cases: &[Value]) -> Result<Vec<String>> {
    let scratch = Scratch::new()?;
    let (asked, answered) = (scratch.path().join("cases"), scratch.path().join("answers"));
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    std::fs::write(&asked, lines)?;
    let ran = program::passes(
        program::command(&program.to_string_lossy())
            .arg("judge")
            .arg(&asked)
            .arg(&answered),
    )?;
    ensure!(ran, "{} judge", program.display());
    let answers: Vec<String> = std::fs::read_to_string(&answered)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("an answer")?;
    ensure!(
        answers.len() == cases.len(),
        "{} answers to {} cases",
        answers.len(),
        cases.len()
    );
    Ok(answers)
}

/// Bytes as both sides write them in JSON.
pub fn bytes(bytes: &[u8]) -> Value {
    Value::String(BASE64_STANDARD.encode(bytes))
}
