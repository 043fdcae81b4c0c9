//! The node's secret as a file: `DIR.keys/node-secret`, mode 0600 in a directory of mode 0700 (`docs/spec/keys.md`).
//!
//! Owns making and reading it. Promises that a secret others may read is not used, and that none is ever replaced.

use crate::random;
use indelible_ledger::signer::NodeSecret;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const FILE: &str = "node-secret";
/// The one line has under 100 bytes; a larger file is something else.
const BYTES_MAX: u64 = 256;
/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// Why there is no secret.
#[derive(Debug)]
pub enum KeyError {
    /// There is one already; it may sign for a store.
    Exists(PathBuf),
    /// Group or others may read or write it: its permissions.
    Wide(PathBuf, u32),
    /// It belongs to another user and so is in another's hands: the user's id.
    Foreign(PathBuf, u32),
    /// There is none.
    Missing(PathBuf),
    /// The file is not a secret file.
    NotASecret(PathBuf),
    /// The disk, or its permissions.
    Io(PathBuf, io::Error),
}

/// Makes a secret in `directory`, which is made too if it isn't there.
pub fn make(directory: &Path) -> Result<NodeSecret, KeyError> {
    make_directory(directory)?;
    check(directory)?;
    let path = directory.join(FILE);
    let mut file = match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyError::Exists(path));
        }
        Err(error) => return Err(KeyError::Io(path, error)),
    };
    let secret = NodeSecret::new(random::bytes());
    let written = file
        .write_all(secret.file_text().as_bytes())
        .and_then(|()| file.sync_all());
    let durable = written.and_then(|()| File::open(directory)?.sync_all());
    durable
        .map(|()| secret)
        .map_err(|error| KeyError::Io(path, error))
}

/// Takes back a secret just made that nothing was signed with.
pub fn unmake(directory: &Path) -> io::Result<()> {
    std::fs::remove_file(directory.join(FILE))?;
    std::fs::remove_dir(directory)
}

/// Reads the secret, having looked who else can.
pub fn read(directory: &Path) -> Result<NodeSecret, KeyError> {
    check(directory)?;
    let path = directory.join(FILE);
    let file = File::open(&path).map_err(|error| failed(&path, error))?;
    check_metadata(
        &path,
        &file.metadata().map_err(|error| failed(&path, error))?,
    )?;
    let mut text = String::new();
    match file.take(BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => NodeSecret::parse(&text).map_err(|_| KeyError::NotASecret(path)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(KeyError::NotASecret(path)),
        Err(error) => Err(failed(&path, error)),
    }
}

/// How the secret's place stands, without reading the secret.
pub fn state(directory: &Path) -> &'static str {
    let path = directory.join(FILE);
    let looked = check(directory).and_then(|()| {
        let metadata = std::fs::metadata(&path).map_err(|error| failed(&path, error))?;
        check_metadata(&path, &metadata)
    });
    match looked {
        Ok(()) => "present",
        Err(KeyError::Missing(_)) => "missing",
        Err(KeyError::Wide(..)) => "readable by others, so refused",
        Err(KeyError::Foreign(..)) => "another user's",
        Err(KeyError::Exists(_) | KeyError::NotASecret(_) | KeyError::Io(..)) => {
            "can't be looked at"
        }
    }
}

fn make_directory(directory: &Path) -> Result<(), KeyError> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(KeyError::Io(directory.to_owned(), error))
        }
        _ => Ok(()),
    }
}

fn check(directory: &Path) -> Result<(), KeyError> {
    let metadata = std::fs::metadata(directory).map_err(|error| failed(directory, error))?;
    check_metadata(directory, &metadata)
}

/// Wider than the owner is refused. Root may use a file of another user, as it may do anything.
fn check_metadata(path: &Path, metadata: &Metadata) -> Result<(), KeyError> {
    if metadata.mode() & OTHERS != 0 {
        return Err(KeyError::Wide(path.to_owned(), metadata.mode() & 0o777));
    }
    let user = rustix::process::geteuid();
    if !user.is_root() && metadata.uid() != user.as_raw() {
        return Err(KeyError::Foreign(path.to_owned(), metadata.uid()));
    }
    Ok(())
}

fn failed(path: &Path, error: io::Error) -> KeyError {
    match error.kind() {
        io::ErrorKind::NotFound => KeyError::Missing(path.to_owned()),
        _ => KeyError::Io(path.to_owned(), error),
    }
}
