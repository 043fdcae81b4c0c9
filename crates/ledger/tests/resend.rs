//! What is sent twice is recorded once, and answered with the record that was made of it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::surgery::tail;
use bed::{BY, Bed, caller, create, event};
use indelible_ledger::format::batch::BatchView;
use indelible_ledger::{Caller, Ledger, Log, Outcome, Place, Recorded, Refusal};
use indelible_proof::head::{Head, Own, Shared, Stream};
use indelible_proof::node_event::NodeEvent;
use std::sync::Arc;

/// An event that claims a number.
fn number(src: &str, epoch: u64, n: u64) -> Own<'_> {
    Own {
        stream: Some(Stream { src, epoch, n }),
        ..Own::default()
    }
}

fn key(key: &str) -> Own<'_> {
    Own {
        key: Some(key),
        ..Own::default()
    }
}

/// A node with a log, and somebody who sends to it.
struct Node {
    ledger: Ledger,
    log: Arc<Log>,
    caller: Caller,
}

impl Node {
    fn on(bed: &Bed) -> Node {
        let ledger = bed.open();
        let log = match ledger.books().log("payments") {
            Some(log) => log,
            None => create(&ledger, "payments", 1),
        };
        let caller = caller(&ledger, &log, 77);
        Node {
            ledger,
            log,
            caller,
        }
    }

    fn send_as(
        &mut self,
        by: &Shared<'_>,
        own: &Own<'_>,
        content: u64,
    ) -> Result<Recorded, Refusal> {
        let prepared = self
            .caller
            .prepare(&self.log, by, own, &event(content))
            .unwrap();
        self.ledger.append(&self.log, prepared)
    }

    fn send(&mut self, own: &Own<'_>, content: u64) -> Result<Recorded, Refusal> {
        self.send_as(&BY, own, content)
    }

    fn send_all(&mut self, events: &[(Own<'_>, u64)]) -> Outcome {
        let prepared = events
            .iter()
            .map(|(own, content)| {
                self.caller
                    .prepare(&self.log, &BY, own, &event(*content))
                    .unwrap()
            })
            .collect();
        self.ledger
            .submit_all(&self.log, prepared)
            .and_then(indelible_ledger::Ticket::wait)
    }

    fn of_node(&self) -> Vec<Vec<u8>> {
        let (books, log) = (self.ledger.books(), self.ledger.books().node_log());
        let mut events = Vec::new();
        books
            .records::<indelible_ledger::ReadError>(&log, 0..log.size(), &mut |stored| {
                events.extend(stored.content.map(|(_, event)| event));
                Ok(())
            })
            .unwrap();
        events
    }
}

#[track_caller]
fn is_original(again: &Recorded, first: &Recorded) {
    assert!(again.again && !first.again);
    assert_eq!(
        (again.seq, again.entry, &again.head, again.salt),
        (first.seq, first.entry, &first.head, first.salt)
    );
}

/// What it was answered with is the producer's own record of that number and content.
#[track_caller]
fn is_original_of(node: &Node, again: &Recorded, own: &Own<'_>, content: u64) {
    assert!(again.again);
    let stored = node.ledger.books().record(&node.log, again.seq).unwrap();
    let head = Head::parse(&stored.head).unwrap();
    assert_eq!((head.shared.by, head.own.stream), (BY.by, own.stream));
    assert_eq!(stored.content.unwrap().1, event(content));
}

const BY_OTHER: Shared<'static> = Shared {
    by: "unix:2000",
    ..BY
};

/// In the tail, in a pack, after a clean stop, after a crash.
fn everywhere(check: impl Fn(&mut Node)) {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    for n in 0..20 {
        node.send(&number("till", 0, n), n).unwrap();
        node.send(&Own::default(), n).unwrap();
        node.send(&key(&format!("key-{n}")), n).unwrap();
    }
    check(&mut node);
    node.ledger.seal().unwrap();
    check(&mut node);
    node.ledger.close("test").unwrap();
    let mut node = Node::on(&bed);
    check(&mut node);
    drop(node);
    let mut node = Node::on(&bed);
    check(&mut node);
    let report = bed.verify();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn a_number_sent_again_is_answered_with_its_record() {
    everywhere(|node| {
        let books = Arc::clone(node.ledger.books());
        for n in [0, 7, 19] {
            let again = node.send(&number("till", 0, n), n).unwrap();
            assert!(again.again);
            assert_eq!(again.seq, 1 + 3 * n);
            assert_eq!(books.record(&node.log, again.seq).unwrap().head, again.head);
            assert!(node.ledger.receipt(&node.log, &again).is_ok());
        }
    });
}

#[test]
fn a_number_taken_by_another_event_is_a_conflict() {
    everywhere(|node| {
        let size = node.log.size();
        let refused = node.send(&number("till", 0, 7), 8);
        assert_eq!(refused.unwrap_err(), Refusal::Conflict { seq: 22 });
        assert_eq!(node.log.size(), size);
    });
}

#[test]
fn a_gap_is_refused_with_the_number_expected() {
    everywhere(|node| {
        let size = node.log.size();
        let refused = node.send(&number("till", 0, 21), 21).unwrap_err();
        assert_eq!(refused, Refusal::Expected { epoch: 0, n: 20 });
        let refused = node.send(&number("till", 1, 0), 21).unwrap_err();
        assert_eq!(refused, Refusal::Expected { epoch: 0, n: 20 });
        let refused = node.send(&number("other", 0, 1), 21).unwrap_err();
        assert_eq!(refused, Refusal::Expected { epoch: 0, n: 0 });
        assert_eq!(node.log.size(), size);
    });
}

#[test]
fn another_principals_stream_and_key_are_others() {
    everywhere(|node| {
        let n = node.ledger.stream(&node.log, BY_OTHER.by, "till").next.n;
        let recorded = node.send_as(&BY_OTHER, &number("till", 0, n), n).unwrap();
        assert!(!recorded.again);
        let own = format!("key-{n}");
        let first = node.send_as(&BY_OTHER, &key(&own), n).unwrap();
        assert!(!first.again);
        is_original(&node.send_as(&BY_OTHER, &key(&own), n).unwrap(), &first);
    });
}

#[test]
fn a_key_sent_again_is_answered_with_its_record() {
    everywhere(|node| {
        for n in [0, 7, 19] {
            let again = node.send(&key(&format!("key-{n}")), n).unwrap();
            assert!(again.again);
            assert_eq!(again.seq, 3 + 3 * n);
        }
    });
}

#[test]
fn a_key_with_another_event_is_a_conflict_that_stands_in_the_node_log() {
    everywhere(|node| {
        let (size, said) = (node.log.size(), node.of_node().len());
        let refused = node.send(&key("key-7"), 8).unwrap_err();
        assert_eq!(refused, Refusal::Conflict { seq: 24 });
        assert_eq!(node.log.size(), size);
        let conflict = NodeEvent::Conflict {
            log: node.log.origin(),
            by: BY.by,
            key: "key-7",
            seq: 24,
        };
        let events = node.of_node();
        let new: Vec<_> = events[said..]
            .iter()
            .filter_map(|event| NodeEvent::parse(event))
            .filter(|event| matches!(event, NodeEvent::Conflict { .. }))
            .collect();
        assert_eq!(new, [conflict]);
    });
}

#[test]
fn of_two_with_one_claim_in_one_batch_one_is_recorded() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    for round in 0..20 {
        let own = format!("key-{round}");
        let claims = [number("till", 0, round), key(&own)];
        for claim in claims {
            let tickets: Vec<_> = (0..8)
                .map(|_| {
                    let prepared = node
                        .caller
                        .prepare(&node.log, &BY, &claim, &event(round))
                        .unwrap();
                    node.ledger.submit(&node.log, prepared).unwrap()
                })
                .collect();
            let recorded: Vec<Recorded> = tickets
                .into_iter()
                .map(|ticket| ticket.wait().unwrap().remove(0))
                .collect();
            recorded[1..]
                .iter()
                .for_each(|again| is_original(again, &recorded[0]));
        }
    }
    assert_eq!(node.log.size(), 41);
}

#[test]
fn callers_that_race_for_one_claim_all_hear_of_one_record() {
    let bed = Bed::new();
    let node = Node::on(&bed);
    let heard: Vec<Vec<Recorded>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|seed| {
                let (ledger, log) = (&node.ledger, &node.log);
                scope.spawn(move || {
                    let mut caller = caller(ledger, log, 900 + seed);
                    let mut send = |own: &Own<'_>, content| {
                        let prepared = caller.prepare(log, &BY, own, &event(content)).unwrap();
                        ledger.append(log, prepared).unwrap()
                    };
                    (0..40)
                        .flat_map(|n| {
                            [
                                send(&number("till", 0, n), n),
                                send(&key(&format!("k{n}")), n),
                            ]
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for at in 0..80 {
        let seqs: Vec<u64> = heard.iter().map(|heard| heard[at].seq).collect();
        assert!(seqs.iter().all(|seq| *seq == seqs[0]), "{at}: {seqs:?}");
        assert_eq!(heard.iter().filter(|heard| !heard[at].again).count(), 1);
    }
    assert_eq!(node.log.size(), 81);
}

#[test]
fn an_epoch_is_opened_by_whoever_knows_the_last_number() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    (0..5).for_each(|n| drop(node.send(&number("till", 0, n), n).unwrap()));
    let open = |node: &Node, epoch, last| {
        node.ledger
            .open_epoch(&node.log, BY.by, "till", epoch, last)
    };
    let expected = Refusal::Expected { epoch: 0, n: 5 };
    assert_eq!(open(&node, 0, Some(3)).unwrap_err(), expected);
    assert_eq!(open(&node, 1, None).unwrap_err(), expected);
    let opened = open(&node, 0, Some(4)).unwrap();
    assert_eq!(opened.seq, 6);
    // The race's second finds another place.
    assert_eq!(
        open(&node, 0, Some(4)).unwrap_err(),
        Refusal::Expected { epoch: 1, n: 0 }
    );
    for _ in 0..3 {
        assert_eq!(
            node.ledger.stream(&node.log, BY.by, "till").next,
            Place { epoch: 1, n: 0 }
        );
        assert!(node.send(&number("till", 0, 4), 4).unwrap().again);
        assert_eq!(
            node.send(&number("till", 0, 5), 5).unwrap_err(),
            Refusal::Expected { epoch: 1, n: 0 }
        );
        node.ledger.seal().unwrap();
        node.ledger.close("test").unwrap();
        node = Node::on(&bed);
    }
    node.send(&number("till", 1, 0), 9).unwrap();
    assert!(node.send(&number("till", 0, 0), 0).unwrap().again);
    assert!(bed.verify().findings.is_empty());
}

#[test]
fn a_stream_handed_on_goes_on_as_the_others_and_its_numbers_stay_taken() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    (0..5).for_each(|n| drop(node.send(&number("till", 0, n), n).unwrap()));
    let hand = |node: &Node, to| {
        node.ledger
            .hand_on(&node.log, (BY.by, "till"), to, 0, Some(4))
    };
    node.send_as(&BY_OTHER, &number("else", 0, 0), 1).unwrap();
    hand(&node, BY_OTHER.by).unwrap();
    assert_eq!(
        hand(&node, "unix:3000").unwrap_err(),
        Refusal::Handed {
            to: BY_OTHER.by.to_owned()
        }
    );
    for n in 5..8 {
        assert!(
            !node
                .send_as(&BY_OTHER, &number("till", 0, n), n)
                .unwrap()
                .again
        );
        for (by, n) in [(&BY, 2), (&BY_OTHER, 2), (&BY_OTHER, n)] {
            assert!(node.send_as(by, &number("till", 0, n), n).unwrap().again);
        }
        assert_eq!(
            node.send_as(&BY_OTHER, &number("till", 0, 2), 3)
                .unwrap_err(),
            Refusal::Conflict { seq: 3 }
        );
        assert_eq!(
            node.send(&number("till", 0, n), n).unwrap_err(),
            Refusal::Handed {
                to: BY_OTHER.by.to_owned()
            }
        );
        node.ledger.seal().unwrap();
        node.ledger.close("test").unwrap();
        node = Node::on(&bed);
    }
    assert_eq!(
        node.ledger
            .hand_on(&node.log, (BY_OTHER.by, "till"), BY.by, 0, Some(7))
            .unwrap_err(),
        Refusal::StreamTaken(BY.by.to_owned())
    );
    assert!(bed.verify().findings.is_empty());
}

/// Found by the simulation: a stream without numbers was handed on to the principal whose it was, who could use it no more.
#[test]
fn a_stream_is_not_handed_on_to_the_principal_whose_it_is() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    let hand = |node: &Node, last| {
        node.ledger
            .hand_on(&node.log, (BY.by, "till"), BY.by, 0, last)
    };
    let taken = Refusal::StreamTaken(BY.by.to_owned());
    let size = node.log.size();
    assert_eq!(hand(&node, None).unwrap_err(), taken);
    assert_eq!(node.log.size(), size);
    node.send(&number("till", 0, 0), 0).unwrap();
    assert_eq!(hand(&node, Some(0)).unwrap_err(), taken);
    node.send(&number("till", 0, 1), 1).unwrap();
    node.ledger.close("test").unwrap();
    assert!(bed.verify().findings.is_empty());
}

#[test]
fn events_sent_together_may_begin_with_some_that_were_sent_before() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    let events = |range: std::ops::Range<u64>| -> Vec<(Own<'static>, u64)> {
        range.map(|n| (number("till", 0, n), n)).collect()
    };
    node.send_all(&events(0..5)).unwrap();
    let recorded = node.send_all(&events(2..8)).unwrap();
    let again: Vec<bool> = recorded.iter().map(|recorded| recorded.again).collect();
    assert_eq!(again, [true, true, true, false, false, false]);
    assert_eq!(node.log.size(), 9);
    let mut other = events(6..10);
    other[0].1 = 99;
    assert_eq!(
        node.send_all(&other).unwrap_err(),
        Refusal::Conflict { seq: 7 }
    );
    let mut gap = events(8..12);
    gap.remove(2);
    assert_eq!(
        node.send_all(&gap).unwrap_err(),
        Refusal::Expected { epoch: 0, n: 10 }
    );
    // Nothing of it was taken.
    assert_eq!(node.log.size(), 9);
    assert!(node.send_all(&events(8..12)).is_ok());
}

#[test]
fn numbers_sent_again_together_are_found_between_records_of_others_with_the_same_numbers() {
    everywhere(|node| {
        for n in 0..6 {
            node.send_as(&BY_OTHER, &number("two", 0, n), 100 + n)
                .unwrap();
            node.send(&Own::default(), n).unwrap();
            node.send(&number("three", 0, n), 300 + n).unwrap();
            node.send(&number("two", 0, n), 200 + n).unwrap();
        }
        let events: Vec<_> = (1..5).map(|n| (number("two", 0, n), 200 + n)).collect();
        let again = node.send_all(&events).unwrap();
        for (recorded, (own, content)) in again.iter().zip(&events) {
            is_original_of(node, recorded, own, *content);
        }
        let seqs: Vec<u64> = again.iter().map(|recorded| recorded.seq).collect();
        assert!(
            seqs.windows(2).all(|pair| pair[1] == pair[0] + 4),
            "{seqs:?}"
        );
    });
}

#[test]
fn an_original_that_cant_be_read_keeps_nobody_from_those_before_it() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    let events = |range: std::ops::Range<u64>| -> Vec<(Own<'static>, u64)> {
        range.map(|n| (number("till", 0, n), n)).collect()
    };
    for n in 0..5 {
        node.send(&number("till", 0, n), n).unwrap();
    }
    let slot = tail(&bed)
        .into_iter()
        .find(|slot| {
            let batch = BatchView::parse(&slot.bytes).unwrap();
            batch
                .parts()
                .any(|part| (part.row.log, part.row.first) == (node.log.id(), 4))
        })
        .unwrap();
    slot.flip(slot.bytes.len() - 1);
    let again = node.send_all(&events(0..3)).unwrap();
    assert!(again.iter().all(|recorded| recorded.again));
    for range in [3..4, 3..5, 2..5] {
        match node.send_all(&events(range)).unwrap_err() {
            Refusal::Unreadable { seq, why } => {
                assert_eq!(seq, 4);
                assert!(!why.starts_with("no record"), "{why}");
            }
            refused => panic!("{refused}"),
        }
    }
    slot.flip(slot.bytes.len() - 1);
    assert!(node.send_all(&events(0..5)).is_ok());
}

#[test]
fn many_sent_again_at_once_are_each_answered_with_their_own() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    let events = |range: std::ops::Range<u64>| -> Vec<(Own<'static>, u64)> {
        range
            .flat_map(|n| [(number("till", 0, n), n), (number("bank", 0, n), n + 5)])
            .collect()
    };
    let mut first = node.send_all(&events(0..400)).unwrap();
    node.ledger.seal().unwrap();
    first.extend(node.send_all(&events(400..500)).unwrap());
    for _ in 0..2 {
        let again = node.send_all(&events(0..500)).unwrap();
        assert_eq!(again.len(), first.len());
        again
            .iter()
            .zip(&first)
            .for_each(|(again, first)| is_original(again, first));
        node.ledger.seal().unwrap();
    }
    let mut other = events(0..500);
    other[777].1 += 1;
    let refused = node.send_all(&other).unwrap_err();
    assert_eq!(
        refused,
        Refusal::Conflict {
            seq: first[777].seq
        }
    );
}

#[test]
fn an_array_under_a_key_is_recorded_once_and_whole() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    let keys: Vec<String> = (0..4).map(|at| format!("batch#{at}")).collect();
    let array = |count: usize| -> Vec<(Own<'_>, u64)> {
        keys[..count]
            .iter()
            .zip(0..)
            .map(|(text, n)| (key(text), n))
            .collect()
    };
    let first = node.send_all(&array(3)).unwrap();
    let again = node.send_all(&array(3)).unwrap();
    again
        .iter()
        .zip(&first)
        .for_each(|(again, first)| is_original(again, first));
    assert_eq!(
        node.send_all(&array(4)).unwrap_err(),
        Refusal::Conflict { seq: 1 }
    );
    assert_eq!(node.log.size(), 4);
}

#[test]
fn events_sent_together_claim_different_things() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    for claim in [number("till", 0, 0), key("a")] {
        let refused = node.send_all(&[(claim, 1), (claim, 1)]).unwrap_err();
        assert_eq!(refused, Refusal::Twice);
        assert!(!node.send(&claim, 1).unwrap().again);
    }
    assert_eq!(node.log.size(), 3);
}

#[test]
fn an_event_may_claim_a_number_and_a_key() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    let both = |n, own| Own {
        key: Some(own),
        ..number("till", 0, n)
    };
    let first = node.send(&both(0, "a"), 1).unwrap();
    is_original(&node.send(&both(0, "a"), 1).unwrap(), &first);
    // A new number with a key that was used, and a number that was used with a new key.
    for claim in [both(1, "a"), both(0, "b")] {
        let refused = node.send(&claim, 1).unwrap_err();
        assert_eq!(refused, Refusal::Conflict { seq: 1 });
    }
    assert_eq!(node.log.size(), 2);
}

#[test]
fn a_claim_without_its_form_is_refused() {
    let bed = Bed::new();
    let mut node = Node::on(&bed);
    let long = "x".repeat(129);
    for own in [
        key(""),
        key("a b"),
        key("a#b"),
        key("a#65536"),
        key(&long),
        number("", 0, 0),
        number(&long, 0, 0),
        number("till", 0, 1 << 53),
    ] {
        assert!(node.caller.prepare(&node.log, &BY, &own, b"{}").is_err());
    }
}
