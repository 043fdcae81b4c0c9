"""Attacks on the store as a whole, its keys, and evidence that is shown instead of it."""

import os
import shutil
import subprocess

from store import cut, keys, rebind, take_over


def nothing(case):
    """The control: whoever finds something here finds too much."""


# ---- the directory ---------------------------------------------------------------------------------------------------


def wiped(case):
    for path in case.store.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def made_anew(case):
    """Wiped, and a new store made under the same origin, with secret and register of its own."""
    take_over(case, "anew", ["store", "keys", "register"])


def older_copy(case):
    """Store and secret as they were before the last weeks; the register lies on another disk and stays."""
    take_over(case, "old", ["store", "keys"])


def older_copy_register_too(case):
    take_over(case, "old", ["store", "keys", "register"])


def older_copy_with_secret_of_today(case):
    take_over(case, "old", ["store"])


def cloned(case):
    """A copy by a program that knows nothing of FORMAT."""
    path = case.store / "FORMAT"
    rebind(path, case, inode="1")


def clone_written(case):
    """A clone that was opened as if it were the original, with a register of its own, and written to."""
    take_over(case, "clone", ["store", "keys", "register"])


def clone_written_register_of_the_original(case):
    take_over(case, "clone", ["store", "keys"])


# ---- keys ------------------------------------------------------------------------------------------------------------


def secret_swapped(case):
    take_over(case, "other", ["keys"])


def old_secret_put_back(case):
    take_over(case, "old", ["keys"])


# ---- evidence that somebody else made --------------------------------------------------------------------------------


def old_key_before_its_hinge(case):
    shutil.copy(case.base / "thief/before.export", case.directory / "shown.export")


def old_key_after_its_hinge(case):
    shutil.copy(case.base / "thief/after.export", case.directory / "shown.export")


def old_checkpoint_shown(case):
    shutil.copy(case.base / "held/old.export", case.directory / "shown.export")


def checkpoint_of_last_week_shown(case):
    shutil.copy(case.base / "held/week.export", case.directory / "shown.export")


# ---- what a producer may send ----------------------------------------------------------------------------------------


def sent(case, event):
    """Through the front door; whatever it says it becomes an event of kind `event`, and the log's keys stay."""
    program = [os.environ["INDELIBLE"]]
    stored = ["--store", str(case.store)]
    before = subprocess.run([*program, "pin", *stored, "--log", "payments"], check=True, capture_output=True).stdout
    subprocess.run([*program, "append", *stored, "--keys", str(case.keys), "--log", "payments"], input=(event + "\n").encode(), check=True, capture_output=True)
    seq = len(case.records("payments"))
    line = subprocess.run([*program, "get", *stored, "--log", "payments", "--seq", str(seq)], check=True, capture_output=True).stdout.decode().rstrip("\n")
    assert '"kind":"event"' in cut(line).head and cut(line).event == event, line
    assert subprocess.run([*program, "pin", *stored, "--log", "payments"], check=True, capture_output=True).stdout == before


def genesis_sent(case):
    sent(case, case.records("payments")[0].event)


def rotation_sent(case):
    origin = case.records("payments")[0].head.split('"log":"')[1].split('"')[0]
    sent(case, keys.key_event("rotation", 2, [keys.LogKey(bytes(32), origin).vkey]))


def erasure_sent(case):
    sent(case, '{"erasure":5,"kind":"erasure"}')


def header_sent(case):
    """An event full of what a slot begins with, as far as an event can say it."""
    sent(case, '{"note":"' + "INDLSLOT" * 2048 + '"}')

