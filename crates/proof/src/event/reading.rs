//! The grammar: one pass over an input with a stack of open objects and arrays.
//!
//! White space is only ever met between tokens, so what is kept are the runs between white space; a minified input is one run and is
//! copied once.

use super::name::{self, Name};
use super::number;
use super::{EventError, Reason};
use crate::limits::{EVENT_DEPTH_MAX, EVENT_MEMBERS_MAX};
use alloc::vec::Vec;

/// An open object or array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Array,
    /// Where its names begin in the list of all names.
    Object(usize),
}

/// A broken rule: the byte to report, and the byte at which reading stopped.
#[derive(Clone, Copy)]
pub(super) struct Fail {
    pub(super) reason: Reason,
    pub(super) offset: usize,
    pub(super) found: usize,
}

/// One input being read.
pub(super) struct Reading<'r> {
    pub(super) input: &'r [u8],
    /// The next byte to read.
    pub(super) at: usize,
    /// Begin of the run that is not copied yet.
    run: usize,
    /// White space passed so far.
    removed: usize,
    limit: usize,
    /// Where kept bytes go; `None` for a stored event, which has no white space.
    out: Option<&'r mut Vec<u8>>,
    pub(super) names: &'r mut Vec<Name>,
    levels: &'r mut Vec<Level>,
}

impl<'r> Reading<'r> {
    pub(super) fn new(
        input: &'r [u8],
        limit: usize,
        out: Option<&'r mut Vec<u8>>,
        names: &'r mut Vec<Name>,
        levels: &'r mut Vec<Level>,
    ) -> Reading<'r> {
        Reading {
            input,
            at: 0,
            run: 0,
            removed: 0,
            limit,
            out,
            names,
            levels,
        }
    }

    /// Reads the input to its end. A byte that was kept beyond the limit comes before any rule broken after it.
    pub(super) fn run(mut self) -> Result<(), EventError> {
        let result = match self.event() {
            Ok(()) => self.keep(),
            Err(fail) => self.check_size(fail.found).and(Err(fail)),
        };
        result.map_err(|Fail { reason, offset, .. }| EventError { reason, offset })
    }

    fn event(&mut self) -> Result<(), Fail> {
        if self.input.starts_with(b"\xEF\xBB\xBF") {
            return Err(self.fail(Reason::Bom));
        }
        self.skip_white()?;
        match self.byte() {
            Some(b'{') => {}
            Some(_) => return Err(self.fail(Reason::NotAnObject)),
            None => return Err(self.fail(Reason::UnexpectedEnd)),
        }
        loop {
            while !self.value()? {}
            if !self.after_value()? {
                break;
            }
        }
        self.skip_white()?;
        if self.at < self.input.len() {
            Err(self.fail(Reason::TrailingData))
        } else {
            Ok(())
        }
    }

    /// Reads a value. `false`: it is an object or array whose first inner value is to be read next.
    #[inline]
    fn value(&mut self) -> Result<bool, Fail> {
        self.skip_white()?;
        match self.byte() {
            Some(b'"') => {
                self.at += 1;
                self.string()?;
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'{') => {
                self.open(Level::Object(self.names.len()))?;
                if self.byte() != Some(b'}') {
                    self.member()?;
                    return Ok(false);
                }
                self.close();
            }
            Some(b'[') => {
                self.open(Level::Array)?;
                if self.byte() != Some(b']') {
                    return Ok(false);
                }
                self.close();
            }
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => return Err(self.unexpected()),
        }
        Ok(true)
    }

    /// Reads what follows a value, up to where the next value begins. `false`: the event is complete.
    #[inline]
    fn after_value(&mut self) -> Result<bool, Fail> {
        while let Some(level) = self.levels.last().copied() {
            self.skip_white()?;
            match (self.byte(), level) {
                (Some(b','), Level::Object(_)) => {
                    self.at += 1;
                    self.skip_white()?;
                    self.member()?;
                    return Ok(true);
                }
                (Some(b','), Level::Array) => {
                    self.at += 1;
                    return Ok(true);
                }
                (Some(b'}'), Level::Object(first)) => {
                    self.check_names(first)?;
                    self.close();
                }
                (Some(b']'), Level::Array) => self.close(),
                _ => return Err(self.unexpected()),
            }
        }
        Ok(false)
    }

    fn open(&mut self, level: Level) -> Result<(), Fail> {
        if self.levels.len() == EVENT_DEPTH_MAX {
            return Err(self.fail(Reason::TooDeep));
        }
        self.levels.push(level);
        self.at += 1;
        self.skip_white()
    }

    fn close(&mut self) {
        if let Some(Level::Object(first)) = self.levels.pop() {
            self.names.truncate(first);
        }
        self.at += 1;
    }

    /// Reads a name and its colon.
    #[inline]
    fn member(&mut self) -> Result<(), Fail> {
        if self.byte() != Some(b'"') {
            return Err(self.unexpected());
        }
        if let Some(Level::Object(first)) = self.levels.last()
            && self.names.len().saturating_sub(*first) == EVENT_MEMBERS_MAX
        {
            return Err(self.fail(Reason::TooManyMembers));
        }
        self.at += 1;
        self.name()?;
        self.skip_white()?;
        if self.byte() != Some(b':') {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    fn check_names(&mut self, first: usize) -> Result<(), Fail> {
        let names = self.names.get_mut(first..).unwrap_or_default();
        match name::duplicate(names, self.input) {
            Some(offset) => Err(Fail {
                reason: Reason::DuplicateName,
                offset,
                found: self.at,
            }),
            None => Ok(()),
        }
    }

    /// The plain integers that most numbers are take one loop; whatever else stands here is judged as a whole.
    #[inline]
    fn number(&mut self) -> Result<(), Fail> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let leading_zero = digits > 1 && rest.first() == Some(&b'0');
        let ends = rest.get(digits).is_some_and(|byte| !number::is_part(*byte));
        if (1..20).contains(&digits) && !leading_zero && ends {
            self.at += digits;
            return Ok(());
        }
        let length = rest
            .iter()
            .take_while(|byte| number::is_part(**byte))
            .count();
        let start = self.at;
        self.at += length;
        match number::fault(rest.get(..length).unwrap_or_default()) {
            Some(reason) => Err(Fail {
                reason,
                offset: start,
                found: self.at,
            }),
            None => Ok(()),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Fail> {
        for byte in word {
            if self.byte() != Some(*byte) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    fn skip_white(&mut self) -> Result<(), Fail> {
        match self.byte() {
            Some(0..=b' ') => self.skip_white_here(),
            _ => Ok(()),
        }
    }

    fn skip_white_here(&mut self) -> Result<(), Fail> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
        if length == 0 {
            return Ok(());
        }
        if self.out.is_none() {
            return Err(self.fail(Reason::NotMinified));
        }
        self.keep()?;
        self.at += length;
        self.removed += length;
        self.run = self.at;
        Ok(())
    }

    /// Copies the run that ends here.
    fn keep(&mut self) -> Result<(), Fail> {
        self.check_size(self.at)?;
        if let (Some(out), Some(run)) = (&mut self.out, self.input.get(self.run..self.at)) {
            out.extend_from_slice(run);
        }
        Ok(())
    }

    /// Were more bytes kept before `upto` than the log takes?
    fn check_size(&self, upto: usize) -> Result<(), Fail> {
        if upto.saturating_sub(self.removed) > self.limit {
            let offset = self.limit.saturating_add(self.removed);
            return Err(Fail {
                reason: Reason::TooLarge,
                offset,
                found: offset,
            });
        }
        Ok(())
    }

    #[inline]
    pub(super) fn byte(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    pub(super) fn fail(&self, reason: Reason) -> Fail {
        Fail {
            reason,
            offset: self.at,
            found: self.at,
        }
    }

    /// The byte here is not allowed, or there is none.
    fn unexpected(&self) -> Fail {
        self.fail(if self.at < self.input.len() {
            Reason::UnexpectedCharacter
        } else {
            Reason::UnexpectedEnd
        })
    }
}
