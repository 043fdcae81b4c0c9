"""How vectors are written down: ASCII JSON, one case a line, so that a change shows as the lines it changes."""

import base64
import json


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
