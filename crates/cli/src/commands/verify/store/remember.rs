//! Compares every log of a store with what was seen of it before. The store holds the whole tree, so any two sizes can be compared.

use super::super::trust::Trusted;
use crate::commands::pin::pin_of;
use crate::node::Reading;
use crate::say::Failure;
use crate::show;
use indelible_ledger::recover::{self, Recovered};
use indelible_ledger::{Log, SignedNote};
use indelible_proof::key::VerifierKey;
use indelible_proof::memory::Seen;
use indelible_proof::prove::{TreeHead, encode_consistency};
use indelible_proof::verdict::{Consistency, Verdict};
use indelible_store::LocalStore;
use std::path::Path;
use std::sync::Arc;

/// What the comparison says beside the verdict.
#[derive(Default)]
pub struct Told {
    /// Findings.
    pub found: Vec<String>,
    /// What could not be compared.
    pub unchecked: Vec<String>,
}

/// Brings the worst of all logs into the verdict.
pub fn compare(
    directory: &Path,
    only: Option<&str>,
    trusted: &mut Trusted,
    verdict: &mut Verdict,
) -> Result<Told, Failure> {
    let mut told = Told::default();
    if trusted.memory.is_none() {
        return Ok(told);
    }
    let recovered = LocalStore::open_read(directory)
        .ok()
        .and_then(|local| recover::read(Arc::new(local)).ok());
    let Some(Recovered { books, .. }) = recovered else {
        verdict.consistency = Consistency::UncheckedThoughAsked;
        let why = "what was remembered: the store can't be opened as it is".to_owned();
        told.unchecked.push(why);
        return Ok(told);
    };
    let reading = Reading {
        books,
        directory: directory.to_owned(),
    };
    let mut worst = Consistency::Unchecked;
    for log in reading.books.logs() {
        let is_looked_at = only.is_none_or(|name| [name, "_node"].contains(&log.name()));
        if !is_looked_at {
            continue;
        }
        let consistency = one(&reading, &log, trusted, &mut told)?;
        if rank(&consistency) > rank(&worst) {
            worst = consistency;
        }
    }
    let gone = gone(&reading, only, trusted, &mut told);
    verdict.consistency = match gone {
        Some(gone) if rank(&gone) > rank(&worst) => gone,
        _ => worst,
    };
    Ok(told)
}

/// A log that was seen and is not there: logs never go, so the store is not the one that was seen, or an older copy of it.
fn gone(
    reading: &Reading,
    only: Option<&str>,
    trusted: &Trusted,
    told: &mut Told,
) -> Option<Consistency> {
    let memory = trusted.memory.as_ref()?;
    let here = reading.books.logs();
    let mut newest = None;
    for (origin, size, note) in memory.of_node(&reading.books.store().describe().origin) {
        let name = origin.rsplit('/').nth(1).unwrap_or_default();
        let is_looked_at = only.is_none_or(|only| [only, "_node"].contains(&name));
        if !is_looked_at || here.iter().any(|log| log.origin() == origin) {
            continue;
        }
        let other = match here.iter().find(|log| log.name() == name) {
            Some(other) => format!(
                "; the {name} that is there is another log, {}",
                other.origin()
            ),
            None => String::new(),
        };
        told.found.push(format!(
            "rollback: {origin} is not in this store; {} were signed and seen before{other}",
            show::counted(size, "record")
        ));
        // Of several the node's own says most: every store has one.
        if newest.is_none() || name == "_node" {
            newest = Some(note);
        }
    }
    newest.map(|newer| Consistency::Rollback { newer })
}

fn one(
    reading: &Reading,
    log: &Log,
    trusted: &mut Trusted,
    told: &mut Told,
) -> Result<Consistency, Failure> {
    let pin = match trusted.pin().filter(|pin| pin.origin() == log.origin()) {
        Some(pin) => pin.clone(),
        None => match pin_of(reading, log) {
            Ok(pin) => pin,
            Err(_) => return Ok(unreadable(log, told)),
        },
    };
    let Ok(sets) = reading.books.key_sets(log) else {
        return Ok(unreadable(log, told));
    };
    let mut keys: Vec<VerifierKey> = sets.into_iter().flat_map(|one| one.set.keys).collect();
    keys.push(pin.key().clone());
    keys.extend(trusted.walked_keys(log.origin(), &log.id()));
    let Some(memory) = &mut trusted.memory else {
        return Ok(Consistency::Unchecked);
    };
    let remembered = memory.size_of(log.origin());
    let Some(note) = log.note() else {
        return Ok(match remembered {
            Some(_) => unreadable(log, told),
            None => Consistency::Unchecked,
        });
    };
    let root = remembered.filter(|size| *size <= log.size()).map(|size| {
        reading
            .books
            .root_at(log, size)
            .map(|root| TreeHead { size, root })
    });
    let begins_with = match root.transpose() {
        Ok(head) => head,
        Err(_) => return Ok(unreadable(log, told)),
    };
    let compared = memory.compare(&Seen {
        keys: &keys,
        note: &note.text,
        begins_with: begins_with.as_slice(),
        is_current: true,
    });
    if let Some(why) = compared.why {
        told.unchecked
            .push(format!("what was remembered of {}: {why}", log.name()));
    }
    match &compared.consistency {
        Consistency::Fork { .. } => {
            let proof = compared
                .other
                .and_then(|older| fork_proof(reading, log, &older, &note));
            let words = memory.write_fork(&compared.consistency, proof.as_deref())?;
            told.found.push(format!("fork: {}: {words}", log.name()));
        }
        Consistency::Rollback { .. } => told.found.push(format!(
            "rollback: {} ends at {}; {} were signed and seen before",
            log.name(),
            note.size,
            remembered.unwrap_or(0)
        )),
        _ => {}
    }
    Ok(compared.consistency)
}

/// That the newer history has another tree at the older size.
fn fork_proof(reading: &Reading, log: &Log, older: &TreeHead, note: &SignedNote) -> Option<String> {
    let between = reading.books.consistency(log, older.size, note.size).ok()?;
    let newer = TreeHead {
        size: note.size,
        root: note.root,
    };
    Some(encode_consistency(older, &newer, &between, &[], &note.text))
}

fn unreadable(log: &Log, told: &mut Told) -> Consistency {
    let why = "it can't be read as it is";
    told.unchecked
        .push(format!("what was remembered of {}: {why}", log.name()));
    Consistency::UncheckedThoughAsked
}

/// The worst value is the verdict's. Where some logs are compared and some are seen for the first time, what was compared counts.
fn rank(consistency: &Consistency) -> u8 {
    match consistency {
        Consistency::Unchecked => 0,
        Consistency::Ok => 1,
        Consistency::UncheckedThoughAsked => 2,
        Consistency::Rollback { .. } => 3,
        Consistency::Fork { .. } => 4,
    }
}
