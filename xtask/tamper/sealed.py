"""Attacks on sealed packs. A function's name is the row's; it gets a `Case` and edits its files. OLD is a record of the first pack,
sealed long ago; pack 0 is the oldest."""

import shutil

from store import Record, batch, flip, keys, le, number_at, read, remove, rewritten, sha256, write
from textbook.batch import seconds_and_nanos, time_of

OLD = 5


# ---- a byte, as it lies ----------------------------------------------------------------------------------------------


def frame_byte(case):
    made = case.packs()[0]
    _, offset, length, _, _ = made.frame_of("payments", OLD)
    flip(made.rec_path, offset + length // 2)


def frame_header(case):
    made = case.packs()[0]
    flip(made.rec_path, made.frame_of("payments", OLD)[1] + 2)


def entry(case):
    made = case.packs()[0]
    flip(made.ent_path, made.start("entries") + made.place_of_entry("payments", OLD))


def level_8_node(case):
    made = case.packs()[0]
    flip(made.ent_path, made.start("nodes"))


def commit_bit(case):
    made = case.packs()[0]
    flip(made.ent_path, made.start("commits") + made.bits_before("payments"), 1 << OLD)


def run_row(case):
    made = case.packs()[0]
    flip(made.ent_path, made.start("runs") + made.run("payments").tail_at - 1)


def note(case):
    made = case.packs()[0]
    length = number_at(made.section("notes"), made.notes_before("payments"), 4) & 0x7FFFFFFF
    flip(made.ent_path, made.start("notes") + made.notes_before("payments") + 4 + length - 9, 1)


def ent_header(case):
    flip(case.packs()[0].ent_path, 64)


def rec_header(case):
    flip(case.packs()[0].rec_path, 64)


def ent_last_byte(case):
    flip(case.packs()[0].ent_path, -1)


def frame_byte_of_another_log(case):
    made = case.packs()[0]
    _, offset, length, _, _ = made.frame_of("orders", OLD)
    flip(made.rec_path, offset + length // 2)


# ---- the same, every checksum, length and digest of the pack made right ----------------------------------------------


def event_mended(case):
    rewritten(case, OLD, lambda it: Record(it.head, it.salt, it.event.replace('"amount":"1.00"', '"amount":"9.00"'))).save()


def head_column_mended(case):
    rewritten(case, OLD, lambda it: Record(it.head.replace('"by":"unix:', '"by":"unix:9'), it.salt, it.event)).save()


def salt_mended(case):
    rewritten(case, OLD, lambda it: Record(it.head, it.salt[:-1] + ("0" if it.salt[-1] != "0" else "1"), it.event)).save()


def time_mended(case):
    """A nanosecond earlier: no rule about order is broken."""

    def earlier(record):
        seconds, nanos = seconds_and_nanos(time_of(record))
        assert nanos
        return Record(record.head.replace(time_of(record), batch.time_text(seconds, nanos - 1)), record.salt, record.event)

    rewritten(case, OLD, earlier).save()


def entry_mended(case):
    section_flipped(case, "entries", lambda made: made.place_of_entry("payments", OLD))


def level_8_node_mended(case):
    section_flipped(case, "nodes", lambda made: 0)


def commit_bit_mended(case):
    section_flipped(case, "commits", lambda made: made.bits_before("payments"), 1 << OLD)


def run_row_mended(case):
    """The root after the run."""
    section_flipped(case, "runs", lambda made: made.run("payments").tail_at - 1)


def note_mended(case):
    """A byte of the signature in the log's first note, still canonical base64."""
    made = case.packs()[0]
    notes, at = made.section("notes"), made.notes_before("payments")
    end = at + 4 + (number_at(notes, at, 4) & 0x7FFFFFFF)
    notes[end - 9] = ord("A") if notes[end - 9] != ord("A") else ord("B")
    made.save()


def key_tag_mended(case):
    section_flipped(case, "keys", lambda made: 3)


def section_flipped(case, name, place, bit=0x10):
    made = case.packs()[0]
    made.section(name)[place(made)] ^= bit
    made.save()


def frame_header_mended(case):
    """The frame says that its records are others: its first seq, the frame's own checksum right."""
    made = case.packs()[0]
    frame = made.frame_of("payments", OLD)
    records = case.records("payments")[frame[4] : frame[4] + frame[3]]
    made.replace_frame(frame, batch.frame(records, frame[4] + 256))
    made.save()


# ---- records and files taken away, put in, exchanged -----------------------------------------------------------------


def record_deleted(case):
    """The last record of the log in the pack, with its entry: frame, counts, frontier and root are made to fit. The note over what was
    there can't be."""
    made = case.packs()[0]
    run = made.run("payments")
    last = run.first + run.count - 1
    frame = made.frame_of("payments", last)
    records = case.records("payments")
    made.replace_frame(frame, batch.frame(records[frame[4] : last], frame[4]), count=last - frame[4])
    at = made.place_of_entry("payments", last)
    made.section("entries")[at : at + 32] = b""
    made.shorten_run("payments", records[:last])
    made.save()


def record_deleted_inside(case):
    """A record in the middle: those behind it move up, and the last one's place is filled with itself once more."""
    made = case.packs()[0]
    frame = made.frame_of("payments", OLD)
    records = case.records("payments")[frame[4] : frame[4] + frame[3]]
    at = OLD - frame[4]
    moved = records[:at] + records[at + 1 :]
    seconds, nanos = seconds_and_nanos(time_of(moved[-1]))
    later = batch.time_text(*divmod(seconds * 10**9 + nanos + 1, 10**9))
    moved.append(Record(moved[-1].head.replace(time_of(moved[-1]), later), moved[-1].salt, moved[-1].event))
    made.replace_frame(frame, batch.frame(moved, frame[4]))
    made.save()


def content_deleted(case):
    """Salt and event of one record, as an expiry would do it, without the record that an expiry needs."""
    made = case.packs()[0]
    frame = made.frame_of("payments", OLD)
    records = case.records("payments")[frame[4] : frame[4] + frame[3]]
    made.replace_frame(frame, batch.frame(records, frame[4], gone={OLD - frame[4]}))
    made.save()


def frame_deleted(case):
    """The log's last frame of the pack, with its row in the table."""
    made = case.packs()[0]
    row, offset, length, _, _ = made.frames("payments")[-1]
    del made.body[offset - 128 : offset - 128 + length]
    made.moved(row, offset, -length, 0)
    del made.section("frames")[36 * row : 36 * row + 36]
    run, runs = made.run("payments"), made.section("runs")
    runs[run.tail_at : run.tail_at + 4] = le(run.fields["frames"] - 1, 4)
    made.save()


def frame_zeroed(case):
    made = case.packs()[0]
    _, offset, length, _, _ = made.frame_of("payments", OLD)
    made.body[offset - 128 : offset - 128 + length] = bytes(length)
    write(made.rec_path, made.rec[:128] + made.body)


def pack_deleted_oldest(case):
    deleted(case.packs()[0])


def pack_deleted_newest(case):
    deleted(case.packs()[-1])


def deleted(made):
    remove(made.ent_path)
    remove(made.rec_path)


def ent_deleted(case):
    remove(case.packs()[0].ent_path)


def rec_deleted(case):
    remove(case.packs()[0].rec_path)


def derived_deleted(case):
    shutil.rmtree(case.store / "derived")
    (case.store / "derived").mkdir(mode=0o750)


def records_swapped(case):
    """Two neighbours change places; each keeps its event, its salt and whom it is by."""
    made = case.packs()[0]
    frame = made.frame_of("payments", OLD)
    records = case.records("payments")[frame[4] : frame[4] + frame[3]]
    at = OLD - frame[4]
    one, other = records[at], records[at + 1]
    records[at] = Record(one.head, other.salt, other.event)
    records[at + 1] = Record(other.head, one.salt, one.event)
    made.replace_frame(frame, batch.frame(records, frame[4]))
    made.save()


def record_inserted(case):
    """A forged event with valid JSON in an old one's place, its entry and the entry before the next made to fit."""
    made = rewritten(case, OLD, lambda it: Record(it.head, it.salt, '{"order":999999,"amount":"0.01"}'))
    forged = case.records("payments")[OLD]
    digest = sha256((forged.salt + '{"order":999999,"amount":"0.01"}').encode()).hex()
    head = forged.head.replace(forged.head.split('"digest":"')[1][:64], digest)
    at = made.place_of_entry("payments", OLD)
    made.section("entries")[at : at + 32] = sha256(head.encode())
    made.save()


def packs_swapped(case):
    """Each of two packs under the other's name."""
    one, other = case.packs()[:2]
    for suffix in (".ent", ".rec"):
        first, second = one.ent_path.with_suffix(suffix), other.ent_path.with_suffix(suffix)
        held = read(first)
        write(first, read(second))
        write(second, held)


def packs_swapped_mended(case):
    """The same, and each header says the batches of its new name."""
    ranges = [(number_at(made.ent, 48, 8), number_at(made.ent, 56, 8)) for made in case.packs()[:2]]
    packs_swapped(case)
    for made, (first, last) in zip(case.packs()[:2], ranges):
        made.save(first, last)


def pack_of_another_store(case):
    put_in_place(case, case.base / "other/store")


def pack_of_another_store_mended(case):
    """Its headers say this store and these batches."""
    store = case.store_id
    ours = case.packs()[0]
    first, last = number_at(ours.ent, 48, 8), number_at(ours.ent, 56, 8)
    put_in_place(case, case.base / "other/store")
    made = case.packs()[0]
    made.ent[32:48] = store
    made.save(first, last)


def put_in_place(case, store):
    ours, theirs = case.packs()[0], sorted((store / "sealed").glob("*.ent"))[0]
    for suffix in (".ent", ".rec"):
        write(ours.ent_path.with_suffix(suffix), read(theirs.with_suffix(suffix)))


def old_note_for_the_newest(case):
    """The log's closing note of the newest pack replaced by its first one of the pack before, both signed by the log's keys."""
    first, newest = case.packs()[0], case.packs()[-1]
    notes, at = first.section("notes"), first.notes_before("payments")
    old = bytes(notes[at : at + 4 + (number_at(notes, at, 4) & 0x7FFFFFFF)])
    notes, at = newest.section("notes"), newest.notes_before("payments")
    for _ in range(newest.run("payments").fields["notes"] - 1):
        at += 4 + (number_at(notes, at, 4) & 0x7FFFFFFF)
    notes[at : at + 4 + (number_at(notes, at, 4) & 0x7FFFFFFF)] = old
    newest.save()


def genesis_key_swapped(case):
    """The genesis names another key for the log, its own digest and entry made to fit; who trusts the store's own word alone would
    trust it."""

    def another(record):
        name = record.head.split('"log":"')[1].split('"')[0]
        vkey = record.event.split('"keys":["')[1].split('"')[0]
        other = keys.LogKey(bytes(32), name).vkey
        return Record(record.head, record.salt, record.event.replace(vkey, other))

    rewritten(case, 0, another).save()
