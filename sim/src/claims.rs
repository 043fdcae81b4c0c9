//! Who sends again: by idempotency keys, and by numbers of streams ([`streams`](crate::streams)), after answers, after silence, and with another
//! event under an old claim.
//!
//! Owns what senders remember of their keys, and says what each must hear. What is recorded before is answered with that very record;
//! what surely is not is recorded once.

use crate::callers::{Answer, BY, Sent};
use crate::model::{Heard, Judged, must};
use crate::streams::Source;
use crate::world::{World, log_of};
use indelible_ledger::{Log, Outcome, Place, Refusal};
use indelible_proof::head::Own;
use std::sync::Arc;

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

/// All claims ever made.
#[derive(Default)]
pub struct Claims {
    keyed: Vec<Keyed>,
    pub streams: Vec<Source>,
    /// Keys that may have been recorded, one after the other: of each record at most one.
    recorded: u64,
}

/// What a sender must hear, if it hears anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
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
    /// The stream goes on as this one's.
    Handed(&'static str),
}

impl World {
    pub fn hear_of_claim(&mut self, sent: &Sent, outcome: Outcome, expected: Must) -> Judged {
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
                    Must::Conflict(_) | Must::Expected(_) | Must::Handed(_) => false,
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
                    (Refusal::Handed { to }, Must::Handed(other)) => to == other,
                    _ => false,
                };
                must(fits, || wrong(&refusal.to_string()))?;
                self.count("claims refused", 1);
                self.model().refused(sent.log.name(), number);
                Ok(())
            }
        }
    }

    pub fn hand_in(
        &mut self,
        log: &Arc<Log>,
        by: &'static str,
        own: &Own<'_>,
        number: u64,
    ) -> Result<Outcome, String> {
        self.model().sending_again(log.name(), number);
        let prepared = self.prepare_as(log, by, own, number)?;
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
        let outcome = self.hand_in(&log, BY.by, &own, keyed.number)?;
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
