//! Proofs about a log's past, and what a refusal of a proof or a receipt says should have stood there.

use crate::log::Log;
use indelible_proof::hash::Hash;
use indelible_proof::prove::{TreeHead, encode_consistency, encode_head_at};
use indelible_proof::time::Time;
use indelible_proof::verdict::{Integrity, Part};
use indelible_proof::verify::{Report, verify_proof, verify_receipt};

fn tree_head(log: &Log, size: u64) -> TreeHead {
    let root = log.root(size);
    TreeHead { size, root }
}

/// The head at the time of record `size` − 1 in a log of 7 records, with as many records beside the border as asked for.
fn head_at(log: &Log, size: u64, with_after: bool) -> Report {
    let count = 1 + u64::from(with_after);
    let (left, right) = log.sides(size - 1, count, 7);
    let hashes: Vec<Hash> = [left, right].concat();
    let head = |seq: u64| log.records[usize::try_from(seq).unwrap()].head.as_slice();
    let text = encode_head_at(
        &Time::new(1_795_428_000 + size - 1, 5).unwrap(),
        &tree_head(log, size),
        Some(head(size - 1)),
        with_after.then(|| head(size)),
        &hashes,
        &log.note(7),
    );
    verify_proof(text.as_bytes(), Some(&log.pin()))
}

#[test]
fn the_last_record_before_a_time_is_shown_with_the_one_that_follows() {
    let log = Log::of(6);
    for size in 1..7 {
        let report = head_at(&log, size, true);
        assert_eq!(report.verdict.exit_code(), 0, "{size}: {}", report.verdict);
        // Without it nothing says that there are no more records up to that time.
        let report = head_at(&log, size, false);
        assert_eq!(
            report.verdict.integrity,
            Integrity::RootMismatch(7),
            "{size}"
        );
    }
    assert_eq!(head_at(&log, 7, false).verdict.exit_code(), 0);
}

/// Every line of the text with a letter put before it is refused, and `expected` says what should stand there.
fn check(text: &str, expected: &[&str], judge: impl Fn(&[u8]) -> Report) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (number, expected) in (1..).zip(expected) {
        let mut changed: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
        changed[number - 1].insert(0, 'x');
        let report = judge(changed.concat().as_bytes());
        let part = match *expected {
            "a signed checkpoint" => Part::Checkpoint,
            _ => Part::Line(u64::try_from(number).unwrap()),
        };
        assert_eq!(
            report.verdict.integrity,
            Integrity::Malformed(part),
            "{number}"
        );
        assert_eq!(report.expected, Some(*expected), "{number}");
    }
}

#[test]
fn a_malformed_receipt_is_refused_with_what_should_have_stood_there() {
    let log = Log::of(1);
    let expected = [
        "c2sp.org/tlog-proof@v1, in at most 512 KiB of UTF-8",
        "the head in base64",
        "the index",
        "a hash of the inclusion proof, or the empty line after it",
        "a hash of the inclusion proof, or the empty line after it",
    ];
    check(&log.receipt(1, 2), &expected, |text| {
        verify_receipt(text, None, None)
    });
    let without_note = log.receipt(1, 2).split_once("\n\n").unwrap().0.to_string() + "\n\n";
    let report = verify_receipt(without_note.as_bytes(), None, None);
    assert_eq!(report.expected, Some("a signed checkpoint"));
}

#[test]
fn a_malformed_proof_is_refused_with_what_should_have_stood_there() {
    let log = Log::of(6);
    let (from, to) = (tree_head(&log, 2), tree_head(&log, 5));
    let (between, after) = (log.consistency(2, 5), log.consistency(5, 7));
    let text = encode_consistency(&from, &to, &between, &after, &log.note(7));
    let report = verify_proof(text.as_bytes(), Some(&log.pin()));
    assert_eq!((report.verdict.exit_code(), report.expected), (0, None));
    let line = "another line of this form";
    let title = "indelible-consistency-v1 or indelible-head-at-v1, in at most 512 KiB of UTF-8";
    let expected = [title, line, line, line];
    check(&text, &expected, |text| verify_proof(text, None));
    let cut = text.find("log.example").unwrap();
    let report = verify_proof(&text.as_bytes()[..cut], None);
    assert_eq!(report.expected, Some("a signed checkpoint"));
}
