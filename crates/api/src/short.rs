//! Short text without memory of its own. An answer to a thousand events has two thousand of them.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// Bytes that it holds at most: a salt has as many, a time two less.
const BYTES_MAX: usize = 32;

/// A time or a salt, as text of at most 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Short {
    bytes: [u8; BYTES_MAX],
    length: u8,
}

impl Short {
    /// `None`: it is longer.
    #[must_use]
    pub fn new(text: &str) -> Option<Short> {
        let mut bytes = [0; BYTES_MAX];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).ok()?;
        Some(Short { bytes, length })
    }

    /// The same of plain ASCII. `None`: it is longer, or something else.
    #[must_use]
    pub fn of_ascii(text: &[u8]) -> Option<Short> {
        let mut bytes = [0; BYTES_MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let length = u8::try_from(text.len()).ok()?;
        bytes.is_ascii().then_some(Short { bytes, length })
    }
}

impl Deref for Short {
    type Target = str;

    fn deref(&self) -> &str {
        let bytes = &self.bytes[..usize::from(self.length)];
        std::str::from_utf8(bytes).expect("it was made of text")
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Short, D::Error> {
        struct Reading;

        impl Visitor<'_> for Reading {
            type Value = Short;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a text of at most {BYTES_MAX} bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Short, E> {
                Short::new(text).ok_or_else(|| E::invalid_length(text.len(), &self))
            }
        }

        deserializer.deserialize_str(Reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_goes_over_the_wire_as_it_is_and_a_longer_one_is_refused() {
        for text in [
            "",
            "salt",
            "2026-11-27T16:42:10.913646149Z",
            &"ü".repeat(16),
        ] {
            let short = Short::new(text).expect("it fits");
            assert_eq!(&*short, text);
            let of_ascii = Short::of_ascii(text.as_bytes());
            assert_eq!(of_ascii, text.is_ascii().then_some(short));
            let wire = serde_json::to_string(&short).expect("text is JSON");
            assert_eq!(wire, serde_json::to_string(text).expect("text is JSON"));
            let read: Short = serde_json::from_str(&wire).expect("it was just written");
            assert_eq!(read, short);
        }
        let long = "x".repeat(BYTES_MAX + 1);
        assert!(Short::new(&long).is_none());
        assert!(Short::of_ascii(long.as_bytes()).is_none());
        let refused = serde_json::from_str::<Short>(&format!("\"{long}\""));
        let why = refused.expect_err("it is too long").to_string();
        assert!(
            why.starts_with("invalid length 33, expected a text of at most 32 bytes"),
            "{why}"
        );
    }
}
