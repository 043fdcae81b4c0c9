//! Two notes that are to show a fork: no bytes stop the reader, and nobody is accused by what nobody signed.

#![no_main]

use indelible_fuzz::pin;
use indelible_proof::verdict::Consistency;
use indelible_proof::verify::verify_fork;
use libfuzzer_sys::fuzz_target;

/// Parts the two notes and the proof of an input.
const BETWEEN: &[u8] = b"\n\n\n";

fuzz_target!(|input: &[u8]| {
    let (one, rest) = cut(input);
    let (other, proof) = rest.map_or((one, None), cut);
    let pin = pin();
    let report = verify_fork(one, other, proof, Some(&pin));
    assert_eq!(
        verify_fork(other, one, proof, Some(&pin))
            .verdict
            .exit_code(),
        report.verdict.exit_code(),
        "which note comes first says nothing"
    );
    if one == other {
        assert!(
            !matches!(report.verdict.consistency, Consistency::Fork { .. }),
            "a note does not contradict itself"
        );
    }
});

/// Up to the first mark, and what is behind it.
fn cut(input: &[u8]) -> (&[u8], Option<&[u8]>) {
    let at = input
        .windows(BETWEEN.len())
        .position(|window| window == BETWEEN);
    match at {
        Some(at) => (&input[..=at], Some(&input[at + BETWEEN.len()..])),
        None => (input, None),
    }
}
