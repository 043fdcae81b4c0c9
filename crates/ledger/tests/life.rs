//! The life of records: in, durable, read back, proved, sealed, verified, after every kind of stop.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::{Bed, append, caller, create, event, submit};
use indelible_proof::hash;

#[test]
fn a_record_is_read_back_as_it_was_recorded() {
    let bed = Bed::new();
    let ledger = bed.open();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    let recorded = append(&ledger, &log, &mut caller, 0..5);
    for (number, recorded) in (0..).zip(&recorded) {
        let stored = ledger.books().record(&log, recorded.seq).unwrap();
        assert_eq!(recorded.seq, number + 1);
        assert_eq!(
            (&stored.head, hash::entry(&stored.head)),
            (&recorded.head, recorded.entry)
        );
        assert_eq!(stored.content.unwrap().1, event(number));
    }
    ledger.close("test").unwrap();
    let report = bed.verify();
    assert_eq!(
        (report.verdict.exit_code(), report.findings),
        (0, Vec::new()),
        "{}",
        report.verdict
    );
}

#[test]
fn sealed_records_stay_the_same_and_everything_verifies() {
    let bed = Bed::new();
    let ledger = bed.open();
    let (one, two) = (create(&ledger, "one", 1), create(&ledger, "two", 2));
    let (mut first, mut second) = (caller(&ledger, &one, 5), caller(&ledger, &two, 6));
    for round in 0..6 {
        submit(&ledger, &one, &mut first, round * 700..(round + 1) * 700);
        append(&ledger, &two, &mut second, round * 3..(round + 1) * 3);
        if round % 2 == 1 {
            assert_eq!(ledger.seal().unwrap().len(), 1);
        }
    }
    let before: Vec<_> = (0..one.size())
        .map(|seq| ledger.books().record(&one, seq).unwrap())
        .collect();
    let root = one.head();
    ledger.close("test").unwrap();
    let report = bed.verify();
    assert_eq!(
        (report.verdict.exit_code(), &report.findings),
        (0, &Vec::new()),
        "{}",
        report.verdict
    );
    assert_eq!(report.checked.packs, 3);

    let ledger = bed.open();
    let one = ledger.books().log("one").unwrap();
    assert_eq!(one.head(), root);
    let after: Vec<_> = (0..one.size())
        .map(|seq| ledger.books().record(&one, seq).unwrap())
        .collect();
    assert_eq!(before, after);
    for size in [1, 2, 255, 256, 257, 1400, 1401, 2800, root.0] {
        let proof = ledger.books().consistency(&one, size, root.0).unwrap();
        let old = ledger.books().root_at(&one, size).unwrap();
        assert!(
            indelible_proof::tree::consistency::verify(size, &old, root.0, &root.1, &proof),
            "{size}"
        );
    }
}
