//! The `indelible` command line.
fn main() {}
