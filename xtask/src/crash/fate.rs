//! What can become of a call, and which calls it can befall.

use std::collections::BTreeMap;

use super::trace::{Entry, Kind, role_of};

/// What becomes of one call. The numbers are those of `enum fate` in `shim.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The process dies before it.
    Kill = 1,
    /// Half of the bytes are written, then the process dies.
    KillTorn = 2,
    /// Not done, `EIO`. A flush that fails so leaves data that can be read and is not on the disk.
    Fail = 3,
    /// Done, and `EIO` all the same.
    FailDone = 4,
    /// Half of the bytes are written, and that is said: no failure.
    Short = 5,
    /// The disk is full from here on: no name comes and nothing grows.
    Full = 6,
    /// The disk is gone from here on.
    Dead = 7,
}

impl Fate {
    pub const ALL: [Fate; 7] = [
        Fate::Kill,
        Fate::KillTorn,
        Fate::Fail,
        Fate::FailDone,
        Fate::Short,
        Fate::Full,
        Fate::Dead,
    ];

    /// What `shim.c` calls it.
    pub fn number(self) -> &'static str {
        match self {
            Fate::Kill => "1",
            Fate::KillTorn => "2",
            Fate::Fail => "3",
            Fate::FailDone => "4",
            Fate::Short => "5",
            Fate::Full => "6",
            Fate::Dead => "7",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Kill => "killed before the call",
            Fate::KillTorn => "killed in the middle of a write",
            Fate::Fail => "the call fails (EIO)",
            Fate::FailDone => "the call is done and reported failed (EIO)",
            Fate::Short => "half of a write is taken",
            Fate::Full => "the disk is full from the call on (ENOSPC)",
            Fate::Dead => "the disk is gone from the call on (EIO)",
        }
    }

    /// Whether the process lives on and can say something.
    pub fn is_kill(self) -> bool {
        matches!(self, Fate::Kill | Fate::KillTorn)
    }

    /// Whether it can befall such a call.
    fn befalls(self, entry: &Entry) -> bool {
        let kind = entry.kind;
        match self {
            Fate::Kill | Fate::Fail => true,
            // A disk that is gone before a read is gone before the next change, and each read that fails alone is a case too.
            Fate::Dead => kind.changes(),
            Fate::KillTorn | Fate::Short => kind == Kind::Write,
            // What fails by itself is not done.
            Fate::FailDone => kind.changes() && entry.result >= 0,
            Fate::Full => {
                matches!(
                    kind,
                    Kind::Write | Kind::Create | Kind::MakeDirectory | Kind::Truncate
                )
            }
        }
    }
}

/// A call of a run: the how manieth of its name on files of one role. So named it is found again in the next run, where
/// threads may take turns in another order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub call: String,
    pub role: String,
    pub nth: usize,
}

/// A call and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    pub fate: Fate,
    pub point: Point,
    /// What the call does, and to which sort of file. `None`: not known before it comes.
    pub concerns: Option<(Kind, String)>,
}

impl Case {
    /// A call of whatever name that changes something.
    pub fn of_any_call(fate: Fate, nth: usize) -> Case {
        let (call, role) = ("*".to_owned(), String::new());
        Case {
            fate,
            point: Point { call, role, nth },
            concerns: None,
        }
    }
}

/// How many calls a run made.
pub fn calls_of(trace: &[Entry]) -> usize {
    let calls = trace.iter();
    calls
        .filter(|entry| !matches!(entry.kind, Kind::Said | Kind::Fate))
        .count()
}

/// Every call of a run with every fate that can befall it.
pub fn cases(trace: &[Entry]) -> Vec<Case> {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut cases = Vec::new();
    let mut renamed = String::new();
    for entry in trace {
        if matches!(entry.kind, Kind::Said | Kind::Fate) {
            continue;
        }
        let count = seen.entry((entry.call.clone(), entry.role())).or_default();
        let point = Point {
            call: entry.call.clone(),
            role: entry.role(),
            nth: *count,
        };
        *count = count.saturating_add(1);
        if entry.kind == Kind::Rename {
            renamed = role_of(&entry.second);
        }
        // What is built there is synced by its new name first, and then where it came from.
        let concerned = match entry.kind == Kind::Sync && entry.path == "s/build" {
            true => renamed.clone(),
            false => entry.role(),
        };
        let fates = Fate::ALL.into_iter().filter(|fate| fate.befalls(entry));
        cases.extend(fates.map(|fate| Case {
            fate,
            point: point.clone(),
            concerns: Some((entry.kind, concerned.clone())),
        }));
    }
    cases
}
