//! What an outsider needs to check an indelible log, and nothing else.
//!
//! Pure functions of bytes: no I/O, no clock, no randomness, no panic on any input; `no_std` with `alloc`, so that the same code
//! runs in the node, the command line and a browser. The pages under `docs/spec` say what each module accepts, byte by byte.
#![no_std]
// No input may stop a verifier: what could panic is refused where it is written. Arithmetic is not in the list, because sums of
// places in one slice can't overflow and the lint does not see that; sums of numbers from outside are checked by hand.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::unreachable, clippy::as_conversions)]

extern crate alloc;

pub mod checkpoint;
mod cursor;
pub mod event;
pub mod export;
pub mod genesis;
#[allow(clippy::indexing_slicing, reason = "constant places in arrays of constant size, and a table of 256 looked up by a byte")]
pub mod hash;
pub mod head;
pub mod key;
pub mod limits;
pub mod node_event;
pub mod note;
pub mod origin;
pub mod pin;
pub mod receipt;
pub mod record;
pub mod time;
pub mod tree;
pub mod verdict;
pub mod verify;
