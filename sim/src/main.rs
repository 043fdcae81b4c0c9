//! The simulation: ledger and store on a simulated disk, under simulated clocks, for simulated callers, all from one number.
//!
//! A *history* is what happens on one node between two moments: callers send and send again, packs are sealed and merged, keys rotate,
//! readers read, the clock is set, the disk fails, lies, fills and rots, the power goes. Everything is drawn from the history's seed and happens in
//! one thread, so the same seed is the same history to the byte. An independent model ([`model`]) remembers what callers were told and
//! judges what is there afterwards.
//!
//! Owns chance, disk, clocks, callers and the judgement. What runs is the shipped engine on the shipped local store: no part of either
//! is replaced. How it is used, what it covers and what it does not: `docs/simulation.md`.
#![allow(
    clippy::disallowed_methods,
    reason = "this program is the disk, and the one who damages it"
)]

mod callers;
mod claims;
mod clock;
mod clones;
mod command;
mod damage;
mod dice;
mod disk;
mod history;
mod injury;
mod layout;
mod model;
mod opening;
mod reading;
mod recovery;
mod rot;
mod snapshot;
mod streams;
mod tree;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command::Asked::parse(&arguments) {
        Ok(asked) => command::run(&asked),
        Err(why) => {
            eprintln!("{why}\nhint: [--seed N] [--histories N] [--minutes N] [--story]");
            ExitCode::from(2)
        }
    }
}
