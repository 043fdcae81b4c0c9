//! `indelible export`: writes a range of records with all that is needed to verify them (`docs/spec/export.md`). Needs no secret.
//!
//! Every record is checked against its entry on the way out. Damage stops it, unless it is to be exported as found: then what can't
//! be read is named in the file, and a verifier says *incomplete*. With `--tiles` a directory of digests instead, in `tiles`.

mod directory;
mod file;
mod tiles;

pub use file::Sink;

use crate::args::{RangeArgs, StoreArg, WriteArgs};
use crate::commands::receipt::{COVERED_BY, note_over};
use crate::exit::Exit;
use crate::node::{self, Reading, Stopped};
use crate::output;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::{Log, ReadError, SignedNote};
use indelible_proof::export::{self, Content, Header};
use indelible_proof::hash::{self, Hash};
use indelible_proof::origin::Origin;
use indelible_proof::tree::subtree::Span;
use indelible_proof::walk;
use std::ops::Range;
use std::path::PathBuf;

/// Entries read at once: those between two `entries` lines, many times over.
const WINDOW: u64 = 1 << 14;

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
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "heads", "as_found", "from", "to"])]
    pub tiles: Option<PathBuf>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &ExportArgs) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    if let Some(path) = &args.tiles {
        return tiles::run(&reading, &log, path);
    }
    if let Some(out) = &args.out {
        let info = reading.books.store().describe();
        node::check_target(out, &reading.directory, &WriteArgs::default(), info)?;
    }
    let (seqs, note) = range_and_note(&log, args)?;
    let first = seqs.start;
    let mut export = Export {
        reading: &reading,
        log: &log,
        args,
        seqs,
        note: &note,
        sink: Sink::open(args.out.as_deref())?,
        lost: 0,
        span: Span::new(first),
    };
    let written = export.write();
    let Export {
        sink, lost, seqs, ..
    } = export;
    match written {
        Ok(()) => sink.keep()?,
        Err(failure) => {
            sink.discard();
            return Err(failure);
        }
    }
    if let Some(out) = &args.out {
        let records = show::counted(seqs.end - seqs.start, "record");
        say::tell(format_args!(
            "wrote {records} of {}, {}, to {}",
            log.name(),
            show::seqs(seqs.start, seqs.end - 1),
            out.display()
        ));
    }
    if lost > 0 {
        let lost = show::counted(lost, "record");
        return Err(Failure::new(
            Exit::Damaged,
            format!("{lost} could not be read; the export names them"),
        ));
    }
    Ok(Exit::Done)
}

/// Without `--to` everything that the newest checkpoint covers.
fn range_and_note(
    log: &Log,
    args: &ExportArgs,
) -> Result<(Range<u64>, std::sync::Arc<SignedNote>), Failure> {
    let size = log.size();
    if args.range.to.is_some() {
        let seqs = args.range.within(log.name(), size)?;
        let note = note_over(log, seqs.end)?;
        return Ok((seqs, note));
    }
    let note = note_over(log, 1)?;
    let seqs = args.range.within(log.name(), note.size)?;
    if note.size < size {
        let newer = show::counted(size - note.size, "newer record");
        say::warn(format_args!(
            "left out: {newer}, not yet covered by a published checkpoint"
        ));
        say::hint(COVERED_BY);
    }
    Ok((seqs, note))
}

/// An export while it is written.
struct Export<'a> {
    reading: &'a Reading,
    log: &'a Log,
    args: &'a ExportArgs,
    seqs: Range<u64>,
    note: &'a SignedNote,
    sink: Sink,
    lost: u64,
    /// The entries that were given, as a tree: with what lies beside them they have to give the signed root.
    span: Span,
}

impl Export<'_> {
    fn write(&mut self) -> Result<(), Failure> {
        self.head()?;
        let mut next = self.seqs.start;
        while next < self.seqs.end {
            let end = self.seqs.end.min((next / WINDOW + 1) * WINDOW);
            self.window(next..end)?;
            next = end;
        }
        let (count, size) = (self.seqs.end - self.seqs.start, self.note.size);
        let sides = self
            .reading
            .books
            .subtree(self.log, self.seqs.start, count, size);
        let (left, right) = sides.map_err(|error| self.reading.failed(&error))?;
        let leads = self.span.root(size, &left, &right) == Some(self.note.root);
        if !leads && !self.args.as_found {
            return Err(unrooted(self.log, self.seqs.clone()));
        }
        self.line(|out| export::encode_left(&left, out))?;
        self.line(|out| export::encode_right(&right, out))?;
        self.line(|out| export::encode_checkpoint(&self.note.text, out))?;
        let digest = self.sink.digest();
        self.line(|out| export::encode_end(&digest, out))
    }

    /// Header and walk.
    fn head(&mut self) -> Result<(), Failure> {
        let origin = Origin::parse(self.log.origin()).ok_or_else(|| no_genesis(self.log))?;
        let header = Header {
            origin,
            id: self.log.id(),
            first: self.seqs.start,
            count: self.seqs.end - self.seqs.start,
            size: self.note.size,
            content: if self.args.heads {
                Content::Heads
            } else {
                Content::All
            },
        };
        self.line(|out| header.encode(out))?;
        let (reading, log, note) = (self.reading, self.log, self.note);
        write_walk(reading, log, note, &mut |line| {
            self.line(|out| out.extend_from_slice(line))
        })
    }

    /// Some records and their entries.
    fn window(&mut self, seqs: Range<u64>) -> Result<(), Failure> {
        let entries = self.reading.books.entries(self.log, seqs.clone());
        let entries = entries.map_err(|error| self.reading.failed(&error))?;
        let mut block = Block {
            first: seqs.start,
            entries: &entries,
            given: 0,
        };
        let mut next = seqs.start;
        while next < seqs.end {
            match self.records(next..seqs.end, &mut next, &mut block) {
                Ok(()) => {}
                Err(Stopped::Output(failure)) => return Err(failure),
                Err(Stopped::Read(ReadError::Damaged { seqs: damaged, .. }))
                    if self.args.as_found && damaged.contains(&next) =>
                {
                    self.lost(damaged.end.min(seqs.end), &mut next, &mut block)?;
                }
                Err(Stopped::Read(error)) => return Err(self.reading.failed(&error)),
            }
        }
        Ok(())
    }

    /// The records that can be read, until one can't. `next` is the seq due.
    fn records(
        &mut self,
        seqs: Range<u64>,
        next: &mut u64,
        block: &mut Block<'_>,
    ) -> Result<(), Stopped> {
        let (reading, log) = (self.reading, self.log);
        reading.records(log, seqs, &mut |stored| {
            let content = stored.content.as_ref().filter(|_| !self.args.heads);
            let content = content.map(|(salt, event)| (&salt[..], &event[..]));
            self.line(|out| export::encode_record(&stored.head, content, out))?;
            self.after(*next, block)?;
            *next += 1;
            Ok(())
        })
    }

    /// Records up to `end` can't be read: a frame, or one that differs from its entry.
    fn lost(&mut self, end: u64, next: &mut u64, block: &mut Block<'_>) -> Result<(), Failure> {
        while *next < end {
            self.line(|out| export::encode_lost(*next, out))?;
            self.after(*next, block)?;
            self.lost += 1;
            *next += 1;
        }
        Ok(())
    }

    /// What follows a record: the entries, where they are due.
    fn after(&mut self, seq: u64, block: &mut Block<'_>) -> Result<(), Failure> {
        if !export::entries_follow(seq, self.seqs.end - 1) {
            return Ok(());
        }
        let entries = block.up_to(seq);
        entries
            .iter()
            .for_each(|entry| self.span.push(hash::leaf(entry)));
        self.line(|out| export::encode_entries(entries, out))
    }

    fn line(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), Failure> {
        let (sink, args) = (&mut self.sink, self.args);
        sink.line(encode)
            .map_err(|error| write_failed(args, &error))
    }
}

/// Entries of a window, handed out once.
struct Block<'a> {
    first: u64,
    entries: &'a [Hash],
    given: usize,
}

impl<'a> Block<'a> {
    /// Those not given yet, up to and with the one of `seq`.
    fn up_to(&mut self, seq: u64) -> &'a [Hash] {
        let end = usize::try_from(seq + 1 - self.first)
            .unwrap_or(usize::MAX)
            .min(self.entries.len());
        let entries = &self.entries[self.given.min(end)..end];
        self.given = end;
        entries
    }
}

fn write_failed(args: &ExportArgs, error: &std::io::Error) -> Failure {
    args.out
        .as_deref()
        .map_or_else(|| output::failed(error), |out| say::file(out, error))
}

/// The lines of a walk up to a note: the genesis, each hinge, and the proof from the last of them. Each proof was compared with the
/// roots it lies between.
pub fn write_walk(
    reading: &Reading,
    log: &Log,
    note: &SignedNote,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: ReadError| reading.failed(&error);
    let books = &reading.books;
    let genesis = books.record(log, 0).map_err(failed)?;
    let (salt, event) = genesis.content.as_ref().ok_or_else(|| no_genesis(log))?;
    let mut line = Vec::new();
    walk::encode_genesis(&genesis.head, salt, event, &mut line);
    take(&line)?;
    let hinges = books.hinge_proofs(log, note.size).map_err(failed)?;
    hinges.iter().try_for_each(|hinge| take(&hinge.line))?;
    let first = (1, hash::leaf(&log.id()));
    let (last, root) = hinges
        .last()
        .map_or(first, |hinge| (hinge.size, hinge.root));
    let leads = books.consistency_to(log, (last, &root), (note.size, &note.root));
    line.clear();
    walk::encode_consistency(&leads.map_err(failed)?, &mut line);
    take(&line)
}

/// What was read of the tree is not what the log signed.
fn unrooted(log: &Log, seqs: Range<u64>) -> Failure {
    let what = "damaged: the stored tree does not lead to the signed root";
    let (first, last, name) = (seqs.start, seqs.end.saturating_sub(1), log.name());
    Failure::new(
        Exit::Damaged,
        format!("{what}: records {first} to {last} of {name}"),
    )
    .hint("to see all that is damaged: indelible verify")
}

fn no_genesis(log: &Log) -> Failure {
    let what = format!("the first record of {} is no genesis", log.name());
    Failure::new(Exit::Damaged, what)
}
