//! The cases under `vectors/`, which were written from the specification by another hand than this crate.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod evidence;
mod memory;
mod notes;
mod records;
mod tiles;
mod trees;
mod trust;
mod walks;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indelible_proof::hash::Hash;
use serde_json::Value;

fn file(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_slice(&text).unwrap()
}

fn cases(file: &Value) -> &[Value] {
    list(file, "cases")
}

fn list<'a>(file: &'a Value, name: &str) -> &'a [Value] {
    let cases = file[name].as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

fn base64_of(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn number(value: &Value) -> usize {
    usize::try_from(wide(value)).unwrap()
}

fn wide(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hash(value: &Value) -> Hash {
    Hash::from_hex(text(value).as_bytes()).unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

/// The input of a case: `name` as text, `name_b64`, or `prefix`, `repeat` × `count`, `suffix` as text.
fn input(case: &Value, name: &str) -> Vec<u8> {
    if let Some(text) = case.get(name) {
        return text.as_str().unwrap().into();
    }
    if let Some(base64) = case.get(format!("{name}_b64")) {
        return base64_of(base64);
    }
    let repeated = text(&case["repeat"]).repeat(number(&case["count"]));
    [text(&case["prefix"]), &repeated, text(&case["suffix"])]
        .concat()
        .into()
}
