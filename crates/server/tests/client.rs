//! The client against a node over mutual TLS: what it reports is in the log, and what is in the log it reports.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod wire;

use bed::{Bed, PRODUCER};
use indelible_api::Code;
use indelible_client::{Claim, Client, Error, LineReceipts, Protocol, Recorded};
use indelible_ledger::Settings;
use indelible_proof::head::{Head, Stream};
use indelible_proof::verdict::Integrity;
use indelible_proof::verify::verify_receipt;
use indelible_server::rate::Rates;
use rcgen::SanType;
use std::time::Duration;
use wire::Wire;

/// The line that names the log of a bed and its key.
fn pin(bed: &Bed) -> String {
    let keys = bed.node.ledger.books().keys(&bed.log).unwrap();
    let key = keys.keys.first().unwrap();
    format!("indelible-pin-v1 {} {key}\n", bed.log.id())
}

/// A builder for somebody whom the bed's authority knows.
fn builder(bed: &Bed, who: &str) -> indelible_client::Builder {
    builder_at(bed, bed.address.port(), who)
}

fn builder_at(bed: &Bed, port: u16, who: &str) -> indelible_client::Builder {
    let (certificate, key) = bed
        .authority
        .issue(vec![SanType::URI(who.try_into().unwrap())]);
    Client::builder(format!("https://localhost:{port}"))
        .ca(bed.authority.pem().into_bytes())
        .identity(
            certificate.pem().into_bytes(),
            key.serialize_pem().into_bytes(),
        )
        .pin(pin(bed))
}

fn client(bed: &Bed) -> Client {
    builder(bed, PRODUCER).principal(PRODUCER).build().unwrap()
}

/// What was reported is what the log holds, and proves itself with the pin alone.
fn is_in_the_log(bed: &Bed, recorded: &Recorded, event: &str) {
    let stored = bed
        .node
        .ledger
        .books()
        .record(&bed.log, recorded.seq)
        .unwrap();
    assert_eq!(stored.head, recorded.head);
    let (_, content) = stored.content.unwrap();
    assert_eq!(String::from_utf8(content.to_vec()).unwrap(), event);
    let pin = indelible_proof::pin::Pin::parse(pin(bed).as_bytes()).unwrap();
    let report = verify_receipt(
        recorded.receipt().as_bytes(),
        Some(&pin),
        Some(&recorded.line(event.as_bytes())),
    );
    assert_eq!(report.verdict.integrity, Integrity::Ok);
    assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_reported_with_a_receipt_that_was_verified() {
    let bed = Bed::new().await;
    for protocol in [Protocol::Http2, Protocol::Http1] {
        let client = builder(&bed, PRODUCER).protocol(protocol).build().unwrap();
        for n in 0..3 {
            let recorded = client
                .append("payments", format!("{{ \"n\": {n} }}"))
                .await
                .unwrap();
            assert!(!recorded.again);
            is_in_the_log(&bed, &recorded, &format!("{{\"n\":{n}}}"));
            let head = Head::parse(&recorded.head).unwrap();
            assert_eq!(head.own.key.map(str::len), Some(36));
        }
    }
    assert_eq!(bed.log.size(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_lines_than_one_key_is_for_are_recorded_and_sent_again_they_are_not() {
    // As if all before were recorded.
    const FIRST: u64 = 2 * 65_536 - 20;
    const LINES: u64 = 40;
    let bed = Bed::new().await;
    let client = client(&bed);
    for again in [false, true] {
        let claim = Claim::key("import").unwrap();
        let begun = client.lines_from("payments", claim, FIRST);
        let (mut lines, mut outcomes) = begun.unwrap();
        for n in FIRST..FIRST + LINES {
            assert_eq!(lines.send("{}").await.unwrap(), n);
        }
        drop(lines);
        let mut count = 0;
        while let Some(line) = outcomes.next().await {
            let recorded = line.outcome.unwrap();
            assert_eq!((line.number, recorded.again), (FIRST + count, again));
            let key = match count {
                0..20 => format!("import.1#{}", 65_516 + count),
                _ => format!("import.2#{}", count - 20),
            };
            let head = Head::parse(&recorded.head).unwrap();
            assert_eq!(head.own.key, Some(key.as_str()));
            count += 1;
        }
        assert_eq!((count, bed.log.size()), (LINES, LINES + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_array_are_recorded_together_and_each_proves_itself() {
    let bed = Bed::new().await;
    let client = client(&bed);
    let events: Vec<String> = (0..300)
        .map(|n| match n % 3 {
            0 => format!("{{ \"n\" : {n}, \"occurred\": \"2026-11-27T10:00:00+01:00\" }}"),
            _ => format!("{{\"n\":{n}}}"),
        })
        .collect();
    for claim in [
        Claim::fresh(),
        Claim::None,
        Claim::stream("billing", 0, 0).unwrap(),
    ] {
        for count in [1, 3, 300] {
            let recorded = match &claim {
                Claim::Key(_) => client.append_all("payments", &events[..count]).await,
                Claim::Stream { .. } if count > 1 => continue,
                other => {
                    client
                        .append_all_as("payments", &events[..count], other)
                        .await
                }
            };
            let recorded = recorded.unwrap();
            assert_eq!(recorded.len(), count);
            for (event, recorded) in events.iter().zip(&recorded) {
                assert!(!recorded.again && recorded.batch_receipt().is_some());
                is_in_the_log(&bed, recorded, &event.replace(' ', ""));
            }
            let seqs: Vec<u64> = recorded.iter().map(|one| one.seq).collect();
            assert!(
                seqs.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{seqs:?}"
            );
        }
    }
    assert!(
        client
            .append_all::<&str>("payments", &[])
            .await
            .unwrap()
            .is_empty()
    );
    let told = client
        .append_all("payments", &["{}", "{", "{}"])
        .await
        .unwrap_err();
    assert!(matches!(told, Error::Event { index: 1, .. }), "{told}");
    assert_eq!(bed.log.size(), 1 + 2 * 304 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_is_answered_with_the_original() {
    let bed = Bed::new().await;
    let client = client(&bed);
    let claim = Claim::key("order 7").unwrap();
    let first = client
        .append_as("payments", r#"{"a":1}"#, &claim)
        .await
        .unwrap();
    let again = client
        .append_as("payments", r#"{ "a": 1 }"#, &claim)
        .await
        .unwrap();
    assert!(again.again && !first.again);
    assert_eq!((again.seq, again.entry), (first.seq, first.entry));
    let told = client
        .append_as("payments", r#"{"a":2}"#, &claim)
        .await
        .unwrap_err();
    let problem = told.problem().unwrap();
    assert_eq!(
        (problem.code, problem.seq),
        (Code::Conflict, Some(first.seq))
    );
    assert!(!told.may_be_recorded());
    let events = [r#"{"n":0}"#, r#"{"n":1}"#];
    let claim = Claim::fresh();
    let first = client
        .append_all_as("payments", &events, &claim)
        .await
        .unwrap();
    let again = client
        .append_all_as("payments", &events, &claim)
        .await
        .unwrap();
    for ((first, again), event) in first.iter().zip(&again).zip(events) {
        assert!(again.again);
        assert_eq!(first.entry, again.entry);
        is_in_the_log(&bed, again, event);
    }
    assert_eq!(bed.log.size(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_where_it_ended_and_a_gap_is_named() {
    let bed = Bed::new().await;
    let client = client(&bed);
    for n in 0..2 {
        let claim = Claim::stream("billing", 0, n).unwrap();
        let recorded = client
            .append_as("payments", format!("{{\"n\":{n}}}"), &claim)
            .await
            .unwrap();
        let head = Head::parse(&recorded.head).unwrap();
        assert_eq!(
            head.own.stream,
            Some(Stream {
                src: "billing",
                epoch: 0,
                n
            })
        );
    }
    let claim = Claim::stream("billing", 0, 9).unwrap();
    let told = client
        .append_as("payments", "{}", &claim)
        .await
        .unwrap_err();
    let problem = told.problem().unwrap();
    let expected = problem.expected.map(|place| (place.epoch, place.n));
    assert_eq!((problem.code, expected), (Code::Expected, Some((0, 2))));
    assert_eq!(bed.log.size(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_write_is_told_at_once_and_by_name() {
    let bed = Bed::new().await;
    let stranger = builder(&bed, "spiffe://example.org/other").build().unwrap();
    let told = stranger.append("payments", "{}").await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::Denied);
    let told = client(&bed).append("orders", "{}").await.unwrap_err();
    assert!(matches!(told, Error::NoPin(log) if log == "orders"));
    // Somebody whose certificate another authority issued.
    let elsewhere = bed::Authority::new();
    let (certificate, key) = elsewhere.issue(vec![SanType::URI(PRODUCER.try_into().unwrap())]);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let intruder = builder(&bed, PRODUCER)
            .identity(
                certificate.pem().into_bytes(),
                key.serialize_pem().into_bytes(),
            )
            .protocol(protocol)
            .build()
            .unwrap();
        let told = intruder.append("payments", "{}").await.unwrap_err();
        assert!(matches!(told, Error::GaveUp { tries: 1, .. }), "{told}");
        assert!(!told.may_be_recorded(), "{told}");
    }
    // A node whose certificate leads elsewhere.
    let client = builder(&bed, PRODUCER)
        .ca(elsewhere.pem().into_bytes())
        .build()
        .unwrap();
    let told = client.append("payments", "{}").await.unwrap_err();
    assert!(
        told.to_string().contains("invalid peer certificate"),
        "{told}"
    );
    assert!(matches!(told, Error::GaveUp { tries: 1, .. }), "{told}");
    assert_eq!(bed.log.size(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_under_another_name_is_not_taken_for_one_s_own() {
    let bed = Bed::new().await;
    let client = builder(&bed, PRODUCER)
        .principal("spiffe://example.org/other")
        .build()
        .unwrap();
    let told = client.append("payments", "{}").await.unwrap_err();
    assert!(matches!(told, Error::NotProven(_)), "{told}");
    assert!(
        told.to_string().contains("says that it came from"),
        "{told}"
    );
    assert!(told.may_be_recorded());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_has_no_room_for_is_sent_again_when_it_has() {
    let bed = Bed::with_rates(Settings::default(), Rates::new(Some(40))).await;
    let client = client(&bed);
    let once = builder(&bed, PRODUCER)
        .patience(Duration::ZERO)
        .build()
        .unwrap();
    // On a slow machine a second may pass meanwhile, and with it the refusal.
    let told = loop {
        client.append_all("payments", &["{}"; 40]).await.unwrap();
        if let Err(told) = once.append("payments", "{}").await {
            break told;
        }
    };
    assert_eq!(told.problem().unwrap().code, Code::RateLimited);
    assert!(!told.may_be_recorded());
    let size = bed.log.size();
    let recorded = client.append("payments", r#"{"last":1}"#).await.unwrap();
    assert_eq!(recorded.seq, size);
    is_in_the_log(&bed, &recorded, r#"{"last":1}"#);
}

/// Takes all outcomes and checks that they come in order.
async fn outcomes(mut receipts: LineReceipts) -> Vec<Result<Recorded, Error>> {
    let mut all = Vec::new();
    while let Some(line) = receipts.next().await {
        assert_eq!(line.number, u64::try_from(all.len()).unwrap());
        all.push(line.outcome);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_reported_in_their_order_while_more_are_sent() {
    let bed = Bed::new().await;
    for protocol in [Protocol::Http2, Protocol::Http1] {
        let client = builder(&bed, PRODUCER).protocol(protocol).build().unwrap();
        let (mut sender, mut receipts) = client.lines("payments", Claim::fresh()).unwrap();
        for n in 0..5 {
            sender.send(format!("{{\"n\": {n}}}")).await.unwrap();
            let line = receipts.next().await.unwrap();
            is_in_the_log(&bed, &line.outcome.unwrap(), &format!("{{\"n\":{n}}}"));
        }
        let told = sender.send("{").await.unwrap_err();
        assert!(matches!(told, Error::Event { .. }), "{told}");
        drop(sender);
        assert!(receipts.next().await.is_none());
        let before = bed.log.size();
        let (mut sender, receipts) = client.lines("payments", Claim::fresh()).unwrap();
        let taken = tokio::spawn(outcomes(receipts));
        for n in 0..1_500 {
            sender.send(format!("{{\"n\":{n}}}")).await.unwrap();
        }
        drop(sender);
        let all = taken.await.unwrap();
        assert_eq!(all.len(), 1_500);
        for ((n, seq), outcome) in (before..).enumerate().zip(all) {
            let recorded = outcome.unwrap();
            assert_eq!(recorded.seq, seq);
            if n % 500 == 0 {
                is_in_the_log(&bed, &recorded, &format!("{{\"n\":{n}}}"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_name_their_own_key_are_recorded_once_and_a_conflict_stops_no_other() {
    let bed = Bed::new().await;
    let client = client(&bed);
    let send = async |events: &[&str]| {
        let (mut sender, receipts) = client.lines_keyed_by("payments", "id").unwrap();
        for event in events {
            sender.send(event).await.unwrap();
        }
        drop(sender);
        outcomes(receipts).await
    };
    let first = send(&[r#"{"id":"a b"}"#, r#"{"id":2}"#]).await;
    assert!(
        first
            .iter()
            .all(|one| one.as_ref().is_ok_and(|one| !one.again)),
        "{first:?}"
    );
    let again = send(&[r#"{"id":2,"x":1}"#, r#"{"id":"a b"}"#, r#"{"id":3}"#]).await;
    let told = again[0].as_ref().unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::Conflict);
    let original = again[1].as_ref().unwrap();
    assert!(original.again);
    assert_eq!(original.entry, first[0].as_ref().unwrap().entry);
    assert!(!again[2].as_ref().unwrap().again);
    let (mut sender, _receipts) = client.lines_keyed_by("payments", "id").unwrap();
    let told = sender.send(r#"{"other":1}"#).await.unwrap_err();
    assert!(matches!(told, Error::Key(_)), "{told}");
    assert_eq!(bed.log.size(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_answer_was_lost_is_sent_again_and_recorded_once() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.address).await;
    for protocol in [Protocol::Http2, Protocol::Http1] {
        let client = builder_at(&bed, wire.port(), PRODUCER)
            .protocol(protocol)
            .build()
            .unwrap();
        client.append("payments", r#"{"warm":1}"#).await.unwrap();
        let before = bed.log.size();
        wire.lose_answers();
        let sending = {
            let client = client.clone();
            tokio::spawn(async move { client.append("payments", r#"{"a":1}"#).await })
        };
        while bed.log.size() == before {
            tokio::task::yield_now().await;
        }
        wire.cut();
        let recorded = sending.await.unwrap().unwrap();
        assert!(recorded.again, "the first try recorded it");
        assert_eq!((recorded.seq, bed.log.size()), (before, before + 1));
        is_in_the_log(&bed, &recorded, r#"{"a":1}"#);
    }
    // What claims nothing is not sent again, and whoever sent it is told what is not known.
    let client = builder_at(&bed, wire.port(), PRODUCER).build().unwrap();
    client.append("payments", r#"{"warm":1}"#).await.unwrap();
    let before = bed.log.size();
    wire.lose_answers();
    let sending =
        tokio::spawn(async move { client.append_as("payments", "{}", &Claim::None).await });
    while bed.log.size() == before {
        tokio::task::yield_now().await;
    }
    wire.cut();
    let told = sending.await.unwrap().unwrap_err();
    assert!(told.may_be_recorded(), "{told}");
    assert!(matches!(told, Error::GaveUp { tries: 1, .. }), "{told}");
    assert_eq!(bed.log.size(), before + 1);
}

/// Events of the log after its genesis, in order.
fn events(bed: &Bed) -> Vec<String> {
    let mut all = Vec::new();
    let size = bed.log.size();
    for seq in 1..size {
        let stored = bed.node.ledger.books().record(&bed.log, seq).unwrap();
        let (_, event) = stored.content.unwrap();
        all.push(String::from_utf8(event.to_vec()).unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_over_a_wire_that_breaks_again_and_again_are_neither_lost_nor_doubled() {
    let bed = Bed::new().await;
    let wire = Wire::to(bed.address).await;
    let client = builder_at(&bed, wire.port(), PRODUCER).build().unwrap();
    let expected: Vec<String> = (0..2_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let (mut sender, receipts) = client
        .lines("payments", Claim::stream("billing", 0, 0).unwrap())
        .unwrap();
    let taken = tokio::spawn(outcomes(receipts));
    for (n, event) in expected.iter().enumerate() {
        sender.send(event).await.unwrap();
        if n % 250 == 249 {
            // Until the last it took is recorded or not is decided by when this comes.
            wire.cut();
        }
    }
    drop(sender);
    let all = taken.await.unwrap();
    assert_eq!(all.len(), expected.len());
    for (n, outcome) in all.into_iter().enumerate() {
        assert_eq!(outcome.unwrap().seq, u64::try_from(n).unwrap() + 1);
    }
    assert_eq!(events(&bed), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_crashes_under_load_and_comes_back_has_each_event_once() {
    let mut bed = Bed::new().await;
    let wire = Wire::to(bed.address).await;
    let client = builder_at(&bed, wire.port(), PRODUCER).build().unwrap();
    let (mut sender, receipts) = client.lines("payments", Claim::fresh()).unwrap();
    let lines = tokio::spawn(outcomes(receipts));
    let singles = {
        let client = client.clone();
        tokio::spawn(async move {
            let mut all = Vec::new();
            for n in 0..60 {
                let event = format!("{{\"single\":{n}}}");
                all.push((client.append("payments", &event).await.unwrap(), event));
            }
            all
        })
    };
    let mut sent = Vec::new();
    for round in 0..3 {
        for n in 0..200 {
            let event = format!("{{\"round\":{round},\"n\":{n}}}");
            sender.send(&event).await.unwrap();
            sent.push(event);
        }
        wire.shut();
        let rest = bed.crash().await;
        bed = Bed::resume(rest).await;
        wire.open(bed.address);
    }
    drop(sender);
    let lines = lines.await.unwrap();
    let singles = singles.await.unwrap();
    let mut reported: Vec<(u64, String)> = lines
        .into_iter()
        .zip(sent)
        .map(|(outcome, event)| (outcome.unwrap().seq, event))
        .collect();
    reported.extend(singles.into_iter().map(|(one, event)| (one.seq, event)));
    reported.sort();
    let stored: Vec<(u64, String)> = (1..).zip(events(&bed)).collect();
    assert_eq!(reported, stored);
}

#[path = "../../client/examples/audited.rs"]
mod audited;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_service_pays_only_what_is_recorded_and_once() {
    let bed = Bed::new().await;
    let mut refunds = audited::Refunds::new(client(&bed));
    let first = refunds.refund("ann", "order 41").await.unwrap();
    let again = refunds.refund("ann", "order 41").await.unwrap();
    assert_eq!(refunds.paid, ["order 41"]);
    assert_eq!(first.lines().nth(1), again.lines().nth(1));
    let told = refunds.refund("bob", "order 41").await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::Conflict);
    assert_eq!(bed.log.size(), 2);
}
