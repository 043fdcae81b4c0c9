//! The cases of `vectors/tail.json` and the registers of `vectors/pack.json`, which were written from the specification by another
//! hand than this crate: each tail is laid out in a directory and walked.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(
    clippy::disallowed_methods,
    reason = "these tests lay out files by hand"
)]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indelible_store::{Found, LocalStore, OpenOptions, Place, Store as _, StoreError};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn file(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_slice(&text).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

fn length(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn base64_of(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// A store directory with this `FORMAT`, which was made elsewhere, and no files yet.
fn lay_out(root: &Path, format: &str) {
    for name in ["tail", "build", "sealed", "derived", "quarantine"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    fs::write(root.join("lock"), b"").unwrap();
    fs::write(root.join("FORMAT"), format).unwrap();
}

fn bytes(shown: &Value) -> Vec<u8> {
    let mut bytes = vec![0; length(&shown["len"])];
    for patch in list(shown, "patches") {
        let put = base64_of(&patch[1]).repeat(length(&patch[2]));
        bytes[length(&patch[0])..][..put.len()].copy_from_slice(&put);
    }
    bytes
}

/// What a walk finds, as the cases say it.
fn walk(store: &LocalStore) -> Result<Value, StoreError> {
    let mut slots = Vec::new();
    let Some(first) = store.first_slot()? else {
        // No slot at all: the walk says whether the tail ends here or something is wrong.
        return said(store, 0, slots);
    };
    let mut scan = store.slots(first)?;
    loop {
        match scan.next()? {
            Found::Good(slot) => {
                let hash = Sha256::digest(&slot.bytes);
                let sha256: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                slots.push(json!({
                    "number": slot.number, "file": number(&slot.place), "offset": slot.place.offset - 64,
                    "len": slot.bytes.len(), "sha256": sha256,
                }));
            }
            _ => return said(store, first, slots),
        }
    }
}

fn said(store: &LocalStore, first: u64, slots: Vec<Value>) -> Result<Value, StoreError> {
    let mut scan = store.slots(first)?;
    loop {
        let then = match scan.next()? {
            Found::Good(_) => continue,
            Found::End { number, .. } => json!({ "end": number }),
            Found::Missing { number, .. } => json!({ "missing": number }),
            Found::Bad {
                number: bad,
                place,
                later,
                ..
            } => json!({
                "bad": bad, "file": number(&place), "offset": place.offset, "len": place.length,
                "later": later.is_some(),
            }),
        };
        return Ok(json!({ "slots": slots, "then": then }));
    }
}

fn number(place: &Place) -> u64 {
    place.file.strip_prefix("tail/").unwrap().parse().unwrap()
}

#[test]
fn each_tail_is_walked_as_the_page_says() {
    let file = file("tail");
    let mut wrong = Vec::new();
    for case in list(&file, "cases") {
        let directory = tempfile::tempdir().unwrap();
        lay_out(directory.path(), file["format"].as_str().unwrap());
        for shown in list(case, "files") {
            let name = shown["name"].as_str().unwrap();
            fs::write(directory.path().join("tail").join(name), bytes(shown)).unwrap();
        }
        let store = LocalStore::open_read(directory.path()).unwrap();
        assert!(store.describe().copy, "FORMAT was made elsewhere");
        let mut expect = case["expect"].clone();
        let read_only = expect
            .as_object_mut()
            .and_then(|said| said.remove("read_only"));
        let found = match walk(&store) {
            Ok(found) => found,
            Err(StoreError::Damaged { .. }) => json!({ "refuse": "damaged" }),
            Err(StoreError::Unsupported { .. }) => json!({ "refuse": "unsupported" }),
            Err(error) => panic!("{}: {error}", case["name"]),
        };
        if found != expect {
            wrong.push(format!("{}: {found}, not {expect}", case["name"]));
        }
        if read_only.is_some_and(|said| said != is_only_read(directory.path())) {
            wrong.push(format!("{}: only read or not", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_register_is_read_or_refused() {
    let (packs, tails) = (file("pack"), file("tail"));
    for case in list(&packs, "registers") {
        let directory = tempfile::tempdir().unwrap();
        let register = directory.path().join("register");
        let root = directory.path().join("store");
        fs::create_dir(&root).unwrap();
        lay_out(
            &root,
            &with_register(tails["format"].as_str().unwrap(), &register),
        );
        let file = base64_of(&case["register_b64"]);
        fs::write(&register, &file).unwrap();
        let read = LocalStore::open_read(&root).unwrap().register_read();
        // What the content says is the ledger's affair: here only the frame around it is judged.
        let content = file.get(32..file.len().saturating_sub(4));
        match read {
            Ok(read) => {
                assert_eq!(read.as_deref(), content, "{}", case["name"]);
                if let Some(said) = case["expect"].get("read_only") {
                    assert_eq!(*said, is_only_read(&root), "{}", case["name"]);
                }
            }
            Err(StoreError::Damaged { .. }) => {
                assert_eq!(case["expect"]["refuse"], "damaged", "{}", case["name"]);
            }
            Err(StoreError::Unsupported { .. }) => {
                assert_eq!(case["expect"]["refuse"], "unsupported", "{}", case["name"]);
            }
            Err(error) => panic!("{}: {error}", case["name"]),
        }
    }
}

#[test]
fn each_format_is_read_or_refused() {
    for case in list(&file("tail"), "formats") {
        let directory = tempfile::tempdir().unwrap();
        lay_out(directory.path(), case["format"].as_str().unwrap());
        let found = match LocalStore::open_read(directory.path()) {
            Ok(_) => json!({ "read_only": is_only_read(directory.path()) }),
            Err(StoreError::Damaged { .. }) => json!({ "refuse": "damaged" }),
            Err(StoreError::Unsupported { .. }) => json!({ "refuse": "unsupported" }),
            Err(error) => panic!("{}: {error}", case["name"]),
        };
        assert_eq!(found, case["expect"], "{}", case["name"]);
    }
}

/// Whether a writer is refused because of features alone.
fn is_only_read(root: &Path) -> bool {
    let options = OpenOptions {
        moved: true,
        random: Box::new(|bytes| bytes.fill(7)),
        faults: None,
    };
    match LocalStore::open_write(root, options) {
        Err(StoreError::ReadOnly) => true,
        Ok(store) => match store
            .acquire([1; 16])
            .and_then(|()| walk(&store).map(|_| ()))
        {
            Err(StoreError::ReadOnly) => true,
            Ok(()) => false,
            Err(error) => panic!("{error}"),
        },
        // Made for a file system in memory, which is another reason.
        Err(StoreError::Volatile(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

/// The same `FORMAT` with its register there.
fn with_register(format: &str, register: &Path) -> String {
    let path = register.to_str().unwrap();
    let text = format.replace("register none\n", &format!("register {path}\n"));
    let (covered, _) = text.split_once("sha256 ").unwrap();
    let digest = Sha256::digest(covered.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{covered}sha256 {hex}\n")
}
