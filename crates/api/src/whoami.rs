//! Who am I to this node, and what may I do: `GET /v1/whoami`.

use serde::{Deserialize, Serialize};

/// What a node knows of whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    /// The principal, as grants and heads name it.
    pub principal: String,
    /// The address as the node sees it; none over a Unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The certificate that was shown; none over a Unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// What the listener is for that answered.
    pub listener: String,
    /// Origin of the node.
    pub node: String,
    /// The record of `_node` with the grants in force; none: none are recorded.
    pub policy: Option<u64>,
    /// The grants that speak of the principal, from where it is.
    pub grants: Vec<Granted>,
    /// Those that speak of it from networks where it is not, and so mean nothing now.
    pub elsewhere: Vec<Granted>,
    /// The logs of which it may do something.
    pub logs: Vec<KnownLog>,
}

/// The certificate that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// SHA-256 of it, as in heads.
    pub sha256: String,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// As what.
    pub role: String,
    /// In which logs.
    pub logs: Vec<String>,
    /// From which networks; none: from anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
}

/// A log of which somebody may do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLog {
    /// Its name.
    pub name: String,
    /// Its origin.
    pub origin: String,
    /// Its log id.
    pub id: String,
    /// What may be done, on whatever listener serves it: `append`, `read`, `read-heads`, `verify`, `operate`.
    pub may: Vec<String>,
    /// The verifier keys it has today.
    pub vkeys: Vec<String>,
    /// Its pin. It is worth what this connection is worth: compare it with one that came by another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
}
