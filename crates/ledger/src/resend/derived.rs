//! What is known of streams and keys, kept under `derived/` from a clean stop to the next start, so that a start need not read all packs.
//!
//! Promises that a file is used only if its check is right and it was made of these very packs; whatever is missing or damaged is made
//! anew from the packs, which is slower and says the same. Files have few names, each overwritten in turn, since a store deletes nothing.

use super::Known;
use super::filter::Filter;
use super::keys::{Group, Keys, parts_of};
use super::streams::{Origin, Place, Streams};
use super::tag::StreamId;
use crate::books::{Books, PackPlace};
use crate::view::ReadError;
use indelible_proof::hash::{self, Hash};
use indelible_store::{Store, StoreError};
use std::collections::HashMap;
use std::sync::Arc;

const KEYS_MAGIC: &[u8; 8] = b"INDLKEYF";
const STREAMS_MAGIC: &[u8; 8] = b"INDLSTRM";
const STREAMS_NAME: &str = "derived/streams";
/// Magic, store id, first and last batch, digest of the packs.
const HEAD_BYTES: usize = 8 + 16 + 8 + 8 + 32;
/// Names of filter files: more than there are filters at any time.
const SLOTS: u64 = 64;

/// Where filters lie that were saved, by what they say of themselves.
pub(crate) type Saved = HashMap<Head, u64>;

fn slot_name(slot: u64) -> String {
    format!("derived/keys-{slot:02}")
}

/// What a file says of itself before its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Head {
    batches: (u64, u64),
    packs: Hash,
}

impl Head {
    fn encode(&self, magic: &[u8; 8], store: &[u8; 16]) -> Vec<u8> {
        let mut out = magic.to_vec();
        out.extend_from_slice(store);
        out.extend_from_slice(&self.batches.0.to_le_bytes());
        out.extend_from_slice(&self.batches.1.to_le_bytes());
        out.extend_from_slice(&self.packs.0);
        out
    }

    /// `None`: of another kind or store.
    fn decode(bytes: &[u8], magic: &[u8; 8], store: &[u8; 16]) -> Option<Head> {
        let mut rest = bytes.strip_prefix(magic)?.strip_prefix(store)?;
        let rest = &mut rest;
        let batches = (take_u64(rest)?, take_u64(rest)?);
        let (packs, _) = rest.split_first_chunk::<32>()?;
        Some(Head {
            batches,
            packs: Hash(*packs),
        })
    }
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

/// The digests of these packs, hashed.
fn digest_of(packs: &[Arc<PackPlace>]) -> Hash {
    let digests: Vec<u8> = packs.iter().flat_map(|pack| pack.digest.0).collect();
    hash::sha256(&digests)
}

/// A whole file, if its last four bytes are the CRC-32C of the others.
fn read(store: &dyn Store, name: &str) -> Option<Vec<u8>> {
    let length = usize::try_from(store.size_of(name).ok()?).ok()?;
    let mut bytes = store.read_at(name, 0, length, false).ok()?;
    let (covered, crc) = bytes.split_last_chunk::<4>()?;
    let good = crc32c::crc32c(covered).to_le_bytes() == *crc;
    bytes.truncate(bytes.len() - 4);
    good.then_some(bytes)
}

fn write(store: &dyn Store, name: &str, mut bytes: Vec<u8>) -> Result<(), StoreError> {
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    store.put_derived(name, &bytes)
}

// ---- keys ----

/// The filters over the newest packs, as far as the horizon reaches: those that were saved, and the others made anew.
pub(crate) fn load_keys(books: &Books, keys: &mut Keys) -> Result<Saved, ReadError> {
    let packs: Vec<Arc<PackPlace>> = books.packs().clone();
    if packs.iter().all(|pack| pack.keys == 0) {
        return Ok(Saved::new());
    }
    let heads = saved_heads(books.store());
    let mut saved = Saved::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut total = 0;
    let mut end = packs.len();
    while end > 0 && total < keys.horizon() {
        let newest = &packs[..end];
        let group = match load_saved(books.store(), &heads, newest) {
            Some((slot, head, from, group)) => {
                saved.insert(head, slot);
                end = from;
                group
            }
            None => {
                let from = fresh_from(newest, &heads, keys.group_keys_max());
                let group = build(books, &packs[from..end])?;
                end = from;
                group
            }
        };
        total += group.keys;
        groups.push(group);
    }
    if end > 0 {
        keys.begin_at(packs[end].first_batch);
    }
    groups.into_iter().rev().for_each(|group| keys.push(group));
    Ok(saved)
}

/// The heads of all saved filters: slot and head.
fn saved_heads(store: &dyn Store) -> Vec<(u64, Head)> {
    let head = |slot| {
        let bytes = store.read_at(&slot_name(slot), 0, HEAD_BYTES, false).ok()?;
        let head = Head::decode(&bytes, KEYS_MAGIC, &store.describe().store_id)?;
        Some((slot, head))
    };
    (0..SLOTS).filter_map(head).collect()
}

/// The saved filter that ends with the newest of these packs, if one is sound and made of them; and the index of its first.
fn load_saved(
    store: &dyn Store,
    heads: &[(u64, Head)],
    packs: &[Arc<PackPlace>],
) -> Option<(u64, Head, usize, Group)> {
    let last = packs.last()?.last_batch;
    for (slot, head) in heads.iter().filter(|(_, head)| head.batches.1 == last) {
        let from = packs
            .iter()
            .position(|pack| pack.first_batch == head.batches.0);
        let Some(from) = from else { continue };
        let own = &packs[from..];
        if head.packs != digest_of(own) {
            continue;
        }
        let keys = own.iter().map(|pack| pack.keys).sum();
        let group =
            read(store, &slot_name(*slot)).and_then(|bytes| decode_group(&bytes, head, keys));
        if let Some(group) = group {
            return Some((*slot, *head, from, group));
        }
    }
    None
}

fn decode_group(bytes: &[u8], head: &Head, keys: u64) -> Option<Group> {
    let mut rest = bytes.get(HEAD_BYTES..)?;
    if take_u64(&mut rest)? != keys {
        return None;
    }
    let parts = (0..parts_of(keys))
        .map(|_| Filter::decode(&mut rest))
        .collect::<Option<_>>()?;
    rest.is_empty().then_some(Group {
        batches: head.batches.0..=head.batches.1,
        keys,
        parts,
    })
}

/// The index of the first pack of a filter that has to be made and ends with the newest of these packs.
fn fresh_from(packs: &[Arc<PackPlace>], heads: &[(u64, Head)], keys_max: u64) -> usize {
    let mut from = packs.len() - 1;
    let mut keys = packs[from].keys;
    while let Some(before) = from.checked_sub(1).map(|at| &packs[at]) {
        let saved = heads
            .iter()
            .any(|(_, head)| head.batches.1 == before.last_batch);
        if saved || keys + before.keys > keys_max {
            break;
        }
        keys += before.keys;
        from -= 1;
    }
    from
}

fn build(books: &Books, packs: &[Arc<PackPlace>]) -> Result<Group, ReadError> {
    let (first, last) = (packs.first(), packs.last());
    let batches = first.map_or(0, |pack| pack.first_batch)..=last.map_or(0, |pack| pack.last_batch);
    books.key_filter(batches, packs.iter().map(|pack| pack.keys).sum())
}

/// What a filter's file says of itself, if there are packs that hold exactly its batches.
fn head_of(group: &Group, packs: &[Arc<PackPlace>]) -> Option<Head> {
    let (first, last) = (*group.batches.start(), *group.batches.end());
    let from = packs.iter().position(|pack| pack.first_batch == first)?;
    let to = packs.iter().position(|pack| pack.last_batch == last)?;
    Some(Head {
        batches: (first, last),
        packs: digest_of(packs.get(from..=to)?),
    })
}

/// Saves the filters that are not.
pub(crate) fn save_keys(books: &Books, keys: &Keys, saved: &Saved) -> Result<(), StoreError> {
    let packs: Vec<Arc<PackPlace>> = books.packs().clone();
    let store = books.store();
    // One that begins or ends within a merged pack was made of packs that are no more.
    let groups: Vec<(Head, &Arc<Group>)> = keys
        .groups()
        .iter()
        .filter_map(|group| Some((head_of(group, &packs)?, group)))
        .collect();
    let in_use: Vec<u64> = groups
        .iter()
        .filter_map(|(head, _)| saved.get(head).copied())
        .collect();
    let mut free = (0..SLOTS).filter(|slot| !in_use.contains(slot));
    for (head, group) in groups {
        if saved.contains_key(&head) {
            continue;
        }
        let Some(slot) = free.next() else {
            break; // What is not saved is made anew.
        };
        let mut out = head.encode(KEYS_MAGIC, &store.describe().store_id);
        out.extend_from_slice(&group.keys.to_le_bytes());
        group.parts.iter().for_each(|part| part.encode(&mut out));
        write(store, &slot_name(slot), out)?;
    }
    Ok(())
}

// ---- streams ----

/// The saved streams, with the last batch of the packs that they are made of and the digest of its pack.
pub(crate) fn load_streams(store: &dyn Store) -> Option<(Streams, u64, Hash)> {
    let bytes = read(store, STREAMS_NAME)?;
    let head = Head::decode(&bytes, STREAMS_MAGIC, &store.describe().store_id)?;
    let streams = decode_streams(bytes.get(HEAD_BYTES..)?)?;
    Some((streams, head.batches.1, head.packs))
}

fn decode_streams(mut rest: &[u8]) -> Option<Streams> {
    let rest = &mut rest;
    let mut streams = Streams::default();
    let id = |rest: &mut &[u8]| {
        let (id, after) = rest.split_first_chunk::<24>()?;
        *rest = after;
        Some(StreamId(*id))
    };
    let name = |rest: &mut &[u8]| {
        let length = usize::try_from(take_u64(rest)?).ok()?;
        let (name, after) = rest.split_at_checked(length)?;
        *rest = after;
        str::from_utf8(name).ok().map(str::to_owned)
    };
    for _ in 0..take_u64(rest)? {
        let id = id(rest)?;
        let (epoch, n) = (take_u64(rest)?, take_u64(rest)?);
        streams.learn(id, epoch, n);
    }
    for _ in 0..take_u64(rest)? {
        streams.set_handed_to(id(rest)?, name(rest)?);
    }
    for _ in 0..take_u64(rest)? {
        let (id, by) = (id(rest)?, name(rest)?);
        let until = Place {
            epoch: take_u64(rest)?,
            n: take_u64(rest)?,
        };
        streams.set_handed_from(id, Origin { by, until });
    }
    rest.is_empty().then_some(streams)
}

/// Saves what the packs say of streams; what the tail says is read from it again.
pub(crate) fn save_streams(books: &Books, streams: &Streams) -> Result<(), StoreError> {
    let last = books.packs().last().cloned();
    let Some(last) = last.filter(|_| streams.count() > 0) else {
        return Ok(());
    };
    let head = Head {
        batches: (0, last.last_batch),
        packs: last.digest,
    };
    let mut out = head.encode(STREAMS_MAGIC, &books.store().describe().store_id);
    let number = |out: &mut Vec<u8>, number: usize| {
        let number = u64::try_from(number).expect("it is in memory");
        out.extend_from_slice(&number.to_le_bytes());
    };
    number(&mut out, streams.count());
    for (id, next) in streams.sealed_next() {
        out.extend_from_slice(&id.0);
        out.extend_from_slice(&next.epoch.to_le_bytes());
        out.extend_from_slice(&next.n.to_le_bytes());
    }
    let (to, from) = streams.handings();
    number(&mut out, to.len());
    for (id, by) in to {
        out.extend_from_slice(&id.0);
        number(&mut out, by.len());
        out.extend_from_slice(by.as_bytes());
    }
    number(&mut out, from.len());
    for (id, origin) in from {
        out.extend_from_slice(&id.0);
        number(&mut out, origin.by.len());
        out.extend_from_slice(origin.by.as_bytes());
        out.extend_from_slice(&origin.until.epoch.to_le_bytes());
        out.extend_from_slice(&origin.until.n.to_le_bytes());
    }
    write(books.store(), STREAMS_NAME, out)
}

/// Saves all that is known.
pub(crate) fn save(books: &Books, known: &Known, saved: &Saved) -> Result<(), StoreError> {
    save_streams(books, &known.streams)?;
    save_keys(books, &known.keys, saved)
}
