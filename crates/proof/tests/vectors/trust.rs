//! Policies and trust files.

use crate::evidence::texts;
use crate::memory::report;
use crate::{cases, file, input, number, text, wide};
use indelible_proof::policy::Policy;
use indelible_proof::trust::{Freshness, Trust, TrustError};
use serde_json::{Value, json};

#[test]
fn policies_are_read_and_met_as_the_vectors_say() {
    for case in cases(&file("policy")) {
        let policy = match Policy::parse(&input(case, "policy")) {
            Ok(policy) => policy,
            Err(error) => {
                let got = json!({"refuse": error.line});
                assert_eq!(got, case["expect"], "{}: {error}", case["name"]);
                continue;
            }
        };
        let expect = &case["expect"];
        assert_eq!(expect.get("refuse"), None, "{}", case["name"]);
        assert_eq!(policy.logs.len(), number(&expect["logs"]));
        assert_eq!(policy.witnesses.len(), number(&expect["witnesses"]));
        assert_eq!(json!(policy.asks_for_witnesses()), expect["asks"]);
        let met = expect["met"].as_array().unwrap();
        for some in 0..1_usize << policy.witnesses.len() {
            let seen = |number: usize| some >> number & 1 == 1;
            let set: Vec<usize> = (0..policy.witnesses.len()).filter(|n| seen(*n)).collect();
            if policy.asks_for_witnesses() {
                let (is_met, name) = (met.contains(&json!(set)), &case["name"]);
                assert_eq!(policy.is_met(seen), is_met, "{name}: {set:?}");
            }
        }
    }
}

#[test]
fn evidence_is_judged_under_trust_files_as_the_vectors_say() {
    for case in cases(&file("trust")) {
        let trust = match Trust::parse(text(&case["trust"]).as_bytes()) {
            Ok(trust) => trust,
            Err(error) => {
                assert_eq!(json!(word(error)), case["refuse"], "{}", case["name"]);
                continue;
            }
        };
        assert_eq!(case.get("refuse"), None, "{}", case["name"]);
        let mut report = report(case, Some(&trust.pin), None);
        let seconds = |name: &str| case.get(name).map(|value: &Value| wide(value));
        let freshness = Freshness {
            now: seconds("now"),
            age_max: seconds("max_age"),
        };
        trust.judge(&mut report, freshness);
        assert_eq!(texts(&report.verdict), case["expect"], "{}", case["name"]);
    }
}

fn word(error: TrustError) -> String {
    match error {
        TrustError::TooLarge => "line 1".to_owned(),
        TrustError::Unsupported => "unsupported".to_owned(),
        TrustError::Line(number) => format!("line {number}"),
        TrustError::Policy(_) => "policy".to_owned(),
        TrustError::OtherLog => "other log".to_owned(),
    }
}
