//! The page: rows in groups, four cells each; and what is wrong with a row whose cells are not what it says.

use super::rows::{self, COLUMNS, Row};

/// What one party says.
#[derive(Clone)]
pub struct Cell {
    /// As printed, without what differs from run to run.
    pub text: String,
    /// Whether it says more than that all is well.
    pub sees: bool,
}

impl Cell {
    /// Nothing against it.
    pub fn well(text: &str) -> Cell {
        Cell {
            text: text.to_owned(),
            sees: false,
        }
    }

    /// Something against it.
    pub fn seen(text: String) -> Cell {
        Cell { text, sees: true }
    }
}

/// Why a row is not as it should be.
pub fn faults(row: &Row, cells: &[Cell; 4]) -> Vec<String> {
    let mut faults = Vec::new();
    for (column, fragment) in row.must {
        let cell = cells.get(column.place());
        if !cell.is_some_and(|cell| cell.sees && cell.text.contains(fragment)) {
            let text = cell.map(|cell| cell.text.as_str()).unwrap_or_default();
            faults.push(format!("{} should say `{fragment}`: {text}", column.name()));
        }
    }
    for column in COLUMNS {
        let sees = cells.get(column.place()).is_some_and(|cell| cell.sees);
        match (sees, row.why(column)) {
            (false, None) => faults.push(format!(
                "{} sees nothing, and the row does not say why",
                column.name()
            )),
            (true, Some(_)) => faults.push(format!(
                "{} sees it, and the row says why it should not",
                column.name()
            )),
            _ => {}
        }
    }
    let unseen = cells.iter().all(|cell| !cell.sees);
    match (unseen, rows::unseen(row)) {
        (true, None) => faults
            .push("nobody sees it, and it is not in the list of what nobody has to see".to_owned()),
        (false, Some(_)) => faults
            .push("somebody sees it, and it is in the list of what nobody has to see".to_owned()),
        _ => {}
    }
    faults
}

/// The cells on the terminal.
pub fn shown(cells: &[Cell; 4]) -> String {
    let lines = COLUMNS.iter().zip(cells).map(|(column, cell)| {
        let mark = if cell.sees { "sees" } else { "-   " };
        format!("  {mark} {:<9} {}", column.name(), cell.text)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The whole page.
pub fn page(rows: &[&Row], cells: &[[Cell; 4]]) -> String {
    let mut page = rows::HEADING.to_owned();
    for group in rows::GROUPS {
        page.push_str(&format!("\n## {}\n\n", group.title));
        page.push_str("| what is done | next start | `verify` | `verify.py` on the export | held elsewhere |\n");
        page.push_str("| --- | --- | --- | --- | --- |\n");
        for (row, cells) in rows.iter().zip(cells) {
            if group.rows.iter().any(|of_group| of_group.name == row.name) {
                page.push_str(&line(row, cells));
            }
        }
    }
    page.push_str(&unseen());
    page
}

fn line(row: &Row, cells: &[Cell; 4]) -> String {
    let mut line = format!("| {} <br> `{}` |", row.what, row.name);
    for (column, cell) in COLUMNS.iter().zip(cells) {
        let text = match row.why(*column) {
            Some(why) if !cell.sees => {
                format!("{}: {why}", if cell.text == "-" { "–" } else { &cell.text })
            }
            _ => cell.text.clone(),
        };
        line.push_str(&format!(" {} |", text.replace('|', "\\|")));
    }
    line.push('\n');
    line
}

fn unseen() -> String {
    let mut text = "\n## Seen by nobody\n\nRows in which all four find nothing, and why that is right. The command fails if a row that is not in this list is seen by nobody.\n\n".to_owned();
    for (name, why) in rows::UNSEEN {
        text.push_str(&format!("- `{name}`: {why}\n"));
    }
    text
}
