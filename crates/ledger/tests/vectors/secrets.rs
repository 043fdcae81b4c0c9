//! Secret files and the keys that come of them.

use crate::{file, hash, hex, id, list, text};
use indelible_ledger::signer::{NodeSecret, RecoveryKey, SecretFile};
use serde_json::json;

#[test]
fn secret_files_are_read_as_the_vectors_say() {
    for case in list(&file("keys"), "node_secrets") {
        let read = NodeSecret::parse(text(&case["file"]));
        let said = read.map_or(json!("invalid"), |secret| {
            let line = secret.file_text();
            let value = line.trim_end().rsplit(' ').next().unwrap().to_owned();
            json!({"generation": secret.generation(), "secret": value})
        });
        assert_eq!(said, case["expect"], "{}", case["name"]);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn sealed_secret_files_are_opened_as_the_vectors_say() {
    let file = file("keys");
    let cases = list(&file, "sealed_secrets");
    assert!(!cases.is_empty());
    for case in cases {
        let name = &case["name"];
        let passphrase = unhex(text(&case["passphrase"]));
        let said = match SecretFile::parse(text(&case["file"])) {
            Err(_) => json!("invalid"),
            Ok(SecretFile::Plain(_)) => panic!("{name} is sealed"),
            Ok(SecretFile::Sealed(sealed)) => {
                let (memory, passes, lanes) = sealed.cost();
                let opened = sealed.open(&passphrase).map(|secret| {
                    let line = secret.file_text();
                    line.trim_end().rsplit(' ').next().unwrap().to_owned()
                });
                json!({
                    "generation": sealed.generation(), "cost": [memory, passes, lanes],
                    "secret": opened.unwrap_or_else(|_| "refused".to_owned()),
                })
            }
        };
        assert_eq!(said, case["expect"], "{name}");
    }
}

#[test]
fn recovery_key_files_are_read_as_the_vectors_say() {
    for case in list(&file("keys"), "recovery_keys") {
        let read = RecoveryKey::parse(text(&case["file"]));
        let said = read.map_or(json!("invalid"), |key| {
            let line = key.file_text();
            let seed = line.trim_end().rsplit(' ').next().unwrap().to_owned();
            let verifier = key.verifier();
            json!({
                "name": verifier.name(), "seed": seed,
                "public": hex(verifier.public()), "vkey": verifier.to_string(),
            })
        });
        assert_eq!(said, case["expect"], "{}", case["name"]);
    }
}

#[test]
fn a_secret_gives_the_keys_that_the_vectors_say() {
    let file = file("keys");
    for case in list(&file, "log_keys") {
        let key = NodeSecret::new(hash(&case["secret"]).0).log_key(text(&case["origin"]));
        assert_eq!(json!(key.verifier().to_string()), case["vkey"]);
    }
    for case in list(&file, "batch_keys") {
        let key = NodeSecret::new(hash(&case["secret"]).0).batch_key(&id(&case["store"]));
        assert_eq!(json!(hex(&key.public())), case["public"]);
    }
}
