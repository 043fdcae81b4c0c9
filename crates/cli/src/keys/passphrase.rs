//! Where a passphrase comes from: a file, a systemd credential, or the person at the terminal. Never the command line or the environment,
//! which others can read.

use super::{KeyError, read_text};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The systemd credential that holds it.
const CREDENTIAL: &str = "indelible-passphrase";

/// Who is asked for it.
#[derive(Clone, Debug, Default)]
pub struct Passphrase {
    /// The file that the command line names.
    pub file: Option<PathBuf>,
}

impl Passphrase {
    /// The passphrase for the secret in that file.
    pub fn get(&self, secret: &Path) -> Result<Zeroizing<String>, KeyError> {
        let credential = credentials().map(|from| from.join(CREDENTIAL));
        let credential = credential.filter(|path| path.exists());
        match self.file.as_ref().or(credential.as_ref()) {
            Some(path) => read_line(path),
            None if io::stdin().is_terminal() => ask(secret, "passphrase of"),
            None => Err(KeyError::Sealed(secret.to_owned())),
        }
    }

    /// A passphrase to seal the secret in that file with, if one was asked for by naming a file.
    pub fn for_sealing(&self) -> Result<Option<Zeroizing<String>>, KeyError> {
        self.file.as_deref().map(read_line).transpose()
    }
}

/// The directory in which systemd puts what a service may know (systemd.exec, *Credentials*).
pub fn credentials() -> Option<PathBuf> {
    crate::args::from_environment("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// The first line of a file that nobody else may read.
fn read_line(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let text = read_text(path)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(KeyError::NotAPassphrase(path.to_owned())),
    }
}

fn ask(secret: &Path, what: &str) -> Result<Zeroizing<String>, KeyError> {
    let prompt = format!("{what} {}: ", crate::output::one_line(secret.display()));
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| KeyError::Io(secret.to_owned(), error))
}
