//! The independent model: what callers were told, and what must therefore be true of every log for ever.
//!
//! Owns a list of acknowledged records and receipts, by log. Judges what a reader reads back with text, SHA-256 and Ed25519 alone; it uses
//! neither the ledger's nor the proof crate's code. It does not know how anything is stored.

use crate::tree::{self, Digest, hex, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use std::collections::{BTreeMap, BTreeSet};

/// A record as somebody hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub head: Vec<u8>,
    pub salt: Vec<u8>,
    pub event: Vec<u8>,
}

/// What a sender knows of an event it sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing for certain: no answer, or *unknown whether recorded*.
    Unsure,
    /// *Not recorded*.
    Refused,
    /// Recorded, there.
    At(u64),
}

/// A receipt's claim.
#[derive(Clone, Debug)]
pub struct Proven {
    pub size: u64,
    pub root: Digest,
}

#[derive(Clone, Debug, Default)]
pub struct Log {
    pub origin: String,
    /// Acknowledged, by seq.
    pub told: BTreeMap<u64, Record>,
    /// Every event that was ever sent, by its number.
    pub sent: BTreeMap<u64, Heard>,
    /// By whom.
    senders: BTreeMap<u64, BTreeSet<&'static str>>,
    /// The first seq that was free for all anybody knew when the event was sent first.
    above: BTreeMap<u64, u64>,
    pub receipts: Vec<Proven>,
    /// Verifier keys the log may sign with.
    pub keys: Vec<[u8; 32]>,
    /// Events that are there together or not at all.
    together: Vec<Vec<u64>>,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    logs: BTreeMap<String, Log>,
    /// Somebody asked for a log of this name, and nothing is known yet.
    founding: BTreeSet<String>,
}

pub type Judged = Result<(), String>;

/// What must hold, and else what is wrong.
pub fn must(holds: bool, what: impl FnOnce() -> String) -> Judged {
    if holds { Ok(()) } else { Err(what()) }
}

/// The event of that number. What stands in it is nobody's business but its sender's.
pub fn event(number: u64) -> Vec<u8> {
    let note = "x".repeat(usize::try_from(number * 37 % 400).unwrap_or(0));
    format!(
        r#"{{"order":{number},"amount":"{}.00","note":"{note}"}}"#,
        number % 97
    )
    .into_bytes()
}

fn number_of(event: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(event).ok()?;
    text.strip_prefix(r#"{"order":"#)?
        .split_once(',')?
        .0
        .parse()
        .ok()
}

/// The text of a field of a head: heads hold no escape.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = head.split_once(&format!("\"{name}\":"))?;
    let end = rest.find([',', '}'])?;
    Some(rest.get(..end)?.trim_matches('"'))
}

/// The leaves of the tree over these records.
pub fn leaves(records: &[Record]) -> Vec<Digest> {
    let entries = records.iter().map(|record| sha256(&[&record.head]));
    entries.map(|entry| tree::leaf(&entry)).collect()
}

/// Logs as callers see them.
impl Model {
    fn log(&mut self, name: &str) -> &mut Log {
        self.logs.entry(name.to_owned()).or_default()
    }

    pub fn knows(&self, name: &str) -> bool {
        self.logs.contains_key(name)
    }

    pub fn may_be_founded(&self, name: &str) -> bool {
        self.founding.contains(name) || name.starts_with('_')
    }

    /// Name and origin of each log that is there for certain.
    pub fn origins(&self) -> Vec<(String, String)> {
        let logs = self.logs.iter();
        logs.map(|(name, log)| (name.clone(), log.origin.clone()))
            .collect()
    }

    /// Logs that are there for certain.
    pub fn founded_logs(&self) -> Vec<String> {
        self.logs.keys().cloned().collect()
    }

    /// Those among them that callers may write to.
    pub fn callers_logs(&self) -> Vec<String> {
        let theirs = self.logs.keys().filter(|name| !name.starts_with('_'));
        theirs.cloned().collect()
    }

    /// Somebody asks for a log.
    pub fn founding(&mut self, name: &str) {
        self.founding.insert(name.to_owned());
    }

    /// It was refused for certain.
    pub fn not_founded(&mut self, name: &str) {
        self.founding.remove(name);
    }

    /// A start read the store: what is not there by now never comes.
    pub fn forget_unfounded(&mut self) {
        self.founding.clear();
    }

    /// A log is there, and may sign with this key from now on.
    pub fn founded(&mut self, name: &str, origin: &str, verifier: &str) -> Judged {
        let expected = self.founding.remove(name) || name.starts_with('_') || self.knows(name);
        must(expected, || format!("the log {name} was founded by nobody"))?;
        let log = self.log(name);
        must(log.origin.is_empty() || log.origin == origin, || {
            format!("the log {name} has another origin")
        })?;
        origin.clone_into(&mut log.origin);
        log.learn_key(verifier)
    }

    /// An event goes out; nobody knows what becomes of it.
    pub fn sending(&mut self, name: &str, number: u64) {
        let log = self.log(name);
        let above = log
            .told
            .last_key_value()
            .map_or(0, |(newest, _)| newest + 1);
        log.above.insert(number, above);
        log.sent.insert(number, Heard::Unsure);
    }

    /// It goes out as that principal's.
    pub fn sent_by(&mut self, name: &str, number: u64, by: &'static str) {
        let senders = &mut self.log(name).senders;
        senders.entry(number).or_default().insert(by);
    }

    /// It goes out once more: what was refused for certain may be there from now on.
    pub fn sending_again(&mut self, name: &str, number: u64) {
        let heard = self.log(name).sent.entry(number).or_insert(Heard::Unsure);
        if *heard == Heard::Refused {
            *heard = Heard::Unsure;
        }
    }

    /// *Not recorded*, if nothing else is known of it.
    pub fn refused(&mut self, name: &str, number: u64) {
        let heard = self.log(name).sent.entry(number).or_insert(Heard::Refused);
        if *heard == Heard::Unsure {
            *heard = Heard::Refused;
        }
    }

    pub fn together(&mut self, name: &str, numbers: &[u64]) {
        self.log(name).together.push(numbers.to_vec());
    }

    pub fn heard(&self, name: &str, number: u64) -> Option<Heard> {
        self.logs.get(name)?.sent.get(&number).cloned()
    }

    pub fn told(&self, name: &str, seq: u64) -> Option<Record> {
        self.logs.get(name)?.told.get(&seq).cloned()
    }

    pub fn acknowledged(
        &mut self,
        name: &str,
        number: u64,
        seq: u64,
        record: Record,
        again: bool,
    ) -> Judged {
        self.log(name).acknowledged(number, seq, record, again)
    }

    pub fn receipt(&mut self, name: &str, seq: u64, head: &[u8], text: &str) -> Judged {
        self.log(name).receipt(seq, head, text)
    }

    /// A log's published checkpoint is of these very records.
    pub fn judge_note(&self, name: &str, records: &[Record], text: &str) -> Judged {
        let log = self.logs.get(name).ok_or("a log nobody founded")?;
        let proven = log
            .checkpoint(text)
            .map_err(|what| format!("{name}: its checkpoint {what}"))?;
        log.judge_claims(name, &[proven], &leaves(records))
    }
}

/// What is read back.
impl Model {
    /// Everything a log was promised, against all its records in order.
    pub fn judge(&self, name: &str, records: &[Record]) -> Judged {
        let log = self.logs.get(name).ok_or("a log nobody founded")?;
        let (mut prev, mut last_time) = ([0; 32], String::new());
        let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
        for (seq, record) in (0..).zip(records) {
            let time = log.judge_one(seq, record, &prev)?;
            must(last_time < time, || {
                format!("{name} {seq}: its time is not after the one before")
            })?;
            last_time = time;
            prev = sha256(&[&record.head]);
            if let Some(number) = number_of(&record.event)
                && let Some(before) = seen.insert(number, seq)
            {
                return Err(format!(
                    "{name} {seq}: event {number} is record {before} too"
                ));
            }
        }
        for (number, seq) in &seen {
            log.may_be_there(*number, *seq)?;
        }
        for group in &log.together {
            let there = group
                .iter()
                .filter(|number| seen.contains_key(number))
                .count();
            must(there == 0 || there == group.len(), || {
                format!(
                    "{name}: {there} of {} events are there that belong together",
                    group.len()
                )
            })?;
        }
        let size = u64::try_from(records.len()).unwrap_or(u64::MAX);
        if let Some(seq) = log.told.keys().find(|seq| **seq >= size) {
            return Err(format!(
                "{name} {seq}: acknowledged and not there; the log has {size} records"
            ));
        }
        log.judge_claims(name, &log.receipts, &leaves(records))
    }
}

impl Log {
    /// Place, link, digest, and that it is what its sender was told. Gives its time.
    fn judge_one(&self, seq: u64, record: &Record, prev: &Digest) -> Result<String, String> {
        let wrong = |what: &str| format!("{} {seq}: {what}", self.origin);
        let head = std::str::from_utf8(&record.head).map_err(|_| wrong("its head is no text"))?;
        let of = |name| field(head, name).unwrap_or_default();
        must(of("seq") == seq.to_string(), || {
            wrong("it says another seq")
        })?;
        must(of("log") == self.origin, || wrong("it says another log"))?;
        must(of("prev") == hex(prev), || {
            wrong("prev is not the entry before")
        })?;
        let digest = sha256(&[&record.salt, &record.event]);
        must(of("digest") == hex(&digest), || {
            wrong("its digest is not that of salt and event")
        })?;
        if let Some(number) = number_of(&record.event) {
            let senders = self.senders.get(&number);
            let fits = senders.is_some_and(|senders| senders.contains(of("by")));
            must(fits, || wrong("it says another sender"))?;
        }
        if let Some(told) = self.told.get(&seq) {
            must(told == record, || {
                wrong("it is not the record that its sender was told of")
            })?;
        }
        Ok(of("time").to_owned())
    }

    fn may_be_there(&self, number: u64, seq: u64) -> Judged {
        let wrong = |what: &str| Err(format!("{} {seq}: event {number} {what}", self.origin));
        match self.sent.get(&number) {
            Some(Heard::Unsure) => Ok(()),
            Some(Heard::At(at)) if *at == seq => Ok(()),
            Some(Heard::At(at)) => wrong(&format!("was acknowledged as record {at}")),
            Some(Heard::Refused) => wrong("is there, and its sender was told: not recorded"),
            None => wrong("was sent by nobody"),
        }
    }

    /// Each size that was ever signed has the root that was signed.
    fn judge_claims(&self, name: &str, claims: &[Proven], leaves: &[Digest]) -> Judged {
        let mut roots: BTreeMap<u64, Digest> = BTreeMap::new();
        for Proven { size, root } in claims {
            let upto = usize::try_from(*size).unwrap_or(usize::MAX);
            let Some(covered) = leaves.get(..upto) else {
                return Err(format!(
                    "{name}: size {size} was signed, the log has fewer records"
                ));
            };
            let now = roots.entry(*size).or_insert_with(|| tree::root(covered));
            must(now == root, || {
                format!("{name}: the root that was signed for size {size} is not the log's")
            })?;
        }
        Ok(())
    }

    /// An acknowledgement: now, or again of what was acknowledged before.
    pub fn acknowledged(&mut self, number: u64, seq: u64, record: Record, again: bool) -> Judged {
        if let Some(known) = self.told.get(&seq) {
            return must(again && *known == record, || {
                format!(
                    "{} {seq}: acknowledged a second time, as another record or as new",
                    self.origin
                )
            });
        }
        let above = self.above.get(&number).copied().unwrap_or(0);
        must(seq >= above, || {
            format!(
                "{} {seq}: event {number} was sent when record {above} was acknowledged",
                self.origin
            )
        })?;
        let before = self.sent.insert(number, Heard::At(seq));
        must(!matches!(before, Some(Heard::At(_))), || {
            format!(
                "{} {seq}: event {number} was acknowledged before as {before:?}",
                self.origin
            )
        })?;
        must(!again || before == Some(Heard::Unsure), || {
            format!(
                "{} {seq}: event {number} was never sent before, and is answered as sent again",
                self.origin
            )
        })?;
        self.told.insert(seq, record);
        Ok(())
    }

    /// Reads a receipt as `c2sp.org/tlog-proof@v1` says, and checks all that it claims.
    pub fn receipt(&mut self, seq: u64, head: &[u8], text: &str) -> Judged {
        let wrong = |what: &str| format!("{} {seq}: its receipt {what}", self.origin);
        let (proof, note) = text
            .split_once("\n\n")
            .ok_or_else(|| wrong("has no note"))?;
        let mut lines = proof.lines();
        must(lines.next() == Some("c2sp.org/tlog-proof@v1"), || {
            wrong("is none")
        })?;
        let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
        must(
            extra.and_then(|text| STANDARD.decode(text).ok()).as_deref() == Some(head),
            || wrong("has another head"),
        )?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        must(index == Some(&seq.to_string()), || {
            wrong("has another index")
        })?;
        let path: Option<Vec<Digest>> = lines.map(digest).collect();
        let path = path.ok_or_else(|| wrong("has a path that is none"))?;
        let proven = self.checkpoint(note).map_err(|what| wrong(&what))?;
        let leaf = tree::leaf(&sha256(&[head]));
        must(
            tree::includes(leaf, seq, proven.size, &path, &proven.root),
            || wrong("does not lead to its root"),
        )?;
        self.receipts.push(proven);
        Ok(())
    }

    /// A signed checkpoint of this log.
    pub fn checkpoint(&self, note: &str) -> Result<Proven, String> {
        let (text, signatures) = note.split_once("\n\n").ok_or("is not signed")?;
        let lines: Vec<&str> = text.lines().collect();
        let [origin, size, root] = lines[..] else {
            return Err("has not three lines".to_owned());
        };
        must(origin == self.origin, || "is another log's".to_owned())?;
        let size = size.parse().map_err(|_| "has no size")?;
        let root = digest(root).ok_or("has no root")?;
        let signed = format!("{text}\n");
        let good = signatures
            .lines()
            .any(|line| self.is_signature(line, signed.as_bytes()));
        must(good, || "is not signed by the log's key".to_owned())?;
        Ok(Proven { size, root })
    }

    fn is_signature(&self, line: &str, text: &[u8]) -> bool {
        let parts: Vec<&str> = line.split(' ').collect();
        let ["\u{2014}", name, signature] = parts[..] else {
            return false;
        };
        let bytes = STANDARD.decode(signature).unwrap_or_default();
        let Some((_id, signature)) = bytes.split_at_checked(4) else {
            return false;
        };
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        name == self.origin
            && self.keys.iter().any(|key| {
                VerifyingKey::from_bytes(key)
                    .is_ok_and(|key| key.verify_strict(text, &signature).is_ok())
            })
    }

    /// The public key in a verifier key's text, `<name>+<id>+<base64 of type and key>`, becomes one the log may sign with.
    pub fn learn_key(&mut self, text: &str) -> Judged {
        let encoded = text.rsplit('+').next().unwrap_or_default();
        // The base64 alphabet has a plus too: the key is what stands behind the id.
        let encoded = text.splitn(3, '+').nth(2).unwrap_or(encoded);
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| format!("no verifier key: {text}"))?;
        let key = bytes
            .get(1..)
            .and_then(|key| <[u8; 32]>::try_from(key).ok());
        let key = key.ok_or_else(|| format!("no verifier key: {text}"))?;
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        Ok(())
    }
}

fn digest(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
