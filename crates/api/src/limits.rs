//! Every bound of the wire, with its reason.

/// Events of one array: with its answer it stays a few megabytes, and what is larger goes as lines.
pub const ARRAY_EVENTS_MAX: usize = 10_000;
/// Bytes of a request body that is one array: what fits one batch of the ledger, and the commas.
pub const ARRAY_BYTES_MAX: usize = 4 << 20;
/// Bytes of the answer to one request that a client reads at most: receipts of an array of the largest kind.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Bytes of one line of an answer to lines.
pub const ANSWER_LINE_BYTES_MAX: usize = 64 << 10;
