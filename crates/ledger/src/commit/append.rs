//! One event for a caller who waits, committed on its own thread where nobody else is at work.

use super::claims::Told;
use super::{Committer, Desk};
use crate::books::Log;
use crate::caller::{Prepared, Recorded};
use crate::queue::{Group, Outcome, Refusal, Ticket};
use crate::sequencer::Draft;
use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard};

impl Committer {
    /// Records one event for a caller who waits: by this very thread if nobody else is at work.
    pub(crate) fn append(&self, log: &Arc<Log>, prepared: Prepared) -> Result<Recorded, Refusal> {
        let (ticket, answer) = Ticket::pair();
        let mut group = Group::new(Arc::clone(log), prepared, VecDeque::new(), answer);
        let outcome = match self.settle(&mut group) {
            Some(outcome) => outcome,
            None => match self.append_alone(group) {
                Ok(outcome) => outcome,
                Err(group) => self.queue.push(group).and_then(|()| {
                    if !self.queue.driven {
                        self.take_turns();
                    }
                    ticket.wait()
                }),
            },
        };
        outcome.map(|mut recorded| recorded.pop().expect("one record was submitted"))
    }

    /// What drivers do, on this thread, until nothing waits. With the tail full all who wait are told at once: nobody seals meanwhile.
    pub(crate) fn take_turns(&self) {
        while !self.queue.lock().groups.is_empty() {
            let mut inbox = self.queue.lock();
            let first = inbox.groups.front();
            if let Some(refusal) = first.and_then(|first| self.is_in_the_way_of(first)) {
                self.queue.refuse_waiting(&mut inbox, &refusal);
            }
            drop(inbox);
            self.take_turn();
        }
    }

    /// Commits a group of one event on this thread, unless others are at work.
    #[expect(
        clippy::result_large_err,
        reason = "the group that could not be committed here is given back"
    )]
    fn append_alone(&self, group: Group) -> Result<Outcome, Group> {
        if self.is_in_the_way_of(&group).is_some() {
            return Err(group);
        }
        let Some(mut desk) = self.desk_if_free() else {
            return Err(group);
        };
        if !self.take_idle_disk() {
            return Err(group);
        }
        let has_no_place =
            self.room_is_doubtful(&group) && self.look_for_room(Self::needed_by(&group)).is_err();
        if has_no_place || self.is_in_the_way_of(&group).is_some() {
            self.queue.free_disk();
            return Err(group);
        }
        let mut draft = Draft::default();
        let now = self.now(&mut desk, &mut draft);
        let told = match group.has_claims() {
            true => self.place(&mut desk, &mut draft, group, now),
            false => {
                let recorded = desk.sequencer.add(&mut draft, &group.log, group.first, now);
                Ok(Told::Recorded(vec![recorded]))
            }
        };
        let written = self.commit(desk, draft);
        Ok(written.and_then(|()| told.and_then(|told| self.outcome(told))))
    }

    /// Writes the draft, unless nothing is in it: then all that was ordered before is durable, since the disk's turn is ours.
    pub(super) fn commit(&self, desk: MutexGuard<'_, Desk>, draft: Draft) -> Result<(), Refusal> {
        if draft.is_empty() {
            drop(desk);
            self.queue.free_disk();
            return Ok(());
        }
        self.write_alone(desk, draft)
    }
}
