"""tail.json: small tails and what a walk finds in them (docs/spec/tail.md). Expectations are written by hand and compared with the
textbook's walk."""

import hashlib

from cases.history import BATCHES
from textbook import disk
from textbook.disk import BLOCK, Refused
from textbook.files import patches
from textbook.log import NODE, NODE_ORIGIN, STORE

STORE_ID = bytes.fromhex(STORE)
LEN = 65536
GENERATIONS = [bytes([file]) * 31 + b"g" for file in range(16)]
STALE = bytes(range(32))
NOTHING = bytes(BLOCK)
FORMAT = disk.format_text(STORE, NODE, "/".join(NODE_ORIGIN.split("/")[:-2]))
cases = []


def content(n):
    """What slot n holds here: a few bytes, or, for every third, more than a block."""
    return f"slot {n}".encode() + b"." * (4194 if n % 3 == 2 else 0)


def slot(n, file=0, data=None, **changes):
    return disk.slot(GENERATIONS[file], n, content(n) if data is None else data, **changes)


def tail_file(name, *blocks, length=LEN, **changes):
    """(number, bytes) of a file with these blocks behind its header, and zeros to its length."""
    said = changes.pop("said", length)
    data = disk.file_header(**({"store": STORE_ID, "number": name, "length": said, "generation": GENERATIONS[name]} | changes)) + b"".join(blocks)
    assert len(data) <= length
    return name, data + bytes(length - len(data))


def put(name, files, expect, **more):
    got = judged(files)
    if "refuse" not in expect:
        expect = {"first": 0} | expect
        slots = got.pop("slots")
        assert [made["number"] for made in slots] == list(range(expect["first"], expect["first"] + len(slots))), name
        assert got == {"then": expect["then"], "read_only": expect.get("read_only", False)} and len(slots) == expect["slots"], (name, got, len(slots))
        expect = {"slots": slots, "then": expect["then"], "read_only": got["read_only"]}
    assert "refuse" not in expect or got == expect, (name, got, expect)
    shown = [{"name": f"{number:012d}", "len": len(data), "patches": patches(data)} for number, data in files]
    cases.append({"name": name, "files": shown} | more | {"expect": expect})


def judged(files):
    try:
        read = [disk.TailFile(number, data, STORE_ID) for number, data in sorted(files)]
        slots, then = disk.walk(read)
        return {"slots": slots, "then": then, "read_only": any(file.read_only for file in read)}
    except Refused as refused:
        return {"refuse": refused.args[0]}


def found(slots, first=0, **then):
    """So many good slots from `first` on, then this."""
    return {"slots": slots, "first": first, "then": then}


def bad(n, offset, length, file=0, later=False):
    return {"bad": n, "file": file, "offset": offset, "len": length, "later": later}


def refuse(name, files, word="damaged"):
    put(name, files, {"refuse": word})


def good():
    put("a file without slots", [tail_file(0)], found(0, end=0))
    put("one slot", [tail_file(0, slot(0))], found(1, end=1))
    put("five slots", [tail_file(0, *map(slot, range(5)))], found(5, end=5))
    put("the batches of batch.json", [tail_file(0, *[disk.slot(GENERATIONS[0], n, data) for n, (_, data) in enumerate(BATCHES[:3])]), tail_file(1, disk.slot(GENERATIONS[1], 3, BATCHES[3][1]), disk.slot(GENERATIONS[1], 4, BATCHES[4][1]), length=LEN * 2)], found(5, end=5), batches=True)
    put("a slot that fills its blocks", [tail_file(0, slot(0, data=b"x" * (2 * BLOCK - 64)), slot(1))], found(2, end=2))
    put("a slot of one byte more", [tail_file(0, slot(0, data=b"x" * (2 * BLOCK - 63)), slot(1))], found(2, end=2))
    put("a slot of no bytes", [tail_file(0, slot(0, data=b""), slot(1))], found(2, end=2))
    put("a file filled to its end", [tail_file(0, *[slot(n, data=b"") for n in range(15)])], found(15, end=15))
    put("a slot that fills the whole file", [tail_file(0, slot(0, data=b"x" * (15 * BLOCK - 64)))], found(1, end=1))
    put("goes on in the next file", [tail_file(0, slot(0), slot(1)), tail_file(1, slot(2, 1), slot(3, 1))], found(4, end=4))
    put("goes on after a full file", [tail_file(0, *[slot(n, data=b"") for n in range(15)]), tail_file(1, slot(15, 1))], found(16, end=16))
    put("a file prepared ahead", [tail_file(0, slot(0)), tail_file(1)], found(1, end=1))
    put("two files prepared ahead", [tail_file(0, slot(0)), tail_file(1), tail_file(2)], found(1, end=1))
    put("a file too small, then one with room", [tail_file(0, slot(0)), tail_file(1), tail_file(2, slot(1, 2, b"y" * LEN), length=LEN * 2)], found(2, end=2))
    put("a larger file", [tail_file(0, slot(0, data=b"z" * LEN), length=LEN + 2 * BLOCK)], found(1, end=1))
    put("file 0 released", [tail_file(1, slot(7, 1), slot(8, 1))], found(2, 7, end=9))
    put("file 0 released, one empty before the first", [tail_file(1), tail_file(2, slot(7, 2))], found(1, 7, end=8))
    put("file 0 without slots, all in file 1", [tail_file(0), tail_file(1, slot(0, 1))], found(1, end=1))
    put("a number missing among the files' own", [tail_file(0, slot(0)), tail_file(2, slot(1, 2))], found(2, end=2))
    put("only empty files, not from 0", [tail_file(3), tail_file(4)], found(0, end=0))


def left_over():
    """Bytes that mean nothing."""
    stale = [disk.slot(STALE, n, content(n)) for n in range(6)]
    put("stale slots of an older generation behind the last", [tail_file(0, slot(0), slot(1), *stale[2:5])], found(2, end=2))
    put("a stale slot of the very number expected", [tail_file(0, slot(0), stale[1])], found(1, end=1))
    put("a stale slot in the first block", [tail_file(0, stale[0])], found(0, end=0))
    put("a stale first block in the file after", [tail_file(0, slot(0)), tail_file(1, stale[1])], found(1, end=1))
    put("a slot of the generation of another file", [tail_file(0, slot(0)), tail_file(1, slot(1, 0))], found(1, end=1))
    put("a slot header without its generation's checksum", [tail_file(0, slot(0), (b"INDLSLOT" + bytes(32) + disk.le(1, 8) + bytes(16)).ljust(BLOCK, b"\0"))], found(1, end=1))
    put("random bytes", [tail_file(0, slot(0), b"\x5a" * (3 * BLOCK))], found(1, end=1))
    put("ones", [tail_file(0, slot(0), b"\xff" * (3 * BLOCK))], found(1, end=1))
    put("the generation one byte off its place", [tail_file(0, slot(0), (b"INDLSLOT\0" + GENERATIONS[0]).ljust(BLOCK, b"\0"))], found(1, end=1))
    inside = b"e" * (BLOCK - 64)
    put("a slot header planted at a block inside a slot, of another generation", [tail_file(0, slot(0, data=inside + disk.slot(STALE, 9, b"planted") + b"e"), slot(1))], found(2, end=2))
    put("a whole slot planted inside a slot, behind it the end", [tail_file(0, slot(0), slot(1, data=inside + disk.slot(STALE, 2, b"planted") * 2))], found(2, end=2))
    torn = bytearray(slot(1, data=inside + disk.slot(STALE, 2, b"planted") * 2))
    torn[100] ^= 1
    put("a slot with a planted one inside, torn", [tail_file(0, slot(0), bytes(torn))], found(1, **bad(1, 2 * BLOCK, 3 * BLOCK)))
    torn[3] ^= 1
    put("a slot with a planted one inside, its header torn", [tail_file(0, slot(0), bytes(torn))], found(1, **bad(1, 2 * BLOCK, LEN - 2 * BLOCK)))


def torn():
    """The last slot, half written."""
    whole = slot(2)
    at = 3 * BLOCK
    assert len(whole) == 2 * BLOCK
    before = [slot(0), slot(1)]

    def put_torn(name, data, length=2 * BLOCK):
        put(f"torn: {name}", [tail_file(0, *before, data)], found(2, **bad(2, at, length)))

    rest = LEN - at
    put_torn("the second block not written", whole[:BLOCK])
    put_torn("the first byte wrong behind the header", whole[:64] + b"X" + whole[65:])
    put_torn("the last byte wrong", whole[: 64 + 4199] + b"X" + whole[64 + 4200 :])
    put_torn("one sector of zeros", whole[:1024] + bytes(512) + whole[1536:])
    put_torn("nonzero padding", whole[:-1] + b"X")
    put_torn("the padding's first byte", whole[: 64 + 4200] + b"X" + whole[64 + 4201 :])
    put_torn("header alone", whole[:64])
    put_torn("magic wrong", b"INDLSLOP" + whole[8:], rest)
    put_torn("number wrong", whole[:40] + b"\xee" + whole[41:], rest)
    put_torn("length wrong", whole[:48] + b"\xee" + whole[49:], rest)
    put_torn("checksum of the bytes wrong", whole[:56] + b"\xee" + whole[57:], rest)
    put_torn("checksum of the header wrong", whole[:60] + bytes([whole[60] ^ 1]) + whole[61:], rest)
    put_torn("the generation without the rest", (bytes(8) + GENERATIONS[0]).ljust(BLOCK, b"\0"), rest)
    put_torn("generation wrong, checksum right", whole[:20] + b"\xee" + whole[21:], rest)
    put_torn("generation of zeros, checksum right", whole[:8] + bytes(32) + whole[40:], rest)
    put_torn("the checksum of a wrong magic", slot(2, magic=b"INDLSLOP"), rest)
    put_torn("length past the file", slot(2, length=LEN), rest)
    put_torn("length past the file by a byte", slot(2, length=13 * BLOCK - 63), rest)
    put_torn("length over the bound", slot(2, length=disk.SLOT_BYTES_MAX + 1), rest)
    put("torn: the first block of all", [tail_file(0, slot(0)[:64])], found(0, **bad(0, BLOCK, BLOCK)))
    put("torn: length beyond the padding of one block", [tail_file(0, slot(0, length=BLOCK))], found(0, **bad(0, BLOCK, 2 * BLOCK)))
    put("torn: in the next file", [tail_file(0, slot(0)), tail_file(1, slot(1, 1)[:64])], found(1, **bad(1, BLOCK, BLOCK, 1)))
    put("torn: header in the next file", [tail_file(0, slot(0)), tail_file(1, b"X" + slot(1, 1)[1:])], found(1, **bad(1, BLOCK, LEN - BLOCK, 1)))
    put("torn: a file between without slots", [tail_file(0, slot(0)), tail_file(1), tail_file(2, slot(1, 2)[:64])], found(1, **bad(1, BLOCK, BLOCK, 2)))
    put("torn: stale slots behind it", [tail_file(0, *before, whole[:BLOCK], NOTHING, disk.slot(STALE, 3, b"old"))], found(2, **bad(2, at, 2 * BLOCK)))
    put("torn: an older slot of this use behind it", [tail_file(0, *before, whole[:BLOCK], NOTHING, slot(1))], found(2, **bad(2, at, 2 * BLOCK)))
    put("torn: its own number again behind it", [tail_file(0, *before, whole[:BLOCK], NOTHING, slot(2, data=b"again"))], found(2, **bad(2, at, 2 * BLOCK)))


def damage():
    """What was durable and isn't there."""
    flipped = bytearray(slot(1))
    flipped[66] ^= 1
    header = bytearray(slot(1))
    header[44] ^= 1
    put("bytes wrong, a later slot", [tail_file(0, slot(0), bytes(flipped), slot(2))], found(1, **bad(1, 2 * BLOCK, BLOCK, later=True)))
    put("header wrong, a later slot", [tail_file(0, slot(0), bytes(header), slot(2))], found(1, **bad(1, 2 * BLOCK, LEN - 2 * BLOCK, later=True)))
    put("bytes wrong, a later slot in the next file", [tail_file(0, slot(0), bytes(flipped)), tail_file(1, slot(2, 1))], found(1, **bad(1, 2 * BLOCK, BLOCK, later=True)))
    put("bytes wrong, a later header whose bytes are wrong too", [tail_file(0, slot(0), bytes(flipped), slot(2)[:64])], found(1, **bad(1, 2 * BLOCK, BLOCK, later=True)))
    put("bytes wrong, a later header far behind", [tail_file(0, slot(0), bytes(flipped), *[NOTHING] * 9, slot(5)[:64])], found(1, **bad(1, 2 * BLOCK, BLOCK, later=True)))
    put("bytes wrong, a later header past the first block of a later file", [tail_file(0, slot(0), bytes(flipped)), tail_file(1, NOTHING, slot(2, 1))], found(1, **bad(1, 2 * BLOCK, BLOCK, later=True)))
    put("bytes wrong, a later header inside its own place", [tail_file(0, slot(0), bytes(slot(1, data=b"e" * (BLOCK - 64) + slot(2, data=b"true generation"), crc=0)))], found(1, **bad(1, 2 * BLOCK, 2 * BLOCK, later=True)))
    put("first slot wrong, a later one", [tail_file(0, b"X" + slot(0)[1:], slot(1))], found(0, **bad(0, BLOCK, LEN - BLOCK, later=True)))
    put("a slot of zeros, a later one", [tail_file(0, slot(0), NOTHING, slot(2))], found(1, missing=1))
    put("a stale slot, a later one", [tail_file(0, slot(0), disk.slot(STALE, 1, content(1)), slot(2))], found(1, missing=1))
    put("zeros, a later header whose bytes are wrong", [tail_file(0, slot(0), NOTHING, slot(2)[:64])], found(1, missing=1))
    put("zeros, a later one far behind in the next file", [tail_file(0, slot(0)), tail_file(1, NOTHING, NOTHING, slot(1, 1))], found(1, missing=1))
    put("the next file begins with a larger number", [tail_file(0, slot(0)), tail_file(1, slot(2, 1))], found(1, missing=1))
    put("a larger number in its place", [tail_file(0, slot(0), slot(2))], found(1, missing=1))
    put("the first of all is 1", [tail_file(0, slot(1))], found(0, missing=0))
    put("the first of all missing", [tail_file(0, NOTHING, slot(1))], found(0, missing=0))
    put("a file in the middle removed", [tail_file(0, slot(0)), tail_file(2, slot(3, 2))], found(1, missing=1))
    put("a smaller number in its place", [tail_file(0, slot(0), slot(0))], found(1, **bad(1, 2 * BLOCK, BLOCK)))
    put("a smaller number in its place, a later slot", [tail_file(0, slot(0), slot(0), slot(2))], found(1, **bad(1, 2 * BLOCK, BLOCK, later=True)))
    put("the same number in the next file", [tail_file(0, slot(0)), tail_file(1, slot(0, 1))], found(1, end=1))
    put("the next file begins with the first number again", [tail_file(0, *map(slot, range(3))), tail_file(1, slot(0, 1))], found(3, end=3))
    put("the next file begins with an earlier number", [tail_file(0, *map(slot, range(3))), tail_file(1, slot(1, 1))], found(3, end=3))
    put("the next file repeats a number, the one after goes on", [tail_file(0, *map(slot, range(3))), tail_file(1, slot(0, 1)), tail_file(2, slot(3, 2))], found(4, end=4))
    put("the next file begins with an earlier number and holds a later one", [tail_file(0, *map(slot, range(3))), tail_file(1, slot(1, 1), slot(3, 1))], found(3, missing=3))
    put("file 0 released, the first number again in the next file", [tail_file(1, slot(7, 1), slot(8, 1)), tail_file(2, slot(7, 2))], found(2, 7, end=9))
    refuse("file 0 released, the first block torn", [tail_file(1, b"X" + slot(7, 1)[1:], slot(8, 1))])
    refuse("file 0 released, slots only behind the first block", [tail_file(1, NOTHING, slot(8, 1))])
    refuse("file 0 released, the first block bad and nothing else", [tail_file(1, b"X" + slot(7, 1)[1:])])
    put("file 0 released, the first slot's bytes wrong", [tail_file(1, slot(7, 1)[:64] + bytes(BLOCK - 64), slot(8, 1))], found(0, 7, **bad(7, BLOCK, BLOCK, 1, True)))


def headers():
    at_start = slot(0)
    for name, changes in {"magic": {"magic": b"INDLTAIK"}, "block size 512": {"block": 512}, "block size 0": {"block": 0}, "another number than its name": {"number": 1}, "said longer than it is": {"said": LEN + BLOCK}, "said shorter than it is": {"said": LEN - BLOCK},
                          "said to be of length 0": {"said": 0}, "nonzero behind the generation": {"padding": b"\1"}, "nonzero at the end": {"padding": bytes(3995) + b"\1"}}.items():
        refuse(f"file header: {name}", [tail_file(0, at_start, **({"generation": GENERATIONS[0]} | changes))])
    refuse("file header: version 2", [tail_file(0, at_start, version=2)], "unsupported")
    refuse("file header: version 2, and all the rest otherwise", [(0, disk.with_crc(b"INDLTAIL\2\0\0\0" + b"\xff" * 4080) + b"\xff" * (LEN - BLOCK))], "unsupported")
    refuse("file header: an incompatible feature", [tail_file(0, at_start, incompatible=1)], "unsupported")
    refuse("file header: the highest incompatible feature", [tail_file(0, at_start, incompatible=1 << 63)], "unsupported")
    refuse("file header: another store", [tail_file(0, at_start, store=bytes(16))])
    put("file header: a read-only feature", [tail_file(0, at_start, read_only=1)], found(1, end=1) | {"read_only": True})
    put("file header: the highest read-only feature", [tail_file(0, at_start, read_only=1 << 63)], found(1, end=1) | {"read_only": True})
    put("file header: a read-only feature in a file prepared ahead", [tail_file(0, at_start), tail_file(1, read_only=1)], found(1, end=1) | {"read_only": True})
    number, data = tail_file(0, at_start)
    refuse("file header: version 2, checksum wrong", [(number, data[:8] + b"\2" + data[9:])])
    refuse("file header: checksum wrong", [(number, data[:4095] + bytes([data[4095] ^ 1]) + data[4096:])])
    refuse("file header: a generation's bit turned", [(number, data[:70] + b"\1" + data[71:])])
    refuse("file header: of zeros", [(number, bytes(BLOCK) + data[BLOCK:])])
    refuse("file cut by a block", [(number, data[:-BLOCK])])
    refuse("file cut by a byte", [(number, data[:-1])])
    refuse("file of no bytes", [(number, b"")])
    refuse("file of its header's first half", [(number, data[:2048])])
    refuse("file longer by a block", [(number, data + bytes(BLOCK))])
    refuse("file header: bad in a file prepared ahead", [(number, data), (1, bytes(LEN))])
    refuse("file header: another store in the last file", [(number, data), tail_file(1, store=bytes(16))])


def format_files():
    """FORMAT, right and wrong: (name, text, word, or whether the store is only read)."""
    def text(**changes):
        return disk.format_text(STORE, NODE, "log.example.org", **changes)

    def spoiled(old, new, **changes):
        """One change, the digest right again."""
        lines, _ = text(**changes).split("sha256 ")
        assert lines.count(old) == 1, old
        lines = lines.replace(old, new)
        return f"{lines}sha256 {hashlib.sha256(lines.encode()).hexdigest()}\n"

    good = text()
    yield "shortest paths", good, False
    yield "with paths and no birth time", text(keys="/etc/the%20keys/%E2%80%94", register="/r", born="unknown"), False
    yield "largest tail", text(tail_size=1 << 30), False
    yield "volatile", spoiled("volatile no", "volatile yes"), False
    for bit in (0, 40, 63):
        yield f"read-only feature {bit}", text(read_only=1 << bit), True
        yield f"incompatible feature {bit}", text(incompatible=1 << bit), "unsupported"
    yield "both features", text(incompatible=2, read_only=2), "unsupported"
    yield "version 2", text(version="v2"), "unsupported"
    yield "version 0, of drafts", text(version="v0"), "unsupported"
    yield "version 10 and other lines", spoiled("indelible-store v1", "indelible-store v10\nanything"), "unsupported"
    yield "version 2, digest wrong", good.replace("v1", "v2"), "damaged"
    for version in ("v00", "v", "v-1", "0", "V0"):
        yield f"version written {version}", text(version=version), "damaged"
    yield "of no bytes", "", "damaged"
    yield "last LF missing", good[:-1], "damaged"
    yield "an empty line more", good + "\n", "damaged"
    yield "digest wrong", good[:-2] + ("0" if good[-2] != "0" else "1") + "\n", "damaged"
    yield "an incompatible feature, digest wrong", text(incompatible=1)[:-2] + "x\n", "damaged"
    for old, new in {"block 4096": "block 512", "tail-size 65536": "tail-size 65537", "tail-size": "tailsize", "read-only 0": "read-only 00", "incompatible 0": "incompatible +0", "read-only 0\n": "read-only 18446744073709551616\n",
                     "volatile no": "volatile maybe", "keys none": "keys relative/path", "register none": "register /a%2Fb", "inode ": "inode  ", "born 1767323045.060000000": "born 1767323045.06"}.items():
        yield f"{new.strip()} for {old.strip()}", spoiled(old, new), "damaged"
    yield "tail of 32 KiB", text(tail_size=32768), "damaged"
    yield "tail of 2 GiB", text(tail_size=1 << 31), "damaged"
    yield "a line missing", spoiled("volatile no\n", ""), "damaged"
    yield "lines in another order", spoiled("incompatible 0\nread-only 0\n", "read-only 0\nincompatible 0\n"), "damaged"


def formats():
    for name, text, expect in format_files():
        try:
            got = disk.read_format(text)
        except Refused as refused:
            got = refused.args[0]
        assert got == expect, (name, got, expect)
        yield {"name": name, "format": text, "expect": {"refuse": got} if isinstance(got, str) else {"read_only": got}}


def document():
    cases.clear()
    for group in (good, left_over, torn, damage, headers):
        group()
    return {"file": "tail", "spec": "docs/spec/tail.md", "store": STORE, "format": FORMAT, "formats": list(formats()), "cases": list(cases)}
