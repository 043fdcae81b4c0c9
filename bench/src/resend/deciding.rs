//! What deciding costs: a number of a stream, an idempotency key among millions of sealed ones. Measured on the tables themselves, filled
//! as a node's would be.

use super::{BY, Rows, mixed, uuid7};
use crate::disk::to_f64;
use crate::machine;
use indelible_ledger::resend::keys::{Keys, SealedKeys, entry};
use indelible_ledger::resend::streams::{Number, Place, Streams};
use indelible_ledger::resend::tag::{StreamId, Tagger, stream_id};
use indelible_proof::hash::Hash;
use std::hint::black_box;

/// Keys of unsealed records in a busy node: what a tail of 64 MiB holds.
const UNSEALED: u64 = 300_000;
/// Keys decided at once, so many times: what others do on the machine at that moment is in some of the figures.
const DECIDED: u64 = 100_000;
const ROUNDS: u64 = 31;
/// Words that are read one after the other to see what memory takes just then: 128 MB, far more than any cache.
const CHASED_WORDS: usize = 32 << 20;
/// Keys of a pack of 16 MiB of such records.
const PACK_KEYS: u64 = 75_000;

/// Looks at the number claimed and takes it, as the order does.
pub(super) fn decide_streams(rows: &mut Rows, count: u64, events: u64, bound: Option<f64>) {
    let log = Hash([7; 32]);
    let before = machine::memory_mb().0;
    let mut streams = Streams::default();
    let ids: Vec<StreamId> = (0..count)
        .map(|number| stream_id(&log, BY.by, &format!("till-{number}")))
        .collect();
    let ids_mb = to_f64(count) * 24.0 / 1e6;
    for id in &ids {
        streams.learn(*id, 0, 0);
    }
    let bytes = (machine::memory_mb().0 - before - ids_mb) * 1e6 / to_f64(count);
    let mut next = vec![0_u64; ids.len()];
    let begin = machine::thread_seconds();
    for at in 0..events {
        let which = usize::try_from(mixed(at) % count).unwrap_or(0);
        let place = Place {
            epoch: 0,
            n: next[which],
        };
        assert_eq!(streams.look(&ids[which], place), Number::Next);
        streams.take(ids[which], at);
        next[which] += 1;
    }
    let taken = (machine::thread_seconds() - begin) * 1e6 / to_f64(events);
    let case = format!("deciding a number, {count} streams");
    rows.add(
        &case,
        "processor time, any of them next",
        taken,
        "µs",
        bound,
    );
    if count >= 100_000 {
        rows.add(&case, "resident memory of one", bytes, "B", None);
    }
}

/// So many sealed keys known, as sealing one pack after the other leaves them; and what one cost.
fn filled_keys(count: u64) -> (SealedKeys, f64) {
    let keys = SealedKeys::new(count);
    let mut made = 0;
    let mut taken = 0.0;
    while made < count {
        let pack = made..count.min(made + PACK_KEYS);
        let entries: Vec<u64> = pack.clone().map(|at| entry(&tag_of(at))).collect();
        let begin = machine::thread_seconds();
        keys.seal(pack.start..=pack.end - 1, pack.end - pack.start, entries);
        keys.merge();
        taken += machine::thread_seconds() - begin;
        made = pack.end;
    }
    (keys, taken * 1e6 / to_f64(count))
}

/// Looks like a tag.
fn tag_of(number: u64) -> [u8; 16] {
    let mut tag = [0; 16];
    tag[..8].copy_from_slice(&mixed(2 * number).to_be_bytes());
    tag[8..].copy_from_slice(&mixed(2 * number + 1).to_be_bytes());
    tag
}

/// Words that each say where the next one lies, so that no read can begin before the one ahead has ended.
struct Memory {
    words: Vec<u32>,
    at: u32,
}

impl Memory {
    /// One round through all of them, in no order (Sattolo, 1986).
    fn new() -> Memory {
        let mut words: Vec<u32> = (0..).take(CHASED_WORDS).collect();
        for last in (1..words.len()).rev() {
            let other =
                usize::try_from(mixed(u64::try_from(last).unwrap_or(0))).unwrap_or(0) % last;
            words.swap(last, other);
        }
        Memory { words, at: 0 }
    }

    /// Microseconds of one read.
    fn read(&mut self) -> f64 {
        let begin = machine::thread_seconds();
        for _ in 0..DECIDED {
            self.at = self.words[usize::try_from(self.at).unwrap_or(0)];
        }
        black_box(self.at);
        (machine::thread_seconds() - begin) * 1e6 / to_f64(DECIDED)
    }
}

/// Makes the tag of a new key, rules it out among `count` sealed ones and those of the tail, and takes it.
pub(super) fn decide_keys(rows: &mut Rows, count: u64) {
    let (sealed, filled) = filled_keys(count);
    let tagger = Tagger::new(&Hash([7; 32]), BY.by);
    let mut keys = Keys::default();
    (0..UNSEALED).for_each(|at| keys.take(tag_of(u64::MAX / 2 + at), at));
    let mut maybe = 0_u64;
    let (mut rounds, mut reads) = (Vec::new(), Vec::new());
    let mut memory = Memory::new();
    for round in 0..ROUNDS {
        let texts: Vec<String> = (0..DECIDED)
            .map(|at| uuid7(round * DECIDED + at, at))
            .collect();
        let mut taken = Vec::with_capacity(texts.len());
        let mut before = None;
        let begin = machine::thread_seconds();
        for (text, at) in texts.iter().zip(0..) {
            // A node hashes the event next; here it is the key before that is looked for meanwhile.
            let tag = tagger.tag(text);
            sealed.ask_ahead(&tag);
            if let Some(tag) = before.replace(tag) {
                maybe += u64::from(!sealed.now().candidates(&tag).is_empty());
                assert_eq!(keys.recent(&tag), None);
                keys.take(tag, at);
                taken.push(tag);
            }
        }
        rounds.push((machine::thread_seconds() - begin) * 1e6 / to_f64(DECIDED));
        keys.forget(&taken);
        reads.push(memory.read());
    }
    let [(least, middle), (least_read, read)] = [&mut rounds, &mut reads].map(|all| {
        all.sort_by(f64::total_cmp);
        (all[0], all[all.len() / 2])
    });
    let case = format!("deciding a key, {count} sealed");
    let state = format!("processor time, new, median of {ROUNDS} rounds");
    rows.add(&case, &state, middle, "µs", Some(0.8));
    rows.add(&case, "the same, least", least, "µs", Some(0.8));
    let state = "a read of memory, between the rounds, median";
    rows.add(&case, state, read, "µs", None);
    rows.add(&case, "the same, least", least_read, "µs", None);
    rows.add(
        &case,
        "processor time behind, sealing it",
        filled,
        "µs",
        None,
    );
    let now = sealed.now();
    let mb = to_f64(u64::try_from(now.bytes()).unwrap_or(0)) / 1e6;
    rows.add(&case, "tables", mb, "MB", Some(150.0));
    let bits = mb * 8e6 / to_f64(now.keys());
    rows.add(&case, "tables, a key", bits, "bits", Some(20.0));
    let share = to_f64(maybe) / to_f64(ROUNDS * DECIDED);
    rows.add(
        &case,
        "looks on disk for a new key",
        share * 1e6,
        "of a million",
        None,
    );
    black_box(keys);
}
