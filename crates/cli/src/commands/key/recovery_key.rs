//! `indelible key new-recovery` and `key sign-hinges`: what the people do who may replace lost or stolen keys, on machines of their own.

use super::recover::read_hinges;
use crate::commands::export::Sink;
use crate::exit::Exit;
use crate::keys::{read_text, write_private};
use crate::output::Output;
use crate::random;
use crate::say::{self, Failure};
use crate::show;
use clap::Args;
use indelible_ledger::signer::RecoveryKey;
use indelible_proof::export::encode_checkpoint;
use indelible_proof::note::Note;
use std::io;
use std::path::{Path, PathBuf};

/// Make a recovery key, for a person to keep apart from the node
///
/// Prints the line for `init --recovery`. Whoever holds enough of these keys can give the logs new keys: keep the file where neither the
/// node nor its operators can read it.
#[derive(Args)]
pub struct NewArgs {
    /// Whose it is: 1 to 64 of a-z 0-9 . _ -
    #[arg(value_name = "NAME")]
    pub name: String,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Sign the hinges of a recovery, offline
///
/// Each hinge is the head of one log with the keys that are to sign for it from there on. Sign only if you know that the keys were lost
/// or stolen, and have the file from the node's operators by a way you trust.
#[derive(Args)]
pub struct SignArgs {
    /// The recovery key
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// What `key recover` wrote
    #[arg(value_name = "HINGES")]
    pub hinges: PathBuf,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Does it.
pub fn make(args: &NewArgs) -> Result<Exit, Failure> {
    let key = RecoveryKey::new(&args.name, random::bytes()).ok_or_else(|| {
        Failure::usage(format!("not a name for a recovery key: '{}'", args.name))
            .hint("1 to 64 of a-z 0-9 . _ -, the first a letter or digit")
    })?;
    write_private(&args.out, key.file_text().as_bytes()).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("there is a file already: {}", args.out.display()))
                .hint("it may be a key: name another file")
        }
        _ => say::file(&args.out, &error),
    })?;
    let mut out = Output::new();
    out.line(key.verifier())?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Does it.
pub fn sign(args: &SignArgs) -> Result<Exit, Failure> {
    let key = read_key(&args.key)?;
    let notes = read_hinges(&args.hinges)?;
    let mut sink = Sink::open(Some(&args.out))?;
    for text in &notes {
        let note =
            Note::parse(text.as_bytes()).map_err(|error| not_hinges(&args.hinges, &error))?;
        let mut signed = text.clone();
        key.sign_too(note.text, &mut signed);
        sink.line(|out| encode_checkpoint(&signed, out))
            .map_err(|error| say::file(&args.out, &error))?;
    }
    sink.keep()?;
    let hinges = u64::try_from(notes.len()).unwrap_or(u64::MAX);
    say::tell(format_args!(
        "signed {} as {}, in {}",
        show::counted(hinges, "hinge"),
        key.verifier().name(),
        args.out.display()
    ));
    Ok(Exit::Done)
}

/// Reads a recovery key that nobody else may read.
pub fn read_key(path: &Path) -> Result<RecoveryKey, Failure> {
    let text = read_text(path).map_err(|error| say::keys(&error))?;
    RecoveryKey::parse(&text)
        .map_err(|error| Failure::usage(format!("{error}: {}", path.display())))
}

/// A file that should hold hinges holds something else.
pub fn not_hinges(path: &Path, why: &dyn std::error::Error) -> Failure {
    Failure::usage(format!("not a file of hinges: {why}: {}", path.display()))
        .hint("it is what `key recover` writes, or `key sign-hinges`")
}
