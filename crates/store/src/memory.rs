//! A store in memory that enforces the contract and misbehaves on request.
//!
//! Owns a disk that outlives its handles: drop a handle, open the disk again, and what was durable is there. Promises to
//! refuse whatever the contract forbids (a second write to a slot, a gap, a write without the right to it), so that a
//! test which passes here doesn't pass by luck. It can also do what a local disk never does and a bucket may: a slot
//! taken by another, a write that lands late, a slot that vanishes.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::guarded::Guard;
use crate::limits::{NAME_MAX, QUARANTINE_SUFFIX, QUARANTINE_TIMES, REGISTER_MAX, SLOT_LENGTH_MAX};
use crate::local::objects::aside_name;
use crate::{
    Found, Outcome, Place, Put, Slot, SlotScan, Store, StoreError, StoreInfo, Ticket, WriteFate,
    WriterId,
};

/// What goes wrong at one submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is stored and the outcome is unknown.
    Unknown,
    /// The slot is stored, but the outcome is unknown.
    StoredButUnknown,
    /// Another writer's bytes stand in the slot.
    Taken(Vec<u8>),
    /// The outcome is unknown and the slot isn't there, until the next writer has acquired the store.
    LateLanding,
    /// The submit goes well, but this earlier slot is gone afterwards.
    Vanish(u64),
}

/// The disk: cloned freely, every clone the same disk. Also the handle by which a test makes it misbehave.
#[derive(Clone)]
pub struct MemoryDisk {
    info: StoreInfo,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    slots: BTreeMap<u64, Stored>,
    /// Slots below were released.
    first: u64,
    objects: BTreeMap<String, Vec<u8>>,
    retained: BTreeMap<String, u64>,
    register: Option<Vec<u8>>,
    holder: Option<(u64, WriterId)>,
    handles: u64,
    late: Vec<(u64, Vec<u8>)>,
    submits: u64,
    faults: BTreeMap<u64, Fault>,
    writes: u64,
    fates: BTreeMap<u64, WriteFate>,
}

#[derive(Clone)]
enum Stored {
    Good(Vec<u8>),
    Torn(Vec<u8>),
}

/// One handle on a [`MemoryDisk`].
pub struct Memory {
    disk: MemoryDisk,
    handle: u64,
    guard: Guard,
    writer: Mutex<Writing>,
}

#[derive(Default)]
struct Writing {
    next: Option<u64>,
    in_flight: VecDeque<(u64, Outcome)>,
}

impl MemoryDisk {
    /// An empty disk with a register.
    #[must_use]
    pub fn new(store_id: [u8; 16], node_id: [u8; 16], origin: &str) -> Self {
        let info = StoreInfo {
            store_id,
            node_id,
            origin: origin.to_owned(),
            created: "1970-01-01T00:00:00Z".to_owned(),
            tail_size: 0,
            keys: None,
            register_configured: true,
            volatile: true,
            read_only: false,
            copy: false,
            moved: false,
            warnings: Vec::new(),
        };
        Self {
            info,
            state: Arc::default(),
        }
    }

    /// A new handle, as a process that starts. It may write once it has acquired the store.
    #[must_use]
    pub fn open(&self) -> Memory {
        let mut state = self.state();
        state.handles += 1;
        Memory {
            disk: self.clone(),
            handle: state.handles,
            guard: Guard::default(),
            writer: Mutex::default(),
        }
    }

    /// Schedules a fault for the `submit`-th submit, counted from 0 over the disk's whole life.
    pub fn fault_at(&self, submit: u64, fault: Fault) {
        self.state().faults.insert(submit, fault);
    }

    /// Submits so far.
    #[must_use]
    pub fn submits(&self) -> u64 {
        self.state().submits
    }

    /// Schedules what becomes of the `write`-th durable write of any sort, counted from 0 over the disk's whole life.
    /// A torn slot stays behind as a bad one; a torn object or register isn't there.
    pub fn fate_of(&self, write: u64, fate: WriteFate) {
        self.state().fates.insert(write, fate);
    }

    /// Durable writes so far: submits, objects, the register, quarantine.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Lets what was written late appear now.
    pub fn land_late(&self) {
        self.state().land_late();
    }

    /// Puts any bytes into a slot, as somebody with the disk in his hands would.
    pub fn tamper_slot(&self, number: u64, bytes: Vec<u8>) {
        self.state().slots.insert(number, Stored::Good(bytes));
    }

    /// Takes a slot away.
    pub fn remove_slot(&self, number: u64) {
        self.state().slots.remove(&number);
    }

    /// An independent disk with the same content: a snapshot, a backup.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = self.state();
        let copied = State {
            slots: state.slots.clone(),
            first: state.first,
            objects: state.objects.clone(),
            retained: state.retained.clone(),
            register: state.register.clone(),
            ..State::default()
        };
        Self {
            info: self.info.clone(),
            state: Arc::new(Mutex::new(copied)),
        }
    }

    /// Puts the register back to an earlier state, or empties it.
    pub fn tamper_register(&self, content: Option<Vec<u8>>) {
        self.state().register = content;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds the disk")
    }
}

impl State {
    fn land_late(&mut self) {
        for (number, bytes) in std::mem::take(&mut self.late) {
            self.slots.entry(number).or_insert(Stored::Good(bytes));
        }
    }

    fn next_fate(&mut self) -> WriteFate {
        self.writes += 1;
        self.fates
            .remove(&(self.writes - 1))
            .unwrap_or(WriteFate::Proceed)
    }

    fn last(&self) -> Option<u64> {
        self.slots.last_key_value().map(|(&last, _)| last)
    }

    fn find(&self, number: u64) -> Found {
        let place = place(number, 0);
        let later = self
            .slots
            .range(number + 1..)
            .find(|(_, stored)| matches!(stored, Stored::Good(_)));
        let later = later.map(|(&later, _)| later);
        match (self.slots.get(&number), later) {
            (Some(Stored::Good(bytes)), _) => Found::Good(Slot {
                number,
                bytes: bytes.clone(),
                place: self::place(number, length_of(bytes)),
            }),
            (Some(Stored::Torn(_)), later) => Found::Bad {
                number,
                place,
                reason: "slot is torn",
                later,
            },
            (None, Some(later)) => Found::Missing {
                number,
                place,
                later,
            },
            (None, None) => Found::End {
                number,
                unused: Vec::new(),
            },
        }
    }
}

fn place(number: u64, length: u64) -> Place {
    Place {
        file: format!("slot/{number:012}"),
        offset: 0,
        length,
    }
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a buffer's length fits 64 bits")
}

fn injected() -> StoreError {
    StoreError::Io {
        doing: "write to memory".to_owned(),
        source: io::Error::other("lost on purpose"),
    }
}

impl Memory {
    fn check_writable(&self) -> Result<(), StoreError> {
        self.guard.check()?;
        match self.disk.state().holder {
            Some((handle, _)) if handle == self.handle => Ok(()),
            _ => Err(StoreError::refused("the right to write was not acquired")),
        }
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writer
            .lock()
            .expect("no thread panics while it holds the writer's state")
    }

    /// Applies `store` as the next fate allows.
    fn write(&self, store: impl FnOnce(&mut State)) -> Result<(), StoreError> {
        self.check_writable()?;
        let mut state = self.disk.state();
        let fate = state.next_fate();
        if matches!(fate, WriteFate::Proceed | WriteFate::StoredButLost) {
            store(&mut state);
        }
        match fate {
            WriteFate::Proceed => Ok(()),
            _ => Err(self.failed()),
        }
    }

    fn failed(&self) -> StoreError {
        self.guard.stop();
        injected()
    }

    fn checked<'a>(&self, name: &'a str, directories: &[&str]) -> Result<&'a str, StoreError> {
        let base = directories
            .iter()
            .find_map(|directory| name.strip_prefix(directory));
        let most = if name.starts_with("quarantine/") {
            NAME_MAX + QUARANTINE_SUFFIX
        } else {
            NAME_MAX
        };
        let plain = base.is_some_and(|base| {
            (1..=most).contains(&base.len())
                && !base.starts_with('.')
                && base
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        });
        if plain {
            Ok(name)
        } else {
            Err(StoreError::Refused(format!(
                "{name:?} is not a name for this"
            )))
        }
    }

    fn outcome(&self, state: &mut State, slot: u64, bytes: Vec<u8>) -> Outcome {
        let fault = state.faults.remove(&state.submits);
        let fate = state.next_fate();
        state.submits += 1;
        if let Some(Stored::Good(winner)) = state.slots.get(&slot) {
            return Outcome::Taken(winner.clone());
        }
        match (fault, fate) {
            (Some(Fault::Taken(winner)), _) => {
                state.slots.insert(slot, Stored::Good(winner.clone()));
                Outcome::Taken(winner)
            }
            (Some(Fault::Unknown), _) | (None, WriteFate::Lost) => Outcome::Unknown(injected()),
            (Some(Fault::LateLanding), _) => {
                state.late.push((slot, bytes));
                Outcome::Unknown(injected())
            }
            (None, WriteFate::Torn(length)) => {
                let torn: Vec<_> = bytes
                    .into_iter()
                    .take(usize::try_from(length).unwrap_or(usize::MAX))
                    .collect();
                if !torn.is_empty() {
                    state.slots.insert(slot, Stored::Torn(torn));
                }
                Outcome::Unknown(injected())
            }
            (Some(Fault::StoredButUnknown), _) | (None, WriteFate::StoredButLost) => {
                state.slots.insert(slot, Stored::Good(bytes));
                Outcome::Unknown(injected())
            }
            (Some(Fault::Vanish(gone)), _) => {
                state.slots.insert(slot, Stored::Good(bytes));
                state.slots.remove(&gone);
                Outcome::Durable
            }
            (None, WriteFate::Proceed) => {
                state.slots.insert(slot, Stored::Good(bytes));
                Outcome::Durable
            }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        state.holder = state.holder.filter(|&(handle, _)| handle != self.handle);
    }
}

impl Store for Memory {
    fn describe(&self) -> &StoreInfo {
        &self.disk.info
    }

    fn acquire(&self, writer: WriterId) -> Result<(), StoreError> {
        let mut state = self.disk.state();
        match state.holder {
            Some(held) if held != (self.handle, writer) => Err(StoreError::Busy),
            Some(_) => Ok(()),
            None => {
                state.holder = Some((self.handle, writer));
                state.land_late();
                Ok(())
            }
        }
    }

    fn writer_active(&self) -> Result<bool, StoreError> {
        Ok(self.disk.state().holder.is_some())
    }

    fn first_slot(&self) -> Result<Option<u64>, StoreError> {
        let state = self.disk.state();
        Ok(state.last().map(|_| state.first))
    }

    fn slots(&self, from: u64) -> Result<Box<dyn SlotScan + '_>, StoreError> {
        if from < self.disk.state().first {
            return Err(StoreError::Gone);
        }
        Ok(Box::new(MemoryScan {
            disk: &self.disk,
            next: from,
            over: None,
        }))
    }

    fn read_slot(&self, number: u64, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let state = self.disk.state();
        if number < state.first {
            return Err(StoreError::Gone);
        }
        match state.slots.get(&number) {
            Some(Stored::Good(bytes)) => Ok(part(bytes, offset, length)),
            Some(Stored::Torn(_)) => Err(StoreError::Damaged {
                place: place(number, 0),
                what: "slot is bad",
            }),
            None if state.last().is_some_and(|last| last > number) => Err(StoreError::Damaged {
                place: place(number, 0),
                what: "slot is missing",
            }),
            None => Err(StoreError::NotFound),
        }
    }

    fn open_tail(&self, last: Option<u64>) -> Result<(), StoreError> {
        self.check_writable()?;
        let mut writing = self.writing();
        if writing.next.is_some() {
            return Err(StoreError::refused("the tail is open already"));
        }
        if self.disk.state().last() != last {
            return Err(StoreError::Refused(format!(
                "{last:?} is not the last slot"
            )));
        }
        // The last slot is written again, which is a write like any other.
        if last.is_some() {
            self.write(|_| {})?;
        }
        writing.next = Some(last.map_or(0, |last| last + 1));
        Ok(())
    }

    fn submit(&self, slot: u64, parts: &[&[u8]]) -> Result<Ticket, StoreError> {
        self.check_writable()?;
        let length = parts.iter().map(|part| length_of(part)).sum();
        if length > SLOT_LENGTH_MAX {
            return Err(StoreError::TooLarge {
                length,
                most: SLOT_LENGTH_MAX,
            });
        }
        let mut writing = self.writing();
        match writing.next {
            None => return Err(StoreError::refused("the tail is not open")),
            Some(next) if next != slot => {
                return Err(StoreError::Refused(format!(
                    "slot {slot} where {next} is next"
                )));
            }
            Some(_) => {}
        }
        if let Some((before, _)) = writing.in_flight.front() {
            return Err(StoreError::Refused(format!(
                "slot {before} is still being written"
            )));
        }
        let outcome = self.outcome(&mut self.disk.state(), slot, parts.concat());
        writing.in_flight.push_back((slot, outcome));
        writing.next = Some(slot + 1);
        Ok(Ticket { slot })
    }

    fn wait(&self, ticket: Ticket) -> Outcome {
        let mut writing = self.writing();
        if writing
            .in_flight
            .front()
            .is_none_or(|(slot, _)| *slot != ticket.slot)
        {
            return Outcome::Unknown(StoreError::Refused(format!(
                "slot {} is not being written",
                ticket.slot
            )));
        }
        let (_, outcome) = writing.in_flight.pop_front().expect("just looked at");
        if matches!(outcome, Outcome::Unknown(_)) {
            self.guard.stop();
        }
        outcome
    }

    fn prepare_next(&self) -> Result<(), StoreError> {
        self.check_writable()
    }

    fn quarantine_slot(&self, number: u64) -> Result<String, StoreError> {
        self.check_writable()?;
        if self.writing().next.is_some() {
            return Err(StoreError::refused(
                "the tail is open, nothing in it is torn",
            ));
        }
        let found = self.disk.state().slots.get(&number).cloned();
        let last = self.disk.state().last();
        let Some(Stored::Torn(bytes)) = found.filter(|_| last == Some(number)) else {
            return Err(StoreError::Refused(format!(
                "slot {number} is not a torn end of the tail"
            )));
        };
        let name = format!(
            "quarantine/{number:012}-{}",
            crate::local::format::digest(&bytes)
        );
        self.write(|state| {
            state.objects.insert(name.clone(), bytes);
            state.slots.remove(&number);
        })?;
        Ok(name)
    }

    fn quarantine_object(&self, name: &str) -> Result<String, StoreError> {
        self.check_writable()?;
        let name = self.checked(name, &["sealed/"])?;
        let bytes = self
            .disk
            .state()
            .objects
            .get(name)
            .cloned()
            .ok_or(StoreError::NotFound)?;
        let base = name.strip_prefix("sealed/").expect("checked above");
        let digest = crate::local::format::digest(&bytes);
        let names = (1..=QUARANTINE_TIMES).map(|time| aside_name(base, &digest, time));
        let free = names
            .into_iter()
            .find(|name| !self.disk.state().objects.contains_key(name));
        let aside =
            free.ok_or_else(|| StoreError::Refused(format!("{name} is in quarantine too often")))?;
        self.write(|state| {
            state.objects.remove(name);
            state.objects.insert(aside.clone(), bytes);
        })?;
        Ok(aside)
    }

    fn release(&self, below: u64) -> Result<(), StoreError> {
        self.check_writable()?;
        let open = self.writing().next.is_some();
        let mut state = self.disk.state();
        if !open || state.last().is_none_or(|last| below > last) {
            return Err(StoreError::Refused(format!(
                "release below {below}: a store keeps its last slot"
            )));
        }
        state.slots = state.slots.split_off(&below);
        state.first = state.first.max(below);
        Ok(())
    }

    fn put_new(
        &self,
        name: &str,
        parts: &[&[u8]],
        retain_until: Option<u64>,
    ) -> Result<Put, StoreError> {
        self.check_writable()?;
        let name = self.checked(name, &["sealed/"])?;
        let bytes = parts.concat();
        let existing = self
            .disk
            .state()
            .objects
            .get(name)
            .map(|existing| *existing == bytes);
        match existing {
            Some(true) => Ok(Put::Same),
            Some(false) => Ok(Put::Differs),
            None => {
                self.write(|state| {
                    state.objects.insert(name.to_owned(), bytes);
                    state
                        .retained
                        .insert(name.to_owned(), retain_until.unwrap_or(0));
                })?;
                Ok(Put::Created)
            }
        }
    }

    fn read_at(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        _fresh: bool,
    ) -> Result<Vec<u8>, StoreError> {
        let name = self.checked(name, &["sealed/", "derived/", "quarantine/"])?;
        let state = self.disk.state();
        state
            .objects
            .get(name)
            .map(|bytes| part(bytes, offset, length))
            .ok_or(StoreError::NotFound)
    }

    fn size_of(&self, name: &str) -> Result<u64, StoreError> {
        let name = self.checked(name, &["sealed/", "derived/", "quarantine/"])?;
        self.disk
            .state()
            .objects
            .get(name)
            .map(|bytes| length_of(bytes))
            .ok_or(StoreError::NotFound)
    }

    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let state = self.disk.state();
        let all = state.objects.iter();
        let wanted = all.filter(|(name, _)| {
            name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after)
        });
        Ok(wanted
            .take(limit)
            .map(|(name, bytes)| (name.clone(), length_of(bytes)))
            .collect())
    }

    fn extend(&self, name: &str, retain_until: u64) -> Result<(), StoreError> {
        let name = self.checked(name, &["sealed/"])?;
        let mut state = self.disk.state();
        let until = state.retained.get_mut(name).ok_or(StoreError::NotFound)?;
        *until = retain_until.max(*until);
        Ok(())
    }

    fn put_derived(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let name = self.checked(name, &["derived/"])?;
        self.write(|state| {
            state.objects.insert(name.to_owned(), bytes.to_vec());
        })
    }

    fn register_read(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.disk.state().register.clone())
    }

    fn register_swap(&self, expected: Option<&[u8]>, new: &[u8]) -> Result<(), StoreError> {
        self.check_writable()?;
        let most = u64::try_from(REGISTER_MAX).expect("a small bound");
        if length_of(new) > most {
            return Err(StoreError::TooLarge {
                length: length_of(new),
                most,
            });
        }
        if self.disk.state().register.as_deref() != expected {
            return Err(StoreError::Conflict);
        }
        self.write(|state| state.register = Some(new.to_vec()))
    }
}

fn part(bytes: &[u8], offset: u64, length: usize) -> Vec<u8> {
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    bytes.iter().skip(skip).take(length).copied().collect()
}

struct MemoryScan<'a> {
    disk: &'a MemoryDisk,
    next: u64,
    over: Option<Found>,
}

impl SlotScan for MemoryScan<'_> {
    fn next(&mut self) -> Result<Found, StoreError> {
        if let Some(found) = &self.over {
            return Ok(found.clone());
        }
        let state = self.disk.state();
        if self.next < state.first {
            return Err(StoreError::Gone);
        }
        let found = state.find(self.next);
        match found {
            Found::Good(_) => self.next += 1,
            _ => self.over = Some(found.clone()),
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
