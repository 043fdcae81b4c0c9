"""tile.json: paths, the tiles of trees, and entry bundles (docs/spec/tiles.md). The hashes in tiles are tree.json's.

Which paths are good is authored by hand; textbook/tile.py must agree.
"""

from textbook import tile
from textbook.files import b64
from textbook.tree import sha256

SIZE = 70_000
SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, SIZE, 16_777_216, 16_777_217]
ENTRIES = [sha256(str(index).encode()) for index in range(SIZE)]


def paths():
    good = [
        ("tile/0/000", 0, 0, 256), ("tile/0/000.p/1", 0, 0, 1), ("tile/0/000.p/255", 0, 0, 255), ("tile/0/000.p/10", 0, 0, 10), ("tile/1/001.p/17", 1, 1, 17), ("tile/2/000.p/1", 2, 0, 1),
        ("tile/0/999", 0, 999, 256), ("tile/0/x001/000", 0, 1000, 256), ("tile/0/x001/x234/067", 0, 1_234_067, 256), ("tile/0/x001/x234/067.p/8", 0, 1_234_067, 8), ("tile/0/x001/x000/000", 0, 1_000_000, 256),
        ("tile/0/x999/999", 0, 999_999, 256), ("tile/0/x100/x000/000", 0, 100_000_000, 256), ("tile/7/000.p/127", 7, 0, 127), ("tile/6/127.p/255", 6, 127, 255), ("tile/5/x032/767.p/255", 5, 32_767, 255),
        ("tile/entries/000", "entries", 0, 256), ("tile/entries/000.p/1", "entries", 0, 1), ("tile/entries/x001/x234/067.p/255", "entries", 1_234_067, 255),
        ("tile/entries/x036/x028/x797/x018/x963/967.p/255", "entries", 2**55 - 1, 255), ("tile/0/x036/x028/x797/x018/x963/967.p/255", 0, 2**55 - 1, 255), ("tile/entries/x036/x028/x797/x018/x963/966", "entries", 2**55 - 2, 256),
    ]
    for text, level, index, width in good:
        assert tile.parse(text) == (level, index, width), text
        assert tile.path(level, index, width) == text
        yield {"path": text, "expect": {"level": level, "index": index, "width": width}}
    for name, text in bad():
        assert tile.parse(text) is None, text
        yield {"name": name, "path": text, "expect": "invalid"}


def bad():
    yield from [
        ("empty", ""), ("a slash before", "/tile/0/000"), ("a slash after", "tile/0/000/"), ("no index", "tile/0"), ("an empty index", "tile/0/"), ("no level", "tile//000"), ("another word", "tiles/0/000"),
        ("the height of Go's checksum database", "tile/8/0/000"), ("its name for entries", "tile/data/000"), ("its name for entries behind the height", "tile/8/data/000"), ("a letter for the word", "Tile/0/000"), ("a space before", " tile/0/000"),
        ("a space after", "tile/0/000 "), ("LF after", "tile/0/000\n"), ("a query", "tile/0/000?x"), ("a dot segment", "tile/0/./000"), ("two dots", "tile/0/../0/000"), ("an escaped digit", "tile/0/%30%30%30"),
        ("level with a leading zero", "tile/00/000"), ("level 01", "tile/01/000"), ("level with a sign", "tile/+1/000"), ("level below zero", "tile/-1/000"), ("level 64", "tile/64/000"), ("level 256", "tile/256/000"), ("level in hex", "tile/0x0/000"),
        ("level 8, which needs 2^64 leaves", "tile/8/000.p/1"), ("level 63, likewise", "tile/63/000.p/1"), ("level of 30 digits", "tile/" + "1" * 30 + "/000"), ("level in other digits", "tile/１/000"),
        ("width 0", "tile/0/000.p/0"), ("width 256", "tile/0/000.p/256"), ("width 257", "tile/0/000.p/257"), ("width with a leading zero", "tile/0/000.p/01"), ("width with a sign", "tile/0/000.p/+1"), ("width below zero", "tile/0/000.p/-1"),
        ("no width", "tile/0/000.p/"), ("no width and no slash", "tile/0/000.p"), ("a width without its p", "tile/0/000/1"), ("two widths", "tile/0/000.p/1.p/1"), ("a slash after the width", "tile/0/000.p/1/"), ("width of 30 digits", "tile/0/000.p/" + "1" * 30),
        ("a capital P", "tile/0/000.P/1"), ("width in other digits", "tile/0/000.p/１"), ("width of an entry bundle 0", "tile/entries/000.p/0"),
        ("two digits", "tile/0/00"), ("one digit", "tile/0/0"), ("four digits", "tile/0/0000"), ("no x", "tile/0/001/000"), ("x at the last group", "tile/0/x000"), ("x at the last group of two", "tile/0/x001/x000"), ("a capital X", "tile/0/X001/000"),
        ("a leading group of zeros", "tile/0/x000/001"), ("two leading groups of zeros", "tile/0/x000/x000/001"), ("a leading group of zeros before others", "tile/0/x000/x001/000"), ("a group of two digits", "tile/0/x01/000"), ("a group of four digits", "tile/0/x0001/000"),
        ("an empty group", "tile/0/x001//000"), ("x alone", "tile/0/x/000"), ("a letter in the index", "tile/0/00a"), ("a sign in the index", "tile/0/+01"), ("a sign in a group", "tile/0/x-01/000"), ("the index in other digits", "tile/0/００１"),
        ("an index of 2^55, full", "tile/entries/x036/x028/x797/x018/x963/968"), ("the last index, full", "tile/0/x036/x028/x797/x018/x963/967"), ("an index over 64 bits", "tile/0/" + "x999/" * 7 + "999"), ("an index of 300 digits", "tile/0/" + "x999/" * 99 + "999"),
        ("level 7, one hash too many", "tile/7/000.p/128"), ("level 7, full", "tile/7/000"), ("level 7, second tile", "tile/7/001.p/1"), ("level 6, full at the end", "tile/6/127"), ("level 1 where the leaves end", "tile/1/x140/x737/x488/x355/327"),
    ]


def trees():
    """Every tile of a tree: all paths of small ones, the SHA-256 of all paths, each with LF, of any."""
    pairs = [(0, size) for size in SIZES] + [(before, size) for size in (256, 257, 512, 65_536, 65_537, SIZE) for before in (1, 255, 256, 257, 65_535, 65_536, size - 1, size) if before <= size]
    for before, size in dict.fromkeys(pairs):
        if size > SIZE and before == 0:
            before = size - 1
        names = [tile.path(*of) for of in tile.tiles(size, before)]
        case = {"before": before, "size": size, "count": len(names), "sha256": sha256("".join(f"{name}\n" for name in names).encode()).hex()}
        yield case | ({"paths": names} if len(names) <= 12 else {})


def bundles():
    """All of the tree of 70,000, by their SHA-256."""
    for level, index, width in tile.tiles(SIZE):
        if level == "entries":
            data = tile.bundle(ENTRIES[256 * index : 256 * index + width])
            yield {"path": tile.path(level, index, width), "sha256": sha256(data).hex()}


def readings():
    """Bundles as bytes: what is in them, or refused."""
    three = ENTRIES[:3]
    good, one = tile.bundle(three), ENTRIES[0]
    cases = [
        ("three entries", good, 3, three), ("one entry", tile.bundle([one]), 1, [one]), ("256 entries", tile.bundle(ENTRIES[:256]), 256, ENTRIES[:256]),
        ("nothing, width 1", b"", 1, None), ("fewer than the width", good, 4, None), ("more than the width", good, 2, None), ("a byte missing", good[:-1], 3, None), ("a byte more", good + b"\0", 3, None),
        ("an empty entry at the end", good + b"\0\0", 4, None), ("an empty entry instead", tile.bundle([one, b""]), 2, None), ("an entry of 31 bytes", tile.bundle([one, one[1:]]), 2, None), ("an entry of 33 bytes", tile.bundle([one, one + b"\0"]), 2, None),
        ("an entry of 65,535 bytes", tile.bundle([bytes(65_535)]), 1, None), ("lengths little-endian", b"".join(b"\x20\0" + entry for entry in three), 3, None), ("no lengths", b"".join(three), 3, None), ("a length without its entry", good + b"\0\x20", 4, None),
        ("lengths of four bytes", b"".join(b"\0\0\0\x20" + entry for entry in three), 3, None), ("32 and 34 bytes", tile.bundle([one]) + b"\0\x22" + one + b"\0\0", 2, None),
    ]
    for name, data, width, entries in cases:
        assert tile.read_bundle(data, width) == entries, name
        yield {"name": name, "bundle_b64": b64(data), "width": width, "expect": "refused" if entries is None else [entry.hex() for entry in entries]}


def document():
    return {"file": "tile", "spec": "docs/spec/tiles.md", "entries": "entry i is SHA-256 of the decimal text of i", "paths": list(paths()), "trees": list(trees()), "bundles": list(bundles()), "readings": list(readings())}
