//! Which logs were met already, by their index: a look and a write for each, whatever their number.
//!
//! A batch may have thousands of logs with one record each; what is asked for each of them is asked for each record.

use crate::books::Log;
use std::sync::Arc;

/// Tells which logs come for the first time since it began. A number for each log, and nothing to clear.
#[derive(Default)]
pub(super) struct Seen {
    round: u64,
    /// By the log's index: the round it was seen in last.
    last: Vec<u64>,
}

impl Seen {
    pub(super) fn begin(&mut self) {
        self.round += 1;
    }

    pub(super) fn is_new(&mut self, index: usize) -> bool {
        if self.last.len() <= index {
            self.last.resize(index + 1, 0);
        }
        std::mem::replace(&mut self.last[index], self.round) != self.round
    }
}

/// Logs, each once, in the order in which they came.
#[derive(Default)]
pub(super) struct Grown {
    logs: Vec<Arc<Log>>,
    /// By index: it is among them.
    holds: Vec<bool>,
}

impl Grown {
    pub(super) fn insert(&mut self, log: &Arc<Log>) {
        let index = log.index();
        if self.holds.len() <= index {
            self.holds.resize(index + 1, false);
        }
        if !std::mem::replace(&mut self.holds[index], true) {
            self.logs.push(Arc::clone(log));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    pub(super) fn take(&mut self) -> Vec<Arc<Log>> {
        let logs = std::mem::take(&mut self.logs);
        logs.iter().for_each(|log| self.holds[log.index()] = false);
        logs
    }
}

#[cfg(test)]
mod tests;
