//! Header fields of requests, and how their values are read.

use indelible_proof::head::{self, Stream, is_key, is_source};
use indelible_proof::limits::INTEGER_MAX;

/// The idempotency key of an event, or of all events of a request: `KEY#0`, `KEY#1` and so on.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The place in a producer's stream of the first event: `NAME; n=5`, or `NAME; epoch=1; n=0`.
pub const STREAM: &str = "indelible-stream";
/// The number of a request's first line under its key, where it goes on with what another request began: line *i* of this one has the key
/// `KEY#(FIRST + i)`.
pub const FIRST: &str = "indelible-first";
/// The member of each line's event that holds its key, percent-encoded: then no two lines share one.
pub const KEY_MEMBER: &str = "indelible-key-member";
/// The salt, beside a receipt that is sent by itself.
pub const SALT: &str = "indelible-salt";

/// Where reading goes on: the seq after the last record of a whole answer.
pub const NEXT: &str = "indelible-next";
/// How many records the log had when the answer began.
pub const SIZE: &str = "indelible-size";
/// The seq of the last event that a watcher has; it goes on with the next.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// Why a field can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The key is not one.
    #[error(
        "Idempotency-Key has not 1 to 128 characters of 0x21 to 0x7E without # \" \\ {{ }} and %"
    )]
    Key,
    /// The number of the first line is not one.
    #[error("Indelible-First is not a number below 2^53")]
    First,
    /// The name of a member is not one.
    #[error("Indelible-Key-Member is not the name of a member, percent-encoded")]
    KeyMember,
    /// The place in a stream is not one.
    #[error("Indelible-Stream is not of the form NAME; n=NUMBER or NAME; epoch=NUMBER; n=NUMBER")]
    Stream,
}

/// Reads an idempotency key: bare, or as a string of RFC 8941 in quotation marks.
///
/// # Errors
/// [`FieldError::Key`]. A `#` is ours: it stands before the number of an event in its array.
pub fn key(value: &str) -> Result<&str, FieldError> {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    match is_key(inner) && !inner.contains('#') {
        true => Ok(inner),
        false => Err(FieldError::Key),
    }
}

/// The key of event number `index` of a request that came with `key`.
#[must_use]
pub fn key_of(key: &str, index: usize) -> String {
    format!("{key}#{index}")
}

/// Reads the place of a request's first event in its stream.
///
/// # Errors
/// [`FieldError::Stream`].
pub fn stream(value: &str) -> Result<Stream<'_>, FieldError> {
    let mut parts = value.split(';').map(str::trim);
    let src = parts.next().unwrap_or_default();
    let (mut epoch, mut n) = (0, None);
    for part in parts {
        match part.split_once('=') {
            Some(("epoch", number)) => epoch = integer(number)?,
            Some(("n", number)) => n = Some(integer(number)?),
            _ => return Err(FieldError::Stream),
        }
    }
    match (is_source(src), n) {
        (true, Some(n)) => Ok(Stream { src, epoch, n }),
        _ => Err(FieldError::Stream),
    }
}

/// Reads the number of a request's first line.
///
/// # Errors
/// [`FieldError::First`].
pub fn first(value: &str) -> Result<usize, FieldError> {
    let number = integer(value).map_err(|_| FieldError::First)?;
    usize::try_from(number).map_err(|_| FieldError::First)
}

/// Reads the name of the member that holds a key.
///
/// # Errors
/// [`FieldError::KeyMember`].
pub fn key_member(value: &str) -> Result<String, FieldError> {
    let mut name = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let pair = digit().zip(digit());
                let byte = pair.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
                byte.ok_or(FieldError::KeyMember)?
            }
            byte => byte,
        };
        name.push(byte);
    }
    let name = String::from_utf8(name).map_err(|_| FieldError::KeyMember)?;
    (!name.is_empty())
        .then_some(name)
        .ok_or(FieldError::KeyMember)
}

/// Writes it.
#[must_use]
pub fn key_member_text(name: &str) -> String {
    let mut text = String::new();
    head::percent_encode(name.as_bytes(), &mut text);
    text
}

/// Writes it.
#[must_use]
pub fn stream_text(stream: &Stream<'_>) -> String {
    let Stream { src, epoch, n } = stream;
    format!("{src}; epoch={epoch}; n={n}")
}

fn integer(digits: &str) -> Result<u64, FieldError> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = digits.parse().ok().filter(|number| *number <= INTEGER_MAX);
    number.filter(|_| is_plain).ok_or(FieldError::Stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_bare_and_quoted_and_a_number_sign_is_ours() {
        assert_eq!(key("a-1"), Ok("a-1"));
        assert_eq!(key("\"a-1\""), Ok("a-1"));
        for wrong in [
            "",
            "\"\"",
            "a#1",
            "a b",
            "\"a",
            "a\"",
            "ä",
            &"x".repeat(129),
        ] {
            assert_eq!(key(wrong), Err(FieldError::Key), "{wrong}");
        }
    }

    #[test]
    fn the_name_of_a_member_reads_back_as_it_was_written() {
        for name in ["id", "a b", "größe", "%41", "\"", "\u{1f600}"] {
            assert_eq!(key_member(&key_member_text(name)).as_deref(), Ok(name));
        }
        for wrong in ["", "%", "%4", "%zz", "%ff"] {
            assert_eq!(key_member(wrong), Err(FieldError::KeyMember), "{wrong}");
        }
        assert_eq!(first("17"), Ok(17));
        assert_eq!(first("-1"), Err(FieldError::First));
    }

    #[test]
    fn a_place_in_a_stream_reads_back_as_it_was_written() {
        let place = Stream {
            src: "billing",
            epoch: 3,
            n: 41,
        };
        assert_eq!(stream(&stream_text(&place)), Ok(place));
        let first = Stream {
            src: "a",
            epoch: 0,
            n: 7,
        };
        assert_eq!(stream("a;n=7"), Ok(first));
        for wrong in [
            "",
            "a",
            "a; n=",
            "a; n=-1",
            "a; n=+1",
            "; n=1",
            "a; m=1",
            "a; n=9007199254740992",
            "a b; n=1",
        ] {
            assert_eq!(stream(wrong), Err(FieldError::Stream), "{wrong}");
        }
    }
}
