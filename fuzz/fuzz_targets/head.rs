//! Heads have one form: what is accepted is written back byte for byte. What we read in it, and in a record line, serde_json reads.

#![no_main]

use indelible_proof::event::EventReader;
use indelible_proof::head::{Head, HeadError};
use indelible_proof::limits::{EVENT_BYTES_DEFAULT, HEAD_BYTES_MAX};
use indelible_proof::record::{self, Record, Salt};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// The names of version 1.
const NAMES: [&str; 19] = [
    "indelible",
    "log",
    "kind",
    "by",
    "via",
    "from",
    "cert",
    "policy",
    "format",
    "occurred",
    "src",
    "epoch",
    "n",
    "key",
    "psig",
    "digest",
    "seq",
    "time",
    "prev",
];

fuzz_target!(|input: &[u8]| {
    match Head::parse(input) {
        Ok(head) => {
            let mut written = Vec::new();
            head.encode(&mut written);
            assert_eq!(written, input);
            let fault = head.kind_fault(head.log.log());
            assert!(
                fault || (head.seq == 0) == head.shared.kind.as_str().eq("genesis"),
                "record 0 is the genesis, and no other"
            );
            read_by_another(&head, input);
            let mut line = Vec::new();
            record::encode_line(input, None, &mut line);
            let cut = Record::cut(&line).expect("a line is cut where it was joined");
            assert_eq!(cut.head, input);
            assert!(cut.content.is_none());
        }
        Err(HeadError::Unsupported) => assert!(is_later(input), "not of a later version"),
        Err(HeadError::Invalid { offset, what }) => {
            assert!(offset <= input.len() && !what.is_empty());
            assert!(
                input.len() > HEAD_BYTES_MAX || !is_later(input),
                "of a later version"
            );
        }
    }
    // A record line is cut by position alone, and joined again gives the same line.
    if let Some(cut) = Record::cut(input) {
        let content = cut
            .content
            .as_ref()
            .map(|content| (content.salt, content.event));
        let mut line = Vec::new();
        record::encode_line(cut.head, content, &mut line);
        assert_eq!(line, input);
        let mut reader = EventReader::new(EVENT_BYTES_DEFAULT);
        let is_good =
            |(salt, event)| Salt::parse(salt).is_some() && reader.check_stored(event).is_ok();
        if Head::parse(cut.head).is_ok() && content.is_none_or(is_good) {
            another_cuts(&cut, input);
        }
    }
});

/// A head is JSON, and its members are our fields.
fn read_by_another(head: &Head<'_>, input: &[u8]) {
    let other: Value = serde_json::from_slice(input).expect("a head is JSON");
    let stream = head.own.stream.as_ref();
    for (name, here) in [
        ("indelible", json!(1)),
        ("log", json!(head.log.as_str())),
        ("kind", json!(head.shared.kind.as_str())),
        ("by", json!(head.shared.by)),
        ("via", json!(head.shared.via)),
        ("from", json!(head.shared.from)),
        ("policy", json!(head.shared.policy)),
        ("format", json!(head.shared.format)),
        ("src", json!(stream.map(|stream| stream.src))),
        ("epoch", json!(stream.map(|stream| stream.epoch))),
        ("n", json!(stream.map(|stream| stream.n))),
        ("key", json!(head.own.key)),
        ("digest", json!(head.digest.to_string())),
        ("seq", json!(head.seq)),
        ("time", json!(head.time.to_string())),
        ("prev", json!(head.prev.to_string())),
    ] {
        assert_eq!(other[name], here, "{name}");
    }
}

/// A record line of good parts is JSON, and its members are what we cut.
fn another_cuts(cut: &Record<'_>, line: &[u8]) {
    let other: Value = serde_json::from_slice(line).expect("a record line is JSON");
    let same = |name: &str, part: &[u8]| {
        let part: Value = serde_json::from_slice(part).expect("JSON");
        assert_eq!(other[name], part, "{name}");
    };
    same("head", cut.head);
    if let Some(content) = &cut.content {
        same("event", content.event);
        let salt = str::from_utf8(content.salt).expect("a salt is text");
        assert_eq!(other["salt"], salt);
    }
}

/// Steps 2 to 4 of *Judging a head* in `docs/spec/record.md`, written from the page.
fn is_later(head: &[u8]) -> bool {
    let Some(pairs) = str::from_utf8(head).ok().and_then(pairs) else {
        return false;
    };
    let is_integer = |value: &str| !value.starts_with('"');
    let of_other_version = pairs.first().is_some_and(|(_, version)| *version != "1");
    pairs
        .first()
        .is_some_and(|(name, version)| *name == "indelible" && is_integer(version))
        && (of_other_version || pairs.iter().any(|(name, _)| !NAMES.contains(&name)))
}

/// Names, and values as they stand; `None` where the loose grammar does not hold.
fn pairs(head: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = head.strip_prefix('{')?.strip_suffix('}')?;
    let mut pairs = Vec::new();
    loop {
        let (name, after) = rest.strip_prefix('"')?.split_once("\":")?;
        let length = match after.strip_prefix('"') {
            Some(text) => text.find('"')? + 2,
            None => after.find(',').unwrap_or(after.len()),
        };
        let (value, after) = after.split_at(length);
        let good_name = (1..=32).contains(&name.len())
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        let good_value = match value.strip_prefix('"') {
            Some(text) => text
                .bytes()
                .all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'\\' | b'{' | b'}')),
            None => {
                (value == "0" || !value.starts_with('0'))
                    && (1..=20).contains(&value.len())
                    && value.bytes().all(|byte| byte.is_ascii_digit())
            }
        };
        if !good_name || !good_value {
            return None;
        }
        pairs.push((name, value));
        if after.is_empty() {
            return Some(pairs);
        }
        rest = after.strip_prefix(',')?;
    }
}
