"""Witnesses and trust files (docs/spec/trust.md): what they sign and how the files are put together."""

from textbook import ed25519, keys, note
from textbook.files import b64
from textbook.tree import sha256


class Witness:
    def __init__(self, number):
        self.name = f"witness.example/{number}"
        self.seed = sha256(f"witness {number}".encode())
        self.public = ed25519.public_key(self.seed)
        self.id = keys.key_id(self.name, self.public, 4)
        self.vkey = f"{self.name}+{self.id.hex()}+{b64(bytes([4]) + self.public)}"

    def cosign(self, checkpoint, time, signed_time=None, text=None):
        """The line that it adds to a note, over its text."""
        body = checkpoint.rpartition("\n\n")[0] + "\n" if text is None else text
        message = f"cosignature/v1\ntime {time if signed_time is None else signed_time}\n{body}"
        return note.signature_line(self.name, self.id, time.to_bytes(8, "big") + ed25519.sign(self.seed, message.encode()))


def trust_file(pin, signatures="ed25519", policy=None):
    return f"indelible-trust-v1\n{pin}\nsignatures {signatures}\n" + ("" if policy is None else "\n" + policy)
