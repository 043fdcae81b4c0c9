"""Keys of docs/spec/keys.md: derivation, key ids, verifier keys, key sets and who signs a hinge, files of secrets."""

import hashlib
import hmac
import re

from textbook import ed25519, head, note
from textbook.files import b64

ED25519, ML_DSA_44 = 1, 6


def hkdf(secret, info):
    """RFC 5869 with SHA-256, no salt, 32 bytes: one round of each step."""
    key = hmac.digest(b"\0" * 32, secret, "sha256")
    return hmac.digest(key, info + b"\1", "sha256")


def log_seed(secret, origin, kind=ED25519):
    name = origin.encode()
    return hkdf(secret, b"indelible log key v1\n" + len(name).to_bytes(4, "big") + name + bytes([kind]))


def batch_seed(secret, store):
    return hkdf(secret, b"indelible batch key v1\n" + store + b"\1")


def key_id(name, public, kind=ED25519):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def vkey(name, public, kind=ED25519):
    return f"{name}+{key_id(name, public, kind).hex()}+{b64(bytes([kind]) + public)}"


class LogKey:
    """The Ed25519 key of one log."""

    def __init__(self, secret, origin):
        self.origin, self.seed = origin, log_seed(secret, origin)
        self.public = ed25519.public_key(self.seed)
        self.id = key_id(origin, self.public)
        self.vkey = vkey(origin, self.public)


class RecoveryKey:
    """The key of a person, by the name and seed in its file."""

    def __init__(self, name, seed):
        self.origin, self.seed = name, seed
        self.public = ed25519.public_key(seed)
        self.id = key_id(name, self.public)
        self.vkey = vkey(name, self.public)
        self.file = f"indelible-recovery-key-v1 {name} {seed.hex()}\n"


RECOVERY_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,63}")


def read_recovery_key(text):
    """(name, seed), or None."""
    found = re.fullmatch(f"indelible-recovery-key-v1 ({RECOVERY_NAME.pattern}) ([0-9a-f]{{64}})\n?", text)
    return found and (found[1], bytes.fromhex(found[2]))


def read_node_secret(text):
    """(generation, secret) of the plain form, or None."""
    found = re.fullmatch("indelible-node-secret-v1 (0|[1-9][0-9]*) ([0-9a-f]{64})\n?", text)
    return (int(found[1]), bytes.fromhex(found[2])) if found and int(found[1]) < 2**53 else None


def read_vkey(text):
    """(name, type, public key), or None."""
    name, _, rest = text.partition("+")
    _, _, encoded = rest.partition("+")
    material = note.canonical_base64(encoded)
    if not name or not material or re.search("[\ud800-\udfff]", name) or len(material) - 1 != {ED25519: 32, ML_DSA_44: 1312}.get(material[0]):
        return None
    return (name, material[0], material[1:]) if vkey(name, material[1:], material[0]) == text else None


def listed(vkeys):
    return "[" + ",".join(f'"{text}"' for text in vkeys) + "]"


def recovery_member(threshold, vkeys):
    return f'{{"threshold":{threshold},"keys":{listed(vkeys)}}}'


NO_RECOVERY = (0, [])


def key_event(word, generation, vkeys, recovery=NO_RECOVERY, batch_key=None):
    batch = "null" if batch_key is None else f'"{batch_key}"'
    return f'{{"key":"{word}","generation":{generation},"keys":{listed(vkeys)},"recovery":{recovery_member(*recovery)},"batch_key":{batch}}}'


def read_list(text):
    """The strings of a list as `listed` writes it, or None."""
    texts = [] if text == "[]" else text[2:-2].split('","')
    return texts if listed(texts) == text and not any(char in item for item in texts for char in '"\\') else None


class KeySet:
    """What one record says of a log's keys: its vkeys, and threshold and vkeys of recovery."""

    def __init__(self, vkeys, threshold, recovery, batch_key):
        self.vkeys, self.threshold, self.recovery, self.batch_key = vkeys, threshold, recovery, batch_key

    def signers(self):
        return [(name, public) for name, kind, public in map(read_vkey, self.vkeys) if kind == ED25519]

    def recoverers(self):
        return [(name, public) for name, _, public in map(read_vkey, self.recovery)]


def read_key_set(origin, keys_text, threshold, recovery_text, batch_key):
    """The members that genesis and `key` events share, or None. `batch_key` is None where the event has null."""
    vkeys, recovery = read_list(keys_text), read_list(recovery_text)
    if vkeys is None or recovery is None or not 1 <= len(vkeys) <= 8 or len(recovery) > 8:
        return None
    own, people = [read_vkey(text) for text in vkeys], [read_vkey(text) for text in recovery]
    if None in own or None in people or {name for name, _, _ in own} != {origin} or ED25519 not in {kind for _, kind, _ in own}:
        return None
    if not all(kind == ED25519 and RECOVERY_NAME.fullmatch(name) for name, kind, _ in people) or len({public for _, _, public in people}) != len(people):
        return None
    if not (1 <= threshold <= len(people) or threshold == len(people) == 0) or (batch_key is not None) != (head.log_name(origin) == "_node"):
        return None
    return KeySet(vkeys, threshold, recovery, batch_key)


SHARED = r'"keys":(\[[^\]]*\]),"recovery":\{"threshold":(0|[1-9][0-9]*),"keys":(\[[^\]]*\])\},"batch_key":(?:null|"([0-9a-f]{64})")'
GENESIS = re.compile(r'\{"genesis":1,"origin":"([^"]*)","node_log":(?:null|"([0-9a-f]{64})"),' + SHARED + r',"node":"[0-9a-f]{32}","store":"[0-9a-f]{32}","limits":\{"event_bytes":(0|[1-9][0-9]*)\}'
                     r',"retention":null,"key_horizon":(0|[1-9][0-9]*),"clock":\{"ahead_ms":1000,"drift_ppm":500,"start_days":30\},"witness_policy":null,"predecessor":null'
                     r',"creator":"[ !#-\[\]-~]*","software":"[ !#-\[\]-~]*"\}')
KEY_EVENT = re.compile(r'\{"key":"(rotation|recovery)","generation":([1-9][0-9]*),' + SHARED + r"\}")


def read_genesis(event):
    """(origin, node log's id, KeySet), or None."""
    found = GENESIS.fullmatch(event)
    if not found or not head.is_origin(found[1]) or max(int(found[7]), int(found[8])) >= 2**53 or (found[2] is None) != (head.log_name(found[1]) == "_node"):
        return None
    keys = read_key_set(found[1], found[3], int(found[4]), found[5], found[6])
    return keys and (found[1], found[2], keys)


def read_key_event(origin, event):
    """(word, generation, KeySet), or None."""
    found = KEY_EVENT.fullmatch(event)
    keys = found and int(found[2]) < 2**53 and read_key_set(origin, found[3], int(found[4]), found[5], found[6])
    return (found[1], int(found[2]), keys) if keys else None


def is_hinge(text, lines, word, before, after):
    """Whether a note of that text and those lines, the size being right, ends one set and brings the next."""
    def judged(signers):
        return [note.verify(text, lines, name, key_id(name, public), public) for name, public in signers]

    new, old, people = judged(after.signers()), judged(before.signers()), judged(before.recoverers())
    if set(new) != {"ok"}:
        return False
    if word == "rotation":
        same = (before.threshold, before.recovery) == (after.threshold, after.recovery)
        return set(old) == {"ok"} and (same or before.threshold == 0)
    return "invalid" not in people and people.count("ok") >= before.threshold >= 1
