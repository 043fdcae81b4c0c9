//! One history from its seed: the steps, and the judgement at the end.

use crate::model::{Judged, must};
use crate::reading;
use crate::snapshot::Snapshot;
use crate::tree::Digest;
use crate::world::{Counts, World, secret, text};
use indelible_ledger::{MergeError, Refusal, RotateError, SealError};
use indelible_store::{Retirer, StoreError};

/// What came of a history.
pub struct Ran {
    /// Every file on the simulated disk at its end, with its digest.
    pub disk: Vec<String>,
    /// Of every operation of the disk, and every line of the story.
    pub trace: Digest,
    pub counts: Counts,
    pub story: Vec<String>,
    /// What was wrong.
    pub trouble: Option<String>,
}

/// Steps of a history: enough for a few packs and a few crashes, and short enough that thousands fit in a minute.
const STEPS: u64 = 24;

/// Lives one history.
pub fn run(seed: u64) -> Ran {
    let mut world = match World::new(seed) {
        Ok(world) => world,
        Err(trouble) => return broken(trouble),
    };
    let lived = live(&mut world);
    let ended = lived.and_then(|()| end(&mut world));
    let (disk, trouble) = match ended {
        Ok(disk) => (disk, None),
        Err(trouble) => (Vec::new(), Some(trouble)),
    };
    let story = world.story.join("\n");
    let trace = crate::tree::sha256(&[&world.disk.trace(), story.as_bytes()]);
    let operations = world.disk.ops();
    world.count("operations of the disk", operations);
    Ran {
        disk,
        trace,
        counts: world.counts,
        story: world.story,
        trouble,
    }
}

/// Nothing came of it but this.
pub fn broken(trouble: String) -> Ran {
    Ran {
        disk: Vec::new(),
        trace: [0; 32],
        counts: Counts::new(),
        story: Vec::new(),
        trouble: Some(trouble),
    }
}

fn live(world: &mut World) -> Judged {
    world.restart()?;
    let steps = STEPS / 2 + world.dice.roll(STEPS);
    for step in 0..steps {
        world.tell(format!("step {step}"));
        if !world.disk.has_plan() && world.dice.one_in(3) {
            world.plan_a_fault();
        }
        world.expect_arrivals()?;
        world.step()?;
        world.answer_arrivals()?;
        world.after_step()?;
    }
    Ok(())
}

/// What a full disk does to a sealing: nothing.
fn is_no_room(error: &SealError) -> bool {
    matches!(
        error,
        SealError::Store(StoreError::NoRoom { .. }) | SealError::Refused(Refusal::NoRoom(_))
    )
}

/// A clean end, and everything is held against what is remembered.
fn end(world: &mut World) -> Result<Vec<String>, String> {
    world.tell("the end");
    world.disk.unplan();
    world.disk.free_room();
    if world.disk.is_hurt() || world.disk.is_short() {
        world.restart()?;
        world.disk.unplan();
    }
    world.prove()?;
    must(world.stop()?, || {
        "the last stop was struck, and nothing was planned".to_owned()
    })?;
    let path = world.path();
    reading::judge(&path, &world.model())?;
    let report = reading::verify(&path)?;
    must(
        report.verdict.exit_code() == 0 && report.findings.is_empty(),
        || {
            format!(
                "verify: {} {:?} {:?}",
                report.verdict, report.findings, report.notes
            )
        },
    )?;
    let books = reading::open(&path)?;
    world.prove_with(&books)?;
    let site = world.site();
    Ok(Snapshot::take(&site).map_err(text)?.list(&site))
}

impl World {
    fn step(&mut self) -> Judged {
        if self.seals_often && self.dice.one_in(3) {
            return match self.dice.roll(4) {
                0 => self.merge(),
                _ => self.append().and_then(|()| self.seal()),
            };
        }
        match self.dice.roll(34) {
            0..=4 => self.append(),
            5..=7 => self.submit(),
            8..=9 => self.group(),
            10..=13 => self.keys(),
            14..=17 => self.streams(),
            18 => self.found(),
            19..=20 => self.keep(),
            21..=23 => self.seal(),
            24 => self.merge(),
            25 => self.rotate(),
            26 => self.stop_and_start(),
            27 => self.crash(),
            28 => self.turn_clock(),
            29 => self.look(),
            30 => self.damage(),
            31 => self.recover(),
            32 => self.clone_while_running(),
            _ => self.rot(),
        }
    }

    /// Whoever was killed, or said that it has stopped, begins anew.
    fn after_step(&mut self) -> Judged {
        self.note_what_struck()?;
        if self.disk.is_dead() {
            self.tell("the process died");
            self.lose_power_or_not()?;
            return self.restart();
        }
        let fallen = self.run.as_ref().is_none_or(|run| run.fallen);
        if fallen {
            self.stays_down()?;
            self.lose_power_or_not()?;
            return self.restart();
        }
        Ok(())
    }

    /// After a write of unknown fate nothing more is written and nothing is acknowledged.
    fn stays_down(&mut self) -> Judged {
        if self.run.is_none() {
            return Ok(());
        }
        self.tell("the ledger has stopped");
        self.count("stopped ledgers", 1);
        self.disk.unplan();
        let before = self.disk.ops();
        let acknowledged = self.counts.get("acknowledged").copied();
        self.append()?;
        self.ledger()?.keep(true);
        must(
            self.counts.get("acknowledged").copied() == acknowledged,
            || "a ledger that has stopped acknowledges".to_owned(),
        )?;
        let after = self.disk.ops();
        must(before == after, || {
            format!("a ledger that has stopped wrote {} times", after - before)
        })
    }

    /// A second of housekeeping, or silence.
    fn keep(&mut self) -> Judged {
        let silent = self.dice.one_in(2);
        self.clock.pass(1_000_000_000);
        let marked = self.ledger()?.keep(silent);
        self.tell(format!("housekeeping, silent {silent}, marked {marked}"));
        Ok(())
    }

    fn seal(&mut self) -> Judged {
        let sealed = self.ledger()?.seal();
        match sealed {
            Ok(packs) => {
                self.tell(format!("sealed {} packs", packs.len()));
                self.count("packs", u64::try_from(packs.len()).unwrap_or(0));
                Ok(())
            }
            Err(error) if is_no_room(&error) => self.pack_was_short(&error),
            Err(error) => self.was_struck(
                &error,
                matches!(
                    error,
                    SealError::Store(_) | SealError::Refused(_) | SealError::Missing(_)
                ),
            ),
        }
    }

    fn merge(&mut self) -> Judged {
        let store = self.process()?.store.clone();
        let retirer = Retirer::new(&store);
        let merged = self.ledger()?.merge(&|name| retirer.retire(name));
        match merged {
            Ok(merged) => {
                self.tell(format!("merged {} times", merged.len()));
                self.count("mergings", u64::try_from(merged.len()).unwrap_or(0));
                Ok(())
            }
            Err(MergeError::Seal(error)) if is_no_room(&error) => self.pack_was_short(&error),
            Err(error) => self.was_struck(
                &error,
                !matches!(
                    error,
                    MergeError::Damaged { .. } | MergeError::NotTheSame(_)
                ),
            ),
        }
    }

    fn rotate(&mut self) -> Judged {
        let next = self.held.now + 1;
        self.tell(format!("rotate to generation {next}"));
        let ledger = self.ledger()?;
        for log in ledger.books().logs() {
            let verifier = secret(next).log_key(log.origin()).verifier().to_string();
            self.model().founded(log.name(), log.origin(), &verifier)?;
        }
        self.held.rotating = true;
        let rotated = ledger.rotate(secret(next), None);
        match rotated {
            _ if self.disk.is_dead() => Ok(()),
            Ok(_) => {
                (self.held.now, self.held.rotating) = (next, false);
                self.count("rotations", 1);
                Ok(())
            }
            // Refused before it began: the old keys are the keys, and all else goes on.
            Err(RotateError::Refused(refusal @ Refusal::NoRoom(_))) => {
                self.held.rotating = false;
                self.count("rotations without room", 1);
                self.was_short(&refusal)
            }
            Err(error) => self.was_struck(&error, matches!(error, RotateError::Refused(_))),
        }
    }

    /// A pack found no room: it is not made, neither of its files, and all else goes on as before.
    fn pack_was_short(&mut self, error: &SealError) -> Judged {
        self.count("packs without room", 1);
        self.was_short(error)
    }

    fn was_short(&mut self, error: &dyn std::fmt::Display) -> Judged {
        self.tell(format!("  {error}"));
        must(self.disk.is_short(), || {
            format!("the disk was never full, and yet: {error}")
        })
    }

    /// Something failed that callers do not see. It needs a cause; the process goes down.
    pub fn was_struck(&mut self, error: &dyn std::fmt::Display, is_of_the_disk: bool) -> Judged {
        self.tell(format!("  {error}"));
        let struck = self.disk.is_hurt() || self.disk.is_short();
        must(struck && is_of_the_disk, || {
            format!("nothing struck that would explain: {error}")
        })?;
        if let Some(run) = &mut self.run {
            run.fallen = true;
        }
        Ok(())
    }

    /// Time passes, or somebody sets the wall clock.
    fn turn_clock(&mut self) -> Judged {
        let seconds = 1 + self.dice.roll(50 * 86_400);
        let by = i64::try_from(seconds).unwrap_or(0);
        match self.dice.roll(4) {
            0 => self.clock.set(by),
            1 => self.clock.set(-by),
            2 => self.clock.set(-self.clock.off()),
            _ => self.clock.pass(seconds % 9_000 * 1_000_000_000),
        }
        self.tell(format!(
            "the wall clock is {} seconds off",
            self.clock.off()
        ));
        self.count("clocks set", 1);
        Ok(())
    }
}
