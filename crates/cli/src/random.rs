//! Random bytes from the system, for salts, ids and secrets.

use indelible_ledger::Random;

/// Fills the buffer.
///
/// # Panics
/// Where the system has no random numbers to give: nothing that needs any can go on, and a guessable salt is worse than a stop.
pub fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives random bytes");
}

/// An array of random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A source to hand to the ledger or the store.
pub fn source() -> Random {
    Box::new(fill)
}
