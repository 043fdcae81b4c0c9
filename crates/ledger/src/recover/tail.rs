//! The tail at a start: every batch in its chain, every record re-hashed, all signatures.

use super::reading::Reading;
use super::{RecoverError, Torn, damaged, format_error};
use crate::books::{NODE_LOG, Segment};
use crate::format::batch::{BatchView, HEADER_BYTES, Part, signed_message};
use crate::scan;
use crate::view::hashes;
use ed25519_dalek::{Signature, VerifyingKey};
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::{self, Hash};
use indelible_proof::time::Time;
use indelible_store::{Found, Slot};

impl Reading {
    pub(super) fn tail(&mut self) -> Result<(), RecoverError> {
        if self.last_sealed.is_some() {
            self.read_batch_key()?;
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
        let mut slots = store.slots(first)?;
        loop {
            match slots.next()? {
                Found::Good(slot) => self.slot(&slot)?,
                Found::End { .. } => break,
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
                    break;
                }
            }
        }
        self.check_signatures()
    }

    fn slot(&mut self, slot: &Slot) -> Result<(), RecoverError> {
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
            return self.sealed(slot, &batch).map_err(|what| forged(&what));
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
        for part in batch.parts() {
            self.part(slot, &part, header.time)
                .map_err(|what| forged(&what))?;
        }
        for note in batch.notes() {
            self.learn_note(note);
        }
        if self.batch_key.is_none() {
            self.read_batch_key_from(&batch)
                .map_err(|what| forged(&what))?;
        }
        self.signatures.push((
            *batch.header_bytes,
            *batch.signature,
            format!("{file} at {offset}"),
        ));
        self.signed_header = [&batch.header_bytes[..], &batch.signature[..]].concat();
        self.tail_bytes += u64::try_from(slot.bytes.len()).expect("a batch fits memory");
        (self.next, self.prev, self.epoch) = (slot.number + 1, batch.digest(), batch.header.epoch);
        self.writer = Some(batch.header.writer);
        self.time = self.time.max(Some(batch.header.time));
        Ok(())
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
        let place = format!("{} at {}", slot.place.file, slot.place.offset);
        self.signatures
            .push((*batch.header_bytes, *batch.signature, place));
        if last {
            self.signed_header = [&batch.header_bytes[..], &batch.signature[..]].concat();
        }
        Ok(())
    }

    /// One log's records of a batch: the entries must give the signed root, the records their entries.
    fn part(&mut self, slot: &Slot, part: &Part<'_>, batch: Time) -> Result<(), String> {
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
        let times = scan::rehash(log.head_start(), part, &entries, prev, &mut self.scratch)?;
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
        log.write().add_segment(segment, &entries, frontier, times);
        self.grown.insert(log.index(), log);
        Ok(())
    }

    fn read_batch_key(&mut self) -> Result<(), RecoverError> {
        let log = self
            .books
            .log(NODE_LOG)
            .ok_or_else(|| damaged("sealed", 0, "the node's own log is missing"))?;
        let stored = self
            .books
            .record(&log, 0)
            .map_err(|error| damaged("_node", 0, &error.to_string()))?;
        let key = stored
            .content
            .and_then(|(_, event)| Genesis::parse(&event).and_then(|genesis| genesis.batch_key));
        self.batch_key =
            Some(key.ok_or_else(|| damaged("_node", 0, "its genesis names no batch key"))?);
        Ok(())
    }

    /// Batch 0 holds `_node`'s genesis.
    fn read_batch_key_from(&mut self, batch: &BatchView<'_>) -> Result<(), String> {
        for part in batch.parts() {
            if let Some(key) = scan::founding_batch_key(&part, &mut self.scratch)? {
                self.batch_key = Some(key);
            }
        }
        self.batch_key
            .map(|_| ())
            .ok_or_else(|| "batch 0 does not found the node's log".to_owned())
    }

    /// All signatures of the tail, on all cores: a tail written by a lone caller has thousands.
    fn check_signatures(&mut self) -> Result<(), RecoverError> {
        let Some(key) = self.batch_key else {
            return Ok(());
        };
        let key = VerifyingKey::from_bytes(&key)
            .map_err(|_| damaged("_node", 0, "the batch key is not a key"))?;
        let signatures = std::mem::take(&mut self.signatures);
        let bad = |chunk: &[([u8; HEADER_BYTES], [u8; 64], String)]| {
            chunk
                .iter()
                .find(|(header, signature, _)| {
                    key.verify_strict(&signed_message(header), &Signature::from_bytes(signature))
                        .is_err()
                })
                .map(|(_, _, place)| place.clone())
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
