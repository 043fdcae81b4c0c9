//! Member names: are two of one object equal after unescaping?
//!
//! Names are hashed while they are read; only equal hashes are compared exactly. The hash is not secret, so whoever writes the event
//! can make hashes equal: then sorting bounds the work to n log n comparisons.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// Objects up to this size are searched with a set of 64 bits instead of being sorted.
const SMALL: usize = 64;

/// A name as it stands in the input, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    /// Of the unescaped bytes.
    pub(super) hash: u64,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Holds a backslash, so that raw bytes can't be compared.
    pub(super) escaped: bool,
}

impl Name {
    fn raw<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        input.get(self.start..self.end).unwrap_or_default()
    }

    /// By unescaped bytes, which for UTF-8 is by code points.
    fn order(&self, other: &Name, input: &[u8]) -> Ordering {
        let (raw, other_raw) = (self.raw(input), other.raw(input));
        if self.escaped || other.escaped {
            unescaped(raw).cmp(unescaped(other_raw))
        } else {
            raw.cmp(other_raw)
        }
    }
}

/// The place of the first name, in reading order, that stood in this object before. Reports its opening quote.
pub(super) fn duplicate(names: &mut [Name], input: &[u8]) -> Option<usize> {
    if names.len() > SMALL {
        return sorted_duplicate(names, input);
    }
    let mut seen = 0_u64;
    for (index, name) in names.iter().enumerate() {
        let bit = 1 << (name.hash >> 58);
        if seen & bit != 0
            && let Some(earlier) = names
                .iter()
                .take(index)
                .find(|earlier| earlier.hash == name.hash)
        {
            if earlier.order(name, input).is_eq() {
                return Some(name.start.saturating_sub(1));
            }
            return sorted_duplicate(names, input);
        }
        seen |= bit;
    }
    None
}

#[cold]
fn sorted_duplicate(names: &mut [Name], input: &[u8]) -> Option<usize> {
    names.sort_unstable_by(|a, b| {
        a.hash
            .cmp(&b.hash)
            .then_with(|| a.order(b, input))
            .then_with(|| a.start.cmp(&b.start))
    });
    let pairs = names.iter().zip(names.iter().skip(1));
    let equal = pairs.filter(|(a, b)| a.hash == b.hash && a.order(b, input).is_eq());
    equal.map(|(_, later)| later.start.saturating_sub(1)).min()
}

/// A hash of words of eight bytes, the last one padded with zeros. Fast, not strong: the multiply–rotate of rustc's FxHash.
#[derive(Clone, Copy, Default)]
pub(super) struct NameHash(u64);

impl NameHash {
    #[inline]
    pub(super) fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    #[inline]
    pub(super) fn finish(self) -> u64 {
        self.0
    }

    /// The same hash from single bytes. The last word counts even if it is empty.
    pub(super) fn of(bytes: impl Iterator<Item = u8>) -> u64 {
        let mut hash = NameHash::default();
        let (mut word, mut shift) = (0, 0);
        for byte in bytes {
            word |= u64::from(byte) << shift;
            shift += 8;
            if shift == 64 {
                hash.add(word);
                (word, shift) = (0, 0);
            }
        }
        hash.add(word);
        hash.finish()
    }
}

/// The bytes of a judged string after unescaping.
pub(super) fn unescaped(raw: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = raw;
    core::iter::from_fn(move || {
        let (piece, after) = piece(rest)?;
        rest = after;
        Some(piece.into_iter().flatten())
    })
    .flatten()
}

/// Appends a string's bytes after unescaping. `None`: an escape is wrong.
pub(crate) fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = raw;
    while !rest.is_empty() {
        let (piece, after) = piece(rest)?;
        out.extend(piece.into_iter().flatten());
        rest = after;
    }
    Some(())
}

/// The first byte of a string, or the bytes its first escape stands for; and what follows.
fn piece(raw: &[u8]) -> Option<([Option<u8>; 4], &[u8])> {
    let one = |byte| [Some(byte), None, None, None];
    let (simple, rest) = match raw {
        [b'\\', b'u', ..] => return wide_piece(raw),
        [b'\\', code, rest @ ..] => (simple_escape(*code)?, rest),
        [byte, rest @ ..] => (*byte, rest),
        [] => return None,
    };
    Some((one(simple), rest))
}

fn simple_escape(code: u8) -> Option<u8> {
    match code {
        b'"' | b'\\' | b'/' => Some(code),
        b'b' => Some(8),
        b'f' => Some(12),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}

fn wide_piece(raw: &[u8]) -> Option<([Option<u8>; 4], &[u8])> {
    let (first, rest) = unit(raw)?;
    let (second, after) = match first {
        0xD800..=0xDBFF => unit(rest).map(|(second, after)| (Some(second), after))?,
        _ => (None, rest),
    };
    let character = char::decode_utf16([Some(first), second].into_iter().flatten())
        .next()?
        .ok()?;
    let mut bytes = [0; 4];
    let length = character.encode_utf8(&mut bytes).len();
    let mut piece = [None; 4];
    piece
        .iter_mut()
        .zip(bytes)
        .take(length)
        .for_each(|(place, byte)| *place = Some(byte));
    Some((piece, after))
}

/// The code unit of one `\uXXXX`.
fn unit(raw: &[u8]) -> Option<(u16, &[u8])> {
    let [a, b, c, d, rest @ ..] = raw.strip_prefix(b"\\u")? else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let unit = [a, b, c, d]
        .into_iter()
        .try_fold(0, |unit, byte| digit(byte).map(|digit| unit << 4 | digit))?;
    Some((u16::try_from(unit).ok()?, rest))
}
