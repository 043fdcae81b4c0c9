//! What the register says of the end of the tail.

use super::finding::{Damage, Finding};
use super::logs::Logs;
use super::{Seen, tail::store_finding};
use crate::format::batch::{BatchHeader, HEADER_BYTES, signed_message};
use crate::format::register::{Register, UNKNOWN_SIGNER};
use indelible_proof::key::verify_ed25519;
use indelible_store::{Store, StoreError, with_causes};

/// Compares what is remembered with what was seen.
pub(crate) fn check(
    store: &dyn Store,
    seen: &Seen,
    remembered: Result<Option<Vec<u8>>, StoreError>,
    logs: &mut Logs,
) {
    match remembered {
        Ok(None) => {}
        Ok(Some(bytes)) => match read(store, &bytes, logs) {
            Ok(register) => compare(&register, seen, logs),
            Err(finding) => logs.found(*finding),
        },
        Err(error @ (StoreError::Damaged { .. } | StoreError::Unsupported { .. })) => {
            logs.found(store_finding(&error));
        }
        Err(error) => logs.found(bad(Damage::Unreadable, with_causes(&error))),
    }
}

fn bad(damage: Damage, what: impl Into<String>) -> Finding {
    Finding::new(damage, "register", 0, what)
}

/// A register of this store that this node signed.
fn read(store: &dyn Store, bytes: &[u8], logs: &Logs) -> Result<Register, Box<Finding>> {
    let register =
        Register::decode(bytes).map_err(|error| bad(Damage::Unreadable, error.to_string()))?;
    if register.header.store != store.describe().store_id {
        return Err(bad(Damage::Unreadable, "it belongs to another store").into());
    }
    let message = signed(&register.header);
    let by = |key: &[u8; 32]| verify_ed25519(key, &message, &register.signature);
    let mut keys = logs.batch_keys.all().peekable();
    match keys.peek().is_none() || keys.any(by) {
        true => Ok(register),
        false => Err(bad(Damage::SignatureInvalid, UNKNOWN_SIGNER).into()),
    }
}

fn compare(register: &Register, seen: &Seen, logs: &mut Logs) {
    let (number, tail) = (register.header.number, &seen.tail);
    if tail.unsupported {
        return;
    }
    if let Some(torn) = tail.torn.as_ref().filter(|torn| torn.number <= number) {
        let what = format!(
            "batch {}: {}; the register remembers batch {number}, so it was acknowledged",
            torn.number, torn.reason
        );
        let (file, offset) = (&torn.place.file, torn.place.offset);
        logs.found(Finding::new(Damage::Unreadable, file, offset, what));
    } else if number >= tail.next {
        let what = format!(
            "the register remembers batch {number}; the store ends before batch {}",
            tail.next
        );
        logs.found(bad(Damage::MissingBatch(tail.next), what));
    } else if tail
        .digests
        .get(&number)
        .is_some_and(|digest| *digest != register.digest())
    {
        let what = format!("batch {number} is not the one that the register remembers");
        logs.found(bad(Damage::Unreadable, what));
    }
}

fn signed(header: &BatchHeader) -> Vec<u8> {
    let bytes: [u8; HEADER_BYTES] = header.encode();
    signed_message(&bytes).to_vec()
}
