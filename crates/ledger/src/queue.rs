//! The bounded queue between callers and the sequencer, and the disk's turn.
//!
//! Owns waiting: callers wait here for room and for their outcome, drivers for work and for the disk. Bounded by bytes, not by
//! events; `lanes` says whose turn it is. Knows nothing of what a batch looks like.

mod lanes;

use crate::books::Log;
use crate::caller::{Prepared, Recorded};
use crate::limits::{GROUP_BYTES_MAX, GROUP_RECORDS_MAX, QUEUE_BYTES_MAX};
use crate::resend::streams::Place;
use indelible_proof::hash::Hash;
pub use lanes::Lane;
use lanes::Lanes;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Why a submission has no receipt, and what the caller should do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not recorded; the queue stayed full, or the tail because nothing is sealed. Safe to send again.
    #[error("not recorded: there was no room for it in time; send again later")]
    Full,
    /// Not recorded; the disk has no room for another tail file, and what is left of the last one does not hold it. Safe to send
    /// again when there is room.
    #[error("not recorded: the disk has no room for it ({0}); send again when it has")]
    NoRoom(String),
    /// Not recorded; more than one batch holds. Send fewer at a time.
    #[error(
        "not recorded: too many events for one batch; send at most {GROUP_RECORDS_MAX} and {GROUP_BYTES_MAX} bytes together"
    )]
    TooMany,
    /// Not recorded; the node is stopping or has stopped after a failed write. Safe to send again to a running node.
    #[error("not recorded: the node has stopped ({0})")]
    Stopped(String),
    /// Not recorded: the number or the key belongs to another event.
    #[error("not recorded: its number or key belongs to another event, record {seq}")]
    Conflict {
        /// The record that has it.
        seq: u64,
    },
    /// Not recorded: the stream goes on with another number. Send what is missing.
    #[error("not recorded: its stream goes on with number {n} of epoch {epoch}")]
    Expected {
        /// The stream's epoch.
        epoch: u64,
        /// The number expected.
        n: u64,
    },
    /// Not recorded: the stream was handed on.
    #[error("not recorded: its stream was handed on to {to}")]
    Handed {
        /// Whose it is now.
        to: String,
    },
    /// Not done: the principal has a stream of that name already.
    #[error("not recorded: {0} has a stream of that name already")]
    StreamTaken(String),
    /// Not recorded: what used its key or number before, if anything did, can't be read. Send again later, or look.
    #[error("not recorded: whether its key or number was used before can't be read: {0}")]
    NoLook(String),
    /// Not recorded: two of the events claim one number or key. Send each once.
    #[error("not recorded: two of these events claim the same number or key")]
    Twice,
    /// Not recorded: some of it is being recorded by another call at this moment. Send it again.
    #[error("not recorded: a part of it is being recorded at this moment; send it again")]
    InFlight,
    /// Recorded before, as this record; its content is gone, so it could not be compared.
    #[error("recorded before, as record {seq}; its content is gone, so it was not compared")]
    NotCompared {
        /// The record.
        seq: u64,
        /// Its entry.
        entry: Hash,
    },
    /// Recorded before, as this record, which can't be read back; `verify` says more.
    #[error("recorded before, as record {seq}, which can't be read: {why}")]
    Unreadable {
        /// The record.
        seq: u64,
        /// What is in the way.
        why: String,
    },
    /// It may or may not be recorded: the commit broke. Send again with the same key, or look.
    #[error("unknown whether recorded: the commit broke ({0})")]
    Unknown(String),
}

impl Refusal {
    /// The stream goes on elsewhere.
    pub(crate) fn expected(Place { epoch, n }: Place) -> Refusal {
        Refusal::Expected { epoch, n }
    }
}

/// What became of a submission: all of its records, or none.
pub type Outcome = Result<Vec<Recorded>, Refusal>;

/// The caller's end of a submission.
pub struct Ticket(Arc<Answer>);

/// Who is told of an outcome, at once and on the thread that gives it.
type Tell = Box<dyn FnOnce(Outcome) + Send>;

/// What is known of an outcome, and by whom it is awaited.
#[derive(Default)]
enum Awaited {
    /// Nothing yet.
    #[default]
    Open,
    /// Nothing yet; this is told.
    By(Tell),
    /// It is there.
    Given(Outcome),
    /// It was taken.
    Taken,
}

impl Awaited {
    /// The outcome, if it is there.
    fn take(&mut self) -> Option<Outcome> {
        match std::mem::replace(self, Awaited::Taken) {
            Awaited::Given(outcome) => Some(outcome),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// The node's end.
#[derive(Default)]
pub(crate) struct Answer {
    outcome: Mutex<Awaited>,
    given: Condvar,
}

impl Ticket {
    pub(crate) fn pair() -> (Ticket, Arc<Answer>) {
        let answer = Arc::new(Answer::default());
        (Ticket(Arc::clone(&answer)), answer)
    }

    /// Nothing to wait for.
    pub(crate) fn settled(outcome: Outcome) -> Ticket {
        let (ticket, answer) = Ticket::pair();
        answer.give(outcome);
        ticket
    }

    /// Waits for the outcome. It comes when the batch is durable, or was refused.
    ///
    /// # Errors
    /// [`Refusal`], which says whether the records may exist.
    ///
    /// # Panics
    /// Never in a running process: an answer is always given.
    pub fn wait(self) -> Outcome {
        let mut outcome = self.0.lock();
        loop {
            if let Some(outcome) = outcome.take() {
                return outcome;
            }
            outcome = self
                .0
                .given
                .wait(outcome)
                .expect("no thread panics while it holds an outcome");
        }
    }

    /// Waits for the outcome so long and no longer. A disk that does not answer keeps it back; it may still come.
    ///
    /// # Errors
    /// The ticket, if there is no outcome yet.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn wait_for(self, limit: Duration) -> Result<Outcome, Ticket> {
        let outcome = self.0.lock();
        let (mut outcome, _) = self
            .0
            .given
            .wait_timeout_while(outcome, limit, |outcome| matches!(outcome, Awaited::Open))
            .expect("no thread panics while it holds an outcome");
        let taken = outcome.take();
        drop(outcome);
        taken.ok_or(self)
    }

    /// Has `tell` called with the outcome instead of waiting for it: at once if it is there, else by the thread that gives it, which
    /// others wait for, so that it must be brief.
    pub fn when_given(self, tell: impl FnOnce(Outcome) + Send + 'static) {
        let mut outcome = self.0.lock();
        match outcome.take() {
            Some(given) => {
                drop(outcome);
                tell(given);
            }
            None => *outcome = Awaited::By(Box::new(tell)),
        }
    }

    /// Whether the outcome is there, so that [`Ticket::wait`] returns at once.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(*self.0.lock(), Awaited::Given(_))
    }
}

impl Answer {
    fn lock(&self) -> MutexGuard<'_, Awaited> {
        self.outcome
            .lock()
            .expect("no thread panics while it holds an outcome")
    }

    pub(crate) fn give(&self, outcome: Outcome) {
        let mut awaited = self.lock();
        if let Awaited::By(tell) = std::mem::take(&mut *awaited) {
            *awaited = Awaited::Taken;
            drop(awaited);
            return tell(outcome);
        }
        *awaited = Awaited::Given(outcome);
        drop(awaited);
        self.given.notify_one();
    }
}

/// Events for one log that are recorded together or not at all.
pub(crate) struct Group {
    pub(crate) log: Arc<Log>,
    pub(crate) first: Prepared,
    pub(crate) rest: VecDeque<Prepared>,
    pub(crate) answer: Arc<Answer>,
    /// Where it waits.
    pub(crate) lane: Lane,
    /// The node's own: it needs no room and is not refused for want of it.
    pub(crate) reserved: bool,
    /// Originals of events that were sent before, compared already; none at all, or one for each event.
    pub(crate) settled: Vec<Option<Recorded>>,
}

impl Group {
    /// Nothing is known of its events yet.
    pub(crate) fn new(
        log: Arc<Log>,
        first: Prepared,
        rest: VecDeque<Prepared>,
        answer: Arc<Answer>,
    ) -> Group {
        Group {
            log,
            first,
            rest,
            answer,
            lane: Lane::default(),
            reserved: false,
            settled: Vec::new(),
        }
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &Prepared> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    pub(crate) fn events_mut(&mut self) -> impl Iterator<Item = &mut Prepared> {
        std::iter::once(&mut self.first).chain(&mut self.rest)
    }

    /// Does any of its events claim a number or a key?
    pub(crate) fn has_claims(&self) -> bool {
        self.events().any(|event| event.claim.is_some())
    }

    pub(crate) fn records(&self) -> usize {
        1 + self.rest.len()
    }

    pub(crate) fn weight(&self) -> usize {
        self.first.weight() + self.rest.iter().map(Prepared::weight).sum::<usize>()
    }
}

/// What waits.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) groups: Lanes,
    bytes: usize,
    /// Since when callers have been waiting for room in the tail.
    pub(crate) full_since: Option<Instant>,
    /// Threads that wait for the disk.
    disk_wanted: usize,
    /// One batch is being written, or room for the next is made.
    pub(crate) disk_busy: bool,
    /// Set once; nothing more is taken.
    pub(crate) stopped: Option<String>,
    /// Set by a clean stop: drivers finish what waits, then end.
    pub(crate) closing: bool,
}

impl Inbox {
    /// Takes the group whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<Group> {
        let group = self.groups.pop()?;
        self.bytes -= group.weight();
        Some(group)
    }

    /// Takes out all that callers brought; the node's own records stay.
    fn take_refusable(&mut self) -> Vec<Group> {
        let taken = self.groups.take_refusable();
        self.bytes = self.groups.own_weight();
        taken
    }
}

/// The queue itself.
pub(crate) struct Queue {
    inbox: Mutex<Inbox>,
    /// How long a caller waits for room.
    pub(crate) wait: Duration,
    /// Threads drive. If none does, whoever waits for an outcome takes the turns that lead to it.
    pub(crate) driven: bool,
    /// Work came, or the disk is free.
    work: Condvar,
    /// There is room.
    room: Condvar,
}

impl Queue {
    /// `wait`: how long a caller waits for room.
    pub(crate) fn new(wait: Duration, driven: bool) -> Queue {
        Queue {
            inbox: Mutex::default(),
            wait,
            driven,
            work: Condvar::new(),
            room: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox
            .lock()
            .expect("no thread panics while it holds the queue")
    }

    /// Puts a group in, waiting for room a bounded time. The node's own records need no room: they are its reserved share.
    pub(crate) fn push(&self, group: Group) -> Result<(), Refusal> {
        self.push_within(self.wait, group)
    }

    /// The same, waiting no longer than this.
    pub(crate) fn push_within(&self, wait: Duration, group: Group) -> Result<(), Refusal> {
        let weight = group.weight();
        let deadline = Instant::now() + wait;
        let mut inbox = self.lock();
        while !group.reserved
            && inbox.stopped.is_none()
            && !inbox.groups.is_empty()
            && inbox.bytes + weight > QUEUE_BYTES_MAX
        {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Refusal::Full);
            }
            inbox = self
                .room
                .wait_timeout(inbox, left)
                .expect("no thread panics while it holds the queue")
                .0;
        }
        if let Some(why) = &inbox.stopped {
            return Err(Refusal::Stopped(why.clone()));
        }
        if inbox.closing && !group.reserved {
            return Err(Refusal::Stopped("closed".to_owned()));
        }
        inbox.bytes += weight;
        inbox.groups.push(group);
        drop(inbox);
        self.work.notify_one();
        Ok(())
    }

    /// Waits for work or the disk.
    pub(crate) fn wait_work<'a>(&self, inbox: MutexGuard<'a, Inbox>) -> MutexGuard<'a, Inbox> {
        self.work
            .wait(inbox)
            .expect("no thread panics while it holds the queue")
    }

    /// Waits for room in the tail, by a sealing or on the disk, as long as a caller would wait for room here; then all who wait are
    /// told what was in the way.
    pub(crate) fn wait_sealing<'a>(
        &'a self,
        mut inbox: MutexGuard<'a, Inbox>,
        refusal: &Refusal,
    ) -> MutexGuard<'a, Inbox> {
        let since = *inbox.full_since.get_or_insert_with(Instant::now);
        let left = self.wait.saturating_sub(since.elapsed());
        if left.is_zero() {
            inbox.full_since = None;
            self.refuse_waiting(&mut inbox, refusal);
            return inbox;
        }
        self.work
            .wait_timeout(inbox, left)
            .expect("no thread panics while it holds the queue")
            .0
    }

    /// There is no room in the tail: tells all callers who wait.
    pub(crate) fn refuse_waiting(&self, inbox: &mut Inbox, refusal: &Refusal) {
        for group in inbox.take_refusable() {
            group.answer.give(Err(refusal.clone()));
        }
        self.room.notify_all();
    }

    /// Waits for the disk, or for whatever else changes.
    pub(crate) fn wait_disk<'a>(&self, mut inbox: MutexGuard<'a, Inbox>) -> MutexGuard<'a, Inbox> {
        inbox.disk_wanted += 1;
        let mut inbox = self.wait_work(inbox);
        inbox.disk_wanted -= 1;
        inbox
    }

    /// The disk is free again.
    pub(crate) fn free_disk(&self) {
        let mut inbox = self.lock();
        inbox.disk_busy = false;
        // A lone caller leaves idle drivers asleep.
        let wanted = inbox.disk_wanted > 0 || !inbox.groups.is_empty() || inbox.closing;
        drop(inbox);
        if wanted {
            self.work.notify_all();
        }
    }

    /// The tail has room again.
    pub(crate) fn free_waiters(&self) {
        // Who has just seen a full tail holds the lock until it waits; without this it would miss the call.
        drop(self.lock());
        self.work.notify_all();
    }

    /// Says that room was made.
    pub(crate) fn made_room(&self) {
        self.room.notify_all();
    }

    /// Stops for good, and answers all that wait.
    pub(crate) fn stop(&self, why: &str) {
        let waiting: Vec<Group> = {
            let mut inbox = self.lock();
            if inbox.stopped.is_none() {
                inbox.stopped = Some(why.to_owned());
            }
            inbox.bytes = 0;
            inbox.groups.take_all()
        };
        self.work.notify_all();
        self.room.notify_all();
        for group in waiting {
            group.answer.give(Err(Refusal::Stopped(why.to_owned())));
        }
    }

    /// Lets drivers finish and end.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_all();
        self.room.notify_all();
    }
}
