//! A directory that grows while others read it: a file has its name only when its bytes are durable, and only one may be replaced.
//!
//! Files are built under `.part`, synced, then named, many at a time, because a sync costs more than a file. One process writes at a
//! time: it holds a lock on the directory. Does not know what the files mean.

use indelible_store::regular;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where files are built.
pub const BUILDING: &str = ".part";

/// Files that are built before they are named together: two megabytes of tiles.
const TOGETHER: usize = 256;

/// Syncs that wait at the same time.
const SYNCS: usize = 64;

/// What became of a file that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It will have its name after the next [`Directory::settle`].
    New,
    /// It is there already, with these bytes.
    There,
    /// A file of that name holds something else, and keeps it.
    Differs,
}

/// A directory that this process alone adds to.
pub struct Directory {
    path: PathBuf,
    /// Holds the lock as long as it is open.
    _lock: File,
    /// Built and not named: the file, open, and its name.
    built: Vec<(File, PathBuf, PathBuf)>,
    /// Directories known to be there.
    known: BTreeSet<PathBuf>,
    /// Directories with a name in them that isn't durable yet.
    touched: BTreeSet<PathBuf>,
    next: u64,
}

impl Directory {
    /// Makes it if need be, and takes the lock. What an earlier process was building is removed. `None`: another holds the lock.
    pub fn open(path: &Path) -> io::Result<Option<Directory>> {
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {}
            Ok(()) => File::open(parent(path))?.sync_all()?,
        }
        let lock = File::open(path)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        let directory = Directory {
            path: path.to_owned(),
            _lock: lock,
            built: Vec::new(),
            known: BTreeSet::from([path.to_owned()]),
            touched: BTreeSet::new(),
            next: 0,
        };
        directory.clear()?;
        Ok(Some(directory))
    }

    /// All files in it, as paths with `/`, sorted.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let (mut names, mut left) = (Vec::new(), vec![self.path.clone()]);
        while let Some(at) = left.pop() {
            for entry in fs::read_dir(at)? {
                let entry = entry?;
                // A link is a file here, wherever it leads.
                if entry.file_type()?.is_dir() {
                    left.push(entry.path());
                    continue;
                }
                let path = entry.path();
                let name = path.strip_prefix(&self.path).unwrap_or(&path);
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// A file's bytes, if there is one of that name. One that is longer than `bytes_max` is cut to one byte more.
    pub fn read(&self, name: &str, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        use io::Read as _;
        let file = match regular::open(&self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Adds a file that nobody replaces.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<Added> {
        if let Some(there) = self.read(name, bytes.len())? {
            return Ok(if there == bytes {
                Added::There
            } else {
                Added::Differs
            });
        }
        let path = self.path.join(name);
        self.make(parent(&path))?;
        let (file, building) = self.build(bytes)?;
        self.built.push((file, building, path));
        if self.built.len() >= TOGETHER {
            self.settle()?;
        }
        Ok(Added::New)
    }

    /// Everything added is durable (1) and has its name, and the names are durable too (2).
    pub fn settle(&mut self) -> io::Result<()> {
        sync(&self.built)?;
        // ● 1
        for (_, building, path) in self.built.drain(..) {
            renameat_with(CWD, &building, CWD, &path, RenameFlags::NOREPLACE)?;
            self.touched.insert(parent(&path).to_owned());
        }
        for directory in std::mem::take(&mut self.touched) {
            File::open(directory)?.sync_all()?;
        }
        // ● 2
        Ok(())
    }

    /// Gives this name other bytes, durable before they have it. Everything added before is durable before that.
    pub fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.settle()?;
        let path = self.path.join(name);
        let (file, building) = self.build(bytes)?;
        file.sync_all()?;
        fs::rename(building, &path)?;
        File::open(parent(&path))?.sync_all()
    }

    fn build(&mut self, bytes: &[u8]) -> io::Result<(File, PathBuf)> {
        self.make(&self.path.join(BUILDING))?;
        let building = self.path.join(BUILDING).join(self.next.to_string());
        self.next += 1;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&building)?;
        file.write_all(bytes)?;
        Ok((file, building))
    }

    /// Makes a directory and those above it. Their names are durable with the next settling.
    fn make(&mut self, directory: &Path) -> io::Result<()> {
        if self.known.contains(directory) {
            return Ok(());
        }
        let above = parent(directory).to_owned();
        self.make(&above)?;
        match fs::create_dir(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // Whoever made it may have been stopped before its name was durable.
        self.touched.insert(above);
        self.known.insert(directory.to_owned());
        Ok(())
    }

    fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.path.join(BUILDING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Side by side: a file system puts the syncs that wait at the same time into one write of its journal, and one after the other each
/// costs a write.
fn sync(built: &[(File, PathBuf, PathBuf)]) -> io::Result<()> {
    std::thread::scope(|scope| {
        let parts = built.chunks(TOGETHER.div_ceil(SYNCS));
        let syncs: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().try_for_each(|(file, ..)| file.sync_all())))
            .collect();
        syncs.into_iter().try_for_each(|sync| {
            sync.join()
                .expect("a sync gives an error and does not panic")
        })
    })
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left here is found and removed by the next one.
        self.clear().ok();
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_only_after_it_was_settled() {
        let bed = tempfile::tempdir().unwrap();
        let path = bed.path().join("site");
        let mut directory = Directory::open(&path).unwrap().unwrap();
        assert_eq!(directory.add("tile/0/000", b"bytes").unwrap(), Added::New);
        assert!(!path.join("tile/0/000").exists());
        directory.settle().unwrap();
        assert_eq!(fs::read(path.join("tile/0/000")).unwrap(), b"bytes");
        assert_eq!(directory.add("tile/0/000", b"bytes").unwrap(), Added::There);
        for other in [&b"byte"[..], b"bytes!", b"bytez", b""] {
            assert_eq!(directory.add("tile/0/000", other).unwrap(), Added::Differs);
        }
        directory.replace("checkpoint", b"1").unwrap();
        directory.replace("checkpoint", b"2").unwrap();
        assert_eq!(fs::read(path.join("checkpoint")).unwrap(), b"2");
        drop(directory);
        let directory = Directory::open(&path).unwrap().unwrap();
        assert_eq!(directory.names().unwrap(), ["checkpoint", "tile/0/000"]);
        assert!(!path.join(BUILDING).exists());
    }

    #[test]
    fn more_files_than_are_named_together_all_arrive() {
        let bed = tempfile::tempdir().unwrap();
        let mut directory = Directory::open(bed.path()).unwrap().unwrap();
        for number in 0..TOGETHER * 2 + 7 {
            let name = format!("tile/{}/{number}", number % 3);
            directory.add(&name, number.to_string().as_bytes()).unwrap();
        }
        directory.replace("checkpoint", b"c").unwrap();
        assert_eq!(directory.names().unwrap().len(), TOGETHER * 2 + 8);
    }

    #[test]
    fn one_process_writes_at_a_time_and_what_a_killed_one_was_building_goes() {
        let bed = tempfile::tempdir().unwrap();
        fs::create_dir(bed.path().join(BUILDING)).unwrap();
        fs::write(bed.path().join(BUILDING).join("0"), b"torn").unwrap();
        let first = Directory::open(bed.path()).unwrap().unwrap();
        assert!(Directory::open(bed.path()).unwrap().is_none());
        assert_eq!(first.names().unwrap(), [""; 0]);
        drop(first);
        assert!(Directory::open(bed.path()).unwrap().is_some());
    }
}
