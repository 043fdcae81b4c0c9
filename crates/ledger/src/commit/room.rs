//! A disk without room for another tail file: what is left of the present one is given out, and what does not fit is refused.
//!
//! Owns what is known of that trouble. Promises that nothing is ordered then that may find no place: whoever was refused was not
//! recorded, and the node goes on as soon as there is room again.

use super::Committer;
use crate::limits::{NODE_ROOM, ROOM_RETRY};
use crate::queue::{Group, Inbox, Refusal};
use crate::sequencer::Draft;
use indelible_store::StoreError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// The trouble, if there is one.
#[derive(Default)]
pub(crate) struct Room {
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
        let prepared = self.books.store().prepare_next();
        match &prepared {
            Ok(()) if self.is_short_of_room() => {
                *self.short_of_room() = None;
                self.room.is_short.store(false, Ordering::SeqCst);
                self.queue.free_waiters();
            }
            Err(StoreError::NoRoom { doing, source }) => {
                *self.short_of_room() = Some(Short {
                    why: format!("{doing}: {source}"),
                    tried_at: now,
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

    /// Bytes that a batch may have besides those kept for the node's own records; `None` while tail files can be made. Exact for
    /// whoever has the disk's turn.
    pub(super) fn room(&self) -> Option<usize> {
        if !self.is_short_of_room() {
            return None;
        }
        // What can't be looked at is no room.
        let room = self.books.store().room().unwrap_or(0);
        Some(usize::try_from(room).unwrap_or(usize::MAX))
    }

    fn no_room(&self) -> Refusal {
        Refusal::NoRoom(self.room_trouble().unwrap_or_default())
    }

    /// For records of the node's own, which may take what is kept for them.
    pub(crate) fn check_room(
        &self,
        logs: usize,
        records: usize,
        bytes: usize,
    ) -> Result<(), Refusal> {
        let needed = Draft::default().bytes_max(logs, records, bytes);
        match self.room() {
            Some(room) if room < needed => Err(self.no_room()),
            _ => Ok(()),
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
    pub(super) fn fits(
        room: Option<usize>,
        draft: &Draft,
        own: bool,
        more: (usize, usize, usize),
    ) -> bool {
        let (logs, records, bytes) = more;
        let kept = if own { 0 } else { NODE_ROOM };
        room.is_none_or(|room| draft.bytes_max(logs, records, bytes) + kept <= room)
    }

    /// Why a group can't be taken now, be it that the tail waits for a sealing or that the disk is full.
    pub(super) fn is_in_the_way_of(&self, group: &Group) -> Option<Refusal> {
        if self.tail_is_full() {
            return Some(Refusal::Full);
        }
        let more = (1, group.records(), group.weight());
        let fits = Self::fits(self.room(), &Draft::default(), group.reserved, more);
        (!fits).then(|| self.no_room())
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
        let (reserved, more) = (first.reserved, (1, first.records(), first.weight()));
        if Self::fits(self.room(), &Draft::default(), reserved, more) {
            return;
        }
        if reserved {
            if let Some(group) = inbox.pop() {
                group.answer.give(Err(self.no_room()));
            }
        } else if inbox.closing {
            self.queue.refuse_waiting(inbox, &self.no_room());
        }
    }
}
