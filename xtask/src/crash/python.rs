//! `verify.py`, kept running: it is asked about thousands of exports, and to start Python takes longer than to verify one of ours.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::program;
use crate::workspace::Workspace;

/// Reads "pin TAB file" lines and answers each with a line of JSON. What it calls is what `verify.py PIN FILE` calls.
const SERVE: &str = "\
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, '.')
import verify
for line in sys.stdin:
    pin, path = line.rstrip('\\n').split('\\t')
    with open(path, 'rb') as source:
        verdict = verify.verify_export(source, pin)
    print(json.dumps({'exit': verdict.exit_code(), **verdict.axes}), flush=True)
";

/// A running `verify.py`.
pub struct Python {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Whether there is a Python to run it.
    pub fn is_there(workspace: &Workspace) -> bool {
        program::works(workspace.command("python3").arg("--version"))
    }

    pub fn start(workspace: &Workspace) -> Result<Python> {
        let mut child = workspace
            .command("python3")
            .args(["-c", SERVE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("python3")?;
        Ok(Python {
            questions: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().context("no output")?),
            child,
        })
    }

    /// Its verdict on an export: exit code and axes.
    pub fn verdict(&mut self, pin: &str, export: &Path) -> Result<Value> {
        let questions = self.questions.as_mut().context("verify.py was stopped")?;
        writeln!(questions, "{pin}\t{}", export.display())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("verify.py gave no verdict")
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.questions.take());
        // It ends when there are no more questions; what it could still say is lost.
        self.child.wait().ok();
    }
}
