//! Every crate we take in has its reason in `docs/dependencies.md`.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use crate::workspace::{Workspace, metadata_of};

const PAGE: &str = "docs/dependencies.md";

/// Workspaces beside the first one.
const OTHERS: [&str; 1] = ["fuzz/Cargo.toml"];

pub fn rule(workspace: &Workspace) -> Result<Vec<String>> {
    if !workspace.has(PAGE) {
        return Ok(Vec::new());
    }
    let mut foreign = foreign(&workspace.metadata);
    for manifest in OTHERS.iter().filter(|manifest| workspace.has(manifest)) {
        foreign.append(&mut self::foreign(&metadata_of(
            &workspace.root.join(manifest),
        )?));
    }
    Ok(unnamed(&foreign, &workspace.read(PAGE)?))
}

/// Each crate that is not ours, and one of ours that uses it.
fn foreign(metadata: &Value) -> BTreeMap<String, String> {
    let mut foreign = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if let (Value::Null, Some(name), Some(user)) = (
                &dependency["path"],
                dependency["name"].as_str(),
                package["name"].as_str(),
            ) {
                foreign.insert(name.to_owned(), user.to_owned());
            }
        }
    }
    foreign
}

fn unnamed(foreign: &BTreeMap<String, String>, page: &str) -> Vec<String> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    let words: Vec<&str> = page.split(|letter| !is_name(letter)).collect();
    let unnamed = foreign
        .iter()
        .filter(|(name, _)| !words.contains(&name.as_str()));
    unnamed
        .map(|(name, user)| {
            format!("{PAGE}: {name}, used by {user}, is not named: say what for and what lost")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_foreign_crate_is_named_as_a_whole_word() {
        let dependencies = json!([{"name": "sha2", "path": null, "kind": "dev"}, {"name": "indelible-proof", "path": "p"}]);
        let foreign = foreign(&json!({"packages": [{"name": "x", "dependencies": dependencies}]}));
        assert_eq!(
            unnamed(&foreign, "| `sha2` | hashes |"),
            Vec::<String>::new()
        );
        assert_eq!(unnamed(&foreign, "sha2-asm").len(), 1);
        assert_eq!(foreign.len(), 1);
    }
}
