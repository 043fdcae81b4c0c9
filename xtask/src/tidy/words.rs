//! Words that say nothing, or more than is true.

use anyhow::Result;

use super::rust::{line_of, places_of};
use crate::workspace::Workspace;

/// Beginnings of words, in lower case. The first five praise; the last two promise what no log can keep.
const BANNED: [&str; 7] = [
    "robust",
    "comprehensive",
    "seamless",
    "blazing",
    "enterprise-grade",
    "tamper-proof",
    "tamperproof",
];

pub fn rule(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in workspace.files(".md")? {
        found.extend(banned_in(&path, &workspace.read(&path)?));
    }
    Ok(found)
}

fn banned_in(path: &str, text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let mut found = Vec::new();
    for word in BANNED {
        for at in places_of(&text, word) {
            found.push(format!(
                "{path}:{}: \"{word}\": say what is true instead",
                line_of(&text, at)
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::banned_in;

    #[test]
    fn banned_words_are_found_in_any_case_and_form() {
        assert_eq!(
            banned_in("a.md", "fine\nRobustness and\n`Tamper-Proof`").len(),
            2
        );
        assert_eq!(
            banned_in("a.md", "tamper-evident, incomprehensive"),
            Vec::<String>::new()
        );
    }
}
