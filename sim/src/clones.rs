//! A clone: somebody copies the store of a process that ended, with its keys, and writes to the copy. Both share the register, so the one that
//! writes first is the store from then on, and the other must not start again.
//!
//! What the clone recorded is nobody's history but its own; at the end everything is put back, and the original goes on.

use crate::callers::BY;
use crate::damage::{Must, Rest};
use crate::model::{Judged, event, must};
use crate::reading;
use crate::snapshot::{Kept, Snapshot, put_file};
use crate::world::{World, log_of, text};
use indelible_ledger::OpenError;
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
