//! What the tests of the command line share: a directory of their own, the program, and real events.

#![allow(
    dead_code,
    reason = "each test file is a program of its own and uses a part"
)]

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A directory in which commands run; `store` in it is the store they work on.
pub struct Bed {
    directory: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bed {
    /// An empty directory.
    pub fn empty() -> Bed {
        Bed {
            directory: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
        }
    }

    /// A store with one log, `payments`.
    pub fn with_log() -> Bed {
        let bed = Bed::empty();
        bed.ok([
            "init",
            "--origin",
            "audit.acme.internal",
            "--tail-size",
            "1MiB",
        ]);
        bed.ok(["log", "create", "payments"]);
        bed
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program, in an environment of its own.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indelible"));
        command
            .args(arguments)
            .current_dir(self.directory())
            .env("INDELIBLE_STORE", "store");
        for name in [
            "INDELIBLE_NODE",
            "INDELIBLE_QUERY",
            "INDELIBLE_PIN",
            "NO_COLOR",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    /// The same with something on standard input.
    pub fn run_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Ended {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A command that ends early leaves its input unread.
        let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let ended = Ended::from(child.wait_with_output().unwrap());
        feeder.join().unwrap();
        ended
    }

    /// Runs it; it must succeed. Gives what it printed.
    pub fn ok<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.out
    }

    /// Records in a log.
    pub fn size(&self, log: &str) -> u64 {
        let shown = self.ok(["log", "show", log]);
        let line = shown
            .lines()
            .find(|line| line.trim_start().starts_with("size"))
            .unwrap();
        let number = line.split_whitespace().nth(1).unwrap().replace(',', "");
        number.parse().unwrap()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The events that come with the program.
pub fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.jsonl.zst"));
    zstd::bulk::decompress(&std::fs::read(path).unwrap(), 4 << 20).unwrap()
}

/// The second verifier, if this machine can run it.
pub fn second_verifier(bed: &Bed, arguments: &[&str]) -> Option<Ended> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify.py");
    let output = Command::new("python3")
        .arg(script)
        .args(arguments)
        .current_dir(bed.directory())
        .output();
    match output {
        Ok(output) => Some(Ended::from(output)),
        Err(error) => {
            eprintln!("not compared with verify.py: python3: {error}");
            None
        }
    }
}

/// The five axes of a verdict in a command's output.
pub fn axes(text: &str) -> Vec<&str> {
    let names = [
        "integrity: ",
        "authenticity: ",
        "consistency: ",
        "witnesses: ",
        "completeness: ",
    ];
    text.lines()
        .filter(|line| names.iter().any(|name| line.starts_with(name)))
        .collect()
}
