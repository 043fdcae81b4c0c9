"""Receipts and exports beside walk files, for walk.json: each numbered step of docs/spec/walk.md, "A checkpoint beside a walk
file" and "An export beside a walk file". Authored by these steps."""

from cases.note import ml_dsa_line
from cases.rotated import FORKED, KEYS, LOG, PEOPLE, PINS, TWO_OF_THREE, begun, ordered, signed, turned
from cases.verdict import verdict
from textbook import keys, note
from textbook.files import b64
from textbook.log import ORIGIN, export_lines, hashes, orders, receipt, sealed
from textbook.tree import sha256

SELECTIVE = "selective: proves nothing about the rest"
UP_TO_HINGE = "ok up to its hinge, not tied to it"
ML_DSA = "ok, not yet post-quantum"
OTHER = orders(3, "log.example.org/other/00112233445566ff")
STRANGER = keys.LogKey(b"\7" * 32, ORIGIN)
USAGE = {"exit": 2}


def wrong(key):
    return note.signature_line(key.origin, key.id, b"x" * 64)


def receipts(walks):
    """`walks` says what each walk file of that name is."""
    made = []

    def add(name, text, authenticity="ok", consistency="unchecked", integrity="ok", pin=PINS[0], walk="3 hinges", record=None, usage=False):
        assert walk in walks and all(case["name"] != name for case in made), name
        assert usage == (walks[walk] in ("malformed", "unsupported")), name
        expect = USAGE if usage else verdict(integrity, authenticity, SELECTIVE, consistency=consistency)
        made.append({"name": name, "walk": walk, "receipt": text} | ({"pin": pin} if pin else {}) | ({} if record is None else {"record": record}) | {"expect": expect})

    def by(size, *signers, log=LOG, index=1, more=""):
        return receipt(log, min(index, size - 1), size, checkpoint=signed(size, *signers, log=log) + more)

    first, second, third, last = KEYS[:4]

    # 1
    add("1: without pin", by(10, last), "self-keyed", pin=None)
    add("1: without pin, the walk not good", by(10, last), "self-keyed", pin=None, walk="consistency: empty")
    add("1: without pin, by a retired key", by(10, first), "self-keyed", pin=None)
    # 2
    for walk in ("consistency: empty", "hinge by the new key alone", "last checkpoint: by nobody", "genesis: event altered", "size larger than the checkpoint's"):
        add(f"2: the walk not good, {walk}", by(2, first), "key walk broken", walk=walk)
    add("2: the walk not good, and another log's pin", by(2, first), "key walk broken", pin=OTHER.pin, walk="consistency: empty")
    add("2: pin of another log id", by(10, last), "unknown key", pin=PINS[0].replace(LOG.id, "ab" * 32))
    add("2: pin of a key in no set", by(10, last), "unknown key", pin=LOG.pin_of(STRANGER))
    add("2: pin of another log", receipt(OTHER, 1), "unknown key", pin=OTHER.pin)
    add("2: pin of a key that comes after the walk", by(10, last), "unknown key", pin=PINS[3], walk="1 hinge")
    add("2: checkpoint of another origin", receipt(OTHER, 1), "unknown key")
    # 3
    add("3: the last key's line wrong", by(10, last).replace(signed(10, last), note.body(ORIGIN, 10, LOG.tree().root(0, 10)) + "\n" + wrong(last)), "signature invalid")
    add("3: an old key's line wrong, the last key's right", by(10, last, more=wrong(first)), "signature invalid")
    add("3: the next key's line wrong, the old key's right", by(3, first, more=wrong(second)), "signature invalid")
    add("3: a stranger's line wrong", by(10, last, more=wrong(STRANGER)))
    add("3: a recovery key's line wrong", by(10, last, more=wrong(PEOPLE[0])))
    # 4
    add("4: by a stranger", by(10, STRANGER), "unknown key")
    add("4: by recovery keys", by(10, *PEOPLE[:3]), "unknown key")
    add("4: by a key that comes after the walk", by(10, last), "unknown key", walk="1 hinge")
    add("4: by nobody, with an ML-DSA-44 line", receipt(LOG, 1, 10, checkpoint=note.body(ORIGIN, 10, LOG.tree().root(0, 10)) + "\n" + ml_dsa_line(ORIGIN)), "unknown key")
    add("4: the second key one below its hinge", by(3, second), "unknown key")
    add("4: the second key and the first, one below the second's hinge", by(3, first, second), "unknown key")
    add("4: the third key below its hinge", by(5, third), "unknown key")
    add("4: the last key below its hinge", by(8, last), "unknown key")
    add("4: the last key at size 1", by(1, last, index=0), "unknown key")
    add("4: the last key below its hinge, at the size and root of an earlier one", by(4, last), "unknown key")
    # 5
    add("5: the first key at its hinge", by(4, first))
    add("5: the second key at its own hinge", by(4, second))
    add("5: both at the hinge", by(4, first, second))
    add("5: the hinge's own note of a recovery", receipt(LOG, 1, 7))
    add("5: the second key at the hinge of a recovery, which it did not sign", by(7, second))
    add("5: the third key at its own hinge", by(7, third))
    add("5: the third key at the hinge that ends it", by(9, third))
    add("5: the last key at its own hinge", by(9, last))
    add("5: the first key at the genesis", by(1, first, index=0))
    add("5: a retired key at a later hinge, whose root it is", by(9, first))
    add("5: at a hinge, with an ML-DSA-44 line", by(4, first, more=ml_dsa_line(ORIGIN)), ML_DSA)
    add("5: pin of the last key, the first key at its hinge", by(4, first), pin=PINS[3])
    # 6
    add("6: the first key at the hinge that ended it, another root", by(4, first, log=FORKED), consistency="fork")
    add("6: the second key at the hinge that brought it, another root", by(4, second, log=FORKED), consistency="fork")
    add("6: both keys at their hinge, another root", by(4, first, second, log=FORKED), consistency="fork")
    add("6: the second key at the hinge that ended it, another root", by(7, second, log=FORKED), consistency="fork")
    add("6: the third key at the hinge of the recovery, another root", by(7, third, log=FORKED), consistency="fork")
    add("6: the last key at the hinge that brought it, another root", by(9, last, log=FORKED), consistency="fork")
    add("6: another root at a hinge, with an ML-DSA-44 line", by(4, first, log=FORKED, more=ml_dsa_line(ORIGIN)), ML_DSA, "fork")
    add("6: the first key at size 1, another genesis", by(1, first, log=begun(), index=0), consistency="fork")
    add("6: the first key at size 1, another genesis, no hinge", by(1, first, log=begun(), index=0), consistency="fork", walk="no hinge")
    add("6: another root at a hinge, and a proof that does not fit", receipt(LOG, 1, 4, checkpoint=signed(4, first, log=FORKED)), consistency="fork", integrity="root mismatch(4)")
    # 7
    add("7: the last key above its hinge", by(10, last))
    add("7: the last key at the walk's size", by(11, last))
    add("7: the last key beyond the walk's size", by(15, last, log=ordered(turned(), 4)))
    add("7: the last key above its hinge, pin of each earlier key", by(10, last), pin=PINS[1])
    add("7: the last key above its hinge, pin of it", by(10, last), pin=PINS[3])
    add("7: the last key and an old one above their hinge", by(10, first, last))
    add("7: the last key above its hinge, with an ML-DSA-44 line", by(10, last, more=ml_dsa_line(ORIGIN)), ML_DSA)
    add("7: the only key, no hinge", by(3, first, log=turned(0)), walk="no hinge")
    add("7: the only key beyond the walk's size, no hinge", by(9, first, log=ordered(turned(0), 6)), walk="no hinge")
    add("7: the second key, the walk of its day", by(6, second), walk="1 hinge")
    add("7: the first key one above its hinge", by(5, first), "key retired")
    add("7: the first key far above its hinge", by(11, first), "key retired")
    add("7: the first key above its hinge, another root", by(5, first, log=FORKED), "key retired")
    add("7: the second key above its hinge", by(8, second), "key retired")
    add("7: the third key above its hinge", by(10, third), "key retired")
    add("7: the first two keys above their hinges", by(8, first, second), "key retired")
    add("7: a retired key at a later hinge, another root", by(9, first, log=FORKED), "key retired")
    add("7: a retired key, pin of it", by(8, second), "key retired", pin=PINS[1])
    add("7: a retired key, with an ML-DSA-44 line", by(5, first, more=ml_dsa_line(ORIGIN)), "key retired")
    # 8
    for size, key, name in ((2, first, "first"), (3, first, "first"), (5, second, "second"), (6, second, "second"), (8, third, "third")):
        add(f"8: the {name} key at size {size}", by(size, key), UP_TO_HINGE)
    add("8: the first key below its hinge, another root", by(3, first, log=FORKED), UP_TO_HINGE)
    add("8: the first key below its hinge, with an ML-DSA-44 line", by(3, first, more=ml_dsa_line(ORIGIN)), UP_TO_HINGE)
    add("8: both old keys, above the hinge of the first", by(5, first, second), UP_TO_HINGE)

    record = LOG.records[1]
    add("with a record", by(10, last), record=record.line())
    add("with a record, event altered", by(10, last), integrity="event altered(1)", record=record.line().replace('"1.00"', '"9.00"'))
    add("retired, and the proof wrong", receipt(LOG, 1, 5, proof=[], checkpoint=signed(5, first)), "key retired", integrity="root mismatch(5)")
    add("the receipt of a key record", by(10, last, index=6))
    add("the receipt of a key record, with it", by(10, last, index=6), record=LOG.records[6].line())
    for walk in ("end: digest wrong", "hinge line: no braces at its end", "version 2", "genesis: head of version 2", "empty"):
        add(f"usage: {walk}", by(10, last), walk=walk, usage=True)
    add("usage: a malformed walk file, without pin", by(10, last), pin=None, walk="empty", usage=True)
    return made


def exports(walks):
    made = []

    def add(name, lines, authenticity="ok", consistency="unchecked", integrity="ok", completeness=None, pin=PINS[0], walk="3 hinges", usage=False):
        assert walk in walks and all(case["name"] != name for case in made), name
        assert usage == (walks[walk] in ("malformed", "unsupported")), name
        first, count = (int(lines[0].split(f'"{member}":')[1].split(",")[0]) for member in ("first", "count"))
        if authenticity in ("key walk broken", "unknown key", "key retired", "signature invalid"):
            completeness = "unchecked"
        expect = USAGE if usage else verdict(integrity, authenticity, completeness or f"population complete({first}…{first + count - 1})", consistency=consistency)
        made.append({"name": name, "walk": walk, "export": sealed(lines)} | ({"pin": pin} if pin else {}) | {"expect": expect})

    def stripped(size, *signers, log=LOG, count=2):
        """Of the first records, with no hinge, the consistency proof made to fit."""
        lines = export_lines(log, 0, count, size, checkpoint=signed(size, *signers, log=log))
        return [*lines[:2], f'{{"walk":{{"consistency":{hashes(log.tree().consistency(1, size))}}}}}', *[line for line in lines[3:] if not line.startswith('{"walk"')]]

    first, second, third, last = KEYS[:4]
    now = export_lines(LOG)
    small = export_lines(LOG, 1, 2, 3)

    add("nothing taken away", now)
    add("nothing taken away, pin of the last key", now, pin=PINS[3])
    add("nothing taken away, without pin", now, "self-keyed", pin=None)
    add("nothing taken away, with an ML-DSA-44 line", export_lines(LOG, checkpoint=signed(11) + ml_dsa_line(ORIGIN)), ML_DSA)
    add("a shorter walk file", now, walk="1 hinge")
    add("a walk file of no hinge", export_lines(LOG), walk="3 hinges, as it was at size 3")
    add("a shorter walk file, the export by the last key", export_lines(LOG, 0, 2, 10), walk="2 hinges")
    # 1
    for walk in ("consistency: empty", "hinge by the new key alone", "last checkpoint: by nobody", "genesis: event altered"):
        add(f"1: the walk file not good, {walk}", now, "key walk broken", walk=walk)
    add("1: the walk file not good, without pin", now, "key walk broken", pin=None, walk="consistency: empty")
    add("1: the walk file of another log id", export_lines(begun()), "unknown key", pin=begun().pin)
    add("1: the walk file of another log id, without pin", export_lines(begun()), "unknown key", pin=None)
    add("1: the walk file of another log", export_lines(OTHER), "unknown key", pin=OTHER.pin)
    add("1: pin of a key that comes after the walk file", now, "unknown key", pin=PINS[3], walk="1 hinge")
    add("1: an export that is not good beside a walk file that is not", [*now[:2], *now[3:]], "key walk broken", walk="consistency: empty")
    # 2
    departed = turned(word="other")
    later = begun(TWO_OF_THREE, orders=3)
    later.rotate(KEYS[1], recovery=TWO_OF_THREE)
    add("2: a hinge of the same size and another root", export_lines(departed), "key walk broken", pin=PINS[0])
    add("2: a hinge of another size", export_lines(ordered(later)), "key walk broken")
    add("2: a hinge of another size, without pin", export_lines(ordered(later)), "key walk broken", pin=None)
    add("2: a hinge of another size, a shorter walk file", export_lines(ordered(later)), "key walk broken", walk="1 hinge")
    # 3
    add("3: at the first hinge, which the export has", export_lines(LOG, 0, 4, 4))
    add("3: at the hinge of the recovery, which the export has", export_lines(LOG, 0, 7, 7))
    add("3: at the last hinge, which the export has", export_lines(LOG, 0, 9, 9))
    add("3: at the first hinge, which the export has not", stripped(4, first))
    add("3: at size 1", export_lines(LOG, 0, 1, 1))
    add("3: at size 1, without pin", export_lines(LOG, 0, 1, 1), "self-keyed", pin=None)
    # 4
    add("4: the first key below its hinge", small, UP_TO_HINGE)
    add("4: the first key below its hinge, without pin", small, "self-keyed", pin=None)
    add("4: the first key below its hinge, pin of the last key", small, "unknown key", pin=PINS[3])
    add("4: the first key below its hinge, another history", export_lines(FORKED, 1, 2, 3), UP_TO_HINGE)
    add("4: the first key below its hinge, content withheld", export_lines(LOG, 1, 2, 3, content="heads"), UP_TO_HINGE, completeness="content withheld")
    add("4: the first key below its hinge, an event altered", [line.replace('"1.00"', '"9.00"') for line in small], UP_TO_HINGE, integrity="event altered(1)")
    add("4: the second key below its hinge", export_lines(LOG, 0, 6, 6), UP_TO_HINGE, pin=PINS[1])
    add("4: the third key below its hinge", export_lines(LOG, 0, 8, 8), UP_TO_HINGE)
    add("4: at the first hinge, which the export has not, another root", stripped(4, first, log=FORKED), consistency="fork")
    add("4: at the first hinge, which the export has not, another root, without pin", stripped(4, first, log=FORKED), "self-keyed", "fork", pin=None)
    add("4: at the first hinge, which the export has not, another root, with an ML-DSA-44 line", [line.replace('\\n"}', "\\n" + ml_dsa_line(ORIGIN).replace("\n", "\\n") + '"}') if line.startswith('{"checkpoint"') else line for line in stripped(4, first, log=FORKED)], ML_DSA, "fork")
    add("4: the first key one above its hinge", stripped(5, first), "key retired")
    add("4: the first key far above its hinge", stripped(11, first), "key retired")
    add("4: the first key above its hinge, without pin", stripped(11, first), "key retired", pin=None)
    add("4: the first key above its hinge, another history", stripped(5, first, log=FORKED), "key retired")
    add("4: the first key above its hinge, a walk file of its day", stripped(5, first), walk="3 hinges, as it was at size 3")
    gone = turned(1)
    add("4: the second key above its hinge", export_lines(ordered(gone, 5), 0, 3, 10), "key retired", walk="3 hinges")
    for walk in ("end: digest wrong", "version 2", "empty"):
        add(f"usage: {walk}", now, walk=walk, usage=True)
    return made
