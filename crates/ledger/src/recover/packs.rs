//! Packs at a start: headers and tables of runs only, so that it costs little however much is sealed.

use super::reading::Reading;
use super::{RecoverError, all_names, damaged, format_error};
use crate::books::{PackPlace, RunPlace};
use crate::format::FormatError;
use crate::format::pack::{ENT_HEADER_BYTES, EntView, NoteView, PackHeader, Run, parse_pack_name};
use indelible_proof::hash;
use std::sync::Arc;

impl Reading {
    /// Packs in order: headers and tables of runs only, so that a start costs little however much is sealed.
    pub(super) fn packs(&mut self) -> Result<(), RecoverError> {
        let names = all_names(self.books.store(), "sealed/")?;
        for name in &names {
            let Some((first, last, is_ent)) = parse_pack_name(name) else {
                continue; // Nobody knows it and nothing rests on it; `verify` lists it.
            };
            let stem = name
                .strip_suffix(".ent")
                .or(name.strip_suffix(".rec"))
                .unwrap_or(name);
            if !is_ent {
                if !names.contains(&format!("{stem}.ent")) {
                    self.orphans.push(name.clone());
                }
                continue;
            }
            if !names.contains(&format!("{stem}.rec")) {
                return Err(damaged(name, 0, "its .rec file is missing"));
            }
            let expected = self.last_sealed.map_or(0, |last| last + 1);
            if first != expected {
                return Err(damaged(
                    name,
                    0,
                    &format!(
                        "batches {expected} to {} are in no pack",
                        first.saturating_sub(1)
                    ),
                ));
            }
            self.pack(name, first, last)?;
        }
        Ok(())
    }

    fn pack(&mut self, name: &str, first: u64, last: u64) -> Result<(), RecoverError> {
        let store = self.books.store();
        let wrong = |error: FormatError| format_error(name, 0, error);
        let size = store.size_of(name)?;
        let header_bytes = store.read_at(name, 0, ENT_HEADER_BYTES, false)?;
        let header = PackHeader::decode(&header_bytes).map_err(wrong)?;
        if header.is_read_only() {
            self.read_only = Some(name.to_owned());
        }
        if header.store != store.describe().store_id || header.first != first || header.last != last
        {
            return Err(damaged(name, 32, "it belongs to another store or place"));
        }
        let section = |index: usize| -> Result<Vec<u8>, RecoverError> {
            let section = &header.sections[index];
            let length = usize::try_from(section.length)
                .map_err(|_| damaged(name, 104, "a section is too long"))?;
            if section
                .offset
                .checked_add(section.length)
                .is_none_or(|end| end > size)
            {
                return Err(damaged(
                    name,
                    section.offset,
                    "a section lies outside the file",
                ));
            }
            let bytes = store.read_at(name, section.offset, length, false)?;
            if hash::sha256(&bytes) == section.sha256 {
                Ok(bytes)
            } else {
                Err(damaged(name, section.offset, "a section's digest is wrong"))
            }
        };
        let runs = header.parse_runs(&section(0)?).map_err(wrong)?;
        let notes_bytes = section(5)?;
        let notes = header.parse_notes(&notes_bytes, &runs).map_err(wrong)?;
        let rec = name.replace(".ent", ".rec");
        let bytes = size + store.size_of(&rec)?;
        let pack = Arc::new(PackPlace {
            ent: name.to_owned(),
            rec,
            first_batch: first,
            last_batch: last,
            digest: header.digest(),
            bytes,
        });
        self.books.packs().push(Arc::clone(&pack));
        for ((run, place), notes) in run_places(&pack, &header, &runs).zip(notes) {
            self.add_run(name, run, place, &notes)?;
        }
        self.compare_batch(last, header.last_digest)?;
        (self.last_sealed, self.next, self.prev) = (Some(last), last + 1, header.last_digest);
        Ok(())
    }

    fn add_run(
        &mut self,
        name: &str,
        run: &Run,
        place: RunPlace,
        notes: &[NoteView<'_>],
    ) -> Result<(), RecoverError> {
        let log = match self.books.log_by_id(&run.log) {
            Some(log) => log,
            None => self.new_log(run.log, &run.origin),
        };
        let mut state = log.write();
        let continues = state.size == run.first
            && state.last_entry == run.prev_entry
            && state.frontier == run.frontier_first
            && log.origin() == run.origin
            && run.frontier_after.root() == run.root;
        if !continues {
            return Err(damaged(
                name,
                ENT_HEADER_BYTES_U64,
                &format!(
                    "run {} of {} does not continue its log",
                    run.first,
                    log.name()
                ),
            ));
        }
        self.time = self.time.max(Some(run.last_time));
        let pack = Arc::clone(&place.pack);
        state.add_run(place, run);
        for hinge in notes.iter().filter(|note| note.hinge) {
            state.seal_hinge(&pack, hinge).ok_or_else(|| {
                damaged(name, hinge.at, "a note marked as a hinge is no checkpoint")
            })?;
        }
        drop(state);
        self.grown.insert(log.index(), Arc::clone(&log));
        if let Some(note) = notes.last() {
            self.learn_note(note.text);
        }
        Ok(())
    }
}

/// The same as a place in the file.
const ENT_HEADER_BYTES_U64: u64 = 424;

/// Where the runs of a pack lie.
pub(crate) fn run_places<'a>(
    pack: &'a Arc<PackPlace>,
    header: &'a PackHeader,
    runs: &'a [Run],
) -> impl Iterator<Item = (&'a Run, RunPlace)> + 'a {
    let mut at = [1, 2, 4].map(|section: usize| header.sections[section].offset);
    runs.iter().map(move |run| {
        let count = u64::from(run.count);
        let place = RunPlace {
            pack: Arc::clone(pack),
            first: run.first,
            count,
            entries_at: at[0],
            nodes_at: at[1],
            frames_at: at[2],
            frames: run.frames,
            rec_at: run.rec_at,
            rec_len: run.rec_len,
        };
        let blocks = place.blocks();
        at[0] += count * 32;
        at[1] += (blocks.end - blocks.start) * 32;
        at[2] += u64::from(run.frames) * 36;
        (run, place)
    })
}

/// The same from a parsed `.ent`.
pub(crate) fn places<'a>(
    pack: &'a Arc<PackPlace>,
    ent: &'a EntView<'_>,
) -> impl Iterator<Item = (&'a Run, RunPlace)> + 'a {
    run_places(pack, &ent.header, &ent.runs)
}
