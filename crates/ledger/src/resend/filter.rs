//! A filter over a fixed set: *no* is exact, *maybe* is wrong once in 65,536 times. Pure.
//!
//! A binary fuse filter (Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor Filters", 2022) with three places and 16-bit
//! fingerprints: about 18 bits a member. It can't grow; `keys` makes a new one of several.

/// Places of a member.
const ARITY: usize = 3;
/// Seeds tried before giving up. One fails about once in a hundred times, so that this many never do.
const SEEDS_MAX: u64 = 1_000;

/// The filter of one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    shape: Shape,
    seed: u64,
    fingerprints: Vec<u16>,
}

/// How large the table is, which follows from the number of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// A power of two.
    segment: u64,
    /// The first place of a member lies below this.
    starts: u64,
}

impl Shape {
    /// The sizes that the paper recommends.
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "sizes of a table, rounded as the paper does"
    )]
    fn of(members: usize) -> Shape {
        let count = (members.max(2)) as f64;
        let log = (count.ln() / 3.33_f64.ln() + 2.25).floor() as u32;
        let segment = 1_u64 << log.min(18);
        let factor = (0.875 + 0.25 * 1_000_000_f64.ln() / count.ln()).max(1.125);
        let capacity = (count * factor).round() as u64;
        let segments = capacity.div_ceil(segment).saturating_sub(2).max(1);
        Shape {
            segment,
            starts: segments * segment,
        }
    }

    fn len(self) -> usize {
        usize::try_from(self.starts + 2 * self.segment).expect("a table fits memory")
    }

    /// The three places of a hash.
    fn places(self, hash: u64) -> [usize; ARITY] {
        let first = high_product(hash, self.starts);
        let mask = self.segment - 1;
        let second = (first + self.segment) ^ ((hash >> 18) & mask);
        let third = (first + 2 * self.segment) ^ (hash & mask);
        [first, second, third].map(|place| usize::try_from(place).expect("a table fits memory"))
    }
}

impl Filter {
    /// A filter of these members, which may repeat.
    ///
    /// # Panics
    /// If no seed works, which never happens to members that are hashes.
    pub fn build(members: &mut Vec<u64>) -> Filter {
        members.sort_unstable();
        members.dedup();
        let shape = Shape::of(members.len());
        for seed in 1..SEEDS_MAX {
            if let Some(order) = peel(shape, seed, members) {
                return Filter::assign(shape, seed, &order);
            }
        }
        panic!("no seed makes a filter of {} members", members.len());
    }

    /// Gives the places their fingerprints, the member peeled last first: none of its other places is changed any more.
    fn assign(shape: Shape, seed: u64, order: &[(u64, u8)]) -> Filter {
        let mut fingerprints = vec![0_u16; shape.len()];
        for (hash, own) in order.iter().rev() {
            let places = shape.places(*hash);
            let own = places[usize::from(*own)];
            let others = places
                .iter()
                .filter(|place| **place != own)
                .fold(0, |sum, place| sum ^ fingerprints[*place]);
            fingerprints[own] = fingerprint(*hash) ^ others;
        }
        Filter {
            shape,
            seed,
            fingerprints,
        }
    }

    /// `false`: certainly no member.
    #[inline]
    pub fn maybe(&self, member: u64) -> bool {
        let hash = mixed(member, self.seed);
        let [first, second, third] = self.shape.places(hash);
        let table = &self.fingerprints;
        fingerprint(hash) ^ table[first] ^ table[second] ^ table[third] == 0
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.fingerprints.len() * 2
    }

    /// For `derived/`: members, seed, table.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.shape.segment, self.shape.starts, self.seed] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for fingerprint in &self.fingerprints {
            out.extend_from_slice(&fingerprint.to_le_bytes());
        }
    }

    /// Reads what [`Filter::encode`] wrote off the beginning of `bytes`.
    pub fn decode(bytes: &mut &[u8]) -> Option<Filter> {
        let mut number = || {
            let (number, rest) = bytes.split_first_chunk::<8>()?;
            *bytes = rest;
            Some(u64::from_le_bytes(*number))
        };
        let (segment, starts, seed) = (number()?, number()?, number()?);
        let fits = segment.is_power_of_two()
            && starts > 0
            && starts.is_multiple_of(segment)
            && starts <= 1 << 40;
        let shape = Shape { segment, starts };
        if !fits || segment > 1 << 18 {
            return None;
        }
        let (table, rest) = bytes.split_at_checked(shape.len().checked_mul(2)?)?;
        *bytes = rest;
        let (pairs, _) = table.as_chunks::<2>();
        Some(Filter {
            shape,
            seed,
            fingerprints: pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
        })
    }
}

/// Takes members out one by one, each by a place that no other member has: hash and which of its places. `None`: this seed does not
/// part them.
fn peel(shape: Shape, seed: u64, members: &[u64]) -> Option<Vec<(u64, u8)>> {
    let mut counts = vec![0_u8; shape.len()];
    let mut sums = vec![0_u64; shape.len()];
    for member in members {
        let hash = mixed(*member, seed);
        for place in shape.places(hash) {
            counts[place] = counts[place].checked_add(1)?;
            sums[place] ^= hash;
        }
    }
    let mut order = Vec::with_capacity(members.len());
    let mut single: Vec<usize> = (0..counts.len()).filter(|at| counts[*at] == 1).collect();
    while let Some(at) = single.pop() {
        if counts[at] != 1 {
            continue;
        }
        let hash = sums[at];
        for (place, own) in shape.places(hash).into_iter().zip(0_u8..) {
            counts[place] -= 1;
            sums[place] ^= hash;
            if place == at {
                order.push((hash, own));
            } else if counts[place] == 1 {
                single.push(place);
            }
        }
    }
    (order.len() == members.len()).then_some(order)
}

/// The finisher of MurmurHash3: every bit of a member and the seed moves every bit.
fn mixed(member: u64, seed: u64) -> u64 {
    let mut hash = member.wrapping_add(seed);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

fn fingerprint(hash: u64) -> u16 {
    let [low, next, ..] = (hash ^ (hash >> 32)).to_le_bytes();
    u16::from_le_bytes([low, next])
}

/// `hash` scaled to below `below`.
fn high_product(hash: u64, below: u64) -> u64 {
    let product = u128::from(hash) * u128::from(below);
    u64::try_from(product >> 64).expect("the upper half of 128 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(count: u64) -> Vec<u64> {
        (0..count).map(|at| mixed(at, 0x5eed)).collect()
    }

    #[test]
    fn every_member_is_a_maybe_and_few_others_are() {
        for count in [0, 1, 2, 3, 10, 100, 1_000, 50_000, 400_000] {
            let mut own = members(count);
            let filter = Filter::build(&mut own);
            assert!(own.iter().all(|member| filter.maybe(*member)), "{count}");
            let wrong = (count..count + 200_000)
                .filter(|at| filter.maybe(mixed(*at, 0x5eed)))
                .count();
            assert!(wrong < 40, "{wrong} of 200,000 beside {count}");
        }
    }

    #[test]
    fn a_large_one_takes_18_bits_a_member() {
        let filter = Filter::build(&mut members(500_000));
        assert!(filter.bytes() * 8 < 500_000 * 37 / 2, "{}", filter.bytes());
    }

    #[test]
    fn members_may_repeat() {
        let mut twice = [members(1_000), members(1_000)].concat();
        let filter = Filter::build(&mut twice);
        assert!(members(1_000).iter().all(|member| filter.maybe(*member)));
    }

    #[test]
    fn it_reads_back_and_is_refused_cut() {
        let filter = Filter::build(&mut members(300));
        let mut bytes = Vec::new();
        filter.encode(&mut bytes);
        assert_eq!(Filter::decode(&mut &bytes[..]), Some(filter));
        for end in 0..bytes.len() {
            assert_eq!(Filter::decode(&mut &bytes[..end]), None);
        }
    }
}
