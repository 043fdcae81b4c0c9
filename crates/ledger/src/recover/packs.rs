//! Packs at a start: headers and tables of runs only, so that it costs little however much is sealed.

use super::reading::Reading;
use super::{RecoverError, all_names, damaged, format_error, unread};
use crate::books::{PackPlace, RunPlace};
use crate::cover::{Batches, cover};
use crate::format::FormatError;
use crate::format::pack::{
    ENT_HEADER_BYTES, EntView, NoteView, PackHeader, REC_HEADER_BYTES, RecHeader, Run, StreamRow,
    pack_names,
};
use crate::resend::derived;
use crate::resend::tag::stream_id;
use indelible_proof::hash;
use indelible_proof::head::Kind;
use indelible_proof::node_event::{NodeEvent, is_of_later_version};
use std::sync::Arc;

impl Reading {
    /// Packs in order: headers and tables of runs only, so that a start costs little however much is sealed.
    pub(super) fn packs(&mut self) -> Result<(), RecoverError> {
        let names = all_names(self.books.store(), "sealed/")?;
        let cover = cover(&names);
        self.orphans = cover.orphans;
        let mut packs = [cover.packs.as_slice(), &cover.without_rec].concat();
        packs.sort_unstable();
        if self.for_writing {
            self.saved_streams(&packs);
        }
        for (first, last) in packs {
            let (name, _) = pack_names(first, last);
            if cover.without_rec.contains(&(first, last)) {
                return Err(damaged(&name, 0, "its .rec file is missing"));
            }
            let expected = self.last_sealed.map_or(0, |last| last + 1);
            if first != expected {
                return Err(damaged(
                    &name,
                    0,
                    &format!(
                        "batches {expected} to {} are in no pack",
                        first.saturating_sub(1)
                    ),
                ));
            }
            self.pack(&name, first, last)?;
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
        let unknown = self.for_writing && self.streams_until.is_none_or(|until| first > until);
        let streams_bytes = match unknown {
            true => section(7)?,
            false => Vec::new(),
        };
        let streams = match unknown {
            true => header.parse_streams(&streams_bytes, &runs).map_err(wrong)?,
            false => Vec::new(),
        };
        let rec = name.replace(".ent", ".rec");
        let bytes = size + store.size_of(&rec)?;
        let rec_header = store.read_at(&rec, 0, REC_HEADER_BYTES, false)?;
        match RecHeader::decode_features(&rec_header) {
            Ok((_, true)) => self.read_only = Some(rec.clone()),
            Err(error @ FormatError::Unsupported(_)) => return Err(format_error(&rec, 0, error)),
            // Frames are read by their own places and checks: damage here is for the verifier to name.
            Ok((_, false)) | Err(FormatError::Damaged { .. }) => {}
        }
        let pack = Arc::new(PackPlace::new(&header, bytes));
        self.books.packs().push(Arc::clone(&pack));
        for ((run, place), notes) in run_places(&pack, &header, &runs).zip(notes) {
            self.add_run(name, run, place, &notes)?;
        }
        for (run, rows) in runs.iter().zip(streams) {
            self.streams(name, run, &rows)?;
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

impl Reading {
    /// What a clean stop left of the streams, if it was made of the packs that count: merged ones have other digests, and their
    /// streams are read again.
    fn saved_streams(&mut self, packs: &[Batches]) {
        let store = self.books.store();
        let Some((streams, last, digest)) = derived::load_streams(store) else {
            return;
        };
        let same = packs.iter().any(|&(first, end)| {
            let (name, _) = pack_names(first, end);
            end == last
                && store
                    .read_at(&name, 0, ENT_HEADER_BYTES, false)
                    .is_ok_and(|bytes| {
                        PackHeader::decode(&bytes).is_ok_and(|header| header.digest() == digest)
                    })
        });
        if same {
            self.known.streams = streams;
            self.streams_until = Some(last);
        }
    }

    /// What a run's streams tell of what comes next.
    fn streams(
        &mut self,
        name: &str,
        run: &Run,
        rows: &[StreamRow<'_>],
    ) -> Result<(), RecoverError> {
        for row in rows {
            let id = stream_id(&run.log, row.by, row.src);
            let end = row.last() + 1;
            self.known.streams.learn(id, row.epoch, end);
        }
        let numbers: u64 = rows.iter().map(|row| u64::from(row.count)).sum();
        if numbers == u64::from(run.places) {
            return Ok(());
        }
        // The rest are records that open an epoch or hand a stream on.
        let log = self.books.log_by_id(&run.log);
        let log = log.ok_or_else(|| damaged(name, 0, "a run of an unknown log"))?;
        let found = self.books.stream_records(&log, run.first, numbers);
        let events = found.map_err(|error| unread(name, error))?;
        for event in &events {
            let event = NodeEvent::parse(event).ok_or_else(|| unknown_stream(name, event))?;
            self.known.streams.apply(&run.log, &event);
        }
        Ok(())
    }
}

fn unknown_stream(name: &str, event: &[u8]) -> RecoverError {
    if is_of_later_version(Kind::Stream, event) {
        return RecoverError::Unsupported {
            file: name.to_owned(),
            what: "an event of a stream".to_owned(),
        };
    }
    damaged(name, 0, "a record of kind stream that is none")
}

/// The same as a place in the file.
const ENT_HEADER_BYTES_U64: u64 = 580;

/// Where the runs of a pack lie.
pub(crate) fn run_places<'a>(
    pack: &'a Arc<PackPlace>,
    header: &'a PackHeader,
    runs: &'a [Run],
) -> impl Iterator<Item = (&'a Run, RunPlace)> + 'a {
    let mut at = [1, 2, 4, 6, 7, 8].map(|section: usize| header.sections[section].offset);
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
            keys_at: at[3],
            keys: run.keys,
            streams_at: at[4],
            streams_len: run.streams_len,
            places_at: at[5],
            places: run.places,
            last_secs: run.last_time.secs(),
        };
        let blocks = place.blocks();
        at[0] += count * 32;
        at[1] += (blocks.end - blocks.start) * 32;
        at[2] += u64::from(run.frames) * 36;
        at[3] += u64::from(run.keys) * 18;
        at[4] += u64::from(run.streams_len);
        at[5] += u64::from(run.places) * 2;
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
