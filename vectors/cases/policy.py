"""policy.json: policies, whether they are policies, and which witnesses meet their quorum (docs/spec/trust.md)."""

from itertools import combinations

from textbook import keys
from textbook.files import b64
from textbook.log import orders
from textbook.trust import Witness

W = [Witness(number) for number in range(6)]
LOG = orders(1)
ML_DSA = f"witness.example/pq+{keys.key_id('witness.example/pq', bytes(1312), 6).hex()}+{b64(bytes([6]) + bytes(1312))}"
LINES = "".join(f"witness w{number} {witness.vkey}\n" for number, witness in enumerate(W[:4]))
cases = []


def put(name, policy, expect):
    cases.append({"name": name} | ({"policy": policy} if isinstance(policy, str) else policy if isinstance(policy, dict) else {"policy_b64": b64(policy)}) | {"expect": expect})


def refuse(name, policy, line):
    put(name, policy, {"refuse": line})


def accept(name, policy, rule, count=4, logs=0):
    """`rule` says for a set of numbers of witnesses whether they meet the quorum."""
    met = [list(some) for size in range(count + 1) for some in combinations(range(count), size) if rule is not None and rule(set(some))]
    put(name, policy, {"logs": logs, "witnesses": count, "asks": rule is not None, "met": met})


def good():
    accept("none", "quorum none\n", None, 0)
    accept("none, with witnesses", LINES + "quorum none\n", None)
    accept("one witness", LINES + "quorum w2\n", lambda seen: 2 in seen)
    accept("any", LINES + "group g any w0 w3\nquorum g\n", lambda seen: bool(seen & {0, 3}))
    accept("all", LINES + "group g all w0 w3\nquorum g\n", lambda seen: {0, 3} <= seen)
    accept("2 of 3", LINES + "group g 2 w0 w1 w3\nquorum g\n", lambda seen: len(seen & {0, 1, 3}) >= 2)
    accept("groups of groups", LINES + "group a any w0 w1\ngroup b any w2 w3\ngroup c all a b\nquorum c\n", lambda seen: bool(seen & {0, 1}) and bool(seen & {2, 3}))
    accept("a witness and a group", LINES + "group a 2 w0 w1 w2\ngroup b 1 a w3\nquorum b\n", lambda seen: len(seen & {0, 1, 2}) >= 2 or 3 in seen)
    accept("a quorum that is a member too", LINES + "group a any w0 w1\nquorum w0\n", lambda seen: 0 in seen)
    accept("lines after the quorum", "witness w0 " + W[0].vkey + "\nquorum w0\nwitness w1 " + W[1].vkey + "\n", lambda seen: 0 in seen, 2)
    accept("white space, comments, URLs", "# a comment\n\n \t\n\t# another\n log \t" + LOG.key.vkey + "  https://log.example/\t\nwitness w " + W[0].vkey + " https://w.example/ \n  quorum\tw\n", lambda seen: 0 in seen, 1, 1)
    accept("bytes above ASCII in names and comments", b"# \xff\xfe\nwitness \xe2\x84\xaa " + W[0].vkey.encode() + b"\nwitness K " + W[1].vkey.encode() + b"\nquorum \xe2\x84\xaa\n", lambda seen: 0 in seen, 2)
    accept("names that are words of the language", "witness any " + W[0].vkey + "\nwitness 2 " + W[1].vkey + "\ngroup all 1 any 2\nquorum all\n", lambda seen: bool(seen), 2)
    accept("an ML-DSA-44 witness", "witness pq " + ML_DSA + "\nquorum pq\n", lambda seen: 0 in seen, 1)
    accept("two logs", "log " + LOG.key.vkey + "\nlog " + orders(1, "log.example.org/other/00112233445566ff").key.vkey + "\nquorum none\n", None, 0, 2)
    accept("the last of 1,000 lines", "\n" * 999 + "quorum none\n", None, 0)
    accept("1 MiB", {"prefix": "#", "repeat": "x", "count": (1 << 20) - 14, "suffix": "\nquorum none\n"}, None, 0)


def refused():
    refuse("empty", "", 1)
    refuse("no quorum", LINES, 4)
    refuse("a comment alone", "# quorum none\n", 1)
    refuse("no newline at the end", "quorum none", 1)
    refuse("no newline at the end of a comment", "quorum none\n#", 2)
    refuse("two quorums", "quorum none\nquorum none\n", 2)
    refuse("an unknown keyword", "quorum none\nmirror x\n", 2)
    refuse("a keyword in upper case", "Quorum none\n", 1)
    refuse("a comment behind a line", "quorum none # here\n", 1)
    refuse("CRLF", "quorum none\r\n", 1)
    for byte in (0, 1, 8, 11, 12, 31, 127):
        refuse(f"byte {byte} in a comment", b"# " + bytes([byte]) + b"\nquorum none\n", 1)
    for line in ["quorum", "quorum none none", "log", f"log {LOG.key.vkey} a b", "witness", "witness w", f"witness w {W[0].vkey} a b", f"witness {W[0].vkey}", "group", "group g", "group g any", "group g 1"]:
        refuse(f"items: {line[:20]!r}", line + "\nquorum none\n", 1)
    refuse("no such name", LINES + "quorum w9\n", 5)
    refuse("a group before its members", "group g any w0\n" + LINES + "quorum g\n", 1)
    refuse("a group of itself", LINES + "group g any w0 g\nquorum g\n", 5)
    refuse("none as a member", LINES + "group g any none\nquorum g\n", 5)
    refuse("a witness named none", f"witness none {W[0].vkey}\nquorum none\n", 1)
    refuse("a group named none", LINES + "group none any w0\nquorum none\n", 5)
    refuse("a name twice", f"witness w {W[0].vkey}\nwitness w {W[1].vkey}\nquorum w\n", 2)
    refuse("a group of a witness's name", LINES + "group w0 any w1\nquorum w0\n", 5)
    refuse("a witness's key twice", f"witness a {W[0].vkey}\nwitness b {W[0].vkey}\nquorum a\n", 2)
    other = f"other.example+{keys.key_id('other.example', W[0].public, 4).hex()}+{b64(bytes([4]) + W[0].public)}"
    refuse("a witness's key under another name", f"witness a {W[0].vkey}\nwitness b {other}\nquorum a\n", 2)
    refuse("a log twice", f"log {LOG.key.vkey}\nlog {LOG.key.vkey}\nquorum none\n", 2)
    refuse("a member twice", LINES + "group g any w0 w0\nquorum g\n", 5)
    refuse("a member of two groups", LINES + "group a any w0\ngroup b any w0 w1\nquorum b\n", 6)
    for least in ["0", "3", "02", "-1", "1.0", "+1", "ALL", "９", "18446744073709551617"]:
        refuse(f"threshold {least} of 2", LINES + f"group g {least} w0 w1\nquorum g\n", 5)
    refuse("a log's key as a witness", f"witness w {LOG.key.vkey}\nquorum w\n", 1)
    refuse("a witness's key as a log", f"log {W[0].vkey}\nquorum none\n", 1)
    refuse("a key id that does not fit", f"witness w {W[0].vkey.replace('/0+', '/1+')}\nquorum w\n", 1)
    refuse("a key of an unknown type", f"log log.example+{keys.key_id('log.example', bytes(32), 2).hex()}+{b64(bytes([2]) + bytes(32))}\nquorum none\n", 1)
    refuse("a name that is not UTF-8 in a key", b"log \xff" + LOG.key.vkey.encode() + b"\nquorum none\n", 1)
    refuse("1,001 lines", "\n" * 1000 + "quorum none\n", 1001)
    refuse("a byte more than 1 MiB", {"prefix": "#", "repeat": "x", "count": (1 << 20) - 13, "suffix": "\nquorum none\n"}, 1)


def document():
    cases.clear()
    good()
    refused()
    return {"file": "policy", "spec": "docs/spec/trust.md", "cases": list(cases)}
