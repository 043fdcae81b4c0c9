"""A log of eleven records whose keys changed three times, and logs that depart from it: what walk.json and export.json share.

Records 3, 6 and 8 are of kind `key`: the hinges have sizes 4, 7 and 9. The second is a recovery by two of three people."""

from textbook import keys
from textbook.log import ORIGIN, Log, genesis_event
from textbook.tree import sha256

KEYS = [keys.LogKey(bytes(range(32)) if number == 0 else sha256(f"node secret {number}".encode()), ORIGIN) for number in range(5)]
PEOPLE = [keys.RecoveryKey(f"person-{number}", bytes([0xA0 + number]) * 32) for number in range(5)]
TWO_OF_THREE = (2, [person.vkey for person in PEOPLE[:3]])
ONE_OF_ONE = (1, [PEOPLE[0].vkey])
HINGE_SIZES = (4, 7, 9)


def begun(recovery=keys.NO_RECOVERY, orders=2, vkeys=None, word="order"):
    """A genesis and some orders."""
    log = Log(ORIGIN)
    log.genesis(genesis_event(ORIGIN, vkeys or [KEYS[0].vkey], node_log="ab" * 32, recovery=recovery))
    return ordered(log, orders, word)


def ordered(log, count=1, word="order"):
    for _ in range(count):
        seq = len(log.records)
        log.add(f'{{"{word}":{seq},"amount":"{seq}.00"}}')
    return log


def turned(hinges=3, word="order"):
    """The log after so many hinges, two records behind the last. Another word is another history of the same genesis."""
    log = begun(TWO_OF_THREE, word=word)
    turns = [lambda: log.rotate(KEYS[1], recovery=TWO_OF_THREE), lambda: log.rotate(KEYS[2], "recovery", [PEOPLE[0], PEOPLE[2], KEYS[2]], TWO_OF_THREE), lambda: log.rotate(KEYS[3], recovery=TWO_OF_THREE)]
    for turn, orders in zip(turns[:hinges], (2, 1, 2)):
        turn()
        ordered(log, orders, word)
    return log


LOG = turned()
FORKED = turned(word="other")
assert tuple(hinge.size for hinge in LOG.hinges) == HINGE_SIZES and len(LOG.records) == 11 and LOG.id == FORKED.id
PINS = [LOG.pin_of(key) for key in KEYS]


def signed(size, *signers, log=LOG):
    """A checkpoint of the log by these keys."""
    return log.checkpoint(size, list(signers))
