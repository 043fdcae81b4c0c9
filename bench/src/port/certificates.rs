//! An authority for one run, and what both ends need of it, as files in the store's directory.

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls_pki_types::PrivateKeyDer;
use std::path::Path;
use std::sync::Arc;

/// Whose certificate the clients show.
pub const PRODUCER: &str = "spiffe://bench.example/payments";

/// What clients need.
pub struct Certificates {
    pub client: Arc<ClientConfig>,
}

impl Certificates {
    /// Makes them, and writes the node's beside its store.
    pub fn make(store: &Path) -> anyhow::Result<Certificates> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        params
            .subject_alt_names
            .push(SanType::IpAddress("127.0.0.1".parse()?));
        let key = KeyPair::generate()?;
        let node = params.signed_by(&key, &issuer)?;
        let beside = store.parent().context("a store lies in a directory")?;
        std::fs::write(beside.join("node.pem"), node.pem())?;
        std::fs::write(beside.join("node.key"), key.serialize_pem())?;
        std::fs::write(beside.join("ca.pem"), issuer.pem())?;
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .subject_alt_names
            .push(SanType::URI(PRODUCER.try_into()?));
        let key = KeyPair::generate()?;
        let own = params.signed_by(&key, &issuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![own.der().clone()], key)?;
        Ok(Certificates {
            client: Arc::new(client),
        })
    }
}
