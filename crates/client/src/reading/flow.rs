//! An answer that flows: taken piece by piece, cut into lines, and given up where nothing comes.

use crate::answer;
use crate::body;
use crate::pool::{Begun, Hold};
use crate::retry::Trouble;
use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::body::Incoming;
use indelible_api::limits::ANSWER_BYTES_MAX;
use indelible_proof::limits::EXPORT_LINE_BYTES_MAX;
use std::time::Duration;

/// A success that flows.
pub(crate) struct Flow {
    body: Incoming,
    /// Given back when the answer was read to its end.
    hold: Option<Hold>,
    silence_max: Duration,
    /// What came of a line that is not whole.
    rest: BytesMut,
    /// So much of it has no LF.
    searched: usize,
}

impl Flow {
    /// Of an answer that begins; a refusal is read to its end. Each piece of it comes within a time.
    pub(crate) async fn of(
        begun: Begun,
        silence_max: Duration,
    ) -> Result<(HeaderMap, Flow), Trouble> {
        let Begun { response, hold, .. } = begun;
        let (parts, body) = response.into_parts();
        if !parts.status.is_success() {
            let body = body::read(body, ANSWER_BYTES_MAX).await?;
            hold.release();
            return Err(answer::refusal(
                parts.status,
                answer::retry_after(&parts.headers),
                &body,
            ));
        }
        let flow = Flow {
            body,
            hold: Some(hold),
            silence_max,
            rest: BytesMut::new(),
            searched: 0,
        };
        Ok((parts.headers, flow))
    }

    /// The next piece; none at the end. Nothing is lost where it is not waited for to the end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Trouble> {
        let coming = tokio::time::timeout(self.silence_max, body::next(&mut self.body)).await;
        let piece = coming.map_err(|_| {
            let secs = self.silence_max.as_secs();
            Trouble::sent(format!("nothing came for {secs} s"))
        })??;
        if let (None, Some(hold)) = (&piece, self.hold.take_if(|_| piece.is_none())) {
            hold.release();
        }
        Ok(piece)
    }

    /// The next line without its LF; none at the end. As for pieces.
    pub(crate) async fn line(&mut self) -> Result<Option<Bytes>, Trouble> {
        loop {
            if let Some(line) = self.whole_line() {
                return Ok(Some(line));
            }
            match self.piece().await? {
                Some(piece) => self.rest.extend_from_slice(&piece),
                None if self.rest.is_empty() => return Ok(None),
                None => {
                    self.searched = 0;
                    return Ok(Some(self.rest.split().freeze()));
                }
            }
            if self.searched > EXPORT_LINE_BYTES_MAX {
                return Err(Trouble::sent("a line of the answer has no end"));
            }
        }
    }

    /// A line that is there already.
    pub(crate) fn whole_line(&mut self) -> Option<Bytes> {
        let fresh = self.rest.get(self.searched..).unwrap_or_default();
        let Some(end) = fresh.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.rest.len();
            return None;
        };
        let end = std::mem::take(&mut self.searched) + end;
        let mut line = self.rest.split_to(end + 1);
        line.truncate(end);
        Some(line.freeze())
    }
}
