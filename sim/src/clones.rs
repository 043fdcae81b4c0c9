//! A clone: somebody copies the store, with its keys, of a process that ended or of one that runs, and writes to the copy. Both share the register,
//! so the one that sets it first is the store from then on. The other must not start again; one that runs stops as soon as it looks.
//!
//! What the clone recorded is nobody's history but its own; at the end everything is put back, and the original goes on.

use crate::callers::BY;
use crate::damage::{Must, Rest};
use crate::model::{Judged, event, must};
use crate::reading;
use crate::snapshot::{Kept, Snapshot, put_file};
use crate::world::{World, log_of, text};
use indelible_ledger::{OpenError, Refusal};
use indelible_proof::head::Own;
use indelible_store::StoreError;
use std::path::Path;
use std::sync::Arc;

impl World {
    /// Whether a clone can be told from the original by anything: the register must know the newest batch, and no keys may be on their way.
    pub fn may_be_cloned(&self, rest: &Rest) -> bool {
        rest.layout.registered && !self.held.rotating && self.register().exists()
    }

    /// Copies the store, writes to the copy, and looks what becomes of the original.
    pub fn clone_store(&mut self, rest: &Rest) -> Judged {
        let twin = self.twin();
        copy(&self.path(), &twin).map_err(text)?;
        self.tell("  a clone of the store");
        self.count("clones", 1);
        match self.start_at(&twin, false) {
            Err(OpenError::Store(StoreError::Refused(_))) => {}
            Err(error) => return Err(format!("a copy is opened, and a start says {error}")),
            Ok(_) => {
                return Err("a start goes on with a copy that nobody said was moved".to_owned());
            }
        }
        self.write_to(&twin)?;
        let books = reading::open(&twin)?;
        for (name, truth) in &rest.truth {
            let log = log_of_books(&books, name)?;
            let records = reading::records(&books, &log)?;
            must(records.starts_with(truth), || {
                format!("{name}: a clone does not go on from what was copied")
            })?;
        }
        let report = reading::verify(&twin)?;
        must(report.verdict.exit_code() == 0, || {
            format!(
                "a clone that was written to: {} {:?}",
                report.verdict, report.findings
            )
        })?;
        self.is_noticed("an original whose clone was written to", Must::Refused)?;
        std::fs::remove_dir_all(&twin).map_err(text)?;
        rest.files.put_back(&self.site()).map_err(text)
    }

    /// A copy is made of a store whose process runs on. Whoever of the two sets the register first keeps it; the other acknowledges until it looks.
    pub fn clone_while_running(&mut self) -> Judged {
        self.disk.unplan();
        self.ledger()?.keep(true);
        self.note_what_struck()?;
        let is_well = !self.disk.is_dead() && !self.disk.is_hurt() && !self.disk.is_short();
        if !is_well || !self.disk.is_synced() || !self.register().exists() {
            return Ok(());
        }
        let twin = self.twin();
        copy(&self.path(), &twin).map_err(text)?;
        self.tell("a clone of the store, whose process runs on");
        self.count("clones of a running store", 1);
        let original_first = self.dice.one_in(3);
        if original_first {
            let before = self.sizes()?;
            self.append()?;
            self.ledger()?.keep(true);
            // Without room nothing was recorded, and the copy is as new as the original.
            if before == self.sizes()? {
                return std::fs::remove_dir_all(&twin).map_err(text);
            }
            self.clone_comes_too_late(&twin)?;
        } else {
            self.clone_comes_first(&twin)?;
        }
        std::fs::remove_dir_all(&twin).map_err(text)
    }

    fn sizes(&self) -> Result<Vec<u64>, String> {
        let logs = self.ledger()?.books().logs();
        Ok(logs.iter().map(|log| log.size()).collect())
    }

    /// The original has the register: the copy is an old one.
    fn clone_comes_too_late(&mut self, twin: &Path) -> Judged {
        let before = std::fs::read(self.register()).map_err(text)?;
        if self.start_at(twin, true).is_ok() {
            return Err("a clone of an earlier state goes on beside its original".to_owned());
        }
        must(
            before == std::fs::read(self.register()).map_err(text)?,
            || "a clone that was refused set the register".to_owned(),
        )?;
        self.count("clones that came too late", 1);
        self.append()
    }

    /// The clone has the register: the original acknowledges what comes until it looks, loses nothing of it, and then stops for good.
    fn clone_comes_first(&mut self, twin: &Path) -> Judged {
        let before = std::fs::read(self.register()).map_err(text)?;
        let mode = self.register().metadata().map_err(text)?.permissions();
        self.write_to(twin)?;
        let sizes = self.sizes()?;
        self.append()?;
        self.ledger()?.keep(true);
        // It looks when it has something to set; with its tail full it has not.
        let told = sizes == self.sizes()? || self.told_of_another()?;
        must(told, || {
            "an original whose clone has the register goes on".to_owned()
        })?;
        self.run = None;
        self.arrivals().coming.clear();
        self.is_noticed(
            "an original beside which its clone was written to",
            Must::Refused,
        )?;
        let register = Kept {
            path: self.register(),
            mode: std::os::unix::fs::PermissionsExt::mode(&mode),
            bytes: before,
        };
        put_file(&register).map_err(text)?;
        self.restart()
    }

    /// Whether a caller hears that the node has stopped, and why.
    fn told_of_another(&mut self) -> Result<bool, String> {
        let Some(log) = self.some_log()? else {
            let trouble = self.ledger()?.register_trouble();
            return Ok(trouble.is_some());
        };
        let number = self.new_event(log.name());
        let prepared = self.prepare(&log, &Own::default(), number)?;
        match self.ledger()?.append(&log, prepared) {
            Err(Refusal::Stopped(why)) => {
                self.model().refused(log.name(), number);
                Ok(why.contains("a copy of it is written to elsewhere"))
            }
            Err(refusal) => Err(format!("an original beside its clone says {refusal}")),
            Ok(_) => Ok(false),
        }
    }

    /// A start of the clone as moved, perhaps an event, and a clean stop.
    fn write_to(&mut self, twin: &Path) -> Judged {
        let ledger = self
            .start_at(twin, true)
            .map_err(|error| format!("a clone does not start as moved: {error}"))?;
        let names = self.model().callers_logs();
        if let Some(name) = self.dice.pick(&names).cloned() {
            let log = log_of(&ledger, &name)?;
            let random = self.dice.random();
            let mut caller = ledger.caller(&log, random).map_err(text)?;
            // Of no event that the original's callers send.
            let prepared = caller.prepare(&log, &BY, &Own::default(), &event(u64::MAX / 64));
            let told = ledger.append(&log, prepared.map_err(text)?);
            told.map_err(|refusal| format!("a clone refuses an event: {refusal}"))?;
        }
        let closed = ledger.close("simulated");
        closed
            .map(|_| ())
            .map_err(|refusal| format!("a clone does not stop: {refusal}"))
    }
}

fn log_of_books(
    books: &indelible_ledger::Books,
    name: &str,
) -> Result<Arc<indelible_ledger::Log>, String> {
    books
        .log(name)
        .ok_or_else(|| format!("a clone has no log {name}"))
}

/// Copies a directory as `cp -r` does: the same bytes in other inodes.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for Kept { path, mode, bytes } in Snapshot::take(from)?.files() {
        let path = to.join(path.strip_prefix(from).unwrap_or(path));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let (mode, bytes) = (*mode, bytes.clone());
        put_file(&Kept { path, mode, bytes })?;
    }
    // Directories in which nothing lies belong to a store too.
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.path().is_dir() {
            std::fs::create_dir_all(to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
