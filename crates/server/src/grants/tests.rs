#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and that is its message"
)]

use super::*;
use proptest::collection::vec as many;
use proptest::prelude::*;
use proptest::sample::select;

fn peer(principal: &str, address: Option<&str>) -> Peer {
    Peer {
        principal: principal.to_owned(),
        address: address.map(|address| address.parse().unwrap()),
        certificate: None,
        expires: None,
    }
}

fn grant(who: &str, role: Role, logs: &[&str], from: &[&str]) -> Grant {
    Grant {
        who: vec![who.to_owned()],
        role,
        logs: logs.iter().map(|log| (*log).to_owned()).collect(),
        from: from.iter().map(|from| from.parse().unwrap()).collect(),
    }
}

fn table(grants: Vec<Grant>) -> Grants {
    Grants::new(grants).unwrap()
}

/// Rows of the decision table: role, then whether each action is allowed, in the order of [`Action::ALL`].
type Rows = [(Role, [bool; 5]); 4];

const IN_A_LOG: Rows = [
    // append, read, read-heads, verify, operate
    (Role::Producer, [true, false, false, false, false]),
    (Role::Reader, [false, true, true, true, false]),
    (Role::Auditor, [false, false, true, true, false]),
    (Role::Operator, [false, false, false, false, true]),
];

#[test]
fn a_role_allows_what_its_row_says_in_its_logs_and_nothing_in_others() {
    for (role, row) in IN_A_LOG {
        for (logs, inside, outside) in [
            (
                &["orders"][..],
                &["orders"][..],
                &["orders2", "order", "_node"][..],
            ),
            (&["or*"], &["orders", "or"], &["o", "tills", "_node"]),
            (&["*"], &["orders", "tills", "0"], &["_node", "_other"]),
            (&["a", "b-*"], &["a", "b-", "b-1"], &["b", "c"]),
        ] {
            let grants = table(vec![grant("dns:till", role, logs, &[])]);
            for (action, allowed) in Action::ALL.into_iter().zip(row) {
                let asks =
                    |who: &str, log: &str| grants.allows(&peer(who, Some("10.0.0.1")), action, log);
                for log in inside {
                    assert_eq!(asks("dns:till", log), allowed, "{role:?} {action:?} {log}");
                    assert!(!asks("dns:other", log), "{role:?} {action:?} {log}");
                }
                for log in outside {
                    assert!(!asks("dns:till", log), "{role:?} {action:?} {log}");
                }
            }
        }
    }
}

#[test]
fn the_nodes_own_log_is_read_by_auditors_and_operators_that_name_it_and_by_nobody_else() {
    let row = |role| match role {
        Role::Auditor => [false, true, true, true, false],
        _ => [false, true, true, true, true],
    };
    for role in [Role::Auditor, Role::Operator] {
        let grants = table(vec![grant("unix:0", role, &["_node"], &[])]);
        for (action, allowed) in Action::ALL.into_iter().zip(row(role)) {
            let root = peer("unix:0", None);
            assert_eq!(
                grants.allows(&root, action, "_node"),
                allowed,
                "{role:?} {action:?}"
            );
            assert!(
                !grants.allows(&root, action, "orders"),
                "{role:?} {action:?}"
            );
        }
    }
    for (role, log) in [
        (Role::Producer, "_node"),
        (Role::Reader, "_node"),
        (Role::Reader, "_*"),
        (Role::Auditor, "_*"),
        (Role::Operator, "_n*"),
    ] {
        let refused = Grants::new(vec![grant("unix:0", role, &[log], &[])]).err();
        assert_eq!(refused, Some(GrantError::OwnLog(1, log.to_owned())));
    }
}

#[test]
fn a_grant_from_networks_counts_only_for_peers_seen_there() {
    let anywhere = table(vec![grant("dns:till", Role::Producer, &["*"], &[])]);
    let networks = ["10.1.0.0/16", "192.0.2.7", "fd00::/8"];
    let there = table(vec![grant("dns:till", Role::Producer, &["*"], &networks)]);
    for (address, allowed) in [
        (Some("10.1.255.1"), true),
        (Some("10.2.0.1"), false),
        (Some("192.0.2.7"), true),
        (Some("192.0.2.8"), false),
        (Some("fd12::1"), true),
        (Some("fe80::1"), false),
        (Some("::ffff:10.1.0.1"), true),
        (Some("::ffff:10.2.0.1"), false),
        // Over a Unix socket it comes from no network.
        (None, false),
    ] {
        let till = peer("dns:till", address);
        assert_eq!(
            there.allows(&till, Action::Append, "a"),
            allowed,
            "{address:?}"
        );
        assert!(anywhere.allows(&till, Action::Append, "a"), "{address:?}");
        let (here, elsewhere) = there.of(&till);
        assert_eq!(
            (here.len(), elsewhere.len()),
            (usize::from(allowed), usize::from(!allowed))
        );
    }
}

#[test]
fn a_listener_serves_what_its_row_says_whoever_asks() {
    let rows = [
        (Purpose::Ingest, [true, false, false, false, false]),
        (Purpose::Query, [false, true, true, true, false]),
        (Purpose::Verify, [false, false, true, true, false]),
        (Purpose::Health, [false, false, false, false, false]),
        (Purpose::Admin, [false, false, false, false, true]),
    ];
    for (purpose, row) in rows {
        for (action, serves) in Action::ALL.into_iter().zip(row) {
            assert_eq!(purpose.serves(action), serves, "{purpose:?} {action:?}");
        }
    }
}

#[test]
fn a_pattern_means_whom_it_says() {
    for (pattern, meant, not) in [
        (
            "*",
            &["dns:a", "unix:7", "spiffe://a/b", "urn:x"][..],
            &[][..],
        ),
        (
            "dns:till",
            &["dns:till"],
            &["dns:till2", "dns:a.till", "unix:0"],
        ),
        (
            "dns:*",
            &["dns:till", "dns:a.b"],
            &["unix:0", "spiffe://dns/x"],
        ),
        (
            "dns:*.acme.example",
            &["dns:a.acme.example", "dns:a.b.acme.example"],
            &[
                "dns:acme.example",
                "dns:aacme.example",
                "dns:.acme.example",
                "dns:a.acme.example.evil",
            ],
        ),
        ("unix:*", &["unix:0", "unix:1000"], &["dns:unix"]),
        ("unix:100", &["unix:100"], &["unix:1000", "unix:10"]),
        (
            "spiffe://acme/*",
            &["spiffe://acme/a", "spiffe://acme/a/b"],
            &["spiffe://acme.evil/a", "spiffe://acme", "spiffe://Acme/a"],
        ),
        (
            "spiffe://acme/ns/prod*",
            &[
                "spiffe://acme/ns/prod",
                "spiffe://acme/ns/prod/sa/x",
                "spiffe://acme/ns/production",
            ],
            &["spiffe://acme/ns/pro"],
        ),
        ("urn:till:*", &["urn:till:7"], &["urn:till"]),
        (
            "https://acme/a%2520b",
            &["https://acme/a%2520b"],
            &["https://acme/a b", "https://acme/a%20b"],
        ),
    ] {
        let grants = table(vec![grant(pattern, Role::Producer, &["*"], &[])]);
        let asks = |who: &&str| grants.allows(&peer(who, None), Action::Append, "a");
        assert!(meant.iter().all(asks), "{pattern}: {meant:?}");
        assert!(!not.iter().any(asks), "{pattern}: {not:?}");
    }
}

#[test]
fn a_table_is_refused_as_a_whole_for_one_grant_that_could_mean_nobody_or_too_many() {
    let good = grant("*", Role::Producer, &["*"], &[]);
    for who in [
        "",
        "till",
        "till*",
        "s*",
        "spiffe:*",
        "spiffe://*",
        "spiffe:///*",
        "spiffe://acme*",
        "spiffe://Acme/*",
        "SPIFFE://acme/*",
        "spiffe://acme//*",
        "spiffe://acme",
        "spiffe://Acme/x",
        "https://acme*",
        "dns:",
        "dns:Till",
        "dns:till*",
        "dns:*till",
        "dns:*.",
        "dns:*.Acme",
        "dns:*.*.acme",
        "dns:10.0.0.1",
        "dns:a b",
        "unix:",
        "unix:root",
        "unix:007",
        "unix:+7",
        "unix:1*",
        "unix:4294967296",
        "node:00000000000000000000000000000000",
        "node:*",
        "**",
        "spiffe://acme/*/x",
        "https://acme/a%20b",
        "https://acme/a b",
        "urn:{*",
    ] {
        let bad = grant(who, Role::Producer, &["*"], &[]);
        let error = Grants::new(vec![good.clone(), bad]).err();
        assert!(
            matches!(&error, Some(GrantError::BadPrincipal(2, named, _)) if named == who),
            "{who}: {error:?}"
        );
    }
    for log in [
        "",
        "Orders",
        "or ders",
        "**",
        "*s",
        "a*b",
        "-a",
        "ord/ers",
        &"a".repeat(64),
    ] {
        let error = Grants::new(vec![grant("*", Role::Reader, &[log], &[])]).err();
        assert_eq!(error, Some(GrantError::BadLog(1, log.to_owned())));
    }
    let nobody = Grant {
        who: Vec::new(),
        ..good.clone()
    };
    assert_eq!(
        Grants::new(vec![nobody]).err(),
        Some(GrantError::Empty(1, "principal"))
    );
    let nothing = Grant {
        logs: Vec::new(),
        ..good.clone()
    };
    assert_eq!(
        Grants::new(vec![nothing]).err(),
        Some(GrantError::Empty(1, "log"))
    );
    assert!(Grants::new(vec![grant("*", Role::Operator, &[], &[])]).is_ok());
    assert_eq!(
        Grants::new(vec![good.clone(); GRANTS_MAX + 1]).err(),
        Some(GrantError::TooMany)
    );
    let long = grant(
        &format!("urn:{}", "x".repeat(2_000)),
        Role::Producer,
        &["*"],
        &[],
    );
    assert!(Grants::new(vec![long.clone(); 400]).is_ok());
    assert_eq!(
        Grants::new(vec![long; 500]).err(),
        Some(GrantError::TooMany)
    );
}

#[test]
fn whoever_operates_needs_a_grant_that_says_so_and_no_log() {
    let grants = table(vec![
        grant("unix:0", Role::Operator, &[], &[]),
        grant("dns:ops", Role::Operator, &["*"], &["10.0.0.0/8"]),
        grant("dns:auditor", Role::Auditor, &["*", "_node"], &[]),
    ]);
    assert!(grants.operation(&peer("unix:0", None)).is_some());
    assert!(
        grants
            .operation(&peer("dns:ops", Some("10.1.1.1")))
            .is_some()
    );
    assert!(
        grants
            .operation(&peer("dns:ops", Some("11.1.1.1")))
            .is_none()
    );
    assert!(grants.operation(&peer("dns:auditor", None)).is_none());
    assert!(grants.operation(&peer("unix:1", None)).is_none());
    assert!(Grants::default().operation(&peer("unix:0", None)).is_none());
}

#[test]
fn a_grant_of_the_configuration_reads_back_and_unknown_members_are_refused() {
    let given = r#"{"who":["dns:till"],"role":"auditor","logs":["*"],"from":["10.0.0.0/8"]}"#;
    let read: Grant = serde_json::from_str(given).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), given);
    let bytes = table(vec![read]).encoded();
    assert_eq!(String::from_utf8(bytes).unwrap(), format!("[{given}]"));
    for bad in [
        given.replace("auditor", "Auditor"),
        given.replace("auditor", "admin"),
        given.replace("\"from\"", "\"form\""),
        given.replace("10.0.0.0/8", "10.0.0.1/8"),
        given.replace("\"who\":[\"dns:till\"],", ""),
    ] {
        assert!(serde_json::from_str::<Grant>(&bad).is_err(), "{bad}");
    }
    for role in Role::ALL {
        let word = format!("\"{}\"", role.as_str());
        assert_eq!(serde_json::from_str::<Role>(&word).unwrap(), role);
    }
    for action in Action::ALL {
        let word = format!("\"{}\"", action.as_str());
        assert_eq!(serde_json::from_str::<Action>(&word).unwrap(), action);
    }
}

const PRINCIPALS: [&str; 5] = ["dns:a", "dns:b.acme", "unix:7", "spiffe://acme/x", "urn:x"];
const LOGS: [&str; 5] = ["orders", "or", "tills", "_node", "none"];
const ADDRESSES: [Option<&str>; 4] = [None, Some("10.1.0.1"), Some("192.0.2.1"), Some("fd00::1")];

prop_compose! {
    fn any_grant()(
        who in many(select(vec!["*", "dns:*", "dns:*.acme", "unix:*", "spiffe://acme/*", "dns:a", "dns:b.acme", "unix:7", "urn:x"]), 1..3),
        role in select(Role::ALL.to_vec()),
        logs in many(select(vec!["*", "or*", "orders", "tills", "_node"]), 1..3),
        from in many(select(vec!["10.0.0.0/8", "192.0.2.0/24", "fd00::/8"]), 0..3),
    ) -> Grant {
        let reads_own = matches!(role, Role::Auditor | Role::Operator);
        let logs = logs.into_iter().filter(|log| reads_own || *log != "_node");
        let mut logs: Vec<String> = logs.map(str::to_owned).collect();
        if logs.is_empty() {
            logs.push("or".to_owned());
        }
        Grant {
            who: who.into_iter().map(str::to_owned).collect(),
            role,
            logs,
            from: from.into_iter().map(|from| from.parse().unwrap()).collect(),
        }
    }
}

/// Every decision there is over these principals, addresses, actions and logs.
fn decisions(grants: &Grants) -> Vec<bool> {
    let mut all = Vec::new();
    for principal in PRINCIPALS {
        for address in ADDRESSES {
            let peer = peer(principal, address);
            all.push(grants.operation(&peer).is_some());
            for action in Action::ALL {
                all.extend(LOGS.map(|log| grants.allows(&peer, action, log)));
            }
        }
    }
    all
}

/// One table's decisions as anybody would write them down: grant by grant.
fn plainly(grants: &[Grant]) -> Vec<bool> {
    let alone: Vec<Vec<bool>> = grants
        .iter()
        .map(|grant| decisions(&table(vec![grant.clone()])))
        .collect();
    let none = decisions(&Grants::default());
    alone.iter().fold(none, |sum, one| {
        sum.iter().zip(one).map(|(sum, one)| *sum || *one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_order_of_grants_changes_a_decision(grants in many(any_grant(), 0..6).prop_flat_map(|grants| (Just(grants.clone()), Just(grants).prop_shuffle()))) {
        let (ordered, shuffled) = grants;
        let decided = decisions(&table(ordered.clone()));
        prop_assert_eq!(&decided, &decisions(&table(shuffled)));
        prop_assert_eq!(decided, plainly(&ordered));
    }

    #[test]
    fn taking_a_grant_away_never_allows_more(grants in many(any_grant(), 1..6), index: prop::sample::Index) {
        let mut fewer = grants.clone();
        fewer.remove(index.index(grants.len()));
        let (before, after) = (decisions(&table(grants)), decisions(&table(fewer)));
        prop_assert!(before.iter().zip(&after).all(|(before, after)| *before || !after));
    }
}
