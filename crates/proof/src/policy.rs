//! A policy (C2SP tlog-policy): which witnesses must have cosigned a checkpoint before one believes it.
//!
//! Owns the strict grammar of that document and the evaluation of its quorum. A policy is bytes, not text: names are compared byte
//! by byte. Does not know a note or a clock; who cosigned is told.

use crate::key::VerifierKey;
use crate::limits::{POLICY_BYTES_MAX, POLICY_LINES_MAX};
use alloc::vec::Vec;

/// Logs, witnesses, and the rule by which witnesses count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Keys of logs, in the order of their lines.
    pub logs: Vec<VerifierKey>,
    /// Keys of witnesses, in the order of their lines.
    pub witnesses: Vec<VerifierKey>,
    /// What has a name, in the order of the lines: members stand before their group.
    members: Vec<Member>,
    /// Place in `members`. `None`: nobody is asked for.
    quorum: Option<usize>,
}

/// A witness or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    /// Place in `witnesses`.
    Witness(usize),
    /// So many of these, which are places in `members`.
    Group(usize, Vec<usize>),
}

/// Why bytes are not a policy: the line, counted from 1, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy's line {line}: {what}")]
pub struct PolicyError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyError`] with the first line that is wrong; line 1 for a policy that is too large, the last for one that lacks something.
    pub fn parse(bytes: &[u8]) -> Result<Policy, PolicyError> {
        let at = |line, what| PolicyError { line, what };
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(at(1, "more than 1 MiB"));
        }
        let mut reading = Reading::default();
        let mut count = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            count += 1;
            if count > POLICY_LINES_MAX {
                return Err(at(count, "more than 1,000 lines"));
            }
            let line = line
                .strip_suffix(b"\n")
                .ok_or(at(count, "it does not end in a newline"))?;
            reading.line(line).map_err(|what| at(count, what))?;
        }
        let quorum = reading.quorum.ok_or(at(count.max(1), "no quorum line"))?;
        Ok(Policy {
            logs: reading.logs,
            witnesses: reading.witnesses,
            members: reading
                .names
                .into_iter()
                .map(|named| named.member)
                .collect(),
            quorum,
        })
    }

    /// Does it ask for any witness?
    #[must_use]
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Is the quorum met by the witnesses for which `cosigned` says so? They are numbered as in `witnesses`.
    #[must_use]
    pub fn is_met(&self, cosigned: impl Fn(usize) -> bool) -> bool {
        let Some(quorum) = self.quorum else {
            return true;
        };
        let mut met: Vec<bool> = Vec::new();
        for member in &self.members {
            let is_met = match member {
                Member::Witness(number) => cosigned(*number),
                Member::Group(least, members) => {
                    let count = members
                        .iter()
                        .filter(|place| met.get(**place) == Some(&true));
                    count.count() >= *least
                }
            };
            met.push(is_met);
        }
        met.get(quorum) == Some(&true)
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading<'a> {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    names: Vec<Named<'a>>,
    /// Once the line came.
    #[allow(
        clippy::option_option,
        reason = "no line yet, a line that says none, and one that names a member"
    )]
    quorum: Option<Option<usize>>,
}

struct Named<'a> {
    name: &'a [u8],
    member: Member,
    /// Does it stand in a group already?
    is_taken: bool,
}

impl<'a> Reading<'a> {
    fn line(&mut self, line: &'a [u8]) -> Result<(), &'static str> {
        if line
            .iter()
            .any(|byte| matches!(byte, 0..=8 | 10..=0x1F | 0x7F))
        {
            return Err("a control character");
        }
        let mut words = line
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else {
            return Ok(());
        };
        if keyword.starts_with(b"#") {
            return Ok(());
        }
        let words: Vec<&[u8]> = words.collect();
        match (keyword, &words[..]) {
            (b"log", [key] | [key, _]) => self.log(key),
            (b"witness", [name, key] | [name, key, _]) => self.witness(name, key),
            (b"group", [name, least, members @ ..]) if !members.is_empty() => {
                self.group(name, least, members)
            }
            (b"quorum", [name]) => self.set_quorum(name),
            (b"log" | b"witness" | b"group" | b"quorum", _) => {
                Err("another number of items than such a line has")
            }
            _ => Err("an unknown keyword"),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), &'static str> {
        let key = read_key(key, VerifierKey::parse)?;
        if self.logs.iter().any(|log| log.public() == key.public()) {
            return Err("a log's key stands there twice");
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &'a [u8], key: &[u8]) -> Result<(), &'static str> {
        let key = read_key(key, VerifierKey::parse_cosigner)?;
        if self
            .witnesses
            .iter()
            .any(|witness| witness.public() == key.public())
        {
            return Err("a witness's key stands there twice");
        }
        self.name(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(key);
        Ok(())
    }

    fn group(
        &mut self,
        name: &'a [u8],
        least: &[u8],
        members: &[&[u8]],
    ) -> Result<(), &'static str> {
        let least = match least {
            b"any" => 1,
            b"all" => members.len(),
            digits => crate::cursor::integer(digits)
                .and_then(|least| usize::try_from(least).ok())
                .filter(|least| (1..=members.len()).contains(least))
                .ok_or(
                    "the threshold is not any, all, or a number from 1 to that of the members",
                )?,
        };
        let mut places = Vec::new();
        for member in members {
            let place = self.place(member)?;
            let named = self.names.get_mut(place).ok_or("no such name")?;
            if named.is_taken {
                return Err("a member stands in a group twice");
            }
            named.is_taken = true;
            places.push(place);
        }
        self.name(name, Member::Group(least, places))
    }

    fn set_quorum(&mut self, name: &[u8]) -> Result<(), &'static str> {
        if self.quorum.is_some() {
            return Err("a second quorum line");
        }
        self.quorum = Some(match name {
            b"none" => None,
            name => Some(self.place(name)?),
        });
        Ok(())
    }

    fn name(&mut self, name: &'a [u8], member: Member) -> Result<(), &'static str> {
        if name == b"none" || self.place(name).is_ok() {
            return Err("the name is taken");
        }
        self.names.push(Named {
            name,
            member,
            is_taken: false,
        });
        Ok(())
    }

    fn place(&self, name: &[u8]) -> Result<usize, &'static str> {
        let place = self.names.iter().position(|named| named.name == name);
        place.ok_or("a name that no line before defines")
    }
}

fn read_key<E>(
    text: &[u8],
    parse: impl FnOnce(&str) -> Result<VerifierKey, E>,
) -> Result<VerifierKey, &'static str> {
    core::str::from_utf8(text)
        .ok()
        .and_then(|text| parse(text).ok())
        .ok_or("not a verifier key of a type that such a line has")
}

#[cfg(test)]
mod tests;
