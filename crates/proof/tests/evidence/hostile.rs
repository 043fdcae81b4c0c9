//! Nothing done to a receipt or an export passes under the pin, and nothing stops a verifier.

use crate::log::{Log, finish};
use indelible_proof::export::Content;
use indelible_proof::pin::Pin;
use indelible_proof::verify::{ExportVerifier, verify_export, verify_receipt};
use proptest::prelude::*;

/// Records 1 and 2 of 4: left and right are not empty, and a second block would not change what is tried here.
fn export() -> (Log, Vec<u8>) {
    let log = Log::of(3);
    let export = log.export(1, 2, 4, Content::All);
    assert_eq!(
        verify_export(&export, Some(&log.pin())).verdict.exit_code(),
        0
    );
    (log, export)
}

fn receipt() -> (Log, Vec<u8>) {
    let log = Log::of(4);
    let receipt = log.receipt(3, 5).into_bytes();
    assert_eq!(
        verify_receipt(&receipt, Some(&log.pin()), None)
            .verdict
            .exit_code(),
        0
    );
    (log, receipt)
}

/// Not a byte of the export is free.
fn check_export(changed: &[u8], pin: &Pin, what: &str) {
    let verdict = verify_export(changed, Some(pin)).verdict;
    assert_ne!(verdict.exit_code(), 0, "{what}: {verdict}");
}

fn check_receipt(changed: &[u8], pin: &Pin, what: &str) {
    let verdict = verify_receipt(changed, Some(pin), None).verdict;
    assert_ne!(verdict.exit_code(), 0, "{what}: {verdict}");
}

/// One bit of every byte, another one in each neighbour.
fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).map(|at| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        (at, changed)
    })
}

#[test]
fn no_flipped_bit_of_an_export_passes() {
    let (log, export) = export();
    for (at, changed) in flips(&export) {
        check_export(&changed, &log.pin(), &format!("a bit of byte {at}"));
    }
}

#[test]
fn no_flipped_bit_passes_though_the_last_line_is_made_to_fit() {
    let (log, export) = export();
    let end = export
        .windows(7)
        .rposition(|window| window == b"{\"end\":")
        .unwrap();
    for (at, changed) in flips(&export[..end]) {
        check_export(&finish(changed), &log.pin(), &format!("a bit of byte {at}"));
    }
}

#[test]
fn no_part_of_an_export_passes() {
    let (log, export) = export();
    for end in 0..export.len() {
        let verdict = verify_export(&export[..end], Some(&log.pin())).verdict;
        assert_eq!(verdict.exit_code(), 1, "the first {end} bytes: {verdict}");
        assert_eq!(verdict.completeness.to_string(), "incomplete(ends early)");
    }
}

/// Every line doubled, left out, exchanged with every later one.
fn rearranged<'a>(lines: &'a [&'a [u8]]) -> impl Iterator<Item = (String, Vec<u8>)> + 'a {
    (0..lines.len()).flat_map(move |place| {
        let mut doubled = lines.to_vec();
        doubled.insert(place, lines[place]);
        let mut without = lines.to_vec();
        without.remove(place);
        let swaps = (place + 1..lines.len()).map(move |other| {
            let mut swapped = lines.to_vec();
            swapped.swap(place, other);
            (
                format!("lines {place} and {other} exchanged"),
                swapped.concat(),
            )
        });
        [
            (format!("line {place} doubled"), doubled.concat()),
            (format!("line {place} left out"), without.concat()),
        ]
        .into_iter()
        .chain(swaps)
    })
}

#[test]
fn no_rearranged_export_passes() {
    let (log, export) = export();
    let lines: Vec<&[u8]> = export.split_inclusive(|byte| *byte == b'\n').collect();
    for (what, changed) in rearranged(&lines) {
        check_export(&changed, &log.pin(), &what);
    }
    let (_, body) = lines.split_last().unwrap();
    for (what, changed) in rearranged(body) {
        check_export(&finish(changed), &log.pin(), &what);
    }
}

#[test]
fn no_flipped_bit_of_a_receipt_passes() {
    let (log, receipt) = receipt();
    for (at, changed) in flips(&receipt) {
        check_receipt(&changed, &log.pin(), &format!("a bit of byte {at}"));
    }
}

#[test]
fn no_part_of_a_receipt_passes() {
    let (log, receipt) = receipt();
    for end in 0..receipt.len() {
        check_receipt(
            &receipt[..end],
            &log.pin(),
            &format!("the first {end} bytes"),
        );
    }
}

#[test]
fn no_rearranged_receipt_passes() {
    let (log, receipt) = receipt();
    let lines: Vec<&[u8]> = receipt.split_inclusive(|byte| *byte == b'\n').collect();
    // Two of its lines are empty.
    let others = rearranged(&lines).filter(|(_, changed)| *changed != receipt);
    for (what, changed) in others {
        check_receipt(&changed, &log.pin(), &what);
    }
}

#[test]
fn a_receipt_passes_with_no_other_record() {
    let (log, receipt) = receipt();
    // Without the pin nothing passes, but what is wrong still outweighs what is not known.
    let code = |record: &[u8]| {
        verify_receipt(&receipt, None, Some(record))
            .verdict
            .exit_code()
    };
    assert_eq!(code(&log.line(3)), 3);
    assert_eq!(code(&log.line(2)), 1);
    for (at, changed) in flips(&log.line(3)) {
        assert_eq!(code(&changed), 1, "a bit of byte {at}");
    }
    for end in 0..log.line(3).len() {
        assert_eq!(code(&log.line(3)[..end]), 1, "the first {end} bytes");
    }
}

#[test]
fn evidence_of_another_log_or_key_does_not_pass() {
    let (log, export) = export();
    let (_, receipt) = receipt();
    let other = Log::new([b"{}".to_vec()]);
    let wrong_id = Pin::new(
        indelible_proof::hash::Hash([1; 32]),
        log.pin().key().clone(),
    )
    .unwrap();
    check_export(&export, &wrong_id, "another log id");
    let key = indelible_proof::key::VerifierKey::ed25519(log.pin().origin(), [9; 32]);
    let wrong_key = Pin::new(log.pin().log_id(), key).unwrap();
    check_export(&export, &wrong_key, "another key");
    check_receipt(&receipt, &wrong_key, "another key");
    // The same key and genesis, another history: only a comparison of checkpoints tells, which an export alone can't.
    assert_eq!(
        verify_export(&other.whole(), Some(&log.pin()))
            .verdict
            .exit_code(),
        0
    );
}

/// Some bytes taken out, others put in, as often as there are triples.
fn spliced(bytes: &[u8], changes: &[(prop::sample::Index, u8, Vec<u8>)]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for (at, removed, inserted) in changes {
        let start = at.index(changed.len() + 1);
        let end = changed.len().min(start + usize::from(*removed));
        changed.splice(start..end, inserted.iter().copied());
    }
    changed
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, Vec<u8>)>> {
    let inserted = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        "[\\{\\}\",:0-9a-f\n\\\\=]{0,8}".prop_map(String::into_bytes),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0_u8..40, inserted), 1..4)
}

proptest! {
    // Without optimisation a signature takes some milliseconds.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_spliced_export_passes(changes in changes(), piece in 1_usize..500) {
        let (log, export) = export();
        let changed = spliced(&export, &changes);
        let whole = verify_export(&changed, Some(&log.pin()));
        if changed != export {
            prop_assert_ne!(whole.verdict.exit_code(), 0);
        }
        let mut verifier = ExportVerifier::new(Some(&log.pin()));
        changed.chunks(piece).for_each(|piece| verifier.feed(piece));
        prop_assert_eq!(verifier.finish(), whole);
    }

    #[test]
    fn no_spliced_receipt_passes(changes in changes()) {
        let (log, receipt) = receipt();
        let changed = spliced(&receipt, &changes);
        let verdict = verify_receipt(&changed, Some(&log.pin()), None).verdict;
        if changed != receipt {
            prop_assert_ne!(verdict.exit_code(), 0);
        }
        let record = spliced(&log.line(3), &changes);
        let verdict = verify_receipt(&receipt, Some(&log.pin()), Some(&record)).verdict;
        if record.strip_suffix(b"\n").unwrap_or(&record) != log.line(3) {
            // A head alone is a record too, and as true as the receipt.
            prop_assert!(verdict.exit_code() != 0 || !record.contains(&b','));
        }
    }

    #[test]
    fn no_bytes_stop_a_verifier(bytes: Vec<u8>, record: Vec<u8>, pinned: bool) {
        let pin = pinned.then(|| Log::of(0).pin());
        let report = verify_export(&bytes, pin.as_ref());
        prop_assert_eq!(report.verdict.exit_code(), 1);
        let report = verify_receipt(&bytes, pin.as_ref(), Some(&record));
        prop_assert_eq!(report.verdict.exit_code(), 1);
    }
}
