//! A node for tests: a store directory or a memory disk, a clock that stands where it is put, randomness from a seed.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "each test file uses a part of it and stops at the first surprise"
)]

pub mod forged;
pub mod hooked;
pub mod surgery;
pub mod truth;

use indelible_ledger::clock::Clock;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::verify::{Request, StoreReport, verify_store};
use indelible_ledger::{
    Caller, Founding, Ledger, Log, OpenError, Outcome, Random, Recorded, Settings,
};
use indelible_proof::head::{Kind, Own, Shared};
use indelible_proof::time::Time;
use indelible_store::memory::MemoryDisk;
use indelible_store::{CreateOptions, FaultInjector, LocalStore, OpenOptions, Store, StoreError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub const ORIGIN: &str = "audit.example.org";
pub const SECRET: [u8; 32] = [7; 32];
pub const BY: Shared<'static> = Shared {
    kind: Kind::Event,
    by: "unix:1000",
    via: "cli/file",
    from: None,
    cert: None,
    policy: None,
    format: None,
};

/// A node that does everything on the thread of whoever asks.
pub fn by_hand(bed: &Bed) -> Ledger {
    let settings = Settings {
        threads: false,
        ..settings()
    };
    open(bed.store(), &bed.clock, 3, settings).unwrap()
}

/// A wall clock and a boot clock that move when told, and a little with each look.
pub struct Hands {
    wall: Mutex<(u64, u32)>,
    boot: AtomicU64,
}

impl Hands {
    pub fn at(secs: u64) -> Arc<Hands> {
        Arc::new(Hands {
            wall: Mutex::new((secs, 0)),
            boot: AtomicU64::new(1_000_000_000),
        })
    }

    /// Both clocks move on.
    pub fn pass(&self, secs: u64) {
        self.wall.lock().unwrap().0 += secs;
        self.boot.fetch_add(secs * 1_000_000_000, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock.
    pub fn set(&self, secs: u64) {
        *self.wall.lock().unwrap() = (secs, 0);
    }
}

impl Clock for Hands {
    fn wall(&self) -> Option<Time> {
        let mut wall = self.wall.lock().unwrap();
        wall.1 += 1_000;
        Time::new(wall.0, wall.1)
    }

    fn boot_nanos(&self) -> u64 {
        self.boot.fetch_add(1_000, Ordering::SeqCst)
    }
}

/// Randomness nobody needs to trust: SplitMix64.
pub fn random(seed: u64) -> Random {
    let mut state = seed;
    Box::new(move |out: &mut [u8]| {
        for chunk in out.chunks_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    })
}

pub fn settings() -> Settings {
    Settings {
        background_sealing: false,
        ..Settings::default()
    }
}

pub struct Bed {
    dir: TempDir,
    pub clock: Arc<Hands>,
    opened: AtomicU64,
    pub tail_size: u64,
}

impl Bed {
    pub fn new() -> Bed {
        Bed::with_tail(64 << 10)
    }

    pub fn with_tail(tail_size: u64) -> Bed {
        let dir = scratch();
        let bed = Bed {
            dir,
            clock: Hands::at(1_790_000_000),
            opened: AtomicU64::new(0),
            tail_size,
        };
        LocalStore::create(&bed.path(), bed.create_options()).unwrap();
        bed
    }

    pub fn create_options(&self) -> CreateOptions {
        CreateOptions {
            origin: ORIGIN.to_owned(),
            store_id: [0xa1; 16],
            node_id: [0xb2; 16],
            created: "2026-11-23T10:00:00Z".to_owned(),
            tail_size: self.tail_size,
            keys: None,
            register: Some(self.dir.path().join("register")),
            accept_volatile: true,
            faults: None,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn register(&self) -> PathBuf {
        self.dir.path().join("register")
    }

    pub fn store(&self) -> Arc<dyn Store> {
        self.store_with(None).unwrap()
    }

    /// A writing handle whose every operation is announced.
    pub fn store_with(&self, faults: Option<FaultInjector>) -> Result<Arc<dyn Store>, StoreError> {
        let seed = self.opened.fetch_add(1, Ordering::SeqCst);
        let mut bytes = random(1_000 + seed);
        let options = OpenOptions {
            moved: false,
            random: Box::new(move |out| bytes(out)),
            faults,
        };
        Ok(Arc::new(LocalStore::open_write(&self.path(), options)?))
    }

    pub fn reader(&self) -> Arc<dyn Store> {
        Arc::new(LocalStore::open_read(&self.path()).unwrap())
    }

    pub fn try_open(&self) -> Result<Ledger, OpenError> {
        let seed = self.opened.fetch_add(1, Ordering::SeqCst);
        open(self.store(), &self.clock, 2_000 + seed, settings())
    }

    pub fn open(&self) -> Ledger {
        self.try_open().unwrap()
    }

    /// As an operator opens it who goes on although the register is gone.
    pub fn open_without_register(&self) -> Ledger {
        let seed = self.opened.fetch_add(1, Ordering::SeqCst);
        let settings = Settings {
            accept_register: Some("unix:7".to_owned()),
            ..settings()
        };
        open(self.store(), &self.clock, 2_000 + seed, settings).unwrap()
    }

    pub fn verify(&self) -> StoreReport {
        verify(&*self.reader())
    }
}

/// A directory in memory where there is one: these tests lose and tear writes themselves and have no use for a slow disk.
pub fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .unwrap()
}

pub fn open(
    store: Arc<dyn Store>,
    clock: &Arc<Hands>,
    seed: u64,
    settings: Settings,
) -> Result<Ledger, OpenError> {
    let clock: Arc<dyn Clock> = clock.clone();
    Ledger::open(
        store,
        NodeSecret::new(SECRET),
        clock,
        random(seed),
        settings,
        "unix:1000",
    )
}

pub fn verify(store: &dyn Store) -> StoreReport {
    verify_store(
        store,
        &Request {
            only: None,
            pin: None,
            progress: &|_| {},
        },
    )
}

pub fn memory() -> MemoryDisk {
    MemoryDisk::new([0xa1; 16], [0xb2; 16], ORIGIN)
}

pub fn create(ledger: &Ledger, name: &str, incarnation: u8) -> Arc<Log> {
    ledger
        .create_log(
            name,
            &Founding {
                origin: ORIGIN,
                creator: "unix:1000",
            },
            [incarnation; 8],
        )
        .unwrap()
}

pub fn caller(ledger: &Ledger, log: &Arc<Log>, seed: u64) -> Caller {
    ledger.caller(log, random(seed)).unwrap()
}

pub fn event(number: u64) -> Vec<u8> {
    format!(
        r#"{{"order":{number},"amount":"{}.00","note":"{}"}}"#,
        number % 97,
        "x".repeat(usize::try_from(number % 61).unwrap())
    )
    .into_bytes()
}

/// Appends events one by one, each waited for.
pub fn append(
    ledger: &Ledger,
    log: &Arc<Log>,
    caller: &mut Caller,
    numbers: std::ops::Range<u64>,
) -> Vec<Recorded> {
    let prepare = |number: u64, caller: &mut Caller| {
        caller
            .prepare(log, &BY, &Own::default(), &event(number))
            .unwrap()
    };
    numbers
        .map(|number| ledger.append(log, prepare(number, caller)).unwrap())
        .collect()
}

/// Submits events together and waits for all.
pub fn submit(
    ledger: &Ledger,
    log: &Arc<Log>,
    caller: &mut Caller,
    numbers: std::ops::Range<u64>,
) -> Vec<Recorded> {
    let tickets: Vec<_> = numbers
        .map(|number| {
            ledger
                .submit(
                    log,
                    caller
                        .prepare(log, &BY, &Own::default(), &event(number))
                        .unwrap(),
                )
                .unwrap()
        })
        .collect();
    tickets
        .into_iter()
        .flat_map(|ticket| ticket.wait().unwrap())
        .collect()
}

/// Submits events that are recorded together or not at all, and waits.
pub fn group(
    ledger: &Ledger,
    log: &Arc<Log>,
    caller: &mut Caller,
    numbers: std::ops::Range<u64>,
) -> Outcome {
    let events = numbers
        .map(|number| {
            caller
                .prepare(log, &BY, &Own::default(), &event(number))
                .unwrap()
        })
        .collect();
    ledger
        .submit_all(log, events)
        .and_then(indelible_ledger::Ticket::wait)
}

/// All files under a directory, with their bytes.
pub fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
