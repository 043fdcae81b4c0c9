//! What `_node` says of packs, against the packs that count.

use super::Seen;
use super::finding::{Damage, Finding};
use super::logs::Logs;
use super::others::Names;
use crate::format::pack::pack_names;
use crate::merge::Named;
use indelible_proof::node_event::{NodeEvent, PackId};
use indelible_proof::origin::NODE_LOG;
use indelible_proof::verdict::Rule;
use std::collections::BTreeSet;

/// Every pack that a record names is there with that digest, or in a merged pack, or what it was merged from is there.
pub(super) fn named(names: &Names, seen: &Seen, logs: &mut Logs) {
    let there: Vec<PackId> = seen
        .packs
        .iter()
        .map(|(&(first, last), &ent)| PackId { first, last, ent })
        .collect();
    let mut all = Named::default();
    seen.of_node.iter().for_each(|(_, event)| all.learn(event));
    let mut before = Named::default();
    for (seq, event) in &seen.of_node {
        let pack = match NodeEvent::parse(event) {
            Some(NodeEvent::Pack { first, last, ent }) => PackId { first, last, ent },
            Some(NodeEvent::Merge { pack, of }) => {
                // What lies before lost records may have named them.
                if !logs.is_anything_lost() && !of.iter().all(|part| before.names(part)) {
                    let what = "packs are said to be merged that no record names";
                    let finding = Finding::new(Damage::LogFault(Rule::Event), "", 0, what);
                    logs.found(finding.of_range(NODE_LOG, *seq..seq + 1));
                }
                pack
            }
            _ => continue,
        };
        before.learn(event);
        let batches = (pack.first, pack.last);
        let (file, _) = pack_names(pack.first, pack.last);
        if all.is_held(&pack, &there) {
            continue;
        }
        if seen.packs.contains_key(&batches) {
            let what = format!("its digest is not the one that _node names in record {seq}");
            logs.found(Finding::new(Damage::NotThePackNamed, &file, 0, what));
        } else if !names.packs.contains(&batches) && !unread_stands_for(&all, &pack, names, seen) {
            let what = format!("_node names this pack in record {seq}, and it is not there");
            logs.found(Finding::new(
                Damage::MissingBatch(pack.first),
                &file,
                0,
                what,
            ));
        }
    }
}

/// Whether a merged pack that should stand for this one is there and can't be read: that was said already.
fn unread_stands_for(all: &Named, pack: &PackId, names: &Names, seen: &Seen) -> bool {
    let unread: Vec<PackId> = all
        .packs()
        .filter(|other| {
            let batches = (other.first, other.last);
            names.packs.contains(&batches) && !seen.packs.contains_key(&batches)
        })
        .copied()
        .collect();
    all.is_held(pack, &unread)
}

/// Every pack is named in `_node` before the tail below it goes, or what it was merged from. Only the last one may still wait for its name, and then
/// the tail holds its batches, which were compared with it.
pub(super) fn unnamed(names: &Names, seen: &Seen, logs: &mut Logs) {
    if logs.is_anything_lost() {
        return;
    }
    let mut all = Named::default();
    seen.of_node.iter().for_each(|(_, event)| all.learn(event));
    let named: BTreeSet<(u64, u64)> = all.packs().map(|pack| (pack.first, pack.last)).collect();
    for pack in names.packs.iter().filter(|pack| !named.contains(pack)) {
        let waits = names.packs.last() == Some(pack)
            && seen.tail.first.is_some_and(|first| first <= pack.0);
        if !waits {
            let (file, _) = pack_names(pack.0, pack.1);
            let what = "no record of _node names this pack";
            logs.found(Finding::new(Damage::NotThePackNamed, &file, 0, what));
        }
    }
}
