//! Notes, checkpoints, verifier keys and pins.

use crate::{cases, file, hash, input, list, text};
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::key::{VerifierKey, id_hex};
use indelible_proof::note::{Note, Signed};
use indelible_proof::pin::Pin;
use serde_json::{Value, json};

/// What a note says, as the vectors write it.
fn judged(note: &[u8], key: &VerifierKey) -> Value {
    let Ok(note) = Note::parse(note) else {
        return json!({"parse": "malformed"});
    };
    let checkpoint = Checkpoint::parse(note.text).ok();
    let verify = match note.verify(key) {
        Signed::Ok => "ok",
        Signed::NoLine => "no line",
        Signed::Invalid => "invalid",
    };
    json!({
        "parse": "ok",
        "checkpoint": checkpoint.map_or(json!("malformed"), |checkpoint| json!({
            "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.to_string(),
        })),
        "verify": verify,
        "ml_dsa_lines": checkpoint.map_or(0, |checkpoint| note.ml_dsa_shaped_lines(checkpoint.origin)),
    })
}

#[test]
fn notes_and_checkpoints_are_judged_as_the_vectors_say() {
    for case in cases(&file("note")) {
        let key = VerifierKey::parse(text(&case["vkey"])).unwrap();
        let note = input(case, "note");
        assert_eq!(judged(&note, &key), case["expect"], "{}", case["name"]);
    }
}

#[test]
fn verifier_keys_are_judged_as_the_vectors_say() {
    for case in list(&file("keys"), "vkeys") {
        let (name, vkey) = (&case["name"], text(&case["vkey"]));
        let found = VerifierKey::parse(vkey).map_or(json!("refused"), |key| {
            assert_eq!(key.to_string(), vkey, "{name}");
            let public: String = key.public().iter().map(|byte| format!("{byte:02x}")).collect();
            json!({"name": key.name(), "type": key.key_type().byte(), "key_id": id_hex(key.id()), "public": public})
        });
        assert_eq!(found, case["expect"], "{name}");
    }
}

#[test]
fn the_public_keys_of_logs_have_the_ids_of_the_vectors() {
    for case in list(&file("keys"), "log_keys") {
        let public: Hash = hash(&case["public"]);
        let key = VerifierKey::ed25519(text(&case["origin"]), public.0);
        assert_eq!(key.to_string(), case["vkey"]);
        assert_eq!(id_hex(key.id()), case["key_id"]);
    }
}

#[test]
fn pins_are_judged_as_the_vectors_say() {
    for case in list(&file("keys"), "pins") {
        let pin = text(&case["pin"]);
        let found = Pin::parse(pin.as_bytes()).map_or(json!("invalid"), |read| {
            assert_eq!(read.to_string(), pin.trim_end(), "{}", case["name"]);
            json!({"id": read.log_id().to_string(), "vkey": read.key().to_string(), "origin": read.origin()})
        });
        assert_eq!(found, case["expect"], "{}", case["name"]);
    }
}
