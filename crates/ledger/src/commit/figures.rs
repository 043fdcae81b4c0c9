//! What whoever watches a node wants to know of its commits: how many, how large, how long the disk takes.
//!
//! Numbers that whoever has the disk's turn raises; who reads them gets each by itself. Nothing depends on them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the classes by which commits are counted: from a disk with a memory of its own to one that is about to fail.
pub const COMMIT_CLASSES: [Duration; 12] = [
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(10),
];

/// Batches that became durable since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitFigures {
    /// How many of them took at most so long to be written and synced, and longer than the class before; last, those that took longer
    /// than all of [`COMMIT_CLASSES`].
    pub classes: [u64; COMMIT_CLASSES.len() + 1],
    /// How long all of them took.
    pub taken: Duration,
    /// Their records, the node's own among them.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl CommitFigures {
    /// How many batches.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.classes.iter().sum()
    }
}

#[derive(Default)]
pub(crate) struct Counting {
    classes: [AtomicU64; COMMIT_CLASSES.len() + 1],
    nanos: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Counting {
    /// A batch became durable.
    pub(super) fn count(&self, nanos: u64, records: u64, bytes: u64) {
        let taken = Duration::from_nanos(nanos);
        let class = COMMIT_CLASSES.partition_point(|most| *most < taken);
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of all batches.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> CommitFigures {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CommitFigures {
            classes: self.classes.each_ref().map(now),
            taken: Duration::from_nanos(now(&self.nanos)),
            records: now(&self.records),
            bytes: now(&self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_counted_in_the_first_class_that_is_not_below_it() {
        let counting = Counting::default();
        for (nanos, class) in [
            (0, 0),
            (250_000, 0),
            (250_001, 1),
            (999_999, 2),
            (1_000_000, 2),
            (10_000_000_000, 11),
            (10_000_000_001, 12),
        ] {
            let before = counting.now();
            counting.count(nanos, 3, 100);
            let mut expected = before.clone();
            expected.classes[class] += 1;
            expected.taken += Duration::from_nanos(nanos);
            expected.records += 3;
            expected.bytes += 100;
            assert_eq!(counting.now(), expected, "{nanos}");
            assert_eq!(counting.now().batches(), before.batches() + 1);
            assert_eq!(counting.bytes(), expected.bytes);
        }
    }
}
