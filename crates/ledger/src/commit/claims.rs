//! Events that claim a number or a key: whether they were sent before, and then their originals.
//!
//! An original is read back and compared with what came, and only once it is durable: on the bringer's thread before the order is
//! made if it is durable already, else by whoever committed the batch behind it. Nothing here holds the order up.

use super::originals::Originals;
use super::{Committer, Desk};
use crate::books::Log;
use crate::caller::{Prepared, Recorded};
use crate::limits::LOOK_ATTEMPTS;
use crate::queue::{Group, Outcome, Refusal, Ticket};
use crate::resend::streams::{Number, Place};
use crate::resend::tag::{StreamId, stream_id};
use crate::resend::{Claim, Found, Known, Refused, Step};
use crate::sequencer::Draft;
use crate::view::Stored;
use indelible_proof::hash::{self, hex_digit};
use indelible_proof::head::{Head, Own, Shared};
use indelible_proof::node_event::NodeEvent;
use indelible_proof::time::Time;
use indelible_store::with_causes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Events that were all sent before, to be answered when what was ordered before them is durable.
pub(crate) struct Before {
    log: Arc<Log>,
    events: Vec<(Prepared, Step)>,
}

/// A record of kind `stream` at most: its names and principals are bounded by a head's length.
const STREAM_RECORD_BYTES: usize = 8 << 10;

/// How a stream goes on.
#[derive(Clone, Copy)]
pub(crate) enum StreamChange<'a> {
    /// In the next epoch.
    Epoch,
    /// As that of this principal.
    Handed(&'a str),
}

/// What a caller waits for.
pub(crate) enum Told {
    /// That these are durable.
    Recorded(Vec<Recorded>),
    /// That what it sent again is durable.
    Before(Before),
    /// That a conflict stands in `_node`.
    Conflict(Refusal),
}

/// What an event says of itself that is compared.
struct Said<'a> {
    by: &'a str,
    own: Own<'a>,
}

impl<'a> Said<'a> {
    fn of(prepared: &'a Prepared) -> Said<'a> {
        let part = |range: &std::ops::Range<usize>| &prepared.head[range.clone()];
        Said {
            by: Shared::parse(part(&prepared.shared))
                .expect("a prepared head has its form")
                .by,
            own: Own::parse(part(&prepared.own)).expect("a prepared head has its form"),
        }
    }

    /// What `_node` says when its key came with another event than the record at `seq`.
    fn conflict(&self, log: &'a Log, seq: u64) -> Option<NodeEvent<'a>> {
        let (by, key) = (self.by, self.own.key?);
        let log = log.origin();
        Some(NodeEvent::Conflict { log, by, key, seq })
    }
}

impl Committer {
    /// Looks, before the group is ordered, whether it was sent before, and compares what is durable. The outcome, if that settles it.
    pub(crate) fn settle(&self, group: &mut Group) -> Option<Outcome> {
        if !group.has_claims() {
            return None;
        }
        if let Err(refusal) = self.look_up(group) {
            return Some(Err(refusal));
        }
        let found: Vec<Option<Found>> = {
            let known = self.resend.read();
            let claims = group.events().map(|event| event.claim.as_deref());
            claims
                .map(|claim| claim.and_then(|claim| known.find(claim)))
                .collect()
        };
        let durable = group.log.size();
        let mut settled = Vec::new();
        let mut originals = Originals::of(group.records());
        for (event, found) in group.events().zip(found) {
            settled.push(match found {
                None => None,
                Some(Found::At(seq)) if seq >= durable => None,
                Some(found) => match self.original(&group.log, event, found, &mut originals) {
                    Ok(recorded) => Some(recorded),
                    Err(refusal) => return Some(Err(refusal)),
                },
            });
        }
        if settled.iter().all(Option::is_some) {
            return Some(Ok(settled.into_iter().flatten().collect()));
        }
        group.settled = settled;
        None
    }

    /// Looks for the group's keys among the sealed ones.
    fn look_up(&self, group: &mut Group) -> Result<(), Refusal> {
        let mut sealed = None;
        let log = Arc::clone(&group.log);
        for event in group.events_mut() {
            let Some(tag) = event.claim.as_ref().and_then(|claim| claim.key) else {
                continue;
            };
            let sealed = sealed.get_or_insert_with(|| self.resend.sealed.now());
            let key = Said::of(event).own.key.unwrap_or_default();
            let found = self.books.find_key(&log, sealed, &tag.tag, key);
            // Not known whether it was recorded, so it is not recorded now.
            let found = found.map_err(|error| Refusal::NoLook(with_causes(&error)))?;
            if let Some(key) = event.claim.as_mut().and_then(|claim| claim.key.as_mut()) {
                key.looked = Some((sealed.generation, found));
            }
        }
        Ok(())
    }

    /// Gives a group its places, or finds that it was sent before. Refused: nothing of it was ordered.
    pub(super) fn place(
        &self,
        desk: &mut Desk,
        draft: &mut Draft,
        mut group: Group,
        now: Time,
    ) -> Result<Told, Refusal> {
        // Between the look and the order a pack may have been sealed; that is rare, and the look is short.
        let mut known = self.resend.write();
        for _ in 0..LOOK_ATTEMPTS {
            let claims = group.events().map(|event| event.claim.as_deref());
            if Known::is_looked_up(claims, self.resend.sealed.generation()) {
                break;
            }
            drop(known);
            self.look_up(&mut group)?;
            known = self.resend.write();
        }
        let Group {
            log,
            first,
            rest,
            mut settled,
            ..
        } = group;
        let events = std::iter::once(first).chain(rest).collect::<Vec<_>>();
        let decided = {
            let claims = events.iter().map(|event| event.claim.as_deref());
            let next = desk.sequencer.size(&log);
            known.decide(claims, &mut settled, next)
        };
        drop(known);
        let steps = match decided {
            Ok(steps) => steps,
            Err(Refused { refusal, index }) => {
                let Refusal::Conflict { seq } = refusal else {
                    return Err(refusal);
                };
                let said = Said::of(&events[index]);
                let Some(event) = said.conflict(&log, seq) else {
                    return Err(refusal);
                };
                let (node_log, prepared) = (Arc::clone(desk.node.log()), desk.node.say(&event));
                if !draft.has_room(1, 1, prepared.weight()) {
                    return Err(Refusal::Full);
                }
                desk.sequencer.add(draft, &node_log, prepared, now);
                return Ok(Told::Conflict(refusal));
            }
        };
        if steps.iter().any(|step| matches!(step, Step::Before(_))) {
            let events = events.into_iter().zip(steps).collect();
            return Ok(Told::Before(Before { log, events }));
        }
        let recorded = events
            .into_iter()
            .zip(steps)
            .map(|(event, step)| match step {
                Step::Settled(recorded) => recorded,
                Step::New | Step::Before(_) => desk.sequencer.add(draft, &log, event, now),
            });
        Ok(Told::Recorded(recorded.collect()))
    }

    /// What became of a group, now that all that was ordered before it is durable.
    pub(super) fn outcome(&self, told: Told) -> Outcome {
        match told {
            Told::Recorded(recorded) => Ok(recorded),
            Told::Conflict(refusal) => Err(refusal),
            Told::Before(Before { log, events }) => {
                let mut originals = Originals::of(events.len());
                let events = events.into_iter();
                let outcomes = events.map(|(event, step)| match step {
                    Step::Settled(recorded) => Ok(recorded),
                    Step::Before(found) => self.original(&log, &event, found, &mut originals),
                    Step::New => Err(Refusal::InFlight),
                });
                outcomes.collect()
            }
        }
    }

    /// The record that was made of an event when it was sent first.
    fn original(
        &self,
        log: &Arc<Log>,
        event: &Prepared,
        found: Found,
        originals: &mut Originals,
    ) -> Result<Recorded, Refusal> {
        let claim = event.claim.as_deref().expect("it was found by its claim");
        let mut said = Said::of(event);
        let owner;
        let seq = match (&claim.stream, found) {
            (None, Found::At(seq)) => seq,
            (Some((id, place)), found) => {
                let stream = said.own.stream.expect("it claims a number");
                match originals.find(said.by, &stream) {
                    Some(seq) => seq,
                    None => {
                        let seq;
                        (owner, seq) =
                            self.numbered(log, (*id, said.by), stream.src, *place, found)?;
                        said.by = &owner;
                        seq
                    }
                }
            }
            (None, Found::Sealed) => unreachable!("only numbers are found so"),
        };
        let unreadable = |why: String| Refusal::Unreadable { seq, why };
        let stored = originals
            .record(&self.books, log, seq)
            .map_err(|error| unreadable(with_causes(&error)))?;
        let head = Head::parse(&stored.head).map_err(|error| unreadable(error.to_string()))?;
        let is_it = head.shared.by == said.by
            && match claim.stream {
                Some(_) => head.own.stream == said.own.stream,
                None => head.own.key == said.own.key,
            };
        if !is_it {
            return Err(unreadable("another claim has the same tag".to_owned()));
        }
        let Some((salt, original)) = &stored.content else {
            let entry = hash::entry(&stored.head);
            return Err(Refusal::NotCompared { seq, entry });
        };
        if original.as_slice() != event.event() || head.own.key != said.own.key {
            return Err(self.conflict(log, &said, claim, seq));
        }
        let salt = salt_bytes(salt).ok_or_else(|| unreadable("its salt is none".to_owned()))?;
        Ok(again(stored, salt))
    }

    /// Whose record has a number now, and which: a stream that was handed on left its first numbers with another principal.
    fn numbered(
        &self,
        log: &Arc<Log>,
        (mut id, by): (StreamId, &str),
        src: &str,
        place: Place,
        mut found: Found,
    ) -> Result<(String, u64), Refusal> {
        let mut by = by.to_owned();
        loop {
            let known = self.resend.read();
            let Some(origin) = known.streams.handed_from(&id) else {
                break;
            };
            if place >= origin.until {
                break;
            }
            by.clone_from(&origin.by);
            id = stream_id(&log.id(), &by, src);
            found = match known.streams.look(&id, place) {
                Number::At(seq) => Found::At(seq),
                _ => Found::Sealed,
            };
        }
        if let Found::At(seq) = found {
            return Ok((by, seq));
        }
        match self.books.find_number(log, &by, src, place) {
            Ok(Some(seq)) => Ok((by, seq)),
            // Its epoch ended before it.
            Ok(None) => Err(Refusal::expected(self.resend.read().streams.next(&id))),
            Err(error) => Err(Refusal::NoLook(with_causes(&error))),
        }
    }

    /// Another event came under a number or a key. Under a key it stands in `_node` before anybody is told.
    fn conflict<'a>(&self, log: &'a Log, said: &Said<'a>, claim: &Claim, seq: u64) -> Refusal {
        let refusal = Refusal::Conflict { seq };
        match said.conflict(log, seq).filter(|_| claim.stream.is_none()) {
            None => refusal,
            Some(event) => self.say(&event).err().unwrap_or(refusal),
        }
    }

    /// Records that a stream goes on in another epoch or as another's, if it is where the caller believes.
    pub(crate) fn change_stream(
        &self,
        log: &Arc<Log>,
        (by, src): (&str, &str),
        believed: Place,
        change: StreamChange<'_>,
    ) -> Result<Recorded, Refusal> {
        let mut desk = self.desk();
        self.take_disk_for(1, 1, STREAM_RECORD_BYTES)?;
        // From here to the change nobody else orders, so what is read now still holds then.
        let checked = self.check_change(log, (by, src), believed, change);
        if let Err(refusal) = checked {
            drop(desk);
            self.queue.free_disk();
            return Err(refusal);
        }
        let (epoch, last) = (believed.epoch, believed.last());
        let event = match change {
            StreamChange::Epoch => NodeEvent::StreamEpoch {
                by,
                src,
                epoch: epoch + 1,
                last,
            },
            StreamChange::Handed(to) => NodeEvent::StreamHanded {
                by,
                src,
                to,
                epoch,
                last,
            },
        };
        let mut draft = Draft::default();
        let now = self.now(&mut desk, &mut draft);
        let prepared = desk.node.say_in(log, &event);
        let recorded = desk.sequencer.add(&mut draft, log, prepared, now);
        self.resend.write().streams.apply(&log.id(), &event);
        self.write_alone(desk, draft).map(|()| recorded)
    }

    fn check_change(
        &self,
        log: &Log,
        (by, src): (&str, &str),
        believed: Place,
        change: StreamChange<'_>,
    ) -> Result<(), Refusal> {
        let id = stream_id(&log.id(), by, src);
        let known = self.resend.read();
        if let Some(to) = known.streams.handed_to(&id) {
            return Err(Refusal::Handed { to: to.to_owned() });
        }
        let next = known.streams.next(&id);
        if next != believed {
            return Err(Refusal::expected(next));
        }
        match change {
            // Of a stream without numbers nothing may be known yet, and yet it can't be handed on to whose it is.
            StreamChange::Handed(to)
                if to == by || known.streams.is_known(&stream_id(&log.id(), to, src)) =>
            {
                Err(Refusal::StreamTaken(to.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Records what the node says of itself, and waits for it.
    pub(crate) fn say(&self, event: &NodeEvent<'_>) -> Result<(), Refusal> {
        let (log, prepared) = {
            let mut desk = self.desk_first();
            (Arc::clone(desk.node.log()), desk.node.say(event))
        };
        let (ticket, answer) = Ticket::pair();
        self.queue.push(Group {
            reserved: true,
            ..Group::new(log, prepared, VecDeque::new(), answer)
        })?;
        // Whoever drives may wait for the very room that this record leads to.
        self.take_turn();
        ticket.wait().map(|_| ())
    }
}

fn again(stored: Stored, salt: [u8; 16]) -> Recorded {
    Recorded {
        seq: stored.seq,
        entry: hash::entry(&stored.head),
        head: stored.head,
        salt,
        again: true,
    }
}

fn salt_bytes(text: &[u8; 32]) -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    for (byte, pair) in salt.iter_mut().zip(text.as_chunks::<2>().0) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(salt)
}
