"""A store's files as somebody reads and rewrites them who has docs/spec and write access, and not the program.

Shares no code with the product. Bytes are built by `vectors/textbook`, which was written from the same pages. Nothing here signs
unless it is given a secret.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "vectors"))
from textbook import batch, disk, keys, note, pack  # noqa: E402
from textbook.disk import BLOCK, crc32c, le, number_at, with_crc  # noqa: E402
from textbook.log import Record  # noqa: E402
from textbook.tree import Tree, sha256  # noqa: E402

SLOT, HEADER, SIGNED, ROW, FRAME = 64, 184, 248, 88, 24


def read(path):
    return bytearray(Path(path).read_bytes())


def write(path, data):
    """In place, so that the file stays the same one; read-only or not."""
    path = Path(path)
    if path.exists():
        path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IWUSR)
    path.write_bytes(bytes(data))


def flip(path, at, bit=0x10):
    data = read(path)
    data[at] ^= bit
    write(path, data)


def secret_in(directory):
    return keys.read_node_secret((Path(directory) / "node-secret").read_text())[1]


class Case:
    """One copy of the base store with what belongs to it, and the base it was copied from."""

    def __init__(self, directory, base):
        self.directory, self.base = Path(directory), Path(base)
        self.store, self.keys, self.register = (self.directory / name for name in ("store", "keys", "register/r"))

    def tail(self):
        return TailOf(self.store / "tail")

    def packs(self):
        return [PackOf(path) for path in sorted((self.store / "sealed").glob("*.ent"))]

    def records(self, log):
        """All records of a log as the program handed them out before anything was edited."""
        return [cut(line) for line in (self.base / "records" / log).read_text().splitlines()]

    def set_register(self, content):
        write(self.register, disk.register(bytes(content)))

    @property
    def store_id(self):
        return bytes.fromhex((self.store / "FORMAT").read_text().split("\nstore ")[1][:32])


def cut(line):
    head, rest = line[len('{"head":') :].split("}", 1)
    return Record(head + "}", rest[len(',"salt":"') :][:32], rest[len(',"salt":"') + 32 + len('","event":') : -1])


def changed_head(record, **fields):
    """The record with other head fields: what the head commits to is not touched."""
    members = json.loads(record.head)
    members.update(fields)
    return Record(json.dumps(members, separators=(",", ":")), record.salt, record.event)


# ---- tail ------------------------------------------------------------------------------------------------------------


class Slot:
    def __init__(self, path, at, number, content):
        self.path, self.at, self.number, self.content = path, at, number, content

    @property
    def span(self):
        return -(-(SLOT + len(self.content)) // BLOCK) * BLOCK

    def flip(self, at, bit=0x10):
        """A byte of what the slot holds, its checksums as they were."""
        flip(self.path, self.at + SLOT + at, bit)

    def put(self, content, number=None):
        """Other bytes in its place, the checksums right. They must not need more blocks."""
        data = read(self.path)
        generation, number = bytes(data[64:96]), self.number if number is None else number
        written = disk.slot(generation, number, bytes(content))
        assert len(written) <= self.span, "needs more blocks"
        data[self.at : self.at + self.span] = written + bytes(self.span - len(written))
        write(self.path, data)

    def cut(self, keep):
        """As if only so many bytes had come to the disk, the header's counted."""
        data = read(self.path)
        data[self.at + keep : self.at + self.span] = bytes(self.span - keep)
        write(self.path, data)


class TailOf:
    def __init__(self, directory):
        self.files, self.slots = sorted(directory.iterdir()), []
        for path in self.files:
            data = read(path)
            for at in range(BLOCK, len(data), BLOCK):
                if data[at : at + 8] == b"INDLSLOT" and data[at + 8 : at + 40] == data[64:96]:
                    length = number_at(data, at + 48, 8)
                    self.slots.append(Slot(path, at, number_at(data, at + 40, 8), bytes(data[at + SLOT : at + SLOT + length])))
        self.slots.sort(key=lambda slot: slot.number)

    def holding(self, origin_part, case):
        """Slots with a row of that log, oldest first."""
        log = log_id(case, origin_part)
        return [slot for slot in self.slots if any(row[:32] == log for row in rows_of(slot.content))]

    def behind(self, size):
        """(path, offset) where the next slot of so many bytes would stand: behind the last, or in the first block of the next file,
        which is made if there is none."""
        last = self.slots[-1]
        if last.at + last.span + size <= last.path.stat().st_size:
            return last.path, last.at + last.span
        following = last.path.with_name(f"{int(last.path.name) + 1:012d}")
        if not following.exists():
            length = last.path.stat().st_size
            header = disk.file_header(bytes(read(last.path)[32:48]), int(following.name), length, os.urandom(32))
            write(following, header + bytes(length - len(header)))
        return following, BLOCK


def log_id(case, log):
    return case.records(log)[0].entry


def rows_of(content):
    return [content[at : at + ROW] for at in range(SIGNED, SIGNED + ROW * batch.big_at(content, 64, 4), ROW)]


def payload_at(content):
    return SIGNED + ROW * batch.big_at(content, 64, 4) + batch.big_at(content, 68, 4)


class BatchOf:
    """A batch taken apart: header fields stay bytes, rows are (row, entries, frames)."""

    def __init__(self, content):
        self.header, self.signature = bytearray(content[:HEADER]), bytes(content[HEADER:SIGNED])
        rows = rows_of(content)
        start = SIGNED + ROW * len(rows)
        self.notes, at = content[start : payload_at(content)], payload_at(content)
        self.parts = []
        for row in rows:
            count = batch.big_at(row, 40, 4)
            entries = [content[at + 32 * place : at + 32 * place + 32] for place in range(count)]
            at, done, frames = at + 32 * count, 0, []
            while done < count:
                size = FRAME + number_at(content, at + 8, 4)
                frames.append(content[at : at + size])
                done, at = done + number_at(content, at + 2, 2), at + size
            self.parts.append([bytearray(row), entries, frames])

    def content(self):
        """The bytes, header and signature as they stand."""
        return b"".join([bytes(self.header), self.signature, *(bytes(row) for row, _, _ in self.parts), self.notes,
                         *(b"".join(entries) + b"".join(frames) for _, entries, frames in self.parts)])

    def mend_header(self):
        """The digests in the header made those of rows and notes; the signature is what it was."""
        self.header[64:68] = batch.be(len(self.parts), 4)
        self.header[68:72] = batch.be(len(self.notes), 4)
        self.header[104:136] = batch.rows_root([bytes(row) for row, _, _ in self.parts])
        self.header[136:168] = sha256(self.notes)

    def sign(self, seed):
        self.signature = batch.signature(seed, bytes(self.header))

    def part(self, log):
        return next(part for part in self.parts if bytes(part[0][:32]) == log)


def rebuilt(content, case, log, change):
    """The batch with other records of one log. `change` gets them as a list; entries, frames, row and header are made to fit: only
    what needs a key is not."""
    made = BatchOf(content)
    part = made.part(log_id(case, log))
    first, count = batch.big_at(part[0], 32, 8), batch.big_at(part[0], 40, 4)
    all_records = case.records(log)
    before, records = all_records[:first], change(all_records[first : first + count])
    chained = rechained(before, records)
    part[1] = [record.entry for record in chained]
    part[2] = framed(chained, first)
    root = Tree([record.entry for record in before + chained]).root(0, first + len(chained))
    part[0] = bytearray(batch.row(bytes(part[0][:32]), first, len(chained), root))
    made.mend_header()
    return made


def rechained(before, records):
    """The records with `digest`, `seq` and `prev` made to fit what stands in them and before them."""
    chained = list(before)
    for record in records:
        prev = chained[-1].entry.hex() if chained else "0" * 64
        digest = sha256((record.salt + record.event).encode()).hex()
        chained.append(changed_head(record, digest=digest, seq=len(chained), prev=prev))
    return chained[len(before) :]


def framed(records, first):
    frames, at = [], 0
    while at < len(records):
        count = min(256 - (first + at) % 256, len(records) - at)
        frames.append(batch.frame(records[at : at + count], first + at))
        at += count
    return frames


# ---- packs -----------------------------------------------------------------------------------------------------------


class RunAt:
    """One row of a run table: its fields, and where those that move stand."""

    def __init__(self, data, at):
        length = number_at(data, at, 2)
        self.at, self.origin = at, bytes(data[at + 2 : at + 2 + length]).decode()
        reader = batch.Reader(bytes(data))
        reader.at = at
        self.fields = pack.read_run(reader)
        self.end = reader.at
        self.tail_at = self.end - 36  # frames u32, offset u64, length u64, notes u32, keys u32, streams u32, places u32
        self.first, self.count = self.fields["first"], self.fields["count"]

    def log(self):
        return self.origin.split("/")[-2]


class PackOf:
    """A pair of files. `save` makes every length, offset, checksum and digest in both files right again."""

    def __init__(self, ent):
        self.ent_path, self.rec_path = Path(ent), Path(ent).with_suffix(".rec")
        self.ent, self.rec = read(self.ent_path), read(self.rec_path)
        self.sections = []
        for row in range(9):
            at = 104 + 52 * row
            start, length = number_at(self.ent, at, 8), number_at(self.ent, at + 8, 8)
            self.sections.append(bytearray(self.ent[start : start + length]))
        self.starts = [number_at(self.ent, 104 + 52 * row, 8) for row in range(9)]
        self.body = bytearray(self.rec[128:])

    def section(self, name):
        return self.sections[pack.SECTIONS.index(name)]

    def start(self, name):
        """Where a section begins in the `.ent`."""
        return self.starts[pack.SECTIONS.index(name)]

    def runs(self):
        found, at = [], 0
        while at < len(self.section("runs")):
            found.append(RunAt(self.section("runs"), at))
            at = found[-1].end
        return found

    def run(self, log):
        return next(run for run in self.runs() if run.log() == log)

    def place_of_entry(self, log, seq):
        """Where a record's entry stands in its section."""
        at = 0
        for run in self.runs():
            if run.log() == log and run.first <= seq < run.first + run.count:
                return at + 32 * (seq - run.first)
            at += 32 * run.count
        raise LookupError(seq)

    def bits_before(self, log):
        at = 0
        for run in self.runs():
            if run.log() == log:
                return at
            at += (run.count + 7) // 8
        raise LookupError(log)

    def notes_before(self, log):
        """Where the first note of a log stands in its section."""
        notes, at = self.section("notes"), 0
        for run in self.runs():
            if run.log() == log:
                return at
            for _ in range(run.fields["notes"]):
                at += 4 + (number_at(notes, at, 4) & 0x7FFFFFFF)
        raise LookupError(log)

    def frames(self, log):
        """[(row number in the frame table, offset in .rec, length, count, first)] of a log."""
        found, row = [], 0
        for run in self.runs():
            for _ in range(run.fields["frames"]):
                at = 36 * row
                table = self.section("frames")
                if run.log() == log:
                    found.append((row, number_at(table, at, 8), number_at(table, at + 8, 4), number_at(table, at + 12, 4), number_at(table, at + 16, 8)))
                row += 1
        return found

    def frame_of(self, log, seq):
        return next(row for row in self.frames(log) if row[4] <= seq < row[4] + row[3])

    def replace_frame(self, frame, made, count=None, time=None):
        """Other bytes for one frame; what lies behind it moves."""
        row, offset, length, _, _ = frame
        self.body[offset - 128 : offset - 128 + length] = made
        self.moved(row, offset, len(made) - length, len(made), count, time)

    def moved(self, row, offset, by, length, count=None, time=None):
        table = self.section("frames")
        table[36 * row + 8 : 36 * row + 12] = le(length, 4)
        if count is not None:
            table[36 * row + 12 : 36 * row + 16] = le(count, 4)
        if time is not None:
            table[36 * row + 24 : 36 * row + 36] = le(time[0], 8) + le(time[1], 4)
        for later in range(row + 1, len(table) // 36):
            table[36 * later : 36 * later + 8] = le(number_at(table, 36 * later, 8) + by, 8)
        runs = self.section("runs")
        for run in self.runs():
            start, size = number_at(runs, run.tail_at + 4, 8), number_at(runs, run.tail_at + 12, 8)
            if start <= offset < start + size:
                runs[run.tail_at + 12 : run.tail_at + 20] = le(size + by, 8)
            elif start > offset:
                runs[run.tail_at + 4 : run.tail_at + 12] = le(start + by, 8)

    def shorten_run(self, log, records):
        """The log's run ends with the last of these records, all records of the log up to there."""
        run = self.run(log)
        entries, end = [record.entry for record in records], len(records)
        tree, fields = Tree(entries), run.fields
        seconds_and_nanos = batch.seconds_and_nanos(batch.time_of(records[-1]))
        row = (le(len(run.origin), 2) + run.origin.encode() + fields["log"] + le(run.first, 8) + le(end - run.first, 4) + pack.time_bytes(fields["time"])
               + pack.time_bytes(seconds_and_nanos) + fields["before"] + b"".join(tree.frontier(run.first)) + entries[-1] + b"".join(tree.frontier(end)) + tree.root(0, end))
        runs = self.section("runs")
        runs[run.at : run.end] = row + bytes(runs[run.tail_at : run.end])

    def save(self, first=None, last=None):
        first = number_at(self.ent, 48, 8) if first is None else first
        last = number_at(self.ent, 56, 8) if last is None else last
        store, last_digest, run_count = bytes(self.ent[32:48]), bytes(self.ent[64:96]), number_at(self.ent, 96, 4)
        ent = pack.ent(store, first, last, last_digest, [bytes(part) for part in self.sections], run_count)
        head = (b"INDLPREC" + le(1, 4) + le(128, 4) + bytes(16) + store + le(first, 8) + le(last, 8) + pack.digest(ent)
                + le(128 + len(self.body), 8) + bytes(20))
        write(self.ent_path, ent)
        write(self.rec_path, with_crc(head) + self.body)


def rewritten(case, seq, change, log="payments", index=0, **options):
    """A pack in which one record is another. `change` gets the record and gives the new one; its frame is written anew, uncompressed,
    and everything that needs no key fits."""
    made = case.packs()[index]
    frame = made.frame_of(log, seq)
    records = case.records(log)[frame[4] : frame[4] + frame[3]]
    records[seq - frame[4]] = change(records[seq - frame[4]])
    made.replace_frame(frame, batch.frame(records, frame[4], **options))
    return made


def remove(path):
    path = Path(path)
    path.chmod(0o600) if path.is_file() else None
    os.remove(path)


# ---- where a store lies ----------------------------------------------------------------------------------------------


def rebind(path, case, inode=None):
    """FORMAT as it would be had the store been made here: its own inode and birth, keys and register of this case."""
    lines = Path(path).read_text().splitlines()[:-1]
    own, born = subprocess.run(["stat", "-c", "%i %.9W", str(path)], check=True, capture_output=True, text=True).stdout.split()
    said = {"keys": str(case.keys), "register": str(case.register), "inode": inode or own, "born": "unknown" if born.startswith(("-", "0.")) else born}
    lines = [f"{name} {said.get(name, rest)}" for name, rest in (line.split(" ", 1) for line in lines)]
    text = "".join(line + "\n" for line in lines)
    write(path, (text + f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n").encode())


def take_over(case, name, parts):
    """Store, keys or register of the case replaced by those of another directory of the base."""
    for part in parts:
        shutil.rmtree(case.directory / part)
        shutil.copytree(case.base / name / part, case.directory / part)
    rebind(case.store / "FORMAT", case)
