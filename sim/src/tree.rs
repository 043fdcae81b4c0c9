//! RFC 6962's tree and RFC 9162's proof checks, as their texts have them and nothing better.
//!
//! Slow on purpose and shares no code with the product: it hashes with the `sha2` crate and builds every root from all leaves.

use sha2::{Digest as _, Sha256};

pub type Digest = [u8; 32];

pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn leaf(entry: &Digest) -> Digest {
    sha256(&[&[0], entry])
}

fn node(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[1], left, right])
}

/// RFC 6962, 2.1: MTH.
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(&root(left), &root(right))
        }
    }
}

/// RFC 9162, 2.1.3.2.
pub fn includes(leaf: Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut fnumber, mut snumber, mut result) = (index, size - 1, leaf);
    for step in path {
        if snumber == 0 {
            return false;
        }
        if fnumber & 1 == 1 || fnumber == snumber {
            result = node(step, &result);
            while fnumber & 1 == 0 && fnumber != 0 {
                fnumber >>= 1;
                snumber >>= 1;
            }
        } else {
            result = node(&result, step);
        }
        fnumber >>= 1;
        snumber >>= 1;
    }
    snumber == 0 && result == *root
}

/// RFC 9162, 2.1.4.2, for 0 < `first` ≤ `second`.
pub fn consistent(
    (first, first_root): (u64, &Digest),
    (second, second_root): (u64, &Digest),
    path: &[Digest],
) -> bool {
    if first == second {
        return path.is_empty() && first_root == second_root;
    }
    let whole = [&[*first_root][..], path].concat();
    let path = if first.is_power_of_two() {
        &whole
    } else {
        path
    };
    let Some((start, rest)) = path.split_first() else {
        return false;
    };
    let (mut fnumber, mut snumber) = (first - 1, second - 1);
    while fnumber & 1 == 1 {
        fnumber >>= 1;
        snumber >>= 1;
    }
    let (mut from_first, mut from_second) = (*start, *start);
    for step in rest {
        if snumber == 0 {
            return false;
        }
        if fnumber & 1 == 1 || fnumber == snumber {
            from_first = node(step, &from_first);
            from_second = node(step, &from_second);
            while fnumber & 1 == 0 && fnumber != 0 {
                fnumber >>= 1;
                snumber >>= 1;
            }
        } else {
            from_second = node(&from_second, step);
        }
        fnumber >>= 1;
        snumber >>= 1;
    }
    snumber == 0 && from_first == *first_root && from_second == *second_root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The roots of RFC 6962's eight test leaves, as every implementation has them.
    #[test]
    fn the_roots_are_those_that_others_compute() {
        let inputs: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
        let leaves: Vec<Digest> = inputs.iter().map(|input| sha256(&[&[0], input])).collect();
        let hex = |digest: Digest| digest.map(|byte| format!("{byte:02x}")).concat();
        let known = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        ];
        for (size, known) in known.iter().enumerate() {
            assert_eq!(hex(root(&leaves[..size])), *known);
        }
    }

    #[test]
    fn another_root_another_place_and_a_shorter_path_are_refused() {
        let leaves: Vec<Digest> = (0..7_u8).map(|n| sha256(&[&[0], &[n]])).collect();
        let path = [leaves[3], root(&leaves[0..2]), root(&leaves[4..7])];
        let top = root(&leaves);
        assert!(includes(leaves[2], 2, 7, &path, &top));
        assert!(!includes(leaves[2], 3, 7, &path, &top));
        assert!(!includes(leaves[2], 2, 7, &path[..2], &top));
        assert!(!includes(leaves[2], 2, 7, &path, &leaves[0]));
        let path = [
            leaves[2],
            leaves[3],
            root(&leaves[0..2]),
            root(&leaves[4..7]),
        ];
        assert!(consistent((3, &root(&leaves[..3])), (7, &top), &path));
        assert!(!consistent((3, &root(&leaves[..4])), (7, &top), &path));
        assert!(!consistent((3, &root(&leaves[..3])), (7, &top), &path[..3]));
    }
}
