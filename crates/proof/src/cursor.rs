//! Reads texts of an exact form from left to right: this literal, that string, this number.
//!
//! Owns the two token forms that heads, genesis and node events share: canonical integers, and strings that end at the next `"`. A
//! text that was read so can be written again in one way only. Does not know what the tokens mean.

use crate::find::find;
use crate::hash::Hash;
use crate::limits::INTEGER_MAX;
use alloc::vec::Vec;

/// Where a text stopped having its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Byte from the start of the text.
    pub(crate) offset: usize,
    /// What should have stood there.
    pub(crate) what: &'static str,
}

/// What is left to read.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Cursor<'a> {
        Cursor {
            rest: text,
            length: text.len(),
        }
    }

    pub(crate) fn offset(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn fault(&self, what: &'static str) -> Fault {
        Fault {
            offset: self.offset(),
            what,
        }
    }

    /// Does this stand here?
    pub(crate) fn starts_with(&self, literal: &[u8]) -> bool {
        self.rest.starts_with(literal)
    }

    /// Steps over a literal if it stands here.
    pub(crate) fn has(&mut self, literal: &[u8]) -> bool {
        match self.rest.strip_prefix(literal) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Steps over a literal that must stand here.
    pub(crate) fn literal(&mut self, literal: &[u8], what: &'static str) -> Result<(), Fault> {
        if self.has(literal) {
            Ok(())
        } else {
            Err(self.fault(what))
        }
    }

    /// Nothing must be left.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.fault("the end"))
        }
    }

    /// The bytes up to the next `end`, which is stepped over.
    pub(crate) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(find(end, self.rest)?)?;
        self.rest = rest.get(1..)?;
        Some(taken)
    }

    /// The bytes up to the next `"` that no backslash escapes, which is stepped over.
    pub(crate) fn string_body(&mut self) -> Option<&'a [u8]> {
        let mut escaped = false;
        let at = self.rest.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        let (taken, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest.get(1..)?;
        Some(taken)
    }

    /// `opening`, which ends with `"`, then the value up to the next `"`, which `judge` must accept.
    pub(crate) fn quoted<T>(
        &mut self,
        opening: &[u8],
        what: &'static str,
        judge: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, Fault> {
        self.literal(opening, what)?;
        let fault = self.fault(what);
        self.until(b'"').and_then(judge).ok_or(fault)
    }

    /// The same, if `opening` stands here.
    pub(crate) fn quoted_maybe<T>(
        &mut self,
        opening: &[u8],
        what: &'static str,
        judge: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        if self.rest.starts_with(opening) {
            self.quoted(opening, what, judge).map(Some)
        } else {
            Ok(None)
        }
    }

    /// `opening`, then a decimal integer without leading zeros, at most 2^53 − 1.
    pub(crate) fn integer(&mut self, opening: &[u8], what: &'static str) -> Result<u64, Fault> {
        self.literal(opening, what)?;
        let fault = self.fault(what);
        integer(self.digits()).ok_or(fault)
    }

    /// The decimal digits that stand here; there may be none.
    pub(crate) fn digits(&mut self) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        self.rest = rest;
        digits
    }
}

/// The value of a canonical integer.
pub(crate) fn integer(digits: &[u8]) -> Option<u64> {
    let canonical =
        matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit);
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit & 15))
    })?;
    (canonical && value <= INTEGER_MAX).then_some(value)
}

/// Writes a decimal integer.
pub(crate) fn push_integer(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        let [low, ..] = (value % 10).to_le_bytes();
        *digit = b'0' + low;
        first = first.saturating_sub(1);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// Printable ASCII that needs no escape in JSON, as text.
pub(crate) fn plain_text(bytes: &[u8]) -> Option<&str> {
    let plain = bytes
        .iter()
        .all(|byte| matches!(byte, 0x20..=0x7E) && !matches!(byte, b'"' | b'\\'));
    if plain {
        core::str::from_utf8(bytes).ok()
    } else {
        None
    }
}

/// A hash in quotes, or `null`.
pub(crate) fn hash_or_null(
    cursor: &mut Cursor<'_>,
    what: &'static str,
) -> Result<Option<Hash>, Fault> {
    if cursor.has(b"null") {
        Ok(None)
    } else {
        cursor.quoted(b"\"", what, Hash::from_hex).map(Some)
    }
}

/// Writes a hash in quotes, or `null`.
pub(crate) fn push_hash_or_null(hash: Option<Hash>, out: &mut Vec<u8>) {
    match hash {
        Some(hash) => {
            out.push(b'"');
            out.extend_from_slice(&hash.hex());
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}
