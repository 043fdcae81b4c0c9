//! The JSON profile against serde_json, which shares no code with it.

#![no_main]

use indelible_proof::event::{EventReader, Reason};
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let mut reader = EventReader::new(EVENT_BYTES_DEFAULT);
    let mut minified = b"before".to_vec();
    let judged = reader.minify(input, &mut minified);
    let event = minified
        .strip_prefix(b"before")
        .expect("what stood there before stays");
    let other = serde_json::from_slice::<Value>(input);
    match judged {
        Ok(()) => {
            assert_eq!(
                reader.check_stored(event),
                Ok(()),
                "what is written is read as stored"
            );
            let mut again = Vec::new();
            assert_eq!(reader.minify(event, &mut again), Ok(()));
            assert_eq!(again, event, "what is minified minifies to itself");
            let other = other.expect("what is accepted is JSON");
            assert_eq!(
                serde_json::from_slice::<Value>(event).expect("still JSON"),
                other,
                "and means the same"
            );
        }
        Err(error) => {
            assert!(event.is_empty(), "a refused event leaves nothing");
            assert!(error.offset <= input.len());
            if other.is_ok_and(|value| value.is_object()) {
                assert!(profile_only(error.reason), "refused as no JSON: {error}");
            }
        }
    }
    let stored = reader.check_stored(input).is_ok();
    assert_eq!(
        stored,
        judged.is_ok() && event == input,
        "stored is what minifies to itself"
    );
});

/// Rules of ours that JSON does not have.
fn profile_only(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NulInName
            | Reason::NumberTooLong
            | Reason::NumberOutOfRange
            | Reason::TooDeep
            | Reason::TooManyMembers
            | Reason::DuplicateName
            | Reason::TooLarge
    )
}
