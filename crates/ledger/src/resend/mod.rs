//! Sending twice: producers' streams and idempotency keys (`docs/spec/resend.md`).
//!
//! Owns what is known of both, in memory and under `derived/`, and the decision what an event that claims a number or a key is: new,
//! or sent before. Promises that the decision is made where the order is made, so that of two with one claim only one is recorded.
//! What was sent before is compared with the record itself, never answered from memory; `commit::claims` does that.

pub(crate) mod birth;
mod build;
pub(crate) mod collect;
pub(crate) mod derived;
pub mod keys;
pub(crate) mod part;
pub(crate) mod search;
pub mod streams;
pub(crate) mod table;
pub mod tag;

use crate::books::Books;
use crate::caller::Recorded;
use crate::format::frame::{Content, Record};
use crate::format::pack::{EntView, Tag};
use crate::queue::Refusal;
use crate::view::ReadError;
use indelible_proof::hash::Hash;
use indelible_proof::head::{Kind, Own, Shared};
use indelible_proof::node_event::NodeEvent;
use indelible_store::StoreError;
use keys::{Keys, SealedKeys};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use streams::{Number, Place, Streams};
use tag::{StreamId, Tagger, stream_id};

/// Keys let go under one lock: a fifth of a millisecond.
const FORGET_AT_ONCE: usize = 2_048;

/// What an event claims: a number, a key or both.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) stream: Option<(StreamId, Place)>,
    pub(crate) key: Option<KeyClaim>,
}

/// A claimed idempotency key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyClaim {
    pub(crate) tag: Tag,
    /// What a look among the sealed keys gave, and at which generation of theirs.
    pub(crate) looked: Option<(u64, Option<u64>)>,
    /// The key is one of an array's: all or none of them were recorded.
    pub(crate) of_array: bool,
}

/// Where an event lies that was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Record of the tail, or of a batch on its way.
    At(u64),
    /// A number whose record is sealed.
    Sealed,
}

/// What becomes of one event of a group.
#[derive(Debug)]
pub(crate) enum Step {
    /// It is recorded now.
    New,
    /// It was sent before, is durable and was compared: its original.
    Settled(Recorded),
    /// It was sent before; to be compared when the original is durable.
    Before(Found),
}

/// Why a group is not recorded, and which of its events is why.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) index: usize,
}

/// What is known of streams and keys.
#[derive(Debug)]
pub(crate) struct Resend {
    /// Changed where the order is made, read by everyone who brings an event.
    known: RwLock<Known>,
    /// Changed by whoever seals.
    pub(crate) sealed: Arc<SealedKeys>,
    /// What lies under `derived/` since the start.
    saved: derived::Saved,
}

/// Streams, and keys of the tail.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) streams: Streams,
    pub(crate) keys: Keys,
}

impl Resend {
    /// What an opening found of streams and of the tail's keys, and the packs' keys as far as the horizon reaches.
    pub(crate) fn load(books: &Books, known: Known, horizon: u64) -> Result<Resend, ReadError> {
        let sealed = Arc::new(SealedKeys::new(horizon));
        let saved = derived::load_keys(books, &sealed)?;
        let known = RwLock::new(known);
        Ok(Resend {
            known,
            sealed,
            saved,
        })
    }

    /// Keeps what is known for the next start.
    pub(crate) fn save(&self, books: &Books) -> Result<(), StoreError> {
        derived::save(books, &self.read().streams, &self.sealed.now(), &self.saved)
    }

    /// A pack was made: what memory held of its records for the tail's sake is let go, once the packs are known to have it.
    pub(crate) fn seal(&self, ent: &EntView<'_>) {
        let entries: Vec<u64> = tags(ent).map(|tag| table::entry(&tag)).collect();
        let keys = u64::try_from(entries.len()).expect("a pack fits memory");
        let batches = ent.header.first..=ent.header.last;
        self.sealed.seal(batches, keys, entries);
        self.write().sealed(ent);
        // In portions: whoever orders waits for this lock.
        let mut portion = Vec::with_capacity(FORGET_AT_ONCE);
        for tag in tags(ent) {
            portion.push(tag);
            if portion.len() == FORGET_AT_ONCE {
                self.write().keys.forget(&portion);
                portion.clear();
            }
        }
        self.write().keys.forget(&portion);
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known
            .read()
            .expect("no thread panics while it knows streams and keys")
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known
            .write()
            .expect("no thread panics while it knows streams and keys")
    }
}

impl Known {
    /// A pack has these records now: where their numbers lie need not be held any more.
    pub(crate) fn sealed(&mut self, ent: &EntView<'_>) {
        for (run, view) in ent.parts() {
            for row in &view.claims.streams {
                self.streams
                    .sealed(&stream_id(&run.log, row.by, row.src), run.end());
            }
        }
    }

    /// Was the event sent before, as far as memory says?
    pub(crate) fn find(&self, claim: &Claim) -> Option<Found> {
        if let Some((id, place)) = &claim.stream {
            return match self.streams.look(id, *place) {
                Number::At(seq) => Some(Found::At(seq)),
                Number::Sealed => Some(Found::Sealed),
                Number::Next | Number::Expected(_) | Number::Handed(_) => None,
            };
        }
        self.key(claim.key.as_ref()?).map(Found::At)
    }

    /// The record that has a key: one that is not sealed, or the one that was looked up.
    fn key(&self, key: &KeyClaim) -> Option<u64> {
        let looked = key.looked.and_then(|(_, found)| found);
        self.keys.recent(&key.tag).or(looked)
    }

    /// Was every key looked for at this generation of what is sealed?
    pub(crate) fn is_looked_up<'a>(
        mut claims: impl Iterator<Item = Option<&'a Claim>>,
        generation: u64,
    ) -> bool {
        claims.all(|claim| {
            let key = claim.and_then(|claim| claim.key);
            key.is_none_or(|key| key.looked.is_some_and(|(at, _)| at == generation))
        })
    }

    /// Decides a group that begins at `seq`, and takes what is new in it. All of it is new or was sent before, or nothing is taken.
    pub(crate) fn decide<'a>(
        &mut self,
        claims: impl Iterator<Item = Option<&'a Claim>>,
        settled: &mut Vec<Option<Recorded>>,
        mut seq: u64,
    ) -> Result<Vec<Step>, Refused> {
        let first = seq;
        let mut settled = std::mem::take(settled).into_iter();
        let mut steps = Vec::new();
        let mut taken: Vec<&Claim> = Vec::new();
        let mut array = Array::default();
        for (index, claim) in claims.enumerate() {
            let step = match (settled.next().flatten(), claim) {
                (Some(recorded), claim) => {
                    array.saw_before(claim, recorded.seq, index);
                    Ok(Step::Settled(recorded))
                }
                (None, None) => Ok(Step::New),
                (None, Some(claim)) => self.step(claim, seq),
            };
            match step {
                Ok(Step::New) => {
                    array.saw_new(claim);
                    taken.extend(claim);
                    seq += 1;
                }
                Ok(Step::Before(Found::At(seq))) if seq >= first => {
                    self.give_back(&taken);
                    let refusal = Refusal::Twice;
                    return Err(Refused { refusal, index });
                }
                Ok(Step::Before(Found::At(seq))) => array.saw_before(claim, seq, index),
                Ok(_) => {}
                Err(refusal) => {
                    self.give_back(&taken);
                    return Err(Refused { refusal, index });
                }
            }
            steps.extend(step);
        }
        if let Some(refused) = array.conflict().or_else(|| mixed(&steps)) {
            self.give_back(&taken);
            return Err(refused);
        }
        Ok(steps)
    }

    /// Decides one event, and takes what it claims if it is new.
    fn step(&mut self, claim: &Claim, seq: u64) -> Result<Step, Refusal> {
        if let Some((id, place)) = &claim.stream {
            match self.streams.look(id, *place) {
                Number::Next => {}
                Number::At(seq) => return Ok(Step::Before(Found::At(seq))),
                Number::Sealed => return Ok(Step::Before(Found::Sealed)),
                Number::Expected(place) => return Err(Refusal::expected(place)),
                Number::Handed(to) => return Err(Refusal::Handed { to }),
            }
        }
        if let Some(key) = &claim.key {
            match (self.key(key), &claim.stream) {
                (Some(seq), None) => return Ok(Step::Before(Found::At(seq))),
                // A new number, so a new event; and the key says that it is not.
                (Some(seq), Some(_)) => return Err(Refusal::Conflict { seq }),
                (None, _) => self.keys.take(key.tag, seq),
            }
        }
        if let Some((id, _)) = &claim.stream {
            self.streams.take(*id, seq);
        }
        Ok(Step::New)
    }

    fn give_back(&mut self, taken: &[&Claim]) {
        for claim in taken.iter().rev() {
            if let Some((id, _)) = &claim.stream {
                self.streams.give_back(id);
            }
            if let Some(key) = &claim.key {
                self.keys.give_back(&key.tag);
            }
        }
    }
}

/// The tags of a pack's keys.
fn tags<'a>(ent: &'a EntView<'_>) -> impl Iterator<Item = Tag> + 'a {
    ent.parts()
        .flat_map(|(_, view)| view.claims.keys().map(|(tag, _)| tag))
}

/// What the records of a batch of the tail claim, at a start.
pub(crate) struct TailClaims<'a> {
    log: Hash,
    known: Option<&'a mut Known>,
    /// What the record before had in common with others, and the tags of its principal.
    common: Vec<u8>,
    by: Option<(String, Kind, Tagger)>,
}

impl<'a> TailClaims<'a> {
    pub(crate) fn new(log: Hash, known: Option<&'a mut Known>) -> TailClaims<'a> {
        TailClaims {
            log,
            known,
            common: Vec::new(),
            by: None,
        }
    }

    pub(crate) fn see(&mut self, record: &Record<'_>, seq: u64) {
        let Some(known) = &mut self.known else { return };
        if self.by.is_none() || self.common != record.shared {
            self.common = record.shared.to_vec();
            self.by = Shared::parse(record.shared).map(|shared| {
                let tagger = Tagger::new(&self.log, shared.by);
                (shared.by.to_owned(), shared.kind, tagger)
            });
        }
        let Some((by, kind, tagger)) = &self.by else {
            return;
        };
        if let (Kind::Stream, Content::Present { event, .. }) = (kind, &record.content)
            && let Some(event) = NodeEvent::parse(event)
        {
            known.streams.apply(&self.log, &event);
        }
        if record.own.is_empty() {
            return;
        }
        let Some(own) = Own::parse(record.own) else {
            return;
        };
        if let Some(stream) = own.stream {
            let id = stream_id(&self.log, by, stream.src);
            known.streams.learn(id, stream.epoch, stream.n);
            known.streams.take(id, seq);
        }
        if let Some(key) = own.key {
            known.keys.take(tagger.tag(key), seq);
        }
    }
}

/// Some new and some on their way: whether those are the same events can't be said before they are durable, and to record only the
/// others would not be all or nothing.
fn mixed(steps: &[Step]) -> Option<Refused> {
    let new = steps.iter().any(|step| matches!(step, Step::New));
    let index = steps
        .iter()
        .position(|step| matches!(step, Step::Before(_)))?;
    let refusal = Refusal::InFlight;
    new.then_some(Refused { refusal, index })
}

/// The events of an array that carries a key: all were recorded, or none was.
#[derive(Default)]
struct Array {
    new: bool,
    /// Seq and index of the first that was.
    before: Option<(u64, usize)>,
}

impl Array {
    fn saw_new(&mut self, claim: Option<&Claim>) {
        self.new |= of_array(claim);
    }

    fn saw_before(&mut self, claim: Option<&Claim>, seq: u64, index: usize) {
        if of_array(claim) {
            self.before = self.before.or(Some((seq, index)));
        }
    }

    fn conflict(&self) -> Option<Refused> {
        let (seq, index) = self.before.filter(|_| self.new)?;
        let refusal = Refusal::Conflict { seq };
        Some(Refused { refusal, index })
    }
}

fn of_array(claim: Option<&Claim>) -> bool {
    claim
        .and_then(|claim| claim.key)
        .is_some_and(|key| key.of_array)
}
