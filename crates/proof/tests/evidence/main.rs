//! What receipts and exports prove, and that nothing done to them passes.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod batches;
mod fork;
mod hostile;
mod log;
mod parsers;
mod past;
mod reports;
