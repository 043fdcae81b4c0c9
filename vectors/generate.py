#!/usr/bin/env python3
"""Writes the vectors and the worked examples in docs/spec, or, with --check, says which of them are not current.

Uses the standard library alone and no code of the product: what it knows, it knows from docs/spec. Every run gives the same
bytes. `generate.py event tree` writes only these two files.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from textbook.files import render  # noqa: E402

FILES = ["event", "head", "tree", "note", "keys", "record", "receipt"]


def main(arguments):
    check = "--check" in arguments
    chosen = [name for name in arguments if name != "--check"] or FILES
    stale = []
    for name in chosen:
        module = __import__(f"cases.{name}", fromlist=["document"])
        settle(HERE / f"{name}.json", render(module.document()), check, stale)
    for path in stale:
        print(f"not current: {path}")
    return 1 if stale else 0


def settle(path, wanted, check, stale):
    if not check:
        path.write_bytes(wanted)
    elif not path.exists() or path.read_bytes() != wanted:
        stale.append(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
