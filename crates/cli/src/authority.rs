//! A certificate authority of one's own, for a node to begin with: its root, and certificates for the node and for who may use it.
//!
//! Owns making keys and certificates, and the mode of their files: a private key is its owner's alone from its first byte. Later
//! certificates come from wherever an organisation's come from; nothing of the node depends on this authority.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The clocks of two machines differ; a certificate counts from a little before it was made.
const EARLIER: Duration = Duration::from_secs(300);

const DAY: Duration = Duration::from_secs(86_400);

/// Signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
    days: u32,
}

/// Why there is no certificate.
#[derive(Debug)]
pub enum AuthorityError {
    /// A name can't stand in one.
    Name(rcgen::Error),
    /// A file can't be written.
    Io(PathBuf, io::Error),
}

impl From<rcgen::Error> for AuthorityError {
    fn from(error: rcgen::Error) -> AuthorityError {
        AuthorityError::Name(error)
    }
}

impl Authority {
    /// Makes one, and writes `ca.pem` and `ca.key` into a directory. `days`: how long the certificates count that it signs; it counts four
    /// times as long itself.
    pub fn new(directory: &Path, origin: &str, days: u32) -> Result<Authority, AuthorityError> {
        let mut params = within(CertificateParams::new(Vec::new())?, days.saturating_mul(4));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, format!("{origin} clients and node"));
        let key = KeyPair::generate()?;
        let text = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(params, key)?;
        let authority = Authority {
            issuer,
            directory: directory.to_owned(),
            days,
        };
        authority.write("ca.pem", 0o644, &authority.issuer.pem())?;
        authority.write("ca.key", 0o600, &text)?;
        Ok(authority)
    }

    /// Signs for somebody who uses the node: `NAME.pem` and `NAME.key`, with `spiffe://ORIGIN/NAME` as its only name.
    pub fn client(&self, origin: &str, name: &str) -> Result<String, AuthorityError> {
        let principal = format!("spiffe://{origin}/{name}");
        let names = vec![SanType::URI(principal.as_str().try_into()?)];
        self.sign(name, names, ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(principal)
    }

    /// Signs for the node: `node.pem` and `node.key`, with the hosts by which it is reached.
    pub fn node(&self, hosts: &[String]) -> Result<(), AuthorityError> {
        let names: Result<Vec<SanType>, rcgen::Error> = hosts
            .iter()
            .map(|host| match host.parse::<IpAddr>() {
                Ok(address) => Ok(SanType::IpAddress(address)),
                Err(_) => Ok(SanType::DnsName(host.as_str().try_into()?)),
            })
            .collect();
        self.sign("node", names?, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn sign(
        &self,
        name: &str,
        names: Vec<SanType>,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<(), AuthorityError> {
        let mut params = within(CertificateParams::new(Vec::new())?, self.days);
        params.subject_alt_names = names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        self.write(&format!("{name}.pem"), 0o644, &certificate.pem())?;
        self.write(&format!("{name}.key"), 0o600, &key.serialize_pem())
    }

    fn write(&self, name: &str, mode: u32, text: &str) -> Result<(), AuthorityError> {
        let path = self.directory.join(name);
        let mut options = OpenOptions::new();
        let made = options.write(true).create_new(true).mode(mode).open(&path);
        let written = made.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| AuthorityError::Io(path, error))
    }
}

/// From now on for so many days.
fn within(mut params: CertificateParams, days: u32) -> CertificateParams {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(EARLIER);
    params.not_after = epoch + now + DAY * days;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}
