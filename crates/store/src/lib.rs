//! Bytes at rest: numbered slots, immutable objects and one register.
//!
//! Owns what is on the disk and when it is durable. Promises that a slot is written once, that an object under `sealed/`
//! is never replaced, and that nothing is written after a failed write. Deliberately knows nothing of records, trees,
//! signatures or time: what the bytes mean is the ledger's affair, and randomness comes in as an argument.
//!
//! Two backends keep the same contract, checked by [`conformance`]: [`local`], a directory, whose bytes are described in
//! `docs/spec/tail.md`, and [`memory`], which refuses whatever breaks the contract and misbehaves on request.
//!
//! # The life of a writer
//!
//! Open, [`acquire`](Store::acquire), read everything through [`slots`](Store::slots), then
//! [`open_tail`](Store::open_tail). From there each commit is one [`submit`](Store::submit) and one
//! [`wait`](Store::wait); what `wait` calls [`Outcome::Durable`] survives a power loss, and nothing before that does.

pub mod conformance;
pub mod durable;
mod error;
mod guarded;
pub mod inspect;
pub mod limits;
pub mod local;
pub mod memory;
mod names;
pub mod regular;

use std::fmt;
use std::path::PathBuf;

pub use durable::{FaultInjector, WriteFate, WriteKind, WriteOp};
pub use error::{StoreError, with_causes};
pub use local::{CreateOptions, LocalStore, OpenOptions, Random, Retirer};

/// Tells one writer from another with the same epoch; drawn anew at each opening.
pub type WriterId = [u8; 16];

/// Where bytes lie, for messages: a file relative to the store directory (`tail/000000000000`), offset and length in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to the store directory; the register's own path where the register is meant.
    pub file: String,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}, {} bytes", self.file, self.offset, self.length)
    }
}

/// A slot whose framing is in order. What it holds is still to be judged by whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// From 0, without gaps.
    pub number: u64,
    /// What was submitted, without framing.
    pub bytes: Vec<u8>,
    /// Of the bytes, not of the header before them.
    pub place: Place,
}

/// What stands at the next position of the tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The slot expected here, its checksums right.
    Good(Slot),
    /// Something of this use stands here, but its header or its bytes are wrong: torn if `later` is `None`, else damage.
    Bad {
        /// The number expected here.
        number: u64,
        /// From the slot header to the end of what is given up with it.
        place: Place,
        /// What is wrong, in a few words.
        reason: &'static str,
        /// The number of a later slot, larger, whose header is in order: it shows that this one was durable.
        later: Option<u64>,
    },
    /// Nothing of this use stands where `number` is expected, but a slot header with a larger number stands later: a hole.
    Missing {
        /// The number expected here.
        number: u64,
        /// Where it is expected.
        place: Place,
        /// The number of a slot that stands later, its header in order.
        later: u64,
    },
    /// The tail ends here.
    End {
        /// The number the next slot will have.
        number: u64,
        /// Ranges behind the last slot that are not zero, though nothing of this use; at most
        /// [`limits::UNUSED_RANGES_MAX`], the last one then covering all the rest of its file.
        unused: Vec<Place>,
    },
}

/// A walk over slots in ascending order.
pub trait SlotScan {
    /// The next finding. After `Bad`, `Missing` or `End` the walk is over and the same finding comes again.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if a writer released the slots meanwhile; [`StoreError::Damaged`] for a numbered tail file
    /// with a bad header; [`StoreError::Io`].
    fn next(&mut self) -> Result<Found, StoreError>;

    /// After `Bad` or `Missing` with a later slot: goes on there, for a verifier that wants to see all of the damage. What lies
    /// between is lost. `false`: there is nowhere to go on, and the finding comes again.
    fn skip_to_later(&mut self) -> bool;

    /// Takes the bytes of a slot that is done with, for the next one that is read.
    fn reuse(&mut self, bytes: Vec<u8>) {
        drop(bytes);
    }
}

/// Handed out by [`Store::submit`], given back to [`Store::wait`]. Tickets are waited for in the order of their slots.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) slot: u64,
}

impl Ticket {
    /// The number of the submitted slot.
    #[must_use]
    pub fn slot(&self) -> u64 {
        self.slot
    }
}

/// What became of a submitted slot.
#[derive(Debug)]
pub enum Outcome {
    /// It survives a power loss.
    Durable,
    /// Another writer had taken the number; these are its bytes. Can't happen on a local disk under the lock.
    Taken(Vec<u8>),
    /// It may or may not be there. Every further write through this handle is refused; open again and look.
    Unknown(StoreError),
}

/// What [`Store::put_new`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It wasn't there and now is, durably.
    Created,
    /// The same bytes were there already; they are durable now.
    Same,
    /// Other bytes stand under this name; nothing was written.
    Differs,
}

/// What a store says of itself. Fixed while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// Drawn when the store was made; stands in every file of it.
    pub store_id: [u8; 16],
    /// The node it was made for.
    pub node_id: [u8; 16],
    /// The node's origin, printable ASCII, at most [`limits::ORIGIN_MAX`] bytes.
    pub origin: String,
    /// When it was made, the text given to `create`.
    pub created: String,
    /// Length of a new tail file in bytes.
    pub tail_size: u64,
    /// Where the keys are, if that was said when the store was made.
    pub keys: Option<PathBuf>,
    /// Whether a register was configured; if not, nothing outside the store guards against a rollback.
    pub register_configured: bool,
    /// The file it is, where it is one. It may not be there.
    pub register: Option<PathBuf>,
    /// Whether it was accepted that a reboot loses everything.
    pub volatile: bool,
    /// Whether this handle refuses every write.
    pub read_only: bool,
    /// Whether `FORMAT` is bound to another inode: this directory is a copy.
    pub copy: bool,
    /// Whether this handle opened a copy as moved, to be bound to its new place ([`Store::bind`]), which the ledger records.
    pub moved: bool,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// The whole of what the ledger asks of storage, narrow enough that an object store can give it too.
///
/// There is no truncate and no delete: expiry is another program. Every method may be called from any thread.
///
/// **Writing.** Only a handle that holds the exclusive right ([`acquire`](Self::acquire)) writes. Slots are submitted in
/// order, each number once. After the first failed write or sync, an [`Outcome::Unknown`] among them, every further write
/// through this handle is refused with [`StoreError::Stopped`] until the store is opened again: a disk that lost one write
/// may have lost others and still let them be read. A disk that is full has lost nothing: [`StoreError::NoRoom`] says that nothing
/// was done, and the handle goes on.
///
/// **Reading** is allowed to any number of handles while a writer works. A reader may find the last slot half written; only
/// a handle that holds the writing right may call that torn. It may also read a slot that isn't durable yet.
pub trait Store: Send + Sync {
    /// What the store says of itself.
    fn describe(&self) -> &StoreInfo;

    /// Takes the exclusive right to write, until the handle is dropped. Asking again as the same writer is allowed.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if it is held by another; [`StoreError::ReadOnly`] for a reading handle.
    fn acquire(&self, writer: WriterId) -> Result<(), StoreError>;

    /// Binds a copy that was opened as moved to the place where it lies: from now on it is the store. Until then every write is
    /// refused, so that whoever opens it can compare it first with what the register remembers. Nothing for a store in its place.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::ReadOnly`] for a reading handle.
    fn bind(&self) -> Result<(), StoreError>;

    /// Whether some handle, this one or another, holds the right to write at this moment.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn writer_active(&self) -> Result<bool, StoreError>;

    /// The lowest slot number in the tail. `None`: there is no slot at all, which is damage unless the store is brand-new.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if a tail file's header is bad, or the tail begins with something that has no number.
    fn first_slot(&self) -> Result<Option<u64>, StoreError>;

    /// A walk over the slots from number `from`. Slots before it are looked at as far as needed to find the way. Slots
    /// that a walk has shown are found at once later. To find the end, the rest of the tail's files is read, so a reader
    /// that knows what it wants asks for that and stops there.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if `from` was released; otherwise as [`SlotScan::next`].
    fn slots(&self, from: u64) -> Result<Box<dyn SlotScan + '_>, StoreError>;

    /// `length` bytes from `offset` of the bytes of slot `number`, fewer only where the slot ends. The checksum over the
    /// whole slot isn't computed again: the caller checks what it reads. That the slot still was `number` before and
    /// after the read is made sure, so a slot released meanwhile gives `Gone`, never another's bytes.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if released, [`StoreError::NotFound`] if not yet written, [`StoreError::Damaged`].
    fn read_slot(&self, number: u64, offset: u64, length: usize) -> Result<Vec<u8>, StoreError>;

    /// Ends recovery: slot `last`, behind which the tail must end, is written again byte for byte,
    /// synced and read back, since a failed flush may leave bytes readable and not durable. The next slot is `last` + 1,
    /// or 0 for `None`, which is refused if the tail holds a slot.
    ///
    /// # Errors
    /// [`StoreError::Refused`] without the right to write or when `last` isn't the last slot; [`StoreError::Io`].
    fn open_tail(&self, last: Option<u64>) -> Result<(), StoreError>;

    /// Writes slot `slot`, the joined `parts`, without waiting for the disk. Several parts, so that nobody has to copy.
    /// Each ticket must be waited for: a local disk takes the next slot only after that.
    ///
    /// # Errors
    /// `Refused`, `TooLarge`, `Stopped`, `ReadOnly`, `NoRoom`: surely not recorded, and the number is still free.
    /// [`StoreError::Io`]: unknown, as [`Outcome::Unknown`], and every further write is refused.
    fn submit(&self, slot: u64, parts: &[&[u8]]) -> Result<Ticket, StoreError>;

    /// Waits until the slot is durable.
    fn wait(&self, ticket: Ticket) -> Outcome;

    /// Prepares room ahead of need, so that `submit` doesn't have to: for a slot of `length` bytes, or with 0 for as much as is usual. May
    /// be called from another thread at any time.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`]: what was prepared before still serves ([`room`](Self::room)). [`StoreError::Io`], after which writing
    /// is refused.
    fn prepare_next(&self, length: u64) -> Result<(), StoreError>;

    /// Bytes of the largest slot that finds room in what is prepared already. A slot that is being written has its place before.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn room(&self) -> Result<u64, StoreError>;

    /// Copies the torn slot at `number` to `quarantine/<number>-<SHA-256>`, durably, then overwrites it with zeros,
    /// durably. Gives the name. Where the header is bad it covers the largest slot length or the rest of the file.
    ///
    /// # Errors
    /// [`StoreError::Refused`] unless `number` is where the tail ends in a bad slot with no good one later, and before
    /// `open_tail` only.
    fn quarantine_slot(&self, number: u64) -> Result<String, StoreError>;

    /// Renames the orphan of an interrupted sealing into `quarantine/`, its SHA-256 in the name. Gives the new name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] for anything outside `sealed/`.
    fn quarantine_object(&self, name: &str) -> Result<String, StoreError>;

    /// Says that slots below `below` are no longer needed. What can't be given back without touching a needed slot stays.
    /// The bytes given back are overwritten before they are used again.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if `below` is larger than the last durable slot: a store always has a tail.
    fn release(&self, below: u64) -> Result<(), StoreError>;

    /// Makes the immutable object `sealed/…` from the joined `parts`. Durable when it returns. `retain_until` (seconds
    /// since 1970) is for a bucket's object lock; a local disk has no such thing and ignores it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a name that isn't `sealed/` and 1–[`limits::NAME_MAX`] of `A-Z a-z 0-9 . _ -`;
    /// [`StoreError::NoRoom`]: there is no such object.
    fn put_new(
        &self,
        name: &str,
        parts: &[&[u8]],
        retain_until: Option<u64>,
    ) -> Result<Put, StoreError>;

    /// Makes two objects that belong together, the first durable before the second has its name. Where other bytes stand under the first
    /// name, nothing is made and both are [`Put::Differs`].
    ///
    /// # Errors
    /// As [`Self::put_new`]. [`StoreError::NoRoom`], whichever of them it was for: neither was made.
    fn put_pair(&self, pair: [(&str, &[&[u8]]); 2]) -> Result<[Put; 2], StoreError>;

    /// `length` bytes from `offset` of an object, fewer only where it ends. `fresh`: from the disk, not from a cache.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Io`].
    fn read_at(
        &self,
        name: &str,
        offset: u64,
        length: usize,
        fresh: bool,
    ) -> Result<Vec<u8>, StoreError>;

    /// An object's length in bytes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Io`].
    fn size_of(&self, name: &str) -> Result<u64, StoreError>;

    /// Up to `limit` names beginning with `prefix` and greater than `after`, with lengths, sorted by name. The empty
    /// prefix lists whatever is there, known or not, one level deep; a directory where none belongs ends in `/`.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError>;

    /// Lengthens the retention of `sealed/…`; never shortens it. Without effect on a local disk.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    fn extend(&self, name: &str, retain_until: u64) -> Result<(), StoreError>;

    /// Writes `derived/…`, replacing what was there at once. Nothing derived is evidence.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for other names; [`StoreError::NoRoom`]: what was there still is; [`StoreError::Io`].
    fn put_derived(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// What the register holds. `None`: none configured ([`StoreInfo::register_configured`]) or nothing stored yet.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it isn't a register.
    fn register_read(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Replaces the register's content if it is `expected`, durably. Off the commit path: a failure here stops no write and may be
    /// tried again, after a look at what the register holds now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it holds something else; [`StoreError::Refused`] if none is configured.
    fn register_swap(&self, expected: Option<&[u8]>, new: &[u8]) -> Result<(), StoreError>;
}
