use super::*;
use alloc::format;

#[test]
fn a_hash_is_shown_as_its_hex_to_whoever_debugs_too() {
    let hash = sha256(b"");
    let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(format!("{hash} {hash:?}"), format!("{hex} {hex}"));
    assert_eq!(Hash::from_hex(hex.as_bytes()), Some(hash));
}

#[test]
fn only_lower_case_hex_digits_are_digits() {
    for byte in 0..=255_u8 {
        let value = char::from(byte)
            .to_digit(16)
            .filter(|_| !byte.is_ascii_uppercase());
        let value = value.and_then(|value| u8::try_from(value).ok());
        assert_eq!(hex_digit(byte), value, "{byte}");
        for place in [0, 1, 30, 63] {
            let mut text = [b'0'; 64];
            text[place] = byte;
            assert_eq!(Hash::from_hex(&text).is_some(), value.is_some(), "{byte}");
        }
    }
}

#[test]
fn leaves_and_nodes_are_the_hashes_of_their_messages() {
    let mut hash = sha256(b"seed");
    for _ in 0..1_000 {
        let (left, right) = (hash, sha256(&hash.0));
        let message = [&[0], &left.0[..]].concat();
        assert_eq!(leaf(&left), sha256(&message));
        let message = [&[1], &left.0[..], &right.0].concat();
        assert_eq!(node(&left, &right), sha256(&message));
        hash = node(&left, &right);
    }
}
