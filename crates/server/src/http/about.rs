//! What every listener says of the wire itself: the OpenAPI document, the schema of the native event, what a refusal means.

use super::{Answered, set, text};
use crate::body::Body;
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use indelible_api::{Code, Problem, Resend, native, openapi, path};

/// A document that is JSON already.
pub(super) fn document(document: &'static str) -> Answered {
    let mut response = Response::new(Body::of(document));
    set(&mut response, CONTENT_TYPE, path::JSON);
    Ok(response)
}

pub(super) fn openapi() -> Answered {
    document(openapi::DOCUMENT)
}

pub(super) fn event_schema() -> Answered {
    document(native::SCHEMA)
}

/// What a refusal's `type` leads to.
pub(super) fn problem(word: &str) -> Answered {
    let code = Code::ALL.into_iter().find(|code| code.word() == word);
    let code = code
        .ok_or_else(|| Problem::new(Code::NotFound, format!("no refusal has the code {word}")))?;
    let (status, title, resend) = code.meaning();
    let what_now = match resend {
        Resend::No => "Sent again as it is, it is refused again: change it first.",
        Resend::Safe => {
            "Nothing was recorded. Send the same again, after the seconds in Retry-After."
        }
        Resend::WithKey => {
            "It may be recorded. Send the same again with the same Idempotency-Key or stream number: what is recorded \
already comes back as the original. Without either look first."
        }
    };
    Ok(text(
        StatusCode::OK,
        format!("{word} ({status}): {title}\n\n{what_now}\n"),
    ))
}
