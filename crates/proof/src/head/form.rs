//! The form of each value in a head, and the loose grammar by which a later version's head is told from rubbish.

use super::percent::is_encoded;
use crate::cursor::{Cursor, integer};
use crate::limits::{
    CLAIM_BYTES_MAX, HEAD_DIGITS_MAX, HEAD_NAME_BYTES_MAX, KEY_PART_END, WORD_BYTES_MAX,
};
use core::fmt::{self, Write as _};
use core::net::{Ipv4Addr, Ipv6Addr};

/// Every field name of version 1.
const NAMES: [&[u8]; 19] = [
    b"indelible",
    b"log",
    b"kind",
    b"by",
    b"via",
    b"from",
    b"cert",
    b"policy",
    b"format",
    b"occurred",
    b"src",
    b"epoch",
    b"n",
    b"key",
    b"psig",
    b"digest",
    b"seq",
    b"time",
    b"prev",
];

pub(super) fn principal(text: &[u8]) -> Option<&str> {
    text_if(text, is_encoded(text))
}

pub(super) fn source(text: &[u8]) -> Option<&str> {
    text_if(text, text.len() <= CLAIM_BYTES_MAX && is_encoded(text))
}

/// 1–128 characters without `#`, then nothing, or `#` and an integer below 65,536.
pub(super) fn key(text: &[u8]) -> Option<&str> {
    let mut parts = text.splitn(2, |byte| *byte == b'#');
    let name = parts.next()?;
    let part = parts
        .next()
        .is_none_or(|part| integer(part).is_some_and(|part| part < KEY_PART_END));
    text_if(
        text,
        name.len() <= CLAIM_BYTES_MAX && is_encoded(name) && part,
    )
}

pub(super) fn via(text: &[u8]) -> Option<&str> {
    let mut words = text.split(|byte| *byte == b'/');
    let mut word = || {
        words
            .next()
            .is_some_and(|word| is_word(word, |byte| byte == b'-'))
    };
    let good = word() && word();
    text_if(text, good && words.next().is_none())
}

pub(super) fn format(text: &[u8]) -> Option<&str> {
    let begins_plainly = text
        .first()
        .is_some_and(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    text_if(
        text,
        begins_plainly && is_word(text, |byte| matches!(byte, b'.' | b'_' | b'-')),
    )
}

/// An address as the standard library writes it, which for IPv6 is RFC 5952. An IPv4-mapped IPv6 address has another text: IPv4's.
pub(super) fn address(text: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(text).ok()?;
    let good = match (text.parse::<Ipv4Addr>(), text.parse::<Ipv6Addr>()) {
        (Ok(address), _) => is_written(text, &address),
        (_, Ok(address)) => address.to_ipv4_mapped().is_none() && is_written(text, &address),
        _ => false,
    };
    good.then_some(text)
}

/// Does `value` display as `text`? Compares while it is written, so nothing is allocated.
fn is_written(text: &str, value: &impl fmt::Display) -> bool {
    struct Expected<'a>(&'a str);
    impl fmt::Write for Expected<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(piece).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut expected = Expected(text);
    write!(expected, "{value}").is_ok() && expected.0.is_empty()
}

fn is_word(word: &[u8], also: impl Fn(u8) -> bool) -> bool {
    (1..=WORD_BYTES_MAX).contains(&word.len())
        && word
            .iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9') || also(*byte))
}

fn text_if(text: &[u8], good: bool) -> Option<&str> {
    if good {
        core::str::from_utf8(text).ok()
    } else {
        None
    }
}

/// Steps 2 to 4 of *Judging a head*: is this a head of another version, or one with a field this version does not know?
pub(super) fn is_of_later_version(head: &[u8]) -> bool {
    loose(head).unwrap_or(false)
}

/// `None` if it is no head of any version.
fn loose(head: &[u8]) -> Option<bool> {
    let mut cursor = Cursor::new(head);
    if !cursor.has(b"{") {
        return None;
    }
    let (name, value) = loose_field(&mut cursor)?;
    if name != b"indelible" || !value.first()?.is_ascii_digit() {
        return None;
    }
    let mut later = value != b"1";
    while !cursor.has(b"}") {
        if !cursor.has(b",") {
            return None;
        }
        let (name, _) = loose_field(&mut cursor)?;
        later |= !NAMES.contains(&name);
    }
    cursor.end().ok()?;
    Some(later)
}

/// `"NAME":VALUE`. The value of a string begins with its quote.
fn loose_field<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let name = cursor.quoted(b"\"", "a name", Some).ok()?;
    let good = (1..=HEAD_NAME_BYTES_MAX).contains(&name.len())
        && name
            .iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if !good || !cursor.has(b":") {
        return None;
    }
    let digits = cursor.digits();
    if !digits.is_empty() {
        let canonical = matches!(digits, [b'0'] | [b'1'..=b'9', ..]);
        return (canonical && digits.len() <= HEAD_DIGITS_MAX).then_some((name, digits));
    }
    let text = cursor.quoted(b"\"", "a value", Some).ok()?;
    let good = text
        .iter()
        .all(|byte| matches!(byte, 0x21..=0x7E) && !matches!(byte, b'\\' | b'{' | b'}'));
    good.then_some((name, b"\"".as_slice()))
}
