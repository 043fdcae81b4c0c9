//! Reading: what a node answers is proven before it is handed out.
//!
//! Owns the questions and the order in which an answer is judged: by its own proof up to a signed head, by the pin or the walk from its
//! key to those of today, and by whether that head leads on from the heads that this client was shown before. A question is safe to ask
//! again, and is, within bounds.

mod border;
mod chunk;
mod events;
mod export;
mod flow;
mod record;
mod records;
mod watch;

pub use border::Border;
pub use export::Export;
pub use record::Record;
pub use records::{Records, Selection};
pub use watch::Watch;

use crate::answer;
use crate::body::Body;
use crate::builder::Client;
use crate::error::Error;
use crate::limits::JUDGED_IN_PLACE_BYTES_MAX;
use crate::retry::{Tries, Trouble};
use crate::verify::{NotProven, Seen, Verifier};
use bytes::Bytes;
use hyper::Request;
use indelible_api::limits::ANSWER_BYTES_MAX;
use indelible_api::{Code, Whoami, path};
use indelible_proof::export::Content;
use indelible_proof::limits::{BATCH_RECEIPT_RECORDS_MAX, RECEIPT_BYTES_MAX, WALK_FILE_BYTES_MAX};
use indelible_proof::prove::TreeHead;
use indelible_proof::verdict::Authenticity;
use indelible_proof::verify::{Known, Report, verify_proof, verify_receipt};
use std::sync::Arc;

impl Client {
    /// Who one is to this node, and what one may do. It is worth what the connection is worth: nothing of it is signed.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn whoami(&self) -> Result<Whoami, Error> {
        let answer = self.ask(path::WHOAMI, ANSWER_BYTES_MAX).await?;
        crate::append::understood(&answer)
    }

    /// A record, proven to stand there.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get(&self, log: &str, seq: u64) -> Result<Record, Error> {
        self.get_as(log, seq, Content::All).await
    }

    /// A record or its head alone: who and when, not what.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_as(&self, log: &str, seq: u64, content: Content) -> Result<Record, Error> {
        let verifier = self.verifier(log)?;
        let floor = verifier.history().newest();
        let path = format!("{}{}", path::record(log, seq), path::heads(content, '?'));
        let line = self.ask(&path, ANSWER_BYTES_MAX).await;
        let line = line.map_err(|error| gone(error, seq, floor.as_ref()))?;
        let (_, record) = self.proven_receipt(log, seq, Some((line, content))).await?;
        record.ok_or_else(|| Error::Answer("no record".to_owned()))
    }

    /// The receipt of a record, under a checkpoint of now.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn receipt(&self, log: &str, seq: u64) -> Result<String, Error> {
        Ok(self.proven_receipt(log, seq, None).await?.0)
    }

    /// One receipt for all records of a range, at most 65,536. Their heads are asked for too, and all of it is verified together; what
    /// the selection says of content does not count.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn batch_receipt(&self, log: &str, selection: Selection) -> Result<String, Error> {
        let verifier = self.verifier(log)?;
        let floor = verifier.history().newest();
        let mut records = self.records(log, selection.heads())?;
        let mut lines = Vec::new();
        while let Some(record) = records.next().await? {
            if u64::try_from(lines.len()).is_ok_and(|count| count >= BATCH_RECEIPT_RECORDS_MAX) {
                return Err(Error::TooMany(BATCH_RECEIPT_RECORDS_MAX));
            }
            lines.push(record.line);
        }
        if lines.is_empty() {
            let (log, seq) = (log.to_owned(), selection.first);
            return Err(Error::NoSuchRecord {
                log,
                seq,
                size: seq,
            });
        }
        let (receipt, _) = self
            .proven_lines(log, floor.as_ref(), selection.first, Content::Heads, &lines)
            .await?;
        let text = String::from_utf8(receipt.into());
        text.map_err(|_| Error::Answer("a receipt that is no text".to_owned()))
    }

    /// The receipt, and the record whose line is given.
    async fn proven_receipt(
        &self,
        log: &str,
        seq: u64,
        line: Option<(Bytes, Content)>,
    ) -> Result<(String, Option<Record>), Error> {
        let verifier = self.verifier(log)?;
        let floor = verifier.history().newest();
        let answer = self.ask(&path::receipt(log, seq), RECEIPT_BYTES_MAX).await;
        let answer = answer.map_err(|error| gone(error, seq, floor.as_ref()))?;
        let judge: Arc<Judge> = {
            let (receipt, line) = (answer.clone(), line.clone());
            Arc::new(move |known: Known<'_>| {
                verify_receipt(&receipt, known, line.as_ref().map(|(line, _)| &line[..]))
            })
        };
        let report = self
            .proven(log, floor.as_ref(), answer.len(), judge)
            .await?;
        if report.checked.range != Some((seq, seq)) {
            let came = report.checked.range.map_or(0, |(first, _)| first);
            return Err(NotProven::OtherRecord {
                due: seq,
                came: format!("record {came}"),
            }
            .into());
        }
        let record = line.map(|(line, content)| Record::of(seq, line, content));
        let text = String::from_utf8(answer.into());
        let text = text.map_err(|_| Error::Answer("a receipt that is no text".to_owned()))?;
        Ok((text, record.transpose()?))
    }

    /// Judges what proves itself up to a signed head, and that head.
    pub(crate) async fn proven(
        &self,
        log: &str,
        floor: Option<&Seen>,
        bytes: usize,
        judge: Arc<Judge>,
    ) -> Result<Report, Error> {
        let verifier = self.verifier(log)?;
        let (report, seen) = self.signed(log, verifier, bytes, judge).await?;
        self.follows(log, verifier, floor, seen).await?;
        Ok(report)
    }

    /// The same but for what was shown before. Where no key signed that is known, the log may have others since the pin: the node has
    /// one chance to prove it.
    async fn signed(
        &self,
        log: &str,
        verifier: &Arc<Verifier>,
        bytes: usize,
        judge: Arc<Judge>,
    ) -> Result<(Report, Seen), Error> {
        let mut report = judged(verifier, bytes, &judge).await?;
        if report.verdict.authenticity == Authenticity::UnknownKey
            && report.checked.origin.as_deref() == Some(verifier.pin().origin())
            && self.asks_for_walk(log, verifier).await?
        {
            report = judged(verifier, bytes, &judge).await?;
        }
        let seen = verifier.seen(&report)?;
        Ok((report, seen))
    }

    /// Whether a walk shows keys that were not known.
    async fn asks_for_walk(&self, log: &str, verifier: &Verifier) -> Result<bool, Error> {
        match self.ask(&path::walk(log), WALK_FILE_BYTES_MAX).await {
            Ok(walk) => Ok(verifier.learn_walk(&walk)?),
            // Then it stays as it is: signed by no key that is known.
            Err(Error::Refused { problem, .. })
                if matches!(problem.code, Code::NotFound | Code::Denied) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Does this head lead on from what was shown before? `floor`: the newest head of when the question was asked, of which an answer
    /// never shows less.
    async fn follows(
        &self,
        log: &str,
        verifier: &Arc<Verifier>,
        floor: Option<&Seen>,
        seen: Seen,
    ) -> Result<(), Error> {
        not_below(floor, seen.head.size)?;
        let history = verifier.history();
        let _placing = history.placing().await;
        let Some(known) = history.newest() else {
            history.learn(seen);
            return Ok(());
        };
        if known.head == seen.head {
            return Ok(());
        }
        let fork = |one: &Seen, other: &str, proof: Option<String>| NotProven::Fork {
            one: one.note.to_string(),
            other: other.to_owned(),
            proof,
        };
        if known.head.size == seen.head.size {
            return Err(fork(&known, &seen.note, None).into());
        }
        let (small, large) = match known.head.size < seen.head.size {
            true => (&known, &seen),
            false => (&seen, &known),
        };
        let path = path::consistency(log, small.head.size, large.head.size);
        let proof = self.ask(&path, RECEIPT_BYTES_MAX).await?;
        let judge: Arc<Judge> = {
            let proof = proof.clone();
            Arc::new(move |known: Known<'_>| verify_proof(&proof, known))
        };
        let (report, newest) = self.signed(log, verifier, proof.len(), judge).await?;
        let [from, to]: [TreeHead; 2] =
            report.checked.tree_heads.try_into().map_err(|_| {
                NotProven::Malformed("what should be a consistency proof".to_owned())
            })?;
        if (from.size, to.size) != (small.head.size, large.head.size) {
            let what = "a consistency proof between other sizes";
            return Err(NotProven::Malformed(what.to_owned()).into());
        }
        for (seen, proven) in [(small, from), (large, to)] {
            if seen.head.root != proven.root {
                let text = String::from_utf8_lossy(&proof).into_owned();
                let proof = (seen.head.size != newest.head.size).then_some(text);
                return Err(fork(seen, &newest.note, proof).into());
            }
        }
        // It begins with both.
        history.learn(newest);
        Ok(())
    }

    /// Asks a question until it is answered, as often as may be; the answer has at most so many bytes.
    pub(crate) async fn ask(&self, path: &str, most: usize) -> Result<Bytes, Error> {
        let mut tries = Tries::reading(self.inner.patience);
        loop {
            let once = async {
                let begun = self.inner.pool.send(self.getting(path)?).await?;
                Ok(answer::whole_up_to(begun, most).await?.body)
            };
            let trouble = match tokio::time::timeout(self.inner.try_max, once).await {
                Ok(Ok(body)) => return Ok(body),
                Ok(Err(trouble)) => trouble,
                Err(_) => self.too_late(),
            };
            tokio::time::sleep(tries.after(trouble)?).await;
        }
    }

    pub(crate) fn too_late(&self) -> Trouble {
        let millis = self.inner.try_max.as_millis();
        Trouble::sent(format!("no answer within {millis} ms"))
    }

    /// A request to read something.
    pub(crate) fn getting(&self, path: &str) -> Result<Request<Body>, Trouble> {
        let target = self.inner.pool.target();
        let mut request = Request::get(format!("{}{path}", target.base));
        if !self.inner.pool.is_multiplexed() {
            request = request.header(hyper::header::HOST, target.authority());
        }
        let made = request.body(Body::of(Bytes::new()));
        made.map_err(|error| Trouble::unsent(format!("the request can't be made: {error}")))
    }
}

/// What evidence is worth under what is known.
pub(crate) type Judge = dyn Fn(Known<'_>) -> Report + Send + Sync;

/// Judges so many bytes of evidence.
async fn judged(
    verifier: &Arc<Verifier>,
    bytes: usize,
    judge: &Arc<Judge>,
) -> Result<Report, Error> {
    if bytes <= JUDGED_IN_PLACE_BYTES_MAX {
        return Ok(verifier.report(&**judge));
    }
    let (verifier, judge) = (Arc::clone(verifier), Arc::clone(judge));
    let judging = tokio::task::spawn_blocking(move || verifier.report(&*judge));
    let judged = judging.await;
    judged.map_err(|_| Error::Answer("the program ended while it was verified".to_owned()))
}

/// A node that shows less than before was set back.
pub(crate) fn not_below(floor: Option<&Seen>, shown: u64) -> Result<(), NotProven> {
    match floor {
        Some(floor) if shown < floor.head.size => Err(NotProven::Rollback {
            newer: floor.note.to_string(),
            size: floor.head.size,
            shown,
        }),
        _ => Ok(()),
    }
}

/// A node that says that it has no such record, and signed that it has, was set back too.
pub(crate) fn gone(error: Error, seq: u64, floor: Option<&Seen>) -> Error {
    match &error {
        Error::Refused { problem, .. } if problem.code == Code::NotFound => {
            let below = not_below(floor, seq);
            below.map_or_else(Error::from, |()| error)
        }
        _ => error,
    }
}
