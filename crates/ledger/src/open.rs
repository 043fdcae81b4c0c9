//! A ledger opened for writing: how it is founded, opened, used and closed.
//!
//! Opening is recovery, then one first batch that says what happened (start, repairs, an accepted clock) and carries the notes an
//! earlier run could not write any more. Only then is anything accepted.

mod create;
mod first_batch;
mod opening;
mod resend;

use crate::books::{Books, Log};
use crate::caller::{Caller, Prepared, Random, Recorded};
use crate::clock::{Clock, StartJump};
use crate::commit::{CommitFigures, Committer, SigningKeys};
use crate::limits::{GROUP_BYTES_MAX, GROUP_RECORDS_MAX, LOGS_MAX, QUEUE_WAIT};
use crate::queue::{Group, Lane, Refusal, Ticket};
use crate::recover::{self, RecoverError};
use crate::rotate::{Handing, HingeDue, RecoverySet, RotateError, Rotated, Rotation, SignRecovery};
use crate::seal::{SealError, Sealed, Sealer};
use crate::sequencer::Draft;
use crate::signer::NodeSecret;
use crate::view::ReadError;
pub use create::NewLog;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use indelible_proof::node_event::{NodeEvent, Verified};
use indelible_proof::verdict::Verdict;
use indelible_store::{Store, StoreError};
use opening::{Found, Opening, Signing};
pub use resend::{KnownSizes, StreamNow};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Commit and keep house on threads of its own. Without them whoever holds the ledger calls [`Ledger::turn`] and [`Ledger::keep`],
    /// from one thread, and everything happens in the order of those calls.
    pub threads: bool,
    /// Seal by itself when the tail is long; a thread too.
    pub background_sealing: bool,
    /// Tail bytes at which commits wait for sealing; `None`: the default of `limits`.
    pub tail_bytes_max: Option<u64>,
    /// Tail bytes that make a pack; `None`: the default of `limits`. A quarter of it makes four times as many files, in less memory.
    pub seal_bytes: Option<u64>,
    /// How many of the node's newest idempotency keys are exact whatever they look like, at least; `None`: what its genesis says, and for
    /// a new node the default of `limits`.
    pub key_horizon: Option<u64>,
    /// How long a caller waits for room in the queue before it is told *not recorded, send again*.
    pub queue_wait: Duration,
    /// An operator goes on although the configured register is missing: who. Means nothing while it is there.
    pub accept_register: Option<String>,
    /// An operator accepts the wall clock as it stands: who.
    pub accept_clock: Option<String>,
    /// Who may give the logs of a new node other keys when their own are lost or stolen; a node that exists has said so already.
    pub recovery: Option<RecoverySet>,
    /// What is written into `start` records and genesis: name and version of the program.
    pub software: String,
}

impl Default for Settings {
    fn default() -> Settings {
        let software = concat!("indelible ", env!("CARGO_PKG_VERSION")).to_owned();
        Settings {
            threads: true,
            background_sealing: true,
            tail_bytes_max: None,
            seal_bytes: None,
            key_horizon: None,
            queue_wait: QUEUE_WAIT,
            accept_register: None,
            accept_clock: None,
            recovery: None,
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
    /// The same name was asked for twice at once.
    #[error("log '{0}' is named twice")]
    NamedTwice(String),
    /// The register that guards against a rollback is not there. Only in a store's first run it may not have been written yet.
    #[error("the register is missing: nothing says whether this is the newest state of the store")]
    RegisterMissing,
    /// The secret is not the one this store was founded with.
    #[error("these keys don't belong to this store: its checkpoints are signed by another key")]
    WrongKeys,
    /// A rotation or recovery began and is not finished.
    #[error("the keys of {0} logs are being replaced, and the hinges are not complete")]
    OpenHinge(usize),
    /// The node's genesis says how many of the newest idempotency keys are exact; another number would break what was promised.
    #[error("the store was founded with a key horizon of {stated}, not {asked}")]
    OtherHorizon {
        /// What the genesis says.
        stated: u64,
        /// What was asked for.
        asked: u64,
    },
    /// A store without records has no keys to recover.
    #[error("nothing was recorded yet: there are no keys to recover")]
    NothingToRecover,
    /// A log's keys could not be replaced.
    #[error(transparent)]
    Rotate(#[from] RotateError),
    /// A log's keys could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Too many logs.
    #[error("a node holds at most {LOGS_MAX} logs")]
    TooManyLogs,
}

/// The secrets that sign.
pub enum Secrets {
    /// The one in force.
    One(NodeSecret),
    /// A rotation is to be done, or finished where it stopped.
    Rotating {
        /// The secret in force before.
        old: NodeSecret,
        /// The one that follows.
        next: NodeSecret,
    },
}

impl From<NodeSecret> for Secrets {
    fn from(secret: NodeSecret) -> Secrets {
        Secrets::One(secret)
    }
}

/// What came of a recovery.
pub enum Recovery {
    /// All logs have their new keys.
    Done(Box<Ledger>, Rotated),
    /// These hinges wait for signatures; nothing can be recorded before they have them.
    Waiting(Vec<HingeDue>),
}

/// A ledger open for writing. Dropping it without [`Ledger::close`] is like a crash: nothing acknowledged is lost.
pub struct Ledger {
    committer: Arc<Committer>,
    sealer: Arc<Sealer>,
    /// Empty where whoever holds the ledger does their work.
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
        secrets: impl Into<Secrets>,
        clock: Arc<dyn Clock>,
        random: Random,
        settings: Settings,
        creator: &str,
    ) -> Result<Ledger, OpenError> {
        let found = Found::read(store, &*clock, random, &settings)?;
        let signing = Signing::choose(secrets.into(), &found)?;
        let opening = Opening {
            clock,
            settings,
            creator,
        };
        opening.start(found, signing)
    }

    /// Gives every log new keys without the old ones, which are lost or stolen: recovery keys vouch for them. `sign` adds the lines of
    /// those that are at hand; it is asked again for hinges that wait when this is called again with the same secret.
    ///
    /// # Errors
    /// [`OpenError`].
    #[expect(
        clippy::too_many_arguments,
        reason = "an opening, and what a recovery needs besides"
    )]
    pub fn recover_keys(
        store: Arc<dyn Store>,
        next: NodeSecret,
        sign: &SignRecovery<'_>,
        recovery: Option<&RecoverySet>,
        clock: Arc<dyn Clock>,
        random: Random,
        settings: Settings,
        creator: &str,
    ) -> Result<Recovery, OpenError> {
        let found = Found::read(store, &*clock, random, &settings)?;
        if found.recovered.next == 0 {
            return Err(OpenError::NothingToRecover);
        }
        let opening = Opening {
            clock,
            settings,
            creator,
        };
        let begun = opening.prepare(found, next)?;
        match begun.hand_over(Handing::Recovery(sign), recovery) {
            Ok(rotated) => Ok(Recovery::Done(Box::new(opening.go_on(begun)?), rotated)),
            Err(RotateError::Waiting(hinges)) => Ok(Recovery::Waiting(hinges)),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives every log the keys of the next secret. Nothing else is recorded meanwhile; when it has come through, and not before, the
    /// old secret may be destroyed.
    ///
    /// # Errors
    /// [`RotateError`]. A rotation that stopped is finished by the next start that is given both secrets.
    pub fn rotate(
        &self,
        next: NodeSecret,
        recovery: Option<&RecoverySet>,
    ) -> Result<Rotated, RotateError> {
        let _one_at_a_time = self
            .founding
            .lock()
            .expect("no thread panics while it founds a log");
        let _no_pack_meanwhile = self.sealer.hold();
        let mut desk = self.committer.desk_first();
        let mut keys = self.committer.replace_keys();
        let rotation = Rotation {
            committer: &self.committer,
            next: &next,
            handing: Handing::Old(&keys.secret),
            recovery,
        };
        let rotated = rotation.run(&mut desk)?;
        let store = self.books().store().describe().store_id;
        *keys = SigningKeys::new(next, &store);
        Ok(rotated)
    }

    /// Records that the secret of an earlier generation is gone.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn destroyed(&self, generation: u64) -> Result<(), Refusal> {
        self.record_own(&NodeEvent::Destroyed { generation })
            .map(|_| ())
    }

    /// Records what a verification of the whole store came to. It proves no more than that this node was told so.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn record_verdict(
        &self,
        by: &str,
        batches: u64,
        verdict: &Verdict,
    ) -> Result<Recorded, Refusal> {
        self.record_own(&NodeEvent::Verified(Verified::of(by, batches, verdict)))
    }

    /// Records what whoever opened the ledger says of who may do what: grants, networks, denials. All else that a node says of itself the
    /// ledger says alone, when it is so.
    ///
    /// # Errors
    /// [`Refusal`]. [`Refusal::TooMany`] if the event is longer than one may be.
    ///
    /// # Panics
    /// For an event of another sort.
    pub fn say(&self, event: &NodeEvent<'_>) -> Result<Recorded, Refusal> {
        let is_access = matches!(
            event,
            NodeEvent::Grants { .. } | NodeEvent::Networks { .. } | NodeEvent::Denied(_)
        );
        assert!(
            is_access,
            "packs, logs and starts are said where they happen"
        );
        let mut json = Vec::new();
        event.encode(&mut json);
        match json.len() <= EVENT_BYTES_DEFAULT {
            true => self.record_own(event),
            false => Err(Refusal::TooMany),
        }
    }

    fn record_own(&self, event: &NodeEvent<'_>) -> Result<Recorded, Refusal> {
        let (log, prepared) = {
            let mut desk = self.committer.desk_first();
            (Arc::clone(desk.node.log()), desk.node.say(event))
        };
        self.committer.append(&log, prepared)
    }

    /// Generation of the secret in force.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.committer.keys().secret.generation()
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
        let event_bytes_max = self.books().event_bytes_max(log)?;
        Ok(Caller::new(event_bytes_max, random).with_keys(&self.committer.resend.sealed))
    }

    /// Hands over a prepared event; it is ordered with whatever else waits.
    ///
    /// # Errors
    /// [`Refusal`]: not recorded.
    pub fn submit(&self, log: &Arc<Log>, prepared: Prepared) -> Result<Ticket, Refusal> {
        self.submit_all(log, vec![prepared])
    }

    /// Hands over events that are recorded together or not at all, one after the other. None at all is recorded at once.
    ///
    /// # Errors
    /// [`Refusal`]: none is recorded. [`Refusal::TooMany`] if they don't fit one batch.
    pub fn submit_all(&self, log: &Arc<Log>, events: Vec<Prepared>) -> Result<Ticket, Refusal> {
        self.push_all(log, events, |_| self.committer.queue.wait)
    }

    /// `how` chooses the lane, and how long to wait for room.
    fn push_all(
        &self,
        log: &Arc<Log>,
        events: Vec<Prepared>,
        how: impl FnOnce(&mut Group) -> Duration,
    ) -> Result<Ticket, Refusal> {
        let weight: usize = events.iter().map(Prepared::weight).sum();
        let fits = events.len() <= GROUP_RECORDS_MAX && weight <= GROUP_BYTES_MAX;
        // Taking the first out moves none of the others.
        let mut events = VecDeque::from(events);
        match (events.pop_front(), fits || events.is_empty()) {
            (_, false) => Err(Refusal::TooMany),
            (None, true) => Ok(Ticket::settled(Ok(Vec::new()))),
            (Some(first), true) => {
                let (ticket, answer) = Ticket::pair();
                let mut group = Group::new(Arc::clone(log), first, events, answer);
                let wait = how(&mut group);
                if let Some(outcome) = self.committer.settle(&mut group) {
                    return Ok(Ticket::settled(outcome));
                }
                self.committer.queue.push_within(wait, group)?;
                Ok(ticket)
            }
        }
    }

    /// The same for one of many parties, each with a fair share of the queue, and without waiting for room: [`Refusal::Full`] comes at
    /// once. Where an event claims a number or a key, what lies on the disk may be read.
    ///
    /// # Errors
    /// As [`Ledger::submit_all`].
    pub fn submit_in(
        &self,
        lane: Lane,
        log: &Arc<Log>,
        events: Vec<Prepared>,
    ) -> Result<Ticket, Refusal> {
        self.push_all(log, events, |group| {
            group.lane = lane;
            Duration::ZERO
        })
    }

    /// Records one event and waits for it. A lone caller commits on its own thread.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn append(&self, log: &Arc<Log>, prepared: Prepared) -> Result<Recorded, Refusal> {
        self.committer.append(log, prepared)
    }

    /// Commits what was submitted, on this thread: for a ledger without threads of its own ([`Settings::threads`]).
    pub fn turn(&self) {
        self.committer.take_turns();
    }

    /// Prepares room and sets the register; after silence writes the mark that a proof without secrets needs. For a ledger without threads
    /// of its own, after each second of work and when `silent`: nothing came for a while. Whether a mark was written.
    pub fn keep(&self, silent: bool) -> bool {
        self.committer.look_after(silent, true).marked
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

    /// One receipt for records made just now, the `count` from `first` on.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn batch_receipt(&self, log: &Log, first: u64, count: u64) -> Result<String, ReadError> {
        let note = match log
            .note()
            .filter(|note| note.size >= first.saturating_add(count))
        {
            Some(note) => note,
            None => self.committer.sign_head(log),
        };
        self.books().batch_receipt(log, first, count, &note)
    }

    /// Seals what the tail holds now. `None` if there was nothing.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self) -> Result<Vec<Sealed>, SealError> {
        self.sealer.seal_all()
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
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

    /// How many batches became durable since the start, how large they were, and how long the disk took.
    #[must_use]
    pub fn commit_figures(&self) -> CommitFigures {
        self.committer.figures.now()
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

    /// Why nothing is recorded any more: a write failed, or the node was closed.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        let running = self.committer.check_running();
        running.err().map(|refusal| refusal.to_string())
    }

    /// Why the next tail file could not be made last, if there was no room for it on the disk. What is left of the present one is used,
    /// and what does not fit is refused ([`Refusal::NoRoom`]).
    #[must_use]
    pub fn room_trouble(&self) -> Option<String> {
        self.committer.room_trouble()
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
        if !self.committer.queue.driven {
            self.turn();
        }
        for thread in self.threads.drain(..) {
            thread
                .join()
                .map_err(|_| Refusal::Stopped("a thread of the ledger panicked".to_owned()))?;
        }
        if self.background_sealing {
            self.sealer.catch_up();
        }
        let committer = &*self.committer;
        let mut desk = committer.desk_first();
        committer.take_disk_for(0, 1, reason.len())?;
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
        // What is not kept is made anew by the next start.
        let _made_anew = committer.resend.save(&committer.books);
        Ok(committer.register_trouble())
    }
}

impl Drop for Ledger {
    /// A ledger dropped without a clean stop leaves no thread behind; what it acknowledged is durable.
    fn drop(&mut self) {
        if self.threads.is_empty() && self.committer.queue.driven {
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
