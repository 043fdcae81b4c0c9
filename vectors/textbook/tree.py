"""RFC 6962 §2.1 by its recursive definitions, and the walk of docs/spec/checkpoint.md."""

import hashlib
from functools import lru_cache

EMPTY = hashlib.sha256(b"").digest()


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(entry):
    return sha256(b"\0" + entry)


def node(left, right):
    return sha256(b"\1" + left + right)


def split(size):
    """The largest power of two smaller than size."""
    return 1 << (size - 1).bit_length() - 1


class Tree:
    def __init__(self, entries):
        self.leaves = [leaf(entry) for entry in entries]
        self.root = lru_cache(None)(self._root)

    def _root(self, lo, hi):
        if hi - lo < 2:
            return self.leaves[lo] if hi > lo else EMPTY
        middle = lo + split(hi - lo)
        return node(self.root(lo, middle), self.root(middle, hi))

    def frontier(self, size):
        roots, lo = [], 0
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                roots.append(self.root(lo, lo + (1 << bit)))
                lo += 1 << bit
        return roots

    def inclusion(self, index, size, lo=0):
        """PATH(index, D[size]), over the leaves from lo on."""
        if size == 1:
            return []
        k = split(size)
        if index < k:
            return self.inclusion(index, k, lo) + [self.root(lo + k, lo + size)]
        return self.inclusion(index - k, size - k, lo + k) + [self.root(lo, lo + k)]

    def consistency(self, old, new):
        return [] if old == 0 else self._subproof(old, new, 0, True)

    def _subproof(self, m, n, lo, whole):
        if m == n:
            return [] if whole else [self.root(lo, lo + n)]
        k = split(n)
        if m <= k:
            return self._subproof(m, k, lo, whole) + [self.root(lo + k, lo + n)]
        return self._subproof(m - k, n - k, lo + k, False) + [self.root(lo, lo + k)]

    def subtree(self, first, count, size):
        """(left, right) of the range [first, first + count)."""
        left, right = [], []

        def walk(lo, hi):
            if hi <= first:
                left.append(self.root(lo, hi))
            elif lo >= first + count:
                right.append(self.root(lo, hi))
            elif not (first <= lo and hi <= first + count):
                k = split(hi - lo)
                walk(lo, lo + k)
                walk(lo + k, hi)

        walk(0, size)
        return left, right


class Wrong(Exception):
    pass


def root_by_inclusion(index, size, leaf_hash, proof):
    if index >= size:
        raise Wrong
    if size == 1:
        if proof:
            raise Wrong
        return leaf_hash
    if not proof:
        raise Wrong
    k = split(size)
    if index < k:
        return node(root_by_inclusion(index, k, leaf_hash, proof[:-1]), proof[-1])
    return node(proof[-1], root_by_inclusion(index - k, size - k, leaf_hash, proof[:-1]))


def is_included(index, size, entry, proof, root):
    try:
        return len(proof) <= 63 and root_by_inclusion(index, size, leaf(entry), proof) == root
    except Wrong:
        return False


def roots_by_consistency(m, n, proof, whole, old_root):
    if m == n and whole:
        if proof:
            raise Wrong
        return old_root, old_root
    if not proof:
        raise Wrong
    if m == n:
        if len(proof) > 1:
            raise Wrong
        return proof[0], proof[0]
    k = split(n)
    if m <= k:
        old, new = roots_by_consistency(m, k, proof[:-1], whole, old_root)
        return old, node(new, proof[-1])
    old, new = roots_by_consistency(m - k, n - k, proof[:-1], False, old_root)
    return node(proof[-1], old), node(proof[-1], new)


def is_consistent(old, new, old_root, new_root, proof):
    if old > new or len(proof) > 63:
        return False
    if old == 0:
        return not proof
    try:
        return roots_by_consistency(old, new, proof, True, old_root) == (old_root, new_root)
    except Wrong:
        return False


def root_by_subtree(first, count, size, entries, left, right):
    """The root over a range's entries and the hashes outside it."""
    left, right = list(left), list(right)

    def walk(lo, hi):
        if hi <= first or lo >= first + count:
            side = left if hi <= first else right
            if not side:
                raise Wrong
            return side.pop(0)
        if hi - lo == 1:
            return leaf(entries[lo - first])
        k = split(hi - lo)
        before = walk(lo, lo + k)
        return node(before, walk(lo + k, hi))

    root = walk(0, size)
    if left or right:
        raise Wrong
    return root
