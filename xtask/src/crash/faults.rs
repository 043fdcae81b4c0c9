//! Every call of every scene with every fate: the command is run, stopped or disturbed, looked at, run again, and judged.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, anyhow, ensure};

use super::fate::{self, Case, Fate, calls_of, cases};
use super::judge::{self, Found, Outside, is_answered_alike, note};
use super::node::{Ended, HUNG};
use super::scene::{Scene, Stage};
use super::step::Step;
use super::writes::Writes;
use crate::random::Random;

/// What is done to a node that has gone through something, to see that it goes on.
const AFTER: Step = Step::Append {
    batch: "after",
    events: 2,
};

/// What came of one fate in one scene.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Calls that met the fate.
    pub points: u64,
    /// How often each exit code came; `None`: killed, as was meant.
    pub exits: BTreeMap<Option<i32>, u64>,
    pub found: Found,
}

impl Row {
    /// Takes another one in.
    pub fn add(&mut self, other: &Row) {
        self.points = self.points.saturating_add(other.points);
        for (code, count) in &other.exits {
            let mine = self.exits.entry(*code).or_default();
            *mine = mine.saturating_add(*count);
        }
        self.found.add(other.found.clone());
    }
}

/// What came of a scene.
#[derive(Default)]
pub struct Played {
    /// Calls on the node's files in a run without a fault.
    pub calls: usize,
    /// All that can befall one of them.
    pub cases: usize,
    pub rows: BTreeMap<Fate, Row>,
    /// Chosen calls that a run did not come to, because its threads took turns in another way.
    pub missed: u64,
    pub writes: Writes,
}

impl Played {
    fn add(&mut self, case: &Case, played: &One) {
        let Some(ended) = &played.ended else {
            self.missed = self.missed.saturating_add(1);
            return;
        };
        let row = self.rows.entry(case.fate).or_default();
        row.points = row.points.saturating_add(1);
        let exits = row.exits.entry(ended.code).or_default();
        *exits = exits.saturating_add(1);
        row.found.add(played.found.clone());
        self.writes.merge(&played.writes);
    }
}

/// What came of one case. `ended` is `None` where the call was not reached.
struct One {
    ended: Option<Ended>,
    found: Found,
    writes: Writes,
}

/// Plays a scene with all its cases, or a sample of them, on all stages at once.
pub fn play(
    scene: &Scene,
    stages: &mut [Stage<'_>],
    sample: Option<(usize, u64)>,
) -> Result<Played> {
    let first = stages.first_mut().ok_or_else(|| anyhow!("no stage"))?;
    let (calls, mut all) = undisturbed(scene, first)?;
    let cases = all.len();
    if let Some((count, seed)) = sample {
        Random::new(seed).choose(&mut all, count);
    }
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Played::default());
    std::thread::scope(|scope| -> Result<()> {
        let mut threads = Vec::new();
        for stage in stages.iter_mut() {
            let (next, played, all) = (&next, &played, &all);
            threads.push(scope.spawn(move || -> Result<()> {
                let outside = stage.set(scene)?;
                while let Some(case) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let first = one(scene, stage, &outside, case)?;
                    // Where the machine itself was held up, everything seems to hang: what hangs does so each time.
                    let one = match first.found.hung() {
                        true => one(scene, stage, &outside, case)?,
                        false => first,
                    };
                    for wrong in &one.found.wrong {
                        println!("BROKEN: {}: {case:?}: {wrong}", scene.name);
                    }
                    lock(played).add(case, &one);
                }
                Ok(())
            }));
        }
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        Ok(())
    })?;
    let mut played = played
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    played.calls = calls;
    played.cases = cases;
    Ok(played)
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The scene without a fault: it must hold, and its calls are the cases.
fn undisturbed(scene: &Scene, stage: &mut Stage<'_>) -> Result<(usize, Vec<Case>)> {
    let mut outside = stage.set(scene)?;
    let watched = stage.watch(scene.step, None)?;
    ensure!(
        watched.ended.code == Some(0),
        "{} undisturbed: {}",
        scene.name,
        watched.ended.text()
    );
    let given = scene.step.given(&stage.node, &watched.ended.lines)?;
    ensure!(
        given.len() == scene.step.events().len(),
        "{} undisturbed: {} receipts",
        scene.name,
        given.len()
    );
    note(&mut outside, scene.step, given);
    let mut found = Found::default();
    again(scene.step, stage, &mut outside, &mut found)?;
    ensure!(
        found.wrong.is_empty(),
        "{} undisturbed: {:?}",
        scene.name,
        found.wrong
    );
    Ok((calls_of(&watched.trace), cases(&watched.trace)))
}

/// One case, from what there was before the command to the judgement.
fn one(scene: &Scene, stage: &mut Stage<'_>, before: &Outside, case: &Case) -> Result<One> {
    stage.reset()?;
    let mut outside = before.clone();
    let watched = stage.watch(scene.step, Some(case))?;
    let mut found = Found::default();
    let mut writes = Writes::default();
    let met = watched.met_its_fate();
    if met {
        said_well(case.fate, &watched.ended, &mut found);
        let as_it_came = Case {
            concerns: fate::concerned(&watched.trace, case),
            ..case.clone()
        };
        writes.add(&as_it_came, &watched.ended, &mut found);
    }
    let given = scene.step.given(&stage.node, &watched.ended.lines)?;
    let all = scene.step.events().len();
    if watched.ended.code == Some(0) && given.len() < all {
        found.say(format!("exit 0 with {} of {all} receipts", given.len()));
    }
    is_answered_alike(&outside.given, &given, &mut found);
    note(&mut outside, scene.step, given);
    if stage.node.store().join("FORMAT").exists() {
        judge::is_not_damaged(&stage.node, &mut found)?;
    }
    again(scene.step, stage, &mut outside, &mut found)?;
    Ok(One {
        ended: met.then_some(watched.ended),
        found,
        writes,
    })
}

/// Runs the command again, which must succeed and answer as before, goes on a little, and judges.
pub fn again(
    step: Step,
    stage: &mut Stage<'_>,
    outside: &mut Outside,
    found: &mut Found,
) -> Result<()> {
    let mut steps = vec![step];
    match step {
        Step::Init => steps.extend([Step::CreateLog, AFTER]),
        _ => steps.push(AFTER),
    }
    for step in steps {
        if step.is_done(&stage.node)? {
            continue;
        }
        let ended = step.run(&stage.node)?;
        if ended.code != Some(0) {
            found.say(format!(
                "run again without a fault, {step:?}: {}",
                ended.text()
            ));
            return Ok(());
        }
        let given = step.given(&stage.node, &ended.lines)?;
        is_answered_alike(&outside.given, &given, found);
        note(outside, step, given);
    }
    stage.is_whole(outside, found)?;
    found.whole = u64::from(found.wrong.is_empty());
    Ok(())
}

/// How the program may end, and what it has to say.
fn said_well(fate: Fate, ended: &Ended, found: &mut Found) {
    let said = |found: &mut Found, what: &str| found.say(format!("{what}: {}", ended.text()));
    if ended.hung {
        return said(found, HUNG);
    }
    if fate.is_kill() {
        if ended.signal != Some(9) {
            said(found, "was to be killed");
        }
        return;
    }
    if ended.said.contains("panicked") {
        said(found, "panicked");
    }
    match ended.code {
        Some(0) => {}
        _ if fate == Fate::Short => said(found, "stopped by a write that was only short"),
        // Nothing that is stored was changed. That it can't be read is a finding, and must be named as that.
        Some(1) if !names_the_system(ended) => {
            said(found, "calls the store damaged because a call failed");
        }
        Some(1..=5) if !ended.said.lines().any(|line| line.starts_with("error: ")) => {
            said(found, "does not say what is wrong");
        }
        Some(1..=5) => {}
        _ => said(found, "an exit code that is in no table"),
    }
}

/// Whether the text says that it was the system which failed.
fn names_the_system(ended: &Ended) -> bool {
    let said = ended.said.to_lowercase();
    ["input/output error", "no space left on device"]
        .iter()
        .any(|text| said.contains(text))
}
