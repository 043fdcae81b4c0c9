//! The secret in force, and what is derived from it. A rotation replaces it as a whole.

use super::Committer;
use crate::books::Log;
use crate::signer::{BatchKey, LogKey, NodeSecret};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLockReadGuard, RwLockWriteGuard};

/// What signs today.
pub(crate) struct SigningKeys {
    pub(crate) secret: NodeSecret,
    pub(crate) batch_key: BatchKey,
    /// Derived when first needed; by the log's index.
    log_keys: Mutex<HashMap<usize, Arc<LogKey>>>,
}

impl SigningKeys {
    pub(crate) fn new(secret: NodeSecret, store: &[u8; 16]) -> SigningKeys {
        SigningKeys {
            batch_key: secret.batch_key(store),
            secret,
            log_keys: Mutex::default(),
        }
    }

    pub(crate) fn log_key(&self, log: &Log) -> Arc<LogKey> {
        let mut keys = self
            .log_keys
            .lock()
            .expect("no thread panics while it derives a key");
        let derived = || Arc::new(self.secret.log_key(log.origin()));
        Arc::clone(keys.entry(log.index()).or_insert_with(derived))
    }
}

impl Committer {
    /// The keys in force. Whoever signs a head holds this until the note is known to the log, so that no rotation comes between.
    pub(crate) fn keys(&self) -> RwLockReadGuard<'_, SigningKeys> {
        self.keys
            .read()
            .expect("no thread panics while it replaces the keys")
    }

    /// For a rotation: nobody signs meanwhile. Taken after the desk.
    pub(crate) fn replace_keys(&self) -> RwLockWriteGuard<'_, SigningKeys> {
        self.keys
            .write()
            .expect("no thread panics while it replaces the keys")
    }
}
