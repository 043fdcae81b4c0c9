//! `POST /v1/logs/{log}/records`: one event, an array of them, or lines.

mod lines;

use super::{Answered, Call, Purpose, json, set, text};
use crate::answer;
use crate::array;
use crate::body;
use crate::grants::Action;
use crate::identity::Peer;
use crate::intake::Sender;
use crate::node::Node;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use hyper::{Request, StatusCode};
use indelible_api::limits::{ARRAY_BYTES_MAX, ARRAY_EVENTS_MAX};
use indelible_api::occurred::occurred;
use indelible_api::{Answer, Code, Problem, header, path};
use indelible_proof::head::{Own, Stream};
use std::sync::Arc;

/// What a request says of all its events.
struct Claim {
    key: Option<String>,
    stream: Option<(String, u64, u64)>,
    /// Of lines: the member of each that holds its key.
    member: Option<String>,
    /// Of lines: the number of the first under the key.
    first: usize,
}

impl Claim {
    fn read<B>(request: &Request<B>) -> Result<Claim, Problem> {
        let wrong = |error: header::FieldError| Problem::new(Code::BadRequest, error.to_string());
        let key = field(request, header::IDEMPOTENCY_KEY)?;
        let key = key.map(|value| header::key(value).map(str::to_owned));
        let stream = field(request, header::STREAM)?;
        let stream = stream.map(|value| {
            header::stream(value).map(|stream| (stream.src.to_owned(), stream.epoch, stream.n))
        });
        let member = field(request, header::KEY_MEMBER)?.map(header::key_member);
        let first = field(request, header::FIRST)?.map(header::first);
        Ok(Claim {
            key: key.transpose().map_err(wrong)?,
            stream: stream.transpose().map_err(wrong)?,
            member: member.transpose().map_err(wrong)?,
            first: first.transpose().map_err(wrong)?.unwrap_or(0),
        })
    }

    fn is_none(&self) -> bool {
        self.key.is_none() && self.stream.is_none() && self.member.is_none()
    }

    /// What only lines can claim, and of that only one thing.
    fn check(&self, media: Media) -> Result<(), Problem> {
        let of_lines = self.member.is_some() || self.first > 0;
        let what = match media {
            Media::Json if of_lines => "Indelible-First and Indelible-Key-Member are for lines",
            Media::Lines if self.member.is_some() && (self.key.is_some() || self.first > 0) => {
                "with Indelible-Key-Member each line has a key, and the request none"
            }
            _ => return Ok(()),
        };
        Err(Problem::new(Code::BadRequest, what))
    }

    /// The keys of so many events.
    fn keys(&self, count: usize) -> Vec<String> {
        let key = self.key.as_deref();
        key.map(|key| (0..count).map(|index| header::key_of(key, index)).collect())
            .unwrap_or_default()
    }

    /// What event number `index` says of itself.
    fn own<'a>(&'a self, key: Option<&'a str>, index: usize, event: &[u8]) -> Own<'a> {
        let further = u64::try_from(index).unwrap_or(u64::MAX);
        let stream = self.stream.as_ref().map(|(src, epoch, n)| Stream {
            src,
            epoch: *epoch,
            n: n.saturating_add(further),
        });
        Own {
            occurred: occurred(event),
            stream,
            key,
            psig: None,
        }
    }
}

/// Records what the body holds.
pub(super) async fn records(call: Call, log: &str) -> Answered {
    let Call {
        node,
        peer,
        request,
        ..
    } = call;
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, ());
    let mut body = Some(body);
    let answered = answered(node, peer, request, &mut body, log).await;
    if let (Err(_), Some(body)) = (&answered, body) {
        body::discard(body).await;
    }
    answered
}

/// The body is taken out once it is not ours to throw away any more.
async fn answered(
    node: Arc<Node>,
    peer: Arc<Peer>,
    request: Request<()>,
    body: &mut Option<Incoming>,
    log: &str,
) -> Answered {
    let permit = node.permit(&peer, Purpose::Ingest, Action::Append, log)?;
    let claim = Claim::read(&request)?;
    let media = media(&request)?;
    claim.check(media)?;
    let as_text =
        field(&request, ACCEPT.as_str())?.is_some_and(|accept| accept.starts_with("text/plain"));
    // Nothing else of the head is kept while the body comes: it may be a hundred times as long, and nobody counts its bytes.
    drop(request);
    let Some(mut flowing) = body.take() else {
        return Err(nothing());
    };
    if media == Media::Lines {
        return lines::records(node, peer, permit, claim, flowing);
    }
    let sender = Sender::new(&permit, &peer, "ingest/http");
    let mut hold = node.room.hold(&peer.principal);
    let one = node.ledger.books().event_bytes_max(permit.log());
    let most = one.map_or(ARRAY_BYTES_MAX, |one| one.max(ARRAY_BYTES_MAX));
    let whole = match body::read(&mut flowing, most, &mut hold).await {
        Ok(whole) => whole,
        Err(problem) => {
            *body = Some(flowing);
            return Err(problem);
        }
    };
    match whole.trim_ascii_start().first() {
        Some(b'[') => several(&node, &sender, &claim, &whole, as_text).await,
        _ => self::one(&node, &sender, &claim, &whole, as_text).await,
    }
}

async fn one(
    node: &Arc<Node>,
    sender: &Sender<'_>,
    claim: &Claim,
    body: &Bytes,
    as_text: bool,
) -> Answered {
    let own = claim.own(claim.key.as_deref(), 0, body);
    let prepared = node.prepare(sender, std::iter::once((&body[..], own)));
    let prepared = prepared.map_err(|mut problem| {
        problem.index = None;
        problem
    })?;
    let recorded = node
        .submit(sender, prepared, !claim.is_none())
        .await?
        .outcome()
        .await?;
    let recorded = recorded.into_iter().next().ok_or_else(nothing)?;
    let single = answer::single(&node.ledger, sender.log(), &recorded)?;
    let status = if single.again {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    if !as_text {
        return Ok(json(status, &single));
    }
    let mut response = text(status, single.receipt);
    set(
        &mut response,
        HeaderName::from_static(header::SALT),
        &single.salt,
    );
    Ok(response)
}

async fn several(
    node: &Arc<Node>,
    sender: &Sender<'_>,
    claim: &Claim,
    body: &Bytes,
    as_text: bool,
) -> Answered {
    let events = array::elements(body, ARRAY_EVENTS_MAX).map_err(|error| {
        let code = match error {
            array::ArrayError::NotOne => Code::BadRequest,
            array::ArrayError::TooMany(_) => Code::TooMany,
        };
        Problem::new(code, error.to_string())
    })?;
    if events.is_empty() {
        return Err(Problem::new(
            Code::BadRequest,
            "the array is empty: there is nothing to record",
        ));
    }
    let keys = claim.keys(events.len());
    let each = events.iter().enumerate().map(|(index, event)| {
        (
            *event,
            claim.own(keys.get(index).map(String::as_str), index, event),
        )
    });
    let prepared = node.prepare(sender, each)?;
    let recorded = node
        .submit(sender, prepared, !claim.is_none())
        .await?
        .outcome()
        .await?;
    let answer = answer::array(&node.ledger, sender, &recorded)?;
    match (answer, as_text) {
        (Answer::Array(array), true) => Ok(text(StatusCode::CREATED, array.receipt)),
        (answer @ Answer::Array(_), false) => Ok(json(StatusCode::CREATED, &answer)),
        (answer @ Answer::Each { .. }, _) => Ok(json(StatusCode::OK, &answer)),
    }
}

fn nothing() -> Problem {
    Problem::new(Code::Internal, "the ledger gave no record")
}

/// How a body is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Media {
    /// One JSON value.
    Json,
    /// Lines.
    Lines,
}

fn media<B>(request: &Request<B>) -> Result<Media, Problem> {
    let named = field(request, CONTENT_TYPE.as_str())?.unwrap_or(path::JSON);
    let plain = named.split(';').next().unwrap_or_default().trim();
    match plain.to_ascii_lowercase().as_str() {
        path::JSON => Ok(Media::Json),
        path::NDJSON | "application/jsonl" | "application/x-jsonlines" => Ok(Media::Lines),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            format!(
                "'{plain}' is not read here: send {} or {}",
                path::JSON,
                path::NDJSON
            ),
        )),
    }
}

/// A header field that stands once at most.
fn field<'r, B>(request: &'r Request<B>, name: &str) -> Result<Option<&'r str>, Problem> {
    let mut values = request.headers().get_all(name).iter();
    let first = values.next();
    if values.next().is_some() && name != ACCEPT.as_str() {
        return Err(Problem::new(
            Code::BadRequest,
            format!("{name} stands there twice"),
        ));
    }
    let text = first.map(|value| value.to_str());
    text.transpose()
        .map_err(|_| Problem::new(Code::BadRequest, format!("{name} is not plain text")))
}
