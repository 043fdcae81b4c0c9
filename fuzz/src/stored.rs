//! Bytes whose checks are right.
//!
//! A changed byte nearly always breaks a CRC or a digest first, and nothing behind it is ever reached. These functions take any
//! bytes and make the checks fit what stands there; an attacker who writes a file can do the same.

use indelible_ledger::format::batch::{
    BatchHeader, HEADER_BYTES, ROW_BYTES, Row, SIGNATURE_BYTES, rows_root,
};
use indelible_ledger::format::frame::FRAME_HEADER_BYTES;
use indelible_ledger::format::pack::{ENT_HEADER_BYTES, SECTIONS};
use indelible_proof::hash;

/// The first frame of `bytes` with the CRC that its other bytes give.
pub fn with_frame_check(mut bytes: Vec<u8>) -> Vec<u8> {
    let Some((header, rest)) = bytes.split_first_chunk_mut::<FRAME_HEADER_BYTES>() else {
        return bytes;
    };
    let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    let stored = usize::try_from(length)
        .ok()
        .and_then(|length| rest.get(..length))
        .unwrap_or(rest);
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..20]), stored);
    header[20..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// A batch whose header commits to the rows and notes that follow it.
pub fn with_batch_digests(mut bytes: Vec<u8>) -> Vec<u8> {
    let Ok(mut header) = BatchHeader::decode(&bytes) else {
        return bytes;
    };
    let (Ok(rows_count), Ok(notes_len)) = (
        usize::try_from(header.rows),
        usize::try_from(header.notes_len),
    ) else {
        return bytes;
    };
    let rows_at = HEADER_BYTES + SIGNATURE_BYTES;
    let notes_at = rows_at + rows_count * ROW_BYTES;
    let Some(rows_bytes) = bytes.get(rows_at..notes_at) else {
        return bytes;
    };
    let (chunks, _) = rows_bytes.as_chunks::<ROW_BYTES>();
    if let Ok(rows) = chunks
        .iter()
        .map(Row::decode)
        .collect::<Result<Vec<_>, _>>()
    {
        header.rows_root = rows_root(&rows);
    }
    if let Some(notes) = notes_at
        .checked_add(notes_len)
        .and_then(|end| bytes.get(notes_at..end))
    {
        header.notes_sha = hash::sha256(notes);
    }
    bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
    bytes
}

/// An `.ent` file whose header has the digests of its sections, and the CRC that its other bytes give.
pub fn with_pack_checks(mut bytes: Vec<u8>) -> Vec<u8> {
    const SECTION_BYTES: usize = 52;
    const SECTIONS_AT: usize = ENT_HEADER_BYTES - 8 - SECTIONS * SECTION_BYTES;
    let Some((header, body)) = bytes.split_first_chunk_mut::<ENT_HEADER_BYTES>() else {
        return bytes;
    };
    let mut at = 0_usize;
    for section in header[SECTIONS_AT..]
        .chunks_exact_mut(SECTION_BYTES)
        .take(SECTIONS)
    {
        let length = section[8..16]
            .try_into()
            .map(u64::from_le_bytes)
            .unwrap_or_default();
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| at.checked_add(length));
        let Some(content) = end.and_then(|end| body.get(at..end)) else {
            break;
        };
        section[16..48].copy_from_slice(&hash::sha256(content).0);
        at += content.len();
    }
    with_last_check(header);
    bytes
}

/// A header that ends with the CRC of the bytes before it.
pub fn with_last_check(header: &mut [u8]) {
    if let Some((covered, crc)) = header.split_last_chunk_mut::<4>() {
        *crc = crc32c::crc32c(covered).to_le_bytes();
    }
}

/// A tail file whose header, and whatever stands where a slot may begin, has the checksums that its bytes give; slots also the
/// generation of the header.
pub fn with_tail_checks(mut bytes: Vec<u8>) -> Vec<u8> {
    const BLOCK: usize = 4096;
    const GENERATION: std::ops::Range<usize> = 64..96;
    let Some(generation) = bytes.get(GENERATION).map(<[u8]>::to_vec) else {
        return bytes;
    };
    if let Some(header) = bytes.get_mut(..BLOCK) {
        with_last_check(header);
    }
    for at in (BLOCK..bytes.len()).step_by(BLOCK) {
        let Some((header, rest)) = bytes[at..].split_first_chunk_mut::<64>() else {
            break;
        };
        if !header.starts_with(b"INDL") {
            continue;
        }
        header[8..40].copy_from_slice(&generation);
        let length = header[48..56].try_into().map(u64::from_le_bytes);
        let slot = length
            .ok()
            .and_then(|length| usize::try_from(length).ok())
            .and_then(|length| rest.get(..length));
        if let Some(slot) = slot {
            header[56..60].copy_from_slice(&crc32c::crc32c(slot).to_le_bytes());
        }
        with_last_check(header);
    }
    bytes
}
