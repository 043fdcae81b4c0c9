//! Walk files: one that holds is what it was made as, to the byte.

#![no_main]

use indelible_fuzz::{checkpoint_at, is_in_signature, with_digest};
use indelible_proof::verify::WalkFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&with_digest(input));
});

fn check(bytes: &[u8]) {
    let Ok(file) = WalkFile::read(bytes) else {
        return;
    };
    let (size, root) = file.head();
    assert!(
        file.note().contains(&format!("\n{size}\n")),
        "the size stands in the checkpoint"
    );
    if !file.is_good() {
        return;
    }
    assert!(!file.walk().sets().is_empty(), "a walk begins with keys");
    // Not in the notes' signatures: among them may be lines of keys that nobody asked about.
    let length = checkpoint_at(bytes);
    let places = [length / 4, length / 2, length - 2].into_iter();
    for at in places.filter(|at| !is_in_signature(bytes, *at)) {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let read = WalkFile::read(&with_digest(&changed));
        assert!(
            !read.is_ok_and(|read| read.is_good() && read.head() == (size, root)),
            "byte {at} changed"
        );
    }
}
