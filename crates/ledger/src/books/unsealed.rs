//! Entries of a log's unsealed records, in pieces: what is added copies nothing that is there, and what was sealed is given back.
//!
//! A tail at its cap holds millions of them. In one piece that doubles when it is full they would take three times their bytes at
//! that moment.

use indelible_proof::hash::Hash;
use std::collections::VecDeque;

/// Entries of a piece: 128 KiB. A piece ends where the seq is a multiple of it.
const PIECE: u64 = 4_096;

/// Contiguous entries.
#[derive(Debug, Default)]
pub(crate) struct Unsealed {
    /// Seq of the first.
    first: u64,
    end: u64,
    /// None is empty.
    pieces: VecDeque<Vec<Hash>>,
}

impl Unsealed {
    /// The entries that follow, and where the first of them stands if there are no others.
    pub(super) fn extend(&mut self, first: u64, entries: impl Iterator<Item = Hash>) {
        if self.pieces.is_empty() {
            (self.first, self.end) = (first, first);
        }
        for entry in entries {
            match self.pieces.back_mut() {
                Some(piece) if !self.end.is_multiple_of(PIECE) => piece.push(entry),
                _ => self.pieces.push_back(vec![entry]),
            }
            self.end += 1;
        }
    }

    pub(crate) fn get(&self, seq: u64) -> Option<Hash> {
        if seq < self.first || self.end <= seq {
            return None;
        }
        let number = seq / PIECE - self.first / PIECE;
        let begin = (seq - seq % PIECE).max(self.first);
        let piece = self.pieces.get(usize::try_from(number).ok()?)?;
        piece.get(usize::try_from(seq - begin).ok()?).copied()
    }

    /// So many, if all of them are here.
    pub(crate) fn range(&self, first: u64, count: u32) -> Option<impl Iterator<Item = Hash> + '_> {
        let end = first.checked_add(u64::from(count))?;
        let are_here = self.first <= first && end <= self.end;
        are_here.then(|| (first..end).map_while(|seq| self.get(seq)))
    }

    /// Gives back those below `end`.
    pub(super) fn release(&mut self, end: u64) {
        while self.first < end.min(self.end) {
            let next = (self.first - self.first % PIECE + PIECE).min(self.end);
            if next <= end {
                self.pieces.pop_front();
                self.first = next;
            } else if let Some(piece) = self.pieces.front_mut() {
                let gone = usize::try_from(end - self.first).expect("less than a piece");
                piece.drain(..gone);
                piece.shrink_to(piece.len() * 2);
                self.first = end;
            }
        }
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64) -> Hash {
        let mut hash = Hash::ZERO;
        hash.0[..8].copy_from_slice(&seq.to_be_bytes());
        hash
    }

    /// What should be there, beside what is.
    fn check(unsealed: &Unsealed, first: u64, end: u64) {
        for seq in first.saturating_sub(3)..end + 3 {
            let expected = (first..end).contains(&seq).then(|| entry(seq));
            assert_eq!(unsealed.get(seq), expected, "{seq} of {first}..{end}");
        }
        let count = u32::try_from(end - first).unwrap();
        let all: Vec<Hash> = unsealed.range(first, count).unwrap().collect();
        assert!(all.into_iter().eq((first..end).map(entry)));
        assert!(unsealed.range(first, count + 1).is_none());
    }

    #[test]
    fn entries_are_found_wherever_the_tail_begins_and_however_it_is_sealed() {
        for start in [0, 1, 4_095, 4_096, 10_000] {
            let mut unsealed = Unsealed::default();
            let (mut first, mut end) = (start, start);
            for (more, sealed) in [
                (1, 0),
                (4_095, 1),
                (9_000, 5_000),
                (1, 0),
                (3, 4_096),
                (5_000, 9_000),
            ] {
                unsealed.extend(end, (end..end + more).map(entry));
                end += more;
                check(&unsealed, first, end);
                first = (first + sealed).min(end);
                unsealed.release(first);
                check(&unsealed, first, end);
            }
            unsealed.release(end);
            assert_eq!(unsealed.get(end - 1), None);
            unsealed.extend(end, std::iter::once(entry(end)));
            check(&unsealed, end, end + 1);
        }
    }
}
