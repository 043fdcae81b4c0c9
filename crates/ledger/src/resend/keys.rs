//! Idempotency keys: what memory knows of them, and what it can rule out. Pure.
//!
//! Keys of records that are not sealed stand in a table; the newest sealed ones in filters, a few large ones for many packs, so that a
//! look costs a few dozen places in memory. What the filters can't rule out, and what is older than they reach, `search` looks for on
//! disk. The reach is the *horizon*: at least the newest [`HORIZON_KEYS`], unless set otherwise.

use super::filter::Filter;
use super::tag::Spread;
use crate::format::pack::Tag;
use crate::limits::{HORIZON_GROUPS, HORIZON_KEYS, PARTITION_KEYS};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Groups of one size that are made into one: each key is moved a few times, and few filters are asked.
const MERGED_GROUPS: usize = 4;

/// All that memory knows of keys.
#[derive(Debug)]
pub struct Keys {
    /// The newest keys that the filters hold, at least.
    horizon: u64,
    /// Keys of records that are not sealed, and the record.
    recent: HashMap<Tag, u64, Spread>,
    /// Filters over packs, oldest first. Whoever looks keeps the list as it was.
    groups: Arc<Vec<Arc<Group>>>,
    /// Keys in packs below this batch are older than the horizon.
    begins: u64,
    /// Grows whenever keys move from the table to a filter: what was ruled out before is to be looked at again.
    generation: u64,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            horizon: HORIZON_KEYS,
            recent: HashMap::default(),
            groups: Arc::default(),
            begins: 0,
            generation: 0,
        }
    }
}

/// A filter over the keys of some packs, in parts by the first bits of the tag.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// First batch of the first pack and last of the last.
    pub batches: RangeInclusive<u64>,
    /// How many keys they have.
    pub keys: u64,
    /// At least one.
    pub parts: Vec<Filter>,
}

impl Group {
    /// `false`: certainly none of its packs has the tag.
    #[inline]
    pub fn maybe(&self, tag: &Tag) -> bool {
        let (part, member) = split(tag, self.parts.len());
        self.parts[part].maybe(member)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(Filter::bytes).sum()
    }
}

/// How many parts a group of so many keys has.
pub fn parts_of(keys: u64) -> usize {
    let parts = keys.div_ceil(PARTITION_KEYS).max(1);
    usize::try_from(parts).expect("a group has few parts")
}

/// The part that a tag belongs to, and what stands for it there.
pub fn split(tag: &Tag, parts: usize) -> (usize, u64) {
    let (high, low) = halves(tag);
    let part = (u128::from(high) * u128::try_from(parts).expect("a group has few parts")) >> 64;
    let part = usize::try_from(part).expect("below the number of parts");
    (part, low)
}

/// The tag as two numbers; the first gives its place among sorted tags.
pub fn halves(tag: &Tag) -> (u64, u64) {
    let whole = u128::from_be_bytes(*tag);
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).expect("64 bits");
    (half(whole >> 64), half(whole))
}

/// What memory says of sealed keys, to be asked without a lock.
#[derive(Clone, Debug)]
pub struct Sealed {
    groups: Arc<Vec<Arc<Group>>>,
    /// See [`Keys`].
    pub begins: u64,
    /// See [`Keys`].
    pub generation: u64,
}

impl Sealed {
    /// Batches of the packs that may have the tag, newest first.
    pub fn candidates(&self, tag: &Tag) -> Vec<RangeInclusive<u64>> {
        // Asked one after the other without a branch, so that the machine fetches from all tables at once.
        let mut maybe = 0_u64;
        for (at, group) in self.groups.iter().enumerate() {
            maybe |= u64::from(group.maybe(tag)) << (at % 64);
        }
        if maybe == 0 {
            return Vec::new();
        }
        let groups = self.groups.iter().rev();
        groups
            .filter(|group| group.maybe(tag))
            .map(|group| group.batches.clone())
            .collect()
    }
}

impl Keys {
    /// The record of the tail, or of a batch on its way, that has this tag.
    pub fn recent(&self, tag: &Tag) -> Option<u64> {
        self.recent.get(tag).copied()
    }

    /// The record at `seq` is ordered with this tag.
    pub fn take(&mut self, tag: Tag, seq: u64) {
        self.recent.insert(tag, seq);
    }

    /// It was not ordered after all.
    pub fn give_back(&mut self, tag: &Tag) {
        self.recent.remove(tag);
    }

    /// Grows whenever keys are sealed.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What is known of sealed keys now.
    pub fn sealed(&self) -> Sealed {
        Sealed {
            groups: Arc::clone(&self.groups),
            begins: self.begins,
            generation: self.generation,
        }
    }

    /// A pack was sealed: its keys stand in a filter now.
    pub fn seal(&mut self, group: Group) {
        self.generation += 1;
        self.push(group);
    }

    /// These stand in a filter: the table need not hold them any more.
    pub fn forget(&mut self, tags: &[Tag]) {
        for tag in tags {
            self.recent.remove(tag);
        }
        if self.recent.capacity() > 4 * self.recent.len() + 65_536 {
            self.recent.shrink_to(2 * self.recent.len());
        }
    }

    /// A group behind all others; what the horizon no longer needs goes.
    pub fn push(&mut self, group: Group) {
        if group.keys == 0 {
            return;
        }
        let groups = Arc::make_mut(&mut self.groups);
        groups.push(Arc::new(group));
        let mut total: u64 = groups.iter().map(|group| group.keys).sum();
        while let Some(oldest) = groups.first()
            && total - oldest.keys >= self.horizon
        {
            total -= oldest.keys;
            self.begins = oldest.batches.end() + 1;
            groups.remove(0);
        }
    }

    /// Another horizon, before any key is known.
    pub fn set_horizon(&mut self, horizon: u64) {
        self.horizon = horizon;
    }

    /// The newest keys that the filters hold, at least.
    pub fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Keys of the largest filter.
    pub fn group_keys_max(&self) -> u64 {
        self.horizon.div_ceil(HORIZON_GROUPS)
    }

    /// Packs older than this batch are out of reach from the beginning.
    pub fn begin_at(&mut self, batch: u64) {
        self.begins = batch;
    }

    /// The newest groups, if they are to be made into one: batches and keys.
    pub fn to_merge(&self) -> Option<(RangeInclusive<u64>, u64)> {
        let last = self.groups.len().checked_sub(MERGED_GROUPS)?;
        let newest = &self.groups[last..];
        let keys: u64 = newest.iter().map(|group| group.keys).sum();
        let smallest = newest.iter().map(|group| group.keys).min()?;
        let largest = newest.iter().map(|group| group.keys).max()?;
        // Of one size, about: a large one is not made anew for a few small ones.
        let alike = largest <= smallest.saturating_mul(2) + 4_096;
        let batches = *newest.first()?.batches.start()..=*newest.last()?.batches.end();
        (alike && keys <= self.group_keys_max()).then_some((batches, keys))
    }

    /// Puts one group in the place of those that it was made of.
    pub fn merge(&mut self, group: Group) {
        let (from, to) = (*group.batches.start(), *group.batches.end());
        let within = |old: &Arc<Group>| *old.batches.start() >= from && *old.batches.end() <= to;
        let Some(at) = self.groups.iter().position(within) else {
            return; // The horizon went past them meanwhile.
        };
        let groups = Arc::make_mut(&mut self.groups);
        groups.retain(|old| !within(old));
        groups.insert(at, Arc::new(group));
    }

    /// Filters, oldest first.
    pub fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// Bytes of the filters.
    pub fn filter_bytes(&self) -> usize {
        self.groups.iter().map(|group| group.bytes()).sum()
    }

    /// Keys in the table and in the filters.
    pub fn counts(&self) -> (usize, u64) {
        let sealed = self.groups.iter().map(|group| group.keys).sum();
        (self.recent.len(), sealed)
    }
}

/// The second in which a key was made, if it says: UUID version 7 and ULID begin with milliseconds since 1970. What follows `#`
/// is not looked at.
pub fn birth(key: &str) -> Option<u64> {
    let name = key.split('#').next()?;
    let milliseconds = uuid7(name.as_bytes()).or_else(|| ulid(name.as_bytes()))?;
    Some(milliseconds / 1_000)
}

fn uuid7(text: &[u8]) -> Option<u64> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let shape = text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        14 => *byte == b'7',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
        _ => byte.is_ascii_hexdigit(),
    });
    let digits = text[..8].iter().chain(&text[9..13]);
    let value = digits.fold(0, |value, byte| {
        value << 4 | u64::from(char::from(*byte).to_digit(16).unwrap_or(0))
    });
    shape.then_some(value)
}

fn ulid(text: &[u8]) -> Option<u64> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let text: &[u8; 26] = text.try_into().ok()?;
    let mut time = 0_u64;
    for (at, byte) in text.iter().enumerate() {
        let letter = byte.to_ascii_uppercase();
        let digit = LETTERS.iter().position(|own| *own == letter)?;
        if at < 10 {
            time = time << 5 | u64::try_from(digit).expect("one of 32");
        }
    }
    // 26 letters hold 130 bits and a ULID 128: the first is at most 7.
    (text[0] <= b'7').then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(at: u64) -> Tag {
        super::super::tag::Tagger::new(&indelible_proof::hash::Hash::ZERO, "unix:1")
            .tag(&at.to_string())
    }

    fn group(batch: u64, tags: std::ops::Range<u64>) -> Group {
        let parts = parts_of(tags.end - tags.start);
        let mut members = vec![Vec::new(); parts];
        for at in tags.clone() {
            let (part, member) = split(&tag(at), parts);
            members[part].push(member);
        }
        Group {
            batches: batch..=batch,
            keys: tags.end - tags.start,
            parts: members.iter_mut().map(Filter::build).collect(),
        }
    }

    #[test]
    fn what_is_sealed_is_a_candidate_in_its_packs_alone() {
        let mut keys = Keys::default();
        for pack in 0..5 {
            keys.seal(group(pack, pack * 100..pack * 100 + 100));
        }
        let sealed = keys.sealed();
        for at in 0..500 {
            assert!(sealed.candidates(&tag(at)).contains(&(at / 100..=at / 100)));
        }
        let wrong = (500..5_000)
            .filter(|at| !sealed.candidates(&tag(*at)).is_empty())
            .count();
        assert!(wrong < 10, "{wrong}");
    }

    #[test]
    fn four_of_a_size_are_merged_and_a_large_one_is_left_alone() {
        let mut keys = Keys::default();
        (0..3).for_each(|pack| keys.push(group(pack, 0..10_000)));
        assert_eq!(keys.to_merge(), None);
        keys.push(group(3, 0..9_000));
        assert_eq!(keys.to_merge(), Some((0..=3, 39_000)));
        let mut merged = group(0, 0..39_000);
        merged.batches = 0..=3;
        keys.merge(merged);
        assert_eq!(keys.groups().len(), 1);
        (4..7).for_each(|pack| keys.push(group(pack, 0..10_000)));
        assert_eq!(keys.to_merge(), None);
        keys.push(group(7, 0..10_000));
        assert_eq!(keys.to_merge(), Some((4..=7, 40_000)));
    }

    #[test]
    fn a_birth_time_is_read_and_nothing_else_taken_for_one() {
        assert_eq!(
            birth("0190163d-8694-739b-aea5-966c26f8ad91"),
            Some(1_718_360_049)
        );
        assert_eq!(birth("01ARZ3NDEKTSV4RRFFQ69G5FAV#3"), Some(1_469_922_850));
        for text in [
            "",
            "order-41",
            "0190163d-8694-439b-aea5-966c26f8ad91",
            "0190163d-8694-739b-cea5-966c26f8ad91",
            "0190163d86947-39b-aea5-966c26f8ad911",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        ] {
            assert_eq!(birth(text), None, "{text}");
        }
    }
}
