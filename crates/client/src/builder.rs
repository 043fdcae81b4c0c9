//! What a client is made from, and the client itself.

use crate::error::SetupError;
use crate::limits::{CONNECTIONS, PATIENCE, TRY_MAX};
use crate::pool::{Pool, Target};
use crate::tls::{Pem, Sources};
use crate::verify::Verifier;
use http::Uri;
use indelible_proof::origin::Origin;
use indelible_proof::pin::Pin;
use indelible_proof::trust::{self, Trust};
use indelible_proof::verify::WalkFile;
use rustls_pki_types::ServerName;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How requests share connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2: many requests at once on each connection.
    #[default]
    Http2,
    /// HTTP/1.1: one at a time on each connection, which is kept. Less work for each request; and proxies that know nothing else.
    Http1,
}

/// Collects what a client needs.
#[derive(Debug, Default)]
pub struct Builder {
    url: String,
    ca: Option<Pem>,
    identity: Option<(Pem, Pem)>,
    pins: Vec<Vec<u8>>,
    walks: Vec<Vec<u8>>,
    principal: Option<String>,
    protocol: Protocol,
    connections: Option<usize>,
    try_max: Option<Duration>,
    patience: Option<Duration>,
}

/// Writes to a node, and reads from it. Clones share connections and all else.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) pool: Arc<Pool>,
    /// By the log's name.
    pub(crate) logs: BTreeMap<String, Arc<Verifier>>,
    pub(crate) principal: Option<String>,
    pub(crate) try_max: Duration,
    pub(crate) patience: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logs: Vec<&String> = self.inner.logs.keys().collect();
        f.debug_struct("Client")
            .field("node", &self.inner.pool.target().base)
            .field("logs", &logs)
            .finish()
    }
}

impl Client {
    /// Begins with the node's address: `https://HOST:PORT`.
    #[must_use]
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder {
            url: url.into(),
            ..Builder::default()
        }
    }

    /// The log's pin.
    #[must_use]
    pub fn pin(&self, log: &str) -> Option<&Pin> {
        self.inner.logs.get(log).map(|verifier| verifier.pin())
    }
}

impl Builder {
    /// The roots that the node's certificate leads to.
    #[must_use]
    pub fn ca(mut self, ca: impl Into<Pem>) -> Builder {
        self.ca = Some(ca.into());
        self
    }

    /// Certificate and private key of whoever sends.
    #[must_use]
    pub fn identity(mut self, certificate: impl Into<Pem>, key: impl Into<Pem>) -> Builder {
        self.identity = Some((certificate.into(), key.into()));
        self
    }

    /// The pin of a log, as `indelible pin` prints it, or a trust file, of which its pin counts here: a receipt is signed before any
    /// witness saw it. Once for each log.
    #[must_use]
    pub fn pin(mut self, pin: impl AsRef<[u8]>) -> Builder {
        self.pins.push(pin.as_ref().to_vec());
        self
    }

    /// The walk of a log whose keys were replaced since its pin, as `indelible key walk` writes it.
    #[must_use]
    pub fn walk(mut self, walk: impl AsRef<[u8]>) -> Builder {
        self.walks.push(walk.as_ref().to_vec());
        self
    }

    /// Who one is to the node, if records that say otherwise are to be refused. Without it the certificate is compared alone.
    #[must_use]
    pub fn principal(mut self, principal: impl Into<String>) -> Builder {
        self.principal = Some(principal.into());
        self
    }

    /// How requests share connections.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Builder {
        self.protocol = protocol;
        self
    }

    /// Connections at once, at least 1.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Builder {
        self.connections = Some(connections.max(1));
        self
    }

    /// How long one try may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Builder {
        self.try_max = Some(timeout);
        self
    }

    /// How long a request is tried again in all. Zero: once.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Builder {
        self.patience = Some(patience);
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn build(self) -> Result<Client, SetupError> {
        let target = target(&self.url)?;
        let (certificate, key) = self
            .identity
            .ok_or(SetupError::Missing("the client's certificate and key"))?;
        let multiplexed = self.protocol == Protocol::Http2;
        let sources = Sources {
            ca: self.ca.ok_or(SetupError::Missing("the node's CA"))?,
            certificate,
            key,
            protocols: vec![match multiplexed {
                true => b"h2".to_vec(),
                false => b"http/1.1".to_vec(),
            }],
        };
        // Read again for each connection; what is wrong now is said now.
        sources.read()?;
        let connections = self.connections.unwrap_or(CONNECTIONS);
        Ok(Client {
            inner: Arc::new(Inner {
                pool: Arc::new(Pool::new(target, sources, multiplexed, connections)),
                logs: verifiers(&self.pins, &self.walks)?,
                principal: self.principal,
                try_max: self.try_max.unwrap_or(TRY_MAX),
                patience: self.patience.unwrap_or(PATIENCE),
            }),
        })
    }
}

fn target(url: &str) -> Result<Target, SetupError> {
    let read = || {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        let plain = uri.scheme_str() == Some("https")
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none();
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = authority.port_u16()?;
        let name = ServerName::try_from(host.clone()).ok()?;
        plain.then(|| Target {
            base: format!("https://{authority}"),
            host,
            port,
            name,
        })
    };
    read().ok_or_else(|| SetupError::Url(url.to_owned()))
}

fn verifiers(
    pins: &[Vec<u8>],
    walks: &[Vec<u8>],
) -> Result<BTreeMap<String, Arc<Verifier>>, SetupError> {
    let mut read = Vec::new();
    for walk in walks {
        let walk = WalkFile::read(walk).map_err(|error| SetupError::Pin(error.to_string()))?;
        read.push(walk);
    }
    let mut logs = BTreeMap::new();
    for text in pins {
        let pin = pin(text)?;
        let name = Origin::parse(pin.origin())
            .map(|origin| origin.log().to_owned())
            .ok_or_else(|| SetupError::Pin(pin.origin().to_owned()))?;
        let walk = read.iter().position(|walk| walk.walk().is_of(&pin));
        let walk = walk.map(|place| read.swap_remove(place));
        let verifier = Arc::new(Verifier::new(pin, walk));
        if logs.insert(name.clone(), verifier).is_some() {
            return Err(SetupError::TwoPins(name));
        }
    }
    match read.is_empty() {
        true => Ok(logs),
        false => Err(SetupError::Pin("a walk is of none of the pins".to_owned())),
    }
}

fn pin(text: &[u8]) -> Result<Pin, SetupError> {
    if text.starts_with(trust::TITLE_START) {
        let trust = Trust::parse(text).map_err(|error| SetupError::Pin(error.to_string()))?;
        return Ok(trust.pin);
    }
    Pin::parse(text).map_err(|error| SetupError::Pin(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_https_host_and_port_and_by_nothing_else() {
        let node = target("https://audit.acme.internal:7443").unwrap();
        assert_eq!(
            (node.host.as_str(), node.port),
            ("audit.acme.internal", 7443)
        );
        let node = target("https://[::1]:7443/").unwrap();
        assert_eq!(
            (node.host.as_str(), node.base.as_str()),
            ("::1", "https://[::1]:7443")
        );
        for wrong in [
            "",
            "audit:7443",
            "http://audit:7443",
            "https://audit",
            "https://audit:7443/v1",
            "https://audit:7443?a=1",
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let built = Client::builder("https://a:1").build();
        assert_eq!(
            built.err(),
            Some(SetupError::Missing("the client's certificate and key"))
        );
        let built = Client::builder("https://a:1").identity("c", "k").build();
        assert_eq!(built.err(), Some(SetupError::Missing("the node's CA")));
        let built = Client::builder("https://a:1")
            .identity("c", "k")
            .ca("/nowhere/ca.pem")
            .build();
        let told = built
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(told.starts_with("/nowhere/ca.pem: "), "{told}");
    }
}
