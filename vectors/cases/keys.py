"""keys.json: origins, derived keys, files of secrets, verifier keys, genesis and `key` events, pins (docs/spec/keys.md)."""

from textbook import ed25519, head, keys, sealed
from textbook.files import b64
from textbook.log import NODE_ORIGIN, ORIGIN, SECRET, STORE, genesis_event, orders

KEY = keys.LogKey(SECRET, ORIGIN)
NODE_KEY = keys.LogKey(SECRET, NODE_ORIGIN)
PEOPLE = [keys.RecoveryKey(f"person-{number}", bytes([0xA0 + number]) * 32) for number in range(9)]
VKEYS = [person.vkey for person in PEOPLE]
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

    def valid(name, event, vkeys, origin=ORIGIN, node_log="ab" * 32, batch_key=None, recovery=keys.NO_RECOVERY):
        found = keys.read_genesis(event)
        assert found and found[:2] == (origin, node_log) and found[2].vkeys == vkeys and (found[2].threshold, found[2].recovery) == recovery, name
        return {"name": name, "event": event, "expect": {"origin": origin, "keys": vkeys, "node_log": node_log, "recovery": recovery_said(*recovery), "batch_key": batch_key}}

    def invalid(name, event):
        assert keys.read_genesis(event) is None, name
        return {"name": name, "event": event, "expect": "invalid"}

    def of(vkeys, recovery=keys.NO_RECOVERY):
        return genesis_event(ORIGIN, vkeys, node_log="ab" * 32, recovery=recovery)

    yield valid("a log's", good, [KEY.vkey])
    yield valid("the node log's", of_node, [NODE_KEY.vkey], NODE_ORIGIN, None, BATCH_KEY.hex())
    yield valid("two keys", of([KEY.vkey, second]), [KEY.vkey, second])
    yield valid("Ed25519 and ML-DSA-44", of([KEY.vkey, mldsa]), [KEY.vkey, mldsa])
    yield valid("ML-DSA-44 first", of([mldsa, KEY.vkey]), [mldsa, KEY.vkey])
    yield valid("a key horizon", good.replace('"key_horizon":0', '"key_horizon":57000000'), [KEY.vkey])
    yield valid("the largest key horizon", good.replace('"key_horizon":0', '"key_horizon":9007199254740991'), [KEY.vkey])
    yield valid("eight keys", of(many[:8]), many[:8])
    yield valid("creator with spaces and punctuation", good.replace("unix:0", "A. N. Other <a@example.org> ~!"), [KEY.vkey])
    for name, recovery in GOOD_RECOVERY:
        yield valid(f"recovery: {name}", of([KEY.vkey], recovery), [KEY.vkey], recovery=recovery)
    for name, recovery in BAD_RECOVERY:
        yield invalid(f"recovery: {name}", of([KEY.vkey], recovery))
    yield valid("recovery of the node log", genesis_event(NODE_ORIGIN, [NODE_KEY.vkey], batch_key=BATCH_KEY.hex(), recovery=(1, VKEYS[:1])), [NODE_KEY.vkey], NODE_ORIGIN, None, BATCH_KEY.hex(), (1, VKEYS[:1]))
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
        "version 2": ('"genesis":1', '"genesis":2'), "version as a string": ('"genesis":1', '"genesis":"1"'), "node log's id of 63 digits": ('"' + "ab" * 32, '"' + "ab" * 31 + "a"), "node log's id in upper case": ("ab" * 32, "AB" * 32),
        "a recovery threshold": ('"threshold":0', '"threshold":1'), "recovery keys": ('"threshold":0,"keys":[]', f'"threshold":0,"keys":["{KEY.vkey}"]'), "recovery null": ('{"threshold":0,"keys":[]}', "null"), "node of 31 digits": ('"node":"00', '"node":"0'),
        "store in upper case": ("1a1b1c1d1e1f", "1A1B1C1D1E1F"), "a limit as a string": ('"event_bytes":1048576', '"event_bytes":"1048576"'), "a limit with a leading zero": ('"event_bytes":1048576', '"event_bytes":01048576'),
        "a negative limit": ('"event_bytes":1048576', '"event_bytes":-1'), "a second limit": ('"event_bytes":1048576', '"event_bytes":1048576,"x":1'), "no limit": ('"event_bytes":1048576', ""), "retention": ('"retention":null', '"retention":"1y"'),
        "a key horizon as a string": ('"key_horizon":0', '"key_horizon":"0"'), "a key horizon with a leading zero": ('"key_horizon":0', '"key_horizon":01'), "a key horizon beyond 2^53 - 1": ('"key_horizon":0', '"key_horizon":9007199254740992'), "another clock rule": ('"ahead_ms":1000', '"ahead_ms":2000'), "another drift": ('"drift_ppm":500', '"drift_ppm":501'), "another start rule": ('"start_days":30', '"start_days":31'),
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


def recovery_said(threshold, vkeys):
    return {"threshold": threshold, "keys": vkeys}


def strange(name, public=PEOPLE[0].public, kind=1):
    return keys.vkey(name, public, kind)


GOOD_RECOVERY = [("one of one", (1, VKEYS[:1])), ("two of three", (2, VKEYS[:3])), ("three of three", (3, VKEYS[:3])), ("eight of eight", (8, VKEYS[:8])), ("not in the order of names", (1, [VKEYS[1], VKEYS[0]])),
                 ("names of every sort", (1, [strange("a"), strange("0._-", PEOPLE[1].public), strange("z" * 64, PEOPLE[2].public)])), ("two keys of one name", (2, [strange("a"), strange("a", PEOPLE[1].public)]))]
BAD_RECOVERY = [("threshold 0 with keys", (0, VKEYS[:2])), ("threshold 1 without keys", (1, [])), ("threshold above the number of keys", (3, VKEYS[:2])), ("nine keys", (1, VKEYS)), ("threshold 10", (10, VKEYS[:8])), ("threshold with a leading zero", ("01", VKEYS[:1])),
                ("negative threshold", (-1, VKEYS[:1])), ("threshold as a string", ('"1"', VKEYS[:1])), ("threshold null", ("null", [])), ("a key twice", (1, [VKEYS[0], VKEYS[0]])), ("a key twice under two names", (2, [strange("a"), strange("b")])),
                ("a key of type 0x06", (1, [keys.vkey("a", bytes(1312), 6)])), ("a key of another type", (1, [strange("a", kind=4)])), ("a key whose id does not fit", (1, [VKEYS[0].replace(PEOPLE[0].id.hex(), "00000000")])), ("an empty string", (1, [""])),
                ("the log's own key", (1, [KEY.vkey])), ("a key of another log", (1, [NODE_KEY.vkey])), ("a name of 65 characters", (1, [strange("a" * 65)])), ("a name in upper case", (1, [strange("Alice")])), ("a name that begins with a point", (1, [strange(".a")])),
                ("a name with a space", (1, [strange("a b")])), ("a name with a slash", (1, [strange("a/b")])), ("a name beyond ASCII", (1, [strange("zoë")])), ("a name with LF", (1, [strange("a\n")])), ("a name with an escape", (1, [strange("a\\u0062")])), ("one right key and one wrong", (1, [VKEYS[0], KEY.vkey]))]


def key_events():
    second = keys.LogKey(b"\xff" * 32, ORIGIN)
    node_second = keys.LogKey(b"\xff" * 32, NODE_ORIGIN)
    mldsa = keys.vkey(ORIGIN, bytes(range(256)) * 5 + bytes(32), 6)
    many = [keys.vkey(ORIGIN, ed25519.public_key(bytes([number]) * 32)) for number in range(9)]
    good = keys.key_event("rotation", 1, [second.vkey])

    def valid(name, word="rotation", generation=1, vkeys=None, recovery=keys.NO_RECOVERY, batch_key=None, origin=ORIGIN):
        vkeys = vkeys or [second.vkey]
        event = keys.key_event(word, generation, vkeys, recovery, batch_key)
        found = keys.read_key_event(origin, event)
        assert found and found[:2] == (word, generation) and found[2].vkeys == vkeys and (found[2].threshold, found[2].recovery) == recovery, name
        return {"name": name, "origin": origin, "event": event, "expect": {"key": word, "generation": generation, "keys": vkeys, "recovery": recovery_said(*recovery), "batch_key": batch_key}}

    def invalid(name, event, origin=ORIGIN):
        assert keys.read_key_event(origin, event) is None, name
        return {"name": name, "origin": origin, "event": event, "expect": "invalid"}

    yield valid("rotation")
    yield valid("recovery", "recovery")
    yield valid("generation 2^53 − 1", generation=2**53 - 1)
    yield valid("two keys", vkeys=[second.vkey, KEY.vkey])
    yield valid("Ed25519 and ML-DSA-44", vkeys=[second.vkey, mldsa])
    yield valid("ML-DSA-44 first", vkeys=[mldsa, second.vkey])
    yield valid("eight keys", vkeys=many[:8])
    yield valid("rotation of the node log", vkeys=[node_second.vkey], batch_key="ba" * 32, origin=NODE_ORIGIN)
    yield valid("recovery of the node log", "recovery", 7, [node_second.vkey], (1, VKEYS[:1]), "ba" * 32, NODE_ORIGIN)
    for name, recovery in GOOD_RECOVERY:
        yield valid(f"recovery: {name}", recovery=recovery)
    for name, recovery in BAD_RECOVERY:
        yield invalid(f"recovery: {name}", keys.key_event("rotation", 1, [second.vkey], recovery))
    for name, vkeys in [("no keys", []), ("nine keys", many), ("ML-DSA-44 alone", [mldsa]), ("a key of another origin", [node_second.vkey]), ("a second key of another origin", [second.vkey, NODE_KEY.vkey]), ("a key whose id does not fit", [second.vkey.replace(second.id.hex(), "00000000")]),
                        ("a key of another type", [keys.vkey(ORIGIN, second.public, 4)]), ("a recovery key among the keys", [second.vkey, VKEYS[0]])]:
        yield invalid(name, keys.key_event("rotation", 1, vkeys))
    yield invalid("batch key outside the node log", keys.key_event("rotation", 1, [second.vkey], batch_key="ba" * 32))
    yield invalid("no batch key in the node log", keys.key_event("rotation", 1, [node_second.vkey]), NODE_ORIGIN)
    changes = {
        "another word": ('"key":"rotation"', '"key":"rotate"'), "word in upper case": ('"rotation"', '"Rotation"'), "word as an integer": ('"key":"rotation"', '"key":0'), "no word": ('"key":"rotation",', ""), "generation 0": ('"generation":1', '"generation":0'), "generation 2^53": ('"generation":1', '"generation":9007199254740992'),
        "generation with a leading zero": ('"generation":1', '"generation":01'), "generation as a string": ('"generation":1', '"generation":"1"'), "negative generation": ('"generation":1', '"generation":-1'), "no generation": ('"generation":1,', ""), "no recovery": (',"recovery":{"threshold":0,"keys":[]}', ""), "recovery null": ('{"threshold":0,"keys":[]}', "null"),
        "recovery's members exchanged": ('{"threshold":0,"keys":[]}', '{"keys":[],"threshold":0}'), "no batch key": (',"batch_key":null', ""), "batch key of 63 digits": ("null", '"' + "b" * 63 + '"'), "batch key in upper case": ("null", '"' + "BA" * 32 + '"'), "unknown member last": ('null}', 'null,"x":1}'), "unknown member first": ('{"key"', '{"x":1,"key"'),
        "white space": (',"generation"', ', "generation"'), "LF at the end": ("null}", "null}\n"), "cut short": ("null}", "null"), "something after": ("null}", "null}}"), "two members exchanged": ('"key":"rotation","generation":1', '"generation":1,"key":"rotation"'), "a member twice": ('"generation":1', '"generation":1,"generation":1'),
        "a name with an escape": ('"generation"', '"\\u0067eneration"'), "a key with an escape": ("log.example", "log\\u002eexample"), "origin named as in a genesis": ('"generation":1', f'"origin":"{ORIGIN}","generation":1'),
    }
    for name, (old, new) in changes.items():
        assert good.count(old) == 1, (name, good.count(old))
        yield invalid(name, good.replace(old, new))
    yield invalid("a genesis", genesis_event(ORIGIN, [second.vkey], node_log="ab" * 32))
    yield invalid("empty", "")
    yield invalid("empty object", "{}")


def files(reader, said, good, wrong):
    """Of one-line files: the good ones with what they say, and the wrong ones."""
    for name, text in good.items():
        assert reader(text), name
        yield {"name": name, "file": text, "expect": said(*reader(text))}
    for name, text in wrong.items():
        assert reader(text) is None, name
        yield {"name": name, "file": text, "expect": "invalid"}


def wrong_files(good, label, second, last):
    """Ways in which a line of three parts is none."""
    return {"empty": "", "two LF": good + "\n", "CRLF": good[:-1] + "\r\n", "space at the end": good[:-1] + " \n", "space at the beginning": " " + good, "two spaces": good.replace(" ", "  ", 1), "tab": good.replace(" ", "\t", 1), "two lines": good * 2, "BOM": "\ufeff" + good,
            "another label": good.replace("-v1", "-v2"), "no label": good[len(label) + 1 :], f"no {second}": good.replace(good.split(" ")[1] + " ", ""), f"no {last}": " ".join(good.split(" ")[:2]) + "\n", f"{last} of 63 digits": good[:-2] + "\n", f"{last} of 65 digits": good[:-1] + "0\n",
            f"{last} in upper case": good[:-3] + "AB\n", f"{last} not hex": good[:-2] + "g\n", "a fourth part": good[:-1] + " x\n", "zeros": "\0" * len(good)}


def node_secrets():
    good = f"indelible-node-secret-v1 0 {SECRET.hex()}\n"
    wrong = wrong_files(good, "indelible-node-secret-v1", "generation", "secret")
    wrong |= {"generation with a leading zero": good.replace(" 0 ", " 01 "), "generation 00": good.replace(" 0 ", " 00 "), "negative generation": good.replace(" 0 ", " -1 "), "generation with a sign": good.replace(" 0 ", " +1 "), "generation in hex": good.replace(" 0 ", " 0x1 "),
              "generation 2^53": good.replace(" 0 ", " 9007199254740992 "), "generation 2^64": good.replace(" 0 ", " 18446744073709551616 "), "a recovery key's file": PEOPLE[0].file}
    yield from files(keys.read_node_secret, lambda generation, secret: {"generation": generation, "secret": secret.hex()},
                     {"generation 0": good, "no LF": good[:-1], "generation 1": good.replace(" 0 ", " 1 "), "generation 10": good.replace(" 0 ", " 10 "), "generation 2^53 − 1": good.replace(" 0 ", " 9007199254740991 "), "a secret of zeros": good.replace(SECRET.hex(), "0" * 64)}, wrong)


def sealed_secrets():
    """Secrets under a passphrase, at costs that pure Python can pay: a file names its own."""
    sealed.check_examples()
    salt, nonce = bytes(range(0x50, 0x60)), bytes(range(0x60, 0x78))
    phrase = b"correct horse battery staple"

    def case(name, text, passphrase, secret):
        read = sealed.read(text)
        assert sealed.open_file(text, passphrase) == secret, name
        expect = {"generation": read[1], "cost": read[2], "secret": secret.hex() if secret else "refused"}
        return {"name": name, "file": text, "passphrase": passphrase.hex(), "expect": expect}

    def made(generation=0, cost=(32, 1, 1), passphrase=phrase, secret=SECRET, salt=salt, nonce=nonce):
        return sealed.file(generation, secret, passphrase, cost, salt, nonce)

    good = made(3, (64, 3, 4))
    yield case("three passes, four lanes", good, phrase, SECRET)
    yield case("no LF", good[:-1], phrase, SECRET)
    for name, generation, cost in (("one pass, one lane", 0, (32, 1, 1)), ("the least memory there can be", 1, (8, 1, 1)), ("memory that the lanes do not share evenly", 2, (75, 2, 3)), ("more than one block of addresses", 2**53 - 1, (1100, 1, 2))):
        yield case(name, made(generation, cost), phrase, SECRET)
    for name, passphrase in (("an empty passphrase", b""), ("a passphrase beyond ASCII", "Größe 日本".encode()), ("a passphrase of 200 bytes", b"p" * 200), ("a passphrase that is no UTF-8", b"\xff\0\xfe")):
        yield case(name, made(passphrase=passphrase), passphrase, SECRET)
    yield case("a secret of zeros under zeros", made(secret=bytes(32), salt=bytes(16), nonce=bytes(24)), phrase, bytes(32))
    plain = made()
    yield case("another passphrase", plain, phrase + b"r", None)
    yield case("the passphrase and LF", plain, phrase + b"\n", None)
    parts = plain.split(" ")
    for name, at, other in (("another generation", 1, "1"), ("another memory", 3, "33"), ("another number of passes", 4, "2"), ("another salt", 6, parts[6].replace("5", "6", 1)), ("another nonce", 7, parts[7].replace("6", "7", 1)),
                            ("another byte of the sealed secret", 8, ("1" if parts[8][0] == "0" else "0") + parts[8][1:]), ("another byte of the tag", 8, parts[8][:-2] + ("1" if parts[8][-2] == "0" else "0") + "\n")):
        yield case(name, " ".join(parts[:at] + [other] + parts[at + 1 :]), phrase, None)
    for name, at, other in (("no passes", 4, "0"), ("no lanes", 5, "0"), ("less memory than the lanes take", 3, "7")):
        yield case(name, " ".join(parts[:at] + [other] + parts[at + 1 :]), phrase, None)
    wrong = {"memory over 1 GiB": (3, "1048577"), "65 passes": (4, "65"), "17 lanes": (5, "17"), "memory with a leading zero": (3, "032"), "negative passes": (4, "-1"), "another method": (2, "argon2i"), "the method in upper case": (2, "ARGON2ID"), "a salt of 31 digits": (6, parts[6][1:]),
             "a salt in upper case": (6, parts[6].replace("a", "A")), "a nonce of 24 digits": (7, parts[7][:24]), "no tag": (8, parts[8][:64] + "\n"), "a fourth number": (5, "1 1"), "generation 2^53": (1, "9007199254740992"), "another label": (0, "indelible-node-secret-v2"), "two LF": (8, parts[8] + "\n")}
    for name, (at, other) in wrong.items():
        text = " ".join(parts[:at] + [other] + parts[at + 1 :])
        assert text != plain and sealed.read(text) is None, name
        yield {"name": name, "file": text, "passphrase": phrase.hex(), "expect": "invalid"}


def recovery_keys():
    good = PEOPLE[0].file
    name = PEOPLE[0].origin
    wrong = wrong_files(good, "indelible-recovery-key-v1", "name", "seed")
    for made in ("Alice", ".a", "-a", "_a", "a/b", "a+b", "zoë", "a" * 65, "a:b", "a@b"):
        wrong[f"name {made}"] = good.replace(name, made)
    wrong["a node secret's file"] = f"indelible-node-secret-v1 0 {SECRET.hex()}\n"

    def said(name, seed):
        key = keys.RecoveryKey(name, seed)
        return {"name": name, "seed": seed.hex(), "public": key.public.hex(), "vkey": key.vkey}

    yield from files(keys.read_recovery_key, said, {"good": good, "no LF": good[:-1], "another": PEOPLE[1].file} | {f"name {made}": good.replace(name, made) for made in ("a", "0", "a._-", "z" * 64)}, wrong)


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
    return {"file": "keys", "spec": "docs/spec/keys.md", "origins": list(origins()), "log_keys": list(derived()), "batch_keys": list(batch_keys()), "node_secrets": list(node_secrets()), "sealed_secrets": list(sealed_secrets()), "recovery_keys": list(recovery_keys()), "vkeys": list(vkeys()), "genesis": list(geneses()),
            "key_events": list(key_events()), "pins": list(pins())}
