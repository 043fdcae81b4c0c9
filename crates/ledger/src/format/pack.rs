//! Packs: the headers of `.ent` and `.rec`, the table of frames, and names. Runs and sections are in their own modules.
//!
//! See `docs/spec/pack.md`.

use super::cursor::{Cursor, Layout};
pub use super::ent::{EntView, NoteView, RunView, encode_ent, frame_rows, list_runs};
use super::frame::FRAME_HEADER_BYTES;
pub use super::run::{PackNote, Run, RunData};
use super::{FormatError, VERSION};
use indelible_proof::hash::{self, Hash};
use indelible_proof::time::Time;

/// Header of `.ent`.
pub const ENT_HEADER_BYTES: usize = 424;
/// The same as a place in the file: where the first section begins.
pub(super) const ENT_SECTIONS_AT: u64 = 424;
/// Header of `.rec`.
pub const REC_HEADER_BYTES: usize = 128;
/// One frame in the table of frames.
pub const FRAME_ROW_BYTES: usize = 36;
/// Sections of `.ent`: runs, entries, nodes, commit bits, frames, notes.
pub const SECTIONS: usize = 6;

const ENT_MAGIC: &[u8; 8] = b"INDLPENT";
const REC_MAGIC: &[u8; 8] = b"INDLPREC";
const LABEL: &[u8; 18] = b"indelible pack v1\n";
/// Bytes of the `.ent` header that its digest and its CRC cover.
const ENT_COVERED: usize = ENT_HEADER_BYTES - 4;
const FOLDER: &str = "sealed/";

/// Where a section lies and what it hashes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// From the file's beginning.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
}

/// The header of `.ent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackHeader {
    /// Not 0: a later version wrote things that may be read past, but who does not know them must not write this store.
    pub read_only_features: u64,
    /// The store's id.
    pub store: [u8; 16],
    /// First batch.
    pub first: u64,
    /// Last batch.
    pub last: u64,
    /// Header digest of the last batch.
    pub last_digest: Hash,
    /// Number of runs.
    pub runs: u32,
    /// In the order of the page, one right after the other.
    pub sections: [Section; SECTIONS],
}

impl PackHeader {
    /// The bytes on disk.
    #[must_use]
    pub fn encode(&self) -> [u8; ENT_HEADER_BYTES] {
        let layout = Layout::new()
            .put(ENT_MAGIC)
            .put(&VERSION.to_le_bytes())
            .put(&header_length(ENT_HEADER_BYTES))
            .zeros(8)
            .put(&self.read_only_features.to_le_bytes())
            .put(&self.store)
            .put(&self.first.to_le_bytes())
            .put(&self.last.to_le_bytes())
            .put(&self.last_digest.0)
            .put(&self.runs.to_le_bytes())
            .zeros(4);
        self.sections
            .iter()
            .fold(layout, |layout, section| {
                layout
                    .put(&section.offset.to_le_bytes())
                    .put(&section.length.to_le_bytes())
                    .put(&section.sha256.0)
                    .zeros(4)
            })
            .zeros(4)
            .crc()
            .done()
    }

    /// Reads the first 424 bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn decode(bytes: &[u8]) -> Result<PackHeader, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let read_only_features = begin_header(&mut cursor, ENT_MAGIC, ENT_HEADER_BYTES)?;
        let (store, first, last) = pack_range(&mut cursor)?;
        let (last_digest, runs) = (cursor.hash()?, cursor.u32_le()?);
        cursor.zeros::<4>()?;
        let mut sections = [Section::default(); SECTIONS];
        let mut next = ENT_SECTIONS_AT;
        for section in &mut sections {
            let at = cursor;
            *section = Section {
                offset: cursor.u64_le()?,
                length: cursor.u64_le()?,
                sha256: cursor.hash()?,
            };
            cursor.zeros::<4>()?;
            at.require(
                section.offset == next,
                "a section does not begin where the one before ends",
            )?;
            next = next
                .checked_add(section.length)
                .ok_or_else(|| at.damaged("a section is too long"))?;
        }
        cursor.zeros::<4>()?;
        Ok(PackHeader {
            read_only_features,
            store,
            first,
            last,
            last_digest,
            runs,
            sections,
        })
    }

    /// The digest that a `node` record names and `.rec` repeats.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let header = self.encode();
        let covered = header
            .first_chunk::<ENT_COVERED>()
            .expect("the covered bytes are the header's first");
        hash::sha256(&[LABEL.as_slice(), covered.as_slice()].concat())
    }

    /// A later version wrote something that this one would not keep.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only_features != 0
    }
}

/// The header of `.rec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecHeader {
    /// The store's id.
    pub store: [u8; 16],
    /// First batch.
    pub first: u64,
    /// Last batch.
    pub last: u64,
    /// Digest of its `.ent`.
    pub ent: Hash,
    /// Bytes of the whole file.
    pub length: u64,
}

impl RecHeader {
    /// The bytes on disk.
    #[must_use]
    pub fn encode(&self) -> [u8; REC_HEADER_BYTES] {
        Layout::new()
            .put(REC_MAGIC)
            .put(&VERSION.to_le_bytes())
            .put(&header_length(REC_HEADER_BYTES))
            .zeros(16)
            .put(&self.store)
            .put(&self.first.to_le_bytes())
            .put(&self.last.to_le_bytes())
            .put(&self.ent.0)
            .put(&self.length.to_le_bytes())
            .zeros(20)
            .crc()
            .done()
    }

    /// Reads the first 128 bytes, and whether a later version wrote something that this one would not keep
    /// ([`PackHeader::is_read_only`]).
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn decode_features(bytes: &[u8]) -> Result<(RecHeader, bool), FormatError> {
        let mut cursor = Cursor::new(bytes);
        let read_only_features = begin_header(&mut cursor, REC_MAGIC, REC_HEADER_BYTES)?;
        let (store, first, last) = pack_range(&mut cursor)?;
        let (ent, length) = (cursor.hash()?, cursor.u64_le()?);
        cursor.zeros::<20>()?;
        Ok((
            RecHeader {
                store,
                first,
                last,
                ent,
                length,
            },
            read_only_features != 0,
        ))
    }

    /// Reads the first 128 bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn decode(bytes: &[u8]) -> Result<RecHeader, FormatError> {
        RecHeader::decode_features(bytes).map(|(header, _)| header)
    }
}

/// What both headers begin with, after their CRC was checked. Returns the read-only features.
fn begin_header(
    cursor: &mut Cursor<'_>,
    magic: &[u8; 8],
    length: usize,
) -> Result<u64, FormatError> {
    let start = *cursor;
    let mut whole = start;
    let bytes = whole.take(length)?;
    start.require(cursor.array()? == magic, "not this kind of file")?;
    // The version before the CRC: another version may lay the rest out differently.
    if cursor.u32_le()? != VERSION {
        return Err(FormatError::Unsupported("pack version"));
    }
    let (covered, crc) = bytes
        .split_last_chunk()
        .ok_or_else(|| start.damaged("no room for a check"))?;
    start.require(
        crc32c::crc32c(covered) == u32::from_le_bytes(*crc),
        "a header's check is wrong",
    )?;
    start.require(
        *cursor.array()? == header_length(length),
        "another header length",
    )?;
    if cursor.u64_le()? != 0 {
        return Err(FormatError::Unsupported("pack features"));
    }
    cursor.u64_le()
}

fn pack_range(cursor: &mut Cursor<'_>) -> Result<([u8; 16], u64, u64), FormatError> {
    let store = *cursor.array()?;
    let at = *cursor;
    let (first, last) = (cursor.u64_le()?, cursor.u64_le()?);
    at.require(first <= last, "a pack without batches")?;
    Ok((store, first, last))
}

fn header_length(length: usize) -> [u8; 4] {
    u32::try_from(length)
        .expect("a header is short")
        .to_le_bytes()
}

/// One frame in the table of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRow {
    /// Where it begins in `.rec`.
    pub offset: u64,
    /// Bytes with its header.
    pub length: u32,
    /// Records, 1 to 256.
    pub count: u32,
    /// Seq of its first record.
    pub first: u64,
    /// Time of its first record.
    pub time: Time,
}

impl FrameRow {
    /// The bytes on disk.
    #[must_use]
    pub fn encode(&self) -> [u8; FRAME_ROW_BYTES] {
        Layout::new()
            .put(&self.offset.to_le_bytes())
            .put(&self.length.to_le_bytes())
            .put(&self.count.to_le_bytes())
            .put(&self.first.to_le_bytes())
            .put(&self.time.secs().to_le_bytes())
            .put(&self.time.nanos().to_le_bytes())
            .done()
    }

    /// Reads exactly 36 bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn decode(bytes: &[u8]) -> Result<FrameRow, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let start = cursor;
        let (offset, length, count, first) = (
            cursor.u64_le()?,
            cursor.u32_le()?,
            cursor.u32_le()?,
            cursor.u64_le()?,
        );
        let time = cursor.time_le()?;
        cursor.end()?;
        start.require(
            usize::try_from(length).is_ok_and(|length| length > FRAME_HEADER_BYTES),
            "a frame without columns",
        )?;
        start.require(
            (1..=256).contains(&count),
            "a frame without records or with too many",
        )?;
        Ok(FrameRow {
            offset,
            length,
            count,
            first,
            time,
        })
    }
}

/// Names of the two files of a pack: `sealed/<first>-<last>.ent` and `.rec`.
#[must_use]
pub fn pack_names(first: u64, last: u64) -> (String, String) {
    let stem = format!("{FOLDER}{first:012}-{last:012}");
    (format!("{stem}.ent"), format!("{stem}.rec"))
}

/// First and last batch of a pack's file, and whether it is the `.ent`. `None` for any other name.
#[must_use]
pub fn parse_pack_name(name: &str) -> Option<(u64, u64, bool)> {
    let name = name.strip_prefix(FOLDER)?;
    let (stem, is_ent) = match name.strip_suffix(".ent") {
        Some(stem) => (stem, true),
        None => (name.strip_suffix(".rec")?, false),
    };
    let (first, last) = stem.split_once('-')?;
    let number = |text: &str| {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last, is_ent))
}
