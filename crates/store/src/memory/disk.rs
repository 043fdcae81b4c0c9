//! The disk beneath the memory backend, and the handle by which a test makes it misbehave.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Memory;
use crate::{Found, Outcome, Place, Slot, StoreError, StoreInfo, WriteFate, WriterId};

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

/// The disk: cloned freely, every clone the same disk.
#[derive(Clone)]
pub struct MemoryDisk {
    pub(super) info: StoreInfo,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) slots: BTreeMap<u64, Stored>,
    /// Slots below were released.
    pub(super) first: u64,
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    /// Seconds since 1970; shortened by nobody.
    pub(super) retained: BTreeMap<String, u64>,
    pub(super) register: Option<Vec<u8>>,
    /// The handle with the right to write, and as whom it took it.
    pub(super) holder: Option<(u64, WriterId)>,
    handles: u64,
    /// Written, reported unknown, not yet there.
    late: Vec<(u64, Vec<u8>)>,
    submits: u64,
    faults: BTreeMap<u64, Fault>,
    writes: u64,
    fates: BTreeMap<u64, WriteFate>,
}

#[derive(Clone)]
pub(super) enum Stored {
    Good(Vec<u8>),
    Torn(Vec<u8>),
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
            register: None,
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
        Memory::new(self.clone(), state.handles)
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

    /// Durable writes so far: submits, the last slot written again, objects, the register, quarantine.
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

    /// Puts the register back to an earlier state, or empties it.
    pub fn tamper_register(&self, content: Option<Vec<u8>>) {
        self.state().register = content;
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

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere should end with its own message, not with ours.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn last(&self) -> Option<u64> {
        self.slots.last_key_value().map(|(&last, _)| last)
    }

    pub(super) fn land_late(&mut self) {
        for (number, bytes) in std::mem::take(&mut self.late) {
            self.slots.entry(number).or_insert(Stored::Good(bytes));
        }
    }

    pub(super) fn next_fate(&mut self) -> WriteFate {
        self.writes += 1;
        self.fates
            .remove(&(self.writes - 1))
            .unwrap_or(WriteFate::Proceed)
    }

    /// Stores a slot as this submit's fault or this write's fate allows.
    pub(super) fn submit(&mut self, slot: u64, bytes: Vec<u8>) -> Outcome {
        let fault = self.faults.remove(&self.submits);
        let fate = self.next_fate();
        self.submits += 1;
        if let Some(Stored::Good(winner)) = self.slots.get(&slot) {
            return Outcome::Taken(winner.clone());
        }
        match fault {
            Some(fault) => self.submit_with(fault, slot, bytes),
            None => self.submit_as(fate, slot, bytes),
        }
    }

    fn submit_with(&mut self, fault: Fault, slot: u64, bytes: Vec<u8>) -> Outcome {
        match fault {
            Fault::Unknown => Outcome::Unknown(injected()),
            Fault::StoredButUnknown => {
                self.slots.insert(slot, Stored::Good(bytes));
                Outcome::Unknown(injected())
            }
            Fault::Taken(winner) => {
                self.slots.insert(slot, Stored::Good(winner.clone()));
                Outcome::Taken(winner)
            }
            Fault::LateLanding => {
                self.late.push((slot, bytes));
                Outcome::Unknown(injected())
            }
            Fault::Vanish(gone) => {
                self.slots.insert(slot, Stored::Good(bytes));
                self.slots.remove(&gone);
                Outcome::Durable
            }
        }
    }

    fn submit_as(&mut self, fate: WriteFate, slot: u64, mut bytes: Vec<u8>) -> Outcome {
        let stored = match fate {
            WriteFate::Proceed | WriteFate::StoredButLost => Some(Stored::Good(bytes)),
            WriteFate::Lost | WriteFate::NoRoom | WriteFate::Torn(0) => None,
            WriteFate::Torn(length) => {
                bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
                Some(Stored::Torn(bytes))
            }
        };
        self.slots.extend(stored.map(|stored| (slot, stored)));
        match fate {
            WriteFate::Proceed => Outcome::Durable,
            _ => Outcome::Unknown(injected()),
        }
    }

    /// What stands at `number`.
    pub(super) fn find(&self, number: u64) -> Found {
        let later = self
            .slots
            .range((Bound::Excluded(number), Bound::Unbounded))
            .next()
            .map(|(&later, _)| later);
        match (self.slots.get(&number), later) {
            (Some(Stored::Good(bytes)), _) => {
                let place = place(number, length_of(bytes));
                Found::Good(Slot {
                    number,
                    bytes: bytes.clone(),
                    place,
                })
            }
            (Some(Stored::Torn(bytes)), later) => Found::Bad {
                number,
                place: place(number, length_of(bytes)),
                reason: "slot is torn",
                later,
            },
            (None, Some(later)) => Found::Missing {
                number,
                place: place(number, 0),
                later,
            },
            (None, None) => Found::End {
                number,
                unused: Vec::new(),
            },
        }
    }
}

pub(super) fn place(number: u64, length: u64) -> Place {
    Place {
        file: format!("slot/{number:012}"),
        offset: 0,
        length,
    }
}

pub(super) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a buffer's length fits 64 bits")
}

pub(super) fn injected() -> StoreError {
    StoreError::Io {
        doing: "write to memory".to_owned(),
        source: io::Error::other("lost on purpose"),
    }
}
