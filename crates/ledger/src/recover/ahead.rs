//! Reads the tail ahead of the walk over its batches, on a thread of its own.
//!
//! To bring a batch into memory and to compute its checksum takes as long as to walk over it, so the two are done side by side. What
//! is found comes in the order of the slots and ends where the store says that the tail does. Knows nothing of batches.

use super::beside::Buffers;
use crate::limits::READ_AHEAD_SLOTS;
use indelible_store::{Found, Store, StoreError};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What the walk takes from.
pub(super) struct Ahead {
    found: Receiver<Result<Found, StoreError>>,
}

impl Ahead {
    /// The next finding. After one that is no slot, and after an error, none may be asked for.
    pub(super) fn next(&self) -> Result<Found, StoreError> {
        self.found
            .recv()
            .expect("the reader goes on to the end of the tail or to an error")
    }
}

/// Does `walk` while the slots from `first` on are read. Nothing reads the store any more when this returns.
pub(super) fn of<T>(
    store: &dyn Store,
    first: u64,
    buffers: &Buffers,
    walk: impl FnOnce(&Ahead) -> T,
) -> T {
    std::thread::scope(|scope| {
        let (findings, found) = sync_channel(READ_AHEAD_SLOTS);
        scope.spawn(move || {
            if let Err(error) = read(store, first, buffers, &findings) {
                // A walk that has ended does not want to know.
                drop(findings.send(Err(error)));
            }
        });
        // A walk that stops before the end lets go of this, and the reader stops too.
        walk(&Ahead { found })
    })
}

fn read(
    store: &dyn Store,
    first: u64,
    buffers: &Buffers,
    findings: &SyncSender<Result<Found, StoreError>>,
) -> Result<(), StoreError> {
    let mut slots = store.slots(first)?;
    loop {
        if let Some(buffer) = buffers.take() {
            slots.reuse(buffer);
        }
        let found = slots.next()?;
        let goes_on = matches!(found, Found::Good(_));
        if findings.send(Ok(found)).is_err() || !goes_on {
            return Ok(());
        }
    }
}
