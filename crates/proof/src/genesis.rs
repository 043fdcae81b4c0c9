//! The event of record 0: origin, keys, and who made the log.
//!
//! Owns its exact form (`docs/spec/keys.md`, *Log id and genesis*): it is read member by member in that order, and anything else is
//! not a genesis. A verifier takes `origin`, `keys`, `recovery`, `batch_key` and `node_log` from it and nothing else.

use crate::cursor::{Cursor, Fault, hash_or_null, plain_text, push_hash_or_null, push_integer};
use crate::hash::{Hash, hex_digit};
use crate::key_set::{self, KeySet, Recovery};
use crate::origin::{NODE_LOG, Origin};
use alloc::vec::Vec;

/// What version 1 reserves, with the only values it knows.
const RETENTION: &[u8] = b"},\"retention\":null,\"key_horizon\":";
const RESERVED: &[u8] = b",\"clock\":{\"ahead_ms\":1000,\"drift_ppm\":500,\"start_days\":30},\"witness_policy\":null,\"predecessor\":null,\"creator\":\"";

/// What a genesis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// The log id of `_node`; absent in its own genesis.
    pub node_log: Option<Hash>,
    /// One to eight verifier keys of the origin, at least one Ed25519.
    pub keys: Vec<&'a str>,
    /// Who may give the log new keys when its own are lost or stolen.
    pub recovery: Recovery<'a>,
    /// The public key that signs batches; in `_node`'s genesis only.
    pub batch_key: Option<[u8; 32]>,
    /// 32 hex characters.
    pub node: &'a str,
    /// 32 hex characters.
    pub store: &'a str,
    /// The largest minified event, in bytes.
    pub event_bytes: u64,
    /// So many of the node's newest idempotency keys are exact, at least.
    pub key_horizon: u64,
    /// Who made the log: printable ASCII without `"` and `\`.
    pub creator: &'a str,
    /// Name and version of the software; the same characters.
    pub software: &'a str,
}

impl<'a> Genesis<'a> {
    /// Reads a genesis event. `None`: it is not one.
    #[must_use]
    pub fn parse(event: &'a [u8]) -> Option<Genesis<'a>> {
        let genesis = read(&mut Cursor::new(event)).ok()?;
        let of_node = Origin::parse(genesis.origin)?.log() == NODE_LOG;
        let good = genesis.node_log.is_none() == of_node && genesis.batch_key.is_some() == of_node;
        good.then_some(genesis)
    }

    /// The keys that version 1 can check, in the order of the list; there is at least one.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        KeySet::of(&self.keys, &self.recovery)
    }

    /// Writes the event. Fields that have not their form give bytes that [`Genesis::parse`] refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"genesis\":1,\"origin\":\"");
        out.extend_from_slice(self.origin.as_bytes());
        out.extend_from_slice(b"\",\"node_log\":");
        push_hash_or_null(self.node_log, out);
        key_set::push(&self.keys, &self.recovery, out);
        out.extend_from_slice(b",\"batch_key\":");
        push_hash_or_null(self.batch_key.map(Hash), out);
        for (opening, value) in [
            (b",\"node\":\"".as_slice(), self.node),
            (b"\",\"store\":\"", self.store),
        ] {
            out.extend_from_slice(opening);
            out.extend_from_slice(value.as_bytes());
        }
        out.extend_from_slice(b"\",\"limits\":{\"event_bytes\":");
        push_integer(self.event_bytes, out);
        out.extend_from_slice(RETENTION);
        push_integer(self.key_horizon, out);
        for (opening, value) in [
            (RESERVED, self.creator),
            (b"\",\"software\":\"", self.software),
        ] {
            out.extend_from_slice(opening);
            out.extend_from_slice(value.as_bytes());
        }
        out.extend_from_slice(b"\"}");
    }
}

fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Genesis<'a>, Fault> {
    let origin = cursor.quoted(b"{\"genesis\":1,\"origin\":\"", "origin", plain_text)?;
    cursor.literal(b",\"node_log\":", "node_log")?;
    let node_log = hash_or_null(cursor, "node_log")?;
    let (keys, recovery) = key_set::read(cursor, origin)?;
    cursor.literal(b",\"batch_key\":", "batch_key")?;
    let batch_key = hash_or_null(cursor, "batch_key")?.map(|key| key.0);
    let node = cursor.quoted(b",\"node\":\"", "node", hex32)?;
    let store = cursor.quoted(b",\"store\":\"", "store", hex32)?;
    let event_bytes = cursor.integer(b",\"limits\":{\"event_bytes\":", "limits")?;
    let key_horizon = cursor.integer(RETENTION, "retention and key_horizon")?;
    let creator = cursor.quoted(RESERVED, "creator", plain_text)?;
    let software = cursor.quoted(b",\"software\":\"", "software", plain_text)?;
    cursor.literal(b"}", "the closing brace")?;
    cursor.end()?;
    Ok(Genesis {
        origin,
        node_log,
        keys,
        recovery,
        batch_key,
        node,
        store,
        event_bytes,
        key_horizon,
        creator,
        software,
    })
}

fn hex32(text: &[u8]) -> Option<&str> {
    let good = text.len() == 32 && text.iter().all(|byte| hex_digit(*byte).is_some());
    if good {
        core::str::from_utf8(text).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
