//! Bounds of the stored formats, each with its reason. The page is `docs/spec/limits.md`.

use indelible_proof::limits::INTEGER_MAX;

/// Records in a frame, which never crosses a multiple of it: a frame lies under one stored node of level 8.
pub const FRAME_RECORDS_MAX: u64 = 256;

/// Columns of a frame with more than one record: the unit that is read to show one record.
pub const FRAME_RAW_BYTES_MAX: usize = 256 << 10;

/// Columns of a frame with one record: an event of 16 MiB, its head, and room. Bounds what a decoder allocates.
pub const RECORD_RAW_BYTES_MAX: usize = 17 << 20;

/// Records of a log: `seq` is at most 2^53 − 1.
pub const SEQ_END: u64 = INTEGER_MAX + 1;

/// Capacity that a reused buffer keeps. Larger events are rare, and sixteen idle buffers should not hold sixteen of them.
pub const BUFFER_KEPT_BYTES: usize = 1 << 20;
