//! What a page claims is shown by a test that exists.
//!
//! On the pages below every row of a table names what shows it: `FILE.rs::TEST`, a test function in that file, or `tamper ROW`, a row of
//! the tamper matrix. Whatever is named so anywhere on them has to be there.

use anyhow::Result;

use super::markdown::Page;
use crate::tamper::has_row;
use crate::workspace::Workspace;

const PAGES: [&str; 2] = ["docs/threat-model.md", "docs/incidents.md"];

const ROW: &str = "tamper ";

pub fn rule(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in PAGES.iter().filter(|path| workspace.has(path)) {
        let text = workspace.read(path)?;
        let page = Page::new(&text);
        let named: Vec<&(usize, String)> = page
            .spans
            .iter()
            .filter(|(_, span)| span.starts_with(ROW) || span.contains(".rs::"))
            .collect();
        for (line, span) in &named {
            if let Some(fault) = fault(workspace, span)? {
                found.push(format!("{path}:{line}: `{span}`: {fault}"));
            }
        }
        let bare = rows(&text)
            .into_iter()
            .filter(|row| !named.iter().any(|(line, _)| line == row));
        found.extend(bare.map(|line| format!("{path}:{line}: names no test that shows it")));
    }
    Ok(found)
}

/// Line numbers, from 1, of the rows of tables, without their headings.
fn rows(text: &str) -> Vec<usize> {
    let mut rows = Vec::new();
    let mut in_table = 0_usize;
    for (line, number) in text.lines().zip(1..) {
        in_table = match line.starts_with('|') {
            true => in_table.saturating_add(1),
            false => 0,
        };
        if in_table > 2 {
            rows.push(number);
        }
    }
    rows
}

fn fault(workspace: &Workspace, span: &str) -> Result<Option<&'static str>> {
    if let Some(row) = span.strip_prefix(ROW) {
        return Ok((!has_row(row)).then_some("the tamper matrix has no such row"));
    }
    let Some((file, test)) = span.split_once("::") else {
        return Ok(Some("neither FILE.rs::TEST nor a row of the tamper matrix"));
    };
    if !workspace.has(file) {
        return Ok(Some("no such file"));
    }
    Ok((!has_test(&workspace.read(file)?, test)).then_some("no such test in that file"))
}

/// Whether a source has a function of this name under `#[test]`, other attributes between them or not.
fn has_test(source: &str, name: &str) -> bool {
    let begins = [format!("fn {name}("), format!("async fn {name}(")];
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut found = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| begins.iter().any(|begin| line.starts_with(begin)));
    found.any(|(at, _)| {
        let above = lines.get(..at).unwrap_or_default().iter().rev();
        let mut attributes = above.take_while(|line| line.starts_with("#["));
        attributes.any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_a_function_under_its_attribute() {
        let source =
            "#[test]\n#[cfg(unix)]\nfn it_holds() {}\nfn helper() {}\n// fn it_sleeps() {}\n";
        assert!(has_test(source, "it_holds"));
        for name in ["helper", "it_sleeps", "it_hold", "holds"] {
            assert!(!has_test(source, name), "{name}");
        }
    }

    #[test]
    fn rows_are_what_stands_below_a_tables_heading() {
        let text = "a\n| x |\n| --- |\n| 1 |\n| 2 |\n\n| y |\n| --- |\n";
        assert_eq!(rows(text), [4, 5]);
    }
}
