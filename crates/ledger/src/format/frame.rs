//! Frames: contiguous records of one log, as batches and packs hold them.
//!
//! See `docs/spec/batch.md`, *Frame*. [`FrameBuilder`] lays records out column by column while they arrive, in buffers that are kept;
//! [`FrameView`] takes a frame apart. A raw frame is compressed without being taken apart. Doesn't know what a head says: `shared` and
//! `own` are byte strings here.

use super::FormatError;
pub use super::builder::{FrameBuilder, put_raw};
pub use super::columns::{Columns, Content, Record};
use super::cursor::{Cursor, Layout};
use super::limits::{
    BUFFER_KEPT_BYTES, FRAME_RAW_BYTES_MAX, FRAME_RECORDS_MAX, RECORD_RAW_BYTES_MAX, SEQ_END,
};
use zstd::bulk::Compressor;
use zstd::zstd_safe::{DCtx, compress_bound, find_frame_compressed_size};

/// What stands before the columns.
pub const FRAME_HEADER_BYTES: usize = 24;

pub(super) const CODEC_RAW: u8 = 0;
const CODEC_ZSTD: u8 = 1;

/// A frame whose header was checked.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    codec: u8,
    count: u16,
    raw_len: usize,
    first_seq: u64,
    bytes: &'a [u8],
    stored: &'a [u8],
}

impl<'a> FrameView<'a> {
    /// Reads the frame at the beginning of `bytes`: its header and its CRC. Returns what follows it too.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse(bytes: &'a [u8]) -> Result<(FrameView<'a>, &'a [u8]), FormatError> {
        let (frame, rest) = FrameView::walk(bytes)?;
        if !frame.is_sound() {
            return Err(FormatError::Damaged {
                offset: 20,
                what: "a frame's check is wrong",
            });
        }
        Ok((frame, rest))
    }

    /// As [`FrameView::parse`] without the CRC.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn walk(bytes: &'a [u8]) -> Result<(FrameView<'a>, &'a [u8]), FormatError> {
        let mut cursor = Cursor::new(bytes);
        let start = cursor;
        let codec = cursor.u8()?;
        start.require(matches!(codec, CODEC_RAW | CODEC_ZSTD), "unknown codec")?;
        cursor.zeros::<1>()?;
        let (count, raw_len, stored_len, first_seq) = (
            cursor.u16_le()?,
            cursor.len_le()?,
            cursor.len_le()?,
            cursor.u64_le()?,
        );
        start.require(
            fits_block(first_seq, u64::from(count)),
            "a frame crosses a multiple of 256 or has no records",
        )?;
        start.require(fits_raw(u64::from(count), raw_len), "a frame is too long")?;
        start.require(
            codec != CODEC_RAW || stored_len == raw_len,
            "a raw frame with two lengths",
        )?;
        cursor.u32_le()?;
        let stored = cursor.take(stored_len)?;
        let bytes = bytes.get(..cursor.at()).unwrap_or_default();
        Ok((
            FrameView {
                codec,
                count,
                raw_len,
                first_seq,
                bytes,
                stored,
            },
            cursor.rest(),
        ))
    }

    /// Whether its CRC is right.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let (fields, crc) = self.bytes.split_at_checked(20).unwrap_or_default();
        crc.starts_with(&check(fields, self.stored).to_le_bytes())
    }

    /// Whether its columns are compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.codec != CODEC_RAW
    }

    /// Seq of its first record.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// 1 to 256.
    #[must_use]
    pub fn records(&self) -> u64 {
        u64::from(self.count)
    }

    /// Bytes of the columns, uncompressed.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        self.raw_len
    }

    /// Header and columns as they are stored.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Appends the same records as a compressed frame if that is shorter, else the frame as it is. Columns are not looked at.
    pub fn recompress(&self, compressor: &mut Compressor<'_>, out: &mut Vec<u8>) {
        if self.codec == CODEC_RAW {
            append_shorter(self.count, self.stored, self.first_seq, compressor, out);
        } else {
            out.extend_from_slice(self.bytes);
        }
    }

    /// Takes the columns apart, decompressing into `scratch` if need be.
    ///
    /// # Errors
    /// [`FormatError`], its offset counted from the frame's beginning; 24 for anything within a compressed frame.
    pub fn columns<'s>(
        &'s self,
        scratch: &'s mut FrameScratch,
    ) -> Result<Columns<'s>, FormatError> {
        if self.codec == CODEC_RAW {
            return Columns::decode(self.stored, self.count)
                .map_err(|error| error.within(FRAME_HEADER_BYTES));
        }
        let columns = self.decompress(scratch)?;
        Columns::decode(columns, self.count).map_err(|error| match error {
            FormatError::Damaged { what, .. } => compressed(what),
            unsupported @ FormatError::Unsupported(_) => unsupported,
        })
    }

    fn decompress<'s>(&self, scratch: &'s mut FrameScratch) -> Result<&'s [u8], FormatError> {
        // zstd reads several frames one after the other as one; the page says one.
        if find_frame_compressed_size(self.stored) != Ok(self.stored.len()) {
            return Err(compressed("not one zstd frame"));
        }
        scratch.raw.clear();
        scratch.raw.shrink_to(BUFFER_KEPT_BYTES);
        scratch.raw.reserve_exact(self.raw_len);
        let context = scratch.context.get_or_insert_with(DCtx::create);
        let length = context
            .decompress(&mut scratch.raw, self.stored)
            .map_err(|_| compressed("zstd can't read it"))?;
        if length != self.raw_len {
            return Err(compressed("not as long as its header says"));
        }
        Ok(&scratch.raw)
    }
}

/// Bytes behind the header of the frame whose header these are. `None`: they are too few.
#[must_use]
pub fn stored_len(header: &[u8]) -> Option<usize> {
    let length = header.get(8..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

fn compressed(what: &'static str) -> FormatError {
    FormatError::Damaged {
        offset: FRAME_HEADER_BYTES,
        what,
    }
}

/// What decoding reuses: one buffer and one zstd context.
#[derive(Default)]
pub struct FrameScratch {
    raw: Vec<u8>,
    context: Option<DCtx<'static>>,
}

/// Appends a frame of these columns, compressed if that is shorter.
pub(super) fn append_shorter(
    count: u16,
    columns: &[u8],
    first_seq: u64,
    compressor: &mut Compressor<'_>,
    out: &mut Vec<u8>,
) {
    let at = out.len();
    out.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
    let body = out.len();
    out.reserve(compress_bound(columns.len()));
    let mut target = std::io::Cursor::new(&mut *out);
    target.set_position(u64::try_from(body).expect("a length in memory is below 2^64"));
    // An error means that nothing usable was written, whatever its cause: the raw columns are right as well.
    let codec = match compressor.compress_to_buffer(columns, &mut target) {
        Ok(length) if length < columns.len() => CODEC_ZSTD,
        Ok(_) | Err(_) => {
            out.truncate(body);
            out.extend_from_slice(columns);
            CODEC_RAW
        }
    };
    close_frame(codec, count, columns.len(), first_seq, at, out);
}

/// Writes the header of the frame that begins at `at` and ends where `out` ends.
pub(super) fn close_frame(
    codec: u8,
    count: u16,
    raw_len: usize,
    first_seq: u64,
    at: usize,
    out: &mut [u8],
) {
    let frame = out
        .get_mut(at..)
        .expect("the frame begins within the bytes");
    let (header, stored) = frame
        .split_first_chunk_mut::<FRAME_HEADER_BYTES>()
        .expect("room for the header was made");
    let records = u64::from(count);
    assert!(
        fits_block(first_seq, records),
        "a frame never crosses a multiple of 256"
    );
    assert!(
        fits_raw(records, raw_len),
        "a frame is not longer than its bound"
    );
    let length = |length: usize| {
        u32::try_from(length)
            .expect("a frame is below 4 GiB")
            .to_le_bytes()
    };
    let fields: [u8; 20] = Layout::new()
        .put(&[codec, 0])
        .put(&count.to_le_bytes())
        .put(&length(raw_len))
        .put(&length(stored.len()))
        .put(&first_seq.to_le_bytes())
        .done();
    *header = Layout::new()
        .put(&fields)
        .put(&check(&fields, stored).to_le_bytes())
        .done();
}

fn check(fields: &[u8], stored: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(fields), stored)
}

/// At least one record, none across a multiple of 256, no seq beyond what a head can say.
fn fits_block(first_seq: u64, records: u64) -> bool {
    records != 0
        && first_seq % FRAME_RECORDS_MAX + records <= FRAME_RECORDS_MAX
        && first_seq
            .checked_add(records)
            .is_some_and(|end| end <= SEQ_END)
}

fn fits_raw(records: u64, raw_len: usize) -> bool {
    raw_len
        <= if records == 1 {
            RECORD_RAW_BYTES_MAX
        } else {
            FRAME_RAW_BYTES_MAX
        }
}
