//! The node on the network: listeners, identities, grants, and the way of an event from a socket to its receipt.
//!
//! # An event's life here
//!
//! `listen` accepts a connection from a network it takes peers from · `tls` agrees on keys and asks for a certificate · `identity` says
//! whose it is · `http` reads a request and finds what it is for · `grants` gives a permit or none · `intake` prepares the events,
//! hands them to the ledger and waits for the batch · `answer` signs, proves and writes what the producer is told.
//!
//! # Invariants
//!
//! - Nothing is done for somebody without a [`grants::Permit`], and only a decision makes one.
//! - Whatever is held for a request is counted before it is held; beyond the bounds of `limits` a request is refused, not queued.
//! - Async ends at the ledger's door: what may wait for a disk runs on threads of its own.
//! - A success is sent after the ledger said *durable*, with the receipt that proves it.

#![expect(
    clippy::result_large_err,
    reason = "a refusal ends a request, and its size costs nothing beside one"
)]

pub mod answer;
mod array;
pub mod body;
pub mod config;
pub mod counters;
pub mod denials;
pub mod grants;
mod health;
pub mod http;
pub mod identity;
pub mod intake;
pub mod limits;
pub mod listen;
pub mod network;
pub mod node;
pub mod policy;
mod problem;
pub mod rate;
pub mod reads;
pub mod run;
pub mod tls;

pub use node::Node;
