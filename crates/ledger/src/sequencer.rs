//! Orders events: pure, no disk, no clock, no threads.
//!
//! Takes prepared events and a time, gives each its place, time and link, grows the trees' edges, and lays out a batch
//! (`docs/spec/batch.md`). What it returns is a proposal: nothing of it is true before the batch is durable.

use crate::books::Log;
use crate::caller::{Prepared, Recorded};
use crate::format::batch::{BatchHeader, HEADER_BYTES, ROW_BYTES, Row, header_digest, rows_root};
use crate::format::frame::FrameBuilder;
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_LOGS_MAX, BATCH_RECORDS_MAX, SMALL_BUILDER_BYTES, SPARE_BUILDERS,
};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// Where a log ends, as far as it was ordered; ahead of what is durable by the batches in flight.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Entry of the last record; zeros for a new log.
    pub last_entry: Hash,
    /// Time of the last record.
    pub last_time: Option<Time>,
    /// The tree's right edge; its size is the next seq.
    pub frontier: Frontier,
}

impl Edge {
    /// The edge of a log without records.
    #[must_use]
    pub fn empty() -> Edge {
        Edge {
            last_entry: Hash::ZERO,
            last_time: None,
            frontier: Frontier::new(),
        }
    }
}

/// The part of a batch that belongs to one log.
pub struct Part {
    pub(crate) log: Arc<Log>,
    pub(crate) first: u64,
    pub(crate) entries: Vec<Hash>,
    pub(crate) edge: Edge,
    first_time: Option<Time>,
    frames: Vec<u8>,
    builder: FrameBuilder,
}

impl Part {
    /// Times of the first and last record.
    pub(crate) fn times(&self) -> (Time, Time) {
        let last = self.edge.last_time.expect("a part has at least one record");
        (self.first_time.unwrap_or(last), last)
    }
}

/// A batch while it is being filled.
#[derive(Default)]
pub struct Draft {
    parts: Vec<Part>,
    place_of: HashMap<usize, usize>,
    records: usize,
    bytes: usize,
    time: Option<Time>,
}

impl Draft {
    /// Nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Whether `records` more, weighing `bytes`, of at most `logs` logs still fit, and with them one record of the node's own. A group
    /// alone is taken whatever it weighs: it fits by its own bounds.
    #[must_use]
    pub fn has_room(&self, logs: usize, records: usize, bytes: usize) -> bool {
        self.records + records < BATCH_RECORDS_MAX
            && self.bytes + bytes + records * 32 <= BATCH_BYTES_MAX - (64 << 10)
            && self.parts.len() + logs < BATCH_LOGS_MAX
    }
}

/// A batch ready to be signed and written.
pub struct Batch {
    pub(crate) number: u64,
    pub(crate) header: [u8; HEADER_BYTES],
    /// Rows and notes.
    pub(crate) front: Vec<u8>,
    pub(crate) parts: Vec<Part>,
    pub(crate) payloads: Vec<Vec<u8>>,
    pub(crate) time: Time,
}

/// Owns the order. One for a node, behind one lock.
pub struct Sequencer {
    store: [u8; 16],
    writer: [u8; 16],
    epoch: u64,
    next: u64,
    prev: Hash,
    time: Time,
    edges: HashMap<usize, Edge>,
    spare: Vec<FrameBuilder>,
}

/// Where the sequencer continues.
pub struct Start {
    /// The store's id.
    pub store: [u8; 16],
    /// This run of the writer.
    pub writer: [u8; 16],
    /// Larger than any epoch in the store.
    pub epoch: u64,
    /// Number of the next batch.
    pub next: u64,
    /// Header digest of the batch before it.
    pub prev: Hash,
    /// Time of the batch before it.
    pub time: Time,
}

impl Sequencer {
    /// Continues a store.
    #[must_use]
    pub fn new(start: Start) -> Sequencer {
        let Start {
            store,
            writer,
            epoch,
            next,
            prev,
            time,
        } = start;
        Sequencer {
            store,
            writer,
            epoch,
            next,
            prev,
            time,
            edges: HashMap::new(),
            spare: Vec::new(),
        }
    }

    /// Tells where a log ends.
    pub fn know(&mut self, log: &Log, edge: Edge) {
        self.edges.insert(log.index(), edge);
    }

    /// Records of a log, those in flight included.
    pub(crate) fn size(&self, log: &Log) -> u64 {
        self.edges
            .get(&log.index())
            .map_or(0, |edge| edge.frontier.size())
    }

    /// Gives `prepared` the next place in `log` and adds it to `draft`.
    pub fn add(
        &mut self,
        draft: &mut Draft,
        log: &Arc<Log>,
        prepared: Prepared,
        now: Time,
    ) -> Recorded {
        let place = self.place(draft, log);
        let part = &mut draft.parts[place];
        let seq = part.edge.frontier.size();
        let time = match part.edge.last_time {
            Some(last) if last >= now => {
                last.plus_nanos(1).expect("time stays below the year 10000")
            }
            _ => now,
        };
        let Prepared {
            mut head,
            shared,
            own,
            state,
            salt,
            event,
            claim: _,
        } = prepared;
        let (known, shared_len) = (head.len(), shared.len());
        head::encode_end(seq, &time.text(), &part.edge.last_entry, &mut head);
        let entry = Hash(state.chain_update(&head[known..]).finalize().into());
        if !part.builder.takes(seq, event.len() + own.len()) {
            let first = seq - part.builder.records();
            part.builder.finish_raw(first, &mut part.frames);
        }
        part.builder
            .push(time, &head[shared], &head[own.clone()], &salt, &event);
        part.edge.frontier.push(hash::leaf(&entry));
        part.edge.last_entry = entry;
        part.edge.last_time = Some(time);
        part.first_time = part.first_time.or(Some(time));
        part.entries.push(entry);
        draft.records += 1;
        draft.bytes += event.len() + own.len() + shared_len + 80 + 32;
        draft.time = draft.time.max(Some(time));
        Recorded {
            seq,
            entry,
            head,
            salt,
            again: false,
        }
    }

    /// The seq that the next record of a log gets in this draft.
    pub(crate) fn next_seq(&self, draft: &Draft, log: &Log) -> u64 {
        let place = draft.place_of.get(&log.index());
        match place.and_then(|place| draft.parts.get(*place)) {
            Some(part) => part.edge.frontier.size(),
            None => self.size(log),
        }
    }

    /// The log's part of the draft, made at its first record.
    fn place(&mut self, draft: &mut Draft, log: &Arc<Log>) -> usize {
        if let Some(&place) = draft.place_of.get(&log.index()) {
            return place;
        }
        let edge = self
            .edges
            .get(&log.index())
            .cloned()
            .unwrap_or_else(Edge::empty);
        draft.parts.push(Part {
            log: Arc::clone(log),
            first: edge.frontier.size(),
            entries: Vec::new(),
            edge,
            first_time: None,
            frames: Vec::new(),
            builder: self.spare.pop().unwrap_or_default(),
        });
        draft.place_of.insert(log.index(), draft.parts.len() - 1);
        draft.parts.len() - 1
    }

    /// Keeps a builder's buffers for the next batch: a few of any size, and small ones for as many logs as a batch may have.
    fn keep(&mut self, builder: FrameBuilder) {
        let few = self.spare.len() < SPARE_BUILDERS;
        let small = builder.held_bytes() <= SMALL_BUILDER_BYTES;
        if few || (small && self.spare.len() < BATCH_LOGS_MAX) {
            self.spare.push(builder);
        }
    }

    /// Closes the draft: rows, notes, header. From here on this batch has its number.
    pub fn finish(&mut self, mut draft: Draft, notes: &[String], now: Time) -> Batch {
        let mut front = Vec::with_capacity(draft.parts.len() * ROW_BYTES + 512);
        let mut payloads = Vec::with_capacity(draft.parts.len());
        let mut rows = Vec::with_capacity(draft.parts.len());
        for part in &mut draft.parts {
            payloads.push(close_part(part));
            self.keep(std::mem::take(&mut part.builder));
            self.edges.insert(part.log.index(), part.edge.clone());
            let row = Row {
                log: part.log.id_or(part.entries[0]),
                first: part.first,
                count: u32::try_from(part.entries.len())
                    .expect("a batch holds at most 65,536 records"),
                root: part.edge.frontier.root(),
            };
            front.extend_from_slice(&row.encode());
            rows.push(row);
        }
        let rows_end = front.len();
        for note in notes {
            let length = u32::try_from(note.len()).expect("a note has at most 256 KiB");
            front.extend_from_slice(&length.to_be_bytes());
            front.extend_from_slice(note.as_bytes());
        }
        let time = self.time.max(now).max(draft.time.unwrap_or(now));
        let header = BatchHeader {
            mark: draft.parts.is_empty(),
            store: self.store,
            number: self.next,
            epoch: self.epoch,
            writer: self.writer,
            rows: u32::try_from(rows.len()).expect("a batch has at most 4,096 rows"),
            notes_len: u32::try_from(front.len() - rows_end).expect("notes fit a batch"),
            prev: self.prev,
            rows_root: rows_root(&rows),
            notes_sha: Hash(Sha256::digest(&front[rows_end..]).into()),
            time,
        }
        .encode();
        let digest = header_digest(&header);
        let number = self.next;
        (self.next, self.prev, self.time) = (number + 1, digest, time);
        Batch {
            number,
            header,
            front,
            parts: draft.parts,
            payloads,
            time,
        }
    }
}

/// Entries, then frames.
fn close_part(part: &mut Part) -> Vec<u8> {
    if part.builder.records() > 0 {
        let first = part.edge.frontier.size() - part.builder.records();
        part.builder.finish_raw(first, &mut part.frames);
    }
    let mut payload = Vec::with_capacity(part.entries.len() * 32 + part.frames.len());
    part.entries
        .iter()
        .for_each(|entry| payload.extend_from_slice(&entry.0));
    payload.append(&mut part.frames);
    payload
}
