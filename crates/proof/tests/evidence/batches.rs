//! A batch receipt and its records, which come one line after the other.

use crate::log::Log;
use indelible_proof::verdict::{Integrity, Part};
use indelible_proof::verify::{BatchReceiptVerifier, verify_batch_receipt};

#[test]
fn whoever_brings_the_records_may_stop_when_more_of_them_change_nothing() {
    let log = Log::of(6);
    let receipt = log.batch_receipt(2, 3, 7);
    let pin = log.pin();
    let begin = || {
        let mut verifier = BatchReceiptVerifier::new(receipt.as_bytes(), Some(&pin));
        (2..5).for_each(|seq| verifier.take(&log.line(seq)));
        assert!(!verifier.is_refused());
        verifier
    };
    assert_eq!(begin().finish(true).verdict.exit_code(), 0);
    let malformed = Integrity::Malformed(Part::Record);
    for too_many in [log.line(5), b"no record".to_vec()] {
        let mut verifier = begin();
        verifier.take(&too_many);
        assert!(verifier.is_refused());
        assert_eq!(verifier.finish(true).verdict.integrity, malformed);
    }
    let refused = BatchReceiptVerifier::new(b"no receipt", Some(&pin));
    assert!(refused.is_refused());
}

#[test]
fn a_malformed_batch_receipt_is_refused_with_what_should_have_stood_there() {
    let log = Log::of(6);
    let receipt = log.batch_receipt(2, 3, 7);
    let lines: Vec<&str> = receipt.split_inclusive('\n').collect();
    let last = lines.iter().position(|line| *line == "\n").unwrap();
    for (line, part, expected) in [
        (
            0,
            Part::Line(1),
            "indelible-batch-receipt-v1, in at most 512 KiB of UTF-8",
        ),
        (1, Part::Line(2), "the first seq"),
        (2, Part::Line(3), "the number of records, 1 to 65,536"),
        (
            3,
            Part::Line(4),
            "a hash beside the range, or the empty line after them",
        ),
        (last + 1, Part::Checkpoint, "a signed checkpoint"),
    ] {
        let mut changed: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
        changed[line].insert(0, '\t');
        let report = verify_batch_receipt(changed.concat().as_bytes(), None, None);
        assert_eq!(report.verdict.integrity, Integrity::Malformed(part));
        assert_eq!(report.expected, Some(expected));
    }
    let report = verify_batch_receipt(receipt.as_bytes(), Some(&log.pin()), Some(&log.line(2)));
    let expected = "as many record lines as the batch receipt says";
    assert_eq!(report.expected, Some(expected));
}
