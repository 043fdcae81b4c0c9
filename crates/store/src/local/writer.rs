//! The end of the tail: opening it after recovery, writing slots, setting a torn one aside.
//!
//! Owns the order of writes and syncs on the commit path. One slot is in flight at a time.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::scan::{BadSlot, LocalScan};
use super::tail::{SlotHeader, span};
use super::tail_file::{self, Here, TailFile, Window, length_of};
use super::{LocalStore, SlotPlace};
use crate::limits::{BLOCK, BLOCK_LEN, SLOT_HEADER, SLOT_LENGTH_MAX};
use crate::names;
use crate::{Found, SlotScan, StoreError, Ticket, WriterId};

/// What only the writer knows.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) id: Option<WriterId>,
    end: Option<End>,
    in_flight: Option<InFlight>,
}

/// Where the next slot goes.
struct End {
    tail: Arc<TailFile>,
    offset: u64,
    next: u64,
}

/// Written, not yet synced.
struct InFlight {
    slot: u64,
    tail: Arc<TailFile>,
    offset: u64,
    length: u64,
}

impl LocalStore {
    /// Durability point of recovery: what is read as the last slot is written and synced again before anything follows.
    pub(super) fn open_end(&self, last: Option<u64>) -> Result<(), StoreError> {
        let mut writer = self.writer();
        if writer.end.is_some() {
            return Err(StoreError::refused("the tail is open already"));
        }
        // A file whose name was not durable when the last writer stopped gets a durable one now: what is written from here on may
        // rest on it, as a record that names a pack does.
        for directory in ["tail", "sealed"] {
            self.disk.sync_directory(&self.root.join(directory))?;
        }
        let end = match last {
            Some(last) => self.rewrite_last(last)?,
            None => self.empty_end()?,
        };
        self.current.store(end.tail.number, Ordering::SeqCst);
        writer.end = Some(end);
        Ok(())
    }

    fn rewrite_last(&self, last: u64) -> Result<End, StoreError> {
        let place = self.last_place(last)?;
        let tail = Arc::new(TailFile::open(
            &self.root,
            place.tail.number,
            &self.info.store_id,
            true,
        )?);
        let before = self.whole_slot(&place, last)?;
        self.disk.write(
            &tail.file,
            &tail.path,
            place.offset,
            &mut [IoSlice::new(&before)],
        )?;
        self.disk.sync_data(&tail.file, &tail.path)?;
        tail.drop_cache()?;
        if self.whole_slot(&place, last)? != before {
            let place = tail.place(place.offset, length_of(before.len()));
            return Err(StoreError::Damaged {
                place,
                what: "slot reads differently after it was written again",
            });
        }
        Ok(End {
            tail,
            offset: place.offset + span(place.length),
            next: last + 1,
        })
    }

    /// Where slot `last` stands, if the tail ends behind it. A bad slot there must be set aside first.
    fn last_place(&self, last: u64) -> Result<SlotPlace, StoreError> {
        let refused = || StoreError::Refused(format!("the tail does not end behind slot {last}"));
        let mut scan = LocalScan::start(self, last)?;
        match scan.next()? {
            Found::Good(slot) if slot.number == last => {}
            _ => return Err(refused()),
        }
        match scan.next()? {
            Found::End { .. } => {}
            _ => return Err(refused()),
        }
        self.places().slots.get(&last).cloned().ok_or_else(refused)
    }

    /// Header, bytes and padding as they stand on the disk, found good.
    fn whole_slot(&self, place: &SlotPlace, number: u64) -> Result<Vec<u8>, StoreError> {
        let tail = &place.tail;
        match Window::new(Arc::clone(tail)).judge(place.offset, &mut Vec::new())? {
            Here::Good { header, .. }
                if header.number == number && header.length == place.length => {}
            _ => {
                let place = tail.place(place.offset, span(place.length));
                return Err(StoreError::Damaged {
                    place,
                    what: "slot was good a moment ago and is not now",
                });
            }
        }
        let length =
            usize::try_from(span(place.length)).expect("checked against the largest slot length");
        tail_file::read_at(&tail.file, &tail.path, place.offset, length)
    }

    /// The first file of a tail without slots, made if there is none.
    fn empty_end(&self) -> Result<End, StoreError> {
        match LocalScan::start(self, 0)?.next()? {
            Found::End { .. } => {}
            _ => {
                return Err(StoreError::refused(
                    "the tail holds something, so there is a last slot",
                ));
            }
        }
        let number = match tail_file::numbers(&self.root)?.first() {
            Some(&number) => number,
            None => self.make_tail(span(0))?,
        };
        let tail = Arc::new(TailFile::open(
            &self.root,
            number,
            &self.info.store_id,
            true,
        )?);
        Ok(End {
            tail,
            offset: BLOCK,
            next: 0,
        })
    }

    pub(super) fn write_slot(&self, slot: u64, parts: &[&[u8]]) -> Result<Ticket, StoreError> {
        let length = parts.iter().map(|part| length_of(part.len())).sum();
        if length > SLOT_LENGTH_MAX {
            return Err(StoreError::TooLarge {
                length,
                most: SLOT_LENGTH_MAX,
            });
        }
        let mut writer = self.writer();
        let Writer { end, in_flight, .. } = &mut *writer;
        let end = end
            .as_mut()
            .ok_or_else(|| StoreError::refused("the tail is not open"))?;
        if let Some(InFlight { slot: before, .. }) = in_flight {
            return Err(StoreError::Refused(format!(
                "slot {before} is still being written"
            )));
        }
        if slot != end.next {
            return Err(StoreError::Refused(format!(
                "slot {slot} where {} is next",
                end.next
            )));
        }
        if end.offset + span(length) > end.tail.length {
            *end = self.next_file(end, span(length))?;
            self.current.store(end.tail.number, Ordering::SeqCst);
        }
        let crc = parts
            .iter()
            .fold(0, |crc, part| crc32c::crc32c_append(crc, part));
        let header = SlotHeader {
            number: slot,
            length,
            crc,
        };
        self.write_framed(end, header, parts)?;
        *in_flight = Some(InFlight {
            slot,
            tail: Arc::clone(&end.tail),
            offset: end.offset,
            length,
        });
        end.offset += header.span();
        end.next += 1;
        Ok(Ticket { slot })
    }

    /// One write: header, the caller's parts as they lie, zeros to the next block.
    fn write_framed(
        &self,
        end: &End,
        header: SlotHeader,
        parts: &[&[u8]],
    ) -> Result<(), StoreError> {
        let framing = header.encode(&end.tail.generation);
        let zeros = [0; BLOCK_LEN];
        let padding = header.span() - SLOT_HEADER - header.length;
        let padding = usize::try_from(padding).expect("less than a block");
        let mut slices = Vec::with_capacity(parts.len() + 2);
        slices.push(IoSlice::new(&framing));
        slices.extend(parts.iter().map(|part| IoSlice::new(part)));
        slices.push(IoSlice::new(
            zeros.get(..padding).expect("less than a block"),
        ));
        self.disk
            .write(&end.tail.file, &end.tail.path, end.offset, &mut slices)
    }

    /// Durability point of a commit: when this returns, the slot survives a power loss.
    pub(super) fn sync_slot(&self, slot: u64) -> Result<(), StoreError> {
        let mut writer = self.writer();
        let in_flight = writer.in_flight.take_if(|in_flight| in_flight.slot == slot);
        let InFlight {
            tail,
            offset,
            length,
            ..
        } = in_flight
            .ok_or_else(|| StoreError::Refused(format!("slot {slot} is not being written")))?;
        self.disk.sync_data(&tail.file, &tail.path)?;
        self.remember(slot, tail, offset, length);
        Ok(())
    }

    /// The last slot that survives a power loss; `None` before `open_tail` too.
    pub(super) fn last_durable(&self) -> Option<u64> {
        let writer = self.writer();
        let next = writer.in_flight.as_ref().map(|in_flight| in_flight.slot);
        next.or(writer.end.as_ref().map(|end| end.next))?
            .checked_sub(1)
    }

    /// What fits without another file: into the rest of this one, or into one that was made ahead.
    pub(super) fn room_ahead(&self) -> Result<u64, StoreError> {
        let writer = self.writer();
        let Some(end) = &writer.end else {
            return Ok(0);
        };
        let mut most = end.tail.length.saturating_sub(end.offset);
        for number in tail_file::numbers(&self.root)? {
            if number > end.tail.number {
                let tail = TailFile::open(&self.root, number, &self.info.store_id, false)?;
                most = most.max(tail.length - BLOCK);
            }
        }
        Ok(most.saturating_sub(SLOT_HEADER).min(SLOT_LENGTH_MAX))
    }

    /// The first later file with room, made if there is none. Smaller ones are left empty.
    fn next_file(&self, end: &End, needed: u64) -> Result<End, StoreError> {
        for number in tail_file::numbers(&self.root)?
            .into_iter()
            .filter(|&number| number > end.tail.number)
        {
            let tail = TailFile::open(&self.root, number, &self.info.store_id, true)?;
            if tail.length - BLOCK >= needed {
                return Ok(End {
                    tail: Arc::new(tail),
                    offset: BLOCK,
                    next: end.next,
                });
            }
        }
        let number = self.make_tail(needed)?;
        let tail = TailFile::open(&self.root, number, &self.info.store_id, true)?;
        Ok(End {
            tail: Arc::new(tail),
            offset: BLOCK,
            next: end.next,
        })
    }

    /// Durability points of a repair: the copy is durable under its name before the first zero is written.
    pub(super) fn set_slot_aside(&self, number: u64) -> Result<String, StoreError> {
        if self.writer().end.is_some() {
            return Err(StoreError::refused(
                "the tail is open, nothing in it is torn",
            ));
        }
        let BadSlot {
            tail, offset, span, ..
        } = self.torn_slot(number)?;
        let length = usize::try_from(span).expect("at most the largest slot");
        let bytes = tail_file::read_at(&tail.file, &tail.path, offset, length)?;
        let name = names::quarantined_slot(number, &bytes);
        self.put_object(&name, &[&bytes])?;
        let tail = TailFile::open(&self.root, tail.number, &self.info.store_id, true)?;
        self.disk
            .write_zeros(&tail.file, &tail.path, offset, offset + span)?;
        self.disk.sync_data(&tail.file, &tail.path)?;
        self.remember_bad(None);
        Ok(name)
    }

    /// The bad slot the last scan ended at, or a new one does.
    fn torn_slot(&self, number: u64) -> Result<BadSlot, StoreError> {
        let known = self.places().bad.clone().filter(|bad| bad.number == number);
        if let Some(bad) = known {
            return Ok(bad);
        }
        LocalScan::start(self, number)?.next()?;
        let found = self.places().bad.clone().filter(|bad| bad.number == number);
        found.ok_or_else(|| {
            StoreError::Refused(format!("slot {number} is not a torn end of the tail"))
        })
    }
}
