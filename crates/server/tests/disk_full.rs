//! A disk that fills while services write over the port: whoever is refused is told that sending again is safe, nothing that was
//! acknowledged is lost, and once there is room all of it is recorded, once.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Answer, Bed, Client};
use indelible_api::{Code, Resend, Single};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const CLIENTS: usize = 6;
/// All of it takes some ten seconds.
const LONGEST: Duration = Duration::from_secs(120);
/// Where the small disk is, for the run of this program that sees it.
const DISK: &str = "INDELIBLE_TEST_DISK";
/// Says that there is none.
const NO_DISK: i32 = 77;

/// Runs this test again where a small file system is mounted, which nobody else sees and which goes with it. None without the right to.
fn on_a_small_disk(at: &Path) -> Option<Output> {
    let script = format!(
        "mount -t tmpfs -o size=40m tmpfs \"${DISK}\" || exit {NO_DISK}; exec \"$0\" --exact \"$1\" --nocapture"
    );
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .arg("a_disk_that_fills_under_load_loses_and_doubles_nothing")
        .env(DISK, at);
    let ended = command.output().ok()?;
    let unshare_refuses = ended.status.code() == Some(1) && ended.stdout.is_empty();
    (ended.status.code() != Some(NO_DISK) && !unshare_refuses).then_some(ended)
}

/// What all clients have in common.
struct Load {
    /// Clients that were refused for want of room.
    refused: AtomicUsize,
    /// There is room again.
    room: AtomicBool,
    /// Events that were acknowledged, by id, with their seq.
    acknowledged: std::sync::Mutex<BTreeMap<String, u64>>,
}

impl Load {
    fn was_told(&self, id: String, seq: u64) {
        let before = self.acknowledged.lock().unwrap().insert(id, seq);
        assert!(before.is_none_or(|before| before == seq));
    }

    /// Counts a client that was refused for want of room, once.
    fn was_refused(&self, counted: &mut bool) {
        if !std::mem::replace(counted, true) && !self.room.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn event(id: &str) -> String {
    // Random enough that what is stored is as long.
    let pad: String = (0..60)
        .map(|n| {
            format!(
                "{:x}",
                std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), n)
            )
        })
        .collect();
    format!("{{\"id\":\"{id}\",\"pad\":\"{pad}\"}}")
}

/// Sends until it is acknowledged; each refusal must say that this is safe.
async fn insist(client: &mut Client, load: &Load, key: &str, body: &str) -> Answer {
    let mut counted = false;
    loop {
        let fields = [("idempotency-key", key)];
        let answer = client.post("payments", body.to_owned(), &fields).await;
        if answer.status.is_success() {
            return answer;
        }
        let problem = answer.problem();
        assert_eq!((problem.status, problem.code), (507, Code::NoRoom));
        assert_eq!(problem.resend, Resend::Safe, "{problem:?}");
        assert!(problem.retry_after.is_some(), "{problem:?}");
        assert!(problem.detail.contains("not recorded"), "{problem:?}");
        // Paths of the node are not the producer's to know.
        assert!(!problem.detail.contains('/'), "{problem:?}");
        load.was_refused(&mut counted);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Single events, arrays or lines, until it was refused and there is room again.
async fn client(bed: Arc<Bed>, load: Arc<Load>, number: usize) {
    let mut client = match number % 2 {
        0 => bed.producer().await,
        _ => bed.producer_http2().await,
    };
    let mut after = 0;
    for round in 0.. {
        let key = format!("{number}-{round}");
        match number / 2 {
            0 => single(&mut client, &load, &key).await,
            1 => array(&mut client, &load, &key).await,
            _ => lines(&mut client, &load, &key).await,
        }
        after += usize::from(load.room.load(Ordering::SeqCst));
        if after == 5 {
            return;
        }
    }
}

async fn single(client: &mut Client, load: &Load, key: &str) {
    let told: Single = insist(client, load, key, &event(key)).await.json();
    load.was_told(key.to_owned(), told.seq);
}

async fn array(client: &mut Client, load: &Load, key: &str) {
    let ids: Vec<String> = (0..20).map(|n| format!("{key}-{n}")).collect();
    let events: Vec<String> = ids.iter().map(|id| event(id)).collect();
    let body = format!("[{}]", events.join(","));
    let told: serde_json::Value = insist(client, load, key, &body).await.json();
    // What is sent again was never recorded: a refusal is of all of it.
    assert_eq!(told["count"], 20, "{told}");
    let first = told["first"].as_u64().unwrap();
    for (id, seq) in ids.into_iter().zip(first..) {
        load.was_told(id, seq);
    }
}

/// Lines stand for themselves: those that were refused are sent again, under the keys that they had.
async fn lines(client: &mut Client, load: &Load, key: &str) {
    let ids: Vec<String> = (0..20).map(|n| format!("{key}-{n}")).collect();
    let body: String = ids.iter().map(|id| format!("{}\n", event(id))).collect();
    let fields = [
        ("content-type", "application/x-ndjson"),
        ("idempotency-key", key),
    ];
    let mut counted = false;
    loop {
        let answer = client.post("payments", body.clone(), &fields).await;
        assert_eq!(answer.status, 200);
        let told = answer.lines();
        assert_eq!(told.len(), ids.len(), "{told:?}");
        let mut refused = 0;
        for (id, line) in ids.iter().zip(&told) {
            match line["seq"].as_u64() {
                Some(seq) => load.was_told(id.clone(), seq),
                None => {
                    assert_eq!(
                        (&line["code"], &line["resend"]),
                        (&"no-room".into(), &"safe".into())
                    );
                    refused += 1;
                }
            }
        }
        if refused == 0 {
            return;
        }
        load.was_refused(&mut counted);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Takes all the room there is.
fn fill(path: &Path) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    for piece in [vec![7; 1 << 20], vec![7; 4_096]] {
        while file.write_all(&piece).is_ok() {}
    }
}

#[test]
fn a_disk_that_fills_under_load_loses_and_doubles_nothing() {
    if let Some(disk) = std::env::var_os(DISK) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        let ended = runtime
            .unwrap()
            .block_on(async { tokio::time::timeout(LONGEST, under_load(Path::new(&disk))).await });
        return ended.expect("whoever waits for an answer or for room gets it");
    }
    let place = tempfile::tempdir().unwrap();
    let Some(ended) = on_a_small_disk(place.path()) else {
        println!("skipped: needs root");
        return;
    };
    let said = String::from_utf8_lossy(&ended.stdout);
    let failed = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}{failed}");
    assert!(said.contains("1 passed"), "{said}");
    print!("{said}");
}

async fn under_load(disk: &Path) {
    let bed = Arc::new(Bed::on(disk).await);
    let load = Arc::new(Load {
        refused: AtomicUsize::new(0),
        room: AtomicBool::new(false),
        acknowledged: std::sync::Mutex::default(),
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(client(Arc::clone(&bed), Arc::clone(&load), number)))
        .collect();
    let enough = |count: usize| load.acknowledged.lock().unwrap().len() >= count;
    while !enough(100) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let filler = disk.join("filler");
    while load.refused.load(Ordering::SeqCst) < CLIENTS {
        let failed = clients.iter().any(tokio::task::JoinHandle::is_finished);
        assert!(!failed, "a client ended");
        // What is sealed meanwhile gives room back, which is taken, too.
        fill(&filler);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(
        bed.node.ledger.room_trouble().is_some() || bed.node.ledger.sealing_trouble().is_some()
    );
    let before = load.acknowledged.lock().unwrap().len();
    std::fs::remove_file(filler).unwrap();
    load.room.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let told = std::mem::take(&mut *load.acknowledged.lock().unwrap());
    println!(
        "{} events, {} of them told before there was room again",
        told.len(),
        before
    );
    is_true(&bed, &told);
    let bed = Arc::into_inner(bed).unwrap();
    let directory = bed.end().await;
    drop(directory);
}

/// The log has what was acknowledged, where it was said to be, and nothing else.
fn is_true(bed: &Bed, told: &BTreeMap<String, u64>) {
    let mut found = BTreeSet::new();
    for seq in 1..bed.log.size() {
        let stored = bed.node.ledger.books().record(&bed.log, seq).unwrap();
        let (_, event) = stored.content.unwrap();
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        let id = event["id"].as_str().unwrap().to_owned();
        assert_eq!(told.get(&id), Some(&seq), "{id}");
        assert!(found.insert(id), "recorded twice");
    }
    assert_eq!(
        found.len(),
        told.len(),
        "all that was acknowledged is there"
    );
}
