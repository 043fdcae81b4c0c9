"""Packs (docs/spec/pack.md): writes the pair of files, right or wrong, and judges it by the page."""

import json

from textbook import keys, note
from textbook.batch import Reader, read_frame, seconds_and_nanos, time_of
from textbook.disk import crc32c, le, number_at, require, with_crc
from textbook.tree import Tree, node, sha256

LABEL = b"indelible pack v1\n"
KEY_LABEL = b"indelible key tag v1\n"
ENT, REC = 580, 128
SECTIONS = ["runs", "entries", "nodes", "commits", "frames", "notes", "keys", "streams", "places"]


class Run:
    """Contiguous records of one log with their frames and notes. Attributes may be changed before it is written."""

    def __init__(self, log, first, count, frames, notes, commits):
        records, tree = log.records, log.tree()
        end = first + count
        self.origin, self.id, self.first, self.count = log.origin.encode(), bytes.fromhex(log.id), first, count
        self.times = [seconds_and_nanos(time_of(records[at])) for at in (first, end - 1)]
        self.before = records[first - 1].entry if first else bytes(32)
        self.frontier, self.frontier_after, self.root = tree.frontier(first), tree.frontier(end), tree.root(0, end)
        self.entries = [record.entry for record in records[first:end]]
        self.last = self.entries[-1]
        self.nodes = [tree.root(at, at + 256) for at in range(-(-first // 256) * 256, end - 255, 256)]
        self.commits = bytes(sum(1 << bit for bit in range(8) if first + at * 8 + bit + 1 in commits and at * 8 + bit < count) for at in range((count + 7) // 8))
        self.frames, self.notes = frames, [log.checkpoint(size).encode() for size in notes]
        starts = [first + sum(number_at(frame, 2, 2) for frame in frames[:at]) for at in range(len(frames))]
        self.keys, self.streams, self.stream_records = claims(self.id, first, [record.head for record in records[first:end]])
        self.said_keys = self.said_streams = self.said_places = None
        self.table = [(len(frame), number_at(frame, 2, 2), start, seconds_and_nanos(time_of(records[start]))) for frame, start in zip(frames, starts)]

    def written(self, offset):
        return (le(len(self.origin), 2) + self.origin + self.id + le(self.first, 8) + le(self.count, 4) + b"".join(time_bytes(time) for time in self.times) + self.before + b"".join(self.frontier)
                + self.last + b"".join(self.frontier_after) + self.root + le(len(self.table), 4) + le(offset, 8) + le(sum(row[0] for row in self.table), 8) + le(len(self.notes), 4)
                + le(len(self.keys) if self.said_keys is None else self.said_keys, 4) + le(len(self.streams_written()) if self.said_streams is None else self.said_streams, 4)
                + le(len(self.places_written()) // 2 if self.said_places is None else self.said_places, 4))

    def keys_written(self):
        return b"".join(tag + le(place, 2) for tag, place in self.keys)

    def streams_written(self):
        return b"".join(le(len(by), 2) + by + le(len(src), 2) + src + le(epoch, 8) + le(number, 8) + le(len(places), 4) for by, src, epoch, number, places in self.streams)

    def places_written(self):
        return b"".join(le(place, 2) for row in self.streams for place in row[4]) + b"".join(le(place, 2) for place in self.stream_records)


def key_tag(log_id, by, key):
    return sha256(KEY_LABEL + log_id + len(by).to_bytes(4, "big") + by + len(key).to_bytes(4, "big") + key)[:16]


def claims(log_id, first, heads):
    """What the heads of a run claim: [(tag, place)], [(by, src, epoch, first number, places)], places of `stream` records."""
    tags, streams, stream_records = [], {}, []
    for place, head in enumerate(heads):
        head = json.loads(head)
        by = head["by"].encode()
        if "key" in head:
            tags.append((key_tag(log_id, by, head["key"].encode()), place))
        if "src" in head:
            numbers = streams.setdefault((by, head["src"].encode(), head["epoch"]), [])
            numbers.append((head["n"], place))
        if head["kind"] == "stream":
            stream_records.append(place)
    rows = []
    for (by, src, epoch), numbers in sorted(streams.items()):
        require([n for n, _ in numbers] == list(range(numbers[0][0], numbers[0][0] + len(numbers))))
        rows.append((by, src, epoch, numbers[0][0], [place for _, place in numbers]))
    return sorted(tags), rows, stream_records


def time_bytes(time):
    return le(time[0], 8) + le(time[1], 4)


def sections(runs):
    offset, runs_bytes, table = REC, b"", b""
    for run in runs:
        runs_bytes += run.written(offset)
        for size, count, first, time in run.table:
            table += le(offset, 8) + le(size, 4) + le(count, 4) + le(first, 8) + time_bytes(time)
            offset += size
    return [runs_bytes, b"".join(b"".join(run.entries) for run in runs), b"".join(b"".join(run.nodes) for run in runs), b"".join(run.commits for run in runs), table,
            b"".join(le(len(text), 4) + text for run in runs for text in run.notes),
            b"".join(run.keys_written() for run in runs), b"".join(run.streams_written() for run in runs), b"".join(run.places_written() for run in runs)]


def ent(store, first, last, last_digest, parts, run_count, magic=b"INDLPENT", version=1, header_len=ENT, incompatible=0, read_only=0, zero=0, zero_last=0, table=None, section_zero=0):
    """The file from its sections."""
    at, rows = ENT, []
    for part in parts:
        rows.append((at, len(part), sha256(part)))
        at += len(part)
    rows = table(rows) if table else rows
    fields = magic + le(version, 4) + le(header_len, 4) + le(incompatible, 8) + le(read_only, 8) + store + le(first, 8) + le(last, 8) + last_digest + le(run_count, 4) + le(zero, 4)
    fields += b"".join(le(offset, 8) + le(size, 8) + made + le(section_zero, 4) for offset, size, made in rows) + le(zero_last, 4)
    return with_crc(fields) + b"".join(parts)


def digest(ent_bytes):
    return sha256(LABEL + ent_bytes[:576])


def rec(store, first, last, ent_digest, runs, magic=b"INDLPREC", version=1, header_len=REC, incompatible=0, read_only=0, length=None, zero=0):
    frames = b"".join(b"".join(run.frames) for run in runs)
    return with_crc(magic + le(version, 4) + le(header_len, 4) + le(incompatible, 8) + le(read_only, 8) + store + le(first, 8) + le(last, 8) + ent_digest + le(REC + len(frames) if length is None else length, 8)
                    + le(zero, 20)) + frames


def read_ent(data, store, name):
    """(what the header says, the sections). `name` is (first batch, last batch) of the file's name."""
    require(len(data) >= ENT and data[:8] == b"INDLPENT" and number_at(data, 576, 4) == crc32c(data[:576]))
    require(number_at(data, 8, 4) == 1 and number_at(data, 16, 8) == 0, "unsupported")
    require(number_at(data, 12, 4) == ENT and not any(data[100:104]) and not any(data[572:576]))
    parts, at = [], ENT
    for start in range(104, 572, 52):
        offset, size = number_at(data, start, 8), number_at(data, start + 8, 8)
        require(offset == at and at + size <= len(data) and sha256(data[at : at + size]) == data[start + 16 : start + 48] and not any(data[start + 48 : start + 52]))
        parts.append(data[at : at + size])
        at += size
    require(at == len(data))
    require(number_at(data, 48, 8) <= number_at(data, 56, 8))
    require(data[32:48] == store and (number_at(data, 48, 8), number_at(data, 56, 8)) == name, "misplaced")
    return {"first": name[0], "last": name[1], "last_digest": data[64:96], "runs": number_at(data, 96, 4), "digest": digest(data), "read_only": number_at(data, 24, 8) != 0}, parts


def read_time(reader):
    time = reader.little(8), reader.little(4)
    require(time[1] < 10**9)
    return time


def read_run(reader):
    run = {"origin": reader.take(reader.little(2)).decode(), "log": reader.take(32), "first": reader.little(8), "count": reader.little(4), "time": read_time(reader), "last_time": read_time(reader), "before": reader.take(32)}
    first, end = run["first"], run["first"] + run["count"]
    require(1 <= run["count"] <= 65536 and end <= 2**53 and first // 65536 == (end - 1) // 65536 and (first or not any(run["before"])))
    run["frontier"] = [reader.take(32) for _ in range(first.bit_count())]
    run["last"] = reader.take(32)
    run["frontier_after"] = [reader.take(32) for _ in range(end.bit_count())]
    run["root"] = reader.take(32)
    return run | {"frames": reader.little(4), "rec_offset": reader.little(8), "rec_len": reader.little(8), "notes": reader.little(4), "key_count": reader.little(4), "streams_len": reader.little(4), "place_count": reader.little(4)}


def root_of(frontier):
    """The root that perfect subtrees, largest first, make."""
    root = frontier[-1]
    for left in frontier[-2::-1]:
        root = node(left, root)
    return root


def grown(first, frontier, entries):
    """[(frontier at each size after `first`)]: a leaf joins, and equal ones merge."""
    stack = [(1 << bit, made) for bit, made in zip([bit for bit in reversed(range(64)) if first >> bit & 1], frontier)]
    for entry in entries:
        stack.append((1, sha256(b"\0" + entry)))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            (size, right), (_, left) = stack.pop(), stack.pop()
            stack.append((2 * size, node(left, right)))
        yield [made for _, made in stack]


def read(ent_bytes, rec_bytes, store, names, keys_of):
    """What a pack says: (header, runs). `names`: the batch range in the name of `.ent` and of `.rec`. `rec_bytes` may be None: `.ent`
    alone. `keys_of`: log id to public key."""
    header, parts = read_ent(ent_bytes, store, names[0])
    readers = {name: Reader(part) for name, part in zip(SECTIONS, parts)}
    runs = [read_run(readers["runs"]) for _ in range(header["runs"])]
    order = [(run["log"], run["first"]) for run in runs]
    require(order == sorted(set(order)))
    for before, run in zip(runs, runs[1:]):
        same = before["log"] == run["log"]
        require(not same or (run["first"] == before["first"] + before["count"] and run["before"] == before["last"] and run["frontier"] == before["frontier_after"] and run["origin"] == before["origin"]))
    offset = REC
    for at, run in enumerate(runs):
        closing = at + 1 == len(runs) or runs[at + 1]["log"] != run["log"]
        offset = read_parts(run, readers, offset, closing)
    require(all(reader.ended() for reader in readers.values()))
    for run in runs:
        for text, lines, _ in run["note_texts"]:
            public = keys_of[run["log"]]
            require(note.verify(text, lines, run["origin"], keys.key_id(run["origin"], public), public) == "ok", "forged")
    if rec_bytes is not None:
        read_rec(rec_bytes, store, names[1], header, runs, offset)
    return header, runs


def read_parts(run, readers, offset, closing):
    """One run's share of the other sections; returns where its frames end in `.rec`."""
    first, end = run["first"], run["first"] + run["count"]
    run["entries"] = [readers["entries"].take(32) for _ in range(run["count"])]
    require(run["entries"][-1] == run["last"] and (first or run["entries"][0] == run["log"]))
    frontiers = [run["frontier"], *grown(first, run["frontier"], run["entries"])]
    require(frontiers[-1] == run["frontier_after"] and root_of(frontiers[-1]) == run["root"])
    run["nodes"] = [readers["nodes"].take(32) for _ in range(max(0, end // 256 - -(-first // 256)))]
    for at, made in enumerate(run["nodes"]):
        lo = (-(-first // 256) + at) * 256 - first
        require(Tree(run["entries"][lo : lo + 256]).root(0, 256) == made)
    bits = readers["commits"].little((run["count"] + 7) // 8)
    require(bits >> run["count"] == 0)
    run["commits"] = [first + at + 1 for at in range(run["count"]) if bits >> at & 1]
    offset = read_table(run, readers["frames"], offset)
    run["note_texts"] = [read_note(readers["notes"], run, frontiers) for _ in range(run["notes"])]
    read_claims(run, readers)
    sizes = [size for _, _, size in run["note_texts"]]
    require(sizes == sorted(set(sizes)) and all(first < size <= end for size in sizes) and (not closing or sizes[-1:] == [end]))
    return offset


def read_claims(run, readers):
    """The run's share of the last three sections."""
    run["keys"] = [(readers["keys"].take(16), readers["keys"].little(2)) for _ in range(run["key_count"])]
    require(run["keys"] == sorted(set(run["keys"])) and all(place < run["count"] for _, place in run["keys"]))
    part, run["streams"] = Reader(readers["streams"].take(run["streams_len"])), []
    while not part.ended():
        by, src = (part.take(part.little(2)) for _ in range(2))
        row = by, src, part.little(8), part.little(8), part.little(4)
        require(all(32 < byte < 127 and byte not in b'"\\{}' for byte in by + src) and by and 1 <= len(src) <= 128)
        require(row[4] and row[2] < 2**53 and row[3] + row[4] <= 2**53)
        run["streams"].append(row)
    names = [row[:3] for row in run["streams"]]
    require(names == sorted(set(names)))
    places = [readers["places"].little(2) for _ in range(run["place_count"])]
    require(all(place < run["count"] for place in places))
    for at, row in enumerate(run["streams"]):
        mine, places = places[: row[4]], places[row[4] :]
        require(len(mine) == row[4] and mine == sorted(set(mine)))
        run["streams"][at] = (*row[:4], mine)
    require(places == sorted(set(places)))
    run["stream_records"] = places


def read_table(run, reader, offset):
    require(run["rec_offset"] == offset)
    at, run["table"] = run["first"], []
    for _ in range(run["frames"]):
        row = {"offset": reader.little(8), "len": reader.little(4), "count": reader.little(4), "first": reader.little(8), "time": read_time(reader)}
        require(row["offset"] == offset and row["first"] == at and row["count"] >= 1 and row["first"] // 256 == (row["first"] + row["count"] - 1) // 256)
        offset, at = offset + row["len"], at + row["count"]
        run["table"].append(row)
    require(at == run["first"] + run["count"] and offset - run["rec_offset"] == run["rec_len"])
    require(run["table"][0]["time"] == run["time"])
    return offset


def read_note(reader, run, frontiers):
    """(text, signature lines, size)."""
    parsed = note.parse(reader.take(reader.little(4)))
    require(parsed is not None)
    checkpoint = note.read_checkpoint(parsed[0])
    require(checkpoint is not None and checkpoint[0] == run["origin"] and run["first"] < checkpoint[1] <= run["first"] + run["count"])
    require(checkpoint[2] == root_of(frontiers[checkpoint[1] - run["first"]]))
    return parsed[0], parsed[1], checkpoint[1]


def read_rec(data, store, name, header, runs, end):
    require(len(data) >= REC and data[:8] == b"INDLPREC" and number_at(data, 124, 4) == crc32c(data[:124]))
    require(number_at(data, 8, 4) == 1 and number_at(data, 16, 8) == 0, "unsupported")
    require(number_at(data, 12, 4) == REC and number_at(data, 96, 8) == len(data) and not any(data[104:124]))
    said = number_at(data, 48, 8), number_at(data, 56, 8)
    require(data[32:48] == store and said == name == (header["first"], header["last"]) and data[64:96] == header["digest"], "misplaced")
    require(len(data) == end)
    for run in runs:
        run["records"] = []
        for row in run["table"]:
            reader = Reader(data[row["offset"] : row["offset"] + row["len"]])
            done = len(run["records"])
            records = read_frame(reader, run["origin"], row["first"], run["entries"][done - 1] if done else run["before"])
            require(reader.ended() and len(records) == row["count"] and divmod(records[0][3], 10**9) == row["time"])
            run["records"] += records
        require(claims(run["log"], run["first"], [record[0] for record in run["records"]]) == (run["keys"], run["streams"], run["stream_records"]))
        require([sha256(record[0].encode()) for record in run["records"]] == run["entries"] and divmod(run["records"][-1][3], 10**9) == run["last_time"])




def cover(names):
    """What counts, what is left over and what is orphaned among these names: the section "Merged packs"."""
    ents = {stem(name) for name in names if name.endswith(".ent")}
    recs = {stem(name) for name in names if name.endswith(".rec")}
    pairs = ents & recs

    def parts(pair):
        """The smaller pairs that hold exactly its batches, each taken apart in its turn; or itself."""
        at, found = pair[0], []
        while at <= pair[1]:
            here = [other for other in pairs if other != pair and other[0] == at and other[1] <= pair[1]]
            if not here:
                return [pair]
            found += parts(max(here))
            at = max(here)[1] + 1
        return found

    def within(inner, outer):
        return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]

    outer = [pair for pair in pairs if not any(within(pair, other) for other in pairs)]
    counting = sorted(part for pair in outer for part in parts(pair))
    said = {"count": ["%012d-%012d" % pair for pair in counting], "left_over": [], "orphans": [], "without_rec": []}
    for name in sorted(names):
        at = stem(name)
        if at in counting:
            continue
        if any(within(at, pair) for pair in counting) or at in pairs:
            said["left_over"].append(name)
        elif name.endswith(".rec"):
            said["orphans"].append(name)
        else:
            said["without_rec"].append(name)
    return said


def stem(name):
    first, last = name[:-4].split("-")
    return int(first), int(last)
