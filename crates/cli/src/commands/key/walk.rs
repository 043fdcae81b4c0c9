//! `indelible key walk`: writes a walk file (`docs/spec/walk.md`). Needs no secret.

use crate::args::{StoreArg, WriteArgs};
use crate::commands::export::Sink;
use crate::commands::receipt::note_over;
use crate::exit::Exit;
use crate::node::{self, Reading, Stopped};
use crate::output;
use crate::say::{self, Failure};
use clap::Args;
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
    let mut sink = Sink::open(args.out.as_deref())?;
    let failed = |error| match &args.out {
        Some(path) => say::file(path, &error),
        None => output::failed(&error),
    };
    let written = reading
        .books
        .walk_file::<Stopped>(&log, &note, &mut |line| {
            sink.bytes(line)
                .map_err(|error| Stopped::Output(failed(error)))
        });
    match written.map_err(|stopped| match stopped {
        Stopped::Read(error) => reading.failed(&error),
        Stopped::Output(failure) => failure,
    }) {
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
