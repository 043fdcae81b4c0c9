//! Names of objects, the same in every backend.
//!
//! Owns which names there are and what a quarantined thing is called. A name is a directory and one plain component, so
//! no backend ever meets `..`, a separator or a character its file system reads differently.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::limits::{NAME_MAX, QUARANTINE_SUFFIX, QUARANTINE_TIMES};

/// Directories whose objects can be read by name.
pub(crate) const READABLE: [&str; 3] = ["sealed/", "derived/", "quarantine/"];

/// Refuses a name outside these directories or with an unusual character.
pub(crate) fn check(name: &str, directories: &[&str]) -> Result<(), StoreError> {
    let component = directories
        .iter()
        .find_map(|directory| name.strip_prefix(directory));
    let most = if name.starts_with("quarantine/") {
        NAME_MAX + QUARANTINE_SUFFIX
    } else {
        NAME_MAX
    };
    let plain = component.is_some_and(|component| {
        (1..=most).contains(&component.len())
            && !component.starts_with('.')
            && component
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    });
    if plain {
        Ok(())
    } else {
        Err(StoreError::Refused(format!(
            "{name:?} is not a name for this"
        )))
    }
}

/// The name without its directory.
pub(crate) fn component(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What a torn slot is called: `quarantine/<number>-<SHA-256>`.
pub(crate) fn quarantined_slot(number: u64, bytes: &[u8]) -> String {
    format!("quarantine/{number:012}-{}", digest(bytes))
}

/// What an orphan may be called: `quarantine/<name>-<SHA-256>`, and with a count if that is taken, since the same orphan
/// comes again when the same sealing is interrupted again.
pub(crate) fn quarantined_object(name: &str, digest: &str) -> impl Iterator<Item = String> {
    let component = component(name);
    (1..=QUARANTINE_TIMES).map(move |time| match time {
        1 => format!("quarantine/{component}-{digest}"),
        _ => format!("quarantine/{component}-{time}-{digest}"),
    })
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}
