"""Seven batches of a small store, which batch.json, tail.json and pack.json share: a node log of four records, a log of 512, and
the marks with their notes. Batches 0 to 2 are sealed, as record 3 of the node log says."""

from textbook import batch as wire
from textbook import ed25519, keys, pack
from textbook.log import BY_NODE, NODE_ORIGIN, ORIGIN, SECRET, SOFTWARE, STORE, Log, genesis_event
from textbook.pack import Run
from textbook.tree import Tree

STORE_ID = bytes.fromhex(STORE)
SEED = keys.batch_seed(SECRET, STORE_ID)
KEY = ed25519.public_key(SEED)
WRITER = bytes.fromhex("303132333435363738393a3b3c3d3e3f")


def node_log():
    log = Log(NODE_ORIGIN)
    log.genesis(genesis_event(NODE_ORIGIN, [log.key.vkey], batch_key=KEY.hex()))
    log.add(f'{{"node":"start","software":"{SOFTWARE}","volatile":false,"register":true,"warnings":[]}}', kind="node", **BY_NODE)
    return log


def orders_log(node_id):
    log = Log(ORIGIN)
    log.genesis(genesis_event(ORIGIN, [log.key.vkey], node_log=node_id))
    for number in range(1, 512):
        if number == 301:
            log.add('{"stream":"epoch","by":"spiffe://acme/payments","src":"till-7","epoch":1,"last":5}', kind="stream", **BY_NODE)
        else:
            log.add(f'{{"order":{number},"amount":"{number}.00"}}', **CLAIMS.get(number, {}))
    return log


def stream(src, epoch, n):
    return {"src": src, "epoch": epoch, "n": n}


# Two streams of one principal, one of another under the same name, and keys: alone, with a number, of an array.
CLAIMS = {at: stream("till-7", 0, n) for n, at in enumerate((260, 261, 263, 264, 290, 300))}
CLAIMS |= {262: stream("till%207", 0, 0), 302: stream("till-7", 1, 0), 303: stream("till-7", 1, 1), 310: stream("till-7", 0, 0) | {"by": "unix:1000"}}
CLAIMS |= {400: {"key": "0190163d-8694-739b-aea5-966c26f8ad91"}, 401: {"key": "order-41"}, 402: {"key": "batch#0"}, 403: {"key": "batch#1"}, 404: stream("till-7", 1, 2) | {"key": "both"}}


NODE = node_log()
ORDERS = orders_log(NODE.id)
NODE.add(f'{{"node":"log","log":"{ORIGIN}","id":"{ORDERS.id}"}}', kind="node", **BY_NODE)
LOGS = [NODE, ORDERS]


class Part:
    """A row with its entries and frames. What is not given is as it should be; `cuts` are the seqs where a further frame begins."""

    def __init__(self, log, first, count, cuts=(), frames=None, entries=None, log_id=None, root=None, size=None, zero=0, gone=(), said_count=None):
        self.log, self.first, self.count = log, first, count
        self.cuts = cuts or [at for at in range(first + 1, first + count) if at % 256 == 0]
        self.entries = [record.entry for record in log.records[first : first + count]] if entries is None else entries
        self.frames = self.framed(gone) if frames is None else frames
        root = Tree([record.entry for record in log.records[:first]] + self.entries).root(0, first + len(self.entries)) if root is None else root
        self.row = wire.row(bytes.fromhex(log.id) if log_id is None else log_id, first, count if said_count is None else said_count, root, size, zero)

    def framed(self, gone):
        edges = [self.first, *self.cuts, self.first + self.count]
        return [wire.frame(self.log.records[lo:hi], lo, [at - lo for at in gone if lo <= at < hi]) for lo, hi in zip(edges, edges[1:])]

    def payload(self):
        return b"".join(self.entries) + b"".join(self.frames)


def built(number, before, parts, notes=b"", seed=SEED, tail=b"", store=STORE_ID, time=None, **changes):
    """A signed batch."""
    time = time or f"2026-11-23T11:00:{number:02d}.000000000Z"
    time = time if isinstance(time, tuple) else wire.seconds_and_nanos(time)
    head = wire.header(store, number, [part.row for part in parts], notes, before, time, **({"writer": WRITER} | changes))
    return head + wire.signature(seed, head) + b"".join(part.row for part in parts) + notes + b"".join(part.payload() for part in parts) + tail


def digest(batch):
    return wire.digest(batch[:184])


def notes_of(*sizes):
    return wire.framed_notes([log.checkpoint(size) for log, size in sizes])


def chained(contents, batches=()):
    """[(name, arguments of Part, notes)] made into batches, each on the digest of the one before."""
    batches = list(batches)
    for name, parts, notes in contents:
        before = digest(batches[-1][1]) if batches else bytes(32)
        batches.append((name, built(len(batches), before, [Part(*part) for part in parts], notes, flags=0 if parts else 1)))
    return batches


SEALED = chained([("0: the node log begins", [(NODE, 0, 2)], b""),
                  ("1: a log is created", [(NODE, 2, 1), (ORDERS, 0, 3)], b""),
                  ("2: mark", [], notes_of((NODE, 3), (ORDERS, 3)))])


def first_runs():
    """Of the pack of batches 0 to 2."""
    runs = [Run(NODE, 0, 3, Part(NODE, 0, 2).frames + Part(NODE, 2, 1).frames, [3], {2, 3}), Run(ORDERS, 0, 3, Part(ORDERS, 0, 3).frames, [3], {3})]
    return sorted(runs, key=lambda run: run.id)


def first_pack():
    runs = first_runs()
    return pack.digest(pack.ent(STORE_ID, 0, 2, digest(SEALED[2][1]), pack.sections(runs), len(runs)))


NODE.add(f'{{"node":"pack","first":0,"last":2,"ent":"{first_pack().hex()}"}}', kind="node", **BY_NODE)
BATCHES = chained([("3: 251 records in one frame", [(ORDERS, 3, 251)], b""),
                   ("4: two frames at a multiple of 256, and notes", [(ORDERS, 254, 4), (NODE, 3, 1)], notes_of((ORDERS, 254))),
                   ("5: 254 records", [(ORDERS, 258, 254)], b""),
                   ("6: mark", [], notes_of((ORDERS, 512), (NODE, 4)))], SEALED)
