//! Who sends: one by one, many at once, together or not at all, and while the disk is at work; and what each is told.

use crate::model::{Judged, Record, event, must};
use crate::world::{World, log_of, text};
use indelible_ledger::caller::salt_text;
use indelible_ledger::{Founding, Log, OpenError, Outcome, Prepared, Recorded, Refusal};
use indelible_proof::head::{Kind, Own, Shared};
use std::sync::Arc;

pub const BY: Shared<'static> = Shared {
    kind: Kind::Event,
    by: "unix:1000",
    via: "cli/file",
    from: None,
    cert: None,
    policy: None,
    format: None,
};

const LOGS_MAX: usize = 5;

/// What somebody hears of something asked.
pub enum Answer<T> {
    Done(T),
    Refused(Refusal),
    /// The process died before it said anything.
    Nothing,
}

/// An event on its way, and what is waited for.
pub struct Sent {
    pub log: Arc<Log>,
    pub number: u64,
}

impl World {
    /// What was asked came to this. A refusal for want of a working disk needs one that does not work.
    pub fn hear<T>(&mut self, result: Result<T, Refusal>) -> Result<Answer<T>, String> {
        if self.disk.is_dead() {
            return Ok(Answer::Nothing);
        }
        let refusal = match result {
            Ok(done) => return Ok(Answer::Done(done)),
            Err(refusal) => refusal,
        };
        match &refusal {
            Refusal::Stopped(_) | Refusal::Unknown(_) => {
                must(self.disk.is_hurt() || self.disk.is_short(), || {
                    format!("nothing struck, and a caller hears: {refusal}")
                })?;
                if let Some(run) = &mut self.run {
                    run.fallen = true;
                }
            }
            Refusal::NoRoom(_) => must(self.disk.is_short(), || {
                format!("the disk was never full, and a caller hears: {refusal}")
            })?,
            Refusal::Full => must(self.tail_bytes_max.is_some(), || {
                "a caller hears that there is no room, and there is".to_owned()
            })?,
            _ => {}
        }
        Ok(Answer::Refused(refusal))
    }

    /// A log to write to, by chance.
    pub fn some_log(&mut self) -> Result<Option<Arc<Log>>, String> {
        let names = self.model().callers_logs();
        let ledger = self.ledger()?;
        self.dice
            .pick(&names)
            .map(|name| log_of(&ledger, name))
            .transpose()
    }

    pub fn prepare(
        &mut self,
        log: &Arc<Log>,
        own: &Own<'_>,
        number: u64,
    ) -> Result<Prepared, String> {
        self.prepare_as(log, BY.by, own, number)
    }

    /// The same by that principal.
    pub fn prepare_as(
        &mut self,
        log: &Arc<Log>,
        by: &'static str,
        own: &Own<'_>,
        number: u64,
    ) -> Result<Prepared, String> {
        self.model().sent_by(log.name(), number, by);
        let random = self.dice.random();
        let mut caller = self.ledger()?.caller(log, random).map_err(text)?;
        let shared = Shared { by, ..BY };
        caller
            .prepare(log, &shared, own, &event(number))
            .map_err(text)
    }

    /// Somebody was told where an event is; some ask for the receipt.
    pub fn acknowledged(&mut self, sent: &Sent, recorded: &Recorded) -> Judged {
        let record = Record {
            head: recorded.head.clone(),
            salt: salt_text(&recorded.salt).to_vec(),
            event: event(sent.number),
        };
        self.count(
            if recorded.again {
                "answered again"
            } else {
                "acknowledged"
            },
            1,
        );
        self.model().acknowledged(
            sent.log.name(),
            sent.number,
            recorded.seq,
            record,
            recorded.again,
        )?;
        if self.dice.one_in(3) && !self.process()?.fallen {
            let receipt = self.ledger()?.receipt(&sent.log, recorded);
            let receipt = receipt.map_err(|error| format!("no receipt: {error}"))?;
            self.model()
                .receipt(sent.log.name(), recorded.seq, &recorded.head, &receipt)?;
            self.count("receipts", 1);
        }
        Ok(())
    }

    /// Nobody claimed anything of these, so a refusal says that they are not there, or nothing for certain.
    pub fn hear_of_unclaimed(&mut self, sent: &[Sent], outcome: Outcome) -> Judged {
        match self.hear(outcome)? {
            Answer::Done(all) => {
                must(all.len() == sent.len(), || {
                    "another number of records than of events".to_owned()
                })?;
                for (sent, recorded) in sent.iter().zip(&all) {
                    must(!recorded.again, || {
                        format!("event {} was never sent before", sent.number)
                    })?;
                    self.acknowledged(sent, recorded)?;
                }
                Ok(())
            }
            Answer::Refused(Refusal::Unknown(_)) | Answer::Nothing => Ok(()),
            Answer::Refused(Refusal::Full | Refusal::NoRoom(_) | Refusal::Stopped(_)) => {
                let mut model = self.model();
                sent.iter()
                    .for_each(|sent| model.refused(sent.log.name(), sent.number));
                Ok(())
            }
            Answer::Refused(refusal) => {
                Err(format!("events that claim nothing are refused: {refusal}"))
            }
        }
    }

    /// One after the other, each waited for.
    pub fn append(&mut self) -> Judged {
        let Some(log) = self.some_log()? else {
            return self.found();
        };
        let count = 1 + self.dice.roll(6);
        self.tell(format!("append {count} to {}", log.name()));
        for _ in 0..count {
            let number = self.new_event(log.name());
            let prepared = self.prepare(&log, &Own::default(), number)?;
            let told = self.ledger()?.append(&log, prepared).map(|one| vec![one]);
            let sent = Sent {
                log: Arc::clone(&log),
                number,
            };
            self.hear_of_unclaimed(&[sent], told)?;
            if self.disk.is_dead() {
                break;
            }
        }
        Ok(())
    }

    /// Many at once for several logs: they share batches.
    pub fn submit(&mut self) -> Judged {
        let most = if self.dice.one_in(6) { 400 } else { 24 };
        let count = 1 + self.dice.roll(most);
        self.tell(format!("submit {count}"));
        let mut waiting = Vec::new();
        for _ in 0..count {
            let Some(log) = self.some_log()? else {
                return self.found();
            };
            let number = self.new_event(log.name());
            let prepared = self.prepare(&log, &Own::default(), number)?;
            let handed = self.ledger()?.submit(&log, prepared);
            waiting.push((Sent { log, number }, handed));
        }
        self.ledger()?.turn();
        for (sent, handed) in waiting {
            let outcome = handed.and_then(|ticket| {
                assert!(
                    ticket.is_ready(),
                    "event {} waits, and nothing is left to do",
                    sent.number
                );
                ticket.wait()
            });
            self.hear_of_unclaimed(&[sent], outcome)?;
        }
        Ok(())
    }

    /// Together or not at all.
    pub fn group(&mut self) -> Judged {
        let Some(log) = self.some_log()? else {
            return self.found();
        };
        let count = 2 + self
            .dice
            .roll(if self.dice.clone().one_in(4) { 300 } else { 12 });
        self.tell(format!("{count} together to {}", log.name()));
        let numbers: Vec<u64> = (0..count).map(|_| self.new_event(log.name())).collect();
        self.model().together(log.name(), &numbers);
        let prepared: Result<Vec<Prepared>, String> = numbers
            .iter()
            .map(|number| self.prepare(&log, &Own::default(), *number))
            .collect();
        let ledger = self.ledger()?;
        let outcome = ledger.submit_all(&log, prepared?).and_then(|ticket| {
            ledger.turn();
            assert!(
                ticket.is_ready(),
                "a group waits, and nothing is left to do"
            );
            ticket.wait()
        });
        let sent: Vec<Sent> = numbers
            .into_iter()
            .map(|number| Sent {
                log: Arc::clone(&log),
                number,
            })
            .collect();
        self.hear_of_unclaimed(&sent, outcome)
    }

    /// Callers who will come while the disk is at work.
    pub fn expect_arrivals(&mut self) -> Judged {
        for _ in 0..self.dice.roll(5) {
            let Some(log) = self.some_log()? else {
                return Ok(());
            };
            let number = self.new_event(log.name());
            let prepared = self.prepare(&log, &Own::default(), number)?;
            self.arrivals().coming.push((log, prepared, number));
        }
        Ok(())
    }

    /// Those who came are answered; those who did not come sent nothing.
    pub fn answer_arrivals(&mut self) -> Judged {
        if let Some(run) = &self.run {
            run.ledger.turn();
        }
        let (coming, handed) = {
            let mut arrivals = self.arrivals();
            (
                std::mem::take(&mut arrivals.coming),
                std::mem::take(&mut arrivals.handed),
            )
        };
        for (log, _, number) in coming {
            self.model().refused(log.name(), number);
        }
        for (log, number, handed) in handed {
            let outcome = match handed {
                Ok(ticket) if ticket.is_ready() => ticket.wait(),
                // The process ended before it came to them.
                Ok(_) if self.run.is_none() || self.disk.is_dead() => continue,
                Ok(_) => {
                    return Err(format!(
                        "event {number} came while the disk was busy and waits for ever"
                    ));
                }
                // Closed while it came.
                Err(_) if self.run.is_none() => continue,
                Err(refusal) => Err(refusal),
            };
            if self.run.is_some() {
                self.hear_of_unclaimed(&[Sent { log, number }], outcome)?;
            }
        }
        Ok(())
    }

    /// A new log.
    pub fn found(&mut self) -> Judged {
        let count = self.model().callers_logs().len();
        if count >= LOGS_MAX {
            return self.append();
        }
        let name = format!("log{}", self.next);
        self.next += 1;
        self.tell(format!("found {name}"));
        self.model().founding(&name);
        let founding = Founding {
            origin: crate::world::ORIGIN,
            creator: "unix:1000",
        };
        let mut incarnation = [0; 8];
        self.dice.fill(&mut incarnation);
        let made = self.ledger()?.create_log(&name, &founding, incarnation);
        let made = match made {
            Err(OpenError::Refused(refusal)) => Err(refusal),
            Err(error) => return Err(error.to_string()),
            Ok(log) => Ok(log),
        };
        match self.hear(made)? {
            Answer::Done(log) => {
                let key = crate::world::secret(self.held.now).log_key(log.origin());
                self.model()
                    .founded(log.name(), log.origin(), &key.verifier().to_string())
            }
            Answer::Refused(Refusal::NoRoom(_) | Refusal::Stopped(_)) => {
                self.model().not_founded(&name);
                Ok(())
            }
            Answer::Refused(Refusal::Unknown(_)) | Answer::Nothing => Ok(()),
            Answer::Refused(refusal) => Err(format!("a log is refused: {refusal}")),
        }
    }
}
