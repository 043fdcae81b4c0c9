//! One connection, from its first byte to its last.

use super::taken::Answer;
use super::wire::{Cause, Fault, Order, Seen, Wire};
use super::{Door, Notice};
use crate::body::Body;
use crate::health;
use crate::http::{self, Call, Purpose};
use crate::identity::Peer;
use crate::limits::{
    CONNECTION_BUFFER_BYTES, HEADER_BYTES_MAX, PLAIN_BYTES_MAX, REFUSED_MAX, RETRY_AFTER_SECONDS,
    STREAM_SEND_BYTES_MAX, STREAMS_MAX,
};
use crate::tls::{self, Current};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use indelible_api::{Code, Problem};
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;

/// What a TLS record that begins a handshake begins with (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// What someone hears who speaks plain HTTP to a port with TLS.
const PLAIN_TEXT: &str = "this port speaks TLS 1.3 with client certificates, and you spoke plain HTTP: write https:// and bring a certificate; \
if a mesh sidecar (Istio, Linkerd) stands between, take this port out of it: the node must see the client's own certificate\n";

/// Why there is no session.
enum NoSession {
    Failed,
    /// It was plain text, and was answered so.
    Explained,
}
use NoSession::{Explained, Failed};

/// A connection over TCP to a listener that asks nobody who they are.
pub(super) async fn plain(door: &Arc<Door>, stream: TcpStream, address: IpAddr) {
    let guest = Guest::Anyone(Some(address));
    Box::pin(served(door, stream, guest, None, false)).await;
}

/// A connection over TCP with mutual TLS.
pub(super) async fn tls(
    door: &Arc<Door>,
    tls: &Current,
    stream: TcpStream,
    address: IpAddr,
    knocking: Knocking,
) {
    let counters = &door.node.counters;
    let acceptor = TlsAcceptor::from(tls.get());
    let handshake = async {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first == [HANDSHAKE] => acceptor.accept(stream).await.map_err(|_| Failed),
            Ok(1) if first.is_ascii() => {
                counters.plaintext.up();
                door.say_once(&door.shared.said_plaintext, &Notice::Plaintext(address));
                explain(stream).await;
                Err(Explained)
            }
            _ => Err(Failed),
        }
    };
    let shaken = tokio::time::timeout(door.patience.handshake, Box::pin(handshake)).await;
    drop(knocking);
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(Explained)) => return,
        Ok(Err(Failed)) | Err(_) => return counters.handshakes_failed.up(),
    };
    let session = stream.get_ref().1;
    let http2 = session.alpn_protocol() == Some(b"h2");
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let until = certificate.and_then(tls::not_after);
    let guest = certificate.map_or_else(
        || Guest::Refused(nobody("no certificate was shown")),
        |certificate| match Peer::of_certificate(certificate, address) {
            Ok(peer) => Guest::Known(Arc::new(peer)),
            Err(error) => Guest::Refused(nobody(&error.to_string())),
        },
    );
    Box::pin(served(door, stream, guest, until, http2)).await;
}

/// A connection over a socket file: whoever the kernel says it is.
pub(super) async fn unix(door: &Arc<Door>, stream: UnixStream) {
    let Ok(credentials) = stream.peer_cred() else {
        return;
    };
    let guest = match door.purpose {
        Purpose::Health => Guest::Anyone(None),
        _ => Guest::Known(Arc::new(Peer::of_unix(credentials.uid()))),
    };
    Box::pin(served(door, stream, guest, None, false)).await;
}

fn nobody(why: &str) -> Problem {
    Problem::new(Code::Unauthenticated, why)
}

/// Says in plain text what is wrong, and reads what comes, so that the answer is not lost in a reset.
async fn explain(mut stream: TcpStream) {
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        PLAIN_TEXT.len()
    );
    if stream.write_all(head.as_bytes()).await.is_err()
        || stream.write_all(PLAIN_TEXT.as_bytes()).await.is_err()
        || stream.shutdown().await.is_err()
    {
        return;
    }
    let most = u64::try_from(PLAIN_BYTES_MAX).unwrap_or(u64::MAX);
    let mut rest = stream.take(most);
    let mut nowhere = tokio::io::sink();
    let read = tokio::io::copy(&mut rest, &mut nowhere);
    // However that ends, nothing more is owed.
    tokio::time::timeout(REFUSED_MAX, read).await.ok();
}

/// Who is at the other end, as far as it matters here.
#[derive(Clone)]
enum Guest {
    Known(Arc<Peer>),
    /// Every request gets this answer, and soon the connection ends.
    Refused(Problem),
    /// Health: nobody is asked who they are, only counted by address, where there is one.
    Anyone(Option<IpAddr>),
}

impl Guest {
    /// By what its connections are counted, and how many it may have.
    fn holder(&self, door: &Door) -> Option<(String, usize)> {
        match self {
            Guest::Known(peer) => Some((peer.principal.clone(), door.bounds.principal)),
            Guest::Anyone(address) => Some((address.as_ref()?.to_string(), door.bounds.health)),
            Guest::Refused(_) => None,
        }
    }
}

/// A handshake that is under way, counted by address.
pub(super) struct Knocking {
    door: Arc<Door>,
    address: String,
}

impl Knocking {
    /// None: this address has too many.
    pub(super) fn new(door: &Arc<Door>, address: IpAddr) -> Option<Knocking> {
        let address = address.to_string();
        let entered = door.open().knocking.enter(&address, door.bounds.handshakes);
        entered.ok().map(|()| Knocking {
            door: Arc::clone(door),
            address,
        })
    }
}

impl Drop for Knocking {
    fn drop(&mut self) {
        let most = self.door.bounds.handshakes;
        self.door.open().knocking.leave(&self.address, most);
    }
}

/// The entry of a connection in its listener's list.
struct Entry<'d> {
    door: &'d Door,
    number: u64,
    /// By what it is counted; none: it is only to hear why it is refused.
    holder: Option<(String, usize)>,
}

impl<'d> Entry<'d> {
    /// Counts it; a guest with too many is refused. None: nobody tells it why, because so many are being told already.
    fn new(door: &'d Door, guest: &mut Guest) -> Option<Entry<'d>> {
        let number = door.shared.next.fetch_add(1, Ordering::Relaxed);
        let counters = &door.node.counters;
        let mut holder = guest.holder(door);
        let (mut open, mut news) = (door.open(), None);
        match &holder {
            None => counters.refused.up(),
            Some((who, most)) => {
                if let Err(too_many) = open.held.enter(who, *most) {
                    counters.crowded.up();
                    news = too_many.is_news.then(|| (who.clone(), *most));
                    *guest = Guest::Refused(crowded(who, *most));
                    holder = None;
                }
            }
        }
        let is_told = holder.is_some() || open.refused < door.bounds.refused;
        if is_told && holder.is_none() {
            open.refused += 1;
        }
        drop(open);
        if let Some((who, most)) = news {
            (door.tell)(&Notice::Crowded(who, most));
        }
        if !is_told {
            return None;
        }
        counters.accepted.up();
        counters.open.up();
        Some(Entry {
            door,
            number,
            holder,
        })
    }
}

impl Entry<'_> {
    /// From here on its listener looks at it.
    fn watch(&self, seen: &Arc<Seen>) {
        self.door.open().seen.insert(self.number, Arc::clone(seen));
        if self.door.is_stopping() {
            seen.tell(Order::Retire);
        }
    }
}

fn crowded(who: &str, most: usize) -> Problem {
    let what = format!(
        "nothing was done: {who} has {most} connections to this listener and may have no more: use those, or end some"
    );
    Problem::new(Code::RateLimited, what).after(RETRY_AFTER_SECONDS)
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut open = self.door.open();
        open.seen.remove(&self.number);
        match &self.holder {
            Some((who, most)) => open.held.leave(who, *most),
            None => open.refused -= 1,
        }
        drop(open);
        self.door.node.counters.open.down();
    }
}

/// When a connection is asked to end: at its greatest age, not at the same moment as all that began with it, and when its certificate
/// does. Beside it how long what is under way may then take.
fn end(door: &Door, number: u64, guest: &Guest, until: Option<SystemTime>) -> (Instant, Duration) {
    let age = match guest {
        Guest::Refused(_) => REFUSED_MAX.min(door.patience.age),
        _ => door.patience.age,
    };
    let spread = u32::try_from(number % 128).unwrap_or(0);
    let sooner = age - age / 1_280 * spread;
    let left = until.map(|until| {
        until
            .duration_since(SystemTime::now())
            .unwrap_or(Duration::ZERO)
    });
    let left = left.map_or(sooner, |left| left.min(sooner));
    (Instant::now() + left, age)
}

async fn served<S>(
    door: &Arc<Door>,
    stream: S,
    mut guest: Guest,
    until: Option<SystemTime>,
    http2: bool,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(entry) = Entry::new(door, &mut guest) else {
        return;
    };
    // Only now it is known who is refused, and soon ends.
    let (until, grace) = end(door, entry.number, &guest, until);
    let seen = Arc::new(Seen::new(http2, until, grace));
    entry.watch(&seen);
    let wire = TokioIo::new(Wire {
        inner: stream,
        seen: Arc::clone(&seen),
    });
    let service = Service {
        door: Arc::clone(door),
        guest,
        seen: Arc::clone(&seen),
    };
    if http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
            .max_send_buf_size(STREAM_SEND_BYTES_MAX);
        drive(door, builder.serve_connection(wire, service), &seen).await;
    } else {
        let mut builder = http1::Builder::new();
        builder
            .max_header_size(HEADER_BYTES_MAX)
            .max_buf_size(CONNECTION_BUFFER_BYTES);
        drive(door, builder.serve_connection(wire, service), &seen).await;
    }
    match seen.fault() {
        Some(Fault::Framing) => door.node.counters.framing.up(),
        Some(Fault::Flood) => door.node.counters.flood.up(),
        None => {}
    }
    drop(entry);
}

/// A connection that can be asked to end.
trait Retire: Future {
    fn retire(self: Pin<&mut Self>);
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Retire
    for http1::Connection<TokioIo<Wire<S>>, Service>
{
    fn retire(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Retire
    for http2::Connection<TokioIo<Wire<S>>, Service, TokioExecutor>
{
    fn retire(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Drives a connection to its end, or until it is cut.
async fn drive(door: &Door, connection: impl Retire, seen: &Seen) {
    let mut connection = std::pin::pin!(connection);
    loop {
        let order = tokio::select! {
            // How it ended is the client's to know.
            _ = connection.as_mut() => return,
            order = seen.ordered() => order,
        };
        let counters = &door.node.counters;
        match order {
            Order::Retire => connection.as_mut().retire(),
            Order::Cut(cause) => {
                match cause {
                    Cause::Silent => counters.silent.up(),
                    Cause::Stalled => counters.stalled.up(),
                    Cause::Overdue => counters.overdue.up(),
                }
                return;
            }
        }
    }
}

/// Answers the requests of one connection.
struct Service {
    door: Arc<Door>,
    guest: Guest,
    seen: Arc<Seen>,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let node = Arc::clone(&self.door.node);
        let seen = (request.version() == Version::HTTP_2).then(|| Arc::clone(&self.seen));
        let answered = |response: Response<Body>| Ok(response.map(|body| Answer { body, seen }));
        let peer = match &self.guest {
            Guest::Known(peer) => Arc::clone(peer),
            Guest::Anyone(_) => {
                return Box::pin(async move { answered(health::answer(&node, &request)) });
            }
            Guest::Refused(problem) => {
                // The answer goes out first, then the connection ends.
                self.seen.tell(Order::Retire);
                let mut response = http::refused(&node, problem);
                if request.version() <= Version::HTTP_11 {
                    let fields = response.headers_mut();
                    fields.insert(CONNECTION, HeaderValue::from_static("close"));
                }
                return Box::pin(async move { answered(response) });
            }
        };
        let call = Call {
            node,
            peer,
            purpose: self.door.purpose,
            request,
        };
        Box::pin(async move { answered(http::answer(call).await) })
    }
}
