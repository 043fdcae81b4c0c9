#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    reason = "tests stop where they are wrong"
)]

mod batch;
mod frame;
mod golden;
mod hostile;
mod pack;

use super::batch::{BatchHeader, Row, rows_root};
use super::frame::FrameBuilder;
use super::pack::{FrameRow, PackNote, Run, RunData};
use indelible_proof::hash::{self, Hash};
use indelible_proof::time::Time;
use indelible_proof::tree::Frontier;

const SECS: u64 = 1_795_428_000;
const STORE: [u8; 16] = *b"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f";
const WRITER: [u8; 16] = *b"\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f";
const ORIGIN: &str = "log.example.org/orders/00112233445566ff";
const NOTE: &[u8] = b"a note\n";
const SHARED: [&[u8]; 2] = [
    br#""kind":"event","by":"unix:1000","via":"cli/file""#,
    br#""kind":"event","by":"unix:1001","via":"cli/file""#,
];

fn time(secs: u64, nanos: u32) -> Time {
    Time::new(secs, nanos).unwrap()
}

fn filled(byte: u8) -> Hash {
    Hash([byte; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The frame that `golden::FRAME` writes down.
fn small_frame() -> Vec<u8> {
    let mut out = Vec::new();
    small_builder().finish_raw(4, &mut out);
    out
}

fn small_builder() -> FrameBuilder {
    let mut builder = FrameBuilder::new();
    let long = format!(r#"{{"b":"{}"}}"#, "x".repeat(130));
    let own = br#","occurred":"2026-11-23T10:00:00.000000000Z""#;
    builder.push(time(SECS, 5), SHARED[0], b"", &[1; 16], br#"{"a":1}"#);
    builder.push_absent(time(SECS, 6), SHARED[1], own, &filled(0xdd));
    builder.push(time(SECS + 1, 6), SHARED[0], b"", &[3; 16], long.as_bytes());
    builder
}

fn small_row() -> Row {
    Row {
        log: filled(0xaa),
        first: 4,
        count: 3,
        root: filled(0xbb),
    }
}

fn small_notes() -> Vec<u8> {
    [&7_u32.to_be_bytes(), NOTE].concat()
}

fn small_header() -> BatchHeader {
    BatchHeader {
        mark: false,
        store: STORE,
        number: 9,
        epoch: 2,
        writer: WRITER,
        rows: 1,
        notes_len: 11,
        prev: filled(0xcc),
        rows_root: rows_root(&[small_row()]),
        notes_sha: hash::sha256(&small_notes()),
        time: time(SECS + 2, 7),
    }
}

/// The batch that `golden::BATCH` is the hash of.
fn small_batch() -> Vec<u8> {
    let entries = [[1; 32], [2; 32], [3; 32]].concat();
    [
        &small_header().encode()[..],
        &[7; 64],
        &small_row().encode(),
        &small_notes(),
        &entries,
        &small_frame(),
    ]
    .concat()
}

fn small_run() -> RunData {
    let frame_len = small_frame().len() as u32;
    let run = Run {
        origin: ORIGIN.to_owned(),
        log: filled(0xaa),
        first: 4,
        count: 3,
        first_time: time(SECS, 5),
        last_time: time(SECS + 1, 6),
        prev_entry: filled(9),
        frontier_first: Frontier::from_parts(4, vec![filled(0x41)]).unwrap(),
        last_entry: filled(3),
        frontier_after: Frontier::from_parts(7, vec![filled(0x71), filled(0x72), filled(0x73)])
            .unwrap(),
        root: filled(0xbb),
        frames: 1,
        rec_at: 128,
        rec_len: u64::from(frame_len),
        notes: 1,
    };
    RunData {
        run,
        entries: vec![filled(1), filled(2), filled(3)],
        nodes: Vec::new(),
        commit_bits: vec![0b100],
        frames: vec![FrameRow {
            offset: 128,
            length: frame_len,
            count: 3,
            first: 4,
            time: time(SECS, 5),
        }],
        notes: vec![PackNote {
            hinge: false,
            text: NOTE.to_vec(),
        }],
    }
}

/// Every change of one bit or one whole byte.
fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len()).flat_map(move |at| {
        [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff]
            .into_iter()
            .map(move |mask| {
                let mut changed = bytes.to_vec();
                changed[at] ^= mask;
                (at, changed)
            })
    })
}
