//! A pin: which log one means, and the key one believes it by. Whoever checks evidence gets it by a way they trust.
//!
//! Owns the line of `docs/spec/keys.md`, *Pin*.

use crate::hash::Hash;
use crate::key::{KeyType, VerifierKey};
use crate::origin::Origin;
use core::fmt;

const LABEL: &str = "indelible-pin-v1";

/// One log and its key. The key is Ed25519 and its name is the log's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    log_id: Hash,
    key: VerifierKey,
}

/// Why a text is not a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pin is one line: indelible-pin-v1 <log id> <Ed25519 verifier key of the log>")]
pub struct PinError;

impl Pin {
    /// Pins a key for a log. `None`: the key is not Ed25519, or its name is not an origin.
    #[must_use]
    pub fn new(log_id: Hash, key: VerifierKey) -> Option<Pin> {
        let good = key.key_type() == KeyType::Ed25519 && Origin::parse(key.name()).is_some();
        good.then_some(Pin { log_id, key })
    }

    /// Reads the line; one LF at its end is allowed.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn parse(text: &[u8]) -> Result<Pin, PinError> {
        let read = || {
            let text = core::str::from_utf8(text).ok()?;
            let mut parts = text.strip_suffix('\n').unwrap_or(text).split(' ');
            let (Some(LABEL), Some(log_id), Some(key), None) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                return None;
            };
            Pin::new(
                Hash::from_hex(log_id.as_bytes())?,
                VerifierKey::parse(key).ok()?,
            )
        };
        read().ok_or(PinError)
    }

    /// The entry of the log's record 0.
    #[must_use]
    pub fn log_id(&self) -> Hash {
        self.log_id
    }

    /// The key that signs the log's checkpoints.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.key.name()
    }
}

impl fmt::Display for Pin {
    /// The line without LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LABEL} {} {}", self.log_id, self.key)
    }
}

#[cfg(test)]
mod tests;
