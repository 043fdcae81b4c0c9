//! Which packs count, by their names alone (`docs/spec/pack.md`, *Merged packs*).
//!
//! While packs are merged, a large pack and the smaller ones that it is made of stand side by side. Before anything is read, since
//! `_node` itself lies in packs, the names say which of them hold the batches: the smaller ones as long as all of them are whole, else
//! the larger one. What does not count is left over: nobody reads it, the next merging deals with it.

use crate::format::pack::{pack_names, parse_pack_name};
use crate::limits::MERGE_DEPTH_MAX;
use std::collections::BTreeSet;

/// First and last batch of a pack.
pub(crate) type Batches = (u64, u64);

/// What the names under `sealed/` say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cover {
    /// Packs that count, ascending. Both files are there.
    pub(crate) packs: Vec<Batches>,
    /// Packs that would count, but without their `.rec`.
    pub(crate) without_rec: Vec<Batches>,
    /// `.rec` files without their `.ent`: of an interrupted sealing or merging.
    pub(crate) orphans: Vec<String>,
    /// Files of packs that others stand for.
    pub(crate) left_over: Vec<String>,
}

/// Sorts the names under `sealed/`. Others than those of packs are passed over.
pub(crate) fn cover<'a>(names: impl IntoIterator<Item = &'a String>) -> Cover {
    let (mut ents, mut recs) = (BTreeSet::new(), BTreeSet::new());
    for (first, last, is_ent) in names.into_iter().filter_map(|name| parse_pack_name(name)) {
        if is_ent { &mut ents } else { &mut recs }.insert((first, last));
    }
    let pairs: BTreeSet<Batches> = ents.intersection(&recs).copied().collect();
    let packs: Vec<Batches> = outermost(&pairs)
        .into_iter()
        .flat_map(|range| choose(range, &pairs, 0))
        .collect();
    let stands_for = |range: &Batches| packs.iter().any(|pack| inside(*range, *pack));
    let mut sorted = Cover::default();
    for range in ents.union(&recs).copied() {
        let (ent, rec) = pack_names(range.0, range.1);
        match (ents.contains(&range), recs.contains(&range)) {
            (true, true) if packs.contains(&range) => {}
            (true, true) => sorted.left_over.extend([ent, rec]),
            (true, false) if stands_for(&range) => sorted.left_over.push(ent),
            (true, false) => sorted.without_rec.push(range),
            (false, _) if stands_for(&range) => sorted.left_over.push(rec),
            (false, _) => sorted.orphans.push(rec),
        }
    }
    Cover { packs, ..sorted }
}

/// Whether one range lies in the other and is smaller.
pub(crate) fn inside(inner: Batches, outer: Batches) -> bool {
    inner != outer && outer.0 <= inner.0 && inner.1 <= outer.1
}

/// Ranges that lie in no other. Those that overlap without that are all given: whoever reads them finds it.
fn outermost(pairs: &BTreeSet<Batches>) -> Vec<Batches> {
    let mut sorted: Vec<Batches> = pairs.iter().copied().collect();
    sorted.sort_unstable_by_key(|&(first, last)| (first, u64::MAX - last));
    let mut found: Vec<Batches> = Vec::new();
    for range in sorted {
        if found.last().is_none_or(|outer| !inside(range, *outer)) {
            found.push(range);
        }
    }
    found
}

/// A pack, or the smaller ones that are all of it.
fn choose(range: Batches, pairs: &BTreeSet<Batches>, depth: usize) -> Vec<Batches> {
    let tiled = if depth < MERGE_DEPTH_MAX {
        tiles(range, pairs, depth)
    } else {
        None
    };
    tiled.unwrap_or_else(|| vec![range])
}

/// The smaller packs that hold exactly these batches, largest first at each place.
fn tiles(range: Batches, pairs: &BTreeSet<Batches>, depth: usize) -> Option<Vec<Batches>> {
    let (mut at, last) = range;
    let mut tiles = Vec::new();
    while at <= last {
        let mut here = pairs.range((at, 0)..=(at, last)).rev();
        let next = *here.find(|pack| inside(**pack, range))?;
        tiles.extend(choose(next, pairs, depth + 1));
        at = next.1 + 1;
    }
    Some(tiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(stems: &[&str]) -> Vec<String> {
        let name = |stem: &&str| {
            let (range, ending) = stem.split_once('.').unwrap_or((stem, ""));
            let (first, last) = range.split_once('-').unwrap();
            let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
            let (ent, rec) = pack_names(first, last);
            match ending {
                "ent" => vec![ent],
                "rec" => vec![rec],
                _ => vec![ent, rec],
            }
        };
        stems.iter().flat_map(name).collect()
    }

    fn check(stems: &[&str], packs: &[Batches], left_over: usize) {
        let sorted = cover(&names(stems));
        assert_eq!(sorted.packs, packs, "{stems:?}");
        assert_eq!(sorted.left_over.len(), left_over, "{stems:?}: {sorted:?}");
    }

    #[test]
    fn the_smaller_packs_count_as_long_as_all_of_them_are_whole() {
        check(&["0-3", "4-7"], &[(0, 3), (4, 7)], 0);
        check(&["0-7", "0-3", "4-7", "8-9"], &[(0, 3), (4, 7), (8, 9)], 2);
        check(&["0-7", "0-3", "8-9"], &[(0, 7), (8, 9)], 2);
        check(&["0-7", "0-3", "4-7.rec", "8-9"], &[(0, 7), (8, 9)], 3);
        check(&["0-7", "4-7.ent"], &[(0, 7)], 1);
        check(&["0-7.rec", "0-3", "4-7"], &[(0, 3), (4, 7)], 0);
        assert_eq!(cover(&names(&["0-7.rec", "0-3", "4-7"])).orphans.len(), 1);
        assert_eq!(cover(&names(&["0-7.ent"])).without_rec, [(0, 7)]);
    }

    #[test]
    fn packs_that_were_merged_twice_are_taken_apart_as_far_as_they_are_there() {
        check(
            &["0-15", "0-7", "0-3", "4-7", "8-15"],
            &[(0, 3), (4, 7), (8, 15)],
            4,
        );
        check(&["0-15", "0-7", "4-7", "8-15"], &[(0, 7), (8, 15)], 4);
        check(&["0-15", "0-3", "4-7"], &[(0, 15)], 4);
        check(&["0-5", "3-9"], &[(0, 5), (3, 9)], 0);
    }

    #[test]
    fn every_case_of_the_vectors_is_sorted_as_the_page_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/pack.json");
        #[expect(clippy::disallowed_methods, reason = "the vectors are files")]
        let text = std::fs::read(path).unwrap();
        let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let cases = file["covers"].as_array().unwrap();
        assert!(cases.len() > 10);
        for case in cases {
            let list = |value: &serde_json::Value| -> Vec<String> {
                let texts = value.as_array().unwrap().iter();
                texts
                    .map(|text| format!("sealed/{}", text.as_str().unwrap()))
                    .collect()
            };
            let sorted = cover(&list(&case["names"]));
            let expect = &case["expect"];
            let counting: Vec<String> = sorted
                .packs
                .iter()
                .map(|range| pack_names(range.0, range.1).0.replace(".ent", ""))
                .collect();
            let mut left_over = sorted.left_over;
            left_over.sort();
            let without: Vec<String> = sorted
                .without_rec
                .iter()
                .map(|range| pack_names(range.0, range.1).0)
                .collect();
            assert_eq!(counting, list(&expect["count"]), "{}", case["name"]);
            assert_eq!(left_over, list(&expect["left_over"]), "{}", case["name"]);
            assert_eq!(sorted.orphans, list(&expect["orphans"]), "{}", case["name"]);
            assert_eq!(without, list(&expect["without_rec"]), "{}", case["name"]);
        }
    }

    #[test]
    fn a_great_many_names_within_each_other_are_no_trouble() {
        let mut stems: Vec<String> = (0..2_000).map(|last| format!("0-{last}")).collect();
        stems.push("2000-2000".to_owned());
        let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
        assert!(!cover(&names(&stems)).packs.is_empty());
    }
}
