//! Named files: `sealed/`, `derived/`, `quarantine/`.
//!
//! Owns how a file comes to its name: built in `build/`, synced, renamed, both directories synced. Promises that nothing
//! under `sealed/` or `quarantine/` is ever replaced.

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::LocalStore;
use super::tail_file::{length_of, read_at};
use crate::limits::CHUNK;
use crate::names::{self, READABLE, hex};
use crate::regular;
use crate::{Put, StoreError};

impl LocalStore {
    pub(super) fn put_object(&self, name: &str, parts: &[&[u8]]) -> Result<Put, StoreError> {
        let building = self.build_new(name, parts)?;
        self.name_object(name, building, parts)
    }

    /// Both have their room before either has its name.
    pub(super) fn put_objects(&self, pair: [(&str, &[&[u8]]); 2]) -> Result<[Put; 2], StoreError> {
        let [(first, parts), (second, parts_of_second)] = pair;
        let building = self.build_new(first, parts)?;
        let second_built = self.build_new(second, parts_of_second);
        let second_building = match &building {
            Some(building) => self.disk.take_back(building, second_built)?,
            None => second_built?,
        };
        let put = self.name_object(first, building, parts)?;
        if put == Put::Differs {
            second_building
                .map(|building| self.disk.remove(&building))
                .transpose()?;
            return Ok([Put::Differs; 2]);
        }
        Ok([
            put,
            self.name_object(second, second_building, parts_of_second)?,
        ])
    }

    /// The file under `build/`; `None` if there is one of its name already.
    fn build_new(&self, name: &str, parts: &[&[u8]]) -> Result<Option<PathBuf>, StoreError> {
        match self
            .object_path(name, &["sealed/", "quarantine/"])?
            .exists()
        {
            true => Ok(None),
            false => self.build_object(name, parts, true).map(Some),
        }
    }

    /// Gives it its name, unless something of that name is there.
    fn name_object(
        &self,
        name: &str,
        building: Option<PathBuf>,
        parts: &[&[u8]],
    ) -> Result<Put, StoreError> {
        let path = self.object_path(name, &["sealed/", "quarantine/"])?;
        if let Some(building) = building {
            if self.disk.rename_new(&building, &path)? {
                self.sync_names(&path)?;
                return Ok(Put::Created);
            }
            self.disk.remove(&building)?;
        }
        self.compare_object(&path, parts)
    }

    pub(super) fn replace_derived(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.object_path(name, &["derived/"])?;
        let building = self.build_object(name, &[bytes], false)?;
        self.disk.replace(&building, &path)?;
        self.sync_names(&path)
    }

    /// The file under `build/`, its bytes and mode durable.
    fn build_object(&self, name: &str, parts: &[&[u8]], seal: bool) -> Result<PathBuf, StoreError> {
        let building = self.root.join("build").join(format!(
            "{}-{}",
            self.next_build(),
            names::component(name)
        ));
        let drafts = self.disk.drafting();
        let file = drafts.create(&building)?;
        let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let whole = drafts
            .write(&file, &building, 0, &mut slices)
            .and_then(|()| match seal {
                true => drafts.seal(&file, &building),
                false => Ok(()),
            })
            .and_then(|()| drafts.sync_all(&file, &building));
        self.disk.take_back(&building, whole)?;
        Ok(building)
    }

    /// The directory a file came to, and the one it came from.
    fn sync_names(&self, path: &Path) -> Result<(), StoreError> {
        self.disk
            .sync_directory(path.parent().expect("an object lies in a directory"))?;
        self.disk.sync_directory(&self.root.join("build"))
    }

    /// An earlier writer may have stopped before its name was durable, so what is the same is synced again.
    fn compare_object(&self, path: &Path, parts: &[&[u8]]) -> Result<Put, StoreError> {
        let file = open(path)?;
        let mut offset = 0;
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK)) {
            if read_at(&file, path, offset, chunk.len())? != chunk {
                return Ok(Put::Differs);
            }
            offset += length_of(chunk.len());
        }
        if file_length(&file, path)? != offset {
            return Ok(Put::Differs);
        }
        self.disk.sync_all(&file, path)?;
        self.sync_names(path)?;
        Ok(Put::Same)
    }

    pub(super) fn read_object(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        fresh: bool,
    ) -> Result<Vec<u8>, StoreError> {
        let path = self.object_path(name, &READABLE)?;
        let file = open(&path)?;
        if fresh {
            crate::durable::drop_cache(&file, &path)?;
        }
        let left = usize::try_from(file_length(&file, &path)?.saturating_sub(offset))
            .unwrap_or(usize::MAX);
        read_at(&file, &path, offset, length.min(left))
    }

    pub(super) fn object_length(&self, name: &str) -> Result<u64, StoreError> {
        let path = self.object_path(name, &READABLE)?;
        file_length(&open(&path)?, &path)
    }

    pub(super) fn set_aside(&self, name: &str) -> Result<String, StoreError> {
        let from = self.object_path(name, &["sealed/"])?;
        let file = open(&from)?;
        let mut digest = Sha256::new();
        let mut offset = 0;
        loop {
            let chunk = read_at(&file, &from, offset, CHUNK)?;
            if chunk.is_empty() {
                break;
            }
            offset += length_of(chunk.len());
            digest.update(&chunk);
        }
        for aside in names::quarantined_object(name, &hex(&digest.finalize())) {
            if self.disk.rename_new(&from, &self.root.join(&aside))? {
                self.disk.sync_directory(&self.root.join("quarantine"))?;
                self.disk.sync_directory(&self.root.join("sealed"))?;
                return Ok(aside);
            }
        }
        Err(StoreError::Refused(format!(
            "{name} is in quarantine too often"
        )))
    }

    pub(super) fn list_names(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut names = Vec::new();
        match prefix.split_once('/') {
            Some((directory, _)) => match list_into(&self.root, directory, &mut names) {
                // Copying tools drop empty directories.
                Err(StoreError::Io { source, .. }) if is_gone(&source) => {}
                // What can't be looked at is not empty.
                listed => listed?,
            },
            None => self.list_all(&mut names)?,
        }
        names.retain(|(name, _)| {
            name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after)
        });
        names.sort();
        names.truncate(limit);
        Ok(names)
    }

    fn list_all(&self, names: &mut Vec<(String, u64)>) -> Result<(), StoreError> {
        let mut top = Vec::new();
        list_into(&self.root, "", &mut top)?;
        for (name, length) in top {
            match name.strip_suffix('/') {
                Some(directory) if super::DIRECTORIES.contains(&directory) => {
                    list_into(&self.root, directory, names)?
                }
                _ => names.push((name, length)),
            }
        }
        Ok(())
    }

    /// Checks a name and gives its path.
    fn object_path(&self, name: &str, directories: &[&str]) -> Result<PathBuf, StoreError> {
        names::check(name, directories)?;
        Ok(self.root.join(name))
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    regular::open(path)
        .map_err(|source| StoreError::reading(format!("open {}", path.display()), source))
}

fn file_length(file: &File, path: &Path) -> Result<u64, StoreError> {
    let metadata = file.metadata();
    Ok(metadata
        .map_err(|source| StoreError::reading(format!("look at {}", path.display()), source))?
        .len())
}

fn is_gone(source: &io::Error) -> bool {
    matches!(
        source.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The names in one directory, with lengths; names of directories end in `/`. What vanishes meanwhile is left out.
fn list_into(
    root: &Path,
    directory: &str,
    names: &mut Vec<(String, u64)>,
) -> Result<(), StoreError> {
    let path = root.join(directory);
    let failed = |source: io::Error| StoreError::Io {
        doing: format!("list {}", path.display()),
        source,
    };
    for entry in fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        let file_name = entry.file_name();
        let slash = if metadata.is_dir() { "/" } else { "" };
        let separator = if directory.is_empty() { "" } else { "/" };
        names.push((
            format!(
                "{directory}{separator}{}{slash}",
                file_name.to_string_lossy()
            ),
            metadata.len(),
        ));
    }
    Ok(())
}
