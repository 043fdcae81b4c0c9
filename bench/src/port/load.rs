//! Clients that send, each over a connection of its own, and verify what they are told.

use super::certificates::Certificates;
use super::node::Child;
use crate::disk::Latency;
use crate::events::Events;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Events in a request.
#[derive(Clone, Copy)]
pub struct Batch(pub usize);

/// What is sent.
#[derive(Clone, Copy)]
pub struct Load {
    pub clients: usize,
    pub batch: Batch,
}

/// What became of it.
pub struct Done {
    pub events: u64,
    pub seconds: f64,
    pub latency: Latency,
}

/// Sends for so long.
pub fn run(
    child: &Child,
    certificates: &Certificates,
    events: &Events,
    load: Load,
    length: Duration,
) -> anyhow::Result<Done> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let bodies: Arc<Vec<Bytes>> = Arc::new(bodies(events, load.batch));
    runtime.block_on(async {
        let stop = Arc::new(AtomicBool::new(false));
        let mut connections = Vec::new();
        for _ in 0..load.clients {
            connections.push(connect(child, certificates).await?);
        }
        let start = Instant::now();
        let clients: Vec<_> = connections
            .into_iter()
            .enumerate()
            .map(|(number, connection)| {
                tokio::spawn(client(
                    connection,
                    number,
                    Arc::clone(&bodies),
                    Arc::clone(&stop),
                ))
            })
            .collect();
        tokio::time::sleep(length).await;
        stop.store(true, Ordering::Relaxed);
        let mut latencies = Vec::new();
        for client in clients {
            latencies.append(&mut client.await??);
        }
        let requests = u64::try_from(latencies.len())?;
        Ok(Done {
            events: requests * u64::try_from(load.batch.0)?,
            seconds: start.elapsed().as_secs_f64(),
            latency: Latency::of(latencies),
        })
    })
}

/// Requests that differ, so that nothing is gained by sending the same again.
fn bodies(events: &Events, Batch(batch): Batch) -> Vec<Bytes> {
    let count = if batch == 1 { 4_096 } else { 16 };
    let body = |number: usize| {
        let event =
            |index: usize| events.events[(number * batch + index) % events.events.len()].clone();
        match batch {
            1 => event(0).into(),
            _ => {
                let all: Vec<Vec<u8>> = (0..batch).map(event).collect();
                [&b"["[..], &all.join(&b","[..]), b"]"].concat().into()
            }
        }
    };
    (0..count).map(body).collect()
}

async fn connect(
    child: &Child,
    certificates: &Certificates,
) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(child.address).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost")?;
    let connector = TlsConnector::from(Arc::clone(&certificates.client));
    let stream = connector.connect(name, stream).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn client(
    mut sender: SendRequest<Full<Bytes>>,
    number: usize,
    bodies: Arc<Vec<Bytes>>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut next = number * 61;
    while !stop.load(Ordering::Relaxed) {
        let body = bodies[next % bodies.len()].clone();
        next += 1;
        let began = Instant::now();
        sender.ready().await?;
        let request = Request::post("https://localhost/v1/logs/payments/records")
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        anyhow::ensure!(
            status.as_u16() == 201,
            "{status}: {}",
            String::from_utf8_lossy(&answer)
        );
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}
