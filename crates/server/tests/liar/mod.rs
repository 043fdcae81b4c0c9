//! A node that answers as another does, but for what it is told to change.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it and stops at the first surprise"
)]

use crate::bed::Answer;
use crate::reading::{Library, READER, Reader};
use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use indelible_api::{Code, Problem};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What becomes of a true answer to this path.
type Lie = dyn Fn(&str, Answer) -> Answer + Send + Sync;

pub struct Liar {
    port: u16,
    told: Arc<Told>,
}

struct Told {
    lie: Mutex<Arc<Lie>>,
    /// What it says without asking, by what the path contains.
    instead: Mutex<Option<(&'static str, StatusCode, Bytes)>>,
}

impl Liar {
    /// Before the query listener of a node.
    pub async fn before(library: &Arc<Library>) -> Liar {
        let files = &library.bed.files;
        let chain = CertificateDer::pem_file_iter(&files.certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.map(Result::unwrap).collect(), key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let honest: Arc<Lie> = Arc::new(|_, answer| answer);
        let told = Arc::new(Told {
            lie: Mutex::new(honest),
            instead: Mutex::default(),
        });
        let (library, here) = (Arc::clone(library), Arc::clone(&told));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (library, told) = (Arc::clone(&library), Arc::clone(&here));
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let stream = acceptor.accept(stream).await.unwrap();
                    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                        let (library, told) = (Arc::clone(&library), Arc::clone(&told));
                        async move { Ok::<_, Infallible>(answer(&library, &told, &request).await) }
                    });
                    let serving = http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service);
                    drop(serving.await);
                });
            }
        });
        Liar { port, told }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// To paths that contain this it says that, without asking.
    pub fn says_instead(&self, path: &'static str, body: impl Into<Bytes>) {
        *self.told.instead.lock().unwrap() = Some((path, StatusCode::OK, body.into()));
    }

    /// Such paths it refuses, without asking.
    pub fn refuses(&self, path: &'static str, code: Code) {
        let (status, body) = refusal(code);
        *self.told.instead.lock().unwrap() = Some((path, status, body));
    }

    /// From now on it says this instead.
    pub fn says(&self, lie: impl Fn(&str, Answer) -> Answer + Send + Sync + 'static) {
        *self.told.lie.lock().unwrap() = Arc::new(lie);
    }
}

async fn answer(
    library: &Library,
    told: &Told,
    request: &Request<hyper::body::Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path_and_query().unwrap().as_str();
    let instead = told.instead.lock().unwrap().clone();
    if let Some((_, status, body)) = instead.filter(|(here, ..)| path.contains(here)) {
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        return response;
    }
    let mut reader = Reader(library.client(READER, library.query).await);
    let lie = Arc::clone(&told.lie.lock().unwrap());
    let answer = lie(path, reader.get(path).await);
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    for (name, value) in &answer.headers {
        if name.as_str().starts_with("indelible") || name == "content-type" {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Another body.
pub fn with(answer: Answer, body: impl Into<Bytes>) -> Answer {
    Answer {
        body: body.into(),
        ..answer
    }
}

/// The text with one thing in place of another, which has to be in it.
pub fn replaced(answer: Answer, from: &str, to: &str) -> Answer {
    let text = std::str::from_utf8(&answer.body).unwrap();
    assert!(text.contains(from), "{text}");
    let text = text.replacen(from, to, 1);
    with(answer, text)
}

/// A refusal in place of an answer.
pub fn refusing(answer: Answer, code: Code) -> Answer {
    let (status, body) = refusal(code);
    Answer {
        status,
        body,
        ..answer
    }
}

fn refusal(code: Code) -> (StatusCode, Bytes) {
    let problem = Problem::new(code, "because");
    let status = StatusCode::from_u16(problem.status).unwrap();
    (status, serde_json::to_vec(&problem).unwrap().into())
}
