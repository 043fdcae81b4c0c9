//! Streams: who numbers what it sends, opens the next epoch, and hands the stream on to somebody else.
//!
//! Owns what senders know of their streams. A stream has one owner at a time; what was recorded is answered to all who ever owned it, and
//! what is new is taken from the last of them alone.

use crate::callers::{Answer, BY, Sent};
use crate::claims::Must;
use crate::model::{Heard, Judged, must};
use crate::world::{World, log_of};
use indelible_ledger::{Place, Recorded, Refusal, StreamNow};
use indelible_proof::head::{Own, Stream};

const STREAMS_MAX: usize = 4;
/// Who may own a stream.
const OWNERS: [&str; 4] = [BY.by, "unix:2000", "unix:3000", "dns:till.example.org"];

/// A stream as its senders know it.
#[derive(Clone, Debug)]
pub struct Source {
    log: String,
    src: String,
    by: &'static str,
    /// Whose it was, and the first number that was not theirs.
    before: Vec<(&'static str, Place)>,
    epoch: u64,
    /// The event of each number of this epoch that was ever sent, acknowledged or not.
    events: Vec<u64>,
    /// Of the epochs before: place and event of each number that is recorded.
    past: Vec<(Place, u64)>,
    /// So many of this epoch are known to be recorded.
    known: u64,
    /// The next epoch was asked for, and nobody knows what came of it.
    turning: bool,
    /// It was to be handed on, and nobody knows what came of it.
    handing: Option<&'static str>,
}

impl Source {
    fn new(log: &str, src: String) -> Source {
        Source {
            log: log.to_owned(),
            src,
            by: BY.by,
            before: Vec::new(),
            epoch: 0,
            events: Vec::new(),
            past: Vec::new(),
            known: 0,
            turning: false,
            handing: None,
        }
    }

    /// Is in its next epoch.
    fn turned(&mut self) {
        let places = (0..self.known).map(|n| Place {
            epoch: self.epoch,
            n,
        });
        self.past.extend(places.zip(self.events.drain(..)));
        (self.epoch, self.known) = (self.epoch + 1, 0);
    }

    /// Goes on as another's.
    fn handed(&mut self, to: &'static str) {
        let next = Place {
            epoch: self.epoch,
            n: self.known,
        };
        self.before.push((self.by, next));
        self.by = to;
        // Whatever was sent and did not arrive was the old owner's affair.
        self.events
            .truncate(usize::try_from(self.known).unwrap_or(0));
    }

    /// Everybody who ever owned it, with the first number that was not theirs.
    fn owners(&self) -> Vec<(&'static str, Option<Place>)> {
        let before = self.before.iter().map(|(by, until)| (*by, Some(*until)));
        before.chain([(self.by, None)]).collect()
    }

    /// Who came after the owner at that index.
    fn after(&self, index: usize) -> &'static str {
        self.before.get(index + 1).map_or(self.by, |(by, _)| *by)
    }
}

impl World {
    /// Streams: numbers in their order, again, too early, for another event; epochs; and a stream that goes on as another's.
    pub fn streams(&mut self) -> Judged {
        let count = self.claims.streams.len();
        if count < STREAMS_MAX && (count == 0 || self.dice.one_in(5)) {
            let Some(log) = self.some_log()? else {
                return self.found();
            };
            let source = Source::new(log.name(), format!("till{count}"));
            self.claims.streams.push(source);
        }
        let index = self.dice.index(self.claims.streams.len());
        let next = self.catch_up_with(index)?;
        match self.dice.roll(10) {
            0..=2 => self.send_numbers(index, next),
            3..=4 => self.send_number_again(index),
            5 => self.send_number_too_early(index, next),
            6 => self.send_number_of_another(index),
            7 => self.open_epoch(index, next),
            8 => self.hand_on(index, next),
            _ => self.send_as_somebody_before(index, next),
        }
    }

    /// Asks the ledger where the stream is; that lies between what was acknowledged and what was sent. From here on the sender is sure.
    fn catch_up_with(&mut self, index: usize) -> Result<u64, String> {
        let ledger = self.ledger()?;
        let source = &mut self.claims.streams[index];
        let log = log_of(&ledger, &source.log)?;
        let StreamNow {
            mut next,
            handed_to,
        } = ledger.stream(&log, source.by, &source.src);
        if source.turning && (next.epoch, next.n) == (source.epoch + 1, 0) {
            source.turned();
        }
        source.turning = false;
        if let Some(to) = source
            .handing
            .take()
            .filter(|to| handed_to.as_deref() == Some(*to))
        {
            source.handed(to);
            next = ledger.stream(&log, to, &source.src).next;
        }
        let sent = u64::try_from(source.events.len()).unwrap_or(u64::MAX);
        let fits = next.epoch == source.epoch && (source.known..=sent).contains(&next.n);
        let Place { epoch, n } = next;
        must(fits, || {
            format!(
                "the ledger has a stream at number {n} of epoch {epoch}, its sender knows {source:?}"
            )
        })?;
        source.known = n;
        for (place, (by, until)) in source.owners().into_iter().enumerate() {
            let now = ledger.stream(&log, by, &source.src);
            let expected = StreamNow {
                next: until.unwrap_or(next),
                handed_to: until.map(|_| source.after(place).to_owned()),
            };
            must(now == expected, || {
                format!("of {by} the ledger knows {now:?}, its senders {source:?}")
            })?;
        }
        Ok(n)
    }

    /// The event of a number, as it is sent each time.
    fn number_event(&mut self, index: usize, n: u64) -> u64 {
        let at = usize::try_from(n).unwrap_or(usize::MAX);
        if let Some(number) = self.claims.streams[index].events.get(at) {
            return *number;
        }
        let log = self.claims.streams[index].log.clone();
        let number = self.new_event(&log);
        self.claims.streams[index].events.push(number);
        number
    }

    /// A number that is recorded, with its event and somebody who owns the stream or did when it had that number or later.
    fn some_recorded(&mut self, index: usize) -> Option<(&'static str, Place, u64)> {
        let source = &self.claims.streams[index];
        let now = (0..source.known).map(|n| Place {
            epoch: source.epoch,
            n,
        });
        let now = now.zip(source.events.iter().copied());
        let all: Vec<(Place, u64)> = source.past.iter().copied().chain(now).collect();
        let owners = source.owners();
        let (place, number) = *self.dice.pick(&all)?;
        let may = |until: &Option<Place>| until.is_none_or(|until| place < until);
        let owners: Vec<_> = owners.into_iter().filter(|(_, until)| may(until)).collect();
        let (by, _) = *self.dice.pick(&owners)?;
        Some((by, place, number))
    }

    fn send_number(
        &mut self,
        index: usize,
        by: &'static str,
        (place, number): (Place, u64),
        expected: Must,
    ) -> Judged {
        let Source { log, src, .. } = self.claims.streams[index].clone();
        let log = log_of(&*self.ledger()?, &log)?;
        let Place { epoch, n } = place;
        let stream = Some(Stream {
            src: &src,
            epoch,
            n,
        });
        let own = Own {
            stream,
            ..Own::default()
        };
        let outcome = self.hand_in(&log, by, &own, number)?;
        self.hear_of_claim(&Sent { log, number }, outcome, expected)
    }

    fn in_epoch(&self, index: usize, n: u64) -> Place {
        let epoch = self.claims.streams[index].epoch;
        Place { epoch, n }
    }

    fn send_numbers(&mut self, index: usize, next: u64) -> Judged {
        let count = 1 + self.dice.roll(5);
        self.tell(format!("numbers {next} and on of stream {index}"));
        for n in next..next + count {
            let number = self.number_event(index, n);
            let (by, place) = (self.claims.streams[index].by, self.in_epoch(index, n));
            self.send_number(index, by, (place, number), Must::New)?;
            let heard = self.model().heard(&self.claims.streams[index].log, number);
            if !matches!(heard, Some(Heard::At(_))) {
                return Ok(());
            }
            self.claims.streams[index].known = n + 1;
        }
        Ok(())
    }

    fn send_number_again(&mut self, index: usize) -> Judged {
        let Some((by, place, number)) = self.some_recorded(index) else {
            return Ok(());
        };
        self.tell(format!("{place:?} of stream {index} again, by {by}"));
        if by != self.claims.streams[index].by {
            self.count("numbers sent again by an earlier owner", 1);
        }
        self.send_number(index, by, (place, number), Must::Again)
    }

    fn send_number_too_early(&mut self, index: usize, next: u64) -> Judged {
        let n = next + 1 + self.dice.roll(9);
        self.tell(format!("number {n} of stream {index} too early"));
        let Source { log, by, .. } = self.claims.streams[index].clone();
        let number = self.new_event(&log);
        let expected = Must::Expected(self.in_epoch(index, next));
        let place = self.in_epoch(index, n);
        self.send_number(index, by, (place, number), expected)
    }

    fn send_number_of_another(&mut self, index: usize) -> Judged {
        let Some((by, place, original)) = self.some_recorded(index) else {
            return Ok(());
        };
        self.tell(format!(
            "{place:?} of stream {index} for another event, by {by}"
        ));
        let log = self.claims.streams[index].log.clone();
        let at = match self.model().heard(&log, original) {
            Some(Heard::At(seq)) => Some(seq),
            _ => None,
        };
        let number = self.new_event(&log);
        self.send_number(index, by, (place, number), Must::Conflict(at))
    }

    /// Who handed the stream on goes on with it all the same.
    fn send_as_somebody_before(&mut self, index: usize, next: u64) -> Judged {
        let source = &self.claims.streams[index];
        let places: Vec<usize> = (0..source.before.len()).collect();
        let Some(place) = self.dice.pick(&places).copied() else {
            return Ok(());
        };
        let source = self.claims.streams[index].clone();
        let ((by, until), after) = (source.before[place], source.after(place));
        let claimed = match self.dice.roll(3) {
            0 => until,
            1 => self.in_epoch(index, next + self.dice.clone().roll(3)),
            _ => Place {
                epoch: source.epoch + 1,
                n: 0,
            },
        };
        self.tell(format!(
            "{claimed:?} of stream {index} by {by}, who handed it on"
        ));
        let number = self.new_event(&source.log);
        self.send_number(index, by, (claimed, number), Must::Handed(after))
    }

    /// What became of a change that may not have been asked for rightly. Whether it was done, or nobody knows.
    fn hear_of_change(
        &mut self,
        changed: Result<Recorded, Refusal>,
        wrong: Option<&Refusal>,
    ) -> Result<Option<bool>, String> {
        match self.hear(changed)? {
            Answer::Done(_) if wrong.is_none() => Ok(Some(true)),
            Answer::Done(_) => Err(format!("a stream goes on, and should not: {wrong:?}")),
            Answer::Nothing | Answer::Refused(Refusal::Unknown(_)) => Ok(None),
            Answer::Refused(Refusal::NoRoom(_) | Refusal::Stopped(_)) => Ok(Some(false)),
            Answer::Refused(refusal) if wrong == Some(&refusal) => Ok(Some(false)),
            Answer::Refused(refusal) => Err(format!(
                "a stream does not go on: {refusal}; expected was {wrong:?}"
            )),
        }
    }

    /// What the owner takes for the last number: that, or another one, which is refused.
    fn believed(&mut self, index: usize, next: u64) -> (Option<u64>, Option<Refusal>) {
        let wrong = self.dice.one_in(3);
        let last = if wrong {
            Some(next + 7)
        } else {
            next.checked_sub(1)
        };
        let Place { epoch, n } = self.in_epoch(index, next);
        (last, wrong.then_some(Refusal::Expected { epoch, n }))
    }

    fn open_epoch(&mut self, index: usize, next: u64) -> Judged {
        let Source {
            log,
            src,
            by,
            epoch,
            ..
        } = self.claims.streams[index].clone();
        let ledger = self.ledger()?;
        let log = log_of(&ledger, &log)?;
        let (last, wrong) = self.believed(index, next);
        self.tell(format!(
            "the next epoch of stream {index}, last number {last:?}"
        ));
        let opened = ledger.open_epoch(&log, by, &src, epoch, last);
        let done = self.hear_of_change(opened, wrong.as_ref())?;
        let source = &mut self.claims.streams[index];
        match done {
            Some(true) => source.turned(),
            Some(false) => {}
            None => source.turning = wrong.is_none(),
        }
        Ok(())
    }

    fn hand_on(&mut self, index: usize, next: u64) -> Judged {
        let source = self.claims.streams[index].clone();
        let ledger = self.ledger()?;
        let log = log_of(&ledger, &source.log)?;
        let (last, mut wrong) = self.believed(index, next);
        let Some(to) = self.dice.pick(&OWNERS).copied() else {
            return Ok(());
        };
        if wrong.is_none() && source.owners().iter().any(|(by, _)| *by == to) {
            wrong = Some(Refusal::StreamTaken(to.to_owned()));
        }
        self.tell(format!(
            "stream {index} goes on as {to}'s, last number {last:?}"
        ));
        let handed = ledger.hand_on(&log, (source.by, &source.src), to, source.epoch, last);
        let done = self.hear_of_change(handed, wrong.as_ref())?;
        match done {
            Some(true) => {
                self.count("streams handed on", 1);
                self.claims.streams[index].handed(to);
            }
            Some(false) => {}
            None if wrong.is_none() => self.claims.streams[index].handing = Some(to),
            None => {}
        }
        Ok(())
    }
}
