//! The notes of a run: their form, their roots, and which of them are hinges.

use super::{NoteSeen, PackCheck, checkpoint_of};
use crate::format::pack::Run;
use crate::verify::LogName;
use crate::verify::finding::{Damage, Finding};
use crate::verify::records::RecordChecker;
use crate::verify::sections::{NOTES, Sections};
use indelible_proof::hash::Hash;

/// A note of a run, as far as its text says.
pub(crate) struct SizedNote {
    pub(super) size: u64,
    root: Hash,
    /// It is marked as a hinge.
    hinge: bool,
}

impl PackCheck<'_> {
    /// Each run's notes with the size each is for; those that have not their form are named and left out.
    pub(super) fn notes(&mut self, sections: &Sections, runs: &[Run]) -> Vec<Vec<SizedNote>> {
        let none = || runs.iter().map(|_| Vec::new()).collect();
        if !sections.sound[NOTES] {
            return none();
        }
        let parsed = match sections.header.parse_notes(sections.section(NOTES), runs) {
            Ok(parsed) => parsed,
            Err(error) => {
                let finding = self.refused(error);
                self.seen.findings.push(finding);
                return none();
            }
        };
        let mut all = Vec::new();
        for (run, notes) in runs.iter().zip(parsed) {
            let mut sizes: Vec<SizedNote> = Vec::new();
            for note in notes {
                let text = note.text;
                let good = checkpoint_of(text).filter(|(origin, size, _)| {
                    *origin == run.origin
                        && *size > run.first
                        && *size <= run.end()
                        && sizes.last().is_none_or(|last| last.size < *size)
                });
                let offset = sections.offset(NOTES);
                match good {
                    Some((origin, size, root)) => {
                        let hinge = note.hinge;
                        sizes.push(SizedNote { size, root, hinge });
                        self.seen.notes.push(NoteSeen {
                            origin,
                            size,
                            met_at: None,
                            text: text.to_vec(),
                            file: self.ent.clone(),
                            offset,
                        });
                    }
                    None => self.seen.findings.push(Finding::new(
                        Damage::Unreadable,
                        &self.ent,
                        offset,
                        "a note that does not belong to its run",
                    )),
                }
            }
            all.push(sizes);
        }
        all
    }

    /// Each note's root must be the tree's.
    pub(super) fn note_roots(
        &mut self,
        sections: &Sections,
        log: &LogName,
        notes: &[SizedNote],
        roots: &[Hash],
    ) {
        for (note, ours) in notes.iter().zip(roots) {
            if note.root != *ours {
                let damage = Damage::RootMismatch(note.size);
                let at = sections.offset(NOTES);
                let finding = Finding::new(damage, &self.ent, at, "a note has another root");
                self.seen.findings.push(finding.of_log(&log.name));
            }
        }
    }

    /// A note is marked as a hinge exactly where a `key` record stands before its size.
    pub(super) fn hinges(
        &mut self,
        sections: &Sections,
        log: &LogName,
        notes: &[SizedNote],
        records: &RecordChecker<'_>,
    ) {
        if !sections.sound[NOTES] || !records.findings.is_empty() || records.checked.records == 0 {
            return;
        }
        let is_key = |size: u64| records.keys.iter().any(|(seq, _)| seq + 1 == size);
        let mut wrong = Vec::new();
        if notes.iter().any(|note| note.hinge != is_key(note.size)) {
            wrong.push((
                Damage::Unreadable,
                "a note is wrongly marked as a hinge, or not marked",
            ));
        }
        let has_note = |seq: u64| notes.iter().any(|note| note.size == seq + 1);
        if records.keys.iter().any(|(seq, _)| !has_note(*seq)) {
            wrong.push((
                Damage::KeyWalkBroken,
                "the hinge of a key record is missing",
            ));
        }
        for (damage, what) in wrong {
            let finding = Finding::new(damage, &self.ent, sections.offset(NOTES), what);
            self.seen.findings.push(finding.of_log(&log.name));
        }
    }
}
