//! Which crate may use which.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::program;
use crate::workspace::Workspace;

/// From the ground up. A crate uses crates of lower layers.
const LAYERS: [&[&str]; 6] = [
    &["hint"],
    &["proof", "store"],
    &["ledger"],
    &["query"],
    &["api", "client"],
    &["cli", "server"],
];

/// The arrows within a layer: the client speaks the wire's types, and the program is one binary that can also serve.
const SIDEWAYS: [(&str, &str); 2] = [("client", "api"), ("cli", "server")];

/// The first layer where text formats and sockets are known.
const WIRE: usize = 4;

/// Crates that may use everything and that nothing uses.
const TOOLS: [&str; 3] = ["bench", "sim", "xtask"];

/// What must not be among the dependencies of a crate below the wire, nor of their dependencies.
const NOT_BELOW_WIRE: [&str; 11] = [
    "async-executor",
    "async-io",
    "async-std",
    "futures",
    "futures-core",
    "futures-util",
    "mio",
    "serde",
    "serde_core",
    "smol",
    "tokio",
];

/// Each arrow between two crates of ours goes down.
pub fn arrows(workspace: &Workspace) -> Result<Vec<String>> {
    let packages = workspace.metadata["packages"]
        .as_array()
        .context("no packages")?;
    Ok(packages.iter().flat_map(wrong_arrows).collect())
}

fn wrong_arrows(package: &Value) -> Vec<String> {
    let user = short(package["name"].as_str().unwrap_or_default());
    if TOOLS.contains(&user) {
        return Vec::new();
    }
    if layer_of(user).is_none() {
        return vec![format!(
            "the crate {user} has no layer: give it one in xtask/src/tidy/layers.rs"
        )];
    }
    let ours = package["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|dependency| dependency["path"].is_string());
    let used = ours.map(|dependency| short(dependency["name"].as_str().unwrap_or_default()));
    let wrong = used.filter(|used| !may_use(user, used));
    wrong
        .map(|used| format!("{user} must not use {used}: the arrow does not go down"))
        .collect()
}

fn may_use(user: &str, used: &str) -> bool {
    layer_of(used) < layer_of(user) && layer_of(used).is_some() || SIDEWAYS.contains(&(user, used))
}

fn layer_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

fn short(name: &str) -> &str {
    name.strip_prefix("indelible-").unwrap_or(name)
}

/// Below the wire there is no serde and no async runtime, also not by way of others; and `proof` has no `std`.
pub fn ground(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in LAYERS.iter().take(WIRE).copied().flatten() {
        if !workspace.has(&format!("crates/{name}/Cargo.toml")) {
            continue;
        }
        // The graph of this package alone, as cargo resolves it: features that only others ask for are not in it.
        let package = format!("indelible-{name}");
        let tree = [
            "tree",
            "--package",
            &package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ];
        let tree = program::output(workspace.command("cargo").args(tree))?;
        found.extend(unwanted(&tree).into_iter().map(|other| {
            format!("{name} depends on {other}: see cargo tree -p {package} -i {other}")
        }));
    }
    if !workspace
        .read("crates/proof/src/lib.rs")?
        .lines()
        .any(|line| line == "#![no_std]")
    {
        found.push("crates/proof/src/lib.rs: #![no_std] is missing".to_owned());
    }
    Ok(found)
}

fn unwanted(tree: &str) -> Vec<&str> {
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut found: Vec<&str> = names.filter(|name| NOT_BELOW_WIRE.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arrows_go_down() {
        assert!(
            may_use("ledger", "proof")
                && may_use("cli", "store")
                && may_use("cli", "server")
                && may_use("client", "api")
        );
        for (user, used) in [
            ("proof", "store"),
            ("store", "ledger"),
            ("api", "client"),
            ("server", "cli"),
            ("cli", "xtask"),
        ] {
            assert!(!may_use(user, used), "{user} {used}");
        }
    }

    #[test]
    fn a_wrong_arrow_is_named_and_a_foreign_crate_is_none() {
        let package = |name: &str, used: &str, path: Value| json!({"name": name, "dependencies": [{"name": used, "path": path}]});
        let check = |package: &Value| wrong_arrows(package).join("\n");
        assert_eq!(check(&package("indelible-store", "serde", Value::Null)), "");
        assert_eq!(check(&package("xtask", "indelible-proof", json!("p"))), "");
        assert_eq!(
            check(&package("indelible-store", "indelible-proof", json!("p"))),
            "store must not use proof: the arrow does not go down"
        );
        assert!(
            check(&package("indelible-utils", "x", Value::Null))
                .starts_with("the crate utils has no layer")
        );
    }

    #[test]
    fn unwanted_crates_are_found_deep_in_the_tree() {
        assert_eq!(
            unwanted(
                "indelible-store v1.1.0 (/x)\nserde_core v1.0.0\ntokio v1.2.3 (*)\ntokio v1.2.3\n"
            ),
            ["serde_core", "tokio"]
        );
    }
}
