"""trust.json: receipts, proofs and exports under trust files (docs/spec/trust.md). Authored by the page's steps."""

from cases import rotated
from cases.note import ml_dsa_line
from cases.policy import ML_DSA
from cases.verdict import exit_code
from textbook import keys, note
from textbook.log import ORIGIN, batch_receipt, consistency_proof, export, head_at, orders, receipt, sealed, walk_lines
from textbook.trust import Witness, trust_file

LOG = orders(5)
OTHER = orders(5, "log.example.org/other/00112233445566ff")
W = [Witness(number) for number in range(3)]
RECORDED = 1795428004  # 2026-11-23T10:00:04Z, record 4
NOW = RECORDED + 1000
POLICY = "".join(f"witness w{number} {witness.vkey}\n" for number, witness in enumerate(W)) + "group g 2 w0 w1 w2\nquorum g\n"
TRUST = trust_file(LOG.pin, policy=f"log {LOG.key.vkey}\n" + POLICY)
SELECTIVE = "selective: proves nothing about the rest"
cases = []


def signed(*seen, more=""):
    """The checkpoint, cosigned by witnesses at their times."""
    checkpoint = LOG.checkpoint()
    return checkpoint + "".join(W[number].cosign(checkpoint, time) for number, time in seen) + more


def add(name, checkpoint=None, authenticity="ok", witnesses="none asked", trust=TRUST, kind="receipt", text=None, now=NOW, age=None, walk=None, integrity="ok", completeness=SELECTIVE):
    text = receipt(LOG, 3, checkpoint=checkpoint) if text is None else text
    axes = {"integrity": integrity, "authenticity": authenticity, "consistency": "unchecked", "witnesses": witnesses, "completeness": completeness}
    case = {"name": name, "kind": kind, "evidence": text, "trust": trust}
    case |= {} if walk is None else {"walk": walk}
    case |= {} if now is None else {"now": now}
    case |= {} if age is None else {"max_age": age}
    cases.append(case | {"expect": axes | {"exit": exit_code(axes)}})


def refuse(name, trust, why):
    cases.append({"name": f"refused: {name}", "trust": trust, "refuse": why})


def quorums():
    both, late = signed((0, NOW - 60), (2, NOW - 50)), NOW - 60
    add("two of three", both, witnesses="quorum met")
    add("all", signed((0, late), (1, late), (2, late)), witnesses="quorum met")
    add("one of three", signed((1, late)), witnesses="quorum missing")
    add("none of three", signed(), witnesses="quorum missing")
    add("no time known", both, witnesses="quorum met", now=None)
    add("strangers do not count", signed((0, late), more=Witness(7).cosign(LOG.checkpoint(), late)), witnesses="quorum missing")
    add("no policy", both, trust=trust_file(LOG.pin))
    add("quorum none", both, trust=trust_file(LOG.pin, policy="quorum none\n"))
    add("a policy without logs", both, witnesses="quorum met", trust=trust_file(LOG.pin, policy=POLICY))
    add("a policy with another log too", both, witnesses="quorum met", trust=trust_file(LOG.pin, policy=f"log {OTHER.key.vkey}\nlog {LOG.key.vkey}\n" + POLICY))
    checkpoint = LOG.checkpoint()
    add("ML-DSA-44 witness: not checked, does not count", checkpoint + ml_dsa_named("witness.example/pq"), witnesses="quorum missing", trust=trust_file(LOG.pin, policy=f"witness w {ML_DSA}\nquorum w\n"))
    for name, line in [("signature of another time", W[1].cosign(checkpoint, late, signed_time=late + 1)), ("signature of another text", W[1].cosign(checkpoint, late, text="x\n")), ("signature of the bare text", note.signature_line(W[1].name, W[1].id, late.to_bytes(8, "big") + bytes(64))),
                       ("a signature alone", note.signature_line(W[1].name, W[1].id, bytes(64))), ("a timestamp alone", note.signature_line(W[1].name, W[1].id, late.to_bytes(8, "big"))), ("73 bytes", note.signature_line(W[1].name, W[1].id, late.to_bytes(8, "big") + bytes(65))),
                       ("a time of 2^63", W[1].cosign(checkpoint, 1 << 63))]:
        add(f"witness's line wrong: {name}", signed((0, late), (2, late), more=line), "signature invalid", "unchecked")
        add(f"witness's line wrong, and not asked for: {name}", signed(more=line), trust=trust_file(LOG.pin))
    add("the log's signature wrong", note.body(ORIGIN, 5, LOG.tree().root(0, 5)) + "\n" + note.signature_line(ORIGIN, LOG.key.id, bytes(64)), "signature invalid", "unchecked")
    add("trust in another log", both, "unknown key", "unchecked", trust=trust_file(OTHER.pin, policy=POLICY))
    add("not a receipt", text="c2sp.org/tlog-proof@v1\n", authenticity="unchecked", witnesses="unchecked", integrity="malformed(line 2)", completeness="unchecked")


def ml_dsa_named(name):
    key_id = keys.key_id(name, bytes(1312), 6)
    return note.signature_line(name, key_id, (NOW - 60).to_bytes(8, "big") + bytes(2420))


def times():
    fresh, old = NOW - 60, NOW - 500
    add("from the future", signed((0, NOW + 301), (1, fresh)), witnesses="quorum missing")
    add("a little from the future", signed((0, NOW + 300), (1, fresh)), witnesses="quorum met")
    add("from the future, no time known", signed((0, NOW + 301), (1, fresh)), witnesses="quorum met", now=None)
    recorded = RECORDED - 1  # record 3
    add("seen long before it was made", signed((0, recorded - 301), (1, fresh)), witnesses="time contradicted")
    add("seen a little before it was made", signed((0, recorded - 300), (1, fresh)), witnesses="quorum met")
    add("seen long before it was made, and no quorum", signed((0, recorded - 301)), witnesses="time contradicted")
    add("fresh enough", signed((0, fresh), (1, old)), witnesses="quorum met", age=500)
    add("a second too old", signed((0, fresh), (1, old)), witnesses="stale(500 s)", age=499)
    add("the quorum's newest two count", signed((0, fresh), (1, old), (2, fresh - 1)), witnesses="quorum met", age=61)
    add("the same, too old", signed((0, fresh), (1, old), (2, fresh - 1)), witnesses="stale(61 s)", age=60)
    add("an age and no time known", signed((0, fresh), (1, old)), witnesses="quorum met", age=1, now=None)
    add("no quorum, and an age", signed((0, fresh)), witnesses="quorum missing", age=1)
    alone = trust_file(LOG.pin)
    last = receipt(LOG, 4)
    add("by the log's clock, of the last record", text=last, trust=alone, age=1000)
    add("by the log's clock, too old", text=last, trust=alone, witnesses="stale(1000 s)", age=999)
    add("by the log's clock, not of the last record", text=receipt(LOG, 3), trust=alone, witnesses="unchecked", age=1000)


def required():
    late = NOW - 60
    for signatures in ("ml-dsa-44", "both"):
        trust = trust_file(LOG.pin, signatures)
        add(f"{signatures}: absent", trust=trust, authenticity="required signature absent")
        add(f"{signatures}: unchecked", signed(more=ml_dsa_line(ORIGIN)), trust=trust, authenticity="required signature unchecked")
        add(f"{signatures}: a witness's is not the log's", signed(more=ml_dsa_line("witness.example/pq")), trust=trust, authenticity="required signature absent")
        add(f"{signatures}: absent, and a quorum", signed((0, late), (1, late)), trust=trust_file(LOG.pin, signatures, POLICY), authenticity="required signature absent", witnesses="quorum met")
    add("ed25519, with an ML-DSA-44 line", signed(more=ml_dsa_line(ORIGIN)), trust=trust_file(LOG.pin), authenticity="ok, not yet post-quantum")


def kinds():
    met = signed((0, NOW - 60), (1, NOW - 60))
    for name, checkpoint, witnesses in [("met", met, "quorum met"), ("missing", signed(), "quorum missing"), ("contradicted", signed((0, RECORDED - 301)), "time contradicted")]:
        add(f"export: {name}", kind="export", text=export(LOG, checkpoint=checkpoint), witnesses=witnesses, completeness="population complete(0…4)")
    add("export: stale by the log's clock", kind="export", text=export(LOG, 2), trust=trust_file(LOG.pin), witnesses="stale(1000 s)", age=10, completeness="population complete(2…4)")
    add("export: not of the last record", kind="export", text=export(LOG, 1, 2), trust=trust_file(LOG.pin), witnesses="unchecked", age=10, completeness="population complete(1…2)")
    add("consistency proof", kind="proof", text=consistency_proof(LOG, 2, 3, 5, checkpoint=met), witnesses="quorum met")
    add("consistency proof by the log's clock", kind="proof", text=consistency_proof(LOG, 2, 3, 5), trust=trust_file(LOG.pin), witnesses="unchecked", age=10)
    add("head at a time", kind="proof", text=head_at(LOG, "2026-11-23T10:00:02.000000000Z", 3), witnesses="quorum missing")
    add("batch receipt without records", kind="batch_receipt", text=batch_receipt(LOG, 1, 2, checkpoint=met), witnesses="quorum met", integrity="unchecked", completeness="unchecked")


def walked():
    """A trust file from the first day, a walk file, and what the log signs after a rotation."""
    log = rotated.turned(1)
    walk, first = sealed(walk_lines(log)), log.pin_of(rotated.KEYS[0])
    trust = trust_file(first, policy=f"log {rotated.KEYS[0].vkey}\n" + POLICY)
    checkpoint = log.checkpoint()
    met = checkpoint + W[0].cosign(checkpoint, NOW - 60) + W[2].cosign(checkpoint, NOW - 60)
    for name, text, kind, rest in [("receipt", receipt(log, 1, checkpoint=met), "receipt", {}), ("consistency proof", consistency_proof(log, 2, 3, 6, checkpoint=met), "proof", {}),
                                   ("batch receipt", batch_receipt(log, 1, 2, checkpoint=met), "batch_receipt", {"integrity": "unchecked", "completeness": "unchecked"}), ("export", export(log, checkpoint=met), "export", {"completeness": "population complete(0…5)"})]:
        add(f"walk file: {name}, quorum met", text=text, kind=kind, trust=trust, walk=walk, witnesses="quorum met", **rest)
        if kind != "export":
            add(f"walk file: {name}, without it", text=text, kind=kind, trust=trust, authenticity="unknown key", witnesses="unchecked", **(rest if kind == "batch_receipt" else {}))
    add("walk file: quorum missing", text=receipt(log, 1), trust=trust, walk=walk, witnesses="quorum missing")
    add("walk file: stale", text=receipt(log, 1, checkpoint=met), trust=trust, walk=walk, witnesses="stale(60 s)", age=59)
    add("walk file: a witness's line wrong", text=receipt(log, 1, checkpoint=met + W[1].cosign(checkpoint, NOW - 60, signed_time=NOW)), trust=trust, walk=walk, authenticity="signature invalid", witnesses="unchecked")
    old = log.checkpoint(3, [rotated.KEYS[0]])
    add("walk file: by the old key below its hinge, cosigned", text=receipt(log, 1, 3, checkpoint=old + W[0].cosign(old, NOW - 60) + W[2].cosign(old, NOW - 60)), trust=trust, walk=walk, authenticity="ok up to its hinge, not tied to it", witnesses="unchecked")
    retired = log.checkpoint(6, [rotated.KEYS[0]])
    add("walk file: by the old key above its hinge, cosigned", text=receipt(log, 1, checkpoint=retired + W[0].cosign(retired, NOW - 60) + W[2].cosign(retired, NOW - 60)), trust=trust, walk=walk, authenticity="key retired", witnesses="unchecked")
    add("walk file: of another log", text=receipt(log, 1, checkpoint=met), trust=trust, walk=sealed(walk_lines(OTHER)), authenticity="unknown key", witnesses="unchecked")
    refuse("walk file or not, the policy's logs must have the pin's key", trust_file(first, policy=f"log {rotated.KEYS[1].vkey}\n" + POLICY), "other log")


def refusals():
    pin = LOG.pin
    refuse("empty", "", "line 1")
    for title in ["indelible-trust", "indelible-trust-v0", "indelible-trust-v01", "indelible-trust-v1 ", "indelible-pin-v1", "INDELIBLE-TRUST-V1"]:
        refuse(f"title {title!r}", TRUST.replace("indelible-trust-v1", title, 1), "line 1")
    refuse("a later version", "indelible-trust-v2\n", "unsupported")
    refuse("ends after line 1", "indelible-trust-v1\n", "line 2")
    refuse("no pin", TRUST.replace("indelible-pin-v1", "indelible-pin-v2"), "line 2")
    refuse("pin with a space", TRUST.replace(pin, pin + " "), "line 2")
    refuse("ends after line 2", f"indelible-trust-v1\n{pin}\n", "line 3")
    for line in ["signatures", "signatures none", "signatures ed25519 ", "signatures Ed25519", "signatures ed25519,ml-dsa-44", "signatures  both", ""]:
        refuse(f"{line!r}", TRUST.replace("signatures ed25519", line), "line 3")
    refuse("line 3 without its end", f"indelible-trust-v1\n{pin}\nsignatures ed25519", "line 3")
    refuse("no empty line", TRUST.replace("ed25519\n\n", "ed25519\n"), "line 4")
    refuse("an empty line and nothing", trust_file(pin, policy=""), "policy")
    refuse("a policy without a quorum", trust_file(pin, policy="log " + LOG.key.vkey + "\n"), "policy")
    refuse("CRLF", TRUST.replace("\n", "\r\n"), "line 1")
    refuse("logs without the pin's key", trust_file(pin, policy=f"log {OTHER.key.vkey}\n" + POLICY), "other log")


def document():
    cases.clear()
    for group in (quorums, times, required, kinds, walked, refusals):
        group()
    return {"file": "trust", "spec": "docs/spec/trust.md", "cases": list(cases)}
