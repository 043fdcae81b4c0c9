"""Attacks on the tail, its register and FORMAT. "Newest" is the last slot that holds records; behind it lie marks, which hold none."""

import hashlib

from store import BLOCK, HEADER, SIGNED, SLOT, BatchOf, Record, Tree, batch, changed_head, disk, flip, framed, keys, read, rebuilt, rechained, remove, rows_of, secret_in, write


def newest(case):
    return case.tail().holding("payments", case)[-1]


def older(case):
    """The first batch that no pack covers."""
    return uncovered(case)[0]


def second(case):
    return uncovered(case)[1]


def uncovered(case):
    return [slot for slot in case.tail().holding("payments", case) if batch.big_at(row_of(slot, case), 32, 8) > 350]


def row_of(slot, case):
    return next(row for row in rows_of(slot.content) if row[:32] == case.records("payments")[0].entry)


# ---- a byte of a batch, as it lies, and with the slot's checksums made right -----------------------------------------

HEAD_AT, ROW_AT = 175, SIGNED + 60  # the header's time; the row's root


def newest_header(case):
    case.tail().slots[-1].flip(HEAD_AT)


def newest_row(case):
    newest(case).flip(ROW_AT)


def newest_payload(case):
    slot = newest(case)
    slot.flip(len(slot.content) - 3)


def older_header(case):
    older(case).flip(HEAD_AT)


def older_row(case):
    older(case).flip(ROW_AT)


def older_payload(case):
    slot = older(case)
    slot.flip(len(slot.content) - 3)


def newest_header_mended(case):
    """Its epoch, a larger one, which no rule forbids."""
    epoch_raised(case.tail().slots[-1])


def newest_row_mended(case):
    mended_flip(newest(case), ROW_AT)


def newest_payload_mended(case):
    with_event(case, newest(case)).put_back()


def older_header_mended(case):
    epoch_raised(older(case))


def epoch_raised(slot):
    content = bytearray(slot.content)
    content[40:48] = batch.be(batch.big_at(content, 40, 8) + 16, 8)
    slot.put(content)


def older_row_mended(case):
    mended_flip(older(case), ROW_AT)


def older_payload_mended(case):
    with_event(case, older(case)).put_back()


def older_note_mended(case):
    """A note in a batch of the tail: one character of its signature, the header's digest of the notes made right."""
    slot = next(slot for slot in case.tail().slots if batch.big_at(slot.content, 68, 4))
    made = BatchOf(slot.content)
    notes = bytearray(made.notes)
    end = 4 + batch.big_at(notes, 0, 4)
    notes[end - 9] = ord("A") if notes[end - 9] != ord("A") else ord("B")
    made.notes = bytes(notes)
    made.mend_header()
    slot.put(made.content())


def mended_flip(slot, at):
    content = bytearray(slot.content)
    content[at] ^= 0x10
    slot.put(content)


class Changed:
    def __init__(self, slot, made):
        self.slot, self.made = slot, made

    def put_back(self, seed=None):
        if seed is not None:
            self.made.sign(seed)
        self.slot.put(self.made.content())


def with_event(case, slot, event='{"amount":"9.00"}', change=None):
    """The slot's first record of the log with another event, everything above it that needs no key made to fit."""

    def first_changed(records):
        return [changed(records[0]), *records[1:]]

    def changed(record):
        return change(record) if change else Record(record.head, record.salt, event)

    return Changed(slot, rebuilt(slot.content, case, "payments", first_changed))


def time_of_batch_mended(case):
    """The batch's own time, a second later."""
    slot = older(case)
    content = bytearray(slot.content)
    content[168:176] = batch.be(batch.big_at(content, 168, 8) + 1, 8)
    slot.put(content)


# ---- no mark yet: the node was killed right after it answered --------------------------------------------------------


def killed_after_answer(case, register_at=0):
    """The store as a kill leaves it: the newest batch is the last slot, the register holds it, or one before it."""
    tail = case.tail()
    slot = newest(case)
    for later in tail.slots:
        if later.number > slot.number:
            later.cut(0)
    known = next(before for before in tail.slots if before.number == slot.number - register_at)
    case.set_register(known.content[:SIGNED])
    return slot


def killed_newest_payload(case):
    slot = killed_after_answer(case)
    slot.flip(len(slot.content) - 3)


def killed_newest_payload_register_behind(case):
    slot = killed_after_answer(case, 1)
    slot.flip(len(slot.content) - 3)


def killed_newest_truncated_register_behind(case):
    killed_after_answer(case, 1).cut(0)


def rotted_after_mark(case):
    """The batch with the last event, a mark durable behind it, half of it gone to other bytes."""
    slot = newest(case)
    data = read(slot.path)
    begin, end = slot.at + SLOT + SIGNED, slot.at + SLOT + len(slot.content)
    data[begin:end] = bytes(byte ^ 0x5A for byte in data[begin:end])
    write(slot.path, data)


# ---- files and ends --------------------------------------------------------------------------------------------------


def tail_header(case):
    flip(case.tail().files[0], 70)


def tail_file_first_deleted(case):
    remove(case.tail().files[0])


def tail_file_last_deleted(case):
    remove(case.tail().slots[-1].path)


def tail_deleted(case):
    for path in case.tail().files:
        remove(path)


def tail_file_shortened(case):
    path = case.tail().slots[-1].path
    write(path, read(path)[:-BLOCK])


def cut_behind(case, number, keep=None):
    """Nothing from this slot on; `keep` bytes of it stay."""
    for slot in case.tail().slots:
        if slot.number > number or (slot.number == number and keep is None):
            slot.cut(0)
        elif slot.number == number:
            slot.cut(keep)


def truncated_at_batch(case):
    cut_behind(case, newest(case).number)


def truncated_inside_batch(case):
    slot = newest(case)
    cut_behind(case, slot.number, SLOT + len(slot.content) // 2)


def truncated_at_batch_register_too(case):
    tail, slot = case.tail(), newest(case)
    case.set_register(next(it for it in tail.slots if it.number == slot.number - 1).content[:SIGNED])
    cut_behind(case, slot.number)


def truncated_inside_batch_register_too(case):
    tail, slot = case.tail(), newest(case)
    case.set_register(next(it for it in tail.slots if it.number == slot.number - 1).content[:SIGNED])
    cut_behind(case, slot.number, SLOT + len(slot.content) // 2)


def register_flipped(case):
    flip(case.register, 60)


def register_deleted(case):
    remove(case.register)


def format_flipped(case):
    path = case.store / "FORMAT"
    data = read(path)
    flip(path, data.index(b"origin ") + 8, 1)


def format_created_mended(case):
    """The day the store was made, the file's own digest made right."""
    path = case.store / "FORMAT"
    lines = path.read_text().splitlines()
    lines = ["created 2020-01-01T00:00:00Z" if line.startswith("created ") else line for line in lines[:-1]]
    text = "".join(line + "\n" for line in lines)
    write(path, (text + f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n").encode())


# ---- forged and exchanged --------------------------------------------------------------------------------------------


def record_deleted(case):
    """The only record of a batch, with its row; the header made to fit."""
    slot = older(case)
    made = BatchOf(slot.content)
    made.parts.remove(made.part(case.records("payments")[0].entry))
    made.mend_header()
    slot.put(made.content())


def records_swapped(case):
    """The events of two batches change places, each with its salt; rows and headers made to fit."""
    one, other = older(case), second(case)
    records = [case.records("payments")[batch.big_at(row_of(slot, case), 32, 8)] for slot in (one, other)]
    for slot, record in ((one, records[1]), (other, records[0])):
        with_event(case, slot, change=lambda old, new=record: Record(old.head, new.salt, new.event)).put_back()


def batch_deleted(case):
    """One in the middle, its slot overwritten with zeros."""
    older(case).cut(0)


def record_inserted(case):
    """One more record at the end of a batch of the tail."""
    slot = older(case)

    def more(records):
        last = records[-1]
        seconds, nanos = batch.seconds_and_nanos(batch.time_of(last))
        time = batch.time_text(*divmod(seconds * 10**9 + nanos + 1, 10**9))
        return [*records, Record(last.head.replace(batch.time_of(last), time), last.salt, '{"order":999999,"amount":"0.01"}')]

    Changed(slot, rebuilt(slot.content, case, "payments", more)).put_back()


def forged_behind(case, seed):
    """A batch behind the last one, chained to it, with one forged event; (number, content)."""
    tail = case.tail()
    last = tail.slots[-1].content
    records = case.records("payments")
    seconds, nanos = batch.big_at(last, 168, 8), batch.big_at(last, 176, 4)
    head = changed_head(records[-1], time=batch.time_text(seconds, nanos))
    forged = Record(head.head, records[-1].salt, '{"order":999999,"amount":"0.01"}')
    model = rebuilt_from(case, records, forged)
    made = BatchOf(last)
    made.parts, made.notes = [model], b""
    made.header[12:16] = bytes(4)
    made.header[32:40] = batch.be(tail.slots[-1].number + 1, 8)
    made.header[72:104] = batch.digest(bytes(last[:HEADER]))
    made.mend_header()
    made.sign(seed)
    return tail.slots[-1].number + 1, made.content()


def rebuilt_from(case, records, forged):
    chained = rechained(records, [forged])
    root = Tree([record.entry for record in records + chained]).root(0, len(records) + 1)
    row = bytearray(batch.row(records[0].entry, len(records), 1, root))
    return [row, [chained[0].entry], framed(chained, len(records))]


def append_slot(case, number, content):
    path, at = case.tail().behind(SLOT + len(content) + BLOCK)
    data = read(path)
    written = disk.slot(bytes(data[64:96]), number, content)
    data[at : at + len(written)] = written
    write(path, data)


def batch_appended(case):
    """By somebody without the secret: signed by a key of their own."""
    append_slot(case, *forged_behind(case, bytes(32)))


def batch_appended_with_secret(case):
    """By whoever took the node's secret of today: batch key and all."""
    append_slot(case, *forged_behind(case, keys.batch_seed(secret_in(case.keys), case.store_id)))


def stale_batch_over_the_last(case):
    tail = case.tail()
    last, before = newest(case), [slot for slot in tail.slots if slot.number < newest(case).number][-1]
    last.put(before.content if len(before.content) <= last.span - SLOT else before.content[: last.span - SLOT], number=before.number)


def stale_batch_over_the_last_mended(case):
    tail = case.tail()
    last, before = newest(case), [slot for slot in tail.slots if slot.number < newest(case).number and slot.span <= newest(case).span][-1]
    last.put(before.content)


def last_replaced(case):
    """While the node is off: the newest batch gets another event, everything made to fit but the signature."""
    slot = killed_after_answer(case)
    with_event(case, slot).put_back()


def last_replaced_with_secret(case):
    """The same by whoever took the node's secret: signed again."""
    slot = killed_after_answer(case)
    with_event(case, slot).put_back(keys.batch_seed(secret_in(case.keys), case.store_id))


def last_replaced_with_secret_register_too(case):
    slot = killed_after_answer(case)
    with_event(case, slot).put_back(keys.batch_seed(secret_in(case.keys), case.store_id))
    case.set_register(newest(case).content[:SIGNED])


def planted(case, generation):
    """A torn batch behind the last one, never answered, in whose event a slot header stands at a block's border."""
    path, at = case.tail().behind(4 * BLOCK)
    data = read(path)
    number = case.tail().slots[-1].number + 1
    own = bytes(data[64:96])
    content = bytearray(b"e" * (3 * BLOCK))
    header = disk.slot_header(generation or own, number + 1, b"planted")
    content[BLOCK - SLOT : BLOCK - SLOT + len(header)] = header
    content[BLOCK - SLOT + len(header) : BLOCK - SLOT + len(header) + 7] = b"planted"
    written = disk.slot(own, number, bytes(content))
    written = written[: 2 * BLOCK] + bytes(len(written) - 2 * BLOCK)  # the last block never came
    data[at : at + len(written)] = written
    write(path, data)


def header_planted(case):
    """By a producer, who can't know the file's generation."""
    planted(case, b"g" * 32)


def header_planted_with_generation(case):
    """By somebody who reads the disk."""
    planted(case, None)


# ---- kinds of the node's own, put where a producer's event stood ------------------------------------------------------


def of_kind(case, kind, event):
    def changed(record):
        head = record.head.replace('"kind":"event"', f'"kind":"{kind}"')
        return Record(head, record.salt, event)

    with_event(case, older(case), change=changed).put_back()


def genesis_planted(case):
    of_kind(case, "genesis", case.records("payments")[0].event)


def rotation_planted(case):
    origin = case.records("payments")[0].head.split('"log":"')[1].split('"')[0]
    of_kind(case, "key", keys.key_event("rotation", 2, [keys.LogKey(bytes(32), origin).vkey]))


def erasure_planted(case):
    of_kind(case, "erasure", '{"erasure":5}')

