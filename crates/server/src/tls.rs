//! TLS of the listeners: version 1.3 alone, client certificates required, post-quantum key exchange preferred.
//!
//! What is in force can be replaced while connections go on: a new one takes what is there when it comes. A reload makes a whole new
//! configuration, and with it new tickets, so that a session from before is not resumed under rules that are gone.

use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// The files of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Its own certificate and those that lead to a root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Roots of client certificates, PEM.
    pub client_ca: PathBuf,
    /// Revocation lists of those who issue them, PEM; none: nothing is revoked.
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
pub fn server(files: &Files) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| bad(&files.key, error))?;
    let mut roots = RootCertStore::empty();
    for root in certificates(&files.client_ca)? {
        roots
            .add(root)
            .map_err(|error| bad(&files.client_ca, error))?;
    }
    let lists = files.crl.as_deref().map_or(Ok(Vec::new()), revocations)?;
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
    Ok(config)
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

/// What is in force, for the next connection.
pub struct Current(RwLock<Arc<ServerConfig>>);

impl Current {
    /// Begins with this.
    #[must_use]
    pub fn new(config: ServerConfig) -> Current {
        Current(RwLock::new(Arc::new(config)))
    }

    /// What is in force now.
    ///
    /// # Panics
    /// Never in a running process.
    #[must_use]
    pub fn get(&self) -> Arc<ServerConfig> {
        Arc::clone(
            &self
                .0
                .read()
                .expect("no thread panics while it replaces TLS"),
        )
    }

    /// From the next connection on this.
    ///
    /// # Panics
    /// Never in a running process.
    pub fn replace(&self, config: ServerConfig) {
        *self
            .0
            .write()
            .expect("no thread panics while it replaces TLS") = Arc::new(config);
    }
}
