//! Receipts, batch receipts and exports, with their five texts and exit code.

use crate::{cases, file, input, list, number, text, wide};
use indelible_proof::batch_receipt::{BatchReceipt, derive};
use indelible_proof::hash;
use indelible_proof::pin::Pin;
use indelible_proof::record::Record;
use indelible_proof::verdict::Verdict;
use indelible_proof::verify::{
    ExportVerifier, verify_batch_receipt, verify_export, verify_proof, verify_receipt,
};
use serde_json::{Value, json};

pub fn pin(case: &Value) -> Option<Pin> {
    case.get("pin")
        .map(|pin| Pin::parse(text(pin).as_bytes()).unwrap())
}

pub fn texts(verdict: &Verdict) -> Value {
    json!({
        "integrity": verdict.integrity.to_string(),
        "authenticity": verdict.authenticity.to_string(),
        "consistency": verdict.consistency.to_string(),
        "witnesses": verdict.witnesses.to_string(),
        "completeness": verdict.completeness.to_string(),
        "exit": verdict.exit_code(),
    })
}

#[test]
fn receipts_are_judged_as_the_vectors_say() {
    for case in cases(&file("receipt")) {
        let record = case.get("record").map(|record| text(record).as_bytes());
        let report = verify_receipt(&input(case, "receipt"), pin(case).as_ref(), record);
        assert_eq!(texts(&report.verdict), case["expect"], "{}", case["name"]);
    }
}

fn records(case: &Value) -> Option<Vec<u8>> {
    let is_given = case.get("record").is_some() || case.get("record_b64").is_some();
    is_given.then(|| input(case, "record"))
}

#[test]
fn batch_receipts_are_judged_as_the_vectors_say() {
    for case in cases(&file("batch_receipt")) {
        let bytes = input(case, "batch_receipt");
        let report = verify_batch_receipt(&bytes, pin(case).as_ref(), records(case).as_deref());
        assert_eq!(texts(&report.verdict), case["expect"], "{}", case["name"]);
    }
}

#[test]
fn receipts_that_follow_from_a_batch_receipt_are_those_of_the_log() {
    let mut derived = 0;
    for case in cases(&file("batch_receipt")) {
        let (bytes, records) = (input(case, "batch_receipt"), records(case));
        for expected in case["derived"].as_array().into_iter().flatten() {
            let batch = BatchReceipt::parse(&bytes).unwrap();
            let lines = records.as_deref().unwrap();
            let heads: Vec<&[u8]> = lines
                .strip_suffix(b"\n")
                .unwrap_or(lines)
                .split(|byte| *byte == b'\n')
                .map(|line| Record::cut(line).unwrap().head)
                .collect();
            let entries: Vec<_> = heads.iter().map(|head| hash::entry(head)).collect();
            let seq = wide(&expected["seq"]);
            let head = heads[usize::try_from(seq - batch.first).unwrap()];
            let receipt = derive(&batch, &entries, seq, head).unwrap();
            assert_eq!(receipt, text(&expected["receipt"]), "{}", case["name"]);
            derived += 1;
        }
    }
    assert!(derived > 50, "{derived}");
}

#[test]
fn proofs_are_judged_as_the_vectors_say() {
    for case in cases(&file("prove")) {
        let report = verify_proof(&input(case, "proof"), pin(case).as_ref());
        assert_eq!(texts(&report.verdict), case["expect"], "{}", case["name"]);
    }
}

/// The bytes of an export, which may be written as changes of another.
fn export(file: &Value, case: &Value) -> Vec<u8> {
    edited(cases(file), case, "export")
}

/// The bytes of a case, which may be written as changes of another in the list.
pub fn edited(all: &[Value], case: &Value, name: &str) -> Vec<u8> {
    let Some(base) = case.get("base") else {
        return input(case, name);
    };
    let base = all.iter().find(|case| case["name"] == *base).unwrap();
    let mut bytes = edited(all, base, name);
    let mut edits: Vec<&Value> = list(case, "edits").iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(number(&edit[0])));
    for edit in edits {
        let (at, removed) = (number(&edit[0]), number(&edit[1]));
        bytes.splice(at..at + removed, text(&edit[2]).bytes());
    }
    bytes
}

#[test]
fn exports_are_judged_as_the_vectors_say() {
    let file = file("export");
    for case in cases(&file) {
        let report = verify_export(&export(&file, case), pin(case).as_ref());
        assert_eq!(texts(&report.verdict), case["expect"], "{}", case["name"]);
    }
}

#[test]
fn an_export_in_pieces_is_judged_as_the_whole() {
    let file = file("export");
    for case in cases(&file) {
        let (bytes, pin) = (export(&file, case), pin(case));
        let whole = verify_export(&bytes, pin.as_ref());
        for size in [7, 1_000] {
            let mut verifier = ExportVerifier::new(pin.as_ref());
            bytes.chunks(size).for_each(|piece| verifier.feed(piece));
            let pieces = verifier.finish();
            assert_eq!(pieces, whole, "{} in pieces of {size}", case["name"]);
        }
    }
}
