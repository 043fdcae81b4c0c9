"""C2SP tlog-tiles as docs/spec/tiles.md has it: which tiles a tree has, their paths and bytes."""

import re

PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def height(level):
    """Each hash is a root over 2^height leaves."""
    return 0 if level == "entries" else 8 * level


def path(level, index, width):
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else "")


def parse(text):
    """(level, index, width), or None."""
    found = PATH.fullmatch(text)
    if not found or not text.isascii():
        return None
    level = found[1] if found[1] == "entries" else int(found[1])
    index, width = int(found[2].replace("x", "").replace("/", "")), int(found[3] or 256)
    least = 256 * index + width << height(level)
    return (level, index, width) if path(level, index, width) == text and least < 2**63 else None


def tiles(size, before=0):
    """[(level, index, width)] of the tree of this size that the tree before hadn't."""
    levels = ["entries", *range(8)] if size else []
    return [
        (level, index, min(256, (size >> height(level)) - 256 * index))
        for level in levels
        if size >> height(level) > before >> height(level)
        for index in range((before >> height(level)) // 256, ((size >> height(level)) + 255) // 256)
    ]


def bundle(entries):
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_bundle(data, width):
    """The entries, or None."""
    entries = []
    while data:
        length = int.from_bytes(data[:2], "big")
        if len(data) < 2 + length or length != 32:
            return None
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries if len(entries) == width else None
