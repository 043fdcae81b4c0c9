//! Opening the node a command works on: for reading beside a writer, or for writing.
//!
//! Everything a command wires together stands here: directory, keys, clock, randomness. Reading takes no lock and no key.

use crate::args::{StoreArg, WriteArgs};
use crate::clock::SystemClock;
use crate::keys::{self, Held};
use crate::random;
use crate::say::{self, Failure};
use crate::target;
use indelible_ledger::recover::{self, Recovered};
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{
    Books, Ledger, Log, ReadError, Refusal, RotateError, Secrets, Settings, Stored,
};
use indelible_store::{LocalStore, OpenOptions, Store, StoreInfo};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is wrong with a store that has records and no `FORMAT`.
pub const NO_FORMAT: &str = "the file is missing";

/// Whether a directory says that it is a store.
pub fn has_format(directory: &Path) -> bool {
    directory.join("FORMAT").symlink_metadata().is_ok()
}

/// Whether records lie in a directory: then a missing `FORMAT` is damage, and no store is to be made in its place.
pub fn has_records(directory: &Path) -> bool {
    let holds_any = |name| {
        std::fs::read_dir(directory.join(name)).is_ok_and(|mut names| names.next().is_some())
    };
    ["sealed", "tail"].into_iter().any(holds_any)
}

/// A store as it was found when the command began.
pub struct Reading {
    /// What is durable.
    pub books: Books,
    /// Where it lies.
    pub directory: PathBuf,
}

impl Reading {
    /// Opens a store for reading.
    pub fn open(store: &StoreArg) -> Result<Reading, Failure> {
        let directory = store.directory()?;
        let local =
            LocalStore::open_read(&directory).map_err(|error| say::store(&error, &directory))?;
        let Recovered { books, .. } =
            recover::read(Arc::new(local)).map_err(|error| say::recover(&error, &directory))?;
        Ok(Reading { books, directory })
    }

    /// The log of that name.
    pub fn log(&self, name: &str) -> Result<Arc<Log>, Failure> {
        find_log(&self.books, name)
    }

    /// Every record of a range, in order. Where one can't be read, all before it are handed out.
    pub fn records(
        &self,
        log: &Log,
        seqs: Range<u64>,
        take: &mut dyn FnMut(Stored) -> Result<(), Failure>,
    ) -> Result<(), Stopped> {
        self.books.records(log, seqs, &mut |stored: Stored| {
            take(stored).map_err(Stopped::Output)
        })
    }

    /// What a failed read means here.
    pub fn failed(&self, error: &ReadError) -> Failure {
        say::read(error, &self.directory)
    }
}

/// Why handing out records stopped.
pub enum Stopped {
    /// One could not be read.
    Read(ReadError),
    /// Whoever takes them could not.
    Output(Failure),
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Stopped {
        Stopped::Read(error)
    }
}

/// A node that this process writes for.
pub struct Writing {
    /// The engine.
    pub ledger: Ledger,
    /// What it writes to.
    pub store: Arc<LocalStore>,
    /// Where it lies.
    pub directory: PathBuf,
    /// Its secrets' files.
    pub keys: Held,
    /// A rotation that an earlier run began was finished by this one.
    pub finished_rotation: bool,
}

/// Secrets on their way to the ledger, and what stays here of them.
struct Kept {
    held: Held,
    /// A rotation was begun by an earlier run.
    unfinished: bool,
}

impl Kept {
    fn of(mut held: Held) -> (Secrets, Kept) {
        let (current, next) = (held.current.take(), held.next.take());
        let unfinished = next.is_some();
        let secrets = match (current, next) {
            (Some(old), Some(next)) => Secrets::Rotating { old, next },
            (current, next) => {
                Secrets::One(current.or(next).expect("reading found a secret or failed"))
            }
        };
        (secrets, Kept { held, unfinished })
    }
}

impl Writing {
    /// Opens a store for writing; an empty one is founded. Seals nothing by itself: the command is over soon.
    pub fn open(store: &StoreArg, write: &WriteArgs) -> Result<Writing, Failure> {
        let settings = Settings {
            background_sealing: false,
            ..Settings::default()
        };
        Writing::open_with(store, write, settings)
    }

    /// The same with settings of one's own.
    pub fn open_with(
        store: &StoreArg,
        write: &WriteArgs,
        settings: Settings,
    ) -> Result<Writing, Failure> {
        let (directory, info) = describe(store)?;
        let settings = Settings {
            accept_register: write.register_lost.then(user),
            ..settings
        };
        let failed = |error| say::store(&error, &directory);
        if info.copy && !write.moved {
            return Err(say::store_is_a_copy(&directory));
        }
        let held = keys::read(
            &keys_directory(&directory, write, &info),
            &write.passphrase(),
        )
        .map_err(|error| say::keys(&error))?;
        let (secrets, kept) = Kept::of(held);
        let options = OpenOptions {
            moved: write.moved,
            random: random::source(),
            faults: None,
        };
        let local = Arc::new(LocalStore::open_write(&directory, options).map_err(failed)?);
        kept.held
            .take_into_use()
            .map_err(|error| say::keys(&error))?;
        let shared: Arc<dyn Store> = local.clone();
        let ledger = Ledger::open(
            shared,
            secrets,
            Arc::new(SystemClock),
            random::source(),
            settings,
            &user(),
        )
        .map_err(|error| say::open(&error, &directory))?;
        for repair in ledger.repairs() {
            say::warn(format_args!("{repair}; recorded in _node"));
        }
        let mut writing = Writing::of(ledger, local, directory, kept.held);
        if kept.unfinished {
            writing.destroy_old()?;
            writing.finished_rotation = true;
            say::warn("a rotation of the keys that had stopped was finished");
        }
        Ok(writing)
    }

    /// A ledger that is open already.
    pub fn of(ledger: Ledger, store: Arc<LocalStore>, directory: PathBuf, keys: Held) -> Writing {
        Writing {
            ledger,
            store,
            directory,
            keys,
            finished_rotation: false,
        }
    }

    /// The secret that follows the one in force.
    pub fn next_secret(&self, secret: [u8; 32]) -> NodeSecret {
        NodeSecret::of(self.ledger.generation() + 1, secret)
    }

    /// A rotation that was refused before it began leaves no secret behind for a later start to find.
    pub fn forget_unused_next(&self, error: &RotateError) -> Result<(), Failure> {
        let unused = matches!(
            error,
            RotateError::BadRecovery
                | RotateError::RecoveryKept(_)
                | RotateError::NoRecoveryKeys(_)
                | RotateError::Refused(Refusal::NoRoom(_))
        );
        match unused {
            true => self.keys.forget_next().map_err(|error| say::keys(&error)),
            false => Ok(()),
        }
    }

    /// The old secret is no longer needed: it goes, and that is recorded. systemd's only whoever configures the service can remove.
    pub fn destroy_old(&self) -> Result<(), Failure> {
        if self.keys.from_credentials {
            say::warn(
                "the old secret is a credential of the service: remove it there, and give the next its name",
            );
            return Ok(());
        }
        if !self.keys.destroy_old().map_err(|error| say::keys(&error))? {
            return Ok(());
        }
        let old = self.ledger.generation().saturating_sub(1);
        self.ledger
            .destroyed(old)
            .map_err(|refusal| say::refused(&refusal))
    }

    /// The log of that name, which users may write to.
    pub fn log(&self, name: &str) -> Result<Arc<Log>, Failure> {
        if name.starts_with('_') {
            return Err(Failure::usage(format!(
                "only the node itself writes to {name}"
            )));
        }
        find_log(self.ledger.books(), name)
    }

    /// Stops cleanly, so that the next start is quick and proofs need no secret.
    pub fn close(self, reason: &str) -> Result<(), Failure> {
        if let Some(trouble) = self.ledger.room_trouble() {
            say::warn(format_args!(
                "the disk has no room for the next tail file, and this one is used up before long: {trouble}"
            ));
        }
        let trouble = self
            .ledger
            .close(reason)
            .map_err(|refusal| say::refused(&refusal))?;
        if let Some(trouble) = trouble {
            say::warn(format_args!("the register could not be written: {trouble}"));
        }
        Ok(())
    }
}

/// `DIR.keys`, beside the store and never in it.
pub fn default_keys(directory: &Path) -> PathBuf {
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let mut name = directory.components().collect::<PathBuf>().into_os_string();
    name.push(".keys");
    PathBuf::from(name)
}

/// Refuses to let a command write what it was asked for into the store or among its keys.
pub fn check_target(
    path: &Path,
    directory: &Path,
    keys: &WriteArgs,
    info: &StoreInfo,
) -> Result<(), Failure> {
    let secret = keys_directory(directory, keys, info);
    let mut closed = vec![(directory, "the store"), (secret.as_path(), "the keys")];
    // The register may not be there yet, and must not be what a command makes in its place.
    closed.extend(
        info.register
            .iter()
            .map(|path| (path.as_path(), "the register")),
    );
    target::check(path, &closed)
}

/// What a store says of itself.
pub fn describe(store: &StoreArg) -> Result<(PathBuf, StoreInfo), Failure> {
    let directory = store.directory()?;
    let local =
        LocalStore::open_read(&directory).map_err(|error| say::store(&error, &directory))?;
    Ok((directory, local.describe().clone()))
}

/// Where the secrets of a store lie.
pub fn keys_directory(directory: &Path, write: &WriteArgs, info: &StoreInfo) -> PathBuf {
    let named = write.keys.clone().or_else(|| info.keys.clone());
    named.unwrap_or_else(|| default_keys(directory))
}

/// Who is asking, as a head names them.
pub fn user() -> String {
    format!("unix:{}", rustix::process::getuid().as_raw())
}

fn find_log(books: &Books, name: &str) -> Result<Arc<Log>, Failure> {
    books.log(name).ok_or_else(|| {
        let logs = books.logs();
        let names: Vec<&str> = logs
            .iter()
            .map(|log| log.name())
            .filter(|name| !name.starts_with('_'))
            .collect();
        say::no_such_log(name, &names)
    })
}
