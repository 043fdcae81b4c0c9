//! What a check found: how many things held, how many did not, and what was not looked at.

use std::process::ExitCode;

/// A count of checks. A check that was skipped is in neither number and says why.
#[derive(Debug, Default)]
pub struct Tally {
    /// Checks that held.
    pub passed: u64,
    /// Checks that did not; what each found was printed where it was found.
    pub failed: u64,
    /// One line for each thing that was not looked at, with the reason.
    pub skipped: Vec<String>,
}

impl Tally {
    /// One check that held or did not.
    pub fn one(held: bool) -> Tally {
        Tally {
            passed: u64::from(held),
            failed: u64::from(!held),
            skipped: Vec::new(),
        }
    }

    /// A check that could not be carried out, which is a failure.
    pub fn broken() -> Tally {
        Tally::one(false)
    }

    /// Nothing was looked at; `why` names the thing and the reason.
    pub fn skipped(why: impl Into<String>) -> Tally {
        Tally {
            skipped: vec![why.into()],
            ..Tally::default()
        }
    }

    /// Takes the counts of another check in.
    pub fn add(&mut self, other: Tally) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped.extend(other.skipped);
    }

    /// Prints what was skipped and, as the last line, the two counts.
    pub fn finish(self) -> ExitCode {
        for why in &self.skipped {
            println!("skipped: {why}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
