"""note.json: signed notes, checkpoints, and strict Ed25519 (docs/spec/checkpoint.md, docs/spec/keys.md).

Expectations are authored by hand; textbook/note.py must agree.
"""

from textbook import ed25519, keys, note
from textbook.files import b64
from textbook.tree import EMPTY, sha256

SECRET = bytes(range(32))
ORIGIN = "log.example.org/orders/00112233445566ff"
KEY = keys.LogKey(SECRET, ORIGIN)
OTHER = keys.LogKey(SECRET, "log.example.org/other/00112233445566ff")
ROOT = sha256(b"root")
SIZE = 1234
TEXT = note.body(ORIGIN, SIZE, ROOT)
LINE = note.signed_line(KEY, TEXT)
GOOD = TEXT + "\n" + LINE
READ = {"origin": ORIGIN, "size": SIZE, "root": ROOT.hex()}
MALFORMED = "malformed"
cases = []


def add(name, given, checkpoint=READ, verify="ok", key=KEY, ml_dsa=0):
    """A note that parses."""
    case, data = begin(name, given)
    found = note.parse(data)
    assert found is not None, name
    text, lines = found
    read = note.read_checkpoint(text)
    assert (MALFORMED if read is None else {"origin": read[0], "size": read[1], "root": read[2].hex()}) == checkpoint, (name, read)
    assert note.verify(text, lines, key.origin, key.id, key.public) == verify, name
    assert note.ml_dsa_lines(read[0] if read else None, lines) == ml_dsa, name
    expect = {"parse": "ok", "checkpoint": checkpoint, "verify": verify, "ml_dsa_lines": ml_dsa}
    cases.append(case | {"vkey": key.vkey, "expect": expect})


def malformed(name, given):
    """A note that isn't one."""
    case, data = begin(name, given)
    assert note.parse(data) is None, name
    cases.append(case | {"vkey": KEY.vkey, "expect": {"parse": MALFORMED}})


def begin(name, given):
    if isinstance(given, tuple):
        prefix, repeat, count, suffix = given
        case = {"name": name, "prefix": prefix, "repeat": repeat, "count": count, "suffix": suffix}
        return case, (prefix + repeat * count + suffix).encode()
    data = given.encode() if isinstance(given, str) else given
    return {"name": name} | ({"note": given} if isinstance(given, str) else {"note_b64": b64(given)}), data


def unsigned(name, text):
    """A text that is no checkpoint, well signed all the same."""
    add(name, text + "\n" + note.signed_line(KEY, text), MALFORMED)


def line(name, key_id, signature):
    return note.signature_line(name, key_id, signature)


def ml_dsa_line(name, timestamp=1_795_000_000, size=2420):
    return line(name, keys.key_id(name, b"\x44" * 1312, 6), timestamp.to_bytes(8, "big") + b"\x44" * size)


def lines_known_and_unknown():
    signature = ed25519.sign(KEY.seed, TEXT.encode())
    add("good", GOOD)
    add("good, size 1", note.checkpoint(KEY, 1, ROOT), READ | {"size": 1})
    add("signed by another key, under its name", TEXT + "\n" + note.signed_line(OTHER, TEXT), verify="no line")
    add("an unknown line before", TEXT + "\n" + note.signed_line(OTHER, TEXT) + LINE)
    add("an unknown line after", GOOD + line("witness.example.net", b"\1\2\3\4", b"x" * 72))
    add("an unknown id with the known name", TEXT + "\n" + line(ORIGIN, b"\1\2\3\4", signature), verify="no line")
    add("an unknown id with the known name, beside the good line", GOOD + line(ORIGIN, b"\1\2\3\4", b"x" * 64))
    add("the known id with another name", TEXT + "\n" + line("log.example.org", KEY.id, signature), verify="no line")
    add("the known id with a wrong signature", TEXT + "\n" + line(ORIGIN, KEY.id, b"x" * 64), verify="invalid")
    add("the known id with a signature of another text", TEXT + "\n" + line(ORIGIN, KEY.id, ed25519.sign(KEY.seed, TEXT[:-1].encode())), verify="invalid")
    add("the known id with a signature by another key", TEXT + "\n" + line(ORIGIN, KEY.id, ed25519.sign(OTHER.seed, TEXT.encode())), verify="invalid")
    add("the known id with a signature too short", TEXT + "\n" + line(ORIGIN, KEY.id, signature[:63]), verify="invalid")
    add("the known id with a signature too long", TEXT + "\n" + line(ORIGIN, KEY.id, signature + b"\0"), verify="invalid")
    add("the known id with one byte of signature", TEXT + "\n" + line(ORIGIN, KEY.id, signature[:1]), verify="invalid")
    add("size changed under the signature", GOOD.replace("1234", "1235"), READ | {"size": 1235}, "invalid")
    add("root changed under the signature", note.body(ORIGIN, SIZE, sha256(b"x")) + "\n" + LINE, READ | {"root": sha256(b"x").hex()}, "invalid")
    add("checkpoint of another origin by this key's name", note.body(OTHER.origin, SIZE, ROOT) + "\n" + note.signed_line(KEY, note.body(OTHER.origin, SIZE, ROOT)), READ | {"origin": OTHER.origin})
    add("name in letters beyond ASCII", GOOD + line("bücher.example", b"\1\2\3\4", b"x"))
    add("name with a zero width space, which is no white space", GOOD + line("a\u200bb", b"\1\2\3\4", b"x"))
    add("unknown line of five bytes", GOOD + line("a", b"\1\2\3\4", b"x"))
    add("64 lines", GOOD + "".join(line(f"w{number}", b"\1\2\3\4", b"x") for number in range(63)))
    malformed("65 lines", GOOD + "".join(line(f"w{number}", b"\1\2\3\4", b"x") for number in range(64)))


def duplicates():
    malformed("the good line twice", GOOD + LINE)
    malformed("the known id twice, one wrong, good first", GOOD + line(ORIGIN, KEY.id, b"x" * 64))
    malformed("the known id twice, one wrong, good last", TEXT + "\n" + line(ORIGIN, KEY.id, b"x" * 64) + LINE)
    malformed("an unknown line twice", GOOD + line("a", b"\1\2\3\4", b"x") * 2)
    malformed("an unknown id twice with different signatures", GOOD + line("a", b"\1\2\3\4", b"x") + line("a", b"\1\2\3\4", b"y"))
    add("one id under two names", GOOD + line("a", b"\1\2\3\4", b"x") + line("b", b"\1\2\3\4", b"x"))
    add("one name with two ids", GOOD + line("a", b"\1\2\3\4", b"x") + line("a", b"\1\2\3\5", b"x"))


def cosignatures():
    signature = ed25519.sign(KEY.seed, TEXT.encode())
    add("an ML-DSA-44 shaped line of the origin", GOOD + ml_dsa_line(ORIGIN), ml_dsa=1)
    add("two ML-DSA-44 shaped lines of the origin", GOOD + ml_dsa_line(ORIGIN) + line(ORIGIN, b"\1\2\3\4", b"\1" * 2428), ml_dsa=2)
    add("an ML-DSA-44 shaped line of the origin alone", TEXT + "\n" + ml_dsa_line(ORIGIN), verify="no line", ml_dsa=1)
    add("an ML-DSA-44 shaped line with timestamp zero: version 1 looks at name and length alone", GOOD + ml_dsa_line(ORIGIN, timestamp=0), ml_dsa=1)
    add("an ML-DSA-44 shaped line of another name", GOOD + ml_dsa_line("witness.example.net"))
    add("an ML-DSA-44 line one byte short", GOOD + ml_dsa_line(ORIGIN, size=2419))
    add("an ML-DSA-44 line one byte long", GOOD + ml_dsa_line(ORIGIN, size=2421))
    stamped = b"\0\0\0\0\x6a\xfd\x6b\xc0" + signature
    add("a 0x04 cosignature in the log's name", TEXT + "\n" + line(ORIGIN, keys.key_id(ORIGIN, KEY.public, 4), stamped), verify="no line")
    add("a 0x04 cosignature in the log's name, beside the good line", GOOD + line(ORIGIN, keys.key_id(ORIGIN, KEY.public, 4), stamped))
    add("a 0x04 cosignature under the log's own id", TEXT + "\n" + line(ORIGIN, KEY.id, stamped), verify="invalid")


def notes():
    for name, given in [
        ("empty", ""), ("text alone", TEXT), ("text and empty line", TEXT + "\n"), ("no empty line", TEXT + LINE), ("signature alone", LINE), ("empty line and signature", "\n" + LINE),
        ("no LF at the end", GOOD[:-1]), ("an empty line at the end", GOOD + "\n"), ("a line after the signatures", GOOD + "x\n"), ("bytes after the signatures", GOOD + "x"),
        ("CRLF", GOOD.replace("\n", "\r\n")), ("CRLF in the text", GOOD.replace("1234\n", "1234\r\n")), ("CRLF at the end", GOOD[:-1] + "\r\n"), ("CR in the text", GOOD.replace("1234", "12\r34")),
        ("tab in the text", GOOD.replace("1234", "\t1234")), ("NUL in the text", GOOD.replace("1234", "1234\0")), ("BOM would need its line", b"\xef\xbb\xbf" + TEXT.encode()),
        ("hyphens for the dash", GOOD.replace("— ", "-- ")), ("en dash", GOOD.replace("—", "–")), ("hyphen", GOOD.replace("—", "-")), ("no space after the dash", GOOD.replace("— ", "—")),
        ("two spaces after the dash", GOOD.replace("— ", "—  ")), ("two spaces before the signature", TEXT + "\n" + LINE.replace(f"{ORIGIN} ", f"{ORIGIN}  ")), ("space at the end of the line", GOOD[:-1] + " \n"),
        ("space before the dash", TEXT + "\n " + LINE), ("no name", TEXT + "\n" + LINE.replace(f"{ORIGIN} ", "")), ("empty name", TEXT + "\n" + LINE.replace(ORIGIN, "")), ("no signature", TEXT + f"\n— {ORIGIN}\n"),
        ("empty signature", TEXT + f"\n— {ORIGIN} \n"), ("plus in a name", GOOD + line("a+b", b"\1\2\3\4", b"x")), ("NBSP in a name", GOOD + line("a\u00a0b", b"\1\2\3\4", b"x")),
        ("U+0085 in a name", GOOD + line("a\u0085b", b"\1\2\3\4", b"x")), ("U+2028 in a name", GOOD + line("a\u2028b", b"\1\2\3\4", b"x")), ("U+3000 in a name", GOOD + line("a\u3000b", b"\1\2\3\4", b"x")),
        ("U+2000 in a name", GOOD + line("a\u2000b", b"\1\2\3\4", b"x")), ("U+200A in a name", GOOD + line("a\u200ab", b"\1\2\3\4", b"x")),
        ("U+1680 in a name", GOOD + line("a\u1680b", b"\1\2\3\4", b"x")), ("tab in a name", GOOD + line("a\tb", b"\1\2\3\4", b"x")), ("space in a name", GOOD + line("a b", b"\1\2\3\4", b"x")),
        ("four bytes in a signature", GOOD + line("a", b"\1\2\3\4", b"")), ("three bytes in a signature", GOOD + line("a", b"\1\2\3", b"")),
        ("base64 without padding", GOOD + "— a AQIDBHg\n"), ("base64 with too much padding", GOOD + "— a AQIDBHg==\n"), ("base64 with a stray bit", GOOD + "— a AQIDBHh=\n"), ("base64 with two stray bits", GOOD + "— a AQIDBHj=\n"),
        ("base64url", GOOD + "— a AQID-Hg_\n"), ("base64 with a bad character", GOOD + "— a AQID*Hg=\n"), ("base64 with a character beyond ASCII", GOOD + "— a AQIDé\n"), ("padding inside", GOOD + "— a AQ==AwQF\n"),
        ("base64 of one character more", GOOD + "— a AQIDBHh4e\n"), ("an unknown line misshapen before the good one", TEXT + "\n— a\n" + LINE),
    ]:
        malformed(name, given)
    malformed("invalid UTF-8 in the text", GOOD.encode().replace(b"1234", b"12\xff34"))
    malformed("invalid UTF-8 in a name", GOOD.encode() + b"\xe2\x80\x94 \xc3 AQIDBHg=\n")
    malformed("overlong UTF-8 in the text", GOOD.encode().replace(b"1234", b"12\xc0\xb134"))
    room = (256 << 10) - len((GOOD + "— a AQIDBHh4\n").encode())
    pad = GOOD + "— " + "a" * (room % 4 + 1) + " AQIDBHh4"
    assert len((pad + "AAAA" * (room // 4) + "\n").encode()) == 256 << 10
    add("256 KiB", (pad, "AAAA", room // 4, "\n"))
    malformed("256 KiB and one byte", (pad.replace("— a", "— aa"), "AAAA", room // 4, "\n"))


def checkpoints():
    root = b64(ROOT)
    for size in ("0", "1", "9007199254740992", "9223372036854775807"):
        value = EMPTY if size == "0" else ROOT
        add(f"size {size}", note.checkpoint(KEY, size, value), {"origin": ORIGIN, "size": int(size), "root": value.hex()})
    for size in ("007", "00", "01", "-1", "+1", "-0", "1.0", "1e3", "", " 1", "1 ", "0x10", "1_000", "１２", "9223372036854775808", "18446744073709551616", "1" + "0" * 40):
        unsigned(f"size {size!r}", f"{ORIGIN}\n{size}\n{root}\n")
    unsigned("size 0 with another root", note.body(ORIGIN, 0, ROOT))
    unsigned("size 0 with 32 zero bytes", note.body(ORIGIN, 0, b"\0" * 32))
    unsigned("extension line", TEXT + "extension\n")
    unsigned("empty extension line", TEXT + "\n")
    unsigned("no root", f"{ORIGIN}\n{SIZE}\n")
    unsigned("origin alone", f"{ORIGIN}\n")
    unsigned("empty line before", "\n" + TEXT)
    unsigned("root of 31 bytes", f"{ORIGIN}\n{SIZE}\n{b64(ROOT[:31])}\n")
    unsigned("root of 33 bytes", f"{ORIGIN}\n{SIZE}\n{b64(ROOT + bytes(1))}\n")
    unsigned("empty root", f"{ORIGIN}\n{SIZE}\n\n")
    stray = root[:-2] + chr(ord(root[-2]) + 1) + "="
    unsigned("root with a stray bit", f"{ORIGIN}\n{SIZE}\n{stray}\n")
    unsigned("root without padding", f"{ORIGIN}\n{SIZE}\n{root[:-1]}\n")
    unsigned("root with a space", f"{ORIGIN}\n{SIZE}\n{root} \n")
    unsigned("root in hex", f"{ORIGIN}\n{SIZE}\n{ROOT.hex()}\n")
    for origin in ("log.example.org", "log.example.org/orders", "log.example.org/orders/1", "Log.example.org/orders/00112233445566ff", "log.example.org/_other/00112233445566ff", "", " " + ORIGIN, ORIGIN + "/", "a" * 190 + "/" + "b" * 9 + "/0011223344556677"):
        unsigned(f"origin {origin!r}", f"{origin}\n{SIZE}\n{root}\n")
    long_origin = "a/" + "b" * 63 + "/" + "c" * 63 + "/" + "d" * 53 + "/0011223344556677"
    for origin, read in [(long_origin[:-17] + "d/0011223344556677", MALFORMED), (long_origin, None)]:
        assert len(origin) == (201 if read else 200), len(origin)
        text = note.body(origin, SIZE, ROOT)
        add(f"origin of {len(origin)} bytes", text + "\n" + note.signed_line(KEY, text), read or READ | {"origin": origin})
    inner = TEXT + "\n" + line("a", b"\1\2\3\4", b"x")
    unsigned("a signature block inside the text: the last empty line counts", inner)
    add("two empty lines: the text ends at the last", TEXT + "\n\n" + note.signed_line(KEY, TEXT + "\n"), MALFORMED)
    add("two empty lines, signature over three lines", TEXT + "\n\n" + LINE, MALFORMED, "invalid")
    add("an empty line between signatures", GOOD + "\n" + line("a", b"\1\2\3\4", b"x"), MALFORMED, "no line")


class BareKey:
    """A public key that no seed need stand behind."""

    def __init__(self, public):
        self.origin, self.public = ORIGIN, public
        self.id, self.vkey = keys.key_id(ORIGIN, public), keys.vkey(ORIGIN, public)


def strict_ed25519():
    message = TEXT.encode()
    good = ed25519.sign(KEY.seed, message)
    scalar, _ = ed25519.expand(KEY.seed)

    def show(name, signature, verify="invalid", key=KEY):
        add(f"Ed25519: {name}", TEXT + "\n" + line(ORIGIN, key.id, signature), verify=verify, key=key)

    def close(r, nonce=0, public=KEY.public, secret=scalar):
        """A signature with this R, which holds where R = [nonce]B + what the cofactor hides."""
        return r + ((nonce + ed25519.challenge(r, public, message) * secret) % ed25519.L).to_bytes(32, "little")

    response = int.from_bytes(good[32:], "little")
    show("S + L", good[:32] + (response + ed25519.L).to_bytes(32, "little"))
    show("S = L", ed25519.compress(ed25519.multiply(5, ed25519.BASE)) + ed25519.L.to_bytes(32, "little"))
    show("S with its top bit", good[:63] + bytes([good[63] | 0x80]))
    show("all zero", b"\0" * 64)
    show("all ones", b"\xff" * 64)
    show("one bit of R wrong", bytes([good[0] ^ 1]) + good[1:])
    show("one bit of S wrong", good[:32] + bytes([good[32] ^ 1]) + good[33:])
    show("R and S exchanged", good[32:] + good[:32])

    identity = ed25519.compress(ed25519.IDENTITY)
    show("R the identity, equation holds", close(identity))
    show("R the identity in its encoding p + 1", close((ed25519.P + 1).to_bytes(32, "little")))
    show("R the identity with a sign", close(identity[:31] + b"\x80"))
    order_eight = next(point for point in map(torsion, range(2, 100)) if point is not None)
    eight = ed25519.compress(order_eight)
    show("R of order 8", close(eight))
    nonce = 12345
    mixed = ed25519.compress(ed25519.add(ed25519.multiply(nonce, ed25519.BASE), order_eight))
    show("R with a part of order 8: holds only with the cofactor", close(mixed, nonce))
    assert ed25519.decompress((2).to_bytes(32, "little")) is None
    show("R not on the curve", (2).to_bytes(32, "little") + good[32:])

    for name, public in [("the identity", identity), ("the identity in its encoding p + 1", (ed25519.P + 1).to_bytes(32, "little")), ("of order 2", (ed25519.P - 1).to_bytes(32, "little")),
                         ("of order 4", bytes(32)), ("of order 8", eight)]:
        key = BareKey(public)
        # [S]B = R needs no secret; for a key of order 8 a nonce is sought whose challenge is a multiple of 8.
        nonce = next(n for n in range(1, 999) if ed25519.challenge(point_of(n), public, message) % 8 == 0)
        show(f"public key {name}, equation holds", point_of(nonce) + nonce.to_bytes(32, "little"), key=key)
    show("public key not on the curve", good, key=BareKey((2).to_bytes(32, "little")))
    public = ed25519.compress(ed25519.add(ed25519.decompress(KEY.public), order_eight))
    found = {}
    for n in range(1, 99):
        found.setdefault(ed25519.challenge(point_of(n), public, message) % 8 == 0, n)
    show("public key with a part of order 8, which cancels", close(point_of(found[True]), found[True], public), "ok", BareKey(public))
    show("public key with a part of order 8, holds only with the cofactor", close(point_of(found[False]), found[False], public), key=BareKey(public))


def point_of(nonce):
    return ed25519.compress(ed25519.multiply(nonce, ed25519.BASE))


def torsion(y):
    """A point of order 8 found from the point with this y, or None."""
    x = ed25519.recover_x(y, 0)
    if x is None:
        return None
    point = ed25519.multiply(ed25519.L, (x, y, 1, x * y % ed25519.P))
    return point if not ed25519.equal(ed25519.multiply(4, point), ed25519.IDENTITY) else None


def document():
    cases.clear()
    for group in (lines_known_and_unknown, duplicates, cosignatures, notes, checkpoints, strict_ed25519):
        group()
    return {"file": "note", "spec": "docs/spec/checkpoint.md", "cases": list(cases)}
