//! Percent-encoding of what does not fit into a head's strings: principals, stream names, idempotency keys.
//!
//! Exactly the bytes that may not stand in a head, and `%` itself, are encoded; so every byte string has one text.

use crate::hash::{HEX_PAIRS, hex_digit};
use alloc::string::String;

/// May this byte stand in a string of a head as it is?
pub(super) fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E) && !matches!(byte, b'"' | b'\\' | b'{' | b'}' | b'%')
}

/// Appends the text of any bytes. It is a valid string of a head unless `bytes` is empty or too long for its field.
pub fn percent_encode(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        if is_plain(*byte) {
            out.push(char::from(*byte));
        } else if let Some(pair) = HEX_PAIRS.get(usize::from(*byte)) {
            out.push('%');
            out.extend(
                pair.iter()
                    .map(|digit| char::from(digit.to_ascii_uppercase())),
            );
        }
    }
}

/// Is this what [`percent_encode`] writes for some bytes, not empty?
pub(super) fn is_encoded(text: &[u8]) -> bool {
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => encoded_byte(bytes.next(), bytes.next()).is_some_and(|byte| !is_plain(byte)),
            _ => is_plain(byte),
        };
        if !good {
            return false;
        }
    }
    !text.is_empty()
}

fn encoded_byte(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: u8| {
        (!byte.is_ascii_lowercase())
            .then(|| hex_digit(byte.to_ascii_lowercase()))
            .flatten()
    };
    Some(digit(high?)? << 4 | digit(low?)?)
}
