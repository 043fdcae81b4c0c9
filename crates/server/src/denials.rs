//! Requests that were denied, as records of `_node`.
//!
//! Owns the bound: the first denial of a kind (principal, action and log) is said at once, what follows is counted and said once a
//! minute; a flood of denials fills neither memory nor the log. [`Denials`] is pure: denials and times in, what to say out. A task
//! says it, on a thread that may wait for the disk, and ends when nothing is left to say. Nobody who is denied waits for the record.

use crate::grants::Action;
use crate::limits::{DENIALS_EVERY, DENIALS_MAX, DENIALS_OF_ONE_MAX};
use crate::node::Node;
use indelible_ledger::Refusal;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::node_event::access::Denied;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Instant;
use tokio::sync::Notify;

/// One request that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Whose it was.
    pub by: String,
    /// What was asked for.
    pub action: Action,
    /// In which log, by the name that was asked for; none: none, or no name of a log.
    pub log: Option<String>,
    /// Whether there is such a log. Names of logs that are not there are not told apart: there are any number of them.
    pub is_there: bool,
    /// From where.
    pub from: Option<IpAddr>,
    /// The record with the grants that denied it.
    pub policy: Option<u64>,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    One(String, Action, Option<String>),
    /// What one principal was denied beyond so many kinds.
    OfOne(String),
    /// What all were denied beyond so many kinds.
    OfAll,
}

/// Denials of one kind that were not said yet.
#[derive(Clone, Debug)]
struct Counted {
    count: u64,
    last: Denial,
}

/// What was denied within the last minute.
#[derive(Debug, Default)]
pub struct Denials {
    of: HashMap<Kind, Counted>,
    /// How many kinds each principal has among them.
    kinds: HashMap<String, usize>,
    /// When the minute began.
    since: Option<Instant>,
}

impl Denials {
    /// One more. What is to be said of it at once.
    pub fn add(&mut self, denial: Denial, now: Instant) -> Option<Denied<'static>> {
        self.since.get_or_insert(now);
        let kind = self.kind(&denial);
        if let Some(counted) = self.of.get_mut(&kind) {
            counted.count += 1;
            counted.last = denial;
            return None;
        }
        if let Kind::One(by, ..) = &kind {
            *self.kinds.entry(by.clone()).or_default() += 1;
            let said = said(&kind, &denial, 1);
            let last = denial;
            self.of.insert(kind, Counted { count: 0, last });
            return Some(said);
        }
        let last = denial;
        self.of.insert(kind, Counted { count: 1, last });
        None
    }

    fn kind(&self, denial: &Denial) -> Kind {
        let log = denial.log.clone().filter(|_| denial.is_there);
        let one = Kind::One(denial.by.clone(), denial.action, log);
        let has_room = self.of.len() < DENIALS_MAX;
        let of_it = self.kinds.get(&denial.by).copied().unwrap_or(0);
        if self.of.contains_key(&one) || has_room && of_it < DENIALS_OF_ONE_MAX {
            return one;
        }
        let of_one = Kind::OfOne(denial.by.clone());
        match has_room || self.of.contains_key(&of_one) {
            true => of_one,
            false => Kind::OfAll,
        }
    }

    /// When what was counted is to be said.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + DENIALS_EVERY)
    }

    /// What was counted; the next minute begins. Kinds that were quiet in this one are forgotten.
    pub fn turn(&mut self, now: Instant) -> Vec<Denied<'static>> {
        self.of.retain(|kind, counted| {
            if let (Kind::One(by, ..), 0) = (kind, counted.count)
                && let Some(kinds) = self.kinds.get_mut(by)
            {
                *kinds -= 1;
            }
            counted.count > 0
        });
        self.kinds.retain(|_, kinds| *kinds > 0);
        self.since = (!self.of.is_empty()).then_some(now);
        let mut all: Vec<Denied<'_>> = self
            .of
            .iter_mut()
            .map(|(kind, counted)| said(kind, &counted.last, std::mem::take(&mut counted.count)))
            .collect();
        // What was counted is in no order; a record of it is.
        all.sort_by(|one, other| {
            (&one.by, &one.action, &one.log).cmp(&(&other.by, &other.action, &other.log))
        });
        all
    }
}

fn said(kind: &Kind, last: &Denial, count: u64) -> Denied<'static> {
    let (by, action, log) = match kind {
        Kind::One(by, action, _) => (Some(by.clone()), Some(*action), last.log.clone()),
        Kind::OfOne(by) => (Some(by.clone()), None, None),
        Kind::OfAll => (None, None, None),
    };
    Denied {
        by: by.map(Into::into),
        action: action.map(|action| action.as_str().into()),
        log: log.map(Into::into),
        from: last.from.map(|from| from.to_canonical().to_string().into()),
        policy: last.policy,
        count,
    }
}

/// What is denied, on its way to be said.
#[derive(Default)]
pub(crate) struct Denying {
    state: Mutex<State>,
    /// Held by whoever takes denials and says them, so that whoever holds it next knows that they are said.
    turn: Mutex<()>,
    /// There is something to be said at once.
    news: Arc<Notify>,
}

#[derive(Default)]
struct State {
    denials: Denials,
    /// To be said at once.
    waiting: Vec<Denied<'static>>,
    /// A task says it.
    has_task: bool,
    /// The node stops: nothing more is taken.
    is_over: bool,
}

impl Denying {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it counts denials")
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn
            .lock()
            .expect("no thread panics while it says denials")
    }
}

impl Node {
    /// Remembers that a request was denied. Returns at once.
    pub(crate) fn denied(self: &Arc<Node>, denial: Denial) {
        let (begins, is_news) = {
            let mut state = self.denying.state();
            if state.is_over {
                return;
            }
            let said = state.denials.add(denial, Instant::now());
            let is_news = said.is_some();
            state.waiting.extend(said);
            (!std::mem::replace(&mut state.has_task, true), is_news)
        };
        if begins {
            tokio::spawn(say(Arc::downgrade(self)));
        } else if is_news {
            self.denying.news.notify_one();
        }
    }

    /// Says what was denied and not said yet, and takes no more: before the ledger is closed. Waits for the disk.
    ///
    /// # Errors
    /// [`Refusal`]: not all of it is recorded.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn end_denials(&self) -> Result<(), Refusal> {
        let _turn = self.denying.turn();
        let all = {
            let mut state = self.denying.state();
            state.is_over = true;
            let mut all = std::mem::take(&mut state.waiting);
            all.extend(state.denials.turn(Instant::now()));
            all
        };
        self.denying.news.notify_one();
        self.record_denials(all).map_err(|(refusal, _)| refusal)
    }

    fn say_what_is_due(&self) -> Option<Again> {
        let _turn = self.denying.turn();
        let (waiting, due) = self.denying.state().take();
        let said = self.record_denials(waiting);
        let is_all_said = said.is_ok();
        if let Err((_, rest)) = said {
            let mut state = self.denying.state();
            let newer = std::mem::replace(&mut state.waiting, rest);
            state.waiting.extend(newer);
            state.waiting.truncate(2 * DENIALS_MAX);
        }
        due.map(|due| Again { due, is_all_said })
    }

    /// With a refusal come those that are not recorded.
    fn record_denials(
        &self,
        all: Vec<Denied<'static>>,
    ) -> Result<(), (Refusal, Vec<Denied<'static>>)> {
        let mut rest = all.into_iter();
        while let Some(denied) = rest.next() {
            let event = NodeEvent::Denied(denied);
            if let (Err(refusal), NodeEvent::Denied(denied)) = (self.ledger.say(&event), event) {
                return Err((refusal, std::iter::once(denied).chain(rest).collect()));
            }
        }
        Ok(())
    }
}

/// Says what waits and, each minute, what was counted, until there is neither. Holds the node only while it does so, so that it can go.
async fn say(node: Weak<Node>) {
    loop {
        let Some(held) = node.upgrade() else { return };
        let news = Arc::clone(&held.denying.news);
        let saying = tokio::task::spawn_blocking(move || held.say_what_is_due());
        let Ok(Some(again)) = saying.await else {
            return;
        };
        let due = tokio::time::Instant::from_std(again.due);
        match again.is_all_said {
            // Either is a reason to look again.
            true => drop(tokio::time::timeout_at(due, news.notified()).await),
            // No room, or the node has stopped: not at once again.
            false => tokio::time::sleep_until(due).await,
        }
    }
}

/// When to look again.
struct Again {
    due: Instant,
    is_all_said: bool,
}

impl State {
    /// What to say now, and when to look again. None: nothing is left, and the task is no more.
    fn take(&mut self) -> (Vec<Denied<'static>>, Option<Instant>) {
        let now = Instant::now();
        let mut waiting = std::mem::take(&mut self.waiting);
        if self.denials.due().is_some_and(|due| due <= now) {
            waiting.extend(self.denials.turn(now));
        }
        let later = (!waiting.is_empty()).then(|| now + DENIALS_EVERY);
        let due = self.denials.due().or(later).filter(|_| !self.is_over);
        self.has_task = due.is_some();
        (waiting, due)
    }
}

#[cfg(test)]
mod tests;
