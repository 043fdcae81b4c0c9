//! A range of records, proven chunk by chunk. Nothing is held open between chunks, so whoever takes its time holds up nobody.

use super::chunk::Lines;
use super::{Record, gone, not_below};
use crate::builder::Client;
use crate::error::Error;
use crate::limits::{CHUNK_BYTES, CHUNK_RECORDS_FIRST, CHUNK_RECORDS_MAX};
use indelible_api::path;
use indelible_proof::export::Content;
use indelible_proof::limits::INTEGER_MAX;
use std::collections::VecDeque;

/// Which records of a log, and how much of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    pub(crate) first: u64,
    /// Included; none: as far as there are any.
    pub(crate) last: Option<u64>,
    pub(crate) content: Content,
}

impl Selection {
    /// All of them, with their events.
    #[must_use]
    pub fn all() -> Selection {
        Selection {
            first: 0,
            last: None,
            content: Content::All,
        }
    }

    /// From this one on.
    #[must_use]
    pub fn from(self, first: u64) -> Selection {
        Selection { first, ..self }
    }

    /// Up to this one, included.
    #[must_use]
    pub fn to(self, last: u64) -> Selection {
        let last = Some(last.min(INTEGER_MAX));
        Selection { last, ..self }
    }

    /// The heads alone: who and when, not what.
    #[must_use]
    pub fn heads(self) -> Selection {
        let content = Content::Heads;
        Selection { content, ..self }
    }
}

/// Records as they are asked for: [`Records::next`].
pub struct Records {
    client: Client,
    log: String,
    content: Content,
    /// The seq of the next one that is not proven yet.
    next: u64,
    /// The seq after the last; not known before the first answer, if it was not asked for.
    end: Option<u64>,
    ready: VecDeque<Record>,
    /// How many are asked for at once.
    count: u64,
}

impl Client {
    /// Records, one after the other, each proven before it is handed out. Without an end as many as there are at the first answer.
    ///
    /// # Errors
    /// [`Error::NoPin`].
    pub fn records(&self, log: &str, selection: Selection) -> Result<Records, Error> {
        self.verifier(log)?;
        Ok(Records {
            client: self.clone(),
            log: log.to_owned(),
            content: selection.content,
            next: selection.first,
            end: selection.last.map(|last| last + 1),
            ready: VecDeque::new(),
            count: CHUNK_RECORDS_FIRST,
        })
    }
}

impl Records {
    /// The next record; none at the end. After an error it goes on with the record that it failed at.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn next(&mut self) -> Result<Option<Record>, Error> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            if self.end.is_some_and(|end| self.next >= end) {
                return Ok(None);
            }
            self.chunk().await?;
        }
    }

    /// The seq that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.ready.front().map_or(self.next, |record| record.seq)
    }

    async fn chunk(&mut self) -> Result<(), Error> {
        let floor = self.client.verifier(&self.log)?.history().newest();
        let left = self.end.map_or(u64::MAX, |end| end - self.next);
        let wanted = self.count.min(left);
        let path = path::range(&self.log, self.next, wanted, self.content);
        let came = self.client.lines_at(&path, wanted).await;
        let Lines { lines, size, .. } =
            came.map_err(|error| gone(error, self.next, floor.as_ref()))?;
        not_below(floor.as_ref(), size)?;
        let end = self.end.unwrap_or(size);
        if size < end || (lines.is_empty() && self.next < end) {
            let (log, seq) = (self.log.clone(), size.max(self.next));
            return Err(Error::NoSuchRecord { log, seq, size });
        }
        if !lines.is_empty() {
            let client = self.client.clone();
            let proven =
                client.proven_lines(&self.log, floor.as_ref(), self.next, self.content, &lines);
            self.ready = proven.await?.1.into();
            self.count = count(&lines);
            self.next += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        }
        self.end = Some(end);
        Ok(())
    }
}

/// As many records of this length as make a chunk.
fn count(lines: &[bytes::Bytes]) -> u64 {
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let fit = CHUNK_BYTES * lines.len() / bytes.max(1);
    u64::try_from(fit).map_or(CHUNK_RECORDS_MAX, |fit| fit.clamp(1, CHUNK_RECORDS_MAX))
}
