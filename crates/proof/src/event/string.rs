//! Strings: eight bytes at a time while they are plain ASCII, byte by byte where they are not.
//!
//! Sixteen bytes at a time were tried and gave nothing: strings of audit events have ten to twenty bytes, and what costs is that
//! their lengths can't be foreseen.

use super::Reason;
use super::name::{Name, NameHash, unescaped};
use super::reading::{Fail, Reading};

const ONES: u64 = 0x0101_0101_0101_0101;
const QUOTES: u64 = 0x22 * ONES;
const BACKSLASHES: u64 = 0x5C * ONES;
const SPACES: u64 = 0x20 * ONES;
const HIGH_BITS: u64 = 0x80 * ONES;

impl Reading<'_> {
    /// Reads a string whose opening quote was read.
    #[inline]
    pub(super) fn string(&mut self) -> Result<(), Fail> {
        self.read_string::<false>()
    }

    /// Reads a name whose opening quote was read, and remembers it.
    #[inline]
    pub(super) fn name(&mut self) -> Result<(), Fail> {
        let start = self.at;
        let mut hash = NameHash::default();
        loop {
            let word = self.word();
            let stops = stops(word);
            if stops == 0 {
                hash.add(word);
                self.at += 8;
                continue;
            }
            self.at += first_byte(stops);
            if self.byte() != Some(b'"') {
                return self.odd_name(start);
            }
            hash.add(before(word, stops));
            self.names.push(Name {
                hash: hash.finish(),
                start,
                end: self.at,
                escaped: false,
            });
            self.at += 1;
            return Ok(());
        }
    }

    /// A name with an escape or a character beyond ASCII.
    #[cold]
    fn odd_name(&mut self, start: usize) -> Result<(), Fail> {
        self.read_string::<true>()?;
        let end = self.at.saturating_sub(1);
        let raw = self.input.get(start..end).unwrap_or_default();
        let name = Name {
            hash: NameHash::of(unescaped(raw)),
            start,
            end,
            escaped: raw.contains(&b'\\'),
        };
        self.names.push(name);
        Ok(())
    }

    fn read_string<const NAME: bool>(&mut self) -> Result<(), Fail> {
        loop {
            let stops = stops(self.word());
            if stops == 0 {
                self.at += 8;
                continue;
            }
            self.at += first_byte(stops);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape::<NAME>()?,
                Some(0..0x20) => return Err(self.fail(Reason::ControlCharacter)),
                Some(_) => self.wide_characters()?,
                None => return Err(self.fail(Reason::UnexpectedEnd)),
            }
        }
    }

    /// The next eight bytes, the first one lowest. Zeros stand for what lies past the end; they stop the scan like a control
    /// character, and whoever then looks for the byte finds none.
    #[inline]
    fn word(&self) -> u64 {
        match self.input.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => self.last_word(),
        }
    }

    fn last_word(&self) -> u64 {
        let rest = self.input.get(self.at..).unwrap_or_default();
        rest.iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    /// Reads one escape; a pair of surrogates is one.
    fn escape<const NAME: bool>(&mut self) -> Result<(), Fail> {
        let start = self.at;
        self.at += 1;
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                let unit = self.four_digits()?;
                let lone = Fail {
                    reason: Reason::LoneSurrogate,
                    offset: start,
                    found: self.at,
                };
                match unit {
                    0xD800..=0xDBFF => self.low_surrogate().ok_or(lone)?,
                    0xDC00..=0xDFFF => return Err(lone),
                    0 if NAME => {
                        return Err(Fail {
                            reason: Reason::NulInName,
                            ..lone
                        });
                    }
                    _ => {}
                }
            }
            Some(_) => return Err(self.fail(Reason::BadEscape)),
            None => return Err(self.fail(Reason::UnexpectedEnd)),
        }
        Ok(())
    }

    fn four_digits(&mut self) -> Result<u32, Fail> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self
                .byte()
                .ok_or_else(|| self.fail(Reason::UnexpectedEnd))?;
            let digit = char::from(byte)
                .to_digit(16)
                .ok_or_else(|| self.fail(Reason::BadEscape))?;
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn low_surrogate(&mut self) -> Option<()> {
        if !self.input.get(self.at..)?.starts_with(b"\\u") {
            return None;
        }
        self.at += 2;
        matches!(self.four_digits(), Ok(0xDC00..=0xDFFF)).then_some(())
    }

    /// Reads characters beyond ASCII as long as one follows another.
    fn wide_characters(&mut self) -> Result<(), Fail> {
        while let Some(first @ 0x80..) = self.byte() {
            self.at += 1;
            let (second, more) = continuation(first).ok_or_else(|| self.stray())?;
            if !self.byte().is_some_and(|byte| second.contains(&byte)) {
                return Err(self.fail(Reason::InvalidUtf8));
            }
            self.at += 1;
            for _ in 0..more {
                if !matches!(self.byte(), Some(0x80..=0xBF)) {
                    return Err(self.fail(Reason::InvalidUtf8));
                }
                self.at += 1;
            }
        }
        Ok(())
    }

    /// The byte just read begins no character.
    fn stray(&self) -> Fail {
        let offset = self.at.saturating_sub(1);
        Fail {
            reason: Reason::InvalidUtf8,
            offset,
            found: offset,
        }
    }
}

/// RFC 3629 §4: which second byte may follow, and how many after it. No overlong form, no surrogate, nothing above U+10FFFF.
fn continuation(first: u8) -> Option<(core::ops::RangeInclusive<u8>, u8)> {
    match first {
        0xC2..=0xDF => Some((0x80..=0xBF, 0)),
        0xE0 => Some((0xA0..=0xBF, 1)),
        0xE1..=0xEC | 0xEE | 0xEF => Some((0x80..=0xBF, 1)),
        0xED => Some((0x80..=0x9F, 1)),
        0xF0 => Some((0x90..=0xBF, 2)),
        0xF1..=0xF3 => Some((0x80..=0xBF, 2)),
        0xF4 => Some((0x80..=0x8F, 2)),
        _ => None,
    }
}

/// Sets the high bit of the first byte that is a quote, a backslash, below 0x20 or beyond ASCII; zero if there is none. Bits of
/// bytes after the first may be wrong, because a subtraction borrows from the next byte only where it found something.
#[inline]
fn stops(word: u64) -> u64 {
    let quotes = (word ^ QUOTES).wrapping_sub(ONES);
    let backslashes = (word ^ BACKSLASHES).wrapping_sub(ONES);
    let controls = word.wrapping_sub(SPACES);
    (quotes | backslashes | controls | word) & HIGH_BITS
}

/// The number of the first byte that stops, 0–7.
#[inline]
fn first_byte(stops: u64) -> usize {
    let [byte, ..] = (stops.trailing_zeros() >> 3).to_le_bytes();
    usize::from(byte)
}

/// The bytes of `word` before the first that stops, the others zero.
#[inline]
fn before(word: u64, stops: u64) -> u64 {
    let stop = stops & stops.wrapping_neg();
    word & (stop >> 7).wrapping_sub(1)
}
