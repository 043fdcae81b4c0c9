//! `indelible inspect`: what one file holds, whichever of ours it is, and where it breaks its form.
//!
//! Reads the file alone, in bounded memory, and judges form only: checksums, lengths, order. Whether what stands there is what was
//! recorded is `verify`'s to say. Contents of events are not printed unless asked for, a node secret and a file's generation never.

mod evidence;
mod sheet;
mod slots;
mod stored;
mod text;

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::say::{self, Failure};
use clap::Args;
use indelible_proof::tile::Level;
use sheet::Sheet;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

/// Say what a file of indelible holds, and where it breaks its form
///
/// Takes a tail file, the .ent or .rec of a pack, FORMAT, a register, a file set aside in quarantine, a checkpoint or other signed note, a
/// receipt, a batch receipt, a proof, an export, a record, a walk file, a pin, a trust file, a memory, a tile or entry bundle under its
/// path, a secret file or a recovery key (whose secrets are never shown). Judges form only: checksums, lengths, order. The
/// exit code is 0 if the form is in order, 1 if it is not, 3 if a newer version wrote it. Whether it is what was recorded, `indelible
/// verify` says.
#[derive(Args)]
pub struct InspectArgs {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Every slot, run, frame and note instead of the first twenty of each
    #[arg(long)]
    pub all: bool,
    /// Records with their events, escaped
    #[arg(long)]
    pub events: bool,
    /// Answer as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Bytes that can be read from anywhere.
trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// What is inspected.
struct Subject<'a> {
    path: &'a Path,
    source: Box<dyn Source>,
    /// The first bytes, at most [`PEEKED`].
    start: Vec<u8>,
}

/// Enough to tell kinds apart: the longest beginning is that of a `FORMAT`.
const PEEKED: usize = 64;
/// The largest text that is held whole, but for exports: four times the largest event, as `verify` reads of a record.
const TEXT_BYTES_MAX: usize = 64 << 20;
/// The same of what comes from standard input, which can't be read twice.
const PIPED_BYTES_MAX: usize = 64 << 20;

/// Does it.
pub fn run(_: &StoreArg, args: &InspectArgs) -> Result<Exit, Failure> {
    let mut subject = open(&args.file)?;
    let Some((kind, read)) = kind_of(&subject) else {
        return Err(Failure::usage(format!(
            "nothing that indelible writes begins like this: {}",
            args.file.display()
        ))
        .hint(
            "a file whose beginning is damaged is known by its name: 12 digits, .ent, .rec, FORMAT",
        ));
    };
    let mut sheet = Sheet::begin(&args.file, kind, args)?;
    read(&mut subject, &mut sheet)?;
    sheet.finish()
}

/// How a kind is read.
type Reader = fn(&mut Subject<'_>, &mut Sheet) -> Result<(), Failure>;

/// What a file of each kind begins with.
const BEGINNINGS: [(&[u8], &str, Reader); 19] = [
    (b"INDLTAIL", "tail file", slots::tail),
    (b"INDLSLOT", "slot set aside", slots::slot),
    (b"INDLPENT", "pack, entries", stored::ent),
    (b"INDLPREC", "pack, records", stored::rec),
    (b"INDLREGI", "register", stored::register),
    (b"indelible-store v", "FORMAT", stored::format),
    (b"indelible-pin-v", "pin", text::pin),
    (b"indelible-node-secret-v", "node secret", text::secret),
    (
        b"indelible-recovery-key-v",
        "recovery key",
        evidence::recovery,
    ),
    (b"c2sp.org/tlog-proof@v", "receipt", text::receipt),
    (
        b"indelible-batch-receipt-v",
        "batch receipt",
        evidence::batch_receipt,
    ),
    (
        b"indelible-consistency-v",
        "consistency proof",
        evidence::proof,
    ),
    (b"indelible-head-at-v", "head at a time", evidence::proof),
    (b"indelible-trust-v", "trust file", evidence::trust),
    (b"indelible-memory-v", "memory", evidence::memory),
    (b"{\"walk\":", "walk file", evidence::walk),
    (b"{\"export\":", "export", text::export),
    (b"{\"head\":", "record", text::record),
    (b"{\"indelible\":", "head", text::head),
];

/// By what it begins with, else by its name: of a damaged file the beginning may be gone.
fn kind_of(subject: &Subject<'_>) -> Option<(&'static str, Reader)> {
    let begins = |beginning: &[u8]| subject.start.starts_with(beginning);
    let known = BEGINNINGS.iter().find(|(beginning, ..)| begins(beginning));
    if let Some((_, kind, read)) = known {
        return Some((kind, *read));
    }
    if let Some(tile) = evidence::tile_of(subject.path) {
        let is_bundle = tile.level() == Level::Entries;
        let kind = if is_bundle { "entry bundle" } else { "tile" };
        return Some((kind, evidence::tile));
    }
    let name = subject.path.file_name()?.to_str()?;
    let number = |name: &str| name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
    match name {
        "FORMAT" => Some(("FORMAT", stored::format)),
        "lock" => Some(("lock", stored::lock)),
        "node-secret" => Some(("node secret", text::secret)),
        name if name.ends_with(".ent") => Some(("pack, entries", stored::ent)),
        name if name.ends_with(".rec") => Some(("pack, records", stored::rec)),
        name if number(name) => Some(("tail file", slots::tail)),
        name if set_aside(name).is_some_and(|(before, _)| number(before)) => {
            Some(("slot set aside", slots::slot))
        }
        _ if text::looks_like_note(&subject.start) => Some(("signed note", text::note)),
        _ => None,
    }
}

/// A name in `quarantine/`: what stood before, and the SHA-256 of the bytes.
fn set_aside(name: &str) -> Option<(&str, &str)> {
    let (before, digest) = name.rsplit_once('-')?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some((before, digest))
}

fn open(path: &Path) -> Result<Subject<'_>, Failure> {
    let failed = |error: io::Error| say::file(path, &error);
    let mut source: Box<dyn Source> = if path.as_os_str() == "-" {
        Box::new(Cursor::new(read_up_to(io::stdin(), PIPED_BYTES_MAX, path)?))
    } else {
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(Failure::usage(format!("not a file: {}", path.display()))
                .hint("a store is gone over by `indelible verify`"));
        }
        Box::new(File::open(path).map_err(failed)?)
    };
    let mut start = Vec::new();
    let peeked = u64::try_from(PEEKED).unwrap_or(0);
    source
        .by_ref()
        .take(peeked)
        .read_to_end(&mut start)
        .map_err(failed)?;
    source.rewind().map_err(failed)?;
    Ok(Subject {
        path,
        source,
        start,
    })
}

/// All of it, unless it is larger than what is held in memory.
fn read_up_to(source: impl Read, most: usize, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    source
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| say::file(path, &error))?;
    if bytes.len() > most {
        return Err(Failure::usage(format!(
            "{}: too large: more than {} MiB",
            path.display(),
            most >> 20
        )));
    }
    Ok(bytes)
}

impl Subject<'_> {
    /// The whole text.
    fn text(&mut self) -> Result<Vec<u8>, Failure> {
        read_up_to(&mut self.source, TEXT_BYTES_MAX, self.path)
    }

    /// What the system said while the file was read.
    fn failed(&self, error: &io::Error) -> Failure {
        say::file(self.path, error)
    }
}
