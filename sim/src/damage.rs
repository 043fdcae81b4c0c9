//! Damage at rest: nobody runs, and bytes change. What it must come to is said by where the bytes lie ([`layout`](crate::layout)) before
//! the product is asked.
//!
//! Evidence that something else vouches for is named by `verify` (exit 1) and not built upon by a start; what nobody vouches for is at
//! least noticed; what is no evidence changes nothing, and the history goes on with it. And whatever is damaged: nothing is ever read back
//! that is not what was recorded, and what can't be read back is among the records that `verify` names.

use crate::injury::Injury;
use crate::layout::{Layout, is_beside_merged, is_in, is_tail};
use crate::model::{Judged, Record, must};
use crate::reading::{self, record_of};
use crate::snapshot::{Kept, Snapshot};
use crate::world::{World, secret, short, text};
use indelible_ledger::verify::StoreReport;
use indelible_ledger::{Books, Ledger, OpenError, Secrets, Settings};
use indelible_store::{LocalStore, OpenOptions};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// What an injury must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// `verify` accuses, and a start refuses.
    Refused,
    /// `verify` accuses; a start refuses or reads around it.
    Named,
    /// `verify` does not call it good; nothing outside the store knows more, so a start may take it for a torn write.
    Noticed,
    /// It is no evidence.
    Harmless,
    /// A start asks an operator.
    Asked,
    /// Nothing can be said but that nothing wrong is ever read back.
    True,
}

/// All records as they were before.
pub type Truth = BTreeMap<String, Vec<Record>>;

/// A store at rest.
pub struct Rest {
    pub files: Snapshot,
    pub layout: Layout,
    pub truth: Truth,
}

impl World {
    /// The process ends, something is damaged, everybody looks; then it is put back, or left where it does no harm.
    pub fn damage(&mut self) -> Judged {
        self.old_reader = None;
        self.disk.unplan();
        let stopped = self.dice.one_in(2) && self.stop()?;
        self.run = None;
        if !self.disk.is_synced() {
            let (sectors, _) = self.disk.power_loss().map_err(text)?;
            self.clock.reboot();
            self.tell(format!(
                "  the power goes before the damage: {sectors} sectors"
            ));
        }
        self.disk.free_room();
        let is_whole = reading::verify(&self.path())?.verdict.exit_code() == 0;
        if !is_whole || self.disk.is_short() {
            // Torn by the power loss, or half of a pack for which there was no room: what is injured besides could not be told apart.
            return self.restart();
        }
        let rest = self.rest()?;
        let sort = self.dice.roll(10);
        match sort {
            _ if self.nature.one_in(8) && self.may_be_cloned(&rest) => self.clone_store(&rest)?,
            0..=5 => self.injure(&rest)?,
            6 => self.roll_back(&rest)?,
            7 => self.lose_register(&rest)?,
            _ => self.lose_file(&rest)?,
        }
        if stopped && rest.layout.registered && (self.earlier.is_none() || self.dice.one_in(3)) {
            self.earlier = Some(Snapshot::take(&self.path()).map_err(text)?);
        }
        self.restart()
    }

    fn rest(&self) -> Result<Rest, String> {
        let files = Snapshot::take(&self.site()).map_err(text)?;
        let layout = Layout::read(&files, &self.register());
        let books = reading::open(&self.path())?;
        let mut truth = Truth::new();
        for log in books.logs() {
            truth.insert(log.name().to_owned(), reading::records(&books, &log)?);
        }
        Ok(Rest {
            files,
            layout,
            truth,
        })
    }

    /// Changes bytes somewhere.
    fn injure(&mut self, rest: &Rest) -> Judged {
        let files: Vec<&Kept> = rest
            .files
            .files()
            .iter()
            .filter(|file| !file.bytes.is_empty())
            .collect();
        let Some(file) = self.dice.pick(&files).copied() else {
            return Ok(());
        };
        let (within, expected) = self.place(rest, file);
        let injury = Injury::of_bytes(&mut self.dice, file, within).map_err(text)?;
        let Some(injury) = injury else {
            return Ok(());
        };
        // A last slot whose header is gone, generation and all, is as if it had never been written.
        let header = within_header(&injury);
        let expected = match expected {
            Must::Noticed if is_tail(file) && header => Must::True,
            other => other,
        };
        self.judge_injury(rest, &injury, expected)
    }

    /// Where in a file, and what must come of it.
    fn place(&mut self, rest: &Rest, file: &Kept) -> (Range<usize>, Must) {
        let whole = 0..file.bytes.len();
        if file.path == self.register() || file.path.ends_with("FORMAT") {
            return (whole, Must::Refused);
        }
        if is_beside_merged(&rest.files, file) {
            return (whole, Must::True);
        }
        if is_in(file, "sealed") {
            return (whole, Must::Named);
        }
        if is_in(file, "quarantine") {
            return (whole, Must::Noticed);
        }
        if !is_tail(file) {
            return (whole, Must::Harmless);
        }
        let index = rest
            .files
            .files()
            .iter()
            .position(|other| other.path == file.path)
            .unwrap_or(0);
        let slots: Vec<_> = rest
            .layout
            .slots
            .iter()
            .filter(|slot| slot.file == index)
            .cloned()
            .collect();
        if self.dice.one_in(6) {
            return (0..4096, Must::Refused);
        }
        let unused = rest.layout.unused(index, file);
        if self.dice.one_in(4)
            && let Some(block) = self.dice.pick(&unused)
        {
            return (block.clone(), Must::Harmless);
        }
        match self.dice.pick(&slots) {
            Some(slot) => {
                let last = rest.layout.last() == Some(slot.number);
                let expected = match (last, rest.layout.is_sealed(slot.number)) {
                    (true, _) if !rest.layout.registered => Must::Noticed,
                    (_, true) => Must::Named,
                    _ => Must::Refused,
                };
                (slot.range.clone(), expected)
            }
            None => (0..4096, Must::Refused),
        }
    }

    /// Takes a file away, or a part of it.
    fn lose_file(&mut self, rest: &Rest) -> Judged {
        let wanted = |file: &&Kept| !file.path.ends_with("lock") && file.path != self.register();
        let files: Vec<&Kept> = rest.files.files().iter().filter(wanted).collect();
        let Some(file) = self.dice.pick(&files).copied() else {
            return Ok(());
        };
        let injury = Injury::of_file(&mut self.dice, file).map_err(text)?;
        let index = rest
            .files
            .files()
            .iter()
            .position(|other| other.path == file.path);
        let slots = rest
            .layout
            .slots
            .iter()
            .filter(|slot| Some(slot.file) == index);
        let unsealed: Vec<u64> = slots
            .map(|slot| slot.number)
            .filter(|slot| !rest.layout.is_sealed(*slot))
            .collect();
        let cut = injury.range.start > 0;
        let expected = if file.path.ends_with("FORMAT") {
            Must::Refused
        } else if is_beside_merged(&rest.files, file) {
            Must::True
        } else if is_in(file, "sealed") {
            Must::Named
        } else if is_in(file, "derived") || is_in(file, "build") {
            Must::Harmless
        } else if !is_tail(file) {
            Must::True
        } else if cut {
            Must::Refused
        } else if unsealed.is_empty() {
            Must::True
        } else if unsealed.last().copied() != rest.layout.last() || rest.layout.registered {
            Must::Refused
        } else {
            Must::True
        };
        self.judge_injury(rest, &injury, expected)
    }

    /// The whole store as it was after an earlier stop, under the register of today.
    fn roll_back(&mut self, rest: &Rest) -> Judged {
        let Some(earlier) = self.earlier.clone() else {
            return Ok(());
        };
        let then = Layout::read(&earlier, &self.register()).last();
        if !rest.layout.registered || then >= rest.layout.last() {
            return Ok(());
        }
        self.tell(format!("  damage: rolled back to slot {then:?}"));
        self.count("damages", 1);
        earlier.put_back(&self.path()).map_err(text)?;
        self.is_noticed("rolled back", Must::Refused)?;
        rest.files.put_back(&self.site()).map_err(text)
    }

    /// The register is gone: a store that ran before asks for an operator's word.
    fn lose_register(&mut self, rest: &Rest) -> Judged {
        let Some(file) = rest
            .files
            .files()
            .iter()
            .find(|file| file.path == self.register())
        else {
            return Ok(());
        };
        std::fs::remove_file(&file.path).map_err(text)?;
        self.tell("  damage: the register is gone");
        self.count("damages", 1);
        let ran = self.counts.get("starts").copied().unwrap_or(0);
        if ran > 1 {
            self.is_noticed("without its register", Must::Asked)?;
            self.register_gone = true;
        }
        Ok(())
    }

    fn judge_injury(&mut self, rest: &Rest, injury: &Injury, expected: Must) -> Judged {
        let path = short(&self.site(), &injury.file.path);
        let Range { start, end } = injury.range;
        let what = format!("{}, bytes {start} to {end} of {path}", injury.way);
        self.tell(format!("  damage: {what}: {expected:?}"));
        self.count("damages", 1);
        let report = self.is_noticed(&what, expected)?;
        let read = self.reads_only_truth(rest, report.as_ref(), expected);
        read.map_err(|why| format!("{what}: {why}"))?;
        if expected == Must::Harmless {
            self.count("damages that do no harm", 1);
            return Ok(());
        }
        rest.files.put_back(&self.site()).map_err(text)
    }

    /// What `verify` and a start say.
    pub fn is_noticed(
        &mut self,
        what: &str,
        expected: Must,
    ) -> Result<Option<StoreReport>, String> {
        let report = reading::verify(&self.path()).ok();
        let exit = report
            .as_ref()
            .map_or(1, |report| report.verdict.exit_code());
        let as_it_should = match expected {
            // A flipped bit in a version's number is a version that nobody knows.
            Must::Refused | Must::Named => {
                exit == 1 || exit == 3 && is_of_another_version(report.as_ref())
            }
            Must::Noticed => exit == 1 || exit == 3,
            Must::Harmless => exit == 0,
            Must::Asked | Must::True => true,
        };
        must(as_it_should, || {
            let said = report.as_ref().map(|report| {
                format!(
                    "{} {:?} {:?}",
                    report.verdict, report.findings, report.notes
                )
            });
            format!("{what} must be {expected:?}, and verify exits {exit}: {said:?}")
        })?;
        if matches!(expected, Must::Refused | Must::Asked) {
            self.count("starts refused", 1);
            self.is_refused(what, expected)?;
        } else if expected == Must::Named {
            self.may_start(what)?;
        }
        Ok(report)
    }

    /// A start refuses, and leaves all evidence as it is.
    fn is_refused(&mut self, what: &str, expected: Must) -> Judged {
        let before = self.evidence()?;
        let error = match self.start_beside() {
            Ok(_) => return Err(format!("{what}, and a start goes on with it")),
            Err(error) => error,
        };
        let asks = matches!(error, OpenError::RegisterMissing);
        must(asks == (expected == Must::Asked), || {
            format!("{what}: a start says {error}")
        })?;
        must(before == self.evidence()?, || {
            format!("{what}: a refused start changed something")
        })
    }

    pub fn evidence(&self) -> Result<Vec<Kept>, String> {
        let all = Snapshot::take(&self.site()).map_err(text)?;
        let made_anew = |file: &&Kept| !is_in(file, "build") && !is_in(file, "derived");
        Ok(all.files().iter().filter(made_anew).cloned().collect())
    }

    /// A start refuses, or what it gives is true.
    fn may_start(&mut self, what: &str) -> Judged {
        let Ok(ledger) = self.start_beside() else {
            self.count("starts refused", 1);
            return Ok(());
        };
        let books = Arc::clone(ledger.books());
        for log in books.logs() {
            for seq in 0..log.size() {
                let (told, read) = (self.model().told(log.name(), seq), books.record(&log, seq));
                if let (Some(told), Ok(stored)) = (told, read) {
                    must(record_of(stored)? == told, || {
                        format!(
                            "{what}: after a start {} {seq} is another record",
                            log.name()
                        )
                    })?;
                }
            }
        }
        Ok(())
    }

    /// A start that the simulated disk does not hear of: what it writes is put back.
    fn start_beside(&mut self) -> Result<Ledger, OpenError> {
        self.start_at(&self.path(), false)
    }

    /// The same wherever the store lies, and as moved if somebody says so.
    pub fn start_at(&mut self, path: &Path, moved: bool) -> Result<Ledger, OpenError> {
        self.start_with(path, moved, Secrets::One(secret(self.held.now)))
    }

    /// The same by those secrets.
    pub fn start_with(
        &mut self,
        path: &Path,
        moved: bool,
        secrets: Secrets,
    ) -> Result<Ledger, OpenError> {
        let options = OpenOptions {
            moved,
            random: self.dice.random(),
            faults: None,
        };
        let store = Arc::new(LocalStore::open_write(path, options)?);
        let settings = Settings {
            threads: false,
            accept_clock: Some("unix:0".to_owned()),
            ..Settings::default()
        };
        let clock = Arc::clone(&self.clock);
        Ledger::open(
            store,
            secrets,
            clock,
            self.dice.random(),
            settings,
            "unix:1000",
        )
    }

    /// Whatever can be read is what was recorded; whatever can't is named.
    fn reads_only_truth(
        &mut self,
        rest: &Rest,
        report: Option<&StoreReport>,
        expected: Must,
    ) -> Judged {
        let Ok(books) = reading::open(&self.path()) else {
            return Ok(());
        };
        for (name, truth) in &rest.truth {
            let Some(log) = books.log(name) else {
                continue;
            };
            if reading::records(&books, &log).is_ok_and(|read| read == *truth) {
                continue;
            }
            // Nobody outside knows how long the log was.
            let size = match expected {
                Must::True => log.size(),
                _ => u64::MAX,
            };
            for (seq, true_record) in (0..size).zip(truth) {
                self.is_true_or_named(&books, (name, seq), true_record, report)?;
            }
        }
        Ok(())
    }

    fn is_true_or_named(
        &mut self,
        books: &Books,
        (name, seq): (&str, u64),
        truth: &Record,
        report: Option<&StoreReport>,
    ) -> Judged {
        let log = books.log(name).ok_or("the log is gone")?;
        match books.record(&log, seq) {
            Ok(stored) => must(record_of(stored)? == *truth, || {
                format!("{name} {seq} is read back as another record")
            }),
            Err(error) => {
                self.count("records that could not be read", 1);
                // A head holds the entry before it: where that one is damaged this head can't be built.
                let concerns = |named: u64| named == seq || named + 1 == seq;
                let named = report.is_some_and(|report| {
                    let torn = report.verdict.exit_code() == 3;
                    torn || report.findings.iter().any(|finding| {
                        finding.log.as_deref() == Some(name) && finding.each_seq().any(concerns)
                            || finding.log.is_none()
                    })
                });
                must(named, || {
                    let findings = report.map(|report| &report.findings);
                    format!(
                        "{name} {seq} can't be read ({error}), and verify does not name it: {findings:?}"
                    )
                })
            }
        }
    }
}

fn is_of_another_version(report: Option<&StoreReport>) -> bool {
    report.is_some_and(|report| report.verdict.to_string().contains("unsupported version"))
}

/// Whether more than a field of a slot's header is not what it was: slots begin with blocks.
fn within_header(injury: &Injury) -> bool {
    injury.range.start % 4096 < 40 && injury.range.len() > 8
}
