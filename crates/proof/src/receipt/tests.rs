use super::*;
use crate::hash::{empty_root, sha256};
use alloc::format;
use alloc::vec;
use proptest::prelude::*;

const ORIGIN: &str = "acme.example/orders/00112233445566ff";

/// A note of good form, signed by nobody.
fn note(size: u64) -> String {
    let checkpoint = Checkpoint {
        origin: ORIGIN,
        size,
        root: empty_root(),
    };
    format!("{}\n\u{2014} {ORIGIN} AAAAAAA=\n", checkpoint.encode())
}

fn receipt(proof: &[Hash]) -> String {
    encode(b"{}", 7, proof, &note(9))
}

#[test]
fn a_receipt_has_the_form_of_a_tlog_proof() {
    let text = encode(b"{}", 7, &[empty_root()], &note(9));
    assert_eq!(
        text,
        format!(
            "c2sp.org/tlog-proof@v1\nextra e30=\nindex 7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n{}",
            note(9)
        )
    );
}

#[test]
fn what_was_written_is_read_again() {
    for length in [0, 1, 2, 62, 63] {
        let proof = vec![sha256(b"a"); length];
        let (text, note) = (receipt(&proof), note(9));
        let read = Receipt::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (read.head.as_slice(), read.index, &read.proof),
            (b"{}".as_slice(), 7, &proof)
        );
        assert_eq!(read.note, Note::parse(note.as_bytes()).unwrap());
        assert_eq!(read.checkpoint.size, 9);
    }
}

#[test]
fn the_first_wrong_line_is_named() {
    let good = receipt(&[sha256(b"a"), sha256(b"b")]);
    for (line, part) in [
        (0, Part::Line(1)),
        (1, Part::Line(2)),
        (2, Part::Line(3)),
        (3, Part::Line(4)),
        (4, Part::Line(5)),
        (5, Part::Line(6)),
        (6, Part::Checkpoint),
        (7, Part::Checkpoint),
        (8, Part::Checkpoint),
        (9, Part::Checkpoint),
        (10, Part::Checkpoint),
    ] {
        let changed: String = good
            .split_inclusive('\n')
            .enumerate()
            .map(|(number, text)| {
                if number == line {
                    format!("+{text}")
                } else {
                    text.into()
                }
            })
            .collect();
        assert_eq!(
            Receipt::parse(changed.as_bytes()),
            Err(part),
            "line {line} of {changed}"
        );
    }
}

#[test]
fn a_text_that_ends_too_early_is_malformed_at_the_line_that_is_missing() {
    let good = receipt(&[sha256(b"a")]);
    let mut kept = 0;
    for (number, line) in (1..).zip(good.split_inclusive('\n').take(5)) {
        for cut in kept..kept + line.len() {
            assert_eq!(
                Receipt::parse(&good.as_bytes()[..cut]),
                Err(Part::Line(number))
            );
        }
        kept += line.len();
    }
    // A letter of the note that is cut in two is no text at all.
    for cut in (kept..good.len()).filter(|cut| good.is_char_boundary(*cut)) {
        assert_eq!(
            Receipt::parse(&good.as_bytes()[..cut]),
            Err(Part::Checkpoint)
        );
    }
}

#[test]
fn bounds_are_kept() {
    let parse = |head: &[u8], index, proof: usize| {
        let text = encode(head, index, &vec![empty_root(); proof], &note(9));
        Receipt::parse(text.as_bytes()).map(|_| ())
    };
    assert_eq!(parse(b"", 0, 0), Err(Part::Line(2)));
    assert_eq!(parse(&[b'a'; 4_096], 0, 63), Ok(()));
    assert_eq!(parse(&[b'a'; 4_097], 0, 63), Err(Part::Line(2)));
    assert_eq!(parse(b"a", (1 << 53) - 1, 0), Ok(()));
    assert_eq!(parse(b"a", 1 << 53, 0), Err(Part::Line(3)));
    assert_eq!(parse(b"a", 0, 64), Err(Part::Line(67)));
    // What follows the title is read where the whole is not too long.
    for (length, line) in [(RECEIPT_BYTES_MAX, 2), (RECEIPT_BYTES_MAX + 1, 1)] {
        let mut text = b"c2sp.org/tlog-proof@v1\n".to_vec();
        text.resize(length, b'a');
        assert_eq!(Receipt::parse(&text), Err(Part::Line(line)));
    }
    assert_eq!(
        Receipt::parse(b"c2sp.org/tlog-proof@v1\n\xFF"),
        Err(Part::Line(1))
    );
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_the_same(head: Vec<u8>, index: u64, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70), at: prop::sample::Index, byte: u8) {
        let proof: Vec<Hash> = hashes.into_iter().map(Hash).collect();
        let mut text = encode(&head, index, &proof, &note(9)).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(read) = Receipt::parse(&text) {
            let note = core::str::from_utf8(&text).unwrap().split_once("\n\n").unwrap().1;
            prop_assert_eq!(encode(&read.head, read.index, &read.proof, note).into_bytes(), text);
        }
    }
}
