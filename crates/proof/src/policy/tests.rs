use super::*;
use alloc::format;
use alloc::string::{String, ToString as _};
use proptest::prelude::*;

/// A witness's key by its number; whether it could sign is not asked here.
fn vkey(number: u8) -> String {
    let (name, public) = (format!("witness.example/{number}"), [number; 32]);
    let id = crate::key::key_id(&name, crate::key::KeyType::Ed25519Cosignature, &public);
    let key = [&[4], &public[..]].concat();
    let base64 = crate::strict_base64::encode(&key);
    format!("{name}+{}+{base64}", crate::key::id_hex(id))
}

#[test]
fn a_quorum_counts_each_witness_once() {
    let witnesses: String = (0..5)
        .map(|number| format!("witness w{number} {}\n", vkey(number)))
        .collect();
    let policy = |rules: &str| Policy::parse(format!("{witnesses}{rules}").as_bytes()).unwrap();
    let met = |policy: &Policy, seen: &[usize]| policy.is_met(|number| seen.contains(&number));
    let two_and_any = policy("group a 2 w0 w1 w2\ngroup b any w3 w4\ngroup c all a b\nquorum c\n");
    assert!(met(&two_and_any, &[0, 2, 4]));
    for seen in [&[0, 1, 2][..], &[3, 4], &[0, 3], &[]] {
        assert!(!met(&two_and_any, seen), "{seen:?}");
    }
    assert!(met(&policy("quorum w1\n"), &[1]));
    assert!(!met(&policy("quorum w1\n"), &[0, 2]));
    let none = policy("quorum none\n");
    assert!(met(&none, &[]) && !none.asks_for_witnesses());
    let twice = format!("{witnesses}group a any w0\ngroup b any w0 w1\nquorum a\n");
    assert_eq!(Policy::parse(twice.as_bytes()).unwrap_err().line, 7);
}

#[test]
fn a_policy_of_too_many_lines_or_bytes_is_refused() {
    let lines = |count: usize| format!("{}quorum none\n", "\n".repeat(count - 1));
    assert!(Policy::parse(lines(1_000).as_bytes()).is_ok());
    let error = Policy::parse(lines(1_001).as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the policy's line 1001: more than 1,000 lines"
    );
    let long = format!("#{}\nquorum none\n", "x".repeat((1 << 20) - 14));
    assert!(Policy::parse(long.as_bytes()).is_ok(), "{}", long.len());
    assert!(Policy::parse(format!("\n{long}").as_bytes()).is_err());
}

#[test]
fn what_is_wrong_in_a_line_is_said() {
    let key = vkey(1);
    for (line, what) in [
        ("log", "another number of items than such a line has"),
        ("witness a", "another number of items than such a line has"),
        ("group a 1", "another number of items than such a line has"),
        ("quorum", "another number of items than such a line has"),
        (
            "quorum none none",
            "another number of items than such a line has",
        ),
        (
            &format!("witness a {key} b c"),
            "another number of items than such a line has",
        ),
        ("Quorum none", "an unknown keyword"),
    ] {
        let error = Policy::parse(format!("{line}\n").as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the policy's line 1: {what}"),
            "{line}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_stop_the_reader(text in "(log|witness|group|quorum|none|any|all|[a-c]|[0-3]|[ \t\n#]){0,60}") {
        let _ = Policy::parse(text.as_bytes()).is_ok();
    }
}
