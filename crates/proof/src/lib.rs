//! What an outsider needs to check an indelible log, and nothing else.
//!
//! Pure functions of bytes: no I/O, no clock, no randomness, no panic on any input; `no_std` with `alloc`, so that the same code
//! runs in the node, the command line and a browser. The pages under `docs/spec` say what each module accepts, byte by byte.
//!
//! # What to trust
//!
//! One line that somebody you trust gave you, once: the [`pin`], which names a log and its key; or a [`trust`] file, which also says
//! which witnesses must have seen what the log signed. Everything else may come from
//! anybody, the log's operator included:
//!
//! | you hold | it proves |
//! | --- | --- |
//! | a record line | nothing by itself: head, salt and event can be made up together |
//! | a receipt and the pin | who held the key signed a tree in which this head has this place |
//! | the record line too | and that this is the event the head commits to |
//! | a batch receipt, its records and the pin | the same for all of them, one after the other, and each one's own receipt |
//! | a consistency proof and the pin | that the tree of one size begins with that of another, and the signed one with both |
//! | a head at a time and the pin | which records the log had by then, by its own clock |
//! | an export and the pin | the same for every record of a range, and that none is missing between them |
//!
//! It does not prove that what an event says is true, that its `time` is right (the node asserts it), or that no second history was
//! signed for somebody else: for that, checkpoints have to be compared.
//!
//! # How to verify
//!
//! [`verify`] does all of it and answers with a [`verdict`] of five axes, never with one boolean, and says what it looked at:
//!
//! ```
//! use indelible_proof::{pin::Pin, verify::verify_receipt};
//!
//! let pin = Pin::parse(b"indelible-pin-v1 ffc83bc017a18625244c1017eaf0bb16622b1a79614f982745055a67a4b2c99e log.example.org/orders/00112233445566ff+7e017747+AVQmMu7tESF3jwfR60kqMFjrlhbIQri518O+3KV1fXtY")?;
//! let receipt = "\
//! c2sp.org/tlog-proof@v1
//! extra eyJpbmRlbGlibGUiOjEsImxvZyI6ImxvZy5leGFtcGxlLm9yZy9vcmRlcnMvMDAxMTIyMzM0NDU1NjZmZiIsImtpbmQiOiJldmVudCIsImJ5Ijoic3BpZmZlOi8vYWNtZS9wYXltZW50cyIsInZpYSI6ImluZ2VzdC9odHRwIiwiZGlnZXN0IjoiN2FiOWYxY2IzOGVjMDFlMmI3MzM1YjVlMjU5YTc4NDJjNGE2MzcyNzJiMDIyN2YzZDBiYzZmZDhhOTI4MTY0YSIsInNlcSI6MSwidGltZSI6IjIwMjYtMTEtMjNUMTA6MDA6MDEuMDAwMDAwMDAwWiIsInByZXYiOiJmZmM4M2JjMDE3YTE4NjI1MjQ0YzEwMTdlYWYwYmIxNjYyMmIxYTc5NjE0Zjk4Mjc0NTA1NWE2N2E0YjJjOTllIn0=
//! index 1
//! VIindLkRdCl7WydXZ2u6ovXbx6YdSNFa7Ti5Ebso5cU=
//!
//! log.example.org/orders/00112233445566ff
//! 2
//! 1NYPPZNM41JWLcRMhrl0JBBCMA5OjlVbDS5yz2gkUYg=
//!
//! — log.example.org/orders/00112233445566ff fgF3RwNhX5lg1TI8KA18ziJEmOGOmoax6yaq2qVs2XlSzMJUGdBL/fYR+Cd38Pv+xHtZXdEzbLCxbFyzQyRxzRXT6wg=
//! ";
//!
//! let report = verify_receipt(receipt.as_bytes(), Some(&pin), None);
//! assert_eq!(
//!     report.verdict.to_string(),
//!     "integrity: ok\n\
//!      authenticity: ok\n\
//!      consistency: unchecked\n\
//!      witnesses: none asked\n\
//!      completeness: selective: proves nothing about the rest"
//! );
//! assert_eq!(report.verdict.exit_code(), 0);
//! assert_eq!(report.checked.range, Some((1, 1)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An export, which may be larger than memory, is fed to a [`verify::ExportVerifier`] in pieces. The steps can also be done by hand,
//! because a record is hashed as the bytes it is made of:
//!
//! ```
//! use indelible_proof::{event::EventReader, hash, head::Head, limits::EVENT_BYTES_MAX, record::Record};
//!
//! let line = br#"{"head":{"indelible":1,"log":"acme.example/orders/00112233445566ff","kind":"event","by":"unix:1000","via":"cli/file","digest":"843ef5e2aea1d79d65ccee176c09998e0a94a2ff9689a3c9b20b187fd194f188","seq":1,"time":"2026-11-23T10:00:00.000000000Z","prev":"9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e"},"salt":"000102030405060708090a0b0c0d0e0f","event":{"order":1}}"#;
//!
//! let record = Record::cut(line).ok_or("malformed")?;
//! let content = record.content.ok_or("only the head is here")?;
//! let head = Head::parse(record.head)?;
//! EventReader::new(EVENT_BYTES_MAX).check_stored(content.event)?;
//!
//! // printf %s "$SALT$EVENT" | sha256sum
//! assert_eq!(hash::digest(content.salt, content.event), head.digest);
//! // printf %s "$HEAD" | sha256sum: what the tree holds, and the `prev` of the next head
//! let entry = hash::entry(record.head);
//! assert_eq!(entry.to_string(), "5e09578e5c1978253a89f3bcb17e8c47c088f39b11020ddd4a6a547387abbd09");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! Every bound stands in [`limits`] with its reason. Memory is bounded by one event and its names, for an export by its longest line
//! and 256 records; time is linear in the input, and n log n in the names of one object.
#![no_std]
// No input may stop a verifier: what could panic is refused where it is written. Arithmetic is not in the list, because sums of
// places in one slice can't overflow and the lint does not see that; sums of numbers from outside are checked by hand.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::unreachable,
    clippy::as_conversions
)]

extern crate alloc;

pub mod batch_receipt;
pub mod checkpoint;
mod cursor;
pub mod event;
pub mod export;
mod find;
pub mod genesis;
#[allow(
    clippy::indexing_slicing,
    reason = "constant places in arrays of constant size, and a table of 256 looked up by a byte"
)]
pub mod hash;
pub mod head;
pub mod key;
pub mod key_event;
pub mod key_set;
pub mod limits;
mod lines;
pub mod memory;
pub mod node_event;
pub mod note;
pub mod origin;
pub mod pin;
pub mod policy;
pub mod prove;
pub mod receipt;
pub mod record;
mod strict_base64;
pub mod tile;
pub mod time;
pub mod tree;
pub mod trust;
pub mod verdict;
pub mod verify;
pub mod walk;
