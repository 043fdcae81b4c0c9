//! Every exit code of `indelible`, in one table. Scripts depend on it, so a code never changes its meaning.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for was done; for `verify`, everything asked for verified.
    Done,
    /// The evidence is not what was recorded: altered, missing, not signed by whom it names (`docs/spec/verdicts.md`).
    Damaged,
    /// The command can't be carried out as given: a wrong argument, a file that can't be opened, a name that is taken.
    Usage,
    /// Nothing was found wrong, but not everything asked for could be verified (`docs/spec/verdicts.md`).
    Unverified,
    /// `append`: some events were not recorded; the message says which.
    NotAllRecorded,
    /// The machine is in the way: another writer holds the store, a write failed, the clock needs a decision.
    Trouble,
    /// `serve`, `config`: the file of settings is refused.
    Configuration,
    /// `serve`: the node secret is not there, can't be read, or is another store's.
    Keys,
    /// `serve`: an operator must decide about the clock.
    Clock,
    /// `serve`: the store is older than the register remembers, or the register is gone.
    RolledBack,
    /// `serve`: an address is taken, or not this machine's.
    Address,
    /// `serve`: a write failed, and nothing more is recorded before another start.
    FailedWrite,
    /// `serve`: another process writes to the store.
    InUse,
    /// Whoever read our output had enough. 128 + SIGPIPE, as the shell gives for programs that the signal ends.
    PipeClosed,
}

/// Codes with what they mean, as `indelible help` shows them.
pub const TABLE: [(Exit, u8, &str); 14] = [
    (
        Exit::Done,
        0,
        "done; verify: all that was asked for verified",
    ),
    (
        Exit::Damaged,
        1,
        "altered, missing or not signed by whom it names",
    ),
    (Exit::Usage, 2, "can't be done as asked"),
    (
        Exit::Unverified,
        3,
        "nothing wrong found, but not all could be verified",
    ),
    (
        Exit::NotAllRecorded,
        4,
        "some events were not, or can't be, recorded",
    ),
    (
        Exit::Trouble,
        5,
        "store in use, failed write, clock in doubt",
    ),
    (
        Exit::Configuration,
        10,
        "serve, config: the settings are refused",
    ),
    (
        Exit::Keys,
        11,
        "serve: the node secret is missing or not this store's",
    ),
    (Exit::Clock, 12, "serve: the clock needs a decision"),
    (
        Exit::RolledBack,
        13,
        "serve: the store is an older copy, or its register is gone",
    ),
    (Exit::Address, 14, "serve: can't listen on an address"),
    (
        Exit::FailedWrite,
        15,
        "serve: a write failed; start it again",
    ),
    (
        Exit::InUse,
        16,
        "serve: another process writes to the store",
    ),
    (Exit::PipeClosed, 141, "the reader of the output went away"),
];

impl Exit {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        let row = TABLE.iter().find(|(exit, ..)| *exit == self);
        row.map_or(u8::MAX, |(_, code, _)| *code)
    }

    /// The outcome of a verdict, whose codes are the first four of the table.
    pub fn of_verdict(code: u8) -> Exit {
        match code {
            0 => Exit::Done,
            1 => Exit::Damaged,
            _ => Exit::Unverified,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
