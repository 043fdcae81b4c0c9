//! Batch receipts have one form, prove nothing without a pin and records, and no receipt is derived that would not verify.

#![no_main]

use indelible_fuzz::pin;
use indelible_proof::batch_receipt::{self, BatchReceipt, derive};
use indelible_proof::hash;
use indelible_proof::receipt::Receipt;
use indelible_proof::tree::inclusion;
use indelible_proof::verdict::Integrity;
use indelible_proof::verify::verify_batch_receipt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let exit = |records| {
        verify_batch_receipt(input, Some(&pin()), records)
            .verdict
            .exit_code()
    };
    let report = verify_batch_receipt(input, None, None);
    assert_ne!(report.verdict.exit_code(), 0, "nobody vouches for it");
    assert_ne!(exit(None), 0, "nothing is known of its records");
    assert_ne!(exit(Some(input)), 0, "a batch receipt is no record line");
    let Ok(read) = BatchReceipt::parse(input) else {
        assert!(
            matches!(
                report.verdict.integrity,
                Integrity::Malformed(_) | Integrity::UnsupportedVersion
            ),
            "{report:?}"
        );
        return;
    };
    // The note is the end of the file, and its text the note's beginning.
    let at = read.note.text.as_ptr().addr() - input.as_ptr().addr();
    let note = str::from_utf8(&input[at..]).expect("a batch receipt is text");
    let (left, right) = read.hashes.split_at(0);
    let written = batch_receipt::encode(read.first, read.count, left, right, note);
    assert_eq!(written.as_bytes(), input);
    if read.count <= 64 {
        derived(&read, input);
    }
});

/// As if the file itself were the head of each record.
fn derived(read: &BatchReceipt<'_>, head: &[u8]) {
    let entries = vec![hash::entry(head); usize::try_from(read.count).expect("few")];
    for seq in [
        read.first,
        read.first + read.count - 1,
        read.first + read.count,
    ] {
        let Ok(receipt) = derive(read, &entries, seq, head) else {
            continue;
        };
        if let Ok(receipt) = Receipt::parse(receipt.as_bytes()) {
            let (checkpoint, leaf) = (&receipt.checkpoint, hash::leaf(&hash::entry(head)));
            let proves = inclusion::verify(
                &leaf,
                seq,
                checkpoint.size,
                &receipt.proof,
                &checkpoint.root,
            );
            assert!(proves, "derived and not proven");
        }
    }
}
