//! A store on the disk that is measured, and a ledger on it.

use anyhow::Context as _;
use indelible_ledger::clock::Clock;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Founding, Ledger, Log, Random, Settings};
use indelible_proof::time::Time;
use indelible_store::{CreateOptions, LocalStore, OpenOptions, Retirer, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A store that goes away with this value.
pub struct Bed {
    dir: TempDir,
}

/// The clocks of this machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Option<Time> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Time::new(since.as_secs(), since.subsec_nanos())
    }

    fn boot_nanos(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let (secs, nanos) = (
            u64::try_from(now.tv_sec).unwrap_or(0),
            u64::try_from(now.tv_nsec).unwrap_or(0),
        );
        secs * 1_000_000_000 + nanos
    }
}

/// The system's randomness.
pub fn random() -> Random {
    Box::new(|bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has random bytes"))
}

impl Bed {
    /// A new store under `dir`, with so many tail files prepared.
    pub fn new(dir: &Path, tail_size: u64, prepared: usize) -> anyhow::Result<Bed> {
        std::fs::create_dir_all(dir)?;
        let bed = Bed {
            dir: TempDir::with_prefix_in("bench-", dir).context("make a directory")?,
        };
        let options = CreateOptions {
            origin: "audit.bench.example".to_owned(),
            store_id: [1; 16],
            node_id: [2; 16],
            created: "2026-01-01T00:00:00Z".to_owned(),
            tail_size,
            keys: None,
            register: Some(bed.dir.path().join("register")),
            accept_volatile: false,
            faults: None,
        };
        LocalStore::create(&bed.path(), options)?;
        for number in 0..prepared {
            prepare(
                &bed.path().join(format!("build/spare-{number:012}")),
                tail_size,
            )?;
        }
        Ok(bed)
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn open(&self, settings: Settings) -> anyhow::Result<Ledger> {
        open_at(&self.path(), settings)
    }

    /// Merges what can be merged. Gives how many packs were.
    pub fn merge(&self) -> anyhow::Result<usize> {
        let store = Arc::new(LocalStore::open_write(&self.path(), open_options())?);
        let settings = Settings {
            background_sealing: false,
            ..Settings::default()
        };
        let ledger = open_ledger(store.clone(), settings, Arc::new(SystemClock))?;
        let retirer = Retirer::new(&store);
        let merged = ledger.merge(&|name| retirer.retire(name))?;
        ledger.close("bench")?;
        Ok(merged.iter().map(|merged| merged.packs).sum())
    }

    /// How many files lie in a directory of the store.
    pub fn files_in(&self, directory: &str) -> anyhow::Result<u64> {
        let files = std::fs::read_dir(self.path().join(directory))?.count();
        Ok(u64::try_from(files)?)
    }

    /// Bytes of the files below a directory of the store.
    pub fn bytes_in(&self, directory: &str) -> anyhow::Result<u64> {
        let mut sum = 0;
        for entry in std::fs::read_dir(self.path().join(directory))? {
            sum += entry?.metadata()?.len();
        }
        Ok(sum)
    }
}

/// Opens a store for writing.
pub fn open_at(path: &Path, settings: Settings) -> anyhow::Result<Ledger> {
    open_with_clock(path, settings, Arc::new(SystemClock))
}

/// The same with another clock.
pub fn open_with_clock(
    path: &Path,
    settings: Settings,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Ledger> {
    let store = Arc::new(LocalStore::open_write(path, open_options())?);
    open_ledger(store, settings, clock)
}

fn open_options() -> OpenOptions {
    OpenOptions {
        moved: false,
        random: random(),
        faults: None,
    }
}

fn open_ledger(
    store: Arc<dyn Store>,
    settings: Settings,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Ledger> {
    Ok(Ledger::open(
        store,
        NodeSecret::new([3; 32]),
        clock,
        random(),
        settings,
        "unix:0",
    )?)
}

/// The spare of `docs/spec/tail.md`: zeros to its full length, durable.
fn prepare(path: &Path, length: u64) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create_new(path)?;
    let zeros = vec![0; 4 << 20];
    let mut left = length;
    while left > 0 {
        let part = usize::try_from(left.min(4 << 20))?;
        file.write_all(&zeros[..part])?;
        left -= u64::try_from(part)?;
    }
    Ok(file.sync_all()?)
}

/// The one log that is measured.
pub fn create_log(ledger: &Ledger) -> anyhow::Result<Arc<Log>> {
    Ok(ledger.create_log(
        "payments",
        &Founding {
            origin: "audit.bench.example",
            creator: "unix:0",
        },
        [4; 8],
    )?)
}
