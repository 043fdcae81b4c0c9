"""Keys of docs/spec/keys.md: derivation, key ids, verifier keys."""

import hashlib
import hmac

from textbook import ed25519
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
