"""What lies on a disk under the batches: FORMAT, tail files, slots, register (docs/spec/tail.md). Writes them, right or wrong, and
walks a tail by the page's steps."""

import hashlib
import re

NUMBER = "(?:0|[1-9][0-9]*)"
PATH = r"/(?:[!-$&-~]|%(?:[01][0-9A-F]|2[05]|7F|[89A-F][0-9A-F]))*"
BLOCK = 4096
SLOT_BYTES_MAX = 33_554_432
PLACE_MAX = 33_558_528


def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = list(crc_table())


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def le(number, size):
    return number.to_bytes(size, "little")


def number_at(data, at, size):
    return int.from_bytes(data[at : at + size], "little")


def with_crc(data):
    return data + le(crc32c(data), 4)


def format_text(store, node, origin, tail_size=65536, keys="none", register="none", created="2026-01-02T03:04:05Z", inode=1048577, born="1767323045.060000000", version="v1", incompatible=0, read_only=0):
    lines = [f"indelible-store {version}", f"store {store}", f"node {node}", f"origin {origin}", f"created {created}", "block 4096", f"tail-size {tail_size}", f"incompatible {incompatible}",
             f"read-only {read_only}",
             "volatile no", f"keys {keys}", f"register {register}", f"inode {inode}", f"born {born}"]
    text = "".join(line + "\n" for line in lines)
    return text + f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n"


def file_header(store, number, length, generation, magic=b"INDLTAIL", version=1, block=BLOCK, incompatible=0, read_only=0, padding=b""):
    fields = magic + le(version, 4) + le(block, 4) + le(incompatible, 8) + le(read_only, 8) + store + le(number, 8) + le(length, 8) + generation
    return with_crc(fields + padding + bytes(BLOCK - 4 - len(fields) - len(padding)))


def slot_header(generation, number, content, length=None, crc=None, magic=b"INDLSLOT"):
    fields = magic + generation + le(number, 8) + le(len(content) if length is None else length, 8) + le(crc32c(content) if crc is None else crc, 4)
    return with_crc(fields)


def slot(generation, number, content, **changes):
    """Header, bytes and the zeros to the next block."""
    data = slot_header(generation, number, content, **changes) + content
    return data + bytes(-len(data) % BLOCK)


def register(content, magic=b"INDLREGI", version=1, length=None, incompatible=0, read_only=0):
    return with_crc(magic + le(version, 4) + le(len(content) if length is None else length, 4) + le(incompatible, 8) + le(read_only, 8) + content)


class Refused(Exception):
    """A rule is broken; the argument is the word for it."""


def require(held, word="damaged"):
    if not held:
        raise Refused(word)


FORMAT_LINES = [
    ("store", r"[0-9a-f]{32}"), ("node", r"[0-9a-f]{32}"), ("origin", r"[ -~]{1,200}"), ("created", r"[ -~]{1,64}"), ("block", "4096"), ("tail-size", NUMBER), ("incompatible", NUMBER),
    ("read-only", NUMBER), ("volatile", "yes|no"), ("keys", "none|" + PATH), ("register", "none|" + PATH), ("inode", NUMBER), ("born", "unknown|" + NUMBER + r"\.[0-9]{9}"),
]


def read_format(text):
    """Whether the store is only read: the section "`FORMAT`"."""
    whole = re.fullmatch("(.*\n)sha256 ([0-9a-f]{64})\n", text, re.DOTALL)
    require(whole and hashlib.sha256(whole[1].encode()).hexdigest() == whole[2])
    require(not re.match(r"indelible-store v(?!1\n)(0|[1-9][0-9]*)\n", text), "unsupported")
    pattern = "indelible-store v1\n" + "".join(f"{name} (?:{value})\n" for name, value in FORMAT_LINES)
    require(re.fullmatch(pattern, whole[1]))
    values = dict(line.split(" ", 1) for line in whole[1].splitlines())
    numbers = {name: int(values[name]) for name in ("tail-size", "incompatible", "read-only", "inode")}
    require(max(numbers.values()) < 1 << 64 and numbers["tail-size"] % BLOCK == 0 and 65536 <= numbers["tail-size"] <= 1 << 30)
    require(numbers["incompatible"] == 0, "unsupported")
    return numbers["read-only"] != 0


class TailFile:
    """One tail file, its header judged."""

    def __init__(self, name, data, store):
        require(len(data) >= BLOCK and data[:8] == b"INDLTAIL" and number_at(data, 4092, 4) == crc32c(data[:4092]))
        require(number_at(data, 8, 4) == 1, "unsupported")
        require(number_at(data, 12, 4) == BLOCK)
        require(number_at(data, 16, 8) == 0, "unsupported")
        require(not any(data[96:4092]))
        require(number_at(data, 56, 8) == len(data) and number_at(data, 48, 8) == name and data[32:48] == store)
        self.number, self.data, self.generation, self.read_only = name, data, data[64:96], number_at(data, 24, 8) != 0

    def blocks(self, since=BLOCK):
        return range(since, len(self.data), BLOCK)

    def begins(self, at):
        """nothing, bad, or in order: the header of a block."""
        head = self.data[at : at + 64]
        by_generation = head[8:40] == self.generation
        by_crc = crc32c(head[:8] + self.generation + head[40:60]) == number_at(head, 60, 4)
        if not by_generation and not by_crc:
            return "nothing"
        return "in order" if by_generation and by_crc and head[:8] == b"INDLSLOT" and number_at(head, 48, 8) <= SLOT_BYTES_MAX else "bad"

    def number_in(self, at):
        return number_at(self.data, at + 40, 8)

    def end_of(self, at):
        """Where a slot with a header in order ends, its padding included."""
        return -(-(at + 64 + number_at(self.data, at + 48, 8)) // BLOCK) * BLOCK

    def state(self, at):
        began = self.begins(at)
        if began != "in order":
            return began
        end = self.end_of(at)
        content = self.data[at + 64 : at + 64 + number_at(self.data, at + 48, 8)]
        return "good" if end <= len(self.data) and crc32c(content) == number_at(self.data, at + 56, 4) and not any(self.data[at + 64 + len(content) : end]) else "bad"

    def place(self, at):
        """Where the place of a bad slot ends."""
        if self.begins(at) == "in order" and self.end_of(at) <= len(self.data):
            return self.end_of(at)
        return min(len(self.data), at + PLACE_MAX)

    def is_empty(self):
        return self.begins(BLOCK) == "nothing" and not self.shows(0)

    def shows(self, least, since=BLOCK):
        """Whether a slot header in order with this number or a larger one is there."""
        return any(self.begins(at) == "in order" and self.number_in(at) >= least for at in self.blocks(since))


def walk(files):
    """(the good slots, what comes then): the section "Walking the tail"."""
    started = [at for at, file in enumerate(files) if file.number == 0 or not file.is_empty()]
    if not started:
        return [], {"end": 0}
    at_file, at, n, slots = started[0], BLOCK, 0, []
    if files[at_file].number != 0:
        require(files[at_file].begins(BLOCK) == "in order")
        n = files[at_file].number_in(BLOCK)
    while True:
        file = files[at_file]
        state = file.state(at) if at < len(file.data) else "nothing"
        if state == "nothing":
            found = next_file(files, at_file, at, n)
            if not isinstance(found, int):
                return slots, found
            if files[found].state(BLOCK) != "good" or files[found].number_in(BLOCK) != n:
                return slots, bad(files, found, BLOCK, n)
            at_file, at = found, BLOCK
            continue
        if state == "good" and file.number_in(at) > n:
            return slots, {"missing": n}
        if state == "bad" or file.number_in(at) < n:
            return slots, bad(files, at_file, at, n)
        content = file.data[at + 64 : at + 64 + number_at(file.data, at + 48, 8)]
        slots.append({"number": n, "file": file.number, "offset": at, "len": len(content), "sha256": hashlib.sha256(content).hexdigest()})
        at, n = file.end_of(at), n + 1


def next_file(files, at_file, at, n):
    """Step 4: the index of the file where n is, or bad is, else what the walk ends with."""
    if files[at_file].shows(n + 1, at):
        return {"missing": n}
    for later in range(at_file + 1, len(files)):
        state = files[later].state(BLOCK)
        if state == "bad" or (state == "good" and files[later].number_in(BLOCK) == n):
            return later
        if files[later].shows(n):
            return {"missing": n}
    return {"end": n}


def bad(files, at_file, at, n):
    file = files[at_file]
    later = file.shows(n + 1, at + BLOCK) or any(other.shows(n + 1) for other in files[at_file + 1 :])
    return {"bad": n, "file": file.number, "offset": at, "len": file.place(at) - at, "later": later}
