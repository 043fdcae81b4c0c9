//! `cargo xtask readme`: what pages show in console blocks is what happens.
//!
//! All blocks of a page that are fenced as `console` are one session of bash, in an empty directory, with the built `indelible`
//! first in `PATH` and `verify.py` beside it. In such a block
//!
//! - a line that begins with `$ ` is a command, and lines after it that begin with `> ` go on with it;
//! - each other line has to appear in what the command prints, in this order; it may print more. `…` stands for anything within
//!   a line, and a line of only `…` says that something was left out;
//! - a command ends with 0. A page that shows a refusal writes `$ indelible … ; echo "exit $?"`.
//!
//! What is not to be run is fenced as something else.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::program::{self, Scratch};
use crate::tally::Tally;
use crate::tidy::markdown::{Fence, Page};
use crate::workspace::Workspace;

/// One page's session. Examples are for people, who don't wait longer.
const SESSION_MAX: Duration = Duration::from_secs(120);

/// Stands alone on a line after each command's output, before the command's number and status.
const MARK: &str = "=== end of example";

/// A command that a page shows.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: usize,
    command: String,
    shown: Vec<String>,
}

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
struct Happened {
    status: i32,
    printed: String,
}

/// Runs the examples of the given pages; of `README.md` and every page under `docs` if none is given.
pub fn run(workspace: &Workspace, pages: &[String]) -> Result<Tally> {
    let pages = if pages.is_empty() {
        all_pages(workspace)?
    } else {
        pages.to_vec()
    };
    let mut tally = Tally::default();
    for path in pages {
        let examples =
            examples(&Page::new(&workspace.read(&path)?).fences).with_context(|| path.clone())?;
        if !examples.is_empty() {
            tally.add(run_page(workspace, &path, &examples)?);
        }
    }
    Ok(if tally.passed == 0 && tally.failed == 0 {
        Tally::skipped("examples: no page has a console block")
    } else {
        tally
    })
}

fn all_pages(workspace: &Workspace) -> Result<Vec<String>> {
    let mut pages = workspace.files(".md")?;
    pages.retain(|path| path == "README.md" || path.starts_with("docs/"));
    Ok(pages)
}

fn run_page(workspace: &Workspace, path: &str, examples: &[Example]) -> Result<Tally> {
    let happened = session(workspace, examples)?;
    let mut tally = Tally::default();
    for (number, example) in examples.iter().enumerate() {
        let fault = match happened.get(number) {
            Some(happened) => fault(example, happened),
            None => Some(
                "was not reached: a command before it ended the session, or it took too long"
                    .to_owned(),
            ),
        };
        println!(
            "{} {path}:{}: {}",
            if fault.is_none() {
                "holds: "
            } else {
                "BROKEN:"
            },
            example.line,
            example.command
        );
        if let Some(fault) = &fault {
            println!("    {fault}");
            for line in happened
                .get(number)
                .iter()
                .flat_map(|happened| happened.printed.lines())
            {
                println!("    | {line}");
            }
        }
        tally.add(Tally::one(fault.is_none()));
    }
    Ok(tally)
}

/// The commands in console blocks, each with the lines shown after it.
fn examples(fences: &[Fence]) -> Result<Vec<Example>> {
    let mut examples: Vec<Example> = Vec::new();
    for fence in fences.iter().filter(|fence| fence.language == "console") {
        let before = examples.len();
        for (number, line) in fence.lines.iter().enumerate() {
            if let Some(command) = line.strip_prefix("$ ") {
                let line = fence.line.saturating_add(number);
                examples.push(Example {
                    line,
                    command: command.to_owned(),
                    shown: Vec::new(),
                });
                continue;
            }
            let in_block = examples.len() > before;
            let example = examples.last_mut().filter(|_| in_block);
            let example = example.with_context(|| {
                format!("line {}: a console block begins with `$ `", fence.line)
            })?;
            match line.strip_prefix("> ") {
                Some(more) if example.shown.is_empty() => {
                    example.command = format!("{}\n{more}", example.command)
                }
                _ => example.shown.push(line.trim_end().to_owned()),
            }
        }
    }
    Ok(examples)
}

fn session(workspace: &Workspace, examples: &[Example]) -> Result<Vec<Happened>> {
    let scratch = Scratch::new()?;
    let second = workspace.root.join("verify.py");
    if second.exists() {
        std::os::unix::fs::symlink(second, scratch.path().join("verify.py"))
            .context("verify.py")?;
    }
    let script: String = (0..)
        .zip(examples)
        .map(|(number, example)| with_mark(number, &example.command))
        .collect();
    let mut bash = program::command("bash");
    bash.current_dir(scratch.path())
        .env("PATH", program::path_with(&workspace.built_program()?)?);
    let ended = program::within(bash.args(["-c", &script]), SESSION_MAX)?;
    Ok(cut(&ended.printed))
}

fn with_mark(number: usize, command: &str) -> String {
    format!("{command}\nprintf '\\n{MARK} {number} %d\\n' $?\n")
}

/// What each command did, up to the first whose end did not come.
fn cut(printed: &str) -> Vec<Happened> {
    let mut happened: Vec<Happened> = Vec::new();
    let mut lines = String::new();
    for line in printed.lines() {
        let begin = format!("{MARK} {} ", happened.len());
        match line
            .strip_prefix(&begin)
            .and_then(|status| status.parse().ok())
        {
            Some(status) => happened.push(Happened {
                status,
                printed: std::mem::take(&mut lines),
            }),
            None => {
                lines.push_str(line);
                lines.push('\n');
            }
        }
    }
    happened
}

/// How what happened differs from what is shown.
fn fault(example: &Example, happened: &Happened) -> Option<String> {
    if happened.status != 0 {
        return Some(format!("ended with {}", happened.status));
    }
    let mut printed = happened.printed.lines();
    let shown = example
        .shown
        .iter()
        .filter(|line| !line.is_empty() && *line != "…");
    for line in shown {
        if !printed.any(|printed| matches(line, printed.trim_end())) {
            return Some(format!("did not print, at this place: {line}"));
        }
    }
    None
}

/// Whether a line is what the page shows, in which `…` stands for anything.
fn matches(shown: &str, line: &str) -> bool {
    let Some((first, rest)) = shown.split_once('…') else {
        return shown == line;
    };
    let Some(mut line) = line.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = rest.rsplit_once('…').unwrap_or(("", rest));
    for part in middle.split('…') {
        match line.split_once(part) {
            Some((_, after)) => line = after,
            None if part.is_empty() => {}
            None => return false,
        }
    }
    line.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(command: &str, shown: &[&str]) -> Example {
        Example {
            line: 2,
            command: command.to_owned(),
            shown: shown.iter().map(|&line| line.to_owned()).collect(),
        }
    }

    #[test]
    fn an_ellipsis_stands_for_anything_within_a_line() {
        for (shown, line) in [
            ("a", "a"),
            ("a…", "a"),
            ("…", ""),
            ("a…c", "abc"),
            ("…b…", "abc"),
            ("a…b…c…d", "a1b2c3d"),
            ("a……b", "ab"),
        ] {
            assert!(matches(shown, line), "{shown} {line}");
        }
        for (shown, line) in [
            ("a", "ab"),
            ("a…c", "ab"),
            ("a…a", "a"),
            ("a…b…c", "acb"),
            ("a…b…b", "ab"),
        ] {
            assert!(!matches(shown, line), "{shown} {line}");
        }
    }

    #[test]
    fn commands_are_told_from_what_they_print() {
        let page = Page::new("```console\n$ cat <<E\n> a\n> E\na\n$ b\n```\n```text\n$ c\n```\n");
        let expected = [
            example("cat <<E\na\nE", &["a"]),
            Example {
                line: 6,
                ..example("b", &[])
            },
        ];
        assert_eq!(examples(&page.fences).unwrap(), expected);
        assert!(examples(&Page::new("```console\na\n```\n").fences).is_err());
    }

    #[test]
    fn a_page_is_held_to_what_it_shows() {
        let happened = Happened {
            status: 0,
            printed: "a\nb\nc\n".to_owned(),
        };
        assert_eq!(fault(&example("x", &["a", "…", "c"]), &happened), None);
        assert_eq!(
            fault(&example("x", &["c", "a"]), &happened).unwrap(),
            "did not print, at this place: a"
        );
        assert_eq!(
            fault(&example("x", &["d"]), &happened).unwrap(),
            "did not print, at this place: d"
        );
        assert_eq!(
            fault(
                &example("x", &[]),
                &Happened {
                    status: 2,
                    ..happened
                }
            )
            .unwrap(),
            "ended with 2"
        );
    }

    #[test]
    fn commands_share_a_session_and_their_output_is_told_apart() {
        let commands = [
            "exec 2>&1; cd /; x=1",
            "printf a$x; false",
            "echo no >&2; exit 5",
            "echo never",
        ];
        let script: String = (0..)
            .zip(commands)
            .map(|(number, command)| with_mark(number, command))
            .collect();
        let ended =
            program::within(program::command("bash").args(["-c", &script]), SESSION_MAX).unwrap();
        let happened = cut(&ended.printed);
        assert_eq!(happened.len(), 2);
        assert_eq!(
            (happened[0].status, happened[0].printed.as_str()),
            (0, "\n")
        );
        assert_eq!(
            (happened[1].status, happened[1].printed.as_str()),
            (1, "a1\n")
        );
    }
}
