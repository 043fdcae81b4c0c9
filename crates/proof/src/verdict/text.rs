//! The texts of `docs/spec/verdicts.md`, which both verifiers print and the vectors hold.

use super::{Authenticity, Completeness, Consistency, Integrity, Part, Verdict, Witnesses};
use core::fmt;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "integrity: {}", self.integrity)?;
        writeln!(f, "authenticity: {}", self.authenticity)?;
        writeln!(f, "consistency: {}", self.consistency)?;
        writeln!(f, "witnesses: {}", self.witnesses)?;
        write!(f, "completeness: {}", self.completeness)
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Integrity::Ok => f.write_str("ok"),
            Integrity::OkByBatchKey { log, first, last } => {
                write!(f, "ok, by batch key({log} {first}…{last})")
            }
            Integrity::EventAltered(seqs) => write!(f, "event altered({seqs})"),
            Integrity::HeadAltered(seqs) => write!(f, "head altered({seqs})"),
            Integrity::EntryAltered(seqs) => write!(f, "entry altered({seqs})"),
            Integrity::RecordAltered(seqs) => write!(f, "record altered({seqs})"),
            Integrity::TileAltered { level, n } => write!(f, "tile altered({level}, {n})"),
            Integrity::Unreadable { file, offset, seqs } if seqs.is_empty() => {
                write!(f, "unreadable({file}, {offset})")
            }
            Integrity::Unreadable { file, offset, seqs } => {
                write!(f, "unreadable({file}, {offset}; {seqs})")
            }
            Integrity::RootMismatch(size) => write!(f, "root mismatch({size})"),
            Integrity::Missing(seqs) => write!(f, "missing({seqs})"),
            Integrity::MissingBatch(number) => write!(f, "missing(batch {number})"),
            Integrity::LogFault(seq, rule) => write!(f, "log fault({seq}, {})", rule.as_str()),
            Integrity::Malformed(part) => write!(f, "malformed({part})"),
            Integrity::UnsupportedVersion => f.write_str("unsupported version"),
            Integrity::Unchecked => f.write_str("unchecked"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Line(number) => write!(f, "line {number}"),
            Part::Checkpoint => f.write_str("checkpoint"),
            Part::Record => f.write_str("record"),
        }
    }
}

impl fmt::Display for Authenticity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authenticity::Ok => "ok",
            Authenticity::OkNotYetPostQuantum => "ok, not yet post-quantum",
            Authenticity::SelfKeyed => "self-keyed",
            Authenticity::SelfKeyedOwnStore => "self-keyed (own store)",
            Authenticity::UnknownKey => "unknown key",
            Authenticity::OkUpToItsHinge => "ok up to its hinge, not tied to it",
            Authenticity::KeyRetired => "key retired",
            Authenticity::KeyWalkBroken => "key walk broken",
            Authenticity::SignatureInvalid => "signature invalid",
            Authenticity::RequiredAbsent => "required signature absent",
            Authenticity::RequiredUnchecked => "required signature unchecked",
            Authenticity::Unchecked => "unchecked",
        })
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Consistency::Ok => "ok",
            Consistency::Fork { .. } => "fork",
            Consistency::Rollback { .. } => "rollback",
            Consistency::Unchecked | Consistency::UncheckedThoughAsked => "unchecked",
        })
    }
}

impl fmt::Display for Witnesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Witnesses::NoneAsked => f.write_str("none asked"),
            Witnesses::QuorumMet => f.write_str("quorum met"),
            Witnesses::QuorumMissing => f.write_str("quorum missing"),
            Witnesses::Stale { age_secs } => write!(f, "stale({age_secs} s)"),
            Witnesses::TimeContradicted => f.write_str("time contradicted"),
            Witnesses::Unchecked => f.write_str("unchecked"),
        }
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Completeness::Population { first, last } => {
                write!(f, "population complete({first}…{last})")
            }
            Completeness::Rederived => f.write_str("complete (re-derived)"),
            Completeness::AsCommitted => f.write_str("complete as committed"),
            Completeness::Selective => f.write_str("selective: proves nothing about the rest"),
            Completeness::ContentWithheld => f.write_str("content withheld"),
            Completeness::TornBatch(number) => {
                write!(
                    f,
                    "incomplete(batch {number} torn or damaged, no later trace of it)"
                )
            }
            Completeness::BatchInFlight(number) => {
                write!(f, "incomplete(batch {number} in flight)")
            }
            Completeness::Lost(count) => write!(f, "incomplete({count} lost)"),
            Completeness::BatchMissing(number) => write!(f, "incomplete(batch {number} missing)"),
            Completeness::EndsEarly => f.write_str("incomplete(ends early)"),
            Completeness::ErasedUnderRecord => f.write_str("expired or erased under record"),
            Completeness::ErasedWithoutRecord(seqs) => write!(f, "erased without record({seqs})"),
            Completeness::Unchecked => f.write_str("unchecked"),
        }
    }
}
