//! A store with its keys and register in a directory of its own, and the program run on it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::program;

/// Longer than the longest of these commands on a machine that has other things to do; who needs more hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is said of a program that does not end in that time.
pub const HUNG: &str = "hung";

/// Directories that are there before the first command.
pub const BESIDE: [&str; 2] = ["safe", Node::FAR];

/// What the files of a node have in common. Receipts that go into a file lie here too, so that their calls are watched.
#[derive(Clone)]
pub struct Node {
    program: PathBuf,
    root: PathBuf,
}

/// How input reaches the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// There is none.
    Nothing,
    /// The next line only after the last one's answer came.
    OneByOne,
    /// All at once.
    AtOnce,
}

/// How a run ended.
pub struct Ended {
    /// `None`: by a signal, or it was stopped because it hung.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub hung: bool,
    /// Whole lines of standard output.
    pub lines: Vec<String>,
    /// Standard error.
    pub said: String,
}

impl Node {
    /// A node that `program` will have in `root`, which is made.
    pub fn new(program: &Path, root: PathBuf) -> Result<Node> {
        let node = Node {
            program: program.to_path_buf(),
            root,
        };
        node.make()?;
        Ok(node)
    }

    /// Makes its directory and what is there before the first command.
    pub fn make(&self) -> Result<()> {
        for name in BESIDE {
            let path = self.root.join(name);
            fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// Keys and register lie in directories of their own, so that a name which is durable in one says nothing of the others.
    pub const KEYS: &str = "safe/keys";
    pub const FAR: &str = "far";
    pub const REGISTER: &str = "far/register";

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn store(&self) -> PathBuf {
        self.root.join("s")
    }

    /// `indelible` with these arguments, for this store.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command(&self.program.to_string_lossy());
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("INDELIBLE_STORE", "s");
        command
    }

    /// Runs a command without input.
    pub fn run(&self, arguments: &[&str]) -> Result<Ended> {
        run(self.command(arguments), Feed::Nothing, &[])
    }

    /// Runs it; an error if it does not end with 0.
    pub fn must(&self, arguments: &[&str]) -> Result<Ended> {
        let ended = self.run(arguments)?;
        if ended.code != Some(0) {
            bail!("{arguments:?}: {}", ended.text());
        }
        Ok(ended)
    }

    /// Makes this node what `other` is: the same files, and as `FORMAT` is bound to its inode, the same `FORMAT`.
    pub fn become_like(&self, other: &Node) -> Result<()> {
        if self.root.exists() {
            fs::remove_dir_all(&self.root)?;
        }
        copy(&other.root, &self.root)
            .with_context(|| format!("copy {} to {}", other.root.display(), self.root.display()))
    }
}

impl Ended {
    /// How it ended and what it said, on one line.
    pub fn text(&self) -> String {
        let how = match (self.hung, self.code, self.signal) {
            (true, ..) => HUNG.to_owned(),
            (_, Some(code), _) => format!("exit {code}"),
            (_, _, Some(signal)) => format!("signal {signal}"),
            _ => "ended".to_owned(),
        };
        format!("{how}: {}", self.said.trim().replace('\n', " | "))
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if name == "FORMAT" {
            fs::hard_link(entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    Ok(())
}

/// Runs a command to its end, feeding it lines.
pub fn run(mut command: Command, feed: Feed, input: &[String]) -> Result<Ended> {
    let stdin = match feed {
        Feed::Nothing => Stdio::null(),
        Feed::OneByOne | Feed::AtOnce => Stdio::piped(),
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start {command:?}"))?;
    let answers = lines_of(child.stdout.take().context("no output")?);
    let said = text_of(child.stderr.take().context("no output")?);
    let mut lines = Vec::new();
    let mut hung = !fed(&mut child, feed, input, &answers, &mut lines);
    drop(child.stdin.take());
    hung = hung || !drained(&answers, &mut lines);
    let status = ended(&mut child, hung)?;
    hung = hung || status.is_none();
    Ok(Ended {
        code: status.and_then(|status| status.code()).filter(|_| !hung),
        signal: status.and_then(|status| status.signal()).filter(|_| !hung),
        hung,
        lines,
        said: said.recv_timeout(PATIENCE).unwrap_or_default(),
    })
}

/// Gives it its input. `false`: it neither answered nor ended.
fn fed(
    child: &mut Child,
    feed: Feed,
    input: &[String],
    answers: &Receiver<String>,
    lines: &mut Vec<String>,
) -> bool {
    let Some(stdin) = &mut child.stdin else {
        return true;
    };
    for line in input {
        // Whoever has ended reads no more: what it answered before is still to come.
        if writeln!(stdin, "{line}").is_err() {
            return true;
        }
        if feed == Feed::OneByOne {
            match answers.recv_timeout(PATIENCE) {
                Ok(line) => lines.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return true,
                Err(mpsc::RecvTimeoutError::Timeout) => return false,
            }
        }
    }
    true
}

/// Takes what it still says, to the end. `false`: there is no end.
fn drained(answers: &Receiver<String>, lines: &mut Vec<String>) -> bool {
    loop {
        match answers.recv_timeout(PATIENCE) {
            Ok(line) => lines.push(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return true,
            Err(mpsc::RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Its status; it is ended by force if it hung or does so now.
fn ended(child: &mut Child, hung: bool) -> Result<Option<ExitStatus>> {
    // Where its output is closed, what is left to it is to end.
    let patience = if hung { Duration::ZERO } else { PATIENCE };
    if let Some(status) = program::ended(child, patience)?.filter(|_| !hung) {
        return Ok(Some(status));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Whole lines as they come. What a kill cut off was given to nobody.
fn lines_of(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Some(whole) = line.strip_suffix('\n')
                && sender.send(whole.to_owned()).is_err()
            {
                return;
            }
            line.clear();
        }
    });
    lines
}

fn text_of(mut output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, text) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Nobody waits any more only if the run was given up.
        drop(read.map(|_| sender.send(text)));
    });
    text
}
