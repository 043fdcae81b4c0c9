//! What one file of a pack says, for somebody who looks at that file alone.
//!
//! Walks `.ent` and `.rec` front to back, a run or a frame in memory at a time, whatever the bytes are, and tells what it meets. Judges form only: whether
//! entries, nodes and records are what the tree vouches for is [`verify`](crate::verify)'s affair. What one batch, one note or one
//! register says is read with [`format`](crate::format) directly.

mod ent;
mod rec;

pub use ent::{EntSeen, RunSeen, StreamSeen, ent};
pub use rec::{FrameSeen, RecSeen, rec};

use std::io::{self, Read, Seek, SeekFrom};

/// Something wrong, and where in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Bytes from the file's beginning.
    pub at: u64,
    /// What is wrong there.
    pub what: String,
    /// A newer version wrote it.
    pub unsupported: bool,
}

impl Wrong {
    fn new(at: u64, what: impl Into<String>) -> Wrong {
        Wrong {
            at,
            what: what.into(),
            unsupported: false,
        }
    }

    /// What a decoder refused in bytes that begin at `base`.
    #[must_use]
    pub fn from_format(error: crate::format::FormatError, base: u64) -> Wrong {
        match error {
            crate::format::FormatError::Unsupported(_) => Wrong {
                at: base,
                what: error.to_string(),
                unsupported: true,
            },
            crate::format::FormatError::Damaged { offset, what } => {
                Wrong::new(base.saturating_add(wide(offset)), what)
            }
        }
    }
}

/// Up to `length` bytes at a place, fewer only at the source's end.
fn read_at(source: &mut (impl Read + Seek), at: u64, length: usize) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    source.take(wide(length)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory is below 2^64")
}

/// One read: large enough that system calls don't count, small enough to hold several.
const CHUNK: usize = 1 << 20;
