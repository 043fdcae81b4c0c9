use super::*;
use crate::hash::Hash;
use alloc::format;
use alloc::string::ToString as _;
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;

/// RFC 8032 §7.1, test 1.
const PUBLIC: &[u8] = b"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SIGNATURE: [&[u8]; 2] = [
    b"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
    b"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
];

fn bytes(hex: &[u8]) -> [u8; 32] {
    Hash::from_hex(hex).unwrap().0
}

fn signature() -> Vec<u8> {
    SIGNATURE.iter().flat_map(|half| bytes(half)).collect()
}

#[test]
fn a_key_has_one_text() {
    let key = VerifierKey::ed25519("example.org/log", bytes(PUBLIC));
    let text = key.to_string();
    assert_eq!(
        text,
        format!(
            "example.org/log+{}+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
            id_hex(key.id())
        )
    );
    assert_eq!(VerifierKey::parse(&text), Ok(key.clone()));
    assert_eq!(
        (key.name(), key.key_type()),
        ("example.org/log", KeyType::Ed25519)
    );
    assert_eq!(key.public(), bytes(PUBLIC));
}

#[test]
fn the_key_id_covers_name_type_and_key() {
    let key = VerifierKey::ed25519("example.org/log", bytes(PUBLIC));
    let hashed =
        crate::hash::sha256(&[b"example.org/log\n\x01".as_slice(), &bytes(PUBLIC)].concat());
    assert_eq!(key.id(), hashed.0[..4]);
    let moved = key
        .to_string()
        .replace("example.org/log", "example.org/gol");
    assert_eq!(VerifierKey::parse(&moved), Err(KeyError::Id));
}

#[test]
fn other_texts_are_no_keys() {
    let good = VerifierKey::ed25519("a", bytes(PUBLIC)).to_string();
    for text in [
        "".into(),
        "a".into(),
        "a+".into(),
        "a+00000000".into(),
        format!("{good}\n"),
        format!(" {good}"),
        format!("+{good}"),
        format!("{good}="),
        good.to_uppercase(),
    ] {
        assert_eq!(VerifierKey::parse(&text), Err(KeyError::Form), "{text:?}");
    }
    // A name is one word without a plus sign.
    for name in ["a b", "a\u{A0}b", "a\tb", "a\u{1}b", "a\u{1F}b"] {
        let text = VerifierKey::ed25519(name, bytes(PUBLIC)).to_string();
        assert_eq!(VerifierKey::parse(&text), Err(KeyError::Form), "{text:?}");
    }
    for key in [&[1, 2, 3][..], &[4; 33], &[6; 33]] {
        let text = format!("a+00000000+{}", strict_base64::encode(key));
        assert_eq!(VerifierKey::parse(&text), Err(KeyError::Type));
    }
}

#[test]
fn a_post_quantum_key_is_recognised_and_checks_nothing() {
    let public = [7; 1_312];
    let id = key_id("a", KeyType::MlDsa44, &public);
    let text = format!(
        "a+{}+{}",
        id_hex(id),
        strict_base64::encode(&[&[6], public.as_slice()].concat())
    );
    let key = VerifierKey::parse(&text).unwrap();
    assert_eq!((key.key_type(), key.to_string()), (KeyType::MlDsa44, text));
    assert!(!key.verify(b"", &[0; 2_420]));
}

#[test]
fn a_signature_of_the_rfc_is_good_and_no_other_byte_is() {
    let (key, signature) = (bytes(PUBLIC), signature());
    assert!(verify_ed25519(&key, b"", &signature));
    assert!(!verify_ed25519(&key, b"a", &signature));
    for place in 0..64 {
        let mut wrong = signature.clone();
        wrong[place] ^= 1;
        assert!(!verify_ed25519(&key, b"", &wrong));
    }
    for length in 0..64 {
        assert!(!verify_ed25519(&key, b"", &signature[..length]));
    }
    assert!(!verify_ed25519(&key[..31], b"", &signature));
    assert!(!verify_ed25519(&[0xFF; 32], b"", &signature));
}

proptest! {
    #[test]
    fn what_is_signed_verifies_under_this_key_alone(seed: [u8; 32], message: Vec<u8>, byte in 0_usize..32) {
        let secret = SigningKey::from_bytes(&seed);
        let key = VerifierKey::ed25519("a", secret.verifying_key().to_bytes());
        let signature = secret.sign(&message).to_bytes();
        prop_assert!(key.verify(&message, &signature));
        let mut other = secret.verifying_key().to_bytes();
        other[byte] ^= 0x10;
        prop_assert!(!verify_ed25519(&other, &message, &signature));
    }

    #[test]
    fn whatever_is_read_is_written_the_same(name in "[a+ \\PC]{1,5}", public: [u8; 32], at: prop::sample::Index, byte: u8) {
        let mut text = VerifierKey::ed25519(&name, public).to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Some(key) = core::str::from_utf8(&text).ok().and_then(|text| VerifierKey::parse(text).ok()) {
            prop_assert_eq!(key.to_string().into_bytes(), text);
        }
    }
}
