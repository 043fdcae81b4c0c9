//! `cargo xtask crash`: what is left of a store when its program or its disk fails, on the program as it is released.
//!
//! Two ways. *Faults*: in every command that writes, at every system call on a file, the call fails in one way after the other, or the
//! process is killed there; then the same command runs again. *Power loss*: whole histories are recorded call by call, and directories
//! are rebuilt as a disk could have them that lost power at one of these calls, with any subset of what was not synced. Each time both
//! verifiers must find the store whole, every receipt that was handed out must be valid, nothing acknowledged may be lost and nothing
//! that is sent again recorded twice.
//!
//! A run writes `docs/crash-evidence.md`, from all cases or from so many of each scene (`--cases N`). `--quick` takes a sample, another one
//! with each seed, and writes nothing.

use std::num::NonZero;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::program::Scratch;
use crate::tally::Tally;
use crate::workspace::Workspace;

mod disk;
mod fate;
mod faults;
mod judge;
mod node;
mod page;
mod power;
mod python;
mod scene;
mod shim;
mod step;
mod trace;
mod writes;

use faults::Played;
use power::Lost;
use python::Python;
use scene::{SCENES, Stage};
use shim::{Built, Shim};

/// Faults alone cost nothing to be exact about on a disk in memory: what a call answers is decided before it gets there.
const MEMORY: &str = "/dev/shm";

/// Recorded for the power losses of a whole run.
const HISTORIES: u64 = 60;

/// What is written by a whole run.
const PAGE: &str = "docs/crash-evidence.md";

/// What is asked for.
struct Options {
    seed: u64,
    quick: bool,
    /// Cases of each scene at most: a sample, of which the page says so.
    cases: Option<usize>,
    /// Only this scene, and no power losses; or the power losses alone.
    only: Option<String>,
}

impl Options {
    /// Cases of each scene, if not all.
    fn sample(&self) -> Option<(usize, u64)> {
        let quick = self.quick.then_some(45);
        quick.or(self.cases).map(|cases| (cases, self.seed))
    }

    /// Histories, and how often the power goes in each.
    fn power(&self) -> (u64, usize) {
        match (self.quick, self.cases) {
            (true, _) => (10, 12),
            (false, Some(cases)) => (
                u64::try_from(cases / 4).unwrap_or(HISTORIES).min(HISTORIES),
                25,
            ),
            (false, None) => (HISTORIES, 25),
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }
}

/// All that a run found.
struct Evidence {
    seed: u64,
    played: Vec<(&'static str, Played)>,
    lost: Lost,
    python: bool,
}

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<Tally> {
    let options = options(arguments)?;
    let program = workspace.built_program()?.join("indelible");
    let shim = match Shim::build(workspace)? {
        Built::Shim(shim) => shim,
        Built::Missing(why) => return Ok(Tally::skipped(why)),
    };
    let mut tally = Tally::default();
    let python = Python::is_there(workspace);
    if !python {
        tally.add(Tally::skipped(
            "verify.py on what crashes leave: there is no python3",
        ));
    }
    let scratch = Scratch::within(Path::new(MEMORY))?;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut stages = (0..threads)
        .map(|number| {
            let place = scratch.path().join(number.to_string());
            Stage::new(workspace, &program, &shim, &place, python)
        })
        .collect::<Result<Vec<_>>>()?;
    println!("seed {}", options.seed);
    let evidence = gather(&options, &mut stages, python)?;
    for (_, played) in &evidence.played {
        tally.add(played.tally());
    }
    tally.add(evidence.lost.tally());
    if tally.failed == 0 && !options.quick && options.only.is_none() {
        std::fs::write(workspace.root.join(PAGE), page::text(&evidence)).context(PAGE)?;
        println!("wrote {PAGE}");
    }
    Ok(tally)
}

fn gather(options: &Options, stages: &mut [Stage<'_>], python: bool) -> Result<Evidence> {
    let mut evidence = Evidence {
        seed: options.seed,
        played: Vec::new(),
        lost: Lost::default(),
        python,
    };
    for scene in SCENES.iter().filter(|scene| options.wants(scene.name)) {
        let begin = Instant::now();
        let played = faults::play(scene, stages, options.sample())?;
        println!(
            "{:6.1} s  {}: {}",
            begin.elapsed().as_secs_f64(),
            scene.name,
            played.summary()
        );
        evidence.played.push((scene.name, played));
    }
    if options.wants("power loss") {
        let begin = Instant::now();
        let (histories, losses) = options.power();
        evidence.lost = power::play(stages, options.seed, histories, losses)?;
        println!(
            "{:6.1} s  power loss: {}",
            begin.elapsed().as_secs_f64(),
            evidence.lost.summary()
        );
    }
    Ok(evidence)
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        seed: 1,
        quick: false,
        cases: None,
        only: None,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seed" => {
                let seed = rest.next().context("--seed needs a number")?;
                options.seed = seed.parse().context("--seed needs a number")?;
            }
            "--cases" => {
                let cases = rest.next().context("--cases needs a number")?;
                options.cases = Some(cases.parse().context("--cases needs a number")?);
            }
            "--quick" => options.quick = true,
            "--only" => options.only = Some(rest.next().context("--only needs a scene")?.clone()),
            other => bail!("unknown: {other}"),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_scene_and_nothing_lost_in_any() {
        let page = Workspace::find().unwrap().read(PAGE).unwrap();
        for scene in &SCENES {
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| {} |", scene.name)));
            let row = row.unwrap_or_else(|| panic!("{PAGE} has no row for {}", scene.name));
            assert!(row.contains("| 0 | 0 |"), "{row}");
        }
    }
}
