//! The commit path: who may order, who may write, and when a batch is true.
//!
//! Two locks, taken in this order: *ordering* (the sequencer) and *the disk's turn*. Whoever holds both has batch n written; whoever
//! holds the first alone fills batch n + 1 meanwhile, and goes on filling it until the disk is free. Two driver threads do this in
//! turn; a lone caller does it itself and wakes nobody.
//!
//! Durability points:
//! 1. `Store::wait` answered `Durable`: from here the batch is true. Nothing was signed for the world before.
//! 2. The books know it: readers see it.
//! 3. The callers are answered.
//!
//! After anything but `Durable` nothing more is written by this process.

mod append;
pub(crate) mod claims;
mod close;
mod figures;
mod keys;
mod marked;
mod notes;
mod originals;
mod room;
mod turns;
mod write;

pub use figures::{COMMIT_CLASSES, CommitFigures};
pub(crate) use keys::SigningKeys;

use crate::batch_keys::BatchKeys;
use crate::books::{Books, Log, SignedNote};
use crate::clock::{Clock, ClockRule};
use crate::format::batch::signed_message;
use crate::format::register::Register;
use crate::keeper::Pulse;
use crate::limits::TAIL_BYTES_MAX;
use crate::node_log::NodeLog;
use crate::queue::{Answer, Group, Inbox, Queue, Refusal};
use crate::resend::Resend;
use crate::sequencer::{Draft, Sequencer};
use crate::signer::BatchKey;
use claims::Told;
use figures::Counting;
use indelible_proof::key::verify_ed25519;
use indelible_proof::time::Time;
use indelible_store::{StoreError, with_causes};
use marked::{Grown, Seen};
use room::Room;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use turns::Turns;

/// What the next batch is ordered with. Behind one lock.
pub(crate) struct Desk {
    pub(crate) sequencer: Sequencer,
    pub(crate) clock: ClockRule,
    pub(crate) node: NodeLog,
    /// Logs that grew since their last published note.
    grown: Grown,
    /// Which logs a batch would have.
    seen: Seen,
    /// Logs of the current round of publishing that still wait for their note.
    round: Vec<Arc<Log>>,
    /// When the current round began, on the boot clock.
    round_at: u64,
}

impl Desk {
    pub(crate) fn new(sequencer: Sequencer, clock: ClockRule, node: NodeLog) -> Desk {
        Desk {
            sequencer,
            clock,
            node,
            grown: Grown::default(),
            seen: Seen::default(),
            round: Vec::new(),
            round_at: 0,
        }
    }

    /// A log that has records above its last published note.
    pub(crate) fn has_grown(&mut self, log: &Arc<Log>) {
        self.grown.insert(log);
    }
}

/// The last durable batch, for the register and for the look back after a long silence.
#[derive(Clone)]
pub(crate) struct LastBatch {
    pub(crate) number: u64,
    /// 184 + 64 bytes: what the register keeps.
    pub(crate) signed_header: Vec<u8>,
    pub(crate) at_boot: u64,
}

/// How long the tail is, and how long it may get before commits wait for sealing.
pub(crate) struct TailRoom {
    bytes: AtomicU64,
    bytes_max: u64,
}

impl TailRoom {
    pub(crate) fn new(bytes: u64, bytes_max: Option<u64>) -> TailRoom {
        TailRoom {
            bytes: AtomicU64::new(bytes),
            bytes_max: bytes_max.unwrap_or(TAIL_BYTES_MAX),
        }
    }
}

/// A note that goes into a batch.
pub(crate) struct Published {
    pub(crate) log: Arc<Log>,
    pub(crate) note: Arc<SignedNote>,
}

/// Waiting callers and what they will be told.
type Waiting = Vec<(Arc<Answer>, Told)>;

/// The writing half of a node.
pub(crate) struct Committer {
    pub(crate) books: Arc<Books>,
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Clock>,
    keys: RwLock<SigningKeys>,
    /// Who signed which batch of the tail, for the sealing.
    batch_keys: Mutex<BatchKeys>,
    /// Of batches that were written, until the next one is closed.
    bodies: Mutex<Vec<Vec<u8>>>,
    desk: Mutex<Desk>,
    turns: Turns,
    last: Mutex<LastBatch>,
    tail: TailRoom,
    room: Room,
    pub(crate) figures: Counting,
    pub(crate) pulse: Pulse,
    pub(crate) resend: Resend,
    /// What the register holds, and the trouble it last had.
    registered: Mutex<(Option<Vec<u8>>, Option<String>)>,
    sealing_trouble: Mutex<Option<String>>,
}

impl Committer {
    #[expect(
        clippy::too_many_arguments,
        reason = "an opening hands over all it found; a struct of it would exist for this one call"
    )]
    pub(crate) fn new(
        books: Arc<Books>,
        clock: Arc<dyn Clock>,
        keys: SigningKeys,
        batch_keys: BatchKeys,
        desk: Desk,
        last: LastBatch,
        tail: TailRoom,
        queue: Queue,
        registered: Option<Vec<u8>>,
        resend: Resend,
    ) -> Committer {
        Committer {
            books,
            queue,
            clock,
            keys: RwLock::new(keys),
            batch_keys: Mutex::new(batch_keys),
            bodies: Mutex::default(),
            desk: Mutex::new(desk),
            turns: Turns::default(),
            last: Mutex::new(last),
            tail,
            room: Room::default(),
            figures: Counting::default(),
            pulse: Pulse::default(),
            resend,
            registered: Mutex::new((registered, None)),
            sealing_trouble: Mutex::default(),
        }
    }

    pub(crate) fn last_batch(&self) -> LastBatch {
        self.last
            .lock()
            .expect("no thread panics while it notes the last batch")
            .clone()
    }

    pub(crate) fn tail_bytes(&self) -> u64 {
        self.tail.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of all batches since the start.
    pub(crate) fn arrived(&self) -> u64 {
        self.figures.bytes()
    }

    /// Tail bytes at which commits wait.
    pub(crate) fn tail_bytes_max(&self) -> u64 {
        self.tail.bytes_max
    }

    /// Sealing took this much out of the tail.
    pub(crate) fn tail_shrank(&self, bytes: u64) {
        self.tail.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.queue.free_waiters();
    }

    /// Who signed which batch of the tail.
    pub(crate) fn batch_keys(&self) -> MutexGuard<'_, BatchKeys> {
        self.batch_keys
            .lock()
            .expect("no thread panics while it notes a batch key")
    }

    /// Why the background sealing last failed.
    pub(crate) fn sealing_trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.sealing_trouble
            .lock()
            .expect("no thread panics while it notes a trouble")
    }

    /// After a write that is not known to be durable nothing more is written, whatever the store would still take.
    pub(crate) fn check_running(&self) -> Result<(), Refusal> {
        match &self.queue.lock().stopped {
            Some(why) => Err(Refusal::Stopped(why.clone())),
            None => Ok(()),
        }
    }

    /// Puts the last durable batch's header where a rollback of the store can't reach it. Trouble is kept for whoever asks: the
    /// register is off the commit path and a disk that fails there stops no write. What stops this writer is the header of another
    /// one, signed by this node's own key: a copy of the store is written to elsewhere, and one of the two histories must end.
    pub(crate) fn register(&self) {
        let header = self.last_batch().signed_header;
        let mut registered = self
            .registered
            .lock()
            .expect("no thread panics while it writes the register");
        let store = self.books.store();
        if !store.describe().register_configured
            || registered.0.as_ref() == Some(&header)
            || self.check_running().is_err()
        {
            return;
        }
        let swapped = match store.register_swap(registered.0.as_deref(), &header) {
            // A try that was reported lost may have gone through.
            Err(StoreError::Conflict) => store.register_read().and_then(|held| {
                if let Some(held) = held.as_deref() {
                    self.check_own(held)?;
                }
                registered.0 = held;
                store.register_swap(registered.0.as_deref(), &header)
            }),
            swapped => swapped,
        };
        match swapped {
            Ok(()) => *registered = (Some(header), None),
            Err(error) => registered.1 = Some(with_causes(&error)),
        }
    }

    /// What the register holds must be an earlier batch of this very run: nobody else writes it while the lock is held.
    fn check_own(&self, held: &[u8]) -> Result<(), StoreError> {
        let last = self.last_batch();
        let writer = Register::decode(&last.signed_header).map(|last| last.header.writer);
        let (Ok(held), Ok(writer)) = (Register::decode(held), writer) else {
            return Err(StoreError::Conflict);
        };
        let store = self.books.store().describe().store_id;
        if held.header.store != store {
            return Err(StoreError::Conflict);
        }
        if held.header.writer == writer {
            let is_earlier = held.header.number <= last.number;
            return is_earlier.then_some(()).ok_or(StoreError::Conflict);
        }
        let message = signed_message(&held.header.encode());
        let by = |key: &[u8; 32]| verify_ed25519(key, &message, &held.signature);
        // Any key this node ever had: the copy may be older than a rotation.
        if self.batch_keys().all().any(by) {
            self.queue.stop(
                "another writer of this store has set the register: a copy of it is written to elsewhere",
            );
        }
        Err(StoreError::Conflict)
    }

    /// The register's last trouble.
    pub(crate) fn register_trouble(&self) -> Option<String> {
        self.registered
            .lock()
            .expect("no thread panics while it writes the register")
            .1
            .clone()
    }

    fn tail_is_full(&self) -> bool {
        self.tail_bytes() >= self.tail.bytes_max
    }

    /// What a driver thread does until the queue is closed and empty, or the node stopped.
    pub(crate) fn drive(&self) {
        loop {
            let mut inbox = self.queue.lock();
            // A stop doesn't wait for a sealing: nobody seals any more.
            loop {
                if inbox.stopped.is_some() || (inbox.closing && inbox.groups.is_empty()) {
                    return;
                }
                let first = inbox.groups.front();
                inbox = match first.map(|first| self.is_in_the_way_of(first)) {
                    None => self.queue.wait_work(inbox),
                    Some(Some(refusal)) if !inbox.closing => {
                        self.queue.wait_sealing(inbox, &refusal)
                    }
                    Some(_) => break,
                };
            }
            inbox.full_since = None;
            drop(inbox);
            self.turn(self.desk());
        }
    }

    /// Takes one turn on this thread: drivers may have ended, or wait for the room that this turn leads to.
    pub(crate) fn take_turn(&self) {
        self.turn(self.desk_first());
    }

    /// One turn: fill a batch, go on filling until the disk is free, write it.
    fn turn(&self, mut desk: MutexGuard<'_, Desk>) {
        let (mut draft, mut waiting) = (Draft::default(), Waiting::new());
        let mut inbox = self.queue.lock();
        inbox = self.see_to_room(inbox);
        self.refuse_what_never_fits(&mut inbox);
        loop {
            let taken = self.take(&mut inbox, &mut desk.seen, &draft);
            let none = taken.is_empty();
            if !none {
                drop(inbox);
                self.queue.made_room();
                self.order(&mut desk, &mut draft, taken, &mut waiting);
                inbox = self.queue.lock();
            } else if draft.is_empty() && waiting.is_empty() {
                return;
            }
            // Asked while the disk is taken and not before: the batch ahead may have failed while this one was ordered.
            if inbox.stopped.is_some() {
                drop(inbox);
                return self.refuse(waiting);
            }
            if !inbox.disk_busy {
                inbox.disk_busy = true;
                break;
            }
            // Whatever waits does not fit: only the disk can change that. Otherwise what came meanwhile is taken first.
            if none {
                inbox = self.queue.wait_disk(inbox);
            }
        }
        drop(inbox);
        self.write(desk, draft, waiting);
    }

    /// Takes out of the queue what the draft has room for.
    fn take(&self, inbox: &mut Inbox, seen: &mut Seen, draft: &Draft) -> Vec<Group> {
        let (mut records, mut bytes, mut logs, mut taken) = (0, 0, 0, Vec::new());
        let room = self.room_behind(inbox);
        seen.begin();
        while let Some(group) = inbox.groups.front() {
            (records, bytes) = (records + group.records(), bytes + group.weight());
            logs += usize::from(seen.is_new(group.log.index()));
            let alone = draft.is_empty() && taken.is_empty();
            let fits = Self::fits(room, draft, group.reserved, (logs, records, bytes));
            if !fits || (!alone && !draft.has_room(logs, records, bytes)) {
                break;
            }
            taken.extend(inbox.pop());
        }
        taken
    }

    fn order(&self, desk: &mut Desk, draft: &mut Draft, groups: Vec<Group>, waiting: &mut Waiting) {
        let now = self.now(desk, draft);
        for group in groups {
            if group.has_claims() {
                let answer = Arc::clone(&group.answer);
                match self.place(desk, draft, group, now) {
                    Ok(told) => waiting.push((answer, told)),
                    Err(refusal) => answer.give(Err(refusal)),
                }
                continue;
            }
            let Group {
                log,
                first,
                rest,
                answer,
                ..
            } = group;
            let mut recorded = Vec::with_capacity(1 + rest.len());
            recorded.push(desk.sequencer.add(draft, &log, first, now));
            for prepared in rest {
                recorded.push(desk.sequencer.add(draft, &log, prepared, now));
            }
            waiting.push((answer, Told::Recorded(recorded)));
        }
    }

    /// The time by the clock rule; a trouble that begins now becomes a record of this batch.
    pub(crate) fn now(&self, desk: &mut Desk, draft: &mut Draft) -> Time {
        let reading = desk.clock.read(&*self.clock);
        if let Some(alarm) = reading.alarm {
            let prepared = desk.node.clock_alarm(&alarm);
            let log = Arc::clone(desk.node.log());
            desk.sequencer.add(draft, &log, prepared, reading.time);
        }
        reading.time
    }

    /// Takes the disk's turn if nothing waits and nothing is being written. Whether the tail is full is the caller's affair: a mark is
    /// small and must follow whatever was committed.
    pub(crate) fn take_idle_disk(&self) -> bool {
        let mut inbox = self.queue.lock();
        let idle = inbox.groups.is_empty() && !inbox.disk_busy && inbox.stopped.is_none();
        inbox.disk_busy |= idle;
        idle
    }

    /// Takes the disk's turn, waiting for the batch that is being written.
    pub(crate) fn take_disk(&self) -> Result<(), Refusal> {
        let mut inbox = self.queue.lock();
        loop {
            if let Some(why) = &inbox.stopped {
                return Err(Refusal::Stopped(why.clone()));
            }
            if !inbox.disk_busy {
                inbox.disk_busy = true;
                return Ok(());
            }
            inbox = self.queue.wait_disk(inbox);
        }
    }

    fn write(&self, desk: MutexGuard<'_, Desk>, draft: Draft, waiting: Waiting) {
        match self.commit(desk, draft) {
            Ok(()) => waiting
                .into_iter()
                .for_each(|(answer, told)| answer.give(self.outcome(told))), // point 3
            Err(refusal) => waiting
                .into_iter()
                .for_each(|(answer, _)| answer.give(Err(refusal.clone()))),
        }
    }

    fn refuse(&self, waiting: Waiting) {
        let why = self.queue.lock().stopped.clone().unwrap_or_default();
        waiting
            .into_iter()
            .for_each(|(answer, _)| answer.give(Err(Refusal::Stopped(why.clone()))));
    }

    /// Closes the draft and writes it. The caller has the disk's turn; it is given back here.
    pub(crate) fn write_alone(
        &self,
        mut desk: MutexGuard<'_, Desk>,
        draft: Draft,
    ) -> Result<(), Refusal> {
        let notes = self.notes_due(&mut desk);
        self.write_with(desk, draft, &notes)
    }

    /// Writes a batch whose notes are chosen already.
    pub(crate) fn write_with(
        &self,
        mut desk: MutexGuard<'_, Desk>,
        draft: Draft,
        notes: &[Published],
    ) -> Result<(), Refusal> {
        let batch = self.close(&mut desk, draft, notes);
        let keys = self.keys();
        drop(desk); // the next batch may be filled while this one is written
        let signature = keys.batch_key.sign(&signed_message(&batch.header));
        drop(keys);
        self.finish(batch, &signature, notes)
    }

    /// The same by a key of one's own, and keeping the order to oneself: nothing comes between this batch and the caller's next.
    pub(crate) fn write_keeping(
        &self,
        desk: &mut Desk,
        draft: Draft,
        notes: &[Published],
        key: &BatchKey,
    ) -> Result<(), Refusal> {
        let batch = self.close(desk, draft, notes);
        let signature = key.sign(&signed_message(&batch.header));
        self.finish(batch, &signature, notes)
    }
}
