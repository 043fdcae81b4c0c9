//! Records as they come. A watch that breaks is begun again at the record that comes next, within bounds; none is lost, and none comes
//! twice. Each is proven before it is handed out, which waits for the checkpoint that covers it: a node publishes one within a second.

use super::events::{Event, Events};
use super::flow::Flow;
use super::{Record, gone};
use crate::builder::Client;
use crate::error::Error;
use crate::limits::{CHUNK_BYTES, CHUNK_RECORDS_MAX, WATCH_SILENCE_MAX, WATCH_WELL_AFTER};
use crate::retry::{Tries, Trouble};
use crate::verify::{NotProven, Seen};
use bytes::Bytes;
use indelible_api::limits::ANSWER_BYTES_MAX;
use indelible_api::path;
use indelible_proof::export::Content;
use std::collections::VecDeque;
use std::time::Instant;

/// Hears why a watch does not go on for a while.
type Tell = Box<dyn FnMut(&str) + Send>;

/// Records of a log as they come: [`Watch::next`].
pub struct Watch {
    client: Client,
    log: String,
    content: Content,
    /// The seq of the first that is not proven yet.
    next: u64,
    /// Came, and not proven yet: from `next` on.
    came: Vec<Bytes>,
    came_bytes: usize,
    ready: VecDeque<Record>,
    flow: Option<Coming>,
    /// Since it last went well.
    tries: Option<Tries<'static>>,
    tell: Option<Tell>,
}

impl Client {
    /// Watches a log from a record on; without one from what comes next.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn watch(
        &self,
        log: &str,
        from: Option<u64>,
        content: Content,
    ) -> Result<Watch, Error> {
        self.verifier(log)?;
        let next = match from {
            Some(from) => from,
            None => self.size(log).await?,
        };
        Ok(Watch {
            client: self.clone(),
            log: log.to_owned(),
            content,
            next,
            came: Vec::new(),
            came_bytes: 0,
            ready: VecDeque::new(),
            flow: None,
            tries: None,
            tell: None,
        })
    }

    /// How many records the log has, by the node's word.
    async fn size(&self, log: &str) -> Result<u64, Error> {
        #[derive(serde::Deserialize)]
        struct Log {
            size: u64,
        }
        let answer = self.ask(&path::log(log), ANSWER_BYTES_MAX).await?;
        let Log { size } = crate::append::understood(&answer)?;
        super::not_below(self.verifier(log)?.history().newest().as_ref(), size)?;
        Ok(size)
    }
}

impl Watch {
    /// Has this called when the watch broke and could not be begun again at once: with the reason, and then not before it went well
    /// again. Meanwhile it is tried on.
    #[must_use]
    pub fn telling(mut self, tell: impl FnMut(&str) + Send + 'static) -> Watch {
        self.tell = Some(Box::new(tell));
        self
    }

    /// The next record, when it has come. One may stop waiting at any moment and ask again; after an error it goes on with the record
    /// that it failed at.
    ///
    /// # Errors
    /// [`Error`]; also when a watch that broke could not be begun again in time.
    pub async fn next(&mut self) -> Result<Record, Error> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(record);
            }
            if self.is_due() {
                self.prove().await?;
                continue;
            }
            match self.read().await {
                Ok(came) => came?,
                Err(trouble) => {
                    self.flow = None;
                    // What came before it broke is proven first.
                    if self.came.is_empty() {
                        self.wait(trouble).await?;
                    }
                }
            }
        }
    }

    /// The seq of the record that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.ready.front().map_or(self.next, |record| record.seq)
    }

    /// Whether what came is to be proven now, because nothing more is there or enough is.
    fn is_due(&self) -> bool {
        let count = u64::try_from(self.came.len()).unwrap_or(u64::MAX);
        let is_much = self.came_bytes >= CHUNK_BYTES || count >= CHUNK_RECORDS_MAX;
        let flows = self.flow.as_ref().is_some_and(|flow| flow.has_more);
        !self.came.is_empty() && (is_much || !flows)
    }

    async fn prove(&mut self) -> Result<(), Error> {
        let floor = self.floor()?;
        let proven = self.client.proven_lines(
            &self.log,
            floor.as_ref(),
            self.next,
            self.content,
            &self.came,
        );
        let (_, records) = match proven.await {
            Ok(proven) => proven,
            Err(error) => {
                if matches!(error, Error::NotProven(_)) {
                    self.forget();
                }
                return Err(error);
            }
        };
        self.next += u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.ready = records.into();
        self.came.clear();
        self.came_bytes = 0;
        self.tries = None;
        Ok(())
    }

    /// What came is not used, and is asked for anew.
    fn forget(&mut self) {
        self.flow = None;
        self.came.clear();
        self.came_bytes = 0;
    }

    fn floor(&self) -> Result<Option<Seen>, Error> {
        Ok(self.client.verifier(&self.log)?.history().newest())
    }

    /// Takes what comes next.
    async fn read(&mut self) -> Result<Result<(), NotProven>, Trouble> {
        let flow = match &mut self.flow {
            Some(flow) => flow,
            none => {
                none.insert(Coming::begin(&self.client, &self.log, self.next, self.content).await?)
            }
        };
        if flow.began.elapsed() >= WATCH_WELL_AFTER {
            self.tries = None;
        }
        let waits = self.came.is_empty();
        let Some(event) = flow.next(waits).await? else {
            return Ok(Ok(()));
        };
        let due = self.next + u64::try_from(self.came.len()).unwrap_or(u64::MAX);
        match event {
            Event::Record(seq, line) if seq == due => {
                self.came_bytes += line.len();
                self.came.push(line);
                Ok(Ok(()))
            }
            Event::Record(came, _) => {
                self.forget();
                let came = format!("record {came}");
                Ok(Err(NotProven::OtherRecord { due, came }))
            }
            Event::Problem(problem) => Err(Trouble::Refused(problem)),
        }
    }

    /// Waits before the watch is begun again.
    async fn wait(&mut self, trouble: Trouble) -> Result<(), Error> {
        let patience = self.client.inner.patience;
        let tries = self.tries.get_or_insert_with(|| Tries::reading(patience));
        let why = trouble.to_string();
        let wait = tries.after(trouble);
        let is_second = tries.count() == 2;
        // A watch begins with the record before it, which the node then does not have.
        let seq = self.next.saturating_sub(1);
        let floor = self.floor()?;
        let wait = wait.map_err(|error| {
            self.tries = None;
            gone(error, seq, floor.as_ref())
        })?;
        if let Some(tell) = self.tell.as_mut().filter(|_| is_second) {
            tell(&why);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// What comes over one connection.
struct Coming {
    flow: Flow,
    began: Instant,
    /// Something may be there without waiting for it.
    has_more: bool,
    events: Events,
}

impl Coming {
    async fn begin(
        client: &Client,
        log: &str,
        from: u64,
        content: Content,
    ) -> Result<Coming, Trouble> {
        let request = client.getting(&path::watch(log, from, content))?;
        let beginning = async {
            let begun = client.inner.pool.flow(request).await?;
            Flow::of(begun, WATCH_SILENCE_MAX).await
        };
        let begun = tokio::time::timeout(client.inner.try_max, beginning).await;
        let (_, flow) = begun.map_err(|_| client.too_late())??;
        Ok(Coming {
            flow,
            began: Instant::now(),
            has_more: true,
            events: Events::default(),
        })
    }

    /// The next event; none if nothing is there and it is not to be waited for.
    async fn next(&mut self, waits: bool) -> Result<Option<Event>, Trouble> {
        loop {
            let line = match self.flow.whole_line() {
                Some(line) => Some(line),
                None if waits => self.flow.line().await?,
                None => {
                    let line = tokio::select! {
                        biased;
                        line = self.flow.line() => Some(line?),
                        () = std::future::ready(()) => None,
                    };
                    let Some(line) = line else {
                        self.has_more = false;
                        return Ok(None);
                    };
                    line
                }
            };
            let line = line.ok_or_else(|| Trouble::unsent("the watch ended"))?;
            self.has_more = true;
            let event = self.events.take(&line);
            let event = event.map_err(|_| Trouble::sent("an event that is none"))?;
            if event.is_some() {
                return Ok(event);
            }
        }
    }
}
