//! What is compared at the end: the files there are, what `_node` says of packs, logs and repairs, quarantine, and the register.

use super::finding::{Damage, Finding};
use super::logs::Logs;
use super::tail::store_finding;
use super::{LogName, Seen, packs, register};
use crate::cover::cover;
use crate::format::pack::parse_pack_name;
use crate::recover::all_names;
use indelible_proof::hash;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::origin::NODE_LOG;
use indelible_proof::verdict::Rule;
use indelible_store::{Store, StoreError};

/// Names in the store's directory, sorted by what they are.
#[derive(Default)]
pub(crate) struct Names {
    /// Packs that count, ascending.
    pub(crate) packs: Vec<(u64, u64)>,
    /// `.rec` files without their `.ent`.
    pub(crate) orphans: Vec<String>,
    /// Files of packs that others stand for.
    pub(crate) left_over: Vec<String>,
    pub(crate) quarantine: Vec<String>,
    /// Files that no rule knows.
    pub(crate) unknown: Vec<String>,
}

impl Names {
    pub(crate) fn read(store: &dyn Store, logs: &mut Logs) -> Names {
        let mut names = Names::default();
        match all_names(store, "") {
            Ok(all) => {
                let cover = cover(&all);
                names.packs = [cover.packs, cover.without_rec].concat();
                names.packs.sort_unstable();
                (names.orphans, names.left_over) = (cover.orphans, cover.left_over);
                all.iter().for_each(|name| names.sort_in(name));
            }
            Err(error) => logs.found(store_finding(&error)),
        }
        names
    }

    fn sort_in(&mut self, name: &str) {
        let directory = name.split('/').next().unwrap_or_default();
        match (directory, parse_pack_name(name)) {
            (_, Some(_)) => {}
            ("quarantine", _) => self.quarantine.push(name.to_owned()),
            ("tail", _) if is_tail_file(name) => {}
            ("build" | "derived", _) | ("FORMAT" | "lock", None) => {}
            _ => self.unknown.push(name.to_owned()),
        }
    }
}

fn is_tail_file(name: &str) -> bool {
    name.strip_prefix("tail/").is_some_and(|number| {
        number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Compares what the store says of itself with what is there.
pub(crate) fn check(
    store: &dyn Store,
    names: &Names,
    seen: &Seen,
    remembered: Result<Option<Vec<u8>>, StoreError>,
    only: Option<&str>,
    logs: &mut Logs,
) {
    node_records(names, seen, logs);
    packs::named(names, seen, logs);
    packs::unnamed(names, seen, logs);
    quarantine(store, names, logs);
    geneses(logs);
    keyless(only, logs);
    format(store, seen, logs);
    register::check(store, seen, remembered, logs);
    // Without packs an empty tail is a store in which nothing was ever recorded, as far as anybody remembers (`register`).
    if let (None, Some((_, last)), false) =
        (seen.tail.first, names.packs.last(), seen.tail.unsupported)
    {
        logs.found(Finding::new(
            Damage::MissingBatch(last + 1),
            "tail",
            0,
            "there are packs but no tail: a store always has one",
        ));
    }
}

/// What is no damage and should be known all the same.
pub(crate) fn remarks(store: &dyn Store, names: &Names) -> Vec<String> {
    let unknown = names
        .unknown
        .iter()
        .map(|name| format!("{name}: a file that nobody knows"));
    let orphans = names.orphans.iter().map(|name| {
        format!("{name}: left by an interrupted sealing; the next writer sets it aside")
    });
    let left_over = names
        .left_over
        .iter()
        .map(|name| format!("{name}: left by an interrupted merging; the next one deals with it"));
    unknown
        .chain(orphans)
        .chain(left_over)
        .chain(nobody_remembers(store).map(str::to_owned))
        .collect()
}

/// A register that remembers nothing guards no more than none, of which the store itself says so.
fn nobody_remembers(store: &dyn Store) -> Option<&'static str> {
    let empty = store.describe().register_configured && matches!(store.register_read(), Ok(None));
    empty
        .then_some("the register holds nothing: nobody would notice that the store was rolled back")
}

fn node_records(names: &Names, seen: &Seen, logs: &mut Logs) {
    for (seq, event) in &seen.of_node {
        // One that can't be read was found where it stands.
        let Some(event) = NodeEvent::parse(event) else {
            continue;
        };
        let missing = |file: &str, what: String| Finding::new(Damage::Missing, file, 0, what);
        match event {
            NodeEvent::Log { log, id } if logs.by_id(&id).is_none() => {
                let name = LogName::new(log).name;
                logs.found(
                    missing(
                        "",
                        format!(
                            "_node names the log {name} in record {seq}, and nothing of it is there"
                        ),
                    )
                    .of_log(&name),
                );
            }
            NodeEvent::RepairTorn { quarantine, .. } | NodeEvent::RepairOrphan { quarantine } => {
                for name in quarantine
                    .iter()
                    .filter(|name| !names.quarantine.contains(name))
                {
                    logs.found(missing(
                        name,
                        format!("_node names this file in record {seq}, and it is not there"),
                    ));
                }
            }
            _ => {}
        }
    }
}

/// Without the key of its genesis nothing of a log's signatures can be checked.
fn keyless(only: Option<&str>, logs: &mut Logs) {
    // What a newer version wrote was not read: the genesis may stand in it.
    let is_unread = |finding: &Finding| finding.damage == Damage::Unsupported;
    if logs.is_anything_lost() || logs.findings.iter().any(is_unread) {
        return;
    }
    let asked = |name: &str| name == NODE_LOG || only.is_none_or(|only| only == name);
    let without: Vec<String> = logs
        .iter()
        .filter(|log| log.size > 0 && asked(&log.name.name))
        .filter(|log| {
            log.sets.is_empty() || (log.name.is_node() && logs.batch_keys.newest().is_none())
        })
        .map(|log| log.name.name.clone())
        .collect();
    for name in without {
        let what = "its genesis gives no key by which its signatures could be checked";
        let finding = Finding::new(Damage::LogFault(Rule::Genesis), "", 0, what);
        logs.found(finding.of_range(&name, 0..1));
    }
}

/// What `FORMAT` says of the node and the register, which nothing signs, against what `_node` says.
fn format(store: &dyn Store, seen: &Seen, logs: &mut Logs) {
    let info = store.describe();
    let ids = (crate::hex16(&info.node_id), crate::hex16(&info.store_id));
    let mut wrong = Vec::new();
    if logs.node_ids.as_ref().is_some_and(|known| *known != ids) {
        wrong.push("it names another node or store than the genesis of _node");
    }
    let prefix = format!("{}/{NODE_LOG}/", info.origin);
    if logs
        .iter()
        .any(|log| log.name.is_node() && !log.name.origin.starts_with(&prefix))
    {
        wrong.push("it names another origin than _node has");
    }
    let starts = seen.of_node.iter().rev();
    let started = starts
        .filter_map(|(_, event)| match NodeEvent::parse(event) {
            Some(NodeEvent::Start { register, .. }) => Some(register),
            _ => None,
        })
        .next();
    if started == Some(true) && !info.register_configured {
        wrong.push("it names no register, and the node's last start had one");
    }
    for what in wrong {
        logs.found(Finding::new(Damage::Unreadable, "FORMAT", 0, what));
    }
}

/// A quarantine file's name ends with the SHA-256 of its bytes.
fn quarantine(store: &dyn Store, names: &Names, logs: &mut Logs) {
    for name in &names.quarantine {
        match store.size_of(name).and_then(|size| {
            store.read_at(name, 0, usize::try_from(size).unwrap_or(usize::MAX), true)
        }) {
            Ok(bytes) if name.ends_with(&hash::sha256(&bytes).to_string()) => {}
            Ok(_) => logs.found(Finding::new(
                Damage::Unreadable,
                name,
                0,
                "its bytes don't give the digest in its name",
            )),
            Err(StoreError::Refused(_)) => logs.found(Finding::new(
                Damage::Unreadable,
                name,
                0,
                "not a name for a file set aside",
            )),
            Err(error) => logs.found(store_finding(&error)),
        }
    }
}

/// Every log belongs to this node's `_node`.
fn geneses(logs: &mut Logs) {
    let Some(node) = logs.iter().find(|log| log.name.is_node()).map(|log| log.id) else {
        return;
    };
    let strangers: Vec<String> = logs
        .iter()
        .filter(|log| !log.name.is_node() && !log.sets.is_empty() && log.node_log != Some(node))
        .map(|log| log.name.name.clone())
        .collect();
    for name in strangers {
        let finding = Finding::new(
            Damage::LogFault(Rule::Genesis),
            "",
            0,
            "its genesis names another node's log",
        );
        logs.found(finding.of_range(&name, 0..1));
    }
}
