"""The "Worked example" at the end of five pages of docs/spec: one log of three records, the same in all of them."""

from textbook import ed25519, keys
from textbook.log import SECRET, STORE, export, orders, receipt
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
            + table(("node-secret", f"indelible-node-secret-v0 0 {SECRET.hex()}"), ("origin", LOG.origin), ("seed", LOG.key.seed.hex()), ("public key", LOG.key.public.hex()), ("key id", LOG.key.id.hex()), ("vkey", LOG.key.vkey),
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


def an_export():
    return ("Records 1 and 2 of the same log, at size 3.\n\n" + block(export(LOG, 1, 2)) + "\nWith the pin of [keys.md](keys.md): integrity `ok`, authenticity `ok`, consistency `unchecked`, witnesses `none asked`,\ncompleteness `population complete(1…2)`; exit code 0.\n")


PAGES = {"record.md": record, "keys.md": key, "checkpoint.md": checkpoint, "receipt.md": a_receipt, "export.md": an_export}


def current(page, text):
    """The page with its example as it should be: all before the heading stays."""
    before = text.split(HEADING)[0].rstrip("\n") + "\n"
    return before + HEADING + "\n" + PAGES[page]()
