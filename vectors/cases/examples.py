"""The "Worked example" at the end of eleven pages of docs/spec: one log of three records, the same in all of them but tail.md."""

from cases.history import STORE_ID, Part, built
from textbook import batch as wire
from textbook import disk, ed25519, keys
from textbook import pack as wire_pack
from textbook import tile as wire_tile
from textbook.log import SECRET, STORE, batch_receipt, export, orders, receipt, sealed, walk_lines
from textbook.tree import leaf

HEADING = "\n## Worked example\n"
LOG = orders(3)
RECORD = LOG.records[1]


def block(text):
    return "".join(f"    {line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))


def table(*rows):
    width = max(len(name) for name, _ in rows)
    return block("\n".join(f"{name:<{width}}  {value}" for name, value in rows))


def record():
    return ("Record 1 of the log whose genesis stands in [keys.md](keys.md).\n\n"
            + table(("salt", RECORD.salt), ("event", RECORD.event), ("digest", RECORD.head.split('"digest":"')[1][:64]), ("head", RECORD.head), ("entry", RECORD.entry.hex()), ("leaf", leaf(RECORD.entry).hex()))
            + "\nAs one line:\n\n" + block(RECORD.line()))


def key():
    batch = keys.batch_seed(SECRET, bytes.fromhex(STORE))
    genesis = LOG.records[0]
    return ("The node secret is 00 01 … 1f, the store id 10 11 … 1f.\n\n"
            + table(("node-secret", f"indelible-node-secret-v1 0 {SECRET.hex()}"), ("origin", LOG.origin), ("seed", LOG.key.seed.hex()), ("public key", LOG.key.public.hex()), ("key id", LOG.key.id.hex()), ("vkey", LOG.key.vkey),
                    ("batch seed", batch.hex()), ("batch public key", ed25519.public_key(batch).hex()))
            + "\nGenesis event, salt and head, the log id (the head's SHA-256) and the pin. The node log's id is made up.\n\n"
            + table(("event", genesis.event), ("salt", genesis.salt), ("head", genesis.head), ("log id", LOG.id), ("pin", LOG.pin)))


def checkpoint():
    tree = LOG.tree()
    return ("The log of [keys.md](keys.md) and [record.md](record.md) with a third record.\n\n"
            + table(*[(f"entry {at}", made.entry.hex()) for at, made in enumerate(LOG.records)], *[(f"leaf {at}", value.hex()) for at, value in enumerate(tree.leaves)], *[(f"root of {size}", tree.root(0, size).hex()) for size in range(4)],
                    ("inclusion of 1 in 3", " ".join(value.hex() for value in tree.inclusion(1, 3))), ("consistency 1 to 3", " ".join(value.hex() for value in tree.consistency(1, 3))))
            + "\nThe checkpoint of size 3:\n\n" + block(LOG.checkpoint()))


def a_receipt():
    return ("Record 1 of the same log, at size 3. It verifies under the pin of [keys.md](keys.md).\n\n" + block(receipt(LOG, 1)))


def a_batch_receipt():
    return ("Records 1 and 2 of the same log, at size 3; the records stand in [export.md](export.md). What lies beside them is record 0 alone.\n\n" + block(batch_receipt(LOG, 1, 2))
            + "\nThe receipt of record 1 that is derived from it is the one in [receipt.md](receipt.md).\n")


def an_export():
    return ("Records 1 and 2 of the same log, at size 3.\n\n" + block(export(LOG, 1, 2)) + "\nWith the pin of [keys.md](keys.md): integrity `ok`, authenticity `ok`, consistency `unchecked`, witnesses `none asked`,\ncompleteness `population complete(1…2)`; exit code 0.\n")


def a_walk():
    log, secret = orders(3), bytes(range(32, 64))
    key = keys.LogKey(secret, log.origin)
    record = log.rotate(key)
    log.add('{"order":3,"amount":"3.00"}')
    hinge = log.hinges[0]
    return ("The log of [keys.md](keys.md) and [checkpoint.md](checkpoint.md) goes on with a rotation, record 3, and one more record. The node secret of generation 1 is 20 21 … 3f.\n\n"
            + table(("vkey", key.vkey), ("event", record.event), ("salt", record.salt), ("head", record.head), ("entry", record.entry.hex()), ("root of 4", log.tree().root(0, 4).hex()))
            + "\nThe hinge, signed by the old key and the new:\n\n" + block(hinge.note) + "\nThe walk file at size 5:\n\n" + block(sealed(walk_lines(log)))
            + "\nIt is of the pin of [keys.md](keys.md), and of the same pin with the new vkey. With the first the receipt of [receipt.md](receipt.md), of size 3, has authenticity\n"
              "`ok up to its hinge, not tied to it`, exit code 3; one of size 4 by the old key is `ok`, one of size 5 `key retired`.\n")


def picture(data, since=0):
    """Sixteen bytes a line behind their offset; lines of sixteen zeros are left out."""
    lines = [(at, data[at : at + 16]) for at in range(0, len(data), 16)]
    return block("\n".join(f"{since + at:04x}  {part.hex(' ')}" for at, part in lines if any(part) or len(part) < 16))


def parts_of(data, *sizes):
    """(picture, …) of consecutive parts, each at its offset."""
    at = 0
    for size in sizes:
        yield picture(data[at : at + size], at)
        at += size
    assert at == len(data)


BATCH = built(1, bytes(range(0xC0, 0xE0)), [Part(LOG, 1, 2)], time="2026-11-23T10:00:02.000000000Z")


def a_batch():
    frame = len(BATCH) - 248 - 88 - 64
    head, signature, row, entries, columns = parts_of(BATCH, 184, 64, 88, 64, frame)
    return ("Batch 1 of the store in [keys.md](keys.md), with records 1 and 2 of the log there and in [record.md](record.md), signed by that batch key. What came before\n"
            "is made up: header digest c0 c1 … df, writer 30 31 … 3f, epoch 1. Bytes at their offset in hex; lines of sixteen zeros are left out.\n\nHeader:\n\n" + head
            + "\n" + table(("header digest", wire.digest(BATCH[:184]).hex())) + "\nSignature:\n\n" + signature + "\nRow; no notes follow:\n\n" + row + "\nEntries:\n\n" + entries
            + "\nOne frame: header, times, one shared string, two empty own strings, two presence bits, two events, two salts:\n\n" + columns)


def a_pack():
    run = wire_pack.Run(LOG, 0, 3, [wire.frame(LOG.records, 0)], [3], {1, 3})
    parts = wire_pack.sections([run])
    ent = wire_pack.ent(STORE_ID, 0, 1, wire.digest(BATCH[:184]), parts, 1)
    rec = wire_pack.rec(STORE_ID, 0, 1, wire_pack.digest(ent), [run])
    head, runs, entries, commits, frames, notes = parts_of(ent, 580, *[len(part) for part in parts if part])
    assert not parts[2] and not any(parts[6:])
    return ("Batches 0 and 1 of a store with one log, the one of [checkpoint.md](checkpoint.md): record 0 came in batch 0, records 1 and 2 in batch 1, that of [batch.md](batch.md).\n"
            "(A store of ours has a node log too.) Bytes at their offset in hex; lines of sixteen zeros are left out.\n\n`000000000000-000000000001.ent`, header:\n\n" + head
            + "\n" + table(("digest", wire_pack.digest(ent).hex())) + "\nRuns:\n\n" + runs + "\nEntries:\n\n" + entries + "\nNo nodes. Commit bits, sizes 1 and 3:\n\n" + commits + "\nFrames:\n\n" + frames + "\nNotes, the checkpoint of size 3:\n\n" + notes + "\nNo keys, streams or places.\n"
            + "\n`000000000000-000000000001.rec`, header; one frame follows to the end:\n\n" + picture(rec[:128]))


def a_tail():
    store, generation, content = bytes(range(0xA0, 0xB0)), bytes(range(32)), b"what the ledger wrote"
    return ("Bytes at their offset in hex; lines of sixteen zeros are left out. Header of tail file 7, 65,536 bytes long, of the store in `FORMAT`\nabove, its generation 00 01 … 1f:\n\n"
            + picture(disk.file_header(store, 7, 65536, generation)) + "\nSlot 258 in that file, its bytes `what the ledger wrote`; zeros follow to 0x1000:\n\n" + picture(disk.slot_header(generation, 258, content) + content)
            + "\nA register with the same content, 57 bytes:\n\n" + picture(disk.register(content)))


def tiles():
    tree, entries = LOG.tree(), [made.entry for made in LOG.records]
    paths = [wire_tile.path(*of) for of in wire_tile.tiles(3)]
    later = [wire_tile.path(*of) for of in wire_tile.tiles(70_000) if of[2] < 256]
    assert paths == ["tile/entries/000.p/3", "tile/0/000.p/3"]
    return ("The log of [checkpoint.md](checkpoint.md) at size 3. `checkpoint` is the note there. `tile/0/000.p/3`:\n\n" + picture(b"".join(tree.leaves[:3])) + "\n`tile/entries/000.p/3`:\n\n" + picture(wire_tile.bundle(entries))
            + "\nAt size 70,000 there are 273 full bundles and as many full tiles of level 0, one full tile of level 1, and the partial\n" + " · ".join(f"`{path}`" for path in later) + ".\n")


PAGES = {"record.md": record, "keys.md": key, "checkpoint.md": checkpoint, "receipt.md": a_receipt, "batch-receipt.md": a_batch_receipt, "export.md": an_export, "walk.md": a_walk, "tail.md": a_tail, "batch.md": a_batch, "pack.md": a_pack, "tiles.md": tiles}


def current(page, text):
    """The page with its example as it should be: all before the heading stays."""
    before = text.split(HEADING)[0].rstrip("\n") + "\n"
    return before + HEADING + "\n" + PAGES[page]()
