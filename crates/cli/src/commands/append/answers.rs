//! Takes what became of each group, in order, writes receipts, and counts.

use super::belt::{Belt, Permit, Stop};
use super::claims::Claims;
use super::progress::Progress;
use super::receipts::Receipts;
use indelible_ledger::{Ledger, Log, Refusal, Ticket};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// A group on its way to the disk.
pub struct Submitted {
    /// Line of its first event.
    pub line: u64,
    /// Of the input.
    pub bytes: usize,
    /// Gives the outcome.
    pub ticket: Ticket,
    /// Held until then.
    pub permit: Arc<Permit>,
}

/// Events that are on disk.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// How many.
    pub events: u64,
    /// Events that had been recorded before, and were not again.
    pub before: u64,
    /// Bytes of input they came in.
    pub bytes: u64,
    /// Seq of the first.
    pub first: u64,
    /// Seq of the last.
    pub last: u64,
}

/// The first group that was not recorded, or may not have been.
pub struct Refused {
    /// Line of its first event.
    pub line: u64,
    /// Why.
    pub refusal: Refusal,
}

/// What became of everything that was submitted.
pub struct Tally {
    /// On disk.
    pub recorded: Recorded,
    /// Not on disk, or unknown.
    pub refused: Option<Refused>,
    /// Whether every receipt was written.
    pub receipts: io::Result<()>,
}

/// Waits for everything submitted.
pub fn take(
    ledger: &Ledger,
    log: &Arc<Log>,
    belt: &Belt,
    submitted: &Receiver<Submitted>,
    mut receipts: Receipts,
    progress: &Progress,
    claims: &Claims,
) -> Tally {
    let mut tally = Tally {
        recorded: Recorded::default(),
        refused: None,
        receipts: Ok(()),
    };
    while let Some(Submitted {
        line,
        bytes,
        ticket,
        permit,
    }) = next(submitted, &mut receipts, &mut tally, belt)
    {
        match ticket.wait() {
            Ok(records) => {
                count(&mut tally.recorded, &records, bytes);
                for record in &records {
                    if tally.receipts.is_ok() {
                        tally.receipts = receipts.write(ledger, log, record);
                    }
                }
                stop_without_receipts(&tally, belt);
            }
            Err(refusal) if belt.keeps_going() && claims.bad(line, &refusal).is_some() => {
                claims
                    .bad(line, &refusal)
                    .into_iter()
                    .for_each(|bad| belt.found(bad));
            }
            Err(refusal) => {
                belt.stop(Stop::Refused {
                    line,
                    refusal: refusal.clone(),
                });
                tally.refused.get_or_insert(Refused { line, refusal });
            }
        }
        drop(permit);
        progress.at(&tally.recorded);
    }
    if tally.receipts.is_ok() {
        tally.receipts = receipts.finish();
    }
    tally
}

/// The next group. Before waiting for one, receipts written so far are handed on: whoever reads them may wait for them.
fn next(
    submitted: &Receiver<Submitted>,
    receipts: &mut Receipts,
    tally: &mut Tally,
    belt: &Belt,
) -> Option<Submitted> {
    if let Ok(group) = submitted.try_recv() {
        return Some(group);
    }
    if tally.receipts.is_ok() {
        tally.receipts = receipts.flush();
        stop_without_receipts(tally, belt);
    }
    submitted.recv().ok()
}

/// Recording without receipts is not what was asked for.
fn stop_without_receipts(tally: &Tally, belt: &Belt) {
    if tally.receipts.is_err() {
        belt.stop(Stop::NoReceipts);
    }
}

impl Recorded {
    /// Counts an event, and the bytes it came in if it is new.
    pub fn add(&mut self, seq: u64, again: bool, bytes: usize) {
        if again {
            self.before += 1;
            return;
        }
        if self.events == 0 {
            self.first = seq;
        }
        self.events += 1;
        self.last = seq;
        self.bytes += u64::try_from(bytes).unwrap_or(0);
    }
}

fn count(recorded: &mut Recorded, records: &[indelible_ledger::Recorded], bytes: usize) {
    for record in records {
        recorded.add(record.seq, record.again, 0);
    }
    if records.iter().any(|record| !record.again) {
        recorded.bytes += u64::try_from(bytes).unwrap_or(0);
    }
}
