"""Memory files (docs/spec/memory.md): how they are put together."""

from textbook.log import escaped

TITLE = "indelible-memory-v1\n"


def memory_file(*notes):
    """The notes in the order given."""
    return TITLE + "".join(f'{{"checkpoint":"{escaped(note)}"}}\n' for note in notes)
