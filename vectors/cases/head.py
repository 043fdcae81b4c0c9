"""head.json: judging a head (docs/spec/record.md, "Judging a head").

The named cases are authored by hand and the textbook must agree. The tables of single-byte changes are filled by the
textbook.
"""

from textbook import head as textbook
from textbook.files import b64

ORIGIN = "log.example.org/orders/00112233445566ff"
DIGEST = "d1" * 32
PREV = "9e" * 32
BASE = {"indelible": 1, "log": ORIGIN, "kind": "event", "by": "spiffe://acme/payments", "via": "ingest/http",
        "digest": DIGEST, "seq": 41, "time": "2026-11-23T10:00:00.123456789Z", "prev": PREV}
FULL = BASE | {"from": "2001:db8::1", "cert": "ce" * 32, "policy": 7, "format": "k8s-audit", "occurred": "2026-11-23T09:59:59.000000000Z",
               "src": "till%207", "epoch": 3, "n": 12, "key": "order-1#5", "psig": "75" * 32}
GOOD = textbook.write(BASE)
cases = []


def add(name, head, expect):
    data = head if isinstance(head, bytes) else head.encode()
    found, fields = textbook.judge(data)
    assert found == expect, (name, head, found)
    case = {"name": name}
    case |= {"head": data.decode()} if data.isascii() else {"head_b64": b64(data)}
    case["expect"] = expect
    if fields is not None:
        case["fields"] = fields
    cases.append(case)


def with_(expect, name=None, drop=(), **changes):
    fields = {key: value for key, value in (BASE | changes).items() if key not in drop}
    add(name or ", ".join(f"{key} {value}" for key, value in changes.items()), textbook.write(fields), expect)


def valid(**changes):
    with_("valid", **changes)


def invalid(**changes):
    with_("invalid", **changes)


def field(name, values, expect):
    for value in values:
        with_(expect, **{name: value})


def kinds():
    zero = "0" * 64
    node = {"by": "node:000102030405060708090a0b0c0d0e0f", "via": "node/self"}
    add("event", GOOD, "valid")
    add("every field", textbook.write(FULL), "valid")
    valid(name="genesis", kind="genesis", seq=0, prev=zero, **node)
    for kind in ("repair", "clock", "node"):
        valid(name=kind, kind=kind, log="log.example.org/_node/00112233445566ff", **node)
    valid(name="key", kind="key", **node)
    valid(name="kind stream", kind="stream", **node)
    for kind in ("settings", "expiry", "erasure", "successor"):
        valid(name=f"{kind} (a head may say so; what a verifier says of the record is another matter)", kind=kind, **node)
    field("kind", ["", "Event", "events", "audit", "event%20", "GENESIS"], "invalid")
    # Rules for kinds and the chain are not the head's own: a head that breaks them is valid.
    valid(name="genesis that isn't record 0", kind="genesis", **node)
    valid(name="event at seq 0", seq=0, prev=zero)
    valid(name="seq 0 with another prev: a fault of the chain, not of the head", seq=0)
    valid(name="kind node by a producer", kind="node")


def lengths():
    shortest = {"indelible": 1, "log": "a/a/0000000000000000", "kind": "key", "by": "x:", "via": "a/a", "digest": DIGEST, "seq": 1, "time": BASE["time"], "prev": PREV}
    add("short", textbook.write(shortest), "valid")
    room = 4096 - len(textbook.write(BASE | {"by": "spiffe://"}))
    valid(name="4,096 bytes", by="spiffe://" + "a" * room)
    invalid(name="4,097 bytes", by="spiffe://" + "a" * (room + 1))
    add("4,097 bytes of version 2", '{"indelible":2,"x":"' + "a" * (4097 - 22) + '"}', "invalid")
    add("4,096 bytes of version 2", '{"indelible":2,"x":"' + "a" * (4096 - 22) + '"}', "unsupported")


def shape():
    for name, head in [("empty", ""), ("braces alone", "{}"), ("no opening brace", GOOD[1:]), ("no closing brace", GOOD[:-1]), ("LF at the end", GOOD + "\n"),
                       ("space at the end", GOOD + " "), ("space at the beginning", " " + GOOD), ("space after a colon", GOOD.replace('"log":', '"log": ')),
                       ("space after a comma", GOOD.replace(',"log"', ', "log"')), ("comma at the end", GOOD[:-1] + ",}"), ("comma at the beginning", "{," + GOOD[1:]),
                       ("two commas", GOOD.replace(',"log"', ',,"log"')), ("two heads", GOOD + GOOD), ("two closing braces", GOOD + "}"), ("array", "[" + GOOD + "]"),
                       ("BOM", b"\xef\xbb\xbf" + GOOD.encode()), ("NUL at the end", GOOD + "\0"), ("name in upper case", GOOD.replace('"log"', '"Log"')),
                       ("name with an escape", GOOD.replace('"log"', '"\\u006cog"')), ("name without quotes", GOOD.replace('"log"', "log")), ("empty name", '{"indelible":1,"":1}'),
                       ("name with a hyphen", '{"indelible":2,"a-b":1}'), ("name of 33 characters", '{"indelible":2,"' + "a" * 33 + '":1}'),
                       ("value true", '{"indelible":2,"a":true}'), ("value null", '{"indelible":2,"a":null}'), ("value object", '{"indelible":2,"a":{}}'), ("value array", '{"indelible":2,"a":[]}'),
                       ("negative integer", '{"indelible":2,"a":-1}'), ("fraction", '{"indelible":2,"a":1.0}'), ("exponent", '{"indelible":2,"a":1e3}'), ("plus sign", '{"indelible":2,"a":+1}'),
                       ("integer of 21 digits", '{"indelible":2,"a":' + "1" * 21 + "}"), ("string with space", '{"indelible":2,"a":"b c"}'), ("string with an escape", '{"indelible":2,"a":"b\\nc"}'),
                       ("string with an escaped quote", '{"indelible":2,"a":"b\\"c"}'), ("string with a brace", '{"indelible":2,"a":"b{c"}'), ("string with a closing brace", '{"indelible":2,"a":"b}c"}'),
                       ("string with DEL", '{"indelible":2,"a":"\x7f"}'), ("string with a control byte", '{"indelible":2,"a":"\x01"}'), ("string beyond ASCII", '{"indelible":2,"a":"é"}'),
                       ("string of invalid UTF-8", b'{"indelible":2,"a":"\xff"}'), ("string not closed", '{"indelible":2,"a":"b}'), ("no value", '{"indelible":2,"a":}'), ("no colon", '{"indelible":2,"a"}'),
                       ("name alone", '{"indelible"}')]:
        add(f"shape: {name}", head, "invalid")


def versions():
    add("version 2", GOOD.replace('"indelible":1', '"indelible":2'), "unsupported")
    add("version 0, of drafts", GOOD.replace('"indelible":1', '"indelible":0'), "unsupported")
    add("version 2, nothing else", '{"indelible":2}', "unsupported")
    add("version 2^64 − 1", '{"indelible":18446744073709551615}', "unsupported")
    add("version of 20 nines", '{"indelible":99999999999999999999}', "unsupported")
    add("version 10 with unknown fields, twice", '{"indelible":10,"x":1,"x":""}', "unsupported")
    add("version 1, nothing else", '{"indelible":1}', "invalid")
    add("version as a string", GOOD.replace('"indelible":1', '"indelible":"1"'), "invalid")
    add("version with a leading zero", GOOD.replace('"indelible":1', '"indelible":01'), "invalid")
    add("version 2 with a leading zero", GOOD.replace('"indelible":1', '"indelible":02'), "invalid")
    add("version of 21 digits", '{"indelible":100000000000000000000}', "invalid")
    add("version second", GOOD.replace('{"indelible":1,', "{").replace('"kind"', '"indelible":1,"kind"'), "invalid")
    add("version second, unknown field first", '{"x":1,' + GOOD[1:], "invalid")
    add("version missing", GOOD.replace('"indelible":1,', ""), "invalid")
    add("unknown field last", GOOD[:-1] + ',"x":1}', "unsupported")
    add("unknown field in the middle", GOOD.replace('"via"', '"tenant":"a","via"'), "unsupported")
    add("unknown field, empty", GOOD[:-1] + ',"x":""}', "unsupported")
    add("unknown field of 32 characters", GOOD[:-1] + ',"' + "a" * 32 + '":"b"}', "unsupported")
    add("unknown field wins over a missing one", '{"indelible":1,"x":1}', "unsupported")
    add("unknown field wins over a wrong value", textbook.write(BASE | {"time": "now"})[:-1] + ',"x":1}', "unsupported")
    add("unknown field whose value has a leading zero", GOOD[:-1] + ',"x":01}', "invalid")
    add("unknown field, misshapen", GOOD[:-1] + ',"x":true}', "invalid")


def order():
    for name in BASE:
        if name != "indelible":
            with_("invalid", name=f"{name} missing", drop=[name])
    parts = GOOD[1:-1].split(",")
    for at in range(1, len(parts)):
        swapped = parts[:at - 1] + [parts[at], parts[at - 1]] + parts[at + 1 :]
        add(f"{parts[at].split(':')[0]} before {parts[at - 1].split(':')[0]}", "{" + ",".join(swapped) + "}", "invalid")
    for at, part in enumerate(parts):
        add(f"{part.split(':')[0]} twice", "{" + ",".join(parts[: at + 1] + parts[at:]) + "}", "invalid")
    add("optional fields out of order", GOOD.replace('"digest"', '"cert":"' + "ce" * 32 + '","from":"192.0.2.1","digest"'), "invalid")
    add("optional field after the digest", GOOD.replace('"seq"', '"format":"raw","seq"'), "invalid")
    add("optional field after the last", GOOD[:-1] + ',"format":"raw"}', "invalid")
    add("optional field twice", GOOD.replace('"digest"', '"format":"raw","format":"raw","digest"'), "invalid")
    stream = {"src": "till", "epoch": 0, "n": 0}
    valid(name="stream", **stream)
    for size in (1, 2):
        for skip in range(3):
            part = {key: value for at, (key, value) in enumerate(stream.items()) if (at == skip) == (size == 1)}
            invalid(name="stream with " + " and ".join(part) + " alone", **part)


def integers():
    for name in ("seq", "policy"):
        field(name, [1, 9007199254740990, 9007199254740991], "valid")
        field(name, [9007199254740992, 9007199254740993, 18446744073709551616, 99999999999999999999], "invalid")
    valid(name="policy 0", policy=0)
    for epoch, n, expect in [(0, 0, "valid"), (2**53 - 1, 2**53 - 1, "valid"), (2**53, 0, "invalid"), (0, 2**53, "invalid")]:
        with_(expect, src="a", epoch=epoch, n=n)
    for name, text in [("leading zero", "041"), ("leading zeros", "0041"), ("two zeros", "00"), ("string", '"41"'), ("empty string", '""'), ("negative", "-41"), ("minus zero", "-0"),
                       ("fraction", "41.0"), ("exponent", "4e1"), ("true", "true"), ("21 digits", "0" * 20 + "1"), ("nothing", "")]:
        add(f"seq: {name}", GOOD.replace('"seq":41', '"seq":' + text), "invalid")
    add("digest as an integer", GOOD.replace(f'"{DIGEST}"', "1"), "invalid")
    add("by as an integer", GOOD.replace('"spiffe://acme/payments"', "1"), "invalid")


def strings():
    field("by", ["dns:db1.example.org", "unix:0", "unix:1000", "node:000102030405060708090a0b0c0d0e0f", "https://idp.example.org/u/7?x=1&y=(2)#z", "spiffe://a/!$'()*+,;=:@~|^`<>[]_"], "valid")
    field("by", ["dns:a%20b", "dns:%25", "dns:%2525", "dns:%22%5C%7B%7D", "dns:%00%1F%7F%80%FF", "dns:%C3%A9", "urn:%0A", "dns:%25zz", "dns:%20%20"], "valid")
    field("by", ["dns:%", "dns:%2", "dns:a%", "dns:%zz", "dns:%2g", "dns:%%", "dns:%%25", "dns:%41", "dns:%61", "dns:%21", "dns:%7E", "dns:%2F", "dns:%2f", "dns:%5c", "dns:%7b", "dns:%c3%a9",
                 "dns:%ff", "dns:%23", "dns:%3A", "dns:%25%", "dns:%2 0", ""], "invalid")
    for byte in '\x00\x1f \t"\\{}\x7f':
        invalid(name=f"by with the byte {ord(byte):02x}", by=f"dns:a{byte}b")
    add("by with the byte 80", GOOD.encode().replace(b"spiffe://acme", b"spiffe://\x80"), "invalid")
    add("by in UTF-8", GOOD.encode().replace(b"spiffe://acme", "spiffe://é".encode()), "invalid")
    field("via", ["cli/file", "node/self", "a/b", "ingest-2/otlp-http", "x" * 32 + "/" + "y" * 32, "0/9"], "valid")
    field("via", ["", "/", "ingest", "ingest/", "/http", "ingest/http/2", "Ingest/http", "ingest/HTTP", "in_gest/http", "ingest/h.ttp", "x" * 33 + "/y", "x/" + "y" * 33, "ingest/http%20", "ingest//http"], "invalid")
    field("format", ["raw", "cloudevents", "otlp", "syslog", "k8s-audit", "0", "a.b_c-d", "x" * 32], "valid")
    field("format", ["", "Raw", "-raw", ".raw", "_raw", "x" * 33, "a/b", "a b", "raw%20"], "invalid")
    for name in ("cert", "psig", "digest", "prev"):
        field(name, ["0" * 64, "0123456789abcdef" * 4], "valid")
        field(name, ["", "0" * 63, "0" * 65, "0" * 62, "ABCDEF" + "0" * 58, "g" + "0" * 63, "0x" + "0" * 62, "-" + "0" * 63], "invalid")
    field("key", ["k", "order-1", "k#0", "k#9", "k#65535", "x" * 128, "x" * 128 + "#65535", "a%20b", "%25", "a/b?c=d", "0192f3a0-7c1e-7000-8000-000000000001"], "valid")
    field("key", ["", "#", "#1", "k#", "k#01", "k#00", "k#65536", "k#99999", "k#100000", "k#x", "k#-1", "k#1#2", "a#b#1", "##1", "x" * 129, "x" * 129 + "#1", "a%23b", "a%2", "a%41", "k%23#1", "k#1%20"], "invalid")
    for src, expect in [("s", "valid"), ("x" * 128, "valid"), ("a#b", "valid"), ("a%20b", "valid"), ("%20" * 42, "valid"), ("", "invalid"), ("x" * 129, "invalid"), ("%20" * 43, "invalid"), ("a%2Fb", "invalid"), ("%", "invalid")]:
        with_(expect, src=src, epoch=0, n=0)


def times():
    good = ["2000-01-01T00:00:00.000000000Z", "9999-12-31T23:59:59.999999999Z", "2024-02-29T12:00:00.000000001Z", "2000-02-29T00:00:00.000000000Z", "2400-02-29T00:00:00.000000000Z",
            "2026-01-31T23:59:59.000000000Z", "2026-04-30T00:00:00.000000000Z", "2038-01-19T03:14:08.000000000Z"]
    bad = ["2026-11-23T23:59:60.000000000Z", "2016-12-31T23:59:60.000000000Z", "1999-12-31T23:59:59.999999999Z", "0000-01-01T00:00:00.000000000Z", "10000-01-01T00:00:00.000000000Z", "10000-01-01T00:00:00.00000000Z",
           "2023-02-29T00:00:00.000000000Z", "2100-02-29T00:00:00.000000000Z", "2200-02-29T00:00:00.000000000Z", "2024-02-30T00:00:00.000000000Z", "2026-04-31T00:00:00.000000000Z", "2026-06-31T00:00:00.000000000Z",
           "2026-01-32T00:00:00.000000000Z", "2026-00-01T00:00:00.000000000Z", "2026-13-01T00:00:00.000000000Z", "2026-01-00T00:00:00.000000000Z", "2026-01-01T24:00:00.000000000Z", "2026-01-01T00:60:00.000000000Z",
           "2026-01-01T00:00:61.000000000Z", "2026-01-01t00:00:00.000000000Z", "2026-01-01T00:00:00.000000000z", "2026-01-01 00:00:00.000000000Z", "2026-01-01T00:00:00.00000000Z", "2026-01-01T00:00:00.0000000000Z",
           "2026-01-01T00:00:00Z", "2026-01-01T00:00:00,000000000Z", "2026-01-01T00:00:00.000000000", "2026-01-01T00:00:00.000+00:00", "2026-1-01T00:00:00.0000000000Z", "2026-01-01T0:00:00.0000000000Z",
           "2026/01/01T00:00:00.000000000Z", "+026-01-01T00:00:00.000000000Z", "2026-01-01T00:00:00.00000000 Z", "2026-01-01T00:00:00.-00000000Z", ""]
    for name in ("time", "occurred"):
        field(name, good, "valid")
        field(name, bad, "invalid")
    add("time with digits beyond ASCII", GOOD.replace("2026-11", "202٦-11"), "invalid")
    valid(name="occurred after time is a claim and may stand", occurred="2027-01-01T00:00:00.000000000Z")


def addresses():
    field("from", ["0.0.0.0", "255.255.255.255", "192.0.2.1", "10.0.0.7", "::", "::1", "1::", "2001:db8::1", "2001:db8::1:0:0:1", "2001:db8:0:1:1:1:1:1", "2001:db8:0:0:1::", "fe80::1", "64:ff9b::c000:201", "::102:304",
                   "::ffff:0:0:0", "::1:ffff:c000:201", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8", "::3:4:5:6:7:8", "1:2:3:4:5:6::", "1:0:0:4::8", "a:b:c:d:e:f:0:1"], "valid")
    field("from", ["", "::ffff:192.0.2.1", "::ffff:c000:201", "::ffff:0:0", "0:0:0:0:0:ffff:c000:201", "::192.0.2.1", "64:ff9b::192.0.2.1", "2001:DB8::1", "2001:0db8::1", "2001:db8::0001", "2001:db8:0:0:1:0:0:1",
                   "2001:db8:0:0:1::1", "2001:db8::1:1:1:1:1", "0:0:0:0:0:0:0:1", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::0", "::0", "0::", "0::1", "1::2::3", ":::", ":", ":1", "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
                   "::12345", "::g", "fe80::1%25eth0", "fe80::1%eth0", "[::1]", "[::1]:80", "192.0.2.1:80", "192.0.2.1/32", "192.0.2", "192.0.2.1.1", "192.0.2.256", "192.0.2.01", "192.0.2.001", "192.0.02.1", "192.0.2.1.", ".192.0.2.1", "192.0..1",
                   "192.0.2.-1", "192.0.2.+1", "3221225985", "0xc0000201", "192.0.2.x", "localhost", "db1.example.org", "@", "1:0:0:4:0:0:0:8", "1::4:0:0:0:8"], "invalid")


def origins():
    field("log", ["a/a/0123456789abcdef", "log.example.org/_node/00112233445566ff", "log.example.org/eu-1/rack_2.b/orders/00112233445566ff", "xn--bcher-kva.example/log_1-a/00112233445566ff", "localhost/0/00112233445566ff"], "valid")
    field("log", ["", "orders", "/orders/00112233445566ff", "log.example.org/orders", "log.example.org/_other/00112233445566ff", "log.example.org/orders/00112233445566f", "log.example.org/orders/00112233445566FF",
                  "Log.example.org/orders/00112233445566ff", "log.example.org:443/orders/00112233445566ff", "log.example.org//00112233445566ff", "https://log.example.org/orders/00112233445566ff"], "invalid")


def single_bytes(head):
    """Every byte of the head replaced by every value, taken out, or preceded by a few values: one letter each."""
    data = head.encode()
    letters = {"valid": "v", "invalid": "i", "unsupported": "u"}
    inserted = b' 0a,"}{\\%\n\xc3'

    def letter(changed):
        return letters[textbook.judge(changed)[0]]

    return {
        "head": head,
        "replace": [[at, "".join(letter(data[:at] + bytes([byte]) + data[at + 1 :]) for byte in range(256))] for at in range(len(data))],
        "remove": "".join(letter(data[:at] + data[at + 1 :]) for at in range(len(data))),
        "insert": [["%02x" % byte, "".join(letter(data[:at] + bytes([byte]) + data[at:]) for at in range(len(data) + 1))] for byte in inserted],
    }


def document():
    cases.clear()
    for group in (kinds, lengths, shape, versions, order, integers, strings, times, addresses, origins):
        group()
    return {"file": "head", "spec": "docs/spec/record.md", "cases": list(cases), **{f"single_byte_{key}": value for key, value in single_bytes(textbook.write(FULL)).items()}}
