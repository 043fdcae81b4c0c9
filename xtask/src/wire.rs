//! `cargo xtask wire`: schemathesis asks a node everything that its OpenAPI document allows, and what it forbids.
//!
//! Others wrote it: it makes requests from the document alone and compares what comes back with it. It goes into a virtual environment
//! under `target`, at a version of our choice; where Python or the network is missing, one line says so.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::program::{self, Scratch};
use crate::tally::Tally;
use crate::workspace::Workspace;

const VERSION: &str = "4.32.5";
const DOCUMENT: &str = "crates/api/openapi.json";
/// The one log of a node that was made to try things with.
const LOG: &str = "app";
/// Requests for each operation; minutes at most.
const EXAMPLES: &str = "60";
const SECONDS: &str = "40";
/// What counts as refused: the tool's own list, and 413, which the document gives for more than is recorded together.
const REFUSED: &str = "[400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, \"5xx\"]";
/// How what is allowed may be answered: what is too long as a whole is refused with 413, which no schema can say.
const ANSWERED: &str = "[\"2xx\", \"3xx\", 401, 403, 404, 409, 413, 429, \"5xx\"]";
/// The same for reading: of parameters that exclude each other, or ask for nothing, no schema can say that either, and they get 400.
const READ: &str = "[\"2xx\", \"3xx\", 400, 401, 403, 404, 409, 413, 429, \"5xx\"]";
/// The listeners, and who asks each.
const ASKED: [(&str, &str); 3] = [
    ("ingest", "producer"),
    ("query", "reader"),
    ("verify", "auditor"),
];
/// An answer that never ends is no answer for this tool; `crates/server/tests/reads_watch.rs` asks for it.
const ENDLESS: &str = "/v1/logs/{log}/watch";
/// Installing takes half a minute where packages come quickly.
const INSTALL_MAX: Duration = Duration::from_secs(300);
/// A node that has said nothing by then never will.
const START_MAX: Duration = Duration::from_secs(30);

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    let seed = match arguments {
        [] => "1",
        [name, seed] if name == "--seed" => seed,
        _ => bail!("--seed N"),
    };
    let Some(schemathesis) = installed(workspace)? else {
        return Ok(Tally::skipped(format!(
            "wire: schemathesis {VERSION} could not be installed (Python with venv, and its package index)"
        )));
    };
    let node = Node::start(workspace)?;
    let mut tally = Tally::default();
    for (purpose, party) in ASKED {
        let asked = ask(workspace, &schemathesis, &node, seed, purpose, party)?;
        println!(
            "{} {purpose}, as {party}",
            if asked { "holds: " } else { "BROKEN:" }
        );
        tally.add(Tally::one(asked));
    }
    Ok(tally)
}

/// Where its program is, once it is there.
fn installed(workspace: &Workspace) -> Result<Option<PathBuf>> {
    let place = workspace
        .target()?
        .join(format!("tools/schemathesis-{VERSION}"));
    let program = place.join("bin/schemathesis");
    if program::works(Command::new(&program).arg("--version")) {
        return Ok(Some(program));
    }
    let made = program::within(
        program::command("python3").args(["-m", "venv"]).arg(&place),
        INSTALL_MAX,
    );
    if !made.is_ok_and(|made| made.well) {
        return Ok(None);
    }
    let package = format!("schemathesis=={VERSION}");
    let pip = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &package,
    ];
    let installed = program::within(
        program::command(&place.join("bin/pip").display().to_string()).args(pip),
        INSTALL_MAX,
    )?;
    Ok(installed.well.then_some(program))
}

/// Has it ask all operations of one purpose.
fn ask(
    workspace: &Workspace,
    schemathesis: &Path,
    node: &Node,
    seed: &str,
    purpose: &str,
    party: &str,
) -> Result<bool> {
    let scratch = Scratch::new()?;
    let document = scratch.path().join("openapi.json");
    let text = std::fs::read_to_string(workspace.root.join(DOCUMENT))?;
    std::fs::write(
        &document,
        serde_json::to_vec(&of_purpose(serde_json::from_str(&text)?, purpose))?,
    )?;
    let answered = if purpose == "ingest" { ANSWERED } else { READ };
    let configuration = format!(
        "[checks]\nnegative_data_rejection.expected-statuses = {REFUSED}\npositive_data_acceptance.expected-statuses = {answered}\n"
    );
    std::fs::write(scratch.path().join("schemathesis.toml"), configuration)?;
    // Where events go is a variable; where others ask stands in the list of places.
    let url = match purpose {
        "ingest" => node.said("INDELIBLE_NODE")?,
        _ => node.said(purpose)?,
    }
    .to_owned();
    let certificate = node.said(party)?;
    let mut command = program::command(&schemathesis.display().to_string());
    command
        .current_dir(scratch.path())
        .arg("run")
        .arg(&document)
        .args([
            "--url",
            &url,
            "--tls-verify",
            node.said("INDELIBLE_CA")?,
            "--request-cert",
            certificate,
            "--request-cert-key",
            &certificate.replace(".pem", ".key"),
            "--max-examples",
            EXAMPLES,
            "--max-time",
            SECONDS,
            "--seed",
            seed,
            "--phases",
            "examples,fuzzing",
            "--continue-on-failure",
            // It complains of its own pace on a machine that is slow just then.
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
        ]);
    let ended = program::within(&mut command, INSTALL_MAX)?;
    if !ended.well {
        println!("{}", ended.printed);
    }
    Ok(ended.well)
}

/// The document with the operations of this purpose, about the log that is there.
fn of_purpose(mut document: Value, purpose: &str) -> Value {
    document["components"]["parameters"]["log"]["schema"] = json!({ "enum": [LOG] });
    let is_of = |operation: &Value| {
        let tags = operation["tags"].as_array();
        tags.is_some_and(|tags| tags.iter().any(|tag| tag == purpose || tag == "any"))
    };
    if let Some(paths) = document["paths"].as_object_mut() {
        for operations in paths.values_mut().filter_map(Value::as_object_mut) {
            operations.retain(|_, operation| is_of(operation));
        }
        paths.retain(|path, operations| {
            path != ENDLESS && operations.as_object().is_some_and(|left| !left.is_empty())
        });
    }
    document
}

/// The last thing that a node to try things with says where it is.
const LAST_SAID: &str = "operator";

/// A node on loopback that goes away with this value.
struct Node {
    process: Child,
    /// What it says of itself, as `export NAME=VALUE` or in two columns.
    said: HashMap<String, String>,
    _scratch: Scratch,
}

impl Node {
    fn start(workspace: &Workspace) -> Result<Node> {
        let scratch = Scratch::new()?;
        let printed = scratch.path().join("printed");
        let file = File::create(&printed)?;
        let program = workspace.built_program()?.join("indelible");
        let mut command = program::command(&program.display().to_string());
        command.arg("dev").stdout(file).stderr(Stdio::null());
        let mut node = Node {
            process: command.spawn().context("indelible dev")?,
            said: HashMap::new(),
            _scratch: scratch,
        };
        let begin = Instant::now();
        while !node.said.contains_key(LAST_SAID) {
            ensure!(begin.elapsed() < START_MAX, "indelible dev said nothing");
            ensure!(node.process.try_wait()?.is_none(), "indelible dev ended");
            std::thread::sleep(Duration::from_millis(20));
            let lines = BufReader::new(File::open(&printed)?).lines();
            let said = lines.map_while(Result::ok).filter_map(|line| {
                let (name, value) = match line.strip_prefix("export ") {
                    Some(set) => set.split_once('=')?,
                    None => line.split_once(char::is_whitespace)?,
                };
                Some((name.to_owned(), value.trim().trim_matches('\'').to_owned()))
            });
            node.said = said.collect();
        }
        Ok(node)
    }

    fn said(&self, name: &str) -> Result<&str> {
        let value = self.said.get(name);
        value
            .map(String::as_str)
            .with_context(|| format!("indelible dev does not say {name}"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        program::works(Command::new("kill").args(["-TERM", &id]));
        if let Err(error) = self.process.wait() {
            println!("indelible dev: {error}");
        }
    }
}
