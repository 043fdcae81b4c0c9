//! Room for what is ordered: nothing is, unless there surely is a place for it.
//!
//! Owns what is known of the room in the tail, and of a disk without room for another tail file: then what is left of the present one is
//! given out, and what does not fit is refused. Whoever was refused was not recorded, and the node goes on as soon as there is room again.

use super::Committer;
use crate::limits::{NODE_ROOM, ROOM_LOOK_BYTES, ROOM_RETRY, SLOT_FRAMING_MAX};
use crate::queue::{Group, Inbox, Refusal};
use crate::sequencer::Draft;
use indelible_store::StoreError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// What is known, and the trouble if there is one.
#[derive(Default)]
pub(crate) struct Room {
    /// For a slot of so many bytes there is a place: what the store last said, without what was closed since. Changed by whoever has the
    /// disk's turn.
    sure: AtomicU64,
    /// Asked for each event, so without the lock.
    is_short: AtomicBool,
    short: Mutex<Option<Short>>,
}

/// The last try to make a tail file found no room for it.
struct Short {
    why: String,
    /// On the boot clock.
    tried_at: u64,
}

impl Committer {
    /// Has the store prepare the next tail file. Without room it is tried again after a while, not at each beat: a try writes zeros up
    /// to where the disk is full.
    pub(crate) fn prepare_next(&self) -> Result<(), StoreError> {
        let now = self.clock.boot_nanos();
        let retry = u64::try_from(ROOM_RETRY.as_nanos()).expect("a few seconds");
        let is_early = |short: &Short| now.saturating_sub(short.tried_at) < retry;
        if self.short_of_room().as_ref().is_some_and(is_early) {
            return Ok(());
        }
        self.prepare(0)
    }

    /// The same for a slot of so many bytes, however recently it was tried.
    fn prepare(&self, length: u64) -> Result<(), StoreError> {
        let prepared = self.books.store().prepare_next(length);
        match &prepared {
            Ok(()) if self.is_short_of_room() => {
                *self.short_of_room() = None;
                self.room.is_short.store(false, Ordering::SeqCst);
                self.queue.free_waiters();
            }
            Err(StoreError::NoRoom { doing, source }) => {
                *self.short_of_room() = Some(Short {
                    why: format!("{doing}: {source}"),
                    tried_at: self.clock.boot_nanos(),
                });
                self.room.is_short.store(true, Ordering::SeqCst);
            }
            _ => {}
        }
        prepared
    }

    fn short_of_room(&self) -> MutexGuard<'_, Option<Short>> {
        self.room
            .short
            .lock()
            .expect("no thread panics while it notes a trouble")
    }

    /// Whether the tail ends with what is prepared already.
    pub(crate) fn is_short_of_room(&self) -> bool {
        self.room.is_short.load(Ordering::SeqCst)
    }

    /// Why the next tail file could not be made, if so.
    pub(crate) fn room_trouble(&self) -> Option<String> {
        self.short_of_room().as_ref().map(|short| short.why.clone())
    }

    /// Bytes that a batch may have, those kept for the node's own records among them. While tail files can be made there may be more;
    /// while they can't, it is exact for whoever has the disk's turn.
    pub(super) fn room(&self) -> usize {
        let room = match self.is_short_of_room() {
            // What can't be looked at is no room.
            true => self.books.store().room().unwrap_or(0),
            false => self.room.sure.load(Ordering::SeqCst),
        };
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// A batch of so many bytes has been closed.
    pub(super) fn takes_room(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).expect("a batch fits memory") + SLOT_FRAMING_MAX;
        // Whoever closes a batch has the disk's turn, and nobody else changes it meanwhile.
        let left = self.room.sure.load(Ordering::SeqCst).saturating_sub(bytes);
        self.room.sure.store(left, Ordering::SeqCst);
    }

    /// Looks again before the room becomes doubtful, so that no turn has to wait for it. With the disk's turn, all that was closed
    /// being written.
    pub(super) fn note_room(&self) {
        if self.room.sure.load(Ordering::SeqCst) < ROOM_LOOK_BYTES
            && let Ok(room) = self.books.store().room()
        {
            self.room.sure.store(room, Ordering::SeqCst);
        }
    }

    /// Whether there may be no place for this group alone, and that is not known to be so.
    pub(super) fn room_is_doubtful(&self, group: &Group) -> bool {
        !self.is_short_of_room() && self.room() < Self::needed_by(group)
    }

    pub(super) fn needed_by(group: &Group) -> usize {
        let kept = if group.reserved { 0 } else { NODE_ROOM };
        Draft::default().bytes_max(1, group.records(), group.weight()) + kept
    }

    /// Finds out whether there is a place for a batch of so many bytes, and makes one if there is none. From here on there is, or it is
    /// known that the disk is full, or the node has stopped. With the disk's turn, as above.
    pub(super) fn look_for_room(&self, needed: usize) {
        let needed = u64::try_from(needed).expect("a batch fits memory");
        let store = self.books.store();
        let looked = store.room().and_then(|room| {
            if room >= needed {
                return Ok(room);
            }
            self.prepare(needed)?;
            store.room()
        });
        match looked {
            Ok(room) => {
                self.room.sure.store(room, Ordering::SeqCst);
                if room < needed {
                    self.queue
                        .stop("a tail file that was made for a batch has no room for it");
                }
            }
            Err(StoreError::NoRoom { .. }) => {}
            Err(error) => self.queue.stop(&error.to_string()),
        }
    }

    /// Before a turn takes anything: there is a place for what waits first, or it is known that there is none.
    pub(super) fn see_to_room<'a>(
        &'a self,
        mut inbox: MutexGuard<'a, Inbox>,
    ) -> MutexGuard<'a, Inbox> {
        loop {
            let first = inbox.groups.front();
            let doubtful = first.filter(|first| self.room_is_doubtful(first));
            let needed = doubtful.map(Self::needed_by);
            if inbox.stopped.is_some() || (needed.is_none() && !self.is_short_of_room()) {
                return inbox;
            }
            // What is left of a tail file is counted while nothing is on its way into it.
            if inbox.disk_busy {
                inbox = self.queue.wait_disk(inbox);
                continue;
            }
            let Some(needed) = needed else {
                return inbox;
            };
            inbox.disk_busy = true;
            drop(inbox);
            self.look_for_room(needed);
            self.queue.free_disk();
            inbox = self.queue.lock();
        }
    }

    fn no_room(&self) -> Refusal {
        Refusal::NoRoom(self.room_trouble().unwrap_or_default())
    }

    /// For records of the node's own, which may take what is kept for them. With the disk's turn.
    pub(crate) fn check_room(
        &self,
        logs: usize,
        records: usize,
        bytes: usize,
    ) -> Result<(), Refusal> {
        let needed = Draft::default().bytes_max(logs, records, bytes);
        if self.room() < needed && !self.is_short_of_room() {
            self.look_for_room(needed);
        }
        match self.is_short_of_room() && self.room() < needed {
            true => Err(self.no_room()),
            false => Ok(()),
        }
    }

    /// The same, giving the disk's turn back where there is none.
    pub(crate) fn take_disk_for(
        &self,
        logs: usize,
        records: usize,
        bytes: usize,
    ) -> Result<(), Refusal> {
        self.take_disk()?;
        let checked = self.check_room(logs, records, bytes);
        if checked.is_err() {
            self.queue.free_disk();
        }
        checked
    }

    /// Whether the draft and so much more are a batch for which there is room.
    pub(super) fn fits(room: usize, draft: &Draft, own: bool, more: (usize, usize, usize)) -> bool {
        let (logs, records, bytes) = more;
        let kept = if own { 0 } else { NODE_ROOM };
        draft.bytes_max(logs, records, bytes) + kept <= room
    }

    /// Why a group can't be taken now, be it that the tail waits for a sealing or that the disk is full.
    pub(super) fn is_in_the_way_of(&self, group: &Group) -> Option<Refusal> {
        if self.tail_is_full() {
            return Some(Refusal::Full);
        }
        let in_the_way = self.is_short_of_room() && self.room() < Self::needed_by(group);
        in_the_way.then(|| self.no_room())
    }

    /// Answers whoever would wait in vain: a record of the node's own for which there is no room is not waited for, since whoever
    /// makes it may be who makes room; and at a stop nobody waits.
    pub(super) fn refuse_what_never_fits(&self, inbox: &mut Inbox) {
        if !self.is_short_of_room() {
            return;
        }
        let Some(first) = inbox.groups.front() else {
            return;
        };
        if Self::needed_by(first) <= self.room() {
            return;
        }
        if first.reserved {
            if let Some(group) = inbox.pop() {
                group.answer.give(Err(self.no_room()));
            }
        } else if inbox.closing {
            self.queue.refuse_waiting(inbox, &self.no_room());
        }
    }
}
