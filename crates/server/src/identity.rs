//! Who is at the other end of a connection: a principal, by its certificate or by the kernel's word.
//!
//! The name comes from the certificate's subject alternative names alone, never from its subject: a SPIFFE ID or another URI as it is,
//! else `dns:` and the DNS name. A certificate with several names of one sort is nobody: which of them counts would be a guess.

use indelible_proof::hash::Hash;
use indelible_proof::head::is_principal;
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The principal, as heads name it.
    pub principal: String,
    /// Its address as seen; none over a Unix socket.
    pub address: Option<IpAddr>,
    /// SHA-256 of its certificate.
    pub certificate: Option<Hash>,
}

/// Why a certificate names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It can't be read.
    #[error("the certificate can't be read")]
    Unreadable,
    /// It has neither a URI nor a DNS name.
    #[error("the certificate has no URI and no DNS name among its subject alternative names")]
    NoName,
    /// Several names of one sort.
    #[error(
        "the certificate has {0} {1} among its subject alternative names: who it is would be a guess"
    )]
    Several(usize, &'static str),
    /// A name that can't stand in a head.
    #[error("the certificate's name is too long, or no name")]
    BadName,
}

/// The principal that a certificate names.
///
/// # Errors
/// [`IdentityError`].
pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<(String, Hash), IdentityError> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|_| IdentityError::Unreadable)?;
    let names = parsed
        .subject_alternative_name()
        .map_err(|_| IdentityError::Unreadable)?
        .ok_or(IdentityError::NoName)?;
    let names = &names.value.general_names;
    let uris: Vec<&str> = names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })
        .collect();
    let hosts: Vec<&str> = names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .collect();
    let principal = match (uris.as_slice(), hosts.as_slice()) {
        ([uri], _) => encoded(uri),
        ([], [host]) => format!("dns:{}", encoded(&host.to_ascii_lowercase())),
        ([], []) => return Err(IdentityError::NoName),
        ([], several) => return Err(IdentityError::Several(several.len(), "DNS names")),
        (several, _) => return Err(IdentityError::Several(several.len(), "URIs")),
    };
    if !is_principal(&principal) || principal.starts_with("node:") || principal.starts_with("unix:")
    {
        return Err(IdentityError::BadName);
    }
    let digest = Hash(Sha256::digest(certificate.as_ref()).into());
    Ok((principal, digest))
}

/// Percent-encoded as heads ask for it: exactly the bytes that may not stand there, and `%` where it begins no such encoding.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' | b'{' | b'}' | b'%' | 0..=0x20 | 0x7F.. => {
                out.push_str(&format!("%{byte:02X}"));
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}
