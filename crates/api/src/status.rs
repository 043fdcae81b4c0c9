//! How the node is: `GET /v1/status`, for operators. Sizes and digests, no content.

use serde::{Deserialize, Serialize};

/// A node's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Origin of the node.
    pub node: String,
    /// The record of `_node` with the grants in force; none: none are recorded.
    pub policy: Option<u64>,
    /// Bytes of the tail that are not sealed yet.
    pub tail_bytes: u64,
    /// Why the node could not do something last that it tries again; none: all is well.
    pub troubles: Vec<Trouble>,
    /// The logs, and how far they are. All of them: an operator keeps the node, not a log.
    pub logs: Vec<LogStatus>,
}

/// Something that does not come through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// With what: `sealing`, `register`, `room`.
    pub with: String,
    /// Why.
    pub why: String,
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStatus {
    /// Its name.
    pub name: String,
    /// Its origin.
    pub origin: String,
    /// Its log id.
    pub id: String,
    /// Durable records.
    pub size: u64,
    /// Root of the tree over them.
    pub root: String,
    /// Time of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// What sealing came to: `POST /v1/seal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedNow {
    /// Packs that were made.
    pub packs: usize,
}

/// What a reload came to: `POST /v1/reload`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The record of `_node` with the grants in force now.
    pub policy: Option<u64>,
}
