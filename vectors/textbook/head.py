"""Heads and record lines (docs/spec/record.md): judging a head by its five steps, and writing one."""

import datetime
import re

FIELDS = ["indelible", "log", "kind", "by", "via", "from", "cert", "policy", "format", "occurred", "src", "epoch", "n", "key", "psig",
          "digest", "seq", "time", "prev"]
OPTIONAL = {"from", "cert", "policy", "format", "occurred", "src", "epoch", "n", "key", "psig"}
INTEGERS = {"indelible", "policy", "epoch", "n", "seq"}
KINDS = "genesis key settings expiry erasure stream successor repair clock node event".split()
INTEGER_MAX = 2**53 - 1

ALLOWED = "".join(chr(byte) for byte in range(0x21, 0x7F) if chr(byte) not in '"\\{}')
MEMBER = re.compile(r'"([a-z0-9_]{1,32})":(?:(0|[1-9][0-9]{0,19})|"([!#-\[\]-z|~]*)")')
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ORIGIN = re.compile(rf"{LABEL}(?:\.{LABEL})*(?:/[a-z0-9][a-z0-9._-]{{0,62}})*/(?:[a-z0-9][a-z0-9_-]{{0,62}}|_node)/[0-9a-f]{{16}}")
HEX64 = re.compile(r"[0-9a-f]{64}")
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{9}Z", re.ASCII)


def is_origin(text):
    return len(text) <= 200 and ORIGIN.fullmatch(text) is not None


def log_name(origin):
    return origin.split("/")[-2]


def is_time(text):
    match = TIME.fullmatch(text)
    if not match or int(match[1]) < 2000:
        return False
    try:
        datetime.datetime(*(int(part) for part in match.groups()))
    except ValueError:
        return False
    return True


def is_percent_encoded(text):
    """Every % begins the upper-case code of a byte that may not stand for itself, or of % itself."""
    rest = re.sub(r"%[0-9A-F]{2}", lambda code: "" if needs_code(int(code[0][1:], 16)) else "%", text)
    return "%" not in rest


def needs_code(byte):
    return byte == ord("%") or chr(byte) not in ALLOWED


def is_address(text):
    if "." in text:
        return re.fullmatch(r"(?:(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}", text, re.ASCII) is not None
    groups = address_groups(text)
    return groups is not None and groups[:6] != [0, 0, 0, 0, 0, 0xFFFF] and text == address_text(groups)


def address_groups(text):
    """The eight groups of an IPv6 address in any spelling without dots, or None."""
    halves = text.split("::")
    parts = [half.split(":") if half else [] for half in halves]
    if len(halves) > 2 or not all(re.fullmatch(r"[0-9a-fA-F]{1,4}", group) for part in parts for group in part):
        return None
    if len(halves) == 1:
        return [int(group, 16) for group in parts[0]] if len(parts[0]) == 8 else None
    gap = 8 - len(parts[0]) - len(parts[1])
    return [int(group, 16) for group in parts[0] + ["0"] * gap + parts[1]] if gap >= 1 else None


def address_text(groups):
    """RFC 5952 §4: the first of the longest runs of two or more zero groups is written `::`."""
    runs = [(length, -start) for start in range(8) for length in range(2, 9 - start) if not any(groups[start : start + length])]
    words = [format(group, "x") for group in groups]
    if not runs:
        return ":".join(words)
    length, start = max(runs)
    return ":".join(words[:-start]) + "::" + ":".join(words[-start + length :])


def is_value(name, value):
    if name in INTEGERS:
        return isinstance(value, int) and value <= INTEGER_MAX
    if not isinstance(value, str) or not value:
        return False
    if name == "log":
        return is_origin(value)
    if name == "kind":
        return value in KINDS
    if name in ("cert", "psig", "digest", "prev"):
        return HEX64.fullmatch(value) is not None
    if name in ("time", "occurred"):
        return is_time(value)
    if name == "via":
        return re.fullmatch(r"[a-z0-9-]{1,32}/[a-z0-9-]{1,32}", value) is not None
    if name == "format":
        return re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,31}", value) is not None
    if name == "from":
        return is_address(value)
    if name == "key":
        match = re.fullmatch(r"([^#]{1,128})(?:#(0|[1-9][0-9]{0,4}))?", value)
        return match is not None and is_percent_encoded(match[1]) and int(match[2] or "0") < 65_536
    if name == "src":
        return len(value) <= 128 and is_percent_encoded(value)
    return is_percent_encoded(value)


def members(text):
    """Step 2: the list of (name, value), or None."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    found, at = [], 1
    while True:
        match = MEMBER.match(text, at)
        if not match:
            return None
        found.append((match[1], int(match[2]) if match[2] else match[3]))
        at = match.end()
        if at == len(text) - 1:
            return found
        if text[at] != ",":
            return None
        at += 1


def judge(data):
    """("valid", fields), ("invalid", None) or ("unsupported", None)."""
    if len(data) > 4096 or not data.isascii():
        return "invalid", None
    found = members(data.decode())
    if found is None or found[0][0] != "indelible" or not isinstance(found[0][1], int):
        return "invalid", None
    if found[0][1] != 1 or any(name not in FIELDS for name, _ in found):
        return "unsupported", None
    names = [name for name, _ in found]
    in_order = [name for name in FIELDS if name in names] == names
    complete = all(name in names for name in FIELDS if name not in OPTIONAL)
    stream = {"src", "epoch", "n"} & set(names)
    if in_order and complete and len(stream) in (0, 3) and all(is_value(*member) for member in found):
        return "valid", dict(found)
    return "invalid", None


def write(fields):
    """A head with these fields in the table's order; nothing is judged."""
    return "{" + ",".join(f'"{name}":{fields[name]}' if isinstance(fields[name], int) else f'"{name}":"{fields[name]}"' for name in FIELDS if name in fields) + "}"
