"""export.json: exports, whole and damaged, and their verdicts (docs/spec/export.md). Authored by the page's steps.

Damage is done to the lines and the last line's digest made anew, unless a case says otherwise.
"""

import base64
import hashlib

from cases import hinged
from cases.note import ml_dsa_line
from cases.verdict import stopped, verdict
from textbook import ed25519, keys, note
from textbook.files import b64, shortest
from textbook.log import BY_NODE, NODE_ORIGIN, ORIGIN, SECRET, Log, escaped, export_lines, genesis_event, hashes, orders, sealed
from textbook.tree import sha256

LOG = orders(5)
OTHER = orders(5, "log.example.org/other/00112233445566ff")
LINES = export_lines(LOG)  # header, genesis, consistency, five records, entries, left, right, checkpoint
PART = export_lines(LOG, 1, 3)  # header, genesis, consistency, three records, entries, left, right, checkpoint
HEADER, GENESIS, CONSISTENCY, RECORD_0, RECORD_1, RECORD_2, RECORD_3, RECORD_4, ENTRIES, LEFT, RIGHT, CHECKPOINT = range(12)
WHOLE = "population complete(0…4)"
ML_DSA = "ok, not yet post-quantum"
cases = []


def put(name, text, expect, pin=LOG.pin):
    case = {"name": name} | (shortest("export", text, {} if name in hinged.BASES else hinged.BASES) if isinstance(text, str) and name.startswith("hinges: ") else {"export": text} if isinstance(text, str) else text if isinstance(text, dict) else {"export_b64": b64(text)})
    cases.append(case | ({"pin": pin} if pin else {}) | {"expect": expect})


def add(name, lines, integrity="ok", completeness=WHOLE, authenticity="ok", pin=LOG.pin):
    put(name, lines if isinstance(lines, (str, bytes, dict)) else sealed(lines), verdict(integrity, authenticity, completeness), pin)


def stop(name, lines, integrity, pin=LOG.pin):
    put(name, lines if isinstance(lines, (str, bytes)) else sealed(lines), stopped(integrity), pin)


def both(name, lines, integrity="ok", completeness=WHOLE, pin=LOG.pin):
    """Shown with the pin and without."""
    add(name, lines, integrity, completeness, pin=pin)
    add(name + ", without pin", lines, integrity, completeness, "self-keyed", None)


def changed(at, old, new, lines=None):
    lines = list(LINES if lines is None else lines)
    assert lines[at].count(old) >= 1, (at, old)
    lines[at] = lines[at].replace(old, new, 1)
    return lines


def replaced(at, *new, lines=None):
    lines = list(LINES if lines is None else lines)
    return lines[:at] + list(new) + lines[at + 1 :]


def entries_of(line):
    data = base64.b64decode(line[len('{"entries":"') : -2])
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def entries_line(entries):
    return '{"entries":"' + b64(b"".join(entries)) + '"}'


def good():
    one, three = orders(1), orders(3)
    both("1 record", export_lines(one), completeness="population complete(0…0)", pin=one.pin)
    both("3 records", export_lines(three), completeness="population complete(0…2)", pin=three.pin)
    both("5 records", LINES)
    add("1 record of size 1, heads alone", export_lines(one, content="heads"), completeness="content withheld", pin=one.pin)
    for size in range(1, 6):
        for first in range(size):
            for count in range(1, size - first + 1):
                if (first, count, size) != (0, 5, 5):
                    add(f"records [{first}, {first + count}) of size {size}", export_lines(LOG, first, count, size), completeness=f"population complete({first}…{first + count - 1})")
    both("heads alone", export_lines(LOG, content="heads"), completeness="content withheld")
    add("heads alone, a part", export_lines(LOG, 2, 2, content="heads"), completeness="content withheld")
    add("pin with LF", LINES, pin=LOG.pin + "\n")
    with_ml_dsa = LOG.checkpoint() + ml_dsa_line(ORIGIN)
    add("with an ML-DSA-44 line", export_lines(LOG, checkpoint=with_ml_dsa), authenticity=ML_DSA)
    add("with an ML-DSA-44 line, without pin", export_lines(LOG, checkpoint=with_ml_dsa), authenticity="self-keyed", pin=None)
    add("with a witness's line", export_lines(LOG, checkpoint=LOG.checkpoint() + note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72)))
    node = Log(NODE_ORIGIN)
    batch_key = ed25519.public_key(keys.batch_seed(SECRET, bytes(range(16, 32)))).hex()
    node.genesis(genesis_event(NODE_ORIGIN, [node.key.vkey], batch_key=batch_key))
    node.add('{"node":"start","software":"indelible 0.1.0","volatile":false,"register":false,"warnings":[]}', kind="node", **BY_NODE)
    node.add('{"repair":"torn","batch":7,"quarantine":["7-' + "ab" * 32 + '"]}', kind="repair", **BY_NODE)
    node.add('{"clock":"back","wall":"2026-11-23T09:59:00.000000000Z","last":"2026-11-23T10:00:02.000000000Z"}', kind="clock", **BY_NODE)
    add("the node log", export_lines(node), completeness="population complete(0…3)", pin=node.pin)
    rich = Log()
    rich.genesis()
    rich.add('{"a":"é\\u2028 \\"}{\\" }","b":[{"c":{}}],"n":-0.0e1}', **{"from": "2001:db8::7", "cert": "ce" * 32, "format": "cloudevents", "occurred": "2026-11-23T09:59:59.999999999Z"})
    rich.add('{"salt":"","event":{},"head":{"lost":2}}', by="dns:a%20b")
    add("records with every sort of field and awkward content", export_lines(rich), completeness="population complete(0…2)", pin=rich.pin)


def gone_and_lost():
    both("a record without content", export_lines(LOG, bare=[2]), completeness="erased without record(2)")
    add("all records without content, though content is all", export_lines(LOG, bare=range(5)), completeness="erased without record(0, 1, 2, 3, 4)")
    both("a record lost", export_lines(LOG, lost=[2]), "missing(2)", "incomplete(1 lost)")
    add("the first record lost", export_lines(LOG, lost=[0]), "missing(0)", "incomplete(1 lost)")
    add("all records lost", export_lines(LOG, lost=range(5)), "missing(0, 1, 2, 3, 4)", "incomplete(5 lost)")
    add("lost among heads alone", export_lines(LOG, content="heads", lost=[1, 3]), "missing(1, 3)", "incomplete(2 lost)")
    add("lost and without content", export_lines(LOG, lost=[1], bare=[2]), "missing(1)", "incomplete(1 lost)")
    add("lost in a part", export_lines(LOG, 1, 3, lost=[3]), "missing(3)", "incomplete(1 lost)")
    add("lost and an event altered", changed(RECORD_3, '"3.00"', '"9.00"', export_lines(LOG, lost=[1])), "event altered(3)", "incomplete(1 lost)")
    add("lost and a head altered", changed(RECORD_3, "payments", "payroll", export_lines(LOG, lost=[1])), "head altered(3)", "incomplete(1 lost)")
    lines = export_lines(LOG, lost=[1])
    add("lost and its entry altered", replaced(ENTRIES, entries_line([sha256(b"x") if at == 1 else entry for at, entry in enumerate(entries_of(lines[ENTRIES]))]), lines=lines), "root mismatch(5)", "unchecked")
    add("lost and another entry altered", replaced(ENTRIES, entries_line([sha256(b"x") if at == 3 else entry for at, entry in enumerate(entries_of(lines[ENTRIES]))]), lines=lines), "head altered(3)", "unchecked")
    add("without content and an event altered", changed(RECORD_3, '"3.00"', '"9.00"', export_lines(LOG, bare=[1])), "event altered(3)", "erased without record(1)")
    stop("lost, another seq", replaced(RECORD_2, '{"lost":3}'), "malformed(line 6)")
    stop("lost, leading zero", replaced(RECORD_2, '{"lost":02}'), "malformed(line 6)")
    stop("lost, as a string", replaced(RECORD_2, '{"lost":"2"}'), "malformed(line 6)")


def altered():
    both("event altered", changed(RECORD_2, '"2.00"', '"9.00"'), "event altered(2)")
    add("events altered", changed(RECORD_4, '"4.00"', '"9.00"', changed(RECORD_2, '"2.00"', '"9.00"')), "event altered(2, 4)")
    add("event altered, the digest of the file left as it was", sealed(LINES).replace('"2.00"', '"9.00"'), "event altered(2)")
    add("event with a space put in", changed(RECORD_2, '"amount":', '"amount": '), "event altered(2)")
    add("event no JSON", changed(RECORD_2, LOG.records[2].event, "x"), "event altered(2)")
    add("event empty", changed(RECORD_2, LOG.records[2].event, ""), "event altered(2)")
    add("salt altered", changed(RECORD_2, LOG.records[2].salt, "00" * 16), "event altered(2)")
    add("salt in upper case", changed(RECORD_2, LOG.records[2].salt, LOG.records[2].salt.upper()), "event altered(2)")
    add("salt of other characters", changed(RECORD_2, LOG.records[2].salt, "z" * 32), "event altered(2)")
    both("head altered", changed(RECORD_2, "payments", "payroll"), "head altered(2)")
    add("head altered, the digest of the file left as it was", sealed(LINES).replace("payments", "payroll", 1), "head altered(1)")
    add("heads altered", changed(RECORD_3, "payments", "payroll", changed(RECORD_1, "ingest", "egress")), "head altered(1, 3)")
    add("head altered until it is none", changed(RECORD_2, LOG.records[2].head, '{"x":1}'), "head altered(2)")
    add("head altered to version 2", changed(RECORD_2, '"indelible":1', '"indelible":2'), "head altered(2)")
    add("head's digest altered to fit another event", changed(RECORD_2, sha256((LOG.records[2].salt + LOG.records[2].event).encode()).hex(), sha256((LOG.records[2].salt + "{}").encode()).hex(), changed(RECORD_2, LOG.records[2].event, "{}")), "head altered(2)")
    add("head and event altered", changed(RECORD_2, "payments", "payroll", changed(RECORD_2, '"2.00"', '"9.00"')), "head altered(2)")
    add("head altered, another's event altered", changed(RECORD_1, "payments", "payroll", changed(RECORD_2, '"2.00"', '"9.00"')), "head altered(1)")
    add("head of record 0 altered, not its walk line", changed(RECORD_0, "node/self", "node/other"), "head altered(0)")
    add("head altered among heads alone", changed(RECORD_2, "payments", "payroll", export_lines(LOG, content="heads")), "head altered(2)", "content withheld")
    add("head altered where content is gone", changed(RECORD_2, "payments", "payroll", export_lines(LOG, bare=[2])), "head altered(2)", "erased without record(2)")
    add("two records exchanged", replaced(RECORD_1, LINES[RECORD_2], lines=replaced(RECORD_2, LINES[RECORD_1])), "head altered(1, 2)")
    add("a record in another's place", replaced(RECORD_2, LINES[RECORD_1]), "head altered(2)")
    add("a record of another log", replaced(RECORD_2, OTHER.records[2].line()), "head altered(2)")
    add("head altered in a part", changed(RECORD_0 + 1, "payments", "payroll", PART), "head altered(2)", "population complete(1…3)")
    entries = entries_of(LINES[ENTRIES])

    def entries_with(*seqs):
        return replaced(ENTRIES, entries_line([sha256(b"x") if at in seqs else entry for at, entry in enumerate(entries)]))

    both("entry altered", entries_with(2), "entry altered(2)")
    add("entries altered", entries_with(0, 2, 4), "entry altered(0, 2, 4)")
    add("entries exchanged", replaced(ENTRIES, entries_line([entries[1], entries[0], *entries[2:]])), "entry altered(0, 1)")
    add("entry altered, and an event elsewhere", changed(RECORD_3, '"3.00"', '"9.00"', entries_with(2)), "entry altered(2)")
    add("entry altered in a part", replaced(ENTRIES - 2, entries_line([sha256(b"x"), *entries[2:4]]), lines=PART), "entry altered(1)", "population complete(1…3)")
    add("head and entry of different records altered", changed(RECORD_1, "payments", "payroll", entries_with(3)), "head altered(1, 3)", "unchecked")
    add("head and entry of one record altered, apart", changed(RECORD_1, "payments", "payroll", entries_with(1)), "head altered(1)", "unchecked")
    forged = LOG.records[1].head.replace("payments", "payroll")
    fitting = replaced(ENTRIES, entries_line([entries[0], sha256(forged.encode()), *entries[2:]]), lines=changed(RECORD_1, "payments", "payroll"))
    both("head altered and the entry to fit", fitting, "root mismatch(5)", "unchecked")
    both("event, digest, head and entry altered to fit", refit(1), "root mismatch(5)", "unchecked")


def refit(seq):
    """A forgery of one record that fits in all but the tree."""
    record = LOG.records[seq]
    event = '{"order":1,"amount":"1000000.00"}'
    head = record.head.replace(sha256((record.salt + record.event).encode()).hex(), sha256((record.salt + event).encode()).hex())
    entries = [sha256(head.encode()) if at == seq else other.entry for at, other in enumerate(LOG.records)]
    return replaced(ENTRIES, entries_line(entries), lines=replaced(RECORD_0 + seq, f'{{"head":{head},"salt":"{record.salt}","event":{event}}}'))


def outside():
    left, right, note_line = len(PART) - 3, len(PART) - 2, len(PART) - 1
    part = "unchecked"
    tree = LOG.tree()
    true_left, true_right = tree.subtree(1, 3, 5)
    both("left hash wrong", replaced(left, f'{{"left":{hashes([sha256(b"x")])}}}', lines=PART), "root mismatch(5)", part)
    both("right hash wrong", replaced(right, f'{{"right":{hashes([sha256(b"x")])}}}', lines=PART), "root mismatch(5)", part)
    add("left and right exchanged", replaced(left, f'{{"left":{hashes(true_right)}}}', f'{{"right":{hashes(true_left)}}}', lines=PART[:right] + PART[right + 1 :]), "root mismatch(5)", part)
    add("left wrong and a head altered", changed(RECORD_1, "payments", "payroll", replaced(left, f'{{"left":{hashes([sha256(b"x")])}}}', lines=PART)), "head altered(2)", part)
    add("right wrong and an event altered", changed(RECORD_1, '"2.00"', '"9.00"', replaced(right, f'{{"right":{hashes([sha256(b"x")])}}}', lines=PART)), "root mismatch(5)", part)
    for at, name, true in ((left, "left", true_left), (right, "right", true_right)):
        for label, values in (("a hash too few", true[:-1]), ("a hash too many", true + [sha256(b"x")])):
            stop(f"{name}: {label}", replaced(at, f'{{"{name}":{hashes(values)}}}', lines=PART), f"malformed(line {at + 1})")
    stop("left of a whole log not empty", replaced(LEFT, f'{{"left":{hashes([sha256(b"x")])}}}'), "malformed(line 10)")
    for label, text in (("hash of 31 bytes", f'["{b64(b"x" * 31)}"]'), ("hash with a stray bit", f'["{stray(true_left[0])}"]'), ("hash in hex", f'["{"ab" * 32}"]'), ("white space", f'[ "{b64(true_left[0])}"]'), ("comma at the end", f'["{b64(true_left[0])}",]'), ("not a list", f'"{b64(true_left[0])}"')):
        stop(f"left: {label}", replaced(left, f'{{"left":{text}}}', lines=PART), f"malformed(line {left + 1})")
    assert note_line == CHECKPOINT - 2


def stray(value):
    text = b64(value)
    return text[:-2] + chr(ord(text[-2]) + 1) + "="


def authenticity():
    name = "unknown key"
    add("pin of another log", LINES, completeness="unchecked", authenticity=name, pin=OTHER.pin)
    add("pin with another log id", LINES, completeness="unchecked", authenticity=name, pin=LOG.pin.replace(LOG.id, "ab" * 32))
    strange = keys.vkey(ORIGIN, ed25519.public_key(b"\7" * 32))
    add("pin with a key that the genesis does not list", LINES, completeness="unchecked", authenticity=name, pin=f"indelible-pin-v1 {LOG.id} {strange}")
    two = Log()
    second_public = ed25519.public_key(b"\7" * 32)
    two.genesis(genesis_event(ORIGIN, [two.key.vkey, strange], node_log="ab" * 32))
    two.add("{}")
    text = note.body(ORIGIN, 2, two.tree().root(0, 2))
    by_second = text + "\n" + note.signature_line(ORIGIN, keys.key_id(ORIGIN, second_public), ed25519.sign(b"\7" * 32, text.encode()))
    complete = "population complete(0…1)"
    add("two keys, signed by the first, pin with it", export_lines(two), completeness=complete, pin=two.pin)
    add("two keys, signed by the first, without pin", export_lines(two), completeness=complete, authenticity="self-keyed", pin=None)
    add("two keys, signed by the second, pin with it", export_lines(two, checkpoint=by_second), completeness=complete, pin=f"indelible-pin-v1 {two.id} {strange}")
    by_both = by_second + note.signed_line(two.key, text)
    wrong_second = text + "\n" + note.signed_line(two.key, text) + note.signature_line(ORIGIN, keys.key_id(ORIGIN, second_public), b"x" * 64)
    add("two keys, signed by the second, pin with the first: every key of the set counts", export_lines(two, checkpoint=by_second), completeness=complete, pin=two.pin)
    add("two keys, signed by the second, without pin", export_lines(two, checkpoint=by_second), completeness=complete, authenticity="self-keyed", pin=None)
    add("two keys, signed by both", export_lines(two, checkpoint=by_both), completeness=complete, pin=two.pin)
    add("two keys, the second's line wrong", export_lines(two, checkpoint=wrong_second), completeness="unchecked", authenticity="signature invalid", pin=two.pin)
    first_ml_dsa = Log()
    first_ml_dsa.genesis(genesis_event(ORIGIN, [keys.vkey(ORIGIN, bytes(1312), 6), first_ml_dsa.key.vkey], node_log="ab" * 32))
    add("ML-DSA-44 listed first, without pin: the Ed25519 key counts", export_lines(first_ml_dsa), completeness="population complete(0…0)", authenticity="self-keyed", pin=None)

    text = note.body(ORIGIN, 5, LOG.tree().root(0, 5))
    wrong = text + "\n" + note.signature_line(ORIGIN, LOG.key.id, b"x" * 64)
    for suffix, pin in (("", LOG.pin), (", without pin", None)):
        add("signature wrong" + suffix, export_lines(LOG, checkpoint=wrong), completeness="unchecked", authenticity="signature invalid", pin=pin)
        add("no line of the key" + suffix, export_lines(LOG, checkpoint=text + "\n" + note.signature_line(ORIGIN, b"\1\2\3\4", b"x" * 64)), completeness="unchecked", authenticity=name, pin=pin)
        foreign = note.body(OTHER.origin, 5, LOG.tree().root(0, 5))
        add("checkpoint of another origin, signed by the key" + suffix, export_lines(LOG, checkpoint=foreign + "\n" + note.signed_line(LOG.key, foreign)), completeness="unchecked", authenticity=name, pin=pin)
        add("root of the checkpoint altered" + suffix, export_lines(LOG, checkpoint=LOG.checkpoint().replace(b64(LOG.tree().root(0, 5)), b64(sha256(b"x")))), "root mismatch(5)", "unchecked", "signature invalid", pin)
        other_root = note.checkpoint(LOG.key, 5, sha256(b"x"))
        add("another root, well signed" + suffix, export_lines(LOG, checkpoint=other_root), "root mismatch(5)", "unchecked", "key walk broken", pin)
        add("consistency proof wrong" + suffix, replaced(CONSISTENCY, f'{{"walk":{{"consistency":{hashes([sha256(b"x")] * 3)}}}}}'), completeness="unchecked", authenticity="key walk broken", pin=pin)
    add("consistency proof with a hash missing", replaced(CONSISTENCY, f'{{"walk":{{"consistency":{hashes(LOG.tree().consistency(1, 5)[:-1])}}}}}'), completeness="unchecked", authenticity="key walk broken")
    add("consistency proof empty", replaced(CONSISTENCY, '{"walk":{"consistency":[]}}'), completeness="unchecked", authenticity="key walk broken")
    one = orders(1)
    add("consistency proof not empty for size 1", replaced(CONSISTENCY, f'{{"walk":{{"consistency":{hashes([sha256(b"x")])}}}}}', lines=export_lines(one)), completeness="unchecked", authenticity="key walk broken", pin=one.pin)
    add("signature wrong and an event altered", changed(RECORD_2, '"2.00"', '"9.00"', export_lines(LOG, checkpoint=wrong)), "event altered(2)", "unchecked", "signature invalid")
    add("signature wrong and content withheld", export_lines(LOG, content="heads", checkpoint=wrong), completeness="unchecked", authenticity="signature invalid")
    add("signature wrong and a record lost", export_lines(LOG, lost=[1], checkpoint=wrong), "missing(1)", "unchecked", "signature invalid")


def walks():
    broken = {"completeness": "unchecked", "authenticity": "key walk broken"}
    genesis = LOG.records[0]
    for suffix, pin in (("", LOG.pin), (", without pin", None)):
        add("log id altered" + suffix, changed(HEADER, LOG.id, "ab" * 32), pin=pin, **broken)
        add("genesis head altered in the walk" + suffix, changed(GENESIS, "node/self", "node/other"), pin=pin, **broken)
        add("genesis event altered in the walk" + suffix, changed(GENESIS, "unix:0", "unix:7"), pin=pin, **broken)
    add("genesis salt altered in the walk", changed(GENESIS, genesis.salt, "00" * 16), **broken)
    add("genesis salt in upper case in the walk", changed(GENESIS, genesis.salt, genesis.salt.upper()), **broken)
    add("genesis of another log in the walk", replaced(GENESIS, f'{{"walk":{OTHER.records[0].line()}}}'), **broken)
    add("another record in the walk", replaced(GENESIS, f'{{"walk":{LOG.records[1].line()}}}'), **broken)
    add("another record in the walk, whose entry is the log id given", changed(HEADER, LOG.id, LOG.records[1].entry.hex(), replaced(GENESIS, f'{{"walk":{LOG.records[1].line()}}}')), **broken)
    add("genesis head in the walk that is no head", replaced(GENESIS, f'{{"walk":{{"head":{{"x":1}},"salt":"{genesis.salt}","event":{genesis.event}}}}}'), **broken)
    stop("genesis head in the walk of version 2", changed(GENESIS, '"indelible":1', '"indelible":2'), "unsupported version")
    stop("genesis head in the walk with an unknown field", changed(GENESIS, ',"digest"', ',"x":1,"digest"'), "unsupported version")
    for name, event in [("version 2", genesis.event.replace('"genesis":1', '"genesis":2')), ("empty", "{}"), ("of another origin", genesis.event.replace(ORIGIN, OTHER.origin)), ("with a member more", genesis.event[:-1] + ',"x":1}'), ("without keys", genesis_event(ORIGIN, [], node_log="ab" * 32)),
                        ("without an Ed25519 key", genesis_event(ORIGIN, [keys.vkey(ORIGIN, bytes(1312), 6)], node_log="ab" * 32)), ("listing another log's key", genesis_event(ORIGIN, [OTHER.key.vkey], node_log="ab" * 32)), ("wholly another log's", OTHER.records[0].event)]:
        log = Log()
        log.genesis(event)
        log.add("{}")
        add(f"genesis event {name}, well signed", export_lines(log), completeness="unchecked", authenticity="key walk broken", pin=log.pin)
    for name, integrity, changes in [("kind event", "log fault(0, kind)", {"kind": "event"}), ("seq 1", "log fault(0, seq)", {"seq": 1}), ("log another", "log fault(0, log)", {"log": OTHER.origin})]:
        log = Log()
        log.genesis(**changes)
        log.add("{}")
        add(f"genesis head with {name}, well signed", export_lines(log), integrity, "unchecked", "key walk broken", log.pin)
    stop("a walk line of another kind", replaced(CONSISTENCY, '{"walk":{"key":{}}}', LINES[CONSISTENCY]), "unsupported version")
    stop("a second record in the walk", replaced(CONSISTENCY, f'{{"walk":{LOG.records[1].line()}}}', LINES[CONSISTENCY]), "unsupported version")
    stop("a walk line after the consistency line", replaced(CONSISTENCY, LINES[CONSISTENCY], '{"walk":{"key":{}}}'), "malformed(line 4)")
    stop("the consistency line twice", replaced(CONSISTENCY, LINES[CONSISTENCY], LINES[CONSISTENCY]), "malformed(line 4)")
    stop("genesis line missing", replaced(GENESIS), "malformed(line 2)")
    stop("consistency line missing", replaced(CONSISTENCY), "malformed(line 3)")
    stop("genesis without salt and event", replaced(GENESIS, f'{{"walk":{genesis.head_line()}}}'), "malformed(line 2)")


def built(name, integrity, authenticity="ok", origin=ORIGIN, ask=None, completeness=None, **changes):
    """Four records, well signed, record 2 made wrongly."""
    log = Log(origin)
    log.genesis()
    log.add('{"a":1}')
    log.add(**({"event": '{"b":1}'} | changes))
    log.add('{"c":1}')
    first, count = ask or (0, 4)
    add(f"as the log made it: {name}", export_lines(log, first, count), integrity, completeness or f"population complete({first}…{first + count - 1})", authenticity, log.pin)


def faults():
    built("right", "ok")
    built("seq twice", "log fault(2, seq)", seq=1)
    built("seq left out", "log fault(2, seq)", seq=3)
    built("prev wrong", "log fault(2, prev)", prev="ee" * 32)
    built("prev zeros", "log fault(2, prev)", prev="0" * 64)
    built("time equal", "log fault(2, time)", time="2026-11-23T10:00:01.000000000Z")
    built("time back", "log fault(2, time)", time="2026-11-23T09:00:00.000000000Z")
    built("time one nanosecond later", "ok", time="2026-11-23T10:00:01.000000001Z")
    built("time of the next record equal", "log fault(3, time)", time="2026-11-23T10:00:03.000000000Z")
    built("time far ahead: the next record is at fault", "log fault(3, time)", time="2036-11-23T10:00:02.000000000Z")
    built("log another", "log fault(2, log)", log=OTHER.origin)
    built("kind genesis", "log fault(2, kind)", kind="genesis", **BY_NODE)
    built("kind node in another log", "log fault(2, kind)", kind="node", **BY_NODE)
    built("kind repair in another log", "log fault(2, kind)", kind="repair", **BY_NODE)
    built("kind clock in another log", "log fault(2, kind)", kind="clock", **BY_NODE)
    built("kind stream", "ok", kind="stream", **BY_NODE)
    built("kind stream by a producer", "log fault(2, kind)", kind="stream")
    built("kind stream via something else", "log fault(2, kind)", kind="stream", by=BY_NODE["by"])
    built("event by the node itself", "ok", **BY_NODE)
    built("log before seq", "log fault(2, log)", log=OTHER.origin, seq=7)
    built("seq before kind", "log fault(2, seq)", seq=7, kind="node")
    built("kind before prev", "log fault(2, kind)", kind="node", prev="ee" * 32)
    built("prev before time", "log fault(2, prev)", prev="ee" * 32, time="2026-11-23T09:00:00.000000000Z")
    built("head with an upper-case digest", "log fault(2, head)", digest="AB" * 32)
    built("head with a field missing", "log fault(2, head)", via=None)
    built("head with seconds 60", "log fault(2, head)", time="2026-11-23T10:00:60.000000000Z")
    built("head with empty by", "log fault(2, head)", by="")
    built("head that is none", "log fault(2, head)", raw_head=lambda head: '{"x":1}')
    built("head of version 2", "unsupported version", raw_head=lambda head: head.replace('"indelible":1', '"indelible":2'))
    built("head with an unknown field", "unsupported version", raw_head=lambda head: head[:-1] + ',"x":1}')
    for name, event in [("white space", '{"b": 1}'), ("a duplicate name", '{"b":1,"b":2}'), ("an array", "[1]"), ("no JSON", "hello"), ("nothing", ""), ("a lone surrogate", '{"b":"\\ud800"}'), ("1e309", '{"b":1e309}'), ("something after it", '{"b":1}{}')]:
        built(f"event with {name}", "log fault(2, event)", event=event)
    built("salt in upper case, digest over it", "event altered(2)", salt="ABCDEF" + "0" * 26)
    built("salt not hex, digest over it", "event altered(2)", salt="z" * 32)
    # A range that begins at the record at fault can't see its prev and time.
    built("prev wrong, first of the range", "ok", ask=(2, 2), prev="ee" * 32)
    built("time back, first of the range", "ok", ask=(2, 2), time="2026-11-23T09:00:00.000000000Z")
    built("prev wrong, range before it", "ok", ask=(0, 2), prev="ee" * 32)
    built("seq twice, first of the range", "log fault(2, seq)", ask=(2, 1), seq=1)
    built("log another, first of the range", "log fault(2, log)", ask=(2, 1), log=OTHER.origin)
    log = Log()
    log.genesis(prev="ee" * 32)
    log.add("{}")
    add("as the log made it: prev of record 0 not zeros", export_lines(log), "log fault(0, prev)", "population complete(0…1)", pin=log.pin)
    log = Log()
    log.genesis(by="spiffe://acme/payments")
    log.add("{}")
    add("as the log made it: genesis by a producer", export_lines(log), "log fault(0, kind)", "population complete(0…1)", pin=log.pin)
    for name, integrity, event, changes in [("fault before an altered event", "log fault(2, prev)", '{"b":1}', {"prev": "ee" * 32}), ("altered event before an event that breaks the profile", "event altered(1)", "[1]", {})]:
        log = Log()
        log.genesis()
        log.add('{"a":1}')
        log.add(event, **changes)
        lines = export_lines(log)
        add(f"as the log made it, then altered: {name}", changed(RECORD_1, '{"a":1}', '{"a":2}', lines), integrity, "population complete(0…2)", pin=log.pin)
    log = Log()
    log.genesis()
    log.add('{"a":1}', seq=9)
    log.add('{"b":1}', log=OTHER.origin)
    add("as the log made it: two faults, the lowest seq is named", export_lines(log), "log fault(1, seq)", "population complete(0…2)", pin=log.pin)
    add("as the log made it: a head altered before a fault", changed(RECORD_2, "payments", "payroll", export_lines(log)), "head altered(2)", "population complete(0…2)", pin=log.pin)
    add("as the log made it: an entry altered before a fault", replaced(RECORD_3, entries_line([sha256(b"x"), log.records[1].entry, log.records[2].entry]), lines=export_lines(log)), "entry altered(0)", "population complete(0…2)", pin=log.pin)
    add("as the log made it: a fault where a record is lost", export_lines(log, lost=[1]), "log fault(2, log)", "incomplete(1 lost)", pin=log.pin)
    log = Log()
    log.genesis()
    log.add('{"a":1}', time="2026-11-23T11:00:00.000000000Z")
    log.add('{"b":1}')
    add("as the log made it: time back, but the record before is lost", export_lines(log, lost=[1]), "missing(1)", "incomplete(1 lost)", pin=log.pin)


def headers():
    bad = "malformed(line 1)"
    for name, old, new in [("origin in upper case", "log.example", "LOG.example"), ("origin no origin", ORIGIN, "orders"), ("log id of 63 digits", LOG.id, LOG.id[1:]), ("log id in upper case", LOG.id, LOG.id[:-2] + "AB"), ("count 0", '"count":5', '"count":0'), ("first + count larger than size", '"count":5', '"count":6'),
                           ("size smaller than first + count", '"size":5', '"size":4'), ("size 2^53", '"size":5', '"size":9007199254740992'), ("size 2^64 + 5", '"size":5', '"size":18446744073709551621'), ("count 2^64 + 5", '"count":5', '"count":18446744073709551621'), ("first with a leading zero", '"first":0', '"first":00'), ("first negative", '"first":0', '"first":-0'),
                           ("first as a string", '"first":0', '"first":"0"'), ("content unknown", '"all"', '"some"'), ("content missing", ',"content":"all"', ""), ("a member more", '"all"}', '"all","x":1}'), ("white space", ',"first"', ', "first"'), ("members exchanged", '"first":0,"count":5', '"count":5,"first":0'),
                           ("CR at the end", '"all"}', '"all"}\r'), ("space at the end", '"all"}', '"all"} '), ("version as a string", '"export":1', '"export":"1"'), ("version missing", '"export":1', '"export":'), ("another name", '"export"', '"Export"'), ("BOM", "{", "\ufeff{"), ("space at the beginning", "{", " {")]:
        stop(f"header: {name}", changed(HEADER, old, new), bad)
    stop("header: size larger than the checkpoint's", changed(HEADER, '"size":5', '"size":6'), "malformed(line 11)")
    for version in ("2", "10", "9007199254740991"):
        stop(f"header: version {version}", changed(HEADER, '"export":1', f'"export":{version}'), "unsupported version")
    stop("header: version 2 and nothing else", '{"export":2}\n', "unsupported version")
    stop("header missing", LINES[1:], bad)
    stop("header twice", [LINES[0], *LINES], "malformed(line 2)")
    stop("empty line first", ["", *LINES], bad)


def lines():
    for name, made, at in [
        ("salt of 31 characters", changed(RECORD_2, LOG.records[2].salt, LOG.records[2].salt[1:]), RECORD_2), ("salt of 33 characters", changed(RECORD_2, '"salt":"', '"salt":"0'), RECORD_2), ("no salt", changed(RECORD_2, f',"salt":"{LOG.records[2].salt}"', ""), RECORD_2),
        ("white space", changed(RECORD_2, ',"salt"', ', "salt"'), RECORD_2), ("space at the end", replaced(RECORD_2, LINES[RECORD_2] + " "), RECORD_2), ("CR at the end", replaced(RECORD_2, LINES[RECORD_2] + "\r"), RECORD_2), ("head no object", changed(RECORD_2, '{"head":{', '{"head":'), RECORD_2),
        ("an inner brace in the head", changed(RECORD_2, '"kind":"event"', '"kind":{}'), RECORD_2), ("no last brace", replaced(RECORD_2, LINES[RECORD_2].rstrip("}")), RECORD_2), ("empty line", replaced(RECORD_2, ""), RECORD_2), ("an empty line more", replaced(RECORD_2, "", LINES[RECORD_2]), RECORD_2), ("a record missing", replaced(RECORD_2), RECORD_4),
        ("a record twice", replaced(RECORD_2, LINES[RECORD_2], LINES[RECORD_2]), ENTRIES), ("an LF in an event", changed(RECORD_2, '"amount"', '\n"amount"'), RECORD_2), ("another name", changed(RECORD_2, '"head"', '"Head"'), RECORD_2), ("comments", replaced(RECORD_2, "# comment"), RECORD_2),
        ("content in an export of heads", replaced(RECORD_2, LINES[RECORD_2], lines=export_lines(LOG, content="heads")), RECORD_2),
        ("entries: one missing", replaced(ENTRIES, entries_line(entries_of(LINES[ENTRIES])[:-1])), ENTRIES), ("entries: one too many", replaced(ENTRIES, entries_line(entries_of(LINES[ENTRIES]) * 2)), ENTRIES), ("entries: a byte too many", replaced(ENTRIES, entries_line(entries_of(LINES[ENTRIES]) + [b"x"])), ENTRIES),
        ("entries: empty", replaced(ENTRIES, '{"entries":""}'), ENTRIES), ("entries: missing", replaced(ENTRIES), ENTRIES), ("entries: too early", LINES[:RECORD_4] + [entries_line(entries_of(LINES[ENTRIES])[:4])] + LINES[RECORD_4:], RECORD_4), ("entries: base64 with a bad character", changed(ENTRIES, LINES[ENTRIES][20], "*"), ENTRIES),
        ("entries: base64 without padding", changed(ENTRIES, '="}', '"}'), ENTRIES), ("entries: hex", replaced(ENTRIES, '{"entries":"' + b"".join(entries_of(LINES[ENTRIES])).hex() + '"}'), ENTRIES), ("entries: white space", changed(ENTRIES, '":', '": '), ENTRIES),
        ("left missing", replaced(LEFT), LEFT), ("right missing", replaced(RIGHT), RIGHT), ("right before left", replaced(LEFT, LINES[RIGHT], lines=replaced(RIGHT, LINES[LEFT])), LEFT), ("left twice", replaced(LEFT, LINES[LEFT], LINES[LEFT]), RIGHT), ("checkpoint missing", replaced(CHECKPOINT), CHECKPOINT),
        ("checkpoint twice", replaced(CHECKPOINT, LINES[CHECKPOINT], LINES[CHECKPOINT]), CHECKPOINT + 1), ("checkpoint before right", replaced(RIGHT, LINES[CHECKPOINT], lines=replaced(CHECKPOINT, LINES[RIGHT])), RIGHT), ("an unknown line before the end", [*LINES, '{"x":1}'], CHECKPOINT + 1),
    ]:
        stop(f"line: {name}", made, f"malformed(line {at + 1})")
    add("head of one brace pair, cut by position: no head, but a line", changed(RECORD_2, LOG.records[2].head, "{}"), "head altered(2)")


def checkpoints():
    bad = f"malformed(line {CHECKPOINT + 1})"
    checkpoint = LOG.checkpoint()
    for name, changed_note in [("of another size", LOG.checkpoint(4)), ("size 05", checkpoint.replace("\n5\n", "\n05\n")), ("extension line", checkpoint.replace("\n\n", "\nx\n\n")), ("no signature", checkpoint.partition("\n\n")[0] + "\n\n"), ("LF at the end missing", checkpoint[:-1]), ("line after it", checkpoint + "x\n"),
                               ("signature twice", checkpoint + checkpoint.partition("\n\n")[2]), ("tab", checkpoint.replace("\n5\n", "\n5\t\n")), ("origin no origin", checkpoint.replace(ORIGIN, "orders")), ("empty", ""), ("65 lines", checkpoint + "".join(note.signature_line(f"w{number}", b"\1\2\3\4", b"x") for number in range(64)))]:
        lines = export_lines(LOG, checkpoint="x")
        lines[CHECKPOINT] = f'{{"checkpoint":"{escaped(changed_note)}"}}'
        stop(f"checkpoint: {name}", lines, bad)
    for name, old, new in [("dash escaped", "—", "\\u2014"), ("slash escaped", "/", "\\/"), ("LF escaped by its number", "\\n", "\\u000a"), ("CR LF", "\\n", "\\r\\n"), ("unknown escape", "\\n", "\\x"), ("white space before the note", '":', '": '), ("quote missing", '"}', "}"), ("something after it", '"}', '","x":1}')]:
        stop(f"checkpoint line: {name}", changed(CHECKPOINT, old, new), bad)
    named = note.signature_line('w"\\', b"\1\2\3\4", b"x")
    add("checkpoint with quote and backslash in a witness's name", export_lines(LOG, checkpoint=checkpoint + named))
    stop("checkpoint with a quote not escaped", changed(CHECKPOINT, 'w\\"', 'w"', export_lines(LOG, checkpoint=checkpoint + named)), bad)
    put("invalid UTF-8 in the checkpoint", sealed_bytes("\n".join(LINES).encode().replace('{"checkpoint":"log.'.encode(), b'{"checkpoint":"\xff.') + b"\n"), stopped(bad))


def sealed_bytes(data):
    return data + f'{{"end":1,"sha256":"{hashlib.sha256(data).hexdigest()}"}}\n'.encode()


def ends():
    text = sealed(LINES)
    last = len(LINES) + 1
    digest_wrong = f"malformed(line {last})"
    add("digest wrong, all else right", text[:-67] + "0" * 64 + text[-3:], digest_wrong)
    add("digest wrong, all else right, without pin", text[:-67] + "0" * 64 + text[-3:], digest_wrong, authenticity="self-keyed", pin=None)
    add("digest wrong and an event altered", text[:-67].replace('"2.00"', '"9.00"') + "0" * 64 + text[-3:], "event altered(2)")
    add("digest wrong and a record lost", sealed(export_lines(LOG, lost=[2]))[:-67] + "0" * 64 + text[-3:], "missing(2)", "incomplete(1 lost)")
    add("digest wrong and the signature too", sealed(export_lines(LOG, checkpoint=LOG.checkpoint()[:-20] + "AAAA" + LOG.checkpoint()[-16:]))[:-67] + "0" * 64 + text[-3:], digest_wrong, "unchecked", "signature invalid")
    for name, old, new in [("digest in upper case", text[-67:-3], text[-67:-3].upper()), ("digest of 63 digits", text[-67:-3], text[-66:-3]), ("end 2", '"end":1', '"end":2'), ("white space", '1,"sha256"', '1, "sha256"'), ("a member more", text[-4:], text[-4:-2] + ',"x":1}\n'), ("CR", "}\n", "}\r\n")]:
        head, tail = text[:-86], text[-86:]
        assert tail.startswith('{"end"'), tail
        stop(f"end: {name}", head + tail.replace(old, new), f"malformed(line {last})")
    for name, more in [("a byte", "x"), ("LF", "\n"), ("a line", "x\n"), ("the last line once more", text[text.rindex('{"end"') :]), ("another export", text)]:
        stop(f"extra: {name}", text + more, f"malformed(line {last + 1})")
    short = text.split("\n")[:-1]
    for number in range(len(short)):
        put(f"cut after {number} lines", "".join(line + "\n" for line in short[:number]), stopped(f"malformed(line {number + 1})", "incomplete(ends early)"))
    for number in range(1, len(short) + 1):
        kept = "".join(line + "\n" for line in short[: number - 1])
        put(f"cut in line {number}", kept + short[number - 1][: len(short[number - 1]) // 2], stopped(f"malformed(line {number})", "incomplete(ends early)"))
        put(f"cut before the LF of line {number}", kept + short[number - 1], stopped(f"malformed(line {number})", "incomplete(ends early)"))
    stop("CRLF", text.replace("\n", "\r\n"), "malformed(line 1)")


def large():
    """257 records: two entries lines. The whole one is written out once; the others say what to change in it."""
    log = orders(257)
    base = sealed(export_lines(log))
    pin, complete = log.pin, "population complete(0…256)"
    add("257", base, completeness=complete, pin=pin)

    def edit(name, *changes, integrity, completeness=complete):
        """`changes` are (old, new), old standing once in the file; the last line's digest is made anew."""
        text, edits = base, []
        for old, new in changes:
            assert base.count(old) == 1 and len(old.encode()) == len(old), (name, old, base.count(old))
            edits.append([base.encode().index(old.encode()), len(old), new])
            text = text.replace(old, new)
        end = text.index('{"end"')
        digest_at = base.encode().index(b'{"end"') + len('{"end":1,"sha256":"')
        edits.append([digest_at, 64, hashlib.sha256(text[:end].encode()).hexdigest()])
        add(name, {"base": "257", "edits": edits}, integrity, completeness, pin=pin)

    def event(seq):
        return f'"amount":"{seq}.00"', f'"amount":"{seq}.01"'

    def bare(seq):
        return log.records[seq].line(), log.records[seq].head_line()

    edit("257: event 200 altered", event(200), integrity="event altered(200)")
    edit("257: events 255 and 256 altered", event(255), event(256), integrity="event altered(255, 256)")
    edit("257: eight events altered", *map(event, range(10, 18)), integrity="event altered(10, 11, 12, 13, 14, 15, 16, 17)")
    edit("257: nine events altered", *map(event, range(10, 19)), integrity="event altered(10, 11, 12, 13, 14, 15, 16, 17; 9 in all)")
    edit("257: twelve events altered", *map(event, range(100, 220, 10)), integrity="event altered(100, 110, 120, 130, 140, 150, 160, 170; 12 in all)")
    edit("257: nine records without content", *map(bare, range(1, 10)), integrity="ok", completeness="erased without record(1, 2, 3, 4, 5, 6, 7, 8; 9 in all)")
    edit("257: nine records lost", *[(log.records[seq].line(), f'{{"lost":{seq}}}') for seq in range(240, 249)], integrity="missing(240, 241, 242, 243, 244, 245, 246, 247; 9 in all)", completeness="incomplete(9 lost)")
    edit("257: head 256 altered", ('"seq":256,"time":"2026', '"seq":256,"time":"2027'), integrity="head altered(256)")
    lines = export_lines(log)
    entries = [line for line in lines if line.startswith('{"entries"')]
    assert len(entries) == 2
    edit("257: entry 256 altered", (entries[1], entries_line([sha256(b"x")])), integrity="entry altered(256)")
    edit("257: entries of the first block all altered", (entries[0], entries_line([sha256(b"x")] * 256)), integrity="entry altered(0, 1, 2, 3, 4, 5, 6, 7; 256 in all)")
    add("257: the last record", export_lines(log, 256, 1), completeness="population complete(256…256)", pin=pin)
    add("257: records 255 and 256", export_lines(log, 255, 2), completeness="population complete(255…256)", pin=pin)
    add("257: records 250 to 255", export_lines(log, 250, 6), completeness="population complete(250…255)", pin=pin)
    add("257: records 100 to 109 of size 200", export_lines(log, 100, 10, 200), completeness="population complete(100…109)", pin=pin)
    add("257: record 255 of size 256", export_lines(log, 255, 1, 256), completeness="population complete(255…255)", pin=pin)
    part = export_lines(log, 254, 3)
    add("257: records 254 to 256, entry 255 altered", replaced(5, entries_line([log.records[254].entry, sha256(b"x")]), lines=part), "entry altered(255)", "population complete(254…256)", pin=pin)
    stop("257: records 254 to 256, one entries line for all", part[:5] + [part[6], entries_line([record.entry for record in log.records[254:257]])] + part[8:], "malformed(line 6)", pin)


def document():
    cases.clear()
    for group in (good, gone_and_lost, altered, outside, authenticity, walks, faults, headers, lines, checkpoints, ends, large):
        group()
    hinged.exports(add, stop)
    return {"file": "export", "spec": "docs/spec/export.md", "cases": list(cases)}
