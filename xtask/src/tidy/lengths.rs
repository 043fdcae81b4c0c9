//! How long a file and a function may be.
//!
//! What is longer stands in `xtask/tidy-allow.txt` with its length. The list only shrinks: an entry that grew, that could be lower
//! or that is no longer needed breaks the rule as well.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::rust::{self, Source, is_name, item_end, line_of};
use crate::workspace::Workspace;

/// Lines of a file without its tests. The models we follow have a median of 200; at 600 the words in a file have changed meaning.
const FILE_LINES_MAX: usize = 600;

/// Lines from `fn` to its last brace: one screen.
const FUNCTION_LINES_MAX: usize = 70;

const ALLOWED: &str = "xtask/tidy-allow.txt";

/// Something with a length: `file PATH` or `function PATH NAME`.
type Lengths = BTreeMap<String, usize>;

pub fn rule(workspace: &Workspace) -> Result<Vec<String>> {
    let mut long = Lengths::new();
    for source in rust::sources(workspace)? {
        long.extend(too_long(&source));
    }
    let allowed = if workspace.has(ALLOWED) {
        workspace.read(ALLOWED)?
    } else {
        String::new()
    };
    Ok(compare(&long, &entries(&allowed)?))
}

fn too_long(source: &Source) -> Lengths {
    let mut long = Lengths::new();
    let lines = source.production_lines();
    if lines > FILE_LINES_MAX {
        long.insert(format!("file {}", source.path), lines);
    }
    for (name, lines) in functions(&source.code) {
        if lines > FUNCTION_LINES_MAX {
            let longest = long
                .entry(format!("function {} {name}", source.path))
                .or_default();
            *longest = lines.max(*longest);
        }
    }
    long
}

/// Name and length of every function with a body.
fn functions(code: &str) -> Vec<(&str, usize)> {
    let mut functions = Vec::new();
    for at in rust::places_of(code, "fn ") {
        let name = code.get(at..).unwrap_or_default().trim_start_matches("fn ");
        let name = name
            .split(|letter| !is_name(letter))
            .next()
            .unwrap_or_default();
        let end = item_end(code, at);
        let has_body = code.get(..end).is_some_and(|code| code.ends_with('}'));
        if !name.is_empty() && has_body {
            functions.push((
                name,
                line_of(code, end)
                    .saturating_sub(line_of(code, at))
                    .saturating_add(1),
            ));
        }
    }
    functions
}

/// Lines such as `file crates/x/src/y.rs 640`; `#` begins a comment.
fn entries(text: &str) -> Result<Lengths> {
    let mut entries = Lengths::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (thing, lines) = line
            .rsplit_once(' ')
            .with_context(|| format!("{ALLOWED}: {line}"))?;
        entries.insert(
            thing.to_owned(),
            lines
                .parse()
                .with_context(|| format!("{ALLOWED}: {line}"))?,
        );
    }
    Ok(entries)
}

fn compare(long: &Lengths, allowed: &Lengths) -> Vec<String> {
    let mut found = Vec::new();
    for (thing, lines) in long {
        match allowed.get(thing) {
            None => {
                let max = if thing.starts_with("file") {
                    FILE_LINES_MAX
                } else {
                    FUNCTION_LINES_MAX
                };
                found.push(format!(
                    "{thing}: {lines} lines, at most {max}: cut it where its words change"
                ));
            }
            Some(allowed) if lines > allowed => {
                found.push(format!("{thing}: grew from {allowed} to {lines} lines"))
            }
            Some(allowed) if lines < allowed => found.push(format!(
                "{thing}: now {lines} lines: lower its entry in {ALLOWED}"
            )),
            Some(_) => {}
        }
    }
    for thing in allowed.keys().filter(|thing| !long.contains_key(*thing)) {
        found.push(format!(
            "{thing}: no longer too long: remove it from {ALLOWED}"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_to_their_last_brace() {
        let code = "fn a() {\n    b\n}\ntrait T {\n    fn c(&self);\n    fn d<'a>(x: [u8; 3]) -> u8\n    where\n        u8: X,\n    {\n    }\n}\nlet f: fn(u8);\n";
        assert_eq!(functions(code), [("a", 3), ("d", 5)]);
    }

    #[test]
    fn only_what_is_too_long_is_named() {
        let body =
            |lines: usize| format!("fn f() {{\n{}}}\n", "x\n".repeat(lines.saturating_sub(2)));
        let check = |text: String| {
            too_long(&Source::new("a.rs", text))
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(check(body(FUNCTION_LINES_MAX)), []);
        assert_eq!(check(body(71)), [("function a.rs f".to_owned(), 71)]);
        assert_eq!(check("\n".repeat(FILE_LINES_MAX)), []);
        assert_eq!(check("\n".repeat(601)), [("file a.rs".to_owned(), 601)]);
        assert_eq!(
            check(format!(
                "#[cfg(test)]\nmod tests {{\n{}}}\n",
                "\n".repeat(700)
            )),
            []
        );
    }

    #[test]
    fn the_allow_list_only_shrinks() {
        let long = entries("file a 700\nfile b 650\nfile c 610").unwrap();
        let allowed = entries("# why\nfile a 700\n\nfile b 640\nfile d 999").unwrap();
        let found = compare(&long, &allowed);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "file b: grew from 640 to 650 lines");
        assert_eq!(
            found[1],
            "file c: 610 lines, at most 600: cut it where its words change"
        );
        assert_eq!(
            found[2],
            "file d: no longer too long: remove it from xtask/tidy-allow.txt"
        );
        let lower = compare(
            &entries("file a 650").unwrap(),
            &entries("file a 700").unwrap(),
        );
        assert_eq!(
            lower,
            ["file a: now 650 lines: lower its entry in xtask/tidy-allow.txt"]
        );
        assert!(entries("file").is_err() && entries("file a b").is_err());
    }
}
