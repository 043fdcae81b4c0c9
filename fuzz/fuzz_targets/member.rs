//! The key in a member of an event, and the time in `occurred`, are those that serde_json finds there.

#![no_main]

use indelible_api::{member, occurred};
use indelible_proof::event::EventReader;
use indelible_proof::head;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use libfuzzer_sys::fuzz_target;
use serde_json::Number;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

fuzz_target!(|input: &[u8]| {
    // The name on the first line, the event behind it.
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let Ok(name) = str::from_utf8(&input[..end]) else {
        return;
    };
    time(name);
    let mut event = Vec::new();
    let mut reader = EventReader::new(EVENT_BYTES_DEFAULT);
    if reader.minify(&input[end + 1..], &mut event).is_err() {
        return;
    }
    let read: Members = serde_json::from_slice(&event).expect("an event is JSON");
    assert_eq!(
        member::key(&event, name).ok(),
        read.get(name).and_then(|raw| key(raw))
    );
    let found = read.get("occurred").and_then(|raw| string(raw));
    let found = found.and_then(|text| occurred::time(&text));
    assert_eq!(occurred::occurred(&event), found);
});

type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn key(raw: &RawValue) -> Option<String> {
    // A number is a key as it is written.
    let number = || {
        let is_number = serde_json::from_str::<Number>(raw.get()).is_ok();
        is_number.then(|| raw.get().to_owned())
    };
    let text = string(raw).or_else(number)?;
    let mut key = String::new();
    head::percent_encode(text.as_bytes(), &mut key);
    (!text.contains('#') && head::is_key(&key)).then_some(key)
}

/// Whatever form a time has, what is written of it reads back.
fn time(text: &str) {
    if let Some(time) = occurred::time(text) {
        let written = String::from_utf8(time.text().to_vec()).expect("it is ASCII");
        assert_eq!(occurred::time(&written), Some(time));
        assert!(text.is_ascii() && text.len() >= "2026-11-23T10:00:00Z".len());
    }
}
