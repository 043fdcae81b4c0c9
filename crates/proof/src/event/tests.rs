use super::*;
use crate::limits::{EVENT_BYTES_DEFAULT, EVENT_BYTES_MAX};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use proptest::prelude::*;
use serde_json::Value;

fn minify(input: &[u8]) -> Result<Vec<u8>, EventError> {
    let mut out = Vec::new();
    EventReader::new(EVENT_BYTES_DEFAULT)
        .minify(input, &mut out)
        .map(|()| out)
}

fn refused(input: &str, reason: Reason, offset: usize) {
    assert_eq!(
        minify(input.as_bytes()),
        Err(EventError { reason, offset }),
        "{input}"
    );
}

/// What holds for any input, whatever it is.
fn check_any(input: &[u8]) {
    let judged = minify(input);
    let foreign = serde_json::from_slice::<Value>(input);
    match (&judged, &foreign) {
        (Ok(kept), Ok(value)) => {
            assert_eq!(
                minify(kept).as_ref(),
                Ok(kept),
                "minifying again changes nothing"
            );
            assert_eq!(EventReader::new(kept.len()).check_stored(kept), Ok(()));
            assert_eq!(
                serde_json::from_slice::<Value>(kept).unwrap(),
                *value,
                "minifying keeps the value"
            );
            let short = EventReader::new(kept.len() - 1)
                .check_stored(kept)
                .unwrap_err();
            assert_eq!(
                (short.reason, short.offset),
                (Reason::TooLarge, kept.len() - 1)
            );
        }
        (Ok(_), Err(error)) => panic!("accepted what another reader refuses: {error}"),
        (Err(error), Ok(value)) => assert!(
            !value.is_object()
                || matches!(
                    error.reason,
                    Reason::DuplicateName
                        | Reason::NulInName
                        | Reason::TooDeep
                        | Reason::NumberTooLong
                        | Reason::TooManyMembers
                ),
            "refused what is plain JSON: {error}"
        ),
        (Err(_), Err(_)) => {}
    }
    if let Err(error) = judged {
        assert!(error.offset <= input.len());
    }
}

/// An event in two forms: as somebody may write it, and without the white space.
#[derive(Clone, Debug, Default)]
struct Written {
    wide: String,
    kept: String,
}

impl Written {
    fn token(text: String) -> Written {
        Written {
            wide: text.clone(),
            kept: text,
        }
    }

    /// Joins parts with white space around each.
    fn join(parts: &[Written], white: &str) -> Written {
        let mut whole = Written::default();
        for part in parts {
            whole.wide += white;
            whole.wide += &part.wide;
            whole.kept += &part.kept;
        }
        whole.wide += white;
        whole
    }
}

fn token(text: &str) -> Written {
    Written::token(text.to_string())
}

fn written_string(text: &str, escapes: &[bool]) -> String {
    let mut out = String::from("\"");
    for (character, escape) in text.chars().zip(escapes.iter().cycle()) {
        if *escape || character < ' ' || character == '"' || character == '\\' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out += &format!("\\u{unit:04X}");
            }
        } else {
            out.push(character);
        }
    }
    out + "\""
}

fn string() -> impl Strategy<Value = Written> {
    ("(.|[ -~]){0,20}", any::<[bool; 3]>())
        .prop_map(|(text, escapes)| Written::token(written_string(&text, &escapes)))
}

fn value() -> impl Strategy<Value = Written> {
    let number =
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?".prop_map(Written::token);
    let word = prop_oneof![
        Just(token("true")),
        Just(token("false")),
        Just(token("null"))
    ];
    let leaf = prop_oneof![string(), number, word];
    let white = "[ \t\r\n]{0,2}";
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..5), white)
                .prop_map(|(values, white)| list(values, &white)),
            (proptest::collection::vec((string(), inner), 0..5), white)
                .prop_map(|(members, white)| object(members, &white)),
        ]
    })
}

fn list(values: Vec<Written>, white: &str) -> Written {
    let mut parts = vec![token("[")];
    for (index, value) in values.into_iter().enumerate() {
        parts.extend((index > 0).then(|| token(",")));
        parts.push(value);
    }
    parts.push(token("]"));
    Written::join(&parts, white)
}

/// A number before each name keeps the names different.
fn object(members: Vec<(Written, Written)>, white: &str) -> Written {
    let mut parts = vec![token("{")];
    for (index, (name, value)) in members.into_iter().enumerate() {
        parts.extend((index > 0).then(|| token(",")));
        parts.push(Written::token(
            format!("\"{index}{}", &name.kept[1..]).replace("\\u0000", ""),
        ));
        parts.push(token(":"));
        parts.push(value);
    }
    parts.push(token("}"));
    Written::join(&parts, white)
}

fn event() -> impl Strategy<Value = Written> {
    (
        proptest::collection::vec((string(), value()), 0..6),
        "[ \t\r\n]{0,2}",
    )
        .prop_map(|(members, white)| object(members, &white))
}

proptest! {
    #[test]
    fn an_event_loses_its_white_space_and_nothing_else(event in event()) {
        prop_assert_eq!(minify(event.wide.as_bytes()), Ok(event.kept.clone().into_bytes()));
        check_any(event.wide.as_bytes());
        let stored = EventReader::new(EVENT_BYTES_DEFAULT).check_stored(event.wide.as_bytes());
        prop_assert_eq!(stored.is_ok(), event.wide == event.kept);
        prop_assert!(stored.is_ok() || stored.unwrap_err().reason == Reason::NotMinified);
    }

    #[test]
    fn a_changed_event_is_judged_as_others_judge_it(event in event(), place in any::<proptest::sample::Index>(), byte: u8, cut: bool) {
        let mut changed = event.wide.into_bytes();
        let at = place.index(changed.len());
        changed[at] = byte;
        check_any(&changed);
        if cut {
            changed.truncate(at);
            check_any(&changed);
        }
    }

    #[test]
    fn rubbish_is_judged_as_others_judge_it(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        check_any(&bytes);
        check_any(&[b"{\"a\":\"", bytes.as_slice(), b"\"}"].concat());
    }

    #[test]
    fn near_json_is_judged_as_others_judge_it(text in "\\{\"[a\\\\u0]{0,3}\":[-+.eE0-9tfn\"\\[\\]{}:, \\\\]{0,12}\\}?") {
        check_any(text.as_bytes());
    }

    #[test]
    fn numbers_are_judged_as_others_judge_them(text in "-?[0-9]{0,3}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,4})?") {
        check_any(format!("{{\"a\":{text}}}").as_bytes());
        check_any(format!("{{\"a\":[{text},{text}]}}").as_bytes());
    }

    #[test]
    fn equal_names_are_found_however_they_are_written(
        name in "[^\0]{0,20}", first: [bool; 5], second: [bool; 3], between in 0_usize..100, tail in "[a-z]{0,9}",
    ) {
        let filler: String = (0..between).map(|index| format!("\"\u{7}{index}\":0,").replace('\u{7}', "\\u0007\\u0007")).collect();
        let (first, second) = (written_string(&name, &first), written_string(&name, &second));
        let event = |first: &str| format!("{{\"o\":[{{{first}:1,{filler}{second}:\"{tail}\"}}]}}");
        let offset = "{\"o\":[{".len() + first.len() + ":1,".len() + filler.len();
        prop_assert_eq!(minify(event(&first).as_bytes()), Err(EventError { reason: Reason::DuplicateName, offset }));
        let different = event(&written_string(&format!("{name}x"), &[false]));
        prop_assert!(minify(different.as_bytes()).is_ok(), "{}", different);
    }
}

#[test]
fn every_escape_of_a_name_stands_for_its_character() {
    for (short, long) in [
        ("\\\"", "\\u0022"),
        ("\\\\", "\\u005c"),
        ("\\/", "/"),
        ("\\b", "\\u0008"),
        ("\\f", "\\u000C"),
        ("\\n", "\\u000a"),
        ("\\r", "\\u000D"),
        ("\\t", "\\u0009"),
    ] {
        for (first, second) in [(short, long), (long, short)] {
            let event = format!("{{\"a{first}z\":1,\"a{second}z\":2}}");
            let offset = event.find(",\"").unwrap() + 1;
            let reason = Reason::DuplicateName;
            assert_eq!(
                minify(event.as_bytes()),
                Err(EventError { reason, offset }),
                "{event}"
            );
        }
        let different = format!("{{\"a{short}z\":1,\"az\":2,\"a\":3}}");
        assert!(minify(different.as_bytes()).is_ok(), "{different}");
    }
}

#[test]
fn names_whose_hashes_are_equal_are_told_apart() {
    let input = "abcdeabbcc";
    let at = |start: usize, length: usize| name::Name {
        hash: 7,
        start,
        end: start + length,
        escaped: false,
    };
    let mut different = vec![at(0, 1), at(1, 1), at(2, 1), at(3, 1), at(0, 2), at(0, 0)];
    assert_eq!(name::duplicate(&mut different, input.as_bytes()), None);
    // `b` and `bc` stand twice; the later `bc` comes first in reading order.
    let mut twice = vec![at(1, 1), at(0, 2), at(1, 2), at(7, 2), at(6, 1)];
    assert_eq!(name::duplicate(&mut twice, input.as_bytes()), Some(5));
}

#[test]
fn many_names_are_told_apart() {
    let members = |count: usize, last: &str| {
        let names: String = (1..count)
            .map(|index| format!("\"name {index}\":{index},"))
            .collect();
        format!("{{{names}\"{last}\":0}}")
    };
    assert!(minify(members(10_000, "x").as_bytes()).is_ok());
    assert_eq!(
        minify(members(10_000, "name 77").as_bytes())
            .unwrap_err()
            .reason,
        Reason::DuplicateName
    );
    assert_eq!(
        minify(members(10_001, "x").as_bytes()).unwrap_err().reason,
        Reason::TooManyMembers
    );
}

#[test]
fn an_error_says_where() {
    refused("\u{FEFF}{}", Reason::Bom, 0);
    refused(" [1]", Reason::NotAnObject, 1);
    refused("", Reason::UnexpectedEnd, 0);
    refused("{\"a\":tru}", Reason::UnexpectedCharacter, 8);
    refused("{\"a\":1,}", Reason::UnexpectedCharacter, 7);
    refused("{\"a\":1} x", Reason::TrailingData, 8);
    refused("{\"a\":\"b\tc\"}", Reason::ControlCharacter, 7);
    refused("{\"a\":\"\\q\"}", Reason::BadEscape, 7);
    refused("{\"a\":\"x\\ud800\"}", Reason::LoneSurrogate, 7);
    refused("{\"a\\u0000\":1}", Reason::NulInName, 3);
    refused("{\"a\":[0,-01]}", Reason::BadNumber, 8);
    refused("{\"a\":1e309}", Reason::NumberOutOfRange, 5);
    refused("{\"a\":1,\"b\":2,\"a\":3}", Reason::DuplicateName, 13);
    let mut reader = EventReader::new(7);
    let large = reader.minify(b" { \"a\" : 12 }", &mut Vec::new());
    assert_eq!(
        large,
        Err(EventError {
            reason: Reason::TooLarge,
            offset: 12
        })
    );
}

#[test]
fn an_error_tells_a_person_and_a_program() {
    let error = minify(b"{\"a\":1,\"a\":2}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "two members of an object have the same name: rename one; duplicate-name at byte 7"
    );
}

#[test]
fn what_was_written_before_an_event_stays() {
    let mut reader = EventReader::new(EVENT_BYTES_DEFAULT);
    let mut out = b"one".to_vec();
    reader.minify(b"{ }", &mut out).unwrap();
    reader
        .minify(b"{\"a\" : 1, \"b\" : }", &mut out)
        .unwrap_err();
    assert_eq!(out, b"one{}");
}

#[test]
fn nothing_of_one_event_is_seen_in_the_next() {
    let mut reader = EventReader::new(EVENT_BYTES_DEFAULT);
    let mut out = Vec::new();
    reader
        .minify(b"{\"a\":{\"b\":[{\"c\":", &mut out)
        .unwrap_err();
    reader
        .minify(b"{\"a\":1,\"b\":{\"c\":1}}", &mut out)
        .unwrap();
}

#[test]
fn a_hostile_event_leaves_no_large_scratch_space() {
    let members: String = (0..9_000).map(|index| format!("\"{index}\":0,")).collect();
    let open = |depth: usize| format!("{{{members}\"x\":").repeat(depth);
    let mut reader = EventReader::new(EVENT_BYTES_MAX);
    reader
        .minify(open(60).as_bytes(), &mut Vec::new())
        .unwrap_err();
    assert!(reader.names.capacity() <= NAMES_KEPT_MAX);
}
