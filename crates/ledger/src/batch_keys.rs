//! Which key signed which batch of the tail.
//!
//! The batch key is named by `_node`'s genesis and by the `key` records of `_node`; where a record stands in the tail says from which batch
//! on its key signs (`docs/spec/keys.md`, *Rotation and recovery*). Recovery, sealing and the verifier ask here.

/// A key that `_node` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    /// The record that names it; 0 is the genesis.
    seq: u64,
    key: [u8; 32],
    /// Nobody else could sign the batch that holds the record.
    is_recovery: bool,
}

/// Where records of `_node` lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RowAt {
    batch: u64,
    first: u64,
    end: u64,
}

/// The batch keys of a store and the rows of `_node` in its tail.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchKeys {
    /// Ascending by seq.
    named: Vec<Named>,
    /// Ascending; one for each batch of the tail that holds records of `_node`.
    rows: Vec<RowAt>,
}

impl BatchKeys {
    /// A record of `_node` names a key. Records come in any order, and the same may come twice.
    pub(crate) fn name(&mut self, seq: u64, key: [u8; 32], is_recovery: bool) {
        let named = Named {
            seq,
            key,
            is_recovery,
        };
        let place = self.named.partition_point(|known| known.seq < seq);
        if self.named.get(place).is_none_or(|known| known.seq != seq) {
            self.named.insert(place, named);
        }
    }

    /// A batch holds these records of `_node`. Batches come in order.
    pub(crate) fn row(&mut self, batch: u64, first: u64, end: u64) {
        self.rows.push(RowAt { batch, first, end });
    }

    /// Rows of batches below are no longer asked for, but for the one that says where `_node` stood.
    pub(crate) fn release(&mut self, below: u64) {
        let gone = self.rows.partition_point(|row| row.batch < below);
        self.rows.drain(..gone.saturating_sub(1));
    }

    /// The key that signs the batch of this number. `None`: no record names one.
    pub(crate) fn of(&self, batch: u64) -> Option<[u8; 32]> {
        let place = self.rows.partition_point(|row| row.batch < batch);
        let here = self.rows.get(place);
        let size = match (
            place
                .checked_sub(1)
                .and_then(|before| self.rows.get(before)),
            here,
        ) {
            (Some(before), _) => before.end,
            (None, Some(first)) => first.first,
            (None, None) => u64::MAX,
        };
        let row = here.filter(|row| row.batch == batch);
        let recovered = |named: &&Named| {
            named.is_recovery && row.is_some_and(|row| (row.first..row.end).contains(&named.seq))
        };
        let signs = |named: &&Named| named.seq == 0 || named.seq < size || recovered(named);
        self.named.iter().rev().find(signs).map(|named| named.key)
    }

    /// The newest key.
    pub(crate) fn newest(&self) -> Option<[u8; 32]> {
        self.named.last().map(|named| named.key)
    }

    /// Every key there was.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.named.iter().map(|named| &named.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_from_the_batch_after_the_one_that_names_it() {
        let mut keys = BatchKeys::default();
        assert_eq!(keys.of(0), None);
        keys.name(0, [0; 32], false);
        keys.name(7, [1; 32], false);
        keys.name(12, [2; 32], true);
        for (batch, first, end) in [
            (20, 5, 7),
            (22, 7, 8),
            (25, 8, 12),
            (30, 12, 13),
            (31, 13, 14),
        ] {
            keys.row(batch, first, end);
        }
        let signs = |range: std::ops::RangeInclusive<u64>, key: u8| {
            for batch in range {
                assert_eq!(keys.of(batch), Some([key; 32]), "{batch}");
            }
        };
        signs(0..=22, 0); // the batch with the record itself is the old key's
        signs(23..=29, 1);
        signs(30..=40, 2); // a recovery signs its own batch
    }

    #[test]
    fn without_a_row_in_the_tail_the_newest_key_signs_all_of_it() {
        let mut keys = BatchKeys::default();
        keys.name(9, [1; 32], false);
        keys.name(0, [0; 32], false);
        keys.name(9, [1; 32], false);
        assert_eq!(keys.of(3), Some([1; 32]));
        assert_eq!(keys.newest(), Some([1; 32]));
    }

    #[test]
    fn what_is_released_changes_no_answer_about_the_rest() {
        let mut keys = BatchKeys::default();
        keys.name(0, [0; 32], false);
        keys.name(4, [1; 32], false);
        keys.row(3, 3, 4);
        keys.row(5, 4, 5);
        keys.row(9, 5, 6);
        keys.release(7);
        assert_eq!((keys.of(7), keys.of(9)), (Some([1; 32]), Some([1; 32])));
    }
}
