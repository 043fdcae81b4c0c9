//! Who a certificate names, for whoever verified it: x509-parser reads the name that a principal is made of, webpki what the chain and the
//! key are verified by. One certificate must not be two to them.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use identity::Peer;
use indelible_fuzz::certificate::{NOT_AFTER, around};
use indelible_proof::hash::sha256;
use indelible_proof::head::is_principal;
use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

#[allow(dead_code, reason = "those over a Unix socket show no certificate")]
#[path = "../../crates/server/src/identity.rs"]
#[rustfmt::skip] // It would look for the module's tests beside it.
mod identity;
#[allow(dead_code, reason = "most belong to others")]
#[path = "../../crates/server/src/limits.rs"]
mod limits;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fuzz_target!(|input: &[u8]| {
    // A certificate, or names for one: a byte changed in those would otherwise have to be counted in five lengths.
    match input.split_first() {
        Some((b'c', whole)) => {
            read(whole);
        }
        Some((b'n', names)) => {
            if let Some(peer) = read(&around(names)) {
                assert_eq!(peer.expires.map(|time| time.secs()), Some(NOT_AFTER));
            }
        }
        _ => {}
    }
});

fn read(bytes: &[u8]) -> Option<Peer> {
    let certificate = CertificateDer::from(bytes);
    let peer = Peer::of_certificate(&certificate, HERE).ok()?;
    assert!(is_principal(&peer.principal));
    assert_eq!(peer.certificate, Some(sha256(bytes)));
    let own = ["unix:", "node:"];
    assert!(!own.iter().any(|own| peer.principal.starts_with(own)));
    // What webpki does not read is never verified.
    let verified = EndEntityCert::try_from(&certificate).ok()?;
    let uris: Vec<&str> = verified.valid_uri_names().collect();
    match peer.principal.strip_prefix("dns:") {
        None => assert_eq!(
            uris.iter()
                .map(|uri| uri.replace('%', "%25"))
                .collect::<Vec<_>>(),
            [&*peer.principal]
        ),
        Some(host) => {
            assert!(uris.is_empty(), "its URI would come first");
            let hosts: Vec<&str> = verified.valid_dns_names().collect();
            assert_eq!(hosts.len(), 1);
            assert!(hosts[0].eq_ignore_ascii_case(host));
        }
    }
    Some(peer)
}
