//! The tables against a plain list of all packs.

use super::super::table::{Merge, Table, class_keys};
use super::*;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Small enough to be written down, and the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    fn tag(&mut self) -> Tag {
        let mut tag = [0; 16];
        tag[..8].copy_from_slice(&self.next().to_be_bytes());
        tag[8..].copy_from_slice(&self.next().to_be_bytes());
        tag
    }
}

struct Pack {
    batches: RangeInclusive<u64>,
    tags: Vec<Tag>,
}

/// What was sealed, and what is known of it.
struct World {
    seed: u64,
    dice: Dice,
    keys: SealedKeys,
    packs: Vec<Pack>,
    largest: u64,
}

impl World {
    fn new(seed: u64, horizon: u64) -> World {
        World {
            seed,
            dice: Dice(seed),
            keys: SealedKeys::new(horizon),
            packs: Vec::new(),
            largest: 0,
        }
    }

    /// A new tag; or one that was sealed before; or one that begins like others, as whoever tries keys can have it.
    fn tag(&mut self) -> Tag {
        let mut tag = self.dice.tag();
        let like = match self.dice.below(8) {
            0 => 16,
            1 => 5,
            2 => 3,
            _ => return tag,
        };
        let pack = self
            .dice
            .below(1 + u64::try_from(self.packs.len()).unwrap());
        let other = self
            .packs
            .get(usize::try_from(pack).unwrap())
            .and_then(|pack| pack.tags.first());
        if let Some(other) = other {
            tag[..like].copy_from_slice(&other[..like]);
        }
        tag
    }

    fn seal(&mut self, keys: u64) {
        let begin = self.packs.last().map_or(0, |pack| pack.batches.end() + 1);
        let batches = begin..=begin + self.dice.below(5);
        let tags: Vec<Tag> = (0..keys).map(|_| self.tag()).collect();
        let entries = tags.iter().map(entry).collect();
        self.keys.seal(batches.clone(), keys, entries);
        self.packs.push(Pack { batches, tags });
        self.largest = self.largest.max(keys);
    }

    /// Every key that is within reach is named with its pack, and nothing is named that is not there.
    fn check(&mut self, merged: bool) {
        let seed = self.seed;
        let now = self.keys.now();
        let known = |pack: &&Pack| *pack.batches.start() >= now.begins;
        let mut count = 0;
        let mut cuts = HashSet::new();
        for pack in self.packs.iter().filter(known) {
            count += u64::try_from(pack.tags.len()).unwrap();
            for tag in &pack.tags {
                cuts.insert(entry(tag));
                let named = now.candidates(tag);
                let there = named.iter().any(|batches| {
                    batches.start() <= pack.batches.start() && pack.batches.end() <= batches.end()
                });
                assert!(
                    there,
                    "seed {seed}: {tag:?} of {:?} in {named:?}",
                    pack.batches
                );
            }
        }
        let all: usize = self.packs.iter().map(|pack| pack.tags.len()).sum();
        let horizon = self.keys.horizon();
        assert!(
            count >= horizon.min(u64::try_from(all).unwrap()),
            "seed {seed}: {count}"
        );
        assert_eq!(now.keys(), count, "seed {seed}");
        if merged {
            let most = horizon + young_keys(horizon) + class_keys(horizon) + 2 * self.largest;
            assert!(count <= most, "seed {seed}: {count} of at most {most}");
        }
        for _ in 0..500 {
            let tag = self.tag();
            let named = !now.candidates(&tag).is_empty();
            assert_eq!(named, cuts.contains(&entry(&tag)), "seed {seed}: {tag:?}");
        }
    }
}

#[test]
fn random_packs_are_known_as_far_as_the_horizon_reaches_and_nothing_else_is() {
    for seed in 0..12 {
        println!("seed {seed}");
        let mut world = World::new(
            seed,
            [0, 1, 60, 1_000, 3_000, 50_000][usize::try_from(seed).unwrap() % 6],
        );
        for round in 0..120 {
            let keys = match world.dice.below(6) {
                0 => 0,
                1 => 1,
                2 => world.dice.below(600),
                _ => world.dice.below(90),
            };
            world.seal(keys);
            // Sealing may stop between the two.
            let merges = world.dice.below(4) > 0;
            if merges {
                world.keys.merge();
            }
            if round % 7 == 0 || merges && world.dice.below(8) == 0 {
                world.check(merges);
            }
        }
        world.keys.merge();
        world.check(true);
    }
}

/// If no merge ever came, there would be more packs than ages.
#[test]
fn without_a_merge_nothing_is_forgotten() {
    let mut world = World::new(77, 40);
    (0..200).for_each(|_| world.seal(9));
    assert!(world.keys.now().classes() <= 64);
    world.check(false);
    world.keys.merge();
    world.check(false);
}

/// Whoever looks while others seal and merge finds what was sealed before it looked.
#[test]
fn a_look_during_a_merge_finds_what_is_there() {
    const KEYS: u64 = 50;
    let packs: Vec<Vec<Tag>> = {
        let mut dice = Dice(5);
        let pack = |_| (0..KEYS).map(|_| dice.tag()).collect();
        (0..400).map(pack).collect()
    };
    let keys = SealedKeys::new(20 * KEYS);
    let sealed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (keys, sealed, packs) = (&keys, &sealed, &packs);
            scope.spawn(move || {
                let mut dice = Dice(reader);
                loop {
                    let before = sealed.load(Ordering::Acquire);
                    let back = usize::try_from(dice.below(10)).unwrap();
                    let Some(pack) = before.checked_sub(1 + back) else {
                        continue;
                    };
                    let tag = &packs[pack][usize::try_from(dice.below(KEYS)).unwrap()];
                    let named = keys.now().candidates(tag);
                    let batch = u64::try_from(pack).unwrap();
                    let found = named.iter().any(|batches| batches.contains(&batch));
                    // If many were sealed meanwhile, it may be behind the horizon by now.
                    let passed = sealed.load(Ordering::Acquire) - before;
                    assert!(found || passed > 5, "{batch} in {named:?}");
                    if before == packs.len() {
                        return;
                    }
                }
            });
        }
        for (batch, tags) in (0..).zip(&packs) {
            keys.seal(batch..=batch, KEYS, tags.iter().map(entry).collect());
            sealed.fetch_add(1, Ordering::Release);
            keys.merge();
        }
    });
}

/// What lies half in one state and half in another is not to be kept.
#[test]
fn a_table_is_not_whole_while_a_merge_is_under_way() {
    let mut world = World::new(3, 1_000_000);
    world.seal(500);
    let young = Arc::clone(&world.keys.now().young);
    let mut old = Table::default();
    assert!(old.is_whole());
    let merge = Merge::plan(&old, &young, 1_000_000).unwrap();
    merge.begin(&mut old);
    assert!(!old.is_whole());
    for at in 0..PARTS {
        assert!(!old.is_whole());
        let part = merge.part(at, &old.parts()[at], None);
        old.put(at, part);
    }
    old.set_whole();
    assert!(old.is_whole());
    assert_eq!(old.keys(), 500);
}
