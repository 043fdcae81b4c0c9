//! The native event: who did what to what, with which outcome. A shape that is offered, not asked for: any JSON object is recorded.
//!
//! `event.schema.json` says the same as JSON Schema; a test holds the two together. Judging an event by it is advice: each finding says
//! which member and what to write.

use crate::occurred;
use serde_json::{Map, Value};

/// The same as a JSON Schema of draft 2020-12.
pub const SCHEMA: &str = include_str!("../event.schema.json");

/// Its members, in the order in which people read them.
pub const MEMBERS: [&str; 10] = [
    "actor", "action", "target", "outcome", "occurred", "source", "trace", "reason", "before",
    "after",
];

/// What an outcome may be.
pub const OUTCOMES: [&str; 4] = ["success", "failure", "denied", "unknown"];

/// What is not as a native event has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The member, as a JSON pointer: `/actor/id`.
    pub at: String,
    /// What is wrong, and what to write.
    pub what: String,
    /// The schema refuses it; otherwise it is a hint, such as a name that looks misspelt.
    pub is_error: bool,
}

/// Everything about an event that is not native, in the order of the members.
#[must_use]
pub fn check(event: &Value) -> Vec<Finding> {
    let Value::Object(members) = event else {
        return vec![error("", "an event is a JSON object")];
    };
    let mut found = Vec::new();
    party(members, "actor", true, &mut found);
    match members.get("action") {
        Some(Value::String(action)) if !action.is_empty() => {}
        Some(_) => found.push(error("/action", "a text that is not empty: order.refund")),
        None => found.push(error(
            "/action",
            "missing: what was done, such as order.refund",
        )),
    }
    party(members, "target", false, &mut found);
    match members.get("outcome") {
        None => found.push(error(
            "/outcome",
            &format!("missing: one of {}", OUTCOMES.join(", ")),
        )),
        Some(Value::String(outcome)) if OUTCOMES.contains(&outcome.as_str()) => {}
        Some(_) => found.push(error(
            "/outcome",
            &format!("one of {}", OUTCOMES.join(", ")),
        )),
    }
    match members.get("occurred") {
        None => {}
        Some(Value::String(text)) if occurred::time(text).is_some() => {}
        Some(_) => found.push(error(
            "/occurred",
            "a time of RFC 3339 with its zone: 2026-11-27T10:00:00Z",
        )),
    }
    source(members, &mut found);
    match members.get("trace") {
        None => {}
        Some(Value::String(trace)) if is_trace(trace) => {}
        Some(_) => found.push(error(
            "/trace",
            "a trace id of W3C Trace Context: 32 hex digits, not all zero",
        )),
    }
    if members
        .get("reason")
        .is_some_and(|reason| !reason.is_string())
    {
        found.push(error("/reason", "a text"));
    }
    for name in members
        .keys()
        .filter(|name| !MEMBERS.contains(&name.as_str()))
    {
        found.push(Finding {
            at: format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            what: "not a member of the native event; it is recorded and found by its name all the same".to_owned(),
            is_error: false,
        });
    }
    found
}

/// Who acts, or what it is done to: a text, or an object with `id`.
fn party(members: &Map<String, Value>, name: &str, required: bool, found: &mut Vec<Finding>) {
    let at = format!("/{name}");
    match members.get(name) {
        None if required => found.push(error(
            &at,
            "missing: who did it, a text or an object with id",
        )),
        None => {}
        Some(Value::String(text)) if !text.is_empty() => {}
        Some(Value::Object(party)) => {
            let id = party.get("id").and_then(Value::as_str);
            if id.is_none_or(str::is_empty) {
                found.push(error(&format!("{at}/id"), "a text that is not empty"));
            }
            for name in ["type", "name"] {
                if party.get(name).is_some_and(|value| !value.is_string()) {
                    found.push(error(&format!("{at}/{name}"), "a text"));
                }
            }
        }
        Some(_) => found.push(error(&at, "a text that is not empty, or an object with id")),
    }
}

fn source(members: &Map<String, Value>, found: &mut Vec<Finding>) {
    match members.get("source") {
        None | Some(Value::String(_)) => {}
        Some(Value::Object(source)) => {
            for name in ["ip", "host", "agent"] {
                if source.get(name).is_some_and(|value| !value.is_string()) {
                    found.push(error(&format!("/source/{name}"), "a text"));
                }
            }
        }
        Some(_) => found.push(error(
            "/source",
            "a text, or an object with ip, host or agent",
        )),
    }
}

fn is_trace(text: &str) -> bool {
    let is_hex = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    text.len() == 32 && is_hex && text.bytes().any(|byte| byte != b'0')
}

fn error(at: &str, what: &str) -> Finding {
    Finding {
        at: at.to_owned(),
        what: what.to_owned(),
        is_error: true,
    }
}

#[cfg(test)]
mod tests;
