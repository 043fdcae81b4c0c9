//! Merging: neighbouring packs become one larger pack (`docs/design/merge.md`).
//!
//! Order, each step durable before the next: each pack re-hashed whole · the new pair written beside them and renamed into place · read
//! back from disk, re-hashed, and its ends compared with theirs · named in `_node` by a `merge` record that lists what it
//! replaces · known to the books · only then are they retired, one file after the other. Until the record is durable the old packs count and
//! nothing rests on the new one; from the first retired file on the new one counts ([`cover`](crate::cover)). What a crash leaves, the next
//! merging finishes or sets aside.
//!
//! The engine can't remove anything: what retires a file is handed in ([`Retire`]) by the one command that may.

mod join;

use crate::books::{Books, Log, PackPlace};
use crate::cover::{Batches, cover, inside};
use crate::format::FormatError;
use crate::format::pack::{
    ENT_HEADER_BYTES, EntView, PackHeader, Run, pack_names, parse_pack_name,
};
use crate::limits::{MERGE_BYTES_MAX, MERGE_PACKS_MAX, MERGE_PACKS_MIN, MERGE_PART_BYTES_MAX};
use crate::open::Ledger;
use crate::queue::Refusal;
use crate::recover::{all_names, places};
use crate::seal::{Laid, SealError, Sealer};
use crate::verify;
use crate::view::ReadError;
use indelible_proof::hash::Hash;
use indelible_proof::node_event::{NodeEvent, PackId};
use indelible_store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes a file of a pack that others stand for out of `sealed/`. Only the command that merges has one.
pub type Retire<'a> = dyn Fn(&str) -> Result<(), StoreError> + 'a;

/// Why merging stopped. What was merged before stays merged; nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A pack is damaged, and stays as it is; `verify` says more.
    #[error("pack {name} is damaged and was not merged: {what}")]
    Damaged {
        /// Name of its `.ent` file.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The new pack, read back, is not what it was made of. It was set aside.
    #[error("the merged pack differs from what it was made of: {0}")]
    NotTheSame(String),
    /// Writing the pack or its record failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// `_node` could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The node has stopped.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What one merging made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Name of the new `.ent` file.
    pub name: String,
    /// Batches in it.
    pub batches: std::ops::RangeInclusive<u64>,
    /// Packs that it stands for.
    pub packs: usize,
    /// Runs before and now.
    pub runs: (usize, usize),
    /// Records in it.
    pub records: u64,
    /// Bytes of both files.
    pub bytes: u64,
}

/// The packs that records of `_node` name, and which of them were merged into which.
#[derive(Default)]
pub(crate) struct Named {
    packs: Vec<PackId>,
    merges: Vec<(PackId, Vec<PackId>)>,
}

impl Named {
    /// Takes in an event of `_node`.
    pub(crate) fn learn(&mut self, event: &[u8]) {
        match NodeEvent::parse(event) {
            Some(NodeEvent::Pack { first, last, ent }) => {
                self.packs.push(PackId { first, last, ent });
            }
            Some(NodeEvent::Merge { pack, of }) => {
                self.packs.push(pack);
                self.merges.push((pack, of));
            }
            _ => {}
        }
    }

    /// Every pack that was named.
    pub(crate) fn packs(&self) -> impl Iterator<Item = &PackId> {
        self.packs.iter()
    }

    /// Whether a record names this very pack.
    pub(crate) fn names(&self, pack: &PackId) -> bool {
        self.packs.contains(pack)
    }

    /// Whether what a pack holds is there: it is itself, or what it was merged into, or all that it was merged from. Ranges grow on the
    /// way up and shrink on the way down, so both ways end.
    pub(crate) fn is_held(&self, pack: &PackId, there: &[PackId]) -> bool {
        self.is_held_above(pack, there) || self.is_held_below(pack, there)
    }

    fn is_held_above(&self, pack: &PackId, there: &[PackId]) -> bool {
        let mut merges = self.merges.iter();
        there.contains(pack)
            || merges.any(|(larger, of)| of.contains(pack) && self.is_held_above(larger, there))
    }

    fn is_held_below(&self, pack: &PackId, there: &[PackId]) -> bool {
        let held = |of: &[PackId]| of.iter().all(|part| self.is_held_below(part, there));
        let mut merges = self.merges.iter();
        there.contains(pack) || merges.any(|(larger, of)| larger == pack && held(of))
    }
}

impl Ledger {
    /// Merges neighbouring packs while there are enough small ones. The newest pack is left as it is.
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn merge(&self, retire: &Retire<'_>) -> Result<Vec<Merged>, MergeError> {
        let _nobody_seals = self.sealer().hold();
        let merger = Merger {
            sealer: self.sealer(),
            books: self.books(),
            retire,
        };
        merger.finish_interrupted()?;
        let mut merged = Vec::new();
        while let Some(packs) = merger.next_packs() {
            merged.push(merger.merge(&packs)?);
        }
        Ok(merged)
    }
}

/// One call of [`Ledger::merge`].
struct Merger<'a> {
    sealer: &'a Sealer,
    books: &'a Books,
    retire: &'a Retire<'a>,
}

impl Merger<'_> {
    fn store(&self) -> &dyn Store {
        self.books.store()
    }

    /// The first neighbours that are small enough and many enough.
    fn next_packs(&self) -> Option<Vec<Arc<PackPlace>>> {
        let mut packs = self.books.packs().clone();
        packs.pop();
        let mut group: Vec<Arc<PackPlace>> = Vec::new();
        let mut bytes = 0;
        for pack in packs {
            let fits = bytes + pack.bytes <= MERGE_BYTES_MAX && group.len() < MERGE_PACKS_MAX;
            let small = pack.bytes <= MERGE_PART_BYTES_MAX;
            if !(fits && small) {
                if group.len() >= MERGE_PACKS_MIN {
                    break;
                }
                (group, bytes) = (Vec::new(), 0);
            }
            if small {
                bytes += pack.bytes;
                group.push(pack);
            }
        }
        (group.len() >= MERGE_PACKS_MIN).then_some(group)
    }

    fn merge(&self, packs: &[Arc<PackPlace>]) -> Result<Merged, MergeError> {
        let (Some(first), Some(last)) = (packs.first(), packs.last()) else {
            return Err(MergeError::NotTheSame(
                "there is nothing to merge".to_owned(),
            ));
        };
        let named = self.named()?;
        for pack in packs {
            let damaged = |what: String| MergeError::Damaged {
                name: pack.ent.clone(),
                what,
            };
            if !named.names(&pack.id()) {
                return Err(damaged("no record of _node names it".to_owned()));
            }
            let batches = (pack.first_batch, pack.last_batch);
            verify::read_back(self.store(), batches, pack.digest).map_err(damaged)?;
        }
        let joined = join::join(self.store(), packs)?;
        let batches = (first.first_batch, last.last_batch);
        let (runs, ends) = (joined.runs_before, joined.ends);
        let laid = Laid::out(self.store(), batches, &joined.last_digest, joined.made);
        self.sealer.put_pair(&laid)?;
        if let Err(what) = self.is_the_same(&laid, &ends) {
            self.set_aside(batches)?;
            return Err(MergeError::NotTheSame(what));
        }
        let pack = PackId {
            first: batches.0,
            last: batches.1,
            ent: laid.digest,
        };
        let of: Vec<PackId> = packs.iter().map(|pack| pack.id()).collect();
        self.sealer.record(&NodeEvent::Merge { pack, of })?;
        let runs_now = self.take_over(&laid.ent, pack)?;
        for pack in packs {
            (self.retire)(&pack.ent)?;
            (self.retire)(&pack.rec)?;
        }
        Ok(Merged {
            name: laid.ent_name.clone(),
            batches: batches.0..=batches.1,
            packs: packs.len(),
            runs: (runs, runs_now),
            records: laid.records,
            bytes: laid.bytes,
        })
    }

    /// Reads the new pack back from disk, re-hashes all of it, and compares where each log ends with the packs it is made of.
    fn is_the_same(&self, laid: &Laid, ends: &BTreeMap<Hash, join::Ends>) -> Result<(), String> {
        verify::read_back(self.store(), laid.batches, laid.digest)?;
        let view = EntView::parse(&laid.ent, true).map_err(|error| error.to_string())?;
        let mut now: BTreeMap<Hash, join::Ends> = BTreeMap::new();
        for run in &view.runs {
            join::Ends::learn(&mut now, run);
        }
        if now == *ends {
            Ok(())
        } else {
            Err("a log begins or ends elsewhere, or has another root".to_owned())
        }
    }

    /// The books read from the new pack from now on. Gives how many runs it has.
    fn take_over(&self, ent: &[u8], id: PackId) -> Result<usize, MergeError> {
        let damaged = |error: FormatError| MergeError::NotTheSame(error.to_string());
        let view = EntView::parse(ent, false).map_err(damaged)?;
        let (ent_name, rec_name) = pack_names(id.first, id.last);
        let bytes = self.store().size_of(&ent_name)? + self.store().size_of(&rec_name)?;
        let pack = Arc::new(PackPlace::new(&view.header, bytes));
        let mut of_log: BTreeMap<Hash, Vec<_>> = BTreeMap::new();
        for (run, place) in places(&pack, &view) {
            of_log.entry(run.log).or_default().push(place);
        }
        for (log, places) in of_log {
            self.log(&log)
                .write()
                .replace_runs((id.first, id.last), places);
        }
        for (run, part) in view.parts() {
            for hinge in part.notes.iter().filter(|note| note.hinge) {
                let log = self.log(&run.log);
                let sealed = log.write().seal_hinge(&pack, hinge);
                sealed.ok_or_else(|| {
                    MergeError::NotTheSame("a hinge that is no checkpoint".to_owned())
                })?;
            }
        }
        let mut packs = self.books.packs();
        packs.retain(|other| !inside((other.first_batch, other.last_batch), (id.first, id.last)));
        let place = packs.partition_point(|other| other.first_batch < id.first);
        packs.insert(place, pack);
        Ok(view.runs.len())
    }

    fn log(&self, id: &Hash) -> Arc<Log> {
        let log = self.books.log_by_id(id);
        log.expect("a merged run is of a log whose runs were in the books")
    }

    /// All that `_node` says of packs.
    fn named(&self) -> Result<Named, ReadError> {
        let log = self.books.node_log();
        let mut named = Named::default();
        self.books
            .records::<ReadError>(&log, 0..log.size(), &mut |stored| {
                if let Some((_, event)) = &stored.content {
                    named.learn(event);
                }
                Ok(())
            })?;
        Ok(named)
    }

    /// What an interrupted merging left: a larger pack that was named takes over, one that was not is set aside, and files of packs
    /// that were already replaced are retired.
    fn finish_interrupted(&self) -> Result<(), MergeError> {
        let left_over = cover(&all_names(self.store(), "sealed/")?).left_over;
        if left_over.is_empty() {
            return Ok(());
        }
        let named = self.named()?;
        let mut larger: Vec<Batches> = Vec::new();
        for name in &left_over {
            let Some((first, last, _)) = parse_pack_name(name) else {
                continue;
            };
            let stands_for = |pack: &PackId| inside((first, last), (pack.first, pack.last));
            let counting: Vec<PackId> = self.books.packs().iter().map(|pack| pack.id()).collect();
            if let Some(pack) = counting.iter().find(|pack| stands_for(pack)) {
                if named.names(pack) {
                    (self.retire)(name)?;
                }
            } else if !larger.contains(&(first, last)) {
                larger.push((first, last));
            }
        }
        larger
            .into_iter()
            .try_for_each(|batches| self.finish_larger(batches, &named))
    }

    /// A larger pack whose parts are all there still.
    fn finish_larger(&self, batches: Batches, named: &Named) -> Result<(), MergeError> {
        let (ent_name, _) = pack_names(batches.0, batches.1);
        let header = self.store().read_at(&ent_name, 0, ENT_HEADER_BYTES, true)?;
        let id = PackHeader::decode(&header).ok().map(|header| PackId {
            first: batches.0,
            last: batches.1,
            ent: header.digest(),
        });
        let good = id.filter(|id| {
            named.names(id) && verify::read_back(self.store(), batches, id.ent).is_ok()
        });
        let Some(id) = good else {
            return self.set_aside(batches);
        };
        let replaced: Vec<Arc<PackPlace>> = self
            .books
            .packs()
            .iter()
            .filter(|pack| inside((pack.first_batch, pack.last_batch), batches))
            .cloned()
            .collect();
        let length = usize::try_from(self.store().size_of(&ent_name)?).unwrap_or(usize::MAX);
        let ent = self.store().read_at(&ent_name, 0, length, true)?;
        self.take_over(&ent, id)?;
        for pack in replaced {
            (self.retire)(&pack.ent)?;
            (self.retire)(&pack.rec)?;
        }
        Ok(())
    }

    /// Nothing rests on it. The next start records it.
    fn set_aside(&self, batches: Batches) -> Result<(), MergeError> {
        let (ent, rec) = pack_names(batches.0, batches.1);
        self.store().quarantine_object(&ent)?;
        self.store().quarantine_object(&rec)?;
        Ok(())
    }
}

/// Whether a run continues a log's records up to here: used while joining.
fn follows(last: &join::Ends, run: &Run) -> bool {
    last.end == run.first && last.last_entry == run.prev_entry
}
