//! Exports: the verdict does not depend on how the bytes come, what is accepted is so only as a whole, and serde_json reads its lines.

#![no_main]

use indelible_fuzz::{checkpoint_at, is_in_signature, pin, with_digest};
use indelible_proof::pin::Pin;
use indelible_proof::verify::{ExportVerifier, Report, verify_export};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&with_digest(input));
});

fn check(export: &[u8]) {
    let pin = pin();
    assert_ne!(
        verify_export(export, None).verdict.exit_code(),
        0,
        "nobody vouches for it"
    );
    let report = verify_export(export, Some(&pin));
    // Pieces as long as the first byte says, so that the fuzzer chooses them.
    let piece = export.first().map_or(1, |byte| usize::from(*byte % 64) + 1);
    assert_eq!(in_pieces(export, &pin, piece), report);
    if report.verdict.exit_code() == 0 {
        for line in export.split_inclusive(|byte| *byte == b'\n') {
            let line: Value = serde_json::from_slice(line).expect("a line is JSON");
            assert!(line.is_object());
        }
        assert_ne!(
            verify_export(&export[..export.len() - 1], Some(&pin))
                .verdict
                .exit_code(),
            0,
            "without its end"
        );
        // Not in the notes' signatures: among them may be lines of keys that nobody asked about.
        let length = checkpoint_at(export);
        let places = [length / 3, length / 2, length - 2].into_iter();
        for at in places.filter(|at| !is_in_signature(export, *at)) {
            let mut changed = export.to_vec();
            changed[at] ^= 1;
            assert_ne!(
                verify_export(&with_digest(&changed), Some(&pin))
                    .verdict
                    .exit_code(),
                0,
                "byte {at} changed"
            );
        }
    }
}

fn in_pieces(export: &[u8], pin: &Pin, piece: usize) -> Report {
    let mut verifier = ExportVerifier::new(Some(pin));
    export.chunks(piece).for_each(|bytes| verifier.feed(bytes));
    verifier.finish()
}
