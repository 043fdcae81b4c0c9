//! Certificates that must not be let in, and those that are.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise"
)]

mod bed;

use bed::{Authority, Bed, PRODUCER};
use indelible_api::Code;
use indelible_server::tls;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What a client's certificate looks like that is let in.
fn producer() -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = vec![SanType::URI(PRODUCER.try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn client(bed: &Bed, params: &CertificateParams) -> Arc<ClientConfig> {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, bed.authority.issuer()).unwrap();
    bed.authority
        .client_with(vec![certificate.der().clone()], &key)
}

#[tokio::test]
async fn a_certificate_that_no_verifier_may_take_ends_the_handshake() {
    let bed = Bed::new().await;
    assert_eq!(bed.try_post(client(&bed, &producer())).await.unwrap(), 201);
    let mut expired = producer();
    expired.not_before = date_time_ymd(2019, 1, 1);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut early = producer();
    early.not_before = date_time_ymd(4000, 1, 1);
    let mut of_a_server = producer();
    of_a_server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for (what, params) in [
        ("expired", expired),
        ("not yet valid", early),
        ("for servers only", of_a_server),
    ] {
        let said = bed.try_post(client(&bed, &params)).await;
        assert!(said.is_err(), "{what}: {said:?}");
    }
    let stranger = bed.trusting(&Authority::new(), PRODUCER);
    assert!(bed.try_post(stranger).await.is_err());
    assert!(bed.try_post(bed.anonymous()).await.is_err());
    assert_eq!(alert(&bed, &hello_of_1_2()).await, PROTOCOL_VERSION);
    assert_eq!(bed.node.counters.handshakes_failed.now(), 6);
    assert_eq!(bed.log.size(), 2, "the log's first record and one event");
    bed.end().await;
}

/// The alert that says: not this version (RFC 8446 §6.2).
const PROTOCOL_VERSION: u8 = 70;

/// The first message of a client that knows TLS 1.2 and no later one (RFC 5246 §7.4.1.2). Our own library is built without it.
fn hello_of_1_2() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    // No session; ECDHE with AES-128-GCM and a signature by ECDSA or RSA; no compression.
    body.extend([0, 0, 4, 0xC0, 0x2B, 0xC0, 0x2F, 1, 0]);
    let groups = [0, 10, 0, 4, 0, 2, 0, 23];
    let signatures = [0, 13, 0, 6, 0, 4, 4, 3, 8, 4];
    body.extend([0, 18]);
    body.extend(groups.iter().chain(&signatures));
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

/// Sends bytes over TCP and gives the fatal alert that comes back.
async fn alert(bed: &Bed, bytes: &[u8]) -> u8 {
    let mut stream = tokio::net::TcpStream::connect(bed.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
    answer[6]
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_told_so_and_may_do_nothing() {
    let bed = Bed::new().await;
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let dns = |text: &str| SanType::DnsName(text.try_into().unwrap());
    for (names, why) in [
        (vec![], "no URI and no DNS name"),
        (
            vec![SanType::IpAddress("10.0.0.1".parse().unwrap())],
            "no URI and no DNS name",
        ),
        (
            vec![uri(PRODUCER), uri("spiffe://example.org/other")],
            "2 URIs",
        ),
        (vec![dns("a.example"), dns("b.example")], "2 DNS names"),
        (vec![uri("unix:0")], ""),
        (vec![uri("node:1")], ""),
    ] {
        let mut params = producer();
        params.subject_alt_names = names;
        params.distinguished_name.push(DnType::CommonName, PRODUCER);
        let answer = bed.try_answer(client(&bed, &params)).await.unwrap();
        assert_eq!(answer.status, 401, "{why}");
        let problem = answer.problem();
        assert_eq!(problem.code, Code::Unauthenticated);
        assert!(problem.detail.contains(why), "{}", problem.detail);
        assert_eq!(answer.headers["connection"], "close");
    }
    assert_eq!(bed.node.counters.refused.now(), 6);
    assert_eq!(bed.log.size(), 1);
    bed.end().await;
}

/// An authority under another.
fn intermediate(root: &Authority) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "intermediate");
    params.distinguished_name = name;
    CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), root.issuer()).unwrap()
}

fn list(issuer: &CertifiedIssuer<'static, KeyPair>, revoked: &[u64]) -> String {
    let revoked = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2026, 2, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

#[tokio::test]
async fn a_chain_is_checked_against_the_lists_of_all_its_issuers() {
    let bed = Bed::new().await;
    let middle = intermediate(&bed.authority);
    let mut params = producer();
    params.serial_number = Some(SerialNumber::from(77_u64));
    let key = KeyPair::generate().unwrap();
    let leaf: CertificateDer<'static> = params.signed_by(&key, &middle).unwrap().der().clone();
    let chain = || {
        let chain = vec![leaf.clone(), middle.der().clone()];
        bed.authority.client_with(chain, &key)
    };
    let crl = bed.directory.path().join("crl.pem");
    let mut files = bed.files.clone();
    files.crl = Some(crl.clone());
    let in_force = |lists: &[String]| {
        std::fs::write(&crl, lists.concat()).unwrap();
        bed.tls.replace(tls::server(&files).unwrap());
    };
    assert_eq!(bed.try_post(chain()).await.unwrap(), 201);
    let root = bed.authority.issuer();
    in_force(&[list(root, &[5]), list(&middle, &[76, 78])]);
    assert_eq!(bed.try_post(chain()).await.unwrap(), 201);
    in_force(&[list(root, &[5]), list(&middle, &[76, 77])]);
    assert!(bed.try_post(chain()).await.is_err(), "the leaf is revoked");
    in_force(&[list(root, &[])]);
    assert!(
        bed.try_post(chain()).await.is_err(),
        "its issuer has no list"
    );
    in_force(&[list(&middle, &[])]);
    assert!(bed.try_post(chain()).await.is_err(), "the root has no list");
    let left = bed.tls.validity().lists_seconds_left(SystemTime::now());
    assert!(left.unwrap() < 0, "{left:?}");
    // Without what leads to the root nobody can tell.
    bed.tls.replace(tls::server(&bed.files).unwrap());
    let alone = bed.authority.client_with(vec![leaf.clone()], &key);
    assert!(bed.try_post(alone).await.is_err());
    assert_eq!(bed.try_post(chain()).await.unwrap(), 201);
    // A list that is none is refused, and says where.
    std::fs::write(
        &crl,
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    )
    .unwrap();
    assert!(tls::server(&files).is_err());
    bed.end().await;
}

#[tokio::test]
async fn an_intermediate_that_is_revoked_takes_its_clients_with_it() {
    let bed = Bed::new().await;
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.serial_number = Some(SerialNumber::from(9_u64));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "middle");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let middle =
        CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), bed.authority.issuer())
            .unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = producer().signed_by(&key, &middle).unwrap().der().clone();
    let crl = bed.directory.path().join("crl.pem");
    let mut files = bed.files.clone();
    files.crl = Some(crl.clone());
    let config = bed
        .authority
        .client_with(vec![leaf, middle.der().clone()], &key);
    for (revoked, is_let_in) in [(8, true), (9, false)] {
        let lists = list(bed.authority.issuer(), &[revoked]) + &list(&middle, &[]);
        std::fs::write(&crl, lists).unwrap();
        bed.tls.replace(tls::server(&files).unwrap());
        let said = bed.try_post(Arc::clone(&config)).await;
        assert_eq!(said.is_ok(), is_let_in, "{said:?}");
    }
    bed.end().await;
}

#[tokio::test]
async fn a_connection_ends_with_the_certificate_that_began_it_and_no_session_is_resumed() {
    let bed = Bed::new().await;
    let mut params = producer();
    let end = soon(3);
    params.not_after = date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(end);
    let config = client(&bed, &params);
    let mut stream = bed.connect(Arc::clone(&config)).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.ok();
    assert!(all.is_empty());
    // Certificates know whole seconds, and the last one counts.
    loop {
        let before = soon(0);
        if bed.try_post(Arc::clone(&config)).await.is_err() {
            break;
        }
        assert!(before <= end, "it has expired");
    }
    let good = client(&bed, &producer());
    for _ in 0..2 {
        let stream = bed.connect(Arc::clone(&good)).await.unwrap();
        let kind = stream.get_ref().1.handshake_kind();
        assert_eq!(kind, Some(rustls::HandshakeKind::Full));
    }
    bed.end().await;
}

fn soon(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_secs() + seconds
}

#[test]
fn a_certificate_expires_soon_when_less_than_a_fifth_of_its_time_is_left() {
    use tls::Expiry;
    let authority = Authority::new();
    let directory = tempfile::tempdir().unwrap();
    let mut files = bed::files(&directory, &authority);
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 4, 11);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority.issuer()).unwrap();
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    let server = tls::Current::new(tls::server(&files).unwrap());
    let begin: SystemTime = date_time_ymd(2026, 1, 1).into();
    let day = std::time::Duration::from_secs(86_400);
    for (days, expiry) in [
        (0, Expiry::Fine),
        (79, Expiry::Fine),
        (81, Expiry::Soon),
        (99, Expiry::Soon),
        (100, Expiry::Expired),
        (200, Expiry::Expired),
    ] {
        let now = begin + day * days;
        assert_eq!(server.validity().expiry(now), expiry, "after {days} days");
        let left = server.validity().seconds_left(now);
        assert_eq!(left, (100 - i64::from(days)) * 86_400);
    }
    // A key that belongs to another certificate is refused before it is in force.
    std::fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(tls::server(&files).is_err());
    files.client_ca = directory.path().join("nowhere.pem");
    let said = tls::server(&files).unwrap_err().to_string();
    assert!(said.contains("nowhere.pem"), "{said}");
}
