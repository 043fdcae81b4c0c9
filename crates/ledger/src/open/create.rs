//! Logs are founded: each by its genesis and a record of `_node` that names it, many of them in one batch.

use super::first_batch::{found, new_log};
use super::{Founding, Ledger, OpenError};
use crate::books::Log;
use crate::limits::{BATCH_BYTES_MAX, CREATE_LOGS_MAX, LOGS_MAX};
use crate::rotate::RecoverySet;
use crate::sequencer::Draft;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::origin;
use std::collections::HashSet;
use std::sync::Arc;

/// A log that is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewLog<'a> {
    /// 1 to 63 of `a-z 0-9 _ -`, not beginning with `_`.
    pub name: &'a str,
    /// Random: tells this log from an earlier one of that name.
    pub incarnation: [u8; 8],
}

impl Ledger {
    /// Founds a log. Its genesis and the `_node` record that names it are one batch.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn create_log(
        &self,
        name: &str,
        founding: &Founding<'_>,
        incarnation: [u8; 8],
    ) -> Result<Arc<Log>, OpenError> {
        let mut logs = self.create_logs(&[NewLog { name, incarnation }], founding)?;
        Ok(logs.pop().expect("one log was founded"))
    }

    /// Founds many logs with one commit, so that all of them are there or none. Only where there are more than a batch takes, it is a
    /// commit for each [`CREATE_LOGS_MAX`] of them; whatever is wrong with a name is said before the first.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn create_logs(
        &self,
        new: &[NewLog<'_>],
        founding: &Founding<'_>,
    ) -> Result<Vec<Arc<Log>>, OpenError> {
        let _one_at_a_time = self
            .founding
            .lock()
            .expect("no thread panics while it founds a log");
        self.check_new(new)?;
        let books = &self.committer.books;
        let recovery = books.keys(&books.node_log())?.recovery;
        let mut all = Vec::with_capacity(new.len());
        for new in new.chunks(CREATE_LOGS_MAX) {
            let next = books.next_index();
            let logs = new
                .iter()
                .zip(next..)
                .map(|(new, index)| new_log(index, founding, new.name, new.incarnation))
                .collect::<Result<Vec<_>, _>>()?;
            self.found_together(&logs, founding, &recovery)?;
            all.extend(logs);
        }
        Ok(all)
    }

    fn check_new(&self, new: &[NewLog<'_>]) -> Result<(), OpenError> {
        let books = &self.committer.books;
        let mut names = HashSet::new();
        for NewLog { name, .. } in new {
            if !origin::is_log_name(name) || name.starts_with('_') {
                return Err(OpenError::BadName((*name).to_owned()));
            }
            if books.log(name).is_some() {
                return Err(OpenError::LogExists((*name).to_owned()));
            }
            if !names.insert(name) {
                return Err(OpenError::NamedTwice((*name).to_owned()));
            }
        }
        match books.next_index() + new.len() <= LOGS_MAX {
            true => Ok(()),
            false => Err(OpenError::TooManyLogs),
        }
    }

    /// One batch: the geneses, then the records that name them.
    fn found_together(
        &self,
        logs: &[Arc<Log>],
        founding: &Founding<'_>,
        recovery: &RecoverySet,
    ) -> Result<(), OpenError> {
        let committer = &*self.committer;
        let mut desk = committer.desk_first();
        let bytes = logs.len() * (BATCH_BYTES_MAX / CREATE_LOGS_MAX);
        committer.take_disk_for(logs.len(), 2 * logs.len(), bytes)?;
        let mut draft = Draft::default();
        let now = committer.now(&mut desk, &mut draft);
        let node_id = committer.books.node_log().id();
        for log in logs {
            found(
                committer,
                &mut desk,
                &mut draft,
                log,
                founding,
                &self.software,
                recovery,
                Some(node_id),
                now,
            );
        }
        let node_log = Arc::clone(desk.node.log());
        for log in logs {
            let id = log.id();
            let log = log.origin();
            let named = desk.node.say(&NodeEvent::Log { log, id });
            desk.sequencer.add(&mut draft, &node_log, named, now);
        }
        committer.write_alone(desk, draft)?;
        logs.iter().for_each(|log| committer.books.add_log(log));
        Ok(())
    }
}
