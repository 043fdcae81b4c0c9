//! A node that runs as a process of its own, over what `quickstart` made.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it and stops at the first surprise"
)]

use crate::bed::Bed;
use indelible_client::{Client, Error};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Stdio};
use std::time::Duration;

/// A node that runs, and what it says.
pub struct Node {
    pub child: Child,
    said: BufReader<ChildStderr>,
    /// Everything it said so far.
    pub all: String,
    pub ingest: String,
}

impl Node {
    /// Starts one over what `quickstart` made in `node`, on ports that are free.
    pub fn start(bed: &Bed) -> Node {
        let mut command = bed.command(["serve", "--config", "node/indelible.toml"]);
        command.env_remove("INDELIBLE_STORE");
        Node::of(command.stderr(Stdio::piped()).spawn().unwrap())
    }

    pub fn of(mut child: Child) -> Node {
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut node = Node {
            child,
            said,
            all: String::new(),
            ingest: String::new(),
        };
        node.until("ready");
        let ingest = node
            .all
            .lines()
            .find_map(|line| line.strip_prefix("listening: ingest "));
        node.ingest = ingest.unwrap().to_owned();
        node
    }

    /// Reads on until it says a line that begins so.
    pub fn until(&mut self, beginning: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.said.read_line(&mut line).unwrap() > 0,
                "it ended: {}",
                self.all
            );
            self.all.push_str(&line);
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it; it must end well.
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        self.until("stopped: SIGTERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.all);
    }

    pub fn client(&self, bed: &Bed, party: &str) -> Client {
        let tls = |name: &str| bed.path("node/tls").join(name);
        Client::builder(format!("https://{}", self.ingest))
            .ca(tls("ca.pem"))
            .identity(tls(&format!("{party}.pem")), tls(&format!("{party}.key")))
            .pin(bed.read("node/app.pin"))
            .patience(Duration::ZERO)
            .build()
            .unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What `quickstart` makes, with ports that are free.
pub fn bed() -> Bed {
    let bed = Bed::empty();
    bed.ok(["quickstart", "node", "--accept-volatile"]);
    change(&bed, |text| {
        let mut text = text.to_owned();
        for port in 7443..7447 {
            text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:0");
        }
        text
    });
    bed
}

pub fn change(bed: &Bed, how: impl FnOnce(&str) -> String) {
    let text = how(&bed.read("node/indelible.toml"));
    bed.write("node/indelible.toml", text);
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub fn append(client: &Client, event: &str) -> Result<u64, Error> {
    let recorded = runtime().block_on(client.append("app", event.as_bytes()))?;
    Ok(recorded.seq)
}
