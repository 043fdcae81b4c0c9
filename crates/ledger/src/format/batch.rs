//! Batches: header, rows, notes, and where each record's frame lies.
//!
//! See `docs/spec/batch.md`. Checks everything that one batch says of itself: sections, counts, the root over the rows, the digest of
//! the notes. What continues the batch before, whether the signature is right and the entries give a row's root, the reader judges.

use super::cursor::{Cursor, Layout};
use super::frame::FrameView;
use super::limits::SEQ_END;
use super::{FormatError, VERSION};
use crate::limits::{BATCH_LOGS_MAX, BATCH_RECORDS_MAX};
use indelible_proof::hash::{self, Hash};
use indelible_proof::limits::NOTE_BYTES_MAX;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;

/// A header.
pub const HEADER_BYTES: usize = 184;
/// An Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// A row.
pub const ROW_BYTES: usize = 88;
/// An entry.
pub const ENTRY_BYTES: usize = 32;

const MAGIC: &[u8; 8] = b"INDLBTCH";
const LABEL: &[u8; 19] = b"indelible batch v1\n";
const MARK: u32 = 1;

/// What is signed of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// No rows; notes of the logs that grew.
    pub mark: bool,
    /// The store's id.
    pub store: [u8; 16],
    /// The slot's number, from 0.
    pub number: u64,
    /// Not less than the batch before's.
    pub epoch: u64,
    /// One run of a writer; the same as long as the epoch is.
    pub writer: [u8; 16],
    /// Number of rows, at most 4,096.
    pub rows: u32,
    /// Bytes of the notes section.
    pub notes_len: u32,
    /// Header digest of the batch before; zeros for batch 0.
    pub prev: Hash,
    /// RFC 6962 root over the rows.
    pub rows_root: Hash,
    /// SHA-256 of the notes section.
    pub notes_sha: Hash,
    /// Not before the batch before's, and not before any of its records'.
    pub time: Time,
}

impl BatchHeader {
    /// The bytes that are signed and stored.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        Layout::new()
            .put(MAGIC)
            .put(&VERSION.to_be_bytes())
            .put(&if self.mark { MARK } else { 0 }.to_be_bytes())
            .put(&self.store)
            .put(&self.number.to_be_bytes())
            .put(&self.epoch.to_be_bytes())
            .put(&self.writer)
            .put(&self.rows.to_be_bytes())
            .put(&self.notes_len.to_be_bytes())
            .put(&self.prev.0)
            .put(&self.rows_root.0)
            .put(&self.notes_sha.0)
            .put(&self.time.secs().to_be_bytes())
            .put(&self.time.nanos().to_be_bytes())
            .zeros(4)
            .done()
    }

    /// Reads the first 184 bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn decode(bytes: &[u8]) -> Result<BatchHeader, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let start = cursor;
        start.require(cursor.array()? == MAGIC, "not a batch")?;
        if cursor.u32_be()? != VERSION {
            return Err(FormatError::Unsupported("batch version"));
        }
        let at_flags = cursor;
        let flags = cursor.u32_be()?;
        at_flags.require(flags & !MARK == 0, "unknown flags")?;
        let (store, number, epoch, writer) = (
            *cursor.array()?,
            cursor.u64_be()?,
            cursor.u64_be()?,
            *cursor.array()?,
        );
        let at_rows = cursor;
        let rows = cursor.u32_be()?;
        let few = usize::try_from(rows).is_ok_and(|rows| rows <= BATCH_LOGS_MAX);
        at_rows.require(few, "too many rows")?;
        at_rows.require(rows == 0 || flags & MARK == 0, "a mark with rows")?;
        let notes_len = cursor.u32_be()?;
        let at_prev = cursor;
        let prev = cursor.hash()?;
        at_prev.require(
            number != 0 || prev == Hash::ZERO,
            "batch 0 names a batch before it",
        )?;
        let (rows_root, notes_sha, time) = (cursor.hash()?, cursor.hash()?, cursor.time_be()?);
        cursor.zeros::<4>()?;
        Ok(BatchHeader {
            mark: flags & MARK != 0,
            store,
            number,
            epoch,
            writer,
            rows,
            notes_len,
            prev,
            rows_root,
            notes_sha,
            time,
        })
    }
}

/// What the batch key signs: label and header. Its SHA-256 is the header digest.
#[must_use]
pub fn signed_message(header: &[u8; HEADER_BYTES]) -> [u8; LABEL.len() + HEADER_BYTES] {
    Layout::new().put(LABEL).put(header).done()
}

/// The digest that the next batch's header names.
#[must_use]
pub fn header_digest(header: &[u8; HEADER_BYTES]) -> Hash {
    hash::sha256(&signed_message(header))
}

/// One log's growth in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Log id: the entry of its record 0.
    pub log: Hash,
    /// First seq in the batch.
    pub first: u64,
    /// Records, at least 1.
    pub count: u32,
    /// Root of the log at size first + count.
    pub root: Hash,
}

impl Row {
    /// The log's size after the batch.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// The bytes that are stored and hashed.
    #[must_use]
    pub fn encode(&self) -> [u8; ROW_BYTES] {
        Layout::new()
            .put(&self.log.0)
            .put(&self.first.to_be_bytes())
            .put(&self.count.to_be_bytes())
            .zeros(4)
            .put(&self.size().to_be_bytes())
            .put(&self.root.0)
            .done()
    }

    /// Reads 88 bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn decode(bytes: &[u8; ROW_BYTES]) -> Result<Row, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let log = cursor.hash()?;
        let at_first = cursor;
        let (first, count) = (cursor.u64_be()?, cursor.u32_be()?);
        at_first.require(count != 0, "a row without records")?;
        cursor.zeros::<4>()?;
        let at_size = cursor;
        let size = cursor.u64_be()?;
        let sum = first
            .checked_add(u64::from(count))
            .filter(|sum| *sum <= SEQ_END);
        at_size.require(
            sum == Some(size),
            "a row's size is not its first seq plus its count",
        )?;
        let root = cursor.hash()?;
        cursor.end()?;
        Ok(Row {
            log,
            first,
            count,
            root,
        })
    }
}

/// RFC 6962 root over the rows' bytes.
#[must_use]
pub fn rows_root(rows: &[Row]) -> Hash {
    let mut tree = Frontier::new();
    for row in rows {
        let leaf: [u8; 1 + ROW_BYTES] = Layout::new().zeros(1).put(&row.encode()).done();
        tree.push(hash::sha256(&leaf));
    }
    tree.root()
}

/// A batch that agrees with itself.
pub struct BatchView<'a> {
    /// The decoded header.
    pub header: BatchHeader,
    /// The header as it lies on disk.
    pub header_bytes: &'a [u8; HEADER_BYTES],
    /// By the batch key over [`signed_message`]; not checked here.
    pub signature: &'a [u8; SIGNATURE_BYTES],
    notes: Vec<&'a [u8]>,
    parts: Vec<Part<'a>>,
}

/// One log's records in a batch.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The row that commits to them.
    pub row: Row,
    /// Where the entries begin in the batch.
    pub entries_at: u64,
    /// `row.count` times 32 bytes.
    pub entries: &'a [u8],
    /// Where the frames begin in the batch.
    pub frames_at: u64,
    /// Frames that hold exactly these records in order; their checks were not computed yet.
    pub frames_bytes: &'a [u8],
}

impl<'a> BatchView<'a> {
    /// Reads a whole batch, which must end where the bytes end. Frames' own checks are left to [`Part::frames`], so that every byte
    /// is gone over once.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(bytes: &'a [u8]) -> Result<BatchView<'a>, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let header_bytes = cursor.array()?;
        let header = BatchHeader::decode(header_bytes)?;
        let signature = cursor.array()?;
        let rows = parse_rows(&header, &mut cursor)?;
        let notes = parse_notes(&header, &mut cursor)?;
        let parts = rows
            .into_iter()
            .map(|row| parse_part(row, &mut cursor))
            .collect::<Result<_, _>>()?;
        cursor.end()?;
        Ok(BatchView {
            header,
            header_bytes,
            signature,
            notes,
            parts,
        })
    }

    /// The header digest.
    #[must_use]
    pub fn digest(&self) -> Hash {
        header_digest(self.header_bytes)
    }

    /// The signed notes, not judged.
    pub fn notes(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.notes.iter().copied()
    }

    /// The rows with their records.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> + '_ {
        self.parts.iter().copied()
    }
}

impl<'a> Part<'a> {
    /// The frames, each with its place in the batch. After an error nothing follows.
    pub fn frames(
        &self,
    ) -> impl Iterator<Item = Result<(u64, FrameView<'a>), FormatError>> + use<'a> {
        let (mut rest, mut at) = (self.frames_bytes, self.frames_at);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let parsed = FrameView::parse(rest)
                .map_err(|error| error.within(usize::try_from(at).unwrap_or(usize::MAX)));
            let place = at;
            rest = parsed.as_ref().map_or(&[], |(_, rest)| rest);
            Some(parsed.map(|(frame, _)| {
                at = at.saturating_add(wide(frame.bytes().len()));
                (place, frame)
            }))
        })
    }
}

fn parse_rows(header: &BatchHeader, cursor: &mut Cursor<'_>) -> Result<Vec<Row>, FormatError> {
    let start = *cursor;
    let mut rows = Vec::new();
    let mut records = 0_u64;
    for _ in 0..header.rows {
        let at = cursor.at();
        let row = Row::decode(cursor.array()?).map_err(|error| error.within(at))?;
        records = records.saturating_add(u64::from(row.count));
        rows.push(row);
    }
    start.require(records <= wide(BATCH_RECORDS_MAX), "too many records")?;
    let mut logs: Vec<Hash> = rows.iter().map(|row| row.log).collect();
    logs.sort_unstable();
    start.require(
        logs.is_sorted_by(|left, right| left < right),
        "a log has two rows",
    )?;
    start.require(
        rows_root(&rows) == header.rows_root,
        "the rows don't give the header's root",
    )?;
    Ok(rows)
}

fn parse_notes<'a>(
    header: &BatchHeader,
    cursor: &mut Cursor<'a>,
) -> Result<Vec<&'a [u8]>, FormatError> {
    let start = *cursor;
    let length = usize::try_from(header.notes_len)
        .map_err(|_| start.damaged("a length beyond this machine"))?;
    let bytes = cursor.take(length)?;
    start.require(
        hash::sha256(bytes) == header.notes_sha,
        "the notes don't give the header's digest",
    )?;
    let mut inner = Cursor::new(bytes);
    let mut notes = Vec::new();
    while !inner.rest().is_empty() {
        let note = inner.len_be().and_then(|length| {
            inner.require(length <= NOTE_BYTES_MAX, "a note is too long")?;
            inner.take(length)
        });
        notes.push(note.map_err(|error| error.within(start.at()))?);
    }
    Ok(notes)
}

/// The entries and frames of one row.
fn parse_part<'a>(row: Row, cursor: &mut Cursor<'a>) -> Result<Part<'a>, FormatError> {
    let at_entries = *cursor;
    let count = usize::try_from(row.count)
        .map_err(|_| at_entries.damaged("a length beyond this machine"))?;
    let entries = cursor.take(count.saturating_mul(ENTRY_BYTES))?;
    at_entries.require(
        row.first != 0 || entries.starts_with(&row.log.0),
        "a log's id is not its first entry",
    )?;
    let at_frames = *cursor;
    let mut next = row.first;
    while next < row.size() {
        let (frame, _) =
            FrameView::walk(cursor.rest()).map_err(|error| error.within(cursor.at()))?;
        cursor.require(
            frame.first_seq() == next,
            "a frame does not continue the one before",
        )?;
        next = next.saturating_add(frame.records());
        cursor.require(
            next <= row.size(),
            "a frame holds more records than its row",
        )?;
        cursor.take(frame.bytes().len())?;
    }
    let frames_bytes = at_frames
        .rest()
        .get(..cursor.at().saturating_sub(at_frames.at()))
        .unwrap_or_default();
    Ok(Part {
        row,
        entries_at: wide(at_entries.at()),
        entries,
        frames_at: wide(at_frames.at()),
        frames_bytes,
    })
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory is below 2^64")
}
