//! The project's own chores: test, tidy, bench, promises.
fn main() {}
