//! Whatever bytes come, a parser answers; and what it takes, it writes the same.

use crate::log::Log;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::event::EventReader;
use indelible_proof::export::{self, Content, Header, RecordLine};
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::Hash;
use indelible_proof::head::{Head, Own, Shared};
use indelible_proof::key::VerifierKey;
use indelible_proof::key_event::KeyEvent;
use indelible_proof::limits::EVENT_BYTES_DEFAULT;
use indelible_proof::node_event::NodeEvent;
use indelible_proof::note::Note;
use indelible_proof::origin::{self, Origin};
use indelible_proof::pin::Pin;
use indelible_proof::receipt::Receipt;
use indelible_proof::record::{Record, Salt, encode_line};
use indelible_proof::time::Time;
use indelible_proof::verify::WalkFile;
use indelible_proof::walk;
use proptest::prelude::*;
use std::hint::black_box;

/// Gives the bytes to every parser there is.
#[allow(
    unused_must_use,
    reason = "which answer comes is the matter of each parser's own tests"
)]
fn parse_all(bytes: &[u8]) {
    check_written_again(bytes);
    check_event(bytes);
    let values = (
        Hash::from_hex(bytes),
        Salt::parse(bytes),
        Time::parse(bytes),
    );
    let parts = (
        Shared::parse(bytes),
        Own::parse(bytes),
        NodeEvent::parse(bytes),
    );
    let notes = (Note::parse(bytes), Receipt::parse(bytes));
    let walk = (
        walk::parse_genesis(bytes),
        walk::Step::parse(bytes),
        walk::Header::parse(bytes),
        KeyEvent::parse(bytes, "acme.example/orders/00112233445566ff"),
    );
    black_box(WalkFile::read(bytes));
    let lines = (
        RecordLine::parse(bytes),
        export::parse_entries(bytes, 3, &mut Vec::new()),
    );
    let sides = (export::parse_left(bytes), export::parse_right(bytes));
    let last = (export::parse_checkpoint(bytes), export::parse_end(bytes));
    black_box((values, parts, notes, walk, lines, sides, last));
    if let Ok(text) = core::str::from_utf8(bytes) {
        let names = (origin::is_log_name(text), origin::is_node_origin(text));
        black_box((
            Checkpoint::parse(text),
            VerifierKey::parse(text),
            Origin::parse(text),
            names,
        ));
    }
}

fn check_event(bytes: &[u8]) {
    let mut reader = EventReader::new(EVENT_BYTES_DEFAULT);
    let mut kept = Vec::new();
    if reader.minify(bytes, &mut kept).is_ok() {
        assert_eq!(reader.check_stored(&kept), Ok(()));
    }
}

/// Texts that are unique: reading and writing gives the same bytes.
fn check_written_again(bytes: &[u8]) {
    let mut again = Vec::new();
    if let Ok(head) = Head::parse(bytes) {
        head.encode(&mut again);
        assert_eq!(again, bytes);
    }
    again.clear();
    if let Some(record) = Record::cut(bytes) {
        encode_line(
            record.head,
            record.content.map(|content| (content.salt, content.event)),
            &mut again,
        );
        assert_eq!(again, bytes);
    }
    again.clear();
    if let Some(genesis) = Genesis::parse(bytes) {
        genesis.encode(&mut again);
        assert_eq!(again, bytes);
    }
    again.clear();
    if let Ok(header) = Header::parse(bytes) {
        header.encode(&mut again);
        assert_eq!(again.strip_suffix(b"\n"), Some(bytes));
    }
    if let Ok(pin) = Pin::parse(bytes) {
        assert_eq!(
            pin.to_string().as_bytes(),
            bytes.strip_suffix(b"\n").unwrap_or(bytes)
        );
    }
}

/// Every text the formats have, to be cut and joined.
fn texts() -> Vec<Vec<u8>> {
    let log = Log::of(2);
    let mut texts: Vec<Vec<u8>> = log
        .whole()
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    texts.extend(log.records.iter().map(|record| record.head.clone()));
    texts.extend(log.records.iter().map(|record| record.event.clone()));
    texts.push(log.receipt(1, 3).into_bytes());
    texts.push(log.note(3).into_bytes());
    texts.push(log.pin().to_string().into_bytes());
    texts.push(log.export(1, 1, 3, Content::Heads));
    texts
}

#[test]
fn every_text_and_every_part_of_it_is_answered() {
    for text in texts() {
        for end in (0..text.len()).step_by(3) {
            parse_all(&text[..end]);
        }
        parse_all(&text);
    }
}

proptest! {
    #[test]
    fn random_bytes_are_answered(bytes: Vec<u8>) {
        parse_all(&bytes);
    }

    #[test]
    fn texts_cut_and_joined_are_answered(parts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4)) {
        let texts = texts();
        let joined: Vec<u8> = parts
            .iter()
            .flat_map(|(text, from, to)| {
                let text = &texts[text.index(texts.len())];
                let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
                text[from.min(to)..from.max(to)].to_vec()
            })
            .collect();
        parse_all(&joined);
    }
}
