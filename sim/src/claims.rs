//! Who sends again: by idempotency keys and by numbers of streams, after answers, after silence, and with another event under an old claim.
//!
//! Owns what senders remember of their own claims, and says what each must hear. What is recorded before is answered with that very record;
//! what surely is not is recorded once.

use crate::callers::{Answer, BY, Sent};
use crate::model::{Heard, Judged, must};
use crate::world::{World, log_of};
use indelible_ledger::{Log, Outcome, Place, Refusal, StreamNow};
use indelible_proof::head::{Own, Stream};
use std::sync::Arc;

const STREAMS_MAX: usize = 4;

/// A key that was used, and for which event.
#[derive(Clone, Debug)]
struct Keyed {
    log: String,
    key: String,
    number: u64,
    /// So many keys may have been recorded up to it; 0 if it surely was not.
    since: u64,
    /// The key says when it was made.
    has_birth: bool,
}

/// A stream as its sender knows it.
#[derive(Clone, Debug)]
struct Source {
    log: String,
    src: String,
    epoch: u64,
    /// The event of each number of this epoch that was ever sent, acknowledged or not.
    events: Vec<u64>,
    /// So many of them are known to be recorded.
    known: u64,
    /// The next epoch was asked for, and nobody knows what came of it.
    turning: bool,
}

/// All claims ever made.
#[derive(Default)]
pub struct Claims {
    keyed: Vec<Keyed>,
    streams: Vec<Source>,
    /// Keys that may have been recorded, one after the other: of each record at most one.
    recorded: u64,
}

/// What a sender must hear, if it hears anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Must {
    /// It is new.
    New,
    /// It was recorded before.
    Again,
    /// One of the two; nobody can know which.
    Either,
    /// The claim belongs to another event, there.
    Conflict(Option<u64>),
    /// It belongs to another event there, and whoever promised to know that promised it no longer: a conflict, or new.
    Forgotten(u64),
    /// The stream goes on elsewhere.
    Expected(Place),
}

impl World {
    fn hear_of_claim(&mut self, sent: &Sent, outcome: Outcome, expected: Must) -> Judged {
        let number = sent.number;
        let wrong = |heard: &str| format!("event {number} must be {expected:?}, and is {heard}");
        match self.hear(outcome)? {
            Answer::Nothing | Answer::Refused(Refusal::Unknown(_)) => Ok(()),
            Answer::Done(all) => {
                let [recorded] = &all[..] else {
                    return Err(wrong("answered with several records"));
                };
                let fits = match expected {
                    Must::New | Must::Forgotten(_) => !recorded.again,
                    Must::Again => recorded.again,
                    Must::Either => true,
                    Must::Conflict(_) | Must::Expected(_) => false,
                };
                must(fits, || {
                    wrong(if recorded.again { "sent before" } else { "new" })
                })?;
                self.acknowledged(sent, recorded)
            }
            Answer::Refused(Refusal::Full | Refusal::NoRoom(_) | Refusal::Stopped(_)) => {
                // Sent once more; what became of the time before is as open as it was.
                if !matches!(expected, Must::Again | Must::Either) {
                    self.model().refused(sent.log.name(), number);
                }
                Ok(())
            }
            Answer::Refused(refusal) => {
                let fits = match (&refusal, expected) {
                    (Refusal::Conflict { seq }, Must::Conflict(at)) => {
                        at.is_none_or(|at| at == *seq)
                    }
                    (Refusal::Conflict { seq }, Must::Forgotten(at)) => at == *seq,
                    (Refusal::Expected { epoch, n }, Must::Expected(place)) => {
                        (*epoch, *n) == (place.epoch, place.n)
                    }
                    _ => false,
                };
                must(fits, || wrong(&refusal.to_string()))?;
                self.count("claims refused", 1);
                self.model().refused(sent.log.name(), number);
                Ok(())
            }
        }
    }

    fn hand_in(&mut self, log: &Arc<Log>, own: &Own<'_>, number: u64) -> Result<Outcome, String> {
        self.model().sending_again(log.name(), number);
        let prepared = self.prepare(log, own, number)?;
        let ledger = self.ledger()?;
        if self.dice.one_in(2) {
            return Ok(ledger.append(log, prepared).map(|one| vec![one]));
        }
        Ok(ledger.submit(log, prepared).and_then(|ticket| {
            ledger.turn();
            assert!(
                ticket.is_ready(),
                "event {number} waits, and nothing is left to do"
            );
            ticket.wait()
        }))
    }

    /// Whether the promise holds for a key: it is among the newest, or says when it was made.
    fn is_promised(&self, keyed: &Keyed) -> bool {
        let newer = self.claims.recorded - keyed.since;
        keyed.has_birth
            || keyed.since == 0
            || self.key_horizon.is_none_or(|horizon| newer < horizon)
    }

    /// Some keys of which it is known where their events are, and that they must be found.
    pub fn some_known_keys(&mut self, most: u64) -> Vec<(String, String, u64, u64)> {
        let mut known = Vec::new();
        for _ in 0..most {
            let Some(keyed) = self.dice.pick(&self.claims.keyed).cloned() else {
                break;
            };
            if !self.is_promised(&keyed) {
                continue;
            }
            if let Some(Heard::At(seq)) = self.model().heard(&keyed.log, keyed.number) {
                known.push((keyed.log, keyed.key, keyed.number, seq));
            }
        }
        known
    }

    /// A claim made once more, by its sender, who knows what came of it so far.
    fn said_of(&self, log: &str, number: u64) -> Must {
        match self.model().heard(log, number) {
            Some(Heard::At(_)) => Must::Again,
            Some(Heard::Refused) => Must::New,
            _ => Must::Either,
        }
    }

    /// Keys: new ones, old ones again, one twice in a batch, one for another event.
    pub fn keys(&mut self) -> Judged {
        match self.dice.roll(5) {
            0..=1 => self.new_keys(),
            2 => self.key_twice(),
            3 => self.key_again(),
            _ => self.key_of_another(),
        }
    }

    fn send_key(&mut self, keyed: &Keyed, expected: Must) -> Judged {
        let log = log_of(&*self.ledger()?, &keyed.log)?;
        let own = Own {
            key: Some(&keyed.key),
            ..Own::default()
        };
        let outcome = self.hand_in(&log, &own, keyed.number)?;
        let number = keyed.number;
        self.hear_of_claim(&Sent { log, number }, outcome, expected)?;
        if expected != Must::Again {
            self.may_have_recorded(keyed);
        }
        Ok(())
    }

    /// A key was sent that may be new: for all its sender knows it is the newest now.
    fn may_have_recorded(&mut self, keyed: &Keyed) {
        if self.model().heard(&keyed.log, keyed.number) == Some(Heard::Refused) {
            return;
        }
        self.claims.recorded += 1;
        let now = self.claims.recorded;
        let same = |other: &&mut Keyed| other.number == keyed.number;
        // Where it was recorded the first time it stays; counting from there errs to the side of *not promised*.
        if let Some(known) = self.claims.keyed.iter_mut().find(same)
            && known.since == 0
        {
            known.since = now;
        }
    }

    fn new_key(&mut self) -> Result<Option<Keyed>, String> {
        let Some(log) = self.some_log()? else {
            return Ok(None);
        };
        let number = self.new_event(log.name());
        let has_birth = self.key_horizon.is_some() && self.nature.one_in(2);
        let key = match has_birth {
            // The node's clock may be set back for longer than a producer's may be ahead of it.
            true => ulid(self.clock.true_secs() - 43_200, number),
            false => format!("key-{number}"),
        };
        let keyed = Keyed {
            log: log.name().to_owned(),
            key,
            number,
            since: 0,
            has_birth,
        };
        self.claims.keyed.push(keyed.clone());
        Ok(Some(keyed))
    }

    fn new_keys(&mut self) -> Judged {
        let count = 1 + self.dice.roll(5);
        self.tell(format!("{count} keys"));
        for _ in 0..count {
            let Some(keyed) = self.new_key()? else {
                return self.found();
            };
            self.send_key(&keyed, Must::New)?;
            if self.disk.is_dead() {
                break;
            }
        }
        Ok(())
    }

    fn key_twice(&mut self) -> Judged {
        let Some(keyed) = self.new_key()? else {
            return self.found();
        };
        self.tell(format!("{} twice at once", keyed.key));
        let ledger = self.ledger()?;
        let log = log_of(&ledger, &keyed.log)?;
        let own = Own {
            key: Some(&keyed.key),
            ..Own::default()
        };
        let mut handed = Vec::new();
        for _ in 0..2 {
            let prepared = self.prepare(&log, &own, keyed.number)?;
            handed.push(ledger.submit(&log, prepared));
        }
        ledger.turn();
        for (ticket, expected) in handed.into_iter().zip([Must::New, Must::Again]) {
            let outcome = ticket.and_then(indelible_ledger::Ticket::wait);
            let number = keyed.number;
            let sent = Sent {
                log: Arc::clone(&log),
                number,
            };
            self.hear_of_claim(&sent, outcome, expected)?;
        }
        self.may_have_recorded(&keyed);
        Ok(())
    }

    fn key_again(&mut self) -> Judged {
        for _ in 0..1 + self.dice.roll(6) {
            let keyed = self.claims.keyed.clone();
            let Some(keyed) = self.dice.pick(&keyed) else {
                return Ok(());
            };
            if !self.is_promised(keyed) {
                self.key_beyond_horizon(keyed)?;
                continue;
            }
            let expected = self.said_of(&keyed.log, keyed.number);
            self.tell(format!("{} again: {expected:?}", keyed.key));
            self.send_key(keyed, expected)?;
            if self.disk.is_dead() {
                break;
            }
        }
        Ok(())
    }

    fn key_of_another(&mut self) -> Judged {
        let keyed = self.claims.keyed.clone();
        let Some(keyed) = self.dice.pick(&keyed) else {
            return Ok(());
        };
        if !self.is_promised(keyed) {
            return self.key_beyond_horizon(keyed);
        }
        let Some(Heard::At(seq)) = self.model().heard(&keyed.log, keyed.number) else {
            return Ok(());
        };
        self.tell(format!("{} for another event", keyed.key));
        let number = self.new_event(&keyed.log);
        let other = Keyed {
            number,
            ..keyed.clone()
        };
        self.send_key(&other, Must::Conflict(Some(seq)))
    }

    /// A key that is too old for the promise, for another event: that is a conflict while the old one is still known, and else it is
    /// recorded, and the key is that event's from now on. The same event might be recorded a second time, so it is not sent.
    fn key_beyond_horizon(&mut self, keyed: &Keyed) -> Judged {
        if self.disk.is_dead() {
            return Ok(());
        }
        let Some(Heard::At(seq)) = self.model().heard(&keyed.log, keyed.number) else {
            return Ok(());
        };
        self.tell(format!(
            "{} for another event, beyond the horizon",
            keyed.key
        ));
        self.count("keys beyond their horizon", 1);
        let number = self.new_event(&keyed.log);
        let other = Keyed {
            number,
            since: 0,
            ..keyed.clone()
        };
        let known = &mut self.claims.keyed;
        known.retain(|known| known.number != keyed.number);
        known.push(other.clone());
        self.send_key(&other, Must::Forgotten(seq))?;
        let heard = self.model().heard(&keyed.log, number);
        match heard {
            // Whose it is now nobody can know, and it is used no more.
            Some(Heard::Unsure) => self.claims.keyed.retain(|known| known.number != number),
            Some(Heard::Refused) => {
                self.claims.keyed.retain(|known| known.number != number);
                self.claims.keyed.push(keyed.clone());
            }
            _ => self.count("keys taken a second time", 1),
        }
        Ok(())
    }

    /// Streams: numbers in their order, again, too early, for another event; and epochs.
    pub fn streams(&mut self) -> Judged {
        let count = self.claims.streams.len();
        if count < STREAMS_MAX && (count == 0 || self.dice.one_in(5)) {
            let Some(log) = self.some_log()? else {
                return self.found();
            };
            self.claims.streams.push(Source {
                log: log.name().to_owned(),
                src: format!("till{count}"),
                epoch: 0,
                events: Vec::new(),
                known: 0,
                turning: false,
            });
        }
        let index = self.dice.index(self.claims.streams.len());
        let next = self.catch_up_with(index)?;
        match self.dice.roll(8) {
            0..=2 => self.send_numbers(index, next),
            3..=4 => self.send_number_again(index, next),
            5 => self.send_number_too_early(index, next),
            6 => self.send_number_of_another(index, next),
            _ => self.open_epoch(index, next),
        }
    }

    /// Asks the ledger where the stream is; that lies between what was acknowledged and what was sent. From here on the sender is sure.
    fn catch_up_with(&mut self, index: usize) -> Result<u64, String> {
        let ledger = self.ledger()?;
        let source = &mut self.claims.streams[index];
        let log = log_of(&ledger, &source.log)?;
        let StreamNow { next, .. } = ledger.stream(&log, BY.by, &source.src);
        if source.turning && (next.epoch, next.n) == (source.epoch + 1, 0) {
            (source.epoch, source.known) = (next.epoch, 0);
            source.events.clear();
        }
        source.turning = false;
        let sent = u64::try_from(source.events.len()).unwrap_or(u64::MAX);
        let fits = next.epoch == source.epoch && (source.known..=sent).contains(&next.n);
        let Place { epoch, n } = next;
        must(fits, || {
            format!(
                "the ledger has a stream at number {n} of epoch {epoch}, its sender knows {source:?}"
            )
        })?;
        source.known = n;
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

    fn send_number(&mut self, index: usize, (n, number): (u64, u64), expected: Must) -> Judged {
        let Source {
            log, src, epoch, ..
        } = self.claims.streams[index].clone();
        let log = log_of(&*self.ledger()?, &log)?;
        let stream = Some(Stream {
            src: &src,
            epoch,
            n,
        });
        let own = Own {
            stream,
            ..Own::default()
        };
        let outcome = self.hand_in(&log, &own, number)?;
        self.hear_of_claim(&Sent { log, number }, outcome, expected)
    }

    fn send_numbers(&mut self, index: usize, next: u64) -> Judged {
        let count = 1 + self.dice.roll(5);
        self.tell(format!("numbers {next} and on of stream {index}"));
        for n in next..next + count {
            let number = self.number_event(index, n);
            self.send_number(index, (n, number), Must::New)?;
            let heard = self.model().heard(&self.claims.streams[index].log, number);
            if !matches!(heard, Some(Heard::At(_))) {
                return Ok(());
            }
            self.claims.streams[index].known = n + 1;
        }
        Ok(())
    }

    fn send_number_again(&mut self, index: usize, next: u64) -> Judged {
        if next == 0 {
            return Ok(());
        }
        let n = self.dice.roll(next);
        let number = self.number_event(index, n);
        self.tell(format!("number {n} of stream {index} again"));
        self.send_number(index, (n, number), Must::Again)
    }

    fn send_number_too_early(&mut self, index: usize, next: u64) -> Judged {
        let n = next + 1 + self.dice.roll(9);
        self.tell(format!("number {n} of stream {index} too early"));
        let Source { log, epoch, .. } = self.claims.streams[index].clone();
        let number = self.new_event(&log);
        let place = Place { epoch, n: next };
        self.send_number(index, (n, number), Must::Expected(place))
    }

    fn send_number_of_another(&mut self, index: usize, next: u64) -> Judged {
        if next == 0 {
            return Ok(());
        }
        let n = self.dice.roll(next);
        self.tell(format!("number {n} of stream {index} for another event"));
        let log = self.claims.streams[index].log.clone();
        let original = self.number_event(index, n);
        let at = match self.model().heard(&log, original) {
            Some(Heard::At(seq)) => Some(seq),
            _ => None,
        };
        let number = self.new_event(&log);
        self.send_number(index, (n, number), Must::Conflict(at))
    }

    fn open_epoch(&mut self, index: usize, next: u64) -> Judged {
        let Source {
            log, src, epoch, ..
        } = self.claims.streams[index].clone();
        let ledger = self.ledger()?;
        let log = log_of(&ledger, &log)?;
        let wrong = self.dice.one_in(3);
        let last = if wrong {
            Some(next + 7)
        } else {
            next.checked_sub(1)
        };
        self.tell(format!(
            "the next epoch of stream {index}, last number {last:?}"
        ));
        let opened = ledger.open_epoch(&log, BY.by, &src, epoch, last);
        let answer = self.hear(opened)?;
        let source = &mut self.claims.streams[index];
        match answer {
            Answer::Done(_) if !wrong => {
                (source.epoch, source.known) = (epoch + 1, 0);
                source.events.clear();
                Ok(())
            }
            Answer::Nothing | Answer::Refused(Refusal::Unknown(_)) => {
                source.turning = !wrong;
                Ok(())
            }
            Answer::Refused(Refusal::NoRoom(_) | Refusal::Stopped(_)) => Ok(()),
            Answer::Refused(Refusal::Expected { epoch: at, n })
                if wrong && (at, n) == (epoch, next) =>
            {
                Ok(())
            }
            Answer::Done(_) => Err("a stream whose last number was another goes on".to_owned()),
            Answer::Refused(refusal) => Err(format!("a stream does not go on: {refusal}")),
        }
    }
}

/// A key that says when it was made: 48 bits of milliseconds, and the event's number for chance.
fn ulid(secs: u64, number: u64) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = (u128::from(secs) * 1_000) << 80 | u128::from(number);
    let letters = (0..26).rev().map(|at| {
        let five = usize::try_from((value >> (5 * at)) & 31).unwrap_or(0);
        char::from(LETTERS[five])
    });
    letters.collect()
}
