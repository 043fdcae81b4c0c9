//! Files of secrets: any text is judged, none stops a reader, and a key is written as it was read.

#![no_main]

use indelible_ledger::signer::{NodeSecret, RecoveryKey, SecretFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    match SecretFile::parse(text) {
        Ok(SecretFile::Plain(secret)) => {
            assert_eq!(secret.file_text().trim_end(), text.trim_end_matches('\n'));
        }
        Ok(SecretFile::Sealed(sealed)) => {
            assert!(NodeSecret::parse(text).is_err(), "it is one or the other");
            let generation = format!(" {} ", sealed.generation());
            assert!(text.contains(&generation));
        }
        Err(_) => assert!(NodeSecret::parse(text).is_err()),
    }
    if let Ok(key) = RecoveryKey::parse(text) {
        assert_eq!(key.file_text().trim_end(), text.trim_end_matches('\n'));
        assert!(!key.verifier().verify(input, &[0; 64]));
    }
});
