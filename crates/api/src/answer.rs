//! What a producer is told of what was recorded: receipt and salt, and what else it needs to tie its events to the receipt.
//!
//! Nothing here is to be believed: whoever reads an answer verifies the receipt against a pin of its own.

use crate::short::Short;
use indelible_proof::hash::Hash;
use indelible_proof::head::{Kind, Shared};
use serde::{Deserialize, Serialize};

/// The answer to one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Single {
    /// The log's origin.
    pub log: String,
    /// Position in it.
    pub seq: u64,
    /// SHA-256 of the head, which is in the receipt.
    pub entry: String,
    /// Without it the event can't be tied to the head.
    pub salt: String,
    /// C2SP `tlog-proof`, its extra data the head.
    pub receipt: String,
    /// The event was sent before, and this is the original.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// One event of several whose receipt is shared, or stands for itself.
pub type Recorded = Single;

/// The answer to an array that was recorded just now, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array {
    /// The log's origin.
    pub log: String,
    /// Position of the first.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// What all their heads have in common.
    pub shared: SharedFields,
    /// The entry before the first.
    pub prev: String,
    /// When each was recorded.
    pub times: Vec<Short>,
    /// The salt of each.
    pub salts: Vec<Short>,
    /// A batch receipt for all.
    pub receipt: String,
}

/// The answer to an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// All were new.
    Array(Box<Array>),
    /// Some were recorded before: each with a receipt of its own.
    Each {
        /// In the order of the array.
        records: Vec<Single>,
    },
}

/// The fields `kind` to `format` of a head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFields {
    /// Always `event`.
    pub kind: String,
    /// Who was authenticated.
    pub by: String,
    /// Listener and protocol.
    pub via: String,
    /// The peer's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// SHA-256 of the client's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// The record of `_node` by which it was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<u64>,
    /// The shape as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl SharedFields {
    /// As they are sent.
    #[must_use]
    pub fn of(shared: &Shared<'_>) -> SharedFields {
        SharedFields {
            kind: shared.kind.as_str().to_owned(),
            by: shared.by.to_owned(),
            via: shared.via.to_owned(),
            from: shared.from.map(str::to_owned),
            cert: shared.cert.map(|cert| cert.to_string()),
            policy: shared.policy,
            format: shared.format.map(str::to_owned),
        }
    }

    /// As they stand in a head, if they have that form.
    #[must_use]
    pub fn fields(&self) -> Option<Shared<'_>> {
        let cert = match &self.cert {
            Some(hex) => Some(Hash::from_hex(hex.as_bytes())?),
            None => None,
        };
        Some(Shared {
            kind: Kind::parse(self.kind.as_bytes())?,
            by: &self.by,
            via: &self.via,
            from: self.from.as_deref(),
            cert,
            policy: self.policy,
            format: self.format.as_deref(),
        })
    }
}
