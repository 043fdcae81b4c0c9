//! A disk that forgets: what a recorded history wrote, synced and named, and what can be left of it when the power goes.
//!
//! Stricter than any file system in use. Of what was not synced, any 512-byte sector may be old, new or in between, any name may have
//! come or not, and a directory's names are durable only by a sync of that directory. A sync that failed leaves bytes that can be
//! read and that no later sync writes: only writing them again does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::fate::Fate;
use super::trace::{Entry, Kind};
use crate::random::Random;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Files and directories, by the order in which they were made. 0 is the watched directory.
type Id = usize;

/// One name that came, went or changed its meaning.
#[derive(Clone)]
struct Naming {
    directory: Id,
    name: String,
    to: Option<Id>,
}

/// A file: its bytes as they would be after a sync, and what of them is not on the disk.
#[derive(Clone, Default)]
struct File {
    durable: Vec<u8>,
    seen: Vec<u8>,
    /// Each sector that was written since it was last durable, with all that it held since then.
    unsynced: BTreeMap<usize, Vec<Vec<u8>>>,
    /// Of these, the ones that a failed sync has forgotten about.
    forgotten: BTreeSet<usize>,
}

#[derive(Clone)]
enum Node {
    File(File),
    Directory {
        durable: BTreeMap<String, Id>,
        seen: BTreeMap<String, Id>,
    },
}

/// The disk at some moment of a history.
#[derive(Clone)]
pub struct Disk {
    nodes: Vec<Node>,
    /// Changes of names that are not durable in all their directories: each happened whole or not at all.
    naming: Vec<Vec<Naming>>,
}

/// What is left after the power went: files by their path, and directories.
pub struct Left {
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    pub directories: BTreeSet<PathBuf>,
}

impl Node {
    fn directory() -> Node {
        Node::Directory {
            durable: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }
}

impl Disk {
    /// An empty directory, and in it these, all of it durable.
    pub fn with(directories: &[&str]) -> Disk {
        let mut nodes = vec![Node::directory()];
        for name in directories {
            let id = nodes.len();
            nodes.push(Node::directory());
            if let Some(Node::Directory { durable, seen }) = nodes.first_mut() {
                durable.insert((*name).to_owned(), id);
                seen.insert((*name).to_owned(), id);
            }
        }
        Disk {
            nodes,
            naming: Vec::new(),
        }
    }

    /// One call more.
    pub fn take(&mut self, entry: &Entry) -> Result<()> {
        self.take_call(entry)
            .with_context(|| format!("{} {} {}", entry.call, entry.path, entry.second))
    }

    fn take_call(&mut self, entry: &Entry) -> Result<()> {
        if entry.kind == Kind::Fate {
            let failed = entry.result.to_string() == Fate::Fail.number();
            return match entry.call.as_str() {
                "fsync" | "fdatasync" if failed => self.sync_failed(&entry.path),
                _ => Ok(()),
            };
        }
        if entry.result < 0 {
            return Ok(());
        }
        match entry.kind {
            Kind::Create => self.name_new(&entry.path, Node::File(File::default())),
            Kind::MakeDirectory => self.name_new(&entry.path, Node::directory()),
            Kind::Write => self.write(&entry.path, usize::try_from(entry.offset)?, &entry.bytes),
            Kind::Truncate => self.truncate(&entry.path, usize::try_from(entry.offset)?),
            Kind::Sync => self.sync(&entry.path),
            Kind::Rename => self.rename(&entry.path, &entry.second),
            Kind::Unlink => {
                let (directory, name) = self.place(&entry.path)?;
                self.rename_all(vec![Naming {
                    directory,
                    name,
                    to: None,
                }])
            }
            // Whether a mode was durable shows in nothing that is stored.
            Kind::Mode | Kind::Other | Kind::Open | Kind::Said | Kind::Fate => Ok(()),
        }
    }

    fn find(&self, path: &str) -> Option<Id> {
        let mut at = 0;
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            let Some(Node::Directory { seen, .. }) = self.nodes.get(at) else {
                return None;
            };
            at = *seen.get(part)?;
        }
        Some(at)
    }

    /// The directory of a path, and the name in it.
    fn place(&self, path: &str) -> Result<(Id, String)> {
        let (directory, name) = path.rsplit_once('/').unwrap_or((".", path));
        let directory = self.find(directory).context("in no directory")?;
        Ok((directory, name.to_owned()))
    }

    fn name_new(&mut self, path: &str, node: Node) -> Result<()> {
        let (directory, name) = self.place(path)?;
        let to = Some(self.nodes.len());
        self.nodes.push(node);
        self.rename_all(vec![Naming {
            directory,
            name,
            to,
        }])
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let moved = self.find(from).context("nothing to rename")?;
        let (old, new) = (self.place(from)?, self.place(to)?);
        let naming = |(directory, name), to| Naming {
            directory,
            name,
            to,
        };
        self.rename_all(vec![naming(old, None), naming(new, Some(moved))])
    }

    fn rename_all(&mut self, all: Vec<Naming>) -> Result<()> {
        for naming in &all {
            let Some(Node::Directory { seen, .. }) = self.nodes.get_mut(naming.directory) else {
                bail!("not a directory");
            };
            give_name(seen, naming);
        }
        self.naming.push(all);
        Ok(())
    }

    /// The file of a call. `None`: it has no name any more, so what becomes of it shows nowhere.
    fn file(&mut self, path: &str) -> Result<Option<&mut File>> {
        let Some(id) = self.find(path) else {
            ensure!(path.ends_with(" (deleted)"), "no such file");
            return Ok(None);
        };
        match self.nodes.get_mut(id) {
            Some(Node::File(file)) => Ok(Some(file)),
            _ => bail!("not a file"),
        }
    }

    fn write(&mut self, path: &str, offset: usize, bytes: &[u8]) -> Result<()> {
        let Some(file) = self.file(path)? else {
            return Ok(());
        };
        let end = offset.checked_add(bytes.len()).context("offset")?;
        if file.seen.len() < end {
            file.seen.resize(end, 0);
        }
        if let Some(place) = file.seen.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
        if !bytes.is_empty() {
            for sector in offset / SECTOR..=end.saturating_sub(1) / SECTOR {
                let now = sector_of(&file.seen, sector);
                file.forgotten.remove(&sector);
                file.unsynced.entry(sector).or_default().push(now);
            }
        }
        Ok(())
    }

    fn truncate(&mut self, path: &str, length: usize) -> Result<()> {
        if let Some(file) = self.file(path)? {
            file.seen.resize(length, 0);
            // A file that is cut is read anew by whoever comes next; both lengths are possible until a sync.
            file.unsynced.retain(|sector, _| sector * SECTOR < length);
        }
        Ok(())
    }

    fn sync(&mut self, path: &str) -> Result<()> {
        let id = self.find(path);
        if let Some(id) = id
            && let Some(Node::Directory { .. }) = self.nodes.get(id)
        {
            self.sync_directory(id);
            return Ok(());
        }
        if let Some(file) = self.file(path)? {
            file.durable.resize(file.seen.len(), 0);
            let File {
                durable,
                seen,
                unsynced,
                forgotten,
            } = file;
            unsynced.retain(|sector, _| {
                let is_forgotten = forgotten.contains(sector);
                if !is_forgotten {
                    put_sector(durable, *sector, &sector_of(seen, *sector));
                }
                is_forgotten
            });
        }
        Ok(())
    }

    fn sync_failed(&mut self, path: &str) -> Result<()> {
        let is_directory = self
            .find(path)
            .is_some_and(|id| matches!(self.nodes.get(id), Some(Node::Directory { .. })));
        if !is_directory && let Some(file) = self.file(path)? {
            file.forgotten = file.unsynced.keys().copied().collect();
        }
        Ok(())
    }

    fn sync_directory(&mut self, id: Id) {
        if let Some(Node::Directory { durable, .. }) = self.nodes.get_mut(id) {
            for change in &mut self.naming {
                change.retain(|naming| {
                    let is_here = naming.directory == id;
                    if is_here {
                        give_name(durable, naming);
                    }
                    !is_here
                });
            }
        }
        self.naming.retain(|change| !change.is_empty());
    }

    /// The power goes.
    pub fn lose(&self, random: &mut Random) -> Left {
        let mut left = self.clone();
        let names = Keep::any(random);
        for (number, change) in self.naming.iter().enumerate() {
            if names.keeps(number, self.naming.len(), random) {
                for naming in change {
                    if let Some(Node::Directory { durable, .. }) =
                        left.nodes.get_mut(naming.directory)
                    {
                        give_name(durable, naming);
                    }
                }
            }
        }
        let sectors = Keep::any(random);
        for node in &mut left.nodes {
            if let Node::File(file) = node {
                file.lose(sectors, random);
            }
        }
        let mut all = Left {
            files: BTreeMap::new(),
            directories: BTreeSet::new(),
        };
        left.walk(0, Path::new(""), &mut all);
        all
    }

    fn walk(&self, id: Id, path: &Path, left: &mut Left) {
        match self.nodes.get(id) {
            Some(Node::File(file)) => {
                left.files.insert(path.to_path_buf(), file.durable.clone());
            }
            Some(Node::Directory { durable, .. }) => {
                left.directories.insert(path.to_path_buf());
                for (name, id) in durable {
                    self.walk(*id, &path.join(name), left);
                }
            }
            None => {}
        }
    }
}

impl File {
    /// Leaves in `durable` what is left of the file.
    fn lose(&mut self, keep: Keep, random: &mut Random) {
        // A length is one fact of the file system's own, kept or not.
        if self.seen.len() != self.durable.len() && keep.keeps(0, 2, random) {
            self.durable.resize(self.seen.len(), 0);
        }
        let count = self.unsynced.len();
        for (number, (sector, versions)) in self.unsynced.iter().enumerate() {
            if keep.keeps(number, count, random)
                && let Some(version) = versions.get(newest_mostly(versions.len(), random))
            {
                put_sector(&mut self.durable, *sector, version);
            }
        }
    }
}

fn newest_mostly(count: usize, random: &mut Random) -> usize {
    let newest = count.saturating_sub(1);
    match random.one_in(4) {
        true => random.below(count),
        false => newest,
    }
}

fn give_name(names: &mut BTreeMap<String, Id>, naming: &Naming) {
    match naming.to {
        Some(id) => names.insert(naming.name.clone(), id),
        None => names.remove(&naming.name),
    };
}

fn sector_of(bytes: &[u8], sector: usize) -> Vec<u8> {
    let begin = (sector * SECTOR).min(bytes.len());
    let end = (begin + SECTOR).min(bytes.len());
    bytes.get(begin..end).unwrap_or_default().to_vec()
}

/// What lies behind the file's length is not kept.
fn put_sector(bytes: &mut [u8], sector: usize, with: &[u8]) {
    let begin = (sector * SECTOR).min(bytes.len());
    let end = (begin + with.len()).min(bytes.len());
    if let (Some(place), Some(with)) = (bytes.get_mut(begin..end), with.get(..end - begin)) {
        place.copy_from_slice(with);
    }
}

/// Which of the unsynced things are kept: all sorts of order that a disk can have, and none.
#[derive(Clone, Copy)]
enum Keep {
    None,
    All,
    First,
    Last,
    OneIn(usize),
    AllButOneIn(usize),
}

impl Keep {
    fn any(random: &mut Random) -> Keep {
        match random.below(8) {
            0 => Keep::None,
            1 => Keep::All,
            2 => Keep::First,
            3 => Keep::Last,
            4 => Keep::OneIn(8),
            5 => Keep::AllButOneIn(8),
            _ => Keep::OneIn(2),
        }
    }

    fn keeps(self, number: usize, count: usize, random: &mut Random) -> bool {
        match self {
            Keep::None => false,
            Keep::All => true,
            Keep::First => number < count / 2,
            Keep::Last => number >= count / 2,
            Keep::OneIn(times) => random.one_in(times),
            Keep::AllButOneIn(times) => !random.one_in(times),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: u64 = 200;

    fn entry(kind: Kind, call: &str, path: &str, bytes: &[u8]) -> Entry {
        Entry {
            kind,
            call: call.to_owned(),
            path: path.to_owned(),
            second: String::new(),
            result: 0,
            offset: 0,
            bytes: bytes.to_vec(),
        }
    }

    /// What is left of a file, in many losses.
    fn left(disk: &Disk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
        (0..LOSSES)
            .map(|seed| {
                let mut left = disk.lose(&mut Random::new(seed));
                left.files.remove(Path::new(path))
            })
            .collect()
    }

    fn written(bytes: &[u8]) -> Disk {
        let mut disk = Disk::with(&["safe"]);
        disk.take(&entry(Kind::MakeDirectory, "mkdir", "safe/keys", b""))
            .unwrap();
        disk.take(&entry(Kind::Create, "openat", "safe/keys/secret", b""))
            .unwrap();
        disk.take(&entry(Kind::Write, "write", "safe/keys/secret", bytes))
            .unwrap();
        disk
    }

    fn sync(disk: &mut Disk, path: &str) {
        disk.take(&entry(Kind::Sync, "fsync", path, b"")).unwrap();
    }

    #[test]
    fn a_name_is_gone_with_the_power_unless_every_directory_above_it_was_synced() {
        let mut disk = written(b"secret");
        sync(&mut disk, "safe/keys/secret");
        sync(&mut disk, "safe/keys");
        let all = left(&disk, "safe/keys/secret");
        assert_eq!(all, BTreeSet::from([None, Some(b"secret".to_vec())]));
        sync(&mut disk, "safe");
        let all = left(&disk, "safe/keys/secret");
        assert_eq!(all, BTreeSet::from([Some(b"secret".to_vec())]));
    }

    #[test]
    fn a_sync_that_failed_makes_nothing_durable_until_the_bytes_are_written_again() {
        let bytes = [7; 3 * SECTOR];
        let mut disk = written(&bytes);
        sync(&mut disk, "safe/keys");
        sync(&mut disk, "safe");
        let failed = Entry {
            result: 3,
            ..entry(Kind::Fate, "fdatasync", "safe/keys/secret", b"")
        };
        disk.take(&failed).unwrap();
        // The kernel holds its pages for clean: this one does nothing, and says that all is well.
        sync(&mut disk, "safe/keys/secret");
        let whole = BTreeSet::from([Some(bytes.to_vec())]);
        assert!(left(&disk, "safe/keys/secret").len() > 2);
        disk.take(&entry(Kind::Write, "write", "safe/keys/secret", &bytes))
            .unwrap();
        sync(&mut disk, "safe/keys/secret");
        assert_eq!(left(&disk, "safe/keys/secret"), whole);
    }
}
