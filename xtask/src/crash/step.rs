//! What is done to a node: the commands that a history is made of, with what they are fed and what they answer.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::node::{Ended, Feed, Node, run};

/// Where the receipts of [`Step::AppendFile`] go.
const RECEIPTS: &str = "receipts";

/// One command, with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `init`, with the smallest tail files there can be and a register.
    Init,
    /// `log create`.
    CreateLog,
    /// `append` with keys: each event sent only after the receipt for the one before came.
    Append {
        batch: &'static str,
        events: usize,
    },
    /// `append` as a stream, the input there at once, receipts into a file.
    AppendFile {
        batch: &'static str,
        events: usize,
    },
    Seal,
    Merge,
    Rotate,
}

/// A receipt that was handed out, and for what.
#[derive(Clone, Debug)]
pub struct Given {
    /// The event as it was sent, in the form it is recorded in.
    pub event: String,
    pub seq: u64,
    pub entry: String,
    pub salt: String,
    pub receipt: String,
}

impl Given {
    /// Whether it names the same record.
    pub fn is_same(&self, other: &Given) -> bool {
        (&self.event, self.seq, &self.entry, &self.salt)
            == (&other.event, other.seq, &other.entry, &other.salt)
    }
}

impl Step {
    /// The command, ready to be run or to be watched.
    pub fn command(self, node: &Node) -> Command {
        match self {
            Step::Init => {
                let (keys, register) = (
                    node.root().join(Node::KEYS),
                    node.root().join(Node::REGISTER),
                );
                let mut command = node.command(&[
                    "init",
                    "--origin",
                    "audit.example.org",
                    "--tail-size",
                    "64KiB",
                    "--accept-volatile",
                ]);
                command.arg("--keys").arg(keys);
                command.arg("--register").arg(register);
                command
            }
            Step::CreateLog => node.command(&["log", "create", "payments"]),
            Step::Append { .. } => node.command(&[
                "append",
                "--log",
                "payments",
                "--key-field",
                "id",
                "--receipts",
                "-",
            ]),
            Step::AppendFile { .. } => node.command(&[
                "append",
                "--log",
                "payments",
                "--stream",
                "file",
                "--receipts",
                RECEIPTS,
            ]),
            Step::Seal => node.command(&["seal"]),
            Step::Merge => node.command(&["merge"]),
            Step::Rotate => node.command(&["key", "rotate"]),
        }
    }

    /// Whether it can't be run a second time because it has been done.
    pub fn is_done(self, node: &Node) -> Result<bool> {
        match self {
            Step::Init => Ok(node.store().join("FORMAT").exists()),
            Step::CreateLog => Ok(node.run(&["log", "show", "payments"])?.code == Some(0)),
            _ => Ok(false),
        }
    }

    /// How it is fed.
    pub fn feed(self) -> Feed {
        match self {
            Step::Append { .. } => Feed::OneByOne,
            Step::AppendFile { .. } => Feed::AtOnce,
            _ => Feed::Nothing,
        }
    }

    /// The events it sends; each is like no other.
    pub fn events(self) -> Vec<String> {
        let (batch, events) = match self {
            Step::Append { batch, events } | Step::AppendFile { batch, events } => (batch, events),
            _ => return Vec::new(),
        };
        (0..events)
            .map(|number| {
                let pad = "x".repeat(number.wrapping_mul(97) % 700);
                format!(
                    "{{\"id\":\"{batch}-{number}\",\"amount\":\"{number}.00\",\"pad\":\"{pad}\"}}"
                )
            })
            .collect()
    }

    /// Runs it.
    pub fn run(self, node: &Node) -> Result<Ended> {
        self.run_as(self.command(node))
    }

    /// Runs what [`Self::command`] gave, with whatever was added to it.
    pub fn run_as(self, command: Command) -> Result<Ended> {
        run(command, self.feed(), &self.events())
    }

    /// The receipts that a run handed out: in what it said, or in the file that it was to write them to.
    pub fn given(self, node: &Node, said: &[String]) -> Result<Vec<Given>> {
        let from_file;
        let lines: Vec<&str> = match self {
            Step::Append { .. } => said.iter().map(String::as_str).collect(),
            Step::AppendFile { .. } => {
                from_file = std::fs::read_to_string(node.root().join(RECEIPTS)).unwrap_or_default();
                // A line that a kill cut off is left as it is by the next run, which adds its own.
                let is_whole = |line: &&str| serde_json::from_str::<Value>(line).is_ok();
                from_file.lines().filter(is_whole).collect()
            }
            _ => Vec::new(),
        };
        let events = self.events();
        lines.into_iter().map(|line| given(line, &events)).collect()
    }
}

/// A line of receipts, and the event it is for: what was sent as number *n* is told by the head's `key` or `n`.
pub fn given(line: &str, events: &[String]) -> Result<Given> {
    let receipt: Value = serde_json::from_str(line).with_context(|| format!("receipt {line}"))?;
    let text = |name: &str| -> Result<String> {
        let text = receipt[name]
            .as_str()
            .with_context(|| format!("receipt without {name}"))?;
        Ok(text.to_owned())
    };
    let whole = text("receipt")?;
    let head = indelible_proof::receipt::Receipt::parse(whole.as_bytes())
        .ok()
        .context("a receipt that is none")?
        .head;
    let head: Value = serde_json::from_slice(&head)?;
    let place = match (head["key"].as_str(), head["n"].as_u64()) {
        (Some(key), _) => events
            .iter()
            .position(|event| event.starts_with(&format!("{{\"id\":\"{key}\""))),
        (None, Some(number)) => usize::try_from(number).ok(),
        (None, None) => None,
    };
    let event = place.and_then(|place| events.get(place));
    ensure!(event.is_some(), "a receipt for what nobody sent: {head}");
    Ok(Given {
        event: event.cloned().unwrap_or_default(),
        seq: receipt["seq"].as_u64().context("receipt without seq")?,
        entry: text("entry")?,
        salt: text("salt")?,
        receipt: whole,
    })
}
