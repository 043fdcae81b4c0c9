//! One request for lines, from its first piece to its last answer.

use super::Driver;
use crate::answer;
use crate::body::{self, Body};
use crate::error::Error;
use crate::limits::{LINES_IDLE_MAX, PIECE_BYTES, PIECES_WAITING};
use crate::pool::{Begun, Hold};
use crate::recorded::Recorded;
use crate::retry::Trouble;
use crate::verify::Sent;
use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use indelible_api::limits::ANSWER_BYTES_MAX;
use indelible_api::{Problem, Resend, Single, path};
use indelible_proof::hash::Hash;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Why a request ended before all was answered.
pub(super) enum End {
    /// Another may go on.
    Trouble(Trouble),
    /// None may.
    Error(Error),
    /// Nobody takes outcomes any more.
    Unwanted,
}

pub(super) struct Exchange<'d> {
    driver: &'d mut Driver,
    /// Number of the first line of this request.
    first: u64,
    /// Lines of it that were sent.
    sent: u64,
    /// Number of the first line that is of another request.
    end: u64,
    /// None: the request was ended, and only answers are waited for.
    feed: Option<mpsc::Sender<Bytes>>,
    answers: Incoming,
    rest: BytesMut,
    certificate: Hash,
    hold: Hold,
    /// When something came last.
    moved: Instant,
}

/// What happened next.
enum Event {
    /// A piece may be sent.
    Room,
    /// A line came, or none will.
    Line(bool),
    Answer(Option<Bytes>),
    Silence,
}

impl<'d> Exchange<'d> {
    pub(super) async fn begin(driver: &'d mut Driver) -> Result<Exchange<'d>, End> {
        let (feed, pieces) = mpsc::channel(PIECES_WAITING);
        let first = driver.front;
        let fields = driver.claims.fields(first);
        let client = &driver.client;
        let request = client.posting(&driver.log, path::NDJSON, fields, Body::Pieces(pieces));
        let sending = client.inner.pool.send(request.map_err(End::Error)?);
        let begun = tokio::time::timeout(client.inner.try_max, sending).await;
        let begun = begun
            .map_err(|_| End::Trouble(Trouble::unsent("no answer began")))?
            .map_err(End::Trouble)?;
        if !begun.response.status().is_success() {
            drop(feed);
            return Err(match answer::whole(begun).await {
                Ok(_) => End::Error(Error::Answer("a refusal that is none".to_owned())),
                Err(trouble) => End::Trouble(trouble),
            });
        }
        let Begun {
            response,
            certificate,
            hold,
        } = begun;
        Ok(Exchange {
            end: driver.claims.next_request(first),
            driver,
            first,
            sent: 0,
            feed: Some(feed),
            answers: response.into_body(),
            rest: BytesMut::new(),
            certificate,
            hold,
            moved: Instant::now(),
        })
    }

    /// Sends and reads until all is answered and there is no more, or nothing came for a while.
    pub(super) async fn run(mut self) -> Result<(), End> {
        loop {
            match self.next().await.map_err(End::Trouble)? {
                Event::Room => self.feed(),
                Event::Line(came) => self.driver.ended = !came,
                Event::Answer(Some(piece)) => {
                    self.moved = Instant::now();
                    self.read(&piece)?;
                }
                Event::Answer(None) => return self.end(),
                Event::Silence if self.driver.pending.is_empty() && self.feed.is_some() => {
                    self.feed = None;
                    self.moved = Instant::now();
                }
                Event::Silence => {
                    return Err(End::Trouble(Trouble::sent("no answer to a line came")));
                }
            }
            let is_full = self.first + self.sent >= self.end;
            if is_full || (self.driver.ended && self.unsent() == 0) {
                self.feed = None;
            }
        }
    }

    /// Lines that are pending and not part of this request yet.
    fn unsent(&self) -> usize {
        let told = self.driver.front - self.first;
        let sent = usize::try_from(self.sent - told).unwrap_or(usize::MAX);
        self.driver.pending.len().saturating_sub(sent)
    }

    async fn next(&mut self) -> Result<Event, Trouble> {
        let has_unsent = self.unsent() > 0;
        let is_open = self.feed.is_some();
        let waits = self.driver.pending.is_empty();
        let silence = match waits && is_open {
            true => LINES_IDLE_MAX,
            false => self.driver.client.inner.try_max,
        };
        let feed = self.feed.clone();
        let room = async {
            match &feed {
                // Whatever comes of it is seen in the answer.
                Some(feed) => drop(feed.reserve().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            piece = body::next(&mut self.answers) => Ok(Event::Answer(piece?)),
            () = room, if has_unsent && is_open => Ok(Event::Room),
            line = self.driver.events.recv(), if !self.driver.ended && is_open => {
                let came = line.is_some();
                self.driver.pending.extend(line);
                self.moved = Instant::now();
                Ok(Event::Line(came))
            }
            () = tokio::time::sleep_until(self.moved + silence) => Ok(Event::Silence),
        }
    }

    /// Sends as many lines as fit a piece.
    fn feed(&mut self) {
        while let Ok(line) = self.driver.events.try_recv() {
            self.driver.pending.push_back(line);
        }
        let skipped = self.driver.pending.len() - self.unsent();
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut count = 0;
        let room = usize::try_from(self.end - self.first - self.sent).unwrap_or(usize::MAX);
        for pending in self.driver.pending.iter().skip(skipped).take(room) {
            piece.extend_from_slice(&pending.event);
            piece.push(b'\n');
            count += 1;
            if piece.len() >= PIECE_BYTES {
                break;
            }
        }
        let Some(feed) = &self.feed else { return };
        if feed.try_send(piece.into()).is_ok() {
            self.sent += count;
        } else if feed.is_closed() {
            // The request is gone; its answer says why.
            self.feed = None;
        }
    }

    fn read(&mut self, piece: &[u8]) -> Result<(), End> {
        self.rest.extend_from_slice(piece);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line = self.rest.split_to(end + 1);
            self.line(&line)?;
        }
        if self.rest.len() > ANSWER_BYTES_MAX {
            return Err(End::Trouble(Trouble::sent(
                "a line of the answer has no end",
            )));
        }
        Ok(())
    }

    /// One line of the answer: it is of the first line that has none, since they come in order.
    fn line(&mut self, line: &[u8]) -> Result<(), End> {
        let outcome = match serde_json::from_slice::<Single>(line) {
            Ok(single) => self.judge(&single).map_err(End::Error),
            Err(_) => refused(line),
        }?;
        let is_sent = self.driver.front < self.first + self.sent;
        let pending = self.driver.pending.pop_front().filter(|_| is_sent);
        let pending = pending.ok_or_else(|| End::Error(extra()))?;
        match self.driver.tell(outcome, pending) {
            true => Ok(()),
            false => Err(End::Unwanted),
        }
    }

    fn judge(&self, single: &Single) -> Result<Result<Recorded, Error>, Error> {
        let number = self.driver.front;
        let pending = self.driver.pending.front().ok_or_else(extra)?;
        let sent = Sent {
            event: &pending.event,
            own: self.driver.own(number, pending),
        };
        let sender = self.driver.client.sender(self.certificate);
        Ok(Ok(self.driver.verifier.single(single, &sender, &sent)?))
    }

    /// The answer ended.
    fn end(self) -> Result<(), End> {
        let is_whole = self.unsent() == self.driver.pending.len() && self.rest.is_empty();
        if !is_whole {
            return Err(End::Trouble(Trouble::sent(
                "the answer ended before its last line",
            )));
        }
        if self.feed.is_none() {
            self.hold.release();
        }
        Ok(())
    }
}

/// A line that is refused for good, or one for which the request is to begin anew.
fn refused(line: &[u8]) -> Result<Result<Recorded, Error>, End> {
    match serde_json::from_slice::<Problem>(line) {
        Ok(problem) if problem.resend == Resend::No => Ok(Err(Error::Refused {
            problem: Box::new(problem),
            may_be_recorded: false,
        })),
        Ok(problem) => Err(End::Trouble(Trouble::Refused(Box::new(problem)))),
        Err(error) => Err(End::Error(Error::Answer(error.to_string()))),
    }
}

fn extra() -> Error {
    Error::Answer("more lines are answered than were sent".to_owned())
}
