"""keys.json: origins, derived keys, verifier keys, genesis events, pins (docs/spec/keys.md)."""

from textbook import ed25519, head, keys
from textbook.files import b64
from textbook.log import NODE_ORIGIN, ORIGIN, SECRET, STORE, genesis_event, orders

KEY = keys.LogKey(SECRET, ORIGIN)
NODE_KEY = keys.LogKey(SECRET, NODE_ORIGIN)
BATCH_KEY = ed25519.public_key(keys.batch_seed(SECRET, bytes.fromhex(STORE)))


def origins():
    tail = "/orders/00112233445566ff"
    at_limit = "a/" + "b" * 63 + "/" + "c" * 63 + "/" + "d" * 53 + "/0011223344556677"
    valid = ["log.example.org" + tail, "a/a/0000000000000000", "localhost" + tail, "a.b.c.d.e" + tail, "1.2.3.4" + tail, "a-b.c--d" + tail, "x" * 63 + ".y" + tail, "0" + tail, "log.example.org/eu" + tail,
             "log.example.org/eu-1/rack_2/a.b" + tail, "log.example.org/" + "s" * 63 + tail, "log.example.org/" + "l" * 63 + "/00112233445566ff", "log.example.org/0-_/00112233445566ff", "log.example.org/_node/00112233445566ff",
             "log.example.org/00112233445566ff/00112233445566ff/00112233445566ff", at_limit]
    invalid = ["", "/", "log.example.org", "log.example.org/orders", "orders/00112233445566ff", "log.example.org/00112233445566ff", "log.example.org" + tail + "/", "/log.example.org" + tail, "log.example.org/" + tail, "LOG.example.org" + tail,
               "log.example.org/Orders/00112233445566ff", "log.example.org/orders/00112233445566FF", "log.example.org/orders/00112233445566f", "log.example.org/orders/00112233445566ff0", "log.example.org/orders/00112233445566fg",
               "log.example.org." + tail, ".log.example.org" + tail, "log..example.org" + tail, "-log.example.org" + tail, "log-.example.org" + tail, "log.example.org-" + tail, "log_1.example.org" + tail, "x" * 64 + tail,
               "log.example.org:443" + tail, "[::1]" + tail, "https://log.example.org" + tail, "user@log.example.org" + tail, "log.example.org/_eu" + tail, "log.example.org/.eu" + tail, "log.example.org/-eu" + tail, "log.example.org/" + "s" * 64 + tail,
               "log.example.org/EU" + tail, "log.example.org/e%20u" + tail, "log.example.org/eu:1" + tail, "log.example.org/" + "l" * 64 + "/00112233445566ff", "log.example.org/or.ders/00112233445566ff", "log.example.org/-orders/00112233445566ff",
               "log.example.org/_orders/00112233445566ff", "log.example.org/__node/00112233445566ff", "log.example.org/_node1/00112233445566ff", "log.example.org/_/00112233445566ff", "log.example.org//00112233445566ff", " log.example.org" + tail,
               "log.example.org" + tail + " ", "log.example.org" + tail + "\n", "log.example.org/or ders/00112233445566ff", "log.example.org/orders#1/00112233445566ff", "bücher.example" + tail, at_limit.replace("/0011", "d/0011")]
    assert len(at_limit) == 200
    for group, expect in ((valid, True), (invalid, False)):
        for origin in group:
            assert head.is_origin(origin) == expect, origin
            yield {"origin": origin, "valid": expect}


def derived():
    for secret in (SECRET, b"\xff" * 32):
        for origin in (ORIGIN, NODE_ORIGIN, "a/a/0000000000000000"):
            key = keys.LogKey(secret, origin)
            yield {"secret": secret.hex(), "origin": origin, "type": 1, "seed": key.seed.hex(), "public": key.public.hex(), "key_id": key.id.hex(), "vkey": key.vkey}


def batch_keys():
    for secret, store in ((SECRET, STORE), (b"\xff" * 32, STORE), (SECRET, "00" * 16)):
        seed = keys.batch_seed(secret, bytes.fromhex(store))
        yield {"secret": secret.hex(), "store": store, "seed": seed.hex(), "public": ed25519.public_key(seed).hex()}


def key_with_plus():
    """A key whose base64 holds `+`, which is also what parts a vkey."""
    for number in range(999):
        public = ed25519.public_key(number.to_bytes(32, "big"))
        if "+" in b64(b"\1" + public):
            return public


def vkeys():
    def show(name, vkey, kind=None, public=None):
        expect = "refused" if kind is None else {"name": ORIGIN, "type": kind, "key_id": keys.key_id(ORIGIN, public, kind).hex(), "public": public.hex()}
        return {"name": name, "vkey": vkey, "expect": expect}

    good, mldsa = KEY.vkey, bytes(range(256)) * 5 + bytes(32)
    name, key_id, encoded = good.split("+", 2)
    yield show("Ed25519", good, 1, KEY.public)
    yield show("base64 with a plus sign", keys.vkey(ORIGIN, key_with_plus()), 1, key_with_plus())
    yield show("ML-DSA-44", keys.vkey(ORIGIN, mldsa, 6), 6, mldsa)
    wrong = {
        "empty": "", "name alone": name, "no key": f"{name}+{key_id}", "empty key": f"{name}+{key_id}+", "empty name": f"+{key_id}+{encoded}", "no key id": f"{name}++{encoded}", "key id wrong": f"{name}+00000000+{encoded}",
        "key id of another name": f"log.example.org/other/00112233445566ff+{key_id}+{encoded}", "key id in upper case": f"{name}+{key_id.upper()}+{encoded}", "key id of seven digits": f"{name}+{key_id[:7]}+{encoded}",
        "key id of nine digits": f"{name}+{key_id}0+{encoded}", "base64 without padding": good.rstrip("="), "base64 with too much padding": good + "=", "base64url": f"{name}+{key_id}+" + encoded.replace("+", "-").replace("/", "_").replace("A", "-", 1),
        "base64 with a stray bit": None, "space at the end": good + " ", "LF at the end": good + "\n", "space at the beginning": " " + good, "hex for base64": f"{name}+{key_id}+01{KEY.public.hex()}",
        "type 0x02": keys.vkey(ORIGIN, KEY.public, 2), "type 0x04": keys.vkey(ORIGIN, KEY.public, 4), "type 0xff": keys.vkey(ORIGIN, KEY.public, 255), "type 0x00": keys.vkey(ORIGIN, KEY.public, 0), "no type": f"{name}+{key_id}+{b64(KEY.public)}",
        "31 bytes of Ed25519": keys.vkey(ORIGIN, KEY.public[:31]), "33 bytes of Ed25519": keys.vkey(ORIGIN, KEY.public + b"\0"), "type alone": keys.vkey(ORIGIN, b""), "ML-DSA-44 one byte short": keys.vkey(ORIGIN, mldsa[:-1], 6),
        "ML-DSA-44 one byte long": keys.vkey(ORIGIN, mldsa + b"\0", 6), "32 bytes of ML-DSA-44": keys.vkey(ORIGIN, KEY.public, 6),
    }
    # 33 bytes take 44 characters without padding and leave no unused bits; 1,313 bytes leave two.
    full = keys.vkey(ORIGIN, mldsa, 6)
    assert not good.endswith("=") and full.endswith("=") and not full.endswith("==")
    wrong["base64 without padding"] = full[:-1]
    wrong["base64 with a stray bit"] = full[:-2] + chr(ord(full[-2]) + 1) + "="
    for label, vkey in wrong.items():
        yield show(label, vkey)


def geneses():
    good = genesis_event(ORIGIN, [KEY.vkey], node_log="ab" * 32)
    of_node = genesis_event(NODE_ORIGIN, [NODE_KEY.vkey], batch_key=BATCH_KEY.hex())
    second = keys.vkey(ORIGIN, keys.LogKey(b"\xff" * 32, ORIGIN).public)
    mldsa = keys.vkey(ORIGIN, bytes(range(256)) * 5 + bytes(32), 6)
    many = [keys.vkey(ORIGIN, ed25519.public_key(bytes([number]) * 32)) for number in range(9)]

    def valid(name, event, vkeys, origin=ORIGIN, node_log="ab" * 32, batch_key=None):
        return {"name": name, "event": event, "expect": {"origin": origin, "keys": vkeys, "node_log": node_log, "batch_key": batch_key}}

    def invalid(name, event):
        return {"name": name, "event": event, "expect": "invalid"}

    def of(vkeys):
        return genesis_event(ORIGIN, vkeys, node_log="ab" * 32)

    yield valid("a log's", good, [KEY.vkey])
    yield valid("the node log's", of_node, [NODE_KEY.vkey], NODE_ORIGIN, None, BATCH_KEY.hex())
    yield valid("two keys", of([KEY.vkey, second]), [KEY.vkey, second])
    yield valid("Ed25519 and ML-DSA-44", of([KEY.vkey, mldsa]), [KEY.vkey, mldsa])
    yield valid("ML-DSA-44 first", of([mldsa, KEY.vkey]), [mldsa, KEY.vkey])
    yield valid("eight keys", of(many[:8]), many[:8])
    yield valid("creator with spaces and punctuation", good.replace("unix:0", "A. N. Other <a@example.org> ~!"), [KEY.vkey])
    yield invalid("no keys", of([]))
    yield invalid("nine keys", of(many))
    yield invalid("ML-DSA-44 alone", of([mldsa]))
    yield invalid("a key of another origin", of([NODE_KEY.vkey]))
    yield invalid("a second key of another origin", of([KEY.vkey, NODE_KEY.vkey]))
    yield invalid("a key whose id does not fit", of([KEY.vkey.replace(KEY.id.hex(), "00000000")]))
    yield invalid("a key of another type", of([KEY.vkey, keys.vkey(ORIGIN, KEY.public, 4)]))
    yield invalid("another origin", good.replace(f'"origin":"{ORIGIN}"', f'"origin":"{NODE_ORIGIN}"'))
    yield invalid("not an origin", good.replace(ORIGIN, "orders"))
    yield invalid("node log's id in the node log itself", of_node.replace('"node_log":null', '"node_log":"' + "ab" * 32 + '"'))
    yield invalid("no node log's id in another log", good.replace('"node_log":"' + "ab" * 32 + '"', '"node_log":null'))
    yield invalid("no batch key in the node log", of_node.replace(f'"{BATCH_KEY.hex()}"', "null"))
    yield invalid("batch key in another log", good.replace('"batch_key":null', f'"batch_key":"{BATCH_KEY.hex()}"'))
    changes = {
        "version 1": ('"genesis":0', '"genesis":1'), "version as a string": ('"genesis":0', '"genesis":"0"'), "node log's id of 63 digits": ('"' + "ab" * 32, '"' + "ab" * 31 + "a"), "node log's id in upper case": ("ab" * 32, "AB" * 32),
        "a recovery threshold": ('"threshold":0', '"threshold":1'), "recovery keys": ('"threshold":0,"keys":[]', f'"threshold":0,"keys":["{KEY.vkey}"]'), "recovery null": ('{"threshold":0,"keys":[]}', "null"), "node of 31 digits": ('"node":"00', '"node":"0'),
        "store in upper case": ("1a1b1c1d1e1f", "1A1B1C1D1E1F"), "a limit as a string": ('"event_bytes":1048576', '"event_bytes":"1048576"'), "a limit with a leading zero": ('"event_bytes":1048576', '"event_bytes":01048576'),
        "a negative limit": ('"event_bytes":1048576', '"event_bytes":-1'), "a second limit": ('"event_bytes":1048576', '"event_bytes":1048576,"x":1'), "no limit": ('"event_bytes":1048576', ""), "retention": ('"retention":null', '"retention":"1y"'),
        "key horizon 1": ('"key_horizon":0', '"key_horizon":1'), "another clock rule": ('"ahead_ms":1000', '"ahead_ms":2000'), "another drift": ('"drift_ppm":500', '"drift_ppm":501'), "another start rule": ('"start_days":30', '"start_days":31'),
        "a witness policy": ('"witness_policy":null', '"witness_policy":"none"'), "a predecessor": ('"predecessor":null', '"predecessor":"' + "ab" * 32 + '"'), "creator with an escape": ("unix:0", "unix\\u003a0"), "creator with an escaped quote": ("unix:0", 'unix\\"0'),
        "creator beyond ASCII": ("unix:0", "Zoë"), "creator with DEL": ("unix:0", "unix\x7f"), "creator null": ('"unix:0"', "null"), "software missing": (',"software":"indelible 0.1.0"', ""), "unknown member last": ('0.1.0"}', '0.1.0","x":1}'),
        "unknown member first": ('{"genesis"', '{"x":1,"genesis"'), "white space": (',"origin"', ', "origin"'), "LF at the end": ('0.1.0"}', '0.1.0"}\n'), "cut short": ('0.1.0"}', '0.1.0"'), "something after": ('0.1.0"}', '0.1.0"}}'),
        "two members exchanged": ('"retention":null,"key_horizon":0', '"key_horizon":0,"retention":null'), "a member twice": ('"retention":null', '"retention":null,"retention":null'), "a name with an escape": ('"retention"', '"\\u0072etention"'),
    }
    for name, (old, new) in changes.items():
        assert good.count(old) == 1, (name, good.count(old))
        yield invalid(name, good.replace(old, new))
    yield invalid("empty", "")
    yield invalid("empty object", "{}")


def pins():
    log = orders(1)
    good, vkey = log.pin, log.key.vkey
    read = {"id": log.id, "vkey": vkey, "origin": ORIGIN}
    yield {"name": "good", "pin": good, "expect": read}
    yield {"name": "with LF", "pin": good + "\n", "expect": read}
    mldsa = keys.vkey(ORIGIN, bytes(range(256)) * 5 + bytes(32), 6)
    wrong = {"empty": "", "LF alone": "\n", "two LF": good + "\n\n", "CRLF": good + "\r\n", "LF first": "\n" + good, "space at the end": good + " ", "space at the beginning": " " + good, "two spaces": good.replace(" ", "  ", 1), "tab": good.replace(" ", "\t", 1),
             "two lines": good + "\n" + good, "another label": good.replace("pin-v1", "pin-v2"), "label in upper case": good.replace("indelible", "Indelible"), "no label": good.split(" ", 1)[1], "no log id": f"indelible-pin-v1 {vkey}",
             "no vkey": f"indelible-pin-v1 {log.id}", "a fourth part": good + " x", "log id of 63 digits": good.replace(log.id, log.id[:63]), "log id of 65 digits": good.replace(log.id, log.id + "0"), "log id in upper case": good.replace(log.id, log.id.upper()),
             "log id not hex": good.replace(log.id, "g" + log.id[1:]), "vkey whose id does not fit": good.replace(log.key.id.hex(), "00000000"), "vkey of ML-DSA-44": good.replace(vkey, mldsa), "vkey cut": good[:-1],
             "vkey whose name is no origin": good.replace(vkey, keys.vkey("log.example.org", log.key.public)), "BOM": "\ufeff" + good, "NUL at the end": good + "\0"}
    for name, pin in wrong.items():
        yield {"name": name, "pin": pin, "expect": "invalid"}


def document():
    return {"file": "keys", "spec": "docs/spec/keys.md", "origins": list(origins()), "log_keys": list(derived()), "batch_keys": list(batch_keys()), "vkeys": list(vkeys()), "genesis": list(geneses()), "pins": list(pins())}
