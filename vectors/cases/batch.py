"""batch.json: whole batches and what they say, and each single fault once (docs/spec/batch.md)."""

import hashlib
import re

from cases.history import BATCHES, KEY, LOGS, NODE, ORDERS, SEED, STORE_ID, Part, built, digest, notes_of
from textbook import batch as wire
from textbook import ed25519, note
from textbook.disk import Refused, crc32c
from textbook.files import b64
from textbook.log import NODE_ORIGIN, STORE, Log
from textbook.tree import Tree, sha256

OTHER_SEED = b"\7" * 32
NAMES = [name for name, _ in BATCHES]
cases, states = [], {}


def judged(data, state):
    """(the word or None, what the batch says or None, the state after it)."""
    before, logs = state
    try:
        found, rows, notes = wire.read(data, STORE_ID, KEY, before, logs)
    except Refused as refused:
        return refused.args[0], None, None
    after = {log: (origin, entries + next((row["entries"] for row in rows if row["log"] == log), [])) for log, (origin, entries) in logs.items()}
    return None, said(found, rows, notes), (found, after)


def said(found, rows, notes):
    return {"number": found["number"], "epoch": found["epoch"], "writer": found["writer"].hex(), "mark": found["mark"], "time": wire.time_text(*found["time"]), "digest": found["digest"].hex(),
            "notes": [{"origin": origin, "size": size, "root": root.hex()} for _, (origin, size, root) in notes], "rows": [row_said(row) for row in rows]}


def row_said(row):
    lines = "".join(wire.record_line(*record) + "\n" for record in row["records"])
    heads = {"heads": [record[0] for record in row["records"]]} if row["count"] <= 4 else {}
    return {"log": row["log"].hex(), "first": row["first"], "count": row["count"], "size": row["size"], "root": row["root"].hex(), "entries_b64": b64(b"".join(row["entries"])),
            "lines_sha256": hashlib.sha256(lines.encode()).hexdigest()} | heads


def put(name, after, data, expect, shown=None):
    word, says, state = judged(data, states[after])
    assert word == expect, (name, word, expect)
    assert name not in states and all(case["name"] != name for case in cases), name
    shown = shown or {"batch_b64": b64(data)}
    if word is None:
        states[name] = state
    cases.append({"name": name, "after": after} | shown | {"expect": {"refuse": word} if word else says})


def second(name, expect, parts=None, after=NAMES[0], repeated=None, **changes):
    """A batch 1 on batch 0, as the second of the history but for the changes. Of a `repeated` byte the longest run is written short."""
    parts = [Part(NODE, 2, 1), Part(ORDERS, 0, 3)] if parts is None else parts
    data = built(1, **({"before": digest(BATCHES[0][1]), "parts": parts} | changes))
    put(name, after, data, expect, short(data, repeated) if repeated else None)


def short(data, byte):
    start, end = max((match.span() for match in re.finditer(byte + b"+", data)), key=lambda span: span[1] - span[0])
    return {"prefix_b64": b64(data[:start]), "repeat_b64": b64(byte), "count": end - start, "suffix_b64": b64(data[end:])}


def longer(number, by=1):
    """A varint with so many bytes more than it needs."""
    return number[:-1] + bytes([number[-1] | 128]) + b"\x80" * (by - 1) + b"\0"


def damaged(name, parts=None, **changes):
    second(name, "damaged", parts, **changes)


def node_part():
    return Part(NODE, 2, 1)


def good():
    for at, (name, data) in enumerate(BATCHES):
        put(name, NAMES[at - 1] if at else None, data, None)
    second("one frame for each record", None, [Part(ORDERS, 0, 3, cuts=[1, 2])])
    second("frames of one record and of two", None, [Part(ORDERS, 0, 3, cuts=[1])])
    second("rows in another order", None, [Part(ORDERS, 0, 3), Part(NODE, 2, 1)])
    # Heads are not judged here: what breaks a rule for them is the log's fault, and its bytes are in order.
    second("a time that does not rise, in a frame: the log's fault", None, [Part(STILL, 0, 3)])
    second("a time that does not rise, from frame to frame: the log's fault", None, [Part(STILL, 0, 3, cuts=[2])])
    second("a time before the record before's, from frame to frame: the log's fault", None, [Part(BACK, 0, 3, cuts=[2])])
    second("an event gone", None, [Part(ORDERS, 0, 3, gone=[1])])
    second("all events gone", None, [Part(ORDERS, 0, 3, gone=[0, 1, 2])])
    second("a mark without notes", None, [], flags=1)
    second("no rows and no mark", None, [])
    second("a note among rows", None, [node_part()], notes=notes_of((NODE, 2)))
    second("a larger epoch, another writer", None, epoch=2, writer=b"\xff" * 16)
    second("the time of the batch before", None, [], time="2026-11-23T11:00:00.000000000Z")
    second("the time of its last record", None, before=digest(EARLY), after="0, early", time="2026-11-23T10:00:02.000000000Z")
    second("own fields, nine records, one gone", None, [Part(RICH, 0, 9, gone=[3])])
    second("a record of 300 KB", None, [Part(LARGE, 0, 2, cuts=[1])], repeated=b"y")


def early():
    """A batch 0 whose time is that of its last record, so that what follows may be as early as its own records."""
    return built(0, bytes(32), [Part(NODE, 0, 2)], time="2026-11-23T10:00:01.000000000Z")


EARLY = early()


def rich():
    log = Log("log.example.org/rich/00112233445566ff")
    log.genesis()
    log.add('{"a":"é"}', occurred="2026-11-23T09:59:59.999999999Z")
    log.add("{}", key="order-1#0")
    log.add("{}", src="till", epoch=1, n=9)
    log.add("{}", occurred="2026-11-23T09:59:59.999999999Z", src="till", epoch=1, n=10, key="order-2", psig="ab" * 32)
    log.add("{}", psig="cd" * 32)
    log.add('{"x":"' + "y" * 300 + '"}', by="dns:till%20one", **{"from": "2001:db8::7", "cert": "ce" * 32})
    log.add("{}", policy=7, format="cloudevents", time="2026-11-23T10:00:06.000000001Z")
    log.add("{}", time="2026-11-23T10:59:59.999999999Z")
    return log


def large():
    log = Log("log.example.org/large/00112233445566ff")
    log.genesis()
    log.add('{"y":"' + "y" * 300_000 + '"}')
    return log


def timed(name, *times):
    log = Log(f"log.example.org/{name}/00112233445566ff")
    log.genesis()
    for time in times:
        log.add("{}", time=f"2026-11-23T10:00:{time}Z")
    return log


RICH, LARGE = rich(), large()
STILL, BACK = timed("still", "01.000000000", "01.000000000"), timed("back", "01.000000001", "01.000000000")
OTHERS = [RICH, LARGE, STILL, BACK]


def header_faults():
    second("version 2", "unsupported", version=2)
    second("version 2^32 − 1", "unsupported", version=2**32 - 1)
    damaged("wrong magic", magic=b"INDLBATC")
    damaged("a flag nobody knows", flags=2)
    damaged("the mark and a flag nobody knows", [], flags=3)
    damaged("the highest flag", flags=1 << 31)
    damaged("a mark with rows", flags=1)
    damaged("nonzero after the time", zero=1)
    damaged("a billion nanoseconds", [], time=(1795172400, 10**9))
    damaged("one row fewer than there are", row_count=1)
    damaged("one row more than there are", row_count=3)
    damaged("4,097 rows claimed", row_count=4097)
    damaged("2^32 − 1 rows claimed", row_count=2**32 - 1)
    damaged("notes shorter than claimed", notes_len=1)
    damaged("notes of 2^32 − 1 bytes claimed", notes_len=2**32 - 1)
    damaged("rows root wrong", root=sha256(b"x"))
    damaged("rows root of no rows", root=sha256(b""))
    damaged("notes digest wrong", notes_digest=sha256(b"x"))
    damaged("time before a record's", before=digest(EARLY), after="0, early", time="2026-11-23T10:00:01.999999999Z")
    data = BATCHES[1][1]
    for name, size in (("nothing", 0), ("header cut", 183), ("header alone", 184), ("signature cut", 247), ("rows cut", 248 + 87), ("entries cut", 248 + 2 * 88 + 31), ("last byte missing", len(data) - 1)):
        put(name, NAMES[0], data[:size], "damaged")
    put("a byte after the last frame", NAMES[0], data + b"\0", "damaged")
    put("a block of zeros after the last frame", NAMES[0], data + bytes(4096), "damaged")
    put("a byte after a mark's notes", NAMES[1], BATCHES[2][1] + b"\0", "damaged")


def places():
    second("another store", "misplaced", store=bytes(16))
    second("previous digest wrong", "misplaced", before=sha256(b"x"))
    second("previous digest without the label", "misplaced", before=sha256(BATCHES[0][1][:184]))
    second("previous digest with the signature", "misplaced", before=sha256(wire.LABEL + BATCHES[0][1][:248]))
    second("previous digest zero", "misplaced", before=bytes(32))
    put("number too large", NAMES[0], built(2, digest(BATCHES[0][1]), [node_part()]), "misplaced")
    put("number 0 again", NAMES[0], built(0, bytes(32), [node_part()], time="2026-11-23T11:00:01.000000000Z"), "misplaced")
    put("batch 0 with a previous digest", None, built(0, sha256(b"x"), [Part(NODE, 0, 2)]), "damaged")
    put("begins with 1", None, built(1, bytes(32), [Part(NODE, 0, 2)]), "misplaced")
    second("a smaller epoch", "misplaced", epoch=0)
    second("the same epoch, another writer", "misplaced", writer=b"\xff" * 16)
    second("time before the batch before's", "misplaced", [], time="2026-11-23T10:59:59.999999999Z")
    second("a seq left out", "misplaced", [Part(NODE, 3, 1)])
    second("a seq again", "misplaced", [Part(NODE, 1, 2)])
    second("an unknown log that doesn't begin", "misplaced", [Part(ORDERS, 1, 2)])
    put("another batch's bytes", NAMES[0], BATCHES[2][1], "misplaced")


def signatures():
    data = BATCHES[1][1]
    good = data[184:248]
    order = ed25519.L.to_bytes(32, "little")
    too_large = good[:32] + (int.from_bytes(good[32:], "little") + int.from_bytes(order, "little")).to_bytes(32, "little")
    for name, signature in (("signature by another key", ed25519.sign(OTHER_SEED, wire.LABEL + data[:184])), ("signature by a log's key", ed25519.sign(ORDERS.key.seed, wire.LABEL + data[:184])),
                            ("signature over the header without the label", ed25519.sign(SEED, data[:184])), ("signature over the header's digest", ed25519.sign(SEED, digest(data))),
                            ("signature of another batch", BATCHES[0][1][184:248]), ("signature of zeros", bytes(64)), ("signature with a bit turned", good[:63] + bytes([good[63] ^ 1])), ("signature with S + L", too_large)):
        put(name, NAMES[0], data[:184] + signature + data[248:], "forged")
    for name, at in (("time changed, not signed anew", 175), ("epoch changed, not signed anew", 47), ("number changed, not signed anew", 39)):
        put(name, NAMES[0], data[:at] + bytes([data[at] + 1]) + data[at + 1 :], "forged")


def rows():
    damaged("sum of a row wrong", [Part(NODE, 2, 1, size=4), Part(ORDERS, 0, 3)])
    damaged("sum of a row one too small", [node_part(), Part(ORDERS, 0, 3, size=2)])
    damaged("nonzero in a row", [Part(NODE, 2, 1, zero=1), Part(ORDERS, 0, 3)])
    damaged("count 0", [Part(NODE, 2, 0, frames=[], root=NODE.tree().root(0, 2)), Part(ORDERS, 0, 3)])
    damaged("65,537 records claimed", [Part(NODE, 2, 1, said_count=65537, size=65539)])
    damaged("a log twice", [Part(ORDERS, 0, 1), Part(ORDERS, 1, 2)])
    damaged("the same row twice", [Part(ORDERS, 0, 3), Part(ORDERS, 0, 3)])
    damaged("a log's first entry isn't its id", [node_part(), Part(ORDERS, 0, 3, log_id=sha256(b"x"))])
    damaged("root after wrong", [node_part(), Part(ORDERS, 0, 3, root=sha256(b"x"))])
    damaged("root after without the records before", [Part(NODE, 2, 1, root=Tree([NODE.records[2].entry]).root(0, 1))])
    damaged("root after of the size before", [Part(NODE, 2, 1, root=NODE.tree().root(0, 2))])
    turned = [ORDERS.records[0].entry, sha256(b"x"), ORDERS.records[2].entry]
    damaged("an entry that isn't its record's", [node_part(), Part(ORDERS, 0, 3, entries=turned, frames=Part(ORDERS, 0, 3).frames)])
    data = BATCHES[1][1]
    at = 248 + 2 * 88
    put("a row changed, the root not", NAMES[0], data[:335] + bytes([data[335] ^ 1]) + data[336:], "damaged")
    put("an entry changed, the root not", NAMES[0], data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "damaged")


def notes():
    good = notes_of((NODE, 2))
    text = NODE.checkpoint(2).encode()
    for name, data in (("a note longer than what is there", wire.be(len(text) + 1, 4) + text), ("a note of 2^32 − 1 bytes claimed", b"\xff" * 4 + text), ("a length cut short", good + b"\0\0\0"), ("a note of no bytes", bytes(4)),
                       ("a note without signature", wire.framed_notes([note.body(NODE_ORIGIN, 2, NODE.tree().root(0, 2))])), ("a note that is no checkpoint", wire.framed_notes([NODE.checkpoint(2).replace("\n2\n", "\ntwo\n")])),
                       ("zeros after the notes", good + bytes(4))):
        damaged(name, [node_part()], notes=data)
    damaged("notes changed, the digest not", [node_part()], notes=good.replace(b"\n2\n", b"\n1\n"), notes_digest=sha256(good))
    long_note()


def long_note():
    """A note of 256 KiB and a byte: the name of its second signature is long."""
    size = (256 << 10) + 1
    text = NODE.checkpoint(2) + note.signature_line("NAME", b"\1\2\3\4", b"x" * 64)
    text = text.replace("NAME", "a" * (size - len(text.encode()) + 4))
    assert len(text.encode()) == size
    damaged("a note of 256 KiB and a byte", [node_part()], notes=wire.framed_notes([text]), repeated=b"a")


def frames():
    three = ORDERS.records[:3]
    raw = b"".join(wire.columns(three))

    def with_frames(name, *made, expect="damaged"):
        second(name, expect, [node_part(), Part(ORDERS, 0, 3, frames=list(made))])

    one, two, whole = wire.frame(three[:1], 0), wire.frame(three[1:], 1), wire.frame(three, 0)
    with_frames("frame checksum wrong", wire.frame(three, 0, crc=1))
    with_frames("frame checksum without the header", wire.frame(three, 0, crc=crc32c(whole[:20] + raw) ^ crc32c(raw)))
    for name, changes in {"codec 2": {"codec": 2}, "codec 255": {"codec": 255}, "nonzero after the codec": {"zero": 1}, "raw length larger than stored": {"raw_len": len(raw) + 1}, "raw length smaller than stored": {"raw_len": len(raw) - 1},
                          "stored length larger than there is": {"raw_len": len(raw) + 1, "stored_len": len(raw) + 1}, "stored length smaller than there is": {"raw_len": len(raw) - 1, "stored_len": len(raw) - 1},
                          "raw length of 256 KiB and a byte claimed": {"raw_len": (256 << 10) + 1, "stored_len": (256 << 10) + 1}, "lengths of 2^32 − 1 claimed": {"raw_len": 2**32 - 1, "stored_len": 2**32 - 1}}.items():
        with_frames(f"frame: {name}", wire.frame(three, 0, **changes))
    for count in (0, 2, 4, 257, 65535):
        with_frames(f"frame: count {count}", wire.frame_of(raw, count, 0))
    with_frames("frame: another first seq", wire.frame_of(raw, 3, 1))
    with_frames("a gap between frames", one, wire.frame(three[2:], 2))
    with_frames("the last frame missing", one)
    with_frames("no frame")
    with_frames("frames in the wrong order", two, one)
    with_frames("a frame twice", one, one, two)
    with_frames("a frame more than the records", whole, wire.frame(ORDERS.records[3:4], 3))
    with_frames("a record more than the row says", wire.frame(ORDERS.records[:4], 0))
    with_frames("frame header cut", one, two[:10])
    crossing = Part(ORDERS, 254, 4, frames=[wire.frame(ORDERS.records[254:258], 254)])
    put("a frame across 256", NAMES[3], built(4, digest(BATCHES[3][1]), [crossing]), "damaged")
    second("a frame of two records over 256 KiB", "damaged", [Part(LARGE, 0, 2)], repeated=b"y")


def column_faults():
    three = ORDERS.records[:3]
    times, shared, own, bits, events, salts, gone = wire.columns(three)
    texts = list(dict.fromkeys(wire.parted(record)[0] for record in three))
    assert len(texts) == 2 and max(map(len, texts)) < 128 and shared.endswith(bytes([0, 1, 1])) and own == bytes(3) and bits == b"\7"
    assert events[2:4] == bytes([len(three[1].event), len(three[2].event)])

    def strings(*values, which=b""):
        return wire.varint(len(values)) + b"".join(wire.varint(len(text)) + text for text in values) + which

    def put_columns(name, **changed):
        parts = {"times": times, "shared": shared, "own": own, "bits": bits, "events": events, "salts": salts, "gone": gone} | changed
        raw = b"".join(parts.values())
        damaged(f"columns: {name}", [node_part(), Part(ORDERS, 0, 3, frames=[wire.frame_of(raw, 3, 0)])])

    second_later = wire.varint(10**9)
    assert times[12:] == second_later * 2
    put_columns("time difference not in the shortest form", times=times[:12] + longer(second_later) + second_later)
    put_columns("time difference of 11 bytes", times=times[:12] + b"\xff" * 10 + b"\1" + second_later)
    put_columns("time difference past 2^64", times=times[:12] + b"\xff" * 9 + b"\x7f" + second_later)
    put_columns("a billion nanoseconds", times=times[:8] + wire.le(10**9, 4) + times[12:])
    put_columns("first time past the year 9999", times=wire.le(253402300800, 8) + times[8:])
    put_columns("first time of 2^64 − 1 seconds", times=b"\xff" * 8 + times[8:])
    put_columns("another time", times=times[:8] + wire.le(1, 4) + times[12:])
    put_columns("no shared string", shared=b"\0")
    put_columns("257 shared strings claimed", shared=wire.varint(257) + shared[1:])
    put_columns("a shared string twice", shared=strings(*texts, texts[1], which=bytes([0, 1, 2])))
    put_columns("a shared string unused", shared=strings(*texts, b'"kind":"event"', which=bytes([0, 1, 1])))
    put_columns("a shared string that isn't there", shared=strings(*texts, which=bytes([0, 1, 2])))
    put_columns("the shared string of another", shared=strings(*texts, which=bytes([0, 1, 0])))
    put_columns("number of strings not in the shortest form", shared=longer(shared[:1]) + shared[1:])
    put_columns("string length not in the shortest form", shared=b"\2" + longer(shared[1:2]) + shared[2:])
    put_columns("string length of 6 bytes", shared=b"\2" + longer(shared[1:2], 5) + shared[2:])
    put_columns("an own field that isn't one", own=bytes([0, 1, 0]) + b",")
    put_columns("own longer than there is", own=bytes([0, 0, 127]))
    put_columns("a bit past the last record", bits=b"\x0f")
    put_columns("a presence bit missing", bits=b"\3")
    put_columns("an event's length one too small", events=events[:2] + bytes([events[2] - 1]) + events[3:])
    put_columns("another event", events=events[:-2] + b"1}")
    put_columns("another salt", salts=salts[:-1] + bytes([salts[-1] ^ 1]))
    put_columns("a salt missing", salts=salts[:-16])
    put_columns("a digest for a record whose event is here", gone=bytes(32))
    put_columns("a byte after the columns", gone=b"\0")


def document():
    cases.clear()
    states.clear()
    states[None] = (None, {bytes.fromhex(log.id): (log.origin, []) for log in [*LOGS, *OTHERS]})
    put("0, early", None, EARLY, None)
    for group in (good, header_faults, places, signatures, rows, notes, frames, column_faults):
        group()
    return {"file": "batch", "spec": "docs/spec/batch.md", "store": STORE, "batch_key": KEY.hex(), "logs": [{"id": log.id, "origin": log.origin} for log in [*LOGS, *OTHERS]], "cases": list(cases)}
