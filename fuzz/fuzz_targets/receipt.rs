//! Receipts have one form, prove nothing without a pin, and prove one place only.

#![no_main]

use indelible_fuzz::pin;
use indelible_proof::receipt::{self, Receipt};
use indelible_proof::verdict::Integrity;
use indelible_proof::verify::verify_receipt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let exit = |receipt: &[u8], record| {
        verify_receipt(receipt, Some(&pin()), record)
            .verdict
            .exit_code()
    };
    let report = verify_receipt(input, None, None);
    assert_ne!(report.verdict.exit_code(), 0, "nobody vouches for it");
    assert_ne!(exit(input, Some(input)), 0, "a receipt is no record line");
    let Ok(read) = Receipt::parse(input) else {
        assert!(
            matches!(report.verdict.integrity, Integrity::Malformed(_)),
            "{report:?}"
        );
        return;
    };
    // The note is the end of the receipt, and its text the note's beginning.
    let at = read.note.text.as_ptr().addr() - input.as_ptr().addr();
    let note = str::from_utf8(&input[at..]).expect("a receipt is text");
    let written = |index| receipt::encode(&read.head, index, &read.proof, note);
    assert_eq!(written(read.index).as_bytes(), input);
    if exit(input, None) == 0 {
        assert_ne!(
            exit(written(read.index ^ 1).as_bytes(), None),
            0,
            "it is at one place"
        );
    }
});
