//! The register: one small file on another path, replaced whole.
//!
//! Owns its framing. The one writer under the store's lock is the only one that swaps, so reading, comparing and
//! renaming needs no lock of its own.

use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use super::tail_file::{length_of, read_at};
use crate::durable::Disk;
use crate::limits::REGISTER_MAX;
use crate::{Place, StoreError};

const MAGIC: &[u8; 8] = b"INDLREGI";
const HEAD_LEN: usize = 32;

/// Its content; `None` if there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(StoreError::Io {
                doing: format!("open {}", path.display()),
                source,
            });
        }
    };
    let bytes = read_at(&file, path, 0, HEAD_LEN + REGISTER_MAX + 5)?;
    match decode(&bytes) {
        Ok(content) => Ok(Some(content)),
        Err(what) => {
            let place = Place {
                file: path.display().to_string(),
                offset: 0,
                length: length_of(bytes.len()),
            };
            Err(StoreError::Damaged { place, what })
        }
    }
}

/// Replaces the content if it is `expected`.
pub(crate) fn swap(
    disk: &Disk,
    path: &Path,
    expected: Option<&[u8]>,
    new: &[u8],
) -> Result<(), StoreError> {
    if new.len() > REGISTER_MAX {
        return Err(StoreError::TooLarge {
            length: length_of(new.len()),
            most: length_of(REGISTER_MAX),
        });
    }
    if read(path)?.as_deref() != expected {
        return Err(StoreError::Conflict);
    }
    let building = building(path);
    if building.exists() {
        disk.remove(&building)?;
    }
    let file = disk.create(&building)?;
    disk.write(&file, &building, 0, &mut [IoSlice::new(&encode(new))])?;
    disk.sync_all(&file, &building)?;
    disk.replace(&building, path)?;
    disk.sync_directory(directory(path))
}

/// The directory whose names must be synced.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn building(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

pub(crate) fn encode(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_LEN + content.len() + 4);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    bytes.extend_from_slice(
        &u32::try_from(content.len())
            .expect("checked against the bound")
            .to_le_bytes(),
    );
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let (signed, crc) = bytes
        .split_last_chunk::<4>()
        .ok_or("register is cut short")?;
    if crc32c::crc32c(signed) != u32::from_le_bytes(*crc) {
        return Err("register has a wrong checksum");
    }
    let (head, content) = signed
        .split_first_chunk::<HEAD_LEN>()
        .ok_or("register is cut short")?;
    if head.get(..12) != Some(b"INDLREGI\0\0\0\0") || head.get(16..) != Some(&[0; 16]) {
        return Err("register is not one of version 0");
    }
    if head.get(12..16)
        != Some(
            &u32::try_from(content.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        )
    {
        return Err("register has another length than its head says");
    }
    Ok(content.to_vec())
}
