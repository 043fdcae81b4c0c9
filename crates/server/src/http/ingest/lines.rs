//! Lines of JSON: each is recorded by itself and answered by a line, in order, while the request still flows.
//!
//! Owns the window: so many lines and bytes wait for their receipts at once, and then no more is read. A line that is refused is
//! answered by a problem, and the lines after it go on.

use super::Claim;
use crate::answer;
use crate::body::{self, Body};
use crate::grants::{Action, Permit};
use crate::http::{Answered, Purpose};
use crate::identity::Peer;
use crate::intake::{Awaited, Hold, Sender};
use crate::limits::{ANSWER_PIECE_BYTES, LINES_WAITING_BYTES_MAX, LINES_WAITING_MAX};
use crate::node::Node;
use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use indelible_api::limits::ARRAY_BYTES_MAX;
use indelible_api::{Code, Problem, header, member, path};
use indelible_ledger::Recorded;
use indelible_proof::event::EventReader;
use memchr::memchr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// A line on its way.
struct Line {
    index: usize,
    awaited: Result<Awaited, Problem>,
    /// Given back when it is answered.
    _place: Option<Place>,
}

/// A line's place in the window, and what it holds of the principal's share.
type Place = (OwnedSemaphorePermit, Hold);

pub(super) fn records(
    node: Arc<Node>,
    peer: Arc<Peer>,
    permit: Permit,
    claim: Claim,
    body: Incoming,
) -> Answered {
    let (lines, waiting) = mpsc::channel(LINES_WAITING_MAX);
    let (out, pieces) = mpsc::channel(16);
    let reader = Reader {
        node: Arc::clone(&node),
        peer,
        permit: permit.clone(),
        claim,
        window: Arc::new(Semaphore::new(LINES_WAITING_BYTES_MAX)),
        lines,
        index: 0,
    };
    tokio::spawn(reader.read(body));
    tokio::spawn(answer_all(node, permit, waiting, out));
    let mut response = Response::new(Body::Pieces(pieces));
    *response.status_mut() = StatusCode::OK;
    crate::http::set(&mut response, CONTENT_TYPE, path::NDJSON);
    Ok(response)
}

struct Reader {
    node: Arc<Node>,
    peer: Arc<Peer>,
    permit: Permit,
    claim: Claim,
    window: Arc<Semaphore>,
    lines: mpsc::Sender<Line>,
    index: usize,
}

impl Reader {
    /// Reads to the end, or until nobody wants the answers any more.
    async fn read(mut self, mut body: Incoming) {
        let mut held = self.node.room.hold(&self.peer.principal);
        let mut rest = BytesMut::new();
        loop {
            // What was looked at before holds no line end.
            let looked_at = rest.len();
            let piece = match body::next(&mut body).await {
                Ok(Some(piece)) => held.grow(piece.len()).map(|()| piece),
                Ok(None) => break,
                Err(problem) => Err(problem),
            };
            match piece {
                Ok(piece) => rest.extend_from_slice(&piece),
                Err(problem) => return self.end(problem, body).await,
            }
            let mut from = looked_at;
            while let Some(end) = memchr(b'\n', rest.get(from..).unwrap_or_default()) {
                let line = rest.split_to(from + end + 1).freeze();
                held.shrink(line.len());
                if !self.line(&line).await {
                    return;
                }
                from = 0;
            }
            let most = self.line_bytes_max();
            if rest.len() > most {
                let what = format!("the line has more than {most} bytes");
                return self.end(Problem::new(Code::TooLarge, what), body).await;
            }
        }
        // A last line without a line end counts: the request ended in order.
        let line = rest.freeze();
        self.line(&line).await;
    }

    /// Nothing more is recorded: why. The rest is read and thrown away, so that the answer is not lost in a reset.
    async fn end(mut self, problem: Problem, body: Incoming) {
        self.say(Err(problem), None).await;
        drop(self);
        body::discard(body).await;
    }

    fn line_bytes_max(&self) -> usize {
        let limit = self.node.ledger.books().event_bytes_max(self.permit.log());
        limit.unwrap_or(ARRAY_BYTES_MAX).max(ARRAY_BYTES_MAX)
    }

    /// Hands one line over. `false`: nobody waits for more.
    async fn line(&mut self, line: &Bytes) -> bool {
        if line.trim_ascii().is_empty() {
            return true;
        }
        let weight =
            u32::try_from(line.len().clamp(1, LINES_WAITING_BYTES_MAX)).unwrap_or(u32::MAX);
        let Ok(place) = Arc::clone(&self.window).acquire_many_owned(weight).await else {
            return false;
        };
        let mut held = self.node.room.hold(&self.peer.principal);
        let handed = match held.grow(line.len()) {
            Ok(()) => self.hand_over(line).await,
            Err(problem) => Err(problem),
        };
        self.say(handed, Some((place, held))).await
    }

    /// By the grants of now: a request may flow for longer than a grant lasts.
    async fn hand_over(&self, line: &[u8]) -> Result<Awaited, Problem> {
        let log = self.permit.log().name();
        let permit = self
            .node
            .permit(&self.peer, Purpose::Ingest, Action::Append, log)?;
        let sender = Sender::new(&permit, &self.peer, "ingest/http");
        let key = self.key(line)?;
        let own = self.claim.own(key.as_deref(), self.index, line);
        let prepared = self.node.prepare(&sender, std::iter::once((line, own)))?;
        self.node
            .submit(&sender, prepared, !self.claim.is_none())
            .await
    }

    /// The key of the next line.
    fn key(&self, line: &[u8]) -> Result<Option<String>, Problem> {
        if let Some(name) = &self.claim.member {
            let mut event = Vec::with_capacity(line.len());
            let judged = EventReader::new(self.line_bytes_max()).minify(line, &mut event);
            // What is no event is refused where all are judged.
            return match judged {
                Ok(()) => member::key(&event, name)
                    .map(Some)
                    .map_err(|what| Problem::new(Code::BadEvent, what)),
                Err(_) => Ok(None),
            };
        }
        let index = self.claim.first.saturating_add(self.index);
        let key = self.claim.key.as_deref();
        Ok(key.map(|key| header::key_of(key, index)))
    }

    async fn say(&mut self, awaited: Result<Awaited, Problem>, place: Option<Place>) -> bool {
        let index = self.index;
        self.index += 1;
        let line = Line {
            index,
            awaited,
            _place: place,
        };
        self.lines.send(line).await.is_ok()
    }
}

/// Answers lines in their order. What is ready goes out together; nothing that is ready waits for what is not.
async fn answer_all(
    node: Arc<Node>,
    permit: Permit,
    mut waiting: mpsc::Receiver<Line>,
    out: mpsc::Sender<Bytes>,
) {
    let mut text = Vec::new();
    while let Some(mut line) = waiting.recv().await {
        loop {
            let recorded = match line.awaited {
                Ok(awaited) => match awaited.now() {
                    Ok(recorded) => recorded,
                    Err(awaited) => {
                        if !send(&out, &mut text).await {
                            return;
                        }
                        awaited.outcome().await
                    }
                },
                Err(problem) => Err(problem),
            };
            answer_one(&node, &permit, line.index, recorded, &mut text);
            match waiting.try_recv() {
                Ok(next) if text.len() < ANSWER_PIECE_BYTES => line = next,
                Ok(next) => {
                    if !send(&out, &mut text).await {
                        return;
                    }
                    line = next;
                }
                Err(_) => break,
            }
        }
        if !send(&out, &mut text).await {
            return;
        }
    }
}

/// `false`: nobody reads any more.
async fn send(out: &mpsc::Sender<Bytes>, text: &mut Vec<u8>) -> bool {
    text.is_empty() || out.send(std::mem::take(text).into()).await.is_ok()
}

fn answer_one(
    node: &Node,
    permit: &Permit,
    index: usize,
    recorded: Result<Vec<Recorded>, Problem>,
    text: &mut Vec<u8>,
) {
    let answered = recorded.and_then(|recorded| {
        let first = recorded.into_iter().next().ok_or_else(super::nothing)?;
        answer::single(&node.ledger, permit.log(), &first)
    });
    let written = match answered {
        Ok(single) => serde_json::to_writer(&mut *text, &single),
        Err(problem) => serde_json::to_writer(&mut *text, &problem.at(index)),
    };
    debug_assert!(written.is_ok(), "a vector takes what is written");
    text.push(b'\n');
}
