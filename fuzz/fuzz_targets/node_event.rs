//! What a node says of itself, geneses and key records: each has one form, and is JSON.

#![no_main]

use indelible_proof::genesis::Genesis;
use indelible_proof::key_event::KeyEvent;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::origin::Origin;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Whose keys the records of the vectors give.
const ORIGINS: [&str; 2] = [
    "log.example.org/orders/00112233445566ff",
    "log.example.org/_node/00112233445566ff",
];

fuzz_target!(|input: &[u8]| {
    if let Some(event) = NodeEvent::parse(input) {
        // Strings are read with any escapes and written with one choice of them.
        let mut written = Vec::new();
        event.encode(&mut written);
        assert_eq!(NodeEvent::parse(&written), Some(event));
        assert_eq!(json(&written), json(input), "another reader reads the same");
    }
    if let Some(genesis) = Genesis::parse(input) {
        same(input, |out| genesis.encode(out));
        let origin = Origin::parse(genesis.origin).expect("a genesis names an origin");
        assert_eq!(origin.as_str(), genesis.origin);
    }
    for origin in ORIGINS {
        if let Some(event) = KeyEvent::parse(input, origin) {
            same(input, |out| event.encode(out));
            assert!(event.generation > 0);
            assert!(!event.keys.is_empty(), "a log has a key");
        }
    }
    if let Some(origin) = str::from_utf8(input).ok().and_then(Origin::parse) {
        assert_eq!(origin.as_str().as_bytes(), input);
    }
});

/// What was read is written as it was, and is JSON.
fn same(input: &[u8], encode: impl FnOnce(&mut Vec<u8>)) {
    let mut written = Vec::new();
    encode(&mut written);
    assert_eq!(written, input);
    assert!(json(input).is_object());
}

fn json(event: &[u8]) -> Value {
    serde_json::from_slice(event).expect("JSON")
}
