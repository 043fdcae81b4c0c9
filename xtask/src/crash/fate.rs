//! What can become of a call, and which calls it can befall.

use std::collections::BTreeMap;

use super::trace::{Entry, Kind, role_of};
use super::writes;

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
    pub concerns: Concern,
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

/// A call's kind, and the sort of file that it is about.
type Concern = Option<(Kind, String)>;

/// What left `build/` since that directory was last synced.
#[derive(Default)]
struct Renamed {
    roles: Vec<String>,
    synced: bool,
}

impl Renamed {
    /// What a call is about that comes next.
    fn concern(&mut self, kind: Kind, entry: &Entry) -> Concern {
        if kind == Kind::Rename {
            if std::mem::take(&mut self.synced) {
                self.roles.clear();
            }
            self.roles.push(role_of(&entry.second));
        }
        // What is built there is synced by its new name first, and then where it came from.
        let role = match kind == Kind::Sync && entry.path == "s/build" {
            true => self.leaving(),
            false => Some(entry.role()),
        };
        role.map(|role| (kind, role))
    }

    /// For whom `build/` is synced. Two threads that rename at the same time can't be told apart, which matters where not the same rule
    /// holds for both.
    fn leaving(&mut self) -> Option<String> {
        self.synced = true;
        let last = self.roles.last()?;
        let alike = |role: &String| writes::rule_of(role) == writes::rule_of(last);
        self.roles.iter().all(alike).then(|| last.clone())
    }
}

/// Every call of a run with every fate that can befall it.
pub fn cases(trace: &[Entry]) -> Vec<Case> {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut cases = Vec::new();
    let mut renamed = Renamed::default();
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
        let concerns = renamed.concern(entry.kind, entry);
        let fates = Fate::ALL.into_iter().filter(|fate| fate.befalls(entry));
        cases.extend(fates.map(|fate| Case {
            fate,
            point: point.clone(),
            concerns: concerns.clone(),
        }));
    }
    cases
}

/// What the call was about that met its fate: threads may come there in another order than they did undisturbed.
pub fn concerned(trace: &[Entry], case: &Case) -> Concern {
    let kind = match &case.concerns {
        Some((kind, _)) => *kind,
        // Undisturbed it was a sync of `build/` that could have been for two.
        None if case.point.role == "s/build" => Kind::Sync,
        None => return None,
    };
    let mut renamed = Renamed::default();
    for entry in trace {
        if entry.kind == Kind::Fate {
            return renamed.concern(kind, entry);
        }
        renamed.concern(entry.kind, entry);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, path: &str, second: &str) -> Entry {
        Entry {
            kind,
            call: "call".to_owned(),
            path: path.to_owned(),
            second: second.to_owned(),
            result: 0,
            offset: 0,
            bytes: Vec::new(),
        }
    }

    #[test]
    fn a_sync_of_build_is_about_what_left_it_before_unless_two_rules_hold_for_that() {
        let sync = entry(Kind::Sync, "s/build", "");
        let to = |second| entry(Kind::Rename, "s/build/x", second);
        let about = |trace: Vec<Entry>| {
            let cases = cases(&trace);
            let last = cases.last().expect("a call that can fail");
            last.concerns.clone().map(|(_, role)| role)
        };
        let spare = || to("s/build/spare-1");
        let derived = || to("s/derived/keys");
        let of_spare = Some("s/build/spare-#".to_owned());
        assert_eq!(about(vec![spare(), sync.clone()]), of_spare);
        assert_eq!(
            about(vec![derived(), sync.clone(), spare(), sync.clone()]),
            of_spare
        );
        assert_eq!(about(vec![derived(), spare(), sync.clone()]), None);
        assert_eq!(
            about(vec![derived(), spare(), sync.clone(), sync.clone()]),
            None
        );
        assert_eq!(about(vec![sync]), None);
    }

    #[test]
    fn what_a_call_was_about_is_said_by_the_run_in_which_it_met_its_fate() {
        let point = Point {
            call: "call".to_owned(),
            role: "s/build".to_owned(),
            nth: 0,
        };
        let case = Case {
            fate: Fate::Fail,
            point,
            concerns: Some((Kind::Sync, "s/build/spare-#".to_owned())),
        };
        let trace = [
            entry(Kind::Rename, "s/build/x", "s/derived/keys"),
            entry(Kind::Fate, "s/build", ""),
        ];
        let derived = Some((Kind::Sync, "s/derived/keys".to_owned()));
        assert_eq!(concerned(&trace, &case), derived);
    }
}
