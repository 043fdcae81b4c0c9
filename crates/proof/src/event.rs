//! The JSON profile: which bytes an event may be, and how it is minified. The only judge of JSON in the system.
//!
//! Owns the rules of `docs/spec/event.md` and their order: the first rule broken, in reading order, gives the reason. Promises that
//! the bytes kept are the sender's, without the white space outside strings; nothing is re-encoded. One pass, no recursion, and
//! nothing is allocated once the reader is warm. Does not know what an event means.

mod name;
mod number;
mod reading;
mod string;

use crate::limits::EVENT_MEMBERS_MAX;
use alloc::vec::Vec;
use core::fmt;
use name::Name;
pub(crate) use name::unescape;
use reading::{Level, Reading};

/// Names kept ready between events. One hostile event can open 64 objects of 10,000 members; what it took is given back.
const NAMES_KEPT_MAX: usize = 2 * EVENT_MEMBERS_MAX;

/// The rule an input broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Begins with EF BB BF.
    Bom,
    /// The first byte is not `{`.
    NotAnObject,
    /// A byte the grammar does not allow at its place.
    UnexpectedCharacter,
    /// Ends before the object does.
    UnexpectedEnd,
    /// More than white space after the object.
    TrailingData,
    /// A byte below 0x20 in a string.
    ControlCharacter,
    /// A string that is not UTF-8.
    InvalidUtf8,
    /// An escape JSON does not have.
    BadEscape,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// U+0000 in a member name.
    NulInName,
    /// Not a number by RFC 8259 §6.
    BadNumber,
    /// A number of more than 128 bytes.
    NumberTooLong,
    /// A number no binary64 comes near.
    NumberOutOfRange,
    /// More than 64 levels.
    TooDeep,
    /// More than 10,000 members.
    TooManyMembers,
    /// Two equal names in one object.
    DuplicateName,
    /// More bytes than the log takes.
    TooLarge,
    /// White space outside strings in a stored event.
    NotMinified,
}

impl Reason {
    /// The word of `docs/spec/event.md`, which never changes.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Reason::Bom => "bom",
            Reason::NotAnObject => "not-an-object",
            Reason::UnexpectedCharacter => "unexpected-character",
            Reason::UnexpectedEnd => "unexpected-end",
            Reason::TrailingData => "trailing-data",
            Reason::ControlCharacter => "control-character",
            Reason::InvalidUtf8 => "invalid-utf8",
            Reason::BadEscape => "bad-escape",
            Reason::LoneSurrogate => "lone-surrogate",
            Reason::NulInName => "nul-in-name",
            Reason::BadNumber => "bad-number",
            Reason::NumberTooLong => "number-too-long",
            Reason::NumberOutOfRange => "number-out-of-range",
            Reason::TooDeep => "too-deep",
            Reason::TooManyMembers => "too-many-members",
            Reason::DuplicateName => "duplicate-name",
            Reason::TooLarge => "too-large",
            Reason::NotMinified => "not-minified",
        }
    }
}

impl fmt::Display for Reason {
    /// What is wrong and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Bom => "the event begins with a byte order mark: send it without",
            Reason::NotAnObject => "an event is a JSON object: wrap it in { }",
            Reason::UnexpectedCharacter => "not JSON: a character stands where it may not",
            Reason::UnexpectedEnd => "the JSON ends too early: send the whole object",
            Reason::TrailingData => "something follows the object: send one event at a time",
            Reason::ControlCharacter => "a control character in a string: escape it as \\u00XX",
            Reason::InvalidUtf8 => "a string is not UTF-8: convert it",
            Reason::BadEscape => "an escape JSON does not have: write a backslash as \\\\",
            Reason::LoneSurrogate => "half of a surrogate pair: send both halves or U+FFFD",
            Reason::NulInName => "a member name holds U+0000: take it out",
            Reason::BadNumber => "not a JSON number: no leading zero or +, digits on both sides of the point",
            Reason::NumberTooLong => "a number of more than 128 bytes: send it as a string",
            Reason::NumberOutOfRange => "a number too large for any reader: send it as a string",
            Reason::TooDeep => "nested more than 64 levels deep: flatten the event",
            Reason::TooManyMembers => "an object of more than 10,000 members: use an array or split the event",
            Reason::DuplicateName => "two members of an object have the same name: rename one",
            Reason::TooLarge => "the event is larger than the log takes: split it, or store a digest of the large part",
            Reason::NotMinified => "a stored event has white space outside strings",
        })
    }
}

/// Why an input is no event, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; {} at byte {offset}", reason.code())]
pub struct EventError {
    /// The first rule broken.
    pub reason: Reason,
    /// Byte of the input, from 0. For a token that is wrong as a whole (a number, a name that is there twice) it is the token's
    /// first byte.
    pub offset: usize,
}

/// Judges events; keep one for each thread. Holds only scratch space, so nothing of one event is visible in the next.
#[derive(Debug)]
pub struct EventReader {
    /// Bytes a minified event may have.
    limit: usize,
    /// Names of all objects that are open, innermost last.
    names: Vec<Name>,
    /// Objects and arrays that are open, outermost first.
    levels: Vec<Level>,
}

impl EventReader {
    /// A reader for a log whose minified events have at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> EventReader {
        EventReader {
            limit,
            names: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// Bytes a minified event may have.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Judges `input` and appends its minified form to `out`. After an error `out` is what it was.
    ///
    /// # Errors
    /// [`EventError`] with the first rule broken.
    pub fn minify(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), EventError> {
        let length = out.len();
        let result = self.read(input, Some(out));
        if result.is_err() {
            out.truncate(length);
        }
        result
    }

    /// Judges an event that was stored: it must be what [`EventReader::minify`] wrote.
    ///
    /// # Errors
    /// [`EventError`] with the first rule broken.
    pub fn check_stored(&mut self, event: &[u8]) -> Result<(), EventError> {
        self.read(event, None)
    }

    fn read(&mut self, input: &[u8], out: Option<&mut Vec<u8>>) -> Result<(), EventError> {
        self.names.clear();
        self.levels.clear();
        let result = Reading::new(input, self.limit, out, &mut self.names, &mut self.levels).run();
        if self.names.capacity() > NAMES_KEPT_MAX {
            self.names = Vec::new();
        }
        result
    }
}

#[cfg(test)]
mod tests;
