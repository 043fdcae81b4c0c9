//! The seqs of one finding: the lowest few by number, and how many there are.

use crate::limits::VERDICT_SEQS_MAX;
use core::fmt;
use core::ops::Range;

/// Places in a log, of which only the lowest eight and the count are kept, however many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seqs {
    /// Ascending; the first `count` of them count.
    lowest: [u64; VERDICT_SEQS_MAX],
    count: u64,
}

impl Seqs {
    /// None.
    #[must_use]
    pub fn new() -> Seqs {
        Seqs::default()
    }

    /// Adds one. In any order, but each once.
    pub fn add(&mut self, seq: u64) {
        let named = self.named().len();
        self.count = self.count.saturating_add(1);
        let mut seq = seq;
        for (index, place) in self.lowest.iter_mut().enumerate() {
            if index >= named {
                *place = seq;
                return;
            }
            if seq < *place {
                core::mem::swap(place, &mut seq);
            }
        }
    }

    /// Adds a whole range, in the same time as eight.
    pub fn add_range(&mut self, range: Range<u64>) {
        let all = range.end.saturating_sub(range.start);
        let named = range.take(VERDICT_SEQS_MAX);
        let before = self.count;
        named.for_each(|seq| self.add(seq));
        self.count = before.saturating_add(all);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The lowest of them, at most eight, ascending.
    #[must_use]
    pub fn named(&self) -> &[u64] {
        let named = usize::try_from(self.count).unwrap_or(usize::MAX);
        self.lowest
            .get(..named.min(VERDICT_SEQS_MAX))
            .unwrap_or_default()
    }
}

impl FromIterator<u64> for Seqs {
    fn from_iter<I: IntoIterator<Item = u64>>(seqs: I) -> Seqs {
        let mut all = Seqs::new();
        seqs.into_iter().for_each(|seq| all.add(seq));
        all
    }
}

impl fmt::Display for Seqs {
    /// `3, 5`, and past eight `1, 2, 3, 4, 5, 6, 7, 8; 12 in all`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, seq) in self.named().iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{seq}")?;
        }
        match usize::try_from(self.count) {
            Ok(count) if count <= VERDICT_SEQS_MAX => Ok(()),
            _ => write!(f, "; {} in all", self.count),
        }
    }
}
