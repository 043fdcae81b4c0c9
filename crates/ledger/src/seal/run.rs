//! One log's records on their way into a pack: frames joined and compressed, the tree grown, notes thinned.

use crate::format::FormatError;
use crate::format::frame::{FrameBuilder, FrameScratch, FrameView, Record};
use crate::format::pack::{FrameRow, PackNote, Run, RunData};
use crate::limits::{BLOCK_RECORDS, NOTE_EVERY_SECONDS, SEAL_PIECE_BYTES, SEAL_WAITING_BYTES};
use crate::resend::collect::{Collector, GAP};
use indelible_proof::hash::{self, Hash};
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;

/// A raw frame at least this long is compressed as it is instead of being joined with its neighbours.
const COPY_FRAME_BYTES: usize = 128 << 10;
/// Room for records is made at once for at most so many: a log that brings more fills its lists in few steps.
const EXPECTED_RECORDS_MAX: usize = 256;

/// One log's records on their way into a pack. Of quiet logs there are thousands in a pack, and each of their batches brings one
/// record: they wait as they are, and are gone over together, so that what goes over them is warm.
pub(crate) struct RunBuilder {
    pub(super) origin: String,
    pub(super) log: Hash,
    pub(crate) first: u64,
    prev_entry: Hash,
    frontier_first: Frontier,
    entries: Vec<Hash>,
    /// The tree over the first so many entries.
    frontier: Frontier,
    nodes: Vec<Hash>,
    block: Option<Frontier>,
    pub(crate) commit_sizes: Vec<u64>,
    /// Frames that were not gone over yet.
    waiting: Vec<u8>,
    frames: Vec<FrameRow>,
    /// The frames, one after the other, in pieces.
    pieces: Vec<Vec<u8>>,
    /// Bytes of all frames.
    length: u64,
    pending: Option<Box<FrameBuilder>>,
    pending_time: Option<Time>,
    times: Option<(Time, Time)>,
    pub(crate) notes: Vec<(u64, PackNote)>,
    noted_at: Option<u64>,
    claims: Collector,
}

/// What a log brought into a pack: its commits, and the bytes that wait. Next time it will be about as much, and a list that has room
/// from the beginning is not moved each time it grows: of thousands of quiet logs that was an eighth of all sealing.
#[derive(Clone, Copy, Default)]
pub(super) struct Brought {
    records: usize,
    waiting: usize,
}

/// A frame that can't go into a pack.
pub(crate) struct BadFrame {
    /// Seq of its first record.
    pub(crate) seq: u64,
    pub(crate) error: FormatError,
}

impl RunBuilder {
    pub(crate) fn new(
        origin: String,
        log: Hash,
        prev_entry: Hash,
        frontier: Frontier,
    ) -> RunBuilder {
        RunBuilder {
            origin,
            log,
            first: frontier.size(),
            prev_entry,
            frontier_first: frontier.clone(),
            entries: Vec::new(),
            frontier,
            nodes: Vec::new(),
            block: None,
            commit_sizes: Vec::new(),
            waiting: Vec::new(),
            frames: Vec::new(),
            pieces: Vec::new(),
            length: 0,
            pending: None,
            pending_time: None,
            times: None,
            notes: Vec::new(),
            noted_at: None,
            claims: Collector::new(log),
        }
    }

    /// Makes room for as much as the log brought last time, and a little more.
    pub(super) fn expect(&mut self, brought: Brought) {
        let with_slack = |count: usize| count + count / 8;
        self.entries.reserve(with_slack(brought.records));
        self.commit_sizes.reserve(with_slack(brought.records));
        self.waiting.reserve(with_slack(brought.waiting));
    }

    /// What the log brought so far, as far as it is worth having room for at once.
    pub(super) fn brought(&self) -> Brought {
        Brought {
            records: self.commit_sizes.len().min(EXPECTED_RECORDS_MAX),
            waiting: self.waiting.len(),
        }
    }

    pub(crate) fn end(&self) -> u64 {
        self.first + u64::try_from(self.entries.len()).expect("a run has at most 65,536 records")
    }

    /// The next frame, and the entries of its records.
    pub(super) fn add_frame(
        &mut self,
        frame: &FrameView<'_>,
        entries: impl Iterator<Item = Hash>,
        press: &mut Press,
    ) -> Result<(), BadFrame> {
        self.entries.extend(entries);
        let fits = self.waiting.len() + frame.bytes().len() <= SEAL_WAITING_BYTES;
        if fits && frame.records() < BLOCK_RECORDS {
            self.waiting.extend_from_slice(frame.bytes());
            return Ok(());
        }
        self.settle(press)?;
        self.go_over(frame, press)
    }

    /// Goes over what waits: nothing of it is found bad later.
    pub(crate) fn settle(&mut self, press: &mut Press) -> Result<(), BadFrame> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (frame, after) = FrameView::walk(rest).expect("whole frames were put there");
            self.go_over(&frame, press)?;
            rest = after;
        }
        waiting.clear();
        self.waiting = waiting;
        Ok(())
    }

    /// Grows the tree and, over aligned blocks, the stored nodes.
    fn grow(&mut self) {
        let known = self.frontier.size() - self.first;
        let known = usize::try_from(known).expect("a run has at most 65,536 records");
        for (entry, seq) in self.entries[known..].iter().zip(self.frontier.size()..) {
            let leaf = hash::leaf(entry);
            if seq.is_multiple_of(BLOCK_RECORDS) {
                self.block = Some(Frontier::new());
            }
            if let Some(block) = &mut self.block {
                block.push(leaf);
                if block.size() == BLOCK_RECORDS {
                    self.nodes.push(block.root());
                }
            }
            self.frontier.push(leaf);
        }
    }

    /// The root behind the run's last record.
    pub(super) fn root(&mut self) -> Hash {
        self.grow();
        self.frontier.root()
    }

    /// Takes a frame's records into the run's own frames.
    fn go_over(&mut self, frame: &FrameView<'_>, press: &mut Press) -> Result<(), BadFrame> {
        let seq = frame.first_seq();
        let bad = |error| BadFrame { seq, error };
        let mut scratch = std::mem::take(&mut press.scratch);
        let columns = frame.columns(&mut scratch).map_err(bad)?;
        let whole = self.pending.is_none()
            && (frame.records() == BLOCK_RECORDS || frame.raw_len() >= COPY_FRAME_BYTES);
        let (mut first_time, mut last_time) = (None, None);
        for (record, seq) in columns.records().zip(seq..) {
            first_time = first_time.or(Some(record.time));
            last_time = Some(record.time);
            let place = u16::try_from(seq - self.first).expect("a run has at most 65,536 records");
            self.claims.add(place, record.shared, record.own);
            if !whole {
                self.add_record(&record, seq, press);
            }
        }
        if self.claims.gap().is_some() {
            return Err(bad(FormatError::Damaged {
                offset: 0,
                what: GAP,
            }));
        }
        let times = first_time.zip(last_time);
        if let Some((first, last)) = times {
            self.times = Some((self.times.map_or(first, |(first, _)| first), last));
            if whole {
                self.place_frame(seq, frame.records(), first, |out| {
                    frame.recompress(&mut press.zstd, out)
                });
            }
        }
        drop(columns);
        press.scratch = scratch;
        Ok(())
    }

    fn add_record(&mut self, record: &Record<'_>, seq: u64, press: &mut Press) {
        let pending = self.pending.as_deref();
        if pending.is_some_and(|pending| !pending.takes(seq, record.weight())) {
            self.flush(seq, press);
        }
        self.pending_time = self.pending_time.or(Some(record.time));
        let builder = || press.spare.take().unwrap_or_default();
        self.pending.get_or_insert_with(builder).add(record);
    }

    /// Closes the pending frame; `next` is the seq after it.
    fn flush(&mut self, next: u64, press: &mut Press) {
        let Some((mut pending, time)) = self.pending.take().zip(self.pending_time.take()) else {
            return;
        };
        let count = pending.records();
        self.place_frame(next - count, count, time, |out| {
            pending.finish_zstd(next - count, &mut press.zstd, out)
        });
        press.spare = Some(pending);
    }

    fn place_frame(
        &mut self,
        first: u64,
        count: u64,
        time: Time,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let piece = match self.pieces.last_mut() {
            Some(piece) if piece.len() < SEAL_PIECE_BYTES => piece,
            _ => {
                self.pieces.push(Vec::new());
                self.pieces.last_mut().expect("one was pushed")
            }
        };
        let before = piece.len();
        write(piece);
        let length = u32::try_from(piece.len() - before).expect("a frame is below 4 GiB");
        let offset = self.length;
        self.length += u64::from(length);
        self.frames.push(FrameRow {
            offset,
            length,
            count: u32::try_from(count).expect("a frame has at most 256 records"),
            first,
            time,
        });
    }

    /// Keeps a note of a size within this run: every hinge, of others at most one a minute.
    pub(super) fn add_note(&mut self, size: u64, note: PackNote, seconds: u64) {
        if size <= self.first || self.notes.last().is_some_and(|(last, _)| *last >= size) {
            return;
        }
        let soon = self
            .noted_at
            .is_some_and(|at| seconds < at + NOTE_EVERY_SECONDS);
        if soon && !note.hinge {
            return;
        }
        self.noted_at = Some(seconds);
        self.notes.push((size, note));
    }

    /// The run that continues this one in the same pack.
    pub(super) fn next(&mut self) -> RunBuilder {
        self.grow();
        let prev = *self.entries.last().expect("a run has records");
        RunBuilder::new(self.origin.clone(), self.log, prev, self.frontier.clone())
    }

    /// Everything must be settled.
    pub(super) fn finish(mut self, press: &mut Press) -> (RunData, Vec<Vec<u8>>) {
        assert!(
            self.waiting.is_empty(),
            "a run is settled before it is closed"
        );
        self.grow();
        self.flush(self.end(), press);
        let count = self.end() - self.first;
        let (first_time, last_time) = self.times.expect("a run has records");
        let mut bits = vec![0_u8; self.entries.len().div_ceil(8)];
        for size in &self.commit_sizes {
            let place =
                usize::try_from(size - 1 - self.first).expect("a run has at most 65,536 records");
            bits[place / 8] |= 1 << (place % 8);
        }
        let claims = self.claims.finish();
        let (keys, streams_len, places) = claims.lengths();
        let run = Run {
            origin: self.origin,
            log: self.log,
            first: self.first,
            count: u32::try_from(count).expect("a run has at most 65,536 records"),
            first_time,
            last_time,
            prev_entry: self.prev_entry,
            frontier_first: self.frontier_first,
            last_entry: *self.entries.last().expect("a run has records"),
            root: self.frontier.root(),
            frontier_after: self.frontier,
            frames: u32::try_from(self.frames.len()).expect("a run has at most 65,536 frames"),
            rec_at: 0,
            rec_len: self.length,
            notes: u32::try_from(self.notes.len()).expect("a run has few notes"),
            keys,
            streams_len,
            places,
        };
        let notes = self.notes.into_iter().map(|(_, note)| note).collect();
        (
            RunData {
                run,
                entries: self.entries,
                nodes: self.nodes,
                commit_bits: bits,
                frames: self.frames,
                notes,
                claims,
            },
            self.pieces,
        )
    }
}

/// zstd's level: higher ones gained nothing on audit events.
const ZSTD_LEVEL: i32 = 1;

/// What is kept from frame to frame and from run to run.
pub(crate) struct Press {
    zstd: zstd::bulk::Compressor<'static>,
    scratch: FrameScratch,
    spare: Option<Box<FrameBuilder>>,
}

impl Press {
    pub(crate) fn new() -> Press {
        Press {
            zstd: zstd::bulk::Compressor::new(ZSTD_LEVEL).expect("zstd takes level 1"),
            scratch: FrameScratch::default(),
            spare: None,
        }
    }
}
