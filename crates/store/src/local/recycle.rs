//! Making tail files ahead of need, and giving back those that are no longer needed.
//!
//! Owns `build/` as far as tail files go: `tail-*` is being made, `released-*` still holds old bytes, `spare-*` is all
//! zeros and durably so. Promises that a file has its number only when it is whole and durable, and that no old event
//! bytes stay behind in a file that is used again.

use std::fs;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::tail::{Block, FileHeader};
use super::tail_file::{self, TailFile};
use super::{FIRST_BLOCK, LocalStore, NOT_OPEN, Random};
use crate::StoreError;
use crate::durable::{Disk, open_for_writing};
use crate::limits::{BLOCK, SPARES_MAX, TAIL_NUMBER_MAX};

impl LocalStore {
    /// Makes the next numbered file unless one stands ready that has room for `needed` bytes after its header.
    pub(super) fn prepare_ahead(&self, needed: u64) -> Result<(), StoreError> {
        let mut random = self.preparing();
        let current = self.current.load(Ordering::SeqCst);
        if current == NOT_OPEN {
            return Ok(());
        }
        if let Some(&last) = tail_file::numbers(&self.root)?.last()
            && last > current
            && TailFile::open(&self.root, last, &self.info.store_id, false)?.length - BLOCK
                >= needed
        {
            return Ok(());
        }
        self.make_numbered(&mut random, needed).map(|_| ())
    }

    /// Makes a tail file with room for `needed` bytes after its header. Gives its number.
    pub(super) fn make_tail(&self, needed: u64) -> Result<u64, StoreError> {
        let mut random = self.preparing();
        self.make_numbered(&mut random, needed)
    }

    fn preparing(&self) -> MutexGuard<'_, Option<Random>> {
        self.preparing
            .lock()
            .expect("no thread panics while it prepares a file")
    }

    fn make_numbered(&self, random: &mut Option<Random>, needed: u64) -> Result<u64, StoreError> {
        let number = tail_file::numbers(&self.root)?
            .last()
            .map_or(0, |last| last + 1);
        if number > TAIL_NUMBER_MAX {
            return Err(StoreError::refused("tail file numbers are used up"));
        }
        let length = self.info.tail_size.max(BLOCK + needed);
        let mut generation = [0; 32];
        random.as_mut().ok_or(StoreError::ReadOnly)?(&mut generation);
        let header = FileHeader {
            store_id: self.info.store_id,
            number,
            length,
            generation,
            read_only: 0,
        };
        let building = match self.spare(length)? {
            Some(spare) => spare,
            None => self.zeroed_file(number, length)?,
        };
        let file = open_for_writing(&building)?;
        let drafts = self.disk.drafting();
        let whole = drafts
            .write(&file, &building, 0, &mut [IoSlice::new(&header.encode())])
            .and_then(|()| drafts.sync_all(&file, &building));
        self.disk.take_back(&building, whole)?;
        if !self
            .disk
            .rename_new(&building, &self.root.join(tail_file::name(number)))?
        {
            return Err(StoreError::Refused(format!(
                "tail file {number} appeared meanwhile"
            )));
        }
        self.disk.sync_directory(&self.root.join("tail"))?;
        self.disk.sync_directory(&self.root.join("build"))?;
        Ok(number)
    }

    /// Zeros to the full length, so that a commit later changes no metadata that must be synced. Durable with its header.
    fn zeroed_file(&self, number: u64, length: u64) -> Result<PathBuf, StoreError> {
        let building = self.root.join(format!("build/tail-{number:012}"));
        let drafts = self.disk.drafting();
        let file = drafts.create(&building)?;
        let zeroed = drafts.write_zeros(&file, &building, 0, length);
        self.disk.take_back(&building, zeroed)?;
        Ok(building)
    }

    fn spare(&self, length: u64) -> Result<Option<PathBuf>, StoreError> {
        let spares = building(&self.root, "spare-")?;
        Ok(spares.into_iter().find(|spare| {
            spare
                .metadata()
                .is_ok_and(|metadata| metadata.len() == length)
        }))
    }

    /// Recycles the files that hold only slots below `below`.
    pub(super) fn recycle_below(&self, below: u64) -> Result<(), StoreError> {
        let current = self.current.load(Ordering::SeqCst);
        if self.last_durable().is_none_or(|last| below > last) {
            return Err(StoreError::Refused(format!(
                "release below {below}: a store keeps its last slot"
            )));
        }
        let released = {
            let _preparing = self.preparing();
            let keep = self.first_needed(below, current)?;
            self.take_names(keep)?
        };
        self.places()
            .slots
            .retain(|_, place| !released.contains(&place.tail.number));
        // Outside the lock: a commit that needs a file doesn't wait for these zeros.
        let all = released
            .iter()
            .map(|number| self.root.join(format!("build/released-{number:012}")))
            .collect();
        recycle(&self.disk, &self.root, self.info.tail_size, all)
    }

    /// The last file that begins at or below `below`; everything before it is no longer needed.
    fn first_needed(&self, below: u64, current: u64) -> Result<u64, StoreError> {
        let mut keep = 0;
        for number in tail_file::numbers(&self.root)?
            .into_iter()
            .filter(|&number| number <= current)
        {
            let tail = TailFile::open(&self.root, number, &self.info.store_id, false)?;
            if matches!(tail.block(FIRST_BLOCK)?, Block::Slot(header) if header.number <= below) {
                keep = number;
            }
        }
        Ok(keep)
    }

    /// Renames the files before `keep` out of the tail, lowest first, so that what remains has no gap.
    fn take_names(&self, keep: u64) -> Result<Vec<u64>, StoreError> {
        let numbers: Vec<_> = tail_file::numbers(&self.root)?
            .into_iter()
            .filter(|&number| number < keep)
            .collect();
        for number in &numbers {
            let (from, to) = (
                tail_file::name(*number),
                format!("build/released-{number:012}"),
            );
            if !self
                .disk
                .rename_new(&self.root.join(from), &self.root.join(&to))?
            {
                return Err(StoreError::Refused(format!("{to} is there already")));
            }
            self.disk.sync_directory(&self.root.join("tail"))?;
        }
        Ok(numbers)
    }
}

/// Finishes what an earlier writer left in `build/`: what it was making is removed, what it released is recycled.
pub(super) fn tidy_build(disk: &Disk, root: &Path, tail_size: u64) -> Result<(), StoreError> {
    for path in building(root, "")? {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_file() && !name.starts_with("spare-") && !name.starts_with("released-") {
            disk.remove(&path)?;
        }
    }
    recycle(disk, root, tail_size, building(root, "released-")?)
}

/// Overwrites released files with zeros, durably, and keeps a few as spares. The rest go: zeroed too, since a free block
/// keeps its bytes.
fn recycle(
    disk: &Disk,
    root: &Path,
    tail_size: u64,
    released: Vec<PathBuf>,
) -> Result<(), StoreError> {
    for path in released {
        let file = open_for_writing(&path)?;
        let failed = |source| StoreError::reading(format!("look at {}", path.display()), source);
        let length = file.metadata().map_err(failed)?.len();
        disk.write_zeros(&file, &path, 0, length)?;
        disk.sync_all(&file, &path)?;
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let spare = root
            .join("build")
            .join(name.replacen("released-", "spare-", 1));
        if length != tail_size
            || building(root, "spare-")?.len() >= SPARES_MAX
            || !disk.rename_new(&path, &spare)?
        {
            disk.remove(&path)?;
        }
        disk.sync_directory(&root.join("build"))?;
    }
    Ok(())
}

/// Paths in `build/` whose name begins so, sorted.
fn building(root: &Path, prefix: &str) -> Result<Vec<PathBuf>, StoreError> {
    let directory = root.join("build");
    let failed = |source| StoreError::Io {
        doing: format!("list {}", directory.display()),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(prefix))
        {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}
