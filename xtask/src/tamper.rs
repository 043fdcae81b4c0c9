//! `cargo xtask tamper`: what is done to a store, and who notices.
//!
//! One store is built through the command line and copied for every row of `docs/tamper-matrix.md`. A program that shares nothing with
//! the product (`xtask/tamper/attack.py`, written from `docs/spec`) edits the copy's files; then four parties look at it: the next
//! start, `verify`, `verify.py` on an export, and somebody who kept a receipt and a remembered head elsewhere. What each printed is the
//! cell. A row has to be seen at least by those it says, with the words it says; a party that sees nothing needs a reason on the row;
//! and a row that nobody sees has to be in [`rows::UNSEEN`]. The page is made of the rows, and `--check` compares it.

mod base;
mod columns;
mod plain;
mod rows;
mod table;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};

use crate::program::{self, Scratch};
use crate::tally::Tally;
use crate::workspace::Workspace;
use base::Base;
use rows::Row;
use table::Cell;

/// The page this program writes.
const PAGE: &str = "docs/tamper-matrix.md";

/// Rows that are worked on at the same time: each is mostly a handful of short programs.
const WORKERS: usize = 2;

/// Whether the matrix has a row of this name.
pub fn has_row(name: &str) -> bool {
    rows::all().iter().any(|row| row.name == name)
}

/// What the command line asks for.
struct Asked {
    /// Compare the page and don't write it.
    check: bool,
    /// Where to leave the stores, to be looked at.
    keep: Option<PathBuf>,
    /// Rows by name; none: all of them, and the page.
    names: Vec<String>,
}

/// Does what is asked.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    if !program::works(workspace.command("python3").arg("--version")) {
        return Ok(Tally::skipped("the tamper matrix: there is no python3"));
    }
    let asked = asked(arguments)?;
    let rows = chosen(&asked.names)?;
    let scratch = Scratch::new()?;
    let directory = match &asked.keep {
        Some(keep) => std::path::absolute(keep)?,
        None => scratch.path().to_path_buf(),
    };
    let program = workspace.built_program()?.join("indelible");
    let base = Base::build(workspace, &program, &directory)?;
    let judged = judged(&base, &rows)?;
    let mut tally = Tally::default();
    let mut whole = Vec::new();
    for (row, cells) in rows.iter().zip(judged) {
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => {
                println!("{error:#}");
                tally.add(Tally::broken());
                continue;
            }
        };
        let faults = table::faults(row, &cells);
        for fault in &faults {
            println!("{}: {fault}", row.name);
        }
        if !asked.names.is_empty() {
            println!("{}\n{}", row.name, table::shown(&cells));
        }
        tally.add(Tally::one(faults.is_empty()));
        whole.push(cells);
    }
    if asked.names.is_empty() && whole.len() == rows.len() {
        tally.add(page(workspace, &asked, &table::page(&rows, &whole))?);
    }
    Ok(tally)
}

fn asked(arguments: &[String]) -> Result<Asked> {
    let mut asked = Asked {
        check: false,
        keep: None,
        names: Vec::new(),
    };
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        match argument.as_str() {
            "--check" => asked.check = true,
            "--keep" => asked.keep = Some(left.next().context("--keep DIR")?.into()),
            name => asked.names.push(name.to_owned()),
        }
    }
    Ok(asked)
}

/// The rows of these names, or all; each name only once.
fn chosen(names: &[String]) -> Result<Vec<&'static Row>> {
    let rows = rows::all();
    for name in names {
        ensure!(
            rows.iter().any(|row| row.name == name),
            "no row is called {name}"
        );
    }
    Ok(rows
        .into_iter()
        .filter(|row| names.is_empty() || names.iter().any(|name| name == row.name))
        .collect())
}

/// The four cells of each row, in the rows' order.
fn judged(base: &Base, rows: &[&'static Row]) -> Result<Vec<Result<[Cell; 4]>>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<[Cell; 4]>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(row) = rows.get(at) else { break };
                    let cells = columns::judge(base, row).with_context(|| row.name.to_owned());
                    if let Ok(mut done) = done.lock() {
                        done.push((at, cells));
                    }
                }
            });
        }
    });
    let mut done = done
        .into_inner()
        .map_err(|_| anyhow::anyhow!("a worker ended early"))?;
    done.sort_by_key(|(at, _)| *at);
    ensure!(done.len() == rows.len(), "not every row was judged");
    Ok(done.into_iter().map(|(_, cells)| cells).collect())
}

/// Writes the page, or compares it.
fn page(workspace: &Workspace, asked: &Asked, made: &str) -> Result<Tally> {
    if !asked.check {
        std::fs::write(workspace.root.join(PAGE), made).context(PAGE)?;
        println!("wrote {PAGE}");
        return Ok(Tally::default());
    }
    let there = workspace.read(PAGE).unwrap_or_default();
    let differs = there
        .lines()
        .zip(made.lines())
        .find(|(there, made)| there != made);
    if let Some((there, made)) = differs {
        println!("{PAGE} is not what was found:\n- {there}\n+ {made}");
    } else if there != made {
        println!("{PAGE} is shorter or longer than what was found");
    }
    if there != made {
        println!("`cargo xtask tamper` writes it anew");
    }
    Ok(Tally::one(there == made))
}
