use super::percent::is_encoded;
use super::*;
use alloc::format;
use alloc::string::String;
use proptest::option::of;
use proptest::prelude::*;

const ORIGIN: &str = "log.example.org/orders/00112233445566ff";
const HASH: Hash = Hash([0xab; 32]);

fn plain_shared() -> Shared<'static> {
    Shared {
        kind: Kind::Event,
        by: "unix:1000",
        via: "cli/file",
        from: None,
        cert: None,
        policy: None,
        format: None,
    }
}

fn plain_head() -> Head<'static> {
    Head {
        log: Origin::parse(ORIGIN).unwrap(),
        shared: plain_shared(),
        own: Own::default(),
        digest: HASH,
        seq: 41,
        time: Time::new(1_795_428_123, 5).unwrap(),
        prev: Hash::ZERO,
    }
}

type Raw = [u8; 32];

/// What a head borrows, owned.
#[derive(Debug)]
struct Fields {
    kind: Kind,
    texts: (String, String, Option<String>, Option<String>),
    hashes: (Option<Raw>, Option<Raw>, Raw, Raw),
    policy: Option<u64>,
    occurred: Option<Time>,
    stream: Option<(String, u64, u64)>,
    key: Option<String>,
    place: (u64, Time),
}

fn encoded(length: core::ops::Range<usize>) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<u8>(), length).prop_map(|bytes| {
        let mut text = String::new();
        percent_encode(&bytes, &mut text);
        text
    })
}

fn key() -> impl Strategy<Value = String> {
    (encoded(1..20), of(0_u64..65_536)).prop_map(|(name, part)| {
        let name = name.replace('#', "x");
        part.map_or(name.clone(), |part| format!("{name}#{part}"))
    })
}

fn time() -> impl Strategy<Value = Time> {
    (946_684_800_u64..=253_402_300_799, 0_u32..1_000_000_000)
        .prop_map(|(secs, nanos)| Time::new(secs, nanos).unwrap())
}

fn address() -> impl Strategy<Value = String> {
    let v6 = any::<[u16; 8]>().prop_map(core::net::Ipv6Addr::from);
    let sparse = any::<[bool; 8]>().prop_map(|bits| core::net::Ipv6Addr::from(bits.map(u16::from)));
    prop_oneof![
        any::<[u8; 4]>().prop_map(|bytes| format!("{}", core::net::Ipv4Addr::from(bytes))),
        v6.prop_map(|address| format!("{address}")),
        sparse.prop_map(|address| format!("{address}")),
    ]
}

fn integer() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..100, 0..=crate::limits::INTEGER_MAX]
}

fn fields() -> impl Strategy<Value = Fields> {
    (
        proptest::sample::select(&Kind::ALL),
        (
            encoded(1..40),
            "[a-z0-9-]{1,32}/[a-z0-9-]{1,32}",
            of(address()),
            of("[a-z0-9][a-z0-9._-]{0,31}"),
        ),
        any::<(Option<[u8; 32]>, Option<[u8; 32]>, [u8; 32], [u8; 32])>(),
        of(integer()),
        of(time()),
        of((encoded(1..40), integer(), integer())),
        of(key()),
        (integer(), time()),
    )
        .prop_map(
            |(kind, texts, hashes, policy, occurred, stream, key, place)| Fields {
                kind,
                texts,
                hashes,
                policy,
                occurred,
                stream,
                key,
                place,
            },
        )
}

impl Fields {
    fn head(&self) -> Head<'_> {
        let (by, via, from, format) = &self.texts;
        let (cert, psig, digest, prev) = self.hashes;
        let stream = self.stream.as_ref().map(|(src, epoch, n)| Stream {
            src,
            epoch: *epoch,
            n: *n,
        });
        Head {
            log: Origin::parse(ORIGIN).unwrap(),
            shared: Shared {
                kind: self.kind,
                by,
                via,
                from: from.as_deref(),
                cert: cert.map(Hash),
                policy: self.policy,
                format: format.as_deref(),
            },
            own: Own {
                occurred: self.occurred,
                stream,
                key: self.key.as_deref(),
                psig: psig.map(Hash),
            },
            digest: Hash(digest),
            seq: self.place.0,
            time: self.place.1,
            prev: Hash(prev),
        }
    }
}

fn bytes(head: &Head<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    head.encode(&mut out);
    out
}

proptest! {
    #[test]
    fn what_is_written_reads_back(fields in fields()) {
        let head = fields.head();
        let written = bytes(&head);
        prop_assert_eq!(Head::parse(&written), Ok(head));
    }

    #[test]
    fn the_parts_of_a_head_read_back_alone(fields in fields()) {
        let head = fields.head();
        let (mut shared, mut own) = (Vec::new(), Vec::new());
        head.shared.encode(&mut shared);
        head.own.encode(&mut own);
        prop_assert_eq!(Shared::parse(&shared), Some(head.shared));
        prop_assert_eq!(Own::parse(&own), Some(head.own));
        shared.push(b',');
        own.push(b',');
        prop_assert_eq!(Shared::parse(&shared), None);
        prop_assert_eq!(Own::parse(&own), None);
    }

    #[test]
    fn a_changed_byte_is_refused_or_means_another_head(fields in fields(), place in any::<proptest::sample::Index>(), byte: u8) {
        let mut changed = bytes(&fields.head());
        let at = place.index(changed.len());
        changed[at] = byte;
        if let Ok(head) = Head::parse(&changed) {
            prop_assert_eq!(bytes(&head), changed);
        }
    }

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(Head::parse(&bytes).is_err());
    }

    #[test]
    fn any_bytes_have_one_text_in_a_head(bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        let mut text = String::new();
        percent_encode(&bytes, &mut text);
        prop_assert!(is_encoded(text.as_bytes()));
        prop_assert_eq!(decoded(&text), bytes);
    }
}

/// The plainest decoder there is.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(core::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

#[test]
fn percent_encoding_is_done_for_nothing_else() {
    for text in [
        "", "%", "%2", "%41", "%7b", "%7B%", "%%", "a b", "a\"b", "a{b", "é", "%2F", "%23", "%ZZ",
        "%+1",
    ] {
        assert!(!is_encoded(text.as_bytes()), "{text}");
    }
    for text in [
        "a",
        "%25",
        "%20",
        "%7B",
        "%00%FF",
        "spiffe://acme/pay%20ments#x",
    ] {
        assert!(is_encoded(text.as_bytes()), "{text}");
    }
}

#[test]
fn a_head_has_the_bytes_of_the_page() {
    let expected = "{\"indelible\":1,\"log\":\"log.example.org/orders/00112233445566ff\",\"kind\":\"event\",\"by\":\"unix:1000\",\
        \"via\":\"cli/file\",\"digest\":\"abababababababababababababababababababababababababababababababab\",\"seq\":41,\
        \"time\":\"2026-11-23T10:02:03.000000005Z\",\
        \"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";
    assert_eq!(String::from_utf8(bytes(&plain_head())).unwrap(), expected);
}

#[test]
fn an_error_says_where_and_what() {
    let text = String::from_utf8(bytes(&plain_head())).unwrap();
    let broken = text.replace("unix:1000", "unix 1000");
    let place = text.find("unix:1000").unwrap();
    assert_eq!(
        Head::parse(broken.as_bytes()),
        Err(HeadError::Invalid {
            offset: place,
            what: "by"
        })
    );
    let newer = text.replace("\"indelible\":1", "\"indelible\":2");
    assert_eq!(Head::parse(newer.as_bytes()), Err(HeadError::Unsupported));
}

/// Kind, seq, by, via, log name: is it a fault?
fn check_kind(kind: Kind, seq: u64, by: &'static str, via: &'static str, log: &str, fault: bool) {
    let head = Head {
        shared: Shared {
            kind,
            by,
            via,
            ..plain_shared()
        },
        seq,
        ..plain_head()
    };
    assert_eq!(
        head.kind_fault(log),
        fault,
        "{kind:?} at {seq} by {by} via {via} in {log}"
    );
}

#[test]
fn kinds_stand_where_the_page_allows_them() {
    let node = "node:000102030405060708090a0b0c0d0e0f";
    let own = "node/self";
    check_kind(Kind::Event, 1, "unix:0", "cli/file", "orders", false);
    check_kind(Kind::Event, 0, "unix:0", "cli/file", "orders", true);
    check_kind(Kind::Event, 1, "unix:0", "cli/file", "_node", false);
    check_kind(Kind::Event, 1, node, own, "orders", false);
    check_kind(Kind::Genesis, 0, node, own, "orders", false);
    check_kind(Kind::Genesis, 0, node, own, "_node", false);
    check_kind(Kind::Genesis, 1, node, own, "orders", true);
    check_kind(Kind::Genesis, 0, "unix:0", own, "orders", true);
    check_kind(Kind::Genesis, 0, node, "cli/file", "orders", true);
    for kind in [Kind::Repair, Kind::Clock, Kind::Node] {
        check_kind(kind, 1, node, own, "_node", false);
        check_kind(kind, 1, node, own, "orders", true);
        check_kind(kind, 0, node, own, "_node", true);
        check_kind(kind, 1, "unix:0", own, "_node", true);
        check_kind(kind, 1, node, "node/other", "_node", true);
    }
    let others = Kind::ALL.into_iter().filter(|kind| kind.is_reserved());
    for kind in others.chain([Kind::Key, Kind::Stream]) {
        check_kind(kind, 1, node, own, "orders", false);
        check_kind(kind, 1, "unix:0", own, "orders", true);
        check_kind(kind, 0, node, own, "orders", true);
    }
}

#[test]
fn every_kind_reads_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str().as_bytes()), Some(kind));
    }
    assert_eq!(Kind::parse(b"Event"), None);
}

#[test]
fn a_key_is_judged_before_it_stands_in_a_head_as_the_head_judges_it() {
    let longest = "k".repeat(128);
    for key in [
        "a",
        "order-41",
        "order-41#0",
        "order-41#65535",
        "%C3%A9",
        &longest,
    ] {
        assert!(is_key(key), "{key}");
    }
    for key in [
        "", "#0", "a#", "a#65536", "a#00", "a#b", "a#1#2", "a b", "a\"", "é", "%zz",
    ] {
        assert!(!is_key(key), "{key}");
    }
    assert!(!is_key(&format!("{longest}k")));
}
