//! The way of events from a request to the ledger and back.
//!
//! Owns what is held for requests: bytes, counted before they are read, and the scratch space in which events are judged. What may read
//! the disk (an event that claims a key or a number) is handed over on a thread that may wait.

use crate::counters::Counters;
use crate::grants::Permit;
use crate::identity::Peer;
use crate::limits::{
    BODY_BYTES_MAX, CALLERS_KEPT, COMMIT_WAIT_MAX, PRINCIPAL_BYTES_MAX, RETRY_AFTER_SECONDS,
};
use crate::node::{Node, Randomness};
use crate::problem;
use indelible_api::{Code, Problem};
use indelible_ledger::{Caller, Lane, Log, Outcome, Prepared, Recorded, Ticket};
use indelible_proof::head::{Kind, Own, Shared};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::oneshot;

/// Whose events they are, and how they came.
pub struct Sender<'a> {
    permit: &'a Permit,
    peer: &'a Peer,
    via: &'static str,
    address: Option<String>,
}

impl<'a> Sender<'a> {
    /// `via`: purpose of the listener and protocol.
    #[must_use]
    pub fn new(permit: &'a Permit, peer: &'a Peer, via: &'static str) -> Sender<'a> {
        Sender {
            permit,
            peer,
            via,
            address: peer
                .address
                .map(|address| address.to_canonical().to_string()),
        }
    }

    /// The log that they go to.
    #[must_use]
    pub fn log(&self) -> &'a Arc<Log> {
        self.permit.log()
    }

    /// What all their heads have in common.
    #[must_use]
    pub fn shared(&self) -> Shared<'_> {
        Shared {
            kind: Kind::Event,
            by: &self.peer.principal,
            via: self.via,
            from: self.address.as_deref(),
            cert: self.peer.certificate,
            policy: self.permit.policy(),
            format: None,
        }
    }

    /// Each principal has a fair share of each log.
    fn lane(&self) -> Lane {
        let mut hasher = DefaultHasher::new();
        (&self.peer.principal, self.log().origin()).hash(&mut hasher);
        Lane(hasher.finish())
    }
}

impl Node {
    /// Judges and hashes events, on this thread: some microseconds for each.
    ///
    /// # Errors
    /// The first that is none, and which it is.
    pub fn prepare<'e>(
        &self,
        sender: &Sender<'_>,
        events: impl Iterator<Item = (&'e [u8], Own<'e>)>,
    ) -> Result<Vec<Prepared>, Problem> {
        let log = sender.log();
        let shared = sender.shared();
        let mut caller = self.callers.take(self, log)?;
        // Room for all of them at once: each takes some two hundred bytes beside what it points to.
        let mut prepared = Vec::with_capacity(events.size_hint().0);
        let mut refused = None;
        for (index, (event, own)) in events.enumerate() {
            match caller.prepare(log, &shared, &own, event) {
                Ok(one) => prepared.push(one),
                Err(error) => {
                    refused = Some(problem::of_event(&error).at(index));
                    break;
                }
            }
        }
        self.callers.give_back(caller);
        refused.map_or(Ok(prepared), Err)
    }

    /// Hands prepared events over and gives what the ledger will say. `claims`: they have keys or numbers, for which the disk may be
    /// read.
    ///
    /// # Errors
    /// Refused at once; nothing is recorded.
    pub async fn submit(
        self: &Arc<Node>,
        sender: &Sender<'_>,
        events: Vec<Prepared>,
        claims: bool,
    ) -> Result<Awaited, Problem> {
        self.rates
            .take(&sender.peer.principal, events.len(), Instant::now())?;
        let (lane, log) = (sender.lane(), Arc::clone(sender.log()));
        let ticket = if claims {
            let node = Arc::clone(self);
            let handed =
                tokio::task::spawn_blocking(move || node.ledger.submit_in(lane, &log, events));
            handed.await.map_err(|_| stopping())?
        } else {
            self.ledger.submit_in(lane, &log, events)
        };
        let ticket = ticket.map_err(|refusal| problem::of_refusal(&refusal))?;
        Ok(Awaited::of(ticket, Arc::clone(&self.counters)))
    }
}

/// The runtime ends: what was under way on its threads is not waited for.
pub(crate) fn stopping() -> Problem {
    Problem::new(
        Code::Unknown,
        "unknown whether recorded: the node is stopping",
    )
}

/// What the ledger will say.
pub struct Awaited(oneshot::Receiver<Outcome>);

impl Awaited {
    fn of(ticket: Ticket, counters: Arc<Counters>) -> Awaited {
        let (tell, told) = oneshot::channel();
        ticket.when_given(move |outcome| {
            for recorded in outcome.iter().flatten() {
                match recorded.again {
                    true => counters.again.up(),
                    false => counters.events.up(),
                }
            }
            // Who asked may be gone; what was recorded stays so.
            drop(tell.send(outcome));
        });
        Awaited(told)
    }

    /// The outcome, if it is there.
    ///
    /// # Errors
    /// It is not, and this waits for it.
    pub fn now(mut self) -> Result<Result<Vec<Recorded>, Problem>, Awaited> {
        match self.0.try_recv() {
            Ok(outcome) => Ok(outcome.map_err(|refusal| problem::of_refusal(&refusal))),
            Err(oneshot::error::TryRecvError::Closed) => Ok(Err(stopping())),
            Err(oneshot::error::TryRecvError::Empty) => Err(self),
        }
    }

    /// Waits, not for ever: a disk that does not answer keeps an outcome back.
    ///
    /// # Errors
    /// What became of it instead.
    pub async fn outcome(self) -> Result<Vec<Recorded>, Problem> {
        match tokio::time::timeout(COMMIT_WAIT_MAX, self.0).await {
            Ok(Ok(Ok(recorded))) => Ok(recorded),
            Ok(Ok(Err(refusal))) => Err(problem::of_refusal(&refusal)),
            Ok(Err(_)) => Err(stopping()),
            Err(_) => Err(Problem::new(
                Code::Unknown,
                format!(
                    "unknown whether recorded: the disk has not answered for {} s",
                    COMMIT_WAIT_MAX.as_secs()
                ),
            )),
        }
    }
}

/// Scratch space for events. Judging one needs buffers and random bytes, which are dear to make for each request.
pub(crate) struct Callers {
    random: Randomness,
    /// By the limit on an event, which is all that differs between logs.
    kept: Mutex<Vec<(usize, Caller)>>,
}

impl Callers {
    pub(crate) fn new(random: Randomness) -> Callers {
        Callers {
            random,
            kept: Mutex::default(),
        }
    }

    fn take(&self, node: &Node, log: &Log) -> Result<Caller, Problem> {
        let limit = Callers::limit(node, log)?;
        let kept = {
            let mut kept = self
                .kept
                .lock()
                .expect("no thread panics while it takes a caller");
            let place = kept.iter().rposition(|(of, _)| *of == limit);
            place.map(|place| kept.swap_remove(place).1)
        };
        match kept {
            Some(caller) => Ok(caller),
            None => {
                let made = node.ledger.caller(log, (self.random)());
                made.map_err(|error| problem::of_read(&error))
            }
        }
    }

    fn limit(node: &Node, log: &Log) -> Result<usize, Problem> {
        let limit = node.ledger.books().event_bytes_max(log);
        limit.map_err(|error| problem::of_read(&error))
    }

    fn give_back(&self, caller: Caller) {
        let mut kept = self
            .kept
            .lock()
            .expect("no thread panics while it takes a caller");
        if kept.len() < CALLERS_KEPT {
            kept.push((caller.event_bytes_max(), caller));
        }
    }
}

/// Bytes that are held for requests, of all and of each principal.
#[derive(Default)]
pub(crate) struct Room(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    all: usize,
    of: HashMap<String, usize>,
}

/// Bytes that a request holds; given back when it is dropped.
pub struct Hold {
    room: Arc<Mutex<Held>>,
    principal: String,
    bytes: usize,
}

impl Room {
    /// Bytes that are held now.
    pub(crate) fn bytes(&self) -> usize {
        let held = self.0.lock();
        held.expect("no thread panics while it counts bytes").all
    }

    /// Nothing yet, for this principal.
    pub(crate) fn hold(&self, principal: &str) -> Hold {
        Hold {
            room: Arc::clone(&self.0),
            principal: principal.to_owned(),
            bytes: 0,
        }
    }
}

impl Hold {
    /// So many more.
    ///
    /// # Errors
    /// There is no room: the principal holds its share already, or all is taken.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let mut held = self
            .room
            .lock()
            .expect("no thread panics while it counts bytes");
        let of = held.of.get(&self.principal).copied().unwrap_or(0);
        let what = match (
            of + bytes > PRINCIPAL_BYTES_MAX,
            held.all + bytes > BODY_BYTES_MAX,
        ) {
            (true, _) => format!("{} has {of} bytes on their way already", self.principal),
            (_, true) => format!("{} bytes are on their way already", held.all),
            (false, false) => {
                held.all += bytes;
                *held.of.entry(self.principal.clone()).or_default() += bytes;
                drop(held);
                self.bytes += bytes;
                return Ok(());
            }
        };
        Err(Problem::new(Code::Full, format!("not recorded: {what}")).after(RETRY_AFTER_SECONDS))
    }

    /// So many fewer.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        let mut held = self
            .room
            .lock()
            .expect("no thread panics while it counts bytes");
        held.all -= bytes;
        if let Some(of) = held.of.get_mut(&self.principal) {
            *of -= bytes;
            if *of == 0 {
                held.of.remove(&self.principal);
            }
        }
        drop(held);
        self.bytes -= bytes;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_principal_fills_its_share_and_leaves_room_for_others() {
        let room = Room::default();
        let mut greedy = room.hold("a");
        assert!(greedy.grow(PRINCIPAL_BYTES_MAX).is_ok());
        let mut more = room.hold("a");
        let refused = more.grow(1).expect_err("its share is full");
        assert_eq!(
            (refused.status, refused.code, refused.retry_after),
            (429, Code::Full, Some(1))
        );
        assert!(room.hold("b").grow(PRINCIPAL_BYTES_MAX).is_ok());
        greedy.shrink(10);
        assert!(more.grow(10).is_ok());
        assert!(more.grow(1).is_err());
        drop(greedy);
        assert!(more.grow(PRINCIPAL_BYTES_MAX - 10).is_ok());
    }

    #[test]
    fn all_together_hold_no_more_than_there_is() {
        let room = Room::default();
        let shares = BODY_BYTES_MAX / PRINCIPAL_BYTES_MAX;
        let holds: Vec<Hold> = (0..shares)
            .map(|number| {
                let mut hold = room.hold(&number.to_string());
                assert!(hold.grow(PRINCIPAL_BYTES_MAX).is_ok());
                hold
            })
            .collect();
        assert!(room.hold("late").grow(1).is_err());
        drop(holds);
        assert!(room.hold("late").grow(1).is_ok());
        let held = room.0.lock().expect("nobody panicked");
        assert_eq!(
            (held.all, held.of.len()),
            (0, 0),
            "nothing is left of who is gone"
        );
    }
}
