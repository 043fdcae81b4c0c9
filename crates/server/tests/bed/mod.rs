//! A node on loopback for tests: a store in a directory that goes away, a certificate authority made for it, and a client.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "each test file uses a part of it and stops at the first surprise"
)]

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use indelible_ledger::clock::Clock;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Founding, Ledger, Log, Settings};
use indelible_proof::time::Time;
use indelible_server::Node;
use indelible_server::counters::Counters;
use indelible_server::grants::{Grant, Grants, Role};
use indelible_server::http::Purpose;
use indelible_server::listen::{Door, DoorError, Spec, serve};
use indelible_server::network::Networks;
use indelible_server::rate::Rates;
use indelible_server::tls::{self, Current};
use indelible_store::{CreateOptions, LocalStore, OpenOptions};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub const ORIGIN: &str = "audit.example.org";
pub const PRODUCER: &str = "spiffe://example.org/billing";

/// How long a test waits for what takes milliseconds, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Clocks(Instant);

impl Clock for Clocks {
    fn wall(&self) -> Option<Time> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Time::new(now.as_secs(), now.subsec_nanos())
    }

    fn boot_nanos(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap()
    }
}

/// Who issues the certificates of a test.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Authority {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn issuer(&self) -> &CertifiedIssuer<'static, KeyPair> {
        &self.issuer
    }

    /// A certificate with these names, and its key.
    pub fn issue(&self, names: Vec<SanType>) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names;
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// What a client with this URI needs.
    pub fn client(&self, uri: &str) -> Arc<ClientConfig> {
        let (certificate, key) = self.issue(vec![SanType::URI(uri.try_into().unwrap())]);
        self.client_with(vec![certificate.der().clone()], &key)
    }

    pub fn client_with(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: &KeyPair,
    ) -> Arc<ClientConfig> {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = self.trusted();
        Arc::new(builder.with_client_auth_cert(chain, key).unwrap())
    }

    fn trusted(&self) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
    }
}

/// What a node leaves behind.
pub struct Rest {
    directory: TempDir,
    authority: Authority,
}

/// A node with one ingest listener.
pub struct Bed {
    pub directory: TempDir,
    pub authority: Authority,
    pub node: Arc<Node>,
    pub log: Arc<Log>,
    pub address: SocketAddr,
    pub door: Arc<Door>,
    pub tls: Arc<Current>,
    pub files: tls::Files,
    pub stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<Result<(), DoorError>>,
}

pub fn grant(who: &str, role: Role, log: &str) -> Grant {
    Grant {
        who: vec![who.to_owned()],
        role,
        logs: vec![log.to_owned()],
        from: Vec::new(),
    }
}

impl Bed {
    pub async fn new() -> Bed {
        Bed::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Bed {
        Bed::made(settings, Rates::default(), |_| {}).await
    }

    pub async fn with_rates(settings: Settings, rates: Rates) -> Bed {
        Bed::made(settings, rates, |_| {}).await
    }

    /// A node whose listener was changed before it opened.
    pub async fn behind(change: impl FnOnce(&mut Door)) -> Bed {
        Bed::made(Settings::default(), Rates::default(), change).await
    }

    /// A node whose store lies below this directory, in small files.
    pub async fn on(disk: &std::path::Path) -> Bed {
        let directory = tempfile::tempdir_in(disk).unwrap();
        // Filled before anybody has looked whether there is room for the next.
        let small = 1 << 20;
        Bed::made_in(
            directory,
            small,
            Settings::default(),
            Rates::default(),
            |_| {},
        )
        .await
    }

    async fn made(settings: Settings, rates: Rates, change: impl FnOnce(&mut Door)) -> Bed {
        let directory = tempfile::tempdir().unwrap();
        Bed::made_in(directory, 4 << 20, settings, rates, change).await
    }

    async fn made_in(
        directory: TempDir,
        tail_size: u64,
        settings: Settings,
        rates: Rates,
        change: impl FnOnce(&mut Door),
    ) -> Bed {
        let store = directory.path().join("store");
        let options = CreateOptions {
            origin: ORIGIN.to_owned(),
            store_id: [0xa1; 16],
            node_id: [0xb2; 16],
            created: "2026-11-23T10:00:00Z".to_owned(),
            tail_size,
            keys: None,
            register: None,
            accept_volatile: true,
            faults: None,
        };
        LocalStore::create(&store, options).unwrap();
        let ledger = Bed::open(&store, settings);
        let founding = Founding {
            origin: ORIGIN,
            creator: "unix:0",
        };
        ledger.create_log("payments", &founding, [0xc3; 8]).unwrap();
        Bed::begin(directory, Authority::new(), ledger, rates, change).await
    }

    /// A node over what another left behind.
    pub async fn resume(rest: Rest) -> Bed {
        let Rest {
            directory,
            authority,
        } = rest;
        let ledger = Bed::open(&directory.path().join("store"), Settings::default());
        Bed::begin(directory, authority, ledger, Rates::default(), |_| {}).await
    }

    async fn begin(
        directory: TempDir,
        authority: Authority,
        ledger: Ledger,
        rates: Rates,
        change: impl FnOnce(&mut Door),
    ) -> Bed {
        let log = ledger.books().log("payments").unwrap();
        let grants = Grants::new(vec![grant(PRODUCER, Role::Producer, "payments")]).unwrap();
        let node = Node::new(Arc::new(ledger), grants, Box::new(random)).with_rates(rates);
        let node = Arc::new(node);
        let files = files(&directory, &authority);
        let tls = Arc::new(Current::new(tls::server(&files).unwrap()));
        let spec: Spec = "127.0.0.1:0".parse().unwrap();
        let bound = spec.bind(&Networks::default()).unwrap();
        let address = bound.socket_addresses()[0];
        let (stop, stopped) = watch::channel(false);
        let mut door = Door::new(Purpose::Ingest, Some(Arc::clone(&tls)), Arc::clone(&node));
        change(&mut door);
        let door = Arc::new(door);
        let serving = tokio::spawn(serve(Arc::clone(&door), bound, stopped));
        Bed {
            directory,
            authority,
            node,
            log,
            address,
            door,
            tls,
            files,
            stop,
            serving,
        }
    }

    /// Opens another listener of the node.
    pub async fn listen(&self, purpose: Purpose) -> SocketAddr {
        let spec: Spec = "127.0.0.1:0".parse().unwrap();
        let bound = spec.bind(&Networks::default()).unwrap();
        let address = bound.socket_addresses()[0];
        let door = Door::new(purpose, Some(Arc::clone(&self.tls)), Arc::clone(&self.node));
        tokio::spawn(serve(Arc::new(door), bound, self.stop.subscribe()));
        address
    }

    fn open(store: &std::path::Path, settings: Settings) -> Ledger {
        let options = OpenOptions {
            moved: false,
            random: random(),
            faults: None,
        };
        let store = LocalStore::open_write(store, options).unwrap();
        let secret = NodeSecret::new([7; 32]);
        let clock = Arc::new(Clocks(Instant::now()));
        Ledger::open(Arc::new(store), secret, clock, random(), settings, "unix:0").unwrap()
    }

    pub async fn connect(
        &self,
        config: Arc<ClientConfig>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(config).connect(name, stream).await
    }

    /// A connection of the producer that may write.
    pub async fn producer(&self) -> Client {
        self.client(PRODUCER).await
    }

    pub async fn client(&self, uri: &str) -> Client {
        self.client_at(uri, self.address).await
    }

    /// A client of this listener.
    pub async fn client_at(&self, uri: &str, address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(self.authority.client(uri));
        let stream = connector.connect(name, stream).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Client::One(sender)
    }

    pub async fn producer_http2(&self) -> Client {
        let mut config = ClientConfig::clone(&self.authority.client(PRODUCER));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = self.connect(Arc::new(config)).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Client::Two(sender)
    }

    /// A client whose certificate another authority issued, and that trusts this node.
    pub fn trusting(&self, issuer: &Authority, uri: &str) -> Arc<ClientConfig> {
        let (certificate, key) = issuer.issue(vec![SanType::URI(uri.try_into().unwrap())]);
        self.authority
            .client_with(vec![certificate.der().clone()], &key)
    }

    /// A client without a certificate.
    pub fn anonymous(&self) -> Arc<ClientConfig> {
        Arc::new(self.authority.trusted().with_no_client_auth())
    }

    /// Posts one event on a connection of its own; an error if TLS or the connection fails.
    pub async fn try_post(&self, config: Arc<ClientConfig>) -> std::io::Result<StatusCode> {
        self.try_answer(config).await.map(|answer| answer.status)
    }

    /// The same, with all that came back.
    pub async fn try_answer(&self, config: Arc<ClientConfig>) -> std::io::Result<Answer> {
        let stream = self.connect(config).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        let request = Request::post("https://localhost/v1/logs/payments/records")
            .body(Full::new(Bytes::from_static(b"{\"a\":1}")))
            .unwrap();
        let response = sender.send_request(request).await;
        Ok(Answer::of(response.map_err(std::io::Error::other)?).await)
    }

    /// Waits until the node has counted so.
    pub async fn counted(&self, enough: impl Fn(&Counters) -> bool) {
        let begin = Instant::now();
        while !enough(&self.node.counters) {
            assert!(begin.elapsed() < PATIENCE, "the node never counted so");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends as a crash does, in the middle of what is under way; the ledger is not closed. Its connections have to be cut before.
    pub async fn crash(self) -> Rest {
        self.serving.abort();
        drop(self.door);
        // Tasks of connections that are gone hold the node a moment longer.
        while Arc::strong_count(&self.node) > 1 {
            tokio::task::yield_now().await;
        }
        Rest {
            directory: self.directory,
            authority: self.authority,
        }
    }

    /// Stops, lets what is under way end, and closes the ledger.
    pub async fn end(self) -> TempDir {
        self.stop.send_replace(true);
        self.serving.await.unwrap().unwrap();
        self.directory
    }
}

/// A connection.
pub enum Client {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let response = match self {
            Client::One(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Client::Two(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
        };
        Answer::of(response).await
    }

    /// Posts a body to a log with these header fields.
    pub async fn post(
        &mut self,
        log: &str,
        body: impl Into<Bytes>,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::post(format!("https://localhost/v1/logs/{log}/records"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(body.into())).unwrap())
            .await
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    async fn of(response: Response<hyper::body::Incoming>) -> Answer {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn problem(&self) -> indelible_api::Problem {
        let problem: indelible_api::Problem = self.json();
        assert_eq!(problem.status, self.status.as_u16());
        assert_eq!(self.headers["content-type"], "application/problem+json");
        problem
    }

    pub fn lines(&self) -> Vec<serde_json::Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

pub fn random() -> indelible_ledger::Random {
    Box::new(|bytes: &mut [u8]| {
        rustls::crypto::aws_lc_rs::default_provider()
            .secure_random
            .fill(bytes)
            .unwrap()
    })
}

pub fn files(directory: &TempDir, authority: &Authority) -> tls::Files {
    let names = vec![
        SanType::DnsName("localhost".try_into().unwrap()),
        SanType::IpAddress("127.0.0.1".parse().unwrap()),
    ];
    let (certificate, key) = authority.issue(names);
    let write = |name: &str, text: String| -> PathBuf {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    tls::Files {
        certificate: write("node.pem", certificate.pem()),
        key: write("node.key", key.serialize_pem()),
        client_ca: write("ca.pem", authority.pem()),
        crl: None,
    }
}
