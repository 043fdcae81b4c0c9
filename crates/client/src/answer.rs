//! What came back: a success to verify, a refusal, or something that is neither.

use crate::body;
use crate::pool::Begun;
use crate::retry::Trouble;
use bytes::Bytes;
use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, StatusCode};
use indelible_api::Problem;
use indelible_api::limits::ANSWER_BYTES_MAX;
use indelible_proof::hash::Hash;
use serde_json::from_slice;

/// A success, not verified.
pub(crate) struct Success {
    pub(crate) body: Bytes,
    /// SHA-256 of the certificate it was asked with.
    pub(crate) certificate: Hash,
}

/// Reads an answer to its end.
pub(crate) async fn whole(begun: Begun) -> Result<Success, Trouble> {
    whole_up_to(begun, ANSWER_BYTES_MAX).await
}

/// Reads an answer of at most so many bytes to its end.
pub(crate) async fn whole_up_to(begun: Begun, most: usize) -> Result<Success, Trouble> {
    let Begun {
        response,
        certificate,
        hold,
    } = begun;
    let (parts, body) = response.into_parts();
    let body = body::read(body, most).await?;
    hold.release();
    match parts.status.is_success() {
        true => Ok(Success { body, certificate }),
        false => Err(refusal(parts.status, retry_after(&parts.headers), &body)),
    }
}

/// The seconds that a refusal asks for.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

/// A refusal of the node; or of something between, which is no problem of ours and says nothing of what the node did.
pub(crate) fn refusal(status: StatusCode, retry_after: Option<u64>, body: &[u8]) -> Trouble {
    match from_slice::<Problem>(body) {
        Ok(mut problem) if problem.status == status.as_u16() => {
            problem.retry_after = problem.retry_after.or(retry_after);
            Trouble::Refused(Box::new(problem))
        }
        _ => Trouble::Broken {
            why: format!("an answer that is not a node's: {status}"),
            sent: true,
            lasting: !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS,
        },
    }
}
