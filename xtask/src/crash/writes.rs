//! The failed-write table: for each kind of write, what the program may do when it is lost, and when it is done and reported lost.

use std::collections::BTreeMap;

use super::fate::{Case, Fate};
use super::judge::Found;
use super::node::{Ended, Node};
use super::trace::Kind;

/// What a program may do after a write that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Say so, and end with another code than 0.
    MustStop,
    /// Go on, because nothing that was acknowledged hangs on it.
    MayGoOn,
}

/// A sort of write: its name for the table, where its files lie, and the rule.
struct Sort {
    name: &'static str,
    starts: &'static [&'static str],
    rule: Rule,
    why: &'static str,
}

/// The first that fits counts.
const SORTS: [Sort; 10] = [
    Sort {
        name: "`derived/`",
        starts: &["s/derived", "s/build/#-keys-"],
        rule: Rule::MayGoOn,
        why: "made anew from what is sealed",
    },
    Sort {
        name: "batches of the tail, and its directory",
        starts: &["s/tail"],
        rule: Rule::MustStop,
        why: "the commit",
    },
    Sort {
        name: "tail files being prepared",
        starts: &["s/build/tail-", "s/build/spare-"],
        rule: Rule::MustStop,
        why: "the next commit's place. A disk that is only full is no failed write: it goes on in the present file, and tries again",
    },
    Sort {
        name: "sealed packs, and their directory",
        starts: &["s/sealed"],
        rule: Rule::MustStop,
        why: "the tail below them is released",
    },
    Sort {
        name: "`build/`: packs, filters, `FORMAT`, what is given back",
        starts: &["s/build"],
        rule: Rule::MustStop,
        why: "they get a name that counts",
    },
    Sort {
        name: "`quarantine/`",
        starts: &["s/quarantine"],
        rule: Rule::MustStop,
        why: "what is set aside is evidence",
    },
    Sort {
        name: "the store's own directory, `lock`, `FORMAT`",
        starts: &["s"],
        rule: Rule::MustStop,
        why: "without them there is no store",
    },
    Sort {
        name: "the node's secrets",
        starts: &["safe"],
        rule: Rule::MustStop,
        why: "without them nothing can be signed",
    },
    Sort {
        name: "the register",
        starts: &[Node::FAR],
        rule: Rule::MayGoOn,
        why: "a guard on another disk: a warning, and it is written again",
    },
    Sort {
        name: "the file of receipts, the directory around the store",
        starts: &[""],
        rule: Rule::MustStop,
        why: "a receipt that is promised is missing",
    },
];

fn sort_of(role: &str) -> Option<usize> {
    let is_of = |sort: &Sort| sort.starts.iter().any(|start| lies_in(role, start));
    SORTS.iter().position(is_of)
}

/// What holds for a write to files of this role.
pub fn rule_of(role: &str) -> Rule {
    let sort = sort_of(role).and_then(|number| SORTS.get(number));
    sort.map_or(Rule::MustStop, |sort| sort.rule)
}

/// How often the program stopped and went on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub stopped: u64,
    pub went_on: u64,
}

/// What was seen of each sort of write: lost, and stored but reported lost.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    seen: BTreeMap<usize, [Count; 2]>,
}

impl Writes {
    /// Takes one case in; says so if the rule was broken.
    pub fn add(&mut self, case: &Case, ended: &Ended, found: &mut Found) {
        let column = match case.fate {
            Fate::Fail | Fate::Full | Fate::Dead => 0,
            Fate::FailDone => 1,
            Fate::Kill | Fate::KillTorn | Fate::Short => return,
        };
        let Some((kind, role)) = &case.concerns else {
            return;
        };
        let Some(number) = sort_of(role).filter(|_| kind.changes()) else {
            return;
        };
        let counts = self.seen.entry(number).or_default();
        let went_on = ended.code == Some(0);
        if let Some(count) = counts.get_mut(column) {
            let field = if went_on {
                &mut count.went_on
            } else {
                &mut count.stopped
            };
            *field = field.saturating_add(1);
        }
        let rule = rule_of(role);
        // A draft for which there is no room is taken back: nothing that was there is touched. Whoever asked for it hears of it. A spare
        // is written to when it becomes the next tail file.
        let is_draft = case.fate == Fate::Full
            && matches!(kind, Kind::Write | Kind::Create)
            && ["s/build/tail-", "s/build/spare-"]
                .iter()
                .any(|draft| role.starts_with(draft));
        if went_on && rule == Rule::MustStop && !is_draft {
            found.say("went on after a write that failed".to_owned());
        }
    }

    pub fn merge(&mut self, other: &Writes) {
        for (number, counts) in &other.seen {
            let mine = self.seen.entry(*number).or_default();
            for (mine, theirs) in mine.iter_mut().zip(counts) {
                mine.stopped = mine.stopped.saturating_add(theirs.stopped);
                mine.went_on = mine.went_on.saturating_add(theirs.went_on);
            }
        }
    }

    /// The rows for the page.
    pub fn rows(&self) -> Vec<String> {
        let cell = |count: Count| match (count.stopped, count.went_on) {
            (0, 0) => "–".to_owned(),
            (stopped, 0) => format!("stopped {stopped} times"),
            (stopped, went_on) => format!("stopped {stopped} times, went on {went_on} times"),
        };
        let row = |(number, sort): (usize, &Sort)| {
            let [lost, done] = self.seen.get(&number).copied().unwrap_or_default();
            let rule = match sort.rule {
                Rule::MustStop => "must stop",
                Rule::MayGoOn => "may go on",
            };
            format!(
                "| {} | {rule}: {} | {} | {} |",
                sort.name,
                sort.why,
                cell(lost),
                cell(done)
            )
        };
        SORTS.iter().enumerate().map(row).collect()
    }
}

/// Whether a path is this one, or lies in it, or begins with it where that ends in a hyphen.
fn lies_in(path: &str, start: &str) -> bool {
    match path.strip_prefix(start) {
        Some(rest) => {
            start.is_empty() || start.ends_with('-') || rest.is_empty() || rest.starts_with('/')
        }
        None => false,
    }
}
