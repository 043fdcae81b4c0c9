#!/usr/bin/env python3
"""Writes damaged exports, receipts, proofs, notes, walk files, trust files and memories, made from the vectors' good ones, for
comparing verifiers.

    python3 vectors/mutate.py SEED COUNT DIRECTORY

The same seed and count give the same files. DIRECTORY/index.jsonl has a line for each, as verdicts.py reads it. Every second
export, and most walk files, get their last line's digest made right again after the damage, so that what lies behind that
check is reached.
"""
import base64
import hashlib
import json
import pathlib
import random
import re
import sys

import run_verify_py as runner
from run_verify_py import verify
from verdicts import PARTS, Given

MEMBERS = {'prove': 'proof'}


def good_cases(name):
    """The cases of a file in which nothing is wrong."""
    cases = runner.verdict_cases(name, MEMBERS.get(name))
    return [Given(name, data, case['pin'], record) for case, data, record in cases
            if case['expect']['exit'] == 0]


def beside_cases():
    """What walk.json shows beside walk files that can be taken, whatever the verdict."""
    vectors, files = runner.load('walk'), runner.walk_files()
    for case in vectors['receipts'] + vectors['exports']:
        kind = 'receipt' if 'receipt' in case else 'export'
        if case['expect'] != {'exit': 2}:
            record = case['record'].encode() if 'record' in case else None
            yield Given(kind, case[kind].encode(), case.get('pin'), record, files[case['walk']])


def shown_cases(name):
    """What memory.json, trust.json and fork.json show, whatever the verdict."""
    for case in runner.load(name)['cases']:
        if 'refuse' not in case:
            kind = case.get('kind', 'fork')
            parts = {part: case[part].encode() for part in PARTS if part in case}
            yield Given('prove' if kind == 'proof' else kind, case.get('evidence', case.get('one')).encode(), case.get('pin'), **parts)


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
POOLS = ('export', 'export', 'export', 'receipt', 'receipt with record', 'batch_receipt', 'batch_receipt with record',
         'prove', 'beside', 'beside', 'memory', 'memory', 'trust', 'fork')
DAMAGES = (flip_bit, change_byte, change_digit, remove_bytes, insert_bytes, truncate, delete_line, duplicate_line,
           swap_lines, splice_line, splice_files, change_base64)


def damage(chance, data, other):
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        data = chance.choice(DAMAGES)(chance, data, other) if data else data
    return data


def with_digest(file):
    """The export or walk file with the digest of its last line made right."""
    body, end, _ = file.rpartition(b'{"end":1,"sha256":"')
    return body + end + hashlib.sha256(body).hexdigest().encode() + b'"}\n' if end else file


def mutants(seed, count):
    """What is given, one part of it damaged."""
    chance, good = random.Random(seed), {name: good_cases(name) for name in KINDS}
    good['beside'] = list(beside_cases())
    good.update((name, list(shown_cases(name))) for name in ('memory', 'trust', 'fork'))
    for kind in ('receipt', 'batch_receipt'):
        good[kind + ' with record'] = [given for given in good[kind] if given.record]
    for number in range(count):
        pool = chance.choice(POOLS)
        given, other = chance.choice(good[pool]), chance.choice(good[pool])
        part = chance.choice([name for name in ('data',) + PARTS if getattr(given, name)])
        damaged = damage(chance, getattr(given, part), getattr(other, part) or getattr(given, part))
        if part == 'walk' and number % 8 or part == 'data' and given.kind == 'export' and number % 2:
            damaged = with_digest(damaged)
        pin = chance.choice([given.pin, given.pin, given.pin, given.pin, None, other.pin])
        yield given._replace(**{part: damaged, 'pin': pin})


def main(arguments):
    if len(arguments) != 3:
        sys.exit('usage: mutate.py SEED COUNT DIRECTORY')
    directory, index = pathlib.Path(arguments[2]), []
    directory.mkdir(parents=True, exist_ok=True)
    for number, given in enumerate(mutants(int(arguments[0]), int(arguments[1]))):
        entry = {'file': '%06d.%s' % (number, given.kind), 'kind': given.kind}
        (directory / entry['file']).write_bytes(given.data)
        if given.pin is not None:
            entry['pin'] = given.pin
        for part in PARTS:
            if getattr(given, part) is not None:
                entry[part] = '%06d.%s' % (number, part)
                (directory / entry[part]).write_bytes(getattr(given, part))
        index.append(json.dumps(entry) + '\n')
    (directory / 'index.jsonl').write_text(''.join(index), 'utf-8')


if __name__ == '__main__':
    main(sys.argv[1:])
