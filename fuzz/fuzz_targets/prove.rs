//! Consistency proofs and heads at a time have one form each, prove nothing without a pin, and say one thing only.

#![no_main]

use indelible_fuzz::pin;
use indelible_proof::prove::{self, Proof, TreeHead};
use indelible_proof::verdict::Integrity;
use indelible_proof::verify::verify_proof;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let exit = |proof: &[u8]| verify_proof(proof, Some(&pin())).verdict.exit_code();
    let report = verify_proof(input, None);
    assert_ne!(report.verdict.exit_code(), 0, "nobody vouches for it");
    let Ok(read) = Proof::parse(input) else {
        assert!(
            matches!(
                report.verdict.integrity,
                Integrity::Malformed(_) | Integrity::UnsupportedVersion
            ),
            "{report:?}"
        );
        return;
    };
    // The note is the end of the proof, and its text the note's beginning.
    let at = read.signed().0.text.as_ptr().addr() - input.as_ptr().addr();
    let note = str::from_utf8(&input[at..]).expect("a proof is text");
    let written = |changed: fn(&TreeHead) -> TreeHead| match &read {
        Proof::Consistency(proof) => prove::encode_consistency(
            &changed(&proof.from),
            &proof.to,
            &proof.between,
            &proof.to_checkpoint,
            note,
        ),
        Proof::HeadAt(proof) => prove::encode_head_at(
            &proof.time,
            &changed(&proof.size),
            proof.before.as_deref(),
            proof.after.as_deref(),
            &proof.hashes,
            note,
        ),
    };
    assert_eq!(written(|head| *head).as_bytes(), input);
    if exit(input) == 0 {
        let other = written(|head| {
            let mut head = *head;
            head.root.0[0] ^= 1;
            head
        });
        assert_ne!(exit(other.as_bytes()), 0, "a size has one root");
    }
});
