//! Base64 in the one form the formats know: RFC 4648 §4 with padding, unused bits zero, so that bytes have one text.

use crate::hash::Hash;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
// Its defaults are what the formats ask for: canonical padding is required and trailing bits are refused.
use base64::engine::general_purpose::STANDARD;

pub(crate) fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn decode_hash(text: impl AsRef<[u8]>) -> Option<Hash> {
    decode(text)?.try_into().ok().map(Hash)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Appends the text of some bytes.
pub(crate) fn push(bytes: &[u8], out: &mut String) {
    STANDARD.encode_string(bytes, out);
}
