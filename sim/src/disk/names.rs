//! Names that no directory sync has made durable yet, in the order they came.

use super::cache::Cache;
use crate::dice::Dice;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

enum Change {
    Created(PathBuf),
    /// What stood under the new name lies in the attic.
    Renamed {
        from: PathBuf,
        to: PathBuf,
        replaced: Option<PathBuf>,
    },
    /// What was removed lies in the attic.
    Removed {
        path: PathBuf,
        kept: PathBuf,
    },
}

/// The names of a disk.
pub struct Names {
    attic: PathBuf,
    kept: u64,
    changes: Vec<Change>,
}

impl Names {
    pub fn new(attic: &Path) -> Names {
        Names {
            attic: attic.to_owned(),
            kept: 0,
            changes: Vec::new(),
        }
    }

    pub fn is_synced(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn created(&mut self, path: &Path) {
        self.changes.push(Change::Created(path.to_owned()));
    }

    pub fn renamed(&mut self, from: &Path, to: &Path, cache: &mut Cache) -> io::Result<()> {
        let replaced = match to.exists() {
            true => Some(self.keep(to, cache)?),
            false => None,
        };
        cache.renamed(from, to);
        self.changes.push(Change::Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
            replaced,
        });
        Ok(())
    }

    pub fn removed(&mut self, path: &Path, cache: &mut Cache) -> io::Result<()> {
        let kept = self.keep(path, cache)?;
        let path = path.to_owned();
        self.changes.push(Change::Removed { path, kept });
        Ok(())
    }

    /// Another name for the file, out of everybody's sight.
    fn keep(&mut self, path: &Path, cache: &mut Cache) -> io::Result<PathBuf> {
        self.kept += 1;
        let kept = self.attic.join(self.kept.to_string());
        fs::hard_link(path, &kept)?;
        cache.renamed(path, &kept);
        Ok(kept)
    }

    /// A directory was synced: what changed in it is durable.
    pub fn synced(&mut self, directory: &Path) -> io::Result<()> {
        let within = |path: &Path| path.parent() == Some(directory);
        let (durable, pending): (Vec<Change>, Vec<Change>) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition(|change| match change {
                Change::Created(path) | Change::Removed { path, .. } => within(path),
                Change::Renamed { from, to, .. } => within(from) || within(to),
            });
        self.changes = pending;
        durable.into_iter().try_for_each(forget)
    }

    /// A power loss: of what is pending a prefix is there. How many changes were undone.
    pub fn lose(&mut self, dice: &mut Dice, cache: &mut Cache) -> io::Result<u64> {
        let changes = std::mem::take(&mut self.changes);
        let kept = dice.index(changes.len() + 1);
        let mut undone = 0;
        for (place, change) in changes.into_iter().enumerate().rev() {
            if place < kept {
                forget(change)?;
            } else {
                undone += u64::from(undo(change, cache)?);
            }
        }
        Ok(undone)
    }
}

/// What lies in the attic for a change that is durable.
fn forget(change: Change) -> io::Result<()> {
    match change {
        Change::Created(_) | Change::Renamed { replaced: None, .. } => Ok(()),
        Change::Renamed {
            replaced: Some(kept),
            ..
        }
        | Change::Removed { kept, .. } => fs::remove_file(kept),
    }
}

/// Whether there was anything left to undo: what was renamed since, durably, is out of reach.
fn undo(change: Change, cache: &mut Cache) -> io::Result<bool> {
    match change {
        Change::Created(path) if path.is_dir() => fs::remove_dir(&path).map(|()| true),
        Change::Created(path) if path.exists() => fs::remove_file(&path).map(|()| true),
        Change::Created(_) => Ok(false),
        Change::Renamed { from, to, replaced } => {
            let there = to.exists();
            if there {
                cache.renamed(&to, &from);
                fs::rename(&to, &from)?;
            }
            if let Some(kept) = replaced {
                cache.renamed(&kept, &to);
                fs::rename(kept, &to)?;
            }
            Ok(there)
        }
        Change::Removed { path, kept } => {
            cache.renamed(&kept, &path);
            fs::rename(kept, path).map(|()| true)
        }
    }
}
