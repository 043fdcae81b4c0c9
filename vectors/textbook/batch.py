"""Batches (docs/spec/batch.md): header, signature, rows, notes, frames with codec 0. Writes them, right or wrong, and judges them
by the page."""

from textbook import ed25519, note
from textbook.disk import Refused, crc32c, le, require
from textbook.tree import Tree, sha256

LABEL = b"indelible batch v1\n"
OWN = [b',"' + name + b'":' for name in (b"occurred", b"src", b"key", b"psig", b"digest")]


def be(number, size):
    return number.to_bytes(size, "big")


def big_at(data, at, size):
    return int.from_bytes(data[at : at + size], "big")


def varint(number):
    data = b""
    while number > 127:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


def seconds_and_nanos(time):
    """Of a head's time: days counted by hand from 1970."""
    year, month, day = int(time[:4]), int(time[5:7]), int(time[8:10])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = sum(365 + (at % 4 == 0 and (at % 100 != 0 or at % 400 == 0)) for at in range(1970, year))
    days += sum([31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][: month - 1]) + day - 1
    return days * 86400 + int(time[11:13]) * 3600 + int(time[14:16]) * 60 + int(time[17:19]), int(time[20:29])


def time_text(seconds, nanos):
    year, days = 1970, seconds // 86400
    while days >= (length := 365 + (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))):
        days, year = days - length, year + 1
    months = [31, length - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    month = 0
    while days >= months[month]:
        days, month = days - months[month], month + 1
    rest = seconds % 86400
    return f"{year:04d}-{month + 1:02d}-{days + 1:02d}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}.{nanos:09d}Z"


def time_of(record):
    return record.head.split('"time":"')[1][:30]


def parted(record):
    """(shared, own, digest) of a record's head."""
    data = record.head.encode()
    start, end = data.index(b'"kind":'), data.index(b',"digest":')
    cut = min(data.index(name) for name in OWN if name in data)
    return data[start:cut], data[cut:end], bytes.fromhex(record.head.split('"digest":"')[1][:64])


def columns(records, gone=()):
    """Column 1 to 7, each as bytes; `gone` are the places in the frame whose event isn't here."""
    times = [seconds_and_nanos(time_of(record)) for record in records]
    nanos = [seconds * 10**9 + part for seconds, part in times]
    shared = list(dict.fromkeys(parted(record)[0] for record in records))
    present = [record for at, record in enumerate(records) if at not in gone]
    bits = sum(1 << at for at in range(len(records)) if at not in gone)
    own = [parted(record)[1] for record in records]
    return [le(times[0][0], 8) + le(times[0][1], 4) + b"".join(varint(after - before) for before, after in zip(nanos, nanos[1:])),
            varint(len(shared)) + b"".join(varint(len(text)) + text for text in shared) + (bytes(shared.index(parted(record)[0]) for record in records) if len(shared) > 1 else b""),
            b"".join(varint(len(text)) for text in own) + b"".join(own),
            le(bits, (len(records) + 7) // 8),
            b"".join(varint(len(record.event.encode())) for record in present) + b"".join(record.event.encode() for record in present),
            b"".join(bytes.fromhex(record.salt) for record in present),
            b"".join(parted(record)[2] for at, record in enumerate(records) if at in gone)]


def frame_of(raw, count, first, codec=0, zero=0, raw_len=None, stored_len=None, crc=0):
    size = len(raw)
    fields = bytes([codec, zero]) + le(count, 2) + le(size if raw_len is None else raw_len, 4) + le(size if stored_len is None else stored_len, 4) + le(first, 8)
    return fields + le(crc32c(fields + raw) ^ crc, 4) + raw


def frame(records, first, gone=(), **changes):
    return frame_of(b"".join(columns(records, gone)), len(records), first, **changes)


def row(log, first, count, root, size=None, zero=0):
    return log + be(first, 8) + be(count, 4) + be(zero, 4) + be(first + count if size is None else size, 8) + root


def rows_root(rows):
    tree = Tree(rows)  # Its leaf is SHA-256(0x00 ‖ data), whatever the data.
    return tree.root(0, len(rows))


def framed_notes(notes):
    return b"".join(be(len(text.encode()), 4) + text.encode() for text in notes)


def header(store, number, rows, notes, before, time, epoch=1, writer=b"w" * 16, version=1, flags=0, magic=b"INDLBTCH", row_count=None, notes_len=None, root=None, notes_digest=None, zero=0):
    seconds, nanos = time
    return (magic + be(version, 4) + be(flags, 4) + store + be(number, 8) + be(epoch, 8) + writer + be(len(rows) if row_count is None else row_count, 4) + be(len(notes) if notes_len is None else notes_len, 4)
            + before + (rows_root(rows) if root is None else root) + (sha256(notes) if notes_digest is None else notes_digest) + be(seconds, 8) + be(nanos, 4) + be(zero, 4))


def digest(head_bytes):
    return sha256(LABEL + head_bytes)


def signature(seed, head_bytes):
    return ed25519.sign(seed, LABEL + head_bytes)


class Reader:
    """Takes bytes from the front; too few are damage."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        require(self.at + size <= len(self.data))
        self.at += size
        return self.data[self.at - size : self.at]

    def little(self, size):
        return int.from_bytes(self.take(size), "little")

    def big(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self, size_max=5):
        value = 0
        for at in range(size_max):
            byte = self.take(1)[0]
            value |= (byte & 127) << 7 * at
            if byte < 128:
                require(byte or not at)
                return value
        raise Refused("damaged")

    def ended(self):
        return self.at == len(self.data)


def read_header(data):
    require(len(data) >= 248 and data[:8] == b"INDLBTCH")
    require(big_at(data, 8, 4) == 1, "unsupported")
    require(big_at(data, 12, 4) <= 1 and big_at(data, 64, 4) <= 4096 and big_at(data, 176, 4) < 10**9 and not any(data[180:184]) and (big_at(data, 32, 8) or not any(data[72:104])))
    return {"store": data[16:32], "number": big_at(data, 32, 8), "epoch": big_at(data, 40, 8), "writer": data[48:64], "mark": data[15] == 1, "rows": big_at(data, 64, 4), "notes": big_at(data, 68, 4),
            "before": data[72:104], "root": data[104:136], "notes_digest": data[136:168], "time": (big_at(data, 168, 8), big_at(data, 176, 4)), "digest": digest(data[:184]), "signature": data[184:248]}


def read_rows(reader, found):
    rows = [reader.take(88) for _ in range(found["rows"])]
    require(rows_root(rows) == found["root"] and len({data[:32] for data in rows}) == len(rows))
    parts = [{"log": data[:32], "first": big_at(data, 32, 8), "count": big_at(data, 40, 4), "size": big_at(data, 48, 8), "root": data[56:], "zero": data[44:48]} for data in rows]
    require(all(part["count"] and not any(part["zero"]) and part["size"] == part["first"] + part["count"] <= 2**53 for part in parts))
    require(sum(part["count"] for part in parts) <= 65536 and not (found["mark"] and parts))
    return parts


def read_notes(data):
    reader, notes = Reader(data), []
    while not reader.ended():
        text = reader.take(reader.big(4))
        parsed = note.parse(text)
        require(parsed and note.read_checkpoint(parsed[0]))
        notes.append((text.decode(), note.read_checkpoint(parsed[0])))
    return notes


def read_frame(reader, origin, seq, entry_before):
    """The records of one frame with codec 0: (head, salt, event, time in nanoseconds), salt and event None where the event isn't here.
    Heads are rebuilt and not judged: one that breaks a rule is the log's fault, not the batch's."""
    start = reader.at
    fields = Reader(reader.take(24))
    codec, zero, count, raw, stored, first, crc = (fields.little(size) for size in (1, 1, 2, 4, 4, 8, 4))
    require(codec == 0 and zero == 0 and 1 <= count <= 256 and raw == stored and first == seq and first // 256 == (first + count - 1) // 256 and raw <= (17 << 20 if count == 1 else 256 << 10))
    data = reader.take(stored)
    require(crc32c(reader.data[start : start + 20] + data) == crc)
    return read_columns(Reader(data), count, origin, seq, entry_before)


def read_columns(reader, count, origin, seq, entry_before):
    times = [reader.little(8) * 10**9]
    nanos = reader.little(4)
    require(nanos < 10**9)
    times[0] += nanos
    for _ in range(count - 1):
        times.append(times[-1] + reader.varint(10))
    shared = [reader.take(reader.varint()) for _ in range(bounded(reader.varint(), 1, 256))]
    which = list(reader.take(count)) if len(shared) > 1 else [0] * count
    require(len(set(shared)) == len(shared) and set(which) == set(range(len(shared))))
    own = [reader.take(size) for size in [reader.varint() for _ in range(count)]]
    bits = reader.little((count + 7) // 8)
    require(bits >> count == 0)
    here = [at for at in range(count) if bits >> at & 1]
    events = dict(zip(here, [reader.take(size) for size in [reader.varint() for _ in here]]))
    salts = {at: reader.take(16).hex().encode() for at in here}
    digests = {at: reader.take(32) for at in range(count) if at not in events}
    require(reader.ended())
    records = []
    for at in range(count):
        made = sha256(salts[at] + events[at]) if at in events else digests[at]
        require(times[at] < 253402300800 * 10**9)
        head_bytes = (b'{"indelible":1,"log":"' + origin.encode() + b'",' + shared[which[at]] + own[at] + b',"digest":"' + made.hex().encode() + b'","seq":' + str(seq + at).encode()
                      + b',"time":"' + time_text(*divmod(times[at], 10**9)).encode() + b'","prev":"' + entry_before.hex().encode() + b'"}')
        entry_before = sha256(head_bytes)
        records.append((head_bytes.decode(), salts[at].decode() if at in events else None, events[at].decode() if at in events else None, times[at]))
    return records


def bounded(value, least, most):
    require(least <= value <= most)
    return value


def record_line(head_text, salt, event, _time=None):
    return f'{{"head":{head_text}}}' if salt is None else f'{{"head":{head_text},"salt":"{salt}","event":{event}}}'


def read(data, store, key, before, logs):
    """What a batch says: (header, rows, notes). `before`: what the header of the batch before says, None for batch 0; `logs`: log id
    to (origin, entries before this batch)."""
    found = read_header(data)
    reader = Reader(data)
    reader.take(248)
    rows = read_rows(reader, found)
    notes_bytes = reader.take(found["notes"])
    require(sha256(notes_bytes) == found["notes_digest"])
    notes = read_notes(notes_bytes)
    for part in rows:
        part["entries"] = [reader.take(32) for _ in range(part["count"])]
        require(part["first"] or part["entries"][0] == part["log"])
        require(part["log"] in logs, "misplaced")
        origin, entries = logs[part["log"]]
        require(part["first"] == len(entries), "misplaced")
        part["records"] = []
        while len(part["records"]) < part["count"]:
            done = len(part["records"])
            entry_before = part["entries"][done - 1] if done else entries[-1] if entries else bytes(32)
            part["records"] += read_frame(reader, origin, part["first"] + done, entry_before)
        require([sha256(made[0].encode()) for made in part["records"]] == part["entries"])
        require(Tree(entries + part["entries"]).root(0, part["size"]) == part["root"])
        require(all(made[3] <= found["time"][0] * 10**9 + found["time"][1] for made in part["records"]))
    require(reader.ended())
    require(found["store"] == store, "misplaced")
    require(ed25519.verify(key, LABEL + data[:184], found["signature"]), "forged")
    require(follows(found, before), "misplaced")
    return found, rows, notes


def follows(found, before):
    if before is None:
        return found["number"] == 0 and found["before"] == bytes(32)
    same_writer = found["epoch"] > before["epoch"] or (found["epoch"] == before["epoch"] and found["writer"] == before["writer"])
    return found["number"] == before["number"] + 1 and found["before"] == before["digest"] and same_writer and found["time"] >= before["time"]
