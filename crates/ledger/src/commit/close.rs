//! A draft becomes a batch with a number, in buffers that come back when it was written.

use super::{Committer, Desk, Published};
use crate::sequencer::{Batch, Draft};
use std::sync::MutexGuard;

impl Committer {
    /// Gives the draft its number.
    pub(super) fn close(&self, desk: &mut Desk, draft: Draft, notes: &[Published]) -> Batch {
        let texts: Vec<String> = notes
            .iter()
            .map(|published| published.note.text.clone())
            .collect();
        self.bodies()
            .drain(..)
            .for_each(|body| desk.sequencer.keep(body));
        let now = desk.clock.last();
        let batch = desk.sequencer.finish(draft, &texts, now);
        desk.clock.used(batch.time);
        self.takes_room(batch.length());
        batch
            .parts
            .iter()
            .for_each(|part| desk.has_grown(&part.log));
        batch
    }

    /// The body of a batch that was written: the next one to be closed takes it.
    pub(super) fn keep_body(&self, body: Vec<u8>) {
        self.bodies().push(body);
    }

    fn bodies(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.bodies
            .lock()
            .expect("no thread panics while it puts a buffer back")
    }
}
