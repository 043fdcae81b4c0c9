//! Paths below a listener's root.

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

/// Who am I to this node.
pub const WHOAMI: &str = "/v1/whoami";
/// How the node is, for operators.
pub const STATUS: &str = "/v1/status";
/// Read the configuration again.
pub const RELOAD: &str = "/v1/reload";
/// Seal what the tail holds.
pub const SEAL: &str = "/v1/seal";
