#!/usr/bin/env python3
"""Writes damaged exports, receipts and proofs, made from the vectors' good ones, for comparing verifiers.

    python3 vectors/mutate.py [--verdicts] SEED COUNT DIRECTORY

The same seed and count give the same files. DIRECTORY/index.jsonl has a line for each: {"file":…} with "pin" (the pin
line) and "record" (the file of the record line) where they are to be given. With --verdicts, DIRECTORY/verdicts.jsonl
has for each line of the index what `verify.py --json` prints for it. Every second export gets its last line's digest
made right again after the damage, so that what lies behind that check is reached.
"""
import base64
import functools
import hashlib
import json
import pathlib
import random
import re
import sys

import run_verify_py as runner
from run_verify_py import verify


MEMBERS = {'prove': 'proof'}


def good_cases(name):
    """(file, pin, record line or None) of the cases in which nothing is wrong."""
    return [(data, case['pin'], record) for case, data, record in runner.verdict_cases(name, MEMBERS.get(name))
            if case['expect']['exit'] == 0]


def flip_bit(chance, data, _other):
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1:]


def change_byte(chance, data, _other):
    at = chance.randrange(len(data))
    byte = chance.choice([chance.randrange(256), *b'0"}{\\,: \n'])
    return data[:at] + bytes([byte]) + data[at + 1:]


def change_digit(chance, data, _other):
    found = chance.choice(list(re.finditer(rb'\d', data)) or [None])
    return data if found is None else data[:found.start()] + b'%d' % chance.randrange(10) + data[found.end():]


def remove_bytes(chance, data, _other):
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.choice([1, 1, 2, 10, 100]):]


def insert_bytes(chance, data, _other):
    at = chance.randrange(len(data) + 1)
    inserted = chance.choice([b' ', b'\t', b'\r', b'\n', b'\n\n', b'\0', b'\xff', b'0', b'""', b'}'])
    return data[:at] + inserted + data[at:]


def truncate(chance, data, _other):
    return data[:chance.randrange(len(data))]


def delete_line(chance, data, _other):
    lines = data.splitlines(True)
    del lines[chance.randrange(len(lines))]
    return b''.join(lines)


def duplicate_line(chance, data, _other):
    lines = data.splitlines(True)
    at = chance.randrange(len(lines))
    return b''.join(lines[:at + 1] + lines[at:])


def swap_lines(chance, data, _other):
    lines = data.splitlines(True)
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b''.join(lines)


def splice_line(chance, data, other):
    """A line of the other file in the place of the line that begins as it does, or of any."""
    lines, line = data.splitlines(True), chance.choice(other.splitlines(True))
    places = [at for at, own in enumerate(lines) if own[:8] == line[:8]] or range(len(lines))
    lines[chance.choice(places)] = line
    return b''.join(lines)


def splice_files(chance, data, other):
    """The beginning of one and the end of the other, cut at the same line."""
    at = chance.randrange(min(data.count(b'\n'), other.count(b'\n')) + 1)
    return b''.join(data.splitlines(True)[:at] + other.splitlines(True)[at:])


def change_base64(chance, data, _other):
    """A changed byte under canonical base64: what `extra`, hashes, entries, root and signatures stand in."""
    found = chance.choice(list(re.finditer(rb'[A-Za-z0-9+/]{40,}={0,2}', data)) or [None])
    decoded = found and verify.attempt(verify.decode_base64, found[0])
    if not decoded:
        return data
    return data[:found.start()] + base64.b64encode(change_byte(chance, decoded, b'')) + data[found.end():]


KINDS = ('export', 'receipt', 'batch_receipt', 'prove')
DAMAGES = (flip_bit, change_byte, change_digit, remove_bytes, insert_bytes, truncate, delete_line, duplicate_line,
           swap_lines, splice_line, splice_files, change_base64)


def damage(chance, data, other):
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        data = chance.choice(DAMAGES)(chance, data, other) if data else data
    return data


def with_digest(export):
    """The export with the digest of its last line made right."""
    body, end, _ = export.rpartition(b'{"end":1,"sha256":"')
    return body + end + hashlib.sha256(body).hexdigest().encode() + b'"}\n' if end else export


def mutants(seed, count):
    """(kind, damaged file, pin or None, damaged record line or None)."""
    chance, good = random.Random(seed), {name: good_cases(name) for name in KINDS}
    with_record = {name: [case for case in good[name] if case[2]] for name in ('receipt', 'batch_receipt')}
    for number in range(count):
        kind = chance.choice(['export', 'export', 'receipt', 'batch_receipt', 'prove'])
        data, pin, record = chance.choice(with_record[kind] if kind in with_record and number % 2 else good[kind])
        other, other_pin, other_record = chance.choice(good[kind])
        if record and chance.random() < 0.5:
            record = damage(chance, record, other_record or record)
        else:
            data = damage(chance, data, other)
        if kind == 'export' and number % 2:
            data = with_digest(data)
        yield kind, data, chance.choice([pin, pin, pin, pin, None, other_pin]), record


def verdict_line(kind, data, pin, record):
    verdict = (verify.verify_export(data, pin) if kind == 'export' else
               verify.verify_receipt(data, pin, record) if kind == 'receipt' else
               verify.verify_proof(data, pin) if kind == 'prove' else
               verify.verify_batch_receipt(data, pin, record))
    return json.dumps({'exit': verdict.exit_code(), **verdict.axes}, ensure_ascii=False, separators=(',', ':'))


def main(arguments):
    has_verdicts, rest = '--verdicts' in arguments, [text for text in arguments if text != '--verdicts']
    if len(rest) != 3:
        sys.exit('usage: mutate.py [--verdicts] SEED COUNT DIRECTORY')
    # Most mutants carry one of a few signatures.
    verify.ed25519_ok = functools.lru_cache(None)(verify.ed25519_ok)
    directory = pathlib.Path(rest[2])
    directory.mkdir(parents=True, exist_ok=True)
    index, verdicts = [], []
    for number, (kind, data, pin, record) in enumerate(mutants(int(rest[0]), int(rest[1]))):
        entry = {'file': '%06d.%s' % (number, kind)}
        (directory / entry['file']).write_bytes(data)
        if pin is not None:
            entry['pin'] = pin
        if record is not None:
            entry['record'] = '%06d.record' % number
            (directory / entry['record']).write_bytes(record)
        index.append(json.dumps(entry) + '\n')
        if has_verdicts:
            verdicts.append(verdict_line(kind, data, pin, record) + '\n')
    (directory / 'index.jsonl').write_text(''.join(index), 'utf-8')
    if has_verdicts:
        (directory / 'verdicts.jsonl').write_text(''.join(verdicts), 'utf-8')


if __name__ == '__main__':
    main(sys.argv[1:])
