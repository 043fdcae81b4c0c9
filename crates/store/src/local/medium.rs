//! What a directory lies on: a file system that forgets, or one that may promise more than it keeps.

use std::path::Path;

use crate::StoreError;

/// Judgement over a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    /// Nothing known against it.
    Disk,
    /// In memory: a reboot loses everything.
    Volatile(&'static str),
    /// Its syncs and locks are only as good as another layer's.
    Layered(&'static str),
}

/// Looks at the file system under `path`.
#[cfg(target_os = "linux")]
pub(crate) fn medium(path: &Path) -> Result<Medium, StoreError> {
    let stat = rustix::fs::statfs(path).map_err(|error| StoreError::Io {
        doing: format!("look at the file system of {}", path.display()),
        source: error.into(),
    })?;
    // The width of `f_type` differs by architecture; the numbers have 32 bits (statfs(2)).
    Ok(judge(u32::try_from(stat.f_type & 0xffff_ffff).unwrap_or(0)))
}

/// Linux only: elsewhere every file system is taken for a disk.
#[cfg(not(target_os = "linux"))]
pub(crate) fn medium(_path: &Path) -> Result<Medium, StoreError> {
    Ok(Medium::Disk)
}

/// Magic numbers of statfs(2) and linux/magic.h.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "statfs numbers are Linux's")
)]
fn judge(number: u32) -> Medium {
    match number {
        0x0102_1994 => Medium::Volatile("tmpfs"),
        0x8584_58f6 => Medium::Volatile("ramfs"),
        0x794c_7630 => Medium::Layered("overlay"),
        0x6969 => Medium::Layered("nfs"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Medium::Layered("cifs"),
        0x0102_1997 => Medium::Layered("9p"),
        0x6573_5546 => Medium::Layered("fuse"),
        0x00c3_6400 => Medium::Layered("ceph"),
        _ => Medium::Disk,
    }
}
