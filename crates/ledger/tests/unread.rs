//! What can't be read is never called complete, even where nothing behind it tells what was in it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod bed;

use bed::surgery::{edit, packs, tail};
use bed::{Bed, append, caller, create};
use indelible_proof::verdict::Completeness;

/// Two logs; the records of one of them are over before the other goes on.
fn store() -> Bed {
    let bed = Bed::new();
    let ledger = bed.open();
    let (one, two) = (create(&ledger, "one", 1), create(&ledger, "two", 2));
    append(&ledger, &two, &mut caller(&ledger, &two, 6), 0..2);
    append(&ledger, &one, &mut caller(&ledger, &one, 5), 0..2);
    append(&ledger, &two, &mut caller(&ledger, &two, 7), 2..4);
    ledger.close("asked").unwrap();
    bed
}

#[track_caller]
fn is_incomplete(bed: &Bed, what: &str) {
    let verdict = bed.verify().verdict;
    assert_eq!(verdict.exit_code(), 1, "{what}: {verdict}");
    assert_ne!(
        verdict.completeness,
        Completeness::AsCommitted,
        "{what}: {verdict}"
    );
}

#[test]
fn a_store_with_an_unreadable_batch_is_never_complete() {
    let bed = store();
    assert_eq!(bed.verify().verdict.completeness, Completeness::AsCommitted);
    for slot in tail(&bed) {
        slot.flip(10);
        is_incomplete(&bed, &format!("batch {}", slot.number));
        slot.flip(10);
    }
    assert_eq!(bed.verify().verdict.completeness, Completeness::AsCommitted);
}

#[test]
fn a_store_with_an_unreadable_pack_is_never_complete() {
    let bed = store();
    let ledger = bed.open();
    ledger.seal().unwrap();
    ledger.close("asked").unwrap();
    for pack in packs(&bed) {
        for at in [0, 40, 300, 579] {
            edit(&pack.ent, |bytes| bytes[at] ^= 1);
            is_incomplete(&bed, &format!("{} at {at}", pack.ent_name));
            edit(&pack.ent, |bytes| bytes[at] ^= 1);
        }
    }
}

#[test]
fn records_that_nothing_vouches_for_are_told_in_one_line_a_log() {
    let bed = store();
    let first = &tail(&bed)[0];
    assert_eq!(first.number, 0);
    first.flip(10);
    let report = bed.verify();
    assert_eq!(report.verdict.completeness, Completeness::BatchMissing(0));
    let told = report
        .notes
        .iter()
        .filter(|note| note.contains("beginning is lost"));
    assert_eq!(told.count(), 1, "{:#?}", report.notes);
}
