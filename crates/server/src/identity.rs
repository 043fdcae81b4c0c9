//! Who is at the other end of a connection: a principal, by its certificate or by the kernel's word.
//!
//! The name comes from the certificate's subject alternative names alone, never from its subject: its one URI, else `dns:` and its one
//! DNS name. A certificate with several names of one sort is nobody: which of them counts would be a guess. So is one whose name could
//! be taken for another's: names are compared byte by byte from here on, so whatever has two spellings is refused but for the case of
//! DNS names, which is made lower. The rules stand in `docs/access.md`.

use crate::limits::NAME_BYTES_MAX;
use indelible_proof::hash::Hash;
use indelible_proof::head::is_principal;
use indelible_proof::time::Time;
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Bytes of a trust domain, as of the host of any URI.
const TRUST_DOMAIN_BYTES_MAX: usize = 255;
/// Bytes of a DNS name as text, and of one label (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
/// Tags of a list, and of its names (RFC 5280 §4.2.1.6): those that count, and otherName, rfc822Name, x400Address, directoryName,
/// ediPartyName, iPAddress and registeredID.
const SEQUENCE: u8 = 0x30;
const URI: u8 = 0x86;
const DNS_NAME: u8 = 0x82;
const OTHER_NAMES: [u8; 7] = [0xa0, 0x81, 0xa3, 0xa4, 0xa5, 0x87, 0x88];
/// What stands before principals that no URI gives.
const OWN_SCHEMES: [&str; 3] = ["dns", "unix", "node"];

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The principal, as heads name it.
    pub principal: String,
    /// Its address as seen; none over a Unix socket.
    pub address: Option<IpAddr>,
    /// SHA-256 of its certificate.
    pub certificate: Option<Hash>,
    /// Until when its certificate holds.
    pub expires: Option<Time>,
}

impl Peer {
    /// Whoever showed this certificate, which is verified already, from this address.
    ///
    /// # Errors
    /// [`IdentityError`]: nobody.
    pub fn of_certificate(
        certificate: &CertificateDer<'_>,
        address: IpAddr,
    ) -> Result<Peer, IdentityError> {
        let (rest, parsed) =
            X509Certificate::from_der(certificate).map_err(|_| IdentityError::Unreadable)?;
        if !rest.is_empty() {
            return Err(IdentityError::Unreadable);
        }
        let until = u64::try_from(parsed.validity().not_after.timestamp()).ok();
        Ok(Peer {
            principal: principal(&parsed)?,
            address: Some(address),
            certificate: Some(Hash(Sha256::digest(certificate.as_ref()).into())),
            expires: until.and_then(|seconds| Time::new(seconds, 0)),
        })
    }

    /// Whoever the kernel says it is at the other end of a Unix socket.
    #[must_use]
    pub fn of_unix(uid: u32) -> Peer {
        Peer {
            principal: format!("unix:{uid}"),
            address: None,
            certificate: None,
            expires: None,
        }
    }
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
    /// It is called as SPIFFE IDs are, and is none of a workload.
    #[error(
        "the certificate's URI is no SPIFFE ID of a workload: spiffe://TRUST-DOMAIN/PATH, the domain in lower case, no query, no empty or dotted segment"
    )]
    BadSpiffe,
    /// No URI, or one that could be taken for a name of another sort.
    #[error(
        "the certificate's URI is none by RFC 3986, or begins with dns:, unix: or node:, which name others"
    )]
    BadUri,
    /// No name of a host.
    #[error(
        "the certificate's DNS name is no name of one host: letters, digits, - and _ between dots, no wildcard, international names as xn--"
    )]
    BadHost,
    /// No head could hold it.
    #[error("the certificate's name has more than {NAME_BYTES_MAX} bytes")]
    TooLong,
}

fn principal(certificate: &X509Certificate<'_>) -> Result<String, IdentityError> {
    let (uris, hosts) = names(certificate)?;
    let principal = match (uris.as_slice(), hosts.as_slice()) {
        ([uri], _) => of_uri(uri)?,
        ([], [host]) => of_host(host)?,
        ([], []) => return Err(IdentityError::NoName),
        ([], several) => return Err(IdentityError::Several(several.len(), "DNS names")),
        (several, _) => return Err(IdentityError::Several(several.len(), "URIs")),
    };
    match principal.len() <= NAME_BYTES_MAX {
        true => Ok(principal),
        false => Err(IdentityError::TooLong),
    }
}

/// The URIs and the DNS names. What is no name by the letter makes all of them unreadable: x509-parser would have names where webpki,
/// which verified the certificate, has none, because it looks at half of a name's tag and takes any length.
fn names<'a>(
    certificate: &X509Certificate<'a>,
) -> Result<(Vec<&'a str>, Vec<&'a str>), IdentityError> {
    let extension = certificate
        .get_extension_unique(&OID_X509_EXT_SUBJECT_ALT_NAME)
        .map_err(|_| IdentityError::Unreadable)?
        .ok_or(IdentityError::NoName)?;
    let Some((SEQUENCE, mut list, [])) = element(extension.value) else {
        return Err(IdentityError::Unreadable);
    };
    let (mut uris, mut hosts) = (Vec::new(), Vec::new());
    while !list.is_empty() {
        let (tag, name, rest) = element(list).ok_or(IdentityError::Unreadable)?;
        let text = || str::from_utf8(name).map_err(|_| IdentityError::Unreadable);
        match tag {
            URI => uris.push(text()?),
            DNS_NAME => hosts.push(text()?),
            _ if OTHER_NAMES.contains(&tag) => {}
            _ => return Err(IdentityError::Unreadable),
        }
        list = rest;
    }
    Ok((uris, hosts))
}

/// Tag, content and what comes behind an element of DER (X.690 §10.1): a length in its shortest form, of two bytes at most.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, rest) = match bytes.get(1..)? {
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        [0x81, length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
        [0x82, high @ 1..=0xff, low, rest @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((bytes[0], content, rest))
}

/// A URI as it is, percent-encoded as heads ask for it: of the bytes that a URI may have that is `%` alone.
pub(crate) fn of_uri(uri: &str) -> Result<String, IdentityError> {
    let (scheme, _) = uri.split_once(':').ok_or(IdentityError::BadUri)?;
    if scheme.eq_ignore_ascii_case("spiffe") {
        return match is_spiffe_id(uri) {
            true => Ok(uri.to_owned()),
            false => Err(IdentityError::BadSpiffe),
        };
    }
    let is_own = |own: &&str| scheme.eq_ignore_ascii_case(own);
    if !is_uri(uri, scheme) || OWN_SCHEMES.iter().any(is_own) {
        return Err(IdentityError::BadUri);
    }
    let principal = uri.replace('%', "%25");
    match is_principal(&principal) {
        true => Ok(principal),
        false => Err(IdentityError::BadUri),
    }
}

/// The characters of RFC 3986 §2, with `%` only before two hexadecimal digits, after a scheme of §3.1.
fn is_uri(uri: &str, scheme: &str) -> bool {
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let are_encoded = uri.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    is_scheme && uri.len() > scheme.len() + 1 && uri.bytes().all(plain) && are_encoded
}

/// The SPIFFE ID of a workload (SPIFFE-ID §2, X509-SVID §2): a trust domain and a path that is not the root.
fn is_spiffe_id(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("spiffe://") else {
        return false;
    };
    let Some((domain, path)) = rest.split_once('/') else {
        return false;
    };
    let is_domain = (1..=TRUST_DOMAIN_BYTES_MAX).contains(&domain.len())
        && domain.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte)
        });
    let is_segment = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
    };
    is_domain && path.split('/').all(is_segment)
}

/// `dns:` and the name in lower case.
fn of_host(host: &str) -> Result<String, IdentityError> {
    match is_host(host) {
        true => Ok(format!("dns:{}", host.to_ascii_lowercase())),
        false => Err(IdentityError::BadHost),
    }
}

/// The name of one host, in any case.
pub(crate) fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A name whose last label is a number is read as an address by others.
    let is_address = |last: &str| last.bytes().all(|byte| byte.is_ascii_digit());
    host.len() <= HOST_BYTES_MAX
        && host.split('.').all(is_label)
        && !host.rsplit('.').next().is_some_and(is_address)
}

#[cfg(test)]
mod tests;
