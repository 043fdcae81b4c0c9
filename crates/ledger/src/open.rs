//! A ledger opened for writing: how it is founded, opened, used and closed.
//!
//! Opening is recovery, then one first batch that says what happened (start, repairs, an accepted clock) and carries the notes an
//! earlier run could not write any more. Only then is anything accepted.

mod first_batch;

use crate::books::{Books, Log, NODE_LOG};
use crate::caller::{Caller, Prepared, Random, Recorded};
use crate::clock::{Clock, ClockRule, StartJump};
use crate::commit::{Committer, Desk, LastBatch, TailRoom};
use crate::keeper::{self, spawn};
use crate::limits::{GROUP_BYTES_MAX, GROUP_RECORDS_MAX, LOGS_MAX, QUEUE_WAIT};
use crate::node_log::NodeLog;
use crate::queue::{Group, Queue, Refusal, Ticket};
use crate::recover::{self, RecoverError, Recovered};
use crate::seal::{SealError, Sealed, Sealer};
use crate::sequencer::{Draft, Edge, Sequencer, Start};
use crate::signer::NodeSecret;
use crate::view::ReadError;
use first_batch::{FirstBatch, found, new_log};
use indelible_proof::hash::Hash;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::origin;
use indelible_proof::time::Time;
use indelible_store::{Store, StoreError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Seal by itself when the tail is long.
    pub background_sealing: bool,
    /// Tail bytes at which commits wait for sealing; `None`: the default of `limits`.
    pub tail_bytes_max: Option<u64>,
    /// How long a caller waits for room in the queue before it is told *not recorded, send again*.
    pub queue_wait: Duration,
    /// An operator goes on although the configured register is missing: who. Means nothing while it is there.
    pub accept_register: Option<String>,
    /// An operator accepts the wall clock as it stands: who.
    pub accept_clock: Option<String>,
    /// What is written into `start` records and genesis: name and version of the program.
    pub software: String,
}

impl Default for Settings {
    fn default() -> Settings {
        let software = concat!("indelible ", env!("CARGO_PKG_VERSION")).to_owned();
        Settings {
            background_sealing: true,
            tail_bytes_max: None,
            queue_wait: QUEUE_WAIT,
            accept_register: None,
            accept_clock: None,
            software,
        }
    }
}

/// What founds a log, the node's own or another.
#[derive(Clone, Debug)]
pub struct Founding<'a> {
    /// Node origin, as in `FORMAT`.
    pub origin: &'a str,
    /// Who does it: `unix:<uid>`.
    pub creator: &'a str,
}

/// Why a ledger could not be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is stored can't be continued; `verify` says more.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// An operator must look at the clock first.
    #[error(transparent)]
    Clock(#[from] StartJump),
    /// The wall clock shows a year outside 2000–9999.
    #[error("the wall clock shows a time that can't be recorded")]
    NoTime,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch could not be made durable.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Names that can't be part of an origin.
    #[error("'{0}' is not a valid name")]
    BadName(String),
    /// There is such a log already.
    #[error("log '{0}' exists already")]
    LogExists(String),
    /// The register that guards against a rollback is not there. Only in a store's first run it may not have been written yet.
    #[error("the register is missing: nothing says whether this is the newest state of the store")]
    RegisterMissing,
    /// The secret is not the one this store was founded with.
    #[error("these keys don't belong to this store: its checkpoints are signed by another key")]
    WrongKeys,
    /// Too many logs.
    #[error("a node holds at most {LOGS_MAX} logs")]
    TooManyLogs,
}

/// A ledger open for writing. Dropping it without [`Ledger::close`] is like a crash: nothing acknowledged is lost.
pub struct Ledger {
    committer: Arc<Committer>,
    sealer: Arc<Sealer>,
    threads: Vec<JoinHandle<()>>,
    software: String,
    background_sealing: bool,
    /// Logs are founded one after the other: each takes the next index.
    founding: Mutex<()>,
    /// What the opening set aside.
    repairs: Vec<recover::Repair>,
}

impl Ledger {
    /// Opens a store for writing; an empty one is founded.
    ///
    /// # Errors
    /// [`OpenError`]; the store is unchanged except for what recovery had to set aside.
    pub fn open(
        store: Arc<dyn Store>,
        secret: NodeSecret,
        clock: Arc<dyn Clock>,
        mut random: Random,
        settings: Settings,
        creator: &str,
    ) -> Result<Ledger, OpenError> {
        let mut writer = [0; 16];
        random(&mut writer);
        store.acquire(writer)?;
        let recovered = recover::recover(Arc::clone(&store))?;
        let without_register =
            store.describe().register_configured && recovered.lacks_its_register();
        if without_register && settings.accept_register.is_none() {
            return Err(OpenError::RegisterMissing);
        }
        let wall = clock.wall().ok_or(OpenError::NoTime)?;
        if settings.accept_clock.is_none()
            && let Some(last) = recovered.last_time()
        {
            ClockRule::check_start(last, wall)?;
        }
        let batch_key = secret.batch_key(&store.describe().store_id).public();
        if recovered.batch_key.is_some_and(|key| key != batch_key) {
            return Err(OpenError::WrongKeys);
        }
        if let Some(file) = recovered.read_only {
            let what = "it has things that this version would not keep".to_owned();
            return Err(RecoverError::Unsupported { file, what }.into());
        }
        // The guard is passed. Only now a copy becomes the store, and only now anything is written.
        store.bind()?;
        let mut recovered = recovered;
        if !without_register {
            begin_register(&*store, &mut recovered);
        }
        let (recovered, unnamed, aside) = recover::confirm_last_pack(&store, recovered)?;
        let repairs = recover::repair(&*store, &recovered, aside)?;
        store.open_tail(recovered.next.checked_sub(1))?;
        let opening = Opening {
            store,
            secret,
            clock,
            random,
            writer,
            wall,
            settings,
            creator,
            without_register,
        };
        opening.start(recovered, repairs, unnamed)
    }

    /// What is durable, for reading and proving.
    #[must_use]
    pub fn books(&self) -> &Arc<Books> {
        &self.committer.books
    }

    /// Prepares events for a log; one for each thread.
    ///
    /// # Errors
    /// [`ReadError`] if the log's genesis, which holds its limit, can't be read.
    pub fn caller(&self, log: &Log, random: Random) -> Result<Caller, ReadError> {
        Ok(Caller::new(self.books().event_bytes_max(log)?, random))
    }

    /// Hands over a prepared event; it is ordered with whatever else waits.
    ///
    /// # Errors
    /// [`Refusal`]: not recorded.
    pub fn submit(&self, log: &Arc<Log>, prepared: Prepared) -> Result<Ticket, Refusal> {
        self.push(log, prepared, Vec::new())
    }

    /// Hands over events that are recorded together or not at all, one after the other. None at all is recorded at once.
    ///
    /// # Errors
    /// [`Refusal`]: none is recorded. [`Refusal::TooMany`] if they don't fit one batch.
    pub fn submit_all(&self, log: &Arc<Log>, events: Vec<Prepared>) -> Result<Ticket, Refusal> {
        let weight: usize = events.iter().map(Prepared::weight).sum();
        let fits = events.len() <= GROUP_RECORDS_MAX && weight <= GROUP_BYTES_MAX;
        let mut events = events.into_iter();
        match (events.next(), fits || events.len() == 0) {
            (_, false) => Err(Refusal::TooMany),
            (None, true) => Ok(Ticket::settled()),
            (Some(first), true) => self.push(log, first, events.collect()),
        }
    }

    fn push(
        &self,
        log: &Arc<Log>,
        first: Prepared,
        rest: Vec<Prepared>,
    ) -> Result<Ticket, Refusal> {
        let (ticket, answer) = Ticket::pair();
        self.committer.queue.push(Group {
            log: Arc::clone(log),
            first,
            rest,
            answer,
            reserved: false,
        })?;
        Ok(ticket)
    }

    /// Records one event and waits for it. A lone caller commits on its own thread.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn append(&self, log: &Arc<Log>, prepared: Prepared) -> Result<Recorded, Refusal> {
        self.committer.append(log, prepared)
    }

    /// The receipt of a record made just now, under a signature over all that is durable.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn receipt(&self, log: &Log, recorded: &Recorded) -> Result<String, ReadError> {
        let note = match log.note().filter(|note| note.size > recorded.seq) {
            Some(note) => note,
            None => self.committer.sign_head(log),
        };
        self.books()
            .receipt(log, recorded.seq, &recorded.head, &note)
    }

    /// Founds a log. Its genesis and the `_node` record that names it are one batch.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn create_log(
        &self,
        name: &str,
        founding: &Founding<'_>,
        incarnation: [u8; 8],
    ) -> Result<Arc<Log>, OpenError> {
        if !origin::is_log_name(name) || name.starts_with('_') {
            return Err(OpenError::BadName(name.to_owned()));
        }
        let _one_at_a_time = self
            .founding
            .lock()
            .expect("no thread panics while it founds a log");
        let committer = &*self.committer;
        if committer.books.log(name).is_some() {
            return Err(OpenError::LogExists(name.to_owned()));
        }
        if committer.books.next_index() >= LOGS_MAX {
            return Err(OpenError::TooManyLogs);
        }
        let log = new_log(&committer.books, founding, name, incarnation)?;
        let mut desk = committer.desk();
        committer.take_disk()?;
        let mut draft = Draft::default();
        let now = committer.now(&mut desk, &mut draft);
        let node_id = committer.books.node_log().id();
        found(
            committer,
            &mut desk,
            &mut draft,
            &log,
            founding,
            &self.software,
            Some(node_id),
            now,
        );
        let id = log.id();
        let named = desk.node.say(&NodeEvent::Log {
            log: log.origin(),
            id,
        });
        let node_log = Arc::clone(desk.node.log());
        desk.sequencer.add(&mut draft, &node_log, named, now);
        committer.write_alone(desk, draft)?;
        committer.books.add_log(&log);
        Ok(log)
    }

    /// Seals what the tail holds now. `None` if there was nothing.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self) -> Result<Vec<Sealed>, SealError> {
        self.sealer.seal_all()
    }

    /// What the opening had to set aside; it stands in `_node` too.
    #[must_use]
    pub fn repairs(&self) -> &[recover::Repair] {
        &self.repairs
    }

    /// Bytes of the tail's batches that are not sealed yet.
    #[must_use]
    pub fn tail_bytes(&self) -> u64 {
        self.committer.tail_bytes()
    }

    /// Why the background sealing failed last, if it did and has not come through since.
    #[must_use]
    pub fn sealing_trouble(&self) -> Option<String> {
        self.committer.sealing_trouble().clone()
    }

    /// Why the register could not be written last, if so.
    #[must_use]
    pub fn register_trouble(&self) -> Option<String> {
        self.committer.register_trouble()
    }

    /// Stops cleanly: what waits is committed, a tail that grew faster than it was sealed is sealed, so that the next start is quick, a
    /// `stop` record and a mark are written, the register is set. Gives the register's trouble, if it could not be.
    ///
    /// # Errors
    /// [`Refusal`] if the node had stopped before, or stopped now.
    pub fn close(mut self, reason: &str) -> Result<Option<String>, Refusal> {
        self.sealer.stop();
        self.committer.queue.close();
        self.committer.pulse.stop();
        for thread in self.threads.drain(..) {
            thread
                .join()
                .map_err(|_| Refusal::Stopped("a thread of the ledger panicked".to_owned()))?;
        }
        if self.background_sealing {
            self.sealer.catch_up();
        }
        let committer = &*self.committer;
        let mut desk = committer.desk();
        committer.take_disk()?;
        let mut draft = Draft::default();
        let now = committer.now(&mut desk, &mut draft);
        let stop = desk.node.say(&NodeEvent::Stop {
            reason: reason.into(),
        });
        let node_log = Arc::clone(desk.node.log());
        desk.sequencer.add(&mut draft, &node_log, stop, now);
        committer.write_alone(desk, draft)?;
        while committer.mark_if_idle()? {}
        committer.register();
        Ok(committer.register_trouble())
    }
}

impl Drop for Ledger {
    /// A ledger dropped without a clean stop leaves no thread behind; what it acknowledged is durable.
    fn drop(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        self.sealer.stop();
        self.committer.queue.stop("dropped without a clean stop");
        self.committer.pulse.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                // The thread's panic was printed; there is nobody to tell.
            }
        }
    }
}

/// Everything that opening needs, so that its steps stay short.
struct Opening<'a> {
    store: Arc<dyn Store>,
    secret: NodeSecret,
    clock: Arc<dyn Clock>,
    random: Random,
    writer: [u8; 16],
    wall: Time,
    settings: Settings,
    creator: &'a str,
    without_register: bool,
}

impl Opening<'_> {
    fn start(
        mut self,
        recovered: Recovered,
        repairs: Vec<recover::Repair>,
        unnamed: Option<(u64, u64, Hash)>,
    ) -> Result<Ledger, OpenError> {
        let info = self.store.describe().clone();
        let founding = Founding {
            origin: &info.origin,
            creator: self.creator,
        };
        let founded = recovered.next == 0;
        let node_log = if founded {
            let mut incarnation = [0; 8];
            (self.random)(&mut incarnation);
            new_log(&recovered.books, &founding, NODE_LOG, incarnation)?
        } else {
            recovered.books.node_log()
        };
        let last_time = recovered.time.unwrap_or(self.wall);
        let last_sealed = recovered.last_sealed;
        let settings = self.settings.clone();
        let (wall, without_register) = (self.wall, self.without_register);
        let committer = Arc::new(self.committer(recovered, node_log));
        let first = FirstBatch {
            settings: &settings,
            founding: &founding,
            wall,
            last_time,
            founded,
            repairs: &repairs,
            unnamed,
            without_register,
        };
        first.write(&committer)?;
        Ok(run(committer, last_sealed, settings, repairs))
    }

    /// The writing half, going on where the store ends.
    fn committer(self, recovered: Recovered, node_log: Arc<Log>) -> Committer {
        let info = self.store.describe();
        let last_time = recovered.time.unwrap_or(self.wall);
        let start = Start {
            store: info.store_id,
            writer: self.writer,
            epoch: recovered.epoch + 1,
            next: recovered.next,
            prev: recovered.prev,
            time: last_time,
        };
        let caller = Caller::new(EVENT_BYTES_DEFAULT, self.random);
        let mut desk = Desk::new(
            sequencer(start, &recovered.books),
            ClockRule::after(last_time),
            NodeLog::new(node_log, caller, &info.node_id),
        );
        recovered.unnoted.iter().for_each(|log| desk.has_grown(log));
        let last = LastBatch {
            number: recovered.next.saturating_sub(1),
            signed_header: recovered.signed_header,
            at_boot: self.clock.boot_nanos(),
        };
        Committer::new(
            Arc::new(recovered.books),
            self.clock,
            self.secret,
            desk,
            last,
            TailRoom::new(recovered.tail_bytes, self.settings.tail_bytes_max),
            Queue::new(self.settings.queue_wait),
            recovered.register,
        )
    }
}

/// A register that the first run had no time to write is written before the second run's first batch: a later run that misses it knows
/// that it was lost. If it can't be written now, that run will ask its operator.
fn begin_register(store: &dyn Store, recovered: &mut Recovered) {
    let is_due = store.describe().register_configured
        && recovered.register.is_none()
        && !recovered.signed_header.is_empty();
    if is_due && store.register_swap(None, &recovered.signed_header).is_ok() {
        recovered.register = Some(recovered.signed_header.clone());
    }
}

/// A sequencer that knows where each log ends.
fn sequencer(start: Start, books: &Books) -> Sequencer {
    let mut sequencer = Sequencer::new(start);
    for log in books.logs() {
        let state = log.read();
        let edge = Edge {
            last_entry: state.last_entry,
            last_time: state.last_time,
            frontier: state.frontier.clone(),
        };
        sequencer.know(&log, edge);
    }
    sequencer
}

fn run(
    committer: Arc<Committer>,
    last_sealed: Option<u64>,
    settings: Settings,
    repairs: Vec<recover::Repair>,
) -> Ledger {
    let sealer = Arc::new(Sealer::new(Arc::clone(&committer), last_sealed));
    let mut threads = Vec::new();
    for name in ["commit-0", "commit-1"] {
        let committer = Arc::clone(&committer);
        threads.push(spawn(name, move || committer.drive()));
    }
    let background = settings.background_sealing;
    {
        let (committer, sealer) = (Arc::clone(&committer), Arc::clone(&sealer));
        threads.push(spawn("keeper", move || {
            keeper::keep(&committer, &sealer, background)
        }));
    }
    if background {
        let sealer = Arc::clone(&sealer);
        threads.push(spawn("sealer", move || sealer.run()));
    }
    Ledger {
        committer,
        sealer,
        threads,
        software: settings.software,
        background_sealing: background,
        founding: Mutex::default(),
        repairs,
    }
}
