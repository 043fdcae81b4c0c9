use super::*;
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::fmt;
use proptest::prelude::*;

fn seqs(seqs: impl IntoIterator<Item = u64>) -> Seqs {
    seqs.into_iter().collect()
}

fn good() -> Verdict {
    Verdict {
        integrity: Integrity::Ok,
        authenticity: Authenticity::Ok,
        consistency: Consistency::Ok,
        witnesses: Witnesses::QuorumMet,
        completeness: Completeness::Population { first: 0, last: 99 },
    }
}

/// A value, its text and exit code, and the verdict that is good but for it.
fn check(text: &str, code: u8, value: &impl fmt::Display, verdict: &Verdict) {
    assert_eq!(value.to_string(), text);
    assert_eq!(verdict.exit_code(), code, "{text}");
}

#[test]
fn a_verdict_is_five_lines() {
    let verdict = Verdict {
        integrity: Integrity::EventAltered(seqs([41])),
        authenticity: Authenticity::SelfKeyed,
        consistency: Consistency::Unchecked,
        witnesses: Witnesses::NoneAsked,
        ..good()
    };
    assert_eq!(
        verdict.to_string(),
        "integrity: event altered(41)\nauthenticity: self-keyed\nconsistency: unchecked\nwitnesses: none asked\n\
         completeness: population complete(0…99)"
    );
}

#[test]
fn integrity_has_the_texts_and_codes_of_the_page() {
    let log = || String::from("log.example.org/orders/00112233445566ff");
    let unreadable = |seqs| Integrity::Unreadable {
        file: "sealed/0.rec".into(),
        offset: 4_096,
        seqs,
    };
    for (text, code, integrity) in [
        ("ok", 0, Integrity::Ok),
        (
            "ok, by batch key(log.example.org/orders/00112233445566ff 3…5)",
            0,
            Integrity::OkByBatchKey {
                log: log(),
                first: 3,
                last: 5,
            },
        ),
        (
            "event altered(1, 2)",
            1,
            Integrity::EventAltered(seqs([1, 2])),
        ),
        ("head altered(0)", 1, Integrity::HeadAltered(seqs([0]))),
        ("entry altered(7)", 1, Integrity::EntryAltered(seqs([7]))),
        ("record altered(7)", 1, Integrity::RecordAltered(seqs([7]))),
        (
            "tile altered(8, 3)",
            1,
            Integrity::TileAltered { level: 8, n: 3 },
        ),
        ("unreadable(sealed/0.rec, 4096)", 1, unreadable(Seqs::new())),
        (
            "unreadable(sealed/0.rec, 4096; 1, 2)",
            1,
            unreadable(seqs([1, 2])),
        ),
        ("root mismatch(5)", 1, Integrity::RootMismatch(5)),
        ("missing(4)", 1, Integrity::Missing(seqs([4]))),
        ("missing(batch 4)", 1, Integrity::MissingBatch(4)),
        ("log fault(2, prev)", 1, Integrity::LogFault(2, Rule::Prev)),
        ("malformed(line 3)", 1, Integrity::Malformed(Part::Line(3))),
        (
            "malformed(checkpoint)",
            1,
            Integrity::Malformed(Part::Checkpoint),
        ),
        ("malformed(record)", 1, Integrity::Malformed(Part::Record)),
        ("unsupported version", 3, Integrity::UnsupportedVersion),
        ("unchecked", 3, Integrity::Unchecked),
    ] {
        let verdict = Verdict {
            integrity: integrity.clone(),
            ..good()
        };
        check(text, code, &integrity, &verdict);
    }
}

#[test]
fn rules_have_the_words_of_the_page() {
    let rules = [
        Rule::Head,
        Rule::Log,
        Rule::Seq,
        Rule::Kind,
        Rule::Prev,
        Rule::Time,
        Rule::Event,
        Rule::Genesis,
    ];
    let words: Vec<_> = rules.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(words.join(" "), "head log seq kind prev time event genesis");
}

#[test]
fn authenticity_has_the_texts_and_codes_of_the_page() {
    for (text, code, authenticity) in [
        ("ok", 0, Authenticity::Ok),
        (
            "ok, not yet post-quantum",
            0,
            Authenticity::OkNotYetPostQuantum,
        ),
        ("self-keyed", 3, Authenticity::SelfKeyed),
        ("self-keyed (own store)", 0, Authenticity::SelfKeyedOwnStore),
        ("unknown key", 3, Authenticity::UnknownKey),
        ("key retired", 1, Authenticity::KeyRetired),
        ("key walk broken", 1, Authenticity::KeyWalkBroken),
        ("signature invalid", 1, Authenticity::SignatureInvalid),
        ("unchecked", 3, Authenticity::Unchecked),
    ] {
        check(
            text,
            code,
            &authenticity,
            &Verdict {
                authenticity,
                ..good()
            },
        );
    }
}

#[test]
fn consistency_has_the_texts_and_codes_of_the_page() {
    let note = || String::from("a note");
    for (text, code, consistency) in [
        ("ok", 0, Consistency::Ok),
        (
            "fork",
            1,
            Consistency::Fork {
                one: note(),
                other: note(),
            },
        ),
        ("rollback", 1, Consistency::Rollback { newer: note() }),
        ("unchecked", 0, Consistency::Unchecked),
        ("unchecked", 3, Consistency::UncheckedThoughAsked),
    ] {
        let verdict = Verdict {
            consistency: consistency.clone(),
            ..good()
        };
        check(text, code, &consistency, &verdict);
    }
}

#[test]
fn witnesses_have_the_texts_and_codes_of_the_page() {
    for (text, code, witnesses) in [
        ("none asked", 0, Witnesses::NoneAsked),
        ("quorum met", 0, Witnesses::QuorumMet),
        ("quorum missing", 3, Witnesses::QuorumMissing),
        ("stale(90 s)", 3, Witnesses::Stale { age_secs: 90 }),
        ("time contradicted", 1, Witnesses::TimeContradicted),
        ("unchecked", 3, Witnesses::Unchecked),
    ] {
        check(
            text,
            code,
            &witnesses,
            &Verdict {
                witnesses,
                ..good()
            },
        );
    }
}

#[test]
fn completeness_has_the_texts_and_codes_of_the_page() {
    for (text, code, completeness) in [
        (
            "population complete(3…9)",
            0,
            Completeness::Population { first: 3, last: 9 },
        ),
        ("complete (re-derived)", 0, Completeness::Rederived),
        ("complete as committed", 0, Completeness::AsCommitted),
        (
            "selective: proves nothing about the rest",
            0,
            Completeness::Selective,
        ),
        ("content withheld", 0, Completeness::ContentWithheld),
        (
            "incomplete(batch 7 torn or damaged, no later trace of it)",
            3,
            Completeness::TornBatch(7),
        ),
        (
            "incomplete(batch 7 in flight)",
            0,
            Completeness::BatchInFlight(7),
        ),
        ("incomplete(2 lost)", 1, Completeness::Lost(2)),
        ("incomplete(ends early)", 1, Completeness::EndsEarly),
        (
            "expired or erased under record",
            0,
            Completeness::ErasedUnderRecord,
        ),
        (
            "erased without record(2)",
            1,
            Completeness::ErasedWithoutRecord(seqs([2])),
        ),
        ("unchecked", 3, Completeness::Unchecked),
    ] {
        let verdict = Verdict {
            completeness: completeness.clone(),
            ..good()
        };
        check(text, code, &completeness, &verdict);
    }
}

#[test]
fn what_is_wrong_outweighs_what_is_not_verifiable() {
    let doubtful = Verdict {
        authenticity: Authenticity::SelfKeyed,
        ..good()
    };
    let wrong = Verdict {
        completeness: Completeness::Lost(1),
        ..doubtful.clone()
    };
    assert_eq!((doubtful.exit_code(), wrong.exit_code()), (3, 1));
    assert_eq!(good().exit_code(), 0);
}

#[test]
fn past_eight_seqs_the_first_and_the_count_are_named() {
    assert_eq!(Seqs::new().to_string(), "");
    assert_eq!(seqs(1..9).to_string(), "1, 2, 3, 4, 5, 6, 7, 8");
    assert_eq!(seqs(1..10).to_string(), "1, 2, 3, 4, 5, 6, 7, 8; 9 in all");
    let mut many = seqs([u64::MAX]);
    many.add_range(0..u64::MAX);
    assert_eq!(
        many.to_string(),
        format!("0, 1, 2, 3, 4, 5, 6, 7; {} in all", u64::MAX)
    );
}

proptest! {
    #[test]
    fn the_lowest_seqs_are_named_in_whatever_order_they_come(mut numbers in prop::collection::hash_set(0_u64..40, 0..20), from in 40_u64..50, length in 0_u64..20) {
        let mut some: Seqs = numbers.iter().copied().collect();
        some.add_range(from..from + length);
        numbers.extend(from..from + length);
        let mut sorted: Vec<u64> = numbers.into_iter().collect();
        sorted.sort_unstable();
        prop_assert_eq!(some.count(), u64::try_from(sorted.len()).unwrap());
        sorted.truncate(8);
        prop_assert_eq!(some.named(), sorted);
    }
}
