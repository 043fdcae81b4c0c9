//! The file of receipts: a JSON line for each event, in order: {"seq":…,"entry":"…","salt":"…","receipt":"…"}, and
//! `"again":true` at the end for an event that was recorded before.
//!
//! Lines are added, never replaced: receipts are what proves an event to others. A line cut off by an earlier crash is ended first, and
//! so is what a power loss left of lines that were not on the disk yet: zeros.

use crate::keys::sync_names;
use crate::say::{self, Failure};
use crate::show;
use crate::target::Identity;
use indelible_ledger::caller::salt_text;
use indelible_ledger::{Ledger, Log, Recorded};
use indelible_proof::hash::Hash;
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

/// What a file of receipts begins with.
const BEGINNING: &[u8] = b"{\"seq\":";

/// Refuses, before anything is recorded, a file that holds something else, or that is the input: it would never end.
pub fn check(path: &Path, input: Option<Identity>) -> Result<(), Failure> {
    let identity = match std::fs::metadata(path) {
        _ if is_stdout(path) => Identity::of_stream(io::stdout()),
        Ok(metadata) => Identity::of(&metadata),
        // What is in the way of making it is found out by making it.
        Err(_) => None,
    };
    if identity.is_some() && identity == input {
        return Err(Failure::usage(format!(
            "the receipts would go into the input: {}",
            path.display()
        ))
        .hint("name another file with --receipts FILE"));
    }
    if identity.is_none() || is_stdout(path) {
        return Ok(());
    }
    let mut begins = Vec::new();
    File::open(path)
        .and_then(|file| {
            let length = u64::try_from(BEGINNING.len()).unwrap_or(u64::MAX);
            file.take(length).read_to_end(&mut begins)
        })
        .map_err(|error| say::file(path, &error))?;
    // The length of a file may come to the disk before its bytes. Nobody was told yet that these receipts are kept.
    let never_came = begins.iter().all(|byte| *byte == 0);
    if BEGINNING.starts_with(&begins) || never_came {
        return Ok(());
    }
    Err(
        Failure::usage(format!("not a file of receipts: {}", path.display()))
            .hint("receipts are added to a file of their own, new or begun by --receipts"),
    )
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
        if matches!(self, Receipts::No) {
            return Ok(());
        }
        let receipt = ledger
            .receipt(log, record)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let salt = salt_text(&record.salt);
        self.write_line(record.seq, &record.entry, &salt, &receipt, record.again)
    }

    /// The same, of a record that was made elsewhere.
    pub fn write_line(
        &mut self,
        seq: u64,
        entry: &Hash,
        salt: &[u8; 32],
        receipt: &str,
        again: bool,
    ) -> io::Result<()> {
        let Some(out) = self.writer() else {
            return Ok(());
        };
        let salt = String::from_utf8_lossy(salt);
        writeln!(
            out,
            "{{\"seq\":{seq},\"entry\":\"{entry}\",\"salt\":\"{salt}\",\"receipt\":{}{}}}",
            show::json(receipt),
            if again { ",\"again\":true" } else { "" }
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
    if metadata.is_file() && metadata.len() == 0 {
        // New, or nobody knows whether its name outlived the program that made it.
        sync_names(path)?;
    } else if metadata.is_file() {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}
