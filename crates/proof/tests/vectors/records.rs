//! Events, heads, records, origins and genesis records.

use crate::{base64_of, cases, file, list, number, text};
use indelible_proof::event::EventReader;
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::{Head, HeadError};
use indelible_proof::key_event::KeyEvent;
use indelible_proof::key_set::Recovery;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use indelible_proof::origin::Origin;
use indelible_proof::record::{Record, Salt, encode_line};
use serde_json::{Value, json};

fn event_input(case: &Value) -> Vec<u8> {
    if case.get("input_b64").is_some() {
        return base64_of(&case["input_b64"]);
    }
    let repeated = base64_of(&case["repeat_b64"]).repeat(number(&case["count"]));
    [
        base64_of(&case["prefix_b64"]),
        repeated,
        base64_of(&case["suffix_b64"]),
    ]
    .concat()
}

#[test]
fn events_are_judged_and_minified_as_the_vectors_say() {
    for case in cases(&file("event")) {
        let name = &case["name"];
        let input = event_input(case);
        let limit = case.get("limit").map_or(EVENT_BYTES_DEFAULT, number);
        let stored = case.get("stored") == Some(&json!(true));
        let mut reader = EventReader::new(limit);
        let mut out = b"before".to_vec();
        let result = if stored {
            reader.check_stored(&input)
        } else {
            reader.minify(&input, &mut out)
        };
        let kept = out.strip_prefix(b"before").unwrap();
        match (&case["expect"].get("refuse"), result) {
            (Some(reason), Err(error)) => {
                assert_eq!(*reason, error.reason.code(), "{name}");
                assert!(error.offset <= input.len() && kept.is_empty(), "{name}");
            }
            (None, Ok(())) => {
                let kept = if stored { &input } else { kept };
                assert_kept(case, kept);
                assert_eq!(reader.check_stored(kept), Ok(()), "{name}");
            }
            (_, result) => panic!("{name}: {result:?}"),
        }
    }
}

fn assert_kept(case: &Value, kept: &[u8]) {
    let expected = &case["expect"];
    let name = &case["name"];
    if expected.get("minified_b64").is_some() {
        assert_eq!(kept, base64_of(&expected["minified_b64"]), "{name}");
    } else {
        assert_eq!(kept.len(), number(&expected["minified_len"]), "{name}");
        assert_eq!(
            hash::sha256(kept).to_string(),
            expected["minified_sha256"],
            "{name}"
        );
    }
}

fn head_verdict(head: &[u8]) -> &'static str {
    match Head::parse(head) {
        Ok(parsed) => {
            let mut again = Vec::new();
            parsed.encode(&mut again);
            assert_eq!(again, head, "a valid head re-encodes to the same bytes");
            "valid"
        }
        Err(HeadError::Unsupported) => "unsupported",
        Err(HeadError::Invalid { offset, .. }) => {
            assert!(offset <= head.len());
            "invalid"
        }
    }
}

/// The fields of a valid head as a JSON reader sees them.
fn head_fields(head: &Head<'_>) -> Value {
    let hex = |hash: Hash| hash.to_string();
    let mut fields = json!({
        "indelible": 1, "log": head.log.as_str(), "kind": head.shared.kind.as_str(), "by": head.shared.by, "via": head.shared.via,
        "digest": hex(head.digest), "seq": head.seq, "time": head.time.to_string(), "prev": hex(head.prev),
    });
    let own = &head.own;
    let optional = [
        ("from", head.shared.from.map(|from| json!(from))),
        ("cert", head.shared.cert.map(|cert| json!(hex(cert)))),
        ("policy", head.shared.policy.map(|policy| json!(policy))),
        ("format", head.shared.format.map(|format| json!(format))),
        (
            "occurred",
            own.occurred.map(|occurred| json!(occurred.to_string())),
        ),
        ("src", own.stream.map(|stream| json!(stream.src))),
        ("epoch", own.stream.map(|stream| json!(stream.epoch))),
        ("n", own.stream.map(|stream| json!(stream.n))),
        ("key", own.key.map(|key| json!(key))),
        ("psig", own.psig.map(|psig| json!(hex(psig)))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            fields[name] = value;
        }
    }
    fields
}

#[test]
fn heads_are_judged_as_the_vectors_say() {
    for case in cases(&file("head")) {
        let head = match case.get("head") {
            Some(text) => text.as_str().unwrap().as_bytes().to_vec(),
            None => base64_of(&case["head_b64"]),
        };
        assert_eq!(head_verdict(&head), case["expect"], "{}", case["name"]);
        if case["expect"] == "valid" {
            assert_eq!(
                head_fields(&Head::parse(&head).unwrap()),
                case["fields"],
                "{}",
                case["name"]
            );
        }
    }
}

/// `v`, `i`, `u` for each place in the head.
fn letter(head: &[u8]) -> char {
    head_verdict(head).chars().next().unwrap()
}

#[test]
fn every_single_byte_change_of_a_head_is_judged_as_the_vectors_say() {
    let file = file("head");
    let head = file["single_byte_head"].as_str().unwrap().as_bytes();
    for row in file["single_byte_replace"].as_array().unwrap() {
        let at = number(&row[0]);
        let mut changed = head.to_vec();
        let letters: String = (0..=255)
            .map(|byte| (changed[at] = byte, letter(&changed)).1)
            .collect();
        assert_eq!(letters, row[1], "byte {at} replaced");
    }
    let removed: String = (0..head.len())
        .map(|at| letter(&[&head[..at], &head[at + 1..]].concat()))
        .collect();
    assert_eq!(removed, file["single_byte_remove"]);
    for row in file["single_byte_insert"].as_array().unwrap() {
        let byte = u8::from_str_radix(row[0].as_str().unwrap(), 16).unwrap();
        let letters: String = (0..=head.len())
            .map(|at| letter(&[&head[..at], &[byte], &head[at..]].concat()))
            .collect();
        assert_eq!(letters, row[1], "{byte:02x} inserted");
    }
}

#[test]
fn record_lines_are_cut_as_the_vectors_say() {
    for case in list(&file("record"), "lines") {
        let name = &case["name"];
        let line = text(&case["line"]).as_bytes();
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let expected = &case["expect"];
        let Some(record) = Record::cut(line) else {
            assert_eq!(expected, "malformed", "{name}");
            continue;
        };
        assert_eq!(string(record.head), expected["head"], "{name}");
        assert_eq!(
            json!(record.content.map(|content| string(content.salt))),
            expected["salt"],
            "{name}"
        );
        assert_eq!(
            json!(record.content.map(|content| string(content.event))),
            expected["event"],
            "{name}"
        );
        let mut again = Vec::new();
        encode_line(
            record.head,
            record.content.map(|content| (content.salt, content.event)),
            &mut again,
        );
        assert_eq!(again, line, "{name}");
    }
}

#[test]
fn digests_and_entries_are_those_of_the_vectors() {
    for case in list(&file("record"), "values") {
        let bytes = |name: &str| case[name].as_str().unwrap().as_bytes();
        let head = Head::parse(bytes("head")).unwrap();
        assert!(Salt::parse(bytes("salt")).is_some());
        assert_eq!(head.digest.to_string(), case["digest"]);
        assert_eq!(hash::digest(bytes("salt"), bytes("event")), head.digest);
        assert_eq!(hash::entry(bytes("head")).to_string(), case["entry"]);
        assert_eq!(
            hash::leaf(&hash::entry(bytes("head"))).to_string(),
            case["leaf"]
        );
    }
}

#[test]
fn origins_are_judged_as_the_vectors_say() {
    for case in list(&file("keys"), "origins") {
        let origin = text(&case["origin"]);
        assert_eq!(Origin::parse(origin).is_some(), case["valid"], "{origin}");
    }
}

#[test]
fn a_genesis_is_read_as_the_vectors_say() {
    for case in list(&file("keys"), "genesis") {
        let event = text(&case["event"]).as_bytes();
        let (name, expected) = (&case["name"], &case["expect"]);
        let Some(genesis) = Genesis::parse(event) else {
            assert!(expected.is_string(), "{name}");
            continue;
        };
        let found = json!({
            "origin": genesis.origin,
            "keys": genesis.keys,
            "node_log": genesis.node_log.map(|id| id.to_string()),
            "recovery": recovery_of(&genesis.recovery),
            "batch_key": genesis.batch_key.map(|key| Hash(key).to_string()),
        });
        assert_eq!(found, *expected, "{name}");
        let mut again = Vec::new();
        genesis.encode(&mut again);
        assert_eq!(again, event, "{name}");
    }
}

fn recovery_of(recovery: &Recovery<'_>) -> Value {
    json!({"threshold": recovery.threshold, "keys": recovery.keys})
}

#[test]
fn a_key_event_is_read_as_the_vectors_say() {
    for case in list(&file("keys"), "key_events") {
        let (event, name) = (text(&case["event"]).as_bytes(), &case["name"]);
        let Some(read) = KeyEvent::parse(event, text(&case["origin"])) else {
            assert_eq!(case["expect"], "invalid", "{name}");
            continue;
        };
        let said = json!({
            "key": if read.is_recovery { "recovery" } else { "rotation" },
            "generation": read.generation,
            "keys": read.keys,
            "recovery": recovery_of(&read.recovery),
            "batch_key": read.batch_key.map(|key| Hash(key).to_string()),
        });
        assert_eq!(said, case["expect"], "{name}");
        let mut again = Vec::new();
        read.encode(&mut again);
        assert_eq!(again, event, "{name}");
    }
}
