//! Files of evidence that a command is given: read whole up to a bound, or line by line. `-` is standard input.

use crate::say::{self, Failure};
use indelible_proof::limits::EXPORT_LINE_BYTES_MAX;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// What a message calls a file.
pub fn named(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// A file, or standard input for `-`, and its length where it has one.
pub fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let failed = |error| say::file(path, &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
}

/// A whole file, but no more than one byte beyond what can be any good.
pub fn read_up_to(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let (source, _) = open(path)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    source
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| say::file(path, &error))?;
    Ok(bytes)
}

/// Record lines, one held at a time.
pub struct RecordLines {
    path: PathBuf,
    source: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
}

impl RecordLines {
    /// Opens a file of them.
    pub fn open(path: &Path) -> Result<RecordLines, Failure> {
        let (source, _) = open(path)?;
        Ok(RecordLines {
            path: path.to_owned(),
            source: BufReader::with_capacity(1 << 20, source),
            line: Vec::new(),
        })
    }

    /// The next line without its LF; the last may lack it. What is longer than any record line comes as no record line.
    pub fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.line.clear();
        let most = u64::try_from(EXPORT_LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = (&mut self.source)
            .take(most.saturating_add(1))
            .read_until(b'\n', &mut self.line);
        match read.map_err(|error| say::file(&self.path, &error))? {
            0 => Ok(None),
            _ if self.line.ends_with(b"\n") => Ok(self.line.strip_suffix(b"\n")),
            _ if self.line.len() > EXPORT_LINE_BYTES_MAX => Ok(Some(&[])),
            _ => Ok(Some(&self.line)),
        }
    }
}
