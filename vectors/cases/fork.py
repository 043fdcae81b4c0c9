"""fork.json: two signed notes of a log, and what they prove together (docs/spec/memory.md, *Fork proof*). Authored by the page's rules."""

from cases.memory import DEPARTED, FIRST, LAST, LOG, NEW, OLD, OTHER, SELECTIVE, STRANGER, UP_TO_HINGE, WALK, signed
from cases.note import ml_dsa_line
from cases.verdict import exit_code
from textbook import note
from textbook.log import ORIGIN, consistency_proof, head_at, sealed, walk_lines
from textbook.tree import sha256

cases = []


def add(name, one, other, consistency, proof=None, pin=LAST, walk=None, authenticity="ok", integrity="ok"):
    """Both ways round: who is named first does not matter."""
    is_read = integrity != "malformed(checkpoint)"
    axes = {"integrity": integrity, "authenticity": authenticity, "consistency": consistency, "witnesses": "none asked" if is_read else "unchecked", "completeness": SELECTIVE if is_read else "unchecked"}
    code = exit_code(axes)
    axes["exit"] = code if consistency != "unchecked" else code or 3
    given = {key: value for key, value in (("proof", proof), ("pin", pin), ("walk", walk)) if value is not None}
    cases.append({"name": name, "one": one, "other": other} | given | {"expect": axes})
    if one != other:
        cases.append({"name": f"{name}; the other way round", "one": other, "other": one} | given | {"expect": axes})


def same_size():
    add("one size, two roots", signed(9), signed(9, log=DEPARTED), "fork")
    add("one size, two roots, whatever the proof", signed(9), signed(9, log=DEPARTED), "fork", "x")
    add("one size, one root", signed(9), signed(9), "ok")
    add("one size, two roots, no pin", signed(9), signed(9, log=DEPARTED), "unchecked", pin=None, authenticity="self-keyed")
    add("one size, two roots, pin of another log", signed(9), signed(9, log=DEPARTED), "unchecked", pin=OTHER.pin, authenticity="unknown key")
    add("one size, two logs", signed(3, OLD), OTHER.checkpoint(), "unchecked", pin=FIRST, authenticity="unknown key")
    add("one size, two roots, one by a stranger", signed(9), signed(9, STRANGER, log=DEPARTED), "unchecked", authenticity="unknown key")
    body = note.body(ORIGIN, 9, sha256(b"x")) + "\n"
    add("one size, two roots, one signature wrong", signed(9), body + note.signature_line(ORIGIN, NEW.id, b"x" * 64), "unchecked", authenticity="signature invalid")
    add("a stranger's and a wrong signature: the worse counts", signed(9, STRANGER), body + note.signature_line(ORIGIN, NEW.id, b"x" * 64), "unchecked", authenticity="signature invalid")
    both = [signed(9, log=log) + ml_dsa_line(ORIGIN) for log in (LOG, DEPARTED)]
    add("one size, two roots, with ML-DSA-44 lines", *both, "fork", authenticity="ok, not yet post-quantum")


def two_sizes():
    proof, departed = consistency_proof(LOG, 6, 9, 9), consistency_proof(DEPARTED, 6, 9, 9)
    add("two sizes, no proof", signed(6), signed(9), "unchecked")
    add("two sizes, and one begins the other", signed(6), signed(9), "ok", proof)
    add("two sizes, and the size of the smaller is the proof's second", signed(6), signed(9), "ok", consistency_proof(LOG, 4, 6, 9))
    add("two sizes, another root", signed(6), signed(9, log=DEPARTED), "fork", departed)
    add("two sizes, another root, the proof's second", signed(6), signed(9, log=DEPARTED), "fork", consistency_proof(DEPARTED, 4, 6, 9))
    add("two sizes, a proof of another size", signed(6), signed(9), "unchecked", consistency_proof(LOG, 5, 8, 9))
    add("two sizes, the checkpoint in the proof by a stranger", signed(6), signed(9), "ok", consistency_proof(LOG, 6, 9, 9, checkpoint=signed(9, STRANGER)))
    add("two sizes, a proof of another tree", signed(6), signed(9, log=DEPARTED), "unchecked", proof, integrity="root mismatch(9)")
    add("two sizes, a proof of a smaller tree", signed(6), signed(9), "unchecked", consistency_proof(LOG, 6, 8, 8), integrity="root mismatch(9)")
    add("two sizes, a proof that does not lead", signed(6), signed(9), "unchecked", consistency_proof(LOG, 6, 9, 9, between=[sha256(b"x")]), integrity="root mismatch(9)")
    add("two sizes, a proof that does not lead to the checkpoint", signed(6), signed(9), "unchecked", consistency_proof(LOG, 5, 6, 9, onward=[]), integrity="root mismatch(9)")
    for name, text, integrity in [("a head at a time", head_at(LOG, "2026-11-23T10:00:05.000000000Z", 6), "malformed(line 1)"), ("a head at a time of a later version", "indelible-head-at-v9\n", "malformed(line 1)"), ("nothing", "", "malformed(line 1)"),
                                  ("of a later version", proof.replace("-v1", "-v9", 1), "unsupported version"), ("without its second line", proof.replace("\nto ", "\n"), "malformed(line 3)"), ("without its checkpoint", proof.split(ORIGIN)[0], "malformed(checkpoint)")]:
        if integrity == "malformed(checkpoint)":
            continue
        add(f"two sizes, as a proof: {name}", signed(6), signed(9), "unchecked", text, integrity=integrity)
    add("two sizes, another root, not signed", signed(6, STRANGER), signed(9, log=DEPARTED), "unchecked", departed, authenticity="unknown key")
    add("size 0 and another", note.signed(ORIGIN, 0, sha256(b""), [NEW]), signed(9), "unchecked", consistency_proof(LOG, 1, 9, 9))


def rotated():
    proof, departed = consistency_proof(LOG, 3, 9, 9), consistency_proof(DEPARTED, 3, 9, 9)
    add("by two keys, without a walk file", signed(3, OLD), signed(9), "unchecked", proof, authenticity="unknown key")
    for pin in (FIRST, LAST):
        add(f"by two keys, walk file, pin of {'the first' if pin == FIRST else 'the last'}", signed(3, OLD), signed(9), "ok", proof, pin, WALK)
    add("by two keys, walk file, another root", signed(3, OLD, log=DEPARTED), signed(9), "fork", proof, FIRST, WALK, UP_TO_HINGE)
    add("by two keys, walk file, no proof", signed(3, OLD), signed(9), "unchecked", None, FIRST, WALK, UP_TO_HINGE)
    add("by the old key, walk file", signed(2, OLD), signed(3, OLD), "ok", consistency_proof(LOG, 2, 3, 3), FIRST, WALK, UP_TO_HINGE)
    add("by the old key, walk file, another root", signed(2, OLD, log=DEPARTED), signed(3, OLD), "fork", consistency_proof(LOG, 2, 3, 3), FIRST, WALK, UP_TO_HINGE)
    add("by the old key above its hinge, walk file", signed(9, OLD, log=DEPARTED), signed(9), "fork", None, FIRST, WALK, "key retired")
    add("by the old key above its hinge, one root", signed(9, OLD), signed(9), "ok", None, FIRST, WALK, "key retired")
    add("the hinge and another tree of its size, walk file", signed(4), signed(4, OLD, log=DEPARTED), "fork", None, FIRST, WALK)
    add("a walk file that is not good", signed(3, OLD), signed(9), "unchecked", proof, FIRST, sealed([line.replace('"generation":1', '"generation":9') for line in walk_lines(LOG)]), "key walk broken")
    add("a walk file of another log", signed(3, OLD), signed(9), "unchecked", proof, FIRST, sealed(walk_lines(OTHER)), "unknown key")
    add("a walk file and no pin", signed(3, OLD), signed(9, log=DEPARTED), "unchecked", departed, None, WALK, "self-keyed")


def grammar():
    for name, text in [("empty", ""), ("no signature", signed(9).split("\n\n")[0] + "\n\n"), ("an extension line", signed(9).replace("\n\n", "\nx\n\n")), ("CRLF", signed(9).replace("\n", "\r\n")), ("a line too many", signed(9) + "x\n"), ("size 07", signed(7).replace("\n7\n", "\n07\n"))]:
        add(f"no checkpoint: {name}", signed(9), text, "unchecked", integrity="malformed(checkpoint)", authenticity="unchecked")


def document():
    cases.clear()
    for group in (same_size, two_sizes, rotated, grammar):
        group()
    return {"file": "fork", "spec": "docs/spec/memory.md", "cases": list(cases)}
