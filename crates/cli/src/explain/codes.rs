//! The exit codes.

use super::{Entry, On};

pub const CODES: &[Entry] = &[
    Entry {
        on: On::ExitCode,
        says: "0",
        exit: 0,
        means: "what was asked for was done; for verify, all that was asked for verified",
        causes: &[],
        now: &[
            "nothing; but read what verify lists under `not checked`: it says how far the answer reaches",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "1",
        exit: 1,
        means: "the evidence is not what was recorded: something is altered, missing, or not signed by whom it names",
        causes: &[
            "a disk that gives back other bytes than were written",
            "a file that was copied or sent incompletely",
            "somebody who changed, removed or put back files",
        ],
        now: &[
            "change nothing, and keep a copy of the whole store and of its register as they are",
            "run `indelible verify --json` and keep the answer: it names file, offset, log and records",
            "ask `indelible explain` for each text of the verdict",
            "compare with a copy, an export or a receipt that somebody else holds",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "2",
        exit: 2,
        means: "it can't be done as asked; nothing was written",
        causes: &[
            "a mistyped command",
            "a file or directory that is not there or may not be read",
            "a name that is taken",
        ],
        now: &["read the hint below the error; COMMAND --help says what a command takes"],
    },
    Entry {
        on: On::ExitCode,
        says: "3",
        exit: 3,
        means: "nothing was found wrong, but not all that was asked for could be verified",
        causes: &[
            "no pin was given, so nobody said whose signature counts",
            "a newer version wrote it",
            "the last batch is torn: the machine stopped while it was written",
        ],
        now: &[
            "give the pin with --pin, or use the newer version",
            "treat the evidence as unverified until then, not as false",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "4",
        exit: 4,
        means: "append: some events were not recorded, all others were; event check: some can't be recorded, or with --native are not native",
        causes: &[
            "lines that are not JSON, or break the profile of docs/spec/event.md",
            "events that are too large",
        ],
        now: &["the messages name each line and why; repair those lines and send them alone"],
    },
    Entry {
        on: On::ExitCode,
        says: "5",
        exit: 5,
        means: "the machine is in the way; the evidence is not in question",
        causes: &[
            "another process writes to the store",
            "a write failed: disk full, disk broken",
            "the clock is far from where it was",
        ],
        now: &[
            "read the error: it says which of these",
            "what was acknowledged before is durable; what was not may be sent again",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "141",
        exit: 141,
        means: "whoever read the output had enough and went away, such as `head`",
        causes: &["a pipe that was closed"],
        now: &["nothing, unless the output was meant to be complete"],
    },
];
