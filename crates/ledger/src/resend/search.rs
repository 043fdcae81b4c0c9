//! Finds the record of a claim that is sealed: in the sections *streams* and *places* of the packs.
//!
//! What it finds is a place to look at; whether the record there is the one, its head says.

use super::birth::birth;
use super::keys::Sealed;
use super::streams::Place;
use crate::books::{Books, Log, RunPlace};
use crate::format::pack::{KEY_BYTES, PLACE_BYTES, StreamRow, Tag, key_at, stream_rows};
use crate::limits::BIRTH_AHEAD_SECONDS;
use crate::view::ReadError;
use indelible_proof::hash;
use std::ops::RangeInclusive;

/// Where a number lies as seen from one run.
enum Lies {
    /// At this seq.
    At(u64),
    /// In a run before it.
    Before,
    /// In a run after it.
    After,
    /// Nowhere: the run goes from an epoch's end to the next epoch.
    Nowhere,
}

/// Whether tags that do not hold the one looked for are believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// What they say will be checked, or nothing hangs on it.
    Blind,
    /// First it is seen that they are what was sealed.
    Checked,
}

impl Books {
    /// The sealed record that has this number of a stream, if there is one.
    pub(crate) fn find_number(
        &self,
        log: &Log,
        by: &str,
        src: &str,
        place: Place,
    ) -> Result<Option<u64>, ReadError> {
        let runs: Vec<RunPlace> = {
            let state = log.read();
            let with_streams = state.runs.iter().filter(|run| run.streams_len > 0);
            with_streams.cloned().collect()
        };
        // Numbers grow with seq, so halves can be left out; a run without the stream says nothing, and the one before it is asked.
        let (mut low, mut high) = (0, runs.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let mut at = middle;
            let lies = loop {
                match self.lies(log, &runs[at], by, src, place)? {
                    None if at > low => at -= 1,
                    lies => break lies,
                }
            };
            match lies {
                Some(Lies::At(seq)) => return Ok(Some(seq)),
                Some(Lies::Nowhere) => return Ok(None),
                Some(Lies::Before) => high = at,
                Some(Lies::After) | None => low = middle + 1,
            }
        }
        Ok(None)
    }

    /// `None`: the run has nothing of the stream.
    fn lies(
        &self,
        log: &Log,
        run: &RunPlace,
        by: &str,
        src: &str,
        place: Place,
    ) -> Result<Option<Lies>, ReadError> {
        let length = usize::try_from(run.streams_len).expect("a run's streams fit memory");
        let bytes = self
            .store()
            .read_at(&run.pack.ent, run.streams_at, length, false)?;
        let rows = stream_rows(run.places, &bytes)
            .map_err(|error| run.damaged(log, &error.to_string()))?;
        let (mut skipped, mut first, mut last) = (0_u64, None, None);
        for row in rows {
            if (row.by, row.src) == (by, src) {
                let (from, to) = ends(&row);
                if (from..=to).contains(&place) {
                    let index = skipped + (place.n - row.first);
                    return self.seq_at(log, run, index).map(Lies::At).map(Some);
                }
                first = first.or(Some(from));
                last = Some(to);
            }
            skipped += u64::from(row.count);
        }
        Ok(first.zip(last).map(|(first, last)| {
            if place < first {
                Lies::Before
            } else if place > last {
                Lies::After
            } else {
                Lies::Nowhere
            }
        }))
    }

    /// The events of the records of kind `stream` in the run that begins at `first`; their places stand behind those of its numbers.
    pub(crate) fn stream_records(
        &self,
        log: &Log,
        first: u64,
        numbers: u64,
    ) -> Result<Vec<Vec<u8>>, ReadError> {
        let Some(run) = log.read().run_of(first).cloned() else {
            return Ok(Vec::new());
        };
        let mut events = Vec::new();
        for index in numbers..u64::from(run.places) {
            let seq = self.seq_at(log, &run, index)?;
            let content = self.record(log, seq)?.content;
            let (_, event) =
                content.ok_or_else(|| run.damaged(log, "a record of kind stream has no event"))?;
            events.push(event);
        }
        Ok(events)
    }

    fn seq_at(&self, log: &Log, run: &RunPlace, index: u64) -> Result<u64, ReadError> {
        let offset = run.places_at + index * PLACE_BYTES_U64;
        let bytes = self
            .store()
            .read_at(&run.pack.ent, offset, PLACE_BYTES, false)?;
        let place = bytes
            .first_chunk()
            .ok_or_else(|| run.damaged(log, "its places end too early"))?;
        Ok(run.first + u64::from(u16::from_le_bytes(*place)))
    }
}

impl Books {
    /// The sealed record that has this key, as far as it can be told: among the packs that the tables name, then, for a key older
    /// than they reach that says when it was made, among those that can hold it. Of several the newest.
    pub(crate) fn find_key(
        &self,
        log: &Log,
        sealed: &Sealed,
        tag: &Tag,
        key: &str,
    ) -> Result<Option<u64>, ReadError> {
        let mut asked = Vec::new();
        for batches in sealed.candidates(tag) {
            for run in self.runs_within(log, &batches, 0).into_iter().rev() {
                if let Some(seq) = self.find_tag(log, &run, tag, Trust::Blind)? {
                    return Ok(Some(seq));
                }
                asked.push(run);
            }
        }
        // A key that says nothing of its time is outside the promise when it is older than the tables reach.
        if let (Some(last), Some(birth)) = (sealed.begins.checked_sub(1), birth(key)) {
            // Most come again soon after they came first, so the packs of its time are asked first.
            let since = birth.saturating_sub(BIRTH_AHEAD_SECONDS);
            for run in self.runs_within(log, &(0..=last), since) {
                if let Some(seq) = self.find_tag(log, &run, tag, Trust::Blind)? {
                    return Ok(Some(seq));
                }
                asked.push(run);
            }
        }
        // Before the key is called new: are the tags still those that were sealed? A table is seldom wrong, and old keys seldom come.
        for run in asked {
            self.find_tag(log, &run, tag, Trust::Checked)?;
        }
        Ok(None)
    }

    /// The runs of a log with keys in packs that hold any of these batches and do not end before `since`. A merged pack may begin
    /// before them and end behind them.
    fn runs_within(&self, log: &Log, batches: &RangeInclusive<u64>, since: u64) -> Vec<RunPlace> {
        let state = log.read();
        let first = state
            .runs
            .partition_point(|run| run.pack.last_batch < *batches.start());
        let end = state
            .runs
            .partition_point(|run| run.pack.first_batch <= *batches.end());
        let runs = state.runs.get(first..end).unwrap_or_default();
        let runs = runs.iter();
        runs.filter(|run| run.keys > 0 && run.last_secs >= since)
            .cloned()
            .collect()
    }

    /// Looks for a tag in one run. Tags are hashes, so where one lies can be guessed.
    fn find_tag(
        &self,
        log: &Log,
        run: &RunPlace,
        tag: &Tag,
        trust: Trust,
    ) -> Result<Option<u64>, ReadError> {
        let keys = u64::from(run.keys);
        let (high, _) = tag.split_first_chunk().expect("a tag has 16 bytes");
        let guess = (u128::from(u64::from_be_bytes(*high)) * u128::from(keys)) >> 64;
        let guess = u64::try_from(guess).expect("below the number of keys");
        let mut reach = WINDOW_TAGS;
        loop {
            let (from, to) = (guess.saturating_sub(reach), keys.min(guess + reach + 1));
            let length =
                usize::try_from((to - from) * KEY_BYTES_U64).expect("a run's tags fit memory");
            let offset = run.keys_at + from * KEY_BYTES_U64;
            let bytes = self.store().read_at(&run.pack.ent, offset, length, false)?;
            let (tags, _) = bytes.as_chunks::<KEY_BYTES>();
            let at = tags.partition_point(|own| key_at(own).0 <= *tag);
            let found = at.checked_sub(1).and_then(|at| tags.get(at)).map(key_at);
            let lower = at > 0 || from == 0;
            let higher = at < tags.len() || to == keys;
            match found {
                Some((own, place)) if own == *tag => {
                    return Ok(Some(run.first + u64::from(place)));
                }
                _ if tags.is_empty() => {
                    return Err(run.damaged(log, "its key tags end too early"));
                }
                _ if lower && higher => {
                    if trust == Trust::Checked && !self.are_sound(run, tags, tag)? {
                        return Err(run.damaged(log, "its key tags are not what was sealed"));
                    }
                    return Ok(None);
                }
                _ => reach = reach.saturating_mul(8),
            }
        }
    }

    /// Whether a pack's key tags, among which one is not found, are what was sealed: by the digest of all where they are few, else by what
    /// the ones that were read look like. Hashing a megabyte for each guess of a table that is wrong would hold up new keys.
    fn are_sound(
        &self,
        run: &RunPlace,
        tags: &[[u8; KEY_BYTES]],
        tag: &Tag,
    ) -> Result<bool, ReadError> {
        let pack = &run.pack;
        if pack.keys > KEYS_HASHED_MAX {
            return Ok(are_plausible(tags, tag));
        }
        let length = usize::try_from(pack.keys * KEY_BYTES_U64).expect("a few tags fit memory");
        let all = self
            .store()
            .read_at(&pack.ent, pack.keys_at, length, false)?;
        Ok(hash::sha256(&all) == pack.keys_digest)
    }
}

/// Whether tags among which `tag` is not found are in order, and none is nearly the one that is looked for. A sector that was lost or put
/// elsewhere holds 28 tags and breaks the order; a flipped bit breaks it too or leaves a tag so near that it is no other's.
fn are_plausible(tags: &[[u8; KEY_BYTES]], tag: &Tag) -> bool {
    let apart = |own: &Tag| -> u32 {
        let bits = own
            .iter()
            .zip(tag)
            .map(|(own, asked)| (own ^ asked).count_ones());
        bits.sum()
    };
    let ascend = tags
        .iter()
        .map(key_at)
        .is_sorted_by(|left, right| left < right);
    ascend
        && tags
            .iter()
            .map(key_at)
            .all(|(own, _)| apart(&own) > NEAR_BITS)
}

/// Key tags of a pack that are hashed for one look: 72 KiB, some 50 µs.
const KEYS_HASHED_MAX: u64 = 4_096;
/// Two tags of 128 bits that differ in so few are not of two keys: of 2^26 tags two are that near once in 2^40 times.
const NEAR_BITS: u32 = 8;
/// Tags read to each side of where one is guessed: their places stray by half the root of their number, 128 in the largest run.
const WINDOW_TAGS: u64 = 256;
/// The same as a length in a file.
const KEY_BYTES_U64: u64 = 18;
/// The same as a length in a file.
const PLACE_BYTES_U64: u64 = 2;

fn ends(row: &StreamRow<'_>) -> (Place, Place) {
    let at = |n| Place {
        epoch: row.epoch,
        n,
    };
    (at(row.first), at(row.last()))
}
