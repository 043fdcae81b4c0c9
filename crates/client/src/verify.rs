//! Whether an answer proves what it says: a function of the answer, the pin and what was sent, and of nothing else.
//!
//! A receipt of one event is judged by [`verify_receipt`], the code that every verifier of indelible runs. For an array every head is
//! built from the fields they share, the sender's own events and the times and salts of the answer; their entries have to give the
//! root that the log signed. A node can then have changed, swapped or left out nothing without another root. Signed notes that were
//! verified before are remembered by their exact bytes, so that a signature is checked once and not for each receipt under it.

use crate::recorded::{Batch, Proof, Recorded};
use indelible_api::{Array, Single};
use indelible_proof::batch_receipt::BatchReceipt;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::hash::{self, Hash, Hasher};
use indelible_proof::head::{self, Head, Kind, Own, Shared};
use indelible_proof::limits::INTEGER_MAX;
use indelible_proof::pin::Pin;
use indelible_proof::receipt::Receipt;
use indelible_proof::record::{Salt, encode_line};
use indelible_proof::time::Time;
use indelible_proof::tree::subtree::Span;
use indelible_proof::verdict::{Authenticity, Completeness, Consistency, Integrity};
use indelible_proof::verify::{Known, Report, WalkFile, verify_batch_receipt, verify_receipt};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

mod history;

pub(crate) use history::{History, Seen};

/// An event as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Without white space outside strings: what is hashed.
    pub event: &'a [u8],
    /// The key or number that it claimed, and the time that it gives for itself.
    pub own: Own<'a>,
}

/// Who sent it, as far as the sender knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender<'a> {
    /// The principal.
    pub by: Option<&'a str>,
    /// SHA-256 of the certificate.
    pub certificate: Option<Hash>,
}

/// Why an answer does not prove that what was sent is recorded. Nothing here is an accident of the network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// Of another log, or of another history under the same name.
    #[error("it is of the log {0}, which is not the pinned one")]
    OtherLog(String),
    /// A part has not its form.
    #[error("it has not its form: {0}")]
    Malformed(String),
    /// The record is of another event than the one that was sent.
    #[error("record {0} is not of the event that was sent")]
    OtherEvent(u64),
    /// The record has another key, number or time of the event: it is somebody else's, or an older one.
    #[error("record {0} has another key, number or time than was sent")]
    OtherClaim(u64),
    /// The record says that somebody else sent it.
    #[error("record {seq} says that it came from {said}, not from {sent}")]
    OtherSender {
        /// Which.
        seq: u64,
        /// What it says.
        said: String,
        /// What is true.
        sent: String,
    },
    /// Not the kind of record that an event becomes.
    #[error("record {0} is of another kind than an event")]
    OtherKind(u64),
    /// Seq or entry of the answer are not those of the receipt.
    #[error("the answer names another place than its receipt, which is of record {0}")]
    OtherPlace(u64),
    /// More or fewer records than events.
    #[error("{sent} events were sent, and {answered} are answered")]
    Count {
        /// Events.
        sent: usize,
        /// Records.
        answered: usize,
    },
    /// Times run backwards.
    #[error("record {0} is not later than the one before")]
    Time(u64),
    /// The record was made on the other side of a time than was said.
    #[error("record {0} was made on the other side of the time that was asked for")]
    OtherTime(u64),
    /// The records do not give what was signed, or break a rule.
    #[error("{0}")]
    Integrity(Integrity),
    /// Something of what was asked for is left out.
    #[error("{0}")]
    Incomplete(Completeness),
    /// Who signed is not the pinned log.
    #[error("{}", authenticity(*.0))]
    Authenticity(Authenticity),
    /// The log signed two histories. Anybody can check it: `indelible verify --fork`.
    #[error("the log signed two histories")]
    Fork {
        /// A signed note.
        one: String,
        /// Another.
        other: String,
        /// If they are of different sizes: a consistency proof by which they contradict each other.
        proof: Option<String>,
    },
    /// The node shows less than it showed before.
    #[error("it shows a log of {shown} records, and showed {size} before: an older copy of it")]
    Rollback {
        /// The signed note of before.
        newer: String,
        /// Its size.
        size: u64,
        /// How many there are now by the node's word.
        shown: u64,
    },
    /// The walk, which shows the keys that the log has had since the pin, does not hold.
    #[error("the walk from the pin to the log's keys of today does not hold: {0}")]
    Walk(String),
    /// Another record than the one that was due.
    #[error("record {due} is due, and it answers with {came}")]
    OtherRecord {
        /// The seq that was asked for, or that comes next.
        due: u64,
        /// What came.
        came: String,
    },
    /// The event was asked for and is not there, or the other way round.
    #[error("record {0} came with its event where its head was asked for, or without where it was")]
    OtherContent(u64),
}

/// What to do stands in the value.
fn authenticity(value: Authenticity) -> String {
    match value {
        Authenticity::UnknownKey => {
            "unknown key: it is signed by none that the pin or its walk names; if the log's keys were replaced, give the walk".to_owned()
        }
        other => other.to_string(),
    }
}

/// Judges answers about one log.
pub struct Verifier {
    pin: Pin,
    /// What the node has shown of the log's keys and size.
    history: History,
    /// What the log signed, as far as it was verified; the newest last.
    notes: Mutex<VecDeque<Arc<str>>>,
    notes_max: usize,
}

impl Verifier {
    /// By a pin, and the walk that leads from its key to those of today, if there is one.
    #[must_use]
    pub fn new(pin: Pin, walk: Option<WalkFile>) -> Verifier {
        Verifier {
            pin,
            history: History::new(walk),
            notes: Mutex::default(),
            notes_max: crate::limits::NOTES_KEPT,
        }
    }

    /// The pin.
    #[must_use]
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// Judges the answer to one event.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn single(
        &self,
        answer: &Single,
        sender: &Sender<'_>,
        sent: &Sent<'_>,
    ) -> Result<Recorded, NotProven> {
        self.of_this_log(&answer.log)?;
        let salt = salt(&answer.salt)?;
        let receipt = Receipt::parse(answer.receipt.as_bytes())
            .map_err(|part| NotProven::Malformed(format!("{part} of the receipt")))?;
        let mut line = Vec::with_capacity(receipt.head.len() + sent.event.len() + 64);
        encode_line(&receipt.head, Some((salt.text(), sent.event)), &mut line);
        self.believed(receipt.note_text, &receipt.checkpoint, |known| {
            verify_receipt(answer.receipt.as_bytes(), known, Some(&line))
        })?;
        let head =
            Head::parse(&receipt.head).map_err(|error| NotProven::Malformed(error.to_string()))?;
        let entry = hash::entry(&receipt.head);
        if answer.seq != head.seq || answer.entry.as_bytes() != entry.hex() {
            return Err(NotProven::OtherPlace(head.seq));
        }
        if head.own != sent.own {
            return Err(NotProven::OtherClaim(head.seq));
        }
        check_sender(&head.shared, head.seq, sender, answer.again)?;
        Ok(Recorded {
            seq: head.seq,
            time: head.time,
            entry,
            salt,
            again: answer.again,
            proof: Proof::Own(answer.receipt.clone()),
            head: receipt.head,
        })
    }

    /// Judges the answer to an array whose events were all new.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn array<'a>(
        &self,
        answer: &Array,
        sender: &Sender<'_>,
        sent: impl ExactSizeIterator<Item = Sent<'a>>,
    ) -> Result<Vec<Recorded>, NotProven> {
        self.of_this_log(&answer.log)?;
        let count = sent.len();
        for answered in [answer.times.len(), answer.salts.len()] {
            if answered != count {
                return Err(NotProven::Count {
                    sent: count,
                    answered,
                });
            }
        }
        let receipt = BatchReceipt::parse(answer.receipt.as_bytes())
            .map_err(|error| NotProven::Malformed(format!("the batch receipt: {error}")))?;
        let is_of_them = (answer.first, answer.count) == (receipt.first, receipt.count)
            && u64::try_from(count) == Ok(receipt.count);
        if !is_of_them {
            return Err(NotProven::OtherPlace(receipt.first));
        }
        let shared = answer.shared.fields();
        let shared = shared.ok_or_else(|| NotProven::Malformed("the shared fields".to_owned()))?;
        check_sender(&shared, answer.first, sender, false)?;
        let (mut records, entries) = self.build(answer, &shared, sent)?;
        let mut span = Span::new(receipt.first);
        entries
            .iter()
            .for_each(|entry| span.push(hash::leaf(entry)));
        let checkpoint = &receipt.checkpoint;
        let root = receipt
            .sides()
            .and_then(|(left, right)| span.root(checkpoint.size, left, right));
        if root != Some(checkpoint.root) {
            return Err(NotProven::Integrity(Integrity::RootMismatch(
                checkpoint.size,
            )));
        }
        self.believed(receipt.note_text, checkpoint, |known| {
            let mut report = verify_batch_receipt(answer.receipt.as_bytes(), known, None);
            // The records were put to the root above.
            if report.verdict.integrity == Integrity::Unchecked {
                report.verdict.integrity = Integrity::Ok;
            }
            report
        })?;
        let batch = Arc::new(Batch {
            receipt: answer.receipt.clone(),
            entries,
        });
        for record in &mut records {
            record.proof = Proof::Shared(Arc::clone(&batch));
        }
        Ok(records)
    }

    /// Every head, and what it hashes to. All have the same form as the first, which is read to its end.
    fn build<'a>(
        &self,
        answer: &Array,
        shared: &Shared<'_>,
        sent: impl Iterator<Item = Sent<'a>>,
    ) -> Result<(Vec<Recorded>, Vec<Hash>), NotProven> {
        let mut beginning = Vec::with_capacity(256);
        head::encode_start(self.pin.origin(), &mut beginning);
        shared.encode(&mut beginning);
        let mut begun = Hasher::new();
        begun.update(&beginning);
        let prev = Hash::from_hex(answer.prev.as_bytes());
        let mut prev = prev.ok_or_else(|| NotProven::Malformed("prev".to_owned()))?;
        let mut before: Option<Time> = None;
        // The answer has as many as were sent.
        let count = answer.times.len();
        let (mut records, mut entries) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let described = answer.times.iter().zip(&answer.salts).zip(answer.first..);
        for (sent, ((time_text, salt_text), seq)) in sent.zip(described) {
            if seq > INTEGER_MAX {
                return Err(NotProven::Malformed("the place of a record".to_owned()));
            }
            let time = Time::parse(time_text.as_bytes())
                .ok_or_else(|| NotProven::Malformed(format!("the time of record {seq}")))?;
            if before.is_some_and(|before| time <= before) {
                return Err(NotProven::Time(seq));
            }
            let salt = salt(salt_text)?;
            let mut head = Vec::with_capacity(beginning.len() + 420);
            head.extend_from_slice(&beginning);
            sent.own.encode(&mut head);
            head::encode_digest(&hash::digest(salt.text(), sent.event), &mut head);
            head::encode_end(seq, &time.text(), &prev, &mut head);
            if before.is_none() {
                let read = Head::parse(&head);
                read.map_err(|error| NotProven::Malformed(error.to_string()))?;
            }
            // What all heads begin with is hashed once.
            let mut hasher = begun.clone();
            hasher.update(&head[beginning.len()..]);
            let entry = hasher.finish();
            records.push(Recorded {
                seq,
                time,
                entry,
                head,
                salt,
                again: false,
                proof: Proof::Own(String::new()),
            });
            entries.push(entry);
            (prev, before) = (entry, Some(time));
        }
        Ok((records, entries))
    }

    fn of_this_log(&self, origin: &str) -> Result<(), NotProven> {
        match origin == self.pin.origin() {
            true => Ok(()),
            false => Err(NotProven::OtherLog(origin.to_owned())),
        }
    }

    /// Judges what `judge` says under this pin. Under a note that was believed before, it is asked without a key: then it checks all
    /// but the signature.
    fn believed(
        &self,
        note: &str,
        checkpoint: &Checkpoint<'_>,
        judge: impl FnOnce(Known<'_>) -> Report,
    ) -> Result<(), NotProven> {
        self.of_this_log(checkpoint.origin)?;
        let is_known = self.is_known(note);
        let walk = self.history.walk();
        let known = Known {
            pin: Some(&self.pin).filter(|_| !is_known),
            walk: walk.as_deref().filter(|_| !is_known),
        };
        let verdict = judge(known).verdict;
        match verdict.integrity {
            Integrity::Ok => {}
            Integrity::EventAltered(seqs) => {
                let seq = seqs.named().first().copied().unwrap_or_default();
                return Err(NotProven::OtherEvent(seq));
            }
            other => return Err(NotProven::Integrity(other)),
        }
        if is_known {
            return Ok(());
        }
        if let Consistency::Fork { one, other } = verdict.consistency {
            let proof = None;
            return Err(NotProven::Fork { one, other, proof });
        }
        match verdict.authenticity {
            Authenticity::Ok | Authenticity::OkNotYetPostQuantum => self.remember(note, checkpoint),
            other => Err(NotProven::Authenticity(other)),
        }
    }

    fn lock_notes(&self) -> MutexGuard<'_, VecDeque<Arc<str>>> {
        self.notes
            .lock()
            .expect("no thread panics while it looks at notes")
    }

    fn is_known(&self, note: &str) -> bool {
        self.lock_notes().iter().rev().any(|known| **known == *note)
    }

    /// Keeps a note whose signature is good, unless it contradicts one that is kept.
    fn remember(&self, note: &str, checkpoint: &Checkpoint<'_>) -> Result<(), NotProven> {
        let text = checkpoint.encode();
        let same_size = size_lines(&text);
        let mut notes = self.lock_notes();
        let other = notes
            .iter()
            .find(|kept| kept.starts_with(same_size) && !kept.starts_with(&text));
        if let Some(other) = other {
            return Err(NotProven::Fork {
                one: other.to_string(),
                other: note.to_owned(),
                proof: None,
            });
        }
        if notes.len() >= self.notes_max {
            notes.pop_front();
        }
        notes.push_back(note.into());
        Ok(())
    }
}

/// Origin and size of a checkpoint, with their line ends.
fn size_lines(text: &str) -> &str {
    let end = text.match_indices('\n').nth(1).map(|(place, _)| place + 1);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

fn salt(text: &str) -> Result<Salt, NotProven> {
    Salt::parse(text.as_bytes()).ok_or_else(|| NotProven::Malformed("a salt".to_owned()))
}

/// What a record says of its sender. An original from before may have come with an earlier certificate.
fn check_sender(
    shared: &Shared<'_>,
    seq: u64,
    sender: &Sender<'_>,
    again: bool,
) -> Result<(), NotProven> {
    if shared.kind != Kind::Event {
        return Err(NotProven::OtherKind(seq));
    }
    if let Some(by) = sender.by.filter(|by| *by != shared.by) {
        return Err(NotProven::OtherSender {
            seq,
            said: shared.by.to_owned(),
            sent: by.to_owned(),
        });
    }
    match sender.certificate {
        Some(own) if !again && shared.cert != Some(own) => Err(NotProven::OtherSender {
            seq,
            said: certificate(shared.cert),
            sent: certificate(Some(own)),
        }),
        _ => Ok(()),
    }
}

fn certificate(digest: Option<Hash>) -> String {
    digest.map_or_else(
        || "no certificate".to_owned(),
        |digest| format!("the certificate {digest}"),
    )
}
