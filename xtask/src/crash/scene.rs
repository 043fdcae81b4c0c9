//! The histories in which a call meets a fate: what a node has behind it, and the command in which it happens.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::fate::{Case, Fate, Point};
use super::judge::{self, Outside, note, pin_of};
use super::node::{Ended, Node};
use super::python::Python;
use super::shim::Shim;
use super::step::Step;
use super::trace::{self, Entry, Kind};
use crate::workspace::Workspace;

/// A history that is stopped in its last command.
pub struct Scene {
    /// For the table.
    pub name: &'static str,
    /// What was done before, all of it without a fault.
    before: &'static [Step],
    /// A command that was killed then, at this call, and left something for the next start to find.
    stopped: Option<Stop>,
    /// The command in which the call is.
    pub step: Step,
}

struct Stop {
    step: Step,
    fate: Fate,
    call: &'static str,
    role: &'static str,
    nth: usize,
}

const FOUR: Step = Step::Append {
    batch: "first",
    events: 4,
};

/// More than the fifteen slots of a tail file of 64 KiB, so that the next file is prepared and used.
const MANY: Step = Step::Append {
    batch: "many",
    events: 18,
};

const FILE: Step = Step::AppendFile {
    batch: "file",
    events: 40,
};

/// Enough packs next to each other to be merged, the newest left alone.
const PACKS: [Step; 12] = [
    Step::Init,
    Step::CreateLog,
    more("a"),
    Step::Seal,
    more("b"),
    Step::Seal,
    more("c"),
    Step::Seal,
    more("d"),
    Step::Seal,
    more("e"),
    Step::Seal,
];

const fn more(batch: &'static str) -> Step {
    Step::Append { batch, events: 2 }
}

const ONE_LOG: [Step; 3] = [Step::Init, Step::CreateLog, FOUR];
const TWO_FILES: [Step; 4] = [Step::Init, Step::CreateLog, FOUR, MANY];

pub const SCENES: [Scene; 11] = [
    Scene {
        name: "`init`",
        before: &[],
        stopped: None,
        step: Step::Init,
    },
    Scene {
        name: "`log create`",
        before: &[Step::Init],
        stopped: None,
        step: Step::CreateLog,
    },
    Scene {
        name: "`append`, one by one, with keys, into the next tail file",
        before: &ONE_LOG,
        stopped: None,
        step: MANY,
    },
    Scene {
        name: "`append` of a file as a stream, receipts into a file",
        before: &ONE_LOG,
        stopped: None,
        step: FILE,
    },
    Scene {
        name: "`seal`, tail files given back",
        before: &TWO_FILES,
        stopped: None,
        step: Step::Seal,
    },
    Scene {
        name: "`merge` of four packs",
        before: &PACKS,
        stopped: None,
        step: Step::Merge,
    },
    Scene {
        name: "`key rotate`",
        before: &ONE_LOG,
        stopped: None,
        step: Step::Rotate,
    },
    Scene {
        name: "start with a torn batch",
        before: &ONE_LOG,
        stopped: Some(Stop {
            step: MANY,
            fate: Fate::KillTorn,
            call: "pwritev",
            role: "s/tail/#",
            nth: 3,
        }),
        step: MANY,
    },
    Scene {
        name: "start after half a sealing",
        before: &TWO_FILES,
        stopped: Some(Stop {
            step: Step::Seal,
            fate: Fate::Kill,
            call: "renameat2",
            role: "s/build/#-#-#.ent",
            nth: 0,
        }),
        step: Step::Seal,
    },
    Scene {
        name: "start after half a merging",
        before: &PACKS,
        stopped: Some(Stop {
            step: Step::Merge,
            fate: Fate::Kill,
            call: "unlink",
            role: "s/build/retired-#-#-#.ent",
            nth: 1,
        }),
        step: Step::Merge,
    },
    Scene {
        name: "start after half a rotation",
        before: &ONE_LOG,
        stopped: Some(Stop {
            step: Step::Rotate,
            fate: Fate::Kill,
            call: "rename",
            role: "safe/keys/node-secret.next",
            nth: 0,
        }),
        step: FOUR,
    },
];

/// One thread's place: a node, what it looked like before the command, and the log of what is watched.
pub struct Stage<'a> {
    pub node: Node,
    pub python: Option<Python>,
    before: Node,
    shim: &'a Shim,
    log: PathBuf,
}

/// A watched run.
pub struct Watched {
    pub ended: Ended,
    pub trace: Vec<Entry>,
}

impl Watched {
    /// Whether the chosen call was reached.
    pub fn met_its_fate(&self) -> bool {
        self.trace.iter().any(|entry| entry.kind == Kind::Fate)
    }
}

impl<'a> Stage<'a> {
    /// A stage in `place`, which is made.
    pub fn new(
        workspace: &Workspace,
        program: &Path,
        shim: &'a Shim,
        place: &Path,
        python: bool,
    ) -> Result<Stage<'a>> {
        Ok(Stage {
            node: Node::new(program, place.join("node"))?,
            before: Node::new(program, place.join("before"))?,
            python: python.then(|| Python::start(workspace)).transpose()?,
            shim,
            log: place.join("log"),
        })
    }

    /// Plays a scene up to its last command, and keeps what there is then.
    pub fn set(&mut self, scene: &Scene) -> Result<Outside> {
        self.clear()?;
        let mut outside = Outside::default();
        for &step in scene.before {
            let ended = step.run(&self.node)?;
            ensure!(ended.code == Some(0), "{step:?}: {}", ended.text());
            note(&mut outside, step, step.given(&self.node, &ended.lines)?);
        }
        if scene.before.contains(&Step::CreateLog) {
            outside.pin = Some(pin_of(&self.node, "payments")?);
        }
        if let Some(stop) = &scene.stopped {
            let ended = self.stop(stop)?;
            note(
                &mut outside,
                stop.step,
                stop.step.given(&self.node, &ended.lines)?,
            );
        }
        self.keep()?;
        Ok(outside)
    }

    /// Leaves nothing of a node but the directories that its keys and register come to.
    pub fn clear(&self) -> Result<()> {
        if self.node.root().exists() {
            std::fs::remove_dir_all(self.node.root())?;
        }
        self.node.make()
    }

    /// Keeps what there is now.
    pub fn keep(&self) -> Result<()> {
        self.before.become_like(&self.node)
    }

    /// The path of a file as it was kept.
    pub fn kept(&self, path: &Path) -> PathBuf {
        self.before.root().join(path)
    }

    fn stop(&self, stop: &Stop) -> Result<Ended> {
        let case = Case {
            fate: stop.fate,
            point: Point {
                call: stop.call.to_owned(),
                role: stop.role.to_owned(),
                nth: stop.nth,
            },
            concerns: None,
        };
        let watched = self.watch(stop.step, Some(&case))?;
        ensure!(
            watched.met_its_fate(),
            "{:?} made no such call: {:?}",
            stop.step,
            case.point
        );
        Ok(watched.ended)
    }

    /// Brings back what there was before the last command.
    pub fn reset(&self) -> Result<()> {
        self.node.become_like(&self.before)
    }

    /// Runs a command and watches it; `case` says which call meets which fate.
    pub fn watch(&self, step: Step, case: Option<&Case>) -> Result<Watched> {
        self.watch_command(step, step.command(&self.node), case)
    }

    /// The same, with the bytes of what is written.
    pub fn record(&self, step: Step, case: Option<&Case>) -> Result<Watched> {
        let mut command = step.command(&self.node);
        Shim::with_bytes(&mut command);
        self.watch_command(step, command, case)
    }

    fn watch_command(
        &self,
        step: Step,
        mut command: Command,
        case: Option<&Case>,
    ) -> Result<Watched> {
        if self.log.exists() {
            std::fs::remove_file(&self.log)?;
        }
        self.shim.watch(&mut command, self.node.root(), &self.log);
        if let Some(case) = case {
            Shim::befall(&mut command, case);
        }
        let ended = step.run_as(command)?;
        let trace = trace::read(&self.log)?;
        Ok(Watched { ended, trace })
    }

    /// Both verifiers and everything that was promised.
    pub fn is_whole(&mut self, outside: &Outside, found: &mut judge::Found) -> Result<()> {
        judge::is_whole(&self.node, outside, self.python.as_mut(), found)
    }
}
