//! The same cases in a store that `verify_store` goes over: nothing refused may pass there, and nothing good may be called damaged.

use crate::{Word, batches, file, list, packs, refusal, store_id, text};
use indelible_ledger::verify::{Damage, Finding, Request, StoreReport, verify_store};
use indelible_store::memory::MemoryDisk;
use indelible_store::{Outcome, Put, Store as _};
use serde_json::Value;
use std::collections::HashMap;

/// 00 01 … 0f, as the geneses of the vectors say.
const NODE: [u8; 16] = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();

/// A store that holds these slots and sealed files, verified.
fn verified(store: [u8; 16], slots: &[Vec<u8>], sealed: &[(String, Vec<u8>)]) -> StoreReport {
    let disk = MemoryDisk::new(store, NODE, "log.example.org");
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
            .all(|finding| matches!(finding.damage, Damage::LogFault(_) | Damage::Erased)),
        Some(Word::Unsupported) => any(|damage| matches!(damage, Damage::Unsupported)),
        Some(Word::Forged) => any(|damage| matches!(damage, Damage::SignatureInvalid)),
        Some(Word::Damaged | Word::Misplaced) => any(|damage| {
            !matches!(
                damage,
                Damage::LogFault(_)
                    | Damage::Erased
                    | Damage::SignatureInvalid
                    | Damage::Unsupported
            )
        }),
    }
}

/// Good batches of which a whole store would say that something is missing: a log that a record names, or a genesis's event.
const HALF: [&str; 2] = ["all events gone", "a note among rows"];

#[test]
fn verify_sees_every_fault_of_a_batch_and_no_other() {
    let (file, pack_file) = (file("batch"), file("pack"));
    let sealed = packs::files(&pack_file, &list(&pack_file, "cases")[0]);
    let by_name = by_name(&file);
    let mut wrong = Vec::new();
    for case in list(&file, "cases")
        .iter()
        .filter(|case| !HALF.contains(&text(&case["name"])))
    {
        let slots = chain(&by_name, case);
        // Batch 4 names the pack of batches 0 to 2.
        let named = refusal(case).is_none() && slots.len() > 4;
        let report = verified(store_id(&file), &slots, if named { &sealed } else { &[] });
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
    assert_eq!(
        verified(store_id(&batch_file), &history, &good).findings,
        []
    );
    let mut wrong = Vec::new();
    for case in list(&pack_file, "cases") {
        let mut sealed = packs::files(&pack_file, case);
        if sealed
            .iter()
            .any(|(name, _)| stem(name) != stem(&sealed[0].0))
        {
            // Halves of two packs: with the other halves beside them nothing is wrong.
            continue;
        }
        let alone = sealed.len() == 1;
        // The other pack stands beside it, so that nothing is missing but what the case leaves out.
        let this = stem(&sealed[0].0).to_owned();
        sealed.extend(good.iter().filter(|(name, _)| stem(name) != this).cloned());
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
