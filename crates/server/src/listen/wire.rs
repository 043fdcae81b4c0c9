//! What passes between a connection's socket and the HTTP library: looked at, counted, and stopped.
//!
//! Owns what is known of a connection's progress. The library says neither whether a head has begun nor since when nothing could be
//! written; its own time limit for heads runs between requests too, and would close every connection that rests.

use super::http1::{Place, Requests};
use super::http2::Frames;
use super::patience::Patience;
use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// What a connection is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Finish what is under way, begin nothing new.
    Retire,
    /// End now.
    Cut(Cause),
}

/// Why a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Nothing came inside a request.
    Silent,
    /// Nothing of an answer was taken.
    Stalled,
    /// It was asked to end and did not in time.
    Overdue,
}

/// Framing that stands for itself in the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Two readers could read it differently.
    Framing,
    /// Frames that ask for work and carry nothing.
    Flood,
}

#[derive(Debug)]
enum Framing {
    One(Requests),
    Two(Frames),
}

#[derive(Debug)]
struct Progress {
    framing: Framing,
    /// Since when the library waits for bytes.
    reading: Option<Instant>,
    /// Since when bytes wait to be taken.
    writing: Option<Instant>,
    /// Since when this head comes.
    head: Option<Instant>,
    /// Framing was wrong: nothing more is read.
    over: Option<Fault>,
    /// When it was asked to end.
    retired: Option<Instant>,
    /// Pieces of answers that wait to be taken, by number and so by age.
    given: BTreeMap<u64, Instant>,
    next_given: u64,
    order: Option<Order>,
}

/// Progress of one connection, which its listener looks at now and then.
#[derive(Debug)]
pub(super) struct Seen {
    progress: Mutex<Progress>,
    told: Notify,
    /// When it is asked to end.
    until: Instant,
    /// How long what is under way may take once it was asked to.
    grace: Duration,
}

impl Seen {
    pub(super) fn new(http2: bool, until: Instant, grace: Duration) -> Seen {
        let framing = match http2 {
            true => Framing::Two(Frames::new(Instant::now())),
            false => Framing::One(Requests::new()),
        };
        Seen {
            progress: Mutex::new(Progress {
                framing,
                reading: None,
                writing: None,
                head: None,
                over: None,
                retired: None,
                given: BTreeMap::new(),
                next_given: 0,
                order: None,
            }),
            told: Notify::new(),
            until,
            grace,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        let progress = self.progress.lock();
        progress.expect("no thread panics while it counts bytes")
    }

    /// Waits until there is an order.
    pub(super) async fn ordered(&self) -> Order {
        loop {
            if let Some(order) = self.lock().order.take() {
                return order;
            }
            self.told.notified().await;
        }
    }

    pub(super) fn tell(&self, order: Order) {
        let mut progress = self.lock();
        if order == Order::Retire {
            if progress.retired.is_some() {
                return;
            }
            progress.retired = Some(Instant::now());
        }
        progress.order = Some(order);
        drop(progress);
        self.told.notify_one();
    }

    /// A piece of an answer waits to be taken from now on. Its number.
    pub(super) fn given(&self) -> u64 {
        let mut progress = self.lock();
        let number = progress.next_given;
        progress.next_given += 1;
        progress.given.insert(number, Instant::now());
        number
    }

    /// It waits no more.
    pub(super) fn taken(&self, number: u64) {
        self.lock().given.remove(&number);
    }

    /// What framing was wrong, if any was.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.lock().over
    }

    /// Looks at it, and orders what is due.
    pub(super) fn look(&self, now: Instant, patience: &Patience) {
        let order = {
            let progress = self.lock();
            let longer = |since: Option<Instant>, limit| {
                since.is_some_and(|since| now.saturating_duration_since(since) >= limit)
            };
            // The library reads a body on only when it is wanted: what comes too slowly is told so first, and cut if that does not help.
            let silence = match &progress.framing {
                Framing::One(requests) => match requests.place() {
                    Place::Idle => None,
                    Place::Head => Some(patience.silence),
                    Place::Body => Some(patience.silence + patience.silence / 4),
                },
                Framing::Two(frames) => frames.is_inside().then_some(patience.silence),
            };
            if silence.is_some_and(|limit| longer(progress.reading, limit))
                || longer(progress.head, patience.head)
            {
                Some(Order::Cut(Cause::Silent))
            } else if longer(progress.writing, patience.stall)
                || longer(progress.given.values().next().copied(), patience.take)
            {
                Some(Order::Cut(Cause::Stalled))
            } else if longer(progress.retired, self.grace) {
                Some(Order::Cut(Cause::Overdue))
            } else if now >= self.until && progress.retired.is_none() {
                Some(Order::Retire)
            } else {
                None
            }
        };
        if let Some(order) = order {
            self.tell(order);
        }
    }
}

/// A connection's bytes.
pub(super) struct Wire<S> {
    pub(super) inner: S,
    pub(super) seen: Arc<Seen>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.seen.lock().over.is_some() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(context, buffer);
        let mut progress = this.seen.lock();
        match polled {
            Poll::Pending => {
                progress.reading.get_or_insert_with(Instant::now);
                Poll::Pending
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                progress.reading = None;
                Poll::Ready(came(&mut progress, buffer, before))
            }
        }
    }
}

/// Looks at the bytes that came. Behind the last good one of a head a byte is put that no head may have, so that the library refuses it
/// by its own answer; a body can't be answered any more.
fn came(progress: &mut Progress, buffer: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
    let bytes = buffer.filled().get(before..).unwrap_or_default();
    match &mut progress.framing {
        Framing::One(requests) => {
            let read = requests.read(bytes);
            match requests.place() {
                Place::Head => {
                    progress.head.get_or_insert_with(Instant::now);
                }
                _ => progress.head = None,
            }
            let Err(fault) = read else {
                return Ok(());
            };
            progress.over = Some(Fault::Framing);
            if fault.place == Place::Body {
                return Err(io::ErrorKind::InvalidData.into());
            }
            buffer.set_filled(before + fault.good);
            buffer.put_slice(&[0]);
            Ok(())
        }
        Framing::Two(frames) => frames.read(bytes, Instant::now()).map_err(|_| {
            progress.over = Some(Fault::Flood);
            io::ErrorKind::InvalidData.into()
        }),
    }
}

impl<S> Wire<S> {
    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        let mut progress = self.seen.lock();
        match polled {
            Poll::Pending => {
                progress.writing.get_or_insert_with(Instant::now);
            }
            Poll::Ready(_) => progress.writing = None,
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        self.wrote(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_shutdown(context);
        self.wrote(polled)
    }
}
