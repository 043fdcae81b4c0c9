//! Lines: events over one request that flows, each reported with its receipt while more are sent.
//!
//! Owns the window between what was sent and what was answered. When a request breaks, or the node has no room for a line, another
//! request goes on from the first line without a receipt, with the same keys or numbers: what was recorded meanwhile is answered with
//! its record and not recorded twice. Outcomes come in the order of the lines.

mod exchange;

use crate::builder::Client;
use crate::claim::Claim;
use crate::error::Error;
use crate::limits::{LINE_WEIGHT_MIN, LINES_WAITING_BYTES_MAX};
use crate::recorded::Recorded;
use crate::retry::Tries;
use crate::verify::Verifier;
use bytes::Bytes;
use exchange::{End, Exchange};
use indelible_api::{header, member};
use indelible_proof::event::EventReader;
use indelible_proof::head::Own;
use indelible_proof::limits::EVENT_BYTES_MAX;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Takes events. When it is dropped, the request ends once all of them are answered.
pub struct LineSender {
    events: mpsc::UnboundedSender<Pending>,
    window: Arc<Semaphore>,
    claims: Claims,
    reader: EventReader,
    next: u64,
}

/// Gives what became of each event, in their order. While nobody takes outcomes, no more events are taken than fit the window.
pub struct LineReceipts(mpsc::UnboundedReceiver<(Line, Option<OwnedSemaphorePermit>)>);

/// What became of an event.
#[derive(Debug)]
pub struct Line {
    /// Which, from 0.
    pub number: u64,
    /// Its record; or why there is none. After [`Error::Refused`] the events behind it go on, after any other error nothing more comes.
    pub outcome: Result<Recorded, Error>,
}

/// What makes lines safe to send again.
#[derive(Clone, Debug)]
enum Claims {
    /// A key or stream for all of them.
    Shared(Claim),
    /// Each has its key in this member.
    Member(String),
}

impl Claims {
    /// What a request that goes on with line `first` says.
    fn fields(&self, first: u64) -> Vec<(&'static str, String)> {
        match self {
            Claims::Shared(claim @ Claim::Key(_)) => {
                let (claim, index) = claim.for_line(first);
                let first = (header::FIRST, index.to_string());
                claim.field(index).into_iter().chain([first]).collect()
            }
            Claims::Shared(claim) => claim.field(first).into_iter().collect(),
            Claims::Member(name) => vec![(header::KEY_MEMBER, header::key_member_text(name))],
        }
    }

    /// The number of the first line after this one that needs a request of its own.
    fn next_request(&self, number: u64) -> u64 {
        match self {
            Claims::Shared(claim) => claim.next_claim(number),
            Claims::Member(_) => u64::MAX,
        }
    }

    /// As one claim, for errors and for whether something may be sent again.
    fn whole(&self) -> Claim {
        match self {
            Claims::Shared(claim) => claim.clone(),
            Claims::Member(name) => Claim::Key(format!("in member {name}")),
        }
    }
}

/// A line without an outcome.
struct Pending {
    event: Bytes,
    key: Option<String>,
    place: OwnedSemaphorePermit,
}

impl Client {
    /// Begins to record lines under a claim: with a key, line number *i* has `KEY#i`, after 65,536 of them `KEY.1#0` and so on; in a
    /// stream, the number *i* after the first.
    ///
    /// # Errors
    /// [`Error::NoPin`].
    pub fn lines(&self, log: &str, claim: Claim) -> Result<(LineSender, LineReceipts), Error> {
        self.begin(log, Claims::Shared(claim), 0)
    }

    /// The same from line number `first` on, for an input whose lines before are known to be recorded under this claim.
    ///
    /// # Errors
    /// [`Error::NoPin`].
    pub fn lines_from(
        &self,
        log: &str,
        claim: Claim,
        first: u64,
    ) -> Result<(LineSender, LineReceipts), Error> {
        self.begin(log, Claims::Shared(claim), first)
    }

    /// The same for events that each hold their key in a member of this name, a string or a number.
    ///
    /// # Errors
    /// [`Error::NoPin`].
    pub fn lines_keyed_by(
        &self,
        log: &str,
        member: &str,
    ) -> Result<(LineSender, LineReceipts), Error> {
        self.begin(log, Claims::Member(member.to_owned()), 0)
    }

    fn begin(
        &self,
        log: &str,
        claims: Claims,
        first: u64,
    ) -> Result<(LineSender, LineReceipts), Error> {
        let verifier = Arc::clone(self.verifier(log)?);
        let (events, coming) = mpsc::unbounded_channel();
        let (outcomes, told) = mpsc::unbounded_channel();
        let driver = Driver {
            client: self.clone(),
            log: log.to_owned(),
            verifier,
            claims: claims.clone(),
            pending: VecDeque::new(),
            front: first,
            events: coming,
            ended: false,
            outcomes,
        };
        tokio::spawn(driver.run());
        let sender = LineSender {
            events,
            window: Arc::new(Semaphore::new(LINES_WAITING_BYTES_MAX)),
            claims,
            reader: EventReader::new(EVENT_BYTES_MAX),
            next: first,
        };
        Ok((sender, LineReceipts(told)))
    }
}

impl LineSender {
    /// Takes an event, as soon as there is room for it in the window; gives its number.
    ///
    /// # Errors
    /// [`Error::Event`], [`Error::Key`]: it is not taken, and the next has its number. [`Error::Ended`]: the outcomes say why.
    pub async fn send(&mut self, event: impl AsRef<[u8]>) -> Result<u64, Error> {
        let number = self.next;
        let mut minified = Vec::with_capacity(event.as_ref().len() + 1);
        let judged = self.reader.minify(event.as_ref(), &mut minified);
        judged.map_err(|error| Error::Event { index: 0, error })?;
        let key = match &self.claims {
            Claims::Member(name) => Some(member::key(&minified, name).map_err(Error::Key)?),
            Claims::Shared(claim) => {
                let (claim, index) = claim.for_line(number);
                claim.key_of(usize::try_from(index).map_err(|_| Error::Ended)?)
            }
        };
        let weight = minified
            .len()
            .clamp(LINE_WEIGHT_MIN, LINES_WAITING_BYTES_MAX);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.window).acquire_many_owned(weight).await;
        let pending = Pending {
            event: minified.into(),
            key,
            place: place.map_err(|_| Error::Ended)?,
        };
        self.events.send(pending).map_err(|_| Error::Ended)?;
        self.next += 1;
        Ok(number)
    }
}

impl LineReceipts {
    /// What became of the next event; none once all are answered and no more will come.
    pub async fn next(&mut self) -> Option<Line> {
        self.0.recv().await.map(|(line, _place)| line)
    }

    /// The same without waiting: none also if nothing is known yet.
    pub fn try_next(&mut self) -> Option<Line> {
        self.0.try_recv().ok().map(|(line, _place)| line)
    }
}

/// Brings lines to the node, by as many requests as it takes.
struct Driver {
    client: Client,
    log: String,
    verifier: Arc<Verifier>,
    claims: Claims,
    /// Lines without an outcome; bounded by the window.
    pending: VecDeque<Pending>,
    /// Number of the first of them.
    front: u64,
    events: mpsc::UnboundedReceiver<Pending>,
    /// No more will come.
    ended: bool,
    outcomes: mpsc::UnboundedSender<(Line, Option<OwnedSemaphorePermit>)>,
}

impl Driver {
    async fn run(mut self) {
        let claim = self.claims.whole();
        let mut tries = Tries::new(&claim, self.client.inner.patience);
        loop {
            if self.pending.is_empty() {
                match self.events.recv().await {
                    Some(event) => self.pending.push_back(event),
                    None => return,
                }
                tries = Tries::new(&claim, self.client.inner.patience);
            }
            let before = self.front;
            let end = match Exchange::begin(&mut self).await {
                Ok(exchange) => exchange.run().await,
                Err(end) => Err(end),
            };
            if self.front > before {
                tries = Tries::new(&claim, self.client.inner.patience);
            }
            let wait = match end {
                Ok(()) => continue,
                Err(End::Unwanted) => return,
                Err(End::Error(error)) => Err(error),
                Err(End::Trouble(trouble)) => tries.after(trouble),
            };
            match wait {
                Ok(wait) => tokio::time::sleep(wait).await,
                Err(error) => {
                    // Whoever counts outcomes learns from which line on there are none.
                    let line = Line {
                        number: self.front,
                        outcome: Err(error),
                    };
                    drop(self.outcomes.send((line, None)));
                    return;
                }
            }
        }
    }

    /// What the head of a line has to say of it.
    fn own<'a>(&'a self, number: u64, pending: &'a Pending) -> Own<'a> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match &self.claims {
            Claims::Shared(claim) => claim.own(pending.key.as_deref(), index, &pending.event),
            Claims::Member(_) => Claim::None.own(pending.key.as_deref(), index, &pending.event),
        }
    }

    /// Tells what became of the first line. `false`: nobody wants to know.
    fn tell(&mut self, outcome: Result<Recorded, Error>, pending: Pending) -> bool {
        let number = self.front;
        self.front += 1;
        let line = Line { number, outcome };
        self.outcomes.send((line, Some(pending.place))).is_ok()
    }
}
