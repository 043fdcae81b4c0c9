//! Opens files to read them, and nothing else that may have their names.
//!
//! Whoever can write into a directory can put a named pipe where a file was; opening it would wait for ever, for somebody to write into it.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that opens to read"
)]

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file for reading. Waits for nobody.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidData`] if the name leads to something else than a file.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    checked(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// What was opened, if it is a file. Opening a pipe for reading and writing at once does not wait either.
pub(crate) fn checked(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "not a file")),
    }
}
