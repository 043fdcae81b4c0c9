//! Batches made by hand, as somebody could who has the node's secret: heads, entries, trees, rows and signature all right, whatever the
//! records say.

use super::surgery::Slot;
use super::{BY, SECRET};
use indelible_ledger::format::batch::{BatchHeader, Row, rows_root, signed_message};
use indelible_ledger::format::frame::FrameBuilder;
use indelible_ledger::signer::NodeSecret;
use indelible_ledger::{Books, Log};
use indelible_proof::hash::{self, Hash};
use indelible_proof::head::{self, Kind, Own, Shared};
use indelible_proof::key_event::KeyEvent;
use indelible_proof::key_set::Recovery;
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;

/// Who makes the node's own records.
const OF_NODE: Shared<'static> = Shared {
    kind: Kind::Node,
    by: "node:b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
    via: "node/self",
    from: None,
    cert: None,
    policy: None,
    format: None,
};

/// Where a log ends.
#[derive(Clone)]
pub struct Edge {
    pub origin: String,
    pub id: Hash,
    pub prev: Hash,
    pub frontier: Frontier,
}

/// What one log adds to a batch.
#[derive(Clone)]
pub struct Part {
    pub row: Row,
    pub entries: Vec<Hash>,
    pub frames: Vec<u8>,
}

impl Edge {
    /// Where a log of the books ends.
    pub fn of(books: &Books, log: &Log) -> Edge {
        let entries = books.entries(log, 0..log.size()).unwrap();
        let mut frontier = Frontier::new();
        entries
            .iter()
            .for_each(|entry| frontier.push(hash::leaf(entry)));
        Edge {
            origin: log.origin().to_owned(),
            id: log.id(),
            prev: log.last_entry(),
            frontier,
        }
    }

    /// These records behind it, each a nanosecond after the one before.
    pub fn part(&mut self, time: Time, records: &[(Kind, &[u8])]) -> Part {
        let first = self.frontier.size();
        let mut frame = FrameBuilder::new();
        let mut entries = Vec::new();
        for (&(kind, event), seq) in records.iter().zip(first..) {
            let time = time.plus_nanos((seq - first).into()).unwrap();
            let (mut shared, mut own) = (Vec::new(), Vec::new());
            let by = if kind == Kind::Event {
                BY
            } else {
                Shared { kind, ..OF_NODE }
            };
            by.encode(&mut shared);
            Own::default().encode(&mut own);
            let salt = [0x5a; 16];
            let mut head = Vec::new();
            head::encode_start(&self.origin, &mut head);
            head.extend_from_slice(&shared);
            head.extend_from_slice(&own);
            head::encode_digest(&hash::digest("5a".repeat(16).as_bytes(), event), &mut head);
            head::encode_end(seq, &time.text(), &self.prev, &mut head);
            self.prev = hash::entry(&head);
            self.frontier.push(hash::leaf(&self.prev));
            entries.push(self.prev);
            frame.push(time, &shared, &own, &salt, event);
        }
        let mut frames = Vec::new();
        frame.finish_raw(first, &mut frames);
        let row = Row {
            log: self.id,
            first,
            count: u32::try_from(entries.len()).unwrap(),
            root: self.frontier.root(),
        };
        Part {
            row,
            entries,
            frames,
        }
    }
}

/// The bytes of a batch of these parts and notes, in the place of the one with this header.
pub fn batch(header: &BatchHeader, parts: &[Part], notes: &[String]) -> Vec<u8> {
    let rows: Vec<Row> = parts.iter().map(|part| part.row).collect();
    let mut noted = Vec::new();
    for note in notes {
        noted.extend_from_slice(&u32::try_from(note.len()).unwrap().to_be_bytes());
        noted.extend_from_slice(note.as_bytes());
    }
    let header = BatchHeader {
        mark: rows.is_empty(),
        rows: u32::try_from(rows.len()).unwrap(),
        notes_len: u32::try_from(noted.len()).unwrap(),
        rows_root: rows_root(&rows),
        notes_sha: hash::sha256(&noted),
        ..*header
    };
    let key = NodeSecret::new(SECRET).batch_key(&header.store);
    let header = header.encode();
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(&key.sign(&signed_message(&header)));
    rows.iter()
        .for_each(|row| bytes.extend_from_slice(&row.encode()));
    bytes.extend_from_slice(&noted);
    for part in parts {
        part.entries
            .iter()
            .for_each(|entry| bytes.extend_from_slice(&entry.0));
        bytes.extend_from_slice(&part.frames);
    }
    bytes
}

/// The header of a slot's batch.
pub fn header(slot: &Slot) -> BatchHeader {
    BatchHeader::decode(&slot.bytes).unwrap()
}

/// Other keys for a log, as its `key` record names them.
pub fn next_keys(origin: &str) -> Vec<u8> {
    let key = NodeSecret::new([0x77; 32]).log_key(origin);
    let key = key.verifier().to_string();
    let event = KeyEvent {
        is_recovery: false,
        generation: 1,
        keys: vec![&key],
        recovery: Recovery {
            threshold: 0,
            keys: Vec::new(),
        },
        batch_key: None,
    };
    let mut json = Vec::new();
    event.encode(&mut json);
    json
}
