//! What can be typed: the commands, the options they share, and the first page of help.

use crate::commands::{
    append, clock, completions, config, demo, dev, event, explain, export, get, init, inspect, key,
    log, man, merge, pin, prove, quickstart, receipt, seal, serve, status, stream, verify, watch,
    whoami,
};
use crate::exit;
use crate::keys::Passphrase;
use crate::node::Reading;
use crate::remote;
use crate::say::{self, Failure};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use indelible_api::occurred;
use indelible_client::{Border, Client, Selection};
use indelible_ledger::{Log, Side};
use indelible_proof::time::Time;
use std::ffi::OsString;
use std::path::PathBuf;

/// The whole command line.
#[derive(Parser)]
#[command(
    name = "indelible",
    version,
    about = "A tamper-evident audit log: what was recorded can't be changed unnoticed."
)]
pub struct Cli {
    #[command(flatten)]
    pub store: StoreArg,
    #[command(subcommand)]
    pub command: Command,
}

/// Which store.
#[derive(Args, Clone)]
pub struct StoreArg {
    /// Directory of the store, if not in INDELIBLE_STORE
    #[arg(long, value_name = "DIR", global = true)]
    store: Option<PathBuf>,
}

impl StoreArg {
    /// Whether one was named on the command line.
    pub fn is_typed(&self) -> bool {
        self.store.is_some()
    }

    /// A store that something else than the command line names.
    pub fn at(directory: PathBuf) -> StoreArg {
        StoreArg {
            store: Some(directory),
        }
    }

    /// The directory that was named.
    pub fn directory(&self) -> Result<PathBuf, Failure> {
        let named = self
            .store
            .clone()
            .or_else(|| from_environment("INDELIBLE_STORE").map(PathBuf::from));
        named.ok_or_else(say::no_store_named)
    }
}

/// What the environment says where the command line doesn't. An empty value is none.
pub fn from_environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// What every command that writes takes.
#[derive(Args, Clone, Default)]
pub struct WriteArgs {
    /// Directory of the node secret, if not where `init` put it
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// File with the passphrase of the secret, if it has one [default: the credential indelible-passphrase, or the terminal]
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// The store was copied or moved here on purpose; this is recorded
    #[arg(long)]
    pub moved: bool,
    /// The register is lost, and you go on without what it remembered; this is recorded
    #[arg(long)]
    pub register_lost: bool,
}

impl WriteArgs {
    /// Who is asked for the passphrase.
    pub fn passphrase(&self) -> Passphrase {
        Passphrase {
            file: self.passphrase_file.clone(),
        }
    }
}

/// Records `--from` to `--to`, both included, or those of a time.
#[derive(Args, Clone, Default)]
pub struct RangeArgs {
    /// First record [default: 0]
    #[arg(long, value_name = "SEQ")]
    pub from: Option<u64>,
    /// Last record, included [default: the newest]
    #[arg(long, value_name = "SEQ")]
    pub to: Option<u64>,
    /// In place of --from: only records made at this time or later, such as 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    pub after: Option<String>,
    /// In place of --to: only records made before this time
    #[arg(long, value_name = "TIME", conflicts_with = "to")]
    pub before: Option<String>,
}

impl RangeArgs {
    /// One record.
    pub fn one(seq: u64) -> RangeArgs {
        RangeArgs {
            from: Some(seq),
            to: Some(seq),
            ..RangeArgs::default()
        }
    }

    /// By seqs alone, as they lie in a store; none if no record was made in that time.
    pub fn located(&self, reading: &Reading, log: &Log) -> Result<Option<RangeArgs>, Failure> {
        let size = log.size();
        let border = |text: &String| -> Result<Border, Failure> {
            let (books, time) = (&reading.books, read_time(text)?);
            let found = books.size_at(log, &time, Side::Before, size);
            let first = found.map_err(|error| reading.failed(&error))?;
            let is_there = first < size;
            Ok(Border { first, is_there })
        };
        let after = self.after.as_ref().map(border).transpose()?;
        let before = self.before.as_ref().map(border).transpose()?;
        // Where all were made before it, it bounds nothing.
        Ok(self.between(after, before.filter(|border| border.is_there)))
    }

    /// The same as a node proves where they lie. More may come meanwhile: a range that ends does not take them in.
    pub async fn located_at(
        &self,
        client: &Client,
        log: &str,
    ) -> Result<Option<RangeArgs>, Failure> {
        let border = async |text: &Option<String>| -> Result<Option<Border>, Failure> {
            let Some(text) = text else { return Ok(None) };
            let found = client.border(log, read_time(text)?).await;
            found.map(Some).map_err(|error| remote::unread(&error))
        };
        let after = border(&self.after).await?;
        let before = border(&self.before).await?;
        Ok(self.between(after, before))
    }

    /// With borders in place of the times that were given.
    fn between(&self, after: Option<Border>, before: Option<Border>) -> Option<RangeArgs> {
        let from = match after {
            Some(border) if !border.is_there => return None,
            Some(border) => Some(border.first),
            None => self.from,
        };
        let to = match before {
            Some(border) => Some(border.first.checked_sub(1)?),
            None => self.to,
        };
        let by_time = after.is_some() || before.is_some();
        let is_empty = by_time && to.is_some_and(|last| last < from.unwrap_or(0));
        (!is_empty).then_some(RangeArgs {
            from,
            to,
            ..RangeArgs::default()
        })
    }

    /// The range of a log that has `size` records, as first and end.
    pub fn within(&self, name: &str, size: u64) -> Result<std::ops::Range<u64>, Failure> {
        let first = self.from.unwrap_or(0);
        let last = self.to.unwrap_or_else(|| size.saturating_sub(1));
        if last >= size || first >= size {
            let wrong = if first >= size { first } else { last };
            return Err(say::no_such_record(name, wrong, size));
        }
        if first > last {
            return Err(after(first, last));
        }
        Ok(first..last + 1)
    }

    /// The range as a node is asked for it, which knows its end.
    pub fn selection(&self, heads: bool) -> Result<Selection, Failure> {
        let first = self.from.unwrap_or(0);
        let mut selection = Selection::all().from(first);
        if let Some(last) = self.to {
            if last < first {
                return Err(after(first, last));
            }
            selection = selection.to(last);
        }
        Ok(if heads { selection.heads() } else { selection })
    }
}

fn after(first: u64, last: u64) -> Failure {
    Failure::usage(format!("--from {first} is after --to {last}"))
}

/// A time as people write it: RFC 3339, to the second or with up to nine decimals.
pub fn read_time(text: &str) -> Result<Time, Failure> {
    let decimals = text.split_once('.').map_or("", |(_, rest)| rest);
    let count = decimals.bytes().take_while(u8::is_ascii_digit).count();
    let time = occurred::time(text).filter(|_| count <= 9);
    time.ok_or_else(|| {
        Failure::usage(format!("not a time: {text}"))
            .hint("from 2000 to 9999, in UTC or with an offset: 2026-11-23T10:00:00Z")
    })
}

/// One for each file in `commands`.
#[derive(Subcommand)]
pub enum Command {
    Init(init::InitArgs),
    #[command(subcommand)]
    Log(log::LogCommand),
    Append(append::AppendArgs),
    #[command(subcommand)]
    Stream(stream::StreamCommand),
    Get(get::GetArgs),
    Watch(watch::WatchArgs),
    Pin(pin::PinArgs),
    Receipt(receipt::ReceiptArgs),
    Prove(prove::ProveArgs),
    Export(export::ExportArgs),
    Verify(verify::VerifyArgs),
    Seal(seal::SealArgs),
    Merge(merge::MergeArgs),
    Inspect(inspect::InspectArgs),
    Explain(explain::ExplainArgs),
    #[command(subcommand)]
    Event(event::EventCommand),
    Status(status::StatusArgs),
    #[command(subcommand)]
    Key(key::KeyCommand),
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    Serve(serve::ServeArgs),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Dev(dev::DevArgs),
    Quickstart(quickstart::QuickstartArgs),
    Whoami(whoami::WhoamiArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Commands by what people do. A test holds this list and [`Command`] together.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "Write",
        &[
            "log create",
            "append",
            "stream epoch",
            "stream hand-on",
            "event check",
            "event schema",
        ],
    ),
    ("Read", &["log list", "log show", "get", "watch"]),
    ("Prove", &["pin", "receipt", "prove", "export", "verify"]),
    (
        "Serve",
        &[
            "quickstart",
            "serve",
            "config check",
            "config show",
            "dev",
            "whoami",
        ],
    ),
    (
        "Operate",
        &[
            "init",
            "status",
            "seal",
            "merge",
            "inspect",
            "explain",
            "clock accept",
            "demo",
            "completions",
            "man",
        ],
    ),
    (
        "Keys",
        &[
            "key show",
            "key rotate",
            "key recover",
            "key walk",
            "key new-secret",
            "key new-recovery",
            "key sign-hinges",
        ],
    ),
];

/// The definition with its first page of help.
pub fn command() -> clap::Command {
    const TEMPLATE: &str = "{about}\n\n{usage-heading} {usage}{after-help}\n\nOptions:\n{options}";
    let command = Cli::command();
    let page = first_page(&command);
    command
        .help_template(TEMPLATE)
        .after_help(page)
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// Reads the command line.
pub fn parse() -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches()?;
    Cli::from_arg_matches(&matches)
}

/// The command that was typed, as far as there is one: `indelible log create`.
pub fn typed() -> String {
    let definition = Cli::command();
    let (mut here, mut typed) = (&definition, definition.get_name().to_owned());
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        if word == "--store" {
            words.next();
        } else if let Some(below) = here.find_subcommand(&word) {
            typed = format!("{typed} {}", below.get_name());
            here = below;
        }
    }
    typed
}

fn first_page(command: &clap::Command) -> String {
    let mut page = String::new();
    for (title, names) in GROUPS {
        page.push_str(&format!("{title}:\n"));
        for name in names {
            page.push_str(&format!("  {name:<18}{}\n", about(command, name)));
        }
        page.push('\n');
    }
    page.push_str("Exit codes:\n");
    for (_, code, what) in exit::TABLE {
        page.push_str(&format!("  {code:<5}{what}\n"));
    }
    page.push_str("\n`indelible COMMAND --help` says more. Begin with `indelible demo`.");
    page
}

/// What a command, or one below another, says of itself.
fn about(command: &clap::Command, name: &str) -> String {
    let found = name
        .split(' ')
        .try_fold(command, |command, word| command.find_subcommand(word));
    let about = found.and_then(clap::Command::get_about);
    about.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn the_first_page_names_every_command_and_no_other() {
        let command = command();
        let mut defined: Vec<String> = Vec::new();
        for sub in command.get_subcommands() {
            match sub.has_subcommands() {
                true => defined.extend(
                    sub.get_subcommands()
                        .map(|leaf| format!("{} {}", sub.get_name(), leaf.get_name())),
                ),
                false => defined.push(sub.get_name().to_owned()),
            }
        }
        let mut shown: Vec<String> = GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().map(|name| (*name).to_owned()))
            .collect();
        defined.sort();
        shown.sort();
        assert_eq!(shown, defined);
    }
}
