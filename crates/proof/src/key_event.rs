//! The event of a `key` record: the complete next key set of its log (`docs/spec/keys.md`, *Rotation and recovery*).
//!
//! Owns its exact form. That the keys count is shown by the hinge, the checkpoint that ends with the record, and not by the record.

use crate::cursor::{Cursor, Fault, hash_or_null, push_hash_or_null, push_integer};
use crate::hash::Hash;
use crate::key_set::{self, KeySet, Recovery};
use crate::origin::{NODE_LOG, Origin};
use alloc::vec::Vec;

const ROTATION: &[u8] = b"{\"key\":\"rotation\",\"generation\":";
const RECOVERY: &[u8] = b"{\"key\":\"recovery\",\"generation\":";
const BATCH_KEY: &[u8] = b",\"batch_key\":";

/// What a `key` record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent<'a> {
    /// The old keys are lost or stolen, and the recovery keys vouch for the new ones instead.
    pub is_recovery: bool,
    /// Generation of the node secret, at least 1.
    pub generation: u64,
    /// One to eight verifier keys of the origin, at least one Ed25519.
    pub keys: Vec<&'a str>,
    /// Who may do a recovery from now on.
    pub recovery: Recovery<'a>,
    /// The public key that signs batches from now on; in `_node` only.
    pub batch_key: Option<[u8; 32]>,
}

impl<'a> KeyEvent<'a> {
    /// Reads the event of a `key` record of the log of that origin. `None`: it is not one.
    #[must_use]
    pub fn parse(event: &'a [u8], origin: &str) -> Option<KeyEvent<'a>> {
        let parsed = read(&mut Cursor::new(event), origin).ok()?;
        let of_node = Origin::parse(origin)?.log() == NODE_LOG;
        let good = parsed.generation > 0 && parsed.batch_key.is_some() == of_node;
        good.then_some(parsed)
    }

    /// The keys that version 1 can check.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        KeySet::of(&self.keys, &self.recovery)
    }

    /// Writes the event. Fields that have not their form give bytes that [`KeyEvent::parse`] refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.is_recovery { RECOVERY } else { ROTATION });
        push_integer(self.generation, out);
        key_set::push(&self.keys, &self.recovery, out);
        out.extend_from_slice(BATCH_KEY);
        push_hash_or_null(self.batch_key.map(Hash), out);
        out.push(b'}');
    }
}

fn read<'a>(cursor: &mut Cursor<'a>, origin: &str) -> Result<KeyEvent<'a>, Fault> {
    let is_recovery = cursor.starts_with(RECOVERY);
    let opening = if is_recovery { RECOVERY } else { ROTATION };
    let generation = cursor.integer(opening, "generation")?;
    let (keys, recovery) = key_set::read(cursor, origin)?;
    cursor.literal(BATCH_KEY, "batch_key")?;
    let batch_key = hash_or_null(cursor, "batch_key")?.map(|key| key.0);
    cursor.literal(b"}", "the closing brace")?;
    cursor.end()?;
    Ok(KeyEvent {
        is_recovery,
        generation,
        keys,
        recovery,
        batch_key,
    })
}

#[cfg(test)]
mod tests;
