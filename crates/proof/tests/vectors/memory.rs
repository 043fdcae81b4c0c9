//! What evidence has to do with what was remembered, and what two notes prove.

use crate::evidence::{pin, texts};
use crate::{cases, file, input, text, wide};
use indelible_proof::memory::{Memory, MemoryError};
use indelible_proof::pin::Pin;
use indelible_proof::verify::{
    ExportVerifier, Known, Report, WalkFile, verify_batch_receipt, verify_fork, verify_proof,
    verify_receipt,
};
use serde_json::{Value, json};

fn given<'a>(case: &'a Value, name: &str) -> Option<&'a [u8]> {
    case.get(name).map(|value| text(value).as_bytes())
}

pub fn walk(case: &Value) -> Option<WalkFile> {
    given(case, "walk").map(|walk| WalkFile::read(walk).unwrap())
}

/// The report on what a case shows under `kind`.
pub fn report(case: &Value, pin: Option<&Pin>, watched: Option<u64>) -> Report {
    let walk = walk(case);
    let walk = walk.as_ref();
    let known = Known { pin, walk };
    let (evidence, record) = (text(&case["evidence"]).as_bytes(), given(case, "record"));
    match text(&case["kind"]) {
        "receipt" => verify_receipt(evidence, known, record),
        "batch_receipt" => verify_batch_receipt(evidence, known, record),
        "proof" => verify_proof(evidence, known),
        _ => {
            let mut verifier = ExportVerifier::new(known);
            if let Some(size) = watched {
                verifier = verifier.watching(size);
            }
            verifier.feed(evidence);
            verifier.finish()
        }
    }
}

#[test]
fn evidence_is_compared_with_memories_as_the_vectors_say() {
    for case in cases(&file("memory")) {
        let name = &case["name"];
        let memory = Memory::parse(&input(case, "memory"));
        if let Some(number) = case.get("refuse") {
            let line = usize::try_from(wide(number)).unwrap();
            assert_eq!(memory, Err(MemoryError::Line(line)), "{name}");
            continue;
        }
        let (mut memory, pin) = (memory.unwrap(), pin(case));
        let head = pin.as_ref().and_then(|pin| memory.head(pin.origin()));
        let mut report = report(case, pin.as_ref(), head.map(|head| head.size));
        memory.judge(&mut report, case["kind"] == "export");
        assert_eq!(texts(&report.verdict), case["expect"], "{name}");
        if report.verdict.exit_code() == 0 {
            memory.learn(report.checked.note.as_ref().unwrap());
        }
        let after = case.get("after").unwrap_or(&case["memory"]);
        assert_eq!(
            json!(String::from_utf8(memory.encode()).unwrap()),
            *after,
            "{name}"
        );
    }
}

#[test]
fn two_notes_prove_a_fork_where_the_vectors_say_so() {
    for case in cases(&file("fork")) {
        let (one, other) = (given(case, "one").unwrap(), given(case, "other").unwrap());
        let (pin, walk) = (pin(case), walk(case));
        let known = Known {
            pin: pin.as_ref(),
            walk: walk.as_ref(),
        };
        let report = verify_fork(one, other, given(case, "proof"), known);
        assert_eq!(texts(&report.verdict), case["expect"], "{}", case["name"]);
    }
}
