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
        says: "10",
        exit: 10,
        means: "serve, config: the file of settings is refused as a whole; nothing listens, nothing was opened",
        causes: &[
            "a mistyped setting, or one of another version",
            "a certificate or key that is not there, can't be read, or does not fit the others",
            "an address that would listen everywhere, or on a public address",
        ],
        now: &[
            "read the errors: each names its line and what to write instead",
            "run `indelible config check FILE` until it is in order; a restart without that ends the same way",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "11",
        exit: 11,
        means: "serve: the node secret is missing, sealed, open to others, or another store's",
        causes: &[
            "a volume or credential that is not mounted",
            "a passphrase that is not given",
            "a rotation or recovery that is not finished",
        ],
        now: &[
            "read the error: it names the file",
            "bring the secret back from where you keep a copy; without it all can be read and verified, and nothing recorded",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "12",
        exit: 12,
        means: "serve: the clock is far from where the newest record was, and an operator has to say which is right",
        causes: &[
            "a machine that was off for weeks",
            "a clock without a battery or a time server",
            "a clock that somebody set",
        ],
        now: &[
            "look at the wall clock and set it right",
            "if it is right, run `indelible clock accept --store DIR`, then start the node",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "13",
        exit: 13,
        means: "serve: the store holds less than its register remembers, or the register is gone",
        causes: &[
            "a backup or snapshot that was put back",
            "the disk of the register is not mounted",
            "somebody who took away signed records",
        ],
        now: &[
            "start nothing over and over: keep store and register as they are",
            "find out who restored it, and where the newer store is",
            "if the register alone is lost for good, `indelible serve --register-lost` goes on, which is recorded",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "14",
        exit: 14,
        means: "serve: an address can't be listened on",
        causes: &[
            "another process listens there, maybe an earlier run that still ends",
            "the machine does not have the address, or not yet",
            "a port below 1024 without the right to it",
        ],
        now: &["read the error: it names the address; `ss -ltnp` says who listens there"],
    },
    Entry {
        on: On::ExitCode,
        says: "15",
        exit: 15,
        means: "serve: a write failed, so nothing more is recorded before another start; what was acknowledged is durable",
        causes: &[
            "a disk that is full, broken or gone",
            "another writer of the same store",
        ],
        now: &[
            "look at the disk (df, dmesg)",
            "start the node again: it finds out what reached the disk, and senders send again what was not acknowledged",
        ],
    },
    Entry {
        on: On::ExitCode,
        says: "16",
        exit: 16,
        means: "serve: another process writes to the store; one does at a time",
        causes: &[
            "an earlier run that still ends",
            "a command that writes, such as `indelible merge`",
            "a second service on the same store",
        ],
        now: &["find it (`fuser -v DIR/lock`), let it finish or end it, then start the node"],
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
