//! `indelible key walk`: writes a walk file (`docs/spec/walk.md`). Needs no secret.

use crate::args::{StoreArg, WriteArgs};
use crate::commands::export::{Sink, write_walk};
use crate::commands::receipt::note_over;
use crate::exit::Exit;
use crate::node::{self, Reading};
use crate::output;
use crate::say::{self, Failure};
use clap::Args;
use indelible_proof::export::{encode_checkpoint, encode_end};
use indelible_proof::origin::Origin;
use indelible_proof::walk::Header;
use std::path::PathBuf;

/// Write what leads from a log's first keys to those of today
///
/// With it a receipt verifies under a pin from before a rotation, and what an old key signed after it was replaced is told apart:
/// `verify --receipt FILE --walk FILE`. Exports carry the same by themselves. It holds no content.
#[derive(Args)]
pub struct WalkArgs {
    /// Name of the log
    #[arg(long, value_name = "NAME")]
    pub log: String,
    /// File to write; it must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Does it.
pub fn run(store: &StoreArg, args: &WalkArgs) -> Result<Exit, Failure> {
    let reading = Reading::open(store)?;
    let log = reading.log(&args.log)?;
    if let Some(out) = &args.out {
        let info = reading.books.store().describe();
        node::check_target(out, &reading.directory, &WriteArgs::default(), info)?;
    }
    let note = note_over(&log, 1)?;
    let origin = Origin::parse(log.origin())
        .ok_or_else(|| Failure::new(Exit::Damaged, format!("not an origin: {}", log.origin())))?;
    let header = Header {
        origin,
        id: log.id(),
        size: note.size,
    };
    let mut sink = Sink::open(args.out.as_deref())?;
    let failed = |error| match &args.out {
        Some(path) => say::file(path, &error),
        None => output::failed(&error),
    };
    let mut write = || -> Result<(), Failure> {
        sink.line(|out| header.encode(out)).map_err(failed)?;
        write_walk(&reading, &log, &note, &mut |line| {
            sink.line(|out| out.extend_from_slice(line)).map_err(failed)
        })?;
        sink.line(|out| encode_checkpoint(&note.text, out))
            .map_err(failed)?;
        let digest = sink.digest();
        sink.line(|out| encode_end(&digest, out)).map_err(failed)
    };
    match write() {
        Ok(()) => sink.keep()?,
        Err(failure) => {
            sink.discard();
            return Err(failure);
        }
    }
    if let Some(out) = &args.out {
        say::tell(format_args!(
            "wrote the walk of {} to {}",
            log.name(),
            out.display()
        ));
    }
    Ok(Exit::Done)
}
