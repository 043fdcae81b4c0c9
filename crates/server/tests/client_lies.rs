//! Answers of a node that lies, each made from a true one: the client's judgement refuses all of them, and says what is wrong.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::{Bed, PRODUCER};
use indelible_api::{Answer, Array, Short, Single};
use indelible_client::NotProven;
use indelible_client::verify::{Sender, Sent, Verifier};
use indelible_proof::hash::Hash;
use indelible_proof::head::{Own, Stream};
use indelible_proof::key::VerifierKey;
use indelible_proof::pin::Pin;
use indelible_proof::verdict::{Authenticity, Integrity};
use indelible_proof::verify::verify_batch_receipt;

const KEY: &str = "k-1";
const EVENT: &str = r#"{"a":1}"#;
const EVENTS: [&str; 5] = [
    r#"{"n":0}"#,
    r#"{"n":1}"#,
    r#"{"n":2}"#,
    r#"{"n":3}"#,
    r#"{"n":4}"#,
];

fn pin(bed: &Bed) -> Pin {
    let keys = bed.node.ledger.books().keys(&bed.log).unwrap();
    let key = keys.keys.first().unwrap();
    Pin::parse(format!("indelible-pin-v1 {} {key}\n", bed.log.id()).as_bytes()).unwrap()
}

fn short(text: &str) -> Short {
    Short::new(text).unwrap()
}

fn own(key: &str) -> Own<'_> {
    Own {
        key: Some(key),
        ..Own::default()
    }
}

/// A bed, and the true answer to [`EVENT`] under [`KEY`].
async fn one() -> (Bed, Single) {
    let bed = Bed::new().await;
    let mut raw = bed.producer().await;
    raw.post("payments", r#"{"before":1}"#, &[]).await;
    let answer = raw
        .post("payments", EVENT, &[("idempotency-key", KEY)])
        .await;
    (bed, answer.json())
}

async fn several() -> (Bed, Array) {
    let bed = Bed::new().await;
    let mut raw = bed.producer().await;
    raw.post("payments", r#"{"before":1}"#, &[]).await;
    let body = format!("[{}]", EVENTS.join(","));
    let answer = raw
        .post("payments", body, &[("idempotency-key", KEY)])
        .await;
    let Answer::Array(array) = answer.json() else {
        panic!("{answer:?}")
    };
    (bed, *array)
}

fn judge(bed: &Bed, single: &Single) -> Result<u64, NotProven> {
    let sent = Sent {
        event: EVENT.as_bytes(),
        own: own(KEY),
    };
    let verifier = Verifier::new(pin(bed), None);
    let judged = verifier.single(single, &sender(), &sent);
    judged.map(|recorded| recorded.seq)
}

fn sender() -> Sender<'static> {
    Sender {
        by: Some(PRODUCER),
        certificate: None,
    }
}

fn judge_all(bed: &Bed, array: &Array) -> Result<Vec<u64>, NotProven> {
    let keys: Vec<String> = (0..EVENTS.len()).map(|n| format!("{KEY}#{n}")).collect();
    let sent = EVENTS.iter().zip(&keys).map(|(event, key)| Sent {
        event: event.as_bytes(),
        own: own(key),
    });
    let verifier = Verifier::new(pin(bed), None);
    let judged = verifier.array(array, &sender(), sent)?;
    Ok(judged.iter().map(|one| one.seq).collect())
}

/// The same answer with one thing changed.
fn with<T: Clone>(answer: &T, change: impl FnOnce(&mut T)) -> T {
    let mut changed = answer.clone();
    change(&mut changed);
    changed
}

/// The text with one base64 character of its line that begins so made another.
fn flipped(text: &str, line: usize) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = lines[line].len() - 12;
    let other = if &lines[line][at..=at] == "A" {
        "B"
    } else {
        "A"
    };
    lines[line].replace_range(at..=at, other);
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_true_answer_is_believed_and_a_receipt_of_anything_else_is_not() {
    let (bed, true_one) = one().await;
    assert_eq!(judge(&bed, &true_one), Ok(2));
    let mut raw = bed.producer().await;
    let fields = [("idempotency-key", "k-2")];
    let equal: Single = raw.post("payments", EVENT, &fields).await.json();
    let other: Single = raw.post("payments", r#"{"a":2}"#, &[]).await.json();

    // A receipt of another event; or of this one with that salt.
    assert_eq!(judge(&bed, &other), Err(NotProven::OtherEvent(4)));
    let salted = with(&true_one, |one| one.salt.clone_from(&other.salt));
    assert_eq!(judge(&bed, &salted), Err(NotProven::OtherEvent(2)));
    // An older receipt of an equal event that another key brought.
    assert_eq!(judge(&bed, &equal), Err(NotProven::OtherClaim(3)));
    // Another place than the receipt's, another entry.
    let moved = with(&true_one, |one| one.seq = 3);
    assert_eq!(judge(&bed, &moved), Err(NotProven::OtherPlace(2)));
    let entry = with(&true_one, |one| one.entry.clone_from(&other.entry));
    assert_eq!(judge(&bed, &entry), Err(NotProven::OtherPlace(2)));
    // Of another log by its word, or by the receipt itself.
    let named = with(&true_one, |one| {
        one.log = "other.example/payments/c3c3c3c3c3c3c3c3".to_owned()
    });
    assert!(matches!(judge(&bed, &named), Err(NotProven::OtherLog(_))));
    let renamed = with(&true_one, |one| {
        one.receipt = one
            .receipt
            .replace("audit.example.org/payments/", "audit.example.org/refunds/");
    });
    assert!(
        matches!(judge(&bed, &renamed), Err(NotProven::OtherLog(_))),
        "{:?}",
        judge(&bed, &renamed)
    );
    for salt in [
        "",
        "00",
        &true_one.salt.to_uppercase(),
        &format!("{}0", true_one.salt),
    ] {
        let wrong = with(&true_one, |one| one.salt = salt.to_owned());
        let digits_alone = salt == true_one.salt;
        assert!(digits_alone || judge(&bed, &wrong).is_err(), "{salt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_was_altered_and_a_signature_that_is_none_are_refused() {
    let (bed, true_one) = one().await;
    // The head stands in line 2 of the receipt, the log's signature in the last.
    let altered = with(&true_one, |one| one.receipt = flipped(&one.receipt, 1));
    assert!(judge(&bed, &altered).is_err());
    let lines = true_one.receipt.split('\n').count();
    let signature = with(&true_one, |one| {
        one.receipt = flipped(&one.receipt, lines - 2)
    });
    assert_eq!(
        judge(&bed, &signature),
        Err(NotProven::Authenticity(Authenticity::SignatureInvalid))
    );
    // Every line of it changed somewhere, and every line left out.
    for line in 0..lines - 1 {
        if true_one
            .receipt
            .split('\n')
            .nth(line)
            .is_some_and(|line| line.len() > 12)
        {
            let changed = with(&true_one, |one| one.receipt = flipped(&one.receipt, line));
            assert!(judge(&bed, &changed).is_err(), "line {line}");
        }
        let cut = with(&true_one, |one| {
            let kept = one
                .receipt
                .split('\n')
                .enumerate()
                .filter(|(place, _)| *place != line);
            one.receipt = kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        });
        assert!(judge(&bed, &cut).is_err(), "line {line}");
    }
    // The pin of another key of the same name.
    let other = VerifierKey::ed25519(pin(&bed).origin(), [3; 32]);
    let other = Verifier::new(Pin::new(bed.log.id(), other).unwrap(), None);
    let sent = Sent {
        event: EVENT.as_bytes(),
        own: own(KEY),
    };
    let told = other.single(&true_one, &sender(), &sent).unwrap_err();
    assert_eq!(told, NotProven::Authenticity(Authenticity::UnknownKey));
    assert!(told.to_string().contains("give the walk"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_was_believed_vouches_for_no_other_receipt() {
    let (bed, true_one) = one().await;
    let verifier = Verifier::new(pin(&bed), None);
    let sent = Sent {
        event: EVENT.as_bytes(),
        own: own(KEY),
    };
    // With the note remembered, the signature is not checked again; everything else is.
    for _ in 0..2 {
        assert!(verifier.single(&true_one, &sender(), &sent).is_ok());
    }
    let altered = with(&true_one, |one| one.receipt = flipped(&one.receipt, 1));
    assert!(verifier.single(&altered, &sender(), &sent).is_err());
    let lines = true_one.receipt.split('\n').count();
    for line in 3..lines - 1 {
        if true_one
            .receipt
            .split('\n')
            .nth(line)
            .is_some_and(|line| line.len() > 12)
        {
            let changed = with(&true_one, |one| one.receipt = flipped(&one.receipt, line));
            assert!(
                verifier.single(&changed, &sender(), &sent).is_err(),
                "line {line}"
            );
        }
    }
    let elsewhere = Sent {
        event: br#"{"a":2}"#,
        ..sent
    };
    let told = verifier.single(&true_one, &sender(), &elsewhere);
    assert_eq!(told, Err(NotProven::OtherEvent(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sent_it_and_under_which_claim_is_checked() {
    let (bed, true_one) = one().await;
    let verifier = Verifier::new(pin(&bed), None);
    let sent = |own| Sent {
        event: EVENT.as_bytes(),
        own,
    };
    let other = Sender {
        by: Some("spiffe://example.org/other"),
        certificate: None,
    };
    let told = verifier.single(&true_one, &other, &sent(own(KEY)));
    assert!(
        matches!(told, Err(NotProven::OtherSender { seq: 2, .. })),
        "{told:?}"
    );
    let certificate = Sender {
        by: None,
        certificate: Some(Hash::ZERO),
    };
    let told = verifier.single(&true_one, &certificate, &sent(own(KEY)));
    assert!(
        matches!(told, Err(NotProven::OtherSender { seq: 2, .. })),
        "{told:?}"
    );
    // An original may have come with a certificate that was replaced since.
    let again = with(&true_one, |one| one.again = true);
    assert!(
        verifier
            .single(&again, &certificate, &sent(own(KEY)))
            .is_ok()
    );
    let stream = Own {
        stream: Some(Stream {
            src: "s",
            epoch: 0,
            n: 0,
        }),
        ..Own::default()
    };
    for own in [Own::default(), own("k-2"), stream] {
        let told = verifier.single(&true_one, &sender(), &sent(own));
        assert_eq!(told, Err(NotProven::OtherClaim(2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_array_nothing_can_be_swapped_moved_or_left_out() {
    let (bed, array) = several().await;
    assert_eq!(judge_all(&bed, &array), Ok(vec![2, 3, 4, 5, 6]));
    let mismatch = |told: Result<Vec<u64>, NotProven>, what: &str| {
        assert!(
            matches!(told, Err(NotProven::Integrity(Integrity::RootMismatch(7)))),
            "{what}: {told:?}"
        );
    };
    let change =
        |change: &dyn Fn(&mut Array)| judge_all(&bed, &with(&array, |array| change(array)));
    mismatch(change(&|array| array.salts.swap(0, 1)), "salts swapped");
    mismatch(
        change(&|array| array.prev = "00".repeat(32)),
        "another record before",
    );
    mismatch(
        change(&|array| array.shared.via = "ingest/otlp".to_owned()),
        "another listener",
    );
    mismatch(change(&|array| array.shared.from = None), "no address");
    mismatch(
        change(&|array| array.shared.policy = Some(7)),
        "another policy",
    );
    mismatch(
        change(&|array| array.times[4] = short("2099-01-01T00:00:00.000000000Z")),
        "another time",
    );
    assert_eq!(
        change(&|array| array.times.swap(0, 1)),
        Err(NotProven::Time(3))
    );
    assert_eq!(
        change(&|array| array.first = 3),
        Err(NotProven::OtherPlace(2))
    );
    assert_eq!(
        change(&|array| array.count = 4),
        Err(NotProven::OtherPlace(2))
    );
    let fewer = change(&|array| array.salts.truncate(4));
    assert_eq!(
        fewer,
        Err(NotProven::Count {
            sent: 5,
            answered: 4
        })
    );
    assert_eq!(
        change(&|array| array.shared.kind = "node".to_owned()),
        Err(NotProven::OtherKind(2))
    );
    assert!(matches!(
        change(&|array| array.shared.by = "spiffe://example.org/other".to_owned()),
        Err(NotProven::OtherSender { .. })
    ));
    for (what, told) in [
        (
            "salt",
            change(&|array| array.salts[2] = short(&"x".repeat(32))),
        ),
        ("time", change(&|array| array.times[2] = short("yesterday"))),
        ("prev", change(&|array| array.prev.push('0'))),
        (
            "via",
            change(&|array| array.shared.via = "\",\"x\":\"".to_owned()),
        ),
        ("receipt", change(&|array| array.receipt.insert(0, ' '))),
    ] {
        assert!(
            matches!(told, Err(NotProven::Malformed(_))),
            "{what}: {told:?}"
        );
    }
    let lines = array.receipt.split('\n').count();
    let told = change(&|array| array.receipt = flipped(&array.receipt, lines - 2));
    assert_eq!(
        told,
        Err(NotProven::Authenticity(Authenticity::SignatureInvalid))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_of_other_events_or_another_order_is_refused() {
    let (bed, array) = several().await;
    let verifier = Verifier::new(pin(&bed), None);
    let keys: Vec<String> = (0..5).map(|n| format!("{KEY}#{n}")).collect();
    let judge = |order: [usize; 5], keys: &[String]| {
        let sent = order.iter().zip(keys).map(|(place, key)| Sent {
            event: EVENTS[*place].as_bytes(),
            own: own(key),
        });
        verifier.array(&array, &sender(), sent)
    };
    let told = judge([0, 1, 3, 2, 4], &keys);
    assert!(matches!(told, Err(NotProven::Integrity(_))), "{told:?}");
    let mut others = keys.clone();
    others.swap(0, 4);
    let told = judge([0, 1, 2, 3, 4], &others);
    assert!(matches!(told, Err(NotProven::Integrity(_))), "{told:?}");
    // What the client rebuilt is what every other verifier takes.
    let judged = judge([0, 1, 2, 3, 4], &keys).unwrap();
    let lines: Vec<Vec<u8>> = judged
        .iter()
        .zip(EVENTS)
        .map(|(one, event)| one.line(event.as_bytes()))
        .collect();
    let pin = pin(&bed);
    let report = verify_batch_receipt(
        array.receipt.as_bytes(),
        Some(&pin),
        Some(&lines.join(&b'\n')),
    );
    assert_eq!(report.verdict.exit_code(), 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_under_one_key_are_a_fork_and_both_notes_are_kept() {
    // Two nodes with the same secret and the same log: what an operator could do who shows each sender another history.
    let (bed, one_single) = one().await;
    let other_bed = Bed::new().await;
    let mut raw = other_bed.producer().await;
    raw.post("payments", r#"{"before":2}"#, &[]).await;
    let answer = raw
        .post("payments", EVENT, &[("idempotency-key", KEY)])
        .await;
    let other_single: Single = answer.json();
    assert_eq!(one_single.log, other_single.log);
    let verifier = Verifier::new(pin(&bed), None);
    let sent = Sent {
        event: EVENT.as_bytes(),
        own: own(KEY),
    };
    assert!(verifier.single(&one_single, &sender(), &sent).is_ok());
    let told = verifier
        .single(&other_single, &sender(), &sent)
        .unwrap_err();
    let NotProven::Fork {
        one,
        other,
        proof: None,
    } = told
    else {
        panic!("{told}")
    };
    assert!(one_single.receipt.ends_with(&one) && other_single.receipt.ends_with(&other));
}
