use super::*;
use alloc::format;
use alloc::string::String;
use proptest::prelude::*;

fn parts(text: &str) -> Option<(&str, &str, &str)> {
    Origin::parse(text).map(|origin| (origin.node(), origin.log(), origin.incarnation()))
}

#[test]
fn an_origin_falls_into_three_parts() {
    assert_eq!(
        parts("acme.example/audit/0123456789abcdef"),
        Some(("acme.example", "audit", "0123456789abcdef"))
    );
    assert_eq!(
        parts("a/b.c/d_e/_node/0123456789abcdef"),
        Some(("a/b.c/d_e", "_node", "0123456789abcdef"))
    );
    assert_eq!(
        parts("localhost/0/ffffffffffffffff"),
        Some(("localhost", "0", "ffffffffffffffff"))
    );
}

#[test]
fn other_texts_are_no_origins() {
    for text in [
        "",
        "/",
        "//",
        "acme/audit",
        "/audit/0123456789abcdef",
        "acme//0123456789abcdef",
        "acme/audit/0123456789abcde",
        "acme/audit/0123456789abcdef0",
        "acme/audit/0123456789abcdeF",
        "acme/audit/0123456789abcdeg",
        "acme/_other/0123456789abcdef",
        "acme/-audit/0123456789abcdef",
        "acme/Audit/0123456789abcdef",
        "acme/au.dit/0123456789abcdef",
        "Acme/audit/0123456789abcdef",
        "-acme/audit/0123456789abcdef",
        "acme-/audit/0123456789abcdef",
        "acme..example/audit/0123456789abcdef",
        ".acme/audit/0123456789abcdef",
        "acme./audit/0123456789abcdef",
        "acme:8080/audit/0123456789abcdef",
        "acme_x/audit/0123456789abcdef",
        "acme/_s/audit/0123456789abcdef",
        "acme/.s/audit/0123456789abcdef",
        "acme//audit/0123456789abcdef",
        "acmé/audit/0123456789abcdef",
        "acme/audit/0123456789abcdef/",
    ] {
        assert_eq!(Origin::parse(text), None, "{text}");
    }
}

#[test]
fn lengths_are_bounded() {
    let label = "a".repeat(63);
    assert!(is_node_origin(&label) && !is_node_origin(&format!("{label}a")));
    assert!(is_node_origin(&format!("a/{label}")) && !is_node_origin(&format!("a/{label}a")));
    assert!(is_log_name(&label) && !is_log_name(&format!("{label}a")));
    let tail = "/l/0123456789abcdef";
    let node: String = format!("{label}.{label}.{}", "b".repeat(200 - tail.len() - 128));
    assert!(Origin::parse(&format!("{node}{tail}")).is_some());
    assert!(Origin::parse(&format!("{node}b{tail}")).is_none());
}

proptest! {
    #[test]
    fn parts_joined_are_the_origin(text in "[a-z.-]{1,6}(/[a-z._-]{1,3}){0,2}/[a-z_-]{1,4}/[0-9a-f]{16}") {
        if let Some(origin) = Origin::parse(&text) {
            prop_assert_eq!(format!("{}/{}/{}", origin.node(), origin.log(), origin.incarnation()), text);
        }
    }
}

#[test]
fn an_origin_is_shown_as_its_text() {
    let text = "acme.example/orders/00112233445566ff";
    assert_eq!(alloc::format!("{}", Origin::parse(text).unwrap()), text);
}
