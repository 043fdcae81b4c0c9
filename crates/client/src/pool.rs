//! Connections to a node: opened when needed, kept and shared, bounded in number and in requests at once.
//!
//! Over HTTP/2 many requests share a connection; over HTTP/1.1 each has one for itself and leaves it to the next. A connection that
//! broke is forgotten, and why it broke is told to whoever had a request on it.

use crate::body::Body;
use crate::limits::{
    CONNECT_MAX, FLOWS_MAX, PING_EVERY, PING_WAIT, REASON_WAIT, REQUESTS_PER_CONNECTION,
};
use crate::retry::Trouble;
use crate::tls::{Sources, Tls};
use crate::watched::{Fault, Watched, is_of_certificates};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use indelible_proof::hash::Hash;
use rustls_pki_types::ServerName;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Stream = TokioIo<Watched<TlsStream<TcpStream>>>;

/// Where a node listens.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// A name or an address.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) name: ServerName<'static>,
    /// `https://HOST:PORT`.
    pub(crate) base: String,
}

impl Target {
    /// `HOST:PORT`.
    pub(crate) fn authority(&self) -> &str {
        self.base.trim_start_matches("https://")
    }
}

/// The connections to one node.
pub(crate) struct Pool {
    target: Target,
    sources: Sources,
    multiplexed: bool,
    /// Requests at once.
    places: Arc<Semaphore>,
    /// Answers that flow for long, besides: whoever takes one asks for other things meanwhile, and must not wait for itself.
    flows: Arc<Semaphore>,
    /// HTTP/1.1: connections that have nothing to do, the warmest last.
    idle: Mutex<Vec<Connection<http1::SendRequest<Body>>>>,
    /// HTTP/2: each is used by many.
    shared: Vec<Shared>,
}

/// A connection that many requests use, once it is opened.
#[derive(Default)]
struct Shared {
    connection: tokio::sync::Mutex<Option<Connection<http2::SendRequest<Body>>>>,
    /// Requests on it.
    busy: Arc<AtomicUsize>,
}

/// A request counted among those of its connection.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(busy: &Arc<AtomicUsize>) -> Busy {
        busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(busy))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Clone)]
struct Connection<S> {
    sender: S,
    /// SHA-256 of the certificate it was opened with.
    certificate: Hash,
    ended: watch::Receiver<Option<End>>,
}

/// Why a connection ended.
#[derive(Clone, Debug)]
struct End {
    why: String,
    lasting: bool,
}

/// An answer that begins, and the connection that it holds until it is dropped.
pub(crate) struct Begun {
    pub(crate) response: Response<Incoming>,
    /// SHA-256 of the certificate it was asked with.
    pub(crate) certificate: Hash,
    /// Dropped last.
    pub(crate) hold: Hold,
}

/// A request's place, and its connection where nobody else may use it meanwhile.
pub(crate) struct Hold {
    pool: Arc<Pool>,
    own: Option<Connection<http1::SendRequest<Body>>>,
    _busy: Option<Busy>,
    _place: OwnedSemaphorePermit,
}

impl Hold {
    /// The answer was read to its end: the next may have the connection.
    pub(crate) fn release(mut self) {
        if let Some(own) = self.own.take().filter(|own| !own.sender.is_closed()) {
            self.pool.lock_idle().push(own);
        }
    }
}

impl Pool {
    pub(crate) fn new(
        target: Target,
        sources: Sources,
        multiplexed: bool,
        connections: usize,
    ) -> Pool {
        let places = match multiplexed {
            true => connections * REQUESTS_PER_CONNECTION,
            false => connections,
        };
        let shared = if multiplexed { connections } else { 0 };
        Pool {
            target,
            sources,
            multiplexed,
            places: Arc::new(Semaphore::new(places)),
            flows: Arc::new(Semaphore::new(FLOWS_MAX)),
            idle: Mutex::default(),
            shared: (0..shared).map(|_| Shared::default()).collect(),
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn is_multiplexed(&self) -> bool {
        self.multiplexed
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection<http1::SendRequest<Body>>>> {
        self.idle
            .lock()
            .expect("no thread panics while it takes a connection")
    }

    /// Sends a request and waits until its answer begins.
    pub(crate) async fn send(self: &Arc<Pool>, request: Request<Body>) -> Result<Begun, Trouble> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| Trouble::unsent("the client is closed"))?;
        self.send_in(place, request).await
    }

    /// The same for an answer that flows for long.
    pub(crate) async fn flow(self: &Arc<Pool>, request: Request<Body>) -> Result<Begun, Trouble> {
        let place = Arc::clone(&self.flows).try_acquire_owned();
        let place = place.map_err(|_| {
            lasting(format!(
                "{FLOWS_MAX} watches and exports at once are all that a client has"
            ))
        })?;
        self.send_in(place, request).await
    }

    async fn send_in(
        self: &Arc<Pool>,
        place: OwnedSemaphorePermit,
        request: Request<Body>,
    ) -> Result<Begun, Trouble> {
        let mut counted = None;
        let (answered, certificate, ended, own) = match self.multiplexed {
            true => {
                let shared = self.least_busy()?;
                counted = Some(Busy::new(&shared.busy));
                let mut connection = self.share(shared).await?;
                let answered = connection.sender.send_request(request).await;
                (answered, connection.certificate, connection.ended, None)
            }
            false => {
                let mut connection = self.take().await?;
                let answered = connection.sender.send_request(request).await;
                let ended = connection.ended.clone();
                (answered, connection.certificate, ended, Some(connection))
            }
        };
        match answered {
            Ok(response) => Ok(Begun {
                response,
                certificate,
                hold: Hold {
                    pool: Arc::clone(self),
                    own,
                    _busy: counted,
                    _place: place,
                },
            }),
            Err(error) => Err(broken(&error, ended).await),
        }
    }

    /// A connection of one's own.
    async fn take(&self) -> Result<Connection<http1::SendRequest<Body>>, Trouble> {
        loop {
            let kept = self.lock_idle().pop();
            let Some(mut kept) = kept else { break };
            if !kept.sender.is_closed() && kept.sender.ready().await.is_ok() {
                return Ok(kept);
            }
        }
        let (stream, certificate, fault) = self.connect().await?;
        let shaken = http1::handshake(stream).await;
        let (sender, connection) = shaken.map_err(|error| Trouble::unsent(with_causes(&error)))?;
        let mut made = Connection {
            sender,
            certificate,
            ended: run(connection, fault),
        };
        match made.sender.ready().await {
            Ok(()) => Ok(made),
            Err(error) => Err(unready(&error, made.ended).await),
        }
    }

    /// The connection with the fewest requests; of equals the first, so that a lone caller needs one.
    fn least_busy(&self) -> Result<&Shared, Trouble> {
        let busy = |shared: &&Shared| shared.busy.load(Ordering::Relaxed);
        let least = self.shared.iter().min_by_key(busy);
        least.ok_or_else(|| Trouble::unsent("no connection is allowed"))
    }

    /// A share of a connection.
    async fn share(
        &self,
        shared: &Shared,
    ) -> Result<Connection<http2::SendRequest<Body>>, Trouble> {
        let mut place = shared.connection.lock().await;
        if let Some(kept) = place.as_ref().filter(|kept| !kept.sender.is_closed()) {
            let mut kept = kept.clone();
            if kept.sender.ready().await.is_ok() {
                return Ok(kept);
            }
        }
        *place = None;
        let (stream, certificate, fault) = self.connect().await?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_WAIT);
        let shaken = builder.handshake(stream).await;
        let (sender, connection) = shaken.map_err(|error| Trouble::unsent(with_causes(&error)))?;
        let mut made = Connection {
            sender,
            certificate,
            ended: run(connection, fault),
        };
        if let Err(error) = made.sender.ready().await {
            return Err(unready(&error, made.ended).await);
        }
        *place = Some(made.clone());
        Ok(made)
    }

    async fn connect(&self) -> Result<(Stream, Hash, Fault), Trouble> {
        let sources = self.sources.clone();
        let read = tokio::task::spawn_blocking(move || sources.read()).await;
        let Tls {
            config,
            certificate,
        } = read
            .map_err(|_| Trouble::unsent("the program ends"))?
            .map_err(|error| lasting(error.to_string()))?;
        let Target {
            host, port, name, ..
        } = &self.target;
        let connecting = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            // A request is written whole; waiting for more to send with it would only hold it up.
            stream.set_nodelay(true)?;
            TlsConnector::from(config)
                .connect(name.clone(), stream)
                .await
        };
        let at = format!("{host}:{port}");
        match tokio::time::timeout(CONNECT_MAX, connecting).await {
            Ok(Ok(stream)) => {
                let (watched, fault) = Watched::new(stream);
                Ok((TokioIo::new(watched), certificate, fault))
            }
            Ok(Err(error)) if is_of_certificates(&error) => Err(lasting(format!("{at}: {error}"))),
            Ok(Err(error)) => Err(Trouble::unsent(format!("{at}: {error}"))),
            Err(_) => Err(Trouble::unsent(format!(
                "{at}: no connection within {} s",
                CONNECT_MAX.as_secs()
            ))),
        }
    }
}

fn lasting(why: String) -> Trouble {
    Trouble::Broken {
        why,
        sent: false,
        lasting: true,
    }
}

/// Drives a connection to its end, and says then why it ended.
fn run(
    connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
    fault: Fault,
) -> watch::Receiver<Option<End>> {
    let (tell, told) = watch::channel(None);
    tokio::spawn(async move {
        let ended = connection.await;
        let end = match (fault.get(), ended) {
            (Some(fault), _) => End {
                why: fault.clone(),
                lasting: true,
            },
            (None, Ok(())) => End {
                why: "the node closed the connection".to_owned(),
                lasting: false,
            },
            (None, Err(error)) => End {
                why: with_causes(&error),
                lasting: false,
            },
        };
        tell.send_replace(Some(end));
    });
    told
}

/// What became of a request whose connection broke.
async fn broken(error: &hyper::Error, ended: watch::Receiver<Option<End>>) -> Trouble {
    // A request that hyper gave back never left; of any other nobody knows.
    let sent = !error.is_canceled();
    match end(ended).await {
        Some(End { why, lasting: true }) => lasting(why),
        Some(End { why, .. }) if error.is_canceled() || error.is_closed() => Trouble::Broken {
            why,
            sent,
            lasting: false,
        },
        _ => Trouble::Broken {
            why: with_causes(error),
            sent,
            lasting: false,
        },
    }
}

/// Why a connection ended before anything was sent on it.
async fn unready(error: &hyper::Error, ended: watch::Receiver<Option<End>>) -> Trouble {
    match end(ended).await {
        Some(End { why, lasting: true }) => lasting(why),
        Some(End { why, .. }) => Trouble::unsent(why),
        None => Trouble::unsent(with_causes(error)),
    }
}

async fn end(mut ended: watch::Receiver<Option<End>>) -> Option<End> {
    let waited = tokio::time::timeout(REASON_WAIT, ended.wait_for(Option::is_some)).await;
    waited.ok()?.ok()?.clone()
}

/// An error and what caused it, in one line.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
