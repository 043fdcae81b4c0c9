//! Events over mutual TLS: what is recorded, what is answered, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::{Answer, Bed, PRODUCER};
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::{Request, StatusCode};
use indelible_api::{Answer as ApiAnswer, Code, Problem, Resend, Single};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::{self, Head, Own};
use indelible_proof::pin::Pin;
use indelible_proof::time::Time;
use indelible_proof::verdict::{Authenticity, Integrity};
use indelible_proof::verify::{BatchReceiptVerifier, verify_receipt};
use indelible_server::grants::Grants;

/// A body with header fields, and the status and code of its refusal.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, Code);

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

fn pin(bed: &Bed) -> Pin {
    let keys = bed.node.ledger.books().keys(&bed.log).unwrap();
    let key = keys.keys.first().unwrap();
    Pin::parse(format!("indelible-pin-v1 {} {key}\n", bed.log.id()).as_bytes()).unwrap()
}

/// The receipt, the salt and the event belong together and to the pinned log; gives the head.
fn verified(bed: &Bed, single: &Single, event: &str) -> String {
    let pin = pin(bed);
    let text = &single.receipt;
    let receipt = indelible_proof::receipt::Receipt::parse(text.as_bytes()).unwrap();
    let head = std::str::from_utf8(&receipt.head).unwrap().to_owned();
    let record = format!(
        "{{\"head\":{head},\"salt\":\"{}\",\"event\":{event}}}",
        single.salt
    );
    let report = verify_receipt(text.as_bytes(), Some(&pin), Some(record.as_bytes()));
    assert_eq!(report.verdict.integrity, Integrity::Ok, "{report:?}");
    assert!(
        matches!(
            report.verdict.authenticity,
            Authenticity::Ok | Authenticity::OkNotYetPostQuantum
        ),
        "{report:?}"
    );
    assert_eq!(single.entry, hash::entry(head.as_bytes()).to_string());
    head
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_recorded_and_its_receipt_proves_it() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let answer = client
        .post("payments", r#"{ "actor": "ann", "amount": 3 }"#, &[])
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let single: Single = answer.json();
    assert_eq!((single.seq, single.again), (1, false));
    let head = verified(&bed, &single, r#"{"actor":"ann","amount":3}"#);
    let head = Head::parse(head.as_bytes()).unwrap();
    assert_eq!(head.shared.by, PRODUCER);
    assert_eq!(head.shared.via, "ingest/http");
    assert_eq!(head.shared.from, Some("127.0.0.1"));
    assert!(head.shared.cert.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_and_http_1_record_alike() {
    let bed = Bed::new().await;
    let mut one = bed.producer().await;
    let mut two = bed.producer_http2().await;
    for n in 0..3 {
        let event = format!("{{\"n\":{n}}}");
        for client in [&mut one, &mut two] {
            let answer = client.post("payments", event.clone(), &[]).await;
            verified(&bed, &answer.json(), &event);
        }
    }
    assert_eq!(bed.log.size(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_comes_alone_to_whoever_asks_for_text() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let answer = client
        .post("payments", r#"{"a":1}"#, &[("accept", "text/plain")])
        .await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let single = Single {
        log: String::new(),
        seq: 1,
        entry: bed.log.last_entry().to_string(),
        salt: answer.headers["indelible-salt"]
            .to_str()
            .unwrap()
            .to_owned(),
        receipt: String::from_utf8(answer.body.to_vec()).unwrap(),
        again: false,
    };
    verified(&bed, &single, r#"{"a":1}"#);
}

/// Builds every head of an array's answer from what the client sent and was told, and verifies the batch receipt over them.
fn verified_array(bed: &Bed, answer: &Answer, events: &[&str], key: Option<&str>) {
    let ApiAnswer::Array(array) = answer.json() else {
        panic!("{answer:?}")
    };
    assert_eq!(usize::try_from(array.count).unwrap(), events.len());
    let pin = pin(bed);
    let shared = array.shared.fields().unwrap();
    let mut prev = Hash::from_hex(array.prev.as_bytes()).unwrap();
    let mut verifier = BatchReceiptVerifier::new(array.receipt.as_bytes(), Some(&pin));
    for (index, event) in events.iter().enumerate() {
        let key = key.map(|key| format!("{key}#{index}"));
        let own = Own {
            key: key.as_deref(),
            ..Own::default()
        };
        let mut head = Vec::new();
        head::encode_start(&array.log, &mut head);
        shared.encode(&mut head);
        own.encode(&mut head);
        let salt: [u8; 32] = array.salts[index].as_bytes().try_into().unwrap();
        head::encode_digest(&hash::digest(&salt, event.as_bytes()), &mut head);
        let time: [u8; 30] = array.times[index].as_bytes().try_into().unwrap();
        assert!(Time::parse(&time).is_some());
        head::encode_end(
            array.first + u64::try_from(index).unwrap(),
            &time,
            &prev,
            &mut head,
        );
        prev = hash::entry(&head);
        let head = String::from_utf8(head).unwrap();
        verifier.take(
            format!(
                "{{\"head\":{head},\"salt\":\"{}\",\"event\":{event}}}",
                array.salts[index]
            )
            .as_bytes(),
        );
    }
    let report = verifier.finish(true);
    assert_eq!(report.verdict.integrity, Integrity::Ok, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_recorded_whole_with_one_receipt() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let events = [r#"{"n":0}"#, r#"{"n":1,"x":[1,{"y":"],"}]}"#, r#"{"n":2}"#];
    let body = format!("[{}]", events.join(" , "));
    let answer = client.post("payments", body.clone(), &[]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    verified_array(&bed, &answer, &events, None);
    let answer = client
        .post("payments", body, &[("idempotency-key", "k-1")])
        .await;
    verified_array(&bed, &answer, &events, Some("k-1"));
    assert_eq!(bed.log.size(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_array_with_one_bad_event_nothing_is_recorded() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    for body in [
        r#"[{"a":1},{"a":1,"a":2}]"#,
        r#"[{"a":1},7]"#,
        r#"[{"a":1},]"#,
        r#"[{"a":1}{"a":2}]"#,
        r#"[{"a":1},{"b":1]"#,
    ] {
        let answer = client.post("payments", body, &[]).await;
        let problem = answer.problem();
        assert_eq!(problem.resend, Resend::No, "{body} {problem:?}");
        assert!(
            matches!(problem.code, Code::BadEvent | Code::BadRequest),
            "{body} {problem:?}"
        );
    }
    assert_eq!(bed.log.size(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_with_its_key_is_answered_with_the_original() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let key = [("idempotency-key", "\"order-7\"")];
    let first: Single = client.post("payments", r#"{"a":1}"#, &key).await.json();
    let answer = client.post("payments", r#"{ "a" : 1 }"#, &key).await;
    assert_eq!(answer.status, StatusCode::OK);
    let again: Single = answer.json();
    assert!(again.again);
    assert_eq!(
        (again.seq, &again.entry, &again.salt),
        (first.seq, &first.entry, &first.salt)
    );
    verified(&bed, &again, r#"{"a":1}"#);
    let problem = client.post("payments", r#"{"a":2}"#, &key).await.problem();
    assert_eq!(
        (problem.status, problem.code, problem.seq),
        (409, Code::Conflict, Some(first.seq))
    );
    // An array that was sent before comes back record by record.
    let body = r#"[{"n":0},{"n":1}]"#;
    let key = [("idempotency-key", "array-1")];
    client.post("payments", body, &key).await;
    let answer = client.post("payments", body, &key).await;
    let ApiAnswer::Each { records } = answer.json() else {
        panic!("{answer:?}")
    };
    assert!(records.iter().all(|record| record.again));
    verified(&bed, &records[1], r#"{"n":1}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_no_gaps_and_says_where_it_goes_on() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let at = |n: u64| format!("s; n={n}");
    for n in 0..3 {
        let answer = client
            .post(
                "payments",
                format!("{{\"n\":{n}}}"),
                &[("indelible-stream", &at(n))],
            )
            .await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    let problem = client
        .post("payments", r#"{"n":9}"#, &[("indelible-stream", &at(9))])
        .await
        .problem();
    assert_eq!(problem.code, Code::Expected);
    assert_eq!(
        problem.expected.map(|place| (place.epoch, place.n)),
        Some((0, 3))
    );
    let answer = client
        .post(
            "payments",
            r#"[{"n":2},{"n":3}]"#,
            &[("indelible-stream", &at(2))],
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(bed.log.size(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_answered_one_by_one_and_a_bad_one_stops_no_other() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let body = "{\"n\":0}\n\n{\"n\":1,}\n  {\"n\":2}\r\n{\"n\":3}";
    let answer = client.post("payments", body, &[NDJSON]).await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let lines = answer.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[1]["code"], "bad-event");
    assert_eq!(lines[1]["index"], 1);
    for (line, event) in [(0, r#"{"n":0}"#), (2, r#"{"n":2}"#), (3, r#"{"n":3}"#)] {
        let single: Single = serde_json::from_value(lines[line].clone()).unwrap();
        verified(&bed, &single, event);
    }
    assert_eq!(bed.log.size(), 4);
}

/// Lines on their way, and their answers as they come.
struct Flowing {
    lines: tokio::sync::mpsc::Sender<Result<Frame<Bytes>, std::convert::Infallible>>,
    answers: hyper::body::Incoming,
}

impl Flowing {
    async fn begin(bed: &Bed) -> Flowing {
        let stream = bed.connect(bed.authority.client(PRODUCER)).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let (lines, body) = tokio::sync::mpsc::channel(1);
        let body = StreamBody::new(Pieces(body));
        let request =
            Request::post("https://localhost/v1/logs/payments/records").header(NDJSON.0, NDJSON.1);
        let response = sender.send_request(request.body(body).unwrap()).await;
        let answers = response.unwrap().into_body();
        Flowing { lines, answers }
    }

    /// Sends one and waits for its answer.
    async fn line<T: serde::de::DeserializeOwned>(&mut self, n: u64) -> T {
        let line = format!("{{\"n\":{n}}}\n");
        self.lines.send(Ok(Frame::data(line.into()))).await.unwrap();
        let frame = self.answers.frame().await.unwrap().unwrap();
        serde_json::from_slice(&frame.into_data().unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_acknowledged_while_the_request_still_flows() {
    let bed = Bed::new().await;
    let mut flowing = Flowing::begin(&bed).await;
    for n in 0..20 {
        let single: Single = flowing.line(n).await;
        assert_eq!(single.seq, n + 1, "acknowledged before the next was sent");
    }
    let Flowing { lines, mut answers } = flowing;
    drop(lines);
    assert!(answers.frame().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_withdrawn_ends_the_lines_that_flow_under_it() {
    let bed = Bed::new().await;
    let mut flowing = Flowing::begin(&bed).await;
    let first: Single = flowing.line(0).await;
    assert_eq!(first.seq, 1);
    let node = std::sync::Arc::clone(&bed.node);
    let grants = Grants::new(Vec::new()).unwrap();
    let put = tokio::task::spawn_blocking(move || node.put_in_force(grants, "unix:0"));
    put.await.unwrap().unwrap();
    for n in 1..3 {
        let problem: Problem = flowing.line(n).await;
        assert_eq!(
            (problem.code, problem.index),
            (Code::Denied, Some(usize::try_from(n).unwrap()))
        );
    }
    assert_eq!(bed.log.size(), 2);
}

/// Pieces of a request as they are sent into a channel.
struct Pieces(tokio::sync::mpsc::Receiver<Result<Frame<Bytes>, std::convert::Infallible>>);

impl futures_core::Stream for Pieces {
    type Item = Result<Frame<Bytes>, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_appends_without_a_grant_and_nothing_but_events() {
    let bed = Bed::new().await;
    let mut stranger = bed.client("spiffe://example.org/other").await;
    let problem = stranger.post("payments", r#"{"a":1}"#, &[]).await.problem();
    assert_eq!((problem.status, problem.code), (403, Code::Denied));
    let mut producer = bed.producer().await;
    for log in ["other", "_node", "..", "payments%2f..%2f_node"] {
        let answer = producer.post(log, r#"{"a":1}"#, &[]).await;
        assert!(
            matches!(answer.status.as_u16(), 403 | 404),
            "{log} {answer:?}"
        );
    }
    assert_eq!(bed.log.size(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_said_with_what_to_do() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let cases: [Case<'_>; 10] = [
        ("", &[], 422, Code::BadEvent),
        ("[]", &[], 400, Code::BadRequest),
        ("null", &[], 422, Code::BadEvent),
        (r#"{"a":1}{"a":2}"#, &[], 422, Code::BadEvent),
        ("\u{feff}{}", &[], 422, Code::BadEvent),
        (
            "{}",
            &[("content-type", "text/xml")],
            415,
            Code::UnsupportedMediaType,
        ),
        ("{}", &[("idempotency-key", "a#1")], 400, Code::BadRequest),
        (
            "{}",
            &[("idempotency-key", "a"), ("idempotency-key", "b")],
            400,
            Code::BadRequest,
        ),
        ("{}", &[("indelible-stream", "a")], 400, Code::BadRequest),
        ("{}", &[("indelible-stream", "a; n=5")], 409, Code::Expected),
    ];
    for (body, fields, status, code) in cases {
        let problem = client.post("payments", body, fields).await.problem();
        assert_eq!(
            (problem.status, problem.code),
            (status, code),
            "{body} {fields:?} {problem:?}"
        );
        assert!(
            problem
                .detail
                .chars()
                .next()
                .is_some_and(|first| !first.is_uppercase() || problem.detail.starts_with("I")),
            "{}",
            problem.detail
        );
    }
    let request = Request::get("https://localhost/v1/logs/payments/records");
    let answer = client
        .send(request.body(http_body_util::Full::default()).unwrap())
        .await;
    assert_eq!(answer.headers["allow"], "POST");
    assert_eq!(answer.problem().code, Code::MethodNotAllowed);
    let request = Request::post("https://localhost/v1/elsewhere");
    let answer = client
        .send(request.body(http_body_util::Full::default()).unwrap())
        .await;
    assert_eq!(answer.problem().code, Code::NotFound);
    assert_eq!(bed.log.size(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_allowed_is_refused_and_nothing_is_lost() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(
        client
            .post("payments", long.clone(), &[])
            .await
            .problem()
            .code,
        Code::BadEvent
    );
    let longer = format!("{{\"a\":\"{}\"}}", "x".repeat(5 << 20));
    assert_eq!(
        client.post("payments", longer, &[]).await.problem().code,
        Code::TooLarge
    );
    let mut client = bed.producer().await;
    let many = format!("[{}]", vec!["{}"; 4_097].join(","));
    assert_eq!(
        client.post("payments", many, &[]).await.problem().code,
        Code::TooMany
    );
    let most = format!("[{}]", vec!["{}"; 4_096].join(","));
    assert_eq!(
        client.post("payments", most, &[]).await.status,
        StatusCode::CREATED
    );
    let weighty = format!(
        "[{}]",
        vec![format!("{{\"a\":\"{}\"}}", "x".repeat(900_000)); 3].join(",")
    );
    assert_eq!(
        client.post("payments", weighty, &[]).await.problem().code,
        Code::TooMany
    );
    let lines = client
        .post("payments", format!("{long}\n{{}}\n"), &[NDJSON])
        .await
        .lines();
    assert_eq!(
        (lines[0]["code"].as_str(), lines[1]["seq"].as_u64()),
        (Some("bad-event"), Some(4_097))
    );
    // A line that never ends: what came before it is recorded and answered.
    let endless = format!("{{}}\n{}", "x".repeat(5 << 20));
    let lines = client.post("payments", endless, &[NDJSON]).await.lines();
    assert_eq!(
        (lines[0]["seq"].as_u64(), lines[1]["code"].as_str()),
        (Some(4_098), Some("too-large"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_an_event_gives_for_itself_stands_in_its_head() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let event = r#"{"occurred":"2026-11-27T11:00:00+01:00","a":1}"#;
    let single: Single = client.post("payments", event, &[]).await.json();
    let head = verified(&bed, &single, event);
    let head = Head::parse(head.as_bytes()).unwrap();
    assert_eq!(
        head.own.occurred,
        Time::parse(b"2026-11-27T10:00:00.000000000Z")
    );
    let other = r#"{"occurred":"last week"}"#;
    let single: Single = client.post("payments", other, &[]).await.json();
    let head = verified(&bed, &single, other);
    assert_eq!(Head::parse(head.as_bytes()).unwrap().own.occurred, None);
}
