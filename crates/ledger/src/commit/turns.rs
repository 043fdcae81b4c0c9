//! Whose turn it is at the desk. A mutex lets whoever comes back first in; under load somebody who comes once would wait for ever.

use super::{Committer, Desk};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

/// Keeps those who come again and again out while somebody waits who comes once: founding a log, rotating keys, stopping.
#[derive(Default)]
pub(crate) struct Turns {
    /// How many wait. Read without the lock by everybody else.
    first: AtomicUsize,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Turns {
    fn is_free(&self) -> bool {
        self.first.load(Ordering::SeqCst) == 0
    }

    /// Waits while somebody goes first.
    fn let_pass(&self) {
        if self.is_free() {
            return;
        }
        let lock = self.lock.lock().expect("no thread panics while it waits");
        let waited = self.changed.wait_while(lock, |()| !self.is_free());
        drop(waited.expect("no thread panics while it waits"));
    }

    fn begin(&self) {
        self.first.fetch_add(1, Ordering::SeqCst);
    }

    fn end(&self) {
        // Under the lock, so that nobody looks before and waits after.
        let lock = self.lock.lock().expect("no thread panics while it waits");
        self.first.fetch_sub(1, Ordering::SeqCst);
        drop(lock);
        self.changed.notify_all();
    }
}

impl Committer {
    /// The desk, in whatever order the threads come.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.turns.let_pass();
        self.lock_desk()
    }

    /// The desk if it is free and nobody goes first.
    pub(super) fn desk_if_free(&self) -> Option<MutexGuard<'_, Desk>> {
        let free = self.turns.is_free();
        free.then(|| self.desk.try_lock().ok()).flatten()
    }

    /// The desk before everybody who comes again and again.
    pub(crate) fn desk_first(&self) -> MutexGuard<'_, Desk> {
        self.turns.begin();
        let desk = self.lock_desk();
        self.turns.end();
        desk
    }

    fn lock_desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("no thread panics while it orders")
    }
}

#[cfg(test)]
mod tests;
