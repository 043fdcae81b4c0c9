//! Verifies a store: everything is read from disk and re-hashed; a writer may be at work beside.

mod remember;

use super::progress::Progress;
use super::report::{Report, Value};
use super::trust::Trusted;
use crate::node;
use crate::say::{self, Failure};
use crate::show;
use indelible_ledger::recover;
use indelible_ledger::verify::{Checked, Damage, Finding, Request, StoreReport, verify_store};
use indelible_proof::head::Head;
use indelible_proof::trust::Newest;
use indelible_proof::verdict::{Consistency, Integrity, Seqs, Verdict};
use indelible_store::{LocalStore, Store, StoreError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The whole store, or the records of one log.
pub fn verify(
    directory: &Path,
    only: Option<&str>,
    trusted: &mut Trusted,
) -> Result<Report, Failure> {
    let pin = trusted.pin().cloned();
    let pin = pin.as_ref();
    let store = match LocalStore::open_read(directory) {
        Ok(store) => store,
        Err(StoreError::Damaged { what, .. }) => return Ok(without_format(directory, what)),
        Err(StoreError::NotFound) if node::has_records(directory) => {
            return Ok(without_format(directory, node::NO_FORMAT));
        }
        Err(StoreError::Unsupported { file, what }) => {
            return Ok(unsupported(directory, &file, what));
        }
        Err(error) => return Err(say::store(&error, directory)),
    };
    let bar = Progress::new(length(&store));
    let began = Instant::now();
    let progress = |checked: &Checked| bar.at(checked.bytes_read, checked.bytes_hashed);
    let mut judged = verify_store(
        &store,
        &Request {
            only,
            pin,
            progress: &progress,
        },
    );
    let elapsed = began.elapsed();
    bar.finish();
    lock(directory, &mut judged);
    if trusted.is_more_than_a_pin() {
        witnesses(directory, trusted, &mut judged);
    }
    let told = remember::compare(directory, only, trusted, &mut judged.verdict)?;
    let unchecked = judged.verdict.integrity == Integrity::Unchecked;
    if let Some(name) = only.filter(|_| unchecked && judged.findings.is_empty()) {
        return Err(no_such_log(name));
    }
    let mut unchecked = judged.notes;
    if let Some(name) = only {
        unchecked.insert(0, format!("the records of all logs but {name} and _node"));
    }
    if pin.is_none() {
        unchecked
            .push("whether these are the logs you mean: no pin was given (--pin LINE)".to_owned());
    }
    unchecked.extend(told.unchecked);
    if judged.verdict.consistency == Consistency::Unchecked {
        unchecked.push(trusted.nothing_to_compare().to_owned());
    }
    let unused: u64 = judged.unused.iter().map(|place| place.length).sum();
    unchecked.extend(left_over(unused));
    let findings = judged.findings.iter().map(ToString::to_string);
    Ok(Report {
        subject: "store",
        path: directory.display().to_string(),
        batches: only.is_none().then_some(judged.next),
        verdict: judged.verdict,
        findings: findings.chain(told.found).collect(),
        checked: sentences(&judged.checked, elapsed),
        measured: measured(&judged.checked, unused, elapsed),
        unchecked,
    })
}

fn left_over(unused: u64) -> Option<String> {
    let bytes = show::bytes(unused);
    (unused > 0).then(|| format!("{bytes} left over in recycled tail files, which mean nothing"))
}

fn no_such_log(name: &str) -> Failure {
    Failure::usage(format!("no log named '{name}'")).hint("indelible log list shows what there is")
}

/// What the newest note of the pinned log says of witnesses and age.
fn witnesses(directory: &Path, trusted: &Trusted, judged: &mut StoreReport) {
    let books = LocalStore::open_read(directory)
        .ok()
        .and_then(|local| recover::read(Arc::new(local)).ok())
        .map(|recovered| recovered.books);
    let log = books.as_ref().zip(trusted.pin()).and_then(|(books, pin)| {
        let logs = books.logs();
        logs.into_iter().find(|log| log.origin() == pin.origin())
    });
    let note = log.as_ref().and_then(|log| log.note());
    let last = books.as_ref().zip(log).zip(note.as_ref());
    let time = last.and_then(|((books, log), note)| {
        let stored = books.record(&log, note.size.checked_sub(1)?).ok()?;
        Head::parse(&stored.head).ok().map(|head| head.time)
    });
    let newest = Newest {
        time,
        is_last: true,
    };
    let note = note.as_ref().map(|note| note.text.as_str());
    trusted.judge_store(note, newest, &mut judged.verdict);
}

/// Opening a store is reading its `FORMAT`: without it there is nothing that could be gone over, which is a verdict all the same.
fn without_format(directory: &Path, what: &str) -> Report {
    let (file, offset) = ("FORMAT".to_owned(), 0);
    let found = format!("unreadable: {file} at {offset}: {what}");
    let integrity = Integrity::Unreadable {
        file,
        offset,
        seqs: Seqs::new(),
    };
    unopened(directory, found, integrity)
}

/// A newer version made the store: nothing in it can be judged by this one.
fn unsupported(directory: &Path, file: &str, what: &str) -> Report {
    let found = format!("unsupported version: {file} at 0: {what}; {}", say::NEWER);
    unopened(directory, found, Integrity::UnsupportedVersion)
}

fn unopened(directory: &Path, found: String, integrity: Integrity) -> Report {
    Report {
        subject: "store",
        path: directory.display().to_string(),
        batches: None,
        findings: vec![found],
        verdict: Verdict::only_integrity(integrity),
        checked: Vec::new(),
        measured: Vec::new(),
        unchecked: vec!["everything else: FORMAT says how the store is to be read".to_owned()],
    }
}

/// The lock file means something to writers alone, so the ledger, which reads records, does not look at it. It is always empty
/// (`docs/spec/tail.md`).
fn lock(directory: &Path, judged: &mut StoreReport) {
    let what = match directory.join("lock").symlink_metadata() {
        Ok(lock) if lock.is_file() && lock.len() == 0 => return,
        Ok(lock) if lock.is_file() => format!("always empty, and here {} bytes long", lock.len()),
        Ok(_) => "not a file".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return judged.notes.push(
                "lock: the file is missing, so nothing can be written: with no writer running, make it anew, empty"
                    .to_owned(),
            );
        }
        Err(error) => say::plain(&error),
    };
    let finding = Finding {
        damage: Damage::Unreadable,
        file: "lock".to_owned(),
        offset: 0,
        log: None,
        seqs: Vec::new(),
        what,
    };
    // By the order of `docs/spec/pack.md` only what is unreadable before it counts more.
    if !matches!(judged.verdict.integrity, Integrity::Unreadable { .. }) {
        judged.verdict.integrity = Integrity::Unreadable {
            file: finding.file.clone(),
            offset: finding.offset,
            seqs: Seqs::new(),
        };
    }
    judged.findings.push(finding);
}

fn sentences(checked: &Checked, elapsed: Duration) -> Vec<String> {
    let Checked {
        logs,
        records,
        batches,
        packs,
        bytes_read,
        bytes_hashed,
        signatures,
    } = *checked;
    vec![
        format!(
            "{} in {}",
            show::counted(records, "record"),
            show::counted(logs, "log")
        ),
        format!(
            "{} and {} of the tail, {}",
            show::counted(packs, "pack"),
            show::counted(batches, "batch"),
            show::counted(signatures, "signature")
        ),
        format!(
            "{} read, {} hashed in {}, {}",
            show::bytes(bytes_read),
            show::bytes(bytes_hashed),
            show::seconds(elapsed),
            show::gigabytes_per_second(bytes_hashed, elapsed)
        ),
    ]
}

fn measured(checked: &Checked, unused: u64, elapsed: Duration) -> Vec<(&'static str, Value)> {
    let Checked {
        logs,
        records,
        batches,
        packs,
        bytes_read,
        bytes_hashed,
        signatures,
    } = *checked;
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    [
        ("logs", logs),
        ("records", records),
        ("batches", batches),
        ("packs", packs),
        ("signatures", signatures),
        ("bytes_read", bytes_read),
        ("bytes_hashed", bytes_hashed),
        ("bytes_unused", unused),
        ("milliseconds", milliseconds),
    ]
    .map(|(name, number)| (name, Value::Number(number)))
    .to_vec()
}

/// Bytes of packs and tail, for the bar. What can't be listed is found out by the verification itself.
fn length(store: &LocalStore) -> Option<u64> {
    let mut sum = 0;
    for prefix in ["sealed/", "tail/"] {
        let mut after: Option<String> = None;
        loop {
            let page = store.list(prefix, after.as_deref(), 1_000).ok()?;
            sum += page.iter().map(|(_, length)| length).sum::<u64>();
            match page.last() {
                Some((name, _)) => after = Some(name.clone()),
                None => break,
            }
        }
    }
    Some(sum)
}
