//! After the first failed write everything is refused until the store is opened again.
//!
//! Owns one bit per handle. A disk that failed one write may have failed others silently, and a page that could not be
//! flushed is marked clean by Linux and reads back as if it were stored; so the only safe next step is a fresh opening,
//! which reads from the disk and rewrites the last slot.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::StoreError;

/// The bit. Set by the first failure, never cleared.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    stopped: AtomicBool,
}

impl Guard {
    /// Asked before every write.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::SeqCst) {
            Err(StoreError::Stopped)
        } else {
            Ok(())
        }
    }

    /// A write failed or its outcome is unknown.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}
