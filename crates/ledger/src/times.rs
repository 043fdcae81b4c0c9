//! Finds records by when they were recorded, without a scan of the log.
//!
//! Times rise from record to record. The seconds of each run are in memory and the first time of each frame stands in its pack, so that
//! a look reads one table and one frame; in the tail it halves the range record by record. What the tables say is a hint: the records
//! beside the border decide, and where they disagree with it the whole log is searched.

use crate::books::{Books, Log};
use crate::view::ReadError;
use indelible_proof::head::Head;
use indelible_proof::time::Time;
use std::ops::Range;

/// Which records count for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those recorded before it.
    Before,
    /// Those recorded before it or just then.
    UpTo,
}

/// One question.
struct Look<'a> {
    books: &'a Books,
    log: &'a Log,
    time: &'a Time,
    side: Side,
}

impl Books {
    /// How many of a log's first `size` records were recorded before a time, or up to it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn size_at(&self, log: &Log, time: &Time, side: Side, size: u64) -> Result<u64, ReadError> {
        let look = Look {
            books: self,
            log,
            time,
            side,
        };
        let hint = look.hint(size)?;
        // The border lies in the range if what is beside it is on its own side of the time.
        let begins = hint.start == 0 || look.is_early(hint.start - 1)?;
        let ends = hint.end == size || !look.is_early(hint.end)?;
        let range = if begins && ends { hint } else { 0..size };
        look.halve(range)
    }
}

impl Look<'_> {
    fn is_early_time(&self, time: &Time) -> bool {
        match self.side {
            Side::Before => time < self.time,
            Side::UpTo => time <= self.time,
        }
    }

    /// Is the record on the early side?
    fn is_early(&self, seq: u64) -> Result<bool, ReadError> {
        let stored = self.books.record(self.log, seq)?;
        let head = Head::parse(&stored.head);
        let head = head.map_err(|_| ReadError::unproven(self.log, seq))?;
        Ok(self.is_early_time(&head.time))
    }

    /// Where the border lies by what the tables say, within the first `size` records.
    fn hint(&self, size: u64) -> Result<Range<u64>, ReadError> {
        let run = {
            let state = self.log.read();
            // The first run with a record that may be on the late side.
            let later = state
                .runs
                .partition_point(|run| run.last_secs < self.time.secs());
            match state.runs.get(later) {
                Some(run) => run.clone(),
                None => return Ok(state.tail_first.min(size)..size),
            }
        };
        let rows = self.books.frame_rows(self.log, &run)?;
        let later = rows.partition_point(|row| self.is_early_time(&row.time));
        let start = later.checked_sub(1).and_then(|before| rows.get(before));
        let start = start.map_or(run.first, |row| row.first);
        let end = rows.get(later).map_or(run.end(), |row| row.first);
        Ok(start.min(size)..end.min(size))
    }

    fn halve(&self, range: Range<u64>) -> Result<u64, ReadError> {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.is_early(middle)? {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }
}
