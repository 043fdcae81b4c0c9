#!/usr/bin/env python3
"""Verify an indelible export, receipt or proof with nothing but this file and Python 3.9 or later.

    python3 verify.py [OPTIONS] EXPORT
    python3 verify.py [OPTIONS] RECEIPT [RECORD]                a file may be -, standard input
    python3 verify.py [OPTIONS] BATCH_RECEIPT [RECORDS]         one record line after the other
    python3 verify.py [OPTIONS] PROOF                           what `indelible prove` prints
    python3 verify.py [OPTIONS] --fork NOTE NOTE [PROOF]        whether two signed checkpoints contradict each other

Options: --pin LINE or --trust FILE, --max-age SECONDS, --walk FILE, --remember FILE, --json.

What to trust: this file, Python's standard library, and the pin line, `indelible-pin-v1 <log id> <verifier key>`, which
must reach you by another way than the file. Without a pin an export is checked against the key it carries itself, a
receipt against none, and the verdict says `self-keyed`: it holds together, but anybody may have made it.

A log's keys change. An export carries the walk from its log's id to the keys of its time. A walk file does the same for
what carries none, and tells for all of the keys that came later.

Written from docs/spec alone, whose pages the headings below name; it shares no code with the program that writes the
files. With --trust FILE (trust.md) in place of the pin also witnesses and required signatures count, and --max-age
SECONDS asks how old the newest evidence may be; --remember FILE compares with what earlier verifications saw, of this
program or of `indelible verify` (memory.md). Every file gets a verdict of five axes and an exit code (verdicts.md). An
export is read line by line: memory is bounded by what one event, 256 heads and the keys of a walk take. Not known here:
stores, ML-DSA.
"""
import base64
import datetime
import getopt
import hashlib
import io
import ipaddress
import json
import os
import re
import sys
import time
from collections import namedtuple
from functools import reduce

# ---- limits.md, and the notation of README.md -----------------------------------------------------------------------
HEAD_BYTES_MAX, EVENT_BYTES_MAX, DEPTH_MAX, MEMBERS_MAX, NUMBER_BYTES_MAX = 4096, 16 << 20, 64, 10000, 128
ORIGIN_BYTES_MAX, NOTE_BYTES_MAX, NOTE_LINES_MAX, PROOF_HASHES_MAX, SEQS_NAMED_MAX = 200, 256 << 10, 64, 63, 8
BATCH_RECORDS_MAX, POLICY_BYTES_MAX, POLICY_LINES_MAX, WITNESS_CLOCK_SECONDS = 65536, 1 << 20, 1000, 300
LINE_BYTES_MAX, RECEIPT_BYTES_MAX, RECORD_FILE_BYTES_MAX = EVENT_BYTES_MAX + (8 << 10), 512 << 10, 64 << 20
INTEGER_END, TREE_SIZE_END = 1 << 53, 1 << 63  # the first value that is too large
WALK_FILE_BYTES_MAX, HINGES_MAX, MEMORY_BYTES_MAX = 64 << 20, 1024, 64 << 20
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
LATER = rb'([2-9]|1[0-9])'    # how the number of a later version begins
ANY = rb'[!#-\[\]-z|~]'  # 0x21 to 0x7E without " \ { }
PERCENT = rb'%(?:[01][0-9A-F]|2[025]|5C|7[BDF]|[89A-F][0-9A-F])'  # the bytes that ANY leaves out, and % itself
ENCODED = rb'[!#$&-\[\]-z|~]*(?:' + PERCENT + rb'[!#$&-\[\]-z|~]*)*'
TIME = rb'[2-9]\d{3}-[01]\d-[0-3]\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{9}Z'
HEAD = re.compile(
    rb'\{"indelible":1,"log":"(?P<log>' + ANY + rb'+)","kind":"(?P<kind>genesis|key|stream|repair|clock|node|event'
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
    if version != b'1' or any(name not in FIELDS for name, _ in others):
        return UNSUPPORTED, None
    found = HEAD.fullmatch(data)
    if not found or not values_ok(found):
        return INVALID, None
    head = Head(*found.group(*Head._fields))._replace(seq=int(found['seq']))
    # The reserved kinds have valid heads, and yet a verifier of version 1 can't tell what such a record means.
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
ED25519, ML_DSA_44, COSIGNATURE, KEY_BYTES = 0x01, 0x06, 0x04, {0x01: 32, 0x04: 32, 0x06: 1312}
VerifierKey, Pin = namedtuple('VerifierKey', 'name key_id type public'), namedtuple('Pin', 'log_id key')

def parse_vkey(line, types=(ED25519, ML_DSA_44)):
    found = re.fullmatch(rb'([^+]+)\+([0-9a-f]{8})\+(.*)', line)
    need(found, 'not a verifier key')
    name, material = found[1], decode_base64(found[3])
    need(material and material[0] in types and KEY_BYTES[material[0]] == len(material) - 1, 'a verifier key of another type or length')
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
    rb'\{"genesis":1,"origin":"([^"\\]*)","node_log":(?:null|"(' + HEX64 + rb')")' + KEY_SET
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
EXIT_0 = re.compile(r'ok|ok, not yet post-quantum|none asked|quorum met|population complete.*|selective.*'
                    r'|content withheld')
EXIT_3 = re.compile(r'unsupported version|unchecked|self-keyed|unknown key|ok up to its hinge.*|required signature \w+'
                    r'|quorum missing|stale.*')
UP_TO_HINGE, BELIEVED = 'ok up to its hinge, not tied to it', (OK, 'ok, not yet post-quantum')
SELECTIVE = 'selective: proves nothing about the rest'
NOT_VOUCHED_FOR = 'signature invalid', 'unknown key', 'key retired', 'key walk broken'
BAD_CHECKPOINT, ENDS_EARLY = 'malformed(checkpoint)', 'the file ends before the end of this line'

class Verdict:
    """A text for each axis, and details for a person."""
    def __init__(self):
        axes = 'integrity', 'authenticity', 'consistency', 'witnesses', 'completeness'
        self.axes, self.details = dict.fromkeys(axes, 'unchecked'), []
        self.checkpoint = self.time = None  # what trust.md looks at: the checkpoint, the time of the newest record shown,
        self.shows_last = False  # and whether that is the last one of the checkpoint
        self.keys, self.shown = [], {}  # what memory.md looks at: the keys of the log, roots of earlier sizes,
        self.is_export = self.not_compared = False  # and whether a comparison was asked for that could not be made

    def exit_code(self):
        bad = [text for axis, text in self.axes.items()
               if exit_of(text) and ((axis, text) != ('consistency', 'unchecked') or self.not_compared)]
        return 0 if not bad else 3 if all(exit_of(text) == 3 for text in bad) else 1

    def text(self):
        return ''.join(['%s: %s\n' % axis for axis in self.axes.items()] + ['    %s\n' % line for line in self.details])

    def look_at(self, checkpoint, time, last):
        self.checkpoint, self.time, self.shows_last = checkpoint, time, last + 1 == checkpoint.size

    def signed(self, pin, walks, authenticity, consistency):
        """Takes what is known of the signer, and by the pin and the walks the keys that the log has or had."""
        self.axes.update(authenticity=authenticity, consistency=consistency, witnesses='none asked')
        sets = [[pin.key] if pin else []] + [keys.keys for walk in walks if walk for keys in walk.sets]
        self.keys = [key for keys in sets for key in keys]
        if consistency == 'fork':
            self.details.append('another root than at this size in the walk file: the two notes prove it to anybody')

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

def exit_of(text):
    return 0 if EXIT_0.fullmatch(text) else 3 if EXIT_3.fullmatch(text) else 1

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
    def __init__(self, file, wanted=None):
        self.wanted = wanted  # of an export the earlier size whose root is asked for
        self.file, self.number, self.line, self.before = file, 0, b'', hashlib.sha256()

    def next(self, prefix=b'', suffix=b'', is_last=False):
        """What stands in the next line between these two. The last of some files may lack its LF."""
        self.before.update(self.line)
        self.number, self.line = self.number + 1, self.file.readline(LINE_BYTES_MAX + 1)
        if is_last and len(self.line) <= LINE_BYTES_MAX and not self.line.endswith(b'\n'):
            self.line += b'\n' * bool(self.line)
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
    verdict.look_at(checkpoint, head.time, receipt.index)
    judge_signer(verdict, checkpoint, pin, walk)
    verdict.axes.update(integrity=receipt_integrity(receipt, record), completeness=SELECTIVE)
    verdict.details.append('log %s, record %d of %d, kind %s, recorded at %s; ML-DSA-44 lines: %d' % (
        head.log.decode(), head.seq, checkpoint.size, head.kind.decode(), head.time.decode(), checkpoint.post_quantum))
    return verdict

def judge_signer(verdict, checkpoint, pin, walk):
    """Step 3, for whatever carries no key of its own."""
    verdict.signed(pin, [walk and walk.walk], *signer(checkpoint, pin, walk))

def signer(checkpoint, pin, walk):
    """(authenticity, consistency)"""
    if pin is None:
        return 'self-keyed', 'unchecked'
    if walk:
        return beside_walk(checkpoint, pin, walk)
    status = verify_note(checkpoint.note, pin.key) if checkpoint.origin == pin.key.name else 'unknown key'
    return ok_text(checkpoint) if status == OK else status, 'unchecked'

def read_hashes(lines, most):
    """Lines of one hash each, and the empty line after them."""
    hashes, line = [], lines.next()
    while line:
        need(len(hashes) < most, 'a hash too many')
        hashes.append(decode_base64(line, 32))
        line = lines.next()
    return hashes

class Receipt:
    """Steps 1 and 2. The line being read when something is refused is the one that is named."""
    def __init__(self, lines):
        data = lines.file.getvalue()
        need(len(data) <= RECEIPT_BYTES_MAX and attempt(data.decode), 'empty, over 512 KiB, or not UTF-8')
        need(lines.next(RECEIPT_START) == b'', 'not a tlog-proof of version 1')
        self.data = decode_base64(lines.next(b'extra '))
        need(0 < len(self.data) <= HEAD_BYTES_MAX, 'no head, or too long a head')
        self.index = decode_integer(lines.next(b'index '), INTEGER_END)
        self.proof = read_hashes(lines, PROOF_HASHES_MAX)
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
WALK_START = re.compile(rb'\{"walk":1,"origin":"([^"]*)","id":"(' + HEX64 + rb')","size":(' + INTEGER + rb')\}')
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
        need(not re.match(rb'\{"walk":' + LATER, lines.line), UNSUPPORTED)
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

def beside_walk(checkpoint, pin, file):
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
EXPORT_START = re.compile(rb'\{"export":1,"origin":"([^"]*)","id":"(' + HEX64 + rb')","first":(' + INTEGER
                          + rb'),"count":(' + INTEGER + rb'),"size":(' + INTEGER + rb'),"content":"(all|heads)"\}')

class Records:
    """Records one after the other, judged by d to f of step 3 as they pass."""
    def __init__(self, origin, first):
        self.origin, self.bare, self.altered = origin, Seqs(), Seqs()
        self.fault = self.event_fault = None  # the first fault by the rules of d, and by f
        self.before = self.time = None  # the entry before, and the time before if that head is here
        self.newest = None  # the time of the last valid head
        self.by_head = RangeTree(first)

    def judge(self, seq, data, salt, event):
        """(the head's hash, its status, Head), by the record alone."""
        status, head = judge_head(data)
        if salt is None:
            self.bare.add(seq)
        elif head and not content_ok(salt, event, head.digest):
            self.altered.add(seq)
        elif head and not self.event_fault and attempt(check_event, event) is None:
            self.event_fault = 'log fault(%d, event)' % seq
        return sha256(data), status, head

    def place(self, seq, digest, status, head, entry):
        """Puts it, or for a lost one its entry, behind the records before."""
        self.by_head.add(digest or entry)
        if digest and not self.fault:
            self.fault = self.head_fault(seq, status, head)
        self.before, self.time = entry.hex().encode(), head and head.time
        self.newest = head.time if head and status == OK else self.newest

    def head_fault(self, seq, status, head):
        """By the first rule of d that a record's head breaks."""
        if status != OK:
            return UNSUPPORTED if status == UNSUPPORTED else 'log fault(%d, head)' % seq
        prev = b'0' * 64 if seq == 0 else self.before or head.prev
        return log_fault(seq, log=head.log == self.origin, seq=head.seq == seq, kind=kind_ok(head),
                         prev=head.prev == prev, time=self.time is None or head.time > self.time)

def verify_export(source, pin=None, walk=None, memory=None):
    """The Verdict on an export, as bytes or as a binary file, under a pin line and beside a walk file where given, and
    with what it shows of the size that a memory has."""
    verdict, pin, walk = Verdict(), if_given(parse_pin, pin), if_given(read_walk_file, walk)
    old, source = (memory or {}).get(pin and pin.key.name), io.BytesIO(source) if isinstance(source, bytes) else source
    export = verdict.read(Export, Lines(source, old and old.size))
    if export is None:
        return verdict
    details = 'log %s, records %d to %d of %d; heads alone: %d, lost: %d, hinges: %d, ML-DSA-44 lines: %d'
    verdict.details.append(details % (
        export.origin.decode(), export.first, export.end - 1, export.size, export.bare.count, export.lost.count,
        export.walk.count, export.checkpoint.post_quantum))
    verdict.look_at(export.checkpoint, export.newest, export.end - 1)
    authenticity, consistency = export_authenticity(export, pin, walk)
    verdict.signed(pin, [export.walk, walk and walk.walk], authenticity, consistency)
    integrity, is_proven = export_integrity(export, verdict)
    verdict.axes.update(integrity=integrity, completeness=export_completeness(export, authenticity, is_proven))
    verdict.is_export, verdict.shown = True, dict(export.walk.hinges)
    if export.root_by_entry == export.checkpoint.root:
        verdict.shown.update(export.shown)
    return verdict

class Export(Records):
    """Step 1, the file from its first line to its last. What step 3 needs of the records is gathered as they pass."""
    def __init__(self, lines):
        self.read_start(lines)
        super().__init__(self.origin, self.first)
        self.differ, self.lost, self.by_entry = Seqs(), Seqs(), RangeTree(self.first)
        self.has_stray_key = False  # a key record without a hinge
        self.wanted, self.shown = lines.wanted, {}  # the tree of that size
        for start in range(self.first // 256 * 256, self.end, 256):
            self.read_block(range(max(start, self.first), min(start + 256, self.end)), lines)
        self.read_end(lines)

    def read_start(self, lines):
        lines.next(b'{"export":')
        need(not re.match(rb'\{"export":' + LATER, lines.line), UNSUPPORTED)
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
            if seq + 1 == self.wanted:
                self.shown[self.wanted] = dict(self.by_entry.roots)
            if digest and digest != entry:
                self.differ.add(seq)
            # Where d to f count, no head differs from its entry: it is all one whether this comes from E or from H.
            self.place(seq, digest, status, head, entry)

    def read_record(self, seq, line):
        """(the head's hash, its status, Head), without a hash for a lost record. The content is judged and let go."""
        if line == b'{"lost":%d}' % seq:
            self.lost.add(seq)
            return None, OK, None
        data, salt, event = cut_record(line)
        need(salt is None or self.content == b'all', 'content in an export of heads')
        digest, status, head = self.judge(seq, data, salt, event)
        if status == OK and head.kind == b'key' and seq + 1 not in self.walk.sizes():
            self.has_stray_key = True
        return digest, status, head

    def read_end(self, lines):
        left = decode_hashes(lines.next(b'{"left":[', b']}'))
        need(len(left) == bin(self.first).count('1'), 'not the frontier of the first seq')
        if self.wanted == self.first:
            self.shown[self.first] = reduce(lambda right, root: sha256(b'\1' + root + right), left[::-1] or [sha256(b'')])
        elif self.wanted in self.shown:
            begun = RangeTree(self.first)
            begun.end, begun.roots = self.wanted, self.shown[self.wanted]
            self.shown[self.wanted] = begun.root(self.wanted, left)
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
        (not is_proven or authenticity in NOT_VOUCHED_FOR) and 'unchecked',
        export.lost.count and 'incomplete(%d lost)' % export.lost.count,
        export.content == b'heads' and 'content withheld',
        export.bare.count and 'erased without record(%s)' % export.bare,
        'population complete(%d…%d)' % (export.first, export.end - 1))

# ---- batch-receipt.md -----------------------------------------------------------------------------------------------
BATCH_RECEIPT_START = b'indelible-batch-receipt-v'

def verify_batch_receipt(data, pin=None, records=None, walk=None):
    """The Verdict on a batch receipt, under a pin line, with its records, bytes or a binary file, and beside a walk file."""
    verdict, pin, walk = Verdict(), if_given(parse_pin, pin), if_given(read_walk_file, walk)
    batch = verdict.read(BatchReceipt, Lines(io.BytesIO(data)))
    if batch is None:
        return verdict
    checkpoint, first, last = batch.checkpoint, batch.first, batch.first + batch.count - 1
    mismatch = 'root mismatch(%d)' % checkpoint.size
    judge_signer(verdict, checkpoint, pin, walk)
    given = Records(checkpoint.origin, first)
    lines = Lines(io.BytesIO(records) if isinstance(records, bytes) else records)
    integrity = first_that_applies(
        not batch.fits() and mismatch,
        records is None and 'unchecked',
        records is not None and attempt(batch.read_records, given, lines) is None and 'malformed(record)',
        OK)
    verdict.look_at(checkpoint, given.newest, last)
    is_proven = integrity == OK and attempt(given.by_head.root, checkpoint.size, batch.hashes) == checkpoint.root
    if integrity == OK:
        found = [not is_proven and mismatch, given.fault,
                 given.altered.count and 'event altered(%s)' % given.altered, given.event_fault]
        verdict.details += ['found too: %s' % text for text in [text for text in found if text][1:]]
        integrity = first_that_applies(*found, OK)
    verdict.axes.update(integrity=integrity, completeness=first_that_applies(
        (not is_proven or verdict.axes['authenticity'] in NOT_VOUCHED_FOR) and 'unchecked',
        given.bare.count and 'content withheld',
        'population complete(%d…%d)' % (first, last)))
    verdict.details.append('log %s, records %d to %d of %d; ML-DSA-44 lines: %d' % (
        checkpoint.origin.decode(), first, last, checkpoint.size, checkpoint.post_quantum))
    return verdict

class BatchReceipt:
    """Step 1."""
    def __init__(self, lines):
        data = lines.file.getvalue()
        need(len(data) <= RECEIPT_BYTES_MAX and attempt(data.decode), 'empty, over 512 KiB, or not UTF-8')
        need(not re.match(BATCH_RECEIPT_START + LATER, data), UNSUPPORTED)
        need(lines.next(BATCH_RECEIPT_START) == b'1', 'not a batch receipt of version 1')
        self.first = decode_integer(lines.next(b'first '), INTEGER_END)
        self.count = decode_integer(lines.next(b'count '), BATCH_RECORDS_MAX + 1)
        need(0 < self.count <= INTEGER_END - self.first, 'impossible numbers')
        self.hashes = read_hashes(lines, 2 * PROOF_HASHES_MAX)
        self.checkpoint = attempt(parse_checkpoint, lines.file.read())
        need(self.checkpoint, BAD_CHECKPOINT)

    def fits(self):
        """Whether the walk over the checkpoint's tree takes exactly these hashes."""
        def emitted(low, high):
            if high <= self.first or low >= self.first + self.count:
                return 1
            if self.first <= low and high <= self.first + self.count:
                return 0
            return emitted(low, low + split(high - low)) + emitted(low + split(high - low), high)
        size = self.checkpoint.size
        return self.first + self.count <= size and emitted(0, size) == len(self.hashes)

    def read_records(self, given, lines):
        for seq in range(self.first, self.first + self.count):
            data, salt, event = cut_record(lines.next(is_last=seq == self.first + self.count - 1))
            digest, status, head = given.judge(seq, data, salt, event)
            given.place(seq, digest, status, head, digest)
        need(not lines.file.read(1), 'bytes after the last record')
        return True

# ---- prove.md -------------------------------------------------------------------------------------------------------
CONSISTENCY_START, HEAD_AT_START = b'indelible-consistency-v', b'indelible-head-at-v'

def verify_proof(data, pin=None, walk=None):
    """The Verdict on a consistency proof or a head at a time, under a pin line and beside a walk file."""
    verdict, pin, walk = Verdict(), if_given(parse_pin, pin), if_given(read_walk_file, walk)
    form = HeadAt if data.startswith(HEAD_AT_START) else ConsistencyProof
    proof = verdict.read(form, Lines(io.BytesIO(data)))
    if proof is None:
        return verdict
    checkpoint = proof.checkpoint
    verdict.look_at(checkpoint, getattr(proof, 'newest', None), -2)
    judge_signer(verdict, checkpoint, pin, walk)
    verdict.axes.update(integrity=proof.integrity(), completeness=SELECTIVE)
    verdict.shown = proof.shown if verdict.axes['integrity'] == OK else {}
    verdict.details.append('log %s, under its first %d; ML-DSA-44 lines: %d' % (
        checkpoint.origin.decode(), checkpoint.size, checkpoint.post_quantum))
    return verdict

def begin_proof(lines, start):
    data = lines.file.getvalue()
    need(len(data) <= RECEIPT_BYTES_MAX and attempt(data.decode), 'empty, over 512 KiB, or not UTF-8')
    need(not re.match(start + LATER, data), UNSUPPORTED)
    need(lines.next(start) == b'1', 'not a proof of version 1')

def end_proof(lines):
    checkpoint = attempt(parse_checkpoint, lines.file.read())
    need(checkpoint, BAD_CHECKPOINT)
    return checkpoint

def read_tree_head(text):
    """(size, root)"""
    size, space, root = text.partition(b' ')
    return decode_integer(size, INTEGER_END), decode_base64(root, 32)

class ConsistencyProof:
    def __init__(self, lines):
        begin_proof(lines, CONSISTENCY_START)
        self.old = read_tree_head(lines.next(b'from '))
        need(self.old[0] > 0, 'from a tree without records')
        self.new = read_tree_head(lines.next(b'to '))
        need(self.old[0] <= self.new[0], 'to a smaller tree')
        self.shown = dict([self.old, self.new])
        self.between, self.onward = read_hashes(lines, PROOF_HASHES_MAX), read_hashes(lines, PROOF_HASHES_MAX)
        self.checkpoint = end_proof(lines)

    def integrity(self):
        signed = self.checkpoint[1:3]
        return first_that_applies(
            not is_consistent(self.new, signed, self.onward) and 'root mismatch(%d)' % signed[0],
            not is_consistent(self.old, self.new, self.between) and 'root mismatch(%d)' % self.new[0],
            OK)

class HeadAt:
    def __init__(self, lines):
        begin_proof(lines, HEAD_AT_START)
        self.time = lines.next(b'time ')
        need(re.fullmatch(TIME, self.time) and attempt(datetime.date.fromisoformat, self.time[:10].decode()), 'no time')
        self.size, self.root = read_tree_head(lines.next(b'size '))
        self.shown, self.data, numbers, line = {self.size: self.root}, [], [], lines.next()
        for seq, name in ((self.size - 1, b'before '), (self.size, b'after ')):
            if seq == self.size and not line.startswith(name):
                continue
            if seq >= 0:
                self.data.append((seq, decode_base64(between(line, name, b''))))
                need(0 < len(self.data[-1][1]) <= HEAD_BYTES_MAX, 'no head, or too long a head')
                numbers.append(lines.number)
                line = lines.next()
        self.hashes = []
        while line:
            need(len(self.hashes) < 2 * PROOF_HASHES_MAX, 'a hash too many')
            self.hashes.append(decode_base64(line, 32))
            line = lines.next()
        self.checkpoint, self.heads = end_proof(lines), []
        for number, (seq, data) in zip(numbers, self.data):
            lines.number, (status, head) = number, judge_head(data)
            need(status == OK, status)
            self.heads.append((seq, status, head))
        self.newest = self.heads[-1][2].time if self.heads else None

    def integrity(self):
        size, first = self.checkpoint.size, max(self.size - 1, 0)
        given, begun, has_after = Records(self.checkpoint.origin, first), RangeTree(first), self.data[-1:] and (
            self.data[-1][0] == self.size)
        for (seq, data), (_, status, head) in zip(self.data, self.heads):
            given.place(seq, sha256(data), status, head, sha256(data))
            if seq < self.size:
                begun.add(sha256(data))
        left = self.hashes[:bin(first).count('1')]
        fits = self.data and self.size + bool(has_after) <= size and bool(has_after) == (self.size < size)
        root = attempt(begun.root, self.size, left) if self.size else sha256(b'')
        return first_that_applies(
            not (fits and attempt(given.by_head.root, size, self.hashes) == self.checkpoint.root)
            and 'root mismatch(%d)' % size,
            root != self.root and 'root mismatch(%d)' % self.size,
            given.fault,
            any((head.time <= self.time) != (seq < self.size) for seq, _, head in self.heads) and 'malformed(line 2)',
            OK)

# ---- trust.md -------------------------------------------------------------------------------------------------------
TRUST_START = b'indelible-trust-v'
Trust = namedtuple('Trust', 'pin signatures policy')  # the pin line, the word for what is required, a Policy or None

class Policy:
    """C2SP tlog-policy."""
    def __init__(self, data):
        self.logs, self.witnesses, self.rules, self.taken = [], {}, {}, set()  # rules: name: (threshold, members) or key
        self.quorum, self.line = None, 1
        need(len(data) <= POLICY_BYTES_MAX, 'more than 1 MiB')
        lines = data.split(b'\n')
        for self.line, line in enumerate(lines[:-1], 1):
            need(self.line <= POLICY_LINES_MAX, 'more than 1,000 lines')
            self.read(line)
        self.line = len(lines) if lines[-1] else max(len(lines) - 1, 1)
        need(not lines[-1] and self.quorum is not None, 'no quorum line, or no line end')

    def read(self, line):
        need(not re.search(rb'[\0-\x08\x0b-\x1f\x7f]', line), 'a control character')
        items = [item for item in re.split(rb'[ \t]+', line) if item]
        if not items or items[0].startswith(b'#'):
            return
        word, rest = items[0], items[1:]
        if word == b'log' and len(rest) in (1, 2):
            self.logs.append(self.key(rest[0], self.logs, (ED25519, ML_DSA_44)))
        elif word == b'witness' and len(rest) in (2, 3):
            self.name(rest[0], self.key(rest[1], self.witnesses.values(), (COSIGNATURE, ML_DSA_44)))
            self.witnesses[rest[0]] = self.rules[rest[0]]
        elif word == b'group' and len(rest) > 2:
            name, count, *members = rest
            count = {b'any': b'1', b'all': b'%d' % len(members)}.get(count, count)
            need(0 < decode_integer(count, len(members) + 1), 'a threshold of 0')
            for member in members:
                need(member in self.rules and member not in self.taken, 'a member that is unknown or taken')
                self.taken.add(member)
            self.name(name, (int(count), members))
        else:
            need(word == b'quorum' and len(rest) == 1 and self.quorum is None, 'no line of a policy')
            need(rest[0] == b'none' or rest[0] in self.rules, 'an unknown quorum')
            self.quorum = rest[0]

    def key(self, text, others, types):
        need(attempt(text.decode), 'not UTF-8')
        key = parse_vkey(text, types)
        need(all(key.public != other.public for other in others), 'a key twice')
        return key

    def name(self, name, rule):
        need(name != b'none' and name not in self.rules, 'a name that is taken')
        self.rules[name] = rule

    def is_met(self, cosigned):
        """Whether the witnesses of these names meet the quorum."""
        met = set()
        for name, rule in self.rules.items():
            count = name in cosigned if isinstance(rule, VerifierKey) else sum(member in met for member in rule[1])
            if count >= (1 if isinstance(rule, VerifierKey) else rule[0]):
                met.add(name)
        return self.quorum == b'none' or self.quorum in met

def parse_trust(data):
    """A Trust; a refusal begins with what is wrong: `line N`, `unsupported`, `policy` or `other log`."""
    need(len(data) <= POLICY_BYTES_MAX + (4 << 10), 'line 1: the trust file is too large')
    need(not re.match(TRUST_START + LATER, data), 'unsupported: a trust file of a later version')
    lines = data.split(b'\n', 4)
    need(lines[0] == TRUST_START + b'1' and len(lines) > 1, 'line 1: not a trust file')
    pin = attempt(parse_pin, lines[1].decode('utf-8', 'surrogateescape'))
    need(pin and len(lines) > 2, 'line 2: not a pin line')
    words = {b'signatures ' + word.encode(): word for word in ('ed25519', 'ml-dsa-44', 'both')}
    need(lines[2] in words and len(lines) > 3, 'line 3: not which signatures are required')
    policy = None
    if len(lines) > 4 or lines[3]:
        need(len(lines) > 4 and not lines[3], 'line 4: an empty line is due')
        try:
            policy = Policy(lines[4])
        except Refused as refused:
            raise Refused('policy: %s' % refused)
        need(not policy.logs or pin.key in policy.logs, "other log: the policy's logs don't have the key of the pin")
    return Trust(lines[1].decode(), words[lines[2]], policy)

def judge_trust(verdict, trust, now=None, max_age=None):
    """Changes a verdict that was made under the trust file's pin."""
    axes, checkpoint, policy = verdict.axes, verdict.checkpoint, trust.policy
    if checkpoint is None:
        return verdict
    seen = {}
    if axes['authenticity'] in BELIEVED:
        for name, key in (policy.witnesses if policy else {}).items():
            time = cosigned_at(checkpoint.note, key)
            if time is False:
                axes['authenticity'] = 'signature invalid'
            elif time is not None and (now is None or time <= now + WITNESS_CLOCK_SECONDS):
                seen[name] = time
    if axes['authenticity'] not in BELIEVED:
        axes['witnesses'] = 'unchecked'
        return verdict
    if trust.signatures != 'ed25519':
        axes['authenticity'] = 'required signature ' + ('unchecked' if checkpoint.post_quantum else 'absent')
    axes['witnesses'] = witnesses_text(policy, seen, verdict, now, max_age)
    return verdict

def cosigned_at(note, key):
    """The time at which a witness says it saw the note; None without a line that can be checked, False for a wrong one."""
    signature = note.signatures.get((key.name, key.key_id))
    if signature is None or key.type != COSIGNATURE:
        return None
    time = int.from_bytes(signature[:8], 'big')
    message = b'cosignature/v1\ntime %d\n' % time + note.text
    return time if time < TREE_SIZE_END and ed25519_ok(key.public, message, signature[8:]) else False

def witnesses_text(policy, seen, verdict, now, max_age):
    recorded = verdict.time and int(datetime.datetime.fromisoformat(verdict.time[:19].decode() + '+00:00').timestamp())
    def stale(since):
        too_old = None not in (now, max_age, since) and now - since > max_age
        return too_old and 'stale(%d s)' % (now - since)
    if policy is None or policy.quorum == b'none':
        shown = recorded if verdict.shows_last else None
        return first_that_applies(max_age is not None and shown is None and 'unchecked', stale(shown), 'none asked')
    since = [time for time in seen.values() if policy.is_met({name for name in seen if seen[name] >= time})]
    return first_that_applies(
        bool(seen) and recorded is not None and min(seen.values()) + WITNESS_CLOCK_SECONDS < recorded
        and 'time contradicted',
        not policy.is_met(set(seen)) and 'quorum missing',
        stale(max(since, default=None)),
        'quorum met')

# ---- memory.md ------------------------------------------------------------------------------------------------------
MEMORY_START = b'indelible-memory-v1'

def parse_memory(data):
    """The newest Checkpoint believed of each log, by origin."""
    need(len(data) <= MEMORY_BYTES_MAX, 'the memory file is larger than 64 MiB')
    lines, memory, last = Lines(io.BytesIO(data)), {}, b''
    try:
        need(lines.next(MEMORY_START) == b'')
        while lines.file.tell() < len(data):
            checkpoint = parse_checkpoint(unescape(lines.next(b'{"checkpoint":"', b'"}')))
            need(last < checkpoint.origin)
            memory[checkpoint.origin], last = checkpoint, checkpoint.origin
    except Refused:
        raise Refused('line %d of the memory file has not its form' % lines.number)
    return memory

def judge_memory(verdict, memory):
    """Changes a verdict that was made by all else that is asked for."""
    axes, new = verdict.axes, verdict.checkpoint
    if axes['consistency'] == 'fork':
        return verdict
    old, is_believed = memory.get(new and new.origin), axes['authenticity'] in BELIEVED + (UP_TO_HINGE,)
    if is_believed and old is None:
        return verdict
    root = old and (new.root if old.size == new.size else verdict.shown.get(old.size))
    is_behind = old and old.size > new.size
    why = first_that_applies(
        not is_believed and 'nothing in it is signed by whom you trust',
        is_believed and verify_any(old.note, verdict.keys) != OK and 'the remembered checkpoint is not signed by a key trusted'
        ' now: if the log has others since or had others before, a walk shows them (--walk FILE)',
        root is None and not (is_behind and verdict.is_export) and 'it does not show the tree of the remembered size',
        'ok' if root == (old and old.root) else 'rollback' if is_behind else 'fork')
    verdict.not_compared = why not in ('ok', 'rollback', 'fork')
    axes['consistency'] = 'unchecked' if verdict.not_compared else why
    if why != OK:
        verdict.details.append('what was remembered: %s' % why)
    return verdict

def learn(verdict, memory):
    """Whether a good verdict has shown a larger tree than was remembered."""
    new = verdict.checkpoint
    is_new = verdict.exit_code() == 0 and (new.origin not in memory or memory[new.origin].size < new.size)
    if is_new:
        memory[new.origin] = new
    return is_new

def write_note(note):
    lines = [b'\xe2\x80\x94 %s %s\n' % (name, base64.b64encode(key_id + rest)) for (name, key_id), rest in note.signatures.items()]
    return b''.join([note.text, b'\n', *lines])

def write_memory(memory):
    lines = [b'{"checkpoint":"%s"}' % re.sub(rb'["\\]', rb'\\\g<0>', write_note(memory[origin].note)).replace(b'\n', b'\\n')
             for origin in sorted(memory)]
    return b'\n'.join([MEMORY_START, *lines, b''])

def write_durably(path, data):
    with open(path, 'wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

def remember(path, verify_with):
    """The Verdict that verify_with gives for a memory, compared with the memory file, which learns from it. Holds the lock
    from before the evidence is looked at to the end."""
    import fcntl  # Unix has it, and nothing else here needs it
    with open(path + '.lock', 'ab') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        memory = {}
        if os.path.lexists(path):
            with open(path, 'rb') as source:
                memory = parse_memory(source.read(MEMORY_BYTES_MAX + 1))
        verdict = verify_with(memory)
        was_fork, new = verdict.axes['consistency'] == 'fork', verdict.checkpoint
        judge_memory(verdict, memory)
        if verdict.axes['consistency'] == 'fork' and not was_fork:
            old = memory[new.origin]
            stem = '%s.fork-%s-%d-%d' % (path, new.origin.decode().rpartition('/')[2], old.size, new.size)
            write_durably(stem + '.one', write_note(old.note))
            write_durably(stem + '.other', write_note(new.note))
            verdict.details.append('two histories are signed; both notes: %s.one, %s.other' % (stem, stem))
        if learn(verdict, memory):
            write_durably(path + '.new', write_memory(memory))
            os.replace(path + '.new', path)
            directory = os.open(os.path.dirname(path) or '.', os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
    return verdict

def verify_fork(one, other, proof=None, pin=None, walk=None):
    """The Verdict on a fork proof: two notes, and a consistency proof where their sizes differ."""
    verdict, pin, walk = Verdict(), if_given(parse_pin, pin), if_given(read_walk_file, walk)
    notes = [attempt(parse_checkpoint, data) for data in (one, other)]
    if None in notes:
        verdict.axes['integrity'] = BAD_CHECKPOINT
        return verdict
    small, large = sorted(notes, key=lambda note: note.size)
    statuses = [signer(checkpoint, pin, walk)[0] for checkpoint in (small, large)]
    verdict.axes.update(integrity=OK, authenticity=max(statuses, key=lambda text: -exit_of(text) % 4), witnesses='none asked',
                        completeness=SELECTIVE)
    root = fork_root(verdict, small, large, proof)
    is_signed = all(text in BELIEVED + (UP_TO_HINGE, 'key retired') for text in statuses)
    verdict.not_compared = root is None or not is_signed
    if not verdict.not_compared:
        verdict.axes['consistency'] = OK if root == small.root else 'fork'
    if verdict.axes['consistency'] == OK and statuses[0] == UP_TO_HINGE:
        verdict.axes['authenticity'] = statuses[1]  # The larger begins with the smaller, and so ties it.
    verdict.details += ['log %s, a checkpoint of its first %d' % (note.origin.decode(), note.size) for note in (small, large)]
    return verdict

def fork_root(verdict, small, large, data):
    """The root that the larger note's tree has at the size of the smaller, or None; integrity says what is wrong."""
    if small.origin != large.origin or small.size == large.size:
        return large.root if small.origin == large.origin else None
    proof = if_given(lambda data: verdict.read(ConsistencyProof, Lines(io.BytesIO(data))), data)
    if proof is None:
        return None
    if proof.checkpoint[1:3] != large[1:3] or proof.integrity() != OK:
        verdict.axes['integrity'] = 'root mismatch(%d)' % large.size
        return None
    return proof.shown.get(small.size)

# ---- the command ----------------------------------------------------------------------------------------------------
def read_file(name, most, what):
    """A whole file, or standard input; one byte too many if it is too large, which is what decides then."""
    with open(0 if name == '-' else name, 'rb') as source:
        data = source.read(most + 1)
    need(what is None or len(data) <= most, '%s: too large: more than %s' % (name, what))
    return data

def judge(options, files, trust, pin, walk, memory=None):
    """A file is what it begins as; else a receipt if a record is given with it, else an export."""
    file, *others = [open(0 if name == '-' else name, 'rb') for name in files]
    start = file.peek()
    if start.startswith(BATCH_RECEIPT_START):
        verdict = verify_batch_receipt(file.read(RECEIPT_BYTES_MAX + 1), pin, *others or [None], walk)
    elif start.startswith((CONSISTENCY_START, HEAD_AT_START)):
        need(not others, 'a proof takes no record')
        verdict = verify_proof(file.read(RECEIPT_BYTES_MAX + 1), pin, walk)
    elif others or start.startswith(RECEIPT_START):
        record = read_file(files[1], RECORD_FILE_BYTES_MAX, '64 MiB') if others else None
        verdict = verify_receipt(file.read(RECEIPT_BYTES_MAX + 1), pin, record, walk)
    else:
        verdict = verify_export(file, pin, walk, memory)
    return judge_trust(verdict, trust, int(time.time()), attempt(int, options.get('--max-age', ''))) if trust else verdict

def run(options, files):
    """The Verdict that is asked for."""
    need(1 <= len(files) <= 2 + ('--fork' in options), 'one or two files are expected')
    pin, age = options.get('--pin'), options.get('--max-age')
    need(age is None or re.fullmatch('[0-9]{1,18}', age), '--max-age takes seconds')
    need(age is None or pin or '--trust' in options, '--max-age needs --trust or --pin')
    need(pin is None or '--trust' not in options, '--pin and --trust exclude each other')
    trust = Trust(pin, 'ed25519', None) if age is not None else None
    if '--trust' in options:
        trust = parse_trust(read_file(options['--trust'], POLICY_BYTES_MAX + (4 << 10), None))
        pin = trust.pin
    walk = if_given(lambda name: read_file(name, WALK_FILE_BYTES_MAX, None), options.get('--walk'))
    if '--fork' in options:
        need(len(files) > 1 and not {'--trust', '--max-age', '--remember'} & set(options), '--fork takes two notes and a pin')
        notes = [read_file(name, NOTE_BYTES_MAX, None) for name in files[:2]]
        return verify_fork(*notes, if_given(lambda name: read_file(name, RECEIPT_BYTES_MAX, None), (files + [None])[2]), pin, walk)
    if '--remember' in options:
        return remember(options['--remember'], lambda memory: judge(options, files, trust, pin, walk, memory))
    return judge(options, files, trust, pin, walk)

def main():
    try:
        options, files = getopt.gnu_getopt(sys.argv[1:], 'h', ['help', 'json', 'fork', 'pin=', 'walk=', 'trust=', 'max-age=',
                                                               'remember='])
        options = dict(options)
        if {'-h', '--help'} & set(options):
            return print(__doc__)
        verdict = run(options, files)
    except (ValueError, getopt.GetoptError, OSError, MemoryError) as error:
        why = '%s: %s' % (error.filename, error.strerror.lower()) if getattr(error, 'filename', None) else error
        usage = ('usage: verify.py [--json] [--pin LINE | --trust FILE] [--max-age SECONDS] [--walk FILE] [--remember FILE]\n'
                 '           EXPORT | RECEIPT [RECORD] | BATCH_RECEIPT [RECORDS] | PROOF | --fork NOTE NOTE [PROOF]')
        sys.stderr.write('verify.py: %s\n%s\n' % (why, usage))
        return 2
    line = json.dumps({'exit': verdict.exit_code(), **verdict.axes}, ensure_ascii=False, separators=(',', ':')) + '\n'
    sys.stdout.buffer.write((line if '--json' in options else verdict.text()).encode())
    return verdict.exit_code()

if __name__ == '__main__':
    sys.exit(main())
