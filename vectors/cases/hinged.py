"""Exports of a log whose keys changed, for export.json. Authored by the steps of docs/spec/export.md."""

from cases.note import ml_dsa_line
from cases.rotated import FORKED, HINGE_SIZES, KEYS, LOG, ONE_OF_ONE, PEOPLE, PINS, TWO_OF_THREE, begun, ordered, signed, turned
from textbook import keys, note
from textbook.log import BY_NODE, NODE_ORIGIN, ORIGIN, Log, escaped, export_lines, genesis_event, hashes, hinge_line, orders, sealed
from textbook.tree import sha256

OTHER = orders(11, "log.example.org/other/00112233445566ff")
STRANGER = keys.LogKey(b"\7" * 32, ORIGIN)
LINES = export_lines(LOG)
HEADER, GENESIS, FIRST, SECOND, THIRD, CONSISTENCY, RECORD_0 = range(7)
BASES = {"hinges: three, pin of set 0": sealed(LINES), "hinges: records [1, 3) of size 11": sealed(export_lines(LOG, 1, 2)), "hinges: records [0, 2) of size 11": sealed(export_lines(LOG, 0, 2))}
WHOLE = "population complete(0…10)"


def replaced(at, *new, lines=LINES):
    return [*lines[:at], *new, *lines[at + 1 :]]


def changed(at, old, new, lines=LINES):
    assert lines[at].count(old) >= 1, (at, old)
    return replaced(at, lines[at].replace(old, new, 1), lines=lines)


def consistency_line(old, new, log=LOG):
    return f'{{"walk":{{"consistency":{hashes(log.tree().consistency(old, new))}}}}}'


def without_hinges(lines, size, kept=0):
    """The lines with the first `kept` hinges alone, the last consistency proof made to fit."""
    hinges = [line for line in lines if line.startswith('{"walk":{"hinge"')][:kept]
    last = HINGE_SIZES[kept - 1] if kept else 1
    rest = [line for line in lines[2:] if not line.startswith('{"walk"')]
    return [*lines[:2], *hinges, consistency_line(last, size), *rest]


def exports(add, stop):
    """`add(name, lines, integrity, completeness, authenticity, pin)` and `stop(name, lines, integrity, pin)` take each case."""

    def good(name, lines, completeness=WHOLE, authenticity="ok", pin=PINS[0], integrity="ok"):
        add(f"hinges: {name}", lines, integrity, completeness, authenticity, pin)

    def no(name, lines, authenticity="key walk broken", pin=PINS[0], integrity="ok"):
        add(f"hinges: {name}", lines, integrity, "unchecked", authenticity, pin)

    def part(first, count, size, **changes):
        return export_lines(LOG, first, count, size, **changes), f"population complete({first}…{first + count - 1})"

    for at, pin in enumerate(PINS[:4]):
        good(f"three, pin of set {at}", LINES, pin=pin)
    good("three, without pin", LINES, authenticity="self-keyed", pin=None)
    good("three, with an ML-DSA-44 line", export_lines(LOG, checkpoint=signed(11) + ml_dsa_line(ORIGIN)), authenticity="ok, not yet post-quantum")
    good("three, heads alone", export_lines(LOG, content="heads"), "content withheld")
    for size in range(1, 12):
        lines, complete = part(0, size, size)
        good(f"as many as there are up to size {size}", lines, complete)
    for first, count in ((0, 2), (1, 2), (3, 1), (3, 4), (4, 7), (6, 1), (10, 1)):
        lines, complete = part(first, count, 11)
        good(f"records [{first}, {first + count}) of size 11", lines, complete)
    good("the hinge's own note, signed by both", part(0, 4, 4)[0], "population complete(0…3)", pin=PINS[1])
    good("at a hinge's size, by the new key alone", part(0, 4, 4, checkpoint=signed(4, KEYS[1]))[0], "population complete(0…3)")
    good("by the last key and a retired one", export_lines(LOG, checkpoint=signed(11, KEYS[0], KEYS[3])))
    good("by the last key, a retired key's line wrong", export_lines(LOG, checkpoint=signed(11, KEYS[3]) + note.signature_line(ORIGIN, KEYS[0].id, b"x" * 64)))
    good("a key record lost", export_lines(LOG, lost=[3]), "incomplete(1 lost)", integrity="missing(3)")
    good("a key record without content", export_lines(LOG, bare=[3]), "erased without record(3)")
    good("a key record's event altered where it stands as a record", changed(RECORD_0 + 3, '"generation":1', '"generation":9'), integrity="event altered(3)")
    node = Log(NODE_ORIGIN)
    node.genesis(genesis_event(NODE_ORIGIN, [node.key.vkey], batch_key="ab" * 32))
    pin = node.pin
    node.rotate(keys.LogKey(b"\1" * 32, NODE_ORIGIN), batch_key="ba" * 32)
    node.add('{"node":"destroyed","generation":0}', kind="node", **BY_NODE)
    good("the node log", export_lines(node), "population complete(0…2)", pin=pin)

    # 2b
    no("a hinge line taken out", replaced(SECOND))
    no("the first hinge line taken out", replaced(FIRST))
    no("the last hinge line taken out", replaced(THIRD), "unknown key")
    no("two hinge lines swapped", [*LINES[:FIRST], LINES[SECOND], LINES[FIRST], *LINES[THIRD:]])
    no("a hinge line twice", replaced(FIRST, LINES[FIRST], LINES[FIRST]))
    no("a hinge of another history", replaced(FIRST, export_lines(FORKED)[FIRST]))
    no("the consistency proof to a hinge wrong", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, consistency=[sha256(b"x")])))
    no("the inclusion proof of a key record wrong", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, inclusion=[sha256(b"x")] * 3)))
    no("64 hashes in a proof", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, inclusion=[sha256(b"x")] * 64)))
    no("a key record without salt and event", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, record=LOG.records[6].head_line())))
    no("a key record's event altered", changed(SECOND, '"generation":2', '"generation":9'))
    no("a note that is none", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, "x")))
    no("a hinge line taken out, without pin", replaced(SECOND), pin=None)
    for name, recovery, word, signers in (("forged by the new key alone", keys.NO_RECOVERY, "rotation", [KEYS[1]]), ("forged by the old key alone", keys.NO_RECOVERY, "rotation", [KEYS[0]]), ("forged by a third party", keys.NO_RECOVERY, "rotation", [STRANGER, KEYS[1]]), ("a recovery by one too few", TWO_OF_THREE, "recovery", [PEOPLE[1], KEYS[1]]),
                                          ("a recovery by nobody", ONE_OF_ONE, "recovery", [KEYS[0], KEYS[1]])):
        log = begun(recovery)
        log.rotate(KEYS[1], word, signers, recovery)
        no(name, export_lines(ordered(log)), pin=log.pin_of(KEYS[0]))
    log = begun()
    log.rotate(KEYS[1], raw_head=lambda head: head.replace('"indelible":1', '"indelible":2'))
    no("a key record with a head of version 2, which is not in the range", export_lines(ordered(log), 0, 2), pin=log.pin_of(KEYS[0]))
    log = begun()
    log.rotate(KEYS[1], kind="event")
    no("a hinge behind a record of another kind", export_lines(ordered(log)), pin=log.pin_of(KEYS[0]))

    # 2c
    no("pin of a key in no set", LINES, "unknown key", LOG.pin_of(STRANGER))
    no("pin of another log id", LINES, "unknown key", PINS[3].replace(LOG.id, "ab" * 32))
    no("pin of another log", LINES, "unknown key", OTHER.pin)
    no("pin of a key of a later hinge", part(0, 6, 6)[0], "unknown key", PINS[2])
    no("pin of a recovery key's seed", LINES, "unknown key", f"indelible-pin-v1 {LOG.id} {keys.vkey(ORIGIN, PEOPLE[0].public)}")

    # 2d
    def by(size, *signers, more=""):
        return export_lines(LOG, 0, 2, size, checkpoint=signed(size, *signers) + more)

    wrong = note.signature_line(ORIGIN, KEYS[3].id, b"x" * 64)
    body = note.body(ORIGIN, 11, LOG.tree().root(0, 11)) + "\n"
    no("by the first key", by(11, KEYS[0]), "key retired")
    no("by the first key, pin of it", by(11, KEYS[0]), "key retired", PINS[0])
    no("by the first key, pin of the last", by(11, KEYS[0]), "key retired", PINS[3])
    no("by the first key, without pin", by(11, KEYS[0]), "key retired", None)
    no("by the key before the last", by(11, KEYS[2]), "key retired")
    no("by all keys but the last", by(11, *KEYS[:3]), "key retired")
    no("by the second key, above its hinge", by(8, KEYS[1]), "key retired")
    no("by the first key, one above its hinge", by(5, KEYS[0]), "key retired")
    no("by the first key with an ML-DSA-44 line", by(11, KEYS[0], more=ml_dsa_line(ORIGIN)), "key retired")
    no("by the first key, another root", export_lines(LOG, 0, 2, checkpoint=note.signed(ORIGIN, 11, sha256(b"x"), [KEYS[0]])), "key retired", integrity="root mismatch(11)")
    no("by the old key alone, at the hinge", by(4, KEYS[0]), "unknown key")
    no("by the key before the last alone, at the last hinge", by(9, KEYS[2]), "unknown key")
    no("by a key two sets back, at the last hinge", by(9, KEYS[1]), "key retired")
    no("by the last two keys but one, at the last hinge", by(9, KEYS[1], KEYS[2]), "unknown key")
    no("by a stranger", by(11, STRANGER), "unknown key")
    no("by recovery keys", by(11, *PEOPLE[:3]), "unknown key")
    no("by a key that comes later", by(6, KEYS[2]), "unknown key")
    no("by nobody", export_lines(LOG, 0, 2, checkpoint=body + note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72)), "unknown key")
    no("the last key's line wrong", export_lines(LOG, 0, 2, checkpoint=body + wrong), "signature invalid")
    no("the last key's line wrong, the first key's right", by(11, KEYS[0], more=wrong), "signature invalid")
    no("the first key's line wrong and no other", export_lines(LOG, 0, 2, checkpoint=body + note.signature_line(ORIGIN, KEYS[0].id, b"x" * 64)), "unknown key")

    # 2e, 2f
    no("the checkpoint of another origin", export_lines(LOG, 0, 2, checkpoint=note.signed(OTHER.origin, 11, LOG.tree().root(0, 11), [KEYS[3]])), "unknown key")
    no("the checkpoint of another origin, by the first key", export_lines(LOG, 0, 2, checkpoint=note.signed(OTHER.origin, 11, LOG.tree().root(0, 11), [KEYS[0]])), "key retired")
    no("the last consistency proof from size 1", replaced(CONSISTENCY, consistency_line(1, 11)))
    no("the last consistency proof from the hinge before", replaced(CONSISTENCY, consistency_line(7, 11)))
    no("the last consistency proof empty", replaced(CONSISTENCY, '{"walk":{"consistency":[]}}'))
    no("the last consistency proof not empty at a hinge", [line if '"consistency":[]}}' not in line else line.replace("[]", hashes([sha256(b"x")])) for line in part(0, 2, 9)[0]])
    no("another root, well signed", export_lines(LOG, 0, 2, checkpoint=note.signed(ORIGIN, 11, sha256(b"x"), [KEYS[3]])), integrity="root mismatch(11)")
    lines = part(0, 2, 8)[0]
    above = hinge_line(LOG, LOG.hinges[2], 7)
    no("a hinge above the size", [*lines[:4], above, *lines[4:]], "unknown key")
    no("a hinge above the size, by its key", [*lines[:4], above, *lines[4:-1], f'{{"checkpoint":"{escaped(signed(8, KEYS[3]))}"}}'])

    # 2g: what whoever holds the old secret can leave out, and where it shows.
    no("all hinges stripped, signed by the first key", without_hinges(export_lines(LOG, checkpoint=signed(11, KEYS[0])), 11))
    no("all hinges stripped, signed by the first key, heads alone", without_hinges(export_lines(LOG, checkpoint=signed(11, KEYS[0]), content="heads"), 11))
    no("all hinges stripped, the range is the key record", without_hinges(export_lines(LOG, 3, 1, checkpoint=signed(11, KEYS[0])), 11))
    no("all hinges stripped, signed by the last key", without_hinges(LINES, 11), "unknown key")
    no("the last hinge stripped, signed by the key before", without_hinges(export_lines(LOG, checkpoint=signed(11, KEYS[2])), 11, 2))
    no("the hinge stripped at its size", without_hinges(part(0, 4, 4, checkpoint=signed(4, KEYS[0]))[0], 4))
    no("all hinges stripped, without pin", without_hinges(export_lines(LOG, checkpoint=signed(11, KEYS[0])), 11), pin=None)
    good("all hinges stripped, no key record in the range: nothing here tells", without_hinges(by(11, KEYS[0]), 11), "population complete(0…1)")
    good("all hinges stripped, the key records lost", without_hinges(export_lines(LOG, lost=[3, 6, 8], checkpoint=signed(11, KEYS[0])), 11), "incomplete(3 lost)", integrity="missing(3, 6, 8)")
    good("the hinge stripped, a range that ends before the key record", without_hinges(export_lines(LOG, 1, 2, 4, checkpoint=signed(4, KEYS[0])), 4), "population complete(1…2)")
    no("a record altered into a key record", changed(RECORD_0 + 1, '"kind":"event"', '"kind":"key"'), integrity="head altered(1)")
    good("a key record altered into another", changed(RECORD_0 + 3, '"kind":"key"', '"kind":"event"'), integrity="head altered(3)")
    good("a record altered into a key record, its head not valid", changed(RECORD_0 + 1, '"kind":"event","by":"', '"kind":"key","by":"%'), integrity="head altered(1)")
    log = begun(orders=3)
    log.add(keys.key_event("rotation", 1, [KEYS[1].vkey]), kind="key", **BY_NODE)
    no("a key record without hinge, last of the log", export_lines(log), pin=log.pin)
    log = begun()
    log.rotate(KEYS[1])
    ordered(log)
    log.add(keys.key_event("rotation", 1, [KEYS[2].vkey]), kind="key", seq=3, **BY_NODE)
    no("a key record whose seq is another's", export_lines(log), pin=log.pin_of(KEYS[0]), integrity="log fault(5, seq)")
    for kind in ("settings", "expiry", "erasure", "successor"):
        log = begun()
        log.add("{}", kind=kind, **BY_NODE)
        add(f"a record of the reserved kind {kind}", export_lines(log), "unsupported version", "population complete(0…3)", "ok", log.pin)
    log = begun()
    log.rotate(KEYS[1], by="spiffe://acme/payments")
    no("a key record by a producer", export_lines(log), pin=log.pin_of(KEYS[0]), integrity="log fault(3, kind)")

    forms(stop)


def forms(stop):
    """Step 1."""
    erasure = '{"walk":{"erasure":{}}}'
    for name, at in (("first", FIRST), ("in the place of the second hinge", SECOND), ("after the hinges", CONSISTENCY)):
        stop(f"hinges: a walk line of another kind {name}", replaced(at, erasure, LINES[at]), "unsupported version", PINS[0])
    stop("hinges: a walk line of another kind after the consistency line", replaced(CONSISTENCY, LINES[CONSISTENCY], erasure), f"malformed(line {CONSISTENCY + 2})", PINS[0])
    stop("hinges: a hinge line after the consistency line", [*LINES[:THIRD], LINES[CONSISTENCY], LINES[THIRD], *LINES[RECORD_0:]], f"malformed(line {THIRD + 2})", PINS[0])
    stop("hinges: a hinge line before the genesis", [LINES[HEADER], LINES[FIRST], LINES[GENESIS], *LINES[SECOND:]], "malformed(line 2)", PINS[0])
    stop("hinges: no consistency line", replaced(CONSISTENCY), f"malformed(line {CONSISTENCY + 1})", PINS[0])
    line = LINES[SECOND]
    for name, made in (("no braces at its end", line.rstrip("}")), ("a member more", line[:-2] + ',"x":1}}'), ("white space", line.replace(',"key"', ', "key"')), ("members exchanged", line.replace('"consistency"', '"x"').replace('"inclusion"', '"consistency"').replace('"x"', '"inclusion"')), ("no key record", line[: line.index(',"key":')] + "}}"),
                       ("note with another escape", line.replace("\\n", "\\u000a", 1)), ("note with a quote not escaped", line.replace("person-0", 'person"0')), ("a hash cut", line.replace('="', '"', 1)), ("salt of 31 characters", line.replace(LOG.records[6].salt, LOG.records[6].salt[1:])), ("CR at the end", line + "\r"),
                       ("a record line", LOG.records[6].line()), ("an empty line", "")):
        assert made != line, name
        stop(f"hinges: hinge line, {name}", replaced(SECOND, made), f"malformed(line {SECOND + 1})", PINS[0])
    stop("hinges: two faults, the hinge broken and a record line malformed", replaced(RECORD_0, "x", lines=replaced(SECOND, LINES[FIRST])), f"malformed(line {RECORD_0 + 1})", PINS[0])
    stop("hinges: the genesis of version 2", changed(GENESIS, '"indelible":1', '"indelible":2'), "unsupported version", PINS[0])
