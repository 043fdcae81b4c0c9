//! Exports: the verdict does not depend on how the bytes come, and what is accepted is so only as a whole.

#![no_main]

use indelible_fuzz::{checkpoint_at, pin, with_digest};
use indelible_proof::pin::Pin;
use indelible_proof::verify::{ExportVerifier, Report, verify_export};
use libfuzzer_sys::fuzz_target;

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
        assert_ne!(
            verify_export(&export[..export.len() - 1], Some(&pin))
                .verdict
                .exit_code(),
            0,
            "without its end"
        );
        // Up to the checkpoint: the note may have lines of keys that nobody asked about.
        let length = checkpoint_at(export);
        for at in [length / 3, length / 2, length - 2] {
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
