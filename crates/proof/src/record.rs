//! The record line: head, salt and event as they are handed out, cut by position and never by a JSON parser.
//!
//! Owns `{"head":HEAD,"salt":"SALT","event":EVENT}` and `{"head":HEAD}` (`docs/spec/record.md`). Does not judge what it cuts.

use crate::find::split_after;
use crate::hash::HEX_PAIRS;
use alloc::vec::Vec;

/// A line cut into its parts; none of them was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The head's bytes.
    pub head: &'a [u8],
    /// Absent where the content is withheld or gone.
    pub content: Option<Content<'a>>,
}

/// What the head's digest covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// 32 bytes; a [`Salt`] if nobody changed them.
    pub salt: &'a [u8],
    /// The event's bytes.
    pub event: &'a [u8],
}

impl<'a> Record<'a> {
    /// Cuts a line, given without its line end. `None`: it is malformed.
    #[must_use]
    pub fn cut(line: &'a [u8]) -> Option<Record<'a>> {
        let inner = line.strip_prefix(b"{\"head\":")?.strip_suffix(b"}")?;
        if inner.first() != Some(&b'{') {
            return None;
        }
        let (head, rest) = split_after(b'}', inner)?;
        if rest.is_empty() {
            return Some(Record {
                head,
                content: None,
            });
        }
        let (salt, rest) = rest.strip_prefix(b",\"salt\":\"")?.split_at_checked(32)?;
        let event = rest.strip_prefix(b"\",\"event\":")?;
        Some(Record {
            head,
            content: Some(Content { salt, event }),
        })
    }
}

/// Writes a record line without a line end.
pub fn encode_line(head: &[u8], content: Option<(&[u8], &[u8])>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"head\":");
    out.extend_from_slice(head);
    if let Some((salt, event)) = content {
        out.extend_from_slice(b",\"salt\":\"");
        out.extend_from_slice(salt);
        out.extend_from_slice(b"\",\"event\":");
        out.extend_from_slice(event);
    }
    out.push(b'}');
}

/// The text of 128 random bits, fresh for every record. It hides events that could be guessed from who holds only heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Writes random bits as 32 lower-case hex characters.
    #[must_use]
    pub fn from_random(bits: [u8; 16]) -> Salt {
        let mut text = [0; 32];
        for (place, byte) in text.chunks_exact_mut(2).zip(bits) {
            if let Some(pair) = HEX_PAIRS.get(usize::from(byte)) {
                place.copy_from_slice(pair);
            }
        }
        Salt(text)
    }

    /// Reads 32 lower-case hex characters.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Salt> {
        let text: &[u8; 32] = text.try_into().ok()?;
        text.iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            .then_some(Salt(*text))
    }

    /// The 32 characters, which are what is hashed.
    #[must_use]
    pub fn text(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
