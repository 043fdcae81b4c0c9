"""walk.json: walk files and what each is, whose pins they are, and receipts and exports beside them (docs/spec/walk.md).

The step at which a walk fails is written by hand and must be the textbook's own. Damage is done to the lines and the last
line's digest made anew, unless a case says otherwise.
"""

import hashlib

from cases import beside
from cases.note import ml_dsa_line
from cases.rotated import HINGE_SIZES, KEYS, LOG, ONE_OF_ONE, PEOPLE, PINS, TWO_OF_THREE, begun, ordered, signed, turned
from textbook import ed25519, keys, note
from textbook.files import b64, shortest
from textbook.log import BY_NODE, NODE, NODE_ORIGIN, ORIGIN, Log, escaped, genesis_event, hashes, hinge_line, orders, sealed, walk_lines
from textbook.tree import sha256
from textbook.walk import HINGES_MAX, judged

OTHER_ORIGIN = "log.example.org/other/00112233445566ff"
STRANGER = keys.LogKey(b"\7" * 32, ORIGIN)
LINES = walk_lines(LOG)
HEADER, GENESIS, FIRST, SECOND, THIRD, CONSISTENCY, CHECKPOINT = range(7)
BASES = {"3 hinges": sealed(LINES), "1 hinge": sealed(walk_lines(turned(1)))}
walks = []


def put(name, data, word, step=None, shown=None):
    """A walk file; what it is and the step that fails are the textbook's too."""
    text = data if isinstance(data, str) else None
    found, says = judged(data.encode() if text is not None else data)
    assert found == word and (word != "not good" or says == step), (name, found, says)
    assert all(case["name"] != name for case in walks), name
    expect = {"walk": word} | ({"step": step} if step else says or {})
    walks.append({"name": name} | (shown or ({"walk_b64": b64(data)} if text is None else shortest("walk", text, {} if name in BASES else BASES))) | {"expect": expect})


def good(name, log, size=None, checkpoint=None):
    put(name, sealed(walk_lines(log, size, checkpoint)), "good")


def bad(name, lines, step):
    put(name, sealed(lines), "not good", step)


def malformed(name, lines):
    put(name, lines if isinstance(lines, (str, bytes)) else sealed(lines), "malformed")


def unsupported(name, lines):
    put(name, sealed(lines), "unsupported")


def changed(at, old, new, lines=LINES):
    assert lines[at].count(old) >= 1, (at, old)
    return replaced(at, lines[at].replace(old, new, 1), lines=lines)


def replaced(at, *new, lines=LINES):
    return [*lines[:at], *new, *lines[at + 1 :]]


def whole():
    for name, text in BASES.items():
        put(name, text, "good")
    good("no hinge", turned(0))
    good("no hinge, size 1", begun(orders=0))
    good("2 hinges", turned(2))
    for size in HINGE_SIZES:
        good(f"3 hinges, as it was at size {size}, which is a hinge's", LOG, size)
        good(f"3 hinges, as it was at size {size - 1}", LOG, size - 1)
    soon = begun(orders=0)
    soon.rotate(KEYS[1])
    soon.rotate(KEYS[2])
    good("two hinges on the genesis", soon)
    good("last checkpoint signed by an old key too", LOG, checkpoint=signed(11, KEYS[0], KEYS[3]))
    good("last checkpoint with a wrong line of an old key", LOG, checkpoint=signed(11, KEYS[3]) + note.signature_line(ORIGIN, KEYS[0].id, b"x" * 64))
    good("last checkpoint with an ML-DSA-44 line and a witness's", LOG, checkpoint=signed(11) + ml_dsa_line(ORIGIN) + note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72))
    long = ordered(turned(1), 300)
    long.rotate(KEYS[2], recovery=TWO_OF_THREE)
    good("a hinge of size 307", ordered(long, 3))


def one(name, step=None, word="rotation", recovery=keys.NO_RECOVERY, signers=None, then=None, vkeys=None, after=None, note_text=None, line=None, **changes):
    """One hinge of size 4, made so, and one more record; `step` is the one that fails."""
    log = begun(recovery, vkeys=vkeys)
    log.rotate(KEYS[1], word, signers, recovery if then is None else then, **changes)
    lines = walk_lines(ordered(log), checkpoint=after)
    if note_text is not None:
        lines = replaced(FIRST, hinge_line(log, log.hinges[0], 1, note_text(log)), lines=lines)
    if line:
        lines = line(lines)
    put(name, sealed(lines), "not good" if step else "good", step and f"hinge 0, step {step}")


def signatures():
    key, new = KEYS[0], KEYS[1]

    def with_lines(*lines, signers=(key, new)):
        """The hinge's note with further lines, or with wrong lines of some keys."""
        return lambda log: log.checkpoint(4, list(signers)) + "".join(lines)

    def wrong(of):
        return note.signature_line(of.origin, of.id, b"x" * 64)

    both = [KEYS[0].vkey, STRANGER.vkey]
    one("hinge by the new key alone", 5, signers=[new])
    one("hinge by the old key alone", 5, signers=[key])
    one("hinge by a third party's key", 5, signers=[STRANGER])
    one("hinge by a third party's key and the new one", 5, signers=[STRANGER, new])
    one("hinge by a third party's key and the old one", 5, signers=[STRANGER, key])
    one("hinge by a third party's key too", signers=[STRANGER, new, key])
    one("hinge with a wrong line of the old key", 5, note_text=with_lines(wrong(key), signers=[new]))
    one("hinge with a wrong line of the new key", 5, note_text=with_lines(wrong(new), signers=[key]))
    one("hinge with the old key's line of another size", 5, note_text=lambda log: log.checkpoint(4, [new]) + log.checkpoint(3, [key]).split("\n\n")[1])
    one("hinge with witnesses' lines alone", 5, note_text=lambda log: note.body(ORIGIN, 4, log.tree().root(0, 4)) + "\n" + note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72))
    one("hinge with a witness's line too", note_text=with_lines(note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72)))
    one("hinge with a third party's wrong line", note_text=with_lines(wrong(STRANGER)))
    one("hinge with an ML-DSA-44 line", note_text=with_lines(ml_dsa_line(ORIGIN)))
    one("two old keys, both sign", vkeys=both, signers=[key, STRANGER, new])
    one("two old keys, one signs", 5, vkeys=both, signers=[key, new])
    one("two old keys, a line of one is wrong", 5, vkeys=both, note_text=with_lines(wrong(STRANGER)))
    two_new = keys.key_event("rotation", 1, [new.vkey, STRANGER.vkey])
    one("two new keys, both sign", event=two_new, signers=[key, STRANGER, new])
    one("two new keys, one signs", 5, event=two_new)
    one("two new keys, a line of one is wrong", 5, event=two_new, note_text=with_lines(wrong(STRANGER)))
    one("two new keys, one signs the last checkpoint", event=two_new, signers=[key, STRANGER, new], line=by_last(STRANGER))
    one("a key kept, another brought", event=keys.key_event("rotation", 1, [key.vkey, new.vkey]))
    one("the same key in both sets", event=keys.key_event("rotation", 1, [key.vkey]), signers=[key], line=by_last(key))
    one("ML-DSA-44 keys in both sets do not sign", vkeys=[key.vkey, keys.vkey(ORIGIN, bytes(1312), 6)], event=keys.key_event("rotation", 1, [keys.vkey(ORIGIN, b"\1" * 1312, 6), new.vkey]))


def by_last(*signers):
    """Makes the lines' last checkpoint one by these keys."""
    def change(lines):
        text = note.body(*lines[-1][len('{"checkpoint":"') :].split("\\n", 3)[:1], 5, last_root(lines))
        return replaced(len(lines) - 1, f'{{"checkpoint":"{escaped(text + chr(10) + "".join(note.signed_line(key, text) for key in signers))}"}}', lines=lines)
    return change


def last_root(lines):
    return note.canonical_base64(lines[-1].split("\\n")[2])


def recoveries():
    key, new, (a, b, c, d, _) = KEYS[0], KEYS[1], PEOPLE

    def recovery(name, step, recovery, *signers, **changes):
        one(f"recovery: {name}", step, "recovery", recovery, list(signers), **changes)

    def wrong(of):
        return note.signature_line(of.origin, of.id, b"x" * 64)

    recovery("one of one", None, ONE_OF_ONE, a, new)
    recovery("one of one, by nobody", 5, ONE_OF_ONE, new)
    recovery("one of one, without the new key", 5, ONE_OF_ONE, a)
    recovery("one of one, by another", 5, ONE_OF_ONE, b, new)
    recovery("one of one, by the old key and the new", 5, ONE_OF_ONE, key, new)
    recovery("two of three", None, TWO_OF_THREE, a, b, new)
    recovery("two of three, other two", None, TWO_OF_THREE, new, c, b)
    recovery("two of three, by all three", None, TWO_OF_THREE, a, b, c, new)
    recovery("two of three, by the old key too", None, TWO_OF_THREE, a, b, key, new)
    recovery("two of three, one too few", 5, TWO_OF_THREE, b, new)
    recovery("two of three, by one and a stranger", 5, TWO_OF_THREE, b, d, new)
    recovery("two of three, by two and a stranger", None, TWO_OF_THREE, b, c, d, new)
    recovery("two of three, by one and the old key", 5, TWO_OF_THREE, b, key, new)
    recovery("two of three, by two, the third's line wrong", 5, TWO_OF_THREE, a, b, new, note_text=lambda log: log.checkpoint(4, [a, b, new]) + wrong(c))
    recovery("two of three, one's line wrong", 5, TWO_OF_THREE, a, b, new, note_text=lambda log: log.checkpoint(4, [a, new]) + wrong(b))
    recovery("two of three, the old key's line wrong", None, TWO_OF_THREE, a, b, new, note_text=lambda log: log.checkpoint(4, [a, b, new]) + wrong(key))
    recovery("two of three, a stranger's line wrong", None, TWO_OF_THREE, a, b, new, note_text=lambda log: log.checkpoint(4, [a, b, new]) + wrong(d))
    recovery("two of three, the new key's line wrong", 5, TWO_OF_THREE, a, b, new, note_text=lambda log: log.checkpoint(4, [a, b]) + wrong(new))
    recovery("two of three, the key of one under another's name", 5, TWO_OF_THREE, a, keys.RecoveryKey("person-1", a.seed), new)
    recovery("none is named", 5, keys.NO_RECOVERY, new)
    recovery("none is named, by the old key and the new", 5, keys.NO_RECOVERY, key, new)
    recovery("none is named, by somebody", 5, keys.NO_RECOVERY, a, new)
    recovery("it names others for the next time", None, TWO_OF_THREE, a, b, new, then=(1, [d.vkey]))
    recovery("by those it names", 5, TWO_OF_THREE, d, new, then=(1, [d.vkey]))
    recovery("it names nobody for the next time", None, TWO_OF_THREE, a, b, new, then=keys.NO_RECOVERY)

    one("rotation by recovery keys in place of the old key", 5, recovery=TWO_OF_THREE, signers=[a, b, new])
    one("rotation, a recovery key signs too", recovery=TWO_OF_THREE, signers=[key, new, a])
    one("rotation, a recovery key's line wrong", recovery=TWO_OF_THREE, note_text=lambda log: log.checkpoint(4, [key, new]) + wrong(a))
    one("rotation names recovery keys where there were none", then=TWO_OF_THREE)
    one("rotation keeps recovery keys", recovery=TWO_OF_THREE)
    one("rotation lowers the threshold", 5, recovery=TWO_OF_THREE, then=(1, TWO_OF_THREE[1]))
    one("rotation raises the threshold", 5, recovery=TWO_OF_THREE, then=(3, TWO_OF_THREE[1]))
    one("rotation names other recovery keys", 5, recovery=TWO_OF_THREE, then=(2, [a.vkey, b.vkey, d.vkey]))
    one("rotation adds a recovery key", 5, recovery=ONE_OF_ONE, then=(1, [a.vkey, b.vkey]))
    one("rotation takes a recovery key out", 5, recovery=TWO_OF_THREE, then=(2, [a.vkey, b.vkey]))
    one("rotation takes recovery away", 5, recovery=TWO_OF_THREE, then=keys.NO_RECOVERY)
    one("rotation puts recovery keys in another order", 5, recovery=TWO_OF_THREE, then=(2, TWO_OF_THREE[1][::-1]))
    one("rotation changes recovery, and recovery keys sign too", 5, recovery=ONE_OF_ONE, then=TWO_OF_THREE, signers=[key, new, a])
    for name, signer, step in (("those named last", d, None), ("those named first", a, "hinge 1, step 5")):
        log = begun(ONE_OF_ONE)
        log.rotate(KEYS[1], "recovery", [a, KEYS[1]], (1, [d.vkey]))
        log.rotate(KEYS[2], "recovery", [signer, KEYS[2]], (1, [d.vkey]))
        put(f"two recoveries, the second by {name}", sealed(walk_lines(ordered(log))), "not good" if step else "good", step)


def order():
    bad("two hinge lines swapped", [*LINES[:FIRST], LINES[SECOND], LINES[FIRST], *LINES[THIRD:]], "hinge 0, step 2")
    bad("the last two hinge lines swapped", [*LINES[:SECOND], LINES[THIRD], LINES[SECOND], *LINES[CONSISTENCY:]], "hinge 1, step 2")
    bad("a hinge line twice", replaced(SECOND, LINES[FIRST], LINES[SECOND]), "hinge 1, step 1")
    bad("the last hinge line twice", replaced(CONSISTENCY, LINES[THIRD], LINES[CONSISTENCY]), "hinge 3, step 1")
    for name, at, step in (("first", FIRST, "hinge 0, step 2"), ("second", SECOND, "hinge 1, step 2"), ("last", THIRD, "checkpoint")):
        bad(f"{name} hinge left out", replaced(at), step)
    first, second, third = LOG.hinges
    # The same people may recover from both sets, so nothing in the second hinge tells of the first.
    put("first hinge left out, the proof to the recovery made to fit", sealed([*LINES[:FIRST], hinge_line(LOG, second, 1), *LINES[THIRD:]]), "good")
    bad("second hinge left out, the proof made to fit", [*LINES[:SECOND], hinge_line(LOG, third, 4), *LINES[CONSISTENCY:]], "hinge 1, step 5")
    bad("last hinge left out, the proof made to fit", [*LINES[:THIRD], f'{{"walk":{{"consistency":{hashes(LOG.tree().consistency(7, 11))}}}}}', LINES[CHECKPOINT]], "checkpoint")
    bad("all hinges left out, the proof made to fit", [*LINES[:FIRST], f'{{"walk":{{"consistency":{hashes(LOG.tree().consistency(1, 11))}}}}}', LINES[CHECKPOINT]], "checkpoint")
    other = walk_lines(turned(word="other"))
    bad("a hinge of another history of the same genesis", replaced(FIRST, other[FIRST]), "hinge 1, step 2")
    bad("a later hinge of another history of the same genesis", replaced(SECOND, other[SECOND]), "hinge 1, step 2")


def proofs():
    first, second, third = LOG.hinges
    right = LOG.tree().consistency(7, 9)
    inclusion = LOG.tree().inclusion(6, 7)
    wrong = sha256(b"x")
    for name, made in (("a hash wrong", [wrong, *right[1:]]), ("the last hash wrong", [*right[:-1], wrong]), ("a hash missing", right[:-1]), ("a hash too many", [*right, wrong]), ("empty", []), ("in the other order", right[::-1]), ("64 hashes", [wrong] * 64), ("from size 1", LOG.tree().consistency(1, 9))):
        bad(f"consistency: {name}", replaced(THIRD, hinge_line(LOG, third, 7, consistency=made)), "hinge 2, step 2")
    for name, made in (("a hash wrong", [wrong, *inclusion[1:]]), ("a hash missing", inclusion[:-1]), ("a hash too many", [*inclusion, wrong]), ("empty", []), ("in the other order", inclusion[::-1]), ("of the record before", LOG.tree().inclusion(5, 7)), ("64 hashes", [wrong] * 64)):
        bad(f"inclusion: {name}", replaced(SECOND, hinge_line(LOG, second, 4, inclusion=made)), "hinge 1, step 3")
    one_line = walk_lines(turned(1))
    bad("consistency to the first hinge empty", replaced(FIRST, hinge_line(LOG, first, 1, consistency=[]), lines=one_line), "hinge 0, step 2")


def notes():
    first, second, _ = LOG.hinges

    def noted(name, text, step=1):
        bad(f"hinge's note: {name}", replaced(SECOND, hinge_line(LOG, second, 4, text)), f"hinge 1, step {step}")

    body, _, lines = second.note.partition("\n\n")
    noted("empty", "")
    noted("no note", "x")
    noted("no signature", body + "\n\n")
    noted("an extension line", body + "\nx\n\n" + lines)
    noted("a line twice", second.note + lines.split("\n")[0] + "\n")
    noted("size 07", second.note.replace("\n7\n", "\n07\n"))
    noted("size 2^63", second.note.replace("\n7\n", "\n9223372036854775808\n"))
    noted("a tab", second.note.replace("\n7\n", "\n7\t\n"))
    noted("another origin", note.signed(OTHER_ORIGIN, 7, LOG.tree().root(0, 7), [PEOPLE[0], PEOPLE[2], KEYS[2]]))
    noted("of the size before it", signed(4, PEOPLE[0], PEOPLE[2], KEYS[2]))
    noted("of a smaller size", signed(3, PEOPLE[0], PEOPLE[2], KEYS[2]))
    noted("of size 0", note.signed(ORIGIN, 0, sha256(b""), [PEOPLE[0], PEOPLE[2], KEYS[2]]))
    noted("of one size more, the proofs of 7", signed(8, PEOPLE[0], PEOPLE[2], KEYS[2]), 2)
    noted("another root", note.signed(ORIGIN, 7, sha256(b"x"), [PEOPLE[0], PEOPLE[2], KEYS[2]]), 2)
    for name, at in (("later", 8), ("earlier", 6)):
        made = hinge_line(LOG, second, 4, signed(at, PEOPLE[0], PEOPLE[2], KEYS[2]), LOG.tree().consistency(4, at), LOG.tree().inclusion(6, at) if at > 6 else [])
        bad(f"hinge's note: of the size one {name}, the proofs made to fit", replaced(SECOND, made), "hinge 1, step 3")
    bad("hinge's note: of size 1 on the genesis", replaced(FIRST, hinge_line(LOG, first, 1, signed(1, KEYS[0], KEYS[1]), [], [])), "hinge 0, step 1")


def records():
    one("key record: log another", 3, log=OTHER_ORIGIN)
    one("key record: seq one more", 3, seq=4)
    one("key record: seq 0", 3, seq=0)
    for kind in ("event", "genesis", "settings", "successor"):
        one(f"key record: kind {kind}", 3, kind=kind)
    one("key record: by a producer", 3, by="spiffe://acme/payments")
    one("key record: via something else", 3, via="ingest/http")
    one("key record: head of version 2", 3, raw_head=lambda head: head.replace('"indelible":1', '"indelible":2'))
    one("key record: head with an unknown field", 3, raw_head=lambda head: head[:-1] + ',"x":1}')
    one("key record: head that is none", 3, raw_head=lambda head: '{"x":1}')
    one("key record: salt in upper case, the digest over it", 3, salt="ABCDEF" + "0" * 26)
    one("key record: salt not hex, the digest over it", 3, salt="z" * 32)
    one("key record: digest of something else", 3, digest="ab" * 32)
    one("key record: prev and time are not a walk's matter", prev="ee" * 32, time="2001-01-01T00:00:00.000000000Z")
    one("key record: with every sort of field", **{"from": "2001:db8::7", "cert": "ce" * 32, "format": "cloudevents", "occurred": "2026-11-23T09:59:59.999999999Z"})
    record, event = LOG.records[6], '"generation":2'
    for name, old, new in (("event altered", event, '"generation":3'), ("salt altered", record.salt, "00" * 16), ("salt in upper case", record.salt, record.salt.upper()), ("salt of other characters", record.salt, "z" * 32), ("event empty", record.event, ""), ("head altered", '"via":"node/self"', '"via":"node/other"'),
                           ("time altered", '"time":"2026', '"time":"2027')):
        bad(f"key record, then altered: {name}", changed(SECOND, old, new), "hinge 1, step 3")
    bad("key record without salt and event", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, record=record.head_line())), "hinge 1, step 3")
    bad("key record of another hinge", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, record=LOG.records[3].line())), "hinge 1, step 3")
    bad("another record for the key record", replaced(SECOND, hinge_line(LOG, LOG.hinges[1], 4, record=LOG.records[5].line())), "hinge 1, step 3")
    other = Log(OTHER_ORIGIN)
    other.genesis()
    ordered(other, 2)
    other.rotate(keys.LogKey(b"\1" * 32, OTHER_ORIGIN))
    bad("a hinge of another log", replaced(FIRST, hinge_line(other, other.hinges[0], 1)), "hinge 0, step 1")


def events():
    new, of_other = KEYS[1], keys.LogKey(b"\1" * 32, OTHER_ORIGIN)
    right = keys.key_event("rotation", 1, [new.vkey])
    faults = {"another word": ('"rotation"', '"rotate"'), "generation 0": ('"generation":1', '"generation":0'), "generation with a leading zero": ('"generation":1', '"generation":01'), "generation 2^53": ('"generation":1', '"generation":9007199254740992'), "no keys": (f'["{new.vkey}"]', "[]"),
              "a key of another log": (new.vkey, of_other.vkey), "a key of another log too": (f'"{new.vkey}"', f'"{new.vkey}","{of_other.vkey}"'), "a key whose id does not fit": (new.id.hex(), "00000000"), "ML-DSA-44 alone": (new.vkey, keys.vkey(ORIGIN, bytes(1312), 6)), "nine keys": (f'"{new.vkey}"', ",".join([f'"{new.vkey}"'] * 9)),
              "threshold without keys": ('"threshold":0', '"threshold":1'), "threshold 0 with a key": ('"threshold":0,"keys":[]', f'"threshold":0,"keys":["{PEOPLE[0].vkey}"]'), "threshold too large": ('"threshold":0,"keys":[]', f'"threshold":2,"keys":["{PEOPLE[0].vkey}"]'),
              "a recovery key named like the log": ('"threshold":0,"keys":[]', f'"threshold":1,"keys":["{STRANGER.vkey}"]'), "a recovery key twice": ('"threshold":0,"keys":[]', '"threshold":1,"keys":["{0}","{0}"]'.format(PEOPLE[0].vkey)), "batch key in a log": ('"batch_key":null', '"batch_key":"' + "ba" * 32 + '"'),
              "a member more": ("null}", 'null,"x":1}'), "a member missing": (',"batch_key":null', ""), "members exchanged": ('"key":"rotation","generation":1', '"generation":1,"key":"rotation"'), "white space": (',"keys"', ', "keys"')}
    for name, (old, made) in faults.items():
        assert right.count(old) >= 1, name
        one(f"key event: {name}", 4, event=right.replace(old, made, 1))
    one("key event: a genesis", 4, event=genesis_event(ORIGIN, [new.vkey], node_log="ab" * 32))
    one("key event: none", 4, event='{"order":3}')
    for name, batch_key, step in (("node log", "ba" * 32, None), ("node log: no batch key", None, "hinge 0, step 4")):
        node = Log(NODE_ORIGIN)
        node.genesis(genesis_event(NODE_ORIGIN, [node.key.vkey], batch_key="ab" * 32))
        next_key = keys.LogKey(b"\1" * 32, NODE_ORIGIN)
        node.rotate(next_key, batch_key=batch_key)
        node.add('{"node":"destroyed","generation":0}', kind="node", **BY_NODE)
        put(name, sealed(walk_lines(node)), "not good" if step else "good", step)


def ends():
    def ended(name, checkpoint):
        bad(f"last checkpoint: {name}", walk_lines(LOG, checkpoint=checkpoint), "checkpoint")

    body = note.body(ORIGIN, 11, LOG.tree().root(0, 11)) + "\n"
    wrong = note.signature_line(ORIGIN, KEYS[3].id, b"x" * 64)
    ended("by the first key", signed(11, KEYS[0]))
    ended("by the key before the last", signed(11, KEYS[2]))
    ended("by nobody", body + note.signature_line("witness.example.net", b"\1\2\3\4", b"x" * 72))
    ended("by a stranger", signed(11, STRANGER))
    ended("by recovery keys", signed(11, *PEOPLE[:3]))
    ended("signature wrong", body + wrong)
    ended("signature wrong, an old key's right", signed(11, KEYS[2]) + wrong)
    ended("an ML-DSA-44 line alone", body + ml_dsa_line(ORIGIN))
    ended("another origin", note.signed(OTHER_ORIGIN, 11, LOG.tree().root(0, 11), [KEYS[3]]))
    ended("another root", note.signed(ORIGIN, 11, sha256(b"x"), [KEYS[3]]))
    ended("of a smaller size", signed(10, KEYS[3]))
    ended("of a larger size", signed(11, KEYS[3], log=ordered(turned())).replace("\n11\n", "\n12\n"))
    ended("of size 0", note.signed(ORIGIN, 0, sha256(b""), [KEYS[3]]))
    bad("size smaller than the checkpoint's", changed(HEADER, '"size":11', '"size":10'), "checkpoint")
    bad("size larger than the checkpoint's", changed(HEADER, '"size":11', '"size":12'), "checkpoint")
    bad("size 0", changed(HEADER, '"size":11', '"size":0'), "checkpoint")
    bad("size and checkpoint below the last hinge", [LINES[0].replace('"size":11', '"size":8'), *LINES[1:CONSISTENCY], f'{{"walk":{{"consistency":{hashes(LOG.tree().consistency(7, 8))}}}}}', f'{{"checkpoint":"{escaped(signed(8, KEYS[3]))}"}}'], "checkpoint")
    right = LOG.tree().consistency(9, 11)
    for name, made in (("a hash wrong", [sha256(b"x"), *right[1:]]), ("a hash missing", right[:-1]), ("a hash too many", [*right, sha256(b"x")]), ("empty", []), ("from size 1", LOG.tree().consistency(1, 11)), ("from the hinge before", LOG.tree().consistency(7, 11))):
        bad(f"last consistency: {name}", replaced(CONSISTENCY, f'{{"walk":{{"consistency":{hashes(made)}}}}}'), "checkpoint")
    at_hinge = walk_lines(LOG, 9)
    bad("last consistency not empty for the last hinge's size", replaced(CONSISTENCY, f'{{"walk":{{"consistency":{hashes([sha256(b"x")])}}}}}', lines=at_hinge), "checkpoint")


def geneses():
    genesis = LOG.records[0]
    for name, lines in (("log id altered", changed(HEADER, LOG.id, "ab" * 32)), ("origin another", changed(HEADER, ORIGIN, OTHER_ORIGIN)), ("head altered", changed(GENESIS, "node/self", "node/other")), ("event altered", changed(GENESIS, "unix:0", "unix:7")), ("recovery threshold altered", changed(GENESIS, '"threshold":2', '"threshold":1')),
                        ("salt altered", changed(GENESIS, genesis.salt, "00" * 16)), ("another record", replaced(GENESIS, f'{{"walk":{LOG.records[1].line()}}}')), ("head that is none", replaced(GENESIS, f'{{"walk":{{"head":{{"x":1}},"salt":"{genesis.salt}","event":{genesis.event}}}}}'))):
        bad(f"genesis: {name}", lines, "genesis")
    log = Log()
    log.genesis(genesis_event(ORIGIN, [log.key.vkey], node_log="ab" * 32, recovery=(2, [PEOPLE[0].vkey])))
    bad("genesis: threshold too large, well signed", walk_lines(ordered(log)), "genesis")
    unsupported("genesis: head of version 2", changed(GENESIS, '"indelible":1', '"indelible":2'))
    unsupported("genesis: head with an unknown field", changed(GENESIS, ',"digest"', ',"x":1,"digest"'))


def forms():
    for version in ("2", "10"):
        unsupported(f"version {version}", changed(HEADER, '"walk":1', f'"walk":{version}'))
    unsupported("version 2 and nothing else", ['{"walk":2}'])
    for name, old, new in (("version as a string", '"walk":1', '"walk":"1"'), ("version 0", '"walk":1', '"walk":0'), ("version 01", '"walk":1', '"walk":01'), ("version missing", '"walk":1', '"walk":'), ("no origin", ORIGIN, "orders"), ("log id of 63 digits", LOG.id, LOG.id[1:]), ("log id in upper case", LOG.id, LOG.id[:-2] + "AB"), ("size 011", '"size":11', '"size":011'),
                           ("negative size", '"size":11', '"size":-11'), ("size 2^53", '"size":11', '"size":9007199254740992'), ("size 2^64 + 11", '"size":11', '"size":18446744073709551627'), ("size as a string", '"size":11', '"size":"11"'), ("no size", ',"size":11', ""), ("a member more", "11}", '11,"x":1}'),
                           ("white space", ',"id"', ', "id"'), ("CR at the end", "11}", "11}\r"), ("an export's", '{"walk":1', '{"export":1')):
        malformed(f"header: {name}", changed(HEADER, old, new))
    malformed("header missing", LINES[1:])
    malformed("header twice", [LINES[0], *LINES])
    for name, lines in (("genesis line missing", replaced(GENESIS)), ("genesis line twice", replaced(GENESIS, LINES[GENESIS], LINES[GENESIS])), ("consistency line missing", replaced(CONSISTENCY)), ("consistency line twice", replaced(CONSISTENCY, LINES[CONSISTENCY], LINES[CONSISTENCY])), ("checkpoint missing", replaced(CHECKPOINT)), ("checkpoint twice", [*LINES, LINES[-1]]),
                        ("hinge line after the consistency line", replaced(CHECKPOINT, LINES[THIRD], LINES[CHECKPOINT])), ("consistency line before the last hinge", [*LINES[:THIRD], LINES[CONSISTENCY], LINES[THIRD], LINES[CHECKPOINT]]), ("a record line among the walk lines", replaced(SECOND, LOG.records[6].line())),
                        ("an empty line", replaced(SECOND, "", LINES[SECOND])), ("genesis without salt and event", replaced(GENESIS, f'{{"walk":{LOG.records[0].head_line()}}}'))):
        # A second genesis line stands where a hinge may, and has another form than those known there.
        (unsupported if name == "genesis line twice" else malformed)(name, lines)
    unsupported("a walk line of another kind", replaced(SECOND, '{"walk":{"erasure":{}}}', LINES[SECOND]))
    unsupported("a walk line of another kind after the hinges", replaced(CONSISTENCY, '{"walk":{"erasure":{}}}', LINES[CONSISTENCY]))
    hinge_forms()
    text = sealed(LINES)
    for name, old, new in (("dash escaped", "—", "\\u2014"), ("no checkpoint", "\\n11\\n", "\\n011\\n"), ("slash escaped", "/", "\\/"), ("white space", '":"', '": "')):
        malformed(f"checkpoint line: {name}", changed(CHECKPOINT, old, new))
    malformed("end: digest wrong", text[:-67] + "0" * 64 + text[-3:])
    malformed("end: digest wrong, and a hinge broken", sealed(replaced(SECOND))[:-67] + "0" * 64 + text[-3:])
    malformed("end: an event altered, the digest left as it was", text.replace('"generation":2', '"generation":3'))
    malformed("end: digest in upper case", text[:-67] + text[-67:-3].upper() + text[-3:])
    malformed("end: missing", "".join(line + "\n" for line in LINES))
    malformed("end: 2", text.replace('"end":1', '"end":2'))
    malformed("end: no LF", text[:-1])
    malformed("a byte after the end", text + "x")
    malformed("an empty line after the end", text + "\n")
    malformed("two walk files", text + text)
    malformed("empty", "")
    malformed("LF alone", "\n")
    malformed("cut in a hinge line", text[: len("\n".join(LINES[:SECOND])) + 500])
    malformed("cut after the hinges", "".join(line + "\n" for line in LINES[:CONSISTENCY]))
    malformed("CRLF", text.replace("\n", "\r\n"))
    malformed("not UTF-8 in the origin", text.encode().replace(b"log.example", b"log\xffexample", 1))
    many()


def hinge_forms():
    hinge = LOG.hinges[1]
    line = LINES[SECOND]
    record = LOG.records[6]
    for name, made in (("no braces at its end", line.rstrip("}")), ("a member more", line[:-2] + ',"x":1}}'), ("white space", line.replace(',"inclusion"', ', "inclusion"')), ("space at the end", line + " "), ("CR at the end", line + "\r"), ("members exchanged", line.replace('"consistency"', '"x"').replace('"inclusion"', '"consistency"').replace('"x"', '"inclusion"')),
                       ("no inclusion", line.replace(f',"inclusion":{hashes(LOG.tree().inclusion(6, 7))}', "")), ("no consistency", line.replace(f',"consistency":{hashes(LOG.tree().consistency(4, 7))}', "")), ("no key record", line.replace(f',"key":{record.line()}', "")), ("key record null", line.replace(record.line(), "null")), ("note null", line.replace(f'"{escaped(hinge.note)}"', "null")),
                       ("note with a quote not escaped", line.replace("person-0", 'person"0')), ("note with an LF by its number", line.replace("\\n", "\\u000a", 1)), ("note with a slash escaped", line.replace("/", "\\/", 1)), ("note with an unknown escape", line.replace("\\n", "\\x", 1)), ("note that does not end", line[: line.index('","consistency"')]),
                       ("note that ends in a backslash", line.replace('","consistency"', '\\","consistency"')), ("a hash of 31 bytes", line.replace(hashes(LOG.tree().inclusion(6, 7)), f'["{b64(b"x" * 31)}"]')), ("a hash without padding", line.replace('="', '"', 1)), ("hashes without a comma", line.replace('","', '""', 2)), ("a list not closed", line.replace('"],"inclusion"', '","inclusion"')),
                       ("salt of 31 characters", line.replace(record.salt, record.salt[1:])), ("no salt", line.replace(f'"salt":"{record.salt}",', "")), ("head with an inner brace", line.replace('"kind":"key"', '"kind":{}')), ("another name", line.replace('"key":{"head"', '"key":{"Head"'))):
        assert made != line, name
        malformed(f"hinge line: {name}", replaced(SECOND, made))
    for name, made in (("a brace missing", line[:-1]), ("a brace more", line + "}")):
        bad(f"hinge line: {name} at its end, which is the event's", replaced(SECOND, made), "hinge 1, step 3")
    bad("hinge line: a note with quote and backslash in a witness's name", replaced(SECOND, hinge_line(LOG, hinge, 4, hinge.note + note.signature_line('w"\\', b"\1\2\3\4", b"x"), consistency=[])), "hinge 1, step 2")
    put("hinge line: a note with quote and backslash in a witness's name, all right", sealed(replaced(SECOND, hinge_line(LOG, hinge, 4, hinge.note + note.signature_line('w"\\', b"\1\2\3\4", b"x")))), "good")
    bad("hinge line: an event that looks like a line's end", replaced(SECOND, hinge_line(LOG, hinge, 4, record=f'{{"head":{record.head},"salt":"{record.salt}","event":"}}}}","key":{{}}}}')), "hinge 1, step 3")
    raw = sealed_bytes("\n".join(LINES).encode().replace(b"person-0 ", b"person\xff0 ") + b"\n")
    put("hinge line: a note that is not UTF-8", raw, "not good", "hinge 1, step 1")


def sealed_bytes(data):
    return data + f'{{"end":1,"sha256":"{hashlib.sha256(data).hexdigest()}"}}\n'.encode()


def many():
    """As many hinge lines as there may be and one more; form alone."""
    for count, word, step in ((HINGES_MAX, "not good", "hinge 1, step 1"), (HINGES_MAX + 1, "malformed", None)):
        text = sealed([*LINES[:FIRST], *[LINES[FIRST]] * count, *LINES[CONSISTENCY:]])
        before, after = ("".join(line + "\n" for line in part) for part in (LINES[:FIRST], LINES[CONSISTENCY:]))
        shown = {"prefix": before, "repeat": LINES[FIRST] + "\n", "count": count, "suffix": after + text[text.rindex('{"end"') :]}
        put(f"{count:,} times the same hinge", text, word, step, shown)


def pins():
    other = orders(3, OTHER_ORIGIN)
    stranger = LOG.pin_of(STRANGER)
    for name, walk, pin, of in [*[(f"of set {at}", "3 hinges", PINS[at], True) for at in range(4)], ("of a key in no set", "3 hinges", stranger, False), ("of a recovery key's seed", "3 hinges", f"indelible-pin-v1 {LOG.id} {keys.vkey(ORIGIN, PEOPLE[0].public)}", False), ("of another log id", "3 hinges", PINS[0].replace(LOG.id, "ab" * 32), False),
                               ("of another log", "3 hinges", other.pin, False), ("of another log by this id", "3 hinges", other.pin.replace(other.id, LOG.id), False), ("of a key that comes later", "1 hinge", PINS[2], False), ("of the only key", "no hinge", PINS[0], False), ("of the genesis it has", "1 hinge", PINS[0], True),
                               ("of a walk that is not good", "consistency: empty", PINS[0], False), ("of a walk whose checkpoint is not good", "last checkpoint: by nobody", PINS[0], False)]:
        assert any(case["name"] == walk for case in walks), walk
        if walk == "no hinge":
            of = turned(0).id == LOG.id
        yield {"name": name, "walk": walk, "pin": pin, "of": of}


def document():
    walks.clear()
    for group in (whole, signatures, recoveries, order, proofs, notes, records, events, ends, geneses, forms):
        group()
    names = {case["name"]: case["expect"]["walk"] for case in walks}
    return {"file": "walk", "spec": "docs/spec/walk.md", "walks": list(walks), "pins": list(pins()), "receipts": list(beside.receipts(names)), "exports": list(beside.exports(names))}
