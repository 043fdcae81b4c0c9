//! A store in memory that enforces the contract and misbehaves on request.
//!
//! Owns a disk that outlives its handles: drop a handle, open the disk again, and what was durable is there. Promises to
//! refuse whatever the contract forbids (a second write to a slot, a gap, a write without the right to it), so that a
//! test which passes here doesn't pass by luck. It can also do what a local disk never does and a bucket may: a slot
//! taken by another, a write that lands late, a slot that vanishes.

mod disk;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use crate::guarded::Guard;
use crate::limits::{REGISTER_MAX, SLOT_LENGTH_MAX};
use crate::names::{self, READABLE};
use crate::{
    Found, Outcome, Put, SlotScan, Store, StoreError, StoreInfo, Ticket, WriteFate, WriterId,
};
pub use disk::{Fault, MemoryDisk};
use disk::{State, Stored, injected, length_of, place};

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

impl Memory {
    fn new(disk: MemoryDisk, handle: u64) -> Self {
        Self {
            disk,
            handle,
            guard: Guard::default(),
            writer: Mutex::default(),
        }
    }

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
        let error = injected();
        self.guard.stop(&error);
        error
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

    fn bind(&self) -> Result<(), StoreError> {
        Ok(())
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
        let outcome = self.disk.state().submit(slot, parts.concat());
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
        if let Outcome::Unknown(error) = &outcome {
            self.guard.stop(error);
        }
        outcome
    }

    fn prepare_next(&self, _length: u64) -> Result<(), StoreError> {
        self.check_writable()
    }

    fn room(&self) -> Result<u64, StoreError> {
        Ok(SLOT_LENGTH_MAX)
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
        let name = names::quarantined_slot(number, &bytes);
        self.write(|state| {
            state.objects.insert(name.clone(), bytes);
            state.slots.remove(&number);
        })?;
        Ok(name)
    }

    fn quarantine_object(&self, name: &str) -> Result<String, StoreError> {
        self.check_writable()?;
        names::check(name, &["sealed/"])?;
        let bytes = self
            .disk
            .state()
            .objects
            .get(name)
            .cloned()
            .ok_or(StoreError::NotFound)?;
        let digest = names::digest(&bytes);
        let free = |aside: &String| !self.disk.state().objects.contains_key(aside);
        let aside = names::quarantined_object(name, &digest).find(free);
        let aside = aside
            .ok_or_else(|| StoreError::Refused(format!("{name} is in quarantine too often")))?;
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
        names::check(name, &["sealed/"])?;
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

    fn put_pair(&self, pair: [(&str, &[&[u8]]); 2]) -> Result<[Put; 2], StoreError> {
        let [(first, parts), (second, parts_of_second)] = pair;
        names::check(second, &["sealed/"])?;
        let put = self.put_new(first, parts, None)?;
        if put == Put::Differs {
            return Ok([Put::Differs; 2]);
        }
        Ok([put, self.put_new(second, parts_of_second, None)?])
    }

    fn read_at(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        _fresh: bool,
    ) -> Result<Vec<u8>, StoreError> {
        names::check(name, &READABLE)?;
        let state = self.disk.state();
        state
            .objects
            .get(name)
            .map(|bytes| part(bytes, offset, length))
            .ok_or(StoreError::NotFound)
    }

    fn size_of(&self, name: &str) -> Result<u64, StoreError> {
        names::check(name, &READABLE)?;
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
        names::check(name, &["sealed/"])?;
        let mut state = self.disk.state();
        let until = state.retained.get_mut(name).ok_or(StoreError::NotFound)?;
        *until = retain_until.max(*until);
        Ok(())
    }

    fn put_derived(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        names::check(name, &["derived/"])?;
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

    fn skip_to_later(&mut self) -> bool {
        let later = match &self.over {
            Some(Found::Bad { later, .. }) => *later,
            Some(Found::Missing { later, .. }) => Some(*later),
            _ => None,
        };
        if let Some(later) = later {
            (self.next, self.over) = (later, None);
        }
        later.is_some()
    }
}

#[cfg(test)]
mod tests;
