//! The keys of a log at one time: who signs for it, and who may give it new keys when its own are lost or stolen.
//!
//! Owns the members `keys` and `recovery`, which a genesis and a `key` event share (`docs/spec/keys.md`), and the rule for a good
//! hinge between two sets. Does not know how a set came into force: [`verify`](crate::verify) walks there.

use crate::cursor::{Cursor, Fault, plain_text, push_integer};
use crate::key::{KeyType, VerifierKey};
use crate::limits::{GENESIS_KEYS_MAX, RECOVERY_KEYS_MAX, RECOVERY_NAME_BYTES_MAX};
use crate::note::{Note, Signed};
use alloc::vec::Vec;

/// Who may give a log new keys without the old ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery<'a> {
    /// How many of the keys must sign; 0 if there are none.
    pub threshold: u64,
    /// Up to eight Ed25519 verifier keys, no two the same.
    pub keys: Vec<&'a str>,
}

/// The keys of one set that can be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// The Ed25519 keys that sign checkpoints; at least one.
    pub keys: Vec<VerifierKey>,
    /// How many of the recovery keys must sign a recovery; 0: there can be none.
    pub threshold: usize,
    /// The recovery keys.
    pub recovery: Vec<VerifierKey>,
}

impl KeySet {
    /// Of members that were read.
    pub(crate) fn of(keys: &[&str], recovery: &Recovery<'_>) -> KeySet {
        let parse = |keys: &[&str]| -> Vec<VerifierKey> {
            let parsed = keys.iter().filter_map(|key| VerifierKey::parse(key).ok());
            parsed
                .filter(|key| key.key_type() == KeyType::Ed25519)
                .collect()
        };
        KeySet {
            keys: parse(keys),
            threshold: usize::try_from(recovery.threshold).unwrap_or(usize::MAX),
            recovery: parse(&recovery.keys),
        }
    }

    /// Do both name the same people for a recovery, and as many?
    #[must_use]
    pub fn same_recovery(&self, other: &KeySet) -> bool {
        self.threshold == other.threshold && self.recovery == other.recovery
    }

    /// What the note says of these keys: [`Signed::Invalid`] if any line of theirs is wrong, else [`Signed::Ok`] if at least one signed.
    #[must_use]
    pub fn signed(&self, note: &Note<'_>) -> Signed {
        let mut signed = Signed::NoLine;
        for key in &self.keys {
            match note.verify(key) {
                Signed::Invalid => return Signed::Invalid,
                Signed::Ok => signed = Signed::Ok,
                Signed::NoLine => {}
            }
        }
        signed
    }

    /// Did any of these keys sign?
    #[must_use]
    pub fn any_signed(&self, note: &Note<'_>) -> bool {
        self.keys.iter().any(|key| note.verify(key) == Signed::Ok)
    }

    /// Is the note of a hinge good, which takes the log from these keys to those (`docs/spec/keys.md`, *Rotation and recovery*)?
    #[must_use]
    pub fn hands_over(&self, next: &KeySet, is_recovery: bool, note: &Note<'_>) -> bool {
        let handing = if is_recovery {
            &self.recovery
        } else {
            &self.keys
        };
        // A line that is there and wrong spoils the note, whoever else signed.
        let spoilt = |key: &VerifierKey| note.verify(key) == Signed::Invalid;
        if handing.iter().any(spoilt) || !all_signed(&next.keys, note) {
            return false;
        }
        if is_recovery {
            let signers = handing.iter().filter(|key| note.verify(key) == Signed::Ok);
            self.threshold > 0 && signers.count() >= self.threshold
        } else {
            all_signed(handing, note) && (self.same_recovery(next) || self.threshold == 0)
        }
    }
}

fn all_signed(keys: &[VerifierKey], note: &Note<'_>) -> bool {
    keys.iter().all(|key| note.verify(key) == Signed::Ok)
}

/// May a recovery key have this name?
#[must_use]
pub fn is_recovery_name(name: &str) -> bool {
    let known = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let begins = |first: u8| first.is_ascii_lowercase() || first.is_ascii_digit();
    name.len() <= RECOVERY_NAME_BYTES_MAX
        && name.bytes().next().is_some_and(begins)
        && name.as_bytes().iter().all(known)
}

/// Reads `,"keys":[…],"recovery":{…}` of the log of that origin.
pub(crate) fn read<'a>(
    cursor: &mut Cursor<'a>,
    origin: &str,
) -> Result<(Vec<&'a str>, Recovery<'a>), Fault> {
    let keys = list(cursor, b",\"keys\":[", "keys", GENESIS_KEYS_MAX)?;
    let fault = cursor.fault("keys");
    let good = is_key_set(origin, &keys);
    let keys = if good { keys } else { return Err(fault) };
    cursor.literal(b"]", "keys")?;
    let threshold = cursor.integer(b",\"recovery\":{\"threshold\":", "recovery")?;
    let recovery = Recovery {
        threshold,
        keys: list(cursor, b",\"keys\":[", "recovery", RECOVERY_KEYS_MAX)?,
    };
    let fault = cursor.fault("recovery");
    cursor.literal(b"]}", "recovery")?;
    if recovery.is_good(origin) {
        Ok((keys, recovery))
    } else {
        Err(fault)
    }
}

/// Writes what [`read`] reads.
pub(crate) fn push(keys: &[&str], recovery: &Recovery<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"keys\":[");
    push_list(keys, out);
    out.extend_from_slice(b"],\"recovery\":{\"threshold\":");
    push_integer(recovery.threshold, out);
    out.extend_from_slice(b",\"keys\":[");
    push_list(&recovery.keys, out);
    out.extend_from_slice(b"]}");
}

impl Recovery<'_> {
    /// Ed25519 keys of other names than the log's, at most eight, each once, and a threshold that they can reach.
    #[must_use]
    pub fn is_good(&self, origin: &str) -> bool {
        let mut known: Vec<VerifierKey> = Vec::new();
        for key in &self.keys {
            let Ok(key) = VerifierKey::parse(key) else {
                return false;
            };
            // One secret under two names would be two people.
            let is_new = known.iter().all(|other| other.public() != key.public());
            let fits = key.key_type() == KeyType::Ed25519
                && is_recovery_name(key.name())
                && key.name() != origin;
            if !fits || !is_new {
                return false;
            }
            known.push(key);
        }
        let number = u64::try_from(self.keys.len()).unwrap_or(u64::MAX);
        self.keys.len() <= RECOVERY_KEYS_MAX
            && self.threshold <= number
            && (self.threshold == 0) == self.keys.is_empty()
    }
}

/// `opening`, then strings joined by commas, as many as `most`; the closing bracket is left.
fn list<'a>(
    cursor: &mut Cursor<'a>,
    opening: &[u8],
    what: &'static str,
    most: usize,
) -> Result<Vec<&'a str>, Fault> {
    cursor.literal(opening, what)?;
    let mut items = Vec::new();
    let mut before: &[u8] = b"\"";
    while items.len() < most
        && let Some(item) = cursor.quoted_maybe(before, what, plain_text)?
    {
        items.push(item);
        before = b",\"";
    }
    Ok(items)
}

fn push_list(items: &[&str], out: &mut Vec<u8>) {
    for (index, item) in items.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        out.extend_from_slice(item.as_bytes());
        out.push(b'"');
    }
}

/// All of this origin, and one that version 1 can check.
fn is_key_set(origin: &str, keys: &[&str]) -> bool {
    let types: Option<Vec<KeyType>> = keys.iter().map(|key| key_type(origin, key)).collect();
    types.is_some_and(|types| types.contains(&KeyType::Ed25519))
}

/// How a verifier key of this origin signs.
fn key_type(origin: &str, key: &str) -> Option<KeyType> {
    let key = VerifierKey::parse(key).ok()?;
    (key.name() == origin).then_some(key.key_type())
}
