//! Which record is at fault where one does not give its entry: a head names the entry before it, so a damaged entry makes the record
//! behind it look altered too.

use super::{Books, Place, ReadError};
use crate::books::Log;
use crate::format::frame::{FrameScratch, Record};
use crate::scan::HeadBuilder;
use indelible_proof::hash::{self, Hash};

/// How far back the last sound entry is looked for: what is lost together on a disk, a page, holds 128 entries.
const BACK: u64 = 256;

impl Books {
    /// What is wrong where the record at `seq` does not give `entry`, its own, behind the stored one. If it does so behind the entry that
    /// the record before it gives, that one's stored entry is damaged, and not this record.
    pub(super) fn blame(
        &self,
        log: &Log,
        (seq, record, entry): (u64, &Record<'_>, Hash),
        place: &Place<'_>,
    ) -> ReadError {
        let altered = place.altered(log, seq);
        let from = seq.saturating_sub(BACK);
        let Ok(given) = self.given(log, from, seq) else {
            return altered;
        };
        let Some(before) = given.last().filter(|_| seq > 0) else {
            return altered;
        };
        if hash::entry(HeadBuilder::new(log.head_start()).head(record, seq, before)) != entry {
            return altered;
        }
        let Ok(stored) = self.entries(log, from..seq) else {
            return altered;
        };
        let pairs = given.iter().zip(&stored).zip(from..);
        let mut wrong = pairs.filter_map(|((given, stored), seq)| (given != stored).then_some(seq));
        let Some(first) = wrong.next() else {
            return altered;
        };
        let last = wrong.last().unwrap_or(first);
        match log.read().run_of(first) {
            Some(run) => ReadError::Damaged {
                log: log.name().to_owned(),
                file: run.pack.ent.clone(),
                offset: run.entries_at + (first - run.first) * 32,
                seqs: first..last + 1,
                what: "the stored entry is not the one that its record gives".to_owned(),
            },
            None => altered,
        }
    }

    /// The entries that records give, each behind what the one before gives, the first behind the stored one.
    fn given(&self, log: &Log, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        let mut given: Vec<Hash> = Vec::new();
        let mut scratch = FrameScratch::default();
        let mut builder = HeadBuilder::new(log.head_start());
        let mut next = from;
        while next < to {
            next = self.frames(log, next, to, &mut |frame, entries, place| {
                let columns = frame
                    .columns(&mut scratch)
                    .map_err(|error| place.damaged(log, &error))?;
                let all = columns.records().zip(entries).zip(frame.first_seq()..);
                for ((record, before), seq) in all.filter(|(_, seq)| (from..to).contains(seq)) {
                    let before = *given.last().unwrap_or(before);
                    given.push(hash::entry(builder.head(&record, seq, &before)));
                }
                Ok::<(), ReadError>(())
            })?;
        }
        Ok(given)
    }
}
