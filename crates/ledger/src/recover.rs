//! Begins again from what is stored: packs, tail, register. Reads only; what must be set aside is done by `repair`.
//!
//! Normal opening and opening after a crash are the same code. The table of `docs/spec/tail.md` decides what a broken end of the tail is:
//! a torn last batch is set aside, anything that was acknowledged and is damaged is refused and named.

mod ahead;
mod beside;
mod packs;
mod reading;
mod tail;

pub(crate) use packs::places;

use crate::batch_keys::BatchKeys;
use crate::books::{Books, Log, NODE_LOG};
use crate::format::FormatError;
use crate::format::pack::pack_names;
use crate::limits::{LIST_PAGE, READ_ATTEMPTS};
use crate::merge::Named;
use crate::resend::Known;
use crate::verify;
use crate::view::ReadError;
use indelible_proof::hash::Hash;
use indelible_proof::node_event::{NodeEvent, PackId};
use indelible_proof::time::Time;
use indelible_store::{Store, StoreError};
use reading::Reading;
use std::fmt;
use std::sync::Arc;

/// Why a store can't be continued. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored evidence is damaged or missing.
    #[error("{what}; {file} at {offset}")]
    Damaged {
        /// Relative to the store directory.
        file: String,
        /// Bytes from the start of the file.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A batch in the middle of the tail is missing.
    #[error("batch {number} is missing; batch {later} follows it in {file}")]
    Hole {
        /// The batch that should be there.
        number: u64,
        /// The batch that follows.
        later: u64,
        /// Where it was expected.
        file: String,
    },
    /// Somebody remembers more than the store holds.
    #[error(
        "the store ends before batch {remembered}, which the register remembers; it holds {held} batches"
    )]
    RolledBack {
        /// The batch that the register names.
        remembered: u64,
        /// Batches in the store.
        held: u64,
    },
    /// The register remembers another batch of that number.
    #[error("batch {0} is not the one the register remembers")]
    Forked(u64),
    /// Written by a newer version.
    #[error("{file} was written by a newer version: {what}")]
    Unsupported {
        /// Relative to the store directory.
        file: String,
        /// What this version does not know.
        what: String,
    },
}

/// A batch at the end of the tail that is no batch (any more).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The number it would have.
    pub number: u64,
    /// Where it lies.
    pub place: indelible_store::Place,
    /// What is wrong with it.
    pub reason: String,
}

/// A store as it was found.
pub struct Recovered {
    /// What is durable.
    pub books: Books,
    /// Number of the next batch.
    pub next: u64,
    pub(crate) prev: Hash,
    pub(crate) epoch: u64,
    pub(crate) time: Option<Time>,
    pub(crate) signed_header: Vec<u8>,
    pub(crate) tail_bytes: u64,
    pub(crate) last_sealed: Option<u64>,
    pub(crate) register: Option<Vec<u8>>,
    pub(crate) batch_keys: BatchKeys,
    /// Logs that have records above their last published note.
    pub(crate) unnoted: Vec<Arc<Log>>,
    /// A torn batch at the end.
    pub torn: Option<Torn>,
    /// Files of an interrupted sealing.
    pub orphans: Vec<String>,
    /// A pack with things that this version would not keep: the store is only read.
    pub(crate) read_only: Option<String>,
    /// Streams and keys; only for a writer.
    pub(crate) known: Known,
}

impl Recovered {
    /// Batches of the tail that no pack holds.
    #[must_use]
    pub fn tail_batches(&self) -> u64 {
        let sealed = self.last_sealed.map_or(0, |last| last + 1);
        self.next.saturating_sub(sealed)
    }

    /// Their bytes.
    #[must_use]
    pub fn tail_bytes(&self) -> u64 {
        self.tail_bytes
    }

    /// Sealed packs.
    #[must_use]
    pub fn packs(&self) -> u64 {
        u64::try_from(self.books.packs().len()).unwrap_or(u64::MAX)
    }

    /// A register is written within a second, and at every clean stop: after the first run there is one.
    pub(crate) fn lacks_its_register(&self) -> bool {
        self.register.is_none() && self.epoch > 1
    }

    /// Time of the newest batch.
    #[must_use]
    pub fn last_time(&self) -> Option<Time> {
        self.time
    }
}

/// Something that was set aside; becomes a `repair` record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// A torn batch.
    Torn {
        /// The number it would have had.
        batch: u64,
        /// Where its bytes are kept.
        names: Vec<String>,
    },
    /// Files of an interrupted sealing.
    Orphans {
        /// Where they are kept.
        names: Vec<String>,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repair::Torn { batch, names } => write!(
                f,
                "batch {batch} was torn and never acknowledged: set aside as {}",
                names.join(", ")
            ),
            Repair::Orphans { names } => write!(
                f,
                "files of an interrupted sealing were set aside: {}",
                names.join(", ")
            ),
        }
    }
}

impl Repair {
    pub(crate) fn event(&self) -> NodeEvent<'_> {
        match self {
            Repair::Torn { batch, names } => NodeEvent::RepairTorn {
                batch: *batch,
                quarantine: names.clone(),
            },
            Repair::Orphans { names } => NodeEvent::RepairOrphan {
                quarantine: names.clone(),
            },
        }
    }
}

/// Reads a store for readers: proves, lists, exports; changes nothing. A torn last batch is left where it is.
///
/// The books describe the store at this moment. Records that a writer seals and releases later are [`StoreError::Gone`] to them:
/// read the store again.
///
/// # Errors
/// [`RecoverError`].
pub fn read(store: Arc<dyn Store>) -> Result<Recovered, RecoverError> {
    let mut before = extent(&*store)?;
    for _ in 1..READ_ATTEMPTS {
        let error = match recover(Arc::clone(&store), false) {
            Ok(recovered) => return Ok(recovered),
            Err(error) => error,
        };
        // Beside a writer, what the tail held may be sealed and released while it is read: then it is in a new pack.
        let now = extent(&*store)?;
        if now == before {
            return Err(error);
        }
        before = now;
    }
    recover(store, false)
}

/// Which packs there are, and where the tail begins.
fn extent(store: &dyn Store) -> Result<(Vec<String>, Option<u64>), StoreError> {
    Ok((
        all_names(store, "sealed/")?,
        store.first_slot().ok().flatten(),
    ))
}

/// Reads the register, packs, then the tail, and compares them.
pub(crate) fn recover(store: Arc<dyn Store>, for_writing: bool) -> Result<Recovered, RecoverError> {
    let mut reading = Reading::new(Books::new(store), for_writing);
    reading.read_register()?;
    reading.packs()?;
    reading.tail()?;
    reading.compare_end()?;
    Ok(reading.finish())
}

/// Sets aside what recovery found broken at the end, so that writing can go on.
pub(crate) fn repair(
    store: &dyn Store,
    recovered: &Recovered,
    mut repairs: Vec<Repair>,
) -> Result<Vec<Repair>, RecoverError> {
    if let Some(torn) = &recovered.torn {
        repairs.push(Repair::Torn {
            batch: torn.number,
            names: vec![store.quarantine_slot(torn.number)?],
        });
    }
    let names = recovered
        .orphans
        .iter()
        .map(|name| store.quarantine_object(name))
        .collect::<Result<Vec<_>, _>>()?;
    if !names.is_empty() {
        repairs.push(Repair::Orphans { names });
    }
    repairs.extend(unrecorded(store, recovered, &repairs)?);
    Ok(repairs)
}

/// Quarantine files of an earlier start that crashed before it could record them.
fn unrecorded(
    store: &dyn Store,
    recovered: &Recovered,
    now: &[Repair],
) -> Result<Vec<Repair>, RecoverError> {
    let mut waiting: Vec<String> = all_names(store, "quarantine/")?;
    waiting.retain(|name| {
        !now.iter().any(|repair| match repair {
            Repair::Torn { names, .. } | Repair::Orphans { names } => names.contains(name),
        })
    });
    if !waiting.is_empty() && recovered.next > 0 {
        forget_recorded(recovered, &mut waiting)?;
    }
    Ok(said_again(waiting))
}

/// Takes out what `_node` has a record of.
fn forget_recorded(recovered: &Recovered, waiting: &mut Vec<String>) -> Result<(), RecoverError> {
    let log = recovered.books.node_log();
    recovered
        .books
        .records::<ReadError>(&log, 0..log.size(), &mut |stored| {
            if let Some((_, event)) = &stored.content
                && let Some(
                    NodeEvent::RepairTorn { quarantine, .. }
                    | NodeEvent::RepairOrphan { quarantine },
                ) = NodeEvent::parse(event)
            {
                waiting.retain(|name| !quarantine.contains(name));
            }
            Ok(())
        })
        .map_err(|error| unread(NODE_LOG, error))
}

/// The repairs that these names tell of: a torn batch's begins with its number.
fn said_again(names: Vec<String>) -> Vec<Repair> {
    let batch = |name: &str| {
        let number = name.strip_prefix("quarantine/")?.split_once('-')?.0;
        let plain = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit());
        let of_slot = plain && !name.contains(".ent") && !name.contains(".rec");
        of_slot.then(|| number.parse::<u64>().ok()).flatten()
    };
    let (torn, others): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| batch(name).is_some());
    let mut repairs: Vec<Repair> = torn
        .into_iter()
        .filter_map(|name| {
            Some(Repair::Torn {
                batch: batch(&name)?,
                names: vec![name],
            })
        })
        .collect();
    if !others.is_empty() {
        repairs.push(Repair::Orphans { names: others });
    }
    repairs
}

/// The last pack, if `_node` does not name it: the writer stopped between sealing and naming. A pack is named in a batch after its
/// own, so the record of the last one is in the tail if it is anywhere. Every pack that the tail names must be there, also while the
/// tail still holds its batches: they would be sealed again under another name, and the one that was named stay missing for ever.
pub(crate) fn unnamed_pack(books: &Books) -> Result<Option<(u64, u64, Hash)>, RecoverError> {
    let Some(log) = books.log(NODE_LOG) else {
        return Ok(None);
    };
    let packs = books.packs().clone();
    let (from, size) = {
        let state = log.read();
        (state.tail_first, state.size)
    };
    let mut named = Named::default();
    let found = books.records::<ReadError>(&log, from..size, &mut |stored| {
        if let Some((_, event)) = &stored.content {
            named.learn(event);
        }
        Ok(())
    });
    found.map_err(|error| unread(NODE_LOG, error))?;
    let there: Vec<PackId> = packs.iter().map(|pack| pack.id()).collect();
    if let Some(missing) = named.packs().find(|pack| !named.is_held(pack, &there)) {
        let (file, _) = pack_names(missing.first, missing.last);
        return Err(damaged(
            &file,
            0,
            "_node names this pack, and it is not there or another",
        ));
    }
    let named = packs
        .last()
        .is_some_and(|pack| named.packs().any(|other| *other == pack.id()));
    let last = packs.last().filter(|_| !named);
    Ok(last.map(|pack| (pack.first_batch, pack.last_batch, pack.digest)))
}

/// A pack that no record names was perhaps never read back: the writer may have stopped before it could, or because it could not. It is
/// read back now; if it fails, its files are set aside and the tail, which still holds its batches, is the evidence.
#[expect(
    clippy::type_complexity,
    reason = "three results of one step, for the one caller there is"
)]
pub(crate) fn confirm_last_pack(
    store: &Arc<dyn Store>,
    recovered: Recovered,
) -> Result<(Recovered, Option<(u64, u64, Hash)>, Vec<Repair>), RecoverError> {
    let unnamed = unnamed_pack(&recovered.books)?;
    let Some((first, last, digest)) = unnamed else {
        return Ok((recovered, None, Vec::new()));
    };
    if verify::read_back(&**store, (first, last), digest).is_ok() {
        return Ok((recovered, unnamed, Vec::new()));
    }
    let (ent, rec) = pack_names(first, last);
    let names = vec![
        store.quarantine_object(&ent)?,
        store.quarantine_object(&rec)?,
    ];
    let recovered = recover(Arc::clone(store), true)?;
    let unnamed = unnamed_pack(&recovered.books)?;
    Ok((recovered, unnamed, vec![Repair::Orphans { names }]))
}

/// Every name under a prefix.
pub(crate) fn all_names(store: &dyn Store, prefix: &str) -> Result<Vec<String>, StoreError> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let page = store.list(prefix, names.last().map(String::as_str), LIST_PAGE)?;
        let more = page.len() == LIST_PAGE;
        names.extend(page.into_iter().map(|(name, _)| name));
        if !more {
            return Ok(names);
        }
    }
}

/// Records that could not be read. A disk that gives no answer is not called damage: what it holds may be as it was.
pub(crate) fn unread(file: &str, error: ReadError) -> RecoverError {
    match error {
        ReadError::Store(error) => RecoverError::Store(error),
        error => damaged(file, 0, &error.to_string()),
    }
}

fn damaged(file: &str, offset: u64, what: &str) -> RecoverError {
    RecoverError::Damaged {
        file: file.to_owned(),
        offset,
        what: what.to_owned(),
    }
}

fn format_error(file: &str, offset: u64, error: FormatError) -> RecoverError {
    match error {
        FormatError::Unsupported(what) => RecoverError::Unsupported {
            file: file.to_owned(),
            what: what.to_string(),
        },
        FormatError::Damaged {
            offset: within,
            what,
        } => damaged(file, offset + u64::try_from(within).unwrap_or(0), what),
    }
}

#[cfg(test)]
mod tests;
