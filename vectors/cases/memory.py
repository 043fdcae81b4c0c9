"""memory.json: what evidence has to do with what was remembered (docs/spec/memory.md). Authored by the page's rules."""

from cases.note import ml_dsa_line
from cases.rotated import KEYS, TWO_OF_THREE, begun, ordered, turned
from cases.verdict import exit_code
from textbook import keys, note
from textbook.files import b64
from textbook.log import ORIGIN, batch_receipt, consistency_proof, export, export_lines, head_at, orders, receipt, sealed, walk_lines
from textbook.memory import TITLE, memory_file
from textbook.tree import sha256

# Records 0 to 8, whose keys change once: record 3 is of kind `key`, the hinge has size 4. DEPARTED goes on otherwise behind the
# genesis, FORKED behind the hinge.
OLD, NEW = KEYS[:2]
LOG, DEPARTED = ordered(turned(1), 3), ordered(turned(1, "other"), 3, "other")
FORKED = begun(TWO_OF_THREE)
FORKED.rotate(NEW, recovery=TWO_OF_THREE)
ordered(FORKED, 5, "other")
BEFORE = begun(TWO_OF_THREE, 4)  # 5 records under the old key alone
OTHER = orders(3, "log.example.org/other/00112233445566ff")
FIRST, LAST = LOG.pin_of(OLD), LOG.pin_of(NEW)
WALK = sealed(walk_lines(LOG))
STRANGER = keys.LogKey(b"\7" * 32, ORIGIN)
SELECTIVE = "selective: proves nothing about the rest"
UP_TO_HINGE = "ok up to its hinge, not tied to it"
BELIEVED = ("ok", "ok, not yet post-quantum", UP_TO_HINGE)
cases = []


def signed(size, *signers, log=LOG):
    return log.checkpoint(size, list(signers) or None)


def seen(size, *signers, log=LOG):
    return memory_file(signed(size, *signers, log=log))


def add(name, memory, kind, evidence, consistency="ok", pin=FIRST, walk=None, record=None, authenticity="ok", integrity="ok", completeness=SELECTIVE, after=None, first_sight=False):
    axes = {"integrity": integrity, "authenticity": authenticity, "consistency": consistency, "witnesses": "none asked" if authenticity != "unchecked" else "unchecked", "completeness": completeness}
    code = exit_code(axes)
    if consistency == "unchecked" and not first_sight:
        code = code or 3
    case = {"name": name, "memory": memory, "kind": kind, "evidence": evidence}
    case |= {name: value for name, value in (("pin", pin), ("walk", walk), ("record", record)) if value is not None}
    case |= {"expect": axes | {"exit": code}}
    assert (code == 0) == (after is not None), name
    cases.append(case | ({} if after is None else {"after": after}))


def shown(name, memory, first, count, size=None, consistency="ok", log=LOG, after=None, **more):
    """An export."""
    if consistency == "ok" and after is None:
        after = memory_file(signed(size or len(log.records), log=log))
    add(name, memory, "export", export(log, first, count, size), consistency, **({"completeness": f"population complete({first}…{first + count - 1})"} | more), after=after if consistency == "ok" or more.get("first_sight") else None)


def first_sight():
    later, other = memory_file(signed(9)), memory_file(OTHER.checkpoint())
    shown("nothing remembered: an empty memory", TITLE, 0, 9, consistency="unchecked", first_sight=True, after=later)
    add("nothing remembered: a receipt", TITLE, "receipt", receipt(LOG, 3), "unchecked", LAST, first_sight=True, after=later)
    add("nothing remembered of this log", other, "receipt", receipt(LOG, 3), "unchecked", LAST, first_sight=True, after=memory_file(signed(9), OTHER.checkpoint()))
    between = memory_file(signed(4), OTHER.checkpoint())
    add("remembered beside another log", between, "export", export(LOG), pin=FIRST, completeness="population complete(0…8)", after=memory_file(signed(9), OTHER.checkpoint()))
    add("nothing remembered, and not believed", TITLE, "receipt", receipt(LOG, 3), "unchecked", None, authenticity="self-keyed")
    add("nothing remembered, nothing learnt from a file that is none", TITLE, "receipt", "x\n", "unchecked", authenticity="unchecked", integrity="malformed(line 1)", completeness="unchecked")


def same_size():
    for kind, text, pin, rest in [("receipt", receipt(LOG, 3), LAST, {}), ("proof", consistency_proof(LOG, 4, 6, 9), LAST, {}), ("proof", head_at(LOG, "2026-11-23T10:00:02.000000000Z", 3), LAST, {}),
                                  ("batch_receipt", batch_receipt(LOG, 1, 2), LAST, {"record": "".join(LOG.records[at].line() + "\n" for at in (1, 2)), "completeness": "population complete(1…2)"})]:
        add(f"same size, same root: {kind}, {text[:25]}", seen(9), kind, text, pin=pin, after=seen(9), **rest)
        add(f"same size, another root: {kind}, {text[:25]}", seen(9, log=FORKED), kind, text, "fork", pin=pin, **rest)
        add(f"a larger size: {kind}, {text[:25]}", seen(9), kind, text.replace(text[text.index(ORIGIN + "\n9\n") :], signed(8)) if kind == "proof" else receipt(LOG, 3, 8) if kind == "receipt" else batch_receipt(LOG, 1, 2, 8),
            "unchecked", pin=pin, **rest, **({"integrity": "root mismatch(8)"} if kind == "proof" else {}))
    shown("same size, same root: export", seen(9), 0, 9)
    shown("same size, same root: an export of one record", seen(9), 5, 1)
    shown("same size, another root: export", seen(9, log=DEPARTED), 5, 1, consistency="fork")
    add("same size, with an ML-DSA-44 line", seen(9), "receipt", receipt(LOG, 3, checkpoint=signed(9) + ml_dsa_line(ORIGIN)), pin=LAST, authenticity="ok, not yet post-quantum", after=seen(9))
    remembered = memory_file(signed(9) + ml_dsa_line(ORIGIN))
    add("same size, remembered with an ML-DSA-44 line", remembered, "receipt", receipt(LOG, 3), pin=LAST, after=remembered)


def exports():
    for first, count in ((0, 9), (5, 4), (6, 1), (4, 5), (6, 3)):
        for size in range(5, 9):
            consistency = "ok" if first <= size <= first + count else "unchecked"
            shown(f"size {size}, records [{first}, {first + count}) of 9", seen(size), first, count, consistency=consistency)
            if consistency == "ok":
                shown(f"size {size}, another root, records [{first}, {first + count}) of 9", seen(size, log=FORKED), first, count, consistency="fork")
    shown("size 0", memory_file(note.signed(ORIGIN, 0, sha256(b""), [OLD])), 0, 9)
    shown("size 0, which a later range does not show", memory_file(note.signed(ORIGIN, 0, sha256(b""), [OLD])), 1, 8, consistency="unchecked")
    for size, name in ((4, "the hinge"), (1, "the genesis")):
        shown(f"size of {name}, which the walk shows", seen(size), 7, 1)
        shown(f"size of {name}, another root", memory_file(note.signed(ORIGIN, size, sha256(b"x"), [OLD])), 7, 1, consistency="fork")
    lines = export_lines(LOG)
    altered = sealed([line.replace('"amount":"7.00"', '"amount":"9.00"') for line in lines])
    add("an event altered", seen(6), "export", altered, integrity="event altered(7)", completeness="population complete(0…8)")
    entries = next(line for line in lines if line.startswith('{"entries"'))
    wrong = sealed([line if line != entries else '{"entries":"' + b64(b"".join(record.entry for record in LOG.records[:-1]) + sha256(b"x")) + '"}' for line in lines])
    add("the entries don't give the root", seen(6), "export", wrong, "unchecked", integrity="entry altered(8)", completeness="population complete(0…8)")
    add("the entries don't give the root, size of the hinge", seen(4), "export", wrong, integrity="entry altered(8)", completeness="population complete(0…8)")
    add("ends early", seen(6), "export", "".join(line + "\n" for line in lines), "unchecked", authenticity="unchecked", integrity=f"malformed(line {len(lines) + 1})", completeness="incomplete(ends early)")


def rotated():
    after = seen(9)
    shown("by the old key, pin of the old key", seen(3, OLD), 0, 9, after=after)
    shown("by the old key, pin of the new key", seen(3, OLD), 0, 9, pin=LAST, after=after)
    shown("by the new key, pin of the old key", seen(6, NEW), 0, 9, after=after)
    shown("by the old key, another root", seen(3, OLD, log=DEPARTED), 0, 9, consistency="fork")
    shown("by the old key above its hinge, another root", seen(6, OLD, log=DEPARTED), 0, 9, consistency="fork")
    shown("by the old key above its hinge, the same root", seen(6, OLD), 0, 9, after=after)
    shown("by a stranger", seen(6, STRANGER), 0, 9, consistency="unchecked")
    shown("by the new key, the old key's line wrong", memory_file(signed(6, NEW) + note.signature_line(ORIGIN, OLD.id, b"x" * 64)), 0, 9, consistency="unchecked")
    shown("by the new key, a stranger's line wrong", memory_file(signed(6, NEW) + note.signature_line(ORIGIN, STRANGER.id, b"x" * 64)), 0, 9, after=after)
    proof = consistency_proof(LOG, 3, 6, 9)
    add("proof by the new key, remembered by the old", seen(3, OLD), "proof", proof, "unchecked", LAST)
    add("proof by the new key, remembered by the old, walk file", seen(3, OLD), "proof", proof, walk=WALK, after=after)
    add("proof by the new key, remembered by the old, walk file and pin of the new", seen(3, OLD), "proof", proof, pin=LAST, walk=WALK, after=after)
    add("proof by the new key, remembered by the old, another root, walk file", seen(3, OLD, log=DEPARTED), "proof", proof, "fork", walk=WALK)
    add("proof by the new key, larger tree remembered by the new, walk file", seen(6, NEW), "proof", proof, walk=WALK, after=after)
    add("head at a time, remembered by the old, walk file", seen(3, OLD), "proof", head_at(LOG, "2026-11-23T10:00:02.000000000Z", 3), walk=WALK, after=after)
    add("head at a time of another size, walk file", seen(2, OLD), "proof", head_at(LOG, "2026-11-23T10:00:02.000000000Z", 3), "unchecked", walk=WALK)
    add("receipt by the new key, remembered by the old, walk file", seen(3, OLD), "receipt", receipt(LOG, 1), "unchecked", walk=WALK)
    add("receipt by the old key of the remembered size, walk file", seen(3, OLD), "receipt", receipt(LOG, 1, 3), "ok", walk=WALK, authenticity=UP_TO_HINGE)
    add("receipt by the old key, another root of the remembered size, walk file", seen(3, OLD, log=DEPARTED), "receipt", receipt(LOG, 1, 3), "fork", walk=WALK, authenticity=UP_TO_HINGE)
    add("receipt of the hinge's size and another root, walk file: nothing else counts", seen(6, NEW), "receipt", receipt(DEPARTED, 1, 4, checkpoint=signed(4, OLD, log=DEPARTED)), "fork", walk=WALK)
    add("a walk file that is not good", seen(3, OLD), "proof", proof, "unchecked", walk=sealed([line.replace('"generation":1', '"generation":9') for line in walk_lines(LOG)]), authenticity="key walk broken")
    add("a walk file of another log", seen(3, OLD), "proof", proof, "unchecked", walk=sealed(walk_lines(OTHER)), authenticity="unknown key")


def smaller():
    shown("a step back: an old export", seen(9), 0, 8, 8, "rollback")
    shown("a step back: an old export of another history", seen(9), 0, 8, 8, "rollback", log=FORKED)
    shown("a step back: an export from before the rotation, remembered after it", seen(9), 0, 3, 3, "unchecked")
    shown("a step back: an export from before the rotation, remembered after it, walk file", seen(9), 0, 3, 3, "rollback", walk=WALK, authenticity=UP_TO_HINGE)
    shown("a step back: an export from before the rotation, remembered before it", memory_file(BEFORE.checkpoint()), 0, 3, 3, "rollback")
    shown("a step back: to the hinge, remembered after it, walk file", seen(9), 0, 4, 4, "rollback", walk=WALK)
    add("an old receipt is no step back", seen(9), "receipt", receipt(LOG, 3, 8), "unchecked", LAST)
    add("an old proof is no step back", seen(9), "proof", consistency_proof(LOG, 4, 6, 8), "unchecked", LAST)
    add("a retired key", seen(3, OLD), "export", export(BEFORE), "unchecked", walk=WALK, authenticity="key retired", completeness="unchecked")


def not_believed():
    shown("no pin", seen(6), 0, 9, consistency="unchecked", pin=None, authenticity="self-keyed")
    shown("pin of another log id", seen(6), 0, 9, consistency="unchecked", pin=FIRST.replace(LOG.id, "ab" * 32), authenticity="unknown key", completeness="unchecked")
    shown("pin of a stranger", seen(6), 0, 9, consistency="unchecked", pin=LOG.pin_of(STRANGER), authenticity="unknown key", completeness="unchecked")
    add("an unknown key", seen(6), "receipt", receipt(LOG, 3), "unchecked", authenticity="unknown key")
    body = note.body(ORIGIN, 9, LOG.tree().root(0, 9)) + "\n"
    add("a wrong signature", seen(9), "receipt", receipt(LOG, 3, checkpoint=body + note.signature_line(ORIGIN, NEW.id, b"x" * 64)), "unchecked", LAST, authenticity="signature invalid")
    proof = consistency_proof(LOG, 4, 6, 9)
    wrong = proof.replace("from 4 " + b64(LOG.tree().root(0, 4)), "from 4 " + b64(sha256(b"x")))
    add("a proof that does not hold shows nothing", seen(6), "proof", wrong, "unchecked", LAST, integrity="root mismatch(6)")
    add("a proof of other sizes", seen(5), "proof", proof, "unchecked", LAST)
    add("a proof from the remembered size", seen(4), "proof", proof, pin=LAST, walk=WALK, after=seen(9))
    add("a proof to the remembered size", seen(6), "proof", proof, pin=LAST, after=seen(9))
    add("a proof to the remembered size, another root", seen(6, log=FORKED), "proof", proof, "fork", LAST)


def refusals():
    def refuse(name, memory, number):
        cases.append({"name": f"refused: {name}"} | ({"memory": memory} if isinstance(memory, str) else {"memory_b64": b64(memory)}) | {"refuse": number})

    two = memory_file(signed(9), OTHER.checkpoint())
    refuse("empty", "", 1)
    for title in ("indelible-memory", "indelible-memory-v0", "indelible-memory-v01", "indelible-memory-v1 ", "indelible-memory-v9", "INDELIBLE-MEMORY-V0"):
        refuse(f"title {title!r}", two.replace(TITLE, title + "\n"), 1)
    refuse("the title without LF", TITLE[:-1], 1)
    refuse("CRLF", two.replace("\n", "\r\n"), 1)
    refuse("the last line without LF", two[:-1], 3)
    refuse("an empty line", TITLE + "\n", 2)
    refuse("an empty line at the end", two + "\n", 4)
    refuse("a log twice", memory_file(signed(8), signed(9)), 3)
    refuse("the same note twice", memory_file(signed(9), signed(9)), 3)
    refuse("logs not ascending", memory_file(OTHER.checkpoint(), signed(9)), 3)
    refuse("a space before a line", TITLE + " " + two.split("\n")[1] + "\n", 2)
    refuse("a space after a line", TITLE + two.split("\n")[1] + " \n", 2)
    refuse("a note in the clear", TITLE + signed(9), 2)
    refuse("a note without a signature", memory_file(signed(9).split("\n\n")[0] + "\n\n"), 2)
    refuse("a note with an extension line", memory_file(signed(9).replace("\n\n", "\nx\n\n")), 2)
    refuse("another escape", memory_file(signed(9)).replace("\\n9", "\\u000a9"), 2)
    refuse("not UTF-8", memory_file(signed(9)).encode().replace(b"log.example", b"log.\xffxample", 1), 2)
    refuse("another member", memory_file(signed(9)).replace('"}\n', '","x":1}\n'), 2)


def document():
    cases.clear()
    for group in (first_sight, same_size, exports, rotated, smaller, not_believed, refusals):
        group()
    assert all(case["expect"]["authenticity"] in BELIEVED for case in cases if case.get("after"))
    names = [case["name"] for case in cases]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    return {"file": "memory", "spec": "docs/spec/memory.md", "cases": list(cases)}
