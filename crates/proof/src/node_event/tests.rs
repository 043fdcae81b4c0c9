use super::*;
use crate::verdict::{Integrity, Seqs};
use alloc::format;
use alloc::vec;
use proptest::collection::vec as many;
use proptest::prelude::*;

fn bytes(event: &NodeEvent<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    event.encode(&mut out);
    out
}

fn check(event: &NodeEvent<'_>, kind: Kind, text: &str) {
    assert_eq!(String::from_utf8(bytes(event)).unwrap(), text);
    assert_eq!(NodeEvent::parse(text.as_bytes()).as_ref(), Some(event));
    assert_eq!(event.kind(), kind);
    assert!(!is_of_later_version(kind, text.as_bytes()), "{text}");
}

fn time(nanos: u32) -> Time {
    Time::new(1_795_428_123, nanos).unwrap()
}

fn pack(first: u64, last: u64) -> PackId {
    PackId {
        first,
        last,
        ent: Hash([0xab; 32]),
    }
}

fn pack_text(first: u64, last: u64) -> String {
    format!(
        r#""first":{first},"last":{last},"ent":"{}""#,
        "ab".repeat(32)
    )
}

#[test]
fn a_merge_lists_packs_that_hold_exactly_its_batches() {
    let text = |outer: (u64, u64), of: &[(u64, u64)]| {
        let of: Vec<String> = of
            .iter()
            .map(|(first, last)| format!("{{{}}}", pack_text(*first, *last)))
            .collect();
        let outer = pack_text(outer.0, outer.1);
        format!(r#"{{"node":"merge",{outer},"of":[{}]}}"#, of.join(","))
    };
    check(
        &NodeEvent::Merge {
            pack: pack(3, 9),
            of: vec![pack(3, 3), pack(4, 8), pack(9, 9)],
        },
        Kind::Node,
        &text((3, 9), &[(3, 3), (4, 8), (9, 9)]),
    );
    check(
        &NodeEvent::Merge {
            pack: pack(3, 9),
            of: vec![pack(3, 8), pack(9, 9)],
        },
        Kind::Node,
        &text((3, 9), &[(3, 8), (9, 9)]),
    );
    let most = u64::from(u32::MAX);
    for (outer, of) in [
        ((3, 9), &[][..]),
        ((3, 9), &[(3, 9)]),
        ((3, 9), &[(3, 5), (7, 9)]),
        ((3, 9), &[(3, 5), (5, 9)]),
        ((3, 9), &[(3, 5), (6, 8)]),
        ((3, 9), &[(3, 5), (6, 10)]),
        ((3, 9), &[(2, 5), (6, 9)]),
        ((3, 9), &[(6, 9), (3, 5)]),
        ((3, 2), &[(3, 5), (6, 2)]),
        ((0, most), &[(0, most), (most, most)]),
    ] {
        let text = text(outer, of);
        assert_eq!(NodeEvent::parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn every_event_has_the_form_of_the_page() {
    let warnings = vec!["a \"b\" \\ \n".into(), "é".into()];
    let start = NodeEvent::Start {
        software: "indelible 0.1".into(),
        volatile: true,
        register: false,
        warnings,
    };
    check(
        &start,
        Kind::Node,
        r#"{"node":"start","software":"indelible 0.1","volatile":true,"register":false,"warnings":["a \"b\" \\ \u000a","é"]}"#,
    );
    check(
        &NodeEvent::Stop {
            reason: "asked".into(),
        },
        Kind::Node,
        r#"{"node":"stop","reason":"asked"}"#,
    );
    let log = "acme.example/orders/00112233445566ff";
    let hex = "abababababababababababababababababababababababababababababababab";
    let log_text = format!(r#"{{"node":"log","log":"{log}","id":"{hex}"}}"#);
    check(
        &NodeEvent::Log {
            log,
            id: Hash([0xab; 32]),
        },
        Kind::Node,
        &log_text,
    );
    let pack_text = format!(r#"{{"node":"pack","first":0,"last":17,"ent":"{hex}"}}"#);
    check(
        &NodeEvent::Pack {
            first: 0,
            last: 17,
            ent: Hash([0xab; 32]),
        },
        Kind::Node,
        &pack_text,
    );
    let torn = NodeEvent::RepairTorn {
        batch: 9,
        quarantine: vec!["a".into()],
    };
    check(
        &torn,
        Kind::Repair,
        r#"{"repair":"torn","batch":9,"quarantine":["a"]}"#,
    );
    let orphan = NodeEvent::RepairOrphan { quarantine: vec![] };
    check(
        &orphan,
        Kind::Repair,
        r#"{"repair":"orphan","quarantine":[]}"#,
    );
    let moved = NodeEvent::Moved { store: [0xA5; 16] };
    check(
        &moved,
        Kind::Repair,
        r#"{"repair":"moved","store":"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"}"#,
    );
    let (one, two) = (
        "2026-11-23T10:02:03.000000001Z",
        "2026-11-23T10:02:03.000000002Z",
    );
    let ahead = NodeEvent::ClockAhead {
        wall: time(1),
        by_boot: time(2),
    };
    check(
        &ahead,
        Kind::Clock,
        &format!(r#"{{"clock":"ahead","wall":"{one}","by_boot":"{two}"}}"#),
    );
    let back = NodeEvent::ClockBack {
        wall: time(1),
        last: time(2),
    };
    check(
        &back,
        Kind::Clock,
        &format!(r#"{{"clock":"back","wall":"{one}","last":"{two}"}}"#),
    );
    let accept = NodeEvent::ClockAccept {
        wall: time(1),
        last: time(2),
        by: "unix:0".into(),
    };
    check(
        &accept,
        Kind::Clock,
        &format!(r#"{{"clock":"accept","wall":"{one}","last":"{two}","by":"unix:0"}}"#),
    );
}

#[test]
fn streams_and_conflicts_have_the_form_of_the_page() {
    let log = "acme.example/orders/00112233445566ff";
    let conflict = NodeEvent::Conflict {
        log,
        by: "unix:1000",
        key: "a%20b#7",
        seq: 41,
    };
    check(
        &conflict,
        Kind::Node,
        &format!(
            r#"{{"node":"conflict","log":"{log}","by":"unix:1000","key":"a%20b#7","seq":41}}"#
        ),
    );
    let epoch = NodeEvent::StreamEpoch {
        by: "spiffe://acme/till",
        src: "till-7",
        epoch: 1,
        last: Some(40),
    };
    check(
        &epoch,
        Kind::Stream,
        r#"{"stream":"epoch","by":"spiffe://acme/till","src":"till-7","epoch":1,"last":40}"#,
    );
    let handed = NodeEvent::StreamHanded {
        by: "unix:1000",
        src: "till-7",
        to: "dns:till.acme",
        epoch: 0,
        last: None,
    };
    check(
        &handed,
        Kind::Stream,
        r#"{"stream":"handed","by":"unix:1000","src":"till-7","to":"dns:till.acme","epoch":0,"last":null}"#,
    );
}

#[test]
fn a_verdict_is_recorded_with_its_five_texts() {
    let mut verdict = Verdict::only_integrity(Integrity::UnsupportedVersion);
    let verified = NodeEvent::Verified(Verified::of("unix:7", 41, &verdict));
    check(
        &verified,
        Kind::Node,
        r#"{"node":"verified","by":"unix:7","batches":41,"exit":3,"integrity":"unsupported version","authenticity":"unchecked","consistency":"unchecked","witnesses":"unchecked","completeness":"unchecked"}"#,
    );
    for (length, kept) in [(1_010, 1_010), (1_011, 1_008), (1_012, 1_008)] {
        // Two bytes a character, so that the cut must find a border.
        let file = ["x".repeat(length % 2), "é".repeat(length / 2)].concat();
        verdict.integrity = Integrity::Unreadable {
            file: file.clone(),
            offset: 9,
            seqs: Seqs::new(),
        };
        let text = verdict.integrity.to_string();
        let verified = Verified::of("unix:7", 41, &verdict);
        let axis = &verified.axes[0];
        assert!(axis.len() <= VERDICT_TEXT_BYTES_MAX, "{length}");
        let cut = axis.strip_suffix('…').unwrap_or(axis);
        assert!(text.starts_with(cut), "{length}");
        assert_eq!(axis.ends_with('…'), text.len() > VERDICT_TEXT_BYTES_MAX);
        assert!(cut.len() >= kept.min(text.len()), "{length}: {}", cut.len());
        let event = NodeEvent::Verified(verified);
        assert_eq!(NodeEvent::parse(&bytes(&event)), Some(event));
    }
}

#[test]
fn other_forms_are_refused() {
    let axes = |integrity: &str| {
        format!(
            r#""integrity":"{integrity}","authenticity":"ok","consistency":"ok","witnesses":"none asked","completeness":"complete as committed"}}"#
        )
    };
    let verified = |members: &str, integrity: &str| {
        format!(r#"{{"node":"verified",{members},{}"#, axes(integrity))
    };
    let good = verified(r#""by":"unix:7","batches":1,"exit":0"#, &"x".repeat(1_024));
    assert!(NodeEvent::parse(good.as_bytes()).is_some());
    for text in [
        verified(r#""by":"unix:7","batches":1,"exit":0"#, &"x".repeat(1_025)),
        verified(r#""by":"unix:7","batches":1,"exit":2"#, "ok"),
        verified(r#""by":"unix:7","batches":1,"exit":257"#, "ok"),
        verified(r#""by":"unix:7","batches":1"#, "ok"),
        verified(r#""by":"unix:7","exit":0,"batches":1"#, "ok"),
        verified(r#""batches":1,"exit":0"#, "ok"),
        verified(r#""by":"unix:7","batches":-1,"exit":0"#, "ok"),
        good.replace("consistency", "completeness"),
    ] {
        assert_eq!(NodeEvent::parse(text.as_bytes()), None, "{text}");
    }
    for text in [
        r#"{"stream":"epoch","by":"unix:1","src":"a","epoch":0,"last":null}"#,
        r#"{"stream":"epoch","by":"unix:1","src":"a","epoch":1,"last":-1}"#,
        r#"{"stream":"epoch","by":"unix:1","src":"a","epoch":1}"#,
        r#"{"stream":"epoch","by":"unix:1","src":"a b","epoch":1,"last":null}"#,
        r#"{"stream":"epoch","by":"","src":"a","epoch":1,"last":null}"#,
        r#"{"stream":"handed","by":"unix:1","src":"a","epoch":1,"last":null}"#,
        r#"{"stream":"begun","by":"unix:1","src":"a","epoch":1,"last":null}"#,
        r#"{"node":"conflict","log":"x","by":"unix:1","key":"a","seq":1}"#,
        "",
        "{}",
        r#"{"node":"stop"}"#,
        r#"{"node":"stop","reason":"x","more":1}"#,
        r#"{"node":"stop","reason":"x"} "#,
        r#"{"node":"stop", "reason":"x"}"#,
        r#"{"node":"stop","reason":1}"#,
        r#"{"node":"stop","reason":"\q"}"#,
        r#"{"node":"stop","reason":"\ud800"}"#,
        "{\"node\":\"stop\",\"reason\":\"\n\"}",
        r#"{"node":"halt","reason":"x"}"#,
        r#"{"reason":"x","node":"stop"}"#,
        r#"{"repair":"orphan","quarantine":["a",]}"#,
        r#"{"repair":"orphan","quarantine":[,"a"]}"#,
        r#"{"repair":"orphan","quarantine":["a""b"]}"#,
        r#"{"repair":"orphan","quarantine":["a"}"#,
        r#"{"repair":"torn","batch":01,"quarantine":[]}"#,
        r#"{"repair":"moved","store":"0F0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"}"#,
        r#"{"node":"start","software":"x","volatile":1,"register":false,"warnings":[]}"#,
    ] {
        assert_eq!(NodeEvent::parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_word_that_is_not_known_is_a_later_versions_and_a_known_one_never() {
    for (kind, later) in [
        (Kind::Node, r#"{"node":"halt","reason":"x"}"#),
        (Kind::Node, r#"{"node":"stopp","reason":"x"}"#),
        (Kind::Node, r#"{"node":"torn","batch":1}"#),
        (Kind::Repair, r#"{"repair":"a_1"}"#),
        (Kind::Clock, r#"{"clock":"forward"}"#),
        (Kind::Stream, r#"{"stream":"begun","by":"unix:1"}"#),
    ] {
        assert!(is_of_later_version(kind, later.as_bytes()), "{later}");
        assert_eq!(NodeEvent::parse(later.as_bytes()), None, "{later}");
        assert!(!is_of_later_version(Kind::Event, later.as_bytes()));
        assert!(!is_of_later_version(Kind::Key, later.as_bytes()));
    }
    for not in [
        r#"{"node":"stop","reason":"x","more":1}"#,
        r#"{"node":"stop","reason":1}"#,
        r#"{"node":"Halt"}"#,
        r#"{"node":""}"#,
        r#"{"node":"halt"#,
        r#"{"node":1}"#,
        r#"{"node":"abcdefghijklmnopqrstuvwxyz_01234567"}"#,
        r#"{"clock":"forward"}"#,
        r#"{"halt":"node"}"#,
        "{}",
        "",
    ] {
        assert!(!is_of_later_version(Kind::Node, not.as_bytes()), "{not}");
    }
}

#[test]
fn a_text_of_a_verdict_is_whole_up_to_the_longest_that_fits() {
    for length in 1_000..1_030 {
        let verdict = Verdict::only_integrity(Integrity::Unreadable {
            file: "x".repeat(length),
            offset: 9,
            seqs: Seqs::new(),
        });
        let text = verdict.integrity.to_string();
        let verified = Verified::of("unix:7", 41, &verdict);
        let is_whole = verified.axes[0] == text;
        assert_eq!(is_whole, text.len() <= VERDICT_TEXT_BYTES_MAX, "{length}");
    }
}

#[test]
fn a_string_is_read_with_any_escape() {
    let text = r#"{"node":"stop","reason":"\u0041\ud83d\ude00\/\b"}"#;
    let reason = "A\u{1F600}/\u{8}";
    assert_eq!(
        NodeEvent::parse(text.as_bytes()),
        Some(NodeEvent::Stop {
            reason: reason.into()
        })
    );
}

proptest! {
    #[test]
    fn any_text_reads_back(software: String, volatile: bool, register: bool, warnings in many(any::<String>(), 0..4)) {
        let event = NodeEvent::Start { software: software.into(), volatile, register, warnings };
        let text = bytes(&event);
        prop_assert_eq!(NodeEvent::parse(&text), Some(event));
        let mut minified = Vec::new();
        prop_assert_eq!(crate::event::EventReader::new(1 << 20).minify(&text, &mut minified), Ok(()));
        prop_assert_eq!(minified, text);
    }
}
