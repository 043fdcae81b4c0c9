//! One open tail file and reading from it.
//!
//! Owns a file handle whose header was in order when it was opened. A recycled file keeps its inode, so every answer read
//! through an old handle is only as good as the slot header checked around it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tail::{Block, FileHeader, Generation, HeaderFault, SlotHeader, classify, span};
use crate::limits::{
    BLOCK, BLOCK_LEN, CHUNK, SLOT_HEADER, SLOT_HEADER_LEN, SLOT_LENGTH_MAX, TAIL_NUMBER_MAX,
};
use crate::regular;
use crate::{Place, StoreError};

/// A numbered file with a header in order.
#[derive(Debug)]
pub(crate) struct TailFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) number: u64,
    pub(crate) length: u64,
    pub(crate) generation: Generation,
    /// A later version wrote something that this one would not keep.
    pub(crate) read_only: bool,
}

impl TailFile {
    /// Opens `tail/<number>`; `writable` through the one door for that.
    ///
    /// # Errors
    /// `NotFound` if there is none, `Damaged` if its header isn't that of this store, number and length.
    pub(crate) fn open(
        root: &Path,
        number: u64,
        store_id: &[u8; 16],
        writable: bool,
    ) -> Result<Self, StoreError> {
        let path = root.join(name(number));
        let doing = || format!("open {}", path.display());
        let file = if writable {
            crate::durable::open_for_writing(&path)?
        } else {
            regular::open(&path).map_err(|source| StoreError::reading(doing(), source))?
        };
        let metadata = file
            .metadata()
            .map_err(|source| StoreError::reading(doing(), source))?;
        let block = read_at(&file, &path, 0, BLOCK_LEN)?;
        let header = match check_header(&block, number, metadata.len(), store_id) {
            Ok(header) => header,
            // Released between opening and reading: then its name is gone or leads elsewhere.
            Err(_) if !leads_to(&path, &metadata)? => return Err(StoreError::NotFound),
            Err(HeaderFault::Unsupported(what)) => {
                return Err(StoreError::Unsupported {
                    file: name(number),
                    what,
                });
            }
            Err(HeaderFault::Damaged(what)) => {
                return Err(StoreError::Damaged {
                    place: place(number, 0, BLOCK),
                    what,
                });
            }
        };
        if writable && header.read_only != 0 {
            return Err(StoreError::ReadOnly);
        }
        Ok(Self {
            file,
            path,
            number,
            length: header.length,
            generation: header.generation,
            read_only: header.read_only != 0,
        })
    }

    /// Whether the name still leads to this file in this use.
    pub(crate) fn is_current(&self) -> Result<bool, StoreError> {
        let block = read_at(&self.file, &self.path, 0, BLOCK_LEN)?;
        let metadata = self.file.metadata().map_err(|source| {
            StoreError::reading(format!("look at {}", self.path.display()), source)
        })?;
        let same =
            FileHeader::decode(&block).is_ok_and(|header| header.generation == self.generation);
        Ok(same && leads_to(&self.path, &metadata)?)
    }

    /// What the first bytes of a block say. Past the end: nothing.
    pub(crate) fn block(&self, offset: u64) -> Result<Block, StoreError> {
        let header = read_at(&self.file, &self.path, offset, SLOT_HEADER_LEN)?;
        Ok(classify(&header, &self.generation))
    }

    /// Whether the header of slot `number` stands at `offset` at this moment.
    pub(crate) fn holds(&self, offset: u64, number: u64) -> Result<Option<SlotHeader>, StoreError> {
        match self.block(offset)? {
            Block::Slot(header) if header.number == number => Ok(Some(header)),
            _ => Ok(None),
        }
    }

    pub(crate) fn place(&self, offset: u64, length: u64) -> Place {
        place(self.number, offset, length)
    }

    /// Drops the kernel's copy.
    pub(crate) fn drop_cache(&self) -> Result<(), StoreError> {
        crate::durable::drop_cache(&self.file, &self.path)
    }
}

fn check_header(
    block: &[u8],
    number: u64,
    length: u64,
    store_id: &[u8; 16],
) -> Result<FileHeader, HeaderFault> {
    let header = FileHeader::decode(block)?;
    let what = if header.store_id != *store_id {
        "tail file belongs to another store"
    } else if header.number != number {
        "tail file has another number than its name"
    } else if header.length != length {
        "tail file has another length than its header"
    } else {
        return Ok(header);
    };
    Err(HeaderFault::Damaged(what))
}

fn leads_to(path: &Path, opened: &fs::Metadata) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(named) => Ok(named.ino() == opened.ino() && named.dev() == opened.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // What can't be looked at is not gone.
        Err(source) => Err(StoreError::reading(
            format!("look at {}", path.display()),
            source,
        )),
    }
}

/// Up to `length` bytes, fewer only at the file's end.
pub(crate) fn read_at(
    file: &File,
    path: &Path,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0; length];
    let read = read_into(file, path, offset, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The same into a buffer. Gives how many bytes.
fn read_into(
    file: &File,
    path: &Path,
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, StoreError> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(length_of(done))) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(StoreError::Io {
                    doing: format!("read {} at {offset}", path.display()),
                    source,
                });
            }
        }
    }
    Ok(done)
}

/// A buffer length as a distance in a file.
pub(crate) fn length_of(length: usize) -> u64 {
    u64::try_from(length).expect("a buffer's length fits 64 bits")
}

/// `tail/000000000007`.
pub(crate) fn name(number: u64) -> String {
    format!("tail/{number:012}")
}

pub(crate) fn place(number: u64, offset: u64, length: u64) -> Place {
    Place {
        file: name(number),
        offset,
        length,
    }
}

/// The numbers of the tail files there are, ascending. Other names are not ours to judge: `list` shows them.
pub(crate) fn numbers(root: &Path) -> Result<Vec<u64>, StoreError> {
    let directory = root.join("tail");
    let doing = |source| StoreError::Io {
        doing: format!("list {}", directory.display()),
        source,
    };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(&directory).map_err(doing)? {
        let file_name = entry.map_err(doing)?.file_name();
        let number = file_name.to_str().and_then(|text| text.parse::<u64>().ok());
        numbers.extend(number.filter(|&number| {
            number <= TAIL_NUMBER_MAX
                && file_name.to_str() == Some(format!("{number:012}").as_str())
        }));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// What a position holds when slot `expected` should stand there.
#[derive(Debug)]
pub(crate) enum Here {
    Good {
        header: SlotHeader,
        bytes: Vec<u8>,
    },
    /// `span`: bytes given up with it.
    Bad {
        reason: &'static str,
        span: u64,
    },
    Nothing,
}

/// Reads a tail file front to back in large pieces.
pub(crate) struct Window {
    pub(crate) tail: Arc<TailFile>,
    /// Where in the file the buffer's bytes begin.
    start: u64,
    /// What was read, and room behind it that is not cleared each time.
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read.
    filled: usize,
}

impl Window {
    pub(crate) fn new(tail: Arc<TailFile>) -> Self {
        Self {
            tail,
            start: 0,
            buffer: Vec::new(),
            filled: 0,
        }
    }

    /// The bytes from `offset` on, fewer only at the file's end.
    fn read(&mut self, offset: u64, length: u64) -> Result<&[u8], StoreError> {
        let wanted = usize::try_from(length.min(self.tail.length.saturating_sub(offset)))
            .unwrap_or(usize::MAX);
        let kept = offset
            .checked_sub(self.start)
            .and_then(|skip| usize::try_from(skip).ok());
        let kept = kept.filter(|&skip| skip <= self.filled);
        let have = kept.map_or(0, |skip| self.filled - skip);
        if have < wanted {
            self.refill(kept, offset, wanted - have)?;
        }
        let skip = usize::try_from(offset - self.start).expect("the window covers the offset");
        let end = (skip + wanted).min(self.filled);
        Ok(self.buffer.get(skip..end).unwrap_or_default())
    }

    /// Moves the window to `offset`: keeps what it holds of that from `kept` on, and reads at least `missing` bytes behind it.
    fn refill(
        &mut self,
        kept: Option<usize>,
        offset: u64,
        missing: usize,
    ) -> Result<(), StoreError> {
        let kept = kept.unwrap_or(self.filled);
        let have = self.filled - kept;
        self.buffer.copy_within(kept..self.filled, 0);
        (self.start, self.filled) = (offset, have);
        let end = have + missing.max(CHUNK);
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        let room = self.buffer.get_mut(have..end).unwrap_or_default();
        let TailFile { file, path, .. } = &*self.tail;
        self.filled += read_into(file, path, offset + length_of(have), room)?;
        Ok(())
    }

    /// Judges the block at `offset`, any slot number. The bytes of a good slot go into `spare`, which is taken.
    pub(crate) fn judge(&mut self, offset: u64, spare: &mut Vec<u8>) -> Result<Here, StoreError> {
        let room = self.tail.length.saturating_sub(offset);
        match self.block(offset)? {
            Block::Nothing => Ok(Here::Nothing),
            Block::Bad(reason) => Ok(Here::Bad {
                reason,
                span: room.min(span(SLOT_LENGTH_MAX)),
            }),
            Block::Slot(header) if header.span() > room => Ok(Here::Bad {
                reason: "slot is longer than its file",
                span: room,
            }),
            Block::Slot(header) => self.judge_bytes(offset, header, spare),
        }
    }

    fn judge_bytes(
        &mut self,
        offset: u64,
        header: SlotHeader,
        spare: &mut Vec<u8>,
    ) -> Result<Here, StoreError> {
        let bad = |reason| Here::Bad {
            reason,
            span: header.span(),
        };
        let all = self.read(offset, header.span())?;
        let length =
            usize::try_from(header.length).expect("checked against the largest slot length");
        let parts = all
            .get(SLOT_HEADER_LEN..)
            .and_then(|after| after.split_at_checked(length));
        let Some((bytes, padding)) = parts else {
            return Ok(bad("slot is cut short"));
        };
        if crc32c::crc32c(bytes) != header.crc {
            return Ok(bad("slot bytes have a wrong checksum"));
        }
        if padding.iter().any(|&byte| byte != 0) {
            return Ok(bad("slot is followed by bytes that are not zero"));
        }
        let mut own = std::mem::take(spare);
        own.clear();
        own.extend_from_slice(bytes);
        Ok(Here::Good { header, bytes: own })
    }

    /// What the first bytes of the block at `offset` say.
    pub(crate) fn block(&mut self, offset: u64) -> Result<Block, StoreError> {
        let generation = self.tail.generation;
        Ok(classify(self.read(offset, SLOT_HEADER)?, &generation))
    }

    /// Whether the block at `offset` is all zeros.
    pub(crate) fn is_zero(&mut self, offset: u64) -> Result<bool, StoreError> {
        // By words and without stopping early: there may be a file's worth of them.
        let (words, rest) = self.read(offset, BLOCK)?.as_chunks::<8>();
        let set = words
            .iter()
            .fold(0, |set, word| set | u64::from_ne_bytes(*word));
        Ok(set == 0 && rest.iter().all(|&byte| byte == 0))
    }
}
