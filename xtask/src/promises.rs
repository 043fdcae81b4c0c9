//! `cargo xtask promises`: what indelible promises, and for each promise the command that shows it.
//!
//! `docs/promises.md` has a table with the columns `#`, `promise`, `command` and, where ending with 0 is not enough, `shows`: a
//! text that the command has to print. The command stands in backticks, a `|` in it as `\|`. It is run by `sh` in the repository's
//! root with the built `indelible` first in `PATH`; a command that shows several promises is run once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::program::{self, Ended};
use crate::tally::Tally;
use crate::workspace::Workspace;

const PAGE: &str = "docs/promises.md";

/// Leaves out the commands that are tests or other steps of `cargo xtask test`, for whoever has just run them all.
pub const BEYOND_TESTS: &str = "--beyond-tests";

/// One command. The longest ones kill a node a thousand times.
const COMMAND_MAX: Duration = Duration::from_secs(20 * 60);

/// Lines of output that are printed where a command does not show what it should.
const OUTPUT_LINES_MAX: usize = 60;

#[derive(Debug, PartialEq, Eq)]
struct Promise {
    number: String,
    promise: String,
    command: String,
    shows: String,
}

/// Runs every command and prints a table.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    if !workspace.has(PAGE) {
        return Ok(Tally::skipped(format!("promises: there is no {PAGE}")));
    }
    let mut promises = promises(&workspace.read(PAGE)?).context(PAGE)?;
    if arguments.iter().any(|argument| argument == BEYOND_TESTS) {
        let ran = ["cargo test ", "cargo xtask "];
        promises.retain(|promise| !ran.iter().any(|begin| promise.command.starts_with(begin)));
    }
    let path = program::path_with(&workspace.built_program()?)?;
    let mut ran: BTreeMap<String, (Ended, Duration)> = BTreeMap::new();
    let mut tally = Tally::default();
    for promise in &promises {
        if !ran.contains_key(&promise.command) {
            let begin = Instant::now();
            let mut shell = workspace.command("sh");
            let ended = program::within(
                shell.args(["-c", &promise.command]).env("PATH", &path),
                COMMAND_MAX,
            )?;
            ran.insert(promise.command.clone(), (ended, begin.elapsed()));
        }
        let (ended, time) = ran.get(&promise.command).context("it just ran")?;
        let fault = fault(promise, ended);
        let result = if fault.is_none() { "kept  " } else { "BROKEN" };
        println!(
            "{:>3}  {result} {:7.1} s  {}",
            promise.number,
            time.as_secs_f64(),
            promise.promise
        );
        if let Some(fault) = &fault {
            println!("     {}: {fault}", promise.command);
            print_end(&ended.printed);
        }
        tally.add(Tally::one(fault.is_none()));
    }
    Ok(tally)
}

fn print_end(printed: &str) {
    let lines: Vec<&str> = printed.lines().collect();
    for line in lines
        .iter()
        .skip(lines.len().saturating_sub(OUTPUT_LINES_MAX))
    {
        println!("     | {line}");
    }
}

/// Why the command does not show the promise.
fn fault(promise: &Promise, ended: &Ended) -> Option<String> {
    if !ended.well {
        return Some("did not end with 0".to_owned());
    }
    let results: Vec<&str> = ended
        .printed
        .lines()
        .filter(|line| line.starts_with("test result: "))
        .collect();
    if !results.is_empty() && results.iter().all(|line| line.contains(" 0 passed;")) {
        return Some("ran no test".to_owned());
    }
    (!ended.printed.contains(&promise.shows)).then(|| format!("did not print: {}", promise.shows))
}

/// The rows of the page's table.
fn promises(page: &str) -> Result<Vec<Promise>> {
    let mut rows = page
        .lines()
        .filter_map(cells)
        .skip_while(|cells| !is_header(cells));
    ensure!(
        rows.next().is_some(),
        "no table with the columns #, promise, command"
    );
    let mut promises = Vec::new();
    for row in rows.filter(|row| {
        row.iter()
            .any(|cell| !cell.trim_matches([':', '-']).is_empty())
    }) {
        let mut cells = row.into_iter();
        let mut cell = || cells.next().unwrap_or_default();
        let (number, promise, command, shows) = (cell(), cell(), cell(), cell());
        let Some(command) = in_backticks(&command) else {
            bail!("promise {number} has no command in backticks");
        };
        let shows = in_backticks(&shows).unwrap_or(shows);
        promises.push(Promise {
            number,
            promise,
            command,
            shows,
        });
    }
    ensure!(!promises.is_empty(), "the table promises nothing");
    Ok(promises)
}

fn is_header(cells: &[String]) -> bool {
    let names = ["#", "promise", "command"];
    cells.len() >= names.len() && cells.iter().zip(names).all(|(cell, name)| cell == name)
}

/// The cells of a line such as `| a | b \| c |`.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let hidden = inner.replace("\\|", "\0");
    Some(
        hidden
            .split('|')
            .map(|cell| cell.trim().replace('\0', "|"))
            .collect(),
    )
}

fn in_backticks(cell: &str) -> Option<String> {
    let inner = cell.strip_prefix('`')?.strip_suffix('`')?;
    (!inner.is_empty()).then(|| inner.trim_matches('`').trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(command: &str, shows: &str) -> Promise {
        Promise {
            number: "7".to_owned(),
            promise: "p".to_owned(),
            command: command.to_owned(),
            shows: shows.to_owned(),
        }
    }

    #[test]
    fn promises_are_read_from_the_table() {
        let page = "# T\n\n| x | y | z |\n\n| # | promise | command | shows |\n| --- | --- | :-: | --- |\n| 7 | p | `a \\| b` | `c` |\n| 7 | p | ``d `e` `` |\n";
        assert_eq!(
            promises(page).unwrap(),
            [promise("a | b", "c"), promise("d `e`", "")]
        );
    }

    #[test]
    fn a_promise_without_a_command_is_refused() {
        let header = "| # | promise | command |\n| --- | --- | --- |\n";
        for row in ["| 1 | p | |", "| 1 | p | soon |", "| 1 | p |", ""] {
            assert!(promises(&format!("{header}{row}\n")).is_err(), "{row}");
        }
        assert!(promises("no table\n").is_err());
    }

    #[test]
    fn a_command_shows_its_promise_or_does_not() {
        let check = |well: bool, printed: &str, shows: &str| {
            fault(
                &promise("a", shows),
                &Ended {
                    well,
                    printed: printed.to_owned(),
                },
            )
        };
        assert_eq!(check(true, "all 12 cells named\n", "12 cells"), None);
        assert_eq!(
            check(
                true,
                "test result: ok. 0 passed; 0 failed;\ntest result: ok. 1 passed; 0 failed;",
                ""
            ),
            None
        );
        assert_eq!(
            check(true, "test result: ok. 0 passed; 0 failed;", "").unwrap(),
            "ran no test"
        );
        assert_eq!(
            check(true, "all 11 cells named\n", "12 cells").unwrap(),
            "did not print: 12 cells"
        );
        assert_eq!(
            check(false, "12 cells", "12 cells").unwrap(),
            "did not end with 0"
        );
    }
}
