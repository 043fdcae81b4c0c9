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

/// Puts the bytes in place of what `out` held. `false`: the text is not base64 of exactly so many bytes, and `out` may hold anything.
pub(crate) fn decode_exactly(text: &[u8], length: usize, out: &mut Vec<u8>) -> bool {
    out.clear();
    text.len() == length.div_ceil(3).saturating_mul(4)
        && STANDARD.decode_vec(text, out).is_ok()
        && out.len() == length
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Appends the text of some bytes.
pub(crate) fn push(bytes: &[u8], out: &mut String) {
    STANDARD.encode_string(bytes, out);
}
