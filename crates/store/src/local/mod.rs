//! The store as a local directory, `docs/spec/tail.md`.
//!
//! Owns the directory's layout and which handle may do what. A writing handle holds an exclusive lock on `lock` for its
//! whole life; a reading handle takes no lock, writes nothing, and tolerates a writer beside it.

mod create;
pub(crate) mod format;
mod medium;
mod objects;
mod recycle;
pub(crate) mod register;
mod retire;
mod scan;
pub(crate) mod tail;
mod tail_file;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

pub use retire::Retirer;

use crate::durable::{Disk, FaultInjector};
use crate::{Outcome, Put, SlotScan, Store, StoreError, StoreInfo, Ticket, WriterId};
use format::Format;
use scan::{BadSlot, LocalScan};
use tail::{Block, span};
use tail_file::{TailFile, Window};
use writer::Writer;

/// The directories of a store. Everything in them belongs to this crate.
const DIRECTORIES: [&str; 5] = ["tail", "build", "sealed", "derived", "quarantine"];

/// Where generations come from: fills the buffer with bytes nobody can guess.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// What a new store is to be.
pub struct CreateOptions {
    /// Printable ASCII, at most [`crate::limits::ORIGIN_MAX`] bytes.
    pub origin: String,
    /// Random.
    pub store_id: [u8; 16],
    /// The node this store is made for.
    pub node_id: [u8; 16],
    /// The time now, RFC 3339.
    pub created: String,
    /// Bytes of a new tail file: a multiple of 4096, 64 KiB to 1 GiB.
    pub tail_size: u64,
    /// Where the keys lie, to be remembered; made absolute.
    pub keys: Option<PathBuf>,
    /// The register file, outside the store; made absolute.
    pub register: Option<PathBuf>,
    /// Accept a file system in memory.
    pub accept_volatile: bool,
    /// The seam for failed-write tests.
    pub faults: Option<FaultInjector>,
}

/// How to open a store for writing.
pub struct OpenOptions {
    /// This directory is a copy, and from now on it is the store.
    pub moved: bool,
    /// For the generations of new tail files.
    pub random: Random,
    /// The seam for failed-write tests.
    pub faults: Option<FaultInjector>,
}

/// A handle on a store directory.
pub struct LocalStore {
    root: PathBuf,
    info: StoreInfo,
    register: Option<PathBuf>,
    disk: Disk,
    /// The seam for failed-write tests, for the register.
    faults: Option<FaultInjector>,
    /// `FORMAT` of a copy that was opened as moved and not bound to its place yet. Nothing is written before.
    moving: Mutex<Option<Format>>,
    /// Held while this handle lives; `None` for a reading handle.
    lock: Option<File>,
    /// What scans and submits have learnt of where slots lie.
    places: Mutex<Places>,
    /// The end of the tail. Taken before `preparing`, never after.
    writer: Mutex<Writer>,
    /// Held by whoever makes or recycles tail files.
    preparing: Mutex<Option<Random>>,
    /// Number of the tail file written to; [`NOT_OPEN`] before `open_tail`.
    current: AtomicU64,
    /// Names in `build/` differ by this.
    builds: AtomicU64,
}

/// No tail file has this number.
const NOT_OPEN: u64 = u64::MAX;

#[derive(Default)]
struct Places {
    slots: BTreeMap<u64, SlotPlace>,
    /// Tail files this handle has already had the kernel forget.
    dropped: BTreeSet<u64>,
    bad: Option<BadSlot>,
}

/// Where a good slot was seen.
#[derive(Clone)]
struct SlotPlace {
    tail: Arc<TailFile>,
    offset: u64,
    length: u64,
}

impl LocalStore {
    fn root(&self) -> &Path {
        &self.root
    }

    fn is_writer(&self) -> bool {
        self.lock.is_some()
    }

    /// Whether nobody can be writing slots while this handle reads them: it holds the lock and hasn't begun.
    fn is_alone(&self) -> bool {
        self.is_writer() && self.current.load(Ordering::SeqCst) == NOT_OPEN
    }

    /// Every write begins here.
    fn check_writable(&self) -> Result<(), StoreError> {
        if self.lock.is_none() {
            return Err(StoreError::ReadOnly);
        }
        self.disk.check()?;
        if self.moving().is_some() {
            return Err(StoreError::refused(
                "the copy is not bound to its place yet",
            ));
        }
        match self.writer().id {
            Some(_) => Ok(()),
            None => Err(StoreError::refused("the right to write was not acquired")),
        }
    }

    fn moving(&self) -> MutexGuard<'_, Option<Format>> {
        self.moving
            .lock()
            .expect("no thread panics while it binds the store")
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer
            .lock()
            .expect("no thread panics while it holds the writer's state")
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places
            .lock()
            .expect("no thread panics while it holds the map")
    }

    fn next_build(&self) -> u64 {
        self.builds.fetch_add(1, Ordering::Relaxed)
    }

    /// A tail file for a scan, the kernel's copy dropped the first time. `None`: released meanwhile.
    fn open_for_scan(&self, number: u64) -> Result<Option<Arc<TailFile>>, StoreError> {
        let tail = match TailFile::open(&self.root, number, &self.info.store_id, false) {
            Ok(tail) => tail,
            Err(StoreError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Whoever writes to a store writes to all of it: one such file, and it is only read.
        if tail.read_only && self.is_writer() {
            return Err(StoreError::ReadOnly);
        }
        if self.places().dropped.insert(number) {
            tail.drop_cache()?;
        }
        Ok(Some(Arc::new(tail)))
    }

    /// The files after number `after`, in order.
    fn windows_after(&self, after: u64) -> Result<Vec<Window>, StoreError> {
        let mut windows = Vec::new();
        for number in tail_file::numbers(&self.root)?
            .into_iter()
            .filter(|&number| number > after)
        {
            let tail = self.open_for_scan(number)?.ok_or(StoreError::Gone)?;
            windows.push(Window::new(tail));
        }
        Ok(windows)
    }

    fn remember(&self, number: u64, tail: Arc<TailFile>, offset: u64, length: u64) {
        self.places().slots.insert(
            number,
            SlotPlace {
                tail,
                offset,
                length,
            },
        );
    }

    fn remember_bad(&self, bad: Option<BadSlot>) {
        self.places().bad = bad;
    }

    /// The nearest slot at or before `from` that this handle has seen and that is still there.
    fn known_before(&self, from: u64) -> Result<Option<(u64, Arc<TailFile>, u64)>, StoreError> {
        let known = self
            .places()
            .slots
            .range(..=from)
            .next_back()
            .map(|(&number, place)| (number, place.clone()));
        let Some((number, place)) = known else {
            return Ok(None);
        };
        if place.tail.holds(place.offset, number)?.is_none() || !place.tail.is_current()? {
            // Released: so is all that was seen before it.
            self.places().slots.retain(|&other, _| other > number);
            return Ok(None);
        }
        Ok(Some((number, place.tail, place.offset)))
    }

    fn find_slot(&self, number: u64) -> Result<SlotPlace, StoreError> {
        if let Some(place) = self.places().slots.get(&number) {
            return Ok(place.clone());
        }
        match LocalScan::start(self, number)?.next()? {
            crate::Found::Good(_) => {}
            crate::Found::End { .. } => return Err(StoreError::NotFound),
            crate::Found::Bad { place, .. } => {
                return Err(StoreError::Damaged {
                    place,
                    what: "slot is bad",
                });
            }
            crate::Found::Missing { place, .. } => {
                return Err(StoreError::Damaged {
                    place,
                    what: "slot is missing",
                });
            }
        }
        self.places()
            .slots
            .get(&number)
            .cloned()
            .ok_or(StoreError::NotFound)
    }
}

impl Store for LocalStore {
    fn describe(&self) -> &StoreInfo {
        &self.info
    }

    fn acquire(&self, writer: WriterId) -> Result<(), StoreError> {
        if self.lock.is_none() {
            return Err(StoreError::ReadOnly);
        }
        let mut state = self.writer();
        match state.id {
            Some(held) if held != writer => Err(StoreError::Busy),
            _ => {
                state.id = Some(writer);
                Ok(())
            }
        }
    }

    fn bind(&self) -> Result<(), StoreError> {
        if self.lock.is_none() {
            return Err(StoreError::ReadOnly);
        }
        let mut moving = self.moving();
        if let Some(format) = moving.as_ref() {
            self.bind_format(format)?;
            *moving = None;
        }
        Ok(())
    }

    fn writer_active(&self) -> Result<bool, StoreError> {
        Ok(self.is_writer() || crate::durable::try_lock(&self.root.join("lock"), false)?.is_none())
    }

    fn first_slot(&self) -> Result<Option<u64>, StoreError> {
        let numbers = tail_file::numbers(&self.root)?;
        let nothing_released = numbers.first() == Some(&0);
        for number in numbers {
            let Some(tail) = self.open_for_scan(number)? else {
                continue;
            };
            let what = match tail.block(FIRST_BLOCK)? {
                // Whatever stands there, slot 0 is expected, and the scan will say if it is another, bad or missing.
                Block::Slot(_) | Block::Bad(_) if nothing_released => return Ok(Some(0)),
                // Prepared ahead, or too small for the slot that came: maybe all that a release cut short has left of it.
                Block::Nothing if !scan::holds_any(&tail)? => continue,
                Block::Nothing if nothing_released => return Ok(Some(0)),
                Block::Slot(header) => return Ok(Some(header.number)),
                Block::Nothing => "the tail does not begin with a slot",
                Block::Bad(what) => what,
            };
            // Released between listing and reading, unless it is still there.
            if tail.is_current()? {
                return Err(StoreError::Damaged {
                    place: tail.place(FIRST_BLOCK, crate::limits::BLOCK),
                    what,
                });
            }
        }
        Ok(None)
    }

    fn slots(&self, from: u64) -> Result<Box<dyn SlotScan + '_>, StoreError> {
        Ok(Box::new(LocalScan::start(self, from)?))
    }

    fn read_slot(&self, number: u64, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let place = self.find_slot(number)?;
        if place.tail.holds(place.offset, number)?.is_none() {
            // Let go of the file, so that its room is free once it is removed.
            self.places()
                .slots
                .retain(|_, other| other.tail.number > place.tail.number);
            return Err(StoreError::Gone);
        }
        let left = usize::try_from(place.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let start = place.offset + crate::limits::SLOT_HEADER;
        let start = start.checked_add(offset).ok_or(StoreError::NotFound)?;
        let bytes =
            tail_file::read_at(&place.tail.file, &place.tail.path, start, length.min(left))?;
        // Recycling overwrites a file from its front: if the header still stands, the bytes behind it were read whole.
        match place.tail.holds(place.offset, number)? {
            Some(_) => Ok(bytes),
            None => Err(StoreError::Gone),
        }
    }

    fn open_tail(&self, last: Option<u64>) -> Result<(), StoreError> {
        self.check_writable()?;
        self.open_end(last)
    }

    fn submit(&self, slot: u64, parts: &[&[u8]]) -> Result<Ticket, StoreError> {
        self.check_writable()?;
        self.write_slot(slot, parts)
    }

    fn wait(&self, ticket: Ticket) -> Outcome {
        match self.sync_slot(ticket.slot) {
            Ok(()) => Outcome::Durable,
            Err(error) => Outcome::Unknown(error),
        }
    }

    fn prepare_next(&self, length: u64) -> Result<(), StoreError> {
        self.check_writable()?;
        self.prepare_ahead(span(length))
    }

    fn room(&self) -> Result<u64, StoreError> {
        self.room_ahead()
    }

    fn quarantine_slot(&self, number: u64) -> Result<String, StoreError> {
        self.check_writable()?;
        self.set_slot_aside(number)
    }

    fn quarantine_object(&self, name: &str) -> Result<String, StoreError> {
        self.check_writable()?;
        self.set_aside(name)
    }

    fn release(&self, below: u64) -> Result<(), StoreError> {
        self.check_writable()?;
        self.recycle_below(below)
    }

    fn put_new(
        &self,
        name: &str,
        parts: &[&[u8]],
        _retain_until: Option<u64>,
    ) -> Result<Put, StoreError> {
        self.check_writable()?;
        is_sealed(name)?;
        self.put_object(name, parts)
    }

    fn put_pair(&self, pair: [(&str, &[&[u8]]); 2]) -> Result<[Put; 2], StoreError> {
        self.check_writable()?;
        pair.iter().try_for_each(|(name, _)| is_sealed(name))?;
        self.put_objects(pair)
    }

    fn read_at(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        fresh: bool,
    ) -> Result<Vec<u8>, StoreError> {
        self.read_object(name, offset, length, fresh)
    }

    fn size_of(&self, name: &str) -> Result<u64, StoreError> {
        self.object_length(name)
    }

    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.list_names(prefix, after, limit)
    }

    fn extend(&self, name: &str, _retain_until: u64) -> Result<(), StoreError> {
        self.object_length(name).map(|_| ())
    }

    fn put_derived(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.check_writable()?;
        self.replace_derived(name, bytes)
    }

    fn register_read(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.register {
            Some(path) => Ok(register::read(path)?.map(|held| held.content)),
            None => Ok(None),
        }
    }

    fn register_swap(&self, expected: Option<&[u8]>, new: &[u8]) -> Result<(), StoreError> {
        self.check_writable()?;
        match &self.register {
            // Another disk, perhaps, and never on the commit path: what fails there stops nothing here and may be tried again.
            Some(path) => register::swap(&Disk::new(self.faults.clone()), path, expected, new),
            None => Err(StoreError::refused("no register is configured")),
        }
    }
}

fn is_sealed(name: &str) -> Result<(), StoreError> {
    match name.starts_with("sealed/") {
        true => Ok(()),
        false => Err(StoreError::Refused(format!(
            "{name:?} is not a name for this"
        ))),
    }
}

/// Where a tail file's first slot stands.
const FIRST_BLOCK: u64 = crate::limits::BLOCK;

#[cfg(test)]
mod tests;
