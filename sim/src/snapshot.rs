//! All files of a simulated disk, as bytes: to put back what was damaged, and to compare two runs of one seed.

use crate::tree::{hex, sha256};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file: where, its mode, its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub path: PathBuf,
    pub mode: u32,
    pub bytes: Vec<u8>,
}

/// The files under a directory, sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    files: Vec<Kept>,
}

impl Snapshot {
    pub fn take(root: &Path) -> io::Result<Snapshot> {
        let mut files = Vec::new();
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let (mode, bytes) = (path.metadata()?.permissions().mode(), fs::read(&path)?);
                files.push(Kept { path, mode, bytes });
            }
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(Snapshot { files })
    }

    pub fn files(&self) -> &[Kept] {
        &self.files
    }

    /// Makes the directory hold these files and no others. A file that is there keeps its inode.
    pub fn put_back(&self, root: &Path) -> io::Result<()> {
        for there in Snapshot::take(root)?.files {
            if !self.files.iter().any(|kept| kept.path == there.path) {
                fs::remove_file(&there.path)?;
            }
        }
        self.files.iter().try_for_each(put_file)
    }

    /// Name, mode and SHA-256 of each file. Of `FORMAT` without the lines that say where the directory lies: its path, inode, birth and
    /// medium are this machine's.
    pub fn list(&self, root: &Path) -> Vec<String> {
        let line = |Kept { path, mode, bytes }: &Kept| {
            let name = path.strip_prefix(root).unwrap_or(path);
            let digest = match name.ends_with("FORMAT") {
                true => sha256(&[&without_place(bytes)]),
                false => sha256(&[bytes]),
            };
            format!("{} {mode:o} {}", name.display(), hex(&digest))
        };
        self.files.iter().map(line).collect()
    }
}

/// Writes one file as it was, whatever its mode.
pub fn put_file(kept: &Kept) -> io::Result<()> {
    if kept.path.exists() {
        fs::set_permissions(&kept.path, Permissions::from_mode(0o640))?;
    }
    fs::write(&kept.path, &kept.bytes)?;
    fs::set_permissions(&kept.path, Permissions::from_mode(kept.mode))
}

fn without_place(format: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(format);
    let place = ["register ", "inode ", "born ", "sha256 ", "volatile "];
    let lines = text
        .lines()
        .filter(|line| !place.iter().any(|start| line.starts_with(start)));
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}
