//! Every bound of this crate, with its reason. `docs/spec/tail.md` repeats those that are part of the format.

/// Slots begin on multiples of this: the page size, and a multiple of every disk's sector in use.
pub const BLOCK: u64 = 4096;

/// The same as a buffer length.
pub const BLOCK_LEN: usize = 4096;

/// Framing before a slot's bytes.
pub const SLOT_HEADER_LEN: usize = 64;

/// The same as a distance in a file.
pub const SLOT_HEADER: u64 = 64;

/// Bytes of one slot: one record with an event of 16 MiB, twice over for framing that doesn't compress.
pub const SLOT_LENGTH_MAX: u64 = 32 << 20;

/// Smallest tail file: small enough for tests that fill several.
pub const TAIL_SIZE_MIN: u64 = 64 << 10;

/// Largest tail file: a start reads the last one whole, a second or two on a plain disk.
pub const TAIL_SIZE_MAX: u64 = 1 << 30;

/// Tail file numbers are written with 12 digits so that names sort as numbers.
pub const TAIL_NUMBER_MAX: u64 = 999_999_999_999;

/// One read of a scan, one write of zeros: large enough that system calls don't count, small enough to hold several.
pub const CHUNK: usize = 1 << 20;

/// Zeros that are written and not yet on the disk, at most: a few milliseconds of it.
pub const ZEROS_UNSYNCED_MAX: u64 = 4 << 20;

/// Ranges of left-over bytes listed at the end of the tail; more tell a reader nothing.
pub const UNUSED_RANGES_MAX: usize = 1024;

/// Recycled tail files kept ready: one in preparation, one for a burst.
pub const SPARES_MAX: usize = 2;

/// Characters of an object's name after its directory.
pub const NAME_MAX: usize = 120;

/// How often the same bytes can be set aside under the same name: each time a sealing was interrupted at the same place.
pub const QUARANTINE_TIMES: u32 = 99;

/// What a name gains in quarantine: a dash, two digits, a dash, 64 hexadecimal digits.
pub const QUARANTINE_SUFFIX: usize = 68;

/// `FORMAT`: fifteen lines, two of them paths (4096 bytes, percent-encoded).
pub const FORMAT_LEN_MAX: u64 = 32 << 10;

/// Bytes of an origin (C2SP length fields of one byte, room left).
pub const ORIGIN_MAX: usize = 200;

/// Bytes in the register: a batch header and a signature are 248, a checkpoint with cosignatures a few thousand.
pub const REGISTER_MAX: usize = 64 << 10;

/// How often the lock is asked for before it counts as held: [`crate::Store::writer_active`] of another process holds it
/// for an instant.
pub const LOCK_TRIES: u32 = 10;

/// Pause between two tries for the lock.
pub const LOCK_PAUSE_MS: u64 = 5;
