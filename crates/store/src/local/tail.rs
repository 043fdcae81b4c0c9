//! Encoding of tail files: the file header and the slot header, `docs/spec/tail.md`.
//!
//! Owns the byte pictures and the rule what counts as a slot of this use. Pure functions of bytes.

use crate::limits::{BLOCK, BLOCK_LEN, SLOT_HEADER, SLOT_HEADER_LEN, SLOT_LENGTH_MAX};

const FILE_MAGIC: &[u8; 8] = b"INDLTAIL";
const SLOT_MAGIC: &[u8; 8] = b"INDLSLOT";
const VERSION: u32 = 1;

/// Random, new at each use of a tail file. It never leaves the disk, so nobody can put a slot header into an event.
pub(crate) type Generation = [u8; 32];

/// Why a header is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// A later version wrote it: what of it this one does not know.
    Unsupported(&'static str),
    /// No version writes this: what is wrong.
    Damaged(&'static str),
}

/// Whether the bytes begin with this magic and a version other than this one.
pub(crate) fn is_another_version(bytes: &[u8], magic: &[u8; 8], version: u32) -> bool {
    let mut rest = bytes;
    take::<8>(&mut rest) == Some(*magic)
        && take::<4>(&mut rest).is_some_and(|found| u32::from_le_bytes(found) != version)
}

/// First block of a tail file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) store_id: [u8; 16],
    pub(crate) number: u64,
    /// Of the whole file.
    pub(crate) length: u64,
    pub(crate) generation: Generation,
    /// Unknown bits here forbid writing.
    pub(crate) read_only: u64,
}

impl FileHeader {
    /// The whole first block.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(BLOCK_LEN);
        block.extend_from_slice(FILE_MAGIC);
        block.extend_from_slice(&VERSION.to_le_bytes());
        block.extend_from_slice(
            &u32::try_from(BLOCK)
                .expect("the block size is 4096")
                .to_le_bytes(),
        );
        block.extend_from_slice(&0_u64.to_le_bytes());
        block.extend_from_slice(&self.read_only.to_le_bytes());
        block.extend_from_slice(&self.store_id);
        block.extend_from_slice(&self.number.to_le_bytes());
        block.extend_from_slice(&self.length.to_le_bytes());
        block.extend_from_slice(&self.generation);
        block.resize(BLOCK_LEN - 4, 0);
        block.extend_from_slice(&crc32c::crc32c(&block).to_le_bytes());
        block
    }

    /// What is wrong, if anything is.
    pub(crate) fn decode(block: &[u8]) -> Result<Self, HeaderFault> {
        let (signed, crc) = block
            .split_last_chunk::<4>()
            .ok_or(HeaderFault::Damaged("tail file header cut short"))?;
        if block.len() != BLOCK_LEN || crc32c::crc32c(signed) != u32::from_le_bytes(*crc) {
            return Err(HeaderFault::Damaged(
                "tail file header has a wrong checksum",
            ));
        }
        // Every version has its checksum there, so that one turned bit is never taken for another version.
        if is_another_version(block, FILE_MAGIC, VERSION) {
            return Err(HeaderFault::Unsupported("tail file version"));
        }
        Self::fields(signed).ok_or(HeaderFault::Damaged(
            "tail file header is not one of version 1",
        ))?
    }

    fn fields(signed: &[u8]) -> Option<Result<Self, HeaderFault>> {
        let mut rest = signed;
        if take::<8>(&mut rest)? != *FILE_MAGIC || u32::from_le_bytes(take(&mut rest)?) != VERSION {
            return None;
        }
        if u64::from(u32::from_le_bytes(take(&mut rest)?)) != BLOCK {
            return None;
        }
        if u64::from_le_bytes(take(&mut rest)?) != 0 {
            return Some(Err(HeaderFault::Unsupported("tail file features")));
        }
        let read_only = u64::from_le_bytes(take(&mut rest)?);
        let header = Self {
            store_id: take(&mut rest)?,
            number: u64::from_le_bytes(take(&mut rest)?),
            length: u64::from_le_bytes(take(&mut rest)?),
            generation: take(&mut rest)?,
            read_only,
        };
        rest.iter().all(|&byte| byte == 0).then_some(Ok(header))
    }
}

/// What stands before a slot's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotHeader {
    pub(crate) number: u64,
    /// Of the bytes alone.
    pub(crate) length: u64,
    pub(crate) crc: u32,
}

/// What the first bytes of a block say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// Nothing of this use.
    Nothing,
    /// A slot header in order; its bytes are still to be checked.
    Slot(SlotHeader),
    /// Of this use, but not in order.
    Bad(&'static str),
}

impl SlotHeader {
    pub(crate) fn encode(&self, generation: &Generation) -> [u8; SLOT_HEADER_LEN] {
        let mut bytes = Vec::with_capacity(SLOT_HEADER_LEN);
        bytes.extend_from_slice(SLOT_MAGIC);
        bytes.extend_from_slice(generation);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes.extend_from_slice(&self.crc.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes.try_into().expect("the fields are 64 bytes")
    }

    /// From the slot header's start to the next possible one.
    pub(crate) fn span(&self) -> u64 {
        span(self.length)
    }
}

/// Bytes a slot of `length` takes in a file: header, bytes, zeros to the next block.
pub(crate) fn span(length: u64) -> u64 {
    (SLOT_HEADER + length).next_multiple_of(BLOCK)
}

/// A block begins a slot of this use if the file's generation stands in its place, or if the slot header's checksum
/// agrees once that generation is put there. Both, and all else right: a slot. One of them: bad. Neither: nothing.
pub(crate) fn classify(block: &[u8], generation: &Generation) -> Block {
    let Some((header, _)) = block.split_first_chunk::<SLOT_HEADER_LEN>() else {
        return Block::Nothing;
    };
    let (Some((magic, rest)), Some((before, crc))) = (
        header.split_first_chunk::<8>(),
        header.split_last_chunk::<4>(),
    ) else {
        return Block::Nothing;
    };
    let Some((own, fields)) = rest.split_first_chunk::<32>() else {
        return Block::Nothing;
    };
    let named = own == generation;
    let tail = before
        .get(40..)
        .expect("60 bytes stand before the checksum");
    let expected = crc32c::crc32c_append(
        crc32c::crc32c_append(crc32c::crc32c(magic), generation),
        tail,
    );
    let agrees = expected == u32::from_le_bytes(*crc);
    match (named, agrees) {
        (false, false) => Block::Nothing,
        (false, true) => Block::Bad("slot header has another generation"),
        (true, false) => Block::Bad("slot header has a wrong checksum"),
        (true, true) => slot(magic, fields),
    }
}

fn slot(magic: &[u8; 8], mut fields: &[u8]) -> Block {
    let header = (|| {
        Some(SlotHeader {
            number: u64::from_le_bytes(take(&mut fields)?),
            length: u64::from_le_bytes(take(&mut fields)?),
            crc: u32::from_le_bytes(take(&mut fields)?),
        })
    })();
    match header {
        Some(header) if magic == SLOT_MAGIC && header.length <= SLOT_LENGTH_MAX => {
            Block::Slot(header)
        }
        _ => Block::Bad("slot header is not one of version 1"),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

#[cfg(test)]
mod tests;
