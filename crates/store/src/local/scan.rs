//! The walk over the slots of a local tail.
//!
//! Owns the rules of `docs/spec/tail.md` for what stands where slot *n* is expected. Promises that damage is reported
//! only when it is seen twice, so that a reader beside a running writer never takes a slot in the making for a hole.

use std::sync::Arc;

use super::LocalStore;
use super::tail::{Block, SlotHeader};
use super::tail_file::{self, Here, TailFile, Window};
use crate::limits::{BLOCK, SLOT_HEADER, UNUSED_RANGES_MAX};
use crate::{Found, Place, Slot, SlotScan, StoreError};

/// Where the walk stands. Given out by `Store::slots`.
pub(crate) struct LocalScan<'a> {
    store: &'a LocalStore,
    /// Slots before this are walked over in silence.
    from: u64,
    /// The number that should come next.
    expected: u64,
    /// The file it should stand in; `None`: there is no tail file.
    window: Option<Window>,
    /// Where in that file.
    offset: u64,
    /// Left-over bytes behind the last slots of the files already walked through.
    unused: Vec<Place>,
    over: Option<Found>,
    /// Behind damage: where a later slot stands.
    later: Option<Later>,
    /// Where the next slot's bytes go; what it holds means nothing.
    spare: Vec<u8>,
}

/// A slot header in order behind damage.
struct Later {
    number: u64,
    tail: Arc<TailFile>,
    offset: u64,
}

/// What a look found. `Good` moves the walk on, the rest ends it.
enum Look {
    Good {
        window: Option<Window>,
        offset: u64,
        header: SlotHeader,
        bytes: Vec<u8>,
        /// Left over behind the last slot of a file the walk leaves.
        unused: Vec<Place>,
    },
    Over {
        found: Found,
        bad: Option<BadSlot>,
        later: Option<Later>,
    },
}

/// The torn slot a scan ended at, for quarantine.
#[derive(Debug, Clone)]
pub(crate) struct BadSlot {
    pub(crate) number: u64,
    pub(crate) tail: Arc<TailFile>,
    pub(crate) offset: u64,
    pub(crate) span: u64,
}

impl SlotScan for LocalScan<'_> {
    fn next(&mut self) -> Result<Found, StoreError> {
        loop {
            if let Some(found) = &self.over {
                return Ok(found.clone());
            }
            match self.settled_look()? {
                Look::Over { found, bad, later } => {
                    self.store.remember_bad(bad);
                    self.over = Some(found);
                    self.later = later;
                }
                Look::Good {
                    window,
                    offset,
                    header,
                    bytes,
                    unused,
                } => {
                    self.unused = unused;
                    let slot = self.advance(window, offset, header, bytes);
                    if slot.number >= self.from {
                        return Ok(Found::Good(slot));
                    }
                }
            }
        }
    }

    fn skip_to_later(&mut self) -> bool {
        let Some(later) = self.later.take() else {
            return false;
        };
        self.over = None;
        self.expected = later.number;
        self.offset = later.offset;
        self.window = Some(Window::new(later.tail));
        true
    }

    fn reuse(&mut self, bytes: Vec<u8>) {
        self.spare = bytes;
    }
}

impl<'a> LocalScan<'a> {
    /// Finds the slot to begin with: a place remembered by this handle, or the last file that begins at or before `from`.
    pub(crate) fn start(store: &'a LocalStore, from: u64) -> Result<Self, StoreError> {
        if let Some((number, tail, offset)) = store.known_before(from)? {
            return Ok(Self {
                store,
                from,
                expected: number,
                window: Some(Window::new(tail)),
                offset,
                unused: Vec::new(),
                over: None,
                later: None,
                spare: Vec::new(),
            });
        }
        let mut best: Option<(Arc<TailFile>, u64)> = None;
        let mut empty = None;
        for number in tail_file::numbers(store.root())? {
            let Some(tail) = store.open_for_scan(number)? else {
                continue;
            };
            match tail.block(BLOCK)? {
                // A number again that an earlier file began with is no beginning: the walk comes to it, or passes over it.
                Block::Slot(header) if header.number <= from && is_later(&best, header.number) => {
                    best = Some((tail, header.number));
                }
                _ if best.is_some() => {}
                // Nothing was released, so slot 0 is expected here, whatever stands there.
                _ if number == 0 => best = Some((tail, 0)),
                Block::Slot(_) => return Err(StoreError::Gone),
                Block::Nothing if !holds_any(&tail)? => empty = Some((tail, from)),
                _ => best = Some((tail, from)),
            }
        }
        let (window, expected) = match best.or(empty) {
            Some((tail, expected)) => (Some(Window::new(tail)), expected),
            None => (None, from),
        };
        Ok(Self {
            store,
            from,
            expected,
            window,
            offset: BLOCK,
            unused: Vec::new(),
            over: None,
            later: None,
            spare: Vec::new(),
        })
    }

    fn advance(
        &mut self,
        window: Option<Window>,
        offset: u64,
        header: SlotHeader,
        bytes: Vec<u8>,
    ) -> Slot {
        if window.is_some() {
            self.window = window;
        }
        let tail = &self
            .window
            .as_ref()
            .expect("a slot was found in a file")
            .tail;
        let place = tail.place(offset + SLOT_HEADER, header.length);
        self.store
            .remember(header.number, Arc::clone(tail), offset, header.length);
        self.offset = offset + header.span();
        self.expected = header.number + 1;
        Slot {
            number: header.number,
            bytes,
            place,
        }
    }

    /// Looks until the finding can be believed. Beside a running writer the first look may mix old and new bytes. Slot
    /// *n* is durable before *n*+1 is written, so *n* is whole in any look that begins after *n*+1 was seen.
    fn settled_look(&mut self) -> Result<Look, StoreError> {
        let mut seen_later = false;
        let alone = self.store.is_alone();
        let mut fresh = false;
        loop {
            let look = self.look()?;
            let Look::Over { found, .. } = &look else {
                return Ok(look);
            };
            let later = matches!(
                found,
                Found::Missing { .. } | Found::Bad { later: Some(_), .. }
            );
            if alone || (fresh && (!later || seen_later)) {
                return self.still_there().map(|()| look);
            }
            seen_later |= later;
            fresh = true;
            self.window = self.window.take().map(|window| Window::new(window.tail));
        }
    }

    /// A file released meanwhile reads as zeros, which proves nothing.
    fn still_there(&self) -> Result<(), StoreError> {
        match &self.window {
            Some(window) if !window.tail.is_current()? => Err(StoreError::Gone),
            _ => Ok(()),
        }
    }

    fn look(&mut self) -> Result<Look, StoreError> {
        let (number, offset) = (self.expected, self.offset);
        let Some(window) = &mut self.window else {
            return Ok(over(Found::End {
                number,
                unused: Vec::new(),
            }));
        };
        match window.judge(offset, &mut self.spare)? {
            Here::Good { header, bytes } if header.number == number => Ok(Look::Good {
                window: None,
                offset,
                header,
                bytes,
                unused: std::mem::take(&mut self.unused),
            }),
            Here::Good { header, .. } if header.number > number => {
                let later = Later {
                    number: header.number,
                    tail: Arc::clone(&window.tail),
                    offset,
                };
                Ok(missing(number, window.tail.place(offset, BLOCK), later))
            }
            Here::Good { header, .. } => self.bad(
                None,
                offset,
                header.span(),
                "slot has a lower number than the one before",
            ),
            Here::Bad { reason, span } => self.bad(None, offset, span, reason),
            Here::Nothing => self.look_further(),
        }
    }

    /// Nothing stands where the slot is expected: it begins the next file, or is missing, or the tail ends.
    fn look_further(&mut self) -> Result<Look, StoreError> {
        let (number, offset) = (self.expected, self.offset);
        let window = self.window.as_mut().expect("looked at in a file");
        let mut unused = self.unused.clone();
        let place = window.tail.place(offset, BLOCK);
        if let Some(later) = later_after(window, offset, number.saturating_add(1), &mut unused)? {
            return Ok(missing(number, place, later));
        }
        let here = window.tail.number;
        for mut next in self.store.windows_after(here)? {
            match next.judge(BLOCK, &mut self.spare)? {
                Here::Good { header, bytes } if header.number == number => {
                    return Ok(Look::Good {
                        window: Some(next),
                        offset: BLOCK,
                        header,
                        bytes,
                        unused,
                    });
                }
                Here::Bad { reason, span } => return self.bad(Some(next), BLOCK, span, reason),
                _ => {}
            }
            // A file prepared ahead, or one too small for the slot that came: nothing in it, the walk passes over.
            if let Some(later) = later_after(&mut next, BLOCK, number, &mut unused)? {
                return Ok(missing(number, place, later));
            }
        }
        Ok(over(Found::End { number, unused }))
    }

    /// Something of this use that isn't good, here or at the start of a following file.
    fn bad(
        &mut self,
        next: Option<Window>,
        offset: u64,
        span: u64,
        reason: &'static str,
    ) -> Result<Look, StoreError> {
        let number = self.expected;
        let mut moved = next;
        let window = moved
            .as_mut()
            .or(self.window.as_mut())
            .expect("looked at in a file");
        let place = window.tail.place(offset, span);
        let bad = BadSlot {
            number,
            tail: Arc::clone(&window.tail),
            offset,
            span,
        };
        let mut later = later_after(
            window,
            offset + BLOCK,
            number.saturating_add(1),
            &mut Vec::new(),
        )?;
        for mut further in self.store.windows_after(bad.tail.number)? {
            if later.is_some() {
                break;
            }
            later = later_after(
                &mut further,
                BLOCK,
                number.saturating_add(1),
                &mut Vec::new(),
            )?;
        }
        let torn = later.is_none().then_some(bad);
        Ok(Look::Over {
            found: Found::Bad {
                number,
                place,
                reason,
                later: later.as_ref().map(|later| later.number),
            },
            bad: torn,
            later,
        })
    }
}

fn is_later(best: &Option<(Arc<TailFile>, u64)>, number: u64) -> bool {
    best.as_ref().is_none_or(|(_, begins)| number > *begins)
}

fn over(found: Found) -> Look {
    Look::Over {
        found,
        bad: None,
        later: None,
    }
}

fn missing(number: u64, place: Place, later: Later) -> Look {
    Look::Over {
        found: Found::Missing {
            number,
            place,
            later: later.number,
        },
        bad: None,
        later: Some(later),
    }
}

/// The number of the first slot header in order, numbered at least `least`, in any block from `offset` on. Its bytes need
/// not be good: slot *m* is written only after *m* - 1 is durable, so its header alone proves that. Notes the blocks
/// that aren't zero.
fn later_after(
    window: &mut Window,
    mut offset: u64,
    least: u64,
    unused: &mut Vec<Place>,
) -> Result<Option<Later>, StoreError> {
    while offset + BLOCK <= window.tail.length {
        if !window.is_zero(offset)? {
            match window.block(offset)? {
                Block::Slot(header) if header.number >= least => {
                    return Ok(Some(Later {
                        number: header.number,
                        tail: Arc::clone(&window.tail),
                        offset,
                    }));
                }
                _ => note_unused(unused, window, offset),
            }
        }
        offset += BLOCK;
    }
    Ok(None)
}

fn note_unused(unused: &mut Vec<Place>, window: &Window, offset: u64) {
    let place = window.tail.place(offset, BLOCK);
    let full = unused.len() >= UNUSED_RANGES_MAX;
    match unused.last_mut() {
        Some(last) if last.file == place.file && (full || last.offset + last.length == offset) => {
            last.length = offset + BLOCK - last.offset;
        }
        _ if full => {}
        _ => unused.push(place),
    }
}

/// Whether any slot header in order stands anywhere in the file.
pub(crate) fn holds_any(tail: &Arc<TailFile>) -> Result<bool, StoreError> {
    let mut window = Window::new(Arc::clone(tail));
    Ok(later_after(&mut window, BLOCK, 0, &mut Vec::new())?.is_some())
}
