//! `indelible export`: writes a range of records with all that is needed to verify them (`docs/spec/export.md`). Needs no secret.
//!
//! The ledger makes the lines and checks every record against its entry. Damage stops it, unless it is to be exported as found: then what
//! can't be read is named in the file, and a verifier says *incomplete*. With `--tiles` a directory of digests instead, in `tiles`.

mod directory;
mod file;
mod remote;
mod tiles;

pub use file::Sink;

use crate::args::{RangeArgs, StoreArg, WriteArgs};
use crate::commands::receipt::{COVERED_BY, note_over};
use crate::exit::Exit;
use crate::node::{self, Reading};
use crate::output;
use crate::remote::QueryArgs;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::{Export, ExportError, ExportOptions, Log, SignedNote};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Write records with all that is needed to verify them
///
/// One file that proves itself to whoever has the log's pin, offline: with `indelible verify --export` or with verify.py. Or, with
/// --tiles, a directory that any web server can serve as a static log (C2SP tlog-tiles), for other programs to check: it holds digests
/// only, no head and no event.
#[derive(Args)]
pub struct ExportArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,
    #[command(flatten)]
    pub range: RangeArgs,
    /// Only the heads: who and when, not what
    #[arg(long)]
    pub heads: bool,
    /// File to write; it must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Go on where records can't be read, and name them in the file
    #[arg(long)]
    pub as_found: bool,
    /// Directory to write checkpoint, tiles and entry bundles to, or to extend: digests only
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "heads", "as_found", "from", "to", "after", "before"])]
    pub tiles: Option<PathBuf>,
    #[command(flatten)]
    pub query: QueryArgs,
    /// The log's pin, by which what the node answers is verified; if not in INDELIBLE_PIN
    #[arg(long, value_name = "LINE")]
    pub pin: Option<String>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ExportArgs) -> Result<Exit, Failure> {
    if let Some(node) = args.query.node(store)? {
        return remote::run(&node, args);
    }
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    if let Some(path) = &args.tiles {
        return tiles::run(&reading, &log, path);
    }
    if let Some(out) = &args.out {
        let info = reading.books.store().describe();
        node::check_target(out, &reading.directory, &WriteArgs::default(), info)?;
    }
    let range = args.range.located(&reading, &log)?;
    let range = range.ok_or_else(|| say::no_record_then(&args.log))?;
    let (seqs, note) = range_and_note(&log, &range)?;
    let options = ExportOptions {
        heads: args.heads,
        as_found: args.as_found,
        at_once: false,
    };
    let mut export = Export::new(Arc::clone(&log), note, seqs.clone(), options);
    let mut sink = Sink::open(args.out.as_deref())?;
    match write(&reading, &log, args, &mut export, &mut sink) {
        Ok(()) => sink.keep()?,
        Err(failure) => {
            sink.discard();
            return Err(failure);
        }
    }
    say_written(args, seqs.start, seqs.end - 1);
    if export.lost() > 0 {
        let lost = show::counted(export.lost(), "record");
        return Err(Failure::new(
            Exit::Damaged,
            format!("{lost} could not be read; the export names them"),
        ));
    }
    Ok(Exit::Done)
}

fn say_written(args: &ExportArgs, first: u64, last: u64) {
    if let Some(out) = &args.out {
        let records = show::counted(last - first + 1, "record");
        say::tell(format_args!(
            "wrote {records} of {}, {}, to {}",
            args.log,
            show::seqs(first, last),
            out.display()
        ));
    }
}

/// Writes it out. Where it stops, what could be written was.
fn write(
    reading: &Reading,
    log: &Log,
    args: &ExportArgs,
    export: &mut Export,
    sink: &mut Sink,
) -> Result<(), Failure> {
    let mut lines = Vec::new();
    while !export.is_whole() {
        lines.clear();
        let stepped = export.step(&reading.books, &mut lines);
        let written = sink.bytes(&lines);
        written.map_err(|error| write_failed(args, &error))?;
        stepped.map_err(|error| match error {
            ExportError::Read(error) => reading.failed(&error),
            ExportError::Unrooted(seqs) => unrooted(log, &seqs),
        })?;
    }
    Ok(())
}

/// Without `--to` everything that the newest checkpoint covers.
fn range_and_note(log: &Log, range: &RangeArgs) -> Result<(Range<u64>, Arc<SignedNote>), Failure> {
    let size = log.size();
    if range.to.is_some() {
        let seqs = range.within(log.name(), size)?;
        let note = note_over(log, seqs.end)?;
        return Ok((seqs, note));
    }
    let note = note_over(log, 1)?;
    let seqs = range.within(log.name(), note.size)?;
    if note.size < size {
        let newer = show::counted(size - note.size, "newer record");
        say::warn(format_args!(
            "left out: {newer}, not yet covered by a published checkpoint"
        ));
        say::hint(COVERED_BY);
    }
    Ok((seqs, note))
}

fn write_failed(args: &ExportArgs, error: &std::io::Error) -> Failure {
    args.out
        .as_deref()
        .map_or_else(|| output::failed(error), |out| say::file(out, error))
}

/// What was read of the tree is not what the log signed.
fn unrooted(log: &Log, seqs: &Range<u64>) -> Failure {
    let what = "damaged: the stored tree does not lead to the signed root";
    let (first, last, name) = (seqs.start, seqs.end.saturating_sub(1), log.name());
    Failure::new(
        Exit::Damaged,
        format!("{what}: records {first} to {last} of {name}"),
    )
    .hint("to see all that is damaged: indelible verify")
}
