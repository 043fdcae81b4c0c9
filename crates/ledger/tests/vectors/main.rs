//! The cases of `vectors/batch.json`, `vectors/pack.json` and of secrets in `vectors/keys.json`, which were written from the specification by another hand than this
//! crate: once through the decoders of `format`, once through a store that is verified whole.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod batches;
mod packs;
mod records;
mod secrets;
mod stores;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indelible_ledger::format::FormatError;
use indelible_proof::hash::Hash;
use serde_json::Value;

/// The words of `vectors/README.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Unsupported,
    Damaged,
    Forged,
    Misplaced,
}

impl From<FormatError> for Word {
    fn from(error: FormatError) -> Word {
        match error {
            FormatError::Unsupported(_) => Word::Unsupported,
            FormatError::Damaged { .. } => Word::Damaged,
        }
    }
}

impl Word {
    fn of(text: &str) -> Word {
        match text {
            "unsupported" => Word::Unsupported,
            "damaged" => Word::Damaged,
            "forged" => Word::Forged,
            "misplaced" => Word::Misplaced,
            _ => panic!("no such word: {text}"),
        }
    }
}

/// What a case says must come out: nothing, where it is good.
fn refusal(case: &Value) -> Option<Word> {
    case["expect"]["refuse"].as_str().map(Word::of)
}

fn require(held: bool, word: Word) -> Result<(), Word> {
    if held { Ok(()) } else { Err(word) }
}

fn file(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn length(value: &Value) -> usize {
    usize::try_from(number(value)).unwrap()
}

fn base64_of(value: &Value) -> Vec<u8> {
    STANDARD.decode(text(value)).unwrap()
}

fn hash(value: &Value) -> Hash {
    Hash::from_hex(text(value).as_bytes()).unwrap()
}

fn store_id(file: &Value) -> [u8; 16] {
    id(&file["store"])
}

fn id(value: &Value) -> [u8; 16] {
    let text = text(value).as_bytes();
    std::array::from_fn(|at| {
        u8::from_str_radix(str::from_utf8(&text[2 * at..][..2]).unwrap(), 16).unwrap()
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
