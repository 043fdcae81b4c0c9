//! What callers were told, held against what a store holds afterwards.

use super::{SECRET, verify};
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::verify::StoreReport;
use indelible_ledger::{Books, Ledger, Log, ReadError, Recorded, Stored, recover};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::{Head, Kind};
use indelible_proof::node_event::NodeEvent;
use indelible_proof::note::Signed;
use indelible_proof::receipt::Receipt;
use indelible_proof::tree::inclusion;
use indelible_store::Store;
use std::collections::HashSet;
use std::sync::Arc;

/// One acknowledged record, as its caller remembers it.
pub struct Told {
    pub log: String,
    pub seq: u64,
    pub entry: Hash,
    pub head: Vec<u8>,
    pub event: Vec<u8>,
    pub receipt: Option<String>,
}

impl Told {
    pub fn new(log: &Log, recorded: &Recorded, event: Vec<u8>) -> Told {
        Told {
            log: log.name().to_owned(),
            seq: recorded.seq,
            entry: recorded.entry,
            head: recorded.head.clone(),
            event,
            receipt: None,
        }
    }

    /// The same with a receipt, if one could still be made.
    pub fn with_receipt(ledger: &Ledger, log: &Log, recorded: &Recorded, event: Vec<u8>) -> Told {
        Told {
            receipt: ledger.receipt(log, recorded).ok(),
            ..Told::new(log, recorded, event)
        }
    }
}

/// Everything a store holds, read through a handle that only reads.
pub fn read(store: Arc<dyn Store>) -> Books {
    recover::read(store).unwrap().books
}

/// All records of a log in order.
pub fn records(books: &Books, log: &Log) -> Vec<Stored> {
    try_records(books, log).unwrap()
}

pub fn try_records(books: &Books, log: &Log) -> Result<Vec<Stored>, ReadError> {
    let mut all = Vec::new();
    books.records::<ReadError>(log, 0..log.size(), &mut |stored| {
        all.push(stored);
        Ok(())
    })?;
    Ok(all)
}

/// The report says that nothing is wrong.
#[track_caller]
pub fn is_clean(report: &StoreReport) {
    assert_eq!(
        (report.verdict.exit_code(), report.findings.as_slice()),
        (0, [].as_slice()),
        "{}\n{:?}",
        report.verdict,
        report.notes
    );
}

/// The store verifies, its logs are whole, and each record that somebody was told of is there once, with its receipt.
#[track_caller]
pub fn is_true(store: &Arc<dyn Store>, told: &[Told]) {
    is_clean(&verify(&**store));
    let books = read(Arc::clone(store));
    for log in books.logs() {
        is_whole(&books, &log);
    }
    for told in told {
        is_there(&books, told);
    }
}

/// Seqs without gaps, each head linked to the one before, times ascending, no event twice.
#[track_caller]
pub fn is_whole(books: &Books, log: &Log) {
    all_whole(&records(books, log), log);
}

/// The same of records read before.
#[track_caller]
pub fn all_whole(all: &[Stored], log: &Log) {
    let (mut prev, mut last) = (Hash::ZERO, None);
    let mut events = HashSet::new();
    for (seq, stored) in (0..).zip(all) {
        let head = Head::parse(&stored.head).unwrap();
        assert_eq!((head.seq, stored.seq), (seq, seq), "{}", log.name());
        assert_eq!(head.prev, prev, "{} {seq}", log.name());
        assert!(
            last.is_none_or(|last| last < head.time),
            "{} {seq}",
            log.name()
        );
        (prev, last) = (hash::entry(&stored.head), Some(head.time));
        let event = &stored.content.as_ref().unwrap().1;
        if head.shared.kind == Kind::Event {
            assert!(
                events.insert(event.clone()),
                "{} {seq} is there twice",
                log.name()
            );
        }
    }
    assert_eq!((last_of(all), log.last_entry()), (log.size(), prev));
}

fn last_of(all: &[Stored]) -> u64 {
    all.last().map_or(0, |stored| stored.seq + 1)
}

/// The record is where its caller was told, as it was, and the receipt leads from it to a root of this very log.
#[track_caller]
pub fn is_there(books: &Books, told: &Told) {
    let log = books.log(&told.log).unwrap();
    let stored = books.record(&log, told.seq).unwrap();
    assert_eq!(stored.head, told.head, "{} {}", told.log, told.seq);
    assert_eq!(hash::entry(&stored.head), told.entry);
    let (salt, event) = stored.content.unwrap();
    assert_eq!(event, told.event);
    let head = Head::parse(&stored.head).unwrap();
    assert_eq!(head.digest, hash::digest(&salt, &event));
    if let Some(receipt) = &told.receipt {
        proves(books, &log, told, receipt);
    }
}

/// Checks a receipt by hand: its form, its head, its proof, its signature, and that this log once had its root.
#[track_caller]
fn proves(books: &Books, log: &Log, told: &Told, receipt: &str) {
    let receipt = Receipt::parse(receipt.as_bytes()).unwrap();
    assert_eq!((&receipt.head, receipt.index), (&told.head, told.seq));
    let (size, root) = (receipt.checkpoint.size, receipt.checkpoint.root);
    let leaf = hash::leaf(&hash::entry(&receipt.head));
    assert!(
        inclusion::verify(&leaf, receipt.index, size, &receipt.proof, &root),
        "{} {}: the proof does not lead to the root",
        told.log,
        told.seq
    );
    assert_eq!(receipt.checkpoint.origin, log.origin());
    let key = NodeSecret::new(SECRET).log_key(log.origin());
    assert_eq!(receipt.note.verify(key.verifier()), Signed::Ok);
    assert_eq!(books.root_at(log, size).unwrap(), root);
}

/// What the node said of itself, in order; each event as its own bytes.
pub fn node_events(books: &Books) -> Vec<Vec<u8>> {
    records(books, &books.node_log())
        .into_iter()
        .map(|stored| stored.content.unwrap().1)
        .collect()
}

/// How many of the node's events are of this sort.
pub fn count_said(books: &Books, sort: impl Fn(&NodeEvent<'_>) -> bool) -> usize {
    node_events(books)
        .iter()
        .filter(|event| NodeEvent::parse(event).is_some_and(|event| sort(&event)))
        .count()
}
