//! Orders events: pure, no disk, no clock, no threads.
//!
//! Takes prepared events and a time, gives each its place, time and link, grows the trees' edges, and lays out a batch
//! (`docs/spec/batch.md`). What it returns is a proposal: nothing of it is true before the batch is durable.

use crate::books::Log;
use crate::caller::{Prepared, Recorded};
use crate::format::batch::{BatchHeader, HEADER_BYTES, ROW_BYTES, Row, header_digest, rows_root};
use crate::format::frame::{Content, FrameBuilder, Record, put_raw};
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_LOGS_MAX, BATCH_NOTES_MAX, BATCH_RECORDS_MAX, NOTE_BYTES_MAX,
    SMALL_BUILDER_BYTES, SMALL_BUILDERS, SPARE_BUFFER_BYTES_MAX, SPARE_BUFFERS, SPARE_BUILDERS,
};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;
use sha2::{Digest as _, Sha256};
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

/// The part of a finished batch that belongs to one log.
pub struct Part {
    pub(crate) log: Arc<Log>,
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Where its entries begin in the body; its frames follow them.
    pub(crate) at: usize,
    /// Bytes of its frames.
    pub(crate) frames_len: usize,
    /// The tree behind its last record.
    pub(crate) frontier: Frontier,
    /// Times of the first and last record.
    pub(crate) times: (Time, Time),
}

/// What one log adds to a batch while it is filled. Of the thousands of quiet logs that a batch may hold each adds one record, so a
/// first record lies in a buffer that all share, and only a second one fetches a builder.
struct Filling {
    log: Arc<Log>,
    first: u64,
    first_time: Time,
    first_entry: Hash,
    /// Entries after the first.
    more: Vec<Hash>,
    pending: Pending,
}

/// Records of one log that are not a frame yet.
enum Pending {
    /// One, in [`Draft::staged`].
    One(Staged),
    /// Several, and the frames that were full before them.
    Many {
        frames: Vec<u8>,
        builder: Box<FrameBuilder>,
    },
}

/// Where a record lies in [`Draft::staged`]: shared fields, own fields and event one after the other.
#[derive(Clone, Copy)]
struct Staged {
    at: usize,
    shared_len: usize,
    own_len: usize,
    event_len: usize,
    salt: [u8; 16],
}

impl Staged {
    /// Puts a record that has its event at the end of `buffer`.
    fn put(buffer: &mut Vec<u8>, record: &Record<'_>) -> Staged {
        let at = buffer.len();
        let Content::Present { salt, event } = record.content else {
            unreachable!("what is ordered has its event")
        };
        buffer.extend_from_slice(record.shared);
        buffer.extend_from_slice(record.own);
        buffer.extend_from_slice(event);
        Staged {
            at,
            shared_len: record.shared.len(),
            own_len: record.own.len(),
            event_len: event.len(),
            salt: *salt,
        }
    }

    /// The record, for a frame.
    fn record<'a>(&'a self, buffer: &'a [u8], time: Time) -> Record<'a> {
        let (shared, rest) = buffer[self.at..].split_at(self.shared_len);
        let (own, rest) = rest.split_at(self.own_len);
        Record {
            time,
            shared,
            own,
            content: Content::Present {
                salt: &self.salt,
                event: &rest[..self.event_len],
            },
        }
    }
}

/// A batch while it is being filled. Its records are in the sequencer's edges already: a draft that is begun is finished, or nothing
/// more is ordered.
#[derive(Default)]
pub struct Draft {
    parts: Vec<Filling>,
    staged: Vec<u8>,
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

    fn count(&mut self, record: &Record<'_>, shared_len: usize) {
        self.records += 1;
        self.bytes += record.weight() + shared_len + 80 + 32;
        self.time = self.time.max(Some(record.time));
    }

    /// A log's first record in this batch.
    fn begin(
        &mut self,
        log: &Arc<Log>,
        seq: u64,
        entry: Hash,
        record: &Record<'_>,
        spare: &mut Spare,
    ) {
        spare.lend(&mut self.staged);
        self.parts.push(Filling {
            log: Arc::clone(log),
            first: seq,
            first_time: record.time,
            first_entry: entry,
            more: Vec::new(),
            pending: Pending::One(Staged::put(&mut self.staged, record)),
        });
    }

    /// One more of a log that has a part already.
    fn go_on(
        &mut self,
        place: usize,
        seq: u64,
        entry: Hash,
        record: &Record<'_>,
        spare: &mut Spare,
    ) {
        let part = &mut self.parts[place];
        part.more.push(entry);
        let first_time = part.first_time;
        part.pending
            .push(&self.staged, first_time, seq, record, spare);
    }

    /// Whether `records` more, weighing `bytes`, of at most `logs` logs still fit, and with them one record of the node's own. A group
    /// alone is taken whatever it weighs: it fits by its own bounds.
    #[must_use]
    pub fn has_room(&self, logs: usize, records: usize, bytes: usize) -> bool {
        self.records + records < BATCH_RECORDS_MAX
            && self.bytes + bytes + records * 32 <= BATCH_BYTES_MAX - (64 << 10)
            && self.parts.len() + logs < BATCH_LOGS_MAX
    }

    /// Bytes of the batch at most that this draft becomes with as much more: with its notes, and with a record of the node's own.
    #[must_use]
    pub(crate) fn bytes_max(&self, logs: usize, records: usize, bytes: usize) -> usize {
        let parts = (self.parts.len() + logs + 1) * (ROW_BYTES + PART_BYTES);
        let notes = BATCH_NOTES_MAX * NOTE_BYTES_MAX;
        // Entries, and what a record's fields take in their columns beside what it weighs.
        let records = self.bytes + bytes + records * (32 + 80);
        HEADER_BYTES + 64 + parts + notes + records + NODE_RECORD_BYTES
    }
}

/// A batch ready to be signed and written.
pub struct Batch {
    pub(crate) number: u64,
    pub(crate) header: [u8; HEADER_BYTES],
    /// Rows and notes.
    pub(crate) front: Vec<u8>,
    pub(crate) parts: Vec<Part>,
    /// Each part's entries and frames.
    pub(crate) body: Vec<u8>,
    pub(crate) time: Time,
}

impl Batch {
    /// Bytes of the batch with its signature.
    pub(crate) fn length(&self) -> usize {
        self.header.len() + 64 + self.front.len() + self.body.len()
    }
}

/// A record that the node adds to somebody else's batch: an alarm of its clock, a conflict of keys.
const NODE_RECORD_BYTES: usize = 2 << 10;

/// Of a part, beside what a record weighs: the frame's header and the lengths of its columns.
const PART_BYTES: usize = 64;

/// Owns the order. One for a node, behind one lock.
pub struct Sequencer {
    store: [u8; 16],
    writer: [u8; 16],
    epoch: u64,
    next: u64,
    prev: Hash,
    time: Time,
    /// By the log's index.
    edges: Vec<Ordered>,
    spare: Spare,
}

/// Buffers kept from batch to batch. New ones for each would be large, and what allocates memory never gives all of it back.
#[derive(Default)]
struct Spare {
    builders: Vec<FrameBuilder>,
    bytes: Vec<Vec<u8>>,
}

impl Spare {
    fn keep(&mut self, builder: FrameBuilder) {
        let few = self.builders.len() < SPARE_BUILDERS;
        let small = builder.held_bytes() <= SMALL_BUILDER_BYTES;
        if few || (small && self.builders.len() < SMALL_BUILDERS) {
            self.builders.push(builder);
        }
    }

    fn keep_bytes(&mut self, mut bytes: Vec<u8>) {
        let fits = (1..=SPARE_BUFFER_BYTES_MAX).contains(&bytes.capacity());
        if fits && self.bytes.len() < SPARE_BUFFERS {
            bytes.clear();
            self.bytes.push(bytes);
        }
    }

    /// An empty buffer, in place of one that holds nothing yet.
    fn lend(&mut self, buffer: &mut Vec<u8>) {
        if buffer.capacity() == 0 {
            *buffer = self.bytes.pop().unwrap_or_default();
        }
    }
}

/// Where a log ends, with what is in the draft.
struct Ordered {
    edge: Edge,
    /// The newest batch that has a part of it, and which.
    part: Option<(u64, usize)>,
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
            edges: Vec::new(),
            spare: Spare::default(),
        }
    }

    /// Tells where a log ends.
    pub fn know(&mut self, log: &Log, edge: Edge) {
        *self.ordered(log) = Ordered { edge, part: None };
    }

    fn ordered(&mut self, log: &Log) -> &mut Ordered {
        let index = log.index();
        if self.edges.len() <= index {
            self.edges.resize_with(index + 1, || Ordered {
                edge: Edge::empty(),
                part: None,
            });
        }
        &mut self.edges[index]
    }

    /// Records of a log, those on their way to the disk and those of the draft included: the seq that its next record gets.
    pub(crate) fn size(&self, log: &Log) -> u64 {
        self.edges
            .get(log.index())
            .map_or(0, |ordered| ordered.edge.frontier.size())
    }

    /// Gives `prepared` the next place in `log` and adds it to `draft`.
    pub fn add(
        &mut self,
        draft: &mut Draft,
        log: &Arc<Log>,
        prepared: Prepared,
        now: Time,
    ) -> Recorded {
        let number = self.next;
        let ordered = self.ordered(log);
        let edge = &mut ordered.edge;
        let seq = edge.frontier.size();
        let time = match edge.last_time {
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
        head::encode_end(seq, &time.text(), &edge.last_entry, &mut head);
        let entry = Hash(state.chain_update(&head[known..]).finalize().into());
        edge.frontier.push(hash::leaf(&entry));
        edge.last_entry = entry;
        edge.last_time = Some(time);
        let record = Record {
            time,
            shared: &head[shared],
            own: &head[own],
            content: Content::Present {
                salt: &salt,
                event: &event,
            },
        };
        let place = ordered.part.filter(|part| part.0 == number);
        ordered.part = place.or(Some((number, draft.parts.len())));
        draft.count(&record, shared_len);
        match place {
            None => draft.begin(log, seq, entry, &record, &mut self.spare),
            Some((_, place)) => draft.go_on(place, seq, entry, &record, &mut self.spare),
        }
        Recorded {
            seq,
            entry,
            head,
            salt,
            again: false,
        }
    }

    /// Keeps the body of a batch that was written.
    pub(crate) fn keep(&mut self, body: Vec<u8>) {
        self.spare.keep_bytes(body);
    }

    /// Closes the draft: rows, notes, header. From here on this batch has its number.
    pub fn finish(&mut self, draft: Draft, notes: &[String], now: Time) -> Batch {
        let count = draft.parts.len();
        let mut front = Vec::with_capacity(count * ROW_BYTES + 512);
        let mut body = Vec::new();
        self.spare.lend(&mut body);
        body.reserve(draft.bytes + count * PART_BYTES);
        let (mut parts, mut rows) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for filling in draft.parts {
            let part = self.close_part(filling, &draft.staged, &mut body);
            let row = Row {
                log: part.log.id(),
                first: part.first,
                count: u32::try_from(part.count).expect("a batch holds at most 65,536 records"),
                root: part.frontier.root(),
            };
            front.extend_from_slice(&row.encode());
            rows.push(row);
            parts.push(part);
        }
        self.spare.keep_bytes(draft.staged);
        let rows_end = front.len();
        for note in notes {
            let length = u32::try_from(note.len()).expect("a note has at most 256 KiB");
            front.extend_from_slice(&length.to_be_bytes());
            front.extend_from_slice(note.as_bytes());
        }
        let time = self.time.max(now).max(draft.time.unwrap_or(now));
        let header = BatchHeader {
            mark: parts.is_empty(),
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
            parts,
            body,
            time,
        }
    }

    /// Puts a part's entries, then its frames into the batch's body.
    fn close_part(&mut self, filling: Filling, staged: &[u8], body: &mut Vec<u8>) -> Part {
        let Filling {
            log,
            first,
            first_time,
            first_entry,
            more,
            pending,
        } = filling;
        let at = body.len();
        log.id_or(first_entry);
        body.extend_from_slice(&first_entry.0);
        more.iter()
            .for_each(|entry| body.extend_from_slice(&entry.0));
        let frames_at = body.len();
        match pending {
            Pending::One(one) => put_raw(first, &one.record(staged, first_time), body),
            Pending::Many {
                frames,
                mut builder,
            } => {
                body.extend_from_slice(&frames);
                let end = self.size(&log);
                builder.finish_raw(end - builder.records(), body);
                self.spare.keep(*builder);
                self.spare.keep_bytes(frames);
            }
        }
        let edge = &self.ordered(&log).edge;
        let last_time = edge.last_time.expect("a part has at least one record");
        Part {
            first,
            count: edge.frontier.size() - first,
            at,
            frames_len: body.len() - frames_at,
            frontier: edge.frontier.clone(),
            times: (first_time, last_time),
            log,
        }
    }
}

impl Pending {
    /// One more record of a part whose first one had this time.
    fn push(
        &mut self,
        staged: &[u8],
        first_time: Time,
        seq: u64,
        record: &Record<'_>,
        spare: &mut Spare,
    ) {
        if let Pending::One(one) = self {
            let mut builder = Box::new(spare.builders.pop().unwrap_or_default());
            builder.add(&one.record(staged, first_time));
            let frames = Vec::new();
            *self = Pending::Many { frames, builder };
        }
        let Pending::Many { frames, builder } = self else {
            return;
        };
        if !builder.takes(seq, record.weight()) {
            spare.lend(frames);
            builder.finish_raw(seq - builder.records(), frames);
        }
        builder.add(record);
    }
}

#[cfg(test)]
mod tests;
