//! The rules for a head in its place (`docs/spec/export.md`, step 3d). Receipts, exports and stores share them.

use crate::hash::Hash;
use crate::head::{Head, HeadError};
use crate::time::Time;
use crate::verdict::{Integrity, Rule};

/// What is known of the record before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Its entry, as the tree vouches for it. Absent: `prev` is not checked.
    pub entry: Option<Hash>,
    /// Its `time`. Absent: `time` is not checked.
    pub time: Option<Time>,
}

impl Before {
    /// What stands before the first record one looks at: nothing before seq 0, and nothing known before any other.
    #[must_use]
    pub fn first(seq: u64) -> Before {
        Before {
            entry: (seq == 0).then_some(Hash::ZERO),
            time: None,
        }
    }
}

/// Why a head may not stand where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// A later version wrote it, or it is of a kind that is reserved for one.
    Unsupported,
    /// The log signed it although it breaks this rule.
    Rule(Rule),
}

impl HeadFault {
    /// As a value of the verdict, for the record at `seq`.
    #[must_use]
    pub fn integrity(self, seq: u64) -> Integrity {
        match self {
            HeadFault::Unsupported => Integrity::UnsupportedVersion,
            HeadFault::Rule(rule) => Integrity::LogFault(seq, rule),
        }
    }
}

/// Judges the head that stands at `seq` in the log of that origin, by all rules in their order.
///
/// # Errors
/// The first rule that is broken.
pub fn check_head<'a>(
    head: &'a [u8],
    log: &str,
    seq: u64,
    before: &Before,
) -> Result<Head<'a>, HeadFault> {
    let head = parse(head)?;
    match place_fault(&head, log, seq).or_else(|| order_fault(&head.prev, head.time, before)) {
        Some(rule) => Err(HeadFault::Rule(rule)),
        None => Ok(head),
    }
}

/// Version and form.
pub(super) fn parse(head: &[u8]) -> Result<Head<'_>, HeadFault> {
    match Head::parse(head) {
        Ok(head) if head.shared.kind.is_reserved() => Err(HeadFault::Unsupported),
        Ok(head) => Ok(head),
        Err(HeadError::Unsupported) => Err(HeadFault::Unsupported),
        Err(HeadError::Invalid { .. }) => Err(HeadFault::Rule(Rule::Head)),
    }
}

/// The rules that need no other record.
pub(super) fn place_fault(head: &Head<'_>, log: &str, seq: u64) -> Option<Rule> {
    if head.log.as_str() != log {
        Some(Rule::Log)
    } else if head.seq != seq {
        Some(Rule::Seq)
    } else if head.kind_fault(head.log.log()) {
        Some(Rule::Kind)
    } else {
        None
    }
}

/// The rules that need the record before.
pub(super) fn order_fault(prev: &Hash, time: Time, before: &Before) -> Option<Rule> {
    if before.entry.is_some_and(|entry| entry != *prev) {
        Some(Rule::Prev)
    } else if before.time.is_some_and(|before| before >= time) {
        Some(Rule::Time)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
