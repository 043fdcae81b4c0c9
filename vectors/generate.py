#!/usr/bin/env python3
"""Writes the vectors and the worked examples in docs/spec, or, with --check, says which of them are not current.

Uses the standard library alone and no code of the product: what it knows, it knows from docs/spec. Every run gives the same
bytes. Names choose: `generate.py event tree` writes two files, `generate.py examples` the examples.
"""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGES = HERE.parent / "docs" / "spec"
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from cases import examples  # noqa: E402
from textbook.files import render  # noqa: E402

FILES = ["event", "head", "tree", "tile", "note", "keys", "record", "receipt", "batch_receipt", "prove", "export", "policy", "trust", "memory", "fork", "batch", "tail", "pack", "walk"]


def main(arguments):
    check = "--check" in arguments
    chosen = [name for name in arguments if name != "--check"] or [*FILES, "examples"]
    unknown = [name for name in chosen if name not in [*FILES, "examples"]]
    if unknown:
        print(f"no such vectors: {' '.join(unknown)}", file=sys.stderr)
        return 2
    stale = [path for path, wanted in wanted_files(chosen) if not settled(path, wanted, check)]
    for path in stale:
        print(f"not current: {path.relative_to(HERE.parent)}")
    return 1 if stale else 0


def wanted_files(chosen):
    for name in chosen:
        if name != "examples":
            yield HERE / f"{name}.json", render(importlib.import_module(f"cases.{name}").document())
    if "examples" in chosen:
        for page in examples.PAGES:
            path = PAGES / page
            yield path, examples.current(page, path.read_text(encoding="utf-8")).encode()


def settled(path, wanted, check):
    """Whether the file holds these bytes; without --check it is made to."""
    if path.exists() and path.read_bytes() == wanted:
        return True
    if check:
        return False
    path.write_bytes(wanted)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
