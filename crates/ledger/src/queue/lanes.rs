//! Whose turn it is among those who wait: deficit round robin by bytes (Shreedhar and Varghese, 1995).
//!
//! Who brings events says in which lane they wait. Lanes with something in them take turns; each turn adds [`LANE_QUANTUM`] bytes to
//! what the lane may send, so that a lane full of large events gets no more than one with small ones, and a lane that was empty waits
//! behind one turn of each other at most. The node's own records stand before all of them. Pure: knows nothing of batches or time.

use super::Group;
use crate::limits::{LANE_QUANTUM, LANES_KEPT};
use std::collections::{HashMap, VecDeque};

/// Where events wait: whoever brings them chooses, one for each party that is to have a fair share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lane(pub u64);

#[derive(Default)]
struct Waiting {
    groups: VecDeque<Group>,
    /// Bytes it may still send in this turn.
    deficit: usize,
}

/// All that waits.
#[derive(Default)]
pub(crate) struct Lanes {
    /// The node's own records, the newest first: a sealing waits for its own, and behind others it would wait for ever.
    own: VecDeque<Group>,
    lanes: HashMap<Lane, Waiting>,
    /// Lanes with something in them; the first has its turn.
    round: VecDeque<Lane>,
}

impl Lanes {
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.round.is_empty()
    }

    pub(crate) fn push(&mut self, group: Group) {
        if group.reserved {
            return self.own.push_front(group);
        }
        let lane = group.lane;
        let waiting = self.lanes.entry(lane).or_default();
        waiting.groups.push_back(group);
        if waiting.groups.len() == 1 {
            self.round.push_back(lane);
            if self.round.len() == 1 {
                self.begin_turn();
            }
        }
    }

    /// The group that is taken next.
    pub(crate) fn front(&mut self) -> Option<&Group> {
        if self.own.is_empty() {
            self.find_turn()?;
        }
        let lane = self.round.front();
        let waiting = lane.and_then(|lane| self.lanes.get(lane));
        let first = waiting.and_then(|waiting| waiting.groups.front());
        self.own.front().or(first)
    }

    /// Takes it.
    pub(crate) fn pop(&mut self) -> Option<Group> {
        if let Some(group) = self.own.pop_front() {
            return Some(group);
        }
        let lane = self.find_turn()?;
        let waiting = self.lanes.get_mut(&lane)?;
        let group = waiting.groups.pop_front()?;
        waiting.deficit = waiting.deficit.saturating_sub(group.weight());
        if waiting.groups.is_empty() {
            // A lane saves nothing up while it has nothing to send.
            waiting.deficit = 0;
            self.round.pop_front();
            if self.lanes.len() > LANES_KEPT {
                self.lanes.remove(&lane);
            }
            self.begin_turn();
        }
        Some(group)
    }

    /// Takes out all that callers brought; the node's own records stay.
    pub(crate) fn take_refusable(&mut self) -> Vec<Group> {
        let lanes = std::mem::take(&mut self.lanes);
        self.round.clear();
        let groups = lanes.into_values().flat_map(|waiting| waiting.groups);
        groups.collect()
    }

    /// Takes out everything.
    pub(crate) fn take_all(&mut self) -> Vec<Group> {
        let mut all: Vec<Group> = self.own.drain(..).collect();
        all.append(&mut self.take_refusable());
        all
    }

    /// Bytes of the node's own records.
    pub(crate) fn own_weight(&self) -> usize {
        self.own.iter().map(Group::weight).sum()
    }

    /// The lane whose turn it is, and that may send its first group.
    fn find_turn(&mut self) -> Option<Lane> {
        // Ends: a round adds to each lane, and all groups together are no more than the queue's bytes.
        loop {
            let lane = *self.round.front()?;
            let waiting = self.lanes.get(&lane)?;
            let weight = waiting.groups.front().map_or(0, Group::weight);
            if waiting.deficit >= weight {
                return Some(lane);
            }
            self.round.rotate_left(1);
            self.begin_turn();
        }
    }

    /// The first lane's turn begins.
    fn begin_turn(&mut self) {
        let first = self.round.front();
        if let Some(waiting) = first.and_then(|lane| self.lanes.get_mut(lane)) {
            waiting.deficit += LANE_QUANTUM;
        }
    }
}

#[cfg(test)]
mod tests;
