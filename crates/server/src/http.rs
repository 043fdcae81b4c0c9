//! HTTP/1.1 and HTTP/2: from a request to what it is for, and the answer's form.

mod about;
mod admin;
mod ingest;
mod permit;
mod reads;
mod whoami;

use crate::body::Body;
use crate::identity::Peer;
use crate::limits::PATH_BYTES_MAX;
use crate::node::Node;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use indelible_api::{Code, Problem, path};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a listener is for. Each serves its own paths and no other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Events come in.
    Ingest,
    /// Records are read.
    Query,
    /// Checkpoints, tiles and proofs: no content.
    Verify,
    /// Is the node alive and ready; figures.
    Health,
    /// Operation.
    Admin,
}

impl Purpose {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Purpose::Ingest => "ingest",
            Purpose::Query => "query",
            Purpose::Verify => "verify",
            Purpose::Health => "health",
            Purpose::Admin => "admin",
        }
    }
}

/// A request with all that is known of whoever sent it.
pub(crate) struct Call {
    pub(crate) node: Arc<Node>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) purpose: Purpose,
    pub(crate) request: Request<Incoming>,
}

/// What became of a request.
pub(crate) type Answered = Result<Response<Body>, Problem>;

/// Answers one request.
pub(crate) async fn answer(call: Call) -> Response<Body> {
    let node = Arc::clone(&call.node);
    match route(call).await {
        Ok(response) => {
            node.counters.requests.up();
            response
        }
        Err(problem) => refused(&node, &problem),
    }
}

/// A refusal that is counted, as an answer.
pub(crate) fn refused(node: &Node, problem: &Problem) -> Response<Body> {
    node.counters.requests.up();
    node.counters.refusal(problem.code);
    refusal(problem)
}

async fn route(call: Call) -> Answered {
    let path = call.request.uri().path();
    if path.len() > PATH_BYTES_MAX {
        let what = format!("no path of this node has more than {PATH_BYTES_MAX} bytes");
        return Err(Problem::new(Code::NotFound, what));
    }
    let path = path.to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (call.purpose, segments.as_slice()) {
        (Purpose::Ingest, ["v1", "logs", log, "records"]) => {
            methods(&call, &[Method::POST])?;
            ingest::records(call, log).await
        }
        (_, ["v1", "openapi.json"]) => {
            methods(&call, &[Method::GET])?;
            about::openapi()
        }
        (_, ["v1", "event.schema.json"]) => {
            methods(&call, &[Method::GET])?;
            about::event_schema()
        }
        (_, ["v1", "problems", word]) => {
            methods(&call, &[Method::GET])?;
            about::problem(word)
        }
        (Purpose::Ingest | Purpose::Query | Purpose::Verify | Purpose::Admin, ["v1", "whoami"]) => {
            methods(&call, &[Method::GET])?;
            whoami::whoami(call).await
        }
        (Purpose::Admin, ["v1", "status"]) => {
            methods(&call, &[Method::GET])?;
            admin::status(call).await
        }
        (Purpose::Admin, ["v1", "reload"]) => {
            methods(&call, &[Method::POST])?;
            admin::reload(call).await
        }
        (Purpose::Admin, ["v1", "seal"]) => {
            methods(&call, &[Method::POST])?;
            admin::seal(call).await
        }
        (Purpose::Query | Purpose::Verify, ["v1", "logs", rest @ ..]) => {
            reads::answer(call, rest).await
        }
        _ => Err(Problem::new(
            Code::NotFound,
            format!("no such path on this listener: {path}"),
        )),
    }
}

/// Refuses all but these.
fn methods(call: &Call, allowed: &[Method]) -> Result<(), Problem> {
    let method = call.request.method();
    if allowed.contains(method) {
        return Ok(());
    }
    let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    Err(Problem::new(Code::MethodNotAllowed, names.join(", ")))
}

/// A refusal as an answer.
pub(crate) fn refusal(problem: &Problem) -> Response<Body> {
    let mut response = json(
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        problem,
    );
    set(&mut response, CONTENT_TYPE, path::PROBLEM);
    if let Some(seconds) = problem.retry_after {
        set(&mut response, RETRY_AFTER, &seconds.to_string());
    }
    if problem.code == Code::MethodNotAllowed {
        set(&mut response, ALLOW, &problem.detail);
    }
    response
}

/// A value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let text =
        serde_json::to_vec(value).expect("shapes of ours have text keys and no failing parts");
    let mut response = Response::new(Body::of(text));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, path::JSON);
    response
}

/// Text as it is.
pub(crate) fn text(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::of(text));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, path::TEXT);
    response
}

/// Sets a field; a value that can't stand in one is left out.
pub(crate) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
