//! Signed notes and the checkpoints in them have one form, and no key but the signer's has signed.

#![no_main]

use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::key::VerifierKey;
use indelible_proof::note::{self, Note, Signed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(read) = Note::parse(input) else {
        return if let Ok(text) = str::from_utf8(input) {
            key(text)
        };
    };
    let mut written = format!("{}\n", read.text);
    for line in &read.signatures {
        note::sign_line(line.name, line.key_id, &line.signature, &mut written);
    }
    assert_eq!(
        written.as_bytes(),
        input,
        "a note is written as it was read"
    );
    if let Ok(checkpoint) = Checkpoint::parse(read.text) {
        assert_eq!(checkpoint.encode(), read.text, "so is a checkpoint");
        assert!(read.ml_dsa_shaped_lines(checkpoint.origin) <= read.signatures.len());
    }
    for line in &read.signatures {
        let stranger = VerifierKey::ed25519(line.name, [7; 32]);
        assert_ne!(read.verify(&stranger), Signed::Ok, "nobody holds this key");
    }
});

/// A verifier key is written one way too: its parts, joined.
fn key(text: &str) {
    if let Ok(key) = VerifierKey::parse(text) {
        assert!(text.starts_with(key.name()));
        assert_eq!(VerifierKey::parse(text).as_ref(), Ok(&key));
        assert!(
            !key.verify(text.as_bytes(), &[0; 64]),
            "zeros are no signature"
        );
    }
}
