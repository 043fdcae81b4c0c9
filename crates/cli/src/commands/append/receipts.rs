//! The file of receipts: a JSON line for each event, in order: {"seq":…,"entry":"…","salt":"…","receipt":"…"}.
//!
//! Lines are added, never replaced: receipts are what proves an event to others. A line cut off by an earlier crash is ended first.

use crate::say::{self, Failure};
use crate::show;
use indelible_ledger::caller::salt_text;
use indelible_ledger::{Ledger, Log, Recorded};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

/// Where receipts go, if anywhere.
pub enum Receipts {
    /// Nobody asked for any.
    No,
    /// A file.
    File(BufWriter<File>),
    /// Standard output.
    Stdout(BufWriter<io::Stdout>),
}

/// Whether `-` was given.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl Receipts {
    /// Opens the file, making it if it isn't there.
    pub fn open(path: Option<&Path>) -> Result<Receipts, Failure> {
        match path {
            None => Ok(Receipts::No),
            Some(path) if is_stdout(path) => Ok(Receipts::Stdout(BufWriter::new(io::stdout()))),
            Some(path) => open_file(path)
                .map(|file| Receipts::File(BufWriter::with_capacity(64 << 10, file)))
                .map_err(|error| say::file(path, &error)),
        }
    }

    /// Adds the line of a record.
    pub fn write(&mut self, ledger: &Ledger, log: &Log, record: &Recorded) -> io::Result<()> {
        let Some(out) = self.writer() else {
            return Ok(());
        };
        let receipt = ledger
            .receipt(log, record)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let salt = salt_text(&record.salt);
        let salt = String::from_utf8_lossy(&salt);
        writeln!(
            out,
            "{{\"seq\":{},\"entry\":\"{}\",\"salt\":\"{salt}\",\"receipt\":{}}}",
            record.seq,
            record.entry,
            show::json(&receipt)
        )
    }

    /// Hands on what was written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer().map_or(Ok(()), Write::flush)
    }

    /// Makes a file durable: the events are, so their receipts should be.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self {
            Receipts::File(file) if file.get_ref().metadata()?.is_file() => {
                file.get_ref().sync_all()
            }
            _ => Ok(()),
        }
    }

    fn writer(&mut self) -> Option<&mut dyn Write> {
        match self {
            Receipts::No => None,
            Receipts::File(file) => Some(file),
            Receipts::Stdout(stdout) => Some(stdout),
        }
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}
