use super::*;
use crate::hash::sha256;
use alloc::format;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";

/// A note of good form, signed by nobody.
fn note() -> String {
    let checkpoint = Checkpoint {
        origin: ORIGIN,
        size: 9,
        root: sha256(b"root"),
    };
    format!("{}\n\u{2014} {ORIGIN} AAAAAAA=\n", checkpoint.encode())
}

fn tree_head(size: u64) -> TreeHead {
    let root = sha256(b"another root");
    TreeHead { size, root }
}

fn head_at(size: u64, before: Option<&[u8]>, after: Option<&[u8]>, hashes: &[Hash]) {
    let time = Time::parse(b"2026-11-23T10:02:03.123456789Z").unwrap();
    let (note, size) = (note(), tree_head(size));
    let text = encode_head_at(&time, &size, before, after, hashes, &note);
    let Ok(Proof::HeadAt(read)) = Proof::parse(text.as_bytes()) else {
        panic!("{text}");
    };
    assert_eq!((read.time, read.size), (time, size));
    assert_eq!(
        (read.before.as_deref(), read.after.as_deref()),
        (before, after)
    );
    assert_eq!(
        (read.hashes.as_slice(), read.note_text),
        (hashes, note.as_str())
    );
    assert_eq!(read.checkpoint.size, 9);
}

#[test]
fn a_head_at_a_time_is_read_as_it_was_written() {
    let hashes = [sha256(b"a"), sha256(b"b")];
    head_at(5, Some(b"before"), Some(b"after"), &hashes);
    head_at(9, Some(b"before"), None, &hashes);
    head_at(0, None, Some(b"after"), &[]);
    head_at(0, None, None, &[]);
}

#[test]
fn a_consistency_proof_is_read_as_it_was_written() {
    let (between, after) = ([sha256(b"a")], [sha256(b"b"), sha256(b"c")]);
    let (from, to, note) = (tree_head(3), tree_head(7), note());
    let text = encode_consistency(&from, &to, &between, &after, &note);
    let Ok(Proof::Consistency(read)) = Proof::parse(text.as_bytes()) else {
        panic!("{text}");
    };
    assert_eq!((read.from, read.to), (from, to));
    assert_eq!(
        (read.between.as_slice(), read.to_checkpoint.as_slice()),
        (&between[..], &after[..])
    );
    assert_eq!(read.note_text, note);
}

#[test]
fn a_proof_is_read_up_to_its_largest_size() {
    let read = |length: usize| {
        let mut text = b"indelible-head-at-v1\n".to_vec();
        text.resize(length, b'x');
        Proof::parse(&text).unwrap_err()
    };
    assert_eq!(read(RECEIPT_BYTES_MAX), Integrity::Malformed(Part::Line(2)));
    assert_eq!(
        read(RECEIPT_BYTES_MAX + 1),
        Integrity::Malformed(Part::Line(1))
    );
}
