//! What was written and not synced, sector by sector.

use super::SECTOR;
use crate::dice::Dice;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A sector that a power loss may undo.
struct Sector {
    /// Contents it had since it was last durable, that one first. What it reads as now is not among them.
    contents: Vec<Vec<u8>>,
    /// A failed sync gave it up: it is not durable, however often the file is synced.
    given_up: bool,
}

/// A file with unsynced sectors.
struct Pending {
    durable_length: u64,
    sectors: BTreeMap<u64, Sector>,
}

/// The page cache: files by the name they have now, so that their order comes again with the seed.
#[derive(Default)]
pub struct Cache {
    files: BTreeMap<PathBuf, Pending>,
}

impl Cache {
    pub fn is_synced(&self) -> bool {
        self.files.is_empty()
    }

    /// Before bytes are written: what stands there now may come back.
    pub fn writing(&mut self, path: &Path, offset: u64, length: u64) -> io::Result<()> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let pending = self
            .files
            .entry(path.to_owned())
            .or_insert_with(|| Pending {
                durable_length: metadata.len(),
                sectors: BTreeMap::new(),
            });
        let (first, end) = (offset / SECTOR, (offset + length).div_ceil(SECTOR));
        let mut before = vec![0; usize::try_from((end - first) * SECTOR).unwrap_or(0)];
        read_at(&file, first * SECTOR, &mut before)?;
        let size = usize::try_from(SECTOR).unwrap_or(usize::MAX);
        for (number, content) in (first..end).zip(before.chunks(size)) {
            let sector = pending.sectors.entry(number).or_insert(Sector {
                contents: Vec::new(),
                given_up: false,
            });
            // What was given up never reached the disk.
            if !sector.given_up {
                sector.contents.push(content.to_vec());
            }
            sector.given_up = false;
        }
        Ok(())
    }

    pub fn synced(&mut self, path: &Path) -> io::Result<()> {
        if let Some(pending) = self.files.get_mut(path) {
            pending.durable_length = path.metadata()?.len();
            pending.sectors.retain(|_, sector| sector.given_up);
            if pending.sectors.is_empty() {
                self.files.remove(path);
            }
        }
        Ok(())
    }

    /// Some sectors may have come through; the others are given up.
    pub fn sync_failed(&mut self, path: &Path, dice: &mut Dice) {
        let luck = dice.roll(3);
        if let Some(pending) = self.files.get_mut(path) {
            pending.sectors.retain(|_, sector| {
                sector.given_up = sector.given_up || luck == 0 || (luck == 1 && dice.one_in(2));
                sector.given_up
            });
        }
    }

    /// A file gets another name.
    pub fn renamed(&mut self, from: &Path, to: &Path) {
        if let Some(pending) = self.files.remove(from) {
            self.files.insert(to.to_owned(), pending);
        }
    }

    /// A power loss. How many sectors read differently now.
    pub fn lose(&mut self, dice: &mut Dice) -> io::Result<u64> {
        let mut lost = 0;
        let mode = dice.roll(4);
        for (path, pending) in std::mem::take(&mut self.files) {
            // A file whose name did not survive is gone with it.
            if path.exists() {
                lost += pending.lose(&path, mode, dice)?;
            }
        }
        Ok(lost)
    }
}

impl Pending {
    fn lose(self, path: &Path, mode: u64, dice: &mut Dice) -> io::Result<u64> {
        let (file, permissions) = open(path)?;
        let now = file.metadata()?.len();
        let mut lost = 0;
        for (number, sector) in self.sectors {
            let keep = match mode {
                _ if sector.given_up => false,
                0 => false,
                1 => true,
                _ => dice.one_in(2),
            };
            let old = dice.index(sector.contents.len());
            let old = if sector.given_up { 0 } else { old };
            let Some(content) = sector.contents.get(old).filter(|_| !keep) else {
                continue;
            };
            let at = number * SECTOR;
            let room = usize::try_from(now.saturating_sub(at)).unwrap_or(usize::MAX);
            let content = content.get(..content.len().min(room)).unwrap_or_default();
            file.write_all_at(content, at)?;
            lost += 1;
        }
        // Bytes behind what was durable came with the length or not at all.
        if now > self.durable_length && mode != 1 {
            let grown = now - self.durable_length;
            let kept = if mode == 0 { 0 } else { dice.roll(grown + 1) };
            file.set_len(self.durable_length + kept)?;
        }
        file.set_permissions(permissions)?;
        Ok(lost)
    }
}

/// Opens a file for writing, whatever its mode; the mode is given back.
pub fn open(path: &Path) -> io::Result<(File, Permissions)> {
    let permissions = path.metadata()?.permissions();
    std::fs::set_permissions(path, Permissions::from_mode(0o640))?;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    Ok((file, permissions))
}

/// Reads what there is; the rest stays zero.
fn read_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        let read = file.read_at(out, offset)?;
        if read == 0 {
            return Ok(());
        }
        offset += u64::try_from(read).unwrap_or(0);
        out = out.get_mut(read..).unwrap_or_default();
    }
    Ok(())
}
