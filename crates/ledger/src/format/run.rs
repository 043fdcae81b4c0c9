//! Runs: contiguous records of one log in a pack, and everything needed to verify them without the records before.
//!
//! See `docs/spec/pack.md`, section *runs*.

use super::FormatError;
use super::claims::ClaimsData;
use super::cursor::{Cursor, put_time_le};
use super::limits::{FRAME_RECORDS_MAX, SEQ_END};
use super::pack::FrameRow;
use crate::limits::RUN_RECORDS;
use indelible_proof::hash::Hash;
use indelible_proof::origin::Origin;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use std::ops::Range;

/// One run as its pack describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The log's origin.
    pub origin: String,
    /// The log's id.
    pub log: Hash,
    /// First seq.
    pub first: u64,
    /// Records, 1 to 65,536.
    pub count: u32,
    /// Time of the first record.
    pub first_time: Time,
    /// Time of the last record.
    pub last_time: Time,
    /// Entry before the first; zeros for seq 0.
    pub prev_entry: Hash,
    /// The tree's edge at the first seq.
    pub frontier_first: Frontier,
    /// The last entry.
    pub last_entry: Hash,
    /// The tree's edge after the last record.
    pub frontier_after: Frontier,
    /// The root after the last record.
    pub root: Hash,
    /// Number of frames.
    pub frames: u32,
    /// Where its first frame begins in `.rec`.
    pub rec_at: u64,
    /// Bytes of all its frames.
    pub rec_len: u64,
    /// Number of notes.
    pub notes: u32,
    /// Number of key tags.
    pub keys: u32,
    /// Bytes of its part of the section *streams*.
    pub streams_len: u32,
    /// Number of places: of numbers in streams, and of records of kind `stream`.
    pub places: u32,
}

impl Run {
    /// Seq after the last.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// Numbers of the aligned 256 that lie wholly in the run; each has a stored node of level 8.
    #[must_use]
    pub fn blocks(&self) -> Range<u64> {
        let start = self.first.div_ceil(FRAME_RECORDS_MAX);
        start..(self.end() / FRAME_RECORDS_MAX).max(start)
    }

    /// Bytes of its commit bits.
    #[must_use]
    pub fn commit_bits_len(&self) -> u64 {
        u64::from(self.count).div_ceil(8)
    }

    /// Appends the bytes on disk.
    ///
    /// # Panics
    /// If the origin has 65,536 bytes or more; an origin has at most 200.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let length = u16::try_from(self.origin.len()).expect("an origin has at most 200 bytes");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(self.origin.as_bytes());
        out.extend_from_slice(&self.log.0);
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        put_time_le(self.first_time, out);
        put_time_le(self.last_time, out);
        out.extend_from_slice(&self.prev_entry.0);
        self.frontier_first
            .hashes()
            .iter()
            .for_each(|hash| out.extend_from_slice(&hash.0));
        out.extend_from_slice(&self.last_entry.0);
        self.frontier_after
            .hashes()
            .iter()
            .for_each(|hash| out.extend_from_slice(&hash.0));
        out.extend_from_slice(&self.root.0);
        out.extend_from_slice(&self.frames.to_le_bytes());
        out.extend_from_slice(&self.rec_at.to_le_bytes());
        out.extend_from_slice(&self.rec_len.to_le_bytes());
        for number in [self.notes, self.keys, self.streams_len, self.places] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Reads the run at the beginning of `bytes`, and says how long it is.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn read(bytes: &[u8]) -> Result<(Run, usize), FormatError> {
        let mut cursor = Cursor::new(bytes);
        Run::decode(&mut cursor).map(|run| (run, cursor.at()))
    }

    /// Reads the run at the cursor. Whether `frontier_after` gives `root` is for the verifier to hash.
    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Run, FormatError> {
        let start = *cursor;
        let length = usize::from(cursor.u16_le()?);
        let origin = str::from_utf8(cursor.take(length)?)
            .ok()
            .and_then(Origin::parse);
        let origin = origin
            .ok_or_else(|| start.damaged("not an origin"))?
            .as_str()
            .to_owned();
        let log = cursor.hash()?;
        let (first, count) = (cursor.u64_le()?, cursor.u32_le()?);
        start.require(
            fits_unit(first, count),
            "a run crosses a multiple of 65,536 or has no records",
        )?;
        let (first_time, last_time) = (cursor.time_le()?, cursor.time_le()?);
        start.require(first_time <= last_time, "a run ends before it begins")?;
        let prev_entry = cursor.hash()?;
        start.require(
            first != 0 || prev_entry == Hash::ZERO,
            "an entry before a log's first",
        )?;
        let frontier_first = frontier(cursor, first)?;
        let last_entry = cursor.hash()?;
        let frontier_after = frontier(cursor, first.saturating_add(u64::from(count)))?;
        let (root, frames) = (cursor.hash()?, cursor.u32_le()?);
        start.require(
            (1..=count).contains(&frames),
            "more frames than records, or none",
        )?;
        let (rec_at, rec_len, notes) = (cursor.u64_le()?, cursor.u64_le()?, cursor.u32_le()?);
        let (keys, streams_len, places) = (cursor.u32_le()?, cursor.u32_le()?, cursor.u32_le()?);
        start.require(
            keys <= count && places <= count,
            "more keys or numbers than records",
        )?;
        Ok(Run {
            origin,
            log,
            first,
            count,
            first_time,
            last_time,
            prev_entry,
            frontier_first,
            last_entry,
            frontier_after,
            root,
            frames,
            rec_at,
            rec_len,
            notes,
            keys,
            streams_len,
            places,
        })
    }

    /// Whether `next` may stand after this run in the same pack.
    pub(super) fn precedes(&self, next: &Run) -> bool {
        let continues = || {
            self.end() == next.first
                && self.origin == next.origin
                && self.last_entry == next.prev_entry
                && self.frontier_after == next.frontier_first
                && self.last_time <= next.first_time
        };
        self.log < next.log || (self.log == next.log && continues())
    }
}

/// At least one record, none across a multiple of 65,536, no seq beyond what a head can say.
fn fits_unit(first: u64, count: u32) -> bool {
    let count = u64::from(count);
    count != 0
        && (first % RUN_RECORDS).saturating_add(count) <= RUN_RECORDS
        && first.checked_add(count).is_some_and(|end| end <= SEQ_END)
}

fn frontier(cursor: &mut Cursor<'_>, size: u64) -> Result<Frontier, FormatError> {
    let start = *cursor;
    let hashes = (0..size.count_ones())
        .map(|_| cursor.hash())
        .collect::<Result<Vec<_>, _>>()?;
    Frontier::from_parts(size, hashes).ok_or_else(|| start.damaged("not a tree's edge"))
}

/// A run with all that the sections hold of it, for writing.
#[derive(Clone, Debug)]
pub struct RunData {
    /// Its place in the section *runs*.
    pub run: Run,
    /// All its records' entries.
    pub entries: Vec<Hash>,
    /// Roots of the aligned 256 wholly in it.
    pub nodes: Vec<Hash>,
    /// ceil(count / 8) bytes, lowest bit first.
    pub commit_bits: Vec<u8>,
    /// Its frames in `.rec`.
    pub frames: Vec<FrameRow>,
    /// Its signed notes, sizes ascending.
    pub notes: Vec<PackNote>,
    /// What its records claim.
    pub claims: ClaimsData,
}

impl RunData {
    /// Its frames lie so many bytes further behind.
    pub(crate) fn move_by(&mut self, bytes: u64) {
        self.run.rec_at += bytes;
        self.frames
            .iter_mut()
            .for_each(|frame| frame.offset += bytes);
    }
}

/// A signed note on its way into a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackNote {
    /// The record before its size is of kind `key`.
    pub hinge: bool,
    /// The note.
    pub text: Vec<u8>,
}
