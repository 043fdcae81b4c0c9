"""Reading walk files, and judging them by the steps of docs/spec/walk.md. The first step that fails is named."""

import hashlib
import re

from textbook import head, keys, note
from textbook.log import escaped
from textbook.tree import is_consistent, is_included, leaf, sha256

HINGES_MAX = 1024


class Malformed(Exception):
    pass


class Unsupported(Exception):
    pass


class Broken(Exception):
    """The walk is not good; the argument says at which step."""


def form(pattern, text):
    found = re.fullmatch(pattern, text, re.DOTALL)
    if not found:
        raise Malformed
    return found.groups()


def hash_list(text):
    texts = keys.read_list(text)
    values = [note.canonical_base64(item) for item in texts or []]
    if texts is None or any(value is None or len(value) != 32 for value in values):
        raise Malformed
    return values


def unescaped(text):
    """The note of a NOTE, in which \\n, \\" and \\\\ are the only escapes and nothing else needed one."""
    plain = re.sub(r"\\(.)", lambda found: {"n": "\n", '"': '"', "\\": "\\"}.get(found[1], "\0"), text, flags=re.DOTALL)
    if escaped(plain) != text:
        raise Malformed
    return plain


def cut_record(text, bare=False):
    found = re.fullmatch(r'\{"head":(\{[^}]*\})(?:,"salt":"(.{32})","event":(.*))?\}', text, re.DOTALL)
    if not found or (found[2] is None and not bare):
        raise Malformed
    return found.groups()


def cut_hinge(line):
    """(note, consistency, inclusion, record) of a hinge line."""
    start, at = len('{"walk":{"hinge":"'), len('{"walk":{"hinge":"')
    while line[at : at + 1] != '"':
        if at >= len(line):
            raise Malformed
        at += 2 if line[at] == "\\" else 1
    rest, record = form(r'","consistency":(\[[^\]]*\],"inclusion":\[[^\]]*\]),"key":(.*)\}\}', line[at:])
    consistency, inclusion = rest.split(',"inclusion":')
    return unescaped(line[start:at]), hash_list(consistency), hash_list(inclusion), cut_record(record, bare=True)


class WalkFile:
    """The lines of a walk file, cut and not judged."""

    def __init__(self, data):
        text = data.decode("utf-8", "surrogateescape")
        *lines, rest = text.split("\n")
        lines += [None] if rest else []  # a line without LF has no form
        if not lines or lines[0] is None:
            raise Malformed
        if re.match('{"walk":([2-9]|1[0-9])', lines[0]):
            raise Unsupported
        self.origin, self.id, size = form(r'\{"walk":1,"origin":"([^"]*)","id":"([0-9a-f]{64})","size":(0|[1-9][0-9]{0,15})\}', lines.pop(0))
        self.size = int(size)
        if not head.is_origin(self.origin) or self.size >= 2**53:
            raise Malformed
        self.genesis = cut_record(form(r'\{"walk":(.*)\}', self.line(lines))[0])
        self.hinges = []
        while not self.line(lines, 0).startswith('{"walk":{"consistency":'):
            if not lines[0].startswith('{"walk":{'):
                raise Malformed
            if not lines[0].startswith('{"walk":{"hinge":'):
                raise Unsupported
            if len(self.hinges) == HINGES_MAX:
                raise Malformed
            self.hinges.append(cut_hinge(form(r'(\{"walk":\{"hinge":".*)', self.line(lines))[0]))
        self.consistency = hash_list(form(r'\{"walk":\{"consistency":(\[.*\])\}\}', self.line(lines))[0])
        self.note = unescaped(form(r'\{"checkpoint":"(.*)"\}', self.line(lines))[0])
        self.checkpoint = read_note(self.note)
        digest = form(r'\{"end":1,"sha256":"([0-9a-f]{64})"\}', self.line(lines))[0]
        if self.checkpoint is None or lines or digest != hashlib.sha256(data[: data.rindex(b'{"end"')]).hexdigest():
            raise Malformed
        if head.judge(as_bytes(self.genesis[0]))[0] == "unsupported":
            raise Unsupported

    def line(self, lines, take=1):
        if not lines or lines[0] is None:
            raise Malformed
        return lines.pop(0) if take else lines[0]


def as_bytes(text):
    return text.encode("utf-8", "surrogateescape")


def read_note(text):
    """(text, lines, origin, size, root) of a checkpoint, or None."""
    parsed = note.parse(as_bytes(text))
    found = parsed and note.read_checkpoint(parsed[0])
    return (*parsed, *found) if found else None


def judged(data):
    """malformed, unsupported, (`not good`, the step), or (`good`, {what the walk says})."""
    try:
        file = WalkFile(data)
        sets, hinges = walked(file)
        at_last(file, sets, hinges)
    except Malformed:
        return "malformed", None
    except Unsupported:
        return "unsupported", None
    except Broken as broken:
        return "not good", broken.args[0]
    return "good", {"sets": [made.vkeys for made in sets], "hinges": [{"size": size, "root": root.hex()} for size, root in hinges[1:]]}


def require(held, step):
    if not held:
        raise Broken(step)


def digest_fits(fields, salt, event):
    return salt is not None and re.fullmatch("[0-9a-f]{32}", salt) and sha256(as_bytes(salt + event)).hex() == fields["digest"]


def walked(file):
    """(key sets, hinges as (size, root)), the genesis standing first in both."""
    head_text, salt, event = file.genesis
    status, fields = head.judge(as_bytes(head_text))
    entry = sha256(as_bytes(head_text))
    genesis = keys.read_genesis(event)
    require(status == "valid" and (fields["kind"], fields["seq"], fields["log"]) == ("genesis", 0, file.origin) and entry.hex() == file.id
            and digest_fits(fields, salt, event) and genesis and genesis[0] == file.origin, "genesis")
    sets, hinges = [genesis[2]], [(1, leaf(entry))]
    for at, line in enumerate(file.hinges):
        made, hinge = step(file.origin, *line, sets[-1], *hinges[-1], f"hinge {at}, step ")
        sets.append(made)
        hinges.append(hinge)
    return sets, hinges


def step(origin, note_text, consistency, inclusion, record, before, size_before, root_before, name):
    found = read_note(note_text)
    require(found and found[2] == origin and found[3] > size_before, name + "1")
    text, lines, _, size, root = found
    require(is_consistent(size_before, size, root_before, root, consistency), name + "2")
    head_text, salt, event = record
    status, fields = head.judge(as_bytes(head_text))
    require(status == "valid" and fields["kind"] == "key" and fields["by"].startswith("node:") and fields["via"] == "node/self", name + "3")
    require(fields["log"] == origin and fields["seq"] == size - 1 and digest_fits(fields, salt, event), name + "3")
    require(is_included(size - 1, size, sha256(as_bytes(head_text)), inclusion, root), name + "3")
    said = keys.read_key_event(origin, event)
    require(said, name + "4")
    require(keys.is_hinge(text, lines, said[0], before, said[2]), name + "5")
    return said[2], (size, root)


def at_last(file, sets, hinges):
    text, lines, origin, size, root = file.checkpoint
    statuses = {note.verify(text, lines, name, keys.key_id(name, public), public) for name, public in sets[-1].signers()}
    require(size == file.size and origin == file.origin and "ok" in statuses and "invalid" not in statuses, "checkpoint")
    require(is_consistent(hinges[-1][0], size, hinges[-1][1], root, file.consistency), "checkpoint")
