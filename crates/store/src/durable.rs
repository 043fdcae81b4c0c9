//! The only place that writes, renames, removes and syncs.
//!
//! Owns the order "bytes, sync, name, sync of the directory". Promises that a failed operation stops the handle
//! ([`StoreError::Stopped`] from then on), with one exception: a draft that finds no room on the disk (`Disk::drafting`). Knows no
//! format.
//!
//! It is also the seam for failed-write tests: every operation is announced to a [`FaultInjector`], which may have it
//! lost, torn or done but reported lost. A test counts the operations of a history with an injector that only counts,
//! then runs the history again for each *k* and each fate, opens the directory without an injector and looks.
#![expect(clippy::disallowed_methods, reason = "this is the file that writes")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};

use crate::StoreError;
use crate::guarded::Guard;
use crate::limits::{CHUNK, ZEROS_UNSYNCED_MAX};
use crate::regular;

/// Sort of a durable operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteKind {
    /// Bytes into an open file.
    Write,
    /// Data and length of a file to the disk.
    Sync,
    /// A directory's names to the disk.
    SyncDirectory,
    /// A new empty file.
    Create,
    /// A new directory.
    MakeDirectory,
    /// A name moved, with or without replacing.
    Rename,
    /// A name in `build/` removed.
    Remove,
    /// Write permission taken away.
    Seal,
}

/// One operation, announced before it is done.
#[derive(Debug)]
pub struct WriteOp<'a> {
    /// Its sort.
    pub kind: WriteKind,
    /// The file or directory; for a rename the old name.
    pub path: &'a Path,
    /// The new name of a rename.
    pub to: Option<&'a Path>,
    /// Bytes from the file's start; 0 unless a write.
    pub offset: u64,
    /// Bytes; 0 unless a write.
    pub length: u64,
}

impl WriteOp<'_> {
    /// Whether a full disk has no place for it: a new name, or bytes behind the end of a file. What has its blocks can be written again.
    #[must_use]
    pub fn needs_room(&self) -> bool {
        match self.kind {
            WriteKind::Create | WriteKind::MakeDirectory => true,
            WriteKind::Write => {
                let length = self.path.metadata().map_or(0, |metadata| metadata.len());
                self.offset + self.length > length
            }
            _ => false,
        }
    }
}

/// What becomes of an announced operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFate {
    /// Done.
    Proceed,
    /// Not done, reported as failed.
    Lost,
    /// Only that many bytes are written, reported as failed. Anything but a write is lost.
    Torn(u64),
    /// Done, but reported as failed.
    StoredButLost,
    /// Not done, since the disk is full.
    NoRoom,
}

/// Decides over each operation, in their order. It sees every one, so it can count.
pub type FaultInjector = Arc<dyn Fn(&WriteOp<'_>) -> WriteFate + Send + Sync>;

/// The writing side of one handle.
pub(crate) struct Disk {
    faults: Option<FaultInjector>,
    guard: Arc<Guard>,
    /// What is written has no name that counts yet.
    drafts: bool,
}

impl Disk {
    pub(crate) fn new(faults: Option<FaultInjector>) -> Self {
        Self {
            faults,
            guard: Arc::default(),
            drafts: false,
        }
    }

    /// The same handle, for a file that nobody relies on before it gets its name. A disk that has no room for it has lost nothing that
    /// was there: [`StoreError::NoRoom`], and the handle goes on. Whoever made the draft takes it back ([`Self::take_back`]).
    pub(crate) fn drafting(&self) -> Self {
        Self {
            faults: self.faults.clone(),
            guard: Arc::clone(&self.guard),
            drafts: true,
        }
    }

    /// Removes a draft for which there was no room, so that what it took is free again, and says so. Any other error has stopped the
    /// handle and leaves everything as it is.
    pub(crate) fn take_back<T>(
        &self,
        draft: &Path,
        made: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if matches!(made, Err(StoreError::NoRoom { .. })) {
            self.remove(draft)?;
        }
        made
    }

    /// Refuses if an earlier operation failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.guard.check()
    }

    /// Writes all of `parts` at `offset`: one system call, unless the kernel takes less or there are over a thousand parts.
    pub(crate) fn write(
        &self,
        file: &File,
        path: &Path,
        offset: u64,
        parts: &mut [IoSlice<'_>],
    ) -> Result<(), StoreError> {
        let length = parts.iter().map(|part| part_len(part)).sum();
        let op = WriteOp {
            kind: WriteKind::Write,
            path,
            to: None,
            offset,
            length,
        };
        self.run(&op, |limit| write_parts(file, offset, parts, limit))
    }

    /// Overwrites a range with zeros, from its start on: whoever reads a slot finds its header gone before its bytes. Of many zeros some
    /// are synced before the next are written: a commit's bytes wait behind these few, and not behind a whole file of them.
    pub(crate) fn write_zeros(
        &self,
        file: &File,
        path: &Path,
        mut offset: u64,
        end: u64,
    ) -> Result<(), StoreError> {
        let zeros = vec![0; CHUNK];
        let mut unsynced = 0;
        while offset < end {
            let length = usize::try_from(end - offset).map_or(CHUNK, |left| left.min(CHUNK));
            let part = zeros.get(..length).expect("length is at most the chunk's");
            self.write(file, path, offset, &mut [IoSlice::new(part)])?;
            offset += part_len(part);
            unsynced += part_len(part);
            if offset < end && unsynced >= ZEROS_UNSYNCED_MAX {
                self.sync_data(file, path)?;
                unsynced = 0;
            }
        }
        Ok(())
    }

    /// `fdatasync`: data, and the length if it changed.
    pub(crate) fn sync_data(&self, file: &File, path: &Path) -> Result<(), StoreError> {
        self.run(&plain(WriteKind::Sync, path), |_| file.sync_data())
    }

    /// `fsync`: data, length, mode.
    pub(crate) fn sync_all(&self, file: &File, path: &Path) -> Result<(), StoreError> {
        self.run(&plain(WriteKind::Sync, path), |_| file.sync_all())
    }

    /// The names in a directory.
    pub(crate) fn sync_directory(&self, path: &Path) -> Result<(), StoreError> {
        self.run(&plain(WriteKind::SyncDirectory, path), |_| {
            File::open(path)?.sync_all()
        })
    }

    /// A new file, open for reading and writing. An existing one is an error.
    pub(crate) fn create(&self, path: &Path) -> Result<File, StoreError> {
        self.run(&plain(WriteKind::Create, path), |_| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o640)
                .open(path)
        })
    }

    /// A directory, which may be there already.
    pub(crate) fn make_directory(&self, path: &Path) -> Result<(), StoreError> {
        if path.is_dir() {
            return Ok(());
        }
        self.run(&plain(WriteKind::MakeDirectory, path), |_| {
            fs::DirBuilder::new().mode(0o750).create(path)
        })
    }

    /// Nobody writes to this file again, as far as its mode can say so.
    pub(crate) fn seal(&self, file: &File, path: &Path) -> Result<(), StoreError> {
        self.run(&plain(WriteKind::Seal, path), |_| {
            file.set_permissions(fs::Permissions::from_mode(0o444))
        })
    }

    /// Moves a name, replacing what is there.
    pub(crate) fn replace(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        self.run(&renaming(from, to), |_| fs::rename(from, to))
    }

    /// Moves a name where there is none. `false`: something stands there, and nothing was done.
    pub(crate) fn rename_new(&self, from: &Path, to: &Path) -> Result<bool, StoreError> {
        self.run(&renaming(from, to), |_| {
            match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
                Ok(()) => Ok(true),
                Err(rustix::io::Errno::EXIST) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Removes a file that was being built and is no evidence.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        self.run(&plain(WriteKind::Remove, path), |_| fs::remove_file(path))
    }

    /// Announces the operation, does what its fate allows, and stops the handle if it failed.
    fn run<T>(
        &self,
        op: &WriteOp<'_>,
        work: impl FnOnce(u64) -> io::Result<T>,
    ) -> Result<T, StoreError> {
        self.guard.check()?;
        let fate = self
            .faults
            .as_ref()
            .map_or(WriteFate::Proceed, |faults| faults(op));
        let result = match fate {
            WriteFate::Proceed => work(op.length),
            WriteFate::Lost => Err(io::Error::other("lost on purpose")),
            WriteFate::Torn(length) if op.kind == WriteKind::Write => {
                work(length.min(op.length)).and_then(|_| Err(io::Error::other("torn on purpose")))
            }
            WriteFate::Torn(_) => Err(io::Error::other("lost on purpose")),
            WriteFate::StoredButLost => {
                work(op.length).and_then(|_| Err(io::Error::other("reported lost on purpose")))
            }
            WriteFate::NoRoom => Err(rustix::io::Errno::NOSPC.into()),
        };
        result.map_err(|source| {
            let doing = doing(op);
            if self.drafts && is_no_room(&source) {
                return StoreError::NoRoom { doing, source };
            }
            let error = StoreError::Io { doing, source };
            self.guard.stop(&error);
            error
        })
    }
}

/// Whether the disk, or what this user may have of it, is used up.
fn is_no_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Opens a file that is there, for reading and writing.
pub(crate) fn open_for_writing(path: &Path) -> Result<File, StoreError> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.and_then(regular::checked).map_err(|source| {
        StoreError::reading(format!("open {} for writing", path.display()), source)
    })
}

/// Tries for the lock on a file: exclusively for a writer, shared to see whether there is one. `None`: held by another.
pub(crate) fn try_lock(path: &Path, exclusive: bool) -> Result<Option<File>, StoreError> {
    let doing = || format!("lock {}", path.display());
    // Open for writing too where the lock is exclusive: network file systems ask for that.
    let opened = match exclusive {
        true => OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .and_then(regular::checked),
        false => regular::open(path),
    };
    let file = opened.map_err(|source| StoreError::reading(doing(), source))?;
    let operation = if exclusive {
        FlockOperation::NonBlockingLockExclusive
    } else {
        FlockOperation::NonBlockingLockShared
    };
    match flock(file.as_fd(), operation) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(StoreError::Io {
            doing: doing(),
            source: error.into(),
        }),
    }
}

/// Has the kernel forget its copy of a file, so that the next read comes from the disk. Pages not yet written stay.
pub(crate) fn drop_cache(file: &File, path: &Path) -> Result<(), StoreError> {
    // Linux only: elsewhere a fresh read is an ordinary read.
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).map_err(|error| {
        StoreError::Io {
            doing: format!("drop the cache of {}", path.display()),
            source: error.into(),
        }
    })?;
    #[cfg(not(target_os = "linux"))]
    let (_, _) = (file, path);
    Ok(())
}

fn plain(kind: WriteKind, path: &Path) -> WriteOp<'_> {
    WriteOp {
        kind,
        path,
        to: None,
        offset: 0,
        length: 0,
    }
}

fn renaming<'a>(from: &'a Path, to: &'a Path) -> WriteOp<'a> {
    WriteOp {
        to: Some(to),
        ..plain(WriteKind::Rename, from)
    }
}

fn doing(op: &WriteOp<'_>) -> String {
    let path = op.path.display();
    match op.kind {
        WriteKind::Write => format!("write {} bytes at {} of {path}", op.length, op.offset),
        WriteKind::Sync => format!("sync {path}"),
        WriteKind::SyncDirectory => format!("sync directory {path}"),
        WriteKind::Create => format!("create {path}"),
        WriteKind::MakeDirectory => format!("make directory {path}"),
        WriteKind::Rename => format!("rename {path}"),
        WriteKind::Remove => format!("remove {path}"),
        WriteKind::Seal => format!("make {path} read-only"),
    }
}

fn part_len(part: &[u8]) -> u64 {
    u64::try_from(part.len()).expect("a buffer's length fits 64 bits")
}

fn write_parts(
    file: &File,
    mut offset: u64,
    mut parts: &mut [IoSlice<'_>],
    mut left: u64,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while left > 0 && !parts.is_empty() {
        let taken = within(parts, left);
        let written = if taken > 0 {
            rustix::io::pwritev(
                file,
                parts.get(..taken).expect("taken counts parts"),
                offset,
            )?
        } else {
            // Only a torn write ends inside a part.
            let part = parts.first().expect("there is a part");
            let length = usize::try_from(left).expect("shorter than a part");
            rustix::io::pwrite(
                file,
                part.get(..length).expect("shorter than a part"),
                offset,
            )?
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let advanced = u64::try_from(written).expect("a buffer's length fits 64 bits");
        left -= advanced;
        offset += advanced;
        IoSlice::advance_slices(&mut parts, written);
    }
    Ok(())
}

/// How many leading parts lie wholly within `left` bytes.
fn within(parts: &[IoSlice<'_>], mut left: u64) -> usize {
    parts
        .iter()
        .take_while(|part| {
            let length = part_len(part);
            let fits = length <= left;
            left = left.saturating_sub(length);
            fits
        })
        .count()
}
