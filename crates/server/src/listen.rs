//! Accepting connections: who may knock, the handshake, and whose connection it is.

pub mod bound;
pub mod spec;

pub use bound::{BindError, Bound};
pub use spec::{Spec, SpecError};

use crate::http::{self, Call, Purpose};
use crate::identity::{self, Peer};
use crate::limits::{CONNECTIONS_MAX, HANDSHAKE_MAX, STREAMS_MAX};
use crate::network::Network;
use crate::node::Node;
use crate::tls::Current;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// One listener: what it is for and whom it takes.
pub struct Door {
    /// What it is for.
    pub purpose: Purpose,
    /// Networks it takes peers from; none: any that reach it.
    pub allow_from: Vec<Network>,
    /// Its TLS; none: plain HTTP, for health alone.
    pub tls: Option<Current>,
    /// Whose it is.
    pub node: Arc<Node>,
}

impl Door {
    fn takes(&self, address: IpAddr) -> bool {
        self.allow_from.is_empty()
            || self
                .allow_from
                .iter()
                .any(|network| network.contains(address))
    }
}

/// Accepts until it is told to stop.
pub async fn accept(door: Arc<Door>, listener: Arc<TcpListener>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, peer)) = accepted else {
            // No more descriptors, or a peer that is gone again: the next may do better, but not at once.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        if !door.takes(peer.ip()) {
            continue;
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (door, stop) = (Arc::clone(&door), stop.clone());
        tokio::spawn(async move {
            connection(door, stream, peer, stop).await;
            drop(place);
        });
    }
}

async fn connection(
    door: Arc<Door>,
    stream: TcpStream,
    address: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are written whole; waiting for more to send with them would only hold them up.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(tls) = &door.tls else {
        return;
    };
    let acceptor = TlsAcceptor::from(tls.get());
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await else {
        return;
    };
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    let Some(Ok((principal, digest))) = certificate.map(identity::of_certificate) else {
        return;
    };
    let peer = Arc::new(Peer {
        principal,
        address: Some(address.ip()),
        certificate: Some(digest),
    });
    let service = service_fn(move |request| {
        let call = Call {
            node: Arc::clone(&door.node),
            peer: Arc::clone(&peer),
            purpose: door.purpose,
            request,
        };
        async move { Ok::<_, Infallible>(http::answer(call).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(STREAMS_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    // What is under way ends first.
    drop(connection.await);
}
