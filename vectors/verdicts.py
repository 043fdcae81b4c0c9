#!/usr/bin/env python3
"""Writes what verify.py says of each file of an index, for comparing verifiers.

    python3 vectors/verdicts.py DIRECTORY

DIRECTORY/index.jsonl has a line for each: {"file":…,"kind":…} with "pin" (the pin line) and the files of what else is given:
"record", "walk", "trust", "memory", of a fork proof the "other" note and the "proof"; names are relative to DIRECTORY.
DIRECTORY/verdicts.jsonl gets a line for each: what `verify.py --json` prints for it, or {"exit":2} where walk file, trust file or
memory can't be taken; the time is not known. Of a kind that is no evidence but a form (`FORMS`) it says how the file is read, as one
text. What verify.py does not expect of any file, an exception that is no refusal, is written as {"raised":…}.
"""
import functools
import json
import pathlib
import sys
from collections import namedtuple

import run_verify_py as runner
from run_verify_py import verify

# What is given to a verifier; all but the first two are None where there is none. `data` of a fork proof is one of its notes.
PARTS = ('record', 'walk', 'trust', 'memory', 'other', 'proof')
Given = namedtuple('Given', ('kind', 'data', 'pin') + PARTS, defaults=[None] * 7)
REFUSED = 'refused'


def judged(given):
    try:
        trust, memory = verify.if_given(verify.parse_trust, given.trust), verify.if_given(verify.parse_memory, given.memory)
        pin = trust.pin if trust else given.pin
        verdict = (verify.verify_export(given.data, pin, given.walk, memory) if given.kind == 'export' else
                   verify.verify_batch_receipt(given.data, pin, given.record, given.walk) if given.kind == 'batch_receipt' else
                   verify.verify_proof(given.data, pin, given.walk) if given.kind == 'prove' else
                   verify.verify_fork(given.data, given.other, given.proof, pin, given.walk) if given.kind == 'fork' else
                   verify.verify_receipt(given.data, pin, given.record, given.walk))
        if trust:
            verify.judge_trust(verdict, trust)
        if memory is not None:
            verify.judge_memory(verdict, memory)
    except verify.Refused:
        return {'exit': 2}
    return {'exit': verdict.exit_code(), **verdict.axes}


def event_form(data):
    return 'ok' if verify.attempt(verify.check_event, data) is not None else REFUSED


def head_form(data):
    status, head = verify.judge_head(data)
    if head is None:
        return status
    texts = (head.kind, head.by, head.via, head.digest, b'%d' % head.seq, head.time, head.prev)
    return ' '.join(text.decode() for text in texts)


def line_form(data):
    """How long the parts are that a record line is cut into."""
    cut = verify.attempt(verify.cut_record, data)
    return 'malformed' if cut is None else ' '.join('none' if part is None else str(len(part)) for part in cut)


def note_form(data):
    note = verify.attempt(verify.parse_note, data)
    if note is None:
        return 'malformed'
    lines = ['%s %s %d' % (name.decode(), key_id.hex(), len(rest)) for (name, key_id), rest in note.signatures.items()]
    checkpoint = verify.attempt(verify.parse_checkpoint, data)
    said = 'malformed' if checkpoint is None else '%s %d %s %d' % (
        checkpoint.origin.decode(), checkpoint.size, checkpoint.root.hex(), checkpoint.post_quantum)
    return ', '.join([*lines, 'checkpoint: ' + said])


def key_text(key):
    return '%s %d %s %s' % (key.name.decode(), key.type, key.key_id.hex(), key.public.hex())


def vkey_form(data):
    key = verify.attempt(verify.parse_vkey, data)
    return REFUSED if key is None else key_text(key)


def pin_form(data):
    pin = verify.attempt(verify.parse_pin, data.decode('utf-8', 'surrogateescape'))
    return REFUSED if pin is None else '%s %s' % (pin[0].decode(), key_text(pin[1]))


def key_set_text(keys):
    return '%s; %d of %s' % (', '.join(map(key_text, keys.keys)), keys.threshold, ', '.join(map(key_text, keys.recovery)))


def genesis_form(data):
    genesis = verify.attempt(verify.parse_genesis, data)
    return REFUSED if genesis is None else '%s: %s' % (genesis[0].decode(), key_set_text(genesis[1]))


def key_event_form(origin, data):
    event = verify.attempt(verify.parse_key_event, origin, data)
    return REFUSED if event is None else '%s: %s' % (event[0].decode(), key_set_text(event[1]))


def policy_form(data):
    policy = verify.Policy.__new__(verify.Policy)
    try:
        policy.__init__(data)
    except verify.Refused:
        return 'line %d' % policy.line
    names = list(policy.witnesses)
    alone = [number for number, name in enumerate(names) if policy.is_met({name})]
    all_but = [number for number, name in enumerate(names) if policy.is_met({*names} - {name})]
    return '%d logs, %d witnesses, none: %s, alone: %s, all but: %s' % (
        len(policy.logs), len(names), policy.is_met(set()), alone, all_but)


def trust_form(data):
    try:
        trust = verify.parse_trust(data)
    except verify.Refused as refused:
        return str(refused).partition(':')[0]
    return '%s %s' % (trust.signatures, 'policy' if trust.policy else 'no policy')


def memory_form(data):
    try:
        memory = verify.parse_memory(data)
    except verify.Refused as refused:
        return str(refused)
    return ', '.join('%s %d' % (origin.decode(), checkpoint.size) for origin, checkpoint in memory.items())


# Two logs whose keys the records of the vectors give.
FORMS = {'event': event_form, 'head': head_form, 'line': line_form, 'note': note_form, 'vkey': vkey_form, 'pin': pin_form,
         'genesis': genesis_form, 'policy': policy_form, 'trust file': trust_form, 'memory file': memory_form,
         'key event of orders': functools.partial(key_event_form, b'log.example.org/orders/00112233445566ff'),
         'key event of _node': functools.partial(key_event_form, b'log.example.org/_node/00112233445566ff')}


def verdict(given):
    try:
        return {'form': FORMS[given.kind](given.data)} if given.kind in FORMS else judged(given)
    except Exception as error:
        return {'raised': '%s: %s' % (type(error).__name__, error)}


def main(arguments):
    if len(arguments) != 1:
        sys.exit('usage: verdicts.py DIRECTORY')
    # Most files of an index carry one of a few signatures.
    verify.ed25519_ok = functools.lru_cache(None)(verify.ed25519_ok)
    directory = pathlib.Path(arguments[0])
    read = functools.lru_cache(64)(lambda name: (directory / name).read_bytes())
    with open(directory / 'index.jsonl', encoding='utf-8') as index, open(directory / 'verdicts.jsonl', 'w', encoding='utf-8') as out:
        for line in index:
            entry = json.loads(line)
            parts = {part: read(entry[part]) for part in PARTS if part in entry}
            given = Given(entry['kind'], read(entry['file']), entry.get('pin'), **parts)
            out.write(json.dumps(verdict(given), ensure_ascii=False, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main(sys.argv[1:])
