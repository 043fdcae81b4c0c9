//! One log's records on their way into a pack: frames joined and compressed, the tree grown, notes thinned.

use crate::format::FormatError;
use crate::format::frame::{Content, FrameBuilder, FrameScratch, FrameView};
use crate::format::pack::{FrameRow, PackNote, Run, RunData};
use crate::limits::{BLOCK_RECORDS, NOTE_EVERY_SECONDS};
use indelible_proof::hash::{self, Hash};
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;

/// A raw frame at least this long is compressed as it is instead of being joined with its neighbours.
const COPY_FRAME_BYTES: usize = 128 << 10;

/// One log's records on their way into a pack.
pub(super) struct RunBuilder {
    pub(super) origin: String,
    pub(super) log: Hash,
    pub(super) first: u64,
    prev_entry: Hash,
    frontier_first: Frontier,
    pub(super) frontier: Frontier,
    entries: Vec<Hash>,
    nodes: Vec<Hash>,
    block: Option<Frontier>,
    pub(super) commit_sizes: Vec<u64>,
    frames: Vec<FrameRow>,
    bytes: Vec<u8>,
    pending: FrameBuilder,
    pending_time: Option<Time>,
    times: Option<(Time, Time)>,
    pub(super) notes: Vec<(u64, PackNote)>,
    noted_at: Option<u64>,
}

impl RunBuilder {
    pub(super) fn new(
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
            frontier,
            entries: Vec::new(),
            nodes: Vec::new(),
            block: None,
            commit_sizes: Vec::new(),
            frames: Vec::new(),
            bytes: Vec::new(),
            pending: FrameBuilder::default(),
            pending_time: None,
            times: None,
            notes: Vec::new(),
            noted_at: None,
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.frontier.size()
    }

    /// One more entry; grows the tree and, over aligned blocks, the stored nodes.
    pub(super) fn add_entry(&mut self, entry: Hash) {
        let seq = self.end();
        let leaf = hash::leaf(&entry);
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
        self.entries.push(entry);
    }

    pub(super) fn add_frame(
        &mut self,
        frame: &FrameView<'_>,
        scratch: &mut FrameScratch,
        zstd: &mut Zstd,
    ) -> Result<(), FormatError> {
        let columns = frame.columns(scratch)?;
        let whole = self.pending.records() == 0
            && (frame.records() == BLOCK_RECORDS || frame.raw_len() >= COPY_FRAME_BYTES);
        let (mut first_time, mut last_time) = (None, None);
        for (record, seq) in columns.records().zip(frame.first_seq()..) {
            first_time = first_time.or(Some(record.time));
            last_time = Some(record.time);
            if whole {
                continue;
            }
            let weight = match record.content {
                Content::Present { event, .. } => event.len() + record.own.len(),
                Content::Absent { .. } => 32,
            };
            if !self.pending.takes(seq, weight) {
                self.flush(seq, zstd);
            }
            self.pending_time = self.pending_time.or(Some(record.time));
            match record.content {
                Content::Present { salt, event } => {
                    self.pending
                        .push(record.time, record.shared, record.own, salt, event)
                }
                Content::Absent { digest } => {
                    self.pending
                        .push_absent(record.time, record.shared, record.own, &digest)
                }
            }
        }
        let times = first_time.zip(last_time);
        if let Some((first, last)) = times {
            self.times = Some((self.times.map_or(first, |(first, _)| first), last));
            if whole {
                self.place_frame(frame.first_seq(), frame.records(), first, |out| {
                    frame.recompress(&mut zstd.0, out)
                });
            }
        }
        Ok(())
    }

    /// Closes the pending frame; `next` is the seq after it.
    fn flush(&mut self, next: u64, zstd: &mut Zstd) {
        let count = self.pending.records();
        if let Some(time) = self.pending_time.take().filter(|_| count > 0) {
            let mut pending = std::mem::take(&mut self.pending);
            self.place_frame(next - count, count, time, |out| {
                pending.finish_zstd(next - count, &mut zstd.0, out)
            });
            self.pending = pending;
        }
    }

    fn place_frame(
        &mut self,
        first: u64,
        count: u64,
        time: Time,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let offset = self.bytes.len();
        write(&mut self.bytes);
        self.frames.push(FrameRow {
            offset: u64::try_from(offset).expect("a pack fits memory"),
            length: u32::try_from(self.bytes.len() - offset).expect("a frame is below 4 GiB"),
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
    pub(super) fn next(&self) -> RunBuilder {
        let prev = *self.entries.last().expect("a run has records");
        RunBuilder::new(self.origin.clone(), self.log, prev, self.frontier.clone())
    }

    pub(super) fn finish(mut self, zstd: &mut Zstd) -> (RunData, Vec<u8>) {
        self.flush(self.end(), zstd);
        let count = self.end() - self.first;
        let (first_time, last_time) = self.times.expect("a run has records");
        let mut bits = vec![0_u8; self.entries.len().div_ceil(8)];
        for size in &self.commit_sizes {
            let place =
                usize::try_from(size - 1 - self.first).expect("a run has at most 65,536 records");
            bits[place / 8] |= 1 << (place % 8);
        }
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
            rec_len: u64::try_from(self.bytes.len()).expect("a pack fits memory"),
            notes: u32::try_from(self.notes.len()).expect("a run has few notes"),
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
            },
            self.bytes,
        )
    }
}

/// The compressor, kept across frames.
pub(super) struct Zstd(pub(super) zstd::bulk::Compressor<'static>);
