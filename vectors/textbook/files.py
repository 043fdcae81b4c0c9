"""How vectors are written down: ASCII JSON, one case a line, so that a change shows as the lines it changes."""

import base64
import json
import re


def b64(data):
    return base64.b64encode(data).decode()


def line(value):
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def render(document):
    """An object whose lists of objects stand one member a line; everything else on its own line."""
    members = []
    for name, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
            body = "[\n" + ",\n".join(line(item) for item in value) + "\n]"
        else:
            body = line(value)
        members.append(f"{line(name)}:{body}")
    return ("{\n" + ",\n".join(members) + "\n}\n").encode()


def edits(old, new, join=16):
    """[[offset, removed, inserted in base64], …]: what makes the old bytes the new ones, differing runs nearer than `join` as one.
    Where the lengths differ, all between what both begin and end with is one run."""
    if len(old) != len(new):
        start = next((at for at, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
        end = next((at for at, (a, b) in enumerate(zip(old[start:][::-1], new[start:][::-1])) if a != b), min(len(old), len(new)) - start)
        return [[start, len(old) - end - start, b64(new[start : len(new) - end])]]
    runs = []
    for at in (at for at, (a, b) in enumerate(zip(old, new)) if a != b):
        if runs and at - runs[-1][1] < join:
            runs[-1][1] = at + 1
        else:
            runs.append([at, at + 1])
    return [[start, end - start, b64(new[start:end])] for start, end in runs]


def shortest(member, text, bases):
    """{member: text}, or {"base", "edits"} where what to change in one of the bases is less: one run before the last line's digest, and
    the digest. Bases are texts by the names of their cases."""
    found = [{member: text}]
    for base, old in bases.items():
        if text[-86:-67] == old[-86:-67] == '{"end":1,"sha256":"':
            new, was = text[:-67], old[:-67]
            start = next((at for at, (a, b) in enumerate(zip(was, new)) if a != b), min(len(was), len(new)))
            end = next((at for at, (a, b) in enumerate(zip(was[start:][::-1], new[start:][::-1])) if a != b), min(len(was), len(new)) - start)
            made = [[len(was[:start].encode()), len(was[start : len(was) - end].encode()), new[start : len(new) - end]], [len(was.encode()), 67, text[-67:]]]
            data = old.encode()
            for at, removed, inserted in reversed(made):
                data = data[:at] + inserted.encode() + data[at + removed :]
            assert data == text.encode(), base
            found.append({"base": base, "edits": [edit for edit in made if edit[1] or edit[2]]})
    return min(found, key=lambda shown: len(line(shown)))


def patches(data, join=64):
    """[[offset, base64, times], …]: what is put into zeros of this length, so many times in a row, to make the data."""
    made = []
    for start, size, _ in edits(bytes(len(data)), data, join):
        for part in re.finditer(rb"(.)\1{47,}|(?:(?!(.)\2{47}).)+", data[start : start + size], re.DOTALL):
            long = part[1] is not None
            made.append([start + part.start(), b64(part[1] if long else part[0]), len(part[0]) if long else 1])
    return made
