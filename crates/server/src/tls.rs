//! TLS of the listeners: version 1.3 alone, client certificates required, post-quantum key exchange preferred.
//!
//! What is in force can be replaced while connections go on: a new one takes what is there when it comes. No session is resumed: a
//! resumed one is not asked for its certificate again, and would outlive its revocation.

use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

/// The files of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Its own certificate and those that lead to a root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Roots of client certificates, PEM.
    pub client_ca: PathBuf,
    /// Revocation lists, PEM, as many as there are issuers between a client and its root: with lists, a certificate whose issuer has none
    /// is refused. None: nothing is revoked.
    pub crl: Option<PathBuf>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or is not what it should be.
    #[error("{path}: {why}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The parts don't fit together.
    #[error("{0}")]
    Rules(String),
}

/// Builds what is in force from the files.
///
/// # Errors
/// [`TlsError`].
pub fn server(files: &Files) -> Result<Server, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| bad(&files.key, error))?;
    let mut roots = RootCertStore::empty();
    for root in certificates(&files.client_ca)? {
        roots
            .add(root)
            .map_err(|error| bad(&files.client_ca, error))?;
    }
    let lists = files.crl.as_deref().map_or(Ok(Vec::new()), revocations)?;
    let validity = Validity::of(&chain, &lists, &files.certificate)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let rules = |error: &dyn std::fmt::Display| TlsError::Rules(error.to_string());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .with_crls(lists)
            .build()
            .map_err(|error| rules(&error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| rules(&error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| rules(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Server {
        config: Arc::new(config),
        validity,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| bad(path, error))?
        .collect();
    let found = found.map_err(|error| bad(path, error))?;
    match found.is_empty() {
        true => Err(bad(path, "it holds no certificate")),
        false => Ok(found),
    }
}

fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_file_iter(path)
        .map_err(|error| bad(path, error))?
        .collect();
    found.map_err(|error| bad(path, error))
}

fn bad(path: &Path, why: impl std::fmt::Display) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// When a certificate ends, of all that are shown the one that ends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    from: i64,
    until: i64,
    /// When the first of the revocation lists should be replaced.
    lists_until: Option<i64>,
}

/// What to think of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Time enough.
    Fine,
    /// Less than a fifth of its time is left: whatever renews it should have done so (cert-manager does at a third, SPIRE at half).
    Soon,
    /// It is over: no client takes it any more.
    Expired,
}

impl Validity {
    fn of(
        chain: &[CertificateDer<'_>],
        lists: &[CertificateRevocationListDer<'_>],
        path: &Path,
    ) -> Result<Validity, TlsError> {
        let mut validity: Option<Validity> = None;
        for certificate in chain {
            let (_, parsed) =
                X509Certificate::from_der(certificate).map_err(|error| bad(path, error))?;
            let (from, until) = (
                parsed.validity().not_before.timestamp(),
                parsed.validity().not_after.timestamp(),
            );
            if validity.is_none_or(|first| until < first.until) {
                let lists_until = None;
                validity = Some(Validity {
                    from,
                    until,
                    lists_until,
                });
            }
        }
        let mut validity = validity.ok_or_else(|| bad(path, "it holds no certificate"))?;
        let next = lists.iter().filter_map(|list| {
            let (_, parsed) = CertificateRevocationList::from_der(list).ok()?;
            Some(parsed.next_update()?.timestamp())
        });
        validity.lists_until = next.min();
        Ok(validity)
    }

    /// Seconds until it ends; negative: since it ended.
    #[must_use]
    pub fn seconds_left(&self, now: SystemTime) -> i64 {
        self.until.saturating_sub(seconds(now))
    }

    /// The same of the revocation lists' next update, if they give one.
    #[must_use]
    pub fn lists_seconds_left(&self, now: SystemTime) -> Option<i64> {
        self.lists_until
            .map(|until| until.saturating_sub(seconds(now)))
    }

    /// What to think of it.
    #[must_use]
    pub fn expiry(&self, now: SystemTime) -> Expiry {
        let left = self.seconds_left(now);
        match left {
            ..=0 => Expiry::Expired,
            _ if left < self.until.saturating_sub(self.from) / 5 => Expiry::Soon,
            _ => Expiry::Fine,
        }
    }
}

fn seconds(now: SystemTime) -> i64 {
    let since = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// When a certificate ends.
pub(crate) fn not_after(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// What a listener needs for TLS, read and judged as a whole.
#[derive(Clone, Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    validity: Validity,
}

/// What is in force, for the next connection.
pub struct Current(RwLock<Server>);

impl Current {
    /// Begins with this.
    #[must_use]
    pub fn new(server: Server) -> Current {
        Current(RwLock::new(server))
    }

    fn now(&self) -> Server {
        let server = self.0.read();
        server
            .expect("no thread panics while it replaces TLS")
            .clone()
    }

    /// What is in force now.
    ///
    /// # Panics
    /// Never in a running process.
    #[must_use]
    pub fn get(&self) -> Arc<ServerConfig> {
        self.now().config
    }

    /// When the certificate in force ends.
    ///
    /// # Panics
    /// Never in a running process.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.now().validity
    }

    /// From the next connection on this. Those that are open go on.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn replace(&self, server: Server) {
        let now = self.0.write();
        *now.expect("no thread panics while it replaces TLS") = server;
    }
}
