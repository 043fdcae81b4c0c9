//! The register: one small file on another path, replaced whole.
//!
//! Owns its framing. The one writer under the store's lock is the only one that swaps, so reading, comparing and
//! renaming needs no lock of its own.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use super::tail::{HeaderFault, is_another_version};
use super::tail_file::{length_of, read_at};
use crate::durable::Disk;
use crate::limits::REGISTER_MAX;
use crate::regular;
use crate::{Place, StoreError};

const MAGIC: &[u8; 8] = b"INDLREGI";
const VERSION: u32 = 1;
const HEAD_LEN: usize = 32;

/// What a register file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) content: Vec<u8>,
    /// Not 0: a later version wrote something that this one would not keep.
    pub(crate) read_only: u64,
}

/// What it holds; `None` if there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Held>, StoreError> {
    let file = match regular::open(path) {
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
        Ok(held) => Ok(Some(held)),
        Err(HeaderFault::Unsupported(what)) => Err(StoreError::Unsupported {
            file: path.display().to_string(),
            what,
        }),
        Err(HeaderFault::Damaged(what)) => {
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
    let held = read(path)?;
    if held.as_ref().is_some_and(|held| held.read_only != 0) {
        return Err(StoreError::ReadOnly);
    }
    if held.as_ref().map(|held| held.content.as_slice()) != expected {
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
    bytes.extend_from_slice(&VERSION.to_le_bytes());
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

pub(crate) fn decode(bytes: &[u8]) -> Result<Held, HeaderFault> {
    const CUT_SHORT: HeaderFault = HeaderFault::Damaged("register is cut short");
    let (signed, crc) = bytes.split_last_chunk::<4>().ok_or(CUT_SHORT)?;
    if crc32c::crc32c(signed) != u32::from_le_bytes(*crc) {
        return Err(HeaderFault::Damaged("register has a wrong checksum"));
    }
    if is_another_version(bytes, MAGIC, VERSION) {
        return Err(HeaderFault::Unsupported("register version"));
    }
    let (magic, rest) = signed.split_first_chunk::<8>().ok_or(CUT_SHORT)?;
    let (_version, rest) = rest.split_first_chunk::<4>().ok_or(CUT_SHORT)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(CUT_SHORT)?;
    let (incompatible, rest) = rest.split_first_chunk::<8>().ok_or(CUT_SHORT)?;
    let (read_only, content) = rest.split_first_chunk::<8>().ok_or(CUT_SHORT)?;
    if magic != MAGIC {
        return Err(HeaderFault::Damaged("register is not one of version 1"));
    }
    if *incompatible != [0; 8] {
        return Err(HeaderFault::Unsupported("register features"));
    }
    if u32::try_from(content.len()) != Ok(u32::from_le_bytes(*length)) {
        return Err(HeaderFault::Damaged(
            "register has another length than its head says",
        ));
    }
    Ok(Held {
        content: content.to_vec(),
        read_only: u64::from_le_bytes(*read_only),
    })
}
