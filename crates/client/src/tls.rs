//! TLS towards a node: version 1.3 alone, the node's name checked against the roots, a certificate of one's own.

use crate::error::SetupError;
use crate::limits::PEM_BYTES_MAX;
use indelible_proof::hash::{self, Hash};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Certificates or a key: a file, read again for each connection, because whoever issues them replaces them; or the PEM text itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// Where it lies.
    File(PathBuf),
    /// What it says.
    Text(Vec<u8>),
}

impl fmt::Debug for Pem {
    /// Without the text, which may be a private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::File(path) => write!(f, "{}", path.display()),
            Pem::Text(_) => f.write_str("PEM text"),
        }
    }
}

impl From<&str> for Pem {
    fn from(path: &str) -> Pem {
        Pem::File(path.into())
    }
}

impl From<&Path> for Pem {
    fn from(path: &Path) -> Pem {
        Pem::File(path.into())
    }
}

impl From<PathBuf> for Pem {
    fn from(path: PathBuf) -> Pem {
        Pem::File(path)
    }
}

impl From<Vec<u8>> for Pem {
    fn from(text: Vec<u8>) -> Pem {
        Pem::Text(text)
    }
}

impl Pem {
    fn read(&self) -> Result<Vec<u8>, SetupError> {
        match self {
            Pem::Text(text) => Ok(text.clone()),
            Pem::File(path) => {
                let mut text = Vec::new();
                std::fs::File::open(path)
                    .and_then(|file| file.take(PEM_BYTES_MAX).read_to_end(&mut text))
                    .map_err(|error| self.bad(error))?;
                Ok(text)
            }
        }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, SetupError> {
        let text = self.read()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match found {
            Ok(found) if found.is_empty() => Err(self.bad("it holds no certificate")),
            found => found.map_err(|error| self.bad(error)),
        }
    }

    fn bad(&self, why: impl fmt::Display) -> SetupError {
        SetupError::Pem {
            what: format!("{self:?}"),
            why: why.to_string(),
        }
    }
}

/// Where certificates and key come from.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) ca: Pem,
    pub(crate) certificate: Pem,
    pub(crate) key: Pem,
    /// The protocols that are offered, the preferred first.
    pub(crate) protocols: Vec<Vec<u8>>,
}

/// What the next connection uses.
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    /// SHA-256 of the own certificate, as heads name it.
    pub(crate) certificate: Hash,
}

impl Sources {
    /// Reads them.
    pub(crate) fn read(&self) -> Result<Tls, SetupError> {
        let mut roots = RootCertStore::empty();
        for root in self.ca.certificates()? {
            roots.add(root).map_err(|error| self.ca.bad(error))?;
        }
        let chain = self.certificate.certificates()?;
        let certificate = chain.first().map(|own| hash::sha256(own.as_ref()));
        let key = PrivateKeyDer::from_pem_slice(&self.key.read()?)
            .map_err(|error| self.key.bad(error))?;
        let unfit = |error: rustls::Error| SetupError::Identity(error.to_string());
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .map_err(unfit)?
                .with_root_certificates(roots)
                .with_client_auth_cert(chain, key)
                .map_err(unfit)?;
        config.alpn_protocols.clone_from(&self.protocols);
        Ok(Tls {
            config: Arc::new(config),
            certificate: certificate.ok_or(SetupError::Missing("the client certificate"))?,
        })
    }
}
