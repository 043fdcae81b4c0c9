//! Where the demo plays: its directory, and the commands it runs there. They are the real ones, this same program run again.

use super::node::Node;
use crate::exit::Exit;
use crate::output::Output;
use crate::say::{self, Failure};
use crate::show::shell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory, the program, and the audience.
pub struct Stage {
    /// Everything the demo makes lies here.
    pub directory: PathBuf,
    /// How the program is called, as one would type it.
    pub program: String,
    executable: PathBuf,
    /// Variables that were set for the commands that follow.
    set: Vec<(String, String)>,
    out: Output,
}

/// `indelible` means this very program, wherever it lies.
const ITSELF: &str = "indelible() { \"$INDELIBLE_DEMO\" \"$@\"; }";

/// The store, in the directory.
pub const STORE: &str = "node/store";

/// What would have the commands work elsewhere, if whoever watches the demo has set it.
const NOT_THEIRS: [&str; 6] = [
    "INDELIBLE_PIN",
    "INDELIBLE_NODE",
    "INDELIBLE_QUERY",
    "INDELIBLE_CA",
    "INDELIBLE_CERT",
    "INDELIBLE_KEY",
];

/// What a command printed, and its exit code.
pub struct Ended {
    /// Standard output.
    pub text: String,
    /// Exit code.
    pub code: i32,
}

impl Stage {
    /// Makes the directory.
    pub fn new(directory: PathBuf) -> Result<Stage, Failure> {
        std::fs::create_dir_all(&directory).map_err(|error| say::file(&directory, &error))?;
        let executable = std::env::current_exe().map_err(|error| {
            Failure::new(
                Exit::Trouble,
                format!("the program can't find itself: {error}"),
            )
        })?;
        Ok(Stage {
            directory,
            program: typed(&executable),
            executable,
            set: Vec::new(),
            out: Output::new(),
        })
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file in the directory.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.path(name);
        std::fs::write(&path, bytes).map_err(|error| say::file(&path, &error))
    }

    /// A numbered title.
    pub fn title(&mut self, number: u32, text: &str) -> Result<(), Failure> {
        let title = self.out.style().bold(format_args!("{number}  {text}"));
        self.out.line(format_args!("\n{title}"))
    }

    /// A line of the story.
    pub fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.out.line(format_args!("   {text}"))?;
        self.out.flush()
    }

    /// A line of evidence or output.
    pub fn show(&mut self, text: &str) -> Result<(), Failure> {
        let style = self.out.style();
        let text = match text.split_once(':') {
            Some(("verified", rest)) => format!("{}:{rest}", style.good("verified")),
            Some(("damaged or forged", rest)) => {
                format!("{}:{rest}", style.bad("damaged or forged"))
            }
            _ => text.to_owned(),
        };
        self.out.line(format_args!("     {text}"))?;
        self.out.flush()
    }

    /// Some lines of an output: those that begin so.
    pub fn show_lines(&mut self, text: &str, beginnings: &[&str]) -> Result<(), Failure> {
        let chosen = text.lines().filter(|line| {
            beginnings
                .iter()
                .any(|beginning| line.starts_with(beginning))
        });
        chosen.map(str::trim).try_for_each(|line| self.show(line))
    }

    /// What the verdict of a damaged file looks like: headline, integrity, exit code.
    pub fn show_damage(&mut self, ended: &Ended) -> Result<(), Failure> {
        self.show_lines(&ended.text, &["damaged", "integrity"])?;
        self.show(&format!("exit code {}", ended.code))
    }

    /// Shows a command that is only meant, not run by itself.
    pub fn typed(&mut self, line: &str) -> Result<(), Failure> {
        let line = self.out.style().dim(format_args!("$ {line}"));
        self.out.line(format_args!("   {line}"))?;
        self.out.flush()
    }

    /// Sets variables for all commands that follow, and shows how.
    pub fn set(&mut self, variables: &[(&str, &str)]) -> Result<(), Failure> {
        let typed: Vec<String> = variables
            .iter()
            .map(|(name, value)| format!("{name}={}", shell(Path::new(value))))
            .collect();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.set.extend(variables.iter().map(own));
        self.typed(&format!("export {}", typed.join(" ")))
    }

    /// Starts a node beside the demo, as a shell would.
    pub fn serve(&mut self, config: &str) -> Result<Node, Failure> {
        self.typed(&format!("indelible serve --config {config} &"))?;
        let (node, said) = Node::start(&self.executable, &self.directory, config)?;
        let said = said.iter().filter(|line| line.starts_with("listening"));
        said.into_iter().try_for_each(|line| self.show(line))?;
        Ok(node)
    }

    /// Tells it to stop, and waits until it did.
    pub fn stop(&mut self, node: Node) -> Result<(), Failure> {
        self.typed("kill %1")?;
        let told = Command::new("sh")
            .args(["-c", &format!("kill {}", node.id())])
            .status();
        told.map_err(|error| say::file(Path::new("sh"), &error))?;
        let said = node.ended()?;
        said.iter().try_for_each(|line| self.show(line))
    }

    /// Shows a line and has the shell run exactly that, in the directory and on the store; it must end with this code.
    pub fn run(&mut self, line: &str, code: Exit) -> Result<Ended, Failure> {
        self.typed(line)?;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{ITSELF}\n{line}")])
            .current_dir(&self.directory);
        NOT_THEIRS.iter().for_each(|name| {
            shell.env_remove(name);
        });
        let output = shell
            .envs(self.set.iter().map(|(name, value)| (name, value)))
            .env("INDELIBLE_DEMO", &self.executable)
            .output()
            .map_err(|error| say::file(Path::new("sh"), &error))?;
        let ended = output.status.code().unwrap_or(-1);
        if ended == i32::from(code.code()) {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            return Ok(Ended { text, code: ended });
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = format!("the demo went wrong: `{line}` ended with {ended}");
        Err(Failure::new(Exit::Trouble, text)
            .hint(said.lines().next().unwrap_or("it said nothing").to_owned()))
    }
}

/// Whether a program of that name can be started.
pub fn is_there(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(name).is_file())
}

/// `indelible` where the shell would find this very program, else its path.
fn typed(executable: &Path) -> String {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .map(|path| path.join("indelible"))
        .find(|path| path.is_file());
    let same = |path: PathBuf| path.canonicalize().ok() == executable.canonicalize().ok();
    if found.is_some_and(same) {
        return "indelible".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    executable.strip_prefix(&here).map_or_else(
        |_| shell(executable),
        |path| shell(Path::new(".").join(path)),
    )
}

/// The first free of `NAME`, `NAME-2`, `NAME-3` …
pub fn free_directory(name: &str) -> Result<PathBuf, Failure> {
    let names = std::iter::once(OsString::from(name))
        .chain((2..100).map(|number| OsString::from(format!("{name}-{number}"))));
    let free = names.map(PathBuf::from).find(|path| !path.exists());
    free.ok_or_else(|| {
        Failure::usage("there are 99 demo directories here already")
            .hint("remove some, or name one with --dir")
    })
}
