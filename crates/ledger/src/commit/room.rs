//! Room for what is ordered: nothing is, unless there surely is a place for it.
//!
//! Owns what is known of the room in the tail, and of a disk without room for another tail file: then what is left of the present one is
//! given out, and what does not fit is refused. Whoever was refused was not recorded, and the node goes on as soon as there is room again.

use super::Committer;
use crate::limits::{NODE_ROOM, ROOM_LOOK_BYTES, ROOM_RETRY, SLOT_FRAMING_MAX};
use crate::queue::{Group, Inbox, Refusal};
use crate::rotate::RotateError;
use crate::sequencer::Draft;
use indelible_store::limits::{BLOCK, SLOT_LENGTH_MAX};
use indelible_store::{StoreError, with_causes};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// What is known, and the trouble if there is one.
#[derive(Default)]
pub(crate) struct Room {
    /// For a slot of so many bytes there is a place: what the store last said, without what was closed since. Changed by whoever has the
    /// disk's turn.
    sure: AtomicU64,
    /// What the store last said.
    looked: AtomicU64,
    /// Asked for each event, so without the lock.
    is_short: AtomicBool,
    short: Mutex<Option<Short>>,
}

/// There is no room for another tail file, or it is not known whether there is.
struct Short {
    why: String,
    /// Bytes of the slot for which it was tried.
    needed: u64,
    /// On the boot clock.
    tried_at: u64,
}

impl Committer {
    /// Has the store prepare the next tail file. Without room it is tried again after a while, not at each beat: a try writes zeros up
    /// to where the disk is full.
    pub(crate) fn prepare_next(&self) -> Result<(), StoreError> {
        let now = self.clock.boot_nanos();
        let retry = u64::try_from(ROOM_RETRY.as_nanos()).expect("a few seconds");
        let (needed, is_early) = match &*self.short_of_room() {
            Some(short) => (short.needed, now.saturating_sub(short.tried_at) < retry),
            None => (0, false),
        };
        if is_early {
            return Ok(());
        }
        let prepared = self.prepare(needed);
        let store = self.books.store();
        let is_large = needed + SLOT_FRAMING_MAX + BLOCK > store.describe().tail_size;
        if is_large && matches!(prepared, Err(StoreError::NoRoom { .. })) {
            // It was tried for more than a tail file. There may be room for one of the usual size, which others can use.
            match store.prepare_next(0) {
                Ok(()) | Err(StoreError::NoRoom { .. }) => {}
                failed => return failed,
            }
        }
        prepared
    }

    /// The same for a slot of so many bytes, however recently it was tried.
    fn prepare(&self, needed: u64) -> Result<(), StoreError> {
        let prepared = self.books.store().prepare_next(needed);
        match &prepared {
            Ok(()) if self.is_short_of_room() => {
                *self.short_of_room() = None;
                self.room.is_short.store(false, Ordering::SeqCst);
                self.queue.free_waiters();
            }
            Err(error @ StoreError::NoRoom { .. }) => self.is_short(needed, error),
            _ => {}
        }
        prepared
    }

    fn is_short(&self, needed: u64, error: &StoreError) {
        *self.short_of_room() = Some(Short {
            why: with_causes(error),
            needed,
            tried_at: self.clock.boot_nanos(),
        });
        self.room.is_short.store(true, Ordering::SeqCst);
        // It may sleep until the next commit, which perhaps never comes.
        self.pulse.nudge();
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

    fn sure(&self) -> u64 {
        self.room.sure.load(Ordering::SeqCst)
    }

    /// Bytes that a batch may have, those kept for the node's own records among them. While tail files can be made there may be more;
    /// while they can't, it is exact where nothing is on its way to the disk.
    pub(super) fn room(&self) -> usize {
        let room = match self.is_short_of_room() {
            // What can't be looked at is no room.
            true => self.books.store().room().unwrap_or(0),
            false => self.sure(),
        };
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// The same while a batch may be on its way: one that is closed and not written yet has its place before.
    pub(super) fn room_behind(&self, inbox: &Inbox) -> usize {
        let sure = usize::try_from(self.sure()).unwrap_or(usize::MAX);
        match inbox.disk_busy {
            true => self.room().min(sure),
            false => self.room(),
        }
    }

    /// A batch of so many bytes has been closed.
    pub(super) fn takes_room(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).expect("a batch fits memory") + SLOT_FRAMING_MAX;
        // Whoever closes a batch has the disk's turn, and nobody else changes it meanwhile.
        let left = self.sure().saturating_sub(bytes);
        self.room.sure.store(left, Ordering::SeqCst);
    }

    /// Looks again before the room becomes doubtful, so that no turn has to wait for it. With the disk's turn, all that was closed
    /// being written.
    pub(super) fn note_room(&self) {
        let looked = self.room.looked.load(Ordering::SeqCst);
        if self.sure() < ROOM_LOOK_BYTES.min(looked / 2)
            && let Ok(room) = self.books.store().room()
        {
            self.found_room(room);
        }
    }

    fn found_room(&self, room: u64) {
        self.room.sure.store(room, Ordering::SeqCst);
        self.room.looked.store(room, Ordering::SeqCst);
    }

    /// Whether there may be no place for this group alone, and that is not known to be so.
    pub(super) fn room_is_doubtful(&self, group: &Group) -> bool {
        !self.is_short_of_room() && self.room() < Self::needed_by(group)
    }

    pub(super) fn needed_by(group: &Group) -> usize {
        let kept = if group.reserved { 0 } else { NODE_ROOM };
        Draft::default().bytes_max(1, group.records(), group.weight()) + kept
    }

    /// Makes sure of a place for a batch of so many bytes. With the disk's turn, as above.
    ///
    /// # Errors
    /// There is none, and that is known from here on; or the node has stopped.
    pub(crate) fn look_for_room(&self, needed: usize) -> Result<(), Refusal> {
        // More than a slot may have is refused by whoever writes it.
        let needed =
            u64::try_from(needed).map_or(SLOT_LENGTH_MAX, |needed| needed.min(SLOT_LENGTH_MAX));
        let store = self.books.store();
        // A directory that can't be read now may be readable soon, and nothing was ordered.
        let look = || {
            store.room().map_err(|error| {
                self.is_short(needed, &error);
                self.no_room()
            })
        };
        let mut room = look()?;
        if room < needed {
            match self.prepare(needed) {
                Ok(()) => room = look()?,
                Err(StoreError::NoRoom { .. }) => return Err(self.no_room()),
                Err(error) => return Err(self.stops(&with_causes(&error))),
            }
        }
        self.found_room(room);
        match room < needed {
            true => Err(self.stops("a tail file that was made for a batch has no room for it")),
            false => Ok(()),
        }
    }

    fn stops(&self, why: &str) -> Refusal {
        self.queue.stop(why);
        Refusal::Stopped(why.to_owned())
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
            let looked = self.look_for_room(needed);
            self.queue.free_disk();
            inbox = self.queue.lock();
            if looked.is_err() {
                // Known now, or the node has stopped: the next look at the queue sees it.
                return inbox;
            }
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
        match (self.room() < needed, self.is_short_of_room()) {
            (false, _) => Ok(()),
            (true, false) => self.look_for_room(needed),
            (true, true) => Err(self.no_room()),
        }
    }

    /// For what takes several batches, of so many bytes together: makes sure of as much of it as one slot may have, and on a disk that is
    /// short of room of all.
    pub(crate) fn check_room_of_many(
        &self,
        likely: usize,
        exact: impl FnOnce() -> Result<usize, RotateError>,
    ) -> Result<(), RotateError> {
        if !self.is_short_of_room() {
            self.take_disk()?;
            let looked = self.look_for_room(likely);
            self.queue.free_disk();
            match looked {
                Err(Refusal::NoRoom(_)) => {}
                looked => return Ok(looked?),
            }
        }
        let exact = exact()?;
        self.take_disk()?;
        let room = self.room();
        self.queue.free_disk();
        match self.is_short_of_room() && room < exact {
            true => Err(self.no_room().into()),
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
