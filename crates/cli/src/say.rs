//! What goes wrong, in sentences for people, with what to do next. The one place where errors become text and exit codes.
//!
//! A sentence is lower case, has no full stop, and puts values at its end; the hint is a line of its own and names a command where
//! there is one.

mod service;

pub use service::{broken, config, purpose, reload, start};

use crate::args;
use crate::exit::Exit;
use crate::keys::KeyError;
use crate::node;
use crate::output::{Style, escape_for_terminal, one_line};
use crate::show::shell;
use clap::error::{ContextKind, ContextValue};
use indelible_ledger::{
    MergeError, OpenError, PrepareError, ReadError, RecoverError, Refusal, RotateError, SealError,
};
use indelible_store::StoreError;
use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;

/// Why a command ended without doing what was asked.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    /// What the shell is told instead if a service could not start, or go on.
    serving: Option<Exit>,
    text: String,
    /// Further sentences, a line each.
    more: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// A sentence and what the shell is told.
    pub fn new(exit: Exit, text: impl Into<String>) -> Failure {
        Failure {
            exit,
            serving: None,
            text: text.into(),
            more: Vec::new(),
            hint: None,
        }
    }

    /// What was asked for can't be done as asked.
    pub fn usage(text: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, text)
    }

    /// Everything there was to say has been said.
    pub fn silent(exit: Exit) -> Failure {
        Failure::new(exit, "")
    }

    /// What to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// What a supervisor is told where this keeps a service from serving.
    #[must_use]
    fn serving(mut self, exit: Exit) -> Failure {
        self.serving = Some(exit);
        self
    }

    /// It keeps a service from serving.
    #[must_use]
    pub fn when_serving(mut self) -> Failure {
        self.exit = self.serving.unwrap_or(self.exit);
        self
    }

    /// Says where it happened.
    #[must_use]
    pub fn before(mut self, place: impl fmt::Display) -> Failure {
        self.text = format!("{place}{}", self.text);
        self
    }

    /// The sentence.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the shell is told.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints it to standard error.
    pub fn print(&self) {
        if self.text.is_empty() {
            return;
        }
        for text in std::iter::once(&self.text).chain(&self.more) {
            labelled(&Style::stderr().bad("error:"), text);
        }
        if let Some(text) = &self.hint {
            hint(text);
        }
    }
}

/// Prints a line to standard error. Nobody may be reading it; then there is nobody to tell.
pub fn tell(line: impl fmt::Display) {
    let _unread = writeln!(io::stderr(), "{}", one_line(line));
}

/// A piece of evidence to keep, as it is, below its name.
pub fn evidence(name: &str, text: &str) {
    let text = escape_for_terminal(text);
    let _unread = writeln!(io::stderr(), "{name}:\n{text}");
}

/// Something that an operator should know and that stops nothing.
pub fn warn(text: impl fmt::Display) {
    labelled(&Style::stderr().doubtful("warning:"), text);
}

/// What to do about it.
pub fn hint(text: impl fmt::Display) {
    labelled(&Style::stderr().bold("hint:"), text);
}

/// The label may be coloured; what is said of the disk and the command line may not colour itself.
fn labelled(label: &str, text: impl fmt::Display) {
    let _unread = writeln!(io::stderr(), "{label} {}", one_line(text));
}

/// An error and what caused it, in one line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error
            .downcast_ref::<io::Error>()
            .map_or_else(|| error.to_string(), plain);
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// What to do with what this version does not know.
pub const NEWER: &str = "use the version that wrote it, or a newer one";

/// No store was named.
pub fn no_store_named() -> Failure {
    Failure::usage("which store?").hint("name it with --store DIR, or set INDELIBLE_STORE")
}

/// A store could not be opened, read or written.
pub fn store(error: &StoreError, directory: &Path) -> Failure {
    let at = directory.display();
    match error {
        StoreError::Busy => Failure::new(Exit::Trouble, format!("another process is writing to this store: {at}"))
            .hint("one process writes at a time; wait until it has finished (reading commands work meanwhile)")
            .serving(Exit::InUse),
        StoreError::NotFound if node::has_format(directory) => {
            Failure::new(Exit::Damaged, format!("damaged: a file or directory of the store is missing: {at}")).hint(look(directory))
        }
        StoreError::NotFound if node::has_records(directory) => damaged(node::NO_FORMAT, "FORMAT at 0", directory),
        StoreError::NotFound => Failure::usage(format!("no store here: {at}"))
            .hint(format!("make one: indelible init --store {} --origin NAME", shell(directory))),
        StoreError::ReadOnly => Failure::usage(format!("a newer indelible made this store, and this one can only read it: {at}"))
            .hint("write with the newer version"),
        StoreError::Damaged { place, what } => damaged(what, &format!("{} at {}", place.file, place.offset), directory),
        StoreError::Unsupported { .. } => Failure::new(Exit::Unverified, error.to_string()).hint(NEWER),
        StoreError::Refused(what) => Failure::usage(format!("{what}: {at}")),
        StoreError::Volatile(_) => Failure::usage(format!("{error}: {at}")).hint("move the store to a disk"),
        StoreError::Io { doing, source } | StoreError::NoRoom { doing, source } => {
            system(doing, source, directory)
        }
        StoreError::Stopped(_) | StoreError::Gone | StoreError::Conflict | StoreError::TooLarge { .. } => {
            Failure::new(Exit::Trouble, error.to_string())
        }
    }
}

/// A store could not be made.
pub fn create(error: &StoreError, directory: &Path) -> Failure {
    let failure = store(error, directory);
    match error {
        StoreError::Refused(_) => failure.hint(
            "a store has a directory of its own, new or empty: name another with --store DIR",
        ),
        StoreError::Volatile(_) => failure.hint("--accept-volatile accepts it, and is recorded"),
        _ => failure,
    }
}

/// What the system refused to do with a store: what was named can't be opened, part of the store is gone, or the disk is in the way.
fn system(doing: &str, source: &io::Error, directory: &Path) -> Failure {
    let text = format!("can't {doing}: {}", plain(source));
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory if node::has_format(directory) => {
            Failure::new(Exit::Damaged, format!("damaged: {text}")).hint(look(directory))
        }
        io::ErrorKind::NotADirectory => Failure::usage(format!(
            "not the directory of a store: {}",
            directory.display()
        )),
        io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::ReadOnlyFilesystem => Failure::usage(text),
        _ => Failure::new(Exit::Trouble, text).serving(Exit::FailedWrite),
    }
}

/// Stored bytes are not what was written: what is wrong, then where.
fn damaged(what: &str, place: &str, directory: &Path) -> Failure {
    Failure::new(Exit::Damaged, format!("damaged: {what}: {place}")).hint(look(directory))
}

/// A copy, or a store that was moved, is to be written to.
pub fn store_is_a_copy(directory: &Path) -> Failure {
    Failure::usage(format!(
        "this store was copied or moved since it was made: {}",
        directory.display()
    ))
    .hint("if nothing writes to the original any more, say so with --moved; it is recorded")
}

/// What is stored could not be taken up again.
pub fn recover(error: &RecoverError, directory: &Path) -> Failure {
    match error {
        RecoverError::Store(error) => store(error, directory),
        RecoverError::Unsupported { .. } => {
            Failure::new(Exit::Unverified, error.to_string()).hint(NEWER)
        }
        RecoverError::RolledBack { .. } | RecoverError::Forked(_) => Failure::new(Exit::Damaged, error.to_string())
            .hint("signed records are missing: keep this store and the register as they are, and find out who restored it")
            .serving(Exit::RolledBack),
        RecoverError::Damaged { file, offset, what } => damaged(what, &format!("{file} at {offset}"), directory),
        RecoverError::Hole { .. } => Failure::new(Exit::Damaged, error.to_string()).hint(look(directory)),
    }
}

fn look(directory: &Path) -> String {
    format!(
        "to see all that is damaged: indelible verify --store {}",
        shell(directory)
    )
}

/// A ledger could not be opened for writing, or a log not founded.
pub fn open(error: &OpenError, directory: &Path) -> Failure {
    match error {
        OpenError::Recover(error) => recover(error, directory),
        OpenError::Store(error) => store(error, directory),
        OpenError::Clock(_) => Failure::new(Exit::Trouble, error.to_string()).hint(format!(
            "if the wall clock is right: indelible clock accept --store {}",
            shell(directory)
        ))
        .serving(Exit::Clock),
        OpenError::RegisterMissing => Failure::new(Exit::Damaged, error.to_string())
            .hint("bring it back, or mount the disk it lies on; if it is lost for good and this store is no old copy, --register-lost goes on, which is recorded")
            .serving(Exit::RolledBack),
        OpenError::NoTime => Failure::new(Exit::Trouble, error.to_string())
            .hint("set the clock")
            .serving(Exit::Clock),
        OpenError::Refused(refusal) => refused(refusal),
        OpenError::BadName(_) => Failure::usage(error.to_string())
            .hint("a log's name has 1 to 63 of a-z 0-9 _ -, and begins with a letter or digit"),
        OpenError::LogExists(_) | OpenError::NamedTwice(_) | OpenError::TooManyLogs => Failure::usage(error.to_string()),
        OpenError::WrongKeys => {
            let failure = Failure::usage(error.to_string()).serving(Exit::Keys);
            failure.hint("name the directory they lie in with --keys DIR")
        }
        OpenError::OpenHinge(_) => Failure::new(Exit::Trouble, error.to_string())
            .hint("a rotation goes on with both secrets, a recovery with indelible key recover")
            .serving(Exit::Keys),
        OpenError::NothingToRecover | OpenError::OtherHorizon { .. } => {
            Failure::usage(error.to_string())
        }
        OpenError::Read(error) => read(error, directory),
        OpenError::Rotate(error) => rotate(error, directory),
    }
}

/// The keys could not be replaced.
pub fn rotate(error: &RotateError, directory: &Path) -> Failure {
    match error {
        RotateError::Refused(refusal @ Refusal::NoRoom(_)) => {
            Failure::new(Exit::Trouble, refusal.to_string())
                .hint("no key was replaced; make room on the disk (df), and rotate then")
        }
        RotateError::Refused(refusal) => refused(refusal),
        RotateError::Read(error) => read(error, directory),
        RotateError::NoRecoveryKeys(_) => Failure::usage(error.to_string())
            .hint("recovery keys are named when a store is made, or with key rotate while the old secret is there"),
        RotateError::RecoveryKept(_) => Failure::usage(error.to_string())
            .hint("key recover, with enough of them, names others"),
        RotateError::BadRecovery => Failure::usage(error.to_string())
            .hint("make one with: indelible key new-recovery NAME --out FILE"),
        RotateError::Waiting(_) => Failure::new(Exit::Trouble, error.to_string())
            .hint("nothing is recorded until they have signed: indelible key recover --signatures FILE"),
    }
}

/// The ledger did not record.
pub fn refused(refusal: &Refusal) -> Failure {
    let failure = Failure::new(Exit::Trouble, refusal.to_string()).serving(Exit::FailedWrite);
    match refusal {
        Refusal::TooMany => failure.hint("this is a fault of indelible: please report it"),
        Refusal::Full => failure.hint("the disk is too slow for what waits; send the rest again"),
        Refusal::NoRoom(_) => failure
            .hint("make room on the disk (df); what was recorded stays, and the rest can be sent again as it is"),
        Refusal::Stopped(_) => failure
            .hint("look at the disk; nothing more is written until the store is opened again"),
        Refusal::Conflict { .. }
        | Refusal::Expected { .. }
        | Refusal::Handed { .. }
        | Refusal::StreamTaken(_)
        | Refusal::NotCompared { .. } => Failure::new(Exit::NotAllRecorded, refusal.to_string()),
        Refusal::InFlight | Refusal::Twice => failure,
        Refusal::NoLook(_) | Refusal::Unreadable { .. } => {
            failure.hint("look at the store: indelible verify")
        }
        Refusal::Unknown(_) => failure
            .hint("look at the disk; `indelible log show` then says how many records there are"),
    }
}

/// A record could not be read.
pub fn read(error: &ReadError, directory: &Path) -> Failure {
    match error {
        ReadError::NoSuchRecord { log, seq, size } => no_such_record(log, *seq, *size),
        ReadError::Damaged {
            log,
            file,
            offset,
            seqs,
            what,
        } => {
            let place = match file.as_str() {
                "" => String::new(),
                file => format!("{file} at {offset}, "),
            };
            let last = seqs.end.saturating_sub(1);
            let records = format!("records {} to {last} of {log}", seqs.start);
            damaged(what, &format!("{place}{records}"), directory)
        }
        // Every file was there when the command began: what is gone now was merged, or it is missing, as a second run will say.
        ReadError::Store(StoreError::NotFound) => Failure::new(
            Exit::Trouble,
            format!(
                "a file went away while it was read: {}",
                directory.display()
            ),
        )
        .hint("packs may have been merged meanwhile: run the command again"),
        ReadError::Store(error) => store(error, directory),
    }
}

/// No record of that number.
pub fn no_such_record(log: &str, seq: u64, size: u64) -> Failure {
    let last = size.saturating_sub(1);
    Failure::usage(format!("no record {seq} in {log}, whose last is {last}"))
}

/// No record of that time, where there has to be one.
pub fn no_record_then(log: &str) -> Failure {
    Failure::usage(format!("no record of {log} was made in that time"))
}

/// No log of that name.
pub fn no_such_log(name: &str, names: &[&str]) -> Failure {
    let failure = Failure::usage(format!("no log named '{name}'"));
    match names {
        [] => failure.hint(format!("create it: indelible log create {}", shell(name))),
        names => failure.hint(format!(
            "there are: {}; or create it: indelible log create {}",
            names.join(", "),
            shell(name)
        )),
    }
}

/// A sealing stopped.
pub fn seal(error: &SealError, directory: &Path) -> Failure {
    match error {
        SealError::Store(error) => store(error, directory),
        SealError::Refused(refusal) => refused(refusal),
        SealError::NameTaken(_) => Failure::new(Exit::Trouble, error.to_string())
            .hint("nothing was released; set the file aside yourself"),
        SealError::Damaged { .. }
        | SealError::NotAsCommitted(_)
        | SealError::Missing(_)
        | SealError::ReadBack(_) => {
            Failure::new(Exit::Damaged, with_causes(error)).hint(look(directory))
        }
    }
}

/// A merging stopped.
pub fn merge(error: &MergeError, directory: &Path) -> Failure {
    match error {
        MergeError::Store(error) => store(error, directory),
        MergeError::Seal(error) => seal(error, directory),
        MergeError::Refused(refusal) => refused(refusal),
        MergeError::Read(error) => read(error, directory),
        MergeError::Damaged { .. } | MergeError::NotTheSame(_) => {
            Failure::new(Exit::Damaged, error.to_string()).hint(look(directory))
        }
    }
}

/// Why an event was not accepted.
pub fn event(error: &PrepareError) -> String {
    error.to_string()
}

/// The secret could not be made or read.
pub fn keys(error: &KeyError) -> Failure {
    let failure = match error {
        KeyError::Exists(path) => Failure::usage(format!("there is a node secret already: {}", path.display()))
            .hint("it may sign for another store: keep it, and name another directory with --keys DIR"),
        KeyError::Wide(path, mode) => Failure::usage(format!("others can get at the secret: {} has mode {mode:04o}", path.display()))
            .hint(format!("chmod go= {}", shell(path))),
        KeyError::Foreign(path, user) => Failure::usage(format!("the secret belongs to user {user}: {}", path.display()))
            .hint("run as the user who made the store"),
        KeyError::Missing(path) => Failure::usage(format!("no node secret: {}", path.display()))
            .hint("name the directory it lies in with --keys DIR; without it nothing can be written, but all can be read and verified"),
        KeyError::NotASecret(path) => Failure::usage(format!("not a node secret: {}", path.display()))
            .hint("restore the file from where you keep a copy"),
        KeyError::Sealed(path) => Failure::usage(format!("the secret is sealed under a passphrase: {}", path.display()))
            .hint("name a file that holds it with --passphrase-file FILE, or run this at a terminal"),
        KeyError::WrongPassphrase(path) => Failure::usage(format!("the passphrase does not open the secret: {}", path.display())),
        KeyError::NotAPassphrase(path) => Failure::usage(format!("the first line is empty, and should be a passphrase: {}", path.display())),
        KeyError::Credentials(path) => Failure::usage(format!("the secret is a credential of the service, which only its configuration can change: {}", path.display()))
            .hint("to rotate, hand in the next one, made with `indelible key new-secret`, as the credential indelible-node-secret-next"),
        KeyError::Io(path, error) => file(path, error),
    };
    failure.serving(Exit::Keys)
}

/// A file named on the command line could not be opened, read or written.
pub fn file(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: {}", path.display(), plain(error)))
}

/// What the system says, without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

/// What was typed can't be understood. The parser's own words, in our form.
pub fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let mut sentence = first
        .trim_start_matches("error: ")
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ");
    if let Some((before, _)) = sentence.split_once(" [subcommands:") {
        sentence.truncate(before.len());
    }
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "));
    let usage = text
        .lines()
        .find_map(|line| line.strip_prefix("Usage: "))
        .filter(|usage| !usage.contains("<COMMAND>"));
    let subcommands: Vec<String> = error
        .get(ContextKind::ValidSubcommand)
        .map(words)
        .unwrap_or_default();
    let hint = match (tip, usage) {
        (Some(tip), _) => tip.to_owned(),
        (None, Some(usage)) => format!("usage: {usage}"),
        (None, None) if !subcommands.is_empty() => format!("say which: {}", subcommands.join(", ")),
        (None, None) => format!("{} --help shows what there is", args::typed()),
    };
    Failure::usage(sentence).hint(hint)
}

fn words(value: &ContextValue) -> Vec<String> {
    match value {
        ContextValue::Strings(words) => words.clone(),
        ContextValue::String(word) => vec![word.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_store_out_of_reach_is_named_as_a_file_that_can_not_be_opened() {
        for (errno, exit) in [
            (Errno::ACCESS, Exit::Usage),
            (Errno::NOTDIR, Exit::Usage),
            (Errno::ROFS, Exit::Usage),
            (Errno::NOSPC, Exit::Trouble),
            (Errno::IO, Exit::Trouble),
        ] {
            let error = StoreError::Io {
                doing: "open store/FORMAT".to_owned(),
                source: errno.into(),
            };
            assert!(with_causes(&error).starts_with("open store/FORMAT: "));
            assert!(!with_causes(&error).contains("os error"));
            let failure = store(&error, Path::new("store"));
            assert_eq!(failure.exit(), exit, "{failure:?}");
            assert!(!failure.text.contains("os error"), "{failure:?}");
        }
    }
}
