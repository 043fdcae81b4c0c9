#!/usr/bin/env python3
"""Runs verify.py on every case of the vectors that its functions cover, as README.md says a case is compared.

    python3 vectors/run_verify_py.py        prints what came out otherwise and `N passed, M failed`; ends with 1 if M > 0

Not covered, because verify.py does none of it: the reasons of event.json (it only accepts or refuses, and only stored
events), key derivation, frontiers and tiles.
"""
import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
VECTORS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(VECTORS.parent))
import verify  # noqa: E402 (its directory had to be found first)


def load(name):
    return json.loads((VECTORS / (name + '.json')).read_text('ascii'))


def bytes_of(case, name, bases=None):
    """The input of a case: text, base64, a repeated part between two others, or the edited input of another case."""
    if 'base' in case:
        data = bytes_of(bases[case['base']], name, bases)
        for offset, removed, inserted in sorted(case['edits'], reverse=True):
            data = data[:offset] + inserted.encode() + data[offset + removed:]
        return data
    if 'count' in case:
        return part(case, 'prefix') + part(case, 'repeat') * case['count'] + part(case, 'suffix')
    return part(case, name)


def part(case, name):
    return case[name].encode() if name in case else base64.b64decode(case[name + '_b64'])


def hashes(texts):
    return [bytes.fromhex(text) for text in texts]


def verdict_cases(name, member=None):
    """(case, its file, its record line or None) for each case of a file whose cases expect verdicts."""
    cases = load(name)['cases']
    bases = {case['name']: case for case in cases}
    for case in cases:
        has_record = 'record' in case or 'record_b64' in case
        yield case, bytes_of(case, member or name, bases), part(case, 'record') if has_record else None


def event_results():
    for case in load('event')['cases']:
        data, expected = bytes_of(case, 'input'), case['expect']
        minified = expected.get('minified_sha256')
        if 'minified_b64' in expected:
            minified = hashlib.sha256(base64.b64decode(expected['minified_b64'])).hexdigest()
        # As a stored event an input is in order if it is accepted and minifying it changes nothing.
        is_stored_form = hashlib.sha256(data).hexdigest() == minified
        yield case['name'], verify.attempt(verify.check_event, data, case.get('limit', 1 << 20)) is not None, is_stored_form


def head_results():
    vectors, letters = load('head'), {verify.OK: 'v', verify.INVALID: 'i', verify.UNSUPPORTED: 'u'}

    def letter(data):
        status, head = verify.judge_head(data)
        return 'v' if head else letters[status]  # a reserved kind's head is valid; its record is what isn't supported

    for case in vectors['cases']:
        data = bytes_of(case, 'head')
        yield case['name'], letter(data), case['expect'][0]
        for field, value in (verify.judge_head(data)[1]._asdict() if case['expect'] == 'valid' else {}).items():
            yield case['name'] + ': ' + field, value if field == 'seq' else value.decode(), case['fields'][field]
    head = vectors['single_byte_head'].encode()
    for at, expected in vectors['single_byte_replace']:
        got = ''.join(letter(head[:at] + bytes([byte]) + head[at + 1:]) for byte in range(256))
        yield 'byte %d replaced' % at, got, expected
    got = ''.join(letter(head[:at] + head[at + 1:]) for at in range(len(head)))
    yield 'a byte removed', got, vectors['single_byte_remove']
    for byte, expected in vectors['single_byte_insert']:
        got = ''.join(letter(head[:at] + bytes.fromhex(byte) + head[at:]) for at in range(len(head) + 1))
        yield 'byte %s inserted' % byte, got, expected


def record_results():
    vectors = load('record')
    for case in vectors['lines']:
        cut = verify.attempt(verify.cut_record, bytes_of(case, 'line'))
        got = 'malformed' if cut is None else dict(
            zip(('head', 'salt', 'event'), (part if part is None else part.decode() for part in cut)))
        yield case['name'], got, case['expect']
    for case in vectors['values']:
        head, salt, event = (case[key].encode() for key in ('head', 'salt', 'event'))
        yield 'digest', verify.content_ok(salt, event, case['digest'].encode()), True
        tree = verify.RangeTree(0)
        tree.add(verify.sha256(head))
        yield 'leaf', tree.root(1, []).hex(), case['leaf']


def key_set(said):
    keys, recovery = ([verify.parse_vkey(line.encode()) for line in lines]
                      for lines in (said['keys'], said['recovery']['keys']))
    keys = [key for key in keys if key.type == verify.ED25519]
    return verify.KeySet(keys, said['recovery']['threshold'], recovery)


def key_results():
    vectors = load('keys')
    for case in vectors['origins']:
        yield case['origin'], verify.log_name(case['origin'].encode()) is not None, case['valid']
    for case in vectors['vkeys']:
        key = verify.attempt(verify.parse_vkey, bytes_of(case, 'vkey'))
        got = 'refused' if key is None else {
            'name': key.name.decode(), 'type': key.type, 'key_id': key.key_id.hex(), 'public': key.public.hex()}
        yield case['name'], got, case['expect']
    for case in vectors['genesis']:
        got, expected = verify.attempt(verify.parse_genesis, bytes_of(case, 'event')), None
        if case['expect'] != 'invalid':
            expected = case['expect']['origin'].encode(), key_set(case['expect'])
        yield case['name'], got, expected
    for case in vectors['key_events']:
        got, expected = verify.attempt(verify.parse_key_event, case['origin'].encode(), bytes_of(case, 'event')), None
        if case['expect'] != 'invalid':
            expected = case['expect']['key'].encode(), key_set(case['expect'])
        yield case['name'], got, expected
    for case in vectors['pins']:
        got, expected = verify.attempt(verify.parse_pin, bytes_of(case, 'pin').decode('utf-8', 'surrogateescape')), None
        if case['expect'] != 'invalid':
            expected = case['expect']['id'].encode(), verify.parse_vkey(case['expect']['vkey'].encode())
        yield case['name'], got, expected


def note_results():
    for case in load('note')['cases']:
        data, got = bytes_of(case, 'note'), {'parse': 'malformed'}
        note, checkpoint = verify.attempt(verify.parse_note, data), verify.attempt(verify.parse_checkpoint, data)
        if note:
            got = {'parse': 'ok', 'checkpoint': 'malformed', 'ml_dsa_lines': 0}
            status = verify.verify_note(note, verify.parse_vkey(case['vkey'].encode()))
            got['verify'] = {'unknown key': 'no line', 'signature invalid': 'invalid'}.get(status, status)
        if checkpoint:
            got['checkpoint'] = {'origin': checkpoint.origin.decode(), 'size': checkpoint.size,
                                 'root': checkpoint.root.hex()}
            got['ml_dsa_lines'] = checkpoint.post_quantum
        yield case['name'], got, case['expect']


def tree_entry(index):
    return hashlib.sha256(b'%d' % index).digest()


def subtree_root(case):
    tree = verify.RangeTree(case['first'])
    for index in range(case['first'], case['first'] + case['count']):
        tree.add(tree_entry(index))
    left_fits = len(case['left']) == bin(case['first']).count('1')
    root = verify.attempt(tree.root, case['size'], hashes(case['left'] + case['right']))
    return root.hex() if root and left_fits else None


def tree_results():
    vectors = load('tree')
    roots = {case['size']: case['root'] for case in vectors['roots']}
    tree = verify.RangeTree(0)
    for size in range(1, max(roots) + 1):
        tree.add(tree_entry(size - 1))
        if size in roots:
            yield 'root of %d' % size, tree.root(size, []).hex(), roots[size]
    for case in vectors['inclusion'] + vectors['invalid_inclusion']:
        entry = bytes.fromhex(case['entry']) if 'entry' in case else tree_entry(case['index'])
        root = verify.attempt(verify.inclusion_root, verify.sha256(b'\0' + entry), case['index'], case['size'],
                              hashes(case['proof']))
        is_good = (root or b'').hex() == case.get('root', roots.get(case['size']))
        yield case.get('name', '%(index)d in %(size)d' % case), is_good, 'name' not in case
    for case in vectors['consistency'] + vectors['invalid_consistency']:
        if case['old'] > 0 and case['new'] > 0:
            old, new = ((case[size], bytes.fromhex(case.get(size + '_root') or roots[case[size]]))
                        for size in ('old', 'new'))
            is_good = verify.is_consistent(old, new, hashes(case['proof']))
            yield case.get('name', '%(old)d to %(new)d' % case), is_good, 'name' not in case
    for case in vectors['subtree'] + vectors['invalid_subtree']:
        if case['count'] > 0 and case['first'] + case['count'] <= case['size']:
            name = case.get('name', '%(first)d+%(count)d in %(size)d' % case)
            yield name, subtree_root(case) == roots[case['size']], 'name' not in case


def receipt_results():
    for case, data, record in verdict_cases('receipt'):
        verdict = verify.verify_receipt(data, case.get('pin'), record)
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case['expect']


def batch_receipt_results():
    for case, data, records in verdict_cases('batch_receipt'):
        verdict = verify.verify_batch_receipt(data, case.get('pin'), records)
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case['expect']


def prove_results():
    for case, data, _ in verdict_cases('prove', 'proof'):
        verdict = verify.verify_proof(data, case.get('pin'))
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case['expect']


def policy_results():
    for case in load('policy')['cases']:
        policy = verify.Policy.__new__(verify.Policy)
        try:
            policy.__init__(bytes_of(case, 'policy'))
        except verify.Refused:
            yield case['name'], {'refuse': policy.line}, case['expect']
            continue
        names, count = list(policy.witnesses), len(policy.witnesses)
        some = ([number for number in range(count) if bits >> number & 1] for bits in range(1 << count))
        is_asked = policy.quorum != b'none'
        met = [chosen for chosen in some if is_asked and policy.is_met({names[number] for number in chosen})]
        got = {'logs': len(policy.logs), 'witnesses': count, 'asks': is_asked, 'met': sorted(met)}
        yield case['name'], got, {**case['expect'], 'met': sorted(case['expect'].get('met', []))}


def trust_results():
    for case in load('trust')['cases']:
        try:
            trust = verify.parse_trust(case['trust'].encode())
        except verify.Refused as refused:
            yield case['name'], str(refused).partition(':')[0], case.get('refuse')
            continue
        verdict, _ = judged({**case, 'pin': trust.pin})
        verify.judge_trust(verdict, trust, case.get('now'), case.get('max_age'))
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case.get('expect')


def judged(case):
    """The Verdict on what a case shows under `kind`, under a pin, beside a walk file and with a memory where it has one."""
    data, pin, walk = case['evidence'].encode(), case.get('pin'), verify.if_given(str.encode, case.get('walk'))
    record = verify.if_given(str.encode, case.get('record'))
    memory = verify.parse_memory(case['memory'].encode()) if 'memory' in case else {}
    return {'receipt': lambda: verify.verify_receipt(data, pin, record, walk),
            'batch_receipt': lambda: verify.verify_batch_receipt(data, pin, record, walk),
            'proof': lambda: verify.verify_proof(data, pin, walk),
            'export': lambda: verify.verify_export(data, pin, walk, memory)}[case['kind']](), memory


def memory_results():
    for case in load('memory')['cases']:
        if 'refuse' in case:
            try:
                verify.parse_memory(bytes_of(case, 'memory'))
                yield case['name'], 'read', case['refuse']
            except verify.Refused as refused:
                yield case['name'], str(refused), 'line %d of the memory file has not its form' % case['refuse']
            continue
        verdict, memory = judged(case)
        verify.judge_memory(verdict, memory)
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case['expect']
        verify.learn(verdict, memory)
        yield case['name'] + ': learnt', verify.write_memory(memory).decode(), case.get('after', case['memory'])


def program_results():
    """verify.py as a program: what it keeps of memory.json's cases between two runs, and the notes of a fork it finds."""
    kept = {'larger': 'by the new key, pin of the old key', 'fork': 'proof by the new key, remembered by the old, another root, walk file',
            'walk': 'proof by the new key, remembered by the old, walk file', 'first': 'nothing remembered: an empty memory'}
    cases = {case['name']: case for case in load('memory')['cases']}
    for word, name in kept.items():
        case = cases[name]
        with tempfile.TemporaryDirectory() as directory:
            def run(*arguments):
                ended = subprocess.run([sys.executable, str(VECTORS.parent / 'verify.py'), '--json', '--pin', case['pin'], *arguments],
                                       cwd=directory, capture_output=True, text=True)
                return json.loads(ended.stdout or '{}'), ended.returncode
            for part in ('memory', 'evidence', 'walk'):
                if part in case and (part, word) != ('memory', 'first'):
                    (pathlib.Path(directory) / part).write_text(case[part])
            walk = ['--walk', 'walk'] * ('walk' in case)
            answer, code = run('--remember', 'memory', *walk, 'evidence')
            yield name + ': as a program', (answer, code), (case['expect'], case['expect']['exit'])
            left = (pathlib.Path(directory) / 'memory').read_text()
            yield name + ': what is kept', left, case.get('after', case['memory'])
            if word == 'fork':
                notes = sorted(path.name for path in pathlib.Path(directory).glob('memory.fork-*'))
                answer, code = run('--fork', *walk, *notes, 'evidence')
                yield name + ': its notes', (len(notes), answer.get('consistency'), code), (2, 'fork', 1)
            else:
                answer, code = run('--remember', 'memory', *walk, 'evidence')
                yield name + ': again', (answer.get('consistency'), code), ('ok', 0)
            (pathlib.Path(directory) / 'memory').write_text(left[:-1])
            answer, code = run('--remember', 'memory', *walk, 'evidence')
            yield name + ': a memory cut short', (answer, code, (pathlib.Path(directory) / 'memory').read_text()), ({}, 2, left[:-1])


def fork_results():
    for case in load('fork')['cases']:
        one, other, proof, walk = (verify.if_given(str.encode, case.get(name)) for name in ('one', 'other', 'proof', 'walk'))
        verdict = verify.verify_fork(one, other, proof, case.get('pin'), walk)
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case['expect']


def export_results():
    for case, data, _ in verdict_cases('export'):
        verdict = verify.verify_export(data, case.get('pin'))
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case['expect']


def walk_files():
    """Name to the bytes of each walk file of walk.json."""
    cases = load('walk')['walks']
    bases = {case['name']: case for case in cases}
    return {case['name']: bytes_of(case, 'walk', bases) for case in cases}


def refused_walk(data):
    try:
        return verify.read_walk_file(data), None
    except verify.Refused as refused:
        return None, 'unsupported' if str(refused).endswith(verify.UNSUPPORTED) else 'malformed'


def walk_results():
    vectors, files = load('walk'), walk_files()
    for case in vectors['walks']:
        file, got = refused_walk(files[case['name']])
        got, expected = got or ('good' if file.is_good else 'not good'), case['expect']
        yield case['name'], got, expected['walk']
        if got == 'good':
            hinges = [{'size': size, 'root': root.hex()} for size, root in file.walk.hinges[1:]]
            sets = [[verify.parse_vkey(line.encode()) for line in lines] for lines in expected['sets']]
            yield case['name'] + ': hinges', hinges, expected['hinges']
            yield case['name'] + ': sets', [keys.keys for keys in file.walk.sets], [
                [key for key in keys if key.type == verify.ED25519] for keys in sets]
    for case in vectors['pins']:
        file, pin = verify.read_walk_file(files[case['walk']]), verify.parse_pin(case['pin'])
        yield case['name'], file.is_good and file.walk.has(pin), case['of']


def beside_results():
    """Receipts and exports beside walk files. A walk file that can't be taken is a usage error, and nothing is judged."""
    vectors, files = load('walk'), walk_files()
    for case in vectors['receipts'] + vectors['exports']:
        walk, pin = files[case['walk']], case.get('pin')
        if refused_walk(walk)[1]:
            yield case['name'], {'exit': 2}, case['expect']
            continue
        if 'receipt' in case:
            record = case['record'].encode() if 'record' in case else None
            verdict = verify.verify_receipt(case['receipt'].encode(), pin, record, walk)
        else:
            verdict = verify.verify_export(case['export'].encode(), pin, walk)
        yield case['name'], {**verdict.axes, 'exit': verdict.exit_code()}, case['expect']


def main():
    passed = failed = 0
    for results in (event_results, head_results, record_results, key_results, note_results, tree_results,
                    receipt_results, batch_receipt_results, prove_results, policy_results, trust_results, memory_results, program_results, fork_results,
                    export_results, walk_results, beside_results):
        for name, got, expected in results():
            passed, failed = passed + (got == expected), failed + (got != expected)
            if got != expected:
                print('%s: %s: got %.300r, expected %.300r' % (results.__name__, name, got, expected))
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
