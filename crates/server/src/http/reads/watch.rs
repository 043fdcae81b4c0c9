//! Records as they come: Server-Sent Events, one for each record, resumable at a seq.
//!
//! A watcher is woken by the commit and reads what is durable like any other reader: one that is slow falls back to reading ranges, holds
//! two pieces, and takes nothing from others. It is decided anew before each piece whether it still may.

use super::asked::bad;
use super::flow::{give, line};
use super::records::push_line;
use super::{Answered, Call, asked, permit_to_read, private, reads};
use crate::body::Body;
use crate::grants::{Action, Permit};
use crate::http::set;
use crate::identity::Peer;
use crate::limits::{
    KEEP_ALIVE_EVERY, READ_BYTES, READ_RECORDS, READ_STALL_MAX, WATCH_AGE_MAX, WATCH_PAUSE,
};
use crate::node::Node;
use crate::reads::{Place, Reads};
use bytes::Bytes;
use hyper::Response;
use hyper::header::CONTENT_TYPE;
use indelible_api::{Code, Problem, header, path};
use indelible_ledger::Log;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

/// `GET /v1/logs/{log}/watch`
pub(super) async fn watch(call: &Call, log: &str) -> Answered {
    let asked = asked(call, &["from", "heads"])?;
    let heads = asked.flag("heads")?;
    let permit = permit_to_read(call, heads, log)?;
    let log = Arc::clone(permit.log());
    let size = log.size();
    // Whoever comes back says what it has; the path is still that of the first time.
    let next = match last_event(call)? {
        Some(last) => last + 1,
        None => asked.number("from")?.unwrap_or(size),
    };
    if next > size {
        let what = format!(
            "{log} has {size} records: there is nothing before {next} that could have been seen; if record {seen} was seen, this is not the log that it was in",
            log = log.name(),
            seen = next - 1
        );
        return Err(Problem::new(Code::NotFound, what));
    }
    let place = reads(call).watch(&call.peer.principal)?;
    let (out, pieces) = mpsc::channel(1);
    let watcher = Watcher {
        node: Arc::clone(&call.node),
        reads: Arc::clone(reads(call)),
        peer: Arc::clone(&call.peer),
        permit,
        heads,
        next,
        out,
        _place: place,
    };
    tokio::spawn(watcher.run());
    let mut response = Response::new(Body::Ended(pieces));
    set(&mut response, CONTENT_TYPE, path::EVENTS);
    Ok(private(response))
}

fn last_event(call: &Call) -> Result<Option<u64>, Problem> {
    let wrong = || bad("Last-Event-ID is the seq of the last record that was seen");
    let mut values = call.request.headers().get_all(header::LAST_EVENT_ID).iter();
    let (value, None) = (values.next(), values.next()) else {
        return Err(wrong());
    };
    let read = |value: &hyper::header::HeaderValue| {
        let text = value.to_str().map_err(|_| wrong())?;
        super::asked::seq(text).map_err(|_| wrong())
    };
    value.map(read).transpose()
}

struct Watcher {
    node: Arc<Node>,
    reads: Arc<Reads>,
    peer: Arc<Peer>,
    permit: Permit,
    heads: bool,
    next: u64,
    out: mpsc::Sender<Option<Bytes>>,
    _place: Place,
}

/// Why a watcher goes on.
enum Woken {
    /// Records, or other grants.
    Look,
    /// Nothing came for a while.
    Silence,
    /// The watch ends in order: its time is up, or the node stops. Whoever watches comes back.
    End,
    /// Nobody is there any more.
    Gone,
}

impl Watcher {
    async fn run(mut self) {
        let log = Arc::clone(self.permit.log());
        let grown = Arc::new(Notify::new());
        let wake = Arc::clone(&grown);
        let _listening = log.when_grown(move || wake.notify_one());
        // A client that loses its connection comes back after a second.
        let hello = format!("retry: 1000\n: {} from {}\n\n", log.name(), self.next);
        let ended = match self.give(hello.into_bytes()).await {
            true => self.follow(&log, &grown).await,
            false => return,
        };
        let said = match ended {
            Ok(()) => true,
            Err(problem) => self.give(event(&problem)).await,
        };
        if said {
            give(&self.out, None, READ_STALL_MAX).await;
        }
    }

    /// Until the end, or until nobody is there: then what is given goes nowhere.
    async fn follow(&mut self, log: &Arc<Log>, grown: &Notify) -> Result<(), Problem> {
        let deadline = Instant::now() + WATCH_AGE_MAX;
        // From before the first decision, so that none is missed.
        let mut grants = self.node.grants_changed();
        loop {
            // Before anything is read, and so before anything leaves.
            self.decide()?;
            if self.next < log.size() {
                let piece = self.piece(log).await?;
                self.decide()?;
                if !self.give(piece).await {
                    return Ok(());
                }
                if Instant::now() >= deadline || *self.reads.ended().borrow() {
                    return Ok(());
                }
                tokio::time::sleep(WATCH_PAUSE).await;
                continue;
            }
            match self.wait(grown, &mut grants, deadline).await {
                Woken::Look => {}
                Woken::Silence if self.give(b": still here\n\n".to_vec()).await => {}
                Woken::Silence | Woken::End | Woken::Gone => return Ok(()),
            }
        }
    }

    async fn wait(
        &self,
        grown: &Notify,
        grants: &mut watch::Receiver<()>,
        deadline: Instant,
    ) -> Woken {
        let mut ended = self.reads.ended();
        tokio::select! {
            () = grown.notified() => Woken::Look,
            _ = grants.changed() => Woken::Look,
            _ = ended.wait_for(|ended| *ended) => Woken::End,
            () = tokio::time::sleep_until(deadline) => Woken::End,
            () = self.out.closed() => Woken::Gone,
            () = tokio::time::sleep(KEEP_ALIVE_EVERY) => Woken::Silence,
        }
    }

    /// By the grants of now.
    fn decide(&self) -> Result<(), Problem> {
        let action = self.permit.action();
        let permit = self
            .node
            .grants()
            .decide(&self.peer, action, self.permit.log());
        match permit {
            Some(_) => Ok(()),
            None => Err(Problem::new(
                Code::Denied,
                format!(
                    "{} may no longer {} {}",
                    self.peer.principal,
                    match action {
                        Action::Read => "read",
                        _ => "read heads of",
                    },
                    self.permit.log().name()
                ),
            )),
        }
    }

    /// The next records as events.
    async fn piece(&mut self, log: &Arc<Log>) -> Result<Vec<u8>, Problem> {
        let (log, next, heads) = (Arc::clone(log), self.next, self.heads);
        let read = self.reads.read(move |books| {
            let end = log.size().min(next + READ_RECORDS);
            let anchor = log.anchor(end);
            let records = books.proved(&log, next..end, anchor, READ_BYTES)?;
            let (mut events, mut after) = (Vec::new(), next);
            for stored in &records {
                // Neither a head nor an event has a line end in it.
                events.extend_from_slice(format!("id: {}\ndata: ", stored.seq).as_bytes());
                push_line(stored, heads, &mut events);
                events.extend_from_slice(b"\n\n");
                after = stored.seq + 1;
            }
            Ok((events, after))
        });
        let (events, after) = read.await.map_err(|mut problem| {
            problem.seq = Some(self.next);
            problem
        })?;
        self.next = after;
        Ok(events)
    }

    async fn give(&self, piece: Vec<u8>) -> bool {
        give(&self.out, Some(piece.into()), READ_STALL_MAX).await
    }
}

/// A problem as the last event.
fn event(problem: &Problem) -> Vec<u8> {
    [b"event: problem\ndata: ", &line(problem)[..], b"\n"].concat()
}
