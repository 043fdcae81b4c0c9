//! The hashes of the format: entry, digest, leaf, node. Everything else that hashes calls these.
//!
//! See `docs/spec/record.md` and RFC 6962 §2.1. SHA-256 throughout.

use core::fmt;
use sha2::{Digest as _, Sha256};

/// A SHA-256 value: an entry, a leaf, a node, a root or a digest, whichever its place says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// 32 zero bytes: the `prev` of record 0.
    pub const ZERO: Hash = Hash([0; 32]);

    /// Writes 64 lower-case hex characters.
    #[must_use]
    pub fn hex(&self) -> [u8; 64] {
        let mut out = [0; 64];
        for (pair, byte) in out.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&HEX_PAIRS[usize::from(byte)]);
        }
        out
    }

    /// Reads exactly 64 lower-case hex characters.
    #[must_use]
    pub fn from_hex(text: &[u8]) -> Option<Hash> {
        if text.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        let mut seen = 0;
        for (byte, pair) in out.iter_mut().zip(text.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| HEX_VALUES[usize::from(digit)]);
            *byte = high << 4 | low & 15;
            // A look at each digit would cost more than all of them: only what is no digit has high bits.
            seen |= high | low;
        }
        (seen < 16).then_some(Hash(out))
    }
}

/// The two hex characters of every byte value, so that writing hex is a table look-up.
pub const HEX_PAIRS: [[u8; 2]; 256] = {
    let digits = *b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut value = 0;
    while value < 256 {
        table[value] = [digits[value >> 4], digits[value & 15]];
        value += 1;
    }
    table
};

/// The value of one lower-case hex digit.
#[must_use]
pub fn hex_digit(byte: u8) -> Option<u8> {
    let value = HEX_VALUES[usize::from(byte)];
    (value != NO_DIGIT).then_some(value)
}

const NO_DIGIT: u8 = 0xFF;

/// The value of every byte as a digit, so that reading hex is a table look-up too.
const HEX_VALUES: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let (mut place, mut byte) = (0, 0_u8);
    while place < 256 {
        table[place] = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => NO_DIGIT,
        };
        place += 1;
        byte = byte.wrapping_add(1);
    }
    table
};

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of the bytes themselves: a head's entry, a section's digest.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// SHA-256 of bytes that come in pieces: an export while it is written or read.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Hasher {
        Hasher::default()
    }

    /// Appends some bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all of them.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// The entry of a head: `printf %s "$HEAD" | sha256sum`.
#[must_use]
pub fn entry(head: &[u8]) -> Hash {
    sha256(head)
}

/// The digest of an event under its salt, which is 32 hex characters of text.
#[must_use]
pub fn digest(salt: &[u8], event: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update(salt)
            .chain_update(event)
            .finalize()
            .into(),
    )
}

/// The leaf of an entry, RFC 6962: SHA-256(0x00 ‖ entry).
#[must_use]
pub fn leaf(entry: &Hash) -> Hash {
    let mut block = [0; 64];
    block[1..33].copy_from_slice(&entry.0);
    block[33] = END_OF_MESSAGE;
    block[62..].copy_from_slice(&bits(33));
    compressed(&[block])
}

/// An inner node, RFC 6962: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let [mut first, mut second] = [[0; 64]; 2];
    let (of_first, of_second) = right.0.split_at(31);
    first[0] = 1;
    first[1..33].copy_from_slice(&left.0);
    first[33..].copy_from_slice(of_first);
    second[..1].copy_from_slice(of_second);
    second[1] = END_OF_MESSAGE;
    second[62..].copy_from_slice(&bits(65));
    compressed(&[first, second])
}

/// What SHA-256 puts behind a message, before its length in bits (FIPS 180-4 §5.1.1).
const END_OF_MESSAGE: u8 = 0x80;

const fn bits(bytes: u16) -> [u8; 2] {
    (bytes * 8).to_be_bytes()
}

/// SHA-256 of a message that was laid out in blocks. A tree has millions of such hashes, and a buffer that takes a message of any
/// length would cost each a fifth more.
fn compressed(blocks: &[[u8; 64]]) -> Hash {
    let mut state = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    sha2::block_api::compress256(&mut state, blocks);
    let mut hash = Hash::ZERO;
    for (bytes, word) in hash.0.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(b"")
}

#[cfg(test)]
mod tests;
