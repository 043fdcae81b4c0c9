//! The event of record 0: origin, keys, and who made the log.
//!
//! Owns its exact form (`docs/spec/keys.md`, *Log id and genesis*): it is read member by member in that order, and anything else is
//! not a genesis. A verifier takes `origin`, `keys`, `batch_key` and `node_log` from it and nothing else.

use crate::cursor::{Cursor, Fault, plain_text, push_integer};
use crate::hash::{Hash, hex_digit};
use crate::key::{KeyType, VerifierKey};
use crate::limits::GENESIS_KEYS_MAX;
use crate::origin::{NODE_LOG, Origin};
use alloc::vec::Vec;

/// What version 0 reserves, with the only values it knows.
const RECOVERY: &[u8] = b"],\"recovery\":{\"threshold\":0,\"keys\":[]},\"batch_key\":";
const RESERVED: &[u8] = b"},\"retention\":null,\"key_horizon\":0,\
    \"clock\":{\"ahead_ms\":1000,\"drift_ppm\":500,\"start_days\":30},\"witness_policy\":null,\"predecessor\":null,\"creator\":\"";

/// What a genesis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// The log id of `_node`; absent in its own genesis.
    pub node_log: Option<Hash>,
    /// One to eight verifier keys of the origin, at least one Ed25519.
    pub keys: Vec<&'a str>,
    /// The public key that signs batches; in `_node`'s genesis only.
    pub batch_key: Option<[u8; 32]>,
    /// 32 hex characters.
    pub node: &'a str,
    /// 32 hex characters.
    pub store: &'a str,
    /// The largest minified event, in bytes.
    pub event_bytes: u64,
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

    /// The keys that version 0 can check, in the order of the list; there is at least one.
    pub fn ed25519_keys(&self) -> impl Iterator<Item = VerifierKey> {
        self.keys
            .iter()
            .filter_map(|key| VerifierKey::parse(key).ok())
            .filter(|key| key.key_type() == KeyType::Ed25519)
    }

    /// Writes the event. Fields that have not their form give bytes that [`Genesis::parse`] refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"genesis\":0,\"origin\":\"");
        out.extend_from_slice(self.origin.as_bytes());
        out.extend_from_slice(b"\",\"node_log\":");
        push_hash_or_null(self.node_log, out);
        out.extend_from_slice(b",\"keys\":[");
        for (index, key) in self.keys.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(key.as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(RECOVERY);
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
    let origin = cursor.quoted(b"{\"genesis\":0,\"origin\":\"", "origin", plain_text)?;
    cursor.literal(b",\"node_log\":", "node_log")?;
    let node_log = hash_or_null(cursor, "node_log")?;
    let keys = keys(cursor, origin)?;
    cursor.literal(RECOVERY, "recovery")?;
    let batch_key = hash_or_null(cursor, "batch_key")?.map(|key| key.0);
    let node = cursor.quoted(b",\"node\":\"", "node", hex32)?;
    let store = cursor.quoted(b",\"store\":\"", "store", hex32)?;
    let event_bytes = cursor.integer(b",\"limits\":{\"event_bytes\":", "limits")?;
    let creator = cursor.quoted(RESERVED, "creator", plain_text)?;
    let software = cursor.quoted(b",\"software\":\"", "software", plain_text)?;
    cursor.literal(b"}", "the closing brace")?;
    cursor.end()?;
    Ok(Genesis {
        origin,
        node_log,
        keys,
        batch_key,
        node,
        store,
        event_bytes,
        creator,
        software,
    })
}

fn keys<'a>(cursor: &mut Cursor<'a>, origin: &str) -> Result<Vec<&'a str>, Fault> {
    let mut keys = Vec::new();
    keys.push(cursor.quoted(b",\"keys\":[\"", "keys", plain_text)?);
    while keys.len() < GENESIS_KEYS_MAX
        && let Some(key) = cursor.quoted_maybe(b",\"", "keys", plain_text)?
    {
        keys.push(key);
    }
    if is_key_set(origin, &keys) {
        Ok(keys)
    } else {
        Err(cursor.fault("keys"))
    }
}

/// All of this origin, and one that version 0 can check.
fn is_key_set(origin: &str, keys: &[&str]) -> bool {
    let types: Option<Vec<KeyType>> = keys.iter().map(|key| key_type(origin, key)).collect();
    types.is_some_and(|types| types.contains(&KeyType::Ed25519))
}

/// How a verifier key of this origin signs.
fn key_type(origin: &str, key: &str) -> Option<KeyType> {
    let key = VerifierKey::parse(key).ok()?;
    (key.name() == origin).then_some(key.key_type())
}

fn hash_or_null(cursor: &mut Cursor<'_>, what: &'static str) -> Result<Option<Hash>, Fault> {
    if cursor.has(b"null") {
        Ok(None)
    } else {
        cursor.quoted(b"\"", what, Hash::from_hex).map(Some)
    }
}

fn push_hash_or_null(hash: Option<Hash>, out: &mut Vec<u8>) {
    match hash {
        Some(hash) => {
            out.push(b'"');
            out.extend_from_slice(&hash.hex());
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
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
