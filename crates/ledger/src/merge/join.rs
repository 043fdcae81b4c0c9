//! The runs of several packs, log by log, as one pack's.

use super::{MergeError, follows};
use crate::books::PackPlace;
use crate::format::FormatError;
use crate::format::frame::FrameView;
use crate::format::pack::{EntView, NoteView, PackNote, Run, RunView};
use crate::limits::NOTE_EVERY_SECONDS;
use crate::seal::{BadFrame, Made, Press, RunBuilder, feed};
use crate::view::hashes;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::Hash;
use indelible_proof::note::Note;
use indelible_store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the packs hold together.
pub(super) struct Joined {
    pub(super) made: Made,
    /// Header digest of the last batch.
    pub(super) last_digest: Hash,
    /// Where each log begins and ends.
    pub(super) ends: BTreeMap<Hash, Ends>,
    /// Runs of all packs together.
    pub(super) runs_before: usize,
}

/// Where a log begins and ends in a pack: what must stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    first: u64,
    prev_entry: Hash,
    pub(super) end: u64,
    pub(super) last_entry: Hash,
    root: Hash,
}

impl Ends {
    /// Takes in the next run of its log.
    pub(super) fn learn(all: &mut BTreeMap<Hash, Ends>, run: &Run) {
        let ends = all.entry(run.log).or_insert(Ends {
            first: run.first,
            prev_entry: run.prev_entry,
            end: run.first,
            last_entry: run.prev_entry,
            root: run.root,
        });
        (ends.end, ends.last_entry, ends.root) = (run.end(), run.last_entry, run.root);
    }
}

/// One pack's entries file in memory.
struct Loaded<'a> {
    pack: &'a PackPlace,
    view: EntView<'a>,
}

/// Reads packs that were just re-hashed and joins their runs.
pub(super) fn join(store: &dyn Store, packs: &[Arc<PackPlace>]) -> Result<Joined, MergeError> {
    let mut files = Vec::new();
    for pack in packs {
        let length = usize::try_from(store.size_of(&pack.ent)?).unwrap_or(usize::MAX);
        files.push(store.read_at(&pack.ent, 0, length, false)?);
    }
    let mut loaded = Vec::new();
    for (pack, bytes) in packs.iter().zip(&files) {
        let view = EntView::parse(bytes, true).map_err(|error| damaged(pack, &error))?;
        loaded.push(Loaded { pack, view });
    }
    let (mut ends, mut runs_before) = (BTreeMap::new(), 0);
    let mut of_log: BTreeMap<Hash, Vec<(&PackPlace, &Run, &RunView<'_>)>> = BTreeMap::new();
    for Loaded { pack, view } in &loaded {
        for (run, part) in view.parts() {
            Ends::learn(&mut ends, run);
            runs_before += 1;
            of_log.entry(run.log).or_default().push((pack, run, part));
        }
    }
    let mut joiner = Joiner {
        store,
        press: Press::new(),
    };
    let mut made = Made::default();
    for runs in of_log.into_values() {
        for run in joiner.log(&runs)? {
            made.close(run, &mut joiner.press);
        }
    }
    let last_digest = loaded
        .last()
        .map_or(Hash::ZERO, |last| last.view.header.last_digest);
    Ok(Joined {
        made,
        last_digest,
        ends,
        runs_before,
    })
}

fn damaged(pack: &PackPlace, error: &FormatError) -> MergeError {
    MergeError::Damaged {
        name: pack.ent.clone(),
        what: error.to_string(),
    }
}

struct Joiner<'a> {
    store: &'a dyn Store,
    press: Press,
}

impl Joiner<'_> {
    /// One log's runs, in order, as few as may be.
    fn log(
        &mut self,
        parts: &[(&PackPlace, &Run, &RunView<'_>)],
    ) -> Result<Vec<RunBuilder>, MergeError> {
        let mut runs: Vec<RunBuilder> = Vec::new();
        let mut ends = BTreeMap::new();
        let mut notes = Notes::default();
        for (pack, run, view) in parts {
            if runs.is_empty() {
                runs.push(RunBuilder::new(
                    run.origin.clone(),
                    run.log,
                    run.prev_entry,
                    run.frontier_first.clone(),
                ));
            } else if !ends.get(&run.log).is_some_and(|last| follows(last, run)) {
                let what = format!(
                    "run {} of {} does not follow the one before",
                    run.first, run.origin
                );
                let name = pack.ent.clone();
                return Err(MergeError::Damaged { name, what });
            }
            Ends::learn(&mut ends, run);
            self.frames(pack, run, view, &mut runs)?;
            for size in commit_sizes(run, view) {
                if let Some(run) = holder(&mut runs, size) {
                    run.commit_sizes.push(size);
                }
            }
            for note in &view.notes {
                notes.add(&mut runs, run, note);
            }
        }
        notes.close(&mut runs);
        Ok(runs)
    }

    fn frames(
        &mut self,
        pack: &PackPlace,
        run: &Run,
        view: &RunView<'_>,
        runs: &mut Vec<RunBuilder>,
    ) -> Result<(), MergeError> {
        let length = usize::try_from(run.rec_len).unwrap_or(usize::MAX);
        let bytes = self.store.read_at(&pack.rec, run.rec_at, length, false)?;
        let bad = |bad: BadFrame| damaged(pack, &bad.error);
        let mut rest = bytes.as_slice();
        let mut entries = hashes(view.entries);
        while !rest.is_empty() {
            let (frame, after) = FrameView::parse(rest).map_err(|error| damaged(pack, &error))?;
            feed(runs, &frame, &mut entries, &mut self.press).map_err(bad)?;
            rest = after;
        }
        // Here and not with the next pack's, which would be named for what is wrong in this one.
        match runs.last_mut() {
            Some(open) => open.settle(&mut self.press).map_err(bad),
            None => Ok(()),
        }
    }
}

/// The sizes at which a log was committed within a run.
fn commit_sizes<'a>(run: &'a Run, view: &'a RunView<'_>) -> impl Iterator<Item = u64> + 'a {
    (run.first + 1..=run.end())
        .zip(0_u32..)
        .filter_map(|(size, bit)| {
            let byte = view.commit_bits.get(usize::try_from(bit / 8).ok()?)?;
            (byte >> (bit % 8) & 1 == 1).then_some(size)
        })
}

/// The run in which a size lies.
fn holder(runs: &mut [RunBuilder], size: u64) -> Option<&mut RunBuilder> {
    runs.iter_mut()
        .rev()
        .find(|run| run.first < size && size <= run.end())
}

/// Keeps the notes of a log: hinges and cosigned ones all, others one a minute, and the last.
#[derive(Default)]
struct Notes {
    /// Seconds of the note kept last.
    kept_at: Option<u64>,
    /// The newest that was left out.
    held: Option<(u64, PackNote)>,
}

impl Notes {
    fn add(&mut self, runs: &mut [RunBuilder], run: &Run, note: &NoteView<'_>) {
        let Ok(parsed) = Note::parse(note.text) else {
            return;
        };
        let Ok(checkpoint) = Checkpoint::parse(parsed.text) else {
            return;
        };
        let size = checkpoint.size;
        // When a note within a run was made is not said: the run was thinned when it was sealed.
        let at = (size == run.end()).then(|| run.last_time.secs());
        let due = note.hinge
            || match (at, self.kept_at) {
                (Some(at), Some(kept)) => at >= kept + NOTE_EVERY_SECONDS,
                _ => true,
            };
        let kept = PackNote {
            hinge: note.hinge,
            text: note.text.to_vec(),
        };
        if !due && parsed.signatures.len() < 2 {
            self.held = Some((size, kept));
            return;
        }
        self.held = None;
        self.kept_at = at.or(self.kept_at);
        put(runs, size, kept);
    }

    /// The log's last run in the pack ends with the note of exactly its end.
    fn close(self, runs: &mut [RunBuilder]) {
        if let Some((size, note)) = self.held {
            put(runs, size, note);
        }
    }
}

fn put(runs: &mut [RunBuilder], size: u64, note: PackNote) {
    if let Some(run) = holder(runs, size) {
        run.notes.push((size, note));
    }
}
