//! Clients that send, each over a connection of its own, and verify what they are told.

use super::certificates::{Certificates, PRODUCER};
use super::node::Child;
use crate::disk::Latency;
use crate::events::Events;
use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use indelible_api::{Array, Single};
use indelible_client::verify::{Sender, Sent, Verifier};
use indelible_proof::head::Own;
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
    let sending = Arc::new(Sending {
        verifier: Verifier::new(child.pin.clone(), None),
        requests: requests(events, load.batch),
        is_array: load.batch.0 > 1,
        stop: AtomicBool::new(false),
    });
    runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..load.clients {
            connections.push(connect(child, certificates).await?);
        }
        let start = Instant::now();
        let clients: Vec<_> = connections
            .into_iter()
            .enumerate()
            .map(|(number, connection)| {
                tokio::spawn(client(connection, number, Arc::clone(&sending)))
            })
            .collect();
        tokio::time::sleep(length).await;
        sending.stop.store(true, Ordering::Relaxed);
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

/// What clients share.
struct Sending {
    verifier: Verifier,
    requests: Vec<Prepared>,
    is_array: bool,
    stop: AtomicBool,
}

/// A request, and its events as they will be hashed.
struct Prepared {
    body: Bytes,
    events: Vec<Vec<u8>>,
}

/// Requests that differ, so that nothing is gained by sending the same again.
fn requests(events: &Events, Batch(batch): Batch) -> Vec<Prepared> {
    let count = if batch == 1 { 4_096 } else { 16 };
    let all = |number: usize| -> Vec<Vec<u8>> {
        let at = |index| (number * batch + index) % events.events.len();
        (0..batch)
            .map(|index| events.events[at(index)].clone())
            .collect()
    };
    let request = |number| {
        let events = all(number);
        let body = match batch {
            1 => events[0].clone().into(),
            _ => [&b"["[..], &events.join(&b","[..]), b"]"].concat().into(),
        };
        Prepared { body, events }
    };
    (0..count).map(request).collect()
}

/// A connection that nothing was asked on yet.
pub async fn connect(
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
    sending: Arc<Sending>,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let (mut next, mut began) = (number * 61, Instant::now());
    while !sending.stop.load(Ordering::Relaxed) {
        let prepared = &sending.requests[next % sending.requests.len()];
        sender.ready().await?;
        let request = Request::post("https://localhost/v1/logs/payments/records")
            .header("content-type", "application/json")
            .body(Full::new(prepared.body.clone()))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let wait = response.headers().get("retry-after").cloned();
        let answer = response.into_body().collect().await?.to_bytes();
        // Too much of this principal is on its way: sent again when it is told to, and the waiting counts.
        if let (429, Some(wait)) = (status.as_u16(), wait) {
            let until = Instant::now() + Duration::from_secs(wait.to_str()?.parse()?);
            // What is measured ends with the load, and not with the last of those who wait.
            while Instant::now() < until && !sending.stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            continue;
        }
        anyhow::ensure!(
            status.as_u16() == 201,
            "{status}: {}",
            String::from_utf8_lossy(&answer)
        );
        verify(&sending, prepared, &answer)?;
        latencies.push(began.elapsed());
        (next, began) = (next + 1, Instant::now());
    }
    Ok(latencies)
}

/// What any client does before it believes an answer.
fn verify(sending: &Sending, prepared: &Prepared, answer: &[u8]) -> anyhow::Result<()> {
    let whom = Sender {
        by: Some(PRODUCER),
        certificate: None,
    };
    let mut sent = prepared.events.iter().map(|event| Sent {
        event,
        own: Own::default(),
    });
    if sending.is_array {
        let answer: Array = serde_json::from_slice(answer)?;
        sending.verifier.array(&answer, &whom, sent)?;
    } else {
        let answer: Single = serde_json::from_slice(answer)?;
        let sent = sent.next().context("a request has an event")?;
        sending.verifier.single(&answer, &whom, &sent)?;
    }
    Ok(())
}
