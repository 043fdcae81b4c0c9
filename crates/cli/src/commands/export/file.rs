//! Where an export goes: standard output, or a file that gets its name only when it is whole.

use crate::output;
use crate::random;
use crate::say::{self, Failure};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Takes what is to be written.
pub struct Sink {
    out: Out,
}

enum Out {
    Stdout(BufWriter<io::Stdout>),
    File {
        file: BufWriter<File>,
        building: PathBuf,
        path: PathBuf,
    },
}

const BUFFER: usize = 256 << 10;

impl Sink {
    /// A file that must not exist, or standard output.
    pub fn open(path: Option<&Path>) -> Result<Sink, Failure> {
        let out = match path {
            None => Out::Stdout(BufWriter::with_capacity(BUFFER, io::stdout())),
            Some(path) if path.exists() => return Err(exists(path)),
            Some(path) => {
                let building = building(path);
                let file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(&building)
                    .map_err(|error| say::file(path, &error))?;
                Out::File {
                    file: BufWriter::with_capacity(BUFFER, file),
                    building,
                    path: path.to_owned(),
                }
            }
        };
        Ok(Sink { out })
    }

    /// Writes these bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.out {
            Out::Stdout(stdout) => stdout.write_all(bytes),
            Out::File { file, .. } => file.write_all(bytes),
        }
    }

    /// Writes what `encode` gives, line end included.
    pub fn line(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut line = Vec::new();
        encode(&mut line);
        self.bytes(&line)
    }

    /// The export is whole: durable, then named, then the name durable too. What has the name by then keeps it.
    pub fn keep(self) -> Result<(), Failure> {
        match self.out {
            Out::Stdout(mut stdout) => stdout.flush().map_err(|error| output::failed(&error)),
            Out::File {
                file,
                building,
                path,
            } => name(file, &building, &path).map_err(|error| {
                remove(&building);
                match error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&path),
                    _ => say::file(&path, &error),
                }
            }),
        }
    }

    /// The export is not whole. What went to standard output lacks its last line, by which a verifier knows.
    pub fn discard(self) {
        match self.out {
            Out::Stdout(mut stdout) => {
                let _reported = stdout.flush(); // a reason to stop was reported already
            }
            Out::File { building, .. } => remove(&building),
        }
    }
}

/// A name of its own beside the file, so that no two exports share one and nothing that lies there is taken for one.
fn building(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let random: [u8; 8] = random::bytes();
    name.push(format!(".{:016x}.part", u64::from_be_bytes(random)));
    path.with_file_name(name)
}

fn name(mut file: BufWriter<File>, building: &Path, path: &Path) -> io::Result<()> {
    file.flush()?;
    file.get_ref().sync_all()?;
    renameat_with(CWD, building, CWD, path, RenameFlags::NOREPLACE)?;
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn remove(building: &Path) {
    match std::fs::remove_file(building) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => say::warn(format_args!(
            "{}: {}",
            building.display(),
            say::plain(&error)
        )),
        _ => {}
    }
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("exists already: {}", path.display()))
        .hint("nothing that was written is overwritten; name another file")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in a directory.
    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn two_exports_of_one_name_share_nothing_and_the_first_keeps_it() {
        let bed = tempfile::tempdir().unwrap();
        let path = bed.path().join("export");
        let mut sinks = [0, 1].map(|_| Sink::open(Some(&path)).unwrap());
        for (number, sink) in sinks.iter_mut().enumerate() {
            sink.bytes(format!("{number}\n").as_bytes()).unwrap();
        }
        let [first, second] = sinks;
        first.keep().unwrap();
        let refused = second.keep().unwrap_err();
        assert_eq!(refused.exit(), crate::exit::Exit::Usage);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "0\n");
        assert_eq!(names(bed.path()), ["export"]);
    }

    #[test]
    fn an_export_given_up_leaves_nothing() {
        let bed = tempfile::tempdir().unwrap();
        let sink = Sink::open(Some(&bed.path().join("export"))).unwrap();
        assert_eq!(names(bed.path()).len(), 1);
        sink.discard();
        assert_eq!(names(bed.path()), [""; 0]);
    }
}
