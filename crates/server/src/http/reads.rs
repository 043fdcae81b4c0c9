//! Reading: the query and the verify listener.
//!
//! Thin layers over read views. Who may see content sees it; who may see heads alone has to ask for heads, and is never handed less
//! than was asked for. Whatever leaves was held against the tree first; where that fails there is a problem and no bytes.

mod asked;
mod evidence;
mod flow;
mod records;
mod site;
mod watch;

use super::{Answered, Call, Purpose, json, methods, set};
use crate::body::Body;
use crate::grants::{Action, Permit};
use crate::limits::{NOTE_WAIT_MAX, RETRY_AFTER_SECONDS};
use crate::reads::Reads;
use asked::Asked;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, IF_NONE_MATCH};
use hyper::{Method, Response, StatusCode};
use indelible_api::{Code, Problem};
use indelible_ledger::{Log, SignedNote};
use serde_json::{Value, json as value};
use std::sync::Arc;
use tokio::sync::Notify;

/// Answers a request for reading. The path is `/v1/logs` and what follows; others are not known here.
pub(super) async fn answer(call: Call, segments: &[&str]) -> Answered {
    methods(&call, &[Method::GET, Method::HEAD])?;
    let is_head = call.request.method() == Method::HEAD;
    let matches = call.request.headers().get(IF_NONE_MATCH).cloned();
    let mut response = route(&call, segments).await?;
    let tag = response.headers().get(ETAG);
    let is_known = tag.zip(matches).is_some_and(|(tag, known)| {
        let known = known.to_str().unwrap_or_default();
        known.split(',').map(str::trim).any(|one| {
            one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes()
        })
    });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::of("");
    } else if is_head {
        use hyper::body::Body as _;
        if let Some(length) = response.body().size_hint().exact() {
            set(&mut response, CONTENT_LENGTH, &length.to_string());
        }
        *response.body_mut() = Body::of("");
    }
    Ok(response)
}

async fn route(call: &Call, segments: &[&str]) -> Answered {
    use Purpose::{Query, Verify};
    match (call.purpose, segments) {
        (Query | Verify, []) => logs(call),
        (Query | Verify, [log]) => one_log(call, log),
        (Query, [log, "records"]) => records::many(call, log).await,
        (Query, [log, "records", seq]) => records::one(call, log, seq).await,
        (Query, [log, "records", seq, "receipt"]) => evidence::receipt(call, log, seq).await,
        (Query, [log, "receipt"]) => evidence::batch_receipt(call, log).await,
        (Query, [log, "export"]) => evidence::export(call, log).await,
        (Query, [log, "watch"]) => watch::watch(call, log).await,
        (Query, [log, "proof"]) => evidence::proof_or_head_at(call, log).await,
        (Verify, [log, "proof"]) => evidence::proof(call, log).await,
        // Whoever reads needs these to hold what it reads against what it saw before, and against keys that came later than its pin.
        (Query | Verify, [log, "walk"]) => evidence::walk(call, log).await,
        (Verify, [log, "pin"]) => evidence::pin(call, log).await,
        (Verify, [log, "checkpoint"]) => site::checkpoint(call, log).await,
        (Verify, [log, "tile", ..]) => site::tile(call, log, &segments[1..]).await,
        _ => Err(nothing_there(call)),
    }
}

fn nothing_there(call: &Call) -> Problem {
    let path = call.request.uri().path();
    let what = format!("no such path on this listener: {path}");
    Problem::new(Code::NotFound, what)
}

/// The parameters of a request, of which these are known.
fn asked(call: &Call, known: &[&str]) -> Result<Asked, Problem> {
    Asked::read(call.request.uri().query(), known)
}

fn reads(call: &Call) -> &Arc<Reads> {
    &call.node.reads
}

/// May whoever asks do this to this log? A denial is recorded, and says what is allowed instead where something is.
fn permit(call: &Call, action: Action, name: &str) -> Result<Permit, Problem> {
    let permit = call.node.permit(&call.peer, call.purpose, action, name);
    permit.map_err(|mut problem| {
        let grants = call.node.grants();
        let sees_heads = grants.allows(&call.peer, Action::ReadHeads, name);
        if problem.code == Code::Denied && action == Action::Read && sees_heads {
            let who = &call.peer.principal;
            problem.detail =
                format!("{who} may not read content of {name}: ask for heads, with ?heads");
        }
        problem
    })
}

/// To see content, or heads alone.
fn permit_to_read(call: &Call, heads: bool, name: &str) -> Result<Permit, Problem> {
    let action = if heads {
        Action::ReadHeads
    } else {
        Action::Read
    };
    permit(call, action, name)
}

/// What is said of a log to whoever may see that it is there.
fn described(log: &Log) -> Value {
    value!({
        "name": log.name(),
        "origin": log.origin(),
        "id": log.id().to_string(),
        "size": log.size(),
        "checkpoint": log.note().map(|note| note.size),
    })
}

fn sees(call: &Call, name: &str) -> bool {
    let actions: &[Action] = match call.purpose {
        Purpose::Verify => &[Action::Verify],
        _ => &[Action::Read, Action::ReadHeads],
    };
    let grants = call.node.grants();
    let mut actions = actions.iter();
    actions.any(|action| grants.allows(&call.peer, *action, name))
}

fn logs(call: &Call) -> Answered {
    asked(call, &[])?;
    let mut logs = reads(call).books().logs();
    // Of several logs of one name the newest is the one that is served.
    logs.retain(|log| {
        let newest = reads(call).books().log(log.name());
        sees(call, log.name()) && newest.is_some_and(|newest| Arc::ptr_eq(&newest, log))
    });
    logs.sort_by(|one, other| one.name().cmp(other.name()));
    let logs: Vec<Value> = logs.iter().map(|log| described(log)).collect();
    Ok(private(json(StatusCode::OK, &value!({ "logs": logs }))))
}

fn one_log(call: &Call, name: &str) -> Answered {
    asked(call, &[])?;
    let action = match call.purpose {
        Purpose::Verify => Action::Verify,
        _ => Action::ReadHeads,
    };
    let permit = permit(call, action, name)?;
    Ok(private(json(StatusCode::OK, &described(permit.log()))))
}

/// Nobody on the way keeps it.
fn private(mut response: Response<Body>) -> Response<Body> {
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// A published checkpoint over the first `size` records. One over records made just now is waited for.
async fn note_over(log: &Arc<Log>, size: u64) -> Result<Arc<SignedNote>, Problem> {
    let held = log.size();
    if size > held {
        let what = format!("{} has {held} records, not {size}", log.name());
        return Err(Problem::new(Code::NotFound, what));
    }
    let grown = Arc::new(Notify::new());
    let wake = Arc::clone(&grown);
    let _listening = log.when_grown(move || wake.notify_one());
    let waited = tokio::time::timeout(NOTE_WAIT_MAX, async {
        loop {
            if let Some(note) = log.note().filter(|note| note.size >= size) {
                return note;
            }
            grown.notified().await;
        }
    });
    waited.await.map_err(|_| {
        let covered = log.note().map_or(0, |note| note.size);
        let what = format!(
            "no published checkpoint covers record {} of {}: it ends at {covered} records",
            size.saturating_sub(1),
            log.name()
        );
        Problem::new(Code::NotYet, what).after(RETRY_AFTER_SECONDS)
    })
}
