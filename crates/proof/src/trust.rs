//! A trust file: whom a verifier believes (`docs/spec/trust.md`). The log's key by a pin, its witnesses by a policy, and which of the
//! log's signatures must be there.
//!
//! Owns the file's form, and what it says of a report that was made under its pin ([`Trust::judge`]). Does not know a clock: the time
//! now comes in, where it matters.

use crate::limits::{TRUST_BYTES_MAX, WITNESS_CLOCK_SECS};
use crate::lines::begins_later_version;
use crate::note::{Cosigned, Note};
use crate::pin::Pin;
use crate::policy::{Policy, PolicyError};
use crate::time::Time;
use crate::verdict::{Authenticity, Witnesses};
use crate::verify::Report;
use alloc::vec::Vec;

/// What the first line of every version begins with.
pub const TITLE_START: &[u8] = b"indelible-trust-v";

const TITLE: &[u8] = b"indelible-trust-v1";

/// Whom one believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The log and its key.
    pub pin: Pin,
    /// Which of the log's signatures must be there.
    pub required: Required,
    /// Which witnesses must have seen it, if anybody is asked for any.
    pub policy: Option<Policy>,
}

/// Types of signature that a checkpoint must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Required {
    /// `ed25519`.
    Ed25519,
    /// `ml-dsa-44`, beside the Ed25519 line that every checkpoint has.
    MlDsa44,
    /// `both`.
    Both,
}

/// Why bytes are not a trust file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// More than a pin and a policy of the largest size.
    #[error("the trust file is larger than 1 MiB and 4 KiB")]
    TooLarge,
    /// A later version wrote it.
    #[error("the trust file is of a later version than this program knows")]
    Unsupported,
    /// One of its first lines, counted from 1.
    #[error("line {0} of the trust file has not its form")]
    Line(u64),
    /// What follows them is no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy has log lines, and none of them has the key of the pin.
    #[error("the policy's log lines don't have the key of the pin")]
    OtherLog,
}

/// What is known beside the file: the moment of looking, and how old what it shows may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Seconds since 1970, now.
    pub now: Option<u64>,
    /// Seconds that the newest evidence may be old.
    pub age_max: Option<u64>,
}

impl Trust {
    /// Trust in a key alone.
    #[must_use]
    pub fn of_pin(pin: Pin) -> Trust {
        Trust {
            pin,
            required: Required::Ed25519,
            policy: None,
        }
    }

    /// Reads a trust file.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn parse(bytes: &[u8]) -> Result<Trust, TrustError> {
        if bytes.len() > TRUST_BYTES_MAX {
            return Err(TrustError::TooLarge);
        }
        if bytes
            .strip_prefix(TITLE_START)
            .is_some_and(begins_later_version)
        {
            return Err(TrustError::Unsupported);
        }
        let mut rest = bytes;
        line(&mut rest)
            .filter(|line| *line == TITLE)
            .ok_or(TrustError::Line(1))?;
        let pin = line(&mut rest)
            .and_then(|line| Pin::parse(line).ok())
            .ok_or(TrustError::Line(2))?;
        let required = match line(&mut rest) {
            Some(b"signatures ed25519") => Required::Ed25519,
            Some(b"signatures ml-dsa-44") => Required::MlDsa44,
            Some(b"signatures both") => Required::Both,
            _ => return Err(TrustError::Line(3)),
        };
        let policy = match rest.is_empty() {
            true => None,
            false => {
                line(&mut rest)
                    .filter(|line| line.is_empty())
                    .ok_or(TrustError::Line(4))?;
                Some(Policy::parse(rest)?)
            }
        };
        let is_other =
            |policy: &Policy| !policy.logs.is_empty() && !policy.logs.contains(pin.key());
        if policy.as_ref().is_some_and(is_other) {
            return Err(TrustError::OtherLog);
        }
        Ok(Trust {
            pin,
            required,
            policy,
        })
    }

    /// What the trust file says of a report that was made under its pin: required signatures, witnesses, age. Where the checkpoint is
    /// not the log's, nothing is asked of its witnesses.
    pub fn judge(&self, report: &mut Report, freshness: Freshness) {
        let checked = &report.checked;
        let is_newest = checked
            .range
            .zip(checked.checkpoint)
            .is_some_and(|((_, last), (size, _))| last.checked_add(1) == Some(size));
        let newest = Newest {
            time: checked.times.map(|(_, last)| last),
            is_last: is_newest,
        };
        let Some(note) = checked.note.clone() else {
            return;
        };
        let Ok(note) = Note::parse(note.as_bytes()) else {
            return;
        };
        let verdict = &mut report.verdict;
        (verdict.authenticity, verdict.witnesses) =
            self.judge_note(&note, verdict.authenticity, newest, freshness);
    }

    /// The same for a note by itself, which was found to be `authenticity` under the pin.
    #[must_use]
    pub fn judge_note(
        &self,
        note: &Note<'_>,
        authenticity: Authenticity,
        newest: Newest,
        freshness: Freshness,
    ) -> (Authenticity, Witnesses) {
        if !matches!(
            authenticity,
            Authenticity::Ok | Authenticity::OkNotYetPostQuantum
        ) {
            return (authenticity, Witnesses::Unchecked);
        }
        let seen = match self.seen(note, freshness.now) {
            Some(seen) => seen,
            None => return (Authenticity::SignatureInvalid, Witnesses::Unchecked),
        };
        let witnesses = self.witnesses(&seen, newest, freshness);
        (self.signatures(note, authenticity), witnesses)
    }

    fn signatures(&self, note: &Note<'_>, authenticity: Authenticity) -> Authenticity {
        match self.required {
            Required::Ed25519 => authenticity,
            Required::MlDsa44 | Required::Both => {
                match note.ml_dsa_shaped_lines(self.pin.origin()) {
                    0 => Authenticity::RequiredAbsent,
                    _ => Authenticity::RequiredUnchecked,
                }
            }
        }
    }

    /// When each witness of the policy says it saw the checkpoint. `None`: one of them is known and its line is wrong.
    fn seen(&self, note: &Note<'_>, now: Option<u64>) -> Option<Vec<Option<u64>>> {
        let latest = now.map_or(u64::MAX, |now| now.saturating_add(WITNESS_CLOCK_SECS));
        let witnesses = self.policy.iter().flat_map(|policy| &policy.witnesses);
        witnesses
            .map(|witness| match note.cosigned(witness) {
                Cosigned::At(time) if time <= latest => Some(Some(time)),
                // From the future: it says nothing yet.
                Cosigned::At(_) | Cosigned::NoLine | Cosigned::Unchecked => Some(None),
                Cosigned::Invalid => None,
            })
            .collect()
    }

    fn witnesses(&self, seen: &[Option<u64>], newest: Newest, freshness: Freshness) -> Witnesses {
        let since = |least: u64| {
            let by = |number: usize| seen.get(number).copied().flatten();
            move |policy: &Policy| {
                policy.is_met(|number| by(number).is_some_and(|time| time >= least))
            }
        };
        let asked = self
            .policy
            .as_ref()
            .filter(|policy| policy.asks_for_witnesses());
        let Some(policy) = asked else {
            return freshness.of_log(newest);
        };
        let earliest = seen.iter().flatten().min();
        let recorded = newest.time.map_or(0, |time| time.secs());
        if earliest.is_some_and(|time| time.saturating_add(WITNESS_CLOCK_SECS) < recorded) {
            return Witnesses::TimeContradicted;
        }
        if !since(0)(policy) {
            return Witnesses::QuorumMissing;
        }
        // The latest moment since which a whole quorum has seen it.
        let met_at = seen
            .iter()
            .flatten()
            .filter(|time| since(**time)(policy))
            .max();
        match freshness.too_old(met_at.copied()) {
            Some(stale) => stale,
            None => Witnesses::QuorumMet,
        }
    }
}

/// The newest record that evidence shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// When it says it was recorded.
    pub time: Option<Time>,
    /// Is it the last that the checkpoint covers?
    pub is_last: bool,
}

impl Freshness {
    fn too_old(&self, seen: Option<u64>) -> Option<Witnesses> {
        let age_secs = self.now?.saturating_sub(seen?);
        (age_secs > self.age_max?).then_some(Witnesses::Stale { age_secs })
    }

    /// Without witnesses only the log's own times say how old it is, and only its last record does.
    #[must_use]
    pub fn of_log(&self, newest: Newest) -> Witnesses {
        let time = newest
            .time
            .filter(|_| newest.is_last)
            .map(|time| time.secs());
        match (self.age_max, time) {
            (None, _) => Witnesses::NoneAsked,
            (Some(_), None) => Witnesses::Unchecked,
            (Some(_), time) => self.too_old(time).unwrap_or(Witnesses::NoneAsked),
        }
    }
}

/// The next line without its LF.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (line, after) = crate::find::split_after(b'\n', rest)?;
    *rest = after;
    line.strip_suffix(b"\n")
}

#[cfg(test)]
mod tests;
