//! What an attacker does in the demo: bytes changed in files, behind the program's back.

use super::sample::SHOWN_SEQ;
use crate::exit::Exit;
use crate::say::{self, Failure};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A byte that was changed, and how to change it back.
pub struct Flip {
    path: PathBuf,
    mode: u32,
    /// Where.
    pub offset: usize,
    /// What stood there.
    pub before: u8,
    /// What stands there now.
    pub after: u8,
}

/// The first sealed file of records.
pub fn sealed_records(store: &Path) -> Result<PathBuf, Failure> {
    let sealed = store.join("sealed");
    let entries = fs::read_dir(&sealed).map_err(|error| say::file(&sealed, &error))?;
    let records = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "rec"));
    records
        .min()
        .ok_or_else(|| Failure::new(Exit::Trouble, "the demo went wrong: nothing is sealed"))
}

/// Flips the lowest bit of the byte in the middle of a file.
pub fn flip_in_the_middle(path: &Path) -> Result<Flip, Failure> {
    let failed = |error| say::file(path, &error);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    let bytes = fs::read(path).map_err(failed)?;
    let offset = bytes.len() / 2;
    let before = bytes.get(offset).copied().ok_or_else(|| {
        Failure::new(Exit::Trouble, "the demo went wrong: a sealed file is empty")
    })?;
    let flip = Flip {
        path: path.to_owned(),
        mode,
        offset,
        before,
        after: before ^ 1,
    };
    flip.put(flip.after)?;
    Ok(flip)
}

impl Flip {
    /// Puts the byte back, and the file's mode.
    pub fn undo(&self) -> Result<(), Failure> {
        self.put(self.before)
    }

    fn put(&self, byte: u8) -> Result<(), Failure> {
        let failed = |error| say::file(&self.path, &error);
        let mut bytes = fs::read(&self.path).map_err(failed)?;
        if let Some(place) = bytes.get_mut(self.offset) {
            *place = byte;
        }
        fs::set_permissions(&self.path, Permissions::from_mode(self.mode | 0o200))
            .map_err(failed)?;
        fs::write(&self.path, bytes).map_err(failed)?;
        fs::set_permissions(&self.path, Permissions::from_mode(self.mode)).map_err(failed)
    }
}

/// Copies an export with the intruder's name changed by one letter.
pub fn change_letter(export: &Path, changed: &Path) -> Result<(), Failure> {
    let mut bytes = fs::read(export).map_err(|error| say::file(export, &error))?;
    let (record, name) = (
        format!("\"seq\":{SHOWN_SEQ},"),
        b"\"userName\":\"bert-jan\"",
    );
    let at = find(&bytes, record.as_bytes(), 0)
        .and_then(|from| find(&bytes, name, from))
        .map(|at| at + b"\"userName\":\"".len());
    match at.and_then(|at| bytes.get_mut(at)) {
        Some(byte) => *byte = b'c',
        None => {
            return Err(Failure::new(
                Exit::Trouble,
                "the demo went wrong: the export lacks the record shown",
            ));
        }
    }
    fs::write(changed, bytes).map_err(|error| say::file(changed, &error))
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let place = bytes
        .get(from..)?
        .windows(wanted.len())
        .position(|window| window == wanted)?;
    Some(from + place)
}
