"""tree.json: roots, frontiers, proofs and tiles of a tree whose entry i is SHA-256 of the decimal text of i."""

from textbook.tree import Tree, Wrong, is_consistent, is_included, root_by_subtree, sha256

SIZE = 70_000
SMALL = range(34)
LARGE = [255, 256, 257, 65_535, 65_536, 65_537, 70_000]
ENTRIES = [sha256(str(index).encode()) for index in range(SIZE)]
tree = Tree(ENTRIES)


def texts(hashes):
    return [value.hex() for value in hashes]


def roots():
    sizes = {*SMALL, *LARGE} | {old for old, _ in consistency_pairs()}
    return [{"size": size, "root": tree.root(0, size).hex(), "frontier": texts(tree.frontier(size))} for size in sorted(sizes)]


def inclusions():
    pairs = [(index, size) for size in SMALL for index in range(size)]
    for size in LARGE:
        chosen = {0, 1, 2, 127, 128, 254, 255, 256, 257, 4095, 32_767, 32_768, 65_534, 65_535, 65_536, 65_537, 69_887, 69_888, size // 2, size - 2, size - 1}
        pairs += [(index, size) for index in sorted(chosen) if index < size]
    for index, size in pairs:
        proof = tree.inclusion(index, size)
        assert is_included(index, size, ENTRIES[index], proof, tree.root(0, size))
        yield {"index": index, "size": size, "proof": texts(proof)}


def consistency_pairs():
    pairs = [(old, new) for new in SMALL for old in range(new + 1)]
    for new in LARGE:
        chosen = {0, 1, 2, 3, 127, 128, 129, 254, 255, 256, 257, 32_768, 65_535, 65_536, 65_537, 69_888, new // 2, new - 1, new}
        pairs += [(old, new) for old in sorted(chosen) if old <= new]
    return pairs


def consistencies():
    for old, new in consistency_pairs():
        proof = tree.consistency(old, new)
        assert is_consistent(old, new, tree.root(0, old), tree.root(0, new), proof)
        yield {"old": old, "new": new, "proof": texts(proof)}


def subtrees():
    ranges = [(first, count, size) for size in range(1, 18) for first in range(size) for count in range(1, size - first + 1)]
    ranges += [(first, count, 33) for first in range(33) for count in sorted({1, 2, 7, 16, 33 - first}) if first + count <= 33]
    for size in LARGE:
        chosen = [(0, 1), (0, 256), (0, size - 1), (0, size), (1, size - 1), (1, size - 2), (1, 1), (100, 100), (128, 128), (254, 1), (255, 1), (255, 2), (256, 1), (256, 256), (300, 1000),
                  (65_535, 1), (65_535, 2), (65_536, 1), (65_280, 256), (65_536, 256), (size - 1, 1)]
        ranges += [(first, count, size) for first, count in dict.fromkeys(chosen) if count > 0 and first + count <= size]
    for first, count, size in ranges:
        left, right = tree.subtree(first, count, size)
        if count <= 1000:
            assert root_by_subtree(first, count, size, ENTRIES[first : first + count], left, right) == tree.root(0, size)
        assert left == tree.frontier(first)
        yield {"first": first, "count": count, "size": size, "left": texts(left), "right": texts(right)}


def mutations(proof):
    """Lists of hashes that aren't this proof, by what was done to it."""
    other = sha256(b"other")
    yield "extra hash last", proof + [other]
    yield "extra hash first", [other] + proof
    yield "64 hashes", (proof + [other] * 64)[:64]
    if proof:
        yield "no hashes", []
        yield "first hash missing", proof[1:]
        yield "last hash missing", proof[:-1]
        yield "first hash twice", proof[:1] + proof
        yield "last hash twice", proof + proof[-1:]
        yield "first hash wrong", [other] + proof[1:]
        yield "last hash wrong", proof[:-1] + [other]
        yield "last bit wrong", proof[:-1] + [proof[-1][:-1] + bytes([proof[-1][-1] ^ 1])]
    if len(proof) > 1:
        yield "first two swapped", [proof[1], proof[0]] + proof[2:]
        yield "last two swapped", proof[:-2] + [proof[-1], proof[-2]]
        yield "reversed", proof[::-1]


def invalid_inclusions():
    for index, size in [(0, 1), (0, 2), (1, 2), (2, 3), (4, 7), (6, 7), (8, 9), (17, 33), (32, 33), (255, 256), (256, 257), (65_536, 65_537), (69_999, 70_000), (12_345, 70_000)]:
        proof, root = tree.inclusion(index, size), tree.root(0, size)
        tried = [(name, index, size, ENTRIES[index], root, changed) for name, changed in mutations(proof)]
        tried += [("index one more", index + 1, size, ENTRIES[index], root, proof),
                  ("index = size", size, size, ENTRIES[index], root, proof),
                  ("index far beyond size", 2**53 - 1, size, ENTRIES[index], root, proof),
                  ("size 0", index, 0, ENTRIES[index], root, proof),
                  ("entry of a neighbour", index, size, ENTRIES[index + 1 if index == 0 else index - 1], root, proof),
                  ("leaf hash in place of the entry", index, size, tree.leaves[index], root, proof),
                  ("root of one less", index, size, ENTRIES[index], tree.root(0, size - 1), proof)]
        if index:
            tried.append(("index one less", index - 1, size, ENTRIES[index], root, proof))
        for name, index_given, size_given, entry, root_given, changed in tried:
            if root_given == root and changed == proof and (index_given, size_given) == (index, size) and entry == ENTRIES[index]:
                continue
            assert not is_included(index_given, size_given, entry, changed, root_given), (name, index, size)
            yield {"name": f"{index} in {size}: {name}", "index": index_given, "size": size_given, "entry": entry.hex(), "root": root_given.hex(), "proof": texts(changed)}


def invalid_consistencies():
    for old, new in [(0, 5), (1, 2), (1, 3), (2, 4), (3, 4), (3, 7), (4, 7), (6, 8), (7, 7), (8, 33), (21, 33), (255, 257), (256, 257), (65_535, 65_537), (65_536, 70_000), (69_999, 70_000)]:
        proof, old_root, new_root = tree.consistency(old, new), tree.root(0, old), tree.root(0, new)
        tried = [(name, old, new, old_root, new_root, changed) for name, changed in mutations(proof)]
        if old != new:
            tried.append(("old larger than new", new, old, new_root, old_root, proof))
        if old:
            tried += [("old root wrong", old, new, sha256(b"other"), new_root, proof), ("new root wrong", old, new, old_root, sha256(b"other"), proof)]
        if 0 < old < new:
            tried += [("roots swapped", old, new, new_root, old_root, proof), ("old one less", old - 1, new, old_root, new_root, proof)]
            tried.append(("sizes equal, roots not", new, new, old_root, new_root, []))
        for name, old_given, new_given, old_root_given, new_root_given, changed in tried:
            if is_consistent(old_given, new_given, old_root_given, new_root_given, changed):
                assert old_given == 0, (name, old, new)
                continue
            yield {"name": f"{old} to {new}: {name}", "old": old_given, "new": new_given, "old_root": old_root_given.hex(), "new_root": new_root_given.hex(), "proof": texts(changed)}


def invalid_subtrees():
    for first, count, size in [(0, 1, 2), (0, 3, 5), (1, 3, 7), (3, 2, 8), (4, 1, 7), (5, 2, 7), (7, 9, 17), (16, 16, 33), (255, 2, 257), (65_535, 2, 70_000)]:
        left, right = tree.subtree(first, count, size)
        tried = [(f"left: {name}", changed, right) for name, changed in mutations(left)] + [(f"right: {name}", left, changed) for name, changed in mutations(right)]
        tried.append(("left and right exchanged", right, left))
        if right:
            tried.append(("a hash moved from right to left", left + right[:1], right[1:]))
        for name, left_given, right_given in tried:
            if (left_given, right_given) == (left, right):
                continue
            try:
                assert root_by_subtree(first, count, size, ENTRIES[first : first + count], left_given, right_given) != tree.root(0, size)
            except Wrong:
                pass
            yield {"name": f"[{first}, {first + count}) in {size}: {name}", "first": first, "count": count, "size": size, "left": texts(left_given), "right": texts(right_given)}


def tiles():
    """C2SP tlog-tiles: tile `level`/`index` holds the roots of the perfect subtrees of 256^level leaves, at most 256."""
    for level in range(3):
        span = 256**level
        hashes = SIZE // span
        for index in range((hashes + 255) // 256):
            width = min(256, hashes - 256 * index)
            data = b"".join(tree.root(at * span, (at + 1) * span) for at in range(256 * index, 256 * index + width))
            path = f"tile/{level}/{index:03d}" + (f".p/{width}" if width < 256 else "")
            yield {"level": level, "index": index, "width": width, "path": path, "sha256": sha256(data).hex()}


def document():
    return {"file": "tree", "spec": "docs/spec/checkpoint.md", "entries": "entry i is SHA-256 of the decimal text of i", "roots": roots(), "inclusion": list(inclusions()),
            "consistency": list(consistencies()), "subtree": list(subtrees()), "invalid_inclusion": list(invalid_inclusions()),
            "invalid_consistency": list(invalid_consistencies()), "invalid_subtree": list(invalid_subtrees()), "tiles": list(tiles())}
