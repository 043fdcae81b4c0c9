//! Producers' streams: which number comes next, for ever, and where the unsealed ones lie. Pure.
//!
//! A stream costs 48 bytes and its share of the free places in the table; what is sealed is found on disk. Knows no log, no file and no name.

use super::tag::{Spread, StreamId, stream_id};
use indelible_proof::hash::Hash;
use indelible_proof::node_event::NodeEvent;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What a number is to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// The one expected next.
    Next,
    /// Taken, by this record of the tail or of a batch on its way.
    At(u64),
    /// Taken by a sealed record, if its epoch has it at all.
    Sealed,
    /// Not the one expected, which is this.
    Expected(Place),
    /// The stream goes on as that of this principal.
    Handed(String),
}

/// A number in its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The epoch.
    pub epoch: u64,
    /// The number.
    pub n: u64,
}

impl Place {
    /// The one after `last` of an epoch, or its first.
    pub fn after(epoch: u64, last: Option<u64>) -> Place {
        let n = last.map_or(0, |last| last.saturating_add(1));
        Place { epoch, n }
    }

    /// The number before, in this epoch.
    #[must_use]
    pub fn last(self) -> Option<u64> {
        self.n.checked_sub(1)
    }
}

/// All streams of a node.
#[derive(Debug, Default)]
pub struct Streams {
    all: HashMap<StreamId, State, Spread>,
    /// Streams that were handed on, and to whom.
    handed_to: BTreeMap<StreamId, String>,
    /// What came from another principal: the numbers before that place are its.
    handed_from: BTreeMap<StreamId, Origin>,
}

#[derive(Debug, Default)]
struct State {
    /// Expected next.
    next: Place,
    /// Where the unsealed numbers lie.
    #[expect(
        clippy::box_collection,
        reason = "most streams have no tail, and nothing should cost 8 bytes instead of 32"
    )]
    tail: Option<Box<VecDeque<TailPart>>>,
}

/// Unsealed numbers of one epoch.
#[derive(Debug)]
struct TailPart {
    first: Place,
    seqs: VecDeque<u64>,
}

/// Where a stream that was handed on comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whose it was.
    pub by: String,
    /// The first number that is not its.
    pub until: Place,
}

impl Streams {
    /// What a claimed number is.
    pub fn look(&self, id: &StreamId, claimed: Place) -> Number {
        let none = State::default();
        let state = self.all.get(id).unwrap_or(&none);
        if claimed < state.next {
            return state.find(claimed).map_or(Number::Sealed, Number::At);
        }
        match self.handed_to.get(id) {
            Some(to) => Number::Handed(to.clone()),
            None if claimed == state.next => Number::Next,
            None => Number::Expected(state.next),
        }
    }

    /// The number expected next.
    pub fn next(&self, id: &StreamId) -> Place {
        self.all
            .get(id)
            .map_or(Place::default(), |state| state.next)
    }

    /// To whom the stream was handed.
    pub fn handed_to(&self, id: &StreamId) -> Option<&str> {
        self.handed_to.get(id).map(String::as_str)
    }

    /// From whom the stream came.
    pub fn handed_from(&self, id: &StreamId) -> Option<&Origin> {
        self.handed_from.get(id)
    }

    /// Is anything known of it?
    pub fn is_known(&self, id: &StreamId) -> bool {
        self.all.contains_key(id)
    }

    /// The expected number is ordered as the record at `seq`.
    pub fn take(&mut self, id: StreamId, seq: u64) {
        let state = self.all.entry(id).or_default();
        let tail = state.tail.get_or_insert_default();
        match tail.back_mut() {
            Some(part) if part.first.epoch == state.next.epoch => part.seqs.push_back(seq),
            _ => tail.push_back(TailPart {
                first: state.next,
                seqs: VecDeque::from([seq]),
            }),
        }
        state.next.n += 1;
    }

    /// The number taken last was not ordered after all.
    pub fn give_back(&mut self, id: &StreamId) {
        let state = self.all.get_mut(id).expect("it was taken just now");
        let tail = state.tail.as_mut().expect("it was taken just now");
        let part = tail.back_mut().expect("it was taken just now");
        part.seqs.pop_back();
        if part.seqs.is_empty() {
            tail.pop_back();
        }
        state.next.n -= 1;
    }

    /// A sealed run has these numbers.
    pub fn learn(&mut self, id: StreamId, epoch: u64, end: u64) {
        let state = self.all.entry(id).or_default();
        state.next = state.next.max(Place { epoch, n: end });
    }

    /// The stream goes on in this epoch.
    pub fn open(&mut self, id: StreamId, epoch: u64) {
        self.learn(id, epoch, 0);
    }

    /// The stream goes on as another's.
    pub fn hand(&mut self, from: (StreamId, &str), to: (StreamId, &str), until: Place) {
        self.learn(from.0, until.epoch, until.n);
        self.handed_to.insert(from.0, to.1.to_owned());
        self.learn(to.0, until.epoch, until.n);
        let by = from.1.to_owned();
        self.handed_from.insert(to.0, Origin { by, until });
    }

    /// A record of kind `stream` is ordered, or found.
    pub fn apply(&mut self, log: &Hash, event: &NodeEvent<'_>) {
        match *event {
            NodeEvent::StreamEpoch { by, src, epoch, .. } => {
                self.open(stream_id(log, by, src), epoch);
            }
            NodeEvent::StreamHanded {
                by,
                src,
                to,
                epoch,
                last,
            } => {
                let ids = [by, to].map(|by| stream_id(log, by, src));
                let until = Place::after(epoch, last);
                self.hand((ids[0], by), (ids[1], to), until);
            }
            _ => {}
        }
    }

    /// Records below `end` are sealed: their numbers are found on disk from now on.
    pub fn sealed(&mut self, id: &StreamId, end: u64) {
        let Some(state) = self.all.get_mut(id) else {
            return;
        };
        let Some(tail) = &mut state.tail else { return };
        while let Some(part) = tail.front_mut() {
            let gone = part.seqs.partition_point(|seq| *seq < end);
            part.seqs.drain(..gone);
            part.first.n += u64::try_from(gone).expect("a tail is in memory");
            if !part.seqs.is_empty() {
                part.seqs.shrink_to(part.seqs.len() * 2);
                return;
            }
            tail.pop_front();
        }
        state.tail = None;
    }

    /// All of them with what is expected behind their sealed numbers, in no order.
    pub fn sealed_next(&self) -> impl Iterator<Item = (&StreamId, Place)> {
        self.all.iter().map(|(id, state)| {
            let unsealed = state.tail.as_ref().and_then(|tail| tail.front());
            (id, unsealed.map_or(state.next, |part| part.first))
        })
    }

    /// Streams that were handed on, and to whom; and where they come from.
    pub fn handings(&self) -> (&BTreeMap<StreamId, String>, &BTreeMap<StreamId, Origin>) {
        (&self.handed_to, &self.handed_from)
    }

    /// As [`Streams::hand`] left it.
    pub fn set_handed_to(&mut self, id: StreamId, by: String) {
        self.handed_to.insert(id, by);
    }

    /// As [`Streams::hand`] left it.
    pub fn set_handed_from(&mut self, id: StreamId, origin: Origin) {
        self.handed_from.insert(id, origin);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }
}

impl State {
    fn find(&self, claimed: Place) -> Option<u64> {
        let parts = self.tail.as_ref()?;
        let part = parts
            .iter()
            .rev()
            .find(|part| part.first.epoch == claimed.epoch)?;
        let at = usize::try_from(claimed.n.checked_sub(part.first.n)?).ok()?;
        part.seqs.get(at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: StreamId = StreamId([1; 24]);
    const B: StreamId = StreamId([2; 24]);

    fn at(epoch: u64, n: u64) -> Place {
        Place { epoch, n }
    }

    fn with(count: u64) -> Streams {
        let mut streams = Streams::default();
        (0..count).for_each(|n| streams.take(A, 10 + 2 * n));
        streams
    }

    #[test]
    fn a_number_taken_is_found_and_a_gap_says_what_is_expected() {
        let streams = with(3);
        assert_eq!(streams.look(&A, at(0, 1)), Number::At(12));
        assert_eq!(streams.look(&A, at(0, 3)), Number::Next);
        assert_eq!(streams.look(&A, at(0, 4)), Number::Expected(at(0, 3)));
        assert_eq!(streams.look(&A, at(1, 0)), Number::Expected(at(0, 3)));
        assert_eq!(streams.look(&B, at(0, 0)), Number::Next);
        assert_eq!(streams.look(&B, at(0, 1)), Number::Expected(at(0, 0)));
        assert_eq!(streams.look(&B, at(1, 0)), Number::Expected(at(0, 0)));
    }

    #[test]
    fn what_is_sealed_is_forgotten_and_still_taken() {
        let mut streams = with(4);
        streams.sealed(&A, 13);
        assert_eq!(streams.look(&A, at(0, 1)), Number::Sealed);
        assert_eq!(streams.look(&A, at(0, 2)), Number::At(14));
        streams.sealed(&A, 100);
        assert_eq!(streams.look(&A, at(0, 3)), Number::Sealed);
        assert_eq!(streams.look(&A, at(0, 4)), Number::Next);
        assert!(streams.all[&A].tail.is_none());
    }

    #[test]
    fn an_epoch_begins_at_0_and_the_one_before_goes_no_further() {
        let mut streams = with(2);
        streams.open(A, 1);
        assert_eq!(streams.look(&A, at(0, 1)), Number::At(12));
        assert_eq!(streams.look(&A, at(0, 2)), Number::Sealed);
        assert_eq!(streams.look(&A, at(1, 0)), Number::Next);
        streams.take(A, 40);
        assert_eq!(streams.look(&A, at(1, 0)), Number::At(40));
        streams.give_back(&A);
        assert_eq!(streams.look(&A, at(1, 0)), Number::Next);
    }

    #[test]
    fn a_stream_handed_on_goes_on_under_the_other_alone() {
        let mut streams = with(2);
        streams.hand((A, "unix:1"), (B, "unix:2"), at(0, 2));
        assert_eq!(
            streams.look(&A, at(0, 2)),
            Number::Handed("unix:2".to_owned())
        );
        assert_eq!(streams.look(&A, at(0, 1)), Number::At(12));
        assert_eq!(streams.look(&B, at(0, 2)), Number::Next);
        assert_eq!(streams.look(&B, at(0, 1)), Number::Sealed);
        assert_eq!(streams.handed_from(&B).unwrap().by, "unix:1");
    }
}
