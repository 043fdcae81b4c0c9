use super::*;
use crate::event::EventReader;
use crate::head::Kind;
use crate::node_event::{NodeEvent, is_of_later_version};

use alloc::vec;
use proptest::collection::vec as many;
use proptest::prelude::*;

fn bytes(event: &NodeEvent<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    event.encode(&mut out);
    out
}

fn check(event: &NodeEvent<'_>, text: &str) {
    assert_eq!(String::from_utf8(bytes(event)).unwrap(), text);
    assert_eq!(NodeEvent::parse(text.as_bytes()).as_ref(), Some(event));
    assert_eq!(event.kind(), Kind::Node);
    assert!(!is_of_later_version(Kind::Node, text.as_bytes()), "{text}");
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| String::from(*text)).collect()
}

#[test]
fn grants_and_networks_have_the_form_of_the_page() {
    let grants = vec![
        GrantLine {
            who: texts(&["spiffe://acme/payments", "dns:till*"]),
            role: "producer".into(),
            logs: texts(&["orders"]),
            from: vec![],
        },
        GrantLine {
            who: texts(&["unix:0"]),
            role: "operator".into(),
            logs: vec![],
            from: texts(&["10.0.0.0/8", "fd00::/8"]),
        },
    ];
    let by = Cow::Borrowed("unix:1000");
    check(
        &NodeEvent::Grants {
            by: by.clone(),
            grants,
        },
        r#"{"node":"grants","by":"unix:1000","grants":[{"who":["spiffe://acme/payments","dns:till*"],"role":"producer","logs":["orders"],"from":[]},{"who":["unix:0"],"role":"operator","logs":[],"from":["10.0.0.0/8","fd00::/8"]}]}"#,
    );
    let none = NodeEvent::Grants {
        by: by.clone(),
        grants: vec![],
    };
    check(&none, r#"{"node":"grants","by":"unix:1000","grants":[]}"#);
    check(
        &NodeEvent::Networks {
            by: by.clone(),
            networks: texts(&["192.0.2.0/24"]),
            listeners: vec![ListenerLine {
                purpose: "ingest".into(),
                listen: "internal:7443".into(),
                allow_from: texts(&["10.0.0.0/8"]),
            }],
        },
        r#"{"node":"networks","by":"unix:1000","networks":["192.0.2.0/24"],"listeners":[{"purpose":"ingest","listen":"internal:7443","allow_from":["10.0.0.0/8"]}]}"#,
    );
    let none = NodeEvent::Networks {
        by,
        networks: vec![],
        listeners: vec![],
    };
    check(
        &none,
        r#"{"node":"networks","by":"unix:1000","networks":[],"listeners":[]}"#,
    );
}

#[test]
fn denials_have_the_form_of_the_page() {
    let one = Denied {
        by: Some("dns:till-7".into()),
        action: Some("read-heads".into()),
        log: Some("orders".into()),
        from: Some("10.1.2.3".into()),
        policy: Some(4),
        count: 1,
    };
    check(
        &NodeEvent::Denied(one),
        r#"{"node":"denied","by":"dns:till-7","action":"read-heads","log":"orders","from":"10.1.2.3","policy":4,"count":1}"#,
    );
    let many = Denied {
        by: None,
        action: None,
        log: None,
        from: None,
        policy: None,
        count: 900,
    };
    check(
        &NodeEvent::Denied(many),
        r#"{"node":"denied","by":null,"action":null,"log":null,"from":null,"policy":null,"count":900}"#,
    );
}

#[test]
fn other_forms_are_refused() {
    let grants = r#"{"node":"grants","by":"a","grants":[{"who":["b"],"role":"reader","logs":["c"],"from":[]}]}"#;
    let networks = r#"{"node":"networks","by":"a","networks":[],"listeners":[{"purpose":"query","listen":"b","allow_from":[]}]}"#;
    let denied =
        r#"{"node":"denied","by":"a","action":"append","log":"b","from":"c","policy":1,"count":1}"#;
    for (good, part, other) in [
        (grants, r#""by":"a","#, ""),
        (grants, r#""by":"a""#, r#""by":null"#),
        (grants, "reader", ""),
        (grants, "reader", "Reader"),
        (grants, "reader", &"r".repeat(33)),
        (grants, r#"["b"]"#, r#""b""#),
        (grants, r#","from":[]"#, ""),
        (grants, r#""from":[]}"#, r#""from":[],"more":1}"#),
        (grants, "[{", "[{}{"),
        (grants, "}]", "},]"),
        (grants, "[{", "[,{"),
        (grants, "}]", "}"),
        (networks, "query", "que ry"),
        (networks, r#","networks":[]"#, ""),
        (networks, r#""listen":"b""#, r#""listen":["b"]"#),
        (networks, r#""allow_from":[]"#, r#""allow_from":null"#),
        (denied, r#""count":1"#, r#""count":0"#),
        (denied, r#""count":1"#, r#""count":null"#),
        (denied, r#""policy":1"#, r#""policy":-1"#),
        (denied, r#""policy":1,"#, ""),
        (denied, "append", ""),
        (denied, "append", "ap pend"),
        (denied, r#""from":"c","#, ""),
    ] {
        assert!(NodeEvent::parse(good.as_bytes()).is_some(), "{good}");
        let bad = good.replace(part, other);
        assert_ne!(bad, good);
        assert_eq!(NodeEvent::parse(bad.as_bytes()), None, "{bad}");
        assert!(!is_of_later_version(Kind::Node, bad.as_bytes()), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_table_reads_back(by: String, who in many(any::<String>(), 0..3), role in "[a-z0-9_-]{1,32}", from in many(any::<String>(), 0..3), count in 0_usize..4) {
        let line = GrantLine { logs: who.clone(), who, role, from };
        let event = NodeEvent::Grants { by: by.into(), grants: vec![line; count] };
        let text = bytes(&event);
        prop_assert_eq!(NodeEvent::parse(&text), Some(event));
        let mut minified = Vec::new();
        prop_assert_eq!(EventReader::new(1 << 20).minify(&text, &mut minified), Ok(()));
        prop_assert_eq!(minified, text);
    }

    #[test]
    fn any_denial_reads_back(by: Option<String>, log: Option<String>, from: Option<String>, policy in 0_u64..9, count in 1_u64..9) {
        let event = NodeEvent::Denied(Denied {
            by: by.map(Cow::Owned),
            action: log.is_some().then(|| "append".into()),
            log: log.map(Cow::Owned),
            from: from.map(Cow::Owned),
            policy: policy.checked_sub(1),
            count,
        });
        let text = bytes(&event);
        prop_assert_eq!(NodeEvent::parse(&text), Some(event));
    }
}
