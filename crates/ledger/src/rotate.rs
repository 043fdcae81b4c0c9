//! A rotation: every log of the node gets the keys of the next secret, each by a `key` record and its hinge.
//!
//! Order, each step durable before the next: `key` records, each its log's only one in its batch · hinges, signed by old and new keys or
//! by recovery keys, in a later batch · and only then may whoever keeps the old secret destroy it. While it lasts nothing else is
//! ordered. A rotation that was stopped anywhere goes on where it stopped when it is begun again: what is done already is seen in
//! the logs. The node's own log comes last, so that its keys are the old ones until all others have the new; in a recovery first,
//! because nobody else can sign batches (`docs/spec/keys.md`, *Rotation and recovery*).

use crate::books::{Log, NODE_LOG, SignedNote};
use crate::commit::{Committer, Desk, Published};
use crate::keys::LogKeys;
use crate::limits::{
    NODE_ROOM, NOTE_BYTES_MAX, ROTATE_BATCH_BYTES, ROTATE_LOG_BYTES, ROTATE_LOGS_MAX,
};
use crate::queue::Refusal;
use crate::sequencer::Draft;
use crate::signer::{BatchKey, NodeSecret};
use crate::view::ReadError;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::key_event::KeyEvent;
use indelible_proof::key_set::Recovery;
use indelible_proof::note::Note;
use indelible_proof::time::Time;
use indelible_store::{StoreError, with_causes};
use std::sync::Arc;

/// Why a rotation stopped. What it did is durable; begun again, it goes on.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// A batch could not be made durable.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A log's keys could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nobody was named who could vouch for new keys.
    #[error(
        "the log '{0}' names no recovery keys: its keys can't be replaced without the old ones"
    )]
    NoRecoveryKeys(String),
    /// Only recovery keys may name others in their place.
    #[error("the log '{0}' has recovery keys, and only they may name others")]
    RecoveryKept(String),
    /// The verifier keys given for recoveries are no set of them.
    #[error(
        "not a set of recovery keys: 1 to 8 different Ed25519 verifier keys, and a threshold they can reach"
    )]
    BadRecovery,
    /// Recovery keys must still sign.
    #[error("{} hinges wait for signatures of recovery keys", .0.len())]
    Waiting(Vec<HingeDue>),
}

/// A hinge that too few recovery keys have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HingeDue {
    /// The log's origin.
    pub origin: String,
    /// The note as far as it is signed: by the new key, and by whom it was given.
    pub note: String,
    /// How many recovery keys must sign.
    pub threshold: usize,
}

/// What a rotation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Generation of the secret in force now.
    pub generation: u64,
    /// Logs that got a `key` record or a hinge.
    pub logs: usize,
}

/// Who may give a log new keys after this one: a threshold and verifier keys.
pub type RecoverySet = (u64, Vec<String>);

/// Adds the lines that somebody's recovery keys have for a note of that text.
pub type SignRecovery<'a> = dyn Fn(&str, &mut String) + 'a;

/// Who hands the logs over.
#[derive(Clone, Copy)]
pub(crate) enum Handing<'a> {
    /// The old secret, which signs the hinges too.
    Old(&'a NodeSecret),
    /// Recovery keys.
    Recovery(&'a SignRecovery<'a>),
}

pub(crate) struct Rotation<'a> {
    pub(crate) committer: &'a Committer,
    pub(crate) next: &'a NodeSecret,
    pub(crate) handing: Handing<'a>,
    /// Other recovery keys from now on.
    pub(crate) recovery: Option<&'a RecoverySet>,
}

impl Rotation<'_> {
    /// Does what is left to do. The caller has the desk and keeps everybody else from signing.
    pub(crate) fn run(&self, desk: &mut Desk) -> Result<Rotated, RotateError> {
        let logs = self.order();
        self.check(&logs)?;
        self.check_room(desk, &logs)?;
        let (mut done, mut waiting) = (0, Vec::new());
        for chunk in logs.chunks(ROTATE_LOGS_MAX) {
            self.key_records(desk, chunk)?;
            done += self.hinges(desk, chunk, &mut waiting)?;
        }
        if !waiting.is_empty() {
            return Err(RotateError::Waiting(waiting));
        }
        Ok(Rotated {
            generation: self.next.generation(),
            logs: done,
        })
    }

    fn is_recovery(&self) -> bool {
        matches!(self.handing, Handing::Recovery(_))
    }

    fn order(&self) -> Vec<Arc<Log>> {
        let mut logs = self.committer.books.logs();
        let first = self.is_recovery();
        logs.sort_by_key(|log| (log.name() == NODE_LOG) != first);
        logs
    }

    /// What can be known before anything is written.
    fn check(&self, logs: &[Arc<Log>]) -> Result<(), RotateError> {
        if let Some((threshold, keys)) = self.recovery
            && !is_recovery_set(*threshold, keys)
        {
            return Err(RotateError::BadRecovery);
        }
        for log in logs
            .iter()
            .filter(|_| self.is_recovery() || self.recovery.is_some())
        {
            let keys = self.committer.books.keys(log)?;
            let named = keys.set.threshold > 0;
            match self.handing {
                _ if self.has_next(log, &keys) => {}
                Handing::Recovery(_) if !named => {
                    return Err(RotateError::NoRecoveryKeys(log.name().to_owned()));
                }
                Handing::Old(_) if named => {
                    return Err(RotateError::RecoveryKept(log.name().to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Stopped in the middle for want of room, a rotation would stop the node. On a full disk all that is left to do must fit what is
    /// prepared, and behind it what the node itself records, that the old secret is gone among it. On a disk that is not known to be full
    /// so much is made sure of as a slot may have, which is eight thousand logs; with more it may still stop in its middle, and goes on
    /// when it is begun again.
    fn check_room(&self, desk: &mut Desk, logs: &[Arc<Log>]) -> Result<(), RotateError> {
        let committer = self.committer;
        match committer.prepare_next() {
            Ok(()) | Err(StoreError::NoRoom { .. }) => {}
            Err(error) => return Err(Refusal::Stopped(with_causes(&error)).into()),
        }
        committer.check_room_of_many(logs.len() * ROTATE_LOG_BYTES, || self.bytes_max(desk, logs))
    }

    /// Bytes that all which is left to do takes at most, and behind it what the node itself records.
    fn bytes_max(&self, desk: &mut Desk, logs: &[Arc<Log>]) -> Result<usize, RotateError> {
        let committer = self.committer;
        let (mut records, mut hinges, mut bytes) = (0, 0, NODE_ROOM);
        for log in logs {
            let keys = committer.books.keys(log)?;
            if !self.has_next(log, &keys) {
                bytes += self.key_record(desk, log, &keys).weight();
                records += 1;
            } else if log.read().open_hinge.is_none() {
                continue;
            }
            hinges += 1;
            let signers = 2 + keys.recovery.1.len();
            bytes += signers * (4 + NOTE_BYTES_MAX);
        }
        if hinges == 0 {
            return Ok(0);
        }
        // One for a trouble of the clock, and two for each chunk.
        let batches = 1 + 2 * logs.len().div_ceil(ROTATE_LOGS_MAX);
        bytes += batches * ROTATE_BATCH_BYTES;
        Ok(Draft::default().bytes_max(records, records, bytes))
    }

    fn has_next(&self, log: &Log, keys: &LogKeys) -> bool {
        let next = self.next.log_key(log.origin());
        keys.set.keys.contains(next.verifier())
    }

    /// Gives each log of the chunk that has not the next keys its `key` record.
    fn key_records(&self, desk: &mut Desk, chunk: &[Arc<Log>]) -> Result<(), RotateError> {
        let mut due = Vec::new();
        for log in chunk {
            let keys = self.committer.books.keys(log)?;
            if !self.has_next(log, &keys) {
                due.push((log, keys));
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let committer = self.committer;
        let mut draft = Draft::default();
        let now = self.now(desk)?;
        let mut recorded = Vec::new();
        for (log, keys) in due {
            let prepared = self.key_record(desk, log, &keys);
            let seq = desk.sequencer.add(&mut draft, log, prepared, now).seq;
            recorded.push((log, seq));
        }
        let key = match self.handing {
            Handing::Old(_) => self.batch_key(),
            Handing::Recovery(_) => self.next_batch_key(),
        };
        self.write(desk, draft, &[], &key)?;
        for (log, seq) in recorded {
            log.write().open_hinge = Some(seq);
            if log.name() == NODE_LOG {
                let key = self.next_batch_key().public();
                committer.batch_keys().name(seq, key, self.is_recovery());
            }
        }
        Ok(())
    }

    /// The time of the key records. A trouble of the clock is a record of the node's log, which must have a batch to itself: written before
    /// them, but in a recovery, where before them nobody can sign a batch. There the first batch behind it says so.
    fn now(&self, desk: &mut Desk) -> Result<Time, Refusal> {
        if self.is_recovery() {
            let reading = desk.clock.read(&*self.committer.clock);
            desk.clock.unsaid();
            return Ok(reading.time);
        }
        let mut trouble = Draft::default();
        let now = self.committer.now(desk, &mut trouble);
        if !trouble.is_empty() {
            self.write(desk, trouble, &[], &self.batch_key())?;
        }
        Ok(now)
    }

    fn key_record(
        &self,
        desk: &mut Desk,
        log: &Arc<Log>,
        keys: &LogKeys,
    ) -> crate::caller::Prepared {
        let verifier = self.next.log_key(log.origin()).verifier().to_string();
        let (threshold, recovery) = self.recovery.unwrap_or(&keys.recovery);
        let event = KeyEvent {
            is_recovery: self.is_recovery(),
            generation: self.next.generation(),
            keys: vec![&verifier],
            recovery: Recovery {
                threshold: *threshold,
                keys: recovery.iter().map(String::as_str).collect(),
            },
            batch_key: (log.name() == NODE_LOG).then(|| self.next_batch_key().public()),
        };
        desk.node.key(log, &event)
    }

    /// Publishes the hinges of the chunk that are still open; those with too few signatures are left to wait. How many were.
    fn hinges(
        &self,
        desk: &mut Desk,
        chunk: &[Arc<Log>],
        waiting: &mut Vec<HingeDue>,
    ) -> Result<usize, RotateError> {
        let mut published = Vec::new();
        for log in chunk.iter().filter(|log| log.read().open_hinge.is_some()) {
            let sets = self.committer.books.key_sets(log)?;
            let (size, root) = log.head();
            let origin = log.origin();
            let text = Checkpoint { origin, size, root }.encode();
            let note = self.sign(origin, size, root, &text);
            let (new, rest) = sets.split_last().expect("a genesis names keys");
            let old = &rest.last().expect("a key record follows a genesis").set;
            let is_good = Note::parse(note.as_bytes())
                .is_ok_and(|note| old.hands_over(&new.set, new.is_recovery, &note));
            if is_good {
                let log = Arc::clone(log);
                let note = Arc::new(SignedNote {
                    size,
                    root,
                    text: note,
                });
                published.push(Published { log, note });
            } else {
                waiting.push(HingeDue {
                    origin: origin.to_owned(),
                    note,
                    threshold: old.threshold,
                });
            }
        }
        if published.is_empty() {
            return Ok(0);
        }
        self.write(desk, Draft::default(), &published, &self.batch_key())?;
        for Published { log, note } in &published {
            log.write().learn_note(SignedNote::clone(note));
        }
        Ok(published.len())
    }

    fn sign(
        &self,
        origin: &str,
        size: u64,
        root: indelible_proof::hash::Hash,
        text: &str,
    ) -> String {
        let next = self.next.log_key(origin);
        match self.handing {
            Handing::Old(old) => {
                let mut note = old.log_key(origin).sign(size, root);
                next.sign_too(text, &mut note);
                note
            }
            Handing::Recovery(sign) => {
                let mut note = next.sign(size, root);
                sign(text, &mut note);
                note
            }
        }
    }

    fn next_batch_key(&self) -> BatchKey {
        self.next
            .batch_key(&self.committer.books.store().describe().store_id)
    }

    /// The batch key in force.
    fn batch_key(&self) -> BatchKey {
        let next = self.next_batch_key();
        match self.handing {
            Handing::Old(old) if self.committer.batch_keys().newest() != Some(next.public()) => {
                old.batch_key(&self.committer.books.store().describe().store_id)
            }
            _ => next,
        }
    }

    fn write(
        &self,
        desk: &mut Desk,
        draft: Draft,
        notes: &[Published],
        key: &BatchKey,
    ) -> Result<(), Refusal> {
        self.committer.take_disk()?;
        self.committer.write_keeping(desk, draft, notes, key)
    }
}

/// Would a genesis take these for its recovery keys?
#[must_use]
pub fn is_recovery_set(threshold: u64, keys: &[String]) -> bool {
    let recovery = Recovery {
        threshold,
        keys: keys.iter().map(String::as_str).collect(),
    };
    recovery.is_good("")
}
