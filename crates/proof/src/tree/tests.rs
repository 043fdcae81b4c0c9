use super::*;
use crate::hash;
use crate::limits::TREE_SIZE_MAX;
use alloc::vec::Vec;
use proptest::prelude::*;

/// RFC 6962 §2.1, word for word.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            hash::node(&mth(left), &mth(right))
        }
    }
}

/// RFC 6962 §2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, other) = if index < left.len() {
        (path(index, left), mth(right))
    } else {
        (path(index - left.len(), right), mth(left))
    };
    proof.push(other);
    proof
}

/// RFC 6962 §2.1.2, SUBPROOF.
fn subproof(from: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if from == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            [mth(leaves)].into()
        };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, other) = if from <= left.len() {
        (subproof(from, left, whole), mth(right))
    } else {
        (subproof(from - left.len(), right, false), mth(left))
    };
    proof.push(other);
    proof
}

/// The walk of `docs/spec/checkpoint.md`: emitted roots, with their place.
fn walk(leaves: &[Hash], lo: usize, hi: usize, range: &Range<usize>, out: &mut Vec<(usize, Hash)>) {
    if hi <= range.start || lo >= range.end {
        out.push((lo, mth(&leaves[lo..hi])));
    } else if !(range.start <= lo && hi <= range.end) {
        let middle = lo + split(hi - lo);
        walk(leaves, lo, middle, range, out);
        walk(leaves, middle, hi, range, out);
    }
}

fn split(length: usize) -> usize {
    let mut power = 1;
    while power * 2 < length {
        power *= 2;
    }
    power
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|index| hash::leaf(&hash::sha256(&index.to_be_bytes())))
        .collect()
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

fn frontier(leaves: &[Hash]) -> Frontier {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier
}

#[test]
fn frontier_has_the_root_and_the_perfect_subtrees_of_every_size() {
    let leaves = leaves(300);
    let mut frontier = Frontier::new();
    for size in 0..=300 {
        assert_eq!(frontier.size(), wide(size));
        assert_eq!(frontier.root(), mth(&leaves[..size]), "size {size}");
        let mut rest = &leaves[..size];
        for hash in frontier.hashes() {
            let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
            assert_eq!(*hash, mth(subtree));
            rest = after;
        }
        assert!(rest.is_empty());
        if let Some(leaf) = leaves.get(size) {
            frontier.push(*leaf);
        }
    }
}

#[test]
fn frontier_is_taken_from_parts_only_with_a_hash_for_each_digit() {
    let parts = |size, count| Frontier::from_parts(size, leaves(count));
    assert_eq!(parts(0, 0), Some(Frontier::new()));
    assert!(parts(5, 2).is_some());
    assert!(parts((1 << 63) - 1, 63).is_some());
    assert_eq!(parts(5, 1), None);
    assert_eq!(parts(5, 3), None);
    assert_eq!(parts(0, 1), None);
    assert_eq!(parts(1 << 63, 1), None);
}

#[test]
fn frontier_takes_a_subtree_only_where_it_can_stand() {
    let leaves = leaves(16);
    let mut by_subtrees = frontier(&leaves[..4]);
    assert!(!by_subtrees.push_subtree(3, mth(&leaves[..8])));
    assert!(by_subtrees.push_subtree(2, mth(&leaves[4..8])));
    assert!(by_subtrees.push_subtree(3, mth(&leaves[8..16])));
    assert_eq!(by_subtrees, frontier(&leaves));
    assert!(!by_subtrees.push_subtree(63, leaves[0]));
    assert!(!by_subtrees.push_subtree(64, leaves[0]));
    assert!(!Frontier::new().push_subtree(63, leaves[0]));
}

#[test]
fn proofs_of_all_small_trees_are_those_of_the_rfc_and_verify() {
    let leaves = leaves(24);
    for size in 1..=leaves.len() {
        let tree = &leaves[..size];
        let root = mth(tree);
        for index in 0..size {
            check_inclusion(tree, index, &root);
        }
        for from in 0..=size {
            check_consistency(tree, from, &root);
        }
        for first in 0..size {
            for count in 1..=size - first {
                check_subtree(tree, first..first + count, &root);
            }
        }
    }
}

fn check_inclusion(tree: &[Hash], index: usize, root: &Hash) {
    let proof = inclusion::prove(&Leaves(tree), wide(index), wide(tree.len())).unwrap();
    assert_eq!(proof, path(index, tree), "{index} in {}", tree.len());
    let verify = |index: usize, size: usize, proof: &[Hash]| {
        inclusion::verify(&tree[index], wide(index), wide(size), proof, root)
    };
    assert!(verify(index, tree.len(), &proof));
    for wrong in mutations(&proof) {
        assert!(!verify(index, tree.len(), &wrong));
    }
    assert!(
        !inclusion::verify(root, wide(index), wide(tree.len()), &proof, root) || tree.len() == 1
    );
    let size = wide(tree.len());
    assert!(!inclusion::verify(&tree[index], size, size, &proof, root));
    for other in (0..tree.len()).filter(|other| *other != index) {
        assert!(!inclusion::verify(
            &tree[index],
            wide(other),
            size,
            &proof,
            root
        ));
    }
}

fn check_consistency(tree: &[Hash], from: usize, root: &Hash) {
    let size = wide(tree.len());
    let old = mth(&tree[..from]);
    let proof = consistency::prove(&Leaves(tree), wide(from), size).unwrap();
    let expected = match from {
        0 => Vec::new(),
        _ => subproof(from, tree, true),
    };
    assert_eq!(proof, expected, "{from} to {size}");
    assert!(consistency::verify(wide(from), &old, size, root, &proof));
    let other = hash::sha256(b"other");
    assert!(!consistency::verify(wide(from), &other, size, root, &proof));
    // From nothing, any tree may have grown.
    assert_eq!(
        consistency::verify(wide(from), &old, size, &other, &proof),
        from == 0
    );
    for wrong in mutations(&proof) {
        assert!(!consistency::verify(wide(from), &old, size, root, &wrong));
    }
    assert!(!consistency::verify(size + 1, &old, size, root, &proof));
}

fn check_subtree(tree: &[Hash], range: Range<usize>, root: &Hash) {
    let (first, count, size) = (wide(range.start), wide(range.len()), wide(tree.len()));
    let (left, right) = subtree::prove(&Leaves(tree), first, count, size).unwrap();
    let mut emitted = Vec::new();
    walk(tree, 0, tree.len(), &range, &mut emitted);
    let (before, after): (Vec<_>, Vec<_>) = emitted.iter().partition(|(lo, _)| *lo < range.start);
    let hashes =
        |list: Vec<(usize, Hash)>| list.into_iter().map(|(_, hash)| hash).collect::<Vec<_>>();
    assert_eq!(
        (&left, &right),
        (&hashes(before), &hashes(after)),
        "{range:?} in {size}"
    );
    assert_eq!(left, frontier(&tree[..range.start]).hashes());
    assert_eq!(
        subtree::counts(first, count, size),
        Some((left.len(), right.len()))
    );

    let cover = subtree::cover(first, count).unwrap();
    let roots: Vec<_> = cover
        .iter()
        .map(|part| Leaves(tree).root(part.start, part.end).unwrap())
        .collect();
    let mut pushed = subtree::Span::new(first);
    tree[range.clone()]
        .iter()
        .for_each(|leaf| pushed.push(*leaf));
    let covering = subtree::Span::covering(first, count, roots.clone()).unwrap();
    assert_eq!(covering, pushed);
    assert_eq!(covering.root(size, &left, &right), Some(*root));
    for wrong in mutations(&roots) {
        let covering = subtree::Span::covering(first, count, wrong);
        let given = covering.and_then(|span| span.root(size, &left, &right));
        assert_ne!(given, Some(*root));
    }

    let verify = |leaves: &[Hash], left: &[Hash], right: &[Hash]| {
        subtree::verify(first, leaves.iter().copied(), size, left, right, root)
    };
    let inside = &tree[range.clone()];
    assert!(verify(inside, &left, &right), "{range:?} in {size}");
    for wrong in mutations(&left) {
        assert!(!verify(inside, &wrong, &right));
    }
    for wrong in mutations(&right) {
        assert!(!verify(inside, &left, &wrong));
    }
    let mut changed = inside.to_vec();
    changed[range.len() / 2].0[0] ^= 1;
    assert!(!verify(&changed, &left, &right));
    assert!(!verify(&inside[1..], &left, &right));
}

/// The list with one hash changed, one taken out, one doubled, and one more.
fn mutations(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut wrong = Vec::new();
    for place in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[place].0[31] ^= 0x80;
        wrong.push(changed);
        let mut shorter = proof.to_vec();
        shorter.remove(place);
        wrong.push(shorter);
        let mut longer = proof.to_vec();
        longer.insert(place, proof[place]);
        wrong.push(longer);
    }
    let mut longer = proof.to_vec();
    longer.push(hash::empty_root());
    wrong.push(longer);
    wrong
}

#[test]
fn ranges_outside_a_tree_have_no_subtree_proof() {
    let most = (1 << 63) - 1;
    for (first, count, size) in [
        (0, 0, 1),
        (1, 1, 1),
        (0, 2, 1),
        (0, 1, 0),
        (u64::MAX, 1, 1),
        (1, u64::MAX, most),
        (0, 1, 1 << 63),
    ] {
        assert_eq!(subtree::counts(first, count, size), None);
    }
    assert_eq!(subtree::counts(0, most, most), Some((0, 0)));
    assert_eq!(subtree::cover(0, most).unwrap().len(), 63);
    assert_eq!(subtree::cover(1, most), None);
    assert_eq!(subtree::cover(1, 0), None);
    let last = subtree::cover(most - 1, 1).unwrap();
    assert_eq!((last.len(), last.first()), (1, Some(&(most - 1..most))));
    assert_eq!(subtree::counts(most - 1, 1, most), Some((62, 0)));
    assert_eq!(subtree::counts(0, 1, most), Some((0, 63)));
}

#[test]
fn a_leaf_is_not_split_and_wider_trees_are_split_at_the_largest_power_of_two() {
    for (range, at) in [
        (7..7, 7),
        (7..8, 7),
        (7..9, 8),
        (7..10, 9),
        (8..16, 12),
        (8..17, 16),
        (0..TREE_SIZE_MAX, 1 << 62),
    ] {
        assert_eq!(middle(&range), at, "{range:?}");
    }
}

#[test]
fn the_largest_tree_has_proofs_and_a_larger_one_has_none() {
    let hashes: Vec<Hash> = (0..63).map(|number| Hash([number; 32])).collect();
    let root = Frontier::from_parts(TREE_SIZE_MAX, hashes.clone())
        .unwrap()
        .root();
    let (leaf, left) = hashes.split_last().unwrap();
    let path: Vec<Hash> = left.iter().rev().copied().collect();
    let last = TREE_SIZE_MAX - 1;
    assert!(inclusion::verify(leaf, last, TREE_SIZE_MAX, &path, &root));
    let leaves = || [*leaf];
    assert!(subtree::verify(
        last,
        leaves(),
        TREE_SIZE_MAX,
        left,
        &[],
        &root
    ));
    let (half, rest) = hashes.split_first().unwrap();
    let rest = Frontier::from_parts((1 << 62) - 1, rest.to_vec())
        .unwrap()
        .root();
    assert!(consistency::verify(
        1 << 62,
        half,
        TREE_SIZE_MAX,
        &root,
        &[rest]
    ));
    // Two halves of 2^62 leaves: the hashes would fit.
    let root = hash::node(half, &rest);
    assert!(!consistency::verify(1 << 62, half, 1 << 63, &root, &[rest]));
    let root = path
        .iter()
        .chain([&rest])
        .fold(*leaf, |node, left| hash::node(left, &node));
    let path = [&path[..], &[rest]].concat();
    assert!(!inclusion::verify(
        leaf,
        (1 << 63) - 1,
        1 << 63,
        &path,
        &root
    ));
    let left: Vec<Hash> = path.iter().rev().copied().collect();
    assert!(!subtree::verify(
        (1 << 63) - 1,
        leaves(),
        1 << 63,
        &left,
        &[],
        &root
    ));
}

#[test]
fn sizes_no_tree_has_are_refused_without_looking_at_the_proof() {
    let hash = hash::empty_root();
    let long = [hash; 64];
    assert!(!inclusion::verify(&hash, 0, u64::MAX, &long, &hash));
    assert!(!inclusion::verify(&hash, u64::MAX, u64::MAX, &long, &hash));
    assert!(!consistency::verify(1, &hash, u64::MAX, &hash, &long));
    assert!(!consistency::verify(u64::MAX, &hash, u64::MAX, &hash, &[]));
    assert_eq!(
        subtree::root(u64::MAX, [hash], u64::MAX, &long, &long),
        None
    );
}

proptest! {
    // Thousands of hashes a case, without optimisation.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn proofs_of_larger_trees_are_those_of_the_rfc_and_verify(
        size in 1_usize..300,
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
    ) {
        let tree = leaves(size);
        let root = mth(&tree);
        let (first, other) = (a.index(size), b.index(size));
        check_inclusion(&tree, first, &root);
        check_consistency(&tree, other, &root);
        check_subtree(&tree, first.min(other)..first.max(other) + 1, &root);
    }

    #[test]
    fn proofs_of_thousands_of_leaves_verify(
        size in 1_usize..8_000,
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
    ) {
        let tree = leaves(size);
        let root = frontier(&tree).root();
        let (index, other) = (a.index(size), b.index(size));
        let proof = inclusion::prove(&Leaves(&tree), wide(index), wide(size)).unwrap();
        prop_assert!(inclusion::verify(&tree[index], wide(index), wide(size), &proof, &root));
        let proof = consistency::prove(&Leaves(&tree), wide(index), wide(size)).unwrap();
        let old = frontier(&tree[..index]).root();
        prop_assert!(consistency::verify(wide(index), &old, wide(size), &root, &proof));
        let range = index.min(other)..index.max(other) + 1;
        let (left, right) =
            subtree::prove(&Leaves(&tree), wide(range.start), wide(range.len()), wide(size)).unwrap();
        let inside = tree[range.clone()].iter().copied();
        prop_assert!(subtree::verify(wide(range.start), inside, wide(size), &left, &right, &root));
    }

    #[test]
    fn a_span_that_begins_at_the_first_leaf_has_the_root_of_a_frontier(size in 1_usize..5_000) {
        let tree = leaves(size);
        let mut span = subtree::Span::new(0);
        tree.iter().for_each(|leaf| span.push(*leaf));
        prop_assert_eq!(span.root(wide(size), &[], &[]), Some(frontier(&tree).root()));
    }
}

proptest! {
    #[test]
    fn no_numbers_and_hashes_stop_a_verifier(
        numbers in any::<[u64; 3]>(),
        proof in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70),
    ) {
        let [a, b, c] = numbers;
        let hash = hash::empty_root();
        prop_assert!(!inclusion::verify(&hash, a, b, &proof, &hash));
        prop_assert!(!consistency::verify(a.max(1), &hash, b, &Hash::ZERO, &proof));
        prop_assert!(!subtree::verify(a, [hash, hash], b, &proof, &proof, &hash));
        if let Some((left, right)) = subtree::counts(a, b, c) {
            prop_assert!(left <= 63 && right <= 63);
        }
    }
}
