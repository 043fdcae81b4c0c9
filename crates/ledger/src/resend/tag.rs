//! What stands for an idempotency key and for a stream where the whole would be too long: SHA-256 under a label, cut.
//!
//! See `docs/spec/labels.md`. A tag finds a record; whether it is the one, its full head says.

use crate::format::pack::Tag;
use indelible_proof::hash::Hash;
use sha2::{Digest as _, Sha256};
use std::hash::{BuildHasher, Hasher, RandomState};

const KEY_LABEL: &[u8] = b"indelible key tag v1\n";
const STREAM_LABEL: &[u8] = b"indelible stream id v1\n";

/// Stands for (log, principal, name) in memory and under `derived/`. Nobody finds two streams with one id: that takes 2^96 tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub [u8; 24]);

/// Spreads tags and ids over a table. They are hashes already, but of names that others choose, so a secret of this process is mixed in.
#[derive(Clone, Debug)]
pub struct Spread(u64);

impl Default for Spread {
    fn default() -> Spread {
        Spread(RandomState::new().hash_one(0) | 1)
    }
}

impl BuildHasher for Spread {
    type Hasher = Spreading;

    #[inline]
    fn build_hasher(&self) -> Spreading {
        Spreading {
            secret: self.0,
            sum: 0,
        }
    }
}

/// See [`Spread`].
#[derive(Debug)]
pub struct Spreading {
    secret: u64,
    sum: u64,
}

impl Hasher for Spreading {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        rest.iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.sum ^ word) * u128::from(self.secret);
        let halves = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
        let [low, high] = halves.map(|half| u64::try_from(half).expect("64 bits"));
        self.sum = low ^ high;
    }

    /// All keys of a table have one length.
    #[inline]
    fn write_usize(&mut self, _: usize) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.sum
    }
}

/// Makes the tags of one principal's keys in one log. What they begin with is hashed once.
#[derive(Clone)]
pub struct Tagger(Sha256);

impl Tagger {
    /// For the log with that id.
    #[must_use]
    pub fn new(log: &Hash, by: &str) -> Tagger {
        let mut state = Sha256::new_with_prefix(KEY_LABEL);
        state.update(log.0);
        update(&mut state, by);
        Tagger(state)
    }

    /// The tag of a key.
    #[must_use]
    #[inline]
    pub fn tag(&self, key: &str) -> Tag {
        let mut state = self.0.clone();
        update(&mut state, key);
        cut(&state.finalize().into())
    }
}

/// The id of a stream.
#[must_use]
pub fn stream_id(log: &Hash, by: &str, src: &str) -> StreamId {
    let mut state = Sha256::new_with_prefix(STREAM_LABEL);
    state.update(log.0);
    update(&mut state, by);
    update(&mut state, src);
    StreamId(cut(&state.finalize().into()))
}

/// A part of variable length: its length first.
fn update(state: &mut Sha256, part: &str) {
    let length = u32::try_from(part.len()).expect("a head has at most 4,096 bytes");
    state.update(length.to_be_bytes());
    state.update(part);
}

fn cut<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut tag = [0; N];
    tag.copy_from_slice(&hash[..N]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_ways_to_cut_a_text_give_one_tag() {
        let log = Hash([7; 32]);
        let tag = |by, key| Tagger::new(&log, by).tag(key);
        assert_ne!(tag("unix:1", "2a"), tag("unix:12", "a"));
        assert_ne!(
            tag("unix:1", "a"),
            Tagger::new(&Hash::ZERO, "unix:1").tag("a")
        );
        assert_ne!(stream_id(&log, "ab", "c"), stream_id(&log, "a", "bc"));
    }
}
