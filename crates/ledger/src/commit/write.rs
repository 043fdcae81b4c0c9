//! A closed batch becomes durable, and then known.
//!
//! Owns the points at which a batch is true and readers see it. Whoever is here has the disk's turn and gives it back.

use super::{Committer, LastBatch, Published};
use crate::books::{HingeNote, Segment};
use crate::limits::REOPEN_AFTER_NANOS;
use crate::queue::Refusal;
use crate::sequencer::Batch;
use crate::view::hashes;
use indelible_store::{Outcome as Written, StoreError, with_causes};
use std::sync::atomic::Ordering;

impl Committer {
    pub(super) fn finish(
        &self,
        batch: Batch,
        signature: &[u8; 64],
        notes: &[Published],
    ) -> Result<(), Refusal> {
        let began = self.clock.boot_nanos();
        match self.make_durable(&batch, signature) {
            Ok(bytes) => {
                let taken = self.clock.boot_nanos().saturating_sub(began);
                let records = batch.parts.iter().map(|part| part.count).sum();
                self.figures.count(taken, records, bytes);
                self.publish(batch, signature, bytes, notes); // point 2
                self.note_room();
                self.queue.free_disk();
                Ok(())
            }
            Err(refusal) => {
                match &refusal {
                    Refusal::Stopped(why) | Refusal::Unknown(why) => self.queue.stop(why),
                    other => self.queue.stop(&other.to_string()),
                }
                self.queue.free_disk();
                Err(refusal)
            }
        }
    }

    /// Point 1: after `Ok` the batch is true, whatever happens to this process.
    fn make_durable(&self, batch: &Batch, signature: &[u8; 64]) -> Result<u64, Refusal> {
        self.look_back()?;
        let parts: [&[u8]; 4] = [&batch.header, signature, &batch.front, &batch.body];
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let store = self.books.store();
        let ticket = store
            .submit(batch.number, &parts)
            .map_err(|error| match error {
                StoreError::Io { .. } => Refusal::Unknown(with_causes(&error)),
                // Every other error comes before the first byte.
                _ => Refusal::Stopped(with_causes(&error)),
            })?;
        match store.wait(ticket) {
            Written::Durable => Ok(u64::try_from(bytes).expect("a batch fits memory")),
            Written::Taken(_) => Err(Refusal::Stopped(format!(
                "another writer took batch {}",
                batch.number
            ))),
            Written::Unknown(error) => Err(Refusal::Unknown(with_causes(&error))),
        }
    }

    /// After an hour of silence: is the last batch still there? A vanished slot could be created again by somebody else.
    fn look_back(&self) -> Result<(), Refusal> {
        let last = self.last_batch();
        if self.clock.boot_nanos().saturating_sub(last.at_boot) < REOPEN_AFTER_NANOS {
            return Ok(());
        }
        match self
            .books
            .store()
            .read_slot(last.number, 0, last.signed_header.len())
        {
            Ok(bytes) if bytes == last.signed_header => Ok(()),
            Ok(_) => Err(Refusal::Stopped(format!(
                "batch {} is no longer the one written",
                last.number
            ))),
            Err(error) => Err(Refusal::Stopped(format!(
                "batch {} can no longer be read: {}",
                last.number,
                with_causes(&error)
            ))),
        }
    }

    /// Tells the books what is durable now.
    fn publish(&self, batch: Batch, signature: &[u8; 64], bytes: u64, notes: &[Published]) {
        let signed_header = [&batch.header[..], &signature[..]].concat();
        let body_at = signed_header.len() + batch.front.len();
        let node = self.books.node_log().index();
        for part in batch.parts {
            let entries_len = usize::try_from(part.count * 32).expect("a batch fits memory");
            let frames_at = part.at + entries_len;
            let segment = Segment {
                first: part.first,
                count: part.count,
                slot: batch.number,
                frames_at: u64::try_from(body_at + frames_at).expect("a batch fits memory"),
                frames_len: u64::try_from(part.frames_len).expect("a batch fits memory"),
            };
            if part.log.index() == node {
                self.batch_keys()
                    .row(batch.number, segment.first, segment.first + segment.count);
            }
            let entries = hashes(&batch.body[part.at..frames_at]);
            part.log.grow(segment, entries, part.frontier, part.times);
        }
        for Published { log, note } in notes {
            let mut state = log.write();
            state.noted = state.noted.max(note.size);
            if state.open_hinge.is_some_and(|seq| seq + 1 == note.size) {
                state.add_hinge(note.size, HingeNote::Text(note.text.as_str().into()));
            }
        }
        *self
            .last
            .lock()
            .expect("no thread panics while it notes the last batch") = LastBatch {
            number: batch.number,
            signed_header,
            at_boot: self.clock.boot_nanos(),
        };
        self.tail.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.keep_body(batch.body);
        self.pulse.beat();
    }
}
