//! The keys of each log over time: whether a note is by the key that signs for its size, and whether each key record has its hinge.

use super::finding::{Damage, Finding};
use super::logs::{LogSeen, Logs};
use super::pack::NoteSeen;
use indelible_proof::note::{Note, Signed};
use indelible_proof::verdict::Rule;
use std::collections::HashMap;

/// Is the note by the key that signs for its size, or, at a hinge, good by the rule for hinges? `None`: no key is known.
pub(super) fn is_signed(seen: &NoteSeen, log: &LogSeen) -> Option<bool> {
    let note = Note::parse(&seen.text).ok()?;
    if let Some((before, named)) = log.handed_at(seen.size) {
        return Some(before.hands_over(&named.set, named.is_recovery, &note));
    }
    Some(log.keys_at(seen.size)?.signed(&note) == Signed::Ok)
}

/// Every `key` record has its hinge, before the log has another record. At the end of the tail the hinge may still be to come.
pub(super) fn check(notes: &[NoteSeen], logs: &mut Logs) {
    let mut met: HashMap<(&str, u64), Option<u64>> = HashMap::new();
    for note in notes {
        met.entry((note.origin.as_str(), note.size))
            .or_insert(note.met_at);
    }
    let mut found = Vec::new();
    for log in logs.iter() {
        for keys in log.sets.iter().filter(|keys| keys.seq > 0) {
            let size = keys.seq + 1;
            let wrong = match met.get(&(log.name.origin.as_str(), size)) {
                None if log.size == size => None,
                None => Some((
                    Damage::KeyWalkBroken,
                    "the hinge of a key record is missing",
                )),
                Some(Some(at)) if *at > size => Some((
                    Damage::LogFault(Rule::Key),
                    "records follow a key record before its hinge was durable",
                )),
                Some(_) => None,
            };
            if let Some((damage, what)) = wrong {
                let finding = Finding::new(damage, "", 0, what);
                found.push(finding.of_range(&log.name.name, keys.seq..size));
            }
        }
    }
    found.into_iter().for_each(|finding| logs.found(finding));
}

/// Logs whose `key` record is their last and has no hinge yet.
pub(super) fn open(notes: &[NoteSeen], logs: &Logs) -> Vec<String> {
    let last = |log: &&LogSeen| {
        let seq = log.sets.last().map_or(0, |keys| keys.seq);
        let is_hinge = |note: &NoteSeen| note.size == seq + 1 && note.origin == log.name.origin;
        seq > 0 && seq + 1 == log.size && !notes.iter().any(is_hinge)
    };
    let open = logs.iter().filter(last);
    open.map(|log| log.name.name.clone()).collect()
}
