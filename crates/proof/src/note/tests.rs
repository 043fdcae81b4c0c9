use super::*;
use alloc::format;
use alloc::vec;
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;

const TEXT: &str = "example.org/log\n3\n";

fn secret(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn key(number: u8, name: &str) -> VerifierKey {
    VerifierKey::ed25519(name, secret(number).verifying_key().to_bytes())
}

/// A line by which the secret of this number signs `text` under the name.
fn line(number: u8, name: &str, text: &str) -> String {
    let mut line = String::new();
    let signature = secret(number).sign(text.as_bytes()).to_bytes();
    sign_line(name, key(number, name).id(), &signature, &mut line);
    line
}

fn note(lines: &[String]) -> String {
    format!("{TEXT}\n{}", lines.concat())
}

#[test]
fn a_note_is_verified_under_the_key_whose_line_it_has() {
    let note = note(&[
        line(1, "a", TEXT),
        line(2, "b", TEXT),
        line(3, "c", "another text\n"),
    ]);
    let note = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(note.text, TEXT);
    assert_eq!(note.signatures.len(), 3);
    assert_eq!(note.verify(&key(1, "a")), Signed::Ok);
    assert_eq!(note.verify(&key(2, "b")), Signed::Ok);
    assert_eq!(note.verify(&key(3, "c")), Signed::Invalid);
    assert_eq!(note.verify(&key(1, "b")), Signed::NoLine);
    assert_eq!(note.verify(&key(4, "a")), Signed::NoLine);
}

/// A witness's key of this number and name.
fn witness(number: u8, name: &str) -> VerifierKey {
    let public = secret(number).verifying_key().to_bytes();
    let key_type = KeyType::Ed25519Cosignature;
    let id = crate::key::id_hex(crate::key::key_id(name, key_type, &public));
    let base64 = strict_base64::encode(&[&[4], &public[..]].concat());
    VerifierKey::parse_cosigner(&format!("{name}+{id}+{base64}")).unwrap()
}

#[test]
fn a_witness_saw_a_note_only_by_a_line_with_its_name_and_its_key() {
    let message = format!("cosignature/v1\ntime 7\n{TEXT}");
    let signature = secret(1).sign(message.as_bytes()).to_bytes();
    let mut lines = String::new();
    let cosignature = [&7_u64.to_be_bytes()[..], &signature].concat();
    sign_line("a", witness(1, "a").id(), &cosignature, &mut lines);
    let note = note(&[lines]);
    let note = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(note.cosigned(&witness(1, "a")), Cosigned::At(7));
    assert_eq!(note.cosigned(&witness(2, "a")), Cosigned::NoLine);
    assert_eq!(note.cosigned(&witness(1, "b")), Cosigned::NoLine);
    // Its line is no signature by which a log vouches for the text, right or wrong.
    assert_eq!(note.verify(&witness(1, "a")), Signed::NoLine);
}

#[test]
fn a_line_under_the_id_of_a_key_must_be_its_signature() {
    let mut lines = String::new();
    sign_line("a", key(1, "a").id(), &[0; 64], &mut lines);
    let note = note(&[lines]);
    assert_eq!(
        Note::parse(note.as_bytes()).unwrap().verify(&key(1, "a")),
        Signed::Invalid
    );
}

#[test]
fn the_text_ends_at_the_last_empty_line() {
    let note = format!("a\n\nb\n\n{}", line(1, "a", "a\n\nb\n"));
    let note = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(note.text, "a\n\nb\n");
    assert_eq!(note.verify(&key(1, "a")), Signed::Ok);
}

#[test]
fn other_forms_are_refused() {
    let good = line(1, "a", TEXT);
    for (note, error) in [
        (String::new(), NoteError::NoSignatures),
        (TEXT.into(), NoteError::NoSignatures),
        (format!("{TEXT}{good}"), NoteError::NoSignatures),
        (note(&[good.trim_end().into()]), NoteError::NoSignatures),
        (note(&[]), NoteError::NoSignatures),
        (note(&["\n".into()]), NoteError::Line(1)),
        (note(&[good.clone(), "x\n".into()]), NoteError::Line(2)),
        (note(&[good.replace('\u{2014}', "-")]), NoteError::Line(1)),
        (note(&[good.replace(" a ", " ")]), NoteError::Line(1)),
        (note(&[good.replace(" a ", "  ")]), NoteError::Line(1)),
        (note(&[good.replace(" a ", " a+b ")]), NoteError::Line(1)),
        (
            note(&[good.replace(" a ", " a\u{A0}b ")]),
            NoteError::Line(1),
        ),
        (note(&[good.replace('=', "")]), NoteError::Line(1)),
        (note(&["\u{2014} a AAAAAA==\n".into()]), NoteError::Line(1)),
        (note(&[good.clone(), good.clone()]), NoteError::Repeated(2)),
        (note(&[good.replace('\n', "\r\n")]), NoteError::NotText),
        (
            note(core::slice::from_ref(&good)).replace("log", "l\tg"),
            NoteError::NotText,
        ),
    ] {
        assert_eq!(Note::parse(note.as_bytes()), Err(error), "{note:?}");
    }
    assert_eq!(Note::parse(b"\xFF\n\n"), Err(NoteError::NotText));
}

#[test]
fn lines_and_bytes_are_bounded() {
    let lines: Vec<String> = (0..65)
        .map(|number| format!("\u{2014} {number} AAAAAAA=\n"))
        .collect();
    assert_eq!(
        Note::parse(note(&lines[..64]).as_bytes())
            .unwrap()
            .signatures
            .len(),
        64
    );
    assert_eq!(
        Note::parse(note(&lines).as_bytes()),
        Err(NoteError::TooManyLines)
    );
    assert_eq!(
        Note::parse(&vec![b'a'; NOTE_BYTES_MAX + 1]),
        Err(NoteError::TooLarge)
    );
}

#[test]
fn a_post_quantum_line_is_told_by_its_length() {
    let mut lines = line(1, "a", TEXT);
    for (number, length) in (0..).zip([2_427, 2_428, 2_428, 2_429]) {
        sign_line("a", [number; 4], &vec![1; length], &mut lines);
    }
    sign_line("b", [9; 4], &[1; 2_428], &mut lines);
    let note = note(&[lines]);
    let note = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(note.ml_dsa_shaped_lines("a"), 2);
    assert_eq!(note.ml_dsa_shaped_lines("b"), 1);
    assert_eq!(note.ml_dsa_shaped_lines("c"), 0);
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_the_same(text in "[a\u{2014} \n+=A]{0,40}") {
        let whole = format!("{text}\n\n{}", line(1, "a", "x\n"));
        for note in [&text, &whole] {
            if let Ok(read) = Note::parse(note.as_bytes()) {
                prop_assert_eq!(&read.encode(), note);
            }
        }
    }
}
