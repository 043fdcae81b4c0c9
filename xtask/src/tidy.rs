//! `cargo xtask tidy`: the house rules that a program can keep.
//!
//! Each rule is a function that gives one line for each thing it found, with file, line and what to do. A rule about a page holds
//! as long as the page does not exist.

use anyhow::Result;

use crate::tally::Tally;
use crate::workspace::Workspace;

mod calls;
mod dependencies;
mod evidence;
mod layers;
mod lengths;
mod links;
pub mod markdown;
mod mentions;
mod rust;
mod words;

/// What a rule says, and the function that gives what breaks it.
type Rule = (&'static str, fn(&Workspace) -> Result<Vec<String>>);

const RULES: [Rule; 11] = [
    ("crates use only what lies below them", layers::arrows),
    (
        "no serde and no async runtime below the wire",
        layers::ground,
    ),
    ("files and functions are short", lengths::rule),
    (
        "libraries neither panic nor print by mistake",
        calls::mistakes,
    ),
    ("no test is ignored", calls::ignored),
    ("modules begin with what they own", calls::opening_comments),
    ("links lead somewhere", links::rule),
    ("pages use plain words", words::rule),
    ("commands and flags in pages exist", mentions::rule),
    (
        "what the threat model and incidents name as shown is a test",
        evidence::rule,
    ),
    (
        "dependencies have their reason in docs/dependencies.md",
        dependencies::rule,
    ),
];

/// Runs every rule.
pub fn run(workspace: &Workspace, _arguments: &[String]) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, rule) in RULES {
        let found = rule(workspace)?;
        println!(
            "{} {name}",
            if found.is_empty() {
                "holds: "
            } else {
                "BROKEN:"
            }
        );
        for line in &found {
            println!("    {line}");
        }
        tally.add(Tally::one(found.is_empty()));
    }
    Ok(tally)
}
