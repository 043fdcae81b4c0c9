//! What one file of the store's own framing says, for somebody who looks at that file alone.
//!
//! Owns reading `FORMAT`, tail files, slots set aside and registers as far as they can be read at all (`docs/spec/tail.md`), in bounded
//! memory and without panicking on any bytes. Judges form only: whether a slot is the right one, or in its place, is the walk's
//! affair. Never shows a file's generation, which is not to leave the disk.

use std::io::{self, Read, Seek, SeekFrom};

use crate::limits::{BLOCK, BLOCK_LEN, SLOT_HEADER, SLOT_HEADER_LEN, SLOT_LENGTH_MAX};
use crate::local::format::{Format, FormatFault};
use crate::local::register;
use crate::local::tail::{Block, FileHeader, HeaderFault, SlotHeader, classify};

/// Why a file is not in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A newer version wrote it: what this one does not know.
    Unsupported(&'static str),
    /// What is wrong.
    Damaged(&'static str),
}

impl From<HeaderFault> for Fault {
    fn from(fault: HeaderFault) -> Self {
        match fault {
            HeaderFault::Unsupported(what) => Self::Unsupported(what),
            HeaderFault::Damaged(what) => Self::Damaged(what),
        }
    }
}

/// What is wrong with the text of a `FORMAT`, if anything is. Its lines speak for themselves.
#[must_use]
pub fn format_fault(text: &[u8]) -> Option<Fault> {
    match Format::parse(text) {
        Ok(_) => None,
        Err(FormatFault::Version) => Some(Fault::Unsupported("store version")),
        Err(FormatFault::Incompatible) => Some(Fault::Unsupported("store features")),
        Err(FormatFault::Damaged) => Some(Fault::Damaged("not what a store writes")),
    }
}

/// What stands at the beginning of every binary file: magic, version, and two masks. `None`: it is shorter than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Masks {
    /// 0 in what this version writes.
    pub version: u32,
    /// A bit set here that is not known: the file can't be read.
    pub incompatible: u64,
    /// A bit set here that is not known: the store can't be written.
    pub read_only: u64,
}

impl Masks {
    /// Reads them off the beginning of a file, whatever its checksum says.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            version: u32::from_le_bytes(field(bytes, 8)?),
            incompatible: u64::from_le_bytes(field(bytes, 16)?),
            read_only: u64::from_le_bytes(field(bytes, 24)?),
        })
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The content of a register file.
///
/// # Errors
/// [`Fault`].
pub fn register_content(file: &[u8]) -> Result<Vec<u8>, Fault> {
    Ok(register::decode(file)?.content)
}

/// The header of a tail file as it stands, but for its generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailHeader {
    /// The store's id.
    pub store_id: [u8; 16],
    /// Number of the file.
    pub number: u64,
    /// Bytes the file is to have.
    pub length: u64,
    /// What is wrong with the header.
    pub fault: Option<Fault>,
}

/// What stands at a place of a tail file where a slot may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSeen {
    /// Of its header, from the file's beginning.
    pub offset: u64,
    /// Its number and length as the header says them, if the header is in order.
    pub said: Option<(u64, u64)>,
    /// The bytes, or what is wrong.
    pub bytes: Result<Vec<u8>, &'static str>,
}

/// A walk over all of a tail file, block by block.
pub struct TailWalk<R> {
    source: R,
    length: u64,
    offset: u64,
    generation: [u8; 32],
    /// The header.
    pub header: TailHeader,
    /// Its version and masks.
    pub masks: Masks,
    /// Blocks passed that hold neither a slot nor zeros.
    pub left_over: u64,
    /// Blocks passed that hold zeros.
    pub empty: u64,
}

impl<R: Read + Seek> TailWalk<R> {
    /// Reads the header. `None`: the file has no whole block.
    ///
    /// # Errors
    /// The source's.
    pub fn open(mut source: R) -> io::Result<Option<Self>> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let mut block = vec![0; BLOCK_LEN];
        if read_full(&mut source, &mut block)? < BLOCK_LEN {
            return Ok(None);
        }
        let (Some(masks), Some(generation)) = (Masks::of(&block), field(&block, 64)) else {
            return Ok(None);
        };
        let header = TailHeader {
            store_id: field(&block, 32).unwrap_or_default(),
            number: field(&block, 48).map_or(0, u64::from_le_bytes),
            length: field(&block, 56).map_or(0, u64::from_le_bytes),
            fault: FileHeader::decode(&block).err().map(Fault::from),
        };
        Ok(Some(Self {
            source,
            length,
            offset: BLOCK,
            generation,
            header,
            masks,
            left_over: 0,
            empty: 0,
        }))
    }

    /// Bytes the file has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next place where a slot begins or seems to. `None`: the file ends.
    ///
    /// # Errors
    /// The source's.
    pub fn next_slot(&mut self) -> io::Result<Option<SlotSeen>> {
        let mut block = vec![0; BLOCK_LEN];
        while self.offset < self.length {
            let read = read_full(&mut self.source, &mut block)?;
            let block = block.get(..read).unwrap_or_default();
            let offset = self.offset;
            match classify(block, &self.generation) {
                Block::Nothing => {
                    self.offset += BLOCK;
                    let zeros = block.iter().all(|&byte| byte == 0);
                    *(if zeros {
                        &mut self.empty
                    } else {
                        &mut self.left_over
                    }) += 1;
                }
                Block::Bad(what) => {
                    self.offset += BLOCK;
                    let bytes = Err(what);
                    return Ok(Some(SlotSeen {
                        offset,
                        said: None,
                        bytes,
                    }));
                }
                Block::Slot(header) => return self.slot(header, block).map(Some),
            }
        }
        Ok(None)
    }

    /// The slot whose first block was just read. Behind one that is not good every block is looked at.
    fn slot(&mut self, header: SlotHeader, first: &[u8]) -> io::Result<SlotSeen> {
        let offset = self.offset;
        let room = self.length.saturating_sub(offset);
        let bytes = if header.span() > room {
            Err("slot is longer than its file")
        } else {
            let mut all = first.to_vec();
            let span = usize::try_from(header.span()).unwrap_or(usize::MAX);
            all.resize(span.max(first.len()), 0);
            let rest = all.get_mut(first.len()..).unwrap_or_default();
            read_full(&mut self.source, rest)?;
            judge(&all, &header)
        };
        self.offset += if bytes.is_ok() { header.span() } else { BLOCK };
        self.source.seek(SeekFrom::Start(self.offset))?;
        Ok(SlotSeen {
            offset,
            said: Some((header.number, header.length)),
            bytes,
        })
    }
}

/// A slot that was set aside, or its beginning: read by the generation that stands in it.
#[must_use]
pub fn slot_alone(file: &[u8]) -> SlotSeen {
    let generation = field(file, 8).unwrap_or([0; 32]);
    let (said, bytes) = match classify(file, &generation) {
        Block::Nothing => (None, Err("slot header is cut short")),
        Block::Bad(what) => (None, Err(what)),
        Block::Slot(header) => (Some((header.number, header.length)), judge(file, &header)),
    };
    SlotSeen {
        offset: 0,
        said,
        bytes,
    }
}

/// Whether a file begins as a slot.
#[must_use]
pub fn is_slot(bytes: &[u8]) -> bool {
    bytes.starts_with(b"INDLSLOT")
}

/// The bytes behind a slot header in order, if they are what it says.
fn judge(slot: &[u8], header: &SlotHeader) -> Result<Vec<u8>, &'static str> {
    let length = usize::try_from(header.length).unwrap_or(usize::MAX);
    let parts = slot
        .get(SLOT_HEADER_LEN..)
        .and_then(|after| after.split_at_checked(length));
    let Some((bytes, padding)) = parts else {
        return Err("slot is cut short");
    };
    if crc32c::crc32c(bytes) != header.crc {
        return Err("slot bytes have a wrong checksum");
    }
    let to_block = usize::try_from(header.span() - SLOT_HEADER - header.length).unwrap_or(0);
    let padding = padding.get(..to_block).unwrap_or(padding);
    if padding.iter().any(|&byte| byte != 0) {
        return Err("slot is followed by bytes that are not zero");
    }
    Ok(bytes.to_vec())
}

/// The largest file that quarantine makes of a slot.
pub const SLOT_FILE_MAX: u64 = SLOT_LENGTH_MAX + BLOCK;

/// Fills the buffer as far as there are bytes.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
