//! The columns of a frame, taken apart. See `docs/spec/batch.md`, *Frame*.
//!
//! One allocation for a frame, bounded by its 256 records, none for a record: everything else is borrowed.

use super::FormatError;
use super::cursor::Cursor;
use super::limits::FRAME_RECORDS_MAX;
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;

const TIME_VARINT_BYTES: u32 = 10;

/// One record of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When the node recorded it.
    pub time: Time,
    /// The head from `"kind":` to before the comma of its own fields.
    pub shared: &'a [u8],
    /// The head's own fields, each with its leading comma, up to `,"digest":`.
    pub own: &'a [u8],
    /// Event and salt, or what stands for them.
    pub content: Content<'a>,
}

impl Record<'_> {
    /// Bytes that decide how many records share a frame, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self.content {
            Content::Present { event, .. } => event.len() + self.own.len(),
            Content::Absent { .. } => 32,
        }
    }
}

/// A record's event, or the digest in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// The event is here.
    Present {
        /// 128 bits, of which the digest covers the hex text.
        salt: &'a [u8; 16],
        /// The minified event.
        event: &'a [u8],
    },
    /// The event is gone.
    Absent {
        /// SHA-256 of salt and event.
        digest: Hash,
    },
}

/// The records of one frame.
#[derive(Debug)]
pub struct Columns<'a> {
    records: Vec<Record<'a>>,
}

impl<'a> Columns<'a> {
    /// The records in order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'a>> + DoubleEndedIterator + '_ {
        self.records.iter().copied()
    }

    pub(super) fn decode(bytes: &'a [u8], count: u16) -> Result<Columns<'a>, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let mut records = times(&mut cursor, count)?;
        shared(&mut cursor, &mut records)?;
        let mut lengths = Vec::with_capacity(records.len());
        for _ in &records {
            lengths.push(cursor.varint_len()?);
        }
        for (record, length) in records.iter_mut().zip(&lengths) {
            record.own = cursor.take(*length)?;
        }
        contents(&mut cursor, &mut records, &mut lengths)?;
        cursor.end()?;
        Ok(Columns { records })
    }
}

/// Column 1.
fn times<'a>(cursor: &mut Cursor<'a>, count: u16) -> Result<Vec<Record<'a>>, FormatError> {
    let mut time = cursor.time_le()?;
    let mut records = Vec::with_capacity(usize::from(count));
    for place in 0..count {
        if place != 0 {
            let at = *cursor;
            let nanos = u128::from(cursor.varint(TIME_VARINT_BYTES)?);
            time = time
                .plus_nanos(nanos)
                .ok_or_else(|| at.damaged("not a time"))?;
        }
        records.push(Record {
            time,
            shared: &[],
            own: &[],
            content: Content::Absent { digest: Hash::ZERO },
        });
    }
    Ok(records)
}

/// Column 2.
fn shared<'a>(cursor: &mut Cursor<'a>, records: &mut [Record<'a>]) -> Result<(), FormatError> {
    let at_table = *cursor;
    let size = cursor.varint_len()?;
    at_table.require(
        (1..=records.len()).contains(&size),
        "a table of shared strings without use",
    )?;
    let mut table: Vec<(&[u8], bool)> = Vec::with_capacity(size);
    for _ in 0..size {
        let length = cursor.varint_len()?;
        table.push((cursor.take(length)?, false));
    }
    for record in records {
        let at = *cursor;
        let which = if size > 1 {
            usize::from(cursor.u8()?)
        } else {
            0
        };
        let (string, used) = table
            .get_mut(which)
            .ok_or_else(|| at.damaged("no such shared string"))?;
        (record.shared, *used) = (string, true);
    }
    at_table.require(
        table.iter().all(|(_, used)| *used),
        "a shared string that no record has",
    )?;
    table.sort_unstable();
    at_table.require(
        table.is_sorted_by(|left, right| left.0 < right.0),
        "a shared string that stands twice",
    )
}

/// Columns 4 to 7.
fn contents<'a>(
    cursor: &mut Cursor<'a>,
    records: &mut [Record<'a>],
    lengths: &mut Vec<usize>,
) -> Result<(), FormatError> {
    let at_bits = *cursor;
    let bits = cursor.take(records.len().div_ceil(8))?;
    let mut present = [false; PRESENT_MAX];
    for (eight, byte) in present.chunks_exact_mut(8).zip(bits) {
        for (bit, place) in eight.iter_mut().zip(0..8) {
            *bit = byte & (1 << place) != 0;
        }
    }
    let (present, beyond) = present
        .split_at_checked(records.len())
        .ok_or_else(|| at_bits.damaged("too many records"))?;
    at_bits.require(!beyond.contains(&true), "a presence bit without a record")?;
    lengths.clear();
    for _ in present.iter().filter(|present| **present) {
        lengths.push(cursor.varint_len()?);
    }
    let mut lengths = lengths.iter();
    for (record, _) in records
        .iter_mut()
        .zip(present)
        .filter(|(_, present)| **present)
    {
        let event = cursor.take(lengths.next().copied().unwrap_or_default())?;
        record.content = Content::Present {
            salt: NO_SALT,
            event,
        };
    }
    for record in records.iter_mut() {
        if let Content::Present { salt, .. } = &mut record.content {
            *salt = cursor.array()?;
        }
    }
    for record in records.iter_mut() {
        if let Content::Absent { digest } = &mut record.content {
            *digest = cursor.hash()?;
        }
    }
    Ok(())
}

/// Stands where a salt is read a moment later.
const NO_SALT: &[u8; 16] = &[0; 16];

const PRESENT_MAX: usize = {
    assert!(FRAME_RECORDS_MAX == 256);
    256
};
