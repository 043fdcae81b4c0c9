//! After the first failed write everything is refused until the store is opened again.
//!
//! Owns what failed first, one text per handle. A disk that failed one write may have failed others silently, and a page that could not be
//! flushed is marked clean by Linux and reads back as if it were stored; so the only safe next step is a fresh opening,
//! which reads from the disk and rewrites the last slot.

use std::sync::OnceLock;

use crate::{StoreError, with_causes};

/// Set by the first failure, never cleared.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    failed: OnceLock<String>,
}

impl Guard {
    /// Asked before every write.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.failed.get() {
            Some(what) => Err(StoreError::Stopped(what.clone())),
            None => Ok(()),
        }
    }

    /// A write failed or its outcome is unknown.
    pub(crate) fn stop(&self, error: &StoreError) {
        self.failed.get_or_init(|| with_causes(error));
    }
}
