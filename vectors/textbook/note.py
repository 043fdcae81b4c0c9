"""Signed notes and checkpoints (docs/spec/checkpoint.md): writing them, and a second opinion on reading them."""

import base64
import binascii

from textbook import ed25519, head
from textbook.files import b64
from textbook.tree import EMPTY

WHITE_SPACE = set(map(chr, [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]))
ML_DSA_BYTES = 4 + 8 + 2420


def body(origin, size, root):
    return f"{origin}\n{size}\n{b64(root)}\n"


def signature_line(name, key_id, signature):
    return f"— {name} {b64(key_id + signature)}\n"


def signed_line(key, text):
    return signature_line(key.origin, key.id, ed25519.sign(key.seed, text.encode()))


def checkpoint(key, size, root):
    return signed(key.origin, size, root, [key])


def signed(origin, size, root, signers):
    """A checkpoint with a line of each of these keys."""
    text = body(origin, size, root)
    return text + "\n" + "".join(signed_line(key, text) for key in signers)


def canonical_base64(text):
    """The bytes, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if b64(data) == text else None


def parse(data):
    """(text, [(name, bytes)]), or None where malformed."""
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(data) > 256 << 10 or any(char < " " and char != "\n" for char in note) or "\n\n" not in note:
        return None
    text, _, block = note.rpartition("\n\n")
    if not block.endswith("\n"):
        return None
    lines = [signature_of(line) for line in block[:-1].split("\n")]
    if None in lines or len(lines) > 64:
        return None
    if len({(name, signature[:4]) for name, signature in lines}) != len(lines):
        return None
    return text + "\n", lines


def signature_of(line):
    if not line.startswith("— "):
        return None
    name, space, encoded = line[2:].partition(" ")
    signature = canonical_base64(encoded)
    if not name or not space or "+" in name or WHITE_SPACE & set(name) or signature is None or len(signature) < 5:
        return None
    return name, signature


def read_checkpoint(text):
    """(origin, size, root), or None."""
    parts = text.split("\n")
    if len(parts) != 4 or parts[3]:
        return None
    origin, size, root = parts[0], parts[1], canonical_base64(parts[2])
    if not head.is_origin(origin) or not size.isascii() or not size.isdigit() or str(int(size)) != size or int(size) >= 2**63:
        return None
    if root is None or len(root) != 32 or (int(size) == 0 and root != EMPTY):
        return None
    return origin, int(size), root


def verify(text, lines, name, key_id, public):
    for line_name, signature in lines:
        if line_name == name and signature[:4] == key_id:
            return "ok" if ed25519.verify(public, text.encode(), signature[4:]) else "invalid"
    return "no line"


def ml_dsa_lines(origin, lines):
    return sum(name == origin and len(signature) == ML_DSA_BYTES for name, signature in lines)
