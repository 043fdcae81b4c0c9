//! The tail at a start: every batch in its chain, every record re-hashed, all signatures.

use super::ahead::{self, Ahead};
use super::beside::{Beside, Walked};
use super::reading::{Reading, SignedHeader};
use super::{RecoverError, Torn, damaged, format_error, unread};
use crate::books::{Log, NODE_LOG, Segment};
use crate::format::batch::{BatchView, Part, signed_message};
use crate::format::frame::Record;
use crate::resend::TailClaims;
use crate::scan::{self, Surveyed};
use crate::view::hashes;
use indelible_proof::hash::{self, Hash};
use indelible_proof::key::verify_ed25519;
use indelible_proof::key_event::KeyEvent;
use indelible_proof::time::Time;
use indelible_store::{Found, Slot};
use std::sync::Arc;

impl Reading {
    pub(super) fn tail(&mut self) -> Result<(), RecoverError> {
        if self.last_sealed.is_some() {
            self.read_batch_keys()?;
        }
        let store = self.books.shared_store();
        let Some(first) = store.first_slot()? else {
            return if self.next == 0 {
                Ok(())
            } else {
                Err(damaged("tail", 0, "there are packs but no tail"))
            };
        };
        if first > self.next {
            return Err(damaged(
                "tail",
                0,
                &format!("batches {} to {} are missing", self.next, first - 1),
            ));
        }
        let beside = Beside::start();
        let walked = ahead::of(&*store, first, beside.buffers(), |slots| {
            self.walk(slots, &beside)
        });
        let walked = walked.and_then(|()| self.check_signatures());
        // What is wrong there stands before anything that the walk met, and outweighs a signature over it.
        beside.end()?;
        walked
    }

    fn walk(&mut self, slots: &Ahead, beside: &Beside) -> Result<(), RecoverError> {
        loop {
            match slots.next()? {
                Found::Good(slot) => {
                    let logs = self.slot(&slot)?;
                    if logs.is_empty() {
                        beside.buffers().keep(slot.bytes);
                    } else if !beside.take(Walked { slot, logs }) {
                        return Ok(());
                    }
                }
                Found::End { .. } => return Ok(()),
                Found::Missing {
                    number,
                    later,
                    place,
                } => {
                    return Err(RecoverError::Hole {
                        number,
                        later,
                        file: place.file,
                    });
                }
                Found::Bad {
                    number,
                    place,
                    reason,
                    later,
                } => {
                    if let Some(later) = later {
                        let what = format!(
                            "batch {number}, which was acknowledged (batch {later} follows it), is damaged: {reason}"
                        );
                        return Err(damaged(&place.file, place.offset, &what));
                    }
                    self.torn = Some(Torn {
                        number,
                        place,
                        reason: reason.to_owned(),
                    });
                    return Ok(());
                }
            }
        }
    }

    /// Gives the logs of its parts, each with its last entry before, if the packs don't hold the batch.
    fn slot(&mut self, slot: &Slot) -> Result<Vec<(Arc<Log>, Hash)>, RecoverError> {
        let (file, offset) = (slot.place.file.as_str(), slot.place.offset);
        let batch =
            BatchView::parse(&slot.bytes).map_err(|error| format_error(file, offset, error))?;
        let forged = |what: &str| damaged(file, offset, &format!("batch {}: {what}", slot.number));
        if batch.header.number != slot.number
            || batch.header.store != self.books.store().describe().store_id
        {
            return Err(forged("it belongs to another store or place"));
        }
        self.compare_batch(slot.number, batch.digest())?;
        if slot.number < self.next {
            self.sealed(slot, &batch).map_err(|what| forged(&what))?;
            return Ok(Vec::new());
        }
        if batch.header.prev != self.prev
            || batch.header.epoch < self.epoch
            || self.time.is_some_and(|time| batch.header.time < time)
        {
            return Err(forged("it does not continue the batch before"));
        }
        let header = &batch.header;
        let other = self.writer.is_some_and(|writer| writer != header.writer);
        if header.epoch == self.epoch && other {
            return Err(forged("another writer goes on in the same epoch"));
        }
        let parts = batch.parts();
        let logs = parts.map(|part| self.part(slot, &part, header.time));
        let logs = logs.collect::<Result<Vec<_>, _>>();
        let logs = logs.map_err(|what| forged(&what))?;
        for note in batch.notes() {
            self.learn_note(note);
        }
        if self.batch_keys.newest().is_none() {
            self.read_batch_key_from(&batch)
                .map_err(|what| forged(&what))?;
        }
        self.keep_signature(slot, &batch);
        self.signed_header = [&batch.header_bytes[..], &batch.signature[..]].concat();
        self.tail_bytes += u64::try_from(slot.bytes.len()).expect("a batch fits memory");
        (self.next, self.prev, self.epoch) = (slot.number + 1, batch.digest(), batch.header.epoch);
        self.writer = Some(batch.header.writer);
        self.time = self.time.max(Some(batch.header.time));
        Ok(logs)
    }

    /// A batch that is sealed already and released a little later: what is signed here must be what the packs hold, since the packs may
    /// be all that is left soon.
    fn sealed(&mut self, slot: &Slot, batch: &BatchView<'_>) -> Result<(), String> {
        let last = slot.number + 1 == self.next;
        if last && batch.digest() != self.prev {
            return Err("it is not the one the pack names".to_owned());
        }
        for part in batch.parts() {
            let log = self.books.log_by_id(&part.row.log);
            let log = log.ok_or("the packs have not the log of a row")?;
            let state = log.read();
            let ends = state.size == part.row.size();
            if state.size < part.row.size() || (ends && state.frontier.root() != part.row.root) {
                return Err(format!("the packs hold other records of {}", log.name()));
            }
        }
        self.epoch = self.epoch.max(batch.header.epoch);
        self.time = self.time.max(Some(batch.header.time));
        self.keep_signature(slot, batch);
        if last {
            self.signed_header = [&batch.header_bytes[..], &batch.signature[..]].concat();
        }
        Ok(())
    }

    fn keep_signature(&mut self, slot: &Slot, batch: &BatchView<'_>) {
        let node = self.books.log(NODE_LOG).map(|log| log.id());
        if let Some(part) = batch.parts().find(|part| Some(part.row.log) == node) {
            self.batch_keys
                .row(slot.number, part.row.first, part.row.size());
        }
        self.signatures.push(SignedHeader {
            number: slot.number,
            header: *batch.header_bytes,
            signature: *batch.signature,
            place: format!("{} at {}", slot.place.file, slot.place.offset),
        });
    }

    /// One log's records of a batch: the entries must give the signed root. Gives the log and its last entry before.
    fn part(
        &mut self,
        slot: &Slot,
        part: &Part<'_>,
        batch: Time,
    ) -> Result<(Arc<Log>, Hash), String> {
        let entries: Vec<Hash> = hashes(part.entries).collect();
        let log = match self.books.log_by_id(&part.row.log) {
            Some(log) => log,
            None if part.row.first == 0 && entries.first() == Some(&part.row.log) => {
                let origin = scan::founding_origin(part, &mut self.scratch)?;
                self.new_log(part.row.log, &origin)
            }
            None => return Err("a row of an unknown log".to_owned()),
        };
        let (size, prev, mut frontier) = {
            let state = log.read();
            (state.size, state.last_entry, state.frontier.clone())
        };
        if part.row.first != size {
            return Err(format!(
                "records of {} begin at {} instead of {size}",
                log.name(),
                part.row.first
            ));
        }
        entries
            .iter()
            .for_each(|entry| frontier.push(hash::leaf(entry)));
        if frontier.root() != part.row.root {
            return Err(format!(
                "entries of {} don't give the signed root",
                log.name()
            ));
        }
        if log.read().open_hinge.is_some() {
            return Err(format!(
                "{} has records after its key record, and not the hinge before them",
                log.name()
            ));
        }
        let Surveyed { times, key } = self.survey(part)?;
        if times.1 > batch {
            return Err(format!(
                "records of {} are later than their batch",
                log.name()
            ));
        }
        let segment = Segment {
            first: part.row.first,
            count: u64::from(part.row.count),
            slot: slot.number,
            frames_at: part.frames_at,
            frames_len: u64::try_from(part.frames_bytes.len()).expect("a batch fits memory"),
        };
        let mut state = log.write();
        state.add_segment(segment, entries.into_iter(), frontier, times);
        if let Some(event) = key {
            let event = KeyEvent::parse(&event, log.origin())
                .ok_or_else(|| format!("the key record of {} is none", log.name()))?;
            state.open_hinge = Some(part.row.first);
            if let Some(key) = event.batch_key {
                self.batch_keys.name(part.row.first, key, event.is_recovery);
            }
        }
        drop(state);
        self.grown.insert(log.index(), Arc::clone(&log));
        Ok((log, prev))
    }

    /// Goes over the records of a row, and notes what they claim.
    fn survey(&mut self, part: &Part<'_>) -> Result<Surveyed, String> {
        let known = self.for_writing.then_some(&mut self.known);
        let mut claims = TailClaims::new(part.row.log, known);
        let see = &mut |record: &Record<'_>, seq| claims.see(record, seq);
        scan::survey(part, &mut self.scratch, see)
    }

    /// The batch keys that sealed records of `_node` name.
    fn read_batch_keys(&mut self) -> Result<(), RecoverError> {
        let log = self
            .books
            .log(NODE_LOG)
            .ok_or_else(|| damaged("sealed", 0, "the node's own log is missing"))?;
        let sets = self
            .books
            .key_sets(&log)
            .map_err(|error| unread(NODE_LOG, error))?;
        for set in sets {
            let key = set
                .batch_key
                .ok_or_else(|| damaged("_node", 0, "its genesis names no batch key"))?;
            self.batch_keys.name(set.seq, key, set.is_recovery);
        }
        Ok(())
    }

    /// Batch 0 holds `_node`'s genesis.
    fn read_batch_key_from(&mut self, batch: &BatchView<'_>) -> Result<(), String> {
        for part in batch.parts() {
            if let Some(key) = scan::founding_batch_key(&part, &mut self.scratch)? {
                self.batch_keys.name(0, key, false);
            }
        }
        self.batch_keys
            .newest()
            .map(|_| ())
            .ok_or_else(|| "batch 0 does not found the node's log".to_owned())
    }

    /// All signatures of the tail, on all cores: a tail written by a lone caller has thousands.
    fn check_signatures(&mut self) -> Result<(), RecoverError> {
        let signatures = std::mem::take(&mut self.signatures);
        let keys = &self.batch_keys;
        let is_bad = |signed: &&SignedHeader| {
            let message = signed_message(&signed.header);
            let key = keys.of(signed.number);
            key.is_some_and(|key| !verify_ed25519(&key, &message, &signed.signature))
        };
        let bad = |chunk: &[SignedHeader]| {
            let first = chunk.iter().find(is_bad);
            first.map(|signed| signed.place.clone())
        };
        let half = signatures.len() / 2;
        let (left, right) = signatures.split_at(half);
        let found = std::thread::scope(|scope| {
            let left = scope.spawn(|| bad(left));
            let right = bad(right);
            left.join().ok().flatten().or(right)
        });
        match found {
            Some(place) => Err(damaged(
                &place,
                0,
                "a batch's signature is wrong: it was not written by this node",
            )),
            None => Ok(()),
        }
    }
}
