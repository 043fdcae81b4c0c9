//! All chance of a history, from its seed.
//!
//! Owns SplitMix64. What is drawn depends on nothing but the seed and the order of the draws, so the same seed is the same history.

use indelible_ledger::Random;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `sides` - 1; 0 for none.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.number().checked_rem(sides).unwrap_or(0)
    }

    /// One time in `of`.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.roll(of) == 0
    }

    /// An index into something of that length.
    pub fn index(&mut self, length: usize) -> usize {
        let sides = u64::try_from(length).expect("a length fits 64 bits");
        usize::try_from(self.roll(sides)).expect("less than a length")
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let index = self.index(list.len());
        list.get(index)
    }

    /// Another stream, so that who draws more from it changes nothing here.
    pub fn fork(&mut self) -> Dice {
        Dice(self.number())
    }

    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let bytes = self.number().to_le_bytes();
            chunk
                .iter_mut()
                .zip(bytes)
                .for_each(|(byte, drawn)| *byte = drawn);
        }
    }

    /// Random bytes for the ledger and the store.
    pub fn random(&mut self) -> Random {
        let mut dice = self.fork();
        Box::new(move |out| dice.fill(out))
    }
}
