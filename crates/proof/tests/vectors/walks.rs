//! Walk files, and what receipts and exports prove beside one.

use crate::evidence::{edited, pin, texts};
use crate::{file, list, text};
use indelible_proof::verify::{
    ExportVerifier, Known, WalkFile, WalkFileError, verify_export, verify_receipt,
};
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

#[test]
fn a_hinge_that_comes_twice_breaks_the_walk() {
    let file = file("walk");
    let whole = {
        let all = list(&file, "walks");
        let case = all.iter().find(|case| case["name"] == "1 hinge").unwrap();
        String::from_utf8(edited(all, case, "walk")).unwrap()
    };
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let (body, end) = lines.split_at(lines.len() - 1);
    // From a hinge to itself nothing has to be proven.
    let (before, rest) = body[2].split_once("\"consistency\":[").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    let again = format!("{before}\"consistency\":[]{after}");
    let read = |body: &[&str]| {
        let body = body.concat();
        let digest = indelible_proof::hash::sha256(body.as_bytes());
        let end = format!("{{\"end\":1,\"sha256\":\"{digest}\"}}\n");
        WalkFile::read([body, end].concat().as_bytes()).unwrap()
    };
    let once = read(body);
    assert!(end[0].contains("\"end\"") && once.is_good());
    assert_eq!((once.walk().hinges(), once.walk().sets().len()), (1, 2));
    let twice = [&body[..3], &[again.as_str()], &body[3..]].concat();
    let twice = read(&twice);
    assert!(!twice.is_good() && !twice.walk().is_good());
    assert_eq!((twice.walk().hinges(), twice.walk().sets().len()), (2, 2));
    // Of such a walk nobody's pin is a pin, though the log and its keys are right.
    let pins = list(&file, "pins");
    let of_it = pins
        .iter()
        .filter(|case| case["walk"] == "1 hinge" && case["of"] == true);
    let pin = pin(of_it.into_iter().next().unwrap()).unwrap();
    assert!(once.walk().is_of(&pin) && !twice.walk().is_of(&pin));
}

#[test]
fn a_walk_file_says_which_checkpoint_it_leads_to() {
    let file = file("walk");
    let read = walk(&file, &json!("1 hinge")).unwrap();
    let note = indelible_proof::note::Note::parse(read.note().as_bytes()).unwrap();
    let checkpoint = indelible_proof::checkpoint::Checkpoint::parse(note.text).unwrap();
    assert_eq!(read.head(), (6, checkpoint.root));
    assert_eq!(checkpoint.size, 6);
}

#[test]
fn a_walk_file_is_read_up_to_its_largest_size() {
    let read = |length: usize| WalkFile::read(&vec![b'x'; length]).unwrap_err();
    let most = indelible_proof::limits::WALK_FILE_BYTES_MAX;
    assert_eq!(read(most), WalkFileError::Malformed(1));
    assert_eq!(read(most + 1), WalkFileError::TooLarge);
    assert_eq!(read(most + 2), WalkFileError::TooLarge);
}

#[test]
fn a_walk_has_so_many_hinges_and_no_more() {
    let file = file("walk");
    let most = indelible_proof::limits::WALK_HINGES_MAX;
    let all = list(&file, "walks");
    let case = all.iter().find(|case| case["name"] == "1 hinge").unwrap();
    let whole = String::from_utf8(edited(all, case, "walk")).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let (body, _) = lines.split_at(lines.len() - 1);
    let read = |count: usize| {
        // Behind the second nothing is looked at, but they are counted.
        let body = [&body[..2], &vec![body[2]; count], &body[3..]]
            .concat()
            .concat();
        let digest = indelible_proof::hash::sha256(body.as_bytes());
        let end = format!("{{\"end\":1,\"sha256\":\"{digest}\"}}\n");
        WalkFile::read([body, end].concat().as_bytes())
    };
    assert_eq!(read(most).unwrap().walk().hinges(), most);
    assert_eq!(
        read(most + 1).unwrap_err(),
        WalkFileError::Malformed(u64::try_from(2 + most + 1).unwrap())
    );

    let all = list(&file, "exports");
    let export = edited(all, &all[0], "export");
    let export = String::from_utf8(export).unwrap();
    let start: String = export.split_inclusive('\n').take(2).collect();
    let mut verifier = ExportVerifier::new(None);
    verifier.feed(start.as_bytes());
    for _ in 0..most {
        verifier.feed(body[2].as_bytes());
        assert!(!verifier.is_refused());
    }
    verifier.feed(body[2].as_bytes());
    assert!(verifier.is_refused());
}
