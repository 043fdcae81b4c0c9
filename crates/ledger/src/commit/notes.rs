//! Notes: which logs get one, when, and the mark that carries the last of them after silence.

use super::{Committer, Desk, Published};
use crate::books::{Log, SignedNote};
use crate::limits::{BATCH_NOTES_MAX, MARK_NOTES_MAX, PUBLISH_EVERY};
use crate::queue::Refusal;
use crate::sequencer::Draft;
use indelible_proof::hash::Hash;
use std::sync::Arc;

impl Committer {
    /// Signs the durable head of a log: the newest note there is, made at most once for a size.
    pub(crate) fn sign_head(&self, log: &Log) -> Arc<SignedNote> {
        let keys = self.keys();
        let (size, root) = log.head();
        if let Some(note) = log.note().filter(|note| note.size >= size) {
            return note;
        }
        let text = keys.log_key(log).sign(size, root);
        let note = {
            let mut state = log.write();
            state.learn_note(SignedNote { size, root, text });
            state.note.clone().expect("a note was learnt")
        };
        log.tell_growth();
        note
    }

    /// The note of a size that is durable but no longer the newest: a pack's closing note. Ed25519 is deterministic, so a size
    /// signed before gets the same signature again.
    pub(crate) fn sign_at(&self, log: &Log, size: u64, root: Hash) -> String {
        self.keys().log_key(log).sign(size, root)
    }

    /// The notes an ordinary batch carries: of logs that grew, once a second, a bounded number at a time.
    pub(super) fn notes_due(&self, desk: &mut Desk) -> Vec<Published> {
        let boot = self.clock.boot_nanos();
        let due = u128::from(boot.saturating_sub(desk.round_at)) >= PUBLISH_EVERY.as_nanos();
        if desk.round.is_empty() && due && !desk.grown.is_empty() {
            desk.round = desk.grown.take();
            desk.round_at = boot;
        }
        let rest = desk.round.len().saturating_sub(BATCH_NOTES_MAX);
        let now = desk.round.drain(rest..).collect();
        self.sign_all(desk, now)
    }

    /// Notes of every log that grew since its last: what a mark carries.
    pub(crate) fn notes_of_all_grown(&self, desk: &mut Desk) -> Vec<Published> {
        let mut logs = std::mem::take(&mut desk.round);
        logs.append(&mut desk.grown.take());
        let later = logs.split_off(logs.len().min(MARK_NOTES_MAX));
        later.iter().for_each(|log| desk.has_grown(log));
        self.sign_all(desk, logs)
    }

    /// Signs what is durable. Whoever publishes has the disk's turn: only the batch that is being made has more, and its logs count as
    /// grown from when it is closed.
    fn sign_all(&self, desk: &mut Desk, logs: Vec<Arc<Log>>) -> Vec<Published> {
        let mut published = Vec::new();
        for log in logs {
            if log.read().open_hinge.is_some() {
                desk.has_grown(&log); // Its next note is the hinge, which is not made here.
            } else if log.size() > log.read().noted {
                let note = self.sign_head(&log);
                published.push(Published { log, note });
            }
        }
        published
    }

    /// Writes a mark if some log grew since its last note and nobody is at work. Whether one was written; if not, none is needed or
    /// another commit is on its way.
    pub(crate) fn mark_if_idle(&self) -> Result<bool, Refusal> {
        let mut desk = self.desk();
        if desk.grown.is_empty() && desk.round.is_empty() {
            return Ok(false);
        }
        if !self.take_idle_disk() {
            return Ok(false);
        }
        let notes = self.notes_of_all_grown(&mut desk);
        let bytes = notes.iter().map(|published| published.note.text.len() + 4);
        // Without room for it the mark comes when there is: the notes are made anew at a start too.
        if notes.is_empty() || self.check_room(0, 0, bytes.sum()).is_err() {
            notes
                .iter()
                .for_each(|published| desk.has_grown(&published.log));
            self.queue.free_disk();
            return Ok(false);
        }
        self.write_with(desk, Draft::default(), &notes)
            .map(|()| true)
    }
}
