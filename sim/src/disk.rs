//! The simulated disk, under the real local store.
//!
//! The store's own `durable.rs` announces every write, sync, creation, rename and removal before it does it
//! ([`indelible_store::FaultInjector`]). That seam is enough for a disk: what is announced is done to real files in a directory in memory,
//! and this module keeps what a power loss would bring back. So the local store that runs here is, to the byte, the one that ships;
//! a store of our own with sectors and syncs would test itself.
//!
//! What it models. A write reaches the page cache, by 512-byte sectors; a sync of the file makes them durable. A sync that fails may have
//! written some of them, and the others are *given up*: they still read as written, no later sync writes them, and only a write
//! over them does. Names come and go with the sync of a directory, in order. At a power loss each unsynced sector has one
//! of the contents it had since the last sync, of unsynced names a prefix is there, and a file that grew has any length between. A
//! process that is killed leaves the page cache as it is.
//!
//! What it does not know: what the bytes mean.

mod cache;
mod names;

use crate::clock::SimClock;
use crate::dice::Dice;
use cache::Cache;
use indelible_store::{FaultInjector, WriteFate, WriteKind, WriteOp};
use names::Names;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub const SECTOR: u64 = 512;

/// What is to happen at an operation that is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The process ends there. The operation may be done, half done, or not at all.
    Kill,
    /// The operation fails, and the process lives to hear of it.
    Fail,
    /// The next sync takes so many nanoseconds.
    Slow(u64),
    /// Somebody reads the store just then.
    Read,
    /// Callers bring events just then.
    Arrive,
    /// From now on no file can be made and none grows, until there is room again.
    Full,
}

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Struck {
    pub event: &'static str,
    pub kind: &'static str,
}

/// Something done between two operations of the disk; the error says what was wrong.
pub type Visitor = Box<dyn Fn() -> Result<(), String> + Send>;

struct State {
    root: PathBuf,
    dice: Dice,
    clock: Arc<SimClock>,
    plan: Option<(u64, Event)>,
    cache: Cache,
    names: Names,
    struck: Vec<Struck>,
    /// The process is dead: nothing goes through until it begins anew.
    dead: bool,
    full: bool,
    /// Something found no room since the process began.
    short: bool,
    /// An operation on the store failed since the process began.
    hurt: bool,
    /// An operation on the register failed, in any process.
    register_hurt: bool,
    ops: u64,
    trace: Sha256,
    reader: Option<Visitor>,
    callers: Option<Visitor>,
    trouble: Option<String>,
}

/// The disk. Every clone is the same.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// `root` holds the store and the register; `attic` keeps what unsynced names would bring back.
    pub fn new(root: &Path, attic: &Path, dice: Dice, clock: Arc<SimClock>) -> Disk {
        Disk(Arc::new(Mutex::new(State {
            root: root.to_owned(),
            dice,
            clock,
            plan: None,
            cache: Cache::default(),
            names: Names::new(attic),
            struck: Vec::new(),
            dead: false,
            full: false,
            short: false,
            hurt: false,
            register_hurt: false,
            ops: 0,
            trace: Sha256::new(),
            reader: None,
            callers: None,
            trouble: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store announces its operations to.
    pub fn injector(&self) -> FaultInjector {
        let disk = self.clone();
        Arc::new(move |op| disk.state().announced(op))
    }

    pub fn plan(&self, after: u64, event: Event) {
        self.state().plan = Some((after, event));
    }

    pub fn unplan(&self) {
        self.state().plan = None;
    }

    pub fn has_plan(&self) -> bool {
        self.state().plan.is_some()
    }

    /// Who is called at [`Event::Read`] and at [`Event::Arrive`].
    pub fn visitors(&self, reader: Visitor, callers: Visitor) {
        let mut state = self.state();
        (state.reader, state.callers) = (Some(reader), Some(callers));
    }

    /// Operations so far.
    pub fn ops(&self) -> u64 {
        self.state().ops
    }

    /// What struck since this was asked last.
    pub fn struck(&self) -> Vec<Struck> {
        std::mem::take(&mut self.state().struck)
    }

    /// What a visitor found wrong.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.take()
    }

    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    pub fn is_hurt(&self) -> bool {
        self.state().hurt
    }

    /// Whether something found no room since the process began. The writer may go on, or say that it can't.
    pub fn is_short(&self) -> bool {
        self.state().short
    }

    pub fn is_register_hurt(&self) -> bool {
        self.state().register_hurt
    }

    /// Nothing waits for a sync: a power loss would change nothing.
    pub fn is_synced(&self) -> bool {
        let state = self.state();
        state.cache.is_synced() && state.names.is_synced()
    }

    /// A new process may use the disk.
    pub fn revive(&self) {
        let mut state = self.state();
        (state.dead, state.hurt, state.short) = (false, false, false);
    }

    pub fn free_room(&self) {
        self.state().full = false;
    }

    /// All that was not synced is at the mercy of the dice. How many sectors and names did not survive.
    pub fn power_loss(&self) -> std::io::Result<(u64, u64)> {
        let state = &mut *self.state();
        let mut dice = state.dice.fork();
        let names = state.names.lose(&mut dice, &mut state.cache)?;
        let sectors = state.cache.lose(&mut dice)?;
        state.hash(&[b"power", &sectors.to_be_bytes(), &names.to_be_bytes()]);
        Ok((sectors, names))
    }

    /// SHA-256 over all that was announced and what became of it.
    pub fn trace(&self) -> [u8; 32] {
        self.state().trace.clone().finalize().into()
    }
}

impl State {
    fn announced(&mut self, op: &WriteOp<'_>) -> WriteFate {
        if self.dead {
            return WriteFate::Lost;
        }
        self.ops += 1;
        let fate = self.fate(op);
        let path = op.path.strip_prefix(&self.root).unwrap_or(op.path);
        let line = format!(
            "{:?} {} {} {} {fate:?}\n",
            op.kind,
            path.display(),
            op.offset,
            op.length
        );
        self.hash(&[line.as_bytes()]);
        if let Err(error) = self.take_note(op, fate) {
            self.trouble
                .get_or_insert(format!("the simulated disk failed: {error}"));
        }
        fate
    }

    fn hash(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.trace.update(part));
    }

    fn fate(&mut self, op: &WriteOp<'_>) -> WriteFate {
        if self.full && op.needs_room() {
            return self.no_room(op);
        }
        let Some((after, event)) = self.plan else {
            return WriteFate::Proceed;
        };
        if after > 0 {
            self.plan = Some((after - 1, event));
            return WriteFate::Proceed;
        }
        let waits = match event {
            Event::Slow(_) => op.kind != WriteKind::Sync,
            Event::Full => !op.needs_room(),
            _ => false,
        };
        if waits {
            return WriteFate::Proceed;
        }
        self.plan = None;
        self.strike(op, event)
    }

    fn strike(&mut self, op: &WriteOp<'_>, event: Event) -> WriteFate {
        self.struck.push(Struck {
            event: match event {
                Event::Kill => "kill",
                Event::Fail => "failure",
                Event::Slow(_) => "slow sync",
                Event::Read => "reader",
                Event::Arrive => "arrival",
                Event::Full => "full disk",
            },
            kind: word(op.kind),
        });
        match event {
            Event::Slow(nanos) => self.clock.pass(nanos),
            Event::Read | Event::Arrive => {
                let visitor = match event {
                    Event::Read => &self.reader,
                    _ => &self.callers,
                };
                if let Some(Err(trouble)) = visitor.as_ref().map(|visitor| visitor()) {
                    let path = op.path.strip_prefix(&self.root).unwrap_or(op.path);
                    let at = format!("before {} of {}: {trouble}", word(op.kind), path.display());
                    self.trouble.get_or_insert(at);
                }
            }
            Event::Kill | Event::Fail | Event::Full => {
                self.dead = event == Event::Kill;
                self.full |= event == Event::Full;
                if event == Event::Full {
                    return self.no_room(op);
                }
                self.is_hurt_by(op);
                return self.broken(op);
            }
        }
        WriteFate::Proceed
    }

    /// The directory around the store is also the register's, and a start syncs it for the store's sake.
    fn is_hurt_by(&mut self, op: &WriteOp<'_>) {
        let is_of_store = op.path.starts_with(self.root.join("store"));
        self.hurt |= is_of_store || op.path == self.root;
        self.register_hurt |= !is_of_store;
    }

    /// Whether a rename to this name takes the place of what is there.
    fn is_replaced(&self, to: &Path) -> bool {
        let store = self.root.join("store");
        let kept = ["tail", "build", "sealed", "quarantine"];
        !kept.iter().any(|name| to.starts_with(store.join(name)))
    }

    /// What finds no room and has no name yet is taken back, and the writer goes on. Anything else is a failure as any other.
    fn no_room(&mut self, op: &WriteOp<'_>) -> WriteFate {
        self.short = true;
        if !op.path.starts_with(self.root.join("store/build")) {
            self.is_hurt_by(op);
        }
        WriteFate::NoRoom
    }

    /// Not done, done and not said, or torn at a sector.
    fn broken(&mut self, op: &WriteOp<'_>) -> WriteFate {
        let sectors = op.length.div_ceil(SECTOR);
        let torn = op.kind == WriteKind::Write;
        match self.dice.roll(3) {
            1 => WriteFate::StoredButLost,
            0 => WriteFate::Lost,
            _ if torn => WriteFate::Torn(self.dice.roll(sectors) * SECTOR),
            _ => WriteFate::Lost,
        }
    }

    /// Remembers what a power loss would bring back.
    fn take_note(&mut self, op: &WriteOp<'_>, fate: WriteFate) -> std::io::Result<()> {
        let done = matches!(fate, WriteFate::Proceed | WriteFate::StoredButLost);
        match op.kind {
            WriteKind::Write if !matches!(fate, WriteFate::Lost | WriteFate::NoRoom) => {
                self.cache.writing(op.path, op.offset, op.length)?;
            }
            WriteKind::Sync if done => self.cache.synced(op.path)?,
            WriteKind::Sync => self.cache.sync_failed(op.path, &mut self.dice),
            WriteKind::SyncDirectory if done => self.names.synced(op.path)?,
            WriteKind::Create | WriteKind::MakeDirectory if done => self.names.created(op.path),
            WriteKind::Rename if done => {
                let to = op.to.unwrap_or(op.path);
                // Everywhere else a name that is taken stays as it is, and the rename is not done.
                if !to.exists() || self.is_replaced(to) {
                    self.names.renamed(op.path, to, &mut self.cache)?;
                }
            }
            WriteKind::Remove if done => self.names.removed(op.path, &mut self.cache)?,
            _ => {}
        }
        Ok(())
    }
}

fn word(kind: WriteKind) -> &'static str {
    match kind {
        WriteKind::Write => "write",
        WriteKind::Sync => "sync",
        WriteKind::SyncDirectory => "directory sync",
        WriteKind::Create | WriteKind::MakeDirectory => "create",
        WriteKind::Rename => "rename",
        WriteKind::Remove => "remove",
        WriteKind::Seal => "chmod",
    }
}

#[cfg(test)]
mod tests;
