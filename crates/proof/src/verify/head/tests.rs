use super::*;
use crate::head::{Kind, Own, Shared};
use crate::origin::Origin;
use alloc::string::String;
use alloc::vec::Vec;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";
const OTHER: &str = "acme.example/orders/ff66554433221100";

fn time(nanos: u32) -> Time {
    Time::new(1_795_428_000, nanos).unwrap()
}

fn head() -> Head<'static> {
    Head {
        log: Origin::parse(ORIGIN).unwrap(),
        shared: Shared {
            kind: Kind::Event,
            by: "unix:1000",
            via: "cli/file",
            from: None,
            cert: None,
            policy: None,
            format: None,
        },
        own: Own::default(),
        digest: Hash([1; 32]),
        seq: 7,
        time: time(5),
        prev: Hash([6; 32]),
    }
}

fn before() -> Before {
    Before {
        entry: Some(Hash([6; 32])),
        time: Some(time(4)),
    }
}

fn bytes(head: &Head<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    head.encode(&mut bytes);
    bytes
}

/// The rule that this head, as record 7 of the log, breaks.
fn check(head: &Head<'_>, before: &Before, broken: Option<Rule>) {
    let bytes = bytes(head);
    let expected = broken.map_or(Ok(*head), |rule| Err(HeadFault::Rule(rule)));
    assert_eq!(check_head(&bytes, ORIGIN, 7, before), expected);
}

#[test]
fn a_head_in_its_place_breaks_no_rule() {
    check(&head(), &before(), None);
}

#[test]
fn each_rule_is_checked() {
    let node = Shared {
        kind: Kind::Node,
        ..head().shared
    };
    check(
        &Head {
            log: Origin::parse(OTHER).unwrap(),
            ..head()
        },
        &before(),
        Some(Rule::Log),
    );
    check(&Head { seq: 8, ..head() }, &before(), Some(Rule::Seq));
    check(
        &Head {
            shared: node,
            ..head()
        },
        &before(),
        Some(Rule::Kind),
    );
    check(
        &Head {
            prev: Hash::ZERO,
            ..head()
        },
        &before(),
        Some(Rule::Prev),
    );
    check(
        &Head {
            time: time(4),
            ..head()
        },
        &before(),
        Some(Rule::Time),
    );
    check(
        &Head {
            time: time(3),
            ..head()
        },
        &before(),
        Some(Rule::Time),
    );
    assert_eq!(
        check_head(b"{}", ORIGIN, 7, &before()),
        Err(HeadFault::Rule(Rule::Head))
    );
}

#[test]
fn of_several_broken_rules_the_first_is_named() {
    let node = Shared {
        kind: Kind::Node,
        ..head().shared
    };
    let mut head = Head {
        log: Origin::parse(OTHER).unwrap(),
        seq: 8,
        shared: node,
        prev: Hash::ZERO,
        time: time(4),
        ..head()
    };
    check(&head, &before(), Some(Rule::Log));
    head.log = Origin::parse(ORIGIN).unwrap();
    check(&head, &before(), Some(Rule::Seq));
    head.seq = 7;
    check(&head, &before(), Some(Rule::Kind));
    head.shared.kind = Kind::Event;
    check(&head, &before(), Some(Rule::Prev));
    head.prev = Hash([6; 32]);
    check(&head, &before(), Some(Rule::Time));
}

#[test]
fn what_is_not_known_of_the_record_before_is_not_checked() {
    let head = Head {
        prev: Hash::ZERO,
        time: time(0),
        ..head()
    };
    check(&head, &Before::first(7), None);
    check(
        &head,
        &Before {
            entry: None,
            time: Some(time(1)),
        },
        Some(Rule::Time),
    );
    check(
        &head,
        &Before {
            entry: Some(Hash([6; 32])),
            time: None,
        },
        Some(Rule::Prev),
    );
    assert_eq!(Before::first(0).entry, Some(Hash::ZERO));
}

#[test]
fn later_versions_and_reserved_kinds_are_unsupported() {
    let good = String::from_utf8(bytes(&head())).unwrap();
    for head in [
        good.replace("{\"indelible\":1", "{\"indelible\":2"),
        good.replace("\"via\"", "\"vib\""),
        good.replace("\"kind\":\"event\"", "\"kind\":\"successor\""),
        good.replace("\"kind\":\"event\"", "\"kind\":\"erasure\""),
    ] {
        assert_eq!(
            check_head(head.as_bytes(), ORIGIN, 7, &before()),
            Err(HeadFault::Unsupported),
            "{head}"
        );
    }
}

#[test]
fn a_fault_is_a_value_of_the_verdict() {
    assert_eq!(
        HeadFault::Unsupported.integrity(7),
        Integrity::UnsupportedVersion
    );
    assert_eq!(
        HeadFault::Rule(Rule::Prev).integrity(7),
        Integrity::LogFault(7, Rule::Prev)
    );
}
