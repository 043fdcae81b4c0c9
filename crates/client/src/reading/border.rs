//! Where a time lies in a log, proven by the records on both sides of it: times in a log only grow.

use super::records::Selection;
use super::{gone, not_below};
use crate::builder::Client;
use crate::error::Error;
use crate::verify::NotProven;
use indelible_api::path;
use indelible_proof::time::Time;

/// Where a time lies in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border {
    /// The seq of the first record that was made at this time or later: so many were made before it.
    pub first: u64,
    /// Whether that record is there yet.
    pub is_there: bool,
}

impl Client {
    /// Where a time lies in a log. Between two borders are all records of a time: [`Selection::from`] the first, and
    /// [`Selection::to`] the record before the second.
    ///
    /// That a record is the first of its side is proven. That there is none yet is proven of all records that this client was shown;
    /// that no newer ones are there is the node's word.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn border(&self, log: &str, time: Time) -> Result<Border, Error> {
        let floor = self.verifier(log)?.history().newest();
        let came = self.lines_at(&path::first_at(log, time), 1).await;
        let came = came.map_err(|error| gone(error, 0, floor.as_ref()))?;
        not_below(floor.as_ref(), came.size)?;
        let is_there = !came.lines.is_empty();
        let (first, last) = match (is_there, came.next.checked_sub(1)) {
            (true, Some(found)) => (found, found),
            (false, Some(last)) if came.next == came.size => (came.size, last),
            _ => return Err(NotProven::Malformed("where a time lies".to_owned()).into()),
        };
        let beside = Selection::all().heads();
        let beside = beside.from(first.saturating_sub(1)).to(last);
        let mut beside = self.records(log, beside)?;
        while let Some(record) = beside.next().await? {
            if (record.time < time) != (record.seq < first) {
                return Err(NotProven::OtherTime(record.seq).into());
            }
        }
        Ok(Border { first, is_there })
    }
}
