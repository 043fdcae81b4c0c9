//! How processes begin and end: starts, clean stops, kills, power losses, rotations and recoveries that a start has to finish.
//!
//! Promises that after every call a process runs. A start may be struck like everything else and is then tried again; a start that refuses
//! although nothing struck is a fault.

use crate::model::Judged;
use crate::reading;
use crate::recovery::{Opened, named};
use crate::world::{Run, World, secret, text};
use indelible_ledger::{OpenError, Settings};
use indelible_store::{LocalStore, OpenOptions};
use std::sync::Arc;

/// Starts that may be struck before the disk is left in peace.
const STRUCK_STARTS_MAX: u64 = 4;
/// What a start says of a clock that stands more than a month past the last record.
const ACCEPTED_BY: &str = "unix:0";

/// How a start went.
enum Start {
    Runs(Run),
    /// The disk was in the way.
    Struck(String),
    /// An operator has to look at the clock first.
    AsksForClock,
    /// An operator has to say that the register is gone.
    AsksForRegister,
    Refuses(String),
}

/// What an operator says at a start.
#[derive(Clone, Copy, Default)]
pub struct Word {
    pub clock: bool,
    pub register: bool,
}

impl World {
    /// A process that runs, whatever it takes.
    pub fn restart(&mut self) -> Judged {
        self.run = None;
        self.arrivals().coming.clear();
        let mut word = Word::default();
        for attempt in 0.. {
            self.disk.revive();
            if attempt > STRUCK_STARTS_MAX {
                self.disk.free_room();
                self.disk.unplan();
            } else if !self.disk.has_plan() && self.dice.one_in(5) {
                self.plan_a_fault();
            }
            let started = self.try_start(word);
            self.note_what_struck()?;
            match started {
                Start::Runs(run) => return self.is_running(run),
                Start::Struck(why) if attempt <= STRUCK_STARTS_MAX => {
                    self.count("starts struck", 1);
                    self.tell(format!("  the start was struck: {why}"));
                    self.lose_power_or_not()?;
                }
                Start::AsksForClock if !word.clock => word.clock = true,
                Start::AsksForRegister
                    if !word.register && (self.register_gone || self.disk.is_register_hurt()) =>
                {
                    word.register = true;
                }
                Start::AsksForClock => {
                    return Err("the clock was accepted and is asked for".to_owned());
                }
                Start::AsksForRegister => {
                    return Err("the register is gone, and nobody took it".to_owned());
                }
                Start::Struck(why) | Start::Refuses(why) => {
                    return Err(format!("a start refuses, and nothing struck: {why}"));
                }
            }
        }
        Ok(())
    }

    fn try_start(&mut self, word: Word) -> Start {
        let started = self.start(word);
        let struck = self.disk.is_dead() || self.disk.is_hurt() || self.disk.is_short();
        match started {
            Ok(_) if self.disk.is_dead() => Start::Struck("killed".to_owned()),
            Ok(Opened::Runs((store, ledger))) => Start::Runs(Run {
                store,
                ledger: Arc::new(ledger),
                fallen: false,
            }),
            Ok(Opened::Waiting(_)) => {
                Start::Refuses("two of three recovery keys are not enough".to_owned())
            }
            Err(error) if struck => Start::Struck(error.to_string()),
            Err(OpenError::Clock(_)) => Start::AsksForClock,
            Err(OpenError::RegisterMissing) => Start::AsksForRegister,
            Err(error) => Start::Refuses(error.to_string()),
        }
    }

    fn start(&mut self, word: Word) -> Result<Opened, OpenError> {
        let signers = 2 + self.dice.index(2);
        self.open_or_recover(word, signers)
    }

    /// On the simulated disk, for writing.
    pub fn open_store(&mut self) -> Result<LocalStore, OpenError> {
        let options = OpenOptions {
            moved: false,
            random: self.dice.random(),
            faults: Some(self.disk.injector()),
        };
        Ok(LocalStore::open_write(&self.path(), options)?)
    }

    pub fn settings(&self, word: Word) -> Settings {
        let by = |said: bool| said.then(|| ACCEPTED_BY.to_owned());
        Settings {
            threads: false,
            accept_clock: by(word.clock),
            accept_register: by(word.register),
            tail_bytes_max: self.tail_bytes_max,
            key_horizon: self.key_horizon,
            // Of a store that is founded now; later others may be named.
            recovery: self.held.people.map(|_| named(0)),
            ..Settings::default()
        }
    }

    /// What a start says of itself is held against what is remembered.
    fn is_running(&mut self, run: Run) -> Judged {
        let generation = run.ledger.generation();
        let changed = self.held.rotating || self.held.recovering.is_some();
        let expected = self.held.now + u64::from(changed);
        if generation != expected {
            return Err(format!(
                "generation {generation} signs, and it should be {expected}"
            ));
        }
        (self.held.now, self.held.rotating) = (generation, false);
        self.held.recovered();
        self.arrivals().ledger = Arc::downgrade(&run.ledger);
        let logs = run.ledger.books().logs();
        for log in &logs {
            let verifier = secret(generation)
                .log_key(log.origin())
                .verifier()
                .to_string();
            self.model().founded(log.name(), log.origin(), &verifier)?;
        }
        for name in self.model().founded_logs() {
            if !logs.iter().any(|log| log.name() == name) {
                return Err(format!("the log {name} was acknowledged and is not there"));
            }
        }
        self.model().forget_unfounded();
        self.tell(format!("runs, generation {generation}"));
        self.count("starts", 1);
        self.run = Some(run);
        Ok(())
    }

    /// Stops cleanly, and begins again.
    pub fn stop_and_start(&mut self) -> Judged {
        self.tell("a clean stop");
        if self.stop()? && self.nature.one_in(3) {
            self.a_lost_secret_opens_nothing()?;
        }
        self.restart()
    }

    /// Stops cleanly if nothing strikes. Whether it did.
    pub fn stop(&mut self) -> Result<bool, String> {
        let Some(run) = self.run.take() else {
            return Ok(false);
        };
        self.arrivals().ledger = std::sync::Weak::new();
        self.arrivals().coming.clear();
        let Run { ledger, .. } = run;
        let ledger = Arc::try_unwrap(ledger).map_err(|_| "somebody still holds the ledger")?;
        let closed = ledger.close("simulated");
        self.note_what_struck()?;
        let dead = self.disk.is_dead();
        let hurt = self.disk.is_hurt() || self.disk.is_short();
        match closed {
            _ if dead => self.lose_power_or_not().map(|()| false),
            Ok(trouble) => {
                if let Some(trouble) = trouble.filter(|_| !self.disk.is_register_hurt()) {
                    return Err(format!("the register has trouble nobody made: {trouble}"));
                }
                self.count("clean stops", 1);
                Ok(true)
            }
            Err(_) if hurt => Ok(false),
            Err(refusal) => Err(format!("a stop is refused, and nothing struck: {refusal}")),
        }
    }

    /// The process ends without a word, and perhaps the power goes.
    pub fn crash(&mut self) -> Judged {
        self.tell("the process is killed");
        self.count("kills", 1);
        self.run = None;
        self.lose_power_or_not()?;
        self.restart()
    }

    /// After a kill the page cache is there; after a power loss it is not.
    pub fn lose_power_or_not(&mut self) -> Judged {
        self.run = None;
        if self.dice.one_in(2) {
            return self.look_at_what_is_left();
        }
        // The old reader's machine is gone too.
        self.old_reader = None;
        let (sectors, names) = self.disk.power_loss().map_err(text)?;
        self.clock.reboot();
        self.tell(format!(
            "  the power goes: {sectors} sectors and {names} names are not as they were"
        ));
        self.count("power losses", 1);
        self.count("sectors lost", sectors);
        self.count("names lost", names);
        self.look_at_what_is_left()
    }

    /// Before any start: a reader must find all that was acknowledged, and the verifier must accuse nobody.
    fn look_at_what_is_left(&mut self) -> Judged {
        if self.dice.one_in(2) {
            return Ok(());
        }
        self.count("looks at a crashed store", 1);
        let path = self.path();
        reading::judge(&path, &self.model()).map_err(|why| format!("after a crash: {why}"))?;
        let report = reading::verify(&path)?;
        match report.verdict.exit_code() {
            0 | 3 => Ok(()),
            code => Err(format!(
                "verify exits {code} after a crash: {} {:?}",
                report.verdict, report.findings
            )),
        }
    }
}
