//! A node that is killed at random under load: nothing acknowledged is missing, nothing is recorded twice.
//!
//! Clients send events, arrays and lines over mutual TLS while the node is killed with SIGKILL, again and again; what has no receipt is
//! sent again with its key once the node is back. At the end the log is held against every receipt. `INDELIBLE_KILLS=300` asks for so
//! many kills, `INDELIBLE_SEED` for the same choices again.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::Bed;
use indelible_client::{Claim, Client, Recorded};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const KILLS: u64 = 12;
const CLIENTS: u64 = 6;
/// A node that has not said where it listens by then never will.
const START_MAX: Duration = Duration::from_secs(30);

/// SplitMix64.
fn mixed(state: &AtomicU64) -> u64 {
    let mut mixed = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// A node that runs.
struct Node {
    process: Child,
    ingest: String,
}

impl Node {
    fn start(bed: &Bed) -> Node {
        let mut command = bed.command(["serve", "--config", "node/indelible.toml"]);
        let mut node = Node {
            process: command.stderr(Stdio::piped()).spawn().unwrap(),
            ingest: String::new(),
        };
        let mut lines = BufReader::new(node.process.stderr.take().unwrap()).lines();
        let (begun, mut said) = (Instant::now(), Vec::new());
        while begun.elapsed() < START_MAX {
            let Some(Ok(line)) = lines.next() else {
                panic!("the node ended: {said:?}")
            };
            if let Some(address) = line.strip_prefix("listening: ingest ") {
                node.ingest = format!("https://{address}");
            }
            if line == "ready" {
                // Whatever else it says is read, so that it never waits for us.
                std::thread::spawn(move || lines.for_each(drop));
                return node;
            }
            said.push(line);
        }
        panic!("not ready: {said:?}")
    }

    fn kill(self) {
        drop(self);
    }

    fn stop(mut self) {
        let id = self.process.id().to_string();
        let told = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status();
        assert!(told.unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Node {
    /// SIGKILL, unless it ended before.
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.process.kill().unwrap();
            self.process.wait().unwrap();
        }
    }
}

/// What one client sends: each with a key of its own, so that it can be sent again.
#[derive(Clone)]
struct Sending {
    key: String,
    events: Vec<String>,
    as_lines: bool,
}

/// What the clients hold.
struct Clients {
    /// Sent, and without receipts.
    open: Vec<Sending>,
    /// By event.
    receipts: HashMap<String, Recorded>,
    /// Events that were handed over at all.
    made: u64,
}

struct Load {
    bed: Bed,
    state: Arc<AtomicU64>,
    clients: Clients,
}

impl Load {
    fn client(&self, node: &Node) -> Client {
        let file = |name: &str| -> PathBuf { self.bed.path("node").join(name) };
        Client::builder(node.ingest.as_str())
            .ca(file("tls/ca.pem"))
            .identity(file("tls/producer.pem"), file("tls/producer.key"))
            .pin(std::fs::read(file("app.pin")).unwrap())
            .patience(Duration::ZERO)
            .build()
            .unwrap()
    }

    /// Sends until the node is killed after so long; what has no receipt then stays open.
    fn until_killed(&mut self, node: Node, life: Duration) {
        let stop = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut waiting: Vec<Vec<Sending>> = (0..CLIENTS).map(|_| Vec::new()).collect();
        for (place, sending) in self.clients.open.drain(..).enumerate() {
            let client = place % waiting.len();
            waiting[client].push(sending);
        }
        let tasks: Vec<_> = waiting
            .into_iter()
            .map(|open| {
                let (client, stop, state) = (
                    self.client(&node),
                    Arc::clone(&stop),
                    Arc::clone(&self.state),
                );
                runtime.spawn(send(client, open, stop, state))
            })
            .collect();
        std::thread::sleep(life);
        node.kill();
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            let sent = runtime.block_on(task).unwrap();
            self.clients.made += sent.made;
            self.clients.open.extend(sent.open);
            for (event, recorded) in sent.receipts {
                let before = self.clients.receipts.insert(event.clone(), recorded);
                assert!(
                    before.is_none(),
                    "{event} was answered twice to one sending"
                );
            }
        }
    }
}

/// One client: first what is open, then more and more until it is told to stop.
async fn send(
    client: Client,
    open: Vec<Sending>,
    stop: Arc<AtomicBool>,
    state: Arc<AtomicU64>,
) -> Clients {
    let mut sent = Clients {
        open: Vec::new(),
        receipts: HashMap::new(),
        made: 0,
    };
    let mut again = open.into_iter();
    loop {
        let sending = match again.next() {
            Some(sending) => sending,
            None if stop.load(Ordering::Relaxed) => return sent,
            None => {
                let sending = new(&state);
                sent.made += u64::try_from(sending.events.len()).unwrap();
                sending
            }
        };
        if stop.load(Ordering::Relaxed) {
            sent.open.push(sending);
            continue;
        }
        match hand_over(&client, &sending).await {
            Some(recorded) => sent
                .receipts
                .extend(sending.events.into_iter().zip(recorded)),
            None => sent.open.push(sending),
        }
    }
}

fn new(state: &AtomicU64) -> Sending {
    let id = mixed(state);
    let (count, as_lines) = match id % 4 {
        0 => (usize::try_from(id >> 8 & 63).unwrap() + 2, false),
        1 => (usize::try_from(id >> 8 & 63).unwrap() + 2, true),
        _ => (1, false),
    };
    Sending {
        key: format!("{id:016x}"),
        events: (0..count)
            .map(|n| format!("{{\"id\":\"{id:016x}-{n}\"}}"))
            .collect(),
        as_lines,
    }
}

/// All of its receipts, or none: then it is sent again.
async fn hand_over(client: &Client, sending: &Sending) -> Option<Vec<Recorded>> {
    let claim = Claim::key(&sending.key).unwrap();
    if sending.as_lines {
        let (mut sender, mut receipts) = client.lines("app", claim).unwrap();
        for event in &sending.events {
            sender.send(event).await.ok()?;
        }
        drop(sender);
        let mut recorded = Vec::new();
        while let Some(line) = receipts.next().await {
            recorded.push(line.outcome.ok()?);
        }
        return (recorded.len() == sending.events.len()).then_some(recorded);
    }
    match sending.events.as_slice() {
        [event] => client
            .append_as("app", event, &claim)
            .await
            .ok()
            .map(|one| vec![one]),
        events => client.append_all_as("app", events, &claim).await.ok(),
    }
}

#[test]
fn nothing_acknowledged_is_missing_and_nothing_is_recorded_twice_however_often_the_node_is_killed()
{
    let kills = number("INDELIBLE_KILLS").unwrap_or(KILLS);
    let seed = number("INDELIBLE_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_secs()
    });
    println!("seed {seed}, {kills} kills");
    let bed = Bed::empty();
    bed.ok(["quickstart", "node"]);
    let settings = bed.read("node/indelible.toml");
    let anywhere: String = settings
        .lines()
        .map(|line| match line.starts_with("listen = ") {
            true => "listen = \"127.0.0.1:0\"\n".to_owned(),
            false => format!("{line}\n"),
        })
        .collect();
    bed.write("node/indelible.toml", anywhere);
    let mut load = Load {
        bed,
        state: Arc::new(AtomicU64::new(seed)),
        clients: Clients {
            open: Vec::new(),
            receipts: HashMap::new(),
            made: 0,
        },
    };
    for _ in 0..kills {
        let node = Node::start(&load.bed);
        let life = Duration::from_millis(mixed(&load.state) % 150);
        load.until_killed(node, life);
    }
    // Once more, in peace: all that is open is sent again, and nothing more.
    let node = Node::start(&load.bed);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = load.client(&node);
    for sending in std::mem::take(&mut load.clients.open) {
        let recorded = runtime.block_on(hand_over(&client, &sending));
        let recorded = recorded.expect("a node that lives answers");
        load.clients
            .receipts
            .extend(sending.events.into_iter().zip(recorded));
    }
    node.stop();
    judge(&load);
}

/// Holds the log against the receipts.
fn judge(load: &Load) {
    let bed = &load.bed;
    bed.ok(["verify", "--store", "node/store"]);
    let log = bed.ok(["get", "--store", "node/store", "--log", "app"]);
    let mut recorded: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        if record["head"]["kind"] == "event" {
            let event = record["event"].to_string();
            recorded
                .entry(event)
                .or_default()
                .push(record["head"]["seq"].as_u64().unwrap());
        }
    }
    let twice: Vec<_> = recorded.iter().filter(|(_, seqs)| seqs.len() > 1).collect();
    assert!(twice.is_empty(), "recorded twice: {twice:?}");
    let clients = &load.clients;
    assert_eq!(
        u64::try_from(clients.receipts.len()).unwrap(),
        clients.made,
        "all were answered in the end"
    );
    for (event, receipt) in &clients.receipts {
        assert_eq!(
            recorded.get(event),
            Some(&vec![receipt.seq]),
            "{event} has a receipt"
        );
    }
    assert_eq!(
        recorded.len(),
        clients.receipts.len(),
        "nothing is there that nobody sent"
    );
    let again = clients.receipts.values().filter(|receipt| receipt.again);
    println!(
        "{} events, each recorded once, where its receipt says; {} had been recorded without an answer",
        recorded.len(),
        again.count()
    );
}
