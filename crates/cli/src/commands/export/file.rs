//! Where an export goes: standard output, or a file that gets its name only when it is whole.

use crate::say::{self, Failure};
use indelible_proof::hash::{Hash, Hasher};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Takes lines and hashes them as they go.
pub struct Sink {
    out: Out,
    hasher: Hasher,
    line: Vec<u8>,
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
            Some(path) if path.exists() => {
                return Err(
                    Failure::usage(format!("exists already: {}", path.display()))
                        .hint("exports are not overwritten; name another file"),
                );
            }
            Some(path) => {
                let mut building = path.as_os_str().to_owned();
                building.push(".part");
                let building = PathBuf::from(building);
                let file = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(&building)
                    .map_err(|error| say::file(&building, &error))?;
                Out::File {
                    file: BufWriter::with_capacity(BUFFER, file),
                    building,
                    path: path.to_owned(),
                }
            }
        };
        Ok(Sink {
            out,
            hasher: Hasher::new(),
            line: Vec::new(),
        })
    }

    /// Writes what `encode` gives, line end included.
    pub fn line(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.line.clear();
        encode(&mut self.line);
        self.hasher.update(&self.line);
        match &mut self.out {
            Out::Stdout(stdout) => stdout.write_all(&self.line),
            Out::File { file, .. } => file.write_all(&self.line),
        }
    }

    /// SHA-256 of all lines so far.
    pub fn digest(&self) -> Hash {
        self.hasher.clone().finish()
    }

    /// The export is whole: durable, then named.
    pub fn keep(self) -> io::Result<()> {
        match self.out {
            Out::Stdout(mut stdout) => stdout.flush(),
            Out::File {
                mut file,
                building,
                path,
            } => {
                file.flush()?;
                file.get_ref().sync_all()?;
                std::fs::rename(building, path)
            }
        }
    }

    /// The export is not whole. What went to standard output lacks its last line, by which a verifier knows.
    pub fn discard(self) {
        match self.out {
            Out::Stdout(mut stdout) => {
                let _reported = stdout.flush(); // a reason to stop was reported already
            }
            Out::File { building, .. } => {
                if let Err(error) = std::fs::remove_file(&building) {
                    say::warn(format_args!(
                        "{}: {}",
                        building.display(),
                        say::plain(&error)
                    ));
                }
            }
        }
    }
}
