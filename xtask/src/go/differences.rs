//! Where we and another program answer differently on purpose: the table in `interop/README.md`.
//!
//! A difference must be in exactly one row, and every row must show itself, so that the table is neither short nor stale.

use anyhow::{Result, ensure};

use crate::tally::Tally;
use crate::workspace::Workspace;

const PAGE: &str = "interop/README.md";
const HEADER: &str = "| what | case | here | there | why |";

/// One case on which the answers differ.
pub struct Difference {
    pub what: &'static str,
    pub case: String,
    pub here: String,
    pub there: String,
}

struct Row {
    cells: [String; 4],
    seen: bool,
}

/// Holds the differences against the rows of the table about what was asked.
pub fn check(workspace: &Workspace, asked: &[&str], found: &[Difference]) -> Result<Tally> {
    let mut rows = rows(&workspace.read(PAGE)?)?;
    let mut wrong = 0_usize;
    for difference in found {
        let is_of = |row: &&mut Row| row.explains(difference);
        let mut of = rows.iter_mut().filter(is_of);
        match (of.next(), of.next()) {
            (Some(row), None) => row.seen = true,
            (first, _) => {
                wrong = wrong.saturating_add(1);
                let Difference {
                    what,
                    case,
                    here,
                    there,
                } = difference;
                let rows = if first.is_some() {
                    "two rows"
                } else {
                    "no row"
                };
                let (case, here, there) = (short(case), short(here), short(there));
                println!("    | {what} | {case} | {here} | {there} |: {rows}");
            }
        }
    }
    let is_stale = |row: &&Row| !row.seen && asked.contains(&row.cells[0].as_str());
    for row in rows.iter().filter(is_stale) {
        wrong = wrong.saturating_add(1);
        println!("    | {} |: does not show itself", row.cells.join(" | "));
    }
    let what = format!("{} differences, each explained in {PAGE}", found.len());
    Ok(super::held(&what, wrong == 0))
}

impl Row {
    fn explains(&self, difference: &Difference) -> bool {
        let [what, case, here, there] = &self.cells;
        what == difference.what
            && fits(case, &difference.case)
            && fits(here, &difference.here)
            && fits(there, &difference.there)
    }
}

fn rows(page: &str) -> Result<Vec<Row>> {
    let lines = page.lines().skip_while(|line| *line != HEADER).skip(2);
    let mut rows = Vec::new();
    for line in lines.take_while(|line| line.starts_with('|')) {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect();
        ensure!(cells.len() == 5, "{PAGE}: five cells: {line}");
        ensure!(!cells[4].is_empty(), "{PAGE}: no reason: {line}");
        let cells = std::array::from_fn(|at| cells[at].clone());
        rows.push(Row { cells, seen: false });
    }
    ensure!(!rows.is_empty(), "{PAGE}: no table {HEADER}");
    Ok(rows)
}

/// Some answers are as long as what was asked about.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// `*` at the end stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => text.starts_with(begin),
        None => pattern == text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_explains_what_it_names_and_nothing_else() {
        let page = format!(
            "x\n{HEADER}\n| --- | --- | --- | --- | --- |\n| note | the good line* | malformed | ok | why |\n\nend\n"
        );
        let rows = rows(&page).unwrap();
        let difference = |what, case: &str, there: &str| Difference {
            what,
            case: case.to_owned(),
            here: "malformed".to_owned(),
            there: there.to_owned(),
        };
        for (difference, explained) in [
            (difference("note", "the good line twice", "ok"), true),
            (difference("note", "a good line", "ok"), false),
            (difference("vkey", "the good line twice", "ok"), false),
            (difference("note", "the good line twice", "invalid"), false),
        ] {
            assert_eq!(rows[0].explains(&difference), explained);
        }
        assert!(self::rows("no table").is_err());
        assert!(self::rows(&page.replace("| why |", "|  |")).is_err());
    }
}
