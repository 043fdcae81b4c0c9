//! The node's secret as files: `DIR.keys/node-secret`, mode 0600 in a directory of mode 0700, and `node-secret.next` beside it while the
//! keys are being replaced; or systemd credentials of the names `indelible-node-secret` and `indelible-node-secret-next`
//! (`docs/spec/keys.md`). Until there is a store to sign for, the first one lies in `node-secret.unused`.
//!
//! Owns making, reading and destroying it. Promises that a secret others may read is not used, that none which may have signed anything is
//! ever replaced, that a secret has its name only when all of it and the directory it lies in are durable, and that the old one goes only
//! when it is asked to.

mod passphrase;

pub use passphrase::Passphrase;

use crate::random;
use indelible_ledger::signer::{NodeSecret, SecretFile};
use indelible_store::regular;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FILE: &str = "node-secret";
const NEXT: &str = "node-secret.next";
const UNUSED: &str = "node-secret.unused";
const CREDENTIAL: &str = "indelible-node-secret";
const NEXT_CREDENTIAL: &str = "indelible-node-secret-next";
/// The one line has under 300 bytes; a larger file is something else.
const BYTES_MAX: u64 = 512;
/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// Why there is no secret.
#[derive(Debug)]
pub enum KeyError {
    /// There is one already; it may sign for a store.
    Exists(PathBuf),
    /// Group or others may read or write it: its permissions.
    Wide(PathBuf, u32),
    /// It belongs to another user and so is in another's hands: the user's id.
    Foreign(PathBuf, u32),
    /// There is none.
    Missing(PathBuf),
    /// The file is not a secret file.
    NotASecret(PathBuf),
    /// It is sealed, and there is no passphrase to open it with.
    Sealed(PathBuf),
    /// The passphrase does not open it.
    WrongPassphrase(PathBuf),
    /// A file that should hold a passphrase does not.
    NotAPassphrase(PathBuf),
    /// systemd hands them in: only who configures the service can change them.
    Credentials(PathBuf),
    /// The disk, or its permissions.
    Io(PathBuf, io::Error),
}

/// Where secrets lie, and what was found there.
pub struct Held {
    directory: PathBuf,
    /// They came from systemd.
    pub from_credentials: bool,
    /// The secret in force was never taken into use.
    is_unused: bool,
    /// The secret is sealed under a passphrase; the last that opened it.
    pub passphrase: Option<Zeroizing<String>>,
    /// The secret in force before a rotation, or the only one.
    pub current: Option<NodeSecret>,
    /// The secret that follows, while keys are being replaced.
    pub next: Option<NodeSecret>,
}

/// Makes a secret in `directory`, which is made too if it isn't there. It is used once [`take_into_use`] has been called; what an earlier
/// attempt has left unused gives way to it.
pub fn make(directory: &Path, passphrase: Option<&str>) -> Result<NodeSecret, KeyError> {
    make_directory(directory)?;
    check(directory)?;
    let path = directory.join(FILE);
    if path.symlink_metadata().is_ok() {
        return Err(KeyError::Exists(path));
    }
    let unused = directory.join(UNUSED);
    remove(&unused).map_err(|error| KeyError::Io(unused.clone(), error))?;
    let secret = NodeSecret::new(random::bytes());
    write(unused, &secret, passphrase).map(|()| secret)
}

/// The secret just made is the one in force: there is a store now that it signs for.
pub fn take_into_use(directory: &Path) -> Result<(), KeyError> {
    let path = directory.join(FILE);
    match name(&directory.join(UNUSED), &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        named => named.map_err(|error| KeyError::Io(path, error)),
    }
}

/// Takes back a secret just made that nothing was signed with.
pub fn unmake(directory: &Path) -> io::Result<()> {
    std::fs::remove_file(directory.join(UNUSED))?;
    std::fs::remove_dir(directory)
}

/// Reads what secrets there are, having looked who else can. systemd's come first.
pub fn read(directory: &Path, passphrase: &Passphrase) -> Result<Held, KeyError> {
    let credentials = passphrase::credentials().filter(|from| from.join(CREDENTIAL).exists());
    let from_credentials = credentials.is_some();
    let (directory, names) = match credentials {
        Some(from) => (from, [CREDENTIAL, NEXT_CREDENTIAL]),
        None => {
            check(directory)?;
            (directory.to_owned(), [FILE, NEXT])
        }
    };
    let mut held = Held {
        directory,
        from_credentials,
        is_unused: false,
        passphrase: None,
        current: None,
        next: None,
    };
    let [current, next] = names;
    let is_there = |name: &str| held.directory.join(name).symlink_metadata().is_ok();
    // The program was stopped between making the store and taking the secret into use.
    held.is_unused = !from_credentials && !is_there(current) && !is_there(next) && is_there(UNUSED);
    let current = if held.is_unused { UNUSED } else { current };
    held.next = held.read(next, passphrase)?;
    held.current = held.read(current, passphrase)?;
    match held.current.is_none() && held.next.is_none() {
        true => Err(KeyError::Missing(held.directory.join(current))),
        false => Ok(held),
    }
}

/// The secret that a recovery has begun with, if one has. The old one is not asked for: it is lost, or nobody's any more.
pub fn read_next(directory: &Path, passphrase: &Passphrase) -> Result<Held, KeyError> {
    make_directory(directory)?;
    check(directory)?;
    let mut held = Held {
        directory: directory.to_owned(),
        from_credentials: false,
        is_unused: false,
        passphrase: None,
        current: None,
        next: None,
    };
    held.next = held.read(NEXT, passphrase)?;
    Ok(held)
}

/// Where the secret lies and in what state, in a few words. Nothing of the secret itself.
pub fn look(directory: &Path) -> String {
    let place = directory.join(FILE);
    let at = place.display();
    let under = match check(directory).and_then(|()| read_text(&place)) {
        Ok(text) if is_destroyed(&text) => "destroyed",
        Ok(text) => match SecretFile::parse(&text) {
            Ok(SecretFile::Plain(_)) => "in the clear",
            Ok(SecretFile::Sealed(_)) => "under a passphrase",
            Err(_) => "not a secret",
        },
        Err(KeyError::Missing(_)) => "not there",
        Err(KeyError::Wide(..)) => "readable by others",
        Err(KeyError::Foreign(..)) => "another user's",
        Err(_) => "not readable",
    };
    match directory.join(NEXT).exists() {
        true => format!("{under}, {at}; the next one waits beside it"),
        false => format!("{under}, {at}"),
    }
}

impl Held {
    /// The store that the secret signs for is there, and so are all names it relies on.
    pub fn take_into_use(&self) -> Result<(), KeyError> {
        match self.is_unused {
            true => take_into_use(&self.directory),
            false => Ok(()),
        }
    }

    /// `None`: there is no such file, or the secret in it was destroyed.
    fn read(
        &mut self,
        name: &str,
        passphrase: &Passphrase,
    ) -> Result<Option<NodeSecret>, KeyError> {
        let path = self.directory.join(name);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(KeyError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        if is_destroyed(&text) && self.next.is_some() {
            return Ok(None);
        }
        let sealed = match SecretFile::parse(&text) {
            Ok(SecretFile::Plain(secret)) => return Ok(Some(secret)),
            Ok(SecretFile::Sealed(sealed)) => sealed,
            Err(_) => return Err(KeyError::NotASecret(path)),
        };
        if let Some(known) = &self.passphrase
            && let Ok(secret) = sealed.open(known.as_bytes())
        {
            return Ok(Some(secret));
        }
        let given = passphrase.get(&path)?;
        let opened = sealed.open(given.as_bytes());
        self.passphrase = Some(given);
        opened
            .map(Some)
            .map_err(|_| KeyError::WrongPassphrase(path))
    }

    /// Keeps the secret that follows beside the one in force.
    pub fn keep_next(&self, next: &NodeSecret, passphrase: Option<&str>) -> Result<(), KeyError> {
        if self.from_credentials {
            return Err(KeyError::Credentials(self.directory.join(NEXT_CREDENTIAL)));
        }
        write(self.directory.join(NEXT), next, passphrase)
    }

    /// Takes back the secret that follows: nothing was signed with it.
    pub fn forget_next(&self) -> Result<(), KeyError> {
        let path = self.directory.join(NEXT);
        std::fs::remove_file(&path).map_err(|error| KeyError::Io(path, error))
    }

    /// The old secret's bytes go, then the next has its name. Begun again, it goes on. Whether there was an old secret.
    pub fn destroy_old(&self) -> Result<bool, KeyError> {
        let (old, next) = (self.directory.join(FILE), self.directory.join(NEXT));
        if self.from_credentials {
            return Err(KeyError::Credentials(self.directory.join(CREDENTIAL)));
        }
        let destroyed = overwrite(&old).and_then(|was_there| {
            std::fs::rename(&next, &old)?;
            File::open(&self.directory)?.sync_all()?;
            Ok(was_there)
        });
        destroyed.map_err(|error| KeyError::Io(old, error))
    }
}

/// Zeros over the whole file, on the disk. A file that isn't there has nothing to lose. What a journal, a snapshot or the disk's own
/// firmware kept of it, no program can reach.
fn overwrite(path: &Path) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    Ok(true)
}

/// It is overwritten from its front, and the program may have been stopped before the end.
fn is_destroyed(text: &str) -> bool {
    text.starts_with('\0')
}

/// Makes a secret of some generation in a file of its own, for whoever hands secrets in as credentials.
pub fn make_apart(path: &Path, generation: u64, passphrase: Option<&str>) -> Result<(), KeyError> {
    write(
        path.to_owned(),
        &NodeSecret::of(generation, random::bytes()),
        passphrase,
    )
}

fn write(path: PathBuf, secret: &NodeSecret, passphrase: Option<&str>) -> Result<(), KeyError> {
    let text = match passphrase {
        None => secret.file_text(),
        Some(passphrase) => Zeroizing::new(secret.sealed_text(
            passphrase.as_bytes(),
            random::bytes(),
            random::bytes(),
        )),
    };
    write_private(&path, text.as_bytes()).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists(path),
        _ => KeyError::Io(path, error),
    })
}

/// A new file that only its owner may read. It has its name only when its bytes are durable, and then so is the name.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut building = path.as_os_str().to_owned();
    building.push(".new");
    let building = PathBuf::from(building);
    // Left by an attempt that was stopped: it has no name that anybody knows it by.
    remove(&building)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&building)?;
    let named = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| name(&building, path));
    if named.is_err() {
        // Whether or not that succeeds, the error is the first one.
        remove(&building).ok();
    }
    named
}

/// Gives a file its name, unless something has it, and makes that durable.
fn name(file: &Path, path: &Path) -> io::Result<()> {
    renameat_with(CWD, file, CWD, path, RenameFlags::NOREPLACE)?;
    sync_names(path)
}

/// Makes the name of a file or directory durable.
pub fn sync_names(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The text of a file that nobody else may read.
pub fn read_text(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let file = regular::open(path).map_err(|error| failed(path, error))?;
    check_metadata(path, &file.metadata().map_err(|error| failed(path, error))?)?;
    let mut text = Zeroizing::new(String::new());
    match file.take(BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(KeyError::NotASecret(path.to_owned()))
        }
        Err(error) => Err(failed(path, error)),
    }
}

/// How the secret's place stands, without reading the secret.
pub fn state(directory: &Path) -> &'static str {
    let path = directory.join(FILE);
    let looked = check(directory).and_then(|()| {
        let metadata = std::fs::metadata(&path).map_err(|error| failed(&path, error))?;
        check_metadata(&path, &metadata)
    });
    match looked {
        Ok(()) => "present",
        Err(KeyError::Missing(_)) => "missing",
        Err(KeyError::Wide(..)) => "readable by others, so refused",
        Err(KeyError::Foreign(..)) => "another user's",
        Err(_) => "can't be looked at",
    }
}

/// The directory, its own name durable: without it the secret in it is lost.
fn make_directory(directory: &Path) -> Result<(), KeyError> {
    let failed = |error| KeyError::Io(directory.to_owned(), error);
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => sync_names(directory).map_err(failed),
        // An earlier attempt may have been stopped before the sync. Who may not read the directory around it did not make this one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match sync_names(directory) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced.map_err(failed),
        },
        Err(error) => Err(failed(error)),
    }
}

fn check(directory: &Path) -> Result<(), KeyError> {
    let metadata = std::fs::metadata(directory).map_err(|error| failed(directory, error))?;
    check_metadata(directory, &metadata)
}

/// Wider than the owner is refused. Root may use a file of another user, as it may do anything.
fn check_metadata(path: &Path, metadata: &Metadata) -> Result<(), KeyError> {
    if metadata.mode() & OTHERS != 0 {
        return Err(KeyError::Wide(path.to_owned(), metadata.mode() & 0o777));
    }
    let user = rustix::process::geteuid();
    if !user.is_root() && metadata.uid() != user.as_raw() {
        return Err(KeyError::Foreign(path.to_owned(), metadata.uid()));
    }
    Ok(())
}

fn failed(path: &Path, error: io::Error) -> KeyError {
    match error.kind() {
        io::ErrorKind::NotFound => KeyError::Missing(path.to_owned()),
        _ => KeyError::Io(path.to_owned(), error),
    }
}
