"""Verdicts as the cases expect them: five texts and the exit code by the table of docs/spec/verdicts.md."""

FAILED = ("event altered", "head altered", "entry altered", "root mismatch", "missing(", "log fault", "malformed", "key walk broken", "key retired", "fork", "rollback", "signature invalid", "incomplete(", "erased without record", "time contradicted")
OPEN = ("unsupported version", "self-keyed", "unknown key", "ok up to its hinge", "required signature", "quorum missing", "stale(")


def exit_code(verdict):
    values = list(verdict.values())
    if any(value.startswith(FAILED) for value in values):
        return 1
    open_axes = [name for name, value in verdict.items() if value.startswith(OPEN) or (value == "unchecked" and name != "consistency")]
    return 3 if open_axes else 0


def verdict(integrity, authenticity, completeness, witnesses="none asked", consistency="unchecked"):
    axes = {"integrity": integrity, "authenticity": authenticity, "consistency": consistency, "witnesses": witnesses, "completeness": completeness}
    return axes | {"exit": exit_code(axes)}


def stopped(integrity, completeness="unchecked"):
    """Nothing but this was reached."""
    return verdict(integrity, "unchecked", completeness, "unchecked")
