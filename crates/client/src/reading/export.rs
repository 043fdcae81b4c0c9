//! Exports: taken as they come and judged meanwhile. The end of one is handed out only after all of it was proven, so that what has not
//! been proven is no export.

use super::Selection;
use super::flow::Flow;
use crate::builder::Client;
use crate::error::Error;
use crate::limits::EXPORT_END_BYTES;
use crate::retry::{Tries, Trouble};
use crate::verify::{NotProven, Seen, Verifier};
use bytes::{Bytes, BytesMut};
use indelible_api::{Problem, path};
use indelible_proof::export::Content;
use indelible_proof::verdict::Completeness;
use indelible_proof::verify::{ExportVerifier, Report};
use std::sync::Arc;

/// An export as it comes: [`Export::next`].
pub struct Export {
    client: Client,
    log: String,
    selection: Selection,
    floor: Option<Seen>,
    flow: Option<Flow>,
    verifier: Option<ExportVerifier>,
    /// The last bytes that came, which are not handed out before all of it was proven.
    held: BytesMut,
    report: Option<Report>,
}

impl Client {
    /// An export of records. Without an end as far as the newest checkpoint.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn export(&self, log: &str, selection: Selection) -> Result<Export, Error> {
        self.export_watching(log, selection, None).await
    }

    /// Has the node prove records of a log, and judges what it shows; `watched` is a size whose root is wanted too. What the verdict says
    /// is not an error, unless the node shows less than before or another history.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn verify(
        &self,
        log: &str,
        selection: Selection,
        watched: Option<u64>,
    ) -> Result<Report, Error> {
        let mut export = self.export_watching(log, selection, watched).await?;
        while export.take().await?.is_some() {
            export.held.clear();
        }
        let report = export.judged()?;
        if let Ok(seen) = export.verifier()?.seen(&report) {
            export.check(&report)?;
            export.follows(seen).await?;
        }
        Ok(report)
    }

    async fn export_watching(
        &self,
        log: &str,
        selection: Selection,
        watched: Option<u64>,
    ) -> Result<Export, Error> {
        let verifier = self.verifier(log)?;
        let floor = verifier.history().newest();
        let Selection {
            first,
            last,
            content,
        } = selection;
        let path = path::export(log, first, last, content);
        let mut tries = Tries::reading(self.inner.patience);
        let flow = loop {
            let beginning = async {
                let begun = self.inner.pool.flow(self.getting(&path)?).await?;
                Flow::of(begun, self.inner.try_max).await
            };
            let trouble = match tokio::time::timeout(self.inner.try_max, beginning).await {
                Ok(Ok((_, flow))) => break flow,
                Ok(Err(trouble)) => trouble,
                Err(_) => self.too_late(),
            };
            let wait = tries.after(trouble);
            let asked = last.unwrap_or(first);
            let wait = wait.map_err(|error| super::gone(error, asked, floor.as_ref()))?;
            tokio::time::sleep(wait).await;
        };
        let judging = verifier.export(watched);
        Ok(Export {
            client: self.clone(),
            log: log.to_owned(),
            selection,
            floor,
            flow: Some(flow),
            verifier: Some(judging),
            held: BytesMut::new(),
            report: None,
        })
    }
}

impl Export {
    /// The next bytes of the file; none when it is whole and proven.
    ///
    /// # Errors
    /// [`Error`]: then what was handed out is no export, and it is to be begun anew.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let came = self.take().await?;
            if came.is_none() {
                if self.report.is_some() || self.verifier.is_none() {
                    return Ok(None);
                }
                let report = self.judged()?;
                let seen = self.verifier()?.seen(&report)?;
                self.check(&report)?;
                self.follows(seen).await?;
                self.report = Some(report);
                return Ok(Some(self.held.split().freeze()));
            }
            let free = self.held.len().saturating_sub(EXPORT_END_BYTES);
            if free > 0 {
                return Ok(Some(self.held.split_to(free).freeze()));
            }
        }
    }

    /// What was found, once it is whole and proven.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    fn verifier(&self) -> Result<&Arc<Verifier>, Error> {
        self.client.verifier(&self.log)
    }

    /// Takes a piece; none at the end.
    async fn take(&mut self) -> Result<Option<()>, Error> {
        let Some(flow) = &mut self.flow else {
            return Ok(None);
        };
        match flow.piece().await {
            Ok(Some(piece)) => {
                if let Some(verifier) = &mut self.verifier {
                    verifier.feed(&piece);
                }
                self.held.extend_from_slice(&piece);
                Ok(Some(()))
            }
            Ok(None) => {
                self.flow = None;
                Ok(None)
            }
            Err(trouble) => {
                (self.flow, self.verifier) = (None, None);
                Err(broken(trouble, &self.held))
            }
        }
    }

    fn judged(&mut self) -> Result<Report, Error> {
        let verifier = self.verifier.take();
        let verifier = verifier.ok_or_else(|| Error::Answer("the export broke off".to_owned()))?;
        Ok(verifier.finish())
    }

    /// Is it the export that was asked for?
    fn check(&self, report: &Report) -> Result<(), NotProven> {
        let Selection {
            first,
            last,
            content,
        } = self.selection;
        let (range, checkpoint) = (report.checked.range, report.checked.checkpoint);
        // Without an end it goes as far as its own checkpoint.
        let last = last.or(checkpoint.and_then(|(size, _)| size.checked_sub(1)));
        let is_asked = range.is_some_and(|(from, to)| from == first && last == Some(to));
        if !is_asked {
            let came = range.map_or("nothing".to_owned(), |(from, to)| {
                format!("records {from} to {to}")
            });
            return Err(NotProven::OtherRecord { due: first, came });
        }
        let completeness = &report.verdict.completeness;
        match (content, completeness) {
            (Content::All, Completeness::Population { .. })
            | (Content::Heads, Completeness::ContentWithheld) => Ok(()),
            (_, Completeness::Population { .. } | Completeness::ContentWithheld) => {
                Err(NotProven::OtherContent(first))
            }
            (_, other) => Err(NotProven::Incomplete(other.clone())),
        }
    }

    /// Does its head lead on from what was shown before? An export goes as far as a checkpoint of now does.
    async fn follows(&self, seen: Seen) -> Result<(), Error> {
        let (client, verifier) = (&self.client, self.verifier()?);
        client
            .follows(&self.log, verifier, self.floor.as_ref(), seen)
            .await
    }
}

/// Why it broke off: by the last line that came, if a node wrote it there.
fn broken(trouble: Trouble, held: &[u8]) -> Error {
    let line = held.strip_suffix(b"\n").unwrap_or(held);
    let line = line.rsplit(|byte| *byte == b'\n').next().unwrap_or(line);
    let said = serde_json::from_slice::<Problem>(line).map(Box::new);
    match (said, trouble) {
        (Ok(problem), _) | (_, Trouble::Refused(problem)) => Error::Refused {
            problem,
            may_be_recorded: false,
        },
        (Err(_), Trouble::Broken { why, .. }) => Error::NoAnswer { why, tries: 1 },
    }
}
