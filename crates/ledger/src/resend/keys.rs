//! Idempotency keys: what memory knows of them, and what it can rule out. Pure.
//!
//! Keys of records that are not sealed stand in a map; the newest sealed ones in two tables, a small young one that takes each new pack,
//! and a large old one that the young one is merged into when it has a sixteenth of the horizon. What the tables name, and what is older
//! than they reach, `search` looks for on disk. The reach is the *horizon*: at least so many of the newest.

use super::part::Part;
pub use super::table::entry;
use super::table::{Class, Merge, PARTS, Table, own, part_with, young_class_keys, young_keys};
use super::tag::Spread;
use crate::format::pack::Tag;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, RwLock};

/// Keys of records that are not sealed. Changed where the order is made.
#[derive(Debug, Default)]
pub struct Keys {
    recent: HashMap<Tag, u64, Spread>,
}

impl Keys {
    /// The record of the tail, or of a batch on its way, that has this tag.
    #[inline]
    pub fn recent(&self, tag: &Tag) -> Option<u64> {
        self.recent.get(tag).copied()
    }

    /// The record at `seq` is ordered with this tag.
    #[inline]
    pub fn take(&mut self, tag: Tag, seq: u64) {
        self.recent.insert(tag, seq);
    }

    /// It was not ordered after all.
    pub fn give_back(&mut self, tag: &Tag) {
        self.recent.remove(tag);
    }

    /// These are sealed and known so: the map need not hold them any more.
    pub fn forget(&mut self, tags: &[Tag]) {
        for tag in tags {
            self.recent.remove(tag);
        }
        if self.recent.capacity() > 4 * self.recent.len() + 65_536 {
            self.recent.shrink_to(2 * self.recent.len());
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.recent.len()
    }
}

/// What memory says of sealed keys, to be asked without a lock.
#[derive(Clone, Debug, Default)]
pub struct Sealed {
    pub(crate) old: Arc<Table>,
    pub(crate) young: Arc<Table>,
    /// Keys in packs below this batch are older than the horizon.
    pub(crate) begins: u64,
    /// Grows whenever keys are sealed: what was ruled out before is to be looked at again.
    pub(crate) generation: u64,
}

impl Sealed {
    /// Batches of the packs that may have the tag, newest first.
    #[inline]
    pub fn candidates(&self, tag: &Tag) -> Vec<RangeInclusive<u64>> {
        let (old, young) = (self.old.look(tag), self.young.look(tag));
        let (old, young) = (old.end(), young.end());
        if young.is_no() && old.is_no() {
            return Vec::new();
        }
        let young = self.young.batches_of(young);
        young.chain(self.old.batches_of(old)).collect()
    }

    /// How many keys are known.
    pub fn keys(&self) -> u64 {
        self.old.keys() + self.young.keys()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.old.bytes() + self.young.bytes()
    }

    /// Classes: what a look names.
    pub fn classes(&self) -> usize {
        self.old.classes().len() + self.young.classes().len()
    }
}

/// The sealed keys within the horizon. Changed by whoever seals alone; whoever looks keeps what it got.
#[derive(Debug)]
pub struct SealedKeys {
    /// The newest keys that are known, at least.
    horizon: u64,
    now: RwLock<Arc<Sealed>>,
}

impl SealedKeys {
    /// None yet.
    #[must_use]
    pub fn new(horizon: u64) -> SealedKeys {
        SealedKeys {
            horizon,
            now: RwLock::default(),
        }
    }

    /// The newest keys that are known, at least.
    pub fn horizon(&self) -> u64 {
        self.horizon
    }

    /// What is known now.
    #[inline]
    pub fn now(&self) -> Arc<Sealed> {
        Arc::clone(&self.now.read().expect("no thread panics while it looks"))
    }

    /// Asks memory for what a look for the tag will need, and does not wait for it.
    #[inline]
    pub fn ask_ahead(&self, tag: &Tag) {
        let now = self.now.read().expect("no thread panics while it looks");
        now.old.look(tag);
        now.young.look(tag);
    }

    /// Grows whenever keys are sealed.
    pub fn generation(&self) -> u64 {
        self.now
            .read()
            .expect("no thread panics while it looks")
            .generation
    }

    fn change<T>(&self, change: impl FnOnce(&mut Sealed) -> T) -> T {
        let mut now = self.now.write().expect("no thread panics while it looks");
        change(Arc::make_mut(&mut now))
    }

    /// Packs were sealed that have so many keys, and of their tags these entries, as [`entry`] makes them. One thread at a time seals
    /// and merges; who looks meanwhile finds part of them or all.
    pub fn seal(&self, batches: RangeInclusive<u64>, keys: u64, mut entries: Vec<u64>) {
        if keys > 0 {
            entries.sort_unstable();
            let class = Class { batches, keys };
            let class_keys = young_class_keys(self.horizon);
            let age =
                self.change(|sealed| Arc::make_mut(&mut sealed.young).join(&class, class_keys));
            self.seal_parts(&entries, age);
        }
        self.change(|sealed| sealed.generation += 1);
    }

    fn seal_parts(&self, mut entries: &[u64], age: u64) {
        let mut spare = None;
        for at in 0..PARTS {
            let own = own(at, &mut entries);
            if own.is_empty() {
                continue;
            }
            let young = self.part(at, |sealed| &sealed.young);
            let part = part_with(&young, own, age, spare.take());
            drop(young);
            let put = |sealed: &mut Sealed| Arc::make_mut(&mut sealed.young).put(at, part);
            // Whoever looks just now may still hold it; the next has its memory then.
            spare = Arc::try_unwrap(self.change(put)).ok();
        }
    }

    /// Makes what is young old, if it is much by now. Takes some hundred milliseconds for tens of millions, and holds no lock longer
    /// than it takes to put a part in its place.
    pub fn merge(&self) {
        if self.now().young.keys() < young_keys(self.horizon) {
            return;
        }
        let plan = {
            let now = self.now();
            Merge::plan(&now.old, &now.young, self.horizon)
        };
        let Some(merge) = plan else { return };
        self.change(|sealed| {
            let all_gone = sealed
                .young
                .batches()
                .map_or(0, |batches| batches.end() + 1);
            let old = Arc::make_mut(&mut sealed.old);
            let before = old.batches().or_else(|| sealed.young.batches());
            merge.begin(old);
            let begin = old.batches().map_or(all_gone, |batches| *batches.start());
            if before.is_some_and(|before| *before.start() < begin) {
                sealed.begins = begin;
            }
        });
        let mut spare = None;
        for at in 0..PARTS {
            let old = self.part(at, |sealed| &sealed.old);
            let part = merge.part(at, &old, spare.take());
            drop(old);
            let old = self.change(|sealed| Arc::make_mut(&mut sealed.old).put(at, part));
            spare = Arc::try_unwrap(old).ok();
        }
        self.change(|sealed| {
            Arc::make_mut(&mut sealed.old).set_whole();
            sealed.young = Arc::default();
        });
    }

    fn part(&self, at: usize, of: impl FnOnce(&Sealed) -> &Table) -> Arc<Part> {
        Arc::clone(&of(&self.now()).parts()[at])
    }

    /// As a clean stop left them, before any is known.
    pub(crate) fn restore(&self, old: Option<Table>, young: Option<Table>) {
        self.change(|sealed| {
            sealed.old = old.map_or_else(Arc::default, Arc::new);
            sealed.young = young.map_or_else(Arc::default, Arc::new);
        });
    }

    /// Packs below this batch are out of reach from the beginning.
    pub(crate) fn begin_at(&self, batch: u64) {
        self.change(|sealed| sealed.begins = batch);
    }
}

#[cfg(test)]
mod tests;
