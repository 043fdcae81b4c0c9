"""record.json: cutting record lines by position, and the values that tie head, salt and event (docs/spec/record.md)."""

from textbook.log import NODE, orders
from textbook.tree import leaf, sha256

LOG = orders(3)
RECORD = LOG.records[1]
SALT = NODE


def lines():
    def ok(name, head, salt=None, event=None):
        line = f'{{"head":{head}}}' if salt is None else f'{{"head":{head},"salt":"{salt}","event":{event}}}'
        return {"name": name, "line": line, "expect": {"head": head, "salt": salt, "event": event}}

    def malformed(name, line):
        return {"name": name, "line": line, "expect": "malformed"}

    head, event, good = RECORD.head, RECORD.event, RECORD.line()
    yield ok("record", head, SALT, event)
    yield ok("genesis", LOG.records[0].head, LOG.records[0].salt, LOG.records[0].event)
    yield ok("head alone", head)
    yield ok("event with braces in strings", head, SALT, '{"a":"}}{{","b":{"c":[{}]}}')
    yield ok("event that looks like the end of a record", head, SALT, '{"salt":"' + SALT + '","event":{}}')
    yield ok("event beyond ASCII", head, SALT, '{"a":"é\u2028"}')
    yield ok("empty event object", head, SALT, "{}")
    yield ok("the event is not judged here", head, SALT, "x")
    yield ok("the salt is not judged here", head, SALT.upper(), event)
    yield ok("a salt of quotes", head, '"' * 32, event)
    yield ok("the head is not judged here", '{"x":1}', SALT, event)
    yield ok("white space in the event is not judged here", head, SALT, ' {"a": 1} ')
    wrong = {
        "empty": "", "LF at the end": good + "\n", "LF at the end, head alone": f'{{"head":{head}}}\n', "space at the end": good + " ", "space at the beginning": " " + good, "BOM": "\ufeff" + good, "last brace missing": good.rstrip("}"),
        "head alone, last brace missing": f'{{"head":{head}', "head alone, something after": f'{{"head":{head}}}}}', "head alone, comma": f'{{"head":{head},}}', "white space after the name": good.replace('{"head":', '{"head": '),
        "another name": good.replace('"head"', '"Head"', 1), "no braces at all": '{"head":1', "salt of 31 characters": good.replace(SALT, SALT[1:]), "salt of 33 characters": good.replace(SALT, SALT + "0"), "no salt": f'{{"head":{head},"event":{event}}}',
        "salt alone": f'{{"head":{head},"salt":"{SALT}"}}', "event before salt": f'{{"head":{head},"event":{event},"salt":"{SALT}"}}', "salt before head": f'{{"salt":"{SALT}","head":{head},"event":{event}}}', "white space before salt": good.replace(',"salt"', ', "salt"'),
        "white space before event": good.replace(',"event"', ', "event"'), "white space around the salt": good.replace('"salt":"', '"salt": "'), "ends after event's colon": f'{{"head":{head},"salt":"{SALT}","event":', "ends inside the salt": f'{{"head":{head},"salt":"{SALT[:9]}',
        "a line of the event alone": event, "an inner brace in the head": f'{{"head":{{"a":{{}},"b":1}},"salt":"{SALT}","event":{event}}}', "salt as a number": f'{{"head":{head},"salt":1,"event":{event}}}',
    }
    for name, line in wrong.items():
        yield malformed(name, line)


def values():
    for record in LOG.records:
        yield {"head": record.head, "salt": record.salt, "event": record.event, "digest": sha256((record.salt + record.event).encode()).hex(), "entry": record.entry.hex(), "leaf": leaf(record.entry).hex()}


def document():
    return {"file": "record", "spec": "docs/spec/record.md", "lines": list(lines()), "values": list(values())}
