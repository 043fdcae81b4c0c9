//! A node whose records are read: its listeners for that, people with each role, and a store to compare with.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "each test file uses a part of it and stops at the first surprise"
)]

use crate::bed::{self, Answer, Bed, Client, PRODUCER, grant};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use indelible_ledger::{Books, Log, Settings};
use indelible_proof::head::{Kind, Own, Shared};
use indelible_proof::pin::Pin;
use indelible_server::grants::{Grants, Role};
use indelible_server::http::Purpose;
use rcgen::SanType;
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub const READER: &str = "spiffe://example.org/search";
pub const AUDITOR: &str = "spiffe://example.org/audit";
pub const OPERATOR: &str = "spiffe://example.org/ops";

pub struct Library {
    pub bed: Bed,
    pub query: SocketAddr,
    pub verify: SocketAddr,
}

/// From now on these decide; they are recorded first.
pub async fn put_in_force(bed: &Bed, grants: Grants) {
    let node = Arc::clone(&bed.node);
    let put = tokio::task::spawn_blocking(move || node.put_in_force(grants, "unix:0"));
    put.await.unwrap().unwrap();
}

impl Library {
    pub async fn new() -> Library {
        Library::with(Settings {
            background_sealing: false,
            ..Settings::default()
        })
        .await
    }

    pub async fn with(settings: Settings) -> Library {
        let bed = Bed::with(settings).await;
        put_in_force(&bed, grants()).await;
        let query = bed.listen(Purpose::Query).await;
        let verify = bed.listen(Purpose::Verify).await;
        Library { bed, query, verify }
    }

    pub fn books(&self) -> &Arc<Books> {
        self.bed.node.ledger.books()
    }

    pub fn log(&self) -> &Arc<Log> {
        &self.bed.log
    }

    pub fn store(&self) -> PathBuf {
        self.bed.directory.path().join("store")
    }

    pub fn pin(&self) -> Pin {
        let keys = self.books().keys(self.log()).unwrap();
        let key = keys.set.keys.into_iter().next().unwrap();
        Pin::new(self.log().id(), key).unwrap()
    }

    /// Records so many events, some at a time, without the network.
    pub fn append(&self, count: usize) {
        append(&self.bed, count, 100);
    }

    pub fn append_in(&self, count: usize, batch: usize) {
        append(&self.bed, count, batch);
    }

    /// The lines of a range as exports and `indelible get` write them.
    pub fn lines(&self, seqs: std::ops::Range<u64>, heads: bool) -> Vec<u8> {
        let mut lines = Vec::new();
        let books = self.books();
        books
            .records::<indelible_ledger::ReadError>(self.log(), seqs, &mut |stored| {
                let content = stored.content.as_ref().filter(|_| !heads);
                let content = content.map(|(salt, event)| (&salt[..], &event[..]));
                indelible_proof::export::encode_record(&stored.head, content, &mut lines);
                Ok(())
            })
            .unwrap();
        lines
    }

    /// A client of ours for somebody with a new certificate, at this port.
    pub fn builder(&self, who: &str, port: u16, pin: &Pin) -> indelible_client::Builder {
        let authority = &self.bed.authority;
        let (certificate, key) = authority.issue(vec![SanType::URI(who.try_into().unwrap())]);
        indelible_client::Client::builder(format!("https://localhost:{port}"))
            .ca(authority.pem().into_bytes())
            .identity(
                certificate.pem().into_bytes(),
                key.serialize_pem().into_bytes(),
            )
            .pin(pin.to_string())
    }

    pub async fn client(&self, who: &str, at: SocketAddr) -> Client {
        Client::One(connect(&self.bed, who, at).await)
    }

    pub async fn reader(&self) -> Reader {
        Reader(self.client(READER, self.query).await)
    }

    pub async fn auditor(&self) -> Reader {
        Reader(self.client(AUDITOR, self.verify).await)
    }
}

pub async fn connect(bed: &Bed, who: &str, at: SocketAddr) -> http1::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(bed.authority.client(who));
    let stream = connector.connect(name, stream).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub fn request(method: Method, path: &str, fields: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

/// Whoever asks for things.
pub struct Reader(pub Client);

impl Reader {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.0.send(request(Method::GET, path, &[])).await
    }

    pub async fn ask(&mut self, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.0.send(request(method, path, fields)).await
    }

    /// The answer's text, which has to be a success.
    pub async fn text(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        String::from_utf8(answer.body.to_vec()).unwrap()
    }
}

pub fn grants() -> Grants {
    Grants::new(vec![
        grant(PRODUCER, Role::Producer, "payments"),
        grant(READER, Role::Reader, "payments"),
        grant(AUDITOR, Role::Auditor, "payments"),
        grant(OPERATOR, Role::Operator, "*"),
    ])
    .unwrap()
}

pub fn append(bed: &Bed, count: usize, batch: usize) {
    let ledger = &bed.node.ledger;
    let mut caller = ledger.caller(&bed.log, bed::random()).unwrap();
    let shared = Shared {
        kind: Kind::Event,
        by: PRODUCER,
        via: "ingest/http",
        from: Some("127.0.0.1"),
        cert: None,
        policy: None,
        format: None,
    };
    let mut left = count;
    while left > 0 {
        let now = left.min(batch);
        let events = (0..now).map(|n| {
            let padding = "x".repeat(n * 37 % 400);
            let event = format!("{{\"actor\":\"ann\",\"n\":{n},\"note\":\"{padding}\"}}");
            let prepared = caller.prepare(&bed.log, &shared, &Own::default(), event.as_bytes());
            prepared.unwrap()
        });
        let events = events.collect();
        ledger.submit_all(&bed.log, events).unwrap().wait().unwrap();
        left -= now;
    }
}
