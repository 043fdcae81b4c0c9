//! JSON strings of the node's own events: any text, written with the fewest escapes, read with any.

use crate::cursor::{Cursor, Fault};
use crate::event::unescape;
use crate::hash::HEX_PAIRS;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Writes `text` with its quotes.
pub(super) fn push(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(HEX_PAIRS.get(usize::from(byte)).map_or(b"00", |pair| pair));
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Reads a string with its quotes; borrowed if it has no escape.
pub(super) fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Fault> {
    cursor.literal(b"\"", "a string")?;
    let fault = cursor.fault("a string");
    let raw = cursor.string_body().ok_or(fault)?;
    let text = core::str::from_utf8(raw).map_err(|_| fault)?;
    if raw.iter().any(|byte| *byte < 0x20) {
        return Err(fault);
    }
    if !raw.contains(&b'\\') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    unescape(raw, &mut bytes).ok_or(fault)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| fault)
}
