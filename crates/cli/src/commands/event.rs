//! `indelible event`: judges events before they are sent.

use crate::args::StoreArg;
use crate::exit::Exit;
use crate::output::{Output, one_line};
use crate::say::{self, Failure};
use crate::show;
use clap::{Args, Subcommand};
use indelible_api::native;
use indelible_proof::event::EventReader;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Judge events before they are sent
#[derive(Subcommand)]
pub enum EventCommand {
    Check(CheckArgs),
    Schema(SchemaArgs),
}

/// Say of each line whether it can be recorded, and whether it is a native event
///
/// Any JSON object that obeys the event profile is recorded. A native event has actor, action and outcome, so that people find it; what
/// differs from it is named with its place.
#[derive(Args)]
pub struct CheckArgs {
    /// File of JSON lines; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub input: PathBuf,
    /// Fail where an event is not native, too
    #[arg(long)]
    pub native: bool,
}

/// Print the JSON Schema of the native event
#[derive(Args)]
pub struct SchemaArgs {}

/// Does it.
pub fn run(_: &StoreArg, command: &EventCommand) -> Result<Exit, Failure> {
    let mut out = Output::new();
    match command {
        EventCommand::Schema(_) => {
            out.line(native::SCHEMA.trim_end())?;
            out.flush()?;
            Ok(Exit::Done)
        }
        EventCommand::Check(args) => check(args, &mut out),
    }
}

/// What was seen.
#[derive(Default)]
struct Tally {
    events: u64,
    /// Those that can't be recorded.
    bad: u64,
    /// Those that can, and are not native.
    foreign: u64,
}

fn check(args: &CheckArgs, out: &mut Output) -> Result<Exit, Failure> {
    let mut input = open(&args.input)?;
    let (mut tally, mut reader) = (Tally::default(), EventReader::new(EVENT_BYTES_DEFAULT));
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| say::file(&args.input, &error))? == 0 {
            break;
        }
        number += 1;
        if !line.trim_ascii().is_empty() {
            judge(&line, number, &mut reader, &mut tally, out)?;
        }
    }
    let Tally {
        events,
        bad,
        foreign,
    } = tally;
    out.line(format_args!(
        "{}: {} native, {foreign} recorded but not native, {bad} not recorded",
        show::counted(events, "event"),
        events - bad - foreign
    ))?;
    out.flush()?;
    match bad > 0 || args.native && foreign > 0 {
        true => Ok(Exit::NotAllRecorded),
        false => Ok(Exit::Done),
    }
}

fn judge(
    line: &[u8],
    number: u64,
    reader: &mut EventReader,
    tally: &mut Tally,
    out: &mut Output,
) -> Result<(), Failure> {
    tally.events += 1;
    let mut minified = Vec::new();
    if let Err(error) = reader.minify(line, &mut minified) {
        tally.bad += 1;
        return out.line(format_args!("line {number}: can't be recorded: {error}"));
    }
    let event = serde_json::from_slice(&minified);
    let event = event.map_err(|error| Failure::usage(format!("line {number}: {error}")))?;
    let found = native::check(&event);
    tally.foreign += u64::from(found.iter().any(|finding| finding.is_error));
    for native::Finding { at, what, is_error } in found {
        let sort = if is_error { "" } else { "hint: " };
        out.line(format_args!(
            "line {number}: {sort}{}: {what}",
            one_line(at)
        ))?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| say::file(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}
