"""A small log: records, rotations, receipts, exports and walk files (docs/spec/record.md, keys.md, receipt.md, export.md, walk.md). It
builds what it is told to build, right or wrong, and signs it."""

import hashlib

from textbook import head as heads
from textbook import keys, note
from textbook.files import b64
from textbook.tree import Tree, sha256

SECRET = bytes(range(32))
NODE = "000102030405060708090a0b0c0d0e0f"
STORE = "101112131415161718191a1b1c1d1e1f"
ORIGIN = "log.example.org/orders/00112233445566ff"
NODE_ORIGIN = "log.example.org/_node/ffeeddccbbaa9988"
SOFTWARE = "indelible 0.1.0"
BY_NODE = {"by": f"node:{NODE}", "via": "node/self"}


def genesis_event(origin, vkeys, node_log=None, batch_key=None, recovery=keys.NO_RECOVERY):
    return (f'{{"genesis":1,"origin":"{origin}","node_log":{quoted(node_log)},"keys":{keys.listed(vkeys)},"recovery":{keys.recovery_member(*recovery)},'
            f'"batch_key":{quoted(batch_key)},"node":"{NODE}","store":"{STORE}","limits":{{"event_bytes":1048576}},"retention":null,"key_horizon":0,'
            f'"clock":{{"ahead_ms":1000,"drift_ppm":500,"start_days":30}},"witness_policy":null,"predecessor":null,"creator":"unix:0","software":"{SOFTWARE}"}}')


def quoted(text):
    return "null" if text is None else f'"{text}"'


class Record:
    def __init__(self, head, salt, event):
        self.head, self.salt, self.event = head, salt, event
        self.entry = sha256(head.encode())

    def line(self):
        return f'{{"head":{self.head},"salt":"{self.salt}","event":{self.event}}}'

    def head_line(self):
        return f'{{"head":{self.head}}}'


class Hinge:
    """The note of a size, which stands behind the `key` record before it."""

    def __init__(self, size, note_text, signers, ended):
        self.size, self.note, self.signers, self.ended = size, note_text, signers, ended


class Log:
    """`key` is the one that signs now; `hinges` are in order."""

    def __init__(self, origin=ORIGIN):
        self.origin, self.records, self.hinges = origin, [], []
        self.key = keys.LogKey(SECRET, origin)

    def genesis(self, event=None, **changes):
        event = event or genesis_event(self.origin, [self.key.vkey], node_log="ab" * 32)
        return self.add(event, **({"kind": "genesis"} | BY_NODE | changes))

    def add(self, event, salt=None, raw_head=None, **changes):
        seq = len(self.records)
        salt = salt or (NODE if seq == 1 else sha256(f"salt {seq}".encode())[:16].hex())
        fields = {"indelible": 1, "log": self.origin, "kind": "event", "by": "spiffe://acme/payments", "via": "ingest/http",
                  "digest": sha256((salt + event).encode()).hex(), "seq": seq,
                  "time": f"2026-11-23T10:{seq // 60:02d}:{seq % 60:02d}.000000000Z",
                  "prev": self.records[-1].entry.hex() if seq else "0" * 64}
        head = heads.write({name: value for name, value in (fields | changes).items() if value is not None})
        self.records.append(Record(raw_head(head) if raw_head else head, salt, event))
        return self.records[-1]

    @property
    def id(self):
        return self.records[0].entry.hex()

    @property
    def pin(self):
        return f"indelible-pin-v1 {self.id} {self.key.vkey}"

    def tree(self):
        return Tree([record.entry for record in self.records])

    def pin_of(self, key):
        return f"indelible-pin-v1 {self.id} {key.vkey}"

    def checkpoint(self, size=None, signers=None):
        size = size or len(self.records)
        return note.signed(self.origin, size, self.tree().root(0, size), signers or self.signers(size))

    def signers(self, size):
        """Whose lines a note of this size bears: at a hinge's size those of its own note."""
        hinge = next((hinge for hinge in self.hinges if hinge.size >= size), None)
        return [self.key] if hinge is None else hinge.signers if hinge.size == size else [hinge.ended]

    def rotate(self, key, word="rotation", signers=None, recovery=keys.NO_RECOVERY, batch_key=None, event=None, **changes):
        """A `key` record and its hinge, signed by the old key, then the new; `signers` says by whom else."""
        event = event or keys.key_event(word, len(self.hinges) + 1, [key.vkey], recovery, batch_key)
        record = self.add(event, **({"kind": "key"} | BY_NODE | changes))
        size, signers = len(self.records), [self.key, key] if signers is None else signers
        self.hinges.append(Hinge(size, note.signed(self.origin, size, self.tree().root(0, size), signers), signers, self.key))
        self.key = key
        return record


def orders(count, origin=ORIGIN):
    """A right log of so many records."""
    log = Log(origin)
    log.genesis()
    for number in range(1, count):
        log.add(f'{{"order":{number},"amount":"{number}.00"}}')
    return log


def receipt(log, index, size=None, head=None, proof=None, checkpoint=None):
    size = size or len(log.records)
    proof = log.tree().inclusion(index, size) if proof is None else proof
    head = (log.records[index].head if head is None else head).encode()
    lines = ["c2sp.org/tlog-proof@v1", f"extra {b64(head)}", f"index {index}", *map(b64, proof), ""]
    return "".join(line + "\n" for line in lines) + (log.checkpoint(size) if checkpoint is None else checkpoint)


def batch_receipt(log, first, count, size=None, proof=None, checkpoint=None):
    size = size or len(log.records)
    proof = sum(log.tree().subtree(first, count, size), []) if proof is None else proof
    lines = ["indelible-batch-receipt-v1", f"first {first}", f"count {count}", *map(b64, proof), ""]
    return "".join(line + "\n" for line in lines) + (log.checkpoint(size) if checkpoint is None else checkpoint)


def consistency_proof(log, start, to, size, between=None, onward=None, checkpoint=None):
    tree = log.tree()
    between = tree.consistency(start, to) if between is None else between
    onward = tree.consistency(to, size) if onward is None else onward
    lines = ["indelible-consistency-v1", f"from {start} {b64(tree.root(0, start))}", f"to {to} {b64(tree.root(0, to))}", *map(b64, between), "", *map(b64, onward), ""]
    return "".join(line + "\n" for line in lines) + (log.checkpoint(size) if checkpoint is None else checkpoint)


def head_at(log, time, count, size=None, after=True, proof=None):
    """The tree of the first `count` records as the one in force at that time."""
    size, tree = size or len(log.records), log.tree()
    first, end = max(count - 1, 0), min(count + 1, size)
    proof = sum(tree.subtree(first, end - first, size), []) if proof is None else proof
    lines = ["indelible-head-at-v1", f"time {time}", f"size {count} {b64(tree.root(0, count))}"]
    lines += [f"before {b64(log.records[count - 1].head.encode())}"] if count else []
    lines += [f"after {b64(log.records[count].head.encode())}"] if after and count < size else []
    return "".join(line + "\n" for line in [*lines, *map(b64, proof), ""]) + log.checkpoint(size)


def hashes(values):
    return "[" + ",".join(f'"{b64(value)}"' for value in values) + "]"


def escaped(text):
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def hinge_line(log, hinge, before, note_text=None, consistency=None, inclusion=None, record=None):
    """The walk line of a hinge behind one of the size `before`. What is not given is as it should be."""
    tree = log.tree()
    consistency = tree.consistency(before, hinge.size) if consistency is None else consistency
    inclusion = tree.inclusion(hinge.size - 1, hinge.size) if inclusion is None else inclusion
    record = log.records[hinge.size - 1].line() if record is None else record
    return f'{{"walk":{{"hinge":"{escaped(hinge.note if note_text is None else note_text)}","consistency":{hashes(consistency)},"inclusion":{hashes(inclusion)},"key":{record}}}}}'


def walk_of(log, size):
    """The walk lines to a size: genesis, hinges, consistency."""
    hinges = [hinge for hinge in log.hinges if hinge.size <= size]
    sizes = [1] + [hinge.size for hinge in hinges]
    return [f'{{"walk":{log.records[0].line()}}}', *[hinge_line(log, hinge, before) for hinge, before in zip(hinges, sizes)],
            f'{{"walk":{{"consistency":{hashes(log.tree().consistency(sizes[-1], size))}}}}}']


def walk_lines(log, size=None, checkpoint=None):
    """All lines of a walk file but the last, without their LF."""
    size = size or len(log.records)
    return [f'{{"walk":1,"origin":"{log.origin}","id":"{log.id}","size":{size}}}', *walk_of(log, size),
            f'{{"checkpoint":"{escaped(log.checkpoint(size) if checkpoint is None else checkpoint)}"}}']


def export_lines(log, first=0, count=None, size=None, content="all", lost=(), bare=(), checkpoint=None):
    """All lines but the last, without their LF."""
    size = size or len(log.records)
    count = size - first if count is None else count
    tree = log.tree()
    left, right = tree.subtree(first, count, size)
    lines = [f'{{"export":1,"origin":"{log.origin}","id":"{log.id}","first":{first},"count":{count},"size":{size},"content":"{content}"}}',
             *walk_of(log, size)]
    entries = b""
    for seq in range(first, first + count):
        record = log.records[seq]
        if seq in lost:
            lines.append(f'{{"lost":{seq}}}')
        else:
            lines.append(record.head_line() if content == "heads" or seq in bare else record.line())
        entries += record.entry
        if seq % 256 == 255 or seq == first + count - 1:
            lines.append(f'{{"entries":"{b64(entries)}"}}')
            entries = b""
    lines += [f'{{"left":{hashes(left)}}}', f'{{"right":{hashes(right)}}}',
              f'{{"checkpoint":"{escaped(log.checkpoint(size) if checkpoint is None else checkpoint)}"}}']
    return lines


def sealed(lines):
    """The file: the lines and the line with their digest."""
    data = "".join(line + "\n" for line in lines)
    return data + f'{{"end":1,"sha256":"{hashlib.sha256(data.encode()).hexdigest()}"}}\n'


def export(log, *arguments, **named):
    return sealed(export_lines(log, *arguments, **named))
