"""prove.json: consistency proofs and heads at a time, with their verdicts (docs/spec/prove.md). Authored by the page's steps."""

from cases.note import ml_dsa_line
from cases.verdict import stopped, verdict
from textbook import note
from textbook.files import b64
from textbook.log import ORIGIN, Log, consistency_proof, head_at, orders
from textbook.tree import sha256

LOG = orders(20)
OTHER = orders(20, "log.example.org/other/00112233445566ff")
LONG = orders(300)
SELECTIVE = "selective: proves nothing about the rest"
cases = []


def time(seconds, nanos=0):
    return f"2026-11-23T10:{seconds // 60:02d}:{seconds % 60:02d}.{nanos:09d}Z"


def put(name, text, expect, pin=LOG.pin):
    case = {"name": name} | ({"proof": text} if isinstance(text, str) else text if isinstance(text, dict) else {"proof_b64": b64(text)})
    cases.append(case | ({"pin": pin} if pin else {}) | {"expect": expect})


def add(name, text, integrity="ok", authenticity="ok", pin=LOG.pin):
    put(name, text, verdict(integrity, authenticity, SELECTIVE), pin)


def stop(name, text, integrity):
    put(name, text, stopped(integrity))


BETWEEN = consistency_proof(LOG, 10, 16, 20)
AT = head_at(LOG, time(9, 5), 10)


def good():
    for size in (1, 2, 3, 7, 8, 20):
        for start in {1, 2, 3, 4, size}:
            for to in {1, 2, 4, 5, size}:
                if start <= to <= size:
                    add(f"from {start} to {to} in size {size}", consistency_proof(LOG, start, to, size))
    for start, to, size in [(255, 256, 257), (1, 256, 300), (256, 256, 256), (250, 290, 300), (128, 255, 299)]:
        add(f"from {start} to {to} in size {size}", consistency_proof(LONG, start, to, size), pin=LONG.pin)
    for size in (1, 2, 3, 7, 8, 20):
        for count in {1, 2, 4, size - 1, size} - {0}:
            if count <= size:
                add(f"head of size {count} in {size}", head_at(LOG, time(count - 1, 1), count, size))
    for count, size in [(255, 300), (256, 300), (257, 300), (256, 256), (299, 300)]:
        add(f"head of size {count} in {size}", head_at(LONG, time(count - 1), count, size), pin=LONG.pin)
    add("before the genesis", head_at(LOG, "2026-11-23T09:59:59.999999999Z", 0))
    add("before the genesis, of size 1", head_at(LOG, "2000-01-01T00:00:00.000000000Z", 0, 1))
    add("the time of the last record itself", head_at(LOG, time(9), 10))
    add("a nanosecond before the next", head_at(LOG, time(9, 999_999_999), 10))
    add("after the last record", head_at(LOG, "9999-12-31T23:59:59.999999999Z", 20))
    for name, text in (("between", BETWEEN), ("at", AT)):
        add(f"{name}: without pin", text, authenticity="self-keyed", pin=None)
        add(f"{name}: pin of another log", text, authenticity="unknown key", pin=OTHER.pin)
        add(f"{name}: with an ML-DSA-44 line", text + ml_dsa_line(ORIGIN), authenticity="ok, not yet post-quantum")
        body = note.body(ORIGIN, 20, LOG.tree().root(0, 20))
        head, _, _ = text.rpartition(ORIGIN + "\n20\n")
        add(f"{name}: signature wrong", head + body + "\n" + note.signature_line(ORIGIN, LOG.key.id, b"x" * 64), authenticity="signature invalid")


def trees():
    x = sha256(b"x")
    tree = LOG.tree()
    between, onward = tree.consistency(10, 16), tree.consistency(16, 20)
    for name, changed in [("no hashes", []), ("a hash missing", between[:-1]), ("a hash too many", between + [x]), ("a hash wrong", [x, *between[1:]]), ("63 hashes", (between + [x] * 63)[:63])]:
        add(f"between: {name}", consistency_proof(LOG, 10, 16, 20, between=changed), "root mismatch(16)")
    for name, changed in [("no hashes", []), ("a hash missing", onward[:-1]), ("a hash too many", onward + [x]), ("a hash wrong", [x, *onward[1:]])]:
        add(f"to the checkpoint: {name}", consistency_proof(LOG, 10, 16, 20, onward=changed), "root mismatch(20)")
        add(f"both: {name}", consistency_proof(LOG, 10, 16, 20, between=[x], onward=changed), "root mismatch(20)")
    add("another root of the smaller tree", BETWEEN.replace("from 10 " + b64(tree.root(0, 10)), "from 10 " + b64(x)), "root mismatch(16)")
    add("another root of the larger tree", BETWEEN.replace("to 16 " + b64(tree.root(0, 16)), "to 16 " + b64(x)), "root mismatch(20)")
    add("another size of the smaller tree", BETWEEN.replace("from 10 ", "from 11 "), "root mismatch(16)")
    add("equal sizes, another root", consistency_proof(LOG, 16, 16, 20).replace("from 16 " + b64(tree.root(0, 16)), "from 16 " + b64(x)), "root mismatch(16)")
    add("larger than the checkpoint", consistency_proof(LOG, 10, 16, 16).replace("to 16 ", "to 17 "), "root mismatch(16)")
    add("in a log of size 0", consistency_proof(LOG, 1, 1, 1, checkpoint=note.checkpoint(LOG.key, 0, sha256(b""))), "root mismatch(0)")
    hashes = sum(tree.subtree(9, 2, 20), [])
    for name, changed in [("no hashes", []), ("a hash missing", hashes[:-1]), ("a hash too many", hashes + [x]), ("126 hashes", (hashes + [x] * 126)[:126])]:
        add(f"head at: {name}", head_at(LOG, time(9), 10, proof=changed), "root mismatch(20)")
    add("head at: the last hash wrong", head_at(LOG, time(9), 10, proof=[*hashes[:-1], x]), "root mismatch(20)")
    add("head at: another root", AT.replace("size 10 " + b64(tree.root(0, 10)), "size 10 " + b64(x)), "root mismatch(10)")
    add("head at: the root of another size", AT.replace(b64(tree.root(0, 10)), b64(tree.root(0, 11))), "root mismatch(10)")
    add("head at: another size", AT.replace("size 10 ", "size 9 "), "root mismatch(20)")
    add("head at: size above the checkpoint", AT.replace("size 10 ", "size 21 "), "root mismatch(20)")
    add("head at: after missing", head_at(LOG, time(9), 10, after=False), "root mismatch(20)")
    add("head at: after where nothing can follow", head_at(LOG, time(19), 20).replace("\n" + b64(sum(tree.subtree(19, 1, 20), [])[0]), "\nafter " + b64(LOG.records[19].head.encode()) + "\n" + b64(sum(tree.subtree(19, 1, 20), [])[0]), 1), "root mismatch(20)")
    add("head at: before the genesis without a head", head_at(LOG, "2000-01-01T00:00:00.000000000Z", 0, after=False, proof=[]), "root mismatch(20)")
    add("head at: before the genesis, another root", head_at(LOG, "2000-01-01T00:00:00.000000000Z", 0).replace(b64(sha256(b"")), b64(x)), "root mismatch(0)")
    altered = AT.replace(b64(LOG.records[9].head.encode()), b64(LOG.records[9].head.replace("acme/payments", "acme/payroll").encode()))
    add("head at: before altered", altered, "root mismatch(20)")
    add("head at: after altered", AT.replace(b64(LOG.records[10].head.encode()), b64(LOG.records[10].head.replace("acme/payments", "acme/payroll").encode())), "root mismatch(20)")


def faulty(name, expect, at=3, **changes):
    log = Log()
    log.genesis()
    for seq in range(1, 6):
        log.add(f'{{"order":{seq}}}', **(changes if seq == at else {}))
    put(f"head at: log fault: {name}", head_at(log, time(2, 5), 3), (verdict if not expect.startswith(("unsupported", "malformed(line 5")) else lambda *_: stopped(expect))(expect, "ok", SELECTIVE), log.pin)


def claims():
    early, late = "malformed(line 2)", "malformed(line 2)"
    add("head at: before is later than the time", head_at(LOG, time(8, 999_999_999), 10), early)
    add("head at: after is not later than the time", head_at(LOG, time(10), 10), late)
    add("head at: the genesis is not later than the time", head_at(LOG, time(0), 0), late)
    add("head at: the last record is later than the time", head_at(LOG, time(18), 20), early)
    faulty("log", "log fault(3, log)", log=OTHER.origin)
    faulty("seq", "log fault(3, seq)", seq=4)
    faulty("kind", "log fault(3, kind)", kind="repair")
    faulty("prev", "log fault(3, prev)", prev="ab" * 32)
    faulty("time not rising", "log fault(3, time)", time=time(2))
    faulty("seq of the one before", "log fault(2, seq)", at=2, seq=4)
    faulty("prev of the one before is not compared", "ok", at=2, prev="ab" * 32)
    faulty("a reserved kind", "unsupported version", kind="settings", by="node:000102030405060708090a0b0c0d0e0f", via="node/self")
    faulty("version 2", "unsupported version", raw_head=lambda head: head.replace('"indelible":1', '"indelible":2'))
    faulty("no valid head", "malformed(line 5)", raw_head=lambda head: head.replace('"via":"ingest/http",', ""))
    stop("head at: before is no valid head", head_at(LOG, time(9), 10).replace("before " + b64(LOG.records[9].head.encode()), "before " + b64(b"{}")), "malformed(line 4)")
    stop("head at: after is no valid head, before the genesis", head_at(LOG, "2000-01-01T00:00:00.000000000Z", 0).replace("after " + b64(LOG.records[0].head.encode()), "after " + b64(b"{}")), "malformed(line 4)")


def grammar():
    for form, text, name in [("between", BETWEEN, "indelible-consistency"), ("at", AT, "indelible-head-at")]:
        lines = text.split("\n")
        for title in [name, name + "-v", name + "-v00", name + "-v0", name + "-v1 ", name.capitalize() + "-v1", "indelible-proof-v1", ""]:
            stop(f"{form}: title {title!r}", "\n".join([title, *lines[1:]]), "malformed(line 1)")
        for title in [name + "-v2", name + "-v9x", name + "-v10"]:
            stop(f"{form}: title {title!r}", "\n".join([title, *lines[1:]]), "unsupported version")
        for number in range(1, lines.index("") + 1):
            stop(f"{form}: ends after line {number}", "\n".join(lines[:number]) + "\n", f"malformed(line {number + 1})")
        for number in range(2, 4):
            for what, line in [("missing", None), ("empty", ""), ("a space at the end", lines[number - 1] + " "), ("two spaces", lines[number - 1].replace(" ", "  ", 1)), ("upper case", lines[number - 1].capitalize()), ("CR", lines[number - 1] + "\r")]:
                stop(f"{form}: line {number}: {what}", "\n".join(lines[: number - 1] + ([] if line is None else [line]) + lines[number:]), f"malformed(line {number})")
        stop(f"{form}: CRLF", text.replace("\n", "\r\n"), "malformed(line 1)")
        stop(f"{form}: not UTF-8", text.encode().replace(b"log.example.org", b"log.example\xff.org"), "malformed(line 1)")
        stop(f"{form}: more than 512 KiB", {"prefix": text, "repeat": "x", "count": 512 << 10, "suffix": ""}, "malformed(line 1)")
        stop(f"{form}: a line after the checkpoint", text + "x\n", "malformed(checkpoint)")
    stop("between: from 0", BETWEEN.replace("from 10 ", "from 0 "), "malformed(line 2)")
    stop("between: from 010", BETWEEN.replace("from 10 ", "from 010 "), "malformed(line 2)")
    stop("between: from 2^53", BETWEEN.replace("from 10 ", "from 9007199254740992 "), "malformed(line 2)")
    stop("between: from above to", BETWEEN.replace("from 10 ", "from 17 "), "malformed(line 3)")
    stop("between: a root of 31 bytes", BETWEEN.replace("from 10 " + b64(LOG.tree().root(0, 10)), "from 10 " + b64(b"x" * 31)), "malformed(line 2)")
    stop("between: 64 hashes", consistency_proof(LOG, 10, 16, 20, between=[sha256(b"x")] * 64), "malformed(line 67)")
    stop("to the checkpoint: 64 hashes", consistency_proof(LOG, 10, 16, 20, between=[], onward=[sha256(b"x")] * 64), "malformed(line 68)")
    stop("between: one empty line", consistency_proof(LOG, 10, 16, 20).replace("\n\n", "\n", 1), f"malformed(line {4 + len(LOG.tree().consistency(10, 16)) + len(LOG.tree().consistency(16, 20)) + 1})")
    stop("at: 127 hashes", head_at(LOG, time(9), 10, proof=[sha256(b"x")] * 127), "malformed(line 132)")
    stop("at: a hash of 31 bytes", head_at(LOG, time(9), 10, proof=[b"x" * 31]), "malformed(line 6)")
    stop("at: time of 29 characters", AT.replace("5Z\n", "Z\n", 1), "malformed(line 2)")
    stop("at: a leap second", AT.replace("10:00:09", "10:00:60", 1), "malformed(line 2)")
    stop("at: before missing", "\n".join(AT.split("\n")[:3] + AT.split("\n")[4:]), "malformed(line 4)")
    stop("at: before where the size is 0", AT.replace("size 10 ", "size 0 "), "malformed(line 4)")
    stop("at: before empty", AT.replace("before " + b64(LOG.records[9].head.encode()), "before "), "malformed(line 4)")
    stop("at: before of 4,097 bytes", AT.replace("before " + b64(LOG.records[9].head.encode()), "before " + b64(b"x" * 4097)), "malformed(line 4)")
    stop("at: after twice", AT.replace("\nafter ", "\nafter " + b64(LOG.records[10].head.encode()) + "\nafter ", 1), "malformed(line 6)")
    stop("at: after before before", "\n".join(AT.split("\n")[:3] + [AT.split("\n")[4], AT.split("\n")[3]] + AT.split("\n")[5:]), "malformed(line 4)")
    stop("empty", "", "malformed(line 1)")


def document():
    cases.clear()
    for group in (good, trees, claims, grammar):
        group()
    return {"file": "prove", "spec": "docs/spec/prove.md", "cases": list(cases)}
