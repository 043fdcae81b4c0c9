"""pack.json: two packs of the batches of batch.json, alone, together and swapped, each single fault once; and the register
(docs/spec/pack.md, batch.md, tail.md)."""

import copy
import hashlib

from cases.history import BATCHES, KEY, LOGS, NODE, ORDERS, SEED, STORE_ID, digest, first_runs
from textbook import batch as wire
from textbook import disk, ed25519, note
from textbook import pack as wire_pack
from textbook.disk import Refused, number_at, require
from textbook.files import b64, edits
from textbook.log import STORE
from textbook.pack import SECTIONS, Run, cover
from textbook.tree import sha256

KEYS_OF = {bytes.fromhex(log.id): log.key.public for log in LOGS}
A, B = (0, 2), (3, 6)
cases, registers = [], []


def frames_of(log, first, end):
    """The frames as they lie in the batches."""
    made = []
    for _, data in BATCHES:
        found, reader = wire.read_header(data), wire.Reader(data)
        reader.take(248)
        rows = wire.read_rows(reader, found)
        reader.take(found["notes"])
        for row in rows:
            reader.take(32 * row["count"])
            seq = row["first"]
            while seq < row["size"]:
                count, size = number_at(data, reader.at + 2, 2), number_at(data, reader.at + 8, 4)
                frame = reader.take(24 + size)
                if row["log"].hex() == log.id and first <= seq < end:
                    made.append(frame)
                seq += count
    return made


def last_runs():
    """Of the pack of batches 3 to 6."""
    runs = [Run(NODE, 3, 1, frames_of(NODE, 3, 4), [4], {4}), Run(ORDERS, 3, 509, frames_of(ORDERS, 3, 512), [254, 512], {254, 258, 512})]
    return sorted(runs, key=lambda run: run.id)


RUNS = {A: first_runs(), B: last_runs()}


class Pair:
    """The two files of one pack. `change` gets the runs, `section` the list of the six sections, before the files are made of them."""

    def __init__(self, name, change=None, section=None, ent=None, rec=None):
        runs = copy.deepcopy(RUNS[name])
        if change:
            runs = change(runs) or runs
        parts = wire_pack.sections(runs)
        if section:
            section(parts)
        said = {"store": STORE_ID, "first": name[0], "last": name[1], "last_digest": digest(BATCHES[name[1]][1]), "run_count": len(runs)} | (ent or {})
        self.ent = wire_pack.ent(parts=parts, **said)
        said = {"store": STORE_ID, "first": name[0], "last": name[1], "ent_digest": wire_pack.digest(self.ent)} | (rec or {})
        self.rec = wire_pack.rec(runs=runs, **said)


GOOD = {A: Pair(A), B: Pair(B)}
BASES = {f"{kind} {name[0]}-{name[1]}": data for name, pair in GOOD.items() for kind, data in (("ent", pair.ent), ("rec", pair.rec))}


def file_name(name, kind):
    return f"{name[0]:012d}-{name[1]:012d}.{kind}"


def shown(data, base):
    """The bytes as changes of a good file's."""
    return {"base": base, "edits": changes(BASES[base], data)}


def changes(old, new):
    """The header apart, so that a section that grew doesn't take the whole file with it."""
    cut = min(wire_pack.ENT, len(new), len(old))
    behind = [[at + cut, removed, inserted] for at, removed, inserted in edits(old[cut:], new[cut:])] if old[cut:] != new[cut:] else []
    return edits(old[:cut], new[:cut]) + behind


def put(name, pair, expect=None, of=B, ent_name=None, rec_name=None, alone=False):
    """A case whose files are written as changes of the good pack `of`."""
    ent_name, rec_name = ent_name or of, rec_name or of
    try:
        header, runs = wire_pack.read(pair.ent, None if alone else pair.rec, STORE_ID, (ent_name, rec_name), KEYS_OF)
        got, says = None, said(header, runs)
    except Refused as refused:
        got, says = refused.args[0], None
    assert got == expect, (name, got, expect)
    files = [{"name": file_name(ent_name, "ent")} | shown(pair.ent, f"ent {of[0]}-{of[1]}")]
    if not alone:
        files.append({"name": file_name(rec_name, "rec")} | shown(pair.rec, f"rec {of[0]}-{of[1]}"))
    cases.append({"name": name, "files": files, "expect": {"refuse": got} if got else says})


def said(header, runs):
    return {"first": header["first"], "last": header["last"], "digest": header["digest"].hex(), "last_header": header["last_digest"].hex(), "read_only": header["read_only"], "runs": [run_said(run) for run in runs]}


def run_said(run):
    told = {"origin": run["origin"], "log": run["log"].hex(), "first": run["first"], "count": run["count"], "time": wire.time_text(*run["time"]), "last_time": wire.time_text(*run["last_time"]), "before": run["before"].hex(), "last": run["last"].hex(),
            "root": run["root"].hex(), "nodes": [made.hex() for made in run["nodes"]], "commits": run["commits"], "notes": [size for _, _, size in run["note_texts"]],
            "entries_sha256": hashlib.sha256(b"".join(run["entries"])).hexdigest(), "frames": [[row["offset"], row["len"], row["count"], row["first"]] for row in run["table"]],
            "keys": [[tag.hex(), run["first"] + place] for tag, place in run["keys"]], "stream_records": [run["first"] + place for place in run["stream_records"]],
            "streams": [[by.decode(), src.decode(), epoch, first, [run["first"] + place for place in places]] for by, src, epoch, first, places in run["streams"]]}
    if "records" in run:
        told["lines_sha256"] = hashlib.sha256("".join(wire.record_line(*record) + "\n" for record in run["records"]).encode()).hexdigest()
    return told


def damaged(name, *, of=B, **change):
    put(name, Pair(of, **change), "damaged", of)


class Mixed:
    def __init__(self, ent, rec):
        self.ent, self.rec = ent, rec


def good():
    put("batches 0 to 2", GOOD[A], of=A)
    put("batches 3 to 6", GOOD[B])
    put("batches 0 to 2, .ent alone", GOOD[A], of=A, alone=True)
    put("batches 3 to 6, .ent alone", GOOD[B], alone=True)
    put("a note fewer, the closing one there", Pair(B, change=lambda runs: keep_notes(runs, -1)))
    put("a read-only feature", Pair(B, ent={"read_only": 1}))

    def without(runs):
        run = orders(runs)
        frame = wire.frame(ORDERS.records[256:258], 256, [0])
        at = next(at for at, row in enumerate(run.table) if row[2] == 256)
        run.frames[at] = frame
        run.table[at] = (len(frame), *run.table[at][1:])

    put("an event gone", Pair(B, change=without))


def orders(runs):
    return next(run for run in runs if run.id.hex() == ORDERS.id)


def keep_notes(runs, since, until=None):
    run = orders(runs)
    run.notes = run.notes[since:until]


def swapped():
    put("the .rec of the other pack", Mixed(GOOD[B].ent, GOOD[A].rec), "misplaced")
    put("the .rec of the other pack, under its name", Mixed(GOOD[B].ent, GOOD[A].rec), "misplaced", rec_name=A)
    put(".ent under the other's name", GOOD[B], "misplaced", ent_name=A, rec_name=A)
    put(".ent alone under the other's name", GOOD[B], "misplaced", ent_name=A, alone=True)
    put("names of another range", GOOD[B], "misplaced", ent_name=(3, 7), rec_name=(3, 7))
    put(".rec names another .ent", Pair(B, rec={"ent_digest": sha256(b"x")}), "misplaced")
    put(".rec names its .ent without the label", Pair(B, rec={"ent_digest": sha256(GOOD[B].ent[:576])}), "misplaced")
    put(".rec names all of its .ent", Pair(B, rec={"ent_digest": sha256(GOOD[B].ent)}), "misplaced")
    put(".ent remade, .rec as it was", Mixed(Pair(B, change=lambda runs: keep_notes(runs, -1)).ent, GOOD[B].rec), "misplaced")
    put(".ent of another store", Pair(B, ent={"store": bytes(16)}), "misplaced")
    put(".rec of another store", Pair(B, rec={"store": bytes(16)}), "misplaced")
    put("both of another store", Pair(B, ent={"store": bytes(16)}, rec={"store": bytes(16)}), "misplaced")
    put(".ent says another range", Pair(B, ent={"last": 7}), "misplaced")
    put(".rec says another range", Pair(B, rec={"first": 4}), "misplaced")
    put("files exchanged, .ent for .rec", Mixed(GOOD[B].rec, GOOD[B].ent), "damaged")


def headers():
    for kind in ("ent", "rec"):
        put(f".{kind}: version 2", Pair(B, **{kind: {"version": 2}}), "unsupported")
        put(f".{kind}: an incompatible feature", Pair(B, **{kind: {"incompatible": 1}}), "unsupported")
        damaged(f".{kind}: wrong magic", **{kind: {"magic": b"INDLPXXX"}})
        damaged(f".{kind}: header length wrong", **{kind: {"header_len": 512}})
        damaged(f".{kind}: nonzero in the header", **{kind: {"zero": 1}})
        size = wire_pack.ENT if kind == "ent" else wire_pack.REC
        data = getattr(GOOD[B], kind)
        for name, broken in (("header checksum wrong", data[: size - 1] + bytes([data[size - 1] ^ 1]) + data[size:]), ("a byte of the header turned", data[:70] + bytes([data[70] ^ 1]) + data[71:]), ("header cut", data[: size - 1]), ("of no bytes", b""),
                             ("last byte missing", data[:-1]), ("a byte more", data + b"\0")):
            put(f".{kind}: {name}", Mixed(broken, GOOD[B].rec) if kind == "ent" else Mixed(GOOD[B].ent, broken), "damaged")
    damaged(".ent: nonzero before the checksum", ent={"zero_last": 1})
    damaged(".ent: nonzero behind a section's digest", ent={"section_zero": 1})
    damaged(".ent: a run fewer than there are", ent={"run_count": 1})
    damaged(".ent: a run more than there are", ent={"run_count": 3})
    damaged(".rec: file length wrong", rec={"length": 1})
    data = GOOD[B].ent
    for at, name in enumerate(SECTIONS):
        start = number_at(data, 104 + 52 * at, 8)
        put(f"section {name}: digest wrong", Mixed(data[:start] + bytes([data[start] ^ 1]) + data[start + 1 :], GOOD[B].rec), "damaged")

    def table(change):
        return {"ent": {"table": change}}

    damaged("sections: a gap", **table(lambda rows: [(offset + (at > 2), size, made) for at, (offset, size, made) in enumerate(rows)]))
    damaged("sections: in another order", **table(lambda rows: [rows[1], rows[0], *rows[2:]]))
    damaged("sections: the first not at 580", **table(lambda rows: [(offset + 1, size, made) for offset, size, made in rows]))
    damaged("sections: the last past the end", **table(lambda rows: rows[:5] + [(rows[5][0], rows[5][1] + 1, rows[5][2])]))
    damaged("sections: a length of 2^64 − 1", **table(lambda rows: rows[:5] + [(rows[5][0], 2**64 - 1, rows[5][2])]))


def runs():
    def on_orders(name, **values):
        def change(made):
            for attribute, value in values.items():
                setattr(orders(made), attribute, value(getattr(orders(made), attribute)))

        damaged(f"run: {name}", change=change)

    def flip(data):
        return bytes([data[0] ^ 1]) + data[1:]

    damaged("runs in the wrong order", change=lambda made: made[::-1])
    damaged("a run twice", change=lambda made: [made[0], made[0], made[1]])
    on_orders("entry before wrong", before=flip)
    on_orders("frontier wrong", frontier=lambda made: [flip(made[0]), *made[1:]])
    on_orders("last entry wrong", last=flip)
    on_orders("frontier after wrong", frontier_after=lambda made: [flip(made[0]), *made[1:]])
    on_orders("root after wrong", root=flip)
    on_orders("an entry wrong", entries=lambda made: [*made[:9], flip(made[9]), *made[10:]])
    on_orders("an entry missing", entries=lambda made: made[:9] + made[10:])
    on_orders("an entry too many", entries=lambda made: [*made, made[-1]])
    on_orders("a node wrong", nodes=lambda made: [flip(made[0])])
    on_orders("a node missing", nodes=lambda made: [])
    on_orders("a node too many", nodes=lambda made: made * 2)
    on_orders("a commit bit past the last record", commits=lambda made: made[:-1] + bytes([made[-1] | 0x80]))
    on_orders("commit bits a byte short", commits=lambda made: made[:-1])
    on_orders("first time wrong", times=lambda made: [(made[0][0] - 1, made[0][1]), made[1]])
    on_orders("last time wrong", times=lambda made: [made[0], (made[1][0] + 1, made[1][1])])
    on_orders("another log's origin", origin=lambda made: NODE.origin.encode())
    on_orders("count 0", count=lambda made: 0)
    first = Pair(A, change=lambda made: [setattr(run, "before", sha256(b"x")) for run in made] and made)
    put("run: entry before seq 0 not zero", first, "damaged", of=A)
    named = Pair(A, change=lambda made: setattr(orders(made), "id", b"\xff" * 32) or made)
    put("run: log id isn't its first entry", named, "damaged", of=A)


def tables():
    def on_table(name, change):
        def changed(made):
            run = orders(made)
            run.table = change(run.table)

        damaged(f"frame table: {name}", change=changed)

    def row_with(table, at, part, value):
        row = list(table[at])
        row[part] = value
        return [*table[:at], tuple(row), *table[at + 1 :]]

    on_table("a length wrong", lambda table: row_with(table, 1, 0, table[1][0] + 1))
    on_table("a count wrong", lambda table: row_with(table, 1, 1, 3))
    on_table("a first seq wrong", lambda table: row_with(table, 1, 2, table[1][2] + 1))
    on_table("a first time wrong", lambda table: row_with(table, 1, 3, (table[1][3][0] + 1, 0)))
    on_table("a frame missing", lambda table: table[:-1])
    on_table("a frame too many", lambda table: [*table, table[-1]])
    on_table("two frames in the wrong order", lambda table: [table[1], table[0], *table[2:]])
    on_table("empty", lambda table: [])

    def shifted(parts):
        data = bytearray(parts[4])
        data[0] ^= 1
        parts[4] = bytes(data)

    damaged("frame table: an offset wrong", section=shifted)

    def in_runs(at_from_end, size, change):
        """A number at the end of the last run."""
        def changed(parts):
            at = len(parts[0]) - at_from_end
            parts[0] = parts[0][:at] + disk.le(change(number_at(parts[0], at, size)), size) + parts[0][at + size :]
        return changed

    damaged("run: its frames begin elsewhere", section=in_runs(32, 8, lambda value: value + 1))
    damaged("run: length of its frames wrong", section=in_runs(24, 8, lambda value: value - 1))
    damaged("run: number of frames wrong", section=in_runs(36, 4, lambda value: value + 1))
    damaged("run: number of notes wrong", section=in_runs(16, 4, lambda value: value + 1))
    data = GOOD[B].rec
    put("a frame's byte turned in .rec", Mixed(GOOD[B].ent, data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]), "damaged")

    def exchanged(made):
        run = orders(made)
        run.frames[0], run.frames[1] = run.frames[1], run.frames[0]

    damaged("two frames exchanged in .rec", change=exchanged)
    other = Pair(B, change=lambda made: orders(made).frames.__setitem__(1, forged_frame()))
    put("a frame whose records are others", other, "damaged")


def forged_frame():
    """As long as the true one, and its checksum right."""
    frame = wire.frame(ORDERS.records[254:256], 254)
    raw = frame[24:].replace(b'"amount":"254.00"', b'"amount":"954.00"')
    return wire.frame_of(raw, 2, 254)


def claimed():
    """Key tags, streams and places that are not their records'."""
    def on(name, **changes):
        def changed(made):
            for attribute, change in changes.items():
                value = getattr(orders(made), attribute)
                setattr(orders(made), attribute, change(value))

        damaged(f"claims: {name}", change=changed)

    def row(rows, at, part, value):
        changed = list(rows[at])
        changed[part] = value
        return [*rows[:at], tuple(changed), *rows[at + 1 :]]

    on("a tag wrong", keys=lambda keys: sorted([(bytes([keys[0][0][0] ^ 1]) + keys[0][0][1:], keys[0][1]), *keys[1:]]))
    on("a tag's place wrong", keys=lambda keys: [(keys[0][0], keys[0][1] + 1), *keys[1:]])
    on("a tag's place behind the run", keys=lambda keys: [(keys[0][0], 509), *keys[1:]])
    on("tags in the wrong order", keys=lambda keys: keys[::-1])
    on("a tag missing", keys=lambda keys: keys[1:])
    on("a tag too many", keys=lambda keys: [(bytes(16), 0), *keys])
    on("a tag twice", keys=lambda keys: [keys[0], *keys])
    on("more tags said than there are", said_keys=lambda _: 9)
    on("a stream's principal another", streams=lambda rows: row(rows, 3, 0, rows[3][0] + b"x"))
    on("a stream's name another", streams=lambda rows: row(rows, 0, 1, b"till-6"))
    on("a stream's name empty", streams=lambda rows: row(rows, 0, 1, b""))
    on("a stream's name with a space", streams=lambda rows: row(rows, 0, 1, b"till 7"))
    on("a stream's epoch another", streams=lambda rows: row(rows, 2, 2, 9))
    on("a stream's first number wrong", streams=lambda rows: row(rows, 2, 3, 1))
    on("a stream's numbers beyond what a head can say", streams=lambda rows: row(rows, 0, 3, 2**53))
    on("streams in the wrong order", streams=lambda rows: rows[::-1])
    on("a stream missing", streams=lambda rows: rows[1:])
    on("a stream twice", streams=lambda rows: [rows[0], *rows])
    on("a number missing", streams=lambda rows: row(rows, 1, 4, rows[1][4][:-1]))
    on("a number too many", streams=lambda rows: row(rows, 1, 4, [*rows[1][4], 508]))
    on("a number elsewhere", streams=lambda rows: row(rows, 1, 4, [*rows[1][4][:-1], 508]))
    on("a number behind the run", streams=lambda rows: row(rows, 1, 4, [*rows[1][4][:-1], 509]))
    on("two numbers exchanged", streams=lambda rows: row(rows, 1, 4, [rows[1][4][1], rows[1][4][0], *rows[1][4][2:]]))
    on("a stream without numbers", streams=lambda rows: [*rows, (b"z", b"z", 0, 0, [])])
    on("more bytes of streams said than there are", said_streams=lambda _: 999)
    on("a stream record missing", stream_records=lambda places: places[:-1])
    on("a stream record elsewhere", stream_records=lambda places: [places[0] + 1])
    on("more places said than there are", said_places=lambda _: 99)


def notes():
    damaged("closing note missing", change=lambda made: keep_notes(made, 0, 1))
    damaged("no notes", change=lambda made: keep_notes(made, 0, 0))

    def with_notes(name, expect, *texts):
        put(f"note: {name}", Pair(B, change=lambda made: setattr(orders(made), "notes", [text.encode() for text in texts]) or made), expect)

    at = ORDERS.checkpoint
    tree = ORDERS.tree()
    with_notes("sizes not ascending", "damaged", at(512), at(254))
    with_notes("a size twice", "damaged", at(254), at(254), at(512))
    with_notes("of the size the run begins at", "damaged", at(3), at(512))
    with_notes("of another log", "damaged", NODE.checkpoint(4), at(512))
    with_notes("with another root", "damaged", note.checkpoint(ORDERS.key, 254, tree.root(0, 253)), at(512))
    with_notes("closing with another root", "damaged", at(254), note.checkpoint(ORDERS.key, 512, tree.root(0, 511)))
    with_notes("no note", "damaged", "x\n", at(512))
    with_notes("of no bytes", "damaged", "", at(512))
    text = note.body(ORDERS.origin, 512, tree.root(0, 512))
    wrong = text + "\n" + note.signature_line(ORDERS.origin, ORDERS.key.id, ed25519.sign(b"\7" * 32, text.encode()))
    with_notes("signed by another key under the log's key id", "forged", at(254), wrong)

    def long(parts):
        parts[5] = disk.le(number_at(parts[5], 0, 4) + 1, 4) + parts[5][4:]

    damaged("note: longer than what is there", of=A, section=lambda parts: parts.__setitem__(5, parts[5][:-1]))
    damaged("note: a length wrong", section=long)
    damaged("section runs: a byte more", section=lambda parts: parts.__setitem__(0, parts[0] + b"\0"))
    damaged("section notes: a byte more", section=lambda parts: parts.__setitem__(5, parts[5] + b"\0"))
    damaged("section frames: a row more", section=lambda parts: parts.__setitem__(4, parts[4] + bytes(36)))


def judged_register(data):
    require(len(data) >= 36 and data[:8] == b"INDLREGI" and number_at(data, len(data) - 4, 4) == disk.crc32c(data[:-4]))
    require(number_at(data, 8, 4) == 1, "unsupported")
    require(not any(data[16:24]), "unsupported")
    require(number_at(data, 12, 4) == len(data) - 36 <= 65536)
    content = data[32:-4]
    require(len(content) == 248)
    found = wire.read_header(content)
    require(found["store"] == STORE_ID, "misplaced")
    require(ed25519.verify(KEY, wire.LABEL + content[:184], found["signature"]), "forged")
    return found | {"read_only": any(data[24:32])}


def register():
    head = BATCHES[6][1][:248]

    def add(name, data, expect=None):
        try:
            found = judged_register(data)
            got = None
        except Refused as refused:
            got = refused.args[0]
        assert got == expect, (name, got, expect)
        registers.append({"name": name, "register_b64": b64(data), "expect": {"refuse": got} if got else {"number": found["number"], "digest": found["digest"].hex(), "read_only": found["read_only"]}})

    good = disk.register(head)
    for at in (0, 1, 6):
        add(f"batch {at}", disk.register(BATCHES[at][1][:248]))
    for bit in (0, 63):
        add(f"read-only feature {bit}", disk.register(head, read_only=1 << bit))
        add(f"incompatible feature {bit}", disk.register(head, incompatible=1 << bit), "unsupported")
    add("version 2", disk.register(head, version=2), "unsupported")
    add("version 2, and all the rest otherwise", disk.with_crc(b"INDLREGI\2\0\0\0" + b"\xff" * 40), "unsupported")
    add("version 2, checksum wrong", good[:8] + b"\2" + good[9:], "damaged")
    add("a batch header of version 2", disk.register(head[:11] + b"\2" + head[12:]), "unsupported")
    for name, data in {"of no bytes": b"", "wrong magic": disk.register(head, magic=b"INDLREGX"), "length too large": disk.register(head, length=249), "length too small": disk.register(head, length=247), "checksum wrong": good[:-1] + bytes([good[-1] ^ 1]), "a byte more": good + b"\0",
                       "last byte missing": good[:-1], "a byte turned": good[:50] + bytes([good[50] ^ 1]) + good[51:], "header alone": disk.register(head[:184]), "no content": disk.register(b""), "content a byte too long": disk.register(head + b"\0"),
                       "content with a row behind the signature": disk.register(BATCHES[0][1][:336]), "wrong magic in the batch header": disk.register(b"INDLBTCX" + head[8:]), "a flag nobody knows in the batch header": disk.register(head[:15] + b"\2" + head[16:])}.items():
        add(name, data, "damaged")
    add("of another store", disk.register(other_store()), "misplaced")
    add("signature by another key", disk.register(head[:184] + ed25519.sign(b"\7" * 32, wire.LABEL + head[:184])), "forged")
    add("number raised, not signed anew", disk.register(head[:39] + b"\7" + head[40:]), "forged")


def other_store():
    head = wire.header(bytes(16), 6, [], b"", bytes(32), (1795431606, 0), flags=1)
    return head + wire.signature(SEED, head)


def covers():
    """Names in sealed/, and what they say: written by hand as stems, those that count, and how many names are left over."""
    for name, stems, count, left_over in [
        ("one after the other", "0-3 4-7", "0-3 4-7", 0),
        ("a merged pack beside all that it is made of", "0-7 0-3 4-7 8-9", "0-3 4-7 8-9", 2),
        ("one of them gone", "0-7 0-3 8-9", "0-7 8-9", 2),
        ("one of them without its .ent", "0-7 0-3 4-7.rec 8-9", "0-7 8-9", 3),
        ("one of them without its .rec", "0-7 0-3 4-7.ent 8-9", "0-7 8-9", 3),
        ("all gone", "0-7 8-9", "0-7 8-9", 0),
        ("the merged .rec alone", "0-7.rec 0-3 4-7", "0-3 4-7", 0),
        ("the merged .ent alone", "0-7.ent 0-3 4-7", "0-3 4-7", 0),
        ("merged twice, all there", "0-15 0-7 8-15 0-3 4-7", "0-3 4-7 8-15", 4),
        ("merged twice, one of the first gone", "0-15 0-7 8-15 4-7", "0-7 8-15", 4),
        ("merged twice, one of the second gone", "0-15 0-7 0-3 4-7", "0-15", 6),
        ("a gap between smaller ones", "0-9 0-3 5-9", "0-9", 4),
        ("smaller ones that overlap", "0-9 0-5 4-9", "0-9", 4),
        ("overlapping and neither within the other", "0-5 3-9", "0-5 3-9", 0),
        ("a pack of one batch", "0-1 0-0 1-1", "0-0 1-1", 2),
    ]:
        names = [f"{stem_of(stem)}{ending}" for stem in stems.split() for ending in ([stem[-4:]] if "." in stem else [".ent", ".rec"])]
        says = cover(names)
        assert says["count"] == [stem_of(stem) for stem in count.split()] and len(says["left_over"]) == left_over, (name, says)
        yield {"name": name, "names": names, "expect": says}


def stem_of(text):
    return "%012d-%012d" % tuple(int(number) for number in text.split(".")[0].split("-"))


def document():
    cases.clear()
    registers.clear()
    for group in (good, swapped, headers, runs, tables, claimed, notes, register):
        group()
    return {"file": "pack", "spec": "docs/spec/pack.md", "store": STORE, "batch_key": KEY.hex(), "keys": [{"id": log.id, "vkey": log.key.vkey} for log in LOGS], "bases": [{"name": name, "b64": b64(data)} for name, data in BASES.items()],
            "cases": list(cases), "registers": list(registers), "covers": list(covers())}
