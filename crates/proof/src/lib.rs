//! What an outsider needs to check an indelible log, and nothing else.
//!
//! Pure functions of bytes: no I/O, no clock, no randomness, no panic on any input; `no_std` with `alloc`, so that the same code
//! runs in the node, the command line and a browser. The pages under `docs/spec` say what each module accepts, byte by byte.
#![no_std]

extern crate alloc;

pub mod checkpoint;
pub mod event;
pub mod export;
pub mod genesis;
pub mod hash;
pub mod head;
pub mod key;
pub mod limits;
pub mod note;
pub mod origin;
pub mod pin;
pub mod receipt;
pub mod record;
pub mod time;
pub mod tree;
pub mod verdict;
pub mod verify;
