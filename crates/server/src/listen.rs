//! Accepting connections: who may knock, and what a listener does with all of its connections at once.
//!
//! Owns the listener's sockets and the list of its connections. `spec` and `bound` say where it listens, `connection` is one connection
//! from its first byte to its last, `wire` with `http1` and `http2` sees how it gets on. Peers from other networks are dropped before a
//! byte is read from them or sent to them.

pub mod bound;
mod connection;
mod crowd;
mod http1;
mod http2;
pub mod patience;
pub mod spec;
mod taken;
mod wire;

pub use bound::{BindError, Bound};
pub use crowd::Bounds;
pub use patience::Patience;
pub use spec::{Spec, SpecError};

use crate::http::Purpose;
use crate::limits::CONNECTIONS_MAX;
use crate::network::{Network, Networks};
use crate::node::Node;
use crate::tls::{Current, Expiry};
use connection::Knocking;
use crowd::Crowd;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wire::{Cause, Order, Seen};

/// What an operator should hear of a listener.
#[derive(Debug)]
pub enum Notice {
    /// It listens there now.
    Opened(SocketAddr),
    /// The machine has that address no more.
    Closed(SocketAddr),
    /// It should listen there and can't.
    Failed(SocketAddr, io::Error),
    /// The machine's addresses can't be read; what is open stays so.
    Blind(io::Error),
    /// Somebody speaks plain text to a port with TLS. Said once.
    Plaintext(IpAddr),
    /// All places are taken. Said once.
    NoPlace,
    /// A principal has as many connections as it may, and opens more. Said once until it has half of them.
    Crowded(String, usize),
    /// The certificate ends soon, in so many seconds, or has ended. Said once for each.
    Certificate(i64),
    /// The revocation lists should have been replaced so many seconds ago. Said once.
    ListsOverdue(i64),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Opened(address) => write!(f, "listens on {address}"),
            Notice::Closed(address) => {
                write!(f, "listens no more on {address}: the address is gone")
            }
            Notice::Failed(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Notice::Blind(error) => write!(f, "cannot read the addresses of this machine: {error}"),
            Notice::Plaintext(address) => {
                let likely = match address.is_loopback() {
                    true => "a mesh sidecar in front of the node ends TLS",
                    false => "a client writes http:// or a mesh sidecar on its side ends TLS",
                };
                write!(
                    f,
                    "{address} spoke plain HTTP to a port that speaks TLS with client certificates: most likely {likely}; take this port out of the mesh"
                )
            }
            Notice::Certificate(left) if *left > 0 => {
                write!(
                    f,
                    "the certificate expires soon, in {} min: was it not renewed, or not reloaded",
                    left / 60
                )
            }
            Notice::Certificate(_) => write!(
                f,
                "the certificate has expired: no client takes it any more"
            ),
            Notice::ListsOverdue(ago) => write!(
                f,
                "the revocation lists should have been replaced {} min ago: what was revoked since is let in",
                ago / 60
            ),
            Notice::Crowded(who, most) => {
                write!(
                    f,
                    "{who} has {most} connections and may have no more: those that it opens beyond are refused"
                )
            }
            Notice::NoPlace => write!(f, "all {CONNECTIONS_MAX} places for connections are taken"),
        }
    }
}

/// What becomes of notices.
pub type Tell = Box<dyn Fn(&Notice) + Send + Sync>;

/// One listener: what it is for and whom it takes.
pub struct Door {
    /// What it is for.
    pub purpose: Purpose,
    /// Networks it takes peers from; none: those that count as inside.
    pub allow_from: Vec<Network>,
    /// Its TLS; none on a Unix socket and for health.
    pub tls: Option<Arc<Current>>,
    /// Whose it is.
    pub node: Arc<Node>,
    /// How long it waits for what.
    pub patience: Patience,
    /// How many connections somebody may have.
    pub bounds: Bounds,
    /// Told what an operator should hear.
    pub tell: Tell,
    shared: Shared,
}

/// What all connections of a listener have in common.
#[derive(Default)]
struct Shared {
    next: AtomicU64,
    open: Mutex<Open>,
    stopping: AtomicBool,
    said_plaintext: AtomicBool,
    said_no_place: AtomicBool,
    said_certificate: Mutex<(Option<Expiry>, bool)>,
}

#[derive(Default)]
struct Open {
    seen: HashMap<u64, Arc<Seen>>,
    /// By principal, or by address where nobody is asked.
    held: Crowd,
    /// By address, in handshakes.
    knocking: Crowd,
    /// Let in to hear why they are refused.
    refused: usize,
}

/// Why a listener can't begin.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// No certificate where one is needed.
    #[error("{0} has no certificate: only health, and a socket file, go without TLS")]
    NoTls(Spec),
}

impl Door {
    /// A listener for this, with the bounds of `limits`, that tells nobody anything.
    #[must_use]
    pub fn new(purpose: Purpose, tls: Option<Arc<Current>>, node: Arc<Node>) -> Door {
        Door {
            purpose,
            allow_from: Vec::new(),
            tls,
            node,
            patience: Patience::default(),
            bounds: Bounds::default(),
            tell: Box::new(|_| {}),
            shared: Shared::default(),
        }
    }

    fn takes(&self, address: IpAddr, inside: &Networks) -> bool {
        match self.allow_from.as_slice() {
            [] => inside.contains(address),
            some => some.iter().any(|network| network.contains(address)),
        }
    }

    /// Its TLS, where who comes is asked who they are.
    fn asks_who(&self) -> Option<&Arc<Current>> {
        self.tls
            .as_ref()
            .filter(|_| self.purpose != Purpose::Health)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        let open = self.shared.open.lock();
        open.expect("no thread panics while it counts connections")
    }

    fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    fn say_once(&self, said: &AtomicBool, notice: &Notice) {
        if !said.swap(true, Ordering::Relaxed) {
            (self.tell)(notice);
        }
    }

    /// Gives an order to all connections.
    fn order(&self, order: Order) {
        for seen in self.open().seen.values() {
            seen.tell(order);
        }
    }

    /// Looks at all connections, and orders what is due.
    fn sweep(&self) {
        let now = Instant::now();
        for seen in self.open().seen.values() {
            seen.look(now, &self.patience);
        }
    }

    /// Looks at the certificate, and says what is new about it.
    fn look_at_certificate(&self, now: SystemTime) {
        let Some(tls) = &self.tls else {
            return;
        };
        let validity = tls.validity();
        let expiry = validity.expiry(now);
        let overdue = validity.lists_seconds_left(now).filter(|left| *left < 0);
        let before = {
            let said = self.shared.said_certificate.lock();
            let mut said = said.expect("no thread panics while it looks at a certificate");
            std::mem::replace(&mut *said, (Some(expiry), overdue.is_some()))
        };
        if expiry != Expiry::Fine && before.0 != Some(expiry) {
            (self.tell)(&Notice::Certificate(validity.seconds_left(now)));
        }
        if let (Some(left), false) = (overdue, before.1) {
            (self.tell)(&Notice::ListsOverdue(left.saturating_neg()));
        }
    }
}

/// Serves until it is told to stop, and then until what is under way has ended, for a while.
///
/// # Errors
/// [`DoorError`]: it may not begin. Later nothing ends it.
pub async fn serve(
    door: Arc<Door>,
    bound: Bound,
    mut stop: watch::Receiver<bool>,
) -> Result<(), DoorError> {
    let needs_tls = door.purpose != Purpose::Health && bound.unix.is_none();
    match &door.tls {
        None if needs_tls => return Err(DoorError::NoTls(bound.spec().clone())),
        Some(tls) => door.node.show_tls(door.purpose, tls),
        None => {}
    }
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // In a set, so that it ends with this.
    let mut watching = JoinSet::new();
    watching.spawn({
        let door = Arc::clone(&door);
        async move {
            loop {
                door.look_at_certificate(SystemTime::now());
                tokio::time::sleep(door.patience.sweep()).await;
                door.sweep();
            }
        }
    });
    let accepting = accept_all(&door, bound, &places);
    tokio::select! {
        never = accepting => match never {},
        _ = stop.wait_for(|stop| *stop) => {}
    }
    door.shared.stopping.store(true, Ordering::Release);
    door.order(Order::Retire);
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let ended = tokio::time::timeout(door.patience.drain, places.acquire_many(all)).await;
    if ended.is_err() {
        door.order(Order::Cut(Cause::Overdue));
    }
    Ok(())
}

/// Accepts on all sockets, and follows the machine's addresses.
async fn accept_all(
    door: &Arc<Door>,
    mut bound: Bound,
    places: &Arc<Semaphore>,
) -> std::convert::Infallible {
    let inside = Arc::new(bound.inside().clone());
    let mut accepting = JoinSet::new();
    let mut running = HashMap::new();
    let listen = |listener: Arc<TcpListener>, accepting: &mut JoinSet<()>| {
        let (door, places, inside) = (Arc::clone(door), Arc::clone(places), Arc::clone(&inside));
        accepting.spawn(accept(door, listener, places, inside))
    };
    for (address, socket) in &bound.sockets {
        running.insert(*address, listen(Arc::clone(socket), &mut accepting));
    }
    if let Some((unix, file)) = bound.unix.take() {
        let (door, places) = (Arc::clone(door), Arc::clone(places));
        accepting.spawn(async move {
            let _file = file;
            loop {
                match unix.accept().await {
                    Ok((stream, _)) => let_in(&door, &places, Knock::Unix(stream)),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        });
    }
    loop {
        if !bound.spec().follows() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(door.patience.addresses).await;
        let change = match bound.look() {
            Ok(change) => change,
            Err(error) => {
                (door.tell)(&Notice::Blind(error));
                continue;
            }
        };
        for address in change.closed {
            // Its connections end by themselves: their address is gone.
            running
                .remove(&address)
                .inspect(|task: &tokio::task::AbortHandle| task.abort());
            (door.tell)(&Notice::Closed(address));
        }
        for address in change.opened {
            if let Some(socket) = bound.sockets.get(&address) {
                running.insert(address, listen(Arc::clone(socket), &mut accepting));
            }
            (door.tell)(&Notice::Opened(address));
        }
        for (address, error) in change.failed {
            (door.tell)(&Notice::Failed(address, error));
        }
    }
}

/// After a failed accept: no more descriptors, or a peer that is gone again. The next may do better, but not at once.
const PAUSE: Duration = Duration::from_millis(10);

async fn accept(
    door: Arc<Door>,
    listener: Arc<TcpListener>,
    places: Arc<Semaphore>,
    inside: Arc<Networks>,
) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if !door.takes(peer.ip(), &inside) {
            door.node.counters.outside.up();
            // Reset, not closed: nothing of ours stays behind for it.
            stream.set_zero_linger().ok();
            continue;
        }
        // Answers are written whole; waiting for more to send with them would only hold them up.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let knock = match door.asks_who() {
            None => Knock::Plain(stream, peer.ip()),
            // Counted here, in the order in which they came: those that came first keep their places.
            Some(tls) => match Knocking::new(&door, peer.ip()) {
                Some(knocking) => Knock::Tls(Arc::clone(tls), stream, peer.ip(), knocking),
                None => {
                    door.node.counters.knocking.up();
                    continue;
                }
            },
        };
        let_in(&door, &places, knock);
    }
}

/// A connection that was accepted.
enum Knock {
    /// To a listener that asks nobody who they are.
    Plain(TcpStream, IpAddr),
    Tls(Arc<Current>, TcpStream, IpAddr, Knocking),
    Unix(UnixStream),
}

fn let_in(door: &Arc<Door>, places: &Arc<Semaphore>, knock: Knock) {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        door.node.counters.no_place.up();
        door.say_once(&door.shared.said_no_place, &Notice::NoPlace);
        return;
    };
    let door = Arc::clone(door);
    tokio::spawn(async move {
        match knock {
            Knock::Plain(stream, address) => connection::plain(&door, stream, address).await,
            Knock::Tls(tls, stream, address, knocking) => {
                connection::tls(&door, &tls, stream, address, knocking).await;
            }
            Knock::Unix(stream) => connection::unix(&door, stream).await,
        }
        drop(place);
    });
}
