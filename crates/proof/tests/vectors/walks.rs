//! Walk files, and what receipts and exports prove beside one.

use crate::evidence::{edited, pin, texts};
use crate::{file, list, text};
use indelible_proof::verify::{Known, WalkFile, WalkFileError, verify_export, verify_receipt};
use serde_json::{Value, json};

fn walk(file: &Value, name: &Value) -> Result<WalkFile, WalkFileError> {
    let all = list(file, "walks");
    let case = all.iter().find(|case| case["name"] == *name).unwrap();
    WalkFile::read(&edited(all, case, "walk"))
}

fn said(read: Result<WalkFile, WalkFileError>) -> Value {
    match read {
        Err(WalkFileError::Malformed(_) | WalkFileError::TooLarge) => json!("malformed"),
        Err(WalkFileError::Unsupported) => json!("unsupported"),
        Ok(walk) if !walk.is_good() => json!("not good"),
        Ok(walk) => {
            let sets = walk.walk().sets();
            let keys = |keys: &[indelible_proof::key::VerifierKey]| -> Vec<String> {
                keys.iter().map(ToString::to_string).collect()
            };
            let hinges = sets.iter().skip(1);
            let hinges: Vec<Value> = hinges
                .map(|set| json!({"size": set.hinge, "root": set.root.to_string()}))
                .collect();
            let sets: Vec<Vec<String>> = sets.iter().map(|set| keys(&set.keys.keys)).collect();
            json!({"sets": sets, "hinges": hinges})
        }
    }
}

#[test]
fn walk_files_are_judged_as_the_vectors_say() {
    let file = file("walk");
    for case in list(&file, "walks") {
        let read = said(walk(&file, &case["name"]));
        let expected = &case["expect"];
        match expected["walk"].as_str() {
            Some("good") => {
                assert_eq!(read["hinges"], expected["hinges"], "{}", case["name"]);
                assert_eq!(read["sets"], ed25519(&expected["sets"]), "{}", case["name"]);
            }
            Some(word) => assert_eq!(read, word, "{}", case["name"]),
            None => panic!("{}", case["name"]),
        }
    }
}

/// Only keys of this type are kept; the vectors list all.
fn ed25519(sets: &Value) -> Value {
    let is_short = |key: &&Value| text(key).len() < 300;
    let sets = sets.as_array().unwrap().iter();
    sets.map(|set| {
        let keys = set.as_array().unwrap().iter().filter(is_short);
        keys.cloned().collect::<Vec<Value>>()
    })
    .collect()
}

#[test]
fn a_walk_file_is_of_a_pin_as_the_vectors_say() {
    let file = file("walk");
    for case in list(&file, "pins") {
        let walk = walk(&file, &case["walk"]).unwrap();
        let of = walk.is_good() && walk.walk().is_of(&pin(case).unwrap());
        assert_eq!(json!(of), case["of"], "{}", case["name"]);
    }
}

#[test]
fn evidence_beside_a_walk_file_is_judged_as_the_vectors_say() {
    let file = file("walk");
    for kind in ["receipt", "export"] {
        let all = list(&file, &format!("{kind}s"));
        for case in all {
            let Ok(walk) = walk(&file, &case["walk"]) else {
                assert_eq!(case["expect"], json!({"exit": 2}), "{}", case["name"]);
                continue;
            };
            let (bytes, pin) = (edited(all, case, kind), pin(case));
            let known = Known {
                pin: pin.as_ref(),
                walk: Some(&walk),
            };
            let record = case.get("record").map(|record| text(record).as_bytes());
            let report = match kind {
                "receipt" => verify_receipt(&bytes, known, record),
                _ => verify_export(&bytes, known),
            };
            assert_eq!(
                texts(&report.verdict),
                case["expect"],
                "{kind}: {}",
                case["name"]
            );
        }
    }
}
