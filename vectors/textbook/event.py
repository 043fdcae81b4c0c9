"""A second opinion on the event profile (docs/spec/event.md).

The expectations in cases/event.py are authored by hand; this reader only has to agree with them. It is recursive, reads
one byte at a time, and compares numbers as exact fractions.
"""

import re
from fractions import Fraction

WHITE = b" \t\n\r"
DEFAULT_LIMIT = 1 << 20
# Half way between the largest binary64 and 2^1024: from here on round-to-even gives infinity.
FIRST_INFINITE = Fraction(2**1024 - 2**970)
NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

PLAIN = re.compile(rb"[ !#-\[\]-~]*")


class Refused(Exception):
    pass


class Reader:
    def __init__(self, data, limit, stored):
        self.data, self.limit, self.stored = data, limit, stored
        self.at, self.kept = 0, bytearray()

    def peek(self):
        if self.at == len(self.data):
            raise Refused("unexpected-end")
        return self.data[self.at]

    def keep(self):
        if len(self.kept) == self.limit:
            raise Refused("too-large")
        self.kept.append(self.data[self.at])
        self.at += 1

    def skip(self):
        while self.at < len(self.data) and self.data[self.at] in WHITE:
            if self.stored:
                raise Refused("not-minified")
            self.at += 1

    def token(self, allowed):
        """Skips white space and takes one of the allowed bytes."""
        self.skip()
        byte = self.peek()
        if byte not in allowed:
            raise Refused("unexpected-character")
        self.keep()
        return byte

    def event(self):
        if self.data.startswith(b"\xef\xbb\xbf"):
            raise Refused("bom")
        self.skip()
        if self.peek() != ord("{"):
            raise Refused("not-an-object")
        self.value(1)
        self.skip()
        if self.at != len(self.data):
            raise Refused("trailing-data")
        return bytes(self.kept)

    def value(self, depth):
        self.skip()
        byte = self.peek()
        if byte in b"{[":
            if depth > 64:
                raise Refused("too-deep")
            self.keep()
            self.object(depth) if byte == ord("{") else self.array(depth)
        elif byte == ord('"'):
            self.string(False)
        elif byte in b"-0123456789":
            self.number()
        elif byte in b"tfn":
            self.literal({ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}[byte])
        else:
            raise Refused("unexpected-character")

    def object(self, depth):
        names = []
        self.skip()
        if self.peek() == ord("}"):
            return self.keep()
        while True:
            self.skip()
            if self.peek() != ord('"'):
                raise Refused("unexpected-character")
            if len(names) == 10_000:
                raise Refused("too-many-members")
            names.append(self.string(True))
            self.token(b":")
            self.value(depth + 1)
            if self.token(b",}") == ord("}"):
                if len(set(names)) != len(names):
                    raise Refused("duplicate-name")
                return

    def array(self, depth):
        self.skip()
        if self.peek() == ord("]"):
            return self.keep()
        while True:
            self.value(depth + 1)
            if self.token(b",]") == ord("]"):
                return

    def literal(self, word):
        for byte in word:
            if self.peek() != byte:
                raise Refused("unexpected-character")
            self.keep()

    def number(self):
        start = self.at
        while self.at < len(self.data) and self.data[self.at] in b"0123456789+-.eE":
            self.keep()
        run = self.data[start : self.at]
        if not NUMBER.fullmatch(run):
            raise Refused("bad-number")
        if len(run) > 128:
            raise Refused("number-too-long")
        if infinite(run.decode()):
            raise Refused("number-out-of-range")

    def string(self, is_name):
        self.keep()
        text = []
        while True:
            # Only so that 16 MiB of letters don't take a minute: bytes that no rule but the size looks at.
            plain = PLAIN.match(self.data, self.at, self.at + self.limit - len(self.kept)).group()
            self.kept += plain
            self.at += len(plain)
            text += plain
            byte = self.peek()
            if byte == ord('"'):
                self.keep()
                return tuple(text)
            if byte < 0x20:
                raise Refused("control-character")
            point = self.escape() if byte == ord("\\") else self.character()
            if is_name and point == 0:
                raise Refused("nul-in-name")
            text.append(point)

    def character(self):
        lead = self.data[self.at]
        length = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        try:
            point = ord(self.data[self.at : self.at + length].decode("utf-8", "strict"))
        except (UnicodeDecodeError, TypeError):
            raise Refused("invalid-utf8") from None
        for _ in range(length):
            self.keep()
        return point

    def escape(self):
        self.keep()
        byte = self.peek()
        plain = dict(zip(b'"\\/bfnrt', b'"\\/\x08\x0c\n\r\t'))
        if byte in plain:
            self.keep()
            return plain[byte]
        if byte != ord("u"):
            raise Refused("bad-escape")
        unit = self.unit()
        if 0xDC00 <= unit <= 0xDFFF:
            raise Refused("lone-surrogate")
        if 0xD800 <= unit <= 0xDBFF:
            return self.low_surrogate(unit)
        return unit

    def unit(self):
        """Takes `u` and four hex digits."""
        self.keep()
        digits = b""
        for _ in range(4):
            if self.peek() not in b"0123456789abcdefABCDEF":
                raise Refused("bad-escape")
            digits += bytes([self.peek()])
            self.keep()
        return int(digits, 16)

    def low_surrogate(self, high):
        follow = self.data[self.at : self.at + 6]
        if not re.fullmatch(rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}", follow):
            raise Refused("lone-surrogate")
        for _ in range(6):
            self.keep()
        return 0x10000 + ((high - 0xD800) << 10) + (int(follow[2:], 16) - 0xDC00)


def infinite(text):
    mantissa, _, exponent = text.lower().lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits, scale = int(whole + fraction), int(exponent or "0") - len(fraction)
    # 128 characters can't move the border by more than 128 decimal places.
    if digits == 0 or scale < -1000:
        return False
    return scale > 1000 or digits * Fraction(10) ** scale >= FIRST_INFINITE


def judge(data, limit=DEFAULT_LIMIT, stored=False):
    """Gives ("minified", bytes) or ("refuse", reason)."""
    try:
        return "minified", Reader(data, limit, stored).event()
    except Refused as refused:
        return "refuse", refused.args[0]
