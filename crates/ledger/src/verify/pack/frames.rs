//! The frames of a run: where they lie, and their records.

use super::{CHUNK_BYTES, PackCheck, cut, len, len64};
use crate::format::frame::{FrameScratch, FrameView};
use crate::format::pack::{FRAME_ROW_BYTES, FrameRow, Run, frame_rows};
use crate::verify::LogName;
use crate::verify::finding::{Damage, Finding};
use crate::verify::records::{FramePlace, RecordChecker};
use crate::verify::sections::{FRAMES, Sections};
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;
use indelible_store::StoreError;
use std::ops::Range;

/// Frames that were read: those that were asked for, and some behind them.
#[derive(Default)]
pub(super) struct Ahead {
    offset: u64,
    bytes: Vec<u8>,
}

impl Ahead {
    fn holds(&self, offset: u64, length: usize) -> bool {
        let from = offset.checked_sub(self.offset);
        from.is_some_and(|from| len(from).saturating_add(length) <= self.bytes.len())
    }
}

impl PackCheck<'_> {
    /// Where the run's frames lie: from the table, or by walking the frames if the table can't be used.
    pub(super) fn rows(
        &mut self,
        sections: &Sections,
        run: &Run,
        log: &LogName,
        at: usize,
    ) -> Vec<FrameRow> {
        let table = cut(
            sections.section(FRAMES),
            at,
            len(u64::from(run.frames)) * FRAME_ROW_BYTES,
        );
        match frame_rows(run, table) {
            Ok(rows) => rows,
            Err(error) => {
                if sections.sound[FRAMES] {
                    let offset = sections.offset(FRAMES) + len64(at);
                    let finding =
                        Finding::new(Damage::Unreadable, &self.ent, offset, error.to_string());
                    self.seen.findings.push(finding.of_log(&log.name));
                }
                self.walk(run, log)
            }
        }
    }

    fn walk(&mut self, run: &Run, log: &LogName) -> Vec<FrameRow> {
        let bytes = self
            .store
            .read_at(&self.rec, run.rec_at, len(run.rec_len), true)
            .unwrap_or_default();
        let (mut rest, mut rows, mut offset, mut next) =
            (bytes.as_slice(), Vec::new(), run.rec_at, run.first);
        while next < run.end() {
            let Ok((frame, after)) = FrameView::parse(rest) else {
                break;
            };
            if frame.first_seq() != next {
                break;
            }
            let length = u32::try_from(frame.bytes().len()).unwrap_or(u32::MAX);
            let count = u32::try_from(frame.records()).unwrap_or(u32::MAX);
            rows.push(FrameRow {
                offset,
                length,
                count,
                first: next,
                time: first_time(&frame).unwrap_or(run.first_time),
            });
            offset += u64::from(length);
            next += frame.records();
            rest = after;
        }
        if next < run.end() {
            let finding = Finding::new(
                Damage::Unreadable,
                &self.rec,
                offset,
                "no frame where the next one should begin",
            );
            self.seen
                .findings
                .push(finding.of_range(&log.name, next..run.end()));
        }
        rows
    }

    // The kernel forgot its copy when the header was read, so these bytes come from the disk; to ask again for each piece would
    // throw away what it reads ahead.
    pub(super) fn frames(
        &mut self,
        run: &Run,
        rows: &[FrameRow],
        frames_at: u64,
        entries: &[Hash],
        records: &mut RecordChecker<'_>,
    ) {
        let mut rest = rows;
        while let Some(first) = rest.first() {
            let fits = rest
                .iter()
                .take_while(|row| row.offset - first.offset < CHUNK_BYTES)
                .count();
            let (chunk, after) = rest.split_at(fits);
            let end = chunk
                .last()
                .map_or(first.offset, |row| row.offset + u64::from(row.length));
            let ahead = match self.read(first.offset, len(end - first.offset)) {
                Ok(ahead) => ahead,
                Err(error) => {
                    let mut finding = self.unread(&error);
                    finding.file.clone_from(&self.rec);
                    self.seen.findings.push(finding);
                    return;
                }
            };
            let before = records.checked;
            for row in chunk {
                let place = self.place(row, ahead.offset, &ahead.bytes);
                let from = len(row.first - run.first);
                let found = records.findings.len();
                records.frame(&place, &entries[from..=from + len(u64::from(row.count))]);
                if records.findings.len() == found && records.frame_time != Some(row.time) {
                    let what = "the table of frames has another time than its frame";
                    let finding = Finding::new(Damage::Unreadable, &self.ent, frames_at, what);
                    records
                        .findings
                        .push(finding.of(&records.log.name, vec![place.seqs]));
                }
            }
            self.ahead = ahead;
            records.checked.bytes_read += end - first.offset;
            self.progress.add(&records.checked.since(&before));
            rest = after;
        }
    }

    /// Bytes of frames from this offset on, at least so many. Of short runs one read brings many, where all will be asked for.
    fn read(&mut self, offset: u64, length: usize) -> Result<Ahead, StoreError> {
        let held = std::mem::take(&mut self.ahead);
        if held.holds(offset, length) {
            return Ok(held);
        }
        let left = len(self.frames_end.saturating_sub(offset));
        let more = left.min(len(CHUNK_BYTES));
        let read = |length| self.store.read_at(&self.rec, offset, length, false);
        // What lies behind may be what can't be read, and is another run's.
        let bytes = match self.only.is_none() && more > length {
            true => read(more).or_else(|_| read(length)),
            false => read(length),
        };
        bytes.map(|bytes| Ahead { offset, bytes })
    }

    pub(super) fn place<'b>(
        &'b self,
        row: &FrameRow,
        base: u64,
        bytes: &'b [u8],
    ) -> FramePlace<'b> {
        let seqs: Range<u64> = row.first..row.first + u64::from(row.count);
        FramePlace {
            bytes: cut(bytes, len(row.offset - base), len(u64::from(row.length))),
            file: &self.rec,
            offset: row.offset,
            seqs,
        }
    }
}

/// Of the first record of a frame that can be read.
fn first_time(frame: &FrameView<'_>) -> Option<Time> {
    let mut scratch = FrameScratch::default();
    let columns = frame.columns(&mut scratch).ok()?;
    columns.records().next().map(|record| record.time)
}
