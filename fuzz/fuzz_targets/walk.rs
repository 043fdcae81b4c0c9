//! Walk files: one that holds is what it was made as, to the byte.

#![no_main]

use indelible_proof::hash;
use indelible_proof::verify::WalkFile;
use libfuzzer_sys::fuzz_target;

const CHECKPOINT: &[u8] = b"{\"checkpoint\":\"";
const END: &[u8] = b"{\"end\":1,\"sha256\":\"";

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
    // Up to the checkpoint, behind which are lines of keys that nobody asked about.
    let length = place_of(CHECKPOINT, bytes).expect("a walk ends with a checkpoint");
    for at in [length / 4, length / 2, length - 2] {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let read = WalkFile::read(&with_digest(&changed));
        assert!(
            !read.is_ok_and(|read| read.is_good() && read.head() == (size, root)),
            "byte {at} changed"
        );
    }
}

/// The file with the digest of its last line made right.
fn with_digest(file: &[u8]) -> Vec<u8> {
    let Some(at) = place_of(END, file) else {
        return file.to_vec();
    };
    let body = &file[..at];
    let digest = hash::sha256(body).to_string();
    [body, END, digest.as_bytes(), b"\"}\n"].concat()
}

/// Where it stands last.
fn place_of(text: &[u8], file: &[u8]) -> Option<usize> {
    file.windows(text.len()).rposition(|window| window == text)
}
