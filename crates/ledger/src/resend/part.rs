//! Short sorted numbers in few bits, each with an age: one part of a table of tags. Pure.
//!
//! A number's upper bits say its bucket, of which there are about as many as numbers. Of 128 buckets next to each other a *block* is
//! written: from its first bit on how many each has, in unary (a one for each, a zero behind each bucket); from its last bit back their
//! lower bits and ages, packed (Elias, "Efficient storage and retrieval by content and address of static files", 1974; Fano, 1971). A
//! block has some 300 bytes and begins with a word, so a look waits for main memory once: for the two lines of the processor's
//! cache that it needs, of which the second can be guessed. It can't grow; a larger one is written anew from front to back.

use indelible_hint::{self as hint, prefetch};

/// Bits of a number.
pub(crate) const MEMBER_BITS: u32 = 31;
/// Bits of an age.
pub(crate) const AGE_BITS: u32 = 6;
/// An age is below this.
pub(crate) const AGES: usize = 1 << AGE_BITS;
/// The same as a number.
const AGES_U64: u64 = 1 << AGE_BITS;
/// Two to this many buckets are a block: where it begins takes 4 bytes, and its last word is half full, which is half a bit a number.
const BLOCK_BITS: u32 = 7;
const BLOCK_BUCKETS: u64 = 1 << BLOCK_BITS;
/// Numbers of one bucket that are looked at one by one; of more, which only somebody makes who tries to, the half that can't hold it
/// is left out.
const SCANNED_MAX: u64 = 16;
/// Room is taken in steps of so many words, so that a part a little larger than another has room where that one was.
const ROOM_STEP: usize = 2_048;
/// A part of many words gets room that the allocator gives pages of its own, of which those that are never written take no memory. Among
/// other things in the heap each would leave a hole when it is written anew, and none is as long as the one before it.
const OWN_PAGES: usize = hint::OWN_PAGES_BYTES / 8;
/// As many as that: 128 KiB.
const ROOM_MANY: usize = 8 * ROOM_STEP;
/// A part has fewer entries than this, so that its words can be counted in 32 bits.
const ENTRIES_MAX: u64 = 1 << 31;

/// A part. What it holds is called an *entry*: the number, then in the lowest bits its age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// The class that age 0 means, as its table counts them.
    pub(crate) base: u64,
    entries: u64,
    /// Bits of an entry that are packed; those above say its bucket.
    width: u32,
    /// One more than the blocks take, so that any entry may be read as two words.
    words: Vec<u64>,
    /// Where each block begins in `words`, and where the last one ends. Of a part without entries nothing at all.
    starts: Vec<u32>,
}

/// Bits of an entry that are packed where there are about so many.
fn width_for(entries: u64) -> u32 {
    let bits = u64::BITS - entries.saturating_sub(1).leading_zeros();
    MEMBER_BITS + AGE_BITS - bits.clamp(BLOCK_BITS, MEMBER_BITS)
}

/// Blocks of a part whose entries are packed in so many bits.
fn blocks_for(width: u32) -> u64 {
    1 << (MEMBER_BITS + AGE_BITS - BLOCK_BITS - width)
}

/// Words of a block with so many entries.
fn block_words(entries: u64, width: u32) -> u64 {
    (BLOCK_BUCKETS + entries * (1 + u64::from(width))).div_ceil(64)
}

/// A number on its way to be looked up: which block and bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    part: &'a Part,
    begin: u64,
    end: u64,
    bucket: u64,
    low: u64,
}

impl Part {
    /// How many entries it holds.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// Where a number would be. What it takes to know more is asked of memory here, so that of several looks none waits for another.
    #[inline]
    pub(crate) fn spot(&self, member: u64) -> Option<Spot<'_>> {
        if self.entries == 0 {
            return None;
        }
        let own = self.width - AGE_BITS;
        let all = member >> own;
        let (block, bucket) = (place(all >> BLOCK_BITS), all % BLOCK_BUCKETS);
        let (begin, end) = (
            u64::from(self.starts[block]),
            u64::from(self.starts[block + 1]),
        );
        // Half of the bits in unary lie before the bucket's, as many of the others behind it: about, so the lines to both sides are
        // asked for, which mostly are the same.
        let ask = |word: u64| prefetch(&self.words[place(word.clamp(begin, end - 1))]);
        let unary = begin + bucket / 32;
        ask(unary.saturating_sub(1));
        ask(unary + 1);
        let packed = (end - begin).saturating_sub(BLOCK_BUCKETS / 32);
        let near = end - 1 - packed * bucket / BLOCK_BUCKETS;
        ask(near.saturating_sub(3));
        ask(near + 3);
        let low = member & ((1 << own) - 1);
        let part = self;
        Some(Spot {
            part,
            begin,
            end,
            bucket,
            low,
        })
    }

    /// What is packed of an entry of the block that ends at `end`.
    #[inline]
    fn low(&self, end: u64, at: u64) -> u64 {
        let bit = end * 64 - (at + 1) * u64::from(self.width);
        let (word, shift) = (place(bit / 64), bit % 64);
        let low = self.words[word] >> shift;
        let high = (self.words[word + 1] << 1) << (63 - shift);
        (low | high) & ((1 << self.width) - 1)
    }

    /// All entries, ascending.
    pub(crate) fn iter(&self) -> Entries<'_> {
        Entries {
            part: self,
            block: 0,
            word: 0,
            ones: self.words.first().copied().unwrap_or(0),
            at: 0,
        }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.words.len() * 8 + self.starts.len() * 4
    }

    /// For `derived/`: entries, width, how many words, the words.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&self.width.to_le_bytes());
        let count = u64::try_from(self.words.len()).expect("a part fits memory");
        out.extend_from_slice(&count.to_le_bytes());
        for word in &self.words {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// Reads what [`Part::encode`] wrote off the beginning of `bytes`. What is read can be asked anything.
    pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Part> {
        let (entries, rest) = bytes.split_first_chunk::<8>()?;
        let (width, rest) = rest.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (entries, width) = (u64::from_le_bytes(*entries), u32::from_le_bytes(*width));
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        *bytes = rest;
        if entries == 0 {
            return (width == 0 && count == 0).then(Part::default);
        }
        let fits = (AGE_BITS..=MEMBER_BITS + AGE_BITS - BLOCK_BITS).contains(&width);
        if !fits || entries >= ENTRIES_MAX {
            return None;
        }
        let words = words(bytes, count)?;
        let starts = starts(&words, width, entries)?;
        Some(Part {
            base: 0,
            entries,
            width,
            words,
            starts,
        })
    }
}

impl Spot<'_> {
    /// The ages of all entries of the number, a bit for each.
    #[inline]
    pub(crate) fn ages(self) -> u64 {
        let (mut at, mut end) = self.entries();
        while end - at > SCANNED_MAX {
            let middle = at + (end - at) / 2;
            match (self.entry(middle) >> AGE_BITS).cmp(&self.low) {
                std::cmp::Ordering::Less => at = middle + 1,
                std::cmp::Ordering::Greater => end = middle,
                // Its ages stand to both sides, and they are few.
                std::cmp::Ordering::Equal => return self.ages_around(middle, at..end),
            }
        }
        let mut ages = 0;
        for entry in (at..end).map(|at| self.entry(at)) {
            ages |= u64::from(entry >> AGE_BITS == self.low) << (entry % AGES_U64);
        }
        ages
    }

    fn ages_around(self, middle: u64, within: std::ops::Range<u64>) -> u64 {
        let same = |at: &u64| self.entry(*at) >> AGE_BITS == self.low;
        let below = (within.start..middle).rev().take_while(same);
        let all = below.chain((middle..within.end).take_while(same));
        all.fold(0, |ages, at| ages | 1 << (self.entry(at) % AGES_U64))
    }

    fn entry(self, at: u64) -> u64 {
        self.part.low(self.end, at)
    }

    /// The bucket's entries, by their places in the block: the ones right before the zero that ends it.
    #[inline]
    fn entries(self) -> (u64, u64) {
        let words = &self.part.words;
        let mut word = place(self.begin);
        let mut before = self.bucket;
        let mut zeros = !words[word];
        loop {
            let here = u64::from(zeros.count_ones());
            if before < here {
                break;
            }
            before -= here;
            word += 1;
            zeros = !words[word];
        }
        let bit = select(zeros, before);
        // Those below the zero, moved to the top.
        let below = (!zeros << 1) << (63 - bit);
        let mut run = u64::from(below.leading_ones()).min(bit);
        let mut from = word;
        while run == bit + 64 * u64::try_from(word - from).expect("a block fits memory")
            && from > place(self.begin)
        {
            from -= 1;
            run += u64::from(words[from].leading_ones());
        }
        let first = u64::try_from(word).expect("a part fits memory") - self.begin;
        let end = first * 64 + bit - self.bucket;
        (end - run, end)
    }
}

fn words(bytes: &mut &[u8], count: usize) -> Option<Vec<u64>> {
    let (own, rest) = bytes.split_at_checked(count.checked_mul(8)?)?;
    *bytes = rest;
    let (words, _) = own.as_chunks::<8>();
    let mut out = Vec::with_capacity(room(count));
    out.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
    Some(out)
}

/// Where blocks begin: each ends where its own entries end. `None`: they are not so many, or the words are more or fewer.
fn starts(words: &[u64], width: u32, entries: u64) -> Option<Vec<u32>> {
    let blocks = blocks_for(width);
    let mut starts = Vec::with_capacity(place(blocks + 1));
    let (mut begin, mut all) = (0, 0);
    for _ in 0..blocks {
        starts.push(u32::try_from(begin).ok()?);
        let own = entries_of_block(words.get(place(begin)..)?)?;
        all += own;
        begin += block_words(own, width);
    }
    starts.push(u32::try_from(begin).ok()?);
    (all == entries && place(begin + 1) == words.len()).then_some(starts)
}

/// How many ones stand before the zero that ends the last bucket.
fn entries_of_block(words: &[u64]) -> Option<u64> {
    let mut before = BLOCK_BUCKETS - 1;
    for (word, at) in words.iter().zip(0_u64..) {
        let here = u64::from(word.count_zeros());
        if before < here {
            return Some(at * 64 + select(!word, before) - (BLOCK_BUCKETS - 1));
        }
        before -= here;
    }
    None
}

/// Goes over the entries of a part.
pub(crate) struct Entries<'a> {
    part: &'a Part,
    block: usize,
    word: usize,
    /// Those of the word that were not met yet.
    ones: u64,
    /// Entries of the block that were met.
    at: u64,
}

impl Iterator for Entries<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        let starts = &self.part.starts;
        loop {
            let end = *starts.get(self.block + 1)?;
            let begin = starts[self.block];
            if self.ones == 0 && self.word + 1 < place(u64::from(end)) {
                self.word += 1;
                self.ones = self.part.words[self.word];
                continue;
            }
            let word = u64::try_from(self.word).expect("a part fits memory");
            let bit = u64::from(self.ones.trailing_zeros());
            let bucket = (word - u64::from(begin)) * 64 + bit - self.at;
            if self.ones == 0 || bucket >= BLOCK_BUCKETS {
                // What follows is packed.
                self.block += 1;
                self.word = place(u64::from(end));
                self.ones = self.part.words[self.word];
                self.at = 0;
                continue;
            }
            self.ones &= self.ones - 1;
            let low = self.part.low(u64::from(end), self.at);
            self.at += 1;
            let block = u64::try_from(self.block).expect("a part fits memory");
            return Some((block << BLOCK_BITS | bucket) << self.part.width | low);
        }
    }
}

/// Writes a part from its entries, given in ascending order.
pub(crate) struct Builder {
    part: Part,
    blocks: u64,
    /// The block that is being filled: in unary, and packed.
    block: u64,
    unary: Vec<u64>,
    lows: Vec<u64>,
    last: Option<u64>,
}

impl Builder {
    /// For about so many entries, in the memory of a part that is no longer needed, if it is large enough.
    pub(crate) fn new(entries: u64, base: u64, spare: Option<Part>) -> Builder {
        let width = width_for(entries);
        let blocks = blocks_for(width);
        let spare = spare.unwrap_or_default();
        // The last word of a block is half full, so this is a little more than it takes.
        let words = (entries * (1 + u64::from(width)) + blocks * BLOCK_BUCKETS) / 64 + blocks + 1;
        let part = Part {
            base,
            entries: 0,
            width,
            words: emptied(spare.words, room(place(words))),
            starts: emptied(spare.starts, place(blocks + 1)),
        };
        Builder {
            part,
            blocks,
            block: 0,
            unary: Vec::new(),
            lows: Vec::new(),
            last: None,
        }
    }

    /// An entry not below the last one; one that is the same is left out.
    #[inline]
    pub(crate) fn push(&mut self, entry: u64) {
        if self.last == Some(entry) {
            return;
        }
        self.last = Some(entry);
        let all = entry >> self.part.width;
        while self.block < all >> BLOCK_BITS {
            self.finish_block();
        }
        let bit =
            all % BLOCK_BUCKETS + u64::try_from(self.lows.len()).expect("a block fits memory");
        let word = place(bit / 64);
        if word >= self.unary.len() {
            self.unary.resize(word + 1, 0);
        }
        self.unary[word] |= 1 << (bit % 64);
        self.lows.push(entry & ((1 << self.part.width) - 1));
    }

    fn finish_block(&mut self) {
        let own = u64::try_from(self.lows.len()).expect("a block fits memory");
        let width = u64::from(self.part.width);
        let words = &mut self.part.words;
        let begin = words.len();
        let end = begin + place(block_words(own, self.part.width));
        self.part
            .starts
            .push(u32::try_from(begin).expect("a part has fewer entries than 2^31"));
        words.extend_from_slice(&self.unary);
        words.resize(end, 0);
        let mut bit = u64::try_from(end).expect("a part fits memory") * 64;
        for low in self.lows.drain(..) {
            bit -= width;
            let (word, shift) = (place(bit / 64), bit % 64);
            words[word] |= low << shift;
            if shift + width > 64 {
                words[word + 1] |= low >> (64 - shift);
            }
        }
        self.unary.clear();
        self.part.entries += own;
        self.block += 1;
    }

    pub(crate) fn finish(mut self) -> Part {
        if self.last.is_none() {
            return Part {
                base: self.part.base,
                ..Part::default()
            };
        }
        while self.block < self.blocks {
            self.finish_block();
        }
        assert!(self.part.entries < ENTRIES_MAX, "a table has few entries");
        let end = self.part.words.len();
        self.part
            .starts
            .push(u32::try_from(end).expect("a part has fewer entries than 2^31"));
        self.part.words.push(0);
        self.part
    }
}

/// An empty list, where another was if it has room.
fn emptied<T>(mut old: Vec<T>, room: usize) -> Vec<T> {
    old.clear();
    if old.capacity() < room || old.capacity() > room * 2 {
        old = Vec::with_capacity(room);
    }
    old
}

fn room(count: usize) -> usize {
    match count {
        0..ROOM_STEP => count,
        ROOM_STEP..ROOM_MANY => count.next_multiple_of(ROOM_STEP),
        _ => count.next_multiple_of(OWN_PAGES),
    }
}

/// The place of the bit set that has `before` bits set below it.
#[inline]
fn select(word: u64, before: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // How many are set in each byte, then up to each byte.
    let pairs = word - ((word >> 1) & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + ((pairs >> 2) & 0x3333_3333_3333_3333);
    let upto = ((fours + (fours >> 4)) & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(LOW);
    // Bytes up to which not more than `before` are set: a bit for each.
    let passed = (((before * LOW) | HIGH) - upto) & HIGH;
    let shift = u64::from(passed.count_ones()) * 8;
    let skip = before - ((upto << 8) >> shift & 0xff);
    let mut byte = (word >> shift) & 0xff;
    for _ in 0..skip {
        byte &= byte - 1;
    }
    shift + u64::from(byte.trailing_zeros())
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("a part fits memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::hint::black_box;

    fn mixed(number: u64) -> u64 {
        let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn part(entries: &BTreeSet<u64>) -> Part {
        let mut builder = Builder::new(u64::try_from(entries.len()).unwrap(), 0, None);
        entries.iter().for_each(|entry| builder.push(*entry));
        builder.finish()
    }

    fn ages_of(part: &Part, member: u64) -> u64 {
        part.spot(member).map_or(0, Spot::ages)
    }

    fn check(entries: &BTreeSet<u64>) {
        let part = part(entries);
        assert!(part.iter().eq(entries.iter().copied()));
        let mut ages: BTreeMap<u64, u64> = BTreeMap::new();
        for entry in entries {
            *ages.entry(entry >> AGE_BITS).or_default() |= 1 << (entry % 64);
        }
        for (member, ages) in &ages {
            assert_eq!(ages_of(&part, *member), *ages, "{member}");
        }
        for other in (0..2_000).map(|at| mixed(at) >> (64 - MEMBER_BITS)) {
            let expected = ages.get(&other).copied().unwrap_or(0);
            assert_eq!(ages_of(&part, other), expected, "{other}");
        }
        for near in ages
            .keys()
            .take(500)
            .flat_map(|member| [member ^ 1, member ^ 2])
        {
            let expected = ages.get(&near).copied().unwrap_or(0);
            assert_eq!(ages_of(&part, near), expected, "{near}");
        }
        let mut bytes = Vec::new();
        part.encode(&mut bytes);
        assert_eq!(Part::decode(&mut &bytes[..]).as_ref(), Some(&part));
        for end in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
            assert_eq!(Part::decode(&mut &bytes[..end]), None);
        }
    }

    #[test]
    fn every_entry_is_found_with_its_ages_and_nothing_else_is() {
        for count in [0, 1, 2, 3, 10, 100, 255, 256, 257, 1_000, 4_096, 50_000] {
            check(
                &(0..count)
                    .map(|at| mixed(at) >> (64 - MEMBER_BITS - AGE_BITS))
                    .collect(),
            );
        }
    }

    /// Whoever chooses keys can try until their tags lie side by side.
    #[test]
    fn entries_that_crowd_in_few_buckets_are_found_too() {
        for spread in [1, 20, 300, 70_000] {
            let crowd = |at: u64| (((77 << 20) + mixed(at) % spread) << AGE_BITS) | (at % 64);
            check(&(0..3_000).map(crowd).collect());
        }
        let ends = [0, 1, (1 << MEMBER_BITS) - 1].map(|member: u64| member << AGE_BITS);
        check(&ends.into_iter().flat_map(|from| from..from + 64).collect());
    }

    #[test]
    fn the_bit_with_so_many_below_is_found() {
        for word in (0..500)
            .map(mixed)
            .chain([1, 1 << 63, u64::MAX, 0x8000_0000_0000_0001])
        {
            let bits: Vec<u64> = (0..64).filter(|bit| word >> bit & 1 == 1).collect();
            for (before, bit) in (0..).zip(&bits) {
                assert_eq!(select(word, before), *bit, "{word:x} {before}");
            }
        }
    }

    #[test]
    fn a_part_written_where_another_was_is_the_same() {
        let of = |count| {
            (0..count)
                .map(|at| mixed(at) >> 29)
                .collect::<BTreeSet<u64>>()
        };
        let spare = part(&of(9_000));
        let mut builder = Builder::new(8_900, 0, Some(spare));
        of(8_900).iter().for_each(|entry| builder.push(*entry));
        assert_eq!(builder.finish(), part(&of(8_900)));
    }

    /// What was read of a changed file may be wrong, and is asked without a panic.
    #[test]
    fn a_changed_part_is_refused_or_can_be_asked() {
        let part = part(&(0..700).map(|at| mixed(at) >> 29).collect());
        let mut bytes = Vec::new();
        part.encode(&mut bytes);
        for at in 0..bytes.len() {
            for bit in [0x01, 0x10, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= bit;
                let Some(part) = Part::decode(&mut &changed[..]) else {
                    continue;
                };
                for at in 0..300 {
                    black_box(ages_of(&part, mixed(at) >> (64 - MEMBER_BITS)));
                }
                assert!(part.iter().count() <= 700);
            }
        }
    }
}
