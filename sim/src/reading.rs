//! Who reads: beside the writer, between its writes, after crashes, and with books opened long ago.

use crate::model::{self, Judged, Model, Record, must};
use crate::tree;
use crate::world::{World, text};
use indelible_ledger::verify::{Request, StoreReport, verify_store};
use indelible_ledger::{Books, Log, ReadError, Stored, recover};
use indelible_proof::hash::Hash;
use indelible_store::{LocalStore, StoreError};
use std::path::Path;
use std::sync::Arc;

/// Pairs of sizes that are proven of a larger log; of a smaller one it is all of them.
const PAIRS: u64 = 24;
/// A log up to this size has all its pairs proven.
const ALL_PAIRS_UP_TO: u64 = 9;

/// What a new reader sees.
pub fn open(path: &Path) -> Result<Books, String> {
    let store = LocalStore::open_read(path).map_err(text)?;
    Ok(recover::read(Arc::new(store)).map_err(text)?.books)
}

/// A whole store, by the shipped verifier.
pub fn verify(path: &Path) -> Result<StoreReport, String> {
    let store = LocalStore::open_read(path).map_err(text)?;
    let request = Request {
        only: None,
        pin: None,
        progress: &|_| {},
    };
    Ok(verify_store(&store, &request))
}

pub fn record_of(stored: Stored) -> Result<Record, String> {
    let (salt, event) = stored.content.ok_or("a record without its event")?;
    Ok(Record {
        head: stored.head,
        salt: salt.to_vec(),
        event,
    })
}

/// All records of a log in order.
pub fn records(books: &Books, log: &Log) -> Result<Vec<Record>, String> {
    let mut all = Vec::new();
    let read = books.records::<ReadError>(log, 0..log.size(), &mut |stored| {
        all.push(stored);
        Ok(())
    });
    read.map_err(text)?;
    all.into_iter().map(record_of).collect()
}

/// A new reader reads everything, and the model judges it.
pub fn judge(path: &Path, model: &Model) -> Judged {
    let books = open(path)?;
    judge_books(&books, model)
}

pub fn judge_books(books: &Books, model: &Model) -> Judged {
    for log in books.logs() {
        if !model.knows(log.name()) {
            must(model.may_be_founded(log.name()), || {
                format!("the log {} was founded by nobody", log.name())
            })?;
            continue;
        }
        let records = records(books, &log).map_err(|why| format!("{}: {why}", log.name()))?;
        model.judge(log.name(), &records)?;
        if let Some(note) = log.note() {
            model.judge_note(log.name(), &records, &note.text)?;
        }
    }
    for name in model.founded_logs() {
        must(books.log(&name).is_some(), || {
            format!("the log {name} is not there")
        })?;
    }
    Ok(())
}

/// Proofs between sizes, by RFC 9162's own words.
fn prove_pair(books: &Books, log: &Log, leaves: &[tree::Digest], (from, to): (u64, u64)) -> Judged {
    let root = |size: u64| tree::root(&leaves[..usize::try_from(size).unwrap_or(0)]);
    let path =
        |hashes: Vec<Hash>| -> Vec<tree::Digest> { hashes.iter().map(|hash| hash.0).collect() };
    let wrong = |what: &str| {
        format!(
            "{}: the {what} proof of {from} and {to} proves nothing",
            log.name()
        )
    };
    let proof = path(books.consistency(log, from, to).map_err(text)?);
    let good = tree::consistent((from, &root(from)), (to, &root(to)), &proof);
    must(good, || wrong("consistency"))?;
    let index = from - 1;
    let leaf = leaves[usize::try_from(index).unwrap_or(0)];
    let proof = path(books.inclusion(log, index, to).map_err(text)?);
    must(tree::includes(leaf, index, to, &proof, &root(to)), || {
        wrong("inclusion")
    })
}

impl World {
    /// Somebody opens the store and reads all of it; the books are kept, to be read from later.
    pub fn look(&mut self) -> Judged {
        self.tell("a reader looks");
        self.count("readers", 1);
        judge(&self.path(), &self.model())?;
        self.ask_old_reader()?;
        if self.old_reader.is_none() || self.dice.one_in(3) {
            self.old_reader = Some(open(&self.path())?);
        }
        Ok(())
    }

    /// Books of a while ago: what they still give is right, and what was sealed and released since is gone to them.
    fn ask_old_reader(&mut self) -> Judged {
        let Some(books) = self.old_reader.take() else {
            return Ok(());
        };
        for log in books.logs() {
            for _ in 0..4 {
                let seq = self.dice.roll(log.size());
                let told = self.model().told(log.name(), seq);
                match (books.record(&log, seq), told) {
                    (Ok(stored), Some(told)) => {
                        let name = log.name();
                        must(record_of(stored)? == told, || {
                            format!("{name} {seq}: an old reader gets another record")
                        })?;
                    }
                    (Ok(_), None) => {}
                    (Err(ReadError::Store(StoreError::Gone | StoreError::NotFound)), _) => {
                        self.count("gone to an old reader", 1);
                    }
                    (Err(error), _) => {
                        return Err(format!("{} {seq}: an old reader hears {error}", log.name()));
                    }
                }
            }
        }
        self.old_reader = Some(books);
        Ok(())
    }

    /// Proofs between any two sizes of every log, and their receipts, as the running process gives them.
    pub fn prove(&mut self) -> Judged {
        let ledger = self.ledger()?;
        self.prove_with(ledger.books())
    }

    pub fn prove_with(&mut self, books: &Books) -> Judged {
        for log in books.logs() {
            let records = records(books, &log)?;
            let leaves = model::leaves(&records);
            let size = log.size();
            let all = size <= ALL_PAIRS_UP_TO;
            let pairs: Vec<(u64, u64)> = match all {
                true => (1..=size)
                    .flat_map(|to| (1..=to).map(move |from| (from, to)))
                    .collect(),
                false => (0..PAIRS)
                    .map(|_| {
                        let to = 1 + self.dice.roll(size);
                        (1 + self.dice.roll(to), to)
                    })
                    .collect(),
            };
            self.count("proofs", 2 * u64::try_from(pairs.len()).unwrap_or(0));
            for pair in pairs {
                prove_pair(books, &log, &leaves, pair)?;
            }
        }
        Ok(())
    }
}
