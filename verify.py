#!/usr/bin/env python3
"""Verify an indelible export or receipt with nothing but this file and Python 3.9 or later.

    python3 verify.py [--json] [--pin LINE] [--walk FILE] EXPORT
    python3 verify.py [--json] [--pin LINE] [--walk FILE] RECEIPT [RECORD]      a file may be -, standard input

What to trust: this file, Python's standard library, and the pin line, `indelible-pin-v1 <log id> <verifier key>`, which
must reach you by another way than the file. Without a pin an export is checked against the key it carries itself, a
receipt against none, and the verdict says `self-keyed`: it holds together, but anybody may have made it.

A log's keys change. An export carries the walk from its log's id to the keys of its time. A walk file does the same for
a receipt, and tells for both of the keys that came later.

Written from docs/spec alone, whose pages the headings below name; it shares no code with the program that writes the
files. Every file gets a verdict of five axes and an exit code (verdicts.md). An export is read line by line: memory is
bounded by what one event, 256 heads and the keys of a walk take. Not known here: stores, older exports, witnesses,
ML-DSA.
"""
import base64
import datetime
import getopt
import hashlib
import io
import ipaddress
import json
import re
import sys
from collections import namedtuple

# ---- limits.md, and the notation of README.md -----------------------------------------------------------------------
HEAD_BYTES_MAX, EVENT_BYTES_MAX, DEPTH_MAX, MEMBERS_MAX, NUMBER_BYTES_MAX = 4096, 16 << 20, 64, 10000, 128
ORIGIN_BYTES_MAX, NOTE_BYTES_MAX, NOTE_LINES_MAX, PROOF_HASHES_MAX, SEQS_NAMED_MAX = 200, 256 << 10, 64, 63, 8
LINE_BYTES_MAX, RECEIPT_BYTES_MAX, RECORD_FILE_BYTES_MAX = EVENT_BYTES_MAX + (8 << 10), 512 << 10, 64 << 20
INTEGER_END, TREE_SIZE_END = 1 << 53, 1 << 63  # the first value that is too large
WALK_FILE_BYTES_MAX, HINGES_MAX = 64 << 20, 1024
HEX64, INTEGER = rb'[0-9a-f]{64}', rb'(?:0|[1-9]\d{0,18})'

class Refused(ValueError):
    """Bytes that have not the form a page demands, and why."""

def need(condition, why='not of the form that is due here'):
    if not condition:
        raise Refused(why)

def attempt(function, *arguments):
    """What the function gives, or None where it refuses."""
    try:
        return function(*arguments)
    except ValueError:
        return None

def if_given(function, argument):
    return None if argument is None else function(argument)

def between(line, prefix, suffix):
    need(len(line) >= len(prefix + suffix) and line.startswith(prefix) and line.endswith(suffix))
    return line[len(prefix):len(line) - len(suffix)]

def decode_base64(text, length=None):
    data = attempt(base64.b64decode, text, None, True)
    need(data is not None and base64.b64encode(data) == text and length in (None, len(data)), 'not canonical base64')
    return data

def decode_integer(text, end):
    need(re.fullmatch(INTEGER, text) and int(text) < end, 'not an integer in its bounds')
    return int(text)

def sha256(data):
    return hashlib.sha256(data).digest()

# ---- event.md -------------------------------------------------------------------------------------------------------
# A pair of surrogates is one escape; half of a pair is none.
ESCAPE = re.compile(rb'\\(?:["\\/bfnrt]|u(?:[0-9abcefABCEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
                    rb'|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))')

def check_event(data, limit=EVENT_BYTES_MAX):
    """True for a stored event: one object of the profile, minified, not too large; others are refused."""
    need(len(data) <= limit and data[:1] == b'{')
    # Python's parser knows the grammar; checked here is what it lets pass. Escapes become `?` (the parser refuses both
    # outside strings), then each string a lone `"`; no white space, control byte or backslash may be left over.
    skeleton, depth = re.sub(rb'"[^"\\\x00-\x1f]*"', b'"', ESCAPE.sub(b'?', data)), 0
    need(re.fullmatch(rb'[!-\[\]-~]*', skeleton))
    for bracket in re.finditer(rb'[][{}]', skeleton):
        depth += 1 if bracket[0] in b'[{' else -1
        need(depth <= DEPTH_MAX)
    return json.loads(data.decode(), object_pairs_hook=check_members, parse_int=check_number, parse_float=check_number,
                      parse_constant=check_number)

def check_members(members):
    names = {name for name, _ in members}
    need(len(members) == len(names) <= MEMBERS_MAX and not any('\0' in name for name in names))
    return True

def check_number(text):
    # Python rounds to the nearest binary64, and to infinity where no finite one is nearest. NaN is not less either.
    need(len(text) <= NUMBER_BYTES_MAX and abs(float(text)) < float('inf'))

# ---- record.md ------------------------------------------------------------------------------------------------------
OK, INVALID, UNSUPPORTED = 'ok', 'invalid', 'unsupported version'
ANY = rb'[!#-\[\]-z|~]'  # 0x21 to 0x7E without " \ { }
PERCENT = rb'%(?:[01][0-9A-F]|2[025]|5C|7[BDF]|[89A-F][0-9A-F])'  # the bytes that ANY leaves out, and % itself
ENCODED = rb'[!#$&-\[\]-z|~]*(?:' + PERCENT + rb'[!#$&-\[\]-z|~]*)*'
TIME = rb'[2-9]\d{3}-[01]\d-[0-3]\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{9}Z'
HEAD = re.compile(
    rb'\{"indelible":0,"log":"(?P<log>' + ANY + rb'+)","kind":"(?P<kind>genesis|key|stream|repair|clock|node|event'
    rb'|(?P<reserved>settings|expiry|erasure|successor))","by":"(?=[^"])(?P<by>' + ENCODED + rb')"'
    rb',"via":"(?P<via>[a-z0-9-]{1,32}/[a-z0-9-]{1,32})"(?:,"from":"(?!::ffff:[^:]+:[^:]+")(?P<from>[0-9a-f.:]+)")?'
    rb'(?:,"cert":"' + HEX64 + rb'")?(?:,"policy":(?P<policy>' + INTEGER + rb'))?'
    rb'(?:,"format":"[a-z0-9][a-z0-9._-]{0,31}")?(?:,"occurred":"(?P<occurred>' + TIME + rb')")?(?:,"src":"'
    rb'(?=[^"]{1,128}")' + ENCODED + rb'","epoch":(?P<epoch>' + INTEGER + rb'),"n":(?P<n>' + INTEGER + rb'))?'
    rb'(?:,"key":"(?=[^"#]{1,128}["#])' + ENCODED.replace(b'#', b'') + rb'(?:#(?P<part>' + INTEGER + rb'))?")?'
    rb'(?:,"psig":"' + HEX64 + rb'")?,"digest":"(?P<digest>' + HEX64 + rb')","seq":(?P<seq>' + INTEGER + rb')'
    rb',"time":"(?P<time>' + TIME + rb')","prev":"(?P<prev>' + HEX64 + rb')"\}')
FIELDS = frozenset(re.findall(rb'"([a-z]+)":', HEAD.pattern))
SHAPE_MEMBER = rb'"([a-z0-9_]{1,32})":((?:0|[1-9][0-9]{0,19})|"' + ANY + rb'*")'
SHAPE = re.compile(rb'\{' + SHAPE_MEMBER + rb'(?:,' + SHAPE_MEMBER + rb')*\}')
LABEL = rb'[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
ORIGIN = re.compile(LABEL + rb'(?:\.' + LABEL + rb')*(?:/[a-z0-9][a-z0-9._-]{0,62})*'
                    rb'/([a-z0-9][a-z0-9_-]{0,62}|_node)/[0-9a-f]{16}')
Head = namedtuple('Head', 'log kind by via digest seq time prev')

def judge_head(data):
    """('ok' or 'unsupported version', Head) for a valid head, ('invalid' or 'unsupported version', None) for others."""
    if len(data) > HEAD_BYTES_MAX or not SHAPE.fullmatch(data):
        return INVALID, None
    (first, version), *others = re.findall(SHAPE_MEMBER, data)
    if first != b'indelible' or version.startswith(b'"'):
        return INVALID, None
    if version != b'0' or any(name not in FIELDS for name, _ in others):
        return UNSUPPORTED, None
    found = HEAD.fullmatch(data)
    if not found or not values_ok(found):
        return INVALID, None
    head = Head(*found.group(*Head._fields))._replace(seq=int(found['seq']))
    # The reserved kinds have valid heads, and yet a verifier of version 0 can't tell what such a record means.
    return UNSUPPORTED if found['reserved'] else OK, head

def values_ok(head):
    """What HEAD leaves open."""
    peer = (head['from'] or b'::').decode()
    return (log_name(head['log']) is not None and int(head['part'] or 0) < 65536
            and str(attempt(ipaddress.ip_address, peer)) == peer
            and all(int(number or 0) < INTEGER_END for number in head.group('seq', 'policy', 'epoch', 'n'))
            and all(attempt(datetime.date.fromisoformat, time[:10].decode())
                    for time in head.group('time', 'occurred') if time))

def log_name(origin):
    """The log's name in an origin (keys.md), or None if it is not a valid one."""
    found = ORIGIN.fullmatch(origin)
    return found[1] if found and len(origin) <= ORIGIN_BYTES_MAX else None

def kind_ok(head):
    by_node = head.by.startswith(b'node:') and head.via == b'node/self'
    return ((head.kind == b'genesis') == (head.seq == 0) and (by_node or head.kind == b'event')
            and (log_name(head.log) == b'_node' or head.kind not in (b'repair', b'clock', b'node')))

def cut_record(line):
    """(head, salt, event) of a record line, or (head, None, None) of a bare head."""
    found = re.fullmatch(rb'\{"head":(\{[^}]*\})(?:,"salt":"(.{32})","event":(.*))?\}', line, re.DOTALL)
    need(found, 'not a record line')
    return found.groups()

def content_ok(salt, event, digest):
    return bool(re.fullmatch(rb'[0-9a-f]{32}', salt)) and sha256(salt + event).hex().encode() == digest

# ---- keys.md --------------------------------------------------------------------------------------------------------
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, SQRT_OF_MINUS_1 = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)

def ed25519_ok(public, message, signature):
    """RFC 8032, strictly: canonical encodings, S < L, nothing of small order, [S]B = R + [k]A without the cofactor."""
    key, r, s = decode_point(public), decode_point(signature[:32]), int.from_bytes(signature[32:], 'little')
    if len(signature) != 64 or s >= L or key is None or r is None:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), 'little') % L
    x, y, z, _ = add_multiples(s, BASE, k, (P - key[0], key[1], 1, P - key[3]))
    return (x, y) == (r[0] * z % P, r[1] * z % P)

def add_points(a, b):
    """RFC 8032 5.1.4, extended coordinates; the formula is complete, so it doubles too."""
    u, v, c, d = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0]), 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = (v - u) % P, (d - c) % P, (d + c) % P, (v + u) % P
    return e * f % P, g * h % P, f * g % P, e * h % P

def add_multiples(m, a, n, b):
    """[m]a + [n]b, both scalars bit by bit from the top."""
    total, table = (0, 1, 1, 0), (None, a, b, add_points(a, b))
    for bit in range(max(m.bit_length(), n.bit_length()) - 1, -1, -1):
        total, choice = add_points(total, total), (m >> bit & 1) + 2 * (n >> bit & 1)
        total = add_points(total, table[choice]) if choice else total
    return total

def decode_point(data):
    """RFC 8032 5.1.3; None if there is no such point, it is of small order, or the encoding is not canonical."""
    number = int.from_bytes(data, 'little')
    y, sign = number & (1 << 255) - 1, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * SQRT_OF_MINUS_1 % P
    if y >= P or x * x % P != square:
        return None
    x = x if x & 1 == sign else P - x
    point = x, y, 1, x * y % P
    # Both points with x = 0, for which the sign bit would be another question, are of small order.
    return None if add_multiples(8, point, 0, point)[0] == 0 else point

BASE = decode_point(b'\x58' + b'\x66' * 31)
ED25519, KEY_BYTES = 0x01, {0x01: 32, 0x06: 1312}  # 0x06: ML-DSA-44
VerifierKey, Pin = namedtuple('VerifierKey', 'name key_id type public'), namedtuple('Pin', 'log_id key')

def parse_vkey(line):
    found = re.fullmatch(rb'([^+]+)\+([0-9a-f]{8})\+(.*)', line)
    need(found, 'not a verifier key')
    name, material = found[1], decode_base64(found[3])
    need(material and KEY_BYTES.get(material[0]) == len(material) - 1, 'a verifier key of another type or length')
    key_id = sha256(name + b'\n' + material)[:4]
    need(key_id.hex().encode() == found[2], 'a verifier key with another key id')
    return VerifierKey(name, key_id, material[0], material[1:])

def parse_pin(line):
    found = re.fullmatch(rb'indelible-pin-v1 (' + HEX64 + rb') ([^ ]+?)\n?', line.encode('utf-8', 'surrogateescape'))
    need(found, 'not a pin line')
    key = parse_vkey(found[2])
    need(key.type == ED25519 and log_name(key.name), 'the pin line has not the Ed25519 key of a log')
    return Pin(found[1], key)

VKEYS = rb'"([^"\\]*(?:","[^"\\]*){0,7})"'
KEY_SET = (rb',"keys":\[' + VKEYS + rb'\],"recovery":\{"threshold":([0-8]),"keys":\[(?:' + VKEYS + rb')?\]\}'
           rb',"batch_key":(?:null|"(' + HEX64 + rb')")')
RECOVERY_NAME = re.compile(rb'[a-z0-9][a-z0-9._-]{0,63}')
KeySet = namedtuple('KeySet', 'keys threshold recovery')  # keys: those of type Ed25519
GENESIS = re.compile(
    rb'\{"genesis":0,"origin":"([^"\\]*)","node_log":(?:null|"(' + HEX64 + rb')")' + KEY_SET
    + rb',"node":"[0-9a-f]{32}","store":"[0-9a-f]{32}","limits":\{"event_bytes":(' + INTEGER
    + rb')\},"retention":null,"key_horizon":(' + INTEGER + rb')'
    rb',"clock":\{"ahead_ms":1000,"drift_ppm":500,"start_days":30\},"witness_policy":null,"predecessor":null'
    rb',"creator":"[ !#-\[\]-~]*","software":"[ !#-\[\]-~]*"\}')

KEY_EVENT = re.compile(rb'\{"key":"(rotation|recovery)","generation":([1-9]\d{0,15})' + KEY_SET + rb'\}')

def parse_key_set(origin, lines, threshold, recovery_lines, batch_key):
    """The KeySet by the members that KEY_SET finds."""
    keys = [parse_vkey(line) for line in lines.split(b'","')]
    recovery = [parse_vkey(line) for line in recovery_lines.split(b'","')] if recovery_lines is not None else []
    need(all(key.name == origin for key in keys) and (batch_key is not None) == (log_name(origin) == b'_node'))
    need(all(key.type == ED25519 and RECOVERY_NAME.fullmatch(key.name) for key in recovery))
    need(len({key.public for key in recovery}) == len(recovery) >= int(threshold) >= (len(recovery) > 0))
    keys = [key for key in keys if key.type == ED25519]
    need(keys, 'no key of type Ed25519')
    return KeySet(keys, int(threshold), recovery)

def parse_genesis(event):
    """(origin, KeySet) of a genesis record's event."""
    found = GENESIS.fullmatch(event)
    need(found and log_name(found[1]) and max(int(found[7]), int(found[8])) < INTEGER_END)
    origin, node_log = found.group(1, 2)
    need((node_log is None) == (log_name(origin) == b'_node'))
    return origin, parse_key_set(origin, *found.group(3, 4, 5, 6))

def parse_key_event(origin, event):
    """('rotation' or 'recovery', KeySet) of a key record's event."""
    found = KEY_EVENT.fullmatch(event)
    need(found and int(found[2]) < INTEGER_END)
    return found[1], parse_key_set(origin, *found.group(3, 4, 5, 6))

def hinge_ok(note, word, before, after):
    """Whether the note of a hinge is signed as one that ends the first KeySet and brings the second."""
    def statuses(keys):
        return [verify_note(note, key) for key in keys]
    if word == b'rotation':
        keeps_recovery = before.threshold == 0 or before[1:] == after[1:]
        return keeps_recovery and {*statuses(before.keys), *statuses(after.keys)} == {OK}
    recovery = statuses(before.recovery)
    return ({*statuses(after.keys)} == {OK} and 'signature invalid' not in recovery
            and recovery.count(OK) >= before.threshold > 0)

# ---- checkpoint.md --------------------------------------------------------------------------------------------------
# A leaf's hash is SHA-256(0x00 ‖ entry), a node's SHA-256(0x01 ‖ left ‖ right).
def split(count):
    return 1 << (count - 1).bit_length() - 1  # the largest power of two smaller than count

def inclusion_root(leaf, index, size, proof):
    """The root by a leaf's hash and its proof, the leaf's sibling first (RFC 6962 2.1.1)."""
    need(index < size and (size == 1) == (not proof), 'a proof of another length')
    if size == 1:
        return leaf
    left, below = split(size), proof[:-1]
    if index < left:
        return sha256(b'\1' + inclusion_root(leaf, index, left, below) + proof[-1])
    return sha256(b'\1' + proof[-1] + inclusion_root(leaf, index - left, size - left, below))

def consistency_roots(old, new, proof, old_root, is_whole=True):
    """The roots of sizes old and new by a consistency proof (RFC 6962 2.1.2), which may leave out old_root."""
    if old == new:
        need(len(proof) == (not is_whole), 'a proof of another length')
        return (old_root, old_root) if is_whole else (proof[0], proof[0])
    need(0 < old < new and proof, 'a proof of another length')
    left, below = split(new), proof[:-1]
    if old <= left:
        before, after = consistency_roots(old, left, below, old_root, is_whole)
        return before, sha256(b'\1' + after + proof[-1])
    before, after = consistency_roots(old - left, new - left, below, old_root, False)
    return sha256(b'\1' + proof[-1] + before), sha256(b'\1' + proof[-1] + after)

def is_consistent(old, new, proof):
    """Whether the proof leads from one (size, root) to the other."""
    return attempt(consistency_roots, old[0], new[0], proof, old[1]) == (old[1], new[1])

class RangeTree:
    """A range's entries, folded as they come into the roots of the largest perfect subtrees: a few dozen hashes."""
    def __init__(self, first):
        self.first, self.end, self.roots = first, first, {}  # (low, high): the root of the leaves [low, high)

    def add(self, entry):
        low, width, root = self.end, 1, sha256(b'\0' + entry)
        self.end += 1
        while low & width and (low - width, low) in self.roots:
            root = sha256(b'\1' + self.roots.pop((low - width, low)) + root)
            low, width = low - width, width * 2
        self.roots[low, low + width] = root

    def root(self, size, proof):
        """The root of the whole tree, by the subtree proof: what is left of the range, then what is right of it."""
        remaining = proof[::-1]
        root = self.walk(0, size, remaining)
        need(not remaining, 'a hash too many')
        return root

    def walk(self, low, high, remaining):
        if high <= self.first or low >= self.end:
            need(remaining, 'a hash too few')
            return remaining.pop()
        if (low, high) in self.roots:
            return self.roots[low, high]
        middle = low + split(high - low)
        return sha256(b'\1' + self.walk(low, middle, remaining) + self.walk(middle, high, remaining))

Note, Checkpoint = namedtuple('Note', 'text signatures'), namedtuple('Checkpoint', 'origin size root note post_quantum')
SIGNATURE = re.compile('\u2014 ([^ +\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+) ([!-~]+)')

def parse_note(data):
    """A Note: its text, and the signature of each (name, key id)."""
    need(len(data) <= NOTE_BYTES_MAX and attempt(data.decode) and not re.search(rb'[\0-\x09\x0b-\x1f]', data))
    end, signatures = data.rfind(b'\n\n') + 1, {}
    need(end > 0 and data.endswith(b'\n'))
    for line in data[end + 1:-1].split(b'\n', NOTE_LINES_MAX):
        found = SIGNATURE.fullmatch(line.decode())
        need(found and len(signatures) < NOTE_LINES_MAX)
        name, material = found[1].encode(), decode_base64(found[2].encode())
        need(len(material) >= 5 and (name, material[:4]) not in signatures)
        signatures[name, material[:4]] = material[4:]
    return Note(data[:end], signatures)

def parse_checkpoint(data):
    note = parse_note(data)
    lines = note.text.split(b'\n')
    need(len(lines) == 4 and log_name(lines[0]))
    size, root = decode_integer(lines[1], TREE_SIZE_END), decode_base64(lines[2], 32)
    need(size > 0 or root == sha256(b''))
    # Lines of the shape of an ML-DSA-44 cosignature of the log (timestamp, signature) are counted, not checked.
    post_quantum = sum(name == lines[0] and len(rest) == 8 + 2420 for (name, _), rest in note.signatures.items())
    return Checkpoint(lines[0], size, root, note, post_quantum)

def verify_note(note, key):
    """'ok', 'unknown key' or 'signature invalid', under an Ed25519 key."""
    signature = note.signatures.get((key.name, key.key_id))
    if signature is None:
        return 'unknown key'
    return OK if ed25519_ok(key.public, note.text, signature) else 'signature invalid'

def verify_any(note, keys):
    """'signature invalid' if the line of one of the keys is wrong, 'ok' if one is there, else 'unknown key'."""
    found = {verify_note(note, key) for key in keys}
    return next((text for text in ('signature invalid', OK) if text in found), 'unknown key')

def ok_text(checkpoint):
    """What 'ok' becomes if there is a line of the log that this version does not check."""
    return 'ok, not yet post-quantum' if checkpoint.post_quantum else OK

# ---- verdicts.md ----------------------------------------------------------------------------------------------------
EXIT_0 = re.compile(r'ok|ok, not yet post-quantum|none asked|population complete.*|selective.*|content withheld')
EXIT_3 = re.compile(r'unsupported version|unchecked|self-keyed|unknown key|ok up to its hinge.*')
UP_TO_HINGE = 'ok up to its hinge, not tied to it'
BAD_CHECKPOINT, ENDS_EARLY = 'malformed(checkpoint)', 'the file ends before the end of this line'

class Verdict:
    """A text for each axis, and details for a person."""
    def __init__(self):
        axes = 'integrity', 'authenticity', 'consistency', 'witnesses', 'completeness'
        self.axes, self.details = dict.fromkeys(axes, 'unchecked'), []

    def exit_code(self):
        bad = [text for axis, text in self.axes.items()
               if not EXIT_0.fullmatch(text) and (axis, text) != ('consistency', 'unchecked')]
        return 0 if not bad else 3 if all(EXIT_3.fullmatch(text) for text in bad) else 1

    def text(self):
        fork = 'another root than at this size in the walk file: the two notes prove it to anybody'
        details = self.details + [fork] * (self.axes['consistency'] == 'fork')
        return ''.join(['%s: %s\n' % axis for axis in self.axes.items()] + ['    %s\n' % line for line in details])

    def read(self, form, lines):
        """form(lines), or None if it refuses a line: then integrity says so, and the other axes stay unchecked."""
        try:
            return form(lines)
        except Refused as refused:
            why, number = str(refused), max(lines.number, 1)
        self.axes['integrity'] = why if why in (UNSUPPORTED, BAD_CHECKPOINT) else 'malformed(line %d)' % number
        if form is Export and why == ENDS_EARLY:
            self.axes['completeness'] = 'incomplete(ends early)'
        self.details.append('line %d: %s' % (number, why))

def first_that_applies(*texts):
    """The first text among values that are a text or false."""
    return next(text for text in texts if text)

def log_fault(at, **rules):
    """The text for the first of the rules that doesn't hold, or None if all hold."""
    return next(('log fault(%d, %s)' % (at, rule) for rule, holds in rules.items() if not holds), None)

class Seqs:
    """An ascending list that remembers as many seqs as a verdict names."""
    def __init__(self):
        self.named, self.count = [], 0

    def add(self, seq):
        self.count += 1
        self.named += [str(seq)] * (self.count <= SEQS_NAMED_MAX)

    def __str__(self):
        return ', '.join(self.named) + ('; %d in all' % self.count) * (self.count > SEQS_NAMED_MAX)

class Lines:
    """A file's lines, each ending in LF: counted, bounded, and hashed one behind."""
    def __init__(self, file):
        self.file, self.number, self.line, self.before = file, 0, b'', hashlib.sha256()

    def next(self, prefix=b'', suffix=b''):
        """What stands in the next line between these two."""
        self.before.update(self.line)
        self.number, self.line = self.number + 1, self.file.readline(LINE_BYTES_MAX + 1)
        need(self.line.endswith(b'\n'), 'longer than a line may be' if len(self.line) > LINE_BYTES_MAX else ENDS_EARLY)
        return between(self.line[:-1], prefix, suffix)

    def end(self):
        """Whether the digest in the last line, behind which nothing stands, is right."""
        digest = self.next(b'{"end":1,"sha256":"', b'"}')
        need(re.fullmatch(HEX64, digest), 'not the last line')
        self.number += 1
        need(not self.file.read(1), 'bytes after the last line')
        self.number -= 1
        return self.before.hexdigest().encode() == digest

# ---- receipt.md -----------------------------------------------------------------------------------------------------
RECEIPT_START = b'c2sp.org/tlog-proof@v1'

def verify_receipt(data, pin=None, record=None, walk=None):
    """The Verdict on a receipt, under a pin line, with a record line and beside a walk file where they are given."""
    verdict, pin, walk = Verdict(), if_given(parse_pin, pin), if_given(read_walk_file, walk)
    receipt = verdict.read(Receipt, Lines(io.BytesIO(data)))
    if receipt is None:
        return verdict
    checkpoint, head = receipt.checkpoint, receipt.head
    authenticity, consistency = 'self-keyed', 'unchecked'
    if pin and walk:
        authenticity, consistency = receipt_beside_walk(checkpoint, pin, walk)
    elif pin:
        status = verify_note(checkpoint.note, pin.key) if checkpoint.origin == pin.key.name else 'unknown key'
        authenticity = ok_text(checkpoint) if status == OK else status
    verdict.axes.update(integrity=receipt_integrity(receipt, record), authenticity=authenticity,
                        consistency=consistency, witnesses='none asked',
                        completeness='selective: proves nothing about the rest')
    verdict.details.append('log %s, record %d of %d, kind %s, recorded at %s; ML-DSA-44 lines: %d' % (
        head.log.decode(), head.seq, checkpoint.size, head.kind.decode(), head.time.decode(), checkpoint.post_quantum))
    return verdict

class Receipt:
    """Steps 1 and 2. The line being read when something is refused is the one that is named."""
    def __init__(self, lines):
        data = lines.file.getvalue()
        need(len(data) <= RECEIPT_BYTES_MAX and attempt(data.decode), 'empty, over 512 KiB, or not UTF-8')
        need(lines.next(RECEIPT_START) == b'', 'not a tlog-proof of version 1')
        self.data, self.proof = decode_base64(lines.next(b'extra ')), []
        need(0 < len(self.data) <= HEAD_BYTES_MAX, 'no head, or too long a head')
        self.index, line = decode_integer(lines.next(b'index '), INTEGER_END), lines.next()
        while line:
            need(len(self.proof) < PROOF_HASHES_MAX, 'a hash too many')
            self.proof.append(decode_base64(line, 32))
            line = lines.next()
        self.checkpoint = attempt(parse_checkpoint, lines.file.read())
        need(self.checkpoint, BAD_CHECKPOINT)
        lines.number, (status, self.head) = 2, judge_head(self.data)
        need(status == OK, status)

def receipt_integrity(receipt, record):
    """Step 4. No record is as good as its head alone."""
    index, head, checkpoint = receipt.index, receipt.head, receipt.checkpoint
    root = attempt(inclusion_root, sha256(b'\0' + sha256(receipt.data)), index, checkpoint.size, receipt.proof)
    line = b'{"head":%s}' % receipt.data if record is None else record
    data, salt, event = attempt(cut_record, line[:-1] if line.endswith(b'\n') else line) or (None, None, None)
    return first_that_applies(
        root != checkpoint.root and 'root mismatch(%d)' % checkpoint.size,
        log_fault(index, seq=head.seq == index, log=head.log == checkpoint.origin, kind=kind_ok(head)),
        data is None and 'malformed(record)',
        data != receipt.data and 'head altered(%d)' % index,
        salt is not None and not content_ok(salt, event, head.digest) and 'event altered(%d)' % index,
        salt is not None and attempt(check_event, event) is None and 'log fault(%d, event)' % index,
        OK)

# ---- walk.md --------------------------------------------------------------------------------------------------------
WALK_START = re.compile(rb'\{"walk":0,"origin":"([^"]*)","id":"(' + HEX64 + rb')","size":(' + INTEGER + rb')\}')
HINGE = re.compile(rb'","consistency":\[([^]]*)\],"inclusion":\[([^]]*)\],"key":(.*)', re.DOTALL)

def decode_hashes(text):
    return [decode_base64(between(quoted, b'"', b'"'), 32) for quoted in text.split(b',')] if text else []

def unescape(line):
    escapes = re.finditer(rb'\\.?|"', line, re.DOTALL)
    need(all(found[0] in (b'\\n', b'\\"', b'\\\\') for found in escapes), 'not an escaped note')
    if len(line) > 2 * NOTE_BYTES_MAX:
        return b''  # it can't hold a note, nor does this
    return re.sub(rb'\\(.)', lambda found: b'\n' if found[1] == b'n' else found[1], line)

def cut_hinge(text):
    """(note, consistency, inclusion, head, salt, event) of a hinge line without its first bytes and the last two."""
    end = next((found.start() for found in re.finditer(rb'\\.|"', text, re.DOTALL) if found[0] == b'"'), len(text))
    found = HINGE.fullmatch(text, end)
    need(found, 'not a hinge line')
    return (unescape(text[:end]), decode_hashes(found[1]), decode_hashes(found[2]), *cut_record(found[3]))

class Walk:
    """The walk lines of an export or a walk file, judged as they pass. Set i was brought by hinge i, which has a size
    and a root, and ended by hinge i + 1; the genesis counts as hinge 0. After a step that fails lines are only cut."""
    def __init__(self, origin, log_id, lines):
        self.origin, self.id, self.sets, self.hinges, self.count = origin, log_id, [], [], 0
        record = cut_record(lines.next(b'{"walk":', b'}'))
        need(record[1] is not None, 'the genesis record without its content')
        self.status, head = judge_head(record[0])
        self.is_good = attempt(self.begin, head, *record) is True
        line = lines.next(b'{"walk":{')
        while not line.startswith(b'"consistency":'):
            need(line.startswith(b'"hinge":'), UNSUPPORTED)
            need(self.count < HINGES_MAX, 'a hinge too many')
            parts = cut_hinge(between(line, b'"hinge":"', b'}}'))
            self.is_good = self.is_good and attempt(self.turn, *parts) is True
            self.count, line = self.count + 1, lines.next(b'{"walk":{')
        self.consistency = decode_hashes(between(line, b'"consistency":[', b']}}'))

    def begin(self, head, data, salt, event):
        """export.md, step 2a."""
        need(head and (head.kind, head.seq, head.log) == (b'genesis', 0, self.origin))
        need(sha256(data).hex().encode() == self.id and content_ok(salt, event, head.digest))
        origin, keys = parse_genesis(event)
        need(origin == self.origin)
        self.sets, self.hinges = [keys], [(1, sha256(b'\0' + sha256(data)))]
        return True

    def turn(self, note, consistency, inclusion, data, salt, event):
        """The steps for a hinge."""
        checkpoint, (status, head) = parse_checkpoint(note), judge_head(data)
        hinge = checkpoint.size, checkpoint.root
        need(checkpoint.origin == self.origin and is_consistent(self.hinges[-1], hinge, consistency))
        need(checkpoint.size > self.hinges[-1][0] and status == OK and head.kind == b'key' and kind_ok(head))
        need(head.log == self.origin and head.seq == checkpoint.size - 1)
        need(salt is not None and content_ok(salt, event, head.digest))
        need(inclusion_root(sha256(b'\0' + sha256(data)), head.seq, checkpoint.size, inclusion) == checkpoint.root)
        word, keys = parse_key_event(self.origin, event)
        need(hinge_ok(checkpoint.note, word, self.sets[-1], keys))
        self.sets.append(keys)
        self.hinges.append(hinge)
        return True

    def sizes(self):
        return {size for size, _ in self.hinges[1:]}

    def has(self, pin):
        return (pin.key.name, pin.log_id) == (self.origin, self.id) and any(pin.key in keys.keys for keys in self.sets)

    def leads_to(self, checkpoint):
        return is_consistent(self.hinges[-1], (checkpoint.size, checkpoint.root), self.consistency)

    def last_signer(self, note, sets):
        """Which is the last of the sets of which a key signed the note, or None."""
        return max((at for at, keys in enumerate(sets) if any(verify_note(note, key) == OK for key in keys.keys)),
                   default=None)

class WalkFile:
    def __init__(self, lines):
        lines.next(b'{"walk":')
        need(not re.match(rb'\{"walk":[1-9]', lines.line), UNSUPPORTED)
        found = WALK_START.fullmatch(lines.line[:-1])
        need(found and log_name(found[1]) and int(found[3]) < INTEGER_END, 'not the first line of a walk file')
        self.walk = Walk(found[1], found[2], lines)
        checkpoint = parse_checkpoint(unescape(lines.next(b'{"checkpoint":"', b'"}')))
        need(lines.end(), 'another digest than that of the lines before')
        lines.number = 2
        need(self.walk.status != UNSUPPORTED, UNSUPPORTED)
        self.is_good = (self.walk.is_good and checkpoint.size == int(found[3])
                        and checkpoint.origin == self.walk.origin and self.walk.leads_to(checkpoint)
                        and verify_any(checkpoint.note, self.walk.sets[-1].keys) == OK)

def read_walk_file(data):
    """The WalkFile; one that is malformed or of another version is refused."""
    need(len(data) <= WALK_FILE_BYTES_MAX, 'the walk file is too large: more than 64 MiB')
    lines = Lines(io.BytesIO(data))
    try:
        return WalkFile(lines)
    except Refused as refused:
        raise Refused('the walk file, line %d: %s' % (max(lines.number, 1), refused))

def receipt_beside_walk(checkpoint, pin, file):
    """(authenticity, consistency) by the steps for a checkpoint beside a walk file, from the second on."""
    walk, here, sets = file.walk, (checkpoint.size, checkpoint.root), file.walk.sets
    if not file.is_good or not walk.has(pin) or checkpoint.origin != walk.origin:
        return 'unknown key' if file.is_good else 'key walk broken', 'unchecked'
    status = verify_any(checkpoint.note, [key for keys in sets for key in keys.keys])
    at = walk.last_signer(checkpoint.note, sets)
    if status != OK or (at > 0 and checkpoint.size < walk.hinges[at][0]):
        return 'unknown key' if status == OK else status, 'unchecked'
    if here in walk.hinges:
        return ok_text(checkpoint), 'unchecked'
    if checkpoint.size in [size for size, _ in walk.hinges[at:at + 2]]:
        return ok_text(checkpoint), 'fork'
    if at == len(sets) - 1:
        return ok_text(checkpoint), 'unchecked'
    return 'key retired' if checkpoint.size > walk.hinges[at + 1][0] else UP_TO_HINGE, 'unchecked'

def export_beside_walk(export, pin, file):
    """(authenticity, consistency) by the steps for an export beside a walk file; 'ok' if they leave it."""
    own, walk, size = export.walk.hinges, file.walk, export.size
    if not file.is_good:
        return 'key walk broken', 'unchecked'
    if (walk.origin, walk.id) != (export.origin, export.id) or pin and not walk.has(pin):
        return 'unknown key', 'unchecked'
    if any(mine != other for mine, other in zip(own, walk.hinges)):
        return 'key walk broken', 'unchecked'
    if len(walk.hinges) <= len(own) or (size, export.checkpoint.root) in walk.hinges:
        return OK, 'unchecked'
    ended = walk.hinges[len(own)][0]
    if size == ended:
        return OK, 'fork'
    return 'key retired' if size > ended else UP_TO_HINGE if pin else OK, 'unchecked'

# ---- export.md ------------------------------------------------------------------------------------------------------
EXPORT_START = re.compile(rb'\{"export":0,"origin":"([^"]*)","id":"(' + HEX64 + rb')","first":(' + INTEGER
                          + rb'),"count":(' + INTEGER + rb'),"size":(' + INTEGER + rb'),"content":"(all|heads)"\}')

def verify_export(source, pin=None, walk=None):
    """The Verdict on an export, as bytes or as a binary file, under a pin line and beside a walk file where given."""
    verdict, pin, walk = Verdict(), if_given(parse_pin, pin), if_given(read_walk_file, walk)
    export = verdict.read(Export, Lines(io.BytesIO(source) if isinstance(source, bytes) else source))
    if export is None:
        return verdict
    details = 'log %s, records %d to %d of %d; heads alone: %d, lost: %d, hinges: %d, ML-DSA-44 lines: %d'
    verdict.details.append(details % (
        export.origin.decode(), export.first, export.end - 1, export.size, export.bare.count, export.lost.count,
        export.walk.count, export.checkpoint.post_quantum))
    authenticity, consistency = export_authenticity(export, pin, walk)
    integrity, is_proven = export_integrity(export, verdict)
    verdict.axes.update(integrity=integrity, authenticity=authenticity, consistency=consistency,
                        witnesses='none asked', completeness=export_completeness(export, authenticity, is_proven))
    return verdict

class Export:
    """Step 1, the file from its first line to its last. What step 3 needs of the records is gathered as they pass."""
    def __init__(self, lines):
        self.read_start(lines)
        self.differ, self.lost, self.bare, self.altered = Seqs(), Seqs(), Seqs(), Seqs()
        self.fault = self.event_fault = None  # the first fault by the rules of d, and by f
        self.before = self.time = None  # the entry before, and the time before if that head is here
        self.has_stray_key = False  # a key record without a hinge
        self.by_entry, self.by_head = RangeTree(self.first), RangeTree(self.first)
        for start in range(self.first // 256 * 256, self.end, 256):
            self.read_block(range(max(start, self.first), min(start + 256, self.end)), lines)
        self.read_end(lines)

    def read_start(self, lines):
        lines.next(b'{"export":')
        need(not re.match(rb'\{"export":[1-9]', lines.line), UNSUPPORTED)
        found = EXPORT_START.fullmatch(lines.line[:-1])
        need(found and log_name(found[1]), 'not the first line of an export')
        self.origin, self.id, self.content = found.group(1, 2, 6)
        self.first, self.size, self.end = int(found[3]), int(found[5]), int(found[3]) + int(found[4])
        need(self.first < self.end <= self.size < INTEGER_END, 'impossible numbers')
        self.walk = Walk(self.origin, self.id, lines)

    def read_block(self, seqs, lines):
        records = [self.read_record(seq, lines.next()) for seq in seqs]
        entries = decode_base64(lines.next(b'{"entries":"', b'"}'), 32 * len(seqs))
        for place, (seq, (digest, status, head)) in enumerate(zip(seqs, records)):
            entry = entries[32 * place:32 * place + 32]
            self.by_entry.add(entry)
            self.by_head.add(digest or entry)
            if digest and digest != entry:
                self.differ.add(seq)
            if digest and not self.fault:
                self.fault = self.head_fault(seq, status, head)
            # Where d to f count, no head differs from its entry: it is all one whether this comes from E or from H.
            self.before, self.time = entry.hex().encode(), head and head.time

    def read_record(self, seq, line):
        """(the head's hash, its status, Head), without a hash for a lost record. The content is judged and let go."""
        if line == b'{"lost":%d}' % seq:
            self.lost.add(seq)
            return None, OK, None
        data, salt, event = cut_record(line)
        need(salt is None or self.content == b'all', 'content in an export of heads')
        status, head = judge_head(data)
        if status == OK and head.kind == b'key' and seq + 1 not in self.walk.sizes():
            self.has_stray_key = True
        if salt is None:
            self.bare.add(seq)
        elif head and not content_ok(salt, event, head.digest):
            self.altered.add(seq)
        elif head and not self.event_fault and attempt(check_event, event) is None:
            self.event_fault = 'log fault(%d, event)' % seq
        return sha256(data), status, head

    def head_fault(self, seq, status, head):
        """By the first rule of d that a record's head breaks."""
        if status != OK:
            return UNSUPPORTED if status == UNSUPPORTED else 'log fault(%d, head)' % seq
        prev = b'0' * 64 if seq == 0 else self.before or head.prev
        return log_fault(seq, log=head.log == self.origin, seq=head.seq == seq, kind=kind_ok(head),
                         prev=head.prev == prev, time=self.time is None or head.time > self.time)

    def read_end(self, lines):
        left = decode_hashes(lines.next(b'{"left":[', b']}'))
        need(len(left) == bin(self.first).count('1'), 'not the frontier of the first seq')
        proof = left + decode_hashes(lines.next(b'{"right":[', b']}'))
        self.root_by_entry, self.root_by_head = (tree.root(self.size, proof) for tree in (self.by_entry, self.by_head))
        self.checkpoint = parse_checkpoint(unescape(lines.next(b'{"checkpoint":"', b'"}')))
        need(self.checkpoint.size == self.size, 'a checkpoint of another size')
        self.digest_ok = lines.end()
        self.last_line, lines.number = lines.number, 2
        need(self.walk.status != UNSUPPORTED, UNSUPPORTED)

def export_authenticity(export, pin, file):
    """Step 2: (authenticity, consistency)."""
    walk, checkpoint = export.walk, export.checkpoint
    if not walk.is_good:
        return 'key walk broken', 'unchecked'
    status = verify_any(checkpoint.note, walk.sets[-1].keys)
    earlier = walk.last_signer(checkpoint.note, walk.sets[:-1])
    text = first_that_applies(
        pin and not walk.has(pin) and 'unknown key',
        status == 'unknown key' and earlier is not None and export.size > walk.hinges[earlier + 1][0] and 'key retired',
        status != OK and status,
        checkpoint.origin != export.origin and 'unknown key',
        not walk.leads_to(checkpoint) and 'key walk broken',
        export.has_stray_key and 'key walk broken',
        OK)
    text, consistency = export_beside_walk(export, pin, file) if text == OK and file else (text, 'unchecked')
    return text if text != OK else ok_text(checkpoint) if pin else 'self-keyed', consistency

def export_integrity(export, verdict):
    """Step 3: (its value, whether the entries or the heads give the root)."""
    root, differ = export.checkpoint.root, export.differ
    by_entry, by_head = export.root_by_entry == root, export.root_by_head == root and not export.lost.count
    found = [differ.count and ('head altered(%s)' if by_entry or not by_head else 'entry altered(%s)') % differ,
             not differ.count and not by_entry and 'root mismatch(%d)' % export.size,
             export.fault, export.altered.count and 'event altered(%s)' % export.altered,
             export.event_fault, export.lost.count and 'missing(%s)' % export.lost,
             not export.digest_ok and 'malformed(line %d)' % export.last_line]
    verdict.details += ['found too: %s' % text for text in [text for text in found if text][1:]]
    return first_that_applies(*found, OK), by_entry or by_head

def export_completeness(export, authenticity, is_proven):
    """Step 5."""
    return first_that_applies(
        (not is_proven or authenticity in ('signature invalid', 'unknown key', 'key retired', 'key walk broken'))
        and 'unchecked',
        export.lost.count and 'incomplete(%d lost)' % export.lost.count,
        export.content == b'heads' and 'content withheld',
        export.bare.count and 'erased without record(%s)' % export.bare,
        'population complete(%d…%d)' % (export.first, export.end - 1))

# ---- the command ----------------------------------------------------------------------------------------------------
def main():
    """A file is a receipt if it begins as one does or a record is given with it, else an export."""
    try:
        options, files = getopt.gnu_getopt(sys.argv[1:], 'h', ['help', 'json', 'pin=', 'walk='])
        if {('-h', ''), ('--help', '')} & set(options):
            return print(__doc__)
        need(1 <= len(files) <= 2, 'one or two files are expected')
        pin, walk = dict(options).get('--pin'), dict(options).get('--walk')
        file, *others = [open(0 if name == '-' else name, 'rb') for name in files]
        walk = if_given(lambda name: open(0 if name == '-' else name, 'rb').read(WALK_FILE_BYTES_MAX + 1), walk)
        record = others[0].read(RECORD_FILE_BYTES_MAX + 1) if others else None
        need(len(record or b'') <= RECORD_FILE_BYTES_MAX, '%s: too large: more than 64 MiB' % files[-1])
        verdict = verify_receipt(file.read(RECEIPT_BYTES_MAX + 1), pin, record, walk) if (
            record is not None or file.peek().startswith(RECEIPT_START)) else verify_export(file, pin, walk)
    except (ValueError, getopt.GetoptError, OSError, MemoryError) as error:
        why = '%s: %s' % (error.filename, error.strerror.lower()) if getattr(error, 'filename', None) else error
        usage = 'usage: verify.py [--json] [--pin LINE] [--walk FILE] EXPORT | RECEIPT [RECORD]'
        sys.stderr.write('verify.py: %s\n%s\n' % (why, usage))
        return 2
    line = json.dumps({'exit': verdict.exit_code(), **verdict.axes}, ensure_ascii=False, separators=(',', ':')) + '\n'
    sys.stdout.buffer.write((line if '--json' in dict(options) else verdict.text()).encode())
    return verdict.exit_code()

if __name__ == '__main__':
    sys.exit(main())
