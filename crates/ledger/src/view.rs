//! Reads records back: from a pack or from the tail, always checked against their entries.
//!
//! Promises that nothing leaves here whose hash is not the entry the tree holds. A record that is sealed while it is being read is
//! found again in its pack. Knows nothing of signatures.

mod blame;

use crate::books::{Books, Log, RunPlace, Segment};
use crate::caller::salt_text;
use crate::format::FormatError;
use crate::format::frame::{Content, FrameScratch, FrameView, Record};
use crate::format::pack::{FRAME_ROW_BYTES, FrameRow};
use crate::scan::{self, HeadBuilder};
use indelible_proof::hash::Hash;
use indelible_store::StoreError;
use std::ops::Range;

/// Bytes of frames read at once from a pack.
const CHUNK_BYTES: u64 = 1 << 20;
/// A record sealed while it is read is looked up again; twice can't happen to the same record, so this is ample.
const ATTEMPTS: usize = 4;

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such record (yet).
    #[error("no record {seq} in {log}: it has {size}")]
    NoSuchRecord {
        /// The log's name.
        log: String,
        /// The record asked for.
        seq: u64,
        /// Records the log has.
        size: u64,
    },
    /// Stored bytes are damaged; `verify` says more.
    #[error("damaged: {what}; {file} at {offset}, records {} to {} of {log}", seqs.start, seqs.end - 1)]
    Damaged {
        /// The log's name.
        log: String,
        /// Relative to the store directory.
        file: String,
        /// Bytes from the start of the file.
        offset: u64,
        /// The records that lie there.
        seqs: Range<u64>,
        /// What is wrong.
        what: String,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReadError {
    /// Record 0 holds no genesis that could be read.
    pub(crate) fn no_genesis(log: &Log) -> ReadError {
        let (log, what) = (log.name().to_owned(), "its genesis is not one".to_owned());
        ReadError::Damaged {
            log,
            file: String::new(),
            offset: 0,
            seqs: 0..1,
            what,
        }
    }
}

impl ReadError {
    /// A record that should name keys does not.
    pub(crate) fn no_keys(log: &Log, seq: u64) -> ReadError {
        ReadError::Damaged {
            log: log.name().to_owned(),
            file: String::new(),
            offset: 0,
            seqs: seq..seq + 1,
            what: "the record does not name the log's keys as it should".to_owned(),
        }
    }

    /// The stored entries and nodes don't lead from one signed tree to another.
    pub(crate) fn misled(log: &Log, seqs: Range<u64>) -> ReadError {
        ReadError::Damaged {
            log: log.name().to_owned(),
            file: "sealed".to_owned(),
            offset: 0,
            seqs,
            what: "the stored tree does not lead to the signed root".to_owned(),
        }
    }

    /// The stored entries and nodes don't lead from a record to the signed root.
    pub(crate) fn unproven(log: &Log, seq: u64) -> ReadError {
        ReadError::Damaged {
            log: log.name().to_owned(),
            file: "sealed".to_owned(),
            offset: 0,
            seqs: seq..seq + 1,
            what: "the stored tree does not lead from the record to the signed root".to_owned(),
        }
    }
}

/// One record as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Position in the log.
    pub seq: u64,
    /// The head's bytes; their SHA-256 is the entry.
    pub head: Vec<u8>,
    /// Salt and event, unless the content is gone.
    pub content: Option<([u8; 32], Vec<u8>)>,
}

impl Stored {
    fn new(record: &Record<'_>, seq: u64, head: &[u8]) -> Stored {
        let content = match record.content {
            Content::Present { salt, event } => Some((salt_text(salt), event.to_vec())),
            Content::Absent { .. } => None,
        };
        Stored {
            seq,
            head: head.to_vec(),
            content,
        }
    }
}

/// Gets a frame, its entries from the one before its first record on, and where it lies.
type TakeFrame<'a, E> = dyn FnMut(&FrameView<'_>, &[Hash], &Place<'_>) -> Result<(), E> + 'a;

/// Contiguous whole frames of one log, as bytes.
struct Chunk {
    bytes: Vec<u8>,
    /// One for each frame of a pack; one for all frames of a row in the tail.
    pieces: Vec<Piece>,
    file: String,
    offset: u64,
}

/// Frames, and the records they should hold.
struct Piece {
    seqs: Range<u64>,
    bytes: Range<usize>,
}

/// Where frames lie, for messages.
struct Place<'a> {
    file: &'a str,
    offset: u64,
    seqs: Range<u64>,
}

const OUT_OF_PLACE: FormatError = FormatError::Damaged {
    offset: 0,
    what: "a frame stands in another's place",
};

impl Books {
    /// One record.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn record(&self, log: &Log, seq: u64) -> Result<Stored, ReadError> {
        let mut found = None;
        self.records(log, seq..seq + 1, &mut |stored| {
            found = Some(stored);
            Ok::<(), ReadError>(())
        })?;
        found.ok_or(ReadError::NoSuchRecord {
            log: log.name().to_owned(),
            seq,
            size: log.size(),
        })
    }

    /// Every record of a range, in order.
    ///
    /// # Errors
    /// [`ReadError`], or what `take` gives.
    pub fn records<E: From<ReadError>>(
        &self,
        log: &Log,
        seqs: Range<u64>,
        take: &mut dyn FnMut(Stored) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut scratch = FrameScratch::default();
        let mut builder = HeadBuilder::new(log.head_start());
        let mut next = seqs.start;
        while next < seqs.end {
            // What was in the tail may lie in a pack now, in a frame that begins with records that were handed out already.
            let wanted = next..seqs.end;
            next = self.frames(log, next, seqs.end, &mut |frame, entries, place| {
                let columns = frame
                    .columns(&mut scratch)
                    .map_err(|error| place.damaged(log, &error))?;
                let mut result = Ok::<(), E>(());
                scan::records(
                    &mut builder,
                    frame.first_seq(),
                    &wanted,
                    &columns,
                    entries,
                    |record, seq, head, same| {
                        if result.is_ok() {
                            result = if same {
                                take(Stored::new(record, seq, head))
                            } else {
                                let at = usize::try_from(seq - frame.first_seq());
                                let at = at.expect("a frame has at most 256 records") + 1;
                                Err(self.blame(log, (seq, record, entries[at]), place).into())
                            };
                        }
                    },
                );
                result
            })?;
        }
        Ok(())
    }

    /// Reads some frames from `seq` on and gives each to `take` with the entries from the one before its first record on.
    /// Returns the seq after the last.
    fn frames<E: From<ReadError>>(
        &self,
        log: &Log,
        seq: u64,
        end: u64,
        take: &mut TakeFrame<'_, E>,
    ) -> Result<u64, E> {
        let chunk = self.chunk(log, seq, end)?;
        let seqs = chunk.seqs();
        let mut entries = self.entries(log, seqs.start.saturating_sub(1)..seqs.end)?;
        if seqs.start == 0 {
            entries.insert(0, Hash::ZERO);
        }
        for piece in &chunk.pieces {
            let mut rest = &chunk.bytes[piece.bytes.clone()];
            let mut at = chunk.place(piece);
            while !at.seqs.is_empty() {
                let (frame, after) =
                    FrameView::parse(rest).map_err(|error| at.damaged(log, &error))?;
                let next = at.seqs.start + frame.records();
                if frame.first_seq() != at.seqs.start || next > at.seqs.end {
                    return Err(at.damaged(log, &OUT_OF_PLACE).into());
                }
                if next > seq {
                    let from =
                        usize::try_from(at.seqs.start - seqs.start).expect("a chunk fits memory");
                    let to = usize::try_from(next - seqs.start).expect("a chunk fits memory");
                    take(&frame, &entries[from..=to], &at)?;
                }
                at.seqs.start = next;
                at.offset += u64::try_from(rest.len() - after.len()).expect("a chunk fits memory");
                rest = after;
            }
        }
        Ok(seqs.end)
    }

    /// Whole frames that begin with the one that holds `seq`.
    fn chunk(&self, log: &Log, seq: u64, end: u64) -> Result<Chunk, ReadError> {
        for _ in 0..ATTEMPTS {
            let (run, segment, size) = {
                let state = log.read();
                (
                    state.run_of(seq).cloned(),
                    state.segment_of(seq),
                    state.size,
                )
            };
            if let Some(run) = run {
                return self.sealed_chunk(log, &run, seq, end);
            }
            let Some(segment) = segment else {
                return Err(ReadError::NoSuchRecord {
                    log: log.name().to_owned(),
                    seq,
                    size,
                });
            };
            match self.tail_chunk(&segment) {
                Err(StoreError::Gone) => continue, // sealed and released meanwhile
                chunk => return Ok(chunk?),
            }
        }
        Err(StoreError::Gone.into())
    }

    fn tail_chunk(&self, segment: &Segment) -> Result<Chunk, StoreError> {
        let length = usize::try_from(segment.frames_len).expect("a batch fits memory");
        let bytes = self
            .store()
            .read_slot(segment.slot, segment.frames_at, length)?;
        let pieces = vec![Piece {
            seqs: segment.first..segment.first + segment.count,
            bytes: 0..bytes.len(),
        }];
        Ok(Chunk {
            bytes,
            pieces,
            file: format!("batch {}", segment.slot),
            offset: segment.frames_at,
        })
    }

    fn sealed_chunk(
        &self,
        log: &Log,
        run: &RunPlace,
        seq: u64,
        end: u64,
    ) -> Result<Chunk, ReadError> {
        let rows = self.frame_rows(log, run)?;
        let from = rows
            .partition_point(|row| row.first <= seq)
            .saturating_sub(1);
        let Some(first) = rows.get(from) else {
            return Err(run.damaged(log, "it has no frames"));
        };
        let mut to = from + 1;
        while rows
            .get(to)
            .is_some_and(|row| row.first < end && row.offset - first.offset < CHUNK_BYTES)
        {
            to += 1;
        }
        let (wanted, after) = (&rows[from..to], rows.get(to));
        let stop = after.map_or(run.rec_at + run.rec_len, |row| row.offset);
        if first.offset < run.rec_at || stop > run.rec_at + run.rec_len || first.offset >= stop {
            return Err(run.damaged(log, "a frame lies outside its run"));
        }
        let length = usize::try_from(stop - first.offset).expect("a chunk fits memory");
        let bytes = self
            .store()
            .read_at(&run.pack.rec, first.offset, length, false)?;
        let ends = wanted[1..].iter().map(|row| (row.first, row.offset));
        let ends = ends.chain([(after.map_or(run.end(), |row| row.first), stop)]);
        let place = |offset: u64| {
            let place = usize::try_from(offset - first.offset).expect("a chunk fits memory");
            place.min(bytes.len())
        };
        let pieces = wanted.iter().zip(ends).map(|(row, (next, end))| Piece {
            seqs: row.first..next,
            bytes: place(row.offset)..place(end),
        });
        Ok(Chunk {
            pieces: pieces.collect(),
            bytes,
            file: run.pack.rec.clone(),
            offset: first.offset,
        })
    }

    pub(crate) fn frame_rows(&self, log: &Log, run: &RunPlace) -> Result<Vec<FrameRow>, ReadError> {
        let length =
            usize::try_from(run.frames).expect("a run's frames fit memory") * FRAME_ROW_BYTES;
        let bytes = self
            .store()
            .read_at(&run.pack.ent, run.frames_at, length, false)?;
        let rows: Option<Vec<FrameRow>> = bytes
            .chunks_exact(FRAME_ROW_BYTES)
            .map(|row| FrameRow::decode(row).ok())
            .collect();
        let ascending = |rows: &Vec<FrameRow>| {
            rows.windows(2)
                .all(|pair| pair[0].first < pair[1].first && pair[0].offset < pair[1].offset)
        };
        rows.filter(ascending)
            .ok_or_else(|| run.damaged(log, "its table of frames is broken"))
    }

    /// Entries of a range.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn entries(&self, log: &Log, seqs: Range<u64>) -> Result<Vec<Hash>, ReadError> {
        let mut entries = Vec::with_capacity(
            usize::try_from(seqs.end.saturating_sub(seqs.start))
                .unwrap_or(0)
                .min(1 << 20),
        );
        let mut next = seqs.start;
        while next < seqs.end {
            let run = {
                let state = log.read();
                if next >= state.size {
                    return Err(ReadError::NoSuchRecord {
                        log: log.name().to_owned(),
                        seq: next,
                        size: state.size,
                    });
                }
                if state.run_of(next).is_none() {
                    let upto = seqs.end.min(state.size);
                    entries.extend((next..upto).map_while(|seq| state.unsealed.get(seq)));
                    next = upto;
                    continue;
                }
                state.run_of(next).cloned()
            };
            let Some(run) = run else { continue };
            let upto = seqs.end.min(run.end());
            let length = usize::try_from((upto - next) * 32).expect("a run's entries fit memory");
            let bytes = self.store().read_at(
                &run.pack.ent,
                run.entries_at + (next - run.first) * 32,
                length,
                false,
            )?;
            if bytes.len() < length {
                return Err(run.damaged(log, "its entries end too early"));
            }
            entries.extend(hashes(&bytes));
            next = upto;
        }
        Ok(entries)
    }
}

/// Reads 32-byte hashes off a byte string.
pub(crate) fn hashes(bytes: &[u8]) -> impl Iterator<Item = Hash> + '_ {
    bytes.chunks_exact(32).map(|chunk| {
        let mut hash = Hash::ZERO;
        hash.0.copy_from_slice(chunk);
        hash
    })
}

impl RunPlace {
    pub(crate) fn damaged(&self, log: &Log, what: &str) -> ReadError {
        let (file, offset) = (self.pack.ent.clone(), self.frames_at);
        ReadError::Damaged {
            log: log.name().to_owned(),
            file,
            offset,
            seqs: self.first..self.end(),
            what: what.to_owned(),
        }
    }
}

impl Chunk {
    fn seqs(&self) -> Range<u64> {
        let first = self.pieces.first().map_or(0, |piece| piece.seqs.start);
        first..self.pieces.last().map_or(first, |piece| piece.seqs.end)
    }

    fn place(&self, piece: &Piece) -> Place<'_> {
        Place {
            file: &self.file,
            offset: self.offset + u64::try_from(piece.bytes.start).expect("a chunk fits memory"),
            seqs: piece.seqs.clone(),
        }
    }
}

impl Place<'_> {
    fn damaged(&self, log: &Log, error: &FormatError) -> ReadError {
        self.error(log, self.seqs.clone(), error.to_string())
    }

    fn altered(&self, log: &Log, seq: u64) -> ReadError {
        self.error(
            log,
            seq..seq + 1,
            "the record does not give its entry".to_owned(),
        )
    }

    fn error(&self, log: &Log, seqs: Range<u64>, what: String) -> ReadError {
        ReadError::Damaged {
            log: log.name().to_owned(),
            file: self.file.to_owned(),
            offset: self.offset,
            seqs,
            what,
        }
    }
}
