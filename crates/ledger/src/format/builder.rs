//! Laying out a frame's columns while its records arrive.
//!
//! This is the hot end of the write path: a record is a few appends to buffers that are kept, with nothing hashed and nothing
//! allocated for it. What a frame looks like is in [`super::frame`].

use super::columns::{Content, Record};
use super::cursor::{put_length, put_time_le, put_varint};
use super::frame::{CODEC_RAW, FRAME_HEADER_BYTES, append_shorter, close_frame};
use super::limits::{BUFFER_KEPT_BYTES, FRAME_RAW_BYTES_MAX, FRAME_RECORDS_MAX};
use indelible_proof::hash::Hash;
use indelible_proof::limits::HEAD_BYTES_MAX;
use indelible_proof::time::Time;
use zstd::bulk::Compressor;

/// What a record adds beside its event and `own`: a new shared string (within a head), and below 512 bytes of times, lengths, salt,
/// bits, and the column that appears with the second shared string.
const RECORD_EXTRA_BYTES_MAX: usize = HEAD_BYTES_MAX + 512;

/// Appends one record as an uncompressed frame: what a builder makes of it, without the builder's dozen buffers. Of quiet logs a batch
/// holds thousands of such frames.
pub fn put_raw(seq: u64, record: &Record<'_>, out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
    put_time_le(record.time, out);
    out.push(1); // one shared string
    put_length(record.shared.len(), out);
    out.extend_from_slice(record.shared);
    put_length(record.own.len(), out);
    out.extend_from_slice(record.own);
    match &record.content {
        Content::Present { salt, event } => {
            out.push(1);
            put_length(event.len(), out);
            out.extend_from_slice(event);
            out.extend_from_slice(&salt[..]);
        }
        Content::Absent { digest } => {
            out.push(0);
            out.extend_from_slice(&digest.0);
        }
    }
    let raw_len = out.len() - at - FRAME_HEADER_BYTES;
    close_frame(CODEC_RAW, 1, raw_len, seq, at, out);
}

/// Collects the records of one frame.
#[derive(Default)]
pub struct FrameBuilder {
    count: u16,
    last_time: Option<Time>,
    times: Vec<u8>,
    /// The shared strings one after the other, and where each lies.
    strings: Vec<u8>,
    spans: Vec<(usize, usize)>,
    /// The varints before the strings.
    string_lengths_len: usize,
    /// Which shared string each record has.
    which: Vec<u8>,
    own_lengths: Vec<u8>,
    own: Vec<u8>,
    present: Vec<u8>,
    event_lengths: Vec<u8>,
    events: Vec<u8>,
    salts: Vec<u8>,
    digests: Vec<u8>,
    /// Columns on their way into the compressor.
    columns: Vec<u8>,
}

impl FrameBuilder {
    /// Without records.
    #[must_use]
    pub fn new() -> FrameBuilder {
        FrameBuilder::default()
    }

    /// Records since the last finish.
    #[must_use]
    pub fn records(&self) -> u64 {
        u64::from(self.count)
    }

    /// No records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether the record `seq`, which follows those here, may join them; `weight` is the bytes of its event and `own`. An empty
    /// builder takes any record.
    #[must_use]
    pub fn takes(&self, seq: u64, weight: usize) -> bool {
        let bytes = self
            .raw_len()
            .saturating_add(weight)
            .saturating_add(RECORD_EXTRA_BYTES_MAX);
        self.is_empty() || (!seq.is_multiple_of(FRAME_RECORDS_MAX) && bytes <= FRAME_RAW_BYTES_MAX)
    }

    /// Bytes of the columns.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        let table = self.spans.len();
        self.times.len()
            + if table < 128 { 1 } else { 2 }
            + self.string_lengths_len
            + self.strings.len()
            + if table > 1 { self.which.len() } else { 0 }
            + self.own_lengths.len()
            + self.own.len()
            + self.present.len()
            + self.event_lengths.len()
            + self.events.len()
            + self.salts.len()
            + self.digests.len()
    }

    /// Adds a record.
    ///
    /// # Panics
    /// As [`FrameBuilder::push`].
    pub fn add(&mut self, record: &Record<'_>) {
        let Record {
            time, shared, own, ..
        } = record;
        match record.content {
            Content::Present { salt, event } => self.push(*time, shared, own, salt, event),
            Content::Absent { digest } => self.push_absent(*time, shared, own, &digest),
        }
    }

    /// Adds a record with its event.
    ///
    /// # Panics
    /// If 256 records are here, or `time` is before the last record's or 584 years (2^64 ns) after it, which no frame can say.
    pub fn push(&mut self, time: Time, shared: &[u8], own: &[u8], salt: &[u8; 16], event: &[u8]) {
        self.begin(time, shared, own, 1);
        put_length(event.len(), &mut self.event_lengths);
        self.events.extend_from_slice(event);
        self.salts.extend_from_slice(salt);
    }

    /// Adds a record whose event is gone.
    ///
    /// # Panics
    /// As [`FrameBuilder::push`].
    pub fn push_absent(&mut self, time: Time, shared: &[u8], own: &[u8], digest: &Hash) {
        self.begin(time, shared, own, 0);
        self.digests.extend_from_slice(&digest.0);
    }

    /// Bytes that its buffers hold, used or not.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let buffers = [
            &self.times,
            &self.strings,
            &self.which,
            &self.own_lengths,
            &self.own,
            &self.present,
            &self.event_lengths,
            &self.events,
            &self.salts,
            &self.digests,
            &self.columns,
        ];
        buffers.iter().map(|buffer| buffer.capacity()).sum()
    }

    /// Forgets the records, keeps the buffers.
    pub fn clear(&mut self) {
        self.count = 0;
        self.last_time = None;
        self.string_lengths_len = 0;
        self.spans.clear();
        for buffer in [
            &mut self.times,
            &mut self.strings,
            &mut self.which,
            &mut self.own_lengths,
            &mut self.own,
            &mut self.present,
            &mut self.event_lengths,
            &mut self.events,
            &mut self.salts,
            &mut self.digests,
            &mut self.columns,
        ] {
            buffer.clear();
            buffer.shrink_to(BUFFER_KEPT_BYTES);
        }
    }

    /// Appends the records as an uncompressed frame that begins at `first_seq`, and begins anew.
    ///
    /// # Panics
    /// If the records don't make one frame: none, across a multiple of 256, or too long; [`FrameBuilder::takes`] prevents it.
    pub fn finish_raw(&mut self, first_seq: u64, out: &mut Vec<u8>) {
        let at = out.len();
        out.reserve(FRAME_HEADER_BYTES + self.raw_len());
        out.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        self.write_columns(out);
        close_frame(CODEC_RAW, self.count, self.raw_len(), first_seq, at, out);
        self.clear();
    }

    /// As [`FrameBuilder::finish_raw`], compressed if that is shorter.
    ///
    /// # Panics
    /// As [`FrameBuilder::finish_raw`].
    pub fn finish_zstd(
        &mut self,
        first_seq: u64,
        compressor: &mut Compressor<'_>,
        out: &mut Vec<u8>,
    ) {
        let mut columns = std::mem::take(&mut self.columns);
        columns.clear();
        self.write_columns(&mut columns);
        append_shorter(self.count, &columns, first_seq, compressor, out);
        self.columns = columns;
        self.clear();
    }

    /// What records with and without events have in common.
    fn begin(&mut self, time: Time, shared: &[u8], own: &[u8], present: u8) {
        assert!(
            self.records() < FRAME_RECORDS_MAX,
            "a frame has at most 256 records"
        );
        match &self.last_time {
            None => put_time_le(time, &mut self.times),
            Some(last) => {
                let nanos = time
                    .nanos_since(last)
                    .and_then(|nanos| u64::try_from(nanos).ok());
                put_varint(
                    nanos.expect("times in a frame ascend, less than 2^64 ns apart"),
                    &mut self.times,
                );
            }
        }
        self.last_time = Some(time);
        let place = self.place_of(shared);
        self.which.push(place);
        put_length(own.len(), &mut self.own_lengths);
        self.own.extend_from_slice(own);
        let bit = self.count % 8;
        match self.present.last_mut() {
            Some(bits) if bit != 0 => *bits |= present << bit,
            _ => self.present.push(present),
        }
        self.count += 1;
    }

    /// The place of a shared string in the table; mostly that of the record before.
    fn place_of(&mut self, shared: &[u8]) -> u8 {
        let has = |&(start, end): &(usize, usize)| self.strings.get(start..end) == Some(shared);
        if let Some(&last) = self.which.last()
            && self.spans.get(usize::from(last)).is_some_and(has)
        {
            return last;
        }
        let known = self.spans.iter().position(has);
        let place = known.unwrap_or_else(|| {
            let (start, before) = (self.strings.len(), self.times.len());
            // The times lend their room to count the varint's bytes.
            put_length(shared.len(), &mut self.times);
            self.string_lengths_len += self.times.len() - before;
            self.times.truncate(before);
            self.strings.extend_from_slice(shared);
            self.spans.push((start, self.strings.len()));
            self.spans.len() - 1
        });
        u8::try_from(place).expect("256 records have at most 256 shared strings")
    }

    fn write_columns(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.times);
        put_length(self.spans.len(), out);
        for &(start, end) in &self.spans {
            put_length(end - start, out);
            out.extend_from_slice(
                self.strings
                    .get(start..end)
                    .expect("every span lies in the strings"),
            );
        }
        if self.spans.len() > 1 {
            out.extend_from_slice(&self.which);
        }
        for column in [
            &self.own_lengths,
            &self.own,
            &self.present,
            &self.event_lengths,
            &self.events,
            &self.salts,
            &self.digests,
        ] {
            out.extend_from_slice(column);
        }
    }
}
