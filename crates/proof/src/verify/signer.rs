//! Who signed a checkpoint that nothing in its own file leads to: by the pin alone, or beside a walk file.

use super::walk::{KeyWalk, Standing};
use super::{Known, WalkFile};
use crate::checkpoint::Checkpoint;
use crate::key::VerifierKey;
use crate::note::{Note, Signed};
use crate::pin::Pin;
use crate::verdict::{Authenticity, Consistency};
use alloc::vec::Vec;

/// What is known of a checkpoint's signer.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) authenticity: Authenticity,
    /// Did the log sign two histories?
    pub(super) consistency: Consistency,
    /// The log's keys, old ones too; none if the checkpoint is not believed.
    pub(super) believed: Vec<VerifierKey>,
}

/// Step 3 of receipts, batch receipts and proofs. They carry no key, so without a pin there is nothing to check the signature with.
pub(super) fn signer_of(note: &Note<'_>, checkpoint: &Checkpoint<'_>, known: &Known<'_>) -> Signer {
    let (authenticity, consistency) = match (known.pin, known.walk) {
        (Some(pin), Some(walk)) => beside_walk(note, checkpoint, pin, walk),
        (pin, _) => (signed_under(pin, note, checkpoint), Consistency::Unchecked),
    };
    Signer {
        authenticity,
        consistency,
        believed: match authenticity.is_believed() {
            true => known.keys_and(None),
            false => Vec::new(),
        },
    }
}

/// `docs/spec/walk.md`, *A checkpoint beside a walk file*.
fn beside_walk(
    note: &Note<'_>,
    checkpoint: &Checkpoint<'_>,
    pin: &Pin,
    file: &WalkFile,
) -> (Authenticity, Consistency) {
    let origin = checkpoint.origin;
    let ok = || with_post_quantum(note, origin);
    let authenticity = if !file.is_good() {
        Authenticity::KeyWalkBroken
    } else if !file.walk().is_of(pin) || origin != pin.origin() {
        Authenticity::UnknownKey
    } else {
        match file.walk().standing(note, checkpoint) {
            Standing::Ok => ok(),
            Standing::UpToItsHinge => Authenticity::OkUpToItsHinge,
            Standing::Retired => Authenticity::KeyRetired,
            Standing::Unknown => Authenticity::UnknownKey,
            Standing::Invalid => Authenticity::SignatureInvalid,
            Standing::Fork => return (ok(), fork(note, file.walk(), checkpoint.size)),
        }
    };
    (authenticity, Consistency::Unchecked)
}

/// What a file that carries no key of its own says of its signer: only a pin can tell.
fn signed_under(pin: Option<&Pin>, note: &Note<'_>, checkpoint: &Checkpoint<'_>) -> Authenticity {
    match pin {
        None => Authenticity::SelfKeyed,
        Some(pin) if pin.origin() != checkpoint.origin => Authenticity::UnknownKey,
        Some(pin) => signed_by(pin.key(), note, pin.origin()),
    }
}

/// Did this key sign for the log of that origin?
fn signed_by(key: &VerifierKey, note: &Note<'_>, origin: &str) -> Authenticity {
    match note.verify(key) {
        Signed::NoLine => Authenticity::UnknownKey,
        Signed::Invalid => Authenticity::SignatureInvalid,
        Signed::Ok => with_post_quantum(note, origin),
    }
}

/// A note that is signed as it should be, and perhaps by an ML-DSA-44 key that was not checked.
pub(super) fn with_post_quantum(note: &Note<'_>, origin: &str) -> Authenticity {
    if note.ml_dsa_shaped_lines(origin) > 0 {
        Authenticity::OkNotYetPostQuantum
    } else {
        Authenticity::Ok
    }
}

/// A note of a hinge's size and of another root, both signed by the log.
pub(super) fn fork(note: &Note<'_>, walk: &KeyWalk, size: u64) -> Consistency {
    let hinge = walk.at_hinge(size).and_then(|set| set.note.clone());
    Consistency::Fork {
        one: note.encode(),
        other: hinge.unwrap_or_default(),
    }
}
