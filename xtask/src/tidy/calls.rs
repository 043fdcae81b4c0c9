//! What must not stand in a source file, and what must.

use anyhow::Result;

use super::rust::{self, Source, line_of, places_of, without_words};
use crate::workspace::Workspace;

/// Each with what to do instead.
const MISTAKES: [(&str, &str); 8] = [
    (
        ".unwrap()",
        "give the error on, or `expect` with the invariant as its text",
    ),
    (
        "todo!",
        "write it, or a `GAP:` comment with its consequence",
    ),
    (
        "unimplemented!",
        "write it, or a `GAP:` comment with its consequence",
    ),
    ("dbg!", "remove it"),
    (
        "println!",
        "a library gives values; the program prints them",
    ),
    ("print!", "a library gives values; the program prints them"),
    (
        "eprintln!",
        "a library gives values; the program prints them",
    ),
    ("eprint!", "a library gives values; the program prints them"),
];

/// Libraries neither panic nor print by mistake. Tests and examples may.
pub fn mistakes(workspace: &Workspace) -> Result<Vec<String>> {
    Ok(libraries(workspace)?.iter().flat_map(mistakes_in).collect())
}

fn mistakes_in(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (word, instead) in MISTAKES {
        for at in places_of(&source.code, word) {
            found.push(format!(
                "{}:{}: {word}: {instead}",
                source.path,
                line_of(&source.code, at)
            ));
        }
    }
    found
}

/// A test that is not run shows nothing.
pub fn ignored(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in workspace.files(".rs")? {
        found.extend(ignored_in(&path, &workspace.read(&path)?));
    }
    Ok(found)
}

fn ignored_in(path: &str, text: &str) -> Vec<String> {
    let code = without_words(text);
    let places = places_of(&code, "#[ignore");
    places
        .map(|at| {
            format!(
                "{path}:{}: #[ignore]: make it run everywhere, or remove it",
                line_of(&code, at)
            )
        })
        .collect()
}

/// The opening comment says what a module owns, promises and deliberately does not know.
pub fn opening_comments(workspace: &Workspace) -> Result<Vec<String>> {
    let libraries = libraries(workspace)?;
    let silent = libraries
        .iter()
        .filter(|source| !source.text.starts_with("//!"));
    Ok(silent
        .map(|source| {
            format!(
                "{}:1: begin with //! and what this module owns",
                source.path
            )
        })
        .collect())
}

fn libraries(workspace: &Workspace) -> Result<Vec<Source>> {
    let mut sources = rust::sources(workspace)?;
    sources.retain(|source| source.is_library(workspace));
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_found_outside_tests_comments_and_texts() {
        let text = "/// x.unwrap()\nfn a() {\n    eprintln!(\"dbg!\");\n    b.unwrap();\n    b.unwrap_or(c);\n}\n#[test]\nfn t() { b.unwrap(); }\n";
        let found = mistakes_in(&Source::new("a.rs", text.to_owned()));
        let places: Vec<&str> = found
            .iter()
            .filter_map(|line| line.split(": ").next())
            .collect();
        assert_eq!(places, ["a.rs:4", "a.rs:3"], "{found:?}");
    }

    #[test]
    fn an_ignored_test_is_found() {
        let attribute = ["#[", "ignore]"].concat();
        assert_eq!(
            ignored_in("a.rs", &format!("#[test]\n{attribute}\nfn a() {{}}")).len(),
            1
        );
        assert_eq!(ignored_in("a.rs", &format!("// {attribute}")).len(), 0);
    }
}
