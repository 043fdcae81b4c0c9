//! Commands and flags that pages speak of, against what the built program says of itself and what `cargo xtask` has.
//!
//! Looked at are spans of code that begin with `indelible ` or `cargo xtask ` or are one flag, and the commands in console blocks,
//! in `README.md` and under `docs`. What is hashed or signed under a label such as `indelible pack v1` is not a command.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::markdown::Page;
use super::rust::is_name;
use crate::program;
use crate::workspace::Workspace;

/// Flags of other programs that pages name alone.
const FOREIGN: [&str; 1] = ["--test"];

const XTASK: &str = "cargo xtask ";

pub fn rule(workspace: &Workspace) -> Result<Vec<String>> {
    let mut mentions = Vec::new();
    for path in workspace.files(".md")? {
        if path == "README.md" || path.starts_with("docs/") {
            let page = Page::new(&workspace.read(&path)?);
            mentions.extend(
                mentions_in(&page)
                    .into_iter()
                    .map(|(line, mention)| (format!("{path}:{line}"), mention)),
            );
        }
    }
    if mentions.is_empty() {
        return Ok(Vec::new());
    }
    let indelible = workspace.built_program()?.join("indelible");
    let help = Help::ask(&indelible.to_string_lossy(), &[]).context("indelible --help")?;
    let faults = mentions.iter().filter_map(|(place, mention)| {
        Some(format!("{place}: `{mention}`: {}", help.fault(mention)?))
    });
    Ok(faults.collect())
}

/// Line and text of each command or flag on a page.
fn mentions_in(page: &Page) -> Vec<(usize, String)> {
    let spans = page.spans.iter().filter(|(_, span)| {
        let label = span
            .rsplit(' ')
            .next()
            .and_then(|last| last.strip_prefix('v'))
            .is_some_and(|rest| rest.parse::<u32>().is_ok());
        !label
            && ["indelible ", XTASK, "--"]
                .iter()
                .any(|start| span.starts_with(start))
    });
    let mut mentions: Vec<(usize, String)> = spans.cloned().collect();
    for fence in page
        .fences
        .iter()
        .filter(|fence| fence.language == "console")
    {
        for (number, line) in fence.lines.iter().enumerate() {
            for command in line.strip_prefix("$ ").map(commands).into_iter().flatten() {
                mentions.push((fence.line.saturating_add(number), command));
            }
        }
    }
    mentions
}

/// The calls of `indelible` in a line of shell.
fn commands(line: &str) -> Vec<String> {
    let separate = line
        .replace("$(", ";")
        .replace(['|', '&', '(', ')', '`'], ";");
    let calls = separate
        .split(';')
        .filter_map(|part| part.find("indelible ").and_then(|at| part.get(at..)));
    calls.map(|call| call.trim().to_owned()).collect()
}

/// What a command of the program says of itself.
#[derive(Default)]
struct Help {
    flags: BTreeSet<String>,
    commands: BTreeMap<String, Help>,
}

impl Help {
    /// Asks the command and all below it. `None` where there is no such command: another usage is shown, or none.
    fn ask(indelible: &str, command: &[&str]) -> Option<Help> {
        let text = program::output(program::command(indelible).args(command).arg("--help")).ok()?;
        let usage = ["Usage: indelible", &command.join(" ")].join(" ");
        if !text.contains(usage.trim_end()) {
            return None;
        }
        let (flags, names) = read_help(&text);
        let mut help = Help {
            flags,
            commands: BTreeMap::new(),
        };
        for name in names {
            if let Some(below) = Help::ask(indelible, &[command, &[name.as_str()]].concat()) {
                help.commands.insert(name, below);
            }
        }
        Some(help)
    }

    /// What is wrong with a mention.
    fn fault(&self, mention: &str) -> Option<String> {
        if let Some(chore) = mention.strip_prefix(XTASK) {
            let name = chore.split_whitespace().next()?;
            let is_there = crate::COMMANDS.iter().any(|command| command.name == name);
            return (!is_there).then(|| format!("cargo xtask has no {name}"));
        }
        let Some(call) = mention.strip_prefix("indelible ") else {
            let flag = flags_in(mention).next()?;
            return (!self.anywhere(flag) && !FOREIGN.contains(&flag))
                .then(|| format!("no command takes {flag}"));
        };
        let mut here = self;
        let mut flags = self.flags.clone();
        let mut path = "indelible".to_owned();
        for word in call.split_whitespace() {
            let is_word = word.starts_with(|letter: char| letter.is_ascii_lowercase());
            if !is_word || here.commands.is_empty() {
                break;
            }
            let Some(next) = here.commands.get(word) else {
                return Some(format!("{path} has no command {word}"));
            };
            here = next;
            flags.extend(here.flags.iter().cloned());
            path = format!("{path} {word}");
        }
        let unknown = flags_in(call).find(|flag| !flags.contains(*flag))?;
        Some(format!("{path} takes no {unknown}"))
    }

    fn anywhere(&self, flag: &str) -> bool {
        self.flags.contains(flag) || self.commands.values().any(|command| command.anywhere(flag))
    }
}

/// The flags that a help text lists, and the words that may be commands: they begin an indented line, under whatever title.
fn read_help(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut flags = BTreeSet::new();
    let mut words = BTreeSet::new();
    for line in text.lines() {
        let is_listed = line
            .strip_prefix("  ")
            .filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_lowercase()));
        words.extend(
            is_listed
                .and_then(|rest| rest.split_whitespace().next())
                .map(str::to_owned),
        );
        if line.starts_with(' ') && line.trim_start().starts_with('-') {
            let names = line.trim_start().split("  ").next().unwrap_or_default();
            flags.extend(flags_in(names).map(str::to_owned));
        }
        if let Some((_, aliases)) = line.split_once("aliases: ") {
            flags.extend(flags_in(aliases).map(str::to_owned));
        }
    }
    (flags, words)
}

/// Every `--flag` in a text, without its value.
fn flags_in(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("--").map(|(at, _)| at);
    let own = starts.filter(|&at| {
        !text
            .get(..at)
            .is_some_and(|before| before.ends_with(|letter| is_name(letter) || letter == '-'))
    });
    own.filter_map(|at| {
        let name = text
            .get(at..)?
            .split(|letter: char| !is_name(letter) && letter != '-')
            .next()?;
        (name.len() > 2).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "An audit log\n\nUsage: indelible [OPTIONS] <COMMAND>\n\nWrite:\n  verify  checks it\n          and more --not\n  log create  begins\n\nExit codes:\n  0  done\n\nOptions:\n  -j, --json       as JSON\n      --store <DIR>\n          the store, see --other [aliases: --dir]\n  -h, --help\n";

    fn program() -> Help {
        let (flags, words) = read_help(HELP);
        assert_eq!(words.into_iter().collect::<Vec<_>>(), ["log", "verify"]);
        let below = |flags: &[&str], commands| Help {
            flags: flags.iter().map(|&flag| flag.to_owned()).collect(),
            commands,
        };
        let log = BTreeMap::from([("create".to_owned(), below(&["--name"], BTreeMap::new()))]);
        let commands = [
            ("verify", below(&["--receipt"], BTreeMap::new())),
            ("log", below(&[], log)),
        ];
        Help {
            flags,
            commands: commands.map(|(name, help)| (name.to_owned(), help)).into(),
        }
    }

    #[test]
    fn commands_and_flags_that_exist_are_fine() {
        for mention in [
            "indelible verify FILE --receipt x",
            "indelible --json verify",
            "--dir",
            "--receipt=x",
            "indelible COMMAND --help",
            "indelible log create --name x",
            "--test y",
            "cargo xtask agree --seed 7",
        ] {
            assert_eq!(program().fault(mention), None, "{mention}");
        }
    }

    #[test]
    fn what_does_not_exist_is_named() {
        let check = |mention: &str, expected: &str| {
            assert_eq!(program().fault(mention).as_deref(), Some(expected))
        };
        check("indelible serve --port 1", "indelible has no command serve");
        check(
            "indelible verify --port 1",
            "indelible verify takes no --port",
        );
        check(
            "indelible log destroy",
            "indelible log has no command destroy",
        );
        check("cargo xtask bake", "cargo xtask has no bake");
        check("--other", "no command takes --other");
        check("indelible --receipt x", "indelible takes no --receipt");
    }

    #[test]
    fn mentions_are_found_in_spans_and_console_blocks() {
        let page = Page::new(
            "`indelible a` `indelible pack v1` `--b` `cargo --c`\n```console\n$ x | indelible d && y\nindelible e\n$ z=$(indelible f)\n```\n",
        );
        let found: Vec<String> = mentions_in(&page)
            .into_iter()
            .map(|(line, mention)| format!("{line} {mention}"))
            .collect();
        assert_eq!(
            found,
            ["1 indelible a", "1 --b", "3 indelible d", "5 indelible f"]
        );
    }
}
