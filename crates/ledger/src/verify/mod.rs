//! The store's verifier: reads everything from disk, trusts nothing derived, and names every damage it finds.
//!
//! Packs are gone over one by one on all cores, then their ends are compared, then the tail, then what `_node`, the register and
//! `quarantine/` say of the rest (`docs/spec/pack.md`, *Verifying a store*). It goes on behind damage as far as anything can be made
//! of what follows. Repairs nothing, holds no lock, and needs no secret.

mod finding;
mod keys;
mod logs;
mod others;
mod pack;
mod packs;
mod records;
mod register;
mod row;
mod sections;
mod tail;
mod verdict;

pub use finding::{Damage, Finding};

use crate::format::pack::pack_names;
use crate::limits::READ_ATTEMPTS;
use indelible_proof::hash::Hash;
use indelible_proof::origin::{NODE_LOG, Origin};
use indelible_proof::pin::Pin;
use indelible_proof::verdict::Verdict;
use indelible_store::{Place, Store};
use logs::{LogSeen, Logs};
use others::Names;
use pack::PackSeen;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tail::{Chain, TailCheck, TailSeen};

/// What is asked.
pub struct Request<'a> {
    /// Re-hash the records of this log, and of `_node`, alone. What links and signs packs and batches is checked all the same.
    pub only: Option<&'a str>,
    /// The log and key one believes.
    pub pin: Option<&'a Pin>,
    /// Told now and then how far it is.
    pub progress: &'a (dyn Fn(&Checked) + Sync),
}

/// How much was gone over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Logs met.
    pub logs: u64,
    /// Records re-hashed.
    pub records: u64,
    /// Batches of the tail.
    pub batches: u64,
    /// Packs.
    pub packs: u64,
    /// Bytes read from the store.
    pub bytes_read: u64,
    /// Bytes that went through SHA-256.
    pub bytes_hashed: u64,
    /// Signatures verified.
    pub signatures: u64,
}

impl Checked {
    fn add(&mut self, other: &Checked) {
        self.logs += other.logs;
        self.records += other.records;
        self.batches += other.batches;
        self.packs += other.packs;
        self.bytes_read += other.bytes_read;
        self.bytes_hashed += other.bytes_hashed;
        self.signatures += other.signatures;
    }

    fn since(&self, before: &Checked) -> Checked {
        Checked {
            records: self.records - before.records,
            bytes_read: self.bytes_read - before.bytes_read,
            bytes_hashed: self.bytes_hashed - before.bytes_hashed,
            ..Checked::default()
        }
    }
}

/// What was found, how much was checked, and what was not.
#[derive(Debug)]
pub struct StoreReport {
    /// The five axes.
    pub verdict: Verdict,
    /// All damage, in reading order.
    pub findings: Vec<Finding>,
    /// How much was gone over.
    pub checked: Checked,
    /// Number of the batch that would come next: those before it were gone over.
    pub next: u64,
    /// Bytes behind the tail's end that mean nothing.
    pub unused: Vec<Place>,
    /// What was not checked, and what an operator should know.
    pub notes: Vec<String>,
}

/// A log's origin and short name.
#[derive(Clone, Debug)]
pub(crate) struct LogName {
    pub(crate) origin: String,
    pub(crate) name: String,
}

impl LogName {
    pub(crate) fn new(origin: &str) -> LogName {
        let name = Origin::parse(origin)
            .map_or(origin, |origin| origin.log())
            .to_owned();
        LogName {
            origin: origin.to_owned(),
            name,
        }
    }

    pub(crate) fn is_node(&self) -> bool {
        self.name == NODE_LOG
    }
}

/// Adds up what several threads did, and tells the caller.
pub(crate) struct Progress<'a> {
    sum: Mutex<Checked>,
    tell: &'a (dyn Fn(&Checked) + Sync),
}

impl Progress<'_> {
    pub(crate) fn add(&self, checked: &Checked) {
        let sum = {
            let mut sum = self.sum.lock().expect("no thread panics while it adds");
            sum.add(checked);
            *sum
        };
        (self.tell)(&sum);
    }
}

/// Verifies a whole store.
#[must_use]
pub fn verify_store(store: &dyn Store, request: &Request<'_>) -> StoreReport {
    let progress = Progress {
        sum: Mutex::default(),
        tell: request.progress,
    };
    let mut logs = Logs::default();
    // Whether somebody writes is asked before anything is read: what is torn then may be in the making.
    let writing = store.writer_active().unwrap_or(false);
    let mut names = Names::read(store, &mut logs);
    let mut all = Seen::default();
    all.packs(store, &names.packs, &mut logs, request, &progress);
    let mut attempts = if writing { READ_ATTEMPTS } else { 0 };
    loop {
        let before = (attempts > 0).then(|| (all.clone(), logs.clone()));
        let first = store.first_slot().ok();
        all.rest(store, &names, &mut logs, request, &progress);
        let Some(before) = before.filter(|_| !logs.findings.is_empty()) else {
            break;
        };
        // Trouble beside a writer: was what the tail held sealed and released while it was read? Then it is in the new packs.
        let now = Names::read(store, &mut Logs::default());
        if now.packs == names.packs && store.first_slot().ok() == first {
            break;
        }
        attempts -= 1;
        (all, logs) = before;
        if names.packs.iter().any(|pack| !now.packs.contains(pack)) {
            // Merged meanwhile: what was read of them may have failed for that alone.
            (all, logs) = (Seen::default(), Logs::default());
            names = Names::read(store, &mut logs);
            all.packs(store, &names.packs, &mut logs, request, &progress);
            continue;
        }
        let new = now.packs.iter().filter(|pack| !names.packs.contains(pack));
        let new: Vec<_> = new.copied().collect();
        all.packs(store, &new, &mut logs, request, &progress);
        names = now;
    }
    all.signatures(&mut logs);
    keys::check(&all.notes, &mut logs);
    let mut report = verdict::report(store, all, logs, request, writing);
    report.notes.extend(others::remarks(store, &names));
    report
}

/// Reads a pack that was just written back from disk and re-hashes all of it.
pub(crate) fn read_back(
    store: &dyn Store,
    batches: (u64, u64),
    digest: Hash,
) -> Result<(), String> {
    let progress = Progress {
        sum: Mutex::default(),
        tell: &|_| {},
    };
    let seen = pack::check(store, batches, None, true, &progress);
    if let Some(finding) = seen.findings.first() {
        return Err(finding.to_string());
    }
    match seen.header {
        Some(header) if header.digest() == digest => Ok(()),
        _ => Err("its header has another digest".to_owned()),
    }
}

/// All that was seen, for what is compared at the end.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    chain: Option<Chain>,
    pub(crate) notes: Vec<pack::NoteSeen>,
    /// Events of `_node`, in order.
    pub(crate) of_node: Vec<(u64, Vec<u8>)>,
    /// Digest of each pack whose header could be read, by its batches.
    pub(crate) packs: HashMap<(u64, u64), Hash>,
    pub(crate) tail: TailSeen,
    pub(crate) checked: Checked,
}

impl Seen {
    fn packs(
        &mut self,
        store: &dyn Store,
        packs: &[(u64, u64)],
        logs: &mut Logs,
        request: &Request<'_>,
        progress: &Progress<'_>,
    ) {
        let seen = in_parallel(packs, |batches| {
            pack::check(store, *batches, request.only, false, progress)
        });
        let mut expected = self.chain.as_ref().map_or(0, |chain| chain.next);
        for ((first, last), pack) in packs.iter().copied().zip(seen) {
            let (file, _) = pack_names(first, last);
            if first > expected {
                let what = format!("batches {expected} to {} are in no pack", first - 1);
                logs.lost(Finding::new(Damage::MissingBatch(expected), &file, 0, what));
            } else if first < expected {
                logs.found(Finding::new(
                    Damage::Unreadable,
                    &file,
                    0,
                    "its batches are in another pack too",
                ));
            }
            expected = last + 1;
            self.pack(pack, (first, last), &file, logs);
        }
    }

    fn pack(&mut self, pack: PackSeen, batches: (u64, u64), file: &str, logs: &mut Logs) {
        let PackSeen {
            header,
            runs,
            findings,
            notes,
            geneses,
            keys,
            of_node,
            checked,
        } = pack;
        let readable = !runs.is_empty() || header.is_some();
        // A pack without readable runs loses an unknown number of records; the next run of each log shows which.
        for finding in findings {
            if runs.is_empty() {
                if finding.damage == Damage::Unreadable {
                    logs.could_not_read(batches.0);
                }
                logs.lost(finding)
            } else {
                logs.found(finding)
            }
        }
        for run in &runs {
            logs.run(run, file);
        }
        for (id, event) in geneses {
            logs.genesis(&id, &event);
        }
        for (id, seq, event) in keys {
            logs.key(&id, seq, &event);
        }
        let prev = header.as_ref().map(|header| header.last_digest);
        if let Some(header) = header.filter(|_| readable) {
            self.packs.insert(batches, header.digest());
        }
        self.chain = Some(Chain {
            next: batches.1 + 1,
            prev,
            epoch: 0,
            writer: None,
            time: None,
        });
        for note in &notes {
            if let Some(log) = logs.by_origin_mut(&note.origin) {
                log.noted = log.noted.max(note.size);
            }
        }
        self.notes.extend(notes);
        self.of_node.extend(of_node);
        self.checked.add(&checked);
        self.checked.packs += 1;
    }

    /// The tail behind the packs, and what the parts of the store say of each other.
    fn rest(
        &mut self,
        store: &dyn Store,
        names: &Names,
        logs: &mut Logs,
        request: &Request<'_>,
        progress: &Progress<'_>,
    ) {
        // Read before the tail, so that beside a writer it never remembers more than the tail can show.
        let register = store.register_read();
        let chain = self.chain.take().unwrap_or(Chain {
            next: 0,
            prev: Some(Hash::ZERO),
            epoch: 0,
            writer: None,
            time: None,
        });
        let tail = TailCheck {
            store,
            logs,
            chain,
            only: request.only,
            progress,
            seen: TailSeen::default(),
        };
        self.tail(tail.run());
        others::check(store, names, self, register, request.only, logs);
    }

    fn tail(&mut self, mut tail: TailSeen) {
        self.notes.append(&mut tail.notes);
        self.of_node.append(&mut tail.of_node);
        self.checked.add(&tail.checked);
        self.tail = tail;
    }

    /// The signatures of all notes, under the keys that their logs name for their sizes.
    fn signatures(&mut self, logs: &mut Logs) {
        let known: HashMap<&str, &LogSeen> = logs
            .iter()
            .map(|log| (log.name.origin.as_str(), log))
            .collect();
        let good = in_parallel(&self.notes, |note| {
            keys::is_signed(note, known.get(note.origin.as_str())?)
        });
        drop(known);
        for (note, good) in self.notes.iter().zip(good) {
            self.checked.signatures += u64::from(good.is_some());
            if good == Some(false) {
                let finding = Finding::new(
                    Damage::SignatureInvalid,
                    &note.file,
                    note.offset,
                    "a note is not signed by its log's key",
                );
                logs.found(finding.of_log(&LogName::new(&note.origin).name));
            }
        }
    }
}

/// Does the work of each item on all cores; the results are in the items' order.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<R>>> = Mutex::new(items.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((place, item)) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|place| Some((place, items.get(place)?)))
                {
                    let result = work(item);
                    done.lock()
                        .expect("no thread panics while it stores a result")[place] = Some(result);
                }
            });
        }
    });
    let done = done
        .into_inner()
        .expect("no thread panics while it stores a result");
    done.into_iter()
        .map(|result| result.expect("every item was worked on"))
        .collect()
}
