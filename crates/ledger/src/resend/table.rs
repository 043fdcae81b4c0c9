//! The tags of many keys, cut short, and for each a *class*: in which batches its record lies. Pure.
//!
//! A table has 32 parts by the first bits of the tag, each written anew as a whole; whoever looks keeps the parts as they were. Of a tag
//! 36 bits are kept, so a class is named wrongly for one in 1,150 looks among 60 million: the packs settle it. What a table does not
//! name it does not have.

use super::part::{AGE_BITS, AGES, Builder, MEMBER_BITS, Part, Spot};
use crate::format::pack::Tag;
use crate::limits::{HORIZON_CLASSES, HORIZON_MERGES};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The first bits of a tag say which part of a table it is in.
const PART_BITS: u32 = 5;
/// Parts of a table. Of fewer more is held twice while one is written anew; of more each would be too small for pages of its own.
pub(crate) const PARTS: usize = 1 << PART_BITS;
/// The same as a number.
const PARTS_U64: u64 = 1 << PART_BITS;
/// Bits of a tag that are kept.
const CUT_BITS: u32 = PART_BITS + MEMBER_BITS;
const MEMBER_MASK: u64 = (1 << MEMBER_BITS) - 1;

/// Keys of packs next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    /// First batch of the first pack and last of the last.
    pub(crate) batches: RangeInclusive<u64>,
    /// How many keys they have.
    pub(crate) keys: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    parts: Vec<Arc<Part>>,
    /// Oldest first.
    classes: Vec<Class>,
    /// Number of the first class: they are counted on when the oldest go.
    first: u64,
    /// All parts have what the classes say: not so while a merge is under way.
    whole: bool,
}

impl Default for Table {
    fn default() -> Table {
        Table::of(vec![Arc::default(); PARTS], Vec::new())
    }
}

/// What is kept of a tag, its part in the highest bits, and room for an age in the lowest.
pub fn entry(tag: &Tag) -> u64 {
    cut(tag) << AGE_BITS
}

fn cut(tag: &Tag) -> u64 {
    let (high, _) = tag.split_first_chunk::<8>().expect("a tag has 16 bytes");
    u64::from_be_bytes(*high) >> (u64::BITS - CUT_BITS)
}

impl Table {
    /// Of its parts and their classes.
    pub(crate) fn of(parts: Vec<Arc<Part>>, classes: Vec<Class>) -> Table {
        assert_eq!(parts.len(), PARTS, "a table has its parts");
        Table {
            parts,
            classes,
            first: 0,
            whole: true,
        }
    }

    pub(crate) fn classes(&self) -> &[Class] {
        &self.classes
    }

    pub(crate) fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }

    /// Has every part what the classes say?
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// A merge that began is over.
    pub(crate) fn set_whole(&mut self) {
        self.whole = true;
    }

    pub(crate) fn keys(&self) -> u64 {
        self.classes.iter().map(|class| class.keys).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes()).sum()
    }

    /// First batch of the first class and last of the last.
    pub(crate) fn batches(&self) -> Option<RangeInclusive<u64>> {
        let (first, last) = (self.classes.first()?, self.classes.last()?);
        Some(*first.batches.start()..=*last.batches.end())
    }

    /// Begins to look where the tag's record may lie.
    #[inline]
    pub(crate) fn look(&self, tag: &Tag) -> Look<'_> {
        let cut = cut(tag);
        let part = &self.parts[usize::try_from(cut >> MEMBER_BITS).expect("one of 32")];
        Look {
            spot: part.spot(cut & MEMBER_MASK),
            base: part.base,
        }
    }

    /// The batches of what a look gave, newest first.
    pub(crate) fn batches_of(&self, maybe: Maybe) -> impl Iterator<Item = RangeInclusive<u64>> {
        let set = (0..u64::BITS)
            .rev()
            .filter(move |age| maybe.ages >> age & 1 == 1);
        // A part that was not written anew since may name a class that is gone: it is older than the horizon now.
        set.filter_map(move |age| {
            let number = (maybe.base + u64::from(age)).checked_sub(self.first)?;
            let class = self.classes.get(usize::try_from(number).ok()?)?;
            Some(class.batches.clone())
        })
    }

    /// The keys of some packs more will be in it. Few packs share a class, so that a look on disk is short: so many that each but the
    /// last has `class_keys`. Gives what [`part_with`] needs to know.
    pub(crate) fn join(&mut self, class: &Class, class_keys: u64) -> u64 {
        join(&mut self.classes, class, class_keys);
        u64::try_from(self.classes.len() - 1).expect("a table has few classes")
    }

    /// Puts a part in the place of another, which it gives back.
    pub(crate) fn put(&mut self, at: usize, part: Part) -> Arc<Part> {
        std::mem::replace(&mut self.parts[at], Arc::new(part))
    }
}

/// A look on its way: what it needs of memory was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    spot: Option<Spot<'a>>,
    base: u64,
}

impl Look<'_> {
    #[inline]
    pub(crate) fn end(self) -> Maybe {
        Maybe {
            ages: self.spot.map_or(0, Spot::ages),
            base: self.base,
        }
    }
}

/// What a look gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maybe {
    ages: u64,
    base: u64,
}

impl Maybe {
    /// Certainly not there.
    pub(crate) fn is_no(self) -> bool {
        self.ages == 0
    }
}

/// A class joins the last one while that has few keys, or while there are as many as there are ages.
fn join(classes: &mut Vec<Class>, class: &Class, keys: u64) {
    let full = classes.len() == AGES;
    match classes.last_mut() {
        Some(last) if last.keys < keys || full => {
            last.batches = *last.batches.start()..=*class.batches.end();
            last.keys += class.keys;
        }
        _ => classes.push(class.clone()),
    }
}

/// Has every class but the last as many keys as [`join`] gives it? So they stay few enough.
pub(crate) fn are_filled(classes: &[Class], keys: u64) -> bool {
    let before_last = classes.split_last().map_or(classes, |(_, before)| before);
    before_last.iter().all(|class| class.keys >= keys)
}

/// Cuts what belongs to a part off the beginning of ascending entries.
pub(crate) fn own<'a>(part: usize, rest: &mut &'a [u64]) -> &'a [u64] {
    let number = u64::try_from(part).expect("one of 32");
    let end = (number + 1) << (MEMBER_BITS + AGE_BITS);
    let (own, others) = rest.split_at(rest.partition_point(|entry| *entry < end));
    *rest = others;
    own
}

/// The same part with entries of its own of that age more.
pub(crate) fn part_with(old: &Part, own: &[u64], age: u64, spare: Option<Part>) -> Part {
    let count = old.entries() + u64::try_from(own.len()).expect("a pack fits memory");
    let mut out = Builder::new(count, old.base, spare);
    let member = (1 << (MEMBER_BITS + AGE_BITS)) - 1;
    let new = own.iter().map(|entry| entry & member | age);
    merged(old.iter(), new, &mut out);
    out.finish()
}

/// Two ascending lists of entries as one.
fn merged(left: impl Iterator<Item = u64>, right: impl Iterator<Item = u64>, out: &mut Builder) {
    let mut right = right.peekable();
    for entry in left {
        while let Some(other) = right.next_if(|other| *other < entry) {
            out.push(other);
        }
        out.push(entry);
    }
    right.for_each(|other| out.push(other));
}

/// The classes of a young table on their way into an old one, whose oldest go if the horizon does not need them. Done part by part, so
/// that no more than a part is held twice.
pub(crate) struct Merge {
    young: Arc<Table>,
    /// As the old table's are when it is done.
    classes: Vec<Class>,
    first: u64,
    /// What a class of the young table is in the old one.
    ages: [u64; AGES],
}

impl Merge {
    /// `None`: there is nothing to merge.
    pub(crate) fn plan(old: &Table, young: &Arc<Table>, horizon: u64) -> Option<Merge> {
        let class_keys = class_keys(horizon);
        let mut classes = old.classes.clone();
        let mut to = Vec::with_capacity(AGES);
        for class in &young.classes {
            join(&mut classes, class, class_keys);
            to.push(classes.len() - 1);
        }
        let mut keys: u64 = classes.iter().map(|class| class.keys).sum();
        let mut gone = 0;
        while let Some(oldest) = classes.get(gone)
            && keys - oldest.keys >= horizon
        {
            keys -= oldest.keys;
            gone += 1;
        }
        classes.drain(..gone);
        // The age of what is gone at once is above all others, which `part` leaves out.
        let mut ages = [GONE; AGES];
        for (age, to) in ages.iter_mut().zip(to) {
            if let Some(to) = to.checked_sub(gone) {
                *age = u64::try_from(to).expect("a table has few classes");
            }
        }
        let gone = u64::try_from(gone).expect("a table has few classes");
        (!young.classes.is_empty()).then(|| Merge {
            young: Arc::clone(young),
            classes,
            first: old.first + gone,
            ages,
        })
    }

    /// From here on looks leave out what is gone; it is older than the horizon.
    pub(crate) fn begin(&self, old: &mut Table) {
        old.classes.clone_from(&self.classes);
        old.first = self.first;
        old.whole = false;
    }

    /// The part as it is with the young one's entries and without those that are gone.
    pub(crate) fn part(&self, at: usize, old: &Part, spare: Option<Part>) -> Part {
        let young = &self.young.parts[at];
        let gone = match old.entries() {
            0 => 0,
            _ => self.first - old.base,
        };
        let keys: u64 = self.classes.iter().map(|class| class.keys).sum();
        let mut out = Builder::new(keys / PARTS_U64, self.first, spare);
        let kept = old.iter().filter(|entry| entry % AGES_U64 >= gone);
        let kept = kept.map(|entry| entry - gone);
        let new = young.iter().filter_map(|entry| {
            let age = self.ages[usize::try_from(entry % AGES_U64).expect("one of 64")];
            (age != GONE).then_some((entry / AGES_U64 * AGES_U64) | age)
        });
        merged(kept, new, &mut out);
        out.finish()
    }
}

const AGES_U64: u64 = 1 << AGE_BITS;
/// No age.
const GONE: u64 = u64::MAX;

/// Keys of a class of an old table: all but the last have as many, so that those of a horizon are fewer than ages.
pub(crate) fn class_keys(horizon: u64) -> u64 {
    horizon.div_ceil(HORIZON_CLASSES).max(1)
}

/// Keys of a young table that are worth a merge.
pub(crate) fn young_keys(horizon: u64) -> u64 {
    horizon.div_ceil(HORIZON_MERGES).max(1)
}

/// Keys of a class of a young table: all but the last have as many, so that there are fewer than ages before it is merged.
pub(crate) fn young_class_keys(horizon: u64) -> u64 {
    young_keys(horizon).div_ceil(AGES_U64 - 4)
}
