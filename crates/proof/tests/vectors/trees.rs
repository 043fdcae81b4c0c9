//! Roots and proofs.

use crate::{file, hash, hashes, list, wide};
use indelible_proof::hash::{Hash, leaf, sha256};
use indelible_proof::tree::{Frontier, Leaves, consistency, inclusion, subtree};
use serde_json::Value;
use std::collections::HashMap;

/// Entry *i* is SHA-256 of the decimal text of *i*.
fn leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|number| leaf(&sha256(number.to_string().as_bytes())))
        .collect()
}

/// The first leaves of the largest tree there is.
fn up_to(leaves: &[Hash], size: u64) -> Leaves<'_> {
    Leaves(&leaves[..usize::try_from(size).unwrap()])
}

fn largest(file: &Value) -> Vec<Hash> {
    leaves(
        list(file, "roots")
            .iter()
            .map(|case| wide(&case["size"]))
            .max()
            .unwrap(),
    )
}

fn roots(file: &Value) -> HashMap<u64, Hash> {
    list(file, "roots")
        .iter()
        .map(|case| (wide(&case["size"]), hash(&case["root"])))
        .collect()
}

#[test]
fn roots_and_frontiers_are_those_of_the_vectors() {
    let file = file("tree");
    let (all, roots) = (largest(&file), roots(&file));
    let mut frontier = Frontier::new();
    let mut checked = 0;
    for size in 0..=u64::try_from(all.len()).unwrap() {
        if let Some(root) = roots.get(&size) {
            assert_eq!(frontier.root(), *root, "size {size}");
            let case = list(&file, "roots")
                .iter()
                .find(|case| wide(&case["size"]) == size);
            assert_eq!(
                frontier.hashes(),
                hashes(&case.unwrap()["frontier"]),
                "size {size}"
            );
            checked += 1;
        }
        if let Some(leaf) = all.get(usize::try_from(size).unwrap()) {
            frontier.push(*leaf);
        }
    }
    assert_eq!(checked, roots.len());
}

#[test]
fn inclusion_proofs_are_made_and_judged_as_the_vectors_say() {
    let file = file("tree");
    let (all, roots) = (largest(&file), roots(&file));
    for case in list(&file, "inclusion") {
        let (index, size, proof) = (
            wide(&case["index"]),
            wide(&case["size"]),
            hashes(&case["proof"]),
        );
        let leaf = all[usize::try_from(index).unwrap()];
        assert!(
            inclusion::verify(&leaf, index, size, &proof, &roots[&size]),
            "{case}"
        );
        if size < 300 {
            assert_eq!(
                inclusion::prove(&up_to(&all, size), index, size).unwrap(),
                proof,
                "{case}"
            );
        }
    }
    for case in list(&file, "invalid_inclusion") {
        let (index, size, proof) = (
            wide(&case["index"]),
            wide(&case["size"]),
            hashes(&case["proof"]),
        );
        let leaf = leaf(&hash(&case["entry"]));
        assert!(
            !inclusion::verify(&leaf, index, size, &proof, &hash(&case["root"])),
            "{case}"
        );
    }
}

#[test]
fn consistency_proofs_are_made_and_judged_as_the_vectors_say() {
    let file = file("tree");
    let (all, roots) = (largest(&file), roots(&file));
    for case in list(&file, "consistency") {
        let (old, new, proof) = (
            wide(&case["old"]),
            wide(&case["new"]),
            hashes(&case["proof"]),
        );
        assert!(
            consistency::verify(old, &roots[&old], new, &roots[&new], &proof),
            "{case}"
        );
        if new < 300 {
            assert_eq!(
                consistency::prove(&up_to(&all, new), old, new).unwrap(),
                proof,
                "{case}"
            );
        }
    }
    for case in list(&file, "invalid_consistency") {
        let (old, new, proof) = (
            wide(&case["old"]),
            wide(&case["new"]),
            hashes(&case["proof"]),
        );
        let (old_root, new_root) = (hash(&case["old_root"]), hash(&case["new_root"]));
        assert!(
            !consistency::verify(old, &old_root, new, &new_root, &proof),
            "{case}"
        );
    }
}

#[test]
fn subtree_proofs_are_made_and_judged_as_the_vectors_say() {
    let file = file("tree");
    let (all, roots) = (largest(&file), roots(&file));
    let read = |case: &Value| {
        let range = (
            wide(&case["first"]),
            wide(&case["count"]),
            wide(&case["size"]),
        );
        (range, hashes(&case["left"]), hashes(&case["right"]))
    };
    let verify = |(first, count, size): (u64, u64, u64), left: &[Hash], right: &[Hash]| {
        let place = |seq| usize::try_from(seq).unwrap().min(all.len());
        let inside = all[place(first)..place(first + count)].iter().copied();
        subtree::verify(first, inside, size, left, right, &roots[&size])
    };
    for case in list(&file, "subtree") {
        let ((first, count, size), left, right) = read(case);
        assert!(verify((first, count, size), &left, &right), "{case}");
        if size < 300 {
            let made = subtree::prove(&up_to(&all, size), first, count, size).unwrap();
            assert_eq!(made, (left, right), "{case}");
        }
    }
    for case in list(&file, "invalid_subtree") {
        let (range, left, right) = read(case);
        assert!(!verify(range, &left, &right), "{case}");
    }
}
