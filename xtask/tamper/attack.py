"""Edits the files of one copy of a store: the rows of docs/tamper-matrix.md, for `cargo xtask tamper`.

    python3 attack.py ROW CASE BASE      ROW is `module.function`; CASE a copy of the base store, BASE where it was copied from
    python3 attack.py bind CASE BASE     only makes the copy look as if it had been made where it lies

The harness starts the product; here nothing of it is used, but where a producer's own way in is the attack.
"""

import importlib
import sys

from store import Case, rebind


def main():
    row, directory, base = sys.argv[1:]
    case = Case(directory, base)
    rebind(case.store / "FORMAT", case)
    if row != "bind":
        module, name = row.split(".")
        getattr(importlib.import_module(module), name)(case)


if __name__ == "__main__":
    main()
