//! Receipts have one form.

#![no_main]

use indelible_proof::receipt::{self, Receipt};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(read) = Receipt::parse(input) {
        // The note is the end of the receipt, and its text the note's beginning.
        let at = read.note.text.as_ptr().addr() - input.as_ptr().addr();
        let note = str::from_utf8(&input[at..]).expect("a receipt is text");
        let written = receipt::encode(&read.head, read.index, &read.proof, note);
        assert_eq!(written.as_bytes(), input);
    }
});
