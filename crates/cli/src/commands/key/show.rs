//! `indelible key show`: which keys sign, since when, who could replace them, and which secrets are gone. Needs no secret.

use crate::args::{StoreArg, WriteArgs};
use crate::exit::Exit;
use crate::keys;
use crate::node::{self, Reading};
use crate::output::{Output, one_line};
use crate::say::Failure;
use crate::show;
use clap::Args;
use indelible_ledger::{Log, LogKeys};
use indelible_proof::key::VerifierKey;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::time::Time;
use std::collections::BTreeMap;

/// Show which keys sign, and what became of those before
#[derive(Args)]
pub struct ShowArgs {
    /// Directory of the node secret, if not where `init` put it
    #[arg(long, value_name = "DIR")]
    pub keys: Option<std::path::PathBuf>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ShowArgs) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let node = reading.log("_node")?;
    let sets = reading
        .books
        .key_sets(&node)
        .map_err(|error| reading.failed(&error))?;
    let destroyed = destroyed(&reading, &node)?;
    let info = reading.books.store().describe();
    let write = WriteArgs {
        keys: args.keys.clone(),
        ..WriteArgs::default()
    };
    let place = node::keys_directory(&reading.directory, &write, info);
    let mut out = Output::new();
    out.line(format_args!(
        "{}  {}",
        out.style().bold("secret"),
        one_line(keys::look(&place))
    ))?;
    for (number, keys) in (0_u64..).zip(&sets) {
        let generation = keys.generation.unwrap_or(number);
        let since = time_of(&reading, &node, keys.seq)?;
        let state = match destroyed.get(&generation) {
            Some(time) => format!("destroyed {}", show::to_second(*time)),
            None if keys.seq == sets.last().map_or(0, |last| last.seq) => "signs".to_owned(),
            None => "replaced, not destroyed here".to_owned(),
        };
        let how = if keys.is_recovery {
            "by recovery keys"
        } else if keys.seq == 0 {
            "made with the store"
        } else {
            "by rotation"
        };
        out.line(format_args!(
            "  generation {generation}  since {}  {how}  {state}",
            show::to_second(since)
        ))?;
    }
    recovery(&mut out, sets.last())?;
    let logs = reading.books.logs();
    for log in &logs {
        let keys = reading
            .books
            .keys(log)
            .map_err(|error| reading.failed(&error))?;
        let open = match reading.books.has_open_hinge(log) {
            true => "  its hinge is not complete",
            false => "",
        };
        let key = keys.keys.first().map(String::as_str).unwrap_or_default();
        out.line(format_args!(
            "{}  key {} since record {}{open}",
            out.style().bold(log.name()),
            id_of(key),
            keys.seq
        ))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// The id by which a signature line names the key.
fn id_of(key: &str) -> String {
    VerifierKey::parse(key).map_or_else(
        |_| key.to_owned(),
        |key| indelible_proof::key::id_hex(key.id()),
    )
}

fn recovery(out: &mut Output, keys: Option<&LogKeys>) -> Result<(), Failure> {
    let Some((threshold, named)) = keys.map(|keys| &keys.recovery) else {
        return Ok(());
    };
    if named.is_empty() {
        return out.line("recovery: nobody is named: a lost secret ends the logs");
    }
    out.line(format_args!(
        "recovery: {threshold} of {} must agree",
        show::counted(u64::try_from(named.len()).unwrap_or(0), "key")
    ))?;
    named
        .iter()
        .try_for_each(|key| out.line(format_args!("  {key}")))
}

/// When each generation's secret was destroyed, as `_node` says.
fn destroyed(reading: &Reading, node: &Log) -> Result<BTreeMap<u64, Time>, Failure> {
    let mut destroyed = BTreeMap::new();
    let read = reading.records(node, 0..node.size(), &mut |stored| {
        if let Some((_, event)) = &stored.content
            && let Some(NodeEvent::Destroyed { generation }) = NodeEvent::parse(event)
            && let Ok(head) = indelible_proof::head::Head::parse(&stored.head)
        {
            destroyed.insert(generation, head.time);
        }
        Ok(())
    });
    read.map_err(|stopped| match stopped {
        node::Stopped::Read(error) => reading.failed(&error),
        node::Stopped::Output(failure) => failure,
    })?;
    Ok(destroyed)
}

fn time_of(reading: &Reading, log: &Log, seq: u64) -> Result<Time, Failure> {
    let stored = reading
        .books
        .record(log, seq)
        .map_err(|error| reading.failed(&error))?;
    let head = indelible_proof::head::Head::parse(&stored.head);
    head.map(|head| head.time)
        .map_err(|error| Failure::new(Exit::Damaged, error.to_string()))
}
