//! A chunk: so many lines of records, proven together by one batch receipt.

use super::flow::Flow;
use super::{Judge, Record, gone};
use crate::builder::Client;
use crate::error::Error;
use crate::limits::CHUNK_BYTES;
use crate::retry::{Tries, Trouble};
use crate::verify::{NotProven, Seen};
use bytes::Bytes;
use indelible_api::{Problem, header, path};
use indelible_proof::export::Content;
use indelible_proof::limits::RECEIPT_BYTES_MAX;
use indelible_proof::record;
use indelible_proof::verdict::{Completeness, Integrity};
use indelible_proof::verify::{BatchReceiptVerifier, Known};
use std::sync::Arc;

/// Lines as they came, unproven.
pub(crate) struct Lines {
    pub(crate) lines: Vec<Bytes>,
    /// How many records the log had, by the node's word.
    pub(crate) size: u64,
    /// The seq after the last of those that were asked for, by its word too.
    pub(crate) next: u64,
}

impl Client {
    /// Asks for so many records at a path, and again within bounds.
    pub(crate) async fn lines_at(&self, path: &str, count: u64) -> Result<Lines, Error> {
        let mut tries = Tries::reading(self.inner.patience);
        loop {
            match self.lines_once(path, count).await {
                Ok(lines) => return Ok(lines),
                Err(trouble) => tokio::time::sleep(tries.after(trouble)?).await,
            }
        }
    }

    /// Asks once. What comes in order before it breaks off is given as well as a whole answer.
    async fn lines_once(&self, path: &str, count: u64) -> Result<Lines, Trouble> {
        let request = self.getting(path)?;
        let beginning = async {
            let begun = self.inner.pool.send(request).await?;
            Flow::of(begun, self.inner.try_max).await
        };
        let begun = tokio::time::timeout(self.inner.try_max, beginning).await;
        let (headers, mut flow) = begun.map_err(|_| self.too_late())??;
        let number = |name: &str| {
            let value = headers.get(name);
            let number = value.and_then(|value| value.to_str().ok()?.parse().ok());
            number.ok_or_else(|| Trouble::sent("an answer that is not a node's"))
        };
        let (size, next) = (number(header::SIZE)?, number(header::NEXT)?);
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let broke = loop {
            if lines.len() == wanted {
                // So that the connection is seen to be free.
                break flow.line().await.err();
            }
            if bytes >= CHUNK_BYTES {
                break None;
            }
            match flow.line().await {
                Ok(Some(line)) => match problem(&line) {
                    None => {
                        bytes += line.len();
                        lines.push(line);
                    }
                    Some(problem) => break Some(Trouble::Refused(Box::new(problem))),
                },
                Ok(None) => break None,
                Err(trouble) => break Some(trouble),
            }
        };
        match broke {
            Some(trouble) if lines.is_empty() => Err(trouble),
            _ => Ok(Lines { lines, size, next }),
        }
    }

    /// Proves lines to be the records of the log from `first` on; gives the receipt that proves it, too.
    pub(crate) async fn proven_lines(
        &self,
        log: &str,
        floor: Option<&Seen>,
        first: u64,
        content: Content,
        lines: &[Bytes],
    ) -> Result<(Bytes, Vec<Record>), Error> {
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let end = first.saturating_add(count);
        let path = path::batch_receipt(log, first, count);
        let receipt = self.ask(&path, RECEIPT_BYTES_MAX).await;
        let receipt = receipt.map_err(|error| gone(error, end - 1, floor))?;
        let bytes: usize = lines.iter().map(Bytes::len).sum();
        let judge: Arc<Judge> = {
            let (receipt, lines) = (receipt.clone(), lines.to_vec());
            Arc::new(move |known: Known<'_>| {
                let mut verifier = BatchReceiptVerifier::new(&receipt, known);
                for line in &lines {
                    verifier.take(line);
                }
                verifier.finish(true)
            })
        };
        let report = self
            .proven(log, floor, bytes + receipt.len(), judge)
            .await?;
        let range = report.checked.range;
        if range != Some((first, end - 1)) {
            return Err(NotProven::OtherRecord {
                due: first,
                came: "a receipt of other records".to_owned(),
            }
            .into());
        }
        // What the verifier proved it counted, too.
        let is_complete = matches!(
            report.verdict.completeness,
            Completeness::Population { .. } | Completeness::ContentWithheld
        );
        if !is_complete {
            return Err(NotProven::Integrity(Integrity::Unchecked).into());
        }
        let lines = (first..).zip(lines);
        let records = lines.map(|(seq, line)| Record::of(seq, line.clone(), content));
        Ok((receipt, records.collect::<Result<_, _>>()?))
    }
}

/// A line that says why no more records come.
pub(crate) fn problem(line: &[u8]) -> Option<Problem> {
    match record::Record::cut(line) {
        Some(_) => None,
        None => serde_json::from_slice(line).ok(),
    }
}
