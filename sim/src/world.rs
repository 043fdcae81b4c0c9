//! One simulated node: its directory, disk, clocks, keys, the process that runs on it, and what everybody remembers.
//!
//! Owns the state of a history. What happens to it stands in the modules beside: [`opening`](crate::opening) starts and ends processes,
//! [`callers`](crate::callers) and [`claims`](crate::claims) send, [`reading`] looks, [`damage`](crate::damage) and
//! [`rot`](crate::rot) break.

use crate::clock::SimClock;
use crate::dice::Dice;
use crate::disk::{Disk, Event};
use crate::model::{Judged, Model};
use crate::reading;
use crate::recovery::Recovering;
use crate::snapshot::Snapshot;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Books, Ledger, Log, Prepared, Refusal, Secrets, Ticket};
use indelible_store::{CreateOptions, LocalStore};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tempfile::TempDir;

pub const ORIGIN: &str = "sim.example.org";
const SECOND: u64 = 1_000_000_000;

/// Horizons of keys: none at all, and so few that a history leaves them behind.
const HORIZONS: [u64; 5] = [0, 1, 3, 8, 20];

/// The process.
pub struct Run {
    pub store: Arc<LocalStore>,
    pub ledger: Arc<Ledger>,
    /// The first batch that it was not sure of, or a word of the ledger that it has stopped.
    pub fallen: bool,
}

/// The secrets at hand: of which generation, and whether the next one is being brought in.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub now: u64,
    pub rotating: bool,
    /// Who may give the logs new keys, where somebody may: the first of them, or those that they named.
    pub people: Option<u64>,
    pub recovering: Option<Recovering>,
}

impl Held {
    pub fn secrets(&self) -> Secrets {
        match self.rotating {
            true => Secrets::Rotating {
                old: secret(self.now),
                next: secret(self.now + 1),
            },
            false => Secrets::One(secret(self.now)),
        }
    }
}

/// The secret of a generation.
pub fn secret(generation: u64) -> NodeSecret {
    let byte = u8::try_from(generation % 251).unwrap_or(0);
    match generation {
        0 => NodeSecret::new([7; 32]),
        _ => NodeSecret::of(generation, [byte.wrapping_add(7); 32]),
    }
}

/// Events that callers bring while the disk is at work.
#[derive(Default)]
pub struct Arrivals {
    pub ledger: Weak<Ledger>,
    pub coming: Vec<(Arc<Log>, Prepared, u64)>,
    pub handed: Vec<(Arc<Log>, u64, Result<Ticket, Refusal>)>,
}

/// What was counted, by what it is called in the report.
pub type Counts = BTreeMap<&'static str, u64>;

pub struct World {
    pub dice: Dice,
    dir: TempDir,
    pub disk: Disk,
    pub clock: Arc<SimClock>,
    pub model: Arc<Mutex<Model>>,
    pub run: Option<Run>,
    pub held: Held,
    pub arrivals: Arc<Mutex<Arrivals>>,
    pub claims: crate::claims::Claims,
    /// How many of the newest keys are exact whatever they look like, where that is few enough to be left behind in a history.
    pub key_horizon: Option<u64>,
    /// What a history is like, apart from what happens in it: who draws from it changes nothing else.
    pub nature: Dice,
    /// Number of the next event.
    pub next: u64,
    /// Room of the tail, by which callers are refused.
    pub tail_bytes_max: Option<u64>,
    /// This history seals often, so that there are packs enough to merge.
    pub seals_often: bool,
    /// The store as it was after an earlier stop, and the register's bytes then.
    pub earlier: Option<Snapshot>,
    /// Somebody took the register away, and an operator knows it.
    pub register_gone: bool,
    /// A reader that opened the store a while ago and still reads.
    pub old_reader: Option<Books>,
    pub counts: Counts,
    pub story: Vec<String>,
}

impl World {
    /// A new store, opened by nobody yet.
    pub fn new(seed: u64) -> Result<World, String> {
        let mut dice = Dice::new(seed);
        let mut nature = Dice::new(!seed);
        let has_horizon = nature.one_in(3);
        let key_horizon = nature.pick(&HORIZONS).copied().filter(|_| has_horizon);
        let dir = TempDir::new_in("/dev/shm")
            .or_else(|_| TempDir::new())
            .map_err(|error| error.to_string())?;
        let attic = dir.path().join("attic");
        let site = dir.path().join("site");
        for made in [&attic, &site] {
            std::fs::create_dir(made).map_err(|error| error.to_string())?;
        }
        let clock = Arc::new(SimClock::at(1_790_000_000));
        let disk = Disk::new(&site, &attic, dice.fork(), Arc::clone(&clock));
        let model = Arc::new(Mutex::new(Model::default()));
        let arrivals: Arc<Mutex<Arrivals>> = Arc::default();
        let world = World {
            seals_often: dice.one_in(4),
            tail_bytes_max: dice.one_in(3).then_some(96 << 10),
            dice,
            dir,
            disk,
            clock,
            model,
            run: None,
            held: Held {
                now: 0,
                rotating: false,
                people: nature.one_in(2).then_some(0),
                recovering: None,
            },
            arrivals,
            claims: crate::claims::Claims::default(),
            key_horizon,
            nature,
            next: 0,
            earlier: None,
            register_gone: false,
            old_reader: None,
            counts: Counts::new(),
            story: Vec::new(),
        };
        world.receive_visitors();
        let options = world.create_options();
        LocalStore::create(&world.path(), options).map_err(|error| error.to_string())?;
        Ok(world)
    }

    fn create_options(&self) -> CreateOptions {
        CreateOptions {
            origin: ORIGIN.to_owned(),
            store_id: [0xa1; 16],
            node_id: [0xb2; 16],
            created: "2026-11-23T10:00:00Z".to_owned(),
            tail_size: 64 << 10,
            keys: None,
            register: Some(self.register()),
            accept_volatile: true,
            faults: Some(self.disk.injector()),
        }
    }

    /// Who comes while the disk is at work.
    fn receive_visitors(&self) {
        let (path, model) = (self.path(), Arc::clone(&self.model));
        let reader =
            move || reading::judge(&path, &model.lock().unwrap_or_else(PoisonError::into_inner));
        let arrivals = Arc::clone(&self.arrivals);
        let callers = move || {
            let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            let coming = std::mem::take(&mut arrivals.coming);
            for (log, prepared, number) in coming {
                let ledger = arrivals.ledger.upgrade();
                let handed = match ledger {
                    Some(ledger) => ledger.submit(&log, prepared),
                    None => Err(Refusal::Stopped("there is no process".to_owned())),
                };
                arrivals.handed.push((log, number, handed));
            }
            Ok(())
        };
        self.disk.visitors(Box::new(reader), Box::new(callers));
    }

    /// What the simulated disk holds: the store, and the register beside it.
    pub fn site(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    pub fn path(&self) -> PathBuf {
        self.site().join("store")
    }

    /// Where a clone of the store lies; the simulated disk does not hear of it.
    pub fn twin(&self) -> PathBuf {
        self.dir.path().join("twin")
    }

    pub fn register(&self) -> PathBuf {
        self.site().join("register")
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of the story, for whoever reads a failure.
    pub fn tell(&mut self, line: impl Into<String>) {
        // Where the simulated disk lies today is no part of the history.
        let site = self.site().display().to_string();
        let below = format!("{site}/");
        self.story
            .push(line.into().replace(&below, "").replace(&site, "site"));
    }

    pub fn count(&mut self, what: &'static str, by: u64) {
        *self.counts.entry(what).or_default() += by;
    }

    pub fn process(&self) -> Result<&Run, String> {
        self.run
            .as_ref()
            .ok_or_else(|| "no process runs".to_owned())
    }

    pub fn ledger(&self) -> Result<Arc<Ledger>, String> {
        Ok(Arc::clone(&self.process()?.ledger))
    }

    /// The next number, noted as sent by nobody knows what became of it.
    pub fn new_event(&mut self, log: &str) -> u64 {
        let number = self.next;
        self.next += 1;
        self.model().sending(log, number);
        number
    }

    /// A fault that is to strike somewhere in the next operations of the disk.
    pub fn plan_a_fault(&mut self) {
        let after = self.dice.roll(40);
        let event = match self.dice.roll(12) {
            0..=2 => Event::Kill,
            3..=4 => Event::Fail,
            5 => Event::Full,
            6..=7 => Event::Slow(self.dice.roll(20) * SECOND / 4),
            8..=9 => Event::Read,
            _ => Event::Arrive,
        };
        self.disk.plan(after, event);
    }

    /// Counts and tells what struck, and gives what a visitor found wrong.
    pub fn note_what_struck(&mut self) -> Judged {
        for struck in self.disk.struck() {
            self.count(struck.event, 1);
            self.tell(format!("  {} at a {}", struck.event, struck.kind));
        }
        self.disk.trouble().map_or(Ok(()), Err)
    }
}

/// A log of the ledger by name.
pub fn log_of(ledger: &Ledger, name: &str) -> Result<Arc<Log>, String> {
    let log = ledger.books().log(name);
    log.ok_or_else(|| format!("the log {name} is not there"))
}

/// An error as text.
pub fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Relative to the site, for stories and findings.
pub fn short(site: &Path, path: &Path) -> String {
    path.strip_prefix(site)
        .unwrap_or(path)
        .display()
        .to_string()
}
