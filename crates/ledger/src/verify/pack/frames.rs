//! The frames of a run: where they lie, and their records.

use super::{CHUNK_BYTES, PackCheck, cut, len, len64};
use crate::format::frame::{FrameScratch, FrameView};
use crate::format::pack::{FRAME_ROW_BYTES, FrameRow, Run, frame_rows};
use crate::verify::finding::{Damage, Finding};
use crate::verify::records::{FramePlace, RecordChecker};
use crate::verify::sections::{FRAMES, Sections};
use crate::verify::{LogName, Progress};
use indelible_proof::hash::Hash;
use indelible_proof::time::Time;
use std::ops::Range;

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
        progress: &Progress<'_>,
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
            let bytes =
                match self
                    .store
                    .read_at(&self.rec, first.offset, len(end - first.offset), false)
                {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        let mut finding = self.unread(&error);
                        finding.file.clone_from(&self.rec);
                        self.seen.findings.push(finding);
                        return;
                    }
                };
            let before = records.checked;
            for row in chunk {
                let place = self.place(row, first.offset, &bytes);
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
            records.checked.bytes_read += end - first.offset;
            progress.add(&records.checked.since(&before));
            rest = after;
        }
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
