//! The node of the demo: this same program, serving beside it until the demo is done with it.

use crate::exit::Exit;
use crate::say::{self, Failure};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;

/// First of the ports that are tried. Those that the kernel gives out by itself begin at 32768.
const PORT_FIRST: u16 = 20_000;
/// How many are tried.
const PORT_COUNT: u16 = 10_000;
/// Ports that a node needs, one after the other.
const PORTS: u16 = 4;

/// Runs until it is stopped, or until this is dropped.
pub struct Node {
    process: Child,
    /// Its lines on standard error, as they come; the thread ends with the process.
    lines: Option<JoinHandle<Vec<String>>>,
}

impl Node {
    /// Starts it and waits until it is ready. Gives the lines it said before.
    pub fn start(
        executable: &Path,
        directory: &Path,
        config: &str,
    ) -> Result<(Node, Vec<String>), Failure> {
        let mut process = Command::new(executable)
            .args(["serve", "--config", config])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| say::file(executable, &error))?;
        let stderr = process.stderr.take().expect("it was asked for");
        let mut stderr = BufReader::new(stderr);
        let mut node = Node {
            process,
            lines: None,
        };
        let mut said = Vec::new();
        loop {
            let Some(line) = line(&mut stderr) else {
                let why = said.pop().unwrap_or_else(|| "it said nothing".to_owned());
                let failure = Failure::new(Exit::Trouble, "the node of the demo did not start");
                return Err(failure.hint(why));
            };
            if line == "ready" {
                break;
            }
            said.push(line);
        }
        let rest = move || std::iter::from_fn(|| line(&mut stderr)).collect();
        node.lines = Some(std::thread::spawn(rest));
        Ok((node, said))
    }

    /// Its number, for whoever stops it.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it ended, having been told to. Gives what it said at last.
    pub fn ended(mut self) -> Result<Vec<String>, Failure> {
        let lines = self.lines.take().map(JoinHandle::join);
        let lines = lines.and_then(Result::ok).unwrap_or_default();
        match self.process.wait() {
            Ok(status) if status.success() => Ok(lines),
            _ => {
                let why = lines.into_iter().next_back().unwrap_or_default();
                Err(Failure::new(Exit::Trouble, "the node of the demo ended badly").hint(why))
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Either fails only for a process that is gone already.
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

fn line(from: &mut BufReader<ChildStderr>) -> Option<String> {
    let mut line = String::new();
    let read = from.read_line(&mut line);
    matches!(read, Ok(1..)).then(|| line.trim_end().to_owned())
}

/// The first of some ports in a row that are free, looked for from a place that `seed` chooses.
pub fn free_ports(seed: u16) -> Result<u16, Failure> {
    let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let steps = PORT_COUNT / PORTS;
    let first = |step: u16| PORT_FIRST + (seed.wrapping_add(step) % steps) * PORTS;
    (0..steps)
        .map(first)
        .find(|first| (*first..*first + PORTS).all(is_free))
        .ok_or_else(|| {
            Failure::new(
                Exit::Trouble,
                "no four ports in a row are free on 127.0.0.1",
            )
        })
}
