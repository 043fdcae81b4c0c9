//! Paths below a listener's root.

use indelible_proof::export::Content;
use indelible_proof::time::Time;

/// The one media type for what is one JSON value.
pub const JSON: &str = "application/json";
/// Lines of JSON, each a value of its own.
pub const NDJSON: &str = "application/x-ndjson";
/// A receipt by itself: C2SP tlog-proof, or a batch receipt.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// Bytes: tiles and entry bundles.
pub const BYTES: &str = "application/octet-stream";
/// Records as they come: Server-Sent Events.
pub const EVENTS: &str = "text/event-stream";
/// A refusal, RFC 9457.
pub const PROBLEM: &str = "application/problem+json";

/// Where events of a log go.
#[must_use]
pub fn records(log: &str) -> String {
    format!("/v1/logs/{log}/records")
}

/// One record.
#[must_use]
pub fn record(log: &str, seq: u64) -> String {
    format!("/v1/logs/{log}/records/{seq}")
}

/// So many records from a seq on.
#[must_use]
pub fn range(log: &str, first: u64, count: u64, content: Content) -> String {
    let heads = heads(content, '&');
    format!("/v1/logs/{log}/records?from={first}&count={count}{heads}")
}

/// The head of the first record made at a time or later.
#[must_use]
pub fn first_at(log: &str, time: Time) -> String {
    let time = String::from_utf8_lossy(&time.text()).into_owned();
    format!("/v1/logs/{log}/records?after={time}&count=1&heads")
}

/// One receipt for so many records.
#[must_use]
pub fn batch_receipt(log: &str, first: u64, count: u64) -> String {
    format!("/v1/logs/{log}/receipt?from={first}&count={count}")
}

/// The receipt of one record.
#[must_use]
pub fn receipt(log: &str, seq: u64) -> String {
    format!("/v1/logs/{log}/records/{seq}/receipt")
}

/// What is said of a log.
#[must_use]
pub fn log(log: &str) -> String {
    format!("/v1/logs/{log}")
}

/// An export of records up to `last`, included; without it as far as there are any.
#[must_use]
pub fn export(log: &str, first: u64, last: Option<u64>, content: Content) -> String {
    let last = last.map_or_else(String::new, |last| format!("&to={last}"));
    let heads = heads(content, '&');
    format!("/v1/logs/{log}/export?from={first}{last}{heads}")
}

/// Records as they come, from a seq on.
#[must_use]
pub fn watch(log: &str, from: u64, content: Content) -> String {
    let heads = heads(content, '&');
    format!("/v1/logs/{log}/watch?from={from}{heads}")
}

/// The walk of a log: the keys it has had.
#[must_use]
pub fn walk(log: &str) -> String {
    format!("/v1/logs/{log}/walk")
}

/// That a log of one size begins with that of another.
#[must_use]
pub fn consistency(log: &str, from: u64, to: u64) -> String {
    format!("/v1/logs/{log}/proof?from={from}&to={to}")
}

/// The parameter by which heads alone are asked for, if they are, after `?` or `&`.
#[must_use]
pub fn heads(content: Content, before: char) -> String {
    match content {
        Content::All => String::new(),
        Content::Heads => format!("{before}heads"),
    }
}

/// Who am I to this node.
pub const WHOAMI: &str = "/v1/whoami";
/// How the node is, for operators.
pub const STATUS: &str = "/v1/status";
/// Read the configuration again.
pub const RELOAD: &str = "/v1/reload";
/// Seal what the tail holds.
pub const SEAL: &str = "/v1/seal";
