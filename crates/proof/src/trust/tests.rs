use super::*;
use crate::hash::Hash;
use crate::key::VerifierKey;
use alloc::format;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";

#[test]
fn a_trust_file_is_read_up_to_its_largest_size() {
    let pin = Pin::new(Hash([0xAB; 32]), VerifierKey::ed25519(ORIGIN, [7; 32])).unwrap();
    let read = |length: usize| {
        let mut text = format!("indelible-trust-v1\n{pin}\nsignatures ed25519\n").into_bytes();
        assert!(Trust::parse(&text).is_ok());
        // What fills it is no line of one.
        text.resize(length, b'x');
        Trust::parse(&text).unwrap_err()
    };
    assert_eq!(read(TRUST_BYTES_MAX - 1), TrustError::Line(4));
    assert_eq!(read(TRUST_BYTES_MAX), TrustError::Line(4));
    assert_eq!(read(TRUST_BYTES_MAX + 1), TrustError::TooLarge);
    assert_eq!(read(TRUST_BYTES_MAX + 2), TrustError::TooLarge);
}
