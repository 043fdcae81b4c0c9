use super::*;

/// A log with so many honest records, event `n` as record `n`.
fn honest(count: u64) -> (Model, Vec<Record>) {
    let mut model = Model::default();
    model.founding("log");
    let key = format!(
        "origin+00000000+{}",
        STANDARD.encode([&[1][..], &[7; 32]].concat())
    );
    model.founded("log", "origin", &key).unwrap();
    let (mut records, mut prev) = (Vec::new(), [0; 32]);
    for number in 0..count {
        let (salt, event) = (vec![b'a'; 32], event(number));
        let digest = hex(&sha256(&[&salt, &event]));
        let head = format!(
            r#"{{"indelible":1,"log":"origin","by":"unix:1","digest":"{digest}","seq":{number},"time":"2026-{number:04}","prev":"{}"}}"#,
            hex(&prev)
        );
        prev = sha256(&[head.as_bytes()]);
        let head = head.into_bytes();
        records.push(Record { head, salt, event });
    }
    for (number, record) in (0..).zip(&records) {
        model.sending("log", number);
        model.sent_by("log", number, "unix:1");
        model
            .acknowledged("log", number, number, record.clone(), false)
            .unwrap();
    }
    (model, records)
}

#[test]
fn what_was_promised_and_is_there_is_judged_good() {
    let (model, records) = honest(9);
    model.judge("log", &records).unwrap();
}

#[test]
fn each_broken_promise_is_named() {
    type Break = fn(&mut Model, &mut Vec<Record>);
    let broken: [(&str, Break); 8] = [
        ("acknowledged and not there", |_, records| {
            drop(records.pop())
        }),
        ("its digest is not", |_, records| {
            records[3].event = event(99)
        }),
        ("it says another seq", |_, records| records.swap(3, 4)),
        ("prev is not", |_, records| drop(records.remove(3))),
        ("it says another sender", |model, _| {
            model.log("log").senders.clear();
            model.sent_by("log", 3, "unix:2");
        }),
        ("was sent by nobody", |model, _| {
            _ = model.log("log").sent.remove(&3)
        }),
        ("its sender was told: not recorded", |model, _| {
            model.log("log").sent.insert(3, Heard::Refused);
        }),
        ("events are there that belong together", |model, _| {
            model.together("log", &[3, 77]);
        }),
    ];
    for (named, break_it) in broken {
        let (mut model, mut records) = honest(9);
        break_it(&mut model, &mut records);
        let what = model.judge("log", &records).unwrap_err();
        let seq_of_neighbour = named == "prev is not" && what.contains("it says another seq");
        assert!(what.contains(named) || seq_of_neighbour, "{named}: {what}");
    }
}

#[test]
fn an_event_is_acknowledged_once_and_behind_what_was_known_when_it_was_sent() {
    let (mut model, records) = honest(3);
    let again = model.acknowledged("log", 2, 2, records[2].clone(), true);
    again.unwrap();
    let other = Record {
        salt: vec![b'b'; 32],
        ..records[2].clone()
    };
    assert!(model.acknowledged("log", 2, 2, other, true).is_err());
    assert!(
        model
            .acknowledged("log", 2, 3, records[2].clone(), false)
            .is_err()
    );
    model.sending("log", 9);
    let early = model.acknowledged("log", 9, 1, records[1].clone(), false);
    assert!(early.is_err());
}
