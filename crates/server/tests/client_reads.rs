//! Reading over the network: what the client hands out is what the log holds, and what it can't prove it never hands out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod liar;
mod reading;

use bed::{Answer, PRODUCER};
use indelible_api::Code;
use indelible_client::{Builder, Client, Error, NotProven, Protocol, Record, Selection};
use indelible_ledger::signer::NodeSecret;
use indelible_proof::export::Content;
use indelible_proof::hash::sha256;
use indelible_proof::pin::Pin;
use indelible_proof::verdict::{Authenticity, Consistency, Integrity};
use indelible_proof::verify::{WalkFile, verify_batch_receipt, verify_fork, verify_receipt};
use liar::{Liar, refusing, replaced, with};
use reading::{AUDITOR, Library, READER};
use std::sync::Arc;
use std::time::Duration;

fn builder(library: &Library, who: &str, port: u16, pin: &Pin) -> Builder {
    let builder = library.builder(who, port, pin);
    builder.patience(Duration::from_secs(5))
}

fn client(library: &Library, who: &str) -> Client {
    let port = library.query.port();
    builder(library, who, port, &library.pin()).build().unwrap()
}

async fn all(client: &Client, selection: Selection) -> Result<Vec<Record>, Error> {
    let mut records = client.records("payments", selection)?;
    let mut taken = Vec::new();
    while let Some(record) = records.next().await? {
        assert_eq!(records.next_seq(), record.seq + 1);
        taken.push(record);
    }
    Ok(taken)
}

fn text(records: &[Record]) -> Vec<u8> {
    let lines = records.iter().map(|record| &record.line[..]);
    lines.flat_map(|line| [line, b"\n"].concat()).collect()
}

fn why(error: Error) -> NotProven {
    match error {
        Error::NotProven(why) => *why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_receipts_are_handed_out_as_the_log_holds_them() {
    let library = Library::new().await;
    library.append(3_000);
    let pin = library.pin();
    for protocol in [Protocol::Http2, Protocol::Http1] {
        let port = library.query.port();
        let builder = builder(&library, READER, port, &pin);
        let client = builder.protocol(protocol).connections(1).build().unwrap();
        for seq in [0, 1, 256, 2_999, 3_000] {
            let record = client.get("payments", seq).await.unwrap();
            assert_eq!(record.seq, seq);
            assert_eq!(
                text(std::slice::from_ref(&record)),
                library.lines(seq..seq + 1, false)
            );
            let receipt = client.receipt("payments", seq).await.unwrap();
            let report = verify_receipt(receipt.as_bytes(), Some(&pin), Some(&record.line));
            assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
            let head = client
                .get_as("payments", seq, Content::Heads)
                .await
                .unwrap();
            assert_eq!(text(&[head]), library.lines(seq..seq + 1, true));
        }
        let taken = all(&client, Selection::all()).await.unwrap();
        assert_eq!(text(&taken), library.lines(0..3_001, false));
        let some = Selection::all().from(255).to(513);
        let taken = all(&client, some.heads()).await.unwrap();
        assert_eq!(text(&taken), library.lines(255..514, true));
        let receipt = client.batch_receipt("payments", some).await.unwrap();
        let lines = library.lines(255..514, false);
        let report = verify_batch_receipt(receipt.as_bytes(), Some(&pin), Some(&lines));
        assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
        assert!(
            all(&client, Selection::all().from(3_001))
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_not_allowed_are_told_apart() {
    let library = Library::new().await;
    library.append(10);
    let reader = client(&library, READER);
    let told = reader.get("payments", 11).await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::NotFound, "{told}");
    let told = all(&reader, Selection::all().to(11)).await.unwrap_err();
    assert!(
        matches!(
            told,
            Error::NoSuchRecord {
                seq: 11,
                size: 11,
                ..
            }
        ),
        "{told:?}"
    );
    let told = all(&reader, Selection::all().from(12)).await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::NotFound, "{told}");
    let told = reader.get("orders", 1).await.unwrap_err();
    assert!(matches!(told, Error::NoPin(_)), "{told:?}");
    let auditor = client(&library, AUDITOR);
    let told = auditor.get("payments", 1).await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::Denied);
    assert!(told.to_string().contains("?heads"), "{told}");
    assert_eq!(
        all(&auditor, Selection::all().heads()).await.unwrap().len(),
        11
    );
    let producer = client(&library, PRODUCER);
    let told = producer.receipt("payments", 1).await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::Denied);
    let told = producer.whoami().await.unwrap();
    assert_eq!(
        (told.principal.as_str(), told.listener.as_str()),
        (PRODUCER, "query")
    );
    assert_eq!(told.logs[0].may, ["append"]);
    assert_eq!(told.grants[0].role, "producer");
}

/// A liar, and a client that asks it with this pin.
async fn liar(library: &Arc<Library>, pin: &Pin) -> (Liar, Client) {
    let liar = Liar::before(library).await;
    let client = builder(library, READER, liar.port(), pin).build();
    (liar, client.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_altered_and_a_receipt_of_another_are_never_handed_out() {
    let library = Arc::new(Library::new().await);
    library.append(600);
    let (liar, client) = liar(&library, &library.pin()).await;
    assert_eq!(all(&client, Selection::all()).await.unwrap().len(), 601);

    // The event, the head, the salt of one record.
    for (from, to, altered) in [
        ("\"actor\":\"ann\"", "\"actor\":\"bob\"", "event altered"),
        ("\"kind\":\"event\"", "\"kind\":\"clock\"", "altered"),
        ("\"salt\":\"", "\"salt\":\"0", ""),
    ] {
        liar.says(move |path, answer| match path.contains("receipt") {
            true => answer,
            false => replaced(answer, from, to),
        });
        let told = client.get("payments", 7).await.unwrap_err();
        assert!(told.to_string().contains(altered), "{told}");
        assert!(matches!(why(told), NotProven::Integrity(_)));
        let told = all(&client, Selection::all()).await.unwrap_err();
        assert!(matches!(why(told), NotProven::Integrity(_)));
    }
    // Another record, whole, with its receipt; and with the receipt of the one that was asked for.
    let other = {
        let library = Arc::clone(&library);
        move |seq: u64| library.lines(seq..seq + 1, false)
    };
    let line = other(8);
    liar.says(move |path, answer| match path {
        "/v1/logs/payments/records/7" => with(answer, line.trim_ascii_end().to_vec()),
        _ => answer,
    });
    let told = client.get("payments", 7).await.unwrap_err();
    assert!(matches!(
        why(told),
        NotProven::Integrity(Integrity::HeadAltered(_))
    ));
    let (line, receipt) = (other(8), client.receipt("payments", 8).await.unwrap());
    let kept = receipt.clone();
    liar.says(move |path, answer| match path {
        "/v1/logs/payments/records/7" => with(answer, line.trim_ascii_end().to_vec()),
        _ => with(answer, kept.clone()),
    });
    let told = client.get("payments", 7).await.unwrap_err();
    assert_eq!(
        why(told),
        NotProven::OtherRecord {
            due: 7,
            came: "record 8".to_owned()
        }
    );
    let told = client.receipt("payments", 7).await.unwrap_err();
    assert!(matches!(why(told), NotProven::OtherRecord { due: 7, .. }));
    // A receipt of other records, one record left out, one twice.
    liar.says(|path, answer| match path.contains("receipt") {
        true => with(answer, "indelible-batch-receipt-v1\n"),
        false => answer,
    });
    let told = all(&client, Selection::all()).await.unwrap_err();
    assert!(matches!(
        why(told),
        NotProven::Integrity(Integrity::Malformed(_))
    ));
    for twice in [true, false] {
        liar.says(move |path, answer| match path.contains("receipt") {
            true => answer,
            false => {
                let mut lines: Vec<&[u8]> =
                    answer.body.split_inclusive(|byte| *byte == b'\n').collect();
                let line = lines.remove(5);
                if twice {
                    lines.splice(5..5, [line, line]);
                }
                let body = lines.concat();
                with(answer, body)
            }
        });
        let told = all(&client, Selection::all()).await.unwrap_err();
        assert!(
            matches!(why(told), NotProven::Integrity(_)),
            "twice {twice}"
        );
    }
    // The heads where the events were asked for.
    let heads = library.lines(0..256, true);
    liar.says(move |path, answer| match path.contains("receipt") {
        true => answer,
        false => with(answer, heads.clone()),
    });
    let told = all(&client, Selection::all()).await.unwrap_err();
    assert_eq!(why(told), NotProven::OtherContent(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_shows_less_than_before_or_another_history_is_told_so() {
    let library = Arc::new(Library::new().await);
    library.append(20);
    let (liar, client) = liar(&library, &library.pin()).await;
    let old = client.receipt("payments", 3).await.unwrap();
    library.append(20);
    client.receipt("payments", 30).await.unwrap();
    // An honest answer of before, signed by the log.
    let kept = old.clone();
    liar.says(move |path, answer| match path.ends_with("/receipt") {
        true => with(answer, kept.clone()),
        false => answer,
    });
    let told = client.receipt("payments", 3).await.unwrap_err();
    assert!(matches!(
        why(told),
        NotProven::Rollback {
            size: 41,
            shown: 21,
            ..
        }
    ));
    // Records that it signed are not there any more.
    liar.says(|_, answer| refusing(answer, Code::NotFound));
    for told in [
        client.get("payments", 30).await.map(drop).unwrap_err(),
        client.receipt("payments", 30).await.map(drop).unwrap_err(),
        all(&client, Selection::all().from(30))
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert!(matches!(
            why(told),
            NotProven::Rollback {
                size: 41,
                shown: 30,
                ..
            }
        ));
    }
    // What was never seen may well not be there.
    let told = client.get("payments", 41).await.unwrap_err();
    assert_eq!(told.problem().unwrap().code, Code::NotFound);
    liar.says(|path, mut answer| {
        if path.contains("records?") {
            let name = hyper::header::HeaderName::from_static("indelible-size");
            answer.headers.insert(name, 25.into());
        }
        answer
    });
    let told = all(&client, Selection::all()).await.unwrap_err();
    assert!(matches!(
        why(told),
        NotProven::Rollback {
            size: 41,
            shown: 25,
            ..
        }
    ));
}

/// A log of the same name, origin and keys whose records are others.
async fn twin() -> Arc<Library> {
    Arc::new(Library::new().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_of_one_log_are_a_fork_and_both_notes_prove_it() {
    // Beds make their node secret and origin the same way, so these two logs differ by their genesis alone.
    let (one, other) = (twin().await, twin().await);
    one.append(20);
    other.append(30);
    let pin = one.pin();
    let (liar, client) = liar(&one, &pin).await;
    client.receipt("payments", 3).await.unwrap();
    let mut reader = other.reader().await;
    for (size, seq) in [(31, 3_u64), (31, 25)] {
        let receipt = reader
            .text(&format!("/v1/logs/payments/records/{seq}/receipt"))
            .await;
        let proof = reader
            .text(&format!("/v1/logs/payments/proof?from=21&to={size}"))
            .await;
        liar.says(move |path, answer| match path.contains("proof") {
            true => Answer {
                status: hyper::StatusCode::OK,
                ..with(answer, proof.clone())
            },
            false => Answer {
                status: hyper::StatusCode::OK,
                ..with(answer, receipt.clone())
            },
        });
        let told = client.receipt("payments", seq).await.unwrap_err();
        let NotProven::Fork { one, other, proof } = why(told) else {
            panic!()
        };
        let pin = pin.clone();
        let report = verify_fork(
            one.as_bytes(),
            other.as_bytes(),
            proof.as_deref().map(str::as_bytes),
            Some(&pin),
        );
        assert!(
            matches!(report.verdict.consistency, Consistency::Fork { .. }),
            "{report:?}"
        );
    }
}

/// The keys of the log are replaced, for the first or the second time.
async fn rotate(library: &Arc<Library>, time: usize) {
    let library = Arc::clone(library);
    let rotated = tokio::task::spawn_blocking(move || {
        let next = (0..time).fold(NodeSecret::new([7; 32]), |secret, _| secret.next([8; 32]));
        library.bed.node.ledger.rotate(next, None)
    });
    rotated.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_from_before_a_rotation_is_followed_by_a_walk_that_proves_it() {
    let library = Arc::new(Library::new().await);
    library.append(20);
    let (first, reader) = (library.pin(), client(&library, READER));
    reader.receipt("payments", 3).await.unwrap();
    rotate(&library, 1).await;
    library.append(20);
    assert_ne!(library.pin(), first);
    // One that was there before, one that comes later, and both after another rotation.
    let later = client_with(&library, &first);
    for client in [&reader, &later] {
        let record = client.get("payments", 35).await.unwrap();
        assert_eq!(text(&[record]), library.lines(35..36, false));
    }
    rotate(&library, 2).await;
    library.append(5);
    for client in [&reader, &later] {
        let taken = all(client, Selection::all()).await.unwrap();
        assert_eq!(text(&taken), library.lines(0..library.log().size(), false));
    }
}

fn client_with(library: &Library, pin: &Pin) -> Client {
    let port = library.query.port();
    builder(library, READER, port, pin).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_proves_nothing_is_refused_and_so_is_what_it_should_lead_to() {
    let library = Arc::new(Library::new().await);
    library.append(20);
    let first = library.pin();
    let before = library.reader().await.text("/v1/logs/payments/walk").await;
    rotate(&library, 1).await;
    library.append(20);
    let (liar, _) = liar(&library, &first).await;
    let asked = || {
        let client = builder(&library, READER, liar.port(), &first)
            .build()
            .unwrap();
        async move { client.get("payments", 35).await.map(drop).unwrap_err() }
    };
    // No walk at all, and one of before.
    liar.says(|path, answer| match path.ends_with("/walk") {
        true => refusing(answer, Code::NotFound),
        false => answer,
    });
    assert_eq!(
        why(asked().await),
        NotProven::Authenticity(Authenticity::UnknownKey)
    );
    liar.says(move |path, answer| match path.ends_with("/walk") {
        true => with(answer, before.clone()),
        false => answer,
    });
    assert_eq!(
        why(asked().await),
        NotProven::Authenticity(Authenticity::UnknownKey)
    );
    // Each line left out; the new key put in by somebody else; cut off.
    for line in 0..5 {
        liar.says(move |path, answer| match path.ends_with("/walk") {
            true => {
                let lines = answer
                    .body
                    .split_inclusive(|byte| *byte == b'\n')
                    .enumerate();
                let body: Vec<u8> = lines
                    .filter(|(place, _)| *place != line)
                    .flat_map(|(_, line)| line.to_vec())
                    .collect();
                with(answer, body)
            }
            false => answer,
        });
        let told = why(asked().await);
        assert!(matches!(told, NotProven::Walk(_)), "line {line}: {told:?}");
    }
    // Of good form, with the right digest at its end: the rotation left out, and its record altered.
    let walk = library.reader().await.text("/v1/logs/payments/walk").await;
    let lines: Vec<&str> = walk.split_inclusive('\n').collect();
    let without: String = [&lines[..2], &lines[3..]].concat().concat();
    assert_eq!(lines.len(), 6, "{walk}");
    let salt = lines[2].find(r#""salt":""#).unwrap() + 8;
    let digit = if &lines[2][salt..=salt] == "0" {
        "1"
    } else {
        "0"
    };
    let hinge = format!("{}{digit}{}", &lines[2][..salt], &lines[2][salt + 1..]);
    let salted = walk.replacen(lines[2], &hinge, 1);
    assert_ne!(salted, walk);
    for forged in [without, salted] {
        let end = forged.rfind("{\"end\"").unwrap();
        let hash = sha256(&forged.as_bytes()[..end]);
        let forged = format!("{}{{\"end\":1,\"sha256\":\"{hash}\"}}\n", &forged[..end]);
        assert!(!WalkFile::read(forged.as_bytes()).unwrap().is_good());
        liar.says(move |path, answer| match path.ends_with("/walk") {
            true => with(answer, forged.clone()),
            false => answer,
        });
        let told = why(asked().await);
        assert!(matches!(told, NotProven::Walk(_)), "{told:?}");
    }
    // A good one, of another log by this name.
    let other = Arc::new(Library::new().await);
    rotate(&other, 1).await;
    let foreign = other.reader().await.text("/v1/logs/payments/walk").await;
    liar.says(move |path, answer| match path.ends_with("/walk") {
        true => with(answer, foreign.clone()),
        false => answer,
    });
    assert_eq!(
        why(asked().await),
        NotProven::Authenticity(Authenticity::UnknownKey)
    );
}
