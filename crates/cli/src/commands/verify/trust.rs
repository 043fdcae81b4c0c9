//! Whom a verification trusts, and how old what it shows may be: from `--trust`, `--pin`, `INDELIBLE_PIN` and `--max-age`.

use super::VerifyArgs;
use super::remember::Remembering;
use crate::args::from_environment;
use crate::clock::SystemClock;
use crate::evidence::{named, read_up_to};
use crate::say::Failure;
use indelible_ledger::clock::Clock as _;
use indelible_proof::hash::Hash;
use indelible_proof::key::VerifierKey;
use indelible_proof::limits::TRUST_BYTES_MAX;
use indelible_proof::note::Note;
use indelible_proof::pin::Pin;
use indelible_proof::trust::{Freshness, Newest, Trust};
use indelible_proof::verdict::{Consistency, Verdict, Witnesses};
use indelible_proof::verify::{Known, Report, WalkFile};

/// What was trusted, if anything.
pub struct Trusted {
    trust: Option<Trust>,
    /// A pin alone says nothing of witnesses: they stay as the verifier left them.
    is_more_than_a_pin: bool,
    freshness: Freshness,
    /// What was seen before, where that is asked for.
    pub memory: Option<Remembering>,
    /// The keys that the log has had since the pin.
    pub walk: Option<WalkFile>,
}

impl Trusted {
    /// As the command line and the environment say.
    pub fn of(args: &VerifyArgs) -> Result<Trusted, Failure> {
        let trust = match &args.trust {
            Some(path) => {
                let bytes = read_up_to(path, TRUST_BYTES_MAX)?;
                let trust = Trust::parse(&bytes).map_err(|error| {
                    Failure::usage(format!("not a trust file: {}: {error}", named(path)))
                        .hint("its form stands in docs/spec/trust.md")
                })?;
                Some(trust)
            }
            None => pin(args)?.map(Trust::of_pin),
        };
        if args.max_age.is_some() && trust.is_none() {
            return Err(Failure::usage(
                "--max-age without --trust or --pin: nobody's times to go by",
            )
            .hint("name whom you trust with --trust FILE or --pin LINE"));
        }
        let freshness = Freshness {
            now: SystemClock.wall().map(|now| now.secs()),
            age_max: args.max_age,
        };
        Ok(Trusted {
            trust,
            is_more_than_a_pin: args.trust.is_some() || args.max_age.is_some(),
            freshness,
            memory: args
                .remember
                .as_deref()
                .map(Remembering::open)
                .transpose()?,
            walk: args.walk.as_deref().map(super::file::walk).transpose()?,
        })
    }

    /// What is known of the log before the evidence is read.
    pub fn known(&self) -> Known<'_> {
        Known {
            pin: self.pin(),
            walk: self.walk.as_ref(),
        }
    }

    /// A store has the walk of each log in itself; what it lacks is what was remembered by keys that came after it was copied.
    pub fn refuse_walk_of_store(&self) -> Result<(), Failure> {
        match (&self.walk, &self.memory) {
            (Some(_), None) => Err(Failure::usage(
                "--walk goes with a file or with --remember, and this is a store",
            )
            .hint("a store has the walk of each log in itself: --pin goes with it as it is")),
            _ => Ok(()),
        }
    }

    /// Keys of a log by the walk file, if it is good and of that log.
    pub fn walked_keys(&self, origin: &str, id: &Hash) -> Vec<VerifierKey> {
        let file = self.walk.as_ref().filter(|file| file.is_good());
        let walk = file.map(WalkFile::walk);
        walk.filter(|walk| walk.log() == (origin, *id))
            .map_or(Vec::new(), |walk| walk.keys().cloned().collect())
    }

    /// The pin among it.
    pub fn pin(&self) -> Option<&Pin> {
        self.trust.as_ref().map(|trust| &trust.pin)
    }

    /// Brings required signatures, witnesses and age into a report made under the pin.
    pub fn judge(&self, report: &mut Report) {
        if let Some(trust) = self.trust.as_ref().filter(|_| self.is_more_than_a_pin) {
            trust.judge(report, self.freshness);
        }
    }

    /// Compares a report on a file with what was seen of its log before. What it says beside the verdict.
    pub fn remember(&mut self, report: &mut Report, is_export: bool) -> Result<Told, Failure> {
        let mut told = Told::default();
        let Some(memory) = &mut self.memory else {
            return Ok(told);
        };
        let was_fork = matches!(report.verdict.consistency, Consistency::Fork { .. });
        let compared = memory.judge(report, is_export);
        told.unchecked = compared.why.map(str::to_owned);
        told.found = match compared.consistency {
            Consistency::Fork { .. } if !was_fork => {
                Some(memory.write_fork(&compared.consistency, None)?)
            }
            _ => None,
        };
        Ok(told)
    }

    /// The size remembered of the log that is pinned.
    pub fn remembered_size(&self) -> Option<u64> {
        self.memory.as_ref()?.size_of(self.pin()?.origin())
    }

    /// What to say where there was nothing to compare with.
    pub fn nothing_to_compare(&self) -> &'static str {
        match self.memory {
            None => "whether others were shown another history: there is nothing to compare with",
            Some(_) => "whether others were shown another history: nothing was remembered yet",
        }
    }

    /// Remembers what was seen.
    pub fn keep(self) -> Result<(), Failure> {
        self.memory.map_or(Ok(()), Remembering::keep)
    }

    /// The same for the newest note of the pinned log in a store, if it has one.
    pub fn judge_store(&self, note: Option<&str>, newest: Newest, verdict: &mut Verdict) {
        let Some(trust) = &self.trust else { return };
        let note = note.and_then(|text| Note::parse(text.as_bytes()).ok());
        match note {
            Some(note) => {
                (verdict.authenticity, verdict.witnesses) =
                    trust.judge_note(&note, verdict.authenticity, newest, self.freshness);
            }
            None => verdict.witnesses = Witnesses::Unchecked,
        }
    }

    /// Is more asked for than a key?
    pub fn is_more_than_a_pin(&self) -> bool {
        self.is_more_than_a_pin
    }
}

/// What a comparison says in sentences.
#[derive(Default)]
pub struct Told {
    /// A finding.
    pub found: Option<String>,
    /// Why it could not be made.
    pub unchecked: Option<String>,
}

fn pin(args: &VerifyArgs) -> Result<Option<Pin>, Failure> {
    let line = match (&args.pin, from_environment("INDELIBLE_PIN")) {
        (Some(line), _) => line.clone(),
        (None, Some(line)) => line.to_string_lossy().into_owned(),
        (None, None) => return Ok(None),
    };
    let pin = Pin::parse(line.as_bytes());
    pin.map(Some).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("--pin takes the line itself: --pin \"$(cat payments.pin)\"")
    })
}

/// An age in seconds: a number, and `s`, `m`, `h` or `d`.
pub fn age(text: &str) -> Result<u64, String> {
    let wrong = || "an age is a number with s, m, h or d: 90s, 24h".to_owned();
    let (number, unit) = text
        .len()
        .checked_sub(1)
        .and_then(|at| text.split_at_checked(at))
        .ok_or_else(wrong)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_has_a_unit() {
        assert_eq!(age("90s"), Ok(90));
        assert_eq!(age("7d"), Ok(604_800));
        for wrong in [
            "",
            "s",
            "90",
            "-1s",
            "1w",
            "1.5h",
            "\u{e9}",
            "99999999999999999999d",
        ] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
