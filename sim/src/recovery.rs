//! Keys that are lost or stolen: a process ends, its secret is gone, and people whose keys the logs name give them new ones.
//!
//! Owns who these people are. Two of three must agree; one alone gets nowhere, and while the hinges wait for the second nothing is
//! recorded. A recovery that was begun goes on until it is done, whatever strikes it, and sometimes names other people for the next time.
//! The secret that was lost opens nothing from then on.

use crate::model::{Judged, must};
use crate::opening::Word;
use crate::world::{Held, World, secret};
use indelible_ledger::signer::RecoveryKey;
use indelible_ledger::{Ledger, OpenError, Recovery, RecoverySet, RotateError, Secrets};
use std::sync::Arc;

const THRESHOLD: u64 = 2;

/// What is to be recovered, and under whom from then on.
#[derive(Clone, Copy, Debug)]
pub struct Recovering {
    /// Others from now on.
    others: bool,
}

/// The keys of the people of a time: those of the first were named when the store was founded.
fn people(time: u64) -> Vec<RecoveryKey> {
    let key = |name: &str, place: u64| {
        let seed = u8::try_from(100 + (3 * time + place) % 100).unwrap_or(0);
        RecoveryKey::new(name, [seed; 32])
    };
    let names = ["ada", "bob", "eve"];
    let keys = names.into_iter().zip(0..);
    keys.filter_map(|(name, place)| key(name, place)).collect()
}

/// What the logs say of them.
pub fn named(time: u64) -> RecoverySet {
    let keys = people(time);
    let keys = keys.iter().map(|key| key.verifier().to_string());
    (THRESHOLD, keys.collect())
}

impl World {
    /// The secret is lost with the process that had it.
    pub fn recover(&mut self) -> Judged {
        if self.held.people.is_none() {
            return self.without_people();
        }
        self.tell("the secret is lost");
        self.end_for_recovery()?;
        self.held.recovering = Some(Recovering {
            others: self.dice.one_in(3),
        });
        let next = self.held.now + 1;
        let origins: Vec<(String, String)> = self.model().origins();
        for (name, origin) in origins {
            let verifier = secret(next).log_key(&origin).verifier().to_string();
            self.model().founded(&name, &origin, &verifier)?;
        }
        if self.dice.one_in(2) {
            self.one_is_not_enough()?;
        }
        self.count("recoveries", 1);
        self.restart()
    }

    /// Stops, or is killed, and perhaps the power goes.
    fn end_for_recovery(&mut self) -> Judged {
        if self.dice.one_in(2) {
            self.stop()?;
        } else {
            self.lose_power_or_not()?;
        }
        // Whoever would have come finds nobody.
        self.arrivals().coming.clear();
        Ok(())
    }

    /// Where nobody was named, nobody can give the logs new keys, and trying writes nothing of evidence.
    fn without_people(&mut self) -> Judged {
        self.tell("nobody may recover keys here");
        self.disk.unplan();
        if !self.stop()? {
            return self.restart();
        }
        let before = self.evidence()?;
        self.held.recovering = Some(Recovering { others: false });
        let word = Word {
            clock: true,
            register: self.register_gone,
        };
        let recovered = self.open_or_recover(word, 3);
        self.held.recovering = None;
        let refused = match recovered {
            Err(OpenError::Rotate(RotateError::NoRecoveryKeys(_))) => true,
            Err(_) => self.disk.is_hurt() || self.disk.is_short(),
            Ok(_) => false,
        };
        must(refused, || "keys were replaced by nobody".to_owned())?;
        must(before == self.evidence()? || self.disk.is_hurt(), || {
            "a recovery that was refused changed something".to_owned()
        })?;
        self.restart()
    }

    /// One of three signs: every log waits for another, and until then neither secret records anything.
    fn one_is_not_enough(&mut self) -> Judged {
        self.disk.revive();
        let word = Word {
            clock: true,
            register: self.register_gone || self.disk.is_register_hurt(),
        };
        let waiting = self.open_or_recover(word, 1);
        self.note_what_struck()?;
        let struck = self.disk.is_dead() || self.disk.is_hurt() || self.disk.is_short();
        match waiting {
            Err(error) if struck => self.tell(format!("  the recovery was struck: {error}")),
            Ok(_) if self.disk.is_dead() => {}
            Ok(Opened::Waiting(origins)) => {
                self.tell(format!("  one of three: {} logs wait", origins.len()));
                self.count("recoveries that waited", 1);
                let mut all: Vec<String> = self
                    .model()
                    .origins()
                    .into_iter()
                    .map(|(_, origin)| origin)
                    .collect();
                let mut waiting = origins;
                all.sort();
                waiting.sort();
                must(waiting == all, || {
                    format!("{waiting:?} wait for signatures, of {all:?}")
                })?;
                self.nothing_opens_meanwhile()?;
            }
            Ok(Opened::Runs(_)) => return Err("one of three recovery keys was enough".to_owned()),
            Err(error) => return Err(format!("a recovery refuses, and nothing struck: {error}")),
        }
        self.lose_power_or_not()
    }

    /// The old secret counts for nothing, the next one waits for its hinges.
    fn nothing_opens_meanwhile(&mut self) -> Judged {
        if !self.disk.is_synced() {
            return Ok(());
        }
        let before = self.evidence()?;
        for generation in [self.held.now, self.held.now + 1] {
            let path = self.path();
            let said = self
                .start_with(&path, false, Secrets::One(secret(generation)))
                .err();
            let fits = match &said {
                Some(OpenError::WrongKeys) => generation == self.held.now,
                Some(OpenError::OpenHinge(_)) => generation > self.held.now,
                Some(OpenError::RegisterMissing) => {
                    self.register_gone || self.disk.is_register_hurt()
                }
                _ => false,
            };
            must(fits, || {
                format!("while hinges wait, the secret of generation {generation} is told {said:?}")
            })?;
        }
        must(before == self.evidence()?, || {
            "a start that was refused while hinges wait changed something".to_owned()
        })
    }

    /// Opens the store for writing, by the secrets at hand or by so many of the people.
    pub fn open_or_recover(&mut self, word: Word, signers: usize) -> Result<Opened, OpenError> {
        let store = Arc::new(self.open_store()?);
        let (settings, random) = (self.settings(word), self.dice.random());
        let clock = Arc::clone(&self.clock);
        let Some(recovering) = self.held.recovering else {
            let secrets = self.held.secrets();
            let ledger =
                Ledger::open(store.clone(), secrets, clock, random, settings, "unix:1000")?;
            return Ok(Opened::Runs((store, ledger)));
        };
        let time = self.held.people.unwrap_or(0);
        let first = self.dice.index(3);
        let keys = people(time);
        let at_hand: Vec<&RecoveryKey> = keys.iter().cycle().skip(first).take(signers).collect();
        let sign = |text: &str, note: &mut String| {
            at_hand.iter().for_each(|key| key.sign_too(text, note));
        };
        let others = recovering.others.then(|| named(time + 1));
        let next = secret(self.held.now + 1);
        let recovered = Ledger::recover_keys(
            store.clone(),
            next,
            &sign,
            others.as_ref(),
            clock,
            random,
            settings,
            "unix:1000",
        )?;
        Ok(match recovered {
            Recovery::Done(ledger, _) => Opened::Runs((store, *ledger)),
            Recovery::Waiting(hinges) => {
                Opened::Waiting(hinges.into_iter().map(|hinge| hinge.origin).collect())
            }
        })
    }

    /// A secret that was lost, or replaced, opens nothing.
    pub fn a_lost_secret_opens_nothing(&mut self) -> Judged {
        let Some(lost) = self.held.now.checked_sub(1) else {
            return Ok(());
        };
        let path = self.path();
        let refused = match self.start_with(&path, false, Secrets::One(secret(lost))) {
            Err(OpenError::WrongKeys) => true,
            Err(OpenError::RegisterMissing) => self.register_gone || self.disk.is_register_hurt(),
            _ => false,
        };
        self.count("lost secrets tried", 1);
        must(refused, || {
            format!("the secret of generation {lost} still opens the store")
        })
    }
}

/// What an opening came to.
pub enum Opened {
    Runs((Arc<indelible_store::LocalStore>, Ledger)),
    /// The origins of logs whose hinges wait for signatures.
    Waiting(Vec<String>),
}

impl Held {
    /// The recovery came through.
    pub fn recovered(&mut self) {
        if let Some(Recovering { others: true }) = self.recovering.take() {
            self.people = self.people.map(|time| time + 1);
        }
    }
}
