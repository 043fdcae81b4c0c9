//! Every bound of the wire, with its reason.

/// Events of one array: of small ones as many as the ledger records together, which is two megabytes with the fields of their heads.
pub const ARRAY_EVENTS_MAX: usize = 4_096;
/// Bytes of a request body that is one array: twice what is recorded together, since white space counts here and not there.
pub const ARRAY_BYTES_MAX: usize = 4 << 20;
/// Bytes of the answer to one request that a client reads at most: receipts of an array of the largest kind.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Bytes of one line of an answer to lines.
pub const ANSWER_LINE_BYTES_MAX: usize = 64 << 10;
