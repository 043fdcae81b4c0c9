//! What a check of a store found, one thing at a time: the kind of damage, the place, the records.

use indelible_proof::verdict::Rule;
use std::fmt;
use std::ops::Range;

/// Kinds of damage, as `docs/spec/pack.md` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A newer version wrote it.
    Unsupported,
    /// A check or a decoder refuses bytes that should be ours.
    Unreadable,
    /// A pack with other digests than `_node` names. Whatever else is found in it says better what was changed.
    NotThePackNamed,
    /// A batch, a pack or a log that something else names is not there.
    MissingBatch(u64),
    /// Records between two others are not there.
    Missing,
    /// Entries don't give the root of a size, and no single entry can be named.
    RootMismatch(u64),
    /// A stored tree node is not what the entries below it give.
    TileAltered {
        /// Level of the node.
        level: u32,
        /// Its place in the level.
        number: u64,
    },
    /// A stored entry is not what its record gives, and the tree vouches for the record.
    EntryAltered,
    /// A record does not give the entry that the tree vouches for.
    RecordAltered,
    /// An event is gone without a record that says why.
    Erased,
    /// The log signed a record that breaks this rule.
    LogFault(Rule),
    /// A signature of ours is wrong.
    SignatureInvalid,
    /// Keys of a log whose hinge is not there or not good.
    KeyWalkBroken,
}

/// One thing found, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub damage: Damage,
    /// Relative to the store directory.
    pub file: String,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The log's name, where one is concerned.
    pub log: Option<String>,
    /// The records concerned, as far as known.
    pub seqs: Vec<Range<u64>>,
    /// What was seen.
    pub what: String,
}

impl Finding {
    pub(crate) fn new(damage: Damage, file: &str, offset: u64, what: impl Into<String>) -> Finding {
        Finding {
            damage,
            file: file.to_owned(),
            offset,
            log: None,
            seqs: Vec::new(),
            what: what.into(),
        }
    }

    pub(crate) fn of_log(mut self, log: &str) -> Finding {
        self.log = Some(log.to_owned());
        self
    }

    /// A record whose time is not after that of the one before it.
    pub(crate) fn not_after(log: &str, seq: u64, file: &str, offset: u64) -> Finding {
        let what = "its time is not after the one before";
        Finding::new(Damage::LogFault(Rule::Time), file, offset, what).of_range(log, seq..seq + 1)
    }

    pub(crate) fn of_range(mut self, log: &str, seqs: Range<u64>) -> Finding {
        self.seqs.push(seqs);
        self.of_log(log)
    }

    pub(crate) fn of(mut self, log: &str, seqs: Vec<Range<u64>>) -> Finding {
        self.log = Some(log.to_owned());
        self.seqs = seqs;
        self
    }

    /// The single seqs of all ranges, ascending.
    pub fn each_seq(&self) -> impl Iterator<Item = u64> + '_ {
        self.seqs.iter().cloned().flatten()
    }

    /// How many records are concerned.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.seqs.iter().map(|range| range.end - range.start).sum()
    }
}

impl fmt::Display for Finding {
    /// One sentence: what, where, whose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.damage {
            Damage::Unsupported => f.write_str("unsupported version")?,
            Damage::Unreadable | Damage::NotThePackNamed => f.write_str("unreadable")?,
            Damage::MissingBatch(_) | Damage::Missing => f.write_str("missing")?,
            Damage::RootMismatch(size) => write!(f, "root mismatch at size {size}")?,
            Damage::TileAltered { level, number } => {
                write!(f, "tile altered: level {level}, node {number}")?
            }
            Damage::EntryAltered => f.write_str("entry altered")?,
            Damage::RecordAltered => f.write_str("record altered")?,
            Damage::Erased => f.write_str("erased without record")?,
            Damage::LogFault(rule) => write!(f, "log fault: rule {}", rule.as_str())?,
            Damage::SignatureInvalid => f.write_str("signature invalid")?,
            Damage::KeyWalkBroken => f.write_str("key walk broken")?,
        }
        if !self.file.is_empty() {
            write!(f, ": {} at {}", self.file, self.offset)?;
        }
        if let Some(log) = &self.log {
            write!(f, ", {log}")?;
        }
        for (place, range) in self.seqs.iter().take(SHOWN_RANGES).enumerate() {
            f.write_str(if place == 0 { " " } else { ", " })?;
            match range.end - range.start {
                1 => write!(f, "{}", range.start)?,
                _ => write!(f, "{}…{}", range.start, range.end - 1)?,
            }
        }
        if self.seqs.len() > SHOWN_RANGES {
            write!(f, "; {} records in all", self.records())?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Ranges of seqs shown in one sentence.
const SHOWN_RANGES: usize = 8;

/// Adds a seq to ascending ranges.
pub(crate) fn push_seq(ranges: &mut Vec<Range<u64>>, seq: u64) {
    match ranges.last_mut() {
        Some(last) if last.end == seq => last.end += 1,
        _ => ranges.push(seq..seq + 1),
    }
}
