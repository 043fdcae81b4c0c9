//! Originals read back together: who sends again often sends many, one after the other, and a frame read for one has the next.

use crate::books::{Books, Log};
use crate::limits::{BLOCK_RECORDS, FRAME_READ_BYTES_MAX};
use crate::view::{ReadError, Stored};
use indelible_proof::head::{Head, Stream};

/// Records of one log that stand one after the other.
pub(super) struct Originals {
    block: Vec<Stored>,
    /// Index behind the one given last.
    next: usize,
    /// Records read at once.
    count: u64,
}

/// Why reading ended.
enum Stop {
    /// There is enough.
    Full,
    /// See [`ReadError`].
    Failed(ReadError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Stop {
        Stop::Failed(error)
    }
}

impl Originals {
    /// For so many events that may have been sent before.
    pub(super) fn of(events: usize) -> Originals {
        Originals {
            block: Vec::new(),
            next: 0,
            count: if events == 1 { 1 } else { BLOCK_RECORDS },
        }
    }

    /// The record at `seq`.
    pub(super) fn record(
        &mut self,
        books: &Books,
        log: &Log,
        seq: u64,
    ) -> Result<Stored, ReadError> {
        if self.index_of(seq).is_none() {
            self.read(books, log, seq)?;
        }
        let index = self.index_of(seq).ok_or_else(|| ReadError::NoSuchRecord {
            log: log.name().to_owned(),
            seq,
            size: log.size(),
        })?;
        self.next = index + 1;
        Ok(self.block[index].clone())
    }

    /// The record behind the one given last that has this number, if it was read already.
    pub(super) fn find(&self, by: &str, stream: &Stream<'_>) -> Option<u64> {
        let rest = self.block.get(self.next..)?;
        let found = rest.iter().find(|stored| {
            Head::parse(&stored.head)
                .is_ok_and(|head| head.shared.by == by && head.own.stream.as_ref() == Some(stream))
        });
        found.map(|stored| stored.seq)
    }

    fn index_of(&self, seq: u64) -> Option<usize> {
        let first = self.block.first()?.seq;
        let index = usize::try_from(seq.checked_sub(first)?).ok()?;
        (index < self.block.len()).then_some(index)
    }

    fn read(&mut self, books: &Books, log: &Log, seq: u64) -> Result<(), ReadError> {
        self.block.clear();
        let (block, mut bytes) = (&mut self.block, 0);
        let end = log.size().min(seq.saturating_add(self.count));
        let read = books.records(log, seq..end.max(seq + 1), &mut |stored: Stored| {
            bytes += stored.content.as_ref().map_or(0, |(_, event)| event.len());
            block.push(stored);
            match bytes < FRAME_READ_BYTES_MAX {
                true => Ok(()),
                false => Err(Stop::Full),
            }
        });
        match read {
            Ok(()) | Err(Stop::Full) => Ok(()),
            // What was read before the trouble is sound; whether it holds the one wanted is asked next.
            Err(Stop::Failed(_)) if !self.block.is_empty() => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}
