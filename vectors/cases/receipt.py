"""receipt.json: receipts with and without pin and record, and their verdicts (docs/spec/receipt.md). Authored by the page's steps."""

from cases.note import ml_dsa_line
from cases.verdict import stopped, verdict
from textbook import ed25519, keys, note
from textbook.files import b64
from textbook.log import BY_NODE, NODE_ORIGIN, ORIGIN, Log, genesis_event, orders, receipt
from textbook.tree import sha256

LOG = orders(5)
OTHER = orders(5, "log.example.org/other/00112233445566ff")
GOOD = receipt(LOG, 3)
SELECTIVE = "selective: proves nothing about the rest"
ML_DSA = "ok, not yet post-quantum"
cases = []


def add(name, text, integrity="ok", authenticity="ok", pin=LOG.pin, record=None):
    put(name, text, verdict(integrity, authenticity, SELECTIVE), pin, record)


def stop(name, text, integrity):
    put(name, text, stopped(integrity), LOG.pin, None)


def put(name, text, expect, pin, record):
    case = {"name": name} | ({"receipt": text} if isinstance(text, str) else text if isinstance(text, dict) else {"receipt_b64": b64(text)})
    case |= {"pin": pin} if pin else {}
    case |= {} if record is None else {"record": record}
    cases.append(case | {"expect": expect})


def good():
    for size in (1, 2, 3, 4, 5):
        for index in range(size):
            add(f"record {index} in size {size}", receipt(LOG, index, size))
    long = orders(70)
    add("record 64 in size 70", receipt(long, 64), pin=long.pin)
    add("without pin", GOOD, authenticity="self-keyed", pin=None)
    add("pin with LF", GOOD, pin=LOG.pin + "\n")
    add("pin with another log id: a receipt is tied to key and origin alone", GOOD, pin=LOG.pin.replace(LOG.id, "00" * 32))
    with_ml_dsa = GOOD + ml_dsa_line(ORIGIN)
    add("with an ML-DSA-44 line", with_ml_dsa, authenticity=ML_DSA)
    add("with an ML-DSA-44 line, without pin", with_ml_dsa, authenticity="self-keyed", pin=None)
    add("with a witness's ML-DSA-44 line", GOOD + ml_dsa_line("witness.example.net"))
    add("with a line of an unknown witness", GOOD + note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72))


def authenticity():
    name = "unknown key"
    add("pin of another log", GOOD, authenticity=name, pin=OTHER.pin)
    strange = Log()
    strange.key.seed, strange.key.public = b"\7" * 32, ed25519.public_key(b"\7" * 32)
    strange.key.id, strange.key.vkey = keys.key_id(ORIGIN, strange.key.public), keys.vkey(ORIGIN, strange.key.public)
    add("pin of another key of this origin", GOOD, authenticity=name, pin=f"indelible-pin-v1 {LOG.id} {strange.key.vkey}")
    root = LOG.tree().root(0, 5)
    body = note.body(ORIGIN, 5, root)
    wrong = note.signature_line(ORIGIN, LOG.key.id, b"x" * 64)
    add("signature wrong", receipt(LOG, 3, checkpoint=body + "\n" + wrong), authenticity="signature invalid")
    add("signature wrong, with an ML-DSA-44 line", receipt(LOG, 3, checkpoint=body + "\n" + wrong + ml_dsa_line(ORIGIN)), authenticity="signature invalid")
    add("signature wrong, without pin", receipt(LOG, 3, checkpoint=body + "\n" + wrong), authenticity="self-keyed", pin=None)
    add("no line of the key", receipt(LOG, 3, checkpoint=body + "\n" + note.signature_line(ORIGIN, b"\1\2\3\4", b"x" * 64)), authenticity=name)
    add("an ML-DSA-44 line alone", receipt(LOG, 3, checkpoint=body + "\n" + ml_dsa_line(ORIGIN)), authenticity=name)
    add("signed by another log's key under its own name", receipt(LOG, 3, checkpoint=body + "\n" + note.signed_line(OTHER.key, body)), authenticity=name)
    foreign = note.body(OTHER.origin, 5, root)
    add("checkpoint of another origin, signed by this log's key", receipt(LOG, 3, checkpoint=foreign + "\n" + note.signed_line(LOG.key, foreign)), "log fault(3, log)", name)


def tree():
    proof = LOG.tree().inclusion(3, 5)
    mismatch = "root mismatch(5)"
    for name, changed in [("no hashes", []), ("a hash missing", proof[:-1]), ("a hash too many", proof + [sha256(b"x")]), ("two hashes exchanged", [proof[1], proof[0], *proof[2:]]), ("a hash wrong", [sha256(b"x"), *proof[1:]]),
                          ("63 hashes", (proof + [sha256(b"x")] * 63)[:63])]:
        add(f"proof: {name}", receipt(LOG, 3, proof=changed), mismatch)
    add("index of a neighbour", GOOD.replace("\nindex 3\n", "\nindex 2\n"), mismatch)
    add("index = size", GOOD.replace("\nindex 3\n", "\nindex 5\n"), mismatch)
    add("index 2^53 − 1", GOOD.replace("\nindex 3\n", "\nindex 9007199254740991\n"), mismatch)
    add("index 0 in a log of size 0", receipt(LOG, 0, 1, checkpoint=note.checkpoint(LOG.key, 0, sha256(b""))), "root mismatch(0)")
    head = LOG.records[3].head
    add("head altered", receipt(LOG, 3, head=head.replace("payments", "payroll")), mismatch)
    add("head of a neighbour", receipt(LOG, 3, head=LOG.records[2].head), mismatch)
    add("checkpoint of another size", receipt(LOG, 3, checkpoint=LOG.checkpoint(4)), "root mismatch(4)")
    add("root changed and signed by nobody", receipt(LOG, 3, checkpoint=GOOD.split("\n\n", 1)[1].replace(b64(LOG.tree().root(0, 5)), b64(sha256(b"x")))), mismatch, "signature invalid")
    add("root mismatch comes before the record", receipt(LOG, 3, proof=[]), mismatch, record="x")


def faulty(name, rule, origin=ORIGIN, authenticity="ok", index=1, genesis=None, **changes):
    log = Log(origin)
    log.genesis(**(genesis or {}))
    if index:
        log.add('{"a":1}', **changes)
    log.add('{"b":1}')
    add(f"fault: {name}", receipt(log, index), f"log fault({index}, {rule})" if rule else "ok", authenticity, pin=log.pin)


def faults():
    faulty("seq one more than index", "seq", seq=2)
    faulty("seq 0 at index 1", "seq", seq=0)
    faulty("log another than the checkpoint's origin", "log", log=OTHER.origin)
    faulty("seq comes before log", "seq", seq=7, log=OTHER.origin)
    faulty("log comes before kind", "log", log=OTHER.origin, kind="node")
    faulty("genesis at index 1", "kind", kind="genesis", **BY_NODE)
    faulty("event at index 0", "kind", index=0, genesis={"kind": "event"})
    faulty("node record in another log", "kind", kind="node", **BY_NODE)
    faulty("repair record in another log", "kind", kind="repair", **BY_NODE)
    faulty("clock record in another log", "kind", kind="clock", **BY_NODE)
    faulty("node record by a producer", "kind", NODE_ORIGIN, kind="node", via="node/self")
    faulty("node record via something else", "kind", NODE_ORIGIN, kind="node", by=BY_NODE["by"])
    faulty("genesis by a producer", "kind", index=0, genesis={"by": "spiffe://acme/payments"})
    faulty("node record in the node log is none", None, NODE_ORIGIN, kind="node", **BY_NODE)
    faulty("stream record by the node is none", None, kind="stream", **BY_NODE)
    faulty("stream record by a producer", "kind", kind="stream")
    faulty("event by the node is none", None, **BY_NODE)
    faulty("prev and time aren't a receipt's matter", None, prev="ee" * 32, time="2001-01-01T00:00:00.000000000Z")


def records():
    record = LOG.records[3]
    line = record.line()
    add("record", GOOD, record=line)
    add("record with LF", GOOD, record=line + "\n")
    add("record, without pin", GOOD, authenticity="self-keyed", pin=None, record=line)
    add("record, head alone", GOOD, record=record.head_line())
    add("record, head alone with LF", GOOD, record=record.head_line() + "\n")
    add("record, event altered", GOOD, "event altered(3)", record=line.replace('"amount":"3.00"', '"amount":"9.00"'))
    add("record, event altered, without pin", GOOD, "event altered(3)", "self-keyed", None, line.replace('"amount":"3.00"', '"amount":"9.00"'))
    add("record, a space put into the event", GOOD, "event altered(3)", record=line.replace('"amount":', '"amount": '))
    add("record, salt altered", GOOD, "event altered(3)", record=line.replace(record.salt, "00" * 16))
    add("record, salt in upper case", GOOD, "event altered(3)", record=line.replace(record.salt, record.salt.upper()))
    add("record, head altered", GOOD, "head altered(3)", record=line.replace("payments", "payroll"))
    add("record, head altered, head alone", GOOD, "head altered(3)", record=record.head_line().replace("payments", "payroll"))
    add("record, head and event altered", GOOD, "head altered(3)", record=line.replace("payments", "payroll").replace("3.00", "9.00"))
    add("record of a neighbour", GOOD, "head altered(3)", record=LOG.records[2].line())
    for name, wrong in [("empty", ""), ("LF alone", "\n"), ("two LF", line + "\n\n"), ("CRLF", line + "\r\n"), ("space at the end", line + " "), ("no last brace", line.rstrip("}")), ("the event alone", record.event), ("the head alone, bare", record.head),
                        ("salt of 31 characters", line.replace(record.salt, record.salt[1:])), ("two lines", line + "\n" + line)]:
        # Two lines are one record whose event holds a line end: that cuts, and does not fit the digest.
        add(f"record, {name}", GOOD, "event altered(3)" if name == "two lines" else "malformed(record)", record=wrong)
    for name, event, salt, fine in [("white space", '{"a": 1}', None, False), ("duplicate name", '{"a":1,"a":2}', None, False), ("array", "[1]", None, False), ("no JSON", "x", None, False), ("bad number", '{"a":01}', None, False), ("right", '{"a":1}', None, True),
                                    ("salt in upper case in the digest too", '{"a":1}', "ABCDEF" + "0" * 26, None), ("salt not hex in the digest too", '{"a":1}', "g" * 32, None)]:
        log = Log()
        log.genesis()
        made = log.add(event, salt)
        integrity = {True: "ok", False: "log fault(1, event)", None: "event altered(1)"}[fine]
        add(f"record as the log took it: {name}", receipt(log, 1), integrity, pin=log.pin, record=made.line())
    log = Log()
    log.genesis()
    made = log.add("[1]", seq=4)
    add("a fault of the head comes before the record", receipt(log, 1), "log fault(1, seq)", pin=log.pin, record=made.line())
    add("a head's fault and a record that can't be cut", receipt(log, 1), "log fault(1, seq)", pin=log.pin, record="x")


def grammar():
    lines = GOOD.split("\n")
    extra = lines[1]

    def at(name, number, *replacement):
        """Line `number` replaced by none, one or several lines; the fault is there."""
        stop(f"line {number}: {name}", "\n".join(lines[: number - 1] + list(replacement) + lines[number:]), f"malformed(line {number})")

    for name, text in [("another version", "c2sp.org/tlog-proof@v2"), ("upper case", "C2SP.org/tlog-proof@v1"), ("space at the end", "c2sp.org/tlog-proof@v1 "), ("CR at the end", "c2sp.org/tlog-proof@v1\r"), ("empty", ""), ("BOM", "\ufeffc2sp.org/tlog-proof@v1")]:
        at(name, 1, text)
    at("missing", 1)
    at("missing", 2)
    for name, text in [("extra without value", "extra"), ("extra empty", "extra "), ("extra in upper case", extra.replace("extra", "Extra")), ("two spaces", extra.replace(" ", "  ")), ("tab", extra.replace(" ", "\t")), ("space at the end", extra + " "),
                       ("CR at the end", extra + "\r"), ("base64url", extra[:-8] + "-_-_" + extra[-4:]), ("padding too much", extra + "===="), ("one character missing", extra[:-1]), ("a bad character", extra[:-8] + "*" + extra[-7:]), ("hex", "extra " + "ab" * 31),
                       ("index in its place", lines[2]), ("extra of 4,097 bytes", "extra " + b64(b"x" * 4097))]:
        at(name, 2, text)
    stop("extra after index", "\n".join([lines[0], lines[2], extra, *lines[3:]]), "malformed(line 2)")
    stop("extra twice", "\n".join(lines[:2] + [extra] + lines[2:]), "malformed(line 3)")
    at("missing", 3)
    for text in ["index", "index ", "index 03", "index 00", "index -3", "index +3", "index 3.0", "index 0x3", "index  3", "index 3 ", "Index 3", "index\t3", "index 9007199254740992", "index 18446744073709551619", "index 3\r", "", "index 1e0", "index ３"]:
        at(f"{text!r}", 3, text)
    stop("index twice", "\n".join(lines[:3] + [lines[2]] + lines[3:]), "malformed(line 4)")
    for name, text in [("31 bytes", b64(b"x" * 31)), ("33 bytes", b64(b"x" * 33)), ("no padding", lines[3][:-1]), ("stray bit", lines[3][:-2] + chr(ord(lines[3][-2]) + 1) + "="), ("hex", "ab" * 32), ("space at the end", lines[3] + " "),
                       ("space at the beginning", " " + lines[3]), ("CR at the end", lines[3] + "\r"), ("base64 of a hash with a bad character", "*" + lines[3][1:])]:
        at(f"proof, {name}", 4, text)
    at("proof, last hash wrong", 6, "x")
    stop("64 hashes", receipt(LOG, 3, proof=[sha256(b"x")] * 64), "malformed(line 67)")
    stop("no empty line before the checkpoint", GOOD.replace("\n\n", "\n", 1), f"malformed(line {4 + len(LOG.tree().inclusion(3, 5))})")
    stop("a space for the empty line", GOOD.replace("\n\n", "\n \n", 1), f"malformed(line {4 + len(LOG.tree().inclusion(3, 5))})")
    stop("empty", "", "malformed(line 1)")
    stop("ends after line 1", lines[0] + "\n", "malformed(line 2)")
    stop("ends after line 2", "\n".join(lines[:2]) + "\n", "malformed(line 3)")
    stop("ends after line 3", "\n".join(lines[:3]) + "\n", "malformed(line 4)")
    stop("ends in the proof", "\n".join(lines[:5]) + "\n", "malformed(line 6)")
    stop("ends in line 1", lines[0][:9], "malformed(line 1)")
    stop("ends in line 2", "\n".join([lines[0], extra[:50]]), "malformed(line 2)")
    stop("CRLF", GOOD.replace("\n", "\r\n"), "malformed(line 1)")
    stop("LF at the beginning", "\n" + GOOD, "malformed(line 1)")
    stop("invalid UTF-8", GOOD.encode().replace(b"log.example.org", b"log.example\xff.org"), "malformed(line 1)")
    stop("more than 512 KiB", {"prefix": GOOD, "repeat": "x", "count": 512 << 10, "suffix": ""}, "malformed(line 1)")


def checkpoints():
    head, separator, checkpoint = GOOD.partition("\n\n")
    text, _, line = checkpoint.partition("\n\n")
    bad = "malformed(checkpoint)"
    for name, changed in [("bytes after it", checkpoint + "x"), ("a line after it", checkpoint + "x\n"), ("an empty line after it", checkpoint + "\n"), ("LF at the end missing", checkpoint[:-1]), ("no signature", text + "\n\n"), ("text alone", text + "\n"), ("cut in the signature", checkpoint[:-30]),
                          ("signature twice", checkpoint + line), ("extension line", text + "\nx\n\n" + line), ("empty extension line", text + "\n\n\n" + line), ("size 05", checkpoint.replace("\n5\n", "\n05\n")), ("size −5", checkpoint.replace("\n5\n", "\n-5\n")),
                          ("size 2^63", checkpoint.replace("\n5\n", "\n9223372036854775808\n")), ("size 0 with another root", checkpoint.replace("\n5\n", "\n0\n")), ("origin no origin", checkpoint.replace(ORIGIN, "log.example.org")), ("CR", checkpoint.replace("\n5\n", "\n5\r\n")),
                          ("stray bits in a signature", checkpoint[:-3] + chr(ord(checkpoint[-3]) + 1) + "=\n"), ("dash of ASCII", checkpoint.replace("—", "--")), ("an empty line before", "\n" + checkpoint), ("two checkpoints", checkpoint + checkpoint),
                          ("65 lines", checkpoint + "".join(note.signature_line(f"w{number}", b"\1\2\3\4", b"x") for number in range(64)))]:
        stop(f"checkpoint: {name}", head + separator + changed, bad)
    assert checkpoint.endswith("=\n") and not checkpoint.endswith("==\n")
    add("checkpoint: 64 lines", GOOD + "".join(note.signature_line(f"w{number}", b"\1\2\3\4", b"x") for number in range(63)))


def heads():
    head = LOG.records[3].head
    stop("head of version 2", receipt(LOG, 3, head=head.replace('"indelible":1', '"indelible":2')), "unsupported version")
    stop("head with an unknown field", receipt(LOG, 3, head=head[:-1] + ',"x":1}'), "unsupported version")
    for name, wrong in [("empty braces", "{}"), ("LF at the end", head + "\n"), ("white space", head.replace(":", ": ", 1)), ("time wrong", head.replace("10:00:03", "10:00:60")), ("field missing", head.replace('"via":"ingest/http",', "")), ("not ASCII", head.replace("acme", "ácme")), ("no head", "hello")]:
        stop(f"head invalid: {name}", receipt(LOG, 3, head=wrong), "malformed(line 2)")
    stop("grammar comes before the head: checkpoint", receipt(LOG, 3, head=head.replace('"indelible":1', '"indelible":2')) + "x", "malformed(checkpoint)")
    stop("grammar comes before the head: index", receipt(LOG, 3, head="{}").replace("\nindex 3\n", "\nindex 03\n"), "malformed(line 3)")


def document():
    cases.clear()
    for group in (good, authenticity, tree, faults, records, grammar, checkpoints, heads):
        group()
    return {"file": "receipt", "spec": "docs/spec/receipt.md", "cases": list(cases)}
