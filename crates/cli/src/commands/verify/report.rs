//! The answer of `verify`, as text for people and as JSON for programs (`docs/spec/verdicts.md`). Both say the same.
//!
//! Names of files and logs come from the disk: in the text none of them can begin a line of its own or reach the terminal raw.

use crate::output::{Style, one_line};
use crate::show;
use indelible_proof::verdict::{Authenticity, Verdict};

/// What was found, with everything a reader needs to know how far it reaches.
pub struct Report {
    /// What was looked at: `store`, `receipt` or `export`.
    pub subject: &'static str,
    /// Where it lies.
    pub path: String,
    /// Of a whole store: how many batches, from the first on, were gone over.
    pub batches: Option<u64>,
    /// The five axes.
    pub verdict: Verdict,
    /// Each damage in a sentence, if the axes do not already say it all.
    pub findings: Vec<String>,
    /// What was checked and how much of it, in sentences.
    pub checked: Vec<String>,
    /// The same as numbers and names: JSON members.
    pub measured: Vec<(&'static str, Value)>,
    /// What was not checked, and what to know.
    pub unchecked: Vec<String>,
}

/// A JSON value.
#[derive(Clone)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Number(u64),
}

/// Findings printed as text; JSON has them all.
const FINDINGS_SHOWN: usize = 50;

impl Report {
    /// As people read it.
    pub fn text(&self, style: Style) -> String {
        let mut lines = vec![self.headline(style)];
        if self.verdict.authenticity == Authenticity::SelfKeyed {
            lines.push("self-keyed: without a pin nothing here says who made this".to_owned());
        }
        for (name, text, code) in self.axes() {
            let text = one_line(text);
            let text = match code {
                0 => text,
                1 => style.bad(text),
                _ => style.doubtful(text),
            };
            lines.push(format!("{name}: {text}"));
        }
        self.list(
            &mut lines,
            "found",
            self.findings
                .get(..FINDINGS_SHOWN)
                .unwrap_or(&self.findings),
        );
        if let Some(more) = self
            .findings
            .len()
            .checked_sub(FINDINGS_SHOWN)
            .filter(|more| *more > 0)
        {
            lines.push(format!("  and {more} more (--json lists them all)"));
        }
        self.list(&mut lines, "checked", &self.checked);
        self.list(&mut lines, "not checked", &self.unchecked);
        lines.join("\n")
    }

    fn headline(&self, style: Style) -> String {
        let word = match self.verdict.exit_code() {
            0 => style.good("verified"),
            1 => style.bad("damaged or forged"),
            _ => style.doubtful("not proven"),
        };
        format!("{word}: {}", one_line(&self.path))
    }

    fn list(&self, lines: &mut Vec<String>, title: &str, items: &[String]) {
        if !items.is_empty() {
            lines.push(format!("{title}:"));
            lines.extend(items.iter().map(|item| format!("  {}", one_line(item))));
        }
    }

    fn axes(&self) -> [(&'static str, String, u8); 5] {
        let Verdict {
            integrity,
            authenticity,
            consistency,
            witnesses,
            completeness,
        } = &self.verdict;
        [
            ("integrity", integrity.to_string(), integrity.exit_code()),
            (
                "authenticity",
                authenticity.to_string(),
                authenticity.exit_code(),
            ),
            (
                "consistency",
                consistency.to_string(),
                consistency.exit_code(),
            ),
            ("witnesses", witnesses.to_string(), witnesses.exit_code()),
            (
                "completeness",
                completeness.to_string(),
                completeness.exit_code(),
            ),
        ]
    }

    /// As programs read it: one line.
    pub fn json(&self) -> String {
        let axes: Vec<String> = self
            .axes()
            .iter()
            .map(|(name, text, _)| format!("\"{name}\":{}", show::json(text)))
            .collect();
        let measured: Vec<String> = self
            .measured
            .iter()
            .map(|(name, value)| format!("\"{name}\":{}", value.json()))
            .collect();
        format!(
            "{{\"exit\":{},{},\"{}\":{},\"found\":{},\"checked\":{{{}}},\"not_checked\":{}}}",
            self.verdict.exit_code(),
            axes.join(","),
            self.subject,
            show::json(&self.path),
            array(&self.findings),
            measured.join(","),
            array(&self.unchecked),
        )
    }
}

impl Value {
    fn json(&self) -> String {
        match self {
            Value::Text(text) => show::json(text),
            Value::Number(number) => number.to_string(),
        }
    }
}

fn array(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| show::json(item)).collect();
    format!("[{}]", items.join(","))
}
