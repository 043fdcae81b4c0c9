#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and that is its message"
)]

use super::*;
use rcgen::string::Ia5String;
use rcgen::{CertificateParams, CustomExtension, KeyPair, SanType, date_time_ymd};
use std::net::Ipv4Addr;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn uri(text: &str) -> SanType {
    SanType::URI(Ia5String::try_from(text).unwrap())
}

fn host(text: &str) -> SanType {
    SanType::DnsName(Ia5String::try_from(text).unwrap())
}

fn certificate(params: CertificateParams) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

fn named(names: Vec<SanType>) -> Result<String, IdentityError> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = names;
    Peer::of_certificate(&certificate(params), HERE).map(|peer| peer.principal)
}

/// Subject alternative names of raw bytes: tag and content of each.
fn raw(names: &[(u8, &[u8])]) -> Result<String, IdentityError> {
    let mut content = Vec::new();
    for (tag, bytes) in names {
        content.extend([*tag, u8::try_from(bytes.len()).unwrap()]);
        content.extend_from_slice(bytes);
    }
    let mut sequence = vec![0x30, u8::try_from(content.len()).unwrap()];
    sequence.extend(content);
    encoded(&sequence)
}

/// The extension's own bytes.
fn encoded(extension: &[u8]) -> Result<String, IdentityError> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let extension = CustomExtension::from_oid_content(&[2, 5, 29, 17], extension.to_vec());
    params.custom_extensions.push(extension);
    Peer::of_certificate(&certificate(params), HERE).map(|peer| peer.principal)
}

#[test]
fn a_spiffe_id_of_a_workload_is_its_principal_as_it_is() {
    for good in [
        "spiffe://acme/payments",
        "spiffe://acme.example.org/ns/prod/sa/Till_7",
        "spiffe://a_b-c.9/..a/.b/c.",
        &format!("spiffe://{}/x", "a".repeat(255)),
        &format!("spiffe://acme/{}", "x".repeat(2_048 - 14)),
    ] {
        assert_eq!(named(vec![uri(good)]), Ok(good.to_owned()));
    }
    for bad in [
        "spiffe://acme",
        "spiffe://acme/",
        "spiffe:///payments",
        "spiffe:/acme/payments",
        "spiffe:acme",
        "spiffe://Acme/payments",
        "SPIFFE://acme/payments",
        "Spiffe://acme/payments",
        "spiffe://acme:443/payments",
        "spiffe://user@acme/payments",
        "spiffe://[::1]/payments",
        "spiffe://ac%6De/payments",
        "spiffe://acme/pay%6Dents",
        "spiffe://acme/payments/",
        "spiffe://acme//payments",
        "spiffe://acme/./payments",
        "spiffe://acme/a/../payments",
        "spiffe://acme/payments?x=1",
        "spiffe://acme/payments#x",
        "spiffe://acme/pay ments",
        "spiffe://acme/pay*",
        "spiffe://acme/payments\0",
        "spiffe://acme/payments\n",
        "spiffe://acme\0.example/payments",
        &format!("spiffe://{}/x", "a".repeat(256)),
    ] {
        assert_eq!(
            named(vec![uri(bad)]),
            Err(IdentityError::BadSpiffe),
            "{bad:?}"
        );
    }
    let long = format!("spiffe://acme/{}", "x".repeat(2_049 - 14));
    assert_eq!(named(vec![uri(&long)]), Err(IdentityError::TooLong));
}

#[test]
fn another_uri_is_a_principal_with_its_percent_signs_encoded() {
    for (given, principal) in [
        ("https://acme.example/till", "https://acme.example/till"),
        ("urn:uuid:00000000-0000", "urn:uuid:00000000-0000"),
        ("https://acme/a%20b", "https://acme/a%2520b"),
        ("x-till+1.0:7", "x-till+1.0:7"),
        ("https://[::1]:8/?q=a&b#c", "https://[::1]:8/?q=a&b#c"),
    ] {
        assert_eq!(named(vec![uri(given)]), Ok(principal.to_owned()));
        assert!(is_principal(principal));
    }
    for bad in [
        "",
        "payments",
        ":payments",
        "urn:",
        "1urn:x",
        "u_rn:x",
        "https://acme/a b",
        "https://acme/a%2",
        "https://acme/a%zz",
        "https://acme/{a}",
        "https://acme/\"",
        "https://acme/\\",
        "https://acme/\0",
        "https://acme/\u{7f}",
        "dns:payments",
        "DNS:payments",
        "unix:0",
        "Unix:0",
        "node:00000000000000000000000000000000",
    ] {
        assert_eq!(named(vec![uri(bad)]), Err(IdentityError::BadUri), "{bad:?}");
    }
    let long = format!("urn:{}", "%20".repeat(600));
    assert_eq!(named(vec![uri(&long)]), Err(IdentityError::TooLong));
}

#[test]
fn a_dns_name_is_a_principal_in_lower_case_and_stands_for_one_host() {
    for (given, principal) in [
        ("till-7.acme.example", "dns:till-7.acme.example"),
        ("TILL.Acme.Example", "dns:till.acme.example"),
        ("payments", "dns:payments"),
        ("my_service.default.svc", "dns:my_service.default.svc"),
        ("xn--mnchen-3ya.example", "dns:xn--mnchen-3ya.example"),
        ("7.example", "dns:7.example"),
        (
            &format!("{}.example", "a".repeat(63)),
            &format!("dns:{}.example", "a".repeat(63)),
        ),
    ] {
        assert_eq!(named(vec![host(given)]), Ok(principal.to_owned()));
    }
    for bad in [
        "*.acme.example",
        "*",
        "till*.acme.example",
        "",
        ".",
        ".acme.example",
        "acme.example.",
        "acme..example",
        "-till.acme",
        "till-.acme",
        "till .acme",
        "till.acme\0.evil.example",
        "till\0",
        "10.0.0.1",
        "1",
        "till:443",
        "till/x",
        &format!("{}.example", "a".repeat(64)),
        &format!("{}example", "a.".repeat(124)),
    ] {
        assert_eq!(
            named(vec![host(bad)]),
            Err(IdentityError::BadHost),
            "{bad:?}"
        );
    }
}

#[test]
fn a_certificate_with_several_names_of_one_sort_is_nobody() {
    let several = |count, sort| Err(IdentityError::Several(count, sort));
    let (one, two) = (uri("spiffe://acme/a"), uri("spiffe://acme/b"));
    assert_eq!(named(vec![one.clone(), two]), several(2, "URIs"));
    assert_eq!(named(vec![one.clone(), one.clone()]), several(2, "URIs"));
    assert_eq!(named(vec![one.clone(), uri("urn:x")]), several(2, "URIs"));
    assert_eq!(named(vec![host("a"), host("b")]), several(2, "DNS names"));
    // One URI counts, whatever DNS names stand beside it, and a bad one is not replaced by them.
    let principal = Ok("spiffe://acme/a".to_owned());
    assert_eq!(named(vec![host("a"), one.clone(), host("*.b")]), principal);
    assert_eq!(
        named(vec![uri("spiffe://acme"), host("a")]),
        Err(IdentityError::BadSpiffe)
    );
    // Addresses and mailboxes name nobody, and take nothing away.
    let address = SanType::IpAddress(HERE);
    let mailbox = SanType::Rfc822Name(Ia5String::try_from("a@acme.example").unwrap());
    assert_eq!(
        named(vec![address.clone(), mailbox.clone(), one]),
        principal
    );
    assert_eq!(named(vec![address, mailbox]), Err(IdentityError::NoName));
    assert_eq!(named(vec![]), Err(IdentityError::NoName));
}

#[test]
fn names_that_are_no_ascii_are_nobody() {
    const DNS: u8 = 0x82;
    const URI: u8 = 0x86;
    assert_eq!(raw(&[(DNS, b"till")]), Ok("dns:till".to_owned()));
    assert_eq!(raw(&[(URI, b"urn:a")]), Ok("urn:a".to_owned()));
    for (names, error) in [
        (
            &[(DNS, "münchen.example".as_bytes())][..],
            IdentityError::BadHost,
        ),
        (&[(URI, "urn:münchen".as_bytes())], IdentityError::BadUri),
        (
            &[(URI, "spiffe://acme/ü".as_bytes())],
            IdentityError::BadSpiffe,
        ),
        // No text at all, beside a name that would do.
        (&[(DNS, b"\xff\xfe")], IdentityError::Unreadable),
        (
            &[(URI, b"urn:\xff"), (DNS, b"till")],
            IdentityError::Unreadable,
        ),
        (&[], IdentityError::NoName),
    ] {
        assert_eq!(raw(names), Err(error), "{names:?}");
    }
}

#[test]
fn a_list_of_names_that_others_read_otherwise_names_nobody() {
    let names = |names: &[&[u8]]| {
        let names = names.concat();
        let length = u8::try_from(names.len()).unwrap();
        encoded(&[&[0x30, length], &names[..]].concat())
    };
    let good: &[u8] = b"\x86\x05urn:a";
    assert_eq!(names(&[good]), Ok("urn:a".to_owned()));
    assert_eq!(names(&[b"\xa4\x02\x30\x00", good]), Ok("urn:a".to_owned()));
    for other in [
        // The same numbers of sorts, in other classes, as containers, or the other way round; and none of these sorts.
        &b"\x84\x02\x30\x00"[..],
        b"\xa6\x05urn:b",
        b"\xa2\x01b",
        b"\x06\x05urn:b",
        b"\x46\x05urn:b",
        b"\xc6\x05urn:b",
        b"\x9f\x06\x05urn:b",
        b"\x89\x01b",
        // Lengths that are not the shortest, have no end, or lead beyond it.
        b"\x82\x81\x01b",
        b"\x82\x82\x00\x01b",
        b"\x82\x83\x00\x00\x01b",
        b"\xa4\x80\x00\x00",
        b"\x81\x7fb",
        b"\x82\x81",
        b"\x82",
    ] {
        for list in [[good, other], [other, good]] {
            assert_eq!(names(&list), Err(IdentityError::Unreadable), "{list:x?}");
        }
    }
    for list in [
        &b"\x31\x07\x86\x05urn:a"[..],
        b"\x30\x07\x86\x05urn:a\x00",
        b"\x30\x81\x07\x86\x05urn:a",
        b"\x30\x80\x86\x05urn:a\x00\x00",
        b"\x30\x08\x86\x05urn:a",
        b"",
    ] {
        assert_eq!(encoded(list), Err(IdentityError::Unreadable), "{list:x?}");
    }
}

#[test]
fn the_subject_names_nobody_and_what_is_no_certificate_neither() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let name = &mut params.distinguished_name;
    name.push(rcgen::DnType::CommonName, "spiffe://acme/payments");
    let der = certificate(params);
    assert_eq!(Peer::of_certificate(&der, HERE), Err(IdentityError::NoName));
    let mut longer = der.to_vec();
    longer.push(0);
    for der in [
        longer,
        b"x".to_vec(),
        Vec::new(),
        der[..der.len() - 1].to_vec(),
    ] {
        let der = CertificateDer::from(der);
        assert_eq!(
            Peer::of_certificate(&der, HERE),
            Err(IdentityError::Unreadable)
        );
    }
}

#[test]
fn a_peer_has_its_address_the_digest_of_its_certificate_and_its_end() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = vec![uri("spiffe://acme/a")];
    params.not_after = date_time_ymd(2030, 1, 2);
    let der = certificate(params);
    let peer = Peer::of_certificate(&der, HERE).unwrap();
    assert_eq!(peer.address, Some(HERE));
    assert_eq!(
        peer.certificate,
        Some(Hash(Sha256::digest(der.as_ref()).into()))
    );
    assert_eq!(
        peer.expires.map(|time| time.to_string()).as_deref(),
        Some("2030-01-02T00:00:00.000000000Z")
    );
    let unix = Peer::of_unix(1_000);
    assert_eq!(unix.principal, "unix:1000");
    assert_eq!(
        (unix.address, unix.certificate, unix.expires),
        (None, None, None)
    );
}
