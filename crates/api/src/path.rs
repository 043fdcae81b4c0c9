//! Paths below a listener's root.

/// The one media type for what is one JSON value.
pub const JSON: &str = "application/json";
/// Lines of JSON, each a value of its own.
pub const NDJSON: &str = "application/x-ndjson";
/// A receipt by itself: C2SP tlog-proof, or a batch receipt.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// A refusal, RFC 9457.
pub const PROBLEM: &str = "application/problem+json";

/// Where events of a log go.
#[must_use]
pub fn records(log: &str) -> String {
    format!("/v1/logs/{log}/records")
}

/// Who am I to this node.
pub const WHOAMI: &str = "/v1/whoami";
