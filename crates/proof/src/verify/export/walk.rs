//! The walk: from the log id to the key that signed the checkpoint (`docs/spec/export.md`, step 2).

use crate::checkpoint::Checkpoint;
use crate::genesis::Genesis;
use crate::hash::{self, Hash};
use crate::head::Kind;
use crate::key::VerifierKey;
use crate::note::Note;
use crate::pin::Pin;
use crate::record::{Record, Salt};
use crate::tree::consistency;
use crate::verdict::Authenticity;
use crate::verify::head::{HeadFault, parse};
use crate::verify::signed_by;
use alloc::vec::Vec;

/// What the walk lines say.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The Ed25519 keys of a genesis that the log id vouches for; none if the walk is broken at its first step.
    keys: Vec<VerifierKey>,
    is_unsupported: bool,
    /// From size 1 to the export's.
    pub(super) proof: Vec<Hash>,
}

impl Walk {
    /// Step 2a.
    pub(super) fn take_genesis(&mut self, record: &Record<'_>, origin: &str, id: &Hash) {
        self.is_unsupported = parse(record.head) == Err(HeadFault::Unsupported);
        self.keys = genesis_keys(record, origin, id).unwrap_or_default();
    }

    /// Did a later version write the genesis record?
    pub(super) fn is_unsupported(&self) -> bool {
        self.is_unsupported
    }

    /// Step 2, from its first rule to its last.
    pub(super) fn authenticity(
        &self,
        note: &Note<'_>,
        checkpoint: &Checkpoint<'_>,
        origin: &str,
        id: &Hash,
        pin: Option<&Pin>,
    ) -> Authenticity {
        let Some(first) = self.keys.first() else {
            return Authenticity::KeyWalkBroken;
        };
        let is_meant = |pin: &Pin| {
            pin.origin() == origin && pin.log_id() == *id && self.keys.contains(pin.key())
        };
        if pin.is_some_and(|pin| !is_meant(pin)) {
            return Authenticity::UnknownKey;
        }
        let signed = signed_by(pin.map_or(first, Pin::key), note, origin);
        if matches!(
            signed,
            Authenticity::UnknownKey | Authenticity::SignatureInvalid
        ) {
            return signed;
        }
        if checkpoint.origin != origin {
            return Authenticity::UnknownKey;
        }
        if !consistency::verify(
            1,
            &hash::leaf(id),
            checkpoint.size,
            &checkpoint.root,
            &self.proof,
        ) {
            return Authenticity::KeyWalkBroken;
        }
        if pin.is_some() {
            signed
        } else {
            Authenticity::SelfKeyed
        }
    }
}

/// `None`: this is not the genesis record of that log.
fn genesis_keys(record: &Record<'_>, origin: &str, id: &Hash) -> Option<Vec<VerifierKey>> {
    let content = record.content?;
    let head = parse(record.head).ok()?;
    let is_first = head.shared.kind == Kind::Genesis && head.seq == 0;
    let is_this_log = head.log.as_str() == origin && hash::entry(record.head) == *id;
    let is_whole = Salt::parse(content.salt).is_some()
        && hash::digest(content.salt, content.event) == head.digest;
    let genesis = Genesis::parse(content.event).filter(|genesis| genesis.origin == origin)?;
    (is_first && is_this_log && is_whole).then(|| genesis.ed25519_keys().collect())
}
