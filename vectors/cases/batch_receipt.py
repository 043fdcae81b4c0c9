"""batch_receipt.json: batch receipts with and without pin and records, their verdicts, and the receipts that follow from them
(docs/spec/batch-receipt.md). Authored by the page's steps."""

from cases.note import ml_dsa_line
from cases.verdict import stopped, verdict
from textbook import note
from textbook.files import b64
from textbook.log import ORIGIN, Log, batch_receipt, genesis_event, orders, receipt
from textbook.tree import sha256

LOG = orders(9)
LONG = orders(520)
OTHER = orders(9, "log.example.org/other/00112233445566ff")
UNCHECKED = "unchecked"
WITHHELD = "content withheld"
cases = []


def lines(log, first, count, heads=False):
    return "".join((record.head_line() if heads else record.line()) + "\n" for record in log.records[first : first + count])


GOOD = batch_receipt(LOG, 3, 4)
RECORDS = lines(LOG, 3, 4)
MISMATCH = "root mismatch(9)"


def population(first, count):
    return f"population complete({first}…{first + count - 1})"


def put(name, text, expect, pin=LOG.pin, records=RECORDS, derived=()):
    case = {"name": name} | ({"batch_receipt": text} if isinstance(text, str) else text if isinstance(text, dict) else {"batch_receipt_b64": b64(text)})
    case |= {"pin": pin} if pin else {}
    case |= {} if records is None else {"record": records} if isinstance(records, str) else {"record_b64": b64(records)}
    case |= {"derived": [{"seq": seq, "receipt": text} for seq, text in derived]} if derived else {}
    cases.append(case | {"expect": expect})


def add(name, text=GOOD, integrity="ok", authenticity="ok", completeness=population(3, 4), **named):
    put(name, text, verdict(integrity, authenticity, completeness), **named)


def wrong(name, integrity, text=GOOD, authenticity="ok", **named):
    """Nothing is proven complete."""
    add(name, text, integrity, authenticity, UNCHECKED, **named)


def stop(name, text, integrity):
    put(name, text, stopped(integrity))


def good():
    for size in (1, 2, 3, 4, 5, 8, 9):
        for first in range(size):
            for count in {1, 2, size - first}:
                if first + count <= size:
                    derived = [(seq, receipt(LOG, seq, size)) for seq in range(first, first + count)]
                    add(f"{count} from {first} in size {size}", batch_receipt(LOG, first, count, size), completeness=population(first, count), records=lines(LOG, first, count), derived=derived)
    for first, count, size in [(255, 1, 256), (255, 1, 257), (255, 2, 257), (256, 1, 257), (254, 4, 300), (250, 12, 512), (511, 2, 520), (256, 8, 512), (512, 8, 520), (508, 4, 512)]:
        derived = [(seq, receipt(LONG, seq, size)) for seq in {first, first + count - 1}]
        add(f"tile borders: {count} from {first} in size {size}", batch_receipt(LONG, first, count, size), pin=LONG.pin, completeness=population(first, count), records=lines(LONG, first, count), derived=derived)
    add("a whole tile, heads alone", batch_receipt(LONG, 256, 256, 520), pin=LONG.pin, completeness=WITHHELD, records=lines(LONG, 256, 256, heads=True), derived=[(300, receipt(LONG, 300, 520))])
    add("without pin", authenticity="self-keyed", pin=None)
    add("pin with LF", pin=LOG.pin + "\n")
    add("last LF missing", records=RECORDS[:-1])
    add("heads alone", completeness=WITHHELD, records=lines(LOG, 3, 4, heads=True))
    add("one head alone", completeness=WITHHELD, records=lines(LOG, 3, 3) + lines(LOG, 6, 1, heads=True))
    add("with an ML-DSA-44 line", GOOD + ml_dsa_line(ORIGIN), authenticity="ok, not yet post-quantum")
    add("with a line of an unknown witness", GOOD + note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72))


def authenticity():
    wrong("pin of another log", "ok", authenticity="unknown key", pin=OTHER.pin)
    body = note.body(ORIGIN, 9, LOG.tree().root(0, 9))
    bad = body + "\n" + note.signature_line(ORIGIN, LOG.key.id, b"x" * 64)
    wrong("signature wrong", "ok", batch_receipt(LOG, 3, 4, checkpoint=bad), authenticity="signature invalid")
    add("signature wrong, without pin", batch_receipt(LOG, 3, 4, checkpoint=bad), authenticity="self-keyed", pin=None)
    wrong("no line of the key", "ok", batch_receipt(LOG, 3, 4, checkpoint=body + "\n" + note.signature_line(ORIGIN, b"\1\2\3\4", b"x" * 64)), authenticity="unknown key")
    foreign = note.body(OTHER.origin, 9, LOG.tree().root(0, 9))
    wrong("checkpoint of another origin", "log fault(3, log)", batch_receipt(LOG, 3, 4, checkpoint=foreign + "\n" + note.signed_line(LOG.key, foreign)), authenticity="unknown key")


def tree():
    proof = sum(LOG.tree().subtree(3, 4, 9), [])
    for name, changed in [("no hashes", []), ("a hash missing", proof[:-1]), ("a hash too many", proof + [sha256(b"x")]), ("126 hashes", (proof + [sha256(b"x")] * 126)[:126])]:
        wrong(f"proof: {name}", MISMATCH, batch_receipt(LOG, 3, 4, proof=changed))
        wrong(f"proof: {name}, no records", MISMATCH, batch_receipt(LOG, 3, 4, proof=changed), records=None)
        wrong(f"proof: {name}, a bad record", MISMATCH, batch_receipt(LOG, 3, 4, proof=changed), records="x\n")
    wrong("proof: two hashes exchanged", MISMATCH, batch_receipt(LOG, 3, 4, proof=[proof[1], proof[0], *proof[2:]]))
    wrong("proof: a hash wrong", MISMATCH, batch_receipt(LOG, 3, 4, proof=[sha256(b"x"), *proof[1:]]))
    wrong("range of a neighbour", MISMATCH, GOOD.replace("\nfirst 3\n", "\nfirst 2\n"), records=lines(LOG, 2, 4))
    wrong("records of a neighbour", MISMATCH, records=lines(LOG, 4, 4))
    wrong("ends above the tree", MISMATCH, batch_receipt(LOG, 7, 2).replace("\nfirst 7\n", "\nfirst 8\n"), records=lines(LOG, 7, 2))
    wrong("begins above the tree", MISMATCH, GOOD.replace("\nfirst 3\n", "\nfirst 9007199254740000\n"))
    wrong("in a log of size 0", "root mismatch(0)", batch_receipt(LOG, 0, 1, 1, checkpoint=note.checkpoint(LOG.key, 0, sha256(b""))), records=lines(LOG, 0, 1))
    wrong("two records exchanged", MISMATCH, records=lines(LOG, 4, 1) + lines(LOG, 3, 1) + lines(LOG, 5, 2))
    wrong("a record of another log in its place", MISMATCH, records=lines(LOG, 3, 3) + lines(OTHER, 6, 1))
    for seq in (3, 5, 6):
        record = LOG.records[seq].line()
        wrong(f"head altered at {seq}", MISMATCH, records=RECORDS.replace(record, record.replace("acme/payments", "acme/payroll")))


def records():
    record = LOG.records[5].line()
    bad = "malformed(record)"
    wrong("no records", UNCHECKED, records=None)
    wrong("no records, without pin", UNCHECKED, authenticity="self-keyed", pin=None, records=None)
    for name, given in [("no line", ""), ("an empty line", "\n"), ("a line missing", lines(LOG, 3, 3)), ("a line too many", lines(LOG, 3, 5)), ("an empty line at the end", RECORDS + "\n"), ("an empty line between", RECORDS.replace("\n", "\n\n", 1)), ("CRLF", RECORDS.replace("\n", "\r\n")),
                        ("a line cut", RECORDS.replace(record, record[:99])), ("no record line", RECORDS.replace(record, "hello")), ("all on one line", RECORDS.replace("\n", "")), ("an export's line of a lost record", RECORDS.replace(record, '{"lost":5}'))]:
        wrong(f"records: {name}", bad, records=given)
    add("event altered at 5", integrity="event altered(5)", records=RECORDS.replace('"amount":"5.00"', '"amount":"9.00"'))
    add("salts exchanged", integrity="event altered(3, 4)", records=RECORDS.replace(LOG.records[3].salt, "?").replace(LOG.records[4].salt, LOG.records[3].salt).replace("?", LOG.records[4].salt))
    add("salt of a letter too high", integrity="event altered(5)", records=RECORDS.replace(LOG.records[5].salt, "g" + LOG.records[5].salt[1:]))
    add("ten events altered", batch_receipt(LONG, 250, 12, 512), "event altered(250, 251, 252, 253, 254, 255, 256, 257; 12 in all)", completeness=population(250, 12), pin=LONG.pin, records=lines(LONG, 250, 12).replace('.00"', '.01"'))


def faulty(name, rule, expect=None, at=3, event='{"order":3,"amount":"3.00"}', **changes):
    """A log that signed a record that breaks a rule."""
    log = Log()
    log.genesis()
    for seq in range(1, 6):
        log.add(event if seq == at else f'{{"order":{seq}}}', **(changes if seq == at else {}))
    add(f"log fault: {name}", batch_receipt(log, 2, 3), expect or f"log fault({at}, {rule})", completeness=population(2, 3), pin=log.pin, records=lines(log, 2, 3))


def faults():
    faulty("head", "head", raw_head=lambda head: head.replace('"via":"ingest/http",', ""))
    faulty("log", "log", log=OTHER.origin)
    faulty("seq", "seq", seq=4)
    faulty("kind", "kind", kind="repair")
    faulty("prev", "prev", prev="ab" * 32)
    faulty("time", "time", time="2026-11-23T10:00:02.000000000Z")
    faulty("the first record's prev is not compared", None, "ok", at=2, prev="ab" * 32)
    faulty("event", "event", event='{"a":1,"a":2}')
    faulty("an unsupported head", None, "unsupported version", raw_head=lambda head: head.replace('"indelible":1', '"indelible":2'))
    faulty("a reserved kind", None, "unsupported version", kind="settings", by="node:000102030405060708090a0b0c0d0e0f", via="node/self")
    log = Log()
    log.genesis(genesis_event(ORIGIN, [log.key.vkey], node_log="ab" * 32), prev="ab" * 32)
    add("log fault: a genesis with a record before", batch_receipt(log, 0, 1), "log fault(0, prev)", completeness=population(0, 1), pin=log.pin, records=lines(log, 0, 1))


def grammar():
    text = GOOD.split("\n")

    def at(name, number, line=None):
        changed = text[: number - 1] + ([] if line is None else [line]) + text[number:]
        stop(f"line {number}: {name}", "\n".join(changed), f"malformed(line {number})")

    for title in ["indelible-batch-receipt", "indelible-batch-receipt-v", "indelible-batch-receipt-v0", "indelible-batch-receipt-v01", "indelible-batch-receipt-v1 ", "Indelible-batch-receipt-v1", "indelible-batch-receipt-w1", "c2sp.org/tlog-proof@v1", "indelible-batch-receipt-v1\r", ""]:
        at(repr(title), 1, title)
    for title in ["indelible-batch-receipt-v2", "indelible-batch-receipt-v9x", "indelible-batch-receipt-v10"]:
        stop(f"line 1: {title}", "\n".join([title, *text[1:]]), "unsupported version")
    stop("a later version, whatever follows", "indelible-batch-receipt-v2", "unsupported version")
    at("missing", 2)
    for line in ["first", "first ", "first 03", "first -3", "first 3 ", "first  3", "First 3", "first 9007199254740992", "index 3", ""]:
        at(repr(line), 2, line)
    at("missing", 3)
    for line in ["count", "count 0", "count 04", "count -4", "count 65537", "count 9007199254740991", "count 18446744073709551616", "size 4", ""]:
        at(repr(line), 3, line)
    stop("the last seq is 2^53", "\n".join([text[0], "first 9007199254740991", "count 2", *text[3:]]), "malformed(line 3)")
    wrong("the last seq is 2^53 − 1", MISMATCH, "\n".join([text[0], "first 9007199254740990", "count 2", *text[3:]]))
    for name, line in [("31 bytes", b64(b"x" * 31)), ("33 bytes", b64(b"x" * 33)), ("no padding", text[3][:-1]), ("stray bit", text[3][:-2] + chr(ord(text[3][-2]) + 1) + "="), ("a space", text[3] + " "), ("hex", "ab" * 32)]:
        at(name, 4, line)
    stop("127 hashes", batch_receipt(LOG, 3, 4, proof=[sha256(b"x")] * 127), "malformed(line 130)")
    for number in range(1, 8):
        stop(f"ends after line {number}", "\n".join(text[:number]) + "\n", "malformed(checkpoint)" if text[number - 1] == "" else f"malformed(line {number + 1})")
    stop("empty", "", "malformed(line 1)")
    stop("CRLF", GOOD.replace("\n", "\r\n"), "malformed(line 1)")
    stop("invalid UTF-8", GOOD.encode().replace(b"log.example.org", b"log.example\xff.org"), "malformed(line 1)")
    stop("more than 512 KiB", {"prefix": GOOD, "repeat": "x", "count": 512 << 10, "suffix": ""}, "malformed(line 1)")
    stop("a later version of more than 512 KiB", {"prefix": "indelible-batch-receipt-v2", "repeat": "x", "count": 512 << 10, "suffix": ""}, "malformed(line 1)")
    for name, changed in [("a line after it", GOOD + "x\n"), ("an empty line after it", GOOD + "\n"), ("LF at the end missing", GOOD[:-1]), ("size 09", GOOD.replace("\n9\n", "\n09\n")), ("an extension line", GOOD.replace("\n9\n", "\n9\nx\n"))]:
        stop(f"checkpoint: {name}", changed, "malformed(checkpoint)")


def document():
    cases.clear()
    for group in (good, authenticity, tree, records, faults, grammar):
        group()
    return {"file": "batch_receipt", "spec": "docs/spec/batch-receipt.md", "cases": list(cases)}
