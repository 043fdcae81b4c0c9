//! The same cases in a store that `verify_store` goes over: nothing refused may pass there, and nothing good may be called damaged.

use crate::{Word, batches, file, list, packs, refusal, store_id, text};
use indelible_ledger::verify::{Damage, Finding, Request, StoreReport, verify_store};
use indelible_store::memory::MemoryDisk;
use indelible_store::{Outcome, Put, Store as _};
use serde_json::Value;
use std::collections::HashMap;

/// A store that holds these slots and sealed files, verified.
fn verified(store: [u8; 16], slots: &[Vec<u8>], sealed: &[(String, Vec<u8>)]) -> StoreReport {
    let disk = MemoryDisk::new(store, [0; 16], "log.example.org");
    let handle = disk.open();
    handle.acquire([1; 16]).unwrap();
    handle.open_tail(None).unwrap();
    for (slot, bytes) in (0..).zip(slots) {
        let ticket = handle.submit(slot, &[bytes]).unwrap();
        assert!(matches!(handle.wait(ticket), Outcome::Durable));
    }
    for (name, bytes) in sealed {
        assert_eq!(handle.put_new(name, &[bytes], None).unwrap(), Put::Created);
    }
    drop(handle);
    let request = Request {
        only: None,
        pin: None,
        progress: &|_| {},
    };
    verify_store(&disk.open(), &request)
}

/// The batches of a case, the ones before it first.
fn chain<'a>(by_name: &HashMap<&str, &'a Value>, case: &'a Value) -> Vec<Vec<u8>> {
    let mut slots = match case["after"].as_str() {
        Some(after) => chain(by_name, by_name[after]),
        None => Vec::new(),
    };
    slots.push(batches::bytes(case));
    slots
}

fn by_name(file: &Value) -> HashMap<&str, &Value> {
    list(file, "cases")
        .iter()
        .map(|case| (text(&case["name"]), case))
        .collect()
}

/// Whether what was found is what the word says.
fn agrees(findings: &[Finding], word: Option<Word>) -> bool {
    let any = |sort: fn(&Damage) -> bool| findings.iter().any(|finding| sort(&finding.damage));
    match word {
        None => findings
            .iter()
            .all(|finding| matches!(finding.damage, Damage::LogFault(_))),
        Some(Word::Unsupported) => any(|damage| matches!(damage, Damage::Unsupported)),
        Some(Word::Forged) => any(|damage| matches!(damage, Damage::SignatureInvalid)),
        Some(Word::Damaged | Word::Misplaced) => any(|damage| {
            !matches!(
                damage,
                Damage::LogFault(_) | Damage::SignatureInvalid | Damage::Unsupported
            )
        }),
    }
}

#[test]
fn verify_sees_every_fault_of_a_batch_and_no_other() {
    let file = file("batch");
    let by_name = by_name(&file);
    let mut wrong = Vec::new();
    for case in list(&file, "cases") {
        let report = verified(store_id(&file), &chain(&by_name, case), &[]);
        if !agrees(&report.findings, refusal(case)) {
            let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
            wrong.push(format!(
                "{}: {:?}: {findings:#?}",
                case["name"],
                refusal(case)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn verify_sees_every_fault_of_a_pack_and_no_other() {
    let (batch_file, pack_file) = (file("batch"), file("pack"));
    let history = chain(&by_name(&batch_file), &list(&batch_file, "cases")[7]);
    assert_eq!(history.len(), 7);
    let good: Vec<_> = list(&pack_file, "cases")
        .iter()
        .take(2)
        .flat_map(|case| packs::files(&pack_file, case))
        .collect();
    assert!(
        verified(store_id(&batch_file), &history, &good)
            .findings
            .is_empty()
    );
    let mut wrong = Vec::new();
    for case in list(&pack_file, "cases") {
        let mut sealed = packs::files(&pack_file, case);
        // The other pack stands beside it, so that nothing is missing but what the case leaves out.
        let names: Vec<_> = sealed.iter().map(|(name, _)| name.clone()).collect();
        let alone = sealed.len() == 1;
        sealed.extend(
            good.iter()
                .filter(|(name, _)| {
                    !(names.contains(name) || alone && stem(name) == stem(&names[0]))
                })
                .cloned(),
        );
        let report = verified(store_id(&batch_file), &history, &sealed);
        // An `.ent` alone is half a pack in a store.
        let word = refusal(case).or(alone.then_some(Word::Damaged));
        if !agrees(&report.findings, word) {
            let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
            wrong.push(format!("{}: {word:?}: {findings:#?}", case["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn stem(name: &str) -> &str {
    name.split('.').next().unwrap()
}
