#![expect(
    clippy::disallowed_methods,
    reason = "tests tamper with files as an attacker or a crash would"
)]

mod directory;
mod failed_writes;
mod golden;
mod order;
mod recycling;
mod room;
mod scanning;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{CreateOptions, LocalStore, OpenOptions, Random};
use crate::conformance::{self, Opener};
use crate::durable::FaultInjector;
use crate::limits::BLOCK;
use crate::{Found, Outcome, Slot, Store, StoreError};

const STORE_ID: [u8; 16] = *b"a store's own id";

/// A directory with room for a store and, beside it, a register.
struct Bed {
    directory: TempDir,
}

impl Bed {
    fn empty() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
        }
    }

    /// In memory where there is such a place: hundreds of stores whose syncs cost nothing.
    fn quick() -> Self {
        let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self {
            directory: directory.unwrap(),
        }
    }

    fn new() -> Self {
        let bed = Self::empty();
        LocalStore::create(&bed.root(), bed.create_options()).unwrap();
        bed
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn create_options(&self) -> CreateOptions {
        CreateOptions {
            origin: "example.org/node".to_owned(),
            store_id: STORE_ID,
            node_id: *b"its node's id...",
            created: "2026-01-02T03:04:05Z".to_owned(),
            tail_size: 64 << 10,
            keys: None,
            register: Some(self.directory.path().join("register")),
            accept_volatile: true,
            faults: None,
        }
    }

    /// Holds the lock and the right to write; the tail isn't open yet.
    fn open(&self) -> LocalStore {
        let store = LocalStore::open_write(&self.root(), open_options(None)).unwrap();
        store.acquire([1; 16]).unwrap();
        store
    }

    /// Recovers as the ledger would, a torn end set aside.
    fn writer(&self) -> LocalStore {
        let store = self.open();
        let (slots, end) = scan(&store);
        if let Found::Bad { number, .. } = end {
            store.quarantine_slot(number).unwrap();
        }
        store
            .open_tail(slots.last().map(|slot| slot.number))
            .unwrap();
        store
    }

    /// A store with slots of these lengths, closed again.
    fn with_slots(lengths: &[usize]) -> Self {
        let bed = Self::new();
        let store = bed.writer();
        for (number, &length) in (0..).zip(lengths) {
            put(&store, number, &payload(number, length));
        }
        bed
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(self.path(name))
            .unwrap();
        file.write_all_at(bytes, offset).unwrap();
    }

    fn flip(&self, name: &str, offset: u64, bit: u8) {
        let mut byte = [0];
        let file = fs::File::open(self.path(name)).unwrap();
        file.read_exact_at(&mut byte, offset).unwrap();
        self.overwrite(name, offset, &[byte[0] ^ (1 << bit)]);
    }
}

/// Where slot `number` of a store `with_slots` stands, if all of them are in file 0.
fn offset_of(lengths: &[usize], number: usize) -> u64 {
    let spans = lengths
        .iter()
        .take(number)
        .map(|&length| super::tail::span(u64::try_from(length).unwrap()));
    BLOCK + spans.sum::<u64>()
}

/// Bytes that nothing else has and that are never zero.
fn payload(number: u64, length: usize) -> Vec<u8> {
    let seed = Sha256::digest(number.to_be_bytes());
    seed.iter()
        .map(|byte| byte | 1)
        .cycle()
        .take(length)
        .collect()
}

/// Different at each call in this process.
fn random() -> Random {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    Box::new(|buffer| {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let bytes = Sha256::digest(call.to_be_bytes());
        buffer.copy_from_slice(&bytes[..buffer.len()]);
    })
}

fn open_options(faults: Option<FaultInjector>) -> OpenOptions {
    OpenOptions {
        moved: false,
        random: random(),
        faults,
    }
}

fn put(store: &LocalStore, number: u64, bytes: &[u8]) {
    let ticket = store.submit(number, &[bytes]).unwrap();
    assert!(matches!(store.wait(ticket), Outcome::Durable));
}

/// All good slots from the first on, and what ended them.
fn scan(store: &LocalStore) -> (Vec<Slot>, Found) {
    try_scan(store).unwrap()
}

fn try_scan(store: &LocalStore) -> Result<(Vec<Slot>, Found), StoreError> {
    let mut scan = store.slots(store.first_slot()?.unwrap_or(0))?;
    let mut slots = Vec::new();
    loop {
        match scan.next()? {
            Found::Good(slot) => slots.push(slot),
            end => {
                assert_eq!(scan.next()?, end, "the same again");
                return Ok((slots, end));
            }
        }
    }
}

fn check_payloads(slots: &[Slot], lengths: &[usize]) {
    assert!(slots.len() <= lengths.len());
    for (slot, &length) in slots.iter().zip(lengths) {
        assert!(
            slot.bytes == payload(slot.number, length),
            "slot {}",
            slot.number
        );
    }
}

#[test]
fn a_local_directory_keeps_the_contract() {
    conformance::run(&|| -> Opener {
        let bed = Bed::new();
        Box::new(move || Box::new(LocalStore::open_write(&bed.root(), open_options(None)).unwrap()))
    });
}
