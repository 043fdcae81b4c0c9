//! The verdict: five axes, each with its evidence, never one boolean.
//!
//! Owns every value an axis can have, its text and its exit code (`docs/spec/verdicts.md`). Does not know how a value is found: the
//! steps stand in [`verify`](crate::verify) for receipts and exports, and with the store's verifier for stores. Values that no
//! version-1 verifier gives have their place here all the same, so that a reader of exit codes need not change.

mod seqs;
mod text;

pub use seqs::Seqs;

use alloc::string::String;

/// What the five axes are called, in their order.
pub const AXES: [&str; 5] = [
    "integrity",
    "authenticity",
    "consistency",
    "witnesses",
    "completeness",
];

/// What was found, on all five axes. Its text is the five lines, joined by LF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Are these the bytes the log committed to?
    pub integrity: Integrity,
    /// Who signed it?
    pub authenticity: Authenticity,
    /// Is it the history that was seen before?
    pub consistency: Consistency,
    /// Did others see it, and when?
    pub witnesses: Witnesses,
    /// Is anything left out?
    pub completeness: Completeness,
}

/// Are these the bytes the log committed to?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// All that was given fits the signed root.
    Ok,
    /// Records above the last note of the unsealed tail, which the batch key alone vouches for. Stores only.
    OkByBatchKey {
        /// The log's origin.
        log: String,
        /// The first such seq.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Salt or event is not what the head commits to.
    EventAltered(Seqs),
    /// The head is not what the tree vouches for.
    HeadAltered(Seqs),
    /// The entry is not what the head hashes to, and the head is what the tree vouches for.
    EntryAltered(Seqs),
    /// Head or event: in a store, where `digest` is computed, they can't be told apart.
    RecordAltered(Seqs),
    /// A stored node of the tree is not the hash of what is below it.
    TileAltered {
        /// The node's level; leaves are level 0.
        level: u32,
        /// Its number in the level, from 0.
        n: u64,
    },
    /// A check or a decoder refuses what stands there.
    Unreadable {
        /// The file's name within the store.
        file: String,
        /// Byte of the file, from 0.
        offset: u64,
        /// The records it holds, where they are known.
        seqs: Seqs,
    },
    /// Neither entries nor heads give the signed root of the tree of this size.
    RootMismatch(u64),
    /// Records that should be here and are not.
    Missing(Seqs),
    /// A batch that should be here and is not.
    MissingBatch(u64),
    /// The log signed a record that breaks a rule. The lowest such seq.
    LogFault(u64, Rule),
    /// What was given has not its form.
    Malformed(Part),
    /// A later version wrote it: use a newer verifier.
    UnsupportedVersion,
    /// Not reached.
    Unchecked,
}

/// The rule that a record breaks although the log signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The head has not its form.
    Head,
    /// It is another log's.
    Log,
    /// It stands in another place than it says.
    Seq,
    /// Its kind may not stand there, or not come from there.
    Kind,
    /// It does not follow the record before.
    Prev,
    /// It is not later than the record before.
    Time,
    /// The event breaks the JSON profile.
    Event,
    /// Record 0 does not say what a genesis says.
    Genesis,
    /// A `key` record does not say what it should, or does not stand alone up to its hinge.
    Key,
}

/// The part of a file that has not its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A line, counted from 1.
    Line(u64),
    /// The checkpoint of a receipt.
    Checkpoint,
    /// The record given beside a receipt.
    Record,
}

/// Who signed it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authenticity {
    /// The pinned key, on all the axes this version knows.
    Ok,
    /// The pinned key; a post-quantum signature is there too and was not checked.
    OkNotYetPostQuantum,
    /// Nobody was named whom to believe: the file vouches for itself.
    SelfKeyed,
    /// The same of a store that its owner looks at.
    SelfKeyedOwnStore,
    /// The log or key is not the one that was pinned, or did not sign.
    UnknownKey,
    /// A key that was replaced later signed for a size it signed for then; nothing here leads from there to its hinge.
    OkUpToItsHinge,
    /// The key signed after it was replaced.
    KeyRetired,
    /// The way from the log id to the checkpoint does not hold.
    KeyWalkBroken,
    /// The key's line is there and wrong.
    SignatureInvalid,
    /// A signature of another type was asked for, and there is none.
    RequiredAbsent,
    /// The same, and there is a line that this version does not check.
    RequiredUnchecked,
    /// Not reached.
    Unchecked,
}

/// Is it the history that was seen before?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// What was remembered leads to what is here.
    Ok,
    /// The log signed two histories.
    Fork {
        /// One note; together they convince anybody.
        one: String,
        /// The other.
        other: String,
    },
    /// The log signed a larger tree before.
    Rollback {
        /// The note of the larger tree.
        newer: String,
    },
    /// Nothing was remembered.
    Unchecked,
    /// A comparison was asked for, and could not be made.
    UncheckedThoughAsked,
}

/// Did others see it, and when?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Witnesses {
    /// No policy asks for any.
    NoneAsked,
    /// As many as the policy asks for.
    QuorumMet,
    /// Fewer.
    QuorumMissing,
    /// Nobody saw it lately.
    Stale {
        /// Seconds since somebody did.
        age_secs: u64,
    },
    /// A witness saw it before the log says it was made.
    TimeContradicted,
    /// Not reached.
    Unchecked,
}

/// Is anything left out?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every record from the first to the last seq is here.
    Population {
        /// The first seq.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A selection, and doing it again gives the same. Reserved.
    Rederived,
    /// Everything that a store's batches committed to, from the first to the last, is here.
    AsCommitted,
    /// What is here says nothing about the rest.
    Selective,
    /// Every record is here, its content is not.
    ContentWithheld,
    /// A store's last batch, of which nothing later knows.
    TornBatch(u64),
    /// The batch that a writer is writing now.
    BatchInFlight(u64),
    /// So many records of the file's own range could not be read when it was made.
    Lost(u64),
    /// Batches of a store from this one on that something else names.
    BatchMissing(u64),
    /// The file ends before its last line.
    EndsEarly,
    /// Content is gone and a record says why. Reserved.
    ErasedUnderRecord,
    /// Content is gone and nothing says why.
    ErasedWithoutRecord(Seqs),
    /// Not reached.
    Unchecked,
}

impl Verdict {
    /// 0: everything asked for verified. 1: something is wrong. 3: something could not be verified. 1 beats 3.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let codes = [
            self.integrity.exit_code(),
            self.authenticity.exit_code(),
            self.consistency.exit_code(),
            self.witnesses.exit_code(),
            self.completeness.exit_code(),
        ];
        match codes {
            codes if codes.contains(&1) => 1,
            codes if codes.contains(&3) => 3,
            _ => 0,
        }
    }

    /// What is said of a file that could not be read to its end, or whose version is not known: the other axes are not reached.
    #[must_use]
    pub fn only_integrity(integrity: Integrity) -> Verdict {
        Verdict {
            integrity,
            authenticity: Authenticity::Unchecked,
            consistency: Consistency::Unchecked,
            witnesses: Witnesses::Unchecked,
            completeness: Completeness::Unchecked,
        }
    }
}

impl Integrity {
    /// See [`Verdict::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Integrity::Ok | Integrity::OkByBatchKey { .. } => 0,
            Integrity::UnsupportedVersion | Integrity::Unchecked => 3,
            Integrity::EventAltered(_)
            | Integrity::HeadAltered(_)
            | Integrity::EntryAltered(_)
            | Integrity::RecordAltered(_)
            | Integrity::TileAltered { .. }
            | Integrity::Unreadable { .. }
            | Integrity::RootMismatch(_)
            | Integrity::Missing(_)
            | Integrity::MissingBatch(_)
            | Integrity::LogFault(..)
            | Integrity::Malformed(_) => 1,
        }
    }
}

impl Authenticity {
    /// Is the checkpoint believed to be the log's, if perhaps not tied to its keys of today?
    #[must_use]
    pub fn is_believed(self) -> bool {
        matches!(
            self,
            Authenticity::Ok | Authenticity::OkNotYetPostQuantum | Authenticity::OkUpToItsHinge
        )
    }

    /// See [`Verdict::exit_code`].
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Authenticity::Ok
            | Authenticity::OkNotYetPostQuantum
            | Authenticity::SelfKeyedOwnStore => 0,
            Authenticity::SelfKeyed
            | Authenticity::UnknownKey
            | Authenticity::RequiredAbsent
            | Authenticity::RequiredUnchecked
            | Authenticity::OkUpToItsHinge
            | Authenticity::Unchecked => 3,
            Authenticity::KeyRetired
            | Authenticity::KeyWalkBroken
            | Authenticity::SignatureInvalid => 1,
        }
    }
}

impl Consistency {
    /// See [`Verdict::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Consistency::Ok | Consistency::Unchecked => 0,
            Consistency::UncheckedThoughAsked => 3,
            Consistency::Fork { .. } | Consistency::Rollback { .. } => 1,
        }
    }
}

impl Witnesses {
    /// See [`Verdict::exit_code`].
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Witnesses::NoneAsked | Witnesses::QuorumMet => 0,
            Witnesses::QuorumMissing | Witnesses::Stale { .. } | Witnesses::Unchecked => 3,
            Witnesses::TimeContradicted => 1,
        }
    }
}

impl Completeness {
    /// See [`Verdict::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Completeness::Population { .. }
            | Completeness::Rederived
            | Completeness::AsCommitted
            | Completeness::Selective
            | Completeness::ContentWithheld
            | Completeness::BatchInFlight(_)
            | Completeness::ErasedUnderRecord => 0,
            Completeness::TornBatch(_) | Completeness::Unchecked => 3,
            Completeness::Lost(_)
            | Completeness::BatchMissing(_)
            | Completeness::EndsEarly
            | Completeness::ErasedWithoutRecord(_) => 1,
        }
    }
}

impl Rule {
    /// The word in `log fault(seq, rule)`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Head => "head",
            Rule::Log => "log",
            Rule::Seq => "seq",
            Rule::Kind => "kind",
            Rule::Prev => "prev",
            Rule::Time => "time",
            Rule::Event => "event",
            Rule::Genesis => "genesis",
            Rule::Key => "key",
        }
    }
}

#[cfg(test)]
mod tests;
