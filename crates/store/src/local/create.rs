//! Making and opening a store directory.
//!
//! Owns the order in which a directory becomes a store: `FORMAT` comes last, so a directory without it is none. Promises
//! that a copy is not written to unless somebody says it has moved.

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, UNIX_EPOCH};

use super::format::{Format, FormatFault, Identity};
use super::medium::{Medium, medium};
use super::tail_file::{length_of, read_at};
use super::writer::Writer;
use super::{
    CreateOptions, DIRECTORIES, LocalStore, NOT_OPEN, OpenOptions, Places, Random, recycle,
    register,
};
use crate::durable::{Disk, try_lock};
use crate::limits::{FORMAT_LEN_MAX, LOCK_PAUSE_MS, LOCK_TRIES};
use crate::regular;
use crate::{Place, StoreError, StoreInfo};

impl LocalStore {
    /// Makes a store in `directory`, which must not exist, or be empty, or hold what an interrupted `create` left.
    ///
    /// # Errors
    /// `Refused` for a directory in use or options out of bounds; `Volatile`; `Io`.
    pub fn create(directory: &Path, options: CreateOptions) -> Result<(), StoreError> {
        let root = absolute(directory)?;
        let mut format = planned(&root, &options)?;
        let disk = Disk::new(options.faults);
        disk.make_directory(&root)?;
        check_unused(&root)?;
        check_medium(&root, options.accept_volatile)?;
        format.volatile = matches!(medium(&root)?, Medium::Volatile(_));
        let lock_path = root.join("lock");
        if !lock_path.exists() {
            let file = disk.create(&lock_path)?;
            disk.sync_all(&file, &lock_path)?;
        }
        let _lock = take_lock(&root)?;
        for name in DIRECTORIES {
            disk.make_directory(&root.join(name))?;
        }
        recycle::tidy_build(&disk, &root, options.tail_size)?;
        disk.sync_directory(&root)?;
        // From here on it is a store.
        write_format(&disk, &root, format, false)?;
        disk.sync_directory(register::directory(&root))
    }

    /// Opens for writing, taking the lock. What an interrupted writer left in `build/` is removed or recycled.
    ///
    /// # Errors
    /// `Busy` if another holds the lock; `Refused` for a copy without `moved`; `ReadOnly` for unknown features.
    pub fn open_write(directory: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        let root = absolute(directory)?;
        // Looked at first for the better error, and again under the lock.
        read_format(&root)?;
        let lock = take_lock(&root)?;
        let (format, identity) = read_format(&root)?;
        if format.read_only != 0 {
            return Err(StoreError::ReadOnly);
        }
        // A register that can't be read is named by whoever reads it.
        let register = format.register.as_deref().map(register::read);
        if let Some(Ok(Some(held))) = register
            && held.read_only != 0
        {
            return Err(StoreError::ReadOnly);
        }
        check_medium(&root, format.volatile)?;
        let copy = identity != format.identity;
        if copy && !options.moved {
            return Err(StoreError::refused(
                "this directory is a copy of a store, or was moved; open it as moved to write",
            ));
        }
        let disk = Disk::new(options.faults.clone());
        // Copying tools drop empty directories. Those that hold evidence are not made anew.
        for name in ["build", "derived", "quarantine"] {
            disk.make_directory(&root.join(name))?;
        }
        sync_found_names(&disk, &root, &format)?;
        recycle::tidy_build(&disk, &root, format.tail_size)?;
        let moving = copy.then(|| format.clone());
        let mut store =
            Self::assemble(root, format, false, Some(lock), disk, Some(options.random))?;
        store.faults = options.faults;
        store.info.moved = copy;
        store.moving = Mutex::new(moving);
        Ok(store)
    }

    /// Writes a `FORMAT` that is bound to the place where this directory lies.
    pub(super) fn bind_format(&self, format: &Format) -> Result<(), StoreError> {
        write_format(&self.disk, &self.root, format.clone(), true)?;
        let (format, identity) = read_format(&self.root)?;
        match identity == format.identity {
            true => Ok(()),
            false => Err(StoreError::refused(
                "the file system gives FORMAT another inode at each look",
            )),
        }
    }

    /// Opens for reading: takes no lock, writes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Damaged`, `Unsupported` for what isn't a store this program can read.
    pub fn open_read(directory: &Path) -> Result<Self, StoreError> {
        let root = absolute(directory)?;
        let (format, identity) = read_format(&root)?;
        let copy = identity != format.identity;
        Self::assemble(root, format, copy, None, Disk::new(None), None)
    }

    fn assemble(
        root: PathBuf,
        format: Format,
        copy: bool,
        lock: Option<File>,
        disk: Disk,
        random: Option<Random>,
    ) -> Result<Self, StoreError> {
        let warnings = warnings(&root, &format, copy)?;
        let info = StoreInfo {
            store_id: format.store_id,
            node_id: format.node_id,
            origin: format.origin,
            created: format.created,
            tail_size: format.tail_size,
            keys: format.keys,
            register_configured: format.register.is_some(),
            register: format.register.clone(),
            volatile: format.volatile,
            read_only: lock.is_none(),
            copy,
            moved: false,
            warnings,
        };
        Ok(Self {
            root,
            info,
            register: format.register,
            disk,
            faults: None,
            moving: Mutex::new(None),
            lock,
            places: Mutex::new(Places::default()),
            writer: Mutex::new(Writer::default()),
            preparing: Mutex::new(random),
            current: AtomicU64::new(NOT_OPEN),
            builds: AtomicU64::new(0),
        })
    }
}

fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path).map_err(|source| StoreError::Io {
        doing: format!("make {} absolute", path.display()),
        source,
    })
}

/// What `FORMAT` will say, but for what isn't known before the directory and the file are there.
fn planned(root: &Path, options: &CreateOptions) -> Result<Format, StoreError> {
    let format = Format {
        store_id: options.store_id,
        node_id: options.node_id,
        origin: options.origin.clone(),
        created: options.created.clone(),
        tail_size: options.tail_size,
        incompatible: 0,
        read_only: 0,
        volatile: false,
        keys: options.keys.as_deref().map(absolute).transpose()?,
        register: options.register.as_deref().map(absolute).transpose()?,
        identity: Identity {
            inode: 0,
            born: None,
        },
    };
    if !super::format::tail_size_allowed(format.tail_size) {
        return Err(StoreError::Refused(format!(
            "tail size {} is not allowed",
            format.tail_size
        )));
    }
    if !format.within_limits() {
        return Err(StoreError::refused(
            "origin and creation time are printable ASCII and not too long",
        ));
    }
    if format
        .register
        .as_ref()
        .is_some_and(|register| register.starts_with(root))
    {
        return Err(StoreError::refused(
            "the register lies inside the store, where it guards nothing",
        ));
    }
    Ok(format)
}

/// Nothing stands here but what an interrupted `create` may have left.
fn check_unused(root: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Io {
        doing: format!("list {}", root.display()),
        source,
    };
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let path = root.join(&name);
        let ours = name.to_str().is_some_and(|name| {
            let empty = || {
                name == "build"
                    || fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none())
            };
            name == "lock" && path.metadata().is_ok_and(|metadata| metadata.len() == 0)
                || DIRECTORIES.contains(&name) && empty()
        });
        if !ours {
            return Err(StoreError::Refused(format!(
                "{} is there already",
                path.display()
            )));
        }
    }
    Ok(())
}

fn check_medium(root: &Path, accept_volatile: bool) -> Result<(), StoreError> {
    match medium(root)? {
        Medium::Volatile(name) if !accept_volatile => Err(StoreError::Volatile(name)),
        _ => Ok(()),
    }
}

/// The lock, asked for a few times: somebody who only looks whether it is held holds it for an instant.
fn take_lock(root: &Path) -> Result<File, StoreError> {
    let path = root.join("lock");
    for attempt in 0..LOCK_TRIES {
        if attempt > 0 {
            std::thread::sleep(Duration::from_millis(LOCK_PAUSE_MS));
        }
        match try_lock(&path, true) {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => {}
            // Made anew it would lock out nobody who holds the old one.
            Err(StoreError::NotFound) => {
                return Err(damaged("lock", 0, "the lock file is missing"));
            }
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Busy)
}

/// Written under another name, then renamed: a rename keeps inode and birth time, which the text names.
fn write_format(
    disk: &Disk,
    root: &Path,
    mut format: Format,
    replacing: bool,
) -> Result<(), StoreError> {
    let (building, path) = (root.join("build/FORMAT"), root.join("FORMAT"));
    let file = disk.create(&building)?;
    format.identity = identity(&file, &building)?;
    disk.write(
        &file,
        &building,
        0,
        &mut [IoSlice::new(format.render().as_bytes())],
    )?;
    disk.sync_all(&file, &building)?;
    if replacing {
        disk.replace(&building, &path)?;
    } else if !disk.rename_new(&building, &path)? {
        return Err(StoreError::refused(
            "another process made a store here meanwhile",
        ));
    }
    disk.sync_directory(root)?;
    disk.sync_directory(&root.join("build"))
}

/// Makes durable the names that this start relies on: who gave them may have been stopped, or may have failed, before it did. Without
/// this a power loss could take away a file, or the whole store, with what was acknowledged since. Opening the tail does it for `tail/`.
fn sync_found_names(disk: &Disk, root: &Path, format: &Format) -> Result<(), StoreError> {
    for name in ["sealed", "quarantine"] {
        let directory = root.join(name);
        if directory.is_dir() {
            disk.sync_directory(&directory)?;
        }
    }
    disk.sync_directory(root)?;
    let around = register::directory(root);
    #[expect(clippy::disallowed_methods, reason = "it is a directory")]
    let looked = File::open(around);
    match looked {
        // Who may not look into it did not put the store there.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        _ => disk.sync_directory(around)?,
    }
    match &format.register {
        Some(path) if path.exists() => disk.sync_directory(register::directory(path)),
        _ => Ok(()),
    }
}

fn read_format(root: &Path) -> Result<(Format, Identity), StoreError> {
    let path = root.join("FORMAT");
    let failed =
        |source: io::Error| StoreError::reading(format!("open {}", path.display()), source);
    let file = regular::open(&path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > FORMAT_LEN_MAX {
        return Err(damaged("FORMAT", length, "longer than what a store writes"));
    }
    let bytes = read_at(
        &file,
        &path,
        0,
        usize::try_from(length).expect("checked against the bound"),
    )?;
    let what = match Format::parse(&bytes) {
        Ok(format) => return Ok((format, identity(&file, &path)?)),
        Err(FormatFault::Incompatible) => return Err(unsupported("store features")),
        Err(FormatFault::Version) => return Err(unsupported("store version")),
        Err(FormatFault::Damaged) => "not what a store writes",
    };
    Err(damaged("FORMAT", length_of(bytes.len()), what))
}

fn unsupported(what: &'static str) -> StoreError {
    StoreError::Unsupported {
        file: "FORMAT".to_owned(),
        what,
    }
}

fn damaged(file: &str, length: u64, what: &'static str) -> StoreError {
    StoreError::Damaged {
        place: Place {
            file: file.to_owned(),
            offset: 0,
            length,
        },
        what,
    }
}

fn identity(file: &File, path: &Path) -> Result<Identity, StoreError> {
    let failed = |source| StoreError::Io {
        doing: format!("look at {}", path.display()),
        source,
    };
    let metadata = file.metadata().map_err(failed)?;
    let born = metadata
        .created()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(Identity {
        inode: metadata.ino(),
        born: born.map(|time| (time.as_secs(), time.subsec_nanos())),
    })
}

fn warnings(root: &Path, format: &Format, copy: bool) -> Result<Vec<String>, StoreError> {
    let mut warnings = Vec::new();
    if copy {
        warnings.push(
            "FORMAT is bound to another inode: this directory is a copy of a store, or was moved"
                .to_owned(),
        );
    }
    if format.read_only != 0 {
        warnings.push("the store has features this program can only read".to_owned());
    }
    match medium(root)? {
        Medium::Layered(name) => warnings.push(format!(
            "the store lies on {name}: durability is what that layer gives"
        )),
        Medium::Volatile(name) => warnings.push(format!(
            "the store lies on {name}: a reboot loses everything"
        )),
        Medium::Disk => {}
    }
    match &format.register {
        None => warnings
            .push("no register is configured: nothing here guards against a rollback".to_owned()),
        Some(path) if !register::directory(path).is_dir() => {
            warnings.push(format!(
                "the register's directory is missing: {}",
                register::directory(path).display()
            ));
        }
        Some(_) => {}
    }
    Ok(warnings)
}
