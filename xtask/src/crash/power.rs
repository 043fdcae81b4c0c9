//! Power losses: histories of commands, some of them killed or with a failing call and begun again, recorded call by call; then the
//! power goes at one of the calls, and the directory is rebuilt from what the disk can have kept ([`super::disk`]).
//!
//! What to do, to which call something happens, when the power goes and what is kept come from the seed. The program's own threads and
//! keys do not, so a seed gives the same kind of history again, not the same bytes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, anyhow};

use super::disk::{Disk, Left};
use super::fate::{Case, Fate};
use super::faults::{again, lock};
use super::judge::{self, Found, Outside, is_answered_alike, note, pin_of};
use super::node::{BESIDE, Node};
use super::scene::Stage;
use super::step::Step;
use super::trace::{Entry, lines_said};
use crate::random::Random;

/// Commands of a history behind `init`, `log create` and the first append.
const STEPS: usize = 5;

/// Most commands of such a history change their files in fewer calls; a number that is not reached disturbs nothing.
const CALLS: usize = 40;

/// Each append of a history has events of its own.
const BATCHES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

/// What came of the losses.
#[derive(Debug, Default)]
pub struct Lost {
    /// Commands that were recorded.
    pub commands: u64,
    /// Of these, the ones that were killed or had a failing call.
    pub disturbed: u64,
    /// Times that the power went.
    pub losses: u64,
    pub found: Found,
}

/// A command as it was run.
struct Attempt {
    step: Step,
    trace: Vec<Entry>,
    /// Its caller was told that it is done.
    well: bool,
}

/// A history as it was recorded.
struct Recorded {
    attempts: Vec<Attempt>,
    disturbed: u64,
    /// The log's pin, and after how many attempts it is known.
    pin: Option<(usize, String)>,
}

/// Plays so many histories with so many losses each, on all stages at once.
pub fn play(stages: &mut [Stage<'_>], seed: u64, histories: u64, losses: usize) -> Result<Lost> {
    let next = AtomicU64::new(0);
    let all = Mutex::new(Lost::default());
    std::thread::scope(|scope| -> Result<()> {
        let mut threads = Vec::new();
        for stage in stages.iter_mut() {
            let (next, all) = (&next, &all);
            threads.push(scope.spawn(move || -> Result<()> {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= histories {
                        return Ok(());
                    }
                    let one = history(stage, seed, number, losses)
                        .with_context(|| format!("seed {seed}, history {number}"))?;
                    let mut all = lock(all);
                    all.commands = all.commands.saturating_add(one.commands);
                    all.disturbed = all.disturbed.saturating_add(one.disturbed);
                    all.losses = all.losses.saturating_add(one.losses);
                    all.found.add(one.found);
                }
            }));
        }
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        Ok(())
    })?;
    Ok(all
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// One history and its losses.
fn history(stage: &mut Stage<'_>, seed: u64, number: u64, losses: usize) -> Result<Lost> {
    let mut random = Random::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut found = Found::default();
    let recorded = record(stage, &mut random, &mut found)?;
    stage.keep()?;
    let moments = moments(&recorded, losses, &mut random);
    let mut disk = Disk::with(&BESIDE);
    let mut at: usize = 0;
    let mut count: u64 = 0;
    for (run, attempt) in recorded.attempts.iter().enumerate() {
        for (index, entry) in attempt.trace.iter().enumerate() {
            disk.take(entry)?;
            at = at.saturating_add(1);
            for _ in 0..moments.iter().filter(|moment| **moment == at).count() {
                let left = disk.lose(&mut random);
                let mut one = Found::default();
                judge_left(stage, &recorded, run, index, &left, &mut one)?;
                // As with faults: what hangs does so each time.
                if one.hung() {
                    one = Found::default();
                    judge_left(stage, &recorded, run, index, &left, &mut one)?;
                }
                for wrong in &one.wrong {
                    println!(
                        "BROKEN: power loss: seed {seed}, history {number}, call {at}, in {:?} after {} {} {}: {wrong}",
                        attempt.step, entry.call, entry.path, entry.second
                    );
                }
                count = count.saturating_add(1);
                found.add(one);
            }
        }
    }
    Ok(Lost {
        commands: u64::try_from(recorded.attempts.len())?,
        disturbed: recorded.disturbed,
        losses: count,
        found,
    })
}

/// Runs a history. Each command that something happened to is run again, and must succeed then.
fn record(stage: &mut Stage<'_>, random: &mut Random, found: &mut Found) -> Result<Recorded> {
    stage.clear()?;
    let mut recorded = Recorded {
        attempts: Vec::new(),
        disturbed: 0,
        pin: None,
    };
    for step in steps(random) {
        let mut is_done = false;
        if random.one_in(2) {
            let watched = stage.record(step, Some(&something(random)))?;
            recorded.disturbed = recorded
                .disturbed
                .saturating_add(u64::from(watched.met_its_fate()));
            is_done = watched.ended.code == Some(0) || step.is_done(&stage.node)?;
            recorded.attempts.push(Attempt {
                step,
                trace: watched.trace,
                well: watched.ended.code == Some(0),
            });
        }
        if !is_done {
            let watched = stage.record(step, None)?;
            if watched.ended.code != Some(0) {
                let said = watched.ended.text();
                println!("BROKEN: power loss: run again without a fault, {step:?}: {said}");
                found.say(format!("{step:?} run again: {said}"));
                return Ok(recorded);
            }
            recorded.attempts.push(Attempt {
                step,
                trace: watched.trace,
                well: watched.ended.code == Some(0),
            });
        }
        if step == Step::CreateLog {
            let pin = pin_of(&stage.node, "payments")?;
            recorded.pin = Some((recorded.attempts.len(), pin));
        }
    }
    Ok(recorded)
}

fn steps(random: &mut Random) -> Vec<Step> {
    let mut batches = BATCHES.into_iter();
    let mut append = |events| {
        let batch = batches.next().unwrap_or("last");
        Step::Append { batch, events }
    };
    let mut steps = vec![Step::Init, Step::CreateLog, append(3)];
    let mut has_stream = false;
    for _ in 0..STEPS {
        steps.push(match random.below(8) {
            0 if !has_stream => {
                has_stream = true;
                Step::AppendFile {
                    batch: "file",
                    events: 30,
                }
            }
            1 | 2 => Step::Seal,
            3 => Step::Merge,
            4 => Step::Rotate,
            _ => append(random.below(6).saturating_add(1)),
        });
    }
    steps
}

/// Something that happens to the command.
fn something(random: &mut Random) -> Case {
    let fates = [Fate::Kill, Fate::KillTorn, Fate::Fail, Fate::FailDone];
    let fate = fates.get(random.below(fates.len())).copied();
    Case::of_any_call(fate.unwrap_or(Fate::Kill), random.below(CALLS))
}

/// When the power goes: counts of calls, half of them where something was just written, synced or renamed.
fn moments(recorded: &Recorded, losses: usize, random: &mut Random) -> Vec<usize> {
    let all: Vec<&Entry> = recorded
        .attempts
        .iter()
        .flat_map(|attempt| &attempt.trace)
        .collect();
    let changing: Vec<usize> = (1..)
        .zip(&all)
        .filter(|(_, entry)| entry.kind.changes())
        .map(|(at, _)| at)
        .collect();
    (0..losses)
        .map(|_| {
            let any = random.below(all.len()).saturating_add(1);
            let one = changing.get(random.below(changing.len())).copied();
            if random.one_in(2) {
                any
            } else {
                one.unwrap_or(any)
            }
        })
        .collect()
}

/// Rebuilds what is left, starts the program on it, and looks.
fn judge_left(
    stage: &mut Stage<'_>,
    recorded: &Recorded,
    run: usize,
    index: usize,
    left: &Left,
    found: &mut Found,
) -> Result<()> {
    rebuild(stage, left)?;
    let mut outside = Outside::default();
    if let Some((after, pin)) = &recorded.pin
        && run >= *after
    {
        outside.pin = Some(pin.clone());
    }
    let mut step = Step::Init;
    for (number, attempt) in recorded
        .attempts
        .iter()
        .enumerate()
        .take(run.saturating_add(1))
    {
        let until = if number == run { index } else { usize::MAX };
        let seen: Vec<&Entry> = attempt.trace.iter().take(until.saturating_add(1)).collect();
        let given = attempt.step.given(&stage.node, &lines_said(&seen))?;
        is_answered_alike(&outside.given, &given, found);
        note(&mut outside, attempt.step, given);
        step = attempt.step;
    }
    let mut before = recorded.attempts.iter().take(run);
    if !before.any(|attempt| attempt.well) && !stage.node.store().join("FORMAT").exists() {
        // Nobody was told that there is a store.
        step = Step::Init;
    }
    if stage.node.store().join("FORMAT").exists() {
        judge::is_not_damaged(&stage.node, found)?;
    }
    again(step, stage, &mut outside, found)
}

/// Makes the node what is left of it. `FORMAT` is bound to its inode, so the file itself takes its place again where its bytes are whole.
fn rebuild(stage: &mut Stage<'_>, left: &Left) -> Result<()> {
    stage.clear()?;
    let root = stage.node.root();
    for path in &left.directories {
        let path = root.join(path);
        if !path.exists() {
            std::fs::create_dir(&path)?;
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
    }
    for (path, bytes) in &left.files {
        let target = root.join(path);
        let kept = stage.kept(path);
        if path.ends_with("FORMAT") && std::fs::read(&kept).is_ok_and(|kept| kept == *bytes) {
            std::fs::hard_link(&kept, &target)?;
            continue;
        }
        std::fs::write(&target, bytes)?;
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode(path)))?;
    }
    Ok(())
}

fn mode(path: &Path) -> u32 {
    if path.starts_with(Node::KEYS) {
        0o600
    } else {
        0o640
    }
}
