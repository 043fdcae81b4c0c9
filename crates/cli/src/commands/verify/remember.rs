//! What earlier verifications saw: `--remember FILE` (`docs/spec/memory.md`).
//!
//! Owns the file and its lock, `FILE.lock`, which is held from before the evidence is looked at until the file is written: of two
//! verifications at once the second compares with what the first has seen. The file is replaced whole and synced, and only after a
//! verdict that is good all over. Both notes of a fork are written beside it.

use crate::evidence::read_up_to;
use crate::say::{self, Failure};
use crate::show;
use indelible_proof::limits::MEMORY_BYTES_MAX;
use indelible_proof::memory::{Compared, Memory, Seen};
use indelible_proof::verdict::Consistency;
use indelible_proof::verify::Report;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The memory while a verification runs.
pub struct Remembering {
    path: PathBuf,
    memory: Memory,
    /// What is learnt if all turns out well.
    notes: Vec<String>,
    /// Held to the end.
    _lock: File,
}

impl Remembering {
    /// Waits for other verifications with this file, and reads it. Where there is none, nothing is remembered.
    pub fn open(path: &Path) -> Result<Remembering, Failure> {
        let lock_path = beside(path, ".lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .and_then(|lock| lock.lock().map(|()| lock))
            .map_err(|error| say::file(&lock_path, &error))?;
        let memory = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Memory::default(),
            _ => {
                let bytes = read_up_to(path, MEMORY_BYTES_MAX)?;
                Memory::parse(&bytes).map_err(|error| {
                    Failure::usage(format!("{error}: {}", path.display()))
                        .hint("--remember takes a file of its own, new or begun by it")
                })?
            }
        };
        Ok(Remembering {
            path: path.to_owned(),
            memory,
            notes: Vec::new(),
            _lock: lock,
        })
    }

    /// The size remembered of a log.
    pub fn size_of(&self, origin: &str) -> Option<u64> {
        self.memory.head(origin).map(|head| head.size)
    }

    /// The logs of a node of which something is remembered: origin, size, note.
    pub fn of_node(&self, node: &str) -> Vec<(String, u64, String)> {
        let of_node = |note: &&str| {
            let rest = note
                .strip_prefix(node)
                .and_then(|rest| rest.strip_prefix('/'));
            // A log's name and its incarnation, and no more: a node below this one is another.
            rest.and_then(|rest| rest.lines().next())
                .is_some_and(|rest| rest.matches('/').count() == 1)
        };
        let notes = self.memory.notes().filter(of_node);
        let known = notes.filter_map(|note| {
            let origin = note.lines().next()?;
            Some((origin.to_owned(), self.size_of(origin)?, note.to_owned()))
        });
        known.collect()
    }

    /// Brings what was seen before into a report on a file, and keeps what it shows to be learnt.
    pub fn judge(&mut self, report: &mut Report, is_export: bool) -> Compared {
        self.notes.extend(report.checked.note.clone());
        self.memory.judge(report, is_export)
    }

    /// Compares a checkpoint that was believed with the one remembered, and keeps it to be learnt.
    pub fn compare(&mut self, seen: &Seen<'_>) -> Compared {
        self.notes.push(seen.note.to_owned());
        self.memory.compare(seen)
    }

    /// Remembers what was seen, durably.
    pub fn keep(mut self) -> Result<(), Failure> {
        let mut is_changed = false;
        for note in &self.notes {
            is_changed |= self.memory.learn(note);
        }
        if !is_changed {
            return Ok(());
        }
        let building = beside(&self.path, ".new");
        let write = || {
            let mut file = File::create(&building)?;
            file.write_all(&self.memory.encode())?;
            file.sync_all()?;
            std::fs::rename(&building, &self.path)?;
            let directory = self.path.parent().filter(|path| *path != Path::new(""));
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(|error| say::file(&self.path, &error))
    }

    /// Writes both notes of a fork out, and the proof that ties them together where their sizes differ, and says where they are.
    pub fn write_fork(
        &self,
        consistency: &Consistency,
        proof: Option<&str>,
    ) -> Result<String, Failure> {
        let Consistency::Fork { one, other } = consistency else {
            return Ok(String::new());
        };
        let line = |note: &str, number: usize| note.lines().nth(number).unwrap_or("0").to_owned();
        let incarnation = line(other, 0)
            .rsplit('/')
            .next()
            .unwrap_or("log")
            .to_owned();
        let stem = format!(".fork-{incarnation}-{}-{}", line(one, 1), line(other, 1));
        let parts = [
            ("one", Some(one.as_str())),
            ("other", Some(other)),
            ("proof", proof),
        ];
        let mut words = Vec::new();
        for (name, text) in parts {
            let Some(text) = text else { continue };
            let path = beside(&self.path, &format!("{stem}.{name}"));
            write_durably(&path, text).map_err(|error| say::file(&path, &error))?;
            if name == "proof" {
                words.push("--proof".to_owned());
            }
            words.push(show::shell(&path));
        }
        Ok(format!(
            "two histories are signed; anybody can check it: indelible verify --fork {} --pin LINE",
            words.join(" ")
        ))
    }
}

fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
