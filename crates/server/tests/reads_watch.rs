//! Records as they come: nothing lost, nothing twice, whatever breaks; and readers that stop reading hold up nobody.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod reading;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Response};
use indelible_api::{Code, Problem};
use indelible_server::grants::{Grants, Role};
use reading::{AUDITOR, Library, READER, append, connect, grants, put_in_force, request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One who watches.
struct Watch {
    // Dropping it closes the connection.
    _sender: SendRequest<Full<Bytes>>,
    body: Incoming,
    rest: String,
}

/// What comes.
#[derive(Debug)]
enum Event {
    Record(u64, String),
    Problem(Problem),
    Other,
    End,
}

impl Watch {
    async fn begin(library: &Library, who: &str, path: &str, last: Option<u64>) -> Watch {
        let mut sender = connect(&library.bed, who, library.query).await;
        let last = last.map(|last| last.to_string());
        let fields: Vec<(&str, &str)> = last
            .iter()
            .map(|last| ("last-event-id", last.as_str()))
            .collect();
        let asked = request(Method::GET, path, &fields);
        let response: Response<Incoming> = sender.send_request(asked).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Watch {
            _sender: sender,
            body: response.into_body(),
            rest: String::new(),
        }
    }

    async fn next(&mut self) -> Event {
        loop {
            if let Some(end) = self.rest.find("\n\n") {
                let text: String = self.rest.drain(..end + 2).collect();
                return Watch::read(&text);
            }
            match self.body.frame().await {
                None => return Event::End,
                Some(frame) => {
                    let data = frame.unwrap().into_data().unwrap();
                    self.rest.push_str(std::str::from_utf8(&data).unwrap());
                }
            }
        }
    }

    fn read(text: &str) -> Event {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        match (field("id: "), field("data: "), field("event: ")) {
            (Some(id), Some(data), None) => Event::Record(id.parse().unwrap(), data.to_owned()),
            (None, Some(data), Some("problem")) => {
                Event::Problem(serde_json::from_str(data).unwrap())
            }
            _ => Event::Other,
        }
    }

    async fn record(&mut self) -> (u64, String) {
        loop {
            match self.next().await {
                Event::Record(seq, line) => return (seq, line),
                Event::Other => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_whose_connection_breaks_again_and_again_sees_every_record_once() {
    const RECORDS: u64 = 4_000;
    let library = Arc::new(Library::new().await);
    let writer = {
        let library = Arc::clone(&library);
        tokio::task::spawn_blocking(move || {
            for batch in (1..).map(|n| n * 7 % 23 + 1) {
                let left = usize::try_from(RECORDS + 1 - library.log().size()).unwrap();
                if left == 0 {
                    return;
                }
                append(&library.bed, left.min(batch), 5);
                if batch == 23 {
                    library.bed.node.ledger.seal().unwrap();
                }
            }
        })
    };
    let (mut last, mut lines, mut connections) = (None, Vec::new(), 0);
    while last != Some(RECORDS) {
        // The path is that of the first time, as a browser's EventSource has it.
        let mut watch =
            Watch::begin(&library, READER, "/v1/logs/payments/watch?from=0", last).await;
        connections += 1;
        for _ in 0..connections * 13 % 400 + 1 {
            let (seq, line) = watch.record().await;
            assert_eq!(seq, last.map_or(0, |last| last + 1));
            last = Some(seq);
            lines.extend_from_slice(line.as_bytes());
            lines.push(b'\n');
            if seq == RECORDS {
                break;
            }
        }
    }
    writer.await.unwrap();
    assert!(connections > 5);
    assert!(lines == library.lines(0..RECORDS + 1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_without_a_beginning_starts_with_what_comes_next() {
    let library = Library::new().await;
    library.append(10);
    let mut watch = Watch::begin(&library, AUDITOR, "/v1/logs/payments/watch?heads", None).await;
    assert!(
        matches!(watch.next().await, Event::Other),
        "it says that it is there"
    );
    library.append(2);
    for seq in [11, 12] {
        let (at, line) = watch.record().await;
        assert_eq!(at, seq);
        assert_eq!(
            [line.as_bytes(), b"\n"].concat(),
            library.lines(seq..seq + 1, true)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_when_its_grant_does_and_when_the_node_stops() {
    let library = Library::new().await;
    let path = "/v1/logs/payments/watch?from=0";
    let mut watch = Watch::begin(&library, READER, path, None).await;
    let mut heads = Watch::begin(
        &library,
        AUDITOR,
        "/v1/logs/payments/watch?from=0&heads",
        None,
    )
    .await;
    assert_eq!(watch.record().await.0, 0);
    assert_eq!(heads.record().await.0, 0);
    // Other grants that allow the same end nothing.
    put_in_force(&library.bed, grants()).await;
    library.append(1);
    assert_eq!(watch.record().await.0, 1);
    let mut fewer: Vec<_> = grants().table().to_vec();
    fewer.retain(|grant| grant.role != Role::Reader);
    put_in_force(&library.bed, Grants::new(fewer).unwrap()).await;
    match watch.next().await {
        Event::Problem(problem) => assert_eq!(problem.code, Code::Denied, "{problem:?}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(watch.next().await, Event::End));
    assert_eq!(heads.record().await.0, 1);
    library.bed.node.reads.end_watches();
    assert!(matches!(heads.next().await, Event::End));
}

/// Bytes of memory that the process has.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stop_reading_hold_little_memory_and_hold_up_nobody() {
    let library = Library::new().await;
    library.append_in(60_000, 1_000);
    let all = library.lines(0..60_001, false).len();
    assert!(all > 20 << 20);
    let before = resident();
    let mut stopped = Vec::new();
    for path in ["records", "export", "watch?from=0"] {
        for _ in 0..8 {
            let mut sender = connect(&library.bed, READER, library.query).await;
            let asked = request(Method::GET, &format!("/v1/logs/payments/{path}"), &[]);
            let response = sender.send_request(asked).await.unwrap();
            assert_eq!(response.status(), 200);
            stopped.push((sender, response));
        }
    }
    // One principal has no more places, and is told so; watches are counted by themselves.
    let mut reader = library.reader().await;
    let refused = reader
        .get("/v1/logs/payments/records?count=1")
        .await
        .problem();
    assert_eq!((refused.code, refused.retry_after), (Code::Full, Some(1)));
    // One record, others, and the writer go on.
    reader.text("/v1/logs/payments/records/60000").await;
    library.append(1_000);
    let mut auditor = reading::Reader(library.client(AUDITOR, library.query).await);
    let heads = auditor.get("/v1/logs/payments/records?heads").await;
    assert!(heads.body == library.lines(0..61_001, true));
    drop(heads);
    let held = resident().saturating_sub(before);
    assert!(
        held < 200 << 20,
        "{held} bytes for 24 readers of {all} bytes each"
    );
    // Places come back when readers go.
    drop(stopped);
    let back = async {
        while reader.get("/v1/logs/payments/records?count=1").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), back)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_watchers_of_a_busy_log_all_keep_up() {
    let library = Arc::new(Library::new().await);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (library, stop) = (Arc::clone(&library), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || {
            while !stop.load(Ordering::Relaxed) {
                append(&library.bed, 3, 1);
            }
        })
    };
    let mut watchers = Vec::new();
    for _ in 0..20 {
        let mut watch =
            Watch::begin(&library, READER, "/v1/logs/payments/watch?from=0", None).await;
        watchers.push(tokio::spawn(async move {
            for seq in 0..300 {
                assert_eq!(watch.record().await.0, seq);
            }
        }));
    }
    for watcher in watchers {
        watcher.await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}
