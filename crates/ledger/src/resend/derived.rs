//! What is known of streams and keys, kept under `derived/` from a clean stop to the next start, so that a start need not read all packs.
//!
//! Promises that a file is used only if its check is right and it was made of these very packs; whatever is missing or damaged is made
//! anew from the packs, which is slower and says the same. Files have few names, each overwritten in turn, since a store deletes nothing.

use super::keys::{Sealed, SealedKeys};
use super::part::{AGES, Part};
use super::streams::{Origin, Place, Streams};
use super::table::{Class, PARTS, Table, are_filled, class_keys, young_class_keys};
use super::tag::StreamId;
use crate::books::{Books, PackPlace};
use crate::limits::DERIVED_FILE_BYTES;
use crate::view::ReadError;
use indelible_proof::hash::{self, Hash};
use indelible_store::{Store, StoreError};
use std::ops::RangeInclusive;
use std::sync::Arc;

const KEYS_MAGIC: &[u8; 8] = b"INDLKEYG";
const STREAMS_MAGIC: &[u8; 8] = b"INDLSTRM";
const STREAMS_NAME: &str = "derived/streams";
/// Magic, store id, first and last batch, digest of the packs.
const HEAD_BYTES: usize = 8 + 16 + 8 + 8 + 32;
/// The tables of keys, whose files are numbered.
const OLD: &str = "old";
const YOUNG: &str = "young";

/// What lay under `derived/` at the start and was used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Saved {
    old: Option<Head>,
    young: Option<Head>,
}

fn file_name(table: &str, file: usize) -> String {
    format!("derived/keys-{table}-{file:02}")
}

/// What a file says of itself before its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
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

/// The digests of the packs that hold any of these batches, hashed: what those batches hold follows from them.
fn digest_of(packs: &[Arc<PackPlace>], (first, last): &(u64, u64)) -> Hash {
    let within = |pack: &&Arc<PackPlace>| pack.first_batch <= *last && *first <= pack.last_batch;
    let packs = packs.iter().filter(within);
    let digests: Vec<u8> = packs.flat_map(|pack| pack.digest.0).collect();
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

/// Fills the tables of keys as far as the horizon reaches: from files of these very packs, the rest from the packs.
pub(crate) fn load_keys(books: &Books, keys: &SealedKeys) -> Result<Saved, ReadError> {
    let packs: Vec<Arc<PackPlace>> = books.packs().clone();
    let with_keys: Vec<Arc<PackPlace>> =
        packs.iter().filter(|pack| pack.keys > 0).cloned().collect();
    if with_keys.is_empty() {
        return Ok(Saved::default());
    }
    let loaded = Loaded::read(books.store(), &packs, keys.horizon())
        .filter(|loaded| loaded.reaches(&with_keys, keys.horizon()));
    let (saved, from) = match loaded {
        Some(loaded) => {
            let batches = loaded.batches();
            if with_keys
                .iter()
                .any(|pack| pack.first_batch < *batches.start())
            {
                keys.begin_at(*batches.start());
            }
            let saved = loaded.heads;
            keys.restore(loaded.old, loaded.young);
            (
                saved,
                with_keys.partition_point(|pack| pack.first_batch <= *batches.end()),
            )
        }
        None => {
            let from = horizon_from(&with_keys, keys.horizon());
            if let Some(older) = from.checked_sub(1).and_then(|at| with_keys.get(at)) {
                keys.begin_at(older.last_batch + 1);
            }
            (Saved::default(), from)
        }
    };
    books.learn_keys(&with_keys[from..], keys)?;
    Ok(saved)
}

/// The first of the newest packs that have as many keys as the horizon.
fn horizon_from(packs: &[Arc<PackPlace>], horizon: u64) -> usize {
    let mut from = packs.len();
    let mut keys = 0;
    while from > 0 && keys < horizon {
        from -= 1;
        keys += packs[from].keys;
    }
    from
}

/// Tables read from files, one right behind the other.
struct Loaded {
    old: Option<Table>,
    young: Option<Table>,
    heads: Saved,
}

impl Loaded {
    /// `None`: there is nothing to begin with. A young table alone will do only if there never was an old one.
    fn read(store: &dyn Store, packs: &[Arc<PackPlace>], horizon: u64) -> Option<Loaded> {
        let tables = [
            (OLD, class_keys(horizon)),
            (YOUNG, young_class_keys(horizon)),
        ];
        let [old, young] = tables.map(|(name, keys)| {
            load_table(store, name, packs).filter(|(_, table)| are_filled(table.classes(), keys))
        });
        let (old_head, old) = old.unzip();
        let follows = |batches: &RangeInclusive<u64>| {
            old.as_ref().and_then(Table::batches).is_none_or(|old| {
                let between = |pack: &&Arc<PackPlace>| {
                    pack.first_batch > *old.end() && pack.last_batch < *batches.start()
                };
                old.end() < batches.start()
                    && packs.iter().filter(between).all(|pack| pack.keys == 0)
            })
        };
        let young = young.filter(|(_, young)| young.batches().as_ref().is_some_and(follows));
        let (young_head, young) = young.unzip();
        let heads = Saved {
            old: old_head,
            young: young_head,
        };
        (old.is_some() || young.is_some()).then_some(Loaded { old, young, heads })
    }

    fn batches(&self) -> RangeInclusive<u64> {
        let tables = [&self.old, &self.young].map(|table| table.as_ref().and_then(Table::batches));
        let [old, young] = tables;
        let first = old
            .as_ref()
            .or(young.as_ref())
            .map_or(0, |batches| *batches.start());
        first..=young.or(old).map_or(0, |batches| *batches.end())
    }

    /// With the packs behind them, do they hold as many keys as the horizon, or all there are?
    fn reaches(&self, packs: &[Arc<PackPlace>], horizon: u64) -> bool {
        let batches = self.batches();
        let tables = [&self.old, &self.young].into_iter().flatten();
        let mut keys: u64 = tables.map(Table::keys).sum();
        let behind = packs
            .iter()
            .filter(|pack| pack.first_batch > *batches.end());
        keys += behind.map(|pack| pack.keys).sum::<u64>();
        keys >= horizon
            || packs
                .iter()
                .all(|pack| pack.first_batch >= *batches.start())
    }
}

/// A table that was saved, if all its files are sound, belong together, and its packs are those that are there.
fn load_table(store: &dyn Store, name: &str, packs: &[Arc<PackPlace>]) -> Option<(Head, Table)> {
    let mut parts: Vec<Arc<Part>> = Vec::with_capacity(PARTS);
    let mut common: Option<(Head, Vec<Class>)> = None;
    for file in 0..PARTS {
        let bytes = read(store, &file_name(name, file))?;
        let head = Head::decode(&bytes, KEYS_MAGIC, &store.describe().store_id)?;
        let mut rest = bytes.get(HEAD_BYTES..)?;
        let classes = decode_classes(&mut rest)?;
        match &common {
            Some(common) => (common.0 == head && common.1 == classes).then_some(())?,
            None => {
                (head.packs == digest_of(packs, &head.batches)).then_some(())?;
                common = Some((head, classes));
            }
        }
        // A file says which parts it has, so that those of two savings never stand for each other.
        (usize::try_from(take_u64(&mut rest)?).ok()? == parts.len()).then_some(())?;
        while !rest.is_empty() {
            parts.push(Arc::new(Part::decode(&mut rest)?));
        }
        if parts.len() >= PARTS {
            break;
        }
    }
    let (head, classes) = common?;
    let fits = parts.len() == PARTS && head.batches == ends(&classes)?;
    fits.then(|| (head, Table::of(parts, classes)))
}

fn ends(classes: &[Class]) -> Option<(u64, u64)> {
    let (first, last) = (classes.first()?, classes.last()?);
    Some((*first.batches.start(), *last.batches.end()))
}

fn encode_classes(classes: &[Class], out: &mut Vec<u8>) {
    let count = u64::try_from(classes.len()).expect("a table has few classes");
    out.extend_from_slice(&count.to_le_bytes());
    for class in classes {
        for number in [*class.batches.start(), *class.batches.end(), class.keys] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

fn decode_classes(rest: &mut &[u8]) -> Option<Vec<Class>> {
    let count = usize::try_from(take_u64(rest)?).ok()?;
    let mut class = || {
        let (first, last, keys) = (take_u64(rest)?, take_u64(rest)?, take_u64(rest)?);
        let batches = first..=last;
        Some(Class { batches, keys })
    };
    (count <= AGES).then(|| (0..count).map(|_| class()).collect())?
}

/// Saves the tables that are not saved yet.
fn save_keys(books: &Books, keys: &Sealed, saved: &Saved) -> Result<(), StoreError> {
    let packs: Vec<Arc<PackPlace>> = books.packs().clone();
    let tables = [
        (OLD, &keys.old, saved.old),
        (YOUNG, &keys.young, saved.young),
    ];
    for (name, table, saved) in tables {
        let Some(batches) = ends(table.classes()).filter(|_| table.is_whole()) else {
            continue;
        };
        let packs = digest_of(&packs, &batches);
        let head = Head { batches, packs };
        if saved != Some(head) {
            save_table(books.store(), name, &head, table)?;
        }
    }
    Ok(())
}

fn save_table(store: &dyn Store, name: &str, head: &Head, table: &Table) -> Result<(), StoreError> {
    let mut parts = table.parts().iter().enumerate().peekable();
    let mut file = 0;
    while let Some((from, _)) = parts.peek() {
        let mut out = head.encode(KEYS_MAGIC, &store.describe().store_id);
        encode_classes(table.classes(), &mut out);
        let from = u64::try_from(*from).expect("a table has 32 parts");
        out.extend_from_slice(&from.to_le_bytes());
        while let Some((_, part)) = parts.next_if(|_| out.len() < DERIVED_FILE_BYTES) {
            part.encode(&mut out);
        }
        write(store, &file_name(name, file), out)?;
        file += 1;
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
    // In the order of their ids, so that what is known says all of what is written.
    let mut sealed: Vec<_> = streams.sealed_next().collect();
    sealed.sort_unstable();
    for (id, next) in sealed {
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

/// Saves all that is known of packs.
pub(crate) fn save(
    books: &Books,
    streams: &Streams,
    keys: &Sealed,
    saved: &Saved,
) -> Result<(), StoreError> {
    save_streams(books, streams)?;
    save_keys(books, keys, saved)
}
