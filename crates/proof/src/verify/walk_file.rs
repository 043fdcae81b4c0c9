//! A walk file as a whole: read once, and then what a verifier knows of a log's keys (`docs/spec/walk.md`).

use super::walk::KeyWalk;
use crate::checkpoint::Checkpoint;
use crate::export::{LineError, parse_checkpoint, parse_end};
use crate::find::split_after;
use crate::hash::{self, Hash};
use crate::key_set::KeySet;
use crate::limits::{EXPORT_LINE_BYTES_MAX, WALK_FILE_BYTES_MAX, WALK_HINGES_MAX};
use crate::note::{Note, Signed};
use crate::walk::{Header, Step, parse_genesis};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// A walk file of good form.
#[derive(Clone, Debug)]
pub struct WalkFile {
    walk: KeyWalk,
    is_good: bool,
    /// The checkpoint at its end, as a note.
    note: String,
    size: u64,
    root: Hash,
}

/// Why bytes are not a walk file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkFileError {
    /// The line, counted from 1, has not its form.
    #[error("the walk file is malformed at line {0}")]
    Malformed(u64),
    /// A later version wrote it: use a newer verifier.
    #[error("the walk file needs a newer version of this software")]
    Unsupported,
    /// More than 64 MiB.
    #[error("the walk file is larger than 64 MiB")]
    TooLarge,
}

/// What is left to read.
struct Lines<'a> {
    rest: &'a [u8],
    taken: u64,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a [u8], WalkFileError> {
        let (line, rest) = split_after(b'\n', self.rest).ok_or(self.malformed())?;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() > EXPORT_LINE_BYTES_MAX {
            return Err(self.malformed());
        }
        self.rest = rest;
        self.taken = self.taken.saturating_add(1);
        Ok(line)
    }

    /// The next line is wrong or missing.
    fn malformed(&self) -> WalkFileError {
        WalkFileError::Malformed(self.taken.saturating_add(1))
    }

    /// The line taken last is wrong.
    fn wrong(&self, error: LineError) -> WalkFileError {
        match error {
            LineError::Malformed => WalkFileError::Malformed(self.taken),
            LineError::Unsupported => WalkFileError::Unsupported,
        }
    }
}

impl WalkFile {
    /// Reads a walk file and goes its walk.
    ///
    /// # Errors
    /// [`WalkFileError`]: it has not its form. Whether its proofs hold, [`WalkFile::is_good`] says.
    pub fn read(bytes: &[u8]) -> Result<WalkFile, WalkFileError> {
        if bytes.len() > WALK_FILE_BYTES_MAX {
            return Err(WalkFileError::TooLarge);
        }
        let mut lines = Lines {
            rest: bytes,
            taken: 0,
        };
        let first = lines.next()?;
        let header = Header::parse(first).map_err(|error| lines.wrong(error))?;
        let malformed = LineError::Malformed;
        let line = lines.next()?;
        let genesis = parse_genesis(line).ok_or(lines.wrong(malformed))?;
        let mut walk = KeyWalk::begin(&genesis, header.origin.as_str(), &header.id);
        let proof = hinges(&mut lines, &mut walk)?;
        let line = lines.next()?;
        let text = parse_checkpoint(line).ok_or(lines.wrong(malformed))?;
        let note = Note::parse(&text).map_err(|_| lines.wrong(malformed))?;
        let checkpoint = Checkpoint::parse(note.text).map_err(|_| lines.wrong(malformed))?;
        let before = bytes.len().saturating_sub(lines.rest.len());
        let sha256 = hash::sha256(bytes.get(..before).unwrap_or_default());
        let line = lines.next()?;
        if parse_end(line) != Some(sha256) {
            return Err(lines.wrong(malformed));
        }
        if !lines.rest.is_empty() {
            return Err(lines.malformed());
        }
        if walk.is_unsupported() {
            return Err(WalkFileError::Unsupported);
        }
        let signed = |keys: &KeySet| keys.signed(&note) == Signed::Ok;
        let by_last = walk.sets().last().is_some_and(|last| signed(&last.keys));
        let is_good = walk.is_good()
            && checkpoint.size == header.size
            && checkpoint.origin == header.origin.as_str()
            && by_last
            && walk.leads_to(&checkpoint, &proof);
        Ok(WalkFile {
            is_good,
            size: checkpoint.size,
            root: checkpoint.root,
            note: String::from_utf8_lossy(&text).to_string(),
            walk,
        })
    }

    /// Does every proof in it hold, up to the checkpoint?
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.is_good
    }

    /// The keys it leads to.
    #[must_use]
    pub fn walk(&self) -> &KeyWalk {
        &self.walk
    }

    /// Size and root of its checkpoint.
    #[must_use]
    pub fn head(&self) -> (u64, Hash) {
        (self.size, self.root)
    }

    /// Its checkpoint, as a note.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// The hinges, up to the walk's last line: its proof.
fn hinges(lines: &mut Lines<'_>, walk: &mut KeyWalk) -> Result<Vec<Hash>, WalkFileError> {
    for _ in 0..=WALK_HINGES_MAX {
        let line = lines.next()?;
        match Step::parse(line).map_err(|error| lines.wrong(error))? {
            Step::Last(proof) => return Ok(proof),
            Step::Hinge(hinge) => walk.go_on(&hinge),
        }
    }
    Err(lines.wrong(LineError::Malformed))
}
